//! What is watched of desktop monitoring, and its settings.

use std::collections::BTreeMap;

use jiff::civil::{Time, time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::check::{Against, CheckSpec, DropRule, Edge, Flow, Scope, ServiceSpec};
use crate::model::ids::{CheckId, CredentialName, ServiceKey};
use crate::model::span::Span;
use crate::services::declared::dropped::DropSettings;
use crate::services::declared::mailbox::MailboxSettings;
use crate::services::declared::sign_in::SignInSettings;
use crate::services::{CheckTuning, Parameter, ServiceError, tuned};

pub(super) const KEY: &str = "future_digital";
pub(super) const LABEL: &str = "Future Digital";
pub(super) const CODE: &str = "FD";
pub(super) const PATTERN: &str = "stations-*.csv";
/// PCs that were active in the last 30 school days, in the report or no longer in it.
pub(super) const IN_USE: &str = "pcs_in_use";
/// 30 school days.
const WEEKS: u8 = 6;
pub(super) const CHECKS: &[(&str, &str)] = &[
    ("coverage", "how many of the school's Windows PCs does monitoring see?"),
    ("sign_in", "does the console's sign-in page answer? (for all schools; where configured)"),
];
pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "pcs",
        help: "how many Windows PCs the school has: 120. Without it, those seen in the last 30 school days",
    },
    Parameter {
        name: "alerts_to",
        help: "addresses to which the school's alert mails go, several with `;`; never shown",
    },
];

/// `[services.future_digital]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Displayed name: the product may go by another.
    #[serde(default)]
    pub label: Option<String>,
    /// Where the files of stations are dropped, `stations-YYYYMMDDTHHMMZ.csv`, with the columns
    /// `laestab,ou,station,client_version,last_active`.
    pub stations: DropSettings,
    /// When the monitoring schedule starts on a school day.
    #[serde(default = "default_day_starts")]
    #[schemars(with = "String")]
    pub day_starts: Time,
    /// Fewer PCs seen than this, in per cent of those expected, is a warning.
    #[serde(default = "default_seen_warning")]
    pub seen_warning: u8,
    /// Fewer is critical.
    #[serde(default = "default_seen_critical")]
    pub seen_critical: u8,
    /// The oldest client version that is current, such as `8.2`. Without it, the newest version
    /// that at least one in five stations of the file runs.
    #[serde(default)]
    pub current_version: Option<String>,
    /// Fewer PCs on a current version than this, in per cent, is a warning.
    #[serde(default = "default_current_warning")]
    pub current_warning: u8,
    /// Words in the name of an OU that holds Chromebooks; these are counted apart.
    #[serde(default = "default_chromebook_ous")]
    pub chromebook_ous: Vec<String>,
    /// A file older than this, in hours of school days, is a warning.
    #[serde(default = "default_file_warning")]
    pub file_warning: Span,
    /// Older, and nothing is known.
    #[serde(default = "default_file_unknown")]
    pub file_unknown: Span,
    /// A mailbox to which copies of the alert mails go, as a sign that the mail path lives.
    #[serde(default)]
    pub alert_mail: Option<AlertMail>,
    /// The sign-in page of the monitoring's console.
    #[serde(default)]
    pub sign_in: Option<SignInSettings>,
    /// Changes to single checks.
    #[serde(default)]
    pub checks: BTreeMap<String, CheckTuning>,
}

/// Alert mails of the monitoring. Of each only the date, the sender and the recipients are read:
/// that an alert was received, when, and for which school. Subject and text are not even fetched
/// from a mail server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertMail {
    /// The mailbox.
    pub mailbox: MailboxSettings,
    /// Addresses from which the alerts come, or ends of them such as `@monitoring.example.org`.
    pub senders: Vec<String>,
}

impl Settings {
    /// The credentials that it names.
    pub(super) fn credentials(&self) -> Vec<CredentialName> {
        self.alert_mail.iter().flat_map(|mail| mail.mailbox.credentials()).collect()
    }
}

fn default_day_starts() -> Time {
    time(8, 0, 0, 0)
}

fn default_seen_warning() -> u8 {
    80
}

fn default_seen_critical() -> u8 {
    50
}

fn default_current_warning() -> u8 {
    90
}

fn default_chromebook_ous() -> Vec<String> {
    vec!["chromebook".to_owned()]
}

fn default_file_warning() -> Span {
    Span::from_hours(26)
}

fn default_file_unknown() -> Span {
    Span::from_hours(50)
}

pub(super) fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    generator.subschema_for::<Settings>()
}

pub(super) fn spec(
    settings: &Settings,
    key: &ServiceKey,
    [coverage, sign_in]: [&CheckId; 2],
) -> Result<ServiceSpec, ServiceError> {
    // A program that was started anew knows only the reports that are still in the folder. The board
    // remembers the number itself: what is missing by then is told like what is not seen.
    let missing = f64::from(100 - settings.seen_warning.min(100)) / 100.0;
    let drop = DropRule {
        number: IN_USE,
        warning: missing,
        summer: missing,
        against: Against::BestOfWeeks,
        weeks: WEEKS,
    };
    // The age of the file is judged in `poll`: it ends in unknown, which no age rule expresses.
    let mut checks = vec![CheckSpec {
        drop: Some(drop),
        ..CheckSpec::new(coverage.clone(), "PCs checking in", Scope::School, Span::from_mins(15))
    }];
    if settings.sign_in.is_some() {
        let every = Span::from_mins(5);
        checks.push(CheckSpec {
            tries: 3,
            ..CheckSpec::new(sign_in.clone(), "sign-in page", Scope::Estate, every)
        });
    }
    Ok(ServiceSpec {
        key: key.clone(),
        label: settings.label.clone().unwrap_or_else(|| LABEL.to_owned()),
        code: CODE.to_owned(),
        checks: checks.into_iter().map(|check| tuned(check, &settings.checks)).collect(),
        depends: depends()?,
    })
}

fn depends() -> Result<Vec<Edge>, ServiceError> {
    crate::services::declared::edges(KEY, &[(Flow::UserNames, "welearn365")])
}
