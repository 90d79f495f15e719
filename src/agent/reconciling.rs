//! The route that holds the vendor's own audit against ours.

use std::sync::{Arc, PoisonError};

use axum::Router;
use axum::extract::{Extension, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use jiff::{SignedDuration, Timestamp};

use crate::agent::guarded::Counter;
use crate::agent::peers::PeerId;
use crate::agent::problem::{Refusal, json};
use crate::agent::routes::pairs;
use crate::wire::VERSION;
use crate::wire::reconcile::Reconciliation;

/// What is asked for unless a time is given.
const USUALLY: SignedDuration = SignedDuration::from_hours(24);

/// The route.
pub(super) fn router(counter: Arc<Counter>) -> Router {
    Router::new().route("/v1/audit/reconcile", get(reconcile)).with_state(counter)
}

async fn reconcile(
    State(at): State<Arc<Counter>>,
    Extension(peer): Extension<PeerId>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let who = at.who(peer).await?;
    let as_of = at.clock.now();
    let since = since(query.as_deref(), as_of)?;
    let guard = at.guard()?;
    let audits = at.audits.read().unwrap_or_else(PoisonError::into_inner).clone();
    let audits = audits.ok_or_else(|| {
        Refusal::not_found(
            "no vendor's audit can be read: configure services.welearn365, and grant its app \
             AuditLog.Read.All",
        )
    })?;
    let reconciled = guard.reconcile(&who, &*audits, since).await?;
    let health = reconciled.health();
    let page = Reconciliation { version: VERSION, as_of, since, health, reconciled };
    Ok(json(StatusCode::OK, &page))
}

fn since(query: Option<&str>, now: Timestamp) -> Result<Timestamp, Refusal> {
    let mut since = now.checked_sub(USUALLY).unwrap_or(now);
    for (key, value) in pairs(query) {
        let read = value.parse().ok().filter(|at| *at < now);
        since = match (key.as_str(), read) {
            ("since", Some(at)) => at,
            ("since", None) => {
                let why = "`since` is a time in the past, like 2026-03-03T09:00:00Z";
                return Err(Refusal::bad_request(why));
            }
            _ => return Err(Refusal::bad_request("this route takes: since")),
        };
    }
    Ok(since)
}
