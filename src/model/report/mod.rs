//! What a report counts: how long cells stood how, and how long trouble took.
//!
//! Invariant: what is not known is not counted as available. Unknown, not recorded and planned time
//! stands beside the availability, never in it; the parts add up to the period.

mod book;
mod course;
#[cfg(test)]
mod tests;
mod times;

pub use book::{had, planned};
pub use course::{Layers, Stand, course, down, sum_up};
pub use times::{Spread, Times, Took, spread, took};

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::calendar::{london_date, london_midnight};

/// How the sentence of data that is older than its limit begins.
pub const NO_DATA_SINCE: &str = "no data since ";

/// One part in so many has to be known.
const LEAST_KNOWN: u64 = 10;

/// From a moment up to another, which is not in it.
pub type Stretch = (Timestamp, Timestamp);

/// How long cells stood how, in whole seconds. All but the last two add up to the time that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Sums {
    /// Well.
    pub ok: u64,
    /// A warning of its own.
    pub warning: u64,
    /// A warning that only followed from another cell's trouble.
    pub followed: u64,
    /// Broken; or followed while the whole estate's cell of the same service was.
    pub critical: u64,
    /// Somebody looked, and it could not be told.
    pub unknown: u64,
    /// Planned work, however it stood then.
    pub planned: u64,
    /// No agent ran, or what is kept does not tell.
    pub not_recorded: u64,
    /// The school did not take it.
    pub not_taken: u64,
    /// Of the known time: the vendor's data was older than its limit.
    pub old: u64,
    /// Of the unknown time: our own last answer was older than its limit.
    pub stale: u64,
}

impl Sums {
    /// The time in which it was known how it stood.
    #[must_use]
    pub fn known(&self) -> u64 {
        self.available() + self.critical
    }

    /// The time in which it was known to be of use.
    #[must_use]
    pub fn available(&self) -> u64 {
        self.ok + self.warning + self.followed
    }

    /// The time in which somebody looked and nothing was planned.
    #[must_use]
    pub fn looked(&self) -> u64 {
        self.known() + self.unknown
    }

    /// All of it.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.looked() + self.planned + self.not_recorded + self.not_taken
    }

    /// All of it but what was not taken, part by part, in the order in which they are told.
    #[must_use]
    pub fn parts(&self) -> [u64; 7] {
        [
            self.ok,
            self.warning,
            self.followed,
            self.critical,
            self.unknown,
            self.planned,
            self.not_recorded,
        ]
    }

    /// Whether enough is known for a share to say anything: a tenth of the time that counts.
    #[must_use]
    pub fn tells(&self) -> bool {
        let counts = self.looked() + self.not_recorded;
        self.known() > 0 && self.known().saturating_mul(LEAST_KNOWN) >= counts
    }

    /// Available time over known time, from 0 to 1; none where too little is known to tell.
    #[must_use]
    pub fn availability(&self) -> Option<f64> {
        share(self.available(), self.known()).filter(|_| self.tells())
    }

    /// The share of the time in which somebody looked that told data within its limit; unknown time
    /// did not. From 0 to 1; none where too little is known to tell.
    #[must_use]
    pub fn freshness(&self) -> Option<f64> {
        share(self.known().saturating_sub(self.old), self.looked()).filter(|_| self.tells())
    }

    /// Adds another's.
    pub fn add(&mut self, other: &Self) {
        self.ok += other.ok;
        self.warning += other.warning;
        self.followed += other.followed;
        self.critical += other.critical;
        self.unknown += other.unknown;
        self.planned += other.planned;
        self.not_recorded += other.not_recorded;
        self.not_taken += other.not_taken;
        self.old += other.old;
        self.stale += other.stale;
    }
}

/// A share for programs: seconds of a year are far below what an `f64` holds exactly.
#[expect(clippy::cast_precision_loss, reason = "sums of seconds; a share needs no more")]
fn share(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

/// The days of a period in London: where each begins, the period's end last; and their dates.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Days {
    /// One more than there are days.
    pub edges: Vec<Timestamp>,
    /// Their dates.
    pub dates: Vec<Date>,
}

impl Days {
    /// Of a period in whole seconds; the first and the last may be parts of days.
    #[must_use]
    pub fn new((from, until): Stretch) -> Self {
        let mut days = Self { edges: vec![from], dates: Vec::new() };
        let mut at = from;
        while at < until {
            let date = london_date(at);
            let next = date.tomorrow().map_or(until, london_midnight).min(until);
            if next <= at {
                break;
            }
            days.dates.push(date);
            days.edges.push(next);
            at = next;
        }
        days
    }
}
