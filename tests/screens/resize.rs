//! A window that is dragged while something is asked or shown: what was typed stays, nothing is sent, and
//! no size is too small to be drawn.

use caretaker::tui::term::Input;

use crate::fixture::{Desk, morning};

/// Sizes that a window passes through, the last that of the start.
const SIZES: &[(u16, u16)] = &[(40, 12), (1, 1), (200, 50), (20, 3), (160, 40), (3, 60), (80, 24)];

/// What opens a dialog, what is typed into it, and what its screen then says.
const TYPED: &[(&str, &str, &str)] = &[
    ("/", "gc:c", "gc:c"),
    ("o", "map", "map"),
    (":", "hand", "hand"),
    ("A", "17:00 rang", "17:00 rang"),
    ("C", "2h on it", "2h on it"),
    ("d", "2h CHG0012", "2h CHG0012"),
    ("m", "they ring back", "they ring back"),
    ("t", "08:00", "08:00"),
    ("w", "shar", "shar"),
    ("enter m", "they ring back", "they ring back"),
];

fn drag(desk: &mut Desk) {
    for size in SIZES {
        desk.console.input(Input::Resize(size.0, size.1), desk.mono);
        desk.size = *size;
        desk.shown();
    }
}

#[test]
fn what_was_typed_in_any_dialog_stays() {
    for (keys, text, shown) in TYPED {
        let mut desk = Desk::new(morning(60), (80, 24));
        desk.press(keys).type_text(text);
        let before = desk.text();
        assert!(before.contains(shown), "{keys}: {before}");
        desk.answer();
        desk.effects();
        drag(&mut desk);
        assert_eq!(desk.text(), before, "{keys}");
        assert_eq!(desk.effects(), [], "{keys}");
        desk.type_text("x");
        let after = desk.text();
        assert!(after.contains(&format!("{shown}x")), "{keys}: {after}");
    }
}

#[test]
fn every_screen_comes_back_as_it_was() {
    for keys in ["", "j j", "enter", "?", "v", "i", "x", "space j space", "enter l enter"] {
        let mut desk = Desk::new(morning(60), (80, 24));
        desk.press(keys);
        desk.answer();
        desk.shown();
        let before = desk.text();
        drag(&mut desk);
        assert_eq!(desk.text(), before, "{keys}");
    }
}
