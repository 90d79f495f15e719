//! What the connection and the agent's answers tell the console.

use std::time::Duration;

use jiff::Timestamp;

use super::Console;
use crate::link::LinkEvent;
use crate::tui::keymap::Command;
use crate::tui::state::Rows;
use crate::wire::Handling;
use crate::wire::board::{CellChange, Change, Row, Split};
use crate::wire::page::{Page, Refreshed};

impl Console {
    /// Takes what the connection tells, heard at `mono`.
    pub fn wire(&mut self, event: LinkEvent, mono: Duration) {
        match event {
            LinkEvent::Board(board) if board.first_of.is_some() => {
                self.beat.heard(mono, board.as_of);
                if self.rows.is_none() && self.away.is_none() {
                    self.message = Some(format!(
                        "the first {} of {} schools; the others are on their way",
                        board.schools.len(),
                        board.first_of.unwrap_or_default()
                    ));
                    self.rows = Some(Rows::new(*board));
                    self.tick(mono);
                    self.sort();
                    self.touch();
                }
            }
            LinkEvent::Board(board) => {
                self.beat.heard(mono, board.as_of);
                let waited = self.rows.as_ref().is_none_or(|rows| rows.first_of.is_some());
                let begins = waited && board.agent.training;
                if waited {
                    self.message = None;
                }
                let rows = Rows::new(*board);
                self.alarms.board(&rows, self.now);
                match &mut self.away {
                    Some(away) => away.rows = Some(rows),
                    None => self.rows = Some(rows),
                }
                if begins {
                    // What the desk is told at the start.
                    self.train(Command::Training);
                }
                self.incidents.is_old = true;
                self.live_pages().outdate_all();
                self.days.outdate_all();
                self.acts.outdate();
                self.trouble = None;
                self.tick(mono);
                if self.past().is_none() {
                    self.sort();
                }
                self.touch();
            }
            LinkEvent::Change(change) => self.change(change, mono),
            LinkEvent::Lost(error) => {
                self.beat.lost();
                // Whoever answers next may be another run of the agent.
                self.acts.outdate();
                self.trouble = Some(error.to_string());
                self.touch();
            }
        }
    }

    fn change(&mut self, change: Change, mono: Duration) {
        match change {
            Change::Cells { as_of, cells, summary, schools_summary, split, settled, .. } => {
                self.beat.heard(mono, as_of);
                let Some(rows) = self.live_rows() else { return };
                let before = totals(rows);
                (rows.summary, rows.schools_summary) = (summary, schools_summary);
                (rows.split, rows.settled) = (split, settled);
                let mut seen = false;
                self.incidents.is_old |= !cells.is_empty();
                for cell in cells {
                    seen |= self.cell(cell);
                }
                let after = self.live_rows().map(|rows| totals(rows));
                if self.past().is_none() && (seen || after != Some(before)) {
                    self.touch();
                }
            }
            Change::Beat { as_of, settled, acts, .. } => {
                self.beat.heard(mono, as_of);
                if self.acts.heard(acts) {
                    // A ticket was raised, perhaps, or is over.
                    self.live_pages().outdate_all();
                }
                if let Some(rows) = self.live_rows()
                    && rows.settled != settled
                {
                    rows.settled = settled;
                    self.touch();
                }
            }
            Change::Reset { .. } => {}
            Change::Bye { why } => {
                self.beat.lost();
                self.message = Some(format!("the agent is about to end: {why}"));
                self.touch();
            }
        }
        self.tick(mono);
    }

    /// Puts one changed cell; tells whether it is on the screen.
    fn cell(&mut self, cell: CellChange) -> bool {
        let row = cell.row;
        self.live_pages().outdate(row);
        self.days.outdate(row);
        let facts = self.facts();
        let seen = self.board.shows(row, &self.view(&facts)) || self.looked_at() == Some(row);
        let (now, mut alarms) = (self.now, std::mem::take(&mut self.alarms));
        let applied = self.live_rows().is_some_and(|rows| {
            let applied = rows.apply(cell);
            alarms.changed(row, rows, now);
            applied
        });
        self.alarms = alarms;
        applied && seen
    }

    /// Takes a page of the present, or why there is none.
    pub fn page(&mut self, row: Row, answer: Result<Page, String>) {
        self.page_of(row, None, answer);
    }

    /// Takes a page of a moment, or why there is none. One of another than is shown is left.
    pub fn page_of(&mut self, row: Row, at: Option<Timestamp>, answer: Result<Page, String>) {
        if at != self.past_moment() {
            return;
        }
        if self.pages.keep(row, answer) && self.looked_at() == Some(row) {
            self.touch();
        }
    }

    /// Takes the answer to a wish to ask again.
    pub fn refreshed(&mut self, answer: Result<Refreshed, String>) {
        self.message = Some(match answer {
            Ok(refreshed) => refreshed.words(),
            Err(why) => format!("could not ask again: {why}"),
        });
        self.touch();
    }

    /// Tells the operator what happened outside.
    pub fn notice(&mut self, text: String) {
        self.message = Some(text);
        self.touch();
    }
}

/// What a frame shows of all rows together: what waits, counts, and what runs out next.
fn totals(rows: &Rows) -> (usize, bool, Split, Option<(Row, Handling)>) {
    let next = rows.next_to_run_out().map(|(row, handling)| (row, handling.clone()));
    (rows.waiting(), rows.settled, rows.split, next)
}
