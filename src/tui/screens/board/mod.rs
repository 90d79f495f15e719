//! The board: every school, worst that nobody has first; consequences and what is well are folded.
//!
//! Invariant: cursor and marks are bound to a school, not to a line, so that an act never hits what
//! has just slipped under the cursor.

mod draw;
mod groups;
mod layout;
mod peek;

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::incidents::IncidentsScreen;
use super::page::{PageScreen, copied};
use super::{Act, Answer, Layer, View};
use crate::config::GroupBy;
use crate::tui::keymap::Command;
use crate::tui::state::{Class, Group, Places, Rows, Standing, worst_column};
use crate::wire::Laestab;
use crate::wire::board::Row;
use crate::wire::days::MOST_ROWS;
use crate::wire::filter::Filter;
use crate::wire::page::Refresh;

/// What a line of the list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    /// A school, by its index.
    School(u32),
    /// A class of rows, folded or opened.
    Fold(Class),
    /// A group of schools by its index, folded or opened.
    Group(usize),
}

/// What the cursor is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Spot {
    Estate,
    School(Laestab),
    Fold(Class),
    /// By its name.
    Group(String),
}

/// A trouble that nobody has, in the list or in a closed group of it.
struct Trouble {
    spot: Spot,
    /// Its line, or its group's.
    line: usize,
    /// The closed group that it is in.
    group: Option<String>,
}

/// The board's own state.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BoardScreen {
    spot: Option<Spot>,
    /// The cursor's line; 0 is the estate's row, 1 the first of the list.
    at: usize,
    offset: usize,
    column: Option<usize>,
    marks: BTreeSet<Laestab>,
    filter: Filter,
    typed: String,
    open: BTreeSet<usize>,
    items: Vec<Item>,
    group: GroupBy,
    /// None until they were read.
    places: Option<Places>,
    /// What is broken, below the list.
    incidents: IncidentsScreen,
    groups: Vec<Group>,
    open_groups: BTreeSet<String>,
}

/// Whether a board of this size shows incidents and what runs out below its list.
#[must_use]
pub fn has_foot(size: (u16, u16)) -> bool {
    layout::Parts::of(size).foot.is_some()
}

impl BoardScreen {
    /// Whether no incident has been heard of yet.
    #[must_use]
    pub fn lacks_incidents(&self) -> bool {
        self.incidents.is_unread()
    }

    /// The row under the cursor.
    #[must_use]
    pub fn row(&self) -> Option<Row> {
        match self.spot.as_ref()? {
            Spot::Estate => Some(Row::Estate),
            Spot::School(laestab) => Some(Row::School(*laestab)),
            Spot::Fold(_) | Spot::Group(_) => None,
        }
    }

    /// The column under the cursor: the chosen one, else the worst of the row.
    #[must_use]
    pub fn column(&self, rows: &Rows) -> usize {
        let worst = || self.row().map_or(0, |row| worst_column(rows.cells(row)));
        self.column.unwrap_or_else(worst)
    }

    /// The column that an act on another row would be about: the chosen one, else the row's worst.
    #[must_use]
    pub fn column_of(&self, row: Row, rows: &Rows) -> usize {
        self.column.unwrap_or_else(|| worst_column(rows.cells(row)))
    }

    /// Marked schools that stand in the list, whether or not it has to be scrolled to them.
    #[must_use]
    pub fn marked_and_listed(&self, rows: &Rows) -> BTreeSet<Laestab> {
        if self.marks.is_empty() {
            return BTreeSet::new();
        }
        let schools = self.items.iter().filter_map(|item| match item {
            Item::School(n) => rows.school(*n).map(|school| school.laestab),
            Item::Fold(_) | Item::Group(_) => None,
        });
        schools.filter(|laestab| self.marks.contains(laestab)).collect()
    }

    /// The filter as typed.
    #[must_use]
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// Whether a choice of cell or a filter can be taken away.
    #[must_use]
    pub fn can_clear(&self) -> bool {
        self.column.is_some() || !self.filter.is_empty() || self.group != GroupBy::Nothing
    }

    /// Marked schools.
    #[must_use]
    pub fn marks(&self) -> &BTreeSet<Laestab> {
        &self.marks
    }

    /// Whether a school is on the screen, or was when it was last drawn.
    #[must_use]
    pub fn shows(&self, row: Row, view: &View<'_>) -> bool {
        let Some(rows) = view.rows else { return false };
        match row {
            Row::Estate => true,
            Row::School(laestab) => {
                let room = layout::Parts::of(view.size).list_rows();
                let visible = self.items.iter().skip(self.offset).take(room);
                rows.find(laestab).is_some_and(|n| {
                    let mut visible = visible;
                    visible.any(|i| *i == Item::School(n))
                })
            }
        }
    }

    /// The rows on the screen whose last days are shown; none where there is no room for them.
    #[must_use]
    pub fn days_shown(&self, size: (u16, u16), rows: &Rows) -> Vec<Row> {
        let parts = layout::Parts::of(size);
        let services = u16::try_from(rows.columns.len()).unwrap_or(u16::MAX);
        if layout::Widths::of(parts.columns, services).days == 0 {
            return Vec::new();
        }
        let visible = self.items.iter().skip(self.offset).take(parts.list_rows());
        let schools = visible.filter_map(|item| match item {
            Item::School(n) => Some(Row::School(rows.school(*n)?.laestab)),
            Item::Fold(_) | Item::Group(_) => None,
        });
        std::iter::once(Row::Estate).chain(schools).take(MOST_ROWS).collect()
    }

    /// Another filter. The cursor stays on its school if that is still shown.
    pub fn set_filter(&mut self, filter: Filter, typed: &str, rows: Option<&Rows>, now: Timestamp) {
        self.filter = filter;
        typed.clone_into(&mut self.typed);
        self.list(rows, now);
    }

    /// Makes the list again: after a sort, a filter, a fold, a new board. Marks of schools that are
    /// gone go too.
    pub fn list(&mut self, rows: Option<&Rows>, now: Timestamp) {
        self.items.clear();
        let Some(rows) = rows else { return };
        self.marks.retain(|m| rows.find(*m).is_some());
        if self.group != GroupBy::Nothing {
            self.list_groups(rows, now);
        } else if self.filter.is_empty() {
            for class in Class::ALL {
                let members = rows.of_class(class);
                let is_open = class == Class::Nobody || self.open.contains(&class.index());
                let runs_out = class == Class::Somebody && rows.next_to_run_out().is_some();
                let is_told = !members.is_empty() || class.count(&rows.split) > 0 || runs_out;
                if class != Class::Nobody && is_told {
                    self.items.push(Item::Fold(class));
                }
                if is_open {
                    self.items.extend(members.iter().map(|n| Item::School(*n)));
                }
            }
        } else {
            self.items.extend(rows.matching(&self.filter, now).into_iter().map(Item::School));
        }
        self.find_spot(rows);
    }

    fn spot_of(&self, item: Item, rows: &Rows) -> Option<Spot> {
        match item {
            Item::School(n) => Some(Spot::School(rows.school(n)?.laestab)),
            Item::Fold(class) => Some(Spot::Fold(class)),
            Item::Group(n) => Some(Spot::Group(self.groups.get(n)?.name.clone())),
        }
    }

    /// Puts the cursor's line where its spot is now; a spot that is gone leaves the line.
    fn find_spot(&mut self, rows: &Rows) {
        let wanted = match &self.spot {
            Some(Spot::Estate) => {
                self.at = 0;
                return;
            }
            Some(Spot::School(laestab)) => rows.find(*laestab).map(Item::School),
            Some(Spot::Fold(class)) => Some(Item::Fold(*class)),
            Some(Spot::Group(name)) => {
                self.groups.iter().position(|g| g.name == *name).map(Item::Group)
            }
            None => None,
        };
        let found = wanted.and_then(|w| self.items.iter().position(|i| *i == w));
        let line = found.map_or(self.at.max(1), |n| n + 1);
        self.go_to(line, rows);
    }

    fn go_to(&mut self, line: usize, rows: &Rows) {
        if line == 0 {
            (self.at, self.spot) = (0, Some(Spot::Estate));
            return;
        }
        // On an empty list the cursor stands on nothing, and finds its way back later.
        self.at = line.min(self.items.len().max(1));
        self.spot = self.items.get(self.at - 1).and_then(|item| self.spot_of(*item, rows));
    }

    /// Scrolls so that the cursor is on the screen.
    pub fn settle(&mut self, size: (u16, u16)) {
        let room = layout::Parts::of(size).list_rows().max(1);
        let last = self.items.len().saturating_sub(room);
        let line = self.at.saturating_sub(1);
        self.offset = self.offset.min(line).max((line + 1).saturating_sub(room)).min(last);
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        let Some(rows) = view.rows else { return Answer::Pass };
        let room = layout::Parts::of(view.size).list_rows().max(1);
        let to = match command {
            Command::Down => Some(self.at + 1),
            Command::Up => Some(self.at.saturating_sub(1)),
            Command::PageDown => Some(self.at + room),
            Command::PageUp => Some(self.at.saturating_sub(room)),
            Command::HalfDown => Some(self.at + (room / 2).max(1)),
            Command::HalfUp => Some(self.at.saturating_sub((room / 2).max(1))),
            Command::Top => Some(1),
            Command::Bottom => Some(self.items.len()),
            Command::NextTrouble | Command::PreviousTrouble => {
                return self.next_trouble(command == Command::NextTrouble, view);
            }
            _ => None,
        };
        if let Some(line) = to {
            self.go_to(line, rows);
            return Answer::Consumed;
        }
        match command {
            Command::Left | Command::Right => self.choose_cell(command == Command::Right, rows),
            Command::Mark => self.mark(),
            Command::MarkAll => self.mark_all(rows),
            Command::Clear => return self.clear(view),
            Command::Enter => return self.enter(view),
            Command::Copy => return self.row().map_or(Answer::Consumed, |row| copied(row, view)),
            Command::Refresh => {
                let what = match self.row() {
                    Some(Row::School(laestab)) => Refresh { school: Some(laestab), service: None },
                    Some(Row::Estate) | None => Refresh::default(),
                };
                return Answer::Wants(vec![Act::Refresh(what)]);
            }
            _ => return Answer::Pass,
        }
        Answer::Consumed
    }

    /// To the next trouble that nobody has, or the one before: of what is listed, with a closed group
    /// opened for it. Where there is none, only what is known for certain is said.
    fn next_trouble(&mut self, forward: bool, view: &View<'_>) -> Answer {
        let Some(rows) = view.rows else { return Answer::Pass };
        let all = self.troubles(rows);
        // The cursor between the troubles: how many stand before it, and whether it is on one.
        let here = self.spot.as_ref().and_then(|spot| all.iter().position(|t| t.spot == *spot));
        let before = all.iter().filter(|t| t.line < self.at).count();
        let next = match (forward, here) {
            (true, Some(n)) => n + 1,
            (true, None) => before,
            (false, Some(n)) => n + all.len().saturating_sub(1),
            (false, None) => before + all.len().saturating_sub(1),
        };
        let Some(next) = all.get(next.checked_rem(all.len()).unwrap_or_default()) else {
            return self.none_here(view);
        };
        let (spot, group) = (next.spot.clone(), next.group.clone());
        if let Some(name) = group {
            self.open_groups.insert(name);
        }
        self.spot = Some(spot);
        self.list(view.rows, view.now);
        Answer::Consumed
    }

    /// Every trouble that nobody has, as the list has it: the whole estate, then schools, those of
    /// closed groups too.
    fn troubles(&self, rows: &Rows) -> Vec<Trouble> {
        let is_bad = |n: u32| rows.standing(n).is_some_and(|s| s.class == Class::Nobody);
        let spot = |n: u32| rows.school(n).map(|school| Spot::School(school.laestab));
        let mut all = Vec::new();
        if Standing::of(&rows.estate).class == Class::Nobody {
            all.push(Trouble { spot: Spot::Estate, line: 0, group: None });
        }
        for (line, item) in (1..).zip(&self.items) {
            match item {
                Item::School(n) if is_bad(*n) => {
                    all.extend(spot(*n).map(|spot| Trouble { spot, line, group: None }));
                }
                Item::Group(n) => {
                    let Some(group) = self.groups.get(*n).filter(|g| !self.is_open(g)) else {
                        continue;
                    };
                    let inside = group.members.iter().filter(|n| is_bad(**n));
                    all.extend(inside.filter_map(|n| spot(*n)).map(|spot| Trouble {
                        spot,
                        line,
                        group: Some(group.name.clone()),
                    }));
                }
                Item::School(_) | Item::Fold(_) => {}
            }
        }
        all
    }

    /// Nothing to go to: why that is no all-clear, where it is none.
    fn none_here(&self, view: &View<'_>) -> Answer {
        let Some(rows) = view.rows else { return Answer::Pass };
        let elsewhere = rows.of_class(Class::Nobody).len();
        let text = match elsewhere {
            _ if !view.is_known => {
                "nothing that nobody has, when last heard; how it is now is not known".to_owned()
            }
            0 if !rows.settled => {
                "nothing that nobody has so far; first answers are still coming".to_owned()
            }
            0 => "nothing that nobody has".to_owned(),
            n => format!("none of what is shown; {n} elsewhere: Esc takes the filter away"),
        };
        Answer::Wants(vec![Act::Say(text)])
    }

    fn choose_cell(&mut self, right: bool, rows: &Rows) {
        let now = self.column(rows);
        let last = rows.columns.len().saturating_sub(1);
        self.column = Some(if right { (now + 1).min(last) } else { now.saturating_sub(1) });
    }

    fn mark(&mut self) {
        if let Some(Spot::School(laestab)) = &self.spot
            && !self.marks.remove(laestab)
        {
            self.marks.insert(*laestab);
        }
    }

    fn mark_all(&mut self, rows: &Rows) {
        let shown: BTreeSet<Laestab> = self
            .items
            .iter()
            .filter_map(|i| match i {
                Item::School(n) => rows.school(*n).map(|s| s.laestab),
                Item::Fold(_) | Item::Group(_) => None,
            })
            .collect();
        if shown.is_subset(&self.marks) {
            self.marks.retain(|m| !shown.contains(m));
        } else {
            self.marks.extend(shown);
        }
    }

    fn clear(&mut self, view: &View<'_>) -> Answer {
        let say = |text: &str| Answer::Wants(vec![Act::Say(text.to_owned())]);
        if self.column.take().is_some() {
            return Answer::Consumed;
        }
        if !self.filter.is_empty() {
            self.set_filter(Filter::default(), "", view.rows, view.now);
            return say("filter taken away");
        }
        if self.group != GroupBy::Nothing {
            self.set_group(GroupBy::Nothing, view.rows, view.now);
            return say("groups taken away");
        }
        Answer::Consumed
    }

    fn enter(&mut self, view: &View<'_>) -> Answer {
        let Some(rows) = view.rows else { return Answer::Pass };
        match &self.spot {
            Some(Spot::Group(name)) => {
                if !self.open_groups.remove(name) {
                    self.open_groups.insert(name.clone());
                }
                self.list(view.rows, view.now);
                Answer::Consumed
            }
            Some(Spot::Fold(class)) => {
                if !self.open.remove(&class.index()) {
                    self.open.insert(class.index());
                }
                self.list(view.rows, view.now);
                Answer::Consumed
            }
            Some(Spot::Estate | Spot::School(_)) => {
                let row = self.row().unwrap_or(Row::Estate);
                let page = PageScreen::new(row, self.column(rows));
                Answer::Wants(vec![Act::Open(Layer::Page(page))])
            }
            None => Answer::Pass,
        }
    }

    /// Puts the cursor on a school, if it is in the list.
    pub fn point_at(&mut self, row: Row, rows: Option<&Rows>) {
        self.spot = Some(match row {
            Row::Estate => Spot::Estate,
            Row::School(laestab) => Spot::School(laestab),
        });
        if let Some(rows) = rows {
            self.find_spot(rows);
        }
    }
}
