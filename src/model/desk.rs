//! What operators do about cells without changing the world outside, and the book that keeps it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::cell::{HandlingKind, Row};
use crate::model::ids::ServiceKey;
use crate::model::text::Clean;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeskKind {
    /// Known; no need to call out.
    Acknowledge,
    /// Somebody works on it.
    Claim,
    /// Planned.
    Downtime,
    /// Nobody has it any more, and nothing is planned.
    GiveBack,
    /// Something to remember.
    Note,
    /// Known as it is, until it changes.
    AcknowledgeAsIs,
}

impl DeskKind {
    /// All, in the order of the book's codes.
    pub const ALL: [Self; 6] = [
        Self::Acknowledge,
        Self::Claim,
        Self::Downtime,
        Self::GiveBack,
        Self::Note,
        Self::AcknowledgeAsIs,
    ];

    /// In a word, for what was done.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledged",
            Self::Claim => "claimed",
            Self::Downtime => "downtime",
            Self::GiveBack => "given back",
            Self::Note => "note",
            Self::AcknowledgeAsIs => "acknowledged as it is",
        }
    }

    /// Whether it takes a trouble in hand.
    #[must_use]
    pub fn takes(self) -> bool {
        matches!(self, Self::Acknowledge | Self::AcknowledgeAsIs | Self::Claim)
    }

    /// How a cell is had afterwards, where somebody then has it.
    #[must_use]
    pub fn handling(self) -> Option<HandlingKind> {
        match self {
            Self::Acknowledge => Some(HandlingKind::Acknowledged),
            Self::Claim => Some(HandlingKind::Claimed),
            Self::Downtime => Some(HandlingKind::Downtime),
            Self::AcknowledgeAsIs => Some(HandlingKind::AcknowledgedAsIs),
            Self::GiveBack | Self::Note => None,
        }
    }
}

/// A cell by name.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct CellName {
    /// The school, or the estate.
    pub row: Row,
    /// The service.
    pub service: ServiceKey,
}

/// One entry of the desk's book: board history, not the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskEntry {
    /// Grows with time; unique.
    pub id: u64,
    /// When it was done.
    pub at: Timestamp,
    /// The operator's account.
    pub by: Clean,
    /// What was done.
    pub kind: DeskKind,
    /// When it begins, if not at once.
    pub from: Option<Timestamp>,
    /// When it runs out.
    pub until: Option<Timestamp>,
    /// When it begins again and runs out again, the soonest first; empty where it comes once.
    pub again: Vec<(Timestamp, Timestamp)>,
    /// The filter that chose the cells, as written; empty if they were chosen one by one.
    pub filter: Clean,
    /// Why, or the note.
    pub why: Clean,
    /// The cells that it was done to.
    pub cells: Vec<CellName>,
}
