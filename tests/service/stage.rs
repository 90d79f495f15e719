//! A desk in a folder of its own: the configuration that `caretaker simulate` writes, the vendors played
//! in this process, where a test can order them about, and the agent as a child.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use caretaker::model::ids::Laestab;
use caretaker::ports::clock::Clock as _;
use caretaker::simulators::{Plan, Running, Scenario, start};
use caretaker::sys::SystemClock;
use caretaker::transport::install_tls;
use serde_json::Value;

use crate::at_the_end::at_the_end;
use crate::slow_reader::SlowReader;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_caretaker");
pub const LIMIT: Duration = Duration::from_secs(60);
const SCHOOLS: usize = 4;
const SEED: u64 = 23;

/// A child that ends with what holds it, and the slow reader of one that is an agent: at its end it
/// must come to the agent's board. An agent that is killed while it acts has none.
pub struct Ends(pub Child, pub Option<SlowReader>);

impl Ends {
    /// Holds the slow reader against the board now, for one that is about to be stopped.
    pub fn ends_with_the_board(&mut self) {
        at_the_end(&mut self.1);
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.ends_with_the_board();
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A file that nobody else can read.
pub fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
}

/// The vendors, the desk's folder, and its configuration as text.
pub struct Stage {
    pub home: tempfile::TempDir,
    pub vendors: Running,
    pub text: String,
    /// A school with accounts in the directory.
    pub school: Laestab,
}

impl Stage {
    pub async fn new() -> Self {
        install_tls();
        // Words, for what is random in a path looks like a secret in the configuration.
        let home =
            tempfile::Builder::new().prefix("desk-").rand_bytes(3).tempdir_in("/tmp").unwrap();
        let clock = SystemClock::new();
        let vendors = start(Plan {
            schools: SCHOOLS,
            seed: SEED,
            scenario: Scenario::Calm,
            folder: home.path().join("vendors"),
            clock: Arc::new(move || clock.now()),
        })
        .await
        .unwrap();
        let text = desk_like(home.path(), &vendors);
        let schools = vendors.invented.schools.iter().map(|s| s.laestab);
        let school = schools.into_iter().find(|s| vendors.directory_accounts(*s) >= 10).unwrap();
        Self { home, vendors, text, school }
    }

    pub fn folder(&self) -> PathBuf {
        self.home.path().join("desk")
    }

    pub fn config(&self) -> PathBuf {
        self.folder().join("config.toml")
    }

    pub fn socket(&self) -> PathBuf {
        self.folder().join("run/agent.sock")
    }

    /// Replaces a part of the configuration, which must be there.
    pub fn edit(&mut self, what: &str, with: &str) {
        assert!(self.text.contains(what), "no {what:?} in:\n{}", self.text);
        self.text = self.text.replace(what, with);
    }

    /// Replaces what stands from the first `from` up to the next `until`.
    pub fn replace(&mut self, (from, until): (&str, &str), with: &str) {
        let (before, rest) = self.text.split_once(from).unwrap();
        let (_, after) = rest.split_once(until).unwrap();
        self.text = format!("{before}{with}{until}{after}");
    }

    /// Writes the configuration as it is now.
    pub fn keep(&self) {
        write(&self.config(), &self.text);
    }

    /// The program with this configuration and a clean environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(["--config", &self.config().display().to_string()]);
        command.args(["--agent", &self.socket().display().to_string()]).args(args);
        command.env_clear().env("HOME", self.home.path());
        command.env("XDG_RUNTIME_DIR", self.home.path()).env("PATH", "/usr/bin:/bin");
        command.env("LANG", "C.UTF-8").env("TERM", "xterm-256color").stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The document that a command prints.
    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.run(args);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| {
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            panic!("{args:?}: {e}: {} {told}", String::from_utf8_lossy(&output.stdout))
        })
    }

    /// Starts the agent, and attaches the slow reader.
    pub fn agent(&self, name: &str) -> Ends {
        let mut agent = self.agent_to_be_killed(name);
        agent.1 = Some(SlowReader::attach(&self.socket()));
        agent
    }

    /// Starts the agent, whose words go to files beside its configuration, and waits for its socket.
    pub fn agent_to_be_killed(&self, name: &str) -> Ends {
        let said = |kind: &str| {
            let path = self.folder().join(format!("said-{name}-{kind}"));
            std::fs::File::create(path).unwrap()
        };
        let mut command = self.command(&["agent"]);
        let child = command.stdout(said("out")).stderr(said("err")).spawn().unwrap();
        let mut agent = Ends(child, None);
        let end = Instant::now() + LIMIT;
        while !self.run(&["actions", "--json"]).status.success() {
            let ended = agent.0.try_wait().unwrap();
            let told = || std::fs::read_to_string(self.folder().join(format!("said-{name}-err")));
            assert!(ended.is_none() && Instant::now() < end, "{ended:?} {:?}", told());
        }
        agent
    }

    /// `LAESTAB/sam:LOGIN` of the n-th account of the school.
    pub fn target(&self, n: u32) -> String {
        format!("{0}/sam:u{0}{n:03}", self.school)
    }

    /// Makes a plan: its id and digest.
    pub fn plan(&self, action: &str, target: &str, more: &[&str]) -> (String, String) {
        let args = ["plan", action, target, "--reason", "a test", "--json"];
        let page = self.json(&[&args[..], more].concat());
        let text = |name: &str| page["plan"][name].as_str().unwrap().to_owned();
        (text("id"), text("digest"))
    }
}

/// Copies what `caretaker simulate` writes for the same estate, with the addresses of `vendors`.
fn desk_like(home: &Path, vendors: &Running) -> String {
    let (schools, seed) = (SCHOOLS.to_string(), SEED.to_string());
    let args = ["simulate", "--schools", &schools, "--seed", &seed, "--scenario", "calm"];
    let mut command = Command::new(PROGRAM);
    command.args(args).env_clear().env("HOME", home).env("XDG_RUNTIME_DIR", home);
    let mut writer = Ends(command.stdout(Stdio::piped()).spawn().unwrap(), None);
    let mut line = String::new();
    BufReader::new(writer.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    let from = PathBuf::from(said["config"].as_str().unwrap()).parent().unwrap().to_owned();
    let desk = home.join("desk");
    for folder in [desk.clone(), desk.join("credentials"), desk.join("run"), desk.join("state")] {
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).unwrap();
    }
    for name in ["schools.csv", "subscriptions.csv", "policy.toml"] {
        std::fs::copy(from.join(name), desk.join(name)).unwrap();
    }
    let mut text = std::fs::read_to_string(from.join("config.toml")).unwrap();
    let urls: BTreeMap<String, String> =
        serde_json::from_value(said["simulators"].clone()).unwrap();
    // Every server by its host and port, whatever path follows.
    let host = |url: &str| {
        let (_, rest) = url.split_once("://")?;
        rest.split('/').next().filter(|host| !host.is_empty()).map(str::to_owned)
    };
    let mut moved = BTreeMap::new();
    for (key, url) in &urls {
        if let (Some(old), Some(new)) = (host(url), host(&vendors.urls[key])) {
            moved.insert(old, new);
        }
    }
    for (n, old) in moved.keys().enumerate() {
        text = text
            .replace(&format!("{old}/"), &format!("<{n}>/"))
            .replace(&format!("{old}\""), &format!("<{n}>\""));
    }
    for (n, new) in moved.values().enumerate() {
        text = text.replace(&format!("<{n}>"), new);
    }
    let (old, new) = (from.join("vendors"), home.join("vendors"));
    text = text.replace(&old.display().to_string(), &new.display().to_string());
    text = text.replace(&from.display().to_string(), &desk.display().to_string());
    for (name, value) in &vendors.invented.credentials {
        write(&desk.join("credentials").join(name), value);
    }
    text
}
