//! Calendars: dates of the config, an imported iCalendar file, bank holidays, and what a calendar
//! takes from another.
//!
//! A closure holds alarms, so nothing is guessed here: an event that means something but cannot be
//! read refuses the calendar, and one that means nothing is told with its line.

mod bank;
mod lines;
mod repeat;
mod when;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::calendars::lines::{Event, Wrong};
use crate::config::calendars::when::Taken;
use crate::config::calendars::words::{Kind, Meaning};
use crate::config::error::{ConfigError, ConfigErrors};
use crate::config::schools::{Finding, Severity};
use crate::model::calendar::{Calendar, Days};

pub use words::CalendarWords;

/// The name of the calendar of every school that names no other.
pub(super) const DEFAULT: &str = "default";
/// No calendar file is longer.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// A term is no shorter; what is shorter is its first or its last day.
const SHORTEST_TERM: i32 = 7;
/// No holiday is longer; what is longer would hold alarms for most of a term.
const LONGEST_CLOSURE: i32 = 70;
/// What lasts less is no closed day: a training evening.
const SHORTEST_CLOSURE: SignedDuration = SignedDuration::from_hours(4);
/// Lines that a finding names.
const NAMED: usize = 10;

/// Term dates and closures of a group of schools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CalendarSettings {
    /// Terms; what lies between two of them is a holiday.
    pub terms: Vec<Days>,
    /// Half-terms, INSET days, bank holidays, snow days.
    pub closures: Vec<Days>,
    /// Another calendar, whose terms and closures count here as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extends: Option<String>,
    /// An iCalendar file (.ics) with terms, holidays and INSET days, as councils and schools give
    /// it out.
    pub ical_file: Option<PathBuf>,
    /// Words by which the events of `ical_file` are told apart.
    pub words: CalendarWords,
    /// Bank holidays as gov.uk gives them out: `bank-holidays.json`, or an .ics file, every event
    /// of which is one.
    pub bank_holidays_file: Option<PathBuf>,
    /// The division whose bank holidays count: `england-and-wales`, `scotland`,
    /// `northern-ireland`.
    pub bank_holidays_division: String,
}

impl Default for CalendarSettings {
    fn default() -> Self {
        Self {
            terms: Vec::new(),
            closures: Vec::new(),
            extends: None,
            ical_file: None,
            words: CalendarWords::default(),
            bank_holidays_file: None,
            bank_holidays_division: "england-and-wales".to_owned(),
        }
    }
}

/// What one file brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The calendar's name in the config.
    pub calendar: String,
    /// The file.
    pub file: PathBuf,
    /// Terms that were read.
    pub terms: usize,
    /// Holidays and half-terms.
    pub holidays: usize,
    /// INSET days.
    pub inset: usize,
    /// Bank holidays.
    pub bank_holidays: usize,
    /// Events that the config leaves out, and cancelled ones.
    pub ignored: usize,
    /// Events that none of the words is in.
    pub others: usize,
}

impl std::fmt::Display for Imported {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: calendar {}: {} terms, {} holidays, {} INSET days, {} bank holidays; {} left out",
            self.file.display(),
            self.calendar,
            self.terms,
            self.holidays,
            self.inset,
            self.bank_holidays,
            self.ignored + self.others
        )
    }
}

/// Every calendar, ready for the engine.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Calendars {
    /// By name; the default one is named "".
    pub calendars: BTreeMap<String, Calendar>,
    /// What was read from which file.
    pub imported: Vec<Imported>,
    /// What was noticed.
    pub findings: Vec<Finding>,
}

/// Makes the calendars of `settings`; `resolve` makes a path of the config one that can be opened.
/// Blocking.
///
/// # Errors
/// Everything in the files that means something and cannot be read.
pub(super) fn import(
    settings: &BTreeMap<String, CalendarSettings>,
    resolve: impl Fn(&Path) -> PathBuf,
) -> Result<Calendars, ConfigErrors> {
    let (mut own, mut out, mut errors) = (BTreeMap::new(), Calendars::default(), Vec::new());
    for (name, set) in settings {
        let mut calendar = Calendar { terms: set.terms.clone(), closures: set.closures.clone() };
        for (path, bank) in [(&set.ical_file, false), (&set.bank_holidays_file, true)] {
            let Some(path) = path.as_deref().map(&resolve) else { continue };
            match read(&path, name, set, bank) {
                Err(wrong) => errors.extend(wrong.into_iter().map(|w| located(&path, w))),
                Ok(file) => {
                    calendar.terms.extend(file.calendar.terms);
                    calendar.closures.extend(file.calendar.closures);
                    out.imported.push(file.brought);
                    out.findings.extend(file.findings);
                }
            }
        }
        own.insert(name.clone(), calendar);
    }
    if !errors.is_empty() {
        return Err(ConfigErrors(errors));
    }
    for name in settings.keys() {
        let named = if name == DEFAULT { String::new() } else { name.clone() };
        out.calendars.insert(named, with_those_it_extends(name, settings, &own));
    }
    Ok(out)
}

/// The dates of `name` and of every calendar that it extends, in order and once each. A circle was
/// refused before; here it ends.
fn with_those_it_extends(
    name: &str,
    settings: &BTreeMap<String, CalendarSettings>,
    own: &BTreeMap<String, Calendar>,
) -> Calendar {
    let mut whole = Calendar::default();
    let mut next = Some(name);
    for _ in 0..=settings.len() {
        let Some(at) = next else { break };
        if let Some(calendar) = own.get(at) {
            whole.terms.extend(&calendar.terms);
            whole.closures.extend(&calendar.closures);
        }
        next = settings.get(at).and_then(|s| s.extends.as_deref());
    }
    for days in [&mut whole.terms, &mut whole.closures] {
        days.sort_unstable_by_key(|d| (d.from, d.to));
        days.dedup();
    }
    whole
}

/// Whether following `extends` from `name` comes back to where it has been.
pub(super) fn goes_round(name: &str, settings: &BTreeMap<String, CalendarSettings>) -> bool {
    let mut next = settings.get(name).and_then(|s| s.extends.as_deref());
    for _ in 0..=settings.len() {
        match next {
            None => return false,
            Some(at) if at == name => return true,
            Some(at) => next = settings.get(at).and_then(|s| s.extends.as_deref()),
        }
    }
    true
}

/// What one file holds.
struct Read {
    calendar: Calendar,
    brought: Imported,
    findings: Vec<Finding>,
}

fn located(path: &Path, wrong: Wrong) -> ConfigError {
    ConfigError {
        file: path.to_owned(),
        line: wrong.line,
        column: usize::from(wrong.line > 0),
        key: wrong.what,
        found: wrong.found,
        expected: String::new(),
        nearest: None,
        remedy: wrong.remedy.to_owned(),
    }
}

fn read(path: &Path, name: &str, set: &CalendarSettings, bank: bool) -> Result<Read, Vec<Wrong>> {
    let text = text_of(path).map_err(|wrong| vec![wrong])?;
    read_text(&text, path, (name, set, bank))
}

/// `text` as a calendar of each kind, for fuzzing.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn each_reading(text: &str) {
    let set = CalendarSettings::default();
    for bank in [false, true] {
        if let Ok(read) = read_text(text, Path::new("c.ics"), ("c", &set, bank)) {
            for days in read.calendar.terms.iter().chain(&read.calendar.closures) {
                assert!(days.from <= days.to, "{days:?} ends before it begins");
            }
        }
    }
}

fn read_text(
    text: &str,
    path: &Path,
    (name, set, bank): (&str, &CalendarSettings, bool),
) -> Result<Read, Vec<Wrong>> {
    let mut read = Read {
        calendar: Calendar::default(),
        brought: Imported {
            calendar: name.to_owned(),
            file: path.to_owned(),
            terms: 0,
            holidays: 0,
            inset: 0,
            bank_holidays: 0,
            ignored: 0,
            others: 0,
        },
        findings: Vec::new(),
    };
    if bank && text.trim_start().starts_with('{') {
        let days = bank::holidays(text, &set.bank_holidays_division).map_err(|w| vec![w])?;
        read.brought.bank_holidays = days.len();
        read.calendar.closures = days;
        return Ok(read);
    }
    let events = lines::events(text).map_err(|wrong| vec![wrong])?;
    let (mut wrong, mut others) = (Vec::new(), Vec::new());
    for event in &events {
        let meaning = match bank {
            true => Ok(Meaning::Is(Kind::BankHoliday)),
            false => meaning(event, &set.words),
        };
        let done = meaning.and_then(|m| match m {
            Meaning::Is(Kind::Ignored) => {
                read.brought.ignored += 1;
                Ok(())
            }
            Meaning::Nothing => {
                read.brought.others += 1;
                others.push(event.line.to_string());
                Ok(())
            }
            Meaning::Is(kind) => read.take(kind, event),
            Meaning::Both => Err(Wrong::new(
                event.line,
                "SUMMARY",
                "this event could be a term or a closure",
                "give it a category, or change the words of this calendar",
            )),
        });
        wrong.extend(done.err());
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    read.tell_of(&others);
    Ok(read)
}

fn text_of(path: &Path) -> Result<String, Wrong> {
    use std::io::Read;
    let wrong = |found: String, remedy| Wrong::new(0, "", found, remedy);
    let cannot = |e: std::io::Error| wrong(format!("cannot be read: {e}"), "check the path");
    let file = std::fs::File::open(path).map_err(cannot)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_BYTES {
        return Err(wrong("is larger than 4 MiB".into(), "name the calendar, not another file"));
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        let found = format!("is not UTF-8 text (byte {})", e.utf8_error().valid_up_to());
        wrong(found, "save it as UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn meaning(event: &Event, words: &CalendarWords) -> Result<Meaning, Wrong> {
    if event.one("STATUS")?.is_some_and(|s| s.value.trim().eq_ignore_ascii_case("CANCELLED")) {
        return Ok(Meaning::Is(Kind::Ignored));
    }
    let categories = event.all("CATEGORIES").flat_map(|c| c.value.split(','));
    let summary = event.one("SUMMARY")?.map_or("", |s| s.value.as_str());
    Ok(words.meaning(categories, summary))
}

impl Read {
    /// Takes the days of an event that means `kind`.
    fn take(&mut self, kind: Kind, event: &Event) -> Result<(), Wrong> {
        for taken in when::taken(event)? {
            let days = i64::from((taken.days.to - taken.days.from).get_days()) + 1;
            let wrong =
                |found: String, remedy| Err(Wrong::new(event.line, "DTSTART", found, remedy));
            if kind == Kind::Term && days < i64::from(SHORTEST_TERM) {
                return wrong(
                    format!("a term of {days} day(s)"),
                    "if this is only the first or last day of a term, add its words to \
                     words.ignore and write the term under `terms`",
                );
            }
            if kind != Kind::Term && days > i64::from(LONGEST_CLOSURE) {
                return wrong(
                    format!("closes the school for {days} days on end"),
                    "mend its end, or change the words of this calendar",
                );
            }
            self.put(kind, taken, event.line);
        }
        Ok(())
    }

    fn put(&mut self, kind: Kind, taken: Taken, line: usize) {
        let short = taken.lasts.is_some_and(|lasts| lasts < SHORTEST_CLOSURE);
        if kind != Kind::Term && short {
            let text = "lasts less than 4 hours: not taken as a closed day";
            self.find(Severity::Note, line, text.to_owned());
            return;
        }
        let count = match kind {
            Kind::Term => &mut self.brought.terms,
            Kind::Holiday => &mut self.brought.holidays,
            Kind::Inset => &mut self.brought.inset,
            Kind::BankHoliday => &mut self.brought.bank_holidays,
            Kind::Ignored => &mut self.brought.ignored,
        };
        *count += 1;
        match kind {
            Kind::Term => self.calendar.terms.push(taken.days),
            Kind::Holiday | Kind::Inset | Kind::BankHoliday => {
                self.calendar.closures.push(taken.days);
            }
            Kind::Ignored => {}
        }
    }

    fn find(&mut self, severity: Severity, line: usize, text: String) {
        self.findings.push(Finding {
            severity,
            file: self.brought.file.clone(),
            line: u64::try_from(line).unwrap_or(u64::MAX),
            column: None,
            text,
        });
    }

    /// The words of an event may name a person: only lines are told.
    fn tell_of(&mut self, others: &[String]) {
        let Some(first) = others.first() else { return };
        let line = first.parse().unwrap_or(1);
        let named = others.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = match others.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let text = format!(
            "{} event(s) hold none of the words and were left out (lines {named}{more})",
            others.len()
        );
        self.find(Severity::Note, line, text);
        if self.brought.terms == 0 && self.calendar.closures.is_empty() {
            let text = "nothing was taken from this calendar; see `words` of the calendar";
            self.find(Severity::Warning, line, text.to_owned());
        }
    }
}

#[cfg(test)]
mod tests;
