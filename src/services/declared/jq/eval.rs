//! Applying expressions to an answer, inside the child.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jaq_core::{Ctx, Vars, data, unwrap_valr};
use jaq_json::{Num, Val};
use serde_json::Value;

use super::check::{Filter, compile};
use super::form::of_text;
use super::{Evaluated, Failed, MOST_ROWS, Outcome, Program, Row};

/// How deep a shape is told, and how many keys of one object.
const DEEP: usize = 4;
const WIDE: usize = 12;
/// Characters of a shape.
const LONGEST_SHAPE: usize = 600;
/// Characters of a text that an expression may give.
const MOST_TEXT: usize = 4_000;

/// A program whose expressions are compiled.
pub(super) struct Compiled {
    whole: BTreeMap<String, Filter>,
    rows: Option<Filter>,
    each: BTreeMap<String, Filter>,
}

impl Compiled {
    pub(super) fn new(program: &Program) -> Result<Self, String> {
        let all = |named: &BTreeMap<String, String>| {
            let each = named.iter().map(|(n, code)| Ok((n.clone(), compile(code)?)));
            each.collect::<Result<BTreeMap<_, _>, String>>()
        };
        Ok(Self {
            whole: all(&program.whole)?,
            rows: program.rows.as_deref().map(compile).transpose()?,
            each: all(&program.each)?,
        })
    }

    /// Applies it to `body`, which is JSON.
    pub(super) fn apply(&self, body: &[u8]) -> Evaluated {
        let input = match jaq_json::read::parse_single(body) {
            Ok(input) => input,
            Err(_) => {
                let failed = Failed { why: "it is not JSON".to_owned(), got: String::new() };
                return Evaluated { whole: Row::new(), rows: Err(failed) };
            }
        };
        let of = |filters: &BTreeMap<String, Filter>, input: &Val| -> Row {
            filters.iter().map(|(name, f)| (name.clone(), one(f, input))).collect()
        };
        let whole = of(&self.whole, &input);
        let rows = match &self.rows {
            None => Ok(vec![of(&self.each, &input)]),
            Some(filter) => rows(filter, &input)
                .map(|rows| rows.iter().map(|row| of(&self.each, row)).collect()),
        };
        Evaluated { whole, rows }
    }
}

fn run<'a>(
    filter: &'a Filter,
    input: &Val,
) -> impl Iterator<Item = Result<Val, jaq_json::Error>> + 'a {
    let ctx = Ctx::<data::JustLut<Val>>::new(&filter.lut, Vars::new([]));
    filter.id.run((ctx, input.clone())).map(unwrap_valr)
}

fn rows(filter: &Filter, input: &Val) -> Result<Vec<Val>, Failed> {
    let mut rows = Vec::new();
    for row in run(filter, input) {
        if rows.len() >= MOST_ROWS {
            return Err(failed(&format!("it gives more than {MOST_ROWS} rows"), input));
        }
        rows.push(row.map_err(|e| failed(&redacted(&e.to_string()), input))?);
    }
    Ok(rows)
}

fn one(filter: &Filter, input: &Val) -> Outcome {
    let mut found = run(filter, input);
    match (found.next(), found.next()) {
        (None, _) => Outcome::Nothing,
        (Some(Err(e)), _) => Outcome::Failed(failed(&redacted(&e.to_string()), input)),
        (Some(Ok(first)), Some(_)) => Outcome::Several(shape(&first)),
        (Some(Ok(value)), None) => match single(&value) {
            Ok(value) => Outcome::Value(value),
            Err(why) => Outcome::Failed(failed(why, &value)),
        },
    }
}

fn failed(why: &str, got: &Val) -> Failed {
    Failed { why: why.to_owned(), got: shape(got) }
}

fn single(value: &Val) -> Result<Value, &'static str> {
    Ok(match value {
        Val::Null => Value::Null,
        Val::Bool(b) => Value::Bool(*b),
        Val::Num(number) => number_of(number).ok_or("it gives a number that is not finite")?,
        Val::TStr(text) => match std::str::from_utf8(text) {
            Ok(text) if text.chars().count() <= MOST_TEXT => Value::String(text.to_owned()),
            Ok(_) => return Err("it gives a text that is too long"),
            Err(_) => return Err("it gives a text that is damaged"),
        },
        Val::BStr(_) => return Err("it gives bytes, not text"),
        Val::Arr(_) => return Err("it gives an array, not one value"),
        Val::Obj(_) => return Err("it gives an object, not one value"),
    })
}

fn number_of(number: &Num) -> Option<Value> {
    match number {
        Num::Int(n) => Some(Value::from(i64::try_from(*n).ok()?)),
        Num::Float(n) => serde_json::Number::from_f64(*n).map(Value::Number),
        Num::BigInt(_) | Num::Dec(_) => {
            let n: f64 = number.to_string().parse().ok()?;
            serde_json::Number::from_f64(n).map(Value::Number)
        }
    }
}

/// Keys, kinds, lengths and forms; numbers, booleans and null as they are; no text. Cut where it is long.
pub(super) fn shape(value: &Val) -> String {
    let mut out = String::new();
    write_shape(&mut out, value, 0);
    match out.char_indices().nth(LONGEST_SHAPE) {
        None => out,
        Some((end, _)) => format!("{}…", out.get(..end).unwrap_or_default()),
    }
}

fn write_shape(out: &mut String, value: &Val, depth: usize) {
    let written = match value {
        Val::Null => out.write_str("null"),
        Val::Bool(b) => write!(out, "{b}"),
        Val::Num(number) => match number_of(number) {
            Some(number) => write!(out, "{number}"),
            None => out.write_str("not a number"),
        },
        Val::TStr(text) => out.write_str(&of_text(&String::from_utf8_lossy(text))),
        Val::BStr(bytes) => write!(out, "bytes({})", bytes.len()),
        Val::Arr(items) => match items.first() {
            None => out.write_str("[]"),
            Some(first) => {
                let open = write!(out, "[{} × ", items.len());
                debug_assert!(open.is_ok(), "writing to a String does not fail");
                if depth < DEEP {
                    write_shape(out, first, depth + 1);
                } else {
                    out.push('…');
                }
                out.write_str("]")
            }
        },
        Val::Obj(fields) if depth >= DEEP => write!(out, "{{{} keys}}", fields.len()),
        Val::Obj(fields) => {
            out.push('{');
            for (n, (key, field)) in fields.iter().enumerate() {
                if n > 0 {
                    out.push_str(", ");
                }
                if n >= WIDE {
                    out.push('…');
                    break;
                }
                out.push_str(&key_of(key));
                out.push_str(": ");
                write_shape(out, field, depth + 1);
            }
            out.write_str("}")
        }
    };
    debug_assert!(written.is_ok(), "writing to a String does not fail");
}

/// A key that does not look like the name of a field may be data.
fn key_of(key: &Val) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@' | '$');
    match key {
        Val::TStr(text) => match std::str::from_utf8(text) {
            Ok(key) if (1..=40).contains(&key.len()) && key.chars().all(word) => key.to_owned(),
            _ => "…".to_owned(),
        },
        _ => "…".to_owned(),
    }
}

/// An error's sentence without the values that stand in it: texts by their length, arrays and
/// objects not at all.
pub(super) fn redacted(message: &str) -> String {
    let mut out = String::new();
    let mut chars = message.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                let length = skip_text(&mut chars);
                out.push_str(&format!("text({length})"));
            }
            '[' | '{' => {
                skip_nested(&mut chars);
                out.push_str(if c == '[' { "[…]" } else { "{…}" });
            }
            c => out.push(c),
        }
        if out.len() > 200 {
            out.push('…');
            break;
        }
    }
    out
}

fn skip_text(chars: &mut std::str::Chars<'_>) -> usize {
    let mut length = 0;
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => drop(chars.next()),
            _ => {}
        }
        length += 1;
    }
    length
}

fn skip_nested(chars: &mut std::str::Chars<'_>) {
    let mut depth = 1_usize;
    while let Some(c) = chars.next() {
        match c {
            '"' => drop(skip_text(chars)),
            '[' | '{' => depth += 1,
            ']' | '}' => {
                depth -= 1;
                if depth == 0 {
                    return;
                }
            }
            _ => {}
        }
    }
}
