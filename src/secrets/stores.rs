//! The stores in their order, and what `caretaker secret` does with them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use crate::model::ids::CredentialName;
use crate::ports::secrets::{Found, SecretError, SecretPlace, Secrets};
use crate::secrets::file::{Answer, Readers, read, without_newline};
use crate::secrets::keyring::{Keyring, Refusal};

/// Every store that may be asked: systemd, then keyrings, then files. The first that holds a name
/// answers for it. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct SecretStores {
    /// The folder that systemd gave this service.
    systemd: Option<PathBuf>,
    keyrings: Vec<Keyring>,
    files: BTreeMap<CredentialName, PathBuf>,
}

/// Where a credential was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// The keyring that holds it now. The kernel's forgets at a restart of the host.
    pub place: SecretPlace,
    /// A store that is asked before it and holds the same name, so that the new value is not used.
    pub hidden_by: Option<SecretPlace>,
}

/// What was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deleted {
    /// The keyrings that held it.
    pub from: Vec<SecretPlace>,
    /// Stores that still hold it, which only their owners can change.
    pub still_in: Vec<SecretPlace>,
}

/// The names that the stores hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// Names and stores, by name; a name that several stores hold stands more than once, the
    /// store that answers first.
    pub names: Vec<(CredentialName, SecretPlace)>,
    /// Stores that could not be asked, and what they said.
    pub unasked: Vec<(SecretPlace, String)>,
}

/// Why a credential could not be stored. Never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoringError {
    /// Nothing was given.
    #[error("credential `{0}` was not stored: the value is empty")]
    Empty(CredentialName),
    /// No keyring takes it; the text says what each said.
    #[error(
        "credential `{name}` was not stored: {asked}; put it into a file (chmod 600) and name the \
         file under [credentials] files, or use systemd's LoadCredentialEncrypted="
    )]
    NoKeyring {
        /// The name.
        name: CredentialName,
        /// Each keyring and its answer.
        asked: String,
    },
}

impl SecretStores {
    /// The stores of this host and session, and the files that the config names.
    #[must_use]
    pub fn of_host(files: BTreeMap<CredentialName, PathBuf>) -> Self {
        let systemd = std::env::var_os("CREDENTIALS_DIRECTORY").filter(|d| !d.is_empty());
        Self { systemd: systemd.map(PathBuf::from), keyrings: Keyring::all(), files }
    }

    /// Files alone: systemd and keyrings are never asked. For the demo and for tests, which must
    /// not be able to read a real credential.
    #[must_use]
    pub fn files_only(files: BTreeMap<CredentialName, PathBuf>) -> Self {
        Self { systemd: None, keyrings: Vec::new(), files }
    }

    /// Stores of a test's own.
    #[cfg(test)]
    pub(crate) fn of(
        systemd: Option<PathBuf>,
        keyrings: Vec<Keyring>,
        files: BTreeMap<CredentialName, PathBuf>,
    ) -> Self {
        Self { systemd, keyrings, files }
    }

    /// Puts `value`, without a newline at its end, into the first keyring that takes it. Blocking.
    ///
    /// # Errors
    /// When it is empty or no keyring takes it.
    pub fn set(&self, name: &CredentialName, value: &SecretString) -> Result<Stored, StoringError> {
        let value = SecretString::from(without_newline(value.expose_secret()));
        if value.expose_secret().is_empty() {
            return Err(StoringError::Empty(name.clone()));
        }
        let mut asked = Vec::new();
        for keyring in &self.keyrings {
            match keyring.set(name, &value) {
                Ok(()) => {
                    let place = keyring.place();
                    let first = self.find(name).ok().map(|found| found.place);
                    return Ok(Stored { place, hidden_by: first.filter(|p| *p != place) });
                }
                Err(why) => asked.push(said(keyring.place(), &words(why))),
            }
        }
        if asked.is_empty() {
            asked.push("there is no keyring here".into());
        }
        Err(StoringError::NoKeyring { name: name.clone(), asked: asked.join("; ") })
    }

    /// Takes `name` out of every keyring. Blocking.
    ///
    /// # Errors
    /// When no keyring holds it; the text says what each said.
    pub fn delete(&self, name: &CredentialName) -> Result<Deleted, SecretError> {
        let (mut deleted, mut asked) = (Deleted::default(), Vec::new());
        for keyring in &self.keyrings {
            match keyring.delete(name) {
                Ok(()) => deleted.from.push(keyring.place()),
                Err(why) => asked.push(said(keyring.place(), &words(why))),
            }
        }
        for (place, answer) in
            [(SecretPlace::Systemd, self.in_systemd(name)), (SecretPlace::File, self.in_file(name))]
        {
            match answer {
                Answer::Nothing(_) => {}
                Answer::Value(_) | Answer::Refused(_) => deleted.still_in.push(place),
            }
        }
        if !deleted.from.is_empty() {
            return Ok(deleted);
        }
        for place in &deleted.still_in {
            asked.push(said(*place, "holds it, but only its owner can take it out"));
        }
        Err(SecretError::Missing { name: name.clone(), asked: asked.join("; ") })
    }

    /// The names that the stores hold, never a value. Blocking.
    #[must_use]
    pub fn list(&self) -> Inventory {
        let mut list = Inventory::default();
        if let Some(folder) = &self.systemd {
            match std::fs::read_dir(folder) {
                Err(e) => list.unasked.push((SecretPlace::Systemd, e.to_string())),
                Ok(entries) => {
                    let names = entries.flatten().filter_map(|e| e.file_name().into_string().ok());
                    let names = names.filter_map(|name| name.parse().ok());
                    list.names.extend(names.map(|name| (name, SecretPlace::Systemd)));
                }
            }
        }
        for keyring in &self.keyrings {
            let place = keyring.place();
            match keyring.names() {
                Ok(names) => list.names.extend(names.into_iter().map(|name| (name, place))),
                Err(why) => list.unasked.push((place, words(why))),
            }
        }
        let there = self.files.iter().filter(|(_, path)| path.exists());
        list.names.extend(there.map(|(name, _)| (name.clone(), SecretPlace::File)));
        // Stable: stores of one name stay in the order in which they are asked.
        list.names.sort_by(|a, b| a.0.cmp(&b.0));
        list
    }

    fn in_systemd(&self, name: &CredentialName) -> Answer {
        match &self.systemd {
            Some(folder) => read(&folder.join(name.as_str()), Readers::Systemd),
            None => Answer::Nothing("$CREDENTIALS_DIRECTORY is not set".into()),
        }
    }

    fn in_file(&self, name: &CredentialName) -> Answer {
        match self.files.get(name) {
            Some(path) => read(path, Readers::Owner),
            None => Answer::Nothing("the config names none for it".into()),
        }
    }
}

impl Secrets for SecretStores {
    fn find(&self, name: &CredentialName) -> Result<Found, SecretError> {
        type Ask<'a> = Box<dyn FnOnce() -> Answer + 'a>;
        let mut stores: Vec<(SecretPlace, Ask<'_>)> =
            vec![(SecretPlace::Systemd, Box::new(|| self.in_systemd(name)))];
        for keyring in &self.keyrings {
            stores.push((keyring.place(), Box::new(|| keyring.find(name))));
        }
        stores.push((SecretPlace::File, Box::new(|| self.in_file(name))));
        let mut asked = Vec::new();
        for (place, ask) in stores {
            match ask() {
                Answer::Value(value) => return Ok(Found { value, place }),
                Answer::Refused(why) => {
                    return Err(SecretError::Refused { name: name.clone(), why });
                }
                Answer::Nothing(why) => asked.push(said(place, &why)),
            }
        }
        asked.push(format!(
            "run: caretaker secret set {name}, or name a file under [credentials] files"
        ));
        Err(SecretError::Missing { name: name.clone(), asked: asked.join("; ") })
    }
}

fn said(place: SecretPlace, what: &str) -> String {
    format!("{}: {what}", place.words())
}

fn words(refusal: Refusal) -> String {
    match refusal {
        Refusal::NotThere => "not in it".into(),
        Refusal::Unusable(why) => why,
    }
}
