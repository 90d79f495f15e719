//! OData as Graph reads it: which options a resource takes, what makes a query an advanced one, how
//! pages are linked.
//!
//! Sources: the pages on query parameters, paging and advanced queries of the directory.

use axum::http::HeaderMap;
use axum::http::header::HOST;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::simulators::reply::set;

/// The options of a call, decoded.
pub(super) struct Query {
    pairs: Vec<(String, String)>,
    /// Whether `ConsistencyLevel: eventual` came with it.
    eventual: bool,
    /// Scheme, host and port that the caller used.
    base: String,
}

/// Why a query is refused: Graph's code and message.
pub(super) type Refusal = (&'static str, String);

impl Query {
    pub(super) fn of(raw: Option<&str>, headers: &HeaderMap) -> Self {
        let pairs = url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes());
        let level = headers.get("consistencylevel").and_then(|v| v.to_str().ok());
        let host = headers.get(HOST).and_then(|v| v.to_str().ok()).unwrap_or_default();
        Self {
            pairs: pairs.into_owned().collect(),
            eventual: level.is_some_and(|l| l.eq_ignore_ascii_case("eventual")),
            base: format!("https://{host}"),
        }
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn eventual(&self) -> bool {
        self.eventual
    }

    /// An option; names are read with and without `$`, in any case.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let is = |n: &str| n.trim_start_matches('$').eq_ignore_ascii_case(name);
        self.pairs.iter().find(|(n, _)| is(n)).map(|(_, v)| v.as_str())
    }

    /// Refuses options that the resource does not take.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        let stranger = self
            .pairs
            .iter()
            .map(|(n, _)| n.trim_start_matches('$'))
            .find(|name| !known.iter().any(|k| k.eq_ignore_ascii_case(name)));
        match stranger {
            None => Ok(()),
            Some(name) => Err((
                "Request_BadRequest",
                format!("The query parameter '${name}' is not supported for this resource."),
            )),
        }
    }

    /// The properties that `$select` names; `None` if it is not there.
    pub(super) fn select(&self, known: &[&str]) -> Result<Option<Vec<String>>, Refusal> {
        let Some(list) = self.get("select") else { return Ok(None) };
        let mut out = Vec::new();
        for word in list.split(',').map(str::trim) {
            let Some(name) = known.iter().find(|k| k.eq_ignore_ascii_case(word)) else {
                return Err((
                    "Request_BadRequest",
                    format!("Could not find a property named '{word}'."),
                ));
            };
            out.push((*name).to_owned());
        }
        Ok(Some(out))
    }

    /// `$top`, within the resource's limits.
    pub(super) fn top(&self, usual: usize, most: usize) -> Result<usize, Refusal> {
        let Some(top) = self.get("top") else { return Ok(usual) };
        match top.parse::<usize>() {
            Ok(top) if (1..=most).contains(&top) => Ok(top),
            _ => Err((
                "Request_BadRequest",
                format!("Invalid page size specified: '{top}'. Must be between 1 and {most}."),
            )),
        }
    }

    pub(super) fn wants_count(&self) -> bool {
        self.get("count").is_some_and(|c| c.eq_ignore_ascii_case("true"))
    }

    /// What an opaque token of ours holds.
    pub(super) fn token(&self, name: &str) -> Option<Result<Value, Refusal>> {
        let text = self.get(name)?;
        let read = URL_SAFE_NO_PAD.decode(text).ok();
        let value = read.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Some(value.ok_or_else(|| {
            ("Request_BadRequest", "The provided token is malformed or invalid.".to_owned())
        }))
    }

    /// The address of `path` with the options `kept` and one more.
    pub(super) fn link(&self, path: &str, kept: &[&str], (name, value): (&str, &str)) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        for option in kept {
            if let Some(value) = self.get(option) {
                out.append_pair(&format!("${option}"), value);
            }
        }
        out.append_pair(name, value);
        format!("{}{path}?{}", self.base, out.finish())
    }
}

/// An opaque token that holds `value`.
pub(super) fn token_of(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The body of a list.
pub(super) fn body(query: &Query, context: &str, rows: Vec<Value>) -> Value {
    json!({
        "@odata.context": format!("{}/v1.0/$metadata#{context}", query.base()),
        "value": rows,
    })
}

/// `row` with the chosen properties only.
pub(super) fn chosen(row: &Value, properties: &[String]) -> Value {
    let mut out = json!({});
    for name in properties {
        if let Some(value) = row.get(name) {
            set(&mut out, name, value.clone());
        }
    }
    out
}

/// What a `$filter` asks of a directory object, as far as it is played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filter {
    /// `property eq value`.
    Equal(String, Value),
    /// `property ne value`, `not(..)`: advanced.
    NotEqual(String, Value),
    /// `startswith(property,'x')`.
    StartsWith(String, String),
    /// `endswith(property,'x')`: advanced.
    EndsWith(String, String),
}

/// Properties from the directory that plain queries may filter by.
const PLAIN_ON_PREMISES: [&str; 3] =
    ["onPremisesSyncEnabled", "onPremisesImmutableId", "onPremisesLastSyncDateTime"];

impl Filter {
    pub(super) fn parse(text: &str, known: &[&str]) -> Result<Self, Refusal> {
        let bad = || ("Request_BadRequest", "Invalid filter clause.".to_owned());
        let property = |word: &str| {
            known.iter().find(|k| k.eq_ignore_ascii_case(word.trim())).map(|k| (*k).to_owned())
        };
        let quoted = |text: &str| {
            let inner = text.trim().strip_prefix('\'')?.strip_suffix('\'')?;
            // A quote inside is doubled.
            let plain = inner.replace("''", "\u{0}");
            (!plain.contains('\'')).then(|| plain.replace('\u{0}', "'"))
        };
        let call = |name: &str| {
            let rest = text.trim();
            let head = rest.get(..name.len())?;
            let rest = rest.get(name.len()..)?.trim().strip_prefix('(')?.strip_suffix(')')?;
            let (left, right) = rest.split_once(',')?;
            head.eq_ignore_ascii_case(name).then_some((property(left)?, quoted(right)?))
        };
        if let Some((name, value)) = call("startswith") {
            return Ok(Self::StartsWith(name, value));
        }
        if let Some((name, value)) = call("endswith") {
            return Ok(Self::EndsWith(name, value));
        }
        let mut words = text.trim().splitn(3, ' ');
        let (Some(left), Some(operator), Some(right)) = (words.next(), words.next(), words.next())
        else {
            return Err(bad());
        };
        let value = match right.trim() {
            "true" => json!(true),
            "false" => json!(false),
            "null" => Value::Null,
            other => json!(quoted(other).ok_or_else(bad)?),
        };
        let name = property(left).ok_or_else(bad)?;
        match operator {
            "eq" => Ok(Self::Equal(name, value)),
            "ne" => Ok(Self::NotEqual(name, value)),
            _ => Err(bad()),
        }
    }

    /// Whether it needs the header and `$count=true`; else Graph refuses it.
    pub(super) fn advanced(&self) -> bool {
        let hidden =
            |name: &str| name.starts_with("onPremises") && !PLAIN_ON_PREMISES.contains(&name);
        match self {
            Self::Equal(name, _) | Self::StartsWith(name, _) => hidden(name),
            Self::NotEqual(..) | Self::EndsWith(..) => true,
        }
    }

    pub(super) fn takes(&self, row: &Value) -> bool {
        let text =
            |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_lowercase();
        let same = |a: &Value, b: &Value| match (a.as_str(), b.as_str()) {
            (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
            _ => a == b,
        };
        match self {
            Self::Equal(name, value) => row.get(name).is_some_and(|v| same(v, value)),
            Self::NotEqual(name, value) => row.get(name).is_none_or(|v| !same(v, value)),
            Self::StartsWith(name, value) => text(name).starts_with(&value.to_lowercase()),
            Self::EndsWith(name, value) => text(name).ends_with(&value.to_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] =
        &["id", "department", "accountEnabled", "mail", "onPremisesSamAccountName"];

    #[test]
    fn a_quote_is_doubled_and_the_rest_is_refused() {
        let parse = |text: &str| Filter::parse(text, KNOWN);
        assert_eq!(
            parse("department eq 'O''Hara'"),
            Ok(Filter::Equal("department".into(), json!("O'Hara")))
        );
        assert_eq!(
            parse("ACCOUNTENABLED eq false"),
            Ok(Filter::Equal("accountEnabled".into(), json!(false)))
        );
        for bad in [
            "",
            "department",
            "department eq O'Hara",
            "department eq 'a'b'",
            "age eq '1'",
            "department lt '1'",
            "endswith(mail)",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_advanced() {
        for (text, advanced) in [
            ("department eq '9990001'", false),
            ("startswith(mail,'a')", false),
            ("department ne '9990001'", true),
            ("endswith(mail,'x')", true),
            ("onPremisesSamAccountName eq 'a'", true),
        ] {
            assert_eq!(Filter::parse(text, KNOWN).unwrap().advanced(), advanced, "{text}");
        }
    }
}
