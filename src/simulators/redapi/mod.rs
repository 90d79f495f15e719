//! Redstor's RedAPI v2: a token for a signed assertion, then pages of accounts and their runs.
//!
//! Sources: helpdesk.redstor.com 1607 and public client code, as restated in the vendor notes. What
//! its throttle allows is not published: the limit here is ours, and holds where limits hold.

mod lists;
mod sign_in;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HeaderName};
use axum::response::Response;
use axum::routing::{get, post};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::model::school::School;
use crate::simulators::backups::{Machine, Vault, company, machines};
use crate::simulators::redstor_faults::RedstorFault as F;
use crate::simulators::reply::{Refused, answer, field, json as reply, set, with};
use crate::simulators::server::{Endpoint, Manners, nobodys};
use crate::simulators::stage::{Stage, lock};
use crate::simulators::times::seconds;
use crate::simulators::tokens::{Tokens, carried, refused};

pub(super) use sign_in::PRIVATE_JWK;

/// Calls a minute that are answered where limits hold.
const CALLS_A_MINUTE: usize = 60;
/// Parameters that a call may have.
const PARAMETERS: [&str; 6] =
    ["apiVersion", "companyId", "accountId", "maxResults", "pageToken", "shouldReturnCount"];

pub(super) struct RedApi {
    vault: Arc<Vault>,
    tokens: Tokens<()>,
    /// Ids of assertions that were used, so that none is used twice.
    used: Mutex<BTreeSet<String>>,
    /// Calls that each token has made, for those that do not live long.
    made: Mutex<BTreeMap<String, u32>>,
    /// Calls of the last minute.
    calls: Mutex<VecDeque<Timestamp>>,
}

const API: Manners = Manners {
    school_of: nobodys,
    error_inside: |_| problem(200, "Internal Server Error", Some("Something went wrong.")),
    refusal: |_| with(problem(401, "Unauthorized", None), "www-authenticate", "Bearer"),
    throttled: |_| problem(429, "Too Many Requests", None),
};

const ID: Manners = Manners { refusal: |_| sign_in::invalid_client(), ..API };

fn problem(status: u16, title: &str, detail: Option<&str>) -> Response {
    let mut body = json!({
        "type": "https://tools.ietf.org/html/rfc7231#section-6",
        "title": title,
        "status": status,
        "traceId": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    });
    if let Some(detail) = detail {
        set(&mut body, "detail", json!(detail));
    }
    answer(status, "application/problem+json; charset=utf-8", body.to_string())
}

impl RedApi {
    pub(super) fn new(vault: Arc<Vault>) -> Arc<Self> {
        Arc::new(Self {
            vault,
            tokens: Tokens::default(),
            used: Mutex::default(),
            made: Mutex::default(),
            calls: Mutex::default(),
        })
    }

    /// Every token that was given out.
    pub(super) fn given_tokens(&self) -> Vec<String> {
        self.tokens.given()
    }

    /// Forgets every token that was given out.
    pub(super) fn forget_tokens(&self) {
        self.tokens.forget();
    }

    pub(super) fn endpoints(self: &Arc<Self>) -> Vec<Endpoint> {
        let id = Router::new()
            .route("/.well-known/openid-configuration", get(sign_in::discovery))
            .route("/connect/token", post(sign_in::token))
            .with_state(self.clone());
        let api = Router::new()
            .route("/companies/{company}", get(one_company))
            .route("/companies/{company}/customers", get(customers))
            .route("/storage/accounts", get(lists::storage_accounts))
            .route("/backups/status", get(lists::status))
            .route("/backups/status/summary", get(lists::status_summary))
            .route("/backups/status/accounts", get(lists::status_accounts))
            .route("/backups/status/accounts/errors", get(lists::status_errors))
            .route("/restores/status/accounts", get(lists::restores))
            .fallback(unknown_path)
            .with_state(self.clone());
        vec![
            Endpoint { key: "redstor.redapi".into(), router: api, manners: API, tls: true },
            Endpoint { key: "redstor.token".into(), router: id, manners: ID, tls: true },
        ]
    }

    fn stage(&self) -> &Arc<Stage> {
        &self.vault.stage
    }

    /// Refuses a wrong call, loudly.
    fn wrong(&self, why: &str) -> Refused {
        refused(self.stage(), "redstor.redapi", why);
        problem(400, "Bad Request", Some(&format!("The request is not valid: {why}."))).into()
    }

    /// Whether the call brings a token that holds, in the right header, within the limit, with
    /// parameters that exist.
    fn entered(&self, headers: &HeaderMap, query: &str) -> Result<(), Refused> {
        let api_key = HeaderName::from_static("x-api-key");
        let misprint = HeaderName::from_static("authentication");
        let token = match () {
            () if self.vault.everywhere(F::HeaderApiKey) => carried(headers, &api_key, ""),
            () if self.vault.everywhere(F::HeaderAuthentication) => {
                carried(headers, &misprint, "Bearer ")
            }
            () => carried(headers, &AUTHORIZATION, "Bearer "),
        };
        let denied = || Refused::from((API.refusal)(self.stage()));
        let Some(token) = token else {
            refused(self.stage(), "redstor.redapi", "no token in the header that is read");
            return Err(denied());
        };
        if self.vault.everywhere(F::TokenRefused) {
            return Err(denied());
        }
        self.tokens.whose(token, self.stage().now()).map_err(|_| denied())?;
        if self.vault.everywhere(F::TokenEndsEarly) {
            let mut made = lock(&self.made);
            let calls = made.entry(token.to_owned()).or_default();
            *calls += 1;
            if *calls > 2 {
                self.tokens.drop_one(token);
                return Err(denied());
            }
        }
        if self.is_too_much() {
            return Err(with(problem(429, "Too Many Requests", None), "retry-after", "60").into());
        }
        let mut names = url::form_urlencoded::parse(query.as_bytes()).map(|(n, _)| n);
        if names.any(|n| !PARAMETERS.contains(&&*n)) {
            return Err(self.wrong("an unknown parameter"));
        }
        match field(query, "apiVersion").as_deref() {
            Some("2.0") | None => Ok(()),
            Some(_) => Err(self.wrong("apiVersion is not 2.0")),
        }
    }

    fn is_too_much(&self) -> bool {
        let now = self.stage().now();
        let mut calls = lock(&self.calls);
        while calls.front().is_some_and(|at| seconds(*at, now) >= 60) {
            calls.pop_front();
        }
        calls.push_back(now);
        let most = if self.stage().strict() { CALLS_A_MINUTE } else { CALLS_A_MINUTE * 100 };
        calls.len() > most
    }

    /// The machines that a company sees: the partner all, a school its own.
    fn seen_by(&self, query: &str) -> Result<Vec<Machine<'_>>, Refused> {
        let Some(asked) = field(query, "companyId") else {
            return Err(self.wrong("companyId is missing"));
        };
        let partner = self.stage().invented.facts.redapi_company_id == asked;
        let mut all = machines(&self.vault);
        all.retain(|m| partner || m.company(&self.vault) == asked);
        if all.is_empty() && !partner {
            return Err(problem(404, "Not Found", Some("The company does not exist.")).into());
        }
        if let Some(id) = field(query, "accountId") {
            all.retain(|m| m.guid(&self.vault) == id);
        }
        Ok(all)
    }

    /// One page: `maxResults` rows (30 unless asked, 100 at most), a token while there is more, and
    /// a count that is true on the first page only.
    fn paged<T>(&self, rows: &[T], query: &str, spelt: impl Fn(&T) -> Value) -> Response {
        let size = match field(query, "maxResults").map(|v| v.parse::<usize>()) {
            None => 30,
            Some(Ok(n @ 1..=100)) => n,
            Some(_) => {
                refused(self.stage(), "redstor.redapi", "maxResults is not from 1 to 100");
                let why = "maxResults must be between 1 and 100.";
                return problem(400, "Bad Request", Some(why));
            }
        };
        let first = match field(query, "pageToken") {
            None => 0,
            Some(token) => match token.strip_prefix("CiAK").and_then(|n| n.parse::<usize>().ok()) {
                Some(first) => first,
                None => {
                    refused(self.stage(), "redstor.redapi", "a pageToken that was never given");
                    return problem(400, "Bad Request", Some("pageToken is not valid."));
                }
            },
        };
        let page: Vec<Value> = rows.iter().skip(first).take(size).map(spelt).collect();
        let mut body = json!({"results": page});
        if field(query, "shouldReturnCount").is_some_and(|v| v.eq_ignore_ascii_case("true")) {
            let count = if first == 0 { json!(rows.len()) } else { json!(-1) };
            set(&mut body, "totalCount", count);
        }
        if self.vault.everywhere(F::PagesCircle) {
            set(&mut body, "nextPageToken", json!("CiAK0"));
        } else if first + size < rows.len() {
            set(&mut body, "nextPageToken", json!(format!("CiAK{}", first + size)));
        }
        reply(200, &body)
    }
}

async fn unknown_path(State(api): State<Arc<RedApi>>) -> Response {
    refused(api.stage(), "redstor.redapi", "an unknown path");
    problem(404, "Not Found", None)
}

async fn one_company(
    State(api): State<Arc<RedApi>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    api.entered(&headers, &query.unwrap_or_default())?;
    if api.vault.everywhere(F::CompaniesDenied) {
        return Ok(problem(403, "Forbidden", None));
    }
    let stage = api.stage();
    if id == stage.invented.facts.redapi_company_id {
        return Ok(reply(
            200,
            &json!({
                "companyId": id, "companyName": "Wolds Schools ICT",
                "isEnabled": !api.vault.everywhere(F::PartnerDisabled),
                "type": "Partner", "parentCompanyId": null,
            }),
        ));
    }
    let school = stage.invented.takers("redstor").find(|(s, _)| company(stage, s) == id);
    Ok(match school {
        Some((school, _)) => reply(200, &customer(&api.vault, school)),
        None => problem(404, "Not Found", Some("The company does not exist.")),
    })
}

fn customer(vault: &Vault, school: &School) -> Value {
    json!({
        "companyId": company(&vault.stage, school),
        "companyName": school.name,
        "isEnabled": !vault.has(school.laestab, F::CompanyDisabled),
        "type": "Customer",
        "parentCompanyId": vault.stage.invented.facts.redapi_company_id,
    })
}

async fn customers(
    State(api): State<Arc<RedApi>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let query = query.unwrap_or_default();
    api.entered(&headers, &query)?;
    if api.vault.everywhere(F::CompaniesDenied) {
        return Ok(problem(403, "Forbidden", None));
    }
    let stage = api.stage();
    let partner = id == stage.invented.facts.redapi_company_id;
    let schools: Vec<&School> =
        stage.invented.takers("redstor").filter(|_| partner).map(|(s, _)| s).collect();
    Ok(api.paged(&schools, &query, |school| customer(&api.vault, school)))
}
