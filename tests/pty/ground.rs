//! `--theme auto`: the terminal is asked for its background, and the theme that suits it is worn.

use std::time::Duration;

use super::{PROGRAM, board, home};
use crate::session::Session;

/// How often a terminal may answer too late: the console waits half a second for it.
const TRIES: usize = 5;

fn has(raw: &[u8], text: &str) -> bool {
    raw.windows(text.len()).any(|part| part == text.as_bytes())
}

/// All that the console writes in a terminal with this background, up to its board; `None` where the
/// terminal does not know such questions.
fn written_on(ground: Option<&str>) -> Vec<u8> {
    let home = home();
    let args = ["--theme", "auto", "demo", "--schools", "10", "--seed", "7"];
    let full = [("COLORTERM", "truecolor")];
    let mut session = Session::start(PROGRAM, &args, (100, 30), home.path(), &full);
    if let Some(ground) = ground {
        // The question ends with one that every terminal answers.
        session.wait_raw("the question", |raw| has(raw, "\x1b]11;?") && has(raw, "\x1b[c"));
        session.press(&format!("\x1b]10;rgb:8080/8080/8080\x1b\\\x1b]11;rgb:{ground}\x1b\\"));
        session.press("\x1b[?62;c");
    }
    board(&session);
    session.rests(Duration::from_millis(300));
    let raw = session.raw();
    session.press("q");
    assert_eq!(session.end(), 0, "an answer was taken for keys:\n{}", session.screen());
    session.assert_restored();
    session.assert_cooked();
    raw
}

const LIGHT: &str = "48;2;251;250;247";
const DARK: &str = "48;2;17;22;28";

#[test]
fn the_theme_suits_the_ground_of_the_terminal() {
    for (ground, worn, other) in [("ffff/ffff/f0f0", LIGHT, DARK), ("0000/1010/1010", DARK, LIGHT)]
    {
        let worn = (0..TRIES).map(|_| written_on(Some(ground))).find(|raw| has(raw, worn));
        let raw = worn.unwrap_or_else(|| panic!("{ground}: never told in time"));
        assert!(!has(&raw, other), "{ground}: both grounds");
    }
}

#[test]
fn a_terminal_that_does_not_tell_keeps_its_ground() {
    let raw = written_on(None);
    assert!(!has(&raw, LIGHT) && !has(&raw, DARK));
    assert!(!has(&raw, "48;2;"), "its own colours");
}
