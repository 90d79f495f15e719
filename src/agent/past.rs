//! Past moments: the board, the status and a page as they were, as far as that is kept.
//!
//! How a cell stood is the rule of [`crate::model::past`]; here is only read what it needs, in pieces,
//! so that 24,000 schools cost time but no more memory than a board.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::StatusCode;
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use crate::agent::days;
use crate::agent::problem::{Refusal, json};
use crate::agent::routes::{Answer, Desk, HISTORY, agent_info, line_of, no_school};
use crate::agent::stream::{BrokenOff, PIECE, listed};
use crate::hub::{Narrow, Snapshot};
use crate::model::calendar::london_date;
use crate::model::cell::{Cell, Handling, Part, Row, Split, StateChange, Summary};
use crate::model::check::Scope;
use crate::model::estate::Estate;
use crate::model::health::{Health, Reason};
use crate::model::ids::{Laestab, ServiceKey};
use crate::model::past::{
    Around, Attended, cell_at, gap, is_not_recorded, not_recorded, settle_causes,
};
use crate::model::text::Clean;
use crate::ports::store::{Store, StoreError};
use crate::wire::board::CompactCell;
use crate::wire::past::Past;
use crate::wire::runs::Stretch;
use crate::wire::status::{CellStatus, EstateStatus, SchoolStatus};
use crate::wire::telling::moment;

/// Entries of the desk's book that are looked through for a page.
const BOOK: usize = 2_000;
/// The present agent wrote its last word at most so long ago.
const WORD: SignedDuration = SignedDuration::from_mins(10);

/// What the past cannot tell, told with every answer.
const NOT_KEPT: [&str; 4] = [
    "troubles that were not yet confirmed, and what was flapping or quiet, are not kept",
    "checks with their evidence, tickets and what was planned are not kept",
    "schools, services and names are those of the present configuration",
    "the beginning of a trouble is when it was confirmed, where it has changed since",
];

/// A moment that was asked for, and what all its rows need.
pub(super) struct Moment {
    pub at: Timestamp,
    pub now: Timestamp,
    held: Attended,
    pub gap: Option<Attended>,
    holds: Holds,
    pub columns: Vec<(ServiceKey, Clean)>,
    config: Arc<Estate>,
    pub estate: Vec<Cell>,
    stretches: Vec<Attended>,
}

/// Reads from the store, off the runtime's threads.
pub(super) async fn read<T: Send + 'static>(
    desk: &Desk,
    look: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Refusal> {
    let store = Arc::clone(&desk.store);
    let unreadable = |why: String| {
        tracing::warn!("the past cannot be read: {why}");
        Refusal::busy(&format!("the past cannot be read: {why}"))
    };
    match tokio::task::spawn_blocking(move || look(&*store)).await {
        Ok(found) => found.map_err(|e| unreadable(e.to_string())),
        Err(error) => Err(unreadable(error.to_string())),
    }
}

/// Changes without those that are no news: a cell that was well when it was first judged, or of which
/// nothing was seen then, and one that is not taken any more.
pub(super) fn news(history: Vec<StateChange>) -> Vec<StateChange> {
    let is_news = |change: &StateChange| match change.first {
        true => change.to.is_trouble() && change.reason != Some(Reason::NeverSeen),
        false => change.to != Health::NotSubscribed,
    };
    history.into_iter().filter(is_news).collect()
}

/// A moment of a query.
pub(super) fn moment_of(text: &str) -> Result<Timestamp, Refusal> {
    // A form's `+` means a space: a zone's sign that was not encoded is read as it was meant.
    text.replace(' ', "+").parse().map_err(|_| {
        let short: String = text.chars().take(40).collect();
        Refusal::bad_request(&format!(
            "{short:?} is no moment: write it as 2026-11-23T22:00:00Z (RFC 3339, UTC)"
        ))
    })
}

/// When agents ran, this one up to now.
pub(super) async fn stretches(desk: &Desk, now: Timestamp) -> Result<Vec<Attended>, Refusal> {
    let mut all = read(desk, |store| store.attended()).await?;
    match all.first_mut() {
        Some(last) if now.duration_since(last.until) <= WORD => last.until = now.max(last.until),
        _ => {}
    }
    Ok(all)
}

/// Refuses a moment of which nothing can be kept. The whole span that is.
pub(super) fn held(
    stretches: &[Attended],
    at: Timestamp,
    now: Timestamp,
) -> Result<Attended, Refusal> {
    let from = stretches.last().map_or(now, |first| first.from);
    // Short: a prompt of 80 columns shows it in a line.
    let kept = format!("kept since {}", moment(from));
    if at > now {
        return Err(Refusal::bad_request(&format!("{} lies in the future; {kept}", moment(at))));
    }
    if at < from {
        let why = format!("{kept}; nothing of {}", moment(at));
        return Err(Refusal::bad_request(&why));
    }
    Ok(Attended { from, until: now })
}

/// Who had what, row by row.
type Holds = HashMap<Row, Vec<(ServiceKey, Handling)>>;

async fn holds_at(desk: &Desk, at: Timestamp) -> Result<Holds, Refusal> {
    let mut holds = Holds::new();
    for (name, handling) in read(desk, move |store| store.holds(at)).await? {
        holds.entry(name.row).or_default().push((name.service, handling));
    }
    Ok(holds)
}

impl Moment {
    /// Reads what is needed of a moment.
    pub async fn of(desk: &Desk, at: Timestamp) -> Result<Self, Refusal> {
        let now = desk.clock.now();
        let stretches = stretches(desk, now).await?;
        let held = held(&stretches, at, now)?;
        let holds = holds_at(desk, at).await?;
        let config = desk.hub.estate();
        let label = |s: &crate::model::check::ServiceSpec| (s.key.clone(), Clean::new(&s.label));
        let mut moment = Self {
            at,
            now,
            held,
            gap: gap(&stretches, at),
            holds,
            columns: config.services.iter().map(label).collect(),
            config,
            estate: Vec::new(),
            stretches,
        };
        moment.estate = moment.rows(desk, vec![Row::Estate]).await?.pop().unwrap_or_default();
        Ok(moment)
    }

    /// The same at another moment; who had what is read again where `holds` says so.
    pub async fn at_another(
        &self,
        desk: &Desk,
        at: Timestamp,
        holds: bool,
    ) -> Result<Self, Refusal> {
        let holds = if holds { holds_at(desk, at).await? } else { self.holds.clone() };
        let mut moment = Self {
            at,
            now: self.now,
            held: self.held,
            gap: gap(&self.stretches, at),
            holds,
            columns: self.columns.clone(),
            config: Arc::clone(&self.config),
            estate: Vec::new(),
            stretches: self.stretches.clone(),
        };
        moment.estate = moment.rows(desk, vec![Row::Estate]).await?.pop().unwrap_or_default();
        Ok(moment)
    }

    /// Rows of which somebody had something.
    pub fn had(&self) -> impl Iterator<Item = Row> {
        self.holds.keys().copied()
    }

    /// The cells of rows at the moment, in the order of the columns.
    pub async fn rows(&self, desk: &Desk, rows: Vec<Row>) -> Result<Vec<Vec<Cell>>, Refusal> {
        // The present first: what changes from now on is then in what is read after it.
        let asked = rows.clone();
        let present = desk.hub.ask(move |held| held.cells(&asked)).await?;
        if !Arc::ptr_eq(&self.config, &desk.hub.estate()) {
            return Err(Refusal::busy("the configuration changed meanwhile; ask again"));
        }
        let (asked, at) = (rows.clone(), self.at);
        let found = read(desk, move |store| store.around(&asked, at)).await?;
        let mut around: HashMap<Row, HashMap<ServiceKey, Around>> = HashMap::new();
        for (name, found) in found {
            around.entry(name.row).or_default().insert(name.service, found);
        }
        let nothing = HashMap::new();
        let of = |(row, present): (Row, Vec<Cell>)| {
            self.row(row, &present, around.get(&row).unwrap_or(&nothing))
        };
        Ok(rows.into_iter().zip(present).map(of).collect())
    }

    fn row(&self, row: Row, present: &[Cell], around: &HashMap<ServiceKey, Around>) -> Vec<Cell> {
        let never = Around::default();
        let cells = self.columns.iter().zip(present).map(|((service, _), present)| {
            let around = around.get(service).unwrap_or(&never);
            let cell = cell_at(around, present, self.at);
            match &self.gap {
                Some(_) if cell.health != Health::NotSubscribed => {
                    not_recorded("no agent ran at that time: nobody looked")
                }
                _ => cell,
            }
        });
        let mut cells: Vec<Cell> = cells.collect();
        if row != Row::Estate {
            settle_causes(&mut cells, &self.estate, &self.columns);
        }
        let held = self.holds.get(&row).map_or(&[][..], Vec::as_slice);
        for (cell, (service, _)) in cells.iter_mut().zip(&self.columns) {
            let found = held.iter().find(|(key, _)| key == service);
            let taken = cell.health != Health::NotSubscribed;
            cell.handling = found.filter(|_| taken).map(|(_, handling)| handling.clone());
        }
        cells
    }

    /// What says that it is the past.
    pub async fn told(&self, desk: &Desk, not_recorded: u32) -> Result<Past, Refusal> {
        let rows = self.all_rows();
        let (at, now) = (self.at, self.now);
        let (earlier, later) = read(desk, move |store| {
            Ok((store.nearest(&rows, at, false)?, store.nearest(&rows, at, true)?))
        })
        .await?;
        let stretch = |s: Attended| Stretch { from: s.from, until: s.until };
        Ok(Past {
            at,
            asked_at: now,
            held: stretch(self.held),
            nobody_looked: self.gap.map(stretch),
            not_recorded,
            earlier: earlier.filter(|at| *at >= self.held.from),
            later: later.filter(|at| *at <= now),
            not_kept: NOT_KEPT.iter().map(|text| Clean::new(text)).collect(),
        })
    }

    /// Every row, the estate's first.
    pub fn all_rows(&self) -> Vec<Row> {
        let schools = self.config.schools.keys().map(|laestab| Row::School(*laestab));
        std::iter::once(Row::Estate).chain(schools).collect()
    }

    /// Where nobody looked between two moments, the oldest first.
    pub fn unattended(&self, from: Timestamp, until: Timestamp) -> Vec<Stretch> {
        let gaps = self.stretches.windows(2).rev().filter_map(|pair| {
            let [later, earlier] = pair else { return None };
            Some(Stretch { from: earlier.until, until: later.from })
        });
        gaps.filter(|gap| gap.until > from && gap.from < until).collect()
    }

    /// Whether it was a school day there.
    fn is_school_day(&self, row: Row) -> bool {
        self.config.calendar_of(row).is_school_day(london_date(self.at))
    }

    /// Pupils of a school.
    pub fn pupils(&self, row: Row) -> u32 {
        match row {
            Row::Estate => u32::MAX,
            Row::School(laestab) => {
                self.config.schools.get(&laestab).and_then(|s| s.pupils).unwrap_or_default()
            }
        }
    }

    /// The name of a row.
    pub fn name(&self, row: Row) -> Clean {
        match row {
            Row::Estate => Clean::new("whole estate"),
            Row::School(laestab) => {
                let school = self.config.schools.get(&laestab);
                school.map_or_else(|| Clean::new(&laestab.to_string()), |s| s.name.clone())
            }
        }
    }
}

/// What all schools are together.
#[derive(Default)]
struct Totals {
    summary: Summary,
    schools: Summary,
    split: Split,
    not_recorded: u32,
}

impl Totals {
    fn add(&mut self, cells: &[CompactCell]) {
        for cell in cells {
            *self.summary.of_mut(cell.health) += 1;
            self.not_recorded += u32::from(cell.reason == Some(Reason::NotRecorded));
        }
        let worst = cells.iter().map(|c| c.health).max().unwrap_or_default();
        *self.schools.of_mut(worst) += 1;
        let part = cells.iter().map(CompactCell::part).min().unwrap_or(Part::NotSubscribed);
        *self.split.of_mut(part) += 1;
    }

    fn add_estate(&mut self, cells: &[Cell]) {
        let unknown = cells.iter().filter(|c| is_not_recorded(c)).count();
        self.not_recorded += u32::try_from(unknown).unwrap_or(u32::MAX);
    }
}

fn compact(cells: &[Cell]) -> Vec<CompactCell> {
    cells.iter().map(CompactCell::from).collect()
}

/// `GET /v1/board?at=`.
pub(super) async fn board(desk: Arc<Desk>, at: Timestamp) -> Answer {
    let place = desk.whole_place()?;
    let snapshot: Arc<Snapshot> = desk.hub.snapshot();
    let moment = Moment::of(&desk, at).await?;
    let mut totals = Totals::default();
    totals.add_estate(&moment.estate);
    let mut schools = Vec::with_capacity(snapshot.len());
    for from in (0..snapshot.len()).step_by(PIECE) {
        let mut piece = snapshot.schools(from, PIECE);
        let rows = piece.iter().map(|school| Row::School(school.laestab)).collect();
        for (school, cells) in piece.iter_mut().zip(moment.rows(&desk, rows).await?) {
            school.cells = compact(&cells);
            totals.add(&school.cells);
        }
        schools.push(piece);
    }
    let mut head = snapshot.head(agent_info(&desk), at);
    (head.summary, head.schools_summary) = (totals.summary, totals.schools);
    head.split = totals.split;
    (head.settled, head.restored_from) = (true, None);
    head.estate = compact(&moment.estate);
    head.past = Some(moment.told(&desk, totals.not_recorded).await?);
    listed(&head, "schools", stream::iter(schools.into_iter().map(Ok)), place)
}

/// `GET /v1/status?at=`, of `schools`.
pub(super) async fn status(
    desk: Arc<Desk>,
    at: Timestamp,
    mut schools: Vec<Laestab>,
    narrow: Narrow,
) -> Answer {
    let place = desk.whole_place()?;
    let moment = Arc::new(Moment::of(&desk, at).await?);
    let mut totals = Totals::default();
    totals.add_estate(&moment.estate);
    let all = moment.all_rows();
    for piece in all.get(1..).unwrap_or_default().chunks(PIECE) {
        for cells in moment.rows(&desk, piece.to_vec()).await? {
            totals.add(&compact(&cells));
        }
    }
    let asked = narrow.clone();
    let mut head = desk.hub.ask(move |held| held.status_head(&asked)).await?;
    head.as_of = at;
    (head.summary, head.schools_summary) = (totals.summary, totals.schools);
    head.settled = true;
    head.estate = estate_of(&moment, &narrow);
    head.past = Some(moment.told(&desk, totals.not_recorded).await?);
    // The first piece is read before the answer begins, so that a refusal can still be one.
    let later = schools.split_off(schools.len().min(PIECE));
    let first = statuses(&desk, &moment, schools).await?;
    let more = stream::unfold(later, move |mut left| {
        let (desk, moment) = (Arc::clone(&desk), Arc::clone(&moment));
        async move {
            if left.is_empty() {
                return None;
            }
            let later = left.split_off(left.len().min(PIECE));
            let piece = statuses(&desk, &moment, left).await;
            Some((piece.map_err(|_| BrokenOff), later))
        }
    });
    let rows = stream::once(async move { Ok(first) });
    listed(&head, "schools", rows.chain(more), place)
}

fn estate_of(moment: &Moment, narrow: &Narrow) -> Vec<EstateStatus> {
    let asked = moment.config.services.iter().zip(&moment.estate).filter(|(spec, _)| {
        narrow.service.as_ref().is_none_or(|only| *only == spec.key)
            && spec.checks.iter().any(|c| c.scope == Scope::Estate)
    });
    asked
        .map(|(spec, cell)| EstateStatus {
            service: spec.key.clone(),
            health: cell.health,
            why: cell.why.clone(),
            since: cell.since,
            reason: cell.reason,
            soft: false,
            tickets: Vec::new(),
            checks: Vec::new(),
        })
        .collect()
}

async fn statuses(
    desk: &Desk,
    moment: &Moment,
    schools: Vec<Laestab>,
) -> Result<Vec<SchoolStatus>, Refusal> {
    let rows = schools.iter().map(|laestab| Row::School(*laestab)).collect();
    let cells = moment.rows(desk, rows).await?;
    let of = |(laestab, cells): (Laestab, Vec<Cell>)| SchoolStatus {
        laestab,
        name: moment.name(Row::School(laestab)),
        cells: moment
            .columns
            .iter()
            .map(|(key, _)| key.clone())
            .zip(cells.into_iter().map(cell))
            .collect(),
    };
    Ok(schools.into_iter().zip(cells).map(of).collect())
}

fn cell(cell: Cell) -> CellStatus {
    CellStatus {
        health: cell.health,
        reason: cell.reason,
        why: cell.why,
        since: cell.since,
        state_since: cell.state_since,
        soft: cell.soft,
        handling: cell.handling,
        follows_from: cell.follows_from,
        tickets: Vec::new(),
        checks: Vec::new(),
    }
}

/// `GET /v1/schools/{school}?at=`.
pub(super) async fn page(desk: Arc<Desk>, row: Row, name: &str, at: Timestamp) -> Answer {
    let found = desk.hub.ask(move |held| held.page(row)).await?;
    let mut page = found.ok_or_else(|| no_school(name))?;
    let moment = Moment::of(&desk, at).await?;
    let cells = match row {
        Row::Estate => moment.estate.clone(),
        Row::School(_) => moment.rows(&desk, vec![row]).await?.pop().unwrap_or_default(),
    };
    let unknown = cells.iter().filter(|c| is_not_recorded(c)).count();
    for (view, cell) in page.services.iter_mut().zip(cells) {
        let affects: Vec<ServiceKey> = Vec::new();
        (view.cell, view.affects) = (cell, affects);
        (view.elsewhere, view.takers, view.planned) = (0, 0, None);
        view.checks.clear();
        view.in_common.clear();
        view.windows.clear();
        view.next_steps.clear();
    }
    let (history, book) =
        read(&desk, move |store| Ok((store.up_to(row, at, HISTORY)?, store.desk(row, BOOK)?)))
            .await?;
    page.history = news(history);
    let book = book.into_iter().filter(|entry| entry.at <= at).take(HISTORY);
    page.desk = book.map(line_of).collect();
    page.as_of = at;
    page.school_day = moment.is_school_day(row);
    days::put(&desk, row, &mut page, at).await;
    page.past = Some(moment.told(&desk, u32::try_from(unknown).unwrap_or(u32::MAX)).await?);
    Ok(json(StatusCode::OK, &page))
}
