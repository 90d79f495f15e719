//! Clients that mean ill, or are broken: the agent loses nothing but them.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::raw::{self, Events, LIMIT};
use crate::stage::{Stage, until};

/// Whether the agent ends this connection by itself.
async fn ends(stream: &mut UnixStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let read = timeout(LIMIT, stream.read_to_end(&mut answer)).await;
    drop(read.expect("the agent ends the connection"));
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_request_is_not_waited_for() {
    let mut stage = Stage::new(1);
    stage.settings.limits.head_time = Duration::from_millis(200);
    stage.settings.limits.answer_time = Duration::from_millis(200);
    let (agent, wire) = stage.settled().await;
    let mut half_head = UnixStream::connect(agent.socket()).await.unwrap();
    half_head.write_all(b"GET /v1/board HTTP/1.1\r\nHos").await.unwrap();
    ends(&mut half_head).await;
    let mut half_body = UnixStream::connect(agent.socket()).await.unwrap();
    half_body
        .write_all(b"POST /v1/refresh HTTP/1.1\r\nHost: c\r\nConnection: close\r\nContent-Length: 99\r\n\r\n{")
        .await
        .unwrap();
    assert_eq!(raw::parse(&ends(&mut half_body).await).status, 408);
    wire.get("/v1/health").await;
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_head_is_refused() {
    let stage = Stage::new(1);
    let (agent, wire) = stage.settled().await;
    let mut stream = UnixStream::connect(agent.socket()).await.unwrap();
    let head =
        format!("GET /v1/board HTTP/1.1\r\nHost: c\r\nX-Long: {}\r\n\r\n", "x".repeat(100_000));
    // It may hang up before all is sent.
    stream.write_all(head.as_bytes()).await.ok();
    let answer = ends(&mut stream).await;
    if !answer.is_empty() {
        assert_eq!(raw::parse(&answer).status, 431);
    }
    let mut stream = UnixStream::connect(agent.socket()).await.unwrap();
    stream.write_all(b"\x16\x03\x01\x02nonsense\r\n\r\n").await.unwrap();
    ends(&mut stream).await;
    wire.get("/v1/health").await;
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_is_let_go() {
    let mut stage = Stage::new(300);
    stage.settings.limits.unread_time = Duration::from_millis(300);
    let (agent, wire) = stage.settled().await;
    let mut reading = Events::open(agent.socket(), None).await;
    // Asks for the large answer again and again and reads none of it.
    let mut deaf = UnixStream::connect(agent.socket()).await.unwrap();
    let request = b"GET /v1/status HTTP/1.1\r\nHost: c\r\n\r\n".repeat(20);
    deaf.write_all(&request).await.unwrap();
    until("let go", || async {
        // The agent's side is closed: writing to it fails at last.
        deaf.try_write(b" ").is_err_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    })
    .await;
    wire.get("/v1/health").await;
    reading.next().await.unwrap();
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_boards_that_nobody_takes_are_limited() {
    let mut stage = Stage::new(3_000);
    stage.settings.limits.whole = 2;
    let (agent, wire) = stage.settled().await;
    let mut deaf = Vec::new();
    for _ in 0..2 {
        let mut stream = UnixStream::connect(agent.socket()).await.unwrap();
        stream.write_all(b"GET /v1/board HTTP/1.1\r\nHost: c\r\n\r\n").await.unwrap();
        stream.readable().await.unwrap();
        deaf.push(stream);
    }
    let (status, problem) = wire.ask("GET", "/v1/board", b"").await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("busy")));
    drop(deaf);
    until("places are given back", || async { wire.ask("GET", "/v1/board", b"").await.0 == 200 })
        .await;
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_and_connections_are_limited() {
    let mut stage = Stage::new(1);
    // One reader and its connection is the slow one's.
    stage.settings.limits.readers = 3;
    stage.settings.limits.connections = 5;
    let (agent, wire) = stage.settled().await;
    let _first = Events::open(agent.socket(), None).await;
    let second = Events::open(agent.socket(), None).await;
    let (status, problem) = wire.ask("GET", "/v1/changes", b"").await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("busy")));
    let mut idle = Vec::new();
    for _ in 0..4 {
        idle.push(UnixStream::connect(agent.socket()).await.unwrap());
    }
    let last = idle.last_mut().unwrap();
    let answer = ends(last).await;
    assert_eq!(raw::parse(&answer).status, 503);
    drop(idle);
    drop(second);
    // Places are given back.
    until("a place is free", || async {
        let reply = raw::ask(agent.socket(), "GET", "/v1/health", b"").await;
        let health: serde_json::Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        health["readers"] == 2
    })
    .await;
    Events::open(agent.socket(), None).await.next().await.unwrap();
    agent.stop().await.unwrap();
}
