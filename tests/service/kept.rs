//! The audit and the policy by command, of the real program: checkpoints that the agent writes, an
//! export held against them, personal details shown and erased, and what the policy says beforehand.

use std::time::Instant;

use caretaker::ledger::{Line, Signer};
use serde_json::Value;

use crate::stage::{LIMIT, Stage, write};

/// A throw-away key of this test.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
    -----END PRIVATE KEY-----\n";

/// Exit code and everything said.
fn said(stage: &Stage, args: &[&str]) -> (i32, String) {
    let output = stage.run(args);
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

/// Numbers and hashes of the checkpoints in the file.
fn checkpoints(text: &str) -> Vec<(u64, String)> {
    let read = |line| match serde_json::from_str(line).unwrap() {
        Line::Checkpoint(c) => (c.number, c.hash.to_string()),
        Line::Entry(_) => panic!("an entry among the checkpoints"),
    };
    text.lines().map(read).collect()
}

fn newest(stage: &Stage) -> (u64, String) {
    let page = stage.json(&["audit", "list", "--limit", "1", "--json"]);
    let entry = &page["entries"][0];
    (entry["number"].as_u64().unwrap(), entry["hash"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_20_the_agent_vouches_for_its_audit_and_a_cut_export_is_found() {
    let mut stage = Stage::new().await;
    let file = stage.folder().join("checkpoints.jsonl");
    stage.text += &format!(
        "\n[audit]\nsigning_key = \"audit-signing\"\ncheckpoint_file = '{}'\n\
         checkpoint_every = \"1s\"\n",
        file.display()
    );
    let secret = stage.folder().join("credentials/audit-signing");
    let named = format!("[credentials.files]\n\"audit-signing\" = '{}'", secret.display());
    stage.edit("[credentials.files]", &named);
    write(&secret, KEY);
    stage.keep();
    tokio::task::block_in_place(|| {
        let _agent = stage.agent("checkpoints");
        for n in 0..2 {
            stage.plan("welearn365.lock_account", &stage.target(n), &[]);
            let head = newest(&stage);
            let end = Instant::now() + LIMIT;
            // Half a line may be there while it is written.
            let vouched = || {
                let text = std::fs::read_to_string(&file).unwrap_or_default();
                text.ends_with('\n') && checkpoints(&text).last() == Some(&head)
            };
            while !vouched() {
                assert!(Instant::now() < end, "nobody vouches for {head:?}");
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let all = checkpoints(&text);
        assert!(all.windows(2).all(|two| two[0].0 < two[1].0), "none twice: {all:?}");

        let (export, key) = (stage.folder().join("export"), stage.folder().join("public.pem"));
        write(&key, &Signer::from_pem(KEY).unwrap().public_pem().unwrap());
        let whole = said(&stage, &["audit", "export"]).1;
        let verify = |text: &str| {
            write(&export, text);
            let [export, key, file] = [&export, &key, &file].map(|p| p.display().to_string());
            said(&stage, &["audit", "verify", &export, "--key", &key, "--checkpoints", &file])
        };
        let (code, told) = verify(&whole);
        let wanted = format!("vouched for to entry {}", all.last().unwrap().0);
        assert!(code == 0 && told.contains(&wanted), "{code}: {told}");
        let lines: Vec<&str> = whole.lines().collect();
        let cut = lines[..lines.len() - 1].join("\n");
        let (code, told) = verify(&cut);
        assert_eq!(code, caretaker::cli::Code::Unverified as i32, "its end was cut: {told}");
        let (code, told) = verify(&whole.replace("a test", "another").replacen("plan", "plam", 1));
        assert_eq!(code, caretaker::cli::Code::Unverified as i32, "it was edited: {told}");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_29_a_reason_is_shown_and_erased_by_command_and_the_chain_stays_whole() {
    let stage = Stage::new().await;
    stage.keep();
    tokio::task::block_in_place(|| {
        let _agent = stage.agent("details");
        let words = "zq-pupil said so";
        let target = stage.target(1);
        let planned = ["plan", "welearn365.lock_account", &target, "--reason", words];
        assert_eq!(said(&stage, &planned).0, 0);
        let list = || stage.json(&["audit", "list", "--kind", "plan", "--json"]);
        let number = list()["entries"][0]["number"].to_string();
        let unmasked = || {
            let page = stage.json(&["audit", "list", "--kind", "unmasked", "--json"]);
            page["entries"].as_array().unwrap().len()
        };
        let (code, masked) = said(&stage, &["audit", "show", &number]);
        assert!(code == 0 && !masked.contains("zq-pupil"), "{masked}");
        let export = said(&stage, &["audit", "export"]).1;
        assert!(!export.contains("zq-pupil") && !list().to_string().contains("zq-pupil"));
        assert_eq!(unmasked(), 0);
        let show = ["audit", "show", &number, "--reveal", "the family asked"];
        let (code, shown) = said(&stage, &show);
        assert!(code == 0 && shown.contains(words), "{shown}");
        assert_eq!(unmasked(), 1, "and that it was shown is recorded");

        let erase = ["audit", "erase", &number, "reason", "--reason", "asked for"];
        let (code, told) = said(&stage, &erase);
        assert!(code == 0 && told.contains("the chain is whole"), "{told}");
        let (code, told) = said(&stage, &erase);
        assert_ne!(code, 0, "there is nothing left to erase: {told}");
        let (code, shown) = said(&stage, &show);
        assert!(code == 0 && !shown.contains("zq-pupil"), "{shown}");
        let after = said(&stage, &["audit", "export"]).1;
        assert!(after.starts_with(&export), "what was, is as it was");
        let file = stage.folder().join("export");
        write(&file, &after);
        let (code, told) = said(&stage, &["audit", "verify", &file.display().to_string()]);
        assert!(code == 0 && told.contains("unbroken"), "{told}");
        for (kind, count) in [("erased", 1), ("unmasked", 2)] {
            let page = stage.json(&["audit", "list", "--kind", kind, "--json"]);
            let entries = page["entries"].as_array().unwrap();
            assert_eq!(entries.len(), count, "{kind}");
            assert_eq!(entries[0]["about"], format!("entry {number}"), "{kind}");
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_25_the_policy_explains_what_it_would_say_and_by_which_rule() {
    let stage = Stage::new().await;
    stage.keep();
    let denied = caretaker::cli::Code::ActionDenied as i32;
    let explain = |action: &str, more: &[&str]| -> (i32, Value) {
        let output = stage.run(&[&["policy", "explain", action, "--json"], more].concat());
        let told = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code().unwrap(), told)
    };
    let lock = "welearn365.lock_account";
    for (action, more, code, rule, second) in [
        (lock, &["--kind", "pupil"][..], 0, "lock", false),
        (lock, &["--kind", "pupil", "--targets", "3"], 0, "lock", false),
        (lock, &["--kind", "pupil", "--targets", "4"], 0, "lock", true),
        (lock, &["--kind", "pupil", "--targets", "11"], denied, "at most 10", false),
        (lock, &["--kind", "governor"], denied, "the clerk", false),
        (lock, &["--kind", "pupil", "--role", "viewer"], denied, "none of the roles", false),
        ("welearn365.restore_account", &["--kind", "pupil"], 0, "restore", true),
        ("groupcall.resync", &[], 0, "everything", false),
    ] {
        let (got, told) = explain(action, more);
        let about = format!("{action} {more:?}: {told}");
        assert_eq!((got, told["allowed"] == true), (code, code == 0), "{about}");
        assert_eq!(told["second"], second, "{about}");
        match code {
            0 => assert_eq!(told["rule"], rule, "{about}"),
            _ => assert!(told["says"][0].as_str().unwrap().contains(rule), "{about}"),
        }
    }
    let file = stage.folder().join("policy.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    write(&file, &text.replacen("expect = \"allow\"", "expect = \"deny\"", 1));
    let (code, told) = said(&stage, &["policy", "explain", lock, "--kind", "pupil"]);
    assert_eq!(code, caretaker::cli::Code::Config as i32, "a broken policy says nothing: {told}");
    assert!(told.contains("policy.toml") && told.contains("the policy says allow"), "{told}");
}
