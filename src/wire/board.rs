//! The compact board: every cell without its sentence; and its changes.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::cell::{Cause, Cell, Handling, Part};
pub use crate::model::cell::{Row, Split, Summary};
use crate::model::check::Scope;
use crate::model::estate::NotWatched;
use crate::model::filter::{CellFacts, Subject};
use crate::model::find::Known;
use crate::model::health::{Health, Reason};
use crate::model::ids::{Laestab, ServiceKey};
use crate::model::text::Clean;
use crate::wire::past::Past;
use crate::wire::replay::Replay;

/// A cell without its sentence. Fields at their default are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct CompactCell {
    /// Health.
    #[serde(rename = "h")]
    pub health: Health,
    /// Set when unknown.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// `since`, seconds since 1970-01-01 UTC.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// Soft: not yet confirmed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub soft: bool,
    /// Flapping.
    #[serde(default, skip_serializing_if = "is_false")]
    pub flapping: bool,
    /// Quiet by design.
    #[serde(default, skip_serializing_if = "is_false")]
    pub quiet: bool,
    /// Who has it, how, until when. Of few cells, so it takes no room in the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handling: Option<Box<Handling>>,
    /// What it follows from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows_from: Option<Box<Cause>>,
}

impl From<&Cell> for CompactCell {
    fn from(cell: &Cell) -> Self {
        Self {
            health: cell.health,
            reason: cell.reason,
            since: cell.since.map(Timestamp::as_second),
            soft: cell.soft,
            flapping: cell.flapping,
            quiet: cell.quiet,
            handling: cell.handling.clone().map(Box::new),
            follows_from: cell.follows_from.clone().map(Box::new),
        }
    }
}

impl CompactCell {
    /// The part of the board that it puts its school into.
    #[must_use]
    pub fn part(&self) -> Part {
        let is_unasked = self.reason == Some(Reason::NeverSeen) && self.since.is_none();
        Part::of(self.health, is_unasked, self.handling.is_some(), self.follows_from.is_some())
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !*value
}

/// A column of the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Column {
    /// The service.
    pub key: ServiceKey,
    /// Displayed name.
    pub label: Clean,
    /// Two letters.
    pub code: Clean,
    /// Whether any check watches it.
    pub watched: bool,
}

/// A school's row: what filtering and sorting need, and its cells in the order of the columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SchoolRow {
    /// Key.
    pub laestab: Laestab,
    /// Name.
    pub name: Clean,
    /// Phase; empty if not known.
    #[serde(default, skip_serializing_if = "Clean::is_empty")]
    pub phase: Clean,
    /// Town; empty if not known.
    #[serde(default, skip_serializing_if = "Clean::is_empty")]
    pub town: Clean,
    /// Postcode; empty if not known.
    #[serde(default, skip_serializing_if = "Clean::is_empty")]
    pub postcode: Clean,
    /// Trust; empty if none.
    #[serde(default, skip_serializing_if = "Clean::is_empty")]
    pub trust: Clean,
    /// The register's unique reference number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urn: Option<u32>,
    /// Telephone of the office; empty if not known.
    #[serde(default, skip_serializing_if = "Clean::is_empty")]
    pub telephone: Clean,
    /// Web address; empty if not known.
    #[serde(default, skip_serializing_if = "Clean::is_empty")]
    pub website: Clean,
    /// Pupils on roll.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pupils: Option<u32>,
    /// Whether it has a subscription row.
    pub set_up: bool,
    /// One per column.
    pub cells: Vec<CompactCell>,
}

/// Who answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentInfo {
    /// Program version.
    pub version: String,
    /// Whether this is the demonstration: nothing in it is real.
    pub demo: bool,
    /// Since when it runs.
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// Whether it lives inside a console.
    pub embedded: bool,
    /// Whether a training runs: `/v1/training` tells of it.
    #[serde(default)]
    pub training: bool,
}

/// `GET /v1/board`: a snapshot at a revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Board {
    /// Version of the wire.
    pub version: u32,
    /// Revision; changes after it follow on `/v1/changes`.
    pub revision: u64,
    /// The agent's clock.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// Who answers.
    pub agent: AgentInfo,
    /// Every configured check has been tried since start.
    pub settled: bool,
    /// Until the first answers come this is the last known board, written at this time.
    #[schemars(with = "Option<String>")]
    pub restored_from: Option<Timestamp>,
    /// Cells by health.
    pub summary: Summary,
    /// Schools by their worst cell.
    pub schools_summary: Summary,
    /// Schools by their part of the board.
    pub split: Split,
    /// Columns.
    pub columns: Vec<Column>,
    /// The estate's row, one cell per column.
    pub estate: Vec<CompactCell>,
    /// Schools by LAESTAB.
    pub schools: Vec<SchoolRow>,
    /// Gaps.
    pub not_watched: Vec<NotWatched>,
    /// Set where `schools` are only the first rows, worst first, of so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_of: Option<u32>,
    /// Set where this is a past moment: nothing of it is the present, and nothing can be done there.
    /// `as_of` is that moment then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<Past>,
    /// Set where this is a recording that is played: nothing of it is the present, and nothing can be
    /// done there. `as_of` is the recording's moment then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replay>,
}

/// One changed cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CellChange {
    /// Where.
    pub row: Row,
    /// Index of the column.
    pub column: u16,
    /// As it stands now.
    pub cell: CompactCell,
}

/// An event of `GET /v1/changes` (SSE). The event's id is the revision, so that a console which
/// lost its connection goes on with `Last-Event-ID`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// Cells that changed, the newest state of each, coalesced for a slow reader.
    Cells {
        /// Revision after these.
        revision: u64,
        /// The agent's clock.
        #[schemars(with = "String")]
        as_of: Timestamp,
        /// The cells.
        cells: Vec<CellChange>,
        /// Totals after these.
        summary: Summary,
        /// Totals after these.
        schools_summary: Summary,
        /// Totals after these.
        split: Split,
        /// See [`Board::settled`].
        settled: bool,
    },
    /// Nothing changed; the agent lives. Sent every five seconds.
    Beat {
        /// Present revision.
        revision: u64,
        /// The agent's clock.
        #[schemars(with = "String")]
        as_of: Timestamp,
        /// See [`Board::settled`].
        settled: bool,
        /// Another number than before: something happened to a plan or an action, and
        /// `/v1/actions` tells what. Sent at once, not only every five seconds.
        #[serde(default)]
        acts: u64,
    },
    /// The reader is too far behind, or the configuration changed: fetch `/v1/board` again.
    Reset {
        /// Why.
        why: Clean,
    },
    /// The agent is about to end.
    Bye {
        /// Why.
        why: Clean,
    },
}

/// Whether a cause is the cell's own estate row: "same as the whole estate".
#[must_use]
pub fn is_same_as_estate(cell: &CompactCell, column: &Column) -> bool {
    cell.follows_from.as_ref().is_some_and(|c| c.scope == Scope::Estate && c.service == column.key)
}

/// The letter of a health: upper case where nobody has it, lower case where somebody has.
#[must_use]
pub fn letter(health: Health, is_handled: bool) -> &'static str {
    match (health, is_handled) {
        (Health::Critical, false) => "C",
        (Health::Critical, true) => "c",
        (Health::Unknown, false) => "U",
        (Health::Unknown, true) => "u",
        (Health::Warning, false) => "W",
        (Health::Warning, true) => "w",
        (Health::Ok, _) => ".",
        (Health::NotSubscribed, _) => "-",
    }
}

impl<'a> From<&'a SchoolRow> for Known<'a> {
    fn from(school: &'a SchoolRow) -> Self {
        Self {
            name: school.name.as_str(),
            town: school.town.as_str(),
            trust: school.trust.as_str(),
            postcode: school.postcode.as_str(),
            telephone: school.telephone.as_str(),
            website: school.website.as_str(),
            laestab: school.laestab.number(),
            urn: school.urn,
        }
    }
}

/// A row as a filter sees it.
pub struct RowFacts<'a> {
    /// The row.
    pub row: &'a SchoolRow,
    /// The columns.
    pub columns: &'a [Column],
    /// The agent's clock.
    pub now: Timestamp,
}

impl Subject for RowFacts<'_> {
    fn name(&self) -> &str {
        self.row.name.as_str()
    }
    fn laestab(&self) -> u32 {
        self.row.laestab.number()
    }
    fn kind(&self) -> &str {
        self.row.phase.as_str()
    }
    fn town(&self) -> &str {
        self.row.town.as_str()
    }
    fn trust(&self) -> &str {
        self.row.trust.as_str()
    }
    fn postcode(&self) -> &str {
        self.row.postcode.as_str()
    }
    fn pupils(&self) -> Option<u32> {
        self.row.pupils
    }
    fn cell(&self, column: usize) -> Option<CellFacts<'_>> {
        let (cell, column) = self.row.cells.get(column).zip(self.columns.get(column))?;
        Some(CellFacts {
            service: column.key.as_str(),
            code: column.code.as_str(),
            health: cell.health,
            age_s: cell.since.map(|since| age_s(since, self.now)),
            by: cell.handling.as_ref().map(|h| h.by.as_str()),
            follows: cell.follows_from.is_some(),
        })
    }
}

/// How long ago, in whole seconds of whole minutes, as ages are shown.
fn age_s(since: i64, now: Timestamp) -> u64 {
    let minutes = now.as_second().div_euclid(60) - since.div_euclid(60);
    u64::try_from(minutes.max(0) * 60).unwrap_or_default()
}
