//! A text that a person would read: pieces of it that mean something, and values that stand behind
//! words.

use serde_json::Value;

use super::mapping::Words;
use super::reading::severity;
use crate::model::observation::Verdict;
use crate::services::declared::jq::Outcome;
use crate::services::declared::words::folded;

/// The piece of `words` in `text` that means the worst; nothing where none of them stands there.
pub(super) fn health(text: &str, words: &Words) -> Outcome {
    let body = folded(text);
    let found = words.texts().filter(|(piece, _)| body.contains(&folded(piece)));
    let rank = |verdict: Verdict| match verdict {
        // What stands beside a plain "ok" counts for more.
        Verdict::Ok => 0,
        Verdict::Quiet => 1,
        other => severity(other) + 1,
    };
    match found.max_by_key(|(_, verdict)| rank(*verdict)) {
        Some((piece, _)) => Outcome::Value(Value::String(piece.to_owned())),
        None => Outcome::Nothing,
    }
}

/// What stands behind `words` to the end of their line; several where they stand on several lines.
pub(super) fn after(text: &str, words: &str) -> Outcome {
    let wanted = words.trim().to_lowercase();
    let mut found = text.lines().filter_map(|line| {
        // Lower case may have another length: the place is found in what is cut.
        let lower = line.to_lowercase();
        let (_, rest) = lower.split_once(&wanted)?;
        let kept = line.chars().count().checked_sub(rest.chars().count())?;
        let rest: String = line.chars().skip(kept).collect();
        Some(rest.trim_start_matches([':', '=', ' ', '\t']).trim().to_owned())
    });
    match (found.next(), found.next()) {
        (None, _) => Outcome::Nothing,
        (Some(first), Some(_)) => Outcome::several(&first),
        (Some(rest), None) if rest.is_empty() => Outcome::Value(Value::Null),
        (Some(rest), None) => Outcome::Value(Value::String(rest)),
    }
}

/// The number at the start of what stands behind `words`.
pub(super) fn number_after(text: &str, words: &str) -> Outcome {
    match after(text, words) {
        Outcome::Value(Value::String(rest)) => {
            let first = rest.split_whitespace().next().unwrap_or_default();
            let bare = first.trim_end_matches(['%', '.', ',', ';', ')']);
            Outcome::Value(Value::String(bare.to_owned()))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words() -> Words {
        let table = "ok = ['completed successfully']\nwarning = ['with warnings']\n\
                     critical = ['FAILED']\nquiet = ['nothing to do']";
        Words::new(&toml::from_str(table).unwrap()).unwrap()
    }

    #[test]
    fn the_worst_piece_counts() {
        let found = |text: &str| health(text, &words());
        let said = |text: &str| Outcome::Value(json!(text));
        assert_eq!(found("Run\nCompleted   SUCCESSFULLY."), said("completed successfully"));
        assert_eq!(found("completed successfully, 1 failed"), said("FAILED"));
        assert_eq!(found("completed successfully with warnings"), said("with warnings"));
        assert_eq!(found("nothing to do: completed successfully"), said("nothing to do"));
        assert_eq!(found("complete"), Outcome::Nothing);
        assert_eq!(found(""), Outcome::Nothing);
    }

    #[test]
    fn a_value_stands_behind_its_words() {
        let text = "Report\nPupils processed:  1204 of 1204\nFinished at = 2027-02-02T09:00:00Z \n";
        let value = |text: &str| Outcome::Value(json!(text));
        assert_eq!(after(text, "pupils PROCESSED"), value("1204 of 1204"));
        assert_eq!(number_after(text, "Pupils processed"), value("1204"));
        assert_eq!(after(text, "finished at"), value("2027-02-02T09:00:00Z"));
        assert_eq!(after(text, "absent"), Outcome::Nothing);
        assert_eq!(after("a: 1\na: 2", "a:"), Outcome::several("1"));
        assert_eq!(after("a:", "a:"), Outcome::Value(Value::Null));
        assert_eq!(number_after("Free: 12%, of all", "free"), value("12"));
        // A letter whose lower case is longer than itself.
        assert_eq!(after("İİ Pupils 7", "pupils"), value("7"));
    }

    proptest::proptest! {
        #[test]
        fn looking_never_panics(text in "(?s).{0,80}", words in ".{1,5}") {
            let found = (after(&text, &words), number_after(&text, &words));
            proptest::prop_assert!(!matches!(found.0, Outcome::Failed(_)));
        }
    }
}
