//! From a configuration file to everything an agent needs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::app::failed::Failed;
use crate::config::schools::{Finding, Import, Severity};
use crate::config::{Config, ConfigError, ConfigErrors, Imported};
use crate::model::check::ServiceSpec;
use crate::model::estate::{Estate, NotWatched};
use crate::model::ids::{CredentialName, Laestab, ServiceKey};
use crate::model::text::Clean;
use crate::ports::clock::Clock;
use crate::ports::secrets::Secrets;
use crate::ports::watch::{CredentialUse, Watch};
use crate::services::expiry::{self, Dates};
use crate::services::{
    Configured, ConnectorError, ConnectorSettings, Connectors, Context, SERVICES, Service,
    ServiceError, join,
};
use crate::transport::{Endpoint, SetupError, Trace, Transport, TransportSettings};

/// Why a school without a row is not watched.
pub const NOT_SET_UP: &str = "not set up: it has no row in the subscriptions table";
/// How long the credential stores may take at the start; one that waits for somebody to unlock it
/// is asked again by the checks themselves.
const PATIENCE: Duration = Duration::from_secs(3);

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
    /// Every address that a service or a connector calls, with its name.
    pub endpoints: Vec<(String, Endpoint)>,
    /// Schools without a row in the subscriptions table.
    pub not_set_up: Vec<Laestab>,
    /// What calendar files brought.
    pub imported: Vec<Imported>,
    /// Every credential that a service uses.
    pub credentials: Vec<CredentialUse>,
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
    let (prepared, wrong) = prepare_partly(config, secrets, clock)?;
    if wrong.is_empty() { Ok(prepared) } else { Err(Failed::config(ConfigErrors(wrong))) }
}

/// As [`prepare`], with every service that can be built and what is wrong with the others.
///
/// # Errors
/// What nothing can be built without: schools, calendars, the transport.
pub fn prepare_partly(
    config: Config,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
) -> Result<(Prepared, Vec<ConfigError>), Failed> {
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
    let (prepared, wrong) = prepare_with(config, transport, secrets, clock)?;
    if wrong.is_empty() { Ok((prepared, trace)) } else { Err(Failed::config(ConfigErrors(wrong))) }
}

fn prepare_with(
    config: Config,
    transport: Transport,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
) -> Result<(Prepared, Vec<ConfigError>), Failed> {
    let (configured, connectors, mut wrong) = sections(&config);
    let imported = schools(&config, &connectors)?;
    let calendars = config.import_calendars().map_err(Failed::config)?;
    let mut estate = Estate {
        schools: imported.schools.into(),
        subscriptions: imported.subscriptions.into(),
        calendars: calendars.calendars,
        ..Estate::default()
    };
    let folder = config.folder().to_owned();
    let context = Context { transport, clock, secrets, estate: Arc::new(estate.clone()), folder };
    let dates = dates(&config, &configured, &context);
    let mut built = Built::default();
    for (service, section) in configured {
        if let Err(error) = built.service(service, section, &context, &dates)? {
            wrong.push(located(&config, &error));
        }
    }
    if let Err(error) = built.connectors(&connectors, &context) {
        wrong.push(misdeclared(&config, &error));
    }
    let Built { parts, credentials, endpoints } = built;
    let watches = together(&mut estate, &parts, &connectors)?;
    estate.not_watched.extend(imported.not_set_up.iter().map(|laestab| NotWatched {
        what: Clean::new(&laestab.to_string()),
        why: Clean::new(NOT_SET_UP),
    }));
    let mut findings = calendars.findings;
    findings.extend(imported.findings);
    findings.extend(unused_dates(&config, &credentials));
    let prepared = Prepared {
        config,
        estate: Arc::new(estate),
        watches,
        parts,
        findings,
        credentials,
        endpoints,
        not_set_up: imported.not_set_up,
        imported: calendars.imported,
    };
    Ok((prepared, wrong))
}

/// What was built so far.
#[derive(Default)]
struct Built {
    parts: Vec<Part>,
    credentials: Vec<CredentialUse>,
    endpoints: Vec<(String, Endpoint)>,
}

impl Built {
    /// Builds a service; what it refuses leaves it unwatched.
    fn service(
        &mut self,
        service: &Service,
        section: Option<Configured>,
        context: &Context,
        dates: &Dates,
    ) -> Result<Result<(), ServiceError>, Failed> {
        let made = context.transport.made(0).len();
        let (mut watch, mut refused) = (None, Ok(()));
        if let Some(section) = section {
            let mut uses: Vec<_> = section.credentials.into_iter().map(for_all).collect();
            match (section.build)(context) {
                Ok(own) => {
                    uses.extend(own.credentials());
                    let own = expiry::watched(own, &uses, dates, context.secrets.clone());
                    watch = Some(own.map_err(Failed::software)?);
                }
                Err(error) => refused = Err(error),
            }
            self.credentials.extend(uses);
        }
        let name = service.key.to_owned();
        self.called(&name, made, context);
        let key = service.key.parse().map_err(Failed::software)?;
        self.parts.push(Part { name, service: key, asks: String::new(), watch });
        Ok(refused)
    }

    /// Builds what the configuration declares.
    fn connectors(
        &mut self,
        connectors: &Connectors,
        context: &Context,
    ) -> Result<(), ConnectorError> {
        self.credentials.extend(connectors.credentials().into_iter().map(for_all));
        let made = context.transport.made(0).len();
        let declared = connectors.build(context)?;
        self.called("connectors", made, context);
        for (plan, (name, watch)) in connectors.plans().iter().zip(declared) {
            let (service, asks) = (plan.service().clone(), plan.in_short());
            self.parts.push(Part { name, service, asks, watch: Some(watch) });
        }
        Ok(())
    }

    /// Takes the addresses that were made after the first `made`.
    fn called(&mut self, name: &str, made: usize, context: &Context) {
        let new = context.transport.made(made).into_iter();
        self.endpoints.extend(new.map(|endpoint| (name.to_owned(), endpoint)));
    }
}

type Sections = Vec<(&'static Service, Option<Configured>)>;

/// Every section of a service or a connector, read; and what is wrong with those that cannot be.
fn sections(config: &Config) -> (Sections, Connectors, Vec<ConfigError>) {
    let mut wrong = Vec::new();
    let mut configured: Sections = Vec::new();
    for service in SERVICES {
        let read = config.read_section(&format!("services.{}", service.key), service.configure);
        let section = read.unwrap_or_else(|ConfigErrors(errors)| {
            wrong.extend(errors);
            None
        });
        configured.push((service, section));
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
    wrong.sort_by_key(|e| (e.line, e.column));
    (configured, connectors, wrong)
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

/// A credential that a section names.
fn for_all(name: CredentialName) -> CredentialUse {
    CredentialUse { name, school: None }
}

/// When credentials end: by the configuration, and by what stands in those that sections name.
fn dates(
    config: &Config,
    configured: &[(&Service, Option<Configured>)],
    context: &Context,
) -> Dates {
    let sections = configured.iter().filter_map(|(_, section)| section.as_ref());
    let named: BTreeSet<CredentialName> =
        sections.flat_map(|s| s.credentials.iter().cloned()).collect();
    let named: Vec<CredentialName> = named.into_iter().collect();
    Dates {
        configured: config.settings.credentials.expires.clone(),
        looked: expiry::look_into_all(&context.secrets, &named, PATIENCE, &*context.clock),
    }
}

/// Dates of credentials that no service uses: a slip in the name, most likely.
fn unused_dates(config: &Config, uses: &[CredentialUse]) -> Vec<Finding> {
    let names = config.settings.credentials.expires.keys();
    let unused = names.filter(|name| !uses.iter().any(|u| u.name == **name));
    let told = unused.map(|name| {
        let key = format!("credentials.expires.{name}");
        let line = config.error_at(&key, "", "").line;
        Finding {
            severity: Severity::Warning,
            file: config.path().to_owned(),
            line: u64::try_from(line).unwrap_or(u64::MAX),
            column: None,
            text: format!("{key}: no service uses a credential of this name; mend the name"),
        }
    });
    told.collect()
}

/// What a service refuses, with the place in the file.
fn located(config: &Config, error: &ServiceError) -> ConfigError {
    match error {
        ServiceError::Endpoint { service, source } => {
            let remedy = match source {
                SetupError::Ca { .. } => "put the PEM file there, or change ca_file",
                SetupError::Url { .. } | SetupError::Controllers(_) | SetupError::Client(_) => "",
            };
            config.error_at(&format!("services.{service}"), &source.to_string(), remedy)
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
