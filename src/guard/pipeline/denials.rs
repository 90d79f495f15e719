//! What was denied stands in the audit, like what was done.

use crate::guard::pipeline::audit;
use crate::guard::pipeline::desk::{Denied, Guard, Who};

/// As far as a plan's id or an action's key goes: more is somebody's invention.
const LONGEST: usize = 64;

impl Guard {
    /// Records a refusal of what was asked about a plan, an action, an entry, an account that is masked,
    /// a person or the estate. What can only mean that there is no such thing, or that nothing can be
    /// recorded, is left.
    pub(super) async fn recorded<T>(
        &self,
        who: &Who,
        asked: &'static str,
        about: &str,
        result: Result<T, Denied>,
    ) -> Result<T, Denied> {
        if let Err(denied @ (Denied::Policy(_) | Denied::Asked(_) | Denied::Stale(_))) = &result {
            let why = denied.to_string();
            let body = [("asked", asked), ("why", why.as_str())];
            let about: String = about.chars().take(LONGEST).collect();
            self.record_denial(who, &about, &body).await?;
        }
        result
    }

    /// Records that something was denied to somebody.
    pub(super) async fn record_denial(
        &self,
        who: &Who,
        about: &str,
        body: &[(&str, &str)],
    ) -> Result<(), Denied> {
        let now = self.inner.clock.now();
        let draft = audit::entry(now, "denied", Some(&who.operator), about, body);
        self.inner.blocking(move |ledger| ledger.append(draft)).await.map(drop)
    }
}
