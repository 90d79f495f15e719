//! Redstor's RedAPI v2: a token for a signed assertion, then pages of accounts and their runs.
//!
//! Sources: helpdesk.redstor.com 1607 and public client code, as restated in the vendor notes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST};
use axum::response::Response;
use axum::routing::{get, post};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::model::school::School;
use crate::simulators::backups::{Account, Ended, Machine, company, machines};
use crate::simulators::chance::guid;
use crate::simulators::reply::{Refused, answer, field, json as reply, set, with};
use crate::simulators::server::{Endpoint, Manners, nobodys};
use crate::simulators::stage::{Stage, lock};
use crate::simulators::times::{moved, seconds, utc};

/// The key that a service account would be given, made for this demo and used nowhere else.
pub(super) const PRIVATE_JWK: &str = include_str!("keys/redapi-demo.jwk");
/// Seconds that a token lives.
const TOKEN_LIVES: i64 = 3_600;
/// The longest life of an assertion that is believed, with a minute for clocks that differ.
const ASSERTION_LIVES: i64 = 360;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Days of runs that the API shows.
const HISTORY_DAYS: i64 = 7;

pub(super) struct RedApi {
    stage: Arc<Stage>,
    tokens: Mutex<BTreeMap<String, Timestamp>>,
    /// Ids of assertions that were used, so that none is used twice.
    used: Mutex<BTreeSet<String>>,
}

const API: Manners = Manners {
    school_of: nobodys,
    error_inside: |_| problem(200, "Internal Server Error", Some("Something went wrong.")),
    refusal: |_| with(problem(401, "Unauthorized", None), "www-authenticate", "Bearer"),
    throttled: |_| problem(429, "Too Many Requests", None),
};

const ID: Manners = Manners { refusal: |_| invalid_client(), ..API };

fn invalid_client() -> Response {
    reply(400, &json!({"error": "invalid_client"}))
}

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
    pub(super) fn new(stage: Arc<Stage>) -> Arc<Self> {
        Arc::new(Self { stage, tokens: Mutex::default(), used: Mutex::default() })
    }

    /// Forgets every token that was given out.
    pub(super) fn forget_tokens(&self) {
        lock(&self.tokens).clear();
    }

    pub(super) fn endpoints(self: &Arc<Self>) -> Vec<Endpoint> {
        let id = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/connect/token", post(token))
            .with_state(self.clone());
        let api = Router::new()
            .route("/companies/{company}", get(one_company))
            .route("/companies/{company}/customers", get(customers))
            .route("/storage/accounts", get(storage_accounts))
            .route("/backups/status", get(status))
            .route("/backups/status/accounts", get(status_accounts))
            .route("/backups/status/accounts/errors", get(status_errors))
            .fallback(|| async { problem(404, "Not Found", None) })
            .with_state(self.clone());
        vec![
            Endpoint { key: "redstor.redapi".into(), router: api, manners: API, tls: true },
            Endpoint { key: "redstor.token".into(), router: id, manners: ID, tls: true },
        ]
    }

    fn entered(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let token = headers
            .get(AUTHORIZATION)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.strip_prefix("Bearer "));
        let expires = token.and_then(|t| lock(&self.tokens).get(t).copied());
        match expires {
            Some(at) if at > self.stage.now() => Ok(()),
            _ => Err((API.refusal)(&self.stage).into()),
        }
    }

    /// The machines that a company sees: the partner all, a school its own.
    fn seen_by(&self, query: &str) -> Result<Vec<Machine<'_>>, Refused> {
        let asked = field(query, "companyId").unwrap_or_default();
        let partner = self.stage.invented.facts.redapi_company_id == asked;
        let mut all = machines(&self.stage);
        all.retain(|m| partner || m.company(&self.stage) == asked);
        if all.is_empty() && !partner {
            return Err(problem(404, "Not Found", Some("The company does not exist.")).into());
        }
        if let Some(id) = field(query, "accountId") {
            all.retain(|m| m.guid(&self.stage) == id);
        }
        Ok(all)
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

fn token_endpoint(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|v| v.to_str().ok()).unwrap_or_default();
    format!("https://{host}/connect/token")
}

async fn discovery(headers: HeaderMap) -> Response {
    let endpoint = token_endpoint(&headers);
    let issuer = endpoint.trim_end_matches("/connect/token");
    reply(
        200,
        &json!({
            "issuer": issuer,
            "token_endpoint": endpoint,
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        }),
    )
}

/// The key that belongs to [`PRIVATE_JWK`]: its id and public half.
fn public_key() -> Option<(String, DecodingKey)> {
    let jwk: Value = serde_json::from_str(PRIVATE_JWK).ok()?;
    let part = |name: &str| jwk.get(name).and_then(Value::as_str);
    let key = DecodingKey::from_rsa_components(part("n")?, part("e")?).ok()?;
    Some((part("kid")?.to_owned(), key))
}

/// The claims of an assertion that is signed with our key by RS256.
fn signed(assertion: &str) -> Option<Claims> {
    let (kid, key) = public_key()?;
    if jsonwebtoken::decode_header(assertion).ok()?.kid? != kid {
        return None;
    }
    // The times are checked below, against the simulators' clock.
    let mut only_signature = Validation::new(Algorithm::RS256);
    only_signature.validate_exp = false;
    only_signature.validate_aud = false;
    only_signature.required_spec_claims.clear();
    Some(jsonwebtoken::decode::<Claims>(assertion, &key, &only_signature).ok()?.claims)
}

async fn token(State(api): State<Arc<RedApi>>, headers: HeaderMap, form: String) -> Response {
    let value = |name: &str| field(&form, name).unwrap_or_default();
    if value("grant_type") != "client_credentials" {
        return reply(400, &json!({"error": "unsupported_grant_type"}));
    }
    if !value("scope").split(' ').any(|s| s == "api.read") {
        return reply(400, &json!({"error": "invalid_scope"}));
    }
    let claims = (value("client_assertion_type") == ASSERTION_TYPE)
        .then(|| signed(&value("client_assertion")))
        .flatten();
    let Some(claims) = claims else { return invalid_client() };
    let client = &api.stage.invented.facts.redapi_client_id;
    let now = api.stage.now();
    let at = now.as_second();
    let good = claims.iss == *client
        && claims.sub == *client
        && claims.aud == token_endpoint(&headers)
        && !claims.jti.is_empty()
        && claims.nbf <= at + 60
        && claims.iat <= at + 60
        && claims.exp > at
        && claims.exp - at <= ASSERTION_LIVES;
    if !good || !lock(&api.used).insert(claims.jti) {
        return invalid_client();
    }
    let token = format!("demo.{}", guid(api.stage.seed, "redapi token", api.stage.next_token()));
    lock(&api.tokens).insert(token.clone(), moved(now, TOKEN_LIVES));
    reply(
        200,
        &json!({
            "access_token": token, "expires_in": TOKEN_LIVES, "scope": "api.read",
            "token_type": "Bearer",
        }),
    )
}

/// One page: `maxResults` rows (30 unless asked, 100 at most), a token while there is more, and a
/// count that is true on the first page only.
fn paged<T>(rows: &[T], query: &str, spelt: impl Fn(&T) -> Value) -> Response {
    let size = match field(query, "maxResults").map(|v| v.parse::<usize>()) {
        None => 30,
        Some(Ok(n @ 1..=100)) => n,
        Some(_) => {
            return problem(400, "Bad Request", Some("maxResults must be between 1 and 100."));
        }
    };
    let first = match field(query, "pageToken") {
        None => 0,
        Some(token) => match token.strip_prefix("CiAK").and_then(|n| n.parse::<usize>().ok()) {
            Some(first) => first,
            None => return problem(400, "Bad Request", Some("pageToken is not valid.")),
        },
    };
    let page: Vec<Value> = rows.iter().skip(first).take(size).map(spelt).collect();
    let mut body = json!({"results": page});
    if field(query, "shouldReturnCount").is_some_and(|v| v.eq_ignore_ascii_case("true")) {
        let count = if first == 0 { json!(rows.len()) } else { json!(-1) };
        set(&mut body, "totalCount", count);
    }
    if first + size < rows.len() {
        set(&mut body, "nextPageToken", json!(format!("CiAK{}", first + size)));
    }
    reply(200, &body)
}

async fn one_company(
    State(api): State<Arc<RedApi>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    api.entered(&headers)?;
    let stage = &api.stage;
    if id == stage.invented.facts.redapi_company_id {
        return Ok(reply(
            200,
            &json!({
                "companyId": id, "companyName": "Wolds Schools ICT", "isEnabled": true,
                "type": "Partner", "parentCompanyId": null,
            }),
        ));
    }
    let school = stage.invented.takers("redstor").find(|(s, _)| company(stage, s) == id);
    Ok(match school {
        Some((school, _)) => reply(200, &customer(stage, school)),
        None => problem(404, "Not Found", Some("The company does not exist.")),
    })
}

fn customer(stage: &Stage, school: &School) -> Value {
    json!({
        "companyId": company(stage, school),
        "companyName": school.name,
        "isEnabled": true,
        "type": "Customer",
        "parentCompanyId": stage.invented.facts.redapi_company_id,
    })
}

async fn customers(
    State(api): State<Arc<RedApi>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    api.entered(&headers)?;
    let stage = &api.stage;
    let partner = id == stage.invented.facts.redapi_company_id;
    let schools: Vec<&School> =
        stage.invented.takers("redstor").filter(|_| partner).map(|(s, _)| s).collect();
    Ok(paged(&schools, &query.unwrap_or_default(), |school| customer(stage, school)))
}

async fn storage_accounts(
    State(api): State<Arc<RedApi>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let query = query.unwrap_or_default();
    api.entered(&headers)?;
    Ok(paged(&api.seen_by(&query)?, &query, |machine| {
        let account = machine.account(&api.stage);
        json!({
            "accountId": account.guid, "accountName": account.name,
            "displayName": account.display, "serviceId": 12, "serviceName": "Servers",
            "productId": 3, "productName": "Machines", "storageRegion": "UK",
            "createOn": utc(account.created),
        })
    }))
}

/// The runs of the last seven days; not in order, because no order is promised.
fn history(api: &RedApi, account: &Account) -> Vec<Value> {
    let now = api.stage.now();
    let mut runs: Vec<Value> = account
        .runs
        .iter()
        .filter(|(at, _)| seconds(*at, now) < HISTORY_DAYS * 86_400)
        .map(|(at, ended)| {
            json!({
                "timestamp": utc(*at), "status": ended.number(), "message": ended.redapi_words(),
                "errorCount": if ended.number() == 1 { 0 } else { 14 },
            })
        })
        .collect();
    if account.id.is_multiple_of(3) {
        runs.reverse();
    }
    runs
}

async fn status_accounts(
    State(api): State<Arc<RedApi>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let query = query.unwrap_or_default();
    api.entered(&headers)?;
    let mut all = api.seen_by(&query)?;
    // An account that never ran is missing, or there with an empty history.
    all.retain(|m| {
        let account = m.account(&api.stage);
        !account.runs.is_empty() || (account.id / 2).is_multiple_of(2)
    });
    Ok(paged(&all, &query, |machine| {
        let account = machine.account(&api.stage);
        json!({
            "accountId": account.guid, "accountName": account.name, "productId": 12,
            "companyId": account.company, "groupId": null,
            "statusHistory": history(&api, &account),
        })
    }))
}

async fn status(
    State(api): State<Arc<RedApi>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let query = query.unwrap_or_default();
    api.entered(&headers)?;
    let last: Vec<Option<u8>> = api
        .seen_by(&query)?
        .into_iter()
        .map(|m| m.account(&api.stage).runs.first().map(|(_, ended)| ended.number()))
        .collect();
    let ended = |number: Option<u8>| last.iter().filter(|n| **n == number).count();
    let row = json!({
        "productId": 3, "productName": "Machines", "succeeded": ended(Some(1)),
        "completedWithWarnings": ended(Some(2)), "completedWithErrors": ended(Some(3)),
        "failed": ended(Some(0)), "missed": ended(None),
    });
    Ok(paged(&[row], &query, Value::clone))
}

async fn status_errors(
    State(api): State<Arc<RedApi>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    api.entered(&headers)?;
    let stage = &api.stage;
    let id = field(&query.unwrap_or_default(), "accountId").unwrap_or_default();
    let Some(machine) = machines(stage).into_iter().find(|m| m.guid(stage) == id) else {
        return Ok(problem(404, "Not Found", Some("The account does not exist.")));
    };
    let account = machine.account(stage);
    let Some((at, ended)) = account.runs.first() else {
        let why = "No backup status exists for the specified account.";
        return Ok(problem(422, "Unprocessable Entity", Some(why)));
    };
    let rows = if *ended == Ended::Completed {
        Vec::new()
    } else {
        vec![json!({
            "timestamp": utc(*at), "message": "SQL VSS writer timed out", "category": "Vss",
            "type": "Error", "count": 2, "extraInfo": "SqlServerWriter", "productId": 12,
        })]
    };
    Ok(reply(200, &json!({"results": rows})))
}
