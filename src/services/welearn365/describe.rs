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
use crate::services::welearn365::actions;
use crate::services::welearn365::dn::{Dn, Ous};
use crate::services::welearn365::licences::LicenceSettings;
use crate::services::welearn365::login::Authentication;
use crate::services::welearn365::poll::WeLearn365;
use crate::services::welearn365::provisioning::ProvisioningSettings;
use crate::services::welearn365::sites::Site;
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
    ("licences", "Are there licences left, and are their subscriptions paid for?"),
    ("site", "Is the school's SharePoint site there?"),
    ("provisioning", "Which of the school's accounts could not be brought to Microsoft 365?"),
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
    /// How the app shows who it is: `secret` or `certificate`.
    #[serde(default)]
    pub authentication: Authentication,
    /// Name of the credential: the client secret's value, or the certificate and its RSA private
    /// key as one PEM text; `welearn365` if not set.
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
    /// Licences running out; not watched if not set. `{}` takes the defaults.
    #[serde(default)]
    pub licences: Option<LicenceSettings>,
    /// Accounts that could not be synced, school by school (needs User.Read.All and the column
    /// `welearn365.ou`); not watched if not set. `{}` takes the defaults.
    #[serde(default)]
    pub provisioning: Option<ProvisioningSettings>,
    /// Calls an hour of Microsoft's service announcements that are made at most, and three tenths of
    /// it in a minute. Microsoft allows an app 800, and 240 in a minute.
    #[serde(default = "announcement_calls_per_hour")]
    pub announcement_calls_per_hour: u32,
    /// The Active Directory; without it accounts, lockouts and controllers are not watched.
    #[serde(default)]
    pub directory: Option<accounts::DirectorySettings>,
    /// A second app registration, with rights to write: without it an account that is locked is
    /// blocked in Microsoft 365 by the next directory sync only.
    #[serde(default)]
    pub act: Option<actions::CloudSettings>,
    /// The command that starts a directory sync; none is started from here if not set.
    #[serde(default)]
    pub runbook: Option<actions::RunbookSettings>,
    /// Tuning of single checks: `service_health`, `sign_in`, `directory_sync`, `licences`, `site`,
    /// `provisioning`, `accounts`, `lockouts`, `controllers`.
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
fn announcement_calls_per_hour() -> u32 {
    600
}

impl Settings {
    /// The first value that is well-formed and makes no sense: its key and the remedy.
    pub(super) fn refused(&self) -> Option<(&'static str, &'static str)> {
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        let is_id = |id: &str| !id.is_empty() && id.chars().all(word);
        for (name, id) in [("tenant_id", &self.tenant_id), ("client_id", &self.client_id)] {
            if !is_id(id) {
                return Some((name, "write the id as Microsoft shows it, a GUID"));
            }
        }
        if self.watch.is_empty() {
            return Some(("watch", "name at least one service, or leave the key out"));
        }
        if self.announcement_calls_per_hour == 0 {
            return Some((
                "announcement_calls_per_hour",
                "nothing could be asked: write a number from 1 to 800, or leave the key out",
            ));
        }
        let licences = self.licences.as_ref().and_then(LicenceSettings::refused);
        licences.or_else(|| self.provisioning.as_ref().and_then(ProvisioningSettings::refused))
    }
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
    credentials.extend(actions::credentials(&settings).map_err(serde::de::Error::custom)?);
    let (own, app) = (settings.clone(), credential.clone());
    Ok(Configured {
        credentials,
        build: Box::new(move |context| {
            let watch = WeLearn365::new(&settings, credential, context)?;
            Ok(Arc::new(watch) as Arc<dyn Watch>)
        }),
        hands: Some(Box::new(move |context| actions::hands(&own, app, context))),
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

/// The schools' OUs, and the schools that cannot be told by one.
#[derive(Default)]
pub(super) struct Places {
    pub(super) ous: Ous,
    without: Vec<String>,
    unreadable: Vec<String>,
    shared: Vec<String>,
}

/// What the subscriptions table says of OUs.
pub(super) fn places(context: &Context, key: &ServiceKey) -> Places {
    let mut out = Places::default();
    let mut shared = BTreeSet::new();
    for school in context.estate.takers(key) {
        let row = context.estate.subscriptions.get(&school);
        match row.and_then(|s| s.parameter(key, "ou")).map(Dn::parse) {
            Some(Some(ou)) => {
                if let Some(other) = out.ous.put(ou, school) {
                    shared.extend([other, school]);
                }
            }
            Some(None) => out.unreadable.push(school.spaced()),
            None => out.without.push(school.spaced()),
        }
    }
    for school in shared {
        out.ous.without(school);
        out.shared.push(school.spaced());
    }
    out
}

/// What the subscriptions table says for the checks of single schools.
pub(super) struct Table {
    pub(super) sites: Sites,
    pub(super) places: Places,
}

/// The service and those of its checks that have a source.
pub(super) fn describe(
    settings: &Settings,
    key: &ServiceKey,
    table: &Table,
) -> Result<ServiceSpec, ServiceError> {
    only_known(KEY, &settings.checks, CHECKS)?;
    let mut checks = estate_checks(settings)?;
    checks.extend(school_checks(settings, table)?);
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

/// A check with what the config says of it.
fn check(
    settings: &Settings,
    (name, label): (&str, &str),
    scope: Scope,
    interval: Span,
    set: impl FnOnce(&mut CheckSpec),
) -> Result<CheckSpec, ServiceError> {
    let mut spec = CheckSpec::new(check_id(KEY, name)?, label, scope, interval);
    set(&mut spec);
    Ok(tuned(spec, &settings.checks))
}

fn estate_checks(settings: &Settings) -> Result<Vec<CheckSpec>, ServiceError> {
    let estate = Scope::Estate;
    let minute = Span::from_mins(1);
    // Asked each minute: one lost answer is not news yet.
    let mut checks = vec![
        check(settings, ("service_health", "Microsoft 365"), estate, minute, |s| s.tries = 2)?,
        check(settings, ("sign_in", "Microsoft sign-in"), estate, minute, |s| {
            s.tries = 2;
            s.emits = vec![Flow::SignIn];
        })?,
        check(settings, ("directory_sync", "directory sync"), estate, Span::from_mins(5), |s| {
            s.age = Some(AgeRule {
                late: Some(Span::from_mins(45)),
                warning: Span::from_hours(3),
                critical: Span::from_hours(24),
                runs: Runs::Daily,
                held_by_closures: false,
            });
            s.emits = vec![Flow::NewAccounts, Flow::UserGroups, Flow::UserNames];
        })?,
    ];
    if settings.licences.is_some() {
        checks.push(check(
            settings,
            ("licences", "licences"),
            estate,
            Span::from_hours(6),
            |_| {},
        )?);
    }
    Ok(checks)
}

fn school_checks(settings: &Settings, table: &Table) -> Result<Vec<CheckSpec>, ServiceError> {
    let mut checks = Vec::new();
    let only = |schools: BTreeSet<Laestab>| Coverage::Only(schools);
    if settings.site_check && !table.sites.of.is_empty() {
        let schools = table.sites.of.keys().copied().collect();
        let name = ("site", "SharePoint site");
        checks.push(check(settings, name, Scope::School, Span::from_mins(15), |s| {
            s.covers = only(schools);
            s.tries = 3;
        })?);
    }
    let schools: BTreeSet<Laestab> = table.places.ous.schools().collect();
    if let Some(own) = settings.provisioning.as_ref().filter(|_| !schools.is_empty()) {
        let name = ("provisioning", "account sync");
        let mut spec = check(settings, name, Scope::School, Span::from_hours(1), |s| {
            s.covers = only(schools);
        })?;
        let tuned = settings.checks.get("provisioning").and_then(|t| t.fresh_for);
        if tuned.is_none() {
            // Where there is no delta query, the whole read stands until the next one.
            let until = own.whole_read.as_secs().saturating_add(spec.interval.times(3).as_secs());
            spec.fresh_for = Span::from_secs(until);
        }
        checks.push(spec);
    }
    Ok(checks)
}

/// What has no source in these settings.
pub(super) fn not_watched(settings: &Settings, table: &Table) -> Vec<NotWatched> {
    let mut out = Gaps(match settings.directory {
        Some(_) => Vec::new(),
        None => accounts::not_configured(),
    });
    if settings.licences.is_none() {
        out.say("licences", "set services.welearn365.licences = {} to watch licences running out");
    }
    if settings.site_check {
        let column = format!("the column {KEY}.site of the subscriptions table");
        let Sites { without, unreadable, .. } = &table.sites;
        out.of("site", without, &format!("{column} is empty for"));
        out.of("site", unreadable, &format!("{column} is not an https address of a site for"));
    } else {
        out.say(
            "site",
            "set services.welearn365.site_check = true once a right for the sites is granted",
        );
    }
    if settings.provisioning.is_some() {
        let column = format!("the column {KEY}.ou of the subscriptions table");
        let Places { without, unreadable, shared, .. } = &table.places;
        out.of("provisioning", without, &format!("{column} is empty for"));
        out.of("provisioning", unreadable, &format!("{column} is no distinguished name for"));
        out.of("provisioning", shared, &format!("{column} names the same OU for"));
    } else {
        out.say(
            "provisioning",
            "set services.welearn365.provisioning = {} once User.Read.All is granted",
        );
    }
    out.0
}

struct Gaps(Vec<NotWatched>);

impl Gaps {
    fn say(&mut self, check: &str, why: &str) {
        self.0.push(NotWatched { what: format!("{KEY}.{check}").into(), why: why.into() });
    }

    fn of(&mut self, check: &str, schools: &[String], why: &str) {
        if !schools.is_empty() {
            self.say(check, &format!("{why} {}", some_of(schools, 12)));
        }
    }
}
