//! Following the board: two clients, slow ones, broken connections.

use std::collections::HashMap;

use caretaker::link::{Link, LinkEvent};
use caretaker::model::observation::Verdict;
use caretaker::wire::board::{Board, Change};
use serde_json::Value;

use crate::raw::{Events, Sent};
use crate::stage::{Stage, school};

/// A board as a client keeps it: cells by row and column.
struct Kept {
    cells: HashMap<(String, u64), Value>,
    revision: u64,
}

impl Kept {
    fn of(board: &Value) -> Self {
        let mut cells = HashMap::new();
        let mut row = |name: String, row: &Value| {
            for (column, cell) in (0..).zip(row.as_array().unwrap()) {
                cells.insert((name.clone(), column), cell.clone());
            }
        };
        row("estate".into(), &board["estate"]);
        for school in board["schools"].as_array().unwrap() {
            row(school["laestab"].as_str().unwrap().into(), &school["cells"]);
        }
        Self { cells, revision: board["revision"].as_u64().unwrap() }
    }

    fn apply(&mut self, sent: &Sent) {
        if sent.data["kind"] == "cells" {
            for change in sent.data["cells"].as_array().unwrap() {
                let row = change["row"]["school"].as_str().unwrap_or("estate").to_owned();
                self.cells
                    .insert((row, change["column"].as_u64().unwrap()), change["cell"].clone());
            }
        }
        self.revision = sent.id.unwrap_or(self.revision);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quick_and_a_slow_reader_end_with_the_same_board() {
    let stage = Stage::new(12);
    let (agent, wire) = stage.settled().await;
    let start = wire.get("/v1/board").await;
    let (mut quick, mut slow) = (Kept::of(&start), Kept::of(&start));
    let mut quick_events = Events::open(agent.socket(), Some(quick.revision)).await;
    // The slow one is attached throughout and reads nothing until the end.
    let mut slow_events = Events::open(agent.socket(), Some(slow.revision)).await;
    for round in 0_usize..15 {
        let verdict = [Verdict::Critical, Verdict::Ok, Verdict::Warning][round % 3];
        for n in 0..12 {
            if (n + round) % 4 == 0 {
                stage.vendors[round % 2].says(n, verdict);
            }
        }
        if round % 5 == 0 {
            stage.vendors[0].says_of_estate(verdict);
        }
        wire.refresh().await;
        let sent = quick_events.next().await.unwrap();
        wire.check_event(&sent);
        quick.apply(&sent);
    }
    // What the last refresh brings is on the board when one more refresh of a marked cell is.
    stage.vendors[0].says(0, Verdict::Unknown(caretaker::model::health::Reason::Malformed));
    wire.refresh().await;
    let mark = (school(0).to_string(), 0);
    let marked = |kept: &Kept| kept.cells[&mark]["r"] == "malformed";
    for (kept, events) in [(&mut quick, &mut quick_events), (&mut slow, &mut slow_events)] {
        while !marked(kept) {
            kept.apply(&events.next_of("cells").await);
        }
    }
    // Until both stand at the board's revision: other answers of that refresh may come after.
    let end = loop {
        let end = wire.get("/v1/board").await;
        for (kept, events) in [(&mut quick, &mut quick_events), (&mut slow, &mut slow_events)] {
            while kept.revision < end["revision"].as_u64().unwrap() {
                kept.apply(&events.next().await.unwrap());
            }
        }
        let now = wire.get("/v1/board").await;
        if now["revision"] == end["revision"] {
            break end;
        }
    };
    let end = Kept::of(&end);
    assert_eq!(quick.cells, end.cells);
    assert_eq!(slow.cells, end.cells);
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_goes_on_where_it_was() {
    let stage = Stage::new(4);
    let (agent, wire) = stage.settled().await;
    let mut events = Events::open(agent.socket(), None).await;
    let last = events.next().await.unwrap().id.unwrap();
    drop(events);
    stage.vendors[0].says(2, Verdict::Critical);
    wire.refresh().await;
    let mut watcher = Events::open(agent.socket(), Some(last)).await;
    let missed = watcher.next_of("cells").await;
    wire.check_event(&missed);
    let cells = missed.data["cells"].as_array().unwrap();
    let critical: Vec<_> = cells.iter().filter(|c| c["cell"]["h"] == "critical").collect();
    assert_eq!(critical.len(), 1, "{cells:?}");
    assert_eq!(critical[0]["row"]["school"], school(2).to_string());
    assert!(missed.id.unwrap() > last);
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_revision_is_told_to_begin_anew() {
    let stage = Stage::new(2);
    let (agent, wire) = stage.settled().await;
    let now = wire.get("/v1/board").await["revision"].as_u64().unwrap();
    for last in [0, 1, now + 1_000] {
        let mut events = Events::open(agent.socket(), Some(last)).await;
        let first = events.next().await.unwrap();
        wire.check_event(&first);
        assert_eq!(first.data["kind"], "reset", "after {last}");
        assert!(first.id.is_none(), "a reset is no place to go on from");
        assert!(events.next().await.is_none(), "the stream ends");
    }
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_configuration_resets_readers() {
    let stage = Stage::new(2);
    let (agent, wire) = stage.settled().await;
    let mut events = Events::open(agent.socket(), None).await;
    let larger = Stage::new(5);
    agent.reconfigure(larger.estate.clone(), larger.watches()).await.unwrap();
    let reset = events.next_of("reset").await;
    wire.check_event(&reset);
    wire.until_settled().await;
    let board = wire.get("/v1/board").await;
    assert_eq!(board["schools"].as_array().unwrap().len(), 6);
    // A reader that fetched the new board may follow from its revision, even if nothing changed.
    let revision = board["revision"].as_u64().unwrap();
    let mut events = Events::open(agent.socket(), Some(revision)).await;
    assert_ne!(events.next().await.unwrap().data["kind"], "reset");
    agent.stop().await.unwrap();
}

async fn next_board(events: &mut tokio::sync::mpsc::Receiver<LinkEvent>) -> Board {
    loop {
        match tokio::time::timeout(crate::raw::LIMIT, events.recv()).await.unwrap().unwrap() {
            LinkEvent::Board(board) => return *board,
            LinkEvent::Change(_) | LinkEvent::Lost(_) => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_is_given_the_first_rows_once_and_then_the_whole() {
    let stage = Stage::new(5);
    let (agent, _) = stage.settled().await;
    let link = Link::new(agent.socket()).unwrap();
    let mut events = link.follow_at_once(2);
    let first = next_board(&mut events).await;
    assert_eq!((first.schools.len(), first.first_of), (2, Some(6)));
    let whole = next_board(&mut events).await;
    assert_eq!((whole.schools.len(), whole.first_of), (6, None));
    // It follows now.
    assert!(matches!(events.recv().await, Some(LinkEvent::Change(_))));
    let larger = Stage::new(7);
    agent.reconfigure(larger.estate.clone(), larger.watches()).await.unwrap();
    let again = next_board(&mut events).await;
    assert_eq!((again.schools.len(), again.first_of), (8, None), "never again a part alone");
    let mut small = link.follow_at_once(8);
    let board = next_board(&mut small).await;
    assert_eq!((board.schools.len(), board.first_of), (8, None));
    assert!(matches!(small.recv().await, Some(LinkEvent::Change(_))), "the board came once");
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_says_lost_once_and_comes_back() {
    let stage = Stage::new(2);
    let (agent, _) = stage.settled().await;
    let link = Link::new(agent.socket()).unwrap();
    let mut events = link.follow();
    let before = next_board(&mut events).await;
    assert!(before.settled);
    // It follows now: a stream that was never opened hears no goodbye.
    assert!(matches!(events.recv().await, Some(LinkEvent::Change(_))));
    agent.stop().await.unwrap();
    let mut seen = Vec::new();
    // While nobody is there: goodbye, one word of loss, and no more.
    loop {
        match tokio::time::timeout(std::time::Duration::from_secs(2), events.recv()).await {
            Ok(Some(event)) => seen.push(event),
            Ok(None) => panic!("the stream of events ended"),
            Err(_) => break,
        }
    }
    assert!(seen.iter().any(|e| matches!(e, LinkEvent::Change(Change::Bye { .. }))), "{seen:?}");
    let lost = seen.iter().filter(|e| matches!(e, LinkEvent::Lost(_))).count();
    assert_eq!(lost, 1, "{seen:?}");
    let (agent, _) = stage.settled().await;
    let after = next_board(&mut events).await;
    assert!(after.revision > before.revision, "revisions only grow, also over a restart");
    agent.stop().await.unwrap();
}
