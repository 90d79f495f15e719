//! What every connector is held to, and the helper that holds it: a vendor that can be hostile over
//! real HTTP, and a way to damage every field that a verdict reads.
//!
//! A connector MUST answer each target of a job, never report ok for what it could not read, never
//! let one school's answer land on another, and never show a credential or a person's name. It
//! SHOULD say in its sentence what failed, for whom, and what to do.

mod tests;

pub(super) use tests::board::{Shown, shown, shown_by};
pub(super) use tests::fields::{Field, every_field_counts};
pub(super) use tests::mutated::{
    arbitrary_bodies_are_never_ok, damaged_bodies_are_never_ok_about_something_else,
    of_damaged_bodies,
};
pub(super) use tests::vendor::{Play, Vendor};
pub(super) use tests::{Bench, the, verdict_of};
