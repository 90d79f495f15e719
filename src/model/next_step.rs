//! What the desk has written down to do about a check that is not ok.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::health::Reason;
use crate::model::text::Clean;

/// One next step: a few words, a link to the runbook, or both.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct NextStep {
    /// What to do; empty where the link says it.
    #[serde(default)]
    pub text: Clean,
    /// An `https` address; empty if there is none.
    #[serde(default)]
    pub link: Clean,
}

/// The next steps of one check.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NextSteps {
    /// Whatever is wrong.
    pub usual: Option<NextStep>,
    /// Instead of it, where it is unknown for this reason.
    pub by_reason: BTreeMap<Reason, NextStep>,
}

impl NextSteps {
    /// The step for a check that is in trouble, unknown for `reason` if it is.
    #[must_use]
    pub fn of(&self, reason: Option<Reason>) -> Option<&NextStep> {
        reason.and_then(|reason| self.by_reason.get(&reason)).or(self.usual.as_ref())
    }
}
