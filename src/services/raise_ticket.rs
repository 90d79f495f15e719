//! `desk.raise_ticket`: a ticket about any cell, or one about many, or one for each of many.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::action::{ActionSpec, AimsAt, ChoiceSpec, Class};
use crate::model::cell::Row;
use crate::model::estate::Estate;
use crate::model::ids::Laestab;
use crate::model::observation::Fact;
use crate::model::plan::{Aim, Ask, Item, Kind, Operator, Private};
use crate::model::text::Clean;
use crate::ports::act::{Act, Answer, Prepared, Refused, Seen};
use crate::ports::clock::Boxed;
use crate::ports::known::{Known, KnownCell};
use crate::ports::ledger::Committed;
use crate::ports::tickets::{Matter, Tickets};
use crate::services::hand_off::{added, beware, place, raise, ticket_step, told};

/// Its row.
pub(super) const SPEC: ActionSpec = ActionSpec {
    id: "desk.raise_ticket",
    label: "Raise a ticket",
    class: Class::HandOff,
    aims_at: AimsAt::Cell,
    choices: &[
        ChoiceSpec {
            name: "each",
            help: "yes: one ticket for each target; otherwise one for all",
            optional: true,
        },
        ChoiceSpec {
            name: "text",
            help: "what the ticket says besides: rang the school, server was on",
            optional: true,
        },
    ],
};

/// Raises tickets.
pub(super) struct RaiseTicket {
    pub(super) tickets: Arc<dyn Tickets>,
    pub(super) known: Arc<dyn Known>,
    pub(super) estate: Arc<Estate>,
}

/// A target with what the board knows of it.
struct About {
    aim: Aim,
    place: Clean,
    cells: Vec<KnownCell>,
}

impl About {
    fn school(&self) -> Option<Laestab> {
        self.aim.school()
    }
}

impl RaiseTicket {
    /// What the board knows of a target: a cell, or of a whole row what is in trouble.
    async fn about(&self, aim: &Aim) -> Result<About, Refused> {
        let (row, place) = match aim {
            Aim::Estate => (Row::Estate, Clean::new("all schools")),
            Aim::School(school) | Aim::Cell(school, _) => {
                (Row::School(*school), place(&self.estate, *school)?)
            }
            Aim::Account(..) => {
                let why =
                    "a ticket is about a cell, a school or the estate, never about an account";
                return Err(Refused::Choice(why.into()));
            }
        };
        let all = self.known.row(row).await?;
        let cells: Vec<KnownCell> = match aim {
            Aim::Cell(_, service) => all.into_iter().filter(|k| k.service == *service).collect(),
            _ => all.into_iter().filter(|k| k.cell.health.is_trouble()).collect(),
        };
        if cells.is_empty() {
            let why = match aim {
                Aim::Cell(_, service) => format!("there is no service {service}"),
                _ => "nothing is in trouble there: name a service, as LAESTAB/service".to_owned(),
            };
            return Err(Refused::NotOne(why));
        }
        Ok(About { aim: aim.clone(), place, cells })
    }

    /// Every target that one ticket is about, `aim` first; the others that cannot be read stay out.
    async fn all(&self, ask: &Ask, aim: &Aim) -> Result<Vec<About>, Refused> {
        let mut all = vec![self.about(aim).await?];
        if each(ask)? {
            return Ok(all);
        }
        for other in ask.targets.iter().filter(|other| *other != aim) {
            all.extend(self.about(other).await);
        }
        Ok(all)
    }
}

/// Whether each target gets a ticket of its own.
fn each(ask: &Ask) -> Result<bool, Refused> {
    match ask.choices.get("each").map_or("no", Clean::as_str) {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(Refused::Choice("each: write yes or no".into())),
    }
}

/// How the targets stand now: their ages and sentences may change without harm.
fn facts(all: &[About]) -> Vec<Fact> {
    let one = |about: &About, known: &KnownCell| {
        let reason = known.cell.reason.map_or(String::new(), |r| format!(" {}", r.word()));
        let row = about.school().map_or_else(|| "estate".to_owned(), |s| s.to_string());
        Fact {
            name: Clean::new(&format!("{row}/{}", known.service)),
            value: Clean::new(&format!("{}{reason}", known.cell.health.word())),
        }
    };
    all.iter().flat_map(|about| about.cells.iter().map(move |known| one(about, known))).collect()
}

/// What all of them are; nothing where they differ.
fn only<'a>(mut all: impl Iterator<Item = &'a Clean>) -> Clean {
    let first = all.next().cloned().unwrap_or_default();
    if all.all(|other| *other == first) { first } else { Clean::default() }
}

fn matter(all: &[About], ask: &Ask, by: &Operator) -> Result<Matter, Refused> {
    let service = only(all.iter().flat_map(|a| a.cells.iter().map(|k| &k.label)));
    let place = only(all.iter().map(|a| &a.place));
    let first = all.first().and_then(About::school);
    let school = first.filter(|_| all.iter().all(|a| a.school() == first));
    let several = place.is_empty();
    let place = if several { Clean::new(&format!("{} places", all.len())) } else { place };
    let mut lines = Vec::new();
    for about in all {
        if several {
            lines.push(about.place.clone());
        }
        lines.extend(about.cells.iter().flat_map(told));
        lines.push(Clean::default());
    }
    lines.extend(added(ask)?);
    Ok(Matter {
        action: Clean::new("trouble on the board"),
        place,
        school: Clean::new(&school.map_or_else(String::new, |s| s.to_string())),
        service,
        lines,
        by: by.name.clone(),
        reason: ask.reason.clone(),
        ticket: ask.ticket.clone().unwrap_or_default(),
    })
}

/// What is typed to confirm it: the place; for several their number and the school or the action.
fn confirm(all: &[About]) -> Clean {
    let [one] = all else {
        let first = all.first().and_then(About::school);
        let school = first.filter(|_| all.iter().all(|a| a.school() == first));
        let word = school.map_or_else(|| "raise_ticket".to_owned(), |s| s.to_string());
        return Clean::new(&format!("{} {word}", all.len()));
    };
    Clean::new(&one.aim.to_string())
}

impl Act for RaiseTicket {
    fn actions(&self) -> Vec<ActionSpec> {
        vec![SPEC]
    }

    fn prepare<'a>(
        &'a self,
        ask: &'a Ask,
        aim: &'a Aim,
        by: &'a Operator,
        _: bool,
        _: Timestamp,
    ) -> Boxed<'a, Result<Prepared, Refused>> {
        Box::pin(async move {
            let all = self.all(ask, aim).await?;
            let matter = matter(&all, ask, by)?;
            let also: Vec<Aim> = all.iter().skip(1).map(|about| about.aim.clone()).collect();
            let label = matter.place.clone();
            let letter = self.tickets.write(&matter);
            let item = Item {
                key: Clean::default(),
                aim: aim.clone(),
                also,
                kind: if *aim == Aim::Estate { Kind::Estate } else { Kind::School },
                lease: Clean::new(&format!("ticket:{aim}")),
                now: facts(&all),
                steps: vec![ticket_step(&self.tickets, &letter)],
                sends: letter.lines(),
                protective: false,
                will_not: vec![Clean::new("nothing changes at a school or a vendor")],
                beware: beware(by),
                undo: None,
                second_person: None,
            };
            Ok(Prepared {
                item,
                private: Private { label, confirm: confirm(&all), notes: Vec::new() },
                groups: None,
            })
        })
    }

    fn step<'a>(
        &'a self,
        committed: &'a Committed,
        item: &'a Item,
        step: usize,
        now: Timestamp,
    ) -> Boxed<'a, Answer> {
        Box::pin(raise(&*self.tickets, (committed, item, step), now))
    }

    fn look<'a>(
        &'a self,
        item: &'a Item,
        _: usize,
        sent_at: Timestamp,
        now: Timestamp,
    ) -> Boxed<'a, Seen> {
        self.tickets.look(&item.key, sent_at, now)
    }
}
