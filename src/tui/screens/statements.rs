//! What others have stated about personal data, service by service: who, where, when.

use ratatui::layout::Rect;

use super::{Answer, View, draw_text, read_on, say};
use crate::tui::keymap::Command;
use crate::tui::theme::Role;
use crate::tui::widgets::{Line, Pen};
use crate::wire::statements::{NOTHING, WHOSE, stated};

/// The list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatementsScreen {
    scroll: usize,
}

fn lines(view: &View<'_>) -> Vec<Line> {
    let room = view.size.0.saturating_sub(4).min(110);
    let mut lines = Vec::new();
    say(&mut lines, WHOSE, Role::Quiet, (1, room));
    let Some(rows) = view.rows else {
        let why = "no board has come from the agent yet, and with it the services' names";
        say(&mut lines, why, Role::Text, (1, room));
        return lines;
    };
    for stated in stated(rows.columns.iter().map(|c| (c.key.clone(), c.label.clone()))) {
        lines.push(Line::default());
        lines.push(Line::of(format!(" {}", stated.label), Role::Title));
        if stated.statements.is_empty() {
            say(&mut lines, NOTHING, Role::Text, (3, room));
        }
        for statement in &stated.statements {
            let text = format!("{}: {}", statement.topic, statement.in_words());
            say(&mut lines, &text, Role::Text, (3, room));
            let source = format!("said by {}", statement.source());
            say(&mut lines, &source, Role::Quiet, (7, room));
        }
    }
    lines
}

impl StatementsScreen {
    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        read_on(command, &mut self.scroll, lines(view).len(), view)
    }

    /// Draws the list.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        draw_text(pen, area, &lines(view), self.scroll, view)
    }
}
