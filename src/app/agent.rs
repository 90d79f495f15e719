//! `caretaker agent`, and the agent inside a console.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::agent::{Agent, AgentError, AgentSettings, Reserved, RunningAgent, TrainingDesk};
use crate::app::acting;
use crate::app::checkpoints::Checkpoints;
use crate::app::failed::Failed;
use crate::app::reload::{self, Fixed};
use crate::app::setup::{self, Prepared};
use crate::app::world::Outside;
use crate::cli::{self, Code};
use crate::config::Config;
use crate::doors;
use crate::ports::clock::Clock;
use crate::ports::doorbell::Door;
use crate::ports::secrets::Secrets;
use crate::ports::store::{Store, StoreError};
use crate::secrets::SecretStores;
use crate::store::{SqliteStore, Unkept};
use crate::sys::{HostPeople, Places, Signal, Signals, Terminal, group_id, unwritable};
use crate::telemetry::{self, TelemetryError};

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
    /// The training that runs there.
    pub training: Option<Arc<TrainingDesk>>,
}

/// Runs an agent until a signal asks it to end. SIGHUP has it read its configuration anew, unless it
/// comes because the agent's terminal has gone.
///
/// # Errors
/// When the configuration cannot be used, or another agent holds the socket.
pub async fn run(outside: Outside) -> Result<u8, Failed> {
    let file = outside.config_file()?;
    let config = setup::load(&file)?;
    let state_dir = setup::state_dir(&config)?;
    let logged = log(outside.log.as_deref(), &config, &state_dir, "agent")?;
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
    let place = Place { socket, state_dir, demo: false, embedded: false, training: None };
    let mut signals = Signals::new().map_err(Failed::software)?;
    let terminal = Terminal::of_input();
    let fixed = Fixed::of(&prepared);
    let running = start(prepared, place, outside.clock.clone()).await?;
    cli::say(&format!("caretaker agent listens at {}", running.socket().display()));
    loop {
        match signals.next().await {
            Signal::HangUp if !terminal.has_gone() => {
                reload::reload(&file, &fixed, &running, &outside.clock).await;
            }
            Signal::HangUp | Signal::Terminate | Signal::Interrupt => break,
        }
    }
    running.stop().await.map_err(Failed::software)?;
    drop(logged);
    Ok(Code::Done as u8)
}

/// Opens the log in the folder of the databases; none where its file cannot be made, which is told.
///
/// # Errors
/// When the level is none, or there is a log already.
pub fn log(
    level: Option<&str>,
    config: &Config,
    folder: &Path,
    name: &str,
) -> Result<Option<telemetry::Guard>, Failed> {
    let word = level.unwrap_or_else(|| config.settings.log.level.word());
    let level = word.parse().map_err(Failed::config)?;
    let logging = telemetry::Logging { folder: folder.to_owned(), name: name.to_owned(), level };
    match telemetry::start(&logging) {
        Ok(logged) => Ok(Some(logged)),
        // The board matters more than its log.
        Err(error @ TelemetryError::File { .. }) => {
            cli::complain(&format!("{error}; it goes on without a log"));
            Ok(None)
        }
        Err(error) => Err(Failed::software(error)),
    }
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
    let group = prepared.config.settings.agent.group.as_deref().map(group_id).transpose();
    let group = group
        .map_err(|e| Failed::config(prepared.config.error_at("agent.group", &e.to_string(), "")))?;
    let store = store(&place).await?;
    let settings = AgentSettings { group, ..settings(&prepared, &place, &clock).await? };
    let checkpoints = checkpoints(&prepared, &clock).await?;
    let (estate, watches) = (Arc::clone(&prepared.estate), prepared.watches.clone());
    let started = Agent::start(settings, estate, watches, store, Arc::clone(&clock)).await;
    Ok(complete(started.map_err(failed)?, prepared, checkpoints, &clock).await)
}

/// Starts an agent where the right to its socket is already had.
///
/// # Errors
/// When socket or store cannot be used.
pub async fn start_at(
    reserved: Reserved,
    prepared: Prepared,
    place: Place,
    clock: Arc<dyn Clock>,
) -> Result<RunningAgent, Failed> {
    let store = store(&place).await?;
    let settings = settings(&prepared, &place, &clock).await?;
    let checkpoints = checkpoints(&prepared, &clock).await?;
    let (estate, watches) = (Arc::clone(&prepared.estate), prepared.watches.clone());
    let started =
        Agent::start_at(reserved, settings, estate, watches, store, Arc::clone(&clock)).await;
    Ok(complete(started.map_err(failed)?, prepared, checkpoints, &clock).await)
}

async fn checkpoints(
    prepared: &Prepared,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Checkpoints>, Failed> {
    let (config, secrets) = (prepared.config.clone(), Arc::clone(&prepared.secrets));
    let clock = Arc::clone(clock);
    tokio::task::spawn_blocking(move || Checkpoints::of(&config, &*secrets, clock))
        .await
        .map_err(Failed::software)?
}

/// `running` with what it needs beside it: its own board for those who plan, open doors, and the
/// checkpoints of its audit.
async fn complete(
    mut running: RunningAgent,
    prepared: Prepared,
    checkpoints: Option<Checkpoints>,
    clock: &Arc<dyn Clock>,
) -> RunningAgent {
    prepared.known.bind(running.known());
    open(&running, prepared.doors, &prepared.secrets, clock).await;
    if let (Some(checkpoints), Some(guard)) = (checkpoints, running.guard().cloned()) {
        running.keep(checkpoints.start(guard));
    }
    running
}

/// Opens the doors at which vendors call, instead of those that were open. One that stays shut is told:
/// without it what was asked for is polled.
pub async fn open(
    running: &RunningAgent,
    doors: Vec<Door>,
    secrets: &Arc<dyn Secrets>,
    clock: &Arc<dyn Clock>,
) {
    running.accompanied_by(Vec::new());
    let mut open = Vec::new();
    for door in doors {
        match doors::open(door, secrets, clock).await {
            Ok(task) => open.push(task),
            Err(shut) => tracing::error!("vendors cannot call back: {shut}"),
        }
    }
    running.accompanied_by(open);
}

async fn store(place: &Place) -> Result<Arc<dyn Store>, Failed> {
    let file = place.state_dir.join("board.db");
    // The board must stay up where it cannot be kept.
    if let Some(why) = unwritable(&file) {
        let why = format!("{why}; the board is not kept: mend it and start the agent again");
        cli::complain(&why);
        let place = file.display().to_string();
        return Ok(Arc::new(Unkept::new(StoreError::Unusable { place, why })));
    }
    let store = tokio::task::spawn_blocking(move || SqliteStore::open(&file))
        .await
        .map_err(Failed::software)?
        .map_err(Failed::software)?;
    Ok(Arc::new(store))
}

async fn settings(
    prepared: &Prepared,
    place: &Place,
    clock: &Arc<dyn Clock>,
) -> Result<AgentSettings, Failed> {
    let config = &prepared.config;
    let alone = place.embedded && !place.demo;
    let guard =
        acting::acting(config, &place.state_dir, prepared.acts.clone(), alone, Arc::clone(clock))
            .await?;
    Ok(AgentSettings {
        guard,
        accounts: prepared.accounts.clone(),
        audits: prepared.audits.clone(),
        demo: place.demo,
        embedded: place.embedded,
        training: place.training.clone(),
        refresh_floor: prepared.config.settings.agent.refresh_floor.duration(),
        shift_ends: prepared.config.settings.agent.shift_ends.iter().map(|end| end.0).collect(),
        people: Arc::new(HostPeople),
        ..AgentSettings::new(&place.socket)
    })
}

/// With the exit code that tells what to do.
pub fn failed(error: AgentError) -> Failed {
    match error {
        AgentError::Held { .. } => Failed { code: Code::NoAgent, text: error.to_string() },
        AgentError::Twice(_) => Failed::config(error),
        AgentError::Socket { .. } | AgentError::Store(_) => Failed::software(error),
    }
}
