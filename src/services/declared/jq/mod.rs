//! jq expressions of the configuration, applied to vendors' answers.
//!
//! An expression may run for ever, eat all memory or nest until the stack is gone, and nothing in
//! its library can stop it. So it runs in a child process of this very program that holds nothing
//! but the answer, with limits on memory and files; a child that is late is killed.
//!
//! Invariant: nothing here panics, waits or grows with what an expression or an answer does.

mod check;
mod eval;
mod form;
mod frame;
mod pool;
#[cfg(test)]
mod tests;
mod worker;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use check::check;
pub use pool::{Broken, Pool};
pub use worker::serve;

/// Characters of one expression.
pub const LONGEST: usize = 2_000;
/// Rows that one answer may have.
pub const MOST_ROWS: usize = 50_000;

/// Expressions that are applied to one answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Program {
    /// Applied to the whole answer, by name.
    pub whole: BTreeMap<String, String>,
    /// Gives the rows; without it the whole answer is the one row.
    pub rows: Option<String>,
    /// Applied to each row, by name.
    pub each: BTreeMap<String, String>,
}

/// What an expression gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// One value that is neither array nor object; a number is finite.
    Value(Value),
    /// No value at all.
    Nothing,
    /// More than one value; the shape of the first of them.
    Several(String),
    /// It failed, or gave something that is no single value.
    Failed(Failed),
}

/// Why an expression gave nothing, and what it was applied to. Without any text of the answer but its form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// In words: `cannot index text(4) with text(6)`.
    pub why: String,
    /// The shape of the value that it got, cut to a sensible length: ``{status: text(7 `Aaaaaaa`)}``.
    pub got: String,
}

impl Outcome {
    /// Several texts, of which this is one.
    pub fn several(text: &str) -> Self {
        Self::Several(form::of_text(text))
    }

    /// What it looks like, without a letter or a digit of any text.
    pub fn form(&self) -> String {
        match self {
            Self::Value(value) => form::of_value(value),
            Self::Nothing => "nothing".to_owned(),
            Self::Several(first) => format!("several values, the first of them {first}"),
            Self::Failed(failed) => failed.got.clone(),
        }
    }
}

/// What a value that was given looks like, without a letter or a digit of any text.
pub fn form(value: &Value) -> String {
    form::of_value(value)
}

/// One row: what each expression gave.
pub type Row = BTreeMap<String, Outcome>;

/// What a program gave for one answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluated {
    /// Of the whole answer.
    pub whole: Row,
    /// In the order of the answer.
    pub rows: Result<Vec<Row>, Failed>,
}
