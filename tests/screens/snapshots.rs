//! Snapshots: each screen at four sizes; styles of chosen lines in true colour, 16 colours, none.

use caretaker::link::LinkEvent;
use caretaker::tui::theme::{BUILT_IN, Depth};

use crate::fixture::{Desk, SIZES, at, calm, morning, storm, ticketed};

/// Draws `make` at every size and compares its letters.
pub fn everywhere(name: &str, make: impl Fn((u16, u16)) -> Desk) {
    for size in SIZES {
        let text = make(size).text();
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text);
        });
    }
}

/// Compares the styles of the first lines of `make` in true colour, 16 colours and none.
pub fn coloured(name: &str, lines: &[u16], make: impl Fn(&str, Depth) -> Desk) {
    for (word, theme, depth) in [
        ("full", "dark", Depth::Full),
        ("16", "default", Depth::C16),
        ("none", "dark", Depth::None),
    ] {
        let desk = make(theme, depth);
        let styles: Vec<String> = lines.iter().map(|y| desk.styles(*y)).collect();
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("{name}_styles_{word}"), styles.join("\n"));
        });
    }
}

#[test]
fn the_board_and_a_page_in_each_theme() {
    for (theme, _) in BUILT_IN {
        for (word, depth) in [("full", Depth::Full), ("16", Depth::C16)] {
            let mut desk = Desk::with(morning(250), (80, 24), theme, depth);
            let styles =
                |desk: &Desk| (0..24).map(|y| desk.styles(y)).collect::<Vec<_>>().join("\n");
            let board = styles(&desk);
            desk.press("o").type_text("alder prim").press("enter");
            let both = format!("{board}\n\n{}", styles(&desk));
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(format!("theme_{theme}_{word}"), both);
            });
        }
    }
}

#[test]
fn board_on_a_morning() {
    everywhere("board", |size| Desk::new(morning(250), size));
    coloured("board", &[0, 1, 2, 3, 4, 5, 7, 9], |theme, depth| {
        Desk::with(morning(250), (80, 24), theme, depth)
    });
}

#[test]
fn board_without_schools() {
    everywhere("board_empty", |size| Desk::new(calm(0), size));
}

#[test]
fn board_before_anything_came() {
    everywhere("board_loading", |size| Desk::empty(size, "dark", Depth::Full));
}

#[test]
fn board_late_and_offline() {
    everywhere("board_late", |size| {
        let mut desk = Desk::new(morning(250), size);
        desk.wait(41);
        desk
    });
    everywhere("board_offline", |size| {
        let mut desk = Desk::new(morning(250), size);
        desk.lose().wait(200);
        desk
    });
    coloured("board_offline", &[0, 1, 4], |theme, depth| {
        let mut desk = Desk::with(morning(250), (80, 24), theme, depth);
        desk.lose().wait(200);
        desk
    });
}

#[test]
fn board_restored_from_the_last_known() {
    everywhere("board_restored", |size| {
        let mut board = morning(250);
        (board.settled, board.restored_from) = (false, Some(at("2026-11-23T22:00:00Z")));
        Desk::new(board, size)
    });
}

#[test]
fn board_in_a_storm_and_with_24_000_schools() {
    everywhere("board_failing", |size| Desk::new(storm(250), size));
    everywhere("board_24000", |size| Desk::new(morning(24_000), size));
}

#[test]
fn board_without_an_agent() {
    everywhere("board_no_agent", |size| {
        let mut desk = Desk::empty(size, "dark", Depth::Full);
        desk.lose();
        desk
    });
}

#[test]
fn demo_is_loud() {
    everywhere("board_demo", |size| {
        let mut board = morning(60);
        board.agent.demo = true;
        Desk::new(board, size)
    });
}

#[test]
fn page_of_a_school() {
    let open = |mut desk: Desk| {
        desk.press("o").type_text("alder prim").press("enter");
        desk
    };
    everywhere("page", |size| open(Desk::new(morning(250), size)));
    coloured("page", &[1, 2, 6, 7], |theme, depth| {
        open(Desk::with(morning(250), (80, 24), theme, depth))
    });
}

/// A console whose pages tell of tickets.
fn with_tickets(size: (u16, u16)) -> Desk {
    let mut desk = Desk::empty(size, "dark", Depth::Full);
    desk.page_of = ticketed;
    desk.board = morning(250);
    let board = Box::new(desk.board.clone());
    desk.console.wire(LinkEvent::Board(board), desk.mono);
    desk.answer();
    desk
}

#[test]
fn tickets_that_stand_and_next_steps() {
    everywhere("peek_ticket", |size| {
        let mut desk = with_tickets(size);
        desk.press("j j");
        desk
    });
    everywhere("page_ticket", |size| {
        let mut desk = with_tickets(size);
        desk.press("o").type_text("alder prim").press("enter");
        desk
    });
}

#[test]
fn page_of_the_estate() {
    everywhere("estate", |size| {
        let mut desk = Desk::new(morning(250), size);
        desk.press("g up enter");
        desk
    });
}

#[test]
fn evidence_of_a_service() {
    everywhere("evidence", |size| {
        let mut desk = Desk::new(morning(250), size);
        desk.press("o").type_text("alder prim").press("enter enter");
        desk
    });
}

#[test]
fn help_filter_and_palette() {
    everywhere("help", |size| {
        let mut desk = Desk::new(morning(250), size);
        desk.press("?");
        desk
    });
    everywhere("filter", |size| {
        let mut desk = Desk::new(morning(250), size);
        desk.press("/").type_text("gc:c,w age>1d");
        desk
    });
    everywhere("filter_bad", |size| {
        let mut desk = Desk::new(morning(250), size);
        desk.press("/").type_text("gc:x");
        desk
    });
    everywhere("palette", |size| {
        let mut desk = Desk::new(morning(250), size);
        desk.press(":").type_text("re");
        desk
    });
    coloured("palette", &[20, 21, 22, 23], |theme, depth| {
        let mut desk = Desk::with(morning(250), (80, 24), theme, depth);
        desk.press(":").type_text("re");
        desk
    });
}
