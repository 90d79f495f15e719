//! The decisions in `docs/adr`: each has a number of its own, the same in its name and its title.

#![cfg(test)]

use std::collections::BTreeMap;
use std::path::Path;

#[test]
fn no_two_decisions_have_one_number() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/adr");
    let mut seen: BTreeMap<u32, String> = BTreeMap::new();
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(&folder).expect("docs/adr is there") {
        let entry = entry.expect("an entry of docs/adr");
        let name = entry.file_name().to_string_lossy().into_owned();
        let number = name.split('-').next().and_then(|n| n.parse::<u32>().ok());
        let Some(number) = number else {
            wrong.push(format!("{name}: begins with no number"));
            continue;
        };
        let text = std::fs::read_to_string(entry.path()).expect("a decision is text");
        let title = text.lines().next().unwrap_or_default();
        if !title.starts_with(&format!("# {number}. ")) {
            wrong.push(format!("{name}: its title is `{title}`"));
        }
        if let Some(other) = seen.insert(number, name.clone()) {
            wrong.push(format!("{name} and {other} have one number"));
        }
    }
    assert!(seen.len() > 30, "only {} decisions read", seen.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
