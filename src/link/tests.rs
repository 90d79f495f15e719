//! Tests of the client against agents that are older, dead, or talk nonsense.

use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use super::{Link, LinkError, LinkEvent, follow};
use crate::wire::VERSION;

const LIMIT: Duration = Duration::from_secs(10);
const NOW: &str = "2026-11-23T10:00:00Z";

/// Answers each connection by its path: a head and a body, and then closes or keeps silent.
struct Fake {
    socket: PathBuf,
    _folder: tempfile::TempDir,
    _task: tokio::task::JoinHandle<()>,
}

type Script = fn(&str) -> (String, bool);

fn fake(script: Script) -> Fake {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let task = tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4_096];
            let read = stream.read(&mut head).await.unwrap();
            let request = String::from_utf8_lossy(&head[..read]).into_owned();
            let (answer, keep) = script(&request);
            stream.write_all(answer.as_bytes()).await.unwrap();
            if keep {
                open.push(stream);
            }
        }
    });
    Fake { socket, _folder: folder, _task: task }
}

fn json(status: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn board(version: u32) -> String {
    let none = r#"{"ok":0,"warning":0,"critical":0,"unknown":0,"not_subscribed":0}"#;
    let split = r#"{"critical":0,"unknown":0,"warning":0,"unasked":0,"somebody":0,"follows":0,
        "ok":0,"not_subscribed":0}"#;
    let agent = format!(r#"{{"version":"0","demo":true,"started_at":"{NOW}","embedded":false}}"#);
    json(
        200,
        &format!(
            r#"{{"version":{version},"revision":5,"as_of":"{NOW}","agent":{agent},"settled":true,
            "restored_from":null,"summary":{none},"schools_summary":{none},"split":{split},"columns":[],
            "estate":[],"schools":[],"not_watched":[]}}"#
        ),
    )
}

/// One beat, and then no byte more though the connection stays.
fn silent(request: &str) -> (String, bool) {
    if request.starts_with("GET /v1/board ") {
        return (board(VERSION), false);
    }
    let beat = format!(r#"{{"kind":"beat","revision":5,"as_of":"{NOW}","settled":true}}"#);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    (format!("{head}id: 5\ndata: {beat}\n\n"), true)
}

async fn next(events: &mut Receiver<LinkEvent>) -> LinkEvent {
    timeout(LIMIT, events.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_link_without_a_beat_is_dead() {
    let fake = fake(silent);
    let link = Link::new(&fake.socket).unwrap();
    let mut events = follow::start_with(link, Duration::from_millis(200), None);
    assert!(matches!(next(&mut events).await, LinkEvent::Board(_)));
    assert!(matches!(next(&mut events).await, LinkEvent::Change(_)));
    match next(&mut events).await {
        LinkEvent::Lost(LinkError::NoAgent { why, .. }) => assert!(why.contains("not been heard")),
        other => panic!("{other:?}"),
    }
    // It comes back by the revision that it knows, without a new board.
    assert!(matches!(next(&mut events).await, LinkEvent::Change(_)));
}

#[tokio::test]
async fn another_version_is_said_and_not_read() {
    let fake = fake(|_| (board(VERSION + 1), false));
    let link = Link::new(&fake.socket).unwrap();
    match link.board().await {
        Err(error @ LinkError::Version { .. }) => {
            assert!(error.to_string().contains("upgrade"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    let mut events = link.follow();
    assert!(matches!(next(&mut events).await, LinkEvent::Lost(LinkError::Version { .. })));
}

#[tokio::test]
async fn nonsense_and_half_an_answer_are_errors() {
    let page = fake(|_| (json(200, "{\"version\":1,\"what\":[]}"), false));
    let link = Link::new(&page.socket).unwrap();
    assert!(matches!(link.page(None).await, Err(LinkError::Version { .. })));
    let odd = fake(|_| (json(500, "<html>"), false));
    let link = Link::new(&odd.socket).unwrap();
    assert!(matches!(link.health().await, Err(LinkError::Version { .. })));
    let half = fake(|_| (board(VERSION).replace("not_watched\":[]}", ""), false));
    let link = Link::new(&half.socket).unwrap();
    assert!(matches!(link.board().await, Err(LinkError::NoAgent { .. })), "it broke off");
    let gone = fake(|_| (String::new(), false));
    let link = Link::new(&gone.socket).unwrap();
    assert!(matches!(link.board().await, Err(LinkError::NoAgent { .. })));
}

#[tokio::test]
async fn a_left_over_socket_and_a_missing_one_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent.sock");
    let link = Link::new(&socket).unwrap();
    let why = |error: Result<_, LinkError>| match error {
        Err(LinkError::NoAgent { why, .. }) => why,
        other => panic!("{other:?}"),
    };
    assert!(why(link.health().await).contains("no such socket"));
    drop(UnixListener::bind(&socket).unwrap());
    assert!(why(link.health().await).contains("left over"));
    assert!(Link::new(&folder.path().join("x".repeat(200))).is_err(), "too long for a socket");
}
