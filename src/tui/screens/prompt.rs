//! The filter's prompt: live, and says back in words what it understood.

use ratatui::layout::Rect;

use super::{Act, Answer, View};
use crate::tui::keymap::Command;
use crate::tui::theme::Role;
use crate::tui::widgets::{Field, Line, Pen};
use crate::wire::filter::{Filter, FilterError};

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
        match command {
            Command::Accept => Answer::Wants(vec![Act::Close]),
            Command::Cancel | Command::Interrupt => {
                Answer::Wants(vec![Act::Filter(self.before.clone()), Act::Close])
            }
            Command::RubOut if self.field.rub_out() => self.changed(),
            Command::RubOut => Answer::Wants(vec![Act::Close]),
            Command::RubOutWord => {
                self.field.rub_out_word();
                self.changed()
            }
            _ => Answer::Pass,
        }
    }

    /// Takes text.
    pub fn typed(&mut self, text: &str) -> Answer {
        self.field.insert(text);
        self.changed()
    }

    /// Draws the two last lines.
    pub fn draw(&self, pen: &mut Pen<'_>, view: &View<'_>) -> usize {
        let (columns, rows) = view.size;
        let top = rows.saturating_sub(2);
        pen.blank(Rect::new(0, top, columns, 2));
        let line =
            Line::of(" / ", Role::Key).and(self.field.text(), Role::Prompt).and(" ", Role::Cursor);
        pen.line(0, top, columns, &line);
        let (words, role) = match understood(self.field.text(), view) {
            Ok(filter) => (said(&filter, view), Role::Quiet),
            Err(error) => (format!("not applied: {error}"), Role::Message),
        };
        pen.text(3, top + 1, columns.saturating_sub(4), &words, role);
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
