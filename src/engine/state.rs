//! What is known of one check about one target.

use jiff::Timestamp;

use crate::engine::fall::{Fall, fall, learn};
use crate::engine::flap::Flap;
use crate::engine::judge::{Bench, Finding, Rule, answer, judge, too_far_ahead};
use crate::engine::why;
use crate::model::check::Against;
use crate::model::health::{Health, Reason};
use crate::model::kept::Memory;
use crate::model::observation::{Fact, Number, Observation, SourceTime, Verdict};
use crate::model::text::Clean;

/// An answer that counts.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) observed_at: Timestamp,
    pub(super) source_at: Option<SourceTime>,
    pub(super) since: Option<Timestamp>,
    pub(super) verdict: Verdict,
    pub(super) detail: Clean,
    pub(super) numbers: Vec<Number>,
    pub(super) evidence: Vec<Fact>,
    pub(super) fall: Option<Fall>,
}

/// The judgement that stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged {
    pub(super) health: Health,
    pub(super) reason: Option<Reason>,
    pub(super) soft: bool,
    pub(super) quiet: bool,
    pub(super) flapping: bool,
    pub(super) since: Option<Timestamp>,
    pub(super) rule: Rule,
    pub(super) why: Clean,
}

/// What a cell was before the restart, as far as one of its checks may go on from it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pending {
    /// Until when it counts without an answer.
    pub(super) until: Timestamp,
    /// When it was last known.
    pub(super) known_at: Timestamp,
    pub(super) health: Health,
    pub(super) since: Option<Timestamp>,
    pub(super) soft: bool,
    /// Whether the trouble was its own, not another cell's.
    pub(super) own: bool,
}

/// What came of an observation.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// The memory learned something that is to be kept.
    pub(super) learned: bool,
    /// The judgement is another.
    pub(super) differs: bool,
}

/// A check's state.
#[derive(Debug)]
pub(super) struct State {
    pub(super) reading: Option<Reading>,
    /// Since when the vendor asks us to wait.
    pub(super) throttled: Option<Timestamp>,
    pub(super) tried: bool,
    /// Bad answers in a row.
    pub(super) streak: u8,
    /// The first of them.
    pub(super) bad_since: Option<Timestamp>,
    /// The last good answer of ours, where the vendor gives no time.
    pub(super) ok_at: Option<Timestamp>,
    pub(super) memory: Memory,
    pub(super) flap: Flap,
    pub(super) pending: Option<Box<Pending>>,
    /// When it was last known, once that no longer counts.
    pub(super) outlived: Option<Timestamp>,
    pub(super) judged: Judged,
    /// Its earliest entry among the timers.
    pub(super) woken_at: Option<Timestamp>,
    /// When the clock really changes it next.
    pub(super) next: Option<Timestamp>,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            reading: None,
            throttled: None,
            tried: false,
            streak: 0,
            bad_since: None,
            ok_at: None,
            memory: Memory::default(),
            flap: Flap::default(),
            pending: None,
            outlived: None,
            judged: Judged {
                health: Health::Unknown,
                reason: Some(Reason::NeverSeen),
                soft: false,
                quiet: false,
                flapping: false,
                since: None,
                rule: Rule::NotAsked,
                why: Clean::default(),
            },
            woken_at: None,
            next: None,
        }
    }

    /// Takes an answer in. One that is older than the last is no news.
    pub(super) fn observe(&mut self, bench: &Bench<'_>, seen: Observation) -> Seen {
        self.tried = true;
        let observed_at = seen.observed_at.min(bench.now);
        if self.reading.as_ref().is_some_and(|r| observed_at < r.observed_at) {
            return Seen::default();
        }
        if seen.verdict == Verdict::Unknown(Reason::Throttled) {
            self.throttled.get_or_insert(observed_at);
            return Seen { learned: false, differs: self.settle(bench) };
        }
        let mut learned = self.learn_good(bench, &seen, observed_at);
        let well = seen.verdict == Verdict::Ok;
        let fall = bench
            .spec
            .drop
            .as_ref()
            .and_then(|rule| fall((rule, &self.memory), (&seen.numbers, well), observed_at));
        let reading = Reading {
            observed_at,
            source_at: seen.source_at,
            since: seen.since.map(|s| s.min(observed_at)),
            verdict: seen.verdict,
            detail: seen.detail,
            numbers: seen.numbers,
            evidence: seen.evidence,
            fall,
        };
        let said = answer(&reading);
        if said.health.is_trouble() {
            self.streak = self.streak.saturating_add(1);
            let first = reading.since.unwrap_or(observed_at);
            self.bad_since = Some(self.bad_since.map_or(first, |b| b.min(first)));
        } else {
            self.streak = 0;
            self.bad_since = None;
            self.ok_at = Some(observed_at);
        }
        self.throttled = None;
        self.reading = Some(reading);
        let before = self.pending.take();
        if let Some(before) = &before {
            self.go_on_from(before, &said, bench);
        }
        let (finding, next) = judge(bench, self);
        self.flap.push(finding.health, finding.reason, bench.now);
        learned |= self.learn_baseline(bench, &finding, observed_at);
        Seen { learned, differs: self.conclude(bench, &finding, next) || before.is_some() }
    }

    /// Trouble of before the restart that is still there keeps its start and is not soft again.
    fn go_on_from(&mut self, before: &Pending, said: &Finding, bench: &Bench<'_>) {
        if !before.own || !said.health.is_trouble() || before.health != said.health {
            return;
        }
        self.bad_since = match (self.bad_since, before.since) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        if !before.soft {
            self.streak = bench.spec.tries;
        }
    }

    /// Judges anew; true if the judgement differs.
    pub(super) fn settle(&mut self, bench: &Bench<'_>) -> bool {
        let mut differs = false;
        if let Some(p) = &self.pending
            && bench.now >= p.until
        {
            self.outlived = Some(p.known_at);
            self.pending = None;
            differs = true;
        }
        if let (None, Some(p)) = (&self.reading, &self.pending) {
            self.next = Some(p.until);
            return differs;
        }
        let (finding, next) = judge(bench, self);
        self.conclude(bench, &finding, next) || differs
    }

    /// Lets a finding stand until `next`; true if the judgement differs.
    fn conclude(&mut self, bench: &Bench<'_>, finding: &Finding, next: Option<Timestamp>) -> bool {
        let judged = self.judged(bench, finding);
        let mut soonest = why::rephrase_at(&judged, bench.now);
        if let Some(p) = &self.pending {
            soonest.consider(p.until);
        }
        if let Some(at) = next {
            soonest.consider(at);
        }
        self.next = soonest.at();
        let differs = self.judged != judged;
        self.judged = judged;
        differs
    }

    fn judged(&self, bench: &Bench<'_>, f: &Finding) -> Judged {
        let mut judged = Judged {
            health: f.health,
            reason: f.reason,
            soft: f.health.is_trouble() && !f.hard,
            quiet: f.quiet && f.health == Health::Ok,
            flapping: false,
            since: f.since,
            rule: f.rule,
            why: why::of_check(bench, self, f),
        };
        if let Some(began) = self.flap.began() {
            let (worst, reason) = self.flap.worst();
            if worst > judged.health {
                judged.health = worst;
                judged.reason = reason;
            }
            judged.flapping = true;
            judged.soft = false;
            judged.quiet = false;
            judged.since = Some(judged.since.map_or(began, |s| s.min(began)));
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
        let good = [seen.good_at, source].into_iter().flatten().max().map(|g| g.min(observed_at));
        if good <= self.memory.good_at {
            return false;
        }
        self.memory.good_at = good;
        true
    }

    /// Once a day, when well, the numbers of the day become what the next are compared with.
    fn learn_baseline(&mut self, bench: &Bench<'_>, f: &Finding, observed_at: Timestamp) -> bool {
        let (Some(rule), Some(reading)) = (&bench.spec.drop, &self.reading) else { return false };
        let fell = matches!(f.rule, Rule::Fall(Fall::Far { .. })) && reading.verdict == Verdict::Ok;
        let good = match rule.against {
            Against::LastGoodDay => f.health == Health::Ok,
            Against::BestOfWeeks => f.health == Health::Ok || fell,
        };
        good && learn((rule, &mut self.memory), &reading.numbers, observed_at)
    }

    /// The last good data or answer that is known.
    pub(super) fn good_at(&self) -> Option<Timestamp> {
        self.memory.good_at.or(self.ok_at)
    }
}
