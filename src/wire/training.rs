//! A training: brief, hints and debrief. Only a demo serves it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::text::Clean;
pub use crate::model::training::{Debrief, Milestone, WrongStep, after};

/// `GET /v1/training` and `POST /v1/training/hint`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrainingPage {
    /// Version of the wire.
    pub version: u32,
    /// The agent's clock.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// Name of the scenario.
    pub name: Clean,
    /// What it is about, in a line.
    pub title: Clean,
    /// What the desk is told at the start, a paragraph each.
    pub brief: Vec<Clean>,
    /// The hints that were asked for so far.
    pub hints: Vec<Clean>,
    /// Hints that can still be asked for.
    pub hints_left: u32,
    /// What was done so far.
    pub debrief: Debrief,
}
