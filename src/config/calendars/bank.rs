//! Bank holidays as gov.uk gives them out (<https://www.gov.uk/bank-holidays.json>, read
//! 2026-11): an object by division, each with `events` of `title` and `date`.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;

use crate::config::calendars::lines::Wrong;
use crate::model::calendar::Days;

#[derive(Deserialize)]
struct Division {
    events: Vec<Holiday>,
}

#[derive(Deserialize)]
struct Holiday {
    date: Date,
}

/// The bank holidays of `division`.
///
/// # Errors
/// When it is another document, or does not hold the division.
pub(super) fn holidays(text: &str, division: &str) -> Result<Vec<Days>, Wrong> {
    let all: BTreeMap<String, Division> = serde_json::from_str(text).map_err(|e| {
        Wrong::new(
            e.line(),
            "",
            "this is not the list of bank holidays that gov.uk gives out",
            "fetch https://www.gov.uk/bank-holidays.json, or name an .ics file",
        )
    })?;
    let Some(found) = all.get(division) else {
        let known: Vec<&str> = all.keys().map(String::as_str).collect();
        return Err(Wrong::new(
            1,
            division,
            format!("the file has no such division; it has: {}", known.join(", ")),
            "mend bank_holidays_division",
        ));
    };
    let day = |h: &Holiday| Days { from: h.date, to: h.date };
    Ok(found.events.iter().map(day).collect())
}
