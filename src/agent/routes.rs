//! The routes. Each answer's shape stands in `wire`, and in the document that `openapi` serves.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::agent::accounts;
use crate::agent::changes;
use crate::agent::days;
use crate::agent::diff;
use crate::agent::guarded::{self, Counter};
use crate::agent::handling;
use crate::agent::handover;
use crate::agent::incidents;
use crate::agent::metrics::{Metrics, Standing};
use crate::agent::openapi;
use crate::agent::past;
use crate::agent::problem::{Refusal, json, typed};
use crate::agent::reconciling;
use crate::agent::recording;
use crate::agent::reloads::Reloads;
use crate::agent::report;
use crate::agent::runs;
use crate::agent::schedule::Scheduler;
use crate::agent::settings::AgentSettings;
use crate::agent::stream::{BrokenOff, PIECE, listed};
use crate::agent::tickets::Book;
use crate::agent::training;
use crate::hub::{Hub, HubGone, Narrow};
use crate::model::cell::Row;
use crate::model::desk::DeskEntry;
use crate::model::ids::{CheckId, Laestab, ServiceKey};
use crate::ports::clock::Clock;
use crate::ports::store::Store;
use crate::wire::VERSION;
use crate::wire::board::AgentInfo;
use crate::wire::desk::DeskLine;
use crate::wire::page::{AgentHealth, Refresh};

/// Schools whose statuses are read in one go, and so are all of one revision with the totals.
const AT_ONCE: usize = 1_000;
/// State changes on a page.
pub(super) const HISTORY: usize = 100;
/// Schools that a query may name.
const NAMED: usize = 1_000;

/// What the routes answer from.
pub(super) struct Desk {
    pub settings: AgentSettings,
    pub hub: Hub,
    pub scheduler: Scheduler,
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub metrics: Arc<Metrics>,
    pub started_at: Timestamp,
    pub reloads: Arc<Reloads>,
    pub readers: Arc<Semaphore>,
    pub whole: Arc<Semaphore>,
    /// Made when it is first asked for: that takes longer than all else of a start.
    pub document: OnceLock<Bytes>,
    /// The last number that was given to an entry of the desk's book.
    pub last_entry: AtomicU64,
    /// Tickets that stand.
    pub tickets: Book,
}

pub(super) type Answer = Result<Response, Refusal>;
type At = State<Arc<Desk>>;

impl From<HubGone> for Refusal {
    fn from(_: HubGone) -> Self {
        Self::stopping()
    }
}

impl Desk {
    fn readers(&self) -> u32 {
        let free = self.readers.available_permits();
        u32::try_from(self.settings.limits.readers.saturating_sub(free)).unwrap_or(u32::MAX)
    }

    /// A number for an entry of the desk's book: of the clock, and larger than any before.
    pub fn next_entry(&self, now: Timestamp) -> u64 {
        let clock = u64::try_from(now.as_microsecond()).unwrap_or(0);
        let next = |last: u64| Some(clock.max(last + 1));
        let last = self.last_entry.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
        last.map_or(clock, |last| clock.max(last + 1))
    }

    /// One of the places for answers that hold a whole board until they are read.
    pub(super) fn whole_place(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.whole).try_acquire_owned().map_err(|_| {
            Refusal::busy("as many whole boards as this agent writes at once are being read; wait")
        })
    }
}

/// All routes.
pub(super) fn router(desk: Arc<Desk>, counter: Arc<Counter>) -> Router {
    let limit = DefaultBodyLimit::max(desk.settings.limits.body);
    let orders = desk.settings.limits.orders;
    Router::new()
        .route("/v1/board", get(board))
        .route("/v1/changes", get(follow))
        .route("/v1/schools/{school}", get(page))
        .route("/v1/checks/{school}/{check}", get(check))
        .route("/v1/runs/{laestab}", get(runs::runs))
        .route("/v1/incidents", get(incidents::list))
        .route("/v1/incidents/{id}", get(incidents::page).post(incidents::order))
        .route("/v1/days", get(days::days))
        .route("/v1/diff", get(diff::diff))
        .route("/v1/handover", get(handover::handover))
        .route("/v1/recording", get(recording::recording))
        .route("/v1/report", get(report::report))
        .route("/v1/status", get(status))
        .route("/v1/refresh", post(refresh))
        .route("/v1/handling", post(handling::handle).layer(DefaultBodyLimit::max(orders)))
        .route("/v1/desk/{id}/strike", post(handling::strike))
        .route("/v1/health", get(health))
        .route("/v1/metrics", get(metrics))
        .route("/v1/openapi.json", get(document))
        .with_state(Arc::clone(&desk))
        .merge(training::router(Arc::clone(&desk)))
        .merge(accounts::router(Arc::clone(&counter)))
        .merge(reconciling::router(Arc::clone(&counter)))
        .merge(guarded::router(counter))
        .fallback(nowhere)
        .method_not_allowed_fallback(|| async { Refusal::method() })
        .layer(limit)
        .layer(middleware::from_fn_with_state(desk, timed))
}

/// Every answer begins within a limit, and is counted.
async fn timed(State(desk): At, request: Request, next: Next) -> Response {
    let response = tokio::select! {
        response = next.run(request) => response,
        () = desk.clock.sleep(desk.settings.limits.answer_time) => {
            Refusal::late().into_response()
        }
    };
    desk.metrics.answered(response.status().as_u16());
    response
}

async fn nowhere() -> Refusal {
    Refusal::not_found("there is no such route; /v1/openapi.json names them all")
}

/// Who answers.
pub(super) fn agent_info(desk: &Desk) -> AgentInfo {
    AgentInfo {
        version: env!("CARGO_PKG_VERSION").into(),
        demo: desk.settings.demo,
        started_at: desk.started_at,
        embedded: desk.settings.embedded,
        training: desk.settings.training.is_some(),
    }
}

/// The moment that a query with no other parameter asks for.
fn at_only(query: Option<&str>) -> Result<Option<Timestamp>, Refusal> {
    let mut at = None;
    for (key, value) in pairs(query) {
        match key.as_str() {
            "at" => at = Some(past::moment_of(&value)?),
            other => return Err(unknown_parameter(other, "at")),
        }
    }
    Ok(at)
}

async fn board(State(desk): At, RawQuery(query): RawQuery) -> Answer {
    let (mut at, mut first) = (None, None);
    for (key, value) in pairs(query.as_deref()) {
        match key.as_str() {
            "at" => at = Some(past::moment_of(&value)?),
            "first" => first = Some(how_many(&value)?),
            other => return Err(unknown_parameter(other, "at, first")),
        }
    }
    match (at, first) {
        (Some(at), None) => return past::board(desk, at).await,
        (Some(_), Some(_)) => {
            return Err(Refusal::bad_request("a past moment is told whole: leave out `first`"));
        }
        (None, _) => {}
    }
    let place = desk.whole_place()?;
    let snapshot = desk.hub.snapshot();
    let mut head = snapshot.head(agent_info(&desk), desk.clock.now());
    head.not_watched.extend(desk.scheduler.found());
    if let Some(first) = first.filter(|first| *first < snapshot.len()) {
        head.first_of = u32::try_from(snapshot.len()).ok();
        head.schools = snapshot.worst(first);
        return Ok(json(StatusCode::OK, &head));
    }
    let starts = (0..snapshot.len()).step_by(PIECE);
    let pieces = starts.map(move |from| Ok(snapshot.schools(from, PIECE)));
    listed(&head, "schools", stream::iter(pieces), place)
}

/// A number of rows, from 1 on.
fn how_many(text: &str) -> Result<usize, Refusal> {
    let number = text.parse().ok().filter(|n| *n > 0);
    number.ok_or_else(|| Refusal::bad_request("`first` is a number of rows, from 1 on"))
}

async fn follow(State(desk): At, headers: HeaderMap, RawQuery(query): RawQuery) -> Answer {
    let mut last = None;
    for (key, value) in pairs(query.as_deref()) {
        match key.as_str() {
            "since" => last = Some(revision(&value)?),
            other => return Err(unknown_parameter(other, "since")),
        }
    }
    if let Some(id) = headers.get("last-event-id") {
        last = Some(revision(id.to_str().unwrap_or_default())?);
    }
    let place = Arc::clone(&desk.readers).try_acquire_owned().map_err(|_| {
        Refusal::busy("as many consoles as this agent serves are attached; close one")
    })?;
    let reader = desk.hub.reader(last);
    let news = desk.settings.guard.as_ref().ok().map(crate::guard::Guard::news);
    Ok(changes::follow(reader, news, Arc::clone(&desk.clock), desk.settings.beat, place))
}

fn revision(text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| {
        Refusal::bad_request(
            "a revision is a whole number: the id of the last event, or the board's",
        )
    })
}

async fn page(State(desk): At, Path(school): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let laestab = school_or_estate(&school)?;
    let row = laestab.map_or(Row::Estate, Row::School);
    if let Some(at) = at_only(query.as_deref())? {
        return past::page(desk, row, &school, at).await;
    }
    if let Some(training) = &desk.settings.training {
        training.looked(desk.clock.now(), row);
    }
    let found = desk.hub.ask(move |held| held.page(row)).await?;
    let mut page = found.ok_or_else(|| no_school(&school))?;
    let store = Arc::clone(&desk.store);
    let read = move || (store.history(row, HISTORY), store.desk(row, HISTORY));
    match tokio::task::spawn_blocking(read).await {
        Ok((history, book)) => {
            let told = |what: &str, error| {
                tracing::warn!("the {what} of {school} cannot be read: {error}");
            };
            page.history = past::news(history.unwrap_or_else(|e| {
                told("history", e);
                Vec::new()
            }));
            let book = book.unwrap_or_else(|e| {
                told("desk's book", e);
                Vec::new()
            });
            page.desk = book.into_iter().map(line_of).collect();
        }
        Err(error) => tracing::error!("the history of {school} cannot be read: {error}"),
    }
    days::put(&desk, row, &mut page, desk.clock.now()).await;
    desk.put_tickets(row, &mut page).await;
    if laestab.is_none() {
        page.not_watched.extend(desk.scheduler.found());
    }
    desk.scheduler.looked_at(laestab);
    Ok(json(StatusCode::OK, &page))
}

pub(super) fn line_of(entry: DeskEntry) -> DeskLine {
    DeskLine {
        id: entry.id,
        at: entry.at,
        by: entry.by,
        kind: entry.kind,
        services: entry.cells.into_iter().map(|cell| cell.service).collect(),
        from: entry.from,
        until: entry.until,
        times: u32::try_from(entry.again.len() + 1).unwrap_or(u32::MAX),
        last: entry.again.last().map(|(_, until)| *until),
        filter: entry.filter,
        why: entry.why,
    }
}

async fn check(State(desk): At, Path((school, check)): Path<(String, String)>) -> Answer {
    let laestab = school_or_estate(&school)?;
    let id: CheckId = check.parse().map_err(|_| {
        Refusal::bad_request("a check is named `service.check`, such as groupcall.xporter_data")
    })?;
    let found = desk.hub.ask(move |held| held.check_page(laestab, &id)).await?;
    let found = found.ok_or_else(|| {
        Refusal::not_found("that check does not exist there; the school's page lists its checks")
    })?;
    Ok(json(StatusCode::OK, &found))
}

async fn status(State(desk): At, RawQuery(query): RawQuery) -> Answer {
    let estate = desk.hub.estate();
    let mut named: Option<Vec<Laestab>> = None;
    let mut narrow = Narrow::default();
    let mut at = None;
    for (key, value) in pairs(query.as_deref()) {
        match key.as_str() {
            "schools" => {
                let list = named.get_or_insert_default();
                for word in value.split(',').filter(|w| !w.is_empty()) {
                    list.push(school_of(word)?);
                }
            }
            "at" => at = Some(past::moment_of(&value)?),
            "service" if value.is_empty() => {}
            "service" => narrow.service = Some(service_of(&value, &estate)?),
            other => return Err(unknown_parameter(other, "schools, service, at")),
        }
    }
    let schools = match named {
        None => estate.schools.keys().copied().collect(),
        Some(named) if named.len() > NAMED => {
            return Err(Refusal::bad_request(
                "too many schools named; leave them out and pick from the whole answer",
            ));
        }
        Some(named) => {
            if let Some(missing) = named.iter().find(|l| !estate.schools.contains_key(l)) {
                return Err(no_school(&missing.to_string()));
            }
            named
        }
    };
    match at {
        Some(at) => past::status(desk, at, schools, narrow).await,
        None => statuses(desk, schools, narrow).await,
    }
}

async fn statuses(desk: Arc<Desk>, mut first: Vec<Laestab>, narrow: Narrow) -> Answer {
    let place = desk.whole_place()?;
    let rest = first.split_off(first.len().min(AT_ONCE));
    let asked = narrow.clone();
    let (mut head, rows) = desk
        .hub
        .ask(move |held| (held.status_head(&asked), held.school_statuses(&first, &asked)))
        .await?;
    head.not_watched.extend(desk.scheduler.found());
    desk.put_estate_tickets(&mut head).await;
    let rows = desk.with_tickets(rows).await;
    let more = stream::unfold(rest, move |mut left| {
        let (desk, narrow) = (Arc::clone(&desk), narrow.clone());
        async move {
            if left.is_empty() {
                return None;
            }
            let later = left.split_off(left.len().min(PIECE));
            let piece = desk.hub.ask(move |held| held.school_statuses(&left, &narrow)).await;
            match piece {
                Ok(piece) => Some((Ok(desk.with_tickets(piece).await), later)),
                Err(_) => Some((Err(BrokenOff), later)),
            }
        }
    });
    let rows = stream::once(async move { Ok(rows) });
    listed(&head, "schools", rows.chain(more), place)
}

/// A request's body as `T`; `None` if it is empty.
pub(super) fn body_of<T: DeserializeOwned>(
    body: Result<Bytes, BytesRejection>,
) -> Result<Option<T>, Refusal> {
    let body = body.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Refusal::too_large()
        } else {
            Refusal::bad_request("the request's body broke off; send it again")
        }
    })?;
    if body.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(&body).map(Some).map_err(|error| {
        Refusal::bad_request(&format!("the body is not as /v1/openapi.json describes it: {error}"))
    })
}

async fn refresh(State(desk): At, body: Result<Bytes, BytesRejection>) -> Answer {
    let what: Refresh = body_of(body)?.unwrap_or_default();
    let estate = desk.hub.estate();
    if let Some(school) = what.school.filter(|s| !estate.schools.contains_key(s)) {
        return Err(no_school(&school.to_string()));
    }
    if let Some(service) = &what.service {
        service_of(service.as_str(), &estate)?;
    }
    let refreshed = desk.scheduler.refresh(what).await.ok_or_else(Refusal::stopping)?;
    Ok(json(StatusCode::OK, &refreshed))
}

async fn health(State(desk): At) -> Response {
    let (revision, settled) = desk.hub.stand();
    let (configured_at, reload_refused) = desk.reloads.stand();
    let health = AgentHealth {
        version: env!("CARGO_PKG_VERSION").into(),
        wire: VERSION,
        pid: std::process::id(),
        revision,
        settled,
        store_ok: desk.store.trouble().is_none(),
        refused_events: desk.hub.refused(),
        foreign_answers: desk.metrics.foreign_so_far(),
        readers: desk.readers(),
        configured_at: Some(configured_at),
        reload_refused,
    };
    json(StatusCode::OK, &health)
}

async fn metrics(State(desk): At) -> Response {
    let (revision, settled) = desk.hub.stand();
    let (cells, schools) = desk.hub.totals();
    let text = desk.metrics.text(&Standing {
        revision,
        settled,
        readers: desk.readers(),
        store_ok: desk.store.trouble().is_none(),
        history_lost: desk.store.lost(),
        refused_events: desk.hub.refused(),
        cells,
        schools,
    });
    typed(StatusCode::OK, openapi::METRICS_TYPE, Body::from(text))
}

async fn document(State(desk): At) -> Response {
    typed(
        StatusCode::OK,
        "application/json",
        Body::from(desk.document.get_or_init(openapi::text).clone()),
    )
}

pub(super) fn school_or_estate(text: &str) -> Result<Option<Laestab>, Refusal> {
    if text == "estate" { Ok(None) } else { school_of(text).map(Some) }
}

pub(super) fn school_of(text: &str) -> Result<Laestab, Refusal> {
    text.parse().map_err(|error: crate::model::ids::IdError| {
        Refusal::bad_request(&format!("{error}; `estate` is the tenant's own row"))
    })
}

pub(super) fn service_of(
    text: &str,
    estate: &crate::model::estate::Estate,
) -> Result<ServiceKey, Refusal> {
    let known = estate.services.iter().find(|s| s.key.as_str() == text);
    known.map(|s| s.key.clone()).ok_or_else(|| {
        let all: Vec<&str> = estate.services.iter().map(|s| s.key.as_str()).collect();
        Refusal::not_found(&format!("no service of that key; there are: {}", all.join(", ")))
    })
}

pub(super) fn no_school(text: &str) -> Refusal {
    Refusal::not_found(&format!("no school has the number {text}; /v1/board lists all"))
}

pub(super) fn unknown_parameter(name: &str, known: &str) -> Refusal {
    let short: String = name.chars().take(40).collect();
    Refusal::bad_request(&format!("no parameter {short:?}; this route takes: {known}"))
}

/// The pairs of a query, decoded.
pub(super) fn pairs(query: Option<&str>) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect()
}
