//! What an action needs to know besides its target: choices, reason, ticket. At its end a plan is
//! asked for; nothing is sent.

use std::collections::BTreeMap;

use ratatui::layout::Rect;

use super::Aimed;
use super::menu::first_key;
use crate::tui::keymap::Command;
use crate::tui::screens::{Act, Answer, View};
use crate::tui::theme::Role;
use crate::tui::widgets::{Edit, Field, Line, Pen, wrap};
use crate::tui::wish::Wish;
use crate::wire::action::Possible;
use crate::wire::board::Row;
use crate::wire::{ActionId, Aim, AimsAt, Ask, Class, Clean, Laestab};

/// The choice that means: this terminal keeps what it shows, and I want the password on it anyway.
const HERE: &str = "shown_here";

/// What a field is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Account,
    Choice,
    Reason,
    Ticket,
    /// Whether the whole name is to be shown.
    Names,
    /// Whether a password may be shown on a terminal that keeps what it shows.
    Here,
}

/// A field with its words.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    kind: Kind,
    name: String,
    help: String,
    optional: bool,
    field: Field,
}

impl Entry {
    fn new(kind: Kind, name: &str, help: &str, optional: bool) -> Self {
        let (name, help) = (name.to_owned(), help.to_owned());
        Self { kind, name, help, optional, field: Field::default() }
    }

    fn text(&self) -> &str {
        self.field.text().trim()
    }
}

/// The form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormScreen {
    action: ActionId,
    label: Clean,
    aims_at: AimsAt,
    aimed: Aimed,
    /// The open action that this goes on with, by its key.
    continues: Option<Clean>,
    entries: Vec<Entry>,
    at: usize,
    /// What was asked for and is not answered yet.
    asking: Option<Box<Ask>>,
    /// What is wrong, or what the agent said.
    said: Option<String>,
}

impl FormScreen {
    /// The choices of `possible` for `aimed`.
    #[must_use]
    pub fn new(possible: &Possible, aimed: Aimed) -> Self {
        let mut entries = Vec::new();
        if possible.aims_at == AimsAt::Account && aimed.accounts.is_empty() {
            let help = "the account's name at the school, or its id (guid)";
            entries.push(Entry::new(Kind::Account, "account", help, false));
        }
        entries.extend(possible.choices.iter().map(|choice| {
            let (name, help) = (choice.name.as_str(), choice.help.as_str());
            Entry::new(Kind::Choice, name, help, choice.optional)
        }));
        let help = "stands in the audit; no pupil's name";
        entries.push(Entry::new(Kind::Reason, "why", help, false));
        let help = "the desk's number, INC0041233";
        entries.push(Entry::new(Kind::Ticket, "ticket", help, true));
        if possible.aims_at == AimsAt::Account {
            let help = "yes shows the whole name; that is recorded before it is shown";
            entries.push(Entry::new(Kind::Names, "show name", help, true));
        }
        if possible.class == Class::Destructive {
            let help = "this terminal may keep what it shows: yes, to see the password here";
            entries.push(Entry::new(Kind::Here, HERE, help, false));
        }
        Self {
            action: possible.action.clone(),
            label: possible.label.clone(),
            aims_at: possible.aims_at,
            aimed,
            continues: None,
            entries,
            at: 0,
            asking: None,
            said: None,
        }
    }

    /// What is missing of the open action `key`: its choices stand, and are asked for no more.
    #[must_use]
    pub fn continuing(possible: &Possible, aimed: Aimed, key: Clean) -> Self {
        let mut form = Self::new(possible, aimed);
        form.entries.retain(|entry| entry.kind != Kind::Choice);
        form.continues = Some(key);
        form
    }

    /// The fields that count: the last question is put only where the terminal has no second
    /// screen.
    fn counted<'a>(&'a self, view: &View<'_>) -> impl Iterator<Item = &'a Entry> {
        let has_alternate = view.has_alternate;
        self.entries.iter().filter(move |entry| entry.kind != Kind::Here || !has_alternate)
    }

    fn targets(&self) -> Result<Vec<Aim>, String> {
        let mut out = Vec::new();
        let by_id = |school: Laestab, text: &str| format!("{school}/guid:{text}").parse::<Aim>();
        if self.aims_at == AimsAt::Account
            && let ([cell], [_, ..]) = (&self.aimed.cells[..], &self.aimed.accounts[..])
            && let Row::School(school) = cell.row
        {
            let each = self.aimed.accounts.iter();
            let aims = each.map(|account| by_id(school, account.guid.as_str()));
            return aims.collect::<Result<_, _>>().map_err(|e| format!("account: {e}"));
        }
        for cell in &self.aimed.cells {
            let aim = match (cell.row, self.aims_at) {
                (Row::Estate, _) => Aim::Estate,
                (Row::School(school), AimsAt::School | AimsAt::Estate) => Aim::School(school),
                (Row::School(school), AimsAt::Cell) => {
                    let own = Some(self.action.service()).filter(|service| *service != "desk");
                    match own.map(str::parse) {
                        Some(Ok(service)) => Aim::Cell(school, service),
                        _ => Aim::Cell(school, cell.service.clone()),
                    }
                }
                (Row::School(school), AimsAt::Account) => {
                    let entry = self.entries.iter().find(|entry| entry.kind == Kind::Account);
                    let text = entry.map_or("", Entry::text);
                    let by_name = || format!("{school}/sam:{text}").parse();
                    by_id(school, text)
                        .or_else(|_| by_name())
                        .map_err(|_| format!("account: {text:?} is no account's name, and no id"))?
                }
            };
            if !out.contains(&aim) {
                out.push(aim);
            }
        }
        Ok(out)
    }

    /// What is asked for, and whether names are to be shown; or what is missing.
    fn ask(&self, view: &View<'_>) -> Result<(Ask, bool), String> {
        let missing: Vec<&str> = self
            .counted(view)
            .filter(|entry| !entry.optional && entry.text().is_empty())
            .map(|entry| entry.name.as_str())
            .collect();
        if !missing.is_empty() {
            return Err(format!("missing: {}", missing.join(", ")));
        }
        let text = |kind: Kind| {
            let entry = self.counted(view).find(|entry| entry.kind == kind);
            entry.map_or("", Entry::text)
        };
        if !text(Kind::Here).is_empty() && !is_yes(HERE, text(Kind::Here))? {
            return Err("without that the password could be shown to nobody: leave".to_owned());
        }
        let choices: BTreeMap<String, Clean> = self
            .entries
            .iter()
            .filter(|entry| entry.kind == Kind::Choice && !entry.text().is_empty())
            .map(|entry| (entry.name.clone(), Clean::new(entry.text())))
            .collect();
        let ticket = Some(text(Kind::Ticket)).filter(|text| !text.is_empty());
        let ask = Ask {
            action: self.action.clone(),
            targets: self.targets()?,
            reason: Clean::new(text(Kind::Reason)),
            ticket: ticket.map(Clean::new),
            choices,
            continues: self.continues.clone(),
        };
        Ok((ask, is_yes("show name", text(Kind::Names))?))
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        let last = self.counted(view).count().saturating_sub(1);
        match command {
            Command::Cancel | Command::Interrupt => return Answer::Wants(vec![Act::Close]),
            Command::NextCandidate | Command::Complete => {
                self.at = if self.at >= last { 0 } else { self.at + 1 };
            }
            Command::PreviousCandidate => self.at = self.at.checked_sub(1).unwrap_or(last),
            Command::Accept if self.at < last => self.at += 1,
            Command::Accept => return self.accept(view),
            _ => match self.entry().map_or(Edit::Other, |entry| entry.field.edit(command)) {
                Edit::Empty => {
                    self.at = self.at.saturating_sub(1);
                    self.said = None;
                }
                Edit::Text => self.said = None,
                Edit::Cursor => {}
                Edit::Other => return Answer::Pass,
            },
        }
        Answer::Consumed
    }

    fn entry(&mut self) -> Option<&mut Entry> {
        self.entries.get_mut(self.at)
    }

    fn accept(&mut self, view: &View<'_>) -> Answer {
        if self.asking.is_some() {
            return Answer::Consumed;
        }
        match self.ask(view) {
            Ok((ask, show)) => {
                let ask = Box::new(ask);
                self.asking = Some(ask.clone());
                self.said = None;
                Answer::Wants(vec![Act::Guard(Wish::Plan { ask, show })])
            }
            Err(why) => {
                self.said = Some(why);
                Answer::Consumed
            }
        }
    }

    /// Whether it waits for the plan of `ask`; after this it waits no more.
    pub fn waited_for(&mut self, ask: &Ask) -> bool {
        let waited = self.asking.as_deref() == Some(ask);
        if waited {
            self.asking = None;
        }
        waited
    }

    /// What the agent said instead of a plan.
    pub fn refused(&mut self, why: String) {
        self.said = Some(why);
    }

    /// What is left out.
    #[must_use]
    pub fn aimed(&self) -> &Aimed {
        &self.aimed
    }

    /// Takes text.
    pub fn typed(&mut self, text: &str) -> Answer {
        // While the plan is made, what it was asked with stays as it is.
        if self.asking.is_none() {
            self.said = None;
            if let Some(entry) = self.entry() {
                entry.field.insert(text);
            }
        }
        Answer::Consumed
    }

    /// Draws the form.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        let columns = area.width;
        let head = if self.continues.is_some() { "CONTINUE" } else { "ACT   " };
        let title = Line::of(format!(" {head} {}", self.label), Role::Title)
            .and("   nothing is sent yet", Role::Quiet);
        pen.line(0, area.y, columns, &title);
        let mut lines = vec![Line::default()];
        lines.extend(self.where_lines(columns, view));
        lines.push(Line::default());
        let counted: Vec<&Entry> = self.counted(view).collect();
        let first = lines.len();
        for (n, entry) in counted.iter().enumerate() {
            lines.push(entry_line(entry, n == self.at, columns));
        }
        let room = usize::from(area.height.saturating_sub(5));
        // The field that is typed in is always on the screen.
        let from = (first + self.at + 1).saturating_sub(room);
        for (y, line) in (area.y + 1..).zip(lines.iter().skip(from).take(room)) {
            pen.line(0, y, columns, line);
        }
        let help = counted.get(self.at).map_or("", |entry| entry.help.as_str());
        let optional = counted.get(self.at).is_some_and(|entry| entry.optional);
        let may = if optional { " (may be left out)" } else { "" };
        let bottom = area.bottom();
        pen.text(
            3,
            bottom.saturating_sub(4),
            columns.saturating_sub(4),
            &format!("{help}{may}"),
            Role::Quiet,
        );
        let (words, role) = self.standing(view);
        for (y, text) in (bottom.saturating_sub(3)..)
            .zip(wrap(&words, columns.saturating_sub(4)).into_iter().take(2))
        {
            pen.text(3, y, columns.saturating_sub(4), &text, role);
        }
        let last = self.at + 1 >= counted.len();
        let does = if last { " makes the plan" } else { " next" };
        let keys = |name: &str| first_key(view, name);
        let hint = Line::of(format!(" {}", keys("accept")), Role::Key)
            .and(format!("{does}   "), Role::Quiet)
            .and(format!("{} {}", keys("complete"), keys("previous_candidate")), Role::Key)
            .and(" field   ", Role::Quiet)
            .and(keys("cancel"), Role::Key)
            .and(" back, nothing sent", Role::Quiet);
        pen.line(0, bottom.saturating_sub(1), columns, &hint);
        lines.len()
    }

    fn where_lines(&self, columns: u16, view: &View<'_>) -> Vec<Line> {
        let room = columns.saturating_sub(12);
        let all = || self.aimed.names(view, u16::MAX);
        let words = match (self.aimed.cells.as_slice(), self.aimed.accounts.as_slice()) {
            ([_], [_, _, ..]) => format!("{}: {}", self.aimed.words(view), all()),
            ([_], _) => self.aimed.words(view),
            (many, _) => format!("{}: {}", many.len(), all()),
        };
        let hidden = self.aimed.hidden_words(view);
        let mut lines = Vec::new();
        for (label, text, role) in
            [("at", Some(words), Role::Text), ("left out", hidden, Role::Message)]
        {
            let parts = text.map(|text| wrap(&text, room)).unwrap_or_default();
            for (n, part) in parts.into_iter().take(3).enumerate() {
                let label = if n == 0 { label } else { "" };
                lines.push(Line::of(format!(" {label:<9} "), Role::Quiet).and(part, role));
            }
        }
        lines
    }

    fn standing(&self, view: &View<'_>) -> (String, Role) {
        if self.asking.is_some() {
            return ("reading the target for the plan; nothing is sent ...".to_owned(), Role::Text);
        }
        if let Some(said) = &self.said {
            return (said.clone(), Role::Message);
        }
        match self.ask(view) {
            Ok(_) => {
                ("complete: the plan comes next, and is confirmed by itself".to_owned(), Role::Text)
            }
            Err(why) => (why, Role::Quiet),
        }
    }
}

fn entry_line(entry: &Entry, at: bool, columns: u16) -> Line {
    let mark = if at { ">" } else { " " };
    let name = if at { Role::Selected } else { Role::Text };
    let line = Line::of(format!("{mark} "), Role::Key)
        .and(format!("{:<12}", entry.name), name)
        .and(" ", Role::Text);
    match at {
        true => entry.field.after(line, columns.saturating_sub(2)),
        false => line.and(entry.field.text(), Role::Prompt),
    }
}

fn is_yes(name: &str, text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "" | "n" | "no" => Ok(false),
        "y" | "yes" => Ok(true),
        _ => Err(format!("{name}: yes or no")),
    }
}
