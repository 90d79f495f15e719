//! How work is handed to people outside: as tickets.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::text::Clean;
use crate::ports::act::{Answer, Seen};
use crate::ports::clock::Boxed;
use crate::ports::ledger::Committed;

/// Id of the step that hands a ticket over, in every action that raises one.
pub const TICKET_STEP: &str = "ticket";

/// What is handed over, before it is put into the desk's words. Never a person's name, unless the
/// operator's own words hold one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matter {
    /// What is asked for: `Ask for a restore`.
    pub action: Clean,
    /// Where: `Fernhollow Primary (999 1001)`, `3 schools`.
    pub place: Clean,
    /// The LAESTAB where it is about one school; empty for more and for the estate.
    pub school: Clean,
    /// Of which service, by its displayed name; empty for more than one.
    pub service: Clean,
    /// What there is to say, line by line.
    pub lines: Vec<Clean>,
    /// The account of the operator.
    pub by: Clean,
    /// Why, in the operator's words: may hold a name, so a template leaves it out unless it asks.
    pub reason: Clean,
    /// The desk's own ticket, where the operator named one.
    pub ticket: Clean,
}

impl Matter {
    /// What a ticket system keeps beside the text, by name: `action`, `place`, `school`, `service`, `by`,
    /// `ticket`; never the operator's reason. What is empty is left out.
    #[must_use]
    pub fn about(&self) -> BTreeMap<String, Clean> {
        let Self { action, place, school, service, by, ticket, lines: _, reason: _ } = self;
        let all = [
            ("action", action),
            ("place", place),
            ("school", school),
            ("service", service),
            ("by", by),
            ("ticket", ticket),
        ];
        let said = all.into_iter().filter(|(_, value)| !value.is_empty());
        said.map(|(name, value)| (name.to_owned(), value.clone())).collect()
    }
}

/// As it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Letter {
    /// Its subject.
    pub subject: Clean,
    /// Its lines; empty ones part paragraphs.
    pub body: Vec<Clean>,
    /// See [`Matter::about`].
    pub about: BTreeMap<String, Clean>,
}

impl Letter {
    /// As one list, the subject first: what stands in a plan.
    #[must_use]
    pub fn lines(&self) -> Vec<Clean> {
        std::iter::once(&self.subject).chain(&self.body).cloned().collect()
    }

    /// From such a list, and what it is about.
    #[must_use]
    pub fn of(lines: &[Clean], about: &BTreeMap<String, Clean>) -> Self {
        let (subject, body) =
            lines.split_first().map_or_else(Default::default, |(s, b)| (s.clone(), b.to_vec()));
        Self { subject, body, about: about.clone() }
    }
}

/// A short name for a ticket whose number nobody has told yet, made from its key: `CT-1A2B3C4D`.
#[must_use]
pub fn short_of(key: &Clean) -> Clean {
    let digits: String = key.as_str().chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    Clean::new(&format!("CT-{}", digits.to_ascii_uppercase()))
}

/// Where tickets go.
///
/// Invariant: `raise` hands over at most once for each call, with the key in what it hands over;
/// `look` only reads.
pub trait Tickets: Send + Sync {
    /// Where they go, for plans: `by mail to helpdesk@example.org`.
    fn goes(&self) -> Clean;

    /// Puts a matter into the desk's words.
    fn write(&self, matter: &Matter) -> Letter;

    /// Hands a letter over. [`Answer::NotSent`] only where the other side certainly has nothing.
    fn raise<'a>(
        &'a self,
        committed: &'a Committed,
        letter: &'a Letter,
        now: Timestamp,
    ) -> Boxed<'a, Answer>;

    /// What can be seen of the ticket with this key, which was handed over at `sent_at`.
    fn look<'a>(&'a self, key: &'a Clean, sent_at: Timestamp, now: Timestamp) -> Boxed<'a, Seen>;
}
