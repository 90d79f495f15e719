//! A damaged ledger is found, and the first bad entry named.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::plan::Operator;
use crate::model::text::Clean;

const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIEJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJC\n-----END PRIVATE KEY-----\n";

fn draft(n: u64) -> Draft {
    let name = Detail { value: Clean::new(&format!("pupil {n}")), salt: [7; 32] };
    Draft {
        at: format!("2026-03-03T02:{:02}:00Z", n % 60).parse().unwrap(),
        kind: "step",
        by: Some(Operator { uid: 1000, login: Some(1000), name: Clean::new("asha") }),
        about: Clean::new("9379001"),
        body: BTreeMap::from([("n".to_owned(), Clean::new(&n.to_string()))]),
        private: BTreeMap::from([("name".to_owned(), name)]),
    }
}

fn chain(n: u64) -> Vec<Entry> {
    let mut out: Vec<Entry> = Vec::new();
    for i in 0..n {
        let entry = next(out.last().map(|e| (e.number, e.hash.as_str())), &draft(i));
        out.push(entry);
    }
    out
}

fn lines(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|e| serde_json::to_string(&Line::Entry(e.clone())).unwrap()).collect()
}

fn check(lines: &[String], others: &[Checkpoint]) -> Result<Verdict, Fault> {
    let key = Verifier::from_pem(&Signer::from_pem(KEY).unwrap().public_pem().unwrap()).unwrap();
    verify(lines.iter().map(String::as_str), others, Some(&key))
}

#[test]
fn a_whole_chain_verifies_and_says_how_far_it_is_vouched_for() {
    let entries = chain(5);
    let head = &entries[3];
    let at = "2026-03-03T03:00:00Z".parse().unwrap();
    let signed = Signer::from_pem(KEY).unwrap().sign(head.number, head.hash.as_str(), at);
    let verdict = check(&lines(&entries), &[signed]).unwrap();
    assert_eq!((verdict.entries, verdict.checkpoints, verdict.vouched_to), (5, 1, 4));
    assert_eq!(verdict.head, entries[4].hash.as_str());
    assert!(!serde_json::to_string(&entries).unwrap().contains("pupil"), "no name in the chain");
}

#[test]
fn threat_20_edited_cut_reordered_and_rolled_back_are_each_named() {
    let entries = chain(6);
    let at = "2026-03-03T03:00:00Z".parse().unwrap();
    let last = &entries[5];
    let signed = Signer::from_pem(KEY).unwrap().sign(6, last.hash.as_str(), at);

    let mut edited = entries.clone();
    edited[2].about = Clean::new("9379002");
    assert_eq!(check(&lines(&edited), &[]), Err(Fault::Changed { line: 3, number: 3 }));

    let mut cut = entries.clone();
    cut.remove(2);
    assert_eq!(check(&lines(&cut), &[]), Err(Fault::Gap { line: 3, found: 4, wanted: 3 }));

    let mut swapped = entries.clone();
    swapped.swap(1, 2);
    assert!(matches!(check(&lines(&swapped), &[]), Err(Fault::Gap { line: 2, .. })));

    // Rewritten as a whole from entry 3 on: only the checkpoint can tell.
    let mut rewritten = entries[..2].to_vec();
    for i in 2..6 {
        let mut other = draft(i);
        other.about = Clean::new("9379003");
        let before = rewritten.last().map(|e| (e.number, e.hash.as_str()));
        rewritten.push(next(before, &other));
    }
    assert!(check(&lines(&rewritten), &[]).is_ok());
    let found = check(&lines(&rewritten), std::slice::from_ref(&signed));
    assert!(matches!(found, Err(Fault::Elsewhere { number: 6, .. })));
    let rolled_back = check(&lines(&entries[..4]), std::slice::from_ref(&signed));
    assert!(matches!(rolled_back, Err(Fault::Elsewhere { number: 6, .. })));

    let mut forged = signed;
    forged.number = 5;
    assert!(matches!(check(&lines(&entries), &[forged]), Err(Fault::Unsigned { number: 5, .. })));
}

#[test]
fn a_key_is_never_printed_and_a_bad_one_refused() {
    let signer = Signer::from_pem(KEY).unwrap();
    assert_eq!(format!("{signer:?}"), "Signer(..)");
    assert!(Signer::from_pem("-----BEGIN PRIVATE KEY-----").is_err());
    assert!(Verifier::from_pem(KEY).is_err());
}

proptest! {
    #[test]
    fn any_changed_byte_of_an_export_is_found(
        n in 1_u64..6, line in 0_usize..6, at in 0_usize..400, to in 32_u8..127,
    ) {
        let mut text = lines(&chain(n));
        let line = line % text.len();
        let mut bytes = text[line].clone().into_bytes();
        let at = at % bytes.len();
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        text[line] = String::from_utf8(bytes).unwrap();
        let meant: Result<Line, _> = serde_json::from_str(&text[line]);
        let same = matches!(&meant, Ok(Line::Entry(e)) if *e == chain(n)[line]);
        prop_assert!(same || check(&text, &[]).is_err());
    }
}
