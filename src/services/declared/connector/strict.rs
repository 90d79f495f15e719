//! JSON that is only looked at for whether it may be believed at all: well-formed, and no key twice
//! in one object.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Any JSON in which no object has a key twice. Holds nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Strict;

struct Looks;

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Looks)
    }
}

impl<'de> Visitor<'de> for Looks {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, _: bool) -> Result<Strict, E> {
        Ok(Strict)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Strict, E> {
        Ok(Strict)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Strict, E> {
        Ok(Strict)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Strict, E> {
        Ok(Strict)
    }
    fn visit_str<E>(self, _: &str) -> Result<Strict, E> {
        Ok(Strict)
    }
    fn visit_unit<E>(self) -> Result<Strict, E> {
        Ok(Strict)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Strict, A::Error> {
        while items.next_element::<Strict>()?.is_some() {}
        Ok(Strict)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Strict, A::Error> {
        let mut seen: HashSet<Cow<'de, str>> = HashSet::new();
        while let Some(Key(key)) = fields.next_key::<Key<'de>>()? {
            if !seen.insert(key) {
                // The key itself may be data.
                return Err(A::Error::custom("duplicate field `a key`"));
            }
            fields.next_value::<Strict>()?;
        }
        Ok(Strict)
    }
}

#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_json_and_refuses_a_key_that_stands_twice() {
        for good in ["1", "null", "\"a\"", "[]", "{\"a\": {\"a\": [1, 2.5, true]}}"] {
            assert!(serde_json::from_str::<Strict>(good).is_ok(), "{good}");
        }
        for bad in ["{\"a\": 1, \"a\": 1}", "[{\"b\": {\"\\u0061\": 1, \"a\": 2}}]", "{", "nan"] {
            let error = serde_json::from_str::<Strict>(bad).unwrap_err();
            assert!(!error.to_string().contains("`a`"), "{error}");
        }
    }
}
