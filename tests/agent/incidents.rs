//! Incidents over the socket: how they come, what is done about them, and what a restart leaves.

use std::collections::BTreeMap;
use std::sync::Arc;

use caretaker::model::observation::Verdict;
use caretaker::model::plan::Operator;
use caretaker::ports::people::{Nobody, People, Person};
use serde_json::{Value, json};

use crate::contract::Wire;
use crate::stage::{Stage, school, until};

/// Whoever it is, it is Asha.
#[derive(Debug)]
struct Asha;

impl People for Asha {
    fn person(&self, uid: u32, _: Option<i32>) -> Result<Person, Nobody> {
        let operator = Operator { uid, login: None, name: "asha".into() };
        Ok(Person { operator, groups: Vec::new() })
    }
}

fn stage(schools: usize) -> Stage {
    let mut stage = Stage::new(schools);
    stage.settings.people = Arc::new(Asha);
    stage
}

async fn all(wire: &Wire) -> Vec<Value> {
    wire.get("/v1/incidents?ended=1h").await["incidents"].as_array().unwrap().clone()
}

async fn bad_cells(wire: &Wire, count: u64) -> Vec<Value> {
    wire.refresh().await;
    until("in trouble", || async {
        let bad: u64 = all(wire).await.iter().map(|i| i["in_trouble"].as_u64().unwrap()).sum();
        bad == count
    })
    .await;
    all(wire).await
}

async fn order(wire: &Wire, id: &Value, what: Value) -> (u16, Value) {
    wire.ask("POST", &format!("/v1/incidents/{id}"), what.to_string().as_bytes()).await
}

async fn page(wire: &Wire, id: &Value) -> Value {
    wire.get(&format!("/v1/incidents/{id}")).await
}

fn time_line(page: &Value) -> String {
    let lines = page["time_line"].as_array().unwrap().iter();
    let lines = lines
        .map(|l| format!("{} {}", l["who"].as_str().unwrap_or("-"), l["what"].as_str().unwrap()));
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_bad_together_is_one_incident_with_a_time_line() {
    let stage = stage(4);
    let (agent, wire) = stage.settled().await;
    assert!(all(&wire).await.is_empty());
    stage.vendors[0].says(1, Verdict::Critical);
    stage.vendors[0].says(2, Verdict::Critical);
    let found = bad_cells(&wire, 2).await;
    let [one] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(
        (&one["roots"], &one["schools"], &one["health"]),
        (&json!(2), &json!(2), &json!("critical"))
    );
    assert_eq!((&one["had"]["nobody"], &one["state"]["is"]), (&json!(2), &json!("open")));

    let places = wire.get("/v1/incidents?places=true").await["places"].clone();
    let both = json!([school(1).to_string(), school(2).to_string()]);
    assert_eq!(places, json!([{"id": one["id"], "schools": both}]));
    assert!(wire.get("/v1/incidents").await.get("places").is_none(), "only where it is asked for");

    let (status, told) = order(&wire, &one["id"], json!({"kind": "claim"})).await;
    assert_eq!((status, &told["handled"]["done"]), (200, &json!(2)), "{told}");
    let now = all(&wire).await;
    assert_eq!((&now[0]["had"]["nobody"], &now[0]["had"]["by"]), (&json!(0), &json!(["asha"])));
    let board = wire.get("/v1/board").await;
    assert_eq!(board["schools"][1]["cells"][0]["handling"]["by"], "asha", "the cells are claimed");

    let note = json!({"kind": "note", "why": "rang the school: the server is off"});
    assert_eq!(order(&wire, &one["id"], note).await.0, 200);
    let (status, told) = order(&wire, &one["id"], json!({"kind": "note"})).await;
    assert_eq!(status, 400, "{told}");
    let whole = page(&wire, &one["id"]).await;
    assert_eq!(whole["members"].as_array().unwrap().len(), 2);
    let text = time_line(&whole);
    for wanted in
        ["- began: ", "2 schools: ", "-> critical", "asha claimed: 2 cells", "asha rang the school"]
    {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert_eq!(
        text.matches("rang the school").count(),
        1,
        "once, though it is in the book too: {text}"
    );
    let of_school = wire.get(&format!("/v1/schools/{}", school(1))).await;
    assert_eq!(of_school["incidents"], json!([one["id"]]));
    assert_eq!(of_school["desk"][0]["filter"], format!("incident {}", one["id"]));
    agent.stop().await.unwrap();
}

/// An incident of two cells, from which one was parted: its number, and that of the new one.
async fn parted(stage: &Stage, wire: &Wire, why: &str) -> (Value, Value) {
    for n in [1, 2] {
        stage.vendors[0].says(n, Verdict::Critical);
    }
    let id = bad_cells(wire, 2).await[0]["id"].clone();
    let cell = json!({"row": {"school": school(2).to_string()}, "service": "aqua"});
    let split = json!({"kind": "split", "cells": [cell], "why": why});
    let (status, told) = order(wire, &id, split).await;
    assert_eq!(status, 200, "{told}");
    let other = told["id"].clone();
    assert_ne!(other, id);
    (id, other)
}

#[tokio::test(flavor = "multi_thread")]
async fn incidents_are_split_merged_and_resolved_and_the_same_after_a_restart() {
    let stage = stage(4);
    let (agent, wire) = stage.settled().await;
    let (id, other) = parted(&stage, &wire, "its own server").await;
    assert_eq!(all(&wire).await.len(), 2);

    let (status, told) = order(&wire, &other, json!({"kind": "resolve", "why": "solved"})).await;
    assert_eq!(status, 409, "{told}");
    let why = told["message"].as_str().unwrap();
    assert!(why.contains("1 of its cells is still in trouble") && why.contains("anyway"), "{why}");
    let (status, told) = order(&wire, &id, json!({"kind": "merge", "into": 99, "why": "x"})).await;
    assert_eq!(status, 404, "{told}");
    let (status, told) = order(&wire, &json!("no"), json!({"kind": "claim"})).await;
    assert_eq!(status, 400, "{told}");
    let (status, told) = wire.ask("GET", "/v1/incidents/no", b"").await;
    assert_eq!(status, 400, "{told}");

    agent.stop().await.unwrap();
    let (agent, wire) = stage.settled().await;
    let mut ids: Vec<Value> = all(&wire).await.into_iter().map(|i| i["id"].clone()).collect();
    ids.sort_by_key(|id| id.as_u64());
    assert_eq!(ids, [id.clone(), other.clone()], "the numbers are the same");
    assert!(time_line(&page(&wire, &other).await).contains("parted from incident"));

    let merge = json!({"kind": "merge", "into": id, "why": "one cause after all"});
    let (status, told) = order(&wire, &other, merge).await;
    assert_eq!((status, &told["id"]), (200, &id), "{told}");
    let (status, told) = order(&wire, &other, json!({"kind": "claim"})).await;
    assert_eq!(status, 409, "{told}");
    let part = page(&wire, &other).await["incident"]["state"].clone();
    assert_eq!((&part["is"], &part["into"]), (&json!("merged"), &id));

    let anyway = json!({"kind": "resolve", "why": "the vendor knows", "anyway": true});
    assert_eq!(order(&wire, &id, anyway).await.0, 200);
    let open = wire.get("/v1/incidents").await;
    assert_eq!(open["incidents"], json!([]), "set aside though it is in trouble");
    agent.stop().await.unwrap();
    let (agent, wire) = stage.settled().await;
    assert_eq!(wire.get("/v1/incidents").await["incidents"], json!([]), "after a restart too");
    let resolved = page(&wire, &id).await;
    assert_eq!(resolved["incident"]["state"]["in_trouble"], 2);
    let note = json!({"kind": "note", "why": "for the review"});
    assert_eq!(order(&wire, &id, note).await.0, 200, "what becomes clear afterwards belongs there");
    assert!(time_line(&page(&wire, &id).await).contains("asha for the review"));
    agent.stop().await.unwrap();
}

/// Every text that operators wrote about these incidents: its number and the line that has it.
async fn written(wire: &Wire, ids: [&Value; 2]) -> BTreeMap<u64, String> {
    let mut out = BTreeMap::new();
    for id in ids {
        let page = page(wire, id).await;
        let lines = page["time_line"].as_array().unwrap().iter();
        out.extend(lines.filter_map(|l| Some((l["number"].as_u64()?, l["what"].to_string()))));
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reason_of_every_order_can_be_struck_out_and_is_in_no_file_then() {
    let stage = stage(4);
    let (agent, wire) = stage.settled().await;
    let names = |what: &str| format!("{what} {} for Zephaniah Quill", "rang twice;".repeat(18));
    let (id, other) = parted(&stage, &wire, &names("split")).await;
    let merge = json!({"kind": "merge", "into": id, "why": names("merge")});
    for asked in [json!({"kind": "claim", "why": names("claim")}), merge] {
        assert_eq!(order(&wire, &other, asked).await.0, 200);
    }
    let resolve = json!({"kind": "resolve", "why": names("resolve"), "anyway": true});
    assert_eq!(order(&wire, &id, resolve).await.0, 200);
    let texts = written(&wire, [&id, &other]).await;
    let has = |what: &str| texts.values().any(|text| text.contains(&names(what)));
    assert!(["split", "claim", "merge", "resolve"].into_iter().all(has), "{texts:?}");

    for number in texts.keys() {
        let path = format!("/v1/desk/{number}/strike");
        assert_eq!(wire.ask("POST", &path, b"").await.0, 200);
    }
    let clean = async |wire: &Wire| {
        let texts = written(wire, [&id, &other]).await;
        assert!(texts.len() >= 4 && texts.values().all(|t| t.contains("struck out")), "{texts:?}");
        for path in [format!("/v1/incidents/{id}"), format!("/v1/incidents/{other}")] {
            let told = wire.get(&path).await.to_string();
            assert!(!told.contains("Zephaniah"), "{told}");
        }
    };
    clean(&wire).await;
    let folder = std::fs::read_dir(stage.board_file().parent().unwrap()).unwrap();
    let files = folder.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let bytes: Vec<u8> = files.flat_map(|path| std::fs::read(path).unwrap()).collect();
    let found = |text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
    assert!(!found(b"Zephaniah"), "in a file still");
    assert!(found(b"struck out by asha"), "the files that were looked at are those of the book");
    agent.stop().await.unwrap();
    let (agent, wire) = stage.settled().await;
    clean(&wire).await;
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_says_what_it_is_and_nothing_else() {
    let stage = stage(2);
    let (agent, wire) = stage.settled().await;
    stage.vendors[0].says(1, Verdict::Critical);
    let id = bad_cells(&wire, 1).await[0]["id"].clone();
    for (what, wanted) in [
        (json!({"kind": "merge", "why": "x"}), "`into`"),
        (json!({"kind": "claim", "into": 2}), "only a merge"),
        (json!({"kind": "claim", "anyway": true}), "only a resolution"),
        (json!({"kind": "note", "why": "x".repeat(301)}), "300 characters"),
        (json!({"kind": "split", "why": "x"}), "at least one cell"),
        (json!({"kind": "resolve"}), "`why`"),
        (json!({"kind": "erase"}), "not as /v1/openapi.json"),
    ] {
        let (status, told) = order(&wire, &id, what.clone()).await;
        let message = told["message"].as_str().unwrap();
        assert!(status == 400 && message.contains(wanted), "{what}: {status} {message}");
    }
    let (status, told) = wire.ask("GET", "/v1/incidents?ended=soon", b"").await;
    assert_eq!(status, 400, "{told}");
    agent.stop().await.unwrap();
}
