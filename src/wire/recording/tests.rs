//! A recording is read as it was written, or refused with the place: never in part.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::model::cell::HandlingKind;
use crate::model::check::Scope;

fn at(minute: i64) -> Timestamp {
    let start: Timestamp = "2026-11-23T22:00:00Z".parse().unwrap();
    start + SignedDuration::from_mins(minute)
}

fn cell(health: Health) -> RecordedCell {
    RecordedCell {
        health,
        reason: (health == Health::Unknown).then_some(Reason::NoAnswer),
        why: "as it was".into(),
        since: Some(at(-60)),
        handling: Some(Handling {
            kind: HandlingKind::Claimed,
            by: "operator 1".into(),
            until: Some(at(60)),
        }),
        follows_from: Some(Cause { service: "base".parse().unwrap(), scope: Scope::School }),
    }
}

fn school(n: u32) -> Laestab {
    (9_900_000 + n).to_string().parse().unwrap()
}

fn recording() -> Recording {
    let column = |key: &str| Column {
        key: key.parse().unwrap(),
        label: key.into(),
        code: "XX".into(),
        watched: true,
    };
    let two = |one, other| vec![cell(one), cell(other)];
    let schools = (1..=2).map(|n| RecordedSchool {
        laestab: school(n),
        name: Clean::new(&format!("School {n}")),
        phase: Clean::default(),
        town: Clean::default(),
        set_up: true,
        cells: two(Health::Ok, Health::Critical),
    });
    let change = |minute, n, health| {
        Happened::Change(RecordedChange {
            at: at(minute),
            row: Row::School(school(n)),
            service: "mail".parse().unwrap(),
            cell: cell(health),
        })
    };
    let root = CellName { row: Row::School(school(1)), service: "mail".parse().unwrap() };
    Recording {
        head: Head {
            version: FORMAT,
            program: "0.1.0".into(),
            made_at: at(100),
            from: at(0),
            until: at(90),
            names: Names::Masked,
            demo: false,
            schools: 2,
            columns: vec![column("mail"), column("base")],
            estate: two(Health::NotSubscribed, Health::Ok),
            incident: Some(RecordedIncident {
                id: 3,
                opened_at: at(10),
                since: at(9),
                state: IncidentState::Over { at: at(80) },
                first: root.clone(),
                why: "as it was".into(),
                members: vec![RecordedMember {
                    cell: root.clone(),
                    is_root: true,
                    from: at(10),
                    until: Some(at(80)),
                }],
            }),
        },
        schools: schools.collect(),
        happened: vec![
            change(10, 1, Health::Critical),
            Happened::Note(RecordedNote {
                at: at(20),
                kind: TimeLineKind::Desk,
                who: Some("operator 1".into()),
                what: "claimed".into(),
                about: vec![root],
                cells: 1,
            }),
            change(30, 2, Health::Unknown),
            change(80, 1, Health::Ok),
        ],
    }
}

fn written() -> String {
    String::from_utf8(recording().write().unwrap()).unwrap()
}

#[test]
fn what_was_written_is_read() {
    assert_eq!(read(written().as_bytes()).unwrap(), recording());
    assert_eq!(ended(written().as_bytes()), written().as_bytes(), "the tests' own last line fits");
}

/// With one text in the place of another, once; and a last line that fits.
fn with(from: &str, to: &str) -> Fault {
    let text = written();
    assert!(text.contains(from), "{from}");
    read(&ended(text.replacen(from, to, 1).as_bytes())).unwrap_err()
}

#[test]
fn what_is_wrong_is_named_by_line_and_field() {
    for (from, to, line, field, why) in [
        ("\"version\":1", "\"version\":2", 1, "version", "reads version 1"),
        ("\"names\":\"masked\"", "\"names\":\"all\"", 1, "names", "unknown variant"),
        ("\"demo\":false", "\"domo\":false", 1, "demo", "missing"),
        ("\"schools\":2", "\"schools\":1", 3, "line", "more schools"),
        ("\"schools\":2", "\"schools\":3", 8, "schools", "3 are told of and 2"),
        (
            "\"until\":\"2026-11-23T23:30:00Z\"",
            "\"until\":\"2026-11-23T21:30:00Z\"",
            1,
            "until",
            "ends before",
        ),
        ("\"key\":\"base\"", "\"key\":\"mail\"", 1, "columns", "each once"),
        ("\"laestab\":\"9900002\"", "\"laestab\":\"9900001\"", 3, "laestab", "twice"),
        ("\"laestab\":\"9900002\"", "\"laestab\":\"99002\"", 3, "laestab", "7 digits"),
        (
            "\"at\":\"2026-11-23T22:30:00Z\"",
            "\"at\":\"2026-11-23T22:15:00Z\"",
            6,
            "at",
            "before the line above",
        ),
        (
            "\"at\":\"2026-11-23T23:20:00Z\",\"row",
            "\"at\":\"2026-11-24T23:20:00Z\",\"row",
            7,
            "at",
            "after the end",
        ),
        (
            "\"row\":{\"school\":\"9900002\"}",
            "\"row\":{\"school\":\"9900009\"}",
            6,
            "row",
            "no such school",
        ),
        (
            "\"service\":\"mail\",\"cell",
            "\"service\":\"post\",\"cell",
            4,
            "service",
            "no such column",
        ),
        ("\"reason\":\"no_answer\",", "", 6, "cell.reason", "only then"),
        ("\"what\":\"claimed\"", "\"what\":\"claimed\",\"more\":1", 5, "more", "no such field"),
        ("{\"line\":\"note\"", "{\"line\":\"nota\"", 5, "line", "no such line"),
        ("\"cells\":[{", "\"cells\":[1,{", 2, "cells[0]", "invalid type"),
    ] {
        let fault = with(from, to);
        assert_eq!((fault.line, fault.field.as_deref()), (line, Some(field)), "{to}: {fault}");
        assert!(fault.why.contains(why), "{to}: {fault}");
        assert!(!fault.remedy.is_empty());
    }
}

#[test]
fn what_is_foreign_or_cut_or_changed_says_so() {
    let why = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
    for foreign in ["", "{}", "[1]", "hello\n", "{\"line\":\"end\"}\n", "\u{7f}ELF"] {
        assert!(why(foreign.as_bytes()).contains("no recording of caretaker"), "{foreign:?}");
    }
    let text = written();
    let ends: Vec<usize> = text.match_indices('\n').map(|(n, _)| n + 1).collect();
    for end in &ends[..ends.len() - 1] {
        assert!(why(&text.as_bytes()[..*end]).contains("cut short"), "at {end}");
    }
    let changed = text.replacen("critical", "ok", 1);
    assert!(why(changed.as_bytes()).contains("changed since it was made"));
    let twice = format!("{text}{}", text.lines().last().unwrap());
    assert!(why(twice.as_bytes()).contains("behind the last line"));
    assert!(why(b"{\"line\":\"recording\"\n\xff").starts_with("line 2: it is no text"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// However a file was damaged: it is refused, or it says what it said. So it is never greener.
    #[test]
    fn a_damaged_file_is_refused_or_says_the_same(
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..4)
    ) {
        let mut bytes = written().into_bytes();
        for (place, byte, how) in hits {
            if bytes.is_empty() {
                break;
            }
            let n = place.index(bytes.len());
            match how {
                0 => bytes[n] = byte,
                1 => drop(bytes.remove(n)),
                2 => bytes.insert(n, byte),
                // A line goes.
                _ => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
                    lines.remove(place.index(lines.len()));
                    bytes = lines.concat().into_bytes();
                }
            }
        }
        if let Ok(read) = read(&bytes) {
            prop_assert_eq!(read, recording());
        }
        drop(super::read(&ended(&bytes)));
    }
}
