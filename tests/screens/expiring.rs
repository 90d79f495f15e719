//! What runs out next.

use caretaker::wire::action::EmergencyView;
use caretaker::wire::{Clean, HandlingKind, Health};

use crate::fixture::{Desk, at, held, morning};
use crate::guarded::{actions, desk, lock, operator, waiting, with};
use crate::snapshots::{coloured, everywhere};

/// At the list, with a plan that waits, actions that are open for a while and an emergency.
fn runs_out(mut desk: Desk) -> Desk {
    let mut acts = actions();
    acts.waiting = vec![waiting(&lock(), operator("asha", 1001))];
    acts.me.armed_until = Some(at("2026-11-24T09:29:00Z"));
    acts.emergency = Some(EmergencyView {
        by: Clean::new("tomr"),
        why: Clean::new("Microsoft is down"),
        until: at("2026-11-24T11:00:00Z"),
    });
    desk.acts(acts).press(":").type_text("expiring").press("enter");
    desk
}

#[test]
fn at_every_size() {
    everywhere("expiring", |size| runs_out(desk(size)));
    coloured("expiring", &[1, 3, 4, 5, 23], |theme, depth| runs_out(with((80, 24), theme, depth)));
}

#[test]
fn the_soonest_comes_first_and_what_is_over_is_gone() {
    let mut board = morning(60);
    for (n, (kind, until)) in [
        (HandlingKind::Claimed, "2026-11-24T12:00:00Z"),
        (HandlingKind::Acknowledged, "2026-11-24T09:20:00Z"),
        (HandlingKind::Downtime, "2026-11-26T08:00:00Z"),
        (HandlingKind::AcknowledgedAsIs, "2026-11-24T16:00:00Z"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut cell = held(Health::Critical, 60, kind, "tomr");
        if let Some(handling) = &mut cell.handling {
            handling.until = Some(at(until));
        }
        board.schools[45 + n].cells[2] = cell;
    }
    let names: Vec<String> =
        board.schools[45..48].iter().map(|s| s.name.as_str().to_owned()).collect();
    let mut desk = Desk::new(board, (120, 40));
    desk.press(":").type_text("expiring").press("enter");
    let text = desk.text();
    let place =
        |name: &String| text.find(name.as_str()).unwrap_or_else(|| panic!("{name}: {text}"));
    assert!(place(&names[1]) < place(&names[0]) && place(&names[0]) < place(&names[2]), "{text}");
    assert!(desk.line_with(&names[1]).contains("09:20        in 6m"), "{text}");
    assert!(text.contains("acknowledged as it is tomr"), "the longest word has its room: {text}");
    // The cursor is bound to what it stands on; Enter opens its school.
    desk.press("enter");
    assert!(desk.line(0).contains(&names[1]), "{}", desk.line(0));
    desk.press("esc").wait(7 * 60).beat();
    assert!(!desk.text().contains(&names[1]), "{}", desk.text());
    assert!(desk.text().contains(&names[0]), "{}", desk.text());
}

#[test]
fn nothing_runs_out_is_said() {
    let mut desk = Desk::new(crate::fixture::calm(9), (80, 24));
    desk.press(":").type_text("expiring").press("enter");
    assert!(desk.text().contains("nothing: nobody has anything for a time"), "{}", desk.text());
    desk.press("enter q");
    assert!(desk.text().contains("School, worst first"), "{}", desk.text());
}
