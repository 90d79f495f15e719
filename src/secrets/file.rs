//! A credential that stands in a file: only where nobody else can read or have written it.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use secrecy::SecretString;

/// No credential is longer.
const MAX_BYTES: u64 = 64 * 1024;

/// What a store said of a name.
pub enum Answer {
    /// It holds it.
    Value(SecretString),
    /// It does not, or could not be asked; in words.
    Nothing(String),
    /// It holds it, but must not be trusted; which rule is broken, and the remedy.
    Refused(String),
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Its owner alone.
    Owner,
    /// Whom systemd lets: it sets the rights of its credential folder itself, by ACL, which shows
    /// in the mode of the group.
    Systemd,
}

/// The text of `path` without the newline at its end.
pub fn read(path: &Path, readers: Readers) -> Answer {
    let shown = path.display();
    let cannot = |e: &std::io::Error| match e.kind() {
        ErrorKind::NotFound => Answer::Nothing(format!("{shown} does not exist")),
        _ => Answer::Nothing(format!("{shown} cannot be read: {e}")),
    };
    // Without O_NONBLOCK opening a pipe would wait for a writer.
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let opened = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path);
    let (file, about) = match opened.and_then(|f| f.metadata().map(|about| (f, about))) {
        Ok(both) => both,
        Err(e) => return cannot(&e),
    };
    if !about.is_file() {
        return Answer::Refused(format!("{shown} is not a file; name one that holds it"));
    }
    let trusted = trust_file(path, &about, readers).and_then(|()| trust_folders(path));
    match trusted.and_then(|()| text_of(file, &about, path)) {
        Ok(value) => Answer::Value(value),
        Err(why) => Answer::Refused(why),
    }
}

/// `text` without one newline at its end, which editors and `echo` add.
pub fn without_newline(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

fn text_of(file: File, about: &Metadata, path: &Path) -> Result<SecretString, String> {
    let shown = path.display();
    if about.len() > MAX_BYTES {
        return Err(format!("{shown} is larger than 64 KiB; name the file that holds it alone"));
    }
    // As large as the file from the start, so that growing leaves no copy of it behind.
    let mut text = String::with_capacity(usize::try_from(MAX_BYTES).unwrap_or_default());
    let read = file.take(MAX_BYTES).read_to_string(&mut text);
    let value = SecretString::from(without_newline(&text));
    drop(SecretString::from(text));
    match read {
        Err(_) => Err(format!("{shown} is not UTF-8 text; store it as text")),
        Ok(_) if secrecy::ExposeSecret::expose_secret(&value).is_empty() => {
            Err(format!("{shown} is empty; write the credential into it"))
        }
        Ok(_) => Ok(value),
    }
}

fn trust_file(path: &Path, about: &Metadata, readers: Readers) -> Result<(), String> {
    trust_owner(path, about)?;
    let others = match readers {
        Readers::Owner => 0o077,
        Readers::Systemd => 0o027,
    };
    if about.mode() & others != 0 {
        return Err(format!(
            "others can read or change {path} (mode {:04o}); run: chmod 600 {path}, and give the \
             vendor's side a new secret if others have accounts here",
            about.mode() & 0o7777,
            path = path.display(),
        ));
    }
    Ok(())
}

/// A link is judged by both folders: the one it stands in and the one it points into.
fn trust_folders(path: &Path) -> Result<(), String> {
    let real =
        path.canonicalize().map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
    let beside = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for folder in [Some(beside), real.parent()].into_iter().flatten() {
        let shown = folder.display();
        let about = folder.metadata().map_err(|e| format!("{shown} cannot be read: {e}"))?;
        trust_owner(folder, &about)?;
        if about.mode() & 0o022 != 0 {
            return Err(format!(
                "others can put files into {shown} (mode {:04o}); run: chmod go-w {shown}",
                about.mode() & 0o7777
            ));
        }
    }
    Ok(())
}

fn trust_owner(path: &Path, about: &Metadata) -> Result<(), String> {
    let me = rustix::process::geteuid().as_raw();
    if about.uid() == 0 || about.uid() == me {
        return Ok(());
    }
    Err(format!(
        "{path} belongs to the account with uid {}; run: chown {me} {path}",
        about.uid(),
        path = path.display(),
    ))
}
