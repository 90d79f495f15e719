//! The folder of a desk's own themes: a file there wins over the built-in theme of its name, and is
//! read again when it changed. A bad file is told once and the theme before it stays.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{BUILT_IN, Depth, Theme, ThemeError};

/// Where themes come from.
#[derive(Debug, Clone)]
pub struct Folder {
    path: Option<PathBuf>,
    depth: Depth,
    seen: Option<SystemTime>,
}

impl Folder {
    /// Themes for a terminal of `depth`, own ones from `path`.
    #[must_use]
    pub fn new(path: Option<PathBuf>, depth: Depth) -> Self {
        Self { path, depth, seen: None }
    }

    /// The theme of `name`.
    ///
    /// # Errors
    /// When there is none, or its file is bad.
    pub fn load(&mut self, name: &str) -> Result<Theme, ThemeError> {
        let refuse = |why: String| ThemeError { name: name.to_owned(), why };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || !name.chars().all(plain) {
            return Err(refuse("a name has letters, digits, - and _ only".to_owned()));
        }
        let file = self.file(name);
        self.seen = file.as_deref().and_then(changed_at);
        if let Some(path) = file.filter(|_| self.seen.is_some()) {
            let text = std::fs::read_to_string(&path)
                .map_err(|e| refuse(format!("{}: {e}", path.display())))?;
            return Theme::parse(name, &text, self.depth);
        }
        Theme::built_in(name, self.depth).ok_or_else(|| {
            let names: Vec<_> = BUILT_IN.iter().map(|(n, _)| *n).collect();
            refuse(format!("there is none of that name; built in are {}", names.join(", ")))
        })
    }

    /// Reads the theme of `name` again if its file came, went or changed since it was last looked
    /// at. Costs one look at the file.
    pub fn changed(&mut self, name: &str) -> Option<Result<Theme, ThemeError>> {
        let now = self.file(name).as_deref().and_then(changed_at);
        (now != self.seen).then(|| self.load(name))
    }

    /// Whether there is a folder to look at.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.path.is_some()
    }

    fn file(&self, name: &str) -> Option<PathBuf> {
        Some(self.path.as_ref()?.join(format!("{name}.toml")))
    }
}

fn changed_at(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|m| m.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_own_file_wins_is_read_again_and_a_bad_one_is_told() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("dark.toml");
        let mut folder = Folder::new(Some(home.path().to_owned()), Depth::Full);
        let built_in = folder.load("dark").unwrap();
        assert!(folder.changed("dark").is_none());

        std::fs::write(&file, "[roles]\ntext = \"red\"\n").unwrap();
        let own = folder.changed("dark").unwrap().unwrap();
        assert_ne!(own, built_in);
        assert!(folder.changed("dark").is_none(), "unchanged");

        std::fs::write(&file, "[roles]\ntext = \"rad\"\n").unwrap();
        let later = std::fs::metadata(&file).unwrap().modified().unwrap() + Duration::from_secs(5);
        std::fs::File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
        assert!(folder.changed("dark").unwrap().is_err());
        assert!(folder.changed("dark").is_none(), "a bad file is told once");

        std::fs::remove_file(&file).unwrap();
        assert_eq!(folder.changed("dark").unwrap().unwrap(), built_in);
        assert!(folder.load("../dark").is_err());
        assert!(folder.load("nosuch").unwrap_err().to_string().contains("mono"));
    }
}
