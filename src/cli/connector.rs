//! `caretaker connector`: what is printed of one try.

use std::collections::BTreeMap;

/// A verdict, as the board would say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// About whom.
    pub whom: String,
    /// Which check.
    pub check: String,
    /// `ok`, `warning`, `critical`, `unknown`.
    pub health: String,
    /// Why it is unknown.
    pub reason: Option<String>,
    /// The sentence.
    pub why: String,
    /// That one bad answer proves nothing yet.
    pub soft: Option<String>,
    /// The vendor's own time of its data.
    pub source_at: Option<String>,
    /// Counts.
    pub numbers: Vec<(String, String)>,
    /// Evidence.
    pub facts: Vec<(String, String)>,
}

/// What is about to be asked.
#[must_use]
pub fn trying(job: &str, targets: usize) -> String {
    match targets {
        1 => job.to_owned(),
        n => format!("{job}, one question for {n} schools"),
    }
}

/// A call and its answer.
#[must_use]
pub fn called(request: &str, headers: &[String], answer: &str, ms: u128) -> String {
    format!(
        "  request  {request}\n           headers {}\n  answer   {answer} ({ms} ms)",
        headers.join(", ")
    )
}

/// Anything else that happened.
#[must_use]
pub fn noted(text: &str) -> String {
    format!("  note     {text}")
}

/// A verdict with its numbers and evidence.
#[must_use]
pub fn tried(t: &Tried) -> String {
    let mut out = String::new();
    let mut line = |name: &str, text: &str| out.push_str(&format!("  {name:<8} {text}\n"));
    let reason = t.reason.as_ref().map(|r| format!(" ({r})")).unwrap_or_default();
    line("verdict", &format!("{}{reason}: {} of {}", t.health, t.check, t.whom));
    line("why", &t.why);
    if let Some(soft) = &t.soft {
        line("", soft);
    }
    if let Some(at) = &t.source_at {
        line("data of", at);
    }
    for (name, value) in &t.numbers {
        line("number", &format!("{name} {value}"));
    }
    for (name, value) in &t.facts {
        line("fact", &format!("{name}: {value}"));
    }
    out
}

/// How often each word stands there.
#[must_use]
pub fn counted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    words.for_each(|word| *counts.entry(word).or_default() += 1);
    let each: Vec<String> = counts.iter().map(|(word, n)| format!("{n} {word}")).collect();
    each.join(", ")
}

/// One line of the list.
#[must_use]
pub fn connector_line(name: &str, checks: &str, asks: &str, jobs: usize) -> String {
    format!("{name:<24} {asks:<32} {checks} ({jobs} questions)")
}
