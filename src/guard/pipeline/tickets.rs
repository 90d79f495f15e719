//! Tickets that were raised and stand, read from the ledger alone, so that a restart forgets none.

use std::collections::BTreeSet;

use crate::guard::machine::Event;
use crate::guard::pipeline::audit;
use crate::guard::pipeline::desk::{Denied, Guard, Who};
use crate::ledger::Draft;
use crate::model::cell::Row;
use crate::model::desk::CellName;
use crate::model::ids::ActionId;
use crate::model::plan::{Aim, Item, Outcome, StepState};
use crate::model::text::Clean;
use crate::model::ticket::Ticket;
use crate::ports::ledger::{AuditQuery, Held};
use crate::ports::tickets::{TICKET_STEP, short_of};

/// Actions that are looked through, the newest; what is open is always among what is read.
const LOOKED_THROUGH: usize = 2_000;
/// The audit's word for a person's word that a ticket is over.
const CLOSED: &str = "ticket_closed";

/// A ticket that stands as far as the ledger tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// The ticket.
    pub ticket: Ticket,
    /// The cells that it is about.
    pub cells: Vec<CellName>,
    /// Whether it stands for as long as its action is open, whatever the board says; else it is over
    /// with the trouble.
    pub is_awaited: bool,
}

impl Guard {
    /// The tickets that stand, oldest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn tickets(&self) -> Result<Vec<Raised>, Denied> {
        let read = self.inner.blocking(|ledger| {
            let query = AuditQuery {
                kind: Some(CLOSED.to_owned()),
                limit: LOOKED_THROUGH,
                ..AuditQuery::default()
            };
            Ok((ledger.open()?, ledger.recent(LOOKED_THROUGH)?, ledger.entries(&query)?))
        });
        let (open, recent, closed) = read.await?;
        let over: BTreeSet<Clean> =
            closed.into_iter().filter_map(|entry| entry.body.get("key").cloned()).collect();
        let closed = recent.into_iter().filter(|held| held.closed);
        let all = open.into_iter().chain(closed).filter(|held| !over.contains(&held.item.key));
        let mut all: Vec<Raised> = all.filter_map(|held| raised(&held)).collect();
        all.sort_by(|a, b| (a.ticket.at, &a.ticket.key).cmp(&(b.ticket.at, &b.ticket.key)));
        Ok(all)
    }

    /// A person says that a ticket that stands is over, named by its key or its number. Where its action
    /// is still open, that is closed with it.
    pub(super) async fn close_ticket(
        &self,
        who: &Who,
        name: &str,
        why: &Clean,
    ) -> Result<(), Denied> {
        let standing = self.tickets().await?;
        let mut named = standing
            .iter()
            .map(|raised| &raised.ticket)
            .filter(|ticket| ticket.key.as_str() == name || ticket.number.as_str() == name);
        let none =
            || Denied::Nothing("no such open action, and no ticket of it that stands".into());
        let ticket = named.next().ok_or_else(none)?;
        if named.next().is_some() {
            let why = format!("several tickets have the number {name}: name the action's key");
            return Err(Denied::Asked(why));
        }
        let key = ticket.key.clone();
        let open = self.open().await?;
        if open.iter().any(|held| held.item.key == key) {
            return self.by_a_person(who, key.as_str(), Event::GivenUp, why).await;
        }
        let recent = self.recent(LOOKED_THROUGH).await?;
        let held = recent.into_iter().find(|held| held.item.key == key).ok_or_else(none)?;
        let (now, plan) = (self.inner.clock.now(), held.plan.as_str());
        let body = [("ticket", ticket.number.as_str()), ("told", "by a person")];
        let draft = audit::about_item(now, CLOSED, plan, &held.item, &body);
        let draft = Draft { by: Some(who.operator.clone()), ..draft };
        let draft = self.inner.private(draft, "why", why)?;
        self.inner.blocking(move |ledger| ledger.append(draft)).await?;
        self.inner.tell();
        Ok(())
    }
}

/// The ticket of an action, where it was handed over and is not over with it.
fn raised(held: &Held) -> Option<Raised> {
    let Held { item, steps, .. } = held;
    let n = item.steps.iter().position(|step| step.id.as_str() == TICKET_STEP)?;
    let step = steps.get(n)?;
    let handed_over = matches!(step.state, StepState::Took | StepState::Seen);
    // What is only a ticket is done once the ticket is there; what waits for work is done with it.
    let is_only_a_ticket = item.steps.len() == 1;
    let stands = !held.closed || (is_only_a_ticket && held.outcome == Some(Outcome::Done));
    if !(handed_over && stands) {
        return None;
    }
    Some(Raised {
        ticket: Ticket {
            number: held.reference.clone().unwrap_or_else(|| short_of(&item.key)),
            key: item.key.clone(),
            action: held.action.clone(),
            by: held.by.name.clone(),
            at: step.sent_at.unwrap_or(held.at),
        },
        cells: cells(&held.action, item),
        is_awaited: !(held.closed || is_only_a_ticket),
    })
}

/// The cells that an action was about; of an account, its school's cell of the action's service.
#[must_use]
pub fn acted_on(held: &Held) -> Vec<CellName> {
    let service = || held.action.service().parse().ok();
    let accounts = held.item.aims().filter_map(|aim| match aim {
        Aim::Account(school, _) => {
            Some(CellName { row: Row::School(*school), service: service()? })
        }
        _ => None,
    });
    accounts.chain(cells(&held.action, &held.item)).collect()
}

/// The cells that an item is about: named one by one, by the service of its action, or, of a row as a
/// whole, those that were in trouble there when it was planned.
fn cells(action: &ActionId, item: &Item) -> Vec<CellName> {
    let own = Some(action.service()).filter(|service| *service != "desk");
    let named = item.aims().filter_map(|aim| {
        let service = match aim {
            Aim::Cell(_, service) => service.clone(),
            Aim::School(_) | Aim::Estate => own?.parse().ok()?,
            Aim::Account(..) => return None,
        };
        Some(CellName { row: aim.school().map_or(Row::Estate, Row::School), service })
    });
    let read = item.now.iter().filter(|_| own.is_none()).filter_map(|fact| {
        let (row, service) = fact.name.as_str().split_once('/')?;
        let row = match row {
            "estate" => Row::Estate,
            school => Row::School(school.parse().ok()?),
        };
        Some(CellName { row, service: service.parse().ok()? })
    });
    let all: BTreeSet<CellName> = named.chain(read).collect();
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::action::Class;
    use crate::model::observation::Fact;
    use crate::model::plan::{Kind, Operator, Step};
    use crate::ports::ledger::StepRecord;

    /// An action with these steps, each so far.
    fn held(action: &str, aims: &[&str], steps: &[(&str, StepState)]) -> Held {
        let mut aims = aims.iter().map(|aim| aim.parse::<Aim>().unwrap());
        let step = |(id, _): &(&str, StepState)| Step {
            id: Clean::new(id),
            system: Clean::default(),
            says: Clean::default(),
            class: Class::HandOff,
            undoable: false,
            patience_s: 60,
            with: BTreeMap::new(),
        };
        let record = |(_, state): &(&str, StepState)| StepRecord {
            state: *state,
            sent_at: None,
            sent: 1,
            looked_at: None,
            looks: 0,
            says: Clean::default(),
        };
        let facts = ["estate/groupcall", "9991001/groupcall", "9991001/redstor", "pupils"];
        let facts = facts.map(|name| Fact { name: Clean::new(name), value: Clean::default() });
        Held {
            plan: Clean::new("p"),
            action: action.parse().unwrap(),
            by: Operator { uid: 1, login: None, name: Clean::new("asha") },
            item: Item {
                key: Clean::new("0123456789abcdef"),
                aim: aims.next().unwrap(),
                also: aims.collect(),
                kind: Kind::School,
                lease: Clean::default(),
                now: facts.into(),
                steps: steps.iter().map(step).collect(),
                sends: Vec::new(),
                protective: false,
                will_not: Vec::new(),
                beware: Vec::new(),
                undo: None,
                second_person: None,
            },
            at: "2026-11-24T09:00:00Z".parse().unwrap(),
            steps: steps.iter().map(record).collect(),
            outcome: None,
            closed: false,
            reference: Some(Clean::new("10482")),
        }
    }

    fn told(held: &Held) -> Option<(String, Vec<String>, bool)> {
        let Raised { ticket, cells, is_awaited } = raised(held)?;
        let name = |cell: &CellName| match cell.row {
            Row::Estate => format!("estate/{}", cell.service),
            Row::School(school) => format!("{school}/{}", cell.service),
        };
        Some((ticket.number.to_string(), cells.iter().map(name).collect(), is_awaited))
    }

    #[test]
    fn what_was_handed_over_stands_until_its_action_or_a_person_ends_it() {
        use StepState::{Seen, Sent, Took, Unknown};
        let only = |state| held("desk.raise_ticket", &["9991002/groupcall"], &[("ticket", state)]);
        let ended = |held: Held, outcome| Held { closed: true, outcome: Some(outcome), ..held };
        for state in [Sent, Unknown, StepState::Refused, StepState::Waiting] {
            assert_eq!(told(&only(state)), None, "{state:?}: nobody knows of a ticket");
        }
        assert!(
            told(&only(Took)).is_some_and(|(number, _, awaited)| number == "10482" && !awaited)
        );
        assert!(told(&ended(only(Seen), Outcome::Done)).is_some(), "delivered is not solved");
        assert_eq!(told(&ended(only(Took), Outcome::Accepted)), None, "a person closed it");
        let nameless = Held { reference: None, ..only(Took) };
        assert!(told(&nameless).is_some_and(|(number, ..)| number == "CT-01234567"));
        let work = |state| {
            held("redstor.restore_request", &["9991001"], &[("ticket", Seen), ("done", state)])
        };
        assert!(told(&work(Took)).is_some_and(|(_, _, awaited)| awaited));
        assert_eq!(told(&ended(work(Seen), Outcome::Done)), None, "the work is done");
        assert_eq!(told(&held("groupcall.resync", &["9991001"], &[("fresh_data", Took)])), None);
    }

    #[test]
    fn a_ticket_is_about_the_cells_that_it_names_and_of_a_whole_row_those_in_trouble() {
        let step = [("ticket", StepState::Took)];
        let cells = |held: &Held| told(held).unwrap().1;
        let raise = held("desk.raise_ticket", &["9991001", "9991002/smoothwall"], &step);
        let wanted =
            ["estate/groupcall", "9991001/groupcall", "9991001/redstor", "9991002/smoothwall"];
        assert_eq!(cells(&raise), wanted);
        let restore = held("redstor.restore_request", &["9991001"], &step);
        assert_eq!(cells(&restore), ["9991001/redstor"]);
    }
}
