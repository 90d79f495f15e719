//! Tickets that were raised from here, as the board tells of them.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::ids::ActionId;
use crate::model::text::Clean;

/// A ticket that stands: it was handed over, and nobody and nothing says that it is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ticket {
    /// Its number at the other side, or our short reference where none was told.
    pub number: Clean,
    /// The key of the action that raised it.
    pub key: Clean,
    /// Which action that was.
    pub action: ActionId,
    /// The account of the operator.
    pub by: Clean,
    /// When it was handed over.
    #[schemars(with = "String")]
    pub at: Timestamp,
}
