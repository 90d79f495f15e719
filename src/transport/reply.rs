//! An answer: complete, within its limits, not yet believed.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use crate::transport::Failure;

/// A complete answer of any status but an unexpected redirect.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers by lower-case name, one value each.
    pub headers: Vec<(String, String)>,
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
}

impl Reply {
    /// The value of a header, by lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Itself if 2xx.
    ///
    /// # Errors
    /// 401 and 403 are [`Failure::Unauthorised`], 429 is [`Failure::Throttled`], all others
    /// [`Failure::Status`].
    pub fn success(self) -> Result<Self, Failure> {
        let origin = self.origin.clone();
        match self.status {
            200..=299 => Ok(self),
            401 | 403 => {
                Err(Failure::Unauthorised { origin, why: format!("status {}", self.status) })
            }
            429 => Err(Failure::Throttled { origin, seconds: None }),
            status => Err(Failure::Status { origin, status }),
        }
    }

    /// The body as JSON of a known shape.
    ///
    /// # Errors
    /// [`Failure::Malformed`] when it is not JSON, too deep, or of another shape; the text names
    /// the place, not the content.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|e| Failure::Malformed {
            origin: self.origin.clone(),
            why: format!("line {}, column {}: {}", e.line(), e.column(), category(&e)),
        })
    }

    /// The body as text, whatever its bytes.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn category(e: &serde_json::Error) -> &'static str {
    match e.classify() {
        serde_json::error::Category::Eof => "cut off",
        serde_json::error::Category::Data => "not of the documented shape",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "not JSON",
    }
}
