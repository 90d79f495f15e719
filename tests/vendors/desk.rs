//! A desk with one connector: simulators, the connector, and the board that judges what it brings.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use caretaker::engine::{Event, World, step};
use caretaker::model::calendar::Calendar;
use caretaker::model::cell::CheckView;
use caretaker::model::estate::Estate;
use caretaker::model::health::{Health, Reason};
use caretaker::model::ids::{CheckId, CredentialName, Laestab};
use caretaker::model::observation::{Observation, Target};
use caretaker::ports::clock::{Boxed, Clock};
use caretaker::ports::secrets::{Found, SecretError, SecretPlace, Secrets};
use caretaker::ports::watch::{Job, Watch};
use caretaker::services::{Context, SERVICES};
use caretaker::simulators::{Plan, Running, Scenario, Script, start};
use caretaker::transport::{Transport, TransportSettings, install_tls};
use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};

/// A Tuesday in term, ten past nine in London.
pub const TUESDAY: &str = "2027-02-02T09:10:00Z";

/// The time of day of simulators and connector alike; it stands until it is moved.
pub struct Hands {
    now: Mutex<Timestamp>,
    moved_s: AtomicU64,
    turn: AtomicU64,
    started: std::time::Instant,
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }
    fn monotonic(&self) -> Duration {
        // Deadlines are real, breakers and limits of calls also see the time that was skipped.
        self.started.elapsed() + Duration::from_secs(self.moved_s.load(Ordering::SeqCst))
    }
    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }
    fn chance(&self) -> f64 {
        // Spread as chance is, and the same each time.
        let turn = self.turn.fetch_add(1, Ordering::SeqCst);
        (turn as f64 * 0.618_033_988_75).fract()
    }
}

struct Kept(Mutex<BTreeMap<String, String>>);

impl Secrets for Kept {
    fn find(&self, name: &CredentialName) -> Result<Found, SecretError> {
        match self.0.lock().unwrap().get(name.as_str()) {
            Some(value) => Ok(Found { value: value.clone().into(), place: SecretPlace::File }),
            None => Err(SecretError::Missing { name: name.clone(), asked: "no store".into() }),
        }
    }
}

pub struct Desk {
    pub running: Running,
    pub clock: Arc<Hands>,
    pub watch: Arc<dyn Watch>,
    estate: Arc<Estate>,
    world: World,
    secrets: Arc<Kept>,
    _folder: tempfile::TempDir,
}

impl Desk {
    /// A desk of `schools` that watches `service` with what `settings` makes of the simulators.
    pub async fn new(
        service: &'static str,
        schools: usize,
        settings: impl Fn(&Running) -> String,
    ) -> Self {
        install_tls();
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Hands {
            now: Mutex::new(TUESDAY.parse().unwrap()),
            moved_s: AtomicU64::new(0),
            turn: AtomicU64::new(1),
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the clock that the tests go by"
            )]
            started: std::time::Instant::now(),
        });
        let hands = clock.clone();
        let running = start(Plan {
            schools,
            seed: 23,
            scenario: Scenario::Calm,
            folder: folder.path().join("vendors"),
            clock: Arc::new(move || hands.now()),
        })
        .await
        .unwrap();
        let invented = &running.invented;
        let mut credentials = invented.credentials.clone();
        if let Some(jwk) = credentials.get("redstor.jwk").cloned() {
            credentials.insert("redapi".into(), jwk);
        }
        let mut estate = Estate {
            schools: invented.schools.iter().map(|s| (s.laestab, s.clone())).collect(),
            subscriptions: invented.subscriptions.clone().into(),
            calendars: BTreeMap::from([(String::new(), Calendar::default())]),
            ..Estate::default()
        };
        let secrets = Arc::new(Kept(Mutex::new(credentials)));
        let shared: Arc<dyn Clock> = clock.clone();
        let context = Context {
            programs: Arc::new(caretaker::sys::SystemPrograms::new(shared.clone())),
            transport: Transport::new(
                TransportSettings { per_second: 0, ..TransportSettings::default() },
                shared.clone(),
            ),
            clock: shared,
            secrets: secrets.clone(),
            estate: Arc::new(estate.clone()),
            folder: folder.path().to_owned(),
            known: std::sync::Arc::new(caretaker::services::LateKnown::default()),
            tickets: None,
            entropy: Arc::new(caretaker::sys::SystemEntropy),
        };
        let table: toml::Table = toml::from_str(&settings(&running)).unwrap();
        let inline = toml::Value::Table(table).to_string();
        let value = toml::de::ValueDeserializer::parse(&inline).unwrap();
        let row = SERVICES.iter().find(|s| s.key == service).unwrap();
        let watch = ((row.configure)(value).unwrap().build)(&context).unwrap();
        estate.services = vec![watch.describe()];
        let estate = Arc::new(estate);
        let world = World::new(estate.clone(), clock.now(), 0);
        Self { running, clock, watch, estate, world, secrets, _folder: folder }
    }

    /// Schools that take the service.
    pub fn schools(&self) -> Vec<Laestab> {
        let key = &self.estate.services[0].key;
        self.estate.takers(key).collect()
    }

    pub fn forward(&self, seconds: u32) {
        *self.clock.now.lock().unwrap() += SignedDuration::from_secs(i64::from(seconds));
        self.clock.moved_s.fetch_add(u64::from(seconds), Ordering::SeqCst);
    }

    /// Plays a scenario file; what it begins with is in force from now on.
    pub fn play(&self, file: &str) {
        let script = Script::read(file).unwrap_or_else(|e| panic!("{file}: {e}"));
        self.running.play(script).unwrap_or_else(|e| panic!("{file}: {e}"));
    }

    pub fn forget_secret(&self, name: &str) {
        self.secrets.0.lock().unwrap().remove(name).unwrap();
    }

    /// Polls the jobs that `wanted` chooses, a few at a time as the agent does, and shows the board
    /// what came.
    pub async fn sweep(&mut self, wanted: impl Fn(&Job) -> bool) -> Vec<Observation> {
        let jobs: Vec<Job> = self.watch.jobs().into_iter().filter(|j| wanted(j)).collect();
        assert!(!jobs.is_empty());
        let now = self.clock.now();
        let watch = &self.watch;
        let polls = jobs.iter().map(|job| watch.poll(job, now));
        let seen: Vec<Vec<Observation>> =
            futures_util::stream::iter(polls).buffer_unordered(16).collect().await;
        for (job, seen) in jobs.iter().zip(&seen) {
            assert!(!seen.is_empty(), "{} brought nothing", job.id);
        }
        let seen: Vec<Observation> = seen.into_iter().flatten().collect();
        for one in &seen {
            step(&mut self.world, now, Event::Observed(one.clone()));
        }
        seen
    }

    /// Polls what tells of `check` of `school` until the answer is certain, and how the board stands.
    pub async fn shows(&mut self, check: &str, school: Option<Laestab>) -> CheckView {
        let id: CheckId = check.parse().unwrap();
        let target = school.map_or(Target::Estate, Target::School);
        let tries = self.estate.services[0].checks.iter().find(|c| c.id == id).unwrap().tries;
        for _ in 0..tries {
            let about = id.clone();
            self.sweep(move |job| job.checks.contains(&about) && job.targets.contains(&target))
                .await;
        }
        step(&mut self.world, self.clock.now(), Event::Tick);
        self.world.check(target, &id).unwrap()
    }

    /// Calls so far that begin with `what`.
    pub fn calls(&self, what: &str) -> u64 {
        let served = self.running.served();
        served.iter().filter(|(call, _)| call.starts_with(what)).map(|(_, n)| n).sum()
    }

    /// Calls of ours that a vendor refused as wrong.
    pub fn wrong_calls(&self) -> Vec<String> {
        self.running.served().into_keys().filter(|call| call.contains("REFUSED")).collect()
    }
}

/// What a check must show.
pub type Wanted = (Health, Option<Reason>, &'static str);

pub fn assert_shown(what: &str, view: &CheckView, (health, reason, part): Wanted) {
    assert_eq!((view.health, view.reason), (health, reason), "{what}: {view:#?}");
    assert!(view.why.as_str().contains(part), "{what}: {} lacks {part:?}", view.why);
}

/// An endpoint of the simulators in a config.
pub fn endpoint(running: &Running, key: &str) -> String {
    let (url, ca) = (&running.urls[key], running.ca_file.display());
    format!("{{ url = \"{url}\", ca_file = \"{ca}\", deadline = \"5s\", per_second = 0 }}")
}
