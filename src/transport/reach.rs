//! Reaching a host without asking it anything: its name, its port, its certificate.
//!
//! Goes out directly, never through the configured proxy, and sends nothing of ours. TLS is
//! verified as everywhere.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dns_lookup::{AddrInfoHints, LookupErrorKind, SockType};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;

use super::client::{Transport, read_roots, system_roots};
use super::exchange::tls_words;
use super::look::{Certificate, shown};
use crate::model::text::Clean;

/// Addresses of one name that are looked at.
const MOST_ADDRESSES: usize = 32;

/// `AI_CANONNAME` of `getaddrinfo` (RFC 3493, 6.1): 2 with glibc as with musl.
const CANONICAL: i32 = 2;

/// What the system's resolver says of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// At least one, at most 32, in order.
    pub addresses: BTreeSet<IpAddr>,
    /// The name to which it leads when every alias was followed, as the resolver writes it: its own
    /// where it is no alias; none where the resolver does not say.
    pub canonical: Option<String>,
}

/// Why a host was not reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreached {
    /// The name service answered that there is no such name.
    #[error("the name {0} does not exist")]
    NoSuchName(String),
    /// The name service, the network or the host did not answer.
    #[error("{host} cannot be reached: {why}")]
    NoAnswer {
        /// Host, and port where one is meant.
        host: String,
        /// What the system said.
        why: String,
    },
    /// Not in time.
    #[error("{host} did not answer within {seconds} s")]
    Deadline {
        /// Host, and port where one is meant.
        host: String,
        /// The limit.
        seconds: u64,
    },
    /// The server showed a certificate that proves nothing: expired, of another name, revoked.
    #[error("TLS with {host} was refused: {why}")]
    Certificate {
        /// Host and port.
        host: String,
        /// In words, with the remedy.
        why: String,
    },
    /// The server's certificate is from an authority that is not trusted here: its owner's mistake,
    /// or somebody stands in between (a filter that looks into TLS).
    #[error("TLS with {host} was refused: {why}")]
    Stranger {
        /// Host and port.
        host: String,
        /// In words, with the remedy.
        why: String,
    },
    /// Our own set-up: no roots, a CA file that cannot be read.
    #[error("{0}")]
    Ours(String),
}

impl Transport {
    /// What the system's resolver says of `host`.
    ///
    /// # Errors
    /// See [`Unreached`].
    pub async fn resolve(&self, host: &str, limit: Duration) -> Result<Resolved, Unreached> {
        self.within(host, limit, resolved(host)).await
    }

    /// Opens a connection to `host` and closes it again; how long opening took.
    ///
    /// # Errors
    /// See [`Unreached`].
    pub async fn connect(
        &self,
        host: &str,
        port: u16,
        limit: Duration,
    ) -> Result<Duration, Unreached> {
        let began = self.clock().monotonic();
        let name = format!("{host}:{port}");
        drop(self.within(&name, limit, connected(host, port)).await?);
        Ok(self.clock().monotonic().saturating_sub(began))
    }

    /// Shakes hands with `host` over TLS, by the system's roots or those in `ca_file`, and tells
    /// its certificate.
    ///
    /// # Errors
    /// See [`Unreached`].
    pub async fn handshake(
        &self,
        host: &str,
        port: u16,
        ca_file: Option<&Path>,
        limit: Duration,
    ) -> Result<Certificate, Unreached> {
        let path = ca_file.map(Path::to_path_buf);
        let roots = tokio::task::spawn_blocking(move || match path {
            Some(path) => read_roots(&path).map_err(|e| e.to_string()),
            None => system_roots(),
        });
        let roots = roots.await.map_err(|e| Unreached::Ours(e.to_string()))?;
        let roots = roots.map_err(Unreached::Ours)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| Unreached::Ours(e.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = format!("{host}:{port}");
        let server = ServerName::try_from(host.to_owned())
            .map_err(|_| Unreached::Ours(format!("{name} is not a name that TLS can check")))?;
        let shaken = async {
            let stream = connected(host, port).await?;
            let connector = tokio_rustls::TlsConnector::from(Arc::new(tls));
            connector.connect(server, stream).await.map_err(|e| refused(&name, &e))
        };
        let stream = self.within(&name, limit, shaken).await?;
        shown(&stream).ok_or_else(|| Unreached::Certificate {
            host: name,
            why: "its certificate cannot be read".to_owned(),
        })
    }

    async fn within<T>(
        &self,
        host: &str,
        limit: Duration,
        work: impl Future<Output = Result<T, Unreached>>,
    ) -> Result<T, Unreached> {
        tokio::select! {
            biased;
            done = work => done,
            () = self.clock().sleep(limit) => {
                Err(Unreached::Deadline { host: host.to_owned(), seconds: limit.as_secs() })
            }
        }
    }
}

/// Asks off the runtime: the system's resolver makes its caller wait.
async fn resolved(host: &str) -> Result<Resolved, Unreached> {
    let name = host.to_owned();
    let looked = tokio::task::spawn_blocking(move || looked_up(&name)).await;
    looked.map_err(|e| no_answer(host, &e.to_string()))?
}

fn looked_up(host: &str) -> Result<Resolved, Unreached> {
    let hints = AddrInfoHints {
        flags: CANONICAL,
        socktype: SockType::Stream.into(),
        ..AddrInfoHints::default()
    };
    let found = match dns_lookup::getaddrinfo(Some(host), None, Some(hints)) {
        Ok(found) => found,
        Err(e) => {
            return Err(match e.kind() {
                LookupErrorKind::NoName | LookupErrorKind::NoData => {
                    Unreached::NoSuchName(host.to_owned())
                }
                _ => no_answer(host, &std::io::Error::from(e).to_string()),
            });
        }
    };
    let mut resolved = Resolved { addresses: BTreeSet::new(), canonical: None };
    for one in found.take(MOST_ADDRESSES).flatten() {
        resolved.addresses.insert(one.sockaddr.ip());
        resolved.canonical = resolved.canonical.or(one.canonname);
    }
    match resolved.addresses.is_empty() {
        true => Err(Unreached::NoSuchName(host.to_owned())),
        false => Ok(resolved),
    }
}

async fn connected(host: &str, port: u16) -> Result<TcpStream, Unreached> {
    let name = format!("{host}:{port}");
    let mut last = None;
    for address in resolved(host).await?.addresses {
        match TcpStream::connect((address, port)).await {
            Ok(stream) => return Ok(stream),
            Err(e) => last = Some(e),
        }
    }
    let why = last.map_or_else(|| "no address".to_owned(), |e| e.to_string());
    Err(no_answer(&name, &why))
}

fn no_answer(host: &str, why: &str) -> Unreached {
    Unreached::NoAnswer { host: host.to_owned(), why: Clean::new(why).as_str().to_owned() }
}

fn refused(host: &str, e: &std::io::Error) -> Unreached {
    use rustls::{CertificateError as Bad, Error};
    let (host, tls) = (host.to_owned(), e.get_ref().and_then(|e| e.downcast_ref::<Error>()));
    match tls {
        Some(tls @ Error::InvalidCertificate(Bad::UnknownIssuer | Bad::BadSignature)) => {
            Unreached::Stranger { host, why: tls_words(tls) }
        }
        Some(tls @ Error::InvalidCertificate(_)) => {
            Unreached::Certificate { host, why: tls_words(tls) }
        }
        Some(tls) => no_answer(&host, &tls_words(tls)),
        None => no_answer(&host, &e.to_string()),
    }
}
