//! A training: what the desk is told at its start, hints, what the board comes to show, and the
//! debrief of what the operator did. Pure: what happened goes in, a debrief comes out.
//!
//! Invariant: the debrief tells only what was recorded. What nobody did stands as not done, never as
//! a guess.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::cell::Row;
use crate::model::desk::{CellName, DeskKind};
use crate::model::health::{Health, Reason};
use crate::model::text::Clean;

/// A training for one estate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Training {
    /// What it is about, in a line.
    pub title: Clean,
    /// What the desk is told at the start.
    pub brief: Vec<Clean>,
    /// Given one by one, when asked for.
    pub hints: Vec<Clean>,
    /// What the board comes to show.
    pub expects: Vec<Promise>,
    /// Actions that are the answer: one of them is enough.
    pub wants: Vec<Deed>,
    /// Actions that are a mistake here.
    pub mistakes: Vec<Deed>,
}

/// A cell that the trouble turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// Which.
    pub cell: CellName,
    /// How it comes to stand.
    pub health: Health,
    /// Why it is unknown, where that is told.
    pub reason: Option<Reason>,
    /// Words of its sentence; empty for any.
    pub words: String,
    /// The trouble itself, and not what follows from it.
    pub root: bool,
    /// Its name on the screen.
    pub label: Clean,
}

/// An action of the guard, and why it is wanted or wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// Id of the action, such as `welearn365.lock_account`.
    pub action: String,
    /// Why, in a sentence.
    pub why: Clean,
}

/// Something that was done, as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// When, by the agent's clock.
    pub at: Timestamp,
    /// What.
    pub what: Noted,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noted {
    /// A row's peek or page was read.
    Looked(Row),
    /// Cells were taken in hand or given back, or that was tried.
    Taken {
        /// How.
        kind: DeskKind,
        /// To these it was done.
        done: Vec<CellName>,
        /// Not to these: they only follow from others.
        follows: Vec<CellName>,
        /// Nor to these: they are not in trouble.
        quiet: Vec<CellName>,
    },
    /// A plan was made.
    Planned(String),
    /// A plan was confirmed.
    Confirmed(String),
    /// A plan was denied, and why.
    Denied(String, Clean),
    /// An emergency was declared.
    Emergency,
    /// A hint was asked for.
    Hint,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When the training began.
    pub began: Timestamp,
    /// Until when this is told.
    pub now: Timestamp,
    /// When each cell of [`Training::expects`] first stood as promised, in their order.
    pub turned: Vec<Option<Timestamp>>,
    /// What was done, in any order.
    pub notes: Vec<Note>,
}

/// A point that a good answer passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Milestone {
    /// What.
    pub what: Clean,
    /// When it was passed; null where it was not.
    #[schemars(with = "Option<String>")]
    pub at: Option<Timestamp>,
    /// Seconds since the training began.
    pub after_s: Option<i64>,
}

/// Something that should have been done otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WrongStep {
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What, and what instead.
    pub what: Clean,
}

/// What the operator did and when, held against what was wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Debrief {
    /// When the training began.
    #[schemars(with = "String")]
    pub began: Timestamp,
    /// Until when this tells.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// In the order in which they should be passed.
    pub milestones: Vec<Milestone>,
    /// In the order in which they were made.
    pub wrong: Vec<WrongStep>,
    /// Hints that were asked for, of how many.
    pub hints: (u32, u32),
}

/// Holds what happened against what was wanted.
#[must_use]
pub fn debrief(training: &Training, record: &Record) -> Debrief {
    let mut notes: Vec<&Note> = record.notes.iter().filter(|n| n.at >= record.began).collect();
    notes.sort_by_key(|note| note.at);
    let told = |what: &str, at: Option<Timestamp>| Milestone {
        what: Clean::new(what),
        at,
        after_s: at.map(|at| at.duration_since(record.began).as_secs()),
    };
    let turned = training.expects.iter().zip(&record.turned).filter(|(promise, _)| promise.root);
    let shown = turned.filter_map(|(_, at)| *at).min();
    let first = |is: &dyn Fn(&Noted) -> bool| notes.iter().find(|n| is(&n.what)).map(|n| n.at);
    // What was looked at before there was anything to see does not count.
    let looked = shown.and_then(|shown| {
        let is = |n: &&&Note| n.at >= shown && looks_at_a_root(training, &n.what);
        notes.iter().find(is).map(|n| n.at)
    });
    let wanted = |action: &str| training.wants.iter().any(|deed| deed.action == action);
    let mut milestones = vec![
        told("the trouble was on the board", shown),
        told("it was looked at, in the peek or on its page", looked),
        told(&in_hand(training, &notes), first(&|what| takes_a_root(training, what))),
    ];
    if !training.wants.is_empty() {
        let planned = first(&|what| matches!(what, Noted::Planned(action) if wanted(action)));
        let confirmed = first(&|what| matches!(what, Noted::Confirmed(action) if wanted(action)));
        let names: Vec<&str> = training.wants.iter().map(|deed| deed.action.as_str()).collect();
        milestones.push(told(&format!("a plan was made: {}", names.join(" or ")), planned));
        milestones.push(told("it was confirmed", confirmed));
    }
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let asked = notes.iter().filter(|n| n.what == Noted::Hint).count();
    Debrief {
        began: record.began,
        as_of: record.now,
        milestones,
        wrong: notes.iter().flat_map(|note| wrong(training, note)).collect(),
        hints: (count(asked), count(training.hints.len())),
    }
}

fn roots(training: &Training) -> impl Iterator<Item = &Promise> {
    training.expects.iter().filter(|promise| promise.root)
}

fn looks_at_a_root(training: &Training, what: &Noted) -> bool {
    matches!(what, Noted::Looked(row) if roots(training).any(|promise| promise.cell.row == *row))
}

fn takes_a_root(training: &Training, what: &Noted) -> bool {
    match what {
        Noted::Taken { kind, done, .. } if kind.takes() => {
            roots(training).any(|promise| done.contains(&promise.cell))
        }
        _ => false,
    }
}

/// How many of the roots somebody took.
fn in_hand(training: &Training, notes: &[&Note]) -> String {
    let was_taken = |cell: &CellName| {
        notes.iter().any(|note| match &note.what {
            Noted::Taken { kind, done, .. } => kind.takes() && done.contains(cell),
            _ => false,
        })
    };
    let all = roots(training).count();
    let taken = roots(training).filter(|promise| was_taken(&promise.cell)).count();
    match all {
        0 | 1 => "it was acknowledged or claimed".to_owned(),
        _ => format!("it was acknowledged or claimed ({taken} of {all} cells)"),
    }
}

/// What was wrong with a step; nothing where it was right, or no step.
fn wrong(training: &Training, note: &Note) -> Vec<WrongStep> {
    let step = |what: String| WrongStep { at: note.at, what: Clean::new(&what) };
    let names = |cells: &[CellName]| some_of(training, cells);
    match &note.what {
        Noted::Taken { kind, done, follows, quiet } => {
            let mut out = Vec::new();
            if !follows.is_empty() {
                let names = names(follows);
                out.push(step(format!(
                    "tried to take a consequence instead of the root: {names} only follows from \
                     another cell; take that one"
                )));
            }
            if !quiet.is_empty() && kind.takes() {
                let names = names(quiet);
                out.push(step(format!("tried to take what is not in trouble: {names}")));
            }
            let hidden: Vec<CellName> =
                done.iter().filter(|c| roots(training).any(|p| p.cell == **c)).cloned().collect();
            if *kind == DeskKind::Downtime && !hidden.is_empty() {
                let names = names(&hidden);
                out.push(step(format!(
                    "set a downtime over {names}: nobody planned this, and a downtime hides it; \
                     acknowledge or claim it"
                )));
            }
            out
        }
        Noted::Confirmed(action) => {
            let mistake = training.mistakes.iter().find(|deed| deed.action == *action);
            mistake.map(|deed| step(format!("did {action}: {}", deed.why))).into_iter().collect()
        }
        Noted::Denied(action, why) => {
            vec![step(format!("asked for {action}, and was denied: {why}"))]
        }
        Noted::Emergency => vec![step(
            "declared an emergency: it lifts the second person and the hours for everybody; ask a \
             colleague to approve instead"
                .to_owned(),
        )],
        Noted::Looked(_) | Noted::Planned(_) | Noted::Hint => Vec::new(),
    }
}

/// The first few of some cells, by the names that the training has for them.
fn some_of(training: &Training, cells: &[CellName]) -> String {
    let name = |cell: &CellName| {
        let known = training.expects.iter().find(|promise| promise.cell == *cell);
        known.map_or_else(
            || match cell.row {
                Row::Estate => format!("whole estate / {}", cell.service),
                Row::School(laestab) => format!("{} / {}", laestab.spaced(), cell.service),
            },
            |promise| promise.label.to_string(),
        )
    };
    let mut out: Vec<String> = cells.iter().take(3).map(name).collect();
    if cells.len() > 3 {
        out.push(format!("and {} more", cells.len() - 3));
    }
    out.join(", ")
}

/// Seconds since the start, for people: `4 min 10 s`.
#[must_use]
pub fn after(seconds: i64) -> String {
    match (seconds / 60, seconds % 60) {
        (0, s) => format!("{s} s"),
        (m, 0) => format!("{m} min"),
        (m, s) => format!("{m} min {s} s"),
    }
}

impl Debrief {
    /// Milestones, then what should have been otherwise: a time or a number each, empty for what has
    /// none, and the words.
    #[must_use]
    pub fn rows(&self) -> Vec<(String, String)> {
        let (asked, all) = self.hints;
        let passed = self.milestones.iter().map(|milestone| {
            let when = milestone.after_s.map_or_else(|| "not done".to_owned(), after);
            (when, milestone.what.to_string())
        });
        let mut out: Vec<(String, String)> = passed.collect();
        out.push((asked.to_string(), format!("hints asked for, of {all}")));
        let head = match self.wrong.len() {
            0 => "No wrong step was recorded.",
            _ => "To be done otherwise:",
        };
        out.push((String::new(), head.to_owned()));
        out.extend(self.wrong.iter().map(|step| {
            let when = after(step.at.duration_since(self.began).as_secs());
            (when, step.what.to_string())
        }));
        out
    }

    /// The same in lines, for a terminal.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let line = |(when, what): (String, String)| match when.is_empty() {
            true => what,
            false => format!("{when:>13}   {what}"),
        };
        self.rows().into_iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGAN: &str = "2027-02-02T09:00:00Z";

    fn at(seconds: i64) -> Timestamp {
        BEGAN.parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(seconds)
    }

    fn cell(school: &str, service: &str) -> CellName {
        let row = match school {
            "estate" => Row::Estate,
            school => Row::School(school.parse().unwrap()),
        };
        CellName { row, service: service.parse().unwrap() }
    }

    fn promise(school: &str, service: &str, root: bool) -> Promise {
        Promise {
            cell: cell(school, service),
            health: Health::Critical,
            reason: None,
            words: String::new(),
            root,
            label: Clean::new(&format!("{school} {service}")),
        }
    }

    /// Two roots, and what follows from the first.
    fn training() -> Training {
        let deed = |action: &str, why: &str| Deed { action: action.into(), why: Clean::new(why) };
        Training {
            title: Clean::new("a drill"),
            brief: Vec::new(),
            hints: vec![Clean::new("look"), Clean::new("look up")],
            expects: vec![
                promise("9992001", "groupcall", true),
                promise("9992002", "groupcall", true),
                promise("9992001", "just2easy", false),
            ],
            wants: vec![deed("desk.raise_ticket", "it tells them")],
            mistakes: vec![deed("groupcall.resync", "it cannot help while they refuse us")],
        }
    }

    fn told(notes: Vec<(i64, Noted)>) -> Debrief {
        let notes = notes.into_iter().map(|(s, what)| Note { at: at(s), what }).collect();
        let turned = vec![Some(at(40)), Some(at(30)), None];
        debrief(&training(), &Record { began: at(0), now: at(600), turned, notes })
    }

    fn taken(kind: DeskKind, done: &[CellName]) -> Noted {
        Noted::Taken { kind, done: done.to_vec(), follows: Vec::new(), quiet: Vec::new() }
    }

    fn passed(debrief: &Debrief) -> Vec<Option<i64>> {
        debrief.milestones.iter().map(|m| m.after_s).collect()
    }

    #[test]
    fn who_did_nothing_reads_not_done() {
        let debrief = told(Vec::new());
        assert_eq!(passed(&debrief), [Some(30), None, None, None, None]);
        assert_eq!((debrief.wrong.len(), debrief.hints), (0, (0, 2)));
        let lines = debrief.lines().join("\n");
        assert_eq!(lines.matches("not done").count(), 4, "{lines}");
        assert!(lines.contains("No wrong step was recorded"), "{lines}");
    }

    #[test]
    fn each_milestone_is_passed_by_its_own_deed_and_the_first_counts() {
        let school = |s: &str| Row::School(s.parse().unwrap());
        let root = cell("9992002", "groupcall");
        let debrief = told(vec![
            (210, Noted::Confirmed("desk.raise_ticket".into())),
            (10, Noted::Looked(school("9992001"))),
            (60, Noted::Looked(school("9992002"))),
            (55, Noted::Looked(school("9992009"))),
            (70, Noted::Hint),
            (95, taken(DeskKind::Note, std::slice::from_ref(&root))),
            (100, taken(DeskKind::Claim, std::slice::from_ref(&root))),
            (130, taken(DeskKind::Acknowledge, std::slice::from_ref(&root))),
            (200, Noted::Planned("desk.raise_ticket".into())),
            (150, Noted::Planned("redstor.restore_request".into())),
        ]);
        assert_eq!(passed(&debrief), [Some(30), Some(60), Some(100), Some(200), Some(210)]);
        assert!(debrief.milestones[2].what.as_str().contains("1 of 2 cells"));
        assert_eq!((debrief.wrong.len(), debrief.hints), (0, (1, 2)));
    }

    #[test]
    fn what_came_before_the_trouble_or_the_training_does_not_count() {
        let row = Row::School("9992001".parse().unwrap());
        let debrief = told(vec![
            (29, Noted::Looked(row)),
            (-5, taken(DeskKind::Claim, &[cell("9992001", "groupcall")])),
        ]);
        assert_eq!(passed(&debrief), [Some(30), None, None, None, None]);
    }

    #[test]
    fn each_wrong_step_is_told_with_what_to_do_instead() {
        let refused = |follows: Vec<CellName>, quiet: Vec<CellName>| Noted::Taken {
            kind: DeskKind::Acknowledge,
            done: Vec::new(),
            follows,
            quiet,
        };
        for (note, words) in [
            (
                refused(vec![cell("9992001", "just2easy")], vec![]),
                "instead of the root: 9992001 just2easy",
            ),
            (
                refused(vec![], vec![cell("9992003", "redstor")]),
                "not in trouble: 999 2003 / redstor",
            ),
            (taken(DeskKind::Downtime, &[cell("9992001", "groupcall")]), "a downtime hides it"),
            (Noted::Confirmed("groupcall.resync".into()), "it cannot help while they refuse us"),
            (Noted::Denied("welearn365.lock_account".into(), Clean::new("no")), "was denied: no"),
            (Noted::Emergency, "lifts the second person"),
        ] {
            let debrief = told(vec![(50, note.clone())]);
            assert_eq!(debrief.wrong.len(), 1, "{note:?}");
            assert!(debrief.wrong[0].what.as_str().contains(words), "{:?}", debrief.wrong);
            assert_eq!(debrief.wrong[0].at, at(50));
        }
        for right in [
            Noted::Planned("groupcall.resync".into()),
            taken(DeskKind::Downtime, &[cell("9992003", "redstor")]),
            taken(DeskKind::GiveBack, &[cell("9992001", "groupcall")]),
        ] {
            assert_eq!(told(vec![(50, right.clone())]).wrong, [], "{right:?}");
        }
    }

    #[test]
    fn without_a_wanted_action_none_is_missed() {
        let training = Training { wants: Vec::new(), ..training() };
        let record = Record { began: at(0), now: at(9), turned: vec![None; 3], notes: Vec::new() };
        let debrief = debrief(&training, &record);
        assert_eq!(passed(&debrief), [None, None, None]);
    }

    #[test]
    fn spans_read_as_people_say_them() {
        assert_eq!([after(9), after(120), after(250)], ["9 s", "2 min", "4 min 10 s"]);
    }
}
