//! A vendor's own audit. Read-only.

use jiff::Timestamp;

use crate::model::reconcile::VendorAudit;
use crate::ports::clock::Boxed;

/// Reads a vendor's audit.
pub trait VendorAudits: Send + Sync + std::fmt::Debug {
    /// What it has from `since` to `until`. What goes wrong stands in the answer, beside what was
    /// read until then.
    fn read(&self, since: Timestamp, until: Timestamp) -> Boxed<'_, VendorAudit>;
}
