//! The console line by line, as a screen reader hears it: the real program, its words, nothing drawn.

use crate::session::Session;
use crate::{PROGRAM, READ, home, slow};

const SIZE: (u16, u16) = (400, 90);

/// What stands on the screen behind the last line that is `typed`.
fn after<'a>(screen: &'a str, typed: &str) -> &'a str {
    screen.rsplit_once(&format!("{typed}\n")).map_or("", |(_, rest)| rest)
}

/// Types a line, and waits for words of the answer.
fn say(session: &mut Session, line: &str, answer: &str) -> String {
    session.press(&format!("{line}\r"));
    let screen = session.wait(answer, |s| after(s, line).contains(answer));
    after(&screen, line).to_owned()
}

fn demo(home: &std::path::Path, args: &[&str], environment: &[(&str, &str)]) -> Session {
    let all = ["demo", "--schools", "40", "--seed", "7", "--scenario", "morning"];
    Session::start(PROGRAM, &[&all[..], args].concat(), SIZE, home, environment)
}

#[test]
fn everything_can_be_heard_and_done_without_a_screen() {
    let home = home();
    let mut session = demo(home.path(), &["--plain"], &[]);
    session.wait("the list", |s| s.contains("Type help") && s.contains("type more."));
    let slow = slow(home.path());
    say(&mut session, "changes off", "Changes are not told.");
    // What is typed while a command runs is echoed among its lines: wait for its end.
    say(&mut session, "status 9992001 --wait-settled 60s", "40 schools: ");
    let list = say(&mut session, "list gc:c", "Groupcall critical");
    assert!(list.contains("nobody has it"), "{list}");
    let page = say(&mut session, "1", "Say: ");
    let lines: Vec<&str> = page.lines().collect();
    let say_at = lines.iter().position(|l| l.starts_with("Say: ")).unwrap();
    assert!(say_at == 1 && lines[0].contains(", number 999 "), "the sentence comes first: {page}");
    assert!(page.contains("Groupcall: critical since ") && page.contains("Ok: "), "{page}");
    let why = say(&mut session, "why gc", "We asked at ");
    assert!(why.contains("Rule: "), "{why}");
    // Taken in hand, and told so.
    say(&mut session, "claim", "claimed");
    say(&mut session, "again", "It is claimed by ");
    // An action: a plan first, then its words; anything else sends nothing.
    let plan = say(&mut session, "plan desk.raise_ticket ./groupcall --reason 'a test'", "digest");
    assert!(plan.contains("NOTHING HAS BEEN SENT"), "{plan}");
    let id = plan.split("plan     ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let asked = say(&mut session, &format!("apply {id}"), "to confirm: ");
    assert!(asked.contains("Type  "), "{asked}");
    session.rests(READ);
    say(&mut session, "yes", "nothing was sent Exit code 14.");
    // The right words, and typed ahead: they are gone before the question is put.
    let words =
        asked.rsplit_once("Type  ").unwrap().1.split_once("  to confirm").unwrap().0.to_owned();
    let asked = session.screen().matches("  to confirm: ").count();
    session.press(&format!("apply {id}\r{words}\r"));
    session.wait("the question", |s| s.matches("  to confirm: ").count() > asked);
    session.rests(READ);
    let screen = session.screen();
    let answered = screen.rsplit_once("  to confirm: ").unwrap().1.trim();
    assert!(answered.is_empty(), "what was typed ahead was read: {answered}");
    say(&mut session, &words, "raise_ticket");
    // What is not understood is told, and nothing else happens.
    say(&mut session, "nosuch", "unrecognized subcommand");
    say(&mut session, "note it's back", "note by ");
    say(&mut session, "999", "the list has no entry 999");
    say(&mut session, "demo", "runs by itself");
    session.assert_cooked();
    slow.ends_with_the_board();
    session.press("quit\r");
    assert_eq!(session.end(), 0, "{}", session.screen());
    let raw = session.raw();
    assert!(!raw.contains(&0x1b) && !raw.contains(&0x08), "an escape was written");
}

#[test]
fn the_environment_asks_for_it_and_a_change_is_told_by_itself() {
    let home = home();
    for environment in [("ACCESSIBLE", "1"), ("TERM", "dumb")] {
        let mut session = demo(home.path(), &[], &[environment]);
        session.wait("the list", |s| s.contains("Type help"));
        let slow = slow(home.path());
        // First answers come in, and each change is a line of its own.
        session.wait("a change", |s| s.lines().any(|l| l.contains(" -> ")));
        slow.ends_with_the_board();
        session.press("quit\r");
        assert_eq!(session.end(), 0, "{}", session.screen());
        assert!(!session.raw().contains(&0x1b), "an escape was written");
    }
}
