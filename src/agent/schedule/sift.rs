//! A poll's answers held against what was asked.
//!
//! Invariant: each check and target that a job covers gets exactly one observation out of a poll,
//! and no other gets any.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::model::check::{Scope, ServiceSpec};
use crate::model::health::Reason;
use crate::model::ids::CheckId;
use crate::model::observation::{Observation, Target, Verdict};
use crate::ports::watch::Job;

/// What came of a poll.
pub(super) struct Sifted {
    /// One for each covered check and target.
    pub answers: Vec<Observation>,
    /// Dropped: about a target or check that was not asked about.
    pub foreign: u64,
    /// Made unknown: left out by the answer.
    pub missing: u64,
}

/// Whether `check` is asked about `target`.
fn covers(spec: &ServiceSpec, check: &CheckId, target: Target) -> bool {
    let Some(check) = spec.checks.iter().find(|c| c.id == *check) else { return true };
    match (check.scope, target) {
        (Scope::Estate, Target::Estate) => true,
        (Scope::School, Target::School(laestab)) => check.covers.holds(laestab),
        (Scope::Estate, Target::School(_)) | (Scope::School, Target::Estate) => false,
    }
}

/// Each covered check, by its place in the job, with each target.
fn expected<'a>(job: &'a Job, spec: &'a ServiceSpec) -> impl Iterator<Item = (usize, Target)> + 'a {
    job.checks.iter().enumerate().flat_map(move |(place, check)| {
        let targets = job.targets.iter().copied();
        targets.filter(move |t| covers(spec, check, *t)).map(move |t| (place, t))
    })
}

/// Holds `raw` against `job`.
pub(super) fn sift(job: &Job, spec: &ServiceSpec, raw: Vec<Observation>, now: Timestamp) -> Sifted {
    let mut places: HashMap<(usize, Target), Option<usize>> =
        expected(job, spec).map(|pair| (pair, None)).collect();
    let mut answers: Vec<Observation> = Vec::with_capacity(places.len());
    let mut foreign = 0;
    for answer in raw {
        let check = job.checks.iter().position(|c| *c == answer.check);
        let place = check.and_then(|check| places.get_mut(&(check, answer.target)));
        let Some(place) = place else {
            foreign += 1;
            continue;
        };
        match place.and_then(|at| answers.get_mut(at)) {
            None => {
                *place = Some(answers.len());
                answers.push(answer);
            }
            // Two rows that disagree: neither can be believed.
            Some(first) if first.verdict != answer.verdict => {
                *first = unknown(
                    &first.check,
                    first.target,
                    now,
                    Reason::Malformed,
                    "the answer says two different things of it",
                );
            }
            Some(_) => {}
        }
    }
    let mut missing = 0;
    for (place, target) in expected(job, spec) {
        let (Some(None), Some(check)) = (places.get(&(place, target)), job.checks.get(place))
        else {
            continue;
        };
        missing += 1;
        let detail = match target {
            Target::Estate => "the answer left this out",
            Target::School(_) => "the answer left this school out",
        };
        answers.push(unknown(check, target, now, Reason::Malformed, detail));
    }
    Sifted { answers, foreign, missing }
}

/// Every covered check and target unknown, because the poll brought nothing.
pub(super) fn no_answer(
    job: &Job,
    spec: &ServiceSpec,
    now: Timestamp,
    detail: &str,
) -> Vec<Observation> {
    let each = expected(job, spec).filter_map(|(place, target)| {
        let check = job.checks.get(place)?;
        Some(unknown(check, target, now, Reason::NoAnswer, detail))
    });
    each.collect()
}

fn unknown(
    check: &CheckId,
    target: Target,
    now: Timestamp,
    reason: Reason,
    detail: &str,
) -> Observation {
    Observation::new(check.clone(), target, now, Verdict::Unknown(reason), detail)
}
