//! Microsoft's audit against ours as an auditor asks for it: command, socket, agent, Microsoft Graph.

use crate::stage::{Stage, write};

/// Exit code and text of `caretaker audit reconcile`.
fn told(stage: &Stage, more: &[&str]) -> (i32, String) {
    let output = stage.run(&[&["audit", "reconcile"], more].concat());
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

fn assert_told(stage: &Stage, code: i32, parts: &[&str]) {
    let (got, text) = told(stage, &[]);
    assert!(got == code && parts.iter().all(|p| text.contains(p)), "{parts:?}: {got}\n{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_come_through_caretaker_is_told_by_the_exit_code_too() {
    let stage = Stage::new().await;
    stage.keep();
    let microsoft = stage.vendors.microsoft();
    tokio::task::block_in_place(|| {
        let agent = stage.agent("reconcile");
        assert_told(&stage, 3, &["NOT WHOLE (unauthorised)", "AuditLog.Read.All"]);
        let doctor = stage.run(&["doctor", "--json"]);
        assert!(String::from_utf8_lossy(&doctor.stdout).contains("which is optional"));

        microsoft.consent(&["AuditLog.Read.All"]);
        stage.vendors.forget_tokens();
        assert_told(&stage, 3, &["UNKNOWN: 0 entries", "this tells nothing"]);
        let (id, digest) = stage.plan("welearn365.lock_account", &stage.target(2), &[]);
        let applied = stage.run(&["apply", &id, "--digest", &digest, "--wait", "60s"]);
        assert_eq!(applied.status.code(), Some(0), "{}", String::from_utf8_lossy(&applied.stdout));
        assert_told(&stage, 0, &["OK: 3 entries", "THROUGH CARETAKER: 3", "sessions revoked"]);
        microsoft.portal_switches(stage.school, 5, false);
        let account = microsoft.account_id(stage.school, 5);
        assert_told(&stage, 1, &["WARNING: 5 entries", "NOT THROUGH CARETAKER: 2", &account]);
        let app = &stage.vendors.invented.facts.act_client_id;
        microsoft.app_does(app, stage.school, 6, "Add member to role");
        let loud = ["BY OUR APP, BUT NOT BY CARETAKER: 1", app, "revoke them at Microsoft now"];
        assert_told(&stage, 2, &loud);
        let (code, json) = told(&stage, &["--json", "--since", "1h"]);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            (code, &json["health"], &json["reconciled"]["our_app_alone"]),
            (2, &"critical".into(), &1.into())
        );
        assert_eq!(told(&stage, &["--since", "soon"]).0, 64);
        assert!(!json.to_string().to_lowercase().contains("canary"), "{json}");
        drop(agent);

        // Whoever is neither lead nor auditor learns nothing.
        let policy = stage.folder().join("policy.toml");
        let text = std::fs::read_to_string(&policy).unwrap();
        let bare = |l: &str| match l {
            l if l.starts_with("lead = [") => "lead = []\n".to_owned(),
            l if l.starts_with("auditor = [") => "auditor = []\n".to_owned(),
            l => l.to_owned() + "\n",
        };
        write(&policy, &text.lines().map(bare).collect::<String>());
        let _agent = stage.agent("operator");
        assert_told(&stage, 14, &["only a lead or an auditor"]);
    });
}
