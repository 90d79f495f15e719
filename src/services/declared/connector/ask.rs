//! The sources of connectors, ready to be asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::address::SignsIn;
use super::evaluate::Evaluator;
use super::file::{self, Files};
use super::http::Page;
use super::json::{self, Api};
use super::mail::{self, Reports};
use super::plan::{key_words, probe_places};
use super::reading::Judged;
use super::rows::Keys;
use super::settings::{
    Asks, ConnectorSettings, FileSettings, JsonSettings, KeyRule, ProbeSettings,
};
use super::syslog::Log;
use super::template::{Place, Template, value_of};
use super::{Refused, reachable, refuse, status};
use crate::model::estate::Estate;
use crate::model::health::Reason;
use crate::model::ids::{Laestab, ServiceKey};
use crate::model::observation::Window;
use crate::ports::watch::{self, CredentialUse, Door, Rights};
use crate::services::Context;
use crate::services::declared::jq::Pool;
use crate::services::declared::statuspage::StatusPage;
use crate::transport::{Endpoint, EndpointSettings, Transport};

/// What a source is built from.
pub(super) struct Material<'a> {
    pub(super) name: &'a str,
    pub(super) ctx: &'a Context,
    pub(super) pool: &'a Arc<Pool>,
    /// Longest time for the expressions of one answer.
    pub(super) within: Duration,
}

impl Material<'_> {
    fn endpoint(&self, key: &str, settings: &EndpointSettings) -> Result<Endpoint, Refused> {
        let mut settings = settings.clone();
        settings.ca_file = settings.ca_file.map(|path| self.ctx.folder.join(path));
        let made = self.ctx.transport.endpoint(&settings);
        made.map_err(|e| refuse(key, e.to_string()))
    }

    fn evaluator(&self) -> Evaluator {
        let trace = self.ctx.transport.trace().cloned();
        Evaluator::new(self.name, self.pool, self.within, trace)
    }
}

/// Who has no answer, and why.
pub(super) type Gaps = BTreeMap<Laestab, String>;

/// A source, and which schools it has no question for.
pub(super) struct Source {
    kind: Kind,
    pub(super) gaps: Gaps,
}

enum Kind {
    Page(Box<Page>),
    Reach(Box<ProbeSettings>, Transport, Arc<dyn crate::ports::clock::Clock>),
    Api(Box<Api>),
    Status(StatusPage),
    Files(Box<Files>),
    Log(Box<Log>),
    Mail(Box<Reports>),
}

/// What stands in a place, for one school or for nobody.
pub(super) struct Values<'a> {
    pub(super) estate: &'a Estate,
    pub(super) service: &'a ServiceKey,
    pub(super) school: Option<Laestab>,
}

impl Values<'_> {
    fn of(&self, place: &Place) -> Option<String> {
        value_of(self.estate, self.service, self.school?, place)
    }
}

impl Source {
    /// From settings that make sense.
    pub(super) fn new(set: &ConnectorSettings, material: &Material<'_>) -> Result<Self, Refused> {
        match set {
            ConnectorSettings { probe: Some(probe), .. } => Self::probe(set, probe, material),
            ConnectorSettings { json: Some(json), .. } => Self::json(set, json, material),
            ConnectorSettings { statuspage: Some(page), .. } => {
                let endpoint = material.endpoint("endpoint", &page.endpoint)?;
                let kind = Kind::Status(StatusPage::at(endpoint, page));
                Ok(Self { kind, gaps: Gaps::new() })
            }
            ConnectorSettings { file: Some(file), .. } => Self::file(set, file, material),
            ConnectorSettings { syslog: Some(log), .. } => {
                let estate = (&*material.ctx.estate, &set.service);
                let trace = material.ctx.transport.trace().cloned();
                let (log, nameless) = Log::new(&material.ctx.folder, log, estate, trace);
                let param = set.syslog.as_ref().and_then(|s| s.param.as_deref());
                let column = format!("{}.{}", set.service, param.unwrap_or_default());
                let why = format!("no {column} in its subscription row");
                let gaps = nameless.into_iter().map(|school| (school, why.clone())).collect();
                Ok(Self { kind: Kind::Log(Box::new(log)), gaps })
            }
            ConnectorSettings { mailbox: Some(mail), .. } => {
                let (ctx, mut missing) = (material.ctx, Gaps::new());
                let keys = keys(ctx, &set.service, mail.key.as_ref(), &mut missing);
                let reports = Reports::new(ctx, mail, mail::check(mail, set.scope)?, keys)?;
                Ok(Self { kind: Kind::Mail(Box::new(reports)), gaps: missing })
            }
            _ => Err(refuse("scope", "no source is given")),
        }
    }

    fn probe(
        set: &ConnectorSettings,
        probe: &ProbeSettings,
        material: &Material<'_>,
    ) -> Result<Self, Refused> {
        let ctx = material.ctx;
        let gaps = match set.scope {
            Asks::School => gaps(&ctx.estate, &set.service, &probe_places(probe)),
            Asks::Estate | Asks::Bulk => Gaps::new(),
        };
        let kind = match probe {
            ProbeSettings::Http(page) => {
                let mut page = page.clone();
                let endpoint = material.endpoint("http.endpoint", &page.endpoint)?;
                page.endpoint.ca_file = page.endpoint.ca_file.map(|path| ctx.folder.join(path));
                Kind::Page(Box::new(Page::new(&page, endpoint, &ctx.transport, &ctx.clock)?))
            }
            other => {
                let mut probe = other.clone();
                if let ProbeSettings::Tls(tls) = &mut probe {
                    tls.ca_file = tls.ca_file.take().map(|path| ctx.folder.join(path));
                }
                Kind::Reach(Box::new(probe), ctx.transport.clone(), ctx.clock.clone())
            }
        };
        Ok(Self { kind, gaps })
    }

    fn json(
        set: &ConnectorSettings,
        settings: &JsonSettings,
        material: &Material<'_>,
    ) -> Result<Self, Refused> {
        let ctx = material.ctx;
        let checked = json::check(settings, set.scope)?;
        let endpoint = material.endpoint("endpoint", &settings.endpoint)?;
        let per_school = set.scope == Asks::School;
        let signs_in = settings.auth.as_ref().map(|auth| {
            SignsIn::new(auth, per_school, &ctx.secrets, &ctx.clock, |of| {
                material.endpoint("auth.client_credentials.endpoint", &of.endpoint)
            })
        });
        let mut missing = match set.scope {
            Asks::School => {
                let places: Vec<Place> = checked.places().into_iter().collect();
                gaps(&ctx.estate, &set.service, &places)
            }
            Asks::Estate | Asks::Bulk => Gaps::new(),
        };
        let keys = keys(ctx, &set.service, settings.key.as_ref(), &mut missing);
        let parts = (endpoint, signs_in.transpose()?, keys);
        let api = Api::new(settings, checked, parts, material.evaluator());
        Ok(Self { kind: Kind::Api(Box::new(api)), gaps: missing })
    }

    fn file(
        set: &ConnectorSettings,
        settings: &FileSettings,
        material: &Material<'_>,
    ) -> Result<Self, Refused> {
        let ctx = material.ctx;
        let checked = file::check(settings, set.scope)?;
        let (mut patterns, mut missing) = (BTreeMap::new(), Gaps::new());
        if set.scope == Asks::School {
            for school in ctx.estate.takers(&set.service) {
                match pattern_of(&checked.pattern, &ctx.estate, &set.service, school) {
                    Ok(pattern) => drop(patterns.insert(Some(school), pattern)),
                    Err(why) => drop(missing.insert(school, why)),
                }
            }
        } else {
            let fixed = checked.pattern.fill(|_| None);
            let fixed = fixed.map_err(|p| refuse("drop.pattern", format!("{p} has no value")))?;
            patterns.insert(None, fixed);
        }
        let keys = keys(ctx, &set.service, settings.key.as_ref(), &mut missing);
        let trace = ctx.transport.trace().cloned();
        let base = (&*ctx.folder, settings);
        let files = Files::new(base, checked, patterns, keys, material.evaluator(), trace);
        Ok(Self { kind: Kind::Files(Box::new(files)), gaps: missing })
    }

    /// What the last answer told of nobody of ours.
    pub(super) fn stray(&self) -> Option<String> {
        match &self.kind {
            Kind::Api(api) => api.evaluator.stray(),
            Kind::Files(files) => files.evaluator.stray(),
            Kind::Page(_) | Kind::Reach(..) | Kind::Status(_) | Kind::Log(_) | Kind::Mail(_) => {
                None
            }
        }
    }

    /// Credentials that each of `schools` has of its own.
    pub(super) fn credentials(&self, schools: &BTreeSet<Laestab>) -> Vec<CredentialUse> {
        match &self.kind {
            Kind::Api(api) => api.credentials(schools),
            _ => Vec::new(),
        }
    }

    /// The mail server, if it is one.
    pub(super) async fn door(&self) -> Option<Door> {
        match &self.kind {
            Kind::Mail(reports) => reports.door().await,
            _ => None,
        }
    }

    /// What our account may do at the mail server, if it is one.
    pub(super) async fn rights(&self) -> Option<Rights> {
        match &self.kind {
            Kind::Mail(reports) => reports.rights().await,
            _ => None,
        }
    }

    /// Where files are left for it.
    pub(super) fn places(&self) -> Vec<watch::Place> {
        match &self.kind {
            Kind::Files(files) => files.places(),
            Kind::Log(log) => vec![log.place.clone()],
            Kind::Mail(reports) => reports.places(),
            Kind::Page(_) | Kind::Reach(..) | Kind::Api(_) | Kind::Status(_) => Vec::new(),
        }
    }

    /// Asks about one school, or about the estate.
    pub(super) async fn one(&self, values: &Values<'_>, now: Timestamp) -> (Judged, Vec<Window>) {
        let value = |place: &Place| values.of(place);
        let judged = match &self.kind {
            Kind::Page(page) => page.look(&value).await,
            Kind::Reach(probe, transport, clock) => reach(probe, transport, clock, &value).await,
            Kind::Api(api) => api.ask_one(values.school, &value, now).await,
            Kind::Status(page) => return status::ask(page, now).await,
            Kind::Files(files) => files.ask_one(values.school, now).await,
            Kind::Log(log) => log.ask_one(now).await,
            Kind::Mail(reports) => reports.ask_one(now).await,
        };
        (judged, Vec::new())
    }

    /// Asks once for all `schools`.
    pub(super) async fn all(
        &self,
        schools: &BTreeSet<Laestab>,
        now: Timestamp,
    ) -> BTreeMap<Laestab, Judged> {
        match &self.kind {
            Kind::Api(api) => api.ask_all(schools, now).await,
            Kind::Files(files) => files.ask_all(schools, now).await,
            Kind::Log(log) => log.ask_all(schools, now).await,
            Kind::Mail(reports) => reports.ask_all(schools, now).await,
            // Refused when the configuration was read.
            Kind::Page(_) | Kind::Reach(..) | Kind::Status(_) => BTreeMap::new(),
        }
    }
}

async fn reach(
    probe: &ProbeSettings,
    transport: &Transport,
    clock: &Arc<dyn crate::ports::clock::Clock>,
    value: &(dyn Fn(&Place) -> Option<String> + Sync),
) -> Judged {
    let text = match probe {
        ProbeSettings::Tls(probe) => &probe.host,
        ProbeSettings::Dns(probe) => &probe.host,
        ProbeSettings::Tcp(probe) => &probe.host,
        ProbeSettings::Http(page) => &page.path,
    };
    let host = Template::read(text).ok().and_then(|t| t.fill(value).ok());
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_');
    let Some(host) = host.filter(|h| (1..=253).contains(&h.len()) && h.chars().all(good)) else {
        return Judged::unknown(Reason::Malformed, "the school's row gives no host name");
    };
    match probe {
        ProbeSettings::Tls(probe) => reachable::tls(transport, probe, &host, clock).await,
        ProbeSettings::Dns(probe) => reachable::dns(transport, probe, &host).await,
        ProbeSettings::Tcp(probe) => reachable::tcp(transport, probe, &host).await,
        ProbeSettings::Http(_) => Judged::unknown(Reason::Malformed, "a page is not reached so"),
    }
}

/// Schools whose rows lack what a place stands for.
fn gaps(estate: &Estate, service: &ServiceKey, places: &[Place]) -> Gaps {
    let lacks = |school: Laestab| {
        let missing =
            places.iter().find(|place| value_of(estate, service, school, place).is_none())?;
        Some((school, lacking(missing, service)))
    };
    estate.takers(service).filter_map(lacks).collect()
}

fn lacking(place: &Place, service: &ServiceKey) -> String {
    match place {
        Place::Param(name) => format!("no {service}.{name} in its subscription row"),
        Place::Urn => "no URN in the register".to_owned(),
        Place::Laestab | Place::Name => "no name in the register".to_owned(),
    }
}

fn keys(
    ctx: &Context,
    service: &ServiceKey,
    rule: Option<&KeyRule>,
    gaps: &mut Gaps,
) -> Option<Keys> {
    let rule = rule?;
    let (keys, keyless) = Keys::new(&ctx.estate, service, rule);
    for school in keyless {
        gaps.entry(school).or_insert_with(|| key_words(rule, service));
    }
    Some(keys)
}

/// The names of files of one school.
fn pattern_of(
    pattern: &Template,
    estate: &Estate,
    service: &ServiceKey,
    school: Laestab,
) -> Result<String, String> {
    let value = |place: &Place| value_of(estate, service, school, place);
    let filled = pattern.fill(|place| {
        // What a row says is a name, never a wider pattern or another folder.
        value(place).filter(|v| !v.contains(['*', '/', '\\']) && !v.contains(char::is_control))
    });
    filled.map_err(|place| lacking(place, service))
}
