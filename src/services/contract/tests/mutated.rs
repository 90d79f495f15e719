//! Bodies that were damaged by chance: whatever is dropped, retyped, reordered, cut off or written
//! in other letters, a connector does not panic and is never ok about something else.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};
use serde_json::{Value, json};

use crate::model::observation::{Number, Observation, SourceTime, Verdict};

/// What an ok says: whoever says the same means the same.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::services) struct Meaning {
    pub(in crate::services) source_at: Option<SourceTime>,
    pub(in crate::services) numbers: Vec<Number>,
}

impl Meaning {
    /// The meaning of `seen`, if it is ok.
    pub(in crate::services) fn of(seen: &Observation) -> Option<Self> {
        // How long an answer took is no part of what it says.
        let numbers = seen.numbers.iter().filter(|n| n.name.as_str() != "latency_ms");
        matches!(seen.verdict, Verdict::Ok | Verdict::Quiet)
            .then(|| Self { source_at: seen.source_at, numbers: numbers.cloned().collect() })
    }
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Drop,
    Null,
    Retype(u8),
    Reverse,
    Letters(Case),
    KeyLetters(Case),
    Cut,
}

/// Into which letters.
#[derive(Debug, Clone, Copy)]
enum Case {
    Upper,
    Lower,
    Flipped,
}

fn changes() -> impl Strategy<Value = Vec<(Change, prop::sample::Index)>> {
    let case = || prop::sample::select(vec![Case::Upper, Case::Lower, Case::Flipped]);
    let change = prop_oneof![
        Just(Change::Drop),
        Just(Change::Null),
        (0_u8..5).prop_map(Change::Retype),
        Just(Change::Reverse),
        case().prop_map(Change::Letters),
        case().prop_map(Change::KeyLetters),
        Just(Change::Cut),
    ];
    prop::collection::vec((change, any::<prop::sample::Index>()), 1..4)
}

/// Damages `healthy` `cases` times and shows each body to `judge`. What is still ok must be allowed
/// by `may_mean`, given what the healthy body means.
pub(in crate::services) fn damaged_bodies_are_never_ok_about_something_else(
    healthy: &str,
    cases: u32,
    mut judge: impl FnMut(&str) -> Observation,
    may_mean: impl Fn(&Meaning, &Meaning) -> bool,
) {
    let meant = Meaning::of(&judge(healthy)).expect("the healthy body is ok to begin with");
    of_damaged_bodies(healthy, cases, |body| {
        let seen = judge(body);
        if let Some(means) = Meaning::of(&seen) {
            prop_assert!(may_mean(&meant, &means), "{}: {seen:?}\n{body}", seen.detail);
        }
        Ok(())
    });
}

/// Damages `body` `cases` times and shows each of these to `holds`.
pub(in crate::services) fn of_damaged_bodies(
    body: &str,
    cases: u32,
    mut holds: impl FnMut(&str) -> TestCaseResult,
) {
    let root: Value = serde_json::from_str(body).unwrap();
    let holds = std::cell::RefCell::new(&mut holds);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config)
        .run(&changes(), |changes| (holds.borrow_mut())(&changed(&root, &changes)));
    outcome.unwrap_or_else(|e| panic!("{e}"));
}

/// Shows `cases` bodies of arbitrary bytes, and of arbitrary JSON, to `judge`: none is ok.
pub(in crate::services) fn arbitrary_bodies_are_never_ok(
    cases: u32,
    mut judge: impl FnMut(Vec<u8>) -> Observation,
) {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    let tree = leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[A-Za-z_]{1,10}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..120),
        tree.prop_map(|value| value.to_string().into_bytes()),
    ];
    let judge = std::cell::RefCell::new(&mut judge);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&body, |body| {
        let shown = String::from_utf8_lossy(&body).into_owned();
        let seen = (judge.borrow_mut())(body);
        prop_assert!(Meaning::of(&seen).is_none(), "{seen:?}\n{shown}");
        Ok(())
    });
    outcome.unwrap_or_else(|e| panic!("{e}"));
}

fn changed(root: &Value, changes: &[(Change, prop::sample::Index)]) -> String {
    let mut root = root.clone();
    let mut cut = None;
    for (change, index) in changes {
        if let Change::Cut = change {
            cut = Some(index);
            continue;
        }
        let mut places = Vec::new();
        pointers(&root, String::new(), &mut places);
        if !places.is_empty() {
            apply(&mut root, &places[index.index(places.len())], *change);
        }
    }
    // The keys of a `Value` are in order; other orders exist in text only.
    let backwards = changes.iter().any(|(c, _)| matches!(c, Change::Reverse));
    let mut body = if backwards { written_backwards(&root) } else { root.to_string() };
    if let Some(index) = cut {
        let at = index.index(body.len().max(1));
        body.truncate((0..=at).rev().find(|i| body.is_char_boundary(*i)).unwrap_or(0));
    }
    body
}

fn written_backwards(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let parts = map.iter().rev();
            let parts = parts.map(|(k, v)| format!("{}:{}", json!(k), written_backwards(v)));
            format!("{{{}}}", parts.collect::<Vec<_>>().join(","))
        }
        Value::Array(list) => {
            let parts: Vec<String> = list.iter().map(written_backwards).collect();
            format!("[{}]", parts.join(","))
        }
        other => other.to_string(),
    }
}

/// The pointers of everything in `value`, itself apart.
fn pointers(value: &Value, here: String, out: &mut Vec<String>) {
    let mut step = |key: String, inner: &Value| {
        let at = format!("{here}/{}", key.replace('~', "~0").replace('/', "~1"));
        out.push(at.clone());
        pointers(inner, at, out);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| step(key.clone(), inner)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(i, inner)| step(i.to_string(), inner));
        }
        _ => {}
    }
}

fn lettered(text: &str, case: Case) -> String {
    let flip = |c: char| match c.is_uppercase() {
        true => c.to_lowercase().collect::<String>(),
        false => c.to_uppercase().collect(),
    };
    match case {
        Case::Upper => text.to_uppercase(),
        Case::Lower => text.to_lowercase(),
        Case::Flipped => text.chars().map(flip).collect(),
    }
}

fn apply(root: &mut Value, at: &str, change: Change) {
    let (parent, key) = at.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    match change {
        Change::Cut => {}
        Change::Drop => match root.pointer_mut(parent) {
            Some(Value::Object(map)) => drop(map.remove(&key)),
            Some(Value::Array(list)) => drop(list.remove(key.parse().unwrap())),
            _ => {}
        },
        Change::KeyLetters(case) => {
            if let Some(Value::Object(map)) = root.pointer_mut(parent)
                && let Some(value) = map.remove(&key)
            {
                map.insert(lettered(&key, case), value);
            }
        }
        Change::Null | Change::Retype(_) | Change::Reverse | Change::Letters(_) => {
            if let Some(value) = root.pointer_mut(at) {
                *value = revalued(value.take(), change);
            }
        }
    }
}

fn revalued(value: Value, change: Change) -> Value {
    match (change, value) {
        (Change::Retype(which), value) => {
            let all = [json!("a text"), json!(-3), json!(true), json!({"a": 1}), json!([[1]])];
            let same = |v: &Value| std::mem::discriminant(v) == std::mem::discriminant(&value);
            let others: Vec<Value> = all.into_iter().filter(|v| !same(v)).collect();
            others[usize::from(which) % others.len()].clone()
        }
        (Change::Reverse, Value::Array(mut list)) => {
            list.reverse();
            Value::Array(list)
        }
        (Change::Letters(case), Value::String(text)) => Value::String(lettered(&text, case)),
        (Change::Null, _) => Value::Null,
        (_, value) => value,
    }
}

#[test]
#[should_panic(expected = "Test failed")]
fn a_judge_that_believes_half_a_body_is_caught() {
    use crate::model::observation::{Observation, Target};
    let seen = |n: f64| {
        let at = "2027-02-09T11:20:00Z".parse().unwrap();
        let check = "groupcall.counts".parse().unwrap();
        Observation::new(check, Target::Estate, at, Verdict::Ok, "fine").number("n", n)
    };
    let judge = |body: &str| {
        let read: Value = serde_json::from_str(body).unwrap_or_default();
        seen(read["n"].as_f64().unwrap_or_default())
    };
    damaged_bodies_are_never_ok_about_something_else(r#"{"n":7}"#, 200, judge, |a, b| a == b);
}
