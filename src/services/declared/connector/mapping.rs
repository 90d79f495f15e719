//! What a vendor's word means.

use serde_json::Value;

use super::settings::{Word, WordTable};
use crate::model::health::Reason;
use crate::model::observation::Verdict;

/// Words and their meanings.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Words(Vec<(Word, Verdict)>);

impl Words {
    /// Our own words.
    pub(super) fn ours() -> Self {
        let word = |text: &str, verdict| (Word::Text(text.to_owned()), verdict);
        Self(vec![
            word("ok", Verdict::Ok),
            word("quiet", Verdict::Quiet),
            word("warning", Verdict::Warning),
            word("critical", Verdict::Critical),
            word("paused", Verdict::Unknown(Reason::Paused)),
            word("never_seen", Verdict::Unknown(Reason::NeverSeen)),
        ])
    }

    /// The words of a table.
    ///
    /// # Errors
    /// When it is empty, when a word is empty, or when one stands in two lists.
    pub(super) fn new(table: &WordTable) -> Result<Self, String> {
        let lists = [
            (&table.ok, Verdict::Ok),
            (&table.quiet, Verdict::Quiet),
            (&table.warning, Verdict::Warning),
            (&table.critical, Verdict::Critical),
            (&table.paused, Verdict::Unknown(Reason::Paused)),
            (&table.never_seen, Verdict::Unknown(Reason::NeverSeen)),
        ];
        let mut words: Vec<(Word, Verdict)> = Vec::new();
        for (list, verdict) in lists {
            for word in list {
                if matches!(word, Word::Text(text) if text.trim().is_empty()) {
                    return Err("a word is empty".to_owned());
                }
                if let Some((_, other)) = words.iter().find(|(w, _)| same(w, word))
                    && *other != verdict
                {
                    return Err(format!("`{}` stands in two lists", shown(word)));
                }
                words.push((word.clone(), verdict));
            }
        }
        if words.is_empty() {
            return Err("no word has a meaning; fill at least one list".to_owned());
        }
        Ok(Self(words))
    }

    /// Whether any word means that something is wrong.
    pub(super) fn can_be_bad(&self) -> bool {
        self.0.iter().any(|(_, verdict)| !matches!(verdict, Verdict::Ok | Verdict::Quiet))
    }

    /// Every word that is text, with its meaning.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, Verdict)> {
        self.0.iter().filter_map(|(word, verdict)| match word {
            Word::Text(text) => Some((text.as_str(), *verdict)),
            Word::Number(_) | Word::Bool(_) => None,
        })
    }

    /// What `value` means; `None` for one that stands in no list.
    pub(super) fn meaning(&self, value: &Value) -> Option<Verdict> {
        let value = match value {
            Value::String(text) => Word::Text(text.clone()),
            Value::Number(number) => Word::Number(number.as_f64()?),
            Value::Bool(bool) => Word::Bool(*bool),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        self.0.iter().find(|(word, _)| same(word, &value)).map(|(_, verdict)| *verdict)
    }
}

/// The case of a word and the space around it are not believed; its kind is.
fn same(a: &Word, b: &Word) -> bool {
    match (a, b) {
        (Word::Text(a), Word::Text(b)) => a.trim().to_lowercase() == b.trim().to_lowercase(),
        (Word::Number(a), Word::Number(b)) => a == b,
        (Word::Bool(a), Word::Bool(b)) => a == b,
        _ => false,
    }
}

fn shown(word: &Word) -> String {
    match word {
        Word::Text(text) => text.clone(),
        Word::Number(number) => number.to_string(),
        Word::Bool(bool) => bool.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(toml: &str) -> Result<Words, String> {
        Words::new(&toml::from_str(toml).unwrap())
    }

    #[test]
    fn a_word_means_what_its_list_says_and_nothing_else_means_anything() {
        let words = words(
            "ok = ['Up', true, 1]\nwarning = ['slow']\ncritical = [2.5, false]\npaused = ['off']\n\
             never_seen = ['new']\nquiet = ['asleep']",
        )
        .unwrap();
        for (value, verdict) in [
            (json!("up"), Verdict::Ok),
            (json!(" UP "), Verdict::Ok),
            (json!(true), Verdict::Ok),
            (json!(1), Verdict::Ok),
            (json!(1.0), Verdict::Ok),
            (json!("Slow"), Verdict::Warning),
            (json!(2.5), Verdict::Critical),
            (json!(false), Verdict::Critical),
            (json!("off"), Verdict::Unknown(Reason::Paused)),
            (json!("new"), Verdict::Unknown(Reason::NeverSeen)),
            (json!("asleep"), Verdict::Quiet),
        ] {
            assert_eq!(words.meaning(&value), Some(verdict), "{value}");
        }
        for value in [json!("upp"), json!(""), json!("true"), json!("1"), json!(2), json!(null)] {
            assert_eq!(words.meaning(&value), None, "{value}");
        }
        for value in [json!([1]), json!({"a": 1}), json!(["up"])] {
            assert_eq!(words.meaning(&value), None, "{value}");
        }
    }

    #[test]
    fn refuses_a_table_that_means_nothing_or_two_things() {
        assert!(words("").unwrap_err().contains("no word"));
        assert!(words("ok = [' ']").unwrap_err().contains("empty"));
        assert!(words("ok = ['Up']\nwarning = ['UP']").unwrap_err().contains("two lists"));
        assert!(words("ok = ['Up', 'up']").is_ok());
        assert!(!words("ok = ['Up']").unwrap().can_be_bad());
        assert!(Words::ours().can_be_bad());
    }
}
