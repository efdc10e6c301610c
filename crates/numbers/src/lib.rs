//! What we own and who may do what: numbers, trunks, agents.
//!
//! An [`Inventory`] is what is written down; a [`Directory`] is the immutable snapshot that calls are routed by.
//! [`did`] finds the called number in an INVITE, [`admission`] decides over the call, and [`Refusal`] is the one
//! place that turns a reason into a status code.

pub mod admission;
mod country;
pub mod did;
mod directory;
mod e164;
mod inventory;
mod prefixes;
mod refusal;
mod secret;
mod warnings;

pub use admission::{AgentSource, Limits, NodeState, Route, Usage, admit_inbound};
pub use country::{AllowedCountries, Country, CountryError, Destination, DestinationError};
pub use did::{Called, Did, DidOrigin};
pub use directory::Directory;
pub use e164::{E164, E164Error};
pub use inventory::{
    Agent, DidSource, Endpoint, Fault, Gateway, Identity, Inbound, Inventory, MediaEncryption, Number,
    NumberFormat, NumberSource, NumberStatus, Outbound, Redirections, Ringback, Settings, Special, Transport,
    Trunk, TrunkLimits, TrunkSource, is_passable,
};
pub use refusal::Refusal;
pub use secret::{Secret, SecretEnv, SecretFile};
