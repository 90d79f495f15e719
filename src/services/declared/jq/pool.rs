//! The parent's side: children that are started when needed, reused, and killed when late.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;

use super::{Evaluated, Program, frame};
use crate::ports::clock::Clock;

/// Children at work at once.
const AT_ONCE: usize = 2;
/// Answers after which a child is replaced, so that nothing in it grows for ever.
const SERVES: u32 = 1_000;
/// The argument by which this program becomes such a child.
#[cfg(not(test))]
const ARGUMENTS: &[&str] = &["jq-worker"];
/// The test that becomes such a child when its environment says so.
#[cfg(test)]
const ARGUMENTS: &[&str] = &["services::declared::jq::tests::child", "--exact"];
/// Marks the environment of a child.
pub(super) const MARK: &str = "CARETAKER_JQ_WORKER";

/// Why there is no result at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Not in time: the child was killed.
    #[error("did not end within {0} s")]
    Late(u64),
    /// The child ended: out of memory, or nested too deep.
    #[error("needs more memory than it may have")]
    Died,
    /// It cannot be compiled.
    #[error("cannot be read: {0}")]
    Syntax(String),
    /// No child could be started.
    #[error("cannot be applied here: no child process could be started ({0})")]
    NoChild(String),
}

struct Worker {
    child: Option<Child>,
    socket: UnixStream,
    served: u32,
}

impl Drop for Worker {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        drop(child.kill());
        // Reaped where nobody waits for it.
        let reap = move || drop(child.wait());
        drop(std::thread::Builder::new().spawn(reap));
    }
}

/// Children that apply expressions. One for all connectors of an agent.
pub struct Pool {
    clock: Arc<dyn Clock>,
    idle: Mutex<Vec<Worker>>,
    places: Semaphore,
    killed: AtomicU64,
}

impl Pool {
    /// A pool without children yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            idle: Mutex::default(),
            places: Semaphore::new(AT_ONCE),
            killed: AtomicU64::new(0),
        }
    }

    /// Children that were killed because they were late, or that died.
    #[must_use]
    pub fn killed(&self) -> u64 {
        self.killed.load(Ordering::Relaxed)
    }

    /// Applies `program` to `body`, which is JSON, within `limit`.
    ///
    /// # Errors
    /// See [`Broken`].
    pub async fn apply(
        &self,
        program: &Program,
        body: &[u8],
        limit: Duration,
    ) -> Result<Evaluated, Broken> {
        let no_child = |e: io::Error| Broken::NoChild(e.to_string());
        let program = serde_json::to_vec(program).map_err(|e| Broken::Syntax(e.to_string()))?;
        let place = self.places.acquire().await;
        let _place = place.map_err(|e| Broken::NoChild(e.to_string()))?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut worker = match idle {
            Some(worker) => worker,
            None => start().await.map_err(no_child)?,
        };
        let answer = tokio::select! {
            biased;
            answer = worker.ask(&program, body) => answer,
            () = self.clock.sleep(limit) => {
                self.killed.fetch_add(1, Ordering::Relaxed);
                return Err(Broken::Late(limit.as_secs()));
            }
        };
        let Some(answer) = answer else {
            self.killed.fetch_add(1, Ordering::Relaxed);
            return Err(Broken::Died);
        };
        worker.served += 1;
        if worker.served < SERVES {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < AT_ONCE {
                idle.push(worker);
            }
        }
        let answer: Result<Evaluated, String> =
            serde_json::from_slice(&answer).map_err(|_| Broken::Died)?;
        answer.map_err(Broken::Syntax)
    }
}

async fn start() -> io::Result<Worker> {
    let started = tokio::task::spawn_blocking(|| {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        // By this path also when the program's file was replaced meanwhile.
        let child = Command::new("/proc/self/exe")
            .args(ARGUMENTS)
            .env_clear()
            .env(MARK, "1")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok::<_, io::Error>((child, ours))
    });
    let (child, socket) = started.await.map_err(io::Error::other)??;
    // From here on the child ends with its owner.
    let socket = UnixStream::from_std(socket);
    match socket {
        Ok(socket) => Ok(Worker { child: Some(child), socket, served: 0 }),
        // Without its socket the child reads the end of its input and goes.
        Err(e) => Err(e),
    }
}

impl Worker {
    /// `None` when the child is gone or says something that is no answer.
    async fn ask(&mut self, program: &[u8], body: &[u8]) -> Option<Vec<u8>> {
        for part in [program, body] {
            self.socket.write_all(&frame::head(part.len())?).await.ok()?;
            self.socket.write_all(part).await.ok()?;
        }
        let mut head = [0; 4];
        self.socket.read_exact(&mut head).await.ok()?;
        let length = frame::length(head)?;
        let mut answer = Vec::new();
        let limit = u64::try_from(length).ok()?;
        (&mut self.socket).take(limit).read_to_end(&mut answer).await.ok()?;
        (answer.len() == length).then_some(answer)
    }
}
