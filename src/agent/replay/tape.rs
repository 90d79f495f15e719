//! A recording, wound to a moment.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use crate::model::cell::{Part, Row, Split, StateChange, Summary};
use crate::model::ids::ServiceKey;
use crate::wire::board::{CellChange, CompactCell};
use crate::wire::recording::{Happened, RecordedCell, RecordedNote, RecordedSchool, Recording};

/// Changes on a page.
const HISTORY: usize = 100;

/// Totals of a board: cells by health, schools by their worst cell, schools by their part.
pub(super) type Totals = (Summary, Summary, Split);

/// A recording, and the board as it stood after the first `next` of what happened.
pub(super) struct Tape {
    recording: Recording,
    places: HashMap<Row, usize>,
    columns: HashMap<ServiceKey, usize>,
    /// The estate's row, then those of the schools.
    cells: Vec<Vec<RecordedCell>>,
    next: usize,
}

impl Tape {
    /// At its beginning.
    pub fn new(recording: Recording) -> Self {
        let schools = recording.schools.iter().map(|school| Row::School(school.laestab));
        let places = std::iter::once(Row::Estate).chain(schools).zip(0..).collect();
        let columns = recording.head.columns.iter().map(|c| c.key.clone()).zip(0..).collect();
        let from = recording.head.from;
        let mut tape = Self { recording, places, columns, cells: Vec::new(), next: 0 };
        tape.rewind();
        tape.seek(from);
        tape
    }

    /// The recording.
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    fn rewind(&mut self) {
        let schools = self.recording.schools.iter().map(|school| school.cells.clone());
        self.cells = std::iter::once(self.recording.head.estate.clone()).chain(schools).collect();
        self.next = 0;
    }

    /// How much of what happened has happened.
    pub fn place(&self) -> usize {
        self.next
    }

    /// Goes to a moment: all that happened at or before it has happened.
    pub fn seek(&mut self, at: Timestamp) {
        if self.happened_so_far().last().is_some_and(|last| last.at() > at) {
            self.rewind();
        }
        while let Some(happened) = self.recording.happened.get(self.next).filter(|h| h.at() <= at) {
            self.next += 1;
            let Happened::Change(change) = happened else { continue };
            let place = self.places.get(&change.row).zip(self.columns.get(&change.service));
            let slot = place.and_then(|(row, column)| self.cells.get_mut(*row)?.get_mut(*column));
            if let Some(slot) = slot {
                *slot = change.cell.clone();
            }
        }
    }

    fn happened_so_far(&self) -> &[Happened] {
        self.recording.happened.get(..self.next).unwrap_or_default()
    }

    /// Cells of a row; none of a school that is not in it.
    pub fn cells(&self, row: Row) -> Option<&[RecordedCell]> {
        self.cells.get(*self.places.get(&row)?).map(Vec::as_slice)
    }

    /// Schools with their cells.
    pub fn schools(&self) -> impl Iterator<Item = (&RecordedSchool, &[RecordedCell])> {
        let cells = self.cells.iter().skip(1).map(Vec::as_slice);
        self.recording.schools.iter().zip(cells)
    }

    /// The cells that changed since so much had happened, each once as it stands now.
    pub fn changed(&self, since: usize) -> Vec<CellChange> {
        let mut all: BTreeMap<(usize, usize), Row> = BTreeMap::new();
        for happened in self.happened_so_far().get(since..).unwrap_or_default() {
            let Happened::Change(change) = happened else { continue };
            let place = self.places.get(&change.row).zip(self.columns.get(&change.service));
            if let Some((row, column)) = place {
                all.insert((*row, *column), change.row);
            }
        }
        let cells = all.into_iter().filter_map(|((place, column), row)| {
            let cell = CompactCell::from(self.cells.get(place)?.get(column)?);
            Some(CellChange { row, column: u16::try_from(column).ok()?, cell })
        });
        cells.collect()
    }

    /// What all schools are together.
    pub fn totals(&self) -> Totals {
        let (mut summary, mut schools, mut split) = Totals::default();
        for (_, cells) in self.schools() {
            for cell in cells {
                *summary.of_mut(cell.health) += 1;
            }
            let worst = cells.iter().map(|c| c.health).max().unwrap_or_default();
            *schools.of_mut(worst) += 1;
            let parts = cells.iter().map(|cell| CompactCell::from(cell).part());
            *split.of_mut(parts.min().unwrap_or(Part::NotSubscribed)) += 1;
        }
        (summary, schools, split)
    }

    /// Notes so far, oldest first.
    pub fn notes(&self) -> impl DoubleEndedIterator<Item = &RecordedNote> {
        self.happened_so_far().iter().filter_map(|happened| match happened {
            Happened::Note(note) => Some(note),
            Happened::Change(_) => None,
        })
    }

    /// The nearest moment before `at` at which something happened; the beginning where none is.
    pub fn earlier(&self, at: Timestamp) -> Timestamp {
        let found = self.recording.happened.partition_point(|happened| happened.at() < at);
        let last = found.checked_sub(1).and_then(|n| self.recording.happened.get(n));
        last.map_or(self.recording.head.from, Happened::at)
    }

    /// The nearest moment after `at` at which something happened; the end where none is.
    pub fn later(&self, at: Timestamp) -> Timestamp {
        let next = self.recording.happened.partition_point(|happened| happened.at() <= at);
        self.recording.happened.get(next).map_or(self.recording.head.until, Happened::at)
    }

    /// Changes of health of a row so far, newest first.
    pub fn history(&self, row: Row) -> Vec<StateChange> {
        let first = match row {
            Row::Estate => Some(&self.recording.head.estate),
            Row::School(_) => self
                .places
                .get(&row)
                .and_then(|place| self.recording.schools.get(place.checked_sub(1)?))
                .map(|school| &school.cells),
        };
        let mut stood = first.cloned().unwrap_or_default();
        let mut out = Vec::new();
        for happened in self.happened_so_far() {
            let Happened::Change(change) = happened else { continue };
            let column = self.columns.get(&change.service).filter(|_| change.row == row);
            let Some(slot) = column.and_then(|column| stood.get_mut(*column)) else { continue };
            let before = std::mem::replace(slot, change.cell.clone());
            if before.health == change.cell.health {
                continue;
            }
            out.push(StateChange {
                at: change.at,
                service: change.service.clone(),
                from: before.health,
                to: change.cell.health,
                reason: change.cell.reason,
                follows: change.cell.follows_from.is_some(),
                first: false,
                why: change.cell.why.clone(),
            });
        }
        out.reverse();
        out.truncate(HISTORY);
        out
    }
}
