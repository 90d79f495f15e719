//! Where the agent keeps what it knows, and where it listens.

use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::app::doctor::parted;
use crate::app::failed::Failed;
use crate::app::world::Outside;
use crate::cli::doctor::{Area, Finding};
use crate::config::Config;
use crate::link::{Link, LinkError};
use crate::store::examine;
use crate::sys::{Places, account_name, free_bytes, group_name};
use crate::wire::page::AgentHealth;

/// Less room than this is told.
const LITTLE: u64 = 1024 * 1024 * 1024;
/// With less than this the board will soon not be written any more.
const TOO_LITTLE: u64 = 100 * 1024 * 1024;
const MIB: u64 = 1024 * 1024;

/// The folder of the databases and what is in it.
///
/// # Errors
/// When the thread that looks died.
pub async fn store(config: Option<&Config>) -> Result<Vec<Finding>, Failed> {
    let configured = config.and_then(|c| Some(c.resolve(c.settings.agent.state_dir.as_ref()?)));
    let usual = || Places::from_env().state_dir().map(Path::to_owned);
    let Some(folder) = configured.or_else(usual) else {
        let text = "there is no place for the databases";
        let remedy = "set agent.state_dir in the configuration";
        return Ok(vec![Finding::error(Area::Store, "", text, remedy)]);
    };
    let looking = tokio::task::spawn_blocking(move || look_at(&folder));
    looking.await.map_err(Failed::software)
}

fn look_at(folder: &Path) -> Vec<Finding> {
    let subject = folder.display().to_string();
    let about = match folder.metadata() {
        Ok(about) => about,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let text = "is not there yet: the agent makes it when it starts";
            return vec![Finding::note(Area::Store, &subject, text)];
        }
        Err(e) => {
            let remedy = "run this as the agent's account";
            let text = format!("cannot be looked at: {e}");
            return vec![Finding::error(Area::Store, &subject, text, remedy)];
        }
    };
    let mut out = Vec::new();
    let mode = about.mode() & 0o7777;
    if mode & 0o077 == 0 {
        out.push(Finding::ok(Area::Store, &subject, format!("for its owner alone ({mode:04o})")));
    } else {
        let text = format!("others can look into it (mode {mode:04o})");
        let remedy = format!("run: chmod 700 {subject}");
        out.push(Finding::warning(Area::Store, &subject, text, remedy));
    }
    out.push(room(folder, &subject));
    for name in ["board.db", "ledger.db"] {
        let path = folder.join(name);
        match path.metadata() {
            Ok(about) => out.push(database(&path, about.len(), name == "board.db")),
            Err(_) if name == "board.db" => {
                let text = "is not there yet: the agent makes it when it starts";
                out.push(Finding::note(Area::Store, &path.display().to_string(), text));
            }
            Err(_) => {}
        }
        let aside = folder.join(format!("{name}.damaged"));
        if aside.exists() {
            let mut note = Finding::note(
                Area::Store,
                &aside.display().to_string(),
                "a damaged file was moved here",
            );
            note.remedy = Some("take it away once nobody needs to look at it".to_owned());
            out.push(note);
        }
    }
    out
}

fn room(folder: &Path, subject: &str) -> Finding {
    let free = match free_bytes(folder) {
        Ok(free) => free,
        Err(e) => {
            let text = format!("its disk cannot be asked for its room: {e}");
            return Finding::note(Area::Store, subject, text);
        }
    };
    let text = format!("{} MiB are free on its disk", free / MIB);
    let remedy = "make room on that disk";
    let finding = if free < TOO_LITTLE {
        Finding::error(Area::Store, subject, text, remedy)
    } else if free < LITTLE {
        Finding::warning(Area::Store, subject, text, remedy)
    } else {
        Finding::ok(Area::Store, subject, text)
    };
    finding.fact("free_bytes", free)
}

fn database(path: &Path, bytes: u64, ours: bool) -> Finding {
    let subject = path.display().to_string();
    let seen = match examine(path) {
        Ok(seen) => seen,
        Err(error) => {
            let (text, remedy) = parted(&error.to_string());
            return Finding::error(Area::Store, "", text, remedy);
        }
    };
    if let Some(damage) = seen.damage {
        let remedy = "keep a copy, then restart the agent, which moves it aside and begins anew";
        return Finding::error(Area::Store, &subject, format!("is damaged: {damage}"), remedy);
    }
    if ours && seen.format > seen.known {
        let text = format!(
            "was written by a newer caretaker (format {}, this one knows {})",
            seen.format, seen.known
        );
        let remedy = "upgrade this program";
        return Finding::error(Area::Store, &subject, text, remedy);
    }
    let text = format!("opens and is sound; format {}, {} KiB", seen.format, bytes / 1024);
    Finding::ok(Area::Store, &subject, text).fact("format", seen.format).fact("bytes", bytes)
}

/// The socket that a console would attach to, and who holds it.
pub async fn socket(outside: &Outside, config: Option<&Config>) -> Vec<Finding> {
    let named = outside.agent.clone();
    let configured = || config.and_then(|c| Some(c.resolve(c.settings.agent.socket.as_ref()?)));
    let mut candidates: Vec<PathBuf> = match named.or_else(configured) {
        Some(one) => vec![one],
        None => Places::from_env().agent_sockets(None),
    };
    let there = candidates.iter().position(|path| path.exists()).unwrap_or_default();
    if candidates.is_empty() {
        return Vec::new();
    }
    let path = candidates.swap_remove(there);
    let subject = path.display().to_string();
    let about = match path.metadata() {
        Ok(about) => about,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let text = "no agent listens here; a console starts one of its own";
            return vec![Finding::note(Area::Socket, &subject, text)];
        }
        Err(e) => {
            let text = format!("cannot be looked at: {e}");
            let remedy = "run this as an account that may attach to the agent";
            return vec![Finding::error(Area::Socket, &subject, text, remedy)];
        }
    };
    if !about.file_type().is_socket() {
        let text = "a file that is no socket stands here";
        return vec![Finding::error(Area::Socket, &subject, text, "move it away")];
    }
    let mut out = vec![rights(&path, &about)];
    out.extend(match health(&path).await {
        Ok(health) => held(&subject, &health),
        Err(error) => {
            let remedy = match error {
                LinkError::NoAgent { .. } => "start the agent: it replaces a socket left over",
                LinkError::Refused { .. } => "join the group of the socket, or run as its owner",
                LinkError::Version { .. } => "upgrade the older of the two",
            };
            vec![Finding::error(Area::Socket, &subject, error.to_string(), remedy)]
        }
    });
    out
}

async fn health(path: &Path) -> Result<AgentHealth, LinkError> {
    Link::new(path)?.health().await
}

/// Who may attach.
fn rights(path: &Path, about: &std::fs::Metadata) -> Finding {
    let subject = path.display().to_string();
    let mode = about.mode() & 0o7777;
    let owner = account_name(about.uid()).unwrap_or_else(|| format!("uid {}", about.uid()));
    let group = group_name(about.gid()).unwrap_or_else(|| format!("gid {}", about.gid()));
    let text = match mode & 0o060 {
        0 => format!("for {owner} alone ({mode:04o})"),
        _ => format!("for {owner} and the group {group} ({mode:04o})"),
    };
    let folder = path.parent().and_then(|folder| folder.metadata().ok());
    let open = folder.is_some_and(|f| f.mode() & 0o022 != 0);
    let finding = if mode & 0o007 != 0 {
        let remedy = "restart the agent: it makes the socket anew with the right mode";
        Finding::error(Area::Socket, &subject, format!("{text}: everybody may attach"), remedy)
    } else if open {
        let text = format!("{text}, in a folder that others can write to");
        Finding::error(Area::Socket, &subject, text, "run: chmod go-w on its folder")
    } else {
        Finding::ok(Area::Socket, &subject, text)
    };
    finding.fact("mode", format!("{mode:04o}")).fact("group", group)
}

/// What the agent says of itself.
fn held(subject: &str, health: &AgentHealth) -> Vec<Finding> {
    let since = health.configured_at.map_or(String::new(), |at| {
        let at = at.to_zoned_datetime(crate::model::calendar::london());
        format!(", configuration of {}", at.strftime("%a %-d %b %H:%M"))
    });
    let ours = env!("CARGO_PKG_VERSION");
    let text = format!("held by process {}, caretaker {}{since}", health.pid, health.version);
    let mut out = vec![
        match health.version == ours {
            true => Finding::ok(Area::Socket, subject, text),
            false => {
                Finding::note(Area::Socket, subject, format!("{text}; this program is {ours}"))
            }
        }
        .fact("pid", health.pid)
        .fact("version", health.version.clone()),
    ];
    if let Some(refused) = &health.reload_refused {
        let text = format!("the agent refused a newer configuration: {}", refused.why);
        let remedy = "mend it, then reload: systemctl reload caretaker, or kill -HUP";
        out.push(Finding::warning(Area::Socket, subject, text, remedy));
    }
    if !health.store_ok {
        let remedy = "make room on its disk; its log says more";
        out.push(Finding::error(Area::Socket, subject, "the agent cannot write its store", remedy));
    }
    if health.refused_events > 0 {
        let text = format!("the agent dropped {} answers", health.refused_events);
        let remedy = "its log says why; a restart clears the count";
        out.push(Finding::warning(Area::Socket, subject, text, remedy));
    }
    out
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::cli::doctor::Severity;
    use crate::store::SqliteStore;

    #[test]
    fn a_store_is_looked_at_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("state");
        assert_eq!(look_at(&folder)[0].severity, Severity::Note);
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).unwrap();
        drop(SqliteStore::open(&folder.join("board.db")).unwrap());
        let seen = look_at(&folder);
        assert!(seen.iter().all(|f| f.severity == Severity::Ok), "{seen:?}");
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::write(folder.join("board.db"), vec![7_u8; 9_000]).unwrap();
        std::fs::write(folder.join("board.db.damaged"), "").unwrap();
        let seen = look_at(&folder);
        let severities: Vec<_> = seen.iter().map(|f| f.severity).collect();
        assert_eq!(
            severities,
            [Severity::Warning, Severity::Ok, Severity::Error, Severity::Note],
            "{seen:?}"
        );
        assert!(seen.iter().all(|f| f.severity < Severity::Warning || f.remedy.is_some()));
    }
}
