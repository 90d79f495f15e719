//! Mail folders over IMAP: a mail server that behaves, one that is hostile, and a real one.
#![cfg(test)]

#[path = "../support/at_the_end.rs"]
mod at_the_end;
mod dovecot;
mod hostile;
mod ordinary;
#[path = "../support/dovecot.rs"]
mod real;
#[path = "../support/required.rs"]
mod required;
#[path = "../support/slow_reader.rs"]
mod slow_reader;
mod whole;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use caretaker::model::span::Span;
use caretaker::ports::clock::{Boxed, Clock};
use caretaker::simulators::{Certificate, Door, MailHost};
use caretaker::sys::SystemClock;
use caretaker::transport::{
    Failure, ImapSecurity, ImapSettings, MailServer, Transport, TransportSettings, install_tls,
};
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::watch;

/// A clock of which only the test moves the hands.
struct Still(watch::Sender<Duration>);

impl Still {
    fn new() -> Self {
        Self(watch::Sender::new(Duration::from_secs(1_000)))
    }

    fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now += by);
    }
}

impl Clock for Still {
    fn now(&self) -> Timestamp {
        let seconds = i64::try_from(self.monotonic().as_secs()).unwrap();
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }
    fn monotonic(&self) -> Duration {
        *self.0.borrow()
    }
    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        let due = self.monotonic() + span;
        let mut time = self.0.subscribe();
        Box::pin(async move {
            time.wait_for(|now| *now >= due).await.unwrap();
        })
    }
    fn chance(&self) -> f64 {
        0.0
    }
}

/// A mail server, and what is needed to reach it.
struct Stage {
    host: MailHost,
    folder: tempfile::TempDir,
    door: Door,
}

impl Stage {
    async fn new(door: Door, certificate: Certificate) -> Self {
        install_tls();
        let host = MailHost::start(door, certificate).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), &host.ca_pem).unwrap();
        Self { host, folder, door }
    }

    async fn good() -> Self {
        Self::new(Door::Tls, Certificate::Good).await
    }

    fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn settings(&self) -> ImapSettings {
        ImapSettings {
            host: "localhost".to_owned(),
            port: Some(self.host.port),
            security: match self.door {
                Door::Starttls => ImapSecurity::Starttls,
                Door::Tls | Door::Clear => ImapSecurity::Tls,
            },
            user: "alerts".to_owned(),
            credential: "alerts-mailbox".parse().unwrap(),
            oauth: None,
            folder: "INBOX/Alerts".to_owned(),
            ca_file: Some(self.ca_file()),
            deadline: Span::from_secs(60),
        }
    }

    fn server(&self) -> MailServer {
        server(&self.settings())
    }
}

fn server(settings: &ImapSettings) -> MailServer {
    with_clock(settings, Arc::new(SystemClock::new()))
}

fn with_clock(settings: &ImapSettings, clock: Arc<dyn Clock>) -> MailServer {
    install_tls();
    let transport = Transport::new(TransportSettings::default(), clock);
    transport.mail_server(settings).unwrap()
}

fn password() -> SecretString {
    "open sesame".to_owned().into()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// What the opening of a folder came to, as a failure.
async fn refused(server: &MailServer) -> Failure {
    match server.open(&password()).await {
        Ok(_) => panic!("it was opened"),
        Err(failure) => failure,
    }
}
