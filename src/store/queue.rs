//! What waits for the writer. Bounded: cells and memories by how many there are, history by
//! [`MAX_HISTORY`]; what is dropped beyond that is counted.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::desk::DeskEntry;
use crate::model::ids::CheckId;
use crate::model::kept::{KeptPlan, KeptRun, Memory};
use crate::model::text::Clean;
use crate::ports::store::{Save, StoreError};
use crate::store::incidents;
use crate::store::pack::{self, Packed, Record, Services};

/// A sweep in which every cell of the stress size changes is 168,000 records.
const MAX_HISTORY: usize = 200_000;

/// Entries of the desk's book that may wait.
const MAX_DESK: usize = 10_000;

/// Incidents that may wait.
const MAX_INCIDENTS: usize = 50_000;

/// What waits, and what the writer has in hand.
#[derive(Default)]
pub(super) struct Queue {
    pub services: Services,
    pub waiting: Batch,
    /// Records that the writer has taken and not yet written; read for pages.
    pub in_hand: Arc<Vec<Record>>,
    /// The same of the desk's book.
    pub desk_in_hand: Arc<Vec<DeskEntry>>,
    /// Whether the writer works on something.
    pub busy: bool,
    /// Somebody waits for a flush: no delay now.
    pub urgent: bool,
    /// The store is being closed.
    pub closing: bool,
    pub trouble: Option<StoreError>,
    /// Counts attempts, so that a flush can see that one failed after it began.
    pub failures: u64,
    pub lost: u64,
    /// The size of the disk, in pages, as a test wants it.
    #[cfg(test)]
    pub page_limit: Option<u32>,
}

/// What is to be written.
#[derive(Default)]
pub(super) struct Batch {
    pub cells: HashMap<i64, Packed>,
    pub memories: HashMap<(u32, CheckId), Memory>,
    pub history: VecDeque<Record>,
    /// Entries of the desk's book.
    pub desk: Vec<DeskEntry>,
    /// Entries of that book whose text is to go, and what stands there instead.
    pub strikes: Vec<(u64, Clean)>,
    /// Incidents by number.
    pub incidents: BTreeMap<u64, incidents::Waiting>,
    /// Answers to checks whose runs are kept.
    pub runs: Vec<KeptRun>,
    /// All that is planned, if that list is another one.
    pub planned: Option<Vec<KeptPlan>>,
    /// Time and revision of the newest save.
    pub stamp: Option<(Timestamp, u64)>,
    /// Time of the oldest save.
    pub first: Option<Timestamp>,
}

impl Batch {
    pub fn is_empty(&self) -> bool {
        self.stamp.is_none()
            && self.cells.is_empty()
            && self.memories.is_empty()
            && self.history.is_empty()
            && self.desk.is_empty()
            && self.strikes.is_empty()
            && self.incidents.is_empty()
            && self.runs.is_empty()
            && self.planned.is_none()
    }
}

impl Queue {
    /// Adds a save; the newest state of a cell replaces one that still waits.
    pub fn add(&mut self, save: Save) {
        for kept in save.cells {
            let services = &mut self.services;
            let Some(service) = services.number(&kept.service) else { continue };
            let packed = pack::pack(&kept.cell, |key| services.number(key));
            let key = pack::cell_key(pack::row_number(kept.row), service);
            self.waiting.cells.insert(key, packed);
        }
        for kept in save.memories {
            let key = (pack::target_number(kept.target), kept.check);
            self.waiting.memories.insert(key, kept.memory);
        }
        for (row, change) in save.history {
            let Some(service) = self.services.number(&change.service) else { continue };
            self.waiting.history.push_back(pack::record(row, change, service));
        }
        for entry in save.desk {
            for name in &entry.cells {
                self.services.number(&name.service);
            }
            self.waiting.desk.push(entry);
        }
        for kept in save.incidents {
            for member in &kept.members {
                self.services.number(&member.cell.service);
                self.services.number(&member.root.service);
            }
            let (id, newer) = (kept.incident.id, incidents::Waiting::of(kept));
            match self.waiting.incidents.get_mut(&id) {
                Some(waiting) => waiting.add(newer),
                None => drop(self.waiting.incidents.insert(id, newer)),
            }
        }
        self.waiting.runs.extend(save.runs);
        if let Some(planned) = save.planned {
            for plan in &planned {
                self.services.number(&plan.service);
            }
            self.waiting.planned = Some(planned);
        }
        let newest = self.waiting.stamp.map_or(0, |(_, revision)| revision).max(save.revision);
        self.waiting.stamp = Some((save.at, newest));
        self.waiting.first.get_or_insert(save.at);
        self.trim();
    }

    /// Puts back what could not be written; what came in since is newer and wins.
    pub fn put_back(&mut self, batch: Batch) {
        for (key, packed) in batch.cells {
            self.waiting.cells.entry(key).or_insert(packed);
        }
        for (key, memory) in batch.memories {
            self.waiting.memories.entry(key).or_insert(memory);
        }
        for record in batch.history.into_iter().rev() {
            self.waiting.history.push_front(record);
        }
        self.waiting.desk.splice(..0, batch.desk);
        self.waiting.strikes.splice(..0, batch.strikes);
        for (id, older) in batch.incidents {
            match self.waiting.incidents.get_mut(&id) {
                Some(waiting) => waiting.put_back(older),
                None => drop(self.waiting.incidents.insert(id, older)),
            }
        }
        self.waiting.runs.splice(..0, batch.runs);
        self.waiting.planned = self.waiting.planned.take().or(batch.planned);
        self.waiting.stamp = self.waiting.stamp.or(batch.stamp);
        self.waiting.first = batch.first.or(self.waiting.first);
        self.trim();
    }

    fn trim(&mut self) {
        let too_many = self.waiting.history.len().saturating_sub(MAX_HISTORY);
        self.waiting.history.drain(..too_many);
        let too_many_entries = self.waiting.desk.len().saturating_sub(MAX_DESK);
        self.waiting.desk.drain(..too_many_entries);
        let too_many_runs = self.waiting.runs.len().saturating_sub(MAX_HISTORY);
        self.waiting.runs.drain(..too_many_runs);
        let too_many_incidents = self.waiting.incidents.len().saturating_sub(MAX_INCIDENTS);
        for _ in 0..too_many_incidents {
            self.waiting.incidents.pop_first();
        }
        let lost = too_many + too_many_entries + too_many_incidents + too_many_runs;
        self.lost += u64::try_from(lost).unwrap_or(u64::MAX);
    }
}
