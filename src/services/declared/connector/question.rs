//! The body of a question that is asked with POST: what the configuration says, and in whole texts
//! what a school's row says.
//!
//! Invariant: what a row says stays one text of the JSON, whatever it holds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::address::NOT_QUERY;
use super::template::{Place, whole_place};
use super::{Refused, refuse};

/// How deep a body may go.
const DEEPEST: usize = 16;
/// The key under which TOML's own reader hands on a date.
const DATE: &str = "$__toml_private_datetime";

/// A body with places.
pub(super) struct Question(Value);

impl Question {
    /// Reads it; the error names the key below the source.
    pub(super) fn new(body: &BTreeMap<String, Value>) -> Result<Self, Refused> {
        let body = Value::Object(body.clone().into_iter().collect());
        check("post", &body, 0)?;
        Ok(Self(body))
    }

    /// Every place in it.
    pub(super) fn places(&self) -> BTreeSet<Place> {
        let mut out = BTreeSet::new();
        texts(&self.0, &mut |text| out.extend(whole_place(text).ok().flatten()));
        out
    }

    /// The body, with `value` in its places.
    pub(super) fn filled(&self, value: &dyn Fn(&Place) -> Option<String>) -> Result<Value, String> {
        filled(&self.0, value)
    }
}

fn check(key: &str, value: &Value, depth: usize) -> Result<(), Refused> {
    if depth > DEEPEST {
        return Err(refuse(key, format!("goes deeper than {DEEPEST} levels")));
    }
    match value {
        Value::String(text) => {
            whole_place(text).map_err(|why| refuse(key, why))?;
        }
        Value::Array(all) => {
            for (at, one) in all.iter().enumerate() {
                check(&format!("{key}[{at}]"), one, depth + 1)?;
            }
        }
        Value::Object(all) => {
            for (name, one) in all {
                let key = format!("{key}.{name}");
                if name == DATE {
                    return Err(refuse(&key, "JSON has no dates: write it as a text"));
                }
                if NOT_QUERY.contains(&name.to_lowercase().as_str()) {
                    return Err(refuse(&key, "a credential never stands here: name it under auth"));
                }
                check(&key, one, depth + 1)?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

fn texts(value: &Value, each: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => each(text),
        Value::Array(all) => all.iter().for_each(|one| texts(one, each)),
        Value::Object(all) => all.values().for_each(|one| texts(one, each)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn filled(value: &Value, with: &dyn Fn(&Place) -> Option<String>) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => match whole_place(text)? {
            None => value.clone(),
            Some(place) => Value::String(
                with(&place).ok_or_else(|| format!("the school's row says nothing for {place}"))?,
            ),
        },
        Value::Array(all) => {
            Value::Array(all.iter().map(|one| filled(one, with)).collect::<Result<_, _>>()?)
        }
        Value::Object(all) => {
            let each = all.iter().map(|(name, one)| Ok((name.clone(), filled(one, with)?)));
            Value::Object(each.collect::<Result<_, String>>()?)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(toml: &str) -> Result<Question, String> {
        let body: BTreeMap<String, Value> = toml::from_str(toml).unwrap();
        Question::new(&body).map_err(|refused| format!("{}: {}", refused.key, refused.why))
    }

    #[test]
    fn only_a_whole_text_is_what_a_row_says_and_it_stays_one_text() {
        let asked = question(
            "query = 'query ($l: ID!) { school(laestab: $l) { status } }'\nfirst = 5\n\
             variables = { l = '{laestab}', like = ['x{laestab}', '{param:site}'] }",
        )
        .unwrap();
        assert_eq!(asked.places(), [Place::Laestab, Place::Param("site".into())].into());
        let hostile = "\"}], \"admin\": true, \"x\": \"{urn}";
        let value = |place: &Place| match place {
            Place::Laestab => Some("9990001".to_owned()),
            _ => Some(hostile.to_owned()),
        };
        assert_eq!(
            asked.filled(&value).unwrap(),
            serde_json::json!({
                "query": "query ($l: ID!) { school(laestab: $l) { status } }",
                "first": 5,
                "variables": { "l": "9990001", "like": ["x{laestab}", hostile] },
            })
        );
        let lacking = asked.filled(&|_| None).unwrap_err();
        assert!(lacking.contains("says nothing for {laestab}"), "{lacking}");
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_key() {
        for (toml, words) in [
            ("a = '{school}'", "post.a: `{school}` is not known"),
            ("a = [1, { b = '{param:}' }]", "post.a[1].b: "),
            ("a = { Api_Key = 'x' }", "post.a.Api_Key: a credential"),
            ("day = 2026-11-24", "JSON has no dates"),
        ] {
            let said = question(toml).err().unwrap_or_default();
            assert!(said.contains(words), "{toml}: {said}");
        }
        let deep = format!("a = {}1{}", "[".repeat(17), "]".repeat(17));
        assert!(question(&deep).is_err());
    }
}
