//! Holds that have not begun: by cell, and by when they begin.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::cell::{Handling, Row};
use crate::model::ids::ServiceKey;
use crate::model::kept::KeptPlan;

type Place = (Row, ServiceKey);

/// All that is planned. Invariant: both halves name the same holds.
#[derive(Debug, Default)]
pub(super) struct PlannedHolds {
    cells: BTreeMap<Place, BTreeMap<Timestamp, Handling>>,
    due: BTreeSet<(Timestamp, Row, ServiceKey)>,
}

impl PlannedHolds {
    pub fn len(&self) -> usize {
        self.due.len()
    }

    /// Puts one; of two that begin at once on a cell the one that lasts longer is kept.
    pub fn put(&mut self, place: Place, from: Timestamp, handling: Handling) {
        self.due.insert((from, place.0, place.1.clone()));
        let of_cell = self.cells.entry(place).or_default();
        let lasts = |h: &Handling| h.until.unwrap_or(Timestamp::MAX);
        if of_cell.get(&from).is_none_or(|held| lasts(held) <= lasts(&handling)) {
            of_cell.insert(from, handling);
        }
    }

    /// Nothing is planned for a cell any more; whether anything was.
    pub fn clear(&mut self, place: &Place) -> bool {
        let Some(gone) = self.cells.remove(place) else { return false };
        for from in gone.into_keys() {
            self.due.remove(&(from, place.0, place.1.clone()));
        }
        true
    }

    /// Takes the first that begins at `now` or before.
    pub fn pop(&mut self, now: Timestamp) -> Option<(Place, Handling)> {
        if self.next()? > now {
            return None;
        }
        let (from, row, service) = self.due.pop_first()?;
        let place = (row, service);
        let of_cell = self.cells.get_mut(&place)?;
        let handling = of_cell.remove(&from)?;
        if of_cell.is_empty() {
            self.cells.remove(&place);
        }
        Some((place, handling))
    }

    /// When the first begins.
    pub fn next(&self) -> Option<Timestamp> {
        self.due.first().map(|(from, ..)| *from)
    }

    /// What is planned for a cell, the soonest first.
    pub fn of<'a>(
        &'a self,
        place: &Place,
    ) -> impl Iterator<Item = (Timestamp, &'a Handling)> + use<'a> {
        self.cells.get(place).into_iter().flatten().map(|(from, handling)| (*from, handling))
    }

    /// All, the soonest first.
    pub fn all(&self) -> impl Iterator<Item = KeptPlan> + '_ {
        self.due.iter().filter_map(|(from, row, service)| {
            let handling = self.cells.get(&(*row, service.clone()))?.get(from)?.clone();
            Some(KeptPlan { from: *from, row: *row, service: service.clone(), handling })
        })
    }
}
