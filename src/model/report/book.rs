//! What the desk's book says of one cell: when work was planned, and who had it first.

use jiff::Timestamp;

use crate::model::cell::{Handling, HandlingKind};
use crate::model::desk::{DeskEntry, DeskKind};
use crate::model::past::Holds;
use crate::model::report::Stretch;

fn take(holds: &mut Holds, entry: &DeskEntry) {
    let handling = || {
        let kind = entry.kind.handling()?;
        Some(Handling { kind, by: entry.by.clone(), until: entry.until })
    };
    holds.take(entry.kind, entry.at, entry.from, &entry.again, handling);
}

/// The stretches within a period in which work was planned on a cell; `entries` are those of the cell,
/// the oldest first.
#[must_use]
pub fn planned(entries: &[&DeskEntry], (from, until): Stretch) -> Vec<Stretch> {
    if !entries.iter().any(|entry| entry.kind == DeskKind::Downtime) {
        return Vec::new();
    }
    let once = entries.iter().flat_map(|e| [Some(e.at), e.from, e.until]).flatten();
    let again = entries.iter().flat_map(|e| &e.again).flat_map(|(from, until)| [*from, *until]);
    let times = once.chain(again);
    let mut edges: Vec<Timestamp> = times.filter(|at| (from..until).contains(at)).collect();
    edges.extend([from, until]);
    edges.sort_unstable();
    edges.dedup();
    let (mut holds, mut left) = (Holds::default(), entries.iter().peekable());
    let mut out: Vec<Stretch> = Vec::new();
    for pair in edges.windows(2) {
        let [begins, ends] = pair else { continue };
        while let Some(entry) = left.next_if(|entry| entry.at <= *begins) {
            take(&mut holds, entry);
        }
        let has = holds.clone().at(*begins);
        if has.is_none_or(|(_, handling)| handling.kind != HandlingKind::Downtime) {
            continue;
        }
        match out.last_mut() {
            Some(last) if last.1 == *begins => last.1 = *ends,
            _ => out.push((*begins, *ends)),
        }
    }
    out
}

/// When somebody first had a cell (claimed or acknowledged), from one moment up to another; `entries`
/// as for [`planned`]. The first moment where somebody already had it then.
#[must_use]
pub fn had(entries: &[&DeskEntry], (from, until): Stretch) -> Option<Timestamp> {
    let is_hold = |kind| kind != HandlingKind::Downtime;
    // What began there is a change, which ended what was acknowledged as it was before.
    let lasts = |since, kind: HandlingKind| since == from || !kind.ends_with_change();
    let mut holds = Holds::default();
    entries.iter().take_while(|entry| entry.at <= from).for_each(|entry| take(&mut holds, entry));
    if holds.at(from).is_some_and(|(since, had)| is_hold(had.kind) && lasts(since, had.kind)) {
        return Some(from);
    }
    let later = entries.iter().filter(|entry| entry.at > from && entry.at <= until);
    later.filter(|e| e.kind.handling().is_some_and(is_hold)).map(|entry| entry.at).next()
}
