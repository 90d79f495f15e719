//! `caretaker status` for people: one line a school, one more for each trouble.

use std::fmt::Write;

use crate::cli::past_text;
use crate::wire::board::letter;
use crate::wire::status::{CellStatus, Status};
use crate::wire::{Scope, ServiceKey, Span};

/// The letter of a cell, as on the board.
fn drawn(cell: &CellStatus, own: &ServiceKey) -> &'static str {
    match &cell.follows_from {
        Some(cause) if cause.scope == Scope::Estate && cause.service == *own => "\"",
        Some(_) => "^",
        None => letter(cell.health, cell.handling.is_some()),
    }
}

fn age(status: &Status, since: Option<jiff::Timestamp>) -> String {
    let seconds = since.map_or(0, |s| status.as_of.as_second().saturating_sub(s.as_second()));
    u64::try_from(seconds).map_or(String::new(), |s| Span::from_secs(s).short())
}

/// The whole text. Ages are reckoned from the agent's clock.
#[must_use]
pub fn status_text(status: &Status, service: Option<&ServiceKey>) -> String {
    let mut out = status.past.as_ref().map(past_text).unwrap_or_default();
    let s = &status.schools_summary;
    let settled = if status.settled { "" } else { "   (not every check has been tried yet)" };
    let written = writeln!(
        out,
        "{} schools: critical {}, unknown {}, warning {}, ok {}, nothing taken {}{settled}",
        s.ok + s.warning + s.critical + s.unknown + s.not_subscribed,
        s.critical,
        s.unknown,
        s.warning,
        s.ok,
        s.not_subscribed
    );
    debug_assert!(written.is_ok(), "writing to a String does not fail");
    let asked = |key: &ServiceKey| service.is_none_or(|s| s == key);
    for e in status.estate.iter().filter(|e| asked(&e.service) && e.health.is_trouble()) {
        let soft = if e.soft { " (not yet confirmed)" } else { "" };
        line(
            &mut out,
            &format!(
                "whole estate   {} {} {}{soft}: {}",
                e.service,
                e.health.word(),
                age(status, e.since),
                e.why
            ),
        );
    }
    for school in &status.schools {
        let cells: Vec<String> = school
            .cells
            .iter()
            .filter(|(key, _)| asked(key))
            .map(|(key, cell)| format!("{key} {}", drawn(cell, key)))
            .collect();
        line(&mut out, &format!("{}  {}   {}", school.laestab, school.name, cells.join("  ")));
        for (key, cell) in school.cells.iter().filter(|(k, c)| asked(k) && c.health.is_trouble()) {
            let soft = if cell.soft { " (not yet confirmed)" } else { "" };
            line(
                &mut out,
                &format!(
                    "         {key} {} {}{soft}: {}",
                    cell.health.word(),
                    age(status, cell.since),
                    cell.why
                ),
            );
        }
    }
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}
