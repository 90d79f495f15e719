//! Incidents as the wire tells them, and how the board's changes reach them.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::engine::incidents::Held as HeldIncident;
use crate::hub::task::Held;
use crate::model::cell::{Handling, Row};
use crate::model::desk::CellName;
use crate::model::health::Health;
use crate::model::ids::Laestab;
use crate::model::incident::{Incident, IncidentEntry, KeptIncident, Member, Standing, Urgency};
use crate::model::text::Clean;
use crate::wire::incident::{Had, IncidentLine, IncidentMember, IncidentPlaces};

impl Held {
    /// Tells the incidents how cells stand that changed.
    pub(super) fn look_at(&mut self, changed: &[(Row, u16)]) {
        let now = self.now();
        self.incidents.pass(now);
        for (row, column) in changed {
            let standing = self.world().standing(*row, *column);
            if standing == Standing::Well && self.incidents.is_calm() {
                continue;
            }
            let head = self.shape().columns.get(usize::from(*column));
            let Some(service) = head.map(|head| head.key.clone()) else { continue };
            let cell = CellName { row: *row, service };
            self.incidents.stands(now, &cell, standing);
            for waits in self.incidents.waiting_for(&cell) {
                if let Some(column) = self.world().column_of(&waits) {
                    let standing = self.world().standing(waits.row, column);
                    self.incidents.stands(now, &waits, standing);
                }
            }
        }
    }

    /// The same of every cell; what does not exist any more is in no trouble.
    pub(super) fn look_at_all(&mut self) {
        let estate = self.world().estate();
        let rows = std::iter::once(Row::Estate)
            .chain(estate.schools.keys().map(|laestab| Row::School(*laestab)));
        let columns = u16::try_from(estate.services.len()).unwrap_or(u16::MAX);
        let all: Vec<(Row, u16)> =
            rows.flat_map(|row| (0..columns).map(move |column| (row, column))).collect();
        let gone: Vec<CellName> = self
            .incidents
            .cells()
            .filter(|cell| self.world().column_of(cell).is_none())
            .cloned()
            .collect();
        let now = self.now();
        for cell in gone {
            self.incidents.stands(now, &cell, Standing::Well);
        }
        self.shape_anew();
        self.look_at(&all);
    }

    /// Every open incident, and of those that ended the ones that are at hand since `since`: the most
    /// urgent first. Looks at all their cells.
    #[must_use]
    pub fn incident_lines(&self, since: Timestamp) -> Vec<IncidentLine> {
        let open = self.incidents.open();
        let ended = self
            .incidents
            .closed()
            .filter(|held| held.incident.state.ended_at().is_some_and(|ended| ended >= since));
        let mut lines: Vec<(Urgency, IncidentLine)> =
            open.chain(ended).map(|held| self.line_of(held)).collect();
        lines.sort_by_key(|(urgency, _)| *urgency);
        lines.into_iter().map(|(_, line)| line).collect()
    }

    /// The schools in trouble of every open incident.
    #[must_use]
    pub fn incident_places(&self) -> Vec<IncidentPlaces> {
        let places = |held: &HeldIncident| {
            let bad = held.members.values().filter(|m| m.moved.is_none() && m.is_bad());
            let schools: BTreeSet<Laestab> = bad
                .filter_map(|m| match m.cell.row {
                    Row::School(laestab) => Some(laestab),
                    Row::Estate => None,
                })
                .collect();
            IncidentPlaces { id: held.incident.id, schools: schools.into_iter().collect() }
        };
        self.incidents.open().map(places).collect()
    }

    fn line_of(&self, held: &HeldIncident) -> (Urgency, IncidentLine) {
        let members: Vec<&Member> = held.members.values().collect();
        let line = self.incident_line(&held.incident, &members);
        (Urgency::new(&held.incident, line.had.is_had(), line.health, line.pupils), line)
    }

    /// An incident with all of its cells and its log; `None` if it is neither open nor at hand.
    #[must_use]
    pub fn incident(&self, id: u64) -> Option<KeptIncident> {
        let held = self.incidents.get(id)?;
        let entries: Vec<(u32, IncidentEntry)> = (0..).zip(held.entries.iter().cloned()).collect();
        let members = held.members.values().cloned().collect();
        Some(KeptIncident { incident: held.incident.clone(), members, entries })
    }

    /// Every open incident, and of those that ended the ones that are at hand, with all their cells.
    #[must_use]
    pub fn all_incidents(&self) -> Vec<KeptIncident> {
        let all = self.incidents.open().chain(self.incidents.closed());
        all.filter_map(|held| self.incident(held.incident.id)).collect()
    }

    /// The open incidents that cells of a row are in, each once.
    #[must_use]
    pub fn incidents_of(&self, row: Row) -> Vec<u64> {
        let columns = self.shape().columns.iter();
        let cells = columns.map(|head| CellName { row, service: head.key.clone() });
        let found: BTreeSet<u64> = cells.filter_map(|cell| self.incidents.of(&cell)).collect();
        found.into_iter().collect()
    }

    /// The line of an incident and these cells of it.
    #[must_use]
    pub fn incident_line(&self, incident: &Incident, members: &[&Member]) -> IncidentLine {
        let is_open = incident.state.ended_at().is_none();
        let here = || members.iter().filter(|m| m.moved.is_none() || !is_open);
        let bad: Vec<&&Member> = here().filter(|m| m.is_bad()).collect();
        let meant = if bad.is_empty() { here().collect() } else { bad.clone() };
        let schools: BTreeSet<Row> =
            meant.iter().map(|m| m.cell.row).filter(|row| *row != Row::Estate).collect();
        let estate = self.world().estate();
        let pupils = schools.iter().filter_map(|row| match row {
            Row::School(laestab) => estate.schools.get(laestab)?.pupils.map(u64::from),
            Row::Estate => None,
        });
        let roots: BTreeSet<&CellName> = here().map(|m| &m.root).collect();
        let worst = bad.iter().map(|m| m.health).max().unwrap_or(Health::Ok);
        let first = self.live_first(incident, &roots);
        IncidentLine {
            id: incident.id,
            title: self.title(&first, &roots),
            why: self.sentence(incident, &first),
            state: incident.state.clone(),
            health: if is_open { worst } else { incident.worst },
            since: incident.since.unwrap_or(incident.opened_at),
            opened_at: incident.opened_at,
            quiet_since: incident.quiet_since.filter(|_| is_open),
            roots: count(roots.len()),
            in_trouble: count(bad.len()),
            cells: count(members.len()),
            schools: count(schools.len()),
            pupils: pupils.sum(),
            had: self.had(&bad),
            first,
        }
    }

    /// The first root, or another one where that left the incident.
    fn live_first(&self, incident: &Incident, roots: &BTreeSet<&CellName>) -> CellName {
        let first = &incident.first;
        let is_there = roots.contains(first) || roots.is_empty();
        if is_there { first } else { roots.first().copied().unwrap_or(first) }.clone()
    }

    fn sentence(&self, incident: &Incident, first: &CellName) -> Clean {
        let column = self.world().column_of(first);
        let now = column.map(|column| self.world().cell(first.row, column));
        let now = now.filter(|cell| cell.health.is_trouble() && incident.quiet_since.is_none());
        let now = now.filter(|_| incident.state.ended_at().is_none());
        now.map_or_else(|| incident.why.clone(), |cell| cell.why)
    }

    fn title(&self, first: &CellName, roots: &BTreeSet<&CellName>) -> Clean {
        let label = self.service_label(first);
        let others = roots.iter().filter(|root| root.service != first.service).count();
        let same = roots.len() - others;
        let whole = roots.iter().any(|root| root.row == Row::Estate);
        let place = match same {
            _ if first.row == Row::Estate => "whole estate".to_owned(),
            0 | 1 => self.place_name(first.row),
            n => format!("{n} schools"),
        };
        let joint = if first.row == Row::Estate { ", " } else { " at " };
        let more = match others {
            0 => String::new(),
            n => format!(" and {n} other root{}", if n == 1 { "" } else { "s" }),
        };
        let estate = if whole && first.row != Row::Estate { " and the whole estate" } else { "" };
        Clean::new(&format!("{label}{joint}{place}{estate}{more}"))
    }

    /// The displayed name of a cell's service.
    #[must_use]
    pub fn service_label(&self, cell: &CellName) -> String {
        let head = self.shape().columns.iter().find(|head| head.key == cell.service);
        head.map_or_else(|| cell.service.to_string(), |head| head.label.to_string())
    }

    /// The displayed name of a row; its number for a school that is not there any more.
    #[must_use]
    pub fn place_name(&self, row: Row) -> String {
        match row {
            Row::Estate => "whole estate".to_owned(),
            Row::School(laestab) => self
                .world()
                .estate()
                .schools
                .get(&laestab)
                .map_or_else(|| laestab.spaced(), |school| school.name.to_string()),
        }
    }

    fn handling_of(&self, cell: &CellName) -> Option<Handling> {
        self.world().cell(cell.row, self.world().column_of(cell)?).handling
    }

    /// How the roots in trouble are had; the cells in trouble where no root is.
    fn had(&self, bad: &[&&Member]) -> Had {
        let mut had = Had::default();
        for cell in roots_first(bad.iter().map(|m| **m)) {
            let Some(handling) = self.handling_of(cell) else {
                had.nobody += 1;
                continue;
            };
            had.somebody += 1;
            if !had.by.contains(&handling.by) {
                had.by.push(handling.by.clone());
            }
            let until = |h: &Handling| h.until.unwrap_or(Timestamp::MAX);
            if had.handling.as_ref().is_none_or(|h| until(&handling) < until(h)) {
                had.handling = Some(handling);
            }
        }
        had
    }

    /// Its cells as the page shows them: roots first, in trouble before well, then the oldest.
    #[must_use]
    pub fn incident_members(&self, members: &[Member], most: usize) -> Vec<IncidentMember> {
        let mut all: Vec<&Member> = members.iter().collect();
        let place = |m: &Member| (m.moved.is_some(), !m.is_root(), !m.is_bad(), m.from);
        all.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.cell.cmp(&b.cell)));
        let shown = all.into_iter().take(most).map(|m| IncidentMember {
            cell: m.cell.clone(),
            place: Clean::new(&self.place_name(m.cell.row)),
            service: Clean::new(&self.service_label(&m.cell)),
            is_root: m.is_root(),
            from: m.from,
            until: m.until,
            health: m.health,
            reason: m.reason,
            spells: m.spells,
            handling: self.handling_of(&m.cell).filter(|_| m.is_bad()),
            moved: m.moved,
        });
        shown.collect()
    }
}

/// The cells that taking an incident takes: its roots in trouble; where none is, all cells in trouble.
#[must_use]
pub fn members_of(incident: &KeptIncident) -> Vec<CellName> {
    let bad = incident.members.iter().filter(|m| m.is_bad());
    roots_first(bad).into_iter().cloned().collect()
}

fn roots_first<'a>(bad: impl Iterator<Item = &'a Member> + Clone) -> Vec<&'a CellName> {
    let roots: Vec<&CellName> = bad.clone().filter(|m| m.is_root()).map(|m| &m.cell).collect();
    if roots.is_empty() { bad.map(|m| &m.cell).collect() } else { roots }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
