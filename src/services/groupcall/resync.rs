//! `groupcall.resync`: asks for fresh data of one school.
//!
//! There is no call to sync. What comes nearest is a question with an address to call back: the vendor
//! then fetches what it has not got and calls when it is there. Without such an address a question has
//! fetched only what has expired. Either way it is done when the time of the data moves.
//!
//! Invariant: a request is sent once; what became of it is read.

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::ExposeSecret;

use crate::model::action::{ActionSpec, Class};
use crate::model::ids::Laestab;
use crate::model::observation::{Fact, Observation, Target, Verdict};
use crate::model::plan::{Aim, Ask, Item, Kind, Operator, Private, SecondPerson, Step};
use crate::model::text::Clean;
use crate::ports::act::{Act, Answer, Prepared, Refused, Seen};
use crate::ports::clock::Boxed;
use crate::ports::known::Known;
use crate::ports::ledger::Committed;
use crate::services::groupcall::actions::RESYNC;
use crate::services::groupcall::callback::Callbacks;
use crate::services::groupcall::complaint::{Complaint, Kind as Complaints, complaint};
use crate::services::groupcall::poll::Groupcall;
use crate::services::hand_off::{moment, place};
use crate::transport::{Failure, Request};

/// Parts of a school's data, each a cache of its own: how it is called, and how we call it.
const AREAS: [(&str, &str); 2] =
    [("SchoolInfo", "the school's data"), ("Students", "the pupils' data")];
/// How long fresh data may take: the school's own queue picks a request up in minutes, and half an hour
/// and more goes by until it is there.
const PATIENCE_S: u32 = 2 * 3_600;
/// Names in [`Step::with`].
const AREA: &str = "area";
const FRESH_AT: &str = "fresh_at";

/// The hands.
pub(super) struct Resync {
    pub watch: Arc<Groupcall>,
    pub known: Arc<dyn Known>,
    pub callbacks: Option<Arc<Callbacks>>,
}

impl Resync {
    /// When the data of an area was taken over.
    async fn fresh_at(&self, school: Laestab, area: &str) -> Result<Timestamp, String> {
        let seen = match area {
            "SchoolInfo" => self.watch.data(school).await,
            _ => self.watch.pupils(school).await,
        };
        match (seen.verdict, seen.source_at) {
            (Verdict::Unknown(_), _) | (_, None) => Err(seen.detail.to_string()),
            (_, Some(source)) => Ok(source.at),
        }
    }

    /// Why a second person must say so: the pupils have become fewer than a board lets pass.
    async fn doubt(
        &self,
        school: Laestab,
        counts: &Observation,
    ) -> Result<Option<SecondPerson>, Refused> {
        let target = Target::School(school);
        let pupils = counts.numbers.iter().find(|n| n.name.as_str() == "pupils");
        let pupils = pupils.ok_or_else(|| {
            Refused::CannotRead(format!("how many pupils the data holds: {}", counts.detail))
        })?;
        let before = self.known.memory(target, &counts.check).await?;
        let fallen = self.known.fallen(target, &counts.check, &counts.numbers).await?;
        let why = match fallen {
            Some(fallen) => format!("the data holds {}", fallen.in_words("pupils")),
            None if before.baseline.is_empty() => format!(
                "the data holds {} pupils, and how many it held on the last good day is not known here",
                pupils.value
            ),
            None => return Ok(None),
        };
        let why = format!("{why}: fresh data removes the accounts of all who are missing in it");
        let types = Some(Clean::new(&pupils.value.to_string()));
        Ok(Some(SecondPerson { why: Clean::new(&why), types }))
    }

    fn step_for(&self, (area, words): (&str, &str), fresh_at: Timestamp) -> Step {
        let with = [(AREA, area.to_owned()), (FRESH_AT, fresh_at.to_string())];
        Step {
            id: Clean::new("fresh_data"),
            system: Clean::new("Groupcall"),
            says: Clean::new(&format!("ask for {words} afresh")),
            class: Class::Trigger,
            undoable: false,
            patience_s: PATIENCE_S,
            with: with.map(|(name, value)| (name.to_owned(), Clean::new(&value))).into(),
        }
    }

    async fn prepared(&self, aim: &Aim) -> Result<Prepared, Refused> {
        let school = match aim {
            Aim::School(school) => *school,
            Aim::Cell(school, service) if service.as_str() == "groupcall" => *school,
            _ => {
                return Err(Refused::NotOne(format!(
                    "{}: name a school, as LAESTAB",
                    aim.masked()
                )));
            }
        };
        let label = place(self.watch.estate(), school)?;
        let counts = self.watch.counts(school).await;
        let second_person = self.doubt(school, &counts).await?;
        let (mut now, mut steps, mut will_not) = (Vec::new(), Vec::new(), Vec::new());
        for (area, words) in AREAS {
            match self.fresh_at(school, area).await {
                Ok(at) => {
                    let value = Clean::new(&format!("of {}", moment(at)));
                    now.push(Fact { name: Clean::new(words), value });
                    steps.push(self.step_for((area, words), at));
                }
                Err(why) => will_not.push(Clean::new(&format!("{words}: {why}"))),
            }
        }
        if steps.is_empty() {
            let why = will_not.iter().map(Clean::as_str).collect::<Vec<_>>().join("; ");
            return Err(Refused::CannotRead(why));
        }
        if let Some(pupils) = counts.numbers.iter().find(|n| n.name.as_str() == "pupils") {
            let value = Clean::new(&pupils.value.to_string());
            now.push(Fact { name: Clean::new("pupils in the data"), value });
        }
        let mut beware = vec![Clean::new(
            "accounts are made and removed by what the school's MIS holds when it is read",
        )];
        if self.callbacks.is_none() {
            beware.push(Clean::new(
                "no callback is configured: Groupcall then fetches only what has expired",
            ));
        }
        let item = Item {
            key: Clean::default(),
            aim: aim.clone(),
            also: Vec::new(),
            kind: Kind::School,
            lease: Clean::new(&format!("groupcall:{school}")),
            now,
            steps,
            sends: Vec::new(),
            protective: false,
            will_not,
            beware,
            undo: None,
            second_person,
        };
        let private = Private { label, confirm: Clean::new(&aim.to_string()), notes: Vec::new() };
        Ok(Prepared { item, private, groups: None })
    }

    async fn sent(&self, key: &Clean, school: Laestab, area: &str, now: Timestamp) -> Answer {
        let token = match self.watch.held_token(school).await {
            Ok(token) => token,
            Err(trouble) => return Answer::NotSent { says: Clean::new(&trouble.why) },
        };
        let mut request = Request::get(&format!("School/{school}/{area}/"))
            .query("pageSize", "1")
            .header("authorization", format!("Idaas {}", token.expose_secret()))
            .once();
        if let Some(callbacks) = &self.callbacks {
            let url = callbacks.tell(&format!("{key}/{area}"), now);
            request = request.query("callbackUrl", url.as_str());
        }
        let reply = match self.watch.xod().send(request).await {
            Ok(reply) => reply,
            Err(
                failure @ (Failure::Open { .. }
                | Failure::Throttled { .. }
                | Failure::Unauthorised { .. }),
            ) => {
                return Answer::NotSent { says: Clean::new(&failure.to_string()) };
            }
            Err(failure) => return Answer::NoAnswer { says: Clean::new(&failure.to_string()) },
        };
        let Some(Complaint { kind, trouble }) = complaint(&reply) else {
            let says = Clean::new("asked; it shows when the time of the data moves");
            return Answer::Took { says, reference: None, secret: None };
        };
        let says = Clean::new(&trouble.why);
        // That it failed says nothing of how far it came; that it does not want to says enough.
        match kind {
            Complaints::Failed if !(400..500).contains(&reply.status) => Answer::NoAnswer { says },
            _ => Answer::Refused { says },
        }
    }

    async fn seen(&self, key: &Clean, school: Laestab, step: &Step) -> Seen {
        let (area, before) = (step.given(AREA), step.given(FRESH_AT).parse::<Timestamp>());
        let Ok(before) = before else {
            return Seen::CannotTell(Clean::new("its plan holds no time"));
        };
        match self.fresh_at(school, area).await {
            Ok(at) if at > before => {
                Seen::There(Clean::new(&format!("the data is now of {}", moment(at))))
            }
            Ok(at) => {
                let callbacks = self.callbacks.as_ref();
                let said = callbacks.and_then(|c| c.said_at(&format!("{key}/{area}")));
                let said = said.map_or(String::new(), |at| {
                    format!("; Groupcall said at {} that it is done", moment(at))
                });
                Seen::NotYet(Clean::new(&format!("the data is still of {}{said}", moment(at))))
            }
            Err(why) => Seen::CannotTell(Clean::new(&why)),
        }
    }
}

impl Act for Resync {
    fn actions(&self) -> Vec<ActionSpec> {
        vec![RESYNC]
    }

    fn prepare<'a>(
        &'a self,
        _: &'a Ask,
        aim: &'a Aim,
        _: &'a Operator,
        _: bool,
        _: Timestamp,
    ) -> Boxed<'a, Result<Prepared, Refused>> {
        Box::pin(self.prepared(aim))
    }

    fn step<'a>(
        &'a self,
        committed: &'a Committed,
        item: &'a Item,
        step: usize,
        now: Timestamp,
    ) -> Boxed<'a, Answer> {
        Box::pin(async move {
            let area = item.steps.get(step).and_then(|s| s.with.get(AREA));
            match (item.aim.school(), area) {
                (Some(school), Some(area)) => {
                    self.sent(committed.key(), school, area.as_str(), now).await
                }
                _ => Answer::NotSent { says: Clean::new("its plan names no school or no data") },
            }
        })
    }

    fn look<'a>(
        &'a self,
        item: &'a Item,
        step: usize,
        _: Timestamp,
        _: Timestamp,
    ) -> Boxed<'a, Seen> {
        Box::pin(async move {
            match (item.aim.school(), item.steps.get(step)) {
                (Some(school), Some(step)) => self.seen(&item.key, school, step).await,
                _ => Seen::CannotTell(Clean::new("its plan names no school or no data")),
            }
        })
    }
}
