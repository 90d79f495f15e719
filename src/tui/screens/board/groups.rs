//! Schools in groups: by service, town, trust, phase, incident.
//!
//! Groups stand in the order of their worst school, schools in the board's order. Who belongs where is
//! held like that order; what a head counts is as true as the cells.

use jiff::Timestamp;

use super::{BoardScreen, Item};
use crate::config::GroupBy;
use crate::tui::screens::View;
use crate::tui::state::{Class, Group, Places, Rows, grouped};
use crate::tui::theme::Role;
use crate::tui::widgets::{Line, Pen, cut};
use crate::wire::Health;
use crate::wire::incident::Incidents;

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
