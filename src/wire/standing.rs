//! How a row stands: what puts it where it is in the order, and into which count.

use crate::wire::board::CompactCell;
use crate::wire::{Health, Part, Split};

/// The parts of the board, in their order: worst that nobody has first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Trouble of its own that nobody has.
    Nobody,
    /// All its own trouble is somebody's.
    Somebody,
    /// Its only trouble follows from elsewhere.
    Follows,
    /// Well.
    Ok,
    /// Takes nothing, or is not set up: neither well nor in trouble.
    NotSetUp,
}

impl Class {
    /// All, in order.
    pub const ALL: [Self; 5] =
        [Self::Nobody, Self::Somebody, Self::Follows, Self::Ok, Self::NotSetUp];

    /// Position in [`Self::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::Nobody => 0,
            Self::Somebody => 1,
            Self::Follows => 2,
            Self::Ok => 3,
            Self::NotSetUp => 4,
        }
    }

    /// How many schools stand in it.
    #[must_use]
    pub fn count(self, split: &Split) -> u32 {
        match self {
            Self::Nobody => split.critical + split.unknown + split.warning + split.unasked,
            Self::Somebody => split.somebody,
            Self::Follows => split.follows,
            Self::Ok => split.ok,
            Self::NotSetUp => split.not_subscribed,
        }
    }
}

impl From<Part> for Class {
    fn from(part: Part) -> Self {
        match part {
            Part::Critical | Part::Unknown | Part::Warning | Part::Unasked => Self::Nobody,
            Part::Somebody => Self::Somebody,
            Part::Follows => Self::Follows,
            Part::Ok => Self::Ok,
            Part::NotSubscribed => Self::NotSetUp,
        }
    }
}

/// How a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its part of the board.
    pub class: Class,
    /// The worst health within that part.
    pub health: Health,
    /// When that trouble began, seconds since 1970.
    pub since: Option<i64>,
    /// The column of that cell.
    pub column: u16,
}

impl Standing {
    /// How these cells stand together: the first class, in it the worst health, in that the oldest.
    #[must_use]
    pub fn of(cells: &[CompactCell]) -> Self {
        Self::worst(cells.iter().map(|cell| (cell.part(), cell.health, cell.since)))
    }

    /// The same of the part, health and beginning of each cell.
    #[must_use]
    pub fn worst(cells: impl Iterator<Item = (Part, Health, Option<i64>)>) -> Self {
        let blank =
            Self { class: Class::NotSetUp, health: Health::NotSubscribed, since: None, column: 0 };
        (0_u16..)
            .zip(cells)
            .map(|(column, (part, health, since))| Self {
                class: part.into(),
                health,
                since,
                column,
            })
            .min_by_key(|s| (s.class, std::cmp::Reverse(s.health), s.since.unwrap_or(i64::MAX)))
            .unwrap_or(blank)
    }

    /// The order among rows; reach in pupils before age, the name's rank last.
    #[must_use]
    pub fn place(&self, pupils: Option<u32>, rank: u32) -> (u8, u8, u32, i64, u32) {
        let class = u8::try_from(self.class.index()).unwrap_or(u8::MAX);
        let health = u8::try_from(4 - self.health.index().min(4)).unwrap_or(u8::MAX);
        // Rows that are well are read by name.
        if matches!(self.class, Class::Ok | Class::NotSetUp) {
            return (class, 0, 0, 0, rank);
        }
        let reach = u32::MAX - pupils.unwrap_or_default();
        (class, health, reach, self.since.unwrap_or(i64::MAX), rank)
    }
}

/// The column whose cell decides a row.
#[must_use]
pub fn worst_column(cells: &[CompactCell]) -> usize {
    usize::from(Standing::of(cells).column)
}
