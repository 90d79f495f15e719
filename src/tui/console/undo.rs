//! Undoing: its key first says what would be undone, and where; the same key once more does it.
//!
//! Invariant: nothing is undone within one slip of a key that only moves (`ctrl-u` without Ctrl).

use super::Console;
use crate::tui::keymap::{BINDINGS, Chord, Command};
use crate::tui::screens::Layer;
use crate::wire::desk::{CellName, StruckOut};

/// What was last done here that can be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Taken {
    /// Cells were taken in hand.
    Cells(Vec<CellName>),
    /// A note was written about cells: the entry of the desk's book.
    Note(u64, Vec<CellName>),
}

impl Console {
    /// Whether a key that undoes only says what it would undo. `said` is what the key before said: the
    /// same once more is meant.
    pub(super) fn says_first(
        &mut self,
        command: Command,
        chord: Chord,
        said: Option<&String>,
    ) -> bool {
        let scope = self.scope();
        let binding = BINDINGS.iter().find(|b| b.command == command && b.scopes.contains(&scope));
        let is_open = binding.is_some_and(|b| (b.why_not)(&self.facts()).is_none());
        let Some(words) = self.undo_words(command).filter(|_| is_open) else { return false };
        let text = format!("{chord} once more {words}");
        if said == Some(&text) {
            return false;
        }
        self.message = Some(text.clone());
        self.undoing = Some(text);
        true
    }

    /// What a command would undo; none where it undoes nothing, which it says itself.
    fn undo_words(&self, command: Command) -> Option<String> {
        match (command, self.layers.last()) {
            (Command::TakeBack | Command::GiveBack, Some(layer)) if layer.undoes() => {
                let facts = self.facts();
                layer.undo_words(&self.view(&facts))
            }
            (Command::GiveBack, None | Some(Layer::Page(_))) => Some(match &self.taken {
                Some(Taken::Note(_, cells)) => {
                    format!("strikes out your note: {}", self.places_words(cells))
                }
                Some(Taken::Cells(cells)) => {
                    format!("gives back {}", self.places_words(cells))
                }
                None => format!("gives back {}", self.places_words(&self.meant().ok()?.cells)),
            }),
            _ => None,
        }
    }

    /// Takes who struck out what.
    pub(super) fn struck(&mut self, answer: Result<StruckOut, String>) {
        self.pages.outdate_all();
        self.message = Some(match answer {
            Ok(_) => "struck out: its text is gone, and nobody reads it any more".to_owned(),
            Err(why) => format!("it was NOT struck out: {why}"),
        });
    }

    /// Cells in words: one by name and who has it, several by number and the first.
    pub(super) fn places_words(&self, cells: &[CellName]) -> String {
        let Some(first) = cells.first() else { return "nothing".to_owned() };
        let name = self.cell_words(first);
        let had = self.state_of(first).and_then(|(_, had)| had);
        let had = had.map(|(kind, by)| format!(" ({}, {by})", kind.word())).unwrap_or_default();
        match cells.len() {
            1 => format!("{name}{had}"),
            n => format!("{n} cells: {name} and others"),
        }
    }
}
