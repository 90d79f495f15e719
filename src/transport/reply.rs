//! An answer: complete, within its limits, not yet believed.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;

use crate::transport::{Failure, json};

/// A complete answer of any status but an unexpected redirect.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    pub(super) headers: HeaderMap,
    /// The body, decompressed.
    pub body: Bytes,
    /// When it was complete, by our clock.
    pub received_at: Timestamp,
    /// How long the exchange took, retries included.
    pub took: Duration,
    /// Our id for the request, sent as `client-request-id`.
    pub request_id: String,
    /// Scheme, host and port.
    pub origin: String,
    /// Method and URL as they may be shown: without query, and without the values in the path.
    pub(super) request: String,
}

/// Headers that are plain text, by lower-case name.
pub(super) fn plain(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = headers.iter().filter_map(|(name, value)| Some((name, value.to_str().ok()?)));
    text.map(|(name, value)| (name.as_str().to_owned(), value.to_owned())).collect()
}

impl Reply {
    /// An answer that nobody gave, for tests of what reads one.
    ///
    /// # Panics
    /// When a header is none.
    #[cfg(test)]
    pub fn played(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: reqwest::header::HeaderName = name.parse().unwrap();
            map.append(name, value.parse().unwrap());
        }
        Self {
            status,
            headers: map,
            body: body.to_owned().into(),
            received_at: "2027-02-09T11:20:00Z".parse().unwrap(),
            took: Duration::ZERO,
            request_id: "ours".into(),
            origin: "https://graph.example".into(),
            request: "GET https://graph.example/{}".into(),
        }
    }

    /// An answer that nobody gave, with this body and nothing beside it.
    #[cfg(any(test, feature = "fuzzing"))]
    #[must_use]
    pub fn of_bytes(status: u16, body: &[u8], received_at: Timestamp) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::copy_from_slice(body),
            received_at,
            took: Duration::ZERO,
            request_id: "ours".to_owned(),
            origin: "https://vendor.example".to_owned(),
            request: "GET https://vendor.example/{}".to_owned(),
        }
    }

    /// What was asked and what came, as evidence: nothing of a header, of a query or out of the body.
    #[must_use]
    pub fn facts(&self) -> [(&'static str, String); 4] {
        let kind = match self.header("content-type").and_then(|kind| kind.split(';').next()) {
            Some(kind) if !kind.trim().is_empty() => format!("{}, ", kind.trim()),
            _ => String::new(),
        };
        [
            ("request", self.request.clone()),
            ("http status", self.status.to_string()),
            ("answer", format!("{kind}{} bytes", self.body.len())),
            ("request id", self.request_id.clone()),
        ]
    }

    /// The first value of a header, by lower-case name; none for one that is no plain text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get_all(name).iter().find_map(|value| value.to_str().ok())
    }

    /// Itself if 2xx.
    ///
    /// # Errors
    /// 401 and 403 are [`Failure::Unauthorised`], 429 and 509 [`Failure::Throttled`], all others
    /// [`Failure::Status`].
    pub fn success(self) -> Result<Self, Failure> {
        let origin = self.origin.clone();
        match self.status {
            200..=299 => Ok(self),
            401 | 403 => {
                Err(Failure::Unauthorised { origin, why: format!("status {}", self.status) })
            }
            429 | 509 => {
                let headers = plain(&self.headers);
                Err(Failure::Throttled { origin, seconds: None, headers })
            }
            status => Err(Failure::Status { origin, status }),
        }
    }

    /// The body as JSON of a known shape.
    ///
    /// # Errors
    /// [`Failure::Malformed`] when it is not JSON, too deep, or of another shape; the text names
    /// the place and the field, not the content.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        json::read(&self.body)
            .map_err(|why| Failure::Malformed { origin: self.origin.clone(), why })
    }

    /// The body as text, whatever its bytes.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
