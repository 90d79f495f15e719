//! Our own list of schools: `laestab,name` and, where known, more.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;

use crate::config::schools::table::{Column, Row, Table};
use crate::config::schools::{Found, Known, Severity, TableError};
use crate::model::ids::Laestab;
use crate::model::school::School;

/// Every column, in the order in which the list is written.
pub const COLUMNS: [&str; 13] = [
    "laestab",
    "name",
    "urn",
    "phase",
    "town",
    "postcode",
    "district",
    "trust",
    "pupils",
    "telephone",
    "website",
    "opened",
    "closing",
];

/// Reads a list.
///
/// # Errors
/// When a needed column is missing or a column is unknown.
pub fn read(file: &Path, bytes: &[u8], known: &Known) -> Result<Found, TableError> {
    let table = Table::open(file, bytes)?;
    table.needed("laestab")?;
    table.needed("name")?;
    table.refuse_unknown(COLUMNS.into_iter())?;
    let mut findings = Vec::new();
    let mut schools: BTreeMap<Laestab, School> = BTreeMap::new();
    let mut lines: BTreeMap<Laestab, u64> = BTreeMap::new();
    table.rows(&mut findings, |row, findings| {
        let told =
            |(column, text): (&str, String)| table.finding(Severity::Error, row.line, column, text);
        match school_of(&|name| table.column(name), row, known) {
            Err(why) => findings.push(told(why)),
            Ok(school) => match lines.get(&school.laestab) {
                Some(line) => {
                    let text = format!(
                        "{} stands on line {line} already; that row was kept, this one not used",
                        school.laestab
                    );
                    findings.push(told(("laestab", text)));
                }
                None => {
                    lines.insert(school.laestab, row.line);
                    schools.insert(school.laestab, school);
                }
            },
        }
    });
    Ok(Found { schools, closed: BTreeMap::new(), findings })
}

/// A LAESTAB of one of our local authorities.
///
/// # Errors
/// What is wrong with it, and the remedy.
pub fn laestab_of(text: &str, known: &Known) -> Result<Laestab, String> {
    let laestab: Laestab = text.parse().map_err(|e| format!("{e}; mend the number"))?;
    if known.la_codes.contains(&laestab.la()) {
        return Ok(laestab);
    }
    let ours: Vec<String> = known.la_codes.iter().map(ToString::to_string).collect();
    Err(format!(
        "{laestab} is of local authority {}, not of {}; mend it or add the code to la_codes",
        laestab.la(),
        ours.join(", ")
    ))
}

type Why = (&'static str, String);

fn school_of(
    column: &dyn Fn(&str) -> Option<Column>,
    row: &Row,
    known: &Known,
) -> Result<School, Why> {
    let text = |name: &str| row.text(column(name));
    let clean = |name: &str| row.clean(column(name));
    let number = |name: &'static str| match text(name) {
        "" => Ok(None),
        digits => digits.parse().map(Some).map_err(|_| {
            let digits: String = digits.chars().take(40).collect();
            (name, format!("{digits:?} is not a whole number; mend it or leave it empty"))
        }),
    };
    let laestab = laestab_of(text("laestab"), known).map_err(|why| ("laestab", why))?;
    let name = clean("name");
    if name.is_empty() {
        return Err(("name", format!("{laestab} has no name; write one")));
    }
    Ok(School {
        laestab,
        urn: number("urn")?,
        name,
        phase: clean("phase"),
        town: clean("town"),
        postcode: clean("postcode"),
        district: clean("district"),
        trust: clean("trust"),
        pupils: number("pupils")?,
        telephone: clean("telephone"),
        website: clean("website"),
        opened: match text("opened") {
            "" => None,
            day => Some(day.parse::<Date>().map_err(|_| {
                let day: String = day.chars().take(40).collect();
                ("opened", format!("{day:?} is not a date; write it as 2026-09-01"))
            })?),
        },
        closing: match text("closing").to_lowercase().as_str() {
            "" | "no" => false,
            "yes" => true,
            _ => return Err(("closing", "write yes or no, or leave it empty".into())),
        },
    })
}
