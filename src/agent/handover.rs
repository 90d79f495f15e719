//! `GET /v1/handover`: what broke, what was done, what is open and whose.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use crate::agent::diff::{compared, stood};
use crate::agent::guarded;
use crate::agent::past::{Moment, held, moment_of, read, stretches};
use crate::agent::peers::PeerId;
use crate::agent::problem::{Refusal, json};
use crate::agent::routes::{Answer, Desk, pairs, unknown_parameter};
use crate::agent::stream::PIECE;
use crate::guard::Guard;
use crate::model::cell::Row;
use crate::model::desk::CellName;
use crate::model::text::Clean;
use crate::wire::VERSION;
use crate::wire::action::ActionRow;
use crate::wire::past::{Done, EndsSoon, Handover, Named, Open, Standing};

/// Entries of each list.
const MOST: usize = 2_000;
/// Actions of the ledger that are looked through.
const LOOKED_THROUGH: usize = 1_000;
/// So far back an operator's last shift is looked for in the desk's book.
const LAST_SHIFT: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Since when, where nobody knows better.
const ELSE: SignedDuration = SignedDuration::from_hours(12);

pub(super) async fn handover(
    State(desk): State<Arc<Desk>>,
    Extension(peer): Extension<PeerId>,
    RawQuery(query): RawQuery,
) -> Answer {
    let mut asked = None;
    for (key, value) in pairs(query.as_deref()) {
        match key.as_str() {
            "since" => asked = Some(moment_of(&value)?),
            other => return Err(unknown_parameter(other, "since")),
        }
    }
    let place = desk.whole_place()?;
    let now = desk.clock.now();
    let people = Arc::clone(&desk.settings.people);
    let by = tokio::task::spawn_blocking(move || people.person(peer.uid, peer.pid)).await;
    let by = match by {
        Ok(Ok(person)) => person.operator.name,
        _ => Clean::new(&format!("uid {}", peer.uid)),
    };
    let (since, why_since) = match asked {
        Some(since) => (since, "as you asked".to_owned()),
        None => since_when(&desk, &by, now).await?,
    };
    if since >= now {
        return Err(Refusal::bad_request(
            "`since` does not lie in the past; name an earlier moment",
        ));
    }
    let ends = desk.settings.shift_end(now);
    let before = Moment::of(&desk, since).await?;
    let after = Moment::of(&desk, now).await?;
    let mut page = Handover {
        version: VERSION,
        as_of: now,
        by,
        since,
        why_since: Clean::new(&why_since),
        shift_ends: ends,
        next_shift_ends: desk.settings.shift_end(ends),
        diff: compared(&desk, &before, &after).await?,
        open: Vec::new(),
        open_more: 0,
        runs_out: Vec::new(),
        runs_out_next: Vec::new(),
        credentials: Vec::new(),
        done: done(&desk, &after, (since, now)).await?,
        actions: Vec::new(),
        to_look_at: Vec::new(),
        tickets: Vec::new(),
        untold: None,
    };
    stands(&desk, &after, &mut page).await?;
    match &desk.settings.guard {
        Ok(guard) => acted(&desk, guard, &after, &mut page).await?,
        Err(why) => page.untold = Some(why.clone()),
    }
    drop(place);
    Ok(json(StatusCode::OK, &page))
}

/// The end of this operator's last shift, by what the desk's book says that they did; else twelve
/// hours ago. And which of the two, in words.
async fn since_when(
    desk: &Desk,
    by: &Clean,
    now: Timestamp,
) -> Result<(Timestamp, String), Refusal> {
    let span = held(&stretches(desk, now).await?, now, now)?;
    let mut found =
        (now - ELSE, format!("the last 12 hours: when {by} was last here is not known"));
    if let Some(began) = desk.settings.shift_began(now) {
        let asked = by.clone();
        let last = read(desk, move |store| {
            let book = store.book((began - LAST_SHIFT, began), usize::MAX)?;
            Ok(book.into_iter().rev().find(|(entry, _)| entry.by == asked).map(|(e, _)| e.at))
        })
        .await?;
        if let Some(ended) = last.and_then(|last| desk.settings.shift_of(last)) {
            let ended = ended.min(began);
            found = (ended, format!("the end of {by}'s last shift, by the desk's book"));
        }
    }
    if found.0 < span.from {
        found = (span.from, format!("{}; nothing older is kept", found.1));
    }
    Ok(found)
}

/// What operators did, the oldest first.
async fn done(
    desk: &Desk,
    moment: &Moment,
    span: (Timestamp, Timestamp),
) -> Result<Vec<Done>, Refusal> {
    let book = read(desk, move |store| store.book(span, MOST)).await?;
    let entry = |(entry, many): (crate::model::desk::DeskEntry, u32)| Done {
        at: entry.at,
        by: entry.by,
        kind: entry.kind,
        cells: entry.cells.into_iter().map(|cell| named(moment, cell)).collect(),
        many,
        until: entry.until,
        why: entry.why,
    };
    Ok(book.into_iter().map(entry).collect())
}

fn named(moment: &Moment, cell: CellName) -> Named {
    let label = moment.columns.iter().find(|(key, _)| *key == cell.service);
    let label = label.map_or_else(|| Clean::new(cell.service.as_str()), |(_, label)| label.clone());
    Named { row: cell.row, name: moment.name(cell.row), service: cell.service, label }
}

/// What stands now: trouble of its own, and what runs out in this shift.
async fn stands(desk: &Desk, moment: &Moment, page: &mut Handover) -> Result<(), Refusal> {
    let mut open: Vec<(u32, Open)> = Vec::new();
    for piece in moment.all_rows().chunks(PIECE) {
        let rows: Vec<Row> = piece.to_vec();
        let asked = rows.clone();
        let cells = desk.hub.ask(move |held| held.cells(&asked)).await?;
        for (row, cells) in rows.into_iter().zip(cells) {
            for ((service, _), cell) in moment.columns.iter().zip(&cells) {
                let is_open = cell.health.is_trouble() && cell.follows_from.is_none();
                let end = cell.handling.as_ref().and_then(|h| h.until);
                let ends = end.is_some_and(|until| until <= page.shift_ends);
                let next = !ends && end.is_some_and(|until| until <= page.next_shift_ends);
                if !is_open && !ends && !next {
                    continue;
                }
                let name = CellName { row, service: service.clone() };
                let found = Open { cell: named(moment, name), stands: stood(cell) };
                if ends {
                    page.runs_out.push(found.clone());
                }
                if next {
                    page.runs_out_next.push(found.clone());
                }
                if is_open {
                    open.push((moment.pupils(row), found));
                }
            }
        }
    }
    page.credentials = credentials(desk, moment).await?;
    open.sort_by_key(|(pupils, open)| {
        let Open { cell, stands } = open;
        let held = stands.handling.is_some();
        (held, Reverse(stands.health), Reverse(*pupils), stands.since, cell.row)
    });
    page.open_more = u32::try_from(open.len().saturating_sub(MOST)).unwrap_or(u32::MAX);
    page.open = open.into_iter().take(MOST).map(|(_, open)| open).collect();
    for list in [&mut page.runs_out, &mut page.runs_out_next] {
        list.sort_by_key(|open| open.stands.handling.as_ref().and_then(|h| h.until));
        list.truncate(MOST);
    }
    Ok(())
}

/// What the checks of credentials say that is not well, the worst first.
async fn credentials(desk: &Desk, moment: &Moment) -> Result<Vec<EndsSoon>, Refusal> {
    let estate = desk.hub.ask(|held| held.page(Row::Estate)).await?;
    let views = estate.into_iter().flat_map(|page| page.services);
    let bad = views.flat_map(|view| {
        let service = view.service;
        let told = view.checks.into_iter().filter(|c| c.check.name() == "credentials");
        told.filter(|c| c.health.is_trouble()).map(move |c| (service.clone(), c))
    });
    let mut bad: Vec<_> = bad.collect();
    bad.sort_by_key(|(_, check)| Reverse(check.health));
    let of = |(service, check): (crate::model::ids::ServiceKey, crate::model::cell::CheckView)| {
        let cell = named(moment, CellName { row: Row::Estate, service });
        EndsSoon { cell, why: check.why }
    };
    Ok(bad.into_iter().map(of).collect())
}

/// What the ledger tells.
async fn acted(
    desk: &Desk,
    guard: &Guard,
    moment: &Moment,
    page: &mut Handover,
) -> Result<(), Refusal> {
    let (open, recent) = (guard.open().await?, guard.recent(LOOKED_THROUGH).await?);
    let rows: Vec<ActionRow> =
        recent.into_iter().map(|held| guarded::row(held, page.as_of)).collect();
    page.actions = rows.into_iter().filter(|row| row.at >= page.since).collect();
    let open = open.into_iter().map(|held| guarded::row(held, page.as_of));
    page.to_look_at = open.filter(|row| row.needs_a_look).collect();
    let standing = desk.standing_tickets().await?.into_iter().take(MOST);
    page.tickets = standing
        .map(|(ticket, cells)| Standing {
            ticket,
            cells: cells.into_iter().map(|cell| named(moment, cell)).collect(),
        })
        .collect();
    Ok(())
}
