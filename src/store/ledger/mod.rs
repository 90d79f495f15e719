//! `ledger.db`: requests, approvals, intents, steps, leases and the audit chain, in SQLite with
//! `synchronous = FULL`: what was taken survives a power cut.
//!
//! Invariant: each write and its audit entry are one transaction. Invariant: who may approve, and
//! what may be used once, is said by constraints of the database, not by the caller.

mod erase;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::ledger::{Detail, Draft, Entry};
use crate::model::plan::{Operator, Plan, Role};
use crate::model::text::Clean;
use crate::ports::ledger::{
    AuditQuery, Held, Intent, Ledger, LedgerError, LeftItem, Request, Settled, StepRecord,
};
use crate::store::schema::empty_journal;

/// The ledger in a file of its own, so that an intent never waits for the board's history.
pub struct SqliteLedger {
    path: PathBuf,
    db: Mutex<Connection>,
}

impl SqliteLedger {
    /// Opens or makes the ledger at `path`. A damaged ledger is an error, never moved aside: it is
    /// evidence.
    ///
    /// # Errors
    /// When it cannot be opened, is damaged, or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let db = schema::open(path)?;
        Ok(Self { path: path.to_owned(), db: Mutex::new(db) })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic while it was held cannot leave half a transaction: it rolled back.
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, error: &rusqlite::Error) -> LedgerError {
        schema::failed(&self.path, error)
    }

    /// Runs `work` in a transaction that takes the write lock at once; its success is on disk.
    fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Trouble>,
    ) -> Result<T, LedgerError> {
        let mut db = self.lock();
        let tx = db
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|e| self.failed(&e))?;
        let done = work(&tx).map_err(|trouble| trouble.told(self))?;
        tx.commit().map_err(|e| self.failed(&e))?;
        Ok(done)
    }

    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Trouble>,
    ) -> Result<T, LedgerError> {
        let db = self.lock();
        work(&db).map_err(|trouble| trouble.told(self))
    }
}

/// What goes wrong inside a transaction.
enum Trouble {
    Sql(rusqlite::Error),
    Told(LedgerError),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<LedgerError> for Trouble {
    fn from(error: LedgerError) -> Self {
        Self::Told(error)
    }
}

impl From<serde_json::Error> for Trouble {
    fn from(error: serde_json::Error) -> Self {
        Self::Told(LedgerError::Unusable(format!("what it holds cannot be read: {error}")))
    }
}

impl Trouble {
    fn told(self, ledger: &SqliteLedger) -> LedgerError {
        match self {
            Self::Told(error) => error,
            Self::Sql(error) => schema::refusal(&error).unwrap_or_else(|| ledger.failed(&error)),
        }
    }
}

impl Ledger for SqliteLedger {
    fn append(&self, draft: Draft) -> Result<Entry, LedgerError> {
        self.write(|tx| write::append(tx, &draft))
    }

    fn request(
        &self,
        plan: &Plan,
        at: Timestamp,
        approve_until: Timestamp,
        draft: Draft,
    ) -> Result<(), LedgerError> {
        self.write(|tx| {
            write::request(tx, plan, at, approve_until)?;
            write::append(tx, &draft).map(drop)
        })
    }

    fn approve(
        &self,
        plan: &str,
        digest: &str,
        by: &Operator,
        role: Role,
        at: Timestamp,
        draft: Draft,
    ) -> Result<(), LedgerError> {
        self.write(|tx| {
            write::approve(tx, plan, digest, by, role, at)?;
            write::append(tx, &draft).map(drop)
        })
    }

    fn cancel(&self, plan: &str, by: &Operator, draft: Draft) -> Result<(), LedgerError> {
        self.write(|tx| {
            write::cancel(tx, plan, by)?;
            write::append(tx, &draft).map(drop)
        })
    }

    fn find(&self, plan: &str) -> Result<Request, LedgerError> {
        self.read(|db| rows::find(db, plan))
    }

    fn waiting(&self, now: Timestamp) -> Result<Vec<Request>, LedgerError> {
        self.read(|db| rows::waiting(db, now))
    }

    fn write_intent(&self, intent: &Intent<'_>, draft: Draft) -> Result<(), LedgerError> {
        // Nobody's action waits while the journal is copied: the next other write does that.
        let copy =
            |pages: u32| self.read(|db| Ok(db.pragma_update(None, "wal_autocheckpoint", pages)?));
        copy(0)?;
        let done = self.write(|tx| {
            write::intent(tx, intent)?;
            write::append(tx, &draft).map(drop)
        });
        if let Err(error) = copy(schema::JOURNAL) {
            tracing::warn!(%error, "the ledger's journal is not copied by itself any more");
        }
        done
    }

    fn leave(
        &self,
        plan: &str,
        key: &str,
        at: Timestamp,
        why: &Clean,
        draft: Draft,
    ) -> Result<(), LedgerError> {
        self.write(|tx| {
            write::leave(tx, plan, key, at, why)?;
            write::append(tx, &draft).map(drop)
        })
    }

    fn unbegun(&self) -> Result<Vec<(Plan, Clean)>, LedgerError> {
        self.read(rows::unbegun)
    }

    fn left(&self, limit: usize) -> Result<Vec<LeftItem>, LedgerError> {
        self.read(|db| rows::left(db, limit))
    }

    fn record(
        &self,
        key: &str,
        step: usize,
        record: &StepRecord,
        draft: Option<Draft>,
    ) -> Result<(), LedgerError> {
        self.write(|tx| {
            write::record(tx, key, step, record)?;
            match &draft {
                Some(draft) => write::append(tx, draft).map(drop),
                None => Ok(()),
            }
        })
    }

    fn settle(&self, key: &str, settled: &Settled, draft: Draft) -> Result<(), LedgerError> {
        self.write(|tx| {
            write::settle(tx, key, settled)?;
            write::append(tx, &draft).map(drop)
        })
    }

    fn holds(&self, key: &str) -> Result<bool, LedgerError> {
        self.read(|db| rows::holds(db, key))
    }

    fn open(&self) -> Result<Vec<Held>, LedgerError> {
        self.read(|db| rows::held(db, "WHERE closed = 0 ORDER BY at, key", 10_000))
    }

    fn recent(&self, limit: usize) -> Result<Vec<Held>, LedgerError> {
        self.read(|db| rows::held(db, "ORDER BY at DESC, key", limit))
    }

    fn entries(&self, query: &AuditQuery) -> Result<Vec<Entry>, LedgerError> {
        self.read(|db| rows::entries(db, query))
    }

    fn details(&self, number: u64) -> Result<BTreeMap<String, Detail>, LedgerError> {
        self.read(|db| rows::details(db, number))
    }

    fn erase(&self, number: u64, field: &str, draft: Draft) -> Result<(), LedgerError> {
        self.write(|tx| {
            erase::erase(tx, number, field)?;
            write::append(tx, &draft).map(drop)
        })?;
        // The journal still holds the pages as they were.
        self.read(|db| Ok(empty_journal(db)?))
    }
}
