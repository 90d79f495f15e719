//! What is set up once: views, calls, how much is drawn for its looks; and what the window is called.

use std::time::Duration;

use super::{Console, Effect};
use crate::config::{ConsoleSettings, GroupBy, ViewSettings};
use crate::tui::state::{AlarmRule, Alarms, LineState};
use crate::tui::theme::Theme;
use crate::tui::times;
use crate::wire::filter::Filter;

impl Console {
    /// Takes what the configuration says, but for the theme. Filters were understood when it was read.
    pub fn is_set_up(&mut self, settings: &ConsoleSettings) {
        let call = &settings.call;
        let rule = Filter::parse(&call.filter).ok().filter(|_| !call.by.is_empty());
        self.alarms = Alarms::new(rule.map(|filter| AlarmRule { from: call.from, filter }));
        self.views.clone_from(&settings.views);
    }

    /// Whether the line is slow: then nothing is drawn for its looks alone.
    pub fn slow(&mut self, is_slow: bool) {
        if self.is_slow == is_slow {
            return;
        }
        self.is_slow = is_slow;
        let name = self.theme.name().to_owned();
        match self.themes.load(&name) {
            Ok(theme) => self.wear(theme),
            Err(error) => self.message = Some(error.to_string()),
        }
        self.touch();
    }

    /// The view whose filter and groups are shown.
    pub(super) fn viewed(&self) -> Option<&str> {
        let shows =
            |v: &&ViewSettings| v.filter == self.board.typed() && v.group == self.board.group();
        let found = self.views.iter().find(shows).filter(|_| self.board.can_clear());
        found.map(|v| v.name.as_str())
    }

    /// The view at this place, from 0.
    pub(super) fn saved_view(&mut self, place: Option<usize>) {
        match place.and_then(|n| self.views.get(n)).cloned() {
            _ if self.rows.is_none() => {}
            Some(view) => self.show_view(view),
            None => {
                let n = place.unwrap_or_default() + 1;
                self.message = Some(format!(
                    "there is no view {n}: `:keep NAME` keeps what is shown, [[console.views]] for good"
                ));
            }
        }
    }

    pub(super) fn show_view(&mut self, view: ViewSettings) {
        // Pages and lists lie over the board, of which this is a view.
        self.layers.clear();
        self.message = Some(format!("view {}", view.name));
        self.group(view.group);
        self.filter(&view.filter);
    }

    pub(super) fn keep_view(&mut self, name: &str) {
        let view = ViewSettings {
            name: name.to_owned(),
            filter: self.board.typed().to_owned(),
            group: self.board.group(),
        };
        let known = self.views.iter().position(|v| v.name == name);
        let place = known.unwrap_or(self.views.len());
        match self.views.get_mut(place) {
            Some(slot) => *slot = view,
            None => self.views.push(view),
        }
        self.message = Some(format!("kept as view {}: {name}, while this console runs", place + 1));
    }

    pub(super) fn group(&mut self, by: GroupBy) {
        if by == GroupBy::Incident && self.away.is_some() {
            self.message = Some("incidents of a past moment are not kept".to_owned());
            return;
        }
        self.board.set_group(by, self.rows.as_ref(), self.now);
        self.ask_for_incidents();
    }

    pub(super) fn wear(&mut self, theme: Theme) {
        self.theme = if self.is_slow { theme.untinted() } else { theme };
    }

    /// Calls the operator, if there is something that they have not been told.
    pub(super) fn call(&mut self, mono: Duration) {
        if self.replay().is_some() {
            return;
        }
        let mut alarms = std::mem::take(&mut self.alarms);
        let due = self.live_rows().and_then(|rows| alarms.due(rows, mono));
        self.alarms = alarms;
        self.effects.extend(due.map(Effect::Call));
    }

    /// What the window is called: how much nobody has, as far as that is known.
    #[must_use]
    pub fn title(&self) -> String {
        let Some(rows) = self.present_rows() else { return "caretaker: waiting".to_owned() };
        if let LineState::Offline(_) = self.line {
            return "caretaker: OFFLINE".to_owned();
        }
        if rows.replay.is_some() {
            return "caretaker: REPLAY".to_owned();
        }
        let split = &rows.split;
        let is_whole = rows.settled && rows.first_of.is_none();
        // What waits for its first answer is told by that; once everything was tried it is not known.
        let unknown = split.unknown + if is_whole { split.unasked } else { 0 };
        let counts = [("C", split.critical), ("U", unknown), ("W", split.warning)];
        let bad: Vec<_> = counts
            .iter()
            .filter(|(_, n)| *n > 0)
            .map(|(letter, n)| format!("{letter} {n}"))
            .collect();
        let bad = bad.join(" ");
        let doubt = match rows.restored_from {
            _ if is_whole => String::new(),
            Some(at) => format!("AS OF {}", times::moment(at, self.now)),
            None => "first answers are coming".to_owned(),
        };
        match (bad.is_empty(), doubt.is_empty()) {
            (true, true) => "caretaker: nothing that nobody has".to_owned(),
            (true, false) => format!("caretaker: {doubt}"),
            (false, true) => format!("caretaker: {bad}"),
            (false, false) => format!("caretaker: {bad}, {doubt}"),
        }
    }
}
