//! One entry of the audit.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::plan::Operator;
use crate::model::text::Clean;

/// What is to be recorded; the store gives it its number and its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// When, by the agent's clock.
    pub at: Timestamp,
    /// `plan`, `denied`, `confirmed`, `approved`, `cancelled`, `intent`, `step`, `outcome`,
    /// `unmasked`, `policy`, `erased`, `checkpoint`, `emergency`, `armed`, `disarmed`.
    pub kind: &'static str,
    /// Who; none for the agent itself.
    pub by: Option<Operator>,
    /// What it is about: a target, a plan, a policy.
    pub about: Clean,
    /// Named values, never a name of a person or a secret.
    pub body: BTreeMap<String, Clean>,
    /// Personal details, kept beside the chain; the chain holds only their commitments. Each with
    /// 32 bytes of salt from the operating system's random source.
    pub private: BTreeMap<String, Detail>,
}

/// A personal detail and its salt.
#[derive(Clone, PartialEq, Eq)]
pub struct Detail {
    /// The value.
    pub value: Clean,
    /// Salt.
    pub salt: [u8; 32],
}

impl std::fmt::Debug for Detail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Detail(..)")
    }
}

/// SHA-256, in hex, over salt and value: shows later what the value was, to whoever has both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Commitment(pub Clean);

/// An entry in its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// From 1, without gaps.
    pub number: u64,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// See [`Draft::kind`].
    pub kind: Clean,
    /// Who.
    pub by: Option<Operator>,
    /// About what.
    pub about: Clean,
    /// Named values.
    pub body: BTreeMap<String, Clean>,
    /// Commitments to personal details.
    pub private: BTreeMap<String, Commitment>,
    /// Hash of the entry before, in hex; 64 zeros for the first.
    pub previous: Clean,
    /// SHA-256, in hex, over this entry without this field, in canonical JSON (RFC 8785).
    pub hash: Clean,
}
