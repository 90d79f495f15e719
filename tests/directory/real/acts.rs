//! Acting on accounts of a real Active Directory, through the guard and its ledger, with an account that
//! has the rights of the administrator's guide and no others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use caretaker::guard::{Denied, Guard};
use caretaker::model::plan::{Kind, Outcome, StepState};
use caretaker::sys::SystemClock;
use caretaker::transport::ldap::{Change, LdapSettings, SignIn, Written};
use secrecy::{ExposeSecret, SecretString};

use super::{LdapFailure, inside, password, sign_in};
use crate::checks::{Kept, estate};
use crate::desk::{POLICY, assert_done, brought, done, fact, guard, plan, run, until};
use crate::moving::{APPLIANCE, plan as move_to};
use crate::samba::{Authority, Dc, GROUPS, LOCKS_AFTER, PASSWORD, SCHOOLS, WRITER};
use crate::{controllers, settings};

/// The school whose accounts the writer may change, and one whose it may not.
const SCHOOL: &str = "9992010";
const ELSEWHERE: &str = "9992002";

/// A controller, and a desk that acts on it.
struct Desk {
    dc: Dc,
    guard: Guard,
    ldap: LdapSettings,
    _folder: tempfile::TempDir,
    _authority: Authority,
}

impl Desk {
    fn new(number: u8) -> Self {
        Self::of(number, "welearn365", |directory| {
            format!(
                "tenant_id = \"11111111-2222-3333-4444-555555555555\"\n\
                 client_id = \"66666666-2222-3333-4444-555555555555\"\n{directory}\
                 bind_as = \"svc-read@desk.test\"\n"
            )
        })
    }

    /// A desk with the hands of one service, whose settings are made from those of the directory.
    fn of(number: u8, service: &str, of: impl Fn(&str) -> String) -> Self {
        inside();
        let authority = Authority::new();
        let dc = Dc::start(number, &authority);
        let directory = format!(
            "[directory]\ncontrollers = [\"{}\"]\nca_file = \"{}\"\n\
             schools = \"{SCHOOLS}\"\nconnect_timeout = \"30s\"\noperation_timeout = \"60s\"\n\
             act = {{ bind_as = \"{WRITER}@desk.test\" }}\n",
            dc.ldaps(),
            authority.file().display(),
        );
        let secrets = BTreeMap::from([
            ("welearn365.directory.act".into(), PASSWORD.into()),
            ("smoothwall.directory.act".into(), PASSWORD.into()),
        ]);
        let (here, there) = (format!("OU=Acts,{SCHOOLS}"), format!("OU=Locks,{SCHOOLS}"));
        let schools = estate(&[(SCHOOL, Some(&*here)), (ELSEWHERE, Some(&*there))]);
        let clock = Arc::new(SystemClock::new());
        let secrets = Kept(Mutex::new(secrets));
        let brought = brought(service, &of(&directory), schools, secrets, clock.clone()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let guard = guard(folder.path(), brought.acts, POLICY, clock);
        let ldap = settings(&[&dc.ldaps()], authority.file());
        Self { dc, guard, ldap, _folder: folder, _authority: authority }
    }

    /// Why somebody is not let in.
    async fn refused(&self, login: &str, with: &str) -> SignIn {
        let ldap = LdapSettings { bind_as: format!("{login}@desk.test"), ..self.ldap.clone() };
        match sign_in(&ldap, with).await {
            Err(LdapFailure::SignIn { why, .. }) => why,
            other => panic!("{login}: {other:?}"),
        }
    }

    async fn lets_in(&self, login: &str, with: &str) {
        let ldap = LdapSettings { bind_as: format!("{login}@desk.test"), ..self.ldap.clone() };
        assert_eq!(sign_in(&ldap, with).await, Ok(()), "{login}");
    }

    async fn denied(&self, action: &str, target: &str) -> String {
        match plan(&self.guard, action, target).await {
            Err(Denied::Policy(why)) => why,
            other => panic!("{target}: {other:?}"),
        }
    }
}

fn of(login: &str) -> String {
    format!("{SCHOOL}/sam:{login}")
}

#[tokio::test]
#[ignore = "needs the namespace of `against_a_real_active_directory`"]
async fn an_account_is_locked_restored_and_given_a_password() {
    let desk = Desk::new(10);
    desk.lets_in("act0", PASSWORD).await;
    let before = desk.dc.passwords("act0");
    let planned = plan(&desk.guard, "lock_account", &of("act0")).await.unwrap();
    assert_eq!((planned.plan.items[0].kind, fact(&planned, "locked")), (Kind::Pupil, "no"));
    assert_eq!(desk.dc.passwords("act0"), before, "a plan sends nothing");
    run(&desk.guard, &planned).await;
    let held = until(&desk.guard, |h| h.closed).await;
    assert_done(&held);
    assert!(held.steps.iter().all(|s| s.sent == 1 && s.state == StepState::Seen), "{held:?}");
    // The controller looks at the password first.
    assert_eq!(desk.refused("act0", PASSWORD).await, SignIn::WrongPassword);
    assert_eq!(desk.dc.passwords("act0"), before + 2);
    let planned = plan(&desk.guard, "restore_account", &of("act0")).await.unwrap();
    assert!(fact(&planned, "locked").starts_with("disabled"));

    assert_done(&done(&desk.guard, "restore_account", &of("act0")).await);
    // Open, and with a password that nobody knows.
    assert_eq!(desk.refused("act0", PASSWORD).await, SignIn::WrongPassword);
    let again = desk.denied("restore_account", &of("act0")).await;
    assert!(again.contains("enabled already"), "{again}");

    let planned = plan(&desk.guard, "reset_password", &of("act0")).await.unwrap();
    let shown: SecretString = run(&desk.guard, &planned).await.unwrap();
    let held = until(&desk.guard, |h| h.plan == planned.plan.id && h.closed).await;
    assert_done(&held);
    assert_eq!(desk.refused("act0", shown.expose_secret()).await, SignIn::MustChange);
    let planned = plan(&desk.guard, "lock_account", &of("act0")).await.unwrap();
    assert!(fact(&planned, "password").starts_with("must be changed"));
}

#[tokio::test]
#[ignore = "needs the namespace of `against_a_real_active_directory`"]
async fn a_lockout_after_wrong_passwords_is_cleared() {
    let desk = Desk::new(11);
    for _ in 0..LOCKS_AFTER {
        assert_eq!(desk.refused("act1", "not the password").await, SignIn::WrongPassword);
    }
    assert_eq!(desk.refused("act1", PASSWORD).await, SignIn::LockedOut);
    let other = desk.denied("restore_account", &of("act1")).await;
    assert!(other.contains("clear_lockout"), "{other}");
    let planned = plan(&desk.guard, "clear_lockout", &of("act1")).await.unwrap();
    assert!(fact(&planned, "locked").starts_with("locked out after"));
    run(&desk.guard, &planned).await;
    assert_done(&until(&desk.guard, |h| h.closed).await);
    desk.lets_in("act1", PASSWORD).await;
    let none = desk.denied("clear_lockout", &of("act1")).await;
    assert!(none.contains("not locked out"), "{none}");
}

#[tokio::test]
#[ignore = "needs the namespace of `against_a_real_active_directory`"]
async fn threat_24_whom_nobody_touches_is_known_by_what_the_directory_says() {
    let desk = Desk::new(12);
    for (login, part) in [
        ("nested", "runs the domain"),
        ("primary", "runs the domain"),
        ("was", "adminCount"),
        ("svc-boiler", "service's account"),
        ("spn", "service's account"),
    ] {
        for action in ["lock_account", "reset_password"] {
            let why = desk.denied(action, &of(login)).await;
            assert!(why.contains("protected") && why.contains(part), "{login}: {why}");
        }
    }
    let why = desk.denied("lock_account", &of("Administrator")).await;
    assert!(why.contains("no such account"), "{why}");
    for login in ["nested", "primary", "was", "svc-boiler", "spn"] {
        desk.lets_in(login, PASSWORD).await;
    }
    // Made an administrator after the plan was read: seen just before the first step.
    let planned = plan(&desk.guard, "lock_account", &of("act2")).await.unwrap();
    desk.dc.change(&format!("CN=Act 2,OU=Pupils,OU=Acts,{SCHOOLS}"), "adminCount", "1");
    run(&desk.guard, &planned).await;
    let held = until(&desk.guard, |h| h.closed).await;
    assert_eq!(held.outcome, Some(Outcome::ChangedSincePlan), "{held:?}");
    desk.lets_in("act2", PASSWORD).await;
}

#[tokio::test]
#[ignore = "needs the namespace of `against_a_real_active_directory`"]
async fn threat_10_a_change_between_plan_and_step_is_caught() {
    let desk = Desk::new(13);
    let dn = format!("CN=Never Expires,OU=Pupils,OU=Acts,{SCHOOLS}");
    let planned = plan(&desk.guard, "lock_account", &of("forever")).await.unwrap();
    desk.dc.change(&dn, "userAccountControl", "512");
    run(&desk.guard, &planned).await;
    let held = until(&desk.guard, |h| h.closed).await;
    assert_eq!(held.outcome, Some(Outcome::ChangedSincePlan));
    desk.lets_in("forever", PASSWORD).await;

    // And by the directory itself, whatever we read before: the value that goes is named.
    let writer = LdapSettings { bind_as: format!("{WRITER}@desk.test"), ..desk.ldap.clone() };
    let mut session = controllers(&writer).open(0, &password()).await.unwrap();
    let stale = Change::swap("userAccountControl", b"66048", b"66050");
    assert!(matches!(session.modify(&dn, &stale).await, Written::Changed));
    let fresh = Change::swap("userAccountControl", b"512", b"514");
    assert!(matches!(session.modify(&dn, &fresh).await, Written::Taken));
    session.close().await;
    assert_eq!(desk.refused("forever", PASSWORD).await, SignIn::Disabled);
}

#[tokio::test]
#[ignore = "needs the namespace of `against_a_real_active_directory`"]
async fn what_was_not_delegated_is_refused_by_the_directory_and_said() {
    let desk = Desk::new(14);
    let planned = plan(&desk.guard, "lock_account", &format!("{ELSEWHERE}/sam:lock5")).await;
    let planned = planned.unwrap();
    run(&desk.guard, &planned).await;
    let held = until(&desk.guard, |h| h.outcome.is_some()).await;
    assert_eq!(held.outcome, Some(Outcome::Rejected), "{held:?}");
    for step in &held.steps {
        assert_eq!(step.state, StepState::Refused, "{step:?}");
        assert!(step.says.as_str().contains("delegated"), "{}", step.says);
    }
    desk.lets_in("lock5", PASSWORD).await;
}

#[tokio::test]
#[ignore = "needs the namespace of `against_a_real_active_directory`"]
async fn an_account_is_moved_into_the_filters_group_and_back() {
    let desk = Desk::of(15, "smoothwall", |directory| {
        format!(
            "{APPLIANCE}{directory}groups = {{ restricted = \"CN=Restricted,{GROUPS}\", \
             other = \"CN=Other,{GROUPS}\" }}\n"
        )
    });
    let pupil = of("act0");
    let planned = move_to(&desk.guard, &pupil, "restricted").await.unwrap();
    run(&desk.guard, &planned).await;
    assert_done(&until(&desk.guard, |h| h.closed).await);
    let planned = move_to(&desk.guard, &pupil, "back").await.unwrap();
    assert_eq!(fact(&planned, "filtering group"), "restricted");
    run(&desk.guard, &planned).await;
    assert_done(&until(&desk.guard, |h| h.plan == planned.plan.id && h.closed).await);
    // No right to this group was delegated.
    let planned = move_to(&desk.guard, &pupil, "other").await.unwrap();
    assert_eq!(fact(&planned, "filtering group"), "none of the list");
    run(&desk.guard, &planned).await;
    let held = until(&desk.guard, |h| h.plan == planned.plan.id && h.outcome.is_some()).await;
    assert_eq!(held.outcome, Some(Outcome::Rejected), "{held:?}");
    let why = match move_to(&desk.guard, &of("nested"), "restricted").await {
        Err(Denied::Policy(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(why.contains("runs the domain"), "{why}");
}

#[tokio::test]
#[ignore = "needs the namespace of `against_a_real_active_directory`"]
async fn a_group_whose_members_run_the_domain_is_refused_though_it_is_listed() {
    let desk = Desk::of(16, "smoothwall", |directory| {
        format!("{APPLIANCE}{directory}groups = {{ leads = \"CN=Leads,{GROUPS}\" }}\n")
    });
    let refused = move_to(&desk.guard, &of("act0"), "leads").await;
    let Err(Denied::Policy(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("runs the domain"), "{why}");
}
