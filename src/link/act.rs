//! Actions through the agent.

use jiff::Timestamp;

use crate::link::{Link, LinkError, same_version};
use crate::wire::action::{
    Actions, Approval, Arm, Armed, Audit, AuditEntry, Confirmed, Digest, EmergencyView, Erase,
    PlanPage, PlanRequest, Told, Why,
};
use crate::wire::reconcile::Reconciliation;
use crate::wire::{Ask, Clean};

/// A part of a path, so that nothing in it can be more than that.
fn part(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

impl Link {
    /// What is possible, waits, runs, needs a look, and was done.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn actions(&self) -> Result<Actions, LinkError> {
        self.get("/v1/actions").await
    }

    /// Makes a plan; nothing is sent. `show` asks for whole names, which is recorded first.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn plan(&self, ask: Ask, show: bool) -> Result<PlanPage, LinkError> {
        self.post("/v1/plans", &PlanRequest { ask, show }).await
    }

    /// A plan of one's own, as long as it can be confirmed; or one that waits for a second person,
    /// its targets read again.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn planned(&self, plan: &str) -> Result<PlanPage, LinkError> {
        self.get(&format!("/v1/plans/{}", part(plan))).await
    }

    /// Confirms a plan by its digest.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn confirm(&self, plan: &str, digest: &Clean) -> Result<Confirmed, LinkError> {
        let digest = Digest { digest: digest.clone() };
        self.post(&format!("/v1/plans/{}/confirm", part(plan)), &digest).await
    }

    /// Approves somebody else's plan by its digest, and by what its items ask to be typed.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn approve(
        &self,
        plan: &str,
        digest: &Clean,
        typed: &Clean,
    ) -> Result<Confirmed, LinkError> {
        let approval = Approval { digest: digest.clone(), typed: typed.clone() };
        self.post(&format!("/v1/plans/{}/approve", part(plan)), &approval).await
    }

    /// Takes back a plan that has not begun.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn cancel(&self, plan: &str) -> Result<(), LinkError> {
        let nothing = serde_json::json!({});
        let done: serde_json::Value =
            self.post(&format!("/v1/plans/{}/cancel", part(plan)), &nothing).await?;
        drop(done);
        Ok(())
    }

    /// A person saw what became of a step.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn told(&self, key: &str, told: &Told) -> Result<(), LinkError> {
        let done: serde_json::Value =
            self.post(&format!("/v1/actions/{}/told", part(key)), told).await?;
        drop(done);
        Ok(())
    }

    /// A person closes an action as it is.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn close(&self, key: &str, why: &Clean) -> Result<(), LinkError> {
        let why = Why { why: why.clone() };
        let done: serde_json::Value =
            self.post(&format!("/v1/actions/{}/close", part(key)), &why).await?;
        drop(done);
        Ok(())
    }

    /// Declares an emergency.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn emergency(&self, why: &Clean) -> Result<EmergencyView, LinkError> {
        self.post("/v1/emergency", &Why { why: why.clone() }).await
    }

    /// Entries of the audit: `query` as `/v1/audit` takes it.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn audit(&self, query: &[(&str, String)]) -> Result<Audit, LinkError> {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(query.iter().map(|(k, v)| (*k, v.as_str())))
            .finish();
        self.get(&format!("/v1/audit?{query}")).await
    }

    /// Opens one's own actions for a while, or closes them again.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn arm(&self, arm: &Arm) -> Result<Armed, LinkError> {
        self.post("/v1/arm", arm).await
    }

    /// One entry of the audit, and which of its details are kept.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn audit_entry(&self, number: u64) -> Result<AuditEntry, LinkError> {
        self.get(&format!("/v1/audit/{number}")).await
    }

    /// The same with its details; recorded first.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn reveal(&self, number: u64, why: &Clean) -> Result<AuditEntry, LinkError> {
        self.post(&format!("/v1/audit/{number}/reveal"), &Why { why: why.clone() }).await
    }

    /// Erases one personal detail of an entry.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn erase(&self, number: u64, erase: &Erase) -> Result<(), LinkError> {
        let done: serde_json::Value =
            self.post(&format!("/v1/audit/{number}/erase"), erase).await?;
        drop(done);
        Ok(())
    }

    /// The vendor's own audit from `since` on, held against ours.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn reconcile(&self, since: Timestamp) -> Result<Reconciliation, LinkError> {
        let page: Reconciliation = self.get(&format!("/v1/audit/reconcile?since={since}")).await?;
        same_version(page.version)?;
        Ok(page)
    }
}
