//! A training's desk: what operators looked at and tried is noted, beside the desk's book and the
//! audit, for the debrief. Only a demo has one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use jiff::Timestamp;

use crate::agent::problem::{Refusal, json};
use crate::agent::routes::{Answer, Desk};
use crate::hub::Stand;
use crate::model::audit::Entry;
use crate::model::cell::Row;
use crate::model::desk::{CellName, DeskKind};
use crate::model::text::Clean;
use crate::model::training::{Note, Noted, Promise, Record, Training, debrief};
use crate::ports::ledger::AuditQuery;
use crate::wire::VERSION;
use crate::wire::training::TrainingPage;

/// State changes of a row, and entries of the audit, that are looked through.
const LOOKED_THROUGH: usize = 1_000;
/// From so many notes on, none is made any more of a page that is read: a console reads the same one
/// again whenever it changes. What people do is always noted.
const MOST_NOTES: usize = 20_000;

/// The training that runs, and what was noted.
#[derive(Debug)]
pub struct TrainingDesk {
    name: Clean,
    training: Training,
    began: Timestamp,
    notes: Mutex<Vec<Note>>,
}

impl TrainingDesk {
    /// A training that begins at `began`.
    #[must_use]
    pub fn new(name: &str, training: Training, began: Timestamp) -> Arc<Self> {
        Arc::new(Self { name: Clean::new(name), training, began, notes: Mutex::default() })
    }

    fn notes(&self) -> MutexGuard<'_, Vec<Note>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, at: Timestamp, what: Noted) {
        let mut notes = self.notes();
        if notes.len() < MOST_NOTES || !matches!(what, Noted::Looked(_)) {
            notes.push(Note { at, what });
        }
    }

    /// A row's page was read.
    pub(super) fn looked(&self, at: Timestamp, row: Row) {
        self.note(at, Noted::Looked(row));
    }

    /// Cells were taken in hand, or that was tried; `stands` is how each of `asked` stood.
    pub(super) fn taken(
        &self,
        at: Timestamp,
        kind: DeskKind,
        (asked, stands): (&[CellName], &[Option<Stand>]),
        done: &[CellName],
    ) {
        let left = |is: fn(&Stand) -> bool| {
            let left = asked.iter().zip(stands).filter(|(cell, stand)| {
                !done.contains(cell) && stand.as_ref().is_some_and(|stand| stand.taken && is(stand))
            });
            left.map(|(cell, _)| cell.clone()).collect()
        };
        self.note(
            at,
            Noted::Taken {
                kind,
                done: done.to_vec(),
                follows: left(|stand| stand.trouble && stand.follows.is_some()),
                quiet: left(|stand| !stand.trouble),
            },
        );
    }

    /// The hints that were asked for so far.
    fn hints(&self) -> usize {
        self.notes().iter().filter(|note| note.what == Noted::Hint).count()
    }
}

/// The routes.
pub(super) fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/v1/training", get(training))
        .route("/v1/training/hint", post(hint))
        .with_state(desk)
}

fn running(desk: &Desk) -> Result<Arc<TrainingDesk>, Refusal> {
    desk.settings.training.clone().ok_or_else(|| {
        Refusal::not_found(
            "no training runs here; `caretaker demo --scenario list` names those that can be started",
        )
    })
}

async fn training(State(desk): State<Arc<Desk>>) -> Answer {
    let running = running(&desk)?;
    page(&desk, &running).await
}

async fn hint(State(desk): State<Arc<Desk>>) -> Answer {
    let running = running(&desk)?;
    if running.hints() < running.training.hints.len() {
        running.note(desk.clock.now(), Noted::Hint);
    }
    page(&desk, &running).await
}

async fn page(desk: &Desk, running: &TrainingDesk) -> Answer {
    let now = desk.clock.now();
    let training = &running.training;
    let turned = turned(desk, training, running.began).await?;
    let mut notes = running.notes().clone();
    notes.extend(recorded(desk, running.began).await?);
    let record = Record { began: running.began, now, turned, notes };
    let given = running.hints();
    let page = TrainingPage {
        version: VERSION,
        as_of: now,
        name: running.name.clone(),
        title: training.title.clone(),
        brief: training.brief.clone(),
        hints: training.hints.iter().take(given).cloned().collect(),
        hints_left: u32::try_from(training.hints.len().saturating_sub(given)).unwrap_or(u32::MAX),
        debrief: debrief(training, &record),
    };
    Ok(json(StatusCode::OK, &page))
}

/// When each promised cell first stood as promised, since the training began.
async fn turned(
    desk: &Desk,
    training: &Training,
    began: Timestamp,
) -> Result<Vec<Option<Timestamp>>, Refusal> {
    let mut out = Vec::with_capacity(training.expects.len());
    for promise in &training.expects {
        out.push(first_turned(desk, promise.clone(), began).await?);
    }
    Ok(out)
}

async fn first_turned(
    desk: &Desk,
    promise: Promise,
    began: Timestamp,
) -> Result<Option<Timestamp>, Refusal> {
    let row = promise.cell.row;
    let page = desk.hub.ask(move |held| held.page(row)).await?;
    let store = Arc::clone(&desk.store);
    let history = tokio::task::spawn_blocking(move || store.history(row, LOOKED_THROUGH)).await;
    let history = history
        .map_err(|e| Refusal::busy(&e.to_string()))?
        .map_err(|e| Refusal::busy(&e.to_string()))?;
    let as_promised = |health, reason| {
        health == promise.health && (promise.reason.is_none() || reason == promise.reason)
    };
    let before = history.iter().filter(|change| {
        change.service == promise.cell.service && as_promised(change.to, change.reason)
    });
    let now = page.iter().flat_map(|page| &page.services).filter(|service| {
        let cell = &service.cell;
        service.service == promise.cell.service && as_promised(cell.health, cell.reason)
    });
    let times = before.map(|change| change.at).chain(now.filter_map(|s| s.cell.state_since));
    Ok(times.filter(|at| *at >= began).min())
}

/// What the audit has since the training began.
async fn recorded(desk: &Desk, began: Timestamp) -> Result<Vec<Note>, Refusal> {
    let Ok(guard) = &desk.settings.guard else { return Ok(Vec::new()) };
    let ledger = guard.ledger();
    let query = AuditQuery { since: Some(began), limit: LOOKED_THROUGH, ..AuditQuery::default() };
    let entries = tokio::task::spawn_blocking(move || ledger.entries(&query)).await;
    let entries = entries
        .map_err(|e| Refusal::busy(&e.to_string()))?
        .map_err(|e| Refusal::busy(&e.to_string()))?;
    Ok(entries.iter().filter_map(of_entry).collect())
}

fn of_entry(entry: &Entry) -> Option<Note> {
    let value = |name: &str| entry.body.get(name).cloned().unwrap_or_default();
    let action = || value("action").to_string();
    let what = match entry.kind.as_str() {
        "plan" => Noted::Planned(action()),
        "confirmed" => Noted::Confirmed(action()),
        "denied" => Noted::Denied(action(), value("why")),
        "emergency" => Noted::Emergency,
        _ => return None,
    };
    Some(Note { at: entry.at, what })
}
