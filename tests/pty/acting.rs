//! Acting through a real terminal: what is pasted or typed ahead never confirms a plan; what is typed
//! does, once.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::session::Session;
use crate::{PROGRAM, READ, home, slow, socket};

/// A school of the calm demo that takes Groupcall, and what its plan asks to be typed.
const SCHOOL: &str = "9992010";

/// What the agent of the demo in this home was ever asked to do.
fn actions(home: &Path) -> Vec<Value> {
    let socket = socket(home);
    let output =
        Command::new(PROGRAM).args(["actions", "--json", "--agent"]).arg(&socket).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page: Value = serde_json::from_slice(&output.stdout).unwrap();
    let of = |name: &str| page[name].as_array().unwrap().clone();
    of("open").into_iter().chain(of("recent")).collect()
}

fn calm(home: &Path) -> Session {
    let args = ["demo", "--schools", "30", "--seed", "3", "--scenario", "calm"];
    let session = Session::start(PROGRAM, &args, (80, 30), home, &[]);
    session.wait("a calm board", |s| s.contains("LIVE") && s.contains("ok: 30"));
    session
}

/// From the board to the form for fresh data, with a reason; the line of the ticket is at the cursor.
fn fill(session: &mut Session) {
    session.press("o");
    session.press(SCHOOL);
    session.wait("the school is found", |s| s.contains("999 2010") || s.contains(SCHOOL));
    session.press("\r");
    session.wait("its page", |s| s.contains("SAY"));
    session.press("x");
    session.wait("the menu", |s| s.contains(" act >"));
    session.press("fresh");
    session.wait("the action", |s| s.contains("act > fresh"));
    session.press("\r");
    session.wait("the form", |s| s.contains("> why"));
    session.press("the office rang\r");
    session.wait("the ticket's line", |s| s.contains("> ticket"));
}

fn typing(session: &Session) -> String {
    session.wait("the plan can be confirmed", |s| s.lines().any(|l| l.trim_end() == " >"))
}

/// What stands in the line of a plan.
fn line(screen: &str) -> &str {
    let line = screen.lines().find_map(|l| l.strip_prefix(" >")).unwrap_or_default();
    line.split_whitespace().next().unwrap_or_default()
}

/// Types what the plan asks for, one key after the other was seen, and Enter. A busy machine may take the
/// last key and Enter in one read, as if they were pasted: that is said, and then it is typed again.
fn confirm(session: &mut Session) {
    for _ in 0..5 {
        let mut typed = String::new();
        for key in SCHOOL.chars() {
            typed.push(key);
            session.press(&key.to_string());
            session.wait("the key", |s| line(s) == typed);
        }
        session.press("\r");
        let thrown = "all thrown away, type it again";
        let after = session.wait("it is under way, or done, or not taken", |s| {
            ["RUNNING", "ACCEPTED", "DONE", thrown].iter().any(|word| s.contains(word))
        });
        if !after.contains(thrown) {
            return;
        }
        while let left = line(&session.screen()).len()
            && left > 0
        {
            session.press("\x7f");
            session.wait("a key less", |s| line(s).len() < left);
        }
    }
    panic!("five times Enter came together with other keys: {}", session.screen());
}

#[test]
fn threat_13_pasted_and_typed_ahead_confirm_nothing_and_what_is_typed_acts_once() {
    let home = home();
    let mut session = calm(home.path());
    let slow = slow(home.path());
    fill(&mut session);
    // One that hurries: Enter for the plan, and with it all that would confirm it.
    session.press(&format!("\r{SCHOOL}\r\r"));
    let plan = session.wait("the plan", |s| s.contains("NOTHING HAS BEEN SENT"));
    assert!(plan.contains(&format!("Type  {SCHOOL}  to do it")), "{plan}");
    let open = typing(&session);
    assert!(!open.contains("RUNNING"), "{open}");

    // A paste that the terminal marks as one.
    session.press(&format!("\x1b[200~{SCHOOL}\r\x1b[201~"));
    session.wait("it is refused", |s| s.contains("pasted text is not taken here"));
    // One that it does not mark: so many keys at once no person types.
    session.press(&format!("{SCHOOL}\r"));
    session.wait("it is refused too", |s| s.contains("all thrown away, type it again"));
    let still = typing(&session);
    assert!(still.contains("NOTHING HAS BEEN SENT"), "{still}");
    // Enter on an empty line, and on a wrong one.
    session.press("\r");
    session.press("8");
    session.wait("a wrong word", |s| s.lines().any(|l| l.trim_end() == " > 8"));
    session.press("\r");
    session.press("\x7f");
    typing(&session);
    assert_eq!(actions(home.path()), Vec::<Value>::new(), "{}", session.screen());

    confirm(&mut session);
    let done = actions(home.path());
    assert_eq!(done.len(), 1, "{done:?}");
    assert_eq!(done[0]["action"], "groupcall.resync");
    // Enter again begins nothing.
    session.press("\r\r");
    session.press("\x1b");
    session.wait("the school's page", |s| s.contains("SAY"));
    assert_eq!(actions(home.path()).len(), 1);
    session.press("\x1b");
    session.wait("the board", |s| s.contains("ok: 30") && !s.contains("SAY"));
    slow.ends_with_the_board();
    session.press("q");
    assert_eq!(session.end(), 0);
    session.assert_restored();
}

const TOO_SOON: &str = "Thrown away: it came within ";

/// The id of a plan that cannot be undone; it asks for the school's number.
fn planned(home: &Path) -> String {
    let socket = socket(home);
    let words = ["plan", "groupcall.resync", SCHOOL, "--reason", "a test", "--json", "--agent"];
    let output = Command::new(PROGRAM).args(words).arg(&socket).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page: Value = serde_json::from_slice(&output.stdout).unwrap();
    page["plan"]["id"].as_str().unwrap().to_owned()
}

fn questions(screen: &str) -> usize {
    screen.matches("  to confirm: ").count()
}

#[test]
fn threat_13_apply_takes_no_paste_and_nothing_typed_ahead() {
    let home = home();
    let mut console = calm(home.path());
    let slow = slow(home.path());
    let socket = socket(home.path()).display().to_string();
    let id = planned(home.path());
    let args = ["apply", &id, "--agent", &socket];
    let mut apply = Session::start(PROGRAM, &args, (120, 90), home.path(), &[]);
    // Typed ahead, a whole line and half of one: gone before the question is put.
    apply.press(&format!("{SCHOOL}\r{SCHOOL}"));
    apply.wait("the question", |s| questions(s) > 0);
    apply.rests(Duration::from_millis(300));
    let after = apply.screen();
    assert!(questions(&after) == 1 && !after.contains(TOO_SOON), "it was read: {after}");
    assert_eq!(actions(home.path()), Vec::<Value>::new());
    apply.kill();

    // Pasted as soon as the question stands, with its Enter; the second line goes with the first.
    let mut apply = Session::start(PROGRAM, &args, (120, 90), home.path(), &[]);
    for n in 1..=3 {
        apply.wait("the question", |s| questions(s) == n && s.matches(TOO_SOON).count() == n - 1);
        apply.press(&format!("{SCHOOL}\r{SCHOOL}\r"));
    }
    assert_eq!(apply.end(), 14, "{}", apply.screen());
    assert_eq!(apply.screen().matches(TOO_SOON).count(), 3, "{}", apply.screen());
    assert!(apply.screen().contains("nothing was sent"), "{}", apply.screen());
    assert_eq!(actions(home.path()), Vec::<Value>::new());

    // Read, and typed.
    let mut apply = Session::start(PROGRAM, &args, (120, 90), home.path(), &[]);
    apply.wait("the question", |s| questions(s) == 1);
    apply.rests(READ);
    apply.press(&format!("{SCHOOL}\r"));
    apply.end();
    assert_eq!(actions(home.path()).len(), 1, "{}", apply.screen());
    slow.ends_with_the_board();
    console.press("q");
    assert_eq!(console.end(), 0);
}
