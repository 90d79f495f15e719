//! What is watched of the web filter, and its settings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::model::check::{CheckSpec, Coverage, Edge, Flow, Scope, ServiceSpec};
use crate::model::ids::{CheckId, CredentialName, IdError, Laestab, ServiceKey};
use crate::model::span::Span;
use crate::services::declared::dropped::DropSettings;
use crate::services::declared::mailbox::MailboxSettings;
use crate::services::declared::probe::default_block_marks;
use crate::services::smoothwall::actions::DirectorySettings;
use crate::services::{CheckTuning, Parameter, ServiceError, tuned};

pub(super) const KEY: &str = "smoothwall";
pub(super) const LABEL: &str = "Smoothwall";
pub(super) const CODE: &str = "SW";
pub(super) const CHECKS: &[(&str, &str)] = &[
    ("filtering", "is the agreed test address blocked, and does a plain one pass?"),
    ("alerts", "has the appliance reported trouble, and does its mail still arrive?"),
];
pub(super) const PARAMETERS: &[Parameter] = &[Parameter {
    name: "appliance",
    help: "name of the appliance that filters the school; empty for the shared one",
}];

/// `[services.smoothwall]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Displayed name.
    #[serde(default)]
    pub label: Option<String>,
    /// The appliances.
    pub appliances: Vec<Appliance>,
    /// Sentences of the block page.
    #[serde(default = "default_block_marks")]
    pub block_marks: Vec<String>,
    /// Where the appliances' alerts arrive.
    #[serde(default)]
    pub alerts: Option<Alerts>,
    /// The groups of the Active Directory that the filter maps. Without it nobody can be moved to
    /// another group.
    #[serde(default)]
    pub directory: Option<DirectorySettings>,
    /// Changes to single checks.
    #[serde(default)]
    pub checks: BTreeMap<String, CheckTuning>,
}

impl Settings {
    /// The credentials that it names.
    pub(super) fn credentials(&self) -> Result<Vec<CredentialName>, IdError> {
        let mailbox = self.alerts.iter().filter_map(|a| a.mailbox.as_ref());
        let writer = self.directory.as_ref().map(DirectorySettings::credential).transpose()?;
        Ok(mailbox.flat_map(MailboxSettings::credentials).chain(writer).collect())
    }
}

/// One appliance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Appliance {
    /// Its name, as in the schools' `smoothwall.appliance`.
    pub name: String,
    /// It also filters every school that names no appliance. At most one may.
    #[serde(default)]
    pub shared: bool,
    /// How its alerts name it; each appliance has its own.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// How to prove that it filters.
    #[serde(default)]
    pub filtering: Option<Filtering>,
}

/// How to prove that an appliance filters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Filtering {
    /// The place from which it is proved: it must be behind the appliance.
    pub vantage: Vantage,
    /// The agreed address that must be blocked.
    pub blocked_url: Url,
    /// An address that must pass.
    pub plain_url: Url,
    /// A piece of the plain page that no other page has.
    pub plain_word: String,
    /// A page that answers only behind the appliance, such as its own. Asked for when the blocked
    /// address passes: without its answer the place is not behind the appliance (any more), and
    /// nothing is known of the filter.
    #[serde(default)]
    pub place: Option<Place>,
    /// A refused connection to the blocked address counts as blocked.
    #[serde(default)]
    pub refused_is_blocked: bool,
    /// Hosts to which a redirect counts as blocked.
    #[serde(default)]
    pub block_hosts: Vec<String>,
    /// PEM file of the authority that signs the appliance's certificates.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// How long one answer may take.
    #[serde(default)]
    pub deadline: Option<Span>,
    /// Slower is a warning.
    #[serde(default = "default_slow_after")]
    pub slow_after: Span,
}

/// A page that proves where we are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    /// Its address.
    pub url: Url,
    /// A piece of it that no other page has.
    pub word: String,
}

/// The place from which filtering is proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Vantage {
    /// This host's own line, which the appliance filters; no proxy.
    Direct,
    /// The appliance, or something behind it, as an explicit proxy.
    Proxy(Url),
}

/// Where alerts arrive, and how they are read: at least one of `mailbox`, `drop` and `syslog`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Alerts {
    /// The mailbox that the appliances write to: a folder of a mail server, a Maildir, or a folder
    /// of dropped files. What stands there counts: an alert that was dealt with without a message
    /// of its own ends when its message is moved away.
    #[serde(default)]
    pub mailbox: Option<MailboxSettings>,
    /// A folder of `.eml` and `.txt` files: the short form of `mailbox = { folder = .. }`.
    #[serde(default)]
    pub drop: Option<DropSettings>,
    /// A syslog file that a log server writes for the appliances.
    #[serde(default)]
    pub syslog: Option<Syslog>,
    /// Addresses, or ends of them such as `@filter.example.org`, from which mails count. Others
    /// are told in the evidence. Without it everybody's count: whoever can write to the mailbox
    /// can then report a start, or a heartbeat.
    #[serde(default)]
    pub senders: Vec<String>,
    /// A critical service that stopped is critical after this, without a later start.
    #[serde(default = "default_stopped_for")]
    pub stopped_for: Span,
    /// Without a heartbeat for this long, silence means nothing.
    #[serde(default = "default_heartbeat")]
    pub heartbeat: Span,
    /// How long a notice counts that the appliance repeats while it holds (licence, disk, ..).
    #[serde(default = "default_notice_for")]
    pub notice_for: Span,
    /// Words by which alerts are told.
    #[serde(default)]
    pub words: Words,
}

/// A syslog file, and which of its lines count. The file before it (`NAME.1`) is read too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Syslog {
    /// The file, relative to the config file's folder.
    pub file: PathBuf,
    /// Programs whose lines are alerts. The web log is none of them: its lines hold names.
    #[serde(default = "default_programs")]
    pub programs: Vec<String>,
    /// The zone of times without one.
    #[serde(default)]
    pub zone: SyslogZone,
    /// Whether any line of an appliance counts as its heartbeat, not only one with a heartbeat's
    /// words.
    #[serde(default)]
    pub any_line_is_heartbeat: bool,
    /// A larger file is refused, never read in part: let it be rotated.
    #[serde(default = "default_max_bytes")]
    pub max_bytes: u64,
}

/// The zone of times without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SyslogZone {
    /// Europe/London.
    #[default]
    London,
    /// UTC.
    Utc,
}

/// Words by which alerts are told; upper and lower case are the same. The vendor's wording is not
/// published: an alert of none of them is shown as unrecognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Words {
    /// A service stopped.
    pub stopped: Vec<String>,
    /// A service started.
    pub started: Vec<String>,
    /// Something failed; critical at once.
    pub raised: Vec<String>,
    /// What failed is well again.
    pub cleared: Vec<String>,
    /// Something to look at; stands until its file is moved away or it is cleared.
    pub lasting: Vec<String>,
    /// Something to look at; the appliance repeats it while it holds.
    pub notice: Vec<String>,
    /// The filter fell back to a mode without policies, logs and safeguarding alerts.
    pub reduced: Vec<String>,
    /// It is back in its full mode.
    pub full: Vec<String>,
    /// The daily test alert.
    pub heartbeat: Vec<String>,
    /// Services without which nobody is filtered; others that stop are a warning.
    pub critical_services: Vec<String>,
    /// Alerts that mean nothing to the desk.
    pub ignored: Vec<String>,
}

impl Default for Words {
    fn default() -> Self {
        let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect();
        Self {
            stopped: words(&["has stopped", "state=stopped"]),
            started: words(&["has started", "state=started"]),
            raised: words(&[
                "has failed",
                "failed to",
                "is down",
                "has gone down",
                "state=failed",
                "state=down",
            ]),
            cleared: words(&[
                "has recovered",
                "is up again",
                "is restored",
                "is back online",
                "back to normal",
                "state=recovered",
                "state=up",
            ]),
            lasting: words(&["failover"]),
            reduced: words(&["mode 1"]),
            full: words(&["mode 2"]),
            notice: words(&[
                "warning",
                "licence",
                "license",
                "expire",
                "out of date",
                "subscription",
            ]),
            heartbeat: words(&["heartbeat", "test alert"]),
            critical_services: words(&["filter", "guardian", "auth", "proxy"]),
            ignored: Vec::new(),
        }
    }
}

fn default_slow_after() -> Span {
    Span::from_secs(5)
}

fn default_programs() -> Vec<String> {
    vec!["smoothmonitor".to_owned()]
}

fn default_max_bytes() -> u64 {
    16 * 1024 * 1024
}

fn default_stopped_for() -> Span {
    Span::from_mins(10)
}

fn default_heartbeat() -> Span {
    Span::from_hours(26)
}

fn default_notice_for() -> Span {
    Span::from_days(7)
}

pub(super) fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    generator.subschema_for::<Settings>()
}

/// An appliance that a check has a source for.
pub(super) struct Behind<'a> {
    /// Its name.
    pub name: &'a str,
    /// The schools that it filters.
    pub schools: &'a BTreeSet<Laestab>,
    /// The estate's check that tells of it, where it filters several.
    pub told: Option<CheckId>,
}

/// The checks, each for the schools behind these appliances. Where several schools are behind one,
/// the estate's row tells of it: it is one trouble, not one for each school.
pub(super) fn spec(
    settings: &Settings,
    key: &ServiceKey,
    proofs: (&CheckId, &[Behind<'_>]),
    alerts: (&CheckId, &[Behind<'_>]),
) -> Result<ServiceSpec, ServiceError> {
    let filtering = |spec: CheckSpec| CheckSpec { tries: 3, emits: vec![Flow::Traffic], ..spec };
    let checks = [
        checks_of(settings, proofs, "filtering", Span::from_mins(5), filtering),
        checks_of(settings, alerts, "appliance alerts", Span::from_mins(1), |spec| spec),
    ];
    Ok(ServiceSpec {
        key: key.clone(),
        label: settings.label.clone().unwrap_or_else(|| LABEL.to_owned()),
        code: CODE.to_owned(),
        checks: checks.into_iter().flatten().collect(),
        depends: depends()?,
    })
}

/// The estate's checks first: what they tell is known when the schools' are judged.
fn checks_of(
    settings: &Settings,
    (id, behind): (&CheckId, &[Behind<'_>]),
    label: &str,
    every: Span,
    more: impl Fn(CheckSpec) -> CheckSpec,
) -> Vec<CheckSpec> {
    let schools: BTreeSet<Laestab> = behind.iter().flat_map(|b| b.schools.clone()).collect();
    if schools.is_empty() {
        return Vec::new();
    }
    let told = |b: &Behind<'_>| b.schools.iter().map(|s| (*s, b.told.clone())).collect::<Vec<_>>();
    let shared = behind.iter().flat_map(told).filter_map(|(s, told)| Some((s, told?)));
    let of_schools = tuned(
        more(CheckSpec {
            covers: Coverage::Only(schools),
            shared: shared.collect(),
            ..CheckSpec::new(id.clone(), label, Scope::School, every)
        }),
        &settings.checks,
    );
    let of_estate = behind.iter().filter_map(|b| {
        Some(CheckSpec {
            id: b.told.clone()?,
            label: format!("{label} of {}", b.name),
            scope: Scope::Estate,
            covers: Coverage::Subscribed,
            stays: true,
            emits: Vec::new(),
            shared: BTreeMap::new(),
            ..of_schools.clone()
        })
    });
    let mut out: Vec<CheckSpec> = of_estate.collect();
    out.push(of_schools);
    out
}

fn depends() -> Result<Vec<Edge>, ServiceError> {
    crate::services::declared::edges(KEY, &[(Flow::UserGroups, "welearn365")])
}
