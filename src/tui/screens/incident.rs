//! One incident: its root, since when, its reach, who has it, its cells, and its time line.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::incidents::{UNREAD, is_order, mark, ordered};
use super::{Act, Answer, View, scroll_on, scrolled};
use crate::tui::keymap::{Command, Scope};
use crate::tui::theme::Role;
use crate::tui::times;
use crate::tui::widgets::{Line, Pen, hints, rule, wrap};
use crate::tui::wish::Wish;
use crate::wire::Health;
use crate::wire::incident::{
    IncidentLine, IncidentMember, IncidentPage, IncidentState, TimeLine, TimeLineKind,
};

/// From so many columns on the time line stands beside the rest.
const WIDE: u16 = 160;
/// Cells that are listed before the time line; all of them where that stands beside.
const CELLS: usize = 8;

/// The screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentScreen {
    id: u64,
    page: Option<Box<IncidentPage>>,
    error: Option<String>,
    scroll: usize,
}

/// Its reach, in words.
pub(super) fn reach_words(line: &IncidentLine) -> String {
    let schools = if line.schools == 1 { "school" } else { "schools" };
    let pupils = match line.pupils {
        0 => String::new(),
        n => format!(", {n} pupils"),
    };
    let cells = if line.cells == 1 { "cell" } else { "cells" };
    let (n, all) = (line.in_trouble, line.cells);
    format!("{} {schools}{pupils}; {n} of {all} {cells} in trouble", line.schools)
}

/// How it stands, in words.
pub(super) fn stands_words(line: &IncidentLine, now: Timestamp) -> String {
    let at = |at: Timestamp| times::moment(at, now);
    match (&line.state, line.quiet_since) {
        (IncidentState::Open, None) => line.health.word().to_owned(),
        (IncidentState::Open, Some(quiet)) => format!("all well since {}", at(quiet)),
        (IncidentState::Over { at: ended }, _) => format!("over, {}", at(*ended)),
        (IncidentState::Resolved { at: ended, by, in_trouble: 0 }, _) => {
            format!("resolved, {by}, {}", at(*ended))
        }
        (IncidentState::Resolved { at: ended, by, in_trouble }, _) => {
            format!("by hand, {by}, {}; {in_trouble} bad", at(*ended))
        }
        (IncidentState::Merged { into, .. }, _) => format!("part of incident {into}"),
    }
}

/// Who has it, in words.
pub(super) fn had_words(line: &IncidentLine, now: Timestamp) -> String {
    let had = &line.had;
    let by: Vec<&str> = had.by.iter().map(crate::wire::Clean::as_str).collect();
    let by = by.join(", ");
    let until = had.handling.as_ref().and_then(|h| h.until);
    let until = until.map(|at| format!(" until {}", times::moment(at, now))).unwrap_or_default();
    match (had.nobody, had.somebody) {
        _ if line.state.ended_at().is_some() => stands_words(line, now),
        (0, 0) => {
            "nothing of it is in trouble now; over a quarter of an hour after that".to_owned()
        }
        (_, 0) => "nobody has it".to_owned(),
        (0, _) => format!("{by} has it{until}"),
        (free, held) => {
            format!("{by} has {held} of {} roots{until}; nobody has {free}", free + held)
        }
    }
}

/// What giving it back does, in words.
pub(super) fn undo_words(line: &IncidentLine) -> String {
    format!("gives back incident {}, {}: nobody has it then", line.id, line.title)
}

impl IncidentScreen {
    /// The incident of that number, which is still to be read.
    #[must_use]
    pub fn new(id: u64) -> Self {
        Self { id, page: None, error: None, scroll: 0 }
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Takes what the agent told, if it is about this one.
    pub fn heard(&mut self, id: u64, answer: Result<Box<IncidentPage>, String>) {
        if id != self.id {
            return;
        }
        match answer {
            Ok(page) => (self.page, self.error) = (Some(page), None),
            Err(why) => self.error = Some(why),
        }
    }

    /// The incident, once it was read.
    pub(super) fn line(&self) -> Option<&IncidentLine> {
        self.page.as_ref().map(|page| &page.incident)
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        if self.page.is_none() && is_order(command) {
            return Answer::Wants(vec![Act::Say(UNREAD.to_owned())]);
        }
        if let Some(acts) = self.line().and_then(|line| ordered(command, line)) {
            return Answer::Wants(acts);
        }
        match command {
            Command::Back => Answer::Wants(vec![Act::Close]),
            Command::Refresh => Answer::Wants(vec![Act::Guard(Wish::Incident(self.id))]),
            Command::Enter => {
                let root = self.line().map(|line| line.first.row);
                root.map_or(Answer::Consumed, |row| Answer::Wants(vec![Act::Page(row)]))
            }
            _ => {
                let Some(page) = &self.page else { return Answer::Pass };
                let room = usize::from(view.size.1.saturating_sub(4));
                let len = self.left(page, view).len().max(if is_wide(view) {
                    self.right(page, (half(view), view)).len()
                } else {
                    0
                });
                scroll_on(command, &mut self.scroll, len, room)
            }
        }
    }

    /// Draws it.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        let bottom = area.bottom().saturating_sub(1);
        hints(pen, (0, bottom, area.width, 1), view.keymap, Scope::Incident, view.facts);
        let head = format!(" INCIDENT {}   ", self.id);
        let Some(page) = &self.page else {
            let text = match &self.error {
                None => "reading ...".to_owned(),
                Some(why) => format!("it cannot be read: {why}"),
            };
            pen.line(0, area.y, area.width, &Line::of(head, Role::Accent).and(text, Role::Message));
            return 0;
        };
        let title = Line::of(head, Role::Accent).and(page.incident.title.as_str(), Role::Title);
        pen.line(0, area.y, area.width, &title);
        let text = Rect { y: area.y + 1, height: area.height.saturating_sub(2), ..area };
        let left = self.left(page, view);
        if !is_wide(view) {
            return scrolled(pen, text, &left, self.scroll);
        }
        let width = half(view);
        let right = self.right(page, (width, view));
        let places = (Rect { width, ..text }, Rect { x: width + 1, width, ..text });
        scrolled(pen, places.0, &left, self.scroll) + scrolled(pen, places.1, &right, self.scroll)
    }

    /// Facts and cells, and below them the time line where it has no place of its own.
    fn left(&self, page: &IncidentPage, view: &View<'_>) -> Vec<Line> {
        let wide = is_wide(view);
        let room = if wide { half(view) } else { view.size.0 }.saturating_sub(2);
        let mut lines = vec![Line::default()];
        if let Some(text) = self.doubt(page, view) {
            let parts = wrap(&text, room).into_iter();
            lines.extend(parts.map(|part| Line::of(format!(" {part}"), Role::Message)));
        }
        lines.extend(facts(page, room, view));
        lines.push(Line::default());
        lines.push(rule("cells", room));
        let most = if wide { usize::MAX } else { CELLS };
        lines.extend(page.members.iter().take(most).map(|member| cell_line(member, view)));
        let unlisted = page.members.len().saturating_sub(most)
            + usize::try_from(page.members_left_out).unwrap_or(usize::MAX);
        if unlisted > 0 {
            let id = page.incident.id;
            let more = format!("   and {unlisted} more: caretaker incident show {id}");
            lines.push(Line::of(more, Role::Quiet));
        }
        if !wide {
            lines.push(Line::default());
            lines.extend(self.right(page, (room, view)));
        }
        lines
    }

    fn doubt(&self, page: &IncidentPage, view: &View<'_>) -> Option<String> {
        let as_of = times::moment(page.as_of, view.now);
        if let Some(why) = &self.error {
            return Some(format!("as of {as_of}; it cannot be read anew: {why}"));
        }
        let text =
            format!("as of {as_of}; the agent cannot be reached: what happened since is not known");
        (!view.is_known).then_some(text)
    }

    /// The time line, and what it cannot tell.
    fn right(&self, page: &IncidentPage, (room, view): (u16, &View<'_>)) -> Vec<Line> {
        let mut lines = vec![rule("time line, oldest first", room)];
        for line in &page.time_line {
            lines.extend(time_lines(line, room, view));
        }
        if !page.not_known.is_empty() {
            lines.push(Line::default());
            lines.push(rule("not known", room));
        }
        for text in &page.not_known {
            for part in wrap(text.as_str(), room.saturating_sub(2)) {
                lines.push(Line::of(format!(" {part}"), Role::Message));
            }
        }
        lines
    }
}

fn is_wide(view: &View<'_>) -> bool {
    view.size.0 >= WIDE
}

fn half(view: &View<'_>) -> u16 {
    (view.size.0.saturating_sub(1)) / 2
}

fn facts(page: &IncidentPage, room: u16, view: &View<'_>) -> Vec<Line> {
    let line = &page.incident;
    let mut lines = Vec::new();
    let mut say = |label: &str, text: &str, role: Role| {
        for (n, part) in wrap(text, room.saturating_sub(11)).into_iter().enumerate() {
            let label = if n == 0 { label } else { "" };
            lines.push(Line::of(format!(" {label:<9} "), Role::Quiet).and(part, role));
        }
    };
    let (_, role) = mark(line);
    say("stands", &stands_words(line, view.now), role);
    say("why", line.why.as_str(), Role::Text);
    let since = times::moment(line.since, view.now);
    let until = line.state.ended_at().unwrap_or(view.now);
    let certain = times::moment(line.opened_at, view.now);
    let age = times::age(line.since, until);
    say("since", &format!("{since}, for {age}; certain {certain}"), Role::Text);
    let root = page.members.iter().find(|m| m.cell == line.first);
    let root = root
        .map_or_else(|| line.first.service.to_string(), |m| format!("{}, {}", m.place, m.service));
    let more = match line.roots {
        0 | 1 => String::new(),
        n => format!(", the first of {n}"),
    };
    say("root", &format!("{root}{more}"), Role::Text);
    say("reach", &reach_words(line), Role::Text);
    if line.state.ended_at().is_none() {
        let role = if line.had.is_had() { Role::Handled } else { Role::Text };
        say("has it", &had_words(line, view.now), role);
    }
    lines
}

fn cell_line(member: &IncidentMember, view: &View<'_>) -> Line {
    let is_bad = member.until.is_none() && member.moved.is_none();
    let letter = crate::wire::board::letter(member.health, member.handling.is_some());
    let role = match member.health {
        _ if !is_bad => Role::Quiet,
        _ if member.handling.is_some() => Role::Handled,
        Health::Critical => Role::Critical,
        Health::Unknown => Role::Unknown,
        Health::Warning => Role::Warning,
        Health::Ok | Health::NotSubscribed => Role::Quiet,
    };
    let stands = match (member.moved, member.until) {
        (Some(id), _) => format!("now of incident {id}"),
        (None, Some(at)) => format!("well since {}", times::moment(at, view.now)),
        (None, None) => format!("since {}", times::moment(member.from, view.now)),
    };
    let spells = match member.spells {
        0 | 1 => String::new(),
        n => format!(", {n} times"),
    };
    let had = member.handling.as_ref().map(|h| format!("   {} {}", h.by, h.kind.word()));
    Line::of(if member.is_root { "   root    " } else { "   follows " }, Role::Quiet)
        .and(if is_bad { letter } else { "." }, role)
        .and(format!(" {}, {}", member.place, member.service), Role::Text)
        .and(format!("   {stands}{spells}"), Role::Quiet)
        .and(had.unwrap_or_default(), Role::Handled)
}

fn time_lines(line: &TimeLine, room: u16, view: &View<'_>) -> Vec<Line> {
    let role = match line.kind {
        TimeLineKind::State => Role::Text,
        TimeLineKind::Incident => Role::Title,
        TimeLineKind::Vendor => Role::Message,
        TimeLineKind::Desk | TimeLineKind::Ticket => Role::Handled,
        TimeLineKind::Action => Role::Accent,
    };
    let who = line.who.as_ref().map(|who| format!("{who}: ")).unwrap_or_default();
    let parts = wrap(&format!("{who}{}", line.what), room.saturating_sub(14));
    let lines = parts.into_iter().enumerate().map(|(n, part)| {
        let at = if n == 0 { times::moment(line.at, view.now) } else { String::new() };
        Line::of(format!(" {at:<12} "), Role::Quiet).and(part, role)
    });
    lines.collect()
}
