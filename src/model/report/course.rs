//! How a cell stood through a period, and the sums of it.
//!
//! How it stood at a moment is the rule of [`crate::model::past::cell_at`]; between two changes that
//! does not change.

use jiff::Timestamp;

use crate::model::cell::{Cell, StateChange};
use crate::model::health::{Health, Reason};
use crate::model::past::{Around, cell_at, is_not_recorded};
use crate::model::report::{Days, NO_DATA_SINCE, Stretch, Sums};

/// How a cell stood from a moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stand {
    /// From when, until the next one.
    pub from: Timestamp,
    /// How.
    pub health: Health,
    /// Whether that is kept.
    pub is_recorded: bool,
    /// Whether it only followed from another cell.
    pub follows: bool,
    /// Whether the vendor's data was older than its limit, or our answer.
    pub is_old: bool,
}

impl Stand {
    fn of(cell: &Cell, from: Timestamp) -> Self {
        let says_so = cell.why.as_str().starts_with(NO_DATA_SINCE);
        Self {
            from,
            health: cell.health,
            is_recorded: !is_not_recorded(cell),
            follows: cell.follows_from.is_some(),
            is_old: cell.health.is_trouble() && (says_so || cell.reason == Some(Reason::Stale)),
        }
    }
}

/// How a cell stood from `from` up to `until`, by its changes: the last one at or before `from`, all in
/// between in their order, the first one after `until`. `present` is how it stands now and was read
/// before the changes.
#[must_use]
pub fn course(changes: &[StateChange], present: &Cell, (from, until): Stretch) -> Vec<Stand> {
    let mut out = Vec::with_capacity(changes.len() + 1);
    for n in 0..=changes.len() {
        let before = n.checked_sub(1).and_then(|n| changes.get(n));
        let after = changes.get(n);
        let begins = before.map_or(from, |c| c.at.max(from));
        let ends = after.map_or(until, |c| c.at.min(until));
        // The present reaches back as far as it lasts, where nothing came after.
        let lasts = present.state_since.filter(|at| after.is_none() && *at > begins && *at < ends);
        let around = Around { before: before.cloned(), after: after.cloned() };
        for at in [Some(begins).filter(|at| *at < ends), lasts].into_iter().flatten() {
            out.push(Stand::of(&cell_at(&around, present, at), at));
        }
    }
    out
}

/// What lies over the course of a cell. Each is sorted, and its stretches do not meet.
#[derive(Debug, Clone, Copy, Default)]
pub struct Layers<'a> {
    /// Nobody looked.
    pub unattended: &'a [Stretch],
    /// Work was planned on the cell.
    pub planned: &'a [Stretch],
    /// The whole estate's cell of the same service was critical.
    pub estate_down: &'a [Stretch],
    /// Work was planned on the whole estate's cell of the same service.
    pub estate_planned: &'a [Stretch],
}

fn holds(stretches: &[Stretch], at: Timestamp) -> bool {
    let after = stretches.partition_point(|(from, _)| *from <= at);
    after.checked_sub(1).and_then(|n| stretches.get(n)).is_some_and(|(_, until)| at < *until)
}

/// The part of the sums that `stand` belongs to at a moment, and whether it counts as old.
fn part<'s>(
    sums: &'s mut Sums,
    stand: &Stand,
    at: Timestamp,
    layers: &Layers<'_>,
) -> (&'s mut u64, Option<&'s mut u64>) {
    let Sums {
        ok,
        warning,
        followed,
        critical,
        unknown,
        planned,
        not_recorded,
        not_taken,
        old,
        stale,
    } = sums;
    let (old, stale) = (Some(old).filter(|_| stand.is_old), Some(stale).filter(|_| stand.is_old));
    if stand.health == Health::NotSubscribed {
        return (not_taken, None);
    }
    if !stand.is_recorded || holds(layers.unattended, at) {
        return (not_recorded, None);
    }
    if holds(layers.planned, at) || (stand.follows && holds(layers.estate_planned, at)) {
        return (planned, None);
    }
    let is_down = stand.follows && holds(layers.estate_down, at);
    match stand.health {
        Health::NotSubscribed => (not_taken, None),
        Health::Ok => (ok, old),
        Health::Warning | Health::Unknown if is_down => (critical, old),
        Health::Warning if stand.follows => (followed, old),
        Health::Warning => (warning, old),
        Health::Unknown => (unknown, stale),
        Health::Critical => (critical, old),
    }
}

fn whole(at: Timestamp) -> i64 {
    at.as_second()
}

/// Adds a course to the sums of its days, in whole seconds. Time of which the course tells nothing is
/// not recorded.
pub fn sum_up(course: &[Stand], layers: &Layers<'_>, days: &Days, sums: &mut [Sums]) {
    let (Some(first), Some(last)) = (days.edges.first(), days.edges.last()) else { return };
    let stretches = [layers.unattended, layers.planned, layers.estate_down, layers.estate_planned];
    let ends = stretches.into_iter().flatten().flat_map(|(from, until)| [*from, *until]);
    let edges = days.edges.iter().copied().chain(course.iter().map(|s| s.from)).chain(ends);
    let inside = edges.map(whole).filter(|at| (whole(*first)..=whole(*last)).contains(at));
    let mut edges: Vec<i64> = inside.collect();
    edges.sort_unstable();
    edges.dedup();
    let nothing = Stand {
        from: *first,
        health: Health::Unknown,
        is_recorded: false,
        follows: false,
        is_old: false,
    };
    for pair in edges.windows(2) {
        let [begins, ends] = pair else { continue };
        // Edges were rounded down: the last millisecond of the second tells what begins in it.
        let Ok(at) = Timestamp::from_millisecond(begins * 1_000 + 999) else { continue };
        let day = days.edges.partition_point(|edge| whole(*edge) <= *begins).saturating_sub(1);
        let stand = course.partition_point(|s| s.from <= at).checked_sub(1);
        let stand = stand.and_then(|n| course.get(n)).unwrap_or(&nothing);
        let Some(sums) = sums.get_mut(day) else { continue };
        let span = u64::try_from(ends - begins).unwrap_or(0);
        let (sum, old) = part(sums, stand, at, layers);
        *sum += span;
        if let Some(old) = old {
            *old += span;
        }
    }
}

/// The stretches of a course in which the cell was critical.
#[must_use]
pub fn down(course: &[Stand], until: Timestamp) -> Vec<Stretch> {
    let ends = course.iter().skip(1).map(|s| s.from).chain([until]);
    let mut out: Vec<Stretch> = Vec::new();
    for (stand, end) in course.iter().zip(ends) {
        if stand.health != Health::Critical {
            continue;
        }
        match out.last_mut() {
            Some(last) if last.1 == stand.from => last.1 = end,
            _ => out.push((stand.from, end)),
        }
    }
    out
}
