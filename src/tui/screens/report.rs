//! Two moments compared, what is handed over, and how services stood through a period: texts that the agent is asked for.

use jiff::{SignedDuration, Timestamp};
use ratatui::layout::Rect;

use super::{Answer, View, draw_text, read_on};
use crate::tui::keymap::Command;
use crate::tui::theme::Role;
use crate::tui::widgets::{Line, Pen, wrap};
use crate::tui::wish::{Heard, Wish};
use crate::wire::past::{Diff, Handover};
use crate::wire::report::Report;
use crate::wire::tables::{Block, report_blocks};
use crate::wire::telling::{Part, diff_head, diff_parts, handover_head, handover_parts};
use crate::wire::when::two_in;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Two moments.
    Diff(Timestamp, Timestamp),
    /// What is handed over, since a moment or since the agent thinks fit.
    Handover(Option<Timestamp>),
    /// How services stood from one moment until another.
    Figures(Timestamp, Timestamp),
}

/// The period, where none is named.
const USUAL: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What was told: lines above, then parts.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    head: Vec<String>,
    parts: Vec<Part>,
    /// Tables, each as wide as it is or in sentences.
    blocks: Vec<Block>,
}

impl From<&Diff> for Told {
    fn from(diff: &Diff) -> Self {
        Self { head: diff_head(diff), parts: diff_parts(diff), blocks: Vec::new() }
    }
}

impl From<&Handover> for Told {
    fn from(page: &Handover) -> Self {
        Self { head: handover_head(page), parts: handover_parts(page), blocks: Vec::new() }
    }
}

impl From<&Report> for Told {
    fn from(report: &Report) -> Self {
        Self { head: Vec::new(), parts: Vec::new(), blocks: report_blocks(report) }
    }
}

/// The screen.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportScreen {
    asked: Asked,
    told: Option<Result<Told, String>>,
    scroll: usize,
}

impl ReportScreen {
    /// A screen, and what it asks for.
    #[must_use]
    pub fn open(asked: Asked) -> (Self, Wish) {
        (Self { asked, told: None, scroll: 0 }, Wish::Report(asked))
    }

    /// The two moments of `text`, or now since one.
    ///
    /// # Errors
    /// What is missing, in words.
    pub fn compared(text: &str, now: Timestamp) -> Result<(Self, Wish), String> {
        let (from, until) = two_in(text, now).map_err(|e| e.to_string())?;
        Ok(Self::open(Asked::Diff(from.at, until.at)))
    }

    /// The period that `text` names: two moments, or since one until now; the last 30 days if none.
    ///
    /// # Errors
    /// What is missing, in words.
    pub fn figures(text: &str, now: Timestamp) -> Result<(Self, Wish), String> {
        if text.trim().is_empty() {
            return Ok(Self::usual(now));
        }
        let (from, until) = two_in(text, now).map_err(|e| e.to_string())?;
        Ok(Self::open(Asked::Figures(from.at, until.at)))
    }

    /// The last 30 days.
    #[must_use]
    pub fn usual(now: Timestamp) -> (Self, Wish) {
        Self::open(Asked::Figures(now.checked_sub(USUAL).unwrap_or(now), now))
    }

    /// Its name in line 1.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self.asked {
            Asked::Diff(..) => "compared",
            Asked::Handover(_) => "handover",
            Asked::Figures(..) => "report",
        }
    }

    /// Takes what was told, if it is what was asked for.
    pub fn heard(&mut self, heard: &Heard) {
        let told = match heard {
            Heard::Diff { asked, answer } if *asked == self.asked => {
                answer.as_ref().map(|diff| Told::from(&**diff)).map_err(Clone::clone)
            }
            Heard::Handover { asked, answer } if *asked == self.asked => {
                answer.as_ref().map(|page| Told::from(&**page)).map_err(Clone::clone)
            }
            Heard::Figures { asked, answer } if *asked == self.asked => {
                answer.as_ref().map(|report| Told::from(&**report)).map_err(Clone::clone)
            }
            _ => return,
        };
        self.told = Some(told);
    }

    fn lines(&self, columns: u16) -> Vec<Line> {
        let room = columns.saturating_sub(4);
        let plain = |text: &str, role| {
            let parts = wrap(text, room).into_iter();
            parts.map(move |part| Line::of(format!(" {part}"), role)).collect::<Vec<_>>()
        };
        let told = match &self.told {
            None => return vec![Line::of(" asking the agent ...", Role::Quiet)],
            Some(Err(why)) => return plain(why, Role::Message),
            Some(Ok(told)) => told,
        };
        let mut lines: Vec<Line> =
            told.head.iter().flat_map(|text| plain(text, Role::Quiet)).collect();
        for part in &told.parts {
            lines.push(Line::default());
            lines.push(Line::of(format!(" {}", part.heading), Role::Title));
            if part.lines.is_empty() {
                lines.push(Line::of(format!("   {}", part.none), Role::Quiet));
            }
            for text in &part.lines {
                for (n, part) in wrap(text, room.saturating_sub(2)).into_iter().enumerate() {
                    let indent = if n == 0 { "   " } else { "     " };
                    lines.push(Line::of(format!("{indent}{part}"), Role::Text));
                }
            }
        }
        for block in &told.blocks {
            let fits = |text: &String| crate::tui::widgets::width(text) < columns;
            let texts = if block.lines.iter().all(fits) { &block.lines } else { &block.told };
            for text in texts {
                let role = if text.starts_with(' ') { Role::Text } else { Role::Title };
                match fits(text) {
                    true => lines.push(Line::of(format!(" {text}"), role)),
                    false => super::say(&mut lines, text, role, (3, room)),
                }
            }
            lines.push(Line::default());
        }
        lines
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        let len = self.lines(view.size.0).len();
        read_on(command, &mut self.scroll, len, view)
    }

    /// Draws the text.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        draw_text(pen, area, &self.lines(view.size.0), self.scroll, view)
    }
}
