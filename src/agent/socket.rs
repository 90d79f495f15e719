//! The socket's place: one agent for each, private to its account.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;

use crate::agent::running::AgentError;
use crate::ports::clock::Clock;
use crate::wire::page::AgentHealth;

/// How long the holder of a socket may take to say who it is.
const ASK: Duration = Duration::from_secs(2);

/// A bound socket. Dropping it takes the socket away and frees its name.
pub(super) struct Place {
    path: PathBuf,
    /// Locked as long as this lives; the file itself stays, so that two can never lock two files.
    _lock: File,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!("{} could not be removed: {error}", self.path.display());
        }
    }
}

/// The sole right to listen at a socket's path. Dropping it gives the right back; the system does
/// so itself when the process ends, however it ends.
#[derive(Debug)]
pub struct Reserved {
    path: PathBuf,
    group: Option<u32>,
    lock: File,
}

/// What came of reaching for the right.
enum Reached {
    Ours(Reserved),
    /// The lock file of whoever has it.
    Theirs(File),
}

impl Reserved {
    /// Takes the right to `path`, whose folder is made if it is not there. `None` if another
    /// process has it.
    ///
    /// # Errors
    /// When the folder is not safe, or the lock beside the socket cannot be made.
    pub fn now(path: &Path, group: Option<u32>) -> Result<Option<Self>, AgentError> {
        Ok(match reach(path, group)? {
            Reached::Ours(reserved) => Some(reserved),
            Reached::Theirs(_) => None,
        })
    }

    /// Waits until nobody has the right any more, and takes it. Of several that wait, one gets it
    /// and the others go on waiting.
    ///
    /// # Errors
    /// As [`Self::now`].
    pub async fn in_turn(path: &Path, group: Option<u32>) -> Result<Self, AgentError> {
        folder(path, group)?;
        let lock = open_lock(path)?;
        let (tell, told) = oneshot::channel();
        // The system wakes a thread that waits for a lock, and nothing else. The thread may outlast
        // whoever waited: what it then gets, it drops.
        std::thread::Builder::new()
            .name("in turn".into())
            .spawn(move || {
                let outcome = loop {
                    match flock(&lock, FlockOperation::LockExclusive) {
                        Err(Errno::INTR) => {}
                        outcome => break outcome,
                    }
                };
                drop(tell.send(outcome.map(|()| lock)));
            })
            .map_err(|e| unusable(path, "no thread can wait for its lock", e))?;
        match told.await {
            Ok(Ok(lock)) => Ok(Self { path: path.to_owned(), group, lock }),
            Ok(Err(error)) => Err(unusable(path, "its lock file cannot be locked", error)),
            Err(error) => Err(unusable(path, "nobody waits for its lock any more", error)),
        }
    }

    /// Where, and for which group.
    pub(super) fn place(&self) -> (PathBuf, Option<u32>) {
        (self.path.clone(), self.group)
    }

    /// Listens there. A socket that nobody listens at is replaced.
    pub(super) async fn listen(
        mut self,
        clock: &dyn Clock,
    ) -> Result<(Place, UnixListener), AgentError> {
        let path = &self.path;
        replace_stale(path, clock).await?;
        note_pid(&mut self.lock)
            .map_err(|e| unusable(path, "its lock file cannot be written", e))?;
        let listener =
            UnixListener::bind(path).map_err(|e| unusable(path, "it cannot be bound", e))?;
        let place = Place { path: path.clone(), _lock: self.lock };
        let mode = if self.group.is_some() { 0o660 } else { 0o600 };
        if let Some(gid) = self.group {
            std::os::unix::fs::chown(&place.path, None, Some(gid))
                .map_err(|e| unusable(&place.path, "its group cannot be set", e))?;
        }
        std::fs::set_permissions(&place.path, Permissions::from_mode(mode))
            .map_err(|e| unusable(&place.path, "its mode cannot be set", e))?;
        Ok((place, listener))
    }
}

/// Takes the right to `path`, or says who has it.
pub(super) async fn reserve(
    path: &Path,
    group: Option<u32>,
    clock: &dyn Clock,
) -> Result<Reserved, AgentError> {
    match reach(path, group)? {
        Reached::Ours(reserved) => Ok(reserved),
        Reached::Theirs(mut lock) => Err(held(path, &mut lock, clock).await),
    }
}

fn reach(path: &Path, group: Option<u32>) -> Result<Reached, AgentError> {
    folder(path, group)?;
    let lock = open_lock(path)?;
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Reached::Ours(Reserved { path: path.to_owned(), group, lock })),
        Err(Errno::WOULDBLOCK) => Ok(Reached::Theirs(lock)),
        Err(error) => Err(unusable(path, "its lock file cannot be locked", error)),
    }
}

fn open_lock(path: &Path) -> Result<File, AgentError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(beside(path, ".lock"))
        .map_err(|e| unusable(path, "its lock file cannot be opened", e))
}

fn unusable(path: &Path, what: &str, why: impl std::fmt::Display) -> AgentError {
    AgentError::Socket { socket: path.display().to_string(), why: format!("{what}: {why}") }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The folder, made if it is not there; one in which others may write is refused, because they
/// could put their own socket in the place of ours.
fn folder(path: &Path, group: Option<u32>) -> Result<(), AgentError> {
    let refuse = |why: String| AgentError::Socket { socket: path.display().to_string(), why };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.exists() {
        let mode = if group.is_some() { 0o750 } else { 0o700 };
        DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(folder)
            .map_err(|e| refuse(format!("the folder {} cannot be made: {e}", folder.display())))?;
        if let Some(gid) = group {
            std::os::unix::fs::chown(folder, None, Some(gid))
                .map_err(|e| refuse(format!("the folder's group cannot be set: {e}")))?;
        }
    }
    let facts = std::fs::metadata(folder)
        .map_err(|e| refuse(format!("the folder {} cannot be read: {e}", folder.display())))?;
    let me = rustix::process::geteuid().as_raw();
    if facts.uid() != me && facts.uid() != 0 {
        return Err(refuse(format!(
            "the folder {} belongs to another account; choose one of your own",
            folder.display()
        )));
    }
    if facts.mode() & 0o022 != 0 {
        return Err(refuse(format!(
            "others may write in the folder {}; run: chmod go-w {}",
            folder.display(),
            folder.display()
        )));
    }
    Ok(())
}

/// Makes room: a socket that nobody listens at goes; anything else that stands there stays.
async fn replace_stale(path: &Path, clock: &dyn Clock) -> Result<(), AgentError> {
    let refuse = |why: String| AgentError::Socket { socket: path.display().to_string(), why };
    let facts = match std::fs::symlink_metadata(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(refuse(e.to_string())),
        Ok(facts) => facts,
    };
    if !facts.file_type().is_socket() {
        return Err(refuse("a file that is no socket stands there; move it away".into()));
    }
    match UnixStream::connect(path).await {
        Err(e) if e.kind() == ErrorKind::ConnectionRefused => std::fs::remove_file(path)
            .map_err(|e| refuse(format!("a left-over socket cannot be removed: {e}"))),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        Err(e) => Err(refuse(e.to_string())),
        Ok(_) => Err(AgentError::Held {
            socket: path.display().to_string(),
            who: who(path, clock).await.unwrap_or_else(|| "a program that does not say".into()),
        }),
    }
}

fn note_pid(lock: &mut File) -> std::io::Result<()> {
    lock.set_len(0)?;
    write!(lock, "{}", std::process::id())
}

async fn held(path: &Path, lock: &mut File, clock: &dyn Clock) -> AgentError {
    let mut pid = String::new();
    let noted = match lock.take(16).read_to_string(&mut pid) {
        Ok(_) if !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit()) => {
            format!("process {pid}, which does not answer")
        }
        _ => "a process that does not answer".to_owned(),
    };
    let who = who(path, clock).await.unwrap_or(noted);
    AgentError::Held { socket: path.display().to_string(), who }
}

/// Asks the holder itself.
async fn who(path: &Path, clock: &dyn Clock) -> Option<String> {
    let ask = async {
        let mut stream = UnixStream::connect(path).await.ok()?;
        let request = b"GET /v1/health HTTP/1.1\r\nHost: caretaker\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.ok()?;
        let mut answer = Vec::new();
        stream.take(16 * 1_024).read_to_end(&mut answer).await.ok()?;
        let text = String::from_utf8(answer).ok()?;
        let (_, body) = text.split_once("\r\n\r\n")?;
        let health: AgentHealth = serde_json::from_str(body).ok()?;
        Some(format!("process {}, caretaker {}", health.pid, health.version))
    };
    tokio::select! {
        who = ask => who,
        () = clock.sleep(ASK) => None,
    }
}
