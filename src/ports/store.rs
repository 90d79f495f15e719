//! What outlives the process: the last known board, what checks remember, and the history of
//! states.
//!
//! Invariant: no method but [`Store::load`], those that read, and [`Store::flush`] waits for a
//! disk or a server, and none of them may be called on a runtime thread.

use jiff::Timestamp;

use crate::model::cell::{Handling, Row, StateChange};
use crate::model::desk::{CellName, DeskEntry};
use crate::model::ids::CheckId;
use crate::model::incident::KeptIncident;
use crate::model::kept::{KeptCell, KeptMemory, KeptPlan, KeptRun, KnownRuns};
use crate::model::observation::Target;
use crate::model::past::{Around, Attended};
use crate::model::text::Clean;

/// Why the store cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A later version of the program wrote it; touching it could lose what that version knows.
    #[error(
        "{place} was written by a newer caretaker (format {found}, this one knows {known}): \
         upgrade this program, or name another state folder"
    )]
    Newer {
        /// File or server.
        place: String,
        /// Its format.
        found: u32,
        /// The newest format that this program knows.
        known: u32,
    },
    /// Cannot be opened, read or written now: no room, no right, no answer.
    #[error("{place} cannot be used: {why}")]
    Unusable {
        /// File or server.
        place: String,
        /// The cause and, where there is one, the remedy.
        why: String,
    },
}

/// What was remembered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KeptBoard {
    /// The last revision that was kept; 0 if none.
    pub revision: u64,
    /// When the board was last written; `None` if never.
    pub written_at: Option<Timestamp>,
    /// Cells in the order of their rows. Times are kept to the second, and the sentence only of
    /// cells in trouble.
    pub cells: Vec<KeptCell>,
    /// Memories of checks.
    pub memories: Vec<KeptMemory>,
    /// Holds that had not begun, or may have begun since.
    pub planned: Vec<KeptPlan>,
    /// Incidents that are open, and those resolved by hand with cells that were not well since.
    pub incidents: Vec<KeptIncident>,
    /// The last number that was given to an incident; 0 if none was.
    pub last_incident: u64,
}

/// What changed, to be kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Save {
    /// The agent's clock.
    pub at: Timestamp,
    /// The board's revision after this.
    pub revision: u64,
    /// Cells as they stand now; only those that changed.
    pub cells: Vec<KeptCell>,
    /// What checks learned.
    pub memories: Vec<KeptMemory>,
    /// Changes of health.
    pub history: Vec<(Row, StateChange)>,
    /// What operators did.
    pub desk: Vec<DeskEntry>,
    /// Answers to checks whose runs are kept.
    pub runs: Vec<KeptRun>,
    /// What changed of incidents.
    pub incidents: Vec<KeptIncident>,
    /// All holds that have not begun, if that list is another one now.
    pub planned: Option<Vec<KeptPlan>>,
}

/// A store that keeps the present alone.
fn no_past() -> StoreError {
    StoreError::Unusable { place: "the store".to_owned(), why: "it keeps no past".to_owned() }
}

/// Keeps the board.
pub trait Store: Send + Sync {
    /// The last known board. Blocking.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn load(&self) -> Result<KeptBoard, StoreError>;

    /// Takes what changed, to be written soon. Never waits: what is not yet written is coalesced
    /// to the newest state of each cell. Trouble shows in [`Store::trouble`].
    fn keep(&self, save: Save);

    /// The newest `limit` changes of a row, newest first; what is not yet written included.
    /// Blocking.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn history(&self, row: Row, limit: usize) -> Result<Vec<StateChange>, StoreError>;

    /// The newest `limit` entries of the desk's book about a row, newest first; what is not yet
    /// written included. Each names that row's cells only. Blocking.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn desk(&self, row: Row, limit: usize) -> Result<Vec<DeskEntry>, StoreError>;

    /// Puts `text` in the place of what an entry of the desk's book says, there and in the logs of
    /// incidents; afterwards no file of the store holds the old text. `false` if there is no such entry.
    /// Blocking, until it is written.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn strike(&self, _id: u64, _text: &Clean) -> Result<bool, StoreError> {
        Err(no_past())
    }

    /// The newest `limit` incidents that ended since `since`, with all that is kept of them, the newest
    /// first; what still waits to be written apart. Blocking.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn incidents(&self, since: Timestamp, limit: usize) -> Result<Vec<KeptIncident>, StoreError>;

    /// One incident, open or not, with all that is kept of it; what still waits to be written apart.
    /// Blocking.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn incident(&self, id: u64) -> Result<Option<KeptIncident>, StoreError>;

    /// Runs of a check that ended well since `since`, of at most the last 70 days; what still waits to
    /// be written apart. Blocking.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn runs(
        &self,
        target: Target,
        check: &CheckId,
        since: Timestamp,
    ) -> Result<KnownRuns, StoreError>;

    /// The changes around `at` of each cell of `rows` that ever changed. Blocking; at equal cost
    /// however much happened since.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn around(&self, _rows: &[Row], _at: Timestamp) -> Result<Vec<(CellName, Around)>, StoreError> {
        Err(no_past())
    }

    /// Hands over the changes of `rows` after the first moment and up to the second: row by row, the
    /// oldest first. Blocking.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn between(
        &self,
        _rows: &[Row],
        _span: (Timestamp, Timestamp),
        _see: &mut dyn FnMut(Row, StateChange),
    ) -> Result<(), StoreError> {
        Err(no_past())
    }

    /// The newest `limit` changes of a row at or before `at`, newest first. Blocking.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn up_to(
        &self,
        _row: Row,
        _at: Timestamp,
        _limit: usize,
    ) -> Result<Vec<StateChange>, StoreError> {
        Err(no_past())
    }

    /// Who had what at `at`, by the desk's book, in the order of the cells. Blocking.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn holds(&self, _at: Timestamp) -> Result<Vec<(CellName, Handling)>, StoreError> {
        Err(no_past())
    }

    /// At most `limit` entries of the desk's book after the first moment and up to the second, the
    /// oldest first, each with a few of its cells and with how many those are. Blocking.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn book(
        &self,
        _span: (Timestamp, Timestamp),
        _limit: usize,
    ) -> Result<Vec<(DeskEntry, u32)>, StoreError> {
        Err(no_past())
    }

    /// The nearest change of the board before `at` (or after it), in any of `rows` or in the desk's
    /// book. Blocking; costs a look for each row.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn nearest(
        &self,
        _rows: &[Row],
        _at: Timestamp,
        _forward: bool,
    ) -> Result<Option<Timestamp>, StoreError> {
        Err(no_past())
    }

    /// When agents ran, the newest first, the present one up to its last write. Blocking.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn attended(&self) -> Result<Vec<Attended>, StoreError> {
        Err(no_past())
    }

    /// Returns when everything that was kept before is written. Blocking, for ten seconds at most.
    ///
    /// # Errors
    /// When it could not be written.
    fn flush(&self) -> Result<(), StoreError>;

    /// Why the last write failed; `None` while all is well. It is tried again by itself.
    fn trouble(&self) -> Option<StoreError>;

    /// Changes of health that were dropped because the store could not be written for too long.
    fn lost(&self) -> u64;
}
