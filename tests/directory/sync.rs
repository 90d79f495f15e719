//! Starting a directory sync by the configured command: through the guard, over a ledger, with real
//! programs and the played Microsoft, which tells when it was synced last.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use caretaker::guard::{Countersign, Denied, Guard, Planned, Started};
use caretaker::model::cell::{Cell, CheckView, Row};
use caretaker::model::check::{Fallen, Scope};
use caretaker::model::health::Health;
use caretaker::model::ids::{CheckId, Laestab};
use caretaker::model::kept::{KnownRuns, Memory};
use caretaker::model::observation::{Number, Target};
use caretaker::model::plan::{Outcome, Role, StepState};
use caretaker::model::text::Clean;
use caretaker::ports::clock::Boxed;
use caretaker::ports::known::{Known, KnownCell, NotKnown};
use caretaker::ports::ledger::{AuditQuery, Held};
use jiff::Timestamp;

use crate::desk::{POLICY, Stage, assert_done, fact, plan, run, tomr, until, wait, who};

const SYNC: &str = "sync_directory";

/// How a school's pupils stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pupils {
    Fewer,
    NotKnown,
    NoDayBefore,
    NotCounted,
}

/// A board that counts the pupils of every school; well, unless it is told otherwise.
#[derive(Default)]
pub struct Board(Mutex<BTreeMap<Laestab, Pupils>>);

impl Board {
    fn set(&self, school: Laestab, pupils: Pupils) {
        self.0.lock().unwrap().insert(school, pupils);
    }

    fn of(&self, target: Target) -> Option<Pupils> {
        let Target::School(school) = target else { return None };
        self.0.lock().unwrap().get(&school).copied()
    }
}

fn pupils(value: f64) -> Vec<Number> {
    vec![Number { name: Clean::new("pupils"), value }]
}

impl Known for Board {
    fn row(&self, row: Row) -> Boxed<'_, Result<Vec<KnownCell>, NotKnown>> {
        let Row::School(school) = row else { panic!("{row:?}") };
        let stands = self.of(Target::School(school));
        let known = stands != Some(Pupils::NotKnown);
        let view = CheckView {
            check: "groupcall.counts".parse().unwrap(),
            label: Clean::new("pupil numbers"),
            scope: Scope::School,
            health: if known { Health::Ok } else { Health::Unknown },
            reason: None,
            why: Clean::default(),
            rule: Clean::default(),
            green_when: Clean::default(),
            soft: false,
            tries: (0, 1),
            since: None,
            observed_at: None,
            source_at: None,
            good_at: None,
            fresh_until: None,
            numbers: pupils(60.0),
            evidence: Vec::new(),
            windows: Vec::new(),
        };
        let counted = stands != Some(Pupils::NotCounted);
        let cell = KnownCell {
            service: "groupcall".parse().unwrap(),
            label: Clean::new("Groupcall"),
            cell: Cell::default(),
            checks: if counted { vec![view] } else { Vec::new() },
        };
        Box::pin(async { Ok(vec![cell]) })
    }
    fn memory<'a>(&'a self, at: Target, _: &'a CheckId) -> Boxed<'a, Result<Memory, NotKnown>> {
        let before = if self.of(at) == Some(Pupils::NoDayBefore) { vec![] } else { pupils(61.0) };
        Box::pin(async { Ok(Memory { baseline: before, ..Memory::default() }) })
    }
    fn fallen<'a>(
        &'a self,
        at: Target,
        _: &'a CheckId,
        _: &'a [Number],
    ) -> Boxed<'a, Result<Option<Fallen>, NotKnown>> {
        let fell = Fallen { from: 100.0, to: 60.0, limit: Some(0.15) };
        let fallen = (self.of(at) == Some(Pupils::Fewer)).then_some(fell);
        Box::pin(async move { Ok(fallen) })
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

struct Bench {
    stage: Stage,
    program: PathBuf,
}

impl Bench {
    /// With a runbook that notes that it ran, and then does this.
    async fn new(text: &str) -> Self {
        let stage = Stage::new().await;
        let folder = stage.folder.path().join("runbooks");
        std::fs::create_dir(&folder).unwrap();
        let program = folder.join("sync");
        let script = format!("#!/bin/sh\ncd {}\necho $$ >>ran\n{text}\n", folder.display());
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        std::fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
        Self { stage, program }
    }

    fn settings(&self) -> String {
        let command =
            format!("[\"{}\", \"--policy\", \"$(touch x); Delta\"]", self.program.display());
        format!("runbook = {{ command = {command} }}\n{}", self.stage.settings())
    }

    fn guard(&self) -> Guard {
        self.stage.guard_with(self.stage.hands("welearn365", &self.settings()), POLICY)
    }

    /// How often it was run to its end or not.
    fn ran(&self) -> usize {
        let noted = std::fs::read_to_string(self.program.with_file_name("ran"));
        noted.map_or(0, |text| text.lines().count())
    }

    /// Past the next sync that the played Microsoft does by itself.
    fn next_sync(&self) {
        self.stage.clock.forward(Duration::from_secs(25 * 60));
    }
}

async fn planned(guard: &Guard) -> Planned {
    plan(guard, SYNC, "estate").await.unwrap()
}

fn looked(held: &Held) -> bool {
    held.closed || (held.outcome.is_some() && held.steps[0].looks > 0)
}

#[tokio::test]
async fn a_runbook_that_ends_well_is_accepted_and_done_when_the_time_of_sync_moves() {
    let bench = Bench::new("printf '\\033[32mResult\\033[0m: Success\\n'; echo \"$@\"").await;
    let guard = bench.guard();
    let planned = planned(&guard).await;
    let item = &planned.plan.items[0];
    assert_eq!((item.aim.to_string().as_str(), bench.ran()), ("estate", 0), "a plan runs nothing");
    assert_eq!(planned.private[0].confirm.as_str(), "estate");
    assert!(fact(&planned, "runbook").ends_with("sync --policy $(touch x); Delta"));
    assert_eq!(fact(&planned, "schools with fewer pupils or accounts"), "none");
    assert!(item.second_person.is_none());
    run(&guard, &planned).await;
    let held = until(&guard, looked).await;
    assert_eq!((held.outcome, held.steps[0].state), (Some(Outcome::Accepted), StepState::Took));
    assert!(held.steps[0].says.as_str().contains("as before"), "{:?}", held.steps);
    // What it wrote is kept: no shell has read its arguments.
    let steps = AuditQuery { from: Some(1), limit: 1_000, ..AuditQuery::default() };
    let audit = serde_json::to_string(&guard.ledger().entries(&steps).unwrap()).unwrap();
    let wrote = "exit code 0); it wrote: Result: Success | --policy $(touch x); Delta";
    assert!(audit.contains(wrote), "{audit}");
    assert!(!bench.program.with_file_name("x").exists());
    bench.next_sync();
    assert_done(&until(&guard, |h| h.closed).await);
    assert_eq!(bench.ran(), 1);
}

#[tokio::test]
async fn threat_27_a_runbook_that_did_nothing_is_never_done() {
    let bench = Bench::new("echo done").await;
    let guard = bench.guard();
    run(&guard, &planned(&guard).await).await;
    until(&guard, looked).await;
    for _ in 0..4 {
        let looks = guard.recent(1).await.unwrap()[0].steps[0].looks;
        bench.stage.clock.forward(Duration::from_secs(120));
        until(&guard, |h| h.steps[0].looks > looks).await;
    }
    let held = guard.recent(1).await.unwrap().remove(0);
    assert_eq!((held.outcome, held.closed), (Some(Outcome::Accepted), false));
    assert_eq!((held.steps[0].sent, bench.ran()), (1, 1), "and not run again");
}

#[tokio::test]
async fn another_exit_code_is_a_failure_with_the_last_line() {
    let bench = Bench::new("echo begun; echo 'a sync is running already' >&2; exit 3").await;
    let guard = bench.guard();
    run(&guard, &planned(&guard).await).await;
    let held = until(&guard, |h| h.closed).await;
    assert_eq!(held.outcome, Some(Outcome::Rejected));
    let says = "the runbook failed with exit code 3: a sync is running already";
    assert_eq!((held.steps[0].says.as_str(), bench.ran()), (says, 1));
}

#[tokio::test]
async fn a_runbook_that_is_late_or_killed_is_unknown_and_read() {
    for (text, words) in
        [("echo begun; sleep 600", "ended after 120 s"), ("kill -9 $$", "signal 9")]
    {
        let bench = Bench::new(text).await;
        let guard = bench.guard();
        run(&guard, &planned(&guard).await).await;
        if words.starts_with("ended") {
            wait(|| bench.ran() == 1).await;
            bench.stage.clock.forward(Duration::from_secs(120));
        }
        let held = until(&guard, looked).await;
        assert_eq!(held.outcome, Some(Outcome::Unknown), "{text}: {:?}", held.steps);
        let steps = AuditQuery { from: Some(1), limit: 1_000, ..AuditQuery::default() };
        let audit = serde_json::to_string(&guard.ledger().entries(&steps).unwrap()).unwrap();
        assert!(audit.contains(words), "{audit}");
        // It may have started a sync all the same.
        bench.next_sync();
        assert_done(&until(&guard, |h| h.closed).await);
        assert_eq!(bench.ran(), 1);
    }
}

#[tokio::test]
async fn threat_22_an_agent_that_ended_over_a_runbook_does_not_run_it_again() {
    let bench = Bench::new("sleep 600").await;
    let guard = bench.guard();
    run(&guard, &planned(&guard).await).await;
    wait(|| bench.ran() == 1).await;
    let risen = bench.guard();
    assert_eq!(risen.resume().await.unwrap(), 1);
    let held = until(&risen, |h| h.steps[0].looks > 0).await;
    assert_eq!(held.steps[0].state, StepState::Unknown);
    bench.next_sync();
    assert_done(&until(&risen, |h| h.closed).await);
    assert_eq!(bench.ran(), 1);
}

#[tokio::test]
async fn threat_17_a_runbook_that_others_can_write_is_not_run() {
    let bench = Bench::new("").await;
    let guard = bench.guard();
    let good = planned(&guard).await;
    std::fs::set_permissions(&bench.program, Permissions::from_mode(0o777)).unwrap();
    let refused = plan(&guard, SYNC, "estate").await;
    assert!(
        matches!(&refused, Err(Denied::Policy(why)) if why.contains("chmod go-w")),
        "{refused:?}"
    );
    run(&guard, &good).await;
    let held = until(&guard, |h| h.closed).await;
    assert_eq!((held.outcome, bench.ran()), (Some(Outcome::ChangedSincePlan), 0));
}

#[tokio::test]
async fn schools_that_lost_pupils_need_a_second_person_who_types_how_many_they_are() {
    let bench = Bench::new("").await;
    let guard = bench.guard();
    let (estate, key) = (bench.stage.estate(), "welearn365".parse().unwrap());
    let schools: Vec<Laestab> = estate.takers(&key).collect();
    let board = &bench.stage.board;
    let second = async || {
        let planned = planned(&guard).await;
        planned.plan.items[0].second_person.clone()
    };
    for (pupils, words) in [
        (Pupils::Fewer, "60 pupils where it held 100: 40 % fewer, and 15 % is the limit"),
        (Pupils::NotKnown, "1 of which that is not known"),
        (Pupils::NoDayBefore, "1 of which that is not known"),
    ] {
        board.set(schools[0], pupils);
        let second = second().await.unwrap();
        assert!(second.why.as_str().contains(words), "{pupils:?}: {}", second.why);
        assert_eq!(second.types.as_ref().map(Clean::as_str), Some("1"), "{pupils:?}");
    }
    // A school that nothing counts is no doubt; an estate in which nothing is counted is.
    board.set(schools[0], Pupils::NotCounted);
    assert_eq!(second().await, None);
    for school in &schools {
        board.set(*school, Pupils::NotCounted);
    }
    let uncounted = second().await.unwrap();
    assert!(uncounted.why.as_str().contains("nobody here counts"), "{}", uncounted.why);
    board.set(schools[0], Pupils::NotKnown);
    board.set(schools[1], Pupils::Fewer);
    let planned = planned(&guard).await;
    assert!(fact(&planned, "schools with fewer pupils or accounts").contains("40 % fewer"));
    let (id, digest) = (planned.plan.id.as_str(), planned.plan.digest.as_str());
    let started = guard.confirm(&tomr(), id, digest).await.unwrap();
    assert!(matches!(started, Started::Waits { role: Role::Approver, .. }));
    let asha = who(1001, "asha", Role::Approver);
    for typed in ["", "1", "estate"] {
        let refused = guard.approve(&asha, id, Countersign::of(digest).typing(typed)).await;
        assert!(matches!(refused, Err(Denied::Asked(_))), "{typed:?}: {refused:?}");
    }
    assert_eq!(bench.ran(), 0);
    guard.approve(&asha, id, Countersign::of(digest).typing("2")).await.unwrap();
    until(&guard, looked).await;
    assert_eq!(bench.ran(), 1);
}

#[tokio::test]
async fn a_fall_between_plan_and_run_stops_it() {
    let bench = Bench::new("").await;
    let guard = bench.guard();
    let planned = planned(&guard).await;
    bench.stage.board.set(bench.stage.school, Pupils::Fewer);
    run(&guard, &planned).await;
    let held = until(&guard, |h| h.closed).await;
    assert_eq!((held.outcome, bench.ran()), (Some(Outcome::ChangedSincePlan), 0));
}

#[tokio::test]
async fn it_is_about_the_estate_and_only_where_a_runbook_and_a_sync_are() {
    use caretaker::simulators::GraphFault;
    let bench = Bench::new("").await;
    let guard = bench.guard();
    let school = bench.stage.school.to_string();
    let refused = plan(&guard, SYNC, &school).await;
    assert!(matches!(&refused, Err(Denied::Policy(why)) if why.contains("estate")), "{refused:?}");
    let without = bench.stage.guard();
    let refused = plan(&without, SYNC, "estate").await;
    assert!(
        matches!(refused, Err(Denied::Nothing(why)) if why.contains("services.welearn365.runbook"))
    );
    for (fault, words) in [
        (GraphFault::SyncOff, "switched off"),
        (GraphFault::SyncNever, "never synced"),
        (GraphFault::Busy, "asks us to wait"),
    ] {
        bench.stage.running.microsoft().set_fault(fault);
        let refused = plan(&guard, SYNC, "estate").await;
        assert!(matches!(&refused, Err(Denied::Policy(why)) if why.contains(words)), "{refused:?}");
        bench.stage.running.microsoft().clear_fault(fault);
    }
    assert_eq!(bench.ran(), 0);
}
