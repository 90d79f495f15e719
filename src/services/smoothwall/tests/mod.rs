//! Proofs of the web filter: filtering through real HTTP, alerts from dropped files.
//!
//! `filtering` reads of both addresses: whether they answer, status, `Location`, body (block marks,
//! and the plain page's word), and the time the plain one takes. `alerts` reads of a message: its
//! date, its host, the words of its alerts; and the time of the last heartbeat.

mod mailboxes;

use std::sync::Arc;
use std::time::Duration;

use super::SERVICE;
use crate::model::check::{Coverage, Flow, Scope};
use crate::model::health::Reason;
use crate::model::observation::{Observation, Target, Verdict};
use crate::ports::watch::Watch;
use crate::services::declared::tests::dropping::Drop;
use crate::services::declared::tests::stage::{
    NOW, Row, Still, board, build, context, estate, examples_shown, fact, id, is_well, now, number,
    poll, refusal, school,
};
use crate::services::declared::tests::vendor::{Play, Vendor, page, redirect, status};
use crate::services::{Context, ServiceError};

const BLOCK_PAGE: &str = include_str!("../examples/block-page-200.html");
const PLAIN: &str = include_str!("../examples/plain.html");
const PORTAL: &str = include_str!("../examples/portal-200.html");
const HEARTBEAT: &str = include_str!("../examples/heartbeat.eml");
const STOPPED: &str = include_str!("../examples/stopped.eml");
const STARTED: &str = include_str!("../examples/started.eml");
const MERGED: &str = include_str!("../examples/merged.eml");
const FAILOVER: &str = include_str!("../examples/failover.eml");
const STRANGER: &str = include_str!("../examples/stranger.eml");
const UNHEARD_OF: &str = include_str!("../examples/unheard-of.eml");
const CUT: &str = include_str!("../examples/cut.txt");
const MALFORMED: Verdict = Verdict::Unknown(Reason::Malformed);
const NO_ANSWER: Verdict = Verdict::Unknown(Reason::NoAnswer);
/// Filtered by `edge-a`; the next two by the shared `edge-b`.
const EAST: &str = "9990511";
const SOUTH: &str = "9990503";

fn stage(drop: &Drop) -> (Context, Arc<Still>) {
    let rows: [Row<'_>; 4] = [
        (EAST, "East School", &[("appliance", "EAST")]),
        (SOUTH, "South School", &[]),
        ("9990507", "North School", &[]),
        ("9990519", "Lost School", &[("appliance", "west")]),
    ];
    context(drop.path(), estate("smoothwall", &rows))
}

// ------------------------------------------------------------------ filtering

fn proving(vendor: &Vendor, more: &str) -> String {
    let url = &vendor.url;
    format!(
        "[[appliances]]\nname = 'shared'\nshared = true\nfiltering = {{ vantage = 'direct', \
         blocked_url = '{url}/bad', plain_url = '{url}/plain', plain_word = 'PLAIN page 4711', \
         deadline = '1s', block_hosts = ['deny.example'] {more} }}\n[[appliances]]\nname = 'east'\n"
    )
}

async fn filtering(bad: Play, plain: Play, more: &str) -> Observation {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    vendor.play("/bad", bad);
    vendor.play("/plain", plain);
    let watcher = build(&SERVICE, &stage(&drop).0, &proving(&vendor, more)).unwrap();
    let mut all = poll(&watcher, now()).await;
    assert_eq!(all.len(), 3, "every school of the appliance gets the answer, and the estate");
    let estate = all.remove(&(Target::Estate, "filtering_shared".to_owned())).unwrap();
    assert!(all.values().all(|seen| seen.verdict == estate.verdict));
    assert!(estate.detail.as_str().starts_with("shared (2 schools): "), "{}", estate.detail);
    let mut asked = vendor.asked();
    asked.dedup();
    assert!(asked.len() <= 2, "two requests for any number of schools: {asked:?}");
    all.remove(&(school(SOUTH), "filtering".to_owned())).unwrap()
}

#[tokio::test]
async fn blocked_and_passed_is_filtering() {
    for bad in [
        page(BLOCK_PAGE),
        Play::Answer(403, Vec::new(), BLOCK_PAGE.to_owned()),
        redirect("https://deny.example/why?u=x"),
    ] {
        let seen = filtering(bad, page(PLAIN), "").await;
        assert_eq!((seen.verdict, seen.detail.as_str()), (Verdict::Ok, "shared: filtering"));
    }
    let seen = filtering(Play::HangUp, page(PLAIN), ", refused_is_blocked = true").await;
    assert_eq!(seen.verdict, Verdict::Ok);
    assert_eq!(seen.detail.as_str(), "shared: filtering: the test address is refused");
}

#[tokio::test]
async fn a_test_address_that_passes_is_critical() {
    for plain in [page(PLAIN), Play::HangUp, page(BLOCK_PAGE), status(503)] {
        let seen = filtering(page("<p>the forbidden page</p>"), plain, "").await;
        assert_eq!(seen.verdict, Verdict::Critical);
        assert!(seen.detail.as_str().contains("children are unfiltered"), "{}", seen.detail);
    }
}

#[tokio::test]
async fn every_other_pair_of_answers_leaves_ok() {
    let refused = ", refused_is_blocked = true";
    let blocked = || page(BLOCK_PAGE);
    let plain = || page(PLAIN);
    for (what, bad, good, more, expected) in [
        // What must be blocked.
        ("marks gone", page("<h2>Denied</h2>"), plain(), "", Verdict::Critical),
        ("empty", page(""), plain(), "", MALFORMED),
        ("silent", Play::Silent, plain(), "", NO_ANSWER),
        ("silent is no refusal", Play::Silent, plain(), refused, NO_ANSWER),
        ("hangs up", Play::HangUp, plain(), "", NO_ANSWER),
        ("server error", status(500), plain(), refused, NO_ANSWER),
        ("not found", status(404), plain(), "", MALFORMED),
        ("refused with 403", status(403), plain(), "", Verdict::Unknown(Reason::Unauthorised)),
        ("throttled", status(429), plain(), "", Verdict::Unknown(Reason::Throttled)),
        ("redirect elsewhere", redirect("https://else.example/"), plain(), "", MALFORMED),
        ("redirect in clear", redirect("http://deny.example/"), plain(), "", MALFORMED),
        // What must pass.
        ("plain blocked", blocked(), page(BLOCK_PAGE), "", Verdict::Critical),
        (
            "plain sent to the block page",
            blocked(),
            redirect("https://deny.example/"),
            "",
            Verdict::Critical,
        ),
        ("plain down", blocked(), status(502), "", Verdict::Critical),
        ("plain silent", blocked(), Play::Silent, "", Verdict::Critical),
        ("plain word gone", blocked(), page(&PLAIN.replace("4711", "")), "", MALFORMED),
        ("plain empty", blocked(), page(""), "", MALFORMED),
        ("plain half", blocked(), Play::Half(PLAIN.to_owned()), "", Verdict::Critical),
        ("plain JSON error", blocked(), page("{\"error\":1}"), "", MALFORMED),
        (
            "plain wants a sign-in",
            blocked(),
            status(407),
            "",
            Verdict::Unknown(Reason::Unauthorised),
        ),
        ("plain elsewhere", blocked(), redirect("https://else.example/"), "", MALFORMED),
        // Both.
        ("both silent", Play::HangUp, Play::HangUp, "", Verdict::Critical),
        ("both refused", Play::HangUp, Play::HangUp, refused, Verdict::Critical),
        ("captive portal", page(PORTAL), page(PORTAL), "", MALFORMED),
    ] {
        let seen = filtering(bad, good, more).await;
        assert_eq!(seen.verdict, expected, "{what}: {}", seen.detail);
    }
    for (bad, good) in [(Play::Huge(3 << 20), plain()), (blocked(), Play::Huge(3 << 20))] {
        assert!(!is_well(filtering(bad, good, "").await.verdict));
    }
}

#[tokio::test]
async fn a_slow_plain_page_is_a_warning() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let (ctx, clock) = stage(&drop);
    vendor.play("/bad", page(BLOCK_PAGE));
    vendor.play("/plain", Play::Late(clock, Duration::from_secs(7), PLAIN.to_owned()));
    let watcher = build(&SERVICE, &ctx, &proving(&vendor, "")).unwrap();
    let all = poll(&watcher, now()).await;
    let seen = &all[&(school(SOUTH), "filtering".to_owned())];
    assert_eq!((seen.verdict, number(seen, "latency_ms")), (Verdict::Warning, Some(7_000.0)));
}

// ------------------------------------------------------------------ alerts

const ALERTING: &str = "alerts = { drop = { folder = '.' } }\n\
    [[appliances]]\nname = 'shared'\nshared = true\nhosts = ['edge-b.filter.example']\n\
    [[appliances]]\nname = 'east'\nhosts = ['Edge-A.Filter.Example']\n";

fn mail(drop: &Drop, name: &str, text: &str) {
    drop.file(name, text.replace('\n', "\r\n"), "2027-02-02T10:35:00Z");
}

fn heartbeat_of(host: &str) -> String {
    HEARTBEAT.replace("Edge-A", host).replace("edge-a", host)
}

/// Both appliances are alive and have nothing to say.
fn alive() -> Drop {
    let drop = Drop::new();
    mail(&drop, "1.eml", &heartbeat_of("edge-a"));
    mail(&drop, "2.eml", &heartbeat_of("edge-b"));
    drop
}

async fn at(watcher: &Arc<dyn Watch>, laestab: &str, at: &str) -> Observation {
    let mut all = poll(watcher, at.parse().unwrap()).await;
    all.remove(&(school(laestab), "alerts".to_owned())).unwrap()
}

async fn alerts(drop: &Drop, laestab: &str, when: &str) -> Observation {
    let watcher = build(&SERVICE, &stage(drop).0, ALERTING).unwrap();
    at(&watcher, laestab, when).await
}

#[tokio::test]
async fn a_heartbeat_and_no_alert_is_well_until_the_heartbeat_is_old() {
    let drop = alive();
    let seen = alerts(&drop, EAST, NOW).await;
    assert_eq!(seen.verdict, Verdict::Ok, "{}", seen.detail);
    assert_eq!(seen.detail.as_str(), "east: no open alert, heartbeat 4h ago");
    assert_eq!(fact(&seen, "last heartbeat"), Some("2027-02-02T06:00:04Z"));
    assert_eq!(alerts(&drop, EAST, "2027-02-03T08:00:04Z").await.verdict, Verdict::Ok);
    let old = alerts(&drop, EAST, "2027-02-03T08:00:05Z").await;
    assert_eq!(old.verdict, Verdict::Unknown(Reason::Stale));
}

#[tokio::test]
async fn every_field_of_the_heartbeat_counts() {
    for (what, text) in [
        ("host of another", heartbeat_of("edge-b")),
        ("host of nobody", heartbeat_of("edge-x")),
        ("host of another domain", HEARTBEAT.replace("filter.example", "other.example")),
        ("host blank", HEARTBEAT.replace("Edge-A.filter.example", "").replace("[edge-a]", "")),
        (
            "host gone",
            HEARTBEAT.replace("HOST: Edge-A.filter.example\n", "").replace("[edge-a]", ""),
        ),
        ("date of last month", HEARTBEAT.replace("2 Feb", "2 Jan")),
        ("date in the future", HEARTBEAT.replace("07:00:04", "17:00:04")),
        ("date of nonsense", HEARTBEAT.replace("Tue, 2 Feb 2027", "Someday")),
        (
            "word gone",
            HEARTBEAT
                .replace("TEST ALERT: heartbeat of the day.", "")
                .replace("Daily [edge-a] test", "[edge-a]"),
        ),
        ("word unseen", HEARTBEAT.replace("TEST ALERT: heartbeat", "PULSE")),
        ("word turned round", HEARTBEAT.replace("heartbeat of the day", "heartbeat missing")),
        ("not a mail", "\u{1}\u{2}".to_owned()),
        ("empty", String::new()),
    ] {
        let drop = Drop::new();
        mail(&drop, "1.eml", &text);
        let seen = alerts(&drop, EAST, NOW).await;
        assert!(!is_well(seen.verdict), "{what}: {}", seen.detail);
        assert_ne!(seen.verdict, Verdict::Critical, "{what}: {}", seen.detail);
    }
    // Without a date the file's own counts.
    let drop = Drop::new();
    mail(&drop, "1.eml", &HEARTBEAT.replace("Date: Tue, 2 Feb 2027 07:00:04 +0100\n", ""));
    drop.touch("1.eml", "2027-01-30T10:00:00Z");
    assert_eq!(alerts(&drop, EAST, NOW).await.verdict, Verdict::Unknown(Reason::Stale));
    assert_eq!(alerts(&Drop::new(), EAST, NOW).await.verdict, Verdict::Unknown(Reason::NeverSeen));
    let nowhere = ALERTING.replace("folder = '.'", "folder = 'nowhere'");
    let watcher = build(&SERVICE, &stage(&drop).0, &nowhere).unwrap();
    assert_eq!(at(&watcher, EAST, NOW).await.verdict, NO_ANSWER);
}

#[tokio::test]
async fn a_stop_is_a_warning_then_critical_until_the_start() {
    let drop = alive();
    mail(&drop, "stop.eml", STOPPED);
    let soon = alerts(&drop, EAST, "2027-02-02T10:31:30Z").await;
    // Files younger than the moment asked about are in the folder already: only dates count.
    assert_eq!(soon.verdict, Verdict::Warning, "{}", soon.detail);
    let seen = alerts(&drop, EAST, NOW).await;
    assert_eq!(seen.verdict, Verdict::Critical);
    assert_eq!(seen.since, Some("2027-02-02T10:21:30Z".parse().unwrap()));
    assert!(seen.detail.as_str().contains("the web filter service has stopped"), "{}", seen.detail);
    assert_eq!(alerts(&drop, SOUTH, NOW).await.verdict, Verdict::Ok, "the other appliance is well");
    mail(&drop, "start.eml", STARTED);
    assert_eq!(alerts(&drop, EAST, NOW).await.verdict, Verdict::Ok);
    // Words that are not the ones we know do not end it, nor does a start of something else.
    for not_a_start in ["has not started", "has begun", "has started to fail"] {
        mail(&drop, "start.eml", &STARTED.replace("has started", not_a_start));
        assert_eq!(alerts(&drop, EAST, NOW).await.verdict, Verdict::Critical, "{not_a_start}");
    }
    for (from, to) in
        [("Web Filter", "SSH"), ("edge-a", "edge-b"), ("11:33", "11:13"), ("11:33", "21:33")]
    {
        mail(&drop, "start.eml", &STARTED.replace(from, to));
        assert_eq!(alerts(&drop, EAST, NOW).await.verdict, Verdict::Critical, "{from} -> {to}");
    }
}

#[tokio::test]
async fn every_field_of_a_stop_counts() {
    for (from, to) in [
        ("has stopped", "has ceased"),
        ("has stopped", ""),
        ("has stopped", "ist gestoppt"),
        ("Web filter", "Mail"),
        ("10:21:30", "20:21:30"),
        ("Date: Tue, 2 Feb 2027 10:21:30 +0000\n", ""),
        ("Tue, 2 Feb 2027", "Someday"),
        ("<p>Host: edge-a.filter.example</p>", ""),
        ("[edge-a] ", ""),
    ] {
        let drop = alive();
        mail(&drop, "stop.eml", &STOPPED.replace(from, to));
        let seen = alerts(&drop, EAST, NOW).await;
        assert!(!is_well(seen.verdict), "{from} -> {to}: {}", seen.detail);
    }
}

#[tokio::test]
async fn merged_mail_dropped_twice_counts_once_and_reaches_every_school_of_the_appliance() {
    let drop = alive();
    mail(&drop, "m.eml", MERGED);
    mail(&drop, "m (copy).eml", MERGED);
    let watcher = build(&SERVICE, &stage(&drop).0, ALERTING).unwrap();
    let all = poll(&watcher, now()).await;
    for laestab in [SOUTH, "9990507"] {
        let seen = &all[&(school(laestab), "alerts".to_owned())];
        assert_eq!(seen.verdict, Verdict::Critical);
        assert_eq!(
            seen.detail.as_str(),
            "shared: appliance reports: connection monitor: interface eth7 has failed"
        );
        let open = seen.evidence.iter().filter(|f| f.name.as_str() == "open alert").count();
        assert_eq!(open, 5);
    }
    assert_eq!(all[&(school(EAST), "alerts".to_owned())].verdict, Verdict::Ok);
    let without = MERGED.replace("Connection Monitor: interface eth7 has failed.\n", "");
    mail(&drop, "m.eml", &without);
    drop.remove("m (copy).eml");
    let seen = alerts(&drop, SOUTH, NOW).await;
    assert_eq!(
        seen.verdict,
        Verdict::Warning,
        "SSH, disk and licence are no outage: {}",
        seen.detail
    );
}

#[tokio::test]
async fn a_known_trouble_is_named_although_the_heartbeat_is_missing() {
    let drop = Drop::new();
    mail(&drop, "f.eml", FAILOVER);
    let seen = alerts(&drop, SOUTH, NOW).await;
    assert_eq!(seen.verdict, Verdict::Unknown(Reason::NeverSeen));
    assert!(seen.detail.as_str().contains("failover unit has taken over"), "{}", seen.detail);
}

#[tokio::test]
async fn a_failover_stands_until_it_is_cleared_and_notices_fade() {
    let drop = alive();
    mail(&drop, "f.eml", FAILOVER);
    let seen = alerts(&drop, SOUTH, NOW).await;
    assert_eq!(seen.verdict, Verdict::Warning, "a month old, and still so: {}", seen.detail);
    let cleared = FAILOVER
        .replace("Fri, 01 Jan", "Sat, 02 Jan")
        .replace("primary is offline, failover unit has taken over", "primary is back online");
    mail(&drop, "g.eml", &cleared);
    assert_eq!(alerts(&drop, SOUTH, NOW).await.verdict, Verdict::Ok);
    // Whatever was noticed is over when it is back to normal.
    let load = |text: &str| {
        FAILOVER
            .replace("Fri, 01 Jan", "Mon, 01 Feb")
            .replace("primary is offline, failover unit has taken over", text)
    };
    mail(&drop, "l.eml", &load("warning, load average above 12").replace("failover", "health"));
    assert_eq!(alerts(&drop, SOUTH, NOW).await.verdict, Verdict::Warning);
    mail(&drop, "m.eml", &load("load average back to normal").replace("02:13", "03:13"));
    assert_eq!(alerts(&drop, SOUTH, NOW).await.verdict, Verdict::Ok);
    let licence = FAILOVER.replace(
        "Hardware Failover: primary is offline, failover unit has taken over",
        "Licence expires soon",
    );
    mail(&drop, "f.eml", &licence.replace("Hardware failover", "Notice"));
    assert_eq!(alerts(&drop, SOUTH, NOW).await.verdict, Verdict::Ok, "not repeated for a week");
    mail(&drop, "f.eml", &licence.replace("Fri, 01 Jan", "Thu, 28 Jan"));
    assert_eq!(alerts(&drop, SOUTH, NOW).await.verdict, Verdict::Warning);
}

#[tokio::test]
async fn an_sms_that_was_cut_gives_what_is_whole() {
    let drop = alive();
    drop.file("1.txt", CUT, "2027-02-02T10:20:00Z");
    let seen = alerts(&drop, SOUTH, NOW).await;
    assert_eq!(seen.verdict, Verdict::Critical);
    assert_eq!(seen.since, Some("2027-02-02T10:20:00Z".parse().unwrap()));
    let only_the_end = "edge-b.filter.example Central Update Mon";
    drop.file("1.txt", only_the_end, "2027-02-02T10:20:00Z");
    let seen = alerts(&drop, SOUTH, NOW).await;
    assert_eq!(seen.verdict, Verdict::Warning, "half an alert is an alert: {}", seen.detail);
    // Half of good news is none.
    let stopped = "edge-b.filter.example C System Service Monitoring: the Mail filter has stopped.";
    drop.file("1.txt", stopped, "2027-02-02T10:20:00Z");
    let started = stopped.replace("stopped.", "started.");
    drop.file("2.txt", &started, "2027-02-02T10:30:00Z");
    assert_eq!(alerts(&drop, SOUTH, NOW).await.verdict, Verdict::Ok);
    drop.file("2.txt", started.replace("started.", "started aga"), "2027-02-02T10:30:00Z");
    assert_eq!(alerts(&drop, SOUTH, NOW).await.verdict, Verdict::Critical);
}

#[tokio::test]
async fn strangers_are_listed_and_colour_nobody() {
    let drop = alive();
    mail(&drop, "s.eml", STRANGER);
    mail(&drop, "n.eml", &STRANGER.replace("Host: sw-91c.lan", ""));
    drop.file("noise.pdf", "not ours", "2027-02-02T10:00:00Z");
    std::os::unix::fs::symlink("/etc/hostname", drop.path().join("link.eml")).unwrap();
    let seen = alerts(&drop, EAST, NOW).await;
    assert_eq!(seen.verdict, Verdict::Ok, "{}", seen.detail);
    assert_eq!(fact(&seen, "hosts that no appliance has"), Some("sw-91c.lan"));
    assert_eq!(fact(&seen, "messages without a host, or that cannot be read"), Some("1"));
    assert_eq!(fact(&seen, "entries that are not regular files"), Some("1"));
    // And among what nobody watches, for as long as its message stands there.
    let watcher = build(&SERVICE, &stage(&drop).0, ALERTING).unwrap();
    assert!(watcher.found().is_empty());
    at(&watcher, EAST, NOW).await;
    let found: Vec<_> = watcher.found().into_iter().map(|gap| gap.what.to_string()).collect();
    assert_eq!(found, ["smoothwall.alerts of sw-91c.lan"]);
    drop.remove("s.eml");
    at(&watcher, EAST, NOW).await;
    assert!(watcher.found().is_empty());
    // Nor does a stranger's heartbeat help anybody.
    let drop = Drop::new();
    mail(&drop, "h.eml", &heartbeat_of("sw-91c"));
    assert_eq!(alerts(&drop, EAST, NOW).await.verdict, Verdict::Unknown(Reason::NeverSeen));
}

#[tokio::test]
async fn what_nobody_knows_is_shown_without_names_and_addresses() {
    let drop = alive();
    mail(&drop, "u.eml", UNHEARD_OF);
    let seen = alerts(&drop, EAST, NOW).await;
    assert_eq!(seen.verdict, Verdict::Warning);
    assert!(
        seen.detail.as_str().contains("unrecognised alert: the lattice is wobbling"),
        "{}",
        seen.detail
    );
    let kept = format!("{seen:?}");
    for gone in ["private.example", "jsmith", "10.9.8.7"] {
        assert!(!kept.contains(gone), "{gone} in {kept}");
    }
    let ignored =
        ALERTING.replace("folder = '.' }", "folder = '.' }, words = { ignored = ['lattice'] }");
    let watcher = build(&SERVICE, &stage(&drop).0, &ignored).unwrap();
    assert_eq!(at(&watcher, EAST, NOW).await.verdict, Verdict::Ok);
}

#[tokio::test]
async fn a_changed_file_is_read_again_and_a_removed_one_forgotten() {
    let drop = alive();
    let watcher = build(&SERVICE, &stage(&drop).0, ALERTING).unwrap();
    mail(&drop, "x.eml", STOPPED);
    assert_eq!(at(&watcher, EAST, NOW).await.verdict, Verdict::Critical);
    assert_eq!(at(&watcher, EAST, NOW).await.verdict, Verdict::Critical, "and from what was read");
    mail(&drop, "x.eml", &heartbeat_of("edge-a"));
    assert_eq!(at(&watcher, EAST, NOW).await.verdict, Verdict::Ok);
    drop.remove("1.eml");
    drop.remove("x.eml");
    assert_eq!(at(&watcher, EAST, NOW).await.verdict, Verdict::Unknown(Reason::NeverSeen));
}

// ------------------------------------------------------------------ the table, the settings

#[tokio::test]
async fn the_table_of_checks_is_as_decided_and_gaps_are_named() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let both =
        proving(&vendor, "").replace("name = 'shared'", "name = 'shared'\nhosts = ['edge-b']");
    let both = format!("alerts = {{ drop = {{ folder = '.' }} }}\n{both}");
    let watcher = build(&SERVICE, &stage(&drop).0, &both).unwrap();
    let spec = watcher.describe();
    let rows: Vec<_> =
        spec.checks.iter().map(|c| (c.id.as_str(), c.interval.as_secs(), c.tries)).collect();
    assert_eq!(
        rows,
        [
            ("smoothwall.filtering_shared", 300, 3),
            ("smoothwall.filtering", 300, 3),
            ("smoothwall.alerts_shared", 60, 1),
            ("smoothwall.alerts", 60, 1),
        ]
    );
    assert_eq!(spec.checks[1].emits, [Flow::Traffic]);
    assert!(spec.checks[3].emits.is_empty(), "a licence notice cuts nobody's traffic");
    // The estate's row tells of what several schools share, and of it nobody else.
    for (of_estate, of_schools) in [(0, 1), (2, 3)] {
        let (of_estate, of_schools) = (&spec.checks[of_estate], &spec.checks[of_schools]);
        assert_eq!((of_estate.scope, of_schools.scope), (Scope::Estate, Scope::School));
        assert!(of_estate.stays && of_estate.emits.is_empty() && of_estate.shared.is_empty());
        let both = [id(SOUTH), id("9990507")];
        assert_eq!(of_schools.covers, Coverage::Only(both.into()));
        assert_eq!(of_schools.shared, both.map(|school| (school, of_estate.id.clone())).into());
    }
    let flows: Vec<_> = spec.depends.iter().map(|e| (e.flow, e.from.as_str())).collect();
    assert_eq!(flows, [(Flow::UserGroups, "welearn365")]);
    let jobs: Vec<_> = watcher.jobs().into_iter().map(|j| (j.id, j.targets.len())).collect();
    assert_eq!(jobs, [("filtering/shared".into(), 3), ("alerts".into(), 3)]);
    let gaps: Vec<_> = watcher.not_watched().into_iter().map(|g| g.what.to_string()).collect();
    assert_eq!(
        gaps,
        ["smoothwall of 9990519", "smoothwall.filtering of east", "smoothwall.alerts of east"]
    );
    let none =
        build(&SERVICE, &stage(&drop).0, "[[appliances]]\nname = 'x'\nshared = true").unwrap();
    assert!(none.describe().checks.is_empty() && none.jobs().is_empty());
    assert_eq!(none.not_watched().len(), 4);
}

#[tokio::test]
async fn an_appliance_of_one_school_is_its_own_and_names_become_words() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    vendor.play("/bad", page(PLAIN));
    vendor.play("/plain", page(PLAIN));
    // The second appliance filters one school; two names come to one word.
    let two = proving(&vendor, "").replace("name = 'shared'", "name = 'North Trust (A)!'");
    let two =
        two.replace("name = 'east'", "name = 'east'\n[[appliances]]\nname = 'north-trust: a'");
    let watcher = build(&SERVICE, &stage(&drop).0, &two).unwrap();
    let checks = watcher.describe().checks;
    let ids: Vec<&str> = checks.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(ids, ["smoothwall.filtering_north_trust_a__1", "smoothwall.filtering"]);
    let east = proving(&vendor, "").replace("name = 'shared'\nshared = true", "name = 'west'");
    let watcher = build(&SERVICE, &stage(&drop).0, &east).unwrap();
    let checks = watcher.describe().checks;
    assert_eq!(checks.len(), 1, "one school is no estate");
    assert!(checks[0].shared.is_empty());
    let seen = poll(&watcher, now()).await;
    assert_eq!(seen.keys().map(|(target, _)| *target).collect::<Vec<_>>(), [school("9990519")]);
}

#[tokio::test]
async fn settings_that_could_show_a_wrong_green_are_refused() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let good = proving(&vendor, "");
    for (what, bad) in [
        ("no word", good.replace("PLAIN page 4711", " ")),
        ("same address", good.replace("/plain'", "/bad'")),
        ("no mark", format!("block_marks = ['']\n{}", good.replace("['deny.example']", "[]"))),
        ("two of a name", good.replace("'east'", "'Shared'")),
        ("two shared", good.replace("'east'", "'east'\nshared = true")),
        ("two of a host", ALERTING.replace("Edge-A.Filter", "EDGE-B.filter")),
        ("unknown check", format!("checks = {{ filter = {{}} }}\n{good}")),
    ] {
        let refused = build(&SERVICE, &stage(&drop).0, &bad);
        assert!(matches!(refused, Err(ServiceError::Setting { .. })), "{what}");
    }
    assert!(refusal(&SERVICE, &good.replace("'direct'", "'indirect'")).is_some());
    assert!(refusal(&SERVICE, &good.replace("vantage = 'direct',", "")).is_some());
    let proxied = good.replace("'direct'", "{ proxy = 'http://127.0.0.1:3128' }");
    let refused = build(&SERVICE, &stage(&drop).0, &proxied);
    assert!(matches!(refused, Err(ServiceError::Setting { .. })), "own addresses are not proxied");
}

#[tokio::test]
async fn the_proxy_is_the_vantage_and_is_asked_in_plain_http() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let settings = proving(&vendor, "")
        .replace("'direct'", &format!("{{ proxy = '{}' }}", vendor.url))
        .replace(&format!("{}/bad", vendor.url), "http://agreed.invalid/bad")
        .replace(&format!("{}/plain", vendor.url), "http://agreed.invalid/plain");
    let watcher = build(&SERVICE, &stage(&drop).0, &settings).unwrap();
    vendor.play("http://agreed.invalid/bad", page(BLOCK_PAGE));
    vendor.play("http://agreed.invalid/plain", page(PLAIN));
    let all = poll(&watcher, now()).await;
    assert_eq!(all[&(school(SOUTH), "filtering".to_owned())].verdict, Verdict::Ok);
    assert_eq!(vendor.asked(), ["http://agreed.invalid/plain", "http://agreed.invalid/bad"]);
    vendor.play("http://agreed.invalid/bad", page(PLAIN));
    let all = poll(&watcher, now()).await;
    assert_eq!(all[&(school(SOUTH), "filtering".to_owned())].verdict, Verdict::Critical);
}

/// Files with alerts, one of the schools whose appliance they are about, and what the board shows of it.
const ALERTS_SHOWN: [(&str, &str, &str); 15] = [
    ("heartbeat.eml", EAST, "Ok: east: no open alert, heartbeat 4h ago"),
    (
        "stopped.eml",
        EAST,
        "Critical: east: appliance reports: system service monitoring: the web filter service has stopped",
    ),
    ("started.eml", EAST, "Ok: east: no open alert, heartbeat 4h ago"),
    (
        "merged.eml",
        SOUTH,
        "Critical: shared: appliance reports: connection monitor: interface eth7 has failed",
    ),
    (
        "failover.eml",
        SOUTH,
        "Warning: shared: appliance reports: hardware failover: primary is offline, failover unit has taken over",
    ),
    ("licence.eml", EAST, "Warning: east: appliance reports: your blocklist is out of date"),
    (
        "reduced.eml",
        SOUTH,
        "Warning: shared: appliance reports: cloud filter: now in filter mode 1 (without policies, logs and safeguarding alerts: call the vendor)",
    ),
    ("returned.eml", EAST, "Warning: east: unrecognised alert: i could not deliver your message"),
    ("stranger.eml", EAST, "Ok: east: no open alert, heartbeat 4h ago"),
    (
        "two-hosts.eml",
        EAST,
        "Critical: east: appliance reports: system service monitoring: the authentication service has stopped",
    ),
    (
        "two-hosts.eml",
        SOUTH,
        "Warning: shared: appliance reports: health monitor: warning, load average above 12",
    ),
    (
        "unheard-of.eml",
        EAST,
        "Warning: east: unrecognised alert: the lattice is wobbling at … for … … from …",
    ),
    (
        "cut.txt",
        SOUTH,
        "Critical: shared: appliance reports: connection monitor: interface eth7 has failed",
    ),
    (
        "alerts.log",
        EAST,
        "Critical: east: appliance reports: alert … service=guardian state=stopped",
    ),
    (
        "alerts.log",
        SOUTH,
        "Critical: shared: appliance reports: alert … interface=eth7 state=failed",
    ),
];

#[tokio::test]
async fn what_the_board_shows_of_each_example() {
    let mut shown = Vec::new();
    for (file, bad, plain, claim) in [
        ("block-page-200.html", BLOCK_PAGE, PLAIN, "Ok: shared: filtering"),
        (
            "plain.html",
            PLAIN,
            PLAIN,
            "Critical: shared: not filtering: the test address passed, children are unfiltered",
        ),
        (
            "portal-200.html",
            BLOCK_PAGE,
            PORTAL,
            "Unknown (Malformed): shared: filtering not confirmed: plain address: another page: a captive portal?",
        ),
    ] {
        let (vendor, drop) = (Vendor::start().await, Drop::new());
        vendor.play("/bad", page(bad));
        vendor.play("/plain", page(plain));
        let (ctx, _) = stage(&drop);
        let watcher = build(&SERVICE, &ctx, &proving(&vendor, "")).unwrap();
        let shows = board((&watcher, &ctx), now(), school(SOUTH), "filtering").await;
        shown.push((file, shows, claim));
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/services/smoothwall/examples");
    for (file, laestab, claim) in ALERTS_SHOWN {
        let drop = if file.ends_with(".log") { Drop::new() } else { alive() };
        let text = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
        let name = file.replace(".eml", "-1.eml");
        drop.file(
            &name,
            text.replace('\n', if file.ends_with(".eml") { "\r\n" } else { "\n" }),
            "2027-02-02T10:20:00Z",
        );
        let settings = match file {
            "alerts.log" => {
                ALERTING.replace("drop = { folder = '.' }", "syslog = { file = 'alerts.log' }")
            }
            _ => ALERTING.to_owned(),
        };
        let (ctx, _) = stage(&drop);
        let watcher = build(&SERVICE, &ctx, &settings).unwrap();
        let at = NOW.parse().unwrap();
        let shows = board((&watcher, &ctx), at, school(laestab), "alerts").await;
        shown.push((file, shows, claim));
    }
    examples_shown("smoothwall", &shown);
}
