//! An export of the audit, verified by a program in another language that knows only
//! docs/audit-format.md.
#![cfg(test)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use caretaker::ledger::{Detail, Draft, Line, Signer};
use caretaker::model::plan::Operator;
use caretaker::model::text::Clean;
use caretaker::ports::ledger::{AuditQuery, Ledger};
use caretaker::store::SqliteLedger;

/// A throw-away key of this test.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
    -----END PRIVATE KEY-----\n";

fn draft(n: u64) -> Draft {
    let detail = Detail { value: Clean::new("m.invented"), salt: [7; 32] };
    let by = Operator { uid: 1000, login: None, name: Clean::new("asha") };
    Draft {
        at: format!("2026-03-03T09:00:0{n}.25Z").parse().unwrap(),
        kind: "denied",
        by: Some(by).filter(|_| n.is_multiple_of(2)),
        about: Clean::new("937 9001 \"quoted\" \\ / caf\u{e9} \u{1f600} \u{2028}"),
        body: BTreeMap::from([
            ("why".to_owned(), Clean::new("tab\tand \u{7f} and \u{1b}[31m and <&>")),
            ("action".to_owned(), Clean::new("groupcall.resync")),
        ]),
        private: BTreeMap::from([("reason".to_owned(), detail)]),
    }
}

/// Exit code and everything said, of both programs that verify.
fn verdicts(folder: &Path, export: &str) -> [(Option<i32>, String); 2] {
    let (file, key) = (folder.join("export.jsonl"), folder.join("key.pem"));
    std::fs::write(&file, export).unwrap();
    let signer = Signer::from_pem(KEY).unwrap();
    std::fs::write(&key, signer.public_pem().unwrap()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/verify-audit.py");
    let mut ours = Command::new(env!("CARGO_BIN_EXE_caretaker"));
    ours.args(["audit", "verify"]).arg(&file).arg("--key").arg(&key);
    let mut theirs = Command::new("python3");
    theirs.arg(script).arg(&file).arg(&key);
    [ours, theirs].map(|mut command| {
        let out = command.output().unwrap();
        let said = [out.stdout, out.stderr].concat();
        (out.status.code(), String::from_utf8(said).unwrap())
    })
}

fn export() -> String {
    let folder = tempfile::tempdir().unwrap();
    let ledger = SqliteLedger::open(&folder.path().join("ledger.db")).unwrap();
    for n in 1..=5 {
        ledger.append(draft(n)).unwrap();
    }
    let all = AuditQuery { from: Some(1), limit: 100, ..AuditQuery::default() };
    let entries = ledger.entries(&all).unwrap();
    let head = entries.last().unwrap();
    let at = "2026-03-03T10:00:00Z".parse().unwrap();
    let signed = Signer::from_pem(KEY).unwrap().sign(head.number, head.hash.as_str(), at);
    let lines = entries.into_iter().map(Line::Entry).chain([Line::Checkpoint(signed)]);
    lines.map(|line| serde_json::to_string(&line).unwrap() + "\n").collect()
}

#[test]
fn threat_20_two_programs_verify_an_export_and_name_the_same_fault() {
    if Command::new("python3").arg("--version").output().is_err() {
        let required = std::env::var("CARETAKER_REQUIRE").unwrap_or_default();
        assert!(!required.split(',').any(|r| r == "python3"), "python3 is required");
        eprintln!("skipped: there is no python3");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let whole = export();
    for (code, said) in verdicts(folder.path(), &whole) {
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("5 entries, unbroken"), "{said}");
    }
    let lines: Vec<&str> = whole.lines().collect();
    let without = |n: usize| -> String {
        lines.iter().enumerate().filter(|(i, _)| *i != n).map(|(_, l)| format!("{l}\n")).collect()
    };
    let edited = whole.replacen("groupcall.resync", "groupcall.resynd", 1);
    let forged = whole.replace("2026-03-03T10:00:00Z", "2026-03-03T10:00:01Z");
    let faults = [
        (edited, "line 1"),
        (without(1), "line 2"),
        // The last entry is cut: only the checkpoint can tell.
        (without(4), "checkpoint"),
        (forged, "was not signed by this key"),
    ];
    for (text, wanted) in faults {
        for (code, said) in verdicts(folder.path(), &text) {
            assert!(code != Some(0) && said.contains(wanted), "{wanted}: {said}");
        }
    }
}
