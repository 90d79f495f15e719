//! Tickets as files in a folder, which another program fetches and may take away.
//!
//! In this order: the text is written to `.caretaker/KEY.new`, the receipt `.caretaker/KEY` is made,
//! and the text is moved into the folder as `KEY.txt`. So a `.new` was certainly not handed over, and a
//! receipt without a `.new` certainly was, even when the file has been fetched meanwhile.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::model::text::Clean;
use crate::ports::act::{Answer, Seen};
use crate::ports::tickets::{Letter, short_of};

/// Receipts that are kept; the oldest go. Nothing is handed over again after its lease, minutes later.
const RECEIPTS: usize = 10_000;

/// The folder.
pub(super) struct Folder {
    path: PathBuf,
}

/// The files of one ticket.
struct Files {
    folder: PathBuf,
    book: PathBuf,
    new: PathBuf,
    receipt: PathBuf,
    ticket: PathBuf,
}

impl Files {
    fn of(folder: &Path, key: &Clean) -> Self {
        let book = folder.join(".caretaker");
        Self {
            new: book.join(format!("{key}.new")),
            receipt: book.join(key.as_str()),
            ticket: folder.join(format!("{key}.txt")),
            folder: folder.to_owned(),
            book,
        }
    }

    /// Whether it was handed over.
    fn handed_over(&self) -> io::Result<bool> {
        let moved = self.receipt.try_exists()? && !self.new.try_exists()?;
        Ok(moved || self.ticket.try_exists()?)
    }

    fn hand_over(&self, text: &str) -> io::Result<()> {
        self.tidy()?;
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o640)
            .open(&self.new)?;
        // Whatever the process's own mask takes away.
        file.set_permissions(Permissions::from_mode(0o640))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&self.receipt)?;
        File::open(&self.book)?.sync_all()?;
        std::fs::rename(&self.new, &self.ticket)?;
        File::open(&self.folder)?.sync_all()
    }

    /// Makes the book of receipts, and takes the oldest out of a full one.
    fn tidy(&self) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(&self.book) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        }
        let mut kept = Vec::new();
        for entry in std::fs::read_dir(&self.book)? {
            let entry = entry?;
            kept.push((entry.metadata()?.modified()?, entry.path()));
        }
        kept.sort();
        let surplus = kept.len().saturating_sub(RECEIPTS);
        kept.iter().take(surplus).try_for_each(|(_, path)| std::fs::remove_file(path))
    }
}

/// Keys are made of letters and digits; nothing else becomes part of a path.
fn is_key(key: &Clean) -> bool {
    (1..=64).contains(&key.as_str().len())
        && key.as_str().bytes().all(|b| b.is_ascii_alphanumeric())
}

fn text(key: &Clean, letter: &Letter) -> String {
    let mut text =
        format!("Subject: {}\nReference: {}\nKey: {key}\n\n", letter.subject, short_of(key));
    for line in &letter.body {
        text.push_str(line.as_str());
        text.push('\n');
    }
    text
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn goes(&self) -> Clean {
        Clean::new(&format!("as a file into {}", self.path.display()))
    }

    pub(super) async fn raise(&self, key: &Clean, letter: &Letter) -> Answer {
        if !is_key(key) {
            return Answer::Refused { says: Clean::new("its key is none") };
        }
        let (files, text) = (Files::of(&self.path, key), text(key, letter));
        let handed = tokio::task::spawn_blocking(move || {
            let done = match files.handed_over() {
                Ok(true) => Ok(()),
                Ok(false) => files.hand_over(&text),
                Err(error) => Err(error),
            };
            // What went wrong may have gone wrong after the file was moved.
            done.map_err(|error| (error, files.handed_over()))
        });
        let says = |text: String| Clean::new(&text);
        match handed.await {
            Ok(Ok(())) => Answer::Took {
                says: says(format!("written to {}", self.path.display())),
                reference: Some(short_of(key)),
                secret: None,
            },
            Ok(Err((error, Ok(false)))) => {
                Answer::NotSent { says: says(format!("{}: {error}", self.path.display())) }
            }
            Ok(Err((error, _))) => {
                Answer::NoAnswer { says: says(format!("{}: {error}", self.path.display())) }
            }
            Err(error) => Answer::NoAnswer { says: says(error.to_string()) },
        }
    }

    pub(super) async fn look(&self, key: &Clean) -> Seen {
        let files = Files::of(&self.path, key);
        let (folder, says) = (self.path.display(), |text: String| Clean::new(&text));
        let looked = tokio::task::spawn_blocking(move || {
            // A folder that is not there (not mounted) tells nothing.
            std::fs::metadata(&files.folder)?;
            files.handed_over()
        });
        match looked.await {
            Ok(Ok(true)) => Seen::Found {
                says: says(format!("it was put into {folder}")),
                reference: short_of(key),
            },
            Ok(Ok(false)) => Seen::NotThere(says(format!("it was never put into {folder}"))),
            Ok(Err(error)) => Seen::CannotTell(says(format!("{folder}: {error}"))),
            Err(error) => Seen::CannotTell(says(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    struct Stage {
        folder: Folder,
        dir: tempfile::TempDir,
    }

    fn stage() -> Stage {
        let dir = tempfile::tempdir().unwrap();
        Stage { folder: Folder::new(dir.path().to_owned()), dir }
    }

    impl Stage {
        fn ticket(&self) -> PathBuf {
            self.dir.path().join(format!("{KEY}.txt"))
        }

        fn files(&self) -> Files {
            Files::of(self.dir.path(), &key())
        }

        async fn raise(&self) -> Answer {
            let letter = Letter {
                subject: "a subject".into(),
                body: vec!["one".into(), "two".into()],
                ..Letter::default()
            };
            self.folder.raise(&key(), &letter).await
        }
    }

    fn key() -> Clean {
        Clean::new(KEY)
    }

    #[tokio::test]
    async fn a_ticket_comes_whole_readable_by_the_group_and_once() {
        let stage = stage();
        assert!(matches!(stage.folder.look(&key()).await, Seen::NotThere(_)));
        let Answer::Took { reference, .. } = stage.raise().await else { panic!() };
        assert_eq!(reference.unwrap().as_str(), "CT-01234567");
        let written = std::fs::read_to_string(stage.ticket()).unwrap();
        let wanted =
            format!("Subject: a subject\nReference: CT-01234567\nKey: {KEY}\n\none\ntwo\n");
        assert_eq!(written, wanted);
        assert_eq!(std::fs::metadata(stage.ticket()).unwrap().mode() & 0o7777, 0o640);
        // Fetched and taken away, as a picker does: it is not handed over again.
        std::fs::remove_file(stage.ticket()).unwrap();
        assert!(matches!(stage.folder.look(&key()).await, Seen::Found { .. }));
        assert!(matches!(stage.raise().await, Answer::Took { .. }));
        assert!(!stage.ticket().exists(), "it was fetched already");
    }

    #[tokio::test]
    async fn what_died_before_the_move_was_not_handed_over() {
        let stage = stage();
        let files = stage.files();
        files.tidy().unwrap();
        std::fs::write(&files.new, "half").unwrap();
        assert!(matches!(stage.folder.look(&key()).await, Seen::NotThere(_)));
        std::fs::write(&files.receipt, "").unwrap();
        assert!(matches!(stage.folder.look(&key()).await, Seen::NotThere(_)), "not moved yet");
        assert!(matches!(stage.raise().await, Answer::Took { .. }));
        assert!(std::fs::read_to_string(stage.ticket()).unwrap().ends_with("two\n"));
        // Moved, and dead before anything was said of it.
        assert!(matches!(stage.folder.look(&key()).await, Seen::Found { .. }));
    }

    #[tokio::test]
    async fn a_folder_that_is_gone_takes_nothing_and_tells_nothing() {
        let stage = stage();
        let gone = Folder::new(stage.dir.path().join("not mounted"));
        let letter = Letter::default();
        assert!(matches!(gone.raise(&key(), &letter).await, Answer::NotSent { .. }));
        assert!(matches!(gone.look(&key()).await, Seen::CannotTell(_)));
        let odd = Clean::new("../../etc/passwd");
        assert!(matches!(stage.folder.raise(&odd, &letter).await, Answer::Refused { .. }));
    }

    #[tokio::test]
    async fn the_book_of_receipts_has_an_end() {
        let stage = stage();
        let files = stage.files();
        files.tidy().unwrap();
        for n in 0..RECEIPTS + 3 {
            File::create(files.book.join(format!("k{n}"))).unwrap();
        }
        stage.raise().await;
        let kept = std::fs::read_dir(&files.book).unwrap().count();
        assert!(kept <= RECEIPTS + 1, "{kept}");
    }
}
