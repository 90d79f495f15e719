//! The policy: who may do which action to what, when, to how many, and when a second person is
//! needed. Pure: a file's settings in, rulings out.
//!
//! Invariant: what no rule allows is denied. Invariant: a policy one of whose own examples fails
//! does not load.

mod judge;
mod settings;
#[cfg(test)]
mod tests;

pub use judge::{Asked, Judged, Policy, Wrong};
pub use settings::{
    Day, Emergency, Example, Expect, Freeze, Lifts, PolicySettings, Protected, Roles, Rule,
};
