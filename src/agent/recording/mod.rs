//! `GET /v1/recording`: the board at a moment and what changed of it until another, as a file that
//! `caretaker replay` plays. What was at each moment is the rule of the past; here is only found at
//! which moments something can have changed, and masked what names anybody.

mod mask;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use crate::agent::incidents::found;
use crate::agent::past::{Moment, moment_of, read, stretches};
use crate::agent::problem::{Refusal, typed};
use crate::agent::recording::mask::Mask;
use crate::agent::routes::{Answer, Desk, pairs, unknown_parameter};
use crate::agent::stream::PIECE;
use crate::guard::acted_on;
use crate::model::cell::{Cell, Row};
use crate::model::desk::{CellName, DeskEntry, DeskKind};
use crate::model::ids::{Laestab, ServiceKey};
use crate::model::incident::{IncidentEntry, IncidentState, KeptIncident};
use crate::model::plan::Outcome;
use crate::model::text::Clean;
use crate::ports::ledger::Held;
use crate::wire::incident::TimeLineKind;
use crate::wire::recording::{
    FORMAT, Happened, Head, MOST_CHANGES, Names, RecordedChange, RecordedIncident, RecordedMember,
    RecordedNote, RecordedSchool, Recording,
};

/// The type of the answer.
pub(super) const RECORDING_TYPE: &str = "application/x-ndjson";
/// How long before an incident its recording begins.
const BEFORE: SignedDuration = SignedDuration::from_mins(10);
/// How long after its end the recording goes on.
const AFTER: SignedDuration = SignedDuration::from_mins(5);
/// The longest period of a recording.
const LONGEST: SignedDuration = SignedDuration::from_hours(31 * 24);
/// Moments at which something can have changed.
const MOST_MOMENTS: usize = 5_000;
/// Entries of the desk's book, and actions, that are looked through.
const MOST_DONE: usize = 20_000;
/// A hold is planned at most so long ahead, and lasts as long at most.
const LONGEST_HOLD: SignedDuration = SignedDuration::from_hours(181 * 24);
/// Cells of a note that are told by name.
const TOLD: usize = 10;

/// What is asked for.
struct Asked {
    incident: Option<u64>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    names: Names,
}

fn asked(query: Option<&str>) -> Result<Asked, Refusal> {
    let mut asked = Asked { incident: None, from: None, until: None, names: Names::Masked };
    for (key, value) in pairs(query) {
        match (key.as_str(), value.as_str()) {
            ("incident", id) => {
                asked.incident = Some(
                    id.parse()
                        .map_err(|_| Refusal::bad_request("an incident is named by its number"))?,
                );
            }
            ("from", at) => asked.from = Some(moment_of(at)?),
            ("to", at) => asked.until = Some(moment_of(at)?),
            ("names", "schools") => asked.names = Names::Schools,
            ("names", "masked") => asked.names = Names::Masked,
            ("names", _) => {
                return Err(Refusal::bad_request(
                    "`names` is masked or schools; persons are never named",
                ));
            }
            (other, _) => return Err(unknown_parameter(other, "incident, from, to, names")),
        }
    }
    if asked.incident.is_some() == asked.from.is_some() {
        return Err(Refusal::bad_request("name an incident, or a period by `from` and `to`"));
    }
    Ok(asked)
}

/// `GET /v1/recording?incident=` or `?from=&to=`.
pub(super) async fn recording(State(desk): State<Arc<Desk>>, RawQuery(query): RawQuery) -> Answer {
    let asked = asked(query.as_deref())?;
    let _place = desk.whole_place()?;
    let now = desk.clock.now();
    let kept = match asked.incident {
        Some(id) => Some(found(&desk, id).await?),
        None => None,
    };
    let (from, until) = match (&kept, asked.from) {
        (Some(kept), _) => span_of(kept, &stretches(&desk, now).await?, now),
        (None, from) => (from.unwrap_or(now), asked.until.unwrap_or(now)),
    };
    if from >= until || until > now {
        return Err(Refusal::bad_request(
            "a recording begins before it ends, and ends in the past",
        ));
    }
    if until.duration_since(from) > LONGEST {
        return Err(Refusal::bad_request(
            "a recording is at most 31 days long; name a shorter period",
        ));
    }
    let recorder = Recorder::new(&desk, asked.names, (from, until)).await?;
    let recording = recorder.record(&desk, kept.as_ref(), now).await?;
    let bytes = recording.write().map_err(|error| {
        tracing::error!("a recording could not be written: {error}");
        Refusal::busy("the recording could not be written; the agent's log says why")
    })?;
    Ok(typed(StatusCode::OK, RECORDING_TYPE, Body::from(bytes)))
}

/// From a little before an incident until a little after it, as far as anything is kept.
fn span_of(
    kept: &KeptIncident,
    stretches: &[crate::model::past::Attended],
    now: Timestamp,
) -> (Timestamp, Timestamp) {
    let begins = kept.incident.opened_at.checked_sub(BEFORE).unwrap_or(kept.incident.opened_at);
    let first = stretches.last().map_or(begins, |first| first.from);
    let ended = kept.incident.state.ended_at().map(|at| at.saturating_add(AFTER).unwrap_or(at));
    (begins.max(first), ended.unwrap_or(now).min(now))
}

/// What can have changed at a moment.
#[derive(Default)]
struct Turn {
    /// These rows.
    rows: BTreeSet<Row>,
    /// Any row.
    all: bool,
    /// Who has what.
    holds: bool,
}

/// A recording while it is made.
struct Recorder {
    first: Moment,
    from: Timestamp,
    until: Timestamp,
    mask: Mask,
    services: Vec<ServiceKey>,
    /// Every row as it stood last.
    cells: BTreeMap<Row, Vec<Cell>>,
    out: Recording,
}

impl Recorder {
    /// The board at the beginning.
    async fn new(
        desk: &Desk,
        names: Names,
        (from, until): (Timestamp, Timestamp),
    ) -> Result<Self, Refusal> {
        let snapshot = desk.hub.snapshot();
        let first = Moment::of(desk, from).await?;
        let board = snapshot.head(crate::agent::routes::agent_info(desk), from);
        let rows = first.all_rows();
        let named: Vec<(Laestab, Clean)> = rows
            .iter()
            .filter_map(|row| match row {
                Row::School(laestab) => Some((*laestab, first.name(*row))),
                Row::Estate => None,
            })
            .collect();
        let mut mask = Mask::new(names, &named, &board.columns);
        let mut cells = BTreeMap::new();
        for piece in rows.chunks(PIECE) {
            cells.extend(piece.iter().copied().zip(first.rows(desk, piece.to_vec()).await?));
        }
        let mut schools = Vec::with_capacity(named.len());
        for row in snapshot.schools(0, snapshot.len()) {
            let Some((laestab, name)) = mask.school(row.laestab) else { continue };
            let named = |text: Clean| if names == Names::Schools { text } else { Clean::default() };
            let stood = cells.get(&Row::School(row.laestab)).map_or(&[][..], Vec::as_slice);
            schools.push(RecordedSchool {
                laestab,
                name,
                phase: named(row.phase),
                town: named(row.town),
                set_up: row.set_up,
                cells: stood.iter().map(|cell| mask.cell(cell)).collect(),
            });
        }
        // In the order of their numbers, which is not that of their names.
        schools.sort_by_key(|school| school.laestab);
        let estate = cells.get(&Row::Estate).map_or(&[][..], Vec::as_slice);
        let head = Head {
            version: FORMAT,
            program: Clean::new(env!("CARGO_PKG_VERSION")),
            made_at: desk.clock.now(),
            from,
            until,
            names: mask.names(),
            demo: desk.settings.demo,
            schools: schools.len() as u64,
            columns: mask.columns(&board.columns),
            estate: estate.iter().map(|cell| mask.cell(cell)).collect(),
            incident: None,
        };
        let services = board.columns.into_iter().map(|column| column.key).collect();
        let out = Recording { head, schools, happened: Vec::new() };
        Ok(Self { first, from, until, mask, services, cells, out })
    }

    async fn record(
        mut self,
        desk: &Desk,
        kept: Option<&KeptIncident>,
        now: Timestamp,
    ) -> Result<Recording, Refusal> {
        let book = self.book(desk).await?;
        let turns = self.turns(desk, &book).await?;
        self.play(desk, turns).await?;
        for entry in &book {
            self.of_book(entry);
        }
        for held in done(desk).await? {
            self.of_action(desk, &held);
        }
        if let Some(kept) = kept {
            self.incident(kept, now);
        }
        // Changes of a moment stand before what was done in it.
        self.out.happened.sort_by_key(|one| (one.at(), matches!(one, Happened::Note(_))));
        if self.out.happened.len() > MOST_CHANGES {
            return Err(too_much());
        }
        Ok(self.out)
    }

    fn is_within(&self, at: Timestamp) -> bool {
        at > self.from && at <= self.until
    }

    /// What the desk did until the end, with what was planned long before.
    async fn book(&self, desk: &Desk) -> Result<Vec<(DeskEntry, u32)>, Refusal> {
        let since = self.from.checked_sub(LONGEST_HOLD).unwrap_or(Timestamp::MIN);
        let span = (since, self.until);
        let book = read(desk, move |store| store.book(span, MOST_DONE + 1)).await?;
        if book.len() > MOST_DONE {
            return Err(too_much());
        }
        Ok(book)
    }

    /// Every moment at which something can have changed.
    async fn turns(
        &self,
        desk: &Desk,
        book: &[(DeskEntry, u32)],
    ) -> Result<BTreeMap<Timestamp, Turn>, Refusal> {
        let rows = self.first.all_rows();
        let mut turns: BTreeMap<Timestamp, Turn> = BTreeMap::new();
        let span = (self.from, self.until);
        let asked = rows.clone();
        let changes = read(desk, move |store| {
            let mut out = Vec::new();
            store.between(&asked, span, &mut |row, change| out.push((change.at, row)))?;
            Ok(out)
        })
        .await?;
        let asked = rows.clone();
        let present = desk.hub.ask(move |held| held.cells(&asked)).await?;
        let lasting = rows.into_iter().zip(present).flat_map(|(row, cells)| {
            cells.into_iter().filter_map(move |cell| Some((cell.state_since?, row)))
        });
        for (at, row) in changes.into_iter().chain(lasting).filter(|(at, _)| self.is_within(*at)) {
            turns.entry(at).or_default().rows.insert(row);
        }
        for (entry, _) in book.iter().filter(|(entry, _)| entry.kind != DeskKind::Note) {
            for at in [Some(entry.at), entry.from, entry.until].into_iter().flatten() {
                if self.is_within(at) {
                    turns.entry(at).or_default().holds = true;
                }
            }
        }
        for gap in self.first.unattended(self.from, self.until) {
            let begins = gap.from.checked_add(SignedDuration::from_millis(1)).unwrap_or(gap.from);
            for at in [begins, gap.until].into_iter().filter(|at| self.is_within(*at)) {
                turns.entry(at).or_default().all = true;
            }
        }
        if turns.len() > MOST_MOMENTS { Err(too_much()) } else { Ok(turns) }
    }

    /// Puts down what differs at each of them.
    async fn play(&mut self, desk: &Desk, turns: BTreeMap<Timestamp, Turn>) -> Result<(), Refusal> {
        let mut moment = self.first.at_another(desk, self.from, true).await?;
        for (at, mut turn) in turns {
            let had: Vec<Row> = if turn.holds { moment.had().collect() } else { Vec::new() };
            moment = moment.at_another(desk, at, turn.holds).await?;
            if turn.holds {
                turn.rows.extend(had);
                turn.rows.extend(moment.had());
            }
            let estate = moment.estate.clone();
            // What schools follow from may be the estate's.
            let all = turn.all || self.cells.get(&Row::Estate) != Some(&estate);
            let rows = if all { moment.all_rows() } else { turn.rows.into_iter().collect() };
            self.stands(at, Row::Estate, estate);
            let schools: Vec<Row> = rows.into_iter().filter(|row| *row != Row::Estate).collect();
            for piece in schools.chunks(PIECE) {
                let cells = moment.rows(desk, piece.to_vec()).await?;
                for (row, cells) in piece.iter().zip(cells) {
                    self.stands(at, *row, cells);
                }
            }
            if self.out.happened.len() > MOST_CHANGES {
                return Err(too_much());
            }
        }
        Ok(())
    }

    /// A row stands so at a moment: what differs is put down.
    fn stands(&mut self, at: Timestamp, row: Row, cells: Vec<Cell>) {
        let before = self.cells.insert(row, cells.clone()).unwrap_or_default();
        let Some(told) = self.mask.row(row) else { return };
        for (n, cell) in cells.iter().enumerate() {
            if before.get(n) == Some(cell) {
                continue;
            }
            let service = self.services.get(n).and_then(|key| self.mask.service(key));
            let Some(service) = service else { continue };
            let cell = self.mask.cell(cell);
            let change = RecordedChange { at, row: told, service, cell };
            self.out.happened.push(Happened::Change(change));
        }
    }

    /// A line of the time line, without anybody's words.
    fn note(
        &mut self,
        (at, kind): (Timestamp, TimeLineKind),
        who: Option<&Clean>,
        what: &str,
        (cells, many): (&[CellName], u32),
    ) {
        if at < self.from || at > self.until {
            return;
        }
        let who = who.map(|who| self.mask.operator(who));
        let about = cells.iter().filter_map(|cell| self.mask.name(cell)).take(TOLD).collect();
        let note = RecordedNote { at, kind, who, what: Clean::new(what), about, cells: many };
        self.out.happened.push(Happened::Note(note));
    }

    fn of_book(&mut self, (entry, many): &(DeskEntry, u32)) {
        let told = (entry.at, TimeLineKind::Desk);
        let what = entry.kind.word();
        self.note(told, Some(&entry.by), what, (&entry.cells, *many));
    }

    fn of_action(&mut self, desk: &Desk, held: &Held) {
        let is_ticket = held.action.as_str() == "desk.raise_ticket";
        let kind = if is_ticket { TimeLineKind::Ticket } else { TimeLineKind::Action };
        let guard = desk.settings.guard.as_ref().ok();
        let specs = guard.map(crate::guard::Guard::actions).unwrap_or_default();
        let label = specs.iter().find(|spec| spec.id == held.action.as_str());
        let label = label.map_or_else(|| "an action".to_owned(), |spec| spec.label.to_owned());
        let label = self.mask.sentence(&Clean::new(&label));
        let what = format!("{label}: {}", Outcome::words(held.outcome));
        let about = acted_on(held);
        let many = u32::try_from(about.len()).unwrap_or(u32::MAX);
        self.note((held.at, kind), Some(&held.by.name), &what, (&about, many));
    }

    /// The incident itself, and what its log has that stands in no book.
    fn incident(&mut self, kept: &KeptIncident, now: Timestamp) {
        let incident = &kept.incident;
        let kind = TimeLineKind::Incident;
        let first = std::slice::from_ref(&incident.first);
        self.note((incident.opened_at, kind), None, "the incident began", (first, 1));
        for (_, entry) in kept.entries.iter().filter(|(_, entry)| entry.desk.is_none()) {
            self.of_log(entry);
        }
        match &incident.state {
            IncidentState::Over { at } => {
                self.note((*at, kind), None, "the last of its cells was well", (&[], 0));
            }
            IncidentState::Merged { at, .. } => {
                self.note((*at, kind), None, "it became part of another incident", (&[], 0));
            }
            IncidentState::Open | IncidentState::Resolved { .. } => {}
        }
        let Some(first) = self.mask.name(&incident.first) else { return };
        let members = kept.members.iter().filter_map(|m| {
            let cell = self.mask.name(&m.cell)?;
            Some(RecordedMember { cell, is_root: m.is_root(), from: m.from, until: m.until })
        });
        let members = members.collect();
        let state = match incident.state.clone() {
            IncidentState::Resolved { at, by, in_trouble } => {
                IncidentState::Resolved { at, by: self.mask.operator(&by), in_trouble }
            }
            other => other,
        };
        self.out.head.incident = Some(RecordedIncident {
            id: incident.id,
            opened_at: incident.opened_at,
            since: incident.since.unwrap_or(incident.opened_at).min(now),
            state,
            first,
            why: self.mask.sentence(&incident.why),
            members,
        });
    }

    fn of_log(&mut self, entry: &IncidentEntry) {
        let kind = if entry.by.is_none() { TimeLineKind::Incident } else { TimeLineKind::Desk };
        let by = entry.by.as_ref();
        self.note((entry.at, kind), by, entry.deed.word(), (&[], entry.cells));
    }
}

/// Actions, as the ledger has them; none where nobody can act.
async fn done(desk: &Desk) -> Result<Vec<Held>, Refusal> {
    let Ok(guard) = &desk.settings.guard else { return Ok(Vec::new()) };
    let unreadable = |e: &dyn std::fmt::Display| {
        Refusal::busy(&format!("what was done outside cannot be read: {e}"))
    };
    let open = guard.open().await.map_err(|e| unreadable(&e))?;
    let recent = guard.recent(MOST_DONE).await.map_err(|e| unreadable(&e))?;
    Ok(open.into_iter().chain(recent.into_iter().filter(|held| held.closed)).collect())
}

fn too_much() -> Refusal {
    Refusal::bad_request(
        "too much happened in that time for one recording: name a shorter period by `from` and `to`",
    )
}
