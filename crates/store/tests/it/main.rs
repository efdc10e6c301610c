//! The store, on each kind of database.

mod backup;
mod changes;
mod databases;
mod inventory;
mod keys;
mod open;
mod outage;
mod passwords;
mod records;
mod secure;
mod server;
mod sharing;
mod spoken;
mod verified;
