//! The console line by line: for screen readers, and for terminals that cannot draw.
//!
//! Nothing is drawn over, nothing moves, nothing stands in a column: each line is a sentence that can be
//! heard. Whatever is no word of its own here is a command of the command line, so that everything which
//! the screens can do can be done here, under the same guard.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::config::{GroupBy, ViewSettings};
use crate::tui::say::sentence;
use crate::tui::screens::{likewise, row_name};
use crate::tui::state::{Class, Group, Looked, Places, Rows, Standing, grouped};
use crate::tui::times;
use crate::wire::board::{Column, CompactCell, Row, RowFacts};
use crate::wire::filter::Filter;
use crate::wire::find::{Known, find};
use crate::wire::page::{Page, ServiceView};
use crate::wire::past::Diff;
use crate::wire::{CheckView, Health, Part};

/// Entries of a list that are read out at once.
const AT_ONCE: usize = 10;
/// Changes of a page's history.
const HISTORY: usize = 5;

/// What a line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The schools that match, worst first.
    List(Listing),
    /// The next entries of the list.
    More,
    /// The page of an entry of the list, by its number.
    Entry(usize),
    /// The page of the entry behind the one that is open.
    Next,
    /// A school by what somebody says of it.
    School(String),
    /// A service of the open page in full, by letters, key or name.
    Why(String),
    /// The open page once more.
    Again,
    /// Changes are told as they come, or not.
    Changes(bool),
    /// A command of the command line, in words.
    Run(Vec<String>),
    /// What can be typed.
    Help,
    /// Nothing.
    Nothing,
    /// The end.
    End,
}

/// Which schools are read out, and how they stand together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Those that match; those in trouble where it is empty.
    pub filter: String,
    /// What they are put together by.
    pub by: GroupBy,
}

/// What is at hand: the list that was read out last, and the page that is open.
#[derive(Debug, Clone, Default)]
pub struct Plain {
    listed: Vec<Row>,
    /// What is said before an entry that begins a group, by its place.
    heads: BTreeMap<usize, String>,
    told: usize,
    open: Option<Row>,
    looked: Looked,
    views: Vec<ViewSettings>,
}

/// What can be typed; the commands of the command line stand behind it.
pub const HELP: &str = "\
list: schools in trouble, the worst that nobody has first. list WORDS: those that match a filter.
list by GROUP WORDS: the same in groups: service, town, trust, phase or incident.
list @VIEW: those of a view of the configuration, in its groups.
A number: the page of that entry. more: the next entries. next: the page of the next entry.
school WORDS: a school by name, town, number, telephone or address.
why SERVICE: a service of the open page in full, by its letters or its name. again: the page once more.
ack, claim, back: for the open page, until the end of the shift. note WORDS: a note about it.
changes off, changes on: whether changes are told as they come.
quit: the end. Anything else is a command of caretaker, in which a full stop means the open school, as in
plan desk.raise_ticket ./groupcall --reason 'no data since Monday'. The commands:
";

impl Plain {
    /// Nothing at hand, when somebody looked last at `last`.
    #[must_use]
    pub fn looked_before(last: Option<Timestamp>) -> Self {
        Self { looked: Looked::since(last), ..Self::default() }
    }

    /// The same with views, whose filters and groups `list @NAME` takes.
    #[must_use]
    pub fn with_views(self, views: Vec<ViewSettings>) -> Self {
        Self { views, ..self }
    }

    /// The list that is meant: of a view, where `@` and its name were typed; in groups after `by`.
    fn listing(&self, typed: &str) -> Result<Listing, String> {
        let Some(name) = typed.strip_prefix('@') else {
            let by = typed.strip_prefix("by ").map(|rest| rest.trim_start());
            let by = by.map(|rest| rest.split_once(' ').unwrap_or((rest, "")));
            let known = |word: &str| GroupBy::ALL.into_iter().find(|by| by.word() == word);
            let (by, filter) = match by.map(|(word, rest)| (known(word), rest)) {
                Some((Some(by), rest)) => (by, rest.trim()),
                _ => (GroupBy::Nothing, typed),
            };
            return Ok(Listing { filter: filter.to_owned(), by });
        };
        let found = self.views.iter().find(|view| view.name == name);
        let listing = |view: &ViewSettings| Listing { filter: view.filter.clone(), by: view.group };
        found.map(listing).ok_or_else(|| {
            let names: Vec<&str> = self.views.iter().map(|view| view.name.as_str()).collect();
            match names.as_slice() {
                [] => "there is no view: [[console.views]] in the configuration".to_owned(),
                names => format!("no view is {name:?}: {}", names.join(", ")),
            }
        })
    }

    /// When a line was last typed.
    #[must_use]
    pub fn looked_last(&self) -> Option<Timestamp> {
        self.looked.last()
    }

    /// A line is typed: since when news are to be asked for, if somebody was away.
    pub fn looks(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.looked.looks(now)
    }

    /// What is new since `from`, in a sentence; nothing where nothing is.
    pub fn news(&mut self, from: Timestamp, diff: &Diff, now: Timestamp) -> Option<String> {
        let n = self.looked.told(from, diff).filter(|n| *n > 0)?;
        let (entries, since) =
            (if n == 1 { "entry is" } else { "entries are" }, times::moment(from, now));
        Some(format!(
            "{n} {entries} worse than when you last looked, {since}: the list says new of them."
        ))
    }

    fn opens(&mut self, row: Row) -> Row {
        self.looked.opened(row);
        self.open = Some(row);
        row
    }

    /// An entry of the list, and whether it is new and nobody has it.
    fn said(&self, row: Row, rows: &Rows, now: Timestamp) -> String {
        let is_open = Standing::of(rows.cells(row)).class == Class::Nobody;
        let new = if is_open && self.looked.is_new(row) { "new: " } else { "" };
        format!("{new}{}", entry(row, rows, now))
    }

    /// What a line asks for.
    ///
    /// # Errors
    /// When it cannot be understood; with the remedy.
    pub fn read(&self, line: &str) -> Result<Asked, String> {
        let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        let rest = rest.trim().to_owned();
        let handled = |kind: &str, more: &[&str]| {
            let about =
                self.about().ok_or("open a school's page first, by its number in a list")?;
            let words = ["handle", kind, about.as_str()].into_iter().chain(more.iter().copied());
            Ok(Asked::Run(words.map(str::to_owned).collect()))
        };
        Ok(match (word, rest.is_empty()) {
            ("", _) => Asked::Nothing,
            ("list" | "l", _) => Asked::List(self.listing(&rest)?),
            ("more" | "m", true) => Asked::More,
            ("next" | "n", true) => Asked::Next,
            ("again", true) => Asked::Again,
            ("quit" | "q" | "exit", true) => Asked::End,
            ("help" | "?" | "h", true) => Asked::Help,
            ("school" | "o", false) => Asked::School(rest),
            ("why" | "w", false) => Asked::Why(rest),
            ("changes", false) if rest == "on" || rest == "off" => Asked::Changes(rest == "on"),
            ("ack", true) => return handled("acknowledge", &[]),
            ("claim", true) => return handled("claim", &[]),
            ("back", true) => return handled("give-back", &[]),
            ("note", false) => return handled("note", &["--why", &rest]),
            (number, true) if number.bytes().all(|b| b.is_ascii_digit()) => match number.parse() {
                Ok(n) if (1..=self.told).contains(&n) => Asked::Entry(n),
                _ => return Err(format!("the list has no entry {number}; type list")),
            },
            _ => Asked::Run(self.words(line)?),
        })
    }

    fn words(&self, line: &str) -> Result<Vec<String>, String> {
        let words = shlex::split(line).ok_or("a quotation mark is not closed")?;
        let about = |word: String| {
            let rest =
                word.strip_prefix('.').filter(|rest| rest.is_empty() || rest.starts_with('/'));
            match (rest, self.about()) {
                (None, _) => Ok(word),
                (Some(rest), Some(about)) => Ok(about + rest),
                (Some(_), None) => {
                    Err("open a school's page first: a full stop means the open school")
                }
            }
        };
        Ok(words.into_iter().map(about).collect::<Result<_, _>>()?)
    }

    /// The open page, as the command line names it.
    fn about(&self) -> Option<String> {
        Some(match self.open? {
            Row::Estate => "estate".to_owned(),
            Row::School(laestab) => laestab.to_string(),
        })
    }

    /// How many schools stand how.
    #[must_use]
    pub fn totals(rows: &Rows) -> String {
        let split = &rows.split;
        let unasked = match split.unasked {
            0 => String::new(),
            n => format!(", not asked yet {n}"),
        };
        let known = match (rows.settled, rows.restored_from) {
            _ if rows.replay.is_some() => {
                "REPLAY of a recording: nothing of it is now, and nothing can be done in it. "
            }
            (true, _) => "",
            (false, Some(_)) => "This is the last known board; first answers are still coming. ",
            (false, None) => "First answers are still coming. ",
        };
        format!(
            "{known}Of {} schools nobody has: critical {}, unknown {}, warning {}{unasked}. Somebody has: \
             {}. Follows from elsewhere: {}. Ok: {}. Not set up: {}.",
            rows.len(),
            split.critical,
            split.unknown,
            split.warning,
            split.somebody,
            split.follows,
            split.ok,
            split.not_subscribed
        )
    }

    /// Reads out the schools that match, or those in trouble, the estate first where it is in trouble.
    /// `places` tells which are part of which incident.
    ///
    /// # Errors
    /// When the filter cannot be understood.
    pub fn list(
        &mut self,
        rows: &Rows,
        listing: &Listing,
        places: Option<&Places>,
        now: Timestamp,
    ) -> Result<String, String> {
        let filter = Filter::parse(&listing.filter).map_err(|e| e.to_string())?;
        filter.check_services(|name| rows.label(name).is_some()).map_err(|e| e.to_string())?;
        let all = filter.is_empty();
        let is_meant = |n: &&u32| {
            let Some((school, standing)) = rows.school(**n).zip(rows.standing(**n)) else {
                return false;
            };
            let facts = RowFacts { row: school, columns: &rows.columns, now };
            if all { standing.health.is_trouble() } else { filter.matches(&facts) }
        };
        let schools: Vec<u32> = rows.order().iter().filter(is_meant).copied().collect();
        let estate = rows.estate.iter().any(|cell| cell.health.is_trouble()) && all;
        self.listed = estate.then_some(Row::Estate).into_iter().collect();
        self.heads.clear();
        for Group { name, members } in grouped(&schools, listing.by, rows, places) {
            if listing.by != GroupBy::Nothing {
                let many = if members.len() == 1 { "school" } else { "schools" };
                let head = format!("{name}: {} {many}.", members.len());
                self.heads.insert(self.listed.len(), head);
            }
            let members = members.iter().filter_map(|n| rows.school(*n));
            self.listed.extend(members.map(|school| Row::School(school.laestab)));
        }
        (self.told, self.open) = (0, None);
        Ok(match self.listed.len() {
            0 if all && rows.is_empty() => "No school is configured.".to_owned(),
            0 if all => "No school is in trouble.".to_owned(),
            0 => format!("None of {} schools matches.", rows.len()),
            _ => self.more(rows, now),
        })
    }

    /// The next entries of the list.
    pub fn more(&mut self, rows: &Rows, now: Timestamp) -> String {
        let from = self.told;
        let next = self.listed.iter().enumerate().skip(from).take(AT_ONCE);
        let next: Vec<(usize, &Row)> = next.collect();
        if next.is_empty() {
            return "That was the whole list.".to_owned();
        }
        let told = from + next.len();
        // Who hears the next entries has to hear what they are part of.
        let inside =
            self.heads.range(..from).next_back().filter(|_| !self.heads.contains_key(&from));
        let inside = inside.map(|(_, head)| format!("Further of {head}"));
        let lines = next.into_iter().flat_map(|(n, row)| {
            let entry = format!("{}. {}", n + 1, self.said(*row, rows, now));
            self.heads.get(&n).cloned().into_iter().chain([entry])
        });
        let lines: Vec<String> = inside.into_iter().chain(lines).collect();
        self.told = told;
        let left = self.listed.len() - self.told;
        let end = if left == 0 { String::new() } else { format!("\n{left} more: type more.") };
        lines.join("\n") + &end
    }

    /// The row of an entry that was read out, which becomes the open one.
    pub fn entry(&mut self, number: usize) -> Option<Row> {
        let row = *self.listed.get(number.checked_sub(1)?)?;
        Some(self.opens(row))
    }

    /// The row behind the open one.
    pub fn following(&mut self) -> Option<Row> {
        let at = self.listed.iter().position(|row| Some(*row) == self.open);
        let number = at.map_or(1, |n| n + 2);
        self.told = self.told.max(number.min(self.listed.len()));
        self.entry(number)
    }

    /// The open page.
    #[must_use]
    pub fn open(&self) -> Option<Row> {
        self.open
    }

    /// The school that is meant, which becomes the open one; or those that may be, as a list.
    ///
    /// # Errors
    /// What to say instead.
    pub fn school(&mut self, said: &str, rows: &Rows, now: Timestamp) -> Result<Row, String> {
        let known = rows.order().iter().filter_map(|n| Some((*n, Known::from(rows.school(*n)?))));
        let found: Vec<u32> = find(said, known).into_iter().take(AT_ONCE).collect();
        let found = found.iter().filter_map(|n| Some(Row::School(rows.school(*n)?.laestab)));
        self.listed = found.collect();
        self.heads.clear();
        self.told = 0;
        match *self.listed.as_slice() {
            [] => Err(format!("no school is found by {said:?}")),
            [one] => {
                self.told = 1;
                Ok(self.opens(one))
            }
            _ => Err(self.more(rows, now)),
        }
    }
}

/// A row in a sentence: what is wrong, for how long, who has it.
fn entry(row: Row, rows: &Rows, now: Timestamp) -> String {
    let cells = rows.cells(row).iter().zip(&rows.columns);
    let mut bad: Vec<_> = cells.filter(|(cell, _)| cell.health.is_trouble()).collect();
    // What is wrong here, before what follows from it.
    bad.sort_by_key(|(cell, _)| cell.follows_from.is_some());
    let said: Vec<String> = bad
        .into_iter()
        .map(|(cell, column)| format!("{} {}", column.label, state(cell, column, rows, now)))
        .collect();
    let said = if said.is_empty() { "ok".to_owned() } else { said.join("; ") };
    format!("{}: {said}.", row_name(row, Some(rows)))
}

fn state(cell: &CompactCell, column: &Column, rows: &Rows, now: Timestamp) -> String {
    let lasts = cell
        .since
        .map_or(String::new(), |at| format!(" for {}", lasted(times::at_second(at), now)));
    if cell.part() == Part::Unasked {
        return "not asked yet".to_owned();
    }
    if let Some(cause) = &cell.follows_from {
        if cause.service == column.key {
            return "the same as for all or several schools".to_owned();
        }
        let label = rows.label(cause.service.as_str()).map_or("", |c| c.label.as_str());
        return format!("follows from {label}");
    }
    let soft = if cell.soft { ", not confirmed" } else { "" };
    let flapping = if cell.flapping { ", going to and fro" } else { "" };
    let has = match &cell.handling {
        None => ", nobody has it".to_owned(),
        Some(handling) => {
            let until = handling.until.map(|at| format!(" until {}", times::moment(at, now)));
            format!(", {} by {}{}", handling.kind.word(), handling.by, until.unwrap_or_default())
        }
    };
    format!("{}{lasts}{soft}{flapping}{has}", cell.health.word())
}

/// How long, in words: `12 minutes`, `26 hours`, `3 days`.
fn lasted(since: Timestamp, now: Timestamp) -> String {
    let minutes = times::age_s(since, now) / 60;
    let (n, unit) = match minutes {
        0..120 => (minutes, "minute"),
        120..2_880 => (minutes / 60, "hour"),
        _ => (minutes / 1_440, "day"),
    };
    format!("{n} {unit}{}", if n == 1 { "" } else { "s" })
}

/// A page: first what can be read out to the caller, then each service, then what happened.
#[must_use]
pub fn page(page: &Page, now: Timestamp) -> String {
    let mut out = Vec::new();
    match &page.school {
        None => out.push("Whole estate.".to_owned()),
        Some(school) => {
            let about = [school.phase.as_str(), school.town.as_str()];
            let about: Vec<&str> = about.into_iter().filter(|text| !text.is_empty()).collect();
            let day = if page.school_day { "school day" } else { "no school today" };
            out.push(format!(
                "{}, number {}, {}, {day}.",
                school.name,
                school.laestab.spaced(),
                about.join(", ")
            ));
        }
    }
    if page.replay {
        out.push(format!(
            "REPLAY of a recording, as of {}: not what is so now.",
            times::whole(now)
        ));
    } else {
        out.extend(sentence(page, now).map(|said| format!("Say: {said}")));
    }
    out.extend(labelled("Contact", page.contact.as_str()));
    out.extend(labelled("Standing note", page.note.as_str()));
    let (bad, well): (Vec<&ServiceView>, Vec<&ServiceView>) =
        page.services.iter().partition(|s| s.cell.health.is_trouble());
    out.extend(bad.into_iter().map(|view| service(view, now)));
    let of = |health: Health| {
        let labels: Vec<&str> =
            well.iter().filter(|s| s.cell.health == health).map(|s| s.label.as_str()).collect();
        labels.join(", ")
    };
    out.extend(labelled("Ok", &of(Health::Ok)));
    out.extend(labelled("Not taken or not watched", &of(Health::NotSubscribed)));
    for change in page.history.iter().take(HISTORY) {
        let label = page.services.iter().find(|s| s.service == change.service);
        out.push(format!(
            "{}: {} from {} to {}: {}",
            times::moment(change.at, now),
            label.map_or(change.service.as_str(), |s| s.label.as_str()),
            change.from.word(),
            change.to.word(),
            change.why
        ));
    }
    for entry in page.desk.iter().take(HISTORY) {
        let at = times::moment(entry.at, now);
        out.push(format!("{at}: {} by {}: {}", entry.kind.word(), entry.by, entry.why));
    }
    out.join("\n")
}

fn labelled(label: &str, text: &str) -> Option<String> {
    (!text.is_empty()).then(|| format!("{label}: {text}."))
}

/// A service in trouble, in a few sentences.
fn service(view: &ServiceView, now: Timestamp) -> String {
    let cell = &view.cell;
    let since = cell.since.map_or(String::new(), |at| {
        format!(" since {}, for {}", times::moment(at, now), lasted(at, now))
    });
    let has = match (&cell.handling, &cell.follows_from) {
        (_, Some(_)) => String::new(),
        (None, None) => " Nobody has it.".to_owned(),
        (Some(h), None) => {
            let until = h.until.map(|at| format!(" until {}", times::moment(at, now)));
            format!(" It is {} by {}{}.", h.kind.word(), h.by, until.unwrap_or_default())
        }
    };
    let only =
        likewise::only_us(view).into_iter().map(|(label, text)| format!(" {label}: {text}."));
    let tickets = view.tickets.iter().map(|t| format!(" Ticket {}.", t.number));
    let steps = view.next_steps.iter().map(|s| format!(" Next step: {}.", s.text));
    let more: String = only.chain(tickets).chain(steps).collect();
    format!("{}: {}{since}: {}.{has}{more}", view.label, cell.health.word(), cell.why)
}

/// A service with its checks and their evidence. Nothing, where the page has no such service.
#[must_use]
pub fn why(page: &Page, said: &str, now: Timestamp) -> Option<String> {
    let is_meant = |view: &&ServiceView| {
        view.service.as_str() == said
            || view.code.as_str().eq_ignore_ascii_case(said)
            || view.label.as_str().to_lowercase().starts_with(&said.to_lowercase())
    };
    let view = page.services.iter().find(is_meant)?;
    let mut out = vec![service(view, now)];
    out.extend(view.checks.iter().map(|known| check(known, now)));
    if view.checks.is_empty() {
        out.push("No check watches it here.".to_owned());
    }
    Some(out.join("\n"))
}

fn check(check: &CheckView, now: Timestamp) -> String {
    let mut out = format!("Check {}: {}", check.label, check.health.word());
    if !check.why.is_empty() {
        out += &format!(": {}", check.why);
    }
    out += ".";
    if let Some(at) = check.observed_at {
        out += &format!(" We asked at {}.", times::moment(at, now));
    }
    if let Some(source) = &check.source_at {
        out += &format!(" The vendor wrote {}.", times::moment(source.at, now));
    }
    if !check.rule.is_empty() {
        out += &format!(" Rule: {}.", check.rule);
    }
    if !check.green_when.is_empty() {
        out += &format!(" Green when: {}.", check.green_when);
    }
    for fact in &check.evidence {
        out += &format!(" {}: {}.", fact.name, fact.value);
    }
    out
}
