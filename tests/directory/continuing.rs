//! Going on with a lock that was partly done, from end to end.

use std::time::Duration;

use caretaker::guard::{Denied, Guard, Planned, cannot_continue};
use caretaker::model::plan::{Ask, Outcome, StepState};
use caretaker::model::text::Clean;
use caretaker::ports::ledger::{AuditQuery, Held, LeftItem};
use caretaker::simulators::Fault;

use crate::desk::{POLICY, Stage, ask, assert_done, plan, run, tomr, until};

const REOPENS: &str =
    "as long as the account is open in the directory, the next sync reopens WeLearn365";

/// A lock that shut Microsoft 365 and could not write to the directory, which can be written again now.
async fn half_locked(stage: &Stage, guard: &Guard) -> Held {
    let planned = plan(guard, "lock_account", &stage.target(0)).await.unwrap();
    stage.running.set_fault("welearn365.ad_write", None, Fault::Unauthorised);
    run(guard, &planned).await;
    let held = until(guard, |h| h.plan == planned.plan.id && h.outcome.is_some()).await;
    stage.running.clear_fault("welearn365.ad_write", None);
    assert_eq!(held.outcome, Some(Outcome::PartlyDone));
    held
}

fn going_on_with(begun: &Held) -> Ask {
    let target = begun.item.aim.to_string();
    Ask { continues: Some(begun.item.key.clone()), ..ask("lock_account", &[&target]) }
}

async fn go_on(guard: &Guard, begun: &Held) -> Result<Planned, Denied> {
    guard.plan(&tomr(), going_on_with(begun), false).await
}

async fn by_key(guard: &Guard, key: &Clean) -> Held {
    guard.recent(20).await.unwrap().into_iter().find(|h| h.item.key == *key).unwrap()
}

/// The newest item that was confirmed and not begun, once there is one.
async fn left(guard: &Guard) -> LeftItem {
    let mut news = guard.news();
    let looking = async {
        loop {
            if let Some(left) = guard.left(1).await.unwrap().pop() {
                return left;
            }
            news.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(60), looking).await.expect("nothing was left")
}

#[tokio::test]
async fn what_is_missing_is_planned_done_and_closes_the_first() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let begun = half_locked(&stage, &guard).await;
    assert!(!begun.closed);
    assert_eq!(begun.left_open(), [Clean::new(REOPENS)], "as long as the directory is open");
    // The same lock once more is somebody's already.
    let again = plan(&guard, "lock_account", &stage.target(0)).await.unwrap();
    run(&guard, &again).await;
    assert!(left(&guard).await.why.as_str().contains("is acting on it"));

    let planned = go_on(&guard, &begun).await.unwrap();
    let item = &planned.plan.items[0];
    let steps: Vec<_> = item.steps.iter().map(|s| s.system.as_str()).collect();
    assert_eq!(steps, ["AD", "AD", "AD", "WeLearn365"], "its sign-in is blocked already");
    assert!(item.beware[0].as_str().contains("goes on with what tomr began"), "{:?}", item.beware);
    assert_eq!(stage.effects(), ["graph block", "graph revoke"], "a plan sends nothing");
    run(&guard, &planned).await;
    let held = until(&guard, |h| h.plan == planned.plan.id && h.closed).await;
    assert_done(&held);
    let locked = ["ad disable", "ad password", "ad password", "graph revoke"];
    assert_eq!(stage.effects()[2..], locked, "sessions end after the password has changed");
    let first = by_key(&guard, &begun.item.key).await;
    assert!(first.closed, "one of them is open, never both");
    assert_eq!(first.outcome, Some(Outcome::PartlyDone), "what came of it stays told");
    assert!(held.left_open().is_empty());

    let query = AuditQuery { kind: Some("intent".to_owned()), limit: 1, ..AuditQuery::default() };
    let intent = guard.ledger().entries(&query).unwrap().remove(0);
    assert_eq!(intent.body.get("continues"), Some(&begun.item.key));
    let again = go_on(&guard, &begun).await;
    assert!(matches!(again, Err(Denied::Nothing(_))), "{again:?}");
}

#[tokio::test]
async fn of_two_who_go_on_one_does() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let begun = half_locked(&stage, &guard).await;
    let one = go_on(&guard, &begun).await.unwrap();
    let other = go_on(&guard, &begun).await.unwrap();
    run(&guard, &one).await;
    assert_done(&until(&guard, |h| h.plan == one.plan.id && h.closed).await);
    run(&guard, &other).await;
    let left = left(&guard).await;
    assert!(left.plan.id == other.plan.id, "{left:?}");
    assert!(left.why.as_str().contains("continued by somebody else"), "{}", left.why);
    assert_eq!(stage.effects().len(), 6, "nothing is done twice: {:?}", stage.effects());
}

#[tokio::test]
async fn only_what_is_partly_done_and_known_is_continued_and_only_on_its_own_target() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let begun = half_locked(&stage, &guard).await;
    let refused = |answer: Result<Planned, Denied>, part: &str| {
        let denied = answer.unwrap_err();
        assert!(denied.to_string().contains(part), "{denied}");
    };
    let elsewhere =
        Ask { targets: vec![stage.target(1).parse().unwrap()], ..going_on_with(&begun) };
    refused(guard.plan(&tomr(), elsewhere, false).await, "only that can be continued");
    let other =
        Ask { action: "welearn365.restore_account".parse().unwrap(), ..going_on_with(&begun) };
    refused(guard.plan(&tomr(), other, false).await, "only that can be continued");
    let nothing =
        Ask { continues: Some(Clean::new("0".repeat(32).as_str())), ..going_on_with(&begun) };
    refused(guard.plan(&tomr(), nothing, false).await, "no such open action");
    // The policy is asked as for any plan.
    let frozen = format!("{POLICY}\n[protected]\naccounts = [\"{}\"]\n", guid(&begun));
    let closed = stage.guard_with(stage.hands("welearn365", &stage.settings()), &frozen);
    refused(go_on(&closed, &begun).await, "protected");
    assert!(!by_key(&guard, &begun.item.key).await.closed);

    let with = |state: StepState| {
        let mut held = begun.clone();
        held.steps[0].state = state;
        held
    };
    assert_eq!(cannot_continue(&begun), None);
    assert!(cannot_continue(&with(StepState::Unknown)).unwrap().contains("tell what you saw"));
    assert!(cannot_continue(&with(StepState::Took)).unwrap().contains("tell what you saw"));
    assert!(cannot_continue(&with(StepState::Sent)).unwrap().contains("still runs"));
    assert!(cannot_continue(&with(StepState::Waiting)).unwrap().contains("still runs"));
    let closed = Held { closed: true, ..begun.clone() };
    assert!(cannot_continue(&closed).unwrap().contains("closed"));
    let done = Held { outcome: Some(Outcome::Rejected), ..begun };
    assert!(cannot_continue(&done).unwrap().contains("nothing"));
}

fn guid(held: &Held) -> String {
    held.item.aim.to_string().rsplit_once("guid:").unwrap().1.to_owned()
}

#[tokio::test]
async fn a_step_that_somebody_says_is_not_there_leaves_a_lock_open() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let planned = plan(&guard, "lock_account", &stage.target(0)).await.unwrap();
    // It is taken, and nothing is done: reading tells that, and for how long nobody knows.
    stage.running.set_fault("welearn365.ad_write", None, Fault::Empty200);
    run(&guard, &planned).await;
    let open = |state| matches!(state, StepState::Unknown | StepState::Took);
    let held = until(&guard, |h| {
        h.plan == planned.plan.id
            && h.outcome == Some(Outcome::Accepted)
            && h.steps.iter().all(|s| s.state == StepState::Seen || open(s.state))
    })
    .await;
    let key = held.item.key.as_str();
    for (n, _) in held.steps.iter().enumerate().filter(|(_, s)| open(s.state)) {
        let how = Clean::new("looked at it with the directory's own tools");
        guard.told(&tomr(), key, n, false, &how).await.unwrap();
    }
    let held = by_key(&guard, &held.item.key).await;
    assert_eq!(held.outcome, Some(Outcome::PartlyDone));
    assert!(!held.closed, "the directory is open: it stays somebody's business");
    assert_eq!(cannot_continue(&held), None, "{held:?}");
    stage.running.clear_fault("welearn365.ad_write", None);
    let planned = go_on(&guard, &held).await.unwrap();
    run(&guard, &planned).await;
    assert_done(&until(&guard, |h| h.plan == planned.plan.id && h.closed).await);
}
