//! What can be done to an account, and what must be known before: its groups and roles.
//!
//! Sources: the pages on updating a user, revoking sign-in sessions, transitive memberships and role
//! assignments. Faults of `welearn365.graph_write` are put on the writes.

use std::future::Future;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::Graph;
use super::accounts::account_id;
use super::query::{Query, body};
use crate::simulators::chance::guid;
use crate::simulators::fault::Fault;
use crate::simulators::reply::{Refused, answer, json as reply};
use crate::simulators::server::{cut, nothing};

const READS: [&str; 3] = ["GroupMember.Read.All", "Directory.Read.All", "User.Read.All"];
const ROLES: [&str; 2] = ["RoleManagement.Read.Directory", "Directory.Read.All"];
const SWITCH: [&str; 2] = ["User.EnableDisableAccount.All", "User.ReadWrite.All"];
const REVOKE: [&str; 2] = ["User.RevokeSessions.All", "User.ReadWrite.All"];

impl Graph {
    fn numbered(&self, id: &str) -> Result<usize, Refused> {
        let found = self.accounts.find(&self.stage, id).filter(|n| self.accounts.exists(*n));
        found.ok_or_else(|| {
            let why = format!("Resource '{id}' does not exist.");
            self.error(404, "Request_ResourceNotFound", &why)
        })
    }

    /// A write, with the faults that are put on writes.
    pub(super) async fn written(
        &self,
        write: impl Future<Output = Result<Response, Refused>>,
        nothing_done: Response,
    ) -> Result<Response, Refused> {
        let (fault, waits) = self.stage.write_comes("welearn365.graph_write");
        if let Some(Fault::Slow(ms)) = fault {
            tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
        }
        self.stage.may_write(waits).await;
        match fault {
            Some(Fault::Down) => Ok(Response::new(nothing())),
            Some(Fault::Empty200) => Ok(nothing_done),
            Some(Fault::Unauthorised) => Err(self.denied()),
            Some(Fault::Status(status)) => {
                Err(self.error(status, "generalException", "As told by the test."))
            }
            // Done, and the answer is lost.
            Some(Fault::HalfSent | Fault::Truncated) => {
                drop(write.await?);
                let half = reply(200, &json!({"value": true}));
                Ok(cut(half, true).await)
            }
            _ => write.await,
        }
    }

    pub(super) fn denied(&self) -> Refused {
        self.error(
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        )
    }
}

pub(super) async fn change(
    State(graph): State<Arc<Graph>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    sent: Bytes,
) -> Result<Response, Refused> {
    graph.entered(&headers, &SWITCH)?;
    let number = graph.numbered(&id)?;
    let wanted: Value = serde_json::from_slice(&sent).unwrap_or_default();
    let fields = wanted.as_object().map_or(0, serde_json::Map::len);
    let Some(enabled) =
        wanted.get("accountEnabled").and_then(Value::as_bool).filter(|_| fields == 1)
    else {
        return Err(graph.error(400, "Request_BadRequest", "Only accountEnabled is played."));
    };
    if graph.accounts.is_administrator(number) {
        return Err(graph.denied());
    }
    let done = || answer(204, "application/json", "");
    let write = async {
        let stage = &graph.stage;
        graph.accounts.set_enabled(number, enabled, stage.now());
        stage.effect(format!("graph {} {id}", if enabled { "open" } else { "block" }));
        let activity = if enabled { "Enable account" } else { "Disable account" };
        graph.audited(&graph.app(&headers), number, activity, Some(enabled));
        Ok(done())
    };
    graph.written(write, done()).await
}

pub(super) async fn revoke(
    State(graph): State<Arc<Graph>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    graph.entered(&headers, &REVOKE)?;
    let number = graph.numbered(&id)?;
    let done = || {
        graph.ok(&headers, &json!({
            "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#Edm.Boolean", "value": true,
        }))
    };
    let write = async {
        graph.accounts.revoke(number, graph.stage.now());
        graph.stage.effect(format!("graph revoke {id}"));
        let activity = "Update StsRefreshTokenValidFrom Timestamp";
        graph.audited(&graph.app(&headers), number, activity, None);
        Ok(done())
    };
    graph.written(write, done()).await
}

pub(super) async fn members(
    State(graph): State<Arc<Graph>>,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    graph.entered(&headers, &READS)?;
    let query = Query::of(raw.as_deref(), &headers);
    query.only(&["top"]).map_err(|r| graph.refused(r))?;
    let number = graph.numbered(&id)?;
    let seed = graph.stage.seed;
    // Without the right to read groups, all but the id of each is left out.
    let hidden = graph.entered(&headers, &READS[..2]).is_err();
    let group = |name: &str, n: u64| match hidden {
        true => json!({
            "@odata.type": "#microsoft.graph.group", "id": guid(seed, "group", n),
            "displayName": null, "isAssignableToRole": null, "securityEnabled": null,
        }),
        false => json!({
            "@odata.type": "#microsoft.graph.group", "id": guid(seed, "group", n),
            "displayName": name, "isAssignableToRole": null, "onPremisesSyncEnabled": true,
            "securityEnabled": true,
        }),
    };
    let mut rows = vec![group("All WeLearn users", 1), group("Licences, students", 2)];
    if graph.accounts.is_administrator(number) {
        rows.push(json!({
            "@odata.type": "#microsoft.graph.directoryRole", "id": guid(seed, "role", 1),
            "displayName": "User Administrator",
            "roleTemplateId": "fe930be7-5e62-47db-91af-98c3a49a38b1",
        }));
    }
    Ok(graph.ok(&headers, &body(&query, "directoryObjects", rows)))
}

pub(super) async fn roles(
    State(graph): State<Arc<Graph>>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    graph.entered(&headers, &ROLES)?;
    let query = Query::of(raw.as_deref(), &headers);
    query.only(&["filter"]).map_err(|r| graph.refused(r))?;
    let principal = query
        .get("filter")
        .and_then(|f| f.strip_prefix("principalId eq '"))
        .and_then(|f| f.strip_suffix('\''))
        .unwrap_or_default()
        .to_owned();
    let number = graph.accounts.find(&graph.stage, &principal);
    let rows = match number.filter(|n| graph.accounts.is_administrator(*n)) {
        None => Vec::new(),
        Some(number) => vec![json!({
            "id": "lAPpYvVpN0KRkAEhdxReEJC2sEqbR_9Hr48lds9SGHI-1",
            "principalId": account_id(&graph.stage, number),
            "directoryScopeId": "/",
            "roleDefinitionId": "fe930be7-5e62-47db-91af-98c3a49a38b1",
        })],
    };
    Ok(graph.ok(&headers, &body(&query, "roleManagement/directory/roleAssignments", rows)))
}
