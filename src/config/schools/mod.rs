//! Schools and what they take, read from the DfE register or our own list and the subscriptions
//! table. What cannot be used is told with its line, and the rest is loaded.
//!
//! Never reads a person's name: the register's columns about head teachers are not looked at.

mod list;
mod memory;
mod register;
mod subscriptions;
mod table;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::model::ids::{Laestab, ServiceKey};
use crate::model::school::{School, Subscription};

pub use write::{write_schools_csv, write_subscriptions_csv};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// The row was used, but something about it is doubtful.
    Warning,
    /// The row was not used.
    Error,
}

impl Severity {
    /// The word, for messages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Something about one row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The table.
    pub file: PathBuf,
    /// The line on which the row begins, from 1.
    pub line: u64,
    /// The column that is meant, if one is.
    pub column: Option<String>,
    /// What is so, and what to do about it. Clean text.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: ", self.file.display(), self.line, self.severity.word())?;
        if let Some(column) = &self.column {
            write!(f, "column {column}: ")?;
        }
        f.write_str(&self.text)
    }
}

/// A table that cannot be used at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {text}", .file.display())]
pub struct TableError {
    /// The table.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u64,
    /// Why, and what to do about it. Clean text.
    pub text: String,
}

/// Where the schools stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchoolFile<'a> {
    /// The DfE register, with GIAS' column names.
    Register(&'a Path),
    /// Our own list.
    List(&'a Path),
}

/// What the tables may refer to.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Codes of the local authorities whose schools are ours.
    pub la_codes: BTreeSet<u16>,
    /// The services that a school can take.
    pub services: BTreeSet<ServiceKey>,
    /// Columns of the services in the subscriptions table, `service.parameter`.
    pub parameters: BTreeSet<String>,
    /// Names of the term calendars; the default one, "", need not be among them.
    pub calendars: BTreeSet<String>,
}

/// What was read, and what was wrong with it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Import {
    /// Open schools.
    pub schools: BTreeMap<Laestab, School>,
    /// What they take; only of schools that are in `schools`.
    pub subscriptions: BTreeMap<Laestab, Subscription>,
    /// What was noticed, in the order of the files.
    pub findings: Vec<Finding>,
    /// Schools without a row in the subscriptions table, which take nothing.
    pub not_set_up: Vec<Laestab>,
}

/// `bytes` as each of the tables, for fuzzing.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn each_reading(bytes: &[u8], known: &Known, none: &BTreeMap<Laestab, School>) {
    let file = Path::new("t.csv");
    let read = [register::read(file, bytes, known), list::read(file, bytes, known)];
    for found in read.into_iter().flatten() {
        drop(subscriptions::read(file, bytes, known, &found.schools, &found.closed));
    }
    drop(subscriptions::read(file, bytes, known, none, &BTreeMap::new()));
}

/// Reads schools and subscriptions. Blocking; holds each file in memory once.
///
/// # Errors
/// When a file cannot be read, a needed column is missing, or a column of ours is unknown.
pub fn import(
    schools: SchoolFile<'_>,
    subscriptions: Option<&Path>,
    known: &Known,
) -> Result<Import, TableError> {
    let (read, bytes): (Reader, _) = match schools {
        SchoolFile::Register(path) => (register::read, table::bytes_of(path)?),
        SchoolFile::List(path) => (list::read, table::bytes_of(path)?),
    };
    let (SchoolFile::Register(path) | SchoolFile::List(path)) = schools;
    let found = read(path, &bytes, known)?;
    let mut import =
        Import { schools: found.schools, findings: found.findings, ..Import::default() };
    if let Some(path) = subscriptions {
        let bytes = table::bytes_of(path)?;
        let rows = subscriptions::read(path, &bytes, known, &import.schools, &found.closed)?;
        import.subscriptions = rows.subscriptions;
        import.findings.extend(rows.findings);
    }
    let set_up = &import.subscriptions;
    import.not_set_up =
        import.schools.keys().filter(|laestab| !set_up.contains_key(laestab)).copied().collect();
    Ok(import.compact())
}

type Reader = fn(&Path, &[u8], &Known) -> Result<Found, TableError>;

/// The schools of one file.
struct Found {
    schools: BTreeMap<Laestab, School>,
    /// Schools of ours that closed, for rows that still name them.
    closed: BTreeMap<Laestab, Closed>,
    findings: Vec<Finding>,
}

/// What is kept of a school that closed.
struct Closed {
    name: String,
    postcode: String,
}

#[cfg(test)]
mod tests;
