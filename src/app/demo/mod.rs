//! `caretaker demo`: an invented estate, seven simulated vendors, and the agent and the console
//! exactly as in production. Only URLs and a throw-away certificate authority differ; a real
//! config or keyring is never read.

mod colleague;
mod config;
mod folder;
mod played;
mod policy;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::agent::TrainingDesk;
use crate::app::console::{self, Showing};
use crate::app::failed::Failed;
use crate::app::world::Outside;
use crate::app::{agent, setup};
use crate::cli::args::DemoArgs;
use crate::cli::{self, Code};
use crate::config::ConsoleSettings;
use crate::link::Link;
use crate::model::span::Span;
use crate::secrets::SecretStores;
use crate::simulators::Running;
use crate::simulators::training::Setting;
use crate::sys::Signals;

pub use folder::Folder;
pub use played::{Played, vendors};

/// Runs the demo.
///
/// # Errors
/// When vendors, agent or console cannot be started.
pub async fn run(outside: Outside, args: DemoArgs) -> Result<u8, Failed> {
    if args.estate.scenario == played::LIST {
        cli::say_raw(&played::list()?);
        return Ok(Code::Done as u8);
    }
    let folder = Folder::new("demo")?;
    let Played { vendors, training, setting } =
        vendors(&args.estate, &folder, outside.clock.clone()).await?;
    let config = write_config(&folder, &vendors, &setting, outside.clock.now())?;
    let secrets = Arc::new(SecretStores::files_only(folder.credential_files(&vendors.invented)));
    let prepared = setup::prepare(setup::load(&config)?, secrets, outside.clock.clone())?;
    let socket = folder.socket();
    let place = agent::Place {
        socket: socket.clone(),
        state_dir: folder.state_dir()?,
        demo: true,
        embedded: !args.headless,
        training: training.map(|training| {
            TrainingDesk::new(&args.estate.scenario, training, outside.clock.now())
        }),
    };
    let in_training = place.training.is_some();
    let theme = outside.theme.clone().unwrap_or_else(|| "default".to_owned());
    let link = Link::new(&socket).map_err(Failed::no_agent)?;
    let running = agent::start(prepared, place, outside.clock.clone()).await?;
    let colleague = running.guard().cloned().map(|g| colleague::begin(g, outside.clock.clone()));
    let code = if args.headless {
        let line = serde_json::json!({
            "socket": socket, "config": config, "simulators": vendors.urls,
            "training": in_training,
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
            looked: None,
            notices: None,
        };
        console::show(&outside, showing).await
    };
    if in_training {
        match link.training().await {
            Ok(page) => cli::say_raw(&cli::debrief_text(&page)),
            Err(error) => cli::complain(&format!("the debrief cannot be told: {error}")),
        }
    }
    if let Some(colleague) = colleague {
        colleague.abort();
    }
    running.stop().await.map_err(Failed::software)?;
    vendors.stop().await;
    code
}

/// Writes schools, subscriptions, credentials, the policy, and the config that points at the vendors.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_config(
    folder: &Folder,
    vendors: &Running,
    setting: &Setting,
    now: Timestamp,
) -> Result<PathBuf, Failed> {
    folder.write_tables(&vendors.invented)?;
    folder.write_credentials(&vendors.invented)?;
    folder.write("policy.toml", &policy::text())?;
    folder.write("config.toml", &config::text(folder, vendors, setting, now))
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
