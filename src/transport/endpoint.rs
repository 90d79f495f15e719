//! Endpoints: an origin, its certificate authority and its limits.

use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::model::span::Span;
use crate::ports::clock::Clock;
use crate::transport::request::Body;
use crate::transport::{Failure, Reply, Request};

/// Installs ring's TLS provider for the process. First call of `app` and of any test with a client.
pub fn install_tls() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Only fails when another thread was faster, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
}

/// Limits of the whole transport.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TransportSettings {
    /// An explicit proxy; the environment's proxies are ignored.
    pub proxy_url: Option<Url>,
    /// Time for one exchange from start to last byte, retries apart.
    pub deadline: Span,
    /// Time without a byte while the body of an answer arrives.
    pub read_timeout: Span,
    /// Calls in flight to one origin; 0 for no limit.
    pub concurrency: usize,
    /// Calls a second to one origin; 0 for no limit.
    pub per_second: u32,
    /// Bytes of one body after decompression.
    pub body_limit: usize,
    /// Tries of a call that may be repeated.
    pub tries: u32,
    /// Failed calls in a row after which an origin is left alone for a while.
    pub breaker_failures: u32,
    /// The longest while for which an origin is left alone.
    pub breaker_longest: Span,
}

impl Default for TransportSettings {
    fn default() -> Self {
        Self {
            proxy_url: None,
            deadline: Span::from_secs(20),
            read_timeout: Span::from_secs(10),
            concurrency: 16,
            per_second: 50,
            body_limit: 8 * 1024 * 1024,
            tries: 3,
            breaker_failures: 5,
            breaker_longest: Span::from_secs(60),
        }
    }
}

/// Where one API is. Every base URL and CA file is configurable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointSettings {
    /// Base URL; `http://` only to loopback.
    pub url: Url,
    /// PEM file of the certificate authority, instead of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Instead of the transport's deadline.
    #[serde(default)]
    pub deadline: Option<Span>,
    /// Instead of the transport's calls in flight.
    #[serde(default)]
    pub concurrency: Option<usize>,
    /// Instead of the transport's calls a second; 0 for no limit.
    #[serde(default)]
    pub per_second: Option<u32>,
}

/// Why a transport or an endpoint could not be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The URL is not one that we may call.
    #[error("{url}: {why}")]
    Url {
        /// The URL, without user information.
        url: String,
        /// Which rule it breaks.
        why: &'static str,
    },
    /// The CA file cannot be used.
    #[error("CA file {path}: {why}")]
    Ca {
        /// The path.
        path: String,
        /// Why.
        why: String,
    },
    /// The client could not be built.
    #[error("HTTP client: {0}")]
    Client(String),
}

/// The HTTP client of the program. Cheap to clone.
#[derive(Clone)]
pub struct Transport {
    settings: TransportSettings,
    clock: Arc<dyn Clock>,
}

impl Transport {
    /// A transport. [`install_tls`] must have been called.
    #[must_use]
    pub fn new(settings: TransportSettings, clock: Arc<dyn Clock>) -> Self {
        Self { settings, clock }
    }

    /// An endpoint; endpoints of one origin and CA share connections, limits and breaker.
    ///
    /// # Errors
    /// When the URL may not be called or the CA file cannot be read.
    pub fn endpoint(&self, settings: &EndpointSettings) -> Result<Endpoint, SetupError> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(settings.deadline.unwrap_or(self.settings.deadline).duration())
            .build()
            .map_err(|e| SetupError::Client(e.to_string()))?;
        Ok(Endpoint {
            origin: settings.url.origin().ascii_serialization(),
            base: settings.url.clone(),
            client,
            clock: self.clock.clone(),
        })
    }
}

/// One API that may be called. Cheap to clone.
#[derive(Clone)]
pub struct Endpoint {
    origin: String,
    base: Url,
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
}

impl Endpoint {
    /// Scheme, host and port, for messages.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The base URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.base
    }

    /// The request for a next-page link, whole and unchanged.
    ///
    /// # Errors
    /// [`Failure::ForeignLink`] when scheme, host or port differ or it carries user information.
    pub fn next_page(&self, link: &str) -> Result<Request, Failure> {
        let foreign = || Failure::ForeignLink {
            origin: self.origin.clone(),
            to: crate::model::text::Clean::new(link).as_str().chars().take(80).collect(),
        };
        let url = Url::parse(link).map_err(|_| foreign())?;
        if url.origin() != self.base.origin()
            || !url.username().is_empty()
            || url.password().is_some()
        {
            return Err(foreign());
        }
        Ok(Request { absolute: Some(url), ..Request::get("") })
    }

    /// Sends `request` and reads the whole answer.
    ///
    /// # Errors
    /// See [`Failure`]; a status that is not success is an answer, not an error, but for
    /// redirects and for throttling that outlasted the retries.
    pub async fn send(&self, request: Request) -> Result<Reply, Failure> {
        let started = self.clock.monotonic();
        let mut url = match &request.absolute {
            Some(url) => url.clone(),
            None => {
                let mut url = self.base.clone();
                if !request.path.is_empty() {
                    let joined = format!(
                        "{}/{}",
                        url.path().trim_end_matches('/'),
                        request.path.trim_start_matches('/')
                    );
                    url.set_path(&joined);
                }
                url
            }
        };
        for (name, value) in &request.query {
            url.query_pairs_mut().append_pair(name, value);
        }
        let mut call = if request.post { self.client.post(url) } else { self.client.get(url) };
        for (name, value) in &request.headers {
            call = call.header(*name, value.expose_secret());
        }
        call = match &request.body {
            Body::None => call,
            Body::Json(v) => call.json(v),
            Body::SecretJson(f) => call.json(
                &f.iter()
                    .map(|(n, v)| (n.as_str(), v.expose_secret()))
                    .collect::<std::collections::BTreeMap<_, _>>(),
            ),
            Body::Form(f) => call
                .form(&f.iter().map(|(n, v)| (n.as_str(), v.expose_secret())).collect::<Vec<_>>()),
        };
        let no_answer = |e: reqwest::Error| Failure::NoAnswer {
            origin: self.origin.clone(),
            why: e.without_url().to_string(),
        };
        let answer = call.send().await.map_err(no_answer)?;
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .filter_map(|(n, v)| Some((n.as_str().to_owned(), v.to_str().ok()?.to_owned())))
            .collect();
        let body = answer.bytes().await.map_err(no_answer)?;
        Ok(Reply {
            status,
            headers,
            body,
            received_at: self.clock.now(),
            took: self.clock.monotonic().saturating_sub(started),
            request_id: uuid::Uuid::new_v4().to_string(),
            origin: self.origin.clone(),
        })
    }
}
