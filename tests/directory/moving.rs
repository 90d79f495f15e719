//! Moving accounts between the groups that the web filter maps, against the simulated controllers.

use std::collections::BTreeMap;

use caretaker::guard::{Countersign, Denied, Guard, Planned};
use caretaker::model::ids::Laestab;
use caretaker::model::plan::{Ask, Outcome, StepState};
use caretaker::model::text::Clean;
use caretaker::simulators::Fault;

use crate::desk::{POLICY, Stage, assert_done, fact, run, tomr, until};

/// The appliance that every section of the filter has.
pub const APPLIANCE: &str = "appliances = [{ name = \"central\", shared = true }]\n";

pub fn ask(target: &str, group: &str) -> Ask {
    Ask {
        action: "smoothwall.move_group".parse().unwrap(),
        targets: vec![target.parse().unwrap()],
        reason: Clean::new("the head asked for it"),
        ticket: None,
        choices: BTreeMap::from([("group".to_owned(), Clean::new(group))]),
        continues: None,
    }
}

pub async fn plan(guard: &Guard, target: &str, group: &str) -> Result<Planned, Denied> {
    guard.plan(&tomr(), ask(target, group), false).await
}

/// The first `listed` of the filter's groups, by the names `one`, `two`, ...
fn settings(stage: &Stage, listed: usize) -> String {
    let facts = &stage.running.invented.facts;
    let urls = &stage.running.urls;
    let names = ["one", "two", "three"];
    let groups: Vec<String> = names
        .iter()
        .zip(&facts.directory_groups)
        .take(listed)
        .map(|(name, (_, dn))| format!("{name} = \"{dn}\""))
        .collect();
    format!(
        "{APPLIANCE}[directory]\ncontrollers = [\"{}\", \"{}\"]\nca_file = \"{}\"\n\
         schools = \"{}\"\nact = {{ bind_as = \"{}\", credential = \"welearn365.directory.act\" }}\n\
         groups = {{ {} }}\n",
        urls["welearn365.dc1"],
        urls["welearn365.dc2"],
        stage.running.ca_file.display(),
        facts.directory_schools,
        facts.directory_writer,
        groups.join(", "),
    )
}

pub fn guard(stage: &Stage, listed: usize) -> Guard {
    stage.guard_with(stage.hands("smoothwall", &settings(stage, listed)), POLICY)
}

/// The n-th account of a school that takes the filter.
pub fn target(stage: &Stage, n: u32) -> String {
    let takes = |s: &Laestab| stage.estate().takes(*s, &"smoothwall".parse().unwrap());
    let school = stage
        .running
        .invented
        .schools
        .iter()
        .map(|s| s.laestab)
        .find(|s| takes(s) && stage.running.directory_accounts(*s) >= 10);
    format!("{0}/sam:u{0}{n:03}", school.unwrap())
}

#[tokio::test]
async fn an_account_is_moved_to_a_listed_group_to_another_and_back() {
    let stage = Stage::new().await;
    let guard = guard(&stage, 2);
    let pupil = target(&stage, 0);
    let planned = plan(&guard, &pupil, "one").await.unwrap();
    assert_eq!(fact(&planned, "filtering group"), "none of the list");
    assert_eq!(planned.plan.items[0].undo.as_ref().unwrap().as_str(), "move_group with group=back");
    assert!(planned.plan.items[0].will_not.iter().any(|w| w.as_str().contains("block list")));
    assert!(stage.effects().is_empty(), "a plan sends nothing");
    run(&guard, &planned).await;
    assert_done(&until(&guard, |h| h.closed).await);
    let again = plan(&guard, &pupil, "one").await;
    assert!(matches!(again, Err(Denied::Policy(why)) if why.contains("already")));

    let planned = plan(&guard, &pupil, "two").await.unwrap();
    assert_eq!(fact(&planned, "filtering group"), "one");
    let steps: Vec<_> = planned.plan.items[0].steps.iter().map(|s| s.says.as_str()).collect();
    assert_eq!(steps, ["put it into two", "take it out of one"]);
    run(&guard, &planned).await;
    assert_done(&until(&guard, |h| h.plan == planned.plan.id && h.closed).await);

    let planned = plan(&guard, &pupil, "back").await.unwrap();
    run(&guard, &planned).await;
    assert_done(&until(&guard, |h| h.plan == planned.plan.id && h.closed).await);
    assert_eq!(stage.effects().len(), 4);
    let none = plan(&guard, &pupil, "back").await;
    assert!(matches!(none, Err(Denied::Policy(why)) if why.contains("none of the listed groups")));
}

#[tokio::test]
async fn no_group_outside_the_list_is_touched_not_even_after_the_list_has_changed() {
    let stage = Stage::new().await;
    let guard = guard(&stage, 2);
    let pupil = target(&stage, 0);
    for group in ["three", "Domain Admins", "CN=Domain Admins,CN=Users,DC=desk,DC=test", ""] {
        let refused = plan(&guard, &pupil, group).await;
        let Err(Denied::Asked(why)) = refused else { panic!("{group}: {refused:?}") };
        assert!(why.contains("one, two") || why.contains("is missing"), "{why}");
    }
    // Confirmed for `two`, which means another group by the time that it is approved.
    let rules = "[[rule]]\nname = \"both\"\nactions = [\"*\"]\nsecond = \"approver\"\n";
    let careful = stage.guard_with(stage.hands("smoothwall", &settings(&stage, 2)), rules);
    let planned = plan(&careful, &pupil, "two").await.unwrap();
    let (id, digest) = (planned.plan.id.as_str(), planned.plan.digest.as_str());
    careful.confirm(&tomr(), id, digest).await.unwrap();
    let groups = &stage.running.invented.facts.directory_groups;
    let other = settings(&stage, 2).replace(&groups[1].1, &groups[2].1);
    careful.set_acts(stage.hands("smoothwall", &other));
    let asha = crate::desk::who(1001, "asha", caretaker::model::plan::Role::Approver);
    careful.approve(&asha, id, Countersign::of(digest)).await.unwrap();
    let held = until(&careful, |h| h.closed).await;
    assert_ne!(held.outcome, Some(Outcome::Done), "{held:?}");
    assert!(held.steps.iter().all(|s| !s.says.as_str().contains("took it")), "{held:?}");
    assert!(stage.effects().is_empty());
    // A group that runs the domain is refused though it is listed.
    let admins = "CN=Domain Admins,CN=Users,DC=desk,DC=test";
    let text =
        settings(&stage, 1).replace(&stage.running.invented.facts.directory_groups[0].1, admins);
    let wrong = stage.guard_with(stage.hands("smoothwall", &text), POLICY);
    let refused = plan(&wrong, &target(&stage, 1), "one").await;
    assert!(
        matches!(&refused, Err(Denied::Policy(why)) if why.contains("runs the domain")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn whom_nobody_touches_is_not_moved_and_a_lost_answer_is_looked_for() {
    let stage = Stage::new().await;
    let guard = guard(&stage, 2);
    let refused = plan(&guard, &target(&stage, 9), "one").await;
    assert!(
        matches!(&refused, Err(Denied::Policy(why)) if why.contains("runs the domain")),
        "{refused:?}"
    );
    let planned = plan(&guard, &target(&stage, 1), "one").await.unwrap();
    stage.running.set_fault("welearn365.ad_write", None, Fault::HalfSent);
    run(&guard, &planned).await;
    let held = until(&guard, |h| h.closed).await;
    assert_done(&held);
    assert_eq!((held.steps[0].sent, stage.effects().len()), (1, 1));
    stage.running.set_fault("welearn365.ad_write", None, Fault::Unauthorised);
    let planned = plan(&guard, &target(&stage, 1), "back").await.unwrap();
    run(&guard, &planned).await;
    let held = until(&guard, |h| h.plan == planned.plan.id && h.outcome.is_some()).await;
    assert_eq!((held.outcome, held.steps[0].state), (Some(Outcome::Rejected), StepState::Refused));
}

#[tokio::test]
async fn without_a_directory_the_remedy_is_said_and_odd_lists_are_refused() {
    let stage = Stage::new().await;
    let guard = stage.guard_with(stage.hands("smoothwall", APPLIANCE), POLICY);
    assert!(guard.actions().is_empty());
    assert!(guard.lacking().iter().any(|(_, why)| why.contains("services.smoothwall.directory")));
    let good = settings(&stage, 1);
    for (from, to, why) in [
        ("groups = { one", "groups = { back", "cannot be the name"),
        ("groups = { one = ", "groups = { one = \"no dn\" } # ", "groups.one"),
    ] {
        let secrets = crate::checks::Kept(std::sync::Mutex::default());
        let text = good.replace(from, to);
        let clock = stage.clock.clone();
        let refused = crate::desk::brought("smoothwall", &text, stage.estate(), secrets, clock);
        let told = refused.err().expect(to);
        assert!(told.contains(why), "{told}");
    }
}
