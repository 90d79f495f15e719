//! How a cell stood at a past moment, by what is kept: changes of health, the desk's book, and when
//! an agent ran.
//!
//! Invariant: what is not kept is unknown, never well. Changes are kept once they are certain; what
//! was not yet confirmed at a moment is not told again.

mod compare;
pub mod days;
mod holds;
#[cfg(test)]
mod tests;

pub use compare::{Compared, Course, Sort, compare, is_not_recorded};
pub use holds::Holds;

use jiff::Timestamp;

use crate::model::cell::{Cause, Cell, StateChange};
use crate::model::check::Scope;
use crate::model::health::{Health, Reason};
use crate::model::ids::ServiceKey;
use crate::model::text::Clean;

/// The changes of one cell around a moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Around {
    /// The last at or before it.
    pub before: Option<StateChange>,
    /// The first after it.
    pub after: Option<StateChange>,
}

/// From when to when an agent ran without a gap, and so somebody looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attended {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
}

/// The stretch around `at` in which nobody looked; `stretches` newest first. `None` where somebody
/// did, or where `at` lies before all of them: then nothing is kept at all.
#[must_use]
pub fn gap(stretches: &[Attended], at: Timestamp) -> Option<Attended> {
    let next = stretches.iter().rev().find(|s| s.until >= at)?;
    if next.from <= at {
        return None;
    }
    let before = stretches.iter().find(|s| s.until < at)?;
    Some(Attended { from: before.until, until: next.from })
}

/// A cell of which nothing is known then, and why not.
#[must_use]
pub fn not_recorded(why: &str) -> Cell {
    Cell {
        health: Health::Unknown,
        reason: Some(Reason::NotRecorded),
        why: Clean::new(why),
        ..Cell::default()
    }
}

/// How a cell stood at `at`, without its handling. `present` is how it stands now; `around` was read
/// after that. Of a cell that followed from another, the cause is only known where it still stands:
/// [`settle_causes`] looks for the others.
#[must_use]
pub fn cell_at(around: &Around, present: &Cell, at: Timestamp) -> Cell {
    let Around { before, after } = around;
    let lasts = !present.soft && present.state_since.is_some_and(|since| since <= at);
    let unasked = present.reason == Some(Reason::NeverSeen) && present.since.is_none();
    match (before, after) {
        (Some(before), Some(_)) if before.to == Health::NotSubscribed => Cell::default(),
        (Some(before), Some(after)) if after.first => not_recorded(&format!(
            "not recorded: what was known of it was lost between {} and {}",
            before.at, after.at
        )),
        (Some(before), Some(after)) if before.to != after.from => {
            not_recorded("not recorded: a change between two others is missing")
        }
        (Some(before), Some(_)) => then(before),
        (None, Some(after)) if after.first => {
            not_recorded("not recorded: nobody had looked before that")
        }
        (None, Some(after)) if after.from == Health::NotSubscribed => {
            not_recorded("not recorded: the school did not take it until later")
        }
        (None, Some(after)) => Cell {
            health: after.from,
            reason: (after.from == Health::Unknown).then_some(Reason::NotRecorded),
            why: why_unkept(after.from),
            ..Cell::default()
        },
        (before, None) if present.health == Health::NotSubscribed => match before {
            Some(before) if before.to != Health::NotSubscribed => {
                not_recorded("not recorded: it was taken once, and is not any more")
            }
            _ => present.clone(),
        },
        (_, None) if lasts && !unasked => lasting(present),
        (Some(before), None) if present.soft || before.to == present.health => then(before),
        (Some(_), None) => not_recorded("not recorded: a later change is missing"),
        (None, None) => not_recorded("not recorded: no change of it is kept"),
    }
}

/// The present cell, as far as it stood so then.
fn lasting(present: &Cell) -> Cell {
    Cell { soft: false, flapping: false, quiet: false, handling: None, ..present.clone() }
}

/// A state whose change to it is not kept.
fn why_unkept(health: Health) -> Clean {
    Clean::new(match health {
        Health::Ok | Health::NotSubscribed => "",
        _ => "its sentence is not kept: it began before what is recorded",
    })
}

/// The cell that a change made.
fn then(change: &StateChange) -> Cell {
    let reason = change.reason.unwrap_or(Reason::NotRecorded);
    Cell {
        health: change.to,
        reason: (change.to == Health::Unknown).then_some(reason),
        why: change.why.clone(),
        since: Some(change.at),
        state_since: Some(change.at),
        follows_from: (change.follows && change.to.is_trouble())
            .then(|| Cause { service: change.service.clone(), scope: Scope::School }),
        ..Cell::default()
    }
}

/// Finds what the cells of a row followed from: history keeps that one did, and names the cause in
/// its sentence only. `columns`: each service with its label. A cause that cannot be found stays the
/// cell's own service.
pub fn settle_causes(cells: &mut [Cell], estate: &[Cell], columns: &[(ServiceKey, Clean)]) {
    let bad = |cell: Option<&Cell>| {
        cell.is_some_and(|c| c.health.is_trouble() && c.follows_from.is_none())
    };
    let causes: Vec<Option<Cause>> = cells
        .iter()
        .zip(columns)
        .enumerate()
        .map(|(n, (cell, (own, _)))| {
            cell.follows_from.as_ref().filter(|c| c.service == *own && c.scope == Scope::School)?;
            if bad(estate.get(n)) {
                return Some(Cause { service: own.clone(), scope: Scope::Estate });
            }
            let (at, (service, _)) = columns.iter().enumerate().find(|(at, (_, label))| {
                *at != n && !label.is_empty() && cell.why.as_str().contains(label.as_str())
            })?;
            let here = cells.get(at).is_some_and(|c| c.health.is_trouble());
            let scope = if here { Scope::School } else { Scope::Estate };
            Some(Cause { service: service.clone(), scope })
        })
        .collect();
    for (cell, cause) in cells.iter_mut().zip(causes) {
        if cause.is_some() {
            cell.follows_from = cause;
        }
    }
}
