//! A recording that is played: the routes of the board on a socket of its own, for the console as it
//! is. There is no hub, no store, no vendor and no guard behind them.
//!
//! Invariant: nothing can be done here; whatever is not a look at the recording is refused.

mod incident;
mod player;
mod routes;
mod tape;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::agent::metrics::Metrics;
use crate::agent::peers::Gate;
use crate::agent::replay::player::Player;
use crate::agent::replay::tape::Tape;
use crate::agent::running::AgentError;
use crate::agent::serve::Server;
use crate::agent::settings::Limits;
use crate::agent::socket::{self, Place};
use crate::ports::clock::Clock;
use crate::wire::recording::Recording;

/// What the routes answer from.
struct Stage {
    player: Mutex<Player>,
    clock: Arc<dyn Clock>,
}

impl Stage {
    /// Looks at the player as it stands now.
    fn now<T>(&self, look: impl FnOnce(&mut Player) -> T) -> T {
        let mut player = self.player.lock().unwrap_or_else(PoisonError::into_inner);
        player.advance(self.clock.monotonic());
        look(&mut player)
    }
}

/// A recording that plays. Dropping it ends it at once.
pub struct RunningReplay {
    // First, so that nobody is served any more when the socket's place is given back.
    task: JoinHandle<()>,
    stop: CancellationToken,
    path: PathBuf,
    _place: Place,
}

impl Drop for RunningReplay {
    fn drop(&mut self) {
        self.stop.cancel();
        self.task.abort();
    }
}

impl RunningReplay {
    /// Where it can be looked at.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.path
    }
}

/// Plays `recording` at `socket`, `speed` seconds of it in a second.
///
/// # Errors
/// When somebody else holds the socket, or it cannot be used.
pub async fn play(
    recording: Recording,
    speed: u32,
    socket: &Path,
    clock: Arc<dyn Clock>,
) -> Result<RunningReplay, AgentError> {
    let (place, listener) = socket::reserve(socket, None, &*clock).await?.listen(&*clock).await?;
    let player = Player::new(Tape::new(recording), speed, clock.monotonic());
    let stage = Arc::new(Stage { player: Mutex::new(player), clock: Arc::clone(&clock) });
    let stop = CancellationToken::new();
    let server = Server {
        router: routes::router(stage),
        gate: Gate::new(None),
        limits: Limits::default(),
        clock,
        metrics: Arc::new(Metrics::new()),
        stop: stop.clone(),
    };
    let task = tokio::spawn(server.run(listener));
    Ok(RunningReplay { task, stop, path: socket.to_owned(), _place: place })
}
