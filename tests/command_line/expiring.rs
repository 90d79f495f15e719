//! What runs out next, and what became of asking again, as they are printed.
#![cfg(test)]

use caretaker::cli::{endings, expiring_json, expiring_text, refreshed_text};
use caretaker::wire::page::Refreshed;
use caretaker::wire::{Handling, HandlingKind, Health};
use serde_json::Value;

use super::board;

fn held(kind: HandlingKind, by: &str, until: Option<&str>) -> Option<Box<Handling>> {
    let until = until.map(|at| at.parse().unwrap());
    Some(Box::new(Handling { kind, by: by.into(), until }))
}

#[test]
fn who_has_what_until_when_the_soonest_first() {
    let mut board = board();
    let none = "nothing runs out: nobody has anything for a time\n";
    assert_eq!(expiring_text(&board), none);
    // For good, or over already: nothing of it runs out.
    board.schools[0].cells[0].handling = held(HandlingKind::Claimed, "asha", None);
    board.estate[0].handling = held(HandlingKind::Claimed, "asha", Some("2026-11-24T09:00:00Z"));
    assert_eq!(expiring_text(&board), none);

    board.estate[0].handling = held(HandlingKind::Downtime, "tomr", Some("2026-11-24T17:00:00Z"));
    board.schools[1].cells[0].health = Health::Warning;
    board.schools[1].cells[0].handling =
        held(HandlingKind::Acknowledged, "asha", Some("2026-11-24T10:30:00Z"));
    let text = expiring_text(&board);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "2026-11-24T10:30: Alder Hill Junior / groupcall, acknowledged by asha",
            "2026-11-24T17:00: whole estate / groupcall, downtime by tomr",
        ]
    );
    assert_eq!(endings(&board).len(), 2);
    let json: Value = serde_json::from_str(&expiring_json(&board).unwrap()).unwrap();
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
fn what_was_not_asked_is_not_told_as_asked() {
    let told = |asked, too_soon| refreshed_text(&Refreshed { asked, too_soon });
    assert_eq!(told(3, 0), "asking again now: 3 questions");
    assert_eq!(told(3, 2), "asking again now: 3 questions; 2 were asked moments ago");
    assert!(told(0, 2).starts_with("not asked again"), "{}", told(0, 2));
    assert!(told(0, 0).starts_with("nothing is watched there"), "{}", told(0, 0));
}
