//! A line that is asked for before something is recorded: what was seen, why it is closed, why
//! personal details are read, why there is an emergency.

use super::prompt::{two_lines, typing};
use super::{Act, Answer, View};
use crate::tui::keymap::Command;
use crate::tui::theme::Role;
use crate::tui::widgets::{Field, Line, Pen};
use crate::tui::wish::Wish;
use crate::wire::account::{AskAccount, FindAccounts};
use crate::wire::action::Told;
use crate::wire::{Aim, Clean};

/// What declares an emergency.
const EMERGENCY: &str = "emergency";
/// What Enter does where names are asked for.
const RECORDS: &str = "Enter records why, and then shows them";

/// What the line is for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// Whether step `step` of the action took effect, and how they know.
    Tell { key: Clean, step: usize },
    /// Why the action is closed as it is.
    Close { key: Clean },
    /// Why a ticket is over.
    CloseTicket { key: Clean },
    /// Why personal details of an entry are read.
    Reveal { number: u64 },
    /// Why an account's names are shown.
    Account { account: Aim },
    /// Why the names of what a search finds are shown.
    Found { asked: Box<FindAccounts> },
    /// The word that declares an emergency for this reason.
    Emergency { why: Clean },
}

/// The prompt, over the place that asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordPrompt {
    kind: Kind,
    /// About what, in words.
    what: String,
    field: Field,
}

impl WordPrompt {
    fn new(kind: Kind, what: String) -> Self {
        Self { kind, what, field: Field::default() }
    }

    /// What was seen of a step.
    #[must_use]
    pub fn tell(key: Clean, step: usize, what: String) -> Self {
        Self::new(Kind::Tell { key, step }, what)
    }

    /// Why an action is closed as it is.
    #[must_use]
    pub fn close(key: Clean, what: String) -> Self {
        Self::new(Kind::Close { key }, what)
    }

    /// Why a ticket is over, by the key of the action that raised it.
    #[must_use]
    pub fn close_ticket(key: Clean, what: String) -> Self {
        Self::new(Kind::CloseTicket { key }, what)
    }

    /// Why personal details are read.
    #[must_use]
    pub fn reveal(number: u64) -> Self {
        Self::new(Kind::Reveal { number }, format!("entry {number}"))
    }

    /// Why an account's names are shown.
    #[must_use]
    pub fn reveal_account(account: Aim, label: &Clean) -> Self {
        Self::new(Kind::Account { account }, label.to_string())
    }

    /// Why the names of all that a search finds are shown.
    #[must_use]
    pub fn reveal_found(asked: FindAccounts) -> Self {
        let what = format!("all that {} finds", asked.part);
        Self::new(Kind::Found { asked: Box::new(asked) }, what)
    }

    /// The word that declares an emergency.
    #[must_use]
    pub fn emergency(why: Clean) -> Self {
        let what = why.to_string();
        Self::new(Kind::Emergency { why }, what)
    }

    /// What is asked of the guard by what is typed, in words too; or what is missing.
    fn understood(&self) -> Result<(Wish, String), String> {
        let text = self.field.text().trim();
        match &self.kind {
            Kind::Tell { key, step } => {
                let (word, how) = text.split_once(' ').unwrap_or((text, ""));
                let there = match word.to_lowercase().as_str() {
                    "yes" => true,
                    "no" => false,
                    _ => return Err("yes or no: is its effect there? Then how you know".to_owned()),
                };
                if how.trim().is_empty() {
                    return Err("and how you know: where you looked".to_owned());
                }
                let told = Told { step: *step, there, how: Clean::new(how) };
                let word = if there { "took effect" } else { "did not take effect" };
                Ok((Wish::Tell { key: key.clone(), told }, format!("it {word}; Enter records it")))
            }
            _ if text.is_empty() => Err(self.missing().to_owned()),
            Kind::Close { key } => {
                let wish = Wish::Close { key: key.clone(), why: Clean::new(text) };
                Ok((wish, "closed as it is; Enter records it".to_owned()))
            }
            Kind::CloseTicket { key } => {
                let wish = Wish::Close { key: key.clone(), why: Clean::new(text) };
                Ok((wish, "it is over for us; Enter records it, and nothing is sent".to_owned()))
            }
            Kind::Reveal { number } => {
                let wish = Wish::Reveal { number: *number, why: Clean::new(text) };
                Ok((wish, RECORDS.to_owned()))
            }
            Kind::Account { account } => {
                let (account, why) = (account.clone(), Clean::new(text));
                let asked = AskAccount { account, show: true, why };
                Ok((Wish::Account(Box::new(asked)), RECORDS.to_owned()))
            }
            Kind::Found { asked } => {
                let asked = FindAccounts { show: true, why: Clean::new(text), ..(**asked).clone() };
                Ok((Wish::FindAccounts(Box::new(asked)), RECORDS.to_owned()))
            }
            Kind::Emergency { why } if text.eq_ignore_ascii_case(EMERGENCY) => Ok((
                Wish::Emergency(why.clone()),
                "Enter declares it; everybody is told".to_owned(),
            )),
            Kind::Emergency { .. } => Err(self.missing().to_owned()),
        }
    }

    fn missing(&self) -> &'static str {
        match self.kind {
            Kind::Tell { .. } => "",
            Kind::Close { .. } => "why nothing more is to be done about it",
            Kind::CloseTicket { .. } => "how you know that it is over: they wrote, you rang",
            Kind::Reveal { .. } | Kind::Account { .. } | Kind::Found { .. } => {
                "why you read them: the reason stands in the audit"
            }
            Kind::Emergency { .. } => "type  emergency  to declare it: everybody is told",
        }
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command) -> Answer {
        typing(&mut self.field, command).answer(|| {
            let (wish, _) = self.understood().ok()?;
            Some(vec![Act::Close, Act::Guard(wish)])
        })
    }

    /// Takes text.
    pub fn typed(&mut self, text: &str) -> Answer {
        self.field.insert(text);
        Answer::Consumed
    }

    /// Draws the two last lines.
    pub fn draw(&self, pen: &mut Pen<'_>, view: &View<'_>) -> usize {
        let head = match self.kind {
            Kind::Tell { .. } => " seen > ",
            Kind::Close { .. } | Kind::CloseTicket { .. } => " close, because > ",
            Kind::Reveal { .. } => " read, because > ",
            Kind::Account { .. } | Kind::Found { .. } => " show names, because > ",
            Kind::Emergency { .. } => " emergency > ",
        };
        let said = match self.understood() {
            Ok((_, words)) => Line::of(format!(" {words}"), Role::Text),
            Err(missing) => Line::of(format!(" {missing}"), Role::Message),
        };
        let said = said.and(format!("   {}", self.what), Role::Quiet);
        two_lines(pen, view.size, (head, &self.field), &said);
        2
    }
}
