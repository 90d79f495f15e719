//! One suite for every store. PostgreSQL will be held to the same.

#![cfg(test)]

use std::path::Path;

use caretaker::model::cell::{Cause, Cell, Handling, HandlingKind, Row, StateChange};
use caretaker::model::check::Scope;
use caretaker::model::desk::{CellName, DeskEntry, DeskKind};
use caretaker::model::health::{Health, Reason};
use caretaker::model::ids::ServiceKey;
use caretaker::model::incident::{
    Incident, IncidentDeed, IncidentEntry, IncidentState, KeptIncident, Member, TroubleKind,
};
use caretaker::model::kept::{KeptCell, KeptMemory, KeptPlan, KeptRun, KnownRuns, Memory};
use caretaker::model::observation::{Number, Target};
use caretaker::ports::store::{Save, Store, StoreError};
use caretaker::store::SqliteStore;
use jiff::Timestamp;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn row(number: &str) -> Row {
    Row::School(number.parse().unwrap())
}

fn key(text: &str) -> ServiceKey {
    text.parse().unwrap()
}

fn save(revision: u64) -> Save {
    Save { at: at("2026-11-23T10:00:00Z"), revision, ..Save::default() }
}

fn cell(health: Health, reason: Option<Reason>) -> Cell {
    let trouble = health.is_trouble();
    Cell {
        health,
        reason,
        why: if trouble { "the vendor says so".into() } else { "".into() },
        since: Some(at("2026-11-22T08:00:00Z")),
        state_since: Some(at("2026-11-22T08:05:00Z")),
        ..Cell::default()
    }
}

fn kept(place: Row, service: &str, cell: Cell) -> KeptCell {
    KeptCell { row: place, service: key(service), cell }
}

/// Runs that ended well, and the stretches in which somebody looked.
fn keeps_runs(open: &dyn Fn() -> Box<dyn Store>) {
    let (school, check) =
        (Target::School("9990101".parse().unwrap()), "backup.sims".parse().unwrap());
    let seen = |when: &str, run: Option<&str>| KeptRun {
        target: school,
        check: "backup.sims".parse().unwrap(),
        seen_at: at(when),
        run: run.map(at),
    };
    let store = open();
    let night = "2026-11-20T02:00:00Z";
    let answers = [
        seen("2026-11-20T08:00:00Z", Some(night)),
        seen("2026-11-20T19:59:00Z", Some(night)),
        // Twelve hours and a minute later: a run may have come and gone.
        seen("2026-11-21T08:00:00Z", None),
        seen("2026-11-21T10:00:00Z", Some("2026-11-21T09:30:00Z")),
    ];
    for answer in answers {
        store.keep(Save { runs: vec![answer], ..save(50) });
        store.flush().unwrap();
    }
    let other = KeptRun { target: Target::Estate, ..seen("2026-11-21T11:00:00Z", Some(night)) };
    store.keep(Save { runs: vec![other], ..save(51) });
    store.flush().unwrap();
    drop(store);
    let store = open();
    let known = store.runs(school, &check, at("2026-11-01T00:00:00Z")).unwrap();
    assert_eq!(known.runs, [at("2026-11-21T09:30:00Z"), at(night)], "each once, newest first");
    let stretches = [
        (at("2026-11-21T08:00:00Z"), at("2026-11-21T10:00:00Z")),
        (at("2026-11-20T08:00:00Z"), at("2026-11-20T19:59:00Z")),
    ];
    assert_eq!(known.watched, stretches);
    let late = store.runs(school, &check, at("2026-11-21T00:00:00Z")).unwrap();
    assert_eq!((late.runs.len(), late.watched.len()), (1, 1));
    let documents = "backup.documents".parse().unwrap();
    let none = store.runs(school, &documents, at("2026-11-01T00:00:00Z")).unwrap();
    assert_eq!(none, KnownRuns::default(), "of another check");
    // Seventy days later nobody could restore any of it.
    store.keep(Save { at: at("2027-02-01T10:00:00Z"), ..save(52) });
    store.flush().unwrap();
    let gone = store.runs(school, &check, at("2026-11-01T00:00:00Z")).unwrap();
    assert_eq!(gone, KnownRuns::default());
}

fn member(place: Row, service: &str, until: Option<&str>) -> Member {
    Member {
        cell: CellName { row: place, service: key(service) },
        root: CellName { row: Row::Estate, service: key("backup") },
        from: at("2026-11-23T09:00:00.250Z"),
        since: Some(at("2026-11-23T08:00:00Z")),
        until: until.map(at),
        health: Health::Unknown,
        reason: Some(Reason::NoAnswer),
        worst: Health::Critical,
        spells: 2,
        moved: None,
        parted: true,
    }
}

fn noted(why: &str) -> IncidentEntry {
    IncidentEntry {
        at: at("2026-11-23T09:30:00Z"),
        by: Some("asha".into()),
        deed: IncidentDeed::Note,
        why: why.into(),
        other: None,
        cells: 1,
        desk: Some(7),
    }
}

/// Incidents with their cells and their log; what changed only is given.
fn keeps_incidents(open: &dyn Fn() -> Box<dyn Store>) {
    let incident = |id: u64, state: IncidentState| Incident {
        id,
        opened_at: at("2026-11-23T09:00:00.250Z"),
        since: None,
        first: CellName { row: Row::Estate, service: key("backup") },
        why: "the vendor says so".into(),
        worst: Health::Critical,
        state,
        quiet_since: None,
        kinds: vec![(
            TroubleKind { service: key("backup"), check: None, reason: Some(Reason::NoAnswer) },
            at("2026-11-23T09:00:00.250Z"),
        )],
    };
    let (one, two) = (row("9990101"), row("9990103"));
    let store = open();
    assert_eq!(store.incident(4).unwrap(), None);
    let whole = KeptIncident {
        incident: incident(4, IncidentState::Open),
        members: vec![member(one, "backup", None), member(two, "backup", None)],
        entries: vec![(0, noted("first"))],
    };
    store.keep(Save { incidents: vec![whole.clone()], ..save(60) });
    store.flush().unwrap();
    // One cell is well, and somebody notes something: nothing else is told again.
    let part = KeptIncident {
        members: vec![member(two, "backup", Some("2026-11-23T09:40:00Z"))],
        entries: vec![(1, noted("second"))],
        ..whole.clone()
    };
    store.keep(Save { incidents: vec![part], ..save(61) });
    store.flush().unwrap();
    drop(store);
    let store = open();
    let board = store.load().unwrap();
    let wanted = KeptIncident {
        members: vec![
            member(one, "backup", None),
            member(two, "backup", Some("2026-11-23T09:40:00Z")),
        ],
        entries: vec![(0, noted("first")), (1, noted("second"))],
        ..whole.clone()
    };
    assert_eq!((board.incidents, board.last_incident), (vec![wanted.clone()], 4));
    assert_eq!(store.incident(4).unwrap(), Some(wanted));

    // Over: not at the next start, but for whoever asks. By hand with a cell in trouble: at both.
    let ended = |id, until: Option<&str>, state| KeptIncident {
        incident: incident(id, state),
        members: vec![member(one, "backup", until)],
        entries: Vec::new(),
    };
    let noon = at("2026-11-23T12:00:00Z");
    let over = ended(4, Some("2026-11-23T12:00:00Z"), IncidentState::Over { at: noon });
    let by_hand = IncidentState::Resolved { at: noon, by: "asha".into(), in_trouble: 1 };
    let by_hand = ended(5, None, by_hand);
    store.keep(Save { incidents: vec![over, by_hand], ..save(62) });
    store.flush().unwrap();
    drop(store);
    let store = open();
    let board = store.load().unwrap();
    let live: Vec<u64> = board.incidents.iter().map(|kept| kept.incident.id).collect();
    assert_eq!((live, board.last_incident), (vec![5], 5));
    let since = |when| {
        let found = store.incidents(at(when), 10).unwrap();
        found.iter().map(|kept| kept.incident.id).collect::<Vec<_>>()
    };
    // What stands in a log alone, because it was about no cell, is struck out as well.
    assert!(store.strike(7, &"gone".into()).unwrap());
    let told = |store: &dyn Store| {
        let log = store.incident(4).unwrap().unwrap().entries.into_iter();
        log.map(|(_, entry)| entry.why.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(told(&*store), ["gone", "gone"]);
    assert!(!store.strike(8, &"gone".into()).unwrap(), "no such entry");

    assert_eq!(since("2026-11-23T12:00:00Z").len(), 2);
    assert_eq!(since("2026-11-23T12:00:01Z"), [0_u64; 0]);
    assert_eq!(store.incidents(noon, 1).unwrap().len(), 1);
    assert_eq!(store.incident(4).unwrap().unwrap().members.len(), 2);

    // After 400 days what is over goes; what is set aside stays, and no number is given again.
    store.keep(Save { at: at("2028-02-01T10:00:00Z"), ..save(63) });
    store.flush().unwrap();
    assert_eq!(store.incident(4).unwrap(), None);
    assert_eq!(store.load().unwrap().last_incident, 5);
}

/// What every store does. `open` opens the same one again.
fn conforms(open: &dyn Fn() -> Box<dyn Store>) {
    let store = open();
    let fresh = store.load().unwrap();
    assert_eq!((fresh.revision, fresh.written_at, fresh.cells.len()), (0, None, 0));
    keeps_every_kind_of_cell(open, store);
    remembers(open);
    keeps_the_desks_book(open);
    tells_history(open);
    keeps_runs(open);
    keeps_incidents(open);
    // The book is pruned as history is.
    assert_eq!(open().desk(row("9990101"), 10).unwrap(), []);
}

fn entry(id: u64, kind: DeskKind, cells: &[(Row, &str)]) -> DeskEntry {
    let cells = cells.iter().map(|(row, service)| CellName { row: *row, service: key(service) });
    DeskEntry {
        id,
        at: at("2026-11-23T10:00:00.250Z"),
        by: "asha".into(),
        kind,
        from: None,
        until: Some(at("2026-11-23T17:00:00Z")),
        again: Vec::new(),
        filter: "".into(),
        why: "rang the office".into(),
        cells: cells.collect(),
    }
}

fn keeps_the_desks_book(open: &dyn Fn() -> Box<dyn Store>) {
    let (here, there) = (row("9990101"), row("9990102"));
    let wide = DeskEntry {
        from: Some(at("2026-11-28T22:00:00Z")),
        again: vec![
            (at("2026-12-05T22:00:00Z"), at("2026-12-06T02:00:00Z")),
            (at("2026-12-12T22:00:00Z"), at("2026-12-13T02:00:00Z")),
        ],
        filter: "mail:c kind:primary".into(),
        ..entry(1, DeskKind::Downtime, &[(here, "mail"), (here, "scan"), (there, "mail")])
    };
    let note = DeskEntry { until: None, ..entry(2, DeskKind::Note, &[(here, "scan")]) };
    let own = |e: &DeskEntry| {
        let cells = e.cells.iter().filter(|c| c.row == here).cloned().collect();
        DeskEntry { cells, ..e.clone() }
    };
    let plan = |row, hour: i8| KeptPlan {
        from: at("2026-11-28T22:00:00Z") + jiff::SignedDuration::from_hours(hour.into()),
        row,
        service: key("scan"),
        handling: Handling {
            kind: HandlingKind::Downtime,
            by: "asha".into(),
            until: Some(at("2026-11-30T02:00:00Z")),
        },
    };
    let store = open();
    let planned = Some(vec![plan(here, 0), plan(Row::Estate, 3)]);
    store.keep(Save { desk: vec![wide.clone()], planned, ..save(43) });
    store.keep(Save { desk: vec![note.clone()], ..save(43) });
    let newest_first = [note.clone(), own(&wide)];
    assert_eq!(store.desk(here, 10).unwrap(), newest_first, "before it is written");
    store.flush().unwrap();
    assert_eq!(store.desk(here, 10).unwrap(), newest_first, "and after");
    assert_eq!(store.desk(here, 1).unwrap(), [note], "the newest");
    assert_eq!(store.desk(there, 10).unwrap()[0].cells.len(), 1, "each row its own cells");
    assert_eq!(store.desk(Row::Estate, 10).unwrap(), []);
    drop(store);
    let kept = open().load().unwrap().planned;
    assert!(kept.len() == 2 && kept.contains(&plan(here, 0)), "{kept:?}");
    let store = open();
    assert!(!store.strike(77, &"gone".into()).unwrap(), "no such entry");
    assert!(store.strike(2, &"gone".into()).unwrap());
    let says = |store: &dyn Store| {
        let book = store.desk(here, 10).unwrap();
        book.into_iter().map(|entry| (entry.id, entry.why.to_string())).collect::<Vec<_>>()
    };
    let (gone, stays) = ((2, "gone".to_owned()), (1, wide.why.to_string()));
    assert_eq!(says(&*store), [gone.clone(), stays.clone()]);
    drop(store);
    let store = open();
    assert_eq!(says(&*store), [gone, stays]);
    store.keep(Save { planned: Some(vec![plan(there, 1)]), ..save(43) });
    drop(store);
    assert_eq!(open().load().unwrap().planned, [plan(there, 1)], "the whole list is another");
}

fn keeps_every_kind_of_cell(open: &dyn Fn() -> Box<dyn Store>, store: Box<dyn Store>) {
    let mut cells = vec![
        kept(Row::Estate, "mail", cell(Health::Critical, None)),
        kept(row("9990101"), "mail", cell(Health::Ok, None)),
        kept(row("9990101"), "backup", cell(Health::NotSubscribed, None)),
    ];
    for (n, reason) in [
        Reason::NoAnswer,
        Reason::Unauthorised,
        Reason::Malformed,
        Reason::Stale,
        Reason::Throttled,
        Reason::Paused,
        Reason::NeverSeen,
    ]
    .into_iter()
    .enumerate()
    {
        cells.push(kept(row(&format!("999020{n}")), "mail", cell(Health::Unknown, Some(reason))));
    }
    let handled = Cell {
        soft: true,
        flapping: true,
        quiet: false,
        handling: Some(Handling {
            kind: HandlingKind::Claimed,
            by: "op7".into(),
            until: Some(at("2026-11-24T00:00:00Z")),
        }),
        follows_from: Some(Cause { service: key("backup"), scope: Scope::Estate }),
        ..cell(Health::Warning, None)
    };
    cells.push(kept(row("9990301"), "backup", handled));
    cells.push(kept(row("9990302"), "mail", Cell { quiet: true, ..cell(Health::Ok, None) }));
    store.keep(Save { cells: cells.clone(), ..save(40) });
    // The newest state wins, also when both still wait.
    let mended = kept(Row::Estate, "mail", cell(Health::Ok, None));
    store.keep(Save { cells: vec![mended.clone()], ..save(41) });
    cells[0] = mended;
    store.flush().unwrap();
    assert_eq!(store.trouble(), None);
    drop(store);

    let mut back = open().load().unwrap();
    assert_eq!((back.revision, back.written_at), (41, Some(at("2026-11-23T10:00:00Z"))));
    let order = |c: &KeptCell| (c.row, c.service.clone());
    back.cells.sort_by_key(order);
    cells.sort_by_key(order);
    assert_eq!(back.cells, cells);
}

fn remembers(open: &dyn Fn() -> Box<dyn Store>) {
    let memory = KeptMemory {
        target: Target::School("9990101".parse().unwrap()),
        check: "mail.counts".parse().unwrap(),
        memory: Memory {
            good_at: Some(at("2026-11-20T06:00:00.250Z")),
            baseline: vec![Number { name: "pupils".into(), value: 211.0 }],
            baseline_at: Some(at("2026-11-19T06:00:00Z")),
        },
    };
    let tenant = KeptMemory {
        target: Target::Estate,
        check: "mail.tenant".parse().unwrap(),
        memory: Memory::default(),
    };
    let store = open();
    store.keep(Save { memories: vec![memory.clone(), tenant.clone()], ..save(42) });
    drop(store);
    let mut back = open().load().unwrap().memories;
    back.sort_by_key(|m| m.target);
    assert_eq!(back, [tenant, memory], "dropping a store writes what waits");
}

fn change(time: &str, from: Health, to: Health, reason: Option<Reason>) -> StateChange {
    StateChange {
        at: at(time),
        service: key("mail"),
        from,
        to,
        reason,
        follows: false,
        first: false,
        why: "because".into(),
    }
}

fn tells_history(open: &dyn Fn() -> Box<dyn Store>) {
    let (here, there) = (row("9990101"), row("9990102"));
    let first = change("2026-11-23T10:00:01Z", Health::Ok, Health::Unknown, Some(Reason::Stale));
    let first = StateChange { first: true, ..first };
    let second = StateChange {
        follows: true,
        ..change("2026-11-23T10:00:02.125Z", Health::Unknown, Health::Critical, None)
    };
    let store = open();
    let history = vec![(here, first.clone()), (there, first.clone()), (here, second.clone())];
    store.keep(Save { history, ..save(43) });
    let newest_first = [second.clone(), first.clone()];
    assert_eq!(store.history(here, 10).unwrap(), newest_first, "before it is written");
    store.flush().unwrap();
    assert_eq!(store.history(here, 10).unwrap(), newest_first, "and after");
    assert_eq!(store.history(here, 1).unwrap(), [second], "the newest");
    assert_eq!(store.history(row("9990999"), 10).unwrap(), []);

    // 400 days later the old ones go.
    let late = change("2027-12-29T00:00:00Z", Health::Critical, Health::Ok, None);
    let stamp = at("2027-12-29T00:00:00Z");
    store.keep(Save { at: stamp, history: vec![(here, late.clone())], ..save(44) });
    store.flush().unwrap();
    assert_eq!(store.history(here, 10).unwrap(), [late]);
    assert_eq!(store.history(there, 10).unwrap(), []);
}

/// What a store tells of the past. `open` opens the same one again.
fn tells_the_past(open: &dyn Fn() -> Box<dyn Store>) {
    let (here, there) = (row("9990101"), row("9990102"));
    let minute = |n: i64| at("2026-11-23T10:00:00Z") + jiff::SignedDuration::from_mins(n);
    let changed = |n: i64, from, to| StateChange {
        at: minute(n),
        ..change("2026-11-23T10:00:00Z", from, to, None)
    };
    let ill = changed(10, Health::Ok, Health::Critical);
    let well = changed(30, Health::Critical, Health::Ok);
    let other = changed(20, Health::Ok, Health::Warning);
    let claim = |n: i64, kind, cells: &[(Row, &str)]| DeskEntry {
        at: minute(n),
        until: Some(minute(25)),
        ..entry(u64::try_from(n).unwrap(), kind, cells)
    };
    let store = open();
    let history = vec![(here, ill.clone()), (here, well.clone()), (there, other.clone())];
    let desk = vec![
        claim(11, DeskKind::Claim, &[(here, "mail"), (here, "scan")]),
        claim(12, DeskKind::Note, &[(here, "mail")]),
        claim(15, DeskKind::GiveBack, &[(here, "scan")]),
    ];
    store.keep(Save { at: minute(5), history, desk, ..save(1) });
    // What was not written yet counts as well.
    let rows = [Row::Estate, here, there];
    let around = |store: &dyn Store, n: i64| {
        let found = store.around(&rows, minute(n)).unwrap();
        let of = |row| {
            let all = found.iter().find(|(name, _)| name.row == row);
            all.map(|(_, a)| (a.before.clone(), a.after.clone())).unwrap_or_default()
        };
        (of(here), of(there))
    };
    let (mine, theirs) = around(&*store, 9);
    assert_eq!((mine, theirs), ((None, Some(ill.clone())), (None, Some(other.clone()))));
    assert_eq!(around(&*store, 10).0, (Some(ill.clone()), Some(well.clone())), "at its moment");
    assert_eq!(around(&*store, 29).1, (Some(other.clone()), None));
    drop(store);
    let store = open();
    assert_eq!(around(&*store, 30).0, (Some(well.clone()), None), "and after a restart");
    let mut seen = Vec::new();
    store.between(&rows, (minute(10), minute(30)), &mut |row, c| seen.push((row, c.at))).unwrap();
    assert_eq!(
        seen,
        [(here, minute(30)), (there, minute(20))],
        "after the first, up to the second"
    );
    assert_eq!(store.up_to(here, minute(29), 9).unwrap(), [ill]);
    let near = |n, forward| store.nearest(&rows, minute(n), forward).unwrap();
    assert_eq!((near(20, true), near(20, false)), (Some(minute(30)), Some(minute(15))));
    assert_eq!((near(12, true), near(12, false)), (Some(minute(15)), Some(minute(11))), "no note");
    assert_eq!((near(30, true), near(10, false)), (None, None));
    let has = |n| -> Vec<String> {
        let held = store.holds(minute(n)).unwrap().into_iter();
        held.map(|(name, h)| format!("{} {}", name.service, h.kind.word())).collect()
    };
    assert_eq!(has(10), Vec::<String>::new());
    assert_eq!(has(14), ["mail claimed", "scan claimed"]);
    assert_eq!(has(15), ["mail claimed"], "given back");
    assert_eq!(has(25), Vec::<String>::new(), "it ran out");
    let book = store.book((minute(11), minute(60)), 9).unwrap();
    let told: Vec<_> = book.iter().map(|(e, many)| (e.kind, e.cells.len(), *many)).collect();
    assert_eq!(told, [(DeskKind::Note, 1, 1), (DeskKind::GiveBack, 1, 1)]);
    assert_eq!(store.book((minute(0), minute(60)), 1).unwrap().len(), 1);
    let desk = vec![
        claim(16, DeskKind::AcknowledgeAsIs, &[(there, "mail")]),
        claim(21, DeskKind::AcknowledgeAsIs, &[(there, "scan")]),
    ];
    store.keep(Save { at: minute(5), desk, ..save(1) });
    let as_is = "acknowledged as it is";
    assert_eq!(has(19), ["mail claimed".to_owned(), format!("mail {as_is}")]);
    assert_eq!(has(20), ["mail claimed"], "it changed");
    assert_eq!(has(22), ["mail claimed".to_owned(), format!("scan {as_is}")], "changed before");

    // Ten minutes without a word, and nobody had looked.
    for n in [15, 26, 30] {
        store.keep(Save { at: minute(n), ..save(2) });
        store.flush().unwrap();
    }
    let ran: Vec<_> = store.attended().unwrap().iter().map(|s| (s.from, s.until)).collect();
    assert_eq!(ran, [(minute(26), minute(30)), (minute(5), minute(15))]);
    store.keep(Save { at: at("2027-12-29T00:00:00Z"), ..save(3) });
    store.flush().unwrap();
    assert_eq!(store.attended().unwrap().len(), 1, "400 days later it goes");
}

#[test]
fn sqlite_tells_the_past() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board.db");
    tells_the_past(&|| Box::new(SqliteStore::open(&path).unwrap()));
}

#[test]
fn sqlite_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board.db");
    conforms(&|| Box::new(SqliteStore::open(&path).unwrap()));
}

fn with_one_cell(path: &Path) {
    let store = SqliteStore::open(path).unwrap();
    let cells = vec![kept(Row::Estate, "mail", cell(Health::Critical, None))];
    store.keep(Save { cells, ..save(7) });
    store.flush().unwrap();
}

#[test]
fn a_newer_file_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board.db");
    with_one_cell(&path);
    // Bytes 60 to 63 of a SQLite file hold user_version, most significant first.
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    std::fs::write(&path, &bytes).unwrap();
    match SqliteStore::open(&path) {
        Err(error @ StoreError::Newer { found: 99, .. }) => {
            assert!(error.to_string().contains("upgrade"), "{error}");
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("a newer file was opened"),
    }
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_damaged_file_is_moved_aside_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board.db");
    with_one_cell(&path);
    let whole = std::fs::read(&path).unwrap();
    let mut torn = whole.clone();
    torn[4_096..].fill(0xA5);
    for damaged in [b"these are letters, not a database".repeat(40), torn] {
        std::fs::write(&path, &damaged).unwrap();
        let store = SqliteStore::open(&path).unwrap();
        let notice = store.notice().expect("a damaged file is told").to_owned();
        assert!(notice.contains("board.db.damaged"), "{notice}");
        assert_eq!(std::fs::read(folder.path().join("board.db.damaged")).unwrap(), damaged);
        assert_eq!(store.load().unwrap().cells, []);
        let cells = vec![kept(Row::Estate, "mail", cell(Health::Ok, None))];
        store.keep(Save { cells, ..save(8) });
        store.flush().unwrap();
        drop(store);
        assert_eq!(SqliteStore::open(&path).unwrap().load().unwrap().cells.len(), 1);
    }
}

#[test]
fn a_folder_that_does_not_exist_is_an_error_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let refused = SqliteStore::open(&folder.path().join("none/board.db")).err().unwrap();
    assert!(refused.to_string().contains("does the folder exist"), "{refused}");
}

#[test]
fn an_ok_cell_takes_at_most_forty_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board.db");
    let services = ["a1", "b2", "c3", "d4", "e5", "f6", "g7"];
    let store = SqliteStore::open(&path).unwrap();
    let mut cells = Vec::new();
    for n in 0..6_000 {
        let place = row(&(9_990_000 + n).to_string());
        cells.extend(services.map(|s| kept(place, s, cell(Health::Ok, None))));
    }
    let count = u64::try_from(cells.len()).unwrap();
    store.keep(Save { cells, ..save(1) });
    store.flush().unwrap();
    drop(store);
    let size = std::fs::metadata(&path).unwrap().len();
    assert!(size / count <= 40, "{} bytes a cell", size / count);
}
