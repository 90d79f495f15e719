//! Asking Groupcall for fresh data: through the real guard, over a real ledger, against the played
//! Groupcall, which counts what it was asked.
#![cfg(test)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test outside the program has only the real clock"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use caretaker::guard::policy::Policy;
use caretaker::guard::{Countersign, Denied, Guard, Parts, Started, Who};
use caretaker::model::cell::Row;
use caretaker::model::check::Fallen;
use caretaker::model::estate::Estate;
use caretaker::model::ids::{CheckId, CredentialName, Laestab};
use caretaker::model::kept::{KnownRuns, Memory};
use caretaker::model::observation::{Number, Target};
use caretaker::model::plan::{Ask, Operator, Outcome, Plan, Role, StepState};
use caretaker::model::text::Clean;
use caretaker::ports::clock::{Boxed, Clock};
use caretaker::ports::doorbell::Door;
use caretaker::ports::known::{Known, KnownCell, NotKnown};
use caretaker::ports::ledger::Held;
use caretaker::ports::secrets::{Found, SecretError, SecretPlace, Secrets};
use caretaker::services::{Context, SERVICES};
use caretaker::simulators::{
    Fault, Groupcall, GroupcallFault as F, Plan as Play, Running, Scenario, start,
};
use caretaker::store::SqliteLedger;
use caretaker::sys::SystemEntropy;
use caretaker::transport::{Transport, TransportSettings, install_tls};
use jiff::{SignedDuration, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// So many of its seconds go by in one.
const HURRY: u32 = 30;

/// Of every call, by its clock.
const DEADLINE: &str = "4m";
/// Longer than that by any clock here, in milliseconds.
const TOO_LONG: u64 = 240_000;

/// A clock that hurries, and with it everything that sleeps by it.
struct Hurried {
    began: Instant,
}

impl Clock for Hurried {
    fn now(&self) -> Timestamp {
        let start: Timestamp = "2027-02-02T09:10:00Z".parse().unwrap();
        start + SignedDuration::try_from(self.monotonic()).unwrap()
    }
    fn monotonic(&self) -> Duration {
        self.began.elapsed() * HURRY
    }
    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        Box::pin(tokio::time::sleep(span / HURRY))
    }
    fn chance(&self) -> f64 {
        0.5
    }
}

struct Kept(BTreeMap<String, String>);

impl Secrets for Kept {
    fn find(&self, name: &CredentialName) -> Result<Found, SecretError> {
        match self.0.get(name.as_str()) {
            Some(value) => Ok(Found { value: value.clone().into(), place: SecretPlace::File }),
            None => Err(SecretError::Missing { name: name.clone(), asked: "file: no".into() }),
        }
    }
}

/// A board that remembers how many pupils each school had; or nothing.
struct Board(Option<f64>);

impl Known for Board {
    fn row(&self, _: Row) -> Boxed<'_, Result<Vec<KnownCell>, NotKnown>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn memory<'a>(&'a self, _: Target, _: &'a CheckId) -> Boxed<'a, Result<Memory, NotKnown>> {
        let number = |value| Number { name: Clean::new("pupils"), value };
        let baseline = self.0.map(number).into_iter().collect();
        Box::pin(async { Ok(Memory { baseline, ..Memory::default() }) })
    }
    fn fallen<'a>(
        &'a self,
        _: Target,
        _: &'a CheckId,
        numbers: &'a [Number],
    ) -> Boxed<'a, Result<Option<Fallen>, NotKnown>> {
        let now = numbers.iter().find(|n| n.name.as_str() == "pupils").unwrap().value;
        let fell = self.0.filter(|before| (before - now) / before > 0.15);
        let limit = Some(0.15).filter(|_| now > 0.0);
        Box::pin(async move { Ok(fell.map(|from| Fallen { from, to: now, limit })) })
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

struct Stage {
    guard: Guard,
    groupcall: Groupcall,
    school: Laestab,
    pupils: f64,
    doors: Vec<Door>,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
    folder: tempfile::TempDir,
    running: Running,
    more: String,
}

/// What a guard is made of, from the service's own hands.
fn guard(
    stage: (&Running, &tempfile::TempDir, &Arc<dyn Clock>),
    more: &str,
    known: Board,
) -> (Guard, Vec<Door>, Arc<dyn Secrets>) {
    let (running, folder, clock) = stage;
    let at = |key: &str| {
        let ca = running.ca_file.display();
        format!(
            "{{ url = \"{}\", ca_file = \"{ca}\", deadline = \"{DEADLINE}\" }}",
            running.urls[key]
        )
    };
    let settings = format!(
        "relying_party = \"{}\"\nxod = {}\nlogin = {}\n{more}",
        running.invented.facts.relying_party,
        at("groupcall"),
        at("groupcall.token")
    );
    let table: toml::Table = toml::from_str(&settings).unwrap();
    let inline = toml::Value::Table(table).to_string();
    let service = SERVICES.iter().find(|s| s.key == "groupcall").unwrap();
    let read = toml::de::ValueDeserializer::parse(&inline).unwrap();
    let configured = (service.configure)(read).unwrap();
    let limits = TransportSettings { per_second: 0, ..TransportSettings::default() };
    let secrets: Arc<dyn Secrets> = Arc::new(Kept(running.invented.credentials.clone()));
    let context = Context {
        programs: Arc::new(caretaker::sys::SystemPrograms::new(clock.clone())),
        transport: Transport::new(limits, clock.clone()),
        clock: clock.clone(),
        secrets: secrets.clone(),
        entropy: Arc::new(caretaker::sys::SystemEntropy),
        estate: Arc::new(Estate {
            schools: running.invented.schools.iter().map(|s| (s.laestab, s.clone())).collect(),
            subscriptions: running.invented.subscriptions.clone().into(),
            ..Estate::default()
        }),
        folder: folder.path().to_owned(),
        known: Arc::new(known),
        tickets: None,
    };
    drop((configured.build)(&context).unwrap());
    let brought = (configured.hands.unwrap())(&context).unwrap();
    let actions = ["groupcall.resync".parse().unwrap()];
    let policy = "[[rule]]\nname = 'all'\nactions = ['groupcall.resync']";
    let guard = Guard::new(Parts {
        ledger: Arc::new(SqliteLedger::open(&folder.path().join("ledger.db")).unwrap()),
        acts: brought.acts,
        policy: Ok(Policy::new(toml::from_str(policy).unwrap(), "p1", &actions).unwrap()),
        clock: clock.clone(),
        entropy: Arc::new(SystemEntropy),
        alone: false,
    });
    (guard, brought.doors, secrets)
}

/// A calm estate whose board remembers `share` of the pupils that a school has now.
async fn stage(callback: bool, share: Option<f64>) -> Stage {
    install_tls();
    let folder = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(Hurried { began: Instant::now() });
    let time = clock.clone();
    let running = start(Play {
        schools: 3,
        seed: 5,
        scenario: Scenario::Calm,
        folder: folder.path().join("vendors"),
        clock: Arc::new(move || time.now()),
    })
    .await
    .unwrap();
    let takes = |l: &Laestab| {
        let row = running.invented.subscriptions.get(l);
        row.is_some_and(|row| row.services.contains(&"groupcall".parse().unwrap()))
    };
    let school = running.invented.schools.iter().find(|s| takes(&s.laestab)).unwrap().clone();
    let pupils = f64::from(school.pupils.unwrap());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let more = match callback {
        true => {
            format!("callback = {{ listen = \"{port}\", public_url = \"http://{port}/gc/\" }}\n")
        }
        false => String::new(),
    };
    let board = Board(share.map(|share| (pupils * share).round()));
    let (guard, doors, secrets) = guard((&running, &folder, &clock), &more, board);
    let groupcall = running.groupcall();
    let school = school.laestab;
    Stage { guard, groupcall, school, pupils, doors, secrets, clock, folder, running, more }
}

fn who(uid: u32, role: Role) -> Who {
    let operator = Operator { uid, login: Some(uid), name: Clean::new(&format!("u{uid}")) };
    Who { operator, roles: BTreeSet::from([role]) }
}

impl Stage {
    /// Opens the door at which Groupcall calls.
    async fn listen(&self) {
        for door in self.doors.clone() {
            let task = caretaker::doors::open(door, &self.secrets, &self.clock).await.unwrap();
            drop(task);
        }
    }

    async fn planned(&self) -> Result<Plan, Denied> {
        let ask = Ask {
            action: "groupcall.resync".parse().unwrap(),
            targets: vec![self.school.to_string().parse().unwrap()],
            reason: Clean::new("new starters have no account"),
            ticket: None,
            choices: BTreeMap::new(),
            continues: None,
        };
        self.guard.plan(&who(1000, Role::Operator), ask, false).await.map(|planned| planned.plan)
    }

    async fn begun(&self) -> Plan {
        let plan = self.planned().await.unwrap();
        let me = who(1000, Role::Operator);
        let started =
            self.guard.confirm(&me, plan.id.as_str(), plan.digest.as_str()).await.unwrap();
        assert!(matches!(started, Started::Runs { .. }), "no second person");
        plan
    }

    /// How often each area was asked for.
    fn asked(&self) -> Vec<u64> {
        self.groupcall.fresh_requests(self.school).into_values().collect()
    }
}

async fn until(guard: &Guard, fits: impl Fn(&Held) -> bool) -> Held {
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
    match tokio::time::timeout(Duration::from_secs(60), looking).await {
        Ok(held) => held,
        Err(_) => panic!("never: {:?}", guard.recent(1).await),
    }
}

fn states(held: &Held) -> Vec<StepState> {
    held.steps.iter().map(|s| s.state).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn fresh_data_is_asked_for_once_and_done_when_its_time_moves() {
    let stage = stage(true, Some(1.0)).await;
    stage.listen().await;
    let plan = stage.planned().await.unwrap();
    let item = &plan.items[0];
    assert_eq!(item.steps.len(), 2, "the school's and the pupils'");
    assert!(item.second_person.is_none() && item.will_not.is_empty());
    assert_eq!(stage.asked(), [0_u64; 0], "a plan asks for nothing");
    stage.begun().await;
    let held = until(&stage.guard, |held| held.closed).await;
    assert_eq!((held.outcome, stage.asked()), (Some(Outcome::Done), vec![1, 1]));
    for step in &held.steps {
        assert!(step.says.as_str().contains("the data is now of"), "{}", step.says);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_read_and_never_asked_again_and_a_refusal_is_one() {
    let lost = stage(true, Some(1.0)).await;
    lost.groupcall.set_fault(Some(lost.school), F::FreshAnswerLost);
    lost.begun().await;
    until(&lost.guard, |held| held.steps[0].state == StepState::Unknown).await;
    let held = until(&lost.guard, |held| held.closed).await;
    assert_eq!((held.outcome, lost.asked()), (Some(Outcome::Done), vec![1, 1]));

    let refused = stage(true, Some(1.0)).await;
    refused.groupcall.set_fault(Some(refused.school), F::FreshRefused);
    refused.begun().await;
    let held = until(&refused.guard, |held| held.closed).await;
    assert_eq!(held.outcome, Some(Outcome::Rejected));
    assert_eq!(refused.asked(), [0_u64; 0]);
    assert!(held.steps[0].says.as_str().contains("Fresh data was refused"), "{:?}", held.steps);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_becomes_of_its_answer_a_question_is_asked_once_and_then_read() {
    // Half an answer, and one that comes after we have stopped waiting: it was taken all the same.
    for fault in [Fault::HalfSent, Fault::Truncated, Fault::Slow(TOO_LONG)] {
        let lost = stage(true, Some(1.0)).await;
        lost.running.set_fault("groupcall.fresh", None, fault);
        lost.begun().await;
        let held = until(&lost.guard, |held| held.steps[0].state == StepState::Unknown).await;
        assert!(held.outcome != Some(Outcome::Done) && !held.closed, "{fault:?}: {held:?}");
        assert_eq!((held.steps[1].sent, lost.asked()), (0, vec![1]), "it waits: {fault:?}");
        lost.running.clear_fault("groupcall.fresh", None);
        let held = until(&lost.guard, |held| held.closed).await;
        assert_eq!((held.outcome, lost.asked()), (Some(Outcome::Done), vec![1, 1]), "{fault:?}");
        assert!(held.steps.iter().all(|s| s.sent == 1), "{fault:?}: {:?}", held.steps);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_of_which_nothing_comes_is_never_done_refused_or_asked_again() {
    // Not taken, which nobody can know from here; and taken, with nothing coming of it.
    for fault in [Fault::Status(503), Fault::Down, Fault::Html200, Fault::Empty200, Fault::HalfSent]
    {
        let stage = stage(true, Some(1.0)).await;
        stage.groupcall.set_fault(Some(stage.school), F::FreshNever);
        stage.running.set_fault("groupcall.fresh", None, fault);
        stage.begun().await;
        until(&stage.guard, |held| held.steps[0].looks > 0).await;
        stage.running.clear_fault("groupcall.fresh", None);
        let taken = u64::from(fault == Fault::HalfSent);
        // Groupcall is well again, and it is looked for once more.
        let held = until(&stage.guard, |held| held.steps[0].looks > 3).await;
        assert_eq!(stage.asked().iter().sum::<u64>(), taken, "{fault:?}");
        assert_eq!((held.outcome, held.closed), (Some(Outcome::Unknown), false), "{fault:?}");
        assert_eq!((held.steps[0].sent, held.steps[1].sent), (1, 0), "{fault:?}");
        assert!(held.steps[0].says.as_str().contains("the data is still of"), "{:?}", held.steps);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn that_somebody_called_is_told_and_not_believed() {
    let stage = stage(true, Some(1.0)).await;
    stage.listen().await;
    stage.groupcall.set_fault(Some(stage.school), F::FreshCallbackOnly);
    stage.begun().await;
    let said =
        |held: &Held| held.steps.iter().all(|s| s.says.as_str().contains("Groupcall said at"));
    let held = until(&stage.guard, said).await;
    assert_eq!((held.outcome, held.closed), (Some(Outcome::Accepted), false));
    assert_eq!(states(&held), [StepState::Took, StepState::Took]);
    assert_eq!(stage.asked(), [1, 1], "and not asked again");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_callback_it_says_what_that_means_and_is_polled() {
    let quiet = stage(false, Some(1.0)).await;
    assert!(quiet.doors.is_empty(), "no door unless one is configured");
    let plan = quiet.planned().await.unwrap();
    let beware: Vec<&str> = plan.items[0].beware.iter().map(Clean::as_str).collect();
    assert!(beware.iter().any(|text| text.contains("fetches only what has expired")), "{beware:?}");
    quiet.begun().await;
    let held = until(&quiet.guard, |held| held.steps[1].looks > 1).await;
    assert_eq!((held.outcome, quiet.asked()), (Some(Outcome::Accepted), Vec::new()));
    // With one that nobody uses, the data is seen all the same.
    let deaf = stage(true, Some(1.0)).await;
    deaf.groupcall.set_fault(Some(deaf.school), F::FreshNoCallback);
    deaf.begun().await;
    let held = until(&deaf.guard, |held| held.closed).await;
    assert_eq!(held.outcome, Some(Outcome::Done));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_that_lost_pupils_needs_a_second_person_who_types_their_number() {
    let stage = stage(true, Some(1.25)).await;
    let plan = stage.planned().await.unwrap();
    let second = plan.items[0].second_person.clone().unwrap();
    let pupils = format!("{}", stage.pupils);
    assert_eq!(second.types.as_ref().map(Clean::as_str), Some(pupils.as_str()));
    assert!(second.why.as_str().contains("15 % is the limit"), "{}", second.why);
    let (id, digest) = (plan.id.as_str(), plan.digest.as_str());
    let started = stage.guard.confirm(&who(1000, Role::Operator), id, digest).await.unwrap();
    assert!(matches!(started, Started::Waits { role: Role::Approver, .. }));
    let other = who(1001, Role::Approver);
    for typed in ["", "yes", &format!("{}", stage.pupils + 1.0)] {
        let refused = stage.guard.approve(&other, id, Countersign::of(digest).typing(typed)).await;
        assert!(matches!(refused, Err(Denied::Asked(_))), "{typed:?}: {refused:?}");
    }
    let own = stage
        .guard
        .approve(&who(1000, Role::Lead), id, Countersign::of(digest).typing(&pupils))
        .await;
    assert!(matches!(own, Err(Denied::Policy(_))), "the same person: {own:?}");
    assert_eq!(stage.asked(), [0_u64; 0]);
    stage.guard.approve(&other, id, Countersign::of(digest).typing(&pupils)).await.unwrap();
    let held = until(&stage.guard, |held| held.closed).await;
    assert_eq!((held.outcome, stage.asked()), (Some(Outcome::Done), vec![1, 1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_about_the_pupils_is_never_taken_for_well() {
    let unknown = stage(true, None).await;
    let plan = unknown.planned().await.unwrap();
    let second = plan.items[0].second_person.clone().unwrap();
    assert!(second.why.as_str().contains("is not known here"), "{}", second.why);
    let unread = stage(true, Some(1.0)).await;
    unread.groupcall.set_fault(Some(unread.school), F::CountMissing);
    let denied = unread.planned().await.unwrap_err().to_string();
    assert!(denied.contains("how many pupils the data holds"), "{denied}");
    let none = stage(true, Some(1.0)).await;
    none.groupcall.set_fault(Some(none.school), F::PupilsNone);
    let second = none.planned().await.unwrap().items[0].second_person.clone().unwrap();
    assert_eq!(second.types.as_ref().map(Clean::as_str), Some("0"));
    assert!(second.why.as_str().contains("no pupils where it held"), "{}", second.why);
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_22_an_agent_that_ended_over_the_question_reads_it_and_asks_no_more() {
    let stage = stage(true, Some(1.0)).await;
    stage.groupcall.set_fault(Some(stage.school), F::FreshSlow);
    stage.begun().await;
    until(&stage.guard, |held| held.steps.iter().all(|s| s.sent == 1 && s.looks > 0)).await;
    // Another process over the same ledger, while the first is still waiting for nothing.
    let board = Board(Some(stage.pupils));
    let (risen, _, _) = guard((&stage.running, &stage.folder, &stage.clock), &stage.more, board);
    assert_eq!(risen.resume().await.unwrap(), 1);
    let looks = |held: &Held| held.steps[0].looks;
    let before = looks(&until(&risen, |_| true).await);
    until(&risen, |held| looks(held) > before).await;
    assert_eq!(stage.asked(), [1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_hears_only_what_was_told_and_takes_little() {
    let stage = stage(true, Some(1.0)).await;
    stage.listen().await;
    let place = stage.doors[0].listen;
    let call = |text: Vec<u8>| async move {
        let mut stream = tokio::net::TcpStream::connect(place).await.unwrap();
        // It may hang up before all was said.
        drop(stream.write_all(&text).await);
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
    };
    let post = |path: &str, length: usize| {
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
        [head.into_bytes(), vec![b'x'; length]].concat()
    };
    for path in ["/", "/gc/", "/gc/0123456789abcdef0123456789abcdef", "/../../etc/passwd", "/%00"] {
        assert_eq!(call(post(path, 2)).await, "HTTP/1.1 404 Not Found", "{path}");
    }
    assert!(call(post("/gc/x", 100_000)).await.contains("413"), "a long story");
    let get = b"GET /gc/x HTTP/1.1\r\nhost: x\r\n\r\n".to_vec();
    assert_eq!(call(get).await, "HTTP/1.1 404 Not Found");
    let head = [b"POST / HTTP/1.1\r\nx: ".to_vec(), vec![b'a'; 100_000]].concat();
    let answer = call(head).await;
    assert!(answer.is_empty() || answer.contains("431"), "{answer}");
    assert_eq!(call(b"\x16\x03\x01 not http".to_vec()).await, "HTTP/1.1 400 Bad Request");
    // Who says nothing is shown out after twenty of its seconds.
    let mut silent = tokio::net::TcpStream::connect(place).await.unwrap();
    let mut said = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(30), silent.read_to_end(&mut said));
    assert!(ended.await.is_ok());
}
