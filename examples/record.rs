//! Records the six situations that the console is made for, as asciicasts (version 2), with the demo:
//! `cargo run --example record -- target/debug/caretaker docs/sessions`.
//! Play one with `asciinema play FILE`.

use std::path::Path;
use std::time::Duration;

#[path = "../tests/pty/session.rs"]
#[expect(dead_code, reason = "the terminal's tests use the rest of it")]
#[expect(clippy::disallowed_methods, reason = "a recording has only the real clock")]
mod session;

use session::Session;

const SIZE: (u16, u16) = (100, 30);
/// A watcher reads for so long before the next key, in seconds.
const READS: f64 = 1.6;
const KEY: f64 = 0.12;
/// A frame is whole when nothing was written for so long.
const QUIET: Duration = Duration::from_millis(120);

/// A situation: what it is called, the demo's scenario, and what is pressed once the screen shows what.
struct Situation {
    name: &'static str,
    title: &'static str,
    scenario: &'static str,
    steps: &'static [(&'static str, &'static str)],
}

const SITUATIONS: &[Situation] = &[
    Situation {
        name: "answer-the-phone",
        title: "A school rings: what is wrong there, and is it only us?",
        scenario: "morning",
        steps: &[
            ("LIVE", "o"),
            (": school", "hamp"),
            ("Hamp", "\r"),
            ("SAY", "y"),
            ("sent to", ""),
        ],
    },
    Situation {
        name: "the-morning-round",
        title: "Whose backup failed last night, and who has it?",
        scenario: "morning",
        steps: &[
            ("LIVE", "/"),
            ("filter", "rs:bad"),
            ("shown", "\r"),
            ("shown", "V"),
            ("marked", "c"),
            ("claimed", "\x1b"),
            ("taken away", ":group service\r"),
            ("Redstor Backup:", ""),
        ],
    },
    Situation {
        name: "an-account-is-misused",
        title: "Lock an account: a plan first, then its words",
        scenario: "calm",
        steps: &[
            ("LIVE", ":arm 15m INC0041233 account misused\r"),
            ("armed", "g"),
            ("ok:", "\r"),
            ("+", "G\r"),
            ("-", ""),
        ],
    },
    Situation {
        name: "bring-it-back",
        title: "From which nights can a school's backup be asked for?",
        scenario: "morning",
        steps: &[
            ("LIVE", "/"),
            ("filter", "rs:bad"),
            ("shown", "\r"),
            ("shown", "x"),
            ("act >", "restore"),
            ("restore", ""),
        ],
    },
    Situation {
        name: "two-in-the-morning",
        title: "What is broken, since when, what is the root?",
        scenario: "storm",
        steps: &[
            ("LIVE", "i"),
            ("incidents", "\r"),
            ("root", "\x1b"),
            ("incidents", "\x1b"),
            ("LIVE", "t"),
            ("when", "-1m\r"),
            ("", ""),
        ],
    },
    Situation {
        name: "handing-over",
        title: "What broke, what was done, what is open and whose",
        scenario: "morning",
        steps: &[
            ("LIVE", "c"),
            ("claimed", ":handover\r"),
            ("handover", "\x1b"),
            ("LIVE", ":expiring\r"),
            ("runs out", ""),
        ],
    },
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(program), Some(folder)) = (args.next(), args.next()) else {
        return Err("usage: record PROGRAM FOLDER".into());
    };
    std::fs::create_dir_all(&folder)?;
    for situation in SITUATIONS {
        let cast = record(&program, situation)?;
        std::fs::write(Path::new(&folder).join(format!("{}.cast", situation.name)), cast)?;
        println!("{}: {}", situation.name, situation.title);
    }
    Ok(())
}

/// Plays a situation in the real program, and writes what its terminal was sent.
fn record(program: &str, situation: &Situation) -> Result<String, Box<dyn std::error::Error>> {
    let home = tempfile::Builder::new().prefix("ct").tempdir()?;
    let args = ["demo", "--schools", "40", "--seed", "7", "--scenario", situation.scenario];
    let colours = [("COLORTERM", "truecolor"), ("CARETAKER_THEME", "dark")];
    let mut session = Session::start(program, &args, SIZE, home.path(), &colours);
    session.wait("a settled board", |s| s.contains("LIVE") && !s.contains("first answers"));
    let mut out = format!(
        "{}\n",
        serde_json::json!({
            "version": 2, "width": SIZE.0, "height": SIZE.1, "title": situation.title,
            "env": { "TERM": "xterm-256color" },
        })
    );
    // Time as somebody would take who reads, not as the machine took.
    let (mut at, mut from) = (0.0, 0);
    let mut add = |session: &Session, pause: f64| {
        let raw = session.raw();
        let new = String::from_utf8_lossy(raw.get(from..).unwrap_or_default()).into_owned();
        from = raw.len();
        if !new.is_empty() {
            out.push_str(&format!("{}\n", serde_json::json!([at, "o", new])));
        }
        at += pause;
    };
    for (shows, keys) in situation.steps {
        let what = format!("{} in {}", shows, situation.name);
        session.wait(&what, |s| s.contains(shows));
        session.rests(QUIET);
        add(&session, READS);
        for key in keys.chars() {
            session.press(&key.to_string());
            session.rests(QUIET);
            add(&session, KEY);
        }
    }
    session.rests(QUIET);
    add(&session, READS);
    Ok(out)
}
