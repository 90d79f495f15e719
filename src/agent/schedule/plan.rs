//! Which job runs next: a heap of due times and a queue per service. No clock, no tasks.
//!
//! Invariant: a job is waiting, ready or running, never two of them, so it never overlaps itself.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use crate::agent::settings::Concurrency;
use crate::model::ids::{CheckId, Laestab};
use crate::model::observation::Target;
use crate::model::span::Span;
use crate::ports::watch::Job;

/// How long a school counts as looked at after its page was fetched.
const LOOK: Duration = Duration::from_secs(120);
/// How much more often its jobs run then.
const LOOK_FACTOR: u32 = 5;
/// Share of an interval by which it is lengthened or shortened at random.
const JITTER: f64 = 0.05;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Ready,
    Running,
}

/// Microseconds of the monotonic clock and one, so that an absent one takes no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Tick(NonZeroU64);

impl Tick {
    fn of(at: Duration) -> Self {
        let count = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
        Self(NonZeroU64::MIN.saturating_add(count))
    }
    fn time(self) -> Duration {
        Duration::from_micros(self.0.get() - 1)
    }
}

/// A job and when it runs. With one job for each school and service there are 168,000: small.
struct Entry {
    id: Arc<str>,
    targets: Arc<[Target]>,
    interval: Span,
    /// Start of the last poll; none before the first.
    started: Option<Tick>,
    due: Tick,
    looked_until: Tick,
    /// Tells a valid place in the heap from one that was overtaken.
    stamp: u32,
    service: u32,
    /// Its checks, by their place among all lists of checks.
    checks: u32,
    state: State,
    /// Whether there was a poll before the last.
    again: bool,
}

impl Entry {
    fn answers_for(&self, target: Target) -> bool {
        self.targets.contains(&target)
    }
    fn service(&self) -> usize {
        at(self.service)
    }
    fn started(&self) -> Option<Duration> {
        self.started.map(Tick::time)
    }
}

/// What a refresh or a look is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choice {
    /// One target; `None` for all.
    pub target: Option<Target>,
    /// One service, by its place; `None` for all.
    pub service: Option<usize>,
}

impl Choice {
    pub fn of(school: Option<Laestab>, service: Option<usize>) -> Self {
        Self { target: school.map(Target::School), service }
    }

    fn holds(self, entry: &Entry) -> bool {
        self.service.is_none_or(|s| s == entry.service())
            && self.target.is_none_or(|t| entry.answers_for(t))
    }
}

/// A job that was started: its number, its service's place, itself.
pub(super) type Started = (u32, usize, Job);

/// The time table. Times are monotonic.
pub(super) struct Plan {
    entries: Vec<Entry>,
    /// The lists of checks that jobs have, each once.
    checks: Vec<Vec<CheckId>>,
    waiting: BinaryHeap<Reverse<(Tick, u32, u32)>>,
    ready: Vec<VecDeque<u32>>,
    running: Vec<usize>,
    running_overall: usize,
    /// The service whose turn it is.
    turn: usize,
    limits: Concurrency,
    looked_at_floor: Duration,
    /// Until when whoever starts jobs sleeps; none: as long as nothing is waiting.
    sleeps_until: Option<Tick>,
    /// No job starts any more.
    closed: bool,
}

impl Plan {
    /// Everything is due at once: the first sweep is as quick as the limits allow.
    pub fn new(
        services: impl ExactSizeIterator<Item = Vec<Job>>,
        limits: Concurrency,
        looked_at_floor: Duration,
        now: Duration,
    ) -> Self {
        let count = services.len();
        let mut plan = Self {
            entries: Vec::new(),
            checks: Vec::new(),
            waiting: BinaryHeap::new(),
            ready: vec![VecDeque::new(); count],
            running: vec![0; count],
            running_overall: 0,
            turn: 0,
            limits,
            looked_at_floor,
            sleeps_until: None,
            closed: false,
        };
        // One service's list after the other: all of them at once would be tens of megabytes.
        for (service, jobs) in services.enumerate() {
            plan.entries.reserve_exact(jobs.len());
            for job in jobs {
                let Ok(number) = u32::try_from(plan.entries.len()) else { break };
                let entry = plan.entry(service, job, now);
                plan.entries.push(entry);
                if let Some(queue) = plan.ready.get_mut(service) {
                    queue.push_back(number);
                }
            }
        }
        plan
    }

    fn entry(&mut self, service: usize, job: Job, now: Duration) -> Entry {
        let Job { id, checks, targets, interval } = job;
        // Jobs of one kind stand beside one another.
        let known = self.checks.iter().rposition(|known| *known == checks);
        let place = known.unwrap_or_else(|| {
            self.checks.push(checks);
            self.checks.len() - 1
        });
        Entry {
            id,
            targets,
            interval,
            started: None,
            due: Tick::of(now),
            looked_until: Tick::of(Duration::ZERO),
            stamp: 0,
            service: number(service),
            checks: number(place),
            state: State::Ready,
            again: false,
        }
    }

    /// When the next waiting job is due.
    #[cfg(test)]
    pub fn next_due(&self) -> Option<Duration> {
        self.next_tick().map(Tick::time)
    }

    fn next_tick(&self) -> Option<Tick> {
        self.waiting.peek().map(|Reverse((due, _, _))| *due)
    }

    /// When the next waiting job is due: until then the caller sleeps, unless [`Self::finished`]
    /// says otherwise.
    pub fn sleep_until_due(&mut self) -> Option<Duration> {
        self.sleeps_until = self.next_tick();
        self.sleeps_until.map(Tick::time)
    }

    /// No job starts any more.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Moves what is due to the queues of its services.
    pub fn wake(&mut self, now: Duration) {
        while let Some(Reverse((due, number, stamp))) = self.waiting.peek().copied() {
            if due.time() > now {
                break;
            }
            self.waiting.pop();
            let Some(entry) = self.entries.get_mut(at(number)) else { continue };
            if entry.stamp == stamp && entry.state == State::Waiting {
                entry.state = State::Ready;
                if let Some(queue) = self.ready.get_mut(entry.service()) {
                    queue.push_back(number);
                }
            }
        }
    }

    /// The next job to start, if the limits leave a place for one; services take turns.
    pub fn start(&mut self, now: Duration) -> Option<Started> {
        if self.closed || self.running_overall >= self.limits.overall.max(1) {
            return None;
        }
        let count = self.ready.len();
        for step in 0..count {
            let service = (self.turn + step) % count;
            let running = self.running.get(service).copied().unwrap_or(usize::MAX);
            if running >= self.limits.per_service.max(1) {
                continue;
            }
            let Some(number) = self.ready.get_mut(service).and_then(VecDeque::pop_front) else {
                continue;
            };
            let Some(entry) = self.entries.get_mut(at(number)) else { continue };
            entry.state = State::Running;
            entry.again = entry.started.is_some();
            entry.started = Some(Tick::of(now));
            let job = Job {
                id: Arc::clone(&entry.id),
                checks: self.checks.get(at(entry.checks)).cloned().unwrap_or_default(),
                targets: Arc::clone(&entry.targets),
                interval: entry.interval,
            };
            if let Some(running) = self.running.get_mut(service) {
                *running += 1;
            }
            self.running_overall += 1;
            self.turn = (service + 1) % count;
            return Some((number, service, job));
        }
        None
    }

    /// A poll has ended. `chance` from 0 to 1 spreads the next one. Whether that is due before
    /// whoever sleeps wakes up.
    pub fn finished(&mut self, number: u32, now: Duration, chance: f64) -> bool {
        let looked_at_floor = self.looked_at_floor;
        let Some(entry) = self.entries.get_mut(at(number)) else { return false };
        if entry.state != State::Running {
            return false;
        }
        if let Some(running) = self.running.get_mut(entry.service()) {
            *running = running.saturating_sub(1);
        }
        self.running_overall = self.running_overall.saturating_sub(1);
        let interval = interval(entry, looked_at_floor, now);
        // The first sweep began at one moment: the second is spread over half an interval, always
        // sooner than due, so that nothing turns stale. Later ones keep that spread.
        let share =
            if entry.again { 1.0 - JITTER + 2.0 * JITTER * chance } else { 0.5 + 0.5 * chance };
        let due = entry.started().unwrap_or(now) + interval.mul_f64(share);
        self.wait(number, due.max(now));
        let next = self.next_tick();
        next.is_some_and(|next| self.sleeps_until.is_none_or(|until| next < until))
    }

    fn wait(&mut self, number: u32, due: Duration) {
        let Some(entry) = self.entries.get_mut(at(number)) else { return };
        entry.state = State::Waiting;
        entry.due = Tick::of(due);
        entry.stamp = entry.stamp.wrapping_add(1);
        self.waiting.push(Reverse((entry.due, number, entry.stamp)));
    }

    /// Makes chosen jobs due now, except those that ran within `floor` or are under way.
    /// Answers how many were asked and how many were left alone.
    pub fn refresh(&mut self, choice: Choice, floor: Duration, now: Duration) -> (u32, u32) {
        let (mut asked, mut too_soon) = (0, 0);
        let mut due = Vec::new();
        for (number, entry) in (0_u32..).zip(&self.entries) {
            if !choice.holds(entry) {
                continue;
            }
            let recent = entry.started().is_some_and(|s| now.saturating_sub(s) < floor);
            match entry.state {
                State::Running => too_soon += 1,
                State::Waiting if recent => too_soon += 1,
                State::Waiting => {
                    asked += 1;
                    due.push(number);
                }
                State::Ready => asked += 1,
            }
        }
        for number in due {
            self.wait(number, now);
        }
        (asked, too_soon)
    }

    /// Makes these jobs of a service due now, where they wait.
    pub fn bring_forward(&mut self, service: usize, jobs: &[Arc<str>], now: Duration) {
        let is_one = |(_, entry): &(u32, &Entry)| {
            entry.service() == service && entry.state == State::Waiting && jobs.contains(&entry.id)
        };
        let all = (0_u32..).zip(&self.entries).filter(is_one);
        let due: Vec<u32> = all.map(|(number, _)| number).collect();
        for number in due {
            self.wait(number, now);
        }
    }

    /// An operator looks at `target`: its jobs run more often for a while.
    pub fn looked_at(&mut self, target: Target, now: Duration) {
        let floor = self.looked_at_floor;
        let mut sooner = Vec::new();
        for (number, entry) in (0_u32..).zip(&mut self.entries) {
            if !entry.answers_for(target) {
                continue;
            }
            entry.looked_until = Tick::of(now + LOOK);
            if entry.state == State::Waiting {
                let last = entry.started().unwrap_or(Duration::ZERO);
                let due = (last + interval(entry, floor, now)).max(now);
                if Tick::of(due) < entry.due {
                    sooner.push((number, due));
                }
            }
        }
        for (number, due) in sooner {
            self.wait(number, due);
        }
    }
}

/// How often this job runs now.
fn interval(entry: &Entry, looked_at_floor: Duration, now: Duration) -> Duration {
    let usual = entry.interval.duration().max(Duration::from_secs(1));
    if entry.looked_until.time() > now {
        (usual / LOOK_FACTOR).max(looked_at_floor).min(usual)
    } else {
        usual
    }
}

fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn at(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
