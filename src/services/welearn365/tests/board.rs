//! What the desk sees of an observation: judged by the board's own rules.

use std::sync::Arc;

use crate::engine::{Event, World, step};
use crate::model::health::{Health, Reason};
use crate::model::observation::Observation;
use crate::services::contract::Bench;
use crate::services::welearn365::tests::ROW;

/// A check as the board shows it once its tries are used up.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) health: Health,
    pub(super) reason: Option<Reason>,
    pub(super) why: String,
}

/// Shows `seen` at its own time, as often as the check wants to be told.
pub(super) fn shown(bench: &Bench, settings: &str, seen: &Observation) -> Shown {
    let watch = bench.build(settings);
    let spec = watch.describe();
    let mut estate = bench.estate.clone();
    let tries = spec.checks.iter().find(|c| c.id == seen.check).map_or(1, |c| c.tries);
    estate.services = vec![spec];
    let mut world = World::new(Arc::new(estate), seen.observed_at, 0);
    for _ in 0..tries {
        step(&mut world, seen.observed_at, Event::Observed(seen.clone()));
    }
    let view = world.check(seen.target, &seen.check).unwrap();
    assert_eq!(seen.check.service(), ROW.key);
    assert!(!view.soft, "{view:?}");
    Shown { health: view.health, reason: view.reason, why: view.why.to_string() }
}
