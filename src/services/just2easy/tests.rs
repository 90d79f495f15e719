//! Proofs of Just2easy: the sign-in page through real HTTP.
//!
//! The verdict reads: HTTP status, `Location`, body (expected word, block marks), time taken; and of
//! the status page what `declared::statuspage` lists.

use std::time::Duration;

use proptest::prop_assert;

use super::SERVICE;
use crate::model::check::{Flow, Scope};
use crate::model::health::Reason;
use crate::model::observation::{Target, Verdict};
use crate::services::declared::tests::damage;
use crate::services::declared::tests::dropping::Drop;
use crate::services::declared::tests::stage::{
    Row, Still, board, build, context, estate, examples_shown, fact, is_well, now, number, poll,
    refusal,
};
use crate::services::declared::tests::vendor::{Play, Vendor, page, redirect, status};
use crate::services::{Context, ServiceError};

const SIGN_IN: &str = include_str!("examples/sign-in.html");
const TROUBLE: &str = include_str!("examples/trouble-200.html");
const FILTERED: &str = include_str!("examples/filtered-200.html");
const HAND_OVER: &str = include_str!("examples/hand-over-302.txt");
const NOTES: &str = include_str!("examples/notes.csv");
const MALFORMED: Verdict = Verdict::Unknown(Reason::Malformed);
const NO_ANSWER: Verdict = Verdict::Unknown(Reason::NoAnswer);

fn settings(vendor: &Vendor, more: &str) -> String {
    format!(
        "{more}\n[sign_in]\nexpected_word = '<form id=\"signin\"'\n\
         endpoint = {{ url = '{}/go', deadline = '1s' }}\n",
        vendor.url
    )
}

fn with_status_page(vendor: &Vendor, component: &str) -> String {
    let page = format!(
        "[status_page]\ncomponents = ['{component}']\nendpoint = {{ url = '{}/status' }}\n",
        vendor.url
    );
    settings(vendor, &page)
}

fn stage(drop: &Drop) -> (Context, std::sync::Arc<Still>) {
    let rows: [Row<'_>; 2] =
        [("9990203", "Alder Lane School", &[]), ("9990214", "Beacon Hill School", &[])];
    context(drop.path(), estate("just2easy", &rows))
}

async fn seen(play: Play) -> (Verdict, String) {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    vendor.play("/go", play);
    let (ctx, _) = stage(&drop);
    let watcher = build(&SERVICE, &ctx, &settings(&vendor, "")).unwrap();
    let all = poll(&watcher, now()).await;
    assert_eq!(all.len(), 1, "one answer for the estate");
    assert_eq!(vendor.asked().len(), 1, "one request for any number of schools");
    let seen = &all[&(Target::Estate, "sign_in".to_owned())];
    (seen.verdict, seen.detail.as_str().to_owned())
}

#[tokio::test]
async fn a_page_with_its_word_is_up_and_so_is_the_hand_over_to_microsoft() {
    assert_eq!(seen(page(SIGN_IN)).await, (Verdict::Ok, "sign-in page answers".to_owned()));
    let (verdict, line) = seen(redirect("https://LOGIN.microsoftonline.com/common/oauth2")).await;
    assert_eq!(verdict, Verdict::Ok);
    assert_eq!(line, "up as far as the hand-over to login.microsoftonline.com");
    let to = HAND_OVER.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
    assert_eq!(seen(redirect(to)).await, (Verdict::Ok, line));
}

#[tokio::test]
async fn the_page_is_looked_at_in_school_hours_where_they_are_set() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    vendor.play("/go", page(TROUBLE));
    let (ctx, _) = stage(&drop);
    let hours = "hours = { from = '07:30', to = '18:00', days = 'weekdays' }";
    let watcher = build(&SERVICE, &ctx, &(settings(&vendor, "") + hours)).unwrap();
    let sign_in = (Target::Estate, "sign_in".to_owned());
    let night = poll(&watcher, "2027-02-02T18:00:00Z".parse().unwrap()).await;
    assert_eq!(night[&sign_in].verdict, Verdict::Quiet);
    assert_eq!(vendor.asked().len(), 0);
    for _ in 0..3 {
        assert_eq!(poll(&watcher, now()).await[&sign_in].verdict, Verdict::Critical);
    }
    let night = poll(&watcher, "2027-02-02T18:00:00Z".parse().unwrap()).await;
    assert_eq!(night[&sign_in].verdict, Verdict::Critical, "trouble is not forgotten over night");
    let never = settings(&vendor, "") + "hours = { from = '09:00', to = '09:00' }";
    let refused = build(&SERVICE, &ctx, &never);
    assert!(matches!(refused, Err(ServiceError::Setting { key, .. }) if key == "sign_in.hours"));
}

#[tokio::test]
async fn every_other_answer_leaves_ok() {
    let answer = |code, body: &str| Play::Answer(code, Vec::new(), body.to_owned());
    for (what, play, expected) in [
        ("error page", page(TROUBLE), Verdict::Critical),
        ("block page", page(FILTERED), MALFORMED),
        ("word retyped", page(&SIGN_IN.replace("signin", "sign1n")), Verdict::Critical),
        ("word blank", page(&SIGN_IN.replace("\"signin\"", "\"\"")), Verdict::Critical),
        ("empty", page(""), MALFORMED),
        ("white space", page("\r\n "), MALFORMED),
        ("JSON error in 200", page("{\"error\":{\"code\":17}}"), Verdict::Critical),
        ("no content", status(204), MALFORMED),
        ("not found", answer(404, SIGN_IN), MALFORMED),
        ("created", answer(201, SIGN_IN), MALFORMED),
        ("sign-in wanted", answer(401, SIGN_IN), Verdict::Unknown(Reason::Unauthorised)),
        ("throttled", answer(429, SIGN_IN), Verdict::Unknown(Reason::Throttled)),
        ("captive portal", answer(511, SIGN_IN), MALFORMED),
        ("maintenance", answer(503, SIGN_IN), Verdict::Critical),
        ("silent", Play::Silent, NO_ANSWER),
        ("hangs up", Play::HangUp, NO_ANSWER),
        ("half an answer", Play::Half(SIGN_IN.to_owned()), NO_ANSWER),
        ("redirect without Location", status(302), MALFORMED),
        ("redirect elsewhere", redirect("https://portal.example/login"), MALFORMED),
        ("redirect in clear", redirect("http://login.microsoftonline.com/x"), MALFORMED),
        ("redirect look-alike", redirect("https://login.microsoftonline.com.example/"), MALFORMED),
        ("redirect with user", redirect("https://login.microsoftonline.com@x.example/"), MALFORMED),
    ] {
        let (verdict, line) = seen(play).await;
        assert_eq!(verdict, expected, "{what}: {line}");
    }
    let (verdict, line) = seen(Play::Huge(3 * 1024 * 1024)).await;
    assert!(!is_well(verdict), "huge: {line}");
}

#[tokio::test]
async fn a_slow_page_is_a_warning() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let (ctx, clock) = stage(&drop);
    vendor.play("/go", Play::Late(clock, Duration::from_millis(5_001), SIGN_IN.to_owned()));
    let watcher = build(&SERVICE, &ctx, &settings(&vendor, "")).unwrap();
    let all = poll(&watcher, now()).await;
    let seen = &all[&(Target::Estate, "sign_in".to_owned())];
    assert_eq!(seen.verdict, Verdict::Warning);
    assert_eq!(number(seen, "latency_ms"), Some(5_001.0));
}

#[tokio::test]
async fn the_vendors_page_worsens_a_good_probe_and_never_betters_a_bad_one() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let (ctx, _) = stage(&drop);
    let watcher = build(&SERVICE, &ctx, &with_status_page(&vendor, "j2")).unwrap();
    let summary = |word: &str| {
        format!(
            "{{\"status\":{{\"indicator\":\"none\"}},\"page\":{{\"id\":\"x\"}},\
             \"incidents\":[],\"scheduled_maintenances\":[],\
             \"components\":[{{\"name\":\"J2\",\"id\":\"z\",\"status\":\"{word}\"}}]}}"
        )
    };
    let outage = summary("major_outage");
    for (sign_in, page_says, expected) in [
        (SIGN_IN, summary("operational"), Verdict::Ok),
        (SIGN_IN, summary("degraded_performance"), Verdict::Warning),
        (SIGN_IN, outage.clone(), Verdict::Critical),
        (SIGN_IN, summary("sleepy"), MALFORMED),
        (SIGN_IN, "<html>moved</html>".to_owned(), Verdict::Ok),
        (TROUBLE, summary("operational"), Verdict::Critical),
        (FILTERED, summary("operational"), MALFORMED),
        (FILTERED, outage, Verdict::Critical),
    ] {
        vendor.play("/go", page(sign_in));
        vendor.play("/status/api/v2/summary.json", page(&page_says));
        let all = poll(&watcher, now()).await;
        let seen = &all[&(Target::Estate, "sign_in".to_owned())];
        assert_eq!(seen.verdict, expected, "{page_says}");
        assert!(fact(seen, "status page").is_some());
        assert_eq!(vendor.asked().len(), 2);
    }
    vendor.play("/go", page(SIGN_IN));
    vendor.play("/status/api/v2/summary.json", status(404));
    let all = poll(&watcher, now()).await;
    let seen = &all[&(Target::Estate, "sign_in".to_owned())];
    assert_eq!(seen.verdict, Verdict::Ok);
    assert!(fact(seen, "status page").unwrap().starts_with("no information"));
}

#[tokio::test]
async fn sync_notes_inform_and_give_no_colour_and_no_name() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let (ctx, _) = stage(&drop);
    vendor.play("/go", page(SIGN_IN));
    let watcher = build(&SERVICE, &ctx, &settings(&vendor, "sync_notes = 'notes.csv'")).unwrap();
    let all = poll(&watcher, now()).await;
    let seen = &all[&(Target::Estate, "sign_in".to_owned())];
    assert_eq!(seen.verdict, Verdict::Ok);
    assert!(fact(seen, "sync notes").unwrap().starts_with("no file `notes.csv`"));
    drop.file("notes.csv", NOTES, "2027-02-01T12:00:00Z");
    let all = poll(&watcher, now()).await;
    let seen = &all[&(Target::Estate, "sign_in".to_owned())];
    assert_eq!(fact(seen, "sync notes"), Some("2 schools noted, from 2026-09-14 to 2027-01-11"));
    assert!(!format!("{seen:?}").contains("Person") && !format!("{seen:?}").contains("matched"));
}

#[tokio::test]
async fn the_table_of_checks_is_as_decided() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let (ctx, _) = stage(&drop);
    let spec = build(&SERVICE, &ctx, &settings(&vendor, "")).unwrap().describe();
    let check = &spec.checks[0];
    assert_eq!((check.id.as_str(), check.scope), ("just2easy.sign_in", Scope::Estate));
    assert_eq!((check.interval.as_secs(), check.fresh_for.as_secs(), check.tries), (300, 900, 3));
    let flows: Vec<_> = spec.depends.iter().map(|e| (e.flow, e.from.as_str())).collect();
    assert!(flows.contains(&(Flow::SignIn, "welearn365")));
    assert!(flows.contains(&(Flow::NewAccounts, "welearn365")));
    assert!(flows.contains(&(Flow::Traffic, "smoothwall")));
    let tuned =
        settings(&vendor, "label = 'J2'\nchecks = { sign_in = { interval = '10s', tries = 1 } }");
    let spec = build(&SERVICE, &ctx, &tuned).unwrap().describe();
    assert_eq!((spec.label.as_str(), spec.checks[0].fresh_for.as_secs()), ("J2", 30));
}

#[tokio::test]
async fn settings_that_could_show_a_wrong_green_are_refused() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let (ctx, _) = stage(&drop);
    let good = settings(&vendor, "");
    for (bad, key) in [
        (good.replace("'<form id=\"signin\"'", "'  '"), "sign_in.expected_word"),
        (settings(&vendor, "checks = { sign_out = {} }"), "checks.sign_out"),
        (settings(&vendor, "checks = { sign_in = { interval = '0s' } }"), "checks.sign_in"),
        (settings(&vendor, "checks = { sign_in = { warning = '1h' } }"), "checks.sign_in"),
    ] {
        match build(&SERVICE, &ctx, &bad) {
            Err(ServiceError::Setting { key: named, .. }) => assert_eq!(named, key),
            _ => panic!("{key} was taken"),
        }
    }
    assert!(refusal(&SERVICE, &settings(&vendor, "colour = 'red'")).unwrap().contains("colour"));
}

#[test]
fn a_damaged_page_is_never_ok_without_its_word() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    damage::holds(SIGN_IN, 150, |body| {
        let (verdict, line) = runtime.block_on(seen(page(body)));
        let said: String = body.to_lowercase().split_whitespace().collect();
        let there = said.contains("<formid=\"signin\"");
        prop_assert!(there || !is_well(verdict), "{line}\n{body}");
        Ok(())
    });
}

#[tokio::test]
async fn what_the_board_shows_of_each_example() {
    let to = HAND_OVER.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let (ctx, _) = stage(&drop);
    drop.file("notes.csv", NOTES, "2027-02-01T12:00:00Z");
    let watcher = build(&SERVICE, &ctx, &settings(&vendor, "sync_notes = 'notes.csv'")).unwrap();
    let mut shown = Vec::new();
    for (file, play, claim) in [
        ("sign-in.html", page(SIGN_IN), "Ok: sign-in page answers"),
        (
            "trouble-200.html",
            page(TROUBLE),
            "Critical: sign-in page answers with an error page: its expected word is missing",
        ),
        (
            "filtered-200.html",
            page(FILTERED),
            "Unknown (Malformed): probe blocked by a web filter: sign-in page not seen",
        ),
        (
            "hand-over-302.txt",
            redirect(to),
            "Ok: up as far as the hand-over to login.microsoftonline.com",
        ),
        ("notes.csv", page(SIGN_IN), "Ok: sign-in page answers"),
    ] {
        vendor.play("/go", play);
        let shows = board((&watcher, &ctx), now(), Target::Estate, "sign_in").await;
        shown.push((file, shows, claim));
    }
    examples_shown("just2easy", &shown);
}

/// The vendor's status page is judged with the page of signing in.
#[tokio::test]
async fn what_the_board_shows_of_each_status_page() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let (ctx, _) = stage(&drop);
    let watcher = build(&SERVICE, &ctx, &with_status_page(&vendor, "Sign-in")).unwrap();
    vendor.play("/go", page(SIGN_IN));
    let mut shown = Vec::new();
    for (file, claim) in [
        ("summary-ok.json", "Ok: sign-in page answers"),
        (
            "summary-degraded.json",
            "Warning: sign-in page answers, but vendor says of Sign-in: `degraded_performance`",
        ),
        (
            "summary-outage.json",
            "Critical: sign-in page answers, but vendor says of Sign-in: `major_outage`",
        ),
        (
            "summary-monitoring.json",
            "Warning: sign-in page answers, but vendor's incident, monitoring (major), fix under watch: Nobody could sign in",
        ),
        ("summary-maintenance-elsewhere.json", "Ok: sign-in page answers"),
        ("summary-maintenance-announced.json", "Ok: sign-in page answers"),
        ("summary-other-component.json", "Ok: sign-in page answers"),
        ("only-overall.json", "Ok: sign-in page answers"),
        ("not-found-404.json", "Ok: sign-in page answers"),
        ("other-product.json", "Ok: sign-in page answers"),
    ] {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/services/declared/examples");
        let text = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
        vendor.play("/status/api/v2/summary.json", page(&text));
        let shows = board((&watcher, &ctx), now(), Target::Estate, "sign_in").await;
        shown.push((file, shows, claim));
    }
    examples_shown("declared", &shown);
}
