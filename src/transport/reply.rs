//! An answer: complete, within its limits, not yet believed.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use crate::transport::{Failure, json};

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
    /// 401 and 403 are [`Failure::Unauthorised`], 429 and 509 [`Failure::Throttled`], all others
    /// [`Failure::Status`].
    pub fn success(self) -> Result<Self, Failure> {
        let origin = self.origin.clone();
        match self.status {
            200..=299 => Ok(self),
            401 | 403 => {
                Err(Failure::Unauthorised { origin, why: format!("status {}", self.status) })
            }
            429 | 509 => Err(Failure::Throttled { origin, seconds: None, headers: self.headers }),
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
