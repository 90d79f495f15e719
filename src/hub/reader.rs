//! One reader of changes: a revision and, while it catches up, a place in the rows.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::hub::view::View;
use crate::model::text::Clean;
use crate::wire::board::Change;

/// Cells in one event. More are sent as several, so that neither side holds a large one.
const CELLS: usize = 2_000;

/// Catching up with the revision that stood when it began.
#[derive(Debug, Clone, Copy)]
struct Scan {
    goal: u64,
    next: usize,
}

/// Reads changes at its own speed; what it did not read in time it gets coalesced.
pub struct Reader {
    view: Arc<RwLock<View>>,
    bell: watch::Receiver<u64>,
    generation: u64,
    /// Everything up to this revision was sent.
    sent: u64,
    settled: bool,
    scan: Option<Scan>,
    /// The reader must begin anew, and why.
    reset: Option<Clean>,
    over: bool,
}

impl Reader {
    /// From `last` on, or from now on.
    pub(super) fn new(
        view: Arc<RwLock<View>>,
        bell: watch::Receiver<u64>,
        last: Option<u64>,
    ) -> Self {
        let now = view.read().unwrap_or_else(PoisonError::into_inner);
        let sent = last.unwrap_or(now.revision);
        let known = (now.floor..=now.revision).contains(&sent);
        let reset = (!known).then(|| {
            Clean::new(
                "the agent does not know that revision (it was restarted or reconfigured): \
                 fetch /v1/board, then come back with its revision",
            )
        });
        let (generation, settled) = (now.generation, now.settled);
        drop(now);
        Self { view, bell, generation, sent, settled, scan: None, reset, over: false }
    }

    /// Everything up to this revision was handed out: the id of the last event.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// What there is to tell now, if anything. After `Reset` and `Bye` there is nothing more.
    ///
    /// While several events are needed to catch up, their revision stays at the one before, so
    /// that a reader whose connection breaks between two of them loses nothing.
    pub fn next(&mut self, now: Timestamp) -> Option<Change> {
        self.next_of(now, CELLS)
    }

    /// As [`Self::next`], with about `limit` cells in an event.
    pub(super) fn next_of(&mut self, now: Timestamp, limit: usize) -> Option<Change> {
        if self.over {
            return None;
        }
        if let Some(why) = self.reset.take() {
            self.over = true;
            return Some(Change::Reset { why });
        }
        self.bell.borrow_and_update();
        let view = self.view.read().unwrap_or_else(PoisonError::into_inner);
        if view.generation != self.generation {
            self.over = true;
            let why = Clean::new("schools or services were configured anew: fetch /v1/board");
            return Some(Change::Reset { why });
        }
        if self.scan.is_none() && self.sent < view.revision {
            self.scan = Some(Scan { goal: view.revision, next: 0 });
        }
        if let Some(scan) = self.scan {
            let (cells, next) = view.changed_since(self.sent, scan.next, limit);
            self.scan = next.map(|next| Scan { next, ..scan });
            if next.is_none() {
                self.sent = scan.goal;
            }
            if !cells.is_empty() {
                self.settled = view.settled;
                return Some(Change::Cells {
                    revision: self.sent,
                    as_of: now,
                    cells,
                    summary: view.summary,
                    schools_summary: view.schools_summary,
                    split: view.split,
                    settled: view.settled,
                });
            }
        }
        if view.settled != self.settled {
            self.settled = view.settled;
            drop(view);
            return Some(self.beat(now));
        }
        if let Some(why) = &view.bye {
            self.over = true;
            return Some(Change::Bye { why: why.clone() });
        }
        None
    }

    /// The sign of life at this moment; of actions the hub knows nothing.
    #[must_use]
    pub fn beat(&self, now: Timestamp) -> Change {
        Change::Beat { revision: self.sent, as_of: now, settled: self.settled, acts: 0 }
    }

    /// Whether more is needed to catch up.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.scan.is_some()
    }

    /// Whether there is nothing more to come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Ends when something was published since the last [`Self::next`].
    pub async fn published(&mut self) {
        if self.bell.changed().await.is_err() {
            // The hub is gone without a word: so is the stream.
            self.over = true;
        }
    }
}
