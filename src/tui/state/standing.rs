//! How a row stands: what puts it where it is in the order, and into which count.

use crate::wire::Health;
use crate::wire::board::{CompactCell, SchoolRow};

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

/// The class that one cell puts its row into.
fn class_of(cell: &CompactCell) -> Class {
    if cell.health.is_trouble() {
        match (&cell.follows_from, &cell.handling) {
            (Some(_), _) => Class::Follows,
            (None, Some(_)) => Class::Somebody,
            (None, None) => Class::Nobody,
        }
    } else if cell.health == Health::Ok {
        Class::Ok
    } else {
        Class::NotSetUp
    }
}

impl Standing {
    /// How these cells stand together: the first class, in it the worst health, in that the oldest.
    #[must_use]
    pub fn of(cells: &[CompactCell]) -> Self {
        let blank =
            Self { class: Class::NotSetUp, health: Health::NotSubscribed, since: None, column: 0 };
        (0_u16..)
            .zip(cells)
            .map(|(column, cell)| Self {
                class: class_of(cell),
                health: cell.health,
                since: cell.since,
                column,
            })
            .min_by_key(|s| (s.class, std::cmp::Reverse(s.health), s.since.unwrap_or(i64::MAX)))
            .unwrap_or(blank)
    }

    /// The order among rows; reach in pupils before age, the name's rank last.
    #[must_use]
    pub fn place(&self, row: &SchoolRow, rank: u32) -> (u8, u8, u32, i64, u32) {
        let class = u8::try_from(self.class.index()).unwrap_or(u8::MAX);
        let health = u8::try_from(4 - self.health.index().min(4)).unwrap_or(u8::MAX);
        // Rows that are well are read by name.
        if matches!(self.class, Class::Ok | Class::NotSetUp) {
            return (class, 0, 0, 0, rank);
        }
        let reach = u32::MAX - row.pupils.unwrap_or_default();
        (class, health, reach, self.since.unwrap_or(i64::MAX), rank)
    }
}

/// The column whose cell decides a row.
#[must_use]
pub fn worst_column(cells: &[CompactCell]) -> usize {
    usize::from(Standing::of(cells).column)
}

/// Rows by class, and those that nobody has by health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    class: [u32; 5],
    nobody: [u32; 5],
}

impl Counts {
    /// Rows of a class.
    #[must_use]
    pub fn of(&self, class: Class) -> u32 {
        self.class.get(class.index()).copied().unwrap_or_default()
    }

    /// Rows whose worst, which nobody has, is this.
    #[must_use]
    pub fn nobody(&self, health: Health) -> u32 {
        self.nobody.get(health.index()).copied().unwrap_or_default()
    }

    pub(super) fn add(&mut self, standing: &Standing) {
        self.change(standing, |n| *n += 1);
    }

    pub(super) fn remove(&mut self, standing: &Standing) {
        self.change(standing, |n| *n = n.saturating_sub(1));
    }

    fn change(&mut self, standing: &Standing, by: impl Fn(&mut u32)) {
        if let Some(n) = self.class.get_mut(standing.class.index()) {
            by(n);
        }
        if standing.class == Class::Nobody
            && let Some(n) = self.nobody.get_mut(standing.health.index())
        {
            by(n);
        }
    }
}
