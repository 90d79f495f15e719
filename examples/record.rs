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

#[path = "../tests/pty/situations.rs"]
mod situations;

use session::Session;
use situations::{SITUATIONS, Situation};

const SIZE: (u16, u16) = (100, 30);
/// A watcher reads for so long before the next key, in seconds.
const READS: f64 = 1.6;
const KEY: f64 = 0.12;
/// A frame is whole when nothing was written for so long.
const QUIET: Duration = Duration::from_millis(120);

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
