//! Tokens that a vendor has given out, and calls that it refuses loudly.

use std::collections::BTreeMap;
use std::sync::Mutex;

use axum::http::HeaderMap;
use axum::http::header::HeaderName;
use jiff::Timestamp;

use crate::simulators::stage::{Stage, lock};

/// More tokens than any test needs; then those that have ended are forgotten.
const MANY: usize = 100_000;

/// Tokens, to whom each was given and when it ends.
pub(super) struct Tokens<T>(Mutex<BTreeMap<String, (T, Timestamp)>>);

/// Why a token is worth nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worthless {
    /// It was never given, or is forgotten.
    Unknown,
    /// It has ended.
    Ended,
}

impl<T> Default for Tokens<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Tokens<T> {
    /// Gives `token` to `whom` from `now` until `ends`.
    pub(super) fn give(&self, token: &str, whom: T, (now, ends): (Timestamp, Timestamp)) {
        let mut given = lock(&self.0);
        if given.len() > MANY {
            given.retain(|_, (_, at)| *at > now);
        }
        given.insert(token.to_owned(), (whom, ends));
    }

    /// To whom `token` was given, and when it ends.
    pub(super) fn whose(&self, token: &str, now: Timestamp) -> Result<(T, Timestamp), Worthless> {
        let (whom, ends) = lock(&self.0).get(token).cloned().ok_or(Worthless::Unknown)?;
        if ends <= now { Err(Worthless::Ended) } else { Ok((whom, ends)) }
    }

    /// Every token that was given out and is not forgotten.
    pub(super) fn given(&self) -> Vec<String> {
        lock(&self.0).keys().cloned().collect()
    }

    /// Forgets one.
    pub(super) fn drop_one(&self, token: &str) {
        lock(&self.0).remove(token);
    }

    /// Forgets all.
    pub(super) fn forget(&self) {
        lock(&self.0).clear();
    }
}

/// The value of `header` after `word`, as in `Authorization: Bearer TOKEN`.
pub(super) fn carried<'a>(
    headers: &'a HeaderMap,
    header: &HeaderName,
    word: &str,
) -> Option<&'a str> {
    headers.get(header)?.to_str().ok()?.strip_prefix(word)
}

/// Counts a wrong call as `SERVICE REFUSED why`, beside the count of the call itself, so that no
/// wrong call of ours goes unseen.
pub(super) fn refused(stage: &Stage, service: &str, why: &str) {
    tracing::warn!(service, why, "a simulator refused a wrong call");
    stage.count(format!("{service} REFUSED {why}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_worth_something_until_it_ends_or_is_forgotten() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let tokens = Tokens::default();
        tokens.give("a", 7, (at(0), at(100)));
        tokens.give("b", 8, (at(0), at(200)));
        assert_eq!(tokens.whose("a", at(99)), Ok((7, at(100))));
        assert_eq!(tokens.whose("a", at(100)), Err(Worthless::Ended));
        assert_eq!(tokens.whose("c", at(0)), Err(Worthless::Unknown));
        tokens.drop_one("a");
        assert_eq!(tokens.whose("a", at(0)), Err(Worthless::Unknown));
        tokens.forget();
        assert_eq!(tokens.whose("b", at(0)), Err(Worthless::Unknown));
    }
}
