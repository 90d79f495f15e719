//! Tests of what the public suite cannot reach: a full disk, broken rows, the queue's limits.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::cell::{Cell, Row, StateChange};
use crate::model::health::Health;
use crate::model::kept::KeptCell;
use crate::ports::store::{Save, Store, StoreError};
use crate::store::queue::Queue;
use crate::store::schema;
use crate::store::writer::{ROWS, Shared, Writer};
use crate::store::{SqliteStore, pack, past, read};

fn at() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn school(n: u32) -> Row {
    Row::School((9_990_000 + n).to_string().parse().unwrap())
}

fn save(revision: u64, cells: Vec<KeptCell>) -> Save {
    Save { at: at(), revision, cells, ..Save::default() }
}

fn critical(n: u32, why: &str) -> KeptCell {
    let cell = Cell { health: Health::Critical, why: why.into(), ..Cell::default() };
    KeptCell { row: school(n), service: "mail".parse().unwrap(), cell }
}

fn change(n: u32) -> (Row, StateChange) {
    let change = StateChange {
        at: at(),
        service: "mail".parse().unwrap(),
        from: Health::Ok,
        to: Health::Critical,
        reason: None,
        follows: false,
        first: false,
        why: "because".into(),
    };
    (school(n), change)
}

#[test]
fn a_full_disk_is_told_and_made_good() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board.db");
    let store = SqliteStore::open(&path).unwrap();
    store.limit_pages(40);
    let long = "x".repeat(300);
    store.keep(save(1, (0..2_000).map(|n| critical(n, &long)).collect()));
    match store.flush() {
        Err(StoreError::Unusable { why, .. }) => assert!(why.contains("disk is full"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert!(store.trouble().is_some());
    // What came meanwhile is newer than what is put back.
    store.keep(save(2, vec![critical(7, "newer")]));
    store.limit_pages(1_000_000);
    while store.flush().is_err() {}
    assert_eq!(store.trouble(), None);
    drop(store);
    let back = SqliteStore::open(&path).unwrap().load().unwrap();
    assert_eq!((back.revision, back.cells.len()), (2, 2_000));
    assert_eq!(back.cells[7].cell.why.as_str(), "newer");
    assert_eq!(back.cells[8].cell.why.as_str(), long);
}

#[test]
fn a_row_with_a_code_that_means_nothing_is_skipped_and_never_ok() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board.db");
    let store = SqliteStore::open(&path).unwrap();
    store.keep(save(1, (0..6).map(|n| critical(n, "why")).collect()));
    store.flush().unwrap();
    drop(store);
    let Ok(db) = schema::open(&path) else { panic!("it opens") };
    let key = |n: u32| pack::cell_key(9_990_000 + n, 0);
    // No such health; unknown without a reason; ok with one; follows from no service; not JSON.
    for (n, what) in [
        (0, "code = 7"),
        (1, "code = 3"),
        (2, "code = 9"),
        (3, "follows = 99"),
        (4, "handling = '{'"),
    ] {
        db.execute(&format!("UPDATE cell SET {what} WHERE id = ?1"), [key(n)]).unwrap();
    }
    let services = read::services(&db).unwrap();
    let (board, skipped) = read::board(&db, &services).unwrap();
    assert_eq!((board.cells.len(), skipped), (1, 5));
    drop(db);
    assert_eq!(SqliteStore::open(&path).unwrap().load().unwrap().cells.len(), 1);
}

#[test]
fn the_queue_holds_each_cell_once_and_history_up_to_its_limit() {
    let mut queue = Queue::default();
    for revision in 0..50 {
        queue.add(save(revision, (0..20).map(|n| critical(n, "again")).collect()));
    }
    assert_eq!(queue.waiting.cells.len(), 20);
    assert_eq!(queue.waiting.stamp.map(|(_, revision)| revision), Some(49));
    for _ in 0..21 {
        let history = (0..10_000).map(change).collect();
        queue.add(Save { history, ..save(50, vec![]) });
    }
    assert_eq!(queue.waiting.history.len(), 200_000);
    assert_eq!(queue.lost, 10_000, "what is dropped is counted");
}

#[test]
fn what_is_put_back_does_not_overwrite_what_came_since() {
    let mut queue = Queue::default();
    queue.add(Save { history: vec![change(1)], ..save(1, vec![critical(1, "older")]) });
    let failed = std::mem::take(&mut queue.waiting);
    queue.add(Save { history: vec![change(2)], ..save(2, vec![critical(1, "newer")]) });
    queue.put_back(failed);
    let cells: Vec<_> = queue.waiting.cells.values().collect();
    assert_eq!(cells.len(), 1);
    assert_eq!(cells[0].why.as_ref().unwrap().as_str(), "newer");
    assert_eq!(queue.waiting.stamp, Some((at(), 2)));
    let rows: Vec<u32> = queue.waiting.history.iter().map(|r| r.row).collect();
    assert_eq!(rows, [9_990_001, 9_990_002], "in the order in which it happened");
}

#[test]
fn more_rows_than_a_transaction_takes_are_all_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board.db");
    let count = u32::try_from(ROWS * 2 + 1).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    let history = (0..count).map(change).collect();
    store.keep(Save { history, ..save(1, (0..count).map(|n| critical(n, "why")).collect()) });
    store.flush().unwrap();
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.load().unwrap().cells.len(), ROWS * 2 + 1);
    assert_eq!(store.history(school(count - 1), 5).unwrap().len(), 1);
}

#[test]
fn two_changes_at_one_moment_are_told_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("board.db")).unwrap();
    let (row, first) = change(1);
    let second = StateChange { from: Health::Critical, to: Health::Warning, ..first.clone() };
    let first = StateChange { first: true, ..first };
    store.keep(Save { history: vec![(row, first)], ..save(1, vec![]) });
    store.flush().unwrap();
    store.keep(Save { history: vec![(row, second)], ..save(2, vec![]) });
    store.flush().unwrap();
    let told = store.history(row, 5).unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].from, told[0].to), (Health::Ok, Health::Warning));
    assert!(told[0].first, "nobody had looked before the first of them");
}

#[test]
fn an_older_format_is_brought_forward() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board.db");
    // A file that was begun and never got its first format.
    drop(rusqlite::Connection::open(&path).unwrap());
    let Ok(db) = schema::open(&path) else { panic!("it opens") };
    let format: u32 = db.query_row("PRAGMA user_version", [], |r| r.get(0)).unwrap();
    assert_eq!(format, schema::newest());
    let writer = Writer {
        db,
        path,
        shared: Arc::new(Shared::default()),
        written_services: 0,
        journaled: 0,
        pruned_on: i64::MIN,
    };
    writer.shared.lock().closing = true;
    writer.run();
}

/// However much happened since: no look of the board at a moment goes through a whole table.
#[test]
fn the_past_of_a_cell_is_found_by_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let Ok(db) = schema::open(&folder.path().join("board.db")) else { panic!("it opens") };
    for (sql, by) in [
        (past::BEFORE, "history_of_cell"),
        (past::AFTER, "history_of_cell"),
        (past::EARLIER, "PRIMARY KEY"),
        (past::LATER, "PRIMARY KEY"),
    ] {
        let plan = format!("EXPLAIN QUERY PLAN {sql}");
        let mut query = db.prepare(&plan).unwrap();
        let params = vec![1_i64; query.parameter_count()];
        let rows = query.query_map(rusqlite::params_from_iter(params), |r| r.get::<_, String>(3));
        let steps: Vec<String> = rows.unwrap().map(Result::unwrap).collect();
        assert!(
            steps.iter().all(|s| s.starts_with("SEARCH") && s.contains(by)),
            "{sql}: {steps:?}"
        );
    }
}
