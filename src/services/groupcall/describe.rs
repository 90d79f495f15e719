//! Settings of Groupcall, and its checks.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::check::{Against, AgeRule, CheckSpec, DropRule, Flow, Runs, Scope, ServiceSpec};
use crate::model::estate::NotWatched;
use crate::model::ids::ServiceKey;
use crate::model::span::Span;
use crate::ports::watch::Watch;
use crate::services::groupcall::poll::Groupcall;
use crate::services::{CheckTuning, Configured, ServiceError, check_id, only_known, tuned};
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

fn credential_prefix() -> String {
    "xod.".into()
}
fn scopes() -> Vec<String> {
    ["School", "Student", "Staff"].map(str::to_owned).into()
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
    Ok(Configured {
        // Secrets are one per school; their names come from the subscriptions table.
        credentials: Vec::new(),
        build: Box::new(move |context| {
            Groupcall::new(&settings, context).map(|g| Arc::new(g) as Arc<dyn Watch>)
        }),
    })
}

/// Age rules in hours, and whether closures hold them.
fn age(warning_h: u64, critical_h: u64, held_by_closures: bool) -> Option<AgeRule> {
    Some(AgeRule {
        late: None,
        warning: Span::from_hours(warning_h),
        critical: Span::from_hours(critical_h),
        runs: Runs::Daily,
        held_by_closures,
    })
}

/// The service and those of its checks that have a source.
pub(super) fn describe(settings: &Settings, key: &ServiceKey) -> Result<ServiceSpec, ServiceError> {
    only_known(KEY, &settings.checks, CHECKS)?;
    let mut checks = Vec::new();
    let mut add = |name: &str, label: &str, scope, interval, set: &dyn Fn(&mut CheckSpec)| {
        let mut spec = CheckSpec::new(check_id(KEY, name)?, label, scope, interval);
        set(&mut spec);
        checks.push(tuned(spec, &settings.checks));
        Ok::<(), ServiceError>(())
    };
    let holds = settings.closures_hold;
    add("xporter_data", "pupil data", Scope::School, Span::from_mins(15), &|s| {
        s.age = age(26, 50, holds);
        s.emits = vec![Flow::NewAccounts];
    })?;
    add("authorisation", "authorisation", Scope::School, Span::from_mins(60), &|s| {
        s.emits = vec![Flow::NewAccounts];
    })?;
    add("counts", "pupil numbers", Scope::School, Span::from_hours(6), &|s| {
        s.drop = Some(DropRule {
            number: "pupils",
            warning: 0.15,
            summer: 0.40,
            against: Against::LastGoodDay,
            weeks: 4,
        });
        s.emits = vec![Flow::NewAccounts];
    })?;
    if settings.idaas.is_some() {
        add("idaas", "IDaaS sign-in", Scope::Estate, Span::from_mins(5), &|s| {
            s.tries = 3;
            s.emits = vec![Flow::NewAccounts];
        })?;
    }
    if settings.xvault.is_some() {
        add("xvault", "XVault load", Scope::School, Span::from_mins(30), &|s| {
            s.age = age(26, 50, holds);
            s.emits = vec![Flow::NewAccounts];
        })?;
    }
    if settings.cme.is_some() {
        add("cme", "CME extract", Scope::School, Span::from_mins(60), &|s| {
            s.age = age(8 * 24, 15 * 24, holds);
        })?;
    }
    Ok(ServiceSpec {
        key: key.clone(),
        label: "Groupcall".into(),
        code: "GC".into(),
        checks,
        depends: Vec::new(),
    })
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
