//! `caretaker watch`: one plain line for each change of health.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::cli::pick::filter_of;
use crate::wire::board::{Board, CellChange, Column, Row, RowFacts, SchoolRow, Summary};
use crate::wire::filter::{Filter, FilterError};
use crate::wire::{Health, Laestab, ServiceKey};

/// Turns boards and changes into the cells whose health changed, and into lines.
#[derive(Debug, Default)]
pub struct Lines {
    names: BTreeMap<Laestab, String>,
    columns: Vec<(ServiceKey, String)>,
    health: BTreeMap<(Row, u16), (Health, bool)>,
}

/// A cell whose health changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turned {
    /// Where.
    pub row: Row,
    /// Which service.
    pub service: ServiceKey,
    /// `Abbots Green / Groupcall`.
    pub title: String,
    /// Before; `None` at the start.
    pub before: Option<Health>,
    /// Now.
    pub now: Health,
    /// Not yet confirmed.
    pub soft: bool,
}

impl Lines {
    /// A whole board: everything in trouble at the start, and whatever differs from before.
    pub fn board(&mut self, board: &Board) -> Vec<Turned> {
        self.names = board.schools.iter().map(|s| (s.laestab, s.name.to_string())).collect();
        self.columns = board.columns.iter().map(|c| (c.key.clone(), c.label.to_string())).collect();
        let estate = std::iter::once((Row::Estate, &board.estate));
        let rows = estate.chain(board.schools.iter().map(|s| (Row::School(s.laestab), &s.cells)));
        let mut out = Vec::new();
        for (row, cells) in rows {
            for (column, cell) in (0_u16..).zip(cells) {
                out.extend(self.turn(row, column, cell.health, cell.soft));
            }
        }
        out
    }

    /// The changes among `cells` that are changes of health.
    pub fn changes(&mut self, cells: &[CellChange]) -> Vec<Turned> {
        cells
            .iter()
            .filter_map(|c| self.turn(c.row, c.column, c.cell.health, c.cell.soft))
            .collect()
    }

    fn turn(&mut self, row: Row, column: u16, now: Health, soft: bool) -> Option<Turned> {
        let before = self.health.insert((row, column), (now, soft));
        let told = match before {
            None => now.is_trouble(),
            Some(old) => old != (now, soft),
        };
        let (service, label) = self.columns.get(usize::from(column))?;
        let name = match row {
            Row::Estate => "whole estate",
            Row::School(laestab) => self.names.get(&laestab)?,
        };
        told.then(|| Turned {
            row,
            service: service.clone(),
            title: format!("{name} / {label}"),
            before: before.map(|b| b.0),
            now,
            soft,
        })
    }

    /// The line of a change.
    #[must_use]
    pub fn line(at: &str, turned: &Turned, why: &str) -> String {
        let from = turned.before.map(|b| format!("{} -> ", b.word())).unwrap_or_default();
        let soft = if turned.soft { " (not yet confirmed)" } else { "" };
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        format!("{at} {}: {from}{}{soft}{why}", turned.title, turned.now.word())
    }

    /// The line of totals.
    #[must_use]
    pub fn totals(at: &str, schools: &Summary) -> String {
        format!(
            "{at} schools: critical {}, unknown {}, warning {}, ok {}",
            schools.critical, schools.unknown, schools.warning, schools.ok
        )
    }
}

/// Which rows a filter lets through: the whole estate always, a school that matches before a change or
/// after it, so that it is also told what no longer matches.
#[derive(Debug)]
pub struct Shown {
    filter: Filter,
    columns: Vec<Column>,
    rows: BTreeMap<Laestab, SchoolRow>,
}

impl Shown {
    /// What is shown of boards like this one.
    ///
    /// # Errors
    /// When the filter cannot be understood.
    pub fn new(board: &Board, filter: Option<&str>) -> Result<Self, FilterError> {
        let filter = filter_of(board, filter.unwrap_or_default())?;
        Ok(Self { filter, columns: Vec::new(), rows: BTreeMap::new() })
    }

    fn fits(&self, laestab: Laestab, now: Timestamp) -> bool {
        let row = self.rows.get(&laestab);
        row.is_some_and(|row| self.filter.matches(&RowFacts { row, columns: &self.columns, now }))
    }

    /// A whole board: of what turned in it, what is shown.
    pub fn board(&mut self, board: &Board, turned: Vec<Turned>) -> Vec<Turned> {
        let now = board.as_of;
        let before: BTreeSet<Laestab> =
            self.rows.keys().copied().filter(|l| self.fits(*l, now)).collect();
        self.columns.clone_from(&board.columns);
        self.rows = board.schools.iter().map(|row| (row.laestab, row.clone())).collect();
        self.kept(turned, &before, now)
    }

    /// Changed cells: of what turned in them, what is shown.
    pub fn changes(
        &mut self,
        cells: &[CellChange],
        turned: Vec<Turned>,
        now: Timestamp,
    ) -> Vec<Turned> {
        let mut before = BTreeSet::new();
        for change in cells {
            let Row::School(laestab) = change.row else { continue };
            if self.fits(laestab, now) {
                before.insert(laestab);
            }
            let row = self.rows.get_mut(&laestab);
            if let Some(cell) = row.and_then(|r| r.cells.get_mut(usize::from(change.column))) {
                cell.clone_from(&change.cell);
            }
        }
        self.kept(turned, &before, now)
    }

    fn kept(&self, turned: Vec<Turned>, before: &BTreeSet<Laestab>, now: Timestamp) -> Vec<Turned> {
        let is_shown = |turned: &Turned| match turned.row {
            Row::Estate => true,
            Row::School(laestab) => before.contains(&laestab) || self.fits(laestab, now),
        };
        turned.into_iter().filter(is_shown).collect()
    }
}
