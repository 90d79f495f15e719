//! From what was picked out of an answer to a verdict with its sentence.
//!
//! Invariant: what is missing, of another kind or without a meaning is never ok.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::mapping::Words;
use super::settings::{Absent, HealthRule, NumberRule, Pick, TimeRule, UnixTime, ZoneRule};
use crate::model::calendar::london;
use crate::model::health::Reason;
use crate::model::observation::{Observation, SourceTime, Verdict, Zone};
use crate::model::text::Clean;
use crate::services::declared::jq::{Outcome, Row, form};

/// Names of what is picked, within a row.
pub(super) const HEALTH: &str = "health";
pub(super) const TIME: &str = "time";
pub(super) const DETAIL: &str = "detail";
pub(super) const KEY: &str = "key";
/// Before the name of a number or a fact.
pub(super) const NUMBER: &str = "numbers.";
pub(super) const FACT: &str = "facts.";

/// Characters of a value that are shown.
const SHOWN: usize = 60;

/// The rules by which a row is read.
pub(super) struct Reading {
    words: Option<Words>,
    time: Option<TimeRule>,
    numbers: BTreeMap<String, NumberRule>,
    detail: bool,
    facts: Vec<String>,
    /// Numbers come as text, as in CSV files.
    as_text: bool,
}

/// What the rules of one source say.
pub(super) struct Rules<'a> {
    pub(super) health: Option<&'a HealthRule>,
    pub(super) time: Option<&'a TimeRule>,
    pub(super) numbers: &'a BTreeMap<String, NumberRule>,
    pub(super) detail: Option<&'a Pick>,
    pub(super) facts: &'a BTreeMap<String, Pick>,
}

/// What a row says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    pub(super) detail: String,
    pub(super) source_at: Option<SourceTime>,
    numbers: Vec<(String, f64)>,
    facts: Vec<(String, String)>,
}

impl Judged {
    /// Nothing can be told.
    pub(super) fn unknown(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Unknown(reason),
            detail: detail.into(),
            source_at: None,
            numbers: Vec::new(),
            facts: Vec::new(),
        }
    }

    /// With one more fact.
    pub(super) fn fact(mut self, name: &str, value: impl Into<String>) -> Self {
        self.facts.push((name.to_owned(), value.into()));
        self
    }

    /// With one more number.
    pub(super) fn number(mut self, name: &str, value: f64) -> Self {
        self.numbers.push((name.to_owned(), value));
        self
    }

    /// Puts it into an observation.
    pub(super) fn onto(&self, mut seen: Observation) -> Observation {
        seen.verdict = self.verdict;
        seen.detail = Clean::new(&self.detail);
        seen.source_at = self.source_at;
        let seen = self.numbers.iter().fold(seen, |o, (name, value)| o.number(name, *value));
        self.facts.iter().fold(seen, |o, (name, value)| o.fact(name, value))
    }
}

/// Critical, then unknown, then warning, then ok.
pub(super) fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Ok | Verdict::Quiet => 0,
        Verdict::Warning => 1,
        Verdict::Unknown(_) => 2,
        Verdict::Critical => 3,
    }
}

/// The reason of the unknown that something absent makes.
pub(super) fn absent_reason(absent: Absent) -> Reason {
    match absent {
        Absent::Malformed => Reason::Malformed,
        Absent::NeverSeen => Reason::NeverSeen,
        Absent::Paused => Reason::Paused,
    }
}

/// The worst so far, with the sentences of everything that is not well.
struct Worst {
    verdict: Verdict,
    said: Vec<String>,
}

impl Worst {
    fn add(&mut self, verdict: Verdict, said: String) {
        if severity(verdict) > severity(self.verdict) {
            self.verdict = verdict;
            self.said.insert(0, said);
        } else if severity(verdict) > 0 {
            self.said.push(said);
        }
    }
}

impl Reading {
    /// From the rules of one source.
    ///
    /// # Errors
    /// The key that makes no sense, and why.
    pub(super) fn new(rules: &Rules<'_>, as_text: bool) -> Result<Self, (String, String)> {
        let words = match rules.health {
            None => None,
            Some(HealthRule { words: None, .. }) => Some(Words::ours()),
            Some(HealthRule { words: Some(table), .. }) => {
                Some(Words::new(table).map_err(|why| ("health.words".to_owned(), why))?)
            }
        };
        for (name, rule) in rules.numbers {
            let limits =
                [rule.warning_below, rule.critical_below, rule.warning_above, rule.critical_above];
            if limits.iter().flatten().any(|limit| !limit.is_finite()) {
                return Err((format!("{NUMBER}{name}"), "a limit is not a number".to_owned()));
            }
        }
        Ok(Self {
            words,
            time: rules.time.cloned(),
            numbers: rules.numbers.clone(),
            detail: rules.detail.is_some(),
            facts: rules.facts.keys().cloned().collect(),
            as_text,
        })
    }

    /// Whether any answer could ever be bad: by a word or by a limit of a number.
    pub(super) fn can_be_bad(&self) -> bool {
        self.words.as_ref().is_some_and(Words::can_be_bad)
            || self.numbers.values().any(|n| {
                n.warning_below.or(n.critical_below).is_some()
                    || n.warning_above.or(n.critical_above).is_some()
            })
    }

    /// Whether the vendor's time is read.
    pub(super) fn has_time(&self) -> bool {
        self.time.is_some()
    }

    /// The words that are looked for in a text.
    pub(super) fn words(&self) -> Option<&Words> {
        self.words.as_ref()
    }

    /// What `row` says.
    pub(super) fn judge(&self, row: &Row) -> Judged {
        let mut worst = Worst { verdict: Verdict::Ok, said: Vec::new() };
        let mut judged = Judged::unknown(Reason::Malformed, "");
        let mut word = None;
        if let Some(words) = &self.words {
            match self.health(words, row, &mut judged) {
                Ok((verdict, shown)) => {
                    worst.add(verdict, format!("vendor says `{shown}`"));
                    word = Some((verdict, shown));
                }
                Err(why) => worst.add(Verdict::Unknown(Reason::Malformed), why),
            }
        }
        // What is paused or never ran has neither numbers nor times worth a word.
        let asleep =
            matches!(word, Some((Verdict::Unknown(Reason::Paused | Reason::NeverSeen), _)));
        for (name, rule) in &self.numbers {
            self.number(name, rule, row, asleep, &mut worst, &mut judged);
        }
        if let Some(rule) = &self.time {
            match self.time_of(rule, row, &mut judged) {
                Ok(Some(at)) => judged.source_at = Some(at),
                Ok(None) if asleep => {}
                Ok(None) => {
                    let reason = absent_reason(rule.absent);
                    worst.add(Verdict::Unknown(reason), "it has no time".to_owned());
                }
                Err(_) if asleep => {}
                Err(why) => worst.add(Verdict::Unknown(Reason::Malformed), why),
            }
        }
        self.keep_facts(row, &mut judged);
        judged.verdict = match word {
            Some((Verdict::Quiet, _)) if severity(worst.verdict) == 0 => Verdict::Quiet,
            _ => worst.verdict,
        };
        judged.detail = self.sentence(row, &worst, word.map(|(_, shown)| shown));
        judged
    }

    fn health(
        &self,
        words: &Words,
        row: &Row,
        judged: &mut Judged,
    ) -> Result<(Verdict, String), String> {
        let value = picked(row, HEALTH, "health", judged)?;
        if value.is_null() {
            return Err("the answer does not say how it stands (health is null)".to_owned());
        }
        let shown = short(&value);
        judged.facts.push(("vendor wrote".to_owned(), shown.clone()));
        match words.meaning(&value) {
            Some(verdict) => Ok((verdict, shown)),
            None => Err(format!(
                "vendor wrote `{shown}`, which has no meaning here: add it to health.words"
            )),
        }
    }

    fn number(
        &self,
        name: &str,
        rule: &NumberRule,
        row: &Row,
        asleep: bool,
        worst: &mut Worst,
        judged: &mut Judged,
    ) {
        let read = picked(row, &format!("{NUMBER}{name}"), name, judged);
        let read = read.and_then(|value| match &value {
            Value::Null => Ok(None),
            Value::Number(number) => Ok(number.as_f64()),
            Value::String(text) if self.as_text && finite(text).is_some() => Ok(finite(text)),
            other => {
                judged.facts.push((format!("{name} got"), form(other)));
                Err(format!("{name} is not a number"))
            }
        });
        let unclear = Verdict::Unknown(Reason::Malformed);
        let number = match read {
            Ok(Some(number)) => number,
            Ok(None) if rule.optional || asleep => return,
            Ok(None) => return worst.add(unclear, format!("{name} is missing")),
            Err(_) if asleep => return,
            Err(why) => return worst.add(unclear, why),
        };
        judged.numbers.push((name.to_owned(), number));
        let below = |limit: Option<f64>| limit.filter(|l| number < *l);
        let above = |limit: Option<f64>| limit.filter(|l| number > *l);
        let told = |limit: f64, side: &str| format!("{name} is {number}, {side} {limit}");
        if let Some(limit) = below(rule.critical_below) {
            worst.add(Verdict::Critical, told(limit, "below"));
        } else if let Some(limit) = above(rule.critical_above) {
            worst.add(Verdict::Critical, told(limit, "above"));
        } else if let Some(limit) = below(rule.warning_below) {
            worst.add(Verdict::Warning, told(limit, "below"));
        } else if let Some(limit) = above(rule.warning_above) {
            worst.add(Verdict::Warning, told(limit, "above"));
        }
    }

    fn time_of(
        &self,
        rule: &TimeRule,
        row: &Row,
        judged: &mut Judged,
    ) -> Result<Option<SourceTime>, String> {
        let value = picked(row, TIME, "time", judged)?;
        let unreadable = || {
            let how = match rule.zone {
                ZoneRule::Given => " (or says no zone: set time.zone)",
                ZoneRule::Utc | ZoneRule::London => "",
            };
            format!("its time cannot be read{how}")
        };
        let read = match (&value, rule.unix) {
            (Value::Null, _) => Ok(None),
            (Value::String(text), _) if text.trim().is_empty() => Ok(None),
            (Value::Number(number), Some(unit)) => {
                let at = number.as_f64().and_then(|n| unix(n, unit));
                at.map(|at| Some(SourceTime { at, zone: Zone::Given })).ok_or_else(unreadable)
            }
            (Value::String(text), Some(unit)) if self.as_text => {
                let at = text.trim().parse::<f64>().ok().and_then(|n| unix(n, unit));
                at.map(|at| Some(SourceTime { at, zone: Zone::Given })).ok_or_else(unreadable)
            }
            (Value::String(text), None) => time(text, rule.zone).map(Some).ok_or_else(unreadable),
            _ => Err(unreadable()),
        };
        if read.is_err() {
            judged.facts.push(("time got".to_owned(), form(&value)));
        }
        read
    }

    fn keep_facts(&self, row: &Row, judged: &mut Judged) {
        for name in &self.facts {
            let value = match row.get(&format!("{FACT}{name}")) {
                Some(Outcome::Value(Value::Null)) | Some(Outcome::Nothing) | None => continue,
                Some(Outcome::Value(value)) => short(value),
                Some(Outcome::Several(_)) => "several values".to_owned(),
                Some(Outcome::Failed(failed)) => format!("not readable: {}", failed.why),
            };
            judged.facts.push((name.clone(), value));
        }
    }

    fn sentence(&self, row: &Row, worst: &Worst, word: Option<String>) -> String {
        let detail = match row.get(DETAIL) {
            Some(Outcome::Value(value)) if self.detail && !value.is_null() => short(value),
            _ => String::new(),
        };
        let said = match (worst.said.is_empty(), word) {
            (false, _) => worst.said.join("; "),
            (true, Some(word)) => format!("vendor says `{word}`"),
            (true, None) if detail.is_empty() => "as expected".to_owned(),
            (true, None) => String::new(),
        };
        match (said.is_empty(), detail.is_empty()) {
            (true, _) => detail,
            (false, true) => said,
            (false, false) => format!("{said}: {detail}"),
        }
    }
}

/// The value that was picked under `name`, or why there is none; what a failed expression got is
/// kept as evidence.
fn picked(row: &Row, name: &str, shown: &str, judged: &mut Judged) -> Result<Value, String> {
    match row.get(name) {
        Some(Outcome::Value(value)) => Ok(value.clone()),
        Some(Outcome::Nothing) | None => Ok(Value::Null),
        Some(several @ Outcome::Several(_)) => {
            judged.facts.push((format!("{shown} got"), several.form()));
            Err(format!("{shown} gives several values where one is meant"))
        }
        Some(Outcome::Failed(failed)) => {
            judged.facts.push((format!("{shown} got"), failed.got.clone()));
            Err(format!("{shown} cannot be read: {}", failed.why))
        }
    }
}

/// The key of `row`; `None` where there is none that can be read.
pub(super) fn key_of(row: &Row) -> Option<String> {
    match row.get(KEY)? {
        Outcome::Value(Value::String(text)) => {
            Some(text.trim().to_owned()).filter(|text| !text.is_empty())
        }
        Outcome::Value(Value::Number(number)) => Some(number.to_string()),
        Outcome::Value(_) | Outcome::Nothing | Outcome::Several(_) | Outcome::Failed(_) => None,
    }
}

/// A value as it may be shown.
fn short(value: &Value) -> String {
    let text = match value {
        Value::String(text) => Clean::new(text).as_str().to_owned(),
        other => other.to_string(),
    };
    let mut cut: String = text.chars().take(SHOWN).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

/// A number as a file writes it.
fn finite(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|number| number.is_finite())
}

fn unix(number: f64, unit: UnixTime) -> Option<Timestamp> {
    let seconds = match unit {
        UnixTime::Seconds => number,
        UnixTime::Milliseconds => number / 1_000.0,
    };
    // Before 1990 or after 2100 the unit is wrong.
    if !(631_152_000.0..4_102_444_800.0).contains(&seconds) {
        return None;
    }
    Timestamp::from_duration(jiff::SignedDuration::from_secs_f64(seconds)).ok()
}

/// A time as written: with an offset or `Z` it is what it says; without one it is read in `zone`,
/// where one is set. Also takes `dd/mm/yyyy hh:mm[:ss]`.
pub(super) fn time(text: &str, zone: ZoneRule) -> Option<SourceTime> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(SourceTime { at, zone: Zone::Given });
    }
    let zone = match zone {
        ZoneRule::Given => return None,
        ZoneRule::Utc => TimeZone::UTC,
        ZoneRule::London => london(),
    };
    let written = text.parse::<DateTime>().ok().or_else(|| {
        let formats = ["%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M"];
        formats.into_iter().find_map(|format| DateTime::strptime(format, text).ok())
    })?;
    let at = zone.to_ambiguous_timestamp(written).earlier().ok()?;
    // The hour that spring skips stands for no moment at all.
    (at.to_zoned_datetime(zone).datetime() == written)
        .then_some(SourceTime { at, zone: Zone::Assumed })
}
