//! What was asked and what came, for a person who tries a connector at a terminal.
//!
//! Invariant: holds no header's value, no query's value, no body and no text out of a body; of a
//! JSON body its shape only, of a page its length.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::{Failure, Reply, json};
use crate::model::text::Clean;

/// Steps that are kept; more are counted.
const MOST: usize = 400;
/// How deep a shape is told.
const DEEP: usize = 4;
/// Keys of one object that are told.
const WIDE: usize = 12;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A call over HTTP.
    Call(Exchange),
    /// Anything else: a file that was read, a name that was looked up.
    Note(Clean),
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Method and URL, without values.
    pub request: Clean,
    /// Names of the headers that were sent.
    pub headers: Vec<String>,
    /// What came, or why nothing did.
    pub answer: Result<Answered, Clean>,
    /// How long it took, waiting for its turn included.
    pub took: Duration,
}

/// An answer, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// HTTP status.
    pub status: u16,
    /// Bytes of the body.
    pub bytes: usize,
    /// The media type that was announced.
    pub media: Clean,
    /// What kind of body it is; of JSON its shape.
    pub shape: String,
}

impl Exchange {
    pub(super) fn new(
        request: &str,
        mut headers: Vec<String>,
        outcome: &Result<Reply, Failure>,
        took: Duration,
    ) -> Self {
        headers.sort_unstable();
        headers.dedup();
        let answer = match outcome {
            Err(failure) => Err(Clean::new(&failure.to_string())),
            Ok(reply) => Ok(Answered {
                status: reply.status,
                bytes: reply.body.len(),
                media: Clean::new(reply.header("content-type").unwrap_or_default()),
                shape: body_shape(&reply.body),
            }),
        };
        Self { request: Clean::new(request), headers, answer, took }
    }
}

#[derive(Default)]
struct Kept {
    steps: Vec<Step>,
    more: usize,
}

/// Where calls are told to. Cheap to clone; clones share what they hold.
#[derive(Clone, Default)]
pub struct Trace {
    kept: Arc<Mutex<Kept>>,
}

impl Trace {
    pub(super) fn call(&self, exchange: Exchange) {
        self.push(Step::Call(exchange));
    }

    /// Tells something that is no call. The caller says nothing that may be secret or personal.
    pub fn note(&self, text: &str) {
        self.push(Step::Note(Clean::new(text)));
    }

    fn push(&self, step: Step) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.steps.len() < MOST {
            kept.steps.push(step);
        } else {
            kept.more += 1;
        }
    }

    /// What happened since the last call of this, and how much more than is kept.
    #[must_use]
    pub fn take(&self) -> (Vec<Step>, usize) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { steps, more } = std::mem::take(&mut *kept);
        (steps, more)
    }
}

fn body_shape(body: &[u8]) -> String {
    let start = body.trim_ascii_start();
    match start.first() {
        None => "nothing".to_owned(),
        Some(b'<') => "a web page or XML".to_owned(),
        Some(_) => match json::read::<Value>(body) {
            Ok(value) => shape(&value),
            Err(why) if matches!(start.first(), Some(b'{' | b'[' | b'"')) => {
                format!("damaged JSON: {why}")
            }
            Err(_) => "text".to_owned(),
        },
    }
}

/// The shape of `value`: keys, kinds and lengths. Numbers, booleans and null stand as they are,
/// text by its length only.
#[must_use]
pub fn shape(value: &Value) -> String {
    let mut out = String::new();
    write_shape(&mut out, value, 0);
    out
}

fn write_shape(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => out.push_str(&n.to_string()),
        Value::String(text) => told(write!(out, "text({})", text.chars().count())),
        Value::Array(items) if items.is_empty() => out.push_str("[]"),
        Value::Array(items) => {
            told(write!(out, "[{} × ", items.len()));
            match items.first() {
                Some(first) if depth < DEEP => write_shape(out, first, depth + 1),
                _ => out.push('…'),
            }
            out.push(']');
        }
        Value::Object(fields) if depth >= DEEP => {
            told(write!(out, "{{{} keys}}", fields.len()));
        }
        Value::Object(fields) => {
            out.push('{');
            for (n, (key, field)) in fields.iter().enumerate() {
                if n > 0 {
                    out.push_str(", ");
                }
                if n >= WIDE {
                    told(write!(out, "… {} more", fields.len() - n));
                    break;
                }
                told(write!(out, "{}: ", named(key)));
                write_shape(out, field, depth + 1);
            }
            out.push('}');
        }
    }
}

/// A key as it may be told: one that does not look like the name of a field may be data.
fn named(key: &str) -> &str {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@' | '$');
    if (1..=40).contains(&key.len()) && key.chars().all(word) { key } else { "…" }
}

/// Writing to a `String` does not fail.
fn told(written: std::fmt::Result) {
    debug_assert!(written.is_ok(), "writing to a String does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_tells_keys_and_kinds_and_no_text() {
        let value = serde_json::json!({
            "n": 3, "ok": true, "none": null, "name": "Ann Canary",
            "Ann Canary": 1, "rows": [{"id": "x"}, {"id": "y"}], "empty": [],
        });
        let said = shape(&value);
        assert!(!said.contains("Canary"), "{said}");
        for part in
            ["n: 3", "ok: true", "none: null", "name: text(10)", "rows: [2 × {id: text(1)}]"]
        {
            assert!(said.contains(part), "{part}: {said}");
        }
        let deep = serde_json::json!([[[[[[[1]]]]]]]);
        assert_eq!(shape(&deep), "[1 × [1 × [1 × [1 × [1 × …]]]]]");
        let wide: Value = (0..50).map(|n| (format!("k{n}"), Value::Null)).collect();
        assert!(shape(&wide).contains("… 38 more"), "{}", shape(&wide));
    }

    #[test]
    fn what_is_no_json_is_told_by_its_kind() {
        assert_eq!(body_shape(b" \n"), "nothing");
        assert_eq!(body_shape(b"<p>canary"), "a web page or XML");
        assert_eq!(body_shape(b"canary"), "text");
        let cut = body_shape(b"{\"a\": \"canary");
        assert!(cut.starts_with("damaged JSON") && !cut.contains("canary"), "{cut}");
    }

    #[test]
    fn holds_no_more_than_it_should_and_counts_the_rest() {
        let trace = Trace::default();
        (0..MOST + 3).for_each(|n| trace.note(&n.to_string()));
        let (steps, more) = trace.take();
        assert_eq!((steps.len(), more), (MOST, 3));
        assert_eq!(trace.take(), (Vec::new(), 0));
    }
}
