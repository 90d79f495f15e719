//! The chain: each entry holds the hash of the one before.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::model::audit::{Commitment, Detail, Draft, Entry};
use crate::model::text::Clean;

/// What stands before the first entry.
pub const FIRST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// `draft` in its place after the entry `previous` (number and hash; none for the first).
#[must_use]
pub fn next(previous: Option<(u64, &str)>, draft: &Draft) -> Entry {
    let (number, hash) = previous.unwrap_or((0, FIRST));
    let commitments: BTreeMap<String, Commitment> =
        draft.private.iter().map(|(name, detail)| (name.clone(), commitment(detail))).collect();
    let mut entry = Entry {
        number: number.saturating_add(1),
        at: draft.at,
        kind: Clean::new(draft.kind),
        by: draft.by.clone(),
        about: draft.about.clone(),
        body: draft.body.clone(),
        private: commitments,
        previous: Clean::new(hash),
        hash: Clean::new(""),
    };
    entry.hash = Clean::new(&hash_of(&entry));
    entry
}

/// The commitment to a personal detail: SHA-256 over its salt and its UTF-8 bytes.
pub(super) fn commitment(detail: &Detail) -> Commitment {
    let digest = Sha256::new().chain_update(detail.salt).chain_update(detail.value.as_str());
    Commitment(Clean::new(&hex(&digest.finalize())))
}

/// SHA-256, in hex, over the canonical JSON (RFC 8785) of `entry` without its `hash`.
pub(super) fn hash_of(entry: &Entry) -> String {
    #[derive(Serialize)]
    struct Hashed<'a> {
        number: u64,
        at: String,
        kind: &'a Clean,
        by: &'a Option<crate::model::plan::Operator>,
        about: &'a Clean,
        body: &'a BTreeMap<String, Clean>,
        private: &'a BTreeMap<String, Commitment>,
        previous: &'a Clean,
    }
    let hashed = Hashed {
        number: entry.number,
        at: entry.at.to_string(),
        kind: &entry.kind,
        by: &entry.by,
        about: &entry.about,
        body: &entry.body,
        private: &entry.private,
        previous: &entry.previous,
    };
    // Strings, whole numbers and maps always serialise; an empty text would only fail to verify.
    let bytes = serde_json_canonicalizer::to_vec(&hashed).unwrap_or_default();
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of any bytes, in hex: names a version of a file.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        if write!(text, "{byte:02x}").is_err() {
            text.clear();
        }
        text
    })
}
