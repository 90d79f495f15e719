//! Scenario files: what goes wrong with which vendor, for whom, and when. Each way has a name.
//!
//! ```toml
//! begins_as = "calm"              # or morning, storm
//!
//! [[fault]]
//! on = "groupcall"                # a service, or one of its endpoints: "groupcall.idaas"
//! school = "9992001"              # of one school; or nth = 3, the third that takes the service
//! what = "paused_by_flag"         # of the vendor's own, or of every vendor's: "status:503"
//! from = "30s"                    # since the start; at once if not set
//! until = "5m"                    # for good if not set
//! ```

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::model::ids::Laestab;
use crate::model::span::Span;
use crate::simulators::fault::Fault;
use crate::simulators::groupcall::GroupcallFault;
use crate::simulators::invented::{Invented, SERVICES};
use crate::simulators::redstor_faults::RedstorFault;
use crate::simulators::scenario::Scenario;
use crate::simulators::ways::Way;
use crate::simulators::welearn365::GraphFault;

/// Faults of one file; more are no scenario but a mistake.
const MOST: usize = 1_000;

/// Why a scenario file was refused: the line or the fault, and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScriptError(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    begins_as: Option<String>,
    #[serde(default)]
    fault: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    on: String,
    #[serde(default)]
    school: Option<Laestab>,
    #[serde(default)]
    nth: Option<usize>,
    what: String,
    #[serde(default)]
    from: Span,
    #[serde(default)]
    until: Option<Span>,
}

/// One way to go wrong, whoever's it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Any(Fault),
    Microsoft(GraphFault),
    Groupcall(GroupcallFault),
    Redstor(RedstorFault),
}

/// A step of a scenario file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) on: String,
    pub(super) whom: Whom,
    pub(super) what: What,
    from: Span,
    until: Option<Span>,
}

/// Whom a step is put on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whom {
    All,
    School(Laestab),
    /// The nth school that takes the service, from 1.
    Nth(usize),
}

/// A scenario that was read from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    begins_as: Scenario,
    steps: Vec<Step>,
}

impl Script {
    /// Reads the text of a scenario file.
    ///
    /// # Errors
    /// When it is not TOML, has an unknown key, or names something that does not exist.
    pub fn read(text: &str) -> Result<Self, ScriptError> {
        let file: File = toml::from_str(text).map_err(|e| ScriptError(e.to_string()))?;
        let begins_as = match &file.begins_as {
            None => Scenario::Calm,
            Some(name) => name
                .parse()
                .map_err(|e: super::UnknownScenario| ScriptError(format!("begins_as: {e}")))?,
        };
        if file.fault.len() > MOST {
            return Err(ScriptError(format!("more than {MOST} faults")));
        }
        let steps = file.fault.into_iter().zip(1..).map(|(written, n)| {
            written.step().map_err(|why| ScriptError(format!("fault {n}: {why}")))
        });
        Ok(Self { begins_as, steps: steps.collect::<Result<_, _>>()? })
    }

    /// The scenario that it begins as.
    #[must_use]
    pub fn begins_as(&self) -> Scenario {
        self.begins_as
    }

    /// The steps in force `elapsed` seconds after the start, by their place.
    pub(super) fn in_force(&self, elapsed: i64) -> BTreeSet<usize> {
        let is = |step: &Step| {
            elapsed >= step.from.as_secs_i64()
                && step.until.is_none_or(|until| elapsed < until.as_secs_i64())
        };
        self.steps.iter().enumerate().filter(|(_, s)| is(s)).map(|(n, _)| n).collect()
    }

    pub(super) fn step(&self, place: usize) -> Option<&Step> {
        self.steps.get(place)
    }
}

impl Step {
    /// The school that is meant in this estate; `None` for all, an error where there is none.
    pub(super) fn school(&self, invented: &Invented) -> Result<Option<Laestab>, ScriptError> {
        let service = self.on.split_once('.').map_or(self.on.as_str(), |(s, _)| s);
        match self.whom {
            Whom::All => Ok(None),
            Whom::School(l) => match invented.takers(service).any(|(s, _)| s.laestab == l) {
                true => Ok(Some(l)),
                false => Err(ScriptError(format!("no school {l} takes {service} here"))),
            },
            Whom::Nth(n) => invented
                .takers(service)
                .nth(n.saturating_sub(1))
                .map(|(s, _)| Some(s.laestab))
                .ok_or_else(|| ScriptError(format!("fewer than {n} schools take {service} here"))),
        }
    }
}

impl Written {
    fn step(self) -> Result<Step, String> {
        let service = self.on.split_once('.').map_or(self.on.as_str(), |(s, _)| s);
        if !SERVICES.contains(&service) {
            return Err(format!("on = {:?}: there are {}", self.on, SERVICES.join(", ")));
        }
        let whom = match (self.school, self.nth) {
            (None, None) => Whom::All,
            (Some(school), None) => Whom::School(school),
            (None, Some(0)) => return Err("nth counts from 1".to_owned()),
            (None, Some(n)) => Whom::Nth(n),
            (Some(_), Some(_)) => return Err("write school or nth, not both".to_owned()),
        };
        if self.until.is_some_and(|until| until <= self.from) {
            return Err("until must be later than from".to_owned());
        }
        let what = what(service, &self.what).ok_or_else(|| {
            format!("what = {:?}: {service} has no such way to go wrong", self.what)
        })?;
        if matches!(what, What::Microsoft(_)) && whom != Whom::All {
            return Err(format!("what = {:?} cannot be put on one school", self.what));
        }
        Ok(Step { on: self.on, whom, what, from: self.from, until: self.until })
    }
}

/// A way of `service`'s own, or one of every vendor's.
fn what(service: &str, name: &str) -> Option<What> {
    let own = match service {
        "welearn365" => name.parse().ok().map(What::Microsoft),
        "groupcall" => GroupcallFault::named(name).ok().map(What::Groupcall),
        "redstor" => RedstorFault::named(name).ok().map(What::Redstor),
        _ => None,
    };
    own.or_else(|| any(name).map(What::Any))
}

/// A fault of every vendor's: a word, for some with a number behind a colon.
fn any(name: &str) -> Option<Fault> {
    let (word, number) = match name.split_once(':') {
        Some((word, number)) => (word, Some(number)),
        None => (name, None),
    };
    match (word, number) {
        ("down", None) => Some(Fault::Down),
        ("slow", Some(ms)) => ms.parse().ok().map(Fault::Slow),
        ("status", Some(code)) => {
            code.parse().ok().filter(|c| (100..600).contains(c)).map(Fault::Status)
        }
        ("html_200", None) => Some(Fault::Html200),
        ("error_inside_200", None) => Some(Fault::ErrorInside200),
        ("truncated", None) => Some(Fault::Truncated),
        ("half_sent", None) => Some(Fault::HalfSent),
        ("empty_200", None) => Some(Fault::Empty200),
        ("unauthorised", None) => Some(Fault::Unauthorised),
        ("throttled", Some(seconds)) => seconds.parse().ok().map(Fault::Throttled),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_faults_of_every_vendor_and_of_its_own() {
        let script = Script::read(
            "begins_as = \"morning\"\n\
             [[fault]]\non = \"groupcall\"\nnth = 3\nwhat = \"paused_by_flag\"\nuntil = \"5m\"\n\
             [[fault]]\non = \"redstor.redapi\"\nwhat = \"throttled:30\"\nfrom = \"30s\"\n\
             [[fault]]\non = \"redstor\"\nschool = \"9992001\"\nwhat = \"shrunk\"\n\
             [[fault]]\non = \"welearn365\"\nwhat = \"sync_late\"\n\
             [[fault]]\non = \"just2easy\"\nwhat = \"status:503\"\nfrom = \"10s\"\nuntil = \"20s\"\n",
        )
        .unwrap();
        assert_eq!(script.begins_as(), Scenario::Morning);
        let whats: Vec<What> = script.steps.iter().map(|s| s.what).collect();
        assert_eq!(whats[0], What::Groupcall(GroupcallFault::PausedByFlag));
        assert_eq!(whats[1], What::Any(Fault::Throttled(30)));
        assert_eq!(whats[2], What::Redstor(RedstorFault::Shrunk));
        assert_eq!(whats[4], What::Any(Fault::Status(503)));
        let at = |elapsed| script.in_force(elapsed).into_iter().collect::<Vec<_>>();
        assert_eq!(at(0), [0, 2, 3]);
        assert_eq!(at(10), [0, 2, 3, 4]);
        assert_eq!(at(20), [0, 2, 3]);
        assert_eq!(at(299), [0, 1, 2, 3]);
        assert_eq!(at(300), [1, 2, 3]);
    }

    #[test]
    fn what_does_not_exist_is_refused_with_its_place() {
        for (text, part) in [
            ("begins_as = \"stormy\"", "begins_as: there is no scenario"),
            ("faults = []", "unknown field `faults`"),
            ("[[fault]]\non = \"groupcall\"", "missing field `what`"),
            ("[[fault]]\non = \"groupcal\"\nwhat = \"down\"", "fault 1: on = \"groupcal\""),
            ("[[fault]]\non = \"groupcall\"\nwhat = \"shrunk\"", "groupcall has no such way"),
            ("[[fault]]\non = \"redstor\"\nwhat = \"status:9\"", "redstor has no such way"),
            ("[[fault]]\non = \"redstor\"\nwhat = \"slow\"", "redstor has no such way"),
            ("[[fault]]\non = \"redstor\"\nnth = 0\nwhat = \"down\"", "nth counts from 1"),
            (
                "[[fault]]\non = \"redstor\"\nnth = 1\nschool = \"9992001\"\nwhat = \"down\"",
                "not both",
            ),
            (
                "[[fault]]\non = \"redstor\"\nwhat = \"down\"\nfrom = \"2m\"\nuntil = \"2m\"",
                "later than from",
            ),
            ("[[fault]]\non = \"welearn365\"\nnth = 1\nwhat = \"sync_late\"", "one school"),
            ("[[fault]]\non = \"redstor\"\nwhat = \"down\"\nat = \"2m\"", "unknown field `at`"),
        ] {
            let refused = Script::read(text).err().map(|e| e.to_string()).unwrap_or_default();
            assert!(refused.contains(part), "{text}: {refused}");
        }
    }
}
