//! Cells, their counters and the worst-first order. Knows no rule of judging.

use jiff::Timestamp;

use crate::model::cell::{Cell, Summary};
use crate::model::health::Health;
use crate::model::ids::Laestab;

/// What the order needs of a school.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Key.
    pub laestab: Laestab,
    /// Position of its name among all names.
    pub rank: u32,
    /// Pupils; 0 if not known.
    pub pupils: u32,
}

/// The matrix: one row per school and a last one for the estate.
///
/// Invariant: the counters equal a recount of all cells but the estate's.
#[derive(Debug, Default)]
pub struct Board {
    columns: usize,
    places: Vec<Place>,
    cells: Vec<Cell>,
    /// One byte a cell, so that a row's worst is found without touching the cells.
    marks: Vec<u8>,
    worst: Vec<Health>,
    summary: Summary,
    schools: Summary,
    keys: Vec<(u128, u32)>,
    stale_rows: Vec<u32>,
    is_stale: Vec<bool>,
    order: Vec<Laestab>,
}

const HANDLED: u8 = 16;
const FOLLOWS: u8 = 8;

fn mark(cell: &Cell) -> u8 {
    let health = match cell.health {
        Health::NotSubscribed => 0,
        Health::Ok => 1,
        Health::Warning => 2,
        Health::Unknown => 3,
        Health::Critical => 4,
    };
    let handled = if cell.handling.is_some() { HANDLED } else { 0 };
    let follows = if cell.follows_from.is_some() { FOLLOWS } else { 0 };
    health | handled | follows
}

fn health(mark: u8) -> Health {
    Health::ALL.get(usize::from(mark & 7)).copied().unwrap_or_default()
}

/// How early a cell stands in the order, by what stands before its age: the smallest first.
fn class(mark: u8) -> u8 {
    match mark & 7 {
        0 => 0x41,
        1 => 0x40,
        h => (mark & (HANDLED | FOLLOWS)) | (4 - h),
    }
}

impl Board {
    /// A board of blank cells.
    #[must_use]
    pub fn new(places: Vec<Place>, columns: usize) -> Self {
        let rows = places.len() + 1;
        let count = u32::try_from(places.len() * columns).unwrap_or(u32::MAX);
        let schools = u32::try_from(places.len()).unwrap_or(u32::MAX);
        Self {
            columns,
            cells: vec![Cell::default(); rows * columns],
            marks: vec![0; rows * columns],
            worst: vec![Health::NotSubscribed; rows],
            summary: Summary { not_subscribed: count, ..Summary::default() },
            schools: Summary { not_subscribed: schools, ..Summary::default() },
            keys: (0..schools).map(|row| (0, row)).collect(),
            stale_rows: (0..schools).collect(),
            is_stale: vec![true; places.len()],
            order: Vec::new(),
            places,
        }
    }

    /// How many schools.
    #[must_use]
    pub fn schools(&self) -> usize {
        self.places.len()
    }

    /// The cell of a row (the estate's is the last) and a column.
    #[must_use]
    pub fn cell(&self, row: usize, column: usize) -> Option<&Cell> {
        if column >= self.columns { None } else { self.cells.get(row * self.columns + column) }
    }

    /// Cells by health.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.summary
    }

    /// Schools by their worst cell.
    #[must_use]
    pub fn schools_summary(&self) -> Summary {
        self.schools
    }

    /// Puts a cell in its place, counts, and leaves the order to be sorted when it is read.
    pub fn put(&mut self, row: usize, column: usize, cell: Cell) {
        let index = row * self.columns + column;
        if column >= self.columns {
            return;
        }
        let (Some(old), Some(old_mark)) = (self.cells.get_mut(index), self.marks.get_mut(index))
        else {
            return;
        };
        let new_mark = mark(&cell);
        let before = *old_mark;
        let moved = before != new_mark || old.since != cell.since;
        *old = cell;
        *old_mark = new_mark;
        let Some(is_stale) = self.is_stale.get_mut(row) else { return };
        if !moved {
            return;
        }
        if !*is_stale {
            *is_stale = true;
            self.stale_rows.push(u32::try_from(row).unwrap_or(u32::MAX));
        }
        let (was, is) = (health(before), health(new_mark));
        if was != is {
            *self.summary.of_mut(was) -= 1;
            *self.summary.of_mut(is) += 1;
            self.recount_row(row);
        }
    }

    fn recount_row(&mut self, row: usize) {
        let start = row * self.columns;
        let marks = self.marks.get(start..start + self.columns).unwrap_or_default();
        let now = health(marks.iter().map(|m| m & 7).max().unwrap_or(0));
        if let Some(worst) = self.worst.get_mut(row)
            && *worst != now
        {
            *self.schools.of_mut(*worst) -= 1;
            *self.schools.of_mut(now) += 1;
            *worst = now;
        }
    }

    /// Schools, worst first; sorted now if anything moved since it was last read.
    pub fn order(&mut self) -> &[Laestab] {
        if !self.stale_rows.is_empty() {
            let mut fresh: Vec<(u128, u32)> = Vec::with_capacity(self.keys.len());
            for (key, row) in std::mem::take(&mut self.keys) {
                let stale = self.is_stale.get(row as usize).copied().unwrap_or(false);
                fresh.push((if stale { self.key(row as usize) } else { key }, row));
            }
            for row in self.stale_rows.drain(..) {
                if let Some(s) = self.is_stale.get_mut(row as usize) {
                    *s = false;
                }
            }
            fresh.sort_unstable();
            self.keys = fresh;
            self.order.clear();
            let places = &self.places;
            self.order.extend(
                self.keys.iter().filter_map(|(_, row)| Some(places.get(*row as usize)?.laestab)),
            );
        }
        &self.order
    }

    /// All that the order compares, in one number: nobody has it before somebody has it, own
    /// trouble before what follows, health, pupils, age, name.
    fn key(&self, row: usize) -> u128 {
        let start = row * self.columns;
        let marks = self.marks.get(start..start + self.columns).unwrap_or_default();
        let first = marks.iter().map(|m| class(*m)).min().unwrap_or(0x41);
        let place = self.places.get(row);
        let rank = u128::from(place.map_or(0, |p| p.rank));
        let key = u128::from(first) << 104;
        if first >= 0x40 {
            return key | rank;
        }
        let cells = self.cells.get(start..start + self.columns).unwrap_or_default();
        let since = marks.iter().zip(cells).filter(|(m, _)| class(**m) == first);
        let since = since.filter_map(|(_, c)| c.since).min().unwrap_or(Timestamp::MAX);
        // Timestamps reach from -3.8e11 to 2.6e11 seconds: 40 bits hold them.
        let since = since.as_second().saturating_add(1 << 39).unsigned_abs();
        let pupils = u128::from(!place.map_or(0, |p| p.pupils));
        key | (pupils << 72) | (u128::from(since) << 32) | rank
    }
}
