//! The audit: entries, newest first, by a filter; and one entry with everything that is known.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::prompt::{two_lines, typing};
use super::word::WordPrompt;
use super::{Act, Answer, Layer, View, moved, scroll_on, scrolled};
use crate::tui::keymap::{Command, Scope};
use crate::tui::theme::Role;
use crate::tui::times;
use crate::tui::widgets::{Field, Line, Pen, hints, wrap};
use crate::tui::wish::{AuditQuery, Wish};
use crate::wire::Entry;
use crate::wire::action::AuditEntry;
use crate::wire::when::ago;

/// Entries that are fetched at once.
const FETCHED: usize = 500;

/// A filter of the audit as it is typed: `by:asha kind:step about:937 since:2d`.
///
/// # Errors
/// The first term that is not understood, with what would be.
pub fn query(text: &str, now: Timestamp) -> Result<AuditQuery, String> {
    let mut out = vec![("limit", FETCHED.to_string())];
    for term in text.split_whitespace() {
        let (name, value) = term.split_once(':').unwrap_or(("", term));
        if value.is_empty() {
            return Err(format!("{term} has no value"));
        }
        let name = match name {
            "by" => "by",
            "kind" => "kind",
            "about" => "about",
            "since" | "until" => {
                let at = moment(value, now)?;
                out.push((if name == "since" { "since" } else { "until" }, at.to_string()));
                continue;
            }
            _ => {
                return Err(format!(
                    "{term} is not understood: by:asha kind:step about:937 since:2d until:2026-03-03"
                ));
            }
        };
        out.push((name, value.to_owned()));
    }
    Ok(out)
}

/// So long ago, a day, or a moment.
fn moment(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    if let Some(at) = ago(text, now) {
        return Ok(at);
    }
    if let Ok(day) = text.parse::<jiff::civil::Date>() {
        let start = day.to_zoned_datetime(crate::wire::london());
        return start.map(|at| at.timestamp()).map_err(|e| e.to_string());
    }
    text.parse().map_err(|_| format!("{text} is no time: 2d, 2026-03-03, 2026-03-03T09:00:00Z"))
}

/// The list. The cursor is bound to an entry's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditScreen {
    typed: String,
    query: AuditQuery,
    entries: Option<Vec<Entry>>,
    error: Option<String>,
    at: usize,
}

impl AuditScreen {
    /// The entries that `typed` asks for, and the wish that reads them.
    ///
    /// # Errors
    /// When the filter is not understood.
    pub fn open(typed: &str, now: Timestamp) -> Result<(Self, Wish), String> {
        let query = query(typed, now)?;
        let wish = Wish::Audit(query.clone());
        let typed = typed.trim().to_owned();
        Ok((Self { typed, query, entries: None, error: None, at: 0 }, wish))
    }

    /// Takes entries, if they are those it asked for.
    pub fn heard(&mut self, query: &AuditQuery, answer: Result<Vec<Entry>, String>) {
        if self.query != *query {
            return;
        }
        match answer {
            Ok(entries) => {
                let before = self.entry().map(|entry| entry.number);
                self.at = before
                    .and_then(|n| entries.iter().position(|entry| entry.number == n))
                    .unwrap_or_default();
                self.entries = Some(entries);
                self.error = None;
            }
            Err(why) => self.error = Some(why),
        }
    }

    fn entry(&self) -> Option<&Entry> {
        self.entries.as_ref()?.get(self.at)
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        let last = self.entries.as_ref().map_or(0, Vec::len).saturating_sub(1);
        let room = usize::from(view.size.1.saturating_sub(4)).max(1);
        match command {
            Command::Back => return Answer::Wants(vec![Act::Close]),
            Command::Refresh => {
                return Answer::Wants(vec![Act::Guard(Wish::Audit(self.query.clone()))]);
            }
            Command::Filter => {
                let prompt = AuditFilter { field: Field::with(&self.typed) };
                return Answer::Wants(vec![Act::Open(Layer::AuditFilter(prompt))]);
            }
            Command::Enter => {
                return self.entry().map_or(Answer::Consumed, |entry| {
                    let screen =
                        EntryScreen { number: entry.number, page: None, error: None, scroll: 0 };
                    Answer::Wants(vec![
                        Act::Open(Layer::Entry(Box::new(screen))),
                        Act::Guard(Wish::Entry(entry.number)),
                    ])
                });
            }
            Command::Reveal => {
                let text = "open the entry first";
                return Answer::Wants(vec![Act::Say(text.to_owned())]);
            }
            _ => {
                let Some(to) = moved(command, self.at, (last, room)) else { return Answer::Pass };
                self.at = to;
            }
        }
        Answer::Consumed
    }

    /// Draws the list.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        let filter = if self.typed.is_empty() { "all" } else { self.typed.as_str() };
        let count = match &self.entries {
            None => "reading ...".to_owned(),
            Some(entries) if entries.len() >= FETCHED => {
                format!("the newest {FETCHED}; older ones by until: or since:")
            }
            Some(entries) => format!("{} entries", entries.len()),
        };
        let title = Line::of(" AUDIT   ", Role::Accent)
            .and(filter, Role::Title)
            .and(format!("   {count}"), Role::Quiet);
        pen.line(0, area.y, area.width, &title);
        if let Some(why) = &self.error {
            let text = format!("it cannot be read: {why}");
            for (y, part) in (area.y + 2..).zip(wrap(&text, area.width.saturating_sub(2))) {
                pen.text(1, y, area.width.saturating_sub(2), &part, Role::Message);
            }
        }
        let entries = self.entries.as_deref().unwrap_or_default();
        if entries.is_empty() && self.entries.is_some() && self.error.is_none() {
            pen.text(3, area.y + 2, area.width, "no entry matches", Role::Quiet);
        }
        let room = usize::from(area.height.saturating_sub(3)).max(1);
        let from = (self.at + 1).saturating_sub(room);
        let mut built = 0;
        if self.error.is_none() {
            for (y, (n, entry)) in
                (area.y + 2..).zip(entries.iter().enumerate().skip(from).take(room))
            {
                pen.text(0, y, 1, if n == self.at { ">" } else { " " }, Role::Key);
                let line = in_a_line(entry, n == self.at, view.now);
                pen.line(2, y, area.width.saturating_sub(3), &line);
                built += 1;
            }
        }
        let bottom = area.bottom().saturating_sub(1);
        hints(pen, (0, bottom, area.width, 1), view.keymap, Scope::Audit, view.facts);
        built
    }
}

fn in_a_line(entry: &Entry, at: bool, now: Timestamp) -> Line {
    let by = entry.by.as_ref().map_or("agent", |by| by.name.as_str());
    let name = if at { Role::Selected } else { Role::Text };
    // What an entry says without its ids, which fill the line and tell a reader nothing.
    let body: Vec<String> = entry
        .body
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "digest" | "policy" | "key" | "plan"))
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    Line::of(format!("{:>6} ", entry.number), Role::Quiet)
        .and(format!("{:<12} ", times::moment(entry.at, now)), Role::Quiet)
        .and(format!("{by:<10} "), Role::Text)
        .and(format!("{:<10} ", entry.kind.as_str()), name)
        .and(format!("{}  ", entry.about), Role::Text)
        .and(body.join(" "), Role::Quiet)
}

/// The prompt of the filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditFilter {
    field: Field,
}

impl AuditFilter {
    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        typing(&mut self.field, command).answer(|| {
            let (screen, wish) = AuditScreen::open(self.field.text(), view.now).ok()?;
            let screen = Layer::Audit(Box::new(screen));
            Some(vec![Act::Close, Act::Close, Act::Open(screen), Act::Guard(wish)])
        })
    }

    /// Takes text.
    pub fn typed(&mut self, text: &str) -> Answer {
        self.field.insert(text);
        Answer::Consumed
    }

    /// Draws the two last lines.
    pub fn draw(&self, pen: &mut Pen<'_>, view: &View<'_>) -> usize {
        let (words, role) = match query(self.field.text(), view.now) {
            Ok(_) => {
                ("by:asha kind:step about:937 since:2d until:2026-03-03".to_owned(), Role::Quiet)
            }
            Err(why) => (why, Role::Message),
        };
        two_lines(pen, view.size, (" / ", &self.field), &Line::of(format!("   {words}"), role));
        0
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryScreen {
    number: u64,
    page: Option<Box<AuditEntry>>,
    error: Option<String>,
    scroll: usize,
}

impl EntryScreen {
    /// Takes the entry, if it is this one.
    pub fn heard(&mut self, number: u64, answer: Result<Box<AuditEntry>, String>) {
        if self.number != number {
            return;
        }
        match answer {
            Ok(page) => (self.page, self.error) = (Some(page), None),
            Err(why) => self.error = Some(why),
        }
    }

    fn lines(&self, view: &View<'_>) -> Vec<Line> {
        let mut lines = Vec::new();
        let room = view.size.0.saturating_sub(17);
        let mut say = |label: &str, text: &str, role: Role| {
            for (n, part) in wrap(text, room).into_iter().enumerate() {
                let label = if n == 0 { label } else { "" };
                lines.push(Line::of(format!(" {label:<14} "), Role::Quiet).and(part, role));
            }
        };
        if let Some(why) = &self.error {
            say("", why, Role::Message);
        }
        let Some(page) = &self.page else { return lines };
        let entry = &page.entry;
        let at = format!("{}   {}", times::moment(entry.at, view.now), entry.at);
        say("at", &at, Role::Text);
        say("kind", entry.kind.as_str(), Role::Title);
        let by = entry.by.as_ref().map_or_else(
            || "the agent itself".to_owned(),
            |by| {
                let login = by
                    .login
                    .map_or_else(|| "no login uid".to_owned(), |l| format!("login uid {l}"));
                format!("{}, uid {}, {login}", by.name, by.uid)
            },
        );
        say("by", &by, Role::Text);
        say("about", entry.about.as_str(), Role::Text);
        for (name, value) in &entry.body {
            say(name, value.as_str(), Role::Text);
        }
        for (name, commitment) in &entry.private {
            let kept = page.kept.iter().any(|kept| kept.as_str() == name);
            match (page.details.get(name), kept) {
                (Some(value), _) => say(name, value.as_str(), Role::Accent),
                (None, true) => {
                    say(
                        name,
                        "kept beside the chain, not shown (p shows it, recorded first)",
                        Role::Quiet,
                    );
                }
                (None, false) => say(name, "erased; the chain is whole without it", Role::Quiet),
            }
            say("", &format!("commitment {}", commitment.0), Role::Quiet);
        }
        say("previous", entry.previous.as_str(), Role::Quiet);
        say("hash", entry.hash.as_str(), Role::Quiet);
        lines
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        match command {
            Command::Back => Answer::Wants(vec![Act::Close]),
            Command::Refresh => Answer::Wants(vec![Act::Guard(Wish::Entry(self.number))]),
            Command::Reveal => {
                let prompt = WordPrompt::reveal(self.number);
                Answer::Wants(vec![Act::Open(Layer::Word(prompt))])
            }
            _ => {
                let room = usize::from(view.size.1.saturating_sub(4));
                let len = self.lines(view).len();
                scroll_on(command, &mut self.scroll, len, room)
            }
        }
    }

    /// Draws it.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        let title =
            Line::of(" AUDIT   ", Role::Accent).and(format!("entry {}", self.number), Role::Title);
        pen.line(0, area.y, area.width, &title);
        let text = Rect { y: area.y + 2, height: area.height.saturating_sub(3), ..area };
        let built = scrolled(pen, text, &self.lines(view), self.scroll);
        let bottom = area.bottom().saturating_sub(1);
        hints(pen, (0, bottom, area.width, 1), view.keymap, Scope::Audit, view.facts);
        built
    }
}
