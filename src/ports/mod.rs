//! Traits between rooms. Never an implementation.

pub mod clock;
pub mod people;
pub mod secrets;
pub mod store;
pub mod watch;
