//! What every service brings: its name, its settings, its watcher, its actions.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::model::action::ActionSpec;
use crate::model::check::{CheckSpec, Runs};
use crate::model::estate::Estate;
use crate::model::ids::{CheckId, CredentialName, ServiceKey};
use crate::model::span::Span;
use crate::ports::accounts::Accounts;
use crate::ports::act::Act;
use crate::ports::chance::Entropy;
use crate::ports::clock::Clock;
use crate::ports::doorbell::Door;
use crate::ports::known::Known;
use crate::ports::program::Programs;
use crate::ports::secrets::Secrets;
use crate::ports::tickets::Tickets;
use crate::ports::vendor_audit::VendorAudits;
use crate::ports::watch::Watch;
use crate::transport::{Endpoint, EndpointSettings, SetupError, Transport};

/// A column of the subscriptions table that belongs to one service: `service.name`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Name after the dot.
    pub name: &'static str,
    /// What it holds, with an example.
    pub help: &'static str,
}

/// What a watcher is built with.
#[derive(Clone)]
pub struct Context {
    /// The way out.
    pub transport: Transport,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Credentials by name. Blocking.
    pub secrets: Arc<dyn Secrets>,
    /// Schools, subscriptions, calendars; its `services` are still empty.
    pub estate: Arc<Estate>,
    /// The folder of the config file: relative paths in settings are relative to it.
    pub folder: PathBuf,
    /// What the board knows.
    pub known: Arc<dyn Known>,
    /// Where tickets go; none where the configuration does not say.
    pub tickets: Option<Arc<dyn Tickets>>,
    /// For passwords.
    pub entropy: Arc<dyn Entropy>,
    /// Programs of the host, for those that the configuration names.
    pub programs: Arc<dyn Programs>,
}

impl Context {
    /// The endpoint of `settings`, or of `default_url` where the config gives none. A relative CA
    /// file is relative to the config's folder.
    ///
    /// # Errors
    /// When the URL may not be called or the CA file cannot be read.
    pub fn endpoint(
        &self,
        service: &'static str,
        settings: Option<&EndpointSettings>,
        default_url: &str,
    ) -> Result<Endpoint, ServiceError> {
        let refuse = |source| ServiceError::Endpoint { service, source };
        let mut settings = match settings {
            Some(settings) => settings.clone(),
            None => EndpointSettings {
                url: Url::parse(default_url).map_err(|_| {
                    refuse(SetupError::Url { url: default_url.to_owned(), why: "is not a URL" })
                })?,
                ca_file: None,
                deadline: None,
                concurrency: None,
                per_second: None,
            },
        };
        settings.ca_file = settings.ca_file.map(|path| self.folder.join(path));
        self.transport.endpoint(&settings).map_err(refuse)
    }
}

/// Why a service could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// An endpoint of it.
    #[error("services.{service}: {source}")]
    Endpoint {
        /// Which service.
        service: &'static str,
        /// What is wrong.
        source: SetupError,
    },
    /// A value that is well-formed but makes no sense; names the key and the remedy.
    #[error("services.{service}.{key}: {why}")]
    Setting {
        /// Which service.
        service: &'static str,
        /// Which key.
        key: String,
        /// What is wrong and how to mend it.
        why: String,
    },
}

/// What a service gives to the guard.
#[derive(Default)]
pub struct Brought {
    /// Its hands; none where nothing of it can be acted on with this configuration.
    pub acts: Vec<Arc<dyn Act>>,
    /// Looks accounts up; one service at most does.
    pub accounts: Option<Arc<dyn Accounts>>,
    /// Reads its vendor's own audit; one service at most does.
    pub audits: Option<Arc<dyn VendorAudits>>,
    /// Where its vendor calls when it is done.
    pub doors: Vec<Door>,
}

/// Builds what a service gives to the guard, once.
pub type Hands = Box<dyn FnOnce(&Context) -> Result<Brought, ServiceError> + Send>;

/// Builds a watcher, once.
pub type Build = Box<dyn FnOnce(&Context) -> Result<Arc<dyn Watch>, ServiceError> + Send>;

/// Settings that were read; building the watcher comes later, when the context exists.
pub struct Configured {
    /// The credential names that the settings mention, for `config check` and `doctor`.
    pub credentials: Vec<CredentialName>,
    /// Builds the watcher.
    pub build: Build,
    /// Builds what the guard acts with; none where the service has nothing to act on by itself.
    pub hands: Option<Hands>,
}

/// One built-in service.
pub struct Service {
    /// Key, as in `model::ids::ServiceKey`.
    pub key: &'static str,
    /// Displayed name, unless the config gives another.
    pub label: &'static str,
    /// Two letters for the board.
    pub code: &'static str,
    /// Its columns in the subscriptions table.
    pub parameters: &'static [Parameter],
    /// Rows of its table of actions; their steps belong to the guard.
    pub actions: &'static [ActionSpec],
    /// JSON Schema of its settings.
    pub schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
    /// Reads `[services.KEY]`; the error carries the span in the file.
    pub configure: fn(toml::de::ValueDeserializer<'_>) -> Result<Configured, toml::de::Error>,
    /// Reads any bytes as everything that its vendor sends, for fuzzing.
    #[cfg(any(test, feature = "fuzzing"))]
    pub reads: fn(&[u8]),
    /// What is watched of it when it is configured: check name and what it asks. For the docs and
    /// for "not watched" when it is not.
    pub checks: &'static [(&'static str, &'static str)],
}

/// What the config may change of one check: `[services.KEY.checks.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CheckTuning {
    /// How often it is asked.
    pub interval: Option<Span>,
    /// How long an answer counts; three intervals if not set.
    pub fresh_for: Option<Span>,
    /// Bad answers in a row before it is hard.
    pub tries: Option<u8>,
    /// Age of the vendor's data that is a warning.
    pub warning: Option<Span>,
    /// Age of the vendor's data that is critical.
    pub critical: Option<Span>,
    /// Days on which the feed is due.
    pub runs: Option<Runs>,
}

/// The key and the id of a built-in service and one of its checks.
///
/// # Errors
/// When one of them is not a word.
pub fn check_id(service: &'static str, name: &str) -> Result<CheckId, ServiceError> {
    service.parse::<ServiceKey>().and_then(|key| CheckId::of(&key, name)).map_err(|e| {
        ServiceError::Setting { service, key: format!("checks.{name}"), why: e.to_string() }
    })
}

/// That `[services.KEY.checks]` tunes only checks that exist.
///
/// # Errors
/// Names the first that does not and those that do.
pub fn only_known(
    service: &'static str,
    tunings: &BTreeMap<String, CheckTuning>,
    known: &[(&str, &str)],
) -> Result<(), ServiceError> {
    match tunings.keys().find(|name| !known.iter().any(|(k, _)| k == name)) {
        None => Ok(()),
        Some(stranger) => Err(ServiceError::Setting {
            service,
            key: format!("checks.{stranger}"),
            why: format!(
                "there is no such check; there are {}",
                known.iter().map(|(k, _)| *k).collect::<Vec<_>>().join(", ")
            ),
        }),
    }
}

/// `spec` with what the config says of it.
#[must_use]
pub fn tuned(mut spec: CheckSpec, tunings: &BTreeMap<String, CheckTuning>) -> CheckSpec {
    let Some(t) = tunings.get(spec.id.name()) else { return spec };
    if let Some(interval) = t.interval {
        spec.interval = interval;
        spec.fresh_for = interval.times(3);
    }
    spec.fresh_for = t.fresh_for.unwrap_or(spec.fresh_for);
    spec.tries = t.tries.unwrap_or(spec.tries).max(1);
    if let Some(age) = &mut spec.age {
        age.warning = t.warning.unwrap_or(age.warning);
        age.critical = t.critical.unwrap_or(age.critical);
        age.runs = t.runs.unwrap_or(age.runs);
    }
    spec
}
