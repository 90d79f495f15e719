//! What a connector saw.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::health::Reason;
use crate::model::ids::{CheckId, Laestab};
use crate::model::text::Clean;

/// About whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// The whole tenant.
    Estate,
    /// One school.
    School(Laestab),
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Estate => f.write_str("estate"),
            Self::School(laestab) => laestab.fmt(f),
        }
    }
}

/// How the zone of a vendor's time was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    /// The vendor wrote an offset or `Z`. At most 2 minutes ahead of us is fine, more is malformed.
    Given,
    /// None written; read as the vendor's page says. Up to 1 h ahead is fine, to 2 h is said in
    /// the sentence, more is malformed.
    Assumed,
    /// Our own clock: the time of a file or of an answer.
    Ours,
}

/// A vendor's time and how far its zone can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceTime {
    /// The moment.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// How its zone was decided.
    pub zone: Zone,
}

/// What the vendor's answer says, before the rules of age, freshness and tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Well.
    Ok,
    /// Quiet by design: ok, drawn `_`.
    Quiet,
    /// Degraded.
    Warning,
    /// Failed.
    Critical,
    /// Cannot be told.
    Unknown(Reason),
}

/// A named value that may be kept and shown: evidence is an allow-list, never a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fact {
    /// What it is: `http status`, `request id`, `vendor wrote`.
    pub name: Clean,
    /// Its value, already redacted.
    pub value: Clean,
}

/// A named count or share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Number {
    /// Name with its unit where it has one: `pupils`, `stations_seen`, `latency_ms`.
    pub name: Clean,
    /// Value; always finite.
    pub value: f64,
}

/// Work that the vendor announces or has under way: offered to the desk as a downtime, never taken
/// as one by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// When it begins.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// When it should end; none where the vendor does not say.
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
    /// The vendor's title, with its id where there is one.
    pub title: Clean,
}

/// One answer to one check about one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Which check.
    pub check: CheckId,
    /// About whom.
    pub target: Target,
    /// When we had the answer, by our clock.
    pub observed_at: Timestamp,
    /// The vendor's own time of the data, where there is one; the age rule reads it.
    pub source_at: Option<SourceTime>,
    /// The last good run or data that this answer tells of, where it tells.
    pub good_at: Option<Timestamp>,
    /// When the trouble began, where the answer tells (first failed run); else the rules decide.
    pub since: Option<Timestamp>,
    /// What the answer says.
    pub verdict: Verdict,
    /// One line for the desk, without a full stop: "3 of 12 PCs seen".
    pub detail: Clean,
    /// Counts.
    pub numbers: Vec<Number>,
    /// What may be shown as evidence.
    pub evidence: Vec<Fact>,
    /// Maintenance that the vendor tells of; at most [`Observation::MAX_WINDOWS`].
    pub windows: Vec<Window>,
}

impl Observation {
    /// More announced maintenance than this is left out.
    pub const MAX_WINDOWS: usize = 20;

    /// An observation without numbers, times or evidence.
    #[must_use]
    pub fn new(
        check: CheckId,
        target: Target,
        at: Timestamp,
        verdict: Verdict,
        detail: &str,
    ) -> Self {
        Self {
            check,
            target,
            observed_at: at,
            source_at: None,
            good_at: None,
            since: None,
            verdict,
            detail: Clean::new(detail),
            numbers: Vec::new(),
            evidence: Vec::new(),
            windows: Vec::new(),
        }
    }

    /// With the vendor's time.
    #[must_use]
    pub fn source(mut self, at: Timestamp, zone: Zone) -> Self {
        self.source_at = Some(SourceTime { at, zone });
        self
    }

    /// With the last good moment.
    #[must_use]
    pub fn good(mut self, at: Option<Timestamp>) -> Self {
        self.good_at = at;
        self
    }

    /// With the start of the trouble.
    #[must_use]
    pub fn since(mut self, at: Option<Timestamp>) -> Self {
        self.since = at;
        self
    }

    /// With one more number; one that is not finite is left out.
    #[must_use]
    pub fn number(mut self, name: &str, value: f64) -> Self {
        if value.is_finite() {
            self.numbers.push(Number { name: Clean::new(name), value });
        }
        self
    }

    /// With maintenance that the vendor announces; the twenty-first and later are left out.
    #[must_use]
    pub fn window(mut self, window: Window) -> Self {
        if self.windows.len() < Self::MAX_WINDOWS {
            self.windows.push(window);
        }
        self
    }

    /// With one more fact.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.evidence.push(Fact { name: Clean::new(name), value: Clean::new(value.as_ref()) });
        self
    }
}
