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
//!
//! `trust = 1` instead of `nth` means every school of a trust. A file may train as well: see
//! [`crate::simulators::training`].

use std::collections::BTreeSet;

use serde::Deserialize;
use toml::Spanned;

use crate::model::ids::Laestab;
use crate::model::nearest::nearest;
use crate::model::span::Span;
use crate::model::training::Training;
use crate::simulators::fault::Fault;
use crate::simulators::groupcall::GroupcallFault;
use crate::simulators::invented::{Invented, SERVICES};
use crate::simulators::own_ways::OwnFault;
use crate::simulators::redstor_faults::RedstorFault;
use crate::simulators::scenario::Scenario;
use crate::simulators::training::{self, Setting};
use crate::simulators::ways::Way;
use crate::simulators::welearn365::GraphFault;
use crate::simulators::whom::{Keys, Whom};

/// Faults of one file; more are no scenario but a mistake.
const MOST: usize = 1_000;

/// A fault of every vendor's, as a file writes it.
const EVERYWHERE: [&str; 10] = [
    "down",
    "slow:MILLISECONDS",
    "status:CODE",
    "html_200",
    "error_inside_200",
    "truncated",
    "half_sent",
    "empty_200",
    "unauthorised",
    "throttled:SECONDS",
];

/// Why a scenario file was refused: line, key, what is wrong, and the name that was meant where one
/// is near.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct ScriptError {
    /// From 1.
    pub line: usize,
    /// The key and what is wrong with it.
    pub why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    begins_as: Option<Spanned<String>>,
    #[serde(default)]
    fault: Vec<Written>,
    #[serde(default)]
    training: Option<Spanned<training::Written>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    on: Spanned<String>,
    #[serde(default)]
    school: Option<Spanned<Laestab>>,
    #[serde(default)]
    nth: Option<Spanned<usize>>,
    #[serde(default)]
    trust: Option<Spanned<usize>>,
    what: Spanned<String>,
    #[serde(default)]
    from: Span,
    #[serde(default)]
    until: Option<Spanned<Span>>,
}

/// One way to go wrong, whoever's it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Any(Fault),
    Microsoft(GraphFault),
    Groupcall(GroupcallFault),
    Redstor(RedstorFault),
    Own(OwnFault),
}

/// A step of a scenario file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) on: String,
    pub(super) whom: Whom,
    pub(super) what: What,
    lines: Lines,
    from: Span,
    until: Option<Span>,
}

/// Where the file names what can only be looked up in an estate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lines {
    on: usize,
    whom: usize,
}

/// A scenario that was read from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    begins_as: Scenario,
    steps: Vec<Step>,
    /// Its part that trains, and the whole text, to tell lines.
    training: Option<(training::Written, String)>,
}

impl Script {
    /// Reads the text of a scenario file.
    ///
    /// # Errors
    /// When it is not TOML, has an unknown key, or names something that does not exist.
    pub fn read(text: &str) -> Result<Self, ScriptError> {
        let at = |offset: usize| text.get(..offset).map_or(1, |t| t.matches('\n').count() + 1);
        let file: File = toml::from_str(text).map_err(|e| misread(&e, at))?;
        let begins_as = match &file.begins_as {
            None => Scenario::Calm,
            Some(name) => name.get_ref().parse().map_err(|e: super::UnknownScenario| {
                let known = Scenario::ALL.map(Scenario::name);
                let why = meant(format!("begins_as: {e}"), nearest(name.get_ref(), known));
                ScriptError { line: at(name.span().start), why }
            })?,
        };
        if let Some(over) = file.fault.get(MOST) {
            let why = format!("fault: there are more than {MOST}");
            return Err(ScriptError { line: at(over.on.span().start), why });
        }
        let steps = file.fault.into_iter().map(|written| {
            written.step(at).map_err(|(offset, why)| ScriptError { line: at(offset), why })
        });
        let steps = steps.collect::<Result<_, _>>()?;
        let training = file.training.map(|training| {
            let begins = training.span().start;
            let training = training.into_inner();
            match training.check(begins) {
                Ok(()) => Ok((training, text.to_owned())),
                Err((offset, why)) => Err(ScriptError { line: at(offset), why }),
            }
        });
        Ok(Self { begins_as, steps, training: training.transpose()? })
    }

    /// The training of this file in an estate; `None` if the file does not train.
    ///
    /// # Errors
    /// When it expects something of a school or trust that this estate does not have.
    pub fn training(&self, invented: &Invented) -> Result<Option<Training>, ScriptError> {
        let Some((written, text)) = &self.training else { return Ok(None) };
        written.within(invented).map(Some).map_err(|(offset, why)| {
            let line = text.get(..offset).map_or(1, |t| t.matches('\n').count() + 1);
            ScriptError { line, why }
        })
    }

    /// What its training asks of the configuration.
    #[must_use]
    pub fn setting(&self) -> Setting {
        self.training.as_ref().map(|(written, _)| written.setting()).unwrap_or_default()
    }

    pub(super) fn written(&self) -> Option<&training::Written> {
        self.training.as_ref().map(|(written, _)| written)
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
    /// The schools that are meant in this estate, `None` for all; an error where there is none, or no
    /// such endpoint among `victims`.
    pub(super) fn whom_in(
        &self,
        invented: &Invented,
        victims: &BTreeSet<String>,
    ) -> Result<Vec<Option<Laestab>>, ScriptError> {
        let service = self.on.split_once('.').map_or(self.on.as_str(), |(s, _)| s);
        let refuse = |line: usize, why: String| ScriptError { line, why };
        if !victims.contains(&self.on) {
            let why = format!("fault.on: {service} has no endpoint that is called {:?}", self.on);
            let near = nearest(&self.on, victims.iter().map(String::as_str));
            return Err(refuse(self.lines.on, meant(why, near)));
        }
        let schools = self.whom.among("fault", service, invented);
        let schools = schools.map_err(|why| refuse(self.lines.whom, why))?;
        Ok(schools.map_or_else(|| vec![None], |all| all.into_iter().map(Some).collect()))
    }
}

impl Written {
    /// The step, or where in the text it cannot be understood and why.
    fn step(self, line_at: impl Fn(usize) -> usize) -> Result<Step, (usize, String)> {
        let on = self.on.get_ref().as_str();
        let service = on.split_once('.').map_or(on, |(s, _)| s);
        if !SERVICES.contains(&service) {
            let why = format!("fault.on: {on:?} is no service, nor an endpoint of one");
            return Err((self.on.span().start, meant(why, nearest(service, SERVICES))));
        }
        let keys = Keys {
            school: self.school.as_ref(),
            nth: self.nth.as_ref(),
            trust: self.trust.as_ref(),
        };
        let (whom, place) = keys.whom("fault")?;
        let place = place.unwrap_or(self.on.span().start);
        let until = match &self.until {
            Some(until) if *until.get_ref() <= self.from => {
                let why = "fault.until: must be later than from";
                return Err((until.span().start, why.to_owned()));
            }
            until => until.as_ref().map(|until| *until.get_ref()),
        };
        let (at, name) = (self.what.span().start, self.what.get_ref().as_str());
        let what = what(on, service, name).ok_or_else(|| (at, no_such_way(on, service, name)))?;
        let of_all = match what {
            What::Microsoft(_) => true,
            What::Own(fault) => !fault.is_of_a_school(),
            What::Any(_) | What::Groupcall(_) | What::Redstor(_) => false,
        };
        if of_all && whom != Whom::All {
            return Err((at, format!("fault.what: {name:?} cannot be put on one school")));
        }
        let lines = Lines { on: line_at(self.on.span().start), whom: line_at(place) };
        Ok(Step { on: on.to_owned(), whom, what, lines, from: self.from, until })
    }
}

/// What TOML says, with the line, and with the key that was meant where another was written.
fn misread(error: &toml::de::Error, line_at: impl Fn(usize) -> usize) -> ScriptError {
    let said = error.message();
    let mut ticked = said.split('`').skip(1).step_by(2);
    let near = match said.starts_with("unknown field") {
        true => ticked.next().and_then(|name| nearest(name, ticked)),
        false => None,
    };
    let line = error.span().map_or(1, |span| line_at(span.start));
    ScriptError { line, why: meant(said.to_owned(), near) }
}

fn meant(why: String, near: Option<String>) -> String {
    near.map_or(why.clone(), |near| format!("{why} (did you mean `{near}`?)"))
}

fn no_such_way(on: &str, service: &str, name: &str) -> String {
    let word = name.split_once(':').map_or(name, |(word, _)| word);
    let forms = EVERYWHERE.map(|form| (form.split_once(':').map_or(form, |(w, _)| w), form));
    let own = own_names(on, service);
    let known = own.iter().map(String::as_str).chain(forms.map(|(word, _)| word));
    let near = nearest(word, known)
        .map(|near| forms.iter().find(|(w, _)| *w == near).map_or(near, |(_, f)| (*f).to_owned()));
    let why = format!("fault.what: {on} has no way to go wrong that is called {name:?}");
    meant(why, near)
}

/// The names of the ways that are `on`'s own, and those of the service that it belongs to.
fn own_names(on: &str, service: &str) -> Vec<String> {
    fn names<W: Way>() -> Vec<String> {
        W::ALL.iter().map(|way| way.name()).collect()
    }
    let of_service = match service {
        "welearn365" => names::<GraphFault>(),
        "groupcall" => names::<GroupcallFault>(),
        "redstor" => names::<RedstorFault>(),
        _ => Vec::new(),
    };
    [of_service, OwnFault::names(on)].concat()
}

/// A way of `on`'s own or of its service's, or one of every vendor's.
fn what(on: &str, service: &str, name: &str) -> Option<What> {
    let of_service = match service {
        "welearn365" => GraphFault::named(name).ok().map(What::Microsoft),
        "groupcall" => GroupcallFault::named(name).ok().map(What::Groupcall),
        "redstor" => RedstorFault::named(name).ok().map(What::Redstor),
        _ => None,
    };
    let own = || OwnFault::named(on, name).map(What::Own);
    of_service.or_else(own).or_else(|| any(name).map(What::Any))
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
    fn what_does_not_exist_is_refused_with_line_key_and_nearest_name() {
        let of = |text: &str| Script::read(text).err().map(|e| e.to_string()).unwrap_or_default();
        for (text, line, part) in [
            ("begins_as = \"strom\"", 1, "begins_as: there is no scenario \"strom\""),
            ("begins_as = \"strom\"", 1, "(did you mean `storm`?)"),
            ("\nfaults = []", 2, "unknown field `faults`"),
            ("\nfaults = []", 2, "(did you mean `fault`?)"),
            ("[[fault]]\non = \"groupcall\"", 1, "missing field `what`"),
            ("[[fault]]\non = \"groupcal\"\nwhat = \"down\"", 2, "fault.on: \"groupcal\" is no"),
            ("[[fault]]\non = \"groupcal\"\nwhat = \"down\"", 2, "(did you mean `groupcall`?)"),
            ("[[fault]]\non = \"groupcall\"\nwhat = \"shrunk\"", 3, "fault.what: groupcall has no"),
            ("[[fault]]\non = \"redstor\"\nwhat = \"status:9\"", 3, "mean `status:CODE`?)"),
            ("[[fault]]\non = \"redstor\"\nwhat = \"slow\"", 3, "mean `slow:MILLISECONDS`?)"),
            ("[[fault]]\non = \"redstor\"\nwhat = \"shrunken\"", 3, "mean `shrunk`?)"),
            ("[[fault]]\non = \"welearn365\"\nwhat = \"sync_lat\"", 3, "mean `sync_late`?)"),
            (
                "[[fault]]\non = \"redstor\"\nnth = 0\nwhat = \"down\"",
                3,
                "fault.nth: counts from 1",
            ),
            (
                "[[fault]]\non = \"redstor\"\nnth = 1\nschool = \"9992001\"\nwhat = \"down\"",
                3,
                "not both",
            ),
            (
                "[[fault]]\non = \"redstor\"\nwhat = \"down\"\nfrom = \"2m\"\nuntil = \"2m\"",
                5,
                "fault.until: must be later than from",
            ),
            (
                "[[fault]]\non = \"welearn365\"\nnth = 1\nwhat = \"sync_late\"",
                4,
                "fault.what: \"sync_late\" cannot be put on one school",
            ),
            ("[[fault]]\non = \"redstor\"\nwhat = \"down\"\nutil = \"2m\"", 4, "mean `until`?)"),
        ] {
            let refused = of(text);
            assert!(refused.starts_with(&format!("line {line}: ")), "{text}: {refused}");
            assert!(refused.contains(part), "{text}: {refused}");
        }
        let far = of("[[fault]]\non = \"just2easy\"\nwhat = \"sync_late\"");
        assert!(!far.contains("did you mean"), "another service's way is not near: {far}");
    }

    #[test]
    fn every_form_that_is_told_can_be_written() {
        for form in EVERYWHERE {
            let (word, number) = form.split_once(':').map_or((form, false), |(w, _)| (w, true));
            let name = if number { format!("{word}:503") } else { word.to_owned() };
            assert!(any(&name).is_some(), "{form}");
        }
    }
}
