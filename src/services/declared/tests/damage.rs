//! Pages and tables damaged by chance: pieces dropped, written otherwise or in other letters, lines in
//! another order, the end cut off.

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};

#[derive(Debug, Clone, Copy)]
enum Damage {
    Drop,
    Retype(&'static str),
    Letters,
    Upper,
    Lower,
    Reverse,
    Cut,
}

fn damages() -> impl Strategy<Value = Vec<(Damage, Index, Index)>> {
    let damage = prop_oneof![
        Just(Damage::Drop),
        prop::sample::select(vec!["0", "null", "\"", "<", ",", "\n", "\u{fffd}", "-1"])
            .prop_map(Damage::Retype),
        Just(Damage::Letters),
        Just(Damage::Upper),
        Just(Damage::Lower),
        Just(Damage::Reverse),
        Just(Damage::Cut),
    ];
    prop::collection::vec((damage, any::<Index>(), any::<Index>()), 1..4)
}

/// `text` with up to three damages; the second index is the length of a piece, to forty letters.
fn damaged(text: &str, damages: &[(Damage, Index, Index)]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for (damage, at, length) in damages {
        if letters.is_empty() {
            break;
        }
        let from = at.index(letters.len());
        let to = (from + 1 + length.index(40)).min(letters.len());
        let turned = |c: &char| match c.is_lowercase() {
            true => c.to_ascii_uppercase(),
            false => c.to_ascii_lowercase(),
        };
        match damage {
            Damage::Drop => drop(letters.drain(from..to)),
            Damage::Retype(with) => drop(letters.splice(from..to, with.chars())),
            Damage::Letters => letters[from..to].iter_mut().for_each(|c| *c = turned(c)),
            Damage::Upper => letters[from..to].iter_mut().for_each(|c| *c = c.to_ascii_uppercase()),
            Damage::Lower => letters[from..to].iter_mut().for_each(|c| *c = c.to_ascii_lowercase()),
            Damage::Reverse => {
                let text: String = letters.iter().collect();
                // The head of a table stays where it is.
                let mut lines: Vec<&str> = text.lines().collect();
                lines[1..].reverse();
                letters = (lines.join("\n") + "\n").chars().collect();
            }
            Damage::Cut => letters.truncate(from),
        }
    }
    letters.into_iter().collect()
}

/// Shows `cases` damaged forms of `text` to `judge`, which says what it may not mean.
pub fn holds(text: &str, cases: u32, judge: impl Fn(&str) -> TestCaseResult) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome =
        TestRunner::new(config).run(&damages(), |damages| judge(&damaged(text, &damages)));
    outcome.unwrap_or_else(|e| panic!("{e}"));
}
