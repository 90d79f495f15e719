//! What is sent to a ticket system: a JSON body, a path and query parameters, with names in their texts.
//!
//! Invariant: a value stays inside the one text, segment or parameter that names it, whatever it holds.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::model::text::Clean;
use crate::ports::tickets::{Letter, short_of};
use crate::tickets::fields::{Piece, pieces};
use crate::tickets::settings::Wrong;
use crate::transport::Request;

/// How deep a body may go.
const DEEPEST: usize = 16;
/// The key under which TOML's own reader hands on a date.
const DATE: &str = "$__toml_private_datetime";

/// What a text can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Subject,
    Text,
    Key,
    Reference,
    /// See [`Letter::about`].
    About(&'static str),
}

const NAMES: [(&str, Name); 10] = [
    ("subject", Name::Subject),
    ("text", Name::Text),
    ("key", Name::Key),
    ("reference", Name::Reference),
    ("school", Name::About("school")),
    ("place", Name::About("place")),
    ("service", Name::About("service")),
    ("action", Name::About("action")),
    ("by", Name::About("by")),
    ("ticket", Name::About("ticket")),
];
/// Names that a search can use: it is done when nothing but the key is known.
const KEYS: [(&str, Name); 2] = [("key", Name::Key), ("reference", Name::Reference)];

/// The values.
pub(super) struct Given<'a> {
    pub(super) key: &'a Clean,
    pub(super) letter: &'a Letter,
}

impl Given<'_> {
    /// Empty where there is nothing to give.
    fn value(&self, name: Name) -> String {
        match name {
            Name::Subject => self.letter.subject.to_string(),
            Name::Text => {
                let lines = self.letter.body.iter().map(Clean::as_str);
                lines.collect::<Vec<_>>().join("\n")
            }
            Name::Key => self.key.to_string(),
            Name::Reference => short_of(self.key).to_string(),
            Name::About(name) => {
                self.letter.about.get(name).map(ToString::to_string).unwrap_or_default()
            }
        }
    }

    fn filled(&self, pieces: &[Piece<Name>]) -> String {
        let parts = pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Value(name) => self.value(*name),
        });
        parts.collect()
    }
}

fn names_key(pieces: &[Piece<Name>]) -> bool {
    pieces.contains(&Piece::Value(Name::Key))
}

/// A text that may name the key and the reference.
#[derive(Debug, Clone)]
pub(super) struct Text(Vec<Piece<Name>>);

impl Text {
    pub(super) fn new(key: &'static str, text: &str) -> Result<Self, Wrong> {
        pieces(key, text, &KEYS).map(Self)
    }

    pub(super) fn names_key(&self) -> bool {
        names_key(&self.0)
    }

    pub(super) fn filled(&self, given: &Given<'_>) -> String {
        given.filled(&self.0)
    }
}

/// A path below the endpoint's; a segment with a name in it is one segment whatever its value.
#[derive(Debug, Clone)]
pub(super) struct Path(Vec<Text>);

impl Path {
    pub(super) fn new(key: &'static str, path: &str) -> Result<Self, Wrong> {
        if path.contains(['?', '#']) {
            let why = "a path has no query: write that under search.query".into();
            return Err(Wrong { key, why });
        }
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        segments.map(|segment| Text::new(key, segment)).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn names_key(&self) -> bool {
        self.0.iter().any(Text::names_key)
    }

    pub(super) fn append_to(&self, request: Request, given: &Given<'_>) -> Request {
        self.0.iter().fold(request, |request, segment| match segment.0.as_slice() {
            [Piece::Text(fixed)] => request.path(fixed),
            _ => request.segment(&segment.filled(given)),
        })
    }
}

/// A JSON body.
#[derive(Debug, Clone)]
pub(super) struct Form(Node);

#[derive(Debug, Clone)]
enum Node {
    Text(Vec<Piece<Name>>),
    Fixed(Value),
    List(Vec<Node>),
    Object(BTreeMap<String, Node>),
}

impl Form {
    pub(super) fn new(key: &'static str, body: &BTreeMap<String, Value>) -> Result<Self, Wrong> {
        let body = Value::Object(body.clone().into_iter().collect());
        Node::new(key, &body, 0).map(Self)
    }

    pub(super) fn names_key(&self) -> bool {
        self.0.names_key()
    }

    /// The body with the values in it. A text that comes out empty is left out.
    pub(super) fn filled(&self, given: &Given<'_>) -> Value {
        self.0.filled(given).unwrap_or_else(|| Value::Object(Map::new()))
    }
}

impl Node {
    fn new(key: &'static str, value: &Value, depth: usize) -> Result<Self, Wrong> {
        if depth > DEEPEST {
            return Err(Wrong { key, why: format!("it goes deeper than {DEEPEST} levels") });
        }
        Ok(match value {
            Value::String(text) => Self::Text(pieces(key, text, &NAMES)?),
            Value::Array(all) => {
                let all = all.iter().map(|one| Self::new(key, one, depth + 1));
                Self::List(all.collect::<Result<_, _>>()?)
            }
            Value::Object(all) if all.contains_key(DATE) => {
                return Err(Wrong { key, why: "JSON has no dates: write it as a text".into() });
            }
            Value::Object(all) => {
                let all = all
                    .iter()
                    .map(|(name, one)| Ok((name.clone(), Self::new(key, one, depth + 1)?)));
                Self::Object(all.collect::<Result<_, Wrong>>()?)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Fixed(value.clone()),
        })
    }

    fn names_key(&self) -> bool {
        match self {
            Self::Text(pieces) => names_key(pieces),
            Self::Fixed(_) => false,
            Self::List(all) => all.iter().any(Self::names_key),
            Self::Object(all) => all.values().any(Self::names_key),
        }
    }

    fn filled(&self, given: &Given<'_>) -> Option<Value> {
        Some(match self {
            Self::Text(pieces) => {
                Value::String(Some(given.filled(pieces)).filter(|text| !text.is_empty())?)
            }
            Self::Fixed(value) => value.clone(),
            Self::List(all) => all.iter().filter_map(|one| one.filled(given)).collect(),
            Self::Object(all) => {
                let all = all.iter().filter_map(|(k, one)| Some((k.clone(), one.filled(given)?)));
                Value::Object(all.collect())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn form(toml: &str) -> Result<Form, String> {
        let body: BTreeMap<String, Value> = toml::from_str(toml).unwrap();
        Form::new("api.create.body", &body).map_err(|wrong| wrong.to_string())
    }

    fn letter(subject: &str, line: &str, place: &str) -> Letter {
        Letter {
            subject: Clean::new(subject),
            body: vec![Clean::new(line), Clean::new("{key}")],
            about: [("place".to_owned(), Clean::new(place))].into(),
        }
    }

    #[test]
    fn a_body_is_what_the_configuration_says_with_the_values_in_it() {
        let form = form(
            "short = '[{reference}] {subject}'\nurgency = 3\nhot = false\ntags = ['caretaker', '{school}']\n\
             custom = { key = '{key}', by = '{by}', code = '{{code}' }\ntext = '{text}'",
        )
        .unwrap();
        let (key, letter) = (Clean::new(KEY), letter("S", "one", ""));
        assert!(form.names_key());
        assert_eq!(
            form.filled(&Given { key: &key, letter: &letter }),
            serde_json::json!({
                "short": "[CT-01234567] S", "urgency": 3, "hot": false, "tags": ["caretaker"],
                "custom": {"key": KEY, "code": "{code}"}, "text": "one\n{key}",
            }),
            "what is empty is left out"
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_could() {
        for (toml, words) in [
            ("a = '{pupil}'", "there is no {pupil} here; there are {subject}, {text}, {key}"),
            ("a = '{reason}'", "there is no {reason}"),
            ("a = ['{key']", "without its }"),
            ("day = 2026-11-24", "JSON has no dates"),
        ] {
            let said = form(toml).err().unwrap_or_default();
            assert!(said.contains("api.create.body") && said.contains(words), "{toml}: {said}");
        }
        let deep = format!("a = {}1{}", "[".repeat(17), "]".repeat(17));
        assert!(form(&deep).is_err());
        assert!(Text::new("api.search.query", "{subject}").is_err(), "not known after a restart");
        assert!(Path::new("api.search.path", "x?y={key}").is_err());
    }

    proptest! {
        #[test]
        fn no_value_breaks_out_of_the_text_that_names_it(
            subject in ".{0,40}", line in "[{}\\[\\]\",:\\\\a-z\r\n\u{202e}]{0,40}", place in ".{0,40}",
        ) {
            let form = form("a = 'x {subject} y'\nb = ['{text}']\nc = { '{key}' = 'p{place}', d = '{key}' }").unwrap();
            let (key, letter) = (Clean::new(KEY), letter(&subject, &line, &place));
            let sent = serde_json::to_vec(&form.filled(&Given { key: &key, letter: &letter })).unwrap();
            let read: Value = serde_json::from_slice(&sent).unwrap();
            let wanted = serde_json::json!({
                "a": format!("x {} y", letter.subject),
                "b": [format!("{}\n{{key}}", letter.body[0])],
                "c": { "{key}": format!("p{}", letter.about["place"]), "d": KEY },
            });
            prop_assert_eq!(read, wanted);
        }
    }
}
