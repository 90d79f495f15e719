//! Schools in groups: by service, town, trust, phase, incident.
//!
//! Groups stand in the order of their worst school, schools in the board's order. Who belongs where is
//! held like that order; what a head counts is as true as the cells.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{BoardScreen, Item};
use crate::config::GroupBy;
use crate::tui::screens::View;
use crate::tui::state::{Class, Rows};
use crate::tui::theme::Role;
use crate::tui::widgets::{Line, Pen, cut};
use crate::wire::incident::Incidents;
use crate::wire::{Health, Laestab};

/// Schools that belong together.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    /// What they share.
    pub name: String,
    /// Which they are, worst first.
    pub members: Vec<u32>,
}

/// Which schools are in trouble by which open incident. A school that is part of several stands with
/// the most urgent one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Places(BTreeMap<Laestab, String>);

impl Places {
    fn new(told: &Incidents) -> Self {
        let mut places = BTreeMap::new();
        for line in &told.incidents {
            let Some(here) = told.places.iter().find(|p| p.id == line.id) else { continue };
            let name = format!("incident {}, {}", line.id, line.title);
            for laestab in &here.schools {
                places.entry(*laestab).or_insert_with(|| name.clone());
            }
        }
        Self(places)
    }

    fn of(&self, laestab: Laestab) -> &str {
        self.0.get(&laestab).map_or("", String::as_str)
    }
}

/// What puts a school into its group.
fn name_of(n: u32, by: GroupBy, rows: &Rows, places: Option<&Places>) -> String {
    let Some(school) = rows.school(n) else { return String::new() };
    let (own, none) = match by {
        GroupBy::Nothing => ("", "all schools"),
        GroupBy::Town => (school.town.as_str(), "no town given"),
        GroupBy::Trust => (school.trust.as_str(), "in no trust"),
        GroupBy::Phase => (school.phase.as_str(), "no phase given"),
        GroupBy::Incident => match places {
            Some(places) => (places.of(school.laestab), "in no open incident"),
            None => ("", "incidents are being read ..."),
        },
        GroupBy::Service => {
            let standing = rows.standing(n).filter(|s| s.health.is_trouble());
            let column = standing.and_then(|s| rows.columns.get(usize::from(s.column)));
            (column.map_or("", |c| c.label.as_str()), "in no trouble")
        }
    };
    if own.is_empty() { none.to_owned() } else { own.to_owned() }
}

/// These schools in groups, each where its first one stands.
pub(super) fn grouped(
    schools: &[u32],
    by: GroupBy,
    rows: &Rows,
    places: Option<&Places>,
) -> Vec<Group> {
    let mut known = std::collections::HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for n in schools {
        let name = name_of(*n, by, rows, places);
        let place = *known.entry(name.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.members.push(*n),
            None => groups.push(Group { name, members: vec![*n] }),
        }
    }
    groups
}

impl BoardScreen {
    /// What schools are put together by.
    #[must_use]
    pub fn group(&self) -> GroupBy {
        self.group
    }

    /// Puts schools together by something else. The cursor stays on its school if that is shown.
    pub fn set_group(&mut self, by: GroupBy, rows: Option<&Rows>, now: Timestamp) {
        if self.group != by {
            self.group = by;
            self.open_groups.clear();
        }
        self.list(rows, now);
    }

    /// Takes which schools are part of which open incident.
    pub fn take_places(
        &mut self,
        told: Result<Box<Incidents>, String>,
        rows: Option<&Rows>,
        now: Timestamp,
    ) {
        if let Ok(told) = &told {
            let places = Some(Places::new(told));
            if self.places != places {
                self.places = places;
                self.list(rows, now);
            }
        }
        self.incidents.heard(told);
    }

    /// With a filter every match is shown; without one, groups are opened one by one.
    pub(super) fn list_groups(&mut self, rows: &Rows, now: Timestamp) {
        let filtered = !self.filter.is_empty();
        let matching = filtered.then(|| rows.matching(&self.filter, now));
        let schools = matching.as_deref().unwrap_or(rows.order());
        self.groups = grouped(schools, self.group, rows, self.places.as_ref());
        let mut items = std::mem::take(&mut self.items);
        for (n, group) in self.groups.iter().enumerate() {
            items.push(Item::Group(n));
            if self.is_open(group) {
                items.extend(group.members.iter().map(|n| Item::School(*n)));
            }
        }
        self.items = items;
    }

    pub(super) fn is_open(&self, group: &Group) -> bool {
        !self.filter.is_empty() || self.open_groups.contains(&group.name)
    }

    pub(super) fn draw_group(
        &self,
        pen: &mut Pen<'_>,
        (y, columns): (u16, u16),
        n: usize,
        at_cursor: bool,
        view: &View<'_>,
    ) {
        let (Some(group), Some(rows)) = (self.groups.get(n), view.rows) else { return };
        let is_open = self.is_open(group);
        let role = if at_cursor { Role::Selected } else { Role::Title };
        pen.text(0, y, 1, if at_cursor { ">" } else { " " }, Role::Key);
        let sign = if is_open { "-" } else { "+" };
        let room = columns.saturating_sub(4);
        // The counts are what is looked for: a long name gives way.
        let long = counts(group, rows, view, &LONG);
        let counts =
            if long.width() + 24 > room { counts(group, rows, view, &SHORT) } else { long };
        let name: String = format!("{sign} {}: ", group.name);
        let name = cut(&name, room.saturating_sub(counts.width()).max(12));
        let x = pen.text(3, y, room, &name, role);
        pen.line(x, y, (columns + 3).saturating_sub(x), &counts);
    }
}

/// The words of a head: not current, somebody has, follows, ok, not set up.
const LONG: [&str; 5] = ["last known: ", "somebody has ", "follows ", "ok ", "not set up "];
const SHORT: [&str; 5] = ["were ", "@", "^", ".", "-"];

/// How a group stands, now.
fn counts(group: &Group, rows: &Rows, view: &View<'_>, words: &[&str; 5]) -> Line {
    let [last_known, somebody, follows, ok, none] = words;
    let standing = || group.members.iter().filter_map(|n| rows.standing(*n));
    let of = |class: Class| standing().filter(|s| s.class == class).count();
    let nobody = |health: Health| {
        standing().filter(|s| s.class == Class::Nobody && s.health == health).count()
    };
    let mut line = Line::default();
    if !view.is_known {
        line = line.and(*last_known, Role::Offline);
    }
    for (letter, health, role) in [
        ("C", Health::Critical, Role::Critical),
        ("U", Health::Unknown, Role::Unknown),
        ("W", Health::Warning, Role::Warning),
    ] {
        match nobody(health) {
            0 => {}
            n => line = line.and(format!("{letter} {n} "), role),
        }
    }
    for (word, class) in [
        (somebody, Class::Somebody),
        (follows, Class::Follows),
        (ok, Class::Ok),
        (none, Class::NotSetUp),
    ] {
        match of(class) {
            0 => {}
            n => line = line.and(format!("{word}{n} "), Role::Quiet),
        }
    }
    line
}
