//! A look at a web page, as a visitor would take it: answered, handed over, blocked, down, unclear.
//!
//! A page that answers is not yet a page that is well: a block page, a captive portal and an error
//! page all answer 200. What a page must hold is for the caller to say.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::health::Reason;
use crate::services::declared::words::folded;
use crate::transport::{Endpoint, Failure, Reply, Request};

/// Pages are small; a sign-in page of more is not one.
const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// Sentences of block pages; lower case.
#[must_use]
pub fn default_block_marks() -> Vec<String> {
    ["you are being blocked", "this content has been blocked", "blocked by your web filter"]
        .map(str::to_owned)
        .into()
}

/// What was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// 200 with something in it.
    Page {
        /// The body as text.
        text: String,
    },
    /// A 3xx that was not followed.
    Redirect {
        /// The host that it points to; `None` where it names none or not over TLS.
        host: Option<String>,
    },
    /// A web filter's block page, whatever its status.
    BlockPage,
    /// Nobody answers, or the server says that it cannot (5xx).
    Down {
        /// What happened.
        why: String,
        /// The connection itself was refused or cut, as a filter does it.
        refused: bool,
    },
    /// An answer that says nothing about the service.
    Unclear {
        /// Which unknown it makes.
        reason: Reason,
        /// What is wrong with it.
        why: String,
    },
}

/// What was there, when, and how long it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// What.
    pub sight: Sight,
    /// HTTP status, where one came.
    pub status: Option<u16>,
    /// What was asked and what came, as evidence.
    pub facts: Vec<(&'static str, String)>,
    /// When it was complete; `None` where nothing came.
    pub at: Option<Timestamp>,
    /// How long it took.
    pub took: Option<Duration>,
}

impl Look {
    /// Whether it took longer than `limit`.
    #[must_use]
    pub fn is_slow(&self, limit: Duration) -> bool {
        self.took.is_some_and(|took| took > limit)
    }

    /// Milliseconds, for a number.
    #[must_use]
    pub fn latency_ms(&self) -> Option<f64> {
        self.took.map(|took| (took.as_secs_f64() * 1_000.0).round())
    }
}

/// Asks for `path` below the endpoint once, without following a redirect.
pub async fn look(endpoint: &Endpoint, path: &str, block_marks: &[String]) -> Look {
    let request = Request::get(path).redirect_is_answer().body_limit(BODY_LIMIT);
    match endpoint.send(request).await {
        Err(failure) => failed(&failure),
        Ok(reply) => Look {
            sight: seen(&reply, endpoint, block_marks),
            status: Some(reply.status),
            facts: reply.facts().into(),
            at: Some(reply.received_at),
            took: Some(reply.took),
        },
    }
}

fn failed(failure: &Failure) -> Look {
    let why = failure.to_string();
    let (sight, status) = match failure {
        Failure::NoAnswer { .. } | Failure::Tls { .. } => {
            (Sight::Down { why, refused: true }, None)
        }
        Failure::Deadline { .. } | Failure::Open { .. } => {
            (Sight::Down { why, refused: false }, None)
        }
        Failure::Status { status, .. } if *status >= 500 => {
            (Sight::Down { why, refused: false }, Some(*status))
        }
        Failure::Status { status, .. } | Failure::Redirected { status, .. } => {
            (Sight::Unclear { reason: Reason::Malformed, why }, Some(*status))
        }
        Failure::TooLarge { .. }
        | Failure::Throttled { .. }
        | Failure::Unauthorised { .. }
        | Failure::Malformed { .. }
        | Failure::ForeignLink { .. } => (Sight::Unclear { reason: failure.reason(), why }, None),
    };
    let facts = status.map(|status| ("http status", status.to_string())).into_iter().collect();
    Look { sight, status, facts, at: None, took: None }
}

fn seen(reply: &Reply, endpoint: &Endpoint, block_marks: &[String]) -> Sight {
    let unclear = |reason, why: &str| Sight::Unclear {
        reason,
        why: format!("{} answered {}: {why}", reply.origin, reply.status),
    };
    let text = reply.text();
    let body = folded(&text);
    if block_marks.iter().map(|m| folded(m)).any(|m| !m.is_empty() && body.contains(&m)) {
        return Sight::BlockPage;
    }
    match reply.status {
        200 if body.is_empty() => unclear(Reason::Malformed, "an empty page"),
        200 => Sight::Page { text },
        300..=399 => {
            let target = reply.header("location").and_then(|to| endpoint.url().join(to).ok());
            let host = target
                .filter(|url| url.scheme() == "https")
                .and_then(|url| url.host_str().map(str::to_owned));
            Sight::Redirect { host }
        }
        401 | 403 | 407 => unclear(Reason::Unauthorised, "it wants a sign-in of ours"),
        429 => unclear(Reason::Throttled, "it asks us to wait"),
        511 => unclear(Reason::Malformed, "a captive portal stands in between"),
        500.. => Sight::Down {
            why: format!("{} answered {}", reply.origin, reply.status),
            refused: false,
        },
        _ => unclear(Reason::Malformed, "not the page; has its address changed?"),
    }
}
