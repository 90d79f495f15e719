//! The DfE register, "Get Information about Schools", as it is downloaded
//! (`edubasealldataYYYYMMDD.csv`): columns in any order, most of them ignored.
//!
//! A school that becomes an academy gets a new URN and usually keeps its LAESTAB: the closed row
//! and the open one then share it.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;

use crate::config::schools::table::{Column, Row, Table};
use crate::config::schools::{Closed, Finding, Found, Known, Severity, TableError};
use crate::model::ids::Laestab;
use crate::model::nearest::nearest;
use crate::model::school::School;

const LA: &str = "LA (code)";
const NUMBER: &str = "EstablishmentNumber";
const NAME: &str = "EstablishmentName";
const STATUS: &str = "EstablishmentStatus (name)";

/// The register's own words, in lower case.
const STATUSES: [&str; 4] = ["open", "open, but proposed to close", "closed", "proposed to open"];

struct Columns {
    la: Column,
    number: Column,
    name: Column,
    status: Column,
    urn: Option<Column>,
    phase: Option<Column>,
    town: Option<Column>,
    postcode: Option<Column>,
    district: Option<Column>,
    trust: Option<Column>,
    pupils: Option<Column>,
    telephone: Option<Column>,
    website: Option<Column>,
    opened: Option<Column>,
}

impl Columns {
    fn of(table: &Table<'_>) -> Result<Self, TableError> {
        Ok(Self {
            la: table.needed(LA)?,
            number: table.needed(NUMBER)?,
            name: table.needed(NAME)?,
            status: table.needed(STATUS)?,
            urn: table.column("URN"),
            phase: table.column("PhaseOfEducation (name)"),
            town: table.column("Town"),
            postcode: table.column("Postcode"),
            district: table.column("DistrictAdministrative (name)"),
            trust: table.column("Trusts (name)"),
            pupils: table.column("NumberOfPupils"),
            telephone: table.column("TelephoneNum"),
            website: table.column("SchoolWebsite"),
            opened: table.column("OpenDate"),
        })
    }

    fn school(&self, row: &Row, laestab: Laestab, closing: bool) -> School {
        School {
            laestab,
            urn: self.urn(row),
            name: row.clean(Some(self.name)),
            phase: row.clean(self.phase),
            town: row.clean(self.town),
            postcode: row.clean(self.postcode),
            district: row.clean(self.district),
            trust: row.clean(self.trust),
            pupils: row.text(self.pupils).parse().ok(),
            telephone: row.clean(self.telephone),
            website: row.clean(self.website),
            opened: date(row.text(self.opened)),
            closing,
        }
    }

    fn urn(&self, row: &Row) -> Option<u32> {
        row.text(self.urn).parse().ok()
    }
}

/// An open row that may yet lose its LAESTAB to a newer one.
struct Open {
    school: School,
    line: u64,
}

/// Reads the open schools of our local authorities.
///
/// # Errors
/// When it is no register: a needed column is missing.
pub fn read(file: &Path, bytes: &[u8], known: &Known) -> Result<Found, TableError> {
    let table = Table::open(file, bytes)?;
    let columns = Columns::of(&table)?;
    let mut findings = Vec::new();
    let mut open: BTreeMap<Laestab, Open> = BTreeMap::new();
    let mut closed: BTreeMap<Laestab, (u64, Option<u32>, Closed)> = BTreeMap::new();
    table.rows(&mut findings, |row, findings| {
        let told = |severity, column: &str, text| table.finding(severity, row.line, column, text);
        let Some(la) = la_of(row.text(Some(columns.la)), known) else { return };
        let status = match status_of(row.text(Some(columns.status))) {
            Ok(status) => status,
            Err(text) => return findings.push(told(Severity::Error, STATUS, text)),
        };
        let laestab = laestab_of(la, row.text(Some(columns.number)));
        match (status, laestab) {
            (Status::NotYet, _) | (Status::Closed, None) => {}
            (Status::Closed, Some(laestab)) => {
                let kept = Closed {
                    name: row.clean(Some(columns.name)).as_str().to_owned(),
                    postcode: row.text(columns.postcode).to_owned(),
                };
                closed.insert(laestab, (row.line, columns.urn(row), kept));
            }
            (Status::Open | Status::Closing, None) => {
                let text = format!(
                    "{} has no establishment number that could be a LAESTAB (4 digits); list it in \
                     a table of your own if it is ours",
                    row.clean(Some(columns.name))
                );
                findings.push(told(Severity::Error, NUMBER, text));
            }
            (Status::Open | Status::Closing, Some(laestab)) => {
                let school = columns.school(row, laestab, status == Status::Closing);
                if school.name.is_empty() {
                    let text = format!("{laestab} has no name; mend the row");
                    return findings.push(told(Severity::Error, NAME, text));
                }
                let new = Open { school, line: row.line };
                if let Some(old) = open.remove(&laestab) {
                    let (kept, text) = newer(old, new);
                    findings.push(told(Severity::Warning, NUMBER, text));
                    open.insert(laestab, kept);
                } else {
                    open.insert(laestab, new);
                }
            }
        }
    });
    findings.extend(conversions(&table, &open, &closed));
    findings.sort_by_key(|f| f.line);
    closed.retain(|laestab, _| !open.contains_key(laestab));
    Ok(Found {
        schools: open.into_iter().map(|(laestab, o)| (laestab, o.school)).collect(),
        closed: closed.into_iter().map(|(laestab, (_, _, c))| (laestab, c)).collect(),
        findings,
    })
}

/// One line for each school of which a closed row shares the LAESTAB of the open one.
fn conversions(
    table: &Table<'_>,
    open: &BTreeMap<Laestab, Open>,
    closed: &BTreeMap<Laestab, (u64, Option<u32>, Closed)>,
) -> Vec<Finding> {
    let urn = |urn: Option<u32>| urn.map_or_else(|| "no URN".into(), |u| format!("URN {u}"));
    open.iter()
        .filter_map(|(laestab, new)| {
            let (line, old, _) = closed.get(laestab)?;
            let text = format!(
                "{} {laestab} was converted: {} closed (line {line}), {} is open under the same \
                 LAESTAB",
                new.school.name,
                urn(*old),
                urn(new.school.urn),
            );
            Some(table.finding(Severity::Note, new.line, "", text))
        })
        .collect()
}

/// Which of two open rows of one LAESTAB counts: the one that opened last, else the higher URN.
fn newer(old: Open, new: Open) -> (Open, String) {
    let age = |o: &Open| (o.school.opened, o.school.urn);
    let (laestab, line) = (old.school.laestab, old.line);
    let kept = if age(&new) > age(&old) { new } else { old };
    let urn = kept.school.urn.map_or_else(String::new, |u| format!(" (URN {u})"));
    let text = format!(
        "{laestab} is open twice, here and on line {line}; the row on line {}{urn} was kept, the \
         other not used",
        kept.line
    );
    (kept, text)
}

/// The code, if it is one of ours.
fn la_of(text: &str, known: &Known) -> Option<u16> {
    text.parse().ok().filter(|la| known.la_codes.contains(la))
}

/// The register writes some numbers without leading zeros.
fn laestab_of(la: u16, number: &str) -> Option<Laestab> {
    let digits = (1..=4).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    Laestab::from_parts(la, number.parse().ok().filter(|_| digits)?)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Open,
    Closing,
    Closed,
    NotYet,
}

fn status_of(text: &str) -> Result<Status, String> {
    let words: Vec<String> =
        text.split([' ', ',', '\u{a0}']).filter(|w| !w.is_empty()).map(str::to_lowercase).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["open"] => Ok(Status::Open),
        ["open", "but", "proposed", "to", "close"] => Ok(Status::Closing),
        ["closed"] => Ok(Status::Closed),
        ["proposed", "to", "open"] => Ok(Status::NotYet),
        _ => {
            let hint = nearest(text, STATUSES).map(|n| format!("; did you mean {n:?}?"));
            let text: String = text.chars().take(60).collect();
            Err(format!("{text:?} is not a status of the register{}", hint.unwrap_or_default()))
        }
    }
}

/// The register writes `dd-mm-yyyy`; other tools that passed it on, `dd/mm/yyyy` or `yyyy-mm-dd`.
fn date(text: &str) -> Option<Date> {
    text.parse().ok().or_else(|| {
        ["%d-%m-%Y", "%d/%m/%Y"].iter().find_map(|format| Date::strptime(format, text).ok())
    })
}
