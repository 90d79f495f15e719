//! Verifying an export: needs only the export and the public key.

use serde::{Deserialize, Serialize};

use crate::ledger::chain::{FIRST, hash_of};
use crate::ledger::checkpoint::{Checkpoint, Verifier};
use crate::model::audit::Entry;

/// One line of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// An entry.
    Entry(Entry),
    /// A checkpoint.
    Checkpoint(Checkpoint),
}

/// What is wrong, and where first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A line that is neither entry nor checkpoint.
    #[error("line {line}: not an entry and not a checkpoint: {why}")]
    Unreadable {
        /// Counted from 1.
        line: usize,
        /// What the parser said.
        why: String,
    },
    /// An entry that is not the one that should stand there.
    #[error(
        "line {line}: entry {found} stands where entry {wanted} belongs: something was cut out or moved"
    )]
    Gap {
        /// Counted from 1.
        line: usize,
        /// Its number.
        found: u64,
        /// The number that belongs there.
        wanted: u64,
    },
    /// An entry that does not follow from the one before.
    #[error("line {line}: entry {number} does not continue the entry before it")]
    Broken {
        /// Counted from 1.
        line: usize,
        /// Its number.
        number: u64,
    },
    /// An entry that was changed.
    #[error("line {line}: entry {number} was changed after it was written")]
    Changed {
        /// Counted from 1.
        line: usize,
        /// Its number.
        number: u64,
    },
    /// A checkpoint that the key did not sign.
    #[error("line {line}: the checkpoint at entry {number} was not signed by this key")]
    Unsigned {
        /// Counted from 1.
        line: usize,
        /// The number that it vouches for.
        number: u64,
    },
    /// A checkpoint for another chain, or for entries that are not there.
    #[error(
        "line {line}: the checkpoint at entry {number} does not fit this chain: it was rewritten or cut"
    )]
    Elsewhere {
        /// Counted from 1.
        line: usize,
        /// The number that it vouches for.
        number: u64,
    },
}

/// What a good export proves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Entries.
    pub entries: u64,
    /// Hash of the last.
    pub head: String,
    /// Checkpoints that were verified.
    pub checkpoints: u64,
    /// The last entry that a checkpoint vouches for; what comes later could have been cut.
    pub vouched_to: u64,
}

/// Verifies the lines of an export, which begins with entry 1. Checkpoints may stand anywhere,
/// and may come from another place (`others`). Blank lines count as lines and mean nothing.
///
/// # Errors
/// The first fault.
pub fn verify<'a>(
    lines: impl IntoIterator<Item = &'a str>,
    others: &[Checkpoint],
    key: Option<&Verifier>,
) -> Result<Verdict, Fault> {
    let mut hashes: Vec<String> = Vec::new();
    let mut checkpoints: Vec<(usize, Checkpoint)> = Vec::new();
    let mut last = 0;
    for (line, text) in (1_usize..).zip(lines) {
        last = line;
        if text.trim().is_empty() {
            continue;
        }
        match serde_json::from_str(text) {
            Ok(Line::Entry(entry)) => hashes.push(linked(line, &entry, &hashes)?),
            Ok(Line::Checkpoint(checkpoint)) => checkpoints.push((line, checkpoint)),
            Err(error) => return Err(Fault::Unreadable { line, why: error.to_string() }),
        }
    }
    checkpoints.extend(others.iter().map(|c| (last, c.clone())));
    let mut verdict = Verdict {
        entries: u64::try_from(hashes.len()).unwrap_or(u64::MAX),
        head: hashes.last().cloned().unwrap_or_else(|| FIRST.to_owned()),
        ..Verdict::default()
    };
    for (line, checkpoint) in checkpoints {
        let number = checkpoint.number;
        if key.is_some_and(|key| !key.vouches(&checkpoint)) {
            return Err(Fault::Unsigned { line, number });
        }
        let at = usize::try_from(number).unwrap_or(usize::MAX).checked_sub(1);
        let fits = at.and_then(|i| hashes.get(i)).is_some_and(|h| *h == checkpoint.hash.as_str());
        if !fits {
            return Err(Fault::Elsewhere { line, number });
        }
        if key.is_some() {
            verdict.checkpoints += 1;
            verdict.vouched_to = verdict.vouched_to.max(number);
        }
    }
    Ok(verdict)
}

/// The entry's hash, when it follows from what came before.
fn linked(line: usize, entry: &Entry, before: &[String]) -> Result<String, Fault> {
    let wanted = u64::try_from(before.len()).unwrap_or(u64::MAX).saturating_add(1);
    let number = entry.number;
    if number != wanted {
        return Err(Fault::Gap { line, found: number, wanted });
    }
    if entry.previous.as_str() != before.last().map_or(FIRST, String::as_str) {
        return Err(Fault::Broken { line, number });
    }
    let hash = hash_of(entry);
    if entry.hash.as_str() != hash {
        return Err(Fault::Changed { line, number });
    }
    Ok(hash)
}
