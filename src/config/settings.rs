//! Every setting that is not a service's or the transport's, with its default, in one place.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::civil::{Date, Time, time};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::calendars::CalendarSettings;
use crate::config::console::ConsoleSettings;
use crate::config::next_steps::NextStepSettings;
use crate::model::ids::{CredentialName, ServiceKey};
use crate::model::span::Span;

/// Configuration of caretaker. Relative paths are relative to the folder of this file; durations
/// are `90s`, `5m`, `2h`, `1d`. Credentials stand here by name only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Codes of the local authorities whose schools are read; three digits each.
    #[schemars(inner(range(min = 100, max = 999)), length(min = 1))]
    pub la_codes: Vec<u16>,
    /// Where schools and what they take are read from.
    pub schools: SchoolsSettings,
    /// Term dates and closures by name; `default` is that of every school without another.
    pub calendars: BTreeMap<String, CalendarSettings>,
    /// Who may do which action: a file of its own, which those who act cannot write to. Without
    /// one nobody can act.
    pub policy: Option<std::path::PathBuf>,
    /// What the audit's checkpoints are signed with and where they go.
    pub audit: AuditSettings,
    /// The agent, embedded or shared.
    pub agent: AgentSettings,
    /// The console.
    pub console: ConsoleSettings,
    /// What the program writes about itself.
    pub log: LogSettings,
    /// Where credentials are found that no keyring holds.
    pub credentials: CredentialsSettings,
    /// Keys by command, instead of the built-in ones; an empty list takes the keys away.
    pub keys: BTreeMap<String, Vec<String>>,
    /// What the desk has written down to do about checks that are not ok: by service, then by check.
    pub next_steps: BTreeMap<String, BTreeMap<String, NextStepSettings>>,
    /// The way out: proxy, deadlines, limits.
    #[serde(skip_serializing)]
    pub transport: Section,
    /// Where tickets go and what they say; without it nothing can be handed to people outside.
    #[serde(skip_serializing)]
    pub tickets: Section,
    /// The services, each with its own settings.
    #[serde(skip_serializing)]
    pub services: BTreeMap<ServiceKey, Section>,
    /// Checks without code, by name: what is asked, and how the answer is read.
    #[serde(skip_serializing)]
    pub connectors: BTreeMap<String, Section>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            la_codes: vec![937],
            schools: SchoolsSettings::default(),
            calendars: BTreeMap::new(),
            policy: None,
            audit: AuditSettings::default(),
            agent: AgentSettings::default(),
            console: ConsoleSettings::default(),
            log: LogSettings::default(),
            credentials: CredentialsSettings::default(),
            keys: BTreeMap::new(),
            next_steps: BTreeMap::new(),
            transport: Section,
            tickets: Section,
            services: BTreeMap::new(),
            connectors: BTreeMap::new(),
        }
    }
}

/// Signed checkpoints of the audit: the newest entry's number and hash, vouched for by a key, kept
/// where this host cannot change it unseen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuditSettings {
    /// Credential that holds an Ed25519 private key (`openssl genpkey -algorithm ed25519`); without
    /// one there are no checkpoints.
    pub signing_key: Option<CredentialName>,
    /// File to which checkpoints are added, a line each; on another host's disk, best.
    pub checkpoint_file: Option<PathBuf>,
    /// Whether they go to the system log as well, for a host that forwards it.
    pub checkpoint_syslog: bool,
    /// How often the newest entry is vouched for, if there is a new one.
    pub checkpoint_every: Span,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            signing_key: None,
            checkpoint_file: None,
            checkpoint_syslog: false,
            checkpoint_every: Span::from_secs(3_600),
        }
    }
}

/// A section that another room reads. Only that it is a table is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, JsonSchema)]
#[schemars(with = "BTreeMap<String, serde_json::Value>")]
pub struct Section;

impl<'de> Deserialize<'de> for Section {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        BTreeMap::<String, serde::de::IgnoredAny>::deserialize(from).map(|_| Self)
    }
}

/// Where schools and what they take are read from. One of the first two, not both.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SchoolsSettings {
    /// The DfE register as GIAS gives it out (`edubasealldataYYYYMMDD.csv`).
    pub register_file: Option<PathBuf>,
    /// A small table of our own: `laestab,name` and more.
    pub list_file: Option<PathBuf>,
    /// Which school takes which services, and how each vendor knows it.
    pub subscriptions_file: Option<PathBuf>,
}

/// The agent, embedded or shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AgentSettings {
    /// Socket of the shared agent; the usual place unless set.
    pub socket: Option<PathBuf>,
    /// Folder of the databases; the usual place unless set.
    pub state_dir: Option<PathBuf>,
    /// Unix group whose members may attach to the agent besides its own account; nobody else unless
    /// set.
    pub group: Option<String>,
    /// Shortest time between two refreshes that operators ask for of the same thing.
    pub refresh_floor: Span,
    /// When shifts end, in London. What an operator acknowledges or claims without naming an end
    /// runs out then.
    pub shift_ends: Vec<TimeOfDay>,
}

/// A time of day: `17:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOfDay(pub Time);

impl std::fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let parts = text.split_once(':').filter(|(h, m)| (h.len(), m.len()) == (2, 2));
        let time = parts.and_then(|(h, m)| Time::new(h.parse().ok()?, m.parse().ok()?, 0, 0).ok());
        time.map(Self).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "{text:?} is not a time of day: write hours and minutes, such as \"17:00\""
            ))
        })
    }
}

impl JsonSchema for TimeOfDay {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TimeOfDay".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"})
    }
}

impl Default for AgentSettings {
    fn default() -> Self {
        let ends = [time(8, 0, 0, 0), time(17, 0, 0, 0)];
        Self {
            socket: None,
            state_dir: None,
            group: None,
            refresh_floor: Span::from_secs(10),
            shift_ends: ends.map(TimeOfDay).to_vec(),
        }
    }
}

/// What the program writes about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    /// The least important thing that is written.
    pub level: LogLevel,
}

/// How important a line of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Only what went wrong.
    Error,
    /// And what may go wrong.
    Warn,
    /// And what happened.
    #[default]
    Info,
    /// And why.
    Debug,
    /// And every step.
    Trace,
}

impl LogLevel {
    /// The word, as in the config.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// Where credentials are found that neither systemd nor a keyring holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CredentialsSettings {
    /// Files by credential name; mode 0600, owner only.
    pub files: BTreeMap<CredentialName, PathBuf>,
    /// The last day of each credential whose end the vendor tells, such as 2027-01-31. Certificates,
    /// and keys that carry their end, need none.
    #[schemars(with = "BTreeMap<CredentialName, String>")]
    pub expires: BTreeMap<CredentialName, Date>,
}
