//! `GET /v1/days`: the last 14 days of the rows that somebody looks at.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::cell::Row;
pub use crate::model::past::days::DAYS;

/// The most rows of one answer.
pub const MOST_ROWS: usize = 200;

/// `GET /v1/days?rows=`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastDays {
    /// Version of the wire.
    pub version: u32,
    /// The agent's clock; its day in London is the last that is told.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// As they were asked for; at most 200.
    pub rows: Vec<RowDays>,
}

/// The days of one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RowDays {
    /// Which.
    pub row: Row,
    /// A letter for the worst of each of the last 14 days, in London, the oldest first: `C` critical,
    /// `U` unknown, `W` warning, `^` followed from another's trouble, `.` well, `-` nothing is taken,
    /// and a blank where something is not known and nothing was bad.
    pub days: String,
}
