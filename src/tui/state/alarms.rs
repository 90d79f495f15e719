//! What an operator who looks elsewhere is called for: new trouble of its own that nobody has.
//!
//! Rings once for each row that becomes so, at most once a minute, and never for what was there when
//! the console came, for what is not confirmed yet, or for what somebody took in the meantime.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::Rows;
use crate::wire::board::{CompactCell, Row, RowFacts};
use crate::wire::filter::Filter;
use crate::wire::{Health, Part};

/// The operator is called at most so often.
const AT_MOST: Duration = Duration::from_secs(60);

/// What is worth a call.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmRule {
    /// The least bad health that calls.
    pub from: Health,
    /// Only schools that match; the whole estate always counts.
    pub filter: Filter,
}

/// Which rows call now, and which of them have not been told yet.
#[derive(Debug, Clone, Default)]
pub struct Alarms {
    rule: Option<AlarmRule>,
    calling: Option<BTreeSet<Row>>,
    untold: BTreeSet<Row>,
    told_at: Option<Duration>,
}

impl Alarms {
    /// By this rule; none: never.
    #[must_use]
    pub fn new(rule: Option<AlarmRule>) -> Self {
        Self { rule, ..Self::default() }
    }

    /// A whole board came. What the first one holds is read, not rung.
    pub fn board(&mut self, rows: &Rows, now: Timestamp) {
        let Some(rule) = &self.rule else { return };
        let schools =
            rows.order().iter().filter_map(|n| Some(Row::School(rows.school(*n)?.laestab)));
        let all = schools.chain(std::iter::once(Row::Estate));
        let calling: BTreeSet<Row> = all.filter(|row| calls(rule, *row, rows, now)).collect();
        if let Some(before) = &self.calling {
            self.untold.extend(calling.difference(before));
        }
        self.untold.retain(|row| calling.contains(row));
        self.calling = Some(calling);
    }

    /// A row changed.
    pub fn changed(&mut self, row: Row, rows: &Rows, now: Timestamp) {
        let (Some(rule), Some(calling)) = (&self.rule, &mut self.calling) else { return };
        if !calls(rule, row, rows, now) {
            calling.remove(&row);
            self.untold.remove(&row);
        } else if calling.insert(row) {
            self.untold.insert(row);
        }
    }

    /// What is to be told now, in a line without any person's name.
    pub fn due(&mut self, rows: &Rows, mono: Duration) -> Option<String> {
        if self.next(mono)? > mono {
            return None;
        }
        let untold = std::mem::take(&mut self.untold);
        let told = told(&untold, self.rule.as_ref()?, rows)?;
        self.told_at = Some(mono);
        Some(told)
    }

    /// When something may be told, if there is anything.
    #[must_use]
    pub fn next(&self, mono: Duration) -> Option<Duration> {
        let waits = !self.untold.is_empty();
        waits.then(|| self.told_at.map_or(mono, |at| (at + AT_MOST).max(mono)))
    }
}

/// Trouble of its own that nobody has, confirmed, and bad enough.
fn is_call(cell: &CompactCell, from: Health) -> bool {
    let own = matches!(cell.part(), Part::Critical | Part::Unknown | Part::Warning);
    own && !cell.soft && cell.health >= from
}

fn calls(rule: &AlarmRule, row: Row, rows: &Rows, now: Timestamp) -> bool {
    if !rows.cells(row).iter().any(|cell| is_call(cell, rule.from)) {
        return false;
    }
    let Row::School(laestab) = row else { return true };
    let facts = |row| RowFacts { row, columns: &rows.columns, now };
    rows.by_laestab(laestab).is_some_and(|school| rule.filter.matches(&facts(school)))
}

/// The worst of them by name, and how many there are besides.
fn told(untold: &BTreeSet<Row>, rule: &AlarmRule, rows: &Rows) -> Option<String> {
    let worst_of = |row: Row| {
        let cells = rows.cells(row).iter().zip(&rows.columns);
        let bad = cells.filter(|(cell, _)| is_call(cell, rule.from));
        bad.map(|(cell, column)| (cell.health, column)).max_by_key(|(health, _)| *health)
    };
    let found = untold.iter().filter_map(|row| Some((*row, worst_of(*row)?)));
    let (row, (health, column)) = found.max_by_key(|(row, (health, _))| {
        // Of equals the estate, then the one of the lowest number.
        (*health, std::cmp::Reverse(*row))
    })?;
    let name = match row {
        Row::Estate => "whole estate",
        Row::School(laestab) => rows.by_laestab(laestab)?.name.as_str(),
    };
    let more = match untold.len() - 1 {
        0 => String::new(),
        n => format!(", and {n} more"),
    };
    Some(format!("{name}: {} {}{more}", column.label, health.word()))
}
