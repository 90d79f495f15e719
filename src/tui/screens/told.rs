//! A page made to agree with the board: the board's cells are newer, and a dead line knows nothing.
//!
//! Invariant: a page never shows ok where the board does not, nor after the line to the agent is
//! gone.

use std::borrow::Cow;

use jiff::Timestamp;

use super::View;
use crate::tui::times;
use crate::wire::board::{CompactCell, Row};
use crate::wire::page::{Page, ServiceView};
use crate::wire::{Clean, Health, Reason};

impl<'a> View<'a> {
    /// The page of a row as it may be shown now.
    #[must_use]
    pub fn page(&self, row: Row) -> Option<Cow<'a, Page>> {
        let page = self.pages.page(row)?;
        let Some(rows) = self.rows else { return Some(Cow::Borrowed(page)) };
        let now_on_board = |service: &ServiceView| {
            let n = rows.columns.iter().position(|c| c.key == service.service)?;
            rows.cells(row).get(n).filter(|cell| differs(service, cell))
        };
        let is_current = page.services.iter().all(|s| now_on_board(s).is_none());
        if is_current && self.is_known {
            return Some(Cow::Borrowed(page));
        }
        let mut page = page.clone();
        for service in &mut page.services {
            if let Some(cell) = now_on_board(service) {
                overtaken(service, cell);
            }
            if !self.is_known {
                forgotten(service, page.as_of, self.now);
            }
        }
        Some(Cow::Owned(page))
    }
}

fn differs(service: &ServiceView, cell: &CompactCell) -> bool {
    let told = &service.cell;
    told.health != cell.health
        || told.reason != cell.reason
        || told.follows_from.as_ref() != cell.follows_from.as_deref()
        || told.handling.as_ref() != cell.handling.as_deref()
}

/// The board's cell has changed since the page was read: its sentence and checks do not hold.
fn overtaken(service: &mut ServiceView, cell: &CompactCell) {
    service.checks.clear();
    service.affects.clear();
    let told = &mut service.cell;
    told.health = cell.health;
    told.reason = cell.reason;
    told.since = cell.since.map(times::at_second);
    told.state_since = None;
    told.follows_from = cell.follows_from.as_deref().cloned();
    told.why = Clean::new("has just changed; asking the agent why ...");
    told.handling = cell.handling.as_deref().cloned();
    service.next_steps.clear();
    if !cell.health.is_trouble() {
        service.tickets.clear();
    }
}

/// The line is gone: what was well is unknown.
fn forgotten(service: &mut ServiceView, as_of: Timestamp, now: Timestamp) {
    let then = |why: &Clean| {
        Clean::new(&format!("not known since {}; then: {why}", times::moment(as_of, now)))
    };
    if service.cell.health == Health::Ok {
        service.cell.health = Health::Unknown;
        service.cell.reason = Some(Reason::Stale);
        service.cell.quiet = false;
        service.cell.why = then(&service.cell.why);
        service.cell.since = Some(as_of);
    }
    for check in service.checks.iter_mut().filter(|c| c.health == Health::Ok) {
        check.health = Health::Unknown;
        check.reason = Some(Reason::Stale);
        check.why = then(&check.why);
    }
}
