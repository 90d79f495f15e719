//! The line to one controller: TCP, StartTLS where asked for, TLS always verified, and between the
//! server and the LDAP library a watchman who lets only whole, well-shaped, expected messages pass.
//!
//! Invariant: before TLS stands, the only bytes that leave are the request for StartTLS.

use std::io;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::OnceCell;
use tokio_rustls::client::TlsStream;

use super::settings::Address;
use super::wire::{self, Asked, Message, Misshapen};
use crate::model::text::Clean;
use crate::ports::clock::Clock;
use crate::transport::Failure;
use crate::transport::client::system_roots;
use crate::transport::exchange::tls_words;

/// How long the end of a line may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// Message 1: the extended operation 1.3.6.1.4.1.1466.20037 (RFC 4511, 4.14).
const START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

/// Whom to trust; made ready at the first call, because reading the system's roots takes a while.
pub(super) struct Trust {
    /// `None` for the system's.
    pub(super) roots: Option<RootCertStore>,
    pub(super) built: OnceCell<Arc<ClientConfig>>,
}

impl Trust {
    async fn config(&self) -> Result<Arc<ClientConfig>, String> {
        self.built.get_or_try_init(|| self.build()).await.cloned()
    }

    async fn build(&self) -> Result<Arc<ClientConfig>, String> {
        let roots = match &self.roots {
            Some(roots) => roots.clone(),
            None => tokio::task::spawn_blocking(system_roots).await.map_err(|_| {
                "the system's certificate authorities could not be read".to_owned()
            })??,
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}

/// What watchman and session know together.
#[derive(Default)]
pub(super) struct Shared {
    asked: AtomicU8,
    /// Bytes that the running operation may still bring.
    allowance: AtomicUsize,
    /// Pointers to other servers that were dropped.
    pointers: AtomicU32,
    ended: Mutex<Option<Ended>>,
}

/// Why the line ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// A message cannot be read.
    Misshapen(Misshapen),
    /// The operation brought more bytes than it may.
    TooLarge,
    /// The server said goodbye, with this result code.
    Goodbye(u32),
    /// The connection broke.
    Broken(String),
}

impl Shared {
    /// The next operation, and how many bytes it may bring.
    pub(super) fn ask(&self, asked: Asked, allowance: usize) {
        self.allowance.store(allowance, Ordering::SeqCst);
        self.asked.store(asked as u8, Ordering::SeqCst);
    }

    /// How many pointers to other servers were dropped.
    pub(super) fn pointers(&self) -> u32 {
        self.pointers.load(Ordering::SeqCst)
    }

    /// Why the line ended, if it has.
    pub(super) fn ended(&self) -> Option<Ended> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn end(&self, why: Ended) {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
    }
}

/// A line that stands: the library's handle, and what the watchman saw.
pub(super) struct Line {
    pub(super) ldap: ldap3::Ldap,
    pub(super) shared: Arc<Shared>,
}

/// Connects, without a time limit of its own.
pub(super) async fn connect(
    address: &Address,
    trust: &Trust,
    clock: &Arc<dyn Clock>,
) -> Result<Line, Failure> {
    let tls = secured(address, trust).await?;
    attach(tls, clock.clone()).await.map_err(|e| Failure::NoAnswer {
        origin: address.name.clone(),
        why: format!("our own side failed: {e}"),
        unsent: false,
    })
}

/// A connection on which TLS stands and nothing was said, without a time limit of its own.
pub(super) async fn secured(
    address: &Address,
    trust: &Trust,
) -> Result<TlsStream<TcpStream>, Failure> {
    let origin = address.name.as_str();
    let no_answer =
        |why: String| Failure::NoAnswer { origin: origin.to_owned(), why, unsent: false };
    let config = trust.config().await.map_err(|why| Failure::Tls { origin: origin.into(), why })?;
    let name = ServerName::try_from(address.host.clone()).map_err(|_| Failure::Tls {
        origin: origin.to_owned(),
        why: "its host is not a name that a certificate can hold".to_owned(),
    })?;
    let mut socket = TcpStream::connect((address.host.as_str(), address.port))
        .await
        .map_err(|e| no_answer(format!("cannot connect: {}", Clean::new(&e.to_string()))))?;
    socket.set_nodelay(true).map_err(|e| no_answer(e.to_string()))?;
    if address.start_tls {
        start_tls(&mut socket, origin).await?;
    }
    tokio_rustls::TlsConnector::from(config)
        .connect(name, socket)
        .await
        .map_err(|e| handshake_failed(origin, &e))
}

/// Asks for TLS in the clear. An answer with anything behind it is refused: it was put there by
/// somebody who does not hold the certificate.
async fn start_tls(socket: &mut TcpStream, origin: &str) -> Result<(), Failure> {
    let broken = |e: io::Error| Failure::NoAnswer {
        origin: origin.to_owned(),
        why: format!("the connection broke before TLS: {}", Clean::new(&e.to_string())),
        unsent: false,
    };
    socket.write_all(START_TLS).await.map_err(broken)?;
    let mut answer = BytesMut::with_capacity(1_024);
    let whole = loop {
        if socket.read_buf(&mut answer).await.map_err(broken)? == 0 {
            return Err(broken(io::ErrorKind::UnexpectedEof.into()));
        }
        match wire::message_length(&answer).map_err(|e| e.at(origin))? {
            Some(whole) if whole <= answer.len() => break whole,
            _ => {}
        }
    };
    if whole < answer.len() {
        return Err(Misshapen("it says more before TLS than it should").at(origin));
    }
    match wire::extended(&answer).map_err(|e| e.at(origin))?.code {
        0 => Ok(()),
        code => Err(Failure::Tls {
            origin: origin.to_owned(),
            why: format!(
                "it does not start TLS (result {code}): give it a certificate, or use ldaps://"
            ),
        }),
    }
}

fn handshake_failed(origin: &str, error: &io::Error) -> Failure {
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
    match inner {
        Some(tls) => Failure::Tls { origin: origin.to_owned(), why: tls_words(tls) },
        None => Failure::NoAnswer {
            origin: origin.to_owned(),
            why: format!(
                "the connection broke in the handshake: {}",
                Clean::new(&error.to_string())
            ),
            unsent: false,
        },
    }
}

/// Puts the watchman between the server and the library. The library believes that it speaks over a
/// Unix socket: a pair without a name, which nobody else can reach.
async fn attach(tls: TlsStream<TcpStream>, clock: Arc<dyn Clock>) -> io::Result<Line> {
    let (ours, librarys) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let ours = UnixStream::from_std(ours)?;
    let settings = ldap3::LdapConnSettings::new().set_std_stream(ldap3::StdStream::Unix(librarys));
    let (driver, ldap) = ldap3::LdapConnAsync::with_settings(settings, "ldapi:///")
        .await
        .map_err(io::Error::other)?;
    let shared = Arc::new(Shared::default());
    tokio::spawn(async move {
        // Its errors are ours: the watchman has noted the cause.
        drop(driver.drive().await);
    });
    tokio::spawn(keep(tls, ours, shared.clone(), clock));
    Ok(Line { ldap, shared })
}

/// Carries both ways until one side ends.
async fn keep(
    tls: TlsStream<TcpStream>,
    librarys: UnixStream,
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
) {
    let (mut from_server, mut to_server) = tokio::io::split(tls);
    let (mut from_library, mut to_library) = librarys.into_split();
    tokio::select! {
        why = down(&mut from_server, &mut to_library, &shared) => shared.end(why),
        sent = tokio::io::copy(&mut from_library, &mut to_server) => {
            if let Err(e) = sent {
                shared.end(Ended::Broken(Clean::new(&e.to_string()).as_str().to_owned()));
            }
        }
    }
    // A line that has ended may be gone already, and a server that does not listen is not waited for.
    tokio::select! {
        ended = to_server.shutdown() => drop(ended),
        () = clock.sleep(FAREWELL) => {}
    }
}

async fn down(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    shared: &Shared,
) -> Ended {
    let broken = |e: io::Error| Ended::Broken(Clean::new(&e.to_string()).as_str().to_owned());
    let mut buffer = BytesMut::with_capacity(16 * 1_024);
    loop {
        match hand_on(&mut buffer, to, shared).await {
            Ok(()) => {}
            Err(ended) => return ended,
        }
        let read = match from.read_buf(&mut buffer).await {
            Ok(0) => return Ended::Broken("the server closed the connection".to_owned()),
            Ok(read) => read,
            Err(e) => return broken(e),
        };
        let left = shared.allowance.load(Ordering::SeqCst).checked_sub(read);
        match left {
            Some(left) => shared.allowance.store(left, Ordering::SeqCst),
            None => return Ended::TooLarge,
        }
    }
}

/// Hands on every whole message of `buffer`.
async fn hand_on(
    buffer: &mut BytesMut,
    to: &mut (impl AsyncWrite + Unpin),
    shared: &Shared,
) -> Result<(), Ended> {
    while let Some(length) = wire::message_length(buffer).map_err(Ended::Misshapen)? {
        if buffer.len() < length {
            return Ok(());
        }
        let message = buffer.split_to(length);
        let asked = Asked::of(shared.asked.load(Ordering::SeqCst));
        match wire::look(&message, asked).map_err(Ended::Misshapen)? {
            Message::Pass => to
                .write_all(&message)
                .await
                .map_err(|_| Ended::Broken("nobody waits for the answer any more".to_owned()))?,
            Message::Pointer => {
                shared.pointers.fetch_add(1, Ordering::SeqCst);
            }
            Message::Goodbye(code) => return Err(Ended::Goodbye(code)),
        }
    }
    Ok(())
}
