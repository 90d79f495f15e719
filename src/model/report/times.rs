//! How long trouble took: to be noticed, to be taken in hand, to be well again.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::desk::CellName;
use crate::model::incident::Member;
use crate::model::report::Stretch;

/// How long one incident took, in whole seconds; none where that is not known, or not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Took {
    /// From the beginning of the trouble until it was certain.
    pub notice: Option<u64>,
    /// From there until somebody claimed or acknowledged a root.
    pub claim: Option<u64>,
    /// From the beginning of the trouble until the last root was well again.
    pub resolve: Option<u64>,
}

/// Several times together, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    /// Of how many incidents it is known.
    pub count: u32,
    /// Half took no longer.
    pub median: Option<u64>,
    /// Nine of ten took no longer.
    pub p90: Option<u64>,
}

/// How long incidents took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Times {
    /// Incidents that opened in the period.
    pub incidents: u32,
    /// How many of them are not known to be well again: still in trouble, or called over while a cell
    /// was.
    pub unresolved: u32,
    /// From the beginning of the trouble until it was certain on the board.
    pub notice: Spread,
    /// From there until somebody claimed or acknowledged it.
    pub claim: Spread,
    /// From the beginning of the trouble until all of it was well again.
    pub resolve: Spread,
}

impl Times {
    /// Of incidents.
    #[must_use]
    pub fn of(all: &[Took]) -> Self {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            incidents: count(all.len()),
            unresolved: count(all.iter().filter(|took| took.resolve.is_none()).count()),
            notice: spread(all.iter().filter_map(|took| took.notice).collect()),
            claim: spread(all.iter().filter_map(|took| took.claim).collect()),
            resolve: spread(all.iter().filter_map(|took| took.resolve).collect()),
        }
    }
}

/// Median and 90th centile by the nearest rank: each is a time that was really taken.
#[must_use]
pub fn spread(mut all: Vec<u64>) -> Spread {
    all.sort_unstable();
    let rank = |percent: usize| {
        let rank = (all.len() * percent).div_ceil(100);
        rank.checked_sub(1).and_then(|n| all.get(n)).copied()
    };
    let count = u32::try_from(all.len()).unwrap_or(u32::MAX);
    Spread { count, median: rank(50), p90: rank(90) }
}

/// How long an incident took, by those of its roots that are asked about; none without any.
///
/// `looked` says whether somebody looked at a moment: what began while nobody did was not noticed late.
/// `had` tells when somebody first had a cell within a stretch.
#[must_use]
pub fn took(
    roots: &[&Member],
    until: Timestamp,
    looked: impl Fn(Timestamp) -> bool,
    had: impl Fn(&CellName, Stretch) -> Option<Timestamp>,
) -> Option<Took> {
    let certain = roots.iter().map(|m| m.from).min()?;
    let seconds = |from: Timestamp, to: Timestamp| {
        u64::try_from(to.as_second() - from.as_second()).unwrap_or(0)
    };
    let begun = roots.iter().filter_map(|m| m.since).min();
    let ended: Option<Vec<Timestamp>> = roots.iter().map(|m| m.until).collect();
    let ended = ended.and_then(|all| all.into_iter().max());
    let stretch = (certain, ended.unwrap_or(until));
    let claimed = roots.iter().filter_map(|m| had(&m.cell, stretch)).min();
    Some(Took {
        notice: begun.filter(|at| looked(*at)).map(|at| seconds(at, certain)),
        claim: claimed.map(|at| seconds(certain, at)),
        resolve: ended.map(|at| seconds(begun.map_or(certain, |b| b.min(certain)), at)),
    })
}
