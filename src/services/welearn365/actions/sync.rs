//! `welearn365.sync_directory`: runs the command that the configuration names, and watches until the
//! directory's time of sync moves.
//!
//! Graph has no call for it where Entra Connect syncs: the sync server does it. What the command writes
//! is shown without escapes, secrets and names, and is kept with its step and in the audit.
//!
//! Invariant: nothing of a plan, a person or a vendor is part of the command. Invariant: it is run once;
//! what became of it is read.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::action::Class;
use crate::model::cell::{CheckView, Row};
use crate::model::estate::Estate;
use crate::model::health::Health;
use crate::model::ids::{Laestab, ServiceKey};
use crate::model::observation::{Fact, Target};
use crate::model::plan::{Aim, Item, Kind, Private, SecondPerson, Step};
use crate::model::text::Clean;
use crate::ports::act::{Answer, Prepared, Refused, Seen};
use crate::ports::known::{Known, NotKnown};
use crate::ports::program::{Command, Ended, Programs};
use crate::services::answer::some_of;
use crate::services::hand_off::{moment, place};
use crate::services::welearn365::actions::output::Output;
use crate::services::welearn365::actions::settings::RunbookSettings;
use crate::services::welearn365::describe::KEY;
use crate::services::welearn365::graph::Graph;
use crate::services::welearn365::poll::ORGANIZATION_RIGHT;
use crate::services::welearn365::sync::{FIELDS, Organization, Standing};
use crate::services::{Context, ServiceError};
use crate::transport::Request;

/// Id of its step.
const ID: &str = "directory_sync";
/// A sync of everything may take long, and may have to wait for one that runs.
const PATIENCE_S: u32 = 3_600;
/// Name in [`Step::with`]: when the directory was synced before; empty where it never was.
const SYNCED_AT: &str = "synced_at";
/// What tells that accounts are about to go: service, check, its number, and how that is called.
const COUNTS: [(&str, &str, &str, &str); 2] =
    [("groupcall", "counts", "pupils", "pupils"), (KEY, "accounts", "enabled", "enabled accounts")];
/// Schools that are named.
const NAMED: usize = 3;

/// The runbook, and what tells of its effect.
pub(super) struct Sync {
    command: Command,
    graph: Graph,
    programs: Arc<dyn Programs>,
    known: Arc<dyn Known>,
    estate: Arc<Estate>,
    key: ServiceKey,
}

/// Schools whose numbers give reason to ask somebody.
#[derive(Default)]
struct Doubts {
    /// With fewer pupils or accounts than the board lets pass.
    fewer: Vec<String>,
    /// Of which that is not known.
    unknown: Vec<String>,
    /// Schools that are counted at all.
    counted: usize,
}

/// How one school stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum School {
    NotCounted,
    Well,
    NotKnown,
    Fewer(String),
}

impl Sync {
    /// As the settings say; `graph` is that of the app which only reads.
    pub(super) fn new(
        own: &RunbookSettings,
        graph: Graph,
        context: &Context,
    ) -> Result<Self, ServiceError> {
        let refuse = |(key, why): (&str, String)| ServiceError::Setting {
            service: KEY,
            key: format!("runbook.{key}"),
            why,
        };
        let command = own.command().map_err(refuse)?;
        let key = KEY.parse().map_err(|_| refuse(("command", "no such service".into())))?;
        Ok(Self {
            command,
            graph,
            programs: Arc::clone(&context.programs),
            known: Arc::clone(&context.known),
            estate: Arc::clone(&context.estate),
            key,
        })
    }

    /// The program that it runs.
    pub(super) fn program(&self) -> &Path {
        &self.command.program
    }

    /// When the directory was synced last, if it is switched on.
    async fn synced_at(&self) -> Result<Option<Timestamp>, String> {
        let first = Request::get("organization").query("$select", FIELDS);
        let list = self.graph.list::<Organization>(first, ORGANIZATION_RIGHT).await;
        let standing = list.and_then(|list| Standing::of(list.rows)).map_err(|t| t.why)?;
        match standing.enabled {
            Some(true) => Ok(standing.last),
            Some(false) => Err("directory sync is switched off in Microsoft 365".to_owned()),
            None => Err("this tenant was never synced with a directory".to_owned()),
        }
    }

    async fn doubts(&self) -> Result<Doubts, Refused> {
        let mut doubts = Doubts::default();
        for school in self.estate.takers(&self.key) {
            let stands = self.school(school).await?;
            doubts.counted += usize::from(stands != School::NotCounted);
            match stands {
                School::NotCounted | School::Well => {}
                School::NotKnown => doubts.unknown.push(place(&self.estate, school)?.to_string()),
                School::Fewer(how) => {
                    doubts.fewer.push(format!("{}: {how}", place(&self.estate, school)?));
                }
            }
        }
        Ok(doubts)
    }

    /// What the board's numbers say of a school: the worst of them.
    async fn school(&self, school: Laestab) -> Result<School, NotKnown> {
        let mut stands = School::NotCounted;
        for cell in self.known.row(Row::School(school)).await? {
            for view in &cell.checks {
                let is = |(service, check, ..): &&(&str, &str, &str, &str)| {
                    cell.service.as_str() == *service && view.check.name() == *check
                };
                let Some((_, _, number, words)) = COUNTS.iter().find(is) else { continue };
                let one = self.count(Target::School(school), view, (number, words)).await?;
                if matches!(one, School::Fewer(_)) {
                    return Ok(one);
                }
                if stands != School::NotKnown {
                    stands = one;
                }
            }
        }
        Ok(stands)
    }

    async fn count(
        &self,
        target: Target,
        view: &CheckView,
        (number, words): (&str, &str),
    ) -> Result<School, NotKnown> {
        let there = view.numbers.iter().any(|n| n.name.as_str() == number);
        if view.health == Health::Unknown || !there {
            return Ok(School::NotKnown);
        }
        if let Some(fallen) = self.known.fallen(target, &view.check, &view.numbers).await? {
            return Ok(School::Fewer(fallen.in_words(words)));
        }
        let before = self.known.memory(target, &view.check).await?;
        Ok(if before.baseline.is_empty() { School::NotKnown } else { School::Well })
    }

    /// What would be done, and whether a second person must say so.
    pub(super) async fn prepared(&self, aim: &Aim) -> Result<Prepared, Refused> {
        if *aim != Aim::Estate {
            return Err(Refused::NotOne(format!(
                "{aim}: a directory sync takes every school: name the target estate"
            )));
        }
        self.programs
            .trusted(&self.command.program)
            .map_err(|e| Refused::Protected(format!("the runbook is not run: {e}")))?;
        let synced_at = self.synced_at().await.map_err(Refused::CannotRead)?;
        let doubts = self.doubts().await?;
        let parts = std::iter::once(self.command.program.to_string_lossy());
        let parts = parts.chain(self.command.arguments.iter().map(Into::into));
        let last = synced_at.map_or_else(|| "never".to_owned(), moment);
        let fewer = match doubts.fewer.as_slice() {
            [] => "none".to_owned(),
            schools => some_of(schools, NAMED),
        };
        let now = [
            ("last directory sync", last),
            ("runbook", parts.collect::<Vec<_>>().join(" ")),
            ("schools with fewer pupils or accounts", fewer),
        ];
        let fact = |(name, value): (&str, String)| Fact { name: name.into(), value: value.into() };
        let step = Step {
            id: Clean::new(ID),
            system: Clean::new("runbook"),
            says: Clean::new("run the configured command on this host"),
            class: Class::Trigger,
            undoable: false,
            patience_s: PATIENCE_S,
            with: [(SYNCED_AT, synced_at.map(|at| at.to_string()).unwrap_or_default())]
                .map(|(name, value)| (name.to_owned(), Clean::new(&value)))
                .into(),
        };
        let item = Item {
            key: Clean::default(),
            aim: Aim::Estate,
            also: Vec::new(),
            kind: Kind::Estate,
            lease: Clean::new("welearn365:directory_sync"),
            now: now.into_iter().map(fact).collect(),
            steps: vec![step],
            sends: Vec::new(),
            protective: false,
            will_not: vec![Clean::new("bring what Microsoft holds back of single accounts")],
            beware: vec![
                Clean::new(
                    "it takes everything that has changed in the directory, at every school: who was \
                     disabled or deleted there is in WeLearn365 as well",
                ),
                Clean::new(
                    "done when the directory's time of sync moves; a sync that runs by itself moves \
                     it as well",
                ),
            ],
            undo: None,
            second_person: doubts.second_person(),
        };
        let private = Private {
            label: Clean::new("the whole estate"),
            confirm: Clean::new(&aim.to_string()),
            notes: Vec::new(),
        };
        Ok(Prepared { item, private, groups: None })
    }

    /// Does step `n` of `item`; `None` when it is not this one.
    pub(super) async fn step(&self, item: &Item, n: usize) -> Option<Answer> {
        item.steps.get(n).filter(|step| step.id.as_str() == ID)?;
        let ran = match self.programs.run(&self.command).await {
            Ok(ran) => ran,
            Err(e) => return Some(Answer::NotSent { says: Clean::new(&e.to_string()) }),
        };
        let output = Output::of(&ran.output);
        let wrote = |how: &str| Clean::new(&format!("{how}; {}", output.told()));
        Some(match ran.ended {
            Ended::Exit(0) => Answer::Took {
                says: wrote("the runbook ended well (exit code 0)"),
                reference: None,
                secret: None,
            },
            Ended::Exit(code) => Answer::Refused {
                says: Clean::new(&format!(
                    "the runbook failed with exit code {code}: {}",
                    output.last()
                )),
            },
            Ended::Signal(signal) => {
                Answer::NoAnswer { says: wrote(&format!("signal {signal} ended the runbook")) }
            }
            Ended::Late => Answer::NoAnswer {
                says: wrote(&format!(
                    "the runbook was ended after {} s, and all that it had started",
                    self.command.deadline.as_secs()
                )),
            },
            Ended::Lost(why) => {
                Answer::NoAnswer { says: wrote(&format!("how the runbook ended is lost ({why})")) }
            }
        })
    }

    /// Reads what became of step `n`; `None` when it is not this one.
    pub(super) async fn look(&self, item: &Item, n: usize) -> Option<Seen> {
        let step = item.steps.get(n).filter(|step| step.id.as_str() == ID)?;
        let before: Option<Timestamp> = step.given(SYNCED_AT).parse().ok();
        Some(match self.synced_at().await {
            Err(why) => Seen::CannotTell(Clean::new(&why)),
            Ok(Some(at)) if before.is_none_or(|before| at > before) => Seen::There(Clean::new(
                &format!("the directory was synced with WeLearn365 at {}", moment(at)),
            )),
            Ok(Some(at)) => Seen::NotYet(Clean::new(&format!(
                "the directory was last synced at {}, as before",
                moment(at)
            ))),
            Ok(None) => Seen::NotYet(Clean::new("the directory was never synced yet")),
        })
    }
}

impl Doubts {
    /// Why a second person must say so.
    fn second_person(&self) -> Option<SecondPerson> {
        let schools = |list: &[String]| some_of(list, NAMED);
        let mut why = Vec::new();
        if self.counted == 0 {
            why.push("nobody here counts the schools' pupils or accounts".to_owned());
        }
        if !self.fewer.is_empty() {
            let n = self.fewer.len();
            why.push(format!("{n} with fewer than the board lets pass: {}", schools(&self.fewer)));
        }
        if !self.unknown.is_empty() {
            let n = self.unknown.len();
            why.push(format!("{n} of which that is not known: {}", schools(&self.unknown)));
        }
        if why.is_empty() {
            return None;
        }
        let schools = self.fewer.len() + self.unknown.len();
        let types = if schools == 0 { "estate".to_owned() } else { schools.to_string() };
        let why = format!("a sync removes accounts where they are missing; {}", why.join("; "));
        Some(SecondPerson { why: Clean::new(&why), types: Some(Clean::new(&types)) })
    }
}
