//! Taking in a changed configuration without a restart.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::agent::RunningAgent;
use crate::app::failed::Failed;
use crate::app::setup::{self, Prepared};
use crate::app::{acting, agent};
use crate::config::{AgentSettings, LogSettings};
use crate::model::text::Clean;
use crate::ports::clock::Clock;
use crate::secrets::SecretStores;

/// Settings that are read at the start alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    agent: AgentSettings,
    log: LogSettings,
    policy: Option<PathBuf>,
}

impl Fixed {
    /// Those of `prepared`.
    pub fn of(prepared: &Prepared) -> Self {
        let settings = &prepared.config.settings;
        Self {
            agent: settings.agent.clone(),
            log: settings.log.clone(),
            policy: settings.policy.clone(),
        }
    }

    /// The keys in which `other` differs.
    fn changed(&self, other: &Self) -> Vec<&'static str> {
        let (a, b) = (&self.agent, &other.agent);
        let all = [
            ("agent.socket", a.socket == b.socket),
            ("agent.state_dir", a.state_dir == b.state_dir),
            ("agent.group", a.group == b.group),
            ("agent.refresh_floor", a.refresh_floor == b.refresh_floor),
            ("log.level", self.log == other.log),
            ("policy", self.policy == other.policy),
        ];
        all.iter().filter(|(_, same)| !same).map(|(key, _)| *key).collect()
    }
}

/// Reads configuration, tables and calendars anew and goes on with them; a configuration that
/// cannot be used is refused, and the old one goes on: what is wrong with it is logged and shown.
pub async fn reload(file: &Path, fixed: &Fixed, running: &RunningAgent, clock: &Arc<dyn Clock>) {
    tracing::info!("reading {} anew", file.display());
    let (path, of_host) = (file.to_owned(), clock.clone());
    let read = tokio::task::spawn_blocking(move || {
        let config = setup::load(&path)?;
        let secrets = Arc::new(SecretStores::of_host(config.credential_files()));
        setup::prepare(config, secrets, of_host)
    });
    let outcome = match read.await {
        Ok(Ok(prepared)) => take(prepared, fixed, running, clock).await,
        Ok(Err(failed)) => Err(failed),
        Err(error) => Err(Failed::software(error)),
    };
    match outcome {
        Ok(()) => tracing::info!("{} is in use from now on", file.display()),
        Err(failed) => {
            for line in failed.text.lines() {
                tracing::error!("the new configuration is refused: {line}");
            }
            running.refused(Clean::new(&first_and_how_many_more(&failed.text))).await;
        }
    }
}

async fn take(
    prepared: Prepared,
    fixed: &Fixed,
    running: &RunningAgent,
    clock: &Arc<dyn Clock>,
) -> Result<(), Failed> {
    for finding in &prepared.findings {
        tracing::warn!("{finding}");
    }
    let changed = fixed.changed(&Fixed::of(&prepared));
    if !changed.is_empty() {
        tracing::warn!("changed, but read at the start alone: {}; restart", changed.join(", "));
    }
    let policy = acting::policy_of(&prepared.config);
    let Prepared { estate, watches, acts, accounts, audits, known, doors, secrets, .. } = prepared;
    running.reconfigure(estate, watches).await.map_err(Failed::config)?;
    known.bind(running.known());
    running.set_accounts(accounts, audits);
    agent::open(running, doors, &secrets, clock).await;
    if let (Some(guard), Some(policy)) = (running.guard(), policy) {
        guard.set_acts(acts);
        guard.set_policy(policy).await.map_err(Failed::software)?;
    }
    Ok(())
}

fn first_and_how_many_more(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    match text.lines().count().saturating_sub(1) {
        0 => first.to_owned(),
        more => format!("{first} (and {more} more: caretaker config check)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_settings_that_need_a_restart() {
        let of = |text: &str| {
            let source = crate::config::Source::new(Path::new("c.toml"), text);
            let settings = crate::config::Config::parse(source, &[]).unwrap().settings;
            Fixed { agent: settings.agent, log: settings.log, policy: settings.policy }
        };
        let plain = of("");
        assert_eq!(plain.changed(&of("la_codes = [999]")), [""; 0]);
        let other = of(
            "policy = \"p.toml\"\n[agent]\nsocket = \"/s\"\nstate_dir = \"/d\"\ngroup = \"g\"\n\
             refresh_floor = \"1m\"\n[log]\nlevel = \"debug\"",
        );
        assert_eq!(plain.changed(&other).len(), 6);
    }

    #[test]
    fn tells_the_first_error_and_counts_the_others() {
        assert_eq!(first_and_how_many_more("one"), "one");
        assert_eq!(
            first_and_how_many_more("one\ntwo\nthree"),
            "one (and 2 more: caretaker config check)"
        );
    }
}
