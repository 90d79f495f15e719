//! Every training through the real chain: the vendors over HTTP on loopback, the configuration that the
//! demo writes, the agent on its socket. The board must come to show what the training promises.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::colleague;
use super::played::{Played, vendors};
use super::{Folder, write_config};
use crate::agent::{RunningAgent, TrainingDesk};
use crate::app::{agent, setup};
use crate::cli::args::EstateArgs;
use crate::link::Link;
use crate::model::cell::Row;
use crate::model::health::{Health, Reason};
use crate::model::training::{Promise, Training};
use crate::ports::clock::{Boxed, Clock};
use crate::secrets::SecretStores;
use crate::simulators::Running;
use crate::simulators::training::trainings;
use crate::sys::{SystemClock, private_dir};
use crate::wire::desk::{CellName, DeskKind, Handle};
use crate::wire::page::Refresh;
use crate::wire::status::Status;
use crate::wire::{Ask, Clean};

#[path = "../../../tests/support/slow_reader.rs"]
mod slow_reader;

use slow_reader::SlowReader;

/// The machine's clock, which the test puts forward: vendors and agent have the same.
struct Hands {
    inner: SystemClock,
    ahead: Mutex<Duration>,
}

impl Hands {
    fn forward(&self, by: Duration) {
        *self.ahead.lock().unwrap() += by;
    }

    fn ahead(&self) -> Duration {
        *self.ahead.lock().unwrap()
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        self.inner.now() + SignedDuration::try_from(self.ahead()).unwrap()
    }
    fn monotonic(&self) -> Duration {
        self.inner.monotonic() + self.ahead()
    }
    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        self.inner.sleep(span)
    }
    fn chance(&self) -> f64 {
        0.5
    }
}

/// A demo without a console.
struct Demo {
    clock: Arc<Hands>,
    vendors: Running,
    training: Training,
    running: RunningAgent,
    link: Link,
    slow: SlowReader,
    folder: Folder,
}

impl Demo {
    async fn begins(name: &str) -> Self {
        crate::transport::install_tls();
        // Named, not drawn: the config refuses a path that looks like a password. The folder goes with
        // the demo.
        let home = Path::new("/tmp").join(format!("caretaker-{name}-{}", std::process::id()));
        private_dir(&home).unwrap();
        let folder = Folder::at(home);
        let clock = Arc::new(Hands { inner: SystemClock::new(), ahead: Mutex::default() });
        let args = EstateArgs { schools: 60, seed: 1, scenario: name.to_owned() };
        let Played { vendors, training, setting } =
            vendors(&args, &folder, clock.clone()).await.unwrap();
        let training = training.unwrap();
        let config = write_config(&folder, &vendors, &setting, clock.now()).unwrap();
        let secrets =
            Arc::new(SecretStores::files_only(folder.credential_files(&vendors.invented)));
        let prepared = setup::prepare(setup::load(&config).unwrap(), secrets, clock.clone());
        let socket = folder.socket();
        let place = agent::Place {
            socket: socket.clone(),
            state_dir: folder.state_dir().unwrap(),
            demo: true,
            embedded: false,
            training: Some(TrainingDesk::new(name, training.clone(), clock.now())),
        };
        let running = agent::start(prepared.unwrap(), place, clock.clone()).await.unwrap();
        let link = Link::new(&socket).unwrap();
        let at = socket.clone();
        let slow = tokio::task::spawn_blocking(move || SlowReader::attach(&at)).await.unwrap();
        Self { clock, vendors, training, running, link, slow, folder }
    }

    /// Asks again until it is so, with the vendors asked anew each time.
    async fn until(&self, what: &str, good: impl Fn(&Status) -> Result<(), String>) {
        let mut why = String::new();
        for _ in 0..60 {
            let status = self.link.status(&[], None).await.unwrap();
            match good(&status) {
                Ok(()) => return,
                Err(not) => why = not,
            }
            // Past the floor of "ask again now".
            self.clock.forward(Duration::from_secs(3));
            self.link.refresh(&Refresh::default()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        panic!("never came: {what}: {why}");
    }

    async fn ends(self) {
        let slow = self.slow;
        tokio::task::spawn_blocking(move || slow.ends_with_the_board()).await.unwrap();
        self.running.stop().await.unwrap();
        self.vendors.stop().await;
        drop(self.folder);
    }
}

/// How a cell stands, and its sentence.
fn stands(status: &Status, cell: &CellName) -> Option<(Health, Option<Reason>, String)> {
    match cell.row {
        Row::Estate => {
            let told = status.estate.iter().find(|told| told.service == cell.service)?;
            Some((told.health, told.reason, told.why.to_string()))
        }
        Row::School(laestab) => {
            let school = status.schools.iter().find(|school| school.laestab == laestab)?;
            let told = school.cells.get(&cell.service)?;
            Some((told.health, told.reason, told.why.to_string()))
        }
    }
}

fn kept(status: &Status, promise: &Promise) -> Result<(), String> {
    let stands = stands(status, &promise.cell);
    let good = stands.as_ref().is_some_and(|(health, reason, why)| {
        *health == promise.health
            && (promise.reason.is_none() || *reason == promise.reason)
            && why.to_lowercase().contains(&promise.words.to_lowercase())
    });
    if good { Ok(()) } else { Err(format!("{} is {stands:?}", promise.label)) }
}

/// Before the trouble everything is well but what is there from the start; then the board shows what is
/// promised.
async fn comes_true(name: &str) -> Demo {
    let demo = Demo::begins(name).await;
    demo.until("a settled board", |status| match status.settled {
        true => Ok(()),
        false => Err("not settled".to_owned()),
    })
    .await;
    demo.clock.forward(Duration::from_secs(25));
    demo.until(name, |status| {
        demo.training.expects.iter().try_for_each(|promise| kept(status, promise))
    })
    .await;
    // The debrief reads what is kept, which comes a little after what is shown.
    for _ in 0..100 {
        let debrief = demo.link.training().await.unwrap().debrief;
        if debrief.milestones[0].at.is_some() {
            return demo;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{name}: the debrief never said that the board showed it");
}

macro_rules! come_true {
    ($($test:ident $name:literal;)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            comes_true($name).await.ends().await;
        })*

        #[test]
        fn every_training_has_a_test() {
            let tested = [$($name,)* ACTED];
            let all: Vec<&str> = trainings().unwrap().iter().map(|(name, _)| *name).collect();
            let missing: Vec<_> = all.iter().filter(|name| !tested.contains(name)).collect();
            assert!(missing.is_empty(), "{missing:?}");
        }
    };
}

/// The one in which somebody acts.
const ACTED: &str = "xporter-trust";

come_true! {
    microsoft_outage "microsoft-outage";
    controller_down "controller-down";
    credential_ends "credential-ends";
    silent_backup "silent-backup";
    filter_open "filter-open";
    compromised_account "compromised-account";
    half_term "half-term";
}

/// From the brief to the debrief, as an operator would.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn xporter_trust_with_somebody_at_the_desk() {
    let demo = comes_true(ACTED).await;
    let guard = demo.running.guard().cloned().unwrap();
    let colleague = colleague::begin(guard, demo.clock.clone());
    let roots: Vec<CellName> =
        demo.training.expects.iter().filter(|p| p.root).map(|p| p.cell.clone()).collect();
    let Row::School(school) = roots[0].row else { panic!("a school") };
    demo.link.page(Some(school)).await.unwrap();
    let page = demo.link.hint().await.unwrap();
    assert_eq!((page.hints.len(), page.hints_left), (1, 2));
    let take = |kind, cells: Vec<CellName>| Handle {
        kind,
        cells,
        filter: Clean::default(),
        from: None,
        until: None,
        every: Clean::default(),
        why: Clean::default(),
    };
    let quiet = CellName { row: roots[0].row, service: "redstor".parse().unwrap() };
    demo.link.handle(&take(DeskKind::Acknowledge, vec![quiet])).await.unwrap();
    let follows = CellName { row: roots[0].row, service: "welearn365".parse().unwrap() };
    demo.link.handle(&take(DeskKind::Acknowledge, vec![follows])).await.unwrap();
    demo.link.handle(&take(DeskKind::Claim, roots.clone())).await.unwrap();
    let ask = Ask {
        action: "desk.raise_ticket".parse().unwrap(),
        targets: vec![format!("{school}/groupcall").parse().unwrap()],
        reason: Clean::new("the trust withdrew its authorisation"),
        ticket: None,
        choices: std::collections::BTreeMap::new(),
        continues: None,
    };
    let plan = demo.link.plan(ask, false).await.unwrap().plan;
    demo.link.confirm(plan.id.as_str(), &plan.digest).await.unwrap();
    let debrief = demo.link.training().await.unwrap().debrief;
    let missed: Vec<_> = debrief.milestones.iter().filter(|m| m.at.is_none()).collect();
    assert!(missed.is_empty(), "{missed:?}");
    let times: Vec<_> = debrief.milestones.iter().map(|m| m.at).collect();
    assert!(times.is_sorted(), "{debrief:?}");
    let all = roots.len();
    assert!(all > 1, "a trust of several schools");
    assert!(
        debrief.milestones[2].what.as_str().contains(&format!("{all} of {all}")),
        "{debrief:?}"
    );
    let wrong: Vec<&str> = debrief.wrong.iter().map(|step| step.what.as_str()).collect();
    assert!(
        matches!(wrong[..], [quiet, follows] if quiet.contains("not in trouble: ")
            && follows.contains("a consequence instead of the root: ")),
        "{wrong:?}"
    );
    assert_eq!(debrief.hints, (1, 3));
    // Hints end, and asking again costs nothing.
    for _ in 0..4 {
        demo.link.hint().await.unwrap();
    }
    assert_eq!(demo.link.training().await.unwrap().debrief.hints, (3, 3));
    colleague.abort();
    demo.ends().await;
}
