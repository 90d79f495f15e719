//! What an event means, by the words in its categories and its summary.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an event means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Term,
    Holiday,
    Inset,
    BankHoliday,
    /// Of no interest, and said to be so by the configuration.
    Ignored,
}

/// Words of an imported calendar that say what an event means: whole words or phrases, whatever
/// their case, looked for in the categories first and then in the summary. A list that is given
/// takes the place of the built-in one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CalendarWords {
    /// A term, from its first to its last day.
    pub term: Vec<String>,
    /// A holiday or half-term.
    pub holiday: Vec<String>,
    /// A day on which staff come and pupils do not.
    pub inset: Vec<String>,
    /// A bank holiday.
    pub bank_holiday: Vec<String>,
    /// An event that is to be left out although it holds one of the other words.
    pub ignore: Vec<String>,
}

impl Default for CalendarWords {
    fn default() -> Self {
        let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect();
        Self {
            term: words(&["term"]),
            holiday: words(&["holiday", "holidays", "half term", "half-term", "school closed"]),
            inset: words(&[
                "inset",
                "inset day",
                "training day",
                "teacher training",
                "staff training",
                "non-pupil day",
            ]),
            bank_holiday: words(&["bank holiday", "public holiday"]),
            ignore: Vec::new(),
        }
    }
}

/// What words can leave open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// One thing.
    Is(Kind),
    /// None of the words stands there.
    Nothing,
    /// A term and a closure at once.
    Both,
}

impl CalendarWords {
    /// What an event with these categories and this summary means.
    pub(super) fn meaning<'a>(
        &self,
        categories: impl Iterator<Item = &'a str>,
        summary: &str,
    ) -> Meaning {
        for category in categories {
            match self.of(category) {
                Meaning::Nothing => {}
                found => return found,
            }
        }
        self.of(summary)
    }

    fn of(&self, text: &str) -> Meaning {
        let text = plain(text);
        let mut found: Vec<(usize, usize, Kind)> = Vec::new();
        for (kind, words) in [
            (Kind::Ignored, &self.ignore),
            (Kind::BankHoliday, &self.bank_holiday),
            (Kind::Inset, &self.inset),
            (Kind::Holiday, &self.holiday),
            (Kind::Term, &self.term),
        ] {
            for word in words.iter().map(|w| plain(w)).filter(|w| w != "  ") {
                let places = text.match_indices(word.as_str());
                found.extend(places.map(|(at, found)| (at, at + found.len(), kind)));
            }
        }
        // "Half term" is no term: what stands inside a longer match does not count.
        let inside = |a: &(usize, usize, Kind)| {
            found.iter().any(|b| b.0 <= a.0 && a.1 <= b.1 && b.1 - b.0 > a.1 - a.0)
        };
        let kinds: Vec<Kind> = found.iter().filter(|m| !inside(m)).map(|m| m.2).collect();
        let has = |kind| kinds.contains(&kind);
        // A training day or a bank holiday is a closed day, in whichever term it lies.
        for kind in [Kind::Ignored, Kind::BankHoliday, Kind::Inset] {
            if has(kind) {
                return Meaning::Is(kind);
            }
        }
        match (has(Kind::Holiday), has(Kind::Term)) {
            (true, true) => Meaning::Both,
            (true, false) => Meaning::Is(Kind::Holiday),
            (false, true) => Meaning::Is(Kind::Term),
            (false, false) => Meaning::Nothing,
        }
    }
}

/// Small letters and digits with one space between words, and one at each end.
fn plain(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    format!(" {} ", words.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(summary: &str) -> Meaning {
        CalendarWords::default().meaning(std::iter::empty(), summary)
    }

    #[test]
    fn whole_words_decide_and_the_longer_phrase_wins() {
        for (summary, meaning) in [
            ("Autumn Term 2026", Meaning::Is(Kind::Term)),
            ("AUTUMN HALF-TERM", Meaning::Is(Kind::Holiday)),
            ("Half term (autumn)", Meaning::Is(Kind::Holiday)),
            ("Christmas holidays", Meaning::Is(Kind::Holiday)),
            ("Summer term: INSET day", Meaning::Is(Kind::Inset)),
            ("Early May bank holiday", Meaning::Is(Kind::BankHoliday)),
            ("Determined to win", Meaning::Nothing),
            ("Terminal trip", Meaning::Nothing),
            ("Sports day", Meaning::Nothing),
            ("", Meaning::Nothing),
            ("End of term, holiday begins", Meaning::Both),
        ] {
            assert_eq!(of(summary), meaning, "{summary}");
        }
    }

    #[test]
    fn a_category_goes_before_the_summary_and_the_config_before_both() {
        let words = CalendarWords {
            term: vec!["period".into()],
            ignore: vec!["governors".into(), "  ".into()],
            ..CalendarWords::default()
        };
        let of = |category: &str, summary: &str| words.meaning([category].into_iter(), summary);
        assert_eq!(of("Period", "INSET"), Meaning::Is(Kind::Term));
        assert_eq!(of("Red", "INSET"), Meaning::Is(Kind::Inset));
        assert_eq!(of("", "Autumn term"), Meaning::Nothing, "the list was replaced");
        assert_eq!(of("", "Governors' INSET"), Meaning::Is(Kind::Ignored));
    }
}
