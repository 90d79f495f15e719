//! Every screen is in a snapshot at every size.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::fixture::SIZES;

/// What may lie over the board, and a snapshot that shows it.
const SHOWN: [(&str, &str); 27] = [
    ("Page", "page"),
    ("Evidence", "evidence"),
    ("Help", "help"),
    ("Palette", "palette"),
    ("Filter", "filter"),
    ("Hand", "downtime"),
    ("Menu", "act_menu"),
    ("Find", "account_search"),
    ("Account", "account_page"),
    ("Form", "act_form"),
    ("Plan", "act_plan"),
    ("Run", "act_running"),
    ("Secret", "act_password"),
    ("Approvals", "approvals"),
    ("Look", "look"),
    ("Action", "look_action"),
    ("Expiring", "expiring"),
    ("Statements", "statements"),
    ("Training", "training_brief"),
    ("Incidents", "incidents"),
    ("Incident", "incident"),
    ("IncidentWord", "incident_resolve"),
    ("Audit", "audit"),
    ("AuditFilter", "audit_filter_bad"),
    ("Entry", "audit_entry"),
    ("Word", "look_tell"),
    ("When", "past_prompt"),
];

/// The layers that the program knows.
fn layers() -> BTreeSet<String> {
    let source = std::fs::read_to_string("src/tui/screens/mod.rs").unwrap();
    let (_, from) = source.split_once("pub enum Layer {").unwrap();
    let (body, _) = from.split_once("\n}").unwrap();
    let variants = body.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    variants.filter_map(|line| Some(line.split_once('(')?.0.to_owned())).collect()
}

#[test]
fn every_layer_is_shown_at_every_size() {
    let mut shown: BTreeMap<&str, &str> = SHOWN.into();
    shown.insert("Report", "report");
    let known = layers();
    let told: BTreeSet<String> = shown.keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(known, told, "a layer of the console has no snapshot here");
    assert_eq!(SIZES[1..], [(80, 24), (120, 40), (200, 50)]);
    for (columns, rows) in SIZES {
        for name in shown.values().chain(&["board", "board_empty", "board_offline"]) {
            let file = format!("tests/screens/snapshots/{name}_{columns}x{rows}.snap");
            assert!(Path::new(&file).exists(), "{file} is missing");
        }
    }
}

#[test]
fn no_snapshot_lacks_a_size() {
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    for entry in std::fs::read_dir("tests/screens/snapshots").unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        for (columns, rows) in SIZES {
            if let Some(screen) = name.strip_suffix(&format!("_{columns}x{rows}.snap")) {
                *sizes.entry(screen.to_owned()).or_default() += 1;
            }
        }
    }
    assert!(sizes.len() > 60, "{}", sizes.len());
    let lacking: Vec<_> = sizes.iter().filter(|(_, n)| **n != SIZES.len()).collect();
    assert!(lacking.is_empty(), "{lacking:?}");
}
