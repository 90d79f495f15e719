//! Cells, their counters and the worst-first order. Knows no rule of judging.

use std::num::NonZeroU32;

use jiff::Timestamp;

use crate::engine::cell;
use crate::engine::moment::Moment;
use crate::model::cell::{Cause, Cell, Handling, HandlingKind, Part, Split, Summary};
use crate::model::health::{Health, Reason};
use crate::model::ids::Laestab;
use crate::model::text::Clean;

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

/// A cell in a third of its usual size: at the stress size there are 168,000.
#[derive(Debug, Clone)]
struct Kept {
    why: Clean,
    since: Option<Moment>,
    state_since: Option<Moment>,
    handling: Option<Box<Handling>>,
    /// Place among the causes, from 1.
    cause: Option<NonZeroU32>,
    health: Health,
    reason: Option<Reason>,
    marks: u8,
}

const SOFT: u8 = 1;
const FLAPPING: u8 = 2;
const QUIET: u8 = 4;

impl Kept {
    fn new(cell: Cell, cause: Option<NonZeroU32>) -> Self {
        Self {
            why: cell.why,
            since: cell.since.map(Moment::of),
            state_since: cell.state_since.map(Moment::of),
            handling: cell.handling.map(Box::new),
            cause,
            health: cell.health,
            reason: cell.reason,
            marks: u8::from(cell.soft) * SOFT
                + u8::from(cell.flapping) * FLAPPING
                + u8::from(cell.quiet) * QUIET,
        }
    }
}

/// The matrix: one row per school and a last one for the estate.
///
/// Invariant: the counters equal a recount of all cells but the estate's.
#[derive(Debug, Default)]
pub struct Board {
    columns: usize,
    places: Vec<Place>,
    cells: Vec<Kept>,
    /// What cells follow from: a few for each service.
    causes: Vec<Cause>,
    /// One byte a cell, so that a row's worst is found without touching the cells.
    marks: Vec<u8>,
    worst: Vec<Health>,
    parts: Vec<Part>,
    summary: Summary,
    schools: Summary,
    split: Split,
    /// One second-stamp a cell, for the same reason.
    since: Vec<i64>,
    /// One key a school, and which of them are out of date.
    keys: Vec<u128>,
    is_stale: Vec<bool>,
    moved: bool,
    sorted: Vec<(u128, u32)>,
    order: Vec<Laestab>,
}

const UNASKED: u8 = 32;
const HANDLED: u8 = 16;
const FOLLOWS: u8 = 8;
/// Somebody has it, or it follows: what makes a cell wait for others in the order.
const BEHIND: u8 = HANDLED + FOLLOWS;

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
    let unasked = if cell::is_unasked(cell) { UNASKED } else { 0 };
    health + handled + follows + unasked
}

fn health(mark: u8) -> Health {
    Health::ALL.get(usize::from(mark & 7)).copied().unwrap_or_default()
}

fn part(mark: u8) -> Part {
    Part::of(health(mark), mark & UNASKED != 0, mark & HANDLED != 0, mark & FOLLOWS != 0)
}

/// How early a cell stands in the order, by what stands before its age: the smallest first.
fn class(mark: u8) -> u8 {
    match mark & 7 {
        0 => 0x41,
        1 => 0x40,
        h => (mark & BEHIND) + (4 - h),
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
            cells: vec![Kept::new(Cell::default(), None); rows * columns],
            causes: Vec::new(),
            marks: vec![0; rows * columns],
            worst: vec![Health::NotSubscribed; rows],
            parts: vec![Part::NotSubscribed; rows],
            split: Split { not_subscribed: schools, ..Split::default() },
            summary: Summary { not_subscribed: count, ..Summary::default() },
            schools: Summary { not_subscribed: schools, ..Summary::default() },
            since: vec![i64::MAX; rows * columns],
            keys: vec![0; places.len()],
            is_stale: vec![true; places.len()],
            moved: true,
            sorted: Vec::new(),
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
    pub fn cell(&self, row: usize, column: usize) -> Option<Cell> {
        let kept = self.kept(row, column)?;
        Some(Cell {
            health: kept.health,
            reason: kept.reason,
            why: kept.why.clone(),
            since: kept.since.map(Moment::time),
            state_since: kept.state_since.map(Moment::time),
            soft: kept.marks & SOFT != 0,
            flapping: kept.marks & FLAPPING != 0,
            quiet: kept.marks & QUIET != 0,
            handling: kept.handling.as_deref().cloned(),
            follows_from: self.cause_of(kept).cloned(),
        })
    }

    /// Health and reason of a cell, and what it follows from.
    pub(super) fn trouble(
        &self,
        row: usize,
        column: usize,
    ) -> Option<(Health, Option<Reason>, Option<&Cause>)> {
        let kept = self.kept(row, column)?;
        Some((kept.health, kept.reason, self.cause_of(kept)))
    }

    /// Whether a cell's health was confirmed, and somebody had looked.
    pub(super) fn is_certain(&self, row: usize, column: usize) -> bool {
        let unasked = self.marks.get(row * self.columns + column).is_none_or(|m| m & UNASKED != 0);
        !unasked && self.kept(row, column).is_some_and(|kept| kept.marks & SOFT == 0)
    }

    /// Whether planned work is under way on a cell.
    pub(super) fn is_in_downtime(&self, row: usize, column: usize) -> bool {
        let handling = self.kept(row, column).and_then(|kept| kept.handling.as_deref());
        handling.is_some_and(|h| h.kind == HandlingKind::Downtime)
    }

    fn kept(&self, row: usize, column: usize) -> Option<&Kept> {
        if column >= self.columns { None } else { self.cells.get(row * self.columns + column) }
    }

    fn cause_of(&self, kept: &Kept) -> Option<&Cause> {
        self.causes.get(usize::try_from(kept.cause?.get() - 1).ok()?)
    }

    /// The number of a cause, a new one if it has none.
    fn cause_number(&mut self, cause: &Cause) -> Option<NonZeroU32> {
        let known = self.causes.iter().position(|c| c == cause);
        let place = known.unwrap_or_else(|| {
            self.causes.push(cause.clone());
            self.causes.len() - 1
        });
        u32::try_from(place + 1).ok().and_then(NonZeroU32::new)
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

    /// Schools by their part of the board.
    #[must_use]
    pub fn split(&self) -> Split {
        self.split
    }

    /// Puts a cell in its place, counts, and leaves the order to be sorted when it is read.
    pub fn put(&mut self, row: usize, column: usize, cell: Cell) {
        let index = row * self.columns + column;
        if column >= self.columns {
            return;
        }
        let cause = cell.follows_from.as_ref().and_then(|cause| self.cause_number(cause));
        let (Some(old), Some(old_mark), Some(old_since)) =
            (self.cells.get_mut(index), self.marks.get_mut(index), self.since.get_mut(index))
        else {
            return;
        };
        let (new_mark, new_since) =
            (mark(&cell), cell.since.map_or(i64::MAX, Timestamp::as_second));
        *old = Kept::new(cell, cause);
        let before = std::mem::replace(old_mark, new_mark);
        let since = std::mem::replace(old_since, new_since);
        let Some(is_stale) = self.is_stale.get_mut(row) else { return };
        if before == new_mark && since == new_since {
            return;
        }
        *is_stale = true;
        self.moved = true;
        if before != new_mark {
            *self.summary.of_mut(health(before)) -= 1;
            *self.summary.of_mut(health(new_mark)) += 1;
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
        let first = marks.iter().map(|m| part(*m)).min().unwrap_or_default();
        if let Some(part) = self.parts.get_mut(row)
            && *part != first
        {
            *self.split.of_mut(*part) -= 1;
            *self.split.of_mut(first) += 1;
            *part = first;
        }
    }

    /// Schools, worst first; sorted now if anything moved since it was last read.
    pub fn order(&mut self) -> &[Laestab] {
        if self.moved {
            self.moved = false;
            for row in 0..self.places.len() {
                if self.is_stale.get(row).copied().unwrap_or(false) {
                    let key = self.key(row);
                    if let (Some(k), Some(s)) = (self.keys.get_mut(row), self.is_stale.get_mut(row))
                    {
                        (*k, *s) = (key, false);
                    }
                }
            }
            self.sorted.clear();
            self.sorted.extend(self.keys.iter().copied().zip(0..));
            self.sorted.sort_unstable();
            self.order.clear();
            let places = &self.places;
            let rows = self.sorted.iter().map(|(_, row)| *row as usize);
            self.order.extend(rows.filter_map(|row| Some(places.get(row)?.laestab)));
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
        let times = self.since.get(start..start + self.columns).unwrap_or_default();
        let since = marks.iter().zip(times).filter(|(m, _)| class(**m) == first);
        let since = since.map(|(_, s)| *s).min().unwrap_or(i64::MAX);
        // Timestamps reach from -3.8e11 to 2.6e11 seconds: 40 bits hold them, and their absence.
        let since = since.clamp(-(1 << 39), (1 << 39) - 1).saturating_add(1 << 39).unsigned_abs();
        let pupils = u128::from(!place.map_or(0, |p| p.pupils));
        key | (pupils << 72) | (u128::from(since) << 32) | rank
    }
}
