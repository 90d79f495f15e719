//! More services than there is room for: connectors of one's own.

use caretaker::wire::board::{Board, Column};
use caretaker::wire::{Clean, Health};

use crate::fixture::{DAY, Desk, bad, calm, count, key, ok};

/// The seven services and five of one's own.
fn twelve() -> Board {
    let mut board = calm(30);
    for n in 1..=5 {
        board.columns.push(Column {
            key: key(&format!("own_{n}")),
            label: Clean::new(&format!("Own {n}")),
            code: Clean::new(&format!("O{n}")),
            watched: true,
        });
    }
    let rows = board.schools.iter_mut().map(|school| &mut school.cells);
    for cells in rows.chain([&mut board.estate]) {
        cells.resize(12, ok());
    }
    board.schools[4].cells[0] = bad(Health::Critical, 2 * DAY);
    board.schools[9].cells[11] = bad(Health::Warning, 3 * DAY);
    count(&mut board);
    board
}

#[test]
fn the_columns_follow_the_cursor_and_the_head_tells_that_there_are_more() {
    for size in [(80, 24), (160, 24)] {
        let mut desk = Desk::new(twelve(), size);
        let heads = desk.line(2);
        assert!(heads.contains(">WL") && heads.contains("O1") && !heads.contains("O5"), "{heads}");
        assert_eq!(heads.matches("..").count(), 1, "more on the right: {heads}");
        assert!(heads.find("O1") < heads.find(".."), "{heads}");

        // As far as it goes: every step shows the column that it is in.
        for code in ["GC", "RS", "FD", "SW", "J2", "PM", "O1", "O2", "O3", "O4", "O5", "O5"] {
            desk.press("l");
            let heads = desk.line(2);
            assert!(heads.contains(&format!(">{code}")), "{code}: {heads}");
        }
        let heads = desk.line(2);
        assert!(!heads.contains("WL") && heads.find("..") < heads.find("O1"), "{heads}");
        assert_eq!(heads.matches("..").count(), 1, "nothing on the right any more: {heads}");
        let line = desk.line_with("Juniper");
        assert!(line.contains("W3d"), "the cells go with their heads: {line}");
        for code in ["O4", "O3", "O2", "O1", "PM"] {
            desk.press("h");
            assert!(desk.line(2).contains(&format!(">{code}")), "{code}: {}", desk.line(2));
        }
    }
}

#[test]
fn trouble_in_a_column_that_is_not_shown_leaves_a_mark_in_its_row() {
    let desk = Desk::new(twelve(), (80, 24));
    assert!(desk.line_with("Juniper").trim_end().ends_with(".    +"), "{}", desk.text());
    assert!(!desk.line_with("Elm Park").contains('+'), "{}", desk.text());
    assert!(!desk.line_with("whole estate").contains('+'), "{}", desk.text());
    // The cursor's row is shown with its worst cell, where an act would go.
    let mut desk = desk;
    desk.press("j");
    assert!(desk.line(2).contains(">O5"), "{}", desk.text());
    assert!(desk.line_with("Elm Park").contains('+'), "{}", desk.text());
}

#[test]
fn as_many_services_as_there_is_room_for_are_shown_without_a_word() {
    let mut board = twelve();
    board.columns.truncate(10);
    for school in &mut board.schools {
        school.cells.truncate(10);
    }
    board.estate.truncate(10);
    let desk = Desk::new(board, (80, 24));
    let heads = desk.line(2);
    assert!(heads.contains("O3") && !heads.contains(".."), "{heads}");
}
