//! The prompt of a past moment: says back in words what it understood.

use jiff::Timestamp;

use super::prompt::{two_lines, typing};
use super::{Act, Answer, View};
use crate::tui::keymap::Command;
use crate::tui::theme::Role;
use crate::tui::times;
use crate::tui::widgets::{Field, Line, Pen};
use crate::wire::{london, when};

/// The prompt.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WhenPrompt {
    field: Field,
    asked: Option<Timestamp>,
    refused: Option<String>,
}

impl WhenPrompt {
    /// The moment that it waits for.
    #[must_use]
    pub fn waits_for(&self) -> Option<Timestamp> {
        self.asked
    }

    /// There is no such board.
    pub fn refused(&mut self, why: String) {
        (self.asked, self.refused) = (None, Some(why));
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        let answer = typing(&mut self.field, command).answer(|| {
            let (at, _) = understood(self.field.text(), view.present).ok()?;
            Some(vec![Act::Then(at)])
        });
        self.refused = None;
        self.asked = match &answer {
            Answer::Wants(acts) => acts.iter().find_map(|act| match act {
                Act::Then(at) => Some(*at),
                _ => None,
            }),
            _ => None,
        };
        answer
    }

    /// Takes text.
    pub fn typed(&mut self, text: &str) -> Answer {
        self.field.insert(text);
        (self.asked, self.refused) = (None, None);
        Answer::Consumed
    }

    /// Draws the two last lines.
    pub fn draw(&self, pen: &mut Pen<'_>, view: &View<'_>) -> usize {
        let said = match (&self.refused, self.asked) {
            (Some(why), _) => Line::of(format!(" {why}"), Role::Message),
            (None, Some(_)) => Line::of(" asking the agent ...", Role::Quiet),
            (None, None) => match understood(self.field.text(), view.present) {
                Ok((_, words)) => Line::of(format!(" {words}"), Role::Text),
                Err(missing) => Line::of(format!(" {missing}"), Role::Message),
            },
        };
        two_lines(pen, view.size, (" the board as of > ", &self.field), &said);
        2
    }
}

/// The past moment that is meant, and in words.
///
/// # Errors
/// What is missing, in words.
pub fn understood(text: &str, now: Timestamp) -> Result<(Timestamp, String), String> {
    if text.trim().is_empty() {
        return Err("when: Mon 22:00, 22:00 (the last), -8h, or 2026-11-25T22:00".to_owned());
    }
    let then = when::past(text, now).map_err(|e| e.to_string())?;
    if then.at > now {
        return Err("that lies in the future: what will be is not known".to_owned());
    }
    let day = then.at.to_zoned_datetime(london()).strftime("%a %-d %b %Y %H:%M %Z").to_string();
    let words = format!("{day}, {} ago; Enter goes there", times::age(then.at, now));
    Ok((then.at, then.caution().map_or(words.clone(), |caution| format!("{caution}; {words}"))))
}
