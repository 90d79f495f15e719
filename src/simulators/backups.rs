//! What Redstor has backed up: the accounts of every school and their runs, before either API
//! spells them.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::ids::Laestab;
use crate::model::school::School;
use crate::simulators::cast::RedstorPart;
use crate::simulators::chance::{below, guid, roll};
use crate::simulators::estate::{documents_account, sims_account};
use crate::simulators::redstor_faults::RedstorFault;
use crate::simulators::scenario::Scenario;
use crate::simulators::stage::Stage;
use crate::simulators::times::{last_daily, moved};
use crate::simulators::ways::{UnknownWay, Way, Ways};

use RedstorFault as F;

const DAY: i64 = 86_400;

/// How a run ended, by the numbers that both APIs use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Failed,
    Completed,
    Warnings,
    Errors,
    /// A number that no page has.
    Strangely,
}

impl Ended {
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Failed => 0,
            Self::Completed => 1,
            Self::Warnings => 2,
            Self::Errors => 3,
            Self::Strangely => 9,
        }
    }

    /// The Storage Platform's words.
    pub(super) fn platform_words(self) -> &'static str {
        match self {
            Self::Failed => "Failed",
            Self::Completed => "Successful",
            Self::Warnings => "Completed with warnings",
            Self::Errors => "Completed with errors",
            Self::Strangely => "In an unusual state",
        }
    }

    /// The RedAPI's words.
    pub(super) fn redapi_words(self) -> &'static str {
        match self {
            Self::Failed => "Backup failed",
            Self::Completed => "Backup completed successfully",
            Self::Warnings => "Backup completed with warnings",
            Self::Errors => "Backup completed with errors",
            Self::Strangely => "Backup in an unusual state",
        }
    }
}

/// What Redstor holds, and what is wrong with it.
pub(super) struct Vault {
    pub(super) stage: Arc<Stage>,
    ways: Ways<RedstorFault>,
}

impl Vault {
    pub(super) fn new(stage: Arc<Stage>) -> Arc<Self> {
        Arc::new(Self { stage, ways: Ways::default() })
    }

    /// Whether `fault` is put on all calls.
    pub(super) fn everywhere(&self, fault: RedstorFault) -> bool {
        self.ways.everywhere(fault)
    }

    /// Whether `fault` is put on `school`.
    pub(super) fn has(&self, school: Laestab, fault: RedstorFault) -> bool {
        self.ways.of(school, fault)
    }
}

/// What only Redstor can do.
#[derive(Clone)]
pub struct Redstor(pub(super) Arc<Vault>);

impl Redstor {
    /// Puts `fault` on the accounts of `school`, or on all; several may be in force.
    pub fn set_fault(&self, school: Option<Laestab>, fault: RedstorFault) {
        self.0.ways.put(school, fault);
    }

    /// Takes it away again.
    pub fn clear_fault(&self, school: Option<Laestab>, fault: RedstorFault) {
        self.0.ways.take(school, fault);
    }

    /// The fault of this name, as a file of faults writes it.
    ///
    /// # Errors
    /// When there is none.
    pub fn fault_named(name: &str) -> Result<RedstorFault, UnknownWay> {
        RedstorFault::named(name)
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
    pub(super) active: bool,
    pub(super) backed_up: bool,
    pub(super) group_disabled: bool,
    pub(super) server_online: bool,
    /// Megabytes above its limit.
    pub(super) over_limit: u32,
    /// Bytes that its backups hold; none where that is not told.
    pub(super) size: Option<u64>,
    /// When its agent last signed in.
    pub(super) seen: Option<Timestamp>,
    /// The last eight runs or fewer, the newest first; empty where it never ran.
    pub(super) runs: Vec<(Timestamp, Ended)>,
    /// Instead of the words of the last run.
    pub(super) text: Option<&'static str>,
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
    /// Another with the same name: its documents' machine, before it was replaced.
    Twin(&'a School, bool),
    /// Belongs to no school of the table: it must be listed, not dropped.
    Unmapped,
}

/// Every machine, in the order in which they were registered.
pub(super) fn machines(vault: &Vault) -> Vec<Machine<'_>> {
    let stage = &vault.stage;
    let schools = stage.invented.takers("redstor").map(|(school, _)| school);
    let mut out: Vec<Machine<'_>> = Vec::new();
    for s in schools.filter(|s| !vault.has(s.laestab, F::NotListed)) {
        out.extend([Machine::Documents(s), Machine::Sims(s)]);
        if vault.has(s.laestab, F::NameTwice) {
            out.extend([Machine::Twin(s, false), Machine::Twin(s, true)]);
        }
    }
    if stage.scenario != Scenario::Calm {
        out.push(Machine::Unmapped);
    }
    out
}

impl Machine<'_> {
    /// What both APIs know of it.
    pub(super) fn account(self, vault: &Vault) -> Account {
        let now = vault.stage.now();
        match self {
            Machine::Documents(school) => account(vault, school, now, false),
            Machine::Sims(school) => account(vault, school, now, true),
            Machine::Twin(school, sims) => {
                let guid = self.guid(vault);
                Account {
                    guid,
                    id: number(school, sims) + 1_000_000_000,
                    ..account(vault, school, now, sims)
                }
            }
            Machine::Unmapped => unmapped(&vault.stage, now),
        }
    }

    /// The school that it belongs to.
    pub(super) fn school(self) -> Option<Laestab> {
        match self {
            Machine::Documents(school) | Machine::Sims(school) | Machine::Twin(school, _) => {
                Some(school.laestab)
            }
            Machine::Unmapped => None,
        }
    }

    /// Its id in the RedAPI.
    pub(super) fn guid(self, vault: &Vault) -> String {
        let (question, number) = match self {
            Machine::Documents(school) => ("account", number(school, false)),
            Machine::Sims(school) => ("account", number(school, true)),
            Machine::Twin(school, sims) => ("twin", number(school, sims)),
            Machine::Unmapped => ("account", 1),
        };
        guid(vault.stage.seed, question, number)
    }

    /// The company that it belongs to.
    pub(super) fn company(self, vault: &Vault) -> String {
        match self {
            Machine::Documents(school) | Machine::Sims(school) | Machine::Twin(school, _) => {
                company(&vault.stage, school)
            }
            Machine::Unmapped => vault.stage.invented.facts.redapi_company_id.clone(),
        }
    }
}

fn number(school: &School, sims: bool) -> u64 {
    u64::from(school.laestab.number()) * 2 + u64::from(sims)
}

/// The runs of an account: eight, one a night.
fn runs(vault: &Vault, school: &School, now: Timestamp, sims: bool) -> Vec<(Timestamp, Ended)> {
    let (stage, l) = (&vault.stage, school.laestab);
    let part = stage.parts(l).redstor;
    let has = |fault| vault.has(l, fault);
    if has(F::NeverRan) || (part == Some(RedstorPart::NeverRan) && sims) {
        return Vec::new();
    }
    let purpose = if sims { "sims" } else { "documents" };
    let minute = i64::from(below(stage.seed, purpose, l, 150));
    // Between 20:30 and 23:00 in London.
    let newest = |before: Timestamp| moved(last_daily(before, 20, 30, 12), minute * 60);
    let mut last = if newest(now) <= now { newest(now) } else { newest(moved(now, -DAY)) };
    let mut skipped = 0;
    match () {
        () if part == Some(RedstorPart::NineDays) && !sims => skipped = 9,
        () if has(F::NotForAWeek) => skipped = 9,
        () if has(F::NotForWeeks) => skipped = 24,
        () if has(F::Late) => last = moved(now, -28 * 3_600),
        () if has(F::Old) => last = moved(now, -4 * DAY),
        () if has(F::TimeAhead) => last = moved(now, 600),
        () => {}
    }
    let mut runs: Vec<(Timestamp, Ended)> =
        (skipped..skipped + 8).map(|day| (moved(last, -DAY * day), Ended::Completed)).collect();
    let ended = match part {
        _ if stage.school_fault("redstor", l).is_some() => Some(Ended::Failed),
        _ if has(F::Failed) || has(F::FailedThrice) => Some(Ended::Failed),
        _ if has(F::SimsFailed) && sims => Some(Ended::Failed),
        _ if has(F::Warnings) => Some(Ended::Warnings),
        _ if has(F::Errors) => Some(Ended::Errors),
        _ if has(F::CodeUnknown) => Some(Ended::Strangely),
        Some(RedstorPart::SimsFailed) if sims => Some(Ended::Failed),
        Some(RedstorPart::SimsErrors) if sims => Some(Ended::Errors),
        Some(RedstorPart::Warnings) if !sims => Some(Ended::Warnings),
        _ => None,
    };
    let bad = if has(F::FailedThrice) { 3 } else { 1 };
    for run in runs.iter_mut().take(bad) {
        run.1 = ended.unwrap_or(run.1);
    }
    runs
}

fn account(vault: &Vault, school: &School, now: Timestamp, sims: bool) -> Account {
    let (stage, l) = (&vault.stage, school.laestab);
    let has = |fault| vault.has(l, fault);
    let runs = runs(vault, school, now, sims);
    let number = number(school, sims);
    let age = i64::from(below(stage.seed, if sims { "sims" } else { "documents" }, l, 150));
    let in_service = stage.parts(l).redstor != Some(RedstorPart::Disabled);
    let whole = 10_515_981_000 + roll(stage.seed, "size", l) % 90_000_000_000 + number;
    let size = match () {
        () if runs.is_empty() || has(F::SizeMissing) => None,
        () if has(F::Emptied) => Some(0),
        () if has(F::Shrunk) => Some(whole / 3),
        () => Some(whole),
    };
    Account {
        id: number,
        guid: guid(stage.seed, "account", number),
        name: if sims { sims_account(school) } else { documents_account(school) },
        display: format!("{} {}", school.name, if sims { "SIMS" } else { "curriculum" }),
        group: format!("Wolds\\{}\\{} {l}", school.phase, school.name),
        company: company(stage, school),
        created: moved(last_daily(stage.started, 9, 12, 44), -DAY * (400 + age)),
        active: in_service && !has(F::NotActive),
        backed_up: in_service && !has(F::BackupOff),
        group_disabled: has(F::GroupDisabled),
        server_online: !has(F::ServerOffline),
        over_limit: if has(F::OverLimit) { 212 } else { 0 },
        size,
        seen: match () {
            () if has(F::AgentSilent) => Some(moved(now, -3 * DAY)),
            // The agent signs in to run, and some time after.
            () => runs.first().map(|(at, _)| moved(*at, 25).min(now)),
        },
        text: match () {
            () if has(F::TextContradicts) => Some("Backup did not complete"),
            () if has(F::TextUnknown) => Some("Sauvegarde"),
            () => None,
        },
        runs,
    }
}

fn unmapped(stage: &Stage, now: Timestamp) -> Account {
    let last = last_daily(now, 20, 0, 9);
    Account {
        id: 1,
        guid: guid(stage.seed, "account", 1),
        name: "OLD-SVR".to_owned(),
        display: "Replaced server".to_owned(),
        group: "Wolds\\Unsorted".to_owned(),
        company: stage.invented.facts.redapi_company_id.clone(),
        created: moved(last_daily(now, 9, 0, 0), -DAY * 2_000),
        active: true,
        backed_up: true,
        group_disabled: false,
        server_online: true,
        over_limit: 0,
        size: Some(2_000_000_000),
        seen: Some(last),
        runs: vec![(last, Ended::Completed)],
        text: None,
    }
}
