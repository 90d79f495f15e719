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
    if !is_shallow(body) {
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

/// Whether no more than [`DEEPEST`] arrays and objects stand within one another, counted outside
/// of strings. One pass, before anything is built.
fn is_shallow(body: &[u8]) -> bool {
    let mut depth = 0_usize;
    let mut bytes = body.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                while let Some(inside) = bytes.next() {
                    match inside {
                        b'"' => break,
                        b'\\' => drop(bytes.next()),
                        _ => {}
                    }
                }
            }
            b'[' | b'{' => {
                depth += 1;
                if depth > DEEPEST {
                    return false;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
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
