//! Reads any bytes as an export of the audit, for fuzzing.

use crate::ledger::{Checkpoint, Line, verify};

/// As an export and as a checkpoint. What is found whole is as long as its entries, and is broken when
/// its first line is left out.
///
/// # Panics
/// When a promise of the parser is broken: that is what is searched for.
pub fn audit(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    drop(serde_json::from_str::<Checkpoint>(&text));
    let Ok(verdict) = verify(text.lines(), &[], None) else { return };
    let entry = |line: &&str| matches!(serde_json::from_str(line), Ok(Line::Entry(_)));
    let entries = text.lines().filter(entry).count();
    assert_eq!(u64::try_from(entries), Ok(verdict.entries), "an entry was passed over");
    if let Some(first) = text.lines().position(|line| entry(&line)) {
        let rest = text.lines().skip(first + 1);
        let is_cut = verify(rest, &[], None).is_err() || entries == 1;
        assert!(is_cut, "an export without its first entry is whole");
    }
}
