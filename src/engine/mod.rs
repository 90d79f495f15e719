//! The rules of the board: events in, effects out. Pure: no IO, no clock, never waits.
//!
//! Invariant: the same events at the same times always give the same board.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::cell::{Cell, CheckView, Handling, Row, StateChange, Summary};
use crate::model::estate::Estate;
use crate::model::ids::{CheckId, Laestab, ServiceKey};
use crate::model::kept::{KeptCell, KeptMemory};
use crate::model::observation::{Observation, Target};

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
    /// Somebody has a cell, or no longer.
    Handled {
        /// Where.
        row: Row,
        /// Which service.
        service: ServiceKey,
        /// How; `None` to give it back.
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
    /// A check learned something worth keeping for ever.
    Remember(KeptMemory),
    /// Rows or columns changed: clients must fetch the board again.
    Reset,
    /// Every configured check has now been tried once since the start.
    Settled,
}

/// The whole board and what judged it.
pub struct World {
    estate: Arc<Estate>,
    revision: u64,
    blank: Cell,
}

impl World {
    /// A world in which nothing has been seen yet. `revision` is the last one that was ever given.
    #[must_use]
    pub fn new(estate: Arc<Estate>, _now: Timestamp, revision: u64) -> Self {
        Self { estate, revision, blank: Cell::default() }
    }

    /// The configuration.
    #[must_use]
    pub fn estate(&self) -> &Arc<Estate> {
        &self.estate
    }

    /// Only grows; one step that changes any cell adds one.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether every configured check has been tried once since the start.
    #[must_use]
    pub fn settled(&self) -> bool {
        false
    }

    /// Cells of all schools by health, kept incrementally.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary::default()
    }

    /// Schools by their worst cell, kept incrementally.
    #[must_use]
    pub fn schools_summary(&self) -> Summary {
        Summary::default()
    }

    /// When the clock alone next changes something; the hub ticks then at the latest.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        None
    }

    /// A cell; a blank one for a row or column that does not exist.
    #[must_use]
    pub fn cell(&self, _row: Row, _column: u16) -> &Cell {
        &self.blank
    }

    /// The checks of a cell with their evidence.
    #[must_use]
    pub fn checks(&self, _row: Row, _column: u16) -> Vec<CheckView> {
        Vec::new()
    }

    /// One check.
    #[must_use]
    pub fn check(&self, _target: Target, _check: &CheckId) -> Option<CheckView> {
        None
    }

    /// Schools, worst first: nobody has it before somebody has it, then health, reach in pupils,
    /// age, name. Sorted when read, if anything changed.
    pub fn order(&mut self) -> &[Laestab] {
        &[]
    }

    /// How many schools' cells of this service stand in the same trouble (same health and cause).
    #[must_use]
    pub fn elsewhere(&self, _row: Row, _column: u16) -> u32 {
        0
    }

    /// The columns of this row that follow from `column`.
    #[must_use]
    pub fn affects(&self, _row: Row, _column: u16) -> Vec<u16> {
        Vec::new()
    }
}

/// One event at one moment. Time never goes back: an earlier `at` counts as the latest one.
pub fn step(_world: &mut World, _at: Timestamp, _event: Event) -> Vec<Effect> {
    Vec::new()
}
