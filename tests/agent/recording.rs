//! Recordings of a real agent, and played: the same board at the same moments, and nobody's name.

use std::sync::Arc;

use caretaker::agent::play;
use caretaker::link::{Link, LinkError, LinkEvent, Recorded};
use caretaker::model::cell::{Cell, Row, StateChange};
use caretaker::model::desk::{CellName, DeskEntry, DeskKind};
use caretaker::model::health::Health;
use caretaker::model::kept::KeptCell;
use caretaker::ports::store::Save;
use caretaker::wire::board::Change;
use caretaker::wire::recording::{Names, Recording, read};
use caretaker::wire::replay::{Playing, ReplayOrder};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::past::{SIX, before, lived};
use crate::raw;
use crate::stage::{Stage, Vendor, school, until};

async fn recorded(link: &Link, what: Recorded, names: Names) -> (Vec<u8>, Recording) {
    let bytes = link.recording(what, names).await.unwrap();
    let recording = read(&bytes).unwrap();
    (bytes, recording)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_shows_at_each_moment_what_the_live_board_was() {
    let stage = Stage::new(3);
    let (agent, wire, moments) = lived(&stage).await;
    let span = Recorded::Period(moments[0].0, moments.last().unwrap().0);
    let live = Link::new(agent.socket()).unwrap();
    let (_, recording) = recorded(&live, span, Names::Schools).await;
    // The document tells of the route.
    wire.get(&format!("/v1/recording?from={}&to={}", moments[0].0, moments[1].0)).await;
    for wrong in ["", "?incident=1&from=2026-11-23T10:00:00Z", "?names=all", "?incident=x", "?at=1"]
    {
        let (status, _) = wire.ask("GET", &format!("/v1/recording{wrong}"), b"").await;
        assert_eq!(status, 400, "{wrong}");
    }
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("run/replay.sock");
    let clock = Arc::clone(&stage.clock);
    let playing = play(recording, 1, &socket, clock).await.unwrap();
    let link = Link::new(playing.socket()).unwrap();
    let (mut ill, mut had) = (0, 0);
    for (at, was) in &moments {
        link.replay(ReplayOrder::To { at: *at }).await.unwrap();
        let board = link.board().await.unwrap();
        assert_eq!((board.as_of, board.replay.as_ref().unwrap().at), (*at, *at));
        let schools = was["schools"].as_array().unwrap();
        assert_eq!(board.schools.len(), schools.len());
        for (told, was) in board.schools.iter().zip(schools) {
            assert_eq!(told.laestab.to_string(), was["laestab"].as_str().unwrap());
            for (cell, was) in told.cells.iter().zip(was["cells"].as_array().unwrap()) {
                assert_eq!(json!(cell.health), was["h"], "{at}");
                let handling = cell.handling.as_ref();
                assert_eq!(json!(handling.map(|h| h.kind)), was["handling"]["kind"], "{at}");
                assert_eq!(json!(handling.and_then(|h| h.until)), was["handling"]["until"], "{at}");
                ill += usize::from(cell.health.is_trouble());
                had += usize::from(handling.is_some());
            }
        }
        assert_eq!(
            (json!(board.split), json!(board.summary)),
            (was["split"].clone(), was["summary"].clone())
        );
    }
    assert!(ill > 1 && had > 0, "{ill} {had}");
    // Its page, at the moment when it was ill.
    link.replay(ReplayOrder::To { at: moments[1].0 }).await.unwrap();
    let page = link.page(Some(school(1))).await.unwrap();
    assert_eq!((page.services[0].cell.health, page.replay), (Health::Critical, true));
    assert_eq!(page.history.len(), 1, "nothing that came later: {:?}", page.history);
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_of_a_person_a_school_a_host_or_an_ou_is_in_its_bytes() {
    let stage = Stage::new(3);
    let words = "Ada Lovelace of 7B rang from OU=Oak about SRV-DC01";
    // A sentence of a vendor that holds all of it.
    let six: Timestamp = SIX.parse().unwrap();
    before(&stage, six);
    let said = StateChange {
        at: six,
        service: "aqua".parse().unwrap(),
        from: Health::Ok,
        to: Health::Critical,
        reason: None,
        follows: false,
        first: false,
        why: format!("no data: {words}").as_str().into(),
    };
    let store = stage.store();
    let row = Row::School(school(2));
    let cell = Cell {
        health: Health::Critical,
        why: said.why.clone(),
        since: Some(six),
        state_since: Some(six),
        ..Cell::default()
    };
    let cells = vec![KeptCell { row, service: said.service.clone(), cell }];
    let history = vec![(row, said)];
    store.keep(Save { at: six, revision: 2, cells, history, ..Save::default() });
    store.flush().unwrap();
    drop(store);
    let (agent, wire, moments) = lived(&stage).await;
    let name = json!({"row": {"school": school(1).to_string()}, "service": "aqua"});
    let note = json!({"kind": "note", "cells": [name], "why": words}).to_string();
    let (status, told) = wire.ask("POST", "/v1/handling", note.as_bytes()).await;
    assert_eq!(status, 200, "{told}");
    let id = wire.get("/v1/incidents?ended=1d").await["incidents"][0]["id"].as_u64().unwrap();
    let order = json!({"kind": "note", "why": words}).to_string();
    let (status, told) = wire.ask("POST", &format!("/v1/incidents/{id}"), order.as_bytes()).await;
    assert_eq!(status, 200, "{told}");
    let board = wire.get("/v1/board").await;
    let link = Link::new(agent.socket()).unwrap();
    let by = told["by"].as_str().unwrap().to_owned();
    let persons = ["Lovelace", "OU=", "SRV-DC01", "7B", by.as_str()];
    for what in [Recorded::Incident(id), Recorded::Period(six, moments[5].0)] {
        for names in [Names::Masked, Names::Schools] {
            let (bytes, recording) = recorded(&link, what, names).await;
            let text = String::from_utf8(bytes).unwrap();
            let schools = board["schools"].as_array().unwrap();
            assert_eq!(recording.schools.len(), schools.len());
            for school in schools {
                for field in ["name", "laestab"] {
                    let value = school[field].as_str().unwrap();
                    assert_eq!(text.contains(value), names == Names::Schools, "{value}");
                }
            }
            for needle in persons.iter().filter(|needle| needle.len() > 1) {
                assert!(!text.contains(needle), "{needle} in {text}");
            }
            // Columns that a configuration declares may be called after anything.
            for label in ["aqua", "bolt", "Service aqua"] {
                assert!(!text.contains(label), "{label}");
            }
            assert!(text.contains("\"by\":\"operator 1\""), "{text}");
            let is_period = matches!(what, Recorded::Period(..));
            assert_eq!(text.contains("no data: …"), is_period, "its harmless words stay");
        }
    }
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_incident_is_in_it_as_it_stood_and_no_other() {
    let stage = Stage::new(3);
    let (agent, wire, moments) = lived(&stage).await;
    let id = wire.get("/v1/incidents?ended=1d").await["incidents"][0]["id"].as_u64().unwrap();
    let live = Link::new(agent.socket()).unwrap();
    let (_, recording) = recorded(&live, Recorded::Incident(id), Names::Masked).await;
    let opened_at = recording.head.incident.as_ref().unwrap().opened_at;
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::clone(&stage.clock);
    let playing = play(recording, 1, &folder.path().join("run/r.sock"), clock).await.unwrap();
    let link = Link::new(playing.socket()).unwrap();
    let before = opened_at - jiff::SignedDuration::from_millis(1);
    link.replay(ReplayOrder::To { at: before }).await.unwrap();
    let Err(LinkError::Refused { message, .. }) = link.incidents(None).await else {
        panic!("no other incident can be told of, so none is told as none")
    };
    assert!(message.contains("has not begun"), "{message}");
    link.replay(ReplayOrder::To { at: moments[2].0 }).await.unwrap();
    let all = link.incidents(None).await.unwrap();
    let line = &all.incidents[0];
    assert_eq!((line.id, line.health, line.in_trouble), (id, Health::Critical, 1));
    assert_eq!((line.had.somebody, line.had.by[0].as_str()), (1, "operator 1"));
    let page = link.incident(id).await.unwrap();
    let told: Vec<&str> = page.time_line.iter().map(|line| line.what.as_str()).collect();
    assert!(told.contains(&"the incident began") && told.contains(&"claimed"), "{told:?}");
    assert!(!told.contains(&"given back"), "nothing that came later: {told:?}");
    let Row::School(laestab) = line.first.row else { panic!("{line:?}") };
    assert_eq!(link.page(Some(laestab)).await.unwrap().incidents, [id]);
    assert!(link.incident(id + 1).await.is_err());
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_plays_to_its_end_for_whoever_follows_and_nothing_can_be_done() {
    let stage = Stage::new(3);
    let (agent, _, moments) = lived(&stage).await;
    let live = Link::new(agent.socket()).unwrap();
    let span = Recorded::Period(moments[0].0, moments[5].0);
    let (_, recording) = recorded(&live, span, Names::Masked).await;
    agent.stop().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::clone(&stage.clock);
    let playing = play(recording, 1, &folder.path().join("run/r.sock"), clock).await.unwrap();
    let link = Link::new(playing.socket()).unwrap();
    let mut events = link.follow();
    let mut at = moments[0].0;
    let board = loop {
        match tokio::time::timeout(std::time::Duration::from_secs(60), events.recv()).await {
            Ok(Some(LinkEvent::Board(told))) => {
                if told.replay.as_ref().unwrap().playing == Playing::Over {
                    break told;
                }
            }
            Ok(Some(LinkEvent::Change(Change::Cells { as_of, .. }))) => {
                assert!(as_of >= at, "it goes forward");
                at = as_of;
            }
            Ok(Some(_)) => {}
            other => panic!("it ended with {other:?}"),
        }
    };
    assert_eq!(board.as_of, moments[5].0);
    let health: Vec<Health> =
        board.schools.iter().flat_map(|s| s.cells.iter().map(|c| c.health)).collect();
    assert!(!health.contains(&Health::Critical), "{health:?}");
    for (method, path, wanted) in [
        ("POST", "/v1/handling", 403),
        ("POST", "/v1/refresh", 403),
        ("POST", "/v1/plans", 403),
        ("POST", "/v1/incidents/1", 403),
        ("POST", "/v1/board", 403),
        ("DELETE", "/v1/board", 403),
        ("GET", "/v1/audit", 404),
        ("GET", "/v1/status", 404),
        ("GET", "/v1/board?at=2026-11-23T10:00:00Z", 400),
        ("POST", "/v1/replay", 400),
    ] {
        let reply = raw::ask(playing.socket(), method, path, b"{}").await;
        let told: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(reply.status, wanted, "{method} {path}: {told}");
        assert!(!told["message"].as_str().unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_looked_it_is_unknown_and_a_claim_runs_out_by_itself() {
    // Without a check of the estate: no change of its row leads to the others.
    let stage = Stage::with(3, vec![Vendor::new("aqua", 3, false, false)]);
    let six: Timestamp = SIX.parse().unwrap();
    before(&stage, six);
    let ends = "2026-11-23T10:00:00.3Z".parse::<Timestamp>().unwrap();
    let claim = DeskEntry {
        id: 2,
        at: six,
        by: "asha".into(),
        kind: DeskKind::Claim,
        from: None,
        until: Some(ends),
        again: Vec::new(),
        filter: "".into(),
        why: "".into(),
        cells: vec![CellName { row: Row::School(school(1)), service: "aqua".parse().unwrap() }],
    };
    let store = stage.store();
    store.keep(Save { at: six, revision: 2, desk: vec![claim], ..Save::default() });
    store.flush().unwrap();
    drop(store);
    let (agent, wire) = stage.settled().await;
    let over = ends + SignedDuration::from_millis(50);
    until("the claim has run out", || async { stage.clock.now() > over }).await;
    let live = Link::new(agent.socket()).unwrap();
    let (_, recording) = recorded(&live, Recorded::Period(six, over), Names::Schools).await;
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::clone(&stage.clock);
    let playing = play(recording, 1, &folder.path().join("run/r.sock"), clock).await.unwrap();
    let link = Link::new(playing.socket()).unwrap();
    let millis = SignedDuration::from_millis;
    let (mut unknown, mut had) = (0, Vec::new());
    for at in [six, six + millis(1), six + millis(7_200_000), ends - millis(1), ends, over] {
        link.replay(ReplayOrder::To { at }).await.unwrap();
        let board = link.board().await.unwrap();
        let then = wire.get(&format!("/v1/board?at={at}")).await;
        assert_eq!(json!(board.split), then["split"], "{at}");
        for (told, was) in board.schools.iter().zip(then["schools"].as_array().unwrap()) {
            for (cell, was) in told.cells.iter().zip(was["cells"].as_array().unwrap()) {
                assert_eq!(
                    (json!(cell.health), json!(cell.reason)),
                    (was["h"].clone(), was["r"].clone()),
                    "{at}"
                );
            }
        }
        unknown += board.split.unknown;
        had.push(board.schools[1].cells[0].handling.is_some());
    }
    assert!(unknown > 0, "nobody looked from six on");
    assert_eq!(had, [true, true, true, true, false, false]);
    agent.stop().await.unwrap();
}
