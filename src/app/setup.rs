//! From a configuration file to everything an agent needs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::failed::Failed;
use crate::config::schools::{Finding, Import};
use crate::config::{Config, ConfigError, ConfigErrors};
use crate::model::check::ServiceSpec;
use crate::model::estate::{Estate, NotWatched};
use crate::model::ids::{CredentialName, ServiceKey};
use crate::model::text::Clean;
use crate::ports::clock::Clock;
use crate::ports::secrets::Secrets;
use crate::ports::watch::Watch;
use crate::services::{
    Configured, ConnectorError, ConnectorSettings, Connectors, Context, SERVICES, Service,
    ServiceError, join,
};
use crate::transport::{Trace, Transport, TransportSettings};

/// The configuration, the schools, and the services that it names.
pub struct Prepared {
    /// The configuration.
    pub config: Config,
    /// Everything that the engine needs.
    pub estate: Arc<Estate>,
    /// One for each watched service.
    pub watches: Vec<Arc<dyn Watch>>,
    /// What the watchers are put together from.
    pub parts: Vec<Part>,
    /// What was noticed while reading schools and subscriptions.
    pub findings: Vec<Finding>,
    /// Every credential that the configuration mentions.
    pub credentials: Vec<CredentialName>,
}

/// A built-in service, or a connector that the configuration declares.
#[derive(Clone)]
pub struct Part {
    /// The service's key, or the connector's name.
    pub name: String,
    /// The service that it tells of.
    pub service: ServiceKey,
    /// What a connector asks, in short; empty for what is built in.
    pub asks: String,
    /// Its own watcher; none for a service without a section.
    pub watch: Option<Arc<dyn Watch>>,
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
    let transport = Transport::new(settings, clock.clone());
    prepare_with(config, transport, secrets, clock)
}

/// As [`prepare`], with every call told, redacted, for a person at a terminal.
///
/// # Errors
/// As [`prepare`].
pub fn prepare_traced(
    config: Config,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
) -> Result<(Prepared, Trace), Failed> {
    let settings: TransportSettings = config.transport().map_err(Failed::config)?;
    let (transport, trace) = Transport::traced(settings, clock.clone());
    Ok((prepare_with(config, transport, secrets, clock)?, trace))
}

fn prepare_with(
    config: Config,
    transport: Transport,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
) -> Result<Prepared, Failed> {
    let (configured, connectors) = sections(&config)?;
    let imported = schools(&config, &connectors)?;
    let mut estate = Estate {
        schools: imported.schools,
        subscriptions: imported.subscriptions,
        calendars: config.calendars(),
        ..Estate::default()
    };
    let folder = config.folder().to_owned();
    let context = Context { transport, clock, secrets, estate: Arc::new(estate.clone()), folder };
    let mut credentials = connectors.credentials();
    let mut parts = Vec::new();
    for (service, section) in configured {
        let watch = match section {
            None => None,
            Some(section) => {
                credentials.extend(section.credentials);
                let built = (section.build)(&context);
                Some(built.map_err(|e| Failed::config(located(&config, &e)))?)
            }
        };
        let key = service.key.parse().map_err(Failed::software)?;
        parts.push(Part { name: service.key.to_owned(), service: key, asks: String::new(), watch });
    }
    let declared =
        connectors.build(&context).map_err(|e| Failed::config(misdeclared(&config, &e)))?;
    for (plan, (name, watch)) in connectors.plans().iter().zip(declared) {
        let (service, asks) = (plan.service().clone(), plan.in_short());
        parts.push(Part { name, service, asks, watch: Some(watch) });
    }
    let watches = together(&mut estate, &parts, &connectors)?;
    estate.not_watched.extend(imported.not_set_up.iter().map(|laestab| NotWatched {
        what: Clean::new(&laestab.to_string()),
        why: Clean::new("not set up: it has no row in the subscriptions table"),
    }));
    let findings = imported.findings;
    Ok(Prepared { config, estate: Arc::new(estate), watches, parts, findings, credentials })
}

type Sections = Vec<(&'static Service, Option<Configured>)>;

/// Every section of a service or a connector, read.
fn sections(config: &Config) -> Result<(Sections, Connectors), Failed> {
    let mut wrong = Vec::new();
    let mut configured: Sections = Vec::new();
    for service in SERVICES {
        match config.read_section(&format!("services.{}", service.key), service.configure) {
            Ok(section) => configured.push((service, section)),
            Err(ConfigErrors(errors)) => wrong.extend(errors),
        }
    }
    let mut declared: Vec<(String, ConnectorSettings)> = Vec::new();
    for name in config.connectors() {
        match config.read_section(&format!("connectors.{name}"), ConnectorSettings::read) {
            Ok(Some(settings)) => declared.push((name.to_owned(), settings)),
            Ok(None) => {}
            Err(ConfigErrors(errors)) => wrong.extend(errors),
        }
    }
    // Held against one another only when each can be read: else what is missing is told twice.
    let built_in: Vec<(&Service, bool)> =
        configured.iter().map(|(service, section)| (*service, section.is_some())).collect();
    let connectors = match Connectors::new(declared, &built_in) {
        Ok(connectors) => connectors,
        Err(errors) => {
            wrong.extend(errors.iter().map(|e| misdeclared(config, e)));
            Connectors::default()
        }
    };
    if wrong.is_empty() {
        return Ok((configured, connectors));
    }
    wrong.sort_by_key(|e| (e.line, e.column));
    Err(Failed::config(ConfigErrors(wrong)))
}

/// One watcher and one column for each service: what is built in and what is declared together.
fn together(
    estate: &mut Estate,
    parts: &[Part],
    connectors: &Connectors,
) -> Result<Vec<Arc<dyn Watch>>, Failed> {
    let mut columns: Vec<ServiceSpec> = SERVICES.iter().map(unwatched).collect::<Result<_, _>>()?;
    for (key, label, code) in connectors.new_services() {
        let (checks, depends) = (Vec::new(), Vec::new());
        columns.push(ServiceSpec { key, label, code, checks, depends });
    }
    let mut watches = Vec::new();
    for mut column in columns {
        let of: Vec<Arc<dyn Watch>> = parts
            .iter()
            .filter(|part| part.service == column.key)
            .filter_map(|part| part.watch.clone())
            .collect();
        let own = parts.iter().find(|p| p.name == column.key.as_str() && p.asks.is_empty());
        if let Some(joined) = join(of) {
            let spec = joined.describe();
            // The name of a built-in service that only connectors watch is not theirs to give.
            if own.is_some_and(|part| part.watch.is_some()) {
                (column.label, column.code) = (spec.label, spec.code);
            }
            (column.checks, column.depends) = (spec.checks, spec.depends);
            estate.not_watched.extend(joined.not_watched());
            watches.push(joined);
        }
        if let Some(Part { watch: None, .. }) = own {
            let service = SERVICES.iter().find(|s| s.key == column.key.as_str());
            let gaps = service.into_iter().flat_map(not_configured);
            let asked: BTreeSet<&str> = column.checks.iter().map(|c| c.id.as_str()).collect();
            let gaps = gaps.filter(|gap| !asked.contains(gap.what.as_str()));
            estate.not_watched.extend(gaps.collect::<Vec<_>>());
        }
        estate.services.push(column);
    }
    for (to, edge) in connectors.reaches() {
        let reached = estate.services.iter_mut().find(|s| s.key == to);
        if let Some(reached) = reached.filter(|s| !s.depends.contains(&edge)) {
            reached.depends.push(edge);
        }
    }
    Ok(watches)
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

/// What is wrong with a connector, with the place in the file.
fn misdeclared(config: &Config, error: &ConnectorError) -> ConfigError {
    config.error_at(&format!("connectors.{}.{}", error.name, error.key), &error.why, "")
}

/// Reads schools and subscriptions as the configuration says.
fn schools(config: &Config, connectors: &Connectors) -> Result<Import, Failed> {
    let services = SERVICES.iter().map(|s| s.key.parse()).collect::<Result<BTreeSet<_>, _>>();
    let mut services = services.map_err(Failed::software)?;
    services.extend(connectors.new_services().into_iter().map(|(key, ..)| key));
    let mut parameters: BTreeSet<String> = SERVICES
        .iter()
        .flat_map(|s| s.parameters.iter().map(move |p| format!("{}.{}", s.key, p.name)))
        .collect();
    parameters.extend(connectors.parameters());
    config.import_schools(services, parameters).map_err(Failed::config)
}

/// A service without a watcher: its column stays, nothing watches it.
fn unwatched(service: &Service) -> Result<ServiceSpec, Failed> {
    Ok(ServiceSpec {
        key: service.key.parse().map_err(Failed::software)?,
        label: service.label.to_owned(),
        code: service.code.to_owned(),
        checks: Vec::new(),
        depends: Vec::new(),
    })
}

fn not_configured(service: &Service) -> impl Iterator<Item = NotWatched> + use<> {
    let why = Clean::new(&format!("no section [services.{}] in the configuration", service.key));
    let key = service.key;
    service.checks.iter().map(move |(name, _)| NotWatched {
        what: Clean::new(&format!("{key}.{name}")),
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
