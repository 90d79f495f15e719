//! Hostile text: nothing of it reaches a cell or the byte stream.

use caretaker::tui::term::Screen;
use caretaker::tui::theme::Depth;
use caretaker::wire::Clean;
use caretaker::wire::board::Row;

use crate::budget::Wire;
use crate::fixture::{Desk, SIZES, morning, page};

const HOSTILE: [&str; 8] = [
    "\u{200b}\u{301}zero",
    "esc\u{1b}]52;c;cHduZWQ=\u{7}\u{1b}[2J\u{1b}[?1049l",
    "c1\u{9b}31m\u{90}q\u{9c}",
    "\u{202e}rtl\u{2066}iso\u{2069}",
    "new\r\nline\ttab\u{0}\u{8}\u{7f}",
    "日本語の学校の名前はとても長いので切られます",
    "🏫👩‍🏫👨‍👩‍👧‍👦🇬🇧 flags",
    "pile e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
];

#[test]
fn threat_01_hostile_text_stays_harmless_in_cells_and_bytes() {
    for (n, hostile) in HOSTILE.iter().enumerate() {
        for size in SIZES {
            let mut board = morning(30);
            for row in &mut board.schools {
                row.name = Clean::new(hostile);
                row.town = Clean::new(hostile);
            }
            board.columns[1].label = Clean::new(hostile);
            let mut desk = Desk::with(board, size, "dark", Depth::Full);
            let mut told = page(&desk.board, Some(0));
            for service in &mut told.services {
                service.cell.why = Clean::new(hostile);
                service.label = Clean::new(hostile);
                for check in &mut service.checks {
                    check.evidence[0].value = Clean::new(hostile);
                }
            }
            desk.console.page(Row::School(desk.board.schools[0].laestab), Ok(told));
            for keys in ["", "enter", "enter", "esc esc /"] {
                desk.press(keys);
                if keys.ends_with('/') {
                    desk.console.input(
                        caretaker::tui::term::Input::Paste((*hostile).to_owned()),
                        desk.mono,
                    );
                }
                for cell in desk.frame().content() {
                    let symbol = cell.symbol();
                    assert!(!symbol.chars().any(char::is_control), "{n} {symbol:?}");
                    assert!(!symbol.contains(['\u{202e}', '\u{200b}', '\u{2066}']), "{symbol:?}");
                }
                let wire = Wire::default();
                let mut screen = Screen::new(wire.clone(), size.0, size.1);
                screen
                    .draw(|f| {
                        desk.console.draw(f);
                    })
                    .unwrap();
                only_known_sequences(&wire.taken());
            }
        }
    }
}

/// Every escape is one that the screen itself writes: colours, moves, the synchronised update.
fn only_known_sequences(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap();
    let mut parts = text.split('\u{1b}');
    assert!(!parts.next().unwrap_or_default().chars().any(char::is_control));
    for part in parts {
        let after = part.strip_prefix('[').unwrap_or_else(|| panic!("{part:?}"));
        let (sequence, rest) =
            after.split_at(after.find(|c: char| ('@'..='~').contains(&c)).unwrap());
        let mut rest = rest.chars();
        let last = rest.next().unwrap();
        let known =
            matches!(last, 'm' | 'H' | 'C') || (sequence == "?2026" && matches!(last, 'h' | 'l'));
        assert!(known, "{sequence}{last}");
        // The short way to the start of the next line; what is in a cell holds neither of the two.
        let text = rest.as_str().replace("\r\n", "");
        assert!(!text.chars().any(char::is_control), "{part:?}");
    }
}
