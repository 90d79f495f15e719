//! `caretaker agent`, and the agent inside a console.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::agent::{Acting, Agent, AgentError, AgentSettings, RunningAgent};
use crate::app::failed::Failed;
use crate::app::setup::{self, Prepared};
use crate::app::world::Outside;
use crate::cli::{self, Code};
use crate::config::Config;
use crate::ports::clock::Clock;
use crate::secrets::SecretStores;
use crate::store::SqliteStore;
use crate::sys::{HostPeople, Places, Signals, group_id};
use crate::telemetry;

/// Where an agent lives.
pub struct Place {
    /// Its socket.
    pub socket: PathBuf,
    /// The folder of its databases.
    pub state_dir: PathBuf,
    /// Whether nothing in it is real.
    pub demo: bool,
    /// Whether it lives inside a console.
    pub embedded: bool,
}

/// Runs an agent until a signal asks it to end.
///
/// # Errors
/// When the configuration cannot be used, or another agent holds the socket.
pub async fn run(outside: Outside) -> Result<u8, Failed> {
    let file = outside.config_file()?;
    let config = setup::load(&file)?;
    let state_dir = setup::state_dir(&config)?;
    let logged = log(&outside, &config, &state_dir, "agent")?;
    let socket = outside
        .agent
        .clone()
        .or_else(|| config.settings.agent.socket.as_ref().map(|s| config.resolve(s)))
        .unwrap_or_else(|| Places::from_env().runtime_dir().join("agent.sock"));
    let secrets = Arc::new(SecretStores::of_host(config.credential_files()));
    let prepared = setup::prepare(config, secrets, outside.clock.clone())?;
    for finding in &prepared.findings {
        tracing::warn!("{finding}");
    }
    let place = Place { socket, state_dir, demo: false, embedded: false };
    let mut signals = Signals::new().map_err(Failed::software)?;
    let running = start(prepared, place, outside.clock.clone()).await?;
    cli::say(&format!("caretaker agent listens at {}", running.socket().display()));
    signals.next().await;
    running.stop().await.map_err(Failed::software)?;
    drop(logged);
    Ok(Code::Done as u8)
}

/// Opens the log in the folder of the databases.
///
/// # Errors
/// When the level is none, or the file cannot be made.
pub fn log(
    outside: &Outside,
    config: &Config,
    folder: &Path,
    name: &str,
) -> Result<telemetry::Guard, Failed> {
    let word = outside.log.as_deref().unwrap_or_else(|| config.settings.log.level.word());
    let level = word.parse().map_err(Failed::config)?;
    let logging = telemetry::Logging { folder: folder.to_owned(), name: name.to_owned(), level };
    telemetry::start(&logging).map_err(Failed::software)
}

/// Starts an agent.
///
/// # Errors
/// When another agent holds the socket, or socket or store cannot be used.
pub async fn start(
    prepared: Prepared,
    place: Place,
    clock: Arc<dyn Clock>,
) -> Result<RunningAgent, Failed> {
    let file = place.state_dir.join("board.db");
    let store = tokio::task::spawn_blocking(move || SqliteStore::open(&file))
        .await
        .map_err(Failed::software)?
        .map_err(Failed::software)?;
    let group = prepared.config.settings.agent.group.as_deref().map(group_id).transpose();
    let settings = AgentSettings {
        demo: place.demo,
        group: group.map_err(|e| {
            Failed::config(prepared.config.error_at("agent.group", &e.to_string(), ""))
        })?,
        embedded: place.embedded,
        refresh_floor: prepared.config.settings.agent.refresh_floor.duration(),
        ..AgentSettings::new(&place.socket)
    };
    let acting = Acting::watch_only(Arc::new(HostPeople), "no policy is configured");
    Agent::start(settings, prepared.estate, prepared.watches, Arc::new(store), clock, acting)
        .await
        .map_err(|e| match e {
            AgentError::Held { .. } => Failed { code: Code::NoAgent, text: e.to_string() },
            AgentError::Twice(_) => Failed::config(e),
            AgentError::Socket { .. } | AgentError::Store(_) => Failed::software(e),
        })
}
