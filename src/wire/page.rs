//! The page of one school or of the estate: sentences, checks, evidence, history.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::cell::{Cell, CheckView, Handling, StateChange};
use crate::model::estate::NotWatched;
use crate::model::ids::{Laestab, ServiceKey};
use crate::model::next_step::NextStep;
use crate::model::observation::Window;
use crate::model::school::School;
use crate::model::share::InCommon;
use crate::model::text::Clean;
use crate::model::ticket::Ticket;
use crate::wire::desk::DeskLine;
use crate::wire::past::Past;

/// One service on a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceView {
    /// Which.
    pub service: ServiceKey,
    /// Displayed name.
    pub label: Clean,
    /// Two letters.
    pub code: Clean,
    /// The cell with its sentence.
    pub cell: Cell,
    /// Its checks with evidence.
    pub checks: Vec<CheckView>,
    /// Schools whose cell of this service is in the same trouble, this one included.
    pub elsewhere: u32,
    /// What those schools have in common and the others that take it have not, the most telling first.
    #[serde(default)]
    pub in_common: Vec<InCommon>,
    /// Schools that take it.
    pub takers: u32,
    /// Services of this school that follow from this cell.
    pub affects: Vec<ServiceKey>,
    /// A hold on this cell that has not begun, the next of them.
    #[serde(default)]
    pub planned: Option<Planned>,
    /// Work that the vendor announces or has under way here or for the whole estate, the next first.
    #[serde(default)]
    pub windows: Vec<Window>,
    /// The worst of each of the last 14 days, the oldest first, today the last; see
    /// [`crate::wire::days::RowDays::days`]. Empty where the store cannot tell.
    #[serde(default)]
    pub days: String,
    /// Tickets about it that were raised from here and stand, oldest first.
    #[serde(default)]
    pub tickets: Vec<Ticket>,
    /// What the desk has written down to do about its checks that are not ok, the worst first.
    #[serde(default)]
    pub next_steps: Vec<NextStep>,
}

/// A hold that has not begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Planned {
    /// When it begins.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// How somebody has it then.
    pub handling: Handling,
    /// How many are planned, this one included.
    #[serde(default)]
    pub times: u32,
    /// When the last of them runs out.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub last: Option<Timestamp>,
}

/// `GET /v1/schools/{laestab}` and `GET /v1/schools/estate`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Page {
    /// Version of the wire.
    pub version: u32,
    /// Revision.
    pub revision: u64,
    /// The agent's clock.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// The school; absent for the estate.
    pub school: Option<School>,
    /// Whom to ring; empty if not configured.
    pub contact: Clean,
    /// The desk's standing note.
    pub note: Clean,
    /// Whether today is a school day there.
    pub school_day: bool,
    /// Every service in the order of the columns.
    pub services: Vec<ServiceView>,
    /// State changes, newest first, at most 100.
    pub history: Vec<StateChange>,
    /// What operators did here, newest first, at most 100.
    #[serde(default)]
    pub desk: Vec<DeskLine>,
    /// The open incidents that its cells are part of.
    #[serde(default)]
    pub incidents: Vec<u64>,
    /// Gaps of this school.
    pub not_watched: Vec<NotWatched>,
    /// Set where this is a past moment; see [`crate::wire::board::Board::past`]. Checks with their
    /// evidence are not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<Past>,
    /// Whether this is of a recording that is played; see [`crate::wire::board::Board::replay`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replay: bool,
}

/// `GET /v1/checks/{laestab}/{check}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckPage {
    /// The school; absent for the estate.
    pub laestab: Option<Laestab>,
    /// The check with its evidence.
    pub check: CheckView,
}

/// `POST /v1/refresh`: ask again now, within the vendor's limits. Empty: everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// One school; absent for all and the estate.
    #[serde(default)]
    pub school: Option<Laestab>,
    /// One service; absent for all.
    #[serde(default)]
    pub service: Option<ServiceKey>,
}

/// The answer to [`Refresh`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refreshed {
    /// Jobs that will run now.
    pub asked: u32,
    /// Jobs that ran so recently that they were left alone.
    pub too_soon: u32,
}

impl Refreshed {
    /// What became of it, in a sentence.
    #[must_use]
    pub fn words(&self) -> String {
        let questions = |n: u32| format!("{n} {}", if n == 1 { "question" } else { "questions" });
        let Self { asked, too_soon } = *self;
        let soon = if too_soon == 1 { "was" } else { "were" };
        match (asked, too_soon) {
            (0, 0) => "nothing is watched there: nothing was asked".to_owned(),
            (0, _) => format!("not asked again: {} {soon} asked moments ago", questions(too_soon)),
            (_, 0) => format!("asking again now: {}", questions(asked)),
            _ => {
                let asked = questions(asked);
                format!("asking again now: {asked}; {too_soon} {soon} asked moments ago")
            }
        }
    }
}

/// An error of the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// A word for programs: `not_found`, `bad_request`, `busy`.
    pub code: String,
    /// A sentence with the remedy.
    pub message: Clean,
}

/// `GET /v1/health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentHealth {
    /// Program version.
    pub version: String,
    /// Version of the wire.
    pub wire: u32,
    /// Process id.
    pub pid: u32,
    /// Revision.
    pub revision: u64,
    /// Every configured check has been tried since start.
    pub settled: bool,
    /// Whether the store can be written.
    pub store_ok: bool,
    /// Events refused because a queue was full, since start.
    pub refused_events: u64,
    /// Answers dropped because they named a target that was not asked about, since start.
    pub foreign_answers: u64,
    /// Consoles attached to `/v1/changes`.
    pub readers: u32,
    /// When the configuration that is in use was read: at the start, or at the last reload.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub configured_at: Option<Timestamp>,
    /// A newer configuration that could not be used; the one before it goes on.
    #[serde(default)]
    pub reload_refused: Option<ReloadRefused>,
}

/// A reload that brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReloadRefused {
    /// When it was tried.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The first thing that is wrong with it, and how many more; the log has them all.
    pub why: Clean,
}
