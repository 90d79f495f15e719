//! Damage to a healthy body, field by field: whatever a verdict reads must count.

use serde_json::{Value, json};

use crate::model::observation::Verdict;

/// A field that a verdict reads, by its JSON pointer in the healthy body.
#[derive(Debug, Clone)]
pub(in crate::services) enum Field {
    /// Must be there. Dropped, null, of another type, twice, or one of these unseen values: not ok.
    Read(&'static str, Vec<Value>),
    /// Says that something is wrong. Absent or null is the documented healthy form; of another
    /// type, or one of these values, is not ok.
    Flag(&'static str, Vec<Value>),
}

/// One damaged body and what was done to it.
struct Damage {
    what: String,
    body: String,
}

/// Shows that `healthy` is ok, that each damage to each field leaves ok, and that the healthy body
/// then is ok again.
pub(in crate::services) async fn every_field_counts<J>(healthy: &str, fields: &[Field], judge: J)
where
    J: AsyncFn(&str) -> Verdict,
{
    assert_eq!(judge(healthy).await, Verdict::Ok, "the healthy body must be ok to begin with");
    let root: Value = serde_json::from_str(healthy).unwrap();
    let mut green = Vec::new();
    for damage in fields.iter().flat_map(|f| damages(&root, f)) {
        if matches!(judge(&damage.body).await, Verdict::Ok | Verdict::Quiet) {
            green.push(damage.what.clone());
        }
        // Else a judge that stays offended for another reason would pass.
        let after = judge(healthy).await;
        assert_eq!(after, Verdict::Ok, "the healthy body after: {}", damage.what);
    }
    assert!(green.is_empty(), "still ok although: {green:#?}");
}

fn damages(root: &Value, field: &Field) -> Vec<Damage> {
    let (at, unseen, read) = match field {
        Field::Read(at, unseen) => (*at, unseen, true),
        Field::Flag(at, unseen) => (*at, unseen, false),
    };
    let mut out = Vec::new();
    let mut put = |what: String, value: Option<Value>| {
        out.push(Damage { what: format!("{at} {what}"), body: with(root, at, value).to_string() });
    };
    for value in unseen {
        put(format!("is {value}"), Some(value.clone()));
    }
    if read {
        let now = root.pointer(at).unwrap_or_else(|| panic!("{at} is not in the healthy body"));
        put("is gone".into(), None);
        put("is null".into(), Some(Value::Null));
        for other in other_types(now) {
            put(format!("is {other}"), Some(other));
        }
        if at.rsplit_once('/').is_some_and(|(_, key)| key.parse::<usize>().is_err()) {
            let mut body = String::new();
            write_twice(root, at, "", &mut body);
            out.push(Damage { what: format!("{at} stands twice"), body });
        } else {
            // A member of a list: the whole row twice.
            out.push(Damage { what: format!("{at} is listed twice"), body: row_twice(root, at) });
        }
    } else {
        put("has another type".into(), Some(json!([1])));
    }
    out
}

fn other_types(value: &Value) -> Vec<Value> {
    let all = [json!("a text"), json!(-3), json!(true), json!({"a": 1}), json!([[1]])];
    let kind = |v: &Value| std::mem::discriminant(v);
    all.into_iter().filter(|v| kind(v) != kind(value)).collect()
}

fn with(root: &Value, at: &str, value: Option<Value>) -> Value {
    let mut root = root.clone();
    let (parent, key) = at.rsplit_once('/').unwrap();
    match root.pointer_mut(parent).unwrap_or_else(|| panic!("{parent} is not there")) {
        Value::Object(map) => match value {
            Some(value) => drop(map.insert(key.to_owned(), value)),
            None => drop(map.remove(key).unwrap()),
        },
        Value::Array(list) => {
            let i: usize = key.parse().unwrap();
            match value {
                Some(value) => list[i] = value,
                None => drop(list.remove(i)),
            }
        }
        other => panic!("{parent} holds {other}"),
    }
    root
}

fn row_twice(root: &Value, at: &str) -> String {
    let mut root = root.clone();
    let (parent, key) = at.rsplit_once('/').unwrap();
    let list = root.pointer_mut(parent).unwrap().as_array_mut().unwrap();
    list.push(list[key.parse::<usize>().unwrap()].clone());
    root.to_string()
}

/// Writes `value` with the key at `twice` two times, which no `Value` can hold.
fn write_twice(value: &Value, twice: &str, here: &str, out: &mut String) {
    match value {
        Value::Object(map) => {
            out.push('{');
            let mut first = true;
            for (key, inner) in map {
                let at = format!("{here}/{key}");
                for _ in 0..if at == twice { 2 } else { 1 } {
                    if !std::mem::take(&mut first) {
                        out.push(',');
                    }
                    out.push_str(&Value::from(key.as_str()).to_string());
                    out.push(':');
                    write_twice(inner, twice, &at, out);
                }
            }
            out.push('}');
        }
        Value::Array(list) => {
            out.push('[');
            for (i, inner) in list.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_twice(inner, twice, &format!("{here}/{i}"), out);
            }
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}

#[test]
fn a_key_can_be_written_twice() {
    let mut out = String::new();
    write_twice(&json!({"a": [{"b": 1, "c": "x"}]}), "/a/0/b", "", &mut out);
    assert_eq!(out, r#"{"a":[{"b":1,"b":1,"c":"x"}]}"#);
}

#[tokio::test]
#[should_panic(expected = "/n is gone")]
async fn a_judge_that_ignores_a_field_is_caught() {
    every_field_counts(r#"{"n":1}"#, &[Field::Read("/n", vec![])], async |_: &str| Verdict::Ok)
        .await;
}
