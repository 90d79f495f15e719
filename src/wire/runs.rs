//! Runs that ended well: what a restore can be asked from.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::ids::{CheckId, Laestab};
use crate::model::text::Clean;

/// `GET /v1/runs/{laestab}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Runs {
    /// Version of the wire.
    pub version: u32,
    /// The agent's clock.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// The school.
    pub laestab: Laestab,
    /// One for each check whose runs are kept for a time only.
    pub checks: Vec<CheckRuns>,
}

/// The runs of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckRuns {
    /// Which.
    pub check: CheckId,
    /// Short label.
    pub label: Clean,
    /// After so many days nothing of a run is left.
    pub keeps_days: u32,
    /// Runs that ended well and are not older than that, newest first.
    #[schemars(with = "Vec<String>")]
    pub runs: Vec<Timestamp>,
    /// When somebody looked without a gap, newest first. What ran at any other time is not known to us.
    pub watched: Vec<Stretch>,
}

/// From one moment to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stretch {
    /// Its beginning.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// Its end.
    #[schemars(with = "String")]
    pub until: Timestamp,
}
