//! Answers, as the vendors send them.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// An answer of this status, media type and body.
pub(super) fn answer(status: u16, media: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

/// JSON.
pub(super) fn json(status: u16, body: &Value) -> Response {
    answer(status, "application/json; charset=utf-8", body.to_string())
}

/// A page of HTML.
pub(super) fn page(status: u16, html: impl Into<Body>) -> Response {
    answer(status, "text/html; charset=utf-8", html)
}

/// A web filter's block page.
pub(super) fn blocked() -> Response {
    page(
        200,
        "<!DOCTYPE html><html><head><title>Access denied</title></head><body><p>This content has \
         been blocked by the school's filter.</p></body></html>",
    )
}

/// Points to another address.
pub(super) fn redirect(to: &str) -> Response {
    with(page(302, ""), "location", to)
}

/// With one more header; one whose value cannot be sent is left out.
pub(super) fn with(mut response: Response, name: &'static str, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    response
}

/// `text` as it may stand between two tags.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The value of `name` in a query or form, decoded.
pub(super) fn field(pairs: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(pairs.as_bytes())
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.into_owned())
}

/// Sets a field of a JSON object.
pub(super) fn set(body: &mut Value, name: &str, value: Value) {
    if let Value::Object(fields) = body {
        fields.insert(name.to_owned(), value);
    }
}

/// The text of a field of a JSON object; empty if it is not there or not text.
pub(super) fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// An answer that ends a call early: a refused token, an unknown company.
pub(super) struct Refused(Box<Response>);

impl From<Response> for Refused {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        *self.0
    }
}
