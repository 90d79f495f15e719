//! The audit's chain: entries, their hashes, checkpoints, and how all of it is verified.
//!
//! Bytes in, bytes out; never a file, never a clock. The format stands in `docs/audit-format.md`,
//! so that a program in another language can verify an export.

mod chain;
mod checkpoint;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
#[cfg(test)]
mod tests;
mod verify;

pub use crate::model::audit::{Commitment, Detail, Draft, Entry};
pub use chain::{FIRST, fingerprint, next};
pub use checkpoint::{BadKey, Checkpoint, Signer, Verifier};
pub use verify::{Fault, Line, Verdict, verify};
