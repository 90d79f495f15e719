//! Files that somebody drops into a folder.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::json::{KeyRule, Several};
use super::reading::{Absent, HealthRule, NumberRule, Pick, TimeRule};
use crate::model::span::Span;
use crate::services::declared::dropped::DropSettings;

/// A folder into which files are dropped, and how the newest complete one is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSettings {
    /// The folder and the names that count; for scope `school` the pattern holds a placeholder such
    /// as `{laestab}`.
    pub drop: DropSettings,
    /// What the files are.
    pub format: Format,
    /// How their text is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// What stands between two cells of a CSV file.
    #[serde(default = "default_delimiter")]
    pub delimiter: char,
    /// A file whose last line has no end is still being written; for CSV and text. JSON is complete
    /// when it can be read.
    #[serde(default = "default_last_line_ends")]
    pub last_line_ends: bool,
    /// What it means that a new file holds the same as the one before it.
    #[serde(default)]
    pub same_again: SameAgain,
    /// Longest time for the expressions of one file; one that is later is paused for an hour.
    #[serde(default = "default_evaluate_within")]
    pub evaluate_within: Span,
    /// jq expression that gives the rows of a JSON file, one for each school; for scope `bulk`.
    #[serde(default)]
    pub rows: Option<String>,
    /// Which school a row is about.
    #[serde(default)]
    pub key: Option<KeyRule>,
    /// What several rows about one school mean.
    #[serde(default)]
    pub several: Several,
    /// What it means that a school is not in the file.
    #[serde(default)]
    pub absent: Absent,
    /// The value that tells how it stands. Without it, limits of numbers and of age decide.
    #[serde(default)]
    pub health: Option<HealthRule>,
    /// The time of the data; the time in the file's name, or when it last changed, unless set.
    #[serde(default)]
    pub time: Option<TimeRule>,
    /// Counts, by the name under which they are shown.
    #[serde(default)]
    pub numbers: BTreeMap<String, NumberRule>,
    /// A few words for the sentence. Choose nothing that may name a person.
    #[serde(default)]
    pub detail: Option<Pick>,
    /// What is kept as evidence, by name. Choose nothing that may name a person.
    #[serde(default)]
    pub facts: BTreeMap<String, Pick>,
}

fn default_delimiter() -> char {
    ','
}

fn default_last_line_ends() -> bool {
    true
}

fn default_evaluate_within() -> Span {
    Span::from_secs(5)
}

/// What a dropped file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Cells with a header.
    Csv,
    /// JSON.
    Json,
    /// Anything that a person would read.
    Text,
}

/// How text is written in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum Encoding {
    /// By its byte order mark, else UTF-16 if it looks so, UTF-8 if it is, Windows-1252 if not.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// UTF-8, with or without a byte order mark; anything else is refused.
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-16, by its byte order mark, else little-endian.
    #[serde(rename = "utf-16")]
    Utf16,
    /// Windows-1252.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

/// What it means that a new file holds the same as the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SameAgain {
    /// Nothing: what it tells is still so. The evidence says that it is the same.
    #[default]
    Fine,
    /// The same data was dropped twice: its age counts from the first time.
    Old,
}
