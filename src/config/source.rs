//! A config file as text: read only where nobody else can have written it, and parsed with spans.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::error::{ConfigError, ConfigErrors};

/// No config is longer; what is longer is another file.
const MAX_BYTES: u64 = 16 * 1024 * 1024;
/// More mistakes than this are one mistake.
const MAX_ERRORS: usize = 20;

/// The text of a config file and where it came from. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    path: PathBuf,
    text: Arc<str>,
}

impl Source {
    /// A text that did not come from a file; errors name `path` all the same.
    #[must_use]
    pub fn new(path: &Path, text: &str) -> Self {
        Self { path: path.to_owned(), text: Arc::from(text) }
    }

    /// Reads `path`.
    ///
    /// # Errors
    /// When it cannot be read, is not text, or when somebody other than root and this account
    /// owns it or could write to it or to its folder.
    pub fn read(path: &Path) -> Result<Self, ConfigErrors> {
        let broken =
            |found: String, remedy: &str| ConfigErrors::from(whole(path, found, "", remedy));
        // Without O_NONBLOCK opening a pipe would wait for a writer.
        let mut file = std::fs::OpenOptions::new()
            .read(true)
            .custom_flags(i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default())
            .open(path)
            .map_err(|e| broken(format!("cannot be read: {e}"), "name a file with --config"))?;
        let about = file
            .metadata()
            .map_err(|e| broken(format!("cannot be read: {e}"), "check the path"))?;
        if !about.is_file() {
            return Err(broken("is not a file".into(), "name a file with --config"));
        }
        trust(path, &about)?;
        if about.len() > MAX_BYTES {
            return Err(broken(
                "is larger than 16 MiB".into(),
                "name the config, not another file",
            ));
        }
        let text = text_of(&mut file).map_err(|why| broken(why, "save it as UTF-8 text"))?;
        Ok(Self::new(path, &text))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the file, to which relative paths in it are relative.
    #[must_use]
    pub fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The whole document. A bare date is taken as its text, so that dates may be written with
    /// and without quotes.
    ///
    /// # Errors
    /// Every place that is not TOML.
    pub fn document(&self) -> Result<Spanned<DeValue<'_>>, ConfigErrors> {
        let (table, errors) = DeTable::parse_recoverable(&self.text);
        if errors.is_empty() {
            let span = table.span();
            let mut document = Spanned::new(span, DeValue::Table(table.into_inner()));
            quote_dates(document.get_mut());
            return Ok(document);
        }
        let told = errors.iter().take(MAX_ERRORS).map(|e| {
            let at = e.span().map_or(self.text.len(), |s| s.start);
            let mut error = self.error(at, "", &format!("not TOML: {}", e.message()));
            error.remedy = "mend this first; nothing after it was read".into();
            error
        });
        Err(ConfigErrors(told.collect()))
    }

    /// An error at a byte offset of the text.
    #[must_use]
    pub fn error(&self, offset: usize, key: &str, found: &str) -> ConfigError {
        let (line, column) = self.position(offset);
        ConfigError { line, column, key: key.to_owned(), ..whole(&self.path, found.into(), "", "") }
    }

    /// Line and column, both from 1, of a byte offset.
    fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset.min(self.text.len())).unwrap_or(&self.text);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let last = before.rsplit('\n').next().unwrap_or_default();
        (line, last.chars().count() + 1)
    }
}

/// An error about the whole file.
pub fn whole(path: &Path, found: String, expected: &str, remedy: &str) -> ConfigError {
    ConfigError {
        file: path.to_owned(),
        line: 0,
        column: 0,
        key: String::new(),
        found,
        expected: expected.to_owned(),
        nearest: None,
        remedy: remedy.to_owned(),
    }
}

fn text_of(file: &mut File) -> Result<String, String> {
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|e| format!("cannot be read: {e}"))?;
    let text = String::from_utf8(bytes)
        .map_err(|e| format!("is not UTF-8 text (byte {})", e.utf8_error().valid_up_to()))?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

fn unreadable(path: &Path, why: &std::io::Error) -> ConfigErrors {
    whole(path, format!("cannot be read: {why}"), "", "check the path").into()
}

/// Refuses a file that others could have written: who writes the config chooses where the
/// credentials are sent.
fn trust(path: &Path, file: &Metadata) -> Result<(), ConfigErrors> {
    trusted(path, file)?;
    // A link is judged by both folders: the one it stands in and the one it points into.
    let real = path.canonicalize().map_err(|e| unreadable(path, &e))?;
    let beside = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for folder in [Some(beside), real.parent()].into_iter().flatten() {
        let about = folder.metadata().map_err(|e| unreadable(folder, &e))?;
        trusted(folder, &about)?;
    }
    Ok(())
}

fn trusted(path: &Path, about: &Metadata) -> Result<(), ConfigErrors> {
    let me = rustix::process::geteuid().as_raw();
    let what = if about.is_dir() { "folder" } else { "file" };
    if about.uid() != 0 && about.uid() != me {
        let error = whole(
            path,
            format!("this {what} belongs to the account with uid {}", about.uid()),
            "root or this account to own a config and its folder",
            &format!("run: chown {me} {}", path.display()),
        );
        return Err(error.into());
    }
    if about.mode() & 0o022 != 0 {
        let error = whole(
            path,
            format!("others can write to this {what} (mode {:04o})", about.mode() & 0o7777),
            "only its owner to be able to",
            &format!("run: chmod go-w {}", path.display()),
        );
        return Err(error.into());
    }
    Ok(())
}

fn quote_dates(value: &mut DeValue<'_>) {
    match value {
        DeValue::Datetime(date) => *value = DeValue::String(date.to_string().into()),
        DeValue::Array(items) => items.iter_mut().for_each(|item| quote_dates(item.get_mut())),
        DeValue::Table(table) => table.iter_mut().for_each(|(_, item)| quote_dates(item.get_mut())),
        DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn config_in(folder: &Path, file_mode: u32, folder_mode: u32) -> PathBuf {
        let path = folder.join("config.toml");
        std::fs::write(&path, "la_codes = [999]\n").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(file_mode)).unwrap();
        std::fs::set_permissions(folder, PermissionsExt::from_mode(folder_mode)).unwrap();
        path
    }

    #[test]
    fn refuses_a_file_or_folder_that_others_can_write_to() {
        for (file, folder, refused) in [
            (0o600, 0o700, None),
            (0o644, 0o755, None),
            (0o664, 0o755, Some("chmod go-w")),
            (0o646, 0o755, Some("chmod go-w")),
            (0o600, 0o770, Some("this folder (mode 0770)")),
            (0o600, 0o1777, Some("this folder (mode 1777)")),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let read = Source::read(&config_in(dir.path(), file, folder));
            match refused {
                None => assert!(read.is_ok(), "{file:o} {folder:o} {read:?}"),
                Some(words) => {
                    let said = read.unwrap_err().to_string();
                    assert!(said.contains(words), "{said}");
                }
            }
        }
    }

    #[test]
    fn a_link_is_judged_by_where_it_points() {
        let (open, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let target = config_in(open.path(), 0o600, 0o777);
        let link = own.path().join("config.toml");
        std::os::unix::fs::symlink(target, &link).unwrap();
        assert!(Source::read(&link).unwrap_err().to_string().contains("this folder"));
    }

    #[test]
    fn refuses_what_another_account_owns() {
        let dir = tempfile::tempdir().unwrap();
        let path = config_in(dir.path(), 0o600, 0o700);
        // Only root may give a file away.
        if std::os::unix::fs::chown(&path, Some(4_242), None).is_ok() {
            let said = Source::read(&path).unwrap_err().to_string();
            assert!(said.contains("uid 4242") && said.contains("chown"), "{said}");
        }
    }

    #[test]
    fn refuses_what_is_no_text_file() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o700)).unwrap();
        let says = |path: &Path| Source::read(path).unwrap_err().to_string();
        assert!(says(dir.path()).contains("is not a file"));
        assert!(says(&dir.path().join("none.toml")).contains("cannot be read"));
        let path = config_in(dir.path(), 0o600, 0o700);
        std::fs::write(&path, b"a = \"\xe9\"").unwrap();
        assert!(says(&path).contains("is not UTF-8 text (byte 5)"));
        std::fs::write(&path, " ".repeat(16 * 1024 * 1024 + 1)).unwrap();
        assert!(says(&path).contains("larger than 16 MiB"));
        std::fs::write(&path, "\u{feff}la_codes = [999]").unwrap();
        assert!(Source::read(&path).unwrap().document().is_ok(), "a byte order mark is no mistake");
    }

    #[test]
    fn tells_every_place_that_is_not_toml_with_line_and_column() {
        let source = Source::new(Path::new("c.toml"), "é = 1\nx = = 2\ny = 'é' z\n");
        let errors = source.document().unwrap_err();
        let places: Vec<_> = errors.0.iter().map(|e| (e.line, e.column)).collect();
        assert!(places.contains(&(1, 1)) && places.iter().any(|p| p.0 == 2), "{errors}");
        assert!(places.iter().any(|p| p.0 == 3), "{errors}");
    }
}
