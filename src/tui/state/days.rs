//! The last 14 days of rows that were on the screen, as the agent told them.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::wire::board::Row;
use crate::wire::days::RowDays;
use crate::wire::london_date;

/// Rows that are kept; many more than a screen shows.
const KEPT: usize = 2_000;

/// What is known of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    days: String,
    /// When it was told, by the agent's clock.
    as_of: Timestamp,
    stale: bool,
}

/// The days by row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DaysHeld(HashMap<Row, Held>);

impl DaysHeld {
    /// The letters of a row; empty where they are not known.
    #[must_use]
    pub fn of(&self, row: Row) -> &str {
        self.0.get(&row).map_or("", |held| held.days.as_str())
    }

    /// Whether a row's days should be asked for: never told, changed since, or of another day.
    #[must_use]
    pub fn is_wanted(&self, row: Row, now: Timestamp) -> bool {
        let is_good = |held: &Held| !held.stale && london_date(held.as_of) == london_date(now);
        !self.0.get(&row).is_some_and(is_good)
    }

    /// Keeps what was told. Tells whether anything looks different.
    pub fn keep(&mut self, told: Vec<RowDays>, as_of: Timestamp) -> bool {
        if self.0.len() > KEPT {
            self.0.clear();
        }
        let mut differs = false;
        for RowDays { row, days } in told {
            differs |= self.of(row) != days;
            self.0.insert(row, Held { days, as_of, stale: false });
        }
        differs
    }

    /// They could not be told: nothing is shown of them until something changes.
    pub fn fail(&mut self, rows: &[Row], as_of: Timestamp) -> bool {
        let none = |row: &Row| RowDays { row: *row, days: String::new() };
        self.keep(rows.iter().map(none).collect(), as_of)
    }

    /// A row changed.
    pub fn outdate(&mut self, row: Row) {
        if let Some(held) = self.0.get_mut(&row) {
            held.stale = true;
        }
    }

    /// Everything may have changed.
    pub fn outdate_all(&mut self) {
        self.0.values_mut().for_each(|held| held.stale = true);
    }
}
