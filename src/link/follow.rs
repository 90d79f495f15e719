//! Following the board: reconnects for ever, resumes where it was, notices a link that died.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use eventsource_stream::Eventsource;
use futures_util::{Stream, StreamExt};
use hyper::body::Bytes;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Link, LinkError, LinkEvent, http, read};
use crate::wire::board::Change;

/// Events that wait for the console; while it does not take them the agent coalesces.
const QUEUE: usize = 64;
/// Three beats of the agent: a link without a byte for so long is dead.
const DEAD: Duration = Duration::from_secs(15);
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

pub(super) fn start(link: Link, first: Option<usize>) -> mpsc::Receiver<LinkEvent> {
    start_with(link, DEAD, first)
}

/// As [`start`], with another time after which a silent link is dead.
pub(super) fn start_with(
    link: Link,
    dead: Duration,
    first: Option<usize>,
) -> mpsc::Receiver<LinkEvent> {
    let (events, receiver) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        let mut follower = Follower { link, events, dead, first, revision: None, lost: false };
        // It ends only because nobody listens any more.
        while follower.attempt().await.is_ok() {}
    });
    receiver
}

/// Nobody listens.
struct Unheard;

/// Why a stream of changes ended.
enum End {
    /// The board must be fetched again.
    Reset,
    Lost(LinkError),
    Unheard,
}

impl From<Unheard> for End {
    fn from(_: Unheard) -> Self {
        Self::Unheard
    }
}

struct Follower {
    link: Link,
    events: mpsc::Sender<LinkEvent>,
    dead: Duration,
    /// So many rows are wanted before the first whole board.
    first: Option<usize>,
    /// The revision up to which the console knows the board; `None` if it must be fetched.
    revision: Option<u64>,
    /// Whether the console was told that the connection is lost.
    lost: bool,
}

impl Follower {
    /// Follows until the connection is lost, then waits, longer each time, until it is back.
    async fn attempt(&mut self) -> Result<(), Unheard> {
        let mut waits = ExponentialBuilder::new()
            .with_min_delay(FIRST_WAIT)
            .with_max_delay(LONGEST_WAIT)
            .with_jitter()
            .without_max_times()
            .build();
        loop {
            match self.run().await {
                End::Unheard => return Err(Unheard),
                End::Reset => {
                    self.revision = None;
                    // An agent that resets at once again and again is not asked in a hot loop.
                    tokio::time::sleep(FIRST_WAIT).await;
                    return Ok(());
                }
                End::Lost(error) => {
                    let was_up = !self.lost;
                    if was_up {
                        self.lost = true;
                        self.tell(LinkEvent::Lost(error)).await?;
                    }
                    let wait = waits.next().unwrap_or(LONGEST_WAIT);
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = self.events.closed() => return Err(Unheard),
                    }
                    if was_up {
                        // The waits begin anew with each loss.
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn tell(&mut self, event: LinkEvent) -> Result<(), Unheard> {
        self.events.send(event).await.map_err(|_| Unheard)
    }

    async fn run(&mut self) -> End {
        let revision = match self.revision {
            Some(revision) => revision,
            None => match self.fetch().await {
                Ok(revision) => revision,
                Err(end) => return end,
            },
        };
        let socket = self.link.socket().to_owned();
        match http::changes(&socket, revision).await {
            Err(error) => End::Lost(error),
            Ok(Err(answer)) => match read::<Change>(&answer) {
                Err(error) => End::Lost(error),
                Ok(_) => End::Reset,
            },
            Ok(Ok(stream)) => {
                let bytes = stream.filter_map(|frame| async move {
                    match frame {
                        Ok(frame) => frame.into_data().ok().map(Ok),
                        Err(error) => Some(Err(error)),
                    }
                });
                self.listen(bytes).await
            }
        }
    }

    async fn fetch(&mut self) -> Result<u64, End> {
        let mut board = match self.first.take() {
            Some(rows) => self.link.first_of_board(rows).await,
            None => self.link.board().await,
        }
        .map_err(End::Lost)?;
        if board.first_of.is_some() {
            self.tell(LinkEvent::Board(Box::new(board))).await?;
            board = self.link.board().await.map_err(End::Lost)?;
        }
        let revision = board.revision;
        self.tell(LinkEvent::Board(Box::new(board))).await?;
        self.revision = Some(revision);
        self.lost = false;
        Ok(revision)
    }

    async fn listen(&mut self, bytes: impl Stream<Item = Result<Bytes, hyper::Error>>) -> End {
        let events = bytes.eventsource();
        tokio::pin!(events);
        loop {
            let next = tokio::select! {
                next = timeout(self.dead, events.next()) => next,
                () = self.events.closed() => return End::Unheard,
            };
            let change = match next {
                Err(_) => {
                    let silence = self.dead.as_secs_f32();
                    return self.gone(&format!("it has not been heard of for {silence} s"));
                }
                Ok(None) => return self.gone("it closed the connection"),
                Ok(Some(Err(error))) => return self.gone(&error.to_string()),
                Ok(Some(Ok(event))) => match serde_json::from_str::<Change>(&event.data) {
                    Ok(change) => change,
                    Err(error) => {
                        return End::Lost(LinkError::Version { why: error.to_string() });
                    }
                },
            };
            self.lost = false;
            match &change {
                Change::Cells { revision, .. } | Change::Beat { revision, .. } => {
                    self.revision = Some(*revision);
                }
                Change::Reset { .. } => return End::Reset,
                Change::Bye { .. } => {}
            }
            if self.tell(LinkEvent::Change(change)).await.is_err() {
                return End::Unheard;
            }
        }
    }

    fn gone(&self, why: &str) -> End {
        End::Lost(LinkError::NoAgent {
            socket: self.link.socket().display().to_string(),
            why: why.to_owned(),
        })
    }
}
