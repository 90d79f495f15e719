//! A vendor's audit against ours, over the wire. Ids alone.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::health::Health;
use crate::model::reconcile::Reconciled;

/// `GET /v1/audit/reconcile`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reconciliation {
    /// Version of the wire.
    pub version: u32,
    /// The agent's clock.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// From when on the vendor's audit was read.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// How it stands.
    pub health: Health,
    /// What was found.
    pub reconciled: Reconciled,
}
