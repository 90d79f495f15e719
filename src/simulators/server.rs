//! Servers on loopback ports: TLS from a throw-away authority, HTTP/1.1, faults before answers.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONTENT_LENGTH, DATE};
use axum::http::{HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::Response;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;

use crate::model::ids::Laestab;
use crate::simulators::fault::Fault;
use crate::simulators::reply::{page, with};
use crate::simulators::running::StartError;
use crate::simulators::stage::Stage;

/// Connections that wait between handshake and service.
const WAITING: usize = 256;
/// The longest request body; the largest real one is a signed assertion of some 2 KiB.
const MOST_BODY: usize = 64 * 1_024;
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Makes an authority, writes its certificate to `ca_file`, and a TLS set-up for 127.0.0.1.
pub(super) fn authority(ca_file: &Path) -> Result<TlsAcceptor, StartError> {
    let tls = |e: String| StartError::Tls(e);
    let mut params =
        CertificateParams::new(Vec::<String>::new()).map_err(|e| tls(e.to_string()))?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, "caretaker demo authority");
    let ca_key = KeyPair::generate().map_err(|e| tls(e.to_string()))?;
    let ca = params.self_signed(&ca_key).map_err(|e| tls(e.to_string()))?;
    let issuer = Issuer::new(params, ca_key);
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut leaf = CertificateParams::new(names).map_err(|e| tls(e.to_string()))?;
    leaf.distinguished_name.push(DnType::CommonName, "caretaker demo vendor");
    leaf.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().map_err(|e| tls(e.to_string()))?;
    let certificate = leaf.signed_by(&key, &issuer).map_err(|e| tls(e.to_string()))?;
    std::fs::write(ca_file, ca.pem())
        .map_err(|e| StartError::File { path: ca_file.to_owned(), why: e.to_string() })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| tls(e.to_string()))?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .map_err(|e| tls(e.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// How one vendor says what every vendor must say.
#[derive(Clone, Copy)]
pub(super) struct Manners {
    /// The school that a call is about, from its address and body.
    pub(super) school_of: fn(&Stage, &Uri, &[u8]) -> Option<Laestab>,
    /// A failure inside status 200.
    pub(super) error_inside: fn(&Stage) -> Response,
    /// A refused credential.
    pub(super) refusal: fn(&Stage) -> Response,
    /// Too many calls, without the header that says how long to wait.
    pub(super) throttled: fn(&Stage) -> Response,
}

/// No call of this vendor is about one school.
pub(super) fn nobodys(_: &Stage, _: &Uri, _: &[u8]) -> Option<Laestab> {
    None
}

/// One server to be.
pub(super) struct Endpoint {
    /// `service` or `service.endpoint`.
    pub(super) key: String,
    /// What it answers.
    pub(super) router: Router,
    /// How it fails.
    pub(super) manners: Manners,
    /// Whether it speaks TLS.
    pub(super) tls: bool,
}

struct Post {
    key: String,
    manners: Manners,
    stage: Arc<Stage>,
}

/// Binds a port of 127.0.0.1 and serves `endpoint` until `gone`; returns the address.
pub(super) async fn serve(
    endpoint: Endpoint,
    stage: &Arc<Stage>,
    acceptor: &TlsAcceptor,
    gone: CancellationToken,
    tasks: &TaskTracker,
) -> Result<SocketAddr, StartError> {
    let Endpoint { key, router, manners, tls } = endpoint;
    let bind = |e: io::Error| StartError::Bind(e.to_string());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    let post = Arc::new(Post { key, manners, stage: stage.clone() });
    let app = router.layer(axum::middleware::from_fn_with_state(post, play));
    let (ready, connections) = mpsc::channel(WAITING);
    let door = Door { ready, tls: tls.then(|| acceptor.clone()), gone: gone.clone() };
    let inner = tasks.clone();
    tasks.spawn(async move { door.keep(listener, &inner).await });
    tasks.spawn(async move {
        tokio::select! {
            () = gone.cancelled() => {}
            // Never ends by itself; its error type says so.
            ended = async { axum::serve(Accepted { connections, address }, app).await } => drop(ended),
        }
    });
    Ok(address)
}

/// Accepts connections; a handshake that dawdles holds up nobody else.
struct Door {
    ready: mpsc::Sender<(Io, SocketAddr)>,
    tls: Option<TlsAcceptor>,
    gone: CancellationToken,
}

impl Door {
    async fn keep(self, listener: TcpListener, tasks: &TaskTracker) {
        loop {
            let accepted = tokio::select! {
                () = self.gone.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, from)) = accepted else {
                // Out of file handles, most likely: let some be freed.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let (tls, ready, gone) = (self.tls.clone(), self.ready.clone(), self.gone.clone());
            tasks.spawn(async move {
                let whole = async {
                    let Some(inner) = greeted(stream, tls).await else { return };
                    let io = Io { inner, gone: Box::pin(gone.clone().cancelled_owned()) };
                    // Refused only when the server is gone already.
                    drop(ready.send((io, from)).await);
                };
                tokio::select! {
                    () = gone.cancelled() => {}
                    () = whole => {}
                }
            });
        }
    }
}

async fn greeted(stream: TcpStream, tls: Option<TlsAcceptor>) -> Option<Box<dyn Stream>> {
    stream.set_nodelay(true).ok()?;
    match tls {
        None => Some(Box::new(stream)),
        Some(tls) => {
            let whole = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await;
            Some(Box::new(whole.ok()?.ok()?))
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection that breaks when its vendor is stopped.
struct Io {
    inner: Box<dyn Stream>,
    gone: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl AsyncRead for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.gone.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Connections whose handshake is done.
struct Accepted {
    connections: mpsc::Receiver<(Io, SocketAddr)>,
    address: SocketAddr,
}

impl axum::serve::Listener for Accepted {
    type Io = Io;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Io, SocketAddr) {
        match self.connections.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// Counts the call, then lets the fault in force or the vendor answer.
async fn play(State(post): State<Arc<Post>>, request: Request, next: Next) -> Response {
    let stage = &post.stage;
    let path = request.extensions().get::<MatchedPath>().map_or("*", MatchedPath::as_str);
    stage.count(format!("{} {} {path}", post.key, request.method()));
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MOST_BODY).await else {
        return page(413, "<html><body><h1>413 Request Entity Too Large</h1></body></html>");
    };
    let school = (post.manners.school_of)(stage, &parts.uri, &body);
    let fault = stage.fault(&post.key, school);
    if let Some(Fault::Slow(ms)) = fault {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    let mut response = match fault.and_then(|f| instead(f, &post.manners, stage)) {
        Some(instead) => instead,
        None => next.run(Request::from_parts(parts, Body::from(body))).await,
    };
    response = match fault {
        Some(Fault::Truncated) => cut(response, false).await,
        Some(Fault::HalfSent) => cut(response, true).await,
        _ => response,
    };
    let date = httpdate::fmt_http_date(
        std::time::SystemTime::try_from(stage.now()).unwrap_or(std::time::UNIX_EPOCH),
    );
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().insert(DATE, date);
    }
    response
}

/// What is answered in the vendor's place.
pub(super) fn instead(fault: Fault, manners: &Manners, stage: &Stage) -> Option<Response> {
    match fault {
        Fault::Down => Some(Response::new(nothing())),
        Fault::Status(status) => Some(page(
            status,
            format!(
                "<!DOCTYPE html><html><head><title>Service Unavailable</title></head><body>\
                 <h2>Service Unavailable</h2><p>HTTP Error {status}.</p></body></html>"
            ),
        )),
        Fault::Html200 => Some(page(
            200,
            "<!DOCTYPE html><html><head><title>Welcome</title></head><body><h1>It works!</h1>\
             </body></html>",
        )),
        Fault::ErrorInside200 => Some((manners.error_inside)(stage)),
        Fault::Empty200 => Some(Response::new(Body::empty())),
        Fault::Unauthorised => Some((manners.refusal)(stage)),
        Fault::Throttled(seconds) => {
            let mut response = (manners.throttled)(stage);
            *response.status_mut() = axum::http::StatusCode::TOO_MANY_REQUESTS;
            Some(with(response, "retry-after", &seconds.to_string()))
        }
        Fault::Slow(_) | Fault::Truncated | Fault::HalfSent => None,
    }
}

/// A body that breaks the connection before anything is sent, the status line included.
pub(super) fn nothing() -> Body {
    let reset = Err::<Bytes, _>(io::Error::from(io::ErrorKind::ConnectionReset));
    Body::from_stream(futures_util::stream::iter([reset]))
}

/// A body that sends `first` and then breaks the connection.
fn broken(first: Bytes) -> Body {
    Body::from_stream(futures_util::stream::unfold(Some(Some(first)), |state| async move {
        match state? {
            Some(bytes) => Some((Ok(bytes), Some(None))),
            None => {
                // Gives way once, so that what was sent before is on its way.
                tokio::time::sleep(Duration::from_millis(10)).await;
                Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), None))
            }
        }
    }))
}

/// `response` with half its body: as if that were all, or with the connection broken there.
pub(super) async fn cut(response: Response, connection_breaks: bool) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let half = whole.slice(..whole.len() / 2);
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, if connection_breaks { broken(half) } else { half.into() })
}
