//! What the desk sees of observations: judged by the board's own rules.

use std::sync::Arc;

use jiff::Timestamp;

use crate::engine::{Event, World, step};
use crate::model::cell::CheckView;
use crate::model::check::ServiceSpec;
use crate::model::estate::Estate;
use crate::model::health::{Health, Reason};
use crate::model::observation::Observation;
use crate::services::contract::Bench;

/// A check as the board shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::services) struct Shown {
    pub(in crate::services) health: Health,
    pub(in crate::services) reason: Option<Reason>,
    pub(in crate::services) why: String,
    /// The last good data that is remembered.
    pub(in crate::services) good_at: Option<Timestamp>,
}

impl From<CheckView> for Shown {
    fn from(view: CheckView) -> Self {
        let CheckView { health, reason, why, good_at, .. } = view;
        Self { health, reason, why: why.to_string(), good_at }
    }
}

/// Shows `seen` one after the other, each at its own time, the last as often as its check wants to
/// be told; how the board stands then.
pub(in crate::services) fn shown(bench: &Bench, settings: &str, seen: &[Observation]) -> Shown {
    shown_by(bench.build(settings).describe(), bench.estate.clone(), seen)
}

/// The same for a service of this description in this estate.
pub(in crate::services) fn shown_by(
    spec: ServiceSpec,
    mut estate: Estate,
    seen: &[Observation],
) -> Shown {
    let last = seen.last().unwrap();
    let tries = spec.checks.iter().find(|c| c.id == last.check).map_or(1, |c| c.tries);
    estate.services = vec![spec];
    let mut world = World::new(Arc::new(estate), seen[0].observed_at, 0);
    let again = std::iter::repeat_n(last, usize::from(tries) - 1);
    for one in seen.iter().chain(again) {
        step(&mut world, one.observed_at, Event::Observed(one.clone()));
    }
    world.check(last.target, &last.check).unwrap().into()
}
