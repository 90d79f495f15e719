//! Acting: the menu, the choices, the plan and its confirmation, what runs, and a password shown
//! once.
//!
//! Invariant: nothing here sends anything but the plan's own confirmation, and that only after its
//! words were typed on a plan that was seen whole.

pub mod form;
mod lines;
pub mod menu;
pub mod plan;
pub mod run;
pub mod secret;

use super::{View, row_name};
use crate::tui::state::{row_of, service_of};
use crate::tui::widgets::cut;
use crate::wire::action::ActionRow;
use crate::wire::board::Row;
use crate::wire::desk::CellName;
use crate::wire::{AccountName, Aim, Clean, Laestab};

/// What an act is about, by what was seen: never by a line of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aimed {
    /// The cell under the cursor, or one of each marked school.
    pub cells: Vec<CellName>,
    /// Marked schools that the filter hides: left out, and said so.
    pub hidden: Vec<Laestab>,
    /// The account whose page was open, or those that were marked, of the only cell's school.
    pub accounts: Vec<Account>,
}

/// An account by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its objectGUID.
    pub guid: Clean,
    /// What it is called on the screen, masked or not.
    pub label: Clean,
}

impl Aimed {
    /// One cell.
    #[must_use]
    pub fn cell(cell: CellName) -> Self {
        Self { cells: vec![cell], hidden: Vec::new(), accounts: Vec::new() }
    }

    /// What an action was about.
    #[must_use]
    pub fn of(row: &ActionRow) -> Self {
        let service = service_of(&row.action, &row.aim).and_then(|service| service.parse().ok());
        let cells = service.map(|service| CellName { row: row_of(&row.aim), service });
        let accounts = match &row.aim {
            Aim::Account(_, AccountName::Guid(guid)) => {
                vec![Account { guid: Clean::new(guid), label: Clean::new(&row.aim.to_string()) }]
            }
            _ => Vec::new(),
        };
        Self { cells: cells.into_iter().collect(), hidden: Vec::new(), accounts }
    }

    /// In words, for a heading.
    #[must_use]
    pub fn words(&self, view: &View<'_>) -> String {
        match (self.cells.as_slice(), self.accounts.as_slice()) {
            ([cell], [account]) => {
                format!("{}   {}", account.label, row_name(cell.row, view.rows))
            }
            ([cell], [_, ..]) => {
                let n = self.accounts.len();
                format!("{n} marked accounts   {}", row_name(cell.row, view.rows))
            }
            ([cell], []) => {
                let column =
                    view.rows.and_then(|r| r.columns.iter().find(|c| c.key == cell.service));
                let service = column.map_or(cell.service.as_str(), |c| c.label.as_str());
                format!("{} / {service}", row_name(cell.row, view.rows))
            }
            (many, _) => format!("{} marked schools", many.len()),
        }
    }

    /// The names of the marked schools or accounts, one after another, in at most `room` columns.
    #[must_use]
    pub fn names(&self, view: &View<'_>, room: u16) -> String {
        let names: Vec<String> = match self.accounts.as_slice() {
            [] => self.cells.iter().map(|cell| row_name(cell.row, view.rows)).collect(),
            accounts => accounts.iter().map(|account| account.label.to_string()).collect(),
        };
        cut(&names.join(", "), room)
    }

    /// What is left out because the filter hides it; none if nothing is.
    #[must_use]
    pub fn hidden_words(&self, view: &View<'_>) -> Option<String> {
        hidden_words(&self.hidden, view)
    }
}

/// Marked schools that are hidden, in words.
fn hidden_words(hidden: &[Laestab], view: &View<'_>) -> Option<String> {
    if hidden.is_empty() {
        return None;
    }
    let names: Vec<String> =
        hidden.iter().map(|school| row_name(Row::School(*school), view.rows)).collect();
    Some(format!("marked, but hidden by the filter: {}", names.join(", ")))
}

/// What a target is called: a school by its name, an account by its label and its school.
fn named(aim: &Aim, label: &Clean, view: &View<'_>) -> String {
    let place = place_of(aim, view);
    match aim {
        Aim::Account(..) => format!("{label}   {place}"),
        Aim::School(_) | Aim::Cell(..) | Aim::Estate => place,
    }
}

/// The name of a target's school, or of the estate.
fn place_of(aim: &Aim, view: &View<'_>) -> String {
    row_name(row_of(aim), view.rows)
}
