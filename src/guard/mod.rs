//! The guard: the one way in which anything outside is changed.
//!
//! plan -> policy -> confirm -> approve -> intent committed -> step by step -> outcome -> re-check.
//! `machine` decides what comes next and is pure; the pipeline does it and asks again.
//!
//! Invariant: nothing is sent before its intent is on disk.

#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
pub mod machine;
mod pipeline;
mod plan;
pub mod policy;
mod reconcile;

pub use pipeline::{
    Countersign, Denied, Guard, Parts, Planned, Raised, Started, Who, acted_on, cannot_continue,
};
