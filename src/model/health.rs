//! Health and the reasons of not knowing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a check, a cell or a school stands. Ordered by severity: the greatest is the worst.
///
/// Severity everywhere is critical > unknown > warning > ok; `NotSubscribed` is no alarm at all.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// The school does not take the service, or nothing watches it.
    #[default]
    NotSubscribed,
    /// Asked, answered, understood, and well.
    Ok,
    /// Wants attention today.
    Warning,
    /// Cannot be told; the reason says why. Never drawn as ok.
    Unknown,
    /// Broken.
    Critical,
}

impl Health {
    /// All, mildest first.
    pub const ALL: [Self; 5] =
        [Self::NotSubscribed, Self::Ok, Self::Warning, Self::Unknown, Self::Critical];

    /// The word in JSON and on the screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NotSubscribed => "not_subscribed",
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Critical => "critical",
        }
    }

    /// Position in [`Self::ALL`], for counters.
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::NotSubscribed => 0,
            Self::Ok => 1,
            Self::Warning => 2,
            Self::Unknown => 3,
            Self::Critical => 4,
        }
    }

    /// The exit code of a command whose worst this is (0 ok, 1 warning, 2 critical, 3 unknown).
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::NotSubscribed | Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    /// Whether somebody should look.
    #[must_use]
    pub fn is_trouble(self) -> bool {
        matches!(self, Self::Warning | Self::Unknown | Self::Critical)
    }
}

/// Why something is unknown.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nobody answered in time.
    NoAnswer,
    /// No secret, or it was refused or has expired.
    Unauthorised,
    /// An answer that cannot be understood or contradicts itself.
    Malformed,
    /// Our own observation is older than its freshness limit.
    Stale,
    /// The vendor asked us to wait, for longer than the freshness limit.
    Throttled,
    /// Paused or disabled on purpose by the school, or waiting for its approval.
    Paused,
    /// Nothing has ever been seen of it.
    NeverSeen,
    /// Of a past moment: what is kept does not tell how it stood then.
    NotRecorded,
}

impl Reason {
    /// The word in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NoAnswer => "no_answer",
            Self::Unauthorised => "unauthorised",
            Self::Malformed => "malformed",
            Self::Stale => "stale",
            Self::Throttled => "throttled",
            Self::Paused => "paused",
            Self::NeverSeen => "never_seen",
            Self::NotRecorded => "not_recorded",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_is_worse_than_warning_and_better_than_critical() {
        let mut all = Health::ALL;
        all.sort();
        assert_eq!(all, Health::ALL);
        assert!(Health::Critical > Health::Unknown && Health::Unknown > Health::Warning);
        assert_eq!(Health::ALL.map(Health::exit_code), [0, 0, 1, 3, 2]);
        for (i, h) in Health::ALL.into_iter().enumerate() {
            assert_eq!(h.index(), i);
            assert_eq!(serde_json::to_value(h).unwrap(), h.word());
        }
    }
}
