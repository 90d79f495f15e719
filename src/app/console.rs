//! The console: attached to an agent, or with one of its own.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::app::failed::Failed;
use crate::app::world::Outside;
use crate::app::{embedded, setup};
use crate::cli::Code;
use crate::config::ConsoleSettings;
use crate::link::{Link, LinkError};
use crate::model::span::Span;
use crate::sys::{Places, Signals};
use crate::tui::theme::Depth;
use crate::tui::{self, Ended, Exit, Options};

/// What the console shows, and how.
pub struct Showing {
    /// The agent's socket.
    pub socket: PathBuf,
    /// What it shows, and how.
    pub settings: ConsoleSettings,
    /// A folder of own themes.
    pub theme_folder: Option<PathBuf>,
    /// Keys by command, instead of the built-in ones.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Ends by itself after this long.
    pub ends_after: Option<Span>,
    /// Where it is kept when somebody last looked; nowhere for what is invented.
    pub looked: Option<PathBuf>,
    /// What happens outside and the operator is to be told.
    pub notices: Option<mpsc::Receiver<String>>,
}

/// Attaches to the agent that is there, or starts one in this process.
///
/// # Errors
/// When a socket exists but its agent does not answer, or the configuration cannot be used.
pub async fn run(outside: Outside) -> Result<u8, Failed> {
    let file = outside.config_file();
    let config = file.as_ref().ok().map(|f| setup::load(f)).transpose()?;
    let named = outside.socket_by(config.as_ref())?;
    let console = config.as_ref().map(|c| c.settings.console.clone()).unwrap_or_default();
    let theme = outside.theme.clone().unwrap_or_else(|| console.theme.clone());
    let showing = Showing {
        socket: named.clone(),
        settings: ConsoleSettings { theme, ..console },
        theme_folder: config.as_ref().map(|c| c.folder().join("themes")),
        keys: config.as_ref().map(|c| c.settings.keys.clone()).unwrap_or_default(),
        ends_after: None,
        looked: Places::from_env().state_dir().map(|dir| dir.join("looked")),
        notices: None,
    };
    if named.exists() || outside.agent.is_some() {
        attachable(&named).await?;
        return show(&outside, showing).await;
    }
    file?;
    let Some(config) = config else {
        return Err(Failed::config("no configuration and no agent"));
    };
    embedded::run(&outside, config, showing).await
}

/// A socket that exists must answer: one that refuses or hangs is an error, never a reason to start
/// another agent beside it.
///
/// # Errors
/// When nobody answers there, or in another version.
pub async fn attachable(socket: &Path) -> Result<(), Failed> {
    let link = Link::new(socket).map_err(Failed::no_agent)?;
    match link.health().await {
        Ok(_) => Ok(()),
        Err(
            e @ (LinkError::NoAgent { .. } | LinkError::Refused { .. } | LinkError::Version { .. }),
        ) => Err(Failed::no_agent(e)),
    }
}

/// Shows the board until the operator leaves, a signal comes, or the terminal is gone.
///
/// # Errors
/// When there is no terminal, or a theme or key of the configuration cannot be used.
pub async fn show(outside: &Outside, showing: Showing) -> Result<u8, Failed> {
    let (end, ended) = mpsc::channel(1);
    let mut signals = Signals::new().map_err(Failed::software)?;
    let terminal = std::io::stdin().as_fd().try_clone_to_owned().map_err(Failed::software)?;
    let hung_up = crate::sys::hang_up(terminal).map_err(Failed::software)?;
    let limit = showing.ends_after.map(|span| outside.clock.sleep(span.duration()));
    tokio::spawn(async move {
        let over = async {
            match limit {
                Some(sleep) => sleep.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = signals.next() => {}
            _ = hung_up => {}
            () = over => {}
        }
        if end.send(()).await.is_err() {
            tracing::debug!("the console had ended already");
        }
    });
    if outside.plain {
        return super::plain::run(
            outside,
            showing.socket,
            (ended, showing.notices),
            showing.looked.as_deref(),
            showing.settings.views,
        )
        .await;
    }
    let options = Options {
        settings: showing.settings,
        depth: Depth::from_environment(|name| std::env::var(name).ok()),
        keys: showing.keys,
        theme_folder: showing.theme_folder,
        clock: outside.clock.clone(),
        slow: outside.slow,
        ended: Some(ended),
        notices: showing.notices,
        has_title: tui::term::has_title(|name| std::env::var(name).ok()),
        has_alternate: tui::term::has_alternate(|name| std::env::var(name).ok()),
        between: tui::term::Between::of(|name| std::env::var(name).ok()),
        looked: showing.looked.as_deref().and_then(looked),
    };
    let ended = on_its_own_thread(showing.socket, options).await?;
    if let (Some(file), Some(at)) = (&showing.looked, ended.looked) {
        keep_looked(file, at);
    }
    match ended.exit {
        Exit::Quit | Exit::Signal => Ok(Code::Done as u8),
        Exit::HungUp => Ok(Code::Software as u8),
    }
}

/// When somebody last looked. A file that is not there or cannot be read marks nothing as new.
pub(super) fn looked(file: &Path) -> Option<Timestamp> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Keeps when somebody last looked.
pub(super) fn keep_looked(file: &Path, at: Timestamp) {
    let folder = file.parent().unwrap_or(file);
    let kept = crate::sys::private_dir(folder).map_err(|e| e.to_string());
    let kept =
        kept.and_then(|_| std::fs::write(file, format!("{at}\n")).map_err(|e| e.to_string()));
    if let Err(why) = kept {
        tracing::warn!("when somebody last looked cannot be kept in {}: {why}", file.display());
    }
}

/// Runs the console on a thread and a runtime of its own: it is woken without a detour over the
/// threads of an agent, and never waits behind one.
async fn on_its_own_thread(socket: PathBuf, options: Options) -> Result<Ended, Failed> {
    let (tell, shown) = oneshot::channel();
    let thread = std::thread::Builder::new().name("console".into()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let exit = runtime.map_err(Failed::software).and_then(|runtime| {
            runtime.block_on(async {
                let link = Link::new(&socket).map_err(Failed::no_agent)?;
                tui::run(link, options).await.map_err(Failed::config)
            })
        });
        drop(tell.send(exit));
    });
    let thread = thread.map_err(Failed::software)?;
    match shown.await {
        Ok(exit) => exit,
        // It panicked: the terminal is restored, and the process ends as it would have.
        Err(_) => match thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => Err(Failed::software("the console ended without a word")),
        },
    }
}
