//! The handle by which others reach the hub.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::engine::Event;
use crate::engine::incidents::{Order, OrderError};
use crate::hub::reader::Reader;
use crate::hub::task::{Bells, Held, Message, Query, Task};
use crate::hub::view::{Snapshot, View};
use crate::model::cell::Handling;
use crate::model::desk::CellName;
use crate::model::estate::Estate;
use crate::model::observation::Observation;
use crate::model::text::Clean;
use crate::ports::clock::Clock;
use crate::ports::store::{KeptBoard, Store};

/// Batches that may wait: one per running poll would do; each sender waits for its place, so a full
/// queue slows polling down instead of losing an answer.
const QUEUE: usize = 256;
/// Questions that may wait: one per connection.
const QUESTIONS: usize = 256;

/// The hub has ended: the agent stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the agent is stopping")]
pub struct HubGone;

/// Reaches the hub. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    messages: mpsc::Sender<Message>,
    queries: mpsc::Sender<Query>,
    view: Arc<RwLock<View>>,
    bell: watch::Receiver<u64>,
    settled: watch::Receiver<bool>,
    refused: Arc<AtomicU64>,
    /// The last snapshot, as long as anybody reads it.
    last: Arc<Mutex<Weak<Snapshot>>>,
}

impl Hub {
    /// Builds the world from `estate` and what was kept, and starts the task. Costs a pass over all
    /// cells.
    #[must_use]
    pub fn start(
        estate: Arc<Estate>,
        kept: KeptBoard,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> (Self, JoinHandle<()>) {
        let (held, told) = Held::new(estate, kept, clock.now());
        let view = Arc::new(RwLock::new(held.first_view()));
        let (ring, bell) = watch::channel(held.world().revision());
        let (settle, settled) = watch::channel(held.world().settled());
        let (messages, from_messages) = mpsc::channel(QUEUE);
        let (queries, from_queries) = mpsc::channel(QUESTIONS);
        let task = Task::new(held, Arc::clone(&view), Bells { ring, settle }, store, clock);
        let running = tokio::spawn(task.run(from_messages, from_queries, told));
        let refused = Arc::new(AtomicU64::new(0));
        let last = Arc::default();
        (Self { messages, queries, view, bell, settled, refused, last }, running)
    }

    /// Hands over what a poll saw. Waits for a place in the queue.
    ///
    /// # Errors
    /// When the hub has ended; the answers are then counted as refused.
    pub async fn observed(&self, answers: Vec<Observation>) -> Result<(), HubGone> {
        let count = u64::try_from(answers.len()).unwrap_or(u64::MAX);
        self.send(Message::Observed(answers)).await.inspect_err(|_| {
            self.refused.fetch_add(count, Ordering::Relaxed);
        })
    }

    /// Has events judged in one go: readers see all of them or none. Who asks after its return sees
    /// what they led to.
    async fn happened(&self, events: Vec<Event>) -> Result<(), HubGone> {
        let (done, judged) = oneshot::channel();
        self.send(Message::Events(events, done)).await?;
        judged.await.map_err(|_| HubGone)
    }

    /// Somebody has cells, will have them `from` then on, or no longer (`None`).
    ///
    /// # Errors
    /// When the hub has ended.
    pub async fn handled(
        &self,
        cells: &[CellName],
        from: Option<Timestamp>,
        handling: Option<&Handling>,
    ) -> Result<(), HubGone> {
        let events = cells.iter().map(|name| Event::Handled {
            row: name.row,
            service: name.service.clone(),
            from,
            handling: handling.cloned(),
        });
        self.happened(events.collect()).await
    }

    /// Carries out what an operator orders about incidents. The number of the incident that it is
    /// about now.
    ///
    /// # Errors
    /// When the hub has ended; the inner error when the order is refused.
    pub async fn order(&self, order: Order) -> Result<Result<u64, OrderError>, HubGone> {
        let (answer, answered) = oneshot::channel();
        self.send(Message::Order(order, answer)).await?;
        answered.await.map_err(|_| HubGone)
    }

    /// Another configuration.
    ///
    /// # Errors
    /// When the hub has ended.
    pub async fn configured(&self, estate: Arc<Estate>) -> Result<(), HubGone> {
        self.happened(vec![Event::Configured(estate)]).await
    }

    /// Judges what still waits, hands it to the store, tells every reader goodbye, and ends.
    pub async fn stop(&self, why: Clean) {
        let (done, finished) = oneshot::channel();
        if self.send(Message::Stop(why, done)).await.is_ok() && finished.await.is_err() {
            tracing::error!("the hub ended before it was asked to");
        }
    }

    async fn send(&self, message: Message) -> Result<(), HubGone> {
        self.messages.send(message).await.map_err(|_| HubGone)
    }

    /// Asks the task itself, between two batches of events. `question` must be quick: everything
    /// else waits for it.
    ///
    /// # Errors
    /// When the hub has ended.
    pub async fn ask<R: Send + 'static>(
        &self,
        question: impl FnOnce(&Held) -> R + Send + 'static,
    ) -> Result<R, HubGone> {
        let (answer, answered) = oneshot::channel();
        let query: Query = Box::new(move |held| {
            // Whoever asked may have gone; then nobody wants the answer.
            drop(answer.send(question(held)));
        });
        self.queries.send(query).await.map_err(|_| HubGone)?;
        answered.await.map_err(|_| HubGone)
    }

    /// The board now; shared with whoever else reads the same revision.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        self.read(|view| {
            let same = last.upgrade().filter(|snapshot| view.is_still(snapshot));
            same.unwrap_or_else(|| {
                let fresh = Arc::new(view.snapshot());
                *last = Arc::downgrade(&fresh);
                fresh
            })
        })
    }

    /// A reader of changes after revision `last`, or from now on.
    #[must_use]
    pub fn reader(&self, last: Option<u64>) -> Reader {
        Reader::new(Arc::clone(&self.view), self.bell.clone(), last)
    }

    /// Revision and whether every check was tried.
    #[must_use]
    pub fn stand(&self) -> (u64, bool) {
        self.read(|view| (view.revision, view.settled))
    }

    /// Ends once every check of the configuration has been tried; wakes nobody before.
    ///
    /// # Errors
    /// When the hub has ended.
    pub async fn settled(&self) -> Result<(), HubGone> {
        let mut settled = self.settled.clone();
        settled.wait_for(|settled| *settled).await.map(drop).map_err(|_| HubGone)
    }

    /// Cells and schools by health.
    #[must_use]
    pub fn totals(&self) -> (crate::model::cell::Summary, crate::model::cell::Summary) {
        self.read(|view| (view.summary, view.schools_summary))
    }

    /// The configuration.
    #[must_use]
    pub fn estate(&self) -> Arc<Estate> {
        self.read(|view| Arc::clone(&view.shape.estate))
    }

    /// Answers that came after the hub had ended.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn read<R>(&self, look: impl FnOnce(&View) -> R) -> R {
        look(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The first revision of a process: beyond any that an earlier process gave, even if its last
/// writes are lost or the clock was set back.
pub(super) fn first_revision(kept: u64, now: Timestamp) -> u64 {
    /// More steps than can wait for the writer.
    const SLACK: u64 = 10_000_000;
    let clock = u64::try_from(now.as_microsecond()).unwrap_or(0);
    if kept == 0 { clock } else { clock.max(kept.saturating_add(SLACK)) }
}
