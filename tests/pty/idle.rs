//! A console that nobody touches: it writes nothing and sleeps.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::session::Session;
use crate::shared::{Ends, Vendors};
use crate::slow_reader::SlowReader;
use crate::{PROGRAM, home};

/// How long a console is watched.
const WATCHED: Duration = Duration::from_secs(5);
/// Wake-ups of all its threads in that time that are still sleep: a screen that is drawn at every
/// sixtieth of a second, by one thread alone, has more.
const WAKE_UPS: u64 = 200;

fn minute() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 60
}

/// How often the threads of a process went to sleep and were woken.
fn wake_ups(pid: u32) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let of = |thread: std::fs::DirEntry| {
        let status = std::fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        let count = status.lines().find_map(|l| l.strip_prefix("voluntary_ctxt_switches:"));
        count.map_or(0, |n| n.trim().parse::<u64>().unwrap())
    };
    threads.map(|thread| of(thread.unwrap())).sum()
}

#[test]
fn an_idle_console_writes_nothing_and_sleeps() {
    let home = home();
    let vendors = Vendors::start(home.path());
    // An agent of its own, for what an agent in the console does is not the console's.
    let mut command = Command::new(PROGRAM);
    command.args(["--config", &vendors.config, "agent"]).env_clear().stdin(Stdio::null());
    command.env("HOME", home.path()).env("XDG_RUNTIME_DIR", home.path());
    let mut agent = Ends(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(agent.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let socket = line.trim().rsplit(' ').next().unwrap();
    let slow = SlowReader::attach(std::path::Path::new(socket));
    let args = ["--config", &vendors.config, "--agent", socket];
    let mut session = Session::start(PROGRAM, &args, (80, 24), home.path(), &[]);
    session.wait("a calm board", |s| s.contains("LIVE") && s.contains("ok: 8"));
    let end = Instant::now() + crate::session::LIMIT;
    loop {
        session.rests(Duration::from_secs(2));
        let (before, since, written, woken) =
            (session.screen(), minute(), session.raw().len(), wake_ups(session.pid()));
        // Not for luck: this is the time in which nothing may come.
        std::thread::sleep(WATCHED);
        let woken = wake_ups(session.pid()) - woken;
        let raw = session.raw();
        assert!(woken <= WAKE_UPS, "woken {woken} times");
        if minute() == since {
            let new = String::from_utf8_lossy(raw.get(written..).unwrap());
            assert!(new.is_empty(), "wrote {new:?} on\n{before}\nnow\n{}", session.screen());
            break;
        }
        // An age that is told in minutes may have turned with the minute: watched again.
        assert!(Instant::now() < end, "the minute turns each time");
    }
    slow.ends_with_the_board();
    session.press("q");
    assert_eq!(session.end(), 0);
}
