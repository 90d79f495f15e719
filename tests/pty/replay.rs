//! A recording in a real terminal, by keys, and line by line; and made from the demo.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::session::Session;
use crate::{PROGRAM, board, demo, home, slow, socket};

/// A recording of an incident in a demo of three schools.
fn recording() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/recording/incident.jsonl")
}

fn replay(home: &Path, size: (u16, u16), more: &[&str]) -> Session {
    let file = recording();
    let args = [&["replay", file.to_str().unwrap()], more].concat();
    // Neither is read: a real configuration, a real agent.
    let real =
        [("CARETAKER_CONFIG", "/nowhere/config.toml"), ("CARETAKER_AGENT", "/nowhere/a.sock")];
    Session::start(PROGRAM, &args, size, home, &real)
}

fn run(home: &Path, args: &[&str], typed: &str) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(args).env_clear().env("HOME", home).env("XDG_RUNTIME_DIR", home);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn it_is_paused_stepped_and_sped_up_by_keys_and_nothing_is_done() {
    let home = home();
    let mut session = replay(home.path(), (80, 24), &["--speed", "1"]);
    session.wait("the recording", |s| {
        s.contains("REPLAY")
            && s.contains("names masked")
            && s.contains("School 1")
            && !s.contains("LIVE")
    });
    session.press("[");
    session.wait("a step back pauses", |s| s.lines().next().unwrap().contains("PAUSED"));
    session.press("c");
    session.wait("a refusal", |s| s.contains("not now: this is a recording"));
    session.press("+p");
    session.wait("faster", |s| s.lines().next().unwrap().contains(" x2 "));
    session.press("p");
    session.wait("paused", |s| s.lines().next().unwrap().contains("PAUSED"));
    session.press("q");
    assert_eq!(session.end(), 0);
    session.assert_restored();
    let left = std::fs::read_dir(home.path().join("caretaker")).unwrap().count();
    assert_eq!(left, 0, "its folder is gone");
}

#[test]
fn at_its_end_it_stands_still_and_says_so() {
    let home = home();
    let mut session = replay(home.path(), (120, 40), &["--speed", "3600"]);
    session.wait("the end", |s| {
        s.lines().next().unwrap().contains(" END ") && s.contains("it ends here")
    });
    session.press("]");
    session.wait("nothing comes", |s| s.contains("the recording ends here"));
    session.press("q");
    assert_eq!(session.end(), 0);
}

#[test]
fn it_is_read_line_by_line_and_a_broken_one_is_refused_with_its_place() {
    let home = home();
    let file = recording();
    let file = file.to_str().unwrap();
    let told = run(home.path(), &["replay", file, "--plain", "--speed", "1"], "list\n1\nquit\n");
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(told.status.success() && text.contains("REPLAY of a recording"), "{text}");
    assert!(text.contains("School "), "{text}");
    let broken = home.path().join("broken.jsonl");
    let whole = std::fs::read_to_string(file).unwrap();
    std::fs::write(&broken, whole.replacen("\"health\":\"", "\"health\":\"un", 1)).unwrap();
    let told = run(home.path(), &["replay", broken.to_str().unwrap()], "");
    let text = String::from_utf8(told.stderr).unwrap();
    assert_eq!(told.status.code(), Some(64), "{text}");
    assert!(text.contains("broken.jsonl: line 1, estate[0]: unknown variant"), "{text}");
}

#[test]
fn an_incident_of_the_demo_is_exported_and_holds_nothing_that_names_a_school() {
    let home = home();
    let mut session = demo((80, 24), home.path(), &[]);
    board(&session);
    let slow = slow(home.path());
    let socket = socket(home.path());
    let at = |args: &[&str]| {
        let all = [&["--agent", socket.to_str().unwrap()], args].concat();
        run(home.path(), &all, "")
    };
    // Once every check was tried there is an incident.
    assert!(at(&["status", "--wait-settled", "60s"]).status.code().is_some());
    let list: serde_json::Value =
        serde_json::from_slice(&at(&["incidents", "--json"]).stdout).unwrap();
    let id = list["incidents"][0]["id"].to_string();
    let file = home.path().join("incident.jsonl");
    let export = ["incident", "export", &id, "--recording", file.to_str().unwrap()];
    let told = at(&export);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(at(&export).status.code(), Some(64), "a file that is there stays as it is");
    let text = std::fs::read_to_string(&file).unwrap();
    // All that the tables say of schools: names, numbers, towns, hosts, OUs, sites, appliances.
    let mut looked = 0;
    for table in ["schools.csv", "subscriptions.csv"] {
        let table = std::fs::read_to_string(socket.parent().unwrap().parent().unwrap().join(table))
            .unwrap();
        for value in table.lines().skip(1).flat_map(|line| line.split(',')) {
            let value = value.trim().trim_matches('"');
            let says_something = value.len() >= 6 && !value.contains("future_digital");
            if !says_something || ["Primary", "Secondary", "default"].contains(&value) {
                continue;
            }
            looked += 1;
            assert!(!text.contains(value), "{value:?} is in the recording");
        }
    }
    assert!(looked > 200, "{looked} values were looked for");
    slow.ends_with_the_board();
    session.press("q");
    assert_eq!(session.end(), 0);
    // It plays without that agent.
    let told = run(home.path(), &["replay", file.to_str().unwrap(), "--plain"], "quit\n");
    assert!(String::from_utf8(told.stdout).unwrap().contains("Of 40 schools"), "it plays");
}
