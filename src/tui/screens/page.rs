//! One school, or the estate: the page for the telephone.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::evidence::{EvidenceScreen, moment_and_age, no_checks, vendor_time};
use super::incidents::part_of;
use super::likewise::{last_time, only_us};
use super::look::acting_words;
use super::{Act, Answer, View, row_name, scroll_on, scrolled};
use crate::tui::keymap::{Command, Scope};
use crate::tui::theme::Role;
use crate::tui::widgets::{Line, Pen, hints, rule, state_word, wrap};
use crate::tui::{say, times};
use crate::wire::board::Row;
use crate::wire::days::DAYS;
use crate::wire::desk::DeskLine;
use crate::wire::page::{Page, Refresh, ServiceView};
use crate::wire::past::Past;
use crate::wire::{
    Cell, CheckView, Clean, Health, NextStep, ServiceKey, StateChange, Ticket, Window,
};

/// Lines that must be left below the table of services, or everything scrolls.
const LEAST_LOWER: usize = 4;
/// Under so many rows the sentence is a short one.
const SHORT: u16 = 16;
/// From so many rows on, checks are told in full below the table; else in a line each.
const FULL_CHECKS: u16 = 32;

/// The screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageScreen {
    row: Row,
    service: usize,
    scroll: usize,
}

impl PageScreen {
    /// The page of a row, the cursor on the service in `column`.
    #[must_use]
    pub fn new(row: Row, column: usize) -> Self {
        Self { row, service: column, scroll: 0 }
    }

    /// The row.
    #[must_use]
    pub fn row(&self) -> Row {
        self.row
    }

    /// The column of the service at the cursor.
    #[must_use]
    pub fn service(&self) -> usize {
        self.service
    }

    fn services(view: &View<'_>) -> usize {
        view.rows.map_or(0, |r| r.columns.len())
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        match command {
            Command::Back => return Answer::Wants(vec![Act::Close]),
            Command::Down => {
                self.service = (self.service + 1).min(Self::services(view).saturating_sub(1));
                self.scroll = 0;
            }
            Command::Up => {
                self.service = self.service.saturating_sub(1);
                self.scroll = 0;
            }
            Command::Enter => {
                let service = view.rows.and_then(|r| r.columns.get(self.service));
                return service.map_or(Answer::Consumed, |c| {
                    let screen = EvidenceScreen::new(self.row, c.key.clone());
                    Answer::Wants(vec![Act::Open(super::Layer::Evidence(screen))])
                });
            }
            Command::NextSchool | Command::PreviousSchool => {
                let next = self.neighbour(command == Command::NextSchool, view);
                return next.map_or(Answer::Consumed, |row| Answer::Wants(vec![Act::Page(row)]));
            }
            Command::Copy => return copied(self.row, view),
            Command::Refresh => {
                let school = match self.row {
                    Row::Estate => None,
                    Row::School(laestab) => Some(laestab),
                };
                return Answer::Wants(vec![Act::Refresh(Refresh { school, service: None })]);
            }
            _ => {
                let Some(page) = view.page(self.row) else { return Answer::Pass };
                let room = lower_room(view.size, &page, view.now);
                let len = lower(&page, self.service, view.size, view.now).len();
                return scroll_on(command, &mut self.scroll, len, room);
            }
        }
        Answer::Consumed
    }

    fn neighbour(&self, forward: bool, view: &View<'_>) -> Option<Row> {
        let rows = view.rows?;
        let order = rows.order();
        let row = |n: Option<&u32>| Some(Row::School(rows.school(*n?)?.laestab));
        let Row::School(laestab) = self.row else { return row(order.first()) };
        let here = rows.find(laestab)?;
        let at = order.iter().position(|n| *n == here)?;
        row(if forward { order.get(at + 1) } else { at.checked_sub(1).and_then(|n| order.get(n)) })
    }

    /// Draws the page with its hints.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        let rows = if area.height >= 20 { 2 } else { 1 };
        let body = Rect { height: area.height.saturating_sub(rows), ..area };
        let built = body_of(pen, body, self.row, Some(self.service), self.scroll, view);
        let at = (area.x, area.bottom().saturating_sub(rows), area.width, rows);
        hints(pen, at, view.keymap, Scope::Page, view.facts);
        built
    }
}

/// The sentence of a row, to the clipboard.
pub(super) fn copied(row: Row, view: &View<'_>) -> Answer {
    let page = view.page(row).filter(|page| page.past.is_none() && !page.replay);
    let text = page.and_then(|page| say::sentence(&page, view.now));
    text.map_or(Answer::Consumed, |text| Answer::Wants(vec![Act::Copy(text)]))
}

/// Draws a row's page into an area, without hints; also the right half of a wide board.
pub(super) fn body_of(
    pen: &mut Pen<'_>,
    area: Rect,
    row: Row,
    service: Option<usize>,
    scroll: usize,
    view: &View<'_>,
) -> usize {
    let error = view.pages.get(row).and_then(|h| h.error.clone());
    let Some(page) = view.page(row) else {
        let words = error;
        let words = words.map_or_else(
            || format!("asking the agent about {} ...", row_name(row, view.rows)),
            |why| format!("the agent could not tell: {why}"),
        );
        for (y, line) in (area.y + 1..area.bottom()).zip(wrap(&words, area.width.saturating_sub(2)))
        {
            pen.text(area.x + 1, y, area.width, &line, Role::Message);
        }
        return 0;
    };
    let selected = service.unwrap_or_default();
    let mut lines = upper(&page, service, (area.width, area.height), view.now);
    if let Some(why) = error {
        let of = times::moment(page.as_of, view.now);
        lines.insert(
            0,
            Line::of(format!(" as of {of}; could not be told anew: {why}"), Role::Message),
        );
    }
    for open in view.acts.on(row, None).take(3) {
        let text = acting_words(open, view);
        lines.push(Line::of(" acting  ", Role::Accent).and(text, Role::Message));
    }
    if let Some(line) = part_of(&page.incidents) {
        lines.push(line);
    }
    let rest = lower(&page, selected, (area.width, area.height), view.now);
    if lines.len() + LEAST_LOWER <= usize::from(area.height) {
        // The table stays; what is below it scrolls.
        for (y, line) in (area.y..area.bottom()).zip(&lines) {
            pen.line(area.x, y, area.width, line);
        }
        let used = u16::try_from(lines.len()).unwrap_or(area.height);
        let below = Rect { y: area.y + used, height: area.height - used, ..area };
        return lines.len() + scrolled(pen, below, &rest, scroll);
    }
    // Too little room: everything scrolls, and the line of the cursor is always seen.
    let cursor = lines.len().saturating_sub(page.services.len()) + selected + 1;
    let start = cursor.saturating_sub(usize::from(area.height).saturating_sub(1)) + scroll;
    lines.extend(rest);
    scrolled(pen, area, &lines, start)
}

/// The room that [`lower`] has on a page of its own.
fn lower_room(size: (u16, u16), page: &Page, now: Timestamp) -> usize {
    let hint_rows = if size.1 > 20 { 2 } else { 1 };
    let area = (size.0, size.1.saturating_sub(1 + hint_rows));
    let used = upper(page, None, area, now).len();
    let room = usize::from(area.1);
    if used + LEAST_LOWER <= room { room - used } else { 1 }
}

/// Who, SAY, and the table of services.
fn upper(
    page: &Page,
    cursor: Option<usize>,
    (columns, rows): (u16, u16),
    now: Timestamp,
) -> Vec<Line> {
    let mut lines = vec![who(page, columns)];
    if let Some(past) = &page.past {
        lines.push(Line::of(format!(" {}", past_words(past)), Role::Message));
    } else if page.replay {
        let text = " REPLAY of a recording: not what is so now; evidence is not in it";
        lines.push(Line::of(text, Role::Message));
    } else if let Some(text) = say::sentence(page, now) {
        let text = if rows < SHORT { say::shortened(&text) } else { text.as_str() };
        let parts = wrap(&format!("\"{text}\""), columns.saturating_sub(8));
        for (n, part) in parts.into_iter().enumerate() {
            let head = if n == 0 { " SAY   " } else { "       " };
            lines.push(Line::of(head, Role::Accent).and(part, Role::Text));
        }
    }
    if rows >= SHORT {
        lines.push(Line::default());
    }
    let strip = columns >= 76;
    let heading = if columns >= 50 {
        let days = if strip { "14 days         " } else { "" };
        format!("    service          state     since       {days}why")
    } else {
        "    service          state".to_owned()
    };
    lines.push(Line::of(heading, Role::Quiet));
    for (n, service) in page.services.iter().enumerate() {
        let at_cursor = cursor == Some(n);
        lines.push(service_line(service, page, at_cursor, (columns, strip), now));
    }
    lines
}

/// What a past page says in the place of what is said on the telephone.
fn past_words(past: &Past) -> String {
    let at = times::dated(past.at, past.asked_at);
    match &past.nobody_looked {
        Some(_) => format!("PAST, as of {at}: no agent ran then, nobody looked"),
        None => format!("PAST, as of {at}: not what is so now; evidence is not kept"),
    }
}

fn who(page: &Page, columns: u16) -> Line {
    let Some(school) = &page.school else {
        return Line::of(" whole estate", Role::Title)
            .and("   facts that hold for every school", Role::Quiet);
    };
    let taken = page.services.iter().filter(|s| s.cell.health != Health::NotSubscribed).count();
    let mut line = Line::of(format!(" {}", school.laestab.spaced()), Role::Title);
    let mut say = |text: String| {
        if line.width() + 3 + crate::tui::widgets::width(&text) <= columns {
            line.0.push((format!("   {text}"), Role::Quiet));
        }
    };
    if !school.phase.is_empty() {
        say(school.phase.as_str().to_lowercase());
    }
    say(if page.school_day { "school day" } else { "no school today" }.to_owned());
    say(format!("takes {taken} of {}", page.services.len()));
    if !school.telephone.is_empty() {
        say(format!("tel {}", school.telephone));
    }
    if !school.town.is_empty() {
        say(school.town.as_str().to_owned());
    }
    if let Some(pupils) = school.pupils {
        say(format!("{pupils} pupils"));
    }
    line
}

fn service_line(
    service: &ServiceView,
    page: &Page,
    at_cursor: bool,
    (columns, strip): (u16, bool),
    now: Timestamp,
) -> Line {
    let cell = &service.cell;
    let follows = cell.follows_from.is_some();
    let (word, role) = state_word(cell.health, follows, cell.handling.is_some(), cell.quiet);
    let name = if at_cursor { Role::Selected } else { Role::Text };
    let label = crate::tui::widgets::cut(service.label.as_str(), 16);
    let mut line = Line::of(if at_cursor { "> " } else { "  " }, Role::Key)
        .and(format!("{} ", service.code), name)
        .and(pad(&label, 16), name)
        .and(" ", Role::Text)
        .and(format!("{word:<9} "), role);
    if columns < 50 {
        return line;
    }
    line = line.and(format!("{:<12}", since(cell, page, now)), Role::Text);
    if strip {
        line = line.and(format!("{:<DAYS$}", service.days), Role::Quiet).and("  ", Role::Text);
    }
    line.and(cell.why.as_str(), Role::Text)
}

/// `text` filled with spaces to `room` columns.
fn pad(text: &str, room: u16) -> String {
    let missing = room.saturating_sub(crate::tui::widgets::width(text));
    format!("{text}{}", " ".repeat(usize::from(missing)))
}

fn since(cell: &Cell, page: &Page, now: Timestamp) -> String {
    if let Some(cause) = cell.follows_from.as_ref().filter(|_| cell.health.is_trouble()) {
        let view = page.services.iter().find(|s| s.service == cause.service);
        let code = view.map_or("?", |v| v.code.as_str());
        return match cause.scope {
            crate::wire::Scope::Estate => "estate".to_owned(),
            crate::wire::Scope::School => format!("from {code}"),
        };
    }
    cell.since.map(|at| times::day_or_time(at, now)).unwrap_or_default()
}

/// Checks of the service at the cursor, then what happened here.
fn lower(page: &Page, service: usize, (columns, rows): (u16, u16), now: Timestamp) -> Vec<Line> {
    let room = columns.saturating_sub(4);
    let mut lines = vec![Line::default()];
    if let Some(view) = page.services.get(service) {
        lines.push(rule(&format!("{}, its checks", view.label), columns));
        let tickets = view.tickets.iter().map(|ticket| ("ticket", ticket_words(ticket, now)));
        let steps = view.next_steps.iter().map(|step| ("next step", step_words(step)));
        told(&mut lines, room, Role::Accent, tickets.chain(steps));
        if view.checks.is_empty() {
            let text = match page.past {
                Some(_) => " not kept of past moments",
                None if page.replay => " not in a recording",
                None => no_checks(view),
            };
            lines.push(Line::of(text, Role::Quiet));
        }
        let not_kept = page.past.iter().flat_map(|past| &past.not_kept);
        told(&mut lines, room, Role::Quiet, not_kept.map(|text| ("note", text.to_string())));
        for check in &view.checks {
            check_lines(&mut lines, check, (room, rows >= FULL_CHECKS), now);
        }
        let us = if page.school.is_some() { only_us(view) } else { Vec::new() };
        let before = last_time(page, view, now).map(|text| ("last time", text));
        let before = before.filter(|_| view.cell.health.is_trouble());
        told(&mut lines, room, Role::Quiet, us.into_iter().chain(before));
        if let Some(planned) = &view.planned {
            let until = planned.handling.until.map(|at| format!(" to {}", times::moment(at, now)));
            let mut text = format!(
                "{}{}, {}",
                times::moment(planned.from, now),
                until.unwrap_or_default(),
                planned.handling.by
            );
            if let Some(last) = planned.last.filter(|_| planned.times > 1) {
                let last = times::moment(last, now);
                text.push_str(&format!("; {} times, the last until {last}", planned.times));
            }
            let head = format!(" {:<13} ", planned.handling.kind.word());
            lines.push(Line::of(head, Role::Handled).and(text, Role::Text));
        }
        for window in &view.windows {
            lines.push(
                Line::of(" announced     ", Role::Accent).and(announced(window, now), Role::Text),
            );
        }
        if rows >= FULL_CHECKS {
            lines.push(Line::default());
        }
    }
    lines.push(rule("what happened here", columns));
    if page.history.is_empty() && page.desk.is_empty() {
        lines.push(Line::of(" no change is known to us", Role::Quiet));
    }
    let mut happened: Vec<(Timestamp, Line)> = page
        .history
        .iter()
        .map(|change| (change.at, history_line(change, page, columns, now)))
        .chain(page.desk.iter().map(|entry| (entry.at, desk_line(entry, page, now))))
        .collect();
    happened.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    lines.extend(happened.into_iter().map(|(_, line)| line));
    for (label, text) in [("contact", &page.contact), ("note", &page.note)] {
        if !text.is_empty() {
            lines.push(
                Line::of(format!(" {label:<13}"), Role::Quiet).and(text.as_str(), Role::Text),
            );
        }
    }
    for gap in &page.not_watched {
        lines.push(
            Line::of(" not watched  ", Role::Quiet)
                .and(gap.what.as_str(), Role::Text)
                .and(format!(": {}", gap.why), Role::Quiet),
        );
    }
    lines
}

/// Texts with a word before each, as many lines as they take.
fn told<'a>(
    lines: &mut Vec<Line>,
    room: u16,
    role: Role,
    texts: impl Iterator<Item = (&'a str, String)>,
) {
    for (label, text) in texts {
        for (n, part) in wrap(&text, room.saturating_sub(12)).into_iter().enumerate() {
            let head = format!(" {:<13} ", if n == 0 { label } else { "" });
            lines.push(Line::of(head, role).and(part, Role::Text));
        }
    }
}

fn check_lines(
    lines: &mut Vec<Line>,
    check: &CheckView,
    (room, in_full): (u16, bool),
    now: Timestamp,
) {
    let (word, role) = state_word(check.health, false, false, false);
    lines.push(
        Line::of(format!(" {:<13} ", check.label), Role::Text)
            .and(format!("{word:<9} "), role)
            .and(check.why.as_str(), Role::Text),
    );
    if !in_full {
        return;
    }
    let asked =
        check.observed_at.map_or_else(|| "no answer yet".to_owned(), |at| moment_and_age(at, now));
    let mut text = format!("asked {asked}");
    if let Some(source) = check.source_at {
        text.push_str(&format!("; vendor {}", vendor_time(source, now)));
    }
    if check.soft {
        text.push_str(&format!("; try {} of {}, not confirmed", check.tries.0, check.tries.1));
    }
    text.push_str(&format!("; rule: {}", check.rule));
    for fact in check.evidence.iter().take(2) {
        text.push_str(&format!("; {} {}", fact.name, fact.value));
    }
    for part in wrap(&text, room.saturating_sub(12)) {
        lines.push(Line::of("               ", Role::Quiet).and(part, Role::Quiet));
    }
}

/// Which ticket, raised by whom and when: `12345, raised 09:10 by asha`.
pub(super) fn ticket_words(ticket: &Ticket, now: Timestamp) -> String {
    let Ticket { number, by, at, .. } = ticket;
    format!("{number}, raised {} by {by}", times::moment(*at, now))
}

/// What to do, and where it is written at length.
fn step_words(step: &NextStep) -> String {
    let parts = [&step.text, &step.link].into_iter().filter(|part| !part.is_empty());
    parts.map(Clean::as_str).collect::<Vec<_>>().join(" ")
}

/// Work that the vendor announces: `Sat 22:00 to Sun 02:00: Exchange, EX1234`.
pub(super) fn announced(window: &Window, now: Timestamp) -> String {
    let Window { from, until, title } = window;
    let say = |at| times::moment(at, now);
    match (*from <= now, until) {
        (false, Some(until)) => format!("{} to {}: {title}", say(*from), say(*until)),
        (false, None) => format!("from {}, its end is not told: {title}", say(*from)),
        (true, Some(until)) => {
            format!("under way since {}, to end {}: {title}", say(*from), say(*until))
        }
        (true, None) => {
            format!("under way since {}, its end is not told: {title}", say(*from))
        }
    }
}

/// What a change came from, in words.
pub(super) fn before(change: &StateChange) -> String {
    if change.first { "first look".to_owned() } else { change.from.word().replace('_', " ") }
}

/// What somebody did about it: `claimed, tomr, Groupcall, until 17:00: rang the office`.
fn desk_line(entry: &DeskLine, page: &Page, now: Timestamp) -> Line {
    let label = |key: &ServiceKey| {
        let view = page.services.iter().find(|s| s.service == *key);
        view.map_or_else(|| key.to_string(), |v| v.label.as_str().to_owned())
    };
    let services = match entry.services.as_slice() {
        all if all.len() == page.services.len() => "all services".to_owned(),
        some => some.iter().map(label).collect::<Vec<_>>().join(", "),
    };
    let mut text = format!("{}, {services}", entry.by);
    if let Some(from) = entry.from {
        text.push_str(&format!(", from {}", times::moment(from, now)));
    }
    if let Some(until) = entry.until {
        text.push_str(&format!(", until {}", times::moment(until, now)));
    }
    if let Some(last) = entry.last {
        let last = times::moment(last, now);
        text.push_str(&format!(", {} times, the last until {last}", entry.times));
    }
    if !entry.why.is_empty() {
        text.push_str(&format!(": {}", entry.why));
    }
    Line::of(format!(" {:<12} ", times::moment(entry.at, now)), Role::Quiet)
        .and(format!("{}, ", entry.kind.word()), Role::Handled)
        .and(text, Role::Text)
}

/// One line of history.
pub(super) fn history_line(
    change: &StateChange,
    page: &Page,
    columns: u16,
    now: Timestamp,
) -> Line {
    let view = page.services.iter().find(|s| s.service == change.service);
    let label = view.map_or(change.service.as_str(), |v| v.label.as_str());
    let (word, role) = state_word(change.to, change.follows, true, false);
    let role = if role == Role::Handled { Role::Text } else { role };
    let line = Line::of(format!(" {:<12} ", times::moment(change.at, now)), Role::Quiet)
        .and(format!("{label} {} -> ", before(change)), Role::Text)
        .and(word, role);
    if columns >= 60 { line.and(format!(": {}", change.why), Role::Quiet) } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-24T09:14:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn change(when: &str, from: Health, to: Health, first: bool) -> StateChange {
        StateChange {
            at: at(when),
            service: "redstor".parse().unwrap(),
            from,
            to,
            reason: None,
            follows: false,
            first,
            why: Clean::new("why"),
        }
    }

    #[test]
    fn a_cell_that_was_never_looked_at_before_came_from_nothing() {
        let first = change("2026-11-22T04:00:00Z", Health::Unknown, Health::Warning, true);
        assert_eq!(super::before(&first), "first look");
    }

    #[test]
    fn announced_work_is_told_with_what_is_known_of_its_end() {
        let window = |from: &str, until: Option<&str>| {
            let title = Clean::new("Exchange, EX77");
            announced(&Window { from: at(from), until: until.map(at), title }, at(NOW))
        };
        let (before, after) = ("2026-11-24T08:00:00Z", "2026-11-28T22:00:00Z");
        let end = Some("2026-11-29T02:00:00Z");
        assert_eq!(window(after, end), "Sat 22:00 to Sun 02:00: Exchange, EX77");
        assert_eq!(window(after, None), "from Sat 22:00, its end is not told: Exchange, EX77");
        assert_eq!(window(before, end), "under way since 08:00, to end Sun 02:00: Exchange, EX77");
        assert_eq!(
            window(before, None),
            "under way since 08:00, its end is not told: Exchange, EX77"
        );
    }
}
