//! `caretaker status --csv`: one row for each school and service.

use crate::wire::ServiceKey;
use crate::wire::status::Status;

/// A cell that a spreadsheet would run as a formula gets an apostrophe in front.
pub(super) fn inert(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() }
}

/// The rows, header first. The estate's rows have an empty LAESTAB.
///
/// # Errors
/// Only when memory ends.
pub fn status_csv(status: &Status, service: Option<&ServiceKey>) -> Result<String, csv::Error> {
    let asked = |key: &ServiceKey| service.is_none_or(|s| s == key);
    let time = |t: Option<jiff::Timestamp>| t.map(|t| t.to_string()).unwrap_or_default();
    let mut to = csv::Writer::from_writer(Vec::new());
    to.write_record([
        "laestab",
        "name",
        "service",
        "health",
        "reason",
        "soft",
        "since",
        "state_since",
        "follows_from",
        "handling",
        "why",
    ])?;
    for e in status.estate.iter().filter(|e| asked(&e.service)) {
        let reason = e.reason.map_or("", |r| r.word());
        let soft = e.soft.to_string();
        to.write_record([
            "",
            "whole estate",
            e.service.as_str(),
            e.health.word(),
            reason,
            &soft,
            &time(e.since),
            "",
            "",
            "",
            &inert(e.why.as_str()),
        ])?;
    }
    for school in &status.schools {
        for (key, c) in school.cells.iter().filter(|(key, _)| asked(key)) {
            let follows = c.follows_from.as_ref().map_or("", |f| f.service.as_str());
            let handling =
                c.handling.as_ref().map(|h| format!("{:?} {}", h.kind, h.by).to_lowercase());
            to.write_record([
                school.laestab.to_string().as_str(),
                &inert(school.name.as_str()),
                key.as_str(),
                c.health.word(),
                c.reason.map_or("", |r| r.word()),
                &c.soft.to_string(),
                &time(c.since),
                &time(c.state_since),
                follows,
                &inert(&handling.unwrap_or_default()),
                &inert(c.why.as_str()),
            ])?;
        }
    }
    let bytes = to.into_inner().map_err(|e| csv::Error::from(e.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
