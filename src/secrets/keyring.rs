//! Keyrings: the Secret Service of the session, and the kernel's.
//!
//! Each call runs on a thread of its own: the Secret Service's client brings its own runtime, which
//! panics inside ours, and a keyring that waits for somebody to unlock it must not hold us. One that
//! did not answer in time is left alone until that first call comes back.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyring::{CredentialStore, Entry, Error};
use secrecy::{ExposeSecret, SecretString};

use crate::model::ids::CredentialName;
use crate::model::text::Clean;
use crate::ports::secrets::SecretPlace;
use crate::secrets::file::Answer;

/// The name under which keyrings file our entries.
const SERVICE: &str = "caretaker";
/// The entry that lists the others, where the keyring cannot. No credential can have this name.
const INDEX: &str = "INDEX";
/// How long a keyring may take; a person may have to unlock it.
const PATIENCE: Duration = Duration::from_secs(30);

type Open = dyn Fn() -> keyring::Result<Arc<CredentialStore>> + Send + Sync;

/// One keyring. Cheap to clone.
#[derive(Clone)]
pub struct Keyring {
    place: SecretPlace,
    /// Whether it can be searched; else an entry lists the others.
    searches: bool,
    patience: Duration,
    open: Arc<Open>,
    opened: Arc<Mutex<Option<Arc<CredentialStore>>>>,
    hangs: Arc<AtomicBool>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("place", &self.place).finish_non_exhaustive()
    }
}

/// Why a keyring did not do what it was asked; in words, without a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It holds no such entry.
    NotThere,
    /// It cannot be used.
    Unusable(String),
}

impl Keyring {
    /// Every keyring that this program can use, in the order in which they are asked.
    pub fn all() -> Vec<Self> {
        vec![
            #[cfg(feature = "secret-service")]
            Self::new(SecretPlace::SecretService, true, || {
                let store = zbus_secret_service_keyring_store::Store::new()?;
                Ok(store)
            }),
            Self::new(SecretPlace::Kernel, false, || {
                let store = linux_keyutils_keyring_store::Store::new()?;
                Ok(store)
            }),
        ]
    }

    /// A keyring that `open` opens when it is first asked.
    pub fn new(
        place: SecretPlace,
        searches: bool,
        open: impl Fn() -> keyring::Result<Arc<CredentialStore>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            place,
            searches,
            patience: PATIENCE,
            open: Arc::new(open),
            opened: Arc::default(),
            hangs: Arc::default(),
        }
    }

    /// The same, with less patience.
    #[cfg(test)]
    pub fn impatient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Which keyring it is.
    pub fn place(&self) -> SecretPlace {
        self.place
    }

    /// What it says of `name`.
    pub fn find(&self, name: &CredentialName) -> Answer {
        let user = name.to_string();
        match self.ask(move |store| store.build(SERVICE, &user, None)?.get_secret()) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Answer::Value(SecretString::from(text)),
                Err(_) => Answer::Refused(format!(
                    "what the {} holds is not text; run: caretaker secret set {name}",
                    self.place.words()
                )),
            },
            Err(Refusal::NotThere) => Answer::Nothing("not in it".into()),
            Err(Refusal::Unusable(why)) => Answer::Nothing(why),
        }
    }

    /// Puts `value` in, and reads it back.
    pub fn set(&self, name: &CredentialName, value: &SecretString) -> Result<(), Refusal> {
        let (user, value) = (name.to_string(), value.clone());
        let same = self.ask(move |store| {
            let entry = store.build(SERVICE, &user, None)?;
            entry.set_password(value.expose_secret())?;
            let back = SecretString::from(entry.get_password()?);
            Ok(back.expose_secret() == value.expose_secret())
        })?;
        if !same {
            return Err(Refusal::Unusable("gave back another value than was put in".into()));
        }
        self.keep_index(|names| {
            if !names.contains(name) {
                names.push(name.clone());
            }
        })
    }

    /// Takes `name` out.
    pub fn delete(&self, name: &CredentialName) -> Result<(), Refusal> {
        let user = name.to_string();
        self.ask(move |store| store.build(SERVICE, &user, None)?.delete_credential())?;
        self.keep_index(|names| names.retain(|n| n != name))
    }

    /// The names that it holds.
    pub fn names(&self) -> Result<Vec<CredentialName>, Refusal> {
        if !self.searches {
            return self.index();
        }
        self.ask(|store| {
            let entries = store.search(&HashMap::from([("service", SERVICE)]))?;
            let user = |entry: &Entry| entry.get_specifiers()?.1.parse().ok();
            Ok(entries.iter().filter_map(user).collect())
        })
    }

    fn index(&self) -> Result<Vec<CredentialName>, Refusal> {
        let read = self.ask(|store| store.build(SERVICE, INDEX, None)?.get_password());
        match read {
            Ok(text) => Ok(text.lines().filter_map(|line| line.parse().ok()).collect()),
            Err(Refusal::NotThere) => Ok(Vec::new()),
            Err(unusable) => Err(unusable),
        }
    }

    fn keep_index(&self, change: impl FnOnce(&mut Vec<CredentialName>)) -> Result<(), Refusal> {
        if self.searches {
            return Ok(());
        }
        let mut names = self.index()?;
        change(&mut names);
        let lines: Vec<&str> = names.iter().map(CredentialName::as_str).collect();
        // An entry of the kernel cannot be empty.
        let text = format!("{}\n", lines.join("\n"));
        self.ask(move |store| store.build(SERVICE, INDEX, None)?.set_password(&text))
    }

    /// Runs `work` on a thread of its own and waits for it, with a limit.
    fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&CredentialStore) -> keyring::Result<T> + Send + 'static,
    ) -> Result<T, Refusal> {
        if self.hangs.load(Ordering::SeqCst) {
            return Err(Refusal::Unusable("has not answered yet since it was last asked".into()));
        }
        let (sender, receiver) = sync_channel(1);
        let (open, opened) = (self.open.clone(), self.opened.clone());
        let (ended, hangs) = (Arc::new(AtomicBool::new(false)), self.hangs.clone());
        let has_ended = ended.clone();
        let thread = std::thread::Builder::new().name("keyring".into()).spawn(move || {
            let answer = (|| {
                let mut opened = opened.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let store = match opened.as_ref() {
                    Some(store) => store.clone(),
                    None => open()?,
                };
                let answer = work(store.as_ref());
                // A daemon that restarted needs a new connection.
                let sound = matches!(&answer, Ok(_) | Err(Error::NoEntry));
                *opened = sound.then_some(store);
                answer
            })();
            // Nobody listens any more once the limit has passed.
            drop(sender.send(answer.map_err(|e| refusal(&e))));
            // It answered after all (somebody unlocked it): from now on it is asked again.
            ended.store(true, Ordering::SeqCst);
            hangs.store(false, Ordering::SeqCst);
        });
        if let Err(e) = thread {
            return Err(Refusal::Unusable(format!("no thread could be started: {e}")));
        }
        receiver.recv_timeout(self.patience).unwrap_or_else(|e| match e {
            RecvTimeoutError::Timeout => {
                self.hangs.store(true, Ordering::SeqCst);
                if has_ended.load(Ordering::SeqCst) {
                    self.hangs.store(false, Ordering::SeqCst);
                }
                let limit = self.patience.as_secs();
                Err(Refusal::Unusable(format!("did not answer within {limit} s; is it locked?")))
            }
            RecvTimeoutError::Disconnected => Err(Refusal::Unusable("its client failed".into())),
        })
    }
}

/// The kernel's refusal in words for the operator; its client tells no more than the name of an error, and of one
/// that it does not know the number.
fn kernels(why: &str) -> String {
    match why {
        "AccessDenied" => {
            "no access (EACCES): this process has no login session of its own, as ssh or \
                           systemd would give it one"
                .to_owned()
        }
        "PermissionDenied" => {
            "no access (EPERM): this container or its rules let nobody keep keys in the \
                               kernel, and nothing inside can change that"
                .to_owned()
        }
        "Unknown(38)" => {
            "no access (ENOSYS): this kernel has no keyring, or the container hides it, and \
                          nothing inside can change that"
                .to_owned()
        }
        other => format!("no access: {other}"),
    }
}

/// The library's error in words; its `Debug` may hold a value and is never used.
fn refusal(error: &Error) -> Refusal {
    let why = match error {
        Error::NoEntry => return Refusal::NotThere,
        Error::NoStorageAccess(why) => kernels(&why.to_string()),
        Error::PlatformFailure(why) => format!("not usable: {why}"),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => "what it holds is not text".into(),
        Error::Ambiguous(_) => "holds it more than once; delete one in the keyring".into(),
        Error::TooLong(_, limit) => format!("takes at most {limit} characters"),
        _ => "not usable".into(),
    };
    Refusal::Unusable(Clean::new(&why).as_str().chars().take(160).collect())
}
