//! The subscriptions table: which school takes which services, and how each vendor knows it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::config::schools::list::laestab_of;
use crate::config::schools::table::{Row, Table};
use crate::config::schools::{Closed, Finding, Known, Severity, TableError};
use crate::model::ids::{Laestab, ServiceKey};
use crate::model::nearest::nearest;
use crate::model::school::{Parameters, School, Subscription};
use crate::model::text::{Clean, MAX_CHARS};

/// The columns that belong to no service, in the order in which the table is written.
pub const COLUMNS: [&str; 5] = ["laestab", "services", "calendar", "contact", "note"];

/// What was read of the table.
pub struct Rows {
    /// By school.
    pub subscriptions: BTreeMap<Laestab, Subscription>,
    /// What was noticed.
    pub findings: Vec<Finding>,
}

/// Reads the table. Rows of schools that are not in `schools` are told and not used.
///
/// # Errors
/// When a needed column is missing or a column is unknown.
pub fn read(
    file: &Path,
    bytes: &[u8],
    known: &Known,
    schools: &BTreeMap<Laestab, School>,
    closed: &BTreeMap<Laestab, Closed>,
) -> Result<Rows, TableError> {
    let table = Table::open(file, bytes)?;
    table.needed("laestab")?;
    table.needed("services")?;
    let parameters = known.parameters.iter().map(String::as_str);
    table.refuse_unknown(COLUMNS.into_iter().chain(parameters))?;
    let names: Vec<Arc<str>> = known.parameters.iter().map(|name| name.as_str().into()).collect();
    let mut findings = Vec::new();
    let mut subscriptions = BTreeMap::new();
    let mut lines: BTreeMap<Laestab, u64> = BTreeMap::new();
    table.rows(&mut findings, |row, findings| {
        let told =
            |severity, (column, text): Why| table.finding(severity, row.line, &column, text);
        let laestab = laestab_of(row.text(table.column("laestab")), known)
            .and_then(|laestab| match lines.get(&laestab) {
                Some(line) => Err(format!(
                    "{laestab} stands on line {line} already; only that row counts, remove this one \
                     or put both into one"
                )),
                None => Ok(laestab),
            })
            .and_then(|laestab| match schools.contains_key(&laestab) {
                true => Ok(laestab),
                false => Err(gone(laestab, schools, closed)),
            });
        let laestab = match laestab {
            Ok(laestab) => laestab,
            Err(text) => return findings.push(told(Severity::Error, ("laestab".into(), text))),
        };
        match subscription(&table, row, known, &names) {
            Ok((subscription, doubts)) => {
                findings.extend(doubts.into_iter().map(|why| told(Severity::Warning, why)));
                lines.insert(laestab, row.line);
                subscriptions.insert(laestab, subscription);
            }
            Err(why) => findings.push(told(Severity::Error, why)),
        }
    });
    Ok(Rows { subscriptions, findings })
}

/// A column and what is so.
type Why = (String, String);

fn subscription(
    table: &Table<'_>,
    row: &Row,
    known: &Known,
    names: &[Arc<str>],
) -> Result<(Subscription, Vec<Why>), Why> {
    let mut doubts = Vec::new();
    let services = services(row.text(table.column("services")), known)
        .map_err(|text| ("services".to_owned(), text))?;
    if services.is_empty() {
        let text = "takes no service; write all, or keys such as groupcall;redstor";
        doubts.push(("services".into(), text.into()));
    }
    let mut parameters = Parameters::default();
    for name in names {
        let raw = row.text(table.column(name));
        if raw.is_empty() {
            continue;
        }
        let value = parameter(raw).map_err(|text| (name.to_string(), text.to_owned()))?;
        let service = name.split_once('.').map_or(&**name, |(service, _)| service);
        if !services.iter().any(|s| s.as_str() == service) {
            let text = format!("is set, but the row does not take {service}: it is not watched");
            doubts.push((name.to_string(), text));
        }
        parameters.insert(Arc::clone(name), value);
    }
    let subscription = Subscription {
        calendar: calendar(row.text(table.column("calendar")), known, &mut doubts),
        contact: row.clean(table.column("contact")),
        note: row.clean(table.column("note")),
        services: services.into(),
        parameters,
    };
    Ok((subscription, doubts))
}

fn services(text: &str, known: &Known) -> Result<BTreeSet<ServiceKey>, String> {
    let words = || text.split(|c: char| c == ';' || c.is_whitespace()).filter(|w| !w.is_empty());
    if words().count() == 1 && words().all(|word| word.eq_ignore_ascii_case("all")) {
        return Ok(known.services.clone());
    }
    words()
        .map(|word| {
            let lower = word.to_lowercase();
            known.services.iter().find(|key| key.as_str() == lower).cloned().ok_or_else(|| {
                let keys = known.services.iter().map(ServiceKey::as_str);
                let hint = match nearest(word, keys.clone()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("known are {}", keys.collect::<Vec<_>>().join(", ")),
                };
                format!(
                    "unknown service {}; {hint} (separate keys by ;, or write all alone)",
                    Clean::new(word)
                )
            })
        })
        .collect()
}

/// The calendar's name; the default one, told, if there is none of that name.
fn calendar(text: &str, known: &Known, doubts: &mut Vec<Why>) -> String {
    if text.is_empty() || text == "default" || known.calendars.contains(text) {
        return if text == "default" { String::new() } else { text.to_owned() };
    }
    let hint = nearest(text, known.calendars.iter().map(String::as_str))
        .map_or_else(|| "add it to the config".to_owned(), |near| format!("did you mean {near}?"));
    let text = format!("no calendar is named {}, the default is used; {hint}", Clean::new(text));
    doubts.push(("calendar".into(), text));
    String::new()
}

/// Names that a vendor must know exactly: what cleaning would change is refused, not changed.
fn parameter(raw: &str) -> Result<String, &'static str> {
    if raw.chars().count() > MAX_CHARS {
        return Err("is longer than 400 characters; shorten it");
    }
    let clean = Clean::new(raw);
    let inside = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
    if inside(clean.as_str()) != inside(raw) {
        return Err("holds a line break or an invisible character; type it anew");
    }
    Ok(raw.to_owned())
}

/// Why a school is not there, and which may have taken its place: at the same postcode, or of the
/// same name.
fn gone(
    laestab: Laestab,
    schools: &BTreeMap<Laestab, School>,
    closed: &BTreeMap<Laestab, Closed>,
) -> String {
    let Some(old) = closed.get(&laestab) else {
        return format!("{laestab} is not among the schools; mend the number or remove the row");
    };
    let same = |a: &str, b: &str| {
        let plain = |text: &str| {
            text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        let (a, b): (String, String) = (plain(a), plain(b));
        !a.is_empty() && a == b
    };
    let successor = schools
        .values()
        .find(|s| same(s.postcode.as_str(), &old.postcode))
        .map(|s| (s, "at the same postcode"))
        .or_else(|| {
            let namesake = schools.values().find(|s| same(s.name.as_str(), &old.name));
            namesake.map(|s| (s, "of the same name"))
        });
    let hint = successor.map_or_else(
        || "no successor was found; remove the row".to_owned(),
        |(s, how)| {
            format!("perhaps now {} {} ({how}); if so, change the number", s.laestab, s.name)
        },
    );
    format!("{laestab} {} is closed; {hint}", old.name)
}
