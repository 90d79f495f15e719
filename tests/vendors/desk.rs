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
use caretaker::model::school::Subscription;
use caretaker::ports::clock::{Boxed, Clock};
use caretaker::ports::secrets::{Found, SecretError, SecretPlace, Secrets};
use caretaker::ports::watch::{Job, Watch};
use caretaker::services::{Context, SERVICES};
use caretaker::simulators::{Invented, Plan, Running, Scenario, Script, start};
use caretaker::transport::{Transport, TransportSettings, install_tls};
use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// A Tuesday in term, ten past nine in London.
pub const TUESDAY: &str = "2027-02-02T09:10:00Z";

/// The time of day of simulators and connector alike; it stands until it is moved.
pub struct Hands {
    now: Mutex<Timestamp>,
    moved: watch::Sender<Duration>,
    /// Whether time passes only when it is moved, for deadlines as well.
    stands: bool,
    turn: AtomicU64,
    started: std::time::Instant,
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }
    fn monotonic(&self) -> Duration {
        // Deadlines are real unless time stands; breakers and limits of calls also see the time that
        // was skipped.
        let real = if self.stands { Duration::ZERO } else { self.started.elapsed() };
        real + *self.moved.borrow()
    }
    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        if !self.stands {
            return Box::pin(tokio::time::sleep(span));
        }
        let (due, mut moved) = (self.monotonic() + span, self.moved.subscribe());
        Box::pin(async move {
            if moved.wait_for(|moved| *moved >= due).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
    fn chance(&self) -> f64 {
        // Spread as chance is, and the same each time.
        let turn = self.turn.fetch_add(1, Ordering::SeqCst);
        (turn as f64 * 0.618_033_988_75).fract()
    }
}

impl Hands {
    fn advance(&self, by: Duration) {
        *self.now.lock().unwrap() += SignedDuration::try_from(by).unwrap();
        self.moved.send_modify(|moved| *moved += by);
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
        let limits = TransportSettings { per_second: 0, ..TransportSettings::default() };
        Self::of(service, schools, settings, limits, false).await
    }

    /// The same with the transport's own limits, and a time that stands until [`Desk::passing`].
    pub async fn standing(
        service: &'static str,
        schools: usize,
        settings: impl Fn(&Running) -> String,
    ) -> Self {
        Self::of(service, schools, settings, TransportSettings::default(), true).await
    }

    async fn of(
        service: &'static str,
        schools: usize,
        settings: impl Fn(&Running) -> String,
        limits: TransportSettings,
        stands: bool,
    ) -> Self {
        install_tls();
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Hands {
            now: Mutex::new(TUESDAY.parse().unwrap()),
            moved: watch::Sender::new(Duration::ZERO),
            stands,
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
            subscriptions: with_addresses(invented).into(),
            calendars: BTreeMap::from([(String::new(), Calendar::default())]),
            ..Estate::default()
        };
        let secrets = Arc::new(Kept(Mutex::new(credentials)));
        let shared: Arc<dyn Clock> = clock.clone();
        let context = Context {
            programs: Arc::new(caretaker::sys::SystemPrograms::new(shared.clone())),
            transport: Transport::new(limits, shared.clone()),
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
        let asked = ((row.configure)(value).unwrap().build)(&context).unwrap();
        estate.services = vec![asked.describe()];
        let estate = Arc::new(estate);
        let world = World::new(estate.clone(), clock.now(), 0);
        Self { running, clock, watch: asked, estate, world, secrets, _folder: folder }
    }

    /// Schools that take the service.
    pub fn schools(&self) -> Vec<Laestab> {
        let key = &self.estate.services[0].key;
        self.estate.takers(key).collect()
    }

    pub fn forward(&self, seconds: u32) {
        self.clock.advance(Duration::from_secs(u64::from(seconds)));
    }

    /// Does `work` while time passes, a fiftieth of a second at a time; and how much of it did.
    pub async fn passing<T>(&self, work: impl Future<Output = T>) -> (T, Duration) {
        let (began, mut work) = (self.clock.monotonic(), std::pin::pin!(work));
        loop {
            tokio::select! {
                biased;
                done = &mut work => return (done, self.clock.monotonic() - began),
                () = tokio::time::sleep(Duration::from_millis(5)) => {
                    self.clock.advance(Duration::from_millis(20));
                }
            }
        }
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

/// The subscriptions, with the whole addresses of sites.
fn with_addresses(invented: &Invented) -> BTreeMap<Laestab, Subscription> {
    let mut subscriptions = invented.subscriptions.clone();
    for row in subscriptions.values_mut() {
        if let Some(site) = row.parameters.get("welearn365.site") {
            let whole = format!("https://{}/{site}", invented.facts.site_host);
            row.parameters.insert("welearn365.site", whole);
        }
    }
    subscriptions
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
