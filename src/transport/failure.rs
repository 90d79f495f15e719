//! What went wrong with a call, as values that the engine can turn into the right unknown.

use url::Url;

use crate::model::health::Reason;
use crate::model::text::Clean;

/// The host of a link from outside: enough to know the stranger by, and none of what the link says.
pub(super) fn host_of(url: &Url) -> String {
    match url.host_str() {
        Some(host) => Clean::new(host).as_str().chars().take(80).collect(),
        None => "a link without a host".to_owned(),
    }
}

/// Why a call brought no usable answer. The text names what failed, never a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Name, connection or socket: nobody there.
    #[error("no answer from {origin}: {why}")]
    NoAnswer {
        /// Scheme, host and port.
        origin: String,
        /// The cause, cleaned.
        why: String,
        /// Whether certainly nothing of the call was sent; `false` where that is not known.
        unsent: bool,
    },
    /// The deadline for the whole exchange passed.
    #[error("no complete answer from {origin} within {seconds} s")]
    Deadline {
        /// Scheme, host and port.
        origin: String,
        /// The deadline.
        seconds: u64,
    },
    /// The certificate or the handshake was refused.
    #[error("TLS with {origin} was refused: {why}")]
    Tls {
        /// Scheme, host and port.
        origin: String,
        /// The cause, cleaned.
        why: String,
    },
    /// A redirect, which is never followed.
    #[error("{origin} answered {status} and points to {to}: not followed")]
    Redirected {
        /// Scheme, host and port.
        origin: String,
        /// The status.
        status: u16,
        /// The host it points to, cleaned.
        to: String,
    },
    /// The body is larger than the call allows, counted after decompression.
    #[error("the answer of {origin} is larger than {limit} bytes")]
    TooLarge {
        /// Scheme, host and port.
        origin: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The vendor asks us to wait; `seconds` is how long, where it said.
    #[error("{origin} asks us to wait{}", seconds.map_or(String::new(), |s| format!(" {s} s")))]
    Throttled {
        /// Scheme, host and port.
        origin: String,
        /// How long, where it said.
        seconds: Option<u64>,
        /// Headers of the answer that asked, by lower-case name, in which a vendor may name the
        /// limit; none when it was not asked again. Not cleaned.
        headers: Vec<(String, String)>,
    },
    /// 401 or 403, or no credential to send.
    #[error("{origin} refused our sign-in: {why}")]
    Unauthorised {
        /// Scheme, host and port.
        origin: String,
        /// The vendor's code, or what is missing.
        why: String,
    },
    /// Another status that is not success.
    #[error("{origin} answered {status}")]
    Status {
        /// Scheme, host and port.
        origin: String,
        /// The status.
        status: u16,
    },
    /// An answer that cannot be understood.
    #[error("the answer of {origin} cannot be read: {why}")]
    Malformed {
        /// Scheme, host and port.
        origin: String,
        /// What is wrong with it, without its content.
        why: String,
    },
    /// Too many failures in a row: not asked until the breaker lets one call through.
    #[error("{origin} is left alone for {seconds} s after {failures} failures in a row")]
    Open {
        /// Scheme, host and port.
        origin: String,
        /// Until the next try.
        seconds: u64,
        /// How many.
        failures: u32,
    },
    /// A next-page link to another origin.
    #[error("{origin} points to a next page elsewhere ({to}): not followed")]
    ForeignLink {
        /// Scheme, host and port.
        origin: String,
        /// Where, cleaned.
        to: String,
    },
}

impl Failure {
    /// Whether an HTTP call that failed so certainly sent nothing: there was no connection, or we did
    /// not even try. What an answer said is never among these.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        match self {
            Self::NoAnswer { unsent, .. } => *unsent,
            Self::Tls { .. } | Self::Open { .. } | Self::Unauthorised { .. } => true,
            Self::Deadline { .. }
            | Self::Redirected { .. }
            | Self::TooLarge { .. }
            | Self::Throttled { .. }
            | Self::Status { .. }
            | Self::Malformed { .. }
            | Self::ForeignLink { .. } => false,
        }
    }

    /// The reason of the unknown that this makes of a check.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::NoAnswer { .. }
            | Self::Deadline { .. }
            | Self::Tls { .. }
            | Self::Open { .. } => Reason::NoAnswer,
            Self::Status { status, .. } if *status >= 500 => Reason::NoAnswer,
            Self::Throttled { .. } => Reason::Throttled,
            Self::Unauthorised { .. } => Reason::Unauthorised,
            Self::Redirected { .. }
            | Self::TooLarge { .. }
            | Self::Status { .. }
            | Self::Malformed { .. }
            | Self::ForeignLink { .. } => Reason::Malformed,
        }
    }
}
