//! What is new since whoever sits here last looked.

use caretaker::tui::wish::{Heard, Wish};
use caretaker::wire::board::Row;
use caretaker::wire::past::Diff;
use jiff::Timestamp;

use crate::fixture::{Desk, at, morning};
use crate::past::differing;
use crate::snapshots::everywhere;

/// Alder Primary became worse, Hazel Infants better.
fn news() -> Diff {
    let mut diff = differing();
    diff.cells[0].cell.row = Row::School("9991000".parse().unwrap());
    diff
}

/// One row became worse.
pub fn worse(row: Row) -> Diff {
    let mut diff = differing();
    diff.cells.truncate(1);
    diff.cells[0].cell.row = row;
    diff
}

/// The moment from which news are asked for, if they are.
fn asked(desk: &mut Desk) -> Option<Timestamp> {
    let from = |wish| if let Wish::News(from) = wish { Some(from) } else { None };
    desk.wishes().into_iter().find_map(from)
}

/// Back after a quarter of an hour.
fn back(size: (u16, u16)) -> Desk {
    let mut desk = Desk::new(morning(250), size);
    desk.press("j");
    assert_eq!(asked(&mut desk), None, "nobody was away");
    for _ in 0..15 {
        desk.wait(60).beat();
    }
    desk.press("k");
    let from = asked(&mut desk).expect("news are asked for");
    desk.hear(Heard::News { from, answer: Ok(Box::new(news())) });
    desk
}

#[test]
fn what_became_worse_meanwhile_is_marked_until_it_is_opened() {
    let mut desk = back((80, 24));
    assert!(desk.text().contains("1 row is worse than when you last looked"), "{}", desk.text());
    let marked = |desk: &Desk| desk.line_with("Alder Primary").chars().nth(2) == Some('!');
    assert!(marked(&desk), "{}", desk.text());
    assert!(!desk.line_with("Hazel Primary").contains('!'), "it became better");
    desk.press("j");
    assert_eq!(asked(&mut desk), None, "asked once");
    assert!(marked(&desk), "it stays");
    desk.press("g j j enter esc");
    assert!(desk.line_with("Alder Primary").starts_with('>'), "{}", desk.text());
    assert!(!marked(&desk), "it was opened");
}

#[test]
fn less_than_ten_minutes_is_not_away_and_a_last_time_that_was_kept_counts() {
    let mut desk = Desk::new(morning(250), (80, 24));
    desk.press("j");
    for _ in 0..9 {
        desk.wait(60).beat();
    }
    desk.press("j");
    assert_eq!(asked(&mut desk), None);
    let last = at("2026-11-23T17:02:00Z");
    let mut desk = Desk::new(morning(250), (80, 24));
    desk.console.looked_before(Some(last));
    desk.press("j");
    assert_eq!(asked(&mut desk), Some(last), "the evening before");
    assert!(desk.console.looked_last().is_some_and(|at| at > last));
    // An answer to something else marks nothing; that it is not known is told.
    let answer: Result<Box<Diff>, String> = Ok(Box::new(news()));
    desk.hear(Heard::News { from: at("2026-11-22T08:00:00Z"), answer });
    assert!(!desk.text().contains('!'), "{}", desk.text());
    desk.hear(Heard::News { from: last, answer: Err("the agent is busy".to_owned()) });
    assert!(desk.text().contains("is not known: the agent is busy"), "{}", desk.text());
}

#[test]
fn the_board_with_news() {
    everywhere("board_news", back);
}
