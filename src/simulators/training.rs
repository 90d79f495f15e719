//! The part of a scenario file that trains: brief, hints, what the board comes to show, what is wanted.
//!
//! ```toml
//! [training]
//! title = "a line for the list"
//! brief = ["what the desk is told at the start", "a paragraph each"]   # {school} and {laestab}
//!                                 # are those of the first root
//! hints = ["one at a time, when asked for"]
//! closed = true                   # every school is closed for half-term
//!
//! [training.ends]                 # credentials, and in how many days they end; 0 is today
//! redstor = -1
//!
//! [[training.expects]]            # a cell that the trouble turns
//! row = "estate"                  # or school, nth, trust as in a fault
//! of = "groupcall"                # what nth and trust count by; the service itself if not set
//! service = "just2easy"
//! health = "unknown"              # ok, warning, critical, unknown
//! reason = "unauthorised"         # of unknown
//! words = "refused"               # words of its sentence; any if not set
//! root = true                     # the trouble itself; without it, what follows from it
//!
//! [[training.wants]]              # an action that is the answer
//! action = "desk.raise_ticket"
//! why = "a sentence"
//!
//! [[training.mistakes]]           # an action that is wrong here
//! action = "groupcall.resync"
//! why = "a sentence"
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::model::cell::Row;
use crate::model::desk::CellName;
use crate::model::health::{Health, Reason};
use crate::model::ids::Laestab;
use crate::model::nearest::nearest;
use crate::model::school::School;
use crate::model::text::Clean;
use crate::model::training::{Deed, Promise, Training};
use crate::simulators::invented::{Invented, SERVICES, service_key};
use crate::simulators::script::{Script, ScriptError};
use crate::simulators::whom::{Keys, Whom};

/// Every training that the program holds: name and file.
const FILES: &[(&str, &str)] = &[
    ("xporter-trust", include_str!("trainings/xporter-trust.toml")),
    ("microsoft-outage", include_str!("trainings/microsoft-outage.toml")),
    ("controller-down", include_str!("trainings/controller-down.toml")),
    ("credential-ends", include_str!("trainings/credential-ends.toml")),
    ("silent-backup", include_str!("trainings/silent-backup.toml")),
    ("filter-open", include_str!("trainings/filter-open.toml")),
    ("compromised-account", include_str!("trainings/compromised-account.toml")),
    ("half-term", include_str!("trainings/half-term.toml")),
];

/// The names of all trainings, and what each is about in a line.
///
/// # Errors
/// When one of them cannot be read, which a test would have told.
pub fn trainings() -> Result<Vec<(&'static str, String)>, ScriptError> {
    let all = FILES.iter().map(|(name, text)| {
        let script = Script::read(text)?;
        let title = script.written().map(|written| written.title.clone()).unwrap_or_default();
        Ok((*name, title))
    });
    all.collect()
}

/// The training of this name; `None` if there is none.
///
/// # Errors
/// When it cannot be read, which a test would have told.
pub fn training(name: &str) -> Option<Result<Script, ScriptError>> {
    let (_, text) = FILES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim()))?;
    Some(Script::read(text))
}

/// What a training asks of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Setting {
    /// Every school is closed for half-term.
    pub closed: bool,
    /// Credentials by name, and in how many days each ends.
    pub ends: BTreeMap<String, i32>,
}

/// `[training]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) title: String,
    brief: Vec<String>,
    hints: Vec<String>,
    #[serde(default)]
    closed: bool,
    #[serde(default)]
    ends: BTreeMap<String, i32>,
    expects: Vec<Expected>,
    #[serde(default)]
    wants: Vec<WrittenDeed>,
    #[serde(default)]
    mistakes: Vec<WrittenDeed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDeed {
    action: String,
    why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[serde(default)]
    row: Option<Spanned<String>>,
    #[serde(default)]
    school: Option<Spanned<Laestab>>,
    #[serde(default)]
    nth: Option<Spanned<usize>>,
    #[serde(default)]
    trust: Option<Spanned<usize>>,
    #[serde(default)]
    of: Option<Spanned<String>>,
    service: Spanned<String>,
    health: Health,
    #[serde(default)]
    reason: Option<Reason>,
    #[serde(default)]
    words: String,
    #[serde(default)]
    root: bool,
}

/// Where in the text, and what is wrong there.
type Wrong = (usize, String);

impl Written {
    /// What it asks of the configuration.
    pub(super) fn setting(&self) -> Setting {
        Setting { closed: self.closed, ends: self.ends.clone() }
    }

    /// What is wrong with it whatever the estate; the offset is that of the section where a key has
    /// none.
    pub(super) fn check(&self, begins: usize) -> Result<(), Wrong> {
        let at_start = |why: &str| Err((begins, why.to_owned()));
        if self.title.is_empty() || self.title.contains('\n') {
            return at_start("training.title: one line, for the list of scenarios");
        }
        if self.brief.is_empty() {
            return at_start("training.brief: at least one paragraph, told at the start");
        }
        if self.hints.is_empty() {
            return at_start("training.hints: at least one");
        }
        if !self.expects.iter().any(|expected| expected.root) {
            return at_start("training.expects: at least one with root = true");
        }
        self.expects.iter().try_for_each(|expected| expected.whom().map(drop))
    }

    /// The training in this estate, or what in it does not exist here.
    pub(super) fn within(&self, invented: &Invented) -> Result<Training, Wrong> {
        let mut expects = Vec::new();
        for expected in &self.expects {
            expected.within(invented, &mut expects)?;
        }
        let first = expects.iter().find(|promise| promise.root).map(|promise| promise.cell.row);
        let school = match first {
            Some(Row::School(laestab)) => invented.school(laestab),
            _ => None,
        };
        let clean = |texts: &[String]| texts.iter().map(|text| filled(text, school)).collect();
        let deeds = |all: &[WrittenDeed]| {
            let deed = |d: &WrittenDeed| Deed { action: d.action.clone(), why: Clean::new(&d.why) };
            all.iter().map(deed).collect()
        };
        Ok(Training {
            title: Clean::new(&self.title),
            brief: clean(&self.brief),
            hints: clean(&self.hints),
            expects,
            wants: deeds(&self.wants),
            mistakes: deeds(&self.mistakes),
        })
    }
}

/// With the school's name and number where the text asks for them.
fn filled(text: &str, school: Option<&School>) -> Clean {
    let Some(school) = school else { return Clean::new(text) };
    let laestab = school.laestab.to_string();
    Clean::new(&text.replace("{school}", school.name.as_str()).replace("{laestab}", &laestab))
}

impl Expected {
    /// Whom it means; `None` for the estate.
    fn whom(&self) -> Result<Option<Whom>, Wrong> {
        for service in [Some(&self.service), self.of.as_ref()].into_iter().flatten() {
            if !SERVICES.contains(&service.get_ref().as_str()) {
                let near = nearest(service.get_ref(), SERVICES);
                let near = near.map(|near| format!(" (did you mean `{near}`?)"));
                let name = service.get_ref();
                let why = format!("training.expects.service: {name:?} is no service");
                return Err((service.span().start, why + &near.unwrap_or_default()));
            }
        }
        let at = self.service.span().start;
        if self.reason.is_some() != (self.health == Health::Unknown) {
            let why = "training.expects.reason: unknown has one, and nothing else has";
            return Err((at, why.to_owned()));
        }
        let keys = Keys {
            school: self.school.as_ref(),
            nth: self.nth.as_ref(),
            trust: self.trust.as_ref(),
        };
        let (whom, _) = keys.whom("training.expects")?;
        match (&self.row, whom) {
            (Some(row), Whom::All) if row.get_ref() == "estate" => Ok(None),
            (Some(row), _) => {
                let why = "training.expects.row: only \"estate\", without school, nth and trust";
                Err((row.span().start, why.to_owned()))
            }
            (None, Whom::All) => {
                let why = "training.expects: name row = \"estate\", school, nth or trust";
                Err((at, why.to_owned()))
            }
            (None, whom) => Ok(Some(whom)),
        }
    }

    fn within(&self, invented: &Invented, out: &mut Vec<Promise>) -> Result<(), Wrong> {
        let name = self.service.get_ref().as_str();
        let at = self.service.span().start;
        let Some(service) = service_key(name) else {
            return Err((at, format!("training.expects.service: {name:?} is no service")));
        };
        let promise = |row: Row, place: &str| Promise {
            cell: CellName { row, service: service.clone() },
            health: self.health,
            reason: self.reason,
            words: self.words.clone(),
            root: self.root,
            label: Clean::new(&format!("{place} / {name}")),
        };
        let Some(whom) = self.whom()? else {
            out.push(promise(Row::Estate, "whole estate"));
            return Ok(());
        };
        let of = self.of.as_ref().map_or(name, |of| of.get_ref().as_str());
        let schools = whom.among("training.expects", of, invented).map_err(|why| (at, why))?;
        for laestab in schools.unwrap_or_default() {
            // Another school of the trust may not take it.
            if invented.takers(name).any(|(school, _)| school.laestab == laestab) {
                let place = invented.school(laestab).map(|school| school.name.to_string());
                out.push(promise(Row::School(laestab), &place.unwrap_or_default()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulators::estate::invent;

    const GOOD: &str = "[training]\ntitle = \"a drill\"\nbrief = [\"{school} rings\"]\nhints = [\"look\"]\n\
                        [[training.expects]]\nnth = 2\nservice = \"redstor\"\nhealth = \"critical\"\nroot = true\n";

    #[test]
    fn every_training_of_the_program_can_be_read_and_played_in_a_small_estate_and_a_large_one() {
        for schools in [12, 250] {
            let invented = invent(schools, 3);
            for (name, _) in trainings().unwrap() {
                let script = training(name).unwrap().unwrap();
                let training = script.training(&invented).unwrap().unwrap();
                assert!(training.expects.iter().any(|promise| promise.root), "{name}");
                assert!(training.hints.len() >= 3, "{name}");
            }
        }
        assert!(training("Filter-Open").is_some() && training("no such").is_none());
    }

    #[test]
    fn the_brief_names_the_school_of_the_first_root() {
        let invented = invent(12, 3);
        let training = Script::read(GOOD).unwrap().training(&invented).unwrap().unwrap();
        let (second, _) = invented.takers("redstor").nth(1).unwrap();
        assert_eq!(training.brief[0].as_str(), format!("{} rings", second.name));
        assert_eq!(training.expects[0].cell.row, Row::School(second.laestab));
        assert!(
            Script::read("begins_as = \"calm\"").unwrap().training(&invented).unwrap().is_none()
        );
    }

    #[test]
    fn a_trust_is_every_school_of_it_that_takes_the_service() {
        let text = GOOD.replace("nth = 2", "trust = 1");
        let invented = invent(60, 1);
        let training = Script::read(&text).unwrap().training(&invented).unwrap().unwrap();
        let first = &invented.takers("redstor").find(|(s, _)| !s.trust.is_empty()).unwrap().0.trust;
        let own = invented.takers("redstor").filter(|(s, _)| s.trust == *first).count();
        assert!(own > 1, "the trust of the test has several schools");
        assert_eq!(training.expects.len(), own);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_what_was_meant() {
        let whole =
            |text: &str| Script::read(text).err().map(|e| e.to_string()).unwrap_or_default();
        for (from, to, words) in [
            ("title = \"a drill\"", "title = \"\"", "line 1: training.title: one line"),
            ("brief = [\"{school} rings\"]", "brief = []", "line 1: training.brief: at least one"),
            ("hints = [\"look\"]", "hints = []", "line 1: training.hints: at least one"),
            ("root = true", "root = false", "line 1: training.expects: at least one with root"),
            (
                "\"redstor\"",
                "\"redstore\"",
                "line 7: training.expects.service: \"redstore\" is no service (did you mean `redstor`?)",
            ),
            ("nth = 2", "nth = 0", "line 6: training.expects.nth: counts from 1"),
            (
                "nth = 2",
                "",
                "line 7: training.expects: name row = \"estate\", school, nth or trust",
            ),
            ("nth = 2", "nth = 2\ntrust = 1", "line 7: training.expects.trust: write nth or trust"),
            (
                "nth = 2",
                "nth = 2\nrow = \"estate\"",
                "line 7: training.expects.row: only \"estate\"",
            ),
            ("\"critical\"", "\"unknown\"", "line 7: training.expects.reason: unknown has one"),
            ("hints", "hint", "unknown field `hint`"),
            ("\"critical\"", "\"red\"", "line 8: "),
        ] {
            let told = whole(&GOOD.replace(from, to));
            assert!(told.contains(words), "{from} -> {to}: {told}");
        }
        let invented = invent(3, 1);
        let far = Script::read(&GOOD.replace("nth = 2", "nth = 9")).unwrap();
        let told = far.training(&invented).unwrap_err().to_string();
        assert!(told.starts_with("line 7: training.expects.nth: fewer than 9 schools"), "{told}");
    }
}
