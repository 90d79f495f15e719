//! Tests of the hub: whatever is read when, a reader ends with the board.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::engine::{Event, World, step};
use crate::hub::handle::first_revision;
use crate::hub::view::View;
use crate::hub::{Hub, Reader};
use crate::model::cell::{Handling, HandlingKind, Row, StateChange};
use crate::model::check::{CheckSpec, Scope, ServiceSpec};
use crate::model::desk::{CellName, DeskEntry};
use crate::model::estate::Estate;
use crate::model::health::{Health, Reason};
use crate::model::ids::{CheckId, Laestab};
use crate::model::incident::KeptIncident;
use crate::model::kept::KnownRuns;
use crate::model::observation::{Observation, Target, Verdict};
use crate::model::school::{School, Subscription};
use crate::model::span::Span;
use crate::ports::clock::{Boxed, Clock};
use crate::ports::store::{KeptBoard, Save, Store, StoreError};
use crate::wire::board::{AgentInfo, Change, CompactCell};

fn now() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn laestab(n: usize) -> Laestab {
    (9_990_000 + n).to_string().parse().unwrap()
}

fn estate(schools: usize) -> Arc<Estate> {
    let service = |key: &str, scope| {
        let check = format!("{key}.ask").parse().unwrap();
        ServiceSpec {
            key: key.parse().unwrap(),
            label: key.into(),
            code: key.chars().take(2).collect(),
            checks: vec![CheckSpec::new(check, "ask", scope, Span::from_mins(5))],
            depends: vec![],
        }
    };
    let mut estate = Estate {
        services: vec![service("mail", Scope::School), service("sync", Scope::Estate)],
        ..Estate::default()
    };
    for n in 0..schools {
        let text = format!(
            "{{\"laestab\":\"{}\",\"urn\":null,\"name\":\"School {n}\",\"pupils\":null,\"opened\":null}}",
            laestab(n)
        );
        let school: School = serde_json::from_str(&text).unwrap();
        estate.schools.insert(school.laestab, school);
        let services = ["mail", "sync"].map(|k| k.parse().unwrap()).into();
        let row = Subscription { services, ..Subscription::default() };
        estate.subscriptions.insert(laestab(n), row);
    }
    Arc::new(estate)
}

fn seen(target: Target, verdict: Verdict) -> Observation {
    let check = if target == Target::Estate { "sync.ask" } else { "mail.ask" };
    Observation::new(check.parse().unwrap(), target, now(), verdict, "seen")
}

/// A board as a client keeps it.
#[derive(Debug, Default, PartialEq)]
struct Client {
    cells: BTreeMap<(Row, u16), CompactCell>,
}

fn agent() -> AgentInfo {
    AgentInfo {
        version: "0".into(),
        demo: true,
        started_at: now(),
        embedded: false,
        training: false,
    }
}

impl Client {
    fn of(view: &RwLock<View>) -> (Self, u64) {
        let snapshot = view.read().unwrap_or_else(PoisonError::into_inner).snapshot();
        let head = snapshot.head(agent(), now());
        let mut cells = BTreeMap::new();
        let mut put = |row, line: &[CompactCell]| {
            for (column, cell) in (0_u16..).zip(line) {
                cells.insert((row, column), cell.clone());
            }
        };
        put(Row::Estate, &head.estate);
        for school in snapshot.schools(0, usize::MAX) {
            put(Row::School(school.laestab), &school.cells);
        }
        (Self { cells }, head.revision)
    }

    fn apply(&mut self, change: Change) {
        if let Change::Cells { cells, .. } = change {
            self.cells.extend(cells.into_iter().map(|c| ((c.row, c.column), c.cell)));
        }
    }
}

/// One thing that happens.
#[derive(Debug, Clone)]
enum Act {
    /// A school, or the estate for `None`, is seen so.
    See(Option<usize>, Verdict),
    /// Reader 0 or 1 takes one event, if there is one.
    Read(usize),
    /// Reader 0 or 1 loses its connection and resumes from the last id it saw.
    Break(usize),
}

fn acts() -> impl proptest::strategy::Strategy<Value = Vec<Act>> {
    use proptest::prelude::{Just, Strategy, prop_oneof};
    let verdict = prop_oneof![
        Just(Verdict::Ok),
        Just(Verdict::Quiet),
        Just(Verdict::Warning),
        Just(Verdict::Critical),
        Just(Verdict::Unknown(Reason::Malformed)),
    ];
    let act = prop_oneof![
        4 => (proptest::option::of(0_usize..6), verdict).prop_map(|(who, v)| Act::See(who, v)),
        1 => (0_usize..2).prop_map(Act::Read),
        1 => (0_usize..2).prop_map(Act::Break),
    ];
    proptest::collection::vec(act, 0..120)
}

fn publish(world: &mut World, view: &RwLock<View>, event: Event) {
    let effects = step(world, now(), event);
    let mut changed = Vec::new();
    for effect in effects {
        if let crate::engine::Effect::Changed { row, column } = effect {
            changed.push((row, column));
        }
    }
    view.write().unwrap_or_else(PoisonError::into_inner).publish(world, &changed);
}

proptest::proptest! {
    #[test]
    fn whoever_reads_when_ends_with_the_board(acts in acts()) {
        let mut world = World::new(estate(6), now(), 1_000);
        let view = Arc::new(RwLock::new(View::new(&world, 0, None)));
        let (_ring, bell) = watch::channel(0);
        let open = |last| Reader::new(Arc::clone(&view), bell.clone(), Some(last));
        let mut readers: Vec<(Client, Reader, u64)> = (0..2)
            .map(|_| {
                let (client, revision) = Client::of(&view);
                (client, open(revision), revision)
            })
            .collect();
        for act in acts {
            match act {
                Act::See(who, verdict) => {
                    let target = who.map_or(Target::Estate, |n| Target::School(laestab(n)));
                    publish(&mut world, &view, Event::Observed(seen(target, verdict)));
                }
                Act::Read(n) => {
                    let (client, reader, last) = &mut readers[n];
                    // Two cells at a time, so that catching up takes several events.
                    if let Some(change) = reader.next_of(now(), 2) {
                        client.apply(change);
                        *last = reader.sent();
                    }
                }
                Act::Break(n) => {
                    let last = readers[n].2;
                    readers[n].1 = open(last);
                }
            }
        }
        let (board, revision) = Client::of(&view);
        for (mut client, mut reader, _) in readers {
            while let Some(change) = reader.next_of(now(), 2) {
                let reset = matches!(change, Change::Reset { .. });
                proptest::prop_assert!(!reset);
                client.apply(change);
            }
            proptest::prop_assert_eq!(&client, &board);
            proptest::prop_assert_eq!(reader.sent(), revision);
        }
    }
}

#[test]
fn a_large_change_comes_in_pieces_and_the_last_one_moves_the_revision() {
    let mut world = World::new(estate(50), now(), 1_000);
    let view = Arc::new(RwLock::new(View::new(&world, 0, None)));
    let (_ring, bell) = watch::channel(0);
    let mut reader = Reader::new(Arc::clone(&view), bell, None);
    let before = reader.sent();
    publish(&mut world, &view, Event::Observed(seen(Target::Estate, Verdict::Critical)));
    let mut ids = Vec::new();
    while let Some(change) = reader.next_of(now(), 10) {
        if let Change::Cells { revision, cells, .. } = change {
            assert!(cells.len() <= 12, "{} cells in one event", cells.len());
            ids.push(revision);
        }
    }
    assert!(ids.len() >= 5, "{ids:?}");
    let last = ids.pop().unwrap();
    assert!(ids.iter().all(|id| *id == before), "{ids:?}");
    assert!(last > before);
}

#[test]
fn revisions_grow_over_restarts_lost_writes_and_a_clock_set_back() {
    let early: Timestamp = "2026-11-23T09:00:00Z".parse().unwrap();
    let first = first_revision(0, now());
    assert!(first_revision(first, now()) > first);
    assert!(first_revision(first + 500, early) > first + 500);
    // A browser's number holds it exactly.
    let far: Timestamp = "2150-01-01T00:00:00Z".parse().unwrap();
    assert!(first_revision(0, far) < 1 << 53);
}

/// Keeps what it is given in memory.
#[derive(Default)]
struct Notebook {
    saves: Mutex<Vec<Save>>,
}

impl Store for Notebook {
    fn load(&self) -> Result<KeptBoard, StoreError> {
        Ok(KeptBoard::default())
    }
    fn keep(&self, save: Save) {
        self.saves.lock().unwrap().push(save);
    }
    fn history(&self, _: Row, _: usize) -> Result<Vec<StateChange>, StoreError> {
        Ok(vec![])
    }
    fn desk(&self, _: Row, _: usize) -> Result<Vec<DeskEntry>, StoreError> {
        Ok(Vec::new())
    }
    fn incidents(&self, _: Timestamp, _: usize) -> Result<Vec<KeptIncident>, StoreError> {
        Ok(Vec::new())
    }
    fn incident(&self, _: u64) -> Result<Option<KeptIncident>, StoreError> {
        Ok(None)
    }
    fn runs(&self, _: Target, _: &CheckId, _: Timestamp) -> Result<KnownRuns, StoreError> {
        Ok(KnownRuns::default())
    }
    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }
    fn trouble(&self) -> Option<StoreError> {
        None
    }
    fn lost(&self) -> u64 {
        0
    }
}

/// Time that a test moves.
struct HandClock {
    at: watch::Sender<Duration>,
}

impl HandClock {
    fn new() -> Arc<Self> {
        Arc::new(Self { at: watch::channel(Duration::ZERO).0 })
    }
    fn move_on(&self, span: Duration) {
        self.at.send_modify(|at| *at += span);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        now() + SignedDuration::try_from(*self.at.borrow()).unwrap()
    }
    fn monotonic(&self) -> Duration {
        *self.at.borrow()
    }
    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        let mut at = self.at.subscribe();
        let end = *at.borrow() + span;
        Box::pin(async move {
            while *at.borrow_and_update() < end {
                at.changed().await.unwrap();
            }
        })
    }
    fn chance(&self) -> f64 {
        0.5
    }
}

async fn cell(hub: &Hub, row: Row, column: u16) -> (Health, Option<Reason>) {
    let found = hub.ask(move |held| {
        let cell = held.world().cell(row, column);
        (cell.health, cell.reason)
    });
    found.await.unwrap()
}

#[tokio::test]
async fn silence_turns_unknown_by_the_clock_alone() {
    let clock = HandClock::new();
    let store = Arc::new(Notebook::default());
    let (hub, _task) =
        Hub::start(estate(1), KeptBoard::default(), store.clone(), Arc::clone(&clock) as _);
    let row = Row::School(laestab(0));
    let answers =
        vec![seen(Target::School(laestab(0)), Verdict::Ok), seen(Target::Estate, Verdict::Ok)];
    hub.observed(answers).await.unwrap();
    while cell(&hub, row, 0).await.0 != Health::Ok {
        tokio::task::yield_now().await;
    }
    let mut reader = hub.reader(None);
    assert!(reader.next(clock.now()).is_none());
    // Three intervals of five minutes, in steps as time passes.
    for _ in 0..40 {
        clock.move_on(Duration::from_secs(30));
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(cell(&hub, row, 0).await, (Health::Unknown, Some(Reason::Stale)));
    reader.published().await;
    assert!(matches!(reader.next(clock.now()), Some(Change::Cells { .. })));
    let saves = store.saves.lock().unwrap();
    let stale = saves.iter().flat_map(|s| &s.cells).any(|c| c.cell.reason == Some(Reason::Stale));
    assert!(stale, "and it is kept");
}

#[tokio::test]
async fn a_burst_of_a_whole_sweep_is_judged_and_kept() {
    let clock = HandClock::new();
    let store = Arc::new(Notebook::default());
    let schools = 2_000;
    let (hub, task) =
        Hub::start(estate(schools), KeptBoard::default(), store.clone(), Arc::clone(&clock) as _);
    // One by one, as single polls hand them over.
    for n in 0..schools {
        let answer = seen(Target::School(laestab(n)), Verdict::Critical);
        hub.observed(vec![answer]).await.unwrap();
    }
    let mended = (0..schools).map(|n| seen(Target::School(laestab(n)), Verdict::Warning));
    hub.observed(mended.collect()).await.unwrap();
    hub.observed(vec![seen(Target::Estate, Verdict::Ok)]).await.unwrap();
    hub.stop("the test is over".into()).await;
    task.await.unwrap();
    assert!(hub.stand().1, "settled");
    assert_eq!(hub.totals().0.warning, 2_000);
    let late = hub.observed(vec![seen(Target::Estate, Verdict::Ok)]).await;
    assert!(late.is_err());
    assert_eq!(hub.refused(), 1, "what comes after the end is counted");
    let saves = store.saves.lock().unwrap();
    let mut kept = HashMap::new();
    for cell in saves.iter().flat_map(|s| &s.cells) {
        kept.insert((cell.row, cell.service.clone()), cell.cell.health);
    }
    assert_eq!(kept.values().filter(|h| **h == Health::Warning).count(), schools);
    assert!(saves.len() < schools, "{} saves: taken in batches", saves.len());
    let told = saves.iter().flat_map(|s| &s.history);
    let milder = told.filter(|(_, c)| c.from == Health::Critical && c.to == Health::Warning);
    assert_eq!(milder.count(), schools);
}

#[tokio::test]
async fn another_configuration_is_kept_whole() {
    let clock = HandClock::new();
    let store = Arc::new(Notebook::default());
    let (hub, _task) =
        Hub::start(estate(1), KeptBoard::default(), store.clone(), Arc::clone(&clock) as _);
    let mut reader = hub.reader(None);
    hub.configured(estate(3)).await.unwrap();
    reader.published().await;
    assert!(matches!(reader.next(clock.now()), Some(Change::Reset { .. })));
    assert!(reader.is_over());
    assert_eq!(hub.snapshot().len(), 3);
    hub.ask(|_| ()).await.unwrap();
    let saves = store.saves.lock().unwrap();
    assert_eq!(saves.iter().map(|s| s.cells.len()).sum::<usize>(), 8, "four rows, two columns");
}

#[tokio::test]
async fn who_takes_a_cell_sees_at_once_that_it_is_taken() {
    let clock = HandClock::new();
    let store = Arc::new(Notebook::default());
    let (hub, _task) = Hub::start(estate(1), KeptBoard::default(), store, Arc::clone(&clock) as _);
    let row = Row::School(laestab(0));
    hub.observed(vec![seen(Target::School(laestab(0)), Verdict::Critical)]).await.unwrap();
    let service = hub.ask(|held| held.world().estate().services[0].key.clone()).await.unwrap();
    let until = now() + jiff::SignedDuration::from_hours(1);
    let claimed = Handling { kind: HandlingKind::Claimed, by: "rfox".into(), until: Some(until) };
    hub.handled(&[CellName { row, service }], None, Some(&claimed)).await.unwrap();
    let held = hub.ask(move |held| held.world().cell(row, 0).handling.clone()).await.unwrap();
    assert_eq!(held, Some(claimed));
}
