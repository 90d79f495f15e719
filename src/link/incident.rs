//! Incidents through the agent.

use crate::link::{Link, LinkError, same_version};
use crate::wire::Span;
use crate::wire::incident::{IncidentDone, IncidentOrder, IncidentPage, Incidents};

impl Link {
    /// Open incidents, and those that ended not longer ago than `ended`.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn incidents(&self, ended: Option<Span>) -> Result<Incidents, LinkError> {
        let query = ended.map(|span| format!("?ended={span}")).unwrap_or_default();
        let all: Incidents = self.get(&format!("/v1/incidents{query}")).await?;
        same_version(all.version)?;
        Ok(all)
    }

    /// Open incidents with the schools that are in trouble.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn incident_places(&self) -> Result<Incidents, LinkError> {
        let all: Incidents = self.get("/v1/incidents?places=true").await?;
        same_version(all.version)?;
        Ok(all)
    }

    /// One incident.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn incident(&self, id: u64) -> Result<IncidentPage, LinkError> {
        let page: IncidentPage = self.get(&format!("/v1/incidents/{id}")).await?;
        same_version(page.version)?;
        Ok(page)
    }

    /// Does something about an incident.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn order_incident(
        &self,
        id: u64,
        order: &IncidentOrder,
    ) -> Result<IncidentDone, LinkError> {
        self.post(&format!("/v1/incidents/{id}"), order).await
    }
}
