//! Incidents: which cells are in trouble together. Pure: standings and orders in, incidents out.
//!
//! A cell that is certainly in trouble belongs to the incident of its root. Roots of one kind that go
//! bad within ten minutes, or within one round of polling, are one incident. It is over when all its
//! cells have been well for a quarter of an hour; what fails again before that reopens it.
//!
//! Invariant: a cell in trouble is in exactly one open incident, but for what was bad under planned
//! work, and what an operator resolved by hand and was not well since.

mod orders;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use jiff::Timestamp;

use crate::model::desk::CellName;
use crate::model::health::Health;
use crate::model::incident::{
    Incident, IncidentDeed, IncidentEntry, IncidentState, KeptIncident, LINGERS, Member, Standing,
    TOGETHER, Trouble, TroubleKind,
};

pub use orders::{Order, OrderError, Said};

/// Closed incidents that are still at hand, until they are surely in the store.
const AT_HAND: usize = 200;

/// An incident with its cells and its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The incident.
    pub incident: Incident,
    /// Its cells, those that left it too.
    pub members: BTreeMap<CellName, Member>,
    /// What was done about it, oldest first.
    pub entries: Vec<IncidentEntry>,
    /// Cells that are in trouble now.
    bad: usize,
}

impl Held {
    /// How many of its cells are in trouble now.
    #[must_use]
    pub fn in_trouble(&self) -> usize {
        self.bad
    }
}

/// What is to be kept of one incident.
#[derive(Debug, Default)]
struct Dirty {
    members: BTreeSet<CellName>,
    entries: BTreeSet<usize>,
}

/// All open incidents, and the newest closed ones.
#[derive(Debug, Default)]
pub struct Incidents {
    open: BTreeMap<u64, Held>,
    closed: VecDeque<Held>,
    /// The incident of each cell in trouble.
    cells: HashMap<CellName, u64>,
    /// The open incident of each root, in trouble or lately well, and the other way about.
    roots: HashMap<CellName, u64>,
    roots_of: HashMap<u64, BTreeSet<CellName>>,
    /// The open incident that a root of each kind came to last, and when.
    kinds: HashMap<TroubleKind, (Timestamp, u64)>,
    /// Cells that an operator parted from what they follow.
    parted: HashSet<CellName>,
    /// Cells of incidents that were resolved by hand, as bad as they were then.
    set_aside: HashMap<CellName, (u64, Health)>,
    /// Cells that went bad under planned work, by the root whose work it is, and the other way about.
    planned: HashMap<CellName, BTreeSet<CellName>>,
    under: HashMap<CellName, CellName>,
    /// When each quiet incident will be over.
    due: BTreeSet<(Timestamp, u64)>,
    dirty: BTreeMap<u64, Dirty>,
    last: u64,
    now: Option<Timestamp>,
}

impl Incidents {
    /// As the store has them: those that are open, and those with cells that are not well since.
    #[must_use]
    pub fn restored(kept: Vec<KeptIncident>, last: u64) -> Self {
        let mut all = Self { last, ..Self::default() };
        for KeptIncident { incident, members, entries } in kept {
            all.last = all.last.max(incident.id);
            let members: BTreeMap<CellName, Member> =
                members.into_iter().map(|m| (m.cell.clone(), m)).collect();
            let bad = members.values().filter(|m| m.is_bad()).count();
            let mut entries = entries;
            entries.sort_by_key(|(place, _)| *place);
            let entries = entries.into_iter().map(|(_, entry)| entry).collect();
            let held = Held { incident, members, entries, bad };
            if held.incident.state != IncidentState::Open {
                all.set_aside(&held);
                all.put_away(held);
                continue;
            }
            let id = held.incident.id;
            for member in held.members.values().filter(|m| m.moved.is_none()) {
                all.is_root_of(&member.root, id);
                if member.parted {
                    all.parted.insert(member.cell.clone());
                }
                if member.is_bad() {
                    all.cells.insert(member.cell.clone(), id);
                }
            }
            for (kind, at) in &held.incident.kinds {
                let latest = all.kinds.entry(kind.clone()).or_insert((*at, id));
                *latest = (*latest).max((*at, id));
            }
            if let Some(quiet) = held.incident.quiet_since {
                all.due.insert((over_at(quiet), id));
            }
            all.open.insert(id, held);
        }
        all
    }

    /// When the clock alone will next change something.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Open incidents by number.
    pub fn open(&self) -> impl Iterator<Item = &Held> {
        self.open.values()
    }

    /// Closed ones that are at hand, the newest last.
    pub fn closed(&self) -> impl Iterator<Item = &Held> {
        self.closed.iter()
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<&Held> {
        self.open.get(&id).or_else(|| self.closed.iter().find(|held| held.incident.id == id))
    }

    /// The open incident of a cell in trouble.
    #[must_use]
    pub fn of(&self, cell: &CellName) -> Option<u64> {
        self.cells.get(cell).copied()
    }

    /// Cells that count as in trouble: to be looked at when rows or columns changed.
    pub fn cells(&self) -> impl Iterator<Item = &CellName> {
        self.cells.keys().chain(self.set_aside.keys())
    }

    /// Cells whose planned work may be over with a change of this one.
    pub fn waiting_for(&self, root: &CellName) -> Vec<CellName> {
        self.planned.get(root).map_or_else(Vec::new, |cells| cells.iter().cloned().collect())
    }

    /// Whether no cell is known to be in trouble.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        self.cells.is_empty() && self.set_aside.is_empty() && self.under.is_empty()
    }

    /// Time passed: what was quiet for long enough is over. Time never goes back.
    pub fn pass(&mut self, at: Timestamp) {
        // As the store keeps history: so that a change is not earlier than what it opened.
        let at = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
        let now = self.now.map_or(at, |now| now.max(at));
        self.now = Some(now);
        while let Some((due, id)) = self.due.first().copied().filter(|(due, _)| *due <= now) {
            self.due.remove(&(due, id));
            let quiet = self.open.get(&id).and_then(|held| held.incident.quiet_since);
            if let Some(at) = quiet {
                self.close(id, IncidentState::Over { at });
            }
        }
    }

    /// How a cell stands at a moment.
    pub fn stands(&mut self, at: Timestamp, cell: &CellName, standing: Standing) {
        self.pass(at);
        let at = self.now.unwrap_or(at);
        match standing {
            Standing::Uncertain => {}
            Standing::Well => self.well(at, cell),
            Standing::Bad(trouble) => self.bad(at, cell, &trouble),
        }
    }

    /// No work is planned on a cell in trouble any more, or it is well.
    fn not_planned(&mut self, cell: &CellName) {
        let Some(root) = self.under.remove(cell) else { return };
        if let Some(cells) = self.planned.get_mut(&root) {
            cells.remove(cell);
            if cells.is_empty() {
                self.planned.remove(&root);
            }
        }
    }

    fn well(&mut self, at: Timestamp, cell: &CellName) {
        self.not_planned(cell);
        if let Some((id, _)) = self.set_aside.remove(cell) {
            self.end_aside(at, id, cell);
        }
        let Some(id) = self.cells.remove(cell) else { return };
        self.end_member(id, cell, at, None);
        self.settle(id, at);
    }

    fn bad(&mut self, at: Timestamp, cell: &CellName, trouble: &Trouble) {
        if let Some((id, health)) = self.set_aside.get(cell).copied() {
            if trouble.health <= health {
                return;
            }
            self.set_aside.remove(cell);
            self.end_aside(at, id, cell);
        }
        let before = self.cells.get(cell).copied();
        self.not_planned(cell);
        if before.is_none() && trouble.planned {
            self.under.insert(cell.clone(), trouble.root.clone());
            self.planned.entry(trouble.root.clone()).or_default().insert(cell.clone());
            return;
        }
        let root = if self.parted.contains(cell) { cell } else { &trouble.root };
        let Some(id) = before else {
            let id = self.incident_of(at, cell, root, trouble);
            self.join(id, at, cell, root, trouble);
            return;
        };
        let same = self.open.get(&id).and_then(|held| held.members.get(cell));
        let is_same = same.is_some_and(|member| member.root == *root);
        // A cause that goes leaves them where they are; one that is found takes them along.
        let to =
            if is_same || root == cell { id } else { self.incident_of(at, cell, root, trouble) };
        if to != id {
            self.end_member(id, cell, at, Some(to));
            for follower in self.followers(id, cell) {
                let follower = Member { root: root.clone(), ..follower };
                self.take_over(follower, (id, to), at);
            }
            self.absorbed(id, at, to);
            self.settle(id, at);
        }
        self.join(to, at, cell, root, trouble);
    }

    /// The cells of the same row that follow from a cell of an incident.
    fn followers(&self, id: u64, of: &CellName) -> Vec<Member> {
        let Some(held) = self.open.get(&id) else { return Vec::new() };
        let same_row = |(cell, _): &(&CellName, &Member)| cell.row == of.row;
        let before = held.members.range(..of.clone()).rev().take_while(same_row);
        let after = held.members.range(of.clone()..).take_while(same_row);
        let all = before.chain(after).map(|(_, member)| member);
        let follows = all.filter(|m| m.moved.is_none() && m.root == *of && m.cell != *of);
        follows.cloned().collect()
    }

    /// The open incident that a root belongs to; a new one if there is none.
    fn incident_of(
        &mut self,
        at: Timestamp,
        cell: &CellName,
        root: &CellName,
        trouble: &Trouble,
    ) -> u64 {
        let known = self.roots.get(root).copied().or_else(|| {
            let is_parted = self.parted.contains(cell);
            if is_parted { None } else { self.together(at, trouble) }
        });
        if let Some(id) = known {
            return id;
        }
        self.last += 1;
        let incident = Incident {
            id: self.last,
            opened_at: at,
            since: trouble.since,
            first: root.clone(),
            why: trouble.why.clone(),
            worst: trouble.health,
            state: IncidentState::Open,
            quiet_since: None,
            kinds: Vec::new(),
        };
        let (members, entries) = (BTreeMap::new(), Vec::new());
        self.open.insert(self.last, Held { incident, members, entries, bad: 0 });
        self.last
    }

    /// The open incident whose last root of this kind came just now.
    fn together(&self, at: Timestamp, trouble: &Trouble) -> Option<u64> {
        let (came, id) = *self.kinds.get(&trouble.kind)?;
        (at.duration_since(came) <= TOGETHER.max(trouble.every)).then_some(id)
    }

    fn join(
        &mut self,
        id: u64,
        at: Timestamp,
        cell: &CellName,
        root: &CellName,
        trouble: &Trouble,
    ) {
        let is_new_root = !self.roots.contains_key(root);
        self.is_root_of(root, id);
        self.cells.insert(cell.clone(), id);
        let is_parted = self.parted.contains(cell);
        let Some(held) = self.open.get_mut(&id) else { return };
        let incident = &mut held.incident;
        incident.worst = incident.worst.max(trouble.health);
        if let Some(quiet) = incident.quiet_since.take() {
            self.due.remove(&(over_at(quiet), id));
        }
        if is_new_root && !is_parted {
            came(&mut incident.kinds, &trouble.kind, at);
            self.kinds.insert(trouble.kind.clone(), (at, id));
        }
        let Trouble { health, reason, since, .. } = *trouble;
        let fresh = || Member {
            cell: cell.clone(),
            root: root.clone(),
            from: at,
            since,
            until: Some(at),
            health,
            reason,
            worst: health,
            spells: 0,
            moved: None,
            parted: is_parted,
        };
        let member = held.members.entry(cell.clone()).or_insert_with(fresh);
        let before = (member.health, member.reason, member.root == *root, member.is_bad());
        if !member.is_bad() {
            (member.until, member.moved) = (None, None);
            member.spells += 1;
            held.bad += 1;
        }
        if member.root != *root {
            member.root = root.clone();
        }
        (member.health, member.reason) = (health, reason);
        member.worst = member.worst.max(health);
        if before != (health, reason, true, true) {
            self.dirty.entry(id).or_default().members.insert(cell.clone());
        }
    }

    /// A cell of an open incident is well, or goes to another one.
    fn end_member(&mut self, id: u64, cell: &CellName, at: Timestamp, to: Option<u64>) {
        let Some(held) = self.open.get_mut(&id) else { return };
        let Some(member) = held.members.get_mut(cell) else { return };
        if member.is_bad() {
            held.bad -= 1;
        }
        (member.until, member.moved) = (Some(at), to);
        self.dirty.entry(id).or_default().members.insert(cell.clone());
    }

    /// Where no cell is in trouble any more, the incident is quiet from now on.
    fn settle(&mut self, id: u64, at: Timestamp) {
        let Some(held) = self.open.get_mut(&id).filter(|held| held.bad == 0) else { return };
        if held.incident.quiet_since.is_none() {
            held.incident.quiet_since = Some(at);
            self.due.insert((over_at(at), id));
            self.dirty.entry(id).or_default();
        }
    }

    /// A root belongs to an open incident from now on, and to no other.
    fn is_root_of(&mut self, root: &CellName, id: u64) {
        let before = self.roots.insert(root.clone(), id);
        if before == Some(id) {
            return;
        }
        if let Some(roots) = before.and_then(|before| self.roots_of.get_mut(&before)) {
            roots.remove(root);
        }
        self.roots_of.entry(id).or_default().insert(root.clone());
    }

    /// An incident all of whose cells followed something else is part of that.
    fn absorbed(&mut self, id: u64, at: Timestamp, into: u64) {
        let Some(held) = self.open.get(&id) else { return };
        if held.members.values().any(|member| member.moved.is_none()) {
            return;
        }
        let cells = count(held.members.len());
        self.close(id, IncidentState::Merged { at, into });
        let why = "what they follow from was found".into();
        let deed = IncidentDeed::Merge;
        self.write(
            into,
            IncidentEntry { at, by: None, deed, why, other: Some(id), cells, desk: None },
        );
    }

    /// Ends an incident: what of it fails from now on opens another.
    fn close(&mut self, id: u64, state: IncidentState) {
        let Some(mut held) = self.open.remove(&id) else { return };
        if let Some(quiet) = held.incident.quiet_since {
            self.due.remove(&(over_at(quiet), id));
        }
        self.kinds.retain(|_, (_, of)| *of != id);
        for root in self.roots_of.remove(&id).unwrap_or_default() {
            self.roots.remove(&root);
        }
        for member in held.members.values() {
            if member.moved.is_none() {
                self.parted.remove(&member.cell);
            }
            if self.cells.get(&member.cell) == Some(&id) {
                self.cells.remove(&member.cell);
            }
        }
        held.incident.state = state;
        self.set_aside(&held);
        self.dirty.entry(id).or_default();
        self.put_away(held);
    }

    /// What is still in trouble in an incident that an operator resolved.
    fn set_aside(&mut self, held: &Held) {
        for member in held.members.values().filter(|member| member.is_bad()) {
            self.set_aside.insert(member.cell.clone(), (held.incident.id, member.health));
        }
    }

    fn end_aside(&mut self, at: Timestamp, id: u64, cell: &CellName) {
        let closed = self.closed.iter_mut().find(|held| held.incident.id == id);
        let Some(held) = closed else { return };
        if let Some(member) = held.members.get_mut(cell) {
            member.until = Some(at);
            held.bad = held.bad.saturating_sub(1);
            self.dirty.entry(id).or_default().members.insert(cell.clone());
        }
    }

    fn put_away(&mut self, held: Held) {
        self.closed.push_back(held);
    }

    /// The oldest closed ones go, but for those with cells that are not well since.
    fn forget(&mut self) {
        while self.closed.len() > AT_HAND
            && let Some(oldest) = self.closed.iter().position(|held| held.bad == 0)
        {
            self.closed.remove(oldest);
        }
    }

    /// Puts a line into an incident's log.
    fn write(&mut self, id: u64, entry: IncidentEntry) {
        let mut closed = self.closed.iter_mut();
        let open = self.open.get_mut(&id);
        let held = open.or_else(|| closed.find(|held| held.incident.id == id));
        let Some(held) = held else { return };
        self.dirty.entry(id).or_default().entries.insert(held.entries.len());
        held.entries.push(entry);
    }

    /// What changed since it was last taken, to be kept.
    pub fn take_changes(&mut self) -> Vec<KeptIncident> {
        let dirty = std::mem::take(&mut self.dirty);
        let kept = dirty.into_iter().filter_map(|(id, dirty)| {
            let held = self.get(id)?;
            let members = dirty.members.iter().filter_map(|cell| held.members.get(cell).cloned());
            let entries = dirty.entries.into_iter().filter_map(|place| {
                Some((u32::try_from(place).ok()?, held.entries.get(place)?.clone()))
            });
            Some(KeptIncident {
                incident: held.incident.clone(),
                members: members.collect(),
                entries: entries.collect(),
            })
        });
        let kept = kept.collect();
        self.forget();
        kept
    }
}

fn over_at(quiet: Timestamp) -> Timestamp {
    quiet.saturating_add(LINGERS).unwrap_or(Timestamp::MAX)
}

fn came(kinds: &mut Vec<(TroubleKind, Timestamp)>, kind: &TroubleKind, at: Timestamp) {
    match kinds.iter_mut().find(|(known, _)| known == kind) {
        Some((_, last)) => *last = at,
        None => kinds.push((kind.clone(), at)),
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
