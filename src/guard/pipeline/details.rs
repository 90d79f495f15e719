//! The personal details beside the chain: who may read them, and how they are erased.

use std::collections::{BTreeMap, BTreeSet};

use crate::guard::pipeline::audit;
use crate::guard::pipeline::desk::{Denied, Guard, Who};
use crate::model::audit::Entry;
use crate::model::plan::Role;
use crate::model::text::Clean;
use crate::ports::ledger::AuditQuery;

impl Guard {
    /// One entry of the audit, and which of its personal details are still kept.
    ///
    /// # Errors
    /// When there is none, or the ledger cannot be read.
    pub async fn entry(&self, number: u64) -> Result<(Entry, BTreeSet<Clean>), Denied> {
        let asked = AuditQuery { from: Some(number), limit: 1, ..AuditQuery::default() };
        let read = self
            .inner
            .blocking(move |ledger| Ok((ledger.entries(&asked)?, ledger.details(number)?)))
            .await?;
        let (entries, details) = read;
        let entry = entries.into_iter().find(|entry| entry.number == number);
        let entry = entry.ok_or_else(|| Denied::Nothing(format!("there is no entry {number}")))?;
        Ok((entry, details.keys().map(|field| Clean::new(field)).collect()))
    }

    /// The personal details of an entry, for a lead or an auditor. Recorded before they are read.
    ///
    /// # Errors
    /// When the role is missing, no reason is given, or it cannot be recorded.
    pub async fn reveal(
        &self,
        who: &Who,
        number: u64,
        why: &Clean,
    ) -> Result<BTreeMap<String, Clean>, Denied> {
        let revealed = self.revealing(who, number, why).await;
        self.recorded(who, "reveal", &about(number), revealed).await
    }

    async fn revealing(
        &self,
        who: &Who,
        number: u64,
        why: &Clean,
    ) -> Result<BTreeMap<String, Clean>, Denied> {
        keeps_details(who)?;
        if why.is_empty() {
            return Err(Denied::Asked(
                "say why you read it: the reason stands in the audit".into(),
            ));
        }
        self.entry(number).await?;
        let now = self.inner.clock.now();
        let draft = audit::entry(now, "unmasked", Some(&who.operator), &about(number), &[]);
        let draft = self.inner.private(draft, "reason", why)?;
        self.inner.blocking(move |ledger| ledger.append(draft)).await?;
        let details = self.inner.blocking(move |ledger| ledger.details(number)).await?;
        Ok(details.into_iter().map(|(field, detail)| (field, detail.value)).collect())
    }

    /// Erases one personal detail of an entry; the chain stays whole. Recorded as an entry.
    ///
    /// # Errors
    /// When the role is missing, no reason is given, there is no such detail, or it cannot be
    /// recorded.
    pub async fn erase(
        &self,
        who: &Who,
        number: u64,
        field: &Clean,
        why: &Clean,
    ) -> Result<(), Denied> {
        let erased = self.erasing(who, number, field, why).await;
        self.recorded(who, "erase", &about(number), erased).await
    }

    async fn erasing(
        &self,
        who: &Who,
        number: u64,
        field: &Clean,
        why: &Clean,
    ) -> Result<(), Denied> {
        keeps_details(who)?;
        if why.is_empty() {
            return Err(Denied::Asked("say why it is erased: on whose request".into()));
        }
        let now = self.inner.clock.now();
        let body = [("field", field.as_str())];
        let draft = audit::entry(now, "erased", Some(&who.operator), &about(number), &body);
        let draft = self.inner.private(draft, "reason", why)?;
        let field = field.to_string();
        self.inner.blocking(move |ledger| ledger.erase(number, &field, draft)).await?;
        self.inner.tell();
        Ok(())
    }
}

fn about(number: u64) -> String {
    format!("entry {number}")
}

fn keeps_details(who: &Who) -> Result<(), Denied> {
    if who.has(Role::Lead) || who.has(Role::Auditor) {
        return Ok(());
    }
    Err(Denied::Policy("only a lead or an auditor reads or erases personal details".into()))
}
