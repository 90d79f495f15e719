//! Reports: how services stood through a period, and how long trouble took.

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::cell::Row;
use crate::model::ids::ServiceKey;
pub use crate::model::report::{Spread, Sums, Times};
use crate::model::text::Clean;
use crate::wire::runs::Stretch;

/// Sums of time, and what follows from them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Figures {
    /// Available time over known time, 0 to 1; none where less than a tenth of the time that counts is
    /// known. Unknown time is in neither.
    pub availability: Option<f64>,
    /// Of the time in which somebody looked, the share that told data within its limit, 0 to 1; none
    /// where less than a tenth of the time that counts is known.
    pub freshness: Option<f64>,
    /// The sums, in seconds; of several cells, of all of them together.
    pub seconds: Sums,
}

impl From<Sums> for Figures {
    fn from(seconds: Sums) -> Self {
        Self { availability: seconds.availability(), freshness: seconds.freshness(), seconds }
    }
}

/// The same period counted twice.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Counted {
    /// Round the clock.
    pub round_the_clock: Figures,
    /// On school days alone, from midnight to midnight in London, by each school's own calendar.
    pub school_days: Figures,
}

/// One day in London.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Day {
    /// Its date.
    #[schemars(with = "String")]
    pub date: Date,
    /// Availability round the clock on that day, 0 to 1; none where nothing is known.
    pub availability: Option<f64>,
}

/// A service through the period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceReport {
    /// Which.
    pub service: ServiceKey,
    /// Its displayed name.
    pub label: Clean,
    /// All schools that were asked about and take it, together.
    pub schools: Counted,
    /// How many those are.
    pub takers: u32,
    /// What is asked about the whole estate; none where nothing is, or schools were named.
    pub estate: Option<Counted>,
    /// Day by day, the schools together; the whole estate where no school is asked about.
    pub days: Vec<Day>,
    /// Incidents whose root is this service.
    pub times: Times,
}

/// A cell of a school through the period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CellReport {
    /// Which service.
    pub service: ServiceKey,
    /// How it stood.
    pub counted: Counted,
}

/// A school through the period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SchoolReport {
    /// Where.
    pub row: Row,
    /// The school's name.
    pub name: Clean,
    /// All that it takes, together.
    pub counted: Counted,
    /// What it takes, in the order of the board's columns.
    pub cells: Vec<CellReport>,
    /// Incidents with a root at this school.
    pub times: Times,
}

/// `GET /v1/report`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Version of the wire.
    pub version: u32,
    /// The agent's clock.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// The beginning, in whole seconds.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// The end, which is not in it.
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// Since when anything is kept.
    #[schemars(with = "String")]
    pub kept_since: Timestamp,
    /// Stretches within the period in which no agent ran and nobody looked; at most 200.
    pub nobody_looked: Vec<Stretch>,
    /// Everything that was asked about, all schools and services together.
    pub schools_together: Counted,
    /// Incidents of everything that was asked about.
    pub times: Times,
    /// Services in the order of the board's columns.
    pub services: Vec<ServiceReport>,
    /// Schools, the least available first: at most 2,000.
    pub schools: Vec<SchoolReport>,
    /// How many more there are.
    pub more: u32,
    /// How it was counted and what it cannot know, in sentences.
    pub notes: Vec<Clean>,
}
