//! Acting on accounts from end to end, against the simulated controllers and the simulated Microsoft:
//! through the guard, with a ledger on disk.

use std::time::Duration;

use caretaker::guard::{Countersign, Denied};
use caretaker::model::plan::{Aim, Kind, Outcome, Role, StepState};
use caretaker::model::text::Clean;
use caretaker::ports::ledger::AuditQuery;
use caretaker::simulators::{Fault, PERSONAL_NAMES};

use crate::desk::{POLICY, Stage, ask, assert_done, done, fact, plan, run, tomr, until, wait, who};

/// Longer than a controller may take for one operation.
const TOO_LONG: Duration = Duration::from_secs(21);

fn states(held: &caretaker::ports::ledger::Held) -> Vec<StepState> {
    held.steps.iter().map(|s| s.state).collect()
}

#[tokio::test]
async fn an_account_is_locked_restored_and_locked_again() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let planned = plan(&guard, "lock_account", &stage.target(0)).await.unwrap();
    let item = &planned.plan.items[0];
    assert!(stage.effects().is_empty(), "a plan sends nothing");
    assert!(matches!(item.aim, Aim::Account(s, _) if s == stage.school));
    assert_eq!((item.kind, fact(&planned, "locked")), (Kind::Pupil, "no"));
    assert_eq!(fact(&planned, "WeLearn365"), "sign-in is open");
    assert!(item.protective && item.will_not.len() >= 3 && item.undo.is_some());
    assert!(item.aim.to_string().ends_with(fact(&planned, "AD id")), "both ids are shown");
    assert_eq!(fact(&planned, "WeLearn365 id").len(), 36);
    run(&guard, &planned).await;
    let held = until(&guard, |h| h.closed).await;
    assert_done(&held);
    let lock = ["ad disable", "ad password", "ad password", "graph block", "graph revoke"];
    assert_eq!(stage.effects(), lock);
    assert!(!stage.running.microsoft().is_enabled(stage.school, 0));

    let planned = plan(&guard, "restore_account", &stage.target(0)).await.unwrap();
    assert_eq!(fact(&planned, "locked"), "disabled: stays so until somebody enables it");
    assert_eq!(fact(&planned, "WeLearn365"), "sign-in is blocked");
    assert!(planned.plan.ruling.second.is_some());
    run(&guard, &planned).await;
    let held = until(&guard, |h| h.plan == planned.plan.id && h.closed).await;
    assert_done(&held);
    assert_eq!(stage.effects()[5..], ["ad enable", "graph open"]);
    let again = plan(&guard, "restore_account", &stage.target(0)).await;
    assert!(matches!(again, Err(Denied::Policy(why)) if why.contains("enabled already")));
    assert_done(&done(&guard, "lock_account", &stage.target(0)).await);
}

#[tokio::test]
async fn restoring_says_who_locked_it_and_why_to_whoever_may_see_names() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    assert_done(&done(&guard, "lock_account", &stage.target(0)).await);
    let planned = plan(&guard, "restore_account", &stage.target(0)).await.unwrap();
    let told = planned.plan.items[0].beware[0].as_str();
    assert!(told.starts_with("locked from here at 2027-02-02T09:10 by tomr"), "{told}");
    assert!(told.contains("of the audit"), "{told}");
    let masked = format!("{planned:?}").replace(&format!("{:?}", planned.plan.ask), "");
    assert!(planned.private[0].notes.is_empty() && !masked.contains("sent in"), "{masked}");

    let ask = ask("restore_account", &[&stage.target(0)]);
    let shown = guard.plan(&tomr(), ask.clone(), true).await.unwrap();
    assert_eq!(shown.private[0].notes[0].as_str(), "mail sent in the pupil's name");
    let recorded = AuditQuery { kind: Some("unmasked".into()), limit: 9, ..AuditQuery::default() };
    assert_eq!(guard.ledger().entries(&recorded).unwrap().len(), 1, "recorded before it was shown");

    // Erased on somebody's request: it is not told any more.
    let number = told.split_whitespace().rev().nth(3).unwrap().parse().unwrap();
    let lead = who(1002, "lena", caretaker::model::plan::Role::Lead);
    let why = caretaker::model::text::Clean::new("asked for by the family");
    guard.erase(&lead, number, &"reason".into(), &why).await.unwrap();
    let shown = guard.plan(&tomr(), ask, true).await.unwrap();
    assert_eq!(shown.private[0].notes[0].as_str(), "the reason is not kept any more");

    // Locked when it was at another school: the newest entry is of there.
    let all = AuditQuery { kind: Some("intent".into()), limit: 9, ..AuditQuery::default() };
    let locked = guard.ledger().entries(&all).unwrap().remove(0);
    let id = locked.about.as_str().split_once('/').unwrap().1.to_owned();
    guard
        .ledger()
        .append(caretaker::ledger::Draft {
            at: locked.at,
            kind: "intent",
            by: locked.by.clone(),
            about: caretaker::model::text::Clean::new(&format!("9992999/{id}")),
            body: locked.body.clone(),
            private: std::collections::BTreeMap::new(),
        })
        .unwrap();
    let planned = plan(&guard, "restore_account", &stage.target(0)).await.unwrap();
    let told = planned.plan.items[0].beware[0].as_str();
    assert!(told.contains("by tomr") && told.contains("at school 9992999"), "{told}");

    // Somebody else's lock.
    let planned = plan(&guard, "restore_account", &stage.target(3)).await.unwrap();
    let told = planned.plan.items[0].beware[0].as_str();
    assert!(told.starts_with("not locked from here"), "{told}");
}

#[tokio::test]
async fn whoever_decides_on_opening_an_account_reads_why_it_was_locked_and_nobody_else_does() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    assert_done(&done(&guard, "lock_account", &stage.target(0)).await);
    let planned = plan(&guard, "restore_account", &stage.target(0)).await.unwrap();
    let id = planned.plan.id.as_str();
    guard.confirm(&tomr(), id, planned.plan.digest.as_str()).await.unwrap();
    let unmasked = || {
        let query = AuditQuery { kind: Some("unmasked".into()), limit: 9, ..AuditQuery::default() };
        guard.ledger().entries(&query).unwrap()
    };
    let own = guard.review(&tomr(), id).await.unwrap();
    assert!(own.private[0].notes.is_empty() && unmasked().is_empty(), "it is not theirs to decide");
    let (viewer, auditor) = (who(1003, "vera", Role::Viewer), who(1004, "aud", Role::Auditor));
    for other in [viewer, auditor, who(1005, "olu", Role::Operator)] {
        let refused = guard.review(&other, id).await;
        assert!(matches!(refused, Err(Denied::Policy(_))), "{other:?}: {refused:?}");
    }
    assert!(unmasked().is_empty());
    let asha = who(1001, "asha", Role::Approver);
    let seen = guard.review(&asha, id).await.unwrap();
    assert_eq!(seen.private[0].notes, [Clean::new("mail sent in the pupil's name")]);
    assert_eq!(seen.private[0].label.as_str(), "u.....", "the name stays masked");
    assert_eq!(seen.plan, planned.plan);
    let [recorded] = &unmasked()[..] else { panic!("recorded before it was shown") };
    assert_eq!(recorded.by.as_ref().map(|by| by.name.as_str()), Some("asha"));
    assert_eq!(recorded.about.as_str(), planned.plan.items[0].aim.to_string());
    guard.approve(&asha, id, Countersign::of(planned.plan.digest.as_str())).await.unwrap();
    let decided = guard.review(&asha, id).await;
    assert!(matches!(decided, Err(Denied::Stale(_))), "it waits no more: {decided:?}");
    assert_eq!(unmasked().len(), 1);
}

#[tokio::test]
async fn the_two_locks_are_told_apart_and_each_has_its_key() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let at = (stage.clock_seconds() + 11_644_473_600) * 10_000_000;
    stage.running.set_in_directory(stage.school, 0, "lockoutTime", &at.to_string());
    let none = plan(&guard, "clear_lockout", &stage.target(5)).await;
    assert!(matches!(none, Err(Denied::Policy(why)) if why.contains("not locked out")));
    let other = plan(&guard, "restore_account", &stage.target(0)).await;
    assert!(matches!(other, Err(Denied::Policy(why)) if why.contains("clear_lockout")));
    let planned = plan(&guard, "clear_lockout", &stage.target(0)).await.unwrap();
    assert!(fact(&planned, "locked").starts_with("locked out"));
    run(&guard, &planned).await;
    assert_done(&until(&guard, |h| h.closed).await);
    assert_eq!(stage.effects(), ["ad unlock"]);

    // A disabled one that is locked out as well: unlocking does not open it, and says so.
    stage.running.set_in_directory(stage.school, 3, "lockoutTime", &at.to_string());
    let planned = plan(&guard, "clear_lockout", &stage.target(3)).await.unwrap();
    assert!(fact(&planned, "locked").starts_with("both"));
    assert!(planned.plan.items[0].beware.iter().any(|b| b.as_str().contains("disabled as well")));
}

#[tokio::test]
async fn a_new_password_is_shown_once_and_stands_nowhere() {
    use secrecy::ExposeSecret;
    let stage = Stage::new().await;
    let guard = stage.guard();
    let two = ask("reset_password", &[&stage.target(0), &stage.target(1)]);
    let two = guard.plan(&tomr(), two, false).await;
    assert!(matches!(two, Err(Denied::Asked(why)) if why.contains("one account at a time")));
    let planned = plan(&guard, "reset_password", &stage.target(0)).await.unwrap();
    let secret = run(&guard, &planned).await.unwrap();
    assert!(secret.expose_secret().len() > 16);
    let held = until(&guard, |h| h.closed).await;
    assert_done(&held);
    assert_eq!(stage.effects(), ["ad password", "ad must"]);
    let all = format!(
        "{held:?}{:?}",
        guard.ledger().entries(&AuditQuery {
            from: Some(1),
            limit: 1_000,
            ..AuditQuery::default()
        })
    );
    assert!(!all.contains(secret.expose_secret()));
    drop(guard);
    for file in std::fs::read_dir(stage.folder.path()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let wanted = secret.expose_secret().as_bytes();
            assert!(!bytes.windows(wanted.len()).any(|w| w == wanted), "{}", path.display());
        }
    }
}

#[tokio::test]
async fn threat_24_administrators_own_and_service_accounts_are_refused() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let refused = |who, target: String| {
        let guard = &guard;
        async move {
            match guard.plan(&who, ask("lock_account", &[&target]), false).await {
                Err(Denied::Policy(why)) => why,
                other => panic!("{target}: {other:?}"),
            }
        }
    };
    // In a group that is in Domain Admins; its adminCount was never set.
    assert!(refused(tomr(), stage.target(9)).await.contains("runs the domain"));
    let own = who(1000, &stage.login(0), caretaker::model::plan::Role::Operator);
    assert!(refused(own, stage.target(0)).await.contains("your own account"));
    // An administrator of the cloud alone.
    stage.running.microsoft().make_administrator(stage.school, 5);
    assert!(refused(tomr(), stage.target(5)).await.contains("administrator's role"));
    // Another school's OU, and a login that does not exist.
    let mut schools = stage.running.invented.schools.iter().map(|s| s.laestab);
    let other = schools.find(|s| *s != stage.school).unwrap();
    let elsewhere = format!("{other}/sam:{}", stage.login(0));
    assert!(refused(tomr(), elsewhere).await.contains("no such account"));
    assert!(
        refused(tomr(), format!("{}/sam:svc-caretaker", stage.school)).await.contains("no such")
    );
    assert!(stage.running.effects().is_empty());
}

#[tokio::test]
async fn threat_24_what_cannot_be_read_is_refused() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let refused = |part: &'static str| {
        let (guard, stage) = (&guard, &stage);
        async move {
            let outcome = plan(guard, "lock_account", &stage.target(0)).await;
            let Err(Denied::Policy(why)) = outcome else { panic!("{part}: {outcome:?}") };
            assert!(why.contains(part), "{part}: {why}");
        }
    };
    let rights = |without: &str| {
        let all = [
            "User.Read.All",
            "GroupMember.Read.All",
            "RoleManagement.Read.Directory",
            "User.EnableDisableAccount.All",
            "User.RevokeSessions.All",
        ];
        let left: Vec<&str> = all.into_iter().filter(|r| *r != without).collect();
        stage.running.microsoft().consent_to_act(&left);
        stage.running.forget_tokens();
    };
    rights("GroupMember.Read.All");
    refused("hides a group").await;
    rights("RoleManagement.Read.Directory");
    refused("RoleManagement.Read.Directory").await;
    rights("User.Read.All");
    refused("User.Read.All").await;
    // The refusal says what to do at night.
    refused("by hand and reset its password twice").await;
    rights("");
    // Nobody there at all: asked again until the call's time is up, and then refused.
    let of_microsoft = [("welearn365.dc1", Fault::Slow(0)), ("welearn365.dc2", Fault::Slow(0))];
    for (key, fault) in of_microsoft.into_iter().chain([("welearn365", Fault::Down)]) {
        stage.running.set_fault(key, None, fault);
    }
    stage.clock.moving(refused("by hand and reset its password twice")).await;
    stage.running.clear_fault("welearn365", None);
    stage.running.set_fault("welearn365.dc1", None, Fault::Down);
    stage.running.set_fault("welearn365.dc2", None, Fault::Down);
    refused("no answer").await;
    assert!(stage.running.effects().is_empty());
}

#[tokio::test]
async fn protected_accounts_and_groups_of_the_policy_are_left_alone_also_just_before_the_first_step()
 {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let planned = plan(&guard, "lock_account", &stage.target(0)).await.unwrap();
    let guid = fact(&planned, "AD id").to_owned();
    for (protected, part) in [
        (format!("accounts = [\"{}\"]", guid.to_uppercase()), "names this account"),
        ("groups = [\"S-1-5-21-1-2-3-513\"]".to_owned(), "S-1-5-21-1-2-3-513"),
    ] {
        let rules = format!("[protected]\n{protected}\n{POLICY}");
        let other = stage.guard_with(stage.hands("welearn365", &stage.settings()), &rules);
        let refused = plan(&other, "lock_account", &stage.target(0)).await;
        assert!(matches!(&refused, Err(Denied::Policy(why)) if why.contains(part)), "{refused:?}");
    }
    // Protected after it was confirmed, by a policy of the same name.
    let rules = format!("[protected]\naccounts = [\"{guid}\"]\n{POLICY}");
    let actions = [ask("lock_account", &[]).action, ask("restore_account", &[]).action];
    let policy =
        caretaker::guard::policy::Policy::new(toml::from_str(&rules).unwrap(), "p1", &actions);
    guard.set_policy(policy.map_err(|e| format!("{e:?}"))).await.unwrap();
    run(&guard, &planned).await;
    let held = until(&guard, |h| h.closed).await;
    assert_eq!(held.outcome, Some(Outcome::ChangedSincePlan));
    assert!(stage.running.effects().is_empty());
}

#[tokio::test]
async fn threat_03_the_id_that_was_shown_is_acted_on_whoever_bears_the_name_by_then() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let planned = plan(&guard, "lock_account", &stage.target(0)).await.unwrap();
    let name = |n: u32, login: &str| {
        stage.running.set_in_directory(stage.school, n, "sAMAccountName", login);
    };
    name(0, "somebody.else");
    name(1, &stage.login(0));
    run(&guard, &planned).await;
    assert_done(&until(&guard, |h| h.closed).await);
    let open = |n| stage.running.microsoft().is_enabled(stage.school, n);
    assert!(!open(0) && open(1), "the account that was shown is locked, and not its namesake");

    // A letter of another alphabet makes another name, and no hint of the first one.
    let alike = stage.target(0).replace('u', "\u{57d}");
    assert_ne!(alike, stage.target(0));
    match alike.parse::<Aim>() {
        Err(_) => {}
        Ok(_) => assert!(plan(&guard, "lock_account", &alike).await.is_err()),
    }
    assert!(open(1));
}

#[tokio::test]
async fn threat_10_a_change_by_somebody_else_stops_it_before_the_first_step() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let planned = plan(&guard, "lock_account", &stage.target(0)).await.unwrap();
    // "Password never expires", set by hand meanwhile.
    stage.running.set_in_directory(stage.school, 0, "userAccountControl", "66048");
    run(&guard, &planned).await;
    let held = until(&guard, |h| h.closed).await;
    assert_eq!(held.outcome, Some(Outcome::ChangedSincePlan));
    assert!(stage.running.effects().is_empty());
    // Planned anew, the bit stays.
    assert_done(&done(&guard, "lock_account", &stage.target(0)).await);
    let planned = plan(&guard, "restore_account", &stage.target(0)).await.unwrap();
    assert_eq!(fact(&planned, "password"), "set; never expires");
}

#[tokio::test]
async fn a_refused_step_of_a_lock_does_not_stop_the_others() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let planned = plan(&guard, "lock_account", &stage.target(0)).await.unwrap();
    stage.running.set_fault("welearn365.ad_write", None, Fault::Unauthorised);
    run(&guard, &planned).await;
    let held = until(&guard, |h| h.outcome.is_some()).await;
    use StepState::{Refused, Seen};
    assert_eq!(states(&held), [Refused, Refused, Refused, Seen, Seen]);
    assert_eq!(held.outcome, Some(Outcome::PartlyDone));
    assert!(!held.closed, "while the directory is open it is somebody's business");
    assert!(held.steps[0].says.as_str().contains("delegated"));
    assert_eq!(stage.effects(), ["graph block", "graph revoke"]);
    // And of Microsoft's.
    stage.running.clear_fault("welearn365.ad_write", None);
    let planned = plan(&guard, "lock_account", &stage.target(1)).await;
    let planned = planned.unwrap();
    stage.running.set_fault("welearn365.graph_write", None, Fault::Unauthorised);
    run(&guard, &planned).await;
    let held = until(&guard, |h| h.plan == planned.plan.id && h.outcome.is_some()).await;
    assert_eq!(states(&held), [Seen, Seen, Seen, Refused, Refused]);
    assert_eq!(held.outcome, Some(Outcome::PartlyDone));
}

#[tokio::test]
async fn a_lost_answer_is_looked_for_and_what_is_there_is_not_sent_again() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let planned = plan(&guard, "lock_account", &stage.target(0)).await.unwrap();
    stage.running.set_fault("welearn365.ad_write", None, Fault::HalfSent);
    stage.running.set_fault("welearn365.graph_write", None, Fault::HalfSent);
    run(&guard, &planned).await;
    let held = until(&guard, |h| h.closed).await;
    assert_done(&held);
    let lock = ["ad disable", "ad password", "ad password", "graph block", "graph revoke"];
    assert_eq!(stage.effects(), lock);
    assert!(held.steps.iter().all(|s| s.sent == 1));
}

#[tokio::test]
async fn a_success_that_did_nothing_is_never_done() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let planned = plan(&guard, "restore_account", &stage.target(3)).await.unwrap();
    stage.running.set_fault("welearn365.ad_write", None, Fault::Empty200);
    run(&guard, &planned).await;
    let held = until(&guard, |h| h.outcome.is_some() && h.steps[0].sent == 3).await;
    assert_ne!(held.outcome, Some(Outcome::Done));
    assert!(held.steps[0].says.as_str().contains("still disabled"), "{:?}", held.steps[0]);
    assert!(stage.effects().is_empty());
}

#[tokio::test]
async fn a_slow_success_after_our_deadline_is_done_once() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let planned = plan(&guard, "lock_account", &stage.target(0)).await.unwrap();
    stage.running.hold_writes(true);
    run(&guard, &planned).await;
    wait(|| stage.writes() == 1).await;
    stage.clock.forward(TOO_LONG);
    // It is not there yet, so the same compare-and-set is sent once more, behind the first.
    wait(|| stage.writes() == 2).await;
    stage.running.hold_writes(false);
    assert_done(&until(&guard, |h| h.closed).await);
    let disables = stage.effects().iter().filter(|e| *e == "ad disable").count();
    assert_eq!(disables, 1);
}

#[tokio::test]
async fn a_password_that_is_shown_is_never_set_twice() {
    for fault in [Some(Fault::HalfSent), Some(Fault::Empty200), None] {
        let stage = Stage::new().await;
        let guard = stage.guard();
        let planned = plan(&guard, "reset_password", &stage.target(0)).await.unwrap();
        match fault {
            Some(fault) => stage.running.set_fault("welearn365.ad_write", None, fault),
            None => stage.running.hold_writes(true),
        }
        let (id, digest) = (planned.plan.id.as_str(), planned.plan.digest.as_str());
        let started = guard.confirm(&tomr(), id, digest).await.unwrap();
        wait(|| stage.writes() == 1).await;
        if fault.is_none() {
            stage.clock.forward(TOO_LONG);
        }
        let held = until(&guard, |h| h.steps[0].looks > 0 && h.outcome.is_some()).await;
        if fault.is_none() {
            stage.running.hold_writes(false);
            wait(|| !stage.running.effects().is_empty()).await;
        }
        drop(started);
        // Looked for again and again, and never sent again.
        for _ in 0..6 {
            stage.clock.forward(Duration::from_secs(1_000));
            let looks = held.steps[0].looks;
            until(&guard, |h| h.steps[0].looks > looks).await;
        }
        let held = guard.recent(1).await.unwrap().remove(0);
        assert_eq!((stage.writes(), held.steps[0].sent), (1, 1), "{fault:?}");
        assert_ne!(held.outcome, Some(Outcome::Done), "{fault:?}");
        assert!(!held.closed, "{fault:?}: somebody must look");
        if fault != Some(Fault::Empty200) {
            assert_eq!(held.outcome, Some(Outcome::Unknown));
            assert!(held.steps[0].says.as_str().contains("nobody has the new password"));
        }
    }
}

#[tokio::test]
async fn threat_29_no_name_stands_in_a_plan_a_ledger_or_an_audit() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let target = stage.target(0);
    let planned = plan(&guard, "lock_account", &target).await.unwrap();
    assert_eq!(planned.private[0].label.as_str(), "u.....");
    let whole = serde_json::to_string(&planned.plan).unwrap();
    run(&guard, &planned).await;
    until(&guard, |h| h.closed).await;
    drop(plan(&guard, "lock_account", &format!("{}/sam:{}x", stage.school, stage.login(0))).await);
    let shown = guard.plan(&tomr(), ask("restore_account", &[&target]), true).await.unwrap();
    assert!(shown.private[0].label.as_str().starts_with(&stage.login(0)));
    let every = AuditQuery { from: Some(1), limit: 1_000, ..AuditQuery::default() };
    let entries = guard.ledger().entries(&every).unwrap();
    assert_eq!(entries.iter().filter(|e| e.kind.as_str() == "unmasked").count(), 1);
    let audit = serde_json::to_string(&entries).unwrap();
    let held = format!("{:?}", guard.recent(10).await.unwrap());
    for text in [&whole, &audit, &held] {
        assert!(!text.contains(&stage.login(0)), "{text}");
        for name in PERSONAL_NAMES.iter().flat_map(|n| n.split(' ')) {
            assert!(!text.contains(name), "{name}: {text}");
        }
    }
}

#[tokio::test]
async fn without_an_account_that_may_write_nothing_is_possible_and_the_remedy_is_said() {
    let stage = Stage::new().await;
    let settings = stage.settings();
    let read_only: String =
        settings.lines().filter(|l| !l.starts_with("act = ")).map(|l| format!("{l}\n")).collect();
    let guard = stage.guard_with(stage.hands("welearn365", &read_only), POLICY);
    assert!(guard.actions().is_empty());
    assert!(
        guard
            .lacking()
            .iter()
            .any(|(s, why)| { s.id == "welearn365.lock_account" && why.contains("directory.act") })
    );
    let refused = plan(&guard, "lock_account", &stage.target(0)).await;
    assert!(matches!(refused, Err(Denied::Nothing(why)) if why.contains("directory.act")));
}

#[tokio::test]
async fn where_nothing_acts_in_microsoft_365_a_plan_says_that_roles_there_were_not_looked_at() {
    let stage = Stage::new().await;
    let says = |planned: &caretaker::guard::Planned| {
        planned.plan.items[0]
            .beware
            .iter()
            .any(|b| b.as_str().starts_with("roles in Microsoft 365"))
    };
    let whole = stage.guard();
    assert!(!says(&plan(&whole, "reset_password", &stage.target(0)).await.unwrap()));
    let settings = stage.settings();
    let without = |line: &&str| !line.starts_with("act = { client_id");
    let on_premises: String = settings.lines().filter(without).map(|l| format!("{l}\n")).collect();
    let on_premises = on_premises.trim_end_matches('\n');
    assert_ne!(on_premises.len(), settings.trim_end().len());
    let guard = stage.guard_with(stage.hands("welearn365", on_premises), POLICY);
    for action in ["lock_account", "reset_password"] {
        assert!(says(&plan(&guard, action, &stage.target(0)).await.unwrap()), "{action}");
    }
    assert!(says(&plan(&guard, "restore_account", &stage.target(3)).await.unwrap()));
}

#[tokio::test]
async fn of_several_accounts_each_has_its_own_end() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let targets = [stage.target(9), stage.target(0), stage.target(1)];
    let all = targets.iter().map(String::as_str).collect::<Vec<_>>();
    // An administrator is left out of the plan, and said so; the others stand in it.
    let planned = guard.plan(&tomr(), ask("lock_account", &all), false).await.unwrap();
    let [out] = &planned.plan.left_out[..] else { panic!("{:?}", planned.plan.left_out) };
    assert!(out.why.as_str().contains("runs the domain"), "{out:?}");
    assert_eq!(planned.plan.items.len(), 2);
    // Somebody else locks the first of these, and is not through with it.
    stage.running.hold_writes(true);
    let theirs = plan(&guard, "lock_account", &stage.target(0)).await.unwrap();
    run(&guard, &theirs).await;
    wait(|| stage.writes() == 1).await;
    run(&guard, &planned).await;
    let mut news = guard.news();
    let leaving = async {
        loop {
            if let Some(left) = guard.left(9).await.unwrap().pop() {
                return left;
            }
            news.changed().await.unwrap();
        }
    };
    let left = tokio::time::timeout(Duration::from_secs(60), leaving).await.expect("none is left");
    assert_eq!((&left.plan.id, &left.key), (&planned.plan.id, &planned.plan.items[0].key));
    stage.running.hold_writes(false);
    let ours = until(&guard, |h| h.plan == planned.plan.id && h.closed).await;
    assert_done(&ours);
    assert_eq!(ours.item.aim, planned.plan.items[1].aim);
    assert_done(&until(&guard, |h| h.plan == theirs.plan.id && h.closed).await);
    assert_eq!(guard.recent(9).await.unwrap().len(), 2);
    // Each was disabled once; the administrator was not touched.
    let disabled = stage.effects().iter().filter(|e| *e == "ad disable").count();
    assert_eq!(disabled, 2);
}
