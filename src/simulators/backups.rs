//! What Redstor has backed up: the accounts of every school and their runs, before either API
//! spells them.

use jiff::Timestamp;

use crate::model::school::School;
use crate::simulators::cast::RedstorPart;
use crate::simulators::chance::{below, guid};
use crate::simulators::estate::{documents_account, sims_account};
use crate::simulators::scenario::Scenario;
use crate::simulators::stage::Stage;
use crate::simulators::times::{last_daily, moved};

/// How a run ended, by the numbers that both APIs use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Failed,
    Completed,
    Warnings,
    Errors,
}

impl Ended {
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Failed => 0,
            Self::Completed => 1,
            Self::Warnings => 2,
            Self::Errors => 3,
        }
    }

    /// The Storage Platform's words.
    pub(super) fn platform_words(self) -> &'static str {
        match self {
            Self::Failed => "Failed",
            Self::Completed => "Successful",
            Self::Warnings => "Completed with warnings",
            Self::Errors => "Completed with errors",
        }
    }

    /// The RedAPI's words.
    pub(super) fn redapi_words(self) -> &'static str {
        match self {
            Self::Failed => "Backup failed",
            Self::Completed => "Backup completed successfully",
            Self::Warnings => "Backup completed with warnings",
            Self::Errors => "Backup completed with errors",
        }
    }
}

/// One protected machine.
pub(super) struct Account {
    pub(super) id: u64,
    pub(super) guid: String,
    pub(super) name: String,
    pub(super) display: String,
    pub(super) group: String,
    /// The school's company in the RedAPI.
    pub(super) company: String,
    pub(super) created: Timestamp,
    pub(super) enabled: bool,
    /// The last eight runs or fewer, the newest first; empty where it never ran.
    pub(super) runs: Vec<(Timestamp, Ended)>,
}

/// The school's company in the RedAPI.
pub(super) fn company(stage: &Stage, school: &School) -> String {
    guid(stage.seed, "company", u64::from(school.laestab.number()))
}

/// One protected machine, not yet looked at.
#[derive(Clone, Copy)]
pub(super) enum Machine<'a> {
    /// Holds a school's documents.
    Documents(&'a School),
    /// Holds a school's SIMS data.
    Sims(&'a School),
    /// Belongs to no school of the table: it must be listed, not dropped.
    Unmapped,
}

/// Every machine, in the order in which they were registered.
pub(super) fn machines(stage: &Stage) -> Vec<Machine<'_>> {
    let schools = stage.invented.takers("redstor").map(|(school, _)| school);
    let mut out: Vec<Machine<'_>> =
        schools.flat_map(|s| [Machine::Documents(s), Machine::Sims(s)]).collect();
    if stage.scenario != Scenario::Calm {
        out.push(Machine::Unmapped);
    }
    out
}

impl Machine<'_> {
    /// What both APIs know of it.
    pub(super) fn account(self, stage: &Stage) -> Account {
        let now = stage.now();
        match self {
            Machine::Documents(school) => account(stage, school, now, false),
            Machine::Sims(school) => account(stage, school, now, true),
            Machine::Unmapped => unmapped(stage, now),
        }
    }

    /// Its id in the RedAPI.
    pub(super) fn guid(self, stage: &Stage) -> String {
        let number = match self {
            Machine::Documents(school) => number(school, false),
            Machine::Sims(school) => number(school, true),
            Machine::Unmapped => 1,
        };
        guid(stage.seed, "account", number)
    }

    /// The company that it belongs to.
    pub(super) fn company(self, stage: &Stage) -> String {
        match self {
            Machine::Documents(school) | Machine::Sims(school) => company(stage, school),
            Machine::Unmapped => stage.invented.facts.redapi_company_id.clone(),
        }
    }
}

fn number(school: &School, sims: bool) -> u64 {
    u64::from(school.laestab.number()) * 2 + u64::from(sims)
}

fn account(stage: &Stage, school: &School, now: Timestamp, sims: bool) -> Account {
    let l = school.laestab;
    let part = stage.parts(l).redstor;
    let purpose = if sims { "sims" } else { "documents" };
    let minute = i64::from(below(stage.seed, purpose, l, 150));
    // Between 20:30 and 23:00 in London.
    let newest = |before: Timestamp| moved(last_daily(before, 20, 30, 12), minute * 60);
    let last = if newest(now) <= now { newest(now) } else { newest(moved(now, -86_400)) };
    let skipped = if part == Some(RedstorPart::NineDays) && !sims { 9 } else { 0 };
    let mut runs: Vec<(Timestamp, Ended)> =
        (skipped..skipped + 8).map(|day| (moved(last, -86_400 * day), Ended::Completed)).collect();
    let ended = match part {
        _ if stage.school_fault("redstor", l).is_some() => Some(Ended::Failed),
        Some(RedstorPart::SimsFailed) if sims => Some(Ended::Failed),
        Some(RedstorPart::SimsErrors) if sims => Some(Ended::Errors),
        Some(RedstorPart::Warnings) if !sims => Some(Ended::Warnings),
        _ => None,
    };
    if let (Some(ended), Some(first)) = (ended, runs.first_mut()) {
        first.1 = ended;
    }
    if part == Some(RedstorPart::NeverRan) && sims {
        runs.clear();
    }
    let number = number(school, sims);
    Account {
        id: number,
        guid: guid(stage.seed, "account", number),
        name: if sims { sims_account(school) } else { documents_account(school) },
        display: format!("{} {}", school.name, if sims { "SIMS" } else { "curriculum" }),
        group: format!("Wolds\\{}\\{} {l}", school.phase, school.name),
        company: company(stage, school),
        created: moved(last_daily(stage.started, 9, 12, 44), -86_400 * (400 + minute)),
        enabled: part != Some(RedstorPart::Disabled),
        runs,
    }
}

fn unmapped(stage: &Stage, now: Timestamp) -> Account {
    Account {
        id: 1,
        guid: guid(stage.seed, "account", 1),
        name: "OLD-SVR".to_owned(),
        display: "Replaced server".to_owned(),
        group: "Wolds\\Unsorted".to_owned(),
        company: stage.invented.facts.redapi_company_id.clone(),
        created: moved(last_daily(now, 9, 0, 0), -86_400 * 2_000),
        enabled: true,
        runs: vec![(last_daily(now, 20, 0, 9), Ended::Completed)],
    }
}
