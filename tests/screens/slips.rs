//! Slips of the hand: a wrong key, another size in the middle of a prompt, letters of two columns or none.

use std::collections::BTreeMap;

use caretaker::tui::console::Effect;
use caretaker::tui::keymap::{BINDINGS, Chord, Keymap, Scope};
use caretaker::tui::term::Input;
use caretaker::tui::theme::Depth;
use caretaker::tui::wish::Wish;
use caretaker::wire::desk::DeskKind;
use caretaker::wire::{Clean, Health};

use crate::fixture::{DAY, Desk, bad, morning};
use crate::guarded::with;

/// Whether an effect only reads, moves, or can be undone with a key.
fn is_harmless(effect: &Effect) -> bool {
    match effect {
        Effect::Handle(handle) => {
            matches!(handle.kind, DeskKind::Acknowledge | DeskKind::Claim | DeskKind::GiveBack)
        }
        Effect::Guard(wish) => !matches!(
            wish,
            Wish::Confirm { .. }
                | Wish::Approve { .. }
                | Wish::TakeBack(_)
                | Wish::Tell { .. }
                | Wish::Close { .. }
                | Wish::Emergency(_)
                | Wish::Arm(_)
                | Wish::Reveal { .. }
                | Wish::OrderIncident { .. }
        ),
        _ => true,
    }
}

/// Every key of a place.
fn keys(scope: Scope) -> Vec<Chord> {
    let keymap = Keymap::new(&BTreeMap::new()).unwrap();
    keymap.here(scope).flat_map(|(_, chords)| chords.to_vec()).collect()
}

#[test]
fn no_single_key_does_what_a_key_cannot_undo() {
    let places: [(Scope, &str, &str); 6] = [
        (Scope::Board, "", " board "),
        (Scope::Page, "enter", "board > "),
        (Scope::Text, "enter enter", "> Smoothwall"),
        (Scope::Expiring, ": e x p i r i n g enter", "> runs out"),
        (Scope::Look, ": l o o k enter", "> open actions"),
        (Scope::Audit, ": a u d i t enter", "> audit"),
    ];
    for (scope, way, path) in places {
        let all = keys(scope);
        assert!(all.len() > 8, "{scope:?}: {all:?}");
        let mut desk = with((120, 40), "dark", Depth::Full);
        desk.press(way);
        assert!(desk.line(0).contains(path), "{scope:?}: {}", desk.line(0));
        desk.effects();
        let start = desk.console.clone();
        // A key alone, and two by a slip: the second may be the one beside.
        for first in &all {
            let beside = if scope == Scope::Board { all.as_slice() } else { &all[..1] };
            for second in beside {
                desk.console = start.clone();
                for chord in [first, second] {
                    desk.console.input(Input::Key(*chord), desk.mono);
                }
                let effects = desk.effects();
                let wrong: Vec<_> = effects.iter().filter(|e| !is_harmless(e)).collect();
                assert!(wrong.is_empty(), "{scope:?} {first} {second}: {wrong:?}");
            }
        }
    }
}

#[test]
fn two_commands_on_one_key_are_told_with_both_names() {
    for pair in BINDINGS.windows(2) {
        let [one, other] = pair else { continue };
        if one.name == other.name || !one.scopes.iter().any(|s| other.scopes.contains(s)) {
            continue;
        }
        let keys = vec!["f9".to_owned()];
        let set = [(one.name, &keys), (other.name, &keys)];
        let set = set.into_iter().map(|(name, keys)| (name.to_owned(), keys.clone())).collect();
        let told = Keymap::new(&set).unwrap_err().to_string();
        assert!(told.contains(one.name) && told.contains(other.name), "{told}");
    }
}

#[test]
fn another_size_in_any_prompt_keeps_what_was_typed_and_sends_nothing() {
    for (way, typed) in [
        (":", "handover -8"),
        ("/", "gc:c age>1"),
        ("o", "alder"),
        ("d", "2h CHG00"),
        ("d", "every sun 02:00..04:00 CHG"),
        ("m", "rang the off"),
        ("t", "Mon 22"),
        ("?", "next"),
        ("x", "tick"),
        ("w", "m.sh"),
    ] {
        let mut desk = with((80, 24), "dark", Depth::Full);
        desk.press(way).type_text(typed);
        desk.effects();
        let before = desk.text();
        assert!(before.contains(typed), "{way} {typed}\n{before}");
        for size in [(40, 12), (1, 1), (200, 50), (59, 9), (80, 24)] {
            desk.size = size;
            desk.console.input(Input::Resize(size.0, size.1), desk.mono);
            desk.text();
        }
        assert_eq!(desk.text(), before, "{way}: as before");
        assert_eq!(desk.effects(), [], "{way}");
    }
}

#[test]
fn letters_of_two_columns_and_of_none_move_no_cell() {
    let mut board = morning(60);
    let names = [
        "Alder Primary",
        "学校 Primary",
        "E\u{301}cole Nai\u{308}ve",
        "\u{1f3eb} House",
        "ｗｉｄｅ School",
    ];
    for (n, name) in names.iter().enumerate() {
        board.schools[n].name = Clean::new(name);
        board.schools[n].cells[1] = bad(Health::Critical, 3 * DAY);
    }
    for size in [(80, 24), (120, 40), (200, 50)] {
        let mut desk = Desk::new(board.clone(), size);
        desk.press("/").type_text("gc:c").press("enter");
        let frame = desk.frame();
        let at = |y: u16, what: &str| {
            let cells: Vec<&str> = (0..size.0).map(|x| frame[(x, y)].symbol()).collect();
            (0..cells.len()).find(|x| cells[*x..].concat().starts_with(what))
        };
        let head = (0..size.1).find_map(|y| at(y, "GC")).expect("the column's head");
        let rows: Vec<u16> = (4..size.1).filter(|y| at(*y, "C3d") == Some(head)).collect();
        assert!(rows.len() >= names.len(), "{size:?}\n{}", desk.text());
    }
}
