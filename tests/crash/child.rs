//! The process that dies: a guard over a ledger whose every write is a moment to die at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use caretaker::guard::policy::Policy;
use caretaker::guard::{Countersign, Guard, Parts, Who};
use caretaker::ledger::{Detail, Draft, Entry};
use caretaker::model::ids::ActionId;
use caretaker::model::plan::{Ask, Operator, Plan, Role};
use caretaker::model::text::Clean;
use caretaker::ports::clock::{Boxed, Clock};
use caretaker::ports::ledger::{
    AuditQuery, Held, Intent, Ledger, LedgerError, LeftItem, Request, Settled, StepRecord,
};
use caretaker::store::SqliteLedger;
use caretaker::sys::SystemEntropy;
use jiff::{SignedDuration, Timestamp};

use crate::vendor::{CHAINS, Chain, MOODS, Points, Vendor};

/// How far the clock is let run before a life is over.
const LIFE: SignedDuration = SignedDuration::from_hours(72);

/// A clock that jumps to whatever is waited for first, and whose time outlives the process.
struct Jumping {
    time: Arc<Mutex<Time>>,
    file: PathBuf,
}

struct Time {
    now: Timestamp,
    /// When those who sleep want to be woken.
    wanted: BTreeSet<(Timestamp, u64)>,
    sleepers: u64,
}

impl Jumping {
    fn resumed(file: PathBuf, dead_for: SignedDuration) -> Self {
        let begins = "2026-03-03T09:00:00Z".to_owned();
        let last: Timestamp = std::fs::read_to_string(&file).unwrap_or(begins).parse().unwrap();
        let time = Time { now: last + dead_for, wanted: BTreeSet::new(), sleepers: 0 };
        Self { time: Arc::new(Mutex::new(time)), file }
    }
}

/// A place among those who wait, given back when the sleep ends or is given up.
struct Place {
    time: Arc<Mutex<Time>>,
    at: (Timestamp, u64),
}

impl Drop for Place {
    fn drop(&mut self) {
        self.time.lock().unwrap().wanted.remove(&self.at);
    }
}

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        self.time.lock().unwrap().now
    }

    fn monotonic(&self) -> Duration {
        Duration::try_from(self.now().duration_since(Timestamp::UNIX_EPOCH)).unwrap()
    }

    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        let (time, file) = (Arc::clone(&self.time), self.file.clone());
        let place = {
            let mut held = time.lock().unwrap();
            held.sleepers += 1;
            let at = (held.now + SignedDuration::try_from(span).unwrap(), held.sleepers);
            held.wanted.insert(at);
            Place { time: Arc::clone(&time), at }
        };
        Box::pin(async move {
            loop {
                // Whoever has something to do does it first: what was handed to the one thread that
                // writes is done when this is, however busy the machine.
                for _ in 0..3 {
                    tokio::task::spawn_blocking(|| ()).await.unwrap();
                    tokio::task::yield_now().await;
                }
                let mut held = place.time.lock().unwrap();
                if held.wanted.first() == Some(&place.at) {
                    held.now = held.now.max(place.at.0);
                    // A death leaves the old time or the new one.
                    let fresh = file.with_extension("fresh");
                    std::fs::write(&fresh, held.now.to_string()).unwrap();
                    std::fs::rename(&fresh, &file).unwrap();
                }
                if held.now >= place.at.0 {
                    return;
                }
            }
        })
    }

    fn chance(&self) -> f64 {
        0.5
    }
}

/// The real ledger; before and after each write is a moment to die at.
struct Deadly {
    ledger: SqliteLedger,
    points: Arc<Points>,
}

impl Deadly {
    fn at<T>(&self, write: impl FnOnce(&SqliteLedger) -> T) -> T {
        self.points.pass();
        let done = write(&self.ledger);
        self.points.pass();
        done
    }
}

impl Ledger for Deadly {
    fn append(&self, draft: Draft) -> Result<Entry, LedgerError> {
        self.at(|l| l.append(draft))
    }

    fn request(
        &self,
        plan: &Plan,
        at: Timestamp,
        until: Timestamp,
        draft: Draft,
    ) -> Result<(), LedgerError> {
        self.at(|l| l.request(plan, at, until, draft))
    }

    fn approve(
        &self,
        plan: &str,
        digest: &str,
        by: &Operator,
        role: Role,
        at: Timestamp,
        draft: Draft,
    ) -> Result<(), LedgerError> {
        self.at(|l| l.approve(plan, digest, by, role, at, draft))
    }

    fn cancel(&self, plan: &str, by: &Operator, draft: Draft) -> Result<(), LedgerError> {
        self.at(|l| l.cancel(plan, by, draft))
    }

    fn find(&self, plan: &str) -> Result<Request, LedgerError> {
        self.ledger.find(plan)
    }

    fn waiting(&self, now: Timestamp) -> Result<Vec<Request>, LedgerError> {
        self.ledger.waiting(now)
    }

    fn write_intent(&self, intent: &Intent<'_>, draft: Draft) -> Result<(), LedgerError> {
        self.at(|l| l.write_intent(intent, draft))
    }

    fn leave(
        &self,
        plan: &str,
        key: &str,
        at: Timestamp,
        why: &Clean,
        draft: Draft,
    ) -> Result<(), LedgerError> {
        self.at(|l| l.leave(plan, key, at, why, draft))
    }

    fn unbegun(&self) -> Result<Vec<(Plan, Clean)>, LedgerError> {
        self.ledger.unbegun()
    }

    fn left(&self, limit: usize) -> Result<Vec<LeftItem>, LedgerError> {
        self.ledger.left(limit)
    }

    fn record(
        &self,
        key: &str,
        step: usize,
        record: &StepRecord,
        draft: Option<Draft>,
    ) -> Result<(), LedgerError> {
        self.at(|l| l.record(key, step, record, draft))
    }

    fn settle(&self, key: &str, settled: &Settled, draft: Draft) -> Result<(), LedgerError> {
        self.at(|l| l.settle(key, settled, draft))
    }

    fn holds(&self, key: &str) -> Result<bool, LedgerError> {
        self.ledger.holds(key)
    }

    fn open(&self) -> Result<Vec<Held>, LedgerError> {
        self.ledger.open()
    }

    fn recent(&self, limit: usize) -> Result<Vec<Held>, LedgerError> {
        self.ledger.recent(limit)
    }

    fn entries(&self, query: &AuditQuery) -> Result<Vec<Entry>, LedgerError> {
        self.ledger.entries(query)
    }

    fn details(&self, number: u64) -> Result<BTreeMap<String, Detail>, LedgerError> {
        self.ledger.details(number)
    }

    fn erase(&self, number: u64, field: &str, draft: Draft) -> Result<(), LedgerError> {
        self.at(|l| l.erase(number, field, draft))
    }
}

/// `FOLDER CHAIN MOOD DIE_AT DEAD_FOR_SECONDS begin|resume`.
pub fn run(args: &[String]) {
    let [folder, chain, mood, die_at, dead_for, what] = args else { panic!("{args:?}") };
    let folder = Path::new(folder);
    let chain = *CHAINS.iter().find(|c| c.name == chain.as_str()).unwrap();
    let mood = MOODS.iter().find(|(name, _)| name == mood).unwrap().1;
    let dead_for = SignedDuration::from_secs(dead_for.parse().unwrap());
    let points = Points::new(die_at.parse().unwrap());
    let clock = Arc::new(Jumping::resumed(folder.join("clock"), dead_for));
    let ledger = SqliteLedger::open(&folder.join("ledger.db")).unwrap();
    let vendor = Vendor { chain, mood, file: folder.join("effects"), points: points.clone() };
    let guard = Guard::new(Parts {
        ledger: Arc::new(Deadly { ledger, points }),
        acts: vec![Arc::new(vendor)],
        policy: Ok(policy(chain)),
        clock: clock.clone(),
        entropy: Arc::new(SystemEntropy),
        alone: false,
    });
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let ends = clock.now() + LIFE;
        guard.resume().await.unwrap();
        if what == "begin" {
            begin(&guard, chain).await;
        }
        let mut step = Duration::from_secs(1);
        while clock.now() < ends && !quiet(&guard, chain).await {
            clock.sleep(step).await;
            step = (step * 2).min(Duration::from_secs(3_600));
        }
    });
}

/// Whether everything that was begun is closed.
async fn quiet(guard: &Guard, chain: Chain) -> bool {
    let all = guard.recent(100).await.unwrap();
    let left = guard.left(100).await.unwrap();
    let waiting = guard.ledger().unbegun().unwrap();
    waiting.is_empty() && all.len() + left.len() == chain.targets && all.iter().all(|h| h.closed)
}

pub fn who(uid: u32, role: Role) -> Who {
    let operator = Operator { uid, login: Some(uid), name: Clean::new(&format!("u{uid}")) };
    Who { operator, roles: BTreeSet::from([role]) }
}

pub fn ask(chain: &Chain) -> Ask {
    let targets = (1..=chain.targets).map(|n| format!("999100{n}").parse().unwrap());
    Ask {
        action: chain.action.parse().unwrap(),
        targets: targets.collect(),
        reason: Clean::new("a test"),
        ticket: None,
        choices: Default::default(),
        continues: None,
    }
}

async fn begin(guard: &Guard, chain: Chain) {
    let me = who(1000, Role::Operator);
    let plan = guard.plan(&me, ask(&chain), false).await.unwrap().plan;
    let (id, digest) = (plan.id.as_str(), plan.digest.as_str());
    guard.confirm(&me, id, digest).await.map(drop).unwrap();
    if chain.second {
        guard.approve(&who(1001, Role::Approver), id, Countersign::of(digest)).await.unwrap();
    }
}

pub fn policy(chain: Chain) -> Policy {
    let second = if chain.second { "second = \"approver\"\n" } else { "" };
    let text = format!(
        "[[rule]]\nname = \"all\"\nactions = [\"{}\"]\nper_plan = 5\n{second}",
        chain.action
    );
    let actions: Vec<ActionId> = vec![chain.action.parse().unwrap()];
    Policy::new(toml::from_str(&text).unwrap(), "p1", &actions).unwrap()
}
