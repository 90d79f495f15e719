//! `service_health` and `sign_in`: one call, the words of Microsoft, its incidents and advisories.

use serde_json::{Value, json};

use super::*;
use crate::model::health::Health;
use crate::services::contract::verdict_of;
use crate::services::welearn365::tests::board::shown;

const TROUBLE: &str = include_str!("../examples/health_trouble.json");
const UPPER: &str = include_str!("../examples/health_upper.json");
const LOWER: &str = include_str!("../examples/health_lower.json");
const DEGRADED: &str = include_str!("../examples/health_degraded.json");
const INTERRUPTION: &str = include_str!("../examples/health_interruption.json");
const UNKNOWN_WORDS: &str = include_str!("../examples/health_unknown_words.json");
const OPEN: &str = include_str!("../examples/issues_open.json");
const RESOLVED: &str = include_str!("../examples/issues_resolved.json");

#[tokio::test]
async fn one_call_tells_health_and_sign_in() {
    let vendor = vendor().await;
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

/// What the board shows for each kind of answer: (example, service health, sign-in).
#[tokio::test]
async fn the_board_shows_each_answer_in_words() {
    let vendor = vendor().await;
    vendor.on(ISSUES, [Play::json(RESOLVED)]);
    let well = (Health::Ok, "Microsoft reports no trouble");
    for (example, health, sign_in) in [
        (UPPER, well, well),
        (LOWER, well, well),
        (
            DEGRADED,
            (
                Health::Warning,
                "Exchange Online: service degradation (incident EX990311, Sending and receiving, \
                 Messages to other tenants wait in a queue); SharePoint Online: extended recovery",
            ),
            well,
        ),
        (INTERRUPTION, well, (Health::Critical, "Identity Service: service interruption")),
        (
            UNKNOWN_WORDS,
            (
                Health::Unknown,
                "SharePoint Online: Microsoft wrote \"mitigatedExternal\", a word that we do not \
                 know; Microsoft Teams: Microsoft wrote \"serviceDozing\", a word that we do not \
                 know; Microsoft 365 suite: Microsoft wrote \"UnknownFutureValue\", a word that we \
                 do not know",
            ),
            well,
        ),
    ] {
        vendor.on(HEALTH, [Play::json(example)]);
        for (check, (health, why)) in [("service_health", health), ("sign_in", sign_in)] {
            let bench = bench();
            let seen = ask(&bench, &vendor, check).await;
            let shown = shown(&bench, &settings(&vendor), &seen);
            assert_eq!(shown.health, health, "{check} {example}: {shown:?}");
            assert!(shown.why.contains(why), "{check}: {shown:?}");
        }
    }
}

#[tokio::test]
async fn trouble_names_the_incident_and_spares_sign_in() {
    let vendor = vendor().await;
    vendor.on(HEALTH, [Play::json(TROUBLE)]);
    let bench = bench();
    let seen = bench.poll(&*bench.build(&settings(&vendor)), "health").await;
    let health = the(&seen, "service_health", None);
    assert_eq!(health.verdict, Verdict::Critical);
    assert_eq!(
        health.detail.as_str(),
        "Exchange Online: service interruption (incident EX990204, Mail flow, Mail is delayed & \
         queued [31m); SharePoint Online: extended recovery"
    );
    assert_eq!(health.since.unwrap().to_string(), "2027-02-09T08:45:00.5Z");
    assert_eq!(verdict_of(&seen, "sign_in", None), Verdict::Ok);
    let text = format!("{seen:?}");
    assert!(!text.contains("Older, over"), "a resolved issue is not shown as current");
    assert!(!text.contains("script"), "posts are not read");
}

#[tokio::test]
async fn a_trouble_without_its_issue_costs_one_more_call_and_nothing_hangs_on_it() {
    let vendor = vendor().await;
    vendor.on(HEALTH, [Play::json(DEGRADED)]);
    vendor.on(ISSUES, [Play::json(OPEN)]);
    let seen = ask(&bench(), &vendor, "service_health").await;
    assert_eq!(
        seen.detail.as_str(),
        "Exchange Online: service degradation (incident EX990311, Sending and receiving, Messages \
         to other tenants wait in a queue); SharePoint Online: extended recovery (advisory \
         SP990477, Search & Delve, New pages are found late)"
    );
    assert_eq!(vendor.count(ISSUES), 1);
    let asked = vendor.asked();
    let issues = asked.iter().find(|a| a.path == ISSUES).unwrap();
    assert_eq!(issues.query["$filter"], "isResolved eq false");
    let facts: Vec<&str> = seen.evidence.iter().map(|f| f.value.as_str()).collect();
    assert!(facts.iter().any(|f| f.starts_with("advisory SP990477")), "{facts:?}");
    assert_eq!(seen.since.unwrap().to_string(), "2027-02-07T13:00:00Z");

    for play in [Play::status(500, ""), Play::json("{}"), Play::status(403, "")] {
        vendor.on(ISSUES, [play]);
        let seen = ask(&bench(), &vendor, "service_health").await;
        assert_eq!(seen.verdict, Verdict::Warning, "the overview's own word stands");
        let told = seen.evidence.iter().any(|f| f.name.as_str() == "open issues");
        assert!(told, "that the issues could not be read is evidence: {seen:?}");
    }
    // Resolved issues explain nothing, and none is asked for when all is well.
    vendor.on(ISSUES, [Play::json(RESOLVED)]);
    let seen = ask(&bench(), &vendor, "service_health").await;
    assert!(!seen.detail.as_str().contains("EX990012"), "{}", seen.detail);
    let before = vendor.count(ISSUES);
    vendor.on(HEALTH, [Play::json(WELL)]);
    ask(&bench(), &vendor, "service_health").await;
    assert_eq!(vendor.count(ISSUES), before);
}

/// A good word beside an open incident contradicts itself; beside an advisory it does not.
#[tokio::test]
async fn a_good_word_beside_an_open_incident_is_not_believed() {
    let vendor = vendor().await;
    let with = |issue: Value| {
        let mut body: Value = serde_json::from_str(WELL).unwrap();
        body["value"][0]["issues"] = json!([issue]);
        body.to_string()
    };
    let issue = |kind: &str, status: &str, resolved: Value| json!({"id": "TM990001", "classification": kind, "status": status, "isResolved": resolved});
    for (body, verdict) in [
        (issue("advisory", "serviceDegradation", json!(false)), Verdict::Ok),
        (issue("Advisory", "serviceInterruption", json!(false)), Verdict::Ok),
        (issue("incident", "serviceDegradation", json!(true)), Verdict::Ok),
        (issue("incident", "serviceRestored", json!(false)), Verdict::Ok),
        (issue("Incident", "ServiceDegradation", json!(false)), MALFORMED),
        (issue("incident", "serviceDozing", json!(false)), MALFORMED),
        (issue("unknownFutureValue", "investigating", json!(false)), MALFORMED),
        (issue("incident", "serviceDegradation", json!("true")), MALFORMED),
        (issue("incident", "serviceDegradation", json!(null)), MALFORMED),
        (json!({"isResolved": false}), MALFORMED),
        (json!(7), MALFORMED),
    ] {
        vendor.on(HEALTH, [Play::json(with(body.clone()))]);
        let seen = ask(&bench(), &vendor, "service_health").await;
        assert_eq!(seen.verdict, verdict, "{body}: {}", seen.detail);
    }
}

/// An overview that does not tell its issues is asked for them once more; without them a good word is no news.
#[tokio::test]
async fn issues_that_were_asked_for_and_did_not_come_are_not_none() {
    let vendor = vendor().await;
    let mut none = Vec::new();
    for lost in [None, Some(Value::Null)] {
        let mut body: Value = serde_json::from_str(WELL).unwrap();
        let row = body["value"].as_array_mut().unwrap().iter_mut().find(|r| r["id"] == "Exchange");
        let row = row.unwrap().as_object_mut().unwrap();
        row.remove("issues");
        row.extend(lost.map(|null| ("issues".to_owned(), null)));
        none.push(body.to_string());
    }
    let row = |service: Value| {
        json!({"value": [{"id": "EX1", "service": service, "isResolved": false, "classification": "advisory"}]}).to_string()
    };
    for body in none {
        vendor.on(HEALTH, [Play::json(body)]);
        for (play, verdict) in [
            (Play::json(RESOLVED), Verdict::Ok),
            (Play::json(r#"{"value": []}"#), Verdict::Ok),
            (Play::json(row(json!("Exchange Online"))), Verdict::Ok),
            (Play::json(OPEN), MALFORMED),
            (Play::json(row(Value::Null)), MALFORMED),
            (Play::json(r#"{"value": [7]}"#), MALFORMED),
            (Play::json("{}"), MALFORMED),
            (Play::status(403, ""), MALFORMED),
            (Play::status(500, ""), MALFORMED),
        ] {
            let what = format!("{play:?}");
            vendor.on(ISSUES, [play]);
            let seen = ask(&bench(), &vendor, "service_health").await;
            assert_eq!(seen.verdict, verdict, "{what}: {}", seen.detail);
        }
    }
}

#[tokio::test]
async fn words_of_microsoft() {
    let vendor = vendor().await;
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
async fn many_issues_are_named_three_at_a_time_incidents_first() {
    let vendor = vendor().await;
    let mut body: Value = serde_json::from_str(TROUBLE).unwrap();
    let issue = |n: u32, kind: &str| {
        json!({"id": format!("EX99{n:04}"), "classification": kind, "isResolved": false,
               "status": "investigating", "title": "x".repeat(300),
               "startDateTime": format!("2027-02-0{n}T00:00:00Z")})
    };
    let row = body["value"].as_array_mut().unwrap().iter_mut().find(|r| r["id"] == "Exchange");
    row.unwrap()["issues"] = json!([
        issue(1, "advisory"),
        issue(6, "incident"),
        issue(5, "incident"),
        issue(2, "advisory"),
        issue(3, "unknownFutureValue"),
    ]);
    vendor.on(HEALTH, [Play::json(body.to_string())]);
    let seen = ask(&bench(), &vendor, "service_health").await;
    let facts: Vec<String> = seen
        .evidence
        .iter()
        .filter(|f| f.name.as_str() == "open issue")
        .map(|f| f.value.as_str().chars().take(17).collect())
        .collect();
    assert_eq!(facts, ["issue EX990003, x", "incident EX990005", "incident EX990006"]);
    assert_eq!(seen.since.unwrap().to_string(), "2027-02-01T00:00:00Z");
}

#[tokio::test]
async fn pages_of_health_are_followed_only_at_home() {
    let vendor = vendor().await;
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
    // A list that never ends.
    let home = vendor.url.clone();
    vendor.choose(move |asked| {
        let n: u32 = asked.query.get("$skiptoken").and_then(|t| t.parse().ok()).unwrap_or(0);
        let more = format!("{home}/v1.0/more?$skiptoken={}", n + 1);
        (asked.path == HEALTH || asked.path == "/v1.0/more")
            .then(|| Play::json(json!({"value": [], "@odata.nextLink": more}).to_string()))
    });
    let seen = ask(&bench(), &vendor, "service_health").await;
    assert!(seen.detail.as_str().contains("goes on after 10 pages"), "{}", seen.detail);
    vendor.choose(|_| None);
    // Another origin gets nothing of ours.
    let stranger = Vendor::start().await;
    for link in [
        format!("{}/v1.0/more", stranger.url),
        vendor.url.replace("http://", "http://me@") + "/v1.0/more",
        vendor.url.replace("http://", "https://") + "/v1.0/more",
        "not a link".to_owned(),
    ] {
        first["@odata.nextLink"] = json!(link);
        vendor.on(HEALTH, [Play::json(first.to_string())]);
        let seen = ask(&bench(), &vendor, "service_health").await;
        assert_eq!(seen.verdict, MALFORMED, "{link}");
    }
    assert!(stranger.asked().is_empty());
}

#[tokio::test]
async fn the_announcements_are_asked_within_their_budget_however_eager_we_are() {
    let vendor = vendor().await;
    let bench = bench();
    let watch = bench.build(&(settings(&vendor) + "announcement_calls_per_hour = 20\n"));
    for _ in 0..6 {
        assert_eq!(ask_of(&bench, &watch, "sign_in").await.verdict, Verdict::Ok);
    }
    let seen = ask_of(&bench, &watch, "sign_in").await;
    assert_eq!(seen.verdict, Verdict::Unknown(Reason::Throttled));
    assert!(seen.detail.as_str().contains("keeps to 20 calls an hour"), "{}", seen.detail);
    assert!(seen.detail.as_str().contains("11:2"), "when it asks again: {}", seen.detail);
    assert_eq!(vendor.count(HEALTH), 6);
    assert_eq!(ask_of(&bench, &watch, "directory_sync").await.verdict, Verdict::Ok, "not counted");
    bench.clock.advance(61);
    assert_eq!(ask_of(&bench, &watch, "sign_in").await.verdict, Verdict::Ok);
}
