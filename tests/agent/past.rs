//! Past moments over the socket, held against what the live board was.

use caretaker::model::cell::{Cell, Row, StateChange};
use caretaker::model::health::{Health, Reason};
use caretaker::model::kept::KeptCell;
use caretaker::model::observation::Verdict;
use caretaker::ports::store::Save;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::contract::Wire;
use crate::stage::{Stage, school, until};

async fn at(wire: &Wire, when: Timestamp) -> Value {
    wire.get(&format!("/v1/board?at={when}")).await
}

/// Cells of the schools: health and who has it.
fn cells(board: &Value) -> Vec<(String, Value)> {
    let schools = board["schools"].as_array().unwrap().iter();
    let cells = schools.flat_map(|s| s["cells"].as_array().unwrap());
    cells.map(|c| (c["h"].as_str().unwrap().to_owned(), c["handling"].clone())).collect()
}

async fn until_is(wire: &Wire, n: usize, health: &str) {
    wire.refresh().await;
    until(health, || async {
        wire.get("/v1/board").await["schools"][n]["cells"][0]["h"] == health
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_of_a_moment_is_what_the_live_board_was() {
    let stage = Stage::new(3);
    let (agent, wire) = stage.settled().await;
    let mut moments = Vec::new();
    let look = async |moments: &mut Vec<(Timestamp, Value)>| {
        moments.push((stage.clock.now(), wire.get("/v1/board").await));
    };
    look(&mut moments).await;
    stage.vendors[0].says(1, Verdict::Critical);
    until_is(&wire, 1, "critical").await;
    look(&mut moments).await;
    let name = json!({"row": {"school": school(1).to_string()}, "service": "aqua"});
    let hand = async |kind: &str| {
        let what = json!({"kind": kind, "cells": [name]}).to_string();
        let (status, told) = wire.ask("POST", "/v1/handling", what.as_bytes()).await;
        assert_eq!((status, told["done"].as_u64()), (200, Some(1)), "{told}");
    };
    hand("claim").await;
    look(&mut moments).await;
    hand("give_back").await;
    look(&mut moments).await;
    stage.vendors[0].says(1, Verdict::Unknown(Reason::Paused));
    until_is(&wire, 1, "unknown").await;
    look(&mut moments).await;
    stage.vendors[0].says(1, Verdict::Ok);
    until_is(&wire, 1, "ok").await;
    look(&mut moments).await;

    let mut well = 0;
    for (when, live) in &moments {
        let then = at(&wire, *when).await;
        assert_eq!(then["past"]["at"], when.to_string());
        assert_eq!(then["as_of"], when.to_string());
        assert_eq!(cells(&then).len(), cells(live).len());
        for ((told, by), (was, had)) in cells(&then).iter().zip(cells(live)) {
            well += usize::from(told == "ok");
            assert_eq!((told, by), (&was, &had), "{when}");
        }
        assert_eq!(then["split"], live["split"], "{when}");
        assert_eq!(then["summary"], live["summary"], "{when}");
        assert_eq!(then["past"]["not_recorded"], 0, "{when}");
    }
    assert!(well > 0);
    // Steps lead from change to change.
    let (last, _) = moments.last().unwrap();
    let mut when = *last;
    let mut healths = Vec::new();
    while let Some(earlier) = at(&wire, when).await["past"]["earlier"].as_str() {
        when = earlier.parse().unwrap();
        healths.push(at(&wire, when).await["schools"][1]["cells"][0]["h"].clone());
    }
    // From the claim's end back to the first look at every school.
    assert_eq!(healths[..5], ["ok", "unknown", "critical", "critical", "critical"]);
    assert!(healths.len() > 5 && healths[5] == "ok", "{healths:?}");

    // The status and the page tell the sentences of then.
    let ill = moments[1].0;
    let status = wire.get(&format!("/v1/status?at={ill}&schools={}", school(1))).await;
    let cell = &status["schools"][0]["cells"]["aqua"];
    assert_eq!((&cell["health"], &cell["checks"]), (&json!("critical"), &json!([])));
    assert_eq!(cell["why"], "as invented");
    assert_eq!(status["schools_summary"]["critical"], 1);
    let page = wire.get(&format!("/v1/schools/{}?at={ill}", school(1))).await;
    assert_eq!(page["services"][0]["cell"]["health"], "critical");
    assert_eq!(page["history"].as_array().unwrap().len(), 1, "nothing that came later: {page}");
    assert_eq!((&page["desk"], &page["past"]["at"]), (&json!([]), &json!(ill.to_string())));
    wire.get(&format!("/v1/schools/estate?at={ill}")).await;
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_kept_is_refused_or_unknown() {
    let stage = Stage::new(3);
    let store = stage.store();
    // Another run of the agent, four hours before this one, in which a school was found ill.
    let six: Timestamp = "2026-11-23T06:00:00Z".parse().unwrap();
    let change = StateChange {
        at: six,
        service: "aqua".parse().unwrap(),
        from: Health::Unknown,
        to: Health::Critical,
        reason: None,
        follows: false,
        first: true,
        why: "it was down".into(),
    };
    let row = Row::School(school(1));
    let cell = Cell {
        health: Health::Critical,
        why: "it was down".into(),
        since: Some(six),
        state_since: Some(six),
        ..Cell::default()
    };
    let known = vec![KeptCell { row, service: change.service.clone(), cell }];
    let history = vec![(row, change)];
    store.keep(Save { at: six, revision: 1, cells: known, history, ..Save::default() });
    store.flush().unwrap();
    drop(store);
    let (agent, wire) = stage.settled().await;

    let then = at(&wire, six).await;
    assert_eq!(then["schools"][1]["cells"][0]["h"], "critical");
    assert_eq!(then["schools"][0]["cells"][0]["h"], "unknown", "nobody tells how it stood");
    assert_eq!(then["schools"][0]["cells"][0]["r"], "not_recorded");
    assert_eq!(then["past"]["nobody_looked"], Value::Null);
    assert_eq!(then["schools"][3]["cells"][0]["h"], "not_subscribed");

    let gap = at(&wire, six + SignedDuration::from_hours(2)).await;
    assert_eq!(gap["past"]["nobody_looked"]["from"], "2026-11-23T06:00:00Z");
    for (health, _) in cells(&gap) {
        assert!(["unknown", "not_subscribed"].contains(&health.as_str()), "{health}");
    }
    assert_eq!(gap["split"]["ok"], 0);

    for (when, why) in [
        ("2026-11-23T05:59:59Z", "from 2026-11-23T06:00:00Z to 2026-11-23T10:"),
        ("2026-11-25T00:00:00Z", "lies in the future"),
        ("yesterday", "RFC 3339"),
    ] {
        for route in ["board", "status", "schools/estate"] {
            let (status, problem) = wire.ask("GET", &format!("/v1/{route}?at={when}"), b"").await;
            assert_eq!(status, 400, "{problem}");
            assert!(problem["message"].as_str().unwrap().contains(why), "{problem}");
        }
    }
    let (status, _) = wire.ask("GET", "/v1/board?on=2026-11-23", b"").await;
    assert_eq!(status, 400);
    agent.stop().await.unwrap();
}
