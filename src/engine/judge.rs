//! The rules of one check: what an answer, its age and the clock make of it.
//!
//! A finding is plain and cheap to compare; its sentence is made in `why`.

use jiff::Timestamp;

use crate::engine::before::Pending;
use crate::engine::fall::Fall;
use crate::engine::hours::{Hours, later};
use crate::engine::state::{Reading, State};
use crate::engine::why;
use crate::model::check::CheckSpec;
use crate::model::health::{Health, Reason};
use crate::model::observation::{SourceTime, Verdict, Zone};
use crate::model::span::Span;

/// Ahead of ours and still fine, where the vendor writes a zone.
const AHEAD_GIVEN: i64 = 120;
/// Ahead of ours and still fine, where the zone is assumed.
const AHEAD_ASSUMED: i64 = 3_600;
/// Ahead of ours and said in the sentence, where the zone is assumed.
const AHEAD_SAID: i64 = 7_200;
/// How long an account or school may be new and never have been seen.
const NEW_FOR: Span = Span::from_days(7);
const DAY: i64 = 86_400;

/// Which rule decided. What it decided by is known of the check, or stands in its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Nobody has asked yet.
    NotAsked,
    /// Only known from before the restart, and that no longer counts.
    Outlived,
    /// Our answer is too old.
    Stale,
    /// The vendor asks us to wait, for too long.
    Throttled,
    /// The vendor's own word.
    Answer,
    /// The vendor's time lies too far ahead of ours.
    Ahead,
    /// Data older than the rule's first limit, which is only said.
    Late,
    /// Data that would be too old, had the school been open.
    Held,
    /// Data older than the limit of a warning.
    Old,
    /// Data older than the limit beyond which it is critical.
    TooOld,
    /// A number fell, or is gone.
    Fall,
    /// Never seen, and not new any more.
    NeverRan,
    /// The last good run is longer ago than anything is kept.
    Gone,
}

/// What the rules make of a check.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Finding {
    pub(super) health: Health,
    pub(super) reason: Option<Reason>,
    /// Needs no second answer.
    pub(super) hard: bool,
    pub(super) quiet: bool,
    /// Start of the trouble; `None` when well.
    pub(super) since: Option<Timestamp>,
    pub(super) rule: Rule,
}

/// What is needed to judge beside the state.
pub(super) struct Bench<'a> {
    pub(super) spec: &'a CheckSpec,
    pub(super) hours: &'a Hours,
    pub(super) now: Timestamp,
    /// What the cell was before the restart, as long as that is kept.
    pub(super) before: Option<Pending>,
    /// When the board of before the restart was written.
    pub(super) written_at: Option<Timestamp>,
}

/// The soonest of several moments that still lie ahead.
pub(super) struct Next {
    now: Timestamp,
    at: Option<Timestamp>,
}

impl Next {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { now, at: None }
    }
    pub(super) fn consider(&mut self, at: Timestamp) {
        if at > self.now && self.at.is_none_or(|a| at < a) {
            self.at = Some(at);
        }
    }
    pub(super) fn at(&self) -> Option<Timestamp> {
        self.at
    }
}

impl Finding {
    fn unknown(reason: Reason, rule: Rule, since: Option<Timestamp>) -> Self {
        Self {
            health: Health::Unknown,
            reason: Some(reason),
            hard: true,
            quiet: false,
            since,
            rule,
        }
    }

    /// Takes `other` if it is worse, or as bad but certain where this one is not.
    fn worsen(&mut self, other: Self) {
        if other.health > self.health
            || (other.health == self.health
                && other.hard
                && !self.hard
                && other.health.is_trouble())
        {
            *self = other;
        }
    }
}

/// Seconds that the vendor's time lies ahead of what its zone allows, if it does.
pub(super) fn too_far_ahead(source: Option<SourceTime>, observed_at: Timestamp) -> Option<i64> {
    let source = source?;
    let ahead = source.at.as_second() - observed_at.as_second();
    let limit = match source.zone {
        Zone::Given => AHEAD_GIVEN,
        Zone::Assumed => AHEAD_SAID,
        Zone::Ours => return None,
    };
    (ahead > limit).then_some(ahead)
}

/// Seconds that an assumed zone seems to be wrong by, worth a word but no alarm.
pub(super) fn oddly_ahead(source: Option<SourceTime>, observed_at: Timestamp) -> Option<i64> {
    let source = source.filter(|s| s.zone == Zone::Assumed)?;
    let ahead = source.at.as_second() - observed_at.as_second();
    (ahead > AHEAD_ASSUMED && ahead <= AHEAD_SAID).then_some(ahead)
}

/// The health that a vendor's word means.
fn meaning(verdict: Verdict) -> (Health, Option<Reason>) {
    match verdict {
        Verdict::Ok | Verdict::Quiet => (Health::Ok, None),
        Verdict::Warning => (Health::Warning, None),
        Verdict::Critical => (Health::Critical, None),
        Verdict::Unknown(reason) => (Health::Unknown, Some(reason)),
    }
}

/// What the answer itself says, without the clock: this is what counts as a try.
pub(super) fn answer(reading: &Reading, fall: Option<&Fall>) -> Finding {
    if too_far_ahead(reading.source_at(), reading.observed_at()).is_some() {
        return Finding::unknown(Reason::Malformed, Rule::Ahead, None);
    }
    let (health, reason) = meaning(reading.verdict);
    let mut finding = Finding {
        health,
        reason,
        hard: false,
        quiet: reading.verdict == Verdict::Quiet,
        since: None,
        rule: Rule::Answer,
    };
    if let Some(fall) = fall {
        let (health, reason) = fall.meaning();
        finding.worsen(Finding { health, reason, rule: Rule::Fall, ..finding });
    }
    finding
}

/// Judges a check at `bench.now`, and says when the clock alone may change that.
pub(super) fn judge(bench: &Bench<'_>, state: &State) -> (Finding, Option<Timestamp>) {
    let mut next = Next::new(bench.now);
    let Some(reading) = &state.reading else {
        return (unanswered(bench, state), None);
    };
    let mut finding = answer(reading, state.fall_seen());
    if finding.health.is_trouble() {
        finding.since = state.bad_since();
        finding.hard = state.streak >= bench.spec.tries;
    }
    never_ran(bench, state, &mut finding, &mut next);
    age(bench, reading, &mut finding, &mut next);
    keeps(bench, reading, state, &mut finding, &mut next);

    let observed_at = reading.observed_at();
    let fresh_until = later(observed_at, bench.spec.fresh_for);
    next.consider(fresh_until);
    if bench.now >= fresh_until {
        let since = finding.since.filter(|_| finding.health.is_trouble());
        let since = Some(since.unwrap_or(observed_at));
        next.consider(why::named_until(observed_at));
        finding = if state.throttled().is_some() {
            Finding::unknown(Reason::Throttled, Rule::Throttled, since)
        } else {
            Finding::unknown(Reason::Stale, Rule::Stale, since)
        };
    }
    countdown(bench, state, &finding, &mut next);
    (finding, next.at())
}

/// A check that has had no answer at all.
fn unanswered(bench: &Bench<'_>, state: &State) -> Finding {
    match (state.throttled(), state.outlived(bench)) {
        (Some(since), _) => Finding::unknown(Reason::Throttled, Rule::Throttled, Some(since)),
        (None, Some(known)) => Finding::unknown(Reason::Stale, Rule::Outlived, Some(known)),
        (None, None) => Finding::unknown(Reason::NeverSeen, Rule::NotAsked, None),
    }
}

/// "Never seen" is excused while the account or the school is new.
fn never_ran(bench: &Bench<'_>, state: &State, finding: &mut Finding, next: &mut Next) {
    if finding.reason != Some(Reason::NeverSeen) {
        return;
    }
    let Some(created) = state.told_since().or(state.bad_since()) else { return };
    let limit = later(created, NEW_FOR);
    next.consider(limit);
    if bench.now >= limit {
        finding.health = Health::Critical;
        finding.reason = None;
        finding.rule = Rule::NeverRan;
    }
}

/// Age of the vendor's data: hard at once, because time passes without a second opinion.
fn age(bench: &Bench<'_>, reading: &Reading, finding: &mut Finding, next: &mut Next) {
    let (Some(rule), Some(source)) = (&bench.spec.age, reading.source_at()) else { return };
    if finding.health == Health::Unknown || finding.rule == Rule::NeverRan {
        return;
    }
    let reached = |limit| bench.hours.reached(rule, source.at, limit);
    let critical = reached(rule.critical);
    let warning = reached(rule.warning);
    next.consider(critical);
    next.consider(warning);
    let aged = |health, rule| Finding {
        health,
        reason: None,
        hard: true,
        quiet: false,
        since: Some(source.at),
        rule,
    };
    if bench.now >= critical {
        finding.worsen(aged(Health::Critical, Rule::TooOld));
    } else if bench.now >= warning {
        finding.worsen(aged(Health::Warning, Rule::Old));
    } else if finding.health == Health::Ok {
        held_or_late(bench, rule, source.at, finding, next);
    }
}

/// Data that is old but not yet too old: because nothing was due, or a little late.
fn held_or_late(
    bench: &Bench<'_>,
    rule: &crate::model::check::AgeRule,
    from: Timestamp,
    finding: &mut Finding,
    next: &mut Next,
) {
    let plain = later(from, rule.warning);
    next.consider(plain);
    if bench.now >= plain
        && let Some(end) = bench.hours.held_until(rule, bench.now)
    {
        next.consider(end);
        finding.quiet = true;
        finding.rule = Rule::Held;
        return;
    }
    if let Some(late) = rule.late {
        let late = bench.hours.reached(rule, from, late);
        next.consider(late);
        if bench.now >= late {
            finding.rule = Rule::Late;
        }
    }
}

/// What is kept for a limited time only: after that nothing is left.
fn keeps(
    bench: &Bench<'_>,
    reading: &Reading,
    state: &State,
    finding: &mut Finding,
    next: &mut Next,
) {
    let (Some(keeps), Some(good)) = (bench.spec.keeps, state.known_good()) else { return };
    let told = !matches!(
        reading.verdict,
        Verdict::Unknown(
            Reason::NoAnswer
                | Reason::Unauthorised
                | Reason::Malformed
                | Reason::Stale
                | Reason::Throttled
        )
    );
    let gone = later(good, keeps);
    next.consider(gone);
    if bench.now >= gone && told {
        finding.worsen(Finding {
            health: Health::Critical,
            reason: None,
            hard: true,
            quiet: false,
            since: Some(good),
            rule: Rule::Gone,
        });
        // Said before the vendor's own word, where that is as bad.
        finding.rule = Rule::Gone;
    }
}

/// The days that are left stand in the sentence: it is said anew when there is one less.
fn countdown(bench: &Bench<'_>, state: &State, finding: &Finding, next: &mut Next) {
    if let (Some(keeps), Some(good)) = (bench.spec.keeps, state.known_good())
        && finding.health.is_trouble()
        && finding.rule != Rule::Gone
    {
        let left = later(good, keeps).as_second() - bench.now.as_second();
        let today = left.rem_euclid(DAY);
        next.consider(later(bench.now, Span::from_secs(today.unsigned_abs().max(1))));
    }
}
