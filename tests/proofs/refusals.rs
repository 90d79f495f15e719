//! What was refused stands in the audit, whatever was asked for.

use std::time::Duration;

use caretaker::guard::Denied;
use caretaker::model::plan::Role;
use caretaker::model::text::Clean;
use caretaker::ports::vendor_audit::VendorAudits;
use jiff::Timestamp;

use crate::hands::{Stage, me, who};

const POLICY: &str = "arming = true\n[[rule]]\nname = \"plain\"\nactions = [\"groupcall.resync\"]\n\
    roles = [\"operator\"]\nper_plan = 5\n[emergency]\nroles = [\"lead\"]\nlasts = \"1h\"\n\
    lifts = [\"freeze\"]\n";

/// A vendor's audit that nobody may ask for.
#[derive(Debug)]
struct Unasked;

impl VendorAudits for Unasked {
    fn read(
        &self,
        _: Timestamp,
        _: Timestamp,
    ) -> caretaker::ports::clock::Boxed<'_, caretaker::model::reconcile::VendorAudit> {
        panic!("read without a role")
    }
}

#[tokio::test]
async fn every_refusal_is_recorded_once_with_who_asked_for_what() {
    let stage = Stage::new(POLICY);
    let guard = &stage.guard;
    let why = Clean::new("because");
    let (viewer, other) = (who(1003, Role::Viewer), who(1007, Role::Operator));
    guard.arm(&me(), Some(Duration::from_secs(600)), &why).await.unwrap();
    let planned = stage.plan(&me()).await.unwrap();
    let id = planned.plan.id.as_str();
    let account = "9991001/sam:jane.doe".parse().unwrap();

    assert!(guard.cancel(&other, id).await.is_err());
    assert!(guard.arm(&viewer, Some(Duration::from_secs(60)), &why).await.is_err());
    assert!(guard.declare_emergency(&other, &why).await.is_err());
    assert!(guard.unmask(&viewer, &account, &why).await.is_err());
    assert!(guard.reveal(&other, 1, &why).await.is_err());
    assert!(guard.erase(&other, 1, &Clean::new("reason"), &why).await.is_err());
    assert!(guard.told(&viewer, "key", 0, true, &why).await.is_err());
    assert!(guard.give_up(&me(), "key", &Clean::new("")).await.is_err());
    assert!(
        guard
            .reconcile(&other, &Unasked, caretaker::ports::clock::Clock::now(&*stage.clock))
            .await
            .is_err()
    );

    let mut denied = stage.entries("denied");
    denied.sort_by_key(|entry| entry.number);
    let told: Vec<(u32, &str, &str)> = denied
        .iter()
        .map(|e| (e.by.as_ref().unwrap().uid, e.body["asked"].as_str(), e.about.as_str()))
        .collect();
    let wanted = [
        (1007, "cancel", id),
        (1003, "arm", "u1003"),
        (1007, "emergency", "estate"),
        (1003, "unmask", "9991001/sam:j....."),
        (1007, "reveal", "entry 1"),
        (1007, "erase", "entry 1"),
        (1003, "tell", "key"),
        (1000, "close", "key"),
        (1007, "reconcile", "estate"),
    ];
    assert_eq!(told, wanted);
    assert!(denied.iter().all(|entry| !entry.body["why"].is_empty()));
    assert_eq!(guard.planned(id).map(|p| p.plan.id), Some(planned.plan.id.clone()), "it stands");
}

#[tokio::test]
async fn a_ledger_that_takes_nothing_is_told_until_it_takes_something() {
    let stage = Stage::new(POLICY);
    let why = Clean::new("because");
    assert_eq!(stage.guard.trouble().await, None);
    let mut news = stage.guard.news();
    stage.audit_takes_nothing();
    let denied = stage.guard.declare_emergency(&me(), &why).await;
    assert!(
        matches!(denied, Err(Denied::Ledger(_))),
        "a refusal that cannot be recorded: {denied:?}"
    );
    assert!(news.has_changed().unwrap(), "consoles are told to look");
    for _ in 0..2 {
        let told = stage.guard.trouble().await.expect("it lasts");
        assert!(told.as_str().starts_with("nobody can act: "), "{told}");
    }
    news.mark_unchanged();
    stage.audit_takes_all_again();
    assert_eq!(stage.guard.trouble().await, None);
    assert!(news.has_changed().unwrap(), "and that it is over");
    let again = stage.entries("recording_again");
    assert!(!again.is_empty() && again[0].body["why"].as_str().contains("ledger"), "{again:?}");
}
