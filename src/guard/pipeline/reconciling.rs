//! A vendor's audit held against the ledger, for a lead or an auditor.

use jiff::Timestamp;

use crate::guard::pipeline::desk::{Denied, Guard, Who};
use crate::guard::reconcile::reconcile;
use crate::model::health::Reason;
use crate::model::plan::Role;
use crate::model::reconcile::{BrokeOff, Reconciled};
use crate::model::text::Clean;
use crate::ports::vendor_audit::VendorAudits;

/// Intents that are looked through, the newest first.
const INTENTS: usize = 10_000;

impl Guard {
    /// What the vendor's audit has from `since` to now that came through this ledger, and what did
    /// not. Nothing of it is kept.
    ///
    /// # Errors
    /// When the role is missing, or the ledger cannot be read. What the vendor does not tell stands
    /// in the answer.
    pub async fn reconcile(
        &self,
        who: &Who,
        audits: &dyn VendorAudits,
        since: Timestamp,
    ) -> Result<Reconciled, Denied> {
        if !who.has(Role::Lead) && !who.has(Role::Auditor) {
            let why = "only a lead or an auditor holds a vendor's audit against this one";
            let denied = Err(Denied::Policy(why.into()));
            return self.recorded(who, "reconcile", "estate", denied).await;
        }
        let mut audit = audits.read(since, self.inner.clock.now()).await;
        let ours = self.inner.blocking(|ledger| ledger.recent(INTENTS)).await?;
        let oldest = ours.last().filter(|_| ours.len() >= INTENTS);
        if let Some(oldest) = oldest.filter(|held| held.at > since) {
            let at = oldest.at;
            let why = format!("our own ledger was looked through back to {at} only: ask for less");
            let cut = BrokeOff { reason: Reason::Malformed, why: Clean::new(&why) };
            audit.broke_off = audit.broke_off.or(Some(cut));
        }
        Ok(reconcile(audit, &ours))
    }
}
