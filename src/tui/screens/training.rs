//! A training: the brief with the hints that were asked for, or the debrief so far.

use ratatui::layout::Rect;

use super::{Answer, View, draw_text, read_on, say};
use crate::tui::keymap::Command;
use crate::tui::theme::Role;
use crate::tui::widgets::{Line, Pen, wrap};
use crate::tui::wish::Wish;
use crate::wire::training::TrainingPage;

/// Which part is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The brief and the hints.
    Brief,
    /// The debrief so far.
    Debrief,
}

/// The screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainingScreen {
    part: Part,
    answer: Option<Result<Box<TrainingPage>, String>>,
    scroll: usize,
}

impl TrainingScreen {
    /// What a command opens, and what it asks for.
    #[must_use]
    pub fn open(command: Command) -> (Self, Wish) {
        let part = if command == Command::Debrief { Part::Debrief } else { Part::Brief };
        let wish = Wish::Training { hint: command == Command::Hint };
        (Self { part, answer: None, scroll: 0 }, wish)
    }

    /// Takes what the agent told.
    pub fn heard(&mut self, answer: Result<Box<TrainingPage>, String>) {
        self.answer = Some(answer);
    }

    /// Its name in line 1.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self.part {
            Part::Brief => "training",
            Part::Debrief => "debrief",
        }
    }

    fn lines(&self, view: &View<'_>) -> Vec<Line> {
        let room = view.size.0.saturating_sub(4).min(100);
        let mut lines = Vec::new();
        match &self.answer {
            None => lines.push(Line::of(" asking the agent ...", Role::Quiet)),
            Some(Err(why)) => say(&mut lines, why, Role::Text, (1, room)),
            Some(Ok(page)) => match self.part {
                Part::Brief => brief(&mut lines, page, room),
                Part::Debrief => debrief(&mut lines, page, room),
            },
        }
        lines
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        let len = self.lines(view).len();
        read_on(command, &mut self.scroll, len, view)
    }

    /// Draws the screen.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        draw_text(pen, area, &self.lines(view), self.scroll, view)
    }
}

fn brief(lines: &mut Vec<Line>, page: &TrainingPage, room: u16) {
    say(lines, &format!("TRAINING: {}", page.title), Role::Title, (1, room));
    for paragraph in &page.brief {
        lines.push(Line::default());
        say(lines, paragraph.as_str(), Role::Text, (1, room));
    }
    for (n, hint) in (1..).zip(&page.hints) {
        lines.push(Line::default());
        say(lines, &format!("hint {n}: {hint}"), Role::Handled, (1, room));
    }
    lines.push(Line::default());
    let left = match page.hints_left {
        0 => "there are no more hints".to_owned(),
        1 => "1 more hint: `:hint` gives it".to_owned(),
        n => format!("{n} more hints: `:hint` gives the next one"),
    };
    say(lines, &left, Role::Quiet, (1, room));
    let how = "`:training` shows this again, `:debrief` what you did so far; leave with Esc";
    say(lines, how, Role::Quiet, (1, room));
}

fn debrief(lines: &mut Vec<Line>, page: &TrainingPage, room: u16) {
    say(lines, &format!("DEBRIEF SO FAR: {}", page.title), Role::Title, (1, room));
    lines.push(Line::default());
    for (when, what) in page.debrief.rows() {
        if when.is_empty() {
            lines.push(Line::default());
            say(lines, &what, Role::Title, (1, room));
            continue;
        }
        // The rest of a long sentence stands below its beginning.
        for (n, part) in wrap(&what, room.saturating_sub(17)).into_iter().enumerate() {
            let when = if n == 0 { when.as_str() } else { "" };
            let line = Line::of(format!(" {when:>13}   "), Role::Quiet);
            lines.push(line.and(part, Role::Text));
        }
    }
}
