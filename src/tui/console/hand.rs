//! Taking things in hand: what a key does at once, what is asked first, and what came of it.
//!
//! Invariant: an act is bound to what the operator saw under the cursor or marked on the screen;
//! what is hidden is not acted on.

use super::{Console, Effect};
use crate::tui::keymap::Command;
use crate::tui::screens::hand::HandPrompt;
use crate::tui::screens::{Layer, row_name};
use crate::tui::times;
use crate::wire::Clean;
use crate::wire::board::Row;
use crate::wire::desk::{CellName, DeskKind, Handle, Handled};

/// Cells that are meant, and in words.
pub(super) struct Meant {
    cells: Vec<CellName>,
    words: String,
    /// Marked schools that are not on the screen.
    hidden: usize,
}

impl Console {
    /// Runs one of the commands of this file.
    pub(super) fn hand(&mut self, command: Command) {
        let kind = match command {
            Command::Acknowledge => DeskKind::Acknowledge,
            Command::Claim => DeskKind::Claim,
            Command::Downtime => DeskKind::Downtime,
            Command::Note => DeskKind::Note,
            _ => return self.give_back(),
        };
        let meant = match self.meant() {
            Ok(meant) => meant,
            Err(why) => {
                self.message = Some(why.to_owned());
                return;
            }
        };
        if matches!(kind, DeskKind::Downtime | DeskKind::Note) {
            let begin = self.announced(kind, &meant);
            let handle = self.wish(kind, meant.cells);
            let prompt = HandPrompt::new(handle, &meant.words, meant.hidden, &begin);
            self.layers.push(Layer::Hand(prompt));
            return;
        }
        let handle = self.wish(kind, meant.cells);
        if meant.hidden > 0 {
            self.message =
                Some(format!("{} marked schools are not shown and left out", meant.hidden));
        }
        self.effects.push(Effect::Handle(handle));
    }

    fn wish(&self, kind: DeskKind, cells: Vec<CellName>) -> Handle {
        let chosen_by_filter = cells.len() > 1;
        let filter = if chosen_by_filter { self.board.typed() } else { "" };
        let (from, until, every, why) = (None, None, Clean::default(), Clean::default());
        Handle { kind, cells, filter: Clean::new(filter), from, until, every, why }
    }

    /// What was taken last; without that, what the cursor stands on.
    fn give_back(&mut self) {
        let cells = match self.taken.take() {
            Some(cells) => cells,
            None => match self.meant() {
                Ok(meant) => meant.cells,
                Err(why) => {
                    self.message = Some(why.to_owned());
                    return;
                }
            },
        };
        let handle = self.wish(DeskKind::GiveBack, cells);
        self.effects.push(Effect::Handle(handle));
    }

    /// The cells that an act would be about: the page's, the marked ones', or the cursor's.
    fn meant(&self) -> Result<Meant, &'static str> {
        let rows = self.rows.as_ref().ok_or("no board has come from the agent yet")?;
        let name = |row: Row, column: usize| {
            let service = rows.columns.get(column)?.key.clone();
            Some(CellName { row, service })
        };
        let one = |row: Row, column: usize| {
            let cell = name(row, column).ok_or("the cursor stands on no cell")?;
            let label = rows.columns.get(column).map_or("", |c| c.label.as_str());
            let words = format!("{}, {label}", row_name(row, Some(rows)));
            Ok(Meant { cells: vec![cell], words, hidden: 0 })
        };
        if let Some(Layer::Page(page)) = self.layers.last() {
            return one(page.row(), page.service());
        }
        if self.board.marks().is_empty() {
            let row = self.board.row().ok_or("the cursor stands on no school")?;
            return one(row, self.board.column(rows));
        }
        let shown = self.board.marked_and_listed(rows);
        let hidden = self.board.marks().len() - shown.len();
        let cells: Vec<CellName> = shown
            .iter()
            .filter_map(|laestab| {
                let row = Row::School(*laestab);
                name(row, self.board.column_of(row, rows))
            })
            .collect();
        if cells.is_empty() {
            return Err("every marked school is hidden by the filter; nothing is done");
        }
        let words = match cells.as_slice() {
            [cell] => format!("{}, {}", row_name(cell.row, Some(rows)), cell.service),
            many => format!("{} marked schools", many.len()),
        };
        Ok(Meant { cells, words, hidden })
    }

    /// A downtime's line as the vendor's announcement would fill it in; empty without one.
    fn announced(&self, kind: DeskKind, meant: &Meant) -> String {
        let [cell] = meant.cells.as_slice() else { return String::new() };
        let facts = self.facts();
        let page = self.view(&facts).page(cell.row);
        let service =
            page.as_ref().and_then(|p| p.services.iter().find(|s| s.service == cell.service));
        let windows = service.map_or(&[][..], |s| s.windows.as_slice());
        let written = crate::wire::when::written;
        match windows.iter().find_map(|w| Some((w, w.until?))) {
            Some((window, until)) if kind == DeskKind::Downtime => {
                let from = window.from;
                let span = if from > self.now {
                    format!("{}..{}", written(from), written(until))
                } else {
                    written(until)
                };
                format!("{span} {}", window.title)
            }
            _ => String::new(),
        }
    }

    /// Takes the answer to a wish to take something in hand.
    pub fn handled(&mut self, answer: Result<(Vec<CellName>, Handled), String>) {
        let text = match answer {
            Ok((cells, handled)) => {
                cells.iter().for_each(|cell| self.pages.outdate(cell.row));
                let text = self.told(&handled);
                let takes = handled.kind.handling().is_some();
                if takes && handled.done > 0 {
                    self.taken = Some(cells);
                }
                text
            }
            Err(why) => format!("nothing was done: {why}"),
        };
        self.message = Some(text);
        self.touch();
    }

    fn told(&self, handled: &Handled) -> String {
        let Handled { kind, done, from, until, last, taken_over, left_out, left_out_cells, .. } =
            handled;
        let first = left_out_cells.first().map(|left| {
            let name = row_name(left.cell.row, self.rows.as_ref());
            format!("{name}: {}", left.why)
        });
        if *done == 0 {
            let why = first.unwrap_or_default();
            return format!("nothing was done: {why}");
        }
        let mut out = kind.word().to_owned();
        if *done > 1 || *left_out > 0 {
            out.push_str(&format!(": {done} cells"));
        }
        if let Some(from) = from {
            out.push_str(&format!(" from {}", times::moment(*from, self.now)));
        }
        if let Some(until) = until {
            out.push_str(&format!(" until {}", times::moment(*until, self.now)));
        }
        if let Some(last) = last {
            let last = times::moment(*last, self.now);
            out.push_str(&format!(", {times} times, the last until {last}", times = handled.times));
        }
        if *taken_over > 0 {
            out.push_str(&format!("; {taken_over} somebody else had before"));
        }
        if let Some(first) = first {
            out.push_str(&format!("; {left_out} left out ({first})"));
        }
        if kind.handling().is_some() {
            out.push_str("; u gives back");
        }
        out
    }
}
