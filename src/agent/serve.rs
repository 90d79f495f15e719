//! The accept loop: HTTP/1.1 with limits on everything a client could take.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::agent::metrics::Metrics;
use crate::agent::peers::{Gate, PeerId};
use crate::agent::problem::Refusal;
use crate::agent::settings::Limits;
use crate::ports::clock::{Boxed, Clock};

/// How long a connection may take to end once the agent ends.
const LEAVE: Duration = Duration::from_secs(1);
/// The pause after the system refused to accept, such as for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Server {
    pub router: Router,
    pub gate: Gate,
    pub limits: Limits,
    pub clock: Arc<dyn Clock>,
    pub metrics: Arc<Metrics>,
    pub stop: CancellationToken,
}

impl Server {
    /// Serves until told to stop and every connection has ended.
    pub async fn run(self, listener: UnixListener) {
        let server = Arc::new(self);
        let places = Arc::new(Semaphore::new(server.limits.connections));
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = server.stop.cancelled() => break,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!("a connection could not be accepted: {error}");
                    server.clock.sleep(PAUSE).await;
                    continue;
                }
            };
            let peer = match server.gate.admit(&stream) {
                Ok(peer) => peer,
                Err(refusal) => {
                    server.turn_away(&stream, &refusal);
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                let busy = Refusal::busy("as many connections as this agent serves are open");
                server.turn_away(&stream, &busy);
                continue;
            };
            let server = Arc::clone(&server);
            connections.spawn(async move {
                server.serve(stream, peer).await;
                drop(place);
            });
        }
        connections.close();
        connections.wait().await;
    }

    async fn serve(&self, stream: UnixStream, peer: PeerId) {
        let io = TokioIo::new(Patient::new(stream, self.limits.unread_time, &self.clock));
        let router = self.router.clone();
        let service = router.map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            request.map(Body::new)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head_time)
            .max_buf_size(self.limits.head)
            .serve_connection(io, TowerToHyperService::new(service));
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = self.clock.sleep(LEAVE) => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!("a connection ended early: {error}");
        }
    }

    /// Says no without spending a task on it: whoever is not admitted gets one write.
    fn turn_away(&self, stream: &UnixStream, refusal: &Refusal) {
        self.metrics.turned_away();
        let body = serde_json::to_string(&refusal.problem).unwrap_or_default();
        let text = format!(
            "HTTP/1.1 {} {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            refusal.status.as_u16(),
            refusal.status.canonical_reason().unwrap_or_default(),
            body.len()
        );
        if let Err(error) = stream.try_write(text.as_bytes()) {
            tracing::debug!("a refusal could not be said: {error}");
        }
    }
}

/// A stream whose other side must read: what was written and lies unread for too long ends it.
struct Patient {
    stream: UnixStream,
    limit: Duration,
    clock: Arc<dyn Clock>,
    waiting: Option<Boxed<'static, ()>>,
}

impl Patient {
    fn new(stream: UnixStream, limit: Duration, clock: &Arc<dyn Clock>) -> Self {
        Self { stream, limit, clock: Arc::clone(clock), waiting: None }
    }

    /// Passes `outcome` on; turns too long a wait into an error.
    fn bound<T>(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.waiting = None;
            return outcome;
        }
        let (clock, limit) = (&self.clock, self.limit);
        let waiting = self.waiting.get_or_insert_with(|| clock.sleep(limit));
        match waiting.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, into)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.bound(context, outcome)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
