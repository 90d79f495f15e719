//! A mail server that lies, hangs, floods and breaks off: nothing it says may look like a folder
//! that is well, and nothing may bring the program down.

use std::sync::Arc;
use std::time::Duration;

use caretaker::model::health::Reason;
use caretaker::simulators::Instead;
use caretaker::transport::{Failure, Part};

use crate::{Stage, Still, at, password, with_clock};

const BAD: &str = "malformed";
const GONE: &str = "no answer";
const LARGE: &str = "too large";

fn kind(failure: &Failure) -> &'static str {
    match failure {
        Failure::NoAnswer { .. } => GONE,
        Failure::TooLarge { .. } => LARGE,
        Failure::Malformed { .. } => BAD,
        Failure::Unauthorised { .. } => "unauthorised",
        Failure::Deadline { .. } => "deadline",
        _ => "another",
    }
}

/// Everything that a reader does, up to the first failure; the messages that it got.
async fn read(stage: &Stage) -> Result<usize, Failure> {
    let mut folder = stage.server().open(&password()).await?;
    let numbers: Vec<u32> = folder.numbers(None).await?.into_iter().collect();
    let got = folder.fetch(&numbers, Part::Whole, 1_000).await?;
    folder.close().await;
    Ok(got.len())
}

#[tokio::test]
async fn no_lie_is_taken_for_an_answer() {
    let say = |text: &str| Instead::Say(text.as_bytes().to_vec());
    let cut = |text: &str| Instead::Cut(text.as_bytes().to_vec());
    let deep = format!("* 1 FETCH {}\r\n", "(X ".repeat(50_000));
    let flood = "* OK still here\r\n".repeat(200_000);
    let literal = format!("* 1 FETCH (UID 1 BODY[] {{900}}\r\n{}", "y".repeat(300));
    for (on, instead, expected) in [
        ("", say("* BYE too many of you\r\n"), GONE),
        ("", say("* PREAUTH come in\r\n"), BAD),
        ("", say("HTTP/1.1 400 Bad Request\r\n"), BAD),
        ("", say(&"* OK ".repeat(100_000)), LARGE),
        ("", cut("* OK"), GONE),
        ("CAPABILITY", say("{tag} NO\r\n"), BAD),
        ("CAPABILITY", say("{tag} PREAUTH\r\n"), BAD),
        ("CAPABILITY", say("c99 OK of another\r\n"), BAD),
        ("CAPABILITY", say(&flood), BAD),
        ("CAPABILITY", cut("* CAPABILITY AUTH=PLAIN\r\n"), GONE),
        ("AUTHENTICATE", say("{tag} BAD what?\r\n"), "unauthorised"),
        ("AUTHENTICATE", say("{tag} NO [UNAVAILABLE] later\r\n"), GONE),
        ("AUTHENTICATE", say("+ more\r\n+ and more\r\n+ still\r\n"), BAD),
        ("AUTHENTICATE", say("* BYE\r\n"), GONE),
        ("EXAMINE", say("{tag} NO [NONEXISTENT] none\r\n"), BAD),
        ("EXAMINE", say("{tag} OK done\r\n"), BAD),
        ("EXAMINE", say("* 3 EXISTS\r\n{tag} OK done\r\n"), BAD),
        ("EXAMINE", say("* OK [UIDVALIDITY 7] x\r\n{tag} OK done\r\n"), BAD),
        ("EXAMINE", say("* x EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n{tag} OK done\r\n"), BAD),
        ("EXAMINE", cut("* 2 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n"), GONE),
        // The list of messages: one that is too short would hide an alert.
        ("UID SEARCH", say("{tag} OK done\r\n"), BAD),
        ("UID SEARCH", say("* SEARCH\r\n{tag} OK done\r\n"), BAD),
        ("UID SEARCH", say("* SEARCH 1\r\n{tag} OK done\r\n"), BAD),
        ("UID SEARCH", say("* SEARCH 1 2\r\n{tag} NO not all\r\n"), BAD),
        ("UID SEARCH", say("* SEARCH 1 x\r\n{tag} OK done\r\n"), BAD),
        ("UID SEARCH", say("* SEARCH 1 2\r\n{tag} BYE\r\n"), BAD),
        ("UID SEARCH", cut("* SEARCH 1 2\r\n"), GONE),
        ("UID SEARCH", cut("* SEARCH 1"), GONE),
        ("UID SEARCH", say(&format!("* SEARCH{}", " 1".repeat(300_000))), LARGE),
        // The messages.
        ("UID FETCH", say("{tag} NO no\r\n"), BAD),
        ("UID FETCH", cut(&literal), GONE),
        ("UID FETCH", say("* 1 FETCH (UID 1 BODY[] {1001}\r\n"), LARGE),
        ("UID FETCH", say("* 1 FETCH (UID 1 BODY[] {99999999999999}\r\n"), LARGE),
        ("UID FETCH", say("* 1 FETCH (UID 1 BODY[] \"x)\r\n{tag} OK\r\n"), BAD),
        ("UID FETCH", say("* 1 FETCH UID 1\r\n{tag} OK\r\n"), BAD),
        ("UID FETCH", say(&deep), BAD),
        ("UID FETCH", say(&"* 1 FETCH (UID 1)\r\n".repeat(20_000)), BAD),
    ] {
        let stage = Stage::good().await;
        for _ in 0..2 {
            stage.host.put(at("2027-02-02T10:00:00Z"), "Subject: x\r\n\r\ny\r\n");
        }
        let said = instead.clone();
        stage.host.meddle(move |command| {
            let meant = if on.is_empty() { command.is_empty() } else { command.starts_with(on) };
            meant.then(|| said.clone())
        });
        let failure = read(&stage).await.expect_err("taken for an answer");
        let shown: String = format!("{instead:?}").chars().take(60).collect();
        assert_eq!(kind(&failure), expected, "{on}: {shown}: {failure}");
        assert!(failure.to_string().len() < 400, "{failure}");
        stage.host.behave();
        assert_eq!(read(&stage).await.unwrap(), 2, "and then all is well: {on}");
    }
}

#[tokio::test]
async fn what_was_not_asked_for_is_left_out() {
    let stage = Stage::good().await;
    stage.host.put(at("2027-02-02T10:00:00Z"), "Subject: x\r\n\r\ny\r\n");
    let said = b"* 7 EXISTS\r\n* 1 FETCH (FLAGS (\\Seen) UID 1)\r\n* VANISHED 3\r\n\
        * 5 FETCH (UID 5 BODY[] {3}\r\nbad)\r\n* 1 FETCH (UID 1 BODY[] {4}\r\ngood)\r\n\
        * 1 FETCH (UID 1 BODY[] {5}\r\nworse)\r\n* OK [ALERT]\xC3\xA9\r\n\
        * 2 FETCH (UID 2 INTERNALDATE NIL BODY[] NIL)\r\n{tag} OK\r\n";
    stage.host.meddle(move |c| c.starts_with("UID FETCH").then(|| Instead::Say(said.to_vec())));
    let mut folder = stage.server().open(&password()).await.unwrap();
    let got = folder.fetch(&[1, 2], Part::Whole, 1_000).await.unwrap();
    let all: Vec<_> = got.iter().map(|(n, f)| (*n, f.bytes.as_slice())).collect();
    assert_eq!(all, [(1, b"good".as_slice())]);
}

#[tokio::test]
async fn a_server_that_hangs_is_left_at_the_deadline() {
    for on in ["", "CAPABILITY", "AUTHENTICATE", "EXAMINE", "UID SEARCH", "UID FETCH"] {
        let stage = Stage::good().await;
        stage.host.put(at("2027-02-02T10:00:00Z"), "Subject: x\r\n\r\ny\r\n");
        let (reached, waits) = tokio::sync::oneshot::channel();
        let reached = std::sync::Mutex::new(Some(reached));
        stage.host.meddle(move |command| {
            let meant = if on.is_empty() { command.is_empty() } else { command.starts_with(on) };
            if meant && let Some(reached) = reached.lock().unwrap().take() {
                reached.send(()).unwrap();
            }
            meant.then(|| Instead::Hang(b"* OK wait".to_vec()))
        });
        let clock = Arc::new(Still::new());
        let server = with_clock(&stage.settings(), clock.clone());
        let reading = async {
            let mut folder = server.open(&password()).await?;
            folder.numbers(None).await?;
            folder.fetch(&[1], Part::Whole, 1_000).await
        };
        let hands = async {
            waits.await.unwrap();
            clock.advance(Duration::from_secs(61));
        };
        let (outcome, ()) = tokio::join!(reading, hands);
        let failure = outcome.unwrap_err();
        assert!(matches!(failure, Failure::Deadline { seconds: 60, .. }), "{on}: {failure}");
        assert_eq!(failure.reason(), Reason::NoAnswer);
    }
}
