//! Settings of WeLearn365, and its checks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::check::{AgeRule, CheckSpec, Coverage, Edge, Flow, Runs, Scope, ServiceSpec};
use crate::model::estate::NotWatched;
use crate::model::ids::{CredentialName, Laestab, ServiceKey};
use crate::model::span::Span;
use crate::ports::watch::Watch;
use crate::services::answer::some_of;
use crate::services::welearn365::accounts;
use crate::services::welearn365::body::Site;
use crate::services::welearn365::poll::WeLearn365;
use crate::services::{
    CheckTuning, Configured, Context, ServiceError, check_id, only_known, tuned,
};
use crate::transport::EndpointSettings;

/// The service's key.
pub(super) const KEY: &str = "welearn365";

/// Its checks and what each asks.
pub(super) const CHECKS: &[(&str, &str)] = &[
    ("service_health", "What does Microsoft say of Exchange, SharePoint, Teams and the rest?"),
    ("sign_in", "What does Microsoft say of its identity service, by which everybody signs in?"),
    ("directory_sync", "When did Active Directory last reach Microsoft 365?"),
    ("site", "Is the school's SharePoint site there?"),
    accounts::CHECKS[0],
    accounts::CHECKS[1],
    accounts::CHECKS[2],
];

/// Where Microsoft Graph is, unless the config says otherwise.
pub(super) const GRAPH_URL: &str = "https://graph.microsoft.com/v1.0";
/// Where its tokens come from, unless the config says otherwise.
pub(super) const LOGIN_URL: &str = "https://login.microsoftonline.com";

/// `[services.welearn365]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The tenant's id (a GUID).
    pub tenant_id: String,
    /// The id of the read-only app registration (a GUID).
    pub client_id: String,
    /// Name of the credential that holds its client secret; `welearn365` if not set.
    #[serde(default)]
    pub credential: Option<CredentialName>,
    /// Base of Microsoft Graph; <https://graph.microsoft.com/v1.0> if not set.
    #[serde(default)]
    pub graph: Option<EndpointSettings>,
    /// Base of the token endpoint, before the tenant's id; <https://login.microsoftonline.com> if
    /// not set.
    #[serde(default)]
    pub login: Option<EndpointSettings>,
    /// Microsoft's ids of the services that `service_health` watches. One that Microsoft does not
    /// list is not ok.
    #[serde(default = "watch")]
    pub watch: Vec<String>,
    /// Microsoft's id of the service that `sign_in` watches.
    #[serde(default = "identity")]
    pub identity: String,
    /// Whether to ask for each school's SharePoint site (needs a right for the sites, such as
    /// Sites.Selected).
    #[serde(default)]
    pub site_check: bool,
    /// The Active Directory; without it accounts, lockouts and controllers are not watched.
    #[serde(default)]
    pub directory: Option<accounts::DirectorySettings>,
    /// Tuning of single checks: `service_health`, `sign_in`, `directory_sync`, `site`, `accounts`,
    /// `lockouts`, `controllers`.
    #[serde(default)]
    pub checks: BTreeMap<String, CheckTuning>,
}

fn watch() -> Vec<String> {
    ["Exchange", "SharePoint", "OneDriveForBusiness", "microsoftteams", "OSDPPlatform"]
        .map(str::to_owned)
        .into()
}
fn identity() -> String {
    "OrgLiveID".into()
}

/// Reads `[services.welearn365]`.
pub(super) fn configure(
    from: toml::de::ValueDeserializer<'_>,
) -> Result<Configured, toml::de::Error> {
    let settings = Settings::deserialize(from)?;
    let credential = match &settings.credential {
        Some(name) => name.clone(),
        None => KEY.parse().map_err(serde::de::Error::custom)?,
    };
    let mut credentials = vec![credential.clone()];
    if let Some(directory) = &settings.directory {
        credentials.push(directory.credential().map_err(serde::de::Error::custom)?);
    }
    Ok(Configured {
        credentials,
        build: Box::new(move |context| {
            let watch = WeLearn365::new(&settings, credential, context)?;
            Ok(Arc::new(watch) as Arc<dyn Watch>)
        }),
    })
}

/// The sites to ask for, and the schools whose address cannot be read.
#[derive(Default)]
pub(super) struct Sites {
    pub(super) of: BTreeMap<Laestab, Site>,
    without: Vec<String>,
    unreadable: Vec<String>,
}

/// What the subscriptions table says of sites.
pub(super) fn sites(context: &Context, key: &ServiceKey) -> Sites {
    let mut out = Sites::default();
    for school in context.estate.takers(key) {
        let row = context.estate.subscriptions.get(&school);
        match row.and_then(|s| s.parameter(key, "site")).map(Site::parse) {
            Some(Some(site)) => drop(out.of.insert(school, site)),
            Some(None) => out.unreadable.push(school.spaced()),
            None => out.without.push(school.spaced()),
        }
    }
    out
}

/// The service and those of its checks that have a source.
pub(super) fn describe(
    settings: &Settings,
    key: &ServiceKey,
    sites: &Sites,
) -> Result<ServiceSpec, ServiceError> {
    only_known(KEY, &settings.checks, CHECKS)?;
    let mut checks = Vec::new();
    let mut add = |name: &str, label: &str, scope, interval, set: &dyn Fn(&mut CheckSpec)| {
        let mut spec = CheckSpec::new(check_id(KEY, name)?, label, scope, interval);
        set(&mut spec);
        checks.push(tuned(spec, &settings.checks));
        Ok::<(), ServiceError>(())
    };
    // Asked each minute: one lost answer is not news yet.
    add("service_health", "Microsoft 365", Scope::Estate, Span::from_mins(1), &|s| s.tries = 2)?;
    add("sign_in", "Microsoft sign-in", Scope::Estate, Span::from_mins(1), &|s| {
        s.tries = 2;
        s.emits = vec![Flow::SignIn];
    })?;
    add("directory_sync", "directory sync", Scope::Estate, Span::from_mins(5), &|s| {
        s.age = Some(AgeRule {
            late: Some(Span::from_mins(45)),
            warning: Span::from_hours(3),
            critical: Span::from_hours(24),
            runs: Runs::Daily,
            held_by_closures: false,
        });
        s.emits = vec![Flow::NewAccounts, Flow::UserGroups, Flow::UserNames];
    })?;
    if settings.site_check && !sites.of.is_empty() {
        let schools: BTreeSet<Laestab> = sites.of.keys().copied().collect();
        add("site", "SharePoint site", Scope::School, Span::from_mins(15), &|s| {
            s.covers = Coverage::Only(schools.clone());
            s.tries = 3;
        })?;
    }
    let edge = |flow, from: &str| from.parse().ok().map(|from| Edge { flow, from });
    Ok(ServiceSpec {
        key: key.clone(),
        label: "WeLearn365".into(),
        code: "WL".into(),
        checks,
        depends: [edge(Flow::NewAccounts, "groupcall"), edge(Flow::Traffic, "smoothwall")]
            .into_iter()
            .flatten()
            .collect(),
    })
}

/// What has no source in these settings.
pub(super) fn not_watched(settings: &Settings, sites: &Sites) -> Vec<NotWatched> {
    let mut out = match settings.directory {
        Some(_) => Vec::new(),
        None => accounts::not_configured(),
    };
    let mut say = |why: String| {
        out.push(NotWatched { what: format!("{KEY}.site").into(), why: why.into() });
    };
    if !settings.site_check {
        say("set services.welearn365.site_check = true once a right for the sites is granted"
            .into());
        return out;
    }
    let column = format!("the column {KEY}.site of the subscriptions table");
    if !sites.without.is_empty() {
        say(format!("{column} is empty for {}", some_of(&sites.without, 12)));
    }
    if !sites.unreadable.is_empty() {
        let schools = some_of(&sites.unreadable, 12);
        say(format!("{column} is not an https address of a site for {schools}"));
    }
    out
}
