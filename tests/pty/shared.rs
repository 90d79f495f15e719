//! Several consoles of one account on one configuration: one runs the agent, the others attach to
//! it, and when it ends one of them takes over and says so.
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::session::Session;
use crate::slow_reader::SlowReader;
use crate::{PROGRAM, home};

const SIZE: (u16, u16) = (80, 24);

/// A program that ends with what holds it.
pub struct Ends(pub Child);

impl Drop for Ends {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The vendors of the demo, without an agent.
pub struct Vendors {
    _child: Ends,
    pub config: String,
}

impl Vendors {
    pub fn start(home: &Path) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["simulate", "--schools", "8", "--seed", "4", "--scenario", "calm"])
            .env_clear()
            .env("HOME", home)
            .env("XDG_RUNTIME_DIR", home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap();
        Self { _child: Ends(child), config: said["config"].as_str().unwrap().to_owned() }
    }
}

fn console(home: &Path, vendors: &Vendors) -> Session {
    let session = Session::start(PROGRAM, &["--config", &vendors.config], SIZE, home, &[]);
    session.wait("a live board", |s| s.contains("LIVE") && s.contains("whole estate"));
    session
}

/// The embedded agent's sockets, or their locks.
fn sockets(home: &Path, ends: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(home.join("caretaker")).unwrap().map(|e| e.unwrap().path());
    all.filter(|p| {
        p.to_string_lossy().contains("/embedded-") && p.to_string_lossy().ends_with(ends)
    })
    .collect()
}

/// The process that holds the place.
fn holder(home: &Path) -> u32 {
    let locks = sockets(home, ".sock.lock");
    assert_eq!(locks.len(), 1, "one place for all consoles: {locks:?}");
    std::fs::read_to_string(&locks[0]).unwrap().parse().unwrap()
}

/// It says that it took over, it holds the place, and its agent takes questions.
fn takes_over(home: &Path, session: &mut Session) {
    session.wait("that it took over", |s| s.contains("this one runs it now"));
    assert_eq!(holder(home), session.pid());
    session.press("r");
    let answers = |s: &str| s.contains("asking again now") || s.contains("not asked again");
    session.wait("an agent that answers", answers);
    session.wait("a live board", |s| s.contains("LIVE") && s.contains("ok: 8"));
}

#[test]
fn a_second_console_attaches_to_the_first_and_takes_over_when_it_ends() {
    let home = home();
    let home = home.path();
    let vendors = Vendors::start(home);
    let mut first = console(home, &vendors);
    assert_eq!(holder(home), first.pid());
    let mut second = console(home, &vendors);
    assert_eq!(holder(home), first.pid(), "the second attached, and started none");
    // A reader that sleeps through all of it comes to the board of whoever has it in the end.
    let slow = SlowReader::attach(&sockets(home, ".sock")[0]);
    first.press("q");
    assert_eq!(first.end(), 0);
    takes_over(home, &mut second);

    // The next one has no time to put anything in order.
    let mut third = console(home, &vendors);
    assert_eq!(holder(home), second.pid());
    second.kill();
    takes_over(home, &mut third);
    slow.ends_with_the_board();
    third.press("q");
    assert_eq!(third.end(), 0);
    third.assert_restored();
    assert!(sockets(home, ".sock").is_empty(), "the socket is left behind");
}
