//! What is watched of Purple Mash, and its settings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::check::{CheckSpec, Coverage, Edge, Flow, Scope, ServiceSpec};
use crate::model::ids::{CheckId, Laestab, ServiceKey};
use crate::model::span::Span;
use crate::services::declared::hours::Opening;
use crate::services::declared::probe::default_block_marks;
use crate::services::declared::sign_in::SignInSettings;
use crate::services::declared::statuspage::StatusPageSettings;
use crate::services::{CheckTuning, Parameter, ServiceError, tuned};
use crate::transport::EndpointSettings;

pub(super) const KEY: &str = "purple_mash";
pub(super) const LABEL: &str = "Purple Mash";
pub(super) const CODE: &str = "PM";
pub(super) const CHECKS: &[(&str, &str)] = &[
    ("portal", "does the school's portal page answer and name the school?"),
    ("sign_in", "does the vendor's front page answer? (for all schools; where configured)"),
];
pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter { name: "portal", help: "name in the portal's address, /sch/NAME: ashbrook-vale" },
    Parameter {
        name: "portal_word",
        help: "how the portal page names the school, if not as the register does",
    },
    Parameter {
        name: "packages",
        help: "packages beside the main one: Serial Mash; 2Simple French",
    },
];

/// `[services.purple_mash]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Displayed name.
    #[serde(default)]
    pub label: Option<String>,
    /// Base address of the portal pages, such as `https://www.purplemash.com`.
    pub endpoint: EndpointSettings,
    /// Schools sign in with Office 365: a portal page without its button is a warning.
    #[serde(default)]
    pub sso: bool,
    /// The text of that button.
    #[serde(default = "default_sso_word")]
    pub sso_word: String,
    /// Sentences of the page that comes for an unknown portal name.
    #[serde(default = "default_generic_marks")]
    pub generic_marks: Vec<String>,
    /// Slower is a warning.
    #[serde(default = "default_slow_after")]
    pub slow_after: Span,
    /// Sentences of a web filter's block page: the probe was blocked, the service is not judged.
    #[serde(default = "default_block_marks")]
    pub block_marks: Vec<String>,
    /// When the portal pages are looked at, by each school's calendar: 07:30 to 18:00 on school days
    /// unless set; `"always"` for any time.
    #[serde(default)]
    pub hours: Opening,
    /// The vendor's front page, looked at once for all schools: with it, an outage is one line.
    #[serde(default)]
    pub sign_in: Option<SignInSettings>,
    /// The vendor's status page; needs `sign_in`, whose result it may worsen.
    #[serde(default)]
    pub status_page: Option<StatusPageSettings>,
    /// Hand-kept notes of the sync wizard, a CSV file with the columns
    /// `laestab,last_synced_on,imported,updated,duplicates,state,by`. A `state` is `paused` or
    /// empty.
    #[serde(default)]
    pub sync_notes: Option<PathBuf>,
    /// Changes to single checks.
    #[serde(default)]
    pub checks: BTreeMap<String, CheckTuning>,
}

fn default_sso_word() -> String {
    "Office 365".to_owned()
}

fn default_generic_marks() -> Vec<String> {
    vec!["find your school".to_owned()]
}

fn default_slow_after() -> Span {
    Span::from_secs(5)
}

pub(super) fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    generator.subschema_for::<Settings>()
}

/// The checks: `portal` for `schools`, `sign_in` where configured.
pub(super) fn spec(
    settings: &Settings,
    key: &ServiceKey,
    [portal, sign_in]: [&CheckId; 2],
    schools: BTreeSet<Laestab>,
) -> Result<ServiceSpec, ServiceError> {
    let every = Span::from_mins(5);
    let mut checks = Vec::new();
    if !schools.is_empty() {
        checks.push(CheckSpec {
            tries: 3,
            covers: Coverage::Only(schools),
            ..CheckSpec::new(portal.clone(), "portal page", Scope::School, every)
        });
    }
    if settings.sign_in.is_some() {
        checks.push(CheckSpec {
            tries: 3,
            ..CheckSpec::new(sign_in.clone(), "front page", Scope::Estate, every)
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
    crate::services::declared::edges(
        KEY,
        &[
            (Flow::SignIn, "welearn365"),
            (Flow::NewAccounts, "welearn365"),
            (Flow::Traffic, "smoothwall"),
        ],
    )
}
