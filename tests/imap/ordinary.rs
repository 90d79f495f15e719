//! A mail server that does what it should, and a reader that only looks.

use std::sync::Arc;
use std::time::Duration;

use caretaker::model::health::Reason;
use caretaker::simulators::{Certificate, Door, Instead};
use caretaker::transport::{Failure, ImapSecurity, Part, SetupError, Transport, TransportSettings};
use secrecy::SecretString;

use crate::{Stage, Still, at, password, refused, with_clock};

const LETTER: &str = "From: a@filter.example\r\nTo: Desk <desk@example.org>\r\n\
    Date: Tue, 2 Feb 2027 10:21:30 +0000\r\nSubject: private words\r\nMessage-ID: <1@x>\r\n\r\n\
    more private words\r\n";

#[tokio::test]
async fn a_folder_is_looked_into_and_nothing_is_marked() {
    for door in [Door::Tls, Door::Starttls] {
        let stage = Stage::new(door, Certificate::Good).await;
        let first = stage.host.put(at("2027-02-02T10:22:00Z"), LETTER);
        let second = stage.host.put(at("2027-02-02T11:22:00Z"), "x".repeat(5_000));
        let mut folder = stage.server().open(&password()).await.unwrap();
        assert_eq!((folder.exists(), folder.next()), (2, Some(3)));
        let all = folder.numbers(None).await.unwrap();
        assert_eq!(all.into_iter().collect::<Vec<_>>(), [first, second]);
        let late = folder.numbers(Some("2027-02-03".parse().unwrap())).await.unwrap();
        assert!(late.is_empty());
        let got = folder.fetch(&[second, first, 77], Part::Whole, 1_000).await.unwrap();
        assert_eq!(got.len(), 2, "number 77 is not there");
        assert_eq!(got[&first].bytes, LETTER.as_bytes());
        assert_eq!(got[&first].received_at, Some(at("2027-02-02T10:22:00Z")));
        assert_eq!((got[&second].bytes.len(), got[&second].size), (1_000, Some(5_000)));
        let got = folder.fetch(&[first], Part::Envelope, 1_000).await.unwrap();
        let head = String::from_utf8(got[&first].bytes.clone()).unwrap();
        assert!(head.contains("desk@example.org") && head.contains("10:21:30"), "{head}");
        assert!(!head.contains("private"), "subject and text stay where they are: {head}");
        folder.close().await;
        assert_eq!(stage.host.refused(), 0);
        let heard = stage.host.heard();
        let verbs: Vec<&str> = heard.iter().map(|c| c.split(' ').next().unwrap()).collect();
        let expected =
            ["CAPABILITY", "AUTHENTICATE", "EXAMINE", "UID", "UID", "UID", "UID", "LOGOUT"];
        let clear: &[&str] = if door == Door::Starttls { &["STARTTLS"] } else { &[] };
        assert_eq!(verbs, [clear, &expected].concat());
    }
}

#[tokio::test]
async fn whatever_way_of_signing_in_the_server_has() {
    let stage = Stage::good().await;
    let awkward = "pa\"ss\\wörd {5}";
    stage.host.set_password(awkward);
    let secret: SecretString = awkward.to_owned().into();
    for abilities in ["AUTH=PLAIN", "AUTH=PLAIN SASL-IR"] {
        let said = format!("* capability IMAP4rev1 {abilities}\r\n{{tag}} OK\r\n").into_bytes();
        stage.host.meddle(move |c| (c == "CAPABILITY").then(|| Instead::Say(said.clone())));
        stage.server().open(&secret).await.unwrap();
    }
    // Plain LOGIN: for what a quoted string can hold.
    let said = b"* CAPABILITY IMAP4rev1\r\n{tag} OK\r\n".to_vec();
    stage.host.meddle(move |c| (c == "CAPABILITY").then(|| Instead::Say(said.clone())));
    let server = stage.server();
    let failure = server.open(&secret).await.err().unwrap();
    assert!(failure.to_string().contains("takes no password from us"), "{failure}");
    stage.host.set_password("pa\"ss\\word");
    stage.server().open(&"pa\"ss\\word".to_owned().into()).await.unwrap();
    let said = b"* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2\r\n{tag} OK\r\n".to_vec();
    stage.host.meddle(move |c| (c == "CAPABILITY").then(|| Instead::Say(said.clone())));
    let failure = refused(&stage.server()).await;
    assert_eq!(failure.reason(), Reason::Unauthorised);
    // A line end in a credential cannot become a command.
    let before = stage.host.heard().len();
    let failure =
        stage.server().open(&"x\r\nc9 DELETE INBOX".to_owned().into()).await.err().unwrap();
    assert!(matches!(failure, Failure::Unauthorised { .. }), "{failure}");
    assert_eq!(stage.host.heard().len(), before + 1, "its abilities were asked for, no more");
    assert!(!failure.to_string().contains("DELETE"));
}

#[tokio::test]
async fn a_refused_password_is_not_tried_again_and_again() {
    let stage = Stage::good().await;
    stage.host.set_password("another");
    let clock = Arc::new(Still::new());
    let server = with_clock(&stage.settings(), clock.clone());
    let failure = refused(&server).await;
    assert!(failure.to_string().contains("[AUTHENTICATIONFAILED]"), "{failure}");
    assert!(!failure.to_string().contains("not you"), "the server's words may hold a name");
    for _ in 0..5 {
        let failure = refused(&server).await;
        assert_eq!(failure.reason(), Reason::Unauthorised);
        assert!(failure.to_string().contains("not tried again for"), "{failure}");
    }
    assert_eq!(stage.host.connections(), 1);
    // A minute, then two, then four: a mail server locks an account after a few.
    for (minutes, connections) in [(1, 2), (1, 2), (1, 3), (3, 3), (1, 4)] {
        clock.advance(Duration::from_secs(minutes * 60));
        refused(&server).await;
        assert_eq!(stage.host.connections(), connections, "after {minutes} more");
    }
    // A credential that was changed is tried at once.
    server.open(&"another".to_owned().into()).await.unwrap();
    stage.host.set_password("open sesame");
    server.open(&password()).await.unwrap();
}

#[tokio::test]
async fn who_is_not_proved_to_be_the_server_hears_nothing() {
    for (certificate, words) in
        [(Certificate::Expired, "expired"), (Certificate::OtherName, "another name")]
    {
        for door in [Door::Tls, Door::Starttls] {
            let stage = Stage::new(door, certificate).await;
            let failure = refused(&stage.server()).await;
            assert!(
                matches!(&failure, Failure::Tls { why, .. } if why.contains(words)),
                "{failure}"
            );
            assert_eq!(failure.reason(), Reason::NoAnswer);
            assert!(stage.host.heard().iter().all(|c| c == "STARTTLS"), "{:?}", stage.host.heard());
        }
    }
    // An authority that is not ours.
    let (stage, other) = (Stage::good().await, Stage::good().await);
    let mut settings = stage.settings();
    settings.ca_file = Some(other.ca_file());
    let failure = refused(&crate::server(&settings)).await;
    assert!(matches!(failure, Failure::Tls { .. }), "{failure}");
    settings.ca_file = None;
    let failure = refused(&crate::server(&settings)).await;
    assert!(matches!(failure, Failure::Tls { .. }), "nor is the system's: {failure}");
    assert!(stage.host.heard().is_empty());
}

#[tokio::test]
async fn without_tls_nothing_is_said() {
    // TLS is expected and not there.
    let stage = Stage::new(Door::Clear, Certificate::Good).await;
    let failure = refused(&stage.server()).await;
    assert_eq!(failure.reason(), Reason::NoAnswer, "{failure}");
    assert!(stage.host.heard().iter().all(|c| !c.contains("AUTH") && !c.contains("LOGIN")));
    // STARTTLS is refused, and stripped from what the server can do.
    let mut settings = stage.settings();
    settings.security = ImapSecurity::Starttls;
    let failure = refused(&crate::server(&settings)).await;
    assert!(matches!(&failure, Failure::Tls { why, .. } if why.contains("STARTTLS")), "{failure}");
    assert_eq!(stage.host.heard().last().unwrap(), "STARTTLS");
    // Somebody puts words between the consent and the handshake.
    let stage = Stage::new(Door::Starttls, Certificate::Good).await;
    let injected = b"{tag} OK begin\r\n* CAPABILITY IMAP4rev1 LOGIN\r\n* 0 EXISTS\r\n".to_vec();
    stage.host.meddle(move |c| (c == "STARTTLS").then(|| Instead::Say(injected.clone())));
    let failure = refused(&stage.server()).await;
    assert!(matches!(failure, Failure::Tls { .. } | Failure::NoAnswer { .. }), "{failure}");
    assert_eq!(stage.host.heard(), ["STARTTLS"]);
}

#[tokio::test]
async fn a_dead_server_is_left_alone_after_a_few() {
    let stage = Stage::good().await;
    stage.host.meddle(|c| c.is_empty().then(|| Instead::Cut(Vec::new())));
    let clock = Arc::new(Still::new());
    let server = with_clock(&stage.settings(), clock.clone());
    for _ in 0..5 {
        assert!(matches!(refused(&server).await, Failure::NoAnswer { .. }));
    }
    assert!(matches!(refused(&server).await, Failure::Open { .. }));
    assert_eq!(stage.host.connections(), 5);
    stage.host.behave();
    clock.advance(Duration::from_secs(6));
    server.open(&password()).await.unwrap();
    // Nobody there at all.
    let mut settings = stage.settings();
    drop(stage);
    settings.ca_file = None;
    let failure = refused(&crate::server(&settings)).await;
    assert!(matches!(failure, Failure::NoAnswer { .. }), "{failure}");
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_refused() {
    let stage = Stage::good().await;
    let transport = Transport::new(TransportSettings::default(), Arc::new(Still::new()));
    for host in ["imaps://mail.example", "mail.example:993", "", "a b", "mail.example/x"] {
        let settings = caretaker::transport::ImapSettings { host: host.into(), ..stage.settings() };
        assert!(matches!(transport.mail_server(&settings), Err(SetupError::Url { .. })), "{host}");
    }
    let mut settings = stage.settings();
    settings.ca_file = Some("/nowhere/ca.pem".into());
    assert!(matches!(transport.mail_server(&settings), Err(SetupError::Ca { .. })));
}

#[tokio::test]
async fn rights_are_asked_for_only_where_the_server_tells_them() {
    let stage = Stage::good().await;
    let mut folder = stage.server().open(&password()).await.unwrap();
    assert_eq!(folder.rights().await.unwrap(), None);
    let acl = |rights: &'static str| {
        let rights = rights.as_bytes().to_vec();
        stage.host.meddle(move |c| match c {
            "CAPABILITY" => Some(Instead::Say(
                b"* CAPABILITY IMAP4rev1 AUTH=PLAIN ACL\r\n{tag} OK\r\n".to_vec(),
            )),
            "MYRIGHTS \"INBOX/Alerts\"" => Some(Instead::Say(rights.clone())),
            _ => None,
        });
    };
    acl("* MYRIGHTS \"INBOX/Alerts\" lrs\r\n{tag} OK\r\n");
    let mut folder = stage.server().open(&password()).await.unwrap();
    assert_eq!(folder.rights().await.unwrap().as_deref(), Some("lrs"));
    // Who says that it can tell, and does not, has told nothing.
    for mute in ["{tag} OK\r\n", "{tag} NO who are you\r\n", "* MYRIGHTS x\r\n{tag} OK\r\n"] {
        acl(mute);
        let mut folder = stage.server().open(&password()).await.unwrap();
        assert!(matches!(folder.rights().await, Err(Failure::Malformed { .. })), "{mute}");
    }
    assert_eq!(stage.host.refused(), 0, "it is not asked by commands that it does not know");
}
