//! Doors: where vendors call when they are done. Off unless the configuration opens one.
//!
//! Nothing that a caller says is believed or kept, and a path that no vendor was told is a wrong number.
//! Everything that a caller could take has a limit.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::ports::clock::Clock;
use crate::ports::doorbell::{Door, DoorCertificate, Doorbell};
use crate::ports::secrets::Secrets;

/// Callers at once; one more is turned away.
const CALLERS: usize = 32;
/// How long a caller may stay.
const STAY: Duration = Duration::from_secs(20);
/// Bytes of a request's head, and of its body.
const HEAD: usize = 8 * 1_024;
const BODY: usize = 64 * 1_024;
/// The pause after the system refused to accept.
const PAUSE: Duration = Duration::from_millis(100);

/// Why a door stays shut.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {why}")]
pub struct Shut {
    /// Address and port.
    place: String,
    /// What is the matter.
    why: String,
}

/// Opens `door`; it is served until the task is aborted.
///
/// # Errors
/// When the address cannot be had, or its certificate or key cannot be used.
pub async fn open(
    door: Door,
    secrets: &Arc<dyn Secrets>,
    clock: &Arc<dyn Clock>,
) -> Result<JoinHandle<()>, Shut> {
    let place = door.listen.to_string();
    let shut = |why: String| Shut { place: place.clone(), why };
    let tls = match door.certificate {
        Some(certificate) => Some(acceptor(certificate, Arc::clone(secrets)).await.map_err(shut)?),
        None => None,
    };
    let listener = TcpListener::bind(door.listen).await.map_err(|e| shut(e.to_string()))?;
    let host = Host { tls, bell: door.bell, clock: Arc::clone(clock) };
    Ok(tokio::spawn(serve(Arc::new(host), listener)))
}

struct Host {
    tls: Option<TlsAcceptor>,
    bell: Arc<dyn Doorbell>,
    clock: Arc<dyn Clock>,
}

async fn serve(host: Arc<Host>, listener: TcpListener) {
    let places = Arc::new(Semaphore::new(CALLERS));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("a caller could not be let in: {error}");
                host.clock.sleep(PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let host = Arc::clone(&host);
        tokio::spawn(async move {
            tokio::select! {
                () = host.receive(stream) => {}
                () = host.clock.sleep(STAY) => {}
            }
            drop(place);
        });
    }
}

impl Host {
    async fn receive(&self, stream: TcpStream) {
        match &self.tls {
            None => self.talk(stream).await,
            Some(tls) => match tls.accept(stream).await {
                Ok(stream) => self.talk(stream).await,
                Err(error) => tracing::debug!("a caller's TLS failed: {error}"),
            },
        }
    }

    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) {
        let answer = |request: Request<Incoming>| async move {
            Ok::<_, Infallible>(self.answer(request).await)
        };
        let talk = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(STAY)
            .max_buf_size(HEAD)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service_fn(answer));
        if let Err(error) = talk.await {
            tracing::debug!("a caller left early: {error}");
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Empty<Bytes>> {
        let path = request.uri().path().to_owned();
        let is_post = request.method() == Method::POST;
        // Read to its end, so that the caller does not meet a closed door; and dropped.
        let heard = Limited::new(request.into_body(), BODY).collect().await.is_ok();
        let status = match (is_post, heard) {
            (true, true) if self.bell.rung(&path, self.clock.now()) => StatusCode::NO_CONTENT,
            (true, false) => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::NOT_FOUND,
        };
        let mut response = Response::new(Empty::new());
        *response.status_mut() = status;
        response
    }
}

async fn acceptor(
    certificate: DoorCertificate,
    secrets: Arc<dyn Secrets>,
) -> Result<TlsAcceptor, String> {
    let read = move || {
        let path = certificate.chain.display().to_string();
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&certificate.chain)
            .and_then(Iterator::collect)
            .map_err(|e| format!("{path}: {e}"))?;
        let key = secrets.find(&certificate.key).map_err(|e| e.to_string())?;
        let key = PrivateKeyDer::from_pem_slice(key.value.expose_secret().as_bytes())
            .map_err(|_| format!("credential `{}` is no private key in PEM", certificate.key))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|e| format!("{path}: {e}"))?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    };
    tokio::task::spawn_blocking(read).await.map_err(|e| e.to_string())?
}
