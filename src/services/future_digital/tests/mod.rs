//! Proofs of desktop monitoring: the file of stations.
//!
//! The verdict reads: the file's time; `laestab`, `ou`, `station`, `client_version` and `last_active`
//! of its rows; the school's calendar and its `future_digital.pcs`. The names of an OU and of a
//! station are free text: any value is as good as another, but none is not.

mod more;

use super::SERVICE;
use crate::model::calendar::{Calendar, Days};
use crate::model::check::{Coverage, Flow};
use crate::model::health::Reason;
use crate::model::observation::{Observation, Verdict, Zone};
use crate::services::declared::tests::dropping::Drop;
use crate::services::declared::tests::stage::{
    Row, build, context, estate, fact, id, is_well, now, number, poll, refusal, school,
};
use crate::services::{Context, ServiceError};

const FILE: &str = include_str!("../examples/stations-20270202T0930Z.csv");
const UK: &[u8] = include_bytes!("../examples/stations-20270202T0930Z_uk.csv");
const NAME: &str = "stations-20270202T0930Z.csv";
const MILL: &str = "9990411";
const KILN: &str = "9990406";
const MALFORMED: Verdict = Verdict::Unknown(Reason::Malformed);
const NEVER_SEEN: Verdict = Verdict::Unknown(Reason::NeverSeen);
const STALE: Verdict = Verdict::Unknown(Reason::Stale);
const SETTINGS: &str = "stations = { folder = '.' }\n";

fn stage(drop: &Drop) -> Context {
    staged(drop, &[])
}

fn staged(drop: &Drop, mill: &[(&str, &str)]) -> Context {
    let rows: [Row<'_>; 3] = [
        (MILL, "Mill Road Primary", mill),
        (KILN, "Kiln Lane School", &[]),
        ("9990420", "Absent School", &[]),
    ];
    context(drop.path(), estate("future_digital", &rows)).0
}

async fn seen_at(ctx: &Context, settings: &str, laestab: &str, at: &str) -> Observation {
    let watcher = build(&SERVICE, ctx, settings).unwrap();
    let mut all = poll(&watcher, at.parse().unwrap()).await;
    assert_eq!(all.len(), 3, "every taker gets an answer");
    all.remove(&(school(laestab), "coverage".to_owned())).unwrap()
}

/// How Mill Road stands by `file`.
async fn mill(file: impl AsRef<[u8]>) -> Observation {
    let drop = Drop::new();
    drop.file(NAME, file, "2027-02-02T09:31:00Z");
    seen_at(&stage(&drop), SETTINGS, MILL, crate::services::declared::tests::stage::NOW).await
}

/// The example with one column of every row made so.
fn with_column(name: &str, make: impl Fn(&str) -> String) -> String {
    let mut reader = csv::Reader::from_reader(FILE.as_bytes());
    let header = reader.headers().unwrap().clone();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&header).unwrap();
    for row in reader.records() {
        let row = row.unwrap();
        let cells = header.iter().zip(row.iter());
        writer
            .write_record(
                cells.map(
                    |(h, c)| {
                        if h.eq_ignore_ascii_case(name) { make(c) } else { c.to_owned() }
                    },
                ),
            )
            .unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

#[tokio::test]
async fn counts_pcs_once_and_chromebooks_apart_and_keeps_nothing_else() {
    let seen = mill(FILE).await;
    assert_eq!(seen.verdict, Verdict::Ok, "{}", seen.detail);
    assert_eq!(seen.detail.as_str(), "10 of 10 PCs checking in");
    assert_eq!(seen.source_at.unwrap().at.to_string(), "2027-02-02T09:30:00Z");
    assert_eq!(seen.source_at.unwrap().zone, Zone::Given);
    for (name, value) in [
        ("pcs_seen", 10.0),
        ("pcs_expected", 10.0),
        ("chromebooks", 1.0),
        ("chromebooks_seen", 0.0),
    ] {
        assert_eq!(number(&seen, name), Some(value), "{name}");
    }
    assert_eq!(fact(&seen, "repeated rows, each station counted once"), Some("1"));
    let kept = format!("{seen:?}").to_lowercase();
    for gone in ["someone", "192.0.2", "lib-07", "library", "mill,"] {
        assert!(!kept.contains(gone), "{gone} is kept");
    }
}

#[tokio::test]
async fn every_field_dropped_blanked_retyped_doubled_or_unseen_leaves_ok() {
    let renamed = |from: &str, to: &str| FILE.replacen(from, to, 1);
    for (column, unseen) in [
        ("laestab", vec!["", "abc", "9999", "999041", "9990499", "null"]),
        ("OU", vec![""]),
        ("Station", vec![""]),
        ("client_version", vec!["", "abc", "9.x", "null", "-"]),
        (
            "Last_Active",
            vec![
                "",
                "null",
                "yesterday",
                "1738486800",
                "2027-02-02",
                "2027-02-02T09:15:00",
                "02-02-2027 09:15",
                "2027-02-02T13:15:00Z",
                "2031-01-01T00:00:00Z",
                "2019-01-01T00:00:00Z",
            ],
        ),
    ] {
        let dropped = mill(renamed(column, "Other")).await;
        assert_eq!(dropped.verdict, MALFORMED, "{column} dropped");
        let named = dropped.detail.as_str().to_lowercase();
        assert!(named.contains(&format!("column {} is missing", column.to_lowercase())), "{named}");
        let doubled = mill(renamed("Domain", column)).await;
        assert_eq!(doubled.verdict, MALFORMED, "{column} doubled");
        for value in unseen {
            let seen = mill(with_column(column, |_| value.to_owned())).await;
            assert!(!is_well(seen.verdict), "{column} = {value:?}: {}", seen.detail);
        }
    }
}

#[tokio::test]
async fn shares_and_versions_have_their_limits() {
    // Each PC that is moved back to January is expected but not seen.
    let with_unseen = |unseen: usize| {
        let mut left = unseen;
        FILE.lines()
            .map(|line| {
                let fresh = line.starts_with("2027-02") && line.contains("0411");
                if fresh && left > 0 {
                    left -= 1;
                    line.replacen("2027-02-0", "2027-01-1", 1) + "\n"
                } else {
                    line.to_owned() + "\n"
                }
            })
            .collect::<String>()
    };
    for (unseen, verdict) in [
        (2, Verdict::Ok),
        (3, Verdict::Warning),
        (5, Verdict::Warning),
        (6, Verdict::Critical),
        (10, Verdict::Critical),
    ] {
        let seen = mill(with_unseen(unseen)).await;
        assert_eq!(seen.verdict, verdict, "{unseen} unseen: {}", seen.detail);
        assert_eq!(number(&seen, "pcs_expected"), Some(10.0));
    }
    let one_old = FILE.replacen("9990411,9.1.0.3", "9990411,9.0.9.9", 1);
    assert_eq!(mill(&one_old).await.verdict, Verdict::Ok, "nine of ten are enough");
    let two_old = one_old.replacen("9990411,9.1.0.3", "9990411,9.0.9.9", 1);
    let seen = mill(&two_old).await;
    assert_eq!(seen.verdict, Verdict::Warning);
    assert_eq!(seen.detail.as_str(), "10 of 10 PCs checking in, but 2 on an old client version");
    let drop = Drop::new();
    drop.file(NAME, FILE, "2027-02-02T09:31:00Z");
    let settings = format!("current_version = '9.10'\n{SETTINGS}");
    let at = crate::services::declared::tests::stage::NOW;
    let seen = seen_at(&stage(&drop), &settings, MILL, at).await;
    assert_eq!(seen.verdict, Verdict::Warning, "9.10 is newer than 9.1: {}", seen.detail);
}

#[tokio::test]
async fn the_configured_number_counts_where_it_is_larger() {
    let drop = Drop::new();
    drop.file(NAME, FILE, "2027-02-02T09:31:00Z");
    let at = crate::services::declared::tests::stage::NOW;
    for (pcs, verdict) in [
        ("4", Verdict::Ok),
        ("12", Verdict::Ok),
        ("13", Verdict::Warning),
        ("21", Verdict::Critical),
        ("a dozen", MALFORMED),
        ("-1", MALFORMED),
    ] {
        let ctx = staged(&drop, &[("pcs", pcs)]);
        let seen = seen_at(&ctx, SETTINGS, MILL, at).await;
        assert_eq!(seen.verdict, verdict, "{pcs}: {}", seen.detail);
    }
}

#[tokio::test]
async fn schools_under_a_half_and_schools_that_are_absent() {
    let drop = Drop::new();
    drop.file(NAME, FILE, "2027-02-02T09:31:00Z");
    let at = crate::services::declared::tests::stage::NOW;
    let kiln = seen_at(&stage(&drop), SETTINGS, KILN, at).await;
    assert_eq!(
        (kiln.verdict, kiln.detail.as_str()),
        (Verdict::Critical, "1 of 3 PCs checking in: under 50 %")
    );
    let absent = seen_at(&stage(&drop), SETTINGS, "9990420", at).await;
    assert_eq!(absent.verdict, NEVER_SEEN);
}

#[tokio::test]
async fn a_file_that_says_nothing_is_never_ok() {
    let header = FILE.lines().next().unwrap().to_owned() + "\n";
    for (what, file, verdict) in [
        ("header only", header.clone(), MALFORMED),
        ("no header", "\n".to_owned(), MALFORMED),
        ("HTML", "<html><body>Please sign in</body></html>\n".to_owned(), MALFORMED),
        ("JSON", "{\"error\": \"denied\"}\n".to_owned(), MALFORMED),
        (
            "only Chromebooks",
            header + "2027-02-02T09:15:00Z,,C1,Mill/Chromebooks,,9990411,9.1,\n",
            NEVER_SEEN,
        ),
        ("cut in a line", FILE.trim_end().to_owned(), MALFORMED),
    ] {
        let seen = mill(file).await;
        assert_eq!(seen.verdict, verdict, "{what}: {}", seen.detail);
    }
    let drop = Drop::new();
    let at = crate::services::declared::tests::stage::NOW;
    assert_eq!(seen_at(&stage(&drop), SETTINGS, MILL, at).await.verdict, NEVER_SEEN, "no file");
    let elsewhere = "stations = { folder = 'nowhere' }\n";
    let seen = seen_at(&stage(&drop), elsewhere, MILL, at).await;
    assert_eq!(seen.verdict, Verdict::Unknown(Reason::NoAnswer));
}

#[tokio::test]
async fn few_bad_rows_are_counted_and_many_prove_nothing() {
    let bad = "2027-02-02T19:15:00Z,,FUTURE,Mill Road/ICT,,9990411,9.1.0.3,\n";
    let seen = mill(format!("{FILE}{bad}")).await;
    assert_eq!(seen.verdict, Verdict::Ok);
    assert_eq!(fact(&seen, "rows that cannot be read"), Some("1"));
    assert_eq!(mill(format!("{FILE}{bad}{bad}")).await.verdict, MALFORMED);
    let nameless = "2027-02-02T09:15:00Z,,X,Mill Road/ICT,,?,9.1.0.3,\n";
    assert_eq!(mill(format!("{FILE}{nameless}")).await.verdict, Verdict::Ok);
    assert_eq!(mill(format!("{FILE}{nameless}{nameless}")).await.verdict, MALFORMED);
}

#[tokio::test]
async fn uk_dates_are_read_as_london_and_it_is_said() {
    let seen = mill(UK).await;
    assert_eq!((seen.verdict, seen.detail.as_str()), (Verdict::Ok, "2 of 2 PCs checking in"));
    assert_eq!(fact(&seen, "times without offset, read as Europe/London"), Some("2"));
    let utf16: Vec<u8> = format!("\u{feff}{}", String::from_utf8_lossy(UK))
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(mill(utf16).await.verdict, Verdict::Ok);
    let ahead = String::from_utf8_lossy(UK).replace("09:20", "12:20");
    let seen = mill(&ahead).await;
    assert_eq!(fact(&seen, "times over 1 h ahead of our clock"), Some("1"));
    let drop = Drop::new();
    drop.file(
        "stations-20261025T1200Z.csv",
        "laestab,ou,station,client_version,last_active\n\
        9990411,O,S,1,25/10/2026 01:30\n",
        "2026-10-25T12:00:00Z",
    );
    let seen = seen_at(&stage(&drop), SETTINGS, MILL, "2026-10-25T12:30:00Z").await;
    let said = "times in the hour that October repeats, read as the earlier";
    assert_eq!(fact(&seen, said), Some("1"));
}

#[tokio::test]
async fn seen_means_since_the_schedule_began_on_the_last_school_day() {
    let at = crate::services::declared::tests::stage::NOW;
    for (last_active, seen) in [
        ("2027-02-01T07:59:00Z", 0.0),
        ("2027-02-01T08:00:00Z", 1.0),
        ("2027-02-02T09:29:00Z", 1.0),
        ("2027-01-31T12:00:00Z", 0.0),
    ] {
        let file =
            format!("laestab,ou,station,client_version,last_active\n9990411,O,S,1,{last_active}\n");
        let drop = Drop::new();
        drop.file(NAME, file, "2027-02-02T09:31:00Z");
        let found = seen_at(&stage(&drop), SETTINGS, MILL, at).await;
        assert_eq!(number(&found, "pcs_seen"), Some(seen), "{last_active}");
    }
    // In summer the schedule begins an hour earlier by UTC.
    let drop = Drop::new();
    drop.file(
        "stations-20260908T0930Z.csv",
        "laestab,ou,station,client_version,last_active\n\
        9990411,O,S,1,2026-09-07T07:00:00Z\n9990411,O,T,1,2026-09-07T06:59:00Z\n",
        "2026-09-08T09:31:00Z",
    );
    let found = seen_at(&stage(&drop), SETTINGS, MILL, "2026-09-08T10:00:00Z").await;
    assert_eq!(number(&found, "pcs_seen"), Some(1.0));
}

#[tokio::test]
async fn days_without_school_are_quiet_unless_the_last_one_was_bad() {
    let drop = Drop::new();
    // Half-term: Wednesday 17 February; the last school day was Friday the 12th.
    let well = "laestab,ou,station,client_version,last_active\n\
                9990411,O,A,1,2027-02-12T15:00:00Z\n9990406,O,A,1,2027-02-03T15:00:00Z\n";
    drop.file("stations-20270217T0600Z.csv", well, "2027-02-17T06:00:00Z");
    let ctx = stage(&drop);
    let mill = seen_at(&ctx, SETTINGS, MILL, "2027-02-17T09:00:00Z").await;
    assert_eq!(mill.verdict, Verdict::Quiet);
    assert_eq!(
        mill.detail.as_str(),
        "no school today; 1 of 1 PCs checking in on the last school day"
    );
    let kiln = seen_at(&ctx, SETTINGS, KILN, "2027-02-17T09:00:00Z").await;
    assert_eq!(kiln.verdict, Verdict::Critical, "a closure does not hide what Friday showed");
}

#[tokio::test]
async fn the_age_of_the_file_counts_hours_of_school_days_by_the_schools_calendar() {
    let drop = Drop::new();
    drop.file(NAME, FILE, "2027-02-02T09:31:00Z");
    let ctx = stage(&drop);
    for (at, verdict) in [
        ("2027-02-03T11:30:00Z", Verdict::Ok),
        ("2027-02-03T11:30:01Z", Verdict::Warning),
        ("2027-02-04T11:30:00Z", Verdict::Warning),
        ("2027-02-04T11:30:01Z", STALE),
        ("2027-03-20T11:00:00Z", STALE),
    ] {
        let seen = seen_at(&ctx, SETTINGS, MILL, at).await;
        assert_eq!(seen.verdict, verdict, "{at}: {}", seen.detail);
    }
    // Friday noon to Monday noon is 24 hours of school days.
    let drop = Drop::new();
    let friday = FILE.replace("2027-02-02", "2027-01-29").replace("2027-02-01", "2027-01-28");
    drop.file("stations-20270129T1200Z.csv", friday, "2027-01-29T12:00:00Z");
    let seen = seen_at(&stage(&drop), SETTINGS, MILL, "2027-02-01T12:00:00Z").await;
    assert_eq!(seen.verdict, Verdict::Ok, "{}", seen.detail);
    // A school whose own calendar closes it ages more slowly.
    let drop = Drop::new();
    drop.file(NAME, FILE, "2027-02-02T09:31:00Z");
    let mut ctx = stage(&drop);
    let mut own = (*ctx.estate).clone();
    let closed = Days { from: "2027-02-03".parse().unwrap(), to: "2027-02-05".parse().unwrap() };
    own.calendars.insert("snow".to_owned(), Calendar { terms: Vec::new(), closures: vec![closed] });
    own.subscriptions.get_mut(&id(MILL)).unwrap().calendar = "snow".to_owned();
    ctx.estate = std::sync::Arc::new(own);
    let at = "2027-02-05T12:00:00Z";
    assert_eq!(seen_at(&ctx, SETTINGS, MILL, at).await.verdict, Verdict::Quiet);
    assert_eq!(seen_at(&ctx, SETTINGS, KILN, at).await.verdict, STALE);
}

#[tokio::test]
async fn a_file_of_tomorrow_is_not_believed_and_a_newer_half_one_is_named() {
    let drop = Drop::new();
    drop.file("stations-20270202T1043Z.csv", FILE, "2027-02-02T09:31:00Z");
    let at = crate::services::declared::tests::stage::NOW;
    assert_eq!(seen_at(&stage(&drop), SETTINGS, MILL, at).await.verdict, MALFORMED);
    drop.remove("stations-20270202T1043Z.csv");
    drop.file(NAME, FILE, "2027-02-02T09:31:00Z");
    drop.file("stations-20270202T1030Z.csv", "laestab,ou", "2027-02-02T10:30:00Z");
    let seen = seen_at(&stage(&drop), SETTINGS, MILL, at).await;
    assert_eq!(seen.verdict, Verdict::Ok);
    assert_eq!(fact(&seen, "still being written"), Some("stations-20270202T1030Z.csv"));
}

#[tokio::test]
async fn the_table_of_checks_is_as_decided_and_one_job_answers_for_all() {
    let drop = Drop::new();
    let watcher = build(&SERVICE, &stage(&drop), SETTINGS).unwrap();
    let spec = watcher.describe();
    let check = &spec.checks[0];
    assert_eq!((check.id.as_str(), check.interval.as_secs()), ("future_digital.coverage", 900));
    assert_eq!((check.covers.clone(), check.tries), (Coverage::Subscribed, 1));
    assert!(check.age.is_none(), "the age of the file is judged in one place");
    let flows: Vec<_> = spec.depends.iter().map(|e| (e.flow, e.from.as_str())).collect();
    assert_eq!(flows, [(Flow::UserNames, "welearn365")]);
    assert_eq!(watcher.jobs().len(), 1);
    assert_eq!(watcher.jobs()[0].targets.len(), 3);
    assert_eq!(spec.label, "Future Digital");
    let named = build(&SERVICE, &stage(&drop), &format!("label = 'Securus'\n{SETTINGS}")).unwrap();
    assert_eq!(named.describe().label, "Securus");
    assert!(poll(&watcher, now()).await.values().all(|seen| seen.verdict == NEVER_SEEN));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let drop = Drop::new();
    for bad in [
        "seen_warning = 40",
        "seen_critical = 0",
        "seen_warning = 101",
        "current_version = 'newest'",
        "file_unknown = '1h'",
        "checks = { coverage = { critical = '1h' } }",
    ] {
        let refused = build(&SERVICE, &stage(&drop), &format!("{bad}\n{SETTINGS}"));
        assert!(matches!(refused, Err(ServiceError::Setting { .. })), "{bad}");
    }
    for bad in ["colour = 1", "seen_warning = -1", "day_starts = 'late'"] {
        assert!(refusal(&SERVICE, &format!("{bad}\n{SETTINGS}")).is_some(), "{bad}");
    }
}
