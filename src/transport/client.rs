//! The clients, one for each set of roots, and the endpoints made from them.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::sync::OnceCell;

use super::endpoint::Endpoint;
use super::gate::Gate;
use super::imap::{ImapSettings, MailServer};
use super::origin::Origin;
use super::settings::{
    EndpointSettings, PlainHttp, SetupError, TransportSettings, bare, check_url,
};
use super::smtp::{Postman, SmtpSettings};
use super::trace::Trace;
use crate::ports::clock::Clock;

/// How long an idle connection is kept: longer than the intervals of all but the slowest checks,
/// so that a second sweep opens no new connection.
const KEEP_IDLE: Duration = Duration::from_secs(2 * 3_600);

/// Endpoints that are remembered for `made`.
const MOST_MADE: usize = 1_000;
/// Bytes of the header block of one HTTP/2 answer.
const HEADER_LIMIT: u32 = 64 * 1024;

/// Who is trusted to vouch for a server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Trust {
    /// Nobody: plain HTTP only.
    Nobody,
    /// The system's authorities.
    System,
    /// Those in this file and no other.
    File(PathBuf),
}

/// The HTTP client of the program. Cheap to clone; clones share connections, limits and breakers.
#[derive(Clone)]
pub struct Transport {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Arc<TransportSettings>,
    clock: Arc<dyn Clock>,
    trace: Option<Trace>,
    clients: Mutex<HashMap<Trust, Arc<LazyClient>>>,
    origins: Mutex<HashMap<(String, Trust), Arc<Origin>>>,
    made: Arc<Made>,
}

/// What was made, for `caretaker doctor`; transports that stand beside each other share it.
#[derive(Default)]
struct Made {
    /// In the order in which they were made; the first of them where there are very many.
    endpoints: Mutex<Vec<Endpoint>>,
    /// Files of authorities that are trusted for something.
    authorities: Mutex<BTreeSet<PathBuf>>,
}

impl Transport {
    /// A transport. [`super::install_tls`] must have been called.
    ///
    /// Cheap: a client is built at its first call.
    #[must_use]
    pub fn new(settings: TransportSettings, clock: Arc<dyn Clock>) -> Self {
        Self::make_new(settings, clock, None, Arc::default())
    }

    /// A transport that tells every call, redacted, for a person at a terminal.
    #[must_use]
    pub fn traced(settings: TransportSettings, clock: Arc<dyn Clock>) -> (Self, Trace) {
        let trace = Trace::default();
        (Self::make_new(settings, clock, Some(trace.clone()), Arc::default()), trace)
    }

    /// Another transport of the same program, with limits, breakers and connections of its own;
    /// whoever listens to this one hears that one too.
    #[must_use]
    pub fn beside(&self, settings: TransportSettings) -> Self {
        let Shared { clock, trace, made, .. } = &*self.shared;
        Self::make_new(settings, clock.clone(), trace.clone(), made.clone())
    }

    /// Where calls are told to, if somebody listens.
    #[must_use]
    pub fn trace(&self) -> Option<&Trace> {
        self.shared.trace.as_ref()
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    fn make_new(
        settings: TransportSettings,
        clock: Arc<dyn Clock>,
        trace: Option<Trace>,
        made: Arc<Made>,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                settings: Arc::new(settings),
                clock,
                trace,
                clients: Mutex::default(),
                origins: Mutex::default(),
                made,
            }),
        }
    }

    /// An endpoint; endpoints of one origin and CA share connections, limits and breaker. Where
    /// several ask for limits of their own, the strictest counts for all of them.
    ///
    /// # Errors
    /// When the URL may not be called or the CA file cannot be read.
    pub fn endpoint(&self, settings: &EndpointSettings) -> Result<Endpoint, SetupError> {
        self.make(settings, (PlainHttp::Loopback, false))
    }

    /// An endpoint for probes without credentials: plain HTTP is allowed to anywhere, and a call
    /// with a header or a body of ours is refused.
    ///
    /// # Errors
    /// When the URL may not be called or the CA file cannot be read.
    pub fn probe_endpoint(&self, settings: &EndpointSettings) -> Result<Endpoint, SetupError> {
        self.make(settings, (PlainHttp::Anywhere, false))
    }

    /// As [`Transport::probe_endpoint`], for an address that a filter must refuse: that it cannot be
    /// reached is no fault of it.
    ///
    /// # Errors
    /// When the URL may not be called or the CA file cannot be read.
    pub fn bait_endpoint(&self, settings: &EndpointSettings) -> Result<Endpoint, SetupError> {
        self.make(settings, (PlainHttp::Anywhere, true))
    }

    /// Limits and clock, for the ways out that are not HTTP.
    pub(super) fn limits(&self) -> (&TransportSettings, Arc<dyn Clock>) {
        (&self.shared.settings, self.shared.clock.clone())
    }

    /// The endpoints that were made after the first `skip`, in their order: for `caretaker doctor`.
    #[must_use]
    pub fn made(&self, skip: usize) -> Vec<Endpoint> {
        let made = self.shared.made.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        made.iter().skip(skip).cloned().collect()
    }

    /// The files of authorities that anything here was made with.
    #[must_use]
    pub fn authorities(&self) -> BTreeSet<PathBuf> {
        let all = self.shared.made.authorities.lock().unwrap_or_else(PoisonError::into_inner);
        all.clone()
    }

    /// The roots in `ca_file`, which is remembered; none for the system's.
    pub(super) fn roots(
        &self,
        ca_file: Option<&Path>,
    ) -> Result<Option<RootCertStore>, SetupError> {
        let Some(path) = ca_file else { return Ok(None) };
        let mut all = self.shared.made.authorities.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(path.to_owned());
        read_roots(path).map(Some)
    }

    /// The name that a server's certificate must bear, and the roots that it is held against.
    fn named(
        &self,
        host: &str,
        ca_file: Option<&Path>,
    ) -> Result<(ServerName<'static>, Option<RootCertStore>), SetupError> {
        let why = "is not the name of a host: write it without scheme and port";
        let server = ServerName::try_from(host.to_owned())
            .map_err(|_| SetupError::Url { url: host.to_owned(), why })?;
        Ok((server, self.roots(ca_file)?))
    }

    fn make(
        &self,
        settings: &EndpointSettings,
        (plain, is_bait): (PlainHttp, bool),
    ) -> Result<Endpoint, SetupError> {
        check_url(&settings.url, plain)?;
        let proxy = self.proxy()?;
        let trust = match &settings.ca_file {
            _ if settings.url.scheme() == "http" => Trust::Nobody,
            Some(path) => Trust::File(path.clone()),
            None => Trust::System,
        };
        let client = self.client(&trust, proxy)?;
        let name = settings.url.origin().ascii_serialization();
        let origin = {
            let mut origins = self.shared.origins.lock().unwrap_or_else(PoisonError::into_inner);
            origins
                .entry((name.clone(), trust))
                .or_insert_with(|| {
                    Arc::new(Origin::new(&self.shared.settings, self.shared.trace.clone()))
                })
                .clone()
        };
        origin.want(settings.concurrency, settings.per_second);
        let endpoint = Endpoint::new(
            name,
            settings,
            (plain, is_bait),
            client,
            origin,
            self.shared.settings.clone(),
            self.shared.clock.clone(),
        );
        let mut made = self.shared.made.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        if made.len() < MOST_MADE {
            made.push(endpoint.clone());
        }
        Ok(endpoint)
    }

    /// An account of a mail server. Goes out directly, never through the HTTP proxy.
    ///
    /// # Errors
    /// When the host is no name or address, or the CA file cannot be read.
    pub fn mail_server(&self, settings: &ImapSettings) -> Result<MailServer, SetupError> {
        let (server, roots) = self.named(&settings.host, settings.ca_file.as_deref())?;
        let limits = &self.shared.settings;
        let gate = Gate::new(limits.breaker_failures, limits.breaker_longest.duration());
        Ok(MailServer::new(settings.clone(), server, roots, gate, self.shared.clock.clone()))
    }

    /// A server that takes mail; its name and its CA file are looked at now.
    ///
    /// # Errors
    /// When the name is none, or the CA file cannot be read.
    pub fn postman(&self, settings: &SmtpSettings) -> Result<Postman, SetupError> {
        let (server, roots) = self.named(&settings.host, settings.ca_file.as_deref())?;
        Ok(Postman::new(settings.clone(), server, roots, self.shared.clock.clone()))
    }

    fn proxy(&self) -> Result<Option<reqwest::Proxy>, SetupError> {
        let Some(url) = &self.shared.settings.proxy_url else { return Ok(None) };
        let refuse = |why| SetupError::Url { url: bare(url), why };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("a proxy's password does not belong in the configuration"));
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("a proxy is reached by http:// or https://"));
        }
        let proxy = reqwest::Proxy::all(url.clone())
            .map_err(|_| refuse("is not the address of a proxy"))?;
        // A call to this machine may be in plain HTTP and must not travel.
        Ok(Some(proxy.no_proxy(reqwest::NoProxy::from_string("localhost,127.0.0.0/8,::1"))))
    }

    fn client(
        &self,
        trust: &Trust,
        proxy: Option<reqwest::Proxy>,
    ) -> Result<Arc<LazyClient>, SetupError> {
        let mut clients = self.shared.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(trust) {
            return Ok(client.clone());
        }
        let roots = match trust {
            Trust::Nobody => Some(RootCertStore::empty()),
            Trust::System => None,
            Trust::File(path) => self.roots(Some(path))?,
        };
        let (built, looking) = (OnceCell::new(), OnceCell::new());
        let client = Arc::new(LazyClient { roots, proxy, built, looking, ids: Ids::new() });
        clients.insert(trust.clone(), client.clone());
        Ok(client)
    }
}

/// A client that is built when it is first used: reading the system's roots takes tens of
/// milliseconds, which the first frame must not wait for.
pub(super) struct LazyClient {
    /// `None` for the system's.
    roots: Option<RootCertStore>,
    proxy: Option<reqwest::Proxy>,
    built: OnceCell<reqwest::Client>,
    ids: Ids,
    /// One that also keeps the server's certificate, which calls have no use for.
    looking: OnceCell<reqwest::Client>,
}

/// Ids of requests, unlike those of any other process: a random one, and those that follow it. To
/// draw each anew would cost a call of the operating system for each request.
struct Ids {
    first: u128,
    given: AtomicU64,
}

impl Ids {
    fn new() -> Self {
        Self { first: uuid::Uuid::new_v4().as_u128(), given: AtomicU64::new(0) }
    }

    fn next(&self) -> String {
        let number = self.first ^ u128::from(self.given.fetch_add(1, Ordering::Relaxed));
        uuid::Builder::from_random_bytes(number.to_be_bytes()).into_uuid().to_string()
    }
}

impl LazyClient {
    /// An id for the next request.
    pub(super) fn next_id(&self) -> String {
        self.ids.next()
    }

    /// The client; the text says why there is none, and the remedy.
    pub(super) async fn get(&self) -> Result<&reqwest::Client, String> {
        self.built.get_or_try_init(|| self.build(false)).await
    }

    /// The client that keeps the server's certificate.
    pub(super) async fn looking(&self) -> Result<&reqwest::Client, String> {
        self.looking.get_or_try_init(|| self.build(true)).await
    }

    async fn build(&self, looking: bool) -> Result<reqwest::Client, String> {
        let roots = match &self.roots {
            Some(roots) => roots.clone(),
            None => tokio::task::spawn_blocking(system_roots).await.map_err(|_| {
                "the system's certificate authorities could not be read".to_owned()
            })??,
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("caretaker/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .tls_info(looking)
            .gzip(true)
            .http2_max_header_list_size(HEADER_LIMIT)
            .pool_idle_timeout(KEEP_IDLE)
            // By RFC 6761 this name never leaves the machine, whatever a resolver says of it.
            .resolve_to_addrs(
                "localhost",
                &[([127, 0, 0, 1], 0).into(), (std::net::Ipv6Addr::LOCALHOST, 0).into()],
            );
        let builder = match &self.proxy {
            Some(proxy) => builder.proxy(proxy.clone()),
            None => builder,
        };
        builder.build().map_err(|e| format!("the HTTP client could not be built: {e}"))
    }
}

pub(super) fn system_roots() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(
            "this system has no certificate authorities: install ca-certificates, or name \
                    the endpoint's own in ca_file"
                .to_owned(),
        );
    }
    Ok(roots)
}

pub(super) fn read_roots(path: &Path) -> Result<RootCertStore, SetupError> {
    let refuse = |why: String| SetupError::Ca { path: path.display().to_string(), why };
    let pem = std::fs::read(path).map_err(|e| refuse(e.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| refuse("is not a PEM file".to_owned()))?;
        roots
            .add(certificate)
            .map_err(|_| refuse("holds a certificate that cannot be read".to_owned()))?;
    }
    if roots.is_empty() {
        return Err(refuse(
            "holds no certificate; a PEM file with BEGIN CERTIFICATE is expected".to_owned(),
        ));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_requests_have_one_id() {
        let (a, b) = (Ids::new(), Ids::new());
        let ids: std::collections::HashSet<String> =
            (0..5_000).flat_map(|_| [a.next(), b.next()]).collect();
        assert_eq!(ids.len(), 10_000);
        let form = |id: &String| uuid::Uuid::parse_str(id).unwrap().get_version_num() == 4;
        assert!(ids.iter().all(form), "as random ones are written");
    }
}
