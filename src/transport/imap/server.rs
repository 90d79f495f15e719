//! A mail server: reached over verified TLS, signed in to, left alone for a while when it fails.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::folder::MailFolder;
use super::settings::{ImapSecurity, ImapSettings};
use super::wire::{Answer, Broken, Status, Wire};
use crate::model::text::Clean;
use crate::ports::clock::Clock;
use crate::ports::watch::Door;
use crate::transport::client::system_roots;
use crate::transport::endpoint::rounded_up;
use crate::transport::exchange::tls_words;
use crate::transport::gate::{self, Gate};
use crate::transport::{Failure, look};

/// First rest after a refused sign-in with one credential, and the longest: a mail server locks an
/// account after a few.
const FIRST_REST: Duration = Duration::from_secs(60);
const LONGEST_REST: Duration = Duration::from_secs(30 * 60);
/// Lines that a server may say before TLS begins.
const CLEAR_LINES: usize = 64;
/// Bytes of one of them.
const CLEAR_LINE_LIMIT: usize = 2_000;

/// One account of a mail server. Cheap to clone; clones share the breaker and the rest after a
/// refusal.
#[derive(Clone)]
pub struct MailServer {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    settings: ImapSettings,
    server: ServerName<'static>,
    /// `None` for the system's.
    roots: Option<RootCertStore>,
    tls: OnceCell<Arc<ClientConfig>>,
    clock: Arc<dyn Clock>,
    gate: Gate,
    refused: Mutex<Option<Refused>>,
}

/// A sign-in that was refused.
struct Refused {
    secret: SecretString,
    until: Duration,
    rounds: u32,
    why: String,
}

pub(super) type Stream = TlsStream<TcpStream>;

/// Until when a visit may last.
#[derive(Clone)]
pub(super) struct Visit {
    /// `imaps://host:port`, for messages.
    pub(super) name: String,
    clock: Arc<dyn Clock>,
    due: Duration,
    whole: Duration,
}

impl Visit {
    /// `work` within what is left of the visit.
    pub(super) async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let left = self.due.saturating_sub(self.clock.monotonic());
        tokio::select! {
            biased;
            done = work => done,
            () = self.clock.sleep(left) => {
                Err(Failure::Deadline { origin: self.name.clone(), seconds: self.whole.as_secs() })
            }
        }
    }

    /// Whether more than half of the time is gone: no time to begin something large.
    pub(super) fn is_late(&self) -> bool {
        self.due.saturating_sub(self.clock.monotonic()) < self.whole / 2
    }

    pub(super) fn broken(&self, broken: Broken) -> Failure {
        let origin = self.name.clone();
        match broken {
            Broken::Lost(why) => Failure::NoAnswer { origin, why: said(&why), unsent: false },
            Broken::Bye(why) => {
                let why = format!("it took its leave: {}", said(&why));
                Failure::NoAnswer { origin, why, unsent: false }
            }
            Broken::TooLarge(limit) => Failure::TooLarge { origin, limit },
            Broken::Unreadable(why) => Failure::Malformed { origin, why: why.to_owned() },
        }
    }
}

/// The start of a server's words, fit to be shown.
pub(super) fn said(text: &str) -> String {
    Clean::new(text).as_str().chars().take(100).collect()
}

impl MailServer {
    pub(in crate::transport) fn new(
        settings: ImapSettings,
        server: ServerName<'static>,
        roots: Option<RootCertStore>,
        gate: Gate,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let scheme = match settings.security {
            ImapSecurity::Tls => "imaps",
            ImapSecurity::Starttls => "imap",
        };
        let name = format!("{scheme}://{}:{}", settings.host, settings.port());
        Self {
            inner: Arc::new(Inner {
                name,
                settings,
                server,
                roots,
                tls: OnceCell::new(),
                clock,
                gate,
                refused: Mutex::default(),
            }),
        }
    }

    /// Scheme, host and port, for messages.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.inner.name
    }

    /// Connects, signs in with `password` (an access token, where the settings name where these
    /// come from) and opens the folder for looking. From here to the last
    /// read of the folder a visit has the deadline of the settings. Cancel-safe.
    ///
    /// # Errors
    /// [`Failure::Unauthorised`] when the sign-in is refused, and without asking for a while
    /// afterwards, so that the account is not locked by us; [`Failure::Tls`],
    /// [`Failure::NoAnswer`], [`Failure::Deadline`], [`Failure::Open`] when nobody can be talked
    /// to; [`Failure::Malformed`] for what is not IMAP and for a folder that is not there.
    pub async fn open(&self, password: &SecretString) -> Result<MailFolder, Failure> {
        let inner = &*self.inner;
        let began = inner.clock.monotonic();
        inner.may_sign_in(password, began)?;
        let pass = inner.gate.enter(began).map_err(|open| Failure::Open {
            origin: inner.name.clone(),
            seconds: rounded_up(open.wait),
            failures: open.failures,
        })?;
        let visit = inner.visit(began);
        let opened = visit.within(inner.opened(&visit, password)).await;
        let now = inner.clock.monotonic();
        match &opened {
            Err(Failure::NoAnswer { .. } | Failure::Deadline { .. } | Failure::Tls { .. }) => {
                pass.dead(now, inner.clock.chance());
            }
            Ok(_) | Err(_) => pass.alive(true),
        }
        inner.note(password, &opened, now);
        tracing::debug!(
            server = inner.name,
            took_ms = u64::try_from(now.saturating_sub(began).as_millis()).unwrap_or(u64::MAX),
            failure = opened.as_ref().err().map(tracing::field::display),
            "mail folder opened"
        );
        opened
    }
}

impl MailServer {
    /// The server as it is found now, over a connection of its own on which nothing of ours is said.
    pub async fn reach(&self) -> Door {
        let inner = &*self.inner;
        let began = inner.clock.monotonic();
        let visit = inner.visit(began);
        let reached = visit.within(inner.reached(&visit)).await;
        let took = inner.clock.monotonic().saturating_sub(began);
        look::door(&inner.name, reached.as_ref().map(|tls| (tls, took)))
    }
}

impl Inner {
    fn visit(&self, began: Duration) -> Visit {
        let whole = self.settings.deadline.duration();
        Visit { name: self.name.clone(), clock: self.clock.clone(), due: began + whole, whole }
    }

    fn unauthorised(&self, why: impl Into<String>) -> Failure {
        Failure::Unauthorised { origin: self.name.clone(), why: why.into() }
    }

    /// Refuses what the server has just refused.
    fn may_sign_in(&self, password: &SecretString, now: Duration) -> Result<(), Failure> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match &*refused {
            Some(r) if now < r.until && same(&r.secret, password) => {
                let seconds = rounded_up(r.until.saturating_sub(now));
                let why = format!("{}; not tried again for {seconds} s", r.why);
                Err(self.unauthorised(why))
            }
            _ => Ok(()),
        }
    }

    fn note(&self, password: &SecretString, opened: &Result<MailFolder, Failure>, now: Duration) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match opened {
            Err(Failure::Unauthorised { why, .. }) => {
                let before = refused.take().filter(|r| same(&r.secret, password));
                let rounds = before.map_or(1, |r| r.rounds.saturating_add(1));
                let rest = gate::grown(FIRST_REST, rounds, LONGEST_REST, self.clock.chance());
                let secret = password.clone();
                *refused = Some(Refused { secret, until: now + rest, rounds, why: why.clone() });
            }
            Ok(_) => *refused = None,
            Err(_) => {}
        }
    }

    async fn opened(&self, visit: &Visit, password: &SecretString) -> Result<MailFolder, Failure> {
        let stream = self.reached(visit).await?;
        let mut wire = Wire::new(stream);
        if self.settings.security == ImapSecurity::Tls {
            self.greeted(visit, &mut wire).await?;
        }
        let mut folder = MailFolder::new(wire, visit.clone());
        // What was said before TLS began counts for nothing: asked here in any case.
        let can = folder.capabilities().await?;
        self.sign_in(visit, &mut folder, &can, password).await?;
        folder.examine(&self.settings.folder).await?;
        Ok(folder)
    }

    /// A connection on which TLS stands.
    async fn reached(&self, visit: &Visit) -> Result<Stream, Failure> {
        let mut stream = self.connected().await?;
        if self.settings.security == ImapSecurity::Starttls {
            self.start_tls(visit, &mut stream).await?;
        }
        self.encrypted(stream).await
    }

    async fn connected(&self) -> Result<TcpStream, Failure> {
        let no_answer = |why: &str| Failure::NoAnswer {
            origin: self.name.clone(),
            why: said(why),
            unsent: true,
        };
        let place = (self.settings.host.as_str(), self.settings.port());
        // Tries the addresses of the name in turn.
        TcpStream::connect(place).await.map_err(|e| no_answer(&format!("cannot connect: {e}")))
    }

    async fn encrypted(&self, stream: TcpStream) -> Result<Stream, Failure> {
        let tls = self.tls.get_or_try_init(|| self.tls_config()).await?;
        let shaken = TlsConnector::from(tls.clone()).connect(self.server.clone(), stream).await;
        shaken.map_err(|e| {
            let origin = self.name.clone();
            match e.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
                Some(tls) => Failure::Tls { origin, why: tls_words(tls) },
                None => Failure::NoAnswer { origin, why: said(&e.to_string()), unsent: false },
            }
        })
    }

    async fn tls_config(&self) -> Result<Arc<ClientConfig>, Failure> {
        let refuse = |why: String| Failure::Tls { origin: self.name.clone(), why };
        let roots = match &self.roots {
            Some(roots) => roots.clone(),
            None => {
                let read = tokio::task::spawn_blocking(system_roots).await;
                read.map_err(|e| refuse(e.to_string()))?.map_err(refuse)?
            }
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| refuse(e.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }

    /// Asks for TLS, in the clear. Reads no byte too many: whatever a stranger puts between the
    /// server's consent and the handshake is taken for the handshake, which then fails.
    async fn start_tls(&self, visit: &Visit, stream: &mut TcpStream) -> Result<(), Failure> {
        let greeting = clear_line(stream).await.map_err(|e| visit.broken(e))?;
        if !begins(&greeting, "* OK") {
            return Err(visit.broken(Broken::Unreadable("it does not greet as a mail server")));
        }
        let lost = |e: std::io::Error| visit.broken(Broken::Lost(e.to_string()));
        stream.write_all(b"s STARTTLS\r\n").await.map_err(lost)?;
        for _ in 0..CLEAR_LINES {
            let line = clear_line(stream).await.map_err(|e| visit.broken(e))?;
            if begins(&line, "s OK") {
                return Ok(());
            }
            if begins(&line, "s ") {
                let why = "it refuses STARTTLS: nothing was said in the clear";
                return Err(Failure::Tls { origin: self.name.clone(), why: why.to_owned() });
            }
        }
        Err(visit.broken(Broken::Unreadable("it does not answer to STARTTLS")))
    }

    async fn greeted(&self, visit: &Visit, wire: &mut Wire<Stream>) -> Result<(), Failure> {
        match wire.answer(0).await.map_err(|e| visit.broken(e))? {
            Answer::Status(Status::Ok, _) => Ok(()),
            Answer::Status(Status::Bye, why) => Err(visit.broken(Broken::Bye(why))),
            _ => Err(visit.broken(Broken::Unreadable("it does not greet as a mail server"))),
        }
    }

    async fn sign_in(
        &self,
        visit: &Visit,
        folder: &mut MailFolder,
        can: &[String],
        password: &SecretString,
    ) -> Result<(), Failure> {
        let (user, secret) = (self.settings.user.as_str(), password.expose_secret());
        if [user, secret].iter().any(|s| s.contains(['\r', '\n', '\0'])) {
            let why = "user name or password holds a line end: store the credential again";
            return Err(self.unauthorised(why));
        }
        let offers = |what: &str| can.iter().any(|c| c == what);
        let (status, text) = if self.settings.oauth.is_some() {
            if !offers("AUTH=XOAUTH2") {
                return Err(
                    self.unauthorised("it takes no access token (XOAUTH2): leave out oauth")
                );
            }
            let proof = STANDARD.encode(format!("user={user}\x01auth=Bearer {secret}\x01\x01"));
            folder.authenticate("XOAUTH2", &proof, offers("SASL-IR")).await?
        } else if offers("AUTH=PLAIN") {
            let proof = STANDARD.encode(format!("\0{user}\0{secret}"));
            folder.authenticate("PLAIN", &proof, offers("SASL-IR")).await?
        } else if !offers("LOGINDISABLED") && user.is_ascii() && secret.is_ascii() {
            folder.command(&format!("LOGIN {} {}", quoted(user), quoted(secret))).await?
        } else {
            let why = "it takes no password from us (neither PLAIN nor LOGIN): see oauth";
            return Err(self.unauthorised(why));
        };
        match status {
            Status::Ok => Ok(()),
            // Not a word about the password: RFC 5530.
            _ if text.to_ascii_uppercase().starts_with("[UNAVAILABLE]") => {
                Err(visit.broken(Broken::Lost("its sign-in is not available".to_owned())))
            }
            // The server's words may hold the account's name.
            _ => Err(self.unauthorised(match text.split_once(']') {
                Some((code, _)) if code.starts_with('[') => format!("{}]", said(code)),
                _ => format!("check user and credential `{}`", self.settings.credential),
            })),
        }
    }
}

fn same(a: &SecretString, b: &SecretString) -> bool {
    a.expose_secret() == b.expose_secret()
}

/// A quoted string (RFC 3501).
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn begins(line: &str, with: &str) -> bool {
    line.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
}

/// A line in the clear, read byte by byte.
async fn clear_line(stream: &mut TcpStream) -> Result<String, Broken> {
    let mut line = Vec::new();
    loop {
        match stream.read_u8().await {
            Ok(b'\n') => return Ok(String::from_utf8_lossy(&line).into_owned()),
            Ok(byte) => line.push(byte),
            Err(e) => return Err(Broken::Lost(e.to_string())),
        }
        if line.len() > CLEAR_LINE_LIMIT {
            return Err(Broken::TooLarge(CLEAR_LINE_LIMIT));
        }
    }
}
