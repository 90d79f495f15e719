//! A frame without a terminal, as text and as a picture.

use caretaker::tui::{Form, picture};

use crate::fixture::{morning, page};

#[test]
fn a_picture_has_the_letters_and_the_colours_of_the_frame() {
    let board = morning(250);
    let pages = vec![page(&board, Some(12))];
    let draw = |form, theme| {
        picture(board.clone(), pages.clone(), (80, 24), theme, &["j", "k"], form).unwrap()
    };
    let text = draw(Form::Text, "dark");
    assert!(text.contains("C12m") && text.lines().count() == 24, "{text}");
    let svg = draw(Form::Svg, "dark");
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
    assert!(svg.contains("C12m") && svg.contains("Maple Primary"));
    assert_ne!(svg, draw(Form::Svg, "light"));
    assert!(!svg.contains('\u{1b}'));
    assert!(picture(board, Vec::new(), (80, 24), "nosuch", &[], Form::Text).is_err());
}
