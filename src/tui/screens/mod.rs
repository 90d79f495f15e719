//! The screens. A layer takes a command and answers: done, not mine, or what it wants done.
//!
//! Invariant: drawing takes `&self`, never waits, and builds only what is visible.

pub mod board;
pub mod evidence;
pub mod hand;
pub mod help;
pub mod page;
pub mod palette;
pub mod prompt;
mod told;

use crate::tui::keymap::{Command, Facts, Keymap, Scope};
use crate::tui::state::{Pages, Rows};
use crate::tui::theme::Role;
use crate::tui::widgets::{Line, Pen};
use crate::wire::board::Row;
use crate::wire::desk::Handle;
use crate::wire::page::Refresh;
use jiff::Timestamp;
use ratatui::layout::Rect;

/// What every screen may look at.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The board, once it has come.
    pub rows: Option<&'a Rows>,
    /// Pages that were read.
    pub pages: &'a Pages,
    /// The keymap.
    pub keymap: &'a Keymap,
    /// What decides whether a command applies.
    pub facts: &'a Facts,
    /// The agent's clock, at the minute.
    pub now: Timestamp,
    /// The line to the agent lives, or is only late.
    pub is_known: bool,
    /// Size of the screen: columns and rows.
    pub size: (u16, u16),
}

/// What a layer wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// A layer on top.
    Open(Layer),
    /// This layer goes.
    Close,
    /// Another row on the page that is open, or a new page.
    Page(Row),
    /// A filter for the board, as typed.
    Filter(String),
    /// A theme by name.
    Theme(String),
    /// A command, as if its key had been pressed below.
    Run(Command),
    /// The vendors are asked again.
    Refresh(Refresh),
    /// Cells are taken in hand, or given back.
    Handle(Handle),
    /// A text for the clipboard.
    Copy(String),
    /// A message.
    Say(String),
}

/// The answer of a layer.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Done.
    Consumed,
    /// Not mine.
    Pass,
    /// Done, and this is wanted, in order.
    Wants(Vec<Act>),
}

/// A screen that lies over the board.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// A school or the estate.
    Page(page::PageScreen),
    /// The evidence of one service.
    Evidence(evidence::EvidenceScreen),
    /// The keys of the place below.
    Help(help::HelpScreen),
    /// Commands by name.
    Palette(palette::PaletteScreen),
    /// The filter's prompt.
    Filter(prompt::FilterPrompt),
    /// The prompt of a downtime or a note.
    Hand(hand::HandPrompt),
}

impl Layer {
    /// Which keys it has.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::Page(_) => Scope::Page,
            Self::Evidence(_) => Scope::Text,
            Self::Help(_) | Self::Palette(_) | Self::Filter(_) | Self::Hand(_) => Scope::Prompt,
        }
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        match self {
            Self::Page(screen) => screen.command(command, view),
            Self::Evidence(screen) => screen.command(command, view),
            Self::Help(screen) => screen.command(command, view),
            Self::Palette(screen) => screen.command(command, view),
            Self::Filter(screen) => screen.command(command),
            Self::Hand(screen) => screen.command(command, view),
        }
    }

    /// Takes typed or pasted text.
    pub fn typed(&mut self, text: &str, view: &View<'_>) -> Answer {
        match self {
            Self::Page(_) | Self::Evidence(_) => Answer::Pass,
            Self::Help(screen) => screen.typed(text),
            Self::Palette(screen) => screen.typed(text, view),
            Self::Filter(screen) => screen.typed(text),
            Self::Hand(screen) => screen.typed(text),
        }
    }

    /// Whether the whole screen is covered, so that what lies below need not be drawn.
    #[must_use]
    pub fn covers(&self) -> bool {
        matches!(self, Self::Page(_) | Self::Evidence(_) | Self::Help(_))
    }

    /// Draws below line 1. Gives the number of rows built.
    pub fn draw(&self, pen: &mut Pen<'_>, view: &View<'_>) -> usize {
        let (columns, rows) = view.size;
        let area = Rect::new(0, 1, columns, rows.saturating_sub(1));
        match self {
            Self::Page(screen) => screen.draw(pen, area, view),
            Self::Evidence(screen) => screen.draw(pen, area, view),
            Self::Help(screen) => screen.draw(pen, area, view),
            Self::Palette(screen) => screen.draw(pen, view),
            Self::Filter(screen) => screen.draw(pen, view),
            Self::Hand(screen) => screen.draw(pen, view),
        }
    }

    /// Its part of line 1's path.
    #[must_use]
    pub fn path(&self, view: &View<'_>) -> Option<String> {
        match self {
            Self::Page(screen) => Some(row_name(screen.row(), view.rows)),
            Self::Evidence(screen) => Some(screen.title(view)),
            Self::Help(_) => Some("keys".to_owned()),
            Self::Palette(_) | Self::Filter(_) | Self::Hand(_) => None,
        }
    }
}

/// The name of a row.
#[must_use]
pub fn row_name(row: Row, rows: Option<&Rows>) -> String {
    match row {
        Row::Estate => "whole estate".to_owned(),
        Row::School(laestab) => rows
            .and_then(|r| r.by_laestab(laestab))
            .map_or_else(|| laestab.spaced(), |s| s.name.as_str().to_owned()),
    }
}

/// Draws lines from `scroll` on and tells, at the end, how many are left out.
fn scrolled(pen: &mut Pen<'_>, area: Rect, lines: &[Line], scroll: usize) -> usize {
    let room = usize::from(area.height);
    let mut built = 0;
    for (y, line) in (area.y..area.bottom()).zip(lines.iter().skip(scroll)) {
        pen.line(area.x, y, area.width, line);
        built += 1;
    }
    let left = lines.len().saturating_sub(scroll).saturating_sub(room);
    if left > 0 && area.height > 1 {
        let y = area.bottom() - 1;
        pen.blank(Rect::new(area.x, y, area.width, 1));
        let more = format!(" ... {} more lines", left + 1);
        pen.text(area.x, y, area.width, &more, Role::Quiet);
    }
    built
}

/// Moves a scroll position for a text of `len` lines in `room`.
fn scroll_by(command: Command, scroll: usize, len: usize, room: usize) -> Option<usize> {
    let last = len.saturating_sub(room);
    let to = match command {
        Command::Down => scroll + 1,
        Command::Up => scroll.saturating_sub(1),
        Command::PageDown => scroll + room.max(1),
        Command::PageUp => scroll.saturating_sub(room.max(1)),
        Command::HalfDown => scroll + (room / 2).max(1),
        Command::HalfUp => scroll.saturating_sub((room / 2).max(1)),
        Command::Top => 0,
        Command::Bottom => last,
        _ => return None,
    };
    Some(to.min(last))
}
