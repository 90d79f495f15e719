//! What runs out next, and what became of asking again, as they are printed.
#![cfg(test)]

use caretaker::cli::{endings, expiring_json, expiring_text};
use caretaker::wire::action::Actions;
use caretaker::wire::page::Refreshed;
use caretaker::wire::{Handling, HandlingKind, Health};
use serde_json::{Value, json};

use super::board;

/// What an operator is told who may do nothing, and for whom nothing is open.
fn nothing_open() -> Actions {
    let told = json!({
        "version": 1, "as_of": "2026-11-24T09:00:00Z", "trouble": null, "emergency": null,
        "me": {"operator": {"uid": 7, "login": null, "name": "asha"}, "roles": []},
        "possible": [], "waiting": [], "open": [], "recent": []
    });
    serde_json::from_value(told).unwrap()
}

/// The same, with a plan that waits, armed, in an emergency; each until its hour.
fn all_open() -> Actions {
    let plan = json!({
        "id": "plan-1",
        "ask": {"action": "groupcall.resync", "targets": [], "reason": "the register is old"},
        "by": {"uid": 8, "login": null, "name": "tomr"},
        "items": [], "left_out": [],
        "ruling": {"policy": "p1", "rule": "by-day", "second": null, "says": []},
        "made_at": "2026-11-24T08:50:00Z", "expires_at": "2026-11-24T08:55:00Z", "digest": "3f9a"
    });
    let possible = json!({
        "action": "groupcall.resync", "label": "Ask for fresh pupil data", "class": "trigger",
        "aims_at": "school", "choices": [], "closed": null
    });
    let mut actions = nothing_open();
    actions.waiting =
        serde_json::from_value(json!([{"plan": plan, "until": "2026-11-24T13:00:00Z"}])).unwrap();
    actions.possible = serde_json::from_value(json!([possible])).unwrap();
    actions.me.armed_until = Some("2026-11-24T09:15:00Z".parse().unwrap());
    let emergency = json!({"by": "leadx", "why": "flood", "until": "2026-11-24T10:00:00Z"});
    actions.emergency = Some(serde_json::from_value(emergency).unwrap());
    actions
}

fn held(kind: HandlingKind, by: &str, until: Option<&str>) -> Option<Box<Handling>> {
    let until = until.map(|at| at.parse().unwrap());
    Some(Box::new(Handling { kind, by: by.into(), until }))
}

#[test]
fn who_has_what_until_when_the_soonest_first() {
    let (mut board, actions) = (board(), nothing_open());
    let none = "nothing runs out: nobody has anything for a time\n";
    assert_eq!(expiring_text(&board, &actions), none);
    // For good, or over already: nothing of it runs out.
    board.schools[0].cells[0].handling = held(HandlingKind::Claimed, "asha", None);
    board.estate[0].handling = held(HandlingKind::Claimed, "asha", Some("2026-11-24T09:00:00Z"));
    assert_eq!(expiring_text(&board, &actions), none);

    board.estate[0].handling = held(HandlingKind::Downtime, "tomr", Some("2026-11-24T17:00:00Z"));
    board.schools[1].cells[0].health = Health::Warning;
    board.schools[1].cells[0].handling =
        held(HandlingKind::Acknowledged, "asha", Some("2026-11-24T10:30:00Z"));
    let text = expiring_text(&board, &actions);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "2026-11-24T10:30: Alder Hill Junior / groupcall, acknowledged by asha",
            "2026-11-24T17:00: whole estate / groupcall, downtime by tomr",
        ]
    );
    assert_eq!(endings(&board, &actions).len(), 2);
    let json: Value = serde_json::from_str(&expiring_json(&board, &actions).unwrap()).unwrap();
    assert_eq!(
        (json["version"].as_u64(), json["as_of"].as_str()),
        (Some(1), Some("2026-11-24T09:00:00Z"))
    );
    let first = &json["expiring"][0];
    assert_eq!((&first["service"], &first["by"]), (&"groupcall".into(), &"asha".into()));
    assert_eq!(first["school"], serde_json::to_value(board.schools[1].laestab).unwrap());
    assert!(json["expiring"][1]["school"].is_null());
}

#[test]
fn plans_that_wait_and_what_is_open_run_out_too() {
    let (mut board, actions) = (board(), all_open());
    board.estate[0].handling = held(HandlingKind::Downtime, "tomr", Some("2026-11-24T09:30:00Z"));
    let text = expiring_text(&board, &actions);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "2026-11-24T09:15: your actions, armed, asha",
            "2026-11-24T09:30: whole estate / groupcall, downtime by tomr",
            "2026-11-24T10:00: everybody, emergency declared by leadx",
            "2026-11-24T13:00: Ask for fresh pupil data, asked for by tomr, waits for approval: plan plan-1",
        ]
    );
    let json: Value = serde_json::from_str(&expiring_json(&board, &actions).unwrap()).unwrap();
    let about: Vec<&str> =
        json["expiring"].as_array().unwrap().iter().map(|e| e["about"].as_str().unwrap()).collect();
    assert_eq!(about, ["armed", "cell", "emergency", "plan"]);
    assert_eq!(json["expiring"][3]["plan"], "plan-1");
    // What ran out by the agent's clock is not told.
    board.as_of = "2026-11-24T11:00:00Z".parse().unwrap();
    assert_eq!(endings(&board, &actions).len(), 1);
}

#[test]
fn what_was_not_asked_is_not_told_as_asked() {
    let told = |asked, too_soon| Refreshed { asked, too_soon }.words();
    assert_eq!(told(3, 0), "asking again now: 3 questions");
    assert_eq!(told(3, 2), "asking again now: 3 questions; 2 were asked moments ago");
    assert_eq!(told(1, 1), "asking again now: 1 question; 1 was asked moments ago");
    assert!(told(0, 2).starts_with("not asked again"), "{}", told(0, 2));
    assert!(told(0, 0).starts_with("nothing is watched there"), "{}", told(0, 0));
}
