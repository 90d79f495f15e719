//! Redstor against a vendor over HTTP: what each API's answers mean, and what no answer may mean.

mod board;
mod damaged;
mod depth;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use crate::model::check::Coverage;
use crate::model::health::Reason;
use crate::model::observation::{Observation, Verdict, Zone};
use crate::services::contract::{Bench, Field, Play, Vendor, every_field_counts, the, verdict_of};
use crate::services::redstor::SERVICE;

const NOW: &str = "2027-02-09T11:20:00Z";
const PLATFORM: &str = include_str!("../examples/platform.json");
const ACCOUNTS: &str = include_str!("../examples/redapi_accounts.json");
const RUNS: &str = include_str!("../examples/redapi_runs.json");
const TOKEN: &str = include_str!("../examples/redapi_token.json");
const JWK: &str = include_str!("../examples/jwk_made_for_tests.json");

const LIST: &str = "/api/odata/Accounts";
const MALFORMED: Verdict = Verdict::Unknown(Reason::Malformed);
const NEVER: Verdict = Verdict::Unknown(Reason::NeverSeen);

static ROW: crate::services::Service = SERVICE;

fn bench() -> Bench {
    Bench::new(&ROW, NOW)
        .secret("redstor", "pass-made-up")
        .school("9991001", &[("documents", "ALD-FILES"), ("sims", "ald-mis")])
        .school("9991002", &[("documents", "BIR-FILES"), ("sims", "BIR-MIS")])
        .school("9991003", &[("documents", "CED-FILES"), ("sims", "CED-MIS")])
}

fn platform(vendor: &Vendor) -> String {
    format!(
        "api = \"storage_platform\"\nuser = \"collector\"\n\
         storage_platform = {{ url = \"{}\", deadline = \"1s\" }}",
        vendor.url
    )
}

fn redapi(vendor: &Vendor) -> String {
    format!(
        "api = \"redapi\"\nclient_id = \"console\"\ncompany_id = \"c-1\"\n\
         redapi = {{ url = \"{0}\", deadline = \"1s\" }}\n\
         login = {{ url = \"{0}/connect/token\", deadline = \"1s\" }}",
        vendor.url
    )
}

/// One account of the example list, changed.
fn account(name: &str, changes: &[(&str, Value)]) -> Value {
    let list: Value = serde_json::from_str(PLATFORM).unwrap();
    let rows = list["value"].as_array().unwrap();
    let mut row = rows.iter().find(|r| r["AccountName"] == name).unwrap().clone();
    for (key, value) in changes {
        row[*key] = value.clone();
    }
    row
}

async fn platform_says(body: &str) -> Vec<Observation> {
    let vendor = Vendor::start().await;
    vendor.on(LIST, [Play::json(body)]);
    let bench = bench();
    let watch = bench.build(&platform(&vendor));
    bench.poll(&*watch, "accounts").await
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let bench = bench();
    for (settings, part) in [
        ("api = \"storage_platform\"", "services.redstor.user"),
        ("api = \"redapi\"\nclient_id = \"x\"", "services.redstor.company_id"),
        ("api = \"redapi\"\ncompany_id = \"x\"", "services.redstor.client_id"),
        ("api = \"storage_platform\"\nusr = \"x\"", "usr"),
        ("api = \"old\"", "storage_platform"),
        (
            "api = \"storage_platform\"\nuser = \"x\"\n[checks.simms]\ninterval = \"5m\"",
            "checks.simms",
        ),
    ] {
        let refused = bench.try_build(settings).err().unwrap_or_default();
        assert!(refused.contains(part), "{settings}: {refused}");
    }
}

#[tokio::test]
async fn a_check_exists_only_where_an_account_is_named() {
    let vendor = Vendor::start().await;
    let bench = bench().school("9991004", &[("documents", "DUN-FILES")]);
    let tuned =
        format!("{}\n[checks.sims]\ninterval = \"20m\"\ncritical = \"3d\"", platform(&vendor));
    let watch = bench.build(&tuned);
    let spec = watch.describe();
    let sims = spec.checks.iter().find(|c| c.id.name() == "sims").unwrap();
    let Coverage::Only(schools) = &sims.covers else { panic!("{:?}", sims.covers) };
    assert_eq!(schools.len(), 3, "9991004 has no SIMS account");
    let age = sims.age.unwrap();
    assert_eq!((age.warning.to_string(), age.critical.to_string()), ("26h".into(), "3d".into()));
    assert_eq!(sims.keeps.unwrap().to_string(), "60d");
    assert_eq!(watch.jobs().len(), 1, "one bulk job for all schools");
    assert_eq!(watch.jobs()[0].interval.to_string(), "20m");
    assert_eq!(watch.jobs()[0].targets.len(), 4);
    let gaps = watch.not_watched();
    assert_eq!(gaps.len(), 1);
    assert!(gaps[0].why.as_str().contains("999 1004"), "{gaps:?}");
}

#[tokio::test]
async fn one_call_tells_every_school_its_own() {
    let vendor = Vendor::start().await;
    vendor.on(LIST, [Play::json(PLATFORM)]);
    let bench = bench();
    let watch = bench.build(&platform(&vendor));
    let seen = bench.poll(&*watch, "accounts").await;
    assert_eq!(vendor.asked().len(), 1);
    // collector:pass-made-up
    let sent = &vendor.asked()[0].headers["authorization"];
    assert_eq!(sent, "Basic Y29sbGVjdG9yOnBhc3MtbWFkZS11cA==");
    assert_eq!(seen.len(), 6);
    for (check, school, verdict) in [
        ("documents", "9991001", Verdict::Ok),
        ("sims", "9991001", Verdict::Ok),
        ("documents", "9991002", Verdict::Warning),
        ("sims", "9991002", Verdict::Critical),
        ("documents", "9991003", NEVER),
        ("sims", "9991003", Verdict::Unknown(Reason::Paused)),
    ] {
        assert_eq!(verdict_of(&seen, check, Some(school)), verdict, "{check} {school}");
    }
    let files = the(&seen, "documents", Some("9991001"));
    let source = files.source_at.unwrap();
    assert_eq!(
        (source.at.to_string().as_str(), source.zone),
        ("2027-02-08T21:10:03Z", Zone::Given)
    );
    assert_eq!(files.good_at, Some(source.at));
    assert!(files.detail.as_str().contains("ALD-FILES"), "{}", files.detail);
    let fresh = the(&seen, "documents", Some("9991003"));
    assert_eq!(fresh.since.unwrap().to_string(), "2027-01-20T09:00:00Z", "since it was made");
    let failed = the(&seen, "sims", Some("9991002"));
    assert_eq!(
        failed.good_at, None,
        "an errored SIMS run is no good one, and older ones are unseen"
    );
    assert_eq!(failed.since, None, "one run tells no beginning");
    let stray = files.evidence.iter().find(|f| f.name.as_str() == "accounts of no school").unwrap();
    assert_eq!(stray.value.as_str(), "1: STRAY");
    let fact = |name: &str| {
        let fact = files.evidence.iter().find(|f| f.name.as_str() == name);
        fact.map_or("", |f| f.value.as_str())
    };
    assert!(fact("request").starts_with("GET http://127.0.0.1"), "{}", fact("request"));
    assert!(fact("request").ends_with("/api/odata/Accounts"), "{}", fact("request"));
    assert_eq!(fact("http status"), "200");
    assert_ne!(fact("request id"), "");
    let found = watch.found();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].what.as_str(), "redstor accounts of no school");
    assert_eq!(found[0].why.as_str(), "no school's row names them (1: STRAY)");
    assert!(bench.build(&platform(&vendor)).found().is_empty(), "nothing was asked yet");
    let all = format!("{seen:?}");
    assert!(!all.contains("CERTIFICATE") && !all.contains("pass-made-up"));
}

#[tokio::test]
async fn states_and_texts_are_read_together() {
    for (status, text, sims, documents) in [
        (json!(0), "Backup failed", Verdict::Critical, Verdict::Critical),
        (json!(2), "Completed with warnings", Verdict::Warning, Verdict::Warning),
        (json!(3), "Completed with errors", Verdict::Critical, Verdict::Warning),
        (json!(1), "Backup completed successfully", Verdict::Ok, Verdict::Ok),
        (json!(1), "Completed with errors", MALFORMED, MALFORMED),
        (json!(1), "Unsuccessful", MALFORMED, MALFORMED),
        (json!(1), "Not successful", MALFORMED, MALFORMED),
        (json!(1), "Tutto bene", MALFORMED, MALFORMED),
        (json!(3), "Successful", MALFORMED, MALFORMED),
        (json!(7), "Successful", MALFORMED, MALFORMED),
        (json!(1), "Backup of 2 volumes completed SUCCESSFULLY", Verdict::Ok, Verdict::Ok),
        (json!(1), "Completed: no errors, no warnings", Verdict::Ok, Verdict::Ok),
        (json!(1), "Completed, but 4 files were skipped", MALFORMED, MALFORMED),
        (json!(0), "The volume shadow copy timed out", Verdict::Critical, Verdict::Critical),
        (json!(3), "Completed with errors: 2 files failed", Verdict::Critical, Verdict::Warning),
    ] {
        let changes = [("LastBackupStatus", status.clone()), ("LastBackupMessage", json!(text))];
        let body = json!([account("ALD-FILES", &changes), account("ALD-MIS", &changes)]);
        let seen = platform_says(&body.to_string()).await;
        assert_eq!(verdict_of(&seen, "sims", Some("9991001")), sims, "{status} {text}");
        assert_eq!(verdict_of(&seen, "documents", Some("9991001")), documents, "{status} {text}");
    }
}

#[tokio::test]
async fn a_failed_run_counts_without_its_text() {
    for (status, verdict) in [(0, Verdict::Critical), (3, Verdict::Critical), (1, MALFORMED)] {
        let changes = [("LastBackupStatus", json!(status)), ("LastBackupMessage", Value::Null)];
        let body = json!([account("ALD-FILES", &[]), account("ALD-MIS", &changes)]);
        let seen = platform_says(&body.to_string()).await;
        assert_eq!(verdict_of(&seen, "sims", Some("9991001")), verdict, "{status}");
    }
}

#[tokio::test]
async fn servers_and_limits_count() {
    for (key, value, verdict) in [
        ("StorageServerOnline", json!(false), Verdict::Critical),
        ("OverLimit", json!(12.5), Verdict::Warning),
        ("GroupDisabled", json!(true), Verdict::Unknown(Reason::Paused)),
        ("Active", json!(false), Verdict::Unknown(Reason::Paused)),
        ("BackupEnabled", json!(false), Verdict::Unknown(Reason::Paused)),
    ] {
        let body = json!([account("ALD-FILES", &[(key, value)]), account("ALD-MIS", &[])]);
        let seen = platform_says(&body.to_string()).await;
        assert_eq!(verdict_of(&seen, "documents", Some("9991001")), verdict, "{key}");
        assert_eq!(verdict_of(&seen, "sims", Some("9991001")), Verdict::Ok, "{key} of another");
    }
}

#[tokio::test]
async fn a_name_that_matches_none_or_two_is_not_ok() {
    let seen = platform_says(&json!([account("ALD-MIS", &[])]).to_string()).await;
    assert_eq!(verdict_of(&seen, "documents", Some("9991001")), NEVER);
    assert_eq!(verdict_of(&seen, "sims", Some("9991001")), Verdict::Ok);
    let other = account("ALD-FILES", &[("Guid", json!("another"))]);
    let twice = json!([account("ALD-FILES", &[]), other, account("ALD-MIS", &[])]);
    let seen = platform_says(&twice.to_string()).await;
    assert_eq!(verdict_of(&seen, "documents", Some("9991001")), MALFORMED);
    let odd = json!([account("ALD-MIS", &[]), 7]);
    let seen = platform_says(&odd.to_string()).await;
    assert_eq!(verdict_of(&seen, "documents", Some("9991001")), MALFORMED, "one row is unreadable");
    assert_eq!(verdict_of(&seen, "sims", Some("9991001")), Verdict::Ok, "the others stay readable");
}

#[tokio::test]
async fn the_worst_account_of_a_school_wins() {
    let vendor = Vendor::start().await;
    let guid = account("BIR-MIS", &[])["Guid"].as_str().unwrap().to_uppercase();
    let both = format!("ALD-FILES; {guid}");
    let bench = Bench::new(&ROW, NOW)
        .secret("redstor", "p")
        .school("9991001", &[("documents", both.as_str())]);
    let watch = bench.build(&platform(&vendor));
    let ok = ("LastBackupStatus", json!(1));
    let text = ("LastBackupMessage", json!("Successful"));
    let old = ("LastBackupDate", json!("2027-02-01T20:00:00Z"));
    let stale = account("BIR-MIS", &[ok.clone(), text.clone(), old]);
    vendor.on(LIST, [Play::json(json!([account("ALD-FILES", &[]), stale]).to_string())]);
    let seen = the(&bench.poll(&*watch, "accounts").await, "documents", Some("9991001"));
    assert_eq!(seen.verdict, Verdict::Ok, "each run was good; the age rule has the rest");
    assert_eq!(seen.source_at.unwrap().at.to_string(), "2027-02-01T20:00:00Z", "the oldest counts");
    assert_eq!(seen.good_at.unwrap().to_string(), "2027-02-01T20:00:00Z");

    let failed = account(
        "BIR-MIS",
        &[("LastBackupStatus", json!(0)), ("LastBackupMessage", json!("Failed"))],
    );
    vendor.on(LIST, [Play::json(json!([account("ALD-FILES", &[]), failed]).to_string())]);
    let seen = the(&bench.poll(&*watch, "accounts").await, "documents", Some("9991001"));
    assert_eq!(seen.verdict, Verdict::Critical);
    assert_eq!(seen.good_at, None, "the other account's good run is not this one's");
    assert!(!seen.detail.as_str().contains("ALD-FILES"), "{}", seen.detail);

    // A clock that runs ahead on one account must not hide behind the older one.
    let ahead = account("BIR-MIS", &[ok, text, ("LastBackupDate", json!("2027-02-09T11:24:00Z"))]);
    vendor.on(LIST, [Play::json(json!([account("ALD-FILES", &[]), ahead]).to_string())]);
    let seen = the(&bench.poll(&*watch, "accounts").await, "documents", Some("9991001"));
    assert_eq!(seen.verdict, MALFORMED);
}

#[tokio::test]
async fn every_field_of_the_platform_counts() {
    let vendor = Vendor::start().await;
    let bench = Bench::new(&ROW, NOW)
        .secret("redstor", "p")
        .school("9991001", &[("documents", "ALD-FILES")]);
    let watch = bench.build(&platform(&vendor));
    let healthy = json!({"value": [account("ALD-FILES", &[])]}).to_string();
    let fields = [
        Field::Read("/value", vec![json!([])]),
        Field::Read("/value/0", vec![json!({})]),
        Field::Read("/value/0/AccountName", vec![json!("OTHER")]),
        Field::Read("/value/0/Guid", vec![]),
        Field::Read("/value/0/Active", vec![json!(false)]),
        Field::Read("/value/0/BackupEnabled", vec![json!(false)]),
        Field::Read("/value/0/GroupDisabled", vec![json!(true)]),
        Field::Read("/value/0/StorageServerOnline", vec![json!(false)]),
        Field::Read("/value/0/OverLimit", vec![json!(1), json!(-1)]),
        Field::Read(
            "/value/0/LastBackupDate",
            vec![json!("yesterday"), json!("2031-01-01T00:00:00Z")],
        ),
        Field::Read("/value/0/LastBackupStatus", vec![json!(4), json!(0), json!(1.5)]),
        Field::Read("/value/0/LastBackupMessage", vec![json!("Fine"), json!("")]),
    ];
    every_field_counts(&healthy, &fields, async |body: &str| {
        vendor.on(LIST, [Play::json(body)]);
        verdict_of(&bench.poll(&*watch, "accounts").await, "documents", Some("9991001"))
    })
    .await;
}

#[tokio::test]
async fn pages_are_read_to_their_end_and_no_farther() {
    let vendor = Vendor::start().await;
    let bench = bench();
    let watch = bench.build(&platform(&vendor));
    let many: Vec<Value> = (0..1_000)
        .map(|i| {
            let name = ("AccountName", json!(format!("X-{i}")));
            account("STRAY", &[name, ("Guid", json!(format!("g-{i}")))])
        })
        .collect();
    let first = json!({"value": many}).to_string();
    let last = PLATFORM.to_owned();
    let page = first.clone();
    vendor.choose(move |asked| {
        Some(Play::json(match asked.query.get("$skip").map(String::as_str) {
            None => page.clone(),
            Some("1000") => last.clone(),
            Some(other) => panic!("asked for {other}"),
        }))
    });
    let seen = bench.poll(&*watch, "accounts").await;
    assert_eq!(verdict_of(&seen, "sims", Some("9991001")), Verdict::Ok);
    assert_eq!(vendor.asked().len(), 2);

    vendor.choose(move |_| Some(Play::json(first.clone())));
    let seen = bench.poll(&*watch, "accounts").await;
    assert_eq!(verdict_of(&seen, "sims", Some("9991001")), MALFORMED, "the same page for ever");
    assert_eq!(vendor.asked().len(), 4);
}

#[tokio::test]
async fn nothing_hostile_is_ever_ok() {
    let vendor = Vendor::start().await;
    let bench = bench();
    for (what, play) in Play::hostile(PLATFORM) {
        vendor.on(LIST, [play]);
        let seen = bench.poll(&*bench.build(&platform(&vendor)), "accounts").await;
        assert_eq!(seen.len(), 6, "{what}: every school is told");
        let reason = match what {
            "slow" | "half an answer" | "500" => Some(Reason::NoAnswer),
            "401" | "403" => Some(Reason::Unauthorised),
            "429" => Some(Reason::Throttled),
            "empty list" => Some(Reason::NeverSeen),
            _ => None,
        };
        for o in &seen {
            let Verdict::Unknown(is) = o.verdict else { panic!("{what}: {o:?}") };
            assert!(reason.is_none_or(|r| r == is), "{what}: {o:?}");
        }
    }
    let missing = Bench::new(&ROW, NOW).school("9991001", &[("sims", "ALD-MIS")]);
    let seen = missing.poll(&*missing.build(&platform(&vendor)), "accounts").await;
    let seen = the(&seen, "sims", Some("9991001"));
    assert_eq!(seen.verdict, Verdict::Unknown(Reason::Unauthorised));
    assert!(seen.detail.as_str().contains("caretaker secret set redstor"), "{}", seen.detail);
}

fn redapi_bench() -> Bench {
    Bench::new(&ROW, NOW)
        .secret("redstor", JWK)
        .school("9991001", &[("documents", "ALD-FILES"), ("sims", "ALD-MIS")])
        .school("9991003", &[("documents", "9B0E7C55-1111-4000-8000-0000000000a3")])
}

fn redapi_vendor(vendor: &Vendor, accounts: &str, runs: &str) {
    vendor.on("/connect/token", [Play::json(TOKEN)]);
    vendor.on("/storage/accounts", [Play::json(accounts)]);
    vendor.on("/backups/status/accounts", [Play::json(runs)]);
}

#[tokio::test]
async fn redapi_joins_accounts_and_runs() {
    let vendor = Vendor::start().await;
    redapi_vendor(&vendor, ACCOUNTS, RUNS);
    let bench = redapi_bench();
    let watch = bench.build(&redapi(&vendor));
    let seen = bench.poll(&*watch, "accounts").await;
    let paths: Vec<String> = vendor.asked().into_iter().map(|a| a.path).collect();
    assert_eq!(
        paths[..4],
        ["/connect/token", "/storage/accounts", "/backups/status/accounts", "/companies/c-1"]
    );
    assert_eq!(vendor.count("/backups/status/accounts/errors"), 2, "one failed, one never ran");
    assert_eq!(paths.len(), 6);
    for asked in vendor.asked().iter().skip(1) {
        assert_eq!(asked.query["apiVersion"], "2.0");
        let ours = ["/storage/accounts", "/backups/status/accounts"].contains(&&*asked.path);
        assert_eq!(asked.query.get("companyId").map(String::as_str), ours.then_some("c-1"));
        assert_eq!(asked.headers["authorization"], "Bearer opaque-made-up");
    }
    let files = the(&seen, "documents", Some("9991001"));
    assert_eq!(files.verdict, Verdict::Ok);
    let asked = files.evidence.iter().find(|f| f.name.as_str() == "request").unwrap();
    assert!(asked.value.as_str().ends_with("/backups/status/accounts"), "{}", asked.value);
    let mis = the(&seen, "sims", Some("9991001"));
    assert_eq!(mis.verdict, Verdict::Critical, "the newest run is not the first in the list");
    assert_eq!(
        mis.since.unwrap().to_string(),
        "2027-02-07T21:00:00Z",
        "the first failure in a row"
    );
    assert_eq!(mis.good_at.unwrap().to_string(), "2027-02-06T21:00:00Z");
    let fresh = the(&seen, "documents", Some("9991003"));
    assert_eq!(fresh.verdict, NEVER);
    assert_eq!(fresh.since.unwrap().to_string(), "2027-01-20T09:00:00Z");
    bench.poll(&*watch, "accounts").await;
    assert_eq!(vendor.count("/connect/token"), 1, "the token is held");
    bench.clock.advance(3_400);
    bench.poll(&*watch, "accounts").await;
    assert_eq!(vendor.count("/connect/token"), 2, "and renewed five minutes early");
}

#[tokio::test]
async fn the_token_is_asked_for_with_a_signed_assertion() {
    let vendor = Vendor::start().await;
    redapi_vendor(&vendor, ACCOUNTS, RUNS);
    let bench = redapi_bench();
    bench.poll(&*bench.build(&redapi(&vendor)), "accounts").await;
    let form: std::collections::BTreeMap<String, String> =
        url::form_urlencoded::parse(vendor.asked()[0].body.as_bytes()).into_owned().collect();
    assert_eq!(form["grant_type"], "client_credentials");
    assert_eq!(form["scope"], "api.read");
    let key: Value = serde_json::from_str(JWK).unwrap();
    let key =
        DecodingKey::from_rsa_components(key["n"].as_str().unwrap(), key["e"].as_str().unwrap())
            .unwrap();
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&[format!("{}/connect/token", vendor.url)]);
    // The claims carry the bench's clock, not this machine's.
    rules.validate_exp = false;
    let jwt = jsonwebtoken::decode::<Value>(&form["client_assertion"], &key, &rules).unwrap();
    assert_eq!(jwt.header.kid.as_deref(), Some("made-for-tests"));
    assert_eq!((&jwt.claims["iss"], &jwt.claims["sub"]), (&json!("console"), &json!("console")));
    let (iat, exp) = (jwt.claims["iat"].as_i64().unwrap(), jwt.claims["exp"].as_i64().unwrap());
    assert_eq!(exp - iat, 300);
    assert_eq!(iat, NOW.parse::<jiff::Timestamp>().unwrap().as_second());
    assert!(jwt.claims["jti"].as_str().is_some_and(|j| j.len() == 36));
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let vendor = Vendor::start().await;
    redapi_vendor(&vendor, ACCOUNTS, RUNS);
    vendor.on("/storage/accounts", [Play::status(401, "{}"), Play::json(ACCOUNTS)]);
    let bench = redapi_bench();
    let watch = bench.build(&redapi(&vendor));
    let seen = bench.poll(&*watch, "accounts").await;
    assert_eq!(verdict_of(&seen, "documents", Some("9991001")), Verdict::Ok);
    assert_eq!(vendor.count("/connect/token"), 2);
    vendor.on("/storage/accounts", [Play::status(401, "{}")]);
    for _ in 0..3 {
        let seen = bench.poll(&*watch, "accounts").await;
        let seen = verdict_of(&seen, "documents", Some("9991001"));
        assert_eq!(seen, Verdict::Unknown(Reason::Unauthorised));
    }
    assert_eq!(vendor.count("/connect/token"), 3, "a refusal is not hammered");
    bench.clock.advance(60);
    vendor.on("/storage/accounts", [Play::json(ACCOUNTS)]);
    let seen = bench.poll(&*watch, "accounts").await;
    assert_eq!(verdict_of(&seen, "documents", Some("9991001")), Verdict::Ok, "and tried again");
}

#[tokio::test]
async fn a_client_that_is_refused_says_so_for_all_schools() {
    for status in [400, 401] {
        let vendor = Vendor::start().await;
        vendor.on("/connect/token", [Play::status(status, r#"{"error":"invalid_client"}"#)]);
        let bench = redapi_bench();
        let seen = bench.poll(&*bench.build(&redapi(&vendor)), "accounts").await;
        assert_eq!(seen.len(), 3);
        assert!(seen.iter().all(|o| o.verdict == Verdict::Unknown(Reason::Unauthorised)));
        assert_eq!(vendor.asked().len(), 1);
    }
    let vendor = Vendor::start().await;
    let bench = redapi_bench().secret("redstor", "-----BEGIN PRIVATE KEY-----");
    let seen = bench.poll(&*bench.build(&redapi(&vendor)), "accounts").await;
    assert!(seen[0].detail.as_str().contains("JWK"), "{}", seen[0].detail);
    assert!(vendor.asked().is_empty());
}

#[tokio::test]
async fn redapi_pages_end_and_do_not_circle() {
    let vendor = Vendor::start().await;
    redapi_vendor(&vendor, ACCOUNTS, RUNS);
    let bench = redapi_bench();
    let watch = bench.build(&redapi(&vendor));
    let mut runs: Value = serde_json::from_str(RUNS).unwrap();
    let tail = runs["results"].as_array_mut().unwrap().split_off(1);
    runs["nextPageToken"] = json!("p2");
    let last = json!({"totalCount": -1, "results": tail}).to_string();
    let page = runs.to_string();
    let looping = page.clone();
    vendor.choose(move |asked| {
        (asked.path == "/backups/status/accounts").then(|| {
            Play::json(if asked.query.contains_key("pageToken") { &last } else { &page }.clone())
        })
    });
    let seen = bench.poll(&*watch, "accounts").await;
    assert_eq!(verdict_of(&seen, "documents", Some("9991001")), Verdict::Ok);
    vendor.choose(move |asked| {
        (asked.path == "/backups/status/accounts").then(|| Play::json(looping.clone()))
    });
    let seen = bench.poll(&*watch, "accounts").await;
    assert!(seen.iter().all(|o| o.verdict == MALFORMED), "{seen:?}");

    // No refusal of a later page is the end of the list.
    for status in [400, 401, 403, 404, 410, 422, 429, 500, 503] {
        let mut first: Value = serde_json::from_str(RUNS).unwrap();
        first["nextPageToken"] = json!("p2");
        first["totalCount"] = json!(3);
        let first = first.to_string();
        vendor.choose(move |asked| {
            (asked.path == "/backups/status/accounts").then(|| {
                match asked.query.contains_key("pageToken") {
                    true => Play::status(status, r#"{"title":"No"}"#),
                    false => Play::json(first.clone()),
                }
            })
        });
        let seen = bench.poll(&*bench.build(&redapi(&vendor)), "accounts").await;
        let unknown =
            |o: &Observation| matches!(o.verdict, Verdict::Unknown(r) if r != Reason::NeverSeen);
        assert!(seen.iter().all(unknown), "{status}: {seen:?}");
    }

    vendor.choose(|_| None);
    vendor.on("/backups/status/accounts", [Play::status(422, r#"{"title":"Unprocessable"}"#)]);
    let seen = bench.poll(&*watch, "accounts").await;
    assert!(seen.iter().all(|o| o.verdict == NEVER), "{seen:?}");
}

#[tokio::test]
async fn every_field_of_redapi_counts() {
    let vendor = Vendor::start().await;
    let bench = Bench::new(&ROW, NOW)
        .secret("redstor", JWK)
        .school("9991001", &[("documents", "ALD-FILES")]);
    let watch = bench.build(&redapi(&vendor));
    let only = |text: &str, key: &str| {
        let mut list: Value = serde_json::from_str(text).unwrap();
        list["results"].as_array_mut().unwrap().retain(|r| r[key] == "ALD-FILES");
        list["totalCount"] = json!(1);
        list.to_string()
    };
    let (accounts, runs) = (only(ACCOUNTS, "accountName"), only(RUNS, "accountName"));
    let fields = [
        Field::Read("/results", vec![json!([])]),
        Field::Read("/results/0", vec![json!({})]),
        Field::Read("/results/0/accountId", vec![json!("another")]),
        Field::Read("/results/0/accountName", vec![json!("OTHER")]),
        Field::Flag("/nextPageToken", vec![json!(7)]),
    ];
    redapi_vendor(&vendor, &accounts, &runs);
    every_field_counts(&accounts, &fields, async |body: &str| {
        vendor.on("/storage/accounts", [Play::json(body)]);
        verdict_of(&bench.poll(&*watch, "accounts").await, "documents", Some("9991001"))
    })
    .await;
    let fields = [
        Field::Read("/results", vec![json!([])]),
        Field::Read("/results/0", vec![json!({})]),
        Field::Read("/results/0/accountId", vec![json!("another")]),
        Field::Read("/results/0/statusHistory", vec![json!([])]),
        Field::Read(
            "/results/0/statusHistory/0/timestamp",
            vec![json!("noon"), json!("2027-02-09T11:30:00Z")],
        ),
        Field::Read("/results/0/statusHistory/0/status", vec![json!(9), json!(0), json!("1")]),
        Field::Read("/results/0/statusHistory/0/message", vec![json!("Hm"), json!("Failed")]),
        Field::Flag("/nextPageToken", vec![json!(7)]),
    ];
    redapi_vendor(&vendor, &accounts, &runs);
    every_field_counts(&runs, &fields, async |body: &str| {
        vendor.on("/backups/status/accounts", [Play::json(body)]);
        verdict_of(&bench.poll(&*watch, "accounts").await, "documents", Some("9991001"))
    })
    .await;
}

#[tokio::test]
async fn nothing_hostile_of_redapi_is_ever_ok() {
    let bench = redapi_bench();
    for (path, healthy) in [
        ("/connect/token", TOKEN),
        ("/storage/accounts", ACCOUNTS),
        ("/backups/status/accounts", RUNS),
    ] {
        let vendor = Vendor::start().await;
        for (what, play) in Play::hostile(healthy) {
            redapi_vendor(&vendor, ACCOUNTS, RUNS);
            vendor.on(path, [play]);
            let seen = bench.poll(&*bench.build(&redapi(&vendor)), "accounts").await;
            assert_eq!(seen.len(), 3, "{what}");
            for o in &seen {
                assert!(matches!(o.verdict, Verdict::Unknown(_)), "{path} {what}: {o:?}");
                assert!(!format!("{o:?}").contains("opaque-made-up"), "{what}");
            }
        }
    }
}
