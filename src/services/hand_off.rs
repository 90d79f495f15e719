//! Handing work to people: what every ticket has in common.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::action::Class;
use crate::model::calendar::london;
use crate::model::estate::Estate;
use crate::model::ids::Laestab;
use crate::model::plan::{Ask, Item, Operator, Step};
use crate::model::text::Clean;
use crate::ports::act::{Answer, Refused};
use crate::ports::known::{KnownCell, NotKnown};
use crate::ports::ledger::Committed;
use crate::ports::tickets::{Letter, TICKET_STEP, Tickets};

/// How long a ticket that was handed over may stay unseen before somebody looks.
const TICKET_PATIENCE_S: u32 = 4 * 3_600;
/// Facts of one check that go into a ticket.
const FACTS: usize = 6;
/// The longest text that an operator adds, in characters.
const LONGEST_TEXT: usize = 300;

/// A school as people write it: `Fernhollow Primary (999 1001)`.
///
/// # Errors
/// When there is no such school.
pub(super) fn place(estate: &Estate, school: Laestab) -> Result<Clean, Refused> {
    let found = estate.schools.get(&school);
    let found = found.ok_or_else(|| Refused::NotOne(format!("there is no school {school}")))?;
    Ok(Clean::new(&format!("{} ({})", found.name, school.spaced())))
}

impl From<NotKnown> for Refused {
    fn from(error: NotKnown) -> Self {
        match error {
            NotKnown::Nothing(why) => Self::NotOne(why),
            NotKnown::Unreadable(_) => Self::CannotRead(error.to_string()),
        }
    }
}

/// What the operator adds to a ticket, in words that are meant for it.
///
/// # Errors
/// When it is too long.
pub(super) fn added(ask: &Ask) -> Result<Option<Clean>, Refused> {
    let text = ask.choices.get("text").filter(|text| !text.is_empty());
    if text.is_some_and(|t| t.as_str().chars().count() > LONGEST_TEXT) {
        let why = format!("text: at most {LONGEST_TEXT} characters");
        return Err(Refused::Choice(why));
    }
    Ok(text.cloned())
}

/// The step that hands this letter over.
pub(super) fn ticket_step(tickets: &Arc<dyn Tickets>, letter: &Letter) -> Step {
    Step {
        id: Clean::new(TICKET_STEP),
        system: Clean::new("tickets"),
        says: Clean::new(&format!("raise a ticket, {}", tickets.goes())),
        class: Class::HandOff,
        undoable: false,
        patience_s: TICKET_PATIENCE_S,
        with: letter.about.clone(),
    }
}

/// What is to be said of every ticket before it goes.
pub(super) fn beware(by: &Operator) -> Vec<Clean> {
    let text = format!(
        "it leaves this desk as it stands below, in the name of {}: it must hold no pupil's name",
        by.name
    );
    vec![Clean::new(&text)]
}

/// Hands over what the item says, by this step of it.
pub(super) async fn raise(
    tickets: &dyn Tickets,
    (committed, item, step): (&Committed, &Item, usize),
    now: Timestamp,
) -> Answer {
    let Some(step) = item.steps.get(step) else {
        return Answer::NotSent { says: Clean::new("its plan has no such step") };
    };
    tickets.raise(committed, &Letter::of(&item.sends, &step.with), now).await
}

/// A moment in London, as a letter has it.
pub(super) fn moment(at: Timestamp) -> String {
    at.to_zoned_datetime(london()).strftime("%a %-d %b %Y %H:%M").to_string()
}

/// What the board knows of a cell, line by line.
pub(super) fn told(known: &KnownCell) -> Vec<Clean> {
    let (cell, mut lines) = (&known.cell, Vec::new());
    let mut say = |text: String| lines.push(Clean::new(&text));
    let reason =
        cell.reason.map_or(String::new(), |r| format!(" ({})", r.word().replace('_', " ")));
    let since = cell.since.map_or(String::new(), |at| format!(" since {}", moment(at)));
    say(format!("{}: {}{reason}{since}", known.label, cell.health.word()));
    if !cell.why.is_empty() {
        say(cell.why.to_string());
    }
    for check in known.checks.iter().filter(|check| check.health.is_trouble()) {
        say(format!("- {}: {}", check.label, check.why));
        let moments = [
            ("asked", check.observed_at),
            ("vendor's time", check.source_at.map(|source| source.at)),
            ("last good", check.good_at),
        ];
        let moments = moments.into_iter().filter_map(|(name, at)| Some((name, moment(at?))));
        let facts = check.evidence.iter().map(|f| (f.name.as_str(), f.value.to_string()));
        let facts: Vec<String> = moments
            .chain(facts.take(FACTS))
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        if !facts.is_empty() {
            say(format!("  {}", facts.join("; ")));
        }
    }
    lines
}
