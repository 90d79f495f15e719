//! A vendor's status page in the Statuspage v2 form, for the services that are given one.
//!
//! Source: the public description of a Statuspage v2 API, as restated in the vendor notes. No real
//! status page is known for these vendors; people write theirs, some minutes late.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::simulators::reply::json as reply;
use crate::simulators::scenario::Scenario;
use crate::simulators::server::{Endpoint, Manners, nobodys};
use crate::simulators::stage::Stage;
use crate::simulators::times::{last_daily, moved, utc_millis};

/// Minutes, in seconds, that the vendor's people need to write that something is wrong.
const WRITTEN_LATE: i64 = 300;

const STATUS: Manners = Manners {
    school_of: nobodys,
    error_inside: |_| reply(200, &json!({"error": "internal error"})),
    refusal: |_| reply(401, &json!({"error": "You must be signed in."})),
    throttled: |_| reply(429, &json!({"error": "Too many requests"})),
};

struct Page {
    stage: Arc<Stage>,
    service: String,
}

/// The status pages, keyed `<service>.status`.
pub(super) fn endpoints(stage: &Arc<Stage>) -> Vec<Endpoint> {
    stage
        .invented
        .facts
        .components
        .keys()
        .map(|service| Endpoint {
            key: format!("{service}.status"),
            router: Router::new()
                .route("/api/v2/summary.json", get(summary))
                .fallback(|| async {
                    reply(404, &json!({"code": 404, "message": "Resource not found"}))
                })
                .with_state(Arc::new(Page { stage: stage.clone(), service: service.clone() })),
            manners: STATUS,
            tls: true,
        })
        .collect()
}

fn component(id: &str, name: &str, status: &str, updated: Timestamp, group: bool) -> Value {
    let at = utc_millis(updated);
    json!({
        "id": id, "name": name, "status": status, "created_at": "2023-02-01T09:00:00.000Z",
        "updated_at": at, "position": 1, "description": null, "showcase": false,
        "start_date": null, "group_id": if group { Value::Null } else { json!("grp0000demo1") },
        "page_id": "pag0000demo1", "group": group, "only_show_if_degraded": false,
    })
}

/// The incident that the page tells of, and since when.
fn incident(page: &Page) -> Option<Timestamp> {
    let since = page.stage.moment().redstor_down()?;
    let late = page.stage.moment().elapsed >= since + WRITTEN_LATE;
    (page.service == "redstor" && late).then(|| moved(page.stage.started, since + WRITTEN_LATE))
}

async fn summary(State(page): State<Arc<Page>>) -> Response {
    let stage = &page.stage;
    let quiet = moved(last_daily(stage.now(), 16, 2, 11), -3 * 86_400);
    let Some((id, name)) = stage.invented.facts.components.get(&page.service) else {
        return reply(404, &json!({"code": 404, "message": "Resource not found"}));
    };
    let trouble = incident(&page);
    let changed = trouble.unwrap_or(quiet);
    let own = if trouble.is_some() { "major_outage" } else { "operational" };
    // Trouble in a part that nobody here uses must not count.
    let elsewhere = match stage.scenario {
        Scenario::Calm => "operational",
        Scenario::Morning | Scenario::Storm => "major_outage",
    };
    let components = [
        component("cmp0000us001", "US region", elsewhere, quiet, false),
        component(id, name, own, changed, false),
        component("grp0000demo1", "Platform", own, changed, true),
    ];
    let incidents: Vec<Value> = trouble
        .map(|at| {
            let at = utc_millis(at);
            json!({
                "id": "inc0000demo1", "name": format!("{name} unavailable"),
                "status": "investigating", "impact": "critical", "created_at": at,
                "updated_at": at, "monitoring_at": null, "resolved_at": null,
                "shortlink": "https://status.vendor.example/i/1", "started_at": at,
                "page_id": "pag0000demo1",
                "incident_updates": [{
                    "id": "upd0000demo1", "status": "investigating",
                    "body": "We are looking into this.", "incident_id": "inc0000demo1",
                    "created_at": at, "updated_at": at, "display_at": at,
                    "affected_components": null,
                }],
                "components": [component(id, name, own, changed, false)],
            })
        })
        .into_iter()
        .collect();
    let (indicator, words) = match (trouble.is_some(), elsewhere) {
        (true, _) => ("critical", "Major Service Outage"),
        (false, "operational") => ("none", "All Systems Operational"),
        (false, _) => ("major", "Partial System Outage"),
    };
    reply(
        200,
        &json!({
            "page": {
                "id": "pag0000demo1", "name": "Demo vendor", "url": "https://status.vendor.example",
                "time_zone": "Europe/London", "updated_at": utc_millis(changed),
            },
            "components": components,
            "incidents": incidents,
            "scheduled_maintenances": [],
            "status": {"indicator": indicator, "description": words},
        }),
    )
}
