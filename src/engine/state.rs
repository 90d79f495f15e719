//! What is known of one check about one target.

use jiff::Timestamp;

use crate::engine::before::Pending;
use crate::engine::fall::{Fall, fall, learn};
use crate::engine::flap::Flap;
use crate::engine::judge::{Bench, Finding, Rule, answer, judge, too_far_ahead};
use crate::engine::moment::{Moment, earlier};
use crate::engine::told::{Names, Told};
use crate::engine::why;
use crate::model::check::Against;
use crate::model::health::{Health, Reason};
use crate::model::kept::Memory;
use crate::model::observation::{Fact, Number, Observation, SourceTime, Verdict, Window, Zone};
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
    /// Work that the vendor announces in its last answer.
    windows: Vec<Window>,
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
    /// What counts are compared with, for the rule of drops; its good moment is not used.
    baseline: Option<Box<Memory>>,
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
        let well = seen.verdict == Verdict::Ok;
        let nothing = Memory::default();
        let known = self.baseline.as_deref().unwrap_or(&nothing);
        let rule = bench.spec.drop.as_ref();
        let fall = rule.and_then(|rule| fall((rule, known), (&seen.numbers, well), at));
        let told_since = seen.since.map(|s| Moment::of(s.min(at)));
        let is_rare = told_since.is_some() || fall.is_some() || !seen.windows.is_empty();
        if is_rare || self.rare.is_some() {
            let rare = self.rare();
            rare.windows = seen.windows;
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
        let said = answer(&reading, self.fall_seen());
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
        learned |= self.learn_baseline(bench, &finding, (&seen.numbers, well), at);
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
        if let Some(p) = self.pending(bench) {
            if bench.now < p.until {
                self.next = Some(Moment::not_before(p.until));
                return false;
            }
            self.known = Known::Outlived;
        }
        let (finding, next) = judge(bench, self);
        self.conclude(bench, &finding, next)
    }

    /// Lets a finding stand until `next`; true if the judgement differs.
    fn conclude(&mut self, bench: &Bench<'_>, finding: &Finding, next: Option<Timestamp>) -> bool {
        let judged = self.judged(bench, finding);
        let mut soonest = why::rephrase_at(&judged, bench.now);
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
        bench: &Bench<'_>,
        f: &Finding,
        (numbers, well): (&[Number], bool),
        at: Timestamp,
    ) -> bool {
        let Some(rule) = &bench.spec.drop else { return false };
        let far = f.rule == Rule::Fall && matches!(self.fall_seen(), Some(Fall::Far { .. }));
        let good = match rule.against {
            Against::LastGoodDay => f.health == Health::Ok,
            Against::BestOfWeeks => f.health == Health::Ok || (far && well),
        };
        let mut memory = self.baseline.take().unwrap_or_default();
        let learned = good && learn((rule, &mut memory), numbers, at);
        self.baseline = memory.baseline_at.is_some().then_some(memory);
        learned
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

    /// Announced work that is not over at `now`.
    pub(super) fn windows(&self, now: Timestamp) -> Vec<Window> {
        let all = self.rare.as_ref().map_or(&[][..], |r| r.windows.as_slice());
        all.iter().filter(|w| w.until.is_none_or(|until| until > now)).cloned().collect()
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
    pub(super) fn fall_seen(&self) -> Option<&Fall> {
        self.rare.as_ref()?.fall.as_deref()
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
        let kept = self.baseline.as_deref().cloned().unwrap_or_default();
        Memory { good_at: self.known_good(), ..kept }
    }

    /// Takes over what is newer in `kept`.
    pub(super) fn remember(&mut self, kept: Memory) {
        self.known_good = self.known_good.max(kept.good_at.map(Moment::of));
        if self.baseline.as_ref().and_then(|b| b.baseline_at) < kept.baseline_at {
            self.baseline = Some(Box::new(kept));
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
