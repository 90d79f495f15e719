//! Taking things in hand: what a key does at once, what is asked first, and what came of it.
//!
//! Invariant: an act is bound to what the operator saw under the cursor or marked on the screen;
//! what is hidden is not acted on.

use super::undo::Taken;
use super::{Console, Effect};
use crate::tui::keymap::Command;
use crate::tui::screens::hand::HandPrompt;
use crate::tui::screens::{Layer, row_name};
use crate::tui::times;
use crate::tui::wish::Wish;
use crate::wire::board::Row;
use crate::wire::desk::{CellName, DeskKind, Handle, Handled};
use crate::wire::{Clean, HandlingKind, Health};

/// Cells that are meant, and in words.
pub(super) struct Meant {
    pub cells: Vec<CellName>,
    words: String,
    /// Marked schools that are not on the screen.
    hidden: usize,
}

/// Health, and who has it how; none if there is no such cell.
pub(super) type State = Option<(Health, Option<(HandlingKind, Clean)>)>;

/// What a key was about when the last frame was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// The cell under the cursor of the place on top.
    pub at: Option<CellName>,
    /// The cells that taking in hand was about.
    cells: Vec<CellName>,
    /// How each of them stood.
    states: Vec<State>,
}

impl Console {
    /// Runs one of the commands of this file.
    pub(super) fn hand(&mut self, command: Command) {
        let kind = match command {
            Command::Acknowledge | Command::AcknowledgeWith => DeskKind::Acknowledge,
            Command::AcknowledgeAsIs => DeskKind::AcknowledgeAsIs,
            Command::Claim | Command::ClaimWith => DeskKind::Claim,
            Command::Downtime => DeskKind::Downtime,
            Command::Note => DeskKind::Note,
            _ => return self.give_back(),
        };
        let meant = match self.meant() {
            Ok(meant) => meant,
            Err(why) => {
                self.message = Some(why);
                return;
            }
        };
        // What is mostly done without a word is done at once.
        if !matches!(command, Command::Acknowledge | Command::Claim) {
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
            Some(Taken::Cells(cells)) => cells,
            Some(Taken::Note(id, _)) => {
                self.effects.push(Effect::Guard(Wish::Strike(id)));
                return;
            }
            None => match self.meant() {
                Ok(meant) => meant.cells,
                Err(why) => {
                    self.message = Some(why);
                    return;
                }
            },
        };
        let handle = self.wish(DeskKind::GiveBack, cells);
        self.effects.push(Effect::Handle(handle));
    }

    /// Whether a command is about what was last drawn, or leads to one that is.
    pub(super) fn is_aimed(&self, command: Option<Command>) -> bool {
        let aimed = matches!(
            command,
            Some(
                Command::Act
                    | Command::Accounts
                    | Command::Acknowledge
                    | Command::Claim
                    | Command::AcknowledgeWith
                    | Command::AcknowledgeAsIs
                    | Command::ClaimWith
                    | Command::Downtime
                    | Command::Note
                    | Command::GiveBack
                    | Command::Palette
            )
        );
        aimed || matches!(self.layers.last(), Some(Layer::Palette(_)))
    }

    /// A frame was written: what it shows is what the next key is about. Under the palette the board
    /// or page stays what was seen.
    pub(super) fn sees(&mut self) {
        if matches!(self.layers.last(), Some(Layer::Palette(_))) {
            return;
        }
        let cells = self.aims().map(|(cells, _)| cells).unwrap_or_default();
        let states = cells.iter().map(|cell| self.state_of(cell)).collect();
        self.seen = Some(Seen { at: self.at_cursor(), cells, states });
    }

    /// How a cell stands, as far as taking it in hand is concerned.
    pub(super) fn state_of(&self, cell: &CellName) -> State {
        let rows = self.rows.as_ref()?;
        let column = rows.columns.iter().position(|c| c.key == cell.service)?;
        let now = rows.cells(cell.row).get(column)?;
        let had = now.handling.as_ref().map(|had| (had.kind, had.by.clone()));
        Some((now.health, had))
    }

    /// The cells that a key would be about now: the page's, the marked ones', or the cursor's; and how
    /// many marked schools are not shown.
    fn aims(&self) -> Result<(Vec<CellName>, usize), &'static str> {
        let rows = self.rows.as_ref().ok_or("no board has come from the agent yet")?;
        let on_page = matches!(self.layers.last(), Some(Layer::Page(_)));
        if on_page || self.board.marks().is_empty() {
            let cell = self.at_cursor().ok_or("the cursor stands on no school")?;
            return Ok((vec![cell], 0));
        }
        let shown = self.board.marked_and_listed(rows);
        let hidden = self.board.marks().len() - shown.len();
        let cells: Vec<CellName> = shown
            .into_iter()
            .filter_map(|laestab| {
                let row = Row::School(laestab);
                let service = rows.columns.get(self.board.column_of(row, rows))?.key.clone();
                Some(CellName { row, service })
            })
            .collect();
        if cells.is_empty() {
            return Err("every marked school is hidden by the filter; nothing is done");
        }
        Ok((cells, hidden))
    }

    /// The cells that an act is about: those that were drawn. Where one of them is no longer what it
    /// was, or another row slipped under the cursor, nothing is done.
    pub(super) fn meant(&self) -> Result<Meant, String> {
        let seen = self.seen.as_ref().filter(|seen| !seen.cells.is_empty());
        let (mut cells, hidden) = self.aims()?;
        if let Some(seen) = seen {
            let rows_of = |cells: &[CellName]| cells.iter().map(|c| c.row).collect::<Vec<_>>();
            let other = seen.cells.iter().zip(&seen.states);
            let mut other = other.filter(|(cell, state)| self.state_of(cell) != **state);
            let changed = other.next().map(|(cell, _)| self.cell_words(cell));
            if rows_of(&cells) != rows_of(&seen.cells) {
                let was = seen.cells.first().map(|cell| row_name(cell.row, self.rows.as_ref()));
                let was = was.unwrap_or_default();
                return Err(format!("{was} is not there any more: nothing was done"));
            }
            if let Some(words) = changed {
                return Err(format!("{words}: changed just now; nothing was done"));
            }
            cells.clone_from(&seen.cells);
        }
        let words = match cells.as_slice() {
            [cell] => self.cell_words(cell),
            many => format!("{} marked schools", many.len()),
        };
        Ok(Meant { cells, words, hidden })
    }

    /// A cell by school and service.
    pub(super) fn cell_words(&self, cell: &CellName) -> String {
        let rows = self.rows.as_ref();
        let column = rows.and_then(|r| r.columns.iter().find(|c| c.key == cell.service));
        let label = column.map_or(cell.service.as_str(), |c| c.label.as_str());
        format!("{}, {label}", row_name(cell.row, rows))
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
                let text = self.told(&cells, &handled);
                if handled.done > 0 && handled.kind == DeskKind::Note {
                    self.taken = Some(Taken::Note(handled.id, cells));
                } else if handled.done > 0 && handled.kind.handling().is_some() {
                    self.taken = Some(Taken::Cells(cells));
                }
                text
            }
            Err(why) => format!("nothing was done: {why}"),
        };
        self.message = Some(text);
        self.touch();
    }

    fn told(&self, cells: &[CellName], handled: &Handled) -> String {
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
        // Where a name is long, it is cut, not the end.
        match cells {
            [cell] => out.push_str(&format!(": {}", self.cell_words(cell))),
            _ => out.push_str(&format!(": {done} cells")),
        }
        if *taken_over > 0 {
            out.push_str(&format!("; {taken_over} somebody else had before"));
        }
        if let Some(first) = first {
            out.push_str(&format!("; {left_out} left out ({first})"));
        }
        let undoes = match kind {
            DeskKind::Note => "strikes it out",
            DeskKind::GiveBack => return out,
            DeskKind::Acknowledge
            | DeskKind::AcknowledgeAsIs
            | DeskKind::Claim
            | DeskKind::Downtime => "gives back",
        };
        if let Some(key) = self.keymap.key_at("give_back", 0) {
            out.push_str(&format!("; {key} twice {undoes}"));
        }
        out
    }
}
