//! Addresses that Groupcall was told, so that it says when it is done.
//!
//! Only that somebody called counts, and no more than a word in what is told: the truth is that the
//! time of the data moves.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::model::ids::CredentialName;
use crate::ports::doorbell::{Door, DoorCertificate, Doorbell};
use crate::services::ServiceError;
use crate::services::groupcall::describe::refuse;

/// Addresses that are waited for; the oldest go.
const MOST: usize = 1_000;
/// How long one is waited for.
const LASTS: SignedDuration = SignedDuration::from_hours(24);

/// `[services.groupcall.callback]`: where Groupcall may call when fresh data is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallbackSettings {
    /// Where to listen: `127.0.0.1:8443`, behind the council's own TLS proxy, or `0.0.0.0:8443`.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// How that is reached from outside: `https://desk.example.org/groupcall/`. `http://` only to
    /// loopback.
    pub public_url: Url,
    /// PEM file of the certificate and those that it is from, where no proxy does TLS.
    #[serde(default)]
    pub certificate_file: Option<PathBuf>,
    /// Name of the credential that holds the certificate's private key, as PEM.
    #[serde(default)]
    pub key_credential: Option<CredentialName>,
}

/// Somebody is waited for.
struct Awaited {
    key: String,
    told_at: Timestamp,
    rung_at: Option<Timestamp>,
}

/// The addresses that were told.
pub(super) struct Callbacks {
    base: Url,
    awaited: Mutex<HashMap<String, Awaited>>,
}

impl Callbacks {
    /// As `settings` say.
    ///
    /// # Errors
    /// When the public address is not one to be told.
    pub(super) fn new(settings: &CallbackSettings) -> Result<Self, ServiceError> {
        let url = &settings.public_url;
        let own = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let good = url.scheme() == "https" || (url.scheme() == "http" && own);
        if !good || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty()
        {
            let why = "write https://HOST/PATH/ without a query; http:// only to this machine";
            return Err(refuse("callback.public_url", why));
        }
        if settings.certificate_file.is_some() != settings.key_credential.is_some() {
            let why = "name the certificate's file and its key's credential, or neither";
            return Err(refuse("callback.certificate_file", why));
        }
        let mut base = url.clone();
        base.set_path(&format!("{}/", url.path().trim_end_matches('/')));
        Ok(Self { base, awaited: Mutex::default() })
    }

    /// The door at which they come in.
    pub(super) fn door(
        settings: &CallbackSettings,
        folder: &std::path::Path,
        bell: std::sync::Arc<dyn Doorbell>,
    ) -> Door {
        let files = settings.certificate_file.as_ref().zip(settings.key_credential.clone());
        let certificate =
            files.map(|(file, key)| DoorCertificate { chain: folder.join(file), key });
        Door { listen: settings.listen, certificate, bell }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Awaited>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An address that nobody can guess, for what `key` asks for.
    pub(super) fn tell(&self, key: &str, now: Timestamp) -> Url {
        let word = uuid::Uuid::new_v4().simple().to_string();
        let mut awaited = self.lock();
        awaited.retain(|_, one| now.duration_since(one.told_at) < LASTS);
        if awaited.len() >= MOST
            && let Some(oldest) =
                awaited.iter().min_by_key(|(_, one)| one.told_at).map(|(word, _)| word.clone())
        {
            awaited.remove(&oldest);
        }
        let one = Awaited { key: key.to_owned(), told_at: now, rung_at: None };
        awaited.insert(word.clone(), one);
        // A word of hex digits is a path of its own.
        self.base.join(&word).unwrap_or_else(|_| self.base.clone())
    }

    /// When Groupcall said that it is done with what `key` asked for.
    pub(super) fn said_at(&self, key: &str) -> Option<Timestamp> {
        self.lock().values().filter(|one| one.key == key).filter_map(|one| one.rung_at).max()
    }
}

impl Doorbell for Callbacks {
    /// A proxy in front may keep the path or take its own part of it away: only the last word counts.
    fn rung(&self, path: &str, at: Timestamp) -> bool {
        let word = path.rsplit('/').next().unwrap_or_default();
        let mut awaited = self.lock();
        let Some(one) = awaited.get_mut(word) else { return false };
        if at.duration_since(one.told_at) >= LASTS {
            return false;
        }
        one.rung_at.get_or_insert(at);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn settings(url: &str) -> CallbackSettings {
        CallbackSettings {
            listen: "127.0.0.1:1".parse().unwrap(),
            public_url: url.parse().unwrap(),
            certificate_file: None,
            key_credential: None,
        }
    }

    #[test]
    fn only_an_address_that_was_told_counts_and_only_for_a_day() {
        let calls = Callbacks::new(&settings("https://desk.example.org/groupcall")).unwrap();
        let now = at("2026-03-03T10:00:00Z");
        let (one, other) = (calls.tell("k1/SchoolInfo", now), calls.tell("k2/SchoolInfo", now));
        assert_ne!(one, other);
        assert!(one.as_str().starts_with("https://desk.example.org/groupcall/"), "{one}");
        assert!(one.path().rsplit('/').next().unwrap().len() >= 32, "nobody guesses it: {one}");
        for wrong in ["", "/", "/groupcall/", "/groupcall/0123", "/../etc"] {
            assert!(!calls.rung(wrong, now), "{wrong:?}");
        }
        assert_eq!(calls.said_at("k1/SchoolInfo"), None);
        assert!(calls.rung(one.path(), at("2026-03-03T10:30:00Z")));
        assert!(calls.rung(one.path(), at("2026-03-03T11:00:00Z")), "again is no harm");
        assert_eq!(calls.said_at("k1/SchoolInfo"), Some(at("2026-03-03T10:30:00Z")));
        assert_eq!(calls.said_at("k2/SchoolInfo"), None);
        assert!(!calls.rung(other.path(), at("2026-03-04T10:00:00Z")), "a day later");
    }

    #[test]
    fn as_many_are_waited_for_as_there_is_room() {
        let calls = Callbacks::new(&settings("https://desk.example.org/")).unwrap();
        let first = calls.tell("k", at("2026-03-03T10:00:00Z"));
        for n in 0..MOST {
            calls.tell(&format!("k{n}"), at("2026-03-03T10:00:01Z"));
        }
        assert_eq!(calls.lock().len(), MOST);
        assert!(!calls.rung(first.path(), at("2026-03-03T10:00:02Z")), "the oldest went");
    }

    #[test]
    fn an_address_that_must_not_be_told_is_refused() {
        for odd in [
            "http://desk.example.org/",
            "https://u@desk.example.org/",
            "https://h/?a=b",
            "ftp://h/",
        ] {
            assert!(Callbacks::new(&settings(odd)).is_err(), "{odd}");
        }
        assert!(Callbacks::new(&settings("http://127.0.0.1:8080/")).is_ok());
        let half =
            CallbackSettings { certificate_file: Some("x".into()), ..settings("https://h/") };
        assert!(Callbacks::new(&half).is_err());
    }
}
