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
use crate::ports::watch::{Job, Watch};
use crate::services::declared::{only_sensible, refused, service_key};
use crate::services::smoothwall::alerts::{Standing, standing};
use crate::services::smoothwall::describe::{Appliance, CHECKS, KEY, Settings, spec};
use crate::services::smoothwall::filtering::{Proof, Proved};
use crate::services::smoothwall::inbox::{Hosts, Inbox, Read};
use crate::services::{Configured, Context, ServiceError, check_id};

pub(super) fn configure(
    settings: toml::de::ValueDeserializer<'_>,
) -> Result<Configured, toml::de::Error> {
    let settings = Settings::deserialize(settings)?;
    Ok(Configured {
        credentials: settings.credentials(),
        build: Box::new(move |ctx| Ok(Arc::new(Watcher::new(ctx, &settings)?))),
        hands: None,
    })
}

/// An appliance and the schools that it filters.
struct Filter {
    name: String,
    hosts: Vec<String>,
    proof: Option<Proof>,
    schools: BTreeSet<Laestab>,
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
        let mut filters = Vec::new();
        for appliance in &settings.appliances {
            let proof = appliance.filtering.as_ref().map(|filtering| {
                Proof::new(ctx, &appliance.name, filtering, &settings.block_marks)
            });
            filters.push(Filter {
                name: appliance.name.clone(),
                hosts: appliance.hosts.iter().map(|h| h.trim().to_lowercase()).collect(),
                proof: proof.transpose()?,
                schools: schools.remove(&appliance.name).unwrap_or_default(),
            });
        }
        not_watched.extend(gaps(&filters, settings.alerts.is_some()));
        let with = |has: fn(&Filter) -> bool| -> BTreeSet<Laestab> {
            filters.iter().filter(|f| has(f)).flat_map(|f| f.schools.iter().copied()).collect()
        };
        let alerted = match &settings.alerts {
            Some(_) => with(|f| !f.hosts.is_empty()),
            None => BTreeSet::new(),
        };
        let proved = with(|f| f.proof.is_some());
        Ok(Self {
            spec: spec(settings, &key, (&filtering, proved), (&alerts, alerted))?,
            inbox: settings.alerts.as_ref().map(|a| Inbox::new(ctx, a)).transpose()?,
            filtering,
            alerts,
            filters,
            not_watched,
            strangers: Mutex::default(),
        })
    }

    async fn prove(&self, job: &Job) -> Vec<Observation> {
        let Some((name, proof)) = self.filters.iter().find_map(|f| {
            (job.id.strip_prefix("filtering/") == Some(&f.name))
                .then_some((&f.name, f.proof.as_ref()?))
        }) else {
            return Vec::new();
        };
        let proved = proof.prove().await;
        job.targets.iter().map(|target| self.proved(*target, name, &proved)).collect()
    }

    fn proved(&self, target: Target, appliance: &str, proved: &Proved) -> Observation {
        let seen = Observation::new(
            self.filtering.clone(),
            target,
            proved.at,
            proved.verdict,
            &format!("{appliance}: {}", proved.detail),
        )
        .fact("appliance", appliance)
        .fact("address that must be blocked", &proved.blocked)
        .fact("address that must pass", &proved.plain);
        match proved.latency_ms {
            Some(ms) => seen.number("latency_ms", ms),
            None => seen,
        }
    }

    async fn read_alerts(&self, targets: &[Target], now: Timestamp) -> Vec<Observation> {
        let Some(inbox) = &self.inbox else { return Vec::new() };
        let hosts = self.filters.iter().map(|f| (f.name.as_str(), f.hosts.as_slice())).collect();
        let read = inbox.read(&Hosts(hosts), now).await;
        self.note(&read.unmapped);
        let none = BTreeSet::new();
        let standings: BTreeMap<&str, Standing> = self
            .filters
            .iter()
            .map(|f| {
                let alerts = read.alerts.get(&f.name).unwrap_or(&none);
                (f.name.as_str(), standing(alerts, inbox.settings(), read.gap.as_ref(), now))
            })
            .collect();
        targets
            .iter()
            .filter_map(|target| {
                let Target::School(school) = target else { return None };
                let filter = self.filters.iter().find(|f| f.schools.contains(school))?;
                let stands = standings.get(filter.name.as_str())?;
                Some(self.alerted(*target, &filter.name, stands, &read, now))
            })
            .collect()
    }

    /// Keeps the hosts that no appliance has, and logs each when it is first met.
    fn note(&self, unmapped: &BTreeSet<String>) {
        let mut strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        for host in unmapped.difference(&strangers) {
            tracing::warn!(host, "alerts of a host that no appliance has: see `hosts`");
        }
        unmapped.clone_into(&mut strangers);
    }

    fn alerted(
        &self,
        target: Target,
        appliance: &str,
        stands: &Standing,
        read: &Read,
        now: Timestamp,
    ) -> Observation {
        let detail = format!("{appliance}: {}", stands.detail);
        let mut seen = Observation::new(self.alerts.clone(), target, now, stands.verdict, &detail)
            .since(stands.since)
            .fact("appliance", appliance);
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

    fn jobs(&self) -> Vec<Job> {
        let job = |check: &CheckId, id: String, schools: BTreeSet<Laestab>| {
            let spec = self.spec.checks.iter().find(|c| c.id == *check)?;
            (!schools.is_empty()).then(|| Job {
                id: id.into(),
                checks: vec![check.clone()],
                targets: schools.into_iter().map(Target::School).collect(),
                interval: spec.interval,
            })
        };
        let proofs = self.filters.iter().filter(|f| f.proof.is_some()).filter_map(|f| {
            job(&self.filtering, format!("filtering/{}", f.name), f.schools.clone())
        });
        let alerted = self.filters.iter().filter(|f| !f.hosts.is_empty());
        let alerted = alerted.flat_map(|f| f.schools.iter().copied()).collect();
        proofs.chain(job(&self.alerts, "alerts".to_owned(), alerted)).collect()
    }

    fn poll<'a>(&'a self, job: &'a Job, now: Timestamp) -> Boxed<'a, Vec<Observation>> {
        Box::pin(async move {
            if job.checks.contains(&self.filtering) {
                self.prove(job).await
            } else {
                self.read_alerts(&job.targets, now).await
            }
        })
    }
}
