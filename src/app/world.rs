//! What the command line and the environment say of the world outside: paths, socket, clock.

use std::path::PathBuf;
use std::sync::Arc;

use crate::app::failed::Failed;
use crate::app::setup;
use crate::config::Config;
use crate::ports::clock::Clock;
use crate::sys::Places;

/// Global options, and the clock.
pub struct Outside {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--agent`.
    pub agent: Option<PathBuf>,
    /// `--theme`.
    pub theme: Option<String>,
    /// `--log`.
    pub log: Option<String>,
    /// `--slow`.
    pub slow: bool,
    /// `--plain`, or what the environment says of it.
    pub plain: bool,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

impl Outside {
    /// The same once more, for a command that takes it.
    #[must_use]
    pub fn again(&self) -> Self {
        Self {
            config: self.config.clone(),
            agent: self.agent.clone(),
            theme: self.theme.clone(),
            log: self.log.clone(),
            slow: self.slow,
            plain: self.plain,
            clock: self.clock.clone(),
        }
    }

    /// The configuration file: the one that was named, or the first of the usual places that
    /// exists.
    ///
    /// # Errors
    /// When none exists; says where it was looked for.
    pub fn config_file(&self) -> Result<PathBuf, Failed> {
        let candidates = Places::from_env().config_files(self.config.as_deref());
        candidates.iter().find(|p| p.exists()).cloned().ok_or_else(|| {
            let looked: Vec<String> = candidates.iter().map(|p| p.display().to_string()).collect();
            Failed::config(format!(
                "no configuration at {}; `caretaker setup` asks for one step by step, config.example.toml can be \
                 copied there and edited, and `caretaker demo` needs none",
                looked.join(" or ")
            ))
        })
    }

    /// The socket of a running agent: the one that was named, the configuration's, or the first of
    /// the usual places that exists.
    ///
    /// # Errors
    /// When a configuration was named but cannot be read, or there is no agent anywhere.
    pub fn agent_socket(&self) -> Result<PathBuf, Failed> {
        let config = match self.config_file() {
            Ok(file) if self.agent.is_none() => Some(setup::load(&file)?),
            _ => None,
        };
        self.socket_by(config.as_ref())
    }

    /// The same, with a configuration that was read already.
    ///
    /// # Errors
    /// When there is no agent anywhere.
    pub fn socket_by(&self, config: Option<&Config>) -> Result<PathBuf, Failed> {
        let configured = config.filter(|_| self.agent.is_none());
        let configured =
            configured.and_then(|c| Some(c.resolve(c.settings.agent.socket.as_ref()?)));
        if let Some(socket) = configured {
            return Ok(socket);
        }
        let candidates = Places::from_env().agent_sockets(self.agent.as_deref());
        let found = candidates.iter().find(|p| p.exists()).or_else(|| candidates.first());
        found.cloned().ok_or_else(|| Failed::config("no place for an agent's socket"))
    }
}
