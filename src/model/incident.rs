//! Incidents: cells that went bad together or share a root, with what was done about them.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::desk::CellName;
use crate::model::health::{Health, Reason};
use crate::model::ids::{CheckId, ServiceKey};
use crate::model::text::Clean;

/// Roots of one kind that go bad within so long of each other are one incident.
pub const TOGETHER: SignedDuration = SignedDuration::from_mins(10);
/// An incident is over once all its cells have been well for so long.
pub const LINGERS: SignedDuration = SignedDuration::from_mins(15);

/// What kind of trouble a root has. Only roots of the same kind go bad together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TroubleKind {
    /// The root's service.
    pub service: ServiceKey,
    /// The check that makes it bad.
    pub check: Option<CheckId>,
    /// Why it cannot be told; none where the answer itself is bad.
    pub reason: Option<Reason>,
}

/// Certain trouble of a cell, as far as grouping cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// How bad.
    pub health: Health,
    /// Set when unknown.
    pub reason: Option<Reason>,
    /// Start of the trouble.
    pub since: Option<Timestamp>,
    /// The cell at the end of what it follows; itself if it follows nothing.
    pub root: CellName,
    /// The root's sentence.
    pub why: Clean,
    /// The root's kind of trouble.
    pub kind: TroubleKind,
    /// How often the root is asked: what one round of polling finds went bad together.
    pub every: SignedDuration,
    /// Planned work on it or on its root.
    pub planned: bool,
}

/// How a cell stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Well, or nobody takes or watches it any more.
    Well,
    /// Not confirmed, or not asked yet: what was known of it counts on.
    Uncertain,
    /// Certainly in trouble.
    Bad(Box<Trouble>),
}

/// How an incident stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum IncidentState {
    /// Under way, or well for less than a quarter of an hour.
    Open,
    /// Over by itself.
    Over {
        /// When the last of its cells was well again.
        #[schemars(with = "String")]
        at: Timestamp,
    },
    /// An operator said that it is over.
    Resolved {
        /// When.
        #[schemars(with = "String")]
        at: Timestamp,
        /// The operator's account.
        by: Clean,
        /// Cells that were still in trouble then.
        in_trouble: u32,
    },
    /// It is part of another one.
    Merged {
        /// Since when.
        #[schemars(with = "String")]
        at: Timestamp,
        /// Which.
        into: u64,
    },
}

impl IncidentState {
    /// When it ended; none while it is open.
    #[must_use]
    pub fn ended_at(&self) -> Option<Timestamp> {
        match self {
            Self::Open => None,
            Self::Over { at } | Self::Resolved { at, .. } | Self::Merged { at, .. } => Some(*at),
        }
    }
}

/// An incident without its cells and its log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// From 1 on; the same after a restart.
    pub id: u64,
    /// When its first cell's trouble was certain.
    pub opened_at: Timestamp,
    /// Start of that trouble, as far as it is known.
    pub since: Option<Timestamp>,
    /// The first root: what it is named after.
    pub first: CellName,
    /// That root's sentence when it began.
    pub why: Clean,
    /// The worst that any of its cells was.
    pub worst: Health,
    /// How it stands.
    pub state: IncidentState,
    /// Since when all its cells are well.
    pub quiet_since: Option<Timestamp>,
    /// Kinds of its roots, and when a root of each came last.
    pub kinds: Vec<(TroubleKind, Timestamp)>,
}

/// A cell of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Which.
    pub cell: CellName,
    /// The root that it belongs to: itself, or what it follows from.
    pub root: CellName,
    /// When its trouble was certain.
    pub from: Timestamp,
    /// Start of its trouble, as far as it is known.
    pub since: Option<Timestamp>,
    /// When it was well again, or left the incident; none while it is in trouble.
    pub until: Option<Timestamp>,
    /// As bad as it is, or was last.
    pub health: Health,
    /// Set when unknown.
    pub reason: Option<Reason>,
    /// As bad as it ever was.
    pub worst: Health,
    /// How often it went bad.
    pub spells: u32,
    /// The incident that it went to, if it left this one.
    pub moved: Option<u64>,
    /// An operator parted it from what it follows from.
    pub parted: bool,
}

impl Member {
    /// Whether it counts as in trouble here.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        self.until.is_none() && self.moved.is_none()
    }

    /// Whether it is a root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.root == self.cell
    }
}

/// What was done about an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncidentDeed {
    /// Somebody works on it.
    Claim,
    /// Nobody has it any more.
    GiveBack,
    /// Something to remember.
    Note,
    /// Another one became part of it.
    Merge,
    /// Cells were parted from it.
    Split,
    /// It began as a part of another one.
    PartedFrom,
    /// Somebody said that it is over.
    Resolve,
}

impl IncidentDeed {
    /// In a word, for what was done.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Claim => "claimed",
            Self::GiveBack => "given back",
            Self::Note => "note",
            Self::Merge => "merged",
            Self::Split => "split",
            Self::PartedFrom => "parted",
            Self::Resolve => "resolved",
        }
    }
}

/// One line of an incident's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentEntry {
    /// When.
    pub at: Timestamp,
    /// The operator's account; none where the rules did it.
    pub by: Option<Clean>,
    /// What.
    pub deed: IncidentDeed,
    /// Why, or the note.
    pub why: Clean,
    /// The other incident of a merge or a split.
    pub other: Option<u64>,
    /// How many cells it was about.
    pub cells: u32,
    /// Its number, by which its text can be struck out: that of its entry in the desk's book, if there is one.
    pub desk: Option<u64>,
}

/// What changed of an incident, or all of it: to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptIncident {
    /// The incident.
    pub incident: Incident,
    /// Its cells, by name.
    pub members: Vec<Member>,
    /// Its log with the place of each line in it, from 0.
    pub entries: Vec<(u32, IncidentEntry)>,
}

/// What the order of incidents compares: the smallest stands first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Urgency {
    is_ended: bool,
    is_quiet: bool,
    is_had: bool,
    health: std::cmp::Reverse<Health>,
    pupils: std::cmp::Reverse<u64>,
    opened_at: Timestamp,
    id: u64,
}

impl Urgency {
    /// Open before ended, in trouble before well; then nobody has it, worst, most pupils, oldest.
    #[must_use]
    pub fn new(incident: &Incident, is_had: bool, health: Health, pupils: u64) -> Self {
        Self {
            is_ended: incident.state.ended_at().is_some(),
            is_quiet: incident.quiet_since.is_some(),
            is_had,
            health: std::cmp::Reverse(health),
            pupils: std::cmp::Reverse(pupils),
            opened_at: incident.opened_at,
            id: incident.id,
        }
    }
}
