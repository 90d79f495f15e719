//! The rules of the board: events in, effects out. Pure: no IO, no clock, never waits.
//!
//! Invariant: the same events at the same times always give the same board.

mod before;
mod board;
mod cell;
mod change;
mod fall;
mod flap;
mod follow;
mod hold;
mod hours;
pub mod incidents;
mod judge;
mod mend;
mod moment;
mod plan;
mod planned;
mod state;
#[cfg(test)]
mod tests;
mod timers;
mod told;
mod traits;
mod why;
mod world;

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::cell::{Handling, Row, StateChange};
use crate::model::estate::Estate;
use crate::model::ids::ServiceKey;
use crate::model::kept::{KeptCell, KeptMemory};
use crate::model::observation::Observation;

/// Everything that happens.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Time passed.
    Tick,
    /// A connector saw something (or failed to: an unknown is an observation too).
    Observed(Observation),
    /// Another configuration: schools, subscriptions, checks. Kept cells stay where they still exist.
    Configured(Arc<Estate>),
    /// What the store remembers, at the start. Restored cells keep their health and `since` until
    /// their checks have been tried, or until their freshness limit.
    Restored {
        /// When the board was last written.
        written_at: Timestamp,
        /// Last known cells.
        cells: Vec<KeptCell>,
        /// Memories of checks.
        memories: Vec<KeptMemory>,
    },
    /// Somebody has a cell, or will have it, or no longer.
    Handled {
        /// Where.
        row: Row,
        /// Which service.
        service: ServiceKey,
        /// When that begins; at once if that is past, or `None`.
        from: Option<Timestamp>,
        /// How; `None` to give it back, and whatever was planned for it.
        handling: Option<Handling>,
    },
}

/// What follows from a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A cell is drawn differently now; read it with [`World::cell`].
    Changed {
        /// Where.
        row: Row,
        /// Index of its service.
        column: u16,
    },
    /// A hard change of health, for history.
    History {
        /// Where.
        row: Row,
        /// What changed.
        change: StateChange,
    },
    /// No news, but kept for the past: a cell that nobody had judged before is well or
    /// was never seen, or one is not taken any more.
    Noted {
        /// Where.
        row: Row,
        /// From nothing to well, or to not taken.
        change: StateChange,
    },
    /// A check learned something worth keeping for ever.
    Remember(KeptMemory),
    /// What is planned is another list now: to be kept whole.
    Planned,
    /// Rows or columns changed: clients must fetch the board again.
    Reset,
    /// Every configured check has now been tried once since the start.
    Settled,
}

pub use board::{Board, Place};
pub use change::step;
pub use world::World;
