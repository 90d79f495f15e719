//! The filter's prompt: live, and says back in words what it understood.

use ratatui::layout::Rect;

use super::{Act, Answer, View};
use crate::tui::keymap::Command;
use crate::tui::theme::Role;
use crate::tui::widgets::{Edit, Field, Line, Pen};
use crate::wire::filter::{Filter, FilterError};

/// What a command is to a line that is typed into.
pub(super) enum Typing {
    /// The line is finished.
    Done,
    /// The line is given up.
    Left,
    /// The text is another one now.
    Changed,
    /// The text is the same; its cursor may have moved.
    Same,
    /// None of its business.
    Other,
}

impl Typing {
    /// The answer of a line that is only read when it is finished. `acts` are what it then asks for;
    /// none where something is missing: that stands below the line already.
    pub(super) fn answer(self, acts: impl FnOnce() -> Option<Vec<Act>>) -> Answer {
        match self {
            Self::Done => acts().map_or(Answer::Consumed, Answer::Wants),
            Self::Left => Answer::Wants(vec![Act::Close]),
            Self::Changed | Self::Same => Answer::Consumed,
            Self::Other => Answer::Pass,
        }
    }
}

/// Edits `field` as `command` says. To rub out in an empty line gives it up.
pub(super) fn typing(field: &mut Field, command: Command) -> Typing {
    match command {
        Command::Accept => Typing::Done,
        Command::Cancel | Command::Interrupt => Typing::Left,
        _ => match field.edit(command) {
            Edit::Text => Typing::Changed,
            Edit::Cursor => Typing::Same,
            Edit::Empty => Typing::Left,
            Edit::Other => Typing::Other,
        },
    }
}

/// Draws the two last lines of the screen: `head` and what is typed, and below it what is `said` to
/// that.
pub(super) fn two_lines(
    pen: &mut Pen<'_>,
    size: (u16, u16),
    (head, field): (&str, &Field),
    said: &Line,
) {
    let (columns, rows) = size;
    let top = rows.saturating_sub(2);
    pen.blank(Rect::new(0, top, columns, 2));
    pen.line(0, top, columns, &field.after(Line::of(head, Role::Key), columns));
    pen.line(0, top + 1, columns, said);
}

/// The prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterPrompt {
    field: Field,
    before: String,
}

impl FilterPrompt {
    /// A prompt that begins with the filter that is set.
    #[must_use]
    pub fn new(before: &str) -> Self {
        Self { field: Field::with(before), before: before.to_owned() }
    }

    fn changed(&self) -> Answer {
        Answer::Wants(vec![Act::Filter(self.field.text().to_owned())])
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command) -> Answer {
        match typing(&mut self.field, command) {
            Typing::Done => Answer::Wants(vec![Act::Close]),
            Typing::Left if command == Command::RubOut => Answer::Wants(vec![Act::Close]),
            Typing::Left => Answer::Wants(vec![Act::Filter(self.before.clone()), Act::Close]),
            Typing::Changed => self.changed(),
            Typing::Same => Answer::Consumed,
            Typing::Other => Answer::Pass,
        }
    }

    /// Takes text.
    pub fn typed(&mut self, text: &str) -> Answer {
        self.field.insert(text);
        self.changed()
    }

    /// Draws the two last lines.
    pub fn draw(&self, pen: &mut Pen<'_>, view: &View<'_>) -> usize {
        let (words, role) = match understood(self.field.text(), view) {
            Ok(filter) => (said(&filter, view), Role::Quiet),
            Err(error) => (format!("not applied: {error}"), Role::Message),
        };
        two_lines(pen, view.size, (" / ", &self.field), &Line::of(format!("   {words}"), role));
        0
    }
}

/// Reads a filter and checks its services against the board's columns.
///
/// # Errors
/// The first term that is not understood.
pub fn understood(text: &str, view: &View<'_>) -> Result<Filter, FilterError> {
    let filter = Filter::parse(text)?;
    filter.check_services(|name| view.rows.is_none_or(|r| r.label(name).is_some()))?;
    Ok(filter)
}

/// A filter in words, with displayed names.
#[must_use]
pub fn said(filter: &Filter, view: &View<'_>) -> String {
    filter.words(|name| {
        let column = view.rows.and_then(|r| r.label(name));
        column.map_or_else(|| name.to_owned(), |c| c.label.as_str().to_owned())
    })
}
