//! The last 14 days on the board.

use caretaker::tui::theme::Depth;
use caretaker::wire::Health;
use caretaker::wire::board::Row;

use crate::fixture::{DAY, Desk, bad, morning, ok, storm};

#[test]
fn from_100_columns_on_each_row_has_its_last_days() {
    let wide = Desk::new(morning(250), (100, 30));
    assert!(wide.line(2).contains("14 days"), "{}", wide.text());
    assert!(
        wide.line_with("Alder Primary").contains("...........^^^") || wide.text().contains("CCC")
    );
    assert!(!Desk::new(morning(250), (99, 30)).line(2).contains("14 days"));
}

#[test]
fn only_the_rows_on_the_screen_are_asked_for_and_once() {
    for schools in [250, 24_000] {
        let mut desk = Desk::empty((120, 40), "dark", Depth::Full);
        desk.board = storm(schools);
        let board = Box::new(desk.board.clone());
        desk.console.wire(caretaker::link::LinkEvent::Board(board), desk.mono);
        let asked = desk.console.wanted_days();
        assert!((10..40).contains(&asked.len()) && asked[0] == Row::Estate, "{}", asked.len());
        desk.answer();
        assert_eq!(desk.console.wanted_days(), Vec::new(), "they were told");
        for _ in 0..2 {
            desk.console
                .input(caretaker::tui::term::Input::Key("pgdn".parse().unwrap()), desk.mono);
        }
        let more = desk.console.wanted_days();
        assert!(
            (5..40).contains(&more.len()) && more.iter().all(|r| !asked.contains(r)),
            "{more:?} {asked:?}"
        );
    }
    assert_eq!(Desk::new(storm(250), (80, 24)).console.wanted_days(), Vec::new(), "no room");
}

#[test]
fn a_row_that_changed_is_asked_for_again_and_so_is_every_row_on_the_next_day() {
    let mut desk = Desk::new(morning(250), (120, 40));
    desk.change(1, 2, bad(Health::Critical, 5 * DAY));
    assert_eq!(desk.console.wanted_days(), [Row::School(desk.board.schools[1].laestab)]);
    desk.answer();
    desk.change(200, 1, ok());
    assert_eq!(desk.console.wanted_days(), Vec::new(), "it is not on the screen");
    let before = desk.console.generation();
    desk.change(1, 2, bad(Health::Critical, 5 * DAY));
    let drawn = desk.console.generation();
    desk.answer_days();
    assert_eq!(desk.console.generation(), drawn, "{before}: the same days are not drawn again");
    // From 09:14 on it is past midnight after fifteen hours.
    desk.mono += std::time::Duration::from_secs(15 * 3_600);
    desk.beat();
    assert!(desk.console.wanted_days().len() > 5);
}

#[test]
fn what_could_not_be_told_is_blank_and_not_asked_for_without_end() {
    let mut desk = Desk::empty((120, 40), "dark", Depth::Full);
    desk.board = morning(250);
    let board = Box::new(desk.board.clone());
    desk.console.wire(caretaker::link::LinkEvent::Board(board.clone()), desk.mono);
    let asked = desk.console.wanted_days();
    desk.console.last_days(&asked, Err("busy".to_owned()));
    assert_eq!(desk.console.wanted_days(), Vec::new());
    assert!(!desk.text().contains("CCC"), "{}", desk.text());
    desk.console.wire(caretaker::link::LinkEvent::Board(board), desk.mono);
    assert_eq!(desk.console.wanted_days(), asked, "a new board is a new try");
}

#[test]
fn of_a_day_that_the_agent_no_longer_tells_of_nothing_is_well() {
    let mut desk = Desk::new(morning(250), (120, 40));
    let estate = desk.line(3);
    assert!(estate.contains(".............W"), "{estate}");
    desk.lose().wait(200);
    let estate = desk.line(3);
    assert!(estate.contains(" ............. "), "{}", desk.text());
    assert!(!estate.contains(".............W"), "{estate}");
}
