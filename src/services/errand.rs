//! One hand-off for every service that has nothing but people to ask: a ticket, and then the wait until
//! it is done. What is asked for, and how it shows, is the service's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::action::{ActionSpec, Class};
use crate::model::cell::Row;
use crate::model::estate::Estate;
use crate::model::ids::{Laestab, ServiceKey};
use crate::model::observation::Fact;
use crate::model::plan::{Aim, Ask, Item, Kind, Operator, Private, Step};
use crate::model::span::Span;
use crate::model::text::Clean;
use crate::ports::act::{Act, Answer, Prepared, Refused, Seen};
use crate::ports::clock::Boxed;
use crate::ports::known::Known;
use crate::ports::ledger::Committed;
use crate::ports::tickets::{Matter, TICKET_STEP, Tickets};
use crate::services::Context;
use crate::services::hand_off::{added, beware, place, raise, ticket_step, told};

/// Id of the step that is done by others.
const DONE: &str = "done";

/// What is asked for, of one school.
#[derive(Debug, Clone, Default)]
pub(super) struct Wish {
    /// Line by line, for whoever does it.
    pub lines: Vec<Clean>,
    /// How what it is about stands now.
    pub now: Vec<Fact>,
    /// What the effect is looked for by.
    pub with: BTreeMap<String, Clean>,
    /// What to beware of.
    pub beware: Vec<Clean>,
}

/// A service's own part of a hand-off.
pub(super) trait Errand: Send + Sync {
    /// Its row.
    fn spec(&self) -> ActionSpec;

    /// Who does it: `the school's J2E administrator`.
    fn doer(&self) -> &'static str;

    /// How long that may take before somebody asks.
    fn patience(&self) -> Span;

    /// What is asked for at `school`. Only reads.
    fn wish<'a>(
        &'a self,
        ask: &'a Ask,
        school: Laestab,
        now: Timestamp,
    ) -> Boxed<'a, Result<Wish, Refused>>;

    /// Whether its effect shows, by what stood in [`Wish::with`]; where nothing reads it, a person
    /// tells.
    fn look<'a>(
        &'a self,
        _school: Laestab,
        _step: &'a Step,
        _sent_at: Timestamp,
        _now: Timestamp,
    ) -> Boxed<'a, Seen> {
        let says = Clean::new("only a person can tell whether it was done");
        Box::pin(async move { Seen::NotYet(says) })
    }
}

/// A hand-off of one service.
pub(super) struct HandOff<E> {
    errand: E,
    service: ServiceKey,
    tickets: Option<Arc<dyn Tickets>>,
    known: Arc<dyn Known>,
    estate: Arc<Estate>,
}

impl<E: Errand> HandOff<E> {
    /// With what the configuration has for it. Without tickets the check list stands in the plan
    /// alone.
    pub(super) fn new(errand: E, service: ServiceKey, context: &Context) -> Self {
        Self {
            errand,
            service,
            tickets: context.tickets.clone(),
            known: Arc::clone(&context.known),
            estate: Arc::clone(&context.estate),
        }
    }

    fn done_step(&self, with: BTreeMap<String, Clean>) -> Step {
        let doer = self.errand.doer();
        Step {
            id: Clean::new(DONE),
            system: Clean::new(self.service.as_str()),
            says: Clean::new(&format!("wait until {doer} has done it")),
            class: Class::Trigger,
            undoable: false,
            patience_s: u32::try_from(self.errand.patience().as_secs()).unwrap_or(u32::MAX),
            with,
        }
    }

    async fn prepared(
        &self,
        ask: &Ask,
        aim: &Aim,
        by: &Operator,
        now: Timestamp,
    ) -> Result<Prepared, Refused> {
        let school = match aim {
            Aim::School(school) => *school,
            Aim::Cell(school, service) if *service == self.service => *school,
            _ => {
                let why = format!("{}: name a school, as LAESTAB", aim.masked());
                return Err(Refused::NotOne(why));
            }
        };
        let place = place(&self.estate, school)?;
        if !self.estate.takes(school, &self.service) {
            let why = format!("{place} does not take {}", self.service);
            return Err(Refused::NotOne(why));
        }
        let wish = self.errand.wish(ask, school, now).await?;
        let row = self.known.row(Row::School(school)).await?;
        let cell = row.into_iter().find(|known| known.service == self.service);
        let spec = self.errand.spec();
        let mut lines = wish.lines;
        lines.extend(added(ask)?);
        if let Some(cell) = &cell {
            lines.push(Clean::default());
            lines.extend(told(cell));
        }
        let matter = Matter {
            action: Clean::new(spec.label),
            place: place.clone(),
            school: Clean::new(&school.to_string()),
            service: cell.map(|known| known.label).unwrap_or_default(),
            lines,
            by: by.name.clone(),
            reason: ask.reason.clone(),
            ticket: ask.ticket.clone().unwrap_or_default(),
        };
        let (sends, ticket) = match &self.tickets {
            Some(tickets) => {
                let letter = tickets.write(&matter);
                (letter.lines(), Some(ticket_step(tickets, &letter)))
            }
            None => (std::iter::once(matter.action).chain(matter.lines).collect(), None),
        };
        let item = Item {
            key: Clean::default(),
            aim: aim.clone(),
            also: Vec::new(),
            kind: Kind::School,
            lease: Clean::new(&format!("{}:{school}", spec.id)),
            now: wish.now,
            steps: ticket.into_iter().chain([self.done_step(wish.with)]).collect(),
            sends,
            protective: false,
            will_not: vec![Clean::new("nothing changes before somebody there has done it")],
            beware: beware(by).into_iter().chain(wish.beware).collect(),
            undo: None,
            second_person: None,
        };
        Ok(Prepared {
            item,
            private: Private {
                label: place,
                confirm: Clean::new(&aim.to_string()),
                notes: Vec::new(),
            },
            groups: None,
        })
    }
}

impl<E: Errand> Act for HandOff<E> {
    fn actions(&self) -> Vec<ActionSpec> {
        vec![self.errand.spec()]
    }

    fn prepare<'a>(
        &'a self,
        ask: &'a Ask,
        aim: &'a Aim,
        by: &'a Operator,
        _: bool,
        now: Timestamp,
    ) -> Boxed<'a, Result<Prepared, Refused>> {
        Box::pin(self.prepared(ask, aim, by, now))
    }

    fn step<'a>(
        &'a self,
        committed: &'a Committed,
        item: &'a Item,
        step: usize,
        now: Timestamp,
    ) -> Boxed<'a, Answer> {
        Box::pin(async move {
            let is_ticket = item.steps.get(step).is_some_and(|s| s.id.as_str() == TICKET_STEP);
            match &self.tickets {
                Some(tickets) if is_ticket => raise(&**tickets, (committed, item, step), now).await,
                None if is_ticket => {
                    let says = Clean::new("the configuration says no longer where tickets go");
                    Answer::NotSent { says }
                }
                // Nothing leaves: from here on it is waited for.
                _ => Answer::Took {
                    says: Clean::new(&format!("it is with {}", self.errand.doer())),
                    reference: None,
                    secret: None,
                },
            }
        })
    }

    fn look<'a>(
        &'a self,
        item: &'a Item,
        step: usize,
        sent_at: Timestamp,
        now: Timestamp,
    ) -> Boxed<'a, Seen> {
        let cannot = |why: &str| -> Boxed<'a, Seen> {
            let says = Clean::new(why);
            Box::pin(async move { Seen::CannotTell(says) })
        };
        match (item.steps.get(step), item.aim.school(), &self.tickets) {
            (Some(step), _, Some(tickets)) if step.id.as_str() == TICKET_STEP => {
                tickets.look(&item.key, sent_at, now)
            }
            (Some(step), Some(school), _) if step.id.as_str() == DONE => {
                self.errand.look(school, step, sent_at, now)
            }
            _ => cannot("the configuration says no longer where tickets go"),
        }
    }
}

/// A choice that must be there.
///
/// # Errors
/// When it is not, with what it means.
pub(super) fn needed<'a>(
    ask: &'a Ask,
    spec: &ActionSpec,
    name: &str,
) -> Result<&'a Clean, Refused> {
    ask.choices.get(name).filter(|value| !value.is_empty()).ok_or_else(|| {
        let help = spec.choices.iter().find(|choice| choice.name == name).map_or("", |c| c.help);
        Refused::Choice(format!("{name} is missing: {help}"))
    })
}
