//! From settings that can be read to connectors that make sense, and from those to watchers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize as _;

use super::ask::{Material, Source};
use super::settings::{Asks, ConnectorSettings, KeyBy, KeyRule, ProbeSettings};
use super::template::{Place, Template};
use super::watch::Connector;
use super::{Refused, file, http, json, mail, refuse, syslog};
use crate::model::check::{AgeRule, CheckSpec, Edge, Flow, Scope};
use crate::model::ids::{CheckId, CredentialName, ServiceKey};
use crate::model::text::Clean;
use crate::ports::watch::Watch;
use crate::services::declared::hours::Hours;
use crate::services::declared::jq::Pool;
use crate::services::{Context, Service};

/// A connector that makes no sense, with the key in the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("connectors.{name}.{key}: {why}")]
pub struct ConnectorError {
    /// The connector.
    pub name: String,
    /// The key below it; empty for the whole.
    pub key: String,
    /// What is wrong, and how to mend it.
    pub why: String,
}

/// JSON Schema of one connector's settings.
#[must_use]
pub fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    generator.subschema_for::<ConnectorSettings>()
}

/// A connector whose settings make sense.
pub struct Plan {
    /// Its name in the configuration.
    pub name: String,
    /// The check that it answers.
    pub check: CheckId,
    settings: ConnectorSettings,
    /// Whether its service is built in.
    built_in: bool,
}

/// Every connector of a configuration.
#[derive(Default)]
pub struct Connectors {
    plans: Vec<Plan>,
}

impl ConnectorSettings {
    /// Reads `[connectors.NAME]`; the error carries the span in the file.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn read(section: toml::de::ValueDeserializer<'_>) -> Result<Self, toml::de::Error> {
        Self::deserialize(section)
    }

    /// The name of the source's table, and how many sources there are.
    fn source(&self) -> (&'static str, usize) {
        let set = [
            ("probe", self.probe.is_some()),
            ("json", self.json.is_some()),
            ("statuspage", self.statuspage.is_some()),
            ("file", self.file.is_some()),
            ("syslog", self.syslog.is_some()),
            ("mailbox", self.mailbox.is_some()),
        ];
        let mut named = set.iter().filter(|(_, is)| *is).map(|(name, _)| *name);
        (named.next().unwrap_or("json"), set.iter().filter(|(_, is)| *is).count())
    }
}

impl Connectors {
    /// All of `sections` that make sense, held against one another and against `built_in` (the
    /// second of each is whether its own section is configured), and what is wrong with the others.
    #[must_use]
    pub fn new(
        sections: Vec<(String, ConnectorSettings)>,
        built_in: &[(&Service, bool)],
    ) -> (Self, Vec<ConnectorError>) {
        let mut wrong = Vec::new();
        let mut plans: Vec<Plan> = Vec::new();
        for (name, settings) in sections {
            let error = |r: Refused| ConnectorError { name: name.clone(), key: r.key, why: r.why };
            let of = built_in.iter().find(|(s, _)| s.key == settings.service.as_str());
            match check(&settings, of) {
                Err(refused) => wrong.push(error(refused)),
                Ok(check) => match plans.iter().find(|p| p.check == check) {
                    Some(other) => wrong.push(error(refuse(
                        "check",
                        format!("{check} is asked by [connectors.{}] already", other.name),
                    ))),
                    None => plans.push(Plan { name, check, settings, built_in: of.is_some() }),
                },
            }
        }
        let connectors = Self { plans };
        wrong.extend(connectors.contradictions(built_in));
        (connectors, wrong)
    }

    /// What one connector says of a service and another denies, and edges to nowhere.
    fn contradictions(&self, built_in: &[(&Service, bool)]) -> Vec<ConnectorError> {
        let mut wrong = Vec::new();
        let mut labels: BTreeMap<&ServiceKey, &str> = BTreeMap::new();
        let mut codes: BTreeMap<&ServiceKey, &str> = BTreeMap::new();
        for plan in &self.plans {
            let set = &plan.settings;
            for (key, value, known) in [
                ("service_label", &set.service_label, &mut labels),
                ("service_code", &set.service_code, &mut codes),
            ] {
                let Some(value) = value.as_deref() else { continue };
                let before = *known.entry(&set.service).or_insert(value);
                if before != value {
                    let why = format!("another connector says `{before}` of {}", set.service);
                    wrong.push(plan.error(refuse(key, why)));
                }
            }
            for (key, other) in set
                .depends
                .iter()
                .map(|d| ("depends", &d.from))
                .chain(set.reaches.iter().map(|to| ("reaches", to)))
            {
                let exists = built_in.iter().any(|(s, _)| s.key == other.as_str())
                    || self.plans.iter().any(|p| p.settings.service == *other);
                if !exists || *other == set.service {
                    let why = format!("{other} is no other service");
                    wrong.push(plan.error(refuse(key, why)));
                }
            }
        }
        let mut seen: BTreeMap<String, String> =
            built_in.iter().map(|(s, _)| (s.code.to_uppercase(), s.key.to_owned())).collect();
        for (key, _, code) in self.new_services() {
            let plan = self.plans.iter().find(|p| p.settings.service == key);
            if let (Some(other), Some(plan)) =
                (seen.insert(code.to_uppercase(), key.to_string()), plan)
            {
                let why = format!("`{code}` stands for {other}: give two other letters");
                wrong.push(plan.error(refuse("service_code", why)));
            }
        }
        wrong
    }

    /// The connectors, in the order of their names.
    #[must_use]
    pub fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// Services that no code knows: key, label, code.
    #[must_use]
    pub fn new_services(&self) -> Vec<(ServiceKey, String, String)> {
        let mut all: Vec<(ServiceKey, String, String)> = Vec::new();
        for plan in self.plans.iter().filter(|p| !p.built_in) {
            let key = &plan.settings.service;
            if all.iter().any(|(k, ..)| k == key) {
                continue;
            }
            let of = |pick: fn(&ConnectorSettings) -> Option<&String>| {
                let same = self.plans.iter().filter(|p| p.settings.service == *key);
                same.filter_map(|p| pick(&p.settings)).next().cloned()
            };
            let label =
                of(|s| s.service_label.as_ref()).unwrap_or_else(|| key.as_str().replace('_', " "));
            let code = of(|s| s.service_code.as_ref())
                .unwrap_or_else(|| key.as_str().chars().take(2).collect::<String>().to_uppercase());
            all.push((key.clone(), label, code));
        }
        all
    }

    /// Columns `service.param` that the subscriptions table may have for them.
    #[must_use]
    pub fn parameters(&self) -> BTreeSet<String> {
        self.plans
            .iter()
            .flat_map(|plan| {
                let params = params(&plan.settings);
                params.into_iter().map(|name| format!("{}.{name}", plan.settings.service))
            })
            .collect()
    }

    /// Edges from services of connectors to those that depend on them.
    #[must_use]
    pub fn reaches(&self) -> Vec<(ServiceKey, Edge)> {
        let mut edges = Vec::new();
        for plan in &self.plans {
            for to in &plan.settings.reaches {
                for flow in &plan.settings.emits {
                    let edge = Edge { flow: *flow, from: plan.settings.service.clone() };
                    if !edges.contains(&(to.clone(), edge.clone())) {
                        edges.push((to.clone(), edge));
                    }
                }
            }
        }
        edges
    }

    /// The child processes that apply expressions, shared by all connectors.
    #[must_use]
    pub fn pool(&self, ctx: &Context) -> Arc<Pool> {
        Arc::new(Pool::new(ctx.clock.clone()))
    }

    /// The watcher of one connector.
    ///
    /// # Errors
    /// When an endpoint cannot be used.
    pub fn build(
        &self,
        plan: &Plan,
        ctx: &Context,
        pool: &Arc<Pool>,
    ) -> Result<Arc<dyn Watch>, ConnectorError> {
        let of = self.new_services().into_iter().find(|(key, ..)| *key == plan.settings.service);
        let (label, code) = of.map(|(_, label, code)| (label, code)).unwrap_or_default();
        let watch = plan.build(ctx, pool, (label, code)).map_err(|r| plan.error(r))?;
        Ok(Arc::new(watch))
    }
}

/// The parameters that `settings` read from a school's row.
fn params(settings: &ConnectorSettings) -> BTreeSet<String> {
    let of_key = |key: &Option<KeyRule>| key.as_ref().and_then(|k| k.param.clone());
    let places: Vec<Place> = match settings {
        ConnectorSettings { probe: Some(probe), .. } => probe_places(probe),
        ConnectorSettings { json: Some(json), .. } => json::check(json, settings.scope)
            .map(|c| c.places().into_iter().collect())
            .unwrap_or_default(),
        ConnectorSettings { file: Some(file), .. } => file::check(file, settings.scope)
            .map(|c| c.pattern.places().into_iter().collect())
            .unwrap_or_default(),
        _ => Vec::new(),
    };
    let mut names: BTreeSet<String> = places
        .into_iter()
        .filter_map(|place| match place {
            Place::Param(name) => Some(name),
            Place::Laestab | Place::Urn | Place::Name => None,
        })
        .collect();
    names.extend(settings.json.as_ref().and_then(|j| of_key(&j.key)));
    names.extend(settings.file.as_ref().and_then(|f| of_key(&f.key)));
    names.extend(settings.syslog.as_ref().and_then(|s| s.param.clone()));
    names.extend(settings.mailbox.as_ref().and_then(|m| of_key(&m.key)));
    names
}

/// The places in a probe.
pub(super) fn probe_places(probe: &ProbeSettings) -> Vec<Place> {
    let host = |host: &str| match Template::read(host) {
        Ok(template) => template.places().into_iter().collect(),
        Err(_) => Vec::new(),
    };
    match probe {
        ProbeSettings::Http(page) => http::Page::places(page),
        ProbeSettings::Tls(probe) => host(&probe.host),
        ProbeSettings::Dns(probe) => host(&probe.host),
        ProbeSettings::Tcp(probe) => host(&probe.host),
    }
}

/// That one connector makes sense by itself; its check.
fn check(set: &ConnectorSettings, built_in: Option<&(&Service, bool)>) -> Result<CheckId, Refused> {
    let id = CheckId::of(&set.service, &set.check)
        .map_err(|_| refuse("check", "use up to 32 lower-case letters, digits, underscores"))?;
    if set.check == crate::services::expiry::CHECK {
        return Err(refuse("check", "this name is for the days that credentials have left"));
    }
    if let Some((service, configured)) = built_in {
        if set.service_label.is_some() || set.service_code.is_some() {
            let key = if set.service_label.is_some() { "service_label" } else { "service_code" };
            let why = format!("{} is built in: it has a name and letters", service.key);
            return Err(refuse(key, why));
        }
        if *configured && service.checks.iter().any(|(name, _)| *name == set.check) {
            let why = format!("{id} is asked by [services.{}] already", service.key);
            return Err(refuse("check", why));
        }
    }
    let short = |text: &str, most: usize| {
        let clean = Clean::new(text);
        !clean.is_empty() && clean.as_str() == text && text.chars().count() <= most
    };
    if !short(&set.label, 40) {
        return Err(refuse("label", "give a plain text of up to 40 characters"));
    }
    if set.service_label.as_deref().is_some_and(|label| !short(label, 40)) {
        return Err(refuse("service_label", "give a plain text of up to 40 characters"));
    }
    if set.service_code.as_deref().is_some_and(|code| {
        code.chars().count() != 2 || !code.chars().all(|c| c.is_ascii_alphanumeric())
    }) {
        return Err(refuse("service_code", "give two letters or digits"));
    }
    times(set)?;
    if set.reaches.is_empty() != set.emits.is_empty() && !set.reaches.is_empty() {
        return Err(refuse("reaches", "needs emits: what flows from here to them"));
    }
    source(set)?;
    Ok(id)
}

fn times(set: &ConnectorSettings) -> Result<(), Refused> {
    if set.interval.as_secs() == 0 {
        return Err(refuse("interval", "must be at least 1s"));
    }
    if set.fresh_for.is_some_and(|fresh| fresh < set.interval) {
        return Err(refuse("fresh_for", "is shorter than the interval: it would never be fresh"));
    }
    if set.tries == Some(0) {
        return Err(refuse("tries", "must be at least 1"));
    }
    if let Some(age) = &set.age
        && (age.warning > age.critical || age.late.is_some_and(|late| late > age.warning))
    {
        return Err(refuse("age", "late, warning and critical must not fall"));
    }
    if let Some(hours) = set.hours {
        Hours::new(hours, 1).map_err(|why| refuse("hours", why))?;
    }
    Ok(())
}

/// That exactly one source is given, that it fits the scope, and that something could be bad.
fn source(set: &ConnectorSettings) -> Result<(), Refused> {
    let (table, count) = set.source();
    if count != 1 {
        let why = "give one source: probe, json, statuspage, file, syslog or mailbox";
        let key = if count == 0 { "scope" } else { table };
        return Err(refuse(key, why));
    }
    let (can_be_bad, has_time) = match set {
        ConnectorSettings { probe: Some(probe), .. } => {
            check_probe(probe, set.scope).map_err(|r| r.below(table))?;
            (true, false)
        }
        ConnectorSettings { json: Some(json), .. } => {
            let checked = json::check(json, set.scope).map_err(|r| r.below(table))?;
            only_schools(set.scope, &checked.places()).map_err(|r| r.below(table))?;
            (checked.reading.can_be_bad(), checked.reading.has_time())
        }
        ConnectorSettings { statuspage: Some(_), .. } => {
            if set.scope != Asks::Estate {
                let why = "a status page is about the vendor as a whole: set scope to estate";
                return Err(refuse("scope", why));
            }
            (true, false)
        }
        ConnectorSettings { file: Some(file), .. } => {
            let (bad, _) =
                file::check(file, set.scope).map(|c| c.limits()).map_err(|r| r.below(table))?;
            // A file always has a time.
            (bad, true)
        }
        ConnectorSettings { syslog: Some(log), .. } => {
            syslog::check(log, set.scope).map_err(|r| r.below(table))?;
            (true, true)
        }
        ConnectorSettings { mailbox: Some(mail), .. } => {
            mail::check(mail, set.scope).map_err(|r| r.below(table))?;
            if set.age.is_none() {
                return Err(refuse("age", "is needed: that no message comes proves nothing"));
            }
            (true, true)
        }
        _ => (false, false),
    };
    if set.age.is_some() && !has_time {
        return Err(refuse("age", format!("{table} tells no time: there is no age to judge")));
    }
    // Of a list, being left out is bad enough.
    if !can_be_bad && set.age.is_none() && set.scope != Asks::Bulk {
        let why = "nothing could ever be bad: give health, limits of a number, or age";
        return Err(refuse(table, why));
    }
    Ok(())
}

fn check_probe(probe: &ProbeSettings, scope: Asks) -> Result<(), Refused> {
    if scope == Asks::Bulk {
        return Err(refuse("scope", "a probe has no rows: set scope to estate or school"));
    }
    let host = |at: &str, host: &str| -> Result<(), Refused> {
        let template = Template::read(host).map_err(|why| refuse(&format!("{at}.host"), why))?;
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_');
        let fixed = template.fill(|_| Some("x".to_owned())).unwrap_or_default();
        if fixed.is_empty() || fixed.len() > 253 || !fixed.chars().all(good) {
            return Err(refuse(&format!("{at}.host"), "give a host name or an address"));
        }
        Ok(())
    };
    match probe {
        ProbeSettings::Http(page) => drop(http::check(page).map_err(|r| r.below("http"))?),
        ProbeSettings::Tls(probe) => {
            host("tls", &probe.host)?;
            if probe.critical > probe.warning {
                return Err(refuse("tls.critical", "is more than warning"));
            }
        }
        ProbeSettings::Dns(probe) => {
            host("dns", &probe.host)?;
            let label = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            let is_name = |name: &str| !name.is_empty() && name.chars().all(label);
            if !probe.cname.iter().all(|name| is_name(name.strip_prefix("*.").unwrap_or(name))) {
                return Err(refuse("dns.cname", "give names of hosts, or *. and a name"));
            }
        }
        ProbeSettings::Tcp(probe) => host("tcp", &probe.host)?,
    }
    only_schools(scope, &probe_places(probe).into_iter().collect())
}

/// That a school is there where a place wants one.
fn only_schools(scope: Asks, places: &BTreeSet<Place>) -> Result<(), Refused> {
    match places.first() {
        Some(place) if scope != Asks::School => {
            Err(refuse("scope", format!("{place} needs a school: set scope to school")))
        }
        _ => Ok(()),
    }
}

impl Plan {
    fn error(&self, refused: Refused) -> ConnectorError {
        ConnectorError { name: self.name.clone(), key: refused.key, why: refused.why }
    }

    /// The service that it tells of.
    #[must_use]
    pub fn service(&self) -> &ServiceKey {
        &self.settings.service
    }

    /// The credentials that its settings name; those that each school has of its own apart.
    #[must_use]
    pub fn credentials(&self) -> Vec<CredentialName> {
        let auth = self.settings.json.as_ref().and_then(|json| json.auth.as_ref());
        let of_auth = auth.and_then(super::address::credentials_in);
        let mail = self.settings.mailbox.as_ref().map(|mail| mail.place.credentials());
        of_auth.into_iter().chain(mail.unwrap_or_default()).collect()
    }

    /// In a few words: scope, source, interval.
    #[must_use]
    pub fn in_short(&self) -> String {
        let scope = match self.settings.scope {
            Asks::Estate => "estate",
            Asks::School => "school",
            Asks::Bulk => "bulk",
        };
        format!("{}, {scope}, every {}", self.settings.source().0, self.settings.interval)
    }

    fn spec(&self) -> CheckSpec {
        let set = &self.settings;
        let scope = match set.scope {
            Asks::Estate => Scope::Estate,
            Asks::School | Asks::Bulk => Scope::School,
        };
        let mut spec = CheckSpec::new(self.check.clone(), &set.label, scope, set.interval);
        spec.fresh_for = set.fresh_for.unwrap_or(spec.fresh_for);
        spec.tries = self.tries();
        spec.age = set.age.map(|age| AgeRule {
            late: age.late,
            warning: age.warning,
            critical: age.critical,
            runs: age.runs,
            held_by_closures: age.held_by_closures,
        });
        let flows: BTreeSet<Flow> = set.emits.iter().copied().collect();
        spec.emits = flows.into_iter().collect();
        spec
    }

    fn tries(&self) -> u8 {
        let usual = if self.settings.probe.is_some() { 3 } else { 1 };
        self.settings.tries.unwrap_or(usual).max(1)
    }

    fn build(
        &self,
        ctx: &Context,
        pool: &Arc<Pool>,
        (label, code): (String, String),
    ) -> Result<Connector, Refused> {
        let (table, _) = self.settings.source();
        let within = match &self.settings {
            ConnectorSettings { json: Some(json), .. } => json.evaluate_within.duration(),
            ConnectorSettings { file: Some(file), .. } => file.evaluate_within.duration(),
            _ => Duration::from_secs(5),
        };
        let material = Material { name: &self.name, ctx, pool, within };
        let source = Source::new(&self.settings, &material).map_err(|r| r.below(table))?;
        let hours = self.settings.hours.map(|h| Hours::new(h, self.tries())).transpose();
        let depends = self.settings.depends.iter();
        Ok(Connector::new(
            (self.name.clone(), self.spec()),
            (self.settings.service.clone(), label, code),
            depends.map(|d| Edge { flow: d.flow, from: d.from.clone() }).collect(),
            hours.map_err(|why| refuse("hours", why))?,
            (self.settings.scope, source),
            ctx,
        ))
    }
}

/// Which schools a key can be about, for what is not watched.
pub(super) fn key_words(rule: &KeyRule, service: &ServiceKey) -> String {
    match rule.by {
        KeyBy::Laestab => "no LAESTAB".to_owned(),
        KeyBy::Urn => "no URN in the register".to_owned(),
        KeyBy::Param => format!(
            "no {service}.{} in its subscription row",
            rule.param.as_deref().unwrap_or_default()
        ),
    }
}
