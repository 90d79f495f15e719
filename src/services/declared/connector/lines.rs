//! A file that grows by lines, followed across rotations.
//!
//! Invariant: a line is given once, whole, and never one that is longer than the limit; what was
//! lost by a rotation is said.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags};

use crate::services::declared::dropped::decode;

/// Bytes that are read in one look: more lines wait for the next.
const ONE_LOOK: u64 = 32 * 1024 * 1024;

/// Where reading stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    device: u64,
    inode: u64,
    offset: u64,
}

/// A growing file.
pub(super) struct Lines {
    file: PathBuf,
    rotated: PathBuf,
    first_read: u64,
    longest: usize,
    place: Option<Place>,
    /// The start of a line whose end is not written yet.
    rest: Vec<u8>,
    /// That start is of a line that is too long: it is passed over up to its end.
    skipping: bool,
}

/// What came since the last look.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fresh {
    pub(super) lines: Vec<String>,
    /// Lines that were too long or are no text.
    pub(super) passed_over: u64,
    /// Lines may be missing: the file was rotated away or cut before it was read.
    pub(super) gap: bool,
    /// Nothing was read before.
    pub(super) first: bool,
}

impl Lines {
    pub(super) fn new(file: PathBuf, rotated: PathBuf, first_read: u64, longest: usize) -> Self {
        let (place, rest, skipping) = (None, Vec::new(), false);
        Self { file, rotated, first_read, longest, place, rest, skipping }
    }

    /// Reads what is new. Blocking.
    ///
    /// # Errors
    /// What the system said.
    pub(super) fn look(&mut self) -> std::io::Result<Fresh> {
        let mut fresh = Fresh::default();
        let mut file = open(&self.file)?;
        let about = file.metadata()?;
        let here = (about.dev(), about.ino());
        match self.place {
            None => {
                fresh.first = true;
                let from = about.len().saturating_sub(self.first_read);
                // A line that is cut at the start of what is read is not judged.
                self.skipping = from > 0;
                self.read(&mut file, from, &mut fresh)?;
                if from > 0 {
                    fresh.passed_over = fresh.passed_over.saturating_sub(1);
                }
            }
            Some(place) if (place.device, place.inode) == here && about.len() >= place.offset => {
                self.read(&mut file, place.offset, &mut fresh)?;
            }
            Some(place) => {
                fresh.gap = !self.finish_rotated(place, &mut fresh)?;
                self.forget_rest();
                self.read(&mut file, 0, &mut fresh)?;
            }
        }
        Ok(fresh)
    }

    /// Reads the end of the file that was rotated away; whether it was found.
    fn finish_rotated(&mut self, place: Place, fresh: &mut Fresh) -> std::io::Result<bool> {
        let Ok(mut old) = open(&self.rotated) else { return Ok(false) };
        let about = old.metadata()?;
        let same = (about.dev(), about.ino()) == (place.device, place.inode);
        if !same || about.len() < place.offset {
            return Ok(false);
        }
        self.read(&mut old, place.offset, fresh)?;
        Ok(true)
    }

    fn forget_rest(&mut self) {
        self.rest.clear();
        self.skipping = false;
    }

    fn read(&mut self, file: &mut File, from: u64, fresh: &mut Fresh) -> std::io::Result<()> {
        let about = file.metadata()?;
        file.seek(SeekFrom::Start(from))?;
        let mut chunk = vec![0; 64 * 1024];
        let mut left = ONE_LOOK;
        let mut offset = from;
        while left > 0 {
            let read = file.read(&mut chunk)?;
            if read == 0 {
                break;
            }
            let bytes = chunk.get(..read).unwrap_or_default();
            let length = u64::try_from(read).unwrap_or_default();
            offset = offset.saturating_add(length);
            left = left.saturating_sub(length);
            self.split(bytes, fresh);
        }
        self.place = Some(Place { device: about.dev(), inode: about.ino(), offset });
        Ok(())
    }

    fn split(&mut self, bytes: &[u8], fresh: &mut Fresh) {
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            let ends = piece.last() == Some(&b'\n');
            if !self.skipping {
                self.rest.extend_from_slice(piece);
                if self.rest.len() > self.longest {
                    self.rest.clear();
                    self.skipping = true;
                }
            }
            if !ends {
                continue;
            }
            if std::mem::take(&mut self.skipping) {
                fresh.passed_over += 1;
                continue;
            }
            match decode(&self.rest) {
                Some(line) if line.trim().is_empty() => {}
                Some(line) => fresh.lines.push(line.trim_end().to_owned()),
                None => fresh.passed_over += 1,
            }
            self.rest.clear();
        }
    }
}

/// Only a regular file, never through a link, and never waiting for another end.
fn open(path: &std::path::Path) -> std::io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file: File = rustix::fs::open(path, flags, Mode::empty())?.into();
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("not a regular file"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::Path;

    use super::*;

    struct Log {
        folder: tempfile::TempDir,
        lines: Lines,
    }

    impl Log {
        fn new(first_read: u64) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let (file, old) = (folder.path().join("log"), folder.path().join("log.1"));
            Self { lines: Lines::new(file, old, first_read, 40), folder }
        }
        fn path(&self) -> &Path {
            self.folder.path()
        }
        fn write(&self, text: impl AsRef<[u8]>) {
            let mut open = std::fs::OpenOptions::new();
            let mut file = open.create(true).append(true).open(self.path().join("log")).unwrap();
            file.write_all(text.as_ref()).unwrap();
        }
        fn look(&mut self) -> (Vec<String>, u64, bool) {
            let fresh = self.lines.look().unwrap();
            (fresh.lines, fresh.passed_over, fresh.gap)
        }
        fn rotate(&self) {
            std::fs::rename(self.path().join("log"), self.path().join("log.1")).unwrap();
        }
    }

    fn lines(all: &[&str]) -> Vec<String> {
        all.iter().map(|l| (*l).to_owned()).collect()
    }

    #[test]
    fn a_line_is_given_once_and_only_when_it_is_whole() {
        let mut log = Log::new(1_000);
        assert!(log.lines.look().is_err(), "no file yet");
        log.write("one\ntwo\nthr");
        assert_eq!(log.look(), (lines(&["one", "two"]), 0, false));
        log.write("ee");
        assert_eq!(log.look(), (lines(&[]), 0, false));
        log.write("\n\nfour\r\n");
        assert_eq!(log.look(), (lines(&["three", "four"]), 0, false));
    }

    #[test]
    fn a_rotated_file_is_read_to_its_end() {
        let mut log = Log::new(1_000);
        log.write("one\n");
        assert_eq!(log.look().0, lines(&["one"]));
        log.write("two\nhalf");
        log.rotate();
        log.write("three\n");
        assert_eq!(log.look(), (lines(&["two", "three"]), 0, false));
        // Twice between two looks: what stood between is gone, and that is said.
        log.write("four\n");
        log.rotate();
        log.write("five\n");
        log.rotate();
        log.write("six\n");
        assert_eq!(log.look(), (lines(&["six"]), 0, true));
        // Cut in place.
        std::fs::write(log.path().join("log"), "7\n").unwrap();
        assert_eq!(log.look(), (lines(&["7"]), 0, true));
    }

    #[test]
    fn what_is_too_long_or_no_text_is_passed_over_and_counted() {
        let mut log = Log::new(1_000_000);
        log.write("x".repeat(100_000));
        assert_eq!(log.look(), (lines(&[]), 0, false));
        assert!(log.lines.rest.len() <= 40, "a huge line is not kept");
        log.write("\nshort\n\0\0\0\nlast\n");
        assert_eq!(log.look(), (lines(&["short", "last"]), 2, false));
    }

    #[test]
    fn at_the_start_only_the_end_of_the_file_is_read() {
        let mut log = Log::new(9);
        log.write("a long first line\nsecond\nthird\n");
        assert_eq!(log.look(), (lines(&["third"]), 0, false));
    }

    #[test]
    fn a_link_and_a_folder_are_refused() {
        let mut log = Log::new(10);
        std::fs::write(log.path().join("real"), "x\n").unwrap();
        std::os::unix::fs::symlink(log.path().join("real"), log.path().join("log")).unwrap();
        assert!(log.lines.look().is_err());
        std::fs::remove_file(log.path().join("log")).unwrap();
        std::fs::create_dir(log.path().join("log")).unwrap();
        assert!(log.lines.look().is_err());
    }
}
