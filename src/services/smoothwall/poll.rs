//! Proves filtering appliance by appliance, and reads the alerts that they sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::Deserialize as _;

use crate::model::check::ServiceSpec;
use crate::model::estate::NotWatched;
use crate::model::ids::{CheckId, Laestab, ServiceKey};
use crate::model::observation::{Observation, Target, Zone};
use crate::model::text::Clean;
use crate::ports::clock::Boxed;
use crate::ports::watch::{Door, Job, Place, Rights, Watch};
use crate::services::declared::{only_sensible, refused, service_key};
use crate::services::smoothwall::actions;
use crate::services::smoothwall::alerts::{Standing, standing};
use crate::services::smoothwall::describe::{Appliance, Behind, CHECKS, KEY, Settings, spec};
use crate::services::smoothwall::filtering::{Proof, Proved};
use crate::services::smoothwall::inbox::{Hosts, Inbox, Read};
use crate::services::{Configured, Context, ServiceError, check_id};

pub(super) fn configure(
    settings: toml::de::ValueDeserializer<'_>,
) -> Result<Configured, toml::de::Error> {
    let settings = Settings::deserialize(settings)?;
    let directory = settings.directory.clone();
    Ok(Configured {
        credentials: settings.credentials().map_err(serde::de::Error::custom)?,
        build: Box::new(move |ctx| Ok(Arc::new(Watcher::new(ctx, &settings)?))),
        hands: Some(Box::new(move |ctx| actions::hands(directory.as_ref(), ctx))),
    })
}

/// Letters of an appliance's name in the id of a check.
const LONGEST_WORD: usize = 17;

/// An appliance and the schools that it filters.
struct Filter {
    name: String,
    hosts: Vec<String>,
    proof: Option<Proof>,
    schools: BTreeSet<Laestab>,
    /// The estate's checks that tell of it, where it filters several schools.
    told: Option<Told>,
}

/// The estate's checks of one appliance.
struct Told {
    filtering: CheckId,
    alerts: CheckId,
}

impl Filter {
    fn is_alerted(&self) -> bool {
        !self.hosts.is_empty()
    }

    /// Whom its answers are about, the estate first, and by which checks.
    fn asked(&self, of_schools: &CheckId, told: fn(&Told) -> &CheckId) -> Vec<(CheckId, Target)> {
        let estate = self.told.as_ref().map(|t| (told(t).clone(), Target::Estate));
        let schools = self.schools.iter().map(|s| (of_schools.clone(), Target::School(*s)));
        estate.into_iter().chain(schools).collect()
    }

    fn behind(&self, told: fn(&Told) -> &CheckId) -> Behind<'_> {
        let told = self.told.as_ref().map(told).cloned();
        Behind { name: &self.name, schools: &self.schools, told }
    }

    /// Its name, as an answer about `target` begins.
    fn named(&self, target: Target) -> String {
        match target {
            Target::Estate => format!("{} ({} schools)", self.name, self.schools.len()),
            Target::School(_) => self.name.clone(),
        }
    }
}

struct Watcher {
    spec: ServiceSpec,
    filtering: CheckId,
    alerts: CheckId,
    filters: Vec<Filter>,
    inbox: Option<Inbox>,
    not_watched: Vec<NotWatched>,
    /// Hosts of alerts that no appliance has, as of the last reading.
    strangers: Mutex<BTreeSet<String>>,
}

impl Watcher {
    fn new(ctx: &Context, settings: &Settings) -> Result<Self, ServiceError> {
        let key = service_key(KEY)?;
        let (filtering, alerts) = (check_id(KEY, "filtering")?, check_id(KEY, "alerts")?);
        only_sensible(KEY, &settings.checks, CHECKS)?;
        only_distinct(&settings.appliances)?;
        let (mut schools, mut not_watched) = schools_by_appliance(ctx, &key, &settings.appliances);
        let mut filters: Vec<Filter> = Vec::new();
        for (place, appliance) in settings.appliances.iter().enumerate() {
            let proof = appliance.filtering.as_ref().map(|filtering| {
                Proof::new(ctx, &appliance.name, filtering, &settings.block_marks)
            });
            let schools = schools.remove(&appliance.name).unwrap_or_default();
            filters.push(Filter {
                name: appliance.name.clone(),
                hosts: appliance.hosts.iter().map(|h| h.trim().to_lowercase()).collect(),
                proof: proof.transpose()?,
                told: (schools.len() > 1).then(|| told(&settings.appliances, place)).transpose()?,
                schools,
            });
        }
        not_watched.extend(gaps(&filters, settings.alerts.is_some()));
        let proofs: Vec<Behind<'_>> = filters
            .iter()
            .filter(|f| f.proof.is_some())
            .map(|f| f.behind(|told| &told.filtering))
            .collect();
        let alerted: Vec<Behind<'_>> = filters
            .iter()
            .filter(|f| f.is_alerted() && settings.alerts.is_some())
            .map(|f| f.behind(|told| &told.alerts))
            .collect();
        Ok(Self {
            spec: spec(settings, &key, (&filtering, &proofs), (&alerts, &alerted))?,
            inbox: settings.alerts.as_ref().map(|a| Inbox::new(ctx, a)).transpose()?,
            filtering,
            alerts,
            filters,
            not_watched,
            strangers: Mutex::default(),
        })
    }

    async fn prove(&self, job: &Job) -> Vec<Observation> {
        let Some((filter, proof)) = self.filters.iter().find_map(|f| {
            (job.id.strip_prefix("filtering/") == Some(&f.name)).then_some((f, f.proof.as_ref()?))
        }) else {
            return Vec::new();
        };
        let proved = proof.prove().await;
        let asked = filter.asked(&self.filtering, |told| &told.filtering).into_iter();
        asked.map(|about| self::proved(about, filter, &proved)).collect()
    }

    async fn read_alerts(&self, now: Timestamp) -> Vec<Observation> {
        let Some(inbox) = &self.inbox else { return Vec::new() };
        let hosts = self.filters.iter().map(|f| (f.name.as_str(), f.hosts.as_slice())).collect();
        let read = inbox.read(&Hosts(hosts), now).await;
        self.note(&read.unmapped);
        let none = BTreeSet::new();
        let mut out = Vec::new();
        for filter in self.filters.iter().filter(|f| f.is_alerted()) {
            let alerts = read.alerts.get(&filter.name).unwrap_or(&none);
            let gap = read.gap.as_ref().or_else(|| read.gaps.get(&filter.name));
            let stands = standing(alerts, inbox.settings(), gap, now);
            let asked = filter.asked(&self.alerts, |told| &told.alerts).into_iter();
            out.extend(asked.map(|about| alerted(about, filter, &stands, (&read, now))));
        }
        out
    }

    /// These checks in the order of the description.
    fn in_order(&self, these: &BTreeSet<CheckId>) -> Vec<CheckId> {
        let all = self.spec.checks.iter().map(|spec| &spec.id);
        all.filter(|id| these.contains(id)).cloned().collect()
    }

    /// Keeps the hosts that no appliance has, and logs each when it is first met.
    fn note(&self, unmapped: &BTreeSet<String>) {
        let mut strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        for host in unmapped.difference(&strangers) {
            tracing::warn!(host, "alerts of a host that no appliance has: see `hosts`");
        }
        unmapped.clone_into(&mut strangers);
    }
}

fn proved((check, target): (CheckId, Target), filter: &Filter, proved: &Proved) -> Observation {
    let detail = format!("{}: {}", filter.named(target), proved.detail);
    let seen = Observation::new(check, target, proved.at, proved.verdict, &detail)
        .fact("appliance", &filter.name)
        .fact("address that must be blocked", &proved.blocked)
        .fact("address that must pass", &proved.plain);
    match proved.latency_ms {
        Some(ms) => seen.number("latency_ms", ms),
        None => seen,
    }
}

fn alerted(
    (check, target): (CheckId, Target),
    filter: &Filter,
    stands: &Standing,
    (read, now): (&Read, Timestamp),
) -> Observation {
    let detail = format!("{}: {}", filter.named(target), stands.detail);
    let mut seen = Observation::new(check, target, now, stands.verdict, &detail)
        .since(stands.since)
        .fact("appliance", &filter.name);
    if let Some(at) = stands.heartbeat_at {
        seen = seen.source(at, Zone::Given).fact("last heartbeat", at.to_string());
    }
    for alert in &stands.open {
        seen = seen.fact("open alert", alert.as_str());
    }
    if !read.unmapped.is_empty() {
        let hosts: Vec<&str> = read.unmapped.iter().take(10).map(String::as_str).collect();
        seen = seen.fact("hosts that no appliance has", hosts.join(", "));
    }
    if let Some(over) = &stands.over {
        seen = seen.fact("last outage", over);
    }
    for (n, what) in [
        (read.unreadable, "messages without a host, or that cannot be read"),
        (read.misdated, "messages with a date that cannot be believed"),
        (read.strangers, "messages from other senders, left out"),
        (read.twice, "messages that came twice, counted once"),
        (read.refused, "entries that are not regular files"),
        (read.lines, "lines that cannot be read"),
    ] {
        if n > 0 {
            seen = seen.fact(what, n.to_string());
        }
    }
    seen
}

/// The estate's checks of the appliance at `place`: by a word of its name, and by its place where
/// two come to one word.
fn told(appliances: &[Appliance], place: usize) -> Result<Told, ServiceError> {
    let word = |appliance: &Appliance| {
        let parts = appliance.name.split(|c: char| !c.is_ascii_alphanumeric());
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        parts.join("_").to_ascii_lowercase().chars().take(LONGEST_WORD).collect::<String>()
    };
    let own = appliances.get(place).map(word).unwrap_or_default();
    let alone = !own.is_empty() && appliances.iter().filter(|a| word(a) == own).count() == 1;
    let own = if alone { own } else { format!("{own}__{}", place + 1) };
    Ok(Told {
        filtering: check_id(KEY, &format!("filtering_{own}"))?,
        alerts: check_id(KEY, &format!("alerts_{own}"))?,
    })
}

fn only_distinct(appliances: &[Appliance]) -> Result<(), ServiceError> {
    let mut names = BTreeSet::new();
    let mut hosts = BTreeSet::new();
    for appliance in appliances {
        if appliance.name.trim().is_empty() || !names.insert(appliance.name.to_lowercase()) {
            let why = format!("`{}`: each appliance needs a name of its own", appliance.name);
            return Err(refused(KEY, "appliances.name", why));
        }
        for host in &appliance.hosts {
            if host.trim().is_empty() || !hosts.insert(host.trim().to_lowercase()) {
                let why = format!("`{host}` is empty, or another appliance has it too");
                return Err(refused(KEY, &format!("appliances.{}.hosts", appliance.name), why));
            }
        }
    }
    if appliances.iter().filter(|a| a.shared).count() > 1 {
        return Err(refused(KEY, "appliances.shared", "only one appliance can be the shared one"));
    }
    Ok(())
}

/// The takers by the name of their appliance, and those that have none.
fn schools_by_appliance(
    ctx: &Context,
    key: &ServiceKey,
    appliances: &[Appliance],
) -> (BTreeMap<String, BTreeSet<Laestab>>, Vec<NotWatched>) {
    let mut schools: BTreeMap<String, BTreeSet<Laestab>> = BTreeMap::new();
    let mut gaps = Vec::new();
    for laestab in ctx.estate.takers(key) {
        let row = ctx.estate.subscriptions.get(&laestab);
        let named = row.and_then(|s| s.parameter(key, "appliance")).map(str::trim);
        let found = match named {
            Some(name) => appliances.iter().find(|a| a.name.eq_ignore_ascii_case(name)),
            None => appliances.iter().find(|a| a.shared),
        };
        if let Some(appliance) = found {
            schools.entry(appliance.name.clone()).or_default().insert(laestab);
            continue;
        }
        let why = match named {
            Some(name) => format!("its smoothwall.appliance `{name}` is not among the appliances"),
            None => "it names no smoothwall.appliance, and none is shared".to_owned(),
        };
        gaps.push(NotWatched {
            what: Clean::new(&format!("{key} of {laestab}")),
            why: Clean::new(&why),
        });
    }
    (schools, gaps)
}

/// Checks that an appliance has no source for.
fn gaps(filters: &[Filter], alerts: bool) -> Vec<NotWatched> {
    let gap =
        |what: String, why: &str| NotWatched { what: Clean::new(&what), why: Clean::new(why) };
    let mut gaps = Vec::new();
    for filter in filters {
        if filter.proof.is_none() {
            let what = format!("{KEY}.filtering of {}", filter.name);
            gaps.push(gap(what, "its [filtering] names no address to prove it with"));
        }
        if alerts && filter.hosts.is_empty() {
            let what = format!("{KEY}.alerts of {}", filter.name);
            gaps.push(gap(what, "its `hosts` are empty"));
        }
    }
    if !alerts {
        gaps.push(gap(format!("{KEY}.alerts"), "[services.smoothwall.alerts] names no folder"));
    }
    gaps
}

impl Watch for Watcher {
    fn describe(&self) -> ServiceSpec {
        self.spec.clone()
    }

    fn not_watched(&self) -> Vec<NotWatched> {
        self.not_watched.clone()
    }

    fn found(&self) -> Vec<NotWatched> {
        let strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        let gap = |host: &String| NotWatched {
            what: Clean::new(&format!("{KEY}.alerts of {host}")),
            why: Clean::new("it sent alerts, and no appliance has it among its `hosts`"),
        };
        strangers.iter().map(gap).collect()
    }

    fn rights(&self) -> Boxed<'_, Vec<Rights>> {
        Box::pin(async {
            match &self.inbox {
                Some(inbox) => inbox.rights().await,
                None => Vec::new(),
            }
        })
    }

    fn doors(&self) -> Boxed<'_, Vec<Door>> {
        Box::pin(async {
            match &self.inbox {
                Some(inbox) => inbox.doors().await,
                None => Vec::new(),
            }
        })
    }

    fn places(&self) -> Vec<Place> {
        self.inbox.as_ref().map(Inbox::places).unwrap_or_default()
    }

    fn jobs(&self) -> Vec<Job> {
        let job = |check: &CheckId, id: String, asked: Vec<(CheckId, Target)>| {
            let spec = self.spec.checks.iter().find(|c| c.id == *check)?;
            let checks: BTreeSet<CheckId> = asked.iter().map(|(check, _)| check.clone()).collect();
            let targets: BTreeSet<Target> = asked.into_iter().map(|(_, target)| target).collect();
            (!targets.is_empty()).then(|| Job {
                id: id.into(),
                checks: self.in_order(&checks),
                targets: targets.into_iter().collect(),
                interval: spec.interval,
            })
        };
        let proofs = self.filters.iter().filter(|f| f.proof.is_some()).filter_map(|f| {
            let asked = f.asked(&self.filtering, |told| &told.filtering);
            job(&self.filtering, format!("filtering/{}", f.name), asked)
        });
        let alerted = self.filters.iter().filter(|f| f.is_alerted());
        let alerted = alerted.flat_map(|f| f.asked(&self.alerts, |told| &told.alerts)).collect();
        proofs.chain(job(&self.alerts, "alerts".to_owned(), alerted)).collect()
    }

    fn poll<'a>(&'a self, job: &'a Job, now: Timestamp) -> Boxed<'a, Vec<Observation>> {
        Box::pin(async move {
            if job.checks.contains(&self.filtering) {
                self.prove(job).await
            } else {
                self.read_alerts(now).await
            }
        })
    }
}
