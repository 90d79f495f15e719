//! Messages that are files: a Maildir, or a folder into which `.eml` and `.txt` files are dropped.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use crate::model::span::Span;
use crate::ports::watch::Place;
use crate::services::declared::dropped::{DropError, DropSettings, Entry, Folder};

/// Bytes of one file of a Maildir.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Which file is which, also after it was renamed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FileId {
    /// The part of a name in a Maildir that never changes; so does the content.
    Delivered(String),
    /// A dropped file, which may be written over.
    Dropped(Entry),
}

/// A file that is there.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) entry: Entry,
    /// Which of the folders it was seen in.
    folder: usize,
}

/// What is there.
#[derive(Debug, Default)]
pub(super) struct Present {
    pub(super) files: BTreeMap<FileId, Listed>,
    /// Links, pipes and folders, left alone.
    pub(super) refused: usize,
}

/// Folders with messages in them.
pub(super) struct Files {
    folders: Vec<Folder>,
    maildir: bool,
}

impl Files {
    /// `new` and `cur` of a Maildir: what is in `tmp` is still being written.
    pub(super) fn maildir(base: &Path, path: &Path) -> Self {
        let folder = |sub: &str| {
            let settings = DropSettings {
                folder: path.join(sub),
                pattern: None,
                // A file is moved here when it is complete.
                settle: Span::from_secs(0),
                max_bytes: MAX_BYTES,
            };
            Folder::new(base, &settings, "*")
        };
        Self { folders: vec![folder("new"), folder("cur")], maildir: true }
    }

    /// Dropped files.
    pub(super) fn dropped(base: &Path, settings: &DropSettings) -> Self {
        Self { folders: vec![Folder::new(base, settings, "*")], maildir: false }
    }

    /// Where they are.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> + '_ {
        self.folders.iter().map(Folder::place)
    }

    /// What is there now.
    pub(super) async fn list(&self, now: Timestamp) -> Result<Present, DropError> {
        let mut present = Present::default();
        for (n, folder) in self.folders.iter().enumerate() {
            // `new` before `cur`: a message that moves meanwhile is seen twice, not missed.
            let listing = folder.list(now).await?;
            present.refused += listing.refused;
            for entry in listing.entries {
                if let Some(id) = self.id(&entry) {
                    present.files.insert(id, Listed { entry, folder: n });
                }
            }
        }
        Ok(present)
    }

    /// The bytes of one.
    pub(super) async fn read(&self, file: &Listed) -> Result<Vec<u8>, DropError> {
        match self.folders.get(file.folder) {
            Some(folder) => folder.read(&file.entry).await,
            None => Ok(Vec::new()),
        }
    }

    /// Whether it is a text without headers.
    pub(super) fn is_bare(&self, file: &Listed) -> bool {
        !self.maildir && ends_with(&file.entry.name, ".txt")
    }

    fn id(&self, entry: &Entry) -> Option<FileId> {
        if !self.maildir {
            let is_message = [".eml", ".txt"].iter().any(|end| ends_with(&entry.name, end));
            return is_message.then(|| FileId::Dropped(entry.clone()));
        }
        // `unique:2,FLAGS`; where a colon cannot stand in a name, `;` and `!` are in use.
        let unique = entry.name.split([':', ';', '!']).next().unwrap_or_default();
        let hidden = unique.is_empty() || unique.starts_with('.');
        (!hidden).then(|| FileId::Delivered(unique.to_owned()))
    }
}

fn ends_with(name: &str, end: &str) -> bool {
    name.to_lowercase().ends_with(end)
}
