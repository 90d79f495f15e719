//! Asks Redstor: one bulk call that answers for every school.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::model::check::ServiceSpec;
use crate::model::estate::NotWatched;
use crate::model::ids::{CheckId, CredentialName, ServiceKey};
use crate::model::observation::{Observation, Target};
use crate::model::text::Clean;
use crate::ports::clock::Boxed;
use crate::ports::watch::{Job, Rights, Watch};
use crate::services::answer::Trouble;
use crate::services::redstor::account::Listing;
use crate::services::redstor::describe::{
    Api, KEY, LOGIN_URL, REDAPI_URL, STORAGE_PLATFORM_URL, Settings, Wanted, describe, not_watched,
    wanted,
};
use crate::services::redstor::doors::{Known, Redapi, Sender, Storage};
use crate::services::redstor::judge;
use crate::services::rights;
use crate::services::token::TokenCell;
use crate::services::{Context, ServiceError};

/// How the chosen API is asked.
enum Door {
    Storage(Storage),
    Redapi(Box<Redapi>),
}

/// The watcher of Redstor.
pub(super) struct Redstor {
    spec: ServiceSpec,
    wanted: Vec<Wanted>,
    not_watched: Vec<NotWatched>,
    door: Door,
    sender: Sender,
    /// What was last logged of accounts that no school names.
    told: Mutex<String>,
}

impl Redstor {
    pub(super) fn new(
        settings: &Settings,
        credential: CredentialName,
        context: &Context,
    ) -> Result<Self, ServiceError> {
        let missing = |key: &str, why: &str| ServiceError::Setting {
            service: KEY,
            key: key.to_owned(),
            why: why.to_owned(),
        };
        let key: ServiceKey =
            KEY.parse().map_err(|_| missing("key", "the service's key is not a word"))?;
        let wanted = wanted(settings, &context.estate, &key)?;
        let spec = describe(settings, &key, &wanted)?;
        let door = match settings.api {
            Api::StoragePlatform => Door::Storage(Storage {
                endpoint: context.endpoint(
                    KEY,
                    settings.storage_platform.as_ref(),
                    STORAGE_PLATFORM_URL,
                )?,
                user: settings.user.clone().ok_or_else(|| {
                    missing("user", "api = \"storage_platform\" needs a user to sign in as")
                })?,
            }),
            Api::Redapi => Door::Redapi(Box::new(Redapi {
                endpoint: context.endpoint(KEY, settings.redapi.as_ref(), REDAPI_URL)?,
                login: context.endpoint(KEY, settings.login.as_ref(), LOGIN_URL)?,
                client: settings.client_id.clone().ok_or_else(|| {
                    missing("client_id", "api = \"redapi\" needs the service account's id")
                })?,
                company: settings.company_id.clone().ok_or_else(|| {
                    missing("company_id", "api = \"redapi\" needs the company to read")
                })?,
                header: settings.token_header,
                beside: settings.beside.clone(),
                token: TokenCell::default(),
                known: Mutex::new(Known::default()),
            })),
        };
        Ok(Self {
            not_watched: not_watched(settings, context, &key, &wanted),
            spec,
            wanted,
            door,
            sender: Sender {
                credential,
                secrets: context.secrets.clone(),
                clock: context.clock.clone(),
            },
            told: Mutex::default(),
        })
    }

    async fn listing(&self) -> Result<Listing, Trouble> {
        match &self.door {
            Door::Storage(storage) => storage.listing(&self.sender).await,
            Door::Redapi(api) => {
                let is_wanted = |account: &_| {
                    self.wanted
                        .iter()
                        .flat_map(|w| &w.accounts)
                        .any(|name| judge::is_called(account, name))
                };
                api.listing(&self.sender, is_wanted).await
            }
        }
    }

    /// Says once, and again when they change, which accounts no school's row names.
    fn tell_unmapped(&self, listing: &Listing) -> String {
        let words = judge::unmapped(listing, &self.wanted);
        if let Ok(mut told) = self.told.lock()
            && *told != words
        {
            if words != judge::NONE_UNMAPPED {
                let accounts = Clean::new(&words);
                tracing::warn!(%accounts, "Redstor accounts that no school's row names");
            }
            told.clone_from(&words);
        }
        words
    }
}

impl Watch for Redstor {
    fn describe(&self) -> ServiceSpec {
        self.spec.clone()
    }

    fn not_watched(&self) -> Vec<NotWatched> {
        self.not_watched.clone()
    }

    fn found(&self) -> Vec<NotWatched> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_some = !told.is_empty() && *told != judge::NONE_UNMAPPED;
        let gap = || NotWatched {
            what: Clean::new(&format!("{KEY} accounts of no school")),
            why: Clean::new(&format!("no school's row names them ({told})")),
        };
        is_some.then(gap).into_iter().collect()
    }

    fn rights(&self) -> Boxed<'_, Vec<Rights>> {
        Box::pin(async move {
            let credential = &self.sender.credential;
            vec![match &self.door {
                Door::Redapi(api) => {
                    rights::told(credential, &[&["api.read"]], api.scopes(&self.sender).await)
                }
                Door::Storage(_) => rights::untold(
                    credential,
                    "the Storage Platform does not tell what its users may do: see there that ours \
                     administers these groups and no others",
                ),
            }]
        })
    }

    fn jobs(&self) -> Vec<Job> {
        let Some(interval) = self.spec.checks.iter().map(|c| c.interval).min() else {
            return Vec::new();
        };
        let checks: Vec<CheckId> = self.spec.checks.iter().map(|c| c.id.clone()).collect();
        let targets: BTreeSet<Target> =
            self.wanted.iter().map(|w| Target::School(w.school)).collect();
        vec![Job {
            id: "accounts".into(),
            checks,
            targets: targets.into_iter().collect(),
            interval,
        }]
    }

    fn poll<'a>(&'a self, _job: &'a Job, _now: Timestamp) -> Boxed<'a, Vec<Observation>> {
        Box::pin(async move {
            let listing = self.listing().await;
            let at = self.sender.clock.now();
            let unmapped =
                listing.as_ref().map_or_else(|_| String::new(), |l| self.tell_unmapped(l));
            self.wanted
                .iter()
                .map(|w| match &listing {
                    Ok(listing) => listing.beside.iter().chain(&listing.asked).fold(
                        judge::school(w, listing, at).fact("accounts of no school", &unmapped),
                        |seen, (name, words)| seen.fact(name, words),
                    ),
                    Err(trouble) => trouble.observe(&w.check, Target::School(w.school), at),
                })
                .collect()
        })
    }
}
