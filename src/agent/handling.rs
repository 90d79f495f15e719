//! `POST /v1/handling`: operators take things in hand. Board history, not the audit.
//!
//! The rules of what may be taken stand in [`sort`]; who asks is what the kernel says.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use crate::agent::problem::{Refusal, json};
use crate::agent::routes::{Answer, Desk, body_of};
use crate::hub::Stand;
use crate::model::cell::Handling;
use crate::model::desk::{CellName, DeskEntry, DeskKind};
use crate::model::text::Clean;
use crate::ports::store::Save;
use crate::wire::desk::{Handle, Handled, LeftOut, MOST_CELLS};

/// The longest acknowledgement or claim.
const LONGEST_HOLD: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The longest downtime, and how far ahead one may begin.
const LONGEST_DOWNTIME: SignedDuration = SignedDuration::from_hours(90 * 24);
/// The longest reason or note, in characters.
const LONGEST_WHY: usize = 300;
/// Cells that were left out and are told by name.
const TOLD: usize = 100;

/// The account behind a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    pub uid: u32,
}

pub(super) async fn handle(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let asked: Handle = body_of(body)?.ok_or_else(|| Refusal::bad_request("the body is empty"))?;
    let now = desk.clock.now();
    let asked = settled(asked, now, |now| desk.settings.shift_end(now))?;
    let people = Arc::clone(&desk.settings.people);
    let by = tokio::task::spawn_blocking(move || people.account(caller.uid)).await;
    let by = by.ok().flatten().unwrap_or_else(|| Clean::new(&format!("uid {}", caller.uid)));
    let names = asked.cells.clone();
    let stands = desk.hub.ask(move |held| held.stands(&names)).await?;
    let sorted = sort(&asked, &by, stands);
    let id = if sorted.done.is_empty() { 0 } else { act(&desk, &asked, &by, &sorted.done).await? };
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let told = Handled {
        id,
        by,
        kind: asked.kind,
        done: count(sorted.done.len()),
        from: asked.from,
        until: asked.until,
        taken_over: sorted.taken_over,
        left_out: count(sorted.left_out.len()),
        left_out_cells: sorted.left_out.into_iter().take(TOLD).collect(),
    };
    Ok(json(StatusCode::OK, &told))
}

/// Has it judged, and kept in the book. The entry's number.
async fn act(desk: &Desk, asked: &Handle, by: &Clean, done: &[CellName]) -> Result<u64, Refusal> {
    let handling =
        asked.kind.handling().map(|kind| Handling { kind, by: by.clone(), until: asked.until });
    if asked.kind != DeskKind::Note {
        desk.hub.handled(done, asked.from, handling.as_ref()).await?;
    }
    let now = desk.clock.now();
    let id = desk.next_entry(now);
    let entry = DeskEntry {
        id,
        at: now,
        by: by.clone(),
        kind: asked.kind,
        from: asked.from,
        until: asked.until,
        filter: asked.filter.clone(),
        why: asked.why.clone(),
        cells: done.to_vec(),
    };
    let (revision, _) = desk.hub.stand();
    desk.store.keep(Save { at: now, revision, desk: vec![entry], ..Save::default() });
    Ok(id)
}

/// What was asked, made whole and held against its rules.
fn settled(
    mut asked: Handle,
    now: Timestamp,
    shift_end: impl Fn(Timestamp) -> Timestamp,
) -> Result<Handle, Refusal> {
    let refuse = |why: &str| Err(Refusal::bad_request(why));
    if asked.cells.is_empty() {
        return refuse("no cell is named: name a school (or `estate`) and a service");
    }
    if asked.cells.len() > MOST_CELLS {
        return refuse("more than 10,000 cells at once; narrow the filter");
    }
    if asked.why.as_str().chars().count() > LONGEST_WHY {
        return refuse("the reason is longer than 300 characters; put the rest into the ticket");
    }
    let needs_why = matches!(asked.kind, DeskKind::Downtime | DeskKind::Note);
    if needs_why && asked.why.is_empty() {
        return refuse("a downtime and a note need a reason in `why`");
    }
    asked.cells.sort_unstable();
    asked.cells.dedup();
    asked.from = asked.from.filter(|from| *from > now);
    let longest = match asked.kind {
        DeskKind::Note | DeskKind::GiveBack => {
            (asked.from, asked.until) = (None, None);
            return Ok(asked);
        }
        DeskKind::Downtime => LONGEST_DOWNTIME,
        DeskKind::Acknowledge | DeskKind::Claim => LONGEST_HOLD,
    };
    if asked.from.is_some() && asked.kind != DeskKind::Downtime {
        return refuse("only a downtime can begin later");
    }
    if asked.from.is_some_and(|from| from.duration_since(now) > LONGEST_DOWNTIME) {
        return refuse("it begins more than 90 days ahead; plan it nearer to its time");
    }
    let begins = asked.from.unwrap_or(now);
    let until = match (asked.until, asked.kind) {
        (Some(until), _) => until,
        (None, DeskKind::Downtime) => return refuse("a downtime needs its end in `until`"),
        (None, _) => shift_end(now),
    };
    if until <= begins {
        return refuse("it would be over before it begins; `until` lies too early");
    }
    if until.duration_since(begins) > longest {
        return refuse(
            "it would last too long: at most 7 days, a downtime 90; everything set aside runs out",
        );
    }
    asked.until = Some(until);
    Ok(asked)
}

/// Cells by what becomes of them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sorted {
    done: Vec<CellName>,
    left_out: Vec<LeftOut>,
    taken_over: u32,
}

/// Which cells it is done to, and why not to the others.
fn sort(asked: &Handle, by: &Clean, stands: Vec<Option<Stand>>) -> Sorted {
    let mut sorted = Sorted::default();
    for (cell, stand) in asked.cells.iter().cloned().zip(stands) {
        let why = match &stand {
            None => Some("there is no such school or service".to_owned()),
            Some(stand) => left_alone(asked.kind, stand),
        };
        if let Some(why) = why {
            sorted.left_out.push(LeftOut { cell, why: Clean::new(&why) });
            continue;
        }
        let had = stand.and_then(|s| s.handling).is_some_and(|h| h.by != *by);
        sorted.taken_over += u32::from(had && asked.kind.handling().is_some());
        sorted.done.push(cell);
    }
    sorted
}

/// Why a cell is left alone.
fn left_alone(kind: DeskKind, stand: &Stand) -> Option<String> {
    if !stand.taken {
        return Some("the school does not take it, or nothing watches it".to_owned());
    }
    match kind {
        DeskKind::Acknowledge | DeskKind::Claim if !stand.trouble => {
            Some("it is not in trouble".to_owned())
        }
        DeskKind::Acknowledge | DeskKind::Claim => {
            let cause = stand.follows.as_ref()?;
            Some(format!("it only follows from {cause}: take that"))
        }
        DeskKind::GiveBack if stand.handling.is_none() && !stand.planned => {
            Some("nobody has it, and nothing is planned".to_owned())
        }
        DeskKind::Downtime | DeskKind::Note | DeskKind::GiveBack => None,
    }
}
