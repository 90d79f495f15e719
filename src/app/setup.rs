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
use crate::model::ids::{CredentialName, Laestab};
use crate::model::text::Clean;
use crate::ports::clock::Clock;
use crate::ports::secrets::Secrets;
use crate::ports::watch::{CredentialUse, Watch};
use crate::services::expiry::{self, Dates};
use crate::services::{Configured, Context, SERVICES, Service, ServiceError};
use crate::transport::{Endpoint, SetupError, Transport, TransportSettings};

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
    /// One for each configured service.
    pub watches: Vec<Arc<dyn Watch>>,
    /// What was noticed while reading schools and subscriptions.
    pub findings: Vec<Finding>,
    /// Every address that a service calls, with its service.
    pub endpoints: Vec<(&'static str, Endpoint)>,
    /// Schools without a row in the subscriptions table.
    pub not_set_up: Vec<Laestab>,
    /// What calendar files brought.
    pub imported: Vec<Imported>,
    /// Every credential that a service uses.
    pub credentials: Vec<CredentialUse>,
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
    let mut wrong = Vec::new();
    let mut configured: Vec<(&Service, Option<Configured>)> = Vec::new();
    for service in SERVICES {
        let at = format!("services.{}", service.key);
        let section = config.read_section(&at, service.configure);
        configured.push((
            service,
            section.unwrap_or_else(|ConfigErrors(errors)| {
                wrong.extend(errors);
                None
            }),
        ));
    }
    let imported = schools(&config)?;
    let calendars = config.import_calendars().map_err(Failed::config)?;
    let mut estate = Estate {
        schools: imported.schools,
        subscriptions: imported.subscriptions,
        calendars: calendars.calendars,
        ..Estate::default()
    };
    let context = Context {
        transport: Transport::new(settings, clock.clone()),
        clock,
        secrets,
        estate: Arc::new(estate.clone()),
        folder: config.folder().to_owned(),
    };
    let dates = dates(&config, &configured, &context);
    let (mut watches, mut credentials, mut endpoints) = (Vec::new(), Vec::new(), Vec::new());
    for (service, section) in configured {
        let made = context.transport.made(0).len();
        let Some(section) = section else {
            estate.services.push(unwatched(service)?);
            estate.not_watched.extend(not_configured(service));
            continue;
        };
        let mut uses: Vec<_> = section.credentials.into_iter().map(for_all).collect();
        let watch = match (section.build)(&context) {
            Ok(watch) => watch,
            Err(error) => {
                wrong.push(located(&config, &error));
                estate.services.push(unwatched(service)?);
                continue;
            }
        };
        uses.extend(watch.credentials());
        let watch = expiry::watched(watch, &uses, &dates, context.secrets.clone());
        let watch = watch.map_err(Failed::software)?;
        credentials.extend(uses);
        endpoints.extend(context.transport.made(made).into_iter().map(|e| (service.key, e)));
        estate.services.push(watch.describe());
        estate.not_watched.extend(watch.not_watched());
        watches.push(watch);
    }
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
        findings,
        credentials,
        endpoints,
        not_set_up: imported.not_set_up,
        imported: calendars.imported,
    };
    Ok((prepared, wrong))
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
