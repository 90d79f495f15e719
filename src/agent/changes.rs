//! `GET /v1/changes`: changes as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::hub::Reader;
use crate::ports::clock::Clock;
use crate::wire::board::Change;

/// The least time between two rounds of changes: what happens in between is sent as one.
const PACE: Duration = Duration::from_millis(100);

struct Following {
    reader: Reader,
    clock: Arc<dyn Clock>,
    beat: Duration,
    /// When the last event was made, by the monotonic clock; `None` before the first.
    last: Option<Duration>,
    /// Whether that was the end of a round of changes.
    pace: bool,
    /// Counts what happens to plans and actions; none where there is no guard.
    news: Option<watch::Receiver<u64>>,
    /// The number that was told last.
    told: u64,
    /// One of the places for readers; given back when the connection ends.
    _place: OwnedSemaphorePermit,
}

/// Follows `reader`, and the `news` of the guard, until it is over or the client is gone. The first
/// event comes at once.
pub(super) fn follow(
    reader: Reader,
    news: Option<watch::Receiver<u64>>,
    clock: Arc<dyn Clock>,
    beat: Duration,
    place: OwnedSemaphorePermit,
) -> Response {
    let state =
        Following { reader, clock, beat, last: None, pace: false, news, told: 0, _place: place };
    // A script that reads to the end of the stream sees it end.
    let close = [(header::CONNECTION, "close")];
    let events = Sse::new(stream::unfold(state, |mut state| async move {
        let change = state.next().await?;
        Some((Ok::<Event, Infallible>(event(&change, state.reader.sent())), state))
    }));
    (close, events).into_response()
}

impl Following {
    async fn next(&mut self) -> Option<Change> {
        if self.pace
            && let Some(last) = self.last
        {
            let since = self.clock.monotonic().saturating_sub(last);
            self.clock.sleep(PACE.saturating_sub(since)).await;
        }
        let mut change = self.wait().await?;
        self.pace = matches!(change, Change::Cells { .. }) && !self.reader.is_behind();
        if let Change::Beat { acts, .. } = &mut change {
            *acts = self.acts();
            // Steps follow each other quickly: they are told in rounds as well.
            self.pace = *acts != self.told;
            self.told = *acts;
        }
        self.last = Some(self.clock.monotonic());
        Some(change)
    }

    /// The number of the guard's news; that number is then told.
    fn acts(&mut self) -> u64 {
        self.news.as_mut().map_or(0, |news| *news.borrow_and_update())
    }

    async fn wait(&mut self) -> Option<Change> {
        loop {
            // Before the cells, which on a busy board never end.
            if self.last.is_some() && self.acts() != self.told {
                return Some(self.reader.beat(self.clock.now()));
            }
            if let Some(change) = self.reader.next(self.clock.now()) {
                return Some(change);
            }
            if self.reader.is_over() {
                return None;
            }
            let Some(last) = self.last else { return Some(self.reader.beat(self.clock.now())) };
            let left = (last + self.beat).saturating_sub(self.clock.monotonic());
            tokio::select! {
                () = self.reader.published() => {}
                () = changed(&mut self.news) => {}
                () = self.clock.sleep(left) => return Some(self.reader.beat(self.clock.now())),
            }
        }
    }
}

/// Ends with the next news of the guard; never, where there can be none.
async fn changed(news: &mut Option<watch::Receiver<u64>>) {
    let heard = match news {
        Some(news) => news.changed().await.is_ok(),
        None => false,
    };
    if !heard {
        std::future::pending::<()>().await;
    }
}

fn event(change: &Change, sent: u64) -> Event {
    let event = Event::default();
    let event = match change {
        Change::Cells { .. } | Change::Beat { .. } => event.id(sent.to_string()),
        Change::Reset { .. } | Change::Bye { .. } => event,
    };
    match serde_json::to_string(change) {
        Ok(text) => event.data(text),
        Err(error) => {
            tracing::error!("a change could not be written: {error}");
            event.comment("a change could not be written")
        }
    }
}
