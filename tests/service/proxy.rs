//! The wire between the agent and its vendors, on which a test can stop everything at a moment of its
//! choosing. It carries TLS as it comes and reads nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Where a piece goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Out,
    Back,
}

/// Whether the wire stops at this piece, by its way and its number since it was armed.
type Stops = Box<dyn FnMut(Way, u64) -> bool + Send>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Flows,
    Stopped,
}

struct Inner {
    stops: Mutex<(Option<Stops>, u64)>,
    state: watch::Sender<State>,
    /// Whether the piece at which it stopped is lost when it flows again.
    loses: Mutex<bool>,
}

/// The wire; every connection of every vendor goes through it.
#[derive(Clone)]
pub struct Wire(Arc<Inner>);

impl Wire {
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            stops: Mutex::new((None, 0)),
            state: watch::Sender::new(State::Flows),
            loses: Mutex::default(),
        }))
    }

    /// A door for each port of `ports` at `host`; from which to which.
    pub async fn lead(
        &self,
        host: &'static str,
        ports: impl IntoIterator<Item = u16>,
    ) -> BTreeMap<u16, u16> {
        let mut doors = BTreeMap::new();
        for port in ports {
            let listener = TcpListener::bind((host, 0)).await.unwrap();
            doors.insert(port, listener.local_addr().unwrap().port());
            let wire = self.clone();
            tokio::spawn(async move {
                while let Ok((near, _)) = listener.accept().await {
                    let wire = wire.clone();
                    tokio::spawn(async move {
                        let Ok(far) = TcpStream::connect((host, port)).await else { return };
                        wire.carry(near, far).await;
                    });
                }
            });
        }
        doors
    }

    /// Stops at the first piece that `at` chooses.
    pub fn arm(&self, loses: bool, at: impl FnMut(Way, u64) -> bool + Send + 'static) {
        *self.0.loses.lock().unwrap() = loses;
        *self.0.stops.lock().unwrap() = (Some(Box::new(at)), 0);
    }

    /// Pieces since it was armed.
    pub fn passed(&self) -> u64 {
        self.0.stops.lock().unwrap().1
    }

    /// Whether it has stopped.
    pub fn has_stopped(&self) -> bool {
        *self.0.state.borrow() == State::Stopped
    }

    /// Flows again, and stops no more.
    pub fn flow(&self) {
        self.0.stops.lock().unwrap().0 = None;
        self.0.state.send_replace(State::Flows);
    }

    /// Lets a piece pass when it may; `false` when it is lost.
    async fn pass(&self, way: Way) -> bool {
        let mut state = self.0.state.subscribe();
        // Whoever comes while it stands waits as well, and is not lost.
        drop(state.wait_for(|state| *state == State::Flows).await);
        let stops = {
            let mut held = self.0.stops.lock().unwrap();
            held.1 += 1;
            let (stops, n) = &mut *held;
            stops.as_mut().is_some_and(|stops| stops(way, *n))
        };
        if !stops {
            return true;
        }
        self.0.stops.lock().unwrap().0 = None;
        self.0.state.send_replace(State::Stopped);
        drop(state.wait_for(|state| *state == State::Flows).await);
        !*self.0.loses.lock().unwrap()
    }

    async fn carry(&self, near: TcpStream, far: TcpStream) {
        let (near_in, near_out) = near.into_split();
        let (far_in, far_out) = far.into_split();
        let out = self.clone();
        let one = tokio::spawn(async move { out.pump(near_in, far_out, Way::Out).await });
        self.pump(far_in, near_out, Way::Back).await;
        // What is still on its way out may come after the way back has ended.
        drop(tokio::time::timeout(Duration::from_secs(5), one).await);
    }

    async fn pump(
        &self,
        mut from: tokio::net::tcp::OwnedReadHalf,
        mut to: tokio::net::tcp::OwnedWriteHalf,
        way: Way,
    ) {
        let mut piece = vec![0_u8; 65_536];
        loop {
            let n = from.read(&mut piece).await.unwrap_or(0);
            if n == 0 || !self.pass(way).await || to.write_all(&piece[..n]).await.is_err() {
                return;
            }
        }
    }
}
