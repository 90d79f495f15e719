//! Two moments compared, cell by cell.

use jiff::Timestamp;

use crate::model::cell::{Cell, Handling, StateChange};
use crate::model::health::{Health, Reason};
use crate::model::text::Clean;

/// What became of a cell between two moments.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// Worse than before.
    Worse,
    /// Bad, and how it stood before is not recorded.
    Stands,
    /// Somebody had it, nobody has now, and it is still bad.
    RanOut,
    /// Better than before, or well again.
    Better,
    /// Worse meanwhile, and as before again.
    Meanwhile,
}

impl Sort {
    /// All, in the order in which they are told.
    pub const ALL: [Self; 5] =
        [Self::Worse, Self::Stands, Self::RanOut, Self::Better, Self::Meanwhile];

    /// In words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Worse => "became worse",
            Self::Stands => "is bad, and how it stood before is not recorded",
            Self::RanOut => "nobody has it any more",
            Self::Better => "became better",
            Self::Meanwhile => "worse meanwhile, as before again",
        }
    }
}

/// The worst of a cell between two moments, by its changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Course {
    /// The worst change.
    pub worst: Option<(Health, Timestamp, Clean)>,
    /// How many there were.
    pub changes: u32,
}

impl Course {
    /// Takes a change, the oldest first.
    pub fn take(&mut self, change: &StateChange) {
        self.changes = self.changes.saturating_add(1);
        if self.worst.as_ref().is_none_or(|(health, ..)| change.to > *health) {
            self.worst = Some((change.to, change.at, change.why.clone()));
        }
    }
}

/// What is told of a cell that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// What became of it.
    pub sort: Sort,
    /// The worst that it was meanwhile, where that is worse than both ends.
    pub worst: Option<(Health, Timestamp, Clean)>,
    /// Who had it before and has it no more, while it is still bad.
    pub ran_out: Option<Handling>,
}

/// Whether nothing is known of a cell then.
#[must_use]
pub fn is_not_recorded(cell: &Cell) -> bool {
    cell.reason == Some(Reason::NotRecorded)
}

/// Compares a cell at two moments; `None` where there is nothing to tell. That a cell followed from
/// another is told with its cause, not by itself.
#[must_use]
pub fn compare(before: &Cell, after: &Cell, course: &Course) -> Option<Compared> {
    let follows = |cell: &Cell| cell.follows_from.is_some();
    if is_not_recorded(before) || is_not_recorded(after) {
        // A trouble that stands is told, whatever was before it.
        let stands = !is_not_recorded(after) && after.health.is_trouble() && !follows(after);
        return stands.then_some(Compared { sort: Sort::Stands, worst: None, ran_out: None });
    }
    let (from, to) = (before.health, after.health);
    if to == Health::NotSubscribed {
        // Given up is not mended.
        return None;
    }
    let ends = from.max(to);
    let worst = course.worst.clone().filter(|(health, ..)| *health > ends && health.is_trouble());
    let lost = before.handling.clone().filter(|_| to.is_trouble() && after.handling.is_none());
    let ran_out = lost.filter(|_| !follows(after));
    let sort = match from.cmp(&to) {
        std::cmp::Ordering::Less if to.is_trouble() => Sort::Worse,
        std::cmp::Ordering::Greater if from.is_trouble() => Sort::Better,
        _ if ran_out.is_some() => Sort::RanOut,
        _ if worst.is_some() => Sort::Meanwhile,
        _ => return None,
    };
    let only_followed = match sort {
        Sort::Worse => follows(after),
        Sort::Better => follows(before),
        Sort::Stands | Sort::RanOut | Sort::Meanwhile => false,
    };
    (!only_followed).then_some(Compared { sort, worst, ran_out })
}
