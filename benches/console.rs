//! The console in a pseudo-terminal, measured beside the least that a ratatui table can cost, in one
//! run: `scripts/bench-console`. Prints one line of JSON for each program and size, and the ratios.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark ends where it fails")]
#![expect(clippy::indexing_slicing, reason = "a benchmark ends where it fails")]
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::path::Path;
use std::process::{Command, Stdio};

#[path = "../tests/pty/session.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
#[expect(clippy::disallowed_methods, reason = "a harness has only the real clock")]
mod session;

#[path = "measure.rs"]
#[expect(clippy::disallowed_methods, reason = "a benchmark has only the real clock")]
mod measure;

use measure::{Figures, measure};
use session::Session;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [caretaker, floor] = args.as_slice() else {
        println!("not measured: run scripts/bench-console, which names the two programs");
        return;
    };
    let home = tempfile::Builder::new().prefix("ct").tempdir_in("/tmp").unwrap();
    let mut all: Vec<(String, Figures)> = Vec::new();
    for schools in ["250", "24000"] {
        let mut board = Command::new(caretaker)
            .args(["bench", "board", "--schools", schools])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let socket = socket(&mut board);
        let console = || {
            let args = ["--agent", &socket];
            Session::start(caretaker, &args, (200, 50), home.path(), &[])
        };
        let least = || {
            let args = ["--rows", schools];
            Session::start(floor, &args, (200, 50), home.path(), &[])
        };
        let ours = measure(console, |s| s.contains("LIVE") && s.contains("ok:"));
        let bare = measure(least, |s| s.contains("School 00001"));
        ratios(schools, &ours, &bare);
        all.push((format!("caretaker, {schools} schools"), ours));
        all.push((format!("floor, {schools} rows"), bare));
        // By SIGTERM, so that it takes its folder away.
        Command::new("kill").arg(board.id().to_string()).status().unwrap();
        board.wait().unwrap();
    }
    for (name, figures) in &all {
        println!("{name}: {figures:?}");
    }
}

/// The socket that a board tells in its first line, once it is settled.
fn socket(board: &mut std::process::Child) -> String {
    use std::io::BufRead;
    let mut line = String::new();
    let out = board.stdout.take().unwrap();
    std::io::BufReader::new(out).read_line(&mut line).unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    let path = said["socket"].as_str().expect("a socket").to_owned();
    assert!(Path::new(&path).exists());
    path
}

fn ratios(schools: &str, ours: &Figures, bare: &Figures) {
    let line = serde_json::json!({
        "schools": schools,
        "first_frame_x": round(ours.first_frame_ms / bare.first_frame_ms),
        "key_p50_x": round(ours.key_p50_ms / bare.key_p50_ms),
        "key_p99_ms": round(ours.key_p99_ms),
        "bytes_a_key": ours.bytes_a_key,
        "burst_bytes_x_of_a_key": round(ours.burst_bytes / ours.bytes_a_key),
        "burst_settled_ms": round(ours.burst_ms),
        "idle_bytes": ours.idle_bytes,
        "idle_wake_ups_s": round(ours.idle_wake_ups_s),
        "idle_cpu_percent": round(ours.idle_cpu_percent),
        "memory_mb": round(ours.memory_mb),
        "resize_ms": round(ours.resize_ms),
        "leave_ms": round(ours.leave_ms),
    });
    println!("{line}");
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
