//! Reads any bytes as what servers send, for fuzzing. Nothing of it may panic.

use futures_util::FutureExt;
use serde_json::Value;

use super::imap::fuzz::answers;
use super::ldap::fuzz::messages;
use super::smtp::fuzz::replies;
use super::{json, retry_after};

/// As messages of a domain controller.
pub fn ldap(bytes: &[u8]) {
    messages(bytes);
}

/// As answers of a mail server.
///
/// # Panics
/// When a promise of the parser is broken: that is what is searched for.
pub fn imap(bytes: &[u8]) {
    let read = answers(bytes).now_or_never();
    assert!(read.is_some(), "bytes that are all there were waited for");
}

/// As a mail server's replies. TLS begins on its word alone, and it has to greet, answer and consent for that.
///
/// # Panics
/// When a promise of the parser is broken: that is what is searched for.
pub fn smtp(bytes: &[u8]) {
    let read = replies(bytes).now_or_never();
    assert!(read.is_some(), "bytes that are all there were waited for");
    let lines = bytes.split(|b| *b == b'\n');
    let says = |code: &[u8]| lines.clone().filter(|line| line.starts_with(code)).count();
    assert!(read != Some(true) || (says(b"220") >= 2 && says(b"250") >= 1), "it did not consent");
}

/// As an API's JSON body. What is read is no deeper than allowed, and is JSON.
///
/// # Panics
/// When a promise of the parser is broken: that is what is searched for.
pub fn json(bytes: &[u8]) {
    if let Ok(value) = json::read::<Value>(bytes) {
        assert!(depth(&value) <= json::DEEPEST, "deeper than allowed");
    }
}

/// As a `Retry-After` header and the `Date` beside it.
pub fn retry_after(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (value, date) = text.split_once('\n').unwrap_or((&text, ""));
    let date = Some(date).filter(|date| !date.is_empty());
    retry_after::seconds(value, date, std::time::SystemTime::UNIX_EPOCH);
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(all) => 1 + all.iter().map(depth).max().unwrap_or(0),
        Value::Object(all) => 1 + all.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
