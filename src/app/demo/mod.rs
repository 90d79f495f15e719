//! `caretaker demo`: an invented estate, seven simulated vendors, and the agent and the console
//! exactly as in production. Only URLs and a throw-away certificate authority differ; a real
//! config or keyring is never read.

mod colleague;
mod config;
mod folder;
mod policy;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::console::{self, Showing};
use crate::app::failed::Failed;
use crate::app::world::Outside;
use crate::app::{agent, setup};
use crate::cli::args::{DemoArgs, EstateArgs};
use crate::cli::{self, Code};
use crate::config::ConsoleSettings;
use crate::model::span::Span;
use crate::ports::clock::Clock;
use crate::secrets::SecretStores;
use crate::simulators::{Plan, Running, Scenario, Script};
use crate::sys::Signals;

pub use folder::Folder;

/// Runs the demo.
///
/// # Errors
/// When vendors, agent or console cannot be started.
pub async fn run(outside: Outside, args: DemoArgs) -> Result<u8, Failed> {
    let folder = Folder::new()?;
    let vendors = vendors(&args.estate, &folder, outside.clock.clone()).await?;
    let config = write_config(&folder, &vendors)?;
    let secrets = Arc::new(SecretStores::files_only(folder.credential_files(&vendors.invented)));
    let prepared = setup::prepare(setup::load(&config)?, secrets, outside.clock.clone())?;
    let socket = folder.socket();
    let place = agent::Place {
        socket: socket.clone(),
        state_dir: folder.state_dir()?,
        demo: true,
        embedded: !args.headless,
    };
    let theme = outside.theme.clone().unwrap_or_else(|| "default".to_owned());
    let running = agent::start(prepared, place, outside.clock.clone()).await?;
    let colleague = running.guard().cloned().map(|g| colleague::begin(g, outside.clock.clone()));
    let code = if args.headless {
        let line = serde_json::json!({
            "socket": socket, "config": config, "simulators": vendors.urls,
        });
        cli::say(&line.to_string());
        until_stopped(&outside, args.r#for).await.map(|()| Code::Done as u8)
    } else {
        let showing = Showing {
            socket,
            settings: ConsoleSettings { theme, ..ConsoleSettings::default() },
            theme_folder: None,
            keys: std::collections::BTreeMap::new(),
            ends_after: args.r#for,
            notices: None,
        };
        console::show(&outside, showing).await
    };
    if let Some(colleague) = colleague {
        colleague.abort();
    }
    running.stop().await.map_err(Failed::software)?;
    vendors.stop().await;
    code
}

/// Starts the vendors as the command line asks.
///
/// # Errors
/// When the scenario does not exist, or no port can be had.
pub async fn vendors(
    args: &EstateArgs,
    folder: &Folder,
    clock: Arc<dyn Clock>,
) -> Result<Running, Failed> {
    let refused = |text: String| Failed { code: Code::Usage, text };
    let script = script(&args.scenario).map_err(refused)?;
    let scenario: Scenario = match &script {
        Some(script) => script.begins_as(),
        None => args
            .scenario
            .parse()
            .map_err(|e: crate::simulators::UnknownScenario| refused(e.to_string()))?,
    };
    let plan = Plan {
        schools: usize::try_from(args.schools).unwrap_or(usize::MAX),
        seed: args.seed,
        scenario,
        folder: folder.vendors(),
        clock: Arc::new(move || clock.now()),
    };
    let running = crate::simulators::start(plan).await.map_err(Failed::software)?;
    if let Some(script) = script {
        running.play(script).map_err(|e| refused(format!("{}: {e}", args.scenario)))?;
    }
    Ok(running)
}

/// The scenario file, where one is named instead of a scenario.
fn script(scenario: &str) -> Result<Option<Script>, String> {
    let path = Path::new(scenario);
    if !path.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) {
        return Ok(None);
    }
    let text = std::fs::read_to_string(path).map_err(|e| format!("{scenario}: {e}"))?;
    Script::read(&text).map(Some).map_err(|e| format!("{scenario}: {e}"))
}

/// Writes schools, subscriptions, credentials, the policy, and the config that points at the vendors.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_config(folder: &Folder, vendors: &Running) -> Result<PathBuf, Failed> {
    folder.write_tables(&vendors.invented)?;
    folder.write_credentials(&vendors.invented)?;
    folder.write("policy.toml", &policy::text())?;
    folder.write("config.toml", &config::text(folder, vendors))
}

/// Until a signal asks to end, or the time is over.
///
/// # Errors
/// When signals cannot be watched.
pub async fn until_stopped(outside: &Outside, limit: Option<Span>) -> Result<(), Failed> {
    let mut signals = Signals::new().map_err(Failed::software)?;
    let limit = limit.map(|span| outside.clock.sleep(span.duration()));
    let over = async {
        match limit {
            Some(sleep) => sleep.await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = signals.next() => {}
        () = over => {}
    }
    Ok(())
}
