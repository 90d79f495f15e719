//! What others have stated about personal data.

use caretaker::wire::Clean;

use crate::fixture::{Desk, morning};
use crate::snapshots::everywhere;

fn opened(mut desk: Desk) -> Desk {
    desk.press(":").type_text("statements").press("enter");
    desk
}

#[test]
fn at_every_size() {
    everywhere("statements", |size| opened(Desk::new(morning(60), size)));
}

#[test]
fn names_come_from_the_board_and_what_is_missing_is_said() {
    let mut board = morning(60);
    board.columns[3].label = Clean::new("Securus");
    let mut desk = opened(Desk::new(board, (120, 90)));
    let text = desk.text();
    assert!(text.contains("Securus") && !text.contains(" Future Digital\n"), "{text}");
    let at = text.find("Securus").unwrap();
    let (_, own) = text.split_at(at);
    assert!(own.lines().nth(1).unwrap().contains("data protection: not held"), "{own}");
    assert!(!text.to_lowercase().contains("complian"), "no verdict of ours: {text}");
    assert!(text.contains("no date given"));
    desk.press("esc");
    assert!(desk.text().contains("School, worst first"), "{}", desk.text());
}
