//! Which files and folders may be believed: who owns them and who can write to them.

use std::fs::{DirBuilder, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Why a file or a folder is not used, and what mends it.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct Untrusted {
    /// The file or folder at fault.
    pub path: PathBuf,
    /// What is wrong, and the remedy.
    pub why: String,
}

fn untrusted(path: &Path, why: impl Into<String>) -> Untrusted {
    Untrusted { path: path.to_owned(), why: why.into() }
}

fn unreadable(path: &Path, e: &io::Error) -> Untrusted {
    untrusted(path, e.to_string())
}

/// A folder of this user's own with mode 0700: made if it is not there, tightened if it is ours
/// and too wide, refused if it is anybody else's or a link.
///
/// # Errors
/// When it cannot be made or is not ours.
pub fn private_dir(path: &Path) -> Result<(), Untrusted> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    // An existing folder is no error of a recursive build; a file or a dangling link is.
    made.map_err(|e| unreadable(path, &e))?;
    let found = path.symlink_metadata().map_err(|e| unreadable(path, &e))?;
    if !found.is_dir() {
        return Err(untrusted(path, "is a link, not a folder of its own; remove it"));
    }
    let uid = rustix::process::geteuid().as_raw();
    if found.uid() != uid {
        return Err(untrusted(path, format!("belongs to uid {}, not to you ({uid})", found.uid())));
    }
    if found.mode() & 0o077 != 0 {
        std::fs::set_permissions(path, Permissions::from_mode(0o700))
            .map_err(|e| unreadable(path, &e))?;
    }
    Ok(())
}

/// Whether a configuration or policy file may be believed: file and folder belong to root or to
/// this user, and neither group nor others can write to them.
///
/// # Errors
/// Says which rule is broken by what, and the command that mends it.
pub fn trusted_file(path: &Path) -> Result<(), Untrusted> {
    let file = regular(path)?;
    owned(path, &file)?;
    closed_to_writers(path, &file)?;
    folders(path)
}

/// Whether a program may be run: as [`trusted_file`], and it can be executed.
///
/// # Errors
/// Says which rule is broken by what, and the command that mends it.
pub fn trusted_program(path: &Path) -> Result<(), Untrusted> {
    trusted_file(path)?;
    let file = path.metadata().map_err(|e| unreadable(path, &e))?;
    if file.mode() & 0o111 == 0 {
        let why = format!("cannot be executed; run: chmod u+x {}", path.display());
        return Err(untrusted(path, why));
    }
    Ok(())
}

/// Whether a credential file may be believed: as [`trusted_file`], and mode 0600 or 0400.
///
/// # Errors
/// Says which rule is broken by what, and the command that mends it.
pub fn secret_file(path: &Path) -> Result<(), Untrusted> {
    let file = regular(path)?;
    owned(path, &file)?;
    if !matches!(file.mode() & 0o7777, 0o600 | 0o400) {
        let why = format!(
            "holds a credential and has mode {:04o}; run: chmod 600 {}",
            file.mode() & 0o7777,
            path.display()
        );
        return Err(untrusted(path, why));
    }
    folders(path)
}

/// Of the opened file, so that it is not another one than the one that was looked at.
fn regular(path: &Path) -> Result<Metadata, Untrusted> {
    // A pipe would block the open for ever.
    let seen = path.metadata().map_err(|e| unreadable(path, &e))?;
    if !seen.is_file() {
        return Err(untrusted(path, "is not a regular file"));
    }
    let file = File::open(path).map_err(|e| unreadable(path, &e))?;
    file.metadata().map_err(|e| unreadable(path, &e))
}

/// The folder that the path names, and the one where a link leads.
fn folders(path: &Path) -> Result<(), Untrusted> {
    let real = path.canonicalize().map_err(|e| unreadable(path, &e))?;
    for file in [path, &real] {
        let folder = match file.parent() {
            Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
            Some(folder) => folder,
            None => continue,
        };
        let found = folder.metadata().map_err(|e| unreadable(folder, &e))?;
        owned(folder, &found)?;
        closed_to_writers(folder, &found)?;
    }
    Ok(())
}

fn owned(path: &Path, found: &Metadata) -> Result<(), Untrusted> {
    let uid = rustix::process::geteuid().as_raw();
    if found.uid() == 0 || found.uid() == uid {
        return Ok(());
    }
    let why = format!(
        "belongs to uid {}; it must belong to root or to you: chown {uid} {}",
        found.uid(),
        path.display()
    );
    Err(untrusted(path, why))
}

fn closed_to_writers(path: &Path, found: &Metadata) -> Result<(), Untrusted> {
    if found.mode() & 0o022 == 0 {
        return Ok(());
    }
    let why = format!(
        "others can write to it (mode {:04o}); run: chmod go-w {}",
        found.mode() & 0o7777,
        path.display()
    );
    Err(untrusted(path, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chmod(path: &Path, mode: u32) {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o7777
    }

    #[test]
    fn threat_17_refuses_a_file_or_folder_that_others_can_write() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.toml");
        std::fs::write(&file, "x").unwrap();
        for (of_file, of_folder, fine) in [
            (0o644, 0o755, true),
            (0o600, 0o700, true),
            (0o664, 0o755, false),
            (0o646, 0o755, false),
            (0o644, 0o775, false),
            (0o644, 0o1777, false),
        ] {
            chmod(&file, of_file);
            chmod(folder.path(), of_folder);
            let said = trusted_file(&file);
            assert_eq!(said.is_ok(), fine, "{of_file:o} in {of_folder:o}: {said:?}");
            if let Err(e) = said {
                assert!(e.to_string().contains("chmod go-w"), "{e}");
            }
        }
        chmod(folder.path(), 0o700);
    }

    #[test]
    fn looks_where_a_link_leads() {
        let (near, far) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = far.path().join("real.toml");
        std::fs::write(&file, "x").unwrap();
        chmod(&file, 0o644);
        let link = near.path().join("c.toml");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        trusted_file(&link).unwrap();
        chmod(far.path(), 0o777);
        assert_eq!(trusted_file(&link).unwrap_err().path, far.path().canonicalize().unwrap());
        chmod(far.path(), 0o700);
        chmod(near.path(), 0o777);
        assert_eq!(trusted_file(&link).unwrap_err().path, near.path());
        chmod(near.path(), 0o700);
    }

    #[test]
    fn threat_17_a_credential_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "x").unwrap();
        for (of_file, fine) in
            [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o700, false)]
        {
            chmod(&file, of_file);
            assert_eq!(secret_file(&file).is_ok(), fine, "{of_file:o}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_regular_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(trusted_file(folder.path()).is_err());
        assert!(trusted_file(&folder.path().join("nowhere")).is_err());
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        assert!(secret_file(&pipe).unwrap_err().to_string().contains("regular"));
    }

    #[test]
    fn a_private_folder_is_made_tightened_or_refused() {
        let root = tempfile::tempdir().unwrap();
        let made = root.path().join("a/b");
        private_dir(&made).unwrap();
        assert_eq!(mode(&made), 0o700);
        chmod(&made, 0o775);
        private_dir(&made).unwrap();
        assert_eq!(mode(&made), 0o700);
        let link = root.path().join("link");
        std::os::unix::fs::symlink(&made, &link).unwrap();
        assert!(private_dir(&link).is_err());
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(private_dir(&file).is_err());
    }
}
