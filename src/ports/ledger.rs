//! What the guard keeps: requests, approvals, intents, steps, leases, and the audit chain.
//!
//! Every method is blocking and durable: when it returns, the disk has it. Call off the runtime.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::ledger::{Detail, Draft, Entry};
use crate::model::ids::ActionId;
use crate::model::plan::{IF_LEFT_OPEN, Item, Operator, Outcome, Plan, Role, StepState};
use crate::model::text::Clean;

/// Why the ledger did not take something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// Full, locked, gone, read-only: no action may begin.
    #[error("the ledger cannot be written, so nothing is sent: {0}")]
    Unusable(String),
    /// This plan or key was used before.
    #[error("this plan was used already: {0}")]
    Used(String),
    /// Somebody acts on the same target.
    #[error("{who} is acting on it since {since}: {what}")]
    Leased {
        /// Who.
        who: Clean,
        /// What they do.
        what: Clean,
        /// Since when.
        since: Timestamp,
    },
    /// The approval is not one: same person, other digest, expired, not asked for.
    #[error("{0}")]
    NotApproved(String),
    /// A limit of the policy would be passed.
    #[error("{0}")]
    Limit(String),
    /// No such plan or intent.
    #[error("no such plan: {0}")]
    Nothing(String),
}

/// Proof that an intent is on disk. Only [`commit`] and [`recover`] make one.
#[derive(Debug)]
pub struct Committed {
    key: Clean,
}

impl Committed {
    /// The idempotency key of the intent.
    #[must_use]
    pub fn key(&self) -> &Clean {
        &self.key
    }
}

/// A limit that is checked in the transaction of the intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourLimit {
    /// Items that one person may begin in the hour before.
    pub person: Option<u32>,
    /// Items that everybody together may begin in it.
    pub desk: Option<u32>,
}

/// What is committed before the first byte leaves.
#[derive(Debug, Clone)]
pub struct Intent<'a> {
    /// The confirmed plan.
    pub plan: &'a Plan,
    /// One of its items.
    pub item: &'a Item,
    /// When.
    pub at: Timestamp,
    /// When the lease ends by itself.
    pub lease_until: Timestamp,
    /// Limits of the policy.
    pub limit: HourLimit,
}

/// A request that waits for, or has, its approval.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The plan.
    pub plan: Plan,
    /// When it was confirmed.
    pub confirmed_at: Timestamp,
    /// Until when it may be approved.
    pub approve_until: Timestamp,
    /// The second person, once there.
    pub approved_by: Option<Operator>,
    /// Whether it was cancelled, and by whom.
    pub cancelled_by: Option<Operator>,
}

/// One step as recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRecord {
    /// State.
    pub state: StepState,
    /// When it was last sent.
    pub sent_at: Option<Timestamp>,
    /// How often it was sent.
    pub sent: u32,
    /// When it was last looked for, and how often.
    pub looked_at: Option<Timestamp>,
    /// Looks so far.
    pub looks: u32,
    /// The last thing said of it.
    pub says: Clean,
}

/// An intent with what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// The plan's id.
    pub plan: Clean,
    /// Action.
    pub action: ActionId,
    /// Who.
    pub by: Operator,
    /// The item.
    pub item: Item,
    /// When it was committed.
    pub at: Timestamp,
    /// Its steps.
    pub steps: Vec<StepRecord>,
    /// The outcome so far.
    pub outcome: Option<Outcome>,
    /// Whether nothing more will be done by itself.
    pub closed: bool,
    /// The ticket or reference that the other side gave.
    pub reference: Option<Clean>,
}

impl Held {
    /// What follows from steps that were not done, as the steps themselves say: for whoever has to look.
    #[must_use]
    pub fn left_open(&self) -> Vec<Clean> {
        use StepState::{Refused, Skipped, Took, Unknown};
        let steps = self.steps.iter().zip(&self.item.steps);
        let open = steps.filter(|(r, _)| matches!(r.state, Refused | Skipped | Took | Unknown));
        open.filter_map(|(_, step)| step.with.get(IF_LEFT_OPEN).cloned()).collect()
    }
}

/// An item of a confirmed plan that was not begun.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftItem {
    /// The plan it belongs to.
    pub plan: Plan,
    /// The item's key.
    pub key: Clean,
    /// When it was left.
    pub at: Timestamp,
    /// Why.
    pub why: Clean,
}

/// What came of an intent, so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// The outcome.
    pub outcome: Outcome,
    /// Whether nothing more will be done by itself; gives the lease back.
    pub closed: bool,
    /// The ticket or reference that the other side gave.
    pub reference: Option<Clean>,
    /// When.
    pub at: Timestamp,
}

/// Which entries of the audit are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditQuery {
    /// From this number on.
    pub from: Option<u64>,
    /// Only before this time.
    pub until: Option<Timestamp>,
    /// Only after this time.
    pub since: Option<Timestamp>,
    /// Only of this person (name).
    pub by: Option<String>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only about this target (its text begins so).
    pub about: Option<String>,
    /// Only about this account, by its guid, of whatever school it was.
    pub account: Option<String>,
    /// At most this many, newest first unless `from` is given.
    pub limit: usize,
}

/// Keeps requests, intents and the audit. Each write and its audit entry are one transaction.
pub trait Ledger: Send + Sync {
    /// Appends an entry to the chain.
    ///
    /// # Errors
    /// See [`LedgerError`].
    fn append(&self, draft: Draft) -> Result<Entry, LedgerError>;

    /// Keeps a confirmed plan that may wait for approval.
    ///
    /// # Errors
    /// [`LedgerError::Used`] when the plan was confirmed before.
    fn request(
        &self,
        plan: &Plan,
        at: Timestamp,
        approve_until: Timestamp,
        draft: Draft,
    ) -> Result<(), LedgerError>;

    /// Records the second person. The database refuses the requester's own person, another digest,
    /// a late or a second approval.
    ///
    /// # Errors
    /// See [`LedgerError::NotApproved`].
    fn approve(
        &self,
        plan: &str,
        digest: &str,
        by: &Operator,
        role: Role,
        at: Timestamp,
        draft: Draft,
    ) -> Result<(), LedgerError>;

    /// Cancels a request that has not begun.
    ///
    /// # Errors
    /// When it has begun, or there is none.
    fn cancel(&self, plan: &str, by: &Operator, draft: Draft) -> Result<(), LedgerError>;

    /// A request by its plan's id.
    ///
    /// # Errors
    /// [`LedgerError::Nothing`] when there is none.
    fn find(&self, plan: &str) -> Result<Request, LedgerError>;

    /// Requests that wait for a second person at `now`.
    ///
    /// # Errors
    /// See [`LedgerError`].
    fn waiting(&self, now: Timestamp) -> Result<Vec<Request>, LedgerError>;

    /// Writes the intent: unique key, unique (plan, item), lease, limits, where the plan needs a second
    /// person its approval, and where it goes on with an open intent the end of that one; all in one
    /// transaction. Called by [`commit`] alone.
    ///
    /// # Errors
    /// See [`LedgerError`].
    fn write_intent(&self, intent: &Intent<'_>, draft: Draft) -> Result<(), LedgerError>;

    /// Records that an item of a confirmed plan was not begun, and why. Nothing of it was sent.
    ///
    /// # Errors
    /// See [`LedgerError`].
    fn leave(
        &self,
        plan: &str,
        key: &str,
        at: Timestamp,
        why: &Clean,
        draft: Draft,
    ) -> Result<(), LedgerError>;

    /// Items that were confirmed, and approved where that is needed, and neither begun nor left:
    /// each plan with the item's key. Only before anything runs: what is just beginning is among
    /// them.
    ///
    /// # Errors
    /// See [`LedgerError`].
    fn unbegun(&self) -> Result<Vec<(Plan, Clean)>, LedgerError>;

    /// The newest items that were left.
    ///
    /// # Errors
    /// See [`LedgerError`].
    fn left(&self, limit: usize) -> Result<Vec<LeftItem>, LedgerError>;

    /// Records a step's state, before and after it is sent, and after each look.
    ///
    /// # Errors
    /// See [`LedgerError`].
    fn record(
        &self,
        key: &str,
        step: usize,
        record: &StepRecord,
        draft: Option<Draft>,
    ) -> Result<(), LedgerError>;

    /// Records an outcome.
    ///
    /// # Errors
    /// See [`LedgerError`].
    fn settle(&self, key: &str, settled: &Settled, draft: Draft) -> Result<(), LedgerError>;

    /// Whether an open intent with this key is on disk.
    ///
    /// # Errors
    /// See [`LedgerError`].
    fn holds(&self, key: &str) -> Result<bool, LedgerError>;

    /// Intents that are not closed, oldest first: after a restart, and for "needs a look".
    ///
    /// # Errors
    /// See [`LedgerError`].
    fn open(&self) -> Result<Vec<Held>, LedgerError>;

    /// The newest intents, closed ones included.
    ///
    /// # Errors
    /// See [`LedgerError`].
    fn recent(&self, limit: usize) -> Result<Vec<Held>, LedgerError>;

    /// Entries of the audit.
    ///
    /// # Errors
    /// See [`LedgerError`].
    fn entries(&self, query: &AuditQuery) -> Result<Vec<Entry>, LedgerError>;

    /// The personal details of one entry that are still kept, by name.
    ///
    /// # Errors
    /// See [`LedgerError`].
    fn details(&self, number: u64) -> Result<BTreeMap<String, Detail>, LedgerError>;

    /// Erases the personal details of one entry: value and salt go, the commitment stays, so that
    /// the chain still verifies. Recorded as an entry of its own.
    ///
    /// # Errors
    /// See [`LedgerError`].
    fn erase(&self, number: u64, field: &str, draft: Draft) -> Result<(), LedgerError>;
}

/// Puts the intent on disk and gives the proof that a step wants to see.
///
/// # Errors
/// When the ledger did not take it: nothing may be sent.
pub fn commit(
    ledger: &dyn Ledger,
    intent: &Intent<'_>,
    draft: Draft,
) -> Result<Committed, LedgerError> {
    ledger.write_intent(intent, draft)?;
    Ok(Committed { key: intent.item.key.clone() })
}

/// The proof for an intent that is on disk already, for going on with it after a restart.
///
/// # Errors
/// When the ledger does not hold it, or cannot be read.
pub fn recover(ledger: &dyn Ledger, key: &Clean) -> Result<Committed, LedgerError> {
    if ledger.holds(key.as_str())? {
        return Ok(Committed { key: key.clone() });
    }
    Err(LedgerError::Nothing(key.to_string()))
}
