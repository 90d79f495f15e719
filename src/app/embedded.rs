//! The agent inside a console: started there, shared with the account's other consoles, and
//! inherited by one of them when the console that held it ends.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::agent::{Reserved, RunningAgent};
use crate::app::agent::{self, Place};
use crate::app::console::{self, Showing};
use crate::app::failed::Failed;
use crate::app::setup;
use crate::app::world::Outside;
use crate::config::Config;
use crate::ports::clock::Clock;
use crate::secrets::SecretStores;
use crate::sys::Places;
use crate::telemetry;

/// What an agent in this console needs.
struct Own {
    socket: PathBuf,
    state_dir: PathBuf,
    config: Config,
    level: Option<String>,
    clock: Arc<dyn Clock>,
}

/// An agent that runs in this console, and its log.
struct Held {
    running: RunningAgent,
    _logged: Option<telemetry::Guard>,
}

/// Shows the board of the agent in this account's consoles: of another one's while it runs, else of
/// an own one.
///
/// # Errors
/// When the agent cannot be started, or one that is there does not answer.
pub async fn run(outside: &Outside, config: Config, showing: Showing) -> Result<u8, Failed> {
    let runtime = Places::from_env().runtime_dir().to_owned();
    crate::sys::private_dir(&runtime).map_err(Failed::software)?;
    let own = Own {
        socket: runtime.join(socket_name(config.path())),
        state_dir: setup::state_dir(&config)?,
        config,
        level: outside.log.clone(),
        clock: outside.clock.clone(),
    };
    let showing = Showing { socket: own.socket.clone(), ..showing };
    match Reserved::now(&own.socket, None).map_err(agent::failed)? {
        Some(reserved) => {
            let held = own.start(reserved).await?;
            let code = console::show(outside, showing).await;
            held.running.stop().await.map_err(Failed::software)?;
            code
        }
        None => attach(outside, own, showing).await,
    }
}

/// Shows what another console's agent tells, ready to take its place.
async fn attach(outside: &Outside, own: Own, mut showing: Showing) -> Result<u8, Failed> {
    // One that holds the place and does not listen yet is about to: the console waits for it.
    if own.socket.exists() {
        console::attachable(&own.socket).await?;
    }
    let (tell, notices) = mpsc::channel(2);
    showing.notices = Some(notices);
    let heir = tokio::spawn(own.inherit(tell));
    let code = console::show(outside, showing).await;
    if heir.is_finished() {
        if let Some(held) = heir.await.map_err(Failed::software)? {
            held.running.stop().await.map_err(Failed::software)?;
        }
    } else {
        heir.abort();
    }
    code
}

impl Own {
    /// Waits until the other console has ended, goes on in its place, and says so.
    async fn inherit(self, tell: mpsc::Sender<String>) -> Option<Held> {
        let started = match Reserved::in_turn(&self.socket, None).await {
            Ok(reserved) => self.start(reserved).await,
            Err(error) => Err(agent::failed(error)),
        };
        let (held, notice) = match started {
            Ok(held) => (Some(held), TAKEN_OVER.to_owned()),
            Err(failed) => (None, format!("{NOT_TAKEN_OVER}: {}", failed.text)),
        };
        if tell.send(notice).await.is_err() {
            tracing::debug!("the console had ended before it could be told of its agent");
        }
        held
    }

    async fn start(self, reserved: Reserved) -> Result<Held, Failed> {
        let Self { socket, state_dir, config, level, clock } = self;
        let logged = agent::log(level.as_deref(), &config, &state_dir, "console")?;
        let secrets = Arc::new(SecretStores::of_host(config.credential_files()));
        let prepared = setup::prepare(config, secrets, clock.clone())?;
        let place = Place { socket, state_dir, demo: false, embedded: true, training: None };
        let running = agent::start_at(reserved, prepared, place, clock).await?;
        Ok(Held { running, _logged: logged })
    }
}

const TAKEN_OVER: &str = "the console that ran the agent has ended; this one runs it now";
const NOT_TAKEN_OVER: &str = "the console that ran the agent has ended; this one cannot run it";

/// The socket of the agent in the consoles that read the configuration at `config`: another
/// configuration has another one, so that nobody sees its board by mistake.
fn socket_name(config: &Path) -> String {
    let whole = std::fs::canonicalize(config).unwrap_or_else(|_| config.to_owned());
    // FNV-1a: the same in every build of the program, and nobody gains by a clash.
    let mix = |sum: u32, byte: &u8| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    let sum = whole.as_os_str().as_encoded_bytes().iter().fold(0x811c_9dc5, mix);
    format!("embedded-{sum:08x}.sock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_configuration_has_its_own_socket_however_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one.toml"), folder.path().join("other.toml"));
        std::fs::write(&one, "").unwrap();
        std::fs::write(&other, "").unwrap();
        let long_way = folder.path().join("../").join(folder.path()).join("./one.toml");
        assert_eq!(socket_name(&one), socket_name(&long_way));
        assert_ne!(socket_name(&one), socket_name(&other));
        assert!(socket_name(&one).len() < 24, "a socket's path has little room");
    }
}
