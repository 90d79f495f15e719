//! Microsoft: the token endpoint and the parts of Graph that the board asks for.
//!
//! Sources: the pages on client credentials, service communications, organization, sites, paging,
//! errors and throttling of learn.microsoft.com, as restated in the vendor notes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::model::ids::Laestab;
use crate::simulators::chance::guid;
use crate::simulators::reply::{Refused, field, json as reply, set, text, with};
use crate::simulators::scenario::Tenant;
use crate::simulators::server::{Endpoint, Manners, nobodys};
use crate::simulators::stage::{Stage, lock};
use crate::simulators::times::{last_daily, moved, rounded_down, seconds, utc};

/// Seconds that a token lives.
const TOKEN_LIVES: i64 = 3_599;
/// Published limits of the service communications API: (seconds, calls).
const LIMITS: [(i64, usize); 2] = [(60, 240), (3_600, 800)];
/// Page size of Graph unless `$top` says otherwise.
const PAGE: usize = 100;

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

pub(super) struct Graph {
    stage: Arc<Stage>,
    /// Access tokens and when each expires.
    tokens: Mutex<BTreeMap<String, Timestamp>>,
    /// Calls to the service communications API within the last hour.
    calls: Mutex<VecDeque<Timestamp>>,
}

impl Graph {
    pub(super) fn new(stage: Arc<Stage>) -> Arc<Self> {
        Arc::new(Self { stage, tokens: Mutex::default(), calls: Mutex::default() })
    }

    /// Forgets every token that was given out.
    pub(super) fn forget_tokens(&self) {
        lock(&self.tokens).clear();
    }

    pub(super) fn endpoints(self: &Arc<Self>) -> Vec<Endpoint> {
        let login = Router::new()
            .route("/{tenant}/oauth2/v2.0/token", post(token))
            .with_state(self.clone());
        let graph = Router::new()
            .route("/v1.0/admin/serviceAnnouncement/healthOverviews", get(overviews))
            .route("/v1.0/admin/serviceAnnouncement/issues", get(issues))
            .route("/v1.0/organization", get(organization))
            .route("/v1.0/sites/{*path}", get(site))
            .fallback(unknown_path)
            .with_state(self.clone());
        let endpoint = |key: &str, router, manners| Endpoint {
            key: key.to_owned(),
            router,
            manners,
            tls: true,
        };
        vec![endpoint("welearn365", graph, GRAPH), endpoint("welearn365.login", login, LOGIN)]
    }
}

const GRAPH: Manners = Manners {
    school_of,
    error_inside: |stage| {
        error(stage, 200, "generalException", "General exception while processing.")
    },
    refusal: unauthorised,
    throttled: |stage| {
        let app = &stage.invented.facts.client_id;
        let why = format!(
            "Too many requests from Identifier:{app} under category:throttle.serviceannouncement. \
             Please try again later."
        );
        error(stage, 429, "TooManyRequests", &why)
    },
};

const LOGIN: Manners = Manners {
    school_of: nobodys,
    error_inside: |stage| {
        aadsts(
            stage,
            200,
            "server_error",
            90033,
            "A transient error has occurred. Please try again.",
        )
    },
    refusal: |stage| {
        let why = format!(
            "The provided client secret keys for app '{}' are expired.",
            stage.invented.facts.client_id
        );
        aadsts(stage, 401, "invalid_client", 7_000_222, &why)
    },
    throttled: |stage| {
        aadsts(stage, 429, "temporarily_unavailable", 90055, "Request rate exceeded.")
    },
};

/// `sites/{host}:/{path}` is about the school whose site that is.
fn school_of(stage: &Stage, uri: &Uri, _: &[u8]) -> Option<Laestab> {
    let (_, path) = uri.path().split_once(":/")?;
    stage.whose("welearn365.site", path.trim_end_matches([':', '/']))
}

/// An error of the token endpoint, which is not an error of Graph.
fn aadsts(stage: &Stage, status: u16, error: &str, code: u32, why: &str) -> Response {
    let number = u64::from(code) ^ stage.next_token();
    let (trace, correlation) =
        (guid(stage.seed, "trace", number), guid(stage.seed, "corr", number));
    let at = stage.now().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let body = json!({
        "error": error,
        "error_description": format!(
            "AADSTS{code}: {why} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {at}"
        ),
        "error_codes": [code],
        "timestamp": at,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
    });
    reply(status, &body)
}

async fn token(
    State(graph): State<Arc<Graph>>,
    Path(tenant): Path<String>,
    form: String,
) -> Response {
    let stage = &graph.stage;
    let facts = &stage.invented.facts;
    let value = |name: &str| field(&form, name).unwrap_or_default();
    if tenant != facts.tenant_id {
        let why = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."
        );
        return aadsts(stage, 400, "invalid_request", 90_002, &why);
    }
    if value("grant_type") != "client_credentials" {
        let why = "The request body must contain the following parameter: 'grant_type'.";
        return aadsts(stage, 400, "invalid_request", 900_144, why);
    }
    if value("scope") != "https://graph.microsoft.com/.default" {
        let why = "The provided value for the input parameter 'scope' is not valid.";
        return aadsts(stage, 400, "invalid_scope", 70_011, why);
    }
    if value("client_id") != facts.client_id {
        let why = format!(
            "Application with identifier '{}' was not found in the directory.",
            value("client_id")
        );
        return aadsts(stage, 400, "unauthorized_client", 700_016, &why);
    }
    let secret = stage.credential("welearn365").unwrap_or_default();
    if value("client_secret") != secret {
        let why = format!("Invalid client secret provided for app '{}'.", facts.client_id);
        return aadsts(stage, 401, "invalid_client", 7_000_215, &why);
    }
    let number = stage.next_token();
    let token = format!("eyJ0eXAiOiJKV1QifQ.{}", guid(stage.seed, "graph token", number));
    let mut tokens = lock(&graph.tokens);
    let now = stage.now();
    tokens.retain(|_, expires| *expires > now);
    tokens.insert(token.clone(), moved(now, TOKEN_LIVES));
    let body = json!({
        "token_type": "Bearer",
        "expires_in": TOKEN_LIVES,
        "ext_expires_in": TOKEN_LIVES,
        "access_token": token,
    });
    with(reply(200, &body), "cache-control", "no-store, no-cache")
}

/// An error of Graph.
fn error(stage: &Stage, status: u16, code: &str, message: &str) -> Response {
    let id = guid(stage.seed, "request", stage.next_token());
    let date = stage.now().strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let body = json!({"error": {"code": code, "message": message, "innerError": {
        "date": date, "request-id": id, "client-request-id": id,
    }}});
    with(with(reply(status, &body), "request-id", &id), "client-request-id", &id)
}

fn unauthorised(stage: &Stage) -> Response {
    let response = error(
        stage,
        401,
        "InvalidAuthenticationToken",
        "Access token has expired or is not yet valid.",
    );
    let how = "Bearer realm=\"\", \
               authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\"";
    with(response, "www-authenticate", how)
}

impl Graph {
    /// Refuses a call without a token of ours that still lives.
    fn entered(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let token = headers
            .get(AUTHORIZATION)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.strip_prefix("Bearer "));
        let expires = token.and_then(|t| lock(&self.tokens).get(t).copied());
        match expires {
            Some(at) if at > self.stage.now() => Ok(()),
            _ => Err(unauthorised(&self.stage).into()),
        }
    }

    /// Counts a call of the service communications API against its limits.
    fn within_limits(&self) -> Result<(), Refused> {
        let now = self.stage.now();
        let factor = if self.stage.strict() { 1 } else { 10 };
        let mut calls = lock(&self.calls);
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

    fn ok(&self, headers: &HeaderMap, body: &Value) -> Response {
        let id = guid(self.stage.seed, "request", self.stage.next_token());
        let sent = headers.get("client-request-id").and_then(|v| v.to_str().ok()).unwrap_or(&id);
        with(with(reply(200, body), "request-id", &id), "client-request-id", sent)
    }

    /// The incidents and advisories of the moment, and the services that they touch.
    fn open_issues(&self) -> Vec<Value> {
        let since = |elapsed| moved(self.stage.started, elapsed);
        match self.stage.moment().tenant() {
            Tenant::Operational => Vec::new(),
            Tenant::TeamsAdvisory(at) => vec![issue(&Issue {
                id: "TM900417",
                service: "Microsoft Teams",
                title: "Some users may see delays when joining Microsoft Teams meetings",
                kind: "advisory",
                status: "serviceDegradation",
                since: since(at),
                now: self.stage.now(),
            })],
            Tenant::IdentityInterruption(at) => vec![issue(&Issue {
                id: "MO900523",
                service: "Identity Service",
                title: "Users may be unable to sign in to any Microsoft 365 service",
                kind: "incident",
                status: "serviceInterruption",
                since: since(at),
                now: self.stage.now(),
            })],
        }
    }
}

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

async fn overviews(
    State(graph): State<Arc<Graph>>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response, Refused> {
    let headers = request.headers();
    graph.entered(headers)?;
    graph.within_limits()?;
    let query = query.unwrap_or_default();
    let open = graph.open_issues();
    let expand = field(&query, "$expand").is_some_and(|v| v.eq_ignore_ascii_case("issues"));
    let rows: Vec<Value> = TENANT_SERVICES
        .iter()
        .map(|(id, name, upper)| {
            let own: Vec<&Value> = open.iter().filter(|i| text(i, "service") == *name).collect();
            let healthy = if *id == "Stream" { "serviceRestored" } else { "serviceOperational" };
            let status = own.first().map_or(healthy, |i| text(i, "status"));
            let spelt = if *upper { upper_camel(status) } else { status.to_owned() };
            let mut row = json!({"service": name, "status": spelt, "id": id});
            if expand {
                set(&mut row, "issues", json!(own));
            }
            row
        })
        .collect();
    let context = if expand { "healthOverviews(issues())" } else { "healthOverviews" };
    let path = "/v1.0/admin/serviceAnnouncement/healthOverviews";
    let body = paged(&rows, &query, path, &format!("admin/serviceAnnouncement/{context}"), headers);
    Ok(graph.ok(headers, &body))
}

async fn issues(
    State(graph): State<Arc<Graph>>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response, Refused> {
    let headers = request.headers();
    graph.entered(headers)?;
    graph.within_limits()?;
    let query = query.unwrap_or_default();
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
    match field(&query, "$filter").as_deref().map(str::trim) {
        None | Some("") => {}
        Some("isResolved eq false") => rows.retain(|i| !resolved(i)),
        Some("isResolved eq true") => rows.retain(resolved),
        Some(_) => {
            return Ok(error(&graph.stage, 400, "BadRequest", "Invalid filter clause."));
        }
    }
    let path = "/v1.0/admin/serviceAnnouncement/issues";
    let body = paged(&rows, &query, path, "admin/serviceAnnouncement/issues", headers);
    Ok(graph.ok(headers, &body))
}

/// One page of `rows`, with a link to the next one, on this host, if there is more.
fn paged(rows: &[Value], query: &str, path: &str, context: &str, headers: &HeaderMap) -> Value {
    let number = |name: &str| field(query, name).and_then(|v| v.parse::<usize>().ok());
    let top = number("$top").unwrap_or(PAGE).clamp(1, 999);
    let skip = number("$skiptoken").unwrap_or_default();
    let host = headers.get(HOST).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let page: Vec<&Value> = rows.iter().skip(skip).take(top).collect();
    let mut body = json!({
        "@odata.context": format!("https://{host}/v1.0/$metadata#{context}"),
        "value": page,
    });
    if skip + top < rows.len() {
        let mut next = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if name != "$skiptoken" {
                next.append_pair(&name, &value);
            }
        }
        next.append_pair("$skiptoken", &(skip + top).to_string());
        let link = format!("https://{host}{path}?{}", next.finish());
        set(&mut body, "@odata.nextLink", json!(link));
    }
    body
}

async fn organization(
    State(graph): State<Arc<Graph>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    graph.entered(&headers)?;
    let stage = &graph.stage;
    // A cycle starts every 30 minutes and takes about a minute and a half.
    let cycle = moved(rounded_down(moved(stage.now(), -95), 30), 95);
    let all = [
        ("id", json!(stage.invented.facts.tenant_id)),
        ("displayName", json!("Wolds Learning (demo tenant)")),
        ("onPremisesSyncEnabled", json!(true)),
        ("onPremisesLastSyncDateTime", json!(utc(cycle))),
    ];
    let query = query.unwrap_or_default();
    let select = field(&query, "$select");
    let wanted = |name: &str| {
        select.as_ref().is_none_or(|s| s.split(',').any(|w| w.trim().eq_ignore_ascii_case(name)))
    };
    let row: serde_json::Map<String, Value> = all
        .into_iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let host = headers.get(HOST).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let context = select.map_or(String::new(), |s| format!("({s})"));
    let body = json!({
        "@odata.context": format!("https://{host}/v1.0/$metadata#organization{context}"),
        "value": [row],
    });
    Ok(graph.ok(&headers, &body))
}

async fn site(
    State(graph): State<Arc<Graph>>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    graph.entered(&headers)?;
    let stage = &graph.stage;
    let host = &stage.invented.facts.site_host;
    let address = path.split_once(":/").filter(|(h, _)| h.eq_ignore_ascii_case(host));
    let site = address.map(|(_, p)| p.trim_end_matches([':', '/']));
    let school = site.and_then(|s| stage.whose("welearn365.site", s));
    let there = school.filter(|l| !stage.parts(*l).site_missing);
    let (Some(laestab), Some(site)) = (there, site) else {
        return Ok(error(stage, 404, "itemNotFound", "Requested site could not be found"));
    };
    let name = stage.invented.school(laestab).map_or("", |s| s.name.as_str());
    let number = u64::from(laestab.number());
    let body = json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#sites/$entity",
        "id": format!(
            "{host},{},{}",
            guid(stage.seed, "site collection", number),
            guid(stage.seed, "site", number)
        ),
        "createdDateTime": "2021-09-01T08:00:00Z",
        "lastModifiedDateTime": utc(last_daily(stage.now(), 3, 30, 0)),
        "name": site.rsplit('/').next().unwrap_or(site),
        "displayName": name,
        "webUrl": format!("https://{host}/{site}"),
    });
    Ok(graph.ok(&headers, &body))
}

async fn unknown_path(
    State(graph): State<Arc<Graph>>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    graph.entered(&headers)?;
    Ok(error(&graph.stage, 400, "BadRequest", "Resource not found for the segment."))
}
