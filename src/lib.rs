//! caretaker: a terminal operations console for a schools' ICT support desk.
//!
//! The rooms and who may import whom stand in `docs/ARCHITECTURE.md`; `tests/tidy.rs` enforces them.

pub mod agent;
pub mod app;
pub mod cli;
pub mod config;
pub mod directory;
pub mod doors;
pub mod engine;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
pub mod guard;
pub mod hub;
pub mod ledger;
pub mod link;
pub mod model;
pub mod ports;
pub mod secrets;
pub mod services;
pub mod simulators;
pub mod store;
pub mod sys;
pub mod telemetry;
pub mod tickets;
pub mod transport;
pub mod tui;
pub mod wire;
