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

use crate::simulators::own_ways::StatusFault;
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

impl Page {
    /// Since when it tells what a scenario file has put on it.
    fn since(&self, fault: StatusFault) -> Option<Timestamp> {
        self.stage.own.since(&format!("{}.status", self.service), None, fault)
    }
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

/// Trouble of our component, as the page tells it.
struct Trouble {
    since: Timestamp,
    /// Of the component, of the incident, and how bad it is.
    status: &'static str,
    stage: &'static str,
    impact: &'static str,
}

/// What the scenario makes the page tell, or what a scenario file has put on it.
fn trouble(page: &Page) -> Option<Trouble> {
    let told = |since, (status, stage, impact)| Some(Trouble { since, status, stage, impact });
    let since = |fault: StatusFault| page.since(fault);
    let down = ("major_outage", "investigating", "critical");
    if let Some(since) = since(StatusFault::Outage) {
        return told(since, down);
    }
    if let Some(since) = since(StatusFault::FixWatched) {
        return told(since, ("operational", "monitoring", "critical"));
    }
    if let Some(since) = since(StatusFault::Degraded) {
        return told(since, ("degraded_performance", "identified", "minor"));
    }
    let since = page.stage.moment().redstor_down()?;
    let late = page.stage.moment().elapsed >= since + WRITTEN_LATE;
    let at = moved(page.stage.started, since + WRITTEN_LATE);
    if page.service == "redstor" && late { told(at, down) } else { None }
}

/// The maintenance that the page announces: its fields, and the component's status meanwhile.
fn maintenance(page: &Page, ours: &Value, other: &Value) -> Option<(Value, Option<&'static str>)> {
    const HOUR: i64 = 3_600;
    let plans = [
        (StatusFault::MaintenanceAnnounced, "scheduled", 24 * HOUR, ours, None),
        (StatusFault::MaintenanceUnderWay, "in_progress", -900, ours, Some("under_maintenance")),
        (StatusFault::MaintenanceUnsaid, "scheduled", -900, ours, None),
        (StatusFault::MaintenanceCompleted, "completed", -2 * HOUR, ours, None),
        (StatusFault::MaintenanceElsewhere, "in_progress", -900, other, None),
    ];
    let (told, status, begins, of, meanwhile) =
        plans.into_iter().find_map(|(fault, status, begins, of, now)| {
            Some((page.since(fault)?, status, begins, of, now))
        })?;
    let (from, until) = (moved(told, begins), moved(told, begins + HOUR));
    let body = json!({
        "id": "mnt0000demo1", "name": "Database upgrade", "status": status,
        "impact": "maintenance", "created_at": utc_millis(moved(told, -86_400)),
        "updated_at": utc_millis(told), "monitoring_at": null, "resolved_at": null,
        "shortlink": "https://status.vendor.example/m/1", "started_at": utc_millis(from),
        "page_id": "pag0000demo1", "incident_updates": [], "components": [of],
        "scheduled_for": utc_millis(from), "scheduled_until": utc_millis(until),
    });
    Some((body, meanwhile))
}

async fn summary(State(page): State<Arc<Page>>) -> Response {
    let stage = &page.stage;
    let quiet = moved(last_daily(stage.now(), 16, 2, 11), -3 * 86_400);
    let Some((id, name)) = stage.invented.facts.components.get(&page.service) else {
        return reply(404, &json!({"code": 404, "message": "Resource not found"}));
    };
    let (id, name) = match page.since(StatusFault::ComponentRenamed) {
        Some(_) => ("cmp0000new01", "Renamed part"),
        None => (id.as_str(), name.as_str()),
    };
    let trouble = trouble(&page);
    let changed = trouble.as_ref().map_or(quiet, |t| t.since);
    // Trouble in a part that nobody here uses must not count.
    let elsewhere = match stage.scenario {
        Scenario::Calm => "operational",
        Scenario::Morning | Scenario::Storm => "major_outage",
    };
    let other = component("cmp0000us001", "US region", elsewhere, quiet, false);
    let bare = component(id, name, "operational", changed, false);
    let planned = maintenance(&page, &bare, &other);
    let own = match (&trouble, &planned) {
        (Some(trouble), _) => trouble.status,
        (None, Some((_, Some(meanwhile)))) => meanwhile,
        (None, _) => "operational",
    };
    let ours = component(id, name, own, changed, false);
    let incidents: Vec<Value> = trouble
        .as_ref()
        .map(|Trouble { since, stage, impact, .. }| {
            let at = utc_millis(*since);
            json!({
                "id": "inc0000demo1", "name": format!("{name} unavailable"),
                "status": stage, "impact": impact, "created_at": at,
                "updated_at": at, "monitoring_at": null, "resolved_at": null,
                "shortlink": "https://status.vendor.example/i/1", "started_at": at,
                "page_id": "pag0000demo1",
                "incident_updates": [{
                    "id": "upd0000demo1", "status": stage,
                    "body": "We are looking into this.", "incident_id": "inc0000demo1",
                    "created_at": at, "updated_at": at, "display_at": at,
                    "affected_components": null,
                }],
                "components": [ours],
            })
        })
        .into_iter()
        .collect();
    let (indicator, words) = match (trouble.as_ref().map(|t| t.impact), elsewhere) {
        (Some("minor"), "operational") => ("minor", "Partially Degraded Service"),
        (Some(_), _) => ("critical", "Major Service Outage"),
        (None, "operational") => ("none", "All Systems Operational"),
        (None, _) => ("major", "Partial System Outage"),
    };
    let group = component("grp0000demo1", "Platform", own, changed, true);
    let planned: Vec<Value> = planned.into_iter().map(|(body, _)| body).collect();
    reply(
        200,
        &json!({
            "page": {
                "id": "pag0000demo1", "name": "Demo vendor", "url": "https://status.vendor.example",
                "time_zone": "Europe/London", "updated_at": utc_millis(changed),
            },
            "components": [other, ours, group],
            "incidents": incidents,
            "scheduled_maintenances": planned,
            "status": {"indicator": indicator, "description": words},
        }),
    )
}
