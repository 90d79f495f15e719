//! What Microsoft says of provisioning on demand: whatever came of it, the status is 200, and the
//! result and the status of each step stand in JSON inside two strings.
//!
//! Source: the page on `synchronizationJob: provisionOnDemand` and its examples, and the words of
//! `provisioningResult`, read 2026-11. They are compared without case: the pages write both.
//!
//! Invariant: an answer that is not understood to its last step is none. Nothing but short codes of it
//! is shown: its descriptions and details name people.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::services::answer::{ListRow, Seen, Trouble, json};
use crate::transport::Reply;

/// A longer error code is not one.
const LONGEST_CODE: usize = 60;

/// What came of it, as Microsoft tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Came {
    /// The account was written to Microsoft 365.
    Done,
    /// Nothing was written: with the code.
    Skipped(String),
    /// Nothing was written, because something failed: with the code.
    Failed(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pair {
    key: Seen<String>,
    value: Seen<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Key {
    result: Seen<String>,
    details: Seen<Details>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Details {
    error_code: Seen<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Whole {
    provisioning_steps: Seen<Vec<ListRow<Part>>>,
    status_info: Seen<StatusInfo>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StatusInfo {
    status: Seen<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Part {
    #[serde(rename = "type")]
    kind: Seen<String>,
    status: Seen<String>,
}

/// The words of a result and of a step's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Success,
    Warning,
    Skipped,
    Failure,
}

impl Word {
    fn of(text: &str, what: &str) -> Result<Self, Trouble> {
        let words = [
            ("success", Self::Success),
            ("warning", Self::Warning),
            ("skipped", Self::Skipped),
            ("failure", Self::Failure),
        ];
        let found = words.into_iter().find(|(word, _)| text.eq_ignore_ascii_case(word));
        let unknown = || Trouble::malformed(format!("{what} is a word that we do not know"));
        found.map(|(_, word)| word).ok_or_else(unknown)
    }
}

/// What a 200 says.
pub(super) fn came(reply: &Reply) -> Result<Came, Trouble> {
    let pair: Pair = json(reply)?;
    let key: Key = inside(reply, pair.key, "key")?;
    let whole: Whole = inside(reply, pair.value, "value")?;
    let result = Word::of(&key.result.need("key.result")?, "key.result")?;
    if let Seen::Value(info) = &whole.status_info {
        let status = info.status.value().map(|s| Word::of(s, "statusInfo.status")).transpose()?;
        if status.is_some_and(|status| status != result) {
            return Err(Trouble::malformed(
                "key.result and statusInfo.status contradict each other",
            ));
        }
    }
    let mut parts = Vec::new();
    for row in whole.provisioning_steps.need("provisioningSteps")? {
        let ListRow::Read(part) = row else {
            return Err(Trouble::malformed("one of provisioningSteps cannot be read"));
        };
        let status = Word::of(&part.status.need("status of a step")?, "the status of a step")?;
        parts.push((part.kind.need("type of a step")?, status));
    }
    let any = |word| parts.iter().any(|(_, status)| *status == word);
    let written = parts.iter().any(|(kind, status)| {
        kind.eq_ignore_ascii_case("export") && matches!(status, Word::Success | Word::Warning)
    });
    let code = code(&key.details);
    match result {
        Word::Success if written && !any(Word::Failure) && !any(Word::Skipped) => Ok(Came::Done),
        Word::Skipped if !parts.is_empty() && !written && !any(Word::Failure) => {
            Ok(Came::Skipped(code))
        }
        Word::Failure if !written => Ok(Came::Failed(code)),
        _ => Err(Trouble::malformed("the result and its steps contradict each other")),
    }
}

/// Reads any answer, for fuzzing.
#[cfg(any(test, feature = "fuzzing"))]
pub(in crate::services::welearn365) fn fuzzed(reply: &Reply) {
    if came(reply).is_ok() {
        assert!(reply.json::<Pair>().is_ok(), "understood, and no JSON");
    }
}

/// The JSON inside a string.
fn inside<T: DeserializeOwned>(
    reply: &Reply,
    text: Seen<String>,
    name: &str,
) -> Result<T, Trouble> {
    let mut within = reply.clone();
    within.body = text.need(name)?.into_bytes().into();
    let read = json(&within);
    read.map_err(|why| Trouble::malformed(format!("the text of {name}: {}", why.why)))
}

/// A code such as `RedundantExport`; anything else may be a sentence about somebody.
fn code(details: &Seen<Details>) -> String {
    let code = details.value().and_then(|d| d.error_code.value());
    let is_word = |code: &&String| {
        !code.is_empty()
            && code.len() <= LONGEST_CODE
            && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    code.filter(is_word).map_or_else(|| "no code".to_owned(), Clone::clone)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const DONE: &str = include_str!("../examples/provisioned.json");
    const SKIPPED: &str = include_str!("../examples/provisioned_skipped.json");

    fn of(body: &str) -> Result<Came, String> {
        came(&Reply::played(200, &[], body)).map_err(|trouble| trouble.why)
    }

    /// An answer of this result and these steps.
    fn answer(result: &str, code: Value, steps: &[(&str, &str)]) -> String {
        let steps: Vec<Value> = steps
            .iter()
            .map(|(kind, status)| {
                json!({"name": "x", "type": kind, "status": status,
                       "description": "Received user 'canary' change", "details": {"cn": "canary"}})
            })
            .collect();
        let key = json!({"result": result, "details": {"errorCode": code}}).to_string();
        let value = json!({"provisioningSteps": steps}).to_string();
        json!({"key": key, "value": value}).to_string()
    }

    #[test]
    fn the_documented_answers_are_understood() {
        assert_eq!(of(DONE), Ok(Came::Done));
        assert_eq!(of(SKIPPED), Ok(Came::Skipped("RedundantExport".into())));
        let failed =
            answer("Failure", "x_1".into(), &[("Import", "success"), ("Export", "failure")]);
        assert_eq!(of(&failed), Ok(Came::Failed("x_1".into())));
        let lower = answer("success", Value::Null, &[("import", "SUCCESS"), ("export", "warning")]);
        assert_eq!(of(&lower), Ok(Came::Done));
        let early = answer("Failure", Value::Null, &[]);
        assert_eq!(of(&early), Ok(Came::Failed("no code".into())), "it failed before any step");
        let told = answer("Skipped", "user canary is odd".into(), &[("Scoping", "Skipped")]);
        assert_eq!(of(&told), Ok(Came::Skipped("no code".into())));
    }

    #[test]
    fn threat_27_a_success_whose_steps_do_not_say_so_is_none() {
        for (what, result, steps) in [
            ("a step failed", "Success", &[("Export", "Success"), ("Export", "Failure")][..]),
            ("a step was skipped", "Success", &[("Export", "Success"), ("Export", "Skipped")]),
            ("nothing was written", "Success", &[("Import", "Success")]),
            ("no step", "Success", &[]),
            ("no step, skipped", "Skipped", &[]),
            ("skipped, and written", "Skipped", &[("Export", "Success")]),
            ("failed, and written", "Failure", &[("Export", "Success"), ("Export", "Failure")]),
            ("a warning as the result", "Warning", &[("Export", "Success")]),
            ("an unknown result", "Sucess", &[("Export", "Success")]),
            ("an unknown status", "Success", &[("Export", "Success"), ("Export", "Queued")]),
            ("the sentinel", "unknownFutureValue", &[("Export", "Success")]),
        ] {
            let why = of(&answer(result, Value::Null, steps)).expect_err(what);
            assert!(!why.contains("canary"), "{why}");
        }
    }

    #[test]
    fn what_is_not_of_the_documented_shape_is_none() {
        let good: Value = serde_json::from_str(DONE).unwrap();
        let value = good["value"].as_str().unwrap();
        for (what, body) in [
            ("empty", String::new()),
            ("a page", "<html>".into()),
            ("cut", DONE.get(..DONE.len() / 2).unwrap().into()),
            ("no key", json!({"value": value}).to_string()),
            ("no value", json!({"key": good["key"]}).to_string()),
            ("an object for a text", json!({"key": {"result": "Success"}, "value": value}).to_string()),
            ("no JSON inside", json!({"key": "Success", "value": value}).to_string()),
            ("cut inside", json!({"key": good["key"], "value": value.get(..value.len() / 2)}).to_string()),
            ("an empty value", json!({"key": good["key"], "value": "{}"}).to_string()),
            (
                "no status",
                json!({"key": good["key"], "value": r#"{"provisioningSteps":[{"type":"Export"}]}"#})
                    .to_string(),
            ),
            (
                "another status",
                json!({"key": r#"{"result":"Skipped"}"#, "value":
                    r#"{"provisioningSteps":[{"type":"Export","status":"Skipped"}],
                        "statusInfo":{"status":"Success"}}"#})
                .to_string(),
            ),
            (
                "twice",
                json!({"key": r#"{"result":"Success","result":"Failure"}"#, "value": value})
                    .to_string(),
            ),
            ("deep", json!({"key": good["key"], "value": "[".repeat(5_000)}).to_string()),
        ] {
            assert!(of(&body).is_err(), "{what}");
        }
    }
}
