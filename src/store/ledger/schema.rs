//! The file: settings, migrations, and the constraints that refuse what must not be.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use crate::ports::ledger::LedgerError;
use crate::store::schema::failed as in_words;

/// One entry per format, applied in order; never edited, only added to. Times in milliseconds
/// since 1970. What the triggers say is told to the operator as it stands.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE entry(number INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, by TEXT,
        about TEXT NOT NULL, body TEXT NOT NULL, private TEXT NOT NULL, previous TEXT NOT NULL,
        hash TEXT NOT NULL UNIQUE);
    CREATE TRIGGER entry_stays BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'an entry of the audit is never changed'); END;
    CREATE TRIGGER entry_kept BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'an entry of the audit is never deleted'); END;
    -- Personal details beside the chain: erasing one takes value and salt.
    CREATE TABLE detail(number INTEGER NOT NULL REFERENCES entry(number), field TEXT NOT NULL,
        value TEXT NOT NULL, salt BLOB NOT NULL, PRIMARY KEY(number, field)) WITHOUT ROWID;

    CREATE TABLE request(plan TEXT PRIMARY KEY, digest TEXT NOT NULL, person INTEGER NOT NULL,
        body TEXT NOT NULL, confirmed_at INTEGER NOT NULL, approve_until INTEGER NOT NULL,
        second TEXT, cancelled_by TEXT) WITHOUT ROWID;
    CREATE TABLE approval(plan TEXT PRIMARY KEY REFERENCES request(plan), digest TEXT NOT NULL,
        person INTEGER NOT NULL, by TEXT NOT NULL, role TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TRIGGER approval_by_another BEFORE INSERT ON approval
        WHEN NEW.person = (SELECT person FROM request WHERE plan = NEW.plan)
        BEGIN SELECT RAISE(ABORT, 'not approved: whoever asked cannot approve, under no other login either'); END;
    CREATE TRIGGER approval_of_the_same BEFORE INSERT ON approval
        WHEN NEW.digest IS NOT (SELECT digest FROM request WHERE plan = NEW.plan)
        BEGIN SELECT RAISE(ABORT, 'not approved: this is not the plan that was confirmed'); END;
    CREATE TRIGGER approval_in_time BEFORE INSERT ON approval
        WHEN NEW.at > (SELECT approve_until FROM request WHERE plan = NEW.plan)
        BEGIN SELECT RAISE(ABORT, 'not approved: the request has expired; make a new plan'); END;
    CREATE TRIGGER approval_wanted BEFORE INSERT ON approval
        WHEN NOT EXISTS (SELECT 1 FROM request WHERE plan = NEW.plan AND second IS NOT NULL AND cancelled_by IS NULL)
        BEGIN SELECT RAISE(ABORT, 'not approved: the request was cancelled, or waits for nobody'); END;

    CREATE TABLE intent(key TEXT PRIMARY KEY, plan TEXT NOT NULL REFERENCES request(plan), aim TEXT NOT NULL,
        action TEXT NOT NULL, person INTEGER NOT NULL, by TEXT NOT NULL, item TEXT NOT NULL,
        at INTEGER NOT NULL, outcome TEXT, closed INTEGER NOT NULL DEFAULT 0, next_look INTEGER,
        reference TEXT, UNIQUE(plan, aim)) WITHOUT ROWID;
    CREATE INDEX intent_at ON intent(at);
    CREATE TRIGGER intent_approved BEFORE INSERT ON intent
        WHEN EXISTS (SELECT 1 FROM request WHERE plan = NEW.plan AND second IS NOT NULL)
            AND NOT EXISTS (SELECT 1 FROM approval WHERE plan = NEW.plan)
        BEGIN SELECT RAISE(ABORT, 'not approved: a second person has to approve this plan first'); END;
    CREATE TRIGGER intent_in_time BEFORE INSERT ON intent
        WHEN NEW.at > (SELECT approve_until FROM request WHERE plan = NEW.plan)
        BEGIN SELECT RAISE(ABORT, 'not approved: the request has expired; make a new plan'); END;
    CREATE TRIGGER intent_wanted BEFORE INSERT ON intent
        WHEN EXISTS (SELECT 1 FROM request WHERE plan = NEW.plan AND cancelled_by IS NOT NULL)
        BEGIN SELECT RAISE(ABORT, 'not approved: the request was cancelled'); END;
    CREATE TABLE step(key TEXT NOT NULL REFERENCES intent(key), n INTEGER NOT NULL, state TEXT NOT NULL,
        sent_at INTEGER, sent INTEGER NOT NULL, looked_at INTEGER, looks INTEGER NOT NULL,
        says TEXT NOT NULL, PRIMARY KEY(key, n)) WITHOUT ROWID;
    CREATE TABLE lease(lease TEXT PRIMARY KEY, key TEXT NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,
        since INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
", "
    -- What each plan has to begin, until it is begun, left or cancelled.
    CREATE TABLE due(plan TEXT NOT NULL REFERENCES request(plan), key TEXT NOT NULL,
        PRIMARY KEY(plan, key)) WITHOUT ROWID;
    CREATE TABLE left_item(plan TEXT NOT NULL REFERENCES request(plan), key TEXT NOT NULL,
        at INTEGER NOT NULL, why TEXT NOT NULL, PRIMARY KEY(plan, key)) WITHOUT ROWID;
    CREATE INDEX left_item_at ON left_item(at);
", "
    -- The last hour is counted inside an intent's own transaction, from this alone.
    CREATE INDEX intent_limits ON intent(action, at, person);
", "
    -- One ticket may be about many schools: each counts. What began before counts once, for an hour.
    ALTER TABLE intent ADD COLUMN targets INTEGER NOT NULL DEFAULT 1;
    DROP INDEX intent_limits;
    CREATE INDEX intent_limits ON intent(action, at, person, targets);
", "
    -- When it is looked at next follows from its steps.
    ALTER TABLE intent DROP COLUMN next_look;
"];

/// Pages in the journal (WAL) above which a write copies them to where they belong; SQLite's default.
pub(super) const JOURNAL: u32 = 1_000;

/// Statements that stay prepared: all that are written with.
const STATEMENTS: usize = 64;

/// In words.
pub(super) fn failed(path: &Path, error: &rusqlite::Error) -> LedgerError {
    LedgerError::Unusable(in_words(path, error).to_string())
}

/// What a constraint refused, as the caller understands it; `None` when the disk is the trouble.
pub(super) fn refusal(error: &rusqlite::Error) -> Option<LedgerError> {
    let rusqlite::Error::SqliteFailure(code, text) = error else { return None };
    if code.code != ErrorCode::ConstraintViolation {
        return None;
    }
    let text = text.clone().unwrap_or_default();
    Some(match text.strip_prefix("not approved: ") {
        Some(why) => LedgerError::NotApproved(why.to_owned()),
        None if text.contains("approval.plan") => {
            LedgerError::NotApproved("it was approved already".to_owned())
        }
        None if text.starts_with("FOREIGN KEY") => {
            LedgerError::Nothing("it was never confirmed".to_owned())
        }
        None => LedgerError::Used(text),
    })
}

/// The connection, brought to the present format.
pub(super) fn open(path: &Path) -> Result<Connection, LedgerError> {
    let wrong = |e: rusqlite::Error| failed(path, &e);
    let mut db = Connection::open(path).map_err(wrong)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    db.busy_timeout(Duration::from_secs(5)).map_err(wrong)?;
    let found: u32 = db.query_row("PRAGMA user_version", [], |r| r.get(0)).map_err(wrong)?;
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(LedgerError::Unusable(format!(
            "{} was written by a newer caretaker (format {found}, this one knows {known})",
            path.display()
        )));
    }
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
         PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;",
    )
    .map_err(wrong)?;
    for (format, sql) in (1_u32..).zip(MIGRATIONS).filter(|(format, _)| *format > found) {
        let tx = db.transaction().map_err(wrong)?;
        tx.execute_batch(sql).map_err(wrong)?;
        tx.pragma_update(None, "user_version", format).map_err(wrong)?;
        tx.commit().map_err(wrong)?;
    }
    Ok(db)
}
