//! Reaching a host without asking it anything, and what a call tells a person who listens.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use caretaker::sys::SystemClock;
use caretaker::transport::{
    Certificate, Request, Step, Transport, TransportSettings, Unreached, install_tls,
};
use rcgen::date_time_ymd;

use crate::server::{Act, Server, answer, ok};
use crate::tls::Authority;
use crate::{PATIENCE, at, roomy, transport};

fn plain() -> Transport {
    transport(TransportSettings::default())
}

fn port_of(server: &Server) -> u16 {
    server.url().rsplit(':').next().unwrap().trim_end_matches('/').parse().unwrap()
}

async fn shake(tls: rustls::ServerConfig, ca: Option<PathBuf>) -> Result<Certificate, Unreached> {
    let server = Server::start_tls(tls, |_, _| Act::Send(ok("{}"))).await;
    plain().handshake("localhost", port_of(&server), ca.as_deref(), PATIENCE).await
}

#[tokio::test]
async fn a_good_certificate_tells_how_long_it_counts() {
    let ours = Authority::new();
    let dated = ours.server("localhost", |p| {
        p.not_before = date_time_ymd(2024, 2, 3);
        p.not_after = date_time_ymd(2124, 5, 6);
    });
    let shown = shake(dated, Some(ours.file())).await.unwrap();
    assert_eq!(shown.ends_at.to_string(), "2124-05-06T00:00:00Z");
    assert!(shown.issuer.as_str().contains("Test authority"), "{}", shown.issuer);
}

#[tokio::test]
async fn a_bad_certificate_is_told_from_a_strangers() {
    let (ours, other) = (Authority::new(), Authority::new());
    let expired = ours.server("localhost", |p| {
        p.not_before = date_time_ymd(2020, 1, 1);
        p.not_after = date_time_ymd(2021, 1, 1);
    });
    let early = ours.server("localhost", |p| {
        p.not_before = date_time_ymd(2120, 1, 1);
        p.not_after = date_time_ymd(2121, 1, 1);
    });
    let foreign = ours.server("elsewhere.example", |_| {});
    for (tls, words) in [(expired, "expired"), (early, "not valid yet"), (foreign, "another name")]
    {
        match shake(tls, Some(ours.file())).await {
            Err(Unreached::Certificate { why, .. }) => assert!(why.contains(words), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    let stranger = shake(other.good(), Some(ours.file())).await;
    assert!(matches!(stranger, Err(Unreached::Stranger { .. })), "{stranger:?}");
}

#[tokio::test]
async fn nobody_there_is_no_answer_and_silence_has_a_limit() {
    let server = Server::start(|_, _| Act::Send(ok("{}"))).await;
    assert!(plain().connect("127.0.0.1", port_of(&server), PATIENCE).await.is_ok());
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let gone = plain().connect("127.0.0.1", closed, PATIENCE).await;
    assert!(matches!(gone, Err(Unreached::NoAnswer { .. })), "{gone:?}");
    // Accepts, and never says a word of TLS.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = mute.local_addr().unwrap().port();
    let ours = Authority::new();
    let silent = plain().handshake("localhost", port, Some(&ours.file()), Duration::ZERO).await;
    assert!(matches!(silent, Err(Unreached::Deadline { .. })), "{silent:?}");
    // Speaks, but not TLS.
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port_of_other = other.local_addr().unwrap().port();
    let speaks = std::thread::spawn(move || {
        let (mut stream, _) = other.accept().unwrap();
        std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        stream
    });
    let spoken = plain().handshake("localhost", port_of_other, Some(&ours.file()), PATIENCE).await;
    drop(speaks.join().unwrap());
    assert!(matches!(spoken, Err(Unreached::NoAnswer { .. })), "{spoken:?}");
    let no_ca = plain().handshake("localhost", port, Some("none.pem".as_ref()), PATIENCE).await;
    assert!(matches!(no_ca, Err(Unreached::Ours(_))), "{no_ca:?}");
}

#[tokio::test]
async fn a_name_has_its_addresses() {
    let found = plain().resolve("127.0.0.9", PATIENCE).await.unwrap();
    let here: IpAddr = "127.0.0.9".parse().unwrap();
    assert_eq!(found.addresses.into_iter().collect::<Vec<_>>(), [here]);
    let local = plain().resolve("localhost", PATIENCE).await.unwrap();
    assert!(local.addresses.iter().all(IpAddr::is_loopback), "{local:?}");
    assert_eq!(local.canonical.as_deref(), Some("localhost"), "no alias of anything");
    let none = plain().resolve("no-such-name.invalid", PATIENCE).await;
    // Without a name service nobody can say that there is none.
    assert!(matches!(none, Err(Unreached::NoSuchName(_) | Unreached::NoAnswer { .. })), "{none:?}");
}

#[tokio::test]
async fn a_call_is_told_without_values_and_without_its_body() {
    install_tls();
    let server = Server::start(|_, head| {
        if head.contains("/bad") {
            Act::Send(answer("503 No", "", "<p>canary</p>"))
        } else {
            Act::Send(ok("{\"name\": \"canary\", \"n\": [1, 2]}"))
        }
    })
    .await;
    let (transport, trace) = Transport::traced(roomy(), Arc::new(SystemClock::new()));
    let vendor = transport.endpoint(&at(&format!("{}/v1", server.url()))).unwrap();
    let good = Request::get("x")
        .segment("canary")
        .query("q", "canary")
        .header("X-Key".to_owned(), "canary".to_owned());
    vendor.send(good).await.unwrap();
    assert_eq!(vendor.send(Request::post("bad")).await.unwrap().status, 503);
    let (steps, more) = trace.take();
    assert_eq!((steps.len(), more), (2, 0));
    assert!(!format!("{steps:?}").contains("canary"), "{steps:?}");
    let [Step::Call(first), Step::Call(second)] = &steps[..] else { panic!("{steps:?}") };
    let url = server.url();
    assert_eq!(first.request.as_str(), format!("GET {url}/v1/x/{{}}?q=…"));
    assert_eq!(first.headers, ["client-request-id", "x-key"]);
    let answered = first.answer.as_ref().unwrap();
    assert_eq!((answered.status, answered.shape.as_str()), (200, "{n: [2 × 1], name: text(6)}"));
    assert_eq!(second.request.as_str(), format!("POST {url}/v1/bad"));
    assert_eq!(second.answer.as_ref().unwrap().shape, "a web page or XML");
}
