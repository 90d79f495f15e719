//! Records the six situations that the console is made for, as asciicasts (version 2), with the demo:
//! `cargo run --example record -- target/debug/caretaker docs/sessions [NAME ..]`.
//! Play one with `asciinema play FILE`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a recording ends where it fails"
)]
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

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
            ("whole estate", "o"),
            (": school", "hampr"),
            ("Hamprel", "\r"),
            ("SAY", "y"),
            ("sent to the terminal", "\x1b"),
            ("nobody", ""),
        ],
    },
    Situation {
        name: "the-morning-round",
        title: "Whose backup failed last night, and who has it?",
        scenario: "morning",
        steps: &[
            ("whole estate", "/"),
            ("everything", "rs:bad has:nobody"),
            ("shown", "\r"),
            ("shown", "V"),
            ("marked", "c"),
            ("until", "\x1b"),
            ("nobody", ":group service\r"),
            ("Groupcall: ", "\r"),
            ("- ", ""),
        ],
    },
    Situation {
        name: "an-account-is-misused",
        title: "A pupil's account is misused: a plan first, then its words",
        scenario: "calm",
        steps: &[
            ("whole estate", "o"),
            (": school", "9992001"),
            ("999 2001", "\r"),
            ("SAY", "w"),
            ("part of a name", "u9992001000\r"),
            ("pupil     open", "\r"),
            ("x act", "x"),
            ("act >", "lock"),
            ("Lock", "\r"),
            ("why", "mail in the pupil's name, a parent rang\r"),
            ("ticket", "INC0041233\r"),
            ("complete", "\r"),
            ("NOTHING HAS BEEN SENT", "\x1b"),
        ],
    },
    Situation {
        name: "bring-it-back",
        title: "From which nights can a school's backup be asked for?",
        scenario: "morning",
        steps: &[
            ("whole estate", "/"),
            ("everything", "rs:bad wl:ok gc:ok"),
            ("shown", "\r"),
            ("shown", "x"),
            ("act >", "ask for a"),
            ("Ask for a restore", "\r"),
            ("missing", "\x1b"),
        ],
    },
    Situation {
        name: "two-in-the-morning",
        title: "What is broken, since when, what is the root, who has it?",
        scenario: "storm",
        steps: &[
            ("whole estate", "i"),
            ("INCIDENTS", "\r"),
            ("root", "c"),
            ("claimed", "\x1b"),
            ("INCIDENTS", "\x1b"),
            ("LIVE", ""),
        ],
    },
    Situation {
        name: "handing-over",
        title: "What broke, what was done, what is open and whose",
        scenario: "morning",
        steps: &[
            ("whole estate", "c"),
            ("until", ":handover\r"),
            ("since", "\x06"),
            ("since", "\x1b"),
            ("nobody", ":expiring\r"),
            ("in ", ""),
        ],
    },
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(program), Some(folder)) = (args.next(), args.next()) else {
        return Err("usage: record PROGRAM FOLDER [NAME ..]".into());
    };
    std::fs::create_dir_all(&folder)?;
    let named: Vec<String> = args.collect();
    let is_meant = |s: &&Situation| named.is_empty() || named.iter().any(|name| name == s.name);
    for situation in SITUATIONS.iter().filter(is_meant) {
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
