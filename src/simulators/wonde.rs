//! Wonde: which schools have approved us, which have yet to, and how many people each has.
//!
//! Sources: docs.wonde.com (bearer or basic sign-in, `data`, `meta.pagination.next`, `per_page`) and
//! Wonde's public client libraries (`schools/pending`, `counts`); read 2026-11. Not documented there,
//! and therefore ours: how the ids of a school are spelled, the words of a refusal, the exact form of
//! `counts`. Nobody in the demo takes it: it is here for the connectors that need no code.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use crate::model::ids::Laestab;
use crate::model::school::School;
use crate::simulators::chance::{below, roll};
use crate::simulators::fault::Fault;
use crate::simulators::reply::{field, json as reply};
use crate::simulators::server::{Endpoint, Manners};
use crate::simulators::stage::Stage;

/// Rows of one page, unless asked otherwise, and at most.
const PAGE: usize = 50;
const LARGEST_PAGE: usize = 200;

const API: Manners = Manners {
    school_of,
    error_inside: |_| reply(200, &json!({"error": "internal", "message": "Server Error"})),
    refusal: |_| {
        let words = "Invalid token specified. Please check the token is correct.";
        reply(401, &json!({"error": "invalid_token", "error_description": words}))
    },
    throttled: |_| reply(429, &json!({"error": "rate_limit", "message": "Too Many Attempts."})),
};

/// The id by which Wonde knows a school; the same for every seed.
#[must_use]
pub fn wonde_id(school: Laestab) -> String {
    format!("A{:010}", roll(0, "wonde", school) % 10_000_000_000)
}

pub(super) fn endpoint(stage: &Arc<Stage>) -> Endpoint {
    let router = Router::new()
        .route("/v1.0/schools", get(approved))
        .route("/v1.0/schools/pending", get(pending))
        .route("/v1.0/schools/{id}/counts", get(counts))
        .with_state(stage.clone());
    Endpoint { key: "wonde".to_owned(), router, manners: API, tls: true }
}

fn school_of(stage: &Stage, uri: &Uri, _: &[u8]) -> Option<Laestab> {
    let id = uri.path().strip_prefix("/v1.0/schools/")?.split('/').next()?;
    stage.invented.schools.iter().map(|s| s.laestab).find(|l| wonde_id(*l) == id)
}

fn signed_in(stage: &Stage, headers: &HeaderMap) -> bool {
    let token = stage.invented.credentials.get("wonde").map_or("", String::as_str);
    let sent = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok());
    sent.and_then(|v| v.strip_prefix("Bearer ")).is_some_and(|sent| sent == token)
}

/// Whether a school has withdrawn its approval: what a test has put on it.
fn withdrawn(stage: &Stage, school: Laestab) -> bool {
    stage.school_fault("wonde", school) == Some(Fault::Unauthorised)
}

async fn approved(
    State(stage): State<Arc<Stage>>,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    list(&stage, &uri, query, &headers, |stage, school| !withdrawn(stage, school))
}

async fn pending(
    State(stage): State<Arc<Stage>>,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    list(&stage, &uri, query, &headers, withdrawn)
}

fn list(
    stage: &Stage,
    uri: &Uri,
    query: Option<String>,
    headers: &HeaderMap,
    listed: impl Fn(&Stage, Laestab) -> bool,
) -> Response {
    if !signed_in(stage, headers) {
        return (API.refusal)(stage);
    }
    let query = query.unwrap_or_default();
    let number = |name: &str, usual: usize| match field(&query, name) {
        None => Some(usual),
        Some(text) => text.parse::<usize>().ok().filter(|n| *n > 0),
    };
    let (Some(page), Some(size)) = (number("page", 1), number("per_page", PAGE)) else {
        return refused("page and per_page must be whole numbers");
    };
    if size > LARGEST_PAGE {
        return refused("per_page may not be greater than 200");
    }
    let all: Vec<&School> =
        stage.invented.schools.iter().filter(|s| listed(stage, s.laestab)).collect();
    let rows: Vec<Value> =
        all.iter().skip((page - 1).saturating_mul(size)).take(size).map(|s| row(s)).collect();
    let more = page.saturating_mul(size) < all.len();
    let host = headers.get(HOST).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let next =
        more.then(|| format!("https://{host}{}?page={}&per_page={size}", uri.path(), page + 1));
    reply(
        200,
        &json!({
            "data": rows,
            "meta": {
                "pagination": {
                    "next": next, "previous": null, "more": more, "per_page": size,
                    "current_page": page,
                },
                "includes": [],
            },
        }),
    )
}

fn refused(why: &str) -> Response {
    reply(422, &json!({"error": "invalid_request", "message": why}))
}

fn row(school: &School) -> Value {
    let number = school.laestab.number() % 10_000;
    json!({
        "id": wonde_id(school.laestab),
        "name": school.name.as_str(),
        "establishment_number": number,
        "urn": school.urn,
        "la_code": school.laestab.la().to_string(),
        "phase_of_education": school.phase.as_str().to_uppercase(),
        "mis": "SIMS",
        "timezone": "Europe/London",
        "address": {
            "address_town": school.town.as_str(), "address_postcode": school.postcode.as_str(),
        },
        "region": {
            "code": "GB-ENG", "domain": "api.wonde.com",
            "identifiers": {
                "la_code": school.laestab.la().to_string(),
                "establishment_number": format!("{number:04}"),
                "urn": school.urn.map(|urn| urn.to_string()),
            },
        },
    })
}

async fn counts(
    State(stage): State<Arc<Stage>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if !signed_in(&stage, &headers) {
        return (API.refusal)(&stage);
    }
    let school = stage.invented.schools.iter().find(|s| wonde_id(s.laestab) == id);
    let Some(school) = school.filter(|s| !withdrawn(&stage, s.laestab)) else {
        let words = "The school was not found or has not approved access.";
        return reply(404, &json!({"error": "resource_not_found", "message": words}));
    };
    let wanted = field(&query.unwrap_or_default(), "include").unwrap_or_default();
    let none = stage.school_fault("wonde", school.laestab) == Some(Fault::Empty200);
    let pupils = if none { 0 } else { school.pupils.unwrap_or(0) };
    let staff = 5 + below(stage.seed, "wonde staff", school.laestab, 80);
    let mut data = json!({});
    for part in wanted.split(',') {
        let count = match part {
            "students" => pupils,
            "employees" => staff,
            "" => continue,
            _ => return refused("include holds an unknown word"),
        };
        if let Value::Object(fields) = &mut data {
            fields.insert(part.to_owned(), json!({"data": {"count": count}}));
        }
    }
    reply(200, &json!({ "data": data }))
}
