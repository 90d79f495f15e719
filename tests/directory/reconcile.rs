//! Microsoft's own audit against ours: what was done through the guard, in the portal, and with the
//! credentials of our app by somebody else.

use std::sync::Arc;

use caretaker::guard::Denied;
use caretaker::model::health::{Health, Reason};
use caretaker::model::plan::Role;
use caretaker::model::reconcile::{Change, Initiator, Reconciled, Whose};
use caretaker::ports::clock::Clock as _;
use caretaker::ports::vendor_audit::VendorAudits;
use caretaker::simulators::Fault;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::desk::{Stage, assert_done, done, who};

const READ: &[&str] = &["User.Read.All", "AuditLog.Read.All"];

struct Scene {
    stage: Stage,
    guard: caretaker::guard::Guard,
    audits: Arc<dyn VendorAudits>,
}

impl Scene {
    async fn new() -> Self {
        let stage = Stage::new().await;
        stage.running.microsoft().consent(READ);
        let (guard, audits) = (stage.guard(), stage.audits(&stage.settings()));
        Self { stage, guard, audits }
    }

    fn since(&self) -> Timestamp {
        self.stage.clock.now() - SignedDuration::from_hours(24)
    }

    async fn told(&self) -> Reconciled {
        let auditor = who(1002, "ada", Role::Auditor);
        let told = self.guard.reconcile(&auditor, &*self.audits, self.since());
        self.stage.clock.moving(told).await.unwrap()
    }

    fn forward(&self, minutes: u64) {
        self.stage.clock.forward(std::time::Duration::from_secs(minutes * 60));
    }

    fn act_app(&self) -> &str {
        &self.stage.running.invented.facts.act_client_id
    }
}

fn counts(told: &Reconciled) -> [u64; 4] {
    [told.our_app_alone, told.elsewhere, told.through_us, told.unclear]
}

#[tokio::test]
async fn what_came_through_us_is_told_from_the_portal_and_from_our_stolen_app() {
    let scene = Scene::new().await;
    let (microsoft, school) = (scene.stage.running.microsoft(), scene.stage.school);
    let told = scene.told().await;
    assert_eq!((told.read, told.health()), (0, Health::Unknown), "no entry at all tells nothing");
    let locked = done(&scene.guard, "lock_account", &scene.stage.target(0)).await;
    assert_done(&locked);
    assert_done(&done(&scene.guard, "resync_account", &scene.stage.target(2)).await);
    let told = scene.told().await;
    // A block is two entries of Microsoft's, a revocation one, a sync one.
    assert_eq!(counts(&told), [0, 0, 4, 0], "{told:#?}");
    assert_eq!(told.health(), Health::Ok);
    let keys = told.found.iter().filter(|f| f.key.as_ref() == Some(&locked.item.key)).count();
    assert_eq!(keys, 3, "{told:#?}");

    microsoft.portal_switches(school, 1, false);
    microsoft.portal_does(school, 3, "Reset user password");
    microsoft.app_does("00000000-aaaa", school, 4, "Enable account");
    microsoft.portal_does(school, 3, "Change user license");
    let told = scene.told().await;
    assert_eq!(counts(&told), [0, 4, 4, 0], "{told:#?}");
    assert_eq!((told.health(), told.read), (Health::Warning, 9));
    assert_eq!(told.others.get("Change user license"), Some(&1));
    let reset = told.found.iter().find(|f| f.entry.change == Change::PasswordReset).unwrap();
    assert!(matches!(reset.entry.by, Initiator::Person(_)) && reset.whose == Whose::Elsewhere);
    assert_eq!(reset.entry.target.as_ref().unwrap().as_str(), microsoft.account_id(school, 3));

    // Our own app, and nothing in the ledger: the loudest, and first.
    microsoft.app_does(scene.act_app(), school, 5, "Disable account");
    let told = scene.told().await;
    assert_eq!((counts(&told), told.health()), ([1, 4, 4, 0], Health::Critical));
    assert_eq!(told.found[0].whose, Whose::OurAppAlone);
    // No name, no address, of whomever.
    let text = serde_json::to_string(&told).unwrap() + &format!("{told:?}");
    assert!(!text.to_lowercase().contains("canary"), "{text}");
}

#[tokio::test]
async fn a_step_accounts_for_what_it_did_and_for_nothing_else() {
    // The same again on the same account; another kind; another account; long after; a kind that is
    // never made from here; the app that only reads.
    let scene = Scene::new().await;
    let (microsoft, school) = (scene.stage.running.microsoft(), scene.stage.school);
    assert_done(&done(&scene.guard, "lock_account", &scene.stage.target(0)).await);
    assert_eq!(counts(&scene.told().await), [0, 0, 3, 0]);
    let reader = scene.stage.running.invented.facts.client_id.clone();
    let mut alone = 0;
    for (app, n, activity) in [
        (scene.act_app(), 0, "Disable account"),
        (scene.act_app(), 0, "Enable account"),
        (scene.act_app(), 1, "Disable account"),
        (scene.act_app(), 0, "Add member to role"),
        (&*reader, 0, "Update StsRefreshTokenValidFrom Timestamp"),
    ] {
        microsoft.app_does(app, school, n, activity);
        alone += 1;
        let told = scene.told().await;
        assert_eq!(counts(&told), [alone, 0, 3, 0], "{activity} of {n}: {told:#?}");
    }
}

#[tokio::test]
async fn what_stands_beside_an_entry_of_ours_is_ours_only_in_the_same_request() {
    let scene = Scene::new().await;
    let microsoft = scene.stage.running.microsoft();
    assert_done(&done(&scene.guard, "resync_account", &scene.stage.target(0)).await);
    let another = |row: &mut serde_json::Value| {
        row["activityDisplayName"] = json!("Update user attribute");
        row["category"] = json!("UserManagement");
    };
    microsoft.audit_entry(another);
    assert_eq!(counts(&scene.told().await), [0, 0, 2, 0]);
    microsoft.audit_entry(|row| {
        another(row);
        row["correlationId"] = json!("0000-1111");
    });
    microsoft.audit_entry(|row| {
        another(row);
        row["targetResources"][0]["id"] = json!("another-account");
    });
    assert_eq!(counts(&scene.told().await), [2, 0, 2, 0]);
}

#[tokio::test]
async fn kind_account_and_time_must_each_fit() {
    // The step's own entry never came: another one does not take its place.
    let scene = Scene::new().await;
    let (microsoft, school) = (scene.stage.running.microsoft(), scene.stage.school);
    assert_done(&done(&scene.guard, "lock_account", &scene.stage.target(0)).await);
    for (n, activity, minutes, alone) in [
        (0, "Disable account", 0, 0),
        (0, "Enable account", 0, 1),
        (1, "Disable account", 0, 1),
        (0, "Disable account", 4, 0),
        (0, "Disable account", 2, 1),
    ] {
        microsoft.audit_forgets();
        scene.forward(minutes);
        microsoft.app_does(scene.act_app(), school, n, activity);
        let told = scene.told().await;
        assert_eq!(counts(&told), [alone, 0, 1 - alone, 0], "{activity} of {n}: {told:#?}");
    }
}

#[tokio::test]
async fn an_entry_that_names_only_a_service_principal_is_unknown_until_ours_is_known() {
    let mut scene = Scene::new().await;
    let microsoft = scene.stage.running.microsoft();
    microsoft.audit_leaves_app_ids_out();
    assert_done(&done(&scene.guard, "lock_account", &scene.stage.target(0)).await);
    let told = scene.told().await;
    assert_eq!((counts(&told), told.health()), ([0, 0, 0, 3], Health::Unknown));
    assert!(told.not_understood[0].why.as_str().contains("act.principal_id"), "{told:?}");
    let own = format!("act = {{ principal_id = \"{}\", ", microsoft.principal());
    scene.audits =
        scene.stage.audits(&scene.stage.settings().replace("act = { client", &(own + "client")));
    assert_eq!(counts(&scene.told().await), [0, 0, 3, 0]);
    microsoft.app_does("somebody-else", scene.stage.school, 0, "Enable account");
    assert_eq!(counts(&scene.told().await), [0, 1, 3, 0]);
}

#[tokio::test]
async fn what_is_not_understood_is_told_and_never_left_out() {
    let scene = Scene::new().await;
    let (microsoft, school) = (scene.stage.running.microsoft(), scene.stage.school);
    let user =
        |row: &mut serde_json::Value| row["initiatedBy"] = json!({"app": null, "user": null});
    microsoft.portal_does(school, 0, "Enable account");
    microsoft.audit_entry(user);
    microsoft.audit_entry(|row| row["activityDateTime"] = json!("soon"));
    microsoft.audit_entry(|row| row["activityDateTime"] = json!("2020-01-01T00:00:00Z"));
    microsoft.audit_entry(|row| row["targetResources"] = json!([]));
    microsoft.audit_entry(|row| row["targetResources"][0]["id"] = json!("a.pupil@wolds.example"));
    microsoft.audit_entry(|row| row["id"] = json!(null));
    microsoft.audit_entry(|row| row["activityDisplayName"] = json!(7));
    microsoft.audit_entry(|row| *row = json!("text"));
    microsoft.audit_entry(|row| {
        row["activityDisplayName"] = json!("Update user");
        row["targetResources"][0]["modifiedProperties"] =
            json!([{"displayName": "AccountEnabled", "newValue": "[\"perhaps\"]"}]);
    });
    let told = scene.told().await;
    assert_eq!((counts(&told), told.health()), ([0, 1, 0, 9], Health::Unknown), "{told:#?}");
    let text = serde_json::to_string(&told).unwrap();
    assert!(!text.contains("a.pupil"), "an address is no id: {text}");
}

#[tokio::test]
async fn pages_are_followed_and_a_feed_that_is_cut_throttled_or_refused_is_unknown() {
    let scene = Scene::new().await;
    let (microsoft, school) = (scene.stage.running.microsoft(), scene.stage.school);
    for n in 0..7 {
        microsoft.portal_does(school, n, "Enable account");
    }
    microsoft.app_does(scene.act_app(), school, 0, "Enable account");
    microsoft.audit_pages(3);
    let told = scene.told().await;
    assert_eq!((counts(&told), told.broke_off), ([1, 7, 0, 0], None));
    for (fault, reason) in
        [(Fault::HalfSent, Reason::NoAnswer), (Fault::Throttled(3_600), Reason::Throttled)]
    {
        scene.stage.running.set_fault("welearn365.graph_audit", None, fault);
        let told = scene.told().await;
        let broke = told.broke_off.clone().unwrap_or_else(|| panic!("{fault:?} is not told"));
        assert_eq!((broke.reason, told.read), (reason, 3), "{fault:?}: {}", broke.why);
        // What was read until then still counts: the newest page has the loudest.
        assert_eq!((told.our_app_alone, told.health()), (1, Health::Critical));
        scene.forward(61);
    }
    scene.stage.running.clear_fault("welearn365.graph_audit", None);
    microsoft.consent(&["User.Read.All"]);
    scene.stage.running.forget_tokens();
    let told = scene.told().await;
    assert_eq!((told.read, told.health()), (0, Health::Unknown));
    let broke = told.broke_off.unwrap();
    assert_eq!(broke.reason, Reason::Unauthorised);
    assert!(broke.why.as_str().contains("AuditLog.Read.All"), "{}", broke.why);
}

#[tokio::test]
async fn entries_come_late_and_only_a_lead_or_an_auditor_asks() {
    let scene = Scene::new().await;
    let (microsoft, school) = (scene.stage.running.microsoft(), scene.stage.school);
    microsoft.audit_lags(3_600);
    microsoft.portal_switches(school, 0, false);
    assert_eq!(scene.told().await.read, 0);
    scene.forward(61);
    let told = scene.told().await;
    assert_eq!(counts(&told), [0, 2, 0, 0]);
    assert_eq!(told.newest.unwrap().to_string(), crate::desk::NOW);
    for role in [Role::Viewer, Role::Operator, Role::Approver] {
        let no = scene.guard.reconcile(&who(7, "x", role), &*scene.audits, scene.since()).await;
        assert!(matches!(no, Err(Denied::Policy(_))), "{role:?}: {no:?}");
    }
    let lead = who(7, "x", Role::Lead);
    assert!(scene.guard.reconcile(&lead, &*scene.audits, scene.since()).await.is_ok());
}
