//! Threat 21, at opening: the agent starts where its databases or their folder cannot be written. The
//! board is there, nobody can act and is told why, nothing is lost and nothing panics.

use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::slow_reader::SlowReader;
use crate::stage::{Ends, LIMIT, PROGRAM, Stage};

/// Makes a place read-only in a namespace of its own, and runs the rest there.
const SCRIPT: &str = "mount --bind \"$1\" \"$1\" && mount -o remount,ro,bind \"$1\" || exit 99; \
    shift; exec \"$@\"";

/// Why nothing can be made read-only here.
fn lacking() -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let done = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", SCRIPT, "sh"])
        .arg(folder.path())
        .arg("true")
        .status();
    match done.map(|status| status.success()) {
        Ok(true) => None,
        other => Some(format!("no read-only folder can be made here: {other:?}")),
    }
}

/// The agent, for which `part` of the folder of its databases cannot be written.
fn read_only(stage: &Stage, part: &str) -> Ends {
    let said =
        |kind: &str| std::fs::File::create(stage.folder().join(format!("said-ro-{kind}"))).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-c", SCRIPT, "sh"]);
    command.arg(stage.folder().join("state").join(part)).arg(PROGRAM);
    command.args(["--config", &stage.config().display().to_string()]);
    command.args(["--agent", &stage.socket().display().to_string(), "agent"]);
    command.env_clear().env("HOME", stage.home.path()).env("PATH", "/usr/sbin:/usr/bin:/bin");
    command.env("XDG_RUNTIME_DIR", stage.home.path()).stdin(Stdio::null());
    let mut agent = Ends(command.stdout(said("out")).stderr(said("err")).spawn().unwrap(), None);
    let end = Instant::now() + LIMIT;
    while !stage.run(&["actions", "--json"]).status.success() {
        let ended = agent.0.try_wait().unwrap();
        assert!(ended.is_none() && Instant::now() < end, "{ended:?} {}", complained(stage));
    }
    agent.1 = Some(SlowReader::attach(&stage.socket()));
    agent
}

fn complained(stage: &Stage) -> String {
    std::fs::read_to_string(stage.folder().join("said-ro-err")).unwrap()
}

fn trouble(stage: &Stage) -> String {
    let page = stage.json(&["actions", "--json"]);
    page["trouble"].as_str().unwrap_or_default().to_owned()
}

/// Numbers of the audit's entries.
fn entries(stage: &Stage) -> Vec<Value> {
    let page = stage.json(&["audit", "list", "--json", "--limit", "1000"]);
    page["entries"].as_array().unwrap().clone()
}

/// Tries to lock an account: exit code, and everything said.
fn tries(stage: &Stage, n: u32) -> (i32, String) {
    let target = stage.target(n);
    let args = ["plan", "welearn365.lock_account", &target, "--reason", "a test", "--json"];
    let output = stage.run(&args);
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

fn is_up(stage: &Stage) {
    let settled = stage.run(&["status", "--json", "--wait-settled", "60s"]);
    let told = String::from_utf8_lossy(&settled.stdout).into_owned();
    assert!(told.contains("\"settled\":true"), "{told} {}", complained(stage));
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_21_databases_that_cannot_be_written_stop_actions_and_not_the_board() {
    if !crate::required::here("tmpfs", lacking()) {
        return;
    }
    let stage = Stage::new().await;
    stage.keep();
    tokio::task::block_in_place(|| {
        let first = stage.agent("before");
        is_up(&stage);
        let (id, digest) = stage.plan("welearn365.lock_account", &stage.target(1), &[]);
        let applied = stage.run(&["apply", &id, "--digest", &digest, "--wait", "60s"]);
        assert_eq!(applied.status.code(), Some(0), "{}", String::from_utf8_lossy(&applied.stdout));
        let (before, effects) = (entries(&stage), stage.vendors.effects());
        drop(first);

        for (part, acts) in [("", false), ("ledger.db", false), ("board.db", true)] {
            let mut agent = read_only(&stage, part);
            is_up(&stage);
            let told = trouble(&stage);
            let (code, answer) = tries(&stage, 2);
            if acts {
                assert!(told.is_empty() && code == 0, "{part}: {told} {code} {answer}");
            } else {
                let clear = |text: &str| {
                    text.contains("cannot be written: the file system is read-only")
                        && text.contains("start the agent again")
                };
                assert!(clear(&told), "{part:?}: {told}");
                assert!(code != 0 && clear(&answer), "{part:?}: {code} {answer}");
            }
            if part != "ledger.db" {
                assert!(complained(&stage).contains("the board is not kept"), "{part:?}");
            }
            assert!(agent.0.try_wait().unwrap().is_none(), "{part:?}: it lives");
            assert!(!complained(&stage).contains("panicked"), "{}", complained(&stage));
            assert_eq!(stage.vendors.effects(), effects, "{part:?}: nothing was sent");
        }

        let _again = stage.agent("after");
        is_up(&stage);
        assert_eq!(trouble(&stage), "");
        let after = entries(&stage);
        assert!(before.iter().all(|entry| after.contains(entry)), "an entry was lost");
        let page = stage.json(&["actions", "--json"]);
        assert!(page["recent"].as_array().unwrap().iter().any(|row| row["plan"] == id.as_str()));
        assert_eq!(tries(&stage, 3).0, 0, "and it goes on");
    });
}
