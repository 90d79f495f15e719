//! Past moments: what says of an answer that it is one, two of them compared, and what to hand over.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::cell::{Cause, Handling, Row};
use crate::model::desk::DeskKind;
use crate::model::health::{Health, Reason};
use crate::model::ids::ServiceKey;
pub use crate::model::past::Sort;
use crate::model::text::Clean;
use crate::model::ticket::Ticket;
use crate::wire::action::ActionRow;
use crate::wire::runs::Stretch;

/// What says of a board, a status or a page that it is a past moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Past {
    /// The moment.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The agent's clock, when this was asked.
    #[schemars(with = "String")]
    pub asked_at: Timestamp,
    /// What is kept: from the first moment that can be asked for until now.
    pub held: Stretch,
    /// The moment lies in a stretch in which no agent ran: nobody looked, and every cell is unknown.
    pub nobody_looked: Option<Stretch>,
    /// Cells of which is not known how they stood; they are unknown with the reason `not_recorded`.
    pub not_recorded: u32,
    /// The nearest change of the board before the moment.
    #[schemars(with = "Option<String>")]
    pub earlier: Option<Timestamp>,
    /// The nearest change after it; none up to now.
    #[schemars(with = "Option<String>")]
    pub later: Option<Timestamp>,
    /// What this cannot know, in sentences.
    pub not_kept: Vec<Clean>,
}

/// A cell of a school or of the estate, as two moments and a handover name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Named {
    /// Where.
    pub row: Row,
    /// The school's name; `whole estate` for the estate.
    pub name: Clean,
    /// Which service.
    pub service: ServiceKey,
    /// Its displayed name.
    pub label: Clean,
}

/// How a cell stood at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stood {
    /// Health.
    pub health: Health,
    /// Set when unknown.
    pub reason: Option<Reason>,
    /// The sentence; empty when well.
    pub why: Clean,
    /// Since when.
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
    /// Who had it.
    pub handling: Option<Handling>,
    /// What it followed from.
    pub follows_from: Option<Cause>,
}

/// The worst that a cell was between two moments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Worst {
    /// Health.
    pub health: Health,
    /// When it became so.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The sentence of that moment.
    pub why: Clean,
}

/// A cell that differs between two moments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Differs {
    /// What became of it.
    pub sort: Sort,
    /// Which.
    pub cell: Named,
    /// At the first moment.
    pub before: Stood,
    /// At the second.
    pub after: Stood,
    /// The worst meanwhile, where that is worse than both ends.
    pub worst: Option<Worst>,
    /// Who had it at the first moment and has it no more, while it is still bad.
    pub ran_out: Option<Handling>,
}

/// `GET /v1/diff`: two moments compared, worst first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diff {
    /// Version of the wire.
    pub version: u32,
    /// The agent's clock.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// The first moment.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// The second.
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// Cells that differ, worst first: at most 2,000.
    pub cells: Vec<Differs>,
    /// How many more there are.
    pub more: u32,
    /// How many only follow from another cell and are not listed.
    pub followed: u32,
    /// Cells that could not be compared, because one moment is not recorded.
    pub not_recorded: u32,
    /// Stretches between the two in which no agent ran and nobody looked.
    pub nobody_looked: Vec<Stretch>,
}

/// An entry of the desk's book, as it is handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Done {
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Who.
    pub by: Clean,
    /// What.
    pub kind: DeskKind,
    /// The cells, at most 20 of them.
    pub cells: Vec<Named>,
    /// How many there are.
    pub many: u32,
    /// When it runs out.
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
    /// Why, or the note.
    pub why: Clean,
}

/// A cell that is open, or that somebody has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Open {
    /// Which.
    pub cell: Named,
    /// How it stands.
    pub stands: Stood,
}

/// Credentials of a service and their end, as a check tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndsSoon {
    /// The cell that tells of it.
    pub cell: Named,
    /// The sentence of its check.
    pub why: Clean,
}

/// A ticket that stands, and about what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Standing {
    /// The ticket.
    pub ticket: Ticket,
    /// Its cells.
    pub cells: Vec<Named>,
}

/// `GET /v1/handover`: what whoever comes next has to know. Lists hold at most 2,000.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Handover {
    /// Version of the wire.
    pub version: u32,
    /// The agent's clock.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// Who asks.
    pub by: Clean,
    /// Since when.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// Why since then, in a sentence.
    pub why_since: Clean,
    /// When the present shift ends.
    #[schemars(with = "String")]
    pub shift_ends: Timestamp,
    /// What broke since and is still broken, what ran out, what is well again: as of
    /// [`Diff`] between `since` and now.
    pub diff: Diff,
    /// Trouble that stands, worst first and nobody's first: what is open, and whose.
    pub open: Vec<Open>,
    /// How many more there are.
    pub open_more: u32,
    /// What somebody has and that runs out in the present shift, the soonest first.
    pub runs_out: Vec<Open>,
    /// When the shift after the present one ends.
    #[serde(default)]
    #[schemars(with = "String")]
    pub next_shift_ends: Timestamp,
    /// What somebody has and that runs out in the shift after the present one, the soonest first.
    #[serde(default)]
    pub runs_out_next: Vec<Open>,
    /// Credentials that end within 30 days, or have ended: those whose check says so.
    #[serde(default)]
    pub credentials: Vec<EndsSoon>,
    /// What the desk did since, the oldest first.
    pub done: Vec<Done>,
    /// Actions since then, by the ledger, the newest first. Names are not in them.
    pub actions: Vec<ActionRow>,
    /// Actions that somebody has to look at, whenever they began.
    pub to_look_at: Vec<ActionRow>,
    /// Tickets that were raised from here and stand.
    pub tickets: Vec<Standing>,
    /// Why actions and tickets are not told; absent when they are.
    pub untold: Option<Clean>,
}
