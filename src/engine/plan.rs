//! The configuration as dense numbers, so that an event touches arrays, not names.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;

use crate::engine::board::Place;
use crate::engine::follow::Graph;
use crate::engine::hours::Hours;
use crate::model::calendar::Calendar;
use crate::model::cell::Row;
use crate::model::check::{CheckSpec, Scope, ServiceSpec};
use crate::model::estate::Estate;
use crate::model::ids::{CheckId, Laestab, ServiceKey};
use crate::model::observation::Target;

/// No slot.
const NONE: u32 = u32::MAX;

/// One check about one row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) check: u32,
    pub(super) row: u32,
}

/// A check and its column.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) spec: CheckSpec,
    pub(super) column: usize,
}

/// Where everything is.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) estate: Arc<Estate>,
    pub(super) graph: Graph,
    pub(super) checks: Vec<Planned>,
    pub(super) slots: Vec<Slot>,
    pub(super) places: Vec<Place>,
    of_column: Vec<Range<usize>>,
    /// Which columns hold a check whose trouble others can follow from.
    emits: Vec<bool>,
    /// Which columns hold a check whose health stays in the estate's row.
    stays: Vec<bool>,
    /// Which columns hold a check of something that schools share.
    shares: Vec<bool>,
    table: Vec<u32>,
    taken: Vec<bool>,
    hours: Vec<Hours>,
    hours_of: Vec<u32>,
    row_of: HashMap<Laestab, u32>,
    check_of: HashMap<CheckId, u32>,
    column_of: HashMap<ServiceKey, usize>,
}

impl Plan {
    pub(super) fn new(estate: Arc<Estate>, now: Timestamp) -> Self {
        let places = places(&estate);
        let row_of = places.iter().zip(0..).map(|(p, row)| (p.laestab, row)).collect();
        let mut plan = Self {
            graph: Graph::new(&estate.services),
            checks: Vec::new(),
            slots: Vec::new(),
            of_column: Vec::new(),
            emits: Vec::new(),
            stays: Vec::new(),
            shares: Vec::new(),
            table: Vec::new(),
            taken: Vec::new(),
            hours: Vec::new(),
            hours_of: Vec::new(),
            row_of,
            check_of: HashMap::new(),
            column_of: HashMap::new(),
            places,
            estate,
        };
        plan.lay_checks();
        plan.lay_slots();
        plan.lay_hours(now);
        plan
    }

    fn lay_checks(&mut self) {
        for (column, service) in self.estate.services.iter().enumerate() {
            let start = self.checks.len();
            self.column_of.entry(service.key.clone()).or_insert(column);
            for spec in &service.checks {
                let index = u32::try_from(self.checks.len()).unwrap_or(NONE);
                if !self.check_of.contains_key(&spec.id) {
                    self.check_of.insert(spec.id.clone(), index);
                    self.checks.push(Planned { spec: spec.clone(), column });
                }
            }
            self.of_column.push(start..self.checks.len());
            self.emits.push(service.checks.iter().any(|c| !c.emits.is_empty()));
            self.stays.push(service.checks.iter().any(|c| c.stays));
            self.shares.push(service.checks.iter().any(|c| !c.shared.is_empty()));
        }
    }

    fn lay_slots(&mut self) {
        let estate = &self.estate;
        self.taken = vec![true; self.rows() * self.columns()];
        for (row, place) in self.places.iter().enumerate() {
            for (column, service) in estate.services.iter().enumerate() {
                if let Some(t) = self.taken.get_mut(row * estate.services.len() + column) {
                    *t = estate.takes(place.laestab, &service.key);
                }
            }
        }
        self.table = vec![NONE; self.rows() * self.checks.len()];
        for (check, planned) in self.checks.iter().enumerate() {
            for row in 0..self.rows() {
                let exists = match (self.places.get(row), planned.spec.scope) {
                    (None, Scope::Estate) => true,
                    (Some(place), Scope::School) => {
                        self.takes(row, planned.column) && planned.spec.covers.holds(place.laestab)
                    }
                    (None, Scope::School) | (Some(_), Scope::Estate) => false,
                };
                let slot = u32::try_from(self.slots.len()).unwrap_or(NONE);
                let index = check * self.rows() + row;
                if exists && let Some(t) = self.table.get_mut(index) {
                    *t = slot;
                    let check = u32::try_from(check).unwrap_or(NONE);
                    self.slots.push(Slot { check, row: u32::try_from(row).unwrap_or(NONE) });
                }
            }
        }
        self.slots.shrink_to_fit();
    }

    /// Makes the calendars' stretches around `now`.
    pub(super) fn lay_hours(&mut self, now: Timestamp) {
        let estate = &self.estate;
        let names: Vec<&String> = estate.calendars.keys().collect();
        let position = |name: &str| names.iter().position(|n| n.as_str() == name);
        let last = names.len();
        let default = position("").unwrap_or(last);
        let of = |laestab: &Laestab| {
            let name = estate.subscriptions.get(laestab).map_or("", |s| s.calendar.as_str());
            u32::try_from(position(name).unwrap_or(default)).unwrap_or(0)
        };
        self.hours_of = self.places.iter().map(|p| of(&p.laestab)).collect();
        self.hours_of.push(u32::try_from(default).unwrap_or(0));
        self.hours = estate.calendars.values().map(|c| Hours::new(c, now)).collect();
        self.hours.push(Hours::new(&Calendar::default(), now));
    }

    /// Whether the stretches are too old for `now`.
    pub(super) fn hours_are_outdated(&self, now: Timestamp) -> bool {
        self.hours.iter().any(|h| h.is_outdated(now))
    }

    pub(super) fn hours(&self, row: usize) -> Option<&Hours> {
        self.hours.get(*self.hours_of.get(row)? as usize)
    }

    /// All schools and the estate.
    pub(super) fn rows(&self) -> usize {
        self.places.len() + 1
    }

    /// The estate's row.
    pub(super) fn estate_row(&self) -> usize {
        self.places.len()
    }

    pub(super) fn columns(&self) -> usize {
        self.estate.services.len()
    }

    pub(super) fn service(&self, column: usize) -> Option<&ServiceSpec> {
        self.estate.services.get(column)
    }

    pub(super) fn column(&self, key: &ServiceKey) -> Option<usize> {
        self.column_of.get(key).copied()
    }

    pub(super) fn row(&self, row: Row) -> Option<usize> {
        match row {
            Row::Estate => Some(self.estate_row()),
            Row::School(laestab) => self.row_of.get(&laestab).map(|r| *r as usize),
        }
    }

    pub(super) fn row_name(&self, row: usize) -> Row {
        self.places.get(row).map_or(Row::Estate, |p| Row::School(p.laestab))
    }

    /// Whether the school of `row` takes the service of `column`.
    pub(super) fn takes(&self, row: usize, column: usize) -> bool {
        self.taken.get(row * self.columns() + column).copied().unwrap_or(false)
    }

    pub(super) fn slot(&self, target: Target, check: &CheckId) -> Option<u32> {
        let check = *self.check_of.get(check)? as usize;
        let row = match target {
            Target::Estate => self.estate_row(),
            Target::School(laestab) => *self.row_of.get(&laestab)? as usize,
        };
        self.table.get(check * self.rows() + row).copied().filter(|s| *s != NONE)
    }

    /// The slots of a cell, in the order of its checks.
    pub(super) fn slots_of(&self, row: usize, column: usize) -> impl Iterator<Item = u32> + '_ {
        let checks = self.of_column.get(column).cloned().unwrap_or_default();
        let rows = self.rows();
        checks.filter_map(move |check| {
            self.table.get(check * rows + row).copied().filter(|s| *s != NONE)
        })
    }

    /// Whether others can follow from `column`.
    pub(super) fn emits(&self, column: usize) -> bool {
        self.emits.get(column).copied().unwrap_or(false)
    }

    /// Whether the estate's cell of `column` says more than what schools inherit.
    pub(super) fn stays(&self, column: usize) -> bool {
        self.stays.get(column).copied().unwrap_or(false)
    }

    /// Whether schools share what a check of `column` asks about.
    pub(super) fn shares(&self, column: usize) -> bool {
        self.shares.get(column).copied().unwrap_or(false)
    }

    /// The estate's slot that tells of what the school of this slot shares with others.
    pub(super) fn shared(&self, slot: u32) -> Option<u32> {
        let (place, planned) = self.planned(slot)?;
        let school = self.places.get(place.row as usize)?.laestab;
        self.slot(Target::Estate, planned.spec.shared.get(&school)?)
    }

    /// Whether any check of `column` asks about single schools.
    pub(super) fn asks_schools(&self, column: usize) -> bool {
        self.checks_of(column).any(|c| c.spec.scope == Scope::School)
    }

    /// The checks of a column.
    pub(super) fn checks_of(&self, column: usize) -> impl Iterator<Item = &Planned> {
        let checks = self.of_column.get(column).cloned().unwrap_or_default();
        self.checks.get(checks).unwrap_or_default().iter()
    }

    pub(super) fn planned(&self, slot: u32) -> Option<(Slot, &Planned)> {
        let slot = *self.slots.get(slot as usize)?;
        Some((slot, self.checks.get(slot.check as usize)?))
    }

    /// About whom a slot asks.
    pub(super) fn target(&self, row: usize) -> Target {
        self.places.get(row).map_or(Target::Estate, |p| Target::School(p.laestab))
    }
}

fn places(estate: &Estate) -> Vec<Place> {
    let mut names: Vec<(String, Laestab)> =
        estate.schools.iter().map(|(l, s)| (s.name.as_str().to_lowercase(), *l)).collect();
    names.sort_unstable();
    let ranks: HashMap<Laestab, u32> = names.into_iter().map(|(_, l)| l).zip(0..).collect();
    let of = |l: &Laestab| ranks.get(l).copied().unwrap_or(u32::MAX);
    estate
        .schools
        .iter()
        .map(|(l, s)| Place { laestab: *l, rank: of(l), pupils: s.pupils.unwrap_or(0) })
        .collect()
}
