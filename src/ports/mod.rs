//! Traits between rooms. Never an implementation.

pub mod clock;
pub mod secrets;
pub mod store;
pub mod watch;
