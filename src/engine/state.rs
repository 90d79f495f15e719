//! What is known of one check about one target.

use jiff::Timestamp;

use crate::engine::before::Pending;
use crate::engine::flap::Flap;
use crate::engine::judge::{Bench, Finding, Rule, answer, judge, too_far_ahead};
use crate::engine::moment::{Moment, earlier};
use crate::engine::told::{Names, Told};
use crate::engine::why;
use crate::model::calendar::london_date;
use crate::model::check::DropRule;
use crate::model::health::{Health, Reason};
use crate::model::kept::Memory;
use crate::model::observation::{Fact, Number, Observation, SourceTime, Verdict, Zone};
use crate::model::text::Clean;

/// An answer that counts.
#[derive(Debug)]
pub(super) struct Reading {
    observed_at: Moment,
    source_at: Option<Moment>,
    told: Told,
    pub(super) detail: Clean,
    zone: Zone,
    pub(super) verdict: Verdict,
}

impl Reading {
    /// When we had it.
    pub(super) fn observed_at(&self) -> Timestamp {
        self.observed_at.time()
    }

    /// The vendor's own time.
    pub(super) fn source_at(&self) -> Option<SourceTime> {
        self.source_at.map(|at| SourceTime { at: at.time(), zone: self.zone })
    }

    /// Counts and evidence.
    pub(super) fn told(&self, names: &Names) -> (Vec<Number>, Vec<Fact>) {
        self.told.unpacked(names)
    }
}

/// A number that fell since the last good day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fall {
    /// By more than the limit, both as shares.
    Far {
        /// Before.
        from: f64,
        /// Now.
        to: f64,
        /// The limit that it broke.
        limit: f64,
    },
    /// To nothing.
    Empty {
        /// Before.
        from: f64,
    },
    /// A good answer without the number.
    Missing,
}

impl Fall {
    pub(super) fn meaning(self) -> (Health, Option<Reason>) {
        match self {
            Self::Far { .. } => (Health::Warning, None),
            Self::Empty { .. } => (Health::Critical, None),
            Self::Missing => (Health::Unknown, Some(Reason::Malformed)),
        }
    }
}

/// The judgement that stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged {
    pub(super) why: Clean,
    since: Option<Moment>,
    pub(super) health: Health,
    pub(super) reason: Option<Reason>,
    pub(super) rule: Rule,
    pub(super) soft: bool,
    pub(super) quiet: bool,
    pub(super) flapping: bool,
}

impl Judged {
    /// Start of the trouble.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.since.map(Moment::time)
    }
}

/// What is known from before the restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Nothing that still matters.
    Nothing,
    /// What its cell was counts until it is asked.
    Pending,
    /// That no longer counts, and nobody has answered yet.
    Outlived,
}

/// What came of an observation.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// The memory learned something that is to be kept.
    pub(super) learned: bool,
    /// The judgement is another.
    pub(super) differs: bool,
}

/// What most checks have nothing of.
#[derive(Debug, Default, PartialEq)]
struct Rare {
    /// Since when the vendor asks us to wait.
    throttled: Option<Moment>,
    /// The first of the bad answers in a row.
    bad_since: Option<Moment>,
    /// The last good answer before them.
    ok_at: Option<Moment>,
    /// Start of the trouble as the answer tells it.
    told_since: Option<Moment>,
    /// Since when it goes to and fro.
    flaps_since: Option<Moment>,
    fall: Option<Box<Fall>>,
}

/// The counts of the last good day, for the rule of sudden drops.
#[derive(Debug)]
struct Baseline {
    numbers: Vec<Number>,
    at: Option<Moment>,
}

/// A check's state. At the stress size there are hundreds of thousands: what is rare lies elsewhere.
#[derive(Debug)]
pub(super) struct State {
    pub(super) reading: Option<Reading>,
    pub(super) judged: Judged,
    /// Its earliest entry among the timers.
    pub(super) woken_at: Option<Moment>,
    /// When the clock really changes it next.
    pub(super) next: Option<Moment>,
    /// The last good run or data that we ever saw.
    known_good: Option<Moment>,
    baseline: Option<Box<Baseline>>,
    rare: Option<Box<Rare>>,
    flap: Flap,
    /// Bad answers in a row.
    pub(super) streak: u8,
    pub(super) tried: bool,
    known: Known,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            reading: None,
            judged: Judged {
                why: Clean::default(),
                since: None,
                health: Health::Unknown,
                reason: Some(Reason::NeverSeen),
                rule: Rule::NotAsked,
                soft: false,
                quiet: false,
                flapping: false,
            },
            woken_at: None,
            next: None,
            known_good: None,
            baseline: None,
            rare: None,
            flap: Flap::default(),
            streak: 0,
            tried: false,
            known: Known::Nothing,
        }
    }

    /// Takes an answer in. One that is older than the last is no news.
    pub(super) fn observe(
        &mut self,
        bench: &Bench<'_>,
        names: &mut Names,
        seen: Observation,
    ) -> Seen {
        self.tried = true;
        let at = seen.observed_at.min(bench.now);
        let observed_at = Moment::of(at);
        if self.reading.as_ref().is_some_and(|r| observed_at < r.observed_at) {
            return Seen::default();
        }
        if seen.verdict == Verdict::Unknown(Reason::Throttled) {
            self.rare().throttled.get_or_insert(observed_at);
            return Seen { learned: false, differs: self.settle(bench) };
        }
        let mut learned = self.learn_good(bench, &seen, at);
        let watched = bench.spec.drop.as_ref().and_then(|rule| {
            let number = seen.numbers.iter().find(|n| n.name.as_str() == rule.number)?;
            Some(Number { name: names.shared(number.name.clone()), value: number.value })
        });
        let fall = bench.spec.drop.as_ref().and_then(|r| self.fall(r, watched.as_ref(), &seen, at));
        let told_since = seen.since.map(|s| Moment::of(s.min(at)));
        if told_since.is_some() || fall.is_some() || self.rare.is_some() {
            let rare = self.rare();
            (rare.told_since, rare.fall, rare.throttled) = (told_since, fall.map(Box::new), None);
        }
        let reading = Reading {
            observed_at,
            source_at: seen.source_at.map(|s| Moment::of(s.at)),
            told: Told::new(names, &seen.numbers, &seen.evidence),
            detail: names.shared(seen.detail),
            zone: seen.source_at.map_or(Zone::Ours, |s| s.zone),
            verdict: seen.verdict,
        };
        let said = answer(&reading, fall);
        self.count(&reading, said.health.is_trouble());
        self.reading = Some(reading);
        let before = self.pending(bench);
        self.known = Known::Nothing;
        if let Some(before) = &before {
            self.go_on_from(before, &said, bench);
        }
        let (finding, next) = judge(bench, self);
        self.flap.push(finding.health, finding.reason);
        let began = self.flaps_since();
        if self.flap.goes(began.is_some()) {
            self.rare().flaps_since.get_or_insert(Moment::of(bench.now));
        } else if began.is_some() {
            self.rare().flaps_since = None;
        }
        learned |= self.learn_baseline(watched, &finding, observed_at);
        let differs = self.conclude(bench, &finding, next) || before.is_some();
        if self.rare.as_deref() == Some(&Rare::default()) {
            self.rare = None;
        }
        Seen { learned, differs }
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Counts an answer that is about to become the last one.
    fn count(&mut self, reading: &Reading, is_trouble: bool) {
        if is_trouble {
            let ok_at = self.ok_at();
            self.streak = self.streak.saturating_add(1);
            let rare = self.rare();
            rare.ok_at = ok_at;
            let first = rare.told_since.unwrap_or(reading.observed_at);
            rare.bad_since = earlier(rare.bad_since, Some(first));
        } else {
            self.streak = 0;
            if let Some(rare) = &mut self.rare {
                (rare.bad_since, rare.ok_at) = (None, None);
            }
        }
    }

    /// Trouble of before the restart that is still there keeps its start and is not soft again.
    fn go_on_from(&mut self, before: &Pending, said: &Finding, bench: &Bench<'_>) {
        if !before.own || !said.health.is_trouble() || before.health != said.health {
            return;
        }
        let rare = self.rare();
        rare.bad_since = earlier(rare.bad_since, before.since);
        if !before.soft {
            // Never none, which would say that it is well.
            self.streak = bench.spec.tries.max(1);
        }
    }

    /// Judges anew; true if the judgement differs.
    pub(super) fn settle(&mut self, bench: &Bench<'_>) -> bool {
        let mut differs = false;
        if self.pending(bench).is_some_and(|p| bench.now >= p.until) {
            self.known = Known::Outlived;
            differs = true;
        }
        if let (None, Some(p)) = (&self.reading, self.pending(bench)) {
            self.next = Some(Moment::not_before(p.until));
            return differs;
        }
        let (finding, next) = judge(bench, self);
        self.conclude(bench, &finding, next) || differs
    }

    /// Lets a finding stand until `next`; true if the judgement differs.
    fn conclude(&mut self, bench: &Bench<'_>, finding: &Finding, next: Option<Timestamp>) -> bool {
        let judged = self.judged(bench, finding);
        let mut soonest = why::rephrase_at(&judged, bench.now);
        if let Some(p) = self.pending(bench) {
            soonest.consider(p.until);
        }
        if let Some(at) = next {
            soonest.consider(at);
        }
        self.next = soonest.at().map(Moment::not_before);
        let differs = self.judged != judged;
        self.judged = judged;
        differs
    }

    fn judged(&self, bench: &Bench<'_>, f: &Finding) -> Judged {
        let mut judged = Judged {
            why: why::of_check(bench, self, f),
            since: f.since.map(Moment::of),
            health: f.health,
            reason: f.reason,
            rule: f.rule,
            soft: f.health.is_trouble() && !f.hard,
            quiet: f.quiet && f.health == Health::Ok,
            flapping: false,
        };
        if let Some(began) = self.flaps_since() {
            let (worst, reason) = self.flap.worst();
            if worst > judged.health {
                judged.health = worst;
                judged.reason = reason;
            }
            judged.flapping = true;
            judged.soft = false;
            judged.quiet = false;
            judged.since = earlier(judged.since, Some(began));
            judged.why = why::flapping(self.flap.count(), &judged.why);
        }
        judged
    }

    /// Moves the last good moment on.
    fn learn_good(
        &mut self,
        bench: &Bench<'_>,
        seen: &Observation,
        observed_at: Timestamp,
    ) -> bool {
        let timed = bench.spec.age.is_some() || bench.spec.keeps.is_some();
        let well = matches!(seen.verdict, Verdict::Ok | Verdict::Quiet);
        let trusted = too_far_ahead(seen.source_at, observed_at).is_none();
        let source = seen.source_at.filter(|_| timed && well && trusted).map(|s| s.at);
        let good = [seen.good_at, source].into_iter().flatten().max();
        let good = good.map(|g| Moment::of(g.min(observed_at)));
        if good <= self.known_good {
            return false;
        }
        self.known_good = good;
        true
    }

    /// Once a day, when well, the numbers of the day become what the next are compared with.
    fn learn_baseline(
        &mut self,
        watched: Option<Number>,
        f: &Finding,
        observed_at: Moment,
    ) -> bool {
        let Some(number) = watched else { return false };
        let today = london_date(observed_at.time());
        let known = self.baseline.as_ref().and_then(|b| b.at);
        if f.health != Health::Ok || known.is_some_and(|b| london_date(b.time()) >= today) {
            return false;
        }
        let (numbers, at) = (vec![number], Some(observed_at));
        self.baseline = Some(Box::new(Baseline { numbers, at }));
        true
    }

    fn fall(
        &self,
        rule: &DropRule,
        watched: Option<&Number>,
        seen: &Observation,
        at: Timestamp,
    ) -> Option<Fall> {
        let known = self.baseline.as_ref()?.numbers.iter().find(|n| n.name.as_str() == rule.number);
        let from = known.map(|n| n.value).filter(|v| *v > 0.0)?;
        let Some(to) = watched.map(|n| n.value) else {
            return (seen.verdict == Verdict::Ok).then_some(Fall::Missing);
        };
        let date = london_date(at);
        let summer = matches!((date.month(), date.day()), (7, 15..) | (8 | 9, _));
        let limit = if summer { rule.summer } else { rule.warning };
        if to <= 0.0 {
            Some(Fall::Empty { from })
        } else if (from - to) / from > limit {
            Some(Fall::Far { from, to, limit })
        } else {
            None
        }
    }

    /// The last good data or answer that is known.
    pub(super) fn good_at(&self) -> Option<Timestamp> {
        self.known_good.or(self.ok_at()).map(Moment::time)
    }

    /// The last good run or data that the vendor told of, ever.
    pub(super) fn known_good(&self) -> Option<Timestamp> {
        self.known_good.map(Moment::time)
    }

    /// The last good answer of ours, where the vendor gives no time.
    fn ok_at(&self) -> Option<Moment> {
        match &self.reading {
            Some(reading) if self.streak == 0 => Some(reading.observed_at),
            _ => self.rare.as_ref()?.ok_at,
        }
    }

    /// Since when the vendor asks us to wait.
    pub(super) fn throttled(&self) -> Option<Timestamp> {
        self.rare.as_ref()?.throttled.map(Moment::time)
    }

    /// The first of the bad answers in a row.
    pub(super) fn bad_since(&self) -> Option<Timestamp> {
        self.rare.as_ref()?.bad_since.map(Moment::time)
    }

    /// Start of the trouble as the last answer tells it.
    pub(super) fn told_since(&self) -> Option<Timestamp> {
        self.rare.as_ref()?.told_since.map(Moment::time)
    }

    /// When it was last known, once that no longer counts.
    pub(super) fn outlived(&self, bench: &Bench<'_>) -> Option<Timestamp> {
        bench.written_at.filter(|_| self.known == Known::Outlived)
    }

    /// A number that fell, in the last answer.
    pub(super) fn fall_seen(&self) -> Option<Fall> {
        self.rare.as_ref()?.fall.as_deref().copied()
    }

    /// What it was before the restart, as long as that counts.
    pub(super) fn pending(&self, bench: &Bench<'_>) -> Option<Pending> {
        bench.before.filter(|_| self.is_pending())
    }

    /// Whether what it was before the restart still counts.
    pub(super) fn is_pending(&self) -> bool {
        self.known == Known::Pending
    }

    fn flaps_since(&self) -> Option<Moment> {
        self.rare.as_ref()?.flaps_since
    }

    /// Lets what it was before the restart count for a while.
    pub(super) fn go_on(&mut self) {
        self.known = Known::Pending;
    }

    /// What outlives the process.
    pub(super) fn memory(&self) -> Memory {
        let (baseline, at) =
            self.baseline.as_ref().map_or((Vec::new(), None), |b| (b.numbers.clone(), b.at));
        Memory { good_at: self.known_good(), baseline, baseline_at: at.map(Moment::time) }
    }

    /// Takes over what is newer in `kept`.
    pub(super) fn remember(&mut self, kept: Memory) {
        self.known_good = self.known_good.max(kept.good_at.map(Moment::of));
        let at = kept.baseline_at.map(Moment::of);
        if self.baseline.as_ref().and_then(|b| b.at) < at {
            self.baseline = Some(Box::new(Baseline { numbers: kept.baseline, at }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_is_well_takes_little_memory() {
        // Times 24,000 schools and a dozen checks each: 8 bytes here are 2.3 MB.
        assert!(size_of::<State>() <= 144, "{}", size_of::<State>());
        assert_eq!(size_of::<Option<Reading>>(), size_of::<Reading>());
    }
}
