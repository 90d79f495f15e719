//! What opens and closes the guard for a while: a declared emergency, arming; and what an agent inside
//! a console never does.

use std::time::Duration;

use caretaker::guard::{Countersign, Denied};
use caretaker::model::plan::Role;
use caretaker::model::text::Clean;

use crate::hands::{Stage, me, refused, who};

const RULE: &str = "[[rule]]\nname = \"plain\"\nactions = [\"groupcall.resync\"]\n\
    roles = [\"operator\"]\nper_plan = 5\n";

/// Frozen, with an emergency that lifts it and the second person.
fn frozen() -> String {
    format!(
        "{RULE}second = \"approver\"\n[[freeze]]\nfrom = \"2026-11-20\"\nto = \"2026-11-30\"\n\
         why = \"exams\"\n[emergency]\nroles = [\"lead\"]\nlasts = \"1h\"\n\
         lifts = [\"freeze\", \"second_person\"]\n"
    )
}

#[tokio::test]
async fn an_emergency_lifts_what_the_policy_says_for_as_long_as_it_says_and_is_recorded_first() {
    let stage = Stage::new(&frozen());
    assert!(refused(stage.plan(&me()).await).contains("exams"));
    let (lead, why) = (who(1002, Role::Lead), Clean::new("the whole estate is down"));
    let by_operator = stage.guard.declare_emergency(&me(), &why).await;
    assert!(refused(by_operator).contains("may not declare"));
    let unsaid = stage.guard.declare_emergency(&lead, &Clean::new("")).await;
    assert!(matches!(unsaid, Err(Denied::Asked(_))));
    assert!(stage.guard.emergency().is_none() && stage.entries("emergency").is_empty());
    assert!(refused(stage.plan(&me()).await).contains("exams"), "nothing is lifted yet");

    stage.guard.declare_emergency(&lead, &why).await.unwrap();
    let [entry] = &stage.entries("emergency")[..] else { panic!("recorded once") };
    assert_eq!(entry.by.as_ref().map(|by| by.uid), Some(1002));
    let planned = stage.plan(&me()).await.unwrap();
    assert_eq!(planned.plan.ruling.second, None);
    assert!(stage.confirm(&planned).await.unwrap(), "it runs at once");

    // Its end: what was planned within it is not confirmed after it.
    stage.pass(58);
    let planned = stage.plan(&me()).await.unwrap();
    stage.pass(3);
    assert!(stage.guard.emergency().is_none());
    assert!(refused(stage.confirm(&planned).await).contains("exams"));
    assert!(refused(stage.plan(&me()).await).contains("exams"));
}

#[tokio::test]
async fn an_emergency_that_cannot_be_recorded_lifts_nothing() {
    let stage = Stage::new(&frozen());
    stage.audit_takes_nothing();
    let lead = who(1002, Role::Lead);
    let declared = stage.guard.declare_emergency(&lead, &Clean::new("down")).await;
    assert!(matches!(declared, Err(Denied::Ledger(_))), "{declared:?}");
    assert!(stage.guard.emergency().is_none());
}

#[tokio::test]
async fn without_an_emergency_mode_nobody_declares_one() {
    let stage = Stage::new(RULE);
    let declared = stage.guard.declare_emergency(&who(1002, Role::Lead), &Clean::new("x")).await;
    assert!(refused(declared).contains("no emergency mode"));
}

/// What a rule asks for that a request waits under: its own line, and what the policy adds.
fn waits_under(rule: &str, more: &str) -> Stage {
    Stage::new(&format!("{RULE}second = \"approver\"\n{rule}\n{more}"))
}

#[tokio::test]
async fn an_approval_is_by_the_rules_of_its_own_moment() {
    // It is ten o'clock; London's clock shows the same in November.
    let night = "[[freeze]]\nfrom = \"2026-11-24\"\nto = \"2026-11-30\"\nwhy = \"exams\"\n\
        [emergency]\nroles = [\"lead\"]\nlasts = \"20m\"\nlifts = [\"freeze\", \"hours\"]\n";
    let asha = who(1001, Role::Approver);
    for (rule, passes, why) in [
        ("to = \"10:15\"", 0, "has its days and hours"),
        ("", 13 * 60 + 50, "exams"),
        ("to = \"09:00\"", 0, "has its days and hours"),
    ] {
        let stage = waits_under(rule, night);
        stage.pass(passes);
        if rule.contains("09") {
            let lead = who(1002, Role::Lead);
            stage.guard.declare_emergency(&lead, &Clean::new("all is down")).await.unwrap();
        }
        let waits = stage.plan(&me()).await.unwrap();
        assert!(!stage.confirm(&waits).await.unwrap(), "it waits for a second person");
        let (id, digest) = (waits.plan.id.as_str(), waits.plan.digest.as_str());
        stage.pass(21);
        assert!(
            refused(stage.guard.approve(&asha, id, Countersign::of(digest)).await).contains(why),
            "{rule}"
        );
        assert!(stage.guard.recent(9).await.unwrap().is_empty() && stage.effects() == 0);
        let [denied] = &stage.entries("denied")[..] else { panic!("recorded once") };
        assert_eq!((denied.body["asked"].as_str(), denied.about.as_str()), ("approve", id));
        assert_eq!(stage.guard.waiting().await.unwrap().len(), 1, "it waits on");
    }
}

#[tokio::test]
async fn a_request_of_somebody_who_lost_the_role_is_not_approved() {
    let stage = waits_under("", "");
    let waits = stage.plan(&me()).await.unwrap();
    assert!(!stage.confirm(&waits).await.unwrap());
    let (id, digest) = (waits.plan.id.as_str(), waits.plan.digest.as_str());
    assert_eq!(stage.guard.asker(id).await.unwrap().uid, 1000);
    let asha = who(1001, Role::Approver);
    let lost = Some(std::collections::BTreeSet::from([Role::Viewer]));
    let refusal =
        stage.guard.approve(&asha, id, Countersign { digest, typed: "", asker: lost }).await;
    assert!(refused(refusal).contains("whoever asked"));
    assert!(stage.entries("approved").is_empty() && stage.entries("denied").len() == 1);
    let roles = Some(me().roles);
    stage.guard.approve(&asha, id, Countersign { digest, typed: "", asker: roles }).await.unwrap();
    assert_eq!(stage.entries("approved").len(), 1);
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn nobody_plans_confirms_or_approves_unarmed_and_arming_is_each_persons_own() {
    let stage = Stage::new(&format!("arming = true\n{RULE}second = \"approver\"\n"));
    let (why, asha) = (Clean::new("the morning's tickets"), who(1001, Role::Approver));
    assert!(refused(stage.plan(&me()).await).contains("not armed"));
    let viewer = stage.guard.arm(&who(1003, Role::Viewer), Some(MINUTE), &why).await;
    assert!(refused(viewer).contains("no role to act"));
    for (lasts, why) in [(MINUTE * 61, "too long"), (Duration::ZERO, "none"), (MINUTE, "")] {
        let odd = stage.guard.arm(&me(), Some(lasts), &Clean::new(why)).await;
        assert!(matches!(odd, Err(Denied::Asked(_))), "{lasts:?} {why:?}: {odd:?}");
    }
    assert!(stage.guard.armed_until(&me()).is_none() && stage.entries("armed").is_empty());

    stage.guard.arm(&me(), Some(MINUTE * 15), &why).await.unwrap();
    assert_eq!(stage.entries("armed").len(), 1);
    assert!(refused(stage.plan(&who(1007, Role::Operator)).await).contains("not armed"));
    let waits = stage.plan(&me()).await.unwrap();
    assert!(!stage.confirm(&waits).await.unwrap(), "it waits for a second person");
    let (id, digest) = (waits.plan.id.as_str(), waits.plan.digest.as_str());
    let unarmed = stage.guard.approve(&asha, id, Countersign::of(digest)).await;
    assert!(refused(unarmed).contains("not armed"), "nor does the second person act unarmed");
    assert!(stage.guard.recent(9).await.unwrap().is_empty());

    // Planned while armed, and confirmed when that is over.
    stage.pass(13);
    let late = stage.plan(&me()).await.unwrap();
    stage.pass(3);
    assert!(stage.guard.armed_until(&me()).is_none());
    assert!(refused(stage.confirm(&late).await).contains("not armed"));

    stage.guard.arm(&asha, Some(MINUTE), &why).await.unwrap();
    stage.guard.approve(&asha, id, Countersign::of(digest)).await.unwrap();

    stage.guard.arm(&me(), Some(MINUTE), &why).await.unwrap();
    stage.guard.arm(&me(), None, &why).await.unwrap();
    assert_eq!(stage.entries("disarmed").len(), 1);
    assert!(refused(stage.plan(&me()).await).contains("not armed"));
}

#[tokio::test]
async fn arming_that_cannot_be_recorded_does_not_hold() {
    let stage = Stage::new(&format!("arming = true\n{RULE}"));
    stage.audit_takes_nothing();
    let armed = stage.guard.arm(&me(), Some(MINUTE), &Clean::new("tickets")).await;
    assert!(matches!(armed, Err(Denied::Ledger(_))), "{armed:?}");
    assert!(stage.guard.armed_until(&me()).is_none());
}

#[tokio::test]
async fn an_agent_inside_a_console_never_imitates_a_second_person() {
    let stage = Stage::of(&format!("{RULE}second = \"approver\"\n"), true);
    let planned = stage.plan(&me()).await.unwrap();
    assert!(refused(stage.confirm(&planned).await).contains("attach to the desk's agent"));
    assert!(stage.guard.waiting().await.unwrap().is_empty(), "nothing waits for anybody");
    assert!(stage.guard.recent(9).await.unwrap().is_empty() && stage.effects() == 0);
    assert!(stage.entries("confirmed").is_empty());

    let stage = Stage::of(RULE, true);
    let planned = stage.plan(&me()).await.unwrap();
    assert!(stage.confirm(&planned).await.unwrap(), "what one person may do, one person does");
}
