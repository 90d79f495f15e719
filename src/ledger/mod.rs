//! The audit's chain: entries, their hashes, checkpoints, and how all of it is verified.
//!
//! Bytes in, bytes out; never a file, never a clock. The format stands in `docs/audit-format.md`,
//! so that a program in another language can verify an export.

mod entry;

pub use entry::{Commitment, Detail, Draft, Entry};
