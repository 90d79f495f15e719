//! A look at an endpoint without a call to it: its name, its certificate, its clock. For
//! `caretaker doctor`; carries nothing of ours, and stands outside limits and breaker.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::endpoint::{Endpoint, Inner};
use super::failure::Failure;
use super::settings::PlainHttp;
use crate::model::text::Clean;
use crate::ports::watch::{Door, Stuck};

/// Addresses of one name that are told.
const ADDRESSES: usize = 8;

/// What a look at an endpoint showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// HTTP status of its base address, without a credential.
    pub status: u16,
    /// Its own clock, to the second, where it tells.
    pub its_clock: Option<Timestamp>,
    /// Our clock when its answer came.
    pub our_clock: Timestamp,
    /// From the question to the answer.
    pub took: Duration,
    /// Its certificate; none for plain HTTP.
    pub certificate: Option<Certificate>,
}

impl Look {
    /// Seconds that its clock is ahead of ours; negative if it is behind. To two seconds and half
    /// the time that the answer took.
    #[must_use]
    pub fn ahead_s(&self) -> Option<i64> {
        let way = i64::try_from(self.took.as_secs() / 2).unwrap_or_default();
        Some(self.its_clock?.as_second() - (self.our_clock.as_second() - way))
    }
}

/// A server's certificate, which was found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// When it ends.
    pub ends_at: Timestamp,
    /// Who vouches for it, as it says itself; cleaned.
    pub issuer: Clean,
}

impl Endpoint {
    /// The file of its own authority, if it has one.
    #[must_use]
    pub fn ca_file(&self) -> Option<&std::path::Path> {
        self.inner.ca_file.as_deref()
    }

    /// Whether calls go through the configured proxy, which then looks the name up.
    #[must_use]
    pub fn is_proxied(&self) -> bool {
        self.inner.settings.proxy_url.is_some() && !super::settings::is_loopback(&self.inner.base)
    }

    /// The proxy through which it is called, without what is secret in it.
    #[must_use]
    pub fn proxy(&self) -> Option<String> {
        let url = self.inner.settings.proxy_url.as_ref().filter(|_| self.is_proxied())?;
        Some(super::settings::bare(url))
    }

    /// Whether it is a place that proves something by being reached, and no vendor's interface.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.inner.plain == PlainHttp::Anywhere
    }

    /// Whether a filter must refuse it.
    #[must_use]
    pub fn is_bait(&self) -> bool {
        self.inner.is_bait
    }

    /// The addresses of its name, by the host's resolver.
    ///
    /// # Errors
    /// When the name has none, or the resolver did not answer within `limit`.
    pub async fn resolve(&self, limit: Duration) -> Result<Vec<IpAddr>, Failure> {
        let inner = &*self.inner;
        let no = |why: String| Failure::NoAnswer { origin: inner.name.clone(), why, unsent: true };
        let host = inner.base.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = inner.base.port_or_known_default().unwrap_or(443);
        tokio::select! {
            found = tokio::net::lookup_host((host, port)) => {
                let found = found.map_err(|e| no(format!("its name cannot be looked up: {e}")))?;
                let mut all: Vec<IpAddr> = found.map(|a| a.ip()).take(ADDRESSES).collect();
                all.dedup();
                if all.is_empty() {
                    return Err(no("its name has no address".to_owned()));
                }
                Ok(all)
            }
            () = inner.clock.sleep(limit) => {
                Err(no(format!("no name server answered within {} s", limit.as_secs())))
            }
        }
    }

    /// Asks its base address for its head, without a credential.
    ///
    /// # Errors
    /// When there is no connection, the certificate is refused, or `limit` passes.
    pub async fn look(&self, limit: Duration) -> Result<Look, Failure> {
        let inner = &*self.inner;
        tokio::select! {
            looked = inner.look() => looked,
            () = inner.clock.sleep(limit) => Err(Failure::Deadline {
                origin: inner.name.clone(),
                seconds: limit.as_secs(),
            }),
        }
    }
}

impl Inner {
    async fn look(&self) -> Result<Look, Failure> {
        let refuse = |why: String| Failure::Tls { origin: self.name.clone(), why };
        let client = self.client.looking().await.map_err(refuse)?;
        let began = self.clock.monotonic();
        let request = client.get(self.base.clone());
        let answer = request.send().await.map_err(|e| self.broken(&e))?;
        let took = self.clock.monotonic().saturating_sub(began);
        let date = answer.headers().get(reqwest::header::DATE);
        let its_clock = date
            .and_then(|d| httpdate::parse_http_date(d.to_str().ok()?).ok())
            .and_then(|d| Timestamp::try_from(d).ok());
        let der = answer
            .extensions()
            .get::<reqwest::tls::TlsInfo>()
            .and_then(reqwest::tls::TlsInfo::peer_certificate);
        Ok(Look {
            status: answer.status().as_u16(),
            its_clock,
            our_clock: self.clock.now(),
            took,
            certificate: der.and_then(certificate),
        })
    }
}

/// The certificate that was shown and found good.
pub(super) fn shown(stream: &TlsStream<TcpStream>) -> Option<Certificate> {
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    shown.and_then(|der| certificate(der))
}

/// A server as it was found: reached within `took`, or not and why.
pub(super) fn door(
    name: &str,
    reached: Result<(&TlsStream<TcpStream>, Duration), &Failure>,
) -> Door {
    let (mut took, mut certificate, mut stuck) = (None, None, None);
    match reached {
        Ok((stream, within)) => {
            took = Some(within);
            certificate = shown(stream).map(|c| (c.ends_at, c.issuer));
        }
        Err(failure) => stuck = Some((stuck_at(failure), failure.to_string())),
    }
    Door { name: name.to_owned(), took, certificate, stuck }
}

/// How far we came before this.
pub(super) fn stuck_at(failure: &Failure) -> Stuck {
    match failure {
        Failure::Tls { .. } => Stuck::Tls,
        Failure::Unauthorised { .. } => Stuck::SignIn,
        _ => Stuck::Network,
    }
}

pub(super) fn certificate(der: &[u8]) -> Option<Certificate> {
    let (_, read) = X509Certificate::from_der(der).ok()?;
    let ends_at = Timestamp::from_second(read.validity().not_after.timestamp()).ok()?;
    Some(Certificate { ends_at, issuer: Clean::new(&read.issuer().to_string()) })
}
