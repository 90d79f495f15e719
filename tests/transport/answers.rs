//! Answers that are wrong, cut, too large, too slow; and which calls are repeated.

use std::io::Write;
use std::time::Duration;

use caretaker::model::health::Reason;
use caretaker::model::span::Span;
use caretaker::transport::{Failure, Request, TransportSettings};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::server::{Act, Server, answer, ok};
use crate::{at, endpoint, roomy, transport};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn once(settings: TransportSettings) -> TransportSettings {
    TransportSettings { tries: 1, ..settings }
}

#[tokio::test]
async fn a_whole_answer_arrives_as_it_is() {
    let server = Server::start(|_, _| {
        Act::Send(answer("200 OK", "X-Units: 7\r\nContent-Type: application/json\r\n", "{\"n\":1}"))
    })
    .await;
    let vendor = endpoint(roomy(), &format!("{}/api", server.url()));
    let request = Request::get("schools").segment("999 7").query("$select", "a&b=c");
    let reply = vendor.send(request).await.unwrap();
    assert_eq!((reply.status, &reply.body[..]), (200, &b"{\"n\":1}"[..]));
    assert_eq!(reply.header("x-units"), Some("7"));
    assert_eq!(reply.origin, server.url());
    assert_eq!(reply.json::<serde_json::Value>().unwrap()["n"], 1);
    let sent = &server.requests()[0];
    assert!(
        sent.starts_with("GET /api/schools/999%207?%24select=a%26b%3Dc HTTP/1.1\r\n"),
        "{sent}"
    );
    // As evidence the same call names neither the value in the path nor the query.
    let evidence = [
        ("request", format!("GET {}/api/schools/{{}}", server.url())),
        ("http status", "200".to_owned()),
        ("answer", "application/json, 7 bytes".to_owned()),
        ("request id", reply.request_id.clone()),
    ];
    assert_eq!(reply.facts(), evidence);
    let version = env!("CARGO_PKG_VERSION");
    assert!(sent.contains(&format!("user-agent: caretaker/{version}\r\n")), "{sent}");
    assert!(sent.contains(&format!("client-request-id: {}\r\n", reply.request_id)), "{sent}");
    let again = vendor.send(Request::get("")).await.unwrap();
    assert_ne!(again.request_id, reply.request_id);
}

#[tokio::test]
async fn an_error_inside_200_and_a_status_that_is_none_of_success_are_answers() {
    let server = Server::start(|n, _| match n {
        0 => Act::Send(ok("{\"error\":{\"code\":\"Paused\"}}")),
        1 => Act::Send(answer("404 Not Found", "", "{\"code\":\"gone\"}")),
        2 => Act::Send(answer("401 Unauthorized", "", "no")),
        _ => Act::Send(answer("500 Oops", "", "{\"code\":\"ours\"}")),
    })
    .await;
    let vendor = endpoint(once(roomy()), &server.url());
    let inside = vendor.send(Request::get("")).await.unwrap();
    assert_eq!((inside.status, inside.text()), (200, "{\"error\":{\"code\":\"Paused\"}}".into()));
    let gone = vendor.send(Request::get("")).await.unwrap();
    assert_eq!((gone.status, gone.text()), (404, "{\"code\":\"gone\"}".into()));
    let refused = vendor.send(Request::get("")).await.unwrap().success().unwrap_err();
    assert_eq!(refused.reason(), Reason::Unauthorised);
    let broken = vendor.send(Request::get("")).await.unwrap();
    assert_eq!(broken.text(), "{\"code\":\"ours\"}");
    assert_eq!(broken.success().unwrap_err().reason(), Reason::NoAnswer);
}

#[tokio::test]
async fn threat_08_a_web_page_and_deep_json_are_malformed() {
    let server = Server::start(|n, _| match n {
        0 => Act::Send(ok("<!doctype html><title>Sign in</title>")),
        _ => Act::Send(ok("[".repeat(100_000))),
    })
    .await;
    let vendor = endpoint(roomy(), &server.url());
    for expected in ["web page", "within one another"] {
        let reply = vendor.send(Request::get("")).await.unwrap();
        let failure = reply.json::<serde_json::Value>().unwrap_err();
        assert_eq!(failure.reason(), Reason::Malformed);
        assert!(failure.to_string().contains(expected), "{failure}");
    }
}

#[tokio::test]
async fn threat_06_a_compressed_answer_is_unpacked_and_a_bomb_is_not() {
    let limit = 1024 * 1024;
    let bomb = gzip(&vec![b' '; 64 * limit]);
    assert!(bomb.len() < limit / 4, "small on the wire");
    let fine = gzip(&vec![b'7'; limit]);
    let server = Server::start(move |n, _| {
        let body = if n == 0 { &fine } else { &bomb };
        Act::Send(answer("200 OK", "Content-Encoding: gzip\r\n", body))
    })
    .await;
    let vendor = endpoint(TransportSettings { body_limit: limit, ..roomy() }, &server.url());
    let reply = vendor.send(Request::get("")).await.unwrap();
    assert_eq!(reply.body.len(), limit, "up to the limit is fine");
    let failure = vendor.send(Request::get("")).await.unwrap_err();
    assert_eq!(failure, Failure::TooLarge { origin: server.url(), limit });
    assert_eq!(server.requests().len(), 2, "and is not asked for again");
}

#[tokio::test]
async fn threat_06_an_endless_or_announced_large_body_is_refused() {
    let server = Server::start(|n, _| match n {
        0 => Act::Endless(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(),
            b"1000\r\n".iter().copied().chain([b'x'; 4096]).chain(*b"\r\n").collect(),
        ),
        1 => Act::Endless(b"HTTP/1.0 200 OK\r\n\r\n".to_vec(), vec![b'x'; 4096]),
        2 => Act::SendAndHang(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n".to_vec()),
        _ => Act::Send(ok("12345678901")),
    })
    .await;
    let vendor = endpoint(TransportSettings { body_limit: 100_000, ..roomy() }, &server.url());
    for _ in 0..3 {
        let failure = vendor.send(Request::get("")).await.unwrap_err();
        assert_eq!(failure, Failure::TooLarge { origin: server.url(), limit: 100_000 });
        assert_eq!(failure.reason(), Reason::Malformed);
    }
    let failure = vendor.send(Request::get("").body_limit(10)).await.unwrap_err();
    assert_eq!(failure, Failure::TooLarge { origin: server.url(), limit: 10 });
    assert_eq!(vendor.send(Request::get("").body_limit(11)).await.unwrap().body.len(), 11);
}

#[tokio::test]
async fn threat_07_a_slow_drip_ends_at_the_deadline() {
    let server = Server::start(|_, _| {
        Act::Drip(
            b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n".to_vec(),
            b"x".to_vec(),
            Duration::from_millis(20),
        )
    })
    .await;
    let mut settings = at(&server.url());
    settings.deadline = Some(Span::from_secs(1));
    let vendor = transport(roomy()).endpoint(&settings).unwrap();
    let failure = vendor.send(Request::get("")).await.unwrap_err();
    assert_eq!(failure, Failure::Deadline { origin: server.url(), seconds: 1 });
    assert_eq!(failure.reason(), Reason::NoAnswer);
    assert_eq!(server.requests().len(), 1, "no time is left for another try");
}

#[tokio::test]
async fn silence_ends_at_the_deadline_and_a_stall_before_it() {
    let server = Server::start(|n, _| match n {
        0 => Act::SendAndHang(Vec::new()),
        1 => Act::SendAndHang(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()),
        _ => Act::SendAndHang(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec()),
    })
    .await;
    let quick = TransportSettings { deadline: Span::from_secs(1), ..once(roomy()) };
    let vendor = endpoint(quick, &server.url());
    for _ in 0..2 {
        let failure = vendor.send(Request::get("")).await.unwrap_err();
        assert_eq!(failure, Failure::Deadline { origin: server.url(), seconds: 1 });
    }
    let stalling = TransportSettings { read_timeout: Span::from_secs(1), ..once(roomy()) };
    let failure = endpoint(stalling, &server.url()).send(Request::get("")).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::NoAnswer { why, .. } if why.contains("stopped")),
        "{failure}"
    );
}

#[tokio::test]
async fn a_body_that_was_cut_is_never_taken_as_whole() {
    let packed = gzip(br#"{"value":[{"id":1},{"id":2}]}"#);
    let cut_packed = packed[..packed.len() - 10].to_vec();
    let no_trailer = packed[..packed.len() - 4].to_vec();
    let server = Server::start(move |n, _| {
        let gzip = "Content-Encoding: gzip\r\n";
        Act::SendAndClose(match n {
            0 => b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n[1,2,3]".to_vec(),
            1 => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n[1,2,3]\r\n".to_vec(),
            2 => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n[1,2,3]".to_vec(),
            3 => answer("200 OK", gzip, &cut_packed),
            4 => answer("200 OK", gzip, &no_trailer),
            _ => answer("200 OK", gzip, "not packed at all"),
        })
    })
    .await;
    let vendor = endpoint(once(roomy()), &server.url());
    for n in 0..6 {
        let failure = vendor.send(Request::get("")).await.unwrap_err();
        let fits = match &failure {
            Failure::NoAnswer { .. } => n < 3,
            Failure::Malformed { .. } => n >= 3,
            _ => false,
        };
        assert!(fits, "{n}: {failure:?}");
    }
}

#[tokio::test]
async fn rubbish_instead_of_http_is_no_answer() {
    for rubbish in [
        "SSH-2.0-OpenSSH_9.6\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd".to_owned(),
        format!("HTTP/1.1 200 OK\r\n{}\r\n", "X-Long: y\r\n".repeat(50_000)),
    ] {
        let server = Server::start(move |_, _| Act::SendAndClose(rubbish.clone().into())).await;
        let failure =
            endpoint(once(roomy()), &server.url()).send(Request::get("")).await.unwrap_err();
        assert!(matches!(failure, Failure::NoAnswer { .. }), "{failure:?}");
    }
}

#[tokio::test]
async fn only_safe_calls_are_repeated() {
    for (act, what) in [
        ((|_, _: &str| Act::Close) as fn(usize, &str) -> Act, "closed"),
        (|_, _| Act::Send(answer("502 Bad Gateway", "", "")), "status"),
    ] {
        let server = Server::start(act).await;
        let vendor = endpoint(roomy(), &server.url());
        let sent = |request: Request| async {
            let before = server.requests().len();
            let outcome = vendor.send(request).await;
            assert!(outcome.is_err() || outcome.is_ok_and(|r| r.status == 502));
            server.requests().len() - before
        };
        let body = serde_json::json!({"lock": true});
        assert_eq!(sent(Request::post("act").json(body.clone())).await, 1, "{what}");
        assert_eq!(sent(Request::get("read")).await, 3, "{what}");
        assert_eq!(sent(Request::post("token").json(body).repeatable()).await, 3, "{what}");
    }
}

#[tokio::test]
async fn a_second_try_that_works_is_the_answer() {
    let server = Server::start(|n, _| match n {
        0 => Act::Close,
        1 => Act::Send(answer("503 Busy", "", "")),
        _ => Act::Send(ok("{}")),
    })
    .await;
    let reply = endpoint(roomy(), &server.url()).send(Request::get("")).await.unwrap();
    assert_eq!((reply.status, server.requests().len()), (200, 3));
    for request in server.requests() {
        assert!(request.contains(&reply.request_id), "one id for all tries: {request}");
    }
}

#[tokio::test]
async fn nobody_there_is_no_answer() {
    let server = Server::start(|_, _| Act::Close).await;
    let url = server.url();
    drop(server);
    let failure = endpoint(once(roomy()), &url).send(Request::get("")).await.unwrap_err();
    assert_eq!(failure.reason(), Reason::NoAnswer);
    assert!(failure.to_string().starts_with(&format!("no answer from {url}: cannot connect")));
    let unknown = endpoint(once(roomy()), "https://no-such-host.invalid/");
    let failure = unknown.send(Request::get("")).await.unwrap_err();
    assert_eq!(failure.reason(), Reason::NoAnswer, "{failure}");
}
