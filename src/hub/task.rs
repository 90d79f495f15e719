//! The task: events in, the engine's effects out to the view and to the store.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot, watch};

use crate::engine::incidents::{Incidents, Order, OrderError};
use crate::engine::{self, Effect, Event, World};
use crate::hub::handle::first_revision;
use crate::hub::runs::Runs;
use crate::hub::view::{Shape, View};
use crate::model::cell::{Row, StateChange};
use crate::model::estate::Estate;
use crate::model::incident::KeptIncident;
use crate::model::kept::{KeptCell, KeptMemory, KeptPlan, KeptRun};
use crate::model::observation::Observation;
use crate::model::text::Clean;
use crate::ports::clock::Clock;
use crate::ports::store::{KeptBoard, Save, Store};

/// Messages taken at once; more wait a round, so that questions are answered in between.
const ROUND: usize = 1_024;
/// The longest sleep, so that a clock that was set or a machine that slept is noticed.
const LONGEST: Duration = Duration::from_secs(30);
/// The longest time without a word to the store: by these words it knows later when somebody looked.
const WORD: SignedDuration = SignedDuration::from_mins(4);
/// The shortest sleep between two ticks.
const SHORTEST: Duration = Duration::from_millis(20);

pub(super) enum Message {
    Observed(Vec<Observation>),
    /// To be judged together, and who waits until readers see what they led to.
    Events(Vec<Event>, oneshot::Sender<()>),
    /// What an operator orders about incidents, and where the answer goes.
    Order(Order, oneshot::Sender<Result<u64, OrderError>>),
    Stop(Clean, oneshot::Sender<()>),
}

pub(super) type Query = Box<dyn FnOnce(&Held) + Send>;

/// What the task holds: the world and what was derived from its configuration.
pub struct Held {
    world: World,
    shape: Arc<Shape>,
    pub(super) incidents: Incidents,
    restored_from: Option<Timestamp>,
    now: Timestamp,
}

impl Held {
    /// The world at the start, and what its restoring told: to be kept.
    pub(super) fn new(estate: Arc<Estate>, kept: KeptBoard, now: Timestamp) -> (Self, Round) {
        let KeptBoard { revision, written_at, cells, memories, planned, incidents, last_incident } =
            kept;
        let shape = Arc::new(Shape::new(Arc::clone(&estate)));
        let mut world = World::new(estate, now, first_revision(revision, now));
        let mut restored_from = None;
        let mut told = Round::default();
        if let Some(written_at) = written_at {
            if !cells.is_empty() {
                restored_from = Some(written_at);
            }
            let restored = Event::Restored { written_at, cells, memories };
            told.add(engine::step(&mut world, now, restored));
        }
        for KeptPlan { from, row, service, handling } in planned {
            let (from, handling) = (Some(from), Some(handling));
            let event = Event::Handled { row, service, from, handling };
            told.add(engine::step(&mut world, now, event));
            // What began or ended meanwhile is to be kept no more.
            told.planned = true;
        }
        let incidents = Incidents::restored(incidents, last_incident);
        let mut held = Self { world, shape, incidents, restored_from, now };
        held.look_at_all();
        told.incidents = held.incidents.take_changes();
        (held, told)
    }

    /// What was derived from the configuration, where that is another one now.
    pub(super) fn shape_anew(&mut self) {
        if !Arc::ptr_eq(&self.shape.estate, self.world.estate()) {
            self.shape = Arc::new(Shape::new(Arc::clone(self.world.estate())));
        }
    }

    pub(super) fn first_view(&self) -> View {
        View::new(&self.world, 0, self.restored_from)
    }

    pub(super) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The world.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The agent's clock at the last event or question.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }
}

/// What a round of events led to.
#[derive(Default)]
pub(super) struct Round {
    changed: Vec<(Row, u16)>,
    history: Vec<(Row, StateChange)>,
    memories: Vec<KeptMemory>,
    runs: Vec<KeptRun>,
    pub(super) incidents: Vec<KeptIncident>,
    planned: bool,
    reset: bool,
    settled: bool,
}

impl Round {
    fn add(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Changed { row, column } => self.changed.push((row, column)),
                Effect::History { row, change } | Effect::Noted { row, change } => {
                    self.history.push((row, change))
                }
                Effect::Remember(memory) => self.memories.push(memory),
                Effect::Planned => self.planned = true,
                Effect::Reset => self.reset = true,
                Effect::Settled => self.settled = true,
            }
        }
    }
}

/// What others wait for.
pub(super) struct Bells {
    /// Counts publications.
    pub ring: watch::Sender<u64>,
    /// Whether every check was tried.
    pub settle: watch::Sender<bool>,
}

pub(super) struct Task {
    held: Held,
    view: Arc<RwLock<View>>,
    bells: Bells,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    generation: u64,
    /// Counts publications; what readers wait for.
    published: u64,
    runs: Runs,
    /// When the store last had a word; none before the first.
    saved_at: Option<Timestamp>,
}

impl Task {
    pub fn new(
        held: Held,
        view: Arc<RwLock<View>>,
        bells: Bells,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let runs = Runs::new(held.world.estate());
        Self { held, view, bells, store, clock, generation: 0, published: 0, runs, saved_at: None }
    }

    pub async fn run(
        mut self,
        mut messages: mpsc::Receiver<Message>,
        mut queries: mpsc::Receiver<Query>,
        told: Round,
    ) {
        let is_news = !told.history.is_empty() || !told.memories.is_empty();
        if is_news || told.planned || !told.incidents.is_empty() {
            self.save(self.held.now, told);
        }
        let mut taken = Vec::with_capacity(ROUND);
        loop {
            tokio::select! {
                biased;
                Some(query) = queries.recv() => {
                    self.held.now = self.clock.now();
                    query(&self.held);
                }
                count = messages.recv_many(&mut taken, ROUND) => {
                    if count == 0 {
                        return;
                    }
                    if let Some((why, done)) = self.round(&mut taken) {
                        self.goodbye(why);
                        if done.send(()).is_err() {
                            tracing::debug!("nobody waits for the hub's end any more");
                        }
                        return;
                    }
                }
                () = self.clock.sleep(self.until_deadline()) => self.tick(),
            }
        }
    }

    fn until_deadline(&self) -> Duration {
        let incidents = self.held.incidents.next_deadline();
        let deadline = [self.held.world.next_deadline(), incidents].into_iter().flatten().min();
        let Some(deadline) = deadline else { return LONGEST };
        let left = deadline.duration_since(self.clock.now());
        Duration::try_from(left).unwrap_or(Duration::ZERO).clamp(SHORTEST, LONGEST)
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        if self.held.world.next_deadline().is_some_and(|deadline| deadline <= now) {
            let mut round = Round::default();
            round.add(engine::step(&mut self.held.world, now, Event::Tick));
            self.publish(now, round);
        } else if self.held.incidents.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.publish(now, Round::default());
        } else if self.owes_word(now) {
            self.save(now, Round::default());
        }
    }

    fn owes_word(&self, now: Timestamp) -> bool {
        self.held.world.settled() && self.saved_at.is_none_or(|at| now.duration_since(at) >= WORD)
    }

    /// Judges what was taken. The sender of a stop, if there was one: what came after it is late.
    fn round(&mut self, taken: &mut Vec<Message>) -> Option<(Clean, oneshot::Sender<()>)> {
        let now = self.clock.now();
        let mut round = Round::default();
        let mut stop = None;
        let mut waiting = Vec::new();
        for message in taken.drain(..) {
            match message {
                Message::Observed(answers) => {
                    round.runs.extend(answers.iter().filter_map(|a| self.runs.of(a, now)));
                    for answer in answers {
                        round.add(engine::step(&mut self.held.world, now, Event::Observed(answer)));
                    }
                }
                Message::Events(events, done) => {
                    for event in events {
                        round.add(engine::step(&mut self.held.world, now, event));
                    }
                    waiting.push(done);
                }
                Message::Order(order, answer) => {
                    self.held.now = now;
                    self.held.look_at(&round.changed);
                    let done = self.held.incidents.order(now, order);
                    // Whoever asked may have gone; it is done nevertheless.
                    drop(answer.send(done));
                }
                Message::Stop(why, done) => {
                    stop = Some((why, done));
                    break;
                }
            }
        }
        self.publish(now, round);
        for done in waiting {
            if done.send(()).is_err() {
                tracing::debug!("whoever asked has gone; it is done nevertheless");
            }
        }
        stop
    }

    fn publish(&mut self, now: Timestamp, mut round: Round) {
        self.held.now = now;
        round.changed.sort_unstable();
        round.changed.dedup();
        if round.reset {
            self.held.look_at_all();
        } else {
            self.held.look_at(&round.changed);
        }
        round.incidents = self.held.incidents.take_changes();
        let world = &self.held.world;
        if round.reset {
            self.generation += 1;
            self.runs = Runs::new(world.estate());
            let fresh = View::new(world, self.generation, self.held.restored_from);
            // The engine names no single change then: all are kept.
            round.changed = fresh.everything();
            *self.view.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        } else if !round.changed.is_empty() || round.settled {
            let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
            view.publish(world, &round.changed);
        } else if round.history.is_empty() && round.memories.is_empty() && !round.planned {
            // Nothing that a reader of the board would see.
            let waits = !round.runs.is_empty() || !round.incidents.is_empty();
            if waits || self.owes_word(now) {
                self.save(now, round);
            }
            return;
        }
        if world.settled() {
            self.held.restored_from = None;
        }
        self.published += 1;
        self.bells.ring.send_replace(self.published);
        let settled = world.settled();
        self.bells.settle.send_if_modified(|was| std::mem::replace(was, settled) != settled);
        self.save(now, round);
    }

    fn save(&mut self, now: Timestamp, round: Round) {
        self.saved_at = Some(now);
        let world = &self.held.world;
        let columns = &self.held.shape.columns;
        let cells = round.changed.iter().filter_map(|(row, column)| {
            let service = columns.get(usize::from(*column))?.key.clone();
            Some(KeptCell { row: *row, service, cell: world.cell(*row, *column) })
        });
        self.store.keep(Save {
            at: now,
            revision: world.revision(),
            cells: cells.collect(),
            memories: round.memories,
            history: round.history,
            desk: Vec::new(),
            incidents: round.incidents,
            runs: round.runs,
            planned: round.planned.then(|| world.planned().collect()),
        });
    }

    fn goodbye(&mut self, why: Clean) {
        self.view.write().unwrap_or_else(PoisonError::into_inner).bye = Some(why);
        self.published += 1;
        self.bells.ring.send_replace(self.published);
    }
}
