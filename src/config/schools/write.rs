//! Writes both tables as they are read: comma separated, UTF-8, `\n` at the ends of lines.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::schools::{list, subscriptions};
use crate::model::ids::Laestab;
use crate::model::school::{School, Subscription};

/// Our own list of `schools`.
#[must_use]
pub fn write_schools_csv(schools: &[School]) -> String {
    let mut out = line(list::COLUMNS.iter().map(ToString::to_string));
    let number = |n: Option<u32>| n.map_or_else(String::new, |n| n.to_string());
    for s in schools {
        out.push_str(&line(
            [
                s.laestab.to_string(),
                s.name.to_string(),
                number(s.urn),
                s.phase.to_string(),
                s.town.to_string(),
                s.postcode.to_string(),
                s.district.to_string(),
                s.trust.to_string(),
                number(s.pupils),
                s.telephone.to_string(),
                s.website.to_string(),
                s.opened.map_or_else(String::new, |day| day.to_string()),
                if s.closing { "yes".into() } else { String::new() },
            ]
            .into_iter(),
        ));
    }
    out
}

/// The subscriptions table, with a column for every parameter that any row has.
#[must_use]
pub fn write_subscriptions_csv(rows: &BTreeMap<Laestab, Subscription>) -> String {
    let parameters: BTreeSet<&str> = rows.values().flat_map(|s| s.parameters.keys()).collect();
    let header = subscriptions::COLUMNS.iter().map(ToString::to_string);
    let mut out = line(header.chain(parameters.iter().map(ToString::to_string)));
    for (laestab, row) in rows {
        let services: Vec<&str> = row.services.iter().map(|key| key.as_str()).collect();
        let common = [
            laestab.to_string(),
            services.join(";"),
            row.calendar.clone(),
            row.contact.to_string(),
            row.note.to_string(),
        ];
        let values = parameters.iter().map(|name| row.parameters.get(name).map(str::to_owned));
        out.push_str(&line(common.into_iter().chain(values.map(Option::unwrap_or_default))));
    }
    out
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let mut out = cells.map(quoted).collect::<Vec<_>>().join(",");
    out.push('\n');
    out
}

fn quoted(cell: String) -> String {
    if cell.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}
