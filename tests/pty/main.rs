//! The real program in a real terminal, with the demo's vendors behind it.
#![cfg(test)]

mod acting;
mod first_run;
mod ground;
#[expect(clippy::disallowed_methods, reason = "a test outside the program has only the real clock")]
mod idle;
mod plain;
mod replay;
#[expect(dead_code, reason = "the console's benchmark measures with the rest of it")]
#[expect(clippy::disallowed_methods, reason = "a harness has only the real clock")]
mod session;
mod shared;
mod situations;
#[path = "../support/slow_reader.rs"]
mod slow_reader;
mod tmux;

use session::{Session, text};
use slow_reader::SlowReader;

/// Longer than any plan is to be read before its words are taken.
const READ: std::time::Duration = std::time::Duration::from_millis(3_200);

const PROGRAM: &str = env!("CARGO_BIN_EXE_caretaker");

/// The demo at a size, in a home of its own.
fn demo(size: (u16, u16), home: &std::path::Path, extra: &[(&str, &str)]) -> Session {
    let args = ["demo", "--schools", "40", "--seed", "7", "--scenario", "morning"];
    Session::start(PROGRAM, &args, size, home, extra)
}

fn home() -> tempfile::TempDir {
    // Short, because a Unix socket's path may not be longer than 107 bytes.
    tempfile::Builder::new().prefix("ct").tempdir_in("/tmp").unwrap()
}

/// The agent's socket of the demo that runs in this home.
fn socket(home: &std::path::Path) -> std::path::PathBuf {
    let folders = std::fs::read_dir(home.join("caretaker")).unwrap().map(|e| e.unwrap().path());
    let sockets = folders.map(|f| f.join("run/agent.sock")).filter(|s| s.exists());
    let mut sockets: Vec<_> = sockets.collect();
    assert_eq!(sockets.len(), 1, "one demo: {sockets:?}");
    sockets.remove(0)
}

/// A second reader, of the demo that runs in this home.
fn slow(home: &std::path::Path) -> SlowReader {
    SlowReader::attach(&socket(home))
}

/// The board stands: live, said to be a demo, with trouble at the top.
fn board(session: &Session) -> String {
    session.wait("the live board", |s| {
        let cursor = s.lines().any(|l| l.starts_with('>'));
        cursor && s.contains("LIVE") && s.contains("DEMO") && s.contains("whole estate")
    })
}

#[test]
fn board_school_back_filter_help_quit_and_the_terminal_is_as_it_was() {
    let home = home();
    let mut session = demo((80, 24), home.path(), &[]);
    let first = board(&session);
    let slow = slow(home.path());
    let school = first
        .lines()
        .find_map(|l| l.strip_prefix('>'))
        .map(|l| l.trim().split("  ").next().unwrap_or_default().to_owned())
        .unwrap();
    session.press("\r");
    let codes = ["WL", "GC", "RS", "FD", "SW", "J2", "PM"];
    let page = session.wait("the school's page with a line for each service", |s| {
        let has = |code: &&str| s.lines().any(|l| l.get(2..4) == Some(*code));
        s.contains("SAY") && s.contains("service") && codes.iter().all(has)
    });
    let word = school.split(' ').next().unwrap();
    assert!(page.contains(word), "the page of {school:?}:\n{page}");
    session.press("\x1b");
    session.wait("the board again", |s| s.contains("whole estate") && !s.contains("SAY"));
    session.press("/");
    session.wait("the filter", |s| s.lines().any(|l| l.trim_start().starts_with('/')));
    session.press("gc:c");
    session.wait("the filtered board", |s| {
        s.lines().any(|l| l.contains("shown") && l.contains("of 40"))
    });
    session.press("\r");
    session.press("?");
    session.wait("help", |s| s.contains("keys in the board"));
    session.press("\x1b");
    session.wait("the board after help", |s| s.contains("whole estate"));
    session.press("\x1b");
    session.wait("no filter", |s| !s.contains("shown"));
    slow.ends_with_the_board();
    session.press("q");
    assert_eq!(session.end(), 0);
    session.assert_restored();
    session.assert_cooked();
}

/// Each of the six situations from its first key to its last: what a step waits for is what the operator
/// looks for.
#[test]
fn each_situation_is_done_by_keys() {
    let play = |situation: &situations::Situation| {
        let home = home();
        let args = ["demo", "--schools", "40", "--seed", "7", "--scenario", situation.scenario];
        let mut session = Session::start(PROGRAM, &args, (100, 30), home.path(), &[]);
        session.wait("a settled board", |s| s.contains("LIVE") && !s.contains("first answers"));
        for (shows, keys) in situation.steps {
            let what = format!("{shows:?} in {}: {}", situation.name, situation.title);
            session.wait(&what, |s| s.contains(shows));
            // A key is about what was drawn: the screen is whole before it.
            session.rests(std::time::Duration::from_millis(120));
            session.press(keys);
        }
    };
    std::thread::scope(|scope| {
        let played = situations::SITUATIONS.iter().map(|one| scope.spawn(move || play(one)));
        let played: Vec<_> = played.collect();
        assert_eq!(played.len(), 6);
        for one in played {
            one.join().unwrap();
        }
    });
}

#[test]
fn a_resize_keeps_the_place() {
    let home = home();
    let args = ["demo", "--schools", "30", "--seed", "3", "--scenario", "calm"];
    let mut session = Session::start(PROGRAM, &args, (80, 24), home.path(), &[]);
    session.wait("a calm board", |s| s.contains("LIVE") && s.contains("ok: 30"));
    let slow = slow(home.path());
    session.press("jj");
    for (columns, rows) in [(40, 12), (200, 50), (80, 24)] {
        session.resize(columns, rows);
        session.wait_screen("the board at its new size", |screen| {
            (screen.size().0.get(), screen.size().1.get()) == (rows, columns)
                && text(screen).lines().any(|l| l.starts_with('>'))
                && text(screen).contains("whole est")
        });
    }
    slow.ends_with_the_board();
    session.press("q");
    assert_eq!(session.end(), 0);
    session.assert_restored();
}

#[test]
fn without_colour_no_colour_is_written() {
    let home = home();
    let mut session = demo((80, 24), home.path(), &[("NO_COLOR", "1")]);
    board(&session);
    let slow = slow(home.path());
    slow.ends_with_the_board();
    session.press("q");
    assert_eq!(session.end(), 0);
    let raw = String::from_utf8_lossy(&session.raw()).into_owned();
    for sequence in raw.split('\x1b').filter_map(|s| s.strip_prefix('[')?.split_once('m')) {
        if !sequence.0.bytes().all(|b| b.is_ascii_digit() || b == b';') {
            continue;
        }
        let coloured =
            sequence.0.split(';').filter_map(|n| n.parse::<u16>().ok()).any(|n| {
                (30..=38).contains(&n) || (40..=48).contains(&n) || (90..=107).contains(&n)
            });
        assert!(!coloured, "a colour was written: {:?}", sequence.0);
    }
}

#[test]
fn a_hang_up_ends_the_console_and_its_vendors_and_leaves_nothing_behind() {
    let home = home();
    let mut session = demo((80, 24), home.path(), &[]);
    board(&session);
    let slow = slow(home.path());
    slow.ends_with_the_board();
    session.hang_up();
    session.end();
    let left: Vec<_> = std::fs::read_dir(home.path().join("caretaker"))
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .filter(|n| n.to_string_lossy().starts_with("demo-"))
        .collect();
    assert!(left.is_empty(), "the demo left {left:?}");
}

#[test]
fn who_has_no_configuration_is_led_to_the_set_up_or_to_the_demo() {
    let home = home();
    let mut session = Session::start(PROGRAM, &[], (80, 24), home.path(), &[]);
    session.wait("what to begin with", |t| t.contains("1, 2 or 3 >"));
    session.press("1\r");
    session.wait("the first question", |t| t.contains("1 of 3: schools"));
    session.press("\x04");
    assert_eq!(session.end(), 64, "left before the end");
    assert!(!home.path().join(".config/caretaker/config.toml").exists());
    let mut session = Session::start(PROGRAM, &[], (80, 24), home.path(), &[]);
    session.wait("what to begin with", |t| t.contains("1, 2 or 3 >"));
    session.press("2\r");
    board(&session);
    session.press("q");
    assert_eq!(session.end(), 0);
    // Not at a terminal nobody is asked: a sentence with the remedy.
    let mut alone = std::process::Command::new(PROGRAM);
    alone.env_clear().env("HOME", home.path()).env("XDG_RUNTIME_DIR", home.path());
    let out = alone.stdin(std::process::Stdio::null()).output().unwrap();
    assert_eq!(out.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&out.stderr).contains("caretaker setup"));
}

#[test]
fn a_credential_is_typed_without_echo() {
    let home = home();
    let args = ["secret", "set", "welearn365"];
    let mut session = Session::start(PROGRAM, &args, (80, 24), home.path(), &[]);
    session.wait("the question", |s| s.contains("value of welearn365"));
    session.press("canary-4711\n");
    session.end();
    let raw = String::from_utf8_lossy(&session.raw()).into_owned();
    assert!(raw.contains("welearn365"), "{raw}");
    assert!(!raw.contains("canary"), "the value was shown: {raw}");
    session.assert_cooked();
}

#[test]
fn a_key_of_several_lines_is_pasted_or_typed_without_echo_and_ctrl_c_stops() {
    let home = home();
    let args = ["secret", "set", "redstor"];
    let pem = "-----BEGIN PRIVATE KEY-----\rcanary-4711\r-----END PRIVATE KEY-----\r";
    for (keys, told) in [
        (format!("\x1b[200~{pem}\x1b[201~\r"), "redstor"),
        (format!("{pem}\r"), "several lines"),
        (format!("{pem}\x04"), "several lines"),
        ("canary-4711\x03".to_owned(), "nothing was stored"),
    ] {
        let mut session = Session::start(PROGRAM, &args, (80, 24), home.path(), &[]);
        session.wait("the question", |s| s.contains("value of redstor"));
        session.press(&keys);
        session.end();
        session.assert_restored();
        session.assert_cooked();
        let raw = String::from_utf8_lossy(&session.raw()).into_owned();
        assert!(raw.contains(told), "{raw}");
        assert!(!raw.contains("canary"), "the value was shown: {raw}");
    }
}
