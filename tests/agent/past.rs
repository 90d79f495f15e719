//! Past moments over the socket, held against what the live board was.

use caretaker::model::cell::{Cell, Row, StateChange};
use caretaker::model::desk::{CellName, DeskEntry, DeskKind};
use caretaker::model::health::{Health, Reason};
use caretaker::model::kept::KeptCell;
use caretaker::model::observation::Verdict;
use caretaker::model::plan::Operator;
use caretaker::ports::people::{Nobody, People, Person};
use caretaker::ports::store::Save;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::contract::Wire;
use crate::stage::{Live, Stage, school, until};

/// Whoever it is, it is Asha.
#[derive(Debug)]
struct Asha;

impl People for Asha {
    fn person(&self, uid: u32, _: Option<i32>) -> Result<Person, Nobody> {
        let operator = Operator { uid, login: None, name: "asha".into() };
        Ok(Person { operator, groups: Vec::new() })
    }
}

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

/// A school that is ill, claimed, given back, not known, and well again; and the board after each.
pub async fn lived(stage: &Stage) -> (Live, Wire, Vec<(Timestamp, Value)>) {
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
    (agent, wire, moments)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_of_a_moment_is_what_the_live_board_was() {
    let stage = Stage::new(3);
    let (agent, wire, moments) = lived(&stage).await;
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
async fn two_moments_are_compared() {
    let stage = Stage::new(3);
    let (agent, wire, moments) = lived(&stage).await;
    let diff = async |a: usize, b: usize| {
        let (from, to) = (moments[a].0, moments[b].0);
        let diff = wire.get(&format!("/v1/diff?from={from}&to={to}")).await;
        let cells = diff["cells"].as_array().unwrap().clone();
        assert!(cells.iter().all(|c| c["cell"]["name"] == "Invented School 1"), "{diff}");
        cells
    };
    let sorts = |cells: &[Value]| cells.iter().map(|c| c["sort"].clone()).collect::<Vec<_>>();
    let broke = diff(0, 1).await;
    assert_eq!(sorts(&broke), ["worse"]);
    assert_eq!(
        (&broke[0]["after"]["why"], &broke[0]["cell"]["service"]),
        (&json!("as invented"), &json!("aqua"))
    );
    assert_eq!(sorts(&diff(1, 2).await), Vec::<Value>::new(), "a claim makes nothing worse");
    let given_back = diff(2, 3).await;
    assert_eq!(sorts(&given_back), ["ran_out"]);
    assert_eq!(given_back[0]["ran_out"]["kind"], "claimed");
    assert_eq!(sorts(&diff(1, 5).await), ["better"]);
    let meanwhile = diff(0, 5).await;
    assert_eq!(sorts(&meanwhile), ["meanwhile"]);
    assert_eq!(meanwhile[0]["worst"]["health"], "critical");
    for (query, why) in [
        ("to=2026-11-23T10:00:00Z", "`from` is missing"),
        ("from=2026-11-23T12:00:00Z&to=2026-11-23T11:00:00Z", "exchange"),
        ("from=2026-11-01T00:00:00Z", "kept since "),
        ("since=2026-11-01T00:00:00Z", "no parameter"),
    ] {
        let (status, problem) = wire.ask("GET", &format!("/v1/diff?{query}"), b"").await;
        assert_eq!(status, 400, "{problem}");
        assert!(problem["message"].as_str().unwrap().contains(why), "{problem}");
    }
    agent.stop().await.unwrap();
}

/// Another run of the agent, four hours before this one, in which a school was found ill.
pub fn before(stage: &Stage, six: Timestamp) {
    let store = stage.store();
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
    let note = DeskEntry {
        again: Vec::new(),
        id: 1,
        at: six,
        by: "asha".into(),
        kind: DeskKind::Note,
        from: None,
        until: None,
        filter: "".into(),
        why: "rang them".into(),
        cells: vec![CellName { row, service: "aqua".parse().unwrap() }],
    };
    let desk = vec![note];
    store.keep(Save { at: six, revision: 1, cells: known, history, desk, ..Save::default() });
    store.flush().unwrap();
}

pub const SIX: &str = "2026-11-23T06:00:00Z";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_kept_is_refused_or_unknown() {
    let stage = Stage::new(3);
    let six: Timestamp = SIX.parse().unwrap();
    before(&stage, six);
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
        (
            "2026-11-23T05:59:59Z",
            "kept since Mon 23 Nov 2026 06:00 GMT; nothing of Mon 23 Nov 2026 05:59 GMT",
        ),
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

#[tokio::test(flavor = "multi_thread")]
async fn what_is_handed_over_begins_where_the_last_shift_ended() {
    let mut stage = Stage::new(3);
    stage.settings.people = std::sync::Arc::new(Asha);
    before(&stage, SIX.parse().unwrap());
    let (agent, wire) = stage.settled().await;
    // Asha wrote a note before she went home at eight.
    let page = wire.get("/v1/handover").await;
    assert_eq!((&page["by"], &page["since"]), (&json!("asha"), &json!("2026-11-23T08:00:00Z")));
    assert!(page["why_since"].as_str().unwrap().contains("asha's last shift"), "{page}");
    assert_eq!(page["shift_ends"], "2026-11-23T17:00:00Z");
    assert_eq!(page["diff"]["nobody_looked"][0]["from"], "2026-11-23T06:00:00Z");
    assert!(page["untold"].as_str().unwrap().contains("no policy"), "{page}");
    let page = wire.get("/v1/handover?since=2026-11-23T06:00:00Z").await;
    let cells = page["diff"]["cells"].as_array().unwrap();
    assert_eq!((cells.len(), &cells[0]["sort"]), (1, &json!("better")), "{page}");
    assert_eq!((&page["open"], &page["done"]), (&json!([]), &json!([])));

    stage.vendors[0].says(2, Verdict::Critical);
    until_is(&wire, 2, "critical").await;
    let name = json!({"row": {"school": school(2).to_string()}, "service": "aqua"});
    let what = json!({"kind": "claim", "cells": [name], "why": "ringing them"}).to_string();
    assert_eq!(wire.ask("POST", "/v1/handling", what.as_bytes()).await.0, 200);
    let page = wire.get("/v1/handover").await;
    let open = page["open"].as_array().unwrap();
    assert_eq!((open.len(), &open[0]["stands"]["handling"]["by"]), (1, &json!("asha")), "{page}");
    assert_eq!(page["runs_out"].as_array().unwrap().len(), 1, "at the end of this shift");
    let done = page["done"].as_array().unwrap();
    assert_eq!(
        (done.len(), &done[0]["why"], &done[0]["many"]),
        (1, &json!("ringing them"), &json!(1))
    );
    assert_eq!(page["diff"]["cells"][0]["cell"]["name"], "Invented School 2");
    assert_eq!(page["diff"]["cells"][0]["sort"], "stands", "nobody had looked at eight");
    let (status, _) = wire.ask("GET", "/v1/handover?since=2026-11-25T00:00:00Z", b"").await;
    assert_eq!(status, 400);
    agent.stop().await.unwrap();
}
