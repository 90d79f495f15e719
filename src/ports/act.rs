//! How the guard changes something outside: `Act`. Given to the guard alone.

use std::path::PathBuf;

use jiff::Timestamp;
use secrecy::SecretString;

use crate::model::action::ActionSpec;
use crate::model::ids::ActionId;
use crate::model::plan::{Aim, Ask, Item, Operator, Private};
use crate::model::text::Clean;
use crate::ports::clock::Boxed;
use crate::ports::ledger::Committed;
use crate::ports::watch::Rights;

/// An item read afresh, and what may be shown of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// What would be done; its `key` is given by the guard.
    pub item: Item,
    /// What is shown and typed, and never stored.
    pub private: Private,
    /// For an account: the SIDs of its groups, nested and primary ones too, so that the policy can
    /// protect groups. `None` for what is no account.
    pub groups: Option<Vec<Clean>>,
}

/// Why a target is left out, or an action cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Protected, admin, service or own account, outside the school, outside a configured list.
    #[error("{0}")]
    Protected(String),
    /// What must be known before could not be read: refused, never guessed.
    #[error("{0}")]
    CannotRead(String),
    /// More than one, or none, fits.
    #[error("{0}")]
    NotOne(String),
    /// A choice is missing or makes no sense.
    #[error("{0}")]
    Choice(String),
    /// Nothing to do: it is so already.
    #[error("{0}")]
    Already(String),
}

/// What the other side answered to a step.
#[derive(Debug)]
pub enum Answer {
    /// It took it.
    Took {
        /// One line for the desk.
        says: Clean,
        /// The ticket or reference that it gave.
        reference: Option<Clean>,
        /// A password to be shown once, for the one class of step that makes one.
        secret: Option<SecretString>,
    },
    /// It refused, and nothing changed.
    Refused {
        /// Why.
        says: Clean,
    },
    /// The value to be replaced was no longer what the plan read; nothing was written.
    Changed {
        /// What is different.
        says: Clean,
    },
    /// No answer, half an answer, or one that does not say: the effect is not known.
    NoAnswer {
        /// What happened on the way.
        says: Clean,
    },
    /// It was certainly never sent (no connection, no credential); may be tried again.
    NotSent {
        /// Why.
        says: Clean,
    },
}

/// What reading the target tells of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The effect is there.
    There(Clean),
    /// It is there, under the number that the other side gave it.
    Found {
        /// One line for the desk.
        says: Clean,
        /// The ticket or reference.
        reference: Clean,
    },
    /// It is certainly not there.
    NotThere(Clean),
    /// Not yet, and it may still come (a sync, a feed): look again.
    NotYet(Clean),
    /// Reading did not work, or cannot tell.
    CannotTell(Clean),
}

/// One service's hands.
///
/// Invariant: `prepare` and `look` only read. `step` sends at most once for each call.
pub trait Act: Send + Sync {
    /// The actions that this configuration makes possible.
    fn actions(&self) -> Vec<ActionSpec>;

    /// Actions of the service that it does not make possible, each with what is missing.
    fn lacking(&self) -> Vec<(ActionSpec, String)> {
        Vec::new()
    }

    /// The action that `action` undoes, of which a plan tells who did it, when and why.
    fn undoes(&self, _action: &ActionId) -> Option<&'static str> {
        None
    }

    /// The programs of this host that its actions run, each with the action. For `caretaker doctor`.
    fn programs(&self) -> Vec<(&'static str, PathBuf)> {
        Vec::new()
    }

    /// What the credentials that its actions use may do, where the vendor tells; asks the vendor a few
    /// times. For `caretaker doctor`.
    fn rights(&self) -> Boxed<'_, Vec<Rights>> {
        Box::pin(async { Vec::new() })
    }

    /// Reads the target afresh and says what would be done. `show` tells whether a name may be
    /// given whole (its unmasking was recorded).
    fn prepare<'a>(
        &'a self,
        ask: &'a Ask,
        aim: &'a Aim,
        by: &'a Operator,
        show: bool,
        now: Timestamp,
    ) -> Boxed<'a, Result<Prepared, Refused>>;

    /// Does step `step` of the item whose intent is on disk. Returns within its own deadline.
    fn step<'a>(
        &'a self,
        committed: &'a Committed,
        item: &'a Item,
        step: usize,
        now: Timestamp,
    ) -> Boxed<'a, Answer>;

    /// Reads what became of step `step`, which was sent at `sent_at`.
    fn look<'a>(
        &'a self,
        item: &'a Item,
        step: usize,
        sent_at: Timestamp,
        now: Timestamp,
    ) -> Boxed<'a, Seen>;
}
