//! The Active Directory behind WeLearn365: each school's accounts, lockouts, the controllers.
//!
//! Requests for all schools together. `accounts`: seven searches an hour, one request for each 500
//! entries. `lockouts`: four searches each 5 minutes, of which one looks at the OUs and the others find
//! few entries. `controllers`: two or three requests to each controller each 5 minutes.

mod judge;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;

use crate::directory::{Directory, DirectoryFailure};
use crate::model::check::{Against, CheckSpec, Coverage, DropRule, Scope};
use crate::model::estate::NotWatched;
use crate::model::ids::{CheckId, CredentialName, Laestab};
use crate::model::observation::{Observation, Target};
use crate::model::span::Span;
use crate::model::text::Clean;
use crate::ports::clock::Clock;
use crate::ports::secrets::Secrets;
use crate::ports::watch::{Door, Job, Rights};
use crate::services::accounts::places;
use crate::services::answer::{Trouble, credential, some_of};
use crate::services::rights::untold;
use crate::services::welearn365::accounts::judge::{About, Sight};
use crate::services::welearn365::describe::KEY;
use crate::services::{CheckTuning, Context, ServiceError, check_id, tuned};

pub use settings::DirectorySettings;

/// Its checks and what each asks.
pub(super) const CHECKS: [(&str, &str); 3] = [
    ("accounts", "How many accounts does the school have, and how do they stand?"),
    ("lockouts", "Were many accounts of the school locked out in a short time (a password spray)?"),
    ("controllers", "Do the domain controllers answer, and do clocks and copies agree?"),
];

/// What watches the directory.
pub(super) struct Accounts {
    directory: Directory,
    settings: DirectorySettings,
    credential: CredentialName,
    specs: Vec<CheckSpec>,
    schools: Arc<[Target]>,
    not_watched: Vec<NotWatched>,
    /// What the last census met outside every school's OU.
    found: Mutex<Option<NotWatched>>,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
}

/// What is missing without a directory in the settings.
pub(super) fn not_configured() -> Vec<NotWatched> {
    CHECKS
        .into_iter()
        .map(|(name, _)| NotWatched {
            what: format!("{KEY}.{name}").into(),
            why: format!("set services.{KEY}.directory to the Active Directory's controllers")
                .into(),
        })
        .collect()
}

impl Accounts {
    pub(super) fn new(
        settings: &DirectorySettings,
        tunings: &BTreeMap<String, CheckTuning>,
        context: &Context,
    ) -> Result<Self, ServiceError> {
        let refuse = |key: &str, why: String| ServiceError::Setting {
            service: KEY,
            key: format!("directory.{key}"),
            why,
        };
        settings.check()?;
        let (places, gaps) = places(&settings.schools, context, KEY).map_err(|why| {
            refuse("schools", format!("{why}; such as OU=Schools,DC=example,DC=org"))
        })?;
        let not_watched = not_watched(gaps);
        let credential = settings.credential().map_err(|e| refuse("credential", e.to_string()))?;
        let controllers = context
            .transport
            .directory(&settings.ldap(&context.folder))
            .map_err(|e| refuse("controllers", e.to_string()))?;
        let schools: BTreeSet<Laestab> = places.ous().keys().copied().collect();
        Ok(Self {
            specs: specs(&schools, tunings)?,
            schools: schools.into_iter().map(Target::School).collect(),
            directory: Directory::new(controllers, places),
            settings: settings.clone(),
            credential,
            not_watched,
            found: Mutex::default(),
            secrets: context.secrets.clone(),
            clock: context.clock.clone(),
        })
    }

    /// Its checks.
    pub(super) fn specs(&self) -> &[CheckSpec] {
        &self.specs
    }

    /// What it does not watch.
    pub(super) fn not_watched(&self) -> &[NotWatched] {
        &self.not_watched
    }

    /// What the last census met and no school has.
    pub(super) fn found(&self) -> Option<NotWatched> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One job for each check.
    pub(super) fn jobs(&self) -> impl Iterator<Item = Job> + '_ {
        let estate: Arc<[Target]> = Arc::new([Target::Estate]);
        self.specs.iter().map(move |spec| Job {
            id: spec.id.name().into(),
            checks: vec![spec.id.clone()],
            targets: if spec.scope == Scope::Estate {
                estate.clone()
            } else {
                self.schools.clone()
            },
            interval: spec.interval,
        })
    }

    /// Its controllers, each looked at and signed in to once.
    pub(super) async fn doors(&self) -> Vec<Door> {
        let password = credential(&self.secrets, &self.credential).await;
        let password = password.as_ref().map_err(|trouble| trouble.why.as_str());
        self.directory.controllers().doors(password).await
    }

    /// What the account that signs in may do beside reading.
    pub(super) async fn rights(&self) -> Rights {
        let asked = async {
            let password = credential(&self.secrets, &self.credential).await?;
            Ok::<_, Trouble>(self.directory.own_rights(&password).await?)
        };
        match asked.await {
            Ok(own) => judge::rights(&self.credential, &self.settings.schools, &own.value),
            Err(trouble) => {
                untold(&self.credential, format!("its rights cannot be told: {}", trouble.why))
            }
        }
    }

    /// Asks the directory for `check`; `None` when it is not one of its own.
    pub(super) async fn poll(&self, check: &CheckId) -> Option<Vec<Observation>> {
        if !self.specs.iter().any(|s| s.id == *check) {
            return None;
        }
        let asked = match check.name() {
            "accounts" => self.accounts(check).await,
            "lockouts" => self.lockouts(check).await,
            _ => self.controllers(check).await,
        };
        Some(asked.unwrap_or_else(|trouble| {
            let at = self.clock.now();
            let estate = [Target::Estate];
            let targets =
                if check.name() == "controllers" { &estate[..] } else { &self.schools[..] };
            targets.iter().map(|target| trouble.observe(check, *target, at)).collect()
        }))
    }

    async fn accounts(&self, check: &CheckId) -> Result<Vec<Observation>, Trouble> {
        let password = credential(&self.secrets, &self.credential).await?;
        let census = self.directory.census(&password).await?;
        let at = self.clock.now();
        let sight = Sight::of(&census.value);
        let (strangers, folders) = (census.value.strangers, &census.value.strange_folders);
        if strangers > 0 {
            tracing::info!(accounts = strangers, "accounts that are in no school's OU");
        }
        let found = (strangers > 0).then(|| {
            let folders: Vec<String> = folders.iter().cloned().collect();
            let named = match some_of(&folders, 10) {
                none if none.is_empty() => none,
                named => format!(" ({named})"),
            };
            NotWatched {
                what: Clean::new(&format!("{KEY} accounts of no school")),
                why: Clean::new(&format!("{strangers} are in no school's OU{named}")),
            }
        });
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(self.each(check, at, |about| judge::accounts(about, sight, &census)))
    }

    async fn lockouts(&self, check: &CheckId) -> Result<Vec<Observation>, Trouble> {
        let password = credential(&self.secrets, &self.credential).await?;
        let back = SignedDuration::from_secs(self.settings.spray_remembered.as_secs_i64());
        let lately = self.directory.lockouts(&password, back).await?;
        let at = self.clock.now();
        Ok(self.each(check, at, |about| judge::lockouts(about, &self.settings, &lately)))
    }

    async fn controllers(&self, check: &CheckId) -> Result<Vec<Observation>, Trouble> {
        let password = credential(&self.secrets, &self.credential).await?;
        let allowed = SignedDuration::from_secs(self.settings.replication_warning.as_secs_i64());
        let seen = self.directory.agreement(&password, &*self.clock, allowed).await;
        Ok(vec![judge::controllers(check, &self.settings, &seen, self.clock.now())])
    }

    fn each(
        &self,
        check: &CheckId,
        at: jiff::Timestamp,
        judge: impl Fn(&About<'_>) -> Observation,
    ) -> Vec<Observation> {
        let ous = self.directory.places().ous().iter();
        ous.map(|(school, ou)| judge(&About { check, school: *school, ou: &ou.to_string(), at }))
            .collect()
    }
}

impl From<DirectoryFailure> for Trouble {
    fn from(failure: DirectoryFailure) -> Self {
        Self::new(failure.reason(), failure.to_string())
    }
}

fn specs(
    schools: &BTreeSet<Laestab>,
    tunings: &BTreeMap<String, CheckTuning>,
) -> Result<Vec<CheckSpec>, ServiceError> {
    let mut checks = Vec::new();
    let mut add = |name: &str, label: &str, scope, interval, set: &dyn Fn(&mut CheckSpec)| {
        let mut spec = CheckSpec::new(check_id(KEY, name)?, label, scope, interval);
        set(&mut spec);
        checks.push(tuned(spec, tunings));
        Ok::<(), ServiceError>(())
    };
    if !schools.is_empty() {
        add("accounts", "accounts", Scope::School, Span::from_mins(60), &|s| {
            s.covers = Coverage::Only(schools.clone());
            // Disabled by the hundred is as bad as deleted by the hundred.
            s.drop = Some(DropRule {
                number: "enabled",
                warning: 0.15,
                summer: 0.40,
                against: Against::LastGoodDay,
                weeks: 4,
            });
        })?;
        add("lockouts", "lockouts", Scope::School, Span::from_mins(5), &|s| {
            s.covers = Coverage::Only(schools.clone());
        })?;
    }
    // One lost answer is not news yet.
    add("controllers", "domain controllers", Scope::Estate, Span::from_mins(5), &|s| s.tries = 2)?;
    Ok(checks)
}

/// The schools whose accounts cannot be watched, by the reason.
fn not_watched(gaps: BTreeMap<String, Vec<String>>) -> Vec<NotWatched> {
    let column = format!("the column {KEY}.ou of the subscriptions table");
    let told = gaps.into_iter().flat_map(|(why, schools)| {
        let why = format!("{column} {why}, for {}", some_of(&schools, 12));
        ["accounts", "lockouts"].map(|name| NotWatched {
            what: format!("{KEY}.{name}").into(),
            why: why.clone().into(),
        })
    });
    told.collect()
}
