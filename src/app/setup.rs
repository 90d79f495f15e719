//! From a configuration file to everything an agent needs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::app::failed::Failed;
use crate::config::schools::{Finding, Import, Severity};
use crate::config::{Config, ConfigError, ConfigErrors, Imported};
use crate::model::check::ServiceSpec;
use crate::model::estate::{Estate, NotWatched};
use crate::model::ids::{CredentialName, Laestab, ServiceKey};
use crate::model::text::Clean;
use crate::ports::accounts::Accounts;
use crate::ports::act::Act;
use crate::ports::clock::Clock;
use crate::ports::doorbell::Door;
use crate::ports::secrets::Secrets;
use crate::ports::tickets::Tickets;
use crate::ports::vendor_audit::VendorAudits;
use crate::ports::watch::{CredentialUse, Watch};
use crate::services::expiry::{self, Dates};
use crate::services::{
    Configured, ConnectorError, ConnectorSettings, Connectors, Context, LateKnown, SERVICES,
    Service, ServiceError, desk_hands, join,
};
use crate::sys::{SystemEntropy, SystemPrograms};
use crate::tickets::{Means, Office, TicketSettings};
use crate::transport::{Endpoint, SetupError, Trace, Transport, TransportSettings};
use crate::tui::keymap::Keymap;

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
    /// What the guard acts with.
    pub acts: Vec<Arc<dyn Act>>,
    /// Where accounts are looked up.
    pub accounts: Option<Arc<dyn Accounts>>,
    /// The vendor's audit that ours is held against.
    pub audits: Option<Arc<dyn VendorAudits>>,
    /// Where vendors call when they are done.
    pub doors: Vec<Door>,
    /// What its hands ask about the board; to be bound to the agent that runs.
    pub known: Arc<LateKnown>,
    /// Every address that a service or a connector calls, with its key or name.
    pub endpoints: Vec<(String, Endpoint)>,
    /// Files of authorities of our own that vouch for a server.
    pub authorities: BTreeSet<PathBuf>,
    /// Schools without a row in the subscriptions table.
    pub not_set_up: Vec<Laestab>,
    /// What calendar files brought.
    pub imported: Vec<Imported>,
    /// Every credential that a service uses.
    pub credentials: Vec<CredentialUse>,
    /// Where they are found.
    pub secrets: Arc<dyn Secrets>,
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

/// What is wrong with the keys that the configuration moves: it would end every console at its start.
fn keys(config: &Config) -> Option<ConfigError> {
    let moved = &config.settings.keys;
    let error = Keymap::new(moved).err()?;
    let name = error.names().into_iter().find(|name| moved.contains_key(*name));
    let key = name.map_or_else(|| "keys".to_owned(), |name| format!("keys.{name}"));
    Some(config.error_at(&key, &error.found(), ""))
}

fn prepare_with(
    config: Config,
    transport: Transport,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
) -> Result<(Prepared, Vec<ConfigError>), Failed> {
    let (configured, connectors, mut wrong) = sections(&config);
    wrong.extend(keys(&config));
    let imported = schools(&config, &connectors).map_err(|failed| {
        // A column of a connector that cannot be read is unknown: the cause is told, not that.
        if wrong.is_empty() { failed } else { Failed::config(ConfigErrors(wrong.clone())) }
    })?;
    let calendars = config.import_calendars().map_err(Failed::config)?;
    let mut estate = Estate {
        schools: imported.schools.into(),
        subscriptions: imported.subscriptions.into(),
        calendars: calendars.calendars,
        ..Estate::default()
    };
    let folder = config.folder().to_owned();
    let known = Arc::new(LateKnown::default());
    let (tickets, ticket_credentials) = tickets(&config, &transport, &secrets, &mut wrong);
    let context = Context {
        programs: Arc::new(SystemPrograms::new(clock.clone())),
        tickets,
        known: Arc::<LateKnown>::clone(&known),
        estate: Arc::new(estate.clone()),
        transport,
        clock,
        secrets,
        folder,
        entropy: Arc::new(SystemEntropy),
    };
    // Nothing else was made so far.
    let for_tickets = context.transport.made(0).into_iter().map(|e| ("tickets".to_owned(), e));
    let for_tickets: Vec<(String, Endpoint)> = for_tickets.collect();
    let dates = dates(&config, &configured, &connectors, &context);
    let built = build(&config, configured, &connectors, &context, &mut wrong)?;
    let Built { parts, uses, mut endpoints, mut acts, accounts, audits, doors } = built;
    endpoints.extend(for_tickets);
    acts.extend(desk_hands(&context));
    let watches = together(&mut estate, (&parts, &uses), &connectors, (&dates, &context.secrets))?;
    estate.not_watched.extend(imported.not_set_up.iter().map(|laestab| NotWatched {
        what: Clean::new(&laestab.to_string()),
        why: Clean::new(NOT_SET_UP),
    }));
    let mut credentials: Vec<CredentialUse> = uses.into_iter().map(|(_, used)| used).collect();
    credentials.extend(ticket_credentials.into_iter().map(for_all));
    let mut findings = calendars.findings;
    findings.extend(imported.findings);
    findings.extend(unused_dates(&config, &credentials));
    let (next_steps, wrong_steps) = config.next_steps(&every_check(&estate));
    estate.next_steps = next_steps;
    wrong.extend(wrong_steps);
    wrong.sort_by_key(|e| (e.line, e.column));
    let prepared = Prepared {
        config,
        estate: Arc::new(estate),
        watches,
        parts,
        acts,
        accounts,
        audits,
        doors,
        known,
        findings,
        credentials,
        secrets: Arc::clone(&context.secrets),
        endpoints,
        authorities: context.transport.authorities(),
        not_set_up: imported.not_set_up,
        imported: calendars.imported,
    };
    Ok((prepared, wrong))
}

/// Where tickets go, as the configuration says, and the credentials that this names; what is wrong with
/// it is told.
fn tickets(
    config: &Config,
    transport: &Transport,
    secrets: &Arc<dyn Secrets>,
    wrong: &mut Vec<ConfigError>,
) -> (Option<Arc<dyn Tickets>>, Vec<CredentialName>) {
    let read = config.read_section("tickets", |section| TicketSettings::deserialize(section));
    let settings = read.unwrap_or_else(|ConfigErrors(errors)| {
        wrong.extend(errors);
        None
    });
    let Some(settings) = settings else { return (None, Vec::new()) };
    let means = Means { folder: config.folder(), transport, secrets };
    match Office::new(&settings, &means) {
        Ok(office) => (Some(Arc::new(office)), settings.credentials()),
        Err(error) => {
            wrong.push(config.error_at(&format!("tickets.{}", error.key), &error.why, ""));
            (None, Vec::new())
        }
    }
}

/// Every check that there can be: those of the services, whether or not they are asked, and those that
/// connectors bring.
fn every_check(estate: &Estate) -> Vec<String> {
    let built_in = SERVICES.iter().flat_map(|service| {
        service.checks.iter().map(|(check, _)| format!("{}.{check}", service.key))
    });
    let asked = estate.services.iter().flat_map(|s| s.checks.iter().map(|c| c.id.to_string()));
    built_in.chain(asked).collect()
}

type Sections = Vec<(&'static Service, Option<Configured>)>;

/// Every section of a service or a connector that can be read, and what is wrong with the others.
fn sections(config: &Config) -> (Sections, Connectors, Vec<ConfigError>) {
    let mut wrong = Vec::new();
    let mut configured: Sections = Vec::new();
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
    let mut declared: Vec<(String, ConnectorSettings)> = Vec::new();
    for name in config.connectors() {
        match config.read_section(&format!("connectors.{name}"), ConnectorSettings::read) {
            Ok(settings) => declared.extend(settings.map(|s| (name.to_owned(), s))),
            Err(ConfigErrors(errors)) => wrong.extend(errors),
        }
    }
    let built_in: Vec<(&Service, bool)> =
        configured.iter().map(|(service, section)| (*service, section.is_some())).collect();
    let (connectors, errors) = Connectors::new(declared, &built_in);
    wrong.extend(errors.iter().map(|e| misdeclared(config, e)));
    (configured, connectors, wrong)
}

/// What was built, and what it uses.
#[derive(Default)]
struct Built {
    parts: Vec<Part>,
    /// Credentials, with the service that uses each.
    uses: Vec<(ServiceKey, CredentialUse)>,
    endpoints: Vec<(String, Endpoint)>,
    acts: Vec<Arc<dyn Act>>,
    accounts: Option<Arc<dyn Accounts>>,
    audits: Option<Arc<dyn VendorAudits>>,
    doors: Vec<Door>,
}

/// A watcher for each section; what cannot be built is told, and stands there without one.
fn build(
    config: &Config,
    configured: Sections,
    connectors: &Connectors,
    context: &Context,
    wrong: &mut Vec<ConfigError>,
) -> Result<Built, Failed> {
    let mut built = Built::default();
    for (service, section) in configured {
        let made = context.transport.made(0).len();
        let key: ServiceKey = service.key.parse().map_err(Failed::software)?;
        let (mut uses, mut hands) = (Vec::new(), None);
        let watch = section.and_then(|section| {
            uses.extend(section.credentials.into_iter().map(for_all));
            let watch = (section.build)(context);
            hands = section.hands;
            watch.map_err(|error| wrong.push(located(config, &error))).ok()
        });
        if let Some(watch) = &watch {
            uses.extend(watch.credentials());
            let called = context.transport.made(made).into_iter();
            built.endpoints.extend(called.map(|e| (service.key.to_owned(), e)));
            built.uses.extend(uses.into_iter().map(|used| (key.clone(), used)));
            match hands.map(|hands| hands(context)).transpose() {
                Ok(brought) => {
                    let brought = brought.unwrap_or_default();
                    built.acts.extend(brought.acts);
                    built.accounts = built.accounts.or(brought.accounts);
                    built.audits = built.audits.or(brought.audits);
                    built.doors.extend(brought.doors);
                }
                Err(error) => wrong.push(located(config, &error)),
            }
        }
        let (name, asks) = (service.key.to_owned(), String::new());
        built.parts.push(Part { name, service: key, asks, watch });
    }
    let pool = connectors.pool(context);
    for plan in connectors.plans() {
        let made = context.transport.made(0).len();
        let watch = match connectors.build(plan, context, &pool) {
            Ok(watch) => watch,
            Err(error) => {
                wrong.push(misdeclared(config, &error));
                continue;
            }
        };
        let mut uses: Vec<_> = plan.credentials().into_iter().map(for_all).collect();
        uses.extend(watch.credentials());
        let service = plan.service().clone();
        built.uses.extend(uses.into_iter().map(|used| (service.clone(), used)));
        let called = context.transport.made(made).into_iter();
        built.endpoints.extend(called.map(|e| (plan.name.clone(), e)));
        let (name, asks) = (plan.name.clone(), plan.in_short());
        built.parts.push(Part { name, service, asks, watch: Some(watch) });
    }
    Ok(built)
}

/// One watcher and one column for each service: what is built in and what is declared together.
fn together(
    estate: &mut Estate,
    (parts, uses): (&[Part], &[(ServiceKey, CredentialUse)]),
    connectors: &Connectors,
    (dates, secrets): (&Dates, &Arc<dyn Secrets>),
) -> Result<Vec<Arc<dyn Watch>>, Failed> {
    let mut columns: Vec<ServiceSpec> = SERVICES.iter().map(unwatched).collect::<Result<_, _>>()?;
    for (key, label, code) in connectors.new_services() {
        let (checks, depends) = (Vec::new(), Vec::new());
        columns.push(ServiceSpec { key, label, code, checks, depends });
    }
    let mut watches = Vec::new();
    for mut column in columns {
        let of = parts.iter().filter(|part| part.service == column.key);
        let of: Vec<Arc<dyn Watch>> = of.filter_map(|part| part.watch.clone()).collect();
        let own = parts.iter().find(|p| p.name == column.key.as_str() && p.asks.is_empty());
        if let Some(joined) = join(of) {
            let uses: Vec<CredentialUse> =
                uses.iter().filter(|(k, _)| *k == column.key).map(|(_, u)| u.clone()).collect();
            let watch = expiry::watched(joined, &uses, dates, secrets.clone());
            let watch = watch.map_err(Failed::software)?;
            let spec = watch.describe();
            // The name of a built-in service that only connectors watch is not theirs to give.
            if own.is_some_and(|part| part.watch.is_some()) {
                (column.label, column.code) = (spec.label, spec.code);
            }
            (column.checks, column.depends) = (spec.checks, spec.depends);
            estate.not_watched.extend(watch.not_watched());
            watches.push(watch);
        }
        if own.is_some_and(|part| part.watch.is_none()) {
            let service = SERVICES.iter().find(|s| s.key == column.key.as_str());
            let asked: BTreeSet<&str> = column.checks.iter().map(|c| c.id.as_str()).collect();
            let gaps = service.into_iter().flat_map(not_configured);
            estate.not_watched.extend(gaps.filter(|gap| !asked.contains(gap.what.as_str())));
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
    connectors: &Connectors,
    context: &Context,
) -> Dates {
    let sections = configured.iter().filter_map(|(_, section)| section.as_ref());
    let mut named: BTreeSet<CredentialName> =
        sections.flat_map(|s| s.credentials.iter().cloned()).collect();
    named.extend(connectors.plans().iter().flat_map(|plan| plan.credentials()));
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
