//! A folder of the demo's or a replay's own: private, and gone when that ends.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::app::failed::Failed;
use crate::config::schools::{write_schools_csv, write_subscriptions_csv};
use crate::model::ids::CredentialName;
use crate::simulators::Invented;
use crate::sys::{Places, private_dir};

/// A private folder below the runtime folder; removed with all it holds when dropped.
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// A fresh folder, for a demo or what `kind` says.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(kind: &str) -> Result<Self, Failed> {
        let runtime = Places::from_env().runtime_dir().to_owned();
        private_dir(&runtime).map_err(Failed::software)?;
        let path = runtime.join(format!("{kind}-{}", std::process::id()));
        private_dir(&path).map_err(Failed::software)?;
        Ok(Self { path })
    }

    /// A folder of a test, which is there already.
    #[cfg(test)]
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where the agent listens.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.path.join("run").join("agent.sock")
    }

    /// Where the agent keeps its board.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn state_dir(&self) -> Result<PathBuf, Failed> {
        let dir = self.path.join("state");
        private_dir(&dir).map_err(Failed::software)?;
        Ok(dir)
    }

    /// Where the vendors keep their certificate and their drops.
    #[must_use]
    pub fn vendors(&self) -> PathBuf {
        self.path.join("vendors")
    }

    /// The path of the credential `name`.
    #[must_use]
    pub fn credential(&self, name: &str) -> PathBuf {
        self.path.join("credentials").join(name)
    }

    /// Every credential's file.
    #[must_use]
    pub fn credential_files(&self, invented: &Invented) -> BTreeMap<CredentialName, PathBuf> {
        invented
            .credentials
            .keys()
            .filter_map(|name| Some((name.parse().ok()?, self.credential(name))))
            .collect()
    }

    /// Writes one file of ours, readable by nobody else; its path.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf, Failed> {
        let path = self.path.join(name);
        write_private(&path, text)?;
        Ok(path)
    }

    /// Writes the tables of schools and subscriptions as an administrator would keep them.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write_tables(&self, invented: &Invented) -> Result<(), Failed> {
        let schools = write_schools_csv(&invented.schools);
        self.write("schools.csv", &schools)?;
        let mut taken = invented.subscriptions.clone();
        for row in taken.values_mut() {
            // The vendor knows a path; an administrator copies the whole address.
            let address = |site| format!("https://{}/{site}", invented.facts.site_host);
            if let Some(address) = row.parameters.get("welearn365.site").map(address) {
                row.parameters.insert("welearn365.site", address);
            }
        }
        self.write("subscriptions.csv", &write_subscriptions_csv(&taken))?;
        Ok(())
    }

    /// Writes the throw-away credentials, one file each.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write_credentials(&self, invented: &Invented) -> Result<(), Failed> {
        private_dir(&self.path.join("credentials")).map_err(Failed::software)?;
        for (name, value) in &invented.credentials {
            write_private(&self.credential(name), value)?;
        }
        Ok(())
    }
}

fn write_private(path: &Path, text: &str) -> Result<(), Failed> {
    use std::io::Write;
    let tell = |e: std::io::Error| Failed::software(format!("{}: {e}", path.display()));
    let mut options = fs::OpenOptions::new();
    let mut file =
        options.write(true).create(true).truncate(true).mode(0o600).open(path).map_err(tell)?;
    file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(tell)?;
    file.write_all(text.as_bytes()).map_err(tell)
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It lies in the runtime folder, which is emptied at log-out anyway.
        drop(fs::remove_dir_all(&self.path));
    }
}
