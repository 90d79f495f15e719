//! `caretaker status --json` and `GET /v1/status`: a contract, versioned.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::cell::{Cause, Handling};
use crate::model::estate::NotWatched;
use crate::model::health::{Health, Reason};
use crate::model::ids::{CheckId, Laestab, ServiceKey};
use crate::model::text::Clean;
use crate::wire::board::Summary;
use crate::wire::past::Past;

/// One check of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckStatus {
    /// Which.
    pub check: CheckId,
    /// As judged.
    pub health: Health,
    /// Set when unknown.
    pub reason: Option<Reason>,
    /// One sentence.
    pub why: Clean,
    /// When we had the last answer.
    #[schemars(with = "Option<String>")]
    pub observed_at: Option<Timestamp>,
    /// The vendor's own time.
    #[schemars(with = "Option<String>")]
    pub source_at: Option<Timestamp>,
    /// Until when the answer counts.
    #[schemars(with = "Option<String>")]
    pub fresh_until: Option<Timestamp>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CellStatus {
    /// Health.
    pub health: Health,
    /// Set when unknown.
    pub reason: Option<Reason>,
    /// One sentence.
    pub why: Clean,
    /// Start of the trouble.
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
    /// When the present health was judged.
    #[schemars(with = "Option<String>")]
    pub state_since: Option<Timestamp>,
    /// Not yet confirmed.
    pub soft: bool,
    /// Who has it.
    pub handling: Option<Handling>,
    /// What it follows from.
    pub follows_from: Option<Cause>,
    /// Numbers of the tickets about it that were raised from here and stand.
    #[serde(default)]
    pub tickets: Vec<Clean>,
    /// Its checks.
    pub checks: Vec<CheckStatus>,
}

/// One tenant-wide fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EstateStatus {
    /// Service.
    pub service: ServiceKey,
    /// Health.
    pub health: Health,
    /// One sentence.
    pub why: Clean,
    /// Start of the trouble.
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
    /// Set when unknown.
    pub reason: Option<Reason>,
    /// Not yet confirmed.
    pub soft: bool,
    /// As of a school's cell.
    #[serde(default)]
    pub tickets: Vec<Clean>,
    /// Its checks.
    pub checks: Vec<CheckStatus>,
}

/// One school.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SchoolStatus {
    /// Key.
    pub laestab: Laestab,
    /// Name.
    pub name: Clean,
    /// By service; every service is present.
    pub cells: BTreeMap<ServiceKey, CellStatus>,
}

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// Version of this contract: 1.
    pub version: u32,
    /// The agent's clock, UTC.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// Revision of the board.
    pub revision: u64,
    /// Every configured check has been tried since start.
    pub settled: bool,
    /// Cells by health, of all schools.
    pub summary: Summary,
    /// Schools by worst cell, of all schools.
    pub schools_summary: Summary,
    /// What nothing watches.
    pub not_watched: Vec<NotWatched>,
    /// Tenant-wide facts of services that have any.
    pub estate: Vec<EstateStatus>,
    /// The schools asked for.
    pub schools: Vec<SchoolStatus>,
    /// Set where this is a past moment; see [`crate::wire::board::Board::past`]. Checks are not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<Past>,
}
