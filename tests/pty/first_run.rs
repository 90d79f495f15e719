//! Whoever types `caretaker` and has nothing yet: asked at the terminal, led to a configuration that can be
//! used. No vendor is asked: the credential that each request needs is not kept.

use super::{PROGRAM, home};
use crate::session::Session;

const TENANT: &str = "00000000-0000-0000-0000-00000000000a";
const CLIENT: &str = "00000000-0000-0000-0000-00000000000b";

/// Answers the question that the last lines ask: a long one is broken.
fn answer(session: &mut Session, question: &str, text: &str) {
    let asks = |screen: &str| {
        let mut last = screen.lines().rev().filter(|line| !line.trim().is_empty()).take(3);
        let begins = |line: &str| line.trim_start().starts_with(question);
        last.next().is_some_and(|line| {
            line.contains('>')
                && (begins(line) || line.trim_end().ends_with('>') && last.any(begins))
        })
    };
    session.wait(question, asks);
    session.press(&format!("{text}\r"));
}

fn start(home: &std::path::Path) -> Session {
    Session::start(PROGRAM, &[], (200, 50), home, &[])
}

#[test]
fn who_has_nothing_is_led_to_a_configuration() {
    let home = home();
    let list = home.path().join("schools.csv");
    std::fs::write(&list, "laestab,name\n9372041,Elm Park Primary\n1112222,Elsewhere\n").unwrap();
    let mut session = start(home.path());
    answer(&mut session, "1, 2 or 3", "4");
    answer(&mut session, "1, 2 or 3", "1");
    answer(&mut session, "codes of the local", "");
    answer(&mut session, "file of the schools", "nowhere.csv");
    answer(&mut session, "file of the schools", &list.display().to_string());
    answer(&mut session, "which of them", "1");
    answer(&mut session, "tenant_id", TENANT);
    answer(&mut session, "client_id", CLIENT);
    answer(&mut session, "its file", "");
    answer(&mut session, "write ", "perhaps");
    answer(&mut session, "write ", "yes");
    answer(&mut session, "keep ", "no");
    answer(&mut session, "try WeLearn365 now?", "yes");
    let end = session.wait("the end", |s| s.contains("Done. What is missing stands in"));
    assert!(end.contains("caretaker secret set"), "the remedy of what was tried:\n{end}");
    assert_eq!(session.end(), 0, "{end}");
    session.assert_cooked();

    // What was written is what the next command uses, and it is not asked for again.
    let file = home.path().join(".config/caretaker/config.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(TENANT) && text.contains(CLIENT), "{text}");
    let mut session = Session::start(PROGRAM, &["config", "check"], (200, 50), home.path(), &[]);
    let said = session.wait("what was checked", |s| s.contains("1 school"));
    assert_eq!(session.end(), 0, "{said}");
    let mut session = Session::start(PROGRAM, &["setup"], (200, 50), home.path(), &[]);
    session.wait("that it is there", |s| s.contains("is there already and is not touched"));
    assert_ne!(session.end(), 0);
}

#[test]
fn who_leaves_leaves_nothing_behind() {
    let home = home();
    let mut session = start(home.path());
    answer(&mut session, "1, 2 or 3", "1");
    session.wait("a question", |s| s.contains("codes of the local"));
    session.press("\x04");
    session.wait("that nothing was written", |s| s.contains("left: nothing was written"));
    assert_ne!(session.end(), 0);
    assert!(!home.path().join(".config/caretaker").exists());
    session.assert_cooked();

    let mut session = start(home.path());
    answer(&mut session, "1, 2 or 3", "2");
    session.wait("the demo", |s| s.contains("DEMO") && s.contains("LIVE"));
    session.press("q");
    assert_eq!(session.end(), 0);
    session.assert_restored();
}
