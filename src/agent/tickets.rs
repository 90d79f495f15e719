//! Tickets on pages and in the status: what the ledger says of them, and whether their trouble is over.
//!
//! Invariant: what stands is asked of the ledger and of the board's history, and kept nowhere else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::agent::routes::Desk;
use crate::guard::{Denied, Guard, Raised};
use crate::hub::HubGone;
use crate::model::cell::{Row, StateChange};
use crate::model::desk::CellName;
use crate::model::health::Health;
use crate::model::ids::ServiceKey;
use crate::model::text::Clean;
use crate::model::ticket::Ticket;
use crate::wire::page::Page;
use crate::wire::status::{SchoolStatus, Status};

/// State changes of one row that are looked through.
const LOOKED_THROUGH: usize = 2_000;

/// Tickets by the row that they are about.
type ByRow = BTreeMap<Row, Vec<Raised>>;

/// What the ledger told last, and the number of the guard's news at that time.
#[derive(Default)]
pub(super) struct Book(Mutex<Option<(u64, Arc<ByRow>)>>);

impl Book {
    /// As the ledger has it now; read anew only when something has happened.
    async fn read(&self, guard: &Guard) -> Result<Arc<ByRow>, Denied> {
        let news = *guard.news().borrow();
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, book)) = held.filter(|(at, _)| *at == news) {
            return Ok(book);
        }
        let mut book = ByRow::new();
        for raised in guard.tickets().await? {
            let mut rows: Vec<Row> = raised.cells.iter().map(|cell| cell.row).collect();
            rows.dedup();
            for row in rows {
                book.entry(row).or_default().push(raised.clone());
            }
        }
        let book = Arc::new(book);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((news, Arc::clone(&book)));
        Ok(book)
    }
}

/// The tickets of one row and what is known of when its trouble was over.
struct OfRow {
    raised: Vec<Raised>,
    history: Vec<StateChange>,
}

impl OfRow {
    /// The tickets that stand about `service`, which is so now.
    fn standing<'a>(
        &'a self,
        row: Row,
        service: &'a ServiceKey,
        health: Health,
    ) -> impl Iterator<Item = &'a Ticket> {
        let about = move |raised: &&Raised| {
            raised.cells.iter().any(|cell| cell.row == row && cell.service == *service)
        };
        let stands = move |raised: &&Raised| {
            raised.is_awaited
                || (health.is_trouble() && !self.was_well_after(&raised.ticket, service))
        };
        self.raised.iter().filter(about).filter(stands).map(|raised| &raised.ticket)
    }

    fn was_well_after(&self, ticket: &Ticket, service: &ServiceKey) -> bool {
        self.history.iter().any(|h| h.service == *service && h.at > ticket.at && !h.to.is_trouble())
    }
}

impl Desk {
    /// Every row with a ticket; none where there is no guard, or its ledger cannot be read.
    async fn ticketed(&self) -> Arc<ByRow> {
        let Ok(guard) = &self.settings.guard else { return Arc::default() };
        self.tickets.read(guard).await.unwrap_or_else(|error| {
            tracing::warn!("which tickets stand cannot be read: {error}");
            Arc::default()
        })
    }

    async fn tickets_of(&self, row: Row, book: &ByRow) -> Option<OfRow> {
        let raised = book.get(&row)?.clone();
        let store = Arc::clone(&self.store);
        let read = tokio::task::spawn_blocking(move || store.history(row, LOOKED_THROUGH)).await;
        let history = match read {
            Ok(Ok(history)) => history,
            // Then they are shown as long as there is trouble.
            Ok(Err(error)) => {
                tracing::warn!("whether a ticket's trouble was over cannot be read: {error}");
                Vec::new()
            }
            Err(error) => {
                tracing::error!("whether a ticket's trouble was over cannot be read: {error}");
                Vec::new()
            }
        };
        Some(OfRow { raised, history })
    }

    /// Every ticket that stands with its cells, the oldest first.
    pub(super) async fn standing_tickets(&self) -> Result<Vec<(Ticket, Vec<CellName>)>, HubGone> {
        let book = self.ticketed().await;
        let mut all: BTreeMap<Clean, (Ticket, Vec<CellName>)> = BTreeMap::new();
        for row in book.keys() {
            let Some(of_row) = self.tickets_of(*row, &book).await else { continue };
            let here = |cell: &&CellName| cell.row == *row;
            let names: Vec<CellName> =
                of_row.raised.iter().flat_map(|r| r.cells.iter().filter(here).cloned()).collect();
            let asked = names.clone();
            let stands = self.hub.ask(move |held| held.stands(&asked)).await?;
            for (name, stand) in names.into_iter().zip(stands) {
                let trouble = stand.is_some_and(|stand| stand.trouble);
                let health = if trouble { Health::Critical } else { Health::Ok };
                for ticket in of_row.standing(*row, &name.service, health) {
                    let key = ticket.key.clone();
                    let (_, cells) = all.entry(key).or_insert_with(|| (ticket.clone(), Vec::new()));
                    if !cells.contains(&name) {
                        cells.push(name.clone());
                    }
                }
            }
        }
        let mut all: Vec<(Ticket, Vec<CellName>)> = all.into_values().collect();
        all.sort_by_key(|(ticket, _)| ticket.at);
        Ok(all)
    }

    /// Puts them on a page.
    pub(super) async fn put_tickets(&self, row: Row, page: &mut Page) {
        let Some(of_row) = self.tickets_of(row, &*self.ticketed().await).await else { return };
        for view in &mut page.services {
            let standing = of_row.standing(row, &view.service, view.cell.health);
            view.tickets = standing.cloned().collect();
        }
    }

    /// Puts the estate's into a status.
    pub(super) async fn put_estate_tickets(&self, status: &mut Status) {
        let Some(of_row) = self.tickets_of(Row::Estate, &*self.ticketed().await).await else {
            return;
        };
        for fact in &mut status.estate {
            let standing = of_row.standing(Row::Estate, &fact.service, fact.health);
            fact.tickets = standing.map(|ticket| ticket.number.clone()).collect();
        }
    }

    /// Puts schools' into their statuses.
    pub(super) async fn with_tickets(&self, mut schools: Vec<SchoolStatus>) -> Vec<SchoolStatus> {
        let book = self.ticketed().await;
        for school in &mut schools {
            let row = Row::School(school.laestab);
            let Some(of_row) = self.tickets_of(row, &book).await else { continue };
            for (service, cell) in &mut school.cells {
                let standing = of_row.standing(row, service, cell.health);
                let numbers: Vec<Clean> = standing.map(|t| t.number.clone()).collect();
                cell.tickets = numbers;
            }
        }
        schools
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::desk::CellName;

    const SCHOOL: &str = "9991001";

    fn of_row(is_awaited: bool, history: &[(&str, &str, Health)]) -> OfRow {
        let row = Row::School(SCHOOL.parse().unwrap());
        let ticket = Ticket {
            number: Clean::new("10482"),
            key: Clean::new("k"),
            action: "desk.raise_ticket".parse().unwrap(),
            by: Clean::new("asha"),
            at: "2026-11-24T09:00:00Z".parse().unwrap(),
        };
        let cells = vec![CellName { row, service: "groupcall".parse().unwrap() }];
        let change = |(at, service, to): &(&str, &str, Health)| StateChange {
            at: at.parse().unwrap(),
            service: service.parse().unwrap(),
            from: Health::Unknown,
            to: *to,
            reason: None,
            follows: false,
            first: false,
            why: Clean::default(),
        };
        OfRow {
            raised: vec![Raised { ticket, cells, is_awaited }],
            history: history.iter().map(change).collect(),
        }
    }

    fn stands(of: &OfRow, service: &str, health: Health) -> bool {
        let row = Row::School(SCHOOL.parse().unwrap());
        of.standing(row, &service.parse().unwrap(), health).next().is_some()
    }

    #[test]
    fn a_ticket_about_trouble_is_over_once_its_cell_was_well_and_one_for_work_is_not() {
        let (before, after) = ("2026-11-24T08:00:00Z", "2026-11-24T10:00:00Z");
        let fresh = of_row(false, &[(before, "groupcall", Health::Ok)]);
        assert!(stands(&fresh, "groupcall", Health::Critical), "well before it was raised");
        assert!(!stands(&fresh, "groupcall", Health::Ok));
        assert!(!stands(&fresh, "redstor", Health::Critical), "it is about another service");
        for (service, to, wanted) in [
            ("groupcall", Health::Ok, false),
            ("groupcall", Health::NotSubscribed, false),
            ("groupcall", Health::Unknown, true),
            ("redstor", Health::Ok, true),
        ] {
            let of = of_row(false, &[(after, service, to)]);
            assert_eq!(stands(&of, "groupcall", Health::Critical), wanted, "{service} {to:?}");
        }
        let work = of_row(true, &[(after, "groupcall", Health::Ok)]);
        assert!(stands(&work, "groupcall", Health::Ok) && !stands(&work, "redstor", Health::Ok));
    }
}
