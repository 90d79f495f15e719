//! A desk that acts: the guard over a ledger on disk, the hands of the services as they are built for an
//! agent, and simulated vendors that count what really happened.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use caretaker::guard::policy::Policy;
use caretaker::guard::{Countersign, Denied, Guard, Parts, Planned, Started, Who};
use caretaker::model::estate::Estate;
use caretaker::model::ids::{ActionId, Laestab};
use caretaker::model::plan::{Ask, Operator, Outcome, Role};
use caretaker::model::text::Clean;
use caretaker::ports::accounts::Accounts;
use caretaker::ports::act::Act;
use caretaker::ports::clock::{Boxed, Clock};
use caretaker::ports::known::Known;
use caretaker::ports::ledger::Held;
use caretaker::ports::vendor_audit::VendorAudits;
use caretaker::services::{Brought, Context, DESK_ACTIONS, LateKnown, SERVICES};
use caretaker::simulators::{Plan, Running, Scenario, start};
use caretaker::store::SqliteLedger;
use caretaker::sys::SystemEntropy;
use caretaker::transport::{Transport, TransportSettings, install_tls};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use tokio::sync::watch;

use crate::checks::Kept;
use crate::sync::Board;

pub const NOW: &str = "2027-02-02T09:10:00Z";

/// Everything is allowed; restoring and nothing else needs a second person.
pub const POLICY: &str = r#"
[[rule]]
name = "restore"
actions = ["welearn365.restore_account"]
second = "approver"

[[rule]]
name = "everything"
actions = ["*"]
per_plan = 5
"#;

/// Time that passes only when a test says so: every sleep and every deadline waits for that.
pub struct Manual {
    start: Timestamp,
    passed: watch::Sender<Duration>,
    /// Everything that was waited for.
    slept: Mutex<Vec<Duration>>,
}

impl Manual {
    pub fn at(start: &str) -> Arc<Self> {
        let (start, passed) = (start.parse().unwrap(), watch::Sender::new(Duration::ZERO));
        Arc::new(Self { start, passed, slept: Mutex::default() })
    }

    /// Whether somebody waits, or has waited, for so long.
    pub fn waits(&self, span: Duration) -> bool {
        self.slept.lock().unwrap().contains(&span)
    }

    pub fn forward(&self, by: Duration) {
        self.passed.send_modify(|passed| *passed += by);
    }

    /// Does `work` while time passes: what pauses before it asks again would wait for ever else.
    pub async fn moving<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = tokio::time::sleep(Duration::from_millis(5)) => {
                    self.forward(Duration::from_millis(200));
                }
            }
        }
    }
}

impl Clock for Manual {
    fn now(&self) -> Timestamp {
        self.start + SignedDuration::try_from(*self.passed.borrow()).unwrap()
    }
    fn monotonic(&self) -> Duration {
        *self.passed.borrow()
    }
    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        self.slept.lock().unwrap().push(span);
        let due = self.monotonic() + span;
        let mut passed = self.passed.subscribe();
        Box::pin(async move {
            if passed.wait_for(|passed| *passed >= due).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
    fn chance(&self) -> f64 {
        0.5
    }
}

/// Simulated vendors, a folder for ledgers, and time.
pub struct Stage {
    pub running: Running,
    pub clock: Arc<Manual>,
    pub folder: tempfile::TempDir,
    pub school: Laestab,
    /// What the board knows of the schools' numbers.
    pub board: Arc<Board>,
}

impl Stage {
    pub async fn new() -> Self {
        install_tls();
        let folder = tempfile::tempdir().unwrap();
        let clock = Manual::at(NOW);
        let hands = clock.clone();
        let running = start(Plan {
            schools: 6,
            seed: 23,
            scenario: Scenario::Calm,
            folder: folder.path().join("vendors"),
            clock: Arc::new(move || hands.now()),
        })
        .await
        .unwrap();
        // One with an administrator among its accounts.
        let schools = running.invented.schools.iter().map(|s| s.laestab);
        let school = schools.into_iter().find(|s| running.directory_accounts(*s) >= 10).unwrap();
        Self { running, clock, folder, school, board: Arc::default() }
    }

    /// The settings of WeLearn365 with everything that can be acted with.
    pub fn settings(&self) -> String {
        let facts = &self.running.invented.facts;
        let (urls, ca) = (&self.running.urls, self.running.ca_file.display());
        format!(
            "tenant_id = \"{}\"\nclient_id = \"{}\"\n\
             graph = {{ url = \"{}\", ca_file = \"{ca}\" }}\n\
             login = {{ url = \"{}\", ca_file = \"{ca}\" }}\n\
             act = {{ client_id = \"{}\", resync = {{ service_principal_id = \"{}\", \
             job_id = \"{}\", rule_id = \"{}\" }} }}\n\
             [directory]\ncontrollers = [\"{}\", \"{}\"]\nca_file = \"{ca}\"\n\
             bind_as = \"{}\"\nschools = \"{}\"\nact = {{ bind_as = \"{}\" }}\n",
            facts.tenant_id,
            facts.client_id,
            urls["welearn365"],
            urls["welearn365.login"],
            facts.act_client_id,
            facts.sync_ids[0],
            facts.sync_ids[1],
            facts.sync_ids[2],
            urls["welearn365.dc1"],
            urls["welearn365.dc2"],
            facts.directory_account,
            facts.directory_schools,
            facts.directory_writer,
        )
    }

    /// The time of the stage.
    pub fn clock_seconds(&self) -> i64 {
        self.clock.now().as_second()
    }

    pub fn estate(&self) -> Estate {
        let invented = &self.running.invented;
        Estate {
            schools: invented.schools.iter().map(|s| (s.laestab, s.clone())).collect(),
            subscriptions: invented.subscriptions.clone().into(),
            ..Estate::default()
        }
    }

    /// The hands of `service` with these settings.
    pub fn hands(&self, service: &str, settings: &str) -> Vec<Arc<dyn Act>> {
        self.brought(service, settings).acts
    }

    /// Where accounts are looked up.
    pub fn accounts(&self) -> Arc<dyn Accounts> {
        self.brought("welearn365", &self.settings()).accounts.unwrap()
    }

    /// Reads Microsoft's own audit.
    pub fn audits(&self, settings: &str) -> Arc<dyn VendorAudits> {
        self.brought("welearn365", settings).audits.unwrap()
    }

    fn brought(&self, service: &str, settings: &str) -> Brought {
        let secrets = Kept(Mutex::new(self.running.invented.credentials.clone()));
        let clock: Arc<dyn Clock> = self.clock.clone();
        let known: Arc<dyn Known> = self.board.clone();
        brought_knowing(service, settings, self.estate(), secrets, clock, known).unwrap()
    }

    /// A guard over the stage's ledger: made anew, it is an agent after a restart.
    pub fn guard(&self) -> Guard {
        self.guard_with(self.hands("welearn365", &self.settings()), POLICY)
    }

    pub fn guard_with(&self, acts: Vec<Arc<dyn Act>>, rules: &str) -> Guard {
        guard(self.folder.path(), acts, rules, self.clock.clone())
    }

    /// `LAESTAB/sam:LOGIN` of the n-th account of the first school.
    pub fn target(&self, n: u32) -> String {
        format!("{}/sam:{}", self.school, self.login(n))
    }

    pub fn login(&self, n: u32) -> String {
        format!("u{}{n:03}", self.school)
    }

    /// What was really done in the directory and in Microsoft 365, without ids.
    pub fn effects(&self) -> Vec<String> {
        let bare = |e: String| e.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        self.running.effects().into_iter().map(bare).collect()
    }

    /// How often the controllers were sent a modification.
    pub fn writes(&self) -> u64 {
        let served = self.running.served();
        ["dc1", "dc2"].iter().filter_map(|dc| served.get(&format!("welearn365.{dc} MODIFY"))).sum()
    }
}

/// What `service` brings, as an agent builds it.
pub fn brought(
    service: &str,
    settings: &str,
    estate: Estate,
    secrets: Kept,
    clock: Arc<dyn Clock>,
) -> Result<Brought, String> {
    let known = Arc::new(LateKnown::default());
    brought_knowing(service, settings, estate, secrets, clock, known)
}

fn brought_knowing(
    service: &str,
    settings: &str,
    estate: Estate,
    secrets: Kept,
    clock: Arc<dyn Clock>,
    known: Arc<dyn Known>,
) -> Result<Brought, String> {
    install_tls();
    let service = SERVICES.iter().find(|s| s.key == service).unwrap();
    let table: toml::Table = toml::from_str(settings).map_err(|e| e.to_string())?;
    let inline = toml::Value::Table(table).to_string();
    let table = toml::de::ValueDeserializer::parse(&inline).map_err(|e| e.to_string())?;
    let configured = (service.configure)(table).map_err(|e| e.to_string())?;
    let context = Context {
        programs: Arc::new(caretaker::sys::SystemPrograms::new(clock.clone())),
        // Without a rate: its pauses would wait for time that does not pass.
        transport: Transport::new(
            TransportSettings { per_second: 0, ..TransportSettings::default() },
            clock.clone(),
        ),
        clock,
        secrets: Arc::new(secrets),
        estate: Arc::new(estate),
        folder: std::path::PathBuf::new(),
        known,
        tickets: None,
        entropy: Arc::new(SystemEntropy),
    };
    (configured.hands.unwrap())(&context).map_err(|e| e.to_string())
}

/// A guard over the ledger in `folder`.
pub fn guard(folder: &Path, acts: Vec<Arc<dyn Act>>, rules: &str, clock: Arc<dyn Clock>) -> Guard {
    let specs = SERVICES.iter().flat_map(|s| s.actions).chain(DESK_ACTIONS);
    let actions: Vec<ActionId> = specs.map(|spec| spec.id.parse().unwrap()).collect();
    Guard::new(Parts {
        ledger: Arc::new(SqliteLedger::open(&folder.join("ledger.db")).unwrap()),
        acts,
        policy: Ok(Policy::new(toml::from_str(rules).unwrap(), "p1", &actions).unwrap()),
        clock,
        entropy: Arc::new(SystemEntropy),
        alone: false,
    })
}

pub fn who(uid: u32, name: &str, role: Role) -> Who {
    let operator = Operator { uid, login: Some(uid), name: Clean::new(name) };
    Who { operator, roles: BTreeSet::from([role]) }
}

pub fn tomr() -> Who {
    who(1000, "tomr", Role::Operator)
}

pub fn ask(action: &str, targets: &[&str]) -> Ask {
    Ask {
        action: format!("welearn365.{action}").parse().unwrap(),
        targets: targets.iter().map(|t| t.parse().unwrap()).collect(),
        reason: Clean::new("mail sent in the pupil's name"),
        ticket: None,
        choices: BTreeMap::new(),
        continues: None,
    }
}

pub async fn plan(guard: &Guard, action: &str, target: &str) -> Result<Planned, Denied> {
    guard.plan(&tomr(), ask(action, &[target]), false).await
}

/// Confirms `planned`, approves it where that is asked for, and gives the password that it shows.
pub async fn run(guard: &Guard, planned: &Planned) -> Option<SecretString> {
    let (id, digest) = (planned.plan.id.as_str(), planned.plan.digest.as_str());
    match guard.confirm(&tomr(), id, digest).await.unwrap() {
        Started::Waits { .. } => {
            let asha = who(1001, "asha", Role::Approver);
            guard.approve(&asha, id, Countersign::of(digest)).await.unwrap();
            None
        }
        Started::Runs { secret: None } => None,
        Started::Runs { secret: Some(secret) } => secret.await.ok(),
    }
}

/// Waits until an action fits.
pub async fn until(guard: &Guard, fits: impl Fn(&Held) -> bool) -> Held {
    let mut news = guard.news();
    let looking = async {
        loop {
            // Several of one moment come in any order.
            if let Some(held) = guard.recent(20).await.unwrap().into_iter().find(&fits) {
                return held;
            }
            news.changed().await.unwrap();
        }
    };
    match tokio::time::timeout(Duration::from_secs(60), looking).await {
        Ok(held) => held,
        Err(_) => panic!("it did not come to that: {:?}", guard.recent(20).await),
    }
}

/// Plans and runs it, until it is closed.
pub async fn done(guard: &Guard, action: &str, target: &str) -> Held {
    let planned = plan(guard, action, target).await.unwrap_or_else(|e| panic!("{action}: {e}"));
    run(guard, &planned).await;
    until(guard, |h| h.plan == planned.plan.id && h.closed).await
}

/// That it ended so, step by step.
pub fn assert_done(held: &Held) {
    let steps: Vec<_> = held.steps.iter().map(|s| (s.state, s.says.as_str())).collect();
    assert_eq!(held.outcome, Some(Outcome::Done), "{steps:#?}");
}

/// What the plan says of the target, by name.
pub fn fact<'a>(planned: &'a Planned, name: &str) -> &'a str {
    let facts = &planned.plan.items[0].now;
    facts.iter().find(|f| f.name.as_str() == name).map_or("", |f| f.value.as_str())
}

/// Ends when `reached` says so.
pub async fn wait(mut reached: impl FnMut() -> bool) {
    let looking = async {
        while !reached() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), looking).await.expect("it never came to that");
}
