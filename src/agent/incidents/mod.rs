//! `/v1/incidents`: what is broken, since when, what is the root, who works on it, what was tried.
//!
//! Who asks is what the kernel says. What was done to cells stands in the desk's book as well; what
//! was done outside is read from the ledger, without anybody's reason.

mod time_line;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use jiff::Timestamp;

use crate::agent::handling::{name_of, take};
use crate::agent::incidents::time_line::{Read, Sources, time_line};
use crate::agent::peers::PeerId;
use crate::agent::problem::{Refusal, json};
use crate::agent::routes::{Answer, Desk, body_of, pairs, unknown_parameter};
use crate::guard::acted_on;
use crate::hub::{Order, OrderError, Said, members_of};
use crate::model::cell::Row;
use crate::model::desk::{CellName, DeskKind};
use crate::model::incident::{IncidentDeed, IncidentEntry, IncidentState, KeptIncident, Member};
use crate::model::text::Clean;
use crate::model::when::ago;
use crate::ports::ledger::Held;
use crate::ports::store::Save;
use crate::wire::VERSION;
use crate::wire::desk::{Handle, Handled, MOST_CELLS};
use crate::wire::incident::{
    IncidentDo, IncidentDone, IncidentLine, IncidentOrder, IncidentPage, Incidents, MOST_MEMBERS,
};

/// Ended incidents in one answer.
const ENDED: usize = 200;
/// Rows whose history and book are read for one time line.
const ROWS: usize = 100;
/// Lines of one row's history, and of its book, that are looked through.
const LINES: usize = 300;
/// Actions that are looked through, the newest.
const ACTIONS: usize = 2_000;
/// The longest reason or note, in characters.
const LONGEST_WHY: usize = 300;

impl From<OrderError> for Refusal {
    fn from(error: OrderError) -> Self {
        let text = error.to_string();
        match error {
            OrderError::NotOpen(_) => Self::not_found(&text),
            OrderError::Merged(..) | OrderError::InTrouble(..) | OrderError::Full => {
                Self::conflict(&text)
            }
            OrderError::Itself | OrderError::NotAMember(..) | OrderError::Parts(_) => {
                Self::bad_request(&text)
            }
        }
    }
}

pub(super) async fn list(State(desk): State<Arc<Desk>>, RawQuery(query): RawQuery) -> Answer {
    let now = desk.clock.now();
    let (mut since, mut places) = (None, Vec::new());
    for (key, value) in pairs(query.as_deref()) {
        match key.as_str() {
            "ended" => {
                since = Some(ago(&value, now).ok_or_else(|| {
                    Refusal::bad_request("`ended` is how long ago at most, such as 90m, 24h or 7d")
                })?);
            }
            "places" if value == "true" => {
                places = desk.hub.ask(crate::hub::Held::incident_places).await?;
            }
            "places" => return Err(Refusal::bad_request("`places` is true, or left out")),
            other => return Err(unknown_parameter(other, "ended, places")),
        }
    }
    let limit = since.unwrap_or(Timestamp::MAX);
    let (mut lines, mut more_ended) =
        (desk.hub.ask(move |held| held.incident_lines(limit)).await?, false);
    if let Some(since) = since {
        let store = Arc::clone(&desk.store);
        let read = blocking(move || store.incidents(since, ENDED + 1)).await?;
        let kept = read.map_err(|e| Refusal::busy(&e.to_string()))?;
        more_ended = kept.len() > ENDED;
        let known: BTreeSet<u64> = lines.iter().map(|line| line.id).collect();
        let old: Vec<KeptIncident> =
            kept.into_iter().filter(|kept| !known.contains(&kept.incident.id)).collect();
        let old = desk.hub.ask(move |held| {
            let line = |kept: &KeptIncident| {
                let members: Vec<&Member> = kept.members.iter().collect();
                held.incident_line(&kept.incident, &members)
            };
            old.iter().map(line).collect::<Vec<_>>()
        });
        lines.extend(old.await?);
        let open = |line: &IncidentLine| line.state.ended_at();
        let (running, mut ended): (Vec<_>, Vec<_>) =
            lines.into_iter().partition(|line| open(line).is_none());
        ended.sort_by_key(|line| std::cmp::Reverse((open(line), line.id)));
        more_ended |= ended.len() > ENDED;
        ended.truncate(ENDED);
        lines = running.into_iter().chain(ended).collect();
    }
    let (revision, settled) = desk.hub.stand();
    let all = Incidents {
        version: VERSION,
        revision,
        as_of: now,
        settled,
        incidents: lines,
        more_ended,
        places,
    };
    Ok(json(StatusCode::OK, &all))
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(read).await.map_err(|e| Refusal::busy(&e.to_string()))
}

fn number(text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| {
        Refusal::bad_request("an incident is named by its number; /v1/incidents lists them")
    })
}

/// An incident by number, wherever it is.
pub(super) async fn found(desk: &Desk, id: u64) -> Result<KeptIncident, Refusal> {
    if let Some(held) = desk.hub.ask(move |held| held.incident(id)).await? {
        return Ok(held);
    }
    let store = Arc::clone(&desk.store);
    let kept = blocking(move || store.incident(id)).await?;
    let kept = kept.map_err(|e| Refusal::busy(&e.to_string()))?;
    kept.ok_or_else(|| {
        Refusal::not_found(&format!(
            "no incident has the number {id}; `caretaker incidents --ended 7d` lists them"
        ))
    })
}

pub(super) async fn page(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Answer {
    let kept = found(&desk, number(&id)?).await?;
    let now = desk.clock.now();
    let (sources, mut not_known) = sources(&desk, &kept, now).await?;
    let told = desk.hub.ask(move |held| {
        let members: Vec<&Member> = kept.members.iter().collect();
        let line = held.incident_line(&kept.incident, &members);
        let cells = held.incident_members(&kept.members, MOST_MEMBERS);
        let read = Read { kept: &kept, line: &line, sources: &sources, now };
        let lines = time_line(held, &read);
        (line, cells, lines, kept.members.len())
    });
    let (incident, members, time_line, all) = told.await?;
    if let Some(cut) = before_the_start(&incident, desk.started_at) {
        not_known.push(cut);
    }
    let left_out = all.saturating_sub(members.len());
    let page = IncidentPage {
        version: VERSION,
        as_of: now,
        incident,
        members,
        members_left_out: u32::try_from(left_out).unwrap_or(u32::MAX),
        time_line,
        not_known,
    };
    Ok(json(StatusCode::OK, &page))
}

/// What happened while no agent ran is not known.
fn before_the_start(line: &IncidentLine, started_at: Timestamp) -> Option<Clean> {
    let is_within =
        line.opened_at < started_at && line.state.ended_at().is_none_or(|ended| ended > started_at);
    is_within.then(|| {
        Clean::new(
            "the agent was started anew meanwhile: what changed while it was not running was seen only \
             afterwards",
        )
    })
}

/// All that the time line is made of, and what could not be read.
async fn sources(
    desk: &Desk,
    kept: &KeptIncident,
    now: Timestamp,
) -> Result<(Sources, Vec<Clean>), Refusal> {
    let mut not_known = Vec::new();
    let rows = rows_of(&kept.members);
    let count = rows.len();
    let read: Vec<Row> = rows.into_iter().take(ROWS).collect();
    if count > read.len() {
        not_known.push(Clean::new(&format!(
            "changes between their first and their last are read for {} of the {count} rows only",
            read.len()
        )));
    }
    let store = Arc::clone(&desk.store);
    let wanted = read.clone();
    let told = blocking(move || {
        let each = wanted
            .iter()
            .map(|row| Ok((*row, store.history(*row, LINES)?, store.desk(*row, LINES)?)));
        each.collect::<Result<Vec<_>, crate::ports::store::StoreError>>()
    });
    let rows = told.await?.unwrap_or_else(|error| {
        not_known.push(Clean::new(&format!("changes and notes cannot be read: {error}")));
        Vec::new()
    });
    let from = kept.incident.opened_at;
    let cut = rows.iter().any(|(_, history, _)| {
        history.len() >= LINES && history.last().is_some_and(|change| change.at > from)
    });
    if cut {
        not_known
            .push(Clean::new("some rows changed so often that their first changes are left out"));
    }
    let actions = match &desk.settings.guard {
        Err(_) => Vec::new(),
        Ok(guard) => match (guard.open().await, guard.recent(ACTIONS).await) {
            (Ok(open), Ok(recent)) => {
                let closed = recent.into_iter().filter(|held| held.closed);
                let here = |held: &Held| {
                    let until = kept.incident.state.ended_at().unwrap_or(now);
                    (from..=until).contains(&held.at) && is_about(&kept.members, &acted_on(held))
                };
                open.into_iter().chain(closed).filter(here).collect()
            }
            (Err(error), _) | (_, Err(error)) => {
                let text = format!("what was done outside cannot be read: {error}");
                not_known.push(Clean::new(&text));
                Vec::new()
            }
        },
    };
    let specs = desk.settings.guard.as_ref().map(crate::guard::Guard::actions).unwrap_or_default();
    let labels = specs.iter().map(|spec| (spec.id.to_owned(), spec.label.to_owned())).collect();
    Ok((Sources { rows, actions, labels }, not_known))
}

fn is_about(members: &[Member], cells: &[CellName]) -> bool {
    cells.iter().any(|cell| members.iter().any(|member| member.cell == *cell))
}

/// The rows of its cells, those of roots first, then the oldest; each once.
fn rows_of(members: &[Member]) -> Vec<Row> {
    let mut all: Vec<&Member> = members.iter().collect();
    let place = |m: &Member| (!m.is_root(), m.from);
    all.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.cell.cmp(&b.cell)));
    let mut seen = BTreeSet::new();
    all.into_iter().map(|m| m.cell.row).filter(|row| seen.insert(*row)).collect()
}

pub(super) async fn order(
    State(desk): State<Arc<Desk>>,
    Extension(peer): Extension<PeerId>,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let id = number(&id)?;
    let asked: IncidentOrder =
        body_of(body)?.ok_or_else(|| Refusal::bad_request("the body is empty"))?;
    is_whole(&asked)?;
    let by = name_of(&desk, peer).await;
    let said = || Said {
        by: by.clone(),
        why: asked.why.clone(),
        number: desk.next_entry(desk.clock.now()),
    };
    let order = match asked.kind {
        IncidentDo::Claim | IncidentDo::GiveBack | IncidentDo::Note => {
            return in_hand(&desk, id, by, asked).await;
        }
        IncidentDo::Merge => Order::Merge {
            from: id,
            into: asked.into.ok_or_else(|| {
                Refusal::bad_request("`into` names the incident that it becomes part of")
            })?,
            said: said(),
        },
        IncidentDo::Split => Order::Split { id, cells: asked.cells.clone(), said: said() },
        IncidentDo::Resolve => Order::Resolve { id, said: said(), anyway: asked.anyway },
    };
    let now = desk.hub.order(order).await??;
    let done = IncidentDone { id: now, by, kind: asked.kind, handled: None };
    Ok(json(StatusCode::OK, &done))
}

/// What every order is held against.
fn is_whole(asked: &IncidentOrder) -> Result<(), Refusal> {
    let refuse = |why: &str| Err(Refusal::bad_request(why));
    let needs_why = !matches!(asked.kind, IncidentDo::Claim | IncidentDo::GiveBack);
    if needs_why && asked.why.is_empty() {
        return refuse("a note, a merge, a split and a resolution say in `why` what or why");
    }
    if asked.why.as_str().chars().count() > LONGEST_WHY {
        return refuse("the reason is longer than 300 characters; put the rest into the ticket");
    }
    if asked.cells.len() > MOST_CELLS {
        return refuse("more than 10,000 cells at once; split it in parts");
    }
    if !asked.cells.is_empty() && asked.kind != IncidentDo::Split {
        return refuse("only a split names cells");
    }
    if asked.into.is_some() && asked.kind != IncidentDo::Merge {
        return refuse("only a merge names another incident in `into`");
    }
    if asked.anyway && asked.kind != IncidentDo::Resolve {
        return refuse("only a resolution can be made anyway");
    }
    if asked.until.is_some() && asked.kind != IncidentDo::Claim {
        return refuse("only a claim runs out");
    }
    Ok(())
}

/// Puts a line into its log; of one that ended long ago, where the store has it.
async fn write_down(desk: &Desk, kept: &KeptIncident, entry: IncidentEntry) -> Result<(), Refusal> {
    let id = kept.incident.id;
    match desk.hub.order(Order::Write { id, entry: entry.clone() }).await? {
        Ok(_) => Ok(()),
        Err(OrderError::NotOpen(_)) if kept.incident.state.ended_at().is_some() => {
            let place = u32::try_from(kept.entries.len()).unwrap_or(u32::MAX);
            let incident = kept.incident.clone();
            let line =
                KeptIncident { incident, members: Vec::new(), entries: vec![(place, entry)] };
            let (revision, _) = desk.hub.stand();
            let at = desk.clock.now();
            desk.store.keep(Save { at, revision, incidents: vec![line], ..Save::default() });
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Claims, gives back or notes: its cells by the rules of the desk, then a line of its log.
async fn in_hand(desk: &Desk, id: u64, by: Clean, asked: IncidentOrder) -> Answer {
    let kept = found(desk, id).await?;
    let is_note = asked.kind == IncidentDo::Note;
    match &kept.incident.state {
        IncidentState::Merged { into, .. } => return Err(OrderError::Merged(id, *into).into()),
        IncidentState::Over { .. } | IncidentState::Resolved { .. } if !is_note => {
            return Err(OrderError::NotOpen(id).into());
        }
        _ => {}
    }
    let mut cells = members_of(&kept);
    if cells.is_empty() && is_note {
        let here = kept.members.iter().filter(|m| m.is_root() && m.moved.is_none());
        cells = here.map(|m| m.cell.clone()).collect();
    }
    cells.truncate(MOST_CELLS);
    if cells.is_empty() && !is_note {
        return Err(Refusal::conflict(
            "none of its cells is in trouble now: there is nothing to claim or to give back",
        ));
    }
    let (kind, deed) = match asked.kind {
        IncidentDo::Claim => (DeskKind::Claim, IncidentDeed::Claim),
        IncidentDo::GiveBack => (DeskKind::GiveBack, IncidentDeed::GiveBack),
        _ => (DeskKind::Note, IncidentDeed::Note),
    };
    let handled: Option<Handled> = if cells.is_empty() {
        None
    } else {
        let handle = Handle {
            kind,
            cells,
            filter: Clean::new(&format!("incident {id}")),
            from: None,
            until: asked.until,
            every: Clean::default(),
            why: asked.why.clone(),
        };
        Some(take(desk, by.clone(), handle).await?)
    };
    let done = handled.as_ref().map_or(0, |handled| handled.done);
    if done > 0 || is_note {
        let entry = IncidentEntry {
            at: desk.clock.now(),
            by: Some(by.clone()),
            deed,
            why: asked.why,
            other: None,
            cells: done,
            // A note without a cell has a number too, by which it can be struck out.
            desk: handled
                .as_ref()
                .map(|handled| handled.id)
                .filter(|id| *id > 0)
                .or_else(|| is_note.then(|| desk.next_entry(desk.clock.now()))),
        };
        write_down(desk, &kept, entry).await?;
    }
    Ok(json(StatusCode::OK, &IncidentDone { id, by, kind: asked.kind, handled }))
}
