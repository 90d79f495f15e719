//! A recording: a board, and what changed of it through a period. A file of JSON lines that the agent
//! makes and `caretaker replay` plays; `docs/recording.md` describes it.
//!
//! Invariant: what is in it was masked when it was made; whoever reads it has nothing to hide. A file
//! that was changed since it was made is refused whole: its last line has a digest over the others.

mod read;
#[cfg(test)]
mod tests;

pub use read::{Fault, read};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::model::cell::{Cause, Cell, Handling, Row};
use crate::model::desk::CellName;
use crate::model::health::{Health, Reason};
use crate::model::ids::{Laestab, ServiceKey};
use crate::model::incident::IncidentState;
use crate::model::text::Clean;
use crate::wire::board::{Column, CompactCell};
use crate::wire::incident::TimeLineKind;

/// The version of the format.
pub const FORMAT: u64 = 1;
/// The largest file that is read, in bytes. A day of 24,000 schools is below a tenth of it.
pub const LARGEST: usize = 256 * 1_024 * 1_024;
/// Changes and notes in one recording.
pub const MOST_CHANGES: usize = 200_000;

/// Whose names stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Names {
    /// Nobody's: schools are numbered in an order without a meaning.
    Masked,
    /// Those of schools. Persons are masked in every recording.
    Schools,
}

/// A cell as it stood.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedCell {
    /// Health.
    pub health: Health,
    /// Set when unknown, and only then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The sentence, masked.
    #[serde(default, skip_serializing_if = "Clean::is_empty")]
    pub why: Clean,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Who had it: a numbered operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handling: Option<Handling>,
    /// What it followed from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows_from: Option<Cause>,
}

impl From<&RecordedCell> for Cell {
    fn from(cell: &RecordedCell) -> Self {
        Self {
            health: cell.health,
            reason: cell.reason,
            why: cell.why.clone(),
            since: cell.since,
            state_since: cell.since,
            handling: cell.handling.clone(),
            follows_from: cell.follows_from.clone(),
            ..Self::default()
        }
    }
}

impl From<&RecordedCell> for CompactCell {
    fn from(cell: &RecordedCell) -> Self {
        Self::from(&Cell::from(cell))
    }
}

/// A cell of the recorded incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedMember {
    /// Which.
    pub cell: CellName,
    /// Whether it is a root; the others follow.
    pub is_root: bool,
    /// When its trouble was certain.
    pub from: Timestamp,
    /// When it was well, or left the incident; none if it was in trouble when this was made.
    pub until: Option<Timestamp>,
}

/// The incident that a recording was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedIncident {
    /// Its number.
    pub id: u64,
    /// When its first cell's trouble was certain.
    pub opened_at: Timestamp,
    /// Start of the trouble, as far as it was known.
    pub since: Timestamp,
    /// How it stood when the recording was made.
    pub state: IncidentState,
    /// The first root.
    pub first: CellName,
    /// The sentence of its first root, masked.
    pub why: Clean,
    /// Its cells.
    pub members: Vec<RecordedMember>,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Head {
    /// The version of the format.
    pub version: u64,
    /// The version of the program that made it.
    pub program: Clean,
    /// When it was made.
    pub made_at: Timestamp,
    /// The moment of the board below.
    pub from: Timestamp,
    /// The last moment that it tells of.
    pub until: Timestamp,
    /// Whose names are in it.
    pub names: Names,
    /// Whether it was made in a demonstration.
    pub demo: bool,
    /// Lines of schools that follow.
    pub schools: u64,
    /// Services.
    pub columns: Vec<Column>,
    /// The estate's cells at `from`, one for each column.
    pub estate: Vec<RecordedCell>,
    /// The incident that it was made of; none for a period.
    pub incident: Option<RecordedIncident>,
}

/// A school at `from`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedSchool {
    /// Its number: invented where names are masked.
    pub laestab: Laestab,
    /// Its name: `School 1` where names are masked.
    pub name: Clean,
    /// Phase; empty where names are masked.
    pub phase: Clean,
    /// Town; empty where names are masked.
    pub town: Clean,
    /// Whether it has a subscription row.
    pub set_up: bool,
    /// One for each column.
    pub cells: Vec<RecordedCell>,
}

/// A cell that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedChange {
    /// When.
    pub at: Timestamp,
    /// Where.
    pub row: Row,
    /// Which service.
    pub service: ServiceKey,
    /// As it stood from then on.
    pub cell: RecordedCell,
}

/// Something that somebody did, or that the incident itself did. Never anybody's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedNote {
    /// When.
    pub at: Timestamp,
    /// Where it comes from.
    pub kind: TimeLineKind,
    /// A numbered operator; none for what no person did.
    pub who: Option<Clean>,
    /// What, in words of the program.
    pub what: Clean,
    /// About which cells, at most ten.
    pub about: Vec<CellName>,
    /// About how many.
    pub cells: u32,
}

/// A line between the schools and the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// A cell changed.
    Change(RecordedChange),
    /// A line of the time line.
    Note(RecordedNote),
}

impl Happened {
    /// When.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Change(change) => change.at,
            Self::Note(note) => note.at,
        }
    }
}

/// The last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::wire) struct End {
    /// Lines of changes.
    pub changes: u64,
    /// Lines of notes.
    pub notes: u64,
    /// SHA-256 over all lines before this one, in hexadecimal.
    pub sha256: String,
}

/// A whole recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// The first line.
    pub head: Head,
    /// Schools, each once.
    pub schools: Vec<RecordedSchool>,
    /// What happened, oldest first.
    pub happened: Vec<Happened>,
}

#[derive(Serialize)]
#[serde(tag = "line", rename_all = "snake_case")]
enum Line<'a> {
    Recording(&'a Head),
    School(&'a RecordedSchool),
    Change(&'a RecordedChange),
    Note(&'a RecordedNote),
    End(&'a End),
}

/// The digest of what stands before the last line.
fn digest(before: &[u8]) -> String {
    Sha256::digest(before).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The lines of `bytes` with a last line that fits them, whatever they hold: for whoever looks for what a
/// reader does with a file that somebody made to be read.
#[cfg(any(test, feature = "fuzzing"))]
#[must_use]
pub fn ended(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().filter(|line| !line.starts_with(r#"{"line":"end""#));
    let mut out: String = lines.map(|line| format!("{line}\n")).collect();
    let count = |kind: &str| out.lines().filter(|line| line.starts_with(kind)).count();
    let (changes, notes) = (count(r#"{"line":"change""#), count(r#"{"line":"note""#));
    let sha256 = digest(out.as_bytes());
    out.push_str(&format!(
        "{{\"line\":\"end\",\"changes\":{changes},\"notes\":{notes},\"sha256\":\"{sha256}\"}}\n"
    ));
    out.into_bytes()
}

impl Recording {
    /// The file's bytes.
    ///
    /// # Errors
    /// When a value cannot be written as JSON, which none of these is.
    pub fn write(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut out = Vec::new();
        let line = |out: &mut Vec<u8>, line: &Line<'_>| {
            serde_json::to_writer(&mut *out, line)?;
            out.push(b'\n');
            Ok::<(), serde_json::Error>(())
        };
        line(&mut out, &Line::Recording(&self.head))?;
        for school in &self.schools {
            line(&mut out, &Line::School(school))?;
        }
        let (mut changes, mut notes) = (0, 0);
        for happened in &self.happened {
            match happened {
                Happened::Change(change) => {
                    changes += 1;
                    line(&mut out, &Line::Change(change))?;
                }
                Happened::Note(note) => {
                    notes += 1;
                    line(&mut out, &Line::Note(note))?;
                }
            }
        }
        let end = End { changes, notes, sha256: digest(&out) };
        line(&mut out, &Line::End(&end))?;
        Ok(out)
    }
}
