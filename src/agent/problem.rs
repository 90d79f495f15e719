//! Errors as JSON, each with a remedy.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::model::text::Clean;
use crate::wire::page::Problem;

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub status: StatusCode,
    pub problem: Problem,
}

impl Refusal {
    fn new(status: StatusCode, code: &str, message: &str) -> Self {
        Self { status, problem: Problem { code: code.into(), message: Clean::new(message) } }
    }

    /// There is no such thing.
    pub fn not_found(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// The request cannot be read.
    pub fn bad_request(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// The route knows other methods.
    pub fn method() -> Self {
        let message = "this route takes another method; /v1/openapi.json names it";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "bad_request", message)
    }

    /// The body is larger than any that this agent reads.
    pub fn too_large() -> Self {
        let message = "the request is larger than any that this agent reads";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    /// The rest of the request did not come, or the answer took too long.
    pub fn late() -> Self {
        let message = "the request or its answer took too long; try again";
        Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", message)
    }

    /// No more of these now.
    pub fn busy(message: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message)
    }

    /// The agent is about to end.
    pub fn stopping() -> Self {
        Self::busy("the agent is stopping; try again when it runs")
    }

    /// It was right a moment ago: used, expired, changed, or somebody else has it.
    pub fn conflict(message: &str) -> Self {
        Self::new(StatusCode::CONFLICT, "stale", message)
    }

    /// Whoever asks may not.
    pub fn forbidden(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        json(self.status, &self.problem)
    }
}

/// `value` as the whole answer.
pub(super) fn json(status: StatusCode, value: &impl serde::Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(text) => typed(status, "application/json", Body::from(text)),
        Err(error) => {
            tracing::error!("an answer could not be written: {error}");
            typed(StatusCode::INTERNAL_SERVER_ERROR, "application/json", Body::from("{}"))
        }
    }
}

/// An answer of a type.
pub(super) fn typed(status: StatusCode, kind: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
