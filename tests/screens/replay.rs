//! A recording on the screens: unmistakable, wound by keys, and nothing can be done in it.

use caretaker::tui::console::Effect;
use caretaker::tui::theme::Depth;
use caretaker::tui::wish::{Heard, Wish};
use caretaker::wire::Clean;
use caretaker::wire::board::Board;
use caretaker::wire::replay::{Playing, Replay, ReplayOrder};

use crate::fixture::{Desk, NOW, at, morning};
use crate::snapshots::{coloured, everywhere};

fn playing(playing: Playing) -> Board {
    let mut board = morning(60);
    board.replay = Some(Replay {
        at: at(NOW),
        from: at("2026-11-24T08:00:00Z"),
        until: at("2026-11-24T10:00:00Z"),
        speed: 60,
        playing,
        names_schools: false,
        note: Some(Clean::new("09:13 operator 1: claimed, 3 cells")),
    });
    board
}

fn desk(size: (u16, u16)) -> Desk {
    Desk::new(playing(Playing::Plays), size)
}

/// What was asked of the recording since this was last looked at.
fn asked(desk: &mut Desk) -> Option<ReplayOrder> {
    let effects = desk.effects();
    effects.into_iter().find_map(|effect| match effect {
        Effect::Guard(Wish::Replay(order)) => Some(order),
        _ => None,
    })
}

#[test]
fn at_every_size() {
    everywhere("replay_board", desk);
    everywhere("replay_over", |size| Desk::new(playing(Playing::Over), size));
    everywhere("replay_page", |size| {
        let mut desk = desk(size);
        desk.press("j enter");
        desk
    });
    coloured("replay_board", &[0, 1, 3, 4], |theme, depth| {
        Desk::with(playing(Playing::Plays), (80, 24), theme, depth)
    });
}

#[test]
fn it_is_unmistakable_in_every_theme_and_without_colour() {
    for (theme, depth) in [
        ("dark", Depth::Full),
        ("light", Depth::Full),
        ("cvd", Depth::C256),
        ("default", Depth::C16),
        ("dark", Depth::None),
    ] {
        for (how, word) in
            [(Playing::Plays, "x60"), (Playing::Paused, "PAUSED"), (Playing::Over, "END")]
        {
            let desk = Desk::with(playing(how), (80, 24), theme, depth);
            let first = desk.line(0);
            let told = format!("REPLAY {word} Tue 24 Nov 09:14");
            assert!(first.contains(&told) && !first.contains("LIVE"), "{first}");
            let styles = desk.styles(0);
            let run = styles.lines().find(|l| l.contains("REPLAY")).unwrap();
            assert!(run.contains("reverse") || run.contains("bg="), "{theme}: {run}");
        }
    }
    assert_eq!(desk((80, 24)).console.title(), "caretaker: REPLAY");
    let mut page = desk((80, 24));
    page.press("j enter");
    assert!(!page.text().contains("SAY"), "nothing to be said on the telephone: {}", page.text());
    // Whoever plays it is gone: that is what is told.
    let mut gone = desk((80, 24));
    gone.lose().wait(61);
    assert!(gone.line(0).contains("OFFLINE"), "{}", gone.line(0));
}

#[test]
fn no_key_and_no_command_does_anything_there() {
    for keys in ["a", "c", "d", "m", "u", "x", "w", "r"] {
        for on_page in [false, true] {
            let mut desk = desk((80, 24));
            desk.press("j");
            if on_page {
                desk.press("enter");
            }
            desk.effects();
            desk.shown().press(keys);
            assert_eq!(desk.effects(), [], "{keys} {on_page}");
            assert!(
                desk.text().contains("not now: this is a recording"),
                "{keys}: {}",
                desk.text()
            );
        }
    }
    for command in ["arm 15m why", "audit by:asha", "handover", "approvals", "hint"] {
        let mut desk = desk((80, 24));
        desk.effects();
        desk.press(":").type_text(command).press("enter");
        assert_eq!(desk.effects(), [], "{command}");
    }
    assert!(!desk((80, 24)).console.wants_acts(), "there is no guard to ask");
}

#[test]
fn keys_wind_it_and_nobody_is_asked_for_what_is_not_in_it() {
    let mut desk = desk((120, 40));
    desk.effects();
    for (key, order) in [
        ("p", ReplayOrder::Pause),
        ("+", ReplayOrder::Faster),
        ("-", ReplayOrder::Slower),
        ("]", ReplayOrder::Next),
        ("[", ReplayOrder::Previous),
    ] {
        desk.press(key);
        assert_eq!(asked(&mut desk), Some(order), "{key}");
    }
    desk.press("t").type_text("09:02").press("enter");
    let to = ReplayOrder::To { at: at("2026-11-24T09:02:00Z") };
    assert_eq!(asked(&mut desk), Some(to));
    assert!(desk.text().contains("whole estate"), "the prompt is gone: {}", desk.text());
    let mono = desk.mono;
    desk.console.heard(Heard::Replay(Err("gone".to_owned())), mono);
    assert!(desk.text().contains("the recording stays where it is: gone"), "{}", desk.text());
    // Hours go by in a recording; that is no operator who comes back.
    desk.wait(40).beat().press("j");
    assert_eq!(desk.effects(), []);

    let mut over = Desk::new(playing(Playing::Over), (80, 24));
    over.effects();
    over.press("p");
    assert_eq!((asked(&mut over), over.text().contains("the recording is over")), (None, true));
    over.press("]");
    assert_eq!((asked(&mut over), over.text().contains("ends here")), (None, true));
    over.press("[");
    assert_eq!(asked(&mut over), Some(ReplayOrder::Previous));
}

#[test]
fn outside_of_a_recording_its_keys_do_nothing() {
    let mut desk = Desk::new(morning(60), (80, 24));
    desk.effects();
    for key in ["p", "+", "-", "]"] {
        desk.press(key);
        assert_eq!(desk.effects(), [], "{key}");
        assert!(desk.text().contains("not now"), "{key}: {}", desk.text());
    }
}

#[test]
fn the_clock_of_a_recording_that_stands_still_stands_still() {
    for (how, minute) in [(Playing::Plays, "09:15"), (Playing::Paused, "09:14")] {
        let mut desk = Desk::new(playing(how), (80, 24));
        desk.wait(50);
        assert!(desk.line(0).contains(minute), "{how:?}: {}", desk.line(0));
    }
}
