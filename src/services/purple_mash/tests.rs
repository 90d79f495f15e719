//! Proofs of Purple Mash: portal pages through real HTTP.
//!
//! The verdict reads: HTTP status, `Location`, body (school's name, marks of the generic page, block
//! marks, button of the single sign-on), time taken; and of the notes `laestab`, `last_synced_on`
//! `duplicates` and `state`. A school without a note keeps its colour: a note is not owed.

use std::time::Duration;

use proptest::prop_assert;

use super::SERVICE;
use crate::model::check::{Coverage, Flow, Scope};
use crate::model::health::Reason;
use crate::model::observation::{Target, Verdict};
use crate::services::declared::tests::damage;
use crate::services::declared::tests::dropping::Drop;
use crate::services::declared::tests::stage::{
    Row, Still, board, build, context, estate, examples_shown, fact, id, is_well, now, number,
    poll, school, verdict,
};
use crate::services::declared::tests::vendor::{Play, Vendor, page, redirect, status};
use crate::services::{Context, ServiceError};

const PORTAL: &str = include_str!("examples/portal.html");
const UNKNOWN_NAME: &str = include_str!("examples/unknown-name-200.html");
const NO_BUTTON: &str = include_str!("examples/portal-without-button.html");
const MAINTENANCE: &str = include_str!("examples/maintenance-503.html");
const NOTES: &str = include_str!("examples/notes.csv");
const MALFORMED: Verdict = Verdict::Unknown(Reason::Malformed);
const NO_ANSWER: Verdict = Verdict::Unknown(Reason::NoAnswer);
const BRIDS: &str = "9990302";

fn settings(vendor: &Vendor, more: &str) -> String {
    format!("sso = true\nendpoint = {{ url = '{}', deadline = '1s' }}\n{more}\n", vendor.url)
}

fn stage(drop: &Drop) -> (Context, std::sync::Arc<Still>) {
    let rows: [Row<'_>; 4] = [
        (
            BRIDS,
            "Saint Brid's C of E Primary",
            &[("portal", "saint-brids"), ("packages", "Serial Mash; 2Simple French")],
        ),
        ("9990305", "Gorse Field Junior School", &[]),
        ("9990309", "Dell School", &[("portal", "../ql/abc")]),
        ("9990317", "Hazel Infants", &[("portal", "hazel"), ("portal_word", "Brid's C of E")]),
    ];
    context(drop.path(), estate("purple_mash", &rows))
}

async fn seen(play: Play) -> (Verdict, String) {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    vendor.play("/sch/saint-brids", play);
    let (ctx, _) = stage(&drop);
    let watcher = build(&SERVICE, &ctx, &settings(&vendor, "")).unwrap();
    let (verdict, detail) = verdict(&watcher, now(), school(BRIDS), "portal").await;
    (verdict, detail.as_str().to_owned())
}

#[tokio::test]
async fn a_portal_page_that_names_the_school_is_up() {
    let (verdict, line) = seen(page(PORTAL)).await;
    assert_eq!((verdict, line.as_str()), (Verdict::Ok, "portal page is up and names the school"));
}

#[tokio::test]
async fn every_other_answer_leaves_ok() {
    let answer = |code, body: &str| Play::Answer(code, Vec::new(), body.to_owned());
    let without = |what: &str| page(&PORTAL.replace(what, ""));
    for (what, play, expected) in [
        ("unknown name, echoed", page(UNKNOWN_NAME), MALFORMED),
        ("name cut", without("&rsquo;s"), MALFORMED),
        ("name elsewhere", page(&PORTAL.replace("Brid", "Bride")), MALFORMED),
        ("name hidden", page(&PORTAL.replace("<h1>", "<!--").replace("</h1>", "-->")), MALFORMED),
        ("generic mark", page(&PORTAL.replace("Contact", "Find YOUR school")), MALFORMED),
        ("button gone", without("OFFICE"), Verdict::Warning),
        ("another page without it", page(NO_BUTTON), Verdict::Warning),
        ("button of another", page(&PORTAL.replace("365", "366")), Verdict::Warning),
        ("block page", page(&PORTAL.replace("Contact", "You are being blocked")), MALFORMED),
        ("empty", page(""), MALFORMED),
        ("no content", status(204), MALFORMED),
        ("not found", answer(404, PORTAL), MALFORMED),
        ("sign-in wanted", answer(403, PORTAL), Verdict::Unknown(Reason::Unauthorised)),
        ("throttled", answer(429, PORTAL), Verdict::Unknown(Reason::Throttled)),
        ("maintenance", answer(503, MAINTENANCE), Verdict::Critical),
        ("silent", Play::Silent, NO_ANSWER),
        ("half an answer", Play::Half(PORTAL.to_owned()), NO_ANSWER),
        ("redirect", redirect("https://login.microsoftonline.com/"), MALFORMED),
        ("JSON error in 200", page("{\"error\":\"Saint Brids\"}"), MALFORMED),
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
    let late = Play::Late(clock, Duration::from_secs(9), PORTAL.to_owned());
    vendor.play("/sch/saint-brids", late);
    let watcher = build(&SERVICE, &ctx, &settings(&vendor, "")).unwrap();
    let all = poll(&watcher, now()).await;
    let seen = &all[&(school(BRIDS), "portal".to_owned())];
    assert_eq!((seen.verdict, number(seen, "latency_ms")), (Verdict::Warning, Some(9_000.0)));
}

#[tokio::test]
async fn only_schools_with_a_portal_name_are_asked_one_request_each_and_never_ql() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    vendor.play("/sch/saint-brids", page(PORTAL));
    vendor.play("/sch/hazel", page(PORTAL));
    let (ctx, _) = stage(&drop);
    let watcher = build(&SERVICE, &ctx, &settings(&vendor, "")).unwrap();
    let all = poll(&watcher, now()).await;
    assert_eq!(vendor.asked(), ["/sch/saint-brids", "/sch/hazel"]);
    assert_eq!(all.len(), 2);
    assert!(all.values().all(|seen| seen.verdict == Verdict::Ok));
    let seen = &all[&(school(BRIDS), "portal".to_owned())];
    assert_eq!(fact(seen, "packages"), Some("Serial Mash; 2Simple French"));
    let gaps: Vec<_> = watcher.not_watched().into_iter().map(|g| (g.what, g.why)).collect();
    assert_eq!(gaps.len(), 2);
    assert!(
        gaps[0].0.as_str().contains("9990305")
            && gaps[0].1.as_str().contains("no purple_mash.portal")
    );
    assert!(gaps[1].0.as_str().contains("9990309") && gaps[1].1.as_str().contains("../ql/abc"));
    let ql = settings(&vendor, "").replace("',", "/ql/',");
    assert!(matches!(build(&SERVICE, &ctx, &ql), Err(ServiceError::Setting { .. })));
}

#[tokio::test]
async fn duplicates_that_a_sync_left_are_a_warning() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let (ctx, _) = stage(&drop);
    vendor.play("/sch/saint-brids", page(PORTAL));
    vendor.play("/sch/hazel", page(PORTAL));
    let watcher = build(&SERVICE, &ctx, &settings(&vendor, "sync_notes = 'notes.csv'")).unwrap();
    let at = "2027-02-01T12:00:00Z";
    // What the verdict reads of the notes of a school that was well: every field, made wrong.
    let good = "0,Somebody Real,198,9990302,,31,2026-09-09";
    for (what, notes, well) in [
        ("as it is", NOTES.to_owned(), true),
        ("number blank", NOTES.replace(good, ",S,198,9990302,,31,2026-09-09"), false),
        ("number retyped", NOTES.replace(good, "none,S,1,9990302,,31,2026-09-09"), false),
        ("number negative", NOTES.replace(good, "-1,S,1,9990302,,31,2026-09-09"), false),
        ("row doubled, worse", format!("{NOTES}7,S,1,9990302,,31,2026-09-09\n"), false),
        ("column of schools gone", NOTES.replace("laestab", "school"), false),
        ("column of days gone", NOTES.replace("Last_Synced_On", "when"), false),
        ("file not complete", NOTES.trim_end().to_owned(), false),
    ] {
        let drop_name = "notes.csv";
        drop.file(drop_name, &notes, at);
        // A fresh watcher, so that what it read before does not help.
        let fresh = build(&SERVICE, &ctx, &settings(&vendor, "sync_notes = 'notes.csv'")).unwrap();
        let (verdict, line) = verdict(&fresh, now(), school(BRIDS), "portal").await;
        assert_eq!(is_well(verdict), well, "{what}: {line}");
        assert!(well || verdict == Verdict::Warning, "{what}: {line}");
    }
    drop.file("notes.csv", NOTES, at);
    let all = poll(&watcher, now()).await;
    let hazel = &all[&(school("9990317"), "portal".to_owned())];
    assert_eq!(hazel.verdict, Verdict::Warning);
    assert!(hazel.detail.as_str().ends_with("but the sync on 2027-01-18 left 2 duplicates"));
    assert!(!format!("{hazel:?}").contains("Real"), "who ran it is not kept");
    vendor.play("/sch/hazel", status(503));
    let all = poll(&watcher, now()).await;
    assert_eq!(all[&(school("9990317"), "portal".to_owned())].verdict, Verdict::Critical);
}

#[tokio::test]
async fn a_school_whose_sync_is_paused_is_neither_well_nor_in_trouble() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let (ctx, _) = stage(&drop);
    let paused = Verdict::Unknown(Reason::Paused);
    for (state, page, means) in [
        ("", page(PORTAL), Verdict::Ok),
        ("paused", page(PORTAL), paused),
        ("PAUSED", page(PORTAL), paused),
        ("waits", page(PORTAL), Verdict::Warning),
        ("paused", status(503), Verdict::Critical),
        ("paused", page("<p>another</p>"), Verdict::Unknown(Reason::Malformed)),
    ] {
        vendor.play("/sch/saint-brids", page);
        let notes =
            format!("laestab,last_synced_on,duplicates,state\n9990302,2026-09-09,0,{state}\n");
        drop.file("notes.csv", notes, "2026-09-10T00:00:00Z");
        let watcher =
            build(&SERVICE, &ctx, &settings(&vendor, "sync_notes = 'notes.csv'")).unwrap();
        let (verdict, line) = verdict(&watcher, now(), school(BRIDS), "portal").await;
        assert_eq!(verdict, means, "{state}: {line}");
        assert_eq!(line.as_str().contains("is paused"), verdict == paused, "{line}");
        assert!(!line.as_str().contains("waits"), "what else is written there is not shown");
    }
}

#[tokio::test]
async fn a_sync_of_before_september_is_a_warning_while_the_new_intake_arrives() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let (ctx, _) = stage(&drop);
    vendor.play("/sch/saint-brids", page(PORTAL));
    let notes = |day: &str| format!("laestab,last_synced_on,duplicates\n9990302,{day},0\n");
    for (noted, at, well) in [
        ("2025-09-09", "2026-09-14T22:59:00Z", true),
        ("2025-09-09", "2026-09-14T23:00:00Z", false),
        ("2026-08-31", "2026-10-31T23:59:00Z", false),
        ("2026-08-31", "2026-11-01T00:00:00Z", true),
        ("2026-09-01", "2026-10-01T10:00:00Z", true),
        ("", "2026-10-01T10:00:00Z", true),
    ] {
        drop.file("notes.csv", notes(noted), "2026-09-01T00:00:00Z");
        let more = "sync_notes = 'notes.csv'\nhours = 'always'";
        let watcher = build(&SERVICE, &ctx, &settings(&vendor, more)).unwrap();
        let (verdict, line) = verdict(&watcher, at.parse().unwrap(), school(BRIDS), "portal").await;
        assert_eq!(is_well(verdict), well, "{noted} at {at}: {line}");
        assert!(well || line.as_str().contains("new starters"), "{line}");
    }
}

#[tokio::test]
async fn portals_are_looked_at_in_school_hours_where_they_are_set() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let (ctx, _) = stage(&drop);
    vendor.play("/sch/saint-brids", page(PORTAL));
    vendor.play("/", page("<p>Find your school</p>"));
    let hours = "hours = { from = '08:00', to = '17:00' }";
    let front = format!(
        "{hours}\n[sign_in]\n{hours}\nexpected_word = 'find'\nendpoint = {{ url = '{}/' }}\n",
        vendor.url
    );
    let watcher = build(&SERVICE, &ctx, &settings(&vendor, &front)).unwrap();
    for at in ["2027-02-02T07:59:00Z", "2027-02-02T17:00:00Z", "2027-02-16T10:00:00Z"] {
        let all = poll(&watcher, at.parse().unwrap()).await;
        assert!(all.values().all(|seen| seen.verdict == Verdict::Quiet), "{at}: {all:?}");
    }
    assert_eq!(vendor.asked().len(), 0);
    let all = poll(&watcher, now()).await;
    assert_eq!(all[&(school(BRIDS), "portal".to_owned())].verdict, Verdict::Ok);
    assert_eq!(vendor.asked().len(), 3);
    let never = settings(&vendor, "hours = { from = '17:00', to = '08:00' }");
    let refused = build(&SERVICE, &ctx, &never);
    assert!(matches!(refused, Err(ServiceError::Setting { key, .. }) if key == "hours"));
}

#[tokio::test]
async fn the_front_page_is_one_check_for_the_estate_and_the_status_page_needs_it() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let (ctx, _) = stage(&drop);
    let front = format!(
        "[sign_in]\nexpected_word = 'find your school'\nendpoint = {{ url = '{}/' }}\n",
        vendor.url
    );
    let status_page = format!("[status_page]\nendpoint = {{ url = '{}/st' }}\n", vendor.url);
    let refused = build(&SERVICE, &ctx, &settings(&vendor, &status_page));
    assert!(matches!(refused, Err(ServiceError::Setting { key, .. }) if key == "status_page"));
    let both = settings(&vendor, &(front + &status_page));
    let watcher = build(&SERVICE, &ctx, &both).unwrap();
    vendor.play("/", page("<p>Find your school</p>"));
    let says = "{\"page\":{},\"status\":{\"indicator\":\"minor\"}}";
    vendor.play("/st/api/v2/summary.json", page(says));
    let (at_front, line) = verdict(&watcher, now(), Target::Estate, "sign_in").await;
    assert_eq!(at_front, Verdict::Warning, "{line}");
}

#[tokio::test]
async fn the_table_of_checks_is_as_decided() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let (ctx, _) = stage(&drop);
    let spec = build(&SERVICE, &ctx, &settings(&vendor, "")).unwrap().describe();
    assert_eq!(spec.checks.len(), 1, "no front page is configured");
    let check = &spec.checks[0];
    assert_eq!((check.id.as_str(), check.scope), ("purple_mash.portal", Scope::School));
    assert_eq!((check.interval.as_secs(), check.tries), (300, 3));
    assert_eq!(check.covers, Coverage::Only([id(BRIDS), id("9990317")].into()));
    let flows: Vec<_> = spec.depends.iter().map(|e| (e.flow, e.from.as_str())).collect();
    assert!(flows.contains(&(Flow::SignIn, "welearn365")));
    assert!(flows.contains(&(Flow::NewAccounts, "welearn365")));
    assert!(flows.contains(&(Flow::Traffic, "smoothwall")));
}

#[test]
fn a_damaged_page_is_never_ok_without_school_and_button() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    damage::holds(PORTAL, 150, |body| {
        let (verdict, line) = runtime.block_on(seen(page(body)));
        let said = body.to_lowercase();
        let there = ["saint", "brid", "primary", "office", "365"].iter().all(|w| said.contains(w));
        prop_assert!(there || !is_well(verdict), "{line}\n{body}");
        Ok(())
    });
}

#[tokio::test]
async fn what_the_board_shows_of_each_example() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let (ctx, _) = stage(&drop);
    let plain = build(&SERVICE, &ctx, &settings(&vendor, "")).unwrap();
    let mut shown = Vec::new();
    for (file, play, claim) in [
        ("portal.html", page(PORTAL), "Ok: portal page is up and names the school"),
        (
            "unknown-name-200.html",
            page(UNKNOWN_NAME),
            "Unknown (Malformed): page does not name the school (Saint Brid's C of E Primary): is its portal name right?",
        ),
        (
            "portal-without-button.html",
            page(NO_BUTTON),
            "Warning: portal page is up without its Office 365 button",
        ),
        ("maintenance-503.html", status(503), "Critical: portal page is down: URL answered 503"),
    ] {
        vendor.play("/sch/saint-brids", play);
        let shows = board((&plain, &ctx), now(), school(BRIDS), "portal").await;
        shown.push((file, shows.replace(&vendor.url, "URL"), claim));
    }
    drop.file("notes.csv", NOTES, "2027-02-01T12:00:00Z");
    let noted = build(&SERVICE, &ctx, &settings(&vendor, "sync_notes = 'notes.csv'")).unwrap();
    for (laestab, at, claim) in [
        (BRIDS, "saint-brids", "Ok: portal page is up and names the school"),
        (
            "9990317",
            "hazel",
            "Warning: portal page is up and names the school, but the sync on 2027-01-18 left 2 duplicates",
        ),
    ] {
        vendor.play(&format!("/sch/{at}"), page(PORTAL));
        let shows = board((&noted, &ctx), now(), school(laestab), "portal").await;
        shown.push(("notes.csv", shows, claim));
    }
    examples_shown("purple_mash", &shown);
}
