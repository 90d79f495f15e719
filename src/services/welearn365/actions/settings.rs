//! Settings of the app that may write in Microsoft 365, and of the runbook that starts a sync.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::ids::{CredentialName, IdError};
use crate::model::span::Span;
use crate::ports::program::Command;
use crate::services::welearn365::login::Authentication;

/// The credential's name unless the config gives another.
const CREDENTIAL: &str = "welearn365.act";

/// `[services.welearn365.act]`: a second app registration, with the rights to write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloudSettings {
    /// The id of the app registration that may write (a GUID); another one than the read-only app.
    pub client_id: String,
    /// How the app shows who it is: `secret` or `certificate`.
    #[serde(default)]
    pub authentication: Authentication,
    /// Name of its credential; `welearn365.act` if not set.
    #[serde(default)]
    pub credential: Option<CredentialName>,
    /// The id of the app's service principal, by which Microsoft's audit names it where it leaves the
    /// app's own id out (the enterprise application's object id).
    #[serde(default)]
    pub principal_id: Option<String>,
    /// Microsoft's directory sync (Cloud Sync), to have it take single accounts at once; not possible
    /// if not set.
    #[serde(default)]
    pub resync: Option<ResyncSettings>,
}

/// `[services.welearn365.act.resync]`: where Cloud Sync is in the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResyncSettings {
    /// The id of the sync's service principal.
    pub service_principal_id: String,
    /// The id of its job.
    pub job_id: String,
    /// The id of the rule in its schema that takes users.
    pub rule_id: String,
}

impl ResyncSettings {
    /// The first value that makes no sense: its key and the remedy.
    pub(super) fn refused(&self) -> Option<(&'static str, &'static str)> {
        let word = |c: char| c.is_ascii_alphanumeric() || "-._#".contains(c);
        let ids = [
            ("service_principal_id", &self.service_principal_id),
            ("job_id", &self.job_id),
            ("rule_id", &self.rule_id),
        ];
        let bad = |id: &str| id.is_empty() || !id.chars().all(word) || id.starts_with('.');
        let (key, _) = ids.into_iter().find(|(_, id)| bad(id))?;
        Some((key, "write the id as Microsoft Graph shows it (see the administrator's guide)"))
    }
}

/// Programs that would read their arguments as commands.
const SHELLS: [&str; 12] =
    ["ash", "bash", "busybox", "csh", "dash", "env", "fish", "ksh", "mksh", "sh", "tcsh", "zsh"];
/// Shorter than the ten minutes in which a step may be sent, with time to spare.
const LONGEST: Span = Span::from_mins(5);

/// `[services.welearn365.runbook]`: the command that starts a directory sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunbookSettings {
    /// The program's absolute path, then its arguments, each handed over as it stands: no shell reads
    /// them, and nothing is filled in.
    pub command: Vec<String>,
    /// After so long it is ended, with all that it started; at most 5 minutes.
    #[serde(default = "deadline")]
    pub deadline: Span,
}

fn deadline() -> Span {
    Span::from_mins(2)
}

impl RunbookSettings {
    /// The command, or the key of what makes no sense and the remedy.
    pub(super) fn command(&self) -> Result<Command, (&'static str, String)> {
        let refuse = |why: &str| Err(("command", why.to_owned()));
        let Some((program, arguments)) = self.command.split_first() else {
            return refuse("name a program by its absolute path, then its arguments");
        };
        let program = PathBuf::from(program);
        if !program.is_absolute() {
            return refuse(
                "the program is no absolute path, such as /usr/local/lib/caretaker/sync",
            );
        }
        let name = program.file_name().and_then(|name| Path::new(name).file_stem());
        if name.is_some_and(|name| SHELLS.iter().any(|shell| name == *shell)) {
            return refuse(
                "a shell would read its arguments as commands: write a script, and name that",
            );
        }
        if self.command.iter().any(|part| part.chars().any(char::is_control)) {
            return refuse("there is a control character in it");
        }
        if self.deadline.as_secs() == 0 || self.deadline > LONGEST {
            return Err(("deadline", format!("write a time from 1s to {LONGEST}")));
        }
        let (arguments, deadline) = (arguments.to_vec(), self.deadline.duration());
        Ok(Command { program, arguments, deadline })
    }
}

impl CloudSettings {
    /// The name of its credential.
    pub(super) fn credential(&self) -> Result<CredentialName, IdError> {
        match &self.credential {
            Some(name) => Ok(name.clone()),
            None => CREDENTIAL.parse(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runbook(text: &str) -> Result<Command, (&'static str, String)> {
        toml::from_str::<RunbookSettings>(text).unwrap().command()
    }

    #[test]
    fn threat_18_only_a_program_by_its_path_is_a_runbook() {
        let good = runbook("command = ['/usr/local/bin/sync', '-p', 'a b; c']").unwrap();
        assert_eq!(good.program, Path::new("/usr/local/bin/sync"));
        assert_eq!(good.arguments, ["-p", "a b; c"]);
        assert_eq!(good.deadline.as_secs(), 120);
        for (text, key, part) in [
            ("command = []", "command", "absolute path"),
            ("command = ['sync']", "command", "absolute path"),
            ("command = ['./sync']", "command", "absolute path"),
            ("command = ['']", "command", "absolute path"),
            ("command = ['/bin/sh', '-c', 'sync']", "command", "a shell"),
            ("command = ['/usr/bin/bash.real', 'x']", "command", "a shell"),
            ("command = ['/usr/bin/env', 'sync']", "command", "a shell"),
            ("command = ['/x', \"a\\nb\"]", "command", "control character"),
            ("command = ['/x', \"a\\u0000\"]", "command", "control character"),
            ("command = ['/x']\ndeadline = '0s'", "deadline", "1s to 5m"),
            ("command = ['/x']\ndeadline = '301s'", "deadline", "1s to 5m"),
        ] {
            let (at, why) = runbook(text).expect_err(text);
            assert!(at == key && why.contains(part), "{text}: {at}: {why}");
        }
    }

    #[test]
    fn ids_of_the_sync_are_words() {
        let settings = |id: &str| ResyncSettings {
            service_principal_id: "3e916d82-dd59".into(),
            job_id: "AD2AADProvisioning.30b2".into(),
            rule_id: id.into(),
        };
        assert_eq!(settings("33f7#V2").refused(), None);
        for bad in ["", "a/b", "..", "a b", "x?y"] {
            assert_eq!(settings(bad).refused().map(|(key, _)| key), Some("rule_id"), "{bad}");
        }
    }
}
