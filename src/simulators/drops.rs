//! Drop folders: files that a feed leaves behind, each whole or not there at all.

use std::io;
use std::path::PathBuf;

use crate::simulators::fault::Fault;

/// A folder into which one feed drops files.
pub(super) struct DropFolder {
    folder: PathBuf,
}

impl DropFolder {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Makes `files` (name and content) the only ones of those whose name begins with `prefix`.
    /// A reader sees an old file, a new file, or both; never half of one.
    ///
    /// # Errors
    /// When the folder or a file cannot be written.
    pub(super) fn replace(&self, prefix: &str, files: &[(String, Vec<u8>)]) -> io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        for (name, content) in files {
            let hidden = self.folder.join(format!(".{name}.part"));
            std::fs::write(&hidden, content)?;
            std::fs::rename(&hidden, self.folder.join(name))?;
        }
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(prefix) && !files.iter().any(|(kept, _)| *kept == name) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Takes the folder away, as when a share is gone.
    pub(super) fn remove(&self) {
        // Already gone is as good.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// What a fault makes of a file; `None` leaves the folder without files.
pub(super) fn spoilt(content: Vec<u8>, fault: Option<Fault>) -> Option<Vec<u8>> {
    match fault {
        None | Some(Fault::Slow(_) | Fault::Throttled(_)) => Some(content),
        Some(Fault::Down) => None,
        Some(Fault::Truncated | Fault::HalfSent) => {
            let mut content = content;
            content.truncate(content.len() / 2);
            Some(content)
        }
        Some(Fault::Empty200) => Some(Vec::new()),
        Some(Fault::Status(_) | Fault::Html200 | Fault::ErrorInside200 | Fault::Unauthorised) => {
            Some(b"<html><body><h1>Export failed</h1></body></html>\n".to_vec())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_its_own_files_only_and_leaves_nothing_half_written() {
        let folder = tempfile::tempdir().unwrap();
        let drop = DropFolder::new(folder.path().join("in"));
        let file = |name: &str| (name.to_owned(), b"x".to_vec());
        drop.replace("a-", &[file("a-1"), file("a-2")]).unwrap();
        drop.replace("b-", &[file("b-1")]).unwrap();
        drop.replace("a-", &[file("a-3")]).unwrap();
        let mut names: Vec<String> = std::fs::read_dir(&drop.folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        assert_eq!(names, ["a-3", "b-1"]);
        drop.remove();
        assert!(!drop.folder.exists());
    }
}
