//! The guard over a real ledger, with the desk's own hands and an office of the test's choosing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use caretaker::guard::policy::Policy;
use caretaker::guard::{Guard, Parts, Who};
use caretaker::model::cell::{Cell, Row};
use caretaker::model::check::Fallen;
use caretaker::model::estate::Estate;
use caretaker::model::health::Health;
use caretaker::model::ids::{ActionId, CheckId, CredentialName};
use caretaker::model::kept::{KnownRuns, Memory};
use caretaker::model::observation::{Number, Target};
use caretaker::model::plan::{Ask, Operator, Role};
use caretaker::model::text::Clean;
use caretaker::ports::clock::{Boxed, Clock};
use caretaker::ports::known::{Known, KnownCell, NotKnown};
use caretaker::ports::ledger::Held;
use caretaker::ports::secrets::{Found, SecretError, SecretPlace, Secrets};
use caretaker::services::{Context, desk_hands};
use caretaker::store::SqliteLedger;
use caretaker::sys::{SystemClock, SystemEntropy};
use caretaker::tickets::{Means, Office, TicketSettings};
use caretaker::transport::{Transport, TransportSettings, install_tls};
use jiff::Timestamp;

/// A board on which Groupcall is in trouble.
struct Board;

impl Known for Board {
    fn row(&self, _: Row) -> Boxed<'_, Result<Vec<KnownCell>, NotKnown>> {
        let cell = Cell {
            health: Health::Critical,
            why: Clean::new("nothing since Saturday"),
            ..Cell::default()
        };
        let known = KnownCell {
            service: "groupcall".parse().unwrap(),
            label: Clean::new("Groupcall"),
            cell,
            checks: Vec::new(),
        };
        Box::pin(async move { Ok(vec![known]) })
    }

    fn memory<'a>(&'a self, _: Target, _: &'a CheckId) -> Boxed<'a, Result<Memory, NotKnown>> {
        Box::pin(async { Ok(Memory::default()) })
    }

    fn fallen<'a>(
        &'a self,
        _: Target,
        _: &'a CheckId,
        _: &'a [Number],
    ) -> Boxed<'a, Result<Option<Fallen>, NotKnown>> {
        Box::pin(async { Ok(None) })
    }

    fn runs<'a>(
        &'a self,
        _: Target,
        _: &'a CheckId,
        _: Timestamp,
    ) -> Boxed<'a, Result<KnownRuns, NotKnown>> {
        Box::pin(async { Ok(KnownRuns::default()) })
    }
}

/// Every credential is this.
pub struct OneSecret(pub &'static str);

impl Secrets for OneSecret {
    fn find(&self, _: &CredentialName) -> Result<Found, SecretError> {
        Ok(Found { value: self.0.to_owned().into(), place: SecretPlace::File })
    }
}

fn estate() -> Estate {
    let mut estate = Estate::default();
    for number in ["9991001", "9991002"] {
        let school = serde_json::json!({"laestab": number, "name": format!("School {number}")});
        estate.schools.insert(number.parse().unwrap(), serde_json::from_value(school).unwrap());
    }
    estate
}

/// Whoever asks.
pub fn who() -> Who {
    let operator = Operator { uid: 1000, login: Some(1000), name: Clean::new("asha") };
    Who { operator, roles: BTreeSet::from([Role::Operator]) }
}

/// A clock on which whoever waits has waited already: five minutes pass at once.
pub struct Impatient {
    real: SystemClock,
    skipped: Mutex<Duration>,
}

impl Impatient {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { real: SystemClock::new(), skipped: Mutex::default() })
    }
}

impl Clock for Impatient {
    fn now(&self) -> Timestamp {
        self.real.now() + *self.skipped.lock().unwrap()
    }
    fn monotonic(&self) -> Duration {
        self.real.monotonic() + *self.skipped.lock().unwrap()
    }
    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        *self.skipped.lock().unwrap() += span;
        Box::pin(tokio::task::yield_now())
    }
    fn chance(&self) -> f64 {
        self.real.chance()
    }
}

/// A guard whose ledger lies in `folder` and whose tickets go as `settings` say.
pub fn guard(folder: &Path, settings: &str) -> Guard {
    guard_by(folder, settings, Arc::new(SystemClock::new()))
}

/// With a clock of its own; what goes out has the real one.
pub fn guard_by(folder: &Path, settings: &str, clock: Arc<dyn Clock>) -> Guard {
    install_tls();
    let transport = Transport::new(TransportSettings::default(), Arc::new(SystemClock::new()));
    let secrets: Arc<dyn Secrets> = Arc::new(OneSecret(crate::post_office::PASSWORD));
    let settings: TicketSettings = toml::from_str(settings).unwrap();
    let means = Means { folder, transport: &transport, secrets: &secrets };
    let office = Office::new(&settings, &means).unwrap_or_else(|e| panic!("{e}"));
    let context = Context {
        programs: Arc::new(caretaker::sys::SystemPrograms::new(clock.clone())),
        transport: transport.clone(),
        clock: clock.clone(),
        secrets: secrets.clone(),
        estate: Arc::new(estate()),
        folder: folder.to_owned(),
        known: Arc::new(Board),
        entropy: Arc::new(caretaker::sys::SystemEntropy),
        tickets: Some(Arc::new(office)),
    };
    let actions: Vec<ActionId> = vec!["desk.raise_ticket".parse().unwrap()];
    let policy = "[[rule]]\nname = 'all'\nactions = ['desk.raise_ticket']\nper_plan = 5";
    Guard::new(Parts {
        ledger: Arc::new(SqliteLedger::open(&folder.join("ledger.db")).unwrap()),
        acts: desk_hands(&context),
        policy: Ok(Policy::new(toml::from_str(policy).unwrap(), "p1", &actions).unwrap()),
        clock,
        entropy: Arc::new(SystemEntropy),
        alone: false,
    })
}

/// Plans and confirms a ticket about one cell.
pub async fn raise(guard: &Guard, choices: &[(&str, &str)]) {
    let ask = Ask {
        action: "desk.raise_ticket".parse().unwrap(),
        targets: vec!["9991001/groupcall".parse().unwrap()],
        reason: Clean::new("the office rang"),
        ticket: Some(Clean::new("INC0001")),
        choices: choices
            .iter()
            .map(|(n, v)| ((*n).to_owned(), Clean::new(v)))
            .collect::<BTreeMap<_, _>>(),
        continues: None,
    };
    let plan = guard.plan(&who(), ask, false).await.unwrap().plan;
    guard.confirm(&who(), plan.id.as_str(), plan.digest.as_str()).await.unwrap();
}

/// Waits until the newest action fits.
pub async fn until(guard: &Guard, fits: impl Fn(&Held) -> bool) -> Held {
    let mut news = guard.news();
    let looking = async {
        loop {
            if let Some(held) = guard.recent(1).await.unwrap().pop()
                && fits(&held)
            {
                return held;
            }
            news.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(60), looking).await.unwrap()
}
