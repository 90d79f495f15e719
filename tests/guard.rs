//! The guard over a real ledger: confirmation, second person, faults and restarts, with a vendor
//! that counts what really happened. And the policy that is shipped as an example.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use caretaker::guard::machine::{Run, ends};
use caretaker::guard::policy::Policy;
use caretaker::guard::{Countersign, Denied, Guard, Parts, Started, Who};
use caretaker::model::action::{ActionSpec, AimsAt, Class};
use caretaker::model::ids::ActionId;
use caretaker::model::observation::Fact;
use caretaker::model::plan::{Aim, Ask, Item, Kind, Operator, Outcome, Private, Role, Step};
use caretaker::model::text::Clean;
use caretaker::ports::act::{Act, Answer, Prepared, Refused, Seen};
use caretaker::ports::clock::Boxed;
use caretaker::ports::ledger::{AuditQuery, Committed, Held};
use caretaker::store::SqliteLedger;
use caretaker::sys::{SystemClock, SystemEntropy};
use jiff::Timestamp;

const POLICY: &str = r#"
[[rule]]
name = "plain"
actions = ["groupcall.resync"]
per_plan = 5

[[rule]]
name = "two"
actions = ["welearn365.restore_account"]
second = "approver"

[[rule]]
name = "shown"
actions = ["welearn365.reset_password"]
second = "approver"
"#;

/// What the vendor does to the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    Refuses,
    /// Says yes, and does nothing.
    Lies,
    /// Does it, and the answer is lost.
    LosesTheAnswer,
    /// Does it, and the process dies before the answer: the future never ends.
    Dies,
}

/// A vendor of one action, counting its effects.
struct Vendor {
    action: &'static str,
    class: Class,
    mood: Mutex<Mood>,
    effects: AtomicU32,
    /// How often it was asked with names to be shown.
    shown: AtomicU32,
    /// What a reading of the target shows; changing it is somebody else's doing.
    state: Mutex<String>,
    /// SIDs of the target's groups, where it is an account.
    groups: Mutex<Option<Vec<Clean>>>,
}

impl Vendor {
    fn new(action: &'static str, class: Class) -> Arc<Self> {
        let (mood, state) = (Mutex::new(Mood::Well), Mutex::new("as it was".to_owned()));
        let (effects, shown) = (AtomicU32::new(0), AtomicU32::new(0));
        let groups = Mutex::new(None);
        Arc::new(Self { action, class, mood, effects, shown, state, groups })
    }

    fn effects(&self) -> u32 {
        self.effects.load(Ordering::SeqCst)
    }
}

impl Act for Vendor {
    fn actions(&self) -> Vec<ActionSpec> {
        let label = "Do it";
        let (class, aims_at) = (self.class, AimsAt::School);
        vec![ActionSpec { id: self.action, label, class, aims_at, choices: &[] }]
    }

    fn prepare<'a>(
        &'a self,
        _: &'a Ask,
        aim: &'a Aim,
        _: &'a Operator,
        show: bool,
        _: Timestamp,
    ) -> Boxed<'a, Result<Prepared, Refused>> {
        self.shown.fetch_add(u32::from(show), Ordering::SeqCst);
        Box::pin(async move {
            let now = self.state.lock().unwrap().clone();
            let step = Step {
                id: Clean::new("do"),
                system: Clean::new("Vendor"),
                says: Clean::new("do it"),
                class: self.class,
                undoable: false,
                patience_s: 3_600,
                with: BTreeMap::new(),
            };
            let item = Item {
                key: Clean::new(""),
                aim: aim.clone(),
                also: Vec::new(),
                kind: Kind::School,
                lease: Clean::new(&format!("vendor:{aim}")),
                now: vec![Fact { name: Clean::new("state"), value: Clean::new(&now) }],
                steps: vec![step],
                protective: false,
                will_not: Vec::new(),
                beware: Vec::new(),
                undo: None,
                sends: Vec::new(),
                second_person: None,
            };
            let word = Clean::new(&aim.to_string());
            Ok(Prepared {
                item,
                private: Private { label: word.clone(), confirm: word, notes: Vec::new() },
                groups: self.groups.lock().unwrap().clone(),
            })
        })
    }

    fn step<'a>(
        &'a self,
        _: &'a Committed,
        _: &'a Item,
        _: usize,
        _: Timestamp,
    ) -> Boxed<'a, Answer> {
        Box::pin(async move {
            let mood = *self.mood.lock().unwrap();
            if !matches!(mood, Mood::Refuses | Mood::Lies) {
                self.effects.fetch_add(1, Ordering::SeqCst);
            }
            let says = Clean::new("said");
            match mood {
                Mood::Well | Mood::Lies => Answer::Took { says, reference: None, secret: None },
                Mood::Refuses => Answer::Refused { says },
                Mood::LosesTheAnswer => Answer::NoAnswer { says },
                Mood::Dies => std::future::pending().await,
            }
        })
    }

    fn look<'a>(&'a self, _: &'a Item, _: usize, _: Timestamp, _: Timestamp) -> Boxed<'a, Seen> {
        Box::pin(async move {
            let says = Clean::new("read");
            if self.effects() > 0 { Seen::There(says) } else { Seen::NotThere(says) }
        })
    }
}

fn who(uid: u32, role: Role) -> Who {
    let operator = Operator { uid, login: Some(uid), name: Clean::new(&format!("u{uid}")) };
    Who { operator, roles: BTreeSet::from([role]) }
}

fn ask(action: &str) -> Ask {
    Ask {
        action: action.parse().unwrap(),
        targets: vec!["9991001".parse().unwrap()],
        reason: Clean::new("no data since Saturday"),
        ticket: None,
        choices: BTreeMap::new(),
        continues: None,
    }
}

fn guard(folder: &Path, vendor: &Arc<Vendor>) -> Guard {
    let known = ["groupcall.resync", "welearn365.restore_account", "welearn365.reset_password"];
    let actions: Vec<ActionId> = known.iter().map(|a| a.parse().unwrap()).collect();
    Guard::new(Parts {
        ledger: Arc::new(SqliteLedger::open(&folder.join("ledger.db")).unwrap()),
        acts: vec![vendor.clone()],
        policy: Ok(Policy::new(toml::from_str(POLICY).unwrap(), "p1", &actions).unwrap()),
        clock: Arc::new(SystemClock::new()),
        entropy: Arc::new(SystemEntropy),
        alone: false,
    })
}

/// Waits until the newest action fits.
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
    tokio::time::timeout(std::time::Duration::from_secs(60), looking).await.unwrap()
}

async fn confirmed(guard: &Guard, action: &str) -> Started {
    let planned = guard.plan(&who(1000, Role::Operator), ask(action), false).await.unwrap();
    let plan = planned.plan;
    let who = who(1000, Role::Operator);
    guard.confirm(&who, plan.id.as_str(), plan.digest.as_str()).await.unwrap()
}

#[tokio::test]
async fn a_confirmed_plan_is_done_once_seen_and_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let vendor = Vendor::new("groupcall.resync", Class::Trigger);
    let guard = guard(folder.path(), &vendor);
    let me = who(1000, Role::Operator);
    let plan = guard.plan(&me, ask("groupcall.resync"), false).await.unwrap().plan;
    assert_eq!(vendor.effects(), 0, "a plan sends nothing");
    let other = guard.confirm(&me, plan.id.as_str(), "0000").await;
    assert!(matches!(other, Err(Denied::Stale(_))), "another digest");
    let stranger = who(1001, Role::Lead);
    let theirs = guard.confirm(&stranger, plan.id.as_str(), plan.digest.as_str()).await;
    assert!(matches!(theirs, Err(Denied::Policy(_))), "somebody else's plan");
    guard.confirm(&me, plan.id.as_str(), plan.digest.as_str()).await.unwrap();
    let again = guard.confirm(&me, plan.id.as_str(), plan.digest.as_str()).await;
    assert!(matches!(again, Err(Denied::Nothing(_))), "used");
    let held = until(&guard, |h| h.closed).await;
    assert_eq!((held.outcome, vendor.effects()), (Some(Outcome::Done), 1));
    let all = AuditQuery { from: Some(1), limit: 100, ..AuditQuery::default() };
    let kinds: Vec<String> =
        guard.ledger().entries(&all).unwrap().iter().map(|e| e.kind.to_string()).collect();
    let refused = ["plan", "denied", "denied", "confirmed"];
    let done = ["intent", "step", "step", "step", "outcome"];
    assert_eq!(kinds, [&refused[..], &done[..]].concat(), "another digest, somebody else's plan");
}

#[tokio::test]
async fn a_denial_is_recorded_and_nothing_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let vendor = Vendor::new("groupcall.resync", Class::Trigger);
    let guard = guard(folder.path(), &vendor);
    let viewer = guard.plan(&who(1000, Role::Viewer), ask("groupcall.resync"), false).await;
    assert!(matches!(viewer, Err(Denied::Policy(_))));
    let denied = AuditQuery { kind: Some("denied".into()), limit: 10, ..AuditQuery::default() };
    assert_eq!(guard.ledger().entries(&denied).unwrap().len(), 1);
    guard.set_policy(Err("line 3: no".into())).await.unwrap();
    let none = guard.plan(&who(1000, Role::Operator), ask("groupcall.resync"), false).await;
    assert!(matches!(none, Err(Denied::NoPolicy(_))));
    assert_eq!(vendor.effects(), 0);
}

#[tokio::test]
async fn a_second_person_is_another_person_and_only_then_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let vendor = Vendor::new("welearn365.restore_account", Class::SetState);
    let guard = guard(folder.path(), &vendor);
    assert!(matches!(
        confirmed(&guard, "welearn365.restore_account").await,
        Started::Waits { role: Role::Approver, .. }
    ));
    let plan = guard.waiting().await.unwrap().pop().unwrap().plan;
    let (id, digest) = (plan.id.as_str(), plan.digest.as_str());
    let own = guard.approve(&who(1000, Role::Lead), id, Countersign::of(digest)).await;
    assert!(matches!(own, Err(Denied::Policy(_))), "{own:?}");
    let no_role = guard.approve(&who(1001, Role::Operator), id, Countersign::of(digest)).await;
    assert!(matches!(no_role, Err(Denied::Policy(_))));
    assert_eq!(vendor.effects(), 0);
    guard.approve(&who(1001, Role::Approver), id, Countersign::of(digest)).await.unwrap();
    let held = until(&guard, |h| h.closed).await;
    assert_eq!((held.outcome, vendor.effects()), (Some(Outcome::Done), 1));
}

#[tokio::test]
async fn a_role_that_was_lost_since_the_plan_confirms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let vendor = Vendor::new("groupcall.resync", Class::Trigger);
    let guard = guard(folder.path(), &vendor);
    let me = who(1000, Role::Operator);
    let plan = guard.plan(&me, ask("groupcall.resync"), false).await.unwrap().plan;
    let now_only_looks = who(1000, Role::Viewer);
    let denied = guard.confirm(&now_only_looks, plan.id.as_str(), plan.digest.as_str()).await;
    assert!(matches!(denied, Err(Denied::Policy(_))));
    let confirmed = AuditQuery { kind: Some("confirmed".into()), ..AuditQuery::default() };
    let confirmed = AuditQuery { limit: 10, ..confirmed };
    assert_eq!(guard.ledger().entries(&confirmed).unwrap(), []);
    assert_eq!(vendor.effects(), 0);
}

#[tokio::test]
async fn what_is_shown_once_waits_for_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let vendor = Vendor::new("welearn365.reset_password", Class::Destructive);
    let guard = guard(folder.path(), &vendor);
    let me = who(1000, Role::Operator);
    let planned = guard.plan(&me, ask("welearn365.reset_password"), false).await;
    let Err(Denied::Policy(why)) = planned else { panic!("{planned:?}") };
    assert!(why.contains("shown once") && why.contains("the policy has to"), "{why}");
    assert!(guard.waiting().await.unwrap().is_empty());
}

#[tokio::test]
async fn threat_29_a_login_in_a_denial_stays_out_of_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let vendor = Vendor::new("groupcall.resync", Class::Trigger);
    let guard = guard(folder.path(), &vendor);
    let target = "9991001/sam:jane.doe".parse().unwrap();
    let twice = Ask { targets: vec![target; 2], ..ask("groupcall.resync") };
    let denied = guard.plan(&who(1000, Role::Operator), twice, false).await.unwrap_err();
    assert!(denied.to_string().contains("named twice"), "{denied}");
    let query = AuditQuery { kind: Some("denied".into()), limit: 10, ..AuditQuery::default() };
    let entries = guard.ledger().entries(&query).unwrap();
    let kept = format!("{entries:?}");
    assert!(entries.len() == 1 && kept.contains("j....."), "{kept}");
    assert!(!kept.contains("jane"), "{kept}");
}

#[tokio::test]
async fn threat_10_a_target_that_changed_since_the_plan_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let vendor = Vendor::new("groupcall.resync", Class::Trigger);
    let guard = guard(folder.path(), &vendor);
    let me = who(1000, Role::Operator);
    let plan = guard.plan(&me, ask("groupcall.resync"), false).await.unwrap().plan;
    *vendor.state.lock().unwrap() = "somebody else's".to_owned();
    guard.confirm(&me, plan.id.as_str(), plan.digest.as_str()).await.unwrap();
    let held = until(&guard, |h| h.closed).await;
    assert_eq!((held.outcome, vendor.effects()), (Some(Outcome::ChangedSincePlan), 0));
}

#[tokio::test]
async fn a_lost_answer_is_read_and_never_repeated_for_a_trigger() {
    let folder = tempfile::tempdir().unwrap();
    let vendor = Vendor::new("groupcall.resync", Class::Trigger);
    *vendor.mood.lock().unwrap() = Mood::LosesTheAnswer;
    let guard = guard(folder.path(), &vendor);
    confirmed(&guard, "groupcall.resync").await;
    let held = until(&guard, |h| h.closed).await;
    assert_eq!((held.outcome, vendor.effects()), (Some(Outcome::Done), 1));
    *vendor.mood.lock().unwrap() = Mood::Refuses;
    confirmed(&guard, "groupcall.resync").await;
    let held = until(&guard, |h| h.closed && h.outcome != Some(Outcome::Done)).await;
    assert_eq!((held.outcome, vendor.effects()), (Some(Outcome::Rejected), 1));
}

#[tokio::test]
async fn threat_22_an_agent_that_died_over_a_step_reads_it_after_the_restart() {
    for class in [Class::SetState, Class::Monotonic, Class::Trigger, Class::Destructive] {
        let folder = tempfile::tempdir().unwrap();
        let vendor = Vendor::new("groupcall.resync", class);
        *vendor.mood.lock().unwrap() = Mood::Dies;
        let dying = guard(folder.path(), &vendor);
        confirmed(&dying, "groupcall.resync").await;
        let sent = |h: &Held| h.steps.iter().any(|s| s.sent == 1);
        until(&dying, sent).await;
        let arrived = async {
            while vendor.effects() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), arrived).await.unwrap();
        // The step is with the vendor; the process that waits for its answer is gone for good.
        drop(dying);
        *vendor.mood.lock().unwrap() = Mood::Well;
        let risen = guard(folder.path(), &vendor);
        assert_eq!(risen.resume().await.unwrap(), 1, "{class:?}");
        let held = until(&risen, |h| h.closed).await;
        assert_eq!((held.outcome, vendor.effects()), (Some(Outcome::Done), 1), "{class:?}");
    }
}

#[tokio::test]
async fn threat_27_success_that_did_nothing_is_accepted_and_never_done() {
    let folder = tempfile::tempdir().unwrap();
    let vendor = Vendor::new("groupcall.resync", Class::Trigger);
    *vendor.mood.lock().unwrap() = Mood::Lies;
    let guard = guard(folder.path(), &vendor);
    confirmed(&guard, "groupcall.resync").await;
    let held = until(&guard, |h| h.steps.iter().any(|s| s.looks > 0) && h.outcome.is_some()).await;
    assert_eq!((held.outcome, held.closed), (Some(Outcome::Accepted), false));
    let run = Run::recorded(held.steps.clone(), ends(held.at));
    let next = run.next_look(&held.item, held.at);
    assert!(next.is_some(), "it is looked for again");
}

#[tokio::test]
async fn threat_28_whoever_hangs_up_leaves_nothing_half_done() {
    for polls in 0..40 {
        let folder = tempfile::tempdir().unwrap();
        let vendor = Vendor::new("groupcall.resync", Class::Trigger);
        let guard = guard(folder.path(), &vendor);
        let me = who(1000, Role::Operator);
        let plan = guard.plan(&me, ask("groupcall.resync"), false).await.unwrap().plan;
        let mut asking = Box::pin(guard.confirm(&me, plan.id.as_str(), plan.digest.as_str()));
        for _ in 0..polls {
            if futures_util::poll!(&mut asking).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(asking);
        let whole = async {
            loop {
                let begun = guard.recent(1).await.unwrap();
                let untouched = guard.planned(plan.id.as_str()).is_some();
                if untouched || begun.iter().any(|h| h.closed) {
                    return untouched;
                }
            }
        };
        let whole = tokio::time::timeout(std::time::Duration::from_secs(60), whole).await;
        let untouched = whole.expect("confirmed, and neither begun nor left");
        assert_eq!(vendor.effects(), u32::from(!untouched), "after {polls} polls");
    }
}

#[tokio::test]
async fn threat_29_a_name_is_shown_only_after_that_was_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let vendor = Vendor::new("groupcall.resync", Class::Trigger);
    let guard = guard(folder.path(), &vendor);
    let me = who(1000, Role::Operator);
    guard.plan(&me, ask("groupcall.resync"), true).await.unwrap();
    let unmasked = AuditQuery { kind: Some("unmasked".into()), limit: 9, ..AuditQuery::default() };
    let recorded = guard.ledger().entries(&unmasked).unwrap();
    assert_eq!((recorded.len(), vendor.shown.load(Ordering::SeqCst)), (1, 1));
    // From now on that cannot be recorded.
    let db = rusqlite::Connection::open(folder.path().join("ledger.db")).unwrap();
    db.execute_batch(
        "CREATE TRIGGER full BEFORE INSERT ON entry WHEN NEW.kind = 'unmasked'
         BEGIN SELECT RAISE(ABORT, 'no room'); END;",
    )
    .unwrap();
    let refused = guard.plan(&me, ask("groupcall.resync"), true).await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(vendor.shown.load(Ordering::SeqCst), 1, "nothing was shown");
    guard.plan(&me, ask("groupcall.resync"), false).await.unwrap();
}

#[test]
fn the_example_policy_holds_and_a_failing_example_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let file = folder.path().join("policy.toml");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples/policy.toml");
    let text = std::fs::read_to_string(source).unwrap();
    let test = |text: &str| {
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let out = Command::new(env!("CARGO_BIN_EXE_caretaker"))
            .args(["policy", "test"])
            .arg(&file)
            .output()
            .unwrap();
        let said = [out.stdout, out.stderr].concat();
        (out.status.code(), String::from_utf8(said).unwrap())
    };
    let (code, said) = test(&text);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("7 examples, all hold"), "{said}");
    let broken = text.replacen("expect = \"allow\"", "expect = \"deny\"", 1);
    let line = 1 + broken.lines().position(|l| l == "expect = \"deny\"").unwrap();
    let (code, said) = test(&broken);
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains(&format!("policy.toml:{line}:")), "{said}");
    let (code, said) = test(&text.replace("per_plan", "per_plam"));
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("per_plan"), "the nearest name: {said}");
}
