//! Syncing one account again: through the guard, over a ledger, against the played directory and the
//! played Microsoft, which counts what it has really done.

use std::time::Duration;

use caretaker::guard::Denied;
use caretaker::model::plan::{Outcome, StepState};
use caretaker::ports::ledger::AuditQuery;
use caretaker::simulators::{Fault, GraphFault};

use crate::desk::{POLICY, Stage, ask, assert_done, done, fact, plan, run, tomr, until, wait, who};

const RESYNC: &str = "resync_account";

/// How often the sync was asked.
fn asked(stage: &Stage) -> u64 {
    let served = stage.running.served();
    served.iter().filter(|(call, _)| call.contains("provisionOnDemand")).map(|(_, n)| n).sum()
}

#[tokio::test]
async fn an_account_is_synced_once_and_done_when_its_time_moves() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let planned = plan(&guard, RESYNC, &stage.target(0)).await.unwrap();
    let item = &planned.plan.items[0];
    assert!(item.second_person.is_none() && item.steps.len() == 1 && item.undo.is_none());
    assert_eq!(fact(&planned, "WeLearn365"), "sign-in is open");
    assert!(stage.effects().is_empty(), "a plan sends nothing");
    run(&guard, &planned).await;
    let held = until(&guard, |h| h.closed).await;
    assert_done(&held);
    assert!(held.steps[0].says.as_str().contains("09:10"), "{}", held.steps[0].says);
    assert_eq!((stage.effects(), asked(&stage)), (vec!["graph provision".to_owned()], 1));
    // The distinguished name that was sent stands nowhere.
    let every = AuditQuery { from: Some(1), limit: 1_000, ..AuditQuery::default() };
    let audit = serde_json::to_string(&guard.ledger().entries(&every).unwrap()).unwrap();
    for text in [&audit, &format!("{held:?}"), &serde_json::to_string(&planned.plan).unwrap()] {
        assert!(!text.contains("CN="), "{text}");
    }
}

#[tokio::test]
async fn more_than_one_account_is_a_sync_of_the_directory_and_refused() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let two = ask(RESYNC, &[&stage.target(0), &stage.target(1)]);
    let two = guard.plan(&tomr(), two, false).await;
    assert!(matches!(two, Err(Denied::Asked(why)) if why.contains("one account at a time")));
    assert_eq!(asked(&stage), 0);
}

#[tokio::test]
async fn an_account_that_the_cloud_lacks_is_made_and_what_will_change_is_said() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    stage.running.microsoft().delete_account(stage.school, 0, false);
    let planned = plan(&guard, RESYNC, &stage.target(0)).await.unwrap();
    assert_eq!(fact(&planned, "WeLearn365"), "has no such account");
    let beware = format!("{:?}", planned.plan.items[0].beware);
    assert!(beware.contains("it is made"), "{beware}");
    run(&guard, &planned).await;
    assert_done(&until(&guard, |h| h.closed).await);
    // The other way round: what the directory has disabled is blocked by it.
    stage.running.set_in_directory(stage.school, 1, "userAccountControl", "514");
    let planned = plan(&guard, RESYNC, &stage.target(1)).await.unwrap();
    let beware = format!("{:?}", planned.plan.items[0].beware);
    assert!(beware.contains("its sign-in will be blocked"), "{beware}");
    assert!(stage.running.microsoft().is_enabled(stage.school, 1));
    run(&guard, &planned).await;
    assert_done(&until(&guard, |h| h.plan == planned.plan.id && h.closed).await);
    assert!(!stage.running.microsoft().is_enabled(stage.school, 1));
}

#[tokio::test]
async fn threat_27_a_200_is_no_success_and_a_success_is_not_done_before_it_is_seen() {
    use Outcome::{Accepted, Done, Rejected, Unknown};
    for (fault, outcome, words, effects) in [
        (GraphFault::SyncSkips, Rejected, "as the directory has it already (RedundantExport)", 0),
        (GraphFault::SyncFails, Rejected, "could not take the account (AttributeValue", 0),
        (GraphFault::SyncHalfFails, Unknown, "as before", 0),
        (GraphFault::SyncIdles, Accepted, "as before", 0),
        // Not understood, and read all the same.
        (GraphFault::SyncGarbled, Done, "reached this account", 1),
    ] {
        let stage = Stage::new().await;
        let guard = stage.guard();
        let planned = plan(&guard, RESYNC, &stage.target(0)).await.unwrap();
        stage.running.microsoft().set_fault(fault);
        run(&guard, &planned).await;
        let looked = |h: &caretaker::ports::ledger::Held| {
            h.closed || (h.outcome.is_some() && h.steps[0].looks > 0)
        };
        let held = until(&guard, looked).await;
        assert_eq!(held.outcome, Some(outcome), "{fault:?}: {:?}", held.steps);
        assert!(held.steps[0].says.as_str().contains(words), "{fault:?}: {}", held.steps[0].says);
        assert_eq!((stage.effects().len(), asked(&stage)), (effects, 1), "{fault:?}");
        if held.closed {
            continue;
        }
        // Looked for until somebody must look, and never asked again.
        for _ in 0..4 {
            let looks = guard.recent(1).await.unwrap()[0].steps[0].looks;
            stage.clock.forward(Duration::from_secs(120));
            until(&guard, |h| h.steps[0].looks > looks).await;
        }
        let held = guard.recent(1).await.unwrap().remove(0);
        assert_eq!((held.outcome, held.closed), (Some(outcome), false), "{fault:?}");
        assert_eq!((held.steps[0].sent, asked(&stage)), (1, 1), "{fault:?}");
    }
}

#[tokio::test]
async fn no_answer_is_read_and_a_refusal_is_one() {
    use Outcome::{Done, Rejected, Unknown};
    for (fault, outcome, effects) in [
        (Fault::Status(500), Unknown, 0),
        (Fault::Down, Unknown, 0),
        (Fault::HalfSent, Done, 1),
        (Fault::Truncated, Done, 1),
        (Fault::Unauthorised, Rejected, 0),
        (Fault::Status(400), Rejected, 0),
        (Fault::Status(404), Rejected, 0),
    ] {
        let stage = Stage::new().await;
        let guard = stage.guard();
        let planned = plan(&guard, RESYNC, &stage.target(0)).await.unwrap();
        stage.running.set_fault("welearn365.graph_write", None, fault);
        run(&guard, &planned).await;
        let held = until(&guard, |h| h.closed || (h.outcome.is_some() && h.steps[0].looks > 0));
        let held = held.await;
        assert_eq!(held.outcome, Some(outcome), "{fault:?}: {:?}", held.steps);
        assert_eq!(stage.effects().len(), effects, "{fault:?}");
        assert_eq!((held.steps[0].sent, asked(&stage)), (1, 1), "{fault:?}");
    }
    // Turned away before anything was done: the wait that Microsoft asks for is kept.
    let stage = Stage::new().await;
    let guard = stage.guard();
    let planned = plan(&guard, RESYNC, &stage.target(0)).await.unwrap();
    stage.running.set_fault("welearn365.graph_write", None, Fault::Status(429));
    run(&guard, &planned).await;
    let held = until(&guard, |h| h.steps[0].says.as_str().contains("asks us to wait")).await;
    assert_eq!((held.outcome, asked(&stage), stage.effects().len()), (None, 1, 0));
}

#[tokio::test]
async fn threat_22_an_agent_that_ended_over_it_reads_it_and_asks_no_more() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let planned = plan(&guard, RESYNC, &stage.target(0)).await.unwrap();
    stage.running.hold_writes(true);
    run(&guard, &planned).await;
    wait(|| asked(&stage) == 1).await;
    // Another agent over the same ledger, while the first still waits for the answer.
    let risen = stage.guard();
    assert_eq!(risen.resume().await.unwrap(), 1);
    let held = until(&risen, |h| h.steps[0].looks > 0).await;
    assert_eq!(held.steps[0].state, StepState::Unknown);
    stage.running.hold_writes(false);
    wait(|| stage.effects().len() == 1).await;
    stage.clock.forward(Duration::from_secs(60));
    assert_done(&until(&risen, |h| h.closed).await);
    assert_eq!((stage.effects().len(), asked(&stage)), (1, 1));
}

#[tokio::test]
async fn whom_it_does_not_take_and_why() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let refused = async |target: String| match plan(&guard, RESYNC, &target).await {
        Err(Denied::Policy(why)) => why,
        other => panic!("{target}: {other:?}"),
    };
    assert!(refused(stage.target(9)).await.contains("runs the domain"));
    assert!(refused(format!("{}/sam:nobody.x", stage.school)).await.contains("no such account"));
    stage.running.microsoft().make_administrator(stage.school, 5);
    assert!(refused(stage.target(5)).await.contains("administrator's role"));
    let own = who(7, &stage.login(0), caretaker::model::plan::Role::Operator);
    let mine = guard.plan(&own, ask(RESYNC, &[&stage.target(0)]), false).await;
    assert!(matches!(mine, Err(Denied::Policy(why)) if why.contains("your own account")));
    // Moved between the plan and the first step.
    let planned = plan(&guard, RESYNC, &stage.target(0)).await.unwrap();
    stage.running.microsoft().make_administrator(stage.school, 0);
    run(&guard, &planned).await;
    let held = until(&guard, |h| h.closed).await;
    assert_eq!(held.outcome, Some(Outcome::ChangedSincePlan));
    assert_eq!(asked(&stage), 0);
}

#[tokio::test]
async fn without_the_ids_of_the_sync_it_is_not_possible_and_the_remedy_is_said() {
    let stage = Stage::new().await;
    let settings = stage.settings();
    let (before, after) = settings.split_once(", resync = {").unwrap();
    let without = format!("{before} }}\n{}", after.split_once("} }\n").unwrap().1);
    let guard = stage.guard_with(stage.hands("welearn365", &without), POLICY);
    let refused = plan(&guard, RESYNC, &stage.target(0)).await;
    assert!(matches!(refused, Err(Denied::Nothing(why)) if why.contains("act.resync")));
    assert!(guard.lacking().iter().any(|(s, _)| s.id == "welearn365.resync_account"));
}

#[tokio::test]
async fn microsoft_is_asked_for_no_more_than_it_takes() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    for n in 0..5 {
        let planned = plan(&guard, RESYNC, &stage.target(n)).await.unwrap();
        run(&guard, &planned).await;
    }
    wait(|| stage.effects().len() == 5).await;
    stage.clock.forward(Duration::from_secs(3));
    let sixth = plan(&guard, RESYNC, &stage.target(6)).await.unwrap();
    run(&guard, &sixth).await;
    wait(|| stage.clock.waits(Duration::from_secs(7))).await;
    assert_eq!(asked(&stage), 5);
    stage.clock.forward(Duration::from_secs(7));
    assert_done(&until(&guard, |h| h.plan == sixth.plan.id && h.closed).await);
    assert_eq!(asked(&stage), 6, "nothing was turned away");
    assert_done(&done(&guard, RESYNC, &stage.target(7)).await);
}
