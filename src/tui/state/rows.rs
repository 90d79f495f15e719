//! The rows of the board, by index: cells as they stand, the order as it was last sorted.
//!
//! Invariant: a change of a cell costs the same with 250 rows and 24,000; only sorting looks at all.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::{Class, Standing};
use crate::wire::board::{
    AgentInfo, Board, CellChange, Column, CompactCell, Row, RowFacts, SchoolRow, Summary,
};
use crate::wire::filter::Filter;
use crate::wire::replay::Replay;
use crate::wire::{Handling, Laestab, NotWatched, Split};

/// A board that came, and what changed since.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// Who answers.
    pub agent: AgentInfo,
    /// Columns.
    pub columns: Vec<Column>,
    /// The estate's cells.
    pub estate: Vec<CompactCell>,
    /// Every configured check has been tried since the agent's start.
    pub settled: bool,
    /// Until settled: when this, the last known board, was written.
    pub restored_from: Option<Timestamp>,
    /// Set while these are only the first rows, of so many.
    pub first_of: Option<u32>,
    /// Set where this is a recording that is played.
    pub replay: Option<Replay>,
    /// Totals of the agent: cells by health.
    pub summary: Summary,
    /// Totals of the agent: schools by their worst cell.
    pub schools_summary: Summary,
    /// Totals of the agent: schools by their part of the board.
    pub split: Split,
    /// Gaps.
    pub not_watched: Vec<NotWatched>,
    schools: Vec<SchoolRow>,
    by_laestab: HashMap<Laestab, u32>,
    rank: Vec<u32>,
    now: Vec<Standing>,
    sorted: Vec<Standing>,
    order: Vec<u32>,
    starts: [usize; 6],
    waiting: usize,
    /// Cells that somebody has for a time: its end in seconds since 1970, row, column.
    runs_out: BTreeSet<(i64, Row, u16)>,
}

impl Rows {
    /// From a whole board. Sorts names once, for integer ranks.
    #[must_use]
    pub fn new(board: Board) -> Self {
        let mut schools = board.schools;
        for row in &mut schools {
            row.cells.resize(board.columns.len(), CompactCell::default());
        }
        let mut estate = board.estate;
        estate.resize(board.columns.len(), CompactCell::default());
        let indices = || (0_u32..).zip(&schools);
        let mut by_name: Vec<_> =
            indices().map(|(n, s)| (s.name.as_str().to_lowercase(), s.laestab, n)).collect();
        by_name.sort_unstable();
        let mut rank = vec![0; schools.len()];
        for (r, (_, _, n)) in (0_u32..).zip(by_name) {
            if let Some(slot) = rank.get_mut(index(n)) {
                *slot = r;
            }
        }
        let now: Vec<_> = schools.iter().map(|s| Standing::of(&s.cells)).collect();
        let mut rows = Self {
            agent: board.agent,
            columns: board.columns,
            estate,
            settled: board.settled,
            restored_from: board.restored_from,
            first_of: board.first_of,
            replay: board.replay,
            summary: board.summary,
            schools_summary: board.schools_summary,
            split: board.split,
            not_watched: board.not_watched,
            by_laestab: indices().map(|(n, s)| (s.laestab, n)).collect(),
            sorted: now.clone(),
            order: indices().map(|(n, _)| n).collect(),
            schools,
            rank,
            now,
            starts: [0; 6],
            waiting: 0,
            runs_out: BTreeSet::new(),
        };
        rows.runs_out = rows.all_that_runs_out();
        rows.sort();
        rows
    }

    /// Puts one changed cell in its place. `false` if there is no such cell.
    pub fn apply(&mut self, change: CellChange) -> bool {
        let CellChange { row, column, cell } = change;
        let at = match row {
            Row::Estate => None,
            Row::School(laestab) => self.by_laestab.get(&laestab).copied().map(index),
        };
        let cells = match (row, at) {
            (Row::Estate, _) => &mut self.estate,
            (_, Some(n)) => match self.schools.get_mut(n) {
                Some(school) => &mut school.cells,
                None => return false,
            },
            (_, None) => return false,
        };
        let Some(slot) = cells.get_mut(usize::from(column)) else { return false };
        let (was, is) = (end_of(slot), end_of(&cell));
        *slot = cell;
        let new = Standing::of(cells);
        if was != is {
            was.map(|end| self.runs_out.remove(&(end, row, column)));
            self.runs_out.extend(is.map(|end| (end, row, column)));
        }
        let found = at.and_then(|n| Some((self.now.get_mut(n)?, self.sorted.get(n)?)));
        if let Some((now, sorted)) = found {
            let moved = |s: &Standing| (s.class, s.health) != (sorted.class, sorted.health);
            self.waiting = self.waiting + usize::from(moved(&new)) - usize::from(moved(now));
            *now = new;
        }
        true
    }

    /// Sorts again, worst first; nothing waits afterwards.
    pub fn sort(&mut self) {
        self.sorted.clone_from(&self.now);
        self.waiting = 0;
        let mut keyed: Vec<_> = (0_u32..)
            .zip(self.schools.iter().zip(self.now.iter().zip(&self.rank)))
            .map(|(n, (row, (standing, rank)))| (standing.place(row.pupils, *rank), n))
            .collect();
        keyed.sort_unstable();
        self.order = keyed.into_iter().map(|(_, n)| n).collect();
        let mut start = 0;
        self.starts = [0; 6];
        for class in Class::ALL {
            start += self.now.iter().filter(|s| s.class == class).count();
            if let Some(slot) = self.starts.get_mut(class.index() + 1) {
                *slot = start;
            }
        }
    }

    /// Rows that would stand elsewhere if the board were sorted now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// What somebody has and runs out first: where, and how it is had.
    #[must_use]
    pub fn next_to_run_out(&self) -> Option<(Row, &Handling)> {
        let (_, row, column) = self.runs_out.first()?;
        let cell = self.cells(*row).get(usize::from(*column))?;
        Some((*row, cell.handling.as_deref()?))
    }

    /// All that somebody has for a time, the soonest first: row, column, how it is had.
    pub fn running_out(&self) -> impl Iterator<Item = (Row, u16, &Handling)> {
        self.runs_out.iter().filter_map(|(_, row, column)| {
            let cell = self.cells(*row).get(usize::from(*column))?;
            Some((*row, *column, cell.handling.as_deref()?))
        })
    }

    fn all_that_runs_out(&self) -> BTreeSet<(i64, Row, u16)> {
        let schools = self.schools.iter().map(|s| (Row::School(s.laestab), &s.cells));
        let rows = schools.chain(std::iter::once((Row::Estate, &self.estate)));
        rows.flat_map(|(row, cells)| {
            (0_u16..)
                .zip(cells)
                .filter_map(move |(column, cell)| Some((end_of(cell)?, row, column)))
        })
        .collect()
    }

    /// How many schools.
    #[must_use]
    pub fn len(&self) -> usize {
        self.schools.len()
    }

    /// Whether there is no school.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.schools.is_empty()
    }

    /// The rows of a class in the held order.
    #[must_use]
    pub fn of_class(&self, class: Class) -> &[u32] {
        let from = self.starts.get(class.index()).copied().unwrap_or_default();
        let to = self.starts.get(class.index() + 1).copied().unwrap_or_default();
        self.order.get(from..to).unwrap_or_default()
    }

    /// All rows in the held order.
    #[must_use]
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// A row by its index.
    #[must_use]
    pub fn school(&self, n: u32) -> Option<&SchoolRow> {
        self.schools.get(index(n))
    }

    /// How a row stands now.
    #[must_use]
    pub fn standing(&self, n: u32) -> Option<&Standing> {
        self.now.get(index(n))
    }

    /// The index of a school.
    #[must_use]
    pub fn find(&self, laestab: Laestab) -> Option<u32> {
        self.by_laestab.get(&laestab).copied()
    }

    /// The row of a school.
    #[must_use]
    pub fn by_laestab(&self, laestab: Laestab) -> Option<&SchoolRow> {
        self.school(self.find(laestab)?)
    }

    /// The cells of a row.
    #[must_use]
    pub fn cells(&self, row: Row) -> &[CompactCell] {
        match row {
            Row::Estate => &self.estate,
            Row::School(laestab) => self.by_laestab(laestab).map_or(&[], |r| &r.cells),
        }
    }

    /// The rows that match, in the held order. Looks at every row.
    #[must_use]
    pub fn matching(&self, filter: &Filter, now: Timestamp) -> Vec<u32> {
        let matches = |n: &&u32| {
            self.school(**n)
                .is_some_and(|row| filter.matches(&RowFacts { row, columns: &self.columns, now }))
        };
        self.order.iter().filter(matches).copied().collect()
    }

    /// The displayed name of a service, by key or letters.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&Column> {
        self.columns
            .iter()
            .find(|c| c.key.as_str() == name || c.code.as_str().eq_ignore_ascii_case(name))
    }
}

/// When a cell's handling runs out, in seconds since 1970; none if nobody has it or for no set time.
fn end_of(cell: &CompactCell) -> Option<i64> {
    cell.handling.as_ref()?.until.map(Timestamp::as_second)
}

/// An index of ours as the standard library counts.
fn index(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}
