//! Reading answers with suspicion: fields that may be missing or wrong, times without a zone, and
//! the one way in which a connector says that it does not know.
//!
//! Invariant: nothing here ever makes a verdict of ok.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};

use crate::model::health::Reason;
use crate::model::ids::{CheckId, CredentialName};
use crate::model::observation::{Observation, SourceTime, Target, Verdict, Zone};
use crate::ports::secrets::{SecretError, Secrets};
use crate::transport::{Failure, Reply};

/// Why nothing can be told, in a sentence for the desk and without a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// Which kind of not knowing.
    pub(super) reason: Reason,
    /// What failed and, where somebody can do something, the remedy.
    pub(super) why: String,
    /// What may be shown as evidence.
    pub(super) facts: Vec<(&'static str, String)>,
}

impl Trouble {
    pub(super) fn new(reason: Reason, why: impl Into<String>) -> Self {
        Self { reason, why: why.into(), facts: Vec::new() }
    }

    /// An answer that cannot be understood or contradicts itself.
    pub(super) fn malformed(why: impl Into<String>) -> Self {
        Self::new(Reason::Malformed, why)
    }

    /// With one more fact.
    pub(super) fn fact(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.facts.push((name, value.into()));
        self
    }

    /// With what was asked and what came.
    pub(super) fn answered(mut self, reply: &Reply) -> Self {
        self.facts.extend(reply.facts());
        self
    }

    /// The unknown that it makes of a check.
    pub(super) fn observe(&self, check: &CheckId, target: Target, at: Timestamp) -> Observation {
        let verdict = Verdict::Unknown(self.reason);
        let bare = Observation::new(check.clone(), target, at, verdict, &self.why);
        self.facts.iter().fold(bare, |o, (name, value)| o.fact(name, value))
    }
}

/// `bare` with what was asked and what came.
pub(super) fn answered(bare: Observation, reply: &Reply) -> Observation {
    reply.facts().iter().fold(bare, |seen, (name, value)| seen.fact(name, value))
}

/// Headers in which vendors name the limit that was reached: how they call it on a screen.
const LIMIT_HEADERS: [(&str, &str); 3] = [
    ("x-ms-throttle-scope", "limit of"),
    ("x-ms-throttle-information", "limit reached"),
    ("x-ms-throttle-limit-percentage", "share of the limit"),
];

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        let mut trouble = Self::new(failure.reason(), failure.to_string());
        if let Failure::Throttled { headers, .. } = failure {
            for (header, name) in LIMIT_HEADERS {
                let said = headers.iter().find(|(n, _)| n == header);
                trouble.facts.extend(said.map(|(_, value)| (name, value.clone())));
            }
        }
        trouble
    }
}

/// The credential `name`, looked up off the runtime because a keyring may ask a daemon.
pub(super) async fn credential(
    secrets: &Arc<dyn Secrets>,
    name: &CredentialName,
) -> Result<SecretString, Trouble> {
    let (secrets, wanted) = (secrets.clone(), name.clone());
    let found = tokio::task::spawn_blocking(move || secrets.find(&wanted)).await;
    match found {
        Ok(Ok(found)) => Ok(found.value),
        Ok(Err(e)) => Err(Trouble::new(
            Reason::Unauthorised,
            format!("{e}; store it with `caretaker secret set {name}`"),
        )
        .fact(
            "credential",
            if matches!(e, SecretError::Missing { .. }) { "missing" } else { "refused" },
        )),
        Err(_) => Err(Trouble::new(
            Reason::Unauthorised,
            format!("the credential stores did not answer for `{name}`"),
        )),
    }
}

/// Whether the body is a web page: of a proxy, of maintenance, of a filter.
pub(super) fn is_web_page(reply: &Reply) -> bool {
    reply.body.iter().copied().find(|b| !b.is_ascii_whitespace()) == Some(b'<')
}

/// The body as JSON of a known shape; says so when it is a web page, empty or cut off.
pub(super) fn json<T: DeserializeOwned>(reply: &Reply) -> Result<T, Trouble> {
    let first = reply.body.iter().copied().find(|b| !b.is_ascii_whitespace());
    match first {
        None => Err(Trouble::malformed(format!(
            "{} answered {} with an empty body",
            reply.origin, reply.status
        ))),
        Some(b'<') => Err(Trouble::malformed(format!(
            "{} answered {} with a web page instead of data (maintenance, or a filter's block page)",
            reply.origin, reply.status
        ))),
        Some(_) => reply.json().map_err(Trouble::from),
    }
}

/// The body of a 2xx as JSON of a known shape. What fails names what was asked and what came.
pub(super) fn successful<T: DeserializeOwned>(reply: &Reply) -> Result<T, Trouble> {
    let body = reply.clone().success().map_err(Trouble::from).and_then(|reply| json(&reply));
    body.map_err(|trouble| trouble.answered(reply))
}

/// A field as it came. Its row can be read although the field cannot; a key that stands twice in
/// one object still makes the whole row unreadable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Seen<T> {
    /// Not there.
    #[default]
    Missing,
    /// `null`.
    Null,
    /// Of another type.
    Wrong,
    /// As documented.
    Value(T),
}

impl<T> Seen<T> {
    /// The value, or what is wrong with the field called `name`.
    pub(super) fn need(self, name: &str) -> Result<T, Trouble> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Missing => Err(Trouble::malformed(format!("the answer lacks {name}"))),
            Self::Null => Err(Trouble::malformed(format!("{name} is null in the answer"))),
            Self::Wrong => Err(Trouble::malformed(format!("{name} has another type"))),
        }
    }

    /// The value, `None` for a `null`; missing or of another type is an error.
    pub(super) fn nullable(self, name: &str) -> Result<Option<T>, Trouble> {
        match self {
            Self::Null => Ok(None),
            other => other.need(name).map(Some),
        }
    }

    /// The value, if it is one.
    pub(super) fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Missing | Self::Null | Self::Wrong => None,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Seen<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw<T> {
            Value(T),
            Null(()),
            Wrong(IgnoredAny),
        }
        Ok(match Raw::deserialize(from)? {
            Raw::Value(value) => Self::Value(value),
            Raw::Null(()) => Self::Null,
            Raw::Wrong(_) => Self::Wrong,
        })
    }
}

/// One row of a list: a row that cannot be read does not take the others with it.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum ListRow<T> {
    /// Understood.
    Read(T),
    /// Not an object, or one in which a key stands twice.
    Unreadable(IgnoredAny),
}

/// A time as written: with an offset or `Z` it is what it says, without one it is read in `zone`.
pub(super) fn time(text: &str, zone: &TimeZone) -> Option<SourceTime> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(SourceTime { at, zone: Zone::Given });
    }
    let civil: DateTime = text.parse().ok()?;
    let at = civil.to_zoned_datetime(zone.clone()).ok()?.timestamp();
    Some(SourceTime { at, zone: Zone::Assumed })
}

/// The first `n` names and how many more, for a sentence.
pub(super) fn some_of(names: &[String], n: usize) -> String {
    let shown = names.iter().take(n).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(n) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_that_was_reached_is_told_and_nothing_else_of_the_answer() {
        let header = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        let failure = Failure::Throttled {
            origin: "https://v.example".into(),
            seconds: Some(7),
            headers: vec![
                header("x-ms-throttle-information", "ResourceUnitLimitExceeded"),
                header("set-cookie", "canary"),
            ],
        };
        let trouble = Trouble::from(failure);
        assert_eq!(trouble.reason, Reason::Throttled);
        assert_eq!(trouble.facts, [("limit reached", "ResourceUnitLimitExceeded".to_owned())]);
    }

    #[derive(Deserialize)]
    struct Row {
        #[serde(default)]
        n: Seen<u64>,
    }

    fn row(text: &str) -> Option<Seen<u64>> {
        match serde_json::from_str::<ListRow<Row>>(text).unwrap() {
            ListRow::Read(row) => Some(row.n),
            ListRow::Unreadable(_) => None,
        }
    }

    #[test]
    fn tells_missing_null_wrong_and_twice_apart() {
        assert_eq!(row("{}"), Some(Seen::Missing));
        assert_eq!(row(r#"{"n":null}"#), Some(Seen::Null));
        for wrong in [r#"{"n":"1"}"#, r#"{"n":-1}"#, r#"{"n":[1]}"#, r#"{"n":1.5}"#] {
            assert_eq!(row(wrong), Some(Seen::Wrong), "{wrong}");
        }
        assert_eq!(row(r#"{"n":1}"#), Some(Seen::Value(1)));
        assert_eq!(row(r#"{"n":1,"n":1}"#), None, "a key that stands twice is not believed");
        assert_eq!(row("7"), None);
    }

    #[test]
    fn a_time_without_a_zone_is_marked_as_assumed() {
        let utc = TimeZone::UTC;
        let given = time("2026-06-30T21:04:25+02:00", &utc).unwrap();
        assert_eq!(
            (given.at.to_string().as_str(), given.zone),
            ("2026-06-30T19:04:25Z", Zone::Given)
        );
        let bare = time("2026-06-30T02:14:09.7", &utc).unwrap();
        assert_eq!(
            (bare.at.to_string().as_str(), bare.zone),
            ("2026-06-30T02:14:09.7Z", Zone::Assumed)
        );
        let london = time("2026-06-30T02:14:09", &crate::model::calendar::london()).unwrap();
        assert_eq!(london.at.to_string(), "2026-06-30T01:14:09Z");
        for bad in ["", "soon", "2026-13-01T00:00:00", "1762900000"] {
            assert!(time(bad, &utc).is_none(), "{bad}");
        }
    }
}
