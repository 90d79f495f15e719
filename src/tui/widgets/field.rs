//! A line in which text is typed. Pasted text and typed text are limited alike.

use tui_input::{Input, InputRequest};
use unicode_segmentation::UnicodeSegmentation as _;

use super::text::{Line, width};
use crate::tui::keymap::Command;
use crate::tui::theme::Role;
use crate::wire::Clean;

/// The longest text that is taken, in characters.
const MAX: usize = 200;

/// What a command did to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// Its text is another one.
    Text,
    /// At most its cursor moved.
    Cursor,
    /// There was nothing to rub out.
    Empty,
    /// It is no command of a field.
    Other,
}

/// What is typed so far, and where the next letter goes.
#[derive(Debug, Clone, Default)]
pub struct Field {
    input: Input,
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        (self.text(), self.input.cursor()) == (other.text(), other.input.cursor())
    }
}

impl Eq for Field {}

impl Field {
    /// A field that begins with this, its cursor at the end.
    #[must_use]
    pub fn with(text: &str) -> Self {
        let mut field = Self::default();
        field.insert(text);
        field
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.input.value()
    }

    /// Adds what was typed or pasted at the cursor; what could not be shown is left out.
    pub fn insert(&mut self, text: &str) {
        let room = MAX.saturating_sub(self.text().chars().count());
        let clean = Clean::new(text);
        let before = if text.starts_with(' ') && !clean.is_empty() { " " } else { "" };
        let after = if text.ends_with(' ') { " " } else { "" };
        let add = before.chars().chain(clean.as_str().chars()).chain(after.chars());
        for letter in add.take(room) {
            self.input.handle(InputRequest::InsertChar(letter));
        }
    }

    /// Another text, the cursor at its end.
    pub fn set(&mut self, text: &str) {
        *self = Self::with(text);
    }

    /// Edits as `command` says.
    pub fn edit(&mut self, command: Command) -> Edit {
        let asked = match command {
            Command::RubOut => InputRequest::DeletePrevChar,
            Command::RubOutWord => return self.rub_out_word(),
            Command::RubOutLine => InputRequest::DeleteFromStart,
            Command::RubOutNext => InputRequest::DeleteNextChar,
            Command::TypeLeft => InputRequest::GoToPrevChar,
            Command::TypeRight => InputRequest::GoToNextChar,
            Command::TypeStart => InputRequest::GoToStart,
            Command::TypeEnd => InputRequest::GoToEnd,
            _ => return Edit::Other,
        };
        if command == Command::RubOut && self.text().is_empty() {
            return Edit::Empty;
        }
        match self.input.handle(asked) {
            Some(changed) if changed.value => Edit::Text,
            _ => Edit::Cursor,
        }
    }

    /// A word is what stands between spaces, as in a shell: an id with dots and dashes is one.
    fn rub_out_word(&mut self) -> Edit {
        let before = self.before();
        let kept = before.trim_end().rfind(' ').map_or(0, |at| at + 1);
        let gone = before.get(kept..).unwrap_or_default().graphemes(true).count();
        let gone = (0..gone).filter_map(|_| self.input.handle(InputRequest::DeletePrevChar));
        if gone.count() > 0 { Edit::Text } else { Edit::Cursor }
    }

    /// What stands before the cursor.
    fn before(&self) -> &str {
        let at = self.text().char_indices().nth(self.input.cursor());
        at.and_then(|(at, _)| self.text().get(..at)).unwrap_or(self.text())
    }

    /// `head` and behind it the text with its cursor, in `room` columns; of a longer text the part up to
    /// the cursor.
    #[must_use]
    pub fn after(&self, head: Line, room: u16) -> Line {
        let room = room.saturating_sub(head.width()).saturating_sub(1);
        let before = self.before();
        let behind = self.text().strip_prefix(before).unwrap_or_default();
        let mut left = self.input.visual_scroll(usize::from(room));
        let before: String = before
            .graphemes(true)
            .skip_while(|grapheme| {
                let hidden = left > 0;
                left = left.saturating_sub(usize::from(width(grapheme)));
                hidden
            })
            .collect();
        let here = behind.graphemes(true).next().unwrap_or(" ");
        let behind = behind.strip_prefix(here).unwrap_or_default();
        head.and(before, Role::Prompt).and(here, Role::Cursor).and(behind, Role::Prompt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_typed_pasted_and_rubbed_out() {
        let mut field = Field::with("gc:c ");
        field.insert("oak\ngreen\u{1b}[2J");
        assert_eq!(field.text(), "gc:c oak green [2J");
        assert_eq!(field.edit(Command::RubOutWord), Edit::Text);
        assert_eq!(field.edit(Command::RubOutWord), Edit::Text);
        assert_eq!(field.text(), "gc:c oak ");
        assert_eq!(field.edit(Command::RubOut), Edit::Text);
        field.insert("-9.1");
        field.edit(Command::TypeLeft);
        field.edit(Command::RubOutWord);
        assert_eq!(field.text(), "gc:c 1");
        field.insert(&"x".repeat(500));
        assert_eq!(field.text().chars().count(), MAX);
        field.set("");
        assert_eq!(field.edit(Command::RubOut), Edit::Empty);
        assert_eq!(field.edit(Command::Down), Edit::Other);
    }

    #[test]
    fn a_letter_is_put_right_without_rubbing_out_what_follows() {
        let mut field = Field::with("oka lane");
        for command in [Command::TypeStart, Command::TypeRight, Command::RubOutNext] {
            field.edit(command);
        }
        assert_eq!(field.text(), "oa lane");
        assert_eq!(field.edit(Command::TypeRight), Edit::Cursor);
        field.insert("k");
        assert_eq!(field.text(), "oak lane");
        // At the very left there is nothing to rub out, and the line is not given up for it.
        field.edit(Command::TypeStart);
        assert_eq!(field.edit(Command::RubOut), Edit::Cursor);
        field.edit(Command::TypeEnd);
        field.edit(Command::TypeLeft);
        assert_eq!(field.edit(Command::RubOutLine), Edit::Text);
        assert_eq!(field.text(), "e");
    }

    #[test]
    fn the_cursor_is_always_seen() {
        let shown = |field: &Field, room| {
            let line = field.after(Line::of("> ", Role::Key), room);
            let cursor = line.0.iter().position(|(_, role)| *role == Role::Cursor).unwrap();
            let (before, rest) = line.0.split_at(cursor);
            let columns = before.iter().map(|(text, _)| width(text)).sum::<u16>();
            assert!(columns + width(&rest[0].0) <= room, "{line:?}");
            line.0.into_iter().map(|(text, _)| text).collect::<String>()
        };
        let mut field = Field::with("学校 and a long line of words");
        assert_eq!(shown(&field, 12), ">  of words ");
        field.edit(Command::TypeStart);
        assert_eq!(shown(&field, 12), "> 学校 and a long line of words");
        assert_eq!(shown(&Field::default(), 12), ">  ");
    }
}
