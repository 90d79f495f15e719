//! The shared view: every cell without its sentence, and when each last changed.

use std::sync::Arc;

use jiff::Timestamp;

use crate::engine::World;
use crate::model::cell::{Cause, Cell, Handling, Part, Row, Split, Summary};
use crate::model::check::Scope;
use crate::model::estate::Estate;
use crate::model::health::{Health, Reason};
use crate::model::ids::{Laestab, ServiceKey};
use crate::model::school::School;
use crate::model::text::Clean;
use crate::wire::VERSION;
use crate::wire::board::{AgentInfo, Board, CellChange, Column, CompactCell, SchoolRow};
use crate::wire::standing::Standing;

/// A cell in 24 bytes; at the stress size there are 168,000 of them.
#[derive(Debug, Clone, Default, PartialEq)]
struct Slim {
    /// `i64::MIN` for none.
    since: i64,
    handling: Option<Arc<Handling>>,
    health: Health,
    reason: Option<Reason>,
    /// Column of the service that it follows from and whether the estate is meant.
    follows: Option<(u8, bool)>,
    marks: u8,
}

impl Slim {
    /// What decides where its row stands.
    fn stands(&self) -> (Part, Health, Option<i64>) {
        let since = (self.since != NO_TIME).then_some(self.since);
        let is_unasked = self.reason == Some(Reason::NeverSeen) && since.is_none();
        let part =
            Part::of(self.health, is_unasked, self.handling.is_some(), self.follows.is_some());
        (part, self.health, since)
    }
}

const SOFT: u8 = 1;
const FLAPPING: u8 = 2;
const QUIET: u8 = 4;
const NO_TIME: i64 = i64::MIN;

/// What does not change between two configurations.
#[derive(Debug)]
pub(super) struct Shape {
    pub estate: Arc<Estate>,
    pub columns: Vec<Column>,
    keys: Vec<ServiceKey>,
    /// Schools in order; row `n + 1` of the view is school `n`, row 0 the estate.
    pub schools: Vec<Laestab>,
    /// Schools that take each column's service.
    pub takers: Vec<u32>,
}

impl Shape {
    pub fn new(estate: Arc<Estate>) -> Self {
        let columns = estate.services.iter().map(|s| Column {
            key: s.key.clone(),
            label: Clean::new(&s.label),
            code: Clean::new(&s.code),
            watched: !s.checks.is_empty(),
        });
        let takers = estate.services.iter().map(|s| estate.takers(&s.key).count());
        Self {
            columns: columns.collect(),
            keys: estate.services.iter().map(|s| s.key.clone()).collect(),
            schools: estate.schools.keys().copied().collect(),
            takers: takers.map(|n| u32::try_from(n).unwrap_or(u32::MAX)).collect(),
            estate,
        }
    }

    /// The place of a row in the view.
    pub fn place(&self, row: Row) -> Option<usize> {
        match row {
            Row::Estate => Some(0),
            Row::School(laestab) => self.schools.binary_search(&laestab).ok().map(|i| i + 1),
        }
    }

    fn row(&self, place: usize) -> Option<Row> {
        match place.checked_sub(1) {
            None => Some(Row::Estate),
            Some(i) => self.schools.get(i).copied().map(Row::School),
        }
    }

    fn slim(&self, cell: &Cell) -> Slim {
        let marks = u8::from(cell.soft) * SOFT
            + u8::from(cell.flapping) * FLAPPING
            + u8::from(cell.quiet) * QUIET;
        Slim {
            since: cell.since.map_or(NO_TIME, Timestamp::as_second),
            handling: cell.handling.clone().map(Arc::new),
            health: cell.health,
            reason: cell.reason,
            follows: cell.follows_from.as_ref().and_then(|cause| {
                let column = self.keys.iter().position(|k| *k == cause.service)?;
                Some((u8::try_from(column).ok()?, cause.scope == Scope::Estate))
            }),
            marks,
        }
    }

    fn compact(&self, slim: &Slim) -> CompactCell {
        CompactCell {
            health: slim.health,
            reason: slim.reason,
            since: (slim.since != NO_TIME).then_some(slim.since),
            soft: slim.marks & SOFT != 0,
            flapping: slim.marks & FLAPPING != 0,
            quiet: slim.marks & QUIET != 0,
            handling: slim.handling.as_deref().cloned().map(Box::new),
            follows_from: slim.follows.and_then(|(column, estate)| {
                let service = self.keys.get(usize::from(column))?.clone();
                let scope = if estate { Scope::Estate } else { Scope::School };
                Some(Box::new(Cause { service, scope }))
            }),
        }
    }
}

/// The board as it was last published.
pub(super) struct View {
    pub shape: Arc<Shape>,
    /// Grows when rows or columns change: every reader must then begin anew.
    pub generation: u64,
    /// The oldest revision from which a reader may go on.
    pub floor: u64,
    pub revision: u64,
    pub settled: bool,
    pub restored_from: Option<Timestamp>,
    pub summary: Summary,
    pub schools_summary: Summary,
    pub split: Split,
    /// Set when the agent is about to end.
    pub bye: Option<Clean>,
    cells: Vec<Slim>,
    /// Revision at which each cell, and any cell of each row, last changed.
    cell_changed: Vec<u64>,
    row_changed: Vec<u64>,
}

impl View {
    /// Everything as `world` has it, as of its revision.
    pub fn new(world: &World, generation: u64, restored_from: Option<Timestamp>) -> Self {
        let shape = Arc::new(Shape::new(Arc::clone(world.estate())));
        let (rows, width) = (shape.schools.len() + 1, shape.columns.len());
        let revision = world.revision();
        let mut view = Self {
            shape,
            generation,
            floor: revision,
            revision,
            settled: world.settled(),
            restored_from: restored_from.filter(|_| !world.settled()),
            summary: world.summary(),
            schools_summary: world.schools_summary(),
            split: world.split(),
            bye: None,
            cells: vec![Slim::default(); rows * width],
            cell_changed: vec![revision; rows * width],
            row_changed: vec![revision; rows],
        };
        for place in 0..rows {
            let Some(row) = view.shape.row(place) else { continue };
            for column in (0..width).filter_map(|c| u16::try_from(c).ok()) {
                view.set(place, column, &world.cell(row, column));
            }
        }
        view
    }

    fn set(&mut self, place: usize, column: u16, cell: &Cell) {
        let width = self.shape.columns.len();
        if usize::from(column) >= width {
            return;
        }
        let slim = self.shape.slim(cell);
        if let Some(at) = self.cells.get_mut(place * width + usize::from(column)) {
            *at = slim;
        }
    }

    /// Takes over what changed in `world`.
    pub fn publish(&mut self, world: &World, changed: &[(Row, u16)]) {
        self.revision = world.revision();
        self.settled = world.settled();
        if self.settled {
            self.restored_from = None;
        }
        self.summary = world.summary();
        self.schools_summary = world.schools_summary();
        self.split = world.split();
        let width = self.shape.columns.len();
        for (row, column) in changed {
            let Some(place) = self.shape.place(*row) else { continue };
            self.set(place, *column, &world.cell(*row, *column));
            if let Some(at) = self.cell_changed.get_mut(place * width + usize::from(*column)) {
                *at = self.revision;
            }
            if let Some(at) = self.row_changed.get_mut(place) {
                *at = self.revision;
            }
        }
    }

    /// Cells that changed after `since` in the rows from `from` on: at most about `limit`, always
    /// whole rows. Also the row to go on with, if rows are left.
    pub fn changed_since(
        &self,
        since: u64,
        from: usize,
        limit: usize,
    ) -> (Vec<CellChange>, Option<usize>) {
        let mut out = Vec::new();
        let width = self.shape.columns.len();
        for (place, changed) in self.row_changed.iter().enumerate().skip(from) {
            if *changed <= since {
                continue;
            }
            if out.len() >= limit {
                return (out, Some(place));
            }
            let Some(row) = self.shape.row(place) else { continue };
            let start = place * width;
            let stamps = self.cell_changed.get(start..start + width).unwrap_or_default();
            let cells = self.cells.get(start..start + width).unwrap_or_default();
            for (column, (stamp, slim)) in (0_u16..).zip(stamps.iter().zip(cells)) {
                if *stamp > since {
                    let cell = self.shape.compact(slim);
                    out.push(CellChange { row, column, cell });
                }
            }
        }
        (out, None)
    }

    /// Every place of the board.
    pub fn everything(&self) -> Vec<(Row, u16)> {
        let width = u16::try_from(self.shape.columns.len()).unwrap_or(u16::MAX);
        let rows = (0..=self.shape.schools.len()).filter_map(|place| self.shape.row(place));
        rows.flat_map(|row| (0..width).map(move |column| (row, column))).collect()
    }

    /// Whether `snapshot` is the board as it stands.
    pub fn is_still(&self, snapshot: &Snapshot) -> bool {
        Arc::ptr_eq(&self.shape, &snapshot.shape)
            && (self.revision, self.settled) == (snapshot.revision, snapshot.settled)
    }

    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            shape: Arc::clone(&self.shape),
            revision: self.revision,
            settled: self.settled,
            restored_from: self.restored_from,
            summary: self.summary,
            schools_summary: self.schools_summary,
            split: self.split,
            cells: self.cells.clone(),
        }
    }
}

/// A school on its way into the order.
struct Placed<'a> {
    key: ((u8, u8, u32, i64, u32), String, Laestab),
    n: usize,
    school: &'a School,
}

/// The whole board at one revision; to be written out without holding anything up.
pub struct Snapshot {
    shape: Arc<Shape>,
    revision: u64,
    settled: bool,
    restored_from: Option<Timestamp>,
    summary: Summary,
    schools_summary: Summary,
    split: Split,
    cells: Vec<Slim>,
}

impl Snapshot {
    /// The board with an empty list of schools; they come from [`Self::schools`].
    #[must_use]
    pub fn head(&self, agent: AgentInfo, now: Timestamp) -> Board {
        Board {
            version: VERSION,
            revision: self.revision,
            as_of: now,
            agent,
            settled: self.settled,
            restored_from: self.restored_from,
            summary: self.summary,
            schools_summary: self.schools_summary,
            split: self.split,
            columns: self.shape.columns.clone(),
            estate: self.cells(0),
            schools: Vec::new(),
            not_watched: self.shape.estate.not_watched.clone(),
            first_of: None,
            past: None,
            replay: None,
        }
    }

    /// How many schools it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.schools.len()
    }

    /// Whether it has no school.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shape.schools.is_empty()
    }

    /// At most `count` rows of schools from number `from` on.
    #[must_use]
    pub fn schools(&self, from: usize, count: usize) -> Vec<SchoolRow> {
        let estate = &self.shape.estate;
        let wanted = self.shape.schools.iter().enumerate().skip(from).take(count);
        let known = wanted.filter_map(|(n, laestab)| Some((n, estate.schools.get(laestab)?)));
        known.map(|(n, school)| self.row(n, school)).collect()
    }

    /// The first `count` rows in the order in which a console shows them: worst first.
    #[must_use]
    pub fn worst(&self, count: usize) -> Vec<SchoolRow> {
        let schools = &self.shape.estate.schools;
        let listed = self.shape.schools.iter().enumerate();
        let known = listed.filter_map(|(n, laestab)| Some((n, schools.get(laestab)?)));
        let placed = known.map(|(n, school)| {
            let standing = Standing::worst(self.slims(n + 1).iter().map(Slim::stands));
            let name = school.name.as_str().to_lowercase();
            Placed { key: (standing.place(school.pupils, 0), name, school.laestab), n, school }
        });
        let mut rows: Vec<Placed<'_>> = placed.collect();
        if count < rows.len() {
            rows.select_nth_unstable_by(count, |a, b| a.key.cmp(&b.key));
            rows.truncate(count);
        }
        rows.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        rows.into_iter().map(|placed| self.row(placed.n, placed.school)).collect()
    }

    fn row(&self, n: usize, school: &School) -> SchoolRow {
        let has_subscription = self.shape.estate.subscriptions.contains_key(&school.laestab);
        SchoolRow {
            laestab: school.laestab,
            name: school.name.clone(),
            phase: school.phase.clone(),
            town: school.town.clone(),
            postcode: school.postcode.clone(),
            trust: school.trust.clone(),
            urn: school.urn,
            telephone: school.telephone.clone(),
            website: school.website.clone(),
            pupils: school.pupils,
            set_up: has_subscription,
            cells: self.cells(n + 1),
        }
    }

    fn cells(&self, place: usize) -> Vec<CompactCell> {
        self.slims(place).iter().map(|slim| self.shape.compact(slim)).collect()
    }

    fn slims(&self, place: usize) -> &[Slim] {
        let width = self.shape.columns.len();
        self.cells.get(place * width..(place + 1) * width).unwrap_or_default()
    }
}
