//! What was done to a target before: restoring says by whom it was locked, when, and why.

use crate::guard::pipeline::desk::{Denied, Guard};
use crate::model::plan::Item;
use crate::model::text::Clean;
use crate::model::when::written;
use crate::ports::ledger::{AuditQuery, LedgerError};

/// Actions on one target that are looked through.
const LOOKED_THROUGH: usize = 100;

/// What is told of the action that is being undone.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// Who and when; names nobody but operators. Part of the plan.
    pub told: Clean,
    /// The reason that was given, for whoever may see names; never stored.
    pub reason: Option<Clean>,
}

impl Guard {
    /// The last time that `undone` was done to the item's target, as the audit has it. The reason may
    /// hold a name: it is read only where that was recorded (`show`), and not after it was erased.
    pub(super) async fn before(
        &self,
        undone: &str,
        item: &Item,
        show: bool,
    ) -> Result<Before, Denied> {
        let query = |kind: &str, about: &str, limit: usize| AuditQuery {
            kind: Some(kind.to_owned()),
            about: Some(about.to_owned()),
            limit,
            ..AuditQuery::default()
        };
        let intents = query("intent", &item.aim.to_string(), LOOKED_THROUGH);
        let undone = undone.to_owned();
        let found = self.inner.blocking(move |ledger| {
            let is_it = |body: Option<&Clean>| body.is_some_and(|a| a.as_str() == undone);
            let mut intents = ledger.entries(&intents)?.into_iter();
            let Some(intent) = intents.find(|e| is_it(e.body.get("action"))) else {
                return Ok(None);
            };
            let plan = intent.body.get("plan").cloned().unwrap_or_default();
            let asked = ledger.entries(&query("confirmed", plan.as_str(), 1))?;
            let Some(asked) = asked.into_iter().next() else {
                return Err(LedgerError::Nothing(plan.to_string()));
            };
            let reason = match show {
                true => ledger.details(asked.number)?.remove("reason").map(|d| d.value),
                false => None,
            };
            Ok(Some((intent, asked, reason)))
        });
        let Some((intent, asked, reason)) = found.await? else {
            let told =
                "not locked from here: this audit has nothing of it. Ask who disabled it, and why";
            return Ok(Before { told: Clean::new(told), reason: None });
        };
        let by = intent.by.map(|by| by.name.to_string()).unwrap_or_default();
        let ticket = asked.body.get("ticket").filter(|ticket| !ticket.is_empty());
        let ticket = ticket.map(|ticket| format!(", ticket {ticket}")).unwrap_or_default();
        let told = format!(
            "locked from here at {} by {by}{ticket}; the reason is in entry {} of the audit",
            written(intent.at),
            asked.number
        );
        let erased = || Clean::new("the reason is not kept any more");
        let reason = show.then(|| reason.unwrap_or_else(erased));
        Ok(Before { told: Clean::new(&told), reason })
    }
}
