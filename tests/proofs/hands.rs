//! A vendor that counts, a clock that is set by hand, and a guard over them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use caretaker::guard::policy::Policy;
use caretaker::guard::{Denied, Guard, Parts, Planned, Who};
use caretaker::ledger::Entry;
use caretaker::model::action::{ActionSpec, AimsAt, Class};
use caretaker::model::ids::ActionId;
use caretaker::model::observation::Fact;
use caretaker::model::plan::{Aim, Ask, Item, Kind, Operator, Private, Role, Step};
use caretaker::model::text::Clean;
use caretaker::ports::act::{Act, Answer, Prepared, Refused, Seen};
use caretaker::ports::clock::{Boxed, Clock};
use caretaker::ports::ledger::{AuditQuery, Committed};
use caretaker::store::SqliteLedger;
use caretaker::sys::SystemEntropy;
use jiff::{SignedDuration, Timestamp};

pub const ACTION: &str = "groupcall.resync";

/// A vendor of one action.
pub struct Hands {
    effects: AtomicU32,
    /// What a reading of the target shows.
    pub state: Mutex<String>,
    /// What its step says.
    pub step: Mutex<String>,
}

impl Act for Hands {
    fn actions(&self) -> Vec<ActionSpec> {
        let (label, class, aims_at) = ("Do it", Class::SetState, AimsAt::School);
        vec![ActionSpec { id: ACTION, label, class, aims_at, choices: &[] }]
    }

    fn prepare<'a>(
        &'a self,
        _: &'a Ask,
        aim: &'a Aim,
        _: &'a Operator,
        _: bool,
        _: Timestamp,
    ) -> Boxed<'a, Result<Prepared, Refused>> {
        let step = Step {
            id: Clean::new("do"),
            system: Clean::new("Vendor"),
            says: Clean::new(&self.step.lock().unwrap()),
            class: Class::SetState,
            undoable: false,
            patience_s: 60,
            with: BTreeMap::new(),
        };
        let state = Clean::new(&self.state.lock().unwrap());
        let item = Item {
            key: Clean::new(""),
            aim: aim.clone(),
            also: Vec::new(),
            kind: Kind::School,
            lease: Clean::new(&format!("vendor:{aim}")),
            now: vec![Fact { name: Clean::new("state"), value: state }],
            steps: vec![step],
            protective: false,
            will_not: Vec::new(),
            beware: Vec::new(),
            undo: None,
            sends: Vec::new(),
            second_person: None,
        };
        let word = Clean::new(&aim.to_string());
        let private = Private { label: word.clone(), confirm: word, notes: Vec::new() };
        Box::pin(async move { Ok(Prepared { item, private, groups: None }) })
    }

    fn step<'a>(
        &'a self,
        _: &'a Committed,
        _: &'a Item,
        _: usize,
        _: Timestamp,
    ) -> Boxed<'a, Answer> {
        self.effects.fetch_add(1, Ordering::SeqCst);
        let says = Clean::new("said");
        Box::pin(async move { Answer::Took { says, reference: None, secret: None } })
    }

    fn look<'a>(&'a self, _: &'a Item, _: usize, _: Timestamp, _: Timestamp) -> Boxed<'a, Seen> {
        let says = Clean::new("read");
        let there = self.effects.load(Ordering::SeqCst) > 0;
        Box::pin(async move { if there { Seen::There(says) } else { Seen::NotThere(says) } })
    }
}

/// Time that passes when a test says so.
pub struct ByHand(Mutex<Timestamp>);

impl Clock for ByHand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
    fn monotonic(&self) -> Duration {
        Duration::try_from(self.now().duration_since(Timestamp::UNIX_EPOCH)).unwrap()
    }
    fn sleep(&self, _: Duration) -> Boxed<'static, ()> {
        Box::pin(std::future::pending())
    }
    fn chance(&self) -> f64 {
        0.5
    }
}

pub fn policy(text: &str, version: &str) -> Policy {
    let actions: Vec<ActionId> = vec![ACTION.parse().unwrap()];
    Policy::new(toml::from_str(text).unwrap(), version, &actions).unwrap()
}

pub fn who(uid: u32, role: Role) -> Who {
    let operator = Operator { uid, login: Some(uid), name: Clean::new(&format!("u{uid}")) };
    Who { operator, roles: BTreeSet::from([role]) }
}

pub fn me() -> Who {
    who(1000, Role::Operator)
}

pub fn ask() -> Ask {
    Ask {
        action: ACTION.parse().unwrap(),
        targets: vec!["9991001".parse().unwrap()],
        reason: Clean::new("no data since Saturday"),
        ticket: None,
        choices: BTreeMap::new(),
        continues: None,
    }
}

/// A guard with what it stands on.
pub struct Stage {
    folder: tempfile::TempDir,
    pub clock: Arc<ByHand>,
    pub hands: Arc<Hands>,
    pub guard: Guard,
}

impl Stage {
    pub fn new(text: &str) -> Self {
        Self::of(text, false)
    }

    /// `alone`: the agent lives inside a console.
    pub fn of(text: &str, alone: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ByHand(Mutex::new("2026-11-23T10:00:00Z".parse().unwrap())));
        let hands = Arc::new(Hands {
            effects: AtomicU32::new(0),
            state: Mutex::new("as it was".to_owned()),
            step: Mutex::new("do it".to_owned()),
        });
        let guard = Guard::new(Parts {
            ledger: Arc::new(SqliteLedger::open(&folder.path().join("ledger.db")).unwrap()),
            acts: vec![hands.clone()],
            policy: Ok(policy(text, "p1")),
            clock: clock.clone(),
            entropy: Arc::new(SystemEntropy),
            alone,
        });
        Self { folder, clock, hands, guard }
    }

    pub fn pass(&self, minutes: i64) {
        let mut now = self.clock.0.lock().unwrap();
        *now += SignedDuration::from_mins(minutes);
    }

    pub fn effects(&self) -> u32 {
        self.hands.effects.load(Ordering::SeqCst)
    }

    pub async fn plan(&self, who: &Who) -> Result<Planned, Denied> {
        self.guard.plan(who, ask(), false).await
    }

    /// Confirms a plan as whoever made it; whether it runs.
    pub async fn confirm(&self, planned: &Planned) -> Result<bool, Denied> {
        let (id, digest) = (planned.plan.id.as_str(), planned.plan.digest.as_str());
        let started = self.guard.confirm(&me(), id, digest).await?;
        Ok(matches!(started, caretaker::guard::Started::Runs { .. }))
    }

    /// Entries of one kind.
    pub fn entries(&self, kind: &str) -> Vec<Entry> {
        let query = AuditQuery { kind: Some(kind.into()), limit: 99, ..AuditQuery::default() };
        self.guard.ledger().entries(&query).unwrap()
    }

    /// From now on the audit takes no entry, as if the disk were full.
    pub fn audit_takes_nothing(&self) {
        let file: PathBuf = self.folder.path().join("ledger.db");
        let db = rusqlite::Connection::open(file).unwrap();
        db.execute_batch("ALTER TABLE entry RENAME TO gone").unwrap();
    }

    /// As if there were room again.
    pub fn audit_takes_all_again(&self) {
        let file: PathBuf = self.folder.path().join("ledger.db");
        let db = rusqlite::Connection::open(file).unwrap();
        db.execute_batch("ALTER TABLE gone RENAME TO entry").unwrap();
    }
}

/// The words of a refusal by the policy.
pub fn refused<T>(result: Result<T, Denied>) -> String {
    match result {
        Err(Denied::Policy(why)) => why,
        Err(other) => panic!("refused for another reason: {other:?}"),
        Ok(_) => panic!("it was allowed"),
    }
}
