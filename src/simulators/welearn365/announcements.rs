//! Service communications: overviews of each service's health, and the issues behind them.

use std::sync::Arc;

use axum::extract::{RawQuery, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::query::{Query, body, token_of};
use super::{GRAPH, Graph, GraphFault};
use crate::simulators::reply::{Refused, set, text, with};
use crate::simulators::scenario::Tenant;
use crate::simulators::stage::lock;
use crate::simulators::times::{last_daily, moved, rounded_down, seconds, utc};

/// Published limits of the service communications API: (seconds, calls).
const LIMITS: [(i64, usize); 2] = [(60, 240), (3_600, 800)];
/// Page size of the API unless `$top` says otherwise, and the largest.
const PAGE: usize = 100;
const LARGEST: usize = 1_000;
/// The right.
const RIGHT: [&str; 1] = ["ServiceHealth.Read.All"];

/// The tenant's services: (id, name, spelt in upper camel as older answers are).
const TENANT_SERVICES: &[(&str, &str, bool)] = &[
    ("Exchange", "Exchange Online", false),
    ("OrgLiveID", "Identity Service", true),
    ("OSDPPlatform", "Microsoft 365 suite", false),
    ("SharePoint", "SharePoint Online", false),
    ("OneDriveForBusiness", "OneDrive for Business", true),
    ("microsoftteams", "Microsoft Teams", false),
    ("Forms", "Microsoft Forms", false),
    ("Intune", "Microsoft Intune", true),
    ("Planner", "Planner", false),
    ("Stream", "Microsoft Stream", false),
    ("Sway", "Sway", false),
    ("UniversalPrint", "Universal Print", false),
];

struct Issue {
    id: &'static str,
    service: &'static str,
    title: &'static str,
    kind: &'static str,
    status: &'static str,
    since: Timestamp,
    now: Timestamp,
}

fn issue(it: &Issue) -> Value {
    let modified = utc(rounded_down(it.now, 5).max(it.since));
    json!({
        "startDateTime": utc(it.since),
        "endDateTime": null,
        "lastModifiedDateTime": modified,
        "title": it.title,
        "id": it.id,
        "impactDescription": it.title,
        "classification": it.kind,
        "origin": "microsoft",
        "status": it.status,
        "service": it.service,
        "feature": "Access",
        "featureGroup": "Access",
        "isResolved": false,
        "highImpact": null,
        "details": [],
        "posts": [{
            "createdDateTime": modified,
            "postType": "regular",
            "description": {
                "contentType": "html",
                "content": format!(
                    "<p>Title: {}</p><p>User impact: as above.</p><br/>We are reviewing telemetry.",
                    it.title
                ),
            },
        }],
    })
}

fn upper_camel(status: &str) -> String {
    let mut letters = status.chars();
    letters.next().map_or(String::new(), |c| c.to_uppercase().chain(letters).collect())
}

impl Graph {
    /// Counts a call of the service communications API against its limits.
    fn within_limits(&self) -> Result<(), Refused> {
        let now = self.stage.now();
        let factor = if self.stage.strict() { 1 } else { 10 };
        let mut calls = lock(&self.announced);
        while calls.front().is_some_and(|at| seconds(*at, now) >= 3_600) {
            calls.pop_front();
        }
        for (window, most) in LIMITS {
            let within = |at: &&Timestamp| seconds(**at, now) < window;
            let most = most * factor;
            if calls.iter().rev().take_while(within).count() >= most {
                let oldest = calls.iter().rev().nth(most - 1).copied().unwrap_or(now);
                let wait = (window - seconds(oldest, now)).clamp(1, 300);
                let response = (GRAPH.throttled)(&self.stage);
                return Err(with(response, "retry-after", &wait.to_string()).into());
            }
        }
        calls.push_back(now);
        Ok(())
    }

    /// The incidents and advisories of the moment.
    fn open_issues(&self) -> Vec<Value> {
        let now = self.stage.now();
        let since = |elapsed| moved(self.stage.started, elapsed);
        let mut out = Vec::new();
        let mut add = |id, service, title, kind, status, since| {
            out.push(issue(&Issue { id, service, title, kind, status, since, now }));
        };
        match self.stage.moment().tenant() {
            Tenant::Operational => {}
            Tenant::TeamsAdvisory(at) => add(
                "TM900417",
                "Microsoft Teams",
                "Some users may see delays when joining Microsoft Teams meetings",
                "advisory",
                "serviceDegradation",
                since(at),
            ),
            Tenant::IdentityInterruption(at) => add(
                "MO900523",
                "Identity Service",
                "Users may be unable to sign in to any Microsoft 365 service",
                "incident",
                "serviceInterruption",
                since(at),
            ),
        }
        if self.is(GraphFault::HealthDegraded) || self.is(GraphFault::HealthContradiction) {
            add(
                "EX900611",
                "Exchange Online",
                "Some messages may be delivered late",
                "incident",
                "serviceDegradation",
                since(0),
            );
        }
        if self.is(GraphFault::HealthInterrupted) {
            add(
                "MO900612",
                "Identity Service",
                "Users may be unable to sign in",
                "incident",
                "serviceInterruption",
                since(0),
            );
        }
        out
    }

    /// One service's word, as it is spelt now.
    fn word(&self, id: &str, upper: bool, own: &[&Value]) -> String {
        let healthy = if id == "Stream" { "serviceRestored" } else { "serviceOperational" };
        let told = own.first().filter(|_| !self.is(GraphFault::HealthContradiction));
        let strange = [
            (GraphFault::HealthNewWord, "serviceDozing"),
            (GraphFault::HealthReservedWord, "mitigated"),
            (GraphFault::HealthSentinel, "unknownFutureValue"),
        ];
        let strange = strange.into_iter().find(|(f, _)| id == "microsoftteams" && self.is(*f));
        let status = match strange {
            Some((_, word)) => word,
            None => told.map_or(healthy, |i| text(i, "status")),
        };
        match (self.is(GraphFault::HealthLowerCamel), self.is(GraphFault::HealthUpperCamel)) {
            (true, _) => status.to_owned(),
            (_, true) => upper_camel(status),
            _ if upper => upper_camel(status),
            _ => status.to_owned(),
        }
    }
}

pub(super) async fn overviews(
    State(graph): State<Arc<Graph>>,
    RawQuery(raw): RawQuery,
    request: Request,
) -> Result<Response, Refused> {
    let headers = request.headers();
    graph.entered(headers, &RIGHT)?;
    graph.within_limits()?;
    let query = Query::of(raw.as_deref(), headers);
    query
        .only(&["expand", "select", "filter", "top", "skip", "count", "skiptoken"])
        .map_err(|r| graph.refused(r))?;
    let open = graph.open_issues();
    let asked = query.get("expand").is_some_and(|v| v.eq_ignore_ascii_case("issues"));
    let expand = asked && !graph.is(GraphFault::IssuesLeftOut);
    let rows: Vec<Value> = TENANT_SERVICES
        .iter()
        .map(|(id, name, upper)| {
            let own: Vec<&Value> = open.iter().filter(|i| text(i, "service") == *name).collect();
            let mut row = json!({
                "service": name, "status": graph.word(id, *upper, &own), "id": id,
            });
            if expand {
                set(&mut row, "issues", json!(own));
            }
            row
        })
        .collect();
    let context = if expand { "healthOverviews(issues())" } else { "healthOverviews" };
    let path = "/v1.0/admin/serviceAnnouncement/healthOverviews";
    let context = format!("admin/serviceAnnouncement/{context}");
    let page = graph.paged(&rows, &query, path, &context)?;
    Ok(graph.ok(headers, &page))
}

pub(super) async fn issues(
    State(graph): State<Arc<Graph>>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    graph.entered(&headers, &RIGHT)?;
    graph.within_limits()?;
    let query = Query::of(raw.as_deref(), &headers);
    let mut rows = graph.open_issues();
    let now = graph.stage.now();
    let mut past = issue(&Issue {
        id: "EX900102",
        service: "Exchange Online",
        title: "Admins may be unable to export message traces",
        kind: "Advisory",
        status: "serviceRestored",
        since: moved(last_daily(now, 6, 0, 0), -20 * 86_400),
        now: moved(last_daily(now, 6, 0, 0), -19 * 86_400),
    });
    let ended = text(&past, "lastModifiedDateTime").to_owned();
    set(&mut past, "isResolved", json!(true));
    set(&mut past, "endDateTime", json!(ended));
    rows.push(past);
    let resolved = |i: &Value| i.get("isResolved") == Some(&json!(true));
    match query.get("filter").map(str::trim) {
        None | Some("") => {}
        Some("isResolved eq false") => rows.retain(|i| !resolved(i)),
        Some("isResolved eq true") => rows.retain(resolved),
        Some(_) => return Err(graph.error(400, "BadRequest", "Invalid filter clause.")),
    }
    let path = "/v1.0/admin/serviceAnnouncement/issues";
    let page = graph.paged(&rows, &query, path, "admin/serviceAnnouncement/issues")?;
    Ok(graph.ok(&headers, &page))
}

impl Graph {
    /// One page of `rows`, with a link to the next one, on this host, if there is more.
    fn paged(
        &self,
        rows: &[Value],
        query: &Query,
        path: &str,
        context: &str,
    ) -> Result<Value, Refused> {
        let top = query.top(PAGE, LARGEST).map_err(|r| self.refused(r))?;
        let token = query.token("skiptoken").transpose().map_err(|r| self.refused(r))?;
        let skip = token.and_then(|t| t.get("skip")?.as_u64()).unwrap_or_default();
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let page: Vec<Value> = rows.iter().skip(skip).take(top).cloned().collect();
        let mut body = body(query, context, page);
        if skip.saturating_add(top) < rows.len() {
            let token = token_of(&json!({"skip": skip + top}));
            let kept = ["expand", "select", "filter", "top"];
            let link = query.link(path, &kept, ("$skiptoken", &token));
            set(&mut body, "@odata.nextLink", json!(link));
        }
        Ok(body)
    }
}
