//! What a controller may do wrong, and what Windows does and Samba does not.

use std::sync::Arc;

use caretaker::model::health::Reason;
use caretaker::model::observation::Verdict;
use caretaker::model::span::Span;
use caretaker::transport::ldap::{
    Filter, Found, LdapFailure, LdapSettings, Scope, Search, SignIn, Take,
};
use caretaker::transport::{Failure, Transport, TransportSettings};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use crate::checks::{Hands, Kept, built, estate, poll};
use crate::samba::Authority;
use crate::stub::{Act, Asked, Door, Part, Stub, done, element, entry, page_done, result, welcome};
use crate::{controllers, settings};

fn password() -> SecretString {
    "made-up".to_owned().into()
}

/// What a search for users brings from a stub that answers it so.
async fn search(
    play: impl Fn(&Asked) -> Act + Send + Sync + 'static,
) -> Result<Found, LdapFailure> {
    let authority = Authority::new();
    let stub = Stub::start(&authority, Door::Tls, play).await;
    let settings = LdapSettings {
        operation_timeout: Span::from_secs(1),
        page: 3,
        ..settings(&[&stub.url()], authority.file())
    };
    searched(&settings, Take::All(20)).await
}

async fn searched(settings: &LdapSettings, take: Take) -> Result<Found, LdapFailure> {
    let mut session = controllers(settings).open(0, &password()).await?;
    let filter = Filter::equals("objectClass", "user");
    let attributes = &["userAccountControl"];
    let search =
        Search { base: "OU=Here,DC=x", scope: Scope::Subtree, filter: &filter, attributes, take };
    session.search(&search, &mut |_| ()).await
}

fn user() -> Part {
    entry("CN=Zoë\\, Q,OU=Here,DC=x", &[("userAccountControl", b"512")])
}

/// Signs in, and answers each search so.
fn after_sign_in(
    answer: impl Fn(&Asked) -> Act + Send + Sync,
) -> impl Fn(&Asked) -> Act + Send + Sync {
    move |asked| if *asked == Asked::Bind { welcome() } else { answer(asked) }
}

#[tokio::test]
async fn an_answer_that_is_cut_short_is_no_smaller_answer() {
    for (code, reason) in [
        (3, Reason::NoAnswer),
        (4, Reason::Malformed),
        (10, Reason::Malformed),
        (11, Reason::Throttled),
        (12, Reason::Malformed),
        (50, Reason::Unauthorised),
        (51, Reason::Throttled),
        (52, Reason::NoAnswer),
        (53, Reason::Malformed),
        (80, Reason::Malformed),
    ] {
        let text = "00002024: SvcErr: CN=Somebody Secret\u{1b}[2J";
        let play = move |_: &Asked| Act::Say(vec![user(), user(), done(code, text)]);
        let failed = search(after_sign_in(play)).await.unwrap_err();
        assert_eq!(failed.reason(), reason, "{code}: {failed}");
        assert!(!failed.to_string().contains("Secret"), "{failed}");
    }
    let broken = search(after_sign_in(|_| Act::End)).await.unwrap_err();
    assert_eq!(broken.reason(), Reason::NoAnswer, "{broken}");
    let missing = search(after_sign_in(|_| Act::Say(vec![done(32, "")]))).await.unwrap_err();
    assert!(
        matches!(&missing, LdapFailure::Missing { what, .. } if what.as_str() == "OU=Here,DC=x")
    );
}

#[tokio::test]
async fn pages_are_read_to_their_end_and_no_further() {
    let pages = after_sign_in(|asked| {
        Act::Say(match asked.cookie() {
            b"" => vec![user(), user(), user(), page_done(b"second")],
            // Windows may send a page without an entry, and yet another one.
            b"second" => vec![page_done(b"third")],
            _ => vec![user(), page_done(b"")],
        })
    });
    let found = search(pages).await.unwrap();
    assert_eq!((found.entries, found.pages), (4, 3));

    let endless = search(after_sign_in(|_| Act::Say(vec![page_done(b"again")]))).await.unwrap_err();
    assert!(endless.to_string().contains("its pages do not end"), "{endless}");
    let silent = search(after_sign_in(|_| Act::Say(vec![user(), done(0, "")]))).await.unwrap_err();
    assert!(silent.to_string().contains("does not say whether that was all"), "{silent}");
    let many = after_sign_in(|_| Act::Say(vec![user(), user(), user(), page_done(b"more")]));
    let many = search(many).await.unwrap_err();
    assert!(many.to_string().contains("more than 20 entries"), "{many}");
    let odd = Part(
        result(0x65, 0, ""),
        element(
            0xa0,
            &element(
                0x30,
                &[element(4, b"1.2.840.113556.1.4.319"), element(4, b"\x30\x82")].concat(),
            ),
        ),
    );
    let odd = Arc::new(odd);
    let odd =
        search(after_sign_in(move |_| Act::Say(vec![Part(odd.0.clone(), odd.1.clone())]))).await;
    assert_eq!(odd.unwrap_err().reason(), Reason::Malformed);
}

#[tokio::test]
async fn what_the_library_cannot_read_ends_the_connection_as_a_value() {
    let nested = (0..60_000).fold(Vec::new(), |inner, _| {
        // The length is wrong on purpose from some depth on; nobody should look.
        let mut out = vec![0x30, 0x82];
        out.extend(u16::try_from(inner.len() % 0xffff).unwrap().to_be_bytes());
        if inner.len() < 200_000 {
            out.extend(inner)
        };
        out
    });
    for (what, bytes) in [
        ("a web page", b"HTTP/1.1 200 OK\r\n\r\n<html>".to_vec()),
        ("indefinite length", vec![0x30, 0x80, 2, 1, 1, 0, 0]),
        ("a huge message", vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 2, 1, 2]),
        ("no operation", element(0x30, &element(2, &[2]))),
        ("a nested nothing", element(0x30, &[element(2, &[2]), nested].concat())),
        ("a sign-in's answer", element(0x30, &[element(2, &[2]), result(0x61, 0, "")].concat())),
        (
            "an entry without attributes",
            element(0x30, &[element(2, &[2]), element(0x64, &element(4, b"CN=x"))].concat()),
        ),
        (
            "a result without a code",
            element(0x30, &[element(2, &[2]), element(0x65, &element(4, b""))].concat()),
        ),
        ("a number too long", element(0x30, &[element(2, &[1; 9]), result(0x65, 0, "")].concat())),
    ] {
        let failed = search(after_sign_in(move |_| Act::Raw(bytes.clone()))).await.unwrap_err();
        assert_eq!(failed.reason(), Reason::Malformed, "{what}: {failed}");
    }
    let goodbye =
        [element(2, &[0]), result(0x78, 51, "busy"), element(0x8a, b"1.3.6.1.4.1.1466.20036")];
    let goodbye = element(0x30, &goodbye.concat());
    let ended = search(after_sign_in(move |_| Act::Raw(goodbye.clone()))).await.unwrap_err();
    assert_eq!(ended.reason(), Reason::NoAnswer);
    assert!(ended.to_string().contains("ended the connection (result 51)"), "{ended}");
}

#[tokio::test]
async fn a_page_that_is_too_large_is_refused() {
    let authority = Authority::new();
    let play = after_sign_in(|_| {
        let large = || entry("CN=x,OU=Here,DC=x", &[("userAccountControl", &[b'5'; 90_000])]);
        Act::Say((0..40).map(|_| large()).chain([page_done(b"")]).collect())
    });
    let stub = Stub::start(&authority, Door::Tls, play).await;
    let own = settings(&[&stub.url()], authority.file());
    caretaker::transport::install_tls();
    let clock = Arc::new(caretaker::sys::SystemClock::new());
    let small = TransportSettings { body_limit: 1_000_000, ..TransportSettings::default() };
    let of = Transport::new(small, clock).directory(&own).unwrap();
    let mut session = of.open(0, &password()).await.unwrap();
    let filter = Filter::present("objectClass");
    let search = Search {
        base: "OU=Here,DC=x",
        scope: Scope::Subtree,
        filter: &filter,
        attributes: &["userAccountControl"],
        take: Take::All(100),
    };
    let failed = session.search(&search, &mut |_| ()).await.unwrap_err();
    assert!(
        matches!(failed, LdapFailure::Call(Failure::TooLarge { limit: 1_000_000, .. })),
        "{failed}"
    );
}

#[tokio::test]
async fn a_controller_that_dawdles_costs_its_deadline_and_no_more() {
    let late = search(after_sign_in(|_| Act::Wait)).await.unwrap_err();
    assert!(matches!(late, LdapFailure::Call(Failure::Deadline { seconds: 1, .. })), "{late}");
    let late = search(|_: &Asked| Act::Wait).await.unwrap_err();
    assert!(matches!(late, LdapFailure::Call(Failure::Deadline { seconds: 1, .. })), "{late}");
    let authority = Authority::new();
    let silent = Stub::start(&authority, Door::Silent, |_: &Asked| Act::Wait).await;
    let short = LdapSettings {
        connect_timeout: Span::from_secs(1),
        ..settings(&[&silent.url()], authority.file())
    };
    let late = searched(&short, Take::All(1)).await.unwrap_err();
    assert!(late.to_string().contains("no connection within 1 s"), "{late}");
}

#[tokio::test]
async fn before_tls_stands_nothing_leaves_but_the_request_for_it() {
    let authority = Authority::new();
    let well = || after_sign_in(|_| Act::Say(vec![user(), page_done(b"")]));
    for (door, words) in
        [(Door::Refuses, "does not start TLS (result 52)"), (Door::Injects, "more before TLS")]
    {
        let stub = Stub::start(&authority, door, well()).await;
        let failed = searched(&settings(&[&stub.url()], authority.file()), Take::All(9)).await;
        let failed = failed.unwrap_err();
        assert!(failed.to_string().contains(words), "{failed}");
        assert!(stub.asked.lock().unwrap().is_empty());
        let plain = stub.plain.lock().unwrap().clone();
        assert_eq!(plain.len(), 31, "only the request for StartTLS: {plain:?}");
        assert!(plain.ends_with(b"1.3.6.1.4.1.1466.20037"));
    }
    let stub = Stub::start(&authority, Door::StartTls, well()).await;
    let found = searched(&settings(&[&stub.url()], authority.file()), Take::All(9)).await;
    assert_eq!(found.map(|f| f.entries), Ok(1));
    let stranger = Authority::new();
    let failed =
        searched(&settings(&[&stub.url()], stranger.file()), Take::All(9)).await.unwrap_err();
    assert!(matches!(failed, LdapFailure::Call(Failure::Tls { .. })), "{failed}");
    let bind = |a: &&Asked| **a == Asked::Bind;
    assert_eq!(
        stub.asked.lock().unwrap().iter().filter(bind).count(),
        1,
        "no password for a stranger"
    );
}

#[tokio::test]
async fn a_dead_controller_is_left_alone_after_a_few_failures() {
    let authority = Authority::new();
    let stub = Stub::start(&authority, Door::Tls, |_: &Asked| Act::End).await;
    let of = controllers(&settings(&[&stub.url()], authority.file()));
    for _ in 0..TransportSettings::default().breaker_failures {
        let failed = of.open(0, &password()).await.map(|_| ()).unwrap_err();
        assert!(matches!(failed, LdapFailure::Call(Failure::NoAnswer { .. })), "{failed}");
    }
    let before = *stub.connections.lock().unwrap();
    let failed = of.open(0, &password()).await.map(|_| ()).unwrap_err();
    assert!(matches!(failed, LdapFailure::Call(Failure::Open { .. })), "{failed}");
    assert_eq!(*stub.connections.lock().unwrap(), before);
}

#[tokio::test]
async fn sub_codes_that_samba_never_gives_are_told() {
    for (data, why) in [
        ("525", SignIn::NoSuchUser),
        ("530", SignIn::NotAtThisHour),
        ("531", SignIn::NotFromThisHost),
        ("532", SignIn::PasswordExpired),
        ("9999", SignIn::Other),
    ] {
        let text = format!("80090308: LdapErr: DSID-0C090439, comment: x, data {data}, v4563\0");
        let failed =
            search(move |_: &Asked| Act::Say(vec![Part(result(0x61, 49, &text), Vec::new())]))
                .await
                .unwrap_err();
        let LdapFailure::SignIn { why: said, code, .. } = &failed else { panic!("{failed}") };
        assert_eq!((*said, code.as_deref()), (why, Some(data)));
        assert!(failed.to_string().contains("svc-read@desk.test"), "{failed}");
    }
    for (code, reason) in
        [(8, Reason::Unauthorised), (51, Reason::Throttled), (2, Reason::Malformed)]
    {
        let failed =
            search(move |_: &Asked| Act::Say(vec![Part(result(0x61, code, ""), Vec::new())]))
                .await
                .unwrap_err();
        assert_eq!(failed.reason(), reason, "{failed}");
    }
}

// ------------------------------------------------------------------ the checks over a scripted domain

const NOW: &str = "2027-02-02T09:10:00Z";

fn ticks(at: &str) -> String {
    let at: Timestamp = at.parse().unwrap();
    ((at.as_second() + 11_644_473_600) * 10_000_000).to_string()
}

/// A domain of one school, as a controller tells it.
#[derive(Clone)]
struct World {
    host: &'static str,
    now: &'static str,
    synchronized: &'static str,
    duration: &'static str,
    /// `userAccountControl` and more of each account.
    accounts: Vec<Vec<(&'static str, String)>>,
    /// `lockoutTime` and the computed flags of those that have one.
    locks: Vec<Vec<(&'static str, String)>>,
    locks_seen: bool,
    without_mail: usize,
    /// Accounts by the last byte of their id, `pwdLastSet`, `whenChanged`.
    passwords: Vec<(u8, String, &'static str)>,
}

impl World {
    fn well() -> Self {
        let plain = vec![
            ("userAccountControl", "512".into()),
            ("accountExpires", "9223372036854775807".into()),
            ("pwdLastSet", ticks("2027-01-11T08:00:00Z")),
            ("lastLogonTimestamp", ticks("2027-02-01T08:00:00Z")),
        ];
        Self {
            host: "dc1.x",
            now: "20270202091000.0Z",
            synchronized: "TRUE",
            duration: "-18000000000",
            accounts: vec![plain; 4],
            locks: Vec::new(),
            locks_seen: true,
            without_mail: 1,
            passwords: Vec::new(),
        }
    }

    fn play(self) -> impl Fn(&Asked) -> Act + Send + Sync {
        const PUPIL: &str = "CN=Q\\, Z,OU=Pupils,OU=Ash,OU=Schools,DC=x";
        let of = |attributes: &[(&'static str, String)]| {
            let bytes: Vec<(&str, &[u8])> =
                attributes.iter().map(|(n, v)| (*n, v.as_bytes())).collect();
            entry(PUPIL, &bytes)
        };
        move |asked| {
            if *asked == Asked::Bind {
                return welcome();
            }
            if asked.wants("currentTime") {
                let root = entry(
                    "",
                    &[
                        ("currentTime", self.now.as_bytes()),
                        ("defaultNamingContext", b"DC=x"),
                        ("dnsHostName", self.host.as_bytes()),
                        ("highestCommittedUSN", b"40960"),
                        ("isSynchronized", self.synchronized.as_bytes()),
                    ],
                );
                return Act::Say(vec![root, done(0, "")]);
            }
            if asked.wants("lockoutDuration") {
                let head =
                    [("lockoutDuration", self.duration.as_bytes()), ("lockoutThreshold", b"5")];
                return Act::Say(vec![entry("DC=x", &head), done(0, "")]);
            }
            let mut parts = if asked.filters("organizationalUnit") {
                vec![entry("OU=Ash,OU=Schools,DC=x", &[])]
            } else if asked.wants("whenChanged") {
                self.passwords
                    .iter()
                    .map(|(id, set, changed)| {
                        entry(
                            PUPIL,
                            &[
                                ("objectGUID", &[*id; 16]),
                                ("pwdLastSet", set.as_bytes()),
                                ("whenChanged", changed.as_bytes()),
                            ],
                        )
                    })
                    .collect()
            } else if asked.wants("objectGUID") {
                self.passwords
                    .iter()
                    .map(|(id, set, _)| {
                        entry(PUPIL, &[("objectGUID", &[*id; 16]), ("pwdLastSet", set.as_bytes())])
                    })
                    .collect()
            } else if asked.wants("userAccountControl") {
                self.accounts.iter().map(|a| of(a)).collect()
            } else if asked.wants("lockoutTime") {
                self.locks.iter().map(|a| of(a)).collect()
            } else if asked.filters("mail") {
                (0..self.without_mail).map(|_| of(&[])).collect()
            } else if self.locks_seen {
                vec![of(&[])]
            } else {
                Vec::new()
            };
            parts.push(page_done(b""));
            Act::Say(parts)
        }
    }
}

/// What the check says of the school, or of the estate, with controllers of these worlds.
async fn told(check: &str, worlds: Vec<World>) -> (Verdict, String, String) {
    let authority = Authority::new();
    let mut stubs = Vec::new();
    for world in worlds {
        stubs.push(Stub::start(&authority, Door::Tls, world.play()).await);
    }
    let urls: Vec<String> = stubs.iter().map(Stub::url).collect();
    let settings = format!(
        "tenant_id = \"t\"\nclient_id = \"c\"\n[directory]\ncontrollers = {urls:?}\nca_file = {:?}\n\
         bind_as = \"svc@x\"\nschools = \"OU=Schools,DC=x\"\n",
        authority.file()
    );
    let secrets = Kept(
        [("welearn365.directory".to_owned(), "made-up".to_owned())]
            .into_iter()
            .collect::<std::collections::BTreeMap<_, _>>()
            .into(),
    );
    let schools = [("9992001", Some("OU=Ash,OU=Schools,DC=x"))];
    let watch = built(&settings, estate(&schools), Hands::at(NOW), Arc::new(secrets)).unwrap();
    let seen = poll(&*watch, check).await.remove(0);
    let text = format!("{seen:?}");
    assert!(!text.contains("CN=Q"), "{text}");
    let words = urls
        .iter()
        .enumerate()
        .fold(seen.detail.to_string(), |t, (n, url)| t.replace(url, &format!("dc{}", n + 1)));
    (seen.verdict, words, text)
}

#[tokio::test]
async fn an_account_that_does_not_say_how_it_stands_is_not_counted_as_open() {
    let (verdict, words, _) = told("accounts", vec![World::well()]).await;
    assert_eq!(
        (verdict, words.as_str()),
        (Verdict::Ok, "4 accounts: 4 enabled, 1 never provisioned (no mail address)")
    );
    for (value, reason) in [
        (None, Reason::Unauthorised),
        (Some(("userAccountControl", "")), Reason::Malformed),
        (Some(("userAccountControl", "0x202")), Reason::Malformed),
        (Some(("userAccountControl", "99999999999")), Reason::Malformed),
        (Some(("accountExpires", "soon")), Reason::Malformed),
        (Some(("accountExpires", "-7")), Reason::Malformed),
        (Some(("pwdLastSet", "1e9")), Reason::Malformed),
        (Some(("lastLogonTimestamp", " 1")), Reason::Malformed),
    ] {
        let mut world = World::well();
        let one = &mut world.accounts[2];
        match value {
            None => one.retain(|(name, _)| *name != "userAccountControl"),
            Some((name, value)) => {
                one.iter_mut().filter(|(n, _)| *n == name).for_each(|(_, v)| *v = value.into());
            }
        }
        let (verdict, words, _) = told("accounts", vec![world]).await;
        assert_eq!(verdict, Verdict::Unknown(reason), "{value:?}: {words}");
    }
    let mut world = World::well();
    world.accounts[0][0].1 = "2080".into();
    let (_, words, _) = told("accounts", vec![world]).await;
    assert!(words.starts_with("3 accounts"), "another domain's account is no person: {words}");
    let nobody = World { accounts: Vec::new(), ..World::well() };
    let (verdict, words, _) = told("accounts", vec![nobody]).await;
    assert_eq!(verdict, Verdict::Critical, "{words}");
}

#[tokio::test]
async fn what_the_controller_computes_goes_before_our_own_reckoning_of_a_lock() {
    let lock = |minutes_ago: i64, computed: Option<&str>| {
        let at: Timestamp = NOW.parse().unwrap();
        let at = (at - SignedDuration::from_mins(minutes_ago)).to_string();
        let mut out = vec![("lockoutTime", ticks(&at))];
        out.extend(computed.map(|c| ("msDS-User-Account-Control-Computed", c.to_owned())));
        out
    };
    for (lock, duration, locked) in [
        (lock(5, Some("16")), "-18000000000", Some(1)),
        // A policy of single groups: still locked, or open already.
        (lock(500, Some("8388624")), "-18000000000", Some(1)),
        (lock(5, Some("0")), "-18000000000", Some(0)),
        // Without it the domain's policy decides.
        (lock(5, None), "-18000000000", Some(1)),
        (lock(31, None), "-18000000000", Some(0)),
        (lock(9_999, None), "0", Some(1)),
        (lock(9_999, None), "-9223372036854775808", Some(1)),
        (lock(5, Some("yes")), "-18000000000", None),
        (vec![("lockoutTime", "-1".to_owned())], "-18000000000", None),
    ] {
        let world = World { locks: vec![lock.clone()], duration, ..World::well() };
        let (verdict, words, text) = told("accounts", vec![world]).await;
        match locked {
            None => assert_eq!(verdict, Verdict::Unknown(Reason::Malformed), "{lock:?}: {words}"),
            Some(n) => {
                assert_eq!(verdict, Verdict::Ok, "{lock:?}: {words}");
                assert_eq!(
                    words.contains("1 locked out"),
                    n == 1,
                    "{lock:?} {duration}: {words} {text}"
                );
            }
        }
    }
    for duration in ["18000000000", "soon", ""] {
        let world = World { duration, ..World::well() };
        let (verdict, words, _) = told("accounts", vec![world]).await;
        assert_eq!(verdict, Verdict::Unknown(Reason::Malformed), "{duration}: {words}");
    }
}

#[tokio::test]
async fn what_our_account_may_not_read_is_not_taken_for_nothing() {
    let blind = World { locks_seen: false, ..World::well() };
    let (verdict, words, text) = told("lockouts", vec![blind.clone()]).await;
    assert_eq!(verdict, Verdict::Unknown(Reason::Unauthorised), "{words}");
    let (verdict, words, _) = told("accounts", vec![blind]).await;
    assert_eq!(verdict, Verdict::Ok);
    assert!(words.ends_with("; lockouts cannot be read"), "{words}");
    drop(text);
    let no_mail = World { without_mail: 4, ..World::well() };
    let (_, words, text) = told("accounts", vec![no_mail]).await;
    assert!(!words.contains("provisioned") && !text.contains("without_mail"), "{words}");
    let (verdict, words, _) = told("lockouts", vec![World::well()]).await;
    assert_eq!(
        (verdict, words.as_str()),
        (Verdict::Ok, "no account was locked out in the last 2h")
    );
}

#[tokio::test]
async fn a_controller_that_says_nothing_readable_of_itself_is_none() {
    for broken in
        [World { now: "today", ..World::well() }, World { synchronized: "yes", ..World::well() }]
    {
        for check in ["accounts", "lockouts", "controllers"] {
            let (verdict, words, _) = told(check, vec![broken.clone()]).await;
            assert_eq!(verdict, Verdict::Unknown(Reason::Malformed), "{check}: {words}");
        }
    }
}

#[tokio::test]
async fn clocks_that_disagree_are_told_and_whose_they_are() {
    let at = |now| World { now, ..World::well() };
    for (one, two, verdict, words) in [
        ("20270202091000.0Z", "20270202091159.0Z", Verdict::Ok, "2 of 2 controllers answer"),
        (
            "20270202091000.0Z",
            "20270202091301.0Z",
            Verdict::Warning,
            "the clock of dc2 is 3m ahead of ours",
        ),
        (
            "20270202091700.0Z",
            "20270202091700.0Z",
            Verdict::Warning,
            "the clock of dc1 is 7m ahead of ours: which of the two is wrong?; the clock of dc2",
        ),
        (
            "20270202090700.0Z",
            "20270202091301.0Z",
            Verdict::Critical,
            "the clock of dc2 is 6m ahead of that of dc1: signing in fails beyond 5m",
        ),
        (
            "20270202090700.0Z",
            "20270202091000.0Z",
            Verdict::Warning,
            "the clock of dc1 is 3m behind ours",
        ),
    ] {
        let (said, text, _) = told("controllers", vec![at(one), at(two)]).await;
        assert_eq!(said, verdict, "{one} {two}: {text}");
        assert!(text.contains(words), "{text}");
    }
    let behind = World { synchronized: "FALSE", ..World::well() };
    let (said, text, _) = told("controllers", vec![World::well(), behind]).await;
    assert_eq!(said, Verdict::Warning);
    assert!(text.contains("dc2 has not finished its first copy"), "{text}");
}

#[tokio::test]
async fn a_change_that_did_not_arrive_is_told_and_a_newer_one_is_not() {
    let old = "20270101080000.0Z";
    let reset = ticks("2027-02-02T01:00:00Z");
    let has = |host, passwords| World { host, passwords, ..World::well() };
    let one = has(
        "dc1.x",
        vec![(1, reset.clone(), "20270202010000.0Z"), (2, reset.clone(), "20270202010000.0Z")],
    );
    let late = has(
        "dc2.x",
        vec![(1, ticks("2026-11-01T00:00:00Z"), old), (2, reset.clone(), "20270202010400.0Z")],
    );
    let (verdict, words, _) = told("controllers", vec![one.clone(), late]).await;
    assert_eq!(verdict, Verdict::Warning, "{words}");
    assert!(
        words.contains("dc2 lacks 1 password change that dc1.x has had for over 4h"),
        "{words}"
    );
    assert!(!words.contains("dc1 lacks"), "the older one is not missing on the other: {words}");

    let same = has(
        "dc2.x",
        vec![(1, reset.clone(), "20270202010300.0Z"), (2, reset, "20270202010300.0Z")],
    );
    let (verdict, words, text) = told("controllers", vec![one.clone(), same]).await;
    assert_eq!(verdict, Verdict::Ok, "{words}");
    assert!(text.contains("copies compared"), "{text}");
    // Gone there: it may have been deleted there first.
    let (verdict, words, _) = told("controllers", vec![one, has("dc2.x", Vec::new())]).await;
    assert_eq!(verdict, Verdict::Ok, "{words}");
}
