//! Cells: a school and a service, judged.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::check::Scope;
use crate::model::health::{Health, Reason};
use crate::model::ids::{CheckId, Laestab, ServiceKey};
use crate::model::observation::{Fact, Number, SourceTime, Window};
use crate::model::text::Clean;

/// How somebody has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HandlingKind {
    /// Somebody works on it.
    Claimed,
    /// Known; no need to call out.
    Acknowledged,
    /// Planned.
    Downtime,
    /// Known as it is: it also ends once the cell certainly changes.
    AcknowledgedAsIs,
}

impl HandlingKind {
    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Acknowledged => "acknowledged",
            Self::Downtime => "downtime",
            Self::AcknowledgedAsIs => "acknowledged as it is",
        }
    }

    /// Whether a certain change of the cell ends it before its time.
    #[must_use]
    pub fn ends_with_change(self) -> bool {
        self == Self::AcknowledgedAsIs
    }
}

/// Who has it, until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Handling {
    /// How.
    pub kind: HandlingKind,
    /// The operator's account.
    pub by: Clean,
    /// When it runs out; `None` until the state changes.
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
}

/// The cause that a cell follows from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// The service in trouble; the cell's own service when the whole estate is.
    pub service: ServiceKey,
    /// Whether the trouble is the school's own or the whole estate's.
    pub scope: Scope,
}

/// A judged cell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// The worst of its checks, by rule.
    pub health: Health,
    /// Set when unknown.
    pub reason: Option<Reason>,
    /// One sentence; empty only for a service that the school does not take.
    pub why: Clean,
    /// Start of the trouble: last good data, or first bad answer; when ok, since when it is.
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
    /// When the present health was judged.
    #[schemars(with = "Option<String>")]
    pub state_since: Option<Timestamp>,
    /// Not yet confirmed by as many tries as the check asks for.
    pub soft: bool,
    /// Goes to and fro; the health shown is the worst of the window.
    pub flapping: bool,
    /// Quiet by design: no school, or outside the schedule.
    pub quiet: bool,
    /// Who has it.
    pub handling: Option<Handling>,
    /// What it follows from.
    pub follows_from: Option<Cause>,
}

/// One check of a cell, with its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckView {
    /// Which.
    pub check: CheckId,
    /// Short label.
    pub label: Clean,
    /// Whom it asks about.
    pub scope: Scope,
    /// As judged now.
    pub health: Health,
    /// Set when unknown.
    pub reason: Option<Reason>,
    /// One sentence.
    pub why: Clean,
    /// The rule that judged it, in words: "older than 50h is critical".
    pub rule: Clean,
    /// What would make it green, in words: "a first good run"; empty while it is.
    #[serde(default)]
    pub green_when: Clean,
    /// Not yet confirmed.
    pub soft: bool,
    /// Bad answers in a row, and how many make it hard.
    pub tries: (u8, u8),
    /// Start of the trouble.
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
    /// When we had the last answer.
    #[schemars(with = "Option<String>")]
    pub observed_at: Option<Timestamp>,
    /// The vendor's own time.
    pub source_at: Option<SourceTime>,
    /// Last good data or run that we know of.
    #[schemars(with = "Option<String>")]
    pub good_at: Option<Timestamp>,
    /// Until when the answer counts.
    #[schemars(with = "Option<String>")]
    pub fresh_until: Option<Timestamp>,
    /// Counts.
    pub numbers: Vec<Number>,
    /// Evidence: named fields only.
    pub evidence: Vec<Fact>,
    /// Work that the vendor announces or has under way, as its last answer tells.
    #[serde(default)]
    pub windows: Vec<Window>,
}

/// One change of a cell's health, for history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StateChange {
    /// When it was judged.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Which service.
    pub service: ServiceKey,
    /// Before.
    pub from: Health,
    /// After.
    pub to: Health,
    /// Set when unknown.
    pub reason: Option<Reason>,
    /// Whether it followed from another cell.
    pub follows: bool,
    /// The first judgement of the cell: nobody had looked before, and `from` tells nothing.
    #[serde(default)]
    pub first: bool,
    /// The sentence of that moment.
    pub why: Clean,
}

/// How many cells or schools stand how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Well.
    pub ok: u32,
    /// Warning, follows included.
    pub warning: u32,
    /// Critical.
    pub critical: u32,
    /// Unknown.
    pub unknown: u32,
    /// Not taken, or not watched.
    pub not_subscribed: u32,
}

impl Summary {
    /// The counter of `health`.
    pub fn of_mut(&mut self, health: Health) -> &mut u32 {
        match health {
            Health::Ok => &mut self.ok,
            Health::Warning => &mut self.warning,
            Health::Critical => &mut self.critical,
            Health::Unknown => &mut self.unknown,
            Health::NotSubscribed => &mut self.not_subscribed,
        }
    }
}

/// The part of the board that a cell puts its school into; the first of its cells' parts is the
/// school's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Part {
    /// Critical by itself, and nobody has it.
    Critical,
    /// Unknown by itself, and nobody has it.
    Unknown,
    /// A warning of its own, and nobody has it.
    Warning,
    /// Not asked about yet.
    Unasked,
    /// Trouble of its own that somebody has.
    Somebody,
    /// Trouble that follows from elsewhere.
    Follows,
    /// Well.
    Ok,
    /// Not taken, or not watched.
    #[default]
    NotSubscribed,
}

impl Part {
    /// The part of a cell. `is_unasked` says that nobody has judged it yet.
    #[must_use]
    pub fn of(health: Health, is_unasked: bool, is_handled: bool, follows: bool) -> Self {
        match health {
            Health::NotSubscribed => Self::NotSubscribed,
            Health::Ok => Self::Ok,
            _ if follows => Self::Follows,
            _ if is_handled => Self::Somebody,
            Health::Unknown if is_unasked => Self::Unasked,
            Health::Critical => Self::Critical,
            Health::Unknown => Self::Unknown,
            Health::Warning => Self::Warning,
        }
    }
}

/// How many schools stand in which part of the board. Each is counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Split {
    /// Critical by themselves, and nobody has it.
    pub critical: u32,
    /// Unknown by themselves, and nobody has it.
    pub unknown: u32,
    /// A warning of their own, and nobody has it.
    pub warning: u32,
    /// Not asked about yet in some service, and else nothing that nobody has.
    pub unasked: u32,
    /// Somebody has all their own trouble.
    pub somebody: u32,
    /// Their only trouble follows from elsewhere.
    pub follows: u32,
    /// Well.
    pub ok: u32,
    /// Take nothing that is watched.
    pub not_subscribed: u32,
}

impl Split {
    /// The counter of `part`.
    pub fn of_mut(&mut self, part: Part) -> &mut u32 {
        match part {
            Part::Critical => &mut self.critical,
            Part::Unknown => &mut self.unknown,
            Part::Warning => &mut self.warning,
            Part::Unasked => &mut self.unasked,
            Part::Somebody => &mut self.somebody,
            Part::Follows => &mut self.follows,
            Part::Ok => &mut self.ok,
            Part::NotSubscribed => &mut self.not_subscribed,
        }
    }
}

/// A row of the board.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Row {
    /// The pinned row of tenant-wide facts.
    Estate,
    /// A school.
    School(Laestab),
}
