//! How health, numbers, times and words are read out of an answer.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize};

/// A value of the answer: by a jq expression (JSON), by a column (CSV), or by the words that stand
/// before it (text). One of the three.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pick {
    /// jq expression that gives one value.
    pub jq: Option<String>,
    /// Name of a column, in any case.
    pub column: Option<String>,
    /// Words in a line, after which the value stands to the line's end.
    pub after: Option<String>,
}

/// A value that tells how it stands.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HealthRule {
    /// jq expression that gives one word.
    pub jq: Option<String>,
    /// Name of a column.
    pub column: Option<String>,
    /// What the vendor's words mean. A word that stands in none of these lists is unknown. Without
    /// it, the value must be one of our own words: ok, quiet, warning, critical, paused, never_seen.
    /// For a text file, these are pieces of text that are looked for, and the worst counts.
    pub words: Option<WordTable>,
}

/// The vendor's words by what they mean. Upper and lower case are the same.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WordTable {
    /// Well.
    pub ok: Vec<Word>,
    /// Quiet by design: well, drawn `_`.
    pub quiet: Vec<Word>,
    /// Degraded.
    pub warning: Vec<Word>,
    /// Failed.
    pub critical: Vec<Word>,
    /// Paused or switched off by the school, or waiting for its approval.
    pub paused: Vec<Word>,
    /// Never ran, never seen.
    pub never_seen: Vec<Word>,
}

/// A word of the vendor's: text, a number, true or false.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Word {
    /// `"Operational"`
    Text(String),
    /// `3`
    Number(f64),
    /// `true`
    Bool(bool),
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Words;
        impl Visitor<'_> for Words {
            type Value = Word;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word, a number, true or false")
            }
            fn visit_str<E>(self, text: &str) -> Result<Word, E> {
                Ok(Word::Text(text.to_owned()))
            }
            fn visit_bool<E>(self, value: bool) -> Result<Word, E> {
                Ok(Word::Bool(value))
            }
            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Word, E> {
                let small = i32::try_from(value).map_err(|_| E::custom("this number is too large"));
                small.map(|n| Word::Number(f64::from(n)))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Word, E> {
                Ok(Word::Number(value))
            }
        }
        from.deserialize_any(Words)
    }
}

impl JsonSchema for Word {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Word".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["string", "number", "boolean"],
            "description": "A word of the vendor's: text, a number, true or false."
        })
    }
}

/// A count, and what it may be. A limit that is not set does not exist.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NumberRule {
    /// jq expression that gives one number.
    pub jq: Option<String>,
    /// Name of a column.
    pub column: Option<String>,
    /// Words in a line, after which the number stands.
    pub after: Option<String>,
    /// It may be missing; else an answer without it cannot be understood.
    pub optional: bool,
    /// Less is a warning.
    pub warning_below: Option<f64>,
    /// Less is critical.
    pub critical_below: Option<f64>,
    /// More is a warning.
    pub warning_above: Option<f64>,
    /// More is critical.
    pub critical_above: Option<f64>,
}

/// The vendor's own time of its data.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TimeRule {
    /// jq expression that gives one time.
    pub jq: Option<String>,
    /// Name of a column.
    pub column: Option<String>,
    /// Words in a line, after which the time stands to the line's end.
    pub after: Option<String>,
    /// In which zone a time is that does not say so.
    pub zone: ZoneRule,
    /// The time is a number since 1970; else it is ISO 8601, or `dd/mm/yyyy hh:mm` in London.
    pub unix: Option<UnixTime>,
    /// What an answer without this time means.
    pub absent: Absent,
}

/// In which zone a time is that does not say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ZoneRule {
    /// It must say so: a time without an offset or `Z` cannot be understood.
    #[default]
    Given,
    /// UTC.
    Utc,
    /// Europe/London.
    London,
}

/// What a number since 1970 counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnixTime {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

/// What it means that something is not there. Never ok.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    /// The answer cannot be understood.
    #[default]
    Malformed,
    /// It never ran.
    NeverSeen,
    /// It waits for an approval, or is switched off.
    Paused,
}
