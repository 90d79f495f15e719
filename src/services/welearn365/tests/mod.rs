//! WeLearn365 against a Graph over HTTP: the tenant's health, its directory sync and licences,
//! schools' sites and accounts. `examples/` holds what Graph answers, in our own words and numbers.

mod board;
pub(super) mod claims;
mod errors;
mod fields;
mod health;
mod licences;
mod login;
mod mutated;
mod provisioning;
mod sites;
mod sync;

use std::sync::Arc;

use crate::model::check::{Coverage, Flow, Scope};
use crate::model::health::Reason;
use crate::model::observation::{Observation, Verdict};
use crate::ports::watch::Watch;
use crate::services::contract::{Bench, Play, Vendor, the};
use crate::services::welearn365::SERVICE;
use crate::services::welearn365::describe::Settings;
use crate::services::welearn365::licences::LicenceSettings;
use crate::services::welearn365::provisioning::ProvisioningSettings;

const NOW: &str = "2027-02-09T11:20:00Z";
const TOKEN: &str = include_str!("../examples/token.json");
const WELL: &str = include_str!("../examples/health_well.json");
const ORGANIZATION: &str = include_str!("../examples/organization.json");
const SITE: &str = include_str!("../examples/site.json");
const LICENCES: &str = include_str!("../examples/licences.json");
const ACCOUNTS: &str = include_str!("../examples/accounts_well.json");
const LATEST: &str = include_str!("../examples/accounts_latest.json");

const LOGIN: &str = "/5f0c/oauth2/v2.0/token";
const HEALTH: &str = "/v1.0/admin/serviceAnnouncement/healthOverviews";
const ISSUES: &str = "/v1.0/admin/serviceAnnouncement/issues";
const SYNC: &str = "/v1.0/organization";
const SKUS: &str = "/v1.0/subscribedSkus";
const SITE_OF_1: &str = "/v1.0/sites/fenland.example.com:/sites/alderbrook";
const USERS: &str = "/v1.0/users";
const DELTA: &str = "/v1.0/users/delta";
const MALFORMED: Verdict = Verdict::Unknown(Reason::Malformed);
const UNAUTHORISED: Verdict = Verdict::Unknown(Reason::Unauthorised);
const NEVER: Verdict = Verdict::Unknown(Reason::NeverSeen);

static ROW: crate::services::Service = SERVICE;

/// Two schools with an OU, of which the second's holds a comma; and one that nobody has set up.
fn bench() -> Bench {
    Bench::new(&ROW, NOW)
        .secret("welearn365", "secret-made-up")
        .school(
            "9991001",
            &[
                ("site", "https://fenland.example.com/sites/alderbrook"),
                ("ou", "OU=Alderbrook,OU=Schools,DC=fen,DC=example"),
            ],
        )
        .school(
            "9991002",
            &[("site", "birch"), ("ou", "ou=birch\\, and co, ou=schools, dc=fen, dc=example")],
        )
        .school("9991003", &[])
}

fn settings(vendor: &Vendor) -> String {
    format!(
        "tenant_id = \"5f0c\"\nclient_id = \"77aa\"\nsite_check = true\nlicences = {{}}\n\
         provisioning = {{}}\n\
         graph = {{ url = \"{0}/v1.0\", deadline = \"1s\" }}\n\
         login = {{ url = \"{0}\", deadline = \"1s\" }}\n",
        vendor.url
    )
}

/// An example, with Microsoft's host replaced by the vendor's.
fn at_home(vendor: &Vendor, example: &str) -> String {
    example.replace("https://graph.microsoft.com/", &format!("{}/", vendor.url))
}

fn well(vendor: &Vendor) {
    vendor.on(LOGIN, [Play::json(TOKEN)]);
    vendor.on(HEALTH, [Play::json(WELL)]);
    vendor.on(SYNC, [Play::json(ORGANIZATION)]);
    vendor.on(SKUS, [Play::json(LICENCES)]);
    vendor.on(SITE_OF_1, [Play::json(SITE)]);
    vendor.on(USERS, [Play::json(ACCOUNTS)]);
    vendor.on(DELTA, [Play::json(at_home(vendor, LATEST))]);
}

/// A vendor that is well.
async fn vendor() -> Vendor {
    let vendor = Vendor::start().await;
    well(&vendor);
    vendor
}

/// The job that answers `check`, and the school that it is asked about.
fn job_of(check: &str) -> (&str, Option<&'static str>) {
    match check {
        "site" => ("site/9991001", Some("9991001")),
        "provisioning" => ("provisioning", Some("9991001")),
        "service_health" | "sign_in" => ("health", None),
        other => (other, None),
    }
}

async fn ask_of(bench: &Bench, watch: &Arc<dyn Watch>, check: &str) -> Observation {
    let (job, school) = job_of(check);
    the(&bench.poll(&**watch, job).await, check, school)
}

/// What a watcher that was just built sees.
async fn ask(bench: &Bench, vendor: &Vendor, check: &str) -> Observation {
    ask_of(bench, &bench.build(&settings(vendor)), check).await
}

#[test]
fn checks_flows_and_gaps() {
    let base = "tenant_id = \"5f0c\"\nclient_id = \"77aa\"\n";
    let watch = bench().build(base);
    let spec = watch.describe();
    let names: Vec<&str> = spec.checks.iter().map(|c| c.id.name()).collect();
    assert_eq!(names, ["service_health", "sign_in", "directory_sync"]);
    assert!(spec.checks.iter().all(|c| c.scope == Scope::Estate));
    assert_eq!(watch.jobs().len(), 2, "health and sign-in come from one call");
    let sync = spec.checks[2].age.unwrap();
    assert_eq!(sync.late.unwrap().to_string(), "45m");
    assert_eq!((sync.warning.to_string(), sync.critical.to_string()), ("3h".into(), "1d".into()));
    assert!(spec.checks[0].emits.is_empty(), "slow mail does not stop sign-in");
    assert_eq!(spec.checks[1].emits, [Flow::SignIn]);
    assert!(spec.checks[2].emits.contains(&Flow::NewAccounts));
    let flows: Vec<_> = spec.depends.iter().map(|e| (e.flow, e.from.as_str())).collect();
    assert_eq!(flows, [(Flow::NewAccounts, "groupcall"), (Flow::Traffic, "smoothwall")]);
    let gaps: Vec<String> = watch.not_watched().iter().map(|n| n.what.to_string()).collect();
    assert_eq!(
        gaps,
        [
            "welearn365.accounts",
            "welearn365.lockouts",
            "welearn365.controllers",
            "welearn365.licences",
            "welearn365.site",
            "welearn365.provisioning"
        ]
    );
}

#[test]
fn every_source_that_is_configured_is_a_check_and_its_gaps_are_told() {
    let base = "tenant_id = \"5f0c\"\nclient_id = \"77aa\"\n";
    let all = format!("{base}site_check = true\nlicences = {{}}\nprovisioning = {{}}\n");
    let bench = bench()
        .school("9991004", &[("ou", "Oak")])
        .school("9991005", &[("ou", "OU=Twin,DC=fen")])
        .school("9991006", &[("ou", "ou=twin, dc=fen")]);
    let watch = bench.build(&all);
    let spec = watch.describe();
    let names: Vec<&str> = spec.checks.iter().map(|c| c.id.name()).collect();
    assert_eq!(
        names,
        ["service_health", "sign_in", "directory_sync", "licences", "site", "provisioning"]
    );
    let jobs: Vec<String> = watch.jobs().iter().map(|j| j.id.to_string()).collect();
    assert_eq!(jobs, ["health", "directory_sync", "licences", "site/9991001", "provisioning"]);
    let covered = |n: usize| match &spec.checks[n].covers {
        Coverage::Only(schools) => schools.iter().map(ToString::to_string).collect::<Vec<_>>(),
        Coverage::Subscribed => panic!("{:?} covers all", spec.checks[n].id),
    };
    assert_eq!(covered(4), ["9991001"]);
    assert_eq!(covered(5), ["9991001", "9991002"]);
    assert_eq!(spec.checks[5].fresh_for.to_string(), "27h", "a whole read and three intervals");
    let gaps = format!("{:?}", watch.not_watched());
    for part in [
        "999 1002", // no site
        "is empty for 999 1003",
        "is no distinguished name for 999 1004",
        "names the same OU for 999 1005, 999 1006",
    ] {
        assert!(gaps.contains(part), "{part}: {gaps}");
    }
    let none = Bench::new(&ROW, NOW).school("9991003", &[]).build(&all);
    let names: Vec<_> = none.describe().checks.iter().map(|c| c.id.to_string()).collect();
    assert!(!names.iter().any(|n| n.contains("provisioning") || n.contains("site")), "{names:?}");
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let base = "tenant_id = \"x\"\nclient_id = \"y\"\n";
    for (settings, part) in [
        ("tenant_id = \"x\"", "client_id"),
        ("tenant_id = \"../x\"\nclient_id = \"y\"", "services.welearn365.tenant_id"),
        (&format!("{base}watch = []"), "services.welearn365.watch"),
        (&format!("{base}[checks.mail]\ntries = 1"), "checks.mail"),
        (&format!("{base}password = \"z\""), "password"),
        (&format!("{base}authentication = \"password\""), "certificate"),
        (&format!("{base}announcement_calls_per_hour = 0"), "announcement_calls_per_hour"),
        (&format!("{base}licences = {{ free_warning = 101 }}"), "licences.free_warning"),
        (&format!("{base}licences = {{ free_critical = 9 }}"), "licences.free_critical"),
        (&format!("{base}licences = {{ pools = 1 }}"), "pools"),
        (&format!("{base}provisioning = {{ warning = 0 }}"), "provisioning.critical"),
        (&format!("{base}provisioning = {{ critical = 3, warning = 4 }}"), "provisioning.critical"),
        (&format!("{base}provisioning = {{ whole_read = \"5m\" }}"), "provisioning.whole_read"),
    ] {
        let refused = bench().try_build(settings).err().unwrap_or_default();
        assert!(refused.contains(part), "{settings}: {refused}");
    }
}

/// The example file shows what `{}` stands for.
#[test]
fn the_examples_values_are_the_defaults() {
    let example = include_str!("../../../../config.example.toml");
    let shown = |key: &str| {
        let line = example.lines().find_map(|l| l.strip_prefix(&format!("#> {key} = "))).unwrap();
        format!("tenant_id = \"x\"\nclient_id = \"y\"\n{key} = {line}")
    };
    let read = |text: &str| toml::from_str::<Settings>(text).unwrap();
    assert_eq!(read(&shown("licences")).licences, Some(LicenceSettings::default()));
    assert_eq!(read(&shown("provisioning")).provisioning, Some(ProvisioningSettings::default()));
}
