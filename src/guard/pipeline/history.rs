//! What was done to a target before: restoring says by whom it was locked, when, and why.

use crate::guard::pipeline::desk::{Denied, Guard};
use crate::model::plan::{AccountName, Aim, Item};
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
    /// Whether the audit has anything of it.
    pub was_done: bool,
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
        let query = |kind: &str, limit| AuditQuery {
            kind: Some(kind.to_owned()),
            limit,
            ..AuditQuery::default()
        };
        let mut intents = query("intent", LOOKED_THROUGH);
        match &item.aim {
            // It may have been at another school then.
            Aim::Account(_, AccountName::Guid(guid)) => intents.account = Some(guid.clone()),
            aim => intents.about = Some(aim.to_string()),
        }
        let undone = undone.to_owned();
        let found = self.inner.blocking(move |ledger| {
            let is_it = |body: Option<&Clean>| body.is_some_and(|a| a.as_str() == undone);
            let mut intents = ledger.entries(&intents)?.into_iter();
            let Some(intent) = intents.find(|e| is_it(e.body.get("action"))) else {
                return Ok(None);
            };
            let plan = intent.body.get("plan").cloned().unwrap_or_default();
            let about = Some(plan.to_string());
            let asked = ledger.entries(&AuditQuery { about, ..query("confirmed", 1) })?;
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
            return Ok(Before { told: Clean::new(told), reason: None, was_done: false });
        };
        let by = intent.by.map(|by| by.name.to_string()).unwrap_or_default();
        let ticket = asked.body.get("ticket").filter(|ticket| !ticket.is_empty());
        let ticket = ticket.map(|ticket| format!(", ticket {ticket}")).unwrap_or_default();
        let elsewhere = match intent.about.as_str().split_once('/') {
            Some((school, _)) if item.aim.school().is_some_and(|s| s.to_string() != school) => {
                format!(", when it was at school {school}")
            }
            _ => String::new(),
        };
        let told = format!(
            "locked from here at {} by {by}{ticket}{elsewhere}; the reason is in entry {} of the audit",
            written(intent.at),
            asked.number
        );
        let erased = || Clean::new("the reason is not kept any more");
        let reason = show.then(|| reason.unwrap_or_else(erased));
        Ok(Before { told: Clean::new(&told), reason, was_done: true })
    }
}
