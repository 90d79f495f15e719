//! What the board knows, for whoever plans an action. Read-only.

use jiff::Timestamp;

use crate::model::cell::{Cell, CheckView, Row};
use crate::model::check::Fallen;
use crate::model::ids::{CheckId, ServiceKey};
use crate::model::kept::{KnownRuns, Memory};
use crate::model::observation::{Number, Target};
use crate::model::text::Clean;
use crate::ports::clock::Boxed;

/// Why the board does not tell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotKnown {
    /// There is no such school, service or check.
    #[error("{0}")]
    Nothing(String),
    /// The board or its store cannot be read now.
    #[error("the board cannot be read: {0}")]
    Unreadable(String),
}

/// One service of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownCell {
    /// Which.
    pub service: ServiceKey,
    /// Its displayed name.
    pub label: Clean,
    /// The cell with its sentence.
    pub cell: Cell,
    /// Its checks with their evidence.
    pub checks: Vec<CheckView>,
}

/// What the board and its history know.
pub trait Known: Send + Sync {
    /// The services of a row, in the order of the columns.
    fn row(&self, row: Row) -> Boxed<'_, Result<Vec<KnownCell>, NotKnown>>;

    /// What a check remembers of better days.
    fn memory<'a>(
        &'a self,
        target: Target,
        check: &'a CheckId,
    ) -> Boxed<'a, Result<Memory, NotKnown>>;

    /// Whether these numbers, read just now, would be a fall by the check's rule: sudden, or a decline
    /// over weeks.
    fn fallen<'a>(
        &'a self,
        target: Target,
        check: &'a CheckId,
        numbers: &'a [Number],
    ) -> Boxed<'a, Result<Option<Fallen>, NotKnown>>;

    /// Runs of a check that ended well since `since`, of at most the last 70 days.
    fn runs<'a>(
        &'a self,
        target: Target,
        check: &'a CheckId,
        since: Timestamp,
    ) -> Boxed<'a, Result<KnownRuns, NotKnown>>;
}
