//! What we own and who may do what: numbers, trunks, agents.
//!
//! An [`Inventory`] is what is written down; a [`Directory`] is the immutable snapshot that calls are routed by.
//! [`did`] finds the called number in an INVITE, [`admission`] decides over a call that comes in, [`permission`] over one that is to
//! leave, and [`Refusal`] is the one place that turns a reason into a status code.

pub mod admission;
mod carriers;
mod country;
pub mod did;
mod directory;
mod e164;
mod inventory;
mod password;
pub mod permission;
mod prefixes;
mod principal;
mod printing;
mod refusal;
#[cfg(feature = "schema")]
mod schema;
mod secret;
mod usage;
mod warnings;

pub use admission::{AgentSource, Route, admit_inbound, agent_with_room, assigned_agent};
pub use country::{AllowedCountries, Country, CountryError, Destination, DestinationError};
pub use did::{Called, Did, DidOrigin};
pub use directory::Directory;
pub use e164::{E164, E164Error};
pub use inventory::{
    Agent, DidSource, Endpoint, Fault, Gateway, Identity, Inbound, Inventory, MediaEncryption, Number,
    NumberFormat, NumberSource, NumberStatus, Outbound, Redirections, Ringback, Settings, Special, Transport,
    Trunk, TrunkLimits, TrunkSource, Verified, is_passable,
};
pub use password::{Kept, Octets, Password};
pub use permission::{Asked, Denial, Permit, permit_outbound};
pub use principal::{Account, Login, Principal};
pub use refusal::Refusal;
pub use secret::{Secret, SecretEnv, SecretFile};
pub use usage::{
    Idle, Limits, Load, NodeState, Others, Spoke, Spoken, Starts, Subject, Talk, Tally, Usage, Used,
};
pub use warnings::warnings;
