//! `POST /v1/handling`: operators take things in hand. Board history, not the audit.
//!
//! The rules of what may be taken stand in [`sort`]; who asks is what the kernel says.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use crate::agent::peers::PeerId;
use crate::agent::problem::{Refusal, json};
use crate::agent::routes::{Answer, Desk, body_of};
use crate::hub::{Order, Stand};
use crate::model::again::Again;
use crate::model::calendar::london;
use crate::model::cell::{Handling, Row};
use crate::model::desk::{CellName, DeskEntry, DeskKind};
use crate::model::estate::Estate;
use crate::model::text::Clean;
use crate::ports::store::Save;
use crate::wire::desk::{Handle, Handled, LeftOut, MOST_CELLS, StruckOut};

/// The longest acknowledgement or claim.
const LONGEST_HOLD: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The longest downtime, and how far ahead one may begin.
const LONGEST_DOWNTIME: SignedDuration = SignedDuration::from_hours(90 * 24);
/// The longest reason or note, in characters.
const LONGEST_WHY: usize = 300;
/// Cells that were left out and are told by name.
const TOLD: usize = 100;

pub(super) async fn handle(
    State(desk): State<Arc<Desk>>,
    Extension(peer): Extension<PeerId>,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let asked: Handle = body_of(body)?.ok_or_else(|| Refusal::bad_request("the body is empty"))?;
    let by = name_of(&desk, peer).await;
    let told = take(&desk, by, asked).await?;
    Ok(json(StatusCode::OK, &told))
}

/// `POST /v1/desk/{id}/strike`: the text of an entry of the book goes, wherever it is told; that it was
/// there, and who struck it out, stays.
pub(super) async fn strike(
    State(desk): State<Arc<Desk>>,
    Extension(peer): Extension<PeerId>,
    Path(id): Path<u64>,
) -> Answer {
    let by = name_of(&desk, peer).await;
    let at = desk.clock.now();
    let text = struck(&by, at);
    // First what is at hand, so that nothing writes the old text again.
    desk.hub.order(Order::Strike { desk: id, text: text.clone() }).await??;
    let store = Arc::clone(&desk.store);
    let struck = tokio::task::spawn_blocking(move || store.strike(id, &text)).await;
    match struck.map_err(|_| Refusal::stopping())? {
        Ok(true) => Ok(json(StatusCode::OK, &StruckOut { id, by, at })),
        Ok(false) => Err(Refusal::not_found("no such entry is in the desk's book")),
        Err(why) => {
            let why = format!("it stands in the file still: {why}; strike it out again");
            Err(Refusal::busy(&why))
        }
    }
}

/// What stands in the place of a text that was struck out.
fn struck(by: &Clean, at: Timestamp) -> Clean {
    let at = at.to_zoned_datetime(london()).strftime("%a %-d %b %Y %H:%M");
    Clean::new(&format!("struck out by {by}, {at}"))
}

/// The account behind the connection, by name.
pub(super) async fn name_of(desk: &Desk, peer: PeerId) -> Clean {
    let people = Arc::clone(&desk.settings.people);
    let by = tokio::task::spawn_blocking(move || people.person(peer.uid, peer.pid)).await;
    match by {
        Ok(Ok(person)) => person.operator.name,
        _ => Clean::new(&format!("uid {}", peer.uid)),
    }
}

/// Takes cells in hand for an operator, by all rules.
pub(super) async fn take(desk: &Desk, by: Clean, asked: Handle) -> Result<Handled, Refusal> {
    let now = desk.clock.now();
    let (asked, again) = settled(asked, now, |now| desk.settings.shift_end(now))?;
    let names = asked.cells.clone();
    let stands = desk.hub.ask(move |held| held.stands(&names)).await?;
    let stood = desk.settings.training.as_ref().map(|_| stands.clone());
    let mut sorted = sort(&asked, &by, stands);
    if let (Some(training), Some(stood)) = (&desk.settings.training, &stood) {
        training.taken(now, asked.kind, (&asked.cells, stood), &sorted.done);
    }
    let turns = turns(&asked, again.as_ref(), &desk.hub.estate(), &mut sorted, now);
    let planned: usize = turns.iter().map(|turn| turn.cells.len() * turn.windows.len()).sum();
    if planned > desk.hub.ask(|held| held.may_plan()).await? {
        return Err(Refusal::bad_request(
            "more would be planned than the agent keeps (100,000 times of cells); narrow the filter, or \
             end it sooner with till",
        ));
    }
    let mut id = 0;
    for turn in &turns {
        let entry = act(desk, &asked, &by, turn).await?;
        id = if id == 0 { entry } else { id };
    }
    let first = turns.iter().filter_map(|turn| turn.windows.first()).min().copied();
    let (from, until) = match again {
        Some(_) => (first.map(|f| f.0).filter(|from| *from > now), first.map(|f| f.1)),
        None => (asked.from, asked.until),
    };
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Ok(Handled {
        id,
        by,
        kind: asked.kind,
        done: count(sorted.done.len()),
        from,
        until,
        times: count(turns.iter().map(|turn| turn.windows.len()).max().unwrap_or(1)),
        last: again.and_then(|_| turns.iter().filter_map(Turn::last).max()),
        taken_over: sorted.taken_over,
        left_out: count(sorted.left_out.len()),
        left_out_cells: sorted.left_out.into_iter().take(TOLD).collect(),
    })
}

/// Has it judged, and kept in the book. The entry's number.
async fn act(desk: &Desk, asked: &Handle, by: &Clean, turn: &Turn) -> Result<u64, Refusal> {
    let now = desk.clock.now();
    let done = &turn.cells;
    let first = turn.windows.first();
    let (from, until) = first.map_or((asked.from, asked.until), |(from, until)| {
        (Some(*from).filter(|from| *from > now), Some(*until))
    });
    let of = |until| asked.kind.handling().map(|kind| Handling { kind, by: by.clone(), until });
    if asked.kind != DeskKind::Note {
        desk.hub.handled(done, from, of(until).as_ref()).await?;
    }
    let again = turn.windows.get(1..).unwrap_or_default();
    for (from, until) in again {
        desk.hub.handled(done, Some(*from), of(Some(*until)).as_ref()).await?;
    }
    let id = desk.next_entry(now);
    let entry = DeskEntry {
        id,
        at: now,
        by: by.clone(),
        kind: asked.kind,
        from,
        until,
        again: again.to_vec(),
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
) -> Result<(Handle, Option<Again>), Refusal> {
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
    let again = again_of(&asked, now)?;
    asked.from = asked.from.filter(|from| *from > now);
    let longest = match asked.kind {
        DeskKind::Note | DeskKind::GiveBack => {
            (asked.from, asked.until) = (None, None);
            return match again {
                Some(_) => refuse("only a downtime comes again"),
                None => Ok((asked, None)),
            };
        }
        DeskKind::Downtime if again.is_some() => return Ok((asked, again)),
        DeskKind::Downtime => LONGEST_DOWNTIME,
        DeskKind::Acknowledge | DeskKind::AcknowledgeAsIs | DeskKind::Claim => LONGEST_HOLD,
    };
    if again.is_some() {
        return refuse("only a downtime comes again");
    }
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
    Ok((asked, None))
}

/// What comes again, where that was asked for.
fn again_of(asked: &Handle, now: Timestamp) -> Result<Option<Again>, Refusal> {
    let refuse = |why: &str| Err(Refusal::bad_request(why));
    if asked.every.is_empty() {
        return Ok(None);
    }
    if asked.from.is_some() || asked.until.is_some() {
        return refuse(
            "a downtime that comes again has its times in `every`, not in `from` and `until`",
        );
    }
    match Again::read(asked.every.as_str(), now) {
        Some(Ok((again, ""))) => Ok(Some(again)),
        Some(Err(why)) => refuse(&why.to_string()),
        _ => refuse(
            "`every` is written as every sun 02:00..04:00, or closures, each with till 2027-01-31",
        ),
    }
}

/// Cells to which the same is done.
#[derive(Debug, Default, PartialEq, Eq)]
struct Turn {
    cells: Vec<CellName>,
    /// From when to when, the soonest first; empty where nothing runs out.
    windows: Vec<(Timestamp, Timestamp)>,
}

impl Turn {
    fn last(&self) -> Option<Timestamp> {
        self.windows.last().map(|(_, until)| *until)
    }
}

/// The cells by when it comes for them: what the calendars close at different times is done apart. A
/// cell for which it never comes is left out.
fn turns(
    asked: &Handle,
    again: Option<&Again>,
    estate: &Estate,
    sorted: &mut Sorted,
    now: Timestamp,
) -> Vec<Turn> {
    let Some(again) = again else {
        if sorted.done.is_empty() {
            return Vec::new();
        }
        let windows = asked.until.map(|until| (asked.from.unwrap_or(now), until));
        return vec![Turn { cells: sorted.done.clone(), windows: windows.into_iter().collect() }];
    };
    let mut by_windows: BTreeMap<Vec<(Timestamp, Timestamp)>, Vec<CellName>> = BTreeMap::new();
    let mut known: Option<(Row, Vec<(Timestamp, Timestamp)>)> = None;
    for cell in std::mem::take(&mut sorted.done) {
        let windows = match &known {
            Some((row, windows)) if *row == cell.row || !again.is_closures() => windows.clone(),
            _ => again.windows(&estate.calendar_of(cell.row), now),
        };
        known = Some((cell.row, windows.clone()));
        if windows.is_empty() {
            let why = format!("nothing comes there: {}", again.written());
            sorted.left_out.push(LeftOut { cell, why: Clean::new(&why) });
            continue;
        }
        sorted.done.push(cell.clone());
        by_windows.entry(windows).or_default().push(cell);
    }
    by_windows.into_iter().map(|(windows, cells)| Turn { cells, windows }).collect()
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
        DeskKind::Acknowledge | DeskKind::AcknowledgeAsIs | DeskKind::Claim => {
            if !stand.trouble {
                return Some("it is not in trouble".to_owned());
            }
            if let Some(cause) = &stand.follows {
                return Some(format!("it only follows from {cause}: take that"));
            }
            // Confirming it would be the change that ends it.
            let too_soon = kind == DeskKind::AcknowledgeAsIs && stand.soft;
            too_soon.then(|| "it is not confirmed yet: acknowledge it till a time".to_owned())
        }
        DeskKind::GiveBack if stand.handling.is_none() && !stand.planned => {
            Some("nobody has it, and nothing is planned".to_owned())
        }
        DeskKind::Downtime | DeskKind::Note | DeskKind::GiveBack => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cell::HandlingKind;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn now() -> Timestamp {
        at("2026-11-24T09:14:00Z")
    }

    fn cell(service: &str) -> CellName {
        CellName { row: Row::Estate, service: service.parse().unwrap() }
    }

    fn asked(kind: DeskKind, until: Option<&str>) -> Handle {
        let cells = vec![cell("b"), cell("a"), cell("b")];
        let why = if matches!(kind, DeskKind::Downtime | DeskKind::Note) { "why" } else { "" };
        let (filter, until) = (Clean::default(), until.map(at));
        Handle { kind, cells, filter, from: None, until, every: Clean::default(), why: why.into() }
    }

    fn whole(asked: Handle) -> Result<Handle, String> {
        let shift = |_| at("2026-11-24T17:00:00Z");
        settled(asked, now(), shift)
            .map(|(asked, _)| asked)
            .map_err(|r| r.problem.message.to_string())
    }

    #[test]
    fn everything_set_aside_runs_out() {
        use DeskKind::{Acknowledge, Claim, Downtime, GiveBack, Note};
        let end = |kind, until| whole(asked(kind, until)).unwrap().until;
        for kind in [Acknowledge, Claim] {
            assert_eq!(end(kind, None), Some(at("2026-11-24T17:00:00Z")), "the shift's end");
            assert!(whole(asked(kind, Some("2026-12-01T09:14:00Z"))).is_ok());
            let why = whole(asked(kind, Some("2026-12-01T09:14:01Z"))).unwrap_err();
            assert!(why.contains("too long"), "{why}");
        }
        assert!(whole(asked(Downtime, None)).unwrap_err().contains("needs its end"));
        assert!(whole(asked(Downtime, Some("2027-02-22T09:14:00Z"))).is_ok());
        assert!(whole(asked(Downtime, Some("2027-02-22T09:14:01Z"))).is_err());
        assert!(whole(asked(Claim, Some("2026-11-24T09:14:00Z"))).unwrap_err().contains("early"));
        for kind in [GiveBack, Note] {
            assert_eq!(end(kind, Some("2026-12-01T09:14:00Z")), None, "{kind:?} has no end");
        }
    }

    #[test]
    fn only_a_downtime_begins_later_and_not_too_late() {
        let from = |kind, from: &str, until| {
            whole(Handle { from: Some(at(from)), ..asked(kind, Some(until)) })
        };
        let (sat, sun) = ("2026-11-28T22:00:00Z", "2026-11-29T02:00:00Z");
        assert_eq!(from(DeskKind::Downtime, sat, sun).unwrap().from, Some(at(sat)));
        assert_eq!(from(DeskKind::Downtime, "2026-11-20T00:00:00Z", sun).unwrap().from, None);
        assert!(from(DeskKind::Downtime, sun, sat).unwrap_err().contains("early"));
        assert!(from(DeskKind::Claim, sat, sun).unwrap_err().contains("only a downtime"));
        let far = ("2027-02-22T09:14:01Z", "2027-02-23T00:00:00Z");
        assert!(from(DeskKind::Downtime, far.0, far.1).unwrap_err().contains("90 days"));
    }

    #[test]
    fn a_request_says_which_cells_and_why() {
        let claim = |change: &dyn Fn(&mut Handle)| {
            let mut what = asked(DeskKind::Claim, None);
            change(&mut what);
            whole(what)
        };
        assert_eq!(claim(&|_| ()).unwrap().cells, [cell("a"), cell("b")], "each once");
        assert!(claim(&|a| a.cells.clear()).unwrap_err().contains("no cell"));
        let many = |a: &mut Handle| a.cells = vec![cell("a"); MOST_CELLS + 1];
        assert!(claim(&many).unwrap_err().contains("10,000"));
        assert!(claim(&|a| a.why = "x".repeat(301).as_str().into()).is_err());
        for kind in [DeskKind::Downtime, DeskKind::Note] {
            let what = Handle { why: "".into(), ..asked(kind, Some("2026-11-24T17:00:00Z")) };
            assert!(whole(what).unwrap_err().contains("need a reason"), "{kind:?}");
        }
    }

    #[test]
    fn what_cannot_be_taken_is_left_out_and_told() {
        let well = Stand {
            taken: true,
            trouble: false,
            soft: false,
            follows: None,
            handling: None,
            planned: false,
        };
        let bad = Stand { trouble: true, ..well.clone() };
        let follows = Stand { follows: Some("groupcall".parse().unwrap()), ..bad.clone() };
        let held = |by: &str| {
            let handling = Handling { kind: HandlingKind::Claimed, by: by.into(), until: None };
            Stand { handling: Some(handling), ..bad.clone() }
        };
        let not_taken = Stand { taken: false, ..well.clone() };
        let planned = Stand { planned: true, ..well.clone() };
        let done = |kind, stand: Option<&Stand>| {
            let what = Handle { cells: vec![cell("a")], ..asked(kind, None) };
            let sorted = sort(&what, &"asha".into(), vec![stand.cloned()]);
            assert_eq!(sorted.done.len() + sorted.left_out.len(), 1);
            (sorted.done.len() == 1, sorted.taken_over)
        };
        use DeskKind::{Acknowledge, AcknowledgeAsIs, Claim, Downtime, GiveBack, Note};
        for kind in DeskKind::ALL {
            assert_eq!(done(kind, None), (false, 0), "{kind:?} of nothing");
            assert_eq!(done(kind, Some(&not_taken)), (false, 0), "{kind:?} of what is not taken");
        }
        let soft = Stand { soft: true, ..bad.clone() };
        assert_eq!(done(Acknowledge, Some(&soft)), (true, 0));
        assert_eq!(done(AcknowledgeAsIs, Some(&soft)), (false, 0), "to confirm it is a change");
        for kind in [Acknowledge, AcknowledgeAsIs, Claim] {
            assert_eq!(done(kind, Some(&well)), (false, 0));
            assert_eq!(done(kind, Some(&follows)), (false, 0));
            assert_eq!(done(kind, Some(&bad)), (true, 0));
            assert_eq!(done(kind, Some(&held("asha"))), (true, 0));
            assert_eq!(done(kind, Some(&held("tomr"))), (true, 1), "it is told");
        }
        for kind in [Downtime, Note] {
            assert_eq!(done(kind, Some(&well)), (true, 0));
            assert_eq!(done(kind, Some(&follows)), (true, 0));
        }
        assert_eq!(done(GiveBack, Some(&bad)), (false, 0));
        assert_eq!(done(GiveBack, Some(&planned)), (true, 0));
        assert_eq!(
            done(GiveBack, Some(&held("tomr"))),
            (true, 0),
            "giving back takes nothing over"
        );
    }
}
