//! Settings of Redstor, and its checks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::model::check::{Against, Coverage, DropRule, Runs, Scope, ServiceSpec};
use crate::model::estate::{Estate, NotWatched};
use crate::model::ids::{CheckId, CredentialName, Laestab, ServiceKey};
use crate::model::span::Span;
use crate::ports::act::Act;
use crate::ports::watch::Watch;
use crate::services::checks::{Checks, daily};
use crate::services::declared::service_key;
use crate::services::errand::HandOff;
use crate::services::redstor::poll::Redstor;
use crate::services::redstor::restore::Restore;
use crate::services::{Brought, CheckTuning, Configured, Context, ServiceError, check_id};
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

/// The number of an account's size; `stored_mb of NAME` for each.
pub(super) const STORED_MB: &str = "stored_mb";

/// After this Redstor holds nothing that could be restored (60 days, by the service's terms).
pub(super) const KEEPS: Span = Span::from_days(60);

/// Which of Redstor's two APIs answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// The older Storage Platform API: a user name and a password.
    StoragePlatform,
    /// RedAPI v2: a service account with a JWK file.
    Redapi,
}

/// In which header RedAPI is shown our token. The vendor's page and its own OpenAPI file disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenHeader {
    /// `Authorization: Bearer TOKEN`: what the service was seen to accept.
    #[default]
    Authorization,
    /// `Authentication: Bearer TOKEN`: as the vendor's page prints it.
    Authentication,
    /// `X-Api-Key: TOKEN`: as the vendor's OpenAPI file declares it.
    XApiKey,
}

impl TokenHeader {
    /// Name and value of the header.
    pub(super) fn of(self, token: &SecretString) -> (&'static str, SecretString) {
        let bearer = || format!("Bearer {}", token.expose_secret()).into();
        match self {
            Self::Authorization => ("authorization", bearer()),
            Self::Authentication => ("authentication", bearer()),
            Self::XApiKey => ("x-api-key", token.clone()),
        }
    }
}

/// A further call to RedAPI with each sweep, shown beside and never judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Beside {
    /// Redstor's own count of last runs, by product.
    Counts,
    /// How the last restore of each account stands; what its number means is not published.
    Restores,
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
    /// `redapi`: in which header our token is shown: `authorization`, `authentication` or
    /// `x_api_key`.
    #[serde(default)]
    pub token_header: TokenHeader,
    /// `redapi`: further calls with each sweep, shown beside and never judged: `counts`, `restores`.
    #[serde(default)]
    pub beside: Vec<Beside>,
    /// `storage_platform`: per cent by which a backup may shrink below the largest of this week
    /// and the last before it is a warning; 0 for never. RedAPI tells no sizes.
    #[serde(default = "shrink_warning")]
    pub shrink_warning: u8,
    /// `storage_platform`: how long the agent on a server may be silent before it is a warning,
    /// however its last run went. Not judged where closures hold the age of a backup or only school
    /// days count, because servers are switched off then.
    #[serde(default = "agent_silent")]
    pub agent_silent: Span,
    /// Whether closures of a school's calendar add nothing to the age of its last backup, because
    /// the school switches its server off then. A failed run counts always.
    #[serde(default)]
    pub closures_hold: bool,
    /// Tuning of single checks: `documents`, `sims`.
    #[serde(default)]
    pub checks: BTreeMap<String, CheckTuning>,
}

fn shrink_warning() -> u8 {
    50
}
fn agent_silent() -> Span {
    Span::from_hours(50)
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
        // Neither API starts a restore: a ticket is all there is.
        hands: Some(Box::new(|context| {
            let mut acts: Vec<Arc<dyn Act>> = Vec::new();
            if context.tickets.is_some() {
                let key = service_key(KEY)?;
                let restore = Restore::new(&key, context)?;
                acts.push(Arc::new(HandOff::new(restore, key, context)));
            }
            Ok(Brought { acts, ..Brought::default() })
        })),
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
    /// Names, guids, or groups and names, as the desk wrote them.
    pub(super) accounts: Vec<String>,
    /// How long the agent of one may be silent, where that is judged.
    pub(super) agent_silent: Option<Span>,
}

/// What the subscriptions table asks for, in order of the checks.
pub(super) fn wanted(
    settings: &Settings,
    estate: &Estate,
    key: &ServiceKey,
) -> Result<Vec<Wanted>, ServiceError> {
    let mut out = Vec::new();
    for (set, name) in DataSet::ALL {
        let check = check_id(KEY, name)?;
        let runs = settings.checks.get(name).and_then(|t| t.runs).unwrap_or_default();
        let always_on = !settings.closures_hold && runs == Runs::Daily;
        let agent_silent = always_on.then_some(settings.agent_silent);
        for school in estate.takers(key) {
            let row = estate.subscriptions.get(&school);
            let accounts: Vec<String> = row
                .map(|s| s.values(key, name).into_iter().map(str::to_owned).collect())
                .unwrap_or_default();
            if !accounts.is_empty() {
                out.push(Wanted { check: check.clone(), set, school, accounts, agent_silent });
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
    let refuse = |key: &str, why: &str| ServiceError::Setting {
        service: KEY,
        key: key.to_owned(),
        why: why.to_owned(),
    };
    if settings.shrink_warning > 99 {
        return Err(refuse("shrink_warning", "write a number of per cent from 0 to 99"));
    }
    if !settings.beside.is_empty() && settings.api != Api::Redapi {
        return Err(refuse("beside", "only api = \"redapi\" has these calls"));
    }
    let shrinks = settings.api == Api::StoragePlatform && settings.shrink_warning > 0;
    let most = f64::from(settings.shrink_warning) / 100.0;
    let mut checks = Checks::new(KEY, &settings.checks, CHECKS)?;
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
        checks.add((name, label), Scope::School, Span::from_mins(60), |s| {
            s.covers = Coverage::Only(schools);
            let holds = settings.closures_hold;
            s.age = Some(daily(Span::from_hours(26), Span::from_hours(50), holds));
            s.keeps = Some(KEEPS);
            s.drop = shrinks.then_some(DropRule {
                number: STORED_MB,
                warning: most,
                summer: most,
                against: Against::BestOfWeeks,
                weeks: 1,
            });
        })?;
    }
    Ok(checks.into_service(key, ("Redstor Backup", "RS"), Vec::new()))
}

/// Schools that take the service but name no account for a data set.
pub(super) fn not_watched(
    settings: &Settings,
    context: &Context,
    key: &ServiceKey,
    wanted: &[Wanted],
) -> Vec<NotWatched> {
    let mut out = Vec::new();
    if settings.api == Api::Redapi {
        out.push(NotWatched {
            what: format!("{KEY}.{STORED_MB}").into(),
            why: "RedAPI tells neither the sizes of backups nor storage limits nor agents; \
                  api = \"storage_platform\" does"
                .into(),
        });
    }
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
