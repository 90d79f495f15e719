//! Files that somebody drops into a folder: found, refused, read and decoded with limits.
//!
//! Invariant: only regular files are read, never through a symbolic link, never more bytes than
//! the limit, and never one that is still being written. Reading happens off the runtime.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use rustix::fs::{Mode, OFlags};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::health::Reason;
use crate::model::observation::Zone;
use crate::model::span::Span;
use crate::model::text::Clean;
use crate::ports::watch::Place;

/// Entries of one folder that are looked at; more is an error, never a silent cut.
const MAX_ENTRIES: usize = 20_000;

/// Where files are dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropSettings {
    /// The folder, relative to the config file's.
    pub folder: PathBuf,
    /// Names that count, `*` for anything; upper and lower case are the same.
    #[serde(default)]
    pub pattern: Option<String>,
    /// A file that changed later than this long ago may still be being written: it waits.
    #[serde(default = "default_settle")]
    pub settle: Span,
    /// Largest file in bytes.
    #[serde(default = "default_max_bytes")]
    pub max_bytes: u64,
}

fn default_settle() -> Span {
    Span::from_secs(10)
}

fn default_max_bytes() -> u64 {
    16 * 1024 * 1024
}

/// Why nothing could be read. The text names the file or folder, never its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DropError {
    /// The folder cannot be listed.
    #[error("folder {folder} cannot be read: {why}")]
    Folder {
        /// Which.
        folder: Clean,
        /// What the system said.
        why: Clean,
    },
    /// No file of that name.
    #[error("no file `{pattern}` in {folder}{}", match refused { 0 => String::new(), n => format!(" ({n} refused: not a regular file)") })]
    Nothing {
        /// Which folder.
        folder: Clean,
        /// Which names count.
        pattern: Clean,
        /// Links, pipes and folders of such a name.
        refused: usize,
    },
    /// There is one, but it is not complete yet.
    #[error("file {name} is still being written (too young, or it has no end)")]
    HalfWritten {
        /// Which.
        name: Clean,
    },
    /// Larger than the limit.
    #[error("file {name} is larger than {limit} bytes")]
    TooLarge {
        /// Which.
        name: Clean,
        /// The limit.
        limit: u64,
    },
    /// More files than are looked at.
    #[error("folder {folder} holds more than {limit} files: move the old ones away")]
    TooMany {
        /// Which folder.
        folder: Clean,
        /// The limit.
        limit: usize,
    },
    /// It cannot be opened or read, or is not a regular file.
    #[error("file {name} cannot be read: {why}")]
    Unreadable {
        /// Which.
        name: Clean,
        /// What the system said.
        why: Clean,
    },
    /// Neither UTF-8, UTF-16 nor Windows-1252.
    #[error("file {name} is not text")]
    NotText {
        /// Which.
        name: Clean,
    },
}

impl DropError {
    /// The reason of the unknown that this makes of a check.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Folder { .. } | Self::Unreadable { .. } => Reason::NoAnswer,
            Self::Nothing { .. } => Reason::NeverSeen,
            Self::HalfWritten { .. }
            | Self::TooLarge { .. }
            | Self::TooMany { .. }
            | Self::NotText { .. } => Reason::Malformed,
        }
    }
}

/// A file of the folder, not yet read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// Its time: from its name (`…YYYYMMDDTHHMMZ…`), else when it last changed.
    pub at: Timestamp,
    /// Its name.
    pub name: String,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// Its length in bytes.
    pub length: u64,
    /// Whether the time is from its name.
    pub dated_by_name: bool,
}

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Files whose names count, newest first.
    pub entries: Vec<Entry>,
    /// Links, pipes and folders of such a name, left alone.
    pub refused: usize,
}

/// A complete file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Its name.
    pub name: Clean,
    /// Its time.
    pub at: Timestamp,
    /// `Given` when the time is from its name, `Ours` when it is when the file last changed.
    pub zone: Zone,
    /// Its content.
    pub text: String,
    /// A newer file that is still being written.
    pub waiting: Option<Clean>,
}

/// When a file is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Complete {
    /// As [`Complete::JsonEnds`] where its name ends in `.json`, else when its last line has an end.
    #[default]
    ByName,
    /// When its last line has an end.
    LastLineEnds,
    /// When it is JSON that is not cut off, which it shows by itself whenever it was written; what
    /// is no JSON at all is complete, and the reader's to refuse.
    JsonEnds,
    /// When it has not changed for a while.
    Settled,
}

impl Complete {
    /// The rule for a file of this name.
    fn of(self, name: &str) -> Self {
        match self {
            Self::ByName if matches("*.json", name) => Self::JsonEnds,
            Self::ByName => Self::LastLineEnds,
            other => other,
        }
    }

    fn is(self, text: &str) -> bool {
        match self {
            Self::LastLineEnds | Self::ByName => text.ends_with(['\n', '\r']),
            Self::JsonEnds => {
                let text = text.trim_start_matches('\u{feff}');
                let read = serde_json::from_str::<serde::de::IgnoredAny>(text);
                !read.is_err_and(|e| e.is_eof())
            }
            Self::Settled => true,
        }
    }
}

/// How bytes become text; `None` for what is not text.
pub type Decoder = fn(&[u8]) -> Option<String>;

/// A folder and its limits. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    pattern: String,
    settle: Span,
    max_bytes: u64,
    complete: Complete,
    decoder: Decoder,
    last: Arc<Mutex<Option<Dropped>>>,
}

impl Folder {
    /// A folder of dropped files; `base` is the config file's folder.
    #[must_use]
    pub fn new(base: &Path, settings: &DropSettings, pattern: &str) -> Self {
        Self {
            path: super::in_folder(base, &settings.folder),
            pattern: settings.pattern.clone().unwrap_or_else(|| pattern.to_owned()),
            settle: settings.settle,
            max_bytes: settings.max_bytes,
            complete: Complete::default(),
            decoder: decode,
            last: Arc::default(),
        }
    }

    /// With another rule for when a file is complete, and how its bytes become text.
    #[must_use]
    pub fn reads(mut self, complete: Complete, decoder: Decoder) -> Self {
        (self.complete, self.decoder) = (complete, decoder);
        self
    }

    /// One file of a fixed name.
    #[must_use]
    pub fn of_file(base: &Path, file: &Path) -> Self {
        let path = super::in_folder(base, file);
        Self {
            pattern: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            path: path.parent().map(Path::to_path_buf).unwrap_or_default(),
            settle: default_settle(),
            max_bytes: default_max_bytes(),
            complete: Complete::default(),
            decoder: decode,
            last: Arc::default(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> Place {
        let one = (!self.pattern.contains('*')).then(|| self.path.join(&self.pattern));
        Place { folder: self.path.clone(), file: one }
    }

    /// The newest complete file: one that is too young or ends within a line gives way to the one
    /// before it, and a file that is being written over to what it last was.
    ///
    /// # Errors
    /// See [`DropError`].
    pub async fn newest(&self, now: Timestamp) -> Result<Dropped, DropError> {
        let folder = self.clone();
        self.off_the_runtime(move || folder.newest_blocking(now)).await
    }

    /// The files whose names count, newest first; young ones are left out.
    ///
    /// # Errors
    /// See [`DropError`].
    pub async fn list(&self, now: Timestamp) -> Result<Listing, DropError> {
        let folder = self.clone();
        self.off_the_runtime(move || {
            let mut listing = folder.list_blocking()?;
            listing.entries.retain(|e| !folder.is_young(e, now));
            Ok(listing)
        })
        .await
    }

    /// The bytes of one file.
    ///
    /// # Errors
    /// See [`DropError`].
    pub async fn read(&self, entry: &Entry) -> Result<Vec<u8>, DropError> {
        let (folder, name) = (self.clone(), entry.name.clone());
        self.off_the_runtime(move || folder.read_blocking(&name)).await
    }

    async fn off_the_runtime<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, DropError> + Send + 'static,
    ) -> Result<T, DropError> {
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| {
            Err(DropError::Folder { folder: self.shown(), why: Clean::new(&e.to_string()) })
        })
    }

    fn shown(&self) -> Clean {
        Clean::new(&self.path.to_string_lossy())
    }

    /// A file whose clock is ahead of ours is not young: its time is judged later, once.
    fn is_young(&self, entry: &Entry, now: Timestamp) -> bool {
        let age = now.duration_since(entry.changed_at);
        age > SignedDuration::from_mins(-2)
            && age < SignedDuration::from_secs(self.settle.as_secs_i64())
    }

    fn list_blocking(&self) -> Result<Listing, DropError> {
        let failed = |e: std::io::Error| DropError::Folder {
            folder: self.shown(),
            why: Clean::new(&e.to_string()),
        };
        let mut listing = Listing::default();
        for (seen, entry) in std::fs::read_dir(&self.path).map_err(failed)?.enumerate() {
            if seen >= MAX_ENTRIES {
                return Err(DropError::TooMany { folder: self.shown(), limit: MAX_ENTRIES });
            }
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !matches(&self.pattern, &name) {
                continue;
            }
            // Does not follow links. A file that went away meanwhile is no longer ours to read.
            let Ok(meta) = entry.metadata() else { continue };
            let changed = meta.modified().ok().and_then(|t| Timestamp::try_from(t).ok());
            let (true, Some(changed_at)) = (meta.is_file(), changed) else {
                listing.refused += 1;
                continue;
            };
            let by_name = time_in(&name);
            listing.entries.push(Entry {
                at: by_name.unwrap_or(changed_at),
                name,
                changed_at,
                length: meta.len(),
                dated_by_name: by_name.is_some(),
            });
        }
        listing.entries.sort_by(|a, b| b.cmp(a));
        Ok(listing)
    }

    fn newest_blocking(&self, now: Timestamp) -> Result<Dropped, DropError> {
        let listing = self.list_blocking()?;
        let mut waiting: Option<Clean> = None;
        for entry in &listing.entries {
            let name = Clean::new(&entry.name);
            let complete = self.complete.of(&entry.name);
            let whole = if self.is_young(entry, now) && complete != Complete::JsonEnds {
                None
            } else {
                let text = (self.decoder)(&self.read_blocking(&entry.name)?)
                    .ok_or_else(|| DropError::NotText { name: name.clone() })?;
                complete.is(&text).then_some(text)
            };
            let Some(text) = whole else {
                waiting.get_or_insert(name);
                continue;
            };
            let zone = if entry.dated_by_name { Zone::Given } else { Zone::Ours };
            let found = Dropped { name, at: entry.at, zone, text, waiting };
            self.remember(&found);
            return Ok(found);
        }
        let Some(name) = waiting else {
            return Err(DropError::Nothing {
                folder: self.shown(),
                pattern: Clean::new(&self.pattern),
                refused: listing.refused,
            });
        };
        let before = self.last.lock().ok().and_then(|last| last.clone());
        before
            .map(|last| Dropped { waiting: Some(name.clone()), ..last })
            .ok_or(DropError::HalfWritten { name })
    }

    fn remember(&self, found: &Dropped) {
        if let Ok(mut last) = self.last.lock() {
            *last = Some(Dropped { waiting: None, ..found.clone() });
        }
    }

    fn read_blocking(&self, name: &str) -> Result<Vec<u8>, DropError> {
        let unreadable =
            |why: &str| DropError::Unreadable { name: Clean::new(name), why: Clean::new(why) };
        // NOFOLLOW: not through a link, even one that was put there since the folder was listed.
        // NONBLOCK: opening a pipe must not wait for its other end.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file: File = rustix::fs::open(self.path.join(name), flags, Mode::empty())
            .map_err(|e| unreadable(&e.to_string()))?
            .into();
        let meta = file.metadata().map_err(|e| unreadable(&e.to_string()))?;
        if !meta.is_file() {
            return Err(unreadable("not a regular file"));
        }
        let mut bytes = Vec::new();
        file.take(self.max_bytes.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|e| unreadable(&e.to_string()))?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > self.max_bytes {
            return Err(DropError::TooLarge { name: Clean::new(name), limit: self.max_bytes });
        }
        Ok(bytes)
    }
}

/// Whether `name` is of `pattern`, where `*` stands for anything. Case does not matter.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

/// The UTC time in a name such as `stations-20261123T0900Z.csv`.
fn time_in(name: &str) -> Option<Timestamp> {
    name.split(|c: char| !c.is_ascii_alphanumeric()).find_map(|part| {
        let civil = ["%Y%m%dT%H%MZ", "%Y%m%dT%H%M%SZ"]
            .into_iter()
            .find_map(|format| DateTime::strptime(format, part).ok())?;
        civil.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok().map(|z| z.timestamp())
    })
}

/// Bytes as text: by byte order mark, else UTF-16 where every second byte is nothing, else UTF-8,
/// else Windows-1252. `None` for what is not text.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<String> {
    let encoding = match encoding_rs::Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None if looks_utf16(bytes, 1) => encoding_rs::UTF_16LE,
        None if looks_utf16(bytes, 0) => encoding_rs::UTF_16BE,
        None if std::str::from_utf8(bytes).is_ok() => encoding_rs::UTF_8,
        None => encoding_rs::WINDOWS_1252,
    };
    let (text, _, damaged) = encoding.decode(bytes);
    (!damaged && !text.contains('\0')).then(|| text.into_owned())
}

fn looks_utf16(bytes: &[u8], zero_at: usize) -> bool {
    let mut pairs = bytes.chunks_exact(2).take(32).peekable();
    pairs.peek().is_some() && pairs.all(|pair| pair.get(zero_at) == Some(&0))
}
