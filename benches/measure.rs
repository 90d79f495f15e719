//! What a program in a terminal costs: times to settled frames, bytes, wake-ups, memory.

use std::time::{Duration, Instant};

use crate::session::Session;

/// Nothing written for this long: the frame is complete.
const SILENCE: Duration = Duration::from_millis(30);
/// Keys that are pressed one by one.
const KEYS: usize = 60;
/// Keys of one burst, as when a key is held.
const HELD: usize = 50;
/// How long it is left alone.
const IDLE: Duration = Duration::from_secs(10);

/// The figures of one program.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    pub first_frame_ms: f64,
    pub key_p50_ms: f64,
    pub key_p99_ms: f64,
    pub bytes_a_key: f64,
    pub burst_bytes: f64,
    pub burst_ms: f64,
    pub idle_bytes: usize,
    pub idle_wake_ups_s: f64,
    pub idle_cpu_percent: f64,
    pub memory_mb: f64,
    pub resize_ms: f64,
    pub leave_ms: f64,
}

fn ms(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1e3
}

/// Starts the program five times for its first frame (the median counts), and measures the rest in
/// the last of them.
pub fn measure(start: impl Fn() -> Session, ready: impl Fn(&str) -> bool) -> Figures {
    let mut firsts = Vec::new();
    let mut last = None;
    for _ in 0..5 {
        drop(last.take());
        let begun = Instant::now();
        let session = start();
        session.wait("the first frame", &ready);
        firsts.push(ms(begun, Instant::now()));
        last = Some(session);
    }
    let mut session = last.unwrap();
    let mut out = Figures { first_frame_ms: middle(&mut firsts), ..Figures::default() };
    session.settled(Instant::now() - Duration::from_secs(60), Duration::from_millis(300));
    let mut keys = Vec::new();
    let before = session.raw().len();
    // To and fro, so that every key moves the cursor however few rows there are.
    for n in 0..KEYS {
        keys.push(press(&mut session, if n % 2 == 0 { "j" } else { "k" }));
    }
    out.bytes_a_key = (session.raw().len() - before) as f64 / KEYS as f64;
    out.key_p50_ms = middle(&mut keys);
    out.key_p99_ms = keys.last().copied().unwrap_or_default();
    let before = session.raw().len();
    out.burst_ms = press(&mut session, &"j".repeat(HELD));
    out.burst_bytes = (session.raw().len() - before) as f64;
    idle(&session, &mut out);
    let begun = Instant::now();
    session.resize(120, 40);
    out.resize_ms = session.settled(begun, SILENCE).map_or(f64::NAN, |at| ms(begun, at));
    out.memory_mb = status(session.pid(), "VmHWM:") / 1024.0;
    let begun = Instant::now();
    session.press("q");
    session.end();
    out.leave_ms = ms(begun, Instant::now());
    out
}

fn press(session: &mut Session, keys: &str) -> f64 {
    let begun = Instant::now();
    session.press(keys);
    session.settled(begun, SILENCE).map_or(f64::NAN, |at| ms(begun, at))
}

fn idle(session: &Session, out: &mut Figures) {
    session.settled(Instant::now() - Duration::from_secs(60), Duration::from_secs(2));
    let (bytes, switches, cpu) =
        (session.raw().len(), switches(session.pid()), cpu_ms(session.pid()));
    std::thread::sleep(IDLE);
    let seconds = IDLE.as_secs_f64();
    out.idle_bytes = session.raw().len() - bytes;
    out.idle_wake_ups_s = (self::switches(session.pid()) - switches) / seconds;
    out.idle_cpu_percent = (cpu_ms(session.pid()) - cpu) / seconds / 10.0;
}

fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A number of `/proc/PID/status`.
fn status(pid: u32, name: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|l| l.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Voluntary context switches of all threads: how often it woke up.
fn switches(pid: u32) -> f64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let of = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path.join("status")).ok()?;
        let line = text.lines().find_map(|l| l.strip_prefix("voluntary_ctxt_switches:"))?;
        line.trim().parse::<f64>().ok()
    };
    threads.flatten().filter_map(|t| of(t.path())).sum()
}

/// CPU time of all threads in milliseconds, from the scheduler.
fn cpu_ms(pid: u32) -> f64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let of = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path.join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    };
    threads.flatten().filter_map(|t| of(t.path())).sum::<f64>() / 1e6
}
