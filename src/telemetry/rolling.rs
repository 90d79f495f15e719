//! A log file of limited size: when it is full it is set aside, and the oldest goes.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// `NAME.jsonl`, and behind it `NAME.1.jsonl` to `NAME.<kept>.jsonl`, oldest last. For its owner
/// only (mode 0600).
pub(super) struct Rolling {
    folder: PathBuf,
    name: String,
    file: File,
    length: u64,
    limit: u64,
    kept: u32,
    lost: Arc<AtomicUsize>,
}

impl Rolling {
    /// Opens or continues the file. `lost` counts the lines that could not be written.
    pub(super) fn open(
        folder: &Path,
        name: &str,
        limit: u64,
        kept: u32,
        lost: Arc<AtomicUsize>,
    ) -> io::Result<Self> {
        let (file, length) = append(&path(folder, name, 0))?;
        let (folder, name) = (folder.to_owned(), name.to_owned());
        Ok(Self { folder, name, file, length, limit, kept, lost })
    }

    fn set_aside(&mut self) -> io::Result<()> {
        let current = path(&self.folder, &self.name, 0);
        // Another process that writes to the same file may have done it already.
        if current.metadata().is_ok_and(|found| found.len() >= self.limit) {
            for n in (0..self.kept).rev() {
                let from = path(&self.folder, &self.name, n);
                match std::fs::rename(from, path(&self.folder, &self.name, n + 1)) {
                    Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                    Ok(()) | Err(_) => {}
                }
            }
        }
        (self.file, self.length) = append(&current)?;
        Ok(())
    }

    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        if self.length >= self.limit {
            self.set_aside()?;
        }
        self.file.write_all(line)?;
        self.length = self.length.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
        Ok(())
    }
}

impl Write for Rolling {
    /// Never fails: the writer's thread could do nothing about it but print.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.put(line).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn path(folder: &Path, name: &str, n: u32) -> PathBuf {
    folder.join(match n {
        0 => format!("{name}.jsonl"),
        n => format!("{name}.{n}.jsonl"),
    })
}

fn append(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|f| f.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_log_never_takes_more_than_its_share() {
        let folder = tempfile::tempdir().unwrap();
        let lost = Arc::new(AtomicUsize::new(0));
        let mut log = Rolling::open(folder.path(), "agent", 100, 2, lost.clone()).unwrap();
        for n in 0..100 {
            writeln!(log, "line number {n:08}").unwrap();
        }
        assert_eq!(names(folder.path()), ["agent.1.jsonl", "agent.2.jsonl", "agent.jsonl"]);
        for file in names(folder.path()) {
            let found = folder.path().join(file).metadata().unwrap();
            assert!(found.len() <= 100 + 21, "{}", found.len());
            assert_eq!(found.permissions().mode() & 0o777, 0o600);
        }
        let last = std::fs::read_to_string(folder.path().join("agent.jsonl")).unwrap();
        assert!(last.ends_with("00000099\n"), "{last}");
        assert_eq!(lost.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn continues_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        for line in ["one\n", "two\n"] {
            let lost = Arc::default();
            let mut log = Rolling::open(folder.path(), "agent", 100, 2, lost).unwrap();
            log.write_all(line.as_bytes()).unwrap();
        }
        let text = std::fs::read_to_string(folder.path().join("agent.jsonl")).unwrap();
        assert_eq!(text, "one\ntwo\n");
    }

    #[test]
    fn counts_what_it_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let lost = Arc::new(AtomicUsize::new(0));
        let mut log = Rolling::open(folder.path(), "agent", 1, 2, lost.clone()).unwrap();
        log.write_all(b"first\n").unwrap();
        std::fs::remove_dir_all(folder.path()).unwrap();
        log.write_all(b"second\n").unwrap();
        assert_eq!(lost.load(Ordering::Relaxed), 1);
    }
}
