//! A service desk with an interface for tickets, of no vendor in particular: one call that opens a ticket
//! and answers with its number, one that lists the tickets with an `external_id`. Its words are ours.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::response::Response;
use axum::routing::post;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::simulators::reply::{field, json as reply, page, text};
use crate::simulators::server::{Endpoint, Manners, nobodys, nothing};
use crate::simulators::stage::{Stage, lock};

/// Number of the first ticket.
const FIRST: usize = 10_482;
/// Longer than anybody waits.
const NEVER: Duration = Duration::from_secs(600);

const API: Manners = Manners {
    school_of: nobodys,
    error_inside: |_| reply(200, &json!({"status": "error", "error": "Could not create ticket"})),
    refusal: |_| reply(401, &json!({"error": "invalid_token"})),
    throttled: |_| reply(429, &json!({"error": "Rate limit exceeded"})),
};

/// What only a service desk can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketDeskFault {
    /// Breaks the connection before it opens the ticket.
    RequestLost,
    /// Opens the ticket and breaks the connection without an answer.
    AnswerLost,
    /// Opens the ticket and never answers.
    Silent,
    /// Opens the ticket and answers with a server error.
    FailsAfter,
    /// Opens the ticket and answers with a page of HTML.
    PageAfter,
    /// Opens the ticket and answers without its number.
    NoNumber,
    /// Opens it twice.
    Twice,
    /// Refuses a ticket with an `external_id` that it has.
    Duplicate,
    /// Refuses what it is given.
    Refuses,
    /// Lists every ticket, whatever is searched for.
    SearchesNothing,
    /// Lists no ticket yet: its search is behind.
    SearchIsLate,
}

/// Tickets and the faults in force.
pub(super) struct Counter {
    stage: Arc<Stage>,
    /// Each with the time at which it was opened.
    tickets: Mutex<Vec<(Timestamp, Value)>>,
    /// How much later its search lists a ticket.
    lag: Mutex<SignedDuration>,
    /// Each with the number of calls that it still strikes.
    faults: Mutex<Vec<(TicketDeskFault, u32)>>,
}

/// The service desk.
#[derive(Clone)]
pub struct TicketDesk(pub(super) Arc<Counter>);

impl TicketDesk {
    /// From now on, with the next so many calls that it can strike; several may be in force.
    pub fn goes_wrong(&self, fault: TicketDeskFault, times: u32) {
        lock(&self.0.faults).push((fault, times));
    }

    /// From now on its search lists a ticket only so long after it was opened.
    pub fn lists_after(&self, lag: SignedDuration) {
        *lock(&self.0.lag) = lag;
    }

    /// Every ticket as it was given, with its `id`.
    #[must_use]
    pub fn tickets(&self) -> Vec<Value> {
        lock(&self.0.tickets).iter().map(|(_, ticket)| ticket.clone()).collect()
    }
}

impl Counter {
    pub(super) fn new(stage: Arc<Stage>) -> Arc<Self> {
        let (tickets, lag, faults) = (Mutex::default(), Mutex::default(), Mutex::default());
        Arc::new(Self { stage, tickets, lag, faults })
    }

    pub(super) fn endpoint(self: &Arc<Self>) -> Endpoint {
        let router =
            Router::new().route("/api/v2/tickets", post(open).get(list)).with_state(self.clone());
        Endpoint { key: "ticket_desk".to_owned(), router, manners: API, tls: true }
    }

    /// Whether one of `faults` strikes this call.
    fn strikes(&self, faults: &[TicketDeskFault]) -> Option<TicketDeskFault> {
        let mut held = lock(&self.faults);
        let fits = |(fault, times): &&mut (_, u32)| *times > 0 && faults.contains(fault);
        let (fault, times) = held.iter_mut().find(fits)?;
        *times -= 1;
        Some(*fault)
    }

    fn signed_in(&self, headers: &HeaderMap) -> bool {
        let token = self.stage.credential("ticket_desk").unwrap_or_default();
        let sent = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok());
        sent.and_then(|v| v.strip_prefix("Bearer ")).is_some_and(|sent| sent == token)
    }

    fn keep(&self, ticket: &Value) -> Value {
        let mut tickets = lock(&self.tickets);
        let mut ticket = ticket.clone();
        if let Value::Object(fields) = &mut ticket {
            fields.insert("id".to_owned(), json!(FIRST + tickets.len()));
        }
        tickets.push((self.stage.now(), ticket.clone()));
        self.stage.effect(format!("ticket {}", text(&ticket, "external_id")));
        ticket
    }
}

async fn open(State(desk): State<Arc<Counter>>, headers: HeaderMap, body: Bytes) -> Response {
    use TicketDeskFault as F;
    if !desk.signed_in(&headers) {
        return (API.refusal)(&desk.stage);
    }
    let ticket: Option<Value> = serde_json::from_slice(&body).ok();
    let well = |t: &Value| t.get("subject").is_some_and(Value::is_string);
    let Some(ticket) = ticket.filter(well) else {
        return reply(400, &json!({"error": "Validation failed", "field": "subject"}));
    };
    match desk.strikes(&[F::Refuses, F::RequestLost]) {
        Some(F::Refuses) => {
            return reply(422, &json!({"error": "Validation failed", "field": "category"}));
        }
        Some(_) => return Response::new(nothing()),
        None => {}
    }
    let same = |t: &Value| t.get("external_id") == ticket.get("external_id");
    if lock(&desk.tickets).iter().any(|(_, t)| same(t)) && desk.strikes(&[F::Duplicate]).is_some() {
        return reply(409, &json!({"error": "external_id has already been taken"}));
    }
    let kept = desk.keep(&ticket);
    let after = [F::AnswerLost, F::Silent, F::FailsAfter, F::PageAfter, F::NoNumber, F::Twice];
    match desk.strikes(&after) {
        Some(F::AnswerLost) => Response::new(nothing()),
        Some(F::Silent) => {
            tokio::time::sleep(NEVER).await;
            Response::new(nothing())
        }
        Some(F::FailsAfter) => reply(500, &json!({"error": "Internal error"})),
        Some(F::PageAfter) => page(200, "<html><body><h1>Down for maintenance</h1></body></html>"),
        Some(F::NoNumber) => reply(202, &json!({"status": "queued"})),
        Some(F::Twice) => {
            desk.keep(&ticket);
            reply(201, &json!({ "ticket": kept }))
        }
        _ => reply(201, &json!({ "ticket": kept })),
    }
}

async fn list(
    State(desk): State<Arc<Counter>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    use TicketDeskFault as F;
    if !desk.signed_in(&headers) {
        return (API.refusal)(&desk.stage);
    }
    let wanted = field(&query.unwrap_or_default(), "external_id");
    let fault = desk.strikes(&[F::SearchesNothing, F::SearchIsLate]);
    let (tickets, lag, now) = (lock(&desk.tickets), *lock(&desk.lag), desk.stage.now());
    let is_listed = |opened: &Timestamp| now.duration_since(*opened) >= lag;
    let holds = |t: &&Value| match (&wanted, fault) {
        (_, Some(F::SearchesNothing)) => true,
        (_, Some(_)) => false,
        (Some(id), None) => t.get("external_id").and_then(Value::as_str) == Some(id),
        (None, None) => true,
    };
    let listed = tickets.iter().filter(|(opened, _)| is_listed(opened)).map(|(_, t)| t);
    let found: Vec<&Value> = listed.filter(holds).collect();
    reply(200, &json!({ "tickets": found }))
}
