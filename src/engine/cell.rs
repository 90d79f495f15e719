//! From checks to a cell: the worst of its own, what it inherits, what it follows.

use jiff::Timestamp;

use crate::engine::judge::{Bench, Rule};
use crate::engine::state::{Judged, State};
use crate::engine::why;
use crate::model::cell::{Cause, Cell};
use crate::model::check::{Flow, Scope};
use crate::model::health::{Health, Reason};
use crate::model::ids::ServiceKey;
use crate::model::text::Clean;

/// Puts the worst of a cell's checks in front: health, then certain before soft, then the oldest.
pub(super) fn worst<'a>(judged: impl Iterator<Item = &'a Judged>) -> Option<Cell> {
    let (mut worst, mut quiet, mut flapping): (Option<&Judged>, bool, bool) = (None, true, false);
    for j in judged {
        quiet &= j.quiet;
        flapping |= j.flapping;
        if worst.is_none_or(|w| weight(j) > weight(w)) {
            worst = Some(j);
        }
    }
    worst.map(|w| Cell {
        health: w.health,
        reason: w.reason,
        why: w.why.clone(),
        since: w.since(),
        soft: w.soft,
        flapping,
        quiet: quiet && w.health == Health::Ok,
        ..Cell::default()
    })
}

fn weight(j: &Judged) -> (Health, bool, std::cmp::Reverse<Timestamp>) {
    (j.health, !j.soft, std::cmp::Reverse(j.since().unwrap_or(Timestamp::MAX)))
}

/// Something upstream that is in trouble.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trouble<'a> {
    pub(super) key: &'a ServiceKey,
    pub(super) label: &'a str,
    pub(super) scope: Scope,
    /// Of something that the school shares with others, not with all.
    pub(super) shared: bool,
    pub(super) flow: Flow,
    pub(super) soft: bool,
    pub(super) since: Option<Timestamp>,
}

/// A well cell becomes one that follows; one in trouble of its own stays, and names the cause.
pub(super) fn follow(cell: &mut Cell, causes: &[Trouble<'_>]) {
    let Some(first) = causes.iter().find(|c| !c.soft).or(causes.first()) else { return };
    let rest = causes.iter().filter(|c| c.key != first.key);
    match cell.health {
        Health::NotSubscribed => return,
        Health::Ok => {
            cell.health = Health::Warning;
            let reach = match (first.shared, first.scope) {
                (true, _) => " (shared)",
                (false, Scope::Estate) => " (whole estate)",
                (false, Scope::School) => "",
            };
            cell.why = why::of_cause(first.label, reach, first.flow);
            cell.since = causes.iter().filter_map(|c| c.since).min();
            cell.soft = first.soft;
            cell.quiet = false;
            cell.follows_from = Some(Cause { service: first.key.clone(), scope: first.scope });
        }
        Health::Warning | Health::Unknown | Health::Critical => {
            cell.why = why::besides(&cell.why, first.label, first.flow);
        }
    }
    if let Some(other) = rest.into_iter().next() {
        cell.why = why::besides(&cell.why, other.label, other.flow);
    }
}

/// A cell whose trouble is that of something which others share: as bad as it is, but one trouble.
pub(super) fn share(cell: &mut Cell, key: &ServiceKey) {
    cell.why = why::of_shared(&cell.why);
    cell.follows_from = Some(Cause { service: key.clone(), scope: Scope::Estate });
}

/// What the estate's cell of the same service does to a school's.
pub(super) fn inherit(cell: &mut Cell, estate: &Cell, key: &ServiceKey) {
    if !estate.health.is_trouble() {
        return;
    }
    let cause = Some(Cause { service: key.clone(), scope: Scope::Estate });
    match cell.health {
        Health::Ok => {
            let unknown = estate.health == Health::Unknown;
            cell.health = if unknown { Health::Unknown } else { Health::Warning };
            cell.reason = if unknown { estate.reason } else { None };
            cell.why = why::of_estate(&estate.why);
            cell.since = estate.since;
            cell.soft = estate.soft;
            cell.quiet = false;
            cell.follows_from = cause;
        }
        // Nobody answers for the school, and the whole estate is known to be down: one trouble.
        Health::Unknown if estate.health > Health::Warning && is_silence(cell) => {
            cell.why = why::silent_with_estate(&cell.why, &estate.why);
            cell.follows_from = cause;
        }
        _ => {}
    }
}

/// Whether a cell only says that no answer came.
fn is_silence(cell: &Cell) -> bool {
    matches!(cell.reason, Some(Reason::NoAnswer | Reason::Stale | Reason::Throttled))
}

/// Cells of services without a check about this row.
pub(super) fn without_checks(health: Health, reason: Option<Reason>, why: &str) -> Cell {
    Cell { health, reason, why: Clean::new(why), ..Cell::default() }
}

/// Whether nobody has judged the cell yet: what was seen, or tried in vain, has a beginning.
pub(super) fn is_unasked(cell: &Cell) -> bool {
    cell.health == Health::Unknown && cell.reason == Some(Reason::NeverSeen) && cell.since.is_none()
}

/// Whether two cells are drawn alike; the sentence counts in trouble, where the desk reads it.
pub(super) fn is_drawn_alike(a: &Cell, b: &Cell) -> bool {
    a.health == b.health
        && a.reason == b.reason
        && a.since == b.since
        && a.soft == b.soft
        && a.flapping == b.flapping
        && a.quiet == b.quiet
        && a.handling == b.handling
        && a.follows_from == b.follows_from
        && (a.why == b.why || !a.health.is_trouble())
}

/// Whether a check is in trouble that others can follow from: not merely not asked yet.
pub(super) fn is_real_trouble(bench: &Bench<'_>, state: &State) -> bool {
    match state.pending(bench) {
        Some(p) => p.own && p.health.is_trouble(),
        None => state.judged.health.is_trouble() && state.judged.rule != Rule::NotAsked,
    }
}

/// A school's cell of a service that is asked about the whole estate only: as the estate stands.
pub(super) fn only_estate(estate: Option<&Cell>) -> Cell {
    match estate {
        Some(e) => Cell {
            health: Health::Ok,
            why: why::of_estate(&e.why),
            quiet: e.quiet,
            ..Cell::default()
        },
        None => without_checks(
            Health::Unknown,
            Some(Reason::NeverSeen),
            "not watched: no check is configured for this school",
        ),
    }
}

/// A cell some of whose checks have not been asked since the restart: as it was, or as those that
/// have been asked say if that is worse. What it followed is looked at anew; `shared` if its trouble
/// was nevertheless its own.
pub(super) fn last_known(asked: Option<Cell>, kept: &Cell, shared: bool) -> Cell {
    let mut kept = kept.clone();
    if kept.follows_from.take().is_some() && kept.health == Health::Warning && !shared {
        kept.health = Health::Ok;
        kept.soft = false;
        kept.why = Clean::new("well when it was last asked, before the restart");
    }
    match asked {
        Some(asked) if asked.health.is_trouble() && asked.health >= kept.health => asked,
        _ => kept,
    }
}
