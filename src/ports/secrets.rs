//! Where passwords come from.

use secrecy::SecretString;

use crate::model::ids::CredentialName;

/// Which store answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretPlace {
    /// `$CREDENTIALS_DIRECTORY/<name>`, given by systemd.
    Systemd,
    /// The Secret Service of the session.
    SecretService,
    /// The kernel's key ring.
    Kernel,
    /// A file that the config names.
    File,
}

impl SecretPlace {
    /// In words, for messages.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Systemd => "systemd credential",
            Self::SecretService => "Secret Service keyring",
            Self::Kernel => "kernel keyring",
            Self::File => "credential file",
        }
    }
}

/// A credential and the place it came from. `Debug` never shows the value.
#[derive(Debug, Clone)]
pub struct Found {
    /// The value.
    pub value: SecretString,
    /// Which store answered.
    pub place: SecretPlace,
}

/// Why a credential could not be had. Never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// No store holds it; the text says which were asked and what each said.
    #[error("credential `{name}` was not found: {asked}")]
    Missing {
        /// The name.
        name: CredentialName,
        /// Each store and its answer.
        asked: String,
    },
    /// A store holds it but must not be trusted (a file that others can read).
    #[error("credential `{name}` was refused: {why}")]
    Refused {
        /// The name.
        name: CredentialName,
        /// Which rule it breaks, and the remedy.
        why: String,
    },
}

/// Resolves names to credentials. Blocking (a keyring may ask a daemon): call off the runtime.
pub trait Secrets: Send + Sync {
    /// The credential `name`.
    ///
    /// # Errors
    /// When no store holds it, or the one that does must not be trusted.
    fn find(&self, name: &CredentialName) -> Result<Found, SecretError>;
}
