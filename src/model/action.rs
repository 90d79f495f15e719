//! Actions: what can be changed outside, by name and class. Their steps belong to the guard.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What may be done when a step got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Read the target; repeat if it is not there.
    SetState,
    /// May be repeated.
    Monotonic,
    /// Read for its effect; never repeat blindly.
    Trigger,
    /// Never repeat.
    Destructive,
    /// A ticket that carries our key.
    HandOff,
}

/// What an action aims at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AimsAt {
    /// The whole tenant.
    Estate,
    /// A school.
    School,
    /// A cell of the board.
    Cell,
    /// An account.
    Account,
}

/// Something that an action needs to know besides its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChoiceSpec {
    /// Name in `Ask::choices`.
    pub name: &'static str,
    /// What it means, with an example.
    pub help: &'static str,
    /// Whether it can be left out.
    pub optional: bool,
}

/// One row of a service's table of actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionSpec {
    /// Id, `service.action`.
    pub id: &'static str,
    /// Label in menus.
    pub label: &'static str,
    /// Class of its gravest step.
    pub class: Class,
    /// What it aims at.
    pub aims_at: AimsAt,
    /// What it needs to know besides.
    pub choices: &'static [ChoiceSpec],
}
