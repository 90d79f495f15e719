//! WeLearn365 against a Graph over HTTP: the tenant's health, its directory sync, schools' sites.

use serde_json::{Value, json};

use crate::model::check::{Coverage, Flow, Scope};
use crate::model::health::Reason;
use crate::model::observation::{Observation, Verdict, Zone};
use crate::services::contract::{Bench, Field, Play, Vendor, every_field_counts, the, verdict_of};
use crate::services::welearn365::SERVICE;

const NOW: &str = "2027-02-09T11:20:00Z";
const TOKEN: &str = include_str!("examples/token.json");
const EXPIRED: &str = include_str!("examples/token_secret_expired.json");
const WELL: &str = include_str!("examples/health_well.json");
const TROUBLE: &str = include_str!("examples/health_trouble.json");
const ORGANIZATION: &str = include_str!("examples/organization.json");
const SITE: &str = include_str!("examples/site.json");

const LOGIN: &str = "/5f0c/oauth2/v2.0/token";
const HEALTH: &str = "/v1.0/admin/serviceAnnouncement/healthOverviews";
const SYNC: &str = "/v1.0/organization";
const SITE_OF_1: &str = "/v1.0/sites/fenland.example.com:/sites/alderbrook";
const MALFORMED: Verdict = Verdict::Unknown(Reason::Malformed);
const UNAUTHORISED: Verdict = Verdict::Unknown(Reason::Unauthorised);
const NEVER: Verdict = Verdict::Unknown(Reason::NeverSeen);

static ROW: crate::services::Service = SERVICE;

fn bench() -> Bench {
    Bench::new(&ROW, NOW)
        .secret("welearn365", "secret-made-up")
        .school("9991001", &[("site", "https://fenland.example.com/sites/alderbrook")])
        .school("9991002", &[("site", "birch")])
        .school("9991003", &[])
}

fn settings(vendor: &Vendor) -> String {
    format!(
        "tenant_id = \"5f0c\"\nclient_id = \"77aa\"\nsite_check = true\n\
         graph = {{ url = \"{0}/v1.0\", deadline = \"1s\" }}\n\
         login = {{ url = \"{0}\", deadline = \"1s\" }}\n",
        vendor.url
    )
}

fn well(vendor: &Vendor) {
    vendor.on(LOGIN, [Play::json(TOKEN)]);
    vendor.on(HEALTH, [Play::json(WELL)]);
    vendor.on(SYNC, [Play::json(ORGANIZATION)]);
    vendor.on(SITE_OF_1, [Play::json(SITE)]);
}

async fn ask(bench: &Bench, vendor: &Vendor, check: &str) -> Observation {
    let watch = bench.build(&settings(vendor));
    let (job, school) = match check {
        "site" => ("site/9991001", Some("9991001")),
        "directory_sync" => ("directory_sync", None),
        _ => ("health", None),
    };
    the(&bench.poll(&*watch, job).await, check, school)
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
    assert_eq!(gaps, ["welearn365.accounts", "welearn365.site"]);

    let watch = bench().build(&format!("{base}site_check = true"));
    let spec = watch.describe();
    let Coverage::Only(schools) = &spec.checks[3].covers else { panic!("site covers all") };
    assert_eq!(schools.len(), 1);
    let gaps = format!("{:?}", watch.not_watched());
    assert!(gaps.contains("999 1002") && gaps.contains("999 1003"), "{gaps}");
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for (settings, part) in [
        ("tenant_id = \"x\"", "client_id"),
        ("tenant_id = \"../x\"\nclient_id = \"y\"", "services.welearn365.tenant_id"),
        ("tenant_id = \"x\"\nclient_id = \"y\"\nwatch = []", "services.welearn365.watch"),
        ("tenant_id = \"x\"\nclient_id = \"y\"\n[checks.mail]\ntries = 1", "checks.mail"),
        ("tenant_id = \"x\"\nclient_id = \"y\"\npassword = \"z\"", "password"),
    ] {
        let refused = bench().try_build(settings).err().unwrap_or_default();
        assert!(refused.contains(part), "{settings}: {refused}");
    }
}

#[tokio::test]
async fn one_call_tells_health_and_sign_in() {
    let vendor = Vendor::start().await;
    well(&vendor);
    let bench = bench();
    let seen = bench.poll(&*bench.build(&settings(&vendor)), "health").await;
    assert_eq!(verdict_of(&seen, "service_health", None), Verdict::Ok, "{seen:?}");
    assert_eq!(verdict_of(&seen, "sign_in", None), Verdict::Ok);
    let asked = vendor.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].body.contains("client_secret=secret-made-up"));
    assert!(asked[0].body.contains("grant_type=client_credentials"));
    assert_eq!(asked[1].query["$expand"], "issues");
    assert_eq!(asked[1].headers["authorization"], "Bearer opaque-made-up");
    assert_eq!(asked[1].headers["prefer"], "include-unknown-enum-members");
    let text = format!("{seen:?}");
    assert!(!text.contains("opaque-made-up") && !text.contains("secret-made-up"));
}

#[tokio::test]
async fn trouble_names_the_incident_and_spares_sign_in() {
    let vendor = Vendor::start().await;
    well(&vendor);
    vendor.on(HEALTH, [Play::json(TROUBLE)]);
    let bench = bench();
    let seen = bench.poll(&*bench.build(&settings(&vendor)), "health").await;
    let health = the(&seen, "service_health", None);
    assert_eq!(health.verdict, Verdict::Critical);
    assert_eq!(
        health.detail.as_str(),
        "Exchange Online: service interruption (EX990204, Mail flow, Mail is delayed & queued \
         [31m); SharePoint Online: extended recovery"
    );
    assert_eq!(health.since.unwrap().to_string(), "2027-02-09T08:45:00.5Z");
    assert_eq!(verdict_of(&seen, "sign_in", None), Verdict::Ok);
}

#[tokio::test]
async fn words_of_microsoft() {
    let vendor = Vendor::start().await;
    well(&vendor);
    for (word, verdict) in [
        ("serviceDegradation", Verdict::Warning),
        ("Investigating", Verdict::Warning),
        ("serviceInterruption", Verdict::Critical),
        ("resolved", MALFORMED),
        ("unknownFutureValue", MALFORMED),
        ("serviceAsleep", MALFORMED),
    ] {
        vendor.on(HEALTH, [Play::json(WELL.replace("SERVICEOPERATIONAL", word))]);
        let seen = ask(&bench(), &vendor, "service_health").await;
        assert_eq!(seen.verdict, verdict, "{word}");
        vendor
            .on(HEALTH, [Play::json(WELL.replace("\"ServiceRestored\"", &format!("\"{word}\"")))]);
        let seen = ask(&bench(), &vendor, "sign_in").await;
        assert_eq!(seen.verdict, verdict, "{word}");
    }
}

#[tokio::test]
async fn pages_of_health_are_followed_only_at_home() {
    let vendor = Vendor::start().await;
    well(&vendor);
    let mut first: Value = serde_json::from_str(WELL).unwrap();
    let tail = first["value"].as_array_mut().unwrap().split_off(2);
    let last = json!({ "value": tail }).to_string();
    first["@odata.nextLink"] = json!(format!("{}/v1.0/more?$skiptoken=a%27b", vendor.url));
    vendor.on(HEALTH, [Play::json(first.to_string())]);
    vendor.on("/v1.0/more", [Play::json(&last)]);
    assert_eq!(ask(&bench(), &vendor, "service_health").await.verdict, Verdict::Ok);
    assert_eq!(vendor.asked().last().unwrap().query["$skiptoken"], "a'b");

    // Cut short by anything, it is no list.
    vendor.on("/v1.0/more", [Play::status(500, "")]);
    assert!(matches!(ask(&bench(), &vendor, "service_health").await.verdict, Verdict::Unknown(_)));
    // A page that leads back to itself.
    let around = json!({"value": [], "@odata.nextLink": first["@odata.nextLink"]}).to_string();
    vendor.on("/v1.0/more", [Play::json(around)]);
    let before = vendor.count("/v1.0/more");
    assert_eq!(ask(&bench(), &vendor, "service_health").await.verdict, MALFORMED);
    assert_eq!(vendor.count("/v1.0/more"), before + 1, "not followed a second time");
    // Another origin gets nothing of ours.
    let stranger = Vendor::start().await;
    first["@odata.nextLink"] = json!(format!("{}/v1.0/more", stranger.url));
    vendor.on(HEALTH, [Play::json(first.to_string())]);
    assert_eq!(ask(&bench(), &vendor, "service_health").await.verdict, MALFORMED);
    assert!(stranger.asked().is_empty());
}

#[tokio::test]
async fn the_directory_sync_has_many_ways_not_to_be_fresh() {
    let vendor = Vendor::start().await;
    well(&vendor);
    let seen = ask(&bench(), &vendor, "directory_sync").await;
    assert_eq!(seen.verdict, Verdict::Ok);
    let source = seen.source_at.unwrap();
    assert_eq!(
        (source.at.to_string().as_str(), source.zone),
        ("2027-02-09T11:02:41.7654321Z", Zone::Given)
    );
    for (enabled, last, verdict) in [
        (json!(false), json!("2027-02-09T11:02:41Z"), Verdict::Critical),
        (json!(null), json!(null), NEVER),
        (json!(null), json!("2027-02-09T11:02:41Z"), NEVER),
        (json!(true), json!(null), NEVER),
        (json!(true), json!("2027-02-09T11:02:41"), MALFORMED),
    ] {
        let row = json!({"onPremisesSyncEnabled": enabled, "onPremisesLastSyncDateTime": last});
        vendor.on(SYNC, [Play::json(json!({"value": [row]}).to_string())]);
        let seen = ask(&bench(), &vendor, "directory_sync").await;
        assert_eq!(seen.verdict, verdict, "{enabled} {last}");
        assert_eq!(seen.source_at, None);
    }
}

#[tokio::test]
async fn a_site_is_there_gone_or_not_ours_to_see() {
    let vendor = Vendor::start().await;
    well(&vendor);
    assert_eq!(ask(&bench(), &vendor, "site").await.verdict, Verdict::Ok);
    let gone = r#"{"error":{"code":"itemNotFound","message":"x","innerError":{}}}"#;
    vendor.on(SITE_OF_1, [Play::status(404, gone)]);
    assert_eq!(ask(&bench(), &vendor, "site").await.verdict, Verdict::Critical);
    vendor.on(SITE_OF_1, [Play::status(404, "<html>proxy</html>")]);
    assert_eq!(ask(&bench(), &vendor, "site").await.verdict, MALFORMED, "not Graph's own 404");
    vendor.on(SITE_OF_1, [Play::status(403, r#"{"error":{"code":"accessDenied"}}"#)]);
    let denied = ask(&bench(), &vendor, "site").await;
    assert_eq!(denied.verdict, UNAUTHORISED);
    assert!(denied.detail.as_str().contains("Sites.Selected"), "{}", denied.detail);
    vendor.on(SITE_OF_1, [Play::json(SITE.replace("Alderbrook", "Birch"))]);
    assert_eq!(ask(&bench(), &vendor, "site").await.verdict, MALFORMED, "another school's site");
}

#[tokio::test]
async fn token_errors_ask_for_the_right_remedy() {
    for (status, body, part) in [
        (401, EXPIRED.to_owned(), "has expired"),
        (401, EXPIRED.replace("7000222", "7000215"), "is wrong"),
        (400, EXPIRED.replace("7000222", "700016"), "client_id"),
        (400, EXPIRED.replace("7000222", "90002"), "tenant_id"),
        (401, EXPIRED.replace("7000222", "700027"), "certificate"),
        (401, String::new(), "no reason given"),
    ] {
        let vendor = Vendor::start().await;
        well(&vendor);
        vendor.on(LOGIN, [Play::status(status, body.clone())]);
        let bench = bench();
        let watch = bench.build(&settings(&vendor));
        for job in ["health", "directory_sync", "site/9991001"] {
            for o in bench.poll(&*watch, job).await {
                assert_eq!(o.verdict, UNAUTHORISED, "{body}");
                assert!(o.detail.as_str().contains(part), "{}", o.detail);
            }
        }
        assert_eq!(vendor.asked().len(), 1, "one refusal serves all who wait");
    }
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_one_at_a_time() {
    let vendor = Vendor::start().await;
    well(&vendor);
    let bench = bench();
    let watch = bench.build(&settings(&vendor));
    let now = bench.clock_now();
    let jobs = watch.jobs();
    futures_util::future::join_all(jobs.iter().map(|j| watch.poll(j, now))).await;
    assert_eq!(vendor.count(LOGIN), 1, "all at once, one token");
    bench.clock.advance(3_599 - 301);
    bench.poll(&*watch, "health").await;
    assert_eq!(vendor.count(LOGIN), 1);
    bench.clock.advance(2);
    bench.poll(&*watch, "health").await;
    assert_eq!(vendor.count(LOGIN), 2, "five minutes early");
    let refusal = || Play::status(401, r#"{"error":{"code":"InvalidAuthenticationToken"}}"#);
    vendor.on(HEALTH, [refusal(), Play::json(WELL)]);
    let seen = bench.poll(&*watch, "health").await;
    assert_eq!(verdict_of(&seen, "sign_in", None), Verdict::Ok);
    assert_eq!(vendor.count(LOGIN), 3);
    vendor.on(HEALTH, [refusal()]);
    let seen = bench.poll(&*watch, "health").await;
    assert_eq!(verdict_of(&seen, "sign_in", None), UNAUTHORISED);
    assert_eq!(vendor.count(LOGIN), 4);
}

#[tokio::test]
async fn those_who_waited_for_a_refusal_share_it() {
    let vendor = Vendor::start().await;
    well(&vendor);
    let bench = bench();
    let watch = bench.build(&settings(&vendor));
    let clock = bench.clock.clone();
    vendor.choose(move |asked| {
        (asked.path == LOGIN).then(|| {
            // The answer takes longer than a refusal rests.
            clock.advance(90);
            Play::status(401, EXPIRED)
        })
    });
    let (now, jobs) = (bench.clock_now(), watch.jobs());
    assert_eq!(jobs.len(), 3);
    futures_util::future::join_all(jobs.iter().map(|j| watch.poll(j, now))).await;
    assert_eq!(vendor.count(LOGIN), 1);
    bench.clock.advance(31);
    vendor.choose(|_| None);
    let seen = bench.poll(&*watch, "health").await;
    assert_eq!(verdict_of(&seen, "sign_in", None), Verdict::Ok, "a new secret is noticed");
}

#[tokio::test]
async fn every_field_of_each_answer_counts() {
    let vendor = Vendor::start().await;
    well(&vendor);
    let bench = bench();
    let watch = bench.build(&settings(&vendor));
    let unseen = || vec![json!("serviceAsleep"), json!(""), json!("resolved")];
    let health = [
        Field::Read("/value", vec![json!([])]),
        Field::Read("/value/0", vec![json!({})]),
        Field::Read("/value/0/id", vec![json!("Teams")]),
        Field::Read("/value/0/status", unseen()),
        Field::Read("/value/2/status", unseen()),
        Field::Read("/value/4/status", unseen()),
        Field::Read("/value/5/status", unseen()),
        Field::Read("/value/5/id", vec![json!("Exchange2")]),
        Field::Read("/value/6/status", unseen()),
        Field::Flag("/error", vec![json!({"code": "x"})]),
        Field::Flag("/@odata.nextLink", vec![json!("https://elsewhere.example/x"), json!(7)]),
    ];
    every_field_counts(WELL, &health, async |body: &str| {
        vendor.on(HEALTH, [Play::json(body)]);
        verdict_of(&bench.poll(&*watch, "health").await, "service_health", None)
    })
    .await;
    let sign_in = [
        Field::Read("/value/1", vec![json!({})]),
        Field::Read("/value/1/id", vec![json!("Entra")]),
        Field::Read("/value/1/status", unseen()),
    ];
    every_field_counts(WELL, &sign_in, async |body: &str| {
        vendor.on(HEALTH, [Play::json(body)]);
        verdict_of(&bench.poll(&*watch, "health").await, "sign_in", None)
    })
    .await;
    let sync = [
        Field::Read("/value", vec![json!([])]),
        Field::Read("/value/0", vec![json!({})]),
        Field::Read("/value/0/onPremisesSyncEnabled", vec![json!(false), json!("true")]),
        Field::Read("/value/0/onPremisesLastSyncDateTime", vec![json!("just now"), json!("")]),
        Field::Flag("/error", vec![json!({"code": "x"})]),
    ];
    every_field_counts(ORGANIZATION, &sync, async |body: &str| {
        vendor.on(SYNC, [Play::json(body)]);
        verdict_of(&bench.poll(&*watch, "directory_sync").await, "directory_sync", None)
    })
    .await;
    let site = [
        Field::Read("/id", vec![json!("elsewhere.example.com,a,b")]),
        Field::Read("/webUrl", vec![json!("https://fenland.example.com/sites/birch")]),
        Field::Flag("/error", vec![json!({"code": "x"})]),
    ];
    every_field_counts(SITE, &site, async |body: &str| {
        vendor.on(SITE_OF_1, [Play::json(body)]);
        verdict_of(&bench.poll(&*watch, "site/9991001").await, "site", Some("9991001"))
    })
    .await;
    let token = [
        Field::Read("/access_token", vec![json!("")]),
        Field::Read("/token_type", vec![json!("mac")]),
        Field::Read("/expires_in", vec![json!(0), json!(-1), json!("3599")]),
    ];
    well(&vendor);
    every_field_counts(TOKEN, &token, async |body: &str| {
        vendor.on(LOGIN, [Play::json(body)]);
        ask(&bench, &vendor, "site").await.verdict
    })
    .await;
}

#[tokio::test]
async fn nothing_hostile_is_ever_ok() {
    for (job, path, healthy) in [
        ("health", HEALTH, WELL),
        ("directory_sync", SYNC, ORGANIZATION),
        ("site/9991001", SITE_OF_1, SITE),
        ("health", LOGIN, TOKEN),
    ] {
        let vendor = Vendor::start().await;
        for (what, play) in Play::hostile(healthy) {
            well(&vendor);
            vendor.on(path, [play]);
            let bench = bench();
            let watch = bench.build(&settings(&vendor));
            let all = bench.poll(&*watch, job).await;
            assert_eq!(all.len(), if job == "health" { 2 } else { 1 }, "{path} {what}");
            let reason = match what {
                "slow" | "half an answer" | "500" => Some(Reason::NoAnswer),
                "401" | "403" => Some(Reason::Unauthorised),
                "429" => Some(Reason::Throttled),
                _ => None,
            };
            for seen in all {
                let Verdict::Unknown(is) = seen.verdict else { panic!("{path} {what}: {seen:?}") };
                assert!(reason.is_none_or(|r| r == is), "{path} {what}: {seen:?}");
            }
        }
    }
}
