//! A folder to drop files into.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

/// A folder that is gone with its owner.
pub struct Drop {
    folder: tempfile::TempDir,
}

impl Drop {
    /// An empty one.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A file that changed at `at`.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>, at: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, content).unwrap();
        self.touch(name, at);
        path
    }

    /// More of a file, or its start.
    pub fn append(&self, name: &str, content: &str) {
        use std::io::Write as _;
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.create(true).append(true).open(self.path().join(name)).unwrap();
        file.write_all(content.as_bytes()).unwrap();
    }

    /// Sets when a file changed.
    pub fn touch(&self, name: &str, at: &str) {
        let at: Timestamp = at.parse().unwrap();
        let since = Duration::from_secs(u64::try_from(at.as_second()).unwrap());
        let file = std::fs::File::options().write(true).open(self.path().join(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + since).unwrap();
    }

    /// Takes a file away.
    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.path().join(name)).unwrap();
    }
}
