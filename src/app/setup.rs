//! From a configuration file to everything an agent needs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::failed::Failed;
use crate::config::schools::{Finding, Import};
use crate::config::{Config, ConfigError, ConfigErrors};
use crate::model::check::ServiceSpec;
use crate::model::estate::{Estate, NotWatched};
use crate::model::ids::CredentialName;
use crate::model::text::Clean;
use crate::ports::clock::Clock;
use crate::ports::secrets::Secrets;
use crate::ports::watch::Watch;
use crate::services::{Configured, Context, SERVICES, Service, ServiceError};
use crate::transport::{Transport, TransportSettings};

/// The configuration, the schools, and the services that it names.
pub struct Prepared {
    /// The configuration.
    pub config: Config,
    /// Everything that the engine needs.
    pub estate: Arc<Estate>,
    /// One for each configured service.
    pub watches: Vec<Arc<dyn Watch>>,
    /// What was noticed while reading schools and subscriptions.
    pub findings: Vec<Finding>,
    /// Every credential that the configuration mentions.
    pub credentials: Vec<CredentialName>,
}

/// Reads the configuration at `path`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(path: &Path) -> Result<Config, Failed> {
    let keys: Vec<&str> = SERVICES.iter().map(|s| s.key).collect();
    Config::load(path, &keys).map_err(Failed::config)
}

/// Reads schools and subscriptions as `config` says, and builds what watches the services.
///
/// # Errors
/// Everything that is wrong with the configuration; a row of a table that cannot be used is a
/// finding, not an error.
pub fn prepare(
    config: Config,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
) -> Result<Prepared, Failed> {
    let settings: TransportSettings = config.transport().map_err(Failed::config)?;
    let mut wrong = Vec::new();
    let mut configured: Vec<(&Service, Option<Configured>)> = Vec::new();
    for service in SERVICES {
        match config.read_section(&format!("services.{}", service.key), service.configure) {
            Ok(section) => configured.push((service, section)),
            Err(ConfigErrors(errors)) => wrong.extend(errors),
        }
    }
    if !wrong.is_empty() {
        return Err(Failed::config(ConfigErrors(wrong)));
    }
    let imported = schools(&config)?;
    let mut estate = Estate {
        schools: imported.schools.into(),
        subscriptions: imported.subscriptions.into(),
        calendars: config.calendars(),
        ..Estate::default()
    };
    let context = Context {
        transport: Transport::new(settings, clock.clone()),
        clock,
        secrets,
        estate: Arc::new(estate.clone()),
        folder: config.folder().to_owned(),
    };
    let mut watches = Vec::new();
    let mut credentials = Vec::new();
    for (service, section) in configured {
        let Some(section) = section else {
            estate.services.push(unwatched(service)?);
            estate.not_watched.extend(not_configured(service));
            continue;
        };
        credentials.extend(section.credentials);
        let watch = (section.build)(&context).map_err(|e| Failed::config(located(&config, &e)))?;
        estate.services.push(watch.describe());
        estate.not_watched.extend(watch.not_watched());
        watches.push(watch);
    }
    estate.not_watched.extend(imported.not_set_up.iter().map(|laestab| NotWatched {
        what: Clean::new(&laestab.to_string()),
        why: Clean::new("not set up: it has no row in the subscriptions table"),
    }));
    let findings = imported.findings;
    Ok(Prepared { config, estate: Arc::new(estate), watches, findings, credentials })
}

/// What a service refuses, with the place in the file.
fn located(config: &Config, error: &ServiceError) -> ConfigError {
    match error {
        ServiceError::Endpoint { service, source } => {
            config.error_at(&format!("services.{service}"), &source.to_string(), "")
        }
        ServiceError::Setting { service, key, why } => {
            config.error_at(&format!("services.{service}.{key}"), why, "")
        }
    }
}

/// Reads schools and subscriptions as the configuration says.
///
/// # Errors
/// When a file cannot be read as a whole.
pub fn schools(config: &Config) -> Result<Import, Failed> {
    let services = SERVICES.iter().map(|s| s.key.parse()).collect::<Result<_, _>>();
    let parameters = SERVICES
        .iter()
        .flat_map(|s| s.parameters.iter().map(move |p| format!("{}.{}", s.key, p.name)))
        .collect();
    let services = services.map_err(Failed::software)?;
    config.import_schools(services, parameters).map_err(Failed::config)
}

/// A service without a section: its column stays, nothing watches it.
fn unwatched(service: &Service) -> Result<ServiceSpec, Failed> {
    Ok(ServiceSpec {
        key: service.key.parse().map_err(Failed::software)?,
        label: service.label.to_owned(),
        code: service.code.to_owned(),
        checks: Vec::new(),
        depends: Vec::new(),
    })
}

fn not_configured(service: &Service) -> impl Iterator<Item = NotWatched> {
    let why = Clean::new(&format!("no section [services.{}] in the configuration", service.key));
    service.checks.iter().map(move |(name, _)| NotWatched {
        what: Clean::new(&format!("{}.{name}", service.key)),
        why: why.clone(),
    })
}

/// The folder in which the agent of this configuration keeps its board.
pub fn state_dir(config: &Config) -> Result<PathBuf, Failed> {
    let configured = config.settings.agent.state_dir.as_ref().map(|d| config.resolve(d));
    let usual = || crate::sys::Places::from_env().state_dir().map(Path::to_owned);
    let dir = configured.or_else(usual).ok_or_else(|| {
        Failed::config("no place for the databases: set agent.state_dir in the configuration")
    })?;
    crate::sys::private_dir(&dir).map_err(Failed::config)?;
    Ok(dir)
}
