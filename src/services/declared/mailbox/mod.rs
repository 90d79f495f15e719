//! Mailbox drop: messages out of a mail folder (IMAP), a Maildir, or a folder of dropped files.
//!
//! Nothing is ever marked, moved or deleted: the mailbox itself is the memory. What stands in it
//! counts, what was taken away no longer does, and after a restart it is read again. Each message
//! is reduced to what its reader wants to know the moment it is read; the rest is never held.

mod access;
mod files;
mod mime;
mod rights;
mod shelf;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::calendar::london_date;
use crate::model::health::Reason;
use crate::model::ids::CredentialName;
use crate::model::span::Span;
use crate::model::text::Clean;
use crate::ports::watch::{Door, Place, Rights, Stuck};
use crate::services::answer::Trouble;
use crate::services::declared::dropped::{DropError, DropSettings};
use crate::services::declared::{in_folder, refused};
use crate::services::{Context, ServiceError};
use crate::transport::{Failure, ImapSettings, MailFolder, MailServer, Part};

pub use mime::{Key, Mail, Sent};
pub use shelf::Message;

use access::Access;
use files::{FileId, Files, Listed};
use shelf::{Id, Shelf};

/// The most messages that a mailbox may be set to hold.
const MOST_MESSAGES: u32 = 20_000;
/// The most bytes of one message that may be fetched.
const MOST_BYTES: u32 = 4 * 1024 * 1024;
/// Messages that are fetched by one command.
const BATCH: usize = 20;

/// Where messages arrive: exactly one of `imap`, `maildir` and `folder`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailboxSettings {
    /// A folder of a mail server.
    #[serde(default)]
    pub imap: Option<ImapSettings>,
    /// A Maildir, relative to the config file's folder: its `new` and `cur`.
    #[serde(default)]
    pub maildir: Option<PathBuf>,
    /// A folder into which messages are dropped as `.eml` (mail) and `.txt` (text) files.
    #[serde(default)]
    pub folder: Option<DropSettings>,
    /// Messages that arrived longer ago are left out, and whatever they told of is forgotten.
    /// Without it all count.
    #[serde(default)]
    pub max_age: Option<Span>,
    /// A mailbox that holds more is refused, never read in part: move old messages away, or set
    /// `max_age`. At most 20000.
    #[serde(default = "default_max_messages")]
    pub max_messages: u32,
    /// Bytes of one message that are fetched from a mail server. At most 4194304.
    #[serde(default = "default_max_message_bytes")]
    pub max_message_bytes: u32,
}

fn default_max_messages() -> u32 {
    5_000
}

fn default_max_message_bytes() -> u32 {
    256 * 1024
}

impl MailboxSettings {
    /// A folder of dropped files, all else as it is by default.
    #[must_use]
    pub fn of_folder(folder: DropSettings) -> Self {
        Self {
            imap: None,
            maildir: None,
            folder: Some(folder),
            max_age: None,
            max_messages: default_max_messages(),
            max_message_bytes: default_max_message_bytes(),
        }
    }

    /// The credentials that it names.
    #[must_use]
    pub fn credentials(&self) -> Vec<CredentialName> {
        self.imap.iter().map(|imap| imap.credential.clone()).collect()
    }
}

/// How much of a message is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// Headers, subject and text.
    All,
    /// Date, sender, recipients and identity. Subject and text are not even fetched from a mail
    /// server.
    Envelope,
}

/// Why a mailbox, or a part of it, could not be read. The text never holds a message's content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailTrouble {
    /// A folder or a file of it.
    #[error("{0}")]
    File(#[from] DropError),
    /// The mail server.
    #[error("{0}")]
    Server(#[from] Failure),
    /// The credential for it, or the token that it brings.
    #[error("{why}")]
    Credential {
        /// Which kind of not knowing.
        reason: Reason,
        /// What is wrong, and the remedy.
        why: String,
    },
    /// It holds more than is read.
    #[error(
        "the mailbox holds {found} messages, more than {limit}: move old ones away, or set max_age"
    )]
    TooMany {
        /// How many.
        found: usize,
        /// `max_messages`.
        limit: usize,
    },
}

impl From<Trouble> for MailTrouble {
    fn from(trouble: Trouble) -> Self {
        let Trouble { reason, why, .. } = trouble;
        Self::Credential { reason, why }
    }
}

impl MailTrouble {
    /// The reason of the unknown that this makes of a check.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::File(e) => e.reason(),
            Self::Server(e) => e.reason(),
            Self::Credential { reason, .. } => *reason,
            Self::TooMany { .. } => Reason::Malformed,
        }
    }
}

/// What a look into a mailbox showed.
#[derive(Debug)]
pub struct Look<T> {
    /// Every message that stands in it, each once, oldest arrival first. With `trouble` or
    /// `unread`, those that are known so far.
    pub messages: Vec<Message<T>>,
    /// Messages that cannot be understood as messages.
    pub unreadable: usize,
    /// Links, pipes and folders in place of files, left alone.
    pub refused: usize,
    /// Further copies of messages.
    pub twice: usize,
    /// Messages that are there and not read yet: silence proves nothing before they are.
    pub unread: usize,
    /// Why not all was read.
    pub trouble: Option<MailTrouble>,
}

impl<T> Look<T> {
    /// Those that had never been seen before by this process.
    pub fn new_ones(&self) -> impl Iterator<Item = &Message<T>> {
        self.messages.iter().filter(|m| m.new)
    }

    /// Why the messages may not be all there are, as a reason and a sentence.
    #[must_use]
    pub fn gap(&self) -> Option<(Reason, String)> {
        if let Some(trouble) = &self.trouble {
            return Some((trouble.reason(), trouble.to_string()));
        }
        let known = self.messages.len() + self.unreadable + self.twice;
        (self.unread > 0).then(|| {
            let why = format!("still reading the mailbox: {known} of {}", known + self.unread);
            (Reason::NoAnswer, why)
        })
    }
}

type Digest<T> = Box<dyn Fn(&Mail) -> T + Send + Sync>;

/// A mailbox. What its reader makes of a message is held, nothing else.
pub struct Mailbox<T> {
    source: Source,
    reads: Reads,
    digest: Arc<Digest<T>>,
    settings: MailboxSettings,
    shelf: tokio::sync::Mutex<Shelf<T>>,
}

enum Source {
    Files(Files),
    Imap { server: MailServer, access: Box<Access> },
}

impl<T: Send + Sync + 'static> Mailbox<T> {
    /// From its settings; `service` and `key` are for errors. `digest` reduces a message to what
    /// is to be held of it.
    ///
    /// # Errors
    /// When not exactly one source is named, a limit makes no sense, or the server's settings
    /// cannot be used.
    pub fn new(
        ctx: &Context,
        service: &'static str,
        key: &str,
        settings: &MailboxSettings,
        reads: Reads,
        digest: impl Fn(&Mail) -> T + Send + Sync + 'static,
    ) -> Result<Self, ServiceError> {
        let refuse = |field: &str, why: &str| Err(refused(service, &format!("{key}{field}"), why));
        if !(1..=MOST_MESSAGES).contains(&settings.max_messages) {
            return refuse(".max_messages", "must be from 1 to 20000");
        }
        if !(1_024..=MOST_BYTES).contains(&settings.max_message_bytes) {
            return refuse(".max_message_bytes", "must be from 1024 to 4194304");
        }
        if settings.max_age.is_some_and(|age| age.as_secs() < 86_400) {
            return refuse(".max_age", "must be at least 1d");
        }
        let source = match (&settings.imap, &settings.maildir, &settings.folder) {
            (Some(imap), None, None) => imap_source(ctx, service, imap)?,
            (None, Some(path), None) => Source::Files(Files::maildir(&ctx.folder, path)),
            (None, None, Some(folder)) => Source::Files(Files::dropped(&ctx.folder, folder)),
            _ => return refuse("", "name exactly one of imap, maildir and folder"),
        };
        Ok(Self {
            source,
            reads,
            digest: Arc::new(Box::new(digest)),
            settings: settings.clone(),
            shelf: tokio::sync::Mutex::default(),
        })
    }

    /// Looks into it. What is known already is not read again: a look without news costs one
    /// listing, or one connection.
    pub async fn look(&self, now: Timestamp) -> Look<T> {
        let mut shelf = self.shelf.lock().await;
        let outcome = match &self.source {
            Source::Files(files) => self.look_at_files(&mut shelf, files, now).await,
            Source::Imap { server, access } => self.visit(&mut shelf, server, access, now).await,
        };
        let oldest = self
            .settings
            .max_age
            .and_then(|age| now.checked_sub(SignedDuration::from_secs(age.as_secs_i64())).ok());
        shelf.shown(outcome.err(), oldest)
    }

    /// Where its messages are left, if they are files.
    pub fn places(&self) -> Vec<Place> {
        match &self.source {
            Source::Files(files) => files.places().collect(),
            Source::Imap { .. } => Vec::new(),
        }
    }

    /// The mail server as it is found now, if there is one, and whether it lets us in. Two
    /// connections, one after the other.
    pub async fn door(&self) -> Option<Door> {
        let Source::Imap { server, access } = &self.source else { return None };
        let mut door = server.reach().await;
        if door.stuck.is_none() {
            door.stuck = match access.show(None).await {
                Err(trouble) => Some((Stuck::SignIn, trouble.why)),
                Ok((secret, _)) => match server.open(&secret).await {
                    Ok(folder) => {
                        folder.close().await;
                        None
                    }
                    Err(failure) => Some((Stuck::SignIn, failure.to_string())),
                },
            };
        }
        Some(door)
    }

    /// What our account may do with the folder of the mail server, if there is one; none as well where
    /// it is not let in, which [`Mailbox::door`] tells.
    pub async fn rights(&self) -> Option<Rights> {
        let (Source::Imap { server, access }, Some(imap)) = (&self.source, &self.settings.imap)
        else {
            return None;
        };
        let (secret, _) = access.show(None).await.ok()?;
        let mut folder = server.open(&secret).await.ok()?;
        let told = folder.rights().await;
        folder.close().await;
        Some(match told {
            Ok(letters) => rights::judged(access.credential(), &imap.folder, letters.as_deref()),
            Err(failure) => {
                let why = format!("its rights cannot be told: {failure}");
                crate::services::rights::untold(access.credential(), why)
            }
        })
    }

    fn most(&self) -> usize {
        usize::try_from(self.settings.max_messages).unwrap_or(usize::MAX)
    }

    fn only_so_many(&self, found: usize) -> Result<(), MailTrouble> {
        let limit = self.most();
        if found > limit { Err(MailTrouble::TooMany { found, limit }) } else { Ok(()) }
    }

    async fn look_at_files(
        &self,
        shelf: &mut Shelf<T>,
        files: &Files,
        now: Timestamp,
    ) -> Result<(), MailTrouble> {
        let mut present = files.list(now).await?;
        // A file that is renamed while the folder is listed may be missed: what was there is only
        // gone when a second look does not show it either.
        if shelf.would_lose(|id| is_in(id, &present.files)) {
            let again = files.list(now).await?;
            present.files.extend(again.files);
        }
        if let Some(age) = self.settings.max_age {
            let oldest = now.checked_sub(SignedDuration::from_secs(age.as_secs_i64()));
            present.files.retain(|_, f| oldest.as_ref().map_or(true, |o| f.entry.changed_at >= *o));
        }
        self.only_so_many(present.files.len())?;
        shelf.refused = present.refused;
        shelf.keep_only(|id| is_in(id, &present.files));
        let mut trouble = None;
        for (id, file) in &present.files {
            let id = Id::File(id.clone());
            if shelf.holds(&id) {
                continue;
            }
            match self.read_file(files, file, &id, now).await {
                Ok(Some((key, what))) => shelf.put(id, file.entry.changed_at, Some((key, what))),
                Ok(None) => shelf.put(id, file.entry.changed_at, None),
                // Taken away since it was listed.
                Err(None) => {}
                Err(Some(e)) => trouble = trouble.or(Some(e)),
            }
        }
        shelf.trim(self.most());
        trouble.map_or(Ok(()), |e| Err(e.into()))
    }

    /// What one file holds; `Ok(None)` when that is no message, `Err(None)` when it is gone.
    async fn read_file(
        &self,
        files: &Files,
        file: &Listed,
        id: &Id,
        now: Timestamp,
    ) -> Result<Option<(Key, T)>, Option<DropError>> {
        let bytes = match files.read(file).await {
            Ok(bytes) => bytes,
            Err(DropError::TooLarge { .. }) => return Ok(None),
            Err(e) => {
                // It may have moved from `new` to `cur`.
                let there = files.list(now).await.map_err(Some)?;
                let Id::File(name) = id else { return Err(Some(e)) };
                let Some(moved) = there.files.get(name) else { return Err(None) };
                files.read(moved).await.map_err(Some)?
            }
        };
        let (is_bare, reads, at) = (files.is_bare(file), self.reads, file.entry.changed_at);
        let digest = self.digest.clone();
        let work = move || {
            let mail = match reads {
                Reads::All if is_bare => mime::bare(&bytes, at),
                Reads::All => mime::mail(&bytes, true, at),
                Reads::Envelope => mime::envelope(&bytes, at),
            };
            mail.map(|mail| (mail.key, digest(&mail)))
        };
        // Off the runtime: a large message takes a while to take apart.
        tokio::task::spawn_blocking(work).await.map_err(|e| {
            let name = Clean::new(&file.entry.name);
            Some(DropError::Unreadable { name, why: Clean::new(&e.to_string()) })
        })
    }

    /// One visit to a mail server, and a second if the connection was lost in the middle.
    async fn visit(
        &self,
        shelf: &mut Shelf<T>,
        server: &MailServer,
        access: &Access,
        now: Timestamp,
    ) -> Result<(), MailTrouble> {
        let (mut secret, serial) = access.show(None).await?;
        let (mut tries, mut renewable) = (2, access.can_renew());
        loop {
            let mut folder = match server.open(&secret).await {
                Ok(folder) => folder,
                // A token may be taken back before its time.
                Err(Failure::Unauthorised { .. }) if renewable => {
                    renewable = false;
                    (secret, _) = access.show(Some(serial)).await?;
                    continue;
                }
                Err(e) => return Err(e.into()),
            };
            tries -= 1;
            match self.browse(shelf, &mut folder, now).await {
                Ok(()) => {
                    folder.close().await;
                    return Ok(());
                }
                Err(MailTrouble::Server(Failure::NoAnswer { .. })) if tries > 0 => {}
                Err(e) => return Err(e),
            }
        }
    }

    async fn browse(
        &self,
        shelf: &mut Shelf<T>,
        folder: &mut MailFolder,
        now: Timestamp,
    ) -> Result<(), MailTrouble> {
        let mark = folder.next().map(|next| (folder.exists(), next));
        shelf.belongs_to(folder.validity());
        if mark.is_some() && shelf.mark == mark {
            return Ok(());
        }
        shelf.mark = None;
        let since = self.settings.max_age.and_then(|age| {
            // A day more, for servers in another zone: what is too old is left out later.
            let span = SignedDuration::from_secs(age.as_secs_i64() + 86_400);
            now.checked_sub(span).ok().map(london_date)
        });
        if since.is_none() {
            self.only_so_many(usize::try_from(folder.exists()).unwrap_or(usize::MAX))?;
        }
        let numbers = folder.numbers(since).await?;
        self.only_so_many(numbers.len())?;
        shelf.keep_only(|id| matches!(id, Id::Number(n) if numbers.contains(n)));
        // Newest first: what ends a trouble is known before the trouble.
        let missing: Vec<u32> =
            numbers.iter().rev().filter(|n| !shelf.holds(&Id::Number(**n))).copied().collect();
        let (mut read, mut lost) = (0, Vec::new());
        shelf.unread = missing.len();
        for batch in missing.chunks(BATCH) {
            if read > 0 && folder.is_late() {
                break;
            }
            lost.extend(self.fetch(shelf, folder, batch, now).await?);
            read += batch.len();
            shelf.unread = missing.len() - read;
        }
        if !lost.is_empty() {
            let there: BTreeSet<u32> = folder.numbers(since).await?;
            let kept = lost.iter().filter(|n| there.contains(n)).count();
            if kept > 0 {
                let why = format!("it lists {kept} messages that it does not give");
                return Err(Failure::Malformed { origin: folder.origin().to_owned(), why }.into());
            }
        }
        if shelf.unread == 0 {
            shelf.mark = mark;
        }
        shelf.trim(self.most());
        Ok(())
    }

    /// Reads a batch; the numbers that the server did not give are answered.
    async fn fetch(
        &self,
        shelf: &mut Shelf<T>,
        folder: &mut MailFolder,
        batch: &[u32],
        now: Timestamp,
    ) -> Result<Vec<u32>, MailTrouble> {
        let part = match self.reads {
            Reads::All => Part::Whole,
            Reads::Envelope => Part::Envelope,
        };
        let limit = usize::try_from(self.settings.max_message_bytes).unwrap_or(usize::MAX);
        let mut got = folder.fetch(batch, part, limit).await?;
        let mut lost = Vec::new();
        for number in batch {
            let Some(message) = got.remove(number) else {
                lost.push(*number);
                continue;
            };
            let at = message.received_at.unwrap_or(now);
            let length = u64::try_from(message.bytes.len()).unwrap_or(u64::MAX);
            // Some servers' sizes are not exact: only as many bytes as were asked for mean more.
            let whole = message.bytes.len() < limit || message.size == Some(length);
            let mail = match self.reads {
                Reads::All => mime::mail(&message.bytes, whole, at),
                Reads::Envelope => mime::envelope(&message.bytes, at),
            };
            let what = mail.map(|mail| (mail.key, (self.digest)(&mail)));
            shelf.put(Id::Number(*number), at, what);
        }
        Ok(lost)
    }
}

/// `bytes` as every mail that they can be read as, for fuzzing: whole, cut off, its envelope alone,
/// and a bare text.
#[cfg(any(test, feature = "fuzzing"))]
pub fn each_reading(bytes: &[u8], now: Timestamp) -> Vec<Mail> {
    let read = [
        mime::mail(bytes, true, now),
        mime::mail(bytes, false, now),
        mime::envelope(bytes, now),
        mime::bare(bytes, now),
    ];
    let all: Vec<Mail> = read.into_iter().flatten().collect();
    for mail in &all {
        let _at = mail.sent.at(mail.arrived_at, now);
    }
    all
}

fn is_in(id: &Id, files: &std::collections::BTreeMap<FileId, Listed>) -> bool {
    matches!(id, Id::File(file) if files.contains_key(file))
}

fn imap_source(
    ctx: &Context,
    service: &'static str,
    imap: &ImapSettings,
) -> Result<Source, ServiceError> {
    let mut settings = imap.clone();
    settings.ca_file = settings.ca_file.map(|path| in_folder(&ctx.folder, &path));
    let server = ctx.transport.mail_server(&settings);
    let server = server.map_err(|source| ServiceError::Endpoint { service, source })?;
    Ok(Source::Imap { server, access: Box::new(Access::new(ctx, service, imap)?) })
}
