//! JSON from outside: how deep it may be, and where it does not fit, without repeating it.

use std::cell::RefCell;
use std::fmt;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Expected, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::Value;
use serde_json::error::Category;

use super::depth;

/// Arrays and objects within one another. The vendors' documented answers need fewer than ten.
pub(super) const DEEPEST: usize = 64;

/// Reads `body`.
///
/// # Errors
/// What is wrong and where, in words that hold nothing of the body but names that `T` itself knows.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    // Some servers put a byte order mark before it, which a reader may skip (RFC 8259, 8.1).
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let start = body.trim_ascii_start();
    if start.is_empty() {
        return Err("it is empty".to_owned());
    }
    if start.starts_with(b"<") {
        return Err("it is a web page or XML, not JSON".to_owned());
    }
    if !depth::is_within(DEEPEST, body) {
        return Err(format!("more than {DEEPEST} arrays and objects within one another"));
    }
    serde_json::from_slice(body).map_err(|e| {
        let place = format!("line {}, column {}", e.line(), e.column());
        match e.classify() {
            Category::Eof => format!("{place}: cut off"),
            Category::Syntax | Category::Io => format!("{place}: not JSON"),
            Category::Data => {
                let what = misfit::<T>(body).unwrap_or_else(|| from_message(&e.to_string()));
                format!("{place}: not of the documented shape: {what}")
            }
        }
    })
}

/// What the second reading cannot see: a field that stands there twice. The name in serde's
/// message is the type's own.
fn from_message(message: &str) -> String {
    let name = message.strip_prefix("duplicate field `").and_then(|m| m.split('`').next());
    match name {
        Some(name) => format!("`{name}` stands there twice"),
        None => "a value of the wrong kind".to_owned(),
    }
}

/// Reads again, slowly, to learn what did not fit and where.
fn misfit<T: DeserializeOwned>(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let trail = RefCell::new(Vec::new());
    let what = T::deserialize(Node { value: &value, trail: &trail }).err()?.0;
    let place = trail.into_inner().concat();
    Some(match place.strip_prefix('.').unwrap_or(&place) {
        "" => what,
        place => format!("`{place}`: {what}"),
    })
}

/// What did not fit, without the value.
#[derive(Debug)]
struct Misfit(String);

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<M: fmt::Display>(_: M) -> Self {
        // May quote the value.
        Self("a value that makes no sense there".to_owned())
    }
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(format!("expected {expected}, found {}", kind(&found)))
    }
    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(format!("expected {expected}, found another {}", kind(&found)))
    }
    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self(format!("expected {expected}, found {length}"))
    }
    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self(format!("an unknown word, expected one of {}", expected.join(", ")))
    }
    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self("an unknown field".to_owned())
    }
    fn missing_field(field: &'static str) -> Self {
        Self(format!("`{field}` is missing"))
    }
    fn duplicate_field(field: &'static str) -> Self {
        Self(format!("`{field}` stands there twice"))
    }
}

fn kind(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "whole number",
        Unexpected::Float(_) => "number with a fraction",
        Unexpected::Char(_) | Unexpected::Str(_) => "text",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "array",
        Unexpected::Map => "object",
        Unexpected::Bytes(_)
        | Unexpected::NewtypeStruct
        | Unexpected::Enum
        | Unexpected::UnitVariant
        | Unexpected::NewtypeVariant
        | Unexpected::TupleVariant
        | Unexpected::StructVariant
        | Unexpected::Other(_) => "value",
    }
}

/// A value and the way to it. When reading fails, `trail` is left at the place.
#[derive(Clone, Copy)]
struct Node<'a> {
    value: &'a Value,
    trail: &'a RefCell<Vec<String>>,
}

impl<'a> Node<'a> {
    /// Reads a part of it, one step further.
    fn step<T: DeserializeSeed<'a>>(
        self,
        step: String,
        part: &'a Value,
        seed: T,
    ) -> Result<T::Value, Misfit> {
        self.trail.borrow_mut().push(step);
        let read = seed.deserialize(Node { value: part, trail: self.trail })?;
        self.trail.borrow_mut().pop();
        Ok(read)
    }
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(b) => visitor.visit_bool(*b),
            Value::Number(n) => match (n.as_u64(), n.as_i64(), n.as_f64()) {
                (Some(n), _, _) => visitor.visit_u64(n),
                (None, Some(n), _) => visitor.visit_i64(n),
                (None, None, n) => visitor.visit_f64(n.unwrap_or_default()),
            },
            Value::String(s) => visitor.visit_borrowed_str(s),
            Value::Array(items) => {
                visitor.visit_seq(Items { node: self, rest: items.iter(), next: 0 })
            }
            Value::Object(_) => self.object(&[], visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self.value {
            Value::Object(_) => self.object(fields, visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let known = match self.value {
            Value::String(word) => variants.contains(&word.as_str()),
            _ => true,
        };
        if !known {
            return Err(de::Error::unknown_variant("", variants));
        }
        let unfit = |_| Misfit("none of the documented forms".to_owned());
        self.value.deserialize_enum(name, variants, visitor).map_err(unfit)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

impl<'a> Node<'a> {
    fn object<V: Visitor<'a>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let Value::Object(map) = self.value else { return self.deserialize_any(visitor) };
        visitor.visit_map(Members { node: self, fields, rest: map.iter(), current: None })
    }
}

struct Items<'a> {
    node: Node<'a>,
    rest: std::slice::Iter<'a, Value>,
    next: usize,
}

impl<'a> SeqAccess<'a> for Items<'a> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'a>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Misfit> {
        let Some(item) = self.rest.next() else { return Ok(None) };
        let step = format!("[{}]", self.next);
        self.next += 1;
        self.node.step(step, item, seed).map(Some)
    }
}

struct Members<'a> {
    node: Node<'a>,
    /// The names that the type knows; others may be anything, a person's name among them.
    fields: &'static [&'static str],
    rest: serde_json::map::Iter<'a>,
    current: Option<(&'a str, &'a Value)>,
}

impl<'a> MapAccess<'a> for Members<'a> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Misfit> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.current = Some((key, value));
        seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        let Some((key, value)) = self.current.take() else {
            return Err(de::Error::custom("a value without a key"));
        };
        let known = self.fields.contains(&key);
        let step = if known { format!(".{key}") } else { ".*".to_owned() };
        self.node.step(step, value, seed)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[expect(dead_code, reason = "only whether it can be read matters")]
    struct Page {
        school_id: u32,
        last_seen: String,
        rate: f64,
        state: State,
        #[serde(default)]
        note: Option<String>,
        items: Vec<Item>,
        #[serde(default)]
        by_name: std::collections::BTreeMap<String, u8>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum State {
        Well,
        Ill,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only whether it can be read matters")]
    struct Item {
        name: String,
        at: jiff::Timestamp,
    }

    fn good() -> Value {
        serde_json::json!({
            "schoolId": 9_990_007, "lastSeen": "today", "rate": 0.5, "state": "well",
            "items": [{"name": "a", "at": "2024-03-11T08:00:00Z"}], "other": {"deep": [1, 2]},
        })
    }

    fn refused(body: &str) -> String {
        read::<Page>(body.as_bytes()).unwrap_err()
    }

    #[test]
    fn reads_what_is_as_documented() {
        read::<Page>(good().to_string().as_bytes()).unwrap();
        read::<Page>(format!("\u{feff}{}", good()).as_bytes()).unwrap();
        let (mut ill, mut noted) = (good(), good());
        ill["state"] = "ill".into();
        noted["note"] = "n".into();
        read::<Page>(ill.to_string().as_bytes()).unwrap();
        read::<Page>(noted.to_string().as_bytes()).unwrap();
    }

    #[test]
    fn names_the_field_and_never_the_content() {
        const CANARY: &str = "Zora Quill";
        let cases: [(&str, Value, &str); 9] = [
            ("/schoolId", CANARY.into(), "`schoolId`: expected u32, found text"),
            ("/schoolId", (-77_123).into(), "`schoolId`: expected u32, found another whole number"),
            (
                "/lastSeen",
                serde_json::json!([CANARY]),
                "`lastSeen`: expected a string, found array",
            ),
            ("/lastSeen", Value::Null, "`lastSeen`: expected a string, found null"),
            ("/rate", CANARY.into(), "`rate`: expected f64, found text"),
            ("/state", CANARY.into(), "`state`: an unknown word, expected one of well, ill"),
            ("/items/0/at", CANARY.into(), "`items[0].at`: a value that makes no sense there"),
            ("/items/0", serde_json::json!({"name": CANARY}), "`items[0]`: `at` is missing"),
            (
                "/items",
                serde_json::json!({CANARY: 1}),
                "`items`: expected a sequence, found object",
            ),
        ];
        for (at, value, expected) in cases {
            let mut page = good();
            *page.pointer_mut(at).unwrap() = value;
            let said = refused(&page.to_string());
            assert!(said.ends_with(expected), "{at}: {said}");
            assert!(said.contains("line 1, column "), "{said}");
            assert!(!said.contains("Zora") && !said.contains("77"), "{said}");
        }
        // A name that the type does not know may be a person's.
        let mut page = good();
        page["byName"] = serde_json::json!({CANARY: "many"});
        assert!(refused(&page.to_string()).ends_with("`byName.*`: expected u8, found text"));
        let mut page = good();
        page.as_object_mut().unwrap().remove("schoolId");
        assert!(refused(&page.to_string()).ends_with("`schoolId` is missing"));
    }

    #[test]
    fn refuses_fields_that_stand_there_twice() {
        let twice = good().to_string().replace("\"rate\"", "\"schoolId\":1,\"rate\"");
        assert!(refused(&twice).ends_with("`schoolId` stands there twice"), "{}", refused(&twice));
    }

    #[test]
    fn refuses_what_is_not_json() {
        let json = good().to_string();
        for (body, expected) in [
            ("", "it is empty"),
            (" \r\n", "it is empty"),
            ("  <html><body>Sign in</body></html>", "it is a web page or XML, not JSON"),
            ("OK", "line 1, column 1: not JSON"),
            (json.get(..json.len() - 9).unwrap(), "cut off"),
            (&json.replace("0.5", "NaN"), "not JSON"),
            (&json.replace("0.5", "Infinity"), "not JSON"),
            (&json.replace("0.5", "1e999"), "not JSON"),
            (&json.replace("0.5", "+1"), "not JSON"),
            (&json.replace("0.5", "0x10"), "not JSON"),
            (&format!("{json}{json}"), "not JSON"),
            (&json.replace("today", "to\nday"), "not JSON"),
        ] {
            let said = refused(body);
            assert!(said.ends_with(expected), "{body:.40}: {said}");
        }
        let bytes = json.replace("today", "t\u{1}").replace('\u{1}', "").into_bytes();
        let cut: Vec<u8> = bytes.iter().map(|b| if *b == b't' { 0xFF } else { *b }).collect();
        assert!(read::<Page>(&cut).is_err(), "bytes that are no text");
    }

    #[test]
    fn counts_depth_outside_of_strings_only() {
        let nested = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
        assert!(read::<Value>(nested(DEEPEST).as_bytes()).is_ok());
        let said = read::<Value>(nested(DEEPEST + 1).as_bytes()).unwrap_err();
        assert!(said.contains("within one another"), "{said}");
        let page = good().to_string().replace("today", &"[{".repeat(500));
        read::<Page>(page.as_bytes()).unwrap();
        let page = good().to_string().replace("today", "\\\"[[\\\\");
        read::<Page>(page.as_bytes()).unwrap();
        // In a field that nobody reads, and never closed: a million deep.
        let hidden = format!("{{\"other\":{}", "[".repeat(1_000_000));
        assert!(refused(&hidden).contains("within one another"));
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_in_it_answers_and_quotes_nothing(
            body in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
        ) {
            proptest::prop_assert!(read::<Page>(&body).is_err());
        }

        #[test]
        fn the_depth_is_the_one_that_a_parser_sees(raw in "[\\[\\]{}\"a:,0]{0,40}") {
            fn depth(v: &Value) -> usize {
                match v {
                    Value::Array(a) => 1 + a.iter().map(depth).max().unwrap_or(0),
                    Value::Object(o) => 1 + o.values().map(depth).max().unwrap_or(0),
                    _ => 0,
                }
            }
            let deep = format!("{}{raw}{}", "[".repeat(DEEPEST - 2), "]".repeat(DEEPEST - 2));
            if let Ok(value) = serde_json::from_str::<Value>(&deep) {
                proptest::prop_assert_eq!(depth::is_within(DEEPEST, deep.as_bytes()), depth(&value) <= DEEPEST);
            }
        }
    }
}
