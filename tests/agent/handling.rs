//! Taking things in hand over the socket: what the board, the page and the next start show.

use caretaker::model::observation::Verdict;
use caretaker::model::plan::Operator;
use caretaker::ports::people::{Nobody, People, Person};
use serde_json::{Value, json};

use crate::contract::Wire;
use crate::stage::{Stage, school};

/// Whoever it is, it is Asha.
#[derive(Debug)]
struct Asha;

impl People for Asha {
    fn person(&self, uid: u32, _: Option<i32>) -> Result<Person, Nobody> {
        let operator = Operator { uid, login: None, name: "asha".into() };
        Ok(Person { operator, groups: Vec::new() })
    }
}

fn name(n: usize, service: &str) -> Value {
    json!({"row": {"school": school(n).to_string()}, "service": service})
}

async fn handle(wire: &Wire, what: Value) -> (u16, Value) {
    wire.ask("POST", "/v1/handling", what.to_string().as_bytes()).await
}

async fn cell(wire: &Wire, n: usize, column: usize) -> Value {
    let board = wire.get("/v1/board").await;
    board["schools"][n]["cells"][column].clone()
}

async fn page(wire: &Wire, n: usize) -> Value {
    wire.get(&format!("/v1/schools/{}", school(n))).await
}

async fn until_critical(wire: &Wire, n: usize) {
    wire.refresh().await;
    crate::stage::until("critical", || async { cell(wire, n, 0).await["h"] == "critical" }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_stands_on_the_board_until_it_is_given_back() {
    let mut stage = Stage::new(3);
    stage.settings.people = std::sync::Arc::new(Asha);
    let (agent, wire) = stage.settled().await;
    stage.vendors[0].says(1, Verdict::Critical);
    until_critical(&wire, 1).await;

    let cells = [name(1, "aqua"), name(0, "aqua"), name(1, "aqua"), name(2, "none")];
    let (status, told) = handle(&wire, json!({"kind": "claim", "cells": cells})).await;
    assert_eq!(status, 200, "{told}");
    assert_eq!((told["done"].as_u64(), told["by"].as_str()), (Some(1), Some("asha")));
    // A Monday at ten: the shift ends at five.
    assert_eq!(told["until"], "2026-11-23T17:00:00Z");
    let left = told["left_out_cells"].as_array().unwrap();
    assert_eq!((told["left_out"].as_u64(), left.len()), (Some(2), 2), "{left:?}");
    assert_eq!(left[0]["why"], "it is not in trouble");
    assert_eq!(
        cell(&wire, 1, 0).await["handling"],
        json!({"kind": "claimed", "by": "asha", "until": "2026-11-23T17:00:00Z"})
    );
    assert_eq!(wire.get("/v1/board").await["split"]["somebody"], 1);
    let book = page(&wire, 1).await["desk"].clone();
    assert_eq!(book.as_array().unwrap().len(), 1);
    assert_eq!((&book[0]["kind"], &book[0]["services"]), (&json!("claim"), &json!(["aqua"])));

    let (_, told) = handle(&wire, json!({"kind": "give_back", "cells": [name(1, "aqua")]})).await;
    assert_eq!(told["done"], 1);
    assert_eq!(cell(&wire, 1, 0).await["handling"], Value::Null);
    let (_, told) = handle(&wire, json!({"kind": "give_back", "cells": [name(1, "aqua")]})).await;
    assert_eq!((told["done"].as_u64(), told["id"].as_u64()), (Some(0), Some(0)), "nobody has it");
    assert_eq!(page(&wire, 1).await["desk"].as_array().unwrap().len(), 2, "no entry of nothing");
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_aside_and_planned_outlives_a_restart() {
    let stage = Stage::new(2);
    let (agent, wire) = stage.settled().await;
    let now = json!({
        "kind": "downtime", "cells": [name(0, "aqua"), name(1, "aqua")], "filter": "kind:primary",
        "until": "2026-11-23T18:00:00Z", "why": "CHG0012, the server moves",
    });
    let (status, told) = handle(&wire, now).await;
    assert_eq!((status, told["done"].as_u64()), (200, Some(2)), "well cells too: {told}");
    let later = json!({
        "kind": "downtime", "cells": [name(0, "bolt")], "from": "2026-11-28T22:00:00Z",
        "until": "2026-11-29T02:00:00Z", "why": "announced",
    });
    assert_eq!(handle(&wire, later).await.1["done"], 1);
    assert_eq!(cell(&wire, 0, 1).await["handling"], Value::Null, "not yet");
    agent.stop().await.unwrap();

    let (agent, wire) = stage.settled().await;
    assert_eq!(cell(&wire, 0, 0).await["handling"]["kind"], "downtime");
    let page = page(&wire, 0).await;
    assert_eq!(page["services"][1]["planned"]["from"], "2026-11-28T22:00:00Z");
    assert_eq!(page["services"][0]["planned"], Value::Null);
    let book = page["desk"].as_array().unwrap();
    assert_eq!((book[0]["why"].as_str(), book.len()), (Some("announced"), 2), "newest first");
    assert_eq!(book[1]["filter"], "kind:primary", "the expression beside the list");
    // Given back before it begins.
    let (_, told) = handle(&wire, json!({"kind": "give_back", "cells": [name(0, "bolt")]})).await;
    assert_eq!(told["done"], 1);
    agent.stop().await.unwrap();
    let (agent, wire) = stage.settled().await;
    let bolt = self::page(&wire, 0).await["services"][1]["planned"].clone();
    assert_eq!(bolt, Value::Null);
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_again_says_its_next_and_its_last_and_outlives_a_restart() {
    let stage = Stage::new(2);
    let (agent, wire) = stage.settled().await;
    let every = json!({
        "kind": "downtime", "cells": [name(0, "aqua"), name(1, "aqua")], "why": "CHG0012",
        "every": "every sun 02:00..04:00 till 2026-12-13",
    });
    let (status, told) = handle(&wire, every).await;
    assert_eq!((status, told["done"].as_u64()), (200, Some(2)), "{told}");
    assert_eq!((&told["times"], &told["last"]), (&json!(3), &json!("2026-12-13T04:00:00Z")));
    assert_eq!(told["from"], "2026-11-29T02:00:00Z");
    assert_eq!(cell(&wire, 0, 0).await["handling"], Value::Null, "it has not begun");
    agent.stop().await.unwrap();

    let (agent, wire) = stage.settled().await;
    let shown = page(&wire, 0).await;
    let planned = shown["services"][0]["planned"].clone();
    assert_eq!((&planned["from"], &planned["times"]), (&json!("2026-11-29T02:00:00Z"), &json!(3)));
    assert_eq!(planned["last"], "2026-12-13T04:00:00Z");
    assert_eq!(
        (&shown["desk"][0]["times"], &shown["desk"][0]["why"]),
        (&json!(3), &json!("CHG0012"))
    );
    // Given back, none of them comes.
    let (_, told) = handle(&wire, json!({"kind": "give_back", "cells": [name(0, "aqua")]})).await;
    assert_eq!(told["done"], 1);
    assert_eq!(page(&wire, 0).await["services"][0]["planned"], Value::Null);
    assert_eq!(page(&wire, 1).await["services"][0]["planned"]["times"], 3, "the other's do");

    // A calendar without a closure: nothing is set aside, and it says so.
    let closures = json!({
        "kind": "downtime", "cells": [name(0, "aqua")], "why": "x", "every": "closures till 2026-12-01",
    });
    let (status, told) = handle(&wire, closures).await;
    assert_eq!((status, told["done"].as_u64()), (200, Some(0)), "{told}");
    let why = told["left_out_cells"][0]["why"].as_str().unwrap();
    assert_eq!(why, "nothing comes there: closures till 2026-12-01");
    for (what, says) in [
        (json!({"every": "every sun"}), "times of day"),
        (json!({"every": "sundays"}), "every sun 02:00..04:00, or closures"),
        (json!({"every": "every sun 02:00..04:00 CHG1"}), "every sun 02:00..04:00, or closures"),
        (
            json!({"every": "closures", "until": "2026-12-01T00:00:00Z"}),
            "not in `from` and `until`",
        ),
        (json!({"every": "closures", "kind": "claim"}), "only a downtime comes again"),
    ] {
        let mut asked = json!({"kind": "downtime", "cells": [name(0, "aqua")], "why": "x"});
        asked.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
        let (status, problem) = handle(&wire, asked).await;
        assert_eq!(status, 400, "{what}: {problem}");
        assert!(problem["message"].as_str().unwrap().contains(says), "{what}: {problem}");
    }
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_is_kept_and_changes_no_cell() {
    let stage = Stage::new(1);
    let (agent, wire) = stage.settled().await;
    let before = cell(&wire, 0, 0).await;
    let note =
        json!({"kind": "note", "cells": [name(0, "aqua")], "why": "rang the \u{1b}[2Joffice"});
    assert_eq!(handle(&wire, note).await.1["done"], 1);
    assert_eq!(cell(&wire, 0, 0).await, before);
    let book = page(&wire, 0).await["desk"].clone();
    assert_eq!(book[0]["why"], "rang the [2Joffice", "cleaned where it enters");
    assert!(book[0]["by"].as_str().unwrap().starts_with("uid "), "nobody names the accounts here");
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_that_is_struck_out_is_read_nowhere_and_in_no_file() {
    let mut stage = Stage::new(2);
    stage.settings.people = std::sync::Arc::new(Asha);
    let (agent, wire) = stage.settled().await;
    // So long that what is put in its place does not cover it.
    let needle = format!("{}mind Zephaniah Quill", "rang twice; ".repeat(18));
    let (names, keeps) = ([name(0, "aqua")], [name(1, "aqua")]);
    stage.vendors[0].says(0, Verdict::Critical);
    until_critical(&wire, 0).await;
    let incidents = wire.get("/v1/incidents").await;
    let incident = format!("/v1/incidents/{}", incidents["incidents"][0]["id"]);
    // One at a cell, one at the incident, which stands at its cells as well; and one that stays.
    let noted = handle(&wire, json!({"kind": "note", "cells": names, "why": needle})).await.1;
    let why = format!("{needle} again");
    let order = json!({"kind": "note", "why": why}).to_string();
    let at_incident = wire.ask("POST", &incident, order.as_bytes()).await.1;
    let kept = json!({"kind": "note", "cells": keeps, "why": "rang the office"});
    assert_eq!(handle(&wire, kept).await.1["done"], 1);
    let files = || {
        let folder = std::fs::read_dir(stage.board_file().parent().unwrap()).unwrap();
        let all = folder.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        all.flat_map(|path| std::fs::read(path).unwrap()).collect::<Vec<u8>>()
    };
    for id in [&noted["id"], &at_incident["handled"]["id"]] {
        let (status, struck) = wire.ask("POST", &format!("/v1/desk/{id}/strike"), b"").await;
        assert_eq!((status, &struck["by"]), (200, &json!("asha")), "{struck}");
    }
    for path in [incident.clone(), format!("/v1/schools/{}", school(0)), "/v1/handover".into()] {
        let told = wire.get(&path).await.to_string();
        assert!(!told.contains("Zephaniah"), "{path}: {told}");
        assert!(told.contains("struck out by asha"), "{path}: {told}");
    }
    let bytes = files();
    let found = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(!found("Zephaniah"), "in a file still");
    assert!(found("rang the office"), "the files that were looked at are those of the book");
    // Twice is once more; what is not there is said.
    let again = wire.ask("POST", &format!("/v1/desk/{}/strike", noted["id"]), b"").await;
    assert_eq!(again.0, 200);
    assert_eq!(wire.ask("POST", "/v1/desk/12/strike", b"").await.0, 404);
    assert_eq!(page(&wire, 1).await["desk"][0]["why"], "rang the office");
    agent.stop().await.unwrap();
    // Nor does the next start bring it back.
    let (agent, wire) = stage.settled().await;
    let told = wire.get(&incident).await.to_string();
    assert!(!told.contains("Zephaniah") && told.contains("struck out"), "{told}");
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_refused_with_a_remedy_and_a_large_list_is_taken() {
    let stage = Stage::new(1);
    let (agent, wire) = stage.settled().await;
    for what in [
        json!({}),
        json!({"kind": "claim", "cells": []}),
        json!({"kind": "lock", "cells": [name(0, "aqua")]}),
        json!({"kind": "claim", "cells": [name(0, "aqua")], "by": "somebody else"}),
        json!({"kind": "claim", "cells": [{"row": {"school": "12"}, "service": "aqua"}]}),
        json!({"kind": "downtime", "cells": [name(0, "aqua")], "why": "x"}),
        json!({"kind": "downtime", "cells": [name(0, "aqua")], "until": "2026-11-23T18:00:00Z"}),
    ] {
        let (status, problem) = handle(&wire, what.clone()).await;
        assert_eq!((status, problem["code"].as_str()), (400, Some("bad_request")), "{what}");
    }
    let many: Vec<Value> = (0..9_000).map(|_| name(0, "aqua")).collect();
    let (status, told) = handle(&wire, json!({"kind": "note", "cells": many, "why": "many"})).await;
    assert_eq!((status, told["done"].as_u64()), (200, Some(1)), "{told}");
    let huge = vec![b' '; 2 * 1_024 * 1_024];
    assert_eq!(wire.ask("POST", "/v1/handling", &huge).await.0, 413);
    agent.stop().await.unwrap();
}
