//! Settings of Groupcall, and its checks.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::check::{Against, DropRule, Flow, Scope, ServiceSpec};
use crate::model::estate::NotWatched;
use crate::model::ids::ServiceKey;
use crate::model::span::Span;
use crate::ports::act::Act;
use crate::ports::watch::Watch;
use crate::services::checks::{Checks, daily};
use crate::services::groupcall::beside::Beside;
use crate::services::groupcall::callback::{CallbackSettings, Callbacks};
use crate::services::groupcall::poll::Groupcall;
use crate::services::groupcall::resync::Resync;
use crate::services::{Brought, CheckTuning, Configured, ServiceError};
use crate::transport::EndpointSettings;

/// The service's key.
pub(super) const KEY: &str = "groupcall";

/// Its checks and what each asks.
pub(super) const CHECKS: &[(&str, &str)] = &[
    ("xporter_data", "When was the school's MIS data last taken over?"),
    ("authorisation", "Is our authorisation in force, for this school, with all its scopes?"),
    ("counts", "How many pupils and staff does the data hold?"),
    ("idaas", "Does the IDaaS sign-in page answer?"),
    ("xvault", "When was the school's data last loaded into XVault?"),
    ("cme", "When was the school's CME extract last made?"),
];

/// Where Xporter on Demand is, unless the config says otherwise.
pub(super) const XOD_URL: &str = "https://xporter.groupcall.com/api/v1";
/// Where its tokens come from, unless the config says otherwise.
pub(super) const LOGIN_URL: &str = "https://xporter.groupcall.com/api/oauth/GetToken";

/// `[services.groupcall]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Our name at Groupcall, such as `caretaker.example.org`.
    pub relying_party: String,
    /// Base of Xporter on Demand; <https://xporter.groupcall.com/api/v1> if not set.
    #[serde(default)]
    pub xod: Option<EndpointSettings>,
    /// The whole address of the token call;
    /// <https://xporter.groupcall.com/api/oauth/GetToken> if not set.
    #[serde(default)]
    pub login: Option<EndpointSettings>,
    /// A school's secret is kept under this and its LAESTAB (`xod.9991001`), unless its
    /// `groupcall.credential` names another.
    #[serde(default = "credential_prefix")]
    pub credential_prefix: String,
    /// The scopes that every school's authorisation should hold.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// At least this often a school's token is asked for anew, at a moment of its own: only that
    /// shows whether the school has paused or withdrawn its authorisation.
    #[serde(default = "prove_every")]
    pub prove_every: Span,
    /// Which call tells how many pupils the data holds.
    #[serde(default)]
    pub pupils_from: PupilsFrom,
    /// Per cent of its pupils that a school may lose since the last good day, or within
    /// `pupils_drop_weeks`, before it is a warning.
    #[serde(default = "pupils_drop")]
    pub pupils_drop: u8,
    /// The same between 15 July and 30 September.
    #[serde(default = "pupils_drop_summer")]
    pub pupils_drop_summer: u8,
    /// Weeks before this one whose best number counts as well, so that a slow decline is seen; 0
    /// for none.
    #[serde(default = "pupils_drop_weeks")]
    pub pupils_drop_weeks: u8,
    /// Further calls with each `authorisation`, shown beside it and never judged: `health`, `usage`.
    #[serde(default)]
    pub beside: Vec<Beside>,
    /// The IDaaS sign-in page to probe; not watched if not set.
    #[serde(default)]
    pub idaas: Option<Idaas>,
    /// File (`.csv` or `.json`) that tells when each school's data was last loaded into XVault;
    /// not watched if not set.
    #[serde(default)]
    pub xvault: Option<PathBuf>,
    /// File (`.csv` or `.json`) that tells when each school's CME extract was last made; not
    /// watched if not set.
    #[serde(default)]
    pub cme: Option<PathBuf>,
    /// Where Groupcall may call when fresh data that was asked for is there; nowhere if not set.
    #[serde(default)]
    pub callback: Option<CallbackSettings>,
    /// Whether closures of a school's calendar add nothing to the age of its data, because the
    /// school switches its server off then.
    #[serde(default = "yes")]
    pub closures_hold: bool,
    /// Tuning of single checks: `xporter_data`, `authorisation`, `counts`, `idaas`, `xvault`, `cme`.
    #[serde(default)]
    pub checks: BTreeMap<String, CheckTuning>,
}

/// `[services.groupcall.idaas]`: what a working sign-in page looks like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Idaas {
    /// The page.
    pub page: EndpointSettings,
    /// The status that it answers with.
    #[serde(default = "status_ok")]
    pub status: u16,
    /// A text that the page holds, so that a block page or a maintenance page is not taken for it.
    /// Needed unless `location_host` is given.
    #[serde(default)]
    pub contains: Option<String>,
    /// Where `status` is a redirect: the host that it must point to.
    #[serde(default)]
    pub location_host: Option<String>,
}

/// Which call tells how many pupils the data holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PupilsFrom {
    /// `Counts`: pupils and staff, and no row of either.
    #[default]
    Counts,
    /// The paging of `Students`, asked for one row of which nothing is read; for a server without
    /// `Counts`. Tells nothing of the staff.
    Students,
}

fn credential_prefix() -> String {
    "xod.".into()
}
fn scopes() -> Vec<String> {
    ["School", "Student", "Staff"].map(str::to_owned).into()
}
fn prove_every() -> Span {
    Span::from_hours(24)
}
fn pupils_drop() -> u8 {
    15
}
fn pupils_drop_summer() -> u8 {
    40
}
fn pupils_drop_weeks() -> u8 {
    4
}
fn yes() -> bool {
    true
}
fn status_ok() -> u16 {
    200
}

/// Reads `[services.groupcall]`.
pub(super) fn configure(
    from: toml::de::ValueDeserializer<'_>,
) -> Result<Configured, toml::de::Error> {
    let settings = Settings::deserialize(from)?;
    let callback = settings.callback.clone();
    // The hands ask with the watcher's own tokens: a school has one.
    let made: Arc<OnceLock<Arc<Groupcall>>> = Arc::default();
    let watch = Arc::clone(&made);
    Ok(Configured {
        // Secrets are one per school; their names come from the subscriptions table.
        credentials: callback.iter().filter_map(|c| c.key_credential.clone()).collect(),
        build: Box::new(move |context| {
            let watch = Arc::new(Groupcall::new(&settings, context)?);
            Ok(Arc::clone(made.get_or_init(|| watch)) as Arc<dyn Watch>)
        }),
        hands: Some(Box::new(move |context| {
            let Some(watch) = watch.get().cloned() else { return Ok(Brought::default()) };
            let callbacks = callback.as_ref().map(Callbacks::new).transpose()?.map(Arc::new);
            let doors = callback.iter().zip(&callbacks).map(|(settings, bell)| {
                let bell = Arc::<Callbacks>::clone(bell);
                Callbacks::door(settings, &context.folder, bell)
            });
            let doors = doors.collect();
            let known = Arc::clone(&context.known);
            let resync: Arc<dyn Act> = Arc::new(Resync { watch, known, callbacks });
            Ok(Brought { acts: vec![resync], doors, ..Brought::default() })
        })),
    })
}

/// A share from a setting in per cent.
fn share(name: &str, percent: u8) -> Result<f64, ServiceError> {
    if (1..=99).contains(&percent) {
        return Ok(f64::from(percent) / 100.0);
    }
    Err(refuse(name, "write a number of per cent from 1 to 99"))
}

/// A value that makes no sense.
pub(super) fn refuse(key: &str, why: &str) -> ServiceError {
    ServiceError::Setting { service: KEY, key: key.to_owned(), why: why.to_owned() }
}

fn falls(settings: &Settings) -> Result<DropRule, ServiceError> {
    if settings.pupils_drop_weeks > 26 {
        return Err(refuse("pupils_drop_weeks", "write a number of weeks from 0 to 26"));
    }
    Ok(DropRule {
        number: "pupils",
        warning: share("pupils_drop", settings.pupils_drop)?,
        summer: share("pupils_drop_summer", settings.pupils_drop_summer)?,
        against: Against::LastGoodDay,
        weeks: settings.pupils_drop_weeks,
    })
}

/// The service and those of its checks that have a source.
pub(super) fn describe(settings: &Settings, key: &ServiceKey) -> Result<ServiceSpec, ServiceError> {
    if settings.prove_every < Span::from_hours(1) {
        return Err(refuse("prove_every", "ask for a new token at most once an hour: 1h or more"));
    }
    let mut checks = Checks::new(KEY, &settings.checks, CHECKS)?;
    let holds = settings.closures_hold;
    let nightly = Some(daily(Span::from_hours(26), Span::from_hours(50), holds));
    let (school, estate) = (Scope::School, Scope::Estate);
    checks.add(("xporter_data", "pupil data"), school, Span::from_mins(15), |s| {
        s.age = nightly;
        s.emits = vec![Flow::NewAccounts];
    })?;
    checks.add(("authorisation", "authorisation"), school, Span::from_mins(60), |s| {
        s.emits = vec![Flow::NewAccounts];
    })?;
    let falls = falls(settings)?;
    checks.add(("counts", "pupil numbers"), school, Span::from_hours(6), |s| {
        // Each call of a school is a cache of its own: these numbers may be old although the
        // school's row is new.
        s.age = nightly;
        s.drop = Some(falls);
        s.emits = vec![Flow::NewAccounts];
    })?;
    if settings.idaas.is_some() {
        checks.add(("idaas", "IDaaS sign-in"), estate, Span::from_mins(5), |s| {
            s.tries = 3;
            s.emits = vec![Flow::NewAccounts];
        })?;
    }
    if settings.xvault.is_some() {
        checks.add(("xvault", "XVault load"), school, Span::from_mins(30), |s| {
            s.age = nightly;
            s.emits = vec![Flow::NewAccounts];
        })?;
    }
    if settings.cme.is_some() {
        checks.add(("cme", "CME extract"), school, Span::from_mins(60), |s| {
            s.age = Some(daily(Span::from_days(8), Span::from_days(15), holds));
        })?;
    }
    Ok(checks.into_service(key, ("Groupcall", "GC"), Vec::new()))
}

/// What has no source in these settings.
pub(super) fn not_watched(settings: &Settings) -> Vec<NotWatched> {
    let mut out = Vec::new();
    let mut say = |set: bool, name: &str, why: &str| {
        if !set {
            out.push(NotWatched { what: format!("{KEY}.{name}").into(), why: why.into() });
        }
    };
    say(settings.idaas.is_some(), "idaas", "set services.groupcall.idaas to the sign-in page");
    let file =
        "has no public source; a dropped file can feed it, set its path as services.groupcall.";
    say(settings.xvault.is_some(), "xvault", &format!("{file}xvault"));
    say(settings.cme.is_some(), "cme", &format!("{file}cme"));
    out
}
