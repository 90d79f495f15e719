//! Settings of Redstor, and its checks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::check::{AgeRule, CheckSpec, Coverage, Runs, Scope, ServiceSpec};
use crate::model::estate::{Estate, NotWatched};
use crate::model::ids::{CheckId, CredentialName, Laestab, ServiceKey};
use crate::model::span::Span;
use crate::ports::watch::Watch;
use crate::services::redstor::poll::Redstor;
use crate::services::{
    CheckTuning, Configured, Context, ServiceError, check_id, only_known, tuned,
};
use crate::transport::EndpointSettings;

/// The service's key.
pub(super) const KEY: &str = "redstor";

/// Its checks and what each asks.
pub(super) const CHECKS: &[(&str, &str)] = &[
    ("documents", "Did the backup of the school's documents run, and how did it end?"),
    ("sims", "Did the backup of the school's SIMS data run, and how did it end?"),
];

/// Where the older API is, unless the config says otherwise.
pub(super) const STORAGE_PLATFORM_URL: &str = "https://api.pro.redstor.com";
/// Where RedAPI is, unless the config says otherwise.
pub(super) const REDAPI_URL: &str = "https://api.redstor.com";
/// Where RedAPI's tokens come from, unless the config says otherwise.
pub(super) const LOGIN_URL: &str = "https://id.redstor.com/connect/token";

/// After this Redstor holds nothing that could be restored (60 days, by the service's terms).
const KEEPS: Span = Span::from_days(60);

/// Which of Redstor's two APIs answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// The older Storage Platform API: a user name and a password.
    StoragePlatform,
    /// RedAPI v2: a service account with a JWK file.
    Redapi,
}

/// `[services.redstor]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Which API to ask: `storage_platform` or `redapi`.
    pub api: Api,
    /// Name of the credential: the password of `user` for `storage_platform`, the content of the
    /// JWK file for `redapi`.
    /// `redstor` if not set.
    #[serde(default)]
    pub credential: Option<CredentialName>,
    /// `storage_platform`: the collection administrator that signs in.
    #[serde(default)]
    pub user: Option<String>,
    /// `storage_platform`: where it is; <https://api.pro.redstor.com> if not set.
    #[serde(default)]
    pub storage_platform: Option<EndpointSettings>,
    /// `redapi`: id of the service account.
    #[serde(default)]
    pub client_id: Option<String>,
    /// `redapi`: the company whose accounts are read.
    #[serde(default)]
    pub company_id: Option<String>,
    /// `redapi`: where it is; <https://api.redstor.com> if not set.
    #[serde(default)]
    pub redapi: Option<EndpointSettings>,
    /// `redapi`: the whole address of the token call; <https://id.redstor.com/connect/token> if
    /// not set.
    #[serde(default)]
    pub login: Option<EndpointSettings>,
    /// Whether closures of a school's calendar add nothing to the age of its last backup, because
    /// the school switches its server off then. A failed run counts always.
    #[serde(default)]
    pub closures_hold: bool,
    /// Tuning of single checks: `documents`, `sims`.
    #[serde(default)]
    pub checks: BTreeMap<String, CheckTuning>,
}

/// Reads `[services.redstor]`.
pub(super) fn configure(
    from: toml::de::ValueDeserializer<'_>,
) -> Result<Configured, toml::de::Error> {
    let settings = Settings::deserialize(from)?;
    let credential = match &settings.credential {
        Some(name) => name.clone(),
        None => KEY.parse().map_err(serde::de::Error::custom)?,
    };
    Ok(Configured {
        credentials: vec![credential.clone()],
        build: Box::new(move |context| {
            let watch = Redstor::new(&settings, credential, context)?;
            Ok(Arc::new(watch) as Arc<dyn Watch>)
        }),
    })
}

/// Which data an account holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DataSet {
    /// Files.
    Documents,
    /// The management information system: "completed with errors" is not good enough for it.
    Sims,
}

impl DataSet {
    /// Both, with the name of their check and parameter.
    pub(super) const ALL: [(Self, &'static str); 2] =
        [(Self::Documents, "documents"), (Self::Sims, "sims")];
}

/// The accounts of one school's data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) check: CheckId,
    pub(super) set: DataSet,
    pub(super) school: Laestab,
    /// Names or guids, as the desk wrote them.
    pub(super) accounts: Vec<String>,
}

/// What the subscriptions table asks for, in order of the checks.
pub(super) fn wanted(estate: &Estate, key: &ServiceKey) -> Result<Vec<Wanted>, ServiceError> {
    let mut out = Vec::new();
    for (set, name) in DataSet::ALL {
        let check = check_id(KEY, name)?;
        for school in estate.takers(key) {
            let row = estate.subscriptions.get(&school);
            let accounts: Vec<String> = row
                .map(|s| s.values(key, name).into_iter().map(str::to_owned).collect())
                .unwrap_or_default();
            if !accounts.is_empty() {
                out.push(Wanted { check: check.clone(), set, school, accounts });
            }
        }
    }
    Ok(out)
}

/// The service and its checks.
pub(super) fn describe(
    settings: &Settings,
    key: &ServiceKey,
    wanted: &[Wanted],
) -> Result<ServiceSpec, ServiceError> {
    only_known(KEY, &settings.checks, CHECKS)?;
    let mut checks = Vec::new();
    for (set, name) in DataSet::ALL {
        let schools: BTreeSet<Laestab> =
            wanted.iter().filter(|w| w.set == set).map(|w| w.school).collect();
        if schools.is_empty() {
            continue;
        }
        let label = match set {
            DataSet::Documents => "documents backup",
            DataSet::Sims => "SIMS backup",
        };
        let id = check_id(KEY, name)?;
        let mut spec = CheckSpec::new(id, label, Scope::School, Span::from_mins(60));
        spec.covers = Coverage::Only(schools);
        spec.age = Some(AgeRule {
            late: None,
            warning: Span::from_hours(26),
            critical: Span::from_hours(50),
            runs: Runs::Daily,
            held_by_closures: settings.closures_hold,
        });
        spec.keeps = Some(KEEPS);
        checks.push(tuned(spec, &settings.checks));
    }
    Ok(ServiceSpec {
        key: key.clone(),
        label: "Redstor Backup".into(),
        code: "RS".into(),
        checks,
        depends: Vec::new(),
    })
}

/// Schools that take the service but name no account for a data set.
pub(super) fn not_watched(
    context: &Context,
    key: &ServiceKey,
    wanted: &[Wanted],
) -> Vec<NotWatched> {
    let mut out = Vec::new();
    for (set, name) in DataSet::ALL {
        let without: Vec<String> = context
            .estate
            .takers(key)
            .filter(|school| !wanted.iter().any(|w| w.set == set && w.school == *school))
            .map(Laestab::spaced)
            .collect();
        if !without.is_empty() {
            out.push(NotWatched {
                what: format!("{KEY}.{name}").into(),
                why: format!(
                    "no account in the column {KEY}.{name} of the subscriptions table: {}",
                    crate::services::answer::some_of(&without, 12)
                )
                .into(),
            });
        }
    }
    out
}
