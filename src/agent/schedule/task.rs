//! The task that runs the plan.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use crate::agent::metrics::{Metrics, PollCounters};
use crate::agent::schedule::plan::{Choice, Plan, Started};
use crate::agent::schedule::sift;
use crate::agent::settings::{AgentSettings, Concurrency};
use crate::hub::Hub;
use crate::model::check::ServiceSpec;
use crate::model::estate::NotWatched;
use crate::model::ids::{Laestab, ServiceKey};
use crate::model::observation::Target;
use crate::ports::clock::Clock;
use crate::ports::watch::{Job, Watch};
use crate::wire::page::{Refresh, Refreshed};

/// Commands that may wait: each of a connection that waits for its answer, or a hint that may be
/// dropped.
const QUEUE: usize = 256;
/// The longest sleep when nothing is due.
const LONGEST: Duration = Duration::from_secs(3_600);

enum Command {
    Refresh(Choice, Option<ServiceKey>, oneshot::Sender<Refreshed>),
    LookedAt(Target),
    Configure(Vec<Arc<dyn Watch>>, oneshot::Sender<()>),
    Stop(oneshot::Sender<()>),
}

/// How polls are run.
#[derive(Debug, Clone, Copy)]
pub(in crate::agent) struct Setting {
    concurrency: Concurrency,
    refresh_floor: Duration,
    looked_at_floor: Duration,
    poll_time: Duration,
    drain_time: Duration,
}

impl From<&AgentSettings> for Setting {
    fn from(s: &AgentSettings) -> Self {
        Self {
            concurrency: s.concurrency,
            refresh_floor: s.refresh_floor,
            looked_at_floor: s.looked_at_floor,
            poll_time: s.poll_time,
            drain_time: s.drain_time,
        }
    }
}

/// Reaches the scheduler. Cheap to clone.
#[derive(Clone)]
pub(in crate::agent) struct Scheduler {
    commands: mpsc::Sender<Command>,
    /// Those of the present configuration, to be asked what they have found.
    watches: Arc<Mutex<Vec<Arc<dyn Watch>>>>,
}

impl Scheduler {
    pub fn start(
        watches: Vec<Arc<dyn Watch>>,
        setting: Setting,
        hub: Hub,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> (Self, JoinHandle<()>) {
        let (commands, inbox) = mpsc::channel(QUEUE);
        let shared = Arc::new(Mutex::new(watches.clone()));
        let round = Round::new(watches, setting, hub, clock, metrics);
        let task = Task { round: Arc::new(round), runners: JoinSet::new() };
        (Self { commands, watches: shared }, tokio::spawn(task.run(inbox)))
    }

    /// What the polls so far have met and nothing watches.
    pub fn found(&self) -> Vec<NotWatched> {
        let watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        watches.iter().flat_map(|watch| watch.found()).collect()
    }

    /// Asks again now. `None` when the agent is stopping.
    pub async fn refresh(&self, what: Refresh) -> Option<Refreshed> {
        let (answer, answered) = oneshot::channel();
        let choice = Choice::of(what.school, None);
        self.commands.send(Command::Refresh(choice, what.service, answer)).await.ok()?;
        answered.await.ok()
    }

    /// A hint that an operator looks at a school, or at the estate; dropped when many wait.
    pub fn looked_at(&self, school: Option<Laestab>) {
        let target = school.map_or(Target::Estate, Target::School);
        if self.commands.try_send(Command::LookedAt(target)).is_err() {
            tracing::debug!("too much to do: a hint to poll {target} sooner was dropped");
        }
    }

    /// Other watchers; polls of the old ones are cancelled.
    pub async fn configure(&self, watches: Vec<Arc<dyn Watch>>) {
        watches.clone_into(&mut self.watches.lock().unwrap_or_else(PoisonError::into_inner));
        let (done, finished) = oneshot::channel();
        if self.commands.send(Command::Configure(watches, done)).await.is_ok()
            && finished.await.is_err()
        {
            tracing::debug!("the scheduler ended before it could be configured anew");
        }
    }

    /// No poll starts any more; those under way may finish within the drain time.
    pub async fn stop(&self) {
        let (done, finished) = oneshot::channel();
        if self.commands.send(Command::Stop(done)).await.is_ok() && finished.await.is_err() {
            tracing::error!("the scheduler ended before it was asked to");
        }
    }
}

/// A watcher and what is known of it.
struct Served {
    watch: Arc<dyn Watch>,
    spec: ServiceSpec,
    counters: PollCounters,
}

/// One configuration's plan and what its polls need.
struct Round {
    services: Vec<Served>,
    plan: Mutex<Plan>,
    /// Rung when something is due sooner than the task sleeps.
    sooner: Notify,
    setting: Setting,
    hub: Hub,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
}

impl Round {
    fn new(
        watches: Vec<Arc<dyn Watch>>,
        setting: Setting,
        hub: Hub,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let each = watches.into_iter().map(|watch| {
            let spec = watch.describe();
            let counters = metrics.polls_of(&spec.key);
            Served { watch, spec, counters }
        });
        let services: Vec<Served> = each.collect();
        let jobs = services.iter().map(|s| s.watch.jobs());
        let now = clock.monotonic();
        let plan = Plan::new(jobs, setting.concurrency, setting.looked_at_floor, now);
        let (plan, sooner) = (Mutex::new(plan), Notify::new());
        Self { services, plan, sooner, setting, hub, clock, metrics }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells those watchers that an operator asks about `target` again.
    fn asked_again(&self, target: Option<Target>, service: Option<usize>) {
        let school = match target {
            Some(Target::School(school)) => Some(school),
            Some(Target::Estate) | None => None,
        };
        let each = self.services.iter().enumerate();
        for (_, served) in each.filter(|(n, _)| service.is_none_or(|s| s == *n)) {
            served.watch.asked_again(school);
        }
    }

    /// Polls one job after the other as long as there is one to start. What a finished poll leaves
    /// free is taken by the same runner: handing that back to the task and starting another would
    /// cost more than all else that is done for an answer, its reading apart.
    async fn run(self: Arc<Self>, first: Started) {
        let mut next = Some(first);
        while let Some((number, service, job)) = next {
            let turn = Turn { round: &self, number };
            if let Some(served) = self.services.get(service) {
                self.poll(served, &job).await;
                let outdated = served.watch.outdated();
                if !outdated.is_empty() {
                    self.plan().bring_forward(service, &outdated, self.clock.monotonic());
                    self.sooner.notify_one();
                }
            }
            drop(turn);
            next = self.plan().start(self.clock.monotonic());
        }
    }

    /// One poll, from asking to handing over.
    async fn poll(&self, served: &Served, job: &Job) {
        let (spec, counters) = (&served.spec, &served.counters);
        let began = self.clock.monotonic();
        let outcome = self.ask(served, job).await;
        let took = self.clock.monotonic().saturating_sub(began);
        let now = self.clock.now();
        let answers = match outcome {
            Outcome::Answered(raw) => {
                counters.answered(took);
                let sifted = sift::sift(job, spec, raw, now);
                if sifted.foreign > 0 || sifted.missing > 0 {
                    self.report(served, job, sifted.foreign, sifted.missing);
                }
                sifted.answers
            }
            Outcome::Late => {
                counters.late(took);
                let detail = format!("no answer within {} s", self.setting.poll_time.as_secs());
                sift::no_answer(job, spec, now, &detail)
            }
            Outcome::Panicked => {
                counters.panicked(took);
                tracing::error!(service = %spec.key, job = %job.id, "a poll panicked");
                let detail = "caretaker itself failed while asking; its log says where";
                sift::no_answer(job, spec, now, detail)
            }
        };
        if self.hub.observed(answers).await.is_err() {
            tracing::debug!(service = %spec.key, "an answer came after the end");
        }
    }

    async fn ask(&self, served: &Served, job: &Job) -> Outcome {
        // The call itself may panic, before there is a future: it happens inside, too.
        let asked = async { served.watch.poll(job, self.clock.now()).await };
        tokio::select! {
            answered = AssertUnwindSafe(asked).catch_unwind() => match answered {
                Ok(raw) => Outcome::Answered(raw),
                Err(_) => Outcome::Panicked,
            },
            () = self.clock.sleep(self.setting.poll_time) => Outcome::Late,
        }
    }

    fn report(&self, served: &Served, job: &Job, foreign: u64, missing: u64) {
        self.metrics.foreign(foreign);
        self.metrics.missing(missing);
        tracing::warn!(
            service = %served.spec.key, job = %job.id, foreign, missing,
            "an answer did not fit what was asked"
        );
    }
}

/// The turn of a job that runs. However it ends, its place becomes free.
struct Turn<'a> {
    round: &'a Round,
    number: u32,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let round = self.round;
        let sooner =
            round.plan().finished(self.number, round.clock.monotonic(), round.clock.chance());
        // A runner that dies starts nothing in its place.
        if sooner || std::thread::panicking() {
            round.sooner.notify_one();
        }
    }
}

enum Outcome {
    Answered(Vec<crate::model::observation::Observation>),
    Late,
    Panicked,
}

/// Starts what is due; its runners go on by themselves.
///
/// Invariant: there are as many runners as polls under way, at most as many as the limits allow.
struct Task {
    round: Arc<Round>,
    runners: JoinSet<()>,
}

impl Task {
    async fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        loop {
            while let Some(ended) = self.runners.try_join_next() {
                ended_well(ended);
            }
            let pause = self.start();
            let round = Arc::clone(&self.round);
            tokio::select! {
                biased;
                command = inbox.recv() => match command {
                    None => return,
                    Some(Command::Stop(done)) => {
                        self.drain().await;
                        if done.send(()).is_err() {
                            tracing::debug!("nobody waits for the scheduler's end any more");
                        }
                        return;
                    }
                    Some(command) => self.obey(command),
                },
                () = round.sooner.notified() => {}
                () = round.clock.sleep(pause) => {}
            }
        }
    }

    /// Starts what is due and has a place; how long nothing more will be due.
    fn start(&mut self) -> Duration {
        let now = self.round.clock.monotonic();
        let mut plan = self.round.plan();
        plan.wake(now);
        while let Some(started) = plan.start(now) {
            self.runners.spawn(Arc::clone(&self.round).run(started));
        }
        plan.sleep_until_due().map_or(LONGEST, |due| due.saturating_sub(now)).min(LONGEST)
    }

    fn obey(&mut self, command: Command) {
        let round = &self.round;
        let now = round.clock.monotonic();
        match command {
            Command::Refresh(choice, service, answer) => {
                let place =
                    service.map(|key| round.services.iter().position(|s| s.spec.key == key));
                let (asked, too_soon) = match place {
                    // A service without a watcher has no job.
                    Some(None) => (0, 0),
                    place => {
                        round.asked_again(choice.target, place.flatten());
                        let choice = Choice { service: place.flatten(), ..choice };
                        round.plan().refresh(choice, round.setting.refresh_floor, now)
                    }
                };
                round.metrics.refreshes(asked, too_soon);
                if answer.send(Refreshed { asked, too_soon }).is_err() {
                    tracing::debug!("whoever asked for a refresh is gone");
                }
            }
            Command::LookedAt(target) => round.plan().looked_at(target, now),
            Command::Configure(watches, done) => {
                round.plan().close();
                self.runners.abort_all();
                let (hub, clock) = (round.hub.clone(), Arc::clone(&round.clock));
                let metrics = Arc::clone(&round.metrics);
                let round = Round::new(watches, round.setting, hub, clock, metrics);
                self.round = Arc::new(round);
                if done.send(()).is_err() {
                    tracing::debug!("nobody waits for the new configuration any more");
                }
            }
            // Handled where the polls can be waited for.
            Command::Stop(_) => {}
        }
    }

    async fn drain(&mut self) {
        self.round.plan().close();
        let limit = self.round.clock.sleep(self.round.setting.drain_time);
        tokio::pin!(limit);
        loop {
            tokio::select! {
                next = self.runners.join_next() => if next.is_none() { return },
                () = &mut limit => break,
            }
        }
        tracing::warn!("{} polls did not end in time and are cancelled", self.runners.len());
        self.runners.shutdown().await;
    }
}

fn ended_well(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && !error.is_cancelled()
    {
        tracing::error!("a poll's task died outside the poll: {error}");
    }
}

/// Which services a plan has twice: two watchers of one key would overwrite each other.
pub(in crate::agent) fn twice(watches: &[Arc<dyn Watch>]) -> Option<ServiceKey> {
    let mut seen: HashMap<ServiceKey, ()> = HashMap::new();
    watches.iter().map(|w| w.describe().key).find(|key| seen.insert(key.clone(), ()).is_some())
}
