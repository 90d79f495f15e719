//! The last days of the rows on the screen: asked for when they are first seen, and when they change.

use super::Console;
use crate::wire::board::Row;
use crate::wire::days::LastDays;

impl Console {
    /// The rows whose last days should be asked for now: those on the screen, where there is room.
    #[must_use]
    pub fn wanted_days(&self) -> Vec<Row> {
        let Some(rows) = self.rows.as_ref() else { return Vec::new() };
        let is_covered = self.layers.iter().any(|layer| layer.covers());
        if is_covered || self.away.is_some() || !self.is_known() {
            return Vec::new();
        }
        let mut seen = self.board.days_shown(self.size, rows);
        seen.retain(|row| self.days.is_wanted(*row, self.now));
        seen
    }

    /// Takes the last days of rows that were asked for, or why they are not known.
    pub fn last_days(&mut self, asked: &[Row], answer: Result<LastDays, String>) {
        let differs = match answer {
            Ok(told) => self.days.keep(told.rows, told.as_of),
            Err(why) => {
                tracing::debug!("the last days of {} rows are not known: {why}", asked.len());
                self.days.fail(asked, self.now)
            }
        };
        if differs {
            self.touch();
        }
    }
}
