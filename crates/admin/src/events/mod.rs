//! What happens, as it happens: calls, and changes of what is owned.

mod inventory;
mod ring;
mod stream;

pub(crate) use self::inventory::follow;
pub use self::ring::Events;

pub(crate) use self::stream::stream;
