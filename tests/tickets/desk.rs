//! A desk of its own: an agent as a service would run it, with a policy, and its command line.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use caretaker::ports::people::People;
use caretaker::sys::HostPeople;
use serde_json::Value;

use crate::at_the_end::at_the_end;
use crate::slow_reader::SlowReader;

const PROGRAM: &str = env!("CARGO_BIN_EXE_caretaker");

/// The desk; its agent ends with it.
pub struct Desk {
    agent: Option<Child>,
    /// Attached to the agent from its start.
    slow: Option<SlowReader>,
    home: tempfile::TempDir,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

fn private(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

impl Desk {
    /// With two schools that take two services, and `config` besides; everybody here leads.
    pub fn new(config: &str) -> Self {
        let home = tempfile::Builder::new().prefix("ct").tempdir_in("/tmp").unwrap();
        private(home.path(), 0o700);
        let desk = Self { agent: None, slow: None, home };
        let me = rustix::process::geteuid().as_raw();
        let groups = HostPeople.person(me, None).unwrap().groups;
        desk.write("schools.csv", "laestab,name\n9991001,Fernhollow Primary\n9991002,Oakmere\n");
        desk.write("taken.csv", "laestab,services,redstor.sims\n9991001,groupcall;redstor;just2easy;future_digital,AVPS-SIMS01\n9991002,groupcall,\n");
        desk.write(
            "policy.toml",
            &format!("[roles]\nlead = {groups:?}\n[[rule]]\nname = 'all'\nactions = ['*']\nper_plan = 2\n"),
        );
        let config = format!(
            "la_codes = [999]\npolicy = 'policy.toml'\n[schools]\nlist_file = 'schools.csv'\n\
             subscriptions_file = 'taken.csv'\n[agent]\nsocket = 'run/agent.sock'\n\
             state_dir = 'state'\n{config}"
        );
        desk.write("config.toml", &config);
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        private(&path, 0o600);
    }

    /// As something that was finished an hour ago.
    pub fn write_old(&self, name: &str, text: &str) {
        self.write(name, text);
        let file = std::fs::File::options().write(true).open(self.path(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3_600)).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("--config").arg(self.path("config.toml"));
        command.args(args).env_clear().env("HOME", self.home.path());
        command.env("XDG_RUNTIME_DIR", self.home.path()).stdin(Stdio::null());
        command
    }

    /// Starts the agent.
    pub fn open(&mut self) {
        let mut agent = self.command(&["agent"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(agent.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("listens"), "{line}");
        self.agent = Some(agent);
        self.slow = Some(SlowReader::attach(&self.path("run/agent.sock")));
    }

    /// Kills the agent as a power cut would; what its slow reader was told is of no use then.
    pub fn kill(&mut self) {
        self.slow = None;
        let mut agent = self.agent.take().unwrap();
        agent.kill().unwrap();
        agent.wait().unwrap();
    }

    pub fn run(&self, args: &[&str]) -> Said {
        let output = self.command(args).output().unwrap();
        Said {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Plans, and confirms by the digest; what came of it.
    pub fn act(&self, action: &str, targets: &[&str], set: &[&str]) -> (Value, Said) {
        let mut args = vec!["plan", action];
        args.extend(targets);
        args.extend(["--reason", "no data since Saturday", "--json"]);
        args.extend(set.iter().flat_map(|choice| ["--set", *choice]));
        let planned = self.run(&args);
        assert_eq!(planned.code, 0, "{planned:?}");
        let plan = planned.json()["plan"].clone();
        let (id, digest) = (plan["id"].as_str().unwrap(), plan["digest"].as_str().unwrap());
        let applied = self.run(&["apply", id, "--digest", digest, "--json"]);
        (plan, applied)
    }

    /// Plans, and lets a command confirm it and wait.
    pub fn begin(&self, action: &str, targets: &[&str]) -> Child {
        let mut args = vec!["plan", action];
        args.extend(targets);
        args.extend(["--reason", "r", "--json"]);
        let plan = self.run(&args).json()["plan"].clone();
        let (id, digest) = (plan["id"].as_str().unwrap(), plan["digest"].as_str().unwrap());
        let mut command = self.command(&["apply", id, "--digest", digest, "--wait", "60s"]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The first open action, once it fits.
    pub fn until_open(&self, fits: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let page = self.run(&["actions", "--json"]).json();
            if let Some(row) = page["open"].get(0).filter(|row| fits(row)) {
                return row.clone();
            }
            assert!(Instant::now() < end, "never: {page}");
        }
    }
}

impl Desk {
    /// The action with this key, once nothing more will be done by itself.
    pub fn until_recent(&self, key: &str) -> Value {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let page = self.run(&["actions", "--json"]).json();
            let rows = page["recent"].as_array().unwrap();
            if let Some(row) = rows.iter().find(|row| row["key"] == key) {
                return row.clone();
            }
            assert!(Instant::now() < end, "never: {page}");
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        at_the_end(&mut self.slow);
        if let Some(mut agent) = self.agent.take() {
            drop(agent.kill());
            drop(agent.wait());
        }
    }
}
