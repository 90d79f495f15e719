//! One try: the request on its way, the answer read within its limits of time and size.

use std::error::Error as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use url::Url;

use super::endpoint::Inner;
use super::failure::host_of;
use super::request::{Body, Method, Path};
use super::settings::PlainHttp;
use super::trace::Exchange;
use super::{Failure, Reply, Request};
use crate::model::text::Clean;

/// A request made ready: checked, encoded once, sent as often as it takes.
pub(super) struct Call {
    pub(super) repeatable: bool,
    method: reqwest::Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Bytes>,
    redirect_is_answer: bool,
    body_limit: usize,
    /// Our id of it.
    id: String,
    /// The path as it was asked for, unless it is that of a link.
    path: Option<Path>,
}

/// The time that a call has.
pub(super) struct Limit {
    /// When its turn came.
    pub(super) began: Duration,
    /// When it must be over.
    pub(super) due: Duration,
    /// The time between.
    pub(super) whole: Duration,
}

/// When the body last moved, for the watch over it. Nanoseconds of the monotonic clock.
struct Progress(AtomicU64);

impl Progress {
    /// Before the head of the answer is here, only the deadline counts.
    const NOT_YET: u64 = u64::MAX;

    fn moved(&self, now: Duration) {
        let nanos = u64::try_from(now.as_nanos()).unwrap_or(Self::NOT_YET);
        self.0.store(nanos, Ordering::Relaxed);
    }

    fn last(&self) -> Option<Duration> {
        let nanos = self.0.load(Ordering::Relaxed);
        (nanos != Self::NOT_YET).then(|| Duration::from_nanos(nanos))
    }
}

impl Call {
    /// Checks and encodes `request` for `to`.
    pub(super) fn new(to: &Inner, request: Request) -> Result<Self, Failure> {
        if to.plain == PlainHttp::Anywhere
            && (!request.headers.is_empty() || !matches!(request.body, Body::None))
        {
            return Err(Failure::Unauthorised {
                origin: to.name.clone(),
                why: "a probe carries no header and no body of ours; use an endpoint".to_owned(),
            });
        }
        let url = address(to, &request)?;
        let id = to.client.next_id();
        let mut headers = headers(&to.name, &request)?;
        if let Ok(value) = HeaderValue::from_str(&id) {
            headers.insert(HeaderName::from_static("client-request-id"), value);
        }
        let body = encode(&request.body).map_err(|why| Failure::Malformed {
            origin: to.name.clone(),
            why: format!("our own body cannot be encoded: {why}"),
        })?;
        let body = body.map(|(kind, bytes)| {
            headers.insert(reqwest::header::CONTENT_TYPE, HeaderValue::from_static(kind));
            bytes
        });
        Ok(Self {
            repeatable: request.repeatable,
            method: match request.method {
                Method::Get => reqwest::Method::GET,
                Method::Post => reqwest::Method::POST,
                Method::Put => reqwest::Method::PUT,
                Method::Patch => reqwest::Method::PATCH,
            },
            url,
            headers,
            body,
            redirect_is_answer: request.redirect_is_answer,
            body_limit: request.body_limit.unwrap_or(to.settings.body_limit),
            id,
            path: request.absolute.is_none().then_some(request.path),
        })
    }

    /// One line per call. Never a header's value, a query's value, a body or a value in the path.
    pub(super) fn trace(&self, to: &Inner, began: Duration, outcome: &Result<Reply, Failure>) {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        let shown = self.shown(to);
        let spent = to.clock.monotonic().saturating_sub(began);
        let ms = u64::try_from(spent.as_millis()).unwrap_or(u64::MAX);
        let (method, origin, path, id) =
            (self.method.as_str(), to.name.as_str(), shown.as_str(), self.id.as_str());
        match outcome {
            Ok(reply) => tracing::debug!(
                method,
                origin,
                path,
                status = reply.status,
                ms,
                bytes = reply.body.len(),
                request_id = id,
                "call answered"
            ),
            Err(failure) => {
                tracing::debug!(method, origin, path, ms, request_id = id, %failure, "call failed");
            }
        }
    }

    /// Method and URL as they may be shown: without query, and without the values in the path.
    fn line(&self, to: &Inner) -> String {
        format!("{} {}{}", self.method, to.name, self.shown(to))
    }

    /// The path as it may be logged: without query, and without the values put into it.
    fn shown(&self, to: &Inner) -> String {
        match &self.path {
            Some(path) => path.shown(&to.base),
            None => self.url.path().to_owned(),
        }
    }

    /// The call as a person may read it: header names without values, query names without values.
    pub(super) fn told(
        &self,
        to: &Inner,
        began: Duration,
        outcome: &Result<Reply, Failure>,
    ) -> Exchange {
        let query: Vec<String> =
            self.url.query_pairs().map(|(name, _)| format!("{name}=…")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        let request = format!("{}{mark}{}", self.line(to), query.join("&"));
        let took = to.clock.monotonic().saturating_sub(began);
        let names = self.headers.keys().map(|name| name.as_str().to_owned()).collect();
        Exchange::new(&request, names, outcome, took)
    }

    fn request(&self) -> reqwest::Request {
        let mut request = reqwest::Request::new(self.method.clone(), self.url.clone());
        *request.headers_mut() = self.headers.clone();
        *request.body_mut() = self.body.clone().map(Into::into);
        request
    }
}

/// The whole URL.
fn address(to: &Inner, request: &Request) -> Result<Url, Failure> {
    if let Some(link) = &request.absolute {
        // Checked again: the request may have been made by another endpoint.
        to.own_link(link)?;
        return Ok(link.clone());
    }
    let mut url = to.base.clone();
    request
        .path
        .append_to(&mut url)
        .map_err(|why| Failure::Malformed { origin: to.name.clone(), why: why.to_owned() })?;
    if !request.query.is_empty() {
        let mut pairs = url.query_pairs_mut();
        for (name, value) in &request.query {
            pairs.append_pair(name, value);
        }
    }
    Ok(url)
}

/// Our headers, all marked sensitive so that no `Debug` shows them.
fn headers(origin: &str, request: &Request) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::with_capacity(request.headers.len() + 2);
    for (name, secret) in &request.headers {
        let made = HeaderName::from_bytes(name.as_bytes())
            .ok()
            .zip(HeaderValue::from_str(secret.expose_secret()).ok());
        let Some((name, mut value)) = made else {
            return Err(Failure::Unauthorised {
                origin: origin.to_owned(),
                why: format!("the value for header {name} holds a character that cannot be sent"),
            });
        };
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Media type and bytes.
fn encode(body: &Body) -> Result<Option<(&'static str, Bytes)>, serde_json::Error> {
    const JSON: &str = "application/json";
    Ok(match body {
        Body::None => None,
        Body::Json(value) => Some((JSON, serde_json::to_vec(value)?.into())),
        Body::SecretJson(fields) => {
            let object: std::collections::BTreeMap<_, _> =
                fields.iter().map(|(n, v)| (n.as_str(), v.expose_secret())).collect();
            Some((JSON, serde_json::to_vec(&object)?.into()))
        }
        Body::Form(fields) => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in fields {
                form.append_pair(name, value.expose_secret());
            }
            Some(("application/x-www-form-urlencoded", form.finish().into()))
        }
    })
}

impl Inner {
    /// Sends once and reads the whole answer, or says why there is none.
    pub(super) async fn exchange(&self, call: &Call, limit: &Limit) -> Result<Reply, Failure> {
        let progress = Progress(AtomicU64::new(Progress::NOT_YET));
        tokio::select! {
            biased;
            outcome = self.converse(call, limit, &progress) => outcome,
            failure = self.watch(limit, &progress) => Err(failure),
        }
    }

    /// Ends when the deadline has passed or the body has stopped moving.
    async fn watch(&self, limit: &Limit, progress: &Progress) -> Failure {
        let patience = self.settings.read_timeout.duration();
        loop {
            let now = self.clock.monotonic();
            if now >= limit.due {
                return Failure::Deadline {
                    origin: self.name.clone(),
                    seconds: limit.whole.as_secs(),
                };
            }
            let next_look = match progress.last() {
                Some(last) if now >= last + patience => {
                    let why = format!(
                        "it stopped in the middle of its answer for {} s",
                        patience.as_secs()
                    );
                    return self.no_answer(why, false);
                }
                Some(last) => last + patience,
                None => now + patience,
            };
            self.clock.sleep(next_look.min(limit.due).saturating_sub(now)).await;
        }
    }

    async fn converse(
        &self,
        call: &Call,
        limit: &Limit,
        progress: &Progress,
    ) -> Result<Reply, Failure> {
        let client = self
            .client
            .get()
            .await
            .map_err(|why| Failure::Tls { origin: self.name.clone(), why })?;
        let mut answer = client.execute(call.request()).await.map_err(|e| self.broken(&e))?;
        progress.moved(self.clock.monotonic());
        let status = answer.status().as_u16();
        if answer.status().is_redirection() && !call.redirect_is_answer {
            return Err(self.redirected(&answer));
        }
        let headers = std::mem::take(answer.headers_mut());
        let body = self.body(answer, call.body_limit, progress).await?;
        Ok(Reply {
            status,
            headers,
            body,
            received_at: self.clock.now(),
            took: self.clock.monotonic().saturating_sub(limit.began),
            request_id: call.id.clone(),
            origin: self.name.clone(),
            request: call.line(self),
        })
    }

    /// The whole body, counted as it comes out of the decompression.
    async fn body(
        &self,
        mut answer: reqwest::Response,
        limit: usize,
        progress: &Progress,
    ) -> Result<Bytes, Failure> {
        let too_large = || Failure::TooLarge { origin: self.name.clone(), limit };
        let announced = answer.content_length().unwrap_or(0);
        if usize::try_from(announced).map_or(true, |n| n > limit) {
            return Err(too_large());
        }
        let Some(first) = answer.chunk().await.map_err(|e| self.broken(&e))? else {
            return Ok(Bytes::new());
        };
        // Most answers come in one piece, which is kept as it is.
        let mut whole = None;
        let mut length = first.len();
        while length <= limit {
            progress.moved(self.clock.monotonic());
            let Some(chunk) = answer.chunk().await.map_err(|e| self.broken(&e))? else {
                return Ok(whole.map_or(first, BytesMut::freeze));
            };
            length = length.saturating_add(chunk.len());
            whole
                .get_or_insert_with(|| {
                    let expected = usize::try_from(announced).unwrap_or(0).max(2 * first.len());
                    let mut whole = BytesMut::with_capacity(expected.min(limit));
                    whole.extend_from_slice(&first);
                    whole
                })
                .extend_from_slice(&chunk);
        }
        Err(too_large())
    }

    fn redirected(&self, answer: &reqwest::Response) -> Failure {
        let to = answer
            .headers()
            .get(reqwest::header::LOCATION)
            .and_then(|location| location.to_str().ok())
            .and_then(|location| self.base.join(location).ok())
            .map_or_else(|| "nowhere".to_owned(), |url| host_of(&url));
        Failure::Redirected { origin: self.name.clone(), status: answer.status().as_u16(), to }
    }

    fn no_answer(&self, why: String, unsent: bool) -> Failure {
        Failure::NoAnswer { origin: self.name.clone(), why, unsent }
    }

    /// What an error of the client means.
    pub(super) fn broken(&self, e: &reqwest::Error) -> Failure {
        let mut innermost = String::new();
        let mut cause = e.source();
        while let Some(error) = cause {
            // Later than in the handshake it says nothing of what had been sent.
            if let Some(tls) = error.downcast_ref::<rustls::Error>().filter(|_| e.is_connect()) {
                return Failure::Tls { origin: self.name.clone(), why: tls_words(tls) };
            }
            cause = inner(error);
            if cause.is_none() {
                innermost = error.to_string();
            }
        }
        // The outermost text may hold the URL with its query; the innermost is the operating
        // system's or a library's own words, some of which end with a link to its manual.
        let words = innermost.split(": http").next().unwrap_or_default();
        let detail = Clean::new(words);
        // The decompression fails by an error of input and output, the connection beneath it by
        // one of hyper's.
        if e.is_decode() && e.source().is_some_and(|s| s.is::<std::io::Error>()) {
            return Failure::Malformed {
                origin: self.name.clone(),
                why: format!("its compressed body is damaged or cut off ({detail})"),
            };
        }
        let step = if e.is_connect() {
            "cannot connect"
        } else if e.is_body() || e.is_decode() {
            "the answer was cut off"
        } else {
            "the connection broke"
        };
        self.no_answer(format!("{step}: {detail}"), e.is_connect())
    }
}

/// The next cause. An error of input and output hides what it wraps from `source`.
fn inner<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a (dyn std::error::Error + 'static)> {
    match error.downcast_ref::<std::io::Error>() {
        Some(io) => io.get_ref().map(|wrapped| {
            let wrapped: &(dyn std::error::Error + 'static) = wrapped;
            wrapped
        }),
        None => error.source(),
    }
}

/// In words, with the remedy. What the certificate itself says is left out.
pub(super) fn tls_words(error: &rustls::Error) -> String {
    use rustls::{CertificateError as Bad, Error};
    match error {
        Error::InvalidCertificate(bad) => match bad {
            Bad::Expired | Bad::ExpiredContext { .. } => {
                "its certificate has expired; its owner must renew it".to_owned()
            }
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                "its certificate is not valid yet; compare the clocks".to_owned()
            }
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
                "its certificate is for another name; check the URL".to_owned()
            }
            // A new key under an old name makes the second.
            Bad::UnknownIssuer | Bad::BadSignature => {
                "its certificate is not from an authority that is trusted here; \
                                   if it has its own, name that in ca_file"
                    .to_owned()
            }
            Bad::Revoked => "its certificate was revoked".to_owned(),
            other => format!("its certificate was refused: {}", Clean::new(&other.to_string())),
        },
        other => Clean::new(&other.to_string()).as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_marked_so_that_no_debug_shows_them() {
        let request = Request::get("").header("Authorization", "Bearer canary".to_owned());
        let headers = headers("https://v.example", &request).unwrap();
        assert_eq!(headers["authorization"], "Bearer canary");
        assert!(!format!("{headers:?}").contains("canary"), "{headers:?}");
    }

    #[test]
    fn a_credential_that_would_end_the_header_is_refused_and_not_repeated() {
        for bad in ["canary\r\nX-Admin: 1", "canary\n", "can\0ary"] {
            let request = Request::get("").header("Authorization", bad.to_owned());
            let failure = headers("https://v.example", &request).unwrap_err();
            assert!(matches!(failure, Failure::Unauthorised { .. }));
            assert!(!failure.to_string().contains("ary"), "{failure}");
        }
    }
}
