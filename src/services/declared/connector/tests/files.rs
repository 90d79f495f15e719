//! Dropped files and growing logs.

use super::{build, declare, of_estate, poll, poll_at, stage};
use crate::model::health::Reason;
use crate::model::observation::{Observation, Target, Verdict, Zone};
use crate::services::declared::tests::dropping::Drop;
use crate::services::declared::tests::stage::{fact, is_well, number, school};

const MALFORMED: Verdict = Verdict::Unknown(Reason::Malformed);
/// Before the tests' now.
const THEN: &str = "2027-02-02T09:00:00Z";

async fn estate_of(drop: &Drop, toml: &str) -> Observation {
    poll(&build(&stage(drop.path(), &[]), toml)).await.remove(&Target::Estate).unwrap()
}

// ------------------------------------------------------------------ CSV

pub(super) fn table(more: &str) -> String {
    declare(
        "bulk",
        &format!(
            "[connectors.c.file]\ndrop = {{ folder = '.', pattern = 'sync-*.csv' }}\n\
             format = 'csv'\nkey = {{ column = 'School', by = 'laestab' }}\n\
             health = {{ column = 'State', words = {{ ok = ['done'], warning = ['part'], critical = ['no'] }} }}\n\
             numbers = {{ pupils = {{ column = 'Pupils', critical_below = 1 }} }}\n{more}\n"
        ),
    )
}

pub(super) const TABLE: &str = "Pupils,School,Other,State\n214,999/0101,x,Done\n9,9990102,Ann Canary,PART\n\
                     7,9990109,x,no\n1,2\n";

#[tokio::test]
async fn a_table_has_a_row_for_each_school() {
    let drop = Drop::new();
    drop.file("sync-20270202T0800Z.csv", TABLE, THEN);
    let all = poll(&build(&stage(drop.path(), &[]), &table(""))).await;
    let first = &all[&school("9990101")];
    assert_eq!((first.verdict, number(first, "pupils")), (Verdict::Ok, Some(214.0)));
    let source = first.source_at.unwrap();
    assert_eq!(
        (source.at.to_string().as_str(), source.zone),
        ("2027-02-02T08:00:00Z", Zone::Given),
        "the time in the file's name"
    );
    assert_eq!(fact(first, "file"), Some("sync-20270202T0800Z.csv"));
    assert_eq!(fact(first, "rows of no school of ours"), Some("1"));
    assert_eq!(fact(first, "rows that cannot be read"), Some("1"));
    assert_eq!(all[&school("9990102")].verdict, Verdict::Warning);
    let absent = &all[&school("9990103")];
    assert_eq!(absent.verdict, MALFORMED);
    assert!(!format!("{all:?}").contains("Canary"), "a column that is not named is not kept");
}

#[tokio::test]
async fn a_row_that_slipped_is_held_against_every_school_that_it_may_be_about() {
    let seen = async |more: &str, toml: &str| {
        let drop = Drop::new();
        drop.file("sync-20270202T0800Z.csv", format!("{}{more}\n", TABLE.trim_end()), THEN);
        let mut all = poll(&build(&stage(drop.path(), &[]), &table(toml))).await;
        let mut take = |key| all.remove(&school(key)).unwrap();
        (take("9990101"), take("9990102"))
    };
    // It names a school of ours, wherever in it: that one is not well, the other as before.
    for more in ["\n9,9990101,2", "\nno,x,y,z,9990101"] {
        for toml in ["", "several = 'worst'"] {
            let (first, second) = seen(more, toml).await;
            assert_eq!(first.verdict, MALFORMED, "{more} {toml}: {}", first.detail);
            assert_eq!(second.verdict == Verdict::Warning, toml.is_empty(), "{}", second.detail);
        }
    }
    // It names nobody: where a school may have several rows, it may be the worst of any.
    let (first, second) = seen("", "several = 'worst'").await;
    assert_eq!((first.verdict, second.verdict), (MALFORMED, MALFORMED));
    assert!(first.detail.as_str().contains("may be about this school"), "{}", first.detail);
    let (first, _) = seen("\n0,9990101,x,no", "several = 'worst'").await;
    assert_eq!(first.verdict, Verdict::Critical, "what is worse stands");
    // Where one row is meant, a second that cannot be read is one too many.
    let toml = of_estate(
        "[connectors.c.file]\ndrop = { folder = '.', pattern = 'one.csv' }\nformat = 'csv'\n\
         health = { column = 'State', words = { ok = ['done'], critical = ['no'] } }\n",
    );
    for (text, verdict) in
        [("State,Run\ndone,9\n", Verdict::Ok), ("State,Run\ndone,9\nno\n", MALFORMED)]
    {
        let drop = Drop::new();
        drop.file("one.csv", text, THEN);
        assert_eq!(estate_of(&drop, &toml).await.verdict, verdict, "{text}");
    }
}

#[tokio::test]
async fn a_cell_that_is_empty_or_no_number_is_never_ok() {
    for (from, to) in [
        ("214,999/0101,x,Done", ",999/0101,x,Done"),
        ("214,999/0101,x,Done", "214,999/0101,x,"),
        ("214,999/0101,x,Done", "many,999/0101,x,Done"),
        ("214,999/0101,x,Done", "NaN,999/0101,x,Done"),
        ("214,999/0101,x,Done", "inf,999/0101,x,Done"),
        ("214,999/0101,x,Done", "0,999/0101,x,Done"),
        ("214,999/0101,x,Done", "214,999/0101,x,dune"),
        ("Pupils,School", "pupil,School"),
        ("State", "Status"),
        ("Other", "state"),
    ] {
        let drop = Drop::new();
        drop.file("sync-1.csv", TABLE.replace(from, to), THEN);
        let all = poll(&build(&stage(drop.path(), &[]), &table(""))).await;
        let seen = &all[&school("9990101")];
        assert!(!is_well(seen.verdict), "{to}: {:?}", seen.detail);
    }
}

#[tokio::test]
async fn text_is_read_as_it_is_written() {
    let utf16: Vec<u8> = std::iter::once(0xFEFF_u16)
        .chain(TABLE.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let marked = format!("\u{feff}{TABLE}").into_bytes();
    let windows = [TABLE.as_bytes(), b"1,9990103,caf\xe9,done\n"].concat();
    for (encoding, bytes, read) in [
        ("auto", TABLE.as_bytes().to_vec(), true),
        ("auto", marked.clone(), true),
        ("auto", utf16.clone(), true),
        ("auto", windows.clone(), true),
        ("utf-8", marked, true),
        ("utf-8", windows.clone(), false),
        ("utf-8", utf16.clone(), false),
        ("utf-16", utf16, true),
        ("utf-16", vec![0xFE, 0xFF, 0x00], false),
        ("windows-1252", windows, true),
        ("auto", vec![0, 1, 2, 3, b'\n'], false),
    ] {
        let drop = Drop::new();
        drop.file("sync-1.csv", &bytes, THEN);
        let toml = table(&format!("encoding = '{encoding}'"));
        let all = poll(&build(&stage(drop.path(), &[]), &toml)).await;
        let seen = &all[&school("9990101")];
        assert_eq!(is_well(seen.verdict), read, "{encoding}: {}", seen.detail);
    }
}

#[tokio::test]
async fn a_half_written_file_gives_way_to_the_one_before_it() {
    let drop = Drop::new();
    let watch = build(&stage(drop.path(), &[]), &table(""));
    let seen = poll(&watch).await;
    assert_eq!(seen[&school("9990101")].verdict, Verdict::Unknown(Reason::NeverSeen));
    drop.file("sync-20270201T0800Z.csv", TABLE, "2027-02-01T08:00:00Z");
    drop.file("sync-20270202T0800Z.csv", TABLE.trim_end(), THEN);
    let seen = poll(&watch).await;
    let first = &seen[&school("9990101")];
    assert_eq!(first.verdict, Verdict::Ok, "{}", first.detail);
    assert_eq!(fact(first, "still being written"), Some("sync-20270202T0800Z.csv"));
    assert_eq!(first.source_at.unwrap().at.to_string(), "2027-02-01T08:00:00Z");
    // A table whose last line has no end is complete where the configuration says so.
    let toml = table("last_line_ends = false");
    let seen = poll(&build(&stage(drop.path(), &[]), &toml)).await;
    assert_eq!(fact(&seen[&school("9990101")], "file"), Some("sync-20270202T0800Z.csv"));
}

#[tokio::test]
async fn the_same_file_twice_is_old_where_the_configuration_says_so() {
    for (more, at) in [("", "2027-02-02T08:00:00Z"), ("same_again = 'old'", "2027-01-31T08:00:00Z")]
    {
        let drop = Drop::new();
        let watch = build(&stage(drop.path(), &[]), &table(more));
        drop.file("sync-20270131T0800Z.csv", TABLE, "2027-01-31T08:00:00Z");
        let first = poll(&watch).await;
        assert_eq!(fact(&first[&school("9990101")], "holds the same as"), None);
        drop.file("sync-20270202T0800Z.csv", TABLE, THEN);
        for _ in 0..2 {
            let again = poll(&watch).await;
            let seen = &again[&school("9990101")];
            assert_eq!(fact(seen, "holds the same as"), Some("sync-20270131T0800Z.csv"));
            assert_eq!(seen.source_at.unwrap().at.to_string(), at, "{more}");
        }
        drop.file("sync-20270202T0900Z.csv", TABLE.replace("214", "215"), THEN);
        let new = poll(&watch).await;
        let seen = &new[&school("9990101")];
        assert_eq!(fact(seen, "holds the same as"), None);
        assert_eq!(seen.source_at.unwrap().at.to_string(), "2027-02-02T09:00:00Z");
    }
}

// ------------------------------------------------------------------ JSON and text

#[tokio::test]
async fn each_school_may_have_a_file_of_its_own() {
    let drop = Drop::new();
    let toml = declare(
        "school",
        "[connectors.c.file]\ndrop = { folder = '.', pattern = '{laestab}-*.json' }\n\
         format = 'json'\nhealth = { jq = '.state' }\ntime = { jq = '.at', unix = 'seconds' }\n",
    );
    drop.file("9990101-1.json", "{\"state\": \"ok\", \"at\": 1801562400}", THEN);
    drop.file("9990102-1.json", "{\"state\": \"critical\", \"at\": 18", THEN);
    drop.file("9990103-1.json", "{\"state\": \"ok\", \"at\": 1, \"at\": 1801562400}", THEN);
    let all = poll(&build(&stage(drop.path(), &[]), &toml)).await;
    let first = &all[&school("9990101")];
    assert_eq!(first.verdict, Verdict::Ok, "{}", first.detail);
    assert_eq!(first.source_at.unwrap().at.to_string(), "2027-02-02T10:00:00Z");
    let cut = &all[&school("9990102")];
    assert_eq!(cut.verdict, MALFORMED);
    assert!(cut.detail.as_str().contains("still being written"), "{}", cut.detail);
    assert_eq!(all[&school("9990103")].verdict, MALFORMED, "a key that stands twice");
}

#[tokio::test]
async fn a_schools_row_never_widens_the_pattern() {
    let drop = Drop::new();
    let mut ctx = stage(drop.path(), &[]);
    let mut estate = super::estate();
    for (row, id) in estate.subscriptions.values_mut().zip(["*", "../x", "C-3"]) {
        row.parameters.insert("x.id".to_owned(), id.to_owned());
    }
    ctx.estate = std::sync::Arc::new(estate);
    let toml = declare(
        "school",
        "[connectors.c.file]\ndrop = { folder = '.', pattern = '{param:id}.json' }\n\
         format = 'json'\nhealth = { jq = '.state' }\n",
    );
    drop.file("C-3.json", "{\"state\": \"ok\"}", THEN);
    let watch = build(&ctx, &toml);
    assert_eq!(poll(&watch).await.len(), 1);
    assert_eq!(watch.not_watched().len(), 2);
}

#[tokio::test]
async fn a_text_is_read_by_its_words() {
    let toml = of_estate(
        "age = { warning = '26h', critical = '50h' }\n\
         [connectors.c.file]\ndrop = { folder = '.', pattern = 'report.txt' }\nformat = 'text'\n\
         health = { words = { ok = ['completed'], warning = ['skipped'], critical = ['failed'] } }\n\
         numbers = { rows = { after = 'Rows:', critical_below = 1 } }\n\
         time = { after = 'Finished', zone = 'london' }\n",
    );
    let report = "Nightly run\nRows: 812 of 812\nFinished 02/02/2027 05:10\nRun completed.\n";
    for (from, to, verdict) in [
        ("", "", Verdict::Ok),
        ("completed", "completed, 3 skipped", Verdict::Warning),
        ("completed", "completed; 1 FAILED", Verdict::Critical),
        ("completed", "ended", MALFORMED),
        ("Rows: 812 of 812", "Rows: 0", Verdict::Critical),
        ("Rows: 812 of 812", "Rows: many", MALFORMED),
        ("Rows: 812 of 812\n", "", MALFORMED),
        ("Rows: 812 of 812", "Rows: 1\nRows: 2", MALFORMED),
        ("02/02/2027 05:10", "this morning", MALFORMED),
        ("Finished 02/02/2027 05:10\n", "", MALFORMED),
    ] {
        let drop = Drop::new();
        drop.file("report.txt", report.replace(from, to), THEN);
        let seen = estate_of(&drop, &toml).await;
        let expected = if from.is_empty() { Verdict::Ok } else { verdict };
        assert_eq!(seen.verdict, expected, "{to}: {}", seen.detail);
    }
    let drop = Drop::new();
    drop.file("report.txt", report, THEN);
    let seen = estate_of(&drop, &toml).await;
    let source = seen.source_at.unwrap();
    assert_eq!(
        (source.at.to_string().as_str(), source.zone),
        ("2027-02-02T05:10:00Z", Zone::Assumed)
    );
    assert_eq!(number(&seen, "rows"), Some(812.0));
}

#[tokio::test]
async fn a_link_or_a_folder_is_no_dropped_file() {
    let drop = Drop::new();
    let toml = of_estate(
        "[connectors.c.file]\ndrop = { folder = '.', pattern = 'x.json' }\nformat = 'json'\n\
         health = { jq = '.state' }\n",
    );
    drop.file("real", "{\"state\": \"ok\"}", THEN);
    std::os::unix::fs::symlink(drop.path().join("real"), drop.path().join("x.json")).unwrap();
    assert!(!is_well(estate_of(&drop, &toml).await.verdict));
}

// ------------------------------------------------------------------ syslog

fn log(scope: &str, more: &str) -> String {
    declare(
        scope,
        &format!(
            "[connectors.c.syslog]\nfile = 'log'\nsilent_after = '4h'\nkeep = '2d'\n{more}\n\
             [[connectors.c.syslog.events]]\nname = 'a service is stopped'\n\
             raised = ['state=stopped']\ncleared = ['state=started']\nhealth = 'critical'\n\
             [[connectors.c.syslog.events]]\nname = 'an update failed'\n\
             raised = ['update failed']\nhealth = 'warning'\n"
        ),
    )
}

#[tokio::test]
async fn lines_raise_and_clear_events_of_the_schools_behind_a_host() {
    let drop = Drop::new();
    let watch = build(&stage(drop.path(), &[]), &log("bulk", "param = 'host'"));
    let none = poll(&watch).await;
    assert_eq!(none[&school("9990101")].verdict, Verdict::Unknown(Reason::NoAnswer));
    drop.append(
        "log",
        "<29>Feb  2 10:00:00 gate01 mon: service=x STATE=stopped user=Ann.Canary\n\
         <29>Feb  2 10:01:00 gate02 mon: hello\n",
    );
    let all = poll(&watch).await;
    for number in ["9990101", "9990102"] {
        let seen = &all[&school(number)];
        assert_eq!(seen.verdict, Verdict::Critical);
        assert_eq!(seen.detail.as_str(), "a service is stopped at gate01");
        assert_eq!(fact(seen, "raised"), Some("2027-02-02T10:00:00Z"));
    }
    assert_eq!(all[&school("9990103")].verdict, Verdict::Ok);
    assert!(!format!("{all:?}").contains("Canary"), "no line is kept");
    drop.append("log", "<29>Feb  2 10:05:00 gate01 mon: state=started\n<29>Feb  2 10:06:00 gate01 mon: Update  FAILED\n");
    let all = poll(&watch).await;
    assert_eq!(all[&school("9990101")].verdict, Verdict::Warning);
    // A line that is not whole is not judged yet.
    drop.append("log", "<29>Feb  2 10:07:00 gate02 mon: state=sto");
    assert_eq!(poll(&watch).await[&school("9990103")].verdict, Verdict::Ok);
    drop.append("log", "pped\n");
    assert_eq!(poll(&watch).await[&school("9990103")].verdict, Verdict::Critical);
}

#[tokio::test]
async fn silence_proves_nothing_and_an_old_event_ends() {
    let drop = Drop::new();
    let watch = build(&stage(drop.path(), &[]), &log("bulk", "param = 'host'"));
    drop.append("log", "Feb  2 10:00:00 gate01 x: update failed\nFeb  2 10:00:00 gate02 x: fine\n");
    let at = |text: &str| text.parse().unwrap();
    let now = poll(&watch).await;
    assert_eq!(now[&school("9990103")].verdict, Verdict::Ok);
    let later = poll_at(&watch, at("2027-02-02T14:00:01Z")).await;
    for number in ["9990101", "9990103"] {
        assert_eq!(later[&school(number)].verdict, Verdict::Unknown(Reason::Stale), "{number}");
    }
    drop.append("log", "Feb  4 09:59:00 gate01 x: fine\nFeb  4 10:00:01 gate02 x: fine\n");
    let next = poll_at(&watch, at("2027-02-04T10:00:01Z")).await;
    assert_eq!(next[&school("9990101")].verdict, Verdict::Ok, "ended by itself after two days");
    // A known failure is worse than silence.
    drop.append("log", "Feb  4 10:00:00 gate01 x: state=stopped\n");
    let silent = poll_at(&watch, at("2027-02-04T20:00:00Z")).await;
    assert_eq!(silent[&school("9990101")].verdict, Verdict::Critical);
}

#[tokio::test]
async fn the_whole_estate_may_have_one_log() {
    let drop = Drop::new();
    let all_hosts = build(&stage(drop.path(), &[]), &log("estate", ""));
    let named = build(&stage(drop.path(), &[]), &log("estate", "hosts = ['gate01', 'gate09']"));
    drop.append(
        "log",
        "Feb  2 10:00:00 gate01 x: fine\nno line at all\nFeb 99 10:00:00 gate01 x: y\n",
    );
    let seen = poll(&all_hosts).await.remove(&Target::Estate).unwrap();
    assert_eq!(seen.verdict, Verdict::Ok, "{}", seen.detail);
    assert_eq!(fact(&seen, "lines without a time"), Some("2"));
    let seen = poll(&named).await.remove(&Target::Estate).unwrap();
    assert_eq!(seen.verdict, Verdict::Unknown(Reason::NeverSeen), "gate09 is silent");
}
