//! What outlives the process: the last known board, and what a check remembers of better days.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::cell::{Cell, Handling, Row};
use crate::model::ids::{CheckId, ServiceKey};
use crate::model::observation::{Number, Target};

/// A cell as it was last written.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptCell {
    /// Where.
    pub row: Row,
    /// Which service.
    pub service: ServiceKey,
    /// As it stood.
    pub cell: Cell,
}

/// A hold on a cell that has not begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPlan {
    /// When it begins.
    pub from: Timestamp,
    /// Where.
    pub row: Row,
    /// Which service.
    pub service: ServiceKey,
    /// How somebody has it then.
    pub handling: Handling,
}

/// What a check remembers: kept for ever, because the vendors show a few days only.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Memory {
    /// The last good run or data that we ever saw.
    pub good_at: Option<Timestamp>,
    /// The counts of the last good day, for the rule of sudden drops.
    pub baseline: Vec<Number>,
    /// When the baseline was taken.
    pub baseline_at: Option<Timestamp>,
}

/// An answer to a check whose runs are kept: that somebody looked, and the last good run that it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRun {
    /// About whom.
    pub target: Target,
    /// Which check.
    pub check: CheckId,
    /// When we had the answer.
    pub seen_at: Timestamp,
    /// The last run that ended well; none if the answer tells of none.
    pub run: Option<Timestamp>,
}

/// Runs that ended well, as we saw them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KnownRuns {
    /// When each was, newest first.
    pub runs: Vec<Timestamp>,
    /// From when to when somebody looked without a gap, newest first: a run that would lie in one of
    /// these and is not in the list did not end well.
    pub watched: Vec<(Timestamp, Timestamp)>,
}

/// A check's memory and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptMemory {
    /// About whom.
    pub target: Target,
    /// Which check.
    pub check: CheckId,
    /// What it remembers.
    pub memory: Memory,
}
