//! The whole path as a second program sees it: vendors, agent, status, watch, from the command line.
#![cfg(test)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test outside the program has only the real clock"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
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

fn home() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("ct").tempdir_in("/tmp").unwrap()
}

fn caretaker(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(args).env_clear();
    command.env("HOME", home).env("XDG_RUNTIME_DIR", home);
    command.stdin(Stdio::null());
    command
}

/// Starts a program that says in one line when it is ready.
fn ready(home: &Path, args: &[&str]) -> (Running, String) {
    let mut child = caretaker(home, args).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (Running(child), line)
}

fn status(home: &Path, socket: &str, args: &[&str]) -> (i32, Output) {
    let all: Vec<&str> = ["--agent", socket, "status"].iter().chain(args).copied().collect();
    let output = caretaker(home, &all).output().unwrap();
    (output.status.code().unwrap(), output)
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Asks again until the document is as wanted.
fn until(what: &str, mut ask: impl FnMut() -> Value, wanted: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + LIMIT;
    loop {
        let seen = ask();
        if wanted(&seen) {
            return seen;
        }
        assert!(Instant::now() < end, "never {what}: {}", seen["summary"]);
    }
}

const SERVICES: [&str; 7] = [
    "welearn365",
    "groupcall",
    "redstor",
    "future_digital",
    "smoothwall",
    "just2easy",
    "purple_mash",
];

#[test]
fn the_headless_demo_keeps_the_contract_of_status() {
    let home = home();
    let args = ["demo", "--headless", "--schools", "60", "--seed", "5"];
    let (_demo, line) = ready(home.path(), &args);
    let said: Value = serde_json::from_str(&line).unwrap();
    let socket = said["socket"].as_str().unwrap();
    let slow = SlowReader::attach(Path::new(socket));
    assert!(PathBuf::from(said["config"].as_str().unwrap()).is_file());
    for key in SERVICES {
        assert!(said["simulators"][key].is_string(), "no address of {key}: {line}");
    }
    let (code, output) = status(home.path(), socket, &["--json", "--wait-settled", "60s"]);
    let all = json(&output);
    assert_eq!((all["version"].as_u64(), all["settled"].as_bool()), (Some(1), Some(true)));
    assert!(all["as_of"].as_str().unwrap().ends_with('Z'));
    let schools = all["schools"].as_array().unwrap();
    assert_eq!(schools.len(), 60);
    let mut counted = std::collections::BTreeMap::<&str, u64>::new();
    for school in schools {
        let cells = school["cells"].as_object().unwrap();
        assert_eq!(cells.len(), 7);
        for key in SERVICES {
            let cell = &cells[key];
            let health = cell["health"].as_str().unwrap();
            *counted.entry(health).or_default() += 1;
            assert_eq!(cell["reason"].is_string(), health == "unknown", "{cell}");
            let quiet = health == "not_subscribed";
            assert!(quiet || !cell["why"].as_str().unwrap().is_empty(), "{cell}");
            let keys = ["since", "state_since", "soft", "handling", "follows_from", "checks"];
            assert!(keys.iter().all(|k| cell.get(k).is_some()), "{cell}");
        }
    }
    for (health, n) in &counted {
        assert_eq!(all["summary"][health].as_u64(), Some(*n), "{health}");
    }
    for health in ["ok", "warning", "critical", "unknown", "not_subscribed"] {
        assert!(counted.contains_key(health), "a morning without {health}: {counted:?}");
    }
    assert_eq!(code, 2, "a morning has something critical");
    a_narrower_question_has_its_own_answer(home.path(), socket, &all);
    what_is_taken_runs_out_and_vendors_are_asked_again(home.path(), socket, &all);
    slow.ends_with_the_board();
}

#[test]
fn threat_30_the_demo_takes_no_real_configuration_or_credential() {
    let home = home();
    let args = ["demo", "--headless", "--schools", "10", "--scenario", "calm"];
    let (first, line) = ready(home.path(), &args);
    let said: Value = serde_json::from_str(&line).unwrap();
    let config = std::fs::read_to_string(said["config"].as_str().unwrap()).unwrap();
    let document: toml::Table = toml::from_str(&config).unwrap();
    let names = document["credentials"]["files"].as_table().unwrap().keys();
    // A credential of each name that no vendor takes, where a service manager would put it; and
    // configurations that nobody can read, where they are looked for.
    let real = home.path().join("real");
    std::fs::create_dir_all(real.join("caretaker")).unwrap();
    names.for_each(|name| std::fs::write(real.join(name), "a real secret").unwrap());
    let broken = real.join("caretaker/config.toml");
    std::fs::write(&broken, "this is not TOML [").unwrap();
    drop(first);
    let mut command = caretaker(home.path(), &args);
    command.env("CREDENTIALS_DIRECTORY", &real).env("CARETAKER_CONFIG", &broken);
    command.env("XDG_CONFIG_HOME", &real).env("CARETAKER_AGENT", real.join("agent.sock"));
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let _demo = Running(child);
    let said: Value = serde_json::from_str(&line).expect("the demo began");
    let socket = said["socket"].as_str().unwrap();
    assert!(!Path::new(socket).starts_with(&real), "{socket}");
    let slow = SlowReader::attach(Path::new(socket));
    let (_, output) = status(home.path(), socket, &["--json", "--wait-settled", "60s"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\"settled\":true"), "{text}");
    assert!(!text.contains("unauthorised"), "a real credential was used: {text}");
    slow.ends_with_the_board();
}

/// One school, one service, CSV, and words that name nothing.
/// The first line of the program that fits.
fn line_of(child: &mut Child, fits: impl Fn(&str) -> bool) -> String {
    let (tell, told) = std::sync::mpsc::channel();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| tell.send(line)));
    let end = Instant::now() + LIMIT;
    let mut seen = String::new();
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let line = told.recv_timeout(left).unwrap_or_else(|_| panic!("no such line in: {seen}"));
        if fits(&line) {
            return line;
        }
        seen += &line;
        seen.push('\n');
    }
}

#[test]
fn while_a_vendor_hangs_it_is_not_settled_and_watch_tells_the_others() {
    let home = home();
    let scenario = home.path().join("hangs.toml");
    let hangs = "begins_as = \"calm\"\n[[fault]]\non = \"redstor\"\nwhat = \"slow:600000\"\n";
    std::fs::write(&scenario, hangs).unwrap();
    let scenario = scenario.to_str().unwrap();
    let args = ["demo", "--headless", "--schools", "10", "--scenario", scenario];
    let (_demo, line) = ready(home.path(), &args);
    let said: Value = serde_json::from_str(&line).unwrap();
    let socket = said["socket"].as_str().unwrap();
    let slow = SlowReader::attach(Path::new(socket));
    let watch = ["--agent", socket, "watch", "--service", "groupcall"];
    let mut watch = Running(caretaker(home.path(), &watch).stdout(Stdio::piped()).spawn().unwrap());
    let (code, output) = status(home.path(), socket, &["--json", "--wait-settled", "0s"]);
    let all = json(&output);
    assert_eq!((code, all["settled"].as_bool()), (3, Some(false)), "told all the same");
    assert_eq!(all["schools"].as_array().unwrap().len(), 10);
    let told = line_of(&mut watch.0, |line| line.contains("unknown -> ok"));
    assert!(told.contains(" / Groupcall"), "{told}");
    slow.ends_with_the_board();
}

fn a_narrower_question_has_its_own_answer(home: &Path, socket: &str, all: &Value) {
    let fine = all["schools"].as_array().unwrap().iter().find(|s| {
        let cells = s["cells"].as_object().unwrap();
        cells.values().all(|c| matches!(c["health"].as_str().unwrap(), "ok" | "not_subscribed"))
    });
    let number = fine.unwrap()["laestab"].as_str().unwrap();
    let (code, output) = status(home, socket, &[number, "--json"]);
    assert_eq!((code, json(&output)["schools"].as_array().unwrap().len()), (0, 1));
    let (_, output) = status(home, socket, &["--csv", "--service", "gc"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("laestab,name,service,health,"));
    assert!(text.lines().skip(1).all(|l| l.contains(",groupcall,")), "{text}");
    assert_eq!(status(home, socket, &["no such school"]).0, 64);
    assert_eq!(status(home, socket, &["--service", "nothing"]).0, 64);
    assert_eq!(status(home, "/tmp/nobody/agent.sock", &[]).0, 69);
}

fn what_is_taken_runs_out_and_vendors_are_asked_again(home: &Path, socket: &str, all: &Value) {
    let run = |args: &[&str]| {
        let all: Vec<&str> = ["--agent", socket].iter().chain(args).copied().collect();
        let output = caretaker(home, &all).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let ill = all["schools"].as_array().unwrap().iter().find(|s| {
        let cell = &s["cells"]["groupcall"];
        cell["health"] == "critical" && cell["follows_from"].is_null()
    });
    let number = ill.unwrap()["laestab"].as_str().unwrap();
    let held = ["handle", "claim", number, "--service", "groupcall", "--until", "2h"];
    assert_eq!(run(&held).0, 0);
    let told = |text: &str| text.contains(" / Groupcall, claimed by ");
    let end = Instant::now() + LIMIT;
    while !told(&run(&["expiring"]).1) {
        assert!(Instant::now() < end, "never told: {}", run(&["expiring"]).1);
    }
    let (code, text) = run(&["expiring", "--json"]);
    let json: Value = serde_json::from_str(&text).unwrap();
    let mine = json["expiring"].as_array().unwrap().iter().find(|e| e["school"] == number);
    assert_eq!((code, mine.map(|e| &e["kind"])), (0, Some(&Value::from("claimed"))), "{text}");

    let (code, text) = run(&["refresh", number, "--service", "gc"]);
    let asked = text.starts_with("asking again now");
    assert!(asked || text.starts_with("not asked again"), "{text}");
    assert_eq!(code, if asked { 0 } else { 11 }, "{text}");
    assert_eq!(run(&["refresh", "no such school"]).0, 64);
    assert_eq!(run(&["refresh", number, "--service", "nothing"]).0, 64);
}

#[test]
fn a_second_agent_on_the_same_config_and_a_vendor_that_dies() {
    let home = home();
    let args = ["simulate", "--schools", "12", "--seed", "2", "--scenario", "calm"];
    let (vendors, line) = ready(home.path(), &args);
    let said: Value = serde_json::from_str(&line).unwrap();
    let config = said["config"].as_str().unwrap().to_owned();
    let check = caretaker(home.path(), &["--config", &config, "config", "check"]).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    let (mut agent, line) = ready(home.path(), &["--config", &config, "agent"]);
    let socket = line.trim().rsplit(' ').next().unwrap().to_owned();
    let slow = SlowReader::attach(Path::new(&socket));
    let ask = |wait: &[&str]| json(&status(home.path(), &socket, &[&["--json"], wait].concat()).1);
    let calm = ask(&["--wait-settled", "60s"]);
    let trouble: Vec<&Value> = calm["schools"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|s| s["cells"].as_object().unwrap().values())
        .filter(|c| !matches!(c["health"].as_str().unwrap(), "ok" | "not_subscribed"))
        .collect();
    assert!(trouble.is_empty(), "not calm: {trouble:?}");
    let second = caretaker(home.path(), &["--config", &config, "agent"]).output().unwrap();
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && told.contains("held by"), "{told}");
    drop(vendors);
    // Nobody answers any more: nothing may stay green for longer than its freshness limit.
    until("all in trouble", || ask(&[]), |s| s["summary"]["ok"] == 0);
    slow.ends_with_the_board();
    let pid = rustix::process::Pid::from_raw(i32::try_from(agent.0.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(agent.0.wait().unwrap().success(), "SIGTERM drains and ends well");
    assert!(!Path::new(&socket).exists(), "the socket is left behind");
    assert_eq!(status(home.path(), &socket, &[]).0, 69);
}
