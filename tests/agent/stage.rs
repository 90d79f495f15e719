//! An invented estate, its vendors, a clock, and an agent in a folder of its own.

use std::collections::HashMap;
use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use caretaker::agent::{Agent, AgentError, AgentSettings, RunningAgent};
use caretaker::model::check::{CheckSpec, Scope, ServiceSpec};
use caretaker::model::estate::{Estate, NotWatched};
use caretaker::model::ids::{CheckId, Laestab, ServiceKey};
use caretaker::model::observation::{Observation, Target, Verdict, Window, Zone};
use caretaker::model::school::{School, Subscription};
use caretaker::model::span::Span;
use caretaker::model::text::Clean;
use caretaker::ports::clock::{Boxed, Clock};
use caretaker::ports::store::{Store, StoreError};
use caretaker::ports::watch::{Job, Watch};
use caretaker::store::SqliteStore;
use jiff::{SignedDuration, Timestamp};

use crate::contract::Wire;
use crate::slow_reader::SlowReader;

/// The machine's own speed, an invented date.
pub struct StageClock {
    base: Timestamp,
    began: Instant,
}

impl StageClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock of these tests")]
    pub fn new(base: &str) -> Arc<Self> {
        Arc::new(Self { base: base.parse().unwrap(), began: Instant::now() })
    }
}

impl Clock for StageClock {
    fn now(&self) -> Timestamp {
        self.base + SignedDuration::try_from(self.began.elapsed()).unwrap()
    }
    fn monotonic(&self) -> Duration {
        self.began.elapsed()
    }
    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }
    fn chance(&self) -> f64 {
        0.5
    }
}

/// How a vendor behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    Answers,
    Panics,
    Hangs,
    /// Says nothing of this school.
    LeavesOut(u32),
    /// Tells of a school, a check and another's check that nobody asked about, too.
    Gossips,
    /// Says two different things of each.
    Contradicts,
}

/// An invented vendor.
pub struct Vendor {
    spec: ServiceSpec,
    jobs: Vec<Job>,
    manner: Mutex<Manner>,
    verdicts: Mutex<HashMap<Target, Verdict>>,
    /// Work that it announces with every answer about the estate.
    pub announces: Mutex<Vec<Window>>,
    pub polls: AtomicUsize,
    now_running: AtomicUsize,
    /// The most that ran at once.
    pub most: AtomicUsize,
    /// The most of one job that ran at once.
    pub most_of_one: AtomicUsize,
    of_one: Mutex<HashMap<String, usize>>,
    /// How long a poll takes.
    pub takes: Mutex<Duration>,
    /// About whom operators asked again.
    pub asked: Mutex<Vec<Option<Laestab>>>,
    /// Jobs that it calls outdated after its next poll.
    pub outdated: Mutex<Vec<Arc<str>>>,
}

pub fn laestab(number: u32) -> Laestab {
    number.to_string().parse().unwrap()
}

/// The `n`-th invented school.
pub fn school(n: usize) -> Laestab {
    laestab(9_990_100 + u32::try_from(n).unwrap() * 3)
}

impl Vendor {
    /// One job for each school, or one for all; a check of the estate besides, if asked for.
    pub fn new(key: &str, schools: usize, bulk: bool, estate: bool) -> Arc<Self> {
        let service: ServiceKey = key.parse().unwrap();
        let interval = Span::from_secs(3_600);
        let own = CheckId::of(&service, "own").unwrap();
        let tenant = CheckId::of(&service, "tenant").unwrap();
        let mut checks = vec![CheckSpec::new(own.clone(), "own", Scope::School, interval)];
        let targets: Vec<Target> = (0..schools).map(|n| Target::School(school(n))).collect();
        let job = |id: String, check: &CheckId, targets: Vec<Target>| Job {
            id: id.into(),
            checks: vec![check.clone()],
            targets: targets.into(),
            interval,
        };
        let mut jobs: Vec<Job> = if bulk {
            vec![job("all".into(), &own, targets)]
        } else {
            targets.iter().map(|t| job(format!("own/{t}"), &own, vec![*t])).collect()
        };
        if estate {
            checks.push(CheckSpec::new(tenant.clone(), "tenant", Scope::Estate, interval));
            jobs.push(job("tenant".into(), &tenant, vec![Target::Estate]));
        }
        let spec = ServiceSpec {
            key: service,
            label: format!("Service {key}"),
            code: key.chars().take(2).collect::<String>().to_uppercase(),
            checks,
            depends: vec![],
        };
        Arc::new(Self {
            spec,
            jobs,
            manner: Mutex::new(Manner::Answers),
            verdicts: Mutex::default(),
            announces: Mutex::default(),
            polls: AtomicUsize::new(0),
            now_running: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            most_of_one: AtomicUsize::new(0),
            of_one: Mutex::default(),
            takes: Mutex::default(),
            asked: Mutex::default(),
            outdated: Mutex::default(),
        })
    }

    pub fn behaves(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    pub fn says(&self, n: usize, verdict: Verdict) {
        self.verdicts.lock().unwrap().insert(Target::School(school(n)), verdict);
    }

    pub fn says_of_estate(&self, verdict: Verdict) {
        self.verdicts.lock().unwrap().insert(Target::Estate, verdict);
    }

    fn answer(&self, job: &Job, now: Timestamp) -> Vec<Observation> {
        let manner = *self.manner.lock().unwrap();
        let verdicts = self.verdicts.lock().unwrap();
        let mut out = Vec::new();
        for (check, target) in
            job.checks.iter().flat_map(|c| job.targets.iter().map(move |t| (c, *t)))
        {
            if let (Manner::LeavesOut(number), Target::School(l)) = (manner, target)
                && l.number() == number
            {
                continue;
            }
            let verdict = verdicts.get(&target).copied().unwrap_or(Verdict::Ok);
            let mut seen = Observation::new(check.clone(), target, now, verdict, "as invented")
                .source(now, Zone::Given)
                .good(Some(now))
                .number("items", 3.0)
                .fact("http status", "200");
            if target == Target::Estate {
                seen.windows.clone_from(&self.announces.lock().unwrap());
            }
            if manner == Manner::Contradicts {
                let mut other = seen.clone();
                other.verdict = Verdict::Critical;
                out.push(other);
            }
            out.push(seen);
        }
        if manner == Manner::Gossips {
            let stranger = Target::School(laestab(9_999_999));
            let check = job.checks[0].clone();
            out.push(Observation::new(check, stranger, now, Verdict::Ok, "a stranger"));
            let odd = "other.thing".parse().unwrap();
            out.push(Observation::new(odd, job.targets[0], now, Verdict::Ok, "an odd check"));
            let others = "aqua.own".parse().unwrap();
            out.push(Observation::new(others, job.targets[0], now, Verdict::Critical, "gossip"));
        }
        out
    }
}

impl Watch for Vendor {
    fn describe(&self) -> ServiceSpec {
        self.spec.clone()
    }
    fn not_watched(&self) -> Vec<NotWatched> {
        vec![]
    }
    fn asked_again(&self, school: Option<Laestab>) {
        self.asked.lock().unwrap().push(school);
    }
    fn outdated(&self) -> Vec<Arc<str>> {
        std::mem::take(&mut *self.outdated.lock().unwrap())
    }
    fn jobs(&self) -> Vec<Job> {
        self.jobs.clone()
    }
    fn poll<'a>(&'a self, job: &'a Job, now: Timestamp) -> Boxed<'a, Vec<Observation>> {
        self.polls.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            let manner = *self.manner.lock().unwrap();
            match manner {
                Manner::Panics => panic!("an invented vendor panics"),
                Manner::Hangs => std::future::pending::<()>().await,
                _ => {}
            }
            let running = self.now_running.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(running, Ordering::SeqCst);
            {
                let mut of_one = self.of_one.lock().unwrap();
                let count = of_one.entry(job.id.to_string()).or_default();
                *count += 1;
                self.most_of_one.fetch_max(*count, Ordering::SeqCst);
            }
            let takes = *self.takes.lock().unwrap();
            if !takes.is_zero() {
                tokio::time::sleep(takes).await;
            }
            *self.of_one.lock().unwrap().get_mut(&*job.id).unwrap() -= 1;
            self.now_running.fetch_sub(1, Ordering::SeqCst);
            self.answer(job, now)
        })
    }
}

/// Schools that take every service of `vendors`; one more takes nothing and has no row.
pub fn estate(schools: usize, vendors: &[Arc<Vendor>]) -> Arc<Estate> {
    let keys: std::collections::BTreeSet<ServiceKey> =
        vendors.iter().map(|v| v.spec.key.clone()).collect();
    let mut estate = Estate {
        services: vendors.iter().map(|v| v.spec.clone()).collect(),
        not_watched: vec![NotWatched { what: "aqua.cme".into(), why: "no public source".into() }],
        ..Estate::default()
    };
    for n in 0..=schools {
        let laestab = school(n);
        estate.schools.insert(
            laestab,
            School {
                laestab,
                urn: Some(100_000 + u32::try_from(n).unwrap()),
                name: Clean::new(&format!("Invented School {n}")),
                phase: "Primary".into(),
                town: Clean::default(),
                postcode: "ZZ9 9ZZ".into(),
                district: Clean::default(),
                trust: Clean::default(),
                pupils: Some(210),
                telephone: Clean::default(),
                website: Clean::default(),
                opened: None,
                closing: false,
            },
        );
        if n < schools {
            let row = Subscription { services: keys.clone().into(), ..Subscription::default() };
            estate.subscriptions.insert(laestab, row);
        }
    }
    Arc::new(estate)
}

/// A running agent, to which a slow reader is attached from its first moment.
pub struct Live {
    agent: RunningAgent,
    slow: SlowReader,
}

impl std::ops::Deref for Live {
    type Target = RunningAgent;
    fn deref(&self) -> &RunningAgent {
        &self.agent
    }
}

impl Live {
    /// Holds the slow reader against the board, and stops.
    pub async fn stop(self) -> Result<(), StoreError> {
        self.slow.ends_with_the_board();
        self.agent.stop().await
    }
}

/// A folder, vendors and settings from which agents can be started again and again.
pub struct Stage {
    pub folder: tempfile::TempDir,
    pub vendors: Vec<Arc<Vendor>>,
    pub estate: Arc<Estate>,
    pub settings: AgentSettings,
    pub clock: Arc<dyn Clock>,
}

impl Stage {
    /// Two services: `aqua` asks each school and the estate, `bolt` all schools at once.
    pub fn new(schools: usize) -> Self {
        let vendors = vec![
            Vendor::new("aqua", schools, false, true),
            Vendor::new("bolt", schools, true, false),
        ];
        Self::with(schools, vendors)
    }

    pub fn with(schools: usize, vendors: Vec<Arc<Vendor>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = AgentSettings::new(&folder.path().join("run/agent.sock"));
        settings.refresh_floor = Duration::ZERO;
        settings.beat = Duration::from_millis(200);
        settings.drain_time = Duration::from_secs(2);
        let estate = estate(schools, &vendors);
        // A Monday in term.
        let clock = StageClock::new("2026-11-23T10:00:00Z");
        Self { folder, vendors, estate, settings, clock }
    }

    pub fn board_file(&self) -> PathBuf {
        self.folder.path().join("board.db")
    }

    pub fn watches(&self) -> Vec<Arc<dyn Watch>> {
        self.vendors.iter().map(|v| Arc::clone(v) as Arc<dyn Watch>).collect()
    }

    pub fn store(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.board_file()).unwrap())
    }

    pub async fn start_with(&self, store: Arc<dyn Store>) -> Result<Live, AgentError> {
        let estate = Arc::clone(&self.estate);
        let clock = Arc::clone(&self.clock);
        let settings = self.settings.clone();
        let agent = Agent::start(settings, estate, self.watches(), store, clock).await?;
        let slow = SlowReader::attach(agent.socket());
        Ok(Live { agent, slow })
    }

    /// A running agent whose first sweep is over, and a checked client of it.
    pub async fn settled(&self) -> (Live, Wire) {
        let agent = self.start_with(self.store()).await.unwrap();
        let wire = Wire::to(agent.socket()).await;
        wire.until_settled().await;
        (agent, wire)
    }
}

/// Waits for a condition, for at most 20 seconds.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    for _ in 0..4_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what}: not within the limit");
}
