//! `GET /v1/report`: how services stood through a period, and how long trouble took. What is counted
//! how is the rule of [`crate::model::report`]; here is only read what it needs, in pieces.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use crate::agent::past::{moment_of, read, stretches};
use crate::agent::problem::{Refusal, json};
use crate::agent::routes::{
    Answer, Desk, no_school, pairs, school_of, service_of, unknown_parameter,
};
use crate::agent::stream::PIECE;
use crate::model::calendar::Calendar;
use crate::model::cell::{Cell, Row, StateChange};
use crate::model::desk::{CellName, DeskEntry};
use crate::model::estate::Estate;
use crate::model::health::Health;
use crate::model::ids::{Laestab, ServiceKey};
use crate::model::incident::{IncidentState, KeptIncident, Member};
use crate::model::past::Attended;
use crate::model::report::{
    self, Days, Layers, Stand, Stretch, Sums, Times, Took, course, down, planned, sum_up, took,
};
use crate::model::text::Clean;
use crate::ports::store::{Store, StoreError};
use crate::wire;
use crate::wire::VERSION;
use crate::wire::report::{CellReport, Counted, Day, Report, SchoolReport, ServiceReport};

/// The period, where none is asked for.
const USUAL: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The longest period: what the store keeps.
const LONGEST: SignedDuration = SignedDuration::from_hours(400 * 24);
/// Schools in one answer.
const MOST: usize = 2_000;
/// Incidents that are looked through.
const INCIDENTS: usize = 5_000;
/// Entries of the desk's book about one row that are looked through.
const BOOK: usize = 2_000;
/// Stretches in which nobody looked, in one answer.
const GAPS: usize = 200;

/// How it was counted, told with every answer.
const NOTES: [&str; 7] = [
    "availability is the time that was ok or a warning over the time that was known; unknown time, time that \
     is not recorded and planned work are in neither and stand beside it; where less than a tenth of the \
     time that counts is known, no share is told",
    "what is not recorded: no agent ran, or what is kept does not tell how it stood",
    "a cell that only followed from another's trouble counts as followed; while the whole estate's part of \
     its own service was critical, it counts as critical",
    "trouble counts from when it was confirmed; schools, services and calendars are those of the present \
     configuration",
    "fresh is the time in which somebody looked and was told data within its limit; unknown time is not fresh",
    "incidents count in the period in which they opened, with what became of them since; what follows is \
     counted with its root, and planned work opens none",
    "to notice: from the beginning of the trouble until it was certain, where somebody looked when it began; \
     to claim: from there until it was claimed or acknowledged; to resolve: from the beginning until well \
     again; 90 of 100 took no longer than the 90th centile (nearest rank)",
];

/// What is asked for.
struct Asked {
    period: Stretch,
    /// The schools, if any are named.
    schools: Option<BTreeSet<Laestab>>,
    /// Services by their column.
    columns: Vec<usize>,
}

pub(super) async fn report(State(desk): State<Arc<Desk>>, RawQuery(query): RawQuery) -> Answer {
    let now = desk.clock.now();
    let estate = desk.hub.estate();
    let asked = asked(query.as_deref(), &estate, now)?;
    let place = desk.whole_place()?;
    let report = Reckoning::new(&desk, estate, asked, now).await?.report(&desk).await?;
    drop(place);
    Ok(json(StatusCode::OK, &report))
}

fn asked(query: Option<&str>, estate: &Estate, now: Timestamp) -> Result<Asked, Refusal> {
    let (mut from, mut until) = (None, None);
    let mut schools: Option<BTreeSet<Laestab>> = None;
    let mut services: Vec<ServiceKey> = Vec::new();
    for (key, value) in pairs(query) {
        let words = || value.split(',').filter(|word| !word.is_empty());
        match key.as_str() {
            "from" => from = Some(moment_of(&value)?),
            "to" => until = Some(moment_of(&value)?),
            "schools" => {
                let list = schools.get_or_insert_default();
                for word in words() {
                    let laestab = school_of(word)?;
                    if !estate.schools.contains_key(&laestab) {
                        return Err(no_school(word));
                    }
                    list.insert(laestab);
                }
            }
            "services" => {
                for word in words() {
                    services.push(service_of(word, estate)?);
                }
            }
            other => return Err(unknown_parameter(other, "from, to, schools, services")),
        }
    }
    let until = until.unwrap_or(now);
    if until > now {
        return Err(Refusal::bad_request("`to` lies in the future; leave it out for now"));
    }
    let from = from.unwrap_or(until - USUAL);
    let whole = |at: Timestamp| Timestamp::from_second(at.as_second()).unwrap_or(at);
    let period = (whole(from), whole(until));
    if period.0 >= period.1 {
        return Err(Refusal::bad_request("`from` does not lie before `to`; exchange the two"));
    }
    if period.1.duration_since(period.0) > LONGEST {
        return Err(Refusal::bad_request(
            "a report covers 400 days at most: nothing older is kept; name a later `from`",
        ));
    }
    let is_asked = |key: &ServiceKey| services.is_empty() || services.contains(key);
    let columns = estate.services.iter().enumerate().filter(|(_, s)| is_asked(&s.key));
    Ok(Asked { period, schools, columns: columns.map(|(n, _)| n).collect() })
}

/// Sums by day.
#[derive(Default)]
struct Daily(Vec<Sums>);

impl Daily {
    fn add(&mut self, other: &[Sums]) {
        self.0.resize(other.len().max(self.0.len()), Sums::default());
        self.0.iter_mut().zip(other).for_each(|(sum, more)| sum.add(more));
    }
}

/// Sums round the clock and on school days.
#[derive(Default, Clone, Copy)]
struct Both {
    all: Sums,
    school: Sums,
}

impl Both {
    fn of(days: &[Sums], is_school_day: &[bool]) -> Self {
        let mut both = Self::default();
        for (sums, is_school_day) in days.iter().zip(is_school_day) {
            both.all.add(sums);
            if *is_school_day {
                both.school.add(sums);
            }
        }
        both
    }

    fn add(&mut self, other: &Self) {
        self.all.add(&other.all);
        self.school.add(&other.school);
    }

    fn counted(&self) -> Counted {
        Counted { round_the_clock: self.all.into(), school_days: self.school.into() }
    }
}

/// The whole estate's part of a service: what its schools need of it, and its own sums.
#[derive(Default)]
struct EstatePart {
    down: Vec<Stretch>,
    planned: Vec<Stretch>,
    daily: Daily,
    both: Both,
    is_asked: bool,
}

/// A service while it is counted.
#[derive(Default)]
struct Column {
    estate: EstatePart,
    daily: Daily,
    both: Both,
    takers: u32,
}

/// What the store and the board tell of one row.
struct Told {
    row: Row,
    present: Vec<Cell>,
    changes: HashMap<ServiceKey, Vec<StateChange>>,
    /// The oldest first.
    book: Vec<DeskEntry>,
}

struct Reckoning {
    now: Timestamp,
    kept_since: Timestamp,
    period: Stretch,
    days: Days,
    unattended: Vec<Stretch>,
    rows: Vec<Row>,
    has_estate: bool,
    keys: Vec<ServiceKey>,
    asked: Vec<usize>,
    estate: Arc<Estate>,
    columns: Vec<Column>,
    schools: Vec<SchoolReport>,
    more: u32,
    together: Both,
    incidents: Vec<KeptIncident>,
    too_many: bool,
    /// The incidents that have roots in each row, by their place, and the services of those roots.
    roots: HashMap<Row, (BTreeSet<usize>, BTreeSet<ServiceKey>)>,
    /// The desk's book about cells that are roots.
    books: HashMap<CellName, Vec<DeskEntry>>,
}

impl Reckoning {
    async fn new(
        desk: &Desk,
        estate: Arc<Estate>,
        asked: Asked,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let (from, until) = asked.period;
        let attended = stretches(desk, now).await?;
        let (incidents, too_many) = incidents(desk, asked.period).await?;
        let mut roots: HashMap<Row, (BTreeSet<usize>, BTreeSet<ServiceKey>)> = HashMap::new();
        for (n, kept) in incidents.iter().enumerate() {
            for root in kept.members.iter().filter(|m| is_root(m)) {
                let (here, services) = roots.entry(root.cell.row).or_default();
                here.insert(n);
                services.insert(root.cell.service.clone());
            }
        }
        let is_meant = |l: &&Laestab| asked.schools.as_ref().is_none_or(|only| only.contains(l));
        let rows = estate.schools.keys().filter(is_meant).map(|l| Row::School(*l)).collect();
        let mut columns = Vec::new();
        columns.resize_with(estate.services.len(), Column::default);
        Ok(Self {
            now,
            kept_since: attended.last().map_or(now, |first| first.from),
            period: (from, until),
            days: Days::new((from, until)),
            unattended: unattended(&attended, (from, until)),
            rows,
            has_estate: asked.schools.is_none(),
            keys: estate.services.iter().map(|s| s.key.clone()).collect(),
            asked: asked.columns,
            estate,
            columns,
            schools: Vec::new(),
            more: 0,
            together: Both::default(),
            incidents,
            too_many,
            roots,
            books: HashMap::new(),
        })
    }

    async fn report(mut self, desk: &Desk) -> Result<Report, Refusal> {
        // The estate first: what it spreads is needed for every school.
        for told in self.told(desk, vec![Row::Estate]).await? {
            self.take_estate(&told);
        }
        let rows = std::mem::take(&mut self.rows);
        let mut counted = Vec::new();
        for piece in rows.chunks(PIECE) {
            for told in self.told(desk, piece.to_vec()).await? {
                counted.extend(self.take_school(&told));
            }
            if counted.len() > 2 * MOST {
                self.shorten(&mut counted);
            }
        }
        self.shorten(&mut counted);
        self.schools = counted;
        self.rows = rows;
        Ok(self.written())
    }

    /// The present first: what changes from now on is then in what is read after it.
    async fn told(&self, desk: &Desk, rows: Vec<Row>) -> Result<Vec<Told>, Refusal> {
        let asked = rows.clone();
        let present = desk.hub.ask(move |held| held.cells(&asked)).await?;
        if !Arc::ptr_eq(&self.estate, &desk.hub.estate()) {
            return Err(Refusal::busy("the configuration changed meanwhile; ask again"));
        }
        let (asked, period) = (rows.clone(), self.period);
        let (mut changes, mut books) =
            read(desk, move |store| Ok((changes(store, &asked, period)?, books(store, &asked)?)))
                .await?;
        let told = |(row, present): (Row, Vec<Cell>)| Told {
            row,
            present,
            changes: changes.remove(&row).unwrap_or_default(),
            book: books.remove(&row).unwrap_or_default(),
        };
        Ok(rows.into_iter().zip(present).map(told).collect())
    }

    /// The course of a cell, and when work was planned on it.
    fn course(&self, told: &Told, column: usize) -> Option<(Vec<Stand>, Vec<Stretch>)> {
        let (key, present) = (self.keys.get(column)?, told.present.get(column)?);
        let changes = told.changes.get(key).map_or(&[][..], Vec::as_slice);
        let stands = course(changes, present, self.period);
        let is_taken = |stand: &Stand| stand.health != Health::NotSubscribed;
        let is_here = present.health != Health::NotSubscribed
            || stands.iter().any(|stand| stand.is_recorded && is_taken(stand));
        let book: Vec<&DeskEntry> = told.book.iter().filter(|e| names(e, key)).collect();
        is_here.then(|| (stands, planned(&book, self.period)))
    }

    fn take_estate(&mut self, told: &Told) {
        let is_school_day = self.school_days(Row::Estate);
        for column in self.asked.clone() {
            let Some((stands, planned)) = self.course(told, column) else { continue };
            let mut days = vec![Sums::default(); self.days.dates.len()];
            let layers =
                Layers { unattended: &self.unattended, planned: &planned, ..Layers::default() };
            sum_up(&stands, &layers, &self.days, &mut days);
            let both = Both::of(&days, &is_school_day);
            let down = down(&stands, self.period.1);
            if let Some(to) = self.columns.get_mut(column) {
                to.estate = EstatePart { down, planned, daily: Daily(days), both, is_asked: true };
            }
        }
        self.keep_books(told);
    }

    fn take_school(&mut self, told: &Told) -> Option<SchoolReport> {
        let is_school_day = self.school_days(told.row);
        let (mut cells, mut together) = (Vec::new(), Both::default());
        for column in self.asked.clone() {
            let Some((stands, planned)) = self.course(told, column) else { continue };
            let Some(to) = self.columns.get_mut(column) else { continue };
            let mut days = vec![Sums::default(); self.days.dates.len()];
            let layers = Layers {
                unattended: &self.unattended,
                planned: &planned,
                estate_down: &to.estate.down,
                estate_planned: &to.estate.planned,
            };
            sum_up(&stands, &layers, &self.days, &mut days);
            let both = Both::of(&days, &is_school_day);
            to.daily.add(&days);
            to.both.add(&both);
            to.takers = to.takers.saturating_add(1);
            together.add(&both);
            let service = self.keys.get(column).cloned();
            cells.extend(service.map(|service| CellReport { service, counted: both.counted() }));
        }
        self.keep_books(told);
        self.together.add(&together);
        (!cells.is_empty()).then(|| SchoolReport {
            row: told.row,
            name: self.name(told.row),
            counted: together.counted(),
            cells,
            times: Times::default(),
        })
    }

    /// Keeps the desk's book about the roots of incidents.
    fn keep_books(&mut self, told: &Told) {
        let Some((_, services)) = self.roots.get(&told.row) else { return };
        for service in services {
            let entries = told.book.iter().filter(|e| names(e, service)).cloned();
            let cell = CellName { row: told.row, service: service.clone() };
            self.books.insert(cell, entries.collect());
        }
    }

    /// Which days of the period are school days there.
    fn school_days(&self, row: Row) -> Vec<bool> {
        let calendar: Calendar = match row {
            Row::Estate => self.estate.calendars.get("").cloned().unwrap_or_default(),
            Row::School(laestab) => self.estate.calendar(laestab),
        };
        self.days.dates.iter().map(|date| calendar.is_school_day(*date)).collect()
    }

    fn name(&self, row: Row) -> Clean {
        match row {
            Row::Estate => Clean::new("whole estate"),
            Row::School(laestab) => self
                .estate
                .schools
                .get(&laestab)
                .map_or_else(|| Clean::new(&laestab.to_string()), |school| school.name.clone()),
        }
    }

    /// The least available first, and no more than are told.
    fn shorten(&mut self, schools: &mut Vec<SchoolReport>) {
        let worth = |school: &SchoolReport| school.counted.round_the_clock.availability;
        schools.sort_by(|a, b| match (worth(a), worth(b)) {
            (Some(one), Some(other)) => one.total_cmp(&other).then(a.row.cmp(&b.row)),
            // Of what nothing is known comes first: it may be worse than any.
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (None, None) => a.row.cmp(&b.row),
        });
        let beyond = schools.len().saturating_sub(MOST);
        self.more = self.more.saturating_add(u32::try_from(beyond).unwrap_or(u32::MAX));
        schools.truncate(MOST);
    }

    /// The incidents that have roots in a row.
    fn incidents_at(&self, row: Row) -> impl Iterator<Item = &KeptIncident> {
        let here = self.roots.get(&row).into_iter().flat_map(|(here, _)| here);
        here.filter_map(|n| self.incidents.get(*n))
    }

    /// How long incidents took that have roots among these cells, by those roots.
    fn times<'a>(
        &self,
        incidents: impl Iterator<Item = &'a KeptIncident>,
        is_meant: impl Fn(&CellName) -> bool,
    ) -> Times {
        let looked = |at: Timestamp| at >= self.kept_since && !holds(&self.unattended, at);
        let had = |cell: &CellName, stretch: Stretch| {
            let entries: Vec<&DeskEntry> = self.books.get(cell)?.iter().collect();
            report::had(&entries, stretch)
        };
        let took_it = |kept: &KeptIncident| {
            let here = |m: &&Member| is_root(m) && is_meant(&m.cell);
            let roots: Vec<&Member> = kept.members.iter().filter(here).collect();
            took(&roots, self.now, looked, had)
        };
        let all: Vec<Took> = incidents.filter_map(took_it).collect();
        Times::of(&all)
    }

    fn written(mut self) -> Report {
        let keys = self.keys.clone();
        let asked: BTreeSet<&ServiceKey> = self.asked.iter().filter_map(|n| keys.get(*n)).collect();
        let rows: BTreeSet<Row> = self.rows.iter().copied().collect();
        let has_estate = self.has_estate;
        let is_meant = |cell: &CellName| {
            let is_here = rows.contains(&cell.row) || (has_estate && cell.row == Row::Estate);
            is_here && asked.contains(&cell.service)
        };
        let times = self.times(self.incidents.iter(), is_meant);
        let services = self.asked.iter().filter_map(|n| self.service(*n, &is_meant)).collect();
        let mut schools = std::mem::take(&mut self.schools);
        for school in &mut schools {
            let here = self.incidents_at(school.row);
            school.times = self.times(here, |cell| cell.row == school.row && is_meant(cell));
        }
        let mut notes: Vec<Clean> = NOTES.iter().map(|note| Clean::new(note)).collect();
        if self.too_many {
            notes.push(Clean::new(&format!(
                "more than {INCIDENTS} incidents ended in the period: times are of the newest alone"
            )));
        }
        let looked_away = self.unattended.iter().take(GAPS);
        let stretch = |(from, until): &Stretch| wire::runs::Stretch { from: *from, until: *until };
        Report {
            version: VERSION,
            as_of: self.now,
            from: self.period.0,
            until: self.period.1,
            kept_since: self.kept_since,
            nobody_looked: looked_away.map(stretch).collect(),
            schools_together: self.together.counted(),
            times,
            services,
            schools,
            more: self.more,
            notes,
        }
    }

    fn service(&self, n: usize, is_meant: &impl Fn(&CellName) -> bool) -> Option<ServiceReport> {
        let (spec, column) = (self.estate.services.get(n)?, self.columns.get(n)?);
        let has_estate = self.has_estate && column.estate.is_asked;
        let daily = if column.takers > 0 { &column.daily } else { &column.estate.daily };
        let days = self.days.dates.iter().zip(&daily.0);
        let day = |(date, sums): (&jiff::civil::Date, &Sums)| Day {
            date: *date,
            availability: sums.availability(),
        };
        Some(ServiceReport {
            service: spec.key.clone(),
            label: Clean::new(&spec.label),
            schools: column.both.counted(),
            takers: column.takers,
            estate: has_estate.then(|| column.estate.both.counted()),
            days: days.map(day).collect(),
            times: self
                .times(self.incidents.iter(), |cell| cell.service == spec.key && is_meant(cell)),
        })
    }
}

fn is_root(member: &Member) -> bool {
    member.is_root() && member.moved.is_none()
}

/// Whether an entry of the book is about the row's cell of a service.
fn names(entry: &DeskEntry, key: &ServiceKey) -> bool {
    entry.cells.iter().any(|cell| cell.service == *key)
}

fn holds(stretches: &[Stretch], at: Timestamp) -> bool {
    stretches.iter().any(|(from, until)| *from <= at && at < *until)
}

/// Where nobody looked within a period, the oldest first; `attended` newest first.
fn unattended(attended: &[Attended], (from, until): Stretch) -> Vec<Stretch> {
    let mut out = Vec::new();
    let mut looked_until = from;
    for stretch in attended.iter().rev() {
        if stretch.from > looked_until {
            out.push((looked_until, stretch.from.min(until)));
        }
        looked_until = looked_until.max(stretch.until);
        if looked_until >= until {
            break;
        }
    }
    if looked_until < until {
        out.push((looked_until, until));
    }
    out.retain(|(from, until)| from < until);
    out
}

/// The changes of each cell: the last one at or before the period, those within, the first one after.
fn changes(
    store: &dyn Store,
    rows: &[Row],
    (from, until): Stretch,
) -> Result<HashMap<Row, HashMap<ServiceKey, Vec<StateChange>>>, StoreError> {
    let mut all: HashMap<Row, HashMap<ServiceKey, Vec<StateChange>>> = HashMap::new();
    let mut put = |row: Row, change: StateChange| {
        all.entry(row).or_default().entry(change.service.clone()).or_default().push(change);
    };
    for (name, around) in store.around(rows, from)? {
        around.before.into_iter().for_each(|change| put(name.row, change));
    }
    store.between(rows, (from, until), &mut put)?;
    for (name, around) in store.around(rows, until)? {
        around.after.into_iter().for_each(|change| put(name.row, change));
    }
    Ok(all)
}

/// The desk's book about each row, the oldest first.
fn books(store: &dyn Store, rows: &[Row]) -> Result<HashMap<Row, Vec<DeskEntry>>, StoreError> {
    let book = |row: &Row| {
        let mut entries = store.desk(*row, BOOK)?;
        entries.reverse();
        Ok((*row, entries))
    };
    rows.iter().map(book).collect()
}

/// The incidents that opened in a period and are not a part of others; and whether there were too many
/// to read them all.
async fn incidents(
    desk: &Desk,
    (from, until): Stretch,
) -> Result<(Vec<KeptIncident>, bool), Refusal> {
    let live = desk.hub.ask(|held| held.all_incidents()).await?;
    let ended = read(desk, move |store| store.incidents(from, INCIDENTS + 1)).await?;
    let too_many = ended.len() > INCIDENTS;
    let known: BTreeSet<u64> = live.iter().map(|kept| kept.incident.id).collect();
    let old = ended.into_iter().filter(|kept| !known.contains(&kept.incident.id));
    let is_meant = |kept: &KeptIncident| {
        let is_whole = !matches!(kept.incident.state, IncidentState::Merged { .. });
        is_whole && (from..until).contains(&kept.incident.opened_at)
    };
    Ok((live.into_iter().chain(old).filter(is_meant).collect(), too_many))
}
