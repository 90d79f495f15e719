//! The organisation and what it has paid for.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::accounts::last_sync;
use super::query::{Query, body, chosen};
use super::{Graph, GraphFault};
use crate::simulators::chance::guid;
use crate::simulators::reply::Refused;
use crate::simulators::times::{moved, utc};

/// The rights, either of which is enough.
const RIGHTS: [&str; 2] = ["Organization.Read.All", "Directory.Read.All"];
const ORGANIZATION: &[&str] =
    &["id", "displayName", "onPremisesSyncEnabled", "onPremisesLastSyncDateTime", "country"];
const SKU: &[&str] = &[
    "accountId",
    "accountName",
    "appliesTo",
    "capabilityStatus",
    "consumedUnits",
    "id",
    "prepaidUnits",
    "servicePlans",
    "skuId",
    "skuPartNumber",
    "subscriptionIds",
];

pub(super) async fn organization(
    State(graph): State<Arc<Graph>>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    graph.entered(&headers, &RIGHTS)?;
    let query = Query::of(raw.as_deref(), &headers);
    query.only(&["select", "expand", "count"]).map_err(|r| graph.refused(r))?;
    let select = query.select(ORGANIZATION).map_err(|r| graph.refused(r))?;
    let cost = graph.directory_units(1)?;
    let (enabled, last) = graph.sync();
    let whole = json!({
        "id": graph.stage.invented.facts.tenant_id,
        "displayName": "Wolds Learning (demo tenant)",
        "onPremisesSyncEnabled": enabled,
        "onPremisesLastSyncDateTime": last,
        "country": "GB",
    });
    let all: Vec<String> = ORGANIZATION.iter().map(|p| (*p).to_owned()).collect();
    let context = query.get("select").map_or(String::new(), |s| format!("({s})"));
    let row = chosen(&whole, select.as_deref().unwrap_or(&all));
    let body = body(&query, &format!("organization{context}"), vec![row]);
    Ok(cost.told(graph.ok(&headers, &body)))
}

impl Graph {
    /// Whether the directory is synced, and when it last was.
    fn sync(&self) -> (Value, Value) {
        let now = self.stage.now();
        let cycle = last_sync(now);
        let ago = |seconds: i64| json!(utc(moved(now, -seconds)));
        match () {
            () if self.is(GraphFault::SyncLate) => (json!(true), ago(85 * 60)),
            () if self.is(GraphFault::SyncStale) => (json!(true), ago(41 * 3_600)),
            () if self.is(GraphFault::SyncAhead) => (json!(true), ago(-3_600)),
            () if self.is(GraphFault::SyncUnrun) => (json!(true), Value::Null),
            () if self.is(GraphFault::SyncOff) => (json!(false), ago(130 * 86_400)),
            () if self.is(GraphFault::SyncNever) => (Value::Null, Value::Null),
            () => (json!(true), json!(utc(cycle))),
        }
    }
}

pub(super) async fn skus(
    State(graph): State<Arc<Graph>>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let rights = [RIGHTS[0], RIGHTS[1], "LicenseAssignment.Read.All"];
    graph.entered(&headers, &rights)?;
    let query = Query::of(raw.as_deref(), &headers);
    // The page: only `$select`.
    query.only(&["select"]).map_err(|r| graph.refused(r))?;
    let select = query.select(SKU).map_err(|r| graph.refused(r))?;
    let cost = graph.directory_units(if select.is_some() { 2 } else { 3 })?;
    let all: Vec<String> = SKU.iter().map(|p| (*p).to_owned()).collect();
    let rows: Vec<Value> =
        graph.pools().iter().map(|row| chosen(row, select.as_deref().unwrap_or(&all))).collect();
    let body = body(&query, "subscribedSkus", rows);
    Ok(cost.told(graph.ok(&headers, &body)))
}

impl Graph {
    fn pools(&self) -> Vec<Value> {
        let heads = u64::try_from(self.accounts.total()).unwrap_or_default();
        let (pupils, staff) = (heads * 8 / 9, heads / 9);
        let students =
            if self.is(GraphFault::LicencesUsedUp) { pupils - 3 } else { pupils * 2 + 500 };
        let (state, enabled, warning, suspended) = match () {
            () if self.is(GraphFault::LicencesWarning) => ("Warning", 0, staff + 100, 0),
            () if self.is(GraphFault::LicencesSuspended) => ("Suspended", 0, 0, staff + 100),
            () => ("Enabled", staff * 2 + 100, 0, 0),
        };
        vec![
            self.pool("STANDARDWOFFPACK_STUDENT", "Enabled", pupils, [students, 0, 0], "User"),
            self.pool(
                "STANDARDWOFFPACK_FACULTY",
                state,
                staff,
                [enabled, warning, suspended],
                "User",
            ),
            self.pool("POWER_BI_STANDARD", "Enabled", 12, [1_000_000, 0, 0], "User"),
            self.pool("RIGHTSMANAGEMENT_ADHOC", "Enabled", 0, [10_000, 0, 0], "Company"),
        ]
    }

    fn pool(&self, part: &str, state: &str, used: u64, units: [u64; 3], to: &str) -> Value {
        let tenant = &self.stage.invented.facts.tenant_id;
        let sku = guid(self.stage.seed, part, 0);
        let [enabled, warning, suspended] = units;
        json!({
            "accountName": "WoldsLearning",
            "accountId": tenant,
            "appliesTo": to,
            "capabilityStatus": state,
            "consumedUnits": used,
            "id": format!("{tenant}_{sku}"),
            "prepaidUnits": {
                "enabled": enabled, "lockedOut": 0, "suspended": suspended, "warning": warning,
            },
            "servicePlans": [],
            "skuId": sku,
            "skuPartNumber": part,
            "subscriptionIds": [guid(self.stage.seed, part, 1)],
        })
    }
}
