//! Incidents: what is broken, since when, what is the root, who works on it, what was tried.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::cell::Handling;
use crate::model::desk::CellName;
use crate::model::health::{Health, Reason};
use crate::model::ids::Laestab;
pub use crate::model::incident::{IncidentDeed, IncidentState};
use crate::model::text::Clean;
use crate::wire::desk::Handled;

/// Members of one page.
pub const MOST_MEMBERS: usize = 500;

/// `GET /v1/incidents`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Incidents {
    /// Version of the wire.
    pub version: u32,
    /// Revision.
    pub revision: u64,
    /// The agent's clock.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// Whether every configured check was tried since the agent's start: before that, more may be broken
    /// than is listed.
    pub settled: bool,
    /// The open ones, what nobody has first; then those that ended, the newest first.
    pub incidents: Vec<IncidentLine>,
    /// Whether more ended in that time than are listed.
    pub more_ended: bool,
    /// Of each open one the schools in trouble, where `places` was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<IncidentPlaces>,
}

/// The schools of one open incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentPlaces {
    /// Its number.
    pub id: u64,
    /// Schools with a cell in trouble now.
    pub schools: Vec<Laestab>,
}

/// Who has an incident: how its roots that are in trouble are had.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Had {
    /// Roots in trouble that nobody has.
    pub nobody: u32,
    /// Roots in trouble that somebody has.
    pub somebody: u32,
    /// One of those handlings: the one that runs out first.
    pub handling: Option<Handling>,
    /// Everybody who has any.
    pub by: Vec<Clean>,
}

impl Had {
    /// Whether somebody has all of it.
    #[must_use]
    pub fn is_had(&self) -> bool {
        self.nobody == 0 && self.somebody > 0
    }
}

/// One incident in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentLine {
    /// Its number; the same after a restart.
    pub id: u64,
    /// Where: "Groupcall at Abbots Green Primary", "Redstor Backup at 12 schools".
    pub title: Clean,
    /// The sentence of its first root.
    pub why: Clean,
    /// How it stands.
    pub state: IncidentState,
    /// The worst of its cells now; the worst that any of them was, once it ended.
    pub health: Health,
    /// Start of the trouble, as far as it is known; otherwise when it was certain.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// When its first cell's trouble was certain.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
    /// Since when all its cells are well: it is over a quarter of an hour later, unless one fails again.
    #[schemars(with = "Option<String>")]
    pub quiet_since: Option<Timestamp>,
    /// The first root.
    pub first: CellName,
    /// How many roots it has.
    pub roots: u32,
    /// Cells in trouble now.
    pub in_trouble: u32,
    /// Cells that ever were.
    pub cells: u32,
    /// Schools in trouble now; those that ever were, once it ended.
    pub schools: u32,
    /// Their pupils, as far as the register has them.
    pub pupils: u64,
    /// Who has it.
    pub had: Had,
}

/// `GET /v1/incidents/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentPage {
    /// Version of the wire.
    pub version: u32,
    /// The agent's clock.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// The incident.
    pub incident: IncidentLine,
    /// Its cells: roots first, then in trouble before well, then the oldest; at most 500.
    pub members: Vec<IncidentMember>,
    /// How many cells are not listed.
    pub members_left_out: u32,
    /// What happened, oldest first.
    pub time_line: Vec<TimeLine>,
    /// What this page cannot tell, and why.
    pub not_known: Vec<Clean>,
}

/// A cell of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentMember {
    /// Which.
    pub cell: CellName,
    /// The school's name, or "whole estate".
    pub place: Clean,
    /// The service's name.
    pub service: Clean,
    /// Whether it is a root; the others follow.
    pub is_root: bool,
    /// When its trouble was certain.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// When it was well, or left this incident; none while it is in trouble.
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
    /// As it is, or was last in trouble.
    pub health: Health,
    /// Set when unknown.
    pub reason: Option<Reason>,
    /// How often it went bad.
    pub spells: u32,
    /// Who has it.
    pub handling: Option<Handling>,
    /// The incident that it went to, if it left this one.
    pub moved: Option<u64>,
}

/// Where a line of the time line comes from.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TimeLineKind {
    /// The incident itself: began, over.
    Incident,
    /// A cell's health changed.
    State,
    /// A vendor's own incident or announced work.
    Vendor,
    /// Somebody took it in hand, noted, merged, split, resolved.
    Desk,
    /// Something was done outside, as the audit has it.
    Action,
    /// A ticket was raised.
    Ticket,
}

/// One line of the time line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimeLine {
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Where it comes from.
    pub kind: TimeLineKind,
    /// The operator's account; none for what no person did.
    pub who: Option<Clean>,
    /// What, in a sentence.
    pub what: Clean,
    /// About which cells, the first ten.
    pub about: Vec<CellName>,
    /// About how many.
    pub cells: u32,
    /// The number by which a text that an operator wrote can be struck out; none where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
}

/// What is done about an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncidentDo {
    /// You work on it: its roots in trouble are claimed until the end of the shift.
    Claim,
    /// Nobody has it any more.
    GiveBack,
    /// Something to remember.
    Note,
    /// It becomes part of another one.
    Merge,
    /// Cells of it become an incident of their own.
    Split,
    /// It is over.
    Resolve,
}

/// `POST /v1/incidents/{id}`. Who does it is the account behind the socket; nobody can name another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentOrder {
    /// What to do.
    pub kind: IncidentDo,
    /// Why, or the note: a note, a merge, a split and a resolution need it. No pupil's name.
    #[serde(default)]
    pub why: Clean,
    /// When a claim runs out; the end of the shift if absent.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
    /// The incident that it becomes part of.
    #[serde(default)]
    pub into: Option<u64>,
    /// The cells that are parted from it.
    #[serde(default)]
    pub cells: Vec<CellName>,
    /// Resolve it though cells of it are in trouble.
    #[serde(default)]
    pub anyway: bool,
}

/// The answer to [`IncidentOrder`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentDone {
    /// The incident that it is about now: the one that others were merged into, the new one after a split.
    pub id: u64,
    /// The operator, as the agent knows the account.
    pub by: Clean,
    /// What was done.
    pub kind: IncidentDo,
    /// What became of its cells, where they were claimed, given back or noted.
    pub handled: Option<Handled>,
}
