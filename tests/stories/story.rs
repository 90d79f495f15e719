//! The form of a story file. Unknown keys are refused with file and line.

use std::collections::BTreeMap;

use caretaker::model::calendar::{Days, london};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// A moment in London, `2026-11-24 09:00`; in the hour that comes twice, the first of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct London(pub Timestamp);

impl<'de> Deserialize<'de> for London {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if text.ends_with('Z') {
            return text.parse().map(Self).map_err(serde::de::Error::custom);
        }
        let civil: jiff::civil::DateTime = text.parse().map_err(serde::de::Error::custom)?;
        let zoned = civil.to_zoned_datetime(london()).map_err(serde::de::Error::custom)?;
        Ok(Self(zoned.timestamp()))
    }
}

/// One incident.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    /// What happened, in the desk's words.
    pub story: String,
    /// When the engine starts.
    pub start: London,
    #[serde(default)]
    pub estate: Setup,
    pub school: Vec<School>,
    pub event: Vec<Event>,
    pub expect: Vec<Expect>,
}

/// What differs from the standard estate.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Setup {
    /// Checks that have no source.
    pub without: Vec<String>,
    /// Closures of the default calendar.
    pub closures: Vec<Days>,
    /// Checks that ask only these schools.
    pub only: BTreeMap<String, Vec<String>>,
    /// Checks that are hard after so many bad answers.
    pub tries: BTreeMap<String, u8>,
    /// Checks whose data is due on school days only.
    pub school_days: Vec<String>,
    /// Services whose credentials end on a known date, which is watched.
    pub dated: Vec<String>,
    /// Weeks before this one that a check's numbers are compared with.
    pub weeks: BTreeMap<String, u8>,
    /// Closures of further calendars, by name.
    pub calendars: BTreeMap<String, Vec<Days>>,
    /// What schools share of a check, by name: `smoothwall.filtering` of `north` is also asked about
    /// the estate, as `smoothwall.filtering_north`.
    pub shared: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct School {
    pub laestab: String,
    pub name: String,
    #[serde(default = "two_hundred")]
    pub pupils: u32,
    /// All seven if not given.
    pub takes: Option<Vec<String>>,
    /// False: a school without a row in the subscriptions table.
    #[serde(default = "yes")]
    pub set_up: bool,
    #[serde(default)]
    pub calendar: String,
    #[serde(default)]
    pub trust: String,
    #[serde(default)]
    pub town: String,
    /// What its subscription says: `smoothwall.appliance`.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

fn two_hundred() -> u32 {
    200
}
fn yes() -> bool {
    true
}

/// One thing that happens; exactly one of the optional keys.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Event {
    pub at: Option<London>,
    pub tick: Option<bool>,
    pub well: Option<Well>,
    pub observe: Option<Observe>,
    pub handle: Option<Handle>,
    pub order: Option<Order>,
    pub restart: Option<Restart>,
    pub configure: Option<Reconfigure>,
}

/// Every check answers, and well.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Well {
    /// Go on asking, each check at its interval, until then.
    pub until: Option<London>,
    /// Leave out: `check`, or `school/check`.
    pub except: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observe {
    pub check: String,
    /// LAESTAB, or `estate`.
    pub school: String,
    /// `ok`, `quiet`, `warning`, `critical`, or a reason of not knowing.
    pub says: String,
    #[serde(default)]
    pub detail: String,
    pub source: Option<London>,
    #[serde(default)]
    pub zone: Option<String>,
    pub good: Option<London>,
    pub since: Option<London>,
    /// When it was really answered, if not now.
    pub answered: Option<London>,
    #[serde(default)]
    pub numbers: BTreeMap<String, f64>,
    /// Evidence.
    #[serde(default)]
    pub facts: BTreeMap<String, String>,
    /// Work that it announces.
    #[serde(default)]
    pub windows: Vec<Announced>,
    /// Say it again every so often, until then.
    pub every: Option<caretaker::model::span::Span>,
    pub until: Option<London>,
}

/// Work that a vendor announces.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announced {
    pub from: London,
    pub until: Option<London>,
    pub title: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handle {
    pub school: String,
    pub service: String,
    /// `claimed`, `acknowledged`, `downtime`, or `nobody`.
    pub kind: String,
    #[serde(default)]
    pub by: String,
    /// When it begins, if not at once.
    pub from: Option<London>,
    pub until: Option<London>,
    /// When it comes again, as the desk writes it.
    pub every: Option<String>,
}

/// What somebody orders about incidents; exactly one of `merge`, `split` and `resolve`, each the number of
/// the incident that it is about.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    pub merge: Option<u64>,
    /// What it becomes part of.
    pub into: Option<u64>,
    pub split: Option<u64>,
    /// What is parted from it: `9990101/groupcall`.
    #[serde(default)]
    pub cells: Vec<String>,
    pub resolve: Option<u64>,
    /// Though it is in trouble.
    #[serde(default)]
    pub anyway: bool,
    pub by: String,
    pub why: String,
    /// Words of the refusal, where it is refused.
    pub refused: Option<String>,
}

/// The agent ends and starts again with what the store held.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    /// When the board was last written.
    pub written: London,
    /// Its new configuration, if that changed meanwhile.
    pub configure: Option<Reconfigure>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reconfigure {
    #[serde(default)]
    pub estate: Setup,
    pub school: Vec<School>,
}

/// What the board must show.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    pub at: London,
    /// LAESTAB, or `estate`.
    pub school: String,
    /// The whole row, in the board's letters.
    pub line: String,
    /// Sentences by service.
    #[serde(default)]
    pub why: BTreeMap<String, String>,
    /// Cells: ok, warning, critical, unknown, not subscribed.
    pub cells: [u32; 5],
    /// Schools by their worst cell, in the same order.
    pub schools: [u32; 5],
    /// The order of the board, from its top.
    #[serde(default)]
    pub first: Vec<String>,
    /// Start of the trouble by service.
    #[serde(default)]
    pub since: BTreeMap<String, London>,
    /// When the present health was judged, by service.
    #[serde(default)]
    pub state_since: BTreeMap<String, London>,
    /// Why it cannot be told, by service.
    #[serde(default)]
    pub reason: BTreeMap<String, String>,
    /// The last good data, run or answer, by check.
    #[serde(default)]
    pub good: BTreeMap<String, London>,
    /// Rules in words, by check.
    #[serde(default)]
    pub rule: BTreeMap<String, String>,
    /// What would make it green, in words, by check; empty while it is.
    #[serde(default)]
    pub green_when: BTreeMap<String, String>,
    /// Announced work that is not over, by check: its titles.
    #[serde(default)]
    pub announced: BTreeMap<String, Vec<String>>,
    /// All holds that have not begun, the soonest first: `redstor 2026-11-24 20:00`.
    #[serde(default)]
    pub planned: Option<Vec<String>>,
    /// Certain changes of this row so far: `groupcall ok > critical`.
    #[serde(default)]
    pub history: Option<Vec<String>>,
    /// The open incidents, by number: `1 9990101/groupcall: 3 of 3`, cells in trouble of cells that
    /// ever were and did not go to another.
    #[serde(default)]
    pub incidents: Option<Vec<String>>,
    /// Those that ended, the newest last: `2 merged into 1`, `1 resolved by asha`, `3 over`.
    #[serde(default)]
    pub ended: Option<Vec<String>>,
    /// What was written into the log of an incident, by its number: `asha merged 2: one cause`.
    #[serde(default)]
    pub log: BTreeMap<String, Vec<String>>,
    /// How many schools have the same.
    #[serde(default)]
    pub elsewhere: BTreeMap<String, u32>,
    /// What those schools share: `trust North: 3 of 4`.
    #[serde(default)]
    pub in_common: BTreeMap<String, Vec<String>>,
    /// What follows from it in this row.
    #[serde(default)]
    pub affects: BTreeMap<String, Vec<String>>,
}

/// Reads a story; the refusal begins with file and line.
pub fn read(file: &str, text: &str) -> Result<Story, String> {
    toml::from_str(text).map_err(|e| {
        let line =
            e.span().map_or(0, |s| text.bytes().take(s.start).filter(|b| *b == b'\n').count() + 1);
        format!("{file}:{line}: {}", e.message())
    })
}
