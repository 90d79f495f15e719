//! Lengths of time as people write them: `90s`, `5m`, `2h`, `1d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time in whole seconds; the one parser for durations in config, policy and commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Span(u64);

/// Why a duration was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration: write a whole number and s, m, h or d, such as 90s, 5m, 2h, 1d")]
pub struct SpanError(String);

impl Span {
    /// Whole seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds)
    }
    /// Whole minutes.
    #[must_use]
    pub const fn from_mins(minutes: u64) -> Self {
        Self(minutes * 60)
    }
    /// Whole hours.
    #[must_use]
    pub const fn from_hours(hours: u64) -> Self {
        Self(hours * 3_600)
    }
    /// Days of 24 hours.
    #[must_use]
    pub const fn from_days(days: u64) -> Self {
        Self(days * 86_400)
    }
    /// In seconds.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0
    }
    /// In seconds, signed, for arithmetic with timestamps.
    #[must_use]
    pub fn as_secs_i64(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }
    /// As the standard library's type.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
    /// As many times as long.
    #[must_use]
    pub const fn times(self, n: u64) -> Self {
        Self(self.0.saturating_mul(n))
    }
    /// Shortened for a cell: `45s`, `40m`, `26h`, `3d`. Rounded down; hours up to 48.
    #[must_use]
    pub fn short(self) -> String {
        match self.0 {
            s @ 0..60 => format!("{s}s"),
            s @ 60..3_600 => format!("{}m", s / 60),
            s @ 3_600..172_800 => format!("{}h", s / 3_600),
            s => format!("{}d", s / 86_400),
        }
    }
}

impl FromStr for Span {
    type Err = SpanError;
    fn from_str(text: &str) -> Result<Self, SpanError> {
        let refuse = || SpanError(text.chars().take(40).collect());
        let trimmed = text.trim();
        let unit = trimmed.chars().next_back().ok_or_else(refuse)?;
        let factor = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(refuse()),
        };
        let digits = trimmed.strip_suffix(unit).ok_or_else(refuse)?;
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(refuse());
        }
        let n: u64 = digits.parse().map_err(|_| refuse())?;
        // A hundred years is longer than anything here can mean.
        n.checked_mul(factor).filter(|s| *s <= 3_155_760_000).map(Self).ok_or_else(refuse)
    }
}

impl fmt::Display for Span {
    /// The largest unit that loses nothing: `90s`, `2h`, `1d`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            s if s > 0 && s % 86_400 == 0 => write!(f, "{}d", s / 86_400),
            s if s > 0 && s % 3_600 == 0 => write!(f, "{}h", s / 3_600),
            s if s > 0 && s % 60 == 0 => write!(f, "{}m", s / 60),
            s => write!(f, "{s}s"),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "pattern": "^[0-9]+[smhd]$",
            "description": "a duration: 90s, 5m, 2h, 1d"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_the_four_units() {
        for (text, seconds) in [("90s", 90), ("5m", 300), ("2h", 7_200), ("1d", 86_400)] {
            assert_eq!(text.parse::<Span>().unwrap().as_secs(), seconds);
            assert_eq!(Span::from_secs(seconds).to_string(), text);
        }
        for bad in
            ["", "5", "m", "-5m", "1.5h", "5 m", "5w", "99999999999999999999d", "5µ", "4000000d"]
        {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
        assert_eq!(Span::from_hours(26).short(), "26h");
        assert_eq!(Span::from_hours(50).short(), "2d");
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(s in 0_u64..3_000_000_000) {
            proptest::prop_assert_eq!(Span::from_secs(s).to_string().parse::<Span>().unwrap().as_secs(), s);
        }
    }
}
