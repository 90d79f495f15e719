//! What operators order about incidents: merge, split, resolve, and what is only written down.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::engine::incidents::{Held, Incidents, came, count};
use crate::model::cell::Row;
use crate::model::desk::CellName;
use crate::model::incident::{Incident, IncidentDeed, IncidentEntry, IncidentState, Member};
use crate::model::text::Clean;

/// The longest log that is taken; the ticket has room for more.
const LONGEST_LOG: usize = 1_000;

/// Who orders, and what he says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The operator's account.
    pub by: Clean,
    /// Why.
    pub why: Clean,
    /// The number of the line that tells it, by which its text can be struck out.
    pub number: u64,
}

/// What an operator orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Something that is only written down: a claim, a note, what was given back.
    Write {
        /// About which incident.
        id: u64,
        /// What.
        entry: IncidentEntry,
    },
    /// One incident becomes part of another.
    Merge {
        /// Which.
        from: u64,
        /// Of which.
        into: u64,
        /// Who, and why.
        said: Said,
    },
    /// Cells, and what follows from them, become an incident of their own.
    Split {
        /// Of which.
        id: u64,
        /// Which cells.
        cells: Vec<CellName>,
        /// Who, and why.
        said: Said,
    },
    /// It is over.
    Resolve {
        /// Which.
        id: u64,
        /// Who, and why.
        said: Said,
        /// Though cells of it are in trouble.
        anyway: bool,
    },
    /// Another text stands where this entry of the desk's book is told.
    Strike {
        /// Which entry.
        desk: u64,
        /// What stands there instead.
        text: Clean,
    },
}

/// Why an order is not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// No open incident has that number.
    #[error("no incident {0} is open; `caretaker incidents` lists those that are")]
    NotOpen(u64),
    /// It is part of another one.
    #[error("incident {0} is part of incident {1}: name that")]
    Merged(u64, u64),
    /// Into itself.
    #[error("an incident cannot be merged into itself; name another one to merge it into")]
    Itself,
    /// A cell is none of its members.
    #[error("{cell} is no cell of incident {id}; its page lists them", cell = name(.0), id = .1)]
    NotAMember(Box<CellName>, u64),
    /// All its cells, or none.
    #[error("{0}")]
    Parts(&'static str),
    /// Cells are in trouble.
    #[error(
        "{count} of its cells {are} still in trouble, the first {first}; wait until they are well, or \
         say that it is to be resolved anyway",
        count = .0, are = if *.0 == 1 { "is" } else { "are" }, first = name(.1)
    )]
    InTrouble(usize, Box<CellName>),
    /// The log is full.
    #[error("its log is full ({LONGEST_LOG} lines): write on in the ticket")]
    Full,
}

impl Said {
    /// The line of the log that tells it: of which other incident, about how many cells.
    fn line(
        self,
        at: Timestamp,
        deed: IncidentDeed,
        (other, cells): (Option<u64>, u32),
    ) -> IncidentEntry {
        let Self { by, why, number } = self;
        IncidentEntry { at, by: Some(by), deed, why, other, cells, desk: Some(number) }
    }
}

fn name(cell: &CellName) -> String {
    match cell.row {
        Row::Estate => format!("estate/{}", cell.service),
        Row::School(laestab) => format!("{laestab}/{}", cell.service),
    }
}

impl Incidents {
    /// Carries out an order. The number of the incident that it is about now: the one that others
    /// were merged into, the new one after a split.
    ///
    /// # Errors
    /// See [`OrderError`]; nothing is changed then.
    pub fn order(&mut self, at: Timestamp, order: Order) -> Result<u64, OrderError> {
        self.pass(at);
        let at = self.now.unwrap_or(at);
        match order {
            Order::Write { id, entry } => self.write_down(id, entry),
            Order::Merge { from, into, said } => self.merge((from, into), at, said),
            Order::Split { id, cells, said } => self.split(id, &cells, at, said),
            Order::Resolve { id, said, anyway } => self.resolve(id, at, said, anyway),
            Order::Strike { desk, text } => Ok(self.strike(desk, &text)),
        }
    }

    /// The incident in whose log it stood; 0 if in none that is at hand.
    fn strike(&mut self, desk: u64, text: &Clean) -> u64 {
        let mut found = 0;
        for held in self.open.values_mut().chain(&mut self.closed) {
            let id = held.incident.id;
            let lines = held.entries.iter_mut().enumerate();
            for (place, entry) in lines.filter(|(_, entry)| entry.desk == Some(desk)) {
                entry.why = text.clone();
                self.dirty.entry(id).or_default().entries.insert(place);
                found = id;
            }
        }
        found
    }

    fn opened(&self, id: u64) -> Result<&Held, OrderError> {
        let held = self.open.get(&id).ok_or(match self.get(id).map(|h| &h.incident.state) {
            Some(IncidentState::Merged { into, .. }) => OrderError::Merged(id, *into),
            _ => OrderError::NotOpen(id),
        })?;
        if held.entries.len() >= LONGEST_LOG { Err(OrderError::Full) } else { Ok(held) }
    }

    fn write_down(&mut self, id: u64, entry: IncidentEntry) -> Result<u64, OrderError> {
        // What becomes clear afterwards belongs there too.
        let is_note = entry.deed == IncidentDeed::Note;
        let ended = self.closed.iter().any(|held| {
            held.incident.id == id
                && held.entries.len() < LONGEST_LOG
                && !matches!(held.incident.state, IncidentState::Merged { .. })
        });
        if !(is_note && ended) {
            self.opened(id)?;
        }
        self.write(id, entry);
        Ok(id)
    }

    fn merge(
        &mut self,
        (from, into): (u64, u64),
        at: Timestamp,
        said: Said,
    ) -> Result<u64, OrderError> {
        if from == into {
            return Err(OrderError::Itself);
        }
        self.opened(into)?;
        let moving: Vec<Member> =
            self.opened(from)?.members.values().filter(|m| m.moved.is_none()).cloned().collect();
        let kinds = self.opened(from)?.incident.kinds.clone();
        let cells = count(moving.len());
        for member in moving {
            self.take_over(member, (from, into), at);
        }
        for root in self.roots_of.get(&from).cloned().unwrap_or_default() {
            self.is_root_of(&root, into);
        }
        self.close(from, IncidentState::Merged { at, into });
        if let Some(held) = self.open.get_mut(&into) {
            for (kind, came_at) in kinds {
                let known = held.incident.kinds.iter().find(|(k, _)| *k == kind).map(|(_, at)| *at);
                let latest = known.map_or(came_at, |known| known.max(came_at));
                came(&mut held.incident.kinds, &kind, latest);
                self.kinds.insert(kind, (latest, into));
            }
        }
        self.settle(into, at);
        self.write(into, said.line(at, IncidentDeed::Merge, (Some(from), cells)));
        Ok(into)
    }

    /// Moves a member with its root from one open incident into another.
    pub(super) fn take_over(&mut self, member: Member, (from, to): (u64, u64), at: Timestamp) {
        let (cell, is_bad) = (member.cell.clone(), member.is_bad());
        self.end_member(from, &cell, at, Some(to));
        self.is_root_of(&member.root, to);
        if member.parted {
            self.parted.insert(cell.clone());
        }
        let Some(held) = self.open.get_mut(&to) else { return };
        held.incident.worst = held.incident.worst.max(member.worst);
        held.incident.since = [held.incident.since, member.since].into_iter().flatten().min();
        held.incident.opened_at = held.incident.opened_at.min(member.from);
        if is_bad {
            self.cells.insert(cell.clone(), to);
            held.bad += 1;
            if let Some(quiet) = held.incident.quiet_since.take() {
                self.due.remove(&(super::over_at(quiet), to));
            }
        }
        // It may be there already: it left, or was well in the one and went bad in the other.
        let before = held.members.remove(&cell);
        let (spells, from) =
            before.as_ref().map_or((0, member.from), |b| (b.spells, b.from.min(member.from)));
        let spells = spells + member.spells;
        let newer = before.filter(|b| b.is_bad() || (!is_bad && b.until > member.until));
        let member = newer.unwrap_or(member);
        held.members.insert(cell.clone(), Member { spells, from, ..member });
        self.dirty.entry(to).or_default().members.insert(cell);
    }

    fn split(
        &mut self,
        id: u64,
        cells: &[CellName],
        at: Timestamp,
        said: Said,
    ) -> Result<u64, OrderError> {
        let held = self.opened(id)?;
        let here = |cell: &CellName| held.members.get(cell).filter(|m| m.moved.is_none());
        for cell in cells {
            if here(cell).is_none() {
                return Err(OrderError::NotAMember(Box::new(cell.clone()), id));
            }
        }
        let named: BTreeSet<&CellName> = cells.iter().collect();
        let goes =
            |m: &&Member| m.moved.is_none() && (named.contains(&m.cell) || named.contains(&m.root));
        let moving: Vec<Member> = held.members.values().filter(goes).cloned().collect();
        let stay = held.members.values().filter(|m| m.moved.is_none()).count() - moving.len();
        let Some(first) = cells.iter().find_map(here) else {
            return Err(OrderError::Parts("name at least one cell to part from it"));
        };
        if stay == 0 {
            return Err(OrderError::Parts("that is all of it: nothing would be left to part from"));
        }
        let incident = Incident {
            id: self.last + 1,
            opened_at: first.from,
            since: first.since,
            first: first.cell.clone(),
            why: held.incident.why.clone(),
            worst: first.worst,
            state: IncidentState::Open,
            quiet_since: None,
            kinds: Vec::new(),
        };
        let new = incident.id;
        let parts = count(moving.len());
        self.last = new;
        let (members, entries) = (std::collections::BTreeMap::new(), Vec::new());
        self.open.insert(new, Held { incident, members, entries, bad: 0 });
        for mut member in moving {
            if !named.contains(&member.root) && member.root != member.cell {
                member.root = member.cell.clone();
                member.parted = true;
            }
            self.take_over(member, (id, new), at);
        }
        for part in [id, new] {
            self.settle(part, at);
        }
        self.write(id, said.clone().line(at, IncidentDeed::Split, (Some(new), parts)));
        self.write(new, said.line(at, IncidentDeed::PartedFrom, (Some(id), parts)));
        Ok(new)
    }

    fn resolve(
        &mut self,
        id: u64,
        at: Timestamp,
        said: Said,
        anyway: bool,
    ) -> Result<u64, OrderError> {
        let held = self.opened(id)?;
        let bad = held.in_trouble();
        if let Some(first) = held.members.values().find(|member| member.is_bad())
            && !anyway
        {
            return Err(OrderError::InTrouble(bad, Box::new(first.cell.clone())));
        }
        let (cells, by) = (count(bad), said.by.clone());
        self.write(id, said.line(at, IncidentDeed::Resolve, (None, cells)));
        self.close(id, IncidentState::Resolved { at, by, in_trouble: cells });
        Ok(id)
    }
}
