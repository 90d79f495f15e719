//! Applying a connector's expressions, and leaving alone those that do not end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::reading::{DETAIL, FACT, HEALTH, KEY, NUMBER, Rules, TIME};
use super::rows::Sorted;
use super::settings::{Asks, KeyBy, KeyRule};
use super::template::is_param;
use super::{Refused, refuse};
use crate::services::answer::Trouble;
use crate::services::declared::jq::{Broken, Evaluated, Pool, Program, check};
use crate::transport::Trace;

/// How long an expression that did not end is left alone.
const REST: SignedDuration = SignedDuration::from_hours(1);

/// Everything that is picked out of an answer.
pub(super) struct Picks<'a> {
    pub(super) rules: Rules<'a>,
    pub(super) key: Option<&'a KeyRule>,
}

/// How one value is picked: key in the settings, name in a row, and the three ways.
pub(super) struct Picked<'a> {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) jq: Option<&'a str>,
    pub(super) column: Option<&'a str>,
    pub(super) after: Option<&'a str>,
}

impl<'a> Picks<'a> {
    /// Every value that is picked.
    pub(super) fn all(&self) -> Vec<Picked<'a>> {
        let mut all = Vec::new();
        let mut add = |key: String, name: String, of: [Option<&'a String>; 3]| {
            let [jq, column, after] = of.map(|text| text.map(String::as_str));
            all.push(Picked { key, name, jq, column, after });
        };
        if let Some(h) = self.rules.health {
            add(HEALTH.into(), HEALTH.into(), [h.jq.as_ref(), h.column.as_ref(), None]);
        }
        if let Some(t) = self.rules.time {
            let of = [t.jq.as_ref(), t.column.as_ref(), t.after.as_ref()];
            add(TIME.into(), TIME.into(), of);
        }
        if let Some(d) = self.rules.detail {
            let of = [d.jq.as_ref(), d.column.as_ref(), d.after.as_ref()];
            add(DETAIL.into(), DETAIL.into(), of);
        }
        if let Some(k) = self.key {
            let of = [k.jq.as_ref(), k.column.as_ref(), k.after.as_ref()];
            add(KEY.into(), KEY.into(), of);
        }
        for (name, n) in self.rules.numbers {
            let of = [n.jq.as_ref(), n.column.as_ref(), n.after.as_ref()];
            add(format!("{NUMBER}{name}"), format!("{NUMBER}{name}"), of);
        }
        for (name, f) in self.rules.facts {
            let of = [f.jq.as_ref(), f.column.as_ref(), f.after.as_ref()];
            add(format!("{FACT}{name}"), format!("{FACT}{name}"), of);
        }
        all
    }

    /// That the names of numbers and facts can be shown.
    pub(super) fn check_names(&self) -> Result<(), Refused> {
        let names = self.rules.numbers.keys().map(|n| (NUMBER, n));
        let names = names.chain(self.rules.facts.keys().map(|n| (FACT, n)));
        for (at, name) in names {
            if name.is_empty() || name.chars().count() > 40 || name.chars().any(char::is_control) {
                return Err(refuse(&format!("{at}{name}"), "is not a name of up to 40 characters"));
            }
        }
        Ok(())
    }
}

/// The expressions of `picks` as a program for each row, where every value comes by jq.
pub(super) fn expressions(picks: &Picks<'_>) -> Result<Program, Refused> {
    picks.check_names()?;
    let mut each = BTreeMap::new();
    for picked in picks.all() {
        let Some(code) = picked.jq.filter(|_| picked.column.or(picked.after).is_none()) else {
            return Err(refuse(&picked.key, "needs jq, and nothing beside it, to read JSON"));
        };
        check(code).map_err(|why| refuse(&format!("{}.jq", picked.key), why))?;
        each.insert(picked.name, code.to_owned());
    }
    Ok(Program { each, ..Program::default() })
}

/// That rows and key fit the scope; `jq`: rows are given by an expression.
pub(super) fn check_rows(
    scope: Asks,
    rows: Option<&str>,
    key: Option<&KeyRule>,
    jq: bool,
) -> Result<(), Refused> {
    if let Some(code) = rows {
        if !jq {
            return Err(refuse("rows", "only JSON has rows by jq; the rows of CSV are its lines"));
        }
        check(code).map_err(|why| refuse("rows", why))?;
    }
    match scope {
        Asks::Bulk if jq && rows.is_none() => {
            return Err(refuse("rows", "scope is bulk: say which rows are about schools"));
        }
        Asks::Bulk if key.is_none() => {
            return Err(refuse("key", "scope is bulk: say which school a row is about"));
        }
        Asks::Estate if key.is_some() => {
            return Err(refuse("key", "scope is estate: the answer is about no school"));
        }
        Asks::Bulk | Asks::Estate | Asks::School => {}
    }
    match key {
        None => Ok(()),
        Some(KeyRule { by: KeyBy::Param, param: Some(name), .. }) if is_param(name) => Ok(()),
        Some(KeyRule { by: KeyBy::Param, .. }) => {
            Err(refuse("key.param", "give the part after the dot of a column, such as id"))
        }
        Some(KeyRule { param: Some(_), .. }) => {
            Err(refuse("key.param", "is only for by = \"param\""))
        }
        Some(_) => Ok(()),
    }
}

/// Applies expressions for one connector.
pub(super) struct Evaluator {
    /// The connector, for the log.
    pub(super) name: String,
    pool: Arc<Pool>,
    limit: Duration,
    paused: Mutex<Option<(Timestamp, String)>>,
    stray: Mutex<Option<String>>,
    trace: Option<Trace>,
}

impl Evaluator {
    pub(super) fn new(name: &str, pool: &Arc<Pool>, limit: Duration, trace: Option<Trace>) -> Self {
        let (name, pool) = (name.to_owned(), pool.clone());
        let (paused, stray) = (Mutex::default(), Mutex::default());
        Self { name, pool, limit, paused, stray, trace }
    }

    /// Keeps what rows are about nobody of ours, for the list of what is not watched, and tells it
    /// to a person who listens.
    pub(super) fn sorted(&self, sorted: &Sorted) {
        *self.stray.lock().unwrap_or_else(PoisonError::into_inner) = sorted.stray();
        if let Some(trace) = &self.trace {
            trace.note(&format!(
                "{} rows: {} schools of ours, {} of no school of ours, {} without a key{}",
                sorted.rows,
                sorted.schools.len(),
                sorted.strangers,
                sorted.keyless,
                match &sorted.first_keyless {
                    Some(form) => format!("; the first of these has {form}"),
                    None => String::new(),
                }
            ));
        }
    }

    /// What the last answer told of nobody of ours.
    pub(super) fn stray(&self) -> Option<String> {
        self.stray.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// That nothing is paused at `now`.
    pub(super) fn not_paused(&self, now: Timestamp) -> Result<(), Trouble> {
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((since, why)) = &*paused else { return Ok(()) };
        // A clock that was set back must not keep it paused for ever.
        if *since <= now && now.duration_since(*since) < REST {
            return Err(self.overrun(why));
        }
        *paused = None;
        Ok(())
    }

    fn overrun(&self, why: &str) -> Trouble {
        Trouble::malformed(format!(
            "{why}: paused for an hour; mend the expressions of [connectors.{}]",
            self.name
        ))
    }

    /// Applies `program` to `body`.
    pub(super) async fn apply(
        &self,
        program: &Program,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Evaluated, Trouble> {
        match self.pool.apply(program, body, self.limit).await {
            Ok(evaluated) => {
                self.tell_failures(program, &evaluated);
                Ok(evaluated)
            }
            Err(broken @ (Broken::Late(_) | Broken::Died)) => {
                let why = format!("a jq expression {broken}");
                tracing::warn!(
                    connector = %self.name, killed = self.pool.killed(),
                    "{why}: it was killed and is paused"
                );
                let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
                *paused = Some((now, why.clone()));
                Err(self.overrun(&why))
            }
            Err(broken @ (Broken::Syntax(_) | Broken::NoChild(_))) => {
                Err(Trouble::malformed(format!("a jq expression {broken}")))
            }
        }
    }

    /// To a person who listens: which expressions failed, and the shape of what they got.
    fn tell_failures(&self, program: &Program, evaluated: &Evaluated) {
        use crate::services::declared::jq::Outcome;
        let Some(trace) = &self.trace else { return };
        if let Err(failed) = &evaluated.rows {
            let code = program.rows.as_deref().unwrap_or_default();
            trace.note(&format!("rows `{code}` failed: {}; it got {}", failed.why, failed.got));
        }
        let rows = evaluated.rows.iter().flatten().take(3);
        for (name, outcome) in evaluated.whole.iter().chain(rows.flatten()) {
            let code = program.whole.get(name).or_else(|| program.each.get(name));
            let code = code.map(String::as_str).unwrap_or_default();
            match outcome {
                Outcome::Failed(failed) => trace.note(&format!(
                    "{name} `{code}` failed: {}; it got {}",
                    failed.why, failed.got
                )),
                Outcome::Several(_) => {
                    trace.note(&format!("{name} `{code}` gives {}", outcome.form()));
                }
                Outcome::Nothing => trace.note(&format!("{name} `{code}` gives nothing")),
                Outcome::Value(_) => {}
            }
        }
    }
}
