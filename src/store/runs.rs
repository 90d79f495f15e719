//! Runs that ended well, and when somebody looked: what a restore can be asked from.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};

use crate::model::ids::CheckId;
use crate::model::kept::{KeptRun, KnownRuns};
use crate::store::pack;
use crate::store::writer::ROWS;

/// The format; see `schema`.
pub(super) const FORMAT: &str = "
    -- Runs that ended well. target: LAESTAB, 0 for the estate. at in milliseconds since 1970.
    CREATE TABLE run(target INTEGER NOT NULL, check_id TEXT NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY(target, check_id, at)) WITHOUT ROWID;
    -- Stretches in which answers came without a long gap.
    CREATE TABLE watched(target INTEGER NOT NULL, check_id TEXT NOT NULL, since INTEGER NOT NULL,
        until INTEGER NOT NULL, PRIMARY KEY(target, check_id, since)) WITHOUT ROWID;
";

/// Two answers farther apart may have a daily run between them that neither tells.
const GAP: SignedDuration = SignedDuration::from_hours(12);
/// How long runs are kept: longer than any vendor keeps what they made.
const KEEP: SignedDuration = SignedDuration::from_hours(70 * 24);
/// Runs and stretches in one answer.
const MOST: i64 = 1_000;

/// Writes answers; what is written is taken out of `runs`.
pub(super) fn write(db: &mut Connection, runs: &mut Vec<KeptRun>) -> rusqlite::Result<()> {
    while !runs.is_empty() {
        let count = runs.len().min(ROWS);
        let tx = db.transaction()?;
        let mut run = tx.prepare_cached(
            "INSERT OR IGNORE INTO run(target, check_id, at) VALUES (?1, ?2, ?3)",
        )?;
        let mut longer = tx.prepare_cached(
            "UPDATE watched SET until = max(until, ?3) WHERE target = ?1 AND check_id = ?2 \
             AND since = (SELECT max(since) FROM watched WHERE target = ?1 AND check_id = ?2 \
             AND since <= ?3) AND ?3 - until <= ?4",
        )?;
        let mut another = tx.prepare_cached(
            "INSERT OR IGNORE INTO watched(target, check_id, since, until) VALUES (?1, ?2, ?3, ?3)",
        )?;
        for kept in runs.iter().take(count) {
            let (target, check) = (pack::target_number(kept.target), kept.check.as_str());
            if let Some(at) = kept.run {
                run.execute(params![target, check, at.as_millisecond()])?;
            }
            let seen = kept.seen_at.as_millisecond();
            if longer.execute(params![target, check, seen, millis(GAP)])? == 0 {
                another.execute(params![target, check, seen])?;
            }
        }
        drop((run, longer, another));
        tx.commit()?;
        runs.drain(..count);
    }
    Ok(())
}

fn millis(span: SignedDuration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Runs since `since`, and stretches that reach into it.
pub(super) fn read(
    db: &Connection,
    target: u32,
    check: &CheckId,
    since: Timestamp,
) -> rusqlite::Result<KnownRuns> {
    let since = since.as_millisecond();
    let moment = |ms: i64| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut query = db.prepare_cached(
        "SELECT at FROM run WHERE target = ?1 AND check_id = ?2 AND at >= ?3 \
         ORDER BY at DESC LIMIT ?4",
    )?;
    let runs = query
        .query_map(params![target, check.as_str(), since, MOST], |r| r.get(0).map(moment))?
        .collect::<Result<_, _>>()?;
    let mut query = db.prepare_cached(
        "SELECT since, until FROM watched WHERE target = ?1 AND check_id = ?2 AND until >= ?3 \
         ORDER BY since DESC LIMIT ?4",
    )?;
    let watched = query
        .query_map(params![target, check.as_str(), since, MOST], |r| {
            Ok((moment(r.get(0)?), moment(r.get(1)?)))
        })?
        .collect::<Result<_, _>>()?;
    Ok(KnownRuns { runs, watched })
}

/// What nobody could restore any more goes, target by target, so that no transaction is long.
pub(super) fn prune(db: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let before = now.checked_sub(KEEP).map_or(i64::MIN, Timestamp::as_millisecond);
    let mut target: i64 = -1;
    loop {
        let next: Option<i64> =
            db.query_row("SELECT min(target) FROM watched WHERE target > ?1", [target], |r| {
                r.get(0)
            })?;
        let Some(next) = next else { return Ok(()) };
        target = next;
        db.execute("DELETE FROM run WHERE target = ?1 AND at < ?2", params![target, before])?;
        db.execute(
            "DELETE FROM watched WHERE target = ?1 AND until < ?2",
            params![target, before],
        )?;
    }
}
