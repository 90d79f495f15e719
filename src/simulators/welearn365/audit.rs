//! Microsoft's audit of the tenant: what was changed, by which app or by whom.
//!
//! Sources: the pages on listing directoryAudits, its resource, and the audit's activities. What goes
//! through Graph is written here by the app whose token it came with; a test plays the portal and the
//! owner of stolen credentials. Faults of `welearn365.graph_audit` are put on the list.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::accounts::account_id;
use super::query::{Query, body, token_of};
use super::{Graph, Microsoft, error};
use crate::model::ids::Laestab;
use crate::simulators::chance::guid;
use crate::simulators::fault::Fault;
use crate::simulators::reply::{Refused, set, with};
use crate::simulators::server::cut;
use crate::simulators::stage::lock;

const RIGHT: [&str; 1] = ["AuditLog.Read.All"];
/// Rows of a page at most.
const LARGEST: usize = 1_000;

/// What was written, the oldest first, and how it is served.
#[derive(Default)]
pub(super) struct Log {
    rows: Vec<(Timestamp, Value)>,
    /// Fewer rows a page than are asked for; none for as many.
    page: Option<usize>,
    /// Entries as young as so many seconds are not served yet.
    lag_s: i64,
    /// The app's own id is left out, and its service principal's stands alone.
    no_app_id: bool,
}

/// Who did it.
pub(super) enum Who {
    App(String),
    Person(String),
}

impl Graph {
    /// Writes what a request of `who` did to the account `number`: `activity`, and what it switched.
    pub(super) fn audited(&self, who: &Who, number: usize, activity: &str, switched: Option<bool>) {
        let request = guid(self.stage.seed, "correlation", self.stage.next_token());
        self.write(who, number, activity, (&request, &json!([])));
        if let Some(enabled) = switched {
            let properties = json!([
                {"displayName": "AccountEnabled", "oldValue": format!("[{}]", !enabled),
                 "newValue": format!("[{enabled}]")},
                {"displayName": "Included Updated Properties", "oldValue": null,
                 "newValue": "\"AccountEnabled\""},
            ]);
            self.write(who, number, "Update user", (&request, &properties));
        }
    }

    fn write(
        &self,
        who: &Who,
        number: usize,
        activity: &str,
        (request, properties): (&str, &Value),
    ) {
        let stage = &self.stage;
        let at = stage.now();
        let initiator = match who {
            Who::App(id) => {
                let shown = if lock(&self.log).no_app_id { Value::Null } else { json!(id) };
                let principal = guid(
                    stage.seed,
                    "principal",
                    u64::from(*id != stage.invented.facts.act_client_id),
                );
                json!({"user": null, "app": {"appId": shown, "displayName": "Canary App",
                    "servicePrincipalId": principal, "servicePrincipalName": null}})
            }
            Who::Person(id) => {
                json!({"app": null, "user": {"id": id, "displayName": "Canary Person",
                "userPrincipalName": "canary.person@wolds.example", "ipAddress": "203.0.113.9"}})
            }
        };
        let sync = activity == "Export";
        let row = json!({
            "id": format!("Directory_{}", guid(stage.seed, "entry", stage.next_token())),
            "category": if sync { "ProvisioningManagement" } else { "UserManagement" },
            "correlationId": request, "result": "success", "resultReason": "",
            "activityDisplayName": activity, "activityDateTime": at.to_string(),
            "loggedByService": if sync { "Account Provisioning" } else { "Core Directory" },
            "operationType": "Update", "initiatedBy": initiator,
            "targetResources": [{"id": account_id(stage, number), "displayName": "Canary Pupil",
                "type": "User", "userPrincipalName": "canary.pupil@wolds.example",
                "groupType": null, "modifiedProperties": properties}],
            "additionalDetails": [{"key": "User-Agent", "value": "canary-agent"}],
        });
        lock(&self.log).rows.push((at, row));
    }

    /// What `activityDateTime ge A and activityDateTime le B` asks for; any other filter is refused.
    fn between(&self, filter: Option<&str>) -> Result<(Timestamp, Timestamp), Refused> {
        let bad = || self.error(400, "Request_BadRequest", "Invalid filter clause.");
        let (mut from, mut until) = (Timestamp::MIN, Timestamp::MAX);
        for clause in filter.into_iter().flat_map(|f| f.split(" and ")) {
            let words: Vec<&str> = clause.split_whitespace().collect();
            let ["activityDateTime", operator, at] = *words else { return Err(bad()) };
            let at = at.parse().map_err(|_| bad())?;
            match operator {
                "ge" => from = at,
                "le" => until = at,
                _ => return Err(bad()),
            }
        }
        Ok((from, until))
    }
}

pub(super) async fn list(
    State(graph): State<Arc<Graph>>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    graph.entered(&headers, &RIGHT)?;
    let query = Query::of(raw.as_deref(), &headers);
    query.only(&["filter", "top", "orderby", "skiptoken"]).map_err(|r| graph.refused(r))?;
    let (from, until) = graph.between(query.get("filter"))?;
    let top = query.top(LARGEST, LARGEST).map_err(|r| graph.refused(r))?;
    let token = query.token("skiptoken").transpose().map_err(|r| graph.refused(r))?;
    let skip =
        token.as_ref().and_then(|t| t.get("skip")).and_then(Value::as_u64).unwrap_or_default();
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    let fault = graph.stage.fault("welearn365.graph_audit", None).filter(|_| skip > 0);
    if let Some(Fault::Throttled(wait)) = fault {
        let response = error(&graph.stage, 429, "TooManyRequests", "Too many requests.");
        return Err(with(response, "retry-after", &wait.to_string()).into());
    }
    let (all, page) = {
        let log = lock(&graph.log);
        let served = graph.stage.now().as_second() - log.lag_s;
        let is = |at: &Timestamp| (from..=until).contains(at) && at.as_second() <= served;
        // The newest first.
        let all: Vec<Value> =
            log.rows.iter().rev().filter(|(at, _)| is(at)).map(|(_, row)| row.clone()).collect();
        (all, log.page.map_or(top, |page| page.min(top)))
    };
    let rows: Vec<Value> = all.iter().skip(skip).take(page).cloned().collect();
    let next = skip.saturating_add(rows.len());
    let mut out = body(&query, "auditLogs/directoryAudits", rows);
    if next < all.len() {
        let token = token_of(&json!({"skip": next}));
        let path = "/v1.0/auditLogs/directoryAudits";
        let link = query.link(path, &["filter", "top"], ("$skiptoken", &token));
        set(&mut out, "@odata.nextLink", json!(link));
    }
    let response = graph.ok(&headers, &out);
    Ok(match fault {
        Some(Fault::HalfSent) => cut(response, true).await,
        _ => response,
    })
}

impl Microsoft {
    /// Somebody in Microsoft's portal blocks or opens the n-th account of the school.
    pub fn portal_switches(&self, school: Laestab, n: usize, enabled: bool) {
        let (graph, number) = (&self.0, self.0.accounts.nth(school, n));
        graph.accounts.set_enabled(number, enabled, graph.stage.now());
        let activity = if enabled { "Enable account" } else { "Disable account" };
        graph.audited(&Who::Person(person(graph)), number, activity, Some(enabled));
    }

    /// Somebody in Microsoft's portal does something else to it, by the audit's word.
    pub fn portal_does(&self, school: Laestab, n: usize, activity: &str) {
        let (graph, number) = (&self.0, self.0.accounts.nth(school, n));
        graph.audited(&Who::Person(person(graph)), number, activity, None);
    }

    /// Whoever has the credentials of this app does it.
    pub fn app_does(&self, app: &str, school: Laestab, n: usize, activity: &str) {
        let (graph, number) = (&self.0, self.0.accounts.nth(school, n));
        graph.audited(&Who::App(app.to_owned()), number, activity, None);
    }

    /// One more entry of the audit, as `change` makes it of the first.
    pub fn audit_entry(&self, change: impl FnOnce(&mut Value)) {
        let mut log = lock(&self.0.log);
        let Some((at, mut row)) = log.rows.first().cloned() else { return };
        set(&mut row, "id", json!(guid(self.0.stage.seed, "entry", self.0.stage.next_token())));
        change(&mut row);
        log.rows.push((at, row));
    }

    /// The audit loses everything that it has.
    pub fn audit_forgets(&self) {
        lock(&self.0.log).rows.clear();
    }

    /// Pages of the audit have so many rows at most.
    pub fn audit_pages(&self, rows: usize) {
        lock(&self.0.log).page = Some(rows);
    }

    /// Entries of the audit are served only so many seconds after they were made.
    pub fn audit_lags(&self, seconds: i64) {
        lock(&self.0.log).lag_s = seconds;
    }

    /// Apps are named by their service principals alone from now on.
    pub fn audit_leaves_app_ids_out(&self) {
        lock(&self.0.log).no_app_id = true;
    }

    /// The id of the acting app's service principal.
    #[must_use]
    pub fn principal(&self) -> String {
        guid(self.0.stage.seed, "principal", 0)
    }

    /// The id that Microsoft gives the n-th account of the school.
    #[must_use]
    pub fn account_id(&self, school: Laestab, n: usize) -> String {
        account_id(&self.0.stage, self.0.accounts.nth(school, n))
    }
}

fn person(graph: &Graph) -> String {
    guid(graph.stage.seed, "administrator", 0)
}
