//! Scheduler, routes, changes as server-sent events. Never decides health.
//!
//! [`Agent::start`] takes the estate, the watchers, a store and a clock, and serves the board on a
//! Unix socket until [`RunningAgent::stop`].

mod accounts;
mod changes;
mod days;
mod diff;
mod guarded;
mod handling;
mod handover;
mod incidents;
mod known;
mod metrics;
mod openapi;
mod past;
mod peers;
mod problem;
mod reconciling;
mod recording;
mod reloads;
mod replay;
mod report;
mod routes;
mod running;
mod runs;
mod schedule;
mod serve;
mod settings;
mod socket;
mod stream;
mod tickets;
mod training;

pub use replay::{RunningReplay, play};
pub use running::{Agent, AgentError, RunningAgent};
pub use settings::{AgentSettings, Concurrency, Limits};
pub use socket::Reserved;
pub use training::TrainingDesk;
