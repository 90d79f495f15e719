//! A canary secret is looked for in everything that a call writes or says.

use std::io;
use std::sync::{Arc, Mutex};

use caretaker::transport::{Request, TransportSettings};
use secrecy::SecretString;

use crate::server::{Act, Server, answer, ok};
use crate::tls::Authority;
use crate::{at, endpoint, roomy, transport};

const CANARY: &str = "canary-5e81c0";

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Memory {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn secret() -> SecretString {
    CANARY.to_owned().into()
}

/// A request that carries the canary wherever a request can.
fn laden() -> Request {
    Request::post("users")
        .segment(CANARY)
        .path("tokens")
        .query("code", CANARY)
        .header("Authorization", format!("Bearer {CANARY}"))
        .form(vec![("client_secret", secret()), ("user", secret())])
        .repeatable()
}

/// In a process of its own: where another test makes a traced place known at the moment when the listener
/// comes, it can stay unheard for ever.
#[test]
fn threat_16_nothing_that_is_traced_or_said_holds_a_secret() {
    let ran = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "secrets::everything_is_listened_to", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let why = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success() && said.contains("1 passed"), "{said}{why}");
}

#[ignore = "run by threat_16, in a process of its own"]
#[tokio::test]
async fn everything_is_listened_to() {
    let memory = Memory::default();
    let to = memory.clone();
    // Everything of everybody at the finest level, not only what the program's own log keeps.
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || to.clone())
        .finish();

    let authority = Authority::new();
    let hostile = |n: usize, _: &str| match n {
        0 => Act::Send(ok(format!("{{\"access_token\":\"{CANARY}\"}}"))),
        1 => Act::Send(answer("500 Oops", "", CANARY)),
        2 => Act::Send(answer("302 Found", &format!("Location: /x?{CANARY}\r\n"), CANARY)),
        3 => Act::Send(answer("429 Slow", "Retry-After: 90\r\n", CANARY)),
        4 => Act::SendAndClose(
            format!("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{CANARY}").into(),
        ),
        5 => Act::Send(ok(vec![b'x'; 5_000])),
        _ => Act::Close,
    };
    let plain = Server::start(hostile).await;
    let tls = Server::start_tls(authority.good(), hostile).await;
    let settings = TransportSettings {
        tries: 1,
        body_limit: 4_000,
        deadline: caretaker::model::span::Span::from_secs(50),
        ..roomy()
    };
    let _tracing = tracing::subscriber::set_default(subscriber);
    let mut trusted = at(&format!("{}/v2", tls.tls_url()));
    trusted.ca_file = Some(authority.file());
    let mut said = String::new();
    for target in [at(&format!("{}/v2", plain.url())), trusted] {
        for _ in 0..7 {
            // A transport of its own for each, so that a throttle does not keep the rest away.
            let vendor = transport(settings.clone()).endpoint(&target).unwrap();
            match vendor.send(laden()).await {
                Ok(reply) => {
                    let shape = reply.json::<Vec<u32>>().unwrap_err();
                    said += &format!("{shape} {shape:?}\n");
                }
                Err(failure) => said += &format!("{failure} {failure:?}\n"),
            }
        }
    }
    let untrusted = endpoint(settings, &tls.tls_url()).send(laden()).await.unwrap_err();
    said += &format!("{untrusted} {untrusted:?} {:?}", laden());

    assert!(plain.requests()[0].matches(CANARY).count() >= 5, "the canary was really sent");
    assert_eq!((plain.requests().len(), tls.requests().len()), (7, 7));
    let traced = memory.text();
    assert!(!traced.contains(CANARY), "traced: {traced}");
    assert!(!said.contains(CANARY), "said: {said}");
    for wanted in ["POST", &plain.url(), "/v2/users/{}/tokens", "status=200", "request_id=", "ms="]
    {
        assert!(traced.contains(wanted), "the trace is there and says {wanted}: {traced}");
    }
}
