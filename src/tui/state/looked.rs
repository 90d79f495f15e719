//! What is new since whoever sits here last looked.
//!
//! Somebody was away when no key was pressed for [`AWAY`], or the console did not run. What became worse
//! meanwhile is asked of the agent once, and stays marked until its row is opened or somebody has it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::wire::board::Row;
use crate::wire::past::{Diff, Sort};

/// A pause without a key after which somebody was away.
pub const AWAY: SignedDuration = SignedDuration::from_mins(10);

/// When somebody looked, and what has become worse since.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Looked {
    last: Option<Timestamp>,
    asked: Option<Timestamp>,
    new: BTreeSet<Row>,
}

impl Looked {
    /// Looked last at `last`, as it was kept.
    #[must_use]
    pub fn since(last: Option<Timestamp>) -> Self {
        Self { last, ..Self::default() }
    }

    /// When a key was last pressed.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// Somebody looks, by the agent's clock: the moment from which news are to be asked for, if they
    /// were away.
    pub fn looks(&mut self, now: Timestamp) -> Option<Timestamp> {
        let before = self.last.replace(now)?;
        let was_away = now.duration_since(before) >= AWAY;
        if was_away {
            self.new.clear();
            self.asked = Some(before);
        }
        self.asked.filter(|_| was_away)
    }

    /// What the agent told of the time from `from` on; an answer that was not waited for says nothing.
    /// How many rows are new, if it was.
    pub fn told(&mut self, from: Timestamp, diff: &Diff) -> Option<usize> {
        if self.asked != Some(from) {
            return None;
        }
        self.asked = None;
        let worse =
            diff.cells.iter().filter(|c| c.sort == Sort::Worse && c.after.health.is_trouble());
        self.new = worse.map(|c| c.cell.row).collect();
        Some(self.new.len())
    }

    /// Its page was opened.
    pub fn opened(&mut self, row: Row) {
        self.new.remove(&row);
    }

    /// Whether something there became worse while nobody looked.
    #[must_use]
    pub fn is_new(&self, row: Row) -> bool {
        self.new.contains(&row)
    }
}
