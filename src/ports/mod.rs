//! Traits between rooms. Never an implementation.

pub mod accounts;
pub mod act;
pub mod chance;
pub mod clock;
pub mod doorbell;
pub mod known;
pub mod ledger;
pub mod people;
pub mod program;
pub mod secrets;
pub mod store;
pub mod tickets;
pub mod vendor_audit;
pub mod watch;
