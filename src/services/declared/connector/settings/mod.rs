//! `[connectors.NAME]`: what is asked, of whom, how often, and how the answer is read.

mod file;
mod json;
mod mail;
mod probe;
mod reading;
mod syslog;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use file::{Encoding, FileSettings, Format, SameAgain};
pub use json::{Auth, ClientCredentials, JsonSettings, KeyBy, KeyRule, Pages, SecretSent, Several};
pub use mail::MailSettings;
pub use probe::{CertificateLimits, DnsProbe, HttpProbe, ProbeSettings, TcpProbe, TlsProbe};
pub use reading::{
    Absent, HealthRule, NumberRule, Pick, TimeRule, UnixTime, Word, WordTable, ZoneRule,
};
pub use syslog::{Severity, SyslogSettings};

use crate::model::check::{Flow, Runs};
use crate::model::ids::ServiceKey;
use crate::model::span::Span;
use crate::services::declared::hours::HoursSettings;
use crate::services::declared::statuspage::StatusPageSettings;

/// One check without code. Exactly one of `probe`, `json`, `statuspage`, `file`, `syslog` and
/// `mailbox` says where its answers come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectorSettings {
    /// The service that it tells of: one that is built in, or a new one, which gets a column.
    pub service: ServiceKey,
    /// Displayed name of a new service; its key unless set.
    #[serde(default)]
    pub service_label: Option<String>,
    /// Two letters of a new service for the board; the first two of its key unless set.
    #[serde(default)]
    pub service_code: Option<String>,
    /// What the service depends on: trouble there is shown as the cause here.
    #[serde(default)]
    pub depends: Vec<DependsOn>,
    /// Name of the check, unique within the service.
    pub check: String,
    /// Short label of the check for screens.
    pub label: String,
    /// Whom one question is about.
    pub scope: Asks,
    /// How often it is asked.
    #[serde(default = "default_interval")]
    pub interval: Span,
    /// How long an answer counts; three intervals unless set.
    #[serde(default)]
    pub fresh_for: Option<Span>,
    /// Bad answers in a row before it is hard; 3 for probes, else 1.
    #[serde(default)]
    pub tries: Option<u8>,
    /// How old the vendor's data may be; needs a source that tells a time.
    #[serde(default)]
    pub age: Option<AgeSettings>,
    /// What is cut, for services that depend on this one, when this check is in trouble.
    #[serde(default)]
    pub emits: Vec<Flow>,
    /// Services that depend on this one for what it emits.
    #[serde(default)]
    pub reaches: Vec<ServiceKey>,
    /// When it is asked at all; always unless set.
    #[serde(default)]
    pub hours: Option<HoursSettings>,
    /// Looks at a page, a certificate, a name or a port from here.
    #[serde(default)]
    pub probe: Option<ProbeSettings>,
    /// Asks an API for JSON and reads the answer with jq expressions.
    #[serde(default)]
    pub json: Option<JsonSettings>,
    /// Reads the vendor's status page (Statuspage, version 2).
    #[serde(default)]
    pub statuspage: Option<StatusPageSettings>,
    /// Reads the newest file that somebody drops into a folder.
    #[serde(default)]
    pub file: Option<FileSettings>,
    /// Follows a file to which a syslog daemon appends lines.
    #[serde(default)]
    pub syslog: Option<SyslogSettings>,
    /// Reads the newest report mail of a mailbox.
    #[serde(default)]
    pub mailbox: Option<MailSettings>,
}

fn default_interval() -> Span {
    Span::from_mins(5)
}

/// Whom one question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Asks {
    /// The whole tenant: one question, one answer.
    Estate,
    /// One school: one question for each.
    School,
    /// All schools: one question whose answer has a row for each.
    Bulk,
}

/// An edge of the dependency graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DependsOn {
    /// What flows.
    pub flow: Flow,
    /// The service that it comes from.
    pub from: ServiceKey,
}

/// How old the vendor's data may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgeSettings {
    /// Older is said in the sentence, but stays ok.
    #[serde(default)]
    pub late: Option<Span>,
    /// Older is a warning.
    pub warning: Span,
    /// Older is critical.
    pub critical: Span,
    /// The days that count.
    #[serde(default)]
    pub runs: Runs,
    /// Closures of the school's calendar add nothing.
    #[serde(default)]
    pub held_by_closures: bool,
}
