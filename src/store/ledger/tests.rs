//! The ledger on a real disk.

use jiff::SignedDuration;

use super::*;
use crate::ledger::{Line, verify};
use crate::model::action::Class;
use crate::model::observation::Fact;
use crate::model::plan::{Ask, Item, Kind, Outcome, Ruling, Step, StepState};
use crate::model::text::Clean;
use crate::ports::ledger::{HourLimit, Settled, commit, recover};

fn at(minute: i64) -> Timestamp {
    let start: Timestamp = "2026-03-03T09:00:00Z".parse().unwrap();
    start + SignedDuration::from_mins(minute)
}

fn person(uid: u32, login: Option<u32>) -> Operator {
    Operator { uid, login, name: Clean::new(&format!("u{uid}")) }
}

fn draft(kind: &'static str) -> Draft {
    let name = Detail { value: Clean::new("m.invented"), salt: [3; 32] };
    Draft {
        at: at(0),
        kind,
        by: Some(person(1000, Some(1000))),
        about: Clean::new("9379001"),
        body: BTreeMap::new(),
        private: BTreeMap::from([("name".to_owned(), name)]),
    }
}

fn item(n: u32) -> Item {
    Item {
        key: Clean::new(&format!("key-{n}")),
        aim: format!("937{:04}", 9000 + n).parse().unwrap(),
        also: Vec::new(),
        kind: Kind::School,
        lease: Clean::new("groupcall:9379001"),
        now: Vec::new(),
        steps: vec![Step {
            id: Clean::new("ask"),
            system: Clean::new("Groupcall"),
            says: Clean::new("ask for fresh data"),
            class: Class::Trigger,
            undoable: false,
            patience_s: 60,
            with: BTreeMap::new(),
        }],
        protective: false,
        will_not: Vec::new(),
        beware: Vec::new(),
        undo: None,
        sends: Vec::new(),
        second_person: None,
    }
}

fn plan(id: &str, by: Operator, second: Option<Role>, items: Vec<Item>) -> Plan {
    Plan {
        id: Clean::new(id),
        ask: Ask {
            action: "groupcall.resync".parse().unwrap(),
            targets: items.iter().map(|i| i.aim.clone()).collect(),
            reason: Clean::new("no data since Saturday"),
            ticket: None,
            choices: BTreeMap::new(),
            continues: None,
        },
        by,
        items,
        left_out: Vec::new(),
        ruling: Ruling {
            policy: Clean::new("p1"),
            rule: Clean::new("resync"),
            second,
            says: Vec::new(),
        },
        made_at: at(0),
        expires_at: at(5),
        digest: Clean::new("d1"),
    }
}

struct Stage {
    _folder: tempfile::TempDir,
    path: PathBuf,
    ledger: SqliteLedger,
}

fn stage() -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = SqliteLedger::open(&path).unwrap();
    Stage { _folder: folder, path, ledger }
}

fn intent<'a>(plan: &'a Plan, minute: i64) -> Intent<'a> {
    Intent {
        plan,
        item: &plan.items[0],
        at: at(minute),
        lease_until: at(minute + 10),
        limit: HourLimit { person: None, desk: None },
    }
}

fn begin(s: &Stage, plan: &Plan, minute: i64) -> Result<(), LedgerError> {
    s.ledger.request(plan, at(minute), at(minute + 30), draft("confirmed"))?;
    commit(&s.ledger, &intent(plan, minute), draft("intent")).map(drop)
}

#[test]
fn threat_11_a_plan_is_used_once_and_in_time() {
    let s = stage();
    let first = plan("a", person(1000, None), None, vec![item(1)]);
    begin(&s, &first, 0).unwrap();
    let again = s.ledger.request(&first, at(1), at(31), draft("confirmed"));
    assert!(matches!(again, Err(LedgerError::Used(_))), "{again:?}");
    let twice = commit(&s.ledger, &intent(&first, 1), draft("intent"));
    assert!(matches!(twice, Err(LedgerError::Used(_))), "{twice:?}");
    let late = plan("b", person(1000, None), None, vec![item(2)]);
    s.ledger.request(&late, at(0), at(30), draft("confirmed")).unwrap();
    let error = commit(&s.ledger, &intent(&late, 31), draft("intent")).unwrap_err();
    assert!(error.to_string().contains("expired"), "{error}");
}

#[test]
fn threat_12_the_database_refuses_the_requesters_own_approval() {
    let s = stage();
    let asked = plan("a", person(1000, Some(1000)), Some(Role::Approver), vec![item(1)]);
    s.ledger.request(&asked, at(0), at(30), draft("confirmed")).unwrap();
    let unapproved = commit(&s.ledger, &intent(&asked, 1), draft("intent")).unwrap_err();
    assert!(unapproved.to_string().contains("second person"), "{unapproved}");
    let approve = |uid, login, digest, minute| {
        let by = person(uid, login);
        s.ledger.approve("a", digest, &by, Role::Approver, at(minute), draft("approved"))
    };
    // By sudo: another uid, the same login.
    let own = approve(0, Some(1000), "d1", 2).unwrap_err();
    assert!(own.to_string().contains("whoever asked"), "{own}");
    let other = approve(1001, Some(1001), "d2", 2).unwrap_err();
    assert!(other.to_string().contains("not the plan"), "{other}");
    let late = approve(1001, Some(1001), "d1", 31).unwrap_err();
    assert!(late.to_string().contains("expired"), "{late}");
    assert_eq!(s.ledger.waiting(at(2)).unwrap().len(), 1);
    approve(1001, Some(1001), "d1", 2).unwrap();
    assert!(s.ledger.waiting(at(2)).unwrap().is_empty());
    assert!(approve(1002, Some(1002), "d1", 3).unwrap_err().to_string().contains("already"));
    assert_eq!(s.ledger.find("a").unwrap().approved_by, Some(person(1001, Some(1001))));
    commit(&s.ledger, &intent(&asked, 4), draft("intent")).unwrap();
}

#[test]
fn threat_26_a_target_is_leased_to_one_and_given_back() {
    let s = stage();
    let first = plan("a", person(1000, None), None, vec![item(1)]);
    let second = plan("b", person(1001, None), None, vec![item(2)]);
    begin(&s, &first, 0).unwrap();
    s.ledger.request(&second, at(1), at(31), draft("confirmed")).unwrap();
    match commit(&s.ledger, &intent(&second, 1), draft("intent")) {
        Err(LedgerError::Leased { who, what, since }) => {
            assert_eq!((who.as_str(), what.as_str(), since), ("u1000", "groupcall.resync", at(0)));
        }
        other => panic!("{other:?}"),
    }
    let done = Settled { outcome: Outcome::Done, closed: true, reference: None, at: at(2) };
    s.ledger.settle("key-1", &done, draft("outcome")).unwrap();
    commit(&s.ledger, &intent(&second, 2), draft("intent")).unwrap();
    assert!(s.ledger.settle("key-1", &done, draft("outcome")).is_err(), "closed is closed");
}

#[test]
fn threat_25_the_hours_limit_counts_in_the_transaction() {
    let s = stage();
    let limit = HourLimit { person: Some(1), desk: Some(2) };
    let go = |id: &str, uid: u32, n: u32, minute: i64| {
        let mut item = item(n);
        item.lease = Clean::new(id);
        let plan = plan(id, person(uid, None), None, vec![item]);
        s.ledger.request(&plan, at(minute), at(minute + 30), draft("confirmed")).unwrap();
        let intent = Intent { limit: limit.clone(), ..intent(&plan, minute) };
        commit(&s.ledger, &intent, draft("intent")).map(drop)
    };
    go("a", 1000, 1, 0).unwrap();
    assert!(go("b", 1000, 2, 1).unwrap_err().to_string().contains("you did"));
    go("c", 1001, 3, 2).unwrap();
    assert!(go("d", 1002, 4, 3).unwrap_err().to_string().contains("the desk did"));
    go("e", 1000, 5, 61).unwrap();
}

#[test]
fn threat_25_each_school_of_one_ticket_counts_within_the_hour() {
    let s = stage();
    let limit = HourLimit { person: Some(5), desk: Some(6) };
    let go = |id: &str, uid: u32, n: u32, schools: u32| {
        let mut item = item(n);
        item.lease = Clean::new(id);
        item.also = (1..schools).map(|k| format!("999{:04}", 2_000 + k).parse().unwrap()).collect();
        let plan = plan(id, person(uid, None), None, vec![item]);
        s.ledger.request(&plan, at(0), at(30), draft("confirmed")).unwrap();
        let intent = Intent { limit: limit.clone(), ..intent(&plan, 0) };
        commit(&s.ledger, &intent, draft("intent")).map(drop)
    };
    go("a", 1000, 1, 4).unwrap();
    let refused = go("b", 1000, 2, 2).unwrap_err().to_string();
    assert!(refused.contains("you did") && refused.contains("4 times"), "{refused}");
    assert!(refused.contains("2 more") && refused.contains("limit is 5"), "{refused}");
    go("c", 1000, 3, 1).unwrap();
    assert!(go("d", 1001, 4, 2).unwrap_err().to_string().contains("the desk did"));
    go("e", 1001, 5, 1).unwrap();
}

#[test]
fn what_was_recorded_is_there_after_a_restart() {
    let s = stage();
    let first = plan("a", person(1000, None), None, vec![item(1)]);
    begin(&s, &first, 0).unwrap();
    let record = StepRecord {
        state: StepState::Sent,
        sent_at: Some(at(1)),
        sent: 1,
        looked_at: None,
        looks: 0,
        says: Clean::new("on its way"),
    };
    s.ledger.record("key-1", 0, &record, Some(draft("step"))).unwrap();
    let again = SqliteLedger::open(&s.path).unwrap();
    let held = again.open().unwrap();
    assert_eq!((held.len(), &held[0].steps[..]), (1, &[record][..]));
    assert_eq!(held[0].item, first.items[0]);
    assert!(recover(&again, &held[0].item.key).is_ok());
    assert!(recover(&again, &Clean::new("key-9")).is_err());
    assert!(again.record("key-1", 7, &held[0].steps[0], None).is_err());
}

#[test]
fn a_ledger_of_the_format_before_keeps_what_is_open() {
    let s = stage();
    let first = plan("a", person(1000, None), None, vec![item(1)]);
    begin(&s, &first, 0).unwrap();
    s.ledger
        .lock()
        .execute_batch(
            "ALTER TABLE intent ADD COLUMN next_look INTEGER; UPDATE intent SET next_look = 7; \
             PRAGMA user_version = 4;",
        )
        .unwrap();
    let Stage { _folder, path, ledger } = s;
    drop(ledger);
    let again = SqliteLedger::open(&path).unwrap();
    let held = again.open().unwrap();
    assert_eq!((held.len(), &held[0].item, held[0].closed), (1, &first.items[0], false));
    let columns = "SELECT count(*) FROM pragma_table_info('intent') WHERE name = 'next_look'";
    let left: u32 = again.lock().query_row(columns, [], |r| r.get(0)).unwrap();
    assert_eq!(left, 0);
    let next = plan("b", person(1000, None), None, vec![item(2)]);
    let s = Stage { _folder, path, ledger: again };
    begin(&s, &next, 11).unwrap();
    assert_eq!(s.ledger.open().unwrap().len(), 2);
}

#[test]
fn the_chain_verifies_survives_erasure_and_cannot_be_edited() {
    let s = stage();
    begin(&s, &plan("a", person(1000, None), None, vec![item(1)]), 0).unwrap();
    let kept = s.ledger.details(1).unwrap();
    assert_eq!(kept.get("name").map(|d| d.value.as_str()), Some("m.invented"));
    s.ledger.erase(1, "name", draft("erased")).unwrap();
    assert!(s.ledger.details(1).unwrap().is_empty());
    assert!(s.ledger.erase(1, "name", draft("erased")).is_err());
    let all = AuditQuery { from: Some(1), limit: 100, ..AuditQuery::default() };
    let entries = s.ledger.entries(&all).unwrap();
    assert_eq!(entries.len(), 3, "a refused write leaves no entry");
    let lines: Vec<String> =
        entries.iter().map(|e| serde_json::to_string(&Line::Entry(e.clone())).unwrap()).collect();
    assert_eq!(verify(lines.iter().map(String::as_str), &[], None).unwrap().entries, 3);
    let db = s.ledger.lock();
    for sql in ["UPDATE entry SET about = 'x'", "DELETE FROM entry"] {
        assert!(db.execute(sql, []).unwrap_err().to_string().contains("never"), "{sql}");
    }
    let left: i64 =
        db.query_row("SELECT count(*) FROM detail WHERE number = 1", [], |r| r.get(0)).unwrap();
    assert_eq!(left, 0);
}

/// Every byte beside the ledger's file: the database and its journal.
fn bytes_of(s: &Stage) -> Vec<u8> {
    let folder = std::fs::read_dir(s.path.parent().unwrap()).unwrap();
    folder.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn what_is_erased_of_a_plan_stands_in_no_file_and_an_open_plan_keeps_it() {
    const CANARY: &str = "Canary Quillfeather";
    let s = stage();
    let mut first = plan("a", person(1000, None), None, vec![item(1)]);
    let said = Clean::new(&format!("the mother of {CANARY} rang"));
    first.ask.reason = said.clone();
    first.ask.choices.insert("asked_by".into(), said.clone());
    first.items[0].sends = vec![Clean::new("a subject"), said.clone()];
    first.items[0].now = [("asked by", said.as_str()), ("pupils", "150")]
        .map(|(name, value)| Fact { name: Clean::new(name), value: Clean::new(value) })
        .into();
    let of_plan = |kind: &'static str| {
        let mut draft = draft(kind);
        draft.about = Clean::new("a");
        draft.private =
            BTreeMap::from([("reason".to_owned(), Detail { value: said.clone(), salt: [7; 32] })]);
        draft
    };
    s.ledger.append(of_plan("planned")).unwrap();
    s.ledger.request(&first, at(0), at(30), of_plan("confirmed")).unwrap();
    let holds = |s: &Stage| bytes_of(s).windows(CANARY.len()).any(|w| w == CANARY.as_bytes());

    let unbegun = s.ledger.erase(2, "reason", draft("erased"));
    assert!(matches!(&unbegun, Err(LedgerError::Used(why)) if why.contains("not over")));
    commit(&s.ledger, &intent(&first, 0), draft("intent")).unwrap();
    let running = s.ledger.erase(2, "reason", draft("erased"));
    assert!(matches!(running, Err(LedgerError::Used(_))), "{running:?}");
    assert_eq!(s.ledger.details(2).unwrap().len(), 1, "a refused erasure takes nothing");
    assert!(holds(&s), "the test looks where it stands");

    let done = Settled { outcome: Outcome::Done, closed: true, reference: None, at: at(1) };
    s.ledger.settle("key-1", &done, draft("settled")).unwrap();
    s.ledger.erase(2, "reason", draft("erased")).unwrap();
    assert!(!holds(&s), "it stands in {}", s.path.display());
    assert!(s.ledger.details(1).unwrap().is_empty(), "the other entry's copy goes as well");
    let found = s.ledger.find("a").unwrap().plan;
    assert_eq!(found.ask.reason.as_str(), "not kept any more");
    assert_eq!(found.items[0].now[1].value.as_str(), "150");
    assert_eq!(s.ledger.recent(9).unwrap()[0].item.sends.len(), 1);
}

#[test]
fn entries_are_found_by_person_kind_target_and_time() {
    let s = stage();
    for (n, kind) in ["plan", "step", "step"].into_iter().enumerate() {
        let mut draft = draft(kind);
        draft.at = at(i64::try_from(n).unwrap());
        draft.about = Clean::new(&format!("937900{n}"));
        s.ledger.append(draft).unwrap();
    }
    let count = |query: AuditQuery| s.ledger.entries(&query).unwrap().len();
    let all = AuditQuery { limit: 100, ..AuditQuery::default() };
    assert_eq!(count(AuditQuery { kind: Some("step".into()), ..all.clone() }), 2);
    assert_eq!(count(AuditQuery { about: Some("9379000".into()), ..all.clone() }), 1);
    assert_eq!(count(AuditQuery { by: Some("u1000".into()), ..all.clone() }), 3);
    assert_eq!(count(AuditQuery { by: Some("u1".into()), ..all.clone() }), 0);
    assert_eq!(count(AuditQuery { since: Some(at(1)), ..all.clone() }), 2);
    assert_eq!(count(AuditQuery { until: Some(at(1)), ..all.clone() }), 1);
    let newest = s.ledger.entries(&AuditQuery { limit: 1, ..all }).unwrap();
    assert_eq!(newest[0].number, 3);
}

#[test]
fn threat_21_a_ledger_that_cannot_be_written_takes_nothing() {
    let s = stage();
    let first = plan("a", person(1000, None), None, vec![item(1)]);
    s.ledger.request(&first, at(0), at(30), draft("confirmed")).unwrap();
    s.ledger.lock().pragma_update(None, "query_only", true).unwrap();
    let refused = commit(&s.ledger, &intent(&first, 1), draft("intent"));
    assert!(matches!(&refused, Err(LedgerError::Unusable(_))), "{refused:?}");
    assert!(s.ledger.open().unwrap().is_empty());
}
