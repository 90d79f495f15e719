//! SIGHUP: a changed configuration is taken in without a restart, a broken one is refused and shown.
#![cfg(test)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test outside the program has only the real clock"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

#[path = "support/slow_reader.rs"]
mod slow_reader;

use slow_reader::SlowReader;

const PROGRAM: &str = env!("CARGO_BIN_EXE_caretaker");
const LIMIT: Duration = Duration::from_secs(60);

/// Ends what it holds when it goes.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Starts a program that says in one line when it is ready.
fn ready(home: &Path, args: &[&str]) -> (Running, String) {
    let mut command = Command::new(PROGRAM);
    command.args(args).env_clear().env("HOME", home).env("XDG_RUNTIME_DIR", home);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (Running(child), line)
}

fn get(socket: &str, route: &str) -> Value {
    let mut stream = UnixStream::connect(socket).unwrap();
    write!(stream, "GET {route} HTTP/1.1\r\nHost: caretaker\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let text = String::from_utf8(answer).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let body = if head.to_lowercase().contains("transfer-encoding: chunked") {
        let mut whole = String::new();
        let mut rest = body;
        while let Some((size, after)) = rest.split_once("\r\n") {
            let size = usize::from_str_radix(size, 16).unwrap();
            if size == 0 {
                break;
            }
            whole.push_str(after.get(..size).unwrap());
            rest = after.get(size + 2..).unwrap();
        }
        whole
    } else {
        body.to_owned()
    };
    serde_json::from_str(&body).unwrap_or_else(|e| panic!("{e}: {body}"))
}

/// Asks again until the document is as wanted.
fn until(what: &str, ask: impl Fn() -> Value, wanted: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + LIMIT;
    loop {
        let seen = ask();
        if wanted(&seen) {
            return seen;
        }
        assert!(Instant::now() < end, "never {what}: {seen}");
    }
}

fn signal(child: &Running, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.0.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

#[test]
fn sighup_takes_in_what_changed_and_refuses_what_is_broken() {
    use rustix::process::Signal;
    let home = tempfile::Builder::new().prefix("ct").tempdir_in("/tmp").unwrap();
    let args = ["simulate", "--schools", "6", "--seed", "2", "--scenario", "calm"];
    let (_vendors, line) = ready(home.path(), &args);
    let said: Value = serde_json::from_str(&line).unwrap();
    let config = said["config"].as_str().unwrap().to_owned();
    let (mut agent, line) = ready(home.path(), &["--config", &config, "agent"]);
    let socket = line.trim().rsplit(' ').next().unwrap().to_owned();
    let slow = SlowReader::attach(Path::new(&socket));
    let health = || get(&socket, "/v1/health");
    let status = || get(&socket, "/v1/status");
    until("settled", status, |s| s["settled"] == true);
    let first = health();
    assert!(first["reload_refused"].is_null() && first["configured_at"].is_string(), "{first}");

    // Two mistakes: both are logged, the first is shown, and nothing changes.
    let good = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("thme = 1\ncolour = 2\n{good}")).unwrap();
    signal(&agent, Signal::HUP);
    let refused = until("refused", health, |h| !h["reload_refused"].is_null());
    let why = refused["reload_refused"]["why"].as_str().unwrap();
    assert!(why.contains("unknown key") && why.contains("and 1 more"), "{why}");
    assert_eq!(refused["configured_at"], first["configured_at"], "the old one goes on");
    let shown = status();
    assert_eq!(shown["schools"].as_array().unwrap().len(), 6);
    let gaps = |status: &Value| {
        let gaps = status["not_watched"].as_array().unwrap().iter();
        gaps.filter(|g| g["what"] == "configuration").count()
    };
    let told = shown["not_watched"][0]["why"].as_str().unwrap();
    assert!(told.contains("was refused") && told.contains("unknown key"), "{told}");
    let log = Path::new(&config).parent().unwrap().join("state/agent.jsonl");
    let log = || Value::String(std::fs::read_to_string(&log).unwrap_or_default());
    until("logged", log, |l| l.as_str().unwrap().matches("configuration is refused").count() == 2);
    // Refused again: told once.
    signal(&agent, Signal::HUP);
    until("refused again", health, |h| {
        h["reload_refused"]["at"] != refused["reload_refused"]["at"]
    });
    assert_eq!(gaps(&status()), 1);

    // Mended, with a school less.
    let table = Path::new(&config).with_file_name("schools.csv");
    let rows = std::fs::read_to_string(&table).unwrap();
    let fewer: Vec<&str> = rows.lines().take(6).collect();
    std::fs::write(&table, fewer.join("\n") + "\n").unwrap();
    std::fs::write(&config, &good).unwrap();
    signal(&agent, Signal::HUP);
    let taken = until("taken in", health, |h| h["configured_at"] != first["configured_at"]);
    assert!(taken["reload_refused"].is_null(), "{taken}");
    let shown = until("polled anew", status, |s| s["settled"] == true);
    assert_eq!(shown["schools"].as_array().unwrap().len(), 5);
    assert_eq!((gaps(&shown), taken["pid"] == first["pid"]), (0, true));

    slow.ends_with_the_board();
    signal(&agent, Signal::TERM);
    assert!(agent.0.wait().unwrap().success(), "SIGTERM ends it");
}
