//! What a real Active Directory says. Run in a namespace by `against_a_real_active_directory`.

mod acts;

use caretaker::directory::Counts;
use caretaker::model::health::Reason;
use caretaker::transport::ldap::{Filter, LdapFailure, LdapSettings, Scope, Search, SignIn, Take};
use secrecy::SecretString;

use crate::samba::{Authority, Dc, HOSTILE, LOCKS_AFTER, MANY, PASSWORD, SCHOOLS};
use crate::{controllers, directory, settings};

fn inside() {
    let inside = std::env::var("CARETAKER_TEST_NAMESPACE").is_ok();
    assert!(inside, "run `against_a_real_active_directory`, which makes the namespace for this");
}

fn password() -> SecretString {
    PASSWORD.to_owned().into()
}

/// Signs in and says why not.
async fn sign_in(settings: &LdapSettings, with: &str) -> Result<(), LdapFailure> {
    let with = SecretString::from(with.to_owned());
    controllers(settings).open(0, &with).await.map(|_| ())
}

#[tokio::test]
#[ignore = "needs the namespace of `against_a_real_active_directory`"]
async fn counts_every_account_of_every_school() {
    inside();
    let authority = Authority::new();
    let dc = Dc::start(1, &authority);
    let schools = [
        ("9992001", format!("{HOSTILE},{SCHOOLS}")),
        ("9992002", format!("OU=locks,{}", SCHOOLS.to_lowercase())),
        ("9992003", format!("OU=Many,{SCHOOLS}")),
        ("9992004", format!("OU=Empty,{SCHOOLS}")),
        ("9992005", format!("OU=Nowhere,{SCHOOLS}")),
        ("9992006", format!("OU=Closed,{SCHOOLS}")),
    ];
    let of = controllers(&settings(&[&dc.ldaps()], authority.file()));
    let found = directory(of, SCHOOLS, &schools).census(&password()).await.unwrap();
    let counts = |school: &str| found.value.counts.get(&school.parse().unwrap()).copied();
    let first = Counts {
        accounts: 6,
        enabled: 5,
        disabled: 1,
        expired: 1,
        must_change: 1,
        never_signed_in: 5,
        without_mail: 2,
        ..Counts::default()
    };
    assert_eq!(counts("9992001"), Some(first));
    let locks = Counts {
        accounts: 10,
        enabled: 9,
        disabled: 1,
        // The stale one has run out; the disabled one counts all the same.
        locked: 1,
        never_signed_in: 9,
        ..Counts::default()
    };
    assert_eq!(counts("9992002"), Some(locks));
    let many = counts("9992003").unwrap();
    assert_eq!((many.accounts, many.enabled, many.disabled), (MANY, MANY - MANY / 10, MANY / 10));
    assert_eq!(counts("9992004"), Some(Counts::default()));
    assert_eq!(counts("9992005"), None, "an OU that is not there is not an empty one");
    assert_eq!(counts("9992006").map(|c| (c.accounts, c.enabled)), Some((1, 0)));
    // One beside the schools, the others in the OUs of schools that are not asked for.
    assert_eq!(found.value.strangers, 12);
    assert!(found.value.sees_locks);
    assert_eq!(found.value.lockout.stays.map(|s| s.as_mins()), Some(30));
    assert_eq!(found.value.root.host.as_str(), "dc1.desk.test");
    assert!(found.by.contains("dc1.desk.test:636") && found.passed_over.is_empty());
}

#[tokio::test]
#[ignore = "needs the namespace of `against_a_real_active_directory`"]
async fn wrong_passwords_lock_and_the_lock_is_seen() {
    inside();
    let authority = Authority::new();
    let dc = Dc::start(2, &authority);
    let settings = settings(&[&dc.start_tls()], authority.file());
    for n in 0..3 {
        for _ in 0..LOCKS_AFTER {
            // Each time anew: one that was refused is not tried again.
            let as_pupil =
                LdapSettings { bind_as: format!("lock{n}@desk.test"), ..settings.clone() };
            let refused = sign_in(&as_pupil, "not the password").await.unwrap_err();
            assert_eq!(refused.reason(), Reason::Unauthorised, "{refused}");
        }
    }
    let schools =
        [("9992002", format!("OU=Locks,{SCHOOLS}")), ("9992007", format!("OU=Gone,{SCHOOLS}"))];
    let of = directory(controllers(&settings), SCHOOLS, &schools);
    let found = of.census(&password()).await.unwrap();
    let counts = found.value.counts[&"9992002".parse().unwrap()];
    assert_eq!((counts.locked, counts.unreadable), (4, 0), "three now, and the disabled one");

    let hour = jiff::SignedDuration::from_hours(1);
    let lately = of.lockouts(&password(), hour).await.unwrap().value;
    assert_eq!(lately.at[&"9992002".parse().unwrap()].len(), 4, "the stale one is two hours old");
    assert_eq!(lately.present.len(), 1, "of the school without an OU nothing is known");
    assert!(lately.sees_locks && lately.unreadable.is_empty());
    let day = of.lockouts(&password(), hour * 24).await.unwrap().value;
    assert_eq!(day.at[&"9992002".parse().unwrap()].len(), 5);

    // Unlocked by hand: the moment is gone.
    dc.change(&format!("CN=Lock 0,OU=Locks,{SCHOOLS}"), "lockoutTime", "0");
    let lately = of.lockouts(&password(), hour).await.unwrap().value;
    assert_eq!(lately.at[&"9992002".parse().unwrap()].len(), 3);
}

#[tokio::test]
#[ignore = "needs the namespace of `against_a_real_active_directory`"]
async fn a_refused_sign_in_says_why() {
    inside();
    let authority = Authority::new();
    let dc = Dc::start(3, &authority);
    let all = settings(&[&dc.ldaps()], authority.file());
    let as_account =
        |name: &str| LdapSettings { bind_as: format!("{name}@desk.test"), ..all.clone() };
    for (account, with, why, code) in [
        ("svc-wrong", "not the password", SignIn::WrongPassword, "52e"),
        ("nobody-of-this-name", PASSWORD, SignIn::WrongPassword, "52e"),
        ("svc-disabled", PASSWORD, SignIn::Disabled, "533"),
        ("svc-ended", PASSWORD, SignIn::AccountExpired, "701"),
        ("svc-change", PASSWORD, SignIn::MustChange, "773"),
    ] {
        let outcome = sign_in(&as_account(account), with).await;
        let refused = outcome.expect_err(account);
        let LdapFailure::SignIn { why: said, code: told, .. } = &refused else {
            panic!("{account}: {refused}")
        };
        assert_eq!((*said, told.as_deref()), (why, Some(code)), "{account}");
        assert!(!refused.to_string().contains(with), "{refused}");
    }
    for _ in 0..=LOCKS_AFTER {
        drop(sign_in(&as_account("svc-locked"), "not the password").await);
    }
    let refused = sign_in(&as_account("svc-locked"), PASSWORD).await.unwrap_err();
    assert!(matches!(refused, LdapFailure::SignIn { why: SignIn::LockedOut, .. }), "{refused}");
    let dn = LdapSettings {
        bind_as: format!("CN=svc-read,OU=Services,{}", crate::samba::DOMAIN),
        ..all
    };
    assert_eq!(sign_in(&dn, PASSWORD).await, Ok(()), "a DN will do as well");
}

#[tokio::test]
#[ignore = "needs the namespace of `against_a_real_active_directory`"]
async fn a_wrong_password_is_not_tried_until_the_account_is_locked() {
    inside();
    let authority = Authority::new();
    let dc = Dc::start(4, &authority);
    let of = controllers(&settings(&[&dc.ldaps()], authority.file()));
    let wrong = SecretString::from("not the password".to_owned());
    let tries = (0..4 * LOCKS_AFTER).map(|_| of.open(0, &wrong));
    for outcome in futures_util::future::join_all(tries).await {
        let refused = outcome.map(|_| ()).unwrap_err();
        assert!(
            matches!(refused, LdapFailure::SignIn { why: SignIn::WrongPassword, .. }),
            "the account was locked by our own tries: {refused}"
        );
    }
    // The right one is tried at once, and the account is not locked.
    assert!(of.open(0, &password()).await.is_ok());
}

#[tokio::test]
#[ignore = "needs the namespace of `against_a_real_active_directory`"]
async fn only_the_right_authority_and_the_right_name_are_believed() {
    inside();
    let authority = Authority::new();
    let dc = Dc::start(5, &authority);
    for url in [dc.ldaps(), dc.start_tls(), "ldaps://10.77.0.5".into()] {
        assert_eq!(sign_in(&settings(&[&url], authority.file()), PASSWORD).await, Ok(()), "{url}");
    }
    let stranger = Authority::new();
    for url in [dc.ldaps(), dc.start_tls()] {
        let refused = sign_in(&settings(&[&url], stranger.file()), PASSWORD).await.unwrap_err();
        assert!(refused.to_string().contains("not from an authority that is trusted"), "{refused}");
        assert_eq!(refused.reason(), Reason::NoAnswer);
        let system = LdapSettings { ca_file: None, ..settings(&[&url], stranger.file()) };
        let refused = sign_in(&system, PASSWORD).await.unwrap_err();
        assert!(refused.to_string().contains("TLS with"), "{refused}");
    }
    drop(dc);
    let other = Dc::named(6, &authority, &["dc1.desk.test"]);
    for url in [other.ldaps(), other.start_tls()] {
        let refused = sign_in(&settings(&[&url], authority.file()), PASSWORD).await.unwrap_err();
        assert!(refused.to_string().contains("for another name"), "{refused}");
    }
}

#[tokio::test]
#[ignore = "needs the namespace of `against_a_real_active_directory`"]
async fn a_controller_that_is_gone_is_passed_over_and_that_is_said() {
    inside();
    let authority = Authority::new();
    let mut one = Dc::start(7, &authority);
    let two = Dc::start(8, &authority);
    let both = settings(&[&one.ldaps(), &two.ldaps()], authority.file());
    let of = directory(controllers(&both), SCHOOLS, &[("9992008", format!("OU=Quiet,{SCHOOLS}"))]);
    let found = of.census(&password()).await.unwrap();
    assert!(found.by.contains("dc7") && found.passed_over.is_empty());

    let clock = caretaker::sys::SystemClock::new();
    let allowed = jiff::SignedDuration::from_hours(4);
    let seen = of.agreement(&password(), &clock, allowed).await;
    for controller in &seen {
        let standing = controller.standing.as_ref().unwrap();
        assert!(standing.ahead.abs().as_secs() <= 2 && standing.root.synchronized, "{standing:?}");
        assert_eq!(standing.behind, []);
    }

    // A password that was reset on one of them is looked for on the other. Whether it is missing there
    // can be told only of an account that has not changed for some minutes; see the stub's tests.
    one.reset_password("quiet");
    let just_now = jiff::SignedDuration::from_mins(-1);
    let seen = of.agreement(&password(), &clock, just_now).await;
    let compared = seen[1].standing.as_ref().unwrap().compared;
    assert!(compared >= 1, "{seen:?}");

    one.kill();
    let found = of.census(&password()).await.unwrap();
    assert!(found.by.contains("dc8"), "{}", found.by);
    let told = found.passed_over[0].to_string();
    assert!(told.contains("dc7.desk.test:636") && told.contains("no answer"), "{told}");
    let seen = of.agreement(&password(), &clock, allowed).await;
    assert!(seen[0].standing.is_err() && seen[1].standing.is_ok());
}

#[tokio::test]
#[ignore = "needs the namespace of `against_a_real_active_directory`"]
async fn more_than_was_bargained_for_is_no_smaller_answer() {
    inside();
    let authority = Authority::new();
    let dc = Dc::start(9, &authority);
    let of = controllers(&settings(&[&dc.ldaps()], authority.file()));
    let mut session = of.open(0, &password()).await.unwrap();
    let filter = Filter::equals("objectClass", "user");
    let many = format!("OU=Many,{SCHOOLS}");
    let search = |take| Search {
        base: &many,
        scope: Scope::Subtree,
        filter: &filter,
        attributes: &["userAccountControl", "displayName"],
        take,
    };
    let mut seen = 0;
    let found = session.search(&search(Take::All(MANY)), &mut |_| seen += 1).await.unwrap();
    assert_eq!((found.entries, found.pages, seen), (MANY, 3, MANY));
    let refused = session.search(&search(Take::All(MANY - 1)), &mut |_| ()).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::Malformed, "{refused}");

    let mut session = of.open(0, &password()).await.unwrap();
    let found = session.search(&search(Take::First(7)), &mut |_| ()).await.unwrap();
    assert_eq!((found.entries, found.pages), (7, 1));
    // The root of the domain points to other servers; that is never followed.
    let everywhere = Search { base: crate::samba::DOMAIN, ..search(Take::All(10_000)) };
    let found = session.search(&everywhere, &mut |_| ()).await.unwrap();
    assert!(found.entries > MANY);
    let nowhere = Search { base: "OU=Nowhere,DC=desk,DC=test", ..search(Take::All(10)) };
    let missing = session.search(&nowhere, &mut |_| ()).await.unwrap_err();
    assert!(matches!(missing, LdapFailure::Missing { .. }), "{missing}");

    // A long attribute in ranges.
    let dn = format!("CN=Denied RODC Password Replication Group,CN=Users,{}", crate::samba::DOMAIN);
    let members = caretaker::directory::members(&mut session, &dn, "member").await.unwrap();
    assert!(members.len() > 3, "{}", members.len());
    session.close().await;
}

#[tokio::test]
#[ignore = "needs the namespace of `against_a_real_active_directory`"]
async fn an_account_is_told_what_it_may_do_beside_reading() {
    inside();
    let authority = Authority::new();
    let dc = Dc::start(10, &authority);
    let of = |account: &str| {
        let bind_as = format!("{account}@desk.test");
        let settings = LdapSettings { bind_as, ..settings(&[&dc.ldaps()], authority.file()) };
        directory(controllers(&settings), &format!("OU=Acts,{SCHOOLS}"), &[])
    };
    let told = async |account| of(account).own_rights(&password()).await.unwrap().value;
    let reader = told("svc-read").await;
    assert_eq!((reader.runs.len(), reader.admin_count, reader.changes_ou), (0, Some(false), false));
    assert_eq!((reader.writable, reader.attributes.len()), (0, 0), "{reader:?}");
    assert!(reader.looked_at >= 9, "{reader:?}");

    // What was delegated is seen, and on accounts alone.
    let writer = told(crate::samba::WRITER).await;
    assert!(writer.writable >= 4 && !writer.changes_ou, "{writer:?}");
    assert!(writer.attributes.iter().any(|a| a.as_str() == "lockoutTime"), "{writer:?}");
    assert_eq!((writer.runs.len(), writer.admin_count), (0, Some(false)));

    // In a group that is in Domain Admins; with that as its primary group; with what was left over.
    let nested = told("nested").await;
    assert!(nested.runs.iter().any(|g| g.starts_with("Domain Admins (S-1-5-21-")), "{nested:?}");
    assert!(nested.changes_ou && nested.writable > 0, "{nested:?}");
    assert!(!told("primary").await.runs.is_empty());
    assert_eq!(told("was").await.admin_count, Some(true));
}
