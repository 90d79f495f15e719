//! The bench on which connectors are tested: a clock that is set by hand, credentials in memory,
//! an estate of invented schools.

pub(in crate::services) mod board;
pub(in crate::services) mod fields;
pub(in crate::services) mod mutated;
pub(in crate::services) mod vendor;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

use crate::model::estate::Estate;
use crate::model::ids::{CredentialName, Laestab, ServiceKey};
use crate::model::observation::{Observation, Target, Verdict};
use crate::model::school::{School, Subscription};
use crate::ports::clock::{Boxed, Clock};
use crate::ports::secrets::{Found, SecretError, SecretPlace, Secrets};
use crate::ports::watch::Watch;
use crate::services::{Context, Service};
use crate::transport::{Transport, TransportSettings, install_tls};

/// A time of day that stands until it is moved; time that passes is real, so that deadlines end.
#[derive(Debug)]
pub(in crate::services) struct FakeClock {
    now_ms: AtomicI64,
    moved_ms: AtomicU64,
    chance_ppm: AtomicU64,
    started: std::time::Instant,
}

impl FakeClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that the tests go by")]
    fn at(now: Timestamp) -> Self {
        Self {
            now_ms: AtomicI64::new(now.as_millisecond()),
            moved_ms: AtomicU64::new(0),
            chance_ppm: AtomicU64::new(500_000),
            started: std::time::Instant::now(),
        }
    }

    /// The next chance, in millionths; half a million until it is set.
    pub(in crate::services) fn set_chance(&self, ppm: u32) {
        self.chance_ppm.store(u64::from(ppm), Ordering::SeqCst);
    }

    pub(in crate::services) fn advance(&self, seconds: u32) {
        self.now_ms.fetch_add(i64::from(seconds) * 1_000, Ordering::SeqCst);
        self.moved_ms.fetch_add(u64::from(seconds) * 1_000, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now_ms.load(Ordering::SeqCst)).unwrap()
    }
    fn monotonic(&self) -> Duration {
        self.started.elapsed() + Duration::from_millis(self.moved_ms.load(Ordering::SeqCst))
    }
    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }
    fn chance(&self) -> f64 {
        let ppm = u32::try_from(self.chance_ppm.load(Ordering::SeqCst)).unwrap();
        f64::from(ppm) / 1_000_000.0
    }
}

/// Credentials in memory; one that is not here is missing.
#[derive(Debug, Default)]
pub(in crate::services) struct FakeSecrets(pub(in crate::services) Mutex<BTreeMap<String, String>>);

impl Secrets for FakeSecrets {
    fn find(&self, name: &CredentialName) -> Result<Found, SecretError> {
        match self.0.lock().unwrap().get(name.as_str()) {
            Some(value) => Ok(Found { value: value.clone().into(), place: SecretPlace::File }),
            None => Err(SecretError::Missing { name: name.clone(), asked: "file: no".into() }),
        }
    }
}

/// An estate, a clock and credentials for one service.
pub(in crate::services) struct Bench {
    pub(in crate::services) clock: Arc<FakeClock>,
    pub(in crate::services) secrets: Arc<FakeSecrets>,
    pub(in crate::services) estate: Estate,
    pub(in crate::services) folder: PathBuf,
    service: &'static Service,
}

impl Bench {
    /// A bench at `now` without schools.
    pub(in crate::services) fn new(service: &'static Service, now: &str) -> Self {
        install_tls();
        Self {
            clock: Arc::new(FakeClock::at(now.parse().unwrap())),
            secrets: Arc::new(FakeSecrets::default()),
            estate: Estate::default(),
            folder: PathBuf::new(),
            service,
        }
    }

    /// With a credential.
    pub(in crate::services) fn secret(self, name: &str, value: &str) -> Self {
        self.secrets.0.lock().unwrap().insert(name.into(), value.into());
        self
    }

    /// With a school that takes the service, and its parameters (`name` without the service).
    pub(in crate::services) fn school(
        mut self,
        laestab: &str,
        parameters: &[(&str, &str)],
    ) -> Self {
        let id: Laestab = laestab.parse().unwrap();
        let key: ServiceKey = self.service.key.parse().unwrap();
        let school: School = serde_json::from_value(serde_json::json!({
            "laestab": laestab, "name": format!("School {laestab}"),
            "urn": null, "pupils": 200, "opened": null
        }))
        .unwrap();
        self.estate.schools.insert(id, school);
        let subscription = Subscription {
            services: [key].into(),
            parameters: parameters
                .iter()
                .map(|(n, v)| (format!("{}.{n}", self.service.key), (*v).to_owned()))
                .collect(),
            ..Subscription::default()
        };
        self.estate.subscriptions.insert(id, subscription);
        self
    }

    /// The bench's time.
    pub(in crate::services) fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The watcher for these settings, or the text of the error.
    pub(in crate::services) fn try_build(&self, settings: &str) -> Result<Arc<dyn Watch>, String> {
        // As one inline value, which is what a section of the config is to a service.
        let table: toml::Table = toml::from_str(settings).map_err(|e| e.to_string())?;
        let inline = toml::Value::Table(table).to_string();
        let table = toml::de::ValueDeserializer::parse(&inline).map_err(|e| e.to_string())?;
        let configured = (self.service.configure)(table).map_err(|e| e.to_string())?;
        (configured.build)(&self.context()).map_err(|e| e.to_string())
    }

    /// What a service is built in.
    pub(in crate::services) fn context(&self) -> Context {
        let clock: Arc<dyn Clock> = self.clock.clone();
        Context {
            programs: Arc::new(crate::sys::SystemPrograms::new(clock.clone())),
            transport: Transport::new(TransportSettings::default(), clock.clone()),
            clock,
            secrets: self.secrets.clone(),
            estate: Arc::new(self.estate.clone()),
            folder: self.folder.clone(),
            known: Arc::new(crate::services::LateKnown::default()),
            tickets: None,
            entropy: Arc::new(crate::sys::SystemEntropy),
        }
    }

    /// The watcher for these settings.
    pub(in crate::services) fn build(&self, settings: &str) -> Arc<dyn Watch> {
        self.try_build(settings).unwrap()
    }

    /// What the job `id` brings now. Every target of the job must be answered for each check.
    pub(in crate::services) async fn poll(&self, watch: &dyn Watch, id: &str) -> Vec<Observation> {
        let jobs = watch.jobs();
        let job = jobs.iter().find(|j| &*j.id == id).unwrap_or_else(|| {
            panic!("no job {id} among {:?}", jobs.iter().map(|j| &j.id).collect::<Vec<_>>())
        });
        let seen = watch.poll(job, self.clock.now()).await;
        for o in &seen {
            assert!(job.checks.contains(&o.check), "{} is not of the job {id}", o.check);
            assert!(job.targets.contains(&o.target), "{} is not of the job {id}", o.target);
            assert!(!o.detail.is_empty(), "{} says nothing", o.check);
        }
        seen
    }
}

/// The observation of `check` about `school` (`None`: the estate). There must be exactly one.
pub(in crate::services) fn the(
    seen: &[Observation],
    check: &str,
    school: Option<&str>,
) -> Observation {
    let target = school.map_or(Target::Estate, |s| Target::School(s.parse().unwrap()));
    let found: Vec<_> =
        seen.iter().filter(|o| o.check.name() == check && o.target == target).collect();
    assert_eq!(found.len(), 1, "{check} about {target}: {seen:#?}");
    found[0].clone()
}

/// The verdict of that observation.
pub(in crate::services) fn verdict_of(
    seen: &[Observation],
    check: &str,
    school: Option<&str>,
) -> Verdict {
    the(seen, check, school).verdict
}
