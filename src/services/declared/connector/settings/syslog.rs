//! A file to which a syslog daemon appends lines.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reading::ZoneRule;
use crate::model::span::Span;

/// A growing file of lines, and which of them raise and clear an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyslogSettings {
    /// The file, relative to the config file's folder.
    pub file: PathBuf,
    /// The file that it becomes when it is rotated; its name with `.1` unless set.
    #[serde(default)]
    pub rotated: Option<PathBuf>,
    /// In which zone a line's time is that does not say so: `utc` or `london`.
    #[serde(default = "default_zone")]
    pub zone: ZoneRule,
    /// Column `service.param` of the subscriptions table that names a school's host, or several,
    /// separated by `;`; for scope `bulk`. Schools may share one.
    #[serde(default)]
    pub param: Option<String>,
    /// Hosts whose lines count; for scope `estate`. All unless set.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// What is looked for.
    pub events: Vec<EventRule>,
    /// A host that has written no line for so long is unknown: silence proves nothing.
    #[serde(default = "default_silent_after")]
    pub silent_after: Span,
    /// An event that nobody cleared ends by itself after this long.
    #[serde(default = "default_keep")]
    pub keep: Span,
    /// Bytes at the end of the file that are read at the start.
    #[serde(default = "default_first_read")]
    pub first_read: u64,
    /// Bytes of one line; a longer one is passed over and counted.
    #[serde(default = "default_longest_line")]
    pub longest_line: usize,
}

fn default_zone() -> ZoneRule {
    ZoneRule::London
}

fn default_silent_after() -> Span {
    Span::from_hours(26)
}

fn default_keep() -> Span {
    Span::from_days(7)
}

fn default_first_read() -> u64 {
    16 * 1024 * 1024
}

fn default_longest_line() -> usize {
    16 * 1024
}

/// Something that is raised by some lines and cleared by others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventRule {
    /// What it is, for the sentence.
    pub name: String,
    /// Pieces of text, upper and lower case being the same: a line that holds one of them raises it.
    pub raised: Vec<String>,
    /// A line that holds one of these clears it. A line that holds both raises it.
    #[serde(default)]
    pub cleared: Vec<String>,
    /// How it stands while it is raised.
    pub health: Severity,
}

/// How something stands while an event is raised.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Degraded.
    Warning,
    /// Failed.
    Critical,
}
