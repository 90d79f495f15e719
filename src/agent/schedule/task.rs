//! The task that runs the plan.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use crate::agent::metrics::{Metrics, PollCounters};
use crate::agent::schedule::plan::{Choice, Plan};
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
        let services = services(watches, &metrics);
        let plan = plan(&services, setting, &*clock);
        let task = Task { services, plan, round: 0, setting, hub, clock, metrics };
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
    spec: Arc<ServiceSpec>,
    counters: PollCounters,
}

fn services(watches: Vec<Arc<dyn Watch>>, metrics: &Metrics) -> Vec<Served> {
    let each = watches.into_iter().map(|watch| {
        let spec = Arc::new(watch.describe());
        let counters = metrics.polls_of(&spec.key);
        Served { watch, spec, counters }
    });
    each.collect()
}

fn plan(services: &[Served], setting: Setting, clock: &dyn Clock) -> Plan {
    let jobs = services.iter().map(|s| s.watch.jobs()).collect();
    Plan::new(jobs, setting.concurrency, setting.looked_at_floor, clock.monotonic())
}

struct Task {
    services: Vec<Served>,
    plan: Plan,
    /// Counts configurations: a poll of an earlier one is no longer of this plan.
    round: u64,
    setting: Setting,
    hub: Hub,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
}

/// A finished poll: of which configuration, which job.
type Finished = (u64, u32);

impl Task {
    async fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        let mut polls: JoinSet<Finished> = JoinSet::new();
        loop {
            let now = self.clock.monotonic();
            self.plan.wake(now);
            while let Some((number, service, job)) = self.plan.start(now) {
                self.spawn(&mut polls, number, service, job);
            }
            let next = self.plan.next_due();
            let wait = next.map_or(Duration::from_secs(3_600), |due| due.saturating_sub(now));
            tokio::select! {
                biased;
                command = inbox.recv() => match command {
                    None => return,
                    Some(Command::Stop(done)) => {
                        self.drain(polls).await;
                        if done.send(()).is_err() {
                            tracing::debug!("nobody waits for the scheduler's end any more");
                        }
                        return;
                    }
                    Some(command) => self.obey(command, &mut polls),
                },
                Some(finished) = polls.join_next() => {
                    self.finished(finished);
                    while let Some(finished) = polls.try_join_next() {
                        self.finished(finished);
                    }
                }
                () = self.clock.sleep(wait) => {}
            }
        }
    }

    fn obey(&mut self, command: Command, polls: &mut JoinSet<Finished>) {
        let now = self.clock.monotonic();
        match command {
            Command::Refresh(choice, service, answer) => {
                let place = service.map(|key| self.services.iter().position(|s| s.spec.key == key));
                let (asked, too_soon) = match place {
                    // A service without a watcher has no job.
                    Some(None) => (0, 0),
                    place => {
                        let choice = Choice { service: place.flatten(), ..choice };
                        self.plan.refresh(choice, self.setting.refresh_floor, now)
                    }
                };
                self.metrics.refreshes(asked, too_soon);
                if answer.send(Refreshed { asked, too_soon }).is_err() {
                    tracing::debug!("whoever asked for a refresh is gone");
                }
            }
            Command::LookedAt(target) => self.plan.looked_at(target, now),
            Command::Configure(watches, done) => {
                polls.abort_all();
                self.round += 1;
                self.services = services(watches, &self.metrics);
                self.plan = plan(&self.services, self.setting, &*self.clock);
                if done.send(()).is_err() {
                    tracing::debug!("nobody waits for the new configuration any more");
                }
            }
            // Handled where the polls can be waited for.
            Command::Stop(_) => {}
        }
    }

    fn finished(&mut self, finished: Result<Finished, tokio::task::JoinError>) {
        match finished {
            Ok((round, number)) if round == self.round => {
                let chance = self.clock.chance();
                self.plan.finished(number, self.clock.monotonic(), chance);
            }
            // Of an earlier configuration, or cancelled with it.
            Ok(_) => {}
            Err(error) => {
                if !error.is_cancelled() {
                    tracing::error!("a poll's task died outside the poll: {error}");
                }
            }
        }
    }

    fn spawn(&self, polls: &mut JoinSet<Finished>, number: u32, service: usize, job: Job) {
        let Some(served) = self.services.get(service) else { return };
        let poll = Poll {
            watch: Arc::clone(&served.watch),
            spec: Arc::clone(&served.spec),
            counters: served.counters.clone(),
            job,
            hub: self.hub.clone(),
            clock: Arc::clone(&self.clock),
            metrics: Arc::clone(&self.metrics),
            time: self.setting.poll_time,
        };
        let round = self.round;
        polls.spawn(async move {
            poll.run().await;
            (round, number)
        });
    }

    async fn drain(&self, mut polls: JoinSet<Finished>) {
        let limit = self.clock.sleep(self.setting.drain_time);
        tokio::pin!(limit);
        loop {
            tokio::select! {
                next = polls.join_next() => if next.is_none() { return },
                () = &mut limit => break,
            }
        }
        tracing::warn!("{} polls did not end in time and are cancelled", polls.len());
        polls.shutdown().await;
    }
}

/// One poll, from asking to handing over.
struct Poll {
    watch: Arc<dyn Watch>,
    spec: Arc<ServiceSpec>,
    counters: PollCounters,
    job: Job,
    hub: Hub,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    time: Duration,
}

enum Outcome {
    Answered(Vec<crate::model::observation::Observation>),
    Late,
    Panicked,
}

impl Poll {
    async fn run(self) {
        let began = self.clock.monotonic();
        let outcome = self.ask().await;
        let took = self.clock.monotonic().saturating_sub(began);
        let now = self.clock.now();
        let answers = match outcome {
            Outcome::Answered(raw) => {
                self.counters.answered(took);
                let sifted = sift::sift(&self.job, &self.spec, raw, now);
                if sifted.foreign > 0 || sifted.missing > 0 {
                    self.report(sifted.foreign, sifted.missing);
                }
                sifted.answers
            }
            Outcome::Late => {
                self.counters.late(took);
                let detail = format!("no answer within {} s", self.time.as_secs());
                sift::no_answer(&self.job, &self.spec, now, &detail)
            }
            Outcome::Panicked => {
                self.counters.panicked(took);
                tracing::error!(service = %self.spec.key, job = %self.job.id, "a poll panicked");
                let detail = "caretaker itself failed while asking; its log says where";
                sift::no_answer(&self.job, &self.spec, now, detail)
            }
        };
        if self.hub.observed(answers).await.is_err() {
            tracing::debug!(service = %self.spec.key, "an answer came after the end");
        }
    }

    async fn ask(&self) -> Outcome {
        // The call itself may panic, before there is a future: it happens inside, too.
        let asked = async { self.watch.poll(&self.job, self.clock.now()).await };
        tokio::select! {
            answered = AssertUnwindSafe(asked).catch_unwind() => match answered {
                Ok(raw) => Outcome::Answered(raw),
                Err(_) => Outcome::Panicked,
            },
            () = self.clock.sleep(self.time) => Outcome::Late,
        }
    }

    fn report(&self, foreign: u64, missing: u64) {
        self.metrics.foreign(foreign);
        self.metrics.missing(missing);
        tracing::warn!(
            service = %self.spec.key, job = %self.job.id, foreign, missing,
            "an answer did not fit what was asked"
        );
    }
}

/// Which services a plan has twice: two watchers of one key would overwrite each other.
pub(in crate::agent) fn twice(watches: &[Arc<dyn Watch>]) -> Option<ServiceKey> {
    let mut seen: HashMap<ServiceKey, ()> = HashMap::new();
    watches.iter().map(|w| w.describe().key).find(|key| seen.insert(key.clone(), ()).is_some())
}
