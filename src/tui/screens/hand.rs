//! The prompt of a downtime, of a note, and of what is taken with a reason: says back in words what it understood.

use super::prompt::{two_lines, typing};
use super::{Act, Answer, View};
use crate::tui::keymap::Command;
use crate::tui::theme::Role;
use crate::tui::times;
use crate::tui::widgets::{Field, Line, Pen};
use crate::wire::Clean;
use crate::wire::again::Again;
use crate::wire::desk::{DeskKind, Handle};
use crate::wire::when::stretch;
use jiff::Timestamp;

/// The prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandPrompt {
    field: Field,
    /// What is asked for, but for what is typed.
    handle: Handle,
    /// Where, in words.
    place: String,
    hidden: usize,
}

impl HandPrompt {
    /// A prompt for `handle` at `place` that begins with `text`; `hidden` marked schools are left
    /// out.
    #[must_use]
    pub fn new(handle: Handle, place: &str, hidden: usize, text: &str) -> Self {
        Self { field: Field::with(text), handle, place: place.to_owned(), hidden }
    }

    /// What is asked for by what is typed, or what is missing.
    fn understood(&self, now: Timestamp) -> Result<Handle, String> {
        let text = self.field.text().trim();
        let mut handle = self.handle.clone();
        if handle.kind == DeskKind::Note {
            handle.why = Clean::new(text);
            let missing = "a line for whoever comes next; no pupils' names";
            return if text.is_empty() { Err(missing.to_owned()) } else { Ok(handle) };
        }
        let (span, why) = text.split_once(' ').unwrap_or((text, ""));
        if handle.kind != DeskKind::Downtime {
            // An end, a reason, both or neither; what is no end begins the reason.
            let (until, why) = match stretch(span, now) {
                Ok((None, until)) => (Some(until), why),
                Ok((Some(_), _)) => return Err("only a downtime can begin later".to_owned()),
                Err(_) => (None, text),
            };
            (handle.until, handle.why) = (until, Clean::new(why.trim()));
            return Ok(handle);
        }
        if text.is_empty() {
            return Err("its end (2h, 22:00..02:00, every sun ..), then why".to_owned());
        }
        let why = match Again::read(text, now) {
            Some(read) => {
                let (again, why) = read.map_err(|e| e.to_string())?;
                handle.every = Clean::new(&again.written());
                why
            }
            None => {
                let (from, until) = stretch(span, now).map_err(|e| e.to_string())?;
                (handle.from, handle.until) = (from, Some(until));
                why
            }
        };
        handle.why = Clean::new(why.trim());
        if handle.why.is_empty() {
            Err("and why: a change's number, a word".to_owned())
        } else {
            Ok(handle)
        }
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        typing(&mut self.field, command).answer(|| {
            let handle = self.understood(view.now).ok()?;
            Some(vec![Act::Close, Act::Handle(handle)])
        })
    }

    /// Takes text.
    pub fn typed(&mut self, text: &str) -> Answer {
        self.field.insert(text);
        Answer::Consumed
    }

    /// Draws the two last lines.
    pub fn draw(&self, pen: &mut Pen<'_>, view: &View<'_>) -> usize {
        let head = match self.handle.kind {
            DeskKind::Note => " note > ",
            DeskKind::Acknowledge => " acknowledge > ",
            DeskKind::AcknowledgeAsIs => " acknowledge as it is > ",
            DeskKind::Claim => " claim > ",
            _ => " downtime until > ",
        };
        let said = match self.understood(view.now) {
            Ok(handle) => Line::of(format!(" {}", in_words(&handle, view.now)), Role::Text),
            Err(missing) => Line::of(format!(" {missing}"), Role::Message),
        };
        let mut said = said.and(format!("   {}", self.place), Role::Quiet);
        if self.hidden > 0 {
            said =
                said.and(format!("; {} marked are hidden: left out", self.hidden), Role::Message);
        }
        two_lines(pen, view.size, (head, &self.field), &said);
        2
    }
}

fn in_words(handle: &Handle, now: Timestamp) -> String {
    if handle.kind == DeskKind::Note {
        return "Enter keeps it".to_owned();
    }
    let say = |at| times::moment(at, now);
    if let Some(Ok((again, _))) = Again::read(handle.every.as_str(), now) {
        let windows = again.regular(now);
        let words = match windows.first().zip(windows.last()) {
            _ if again.is_closures() => "in the closures of each school's calendar".to_owned(),
            Some(((from, until), (_, last))) => {
                let (n, from, until) = (windows.len(), say((*from).max(now)), say(*until));
                format!("{n} times, first {from} to {until}, last until {}", say(*last))
            }
            None => "at no time".to_owned(),
        };
        return format!("{words}; Enter sets it");
    }
    let from = handle.from.map(|at| format!("from {} ", say(at))).unwrap_or_default();
    let until = handle.until.map_or_else(|| "the end of the shift".to_owned(), say);
    let why = match handle.kind {
        DeskKind::Downtime => String::new(),
        _ if handle.why.is_empty() => ", without a reason (17:00 rang them)".to_owned(),
        _ => format!(": {}", handle.why),
    };
    let changes = if handle.kind == DeskKind::AcknowledgeAsIs { " or a change" } else { "" };
    format!("{from}until {until}{changes}{why}; Enter sets it")
}
