//! Taking things in hand: acknowledge, claim, downtime, note, give back.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::model::desk::{CellName, DeskKind};
use crate::model::ids::ServiceKey;
use crate::model::text::Clean;

/// The most cells of one [`Handle`].
pub const MOST_CELLS: usize = 10_000;

/// `POST /v1/handling`. Who does it is the account behind the socket; nobody can name another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Handle {
    /// What to do.
    pub kind: DeskKind,
    /// To which cells; at least one, at most 10,000.
    pub cells: Vec<CellName>,
    /// The filter that chose them, as written: kept beside the list that it matched.
    #[serde(default)]
    pub filter: Clean,
    /// When a downtime begins; at once if absent.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub from: Option<Timestamp>,
    /// When it runs out; the end of the shift if absent. A downtime names it.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
    /// When a downtime comes again, in the place of `from` and `until`: `every sun 02:00..04:00`,
    /// `every mon,thu 22:00..06:00 till 2027-01-31`, or `closures`, those of each school's calendar.
    /// Times of day are London's; without `till` it ends after 90 days.
    #[serde(default)]
    pub every: Clean,
    /// Why, or the note. A downtime and a note need it. No pupil's name.
    #[serde(default)]
    pub why: Clean,
}

/// The answer to `POST /v1/desk/{id}/strike`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StruckOut {
    /// The entry of the desk's book whose text is gone.
    pub id: u64,
    /// Who struck it out, as the agent knows the account.
    pub by: Clean,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// A cell to which it was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// Which.
    pub cell: CellName,
    /// Why.
    pub why: Clean,
}

/// The answer to [`Handle`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Handled {
    /// The entry in the desk's book; 0 if there is none, because nothing was done.
    pub id: u64,
    /// The operator, as the agent knows the account.
    pub by: Clean,
    /// What was done.
    pub kind: DeskKind,
    /// To how many cells.
    pub done: u32,
    /// When it begins, if not at once.
    #[schemars(with = "Option<String>")]
    pub from: Option<Timestamp>,
    /// When it runs out.
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
    /// How often it comes, on the cell on which it comes most often; 1 where it comes once.
    #[serde(default)]
    pub times: u32,
    /// When it runs out for good, where it comes more than once.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub last: Option<Timestamp>,
    /// How many cells somebody else had before.
    pub taken_over: u32,
    /// To how many it was not done.
    pub left_out: u32,
    /// The first hundred of those.
    pub left_out_cells: Vec<LeftOut>,
}

/// An entry of the desk's book on a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeskLine {
    /// Its number in the desk's book.
    #[serde(default)]
    pub id: u64,
    /// When it was done.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The operator's account.
    pub by: Clean,
    /// What was done.
    pub kind: DeskKind,
    /// To which services of this row.
    pub services: Vec<ServiceKey>,
    /// When it begins, if not at once.
    #[schemars(with = "Option<String>")]
    pub from: Option<Timestamp>,
    /// When it runs out.
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
    /// How often it was to come, where that is more than once.
    #[serde(default)]
    pub times: u32,
    /// When it runs out for good, where it comes more than once.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub last: Option<Timestamp>,
    /// The filter that chose the cells, as written; empty if there was none.
    pub filter: Clean,
    /// Why, or the note.
    pub why: Clean,
}
