//! Microsoft: the token endpoint and the parts of Graph that the board asks for.
//!
//! Sources: the pages on client credentials, certificate credentials, service communications,
//! organization, users, delta queries, subscribed SKUs, sites, paging, errors and throttling of
//! learn.microsoft.com, as restated in the vendor notes. It enforces what Microsoft enforces: the
//! sign-in, the roles of a token, the options of each resource, paging, and, when told to, the
//! published limits.

mod accounts;
mod acting;
mod announcements;
mod audit;
mod faults;
mod login;
mod provision;
mod query;
mod sites;
mod tenant;
mod users;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use axum::routing::{get, patch, post};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::model::ids::Laestab;
use crate::simulators::chance::guid;
use crate::simulators::reply::{Refused, answer, json as reply, page, set, with};
use crate::simulators::server::{Endpoint, Manners};
use crate::simulators::stage::{Stage, lock};
use crate::simulators::times::{moved, seconds};

pub use faults::GraphFault;
pub(super) use login::PEM;

/// What an administrator has consented to for the console's app.
const ROLES: [&str; 4] =
    ["ServiceHealth.Read.All", "Organization.Read.All", "User.Read.All", "Sites.Read.All"];
/// The same for its second app, which acts.
const ACT_ROLES: [&str; 6] = [
    "User.Read.All",
    "GroupMember.Read.All",
    "RoleManagement.Read.Directory",
    "User.EnableDisableAccount.All",
    "User.RevokeSessions.All",
    "Synchronization.ReadWrite.All",
];
/// Resource units that one app may use of the directory in one tenant: so many in so many seconds
/// (throttling limits, more than 500 users).
const UNITS: (i64, u64) = (10, 8_000);
/// Resource units of SharePoint a minute, for the smallest size of tenant.
const SITE_UNITS: (i64, u64) = (60, 1_200);

/// A token that was given out.
struct Token {
    expires: Timestamp,
    /// The roles that the app had then; they stand in the token.
    roles: BTreeSet<String>,
    /// The app that it was given to.
    client: String,
}

/// Units used, and when.
#[derive(Default)]
struct Used {
    lately: VecDeque<(Timestamp, u64)>,
    /// The most that was used within one window.
    most: u64,
}

pub(super) struct Graph {
    stage: Arc<Stage>,
    tokens: Mutex<BTreeMap<String, Token>>,
    roles: Mutex<BTreeSet<String>>,
    act_roles: Mutex<BTreeSet<String>>,
    faults: Mutex<BTreeSet<GraphFault>>,
    accounts: accounts::Accounts,
    /// Calls to the service communications API within the last hour.
    announced: Mutex<VecDeque<Timestamp>>,
    /// Accounts that the sync was asked for within the last ten seconds.
    provisioned: Mutex<VecDeque<Timestamp>>,
    log: Mutex<audit::Log>,
    directory: Mutex<Used>,
    sharepoint: Mutex<Used>,
    /// Tokens given within the last minute.
    given: Mutex<VecDeque<Timestamp>>,
}

impl Graph {
    pub(super) fn new(stage: Arc<Stage>) -> Arc<Self> {
        let accounts = accounts::Accounts::new(&stage.invented);
        Arc::new(Self {
            stage,
            tokens: Mutex::default(),
            roles: Mutex::new(ROLES.map(str::to_owned).into()),
            act_roles: Mutex::new(ACT_ROLES.map(str::to_owned).into()),
            faults: Mutex::default(),
            accounts,
            announced: Mutex::default(),
            provisioned: Mutex::default(),
            log: Mutex::default(),
            directory: Mutex::default(),
            sharepoint: Mutex::default(),
            given: Mutex::default(),
        })
    }

    /// Every token that was given out.
    pub(super) fn given_tokens(&self) -> Vec<String> {
        lock(&self.tokens).keys().cloned().collect()
    }

    /// Forgets every token that was given out.
    pub(super) fn forget_tokens(&self) {
        lock(&self.tokens).clear();
    }

    pub(super) fn endpoints(self: &Arc<Self>) -> Vec<Endpoint> {
        let login = Router::new()
            .route("/{tenant}/oauth2/v2.0/token", post(login::token))
            .route("/{tenant}/v2.0/.well-known/openid-configuration", get(login::discovery))
            .with_state(self.clone());
        let graph = Router::new()
            .route("/v1.0/admin/serviceAnnouncement/healthOverviews", get(announcements::overviews))
            .route("/v1.0/admin/serviceAnnouncement/issues", get(announcements::issues))
            .route("/v1.0/organization", get(tenant::organization))
            .route("/v1.0/subscribedSkus", get(tenant::skus))
            .route("/v1.0/users", get(users::list))
            .route("/v1.0/users/delta", get(users::delta))
            // As Microsoft's libraries write it.
            .route("/v1.0/users/delta()", get(users::delta))
            .route("/v1.0/users/microsoft.graph.delta()", get(users::delta))
            .route("/v1.0/users/{id}", get(users::one).merge(patch(acting::change)))
            .route("/v1.0/users/{id}/revokeSignInSessions", post(acting::revoke))
            .route("/v1.0/users/{id}/transitiveMemberOf", get(acting::members))
            .route("/v1.0/roleManagement/directory/roleAssignments", get(acting::roles))
            .route(
                "/v1.0/servicePrincipals/{id}/synchronization/jobs/{job}/provisionOnDemand",
                post(provision::on_demand),
            )
            .route("/v1.0/auditLogs/directoryAudits", get(audit::list))
            .route("/v1.0/sites/{*path}", get(sites::site))
            .fallback(unknown_path)
            .with_state(self.clone());
        let endpoint = |key: &str, router, manners| Endpoint {
            key: key.to_owned(),
            router,
            manners,
            tls: true,
        };
        vec![
            endpoint("welearn365", graph, GRAPH),
            endpoint("welearn365.login", login, login::MANNERS),
        ]
    }

    fn is(&self, fault: GraphFault) -> bool {
        lock(&self.faults).contains(&fault)
    }

    /// Refuses a call without a living token of ours, or whose token lacks one of `roles`; then
    /// whatever fault is in force for every call.
    fn entered(&self, headers: &HeaderMap, roles: &[&str]) -> Result<(), Refused> {
        let token = headers
            .get(AUTHORIZATION)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.strip_prefix("Bearer "));
        let now = self.stage.now();
        let held = token.and_then(|t| {
            let tokens = lock(&self.tokens);
            tokens.get(t).filter(|t| t.expires > now).map(|t| t.roles.clone())
        });
        let Some(held) = held.filter(|_| !self.is(GraphFault::TokenRefused)) else {
            return Err(self.dressed(unauthorised(&self.stage)).into());
        };
        if let Some(response) = self.throttled_by_fault() {
            return Err(response.into());
        }
        if !roles.is_empty() && !roles.iter().any(|r| held.contains(*r)) {
            return Err(self.error(
                403,
                "Authorization_RequestDenied",
                "Insufficient privileges to complete the operation.",
            ));
        }
        Ok(())
    }

    /// The app whose token a call came with.
    fn app(&self, headers: &HeaderMap) -> audit::Who {
        let token = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok());
        let token = token.and_then(|v| v.strip_prefix("Bearer ")).unwrap_or_default();
        let client = lock(&self.tokens).get(token).map(|t| t.client.clone());
        audit::Who::App(client.unwrap_or_default())
    }

    fn throttled_by_fault(&self) -> Option<Response> {
        let stage = &self.stage;
        let wait = |status: u16, value: Option<String>| {
            let code = if status == 503 { "serviceNotAvailable" } else { "TooManyRequests" };
            let response = error(stage, status, code, "Too many requests.");
            match value {
                Some(value) => with(response, "retry-after", &value),
                None => response,
            }
        };
        let until = moved(stage.now(), 20);
        let date = std::time::SystemTime::try_from(until).map(httpdate::fmt_http_date).ok();
        let response = match () {
            () if self.is(GraphFault::RetryAfterDecimal) => wait(429, Some("0.249".into())),
            () if self.is(GraphFault::RetryAfterDate) => wait(429, date),
            () if self.is(GraphFault::RetryAfterAbsent) => wait(429, None),
            () if self.is(GraphFault::Busy) => wait(503, Some("20".into())),
            () if self.is(GraphFault::Bandwidth) => wait(509, Some("9".into())),
            () if self.is(GraphFault::Gateway) => {
                page(502, "<html><head><title>502 Bad Gateway</title></head><body></body></html>")
            }
            () => return None,
        };
        Some(self.dressed(response))
    }

    /// Takes `units` of a limit, or refuses with the headers that tell which limit it was.
    fn units(
        &self,
        used: &Mutex<Used>,
        (window, most): (i64, u64),
        units: u64,
    ) -> Result<f64, Refused> {
        let now = self.stage.now();
        let most = if self.stage.strict() { most } else { most * 10 };
        let mut used = lock(used);
        let lately = &mut used.lately;
        while lately.front().is_some_and(|(at, _)| seconds(*at, now) >= window) {
            lately.pop_front();
        }
        let sum: u64 = lately.iter().map(|(_, n)| n).sum::<u64>() + units;
        #[expect(clippy::cast_precision_loss, reason = "units of some seconds")]
        let share = sum as f64 / most as f64;
        if sum > most {
            let oldest = lately.front().map_or(now, |(at, _)| *at);
            let wait = (window - seconds(oldest, now)).clamp(1, 300);
            let facts = &self.stage.invented.facts;
            let scope =
                format!("Tenant_Application/ReadWrite/{}/{}", facts.client_id, facts.tenant_id);
            let response = error(&self.stage, 429, "TooManyRequests", "Too many requests.");
            let response = with(response, "retry-after", &wait.to_string());
            let response = with(response, "x-ms-throttle-scope", &scope);
            let response = with(response, "x-ms-throttle-information", "ResourceUnitLimitExceeded");
            let share = format!("{share:.2}");
            return Err(with(response, "x-ms-throttle-limit-percentage", &share).into());
        }
        lately.push_back((now, units));
        used.most = used.most.max(sum);
        Ok(share)
    }

    /// Takes units of the directory's limit; the answer says how many.
    fn directory_units(&self, units: u64) -> Result<Cost, Refused> {
        let share = self.units(&self.directory, UNITS, units)?;
        Ok(Cost { units, share })
    }

    fn site_units(&self, units: u64) -> Result<(), Refused> {
        self.units(&self.sharepoint, SITE_UNITS, units).map(drop)
    }

    fn ok(&self, headers: &HeaderMap, body: &Value) -> Response {
        let id = guid(self.stage.seed, "request", self.stage.next_token());
        let sent = headers.get("client-request-id").and_then(|v| v.to_str().ok()).unwrap_or(&id);
        with(with(reply(200, body), "request-id", &id), "client-request-id", sent)
    }

    /// An error, as the faults in force dress it.
    fn error(&self, status: u16, code: &str, message: &str) -> Refused {
        self.dressed(error(&self.stage, status, code, message)).into()
    }

    fn refused(&self, (code, message): query::Refusal) -> Refused {
        self.error(400, code, &message)
    }

    fn dressed(&self, response: Response) -> Response {
        if self.is(GraphFault::ErrorEmpty) {
            let (parts, _) = response.into_parts();
            let mut bare = answer(parts.status.as_u16(), "application/json", "");
            for name in ["retry-after", "request-id"] {
                if let Some(value) = parts.headers.get(name) {
                    bare.headers_mut().insert(name, value.clone());
                }
            }
            return bare;
        }
        let lower = self.is(GraphFault::InnerErrorLower);
        let absent = self.is(GraphFault::InnerErrorAbsent);
        if !lower && !absent {
            return response;
        }
        let (parts, _) = response.into_parts();
        let id = parts.headers.get("request-id").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let code = match parts.status.as_u16() {
            401 => "InvalidAuthenticationToken",
            403 => "Authorization_RequestDenied",
            404 => "Request_ResourceNotFound",
            429 => "TooManyRequests",
            503 => "serviceNotAvailable",
            _ => "Request_BadRequest",
        };
        let mut body = json!({"error": {"code": code, "message": "As above."}});
        if lower && let Some(error) = body.get_mut("error") {
            set(error, "innererror", json!({"request-id": id}));
        }
        let mut dressed = reply(parts.status.as_u16(), &body);
        for (name, value) in &parts.headers {
            if !matches!(name.as_str(), "content-type" | "content-length") {
                dressed.headers_mut().insert(name, value.clone());
            }
        }
        dressed
    }
}

/// What a call has cost.
struct Cost {
    units: u64,
    share: f64,
}

impl Cost {
    fn told(&self, response: Response) -> Response {
        let response = with(response, "x-ms-resource-unit", &self.units.to_string());
        match self.share {
            share if share >= 0.8 => {
                with(response, "x-ms-throttle-limit-percentage", &format!("{share:.2}"))
            }
            _ => response,
        }
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

/// `sites/{host}:/{path}` is about the school whose site that is.
fn school_of(stage: &Stage, uri: &Uri, _: &[u8]) -> Option<Laestab> {
    let (_, path) = uri.path().split_once(":/")?;
    stage.whose("welearn365.site", path.trim_end_matches([':', '/']))
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

async fn unknown_path(
    State(graph): State<Arc<Graph>>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    graph.entered(&headers, &[])?;
    Err(graph.error(400, "BadRequest", "Resource not found for the segment."))
}

/// The hands of a test on Microsoft: consent, faults, accounts.
#[derive(Clone)]
pub struct Microsoft(pub(super) Arc<Graph>);

impl Microsoft {
    /// What the administrator has consented to from now on; tokens given earlier keep what they
    /// had, as at Microsoft.
    pub fn consent(&self, roles: &[&str]) {
        *lock(&self.0.roles) = roles.iter().map(|r| (*r).to_owned()).collect();
    }

    /// The same for the app that acts.
    pub fn consent_to_act(&self, roles: &[&str]) {
        *lock(&self.0.act_roles) = roles.iter().map(|r| (*r).to_owned()).collect();
    }

    /// Gives the n-th account of the school an administrator's role.
    pub fn make_administrator(&self, school: Laestab, n: usize) {
        self.0.accounts.make_administrator(school, n);
    }

    /// Makes the n-th account of the school that of the directory's account with this immutable id.
    pub fn adopt(&self, school: Laestab, n: usize, immutable_id: &str) {
        self.0.accounts.adopt(school, n, immutable_id);
    }

    /// The most resource units that were used of the directory within ten seconds, and of SharePoint
    /// within a minute.
    #[must_use]
    pub fn most_units(&self) -> (u64, u64) {
        (lock(&self.0.directory).most, lock(&self.0.sharepoint).most)
    }

    /// Whether the n-th account of the school may sign in.
    #[must_use]
    pub fn is_enabled(&self, school: Laestab, n: usize) -> bool {
        self.0.accounts.is_enabled(&self.0.stage, self.0.accounts.nth(school, n))
    }

    /// Lets something go wrong.
    pub fn set_fault(&self, fault: GraphFault) {
        lock(&self.0.faults).insert(fault);
    }

    /// Mends it.
    pub fn clear_fault(&self, fault: GraphFault) {
        lock(&self.0.faults).remove(&fault);
    }

    /// From now on the sync holds back so many of the school's accounts.
    pub fn hold_back(&self, school: Laestab, accounts: usize) {
        self.0.accounts.hold(school, accounts);
    }

    /// Deletes the n-th account of the school, for good or so that it can be restored.
    pub fn delete_account(&self, school: Laestab, n: usize, restorable: bool) {
        self.0.accounts.delete(school, n, restorable);
    }

    /// How many accounts there are.
    #[must_use]
    pub fn accounts(&self) -> usize {
        self.0.accounts.count()
    }

    /// How many of them are under the school's OU.
    #[must_use]
    pub fn accounts_of(&self, school: Laestab) -> usize {
        self.0.accounts.of(school)
    }

    /// The time until a token given now ends.
    #[must_use]
    pub fn token_lives(&self) -> SignedDuration {
        SignedDuration::from_secs(login::TOKEN_LIVES)
    }
}
