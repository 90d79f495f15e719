//! SQLite behind the store port. Never decides.
//!
//! `board.db` holds the last known board, the memories of checks and the history of states. One
//! thread writes it; what waits for that thread is a map from cell to newest state, so that the
//! queue is bounded by the number of cells.

mod desk;
mod examine;
mod incidents;
mod ledger;
mod pack;
mod past;
mod queue;
mod read;
mod runs;
mod schema;
mod sqlite;
#[cfg(test)]
mod tests;
mod unkept;
mod writer;

pub use examine::{Examined, examine};
pub use ledger::SqliteLedger;
pub use sqlite::SqliteStore;
pub use unkept::Unkept;
