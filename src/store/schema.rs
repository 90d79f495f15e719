//! The file: opening, settings, migrations, and what happens to a damaged one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::ports::store::StoreError;
use crate::store::{desk, incidents, past, runs};

/// One entry per format, applied in order; `user_version` counts those that were. Entries are
/// never edited, only added to.
const MIGRATIONS: &[&str] = &["
    -- The one row of facts about the board as a whole; times in seconds since 1970.
    CREATE TABLE meta(id INTEGER PRIMARY KEY CHECK(id = 1), revision INTEGER NOT NULL, written_at INTEGER NOT NULL);
    -- Numbers of services, so that a cell needs one byte for it.
    CREATE TABLE service(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
    -- id: LAESTAB (0 for the estate) * 256 + service. code: 3 bits health, 3 bits reason, then
    -- soft, flapping, quiet. why only for trouble. follows: service * 2 + (1 for the estate).
    CREATE TABLE cell(id INTEGER PRIMARY KEY, since INTEGER, state_since INTEGER, code INTEGER NOT NULL,
        why TEXT, follows INTEGER, handling TEXT);
    -- What a check remembers of better days, kept for ever. target: LAESTAB, 0 for the estate.
    CREATE TABLE memory(target INTEGER NOT NULL, check_id TEXT NOT NULL, good_at INTEGER,
        baseline TEXT, baseline_at INTEGER, PRIMARY KEY(target, check_id)) WITHOUT ROWID;
    -- place: LAESTAB, 0 for the estate. at in milliseconds. code: 3 bits health before, 3 after,
    -- 3 reason, 1 follows,
    -- 1 first. Clustered by place, because it is read for one school.
    CREATE TABLE history(place INTEGER NOT NULL, at INTEGER NOT NULL, service INTEGER NOT NULL,
        code INTEGER NOT NULL, why TEXT NOT NULL, PRIMARY KEY(place, at, service)) WITHOUT ROWID;
", desk::FORMAT, runs::FORMAT, incidents::FORMAT, past::FORMAT, desk::AGAIN];

pub(super) fn unusable(path: &Path, why: impl std::fmt::Display) -> StoreError {
    StoreError::Unusable { place: path.display().to_string(), why: why.to_string() }
}

/// In words, with the remedy where there is one.
pub(super) fn failed(path: &Path, error: &rusqlite::Error) -> StoreError {
    let why = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            "the disk is full: make room; the board lives on and is written then".to_owned()
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            format!("{error}: give the agent's account the right to write there")
        }
        Some(ErrorCode::CannotOpen) => {
            format!("{error}: does the folder exist, and may the agent's account write there?")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            format!("{error}: another process holds it; each agent needs its own state folder")
        }
        _ if is_damage(error) => {
            format!("{error}: it is damaged; restart the agent, which moves it aside")
        }
        _ => error.to_string(),
    };
    unusable(path, why)
}

pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::TypeMismatch)
    ) || matches!(
        error,
        rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::FromSqlConversionFailure(..)
    )
}

/// Why opening did not succeed, by what the caller can do.
pub(super) enum OpenError {
    /// Move it aside and begin anew.
    Damaged(String),
    /// Tell the operator.
    Refused(StoreError),
}

impl OpenError {
    pub fn of(path: &Path, error: &rusqlite::Error) -> Self {
        if is_damage(error) {
            Self::Damaged(error.to_string())
        } else {
            Self::Refused(failed(path, error))
        }
    }
}

/// The newest format that this program knows.
pub(super) fn newest() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// The writer's connection, brought to the present format.
pub(super) fn open(path: &Path) -> Result<Connection, OpenError> {
    let wrong = |e: rusqlite::Error| OpenError::of(path, &e);
    let mut db = Connection::open(path).map_err(wrong)?;
    db.busy_timeout(Duration::from_secs(5)).map_err(wrong)?;
    let found: u32 = db.query_row("PRAGMA user_version", [], |r| r.get(0)).map_err(wrong)?;
    let known = newest();
    if found > known {
        let place = path.display().to_string();
        return Err(OpenError::Refused(StoreError::Newer { place, found, known }));
    }
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY; \
         PRAGMA journal_size_limit = 16777216; PRAGMA wal_autocheckpoint = 0; \
         PRAGMA secure_delete = FAST;",
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

/// Empties the journal, so that what was overwritten stands in no file any more.
///
/// # Errors
/// When that cannot be done, above all while somebody reads what was overwritten.
pub(super) fn empty_journal(db: &Connection) -> rusqlite::Result<()> {
    let is_busy: bool = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    match is_busy {
        true => Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
            Some("somebody reads what is to be gone".to_owned()),
        )),
        false => Ok(()),
    }
}

/// A connection that only reads, beside the writer's.
pub(super) fn open_reader(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(Duration::from_secs(5))?;
    Ok(db)
}

/// Moves a damaged file to `NAME.damaged`, over an earlier one, so that it can be looked at and a
/// new one begun. What belongs to its journal goes.
pub(super) fn move_aside(path: &Path) -> std::io::Result<PathBuf> {
    let beside = |suffix: &str| {
        let mut name = OsString::from(path);
        name.push(suffix);
        PathBuf::from(name)
    };
    let aside = beside(".damaged");
    std::fs::rename(path, &aside)?;
    for journal in [beside("-wal"), beside("-shm")] {
        match std::fs::remove_file(&journal) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(aside)
}
