//! A digest stands for everything that was agreed to: whatever of it changes, the digest is another
//! one, and the old one confirms nothing.

use caretaker::guard::{Denied, Planned, Who};
use caretaker::model::plan::{Ask, Role};
use caretaker::model::text::Clean;

use crate::hands::{Stage, ask, me, policy, who};

const POLICY: &str = "[[rule]]\nname = \"plain\"\nactions = [\"groupcall.resync\"]\n\
    roles = [\"operator\", \"lead\"]\nper_plan = 5\n";

/// What is changed before the second plan is made.
type Change = fn(&Stage, &mut Ask, &mut Who);

const CHANGES: [(&str, Change); 10] = [
    ("the target", |_, ask, _| ask.targets = vec!["9991002".parse().unwrap()]),
    ("one target more", |_, ask, _| ask.targets.push("9991002".parse().unwrap())),
    ("the target as read", |stage, _, _| {
        *stage.hands.state.lock().unwrap() = "another".to_owned();
    }),
    ("the steps", |stage, _, _| *stage.hands.step.lock().unwrap() = "do more".to_owned()),
    ("the reason", |_, ask, _| ask.reason = Clean::new("another reason")),
    ("the ticket", |_, ask, _| ask.ticket = Some(Clean::new("T-1"))),
    ("when it expires", |stage, _, _| stage.pass(1)),
    ("who asks", |_, _, by| *by = who(1007, Role::Operator)),
    ("the policy's version", |_, _, _| ()),
    ("what the policy rules", |_, _, _| ()),
];

#[tokio::test]
async fn threat_10_whatever_of_a_plan_changes_the_digest_is_another_and_the_old_one_is_refused() {
    let mut missing = Vec::new();
    for (what, change) in CHANGES {
        let stage = Stage::new(POLICY);
        let plan = async |by: &Who, ask: Ask| -> Planned {
            stage.guard.plan(by, ask, false).await.unwrap()
        };
        let first = plan(&me(), ask()).await.plan;
        let same = plan(&me(), ask()).await.plan;
        assert_eq!(first.digest, same.digest, "nothing changed but its id");
        assert_ne!(first.id, same.id);
        let (mut asked, mut by) = (ask(), me());
        change(&stage, &mut asked, &mut by);
        match what {
            "the policy's version" => {
                stage.guard.set_policy(Ok(policy(POLICY, "p2"))).await.unwrap()
            }
            "what the policy rules" => {
                let two = format!("{POLICY}second = \"approver\"\n");
                stage.guard.set_policy(Ok(policy(&two, "p1"))).await.unwrap();
            }
            _ => {}
        }
        let second = plan(&by, asked).await.plan;
        if first.digest == second.digest {
            missing.push(what);
            continue;
        }
        let old = stage.guard.confirm(&by, second.id.as_str(), first.digest.as_str()).await;
        assert!(matches!(old, Err(Denied::Stale(_))), "{what}: the old digest confirms it");
        assert_eq!(stage.guard.recent(9).await.unwrap().len(), 0, "{what}: begun");
        assert_eq!(stage.effects(), 0, "{what}");
        stage.guard.confirm(&by, second.id.as_str(), second.digest.as_str()).await.unwrap();
    }
    assert!(missing.is_empty(), "not in the digest: {missing:?}");
}

#[tokio::test]
async fn threat_11_a_plan_of_the_old_policy_is_not_confirmed_under_the_new_one() {
    let stage = Stage::new(POLICY);
    let planned = stage.plan(&me()).await.unwrap();
    stage.guard.set_policy(Ok(policy(POLICY, "p2"))).await.unwrap();
    let late = stage.confirm(&planned).await;
    assert!(matches!(late, Err(Denied::Stale(why)) if why.contains("policy has changed")));
    assert_eq!((stage.effects(), stage.entries("confirmed").len()), (0, 0));
}
