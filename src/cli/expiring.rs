//! What runs out next, in plain text and for programs: what somebody has for a time, plans that wait, what
//! is open for a while.

use jiff::Timestamp;
use serde::Serialize;

use crate::wire::action::Actions;
use crate::wire::board::{Board, CompactCell, Row};
use crate::wire::when::written;
use crate::wire::{Clean, HandlingKind, Laestab, ServiceKey, VERSION};

/// What runs out at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ending<'a> {
    /// When.
    pub until: Timestamp,
    /// What.
    #[serde(flatten)]
    pub about: About<'a>,
    /// Who has it, asked for it, or opened it.
    pub by: &'a Clean,
}

/// What it is that runs out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum About<'a> {
    /// A cell that somebody has.
    Cell {
        /// The school; absent for the estate.
        school: Option<Laestab>,
        /// Its name, or `whole estate`.
        name: &'a str,
        /// The service.
        service: &'a ServiceKey,
        /// Its displayed name.
        label: &'a Clean,
        /// How it is had.
        kind: HandlingKind,
    },
    /// A plan that waits for a second person.
    Plan {
        /// Its number.
        plan: &'a Clean,
        /// The action's displayed name.
        label: &'a str,
    },
    /// The actions of whoever asks are open.
    Armed,
    /// An emergency is declared.
    Emergency,
}

/// All that has not run out, the soonest first.
#[must_use]
pub fn endings<'a>(board: &'a Board, actions: &'a Actions) -> Vec<Ending<'a>> {
    let schools = board.schools.iter();
    let schools = schools.map(|s| (Row::School(s.laestab), s.name.as_str(), &s.cells));
    let rows = std::iter::once((Row::Estate, "whole estate", &board.estate)).chain(schools);
    let held = rows.flat_map(|(row, name, cells)| {
        let cells = board.columns.iter().zip(cells);
        cells.filter_map(move |(column, cell): (_, &CompactCell)| {
            let handling = cell.handling.as_ref()?;
            let school = match row {
                Row::Estate => None,
                Row::School(laestab) => Some(laestab),
            };
            let (service, label, kind) = (&column.key, &column.label, handling.kind);
            let about = About::Cell { school, name, service, label, kind };
            Some(Ending { until: handling.until?, about, by: &handling.by })
        })
    });
    let plans = actions.waiting.iter().map(|waiting| {
        let action = &waiting.plan.ask.action;
        let label = actions.possible.iter().find(|possible| possible.action == *action);
        let label = label.map_or(action.as_str(), |possible| possible.label.as_str());
        let about = About::Plan { plan: &waiting.plan.id, label };
        Ending { until: waiting.until, about, by: &waiting.plan.by.name }
    });
    let me = &actions.me;
    let armed = me.armed_until;
    let armed = armed.map(|until| Ending { until, about: About::Armed, by: &me.operator.name });
    let emergency = actions.emergency.iter().map(|declared| Ending {
        until: declared.until,
        about: About::Emergency,
        by: &declared.by,
    });
    let all = held.chain(plans).chain(armed).chain(emergency);
    let mut all: Vec<Ending<'_>> = all.filter(|ending| ending.until > board.as_of).collect();
    all.sort_by_key(|ending| ending.until);
    all
}

/// For people: a sentence each, which a screen reader can read out.
#[must_use]
pub fn expiring_text(board: &Board, actions: &Actions) -> String {
    let all = endings(board, actions);
    if all.is_empty() {
        return "nothing runs out: nobody has anything for a time\n".to_owned();
    }
    let line = |ending: &Ending<'_>| {
        let by = ending.by;
        let what = match &ending.about {
            About::Cell { name, label, kind, .. } => {
                format!("{name} / {label}, {} by {by}", kind.word())
            }
            About::Plan { plan, label } => {
                format!("{label}, asked for by {by}, waits for approval: plan {plan}")
            }
            About::Armed => format!("your actions, armed, {by}"),
            About::Emergency => format!("everybody, emergency declared by {by}"),
        };
        format!("{}: {what}\n", written(ending.until))
    };
    all.iter().map(line).collect()
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    as_of: Timestamp,
    expiring: Vec<Ending<'a>>,
}

/// For programs.
///
/// # Errors
/// Never for these types; passed on from the encoder.
pub fn expiring_json(board: &Board, actions: &Actions) -> Result<String, serde_json::Error> {
    let expiring = endings(board, actions);
    let document = Document { version: VERSION, as_of: board.as_of, expiring };
    serde_json::to_string(&document)
}
