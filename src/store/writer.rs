//! The one thread that writes.
//!
//! At most [`ROWS`] rows in a transaction, so that nothing that shares the disk waits long for one.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};

use crate::model::ids::CheckId;
use crate::model::kept::Memory;
use crate::store::desk;
use crate::store::incidents;
use crate::store::pack::{Packed, Record, Services};
use crate::store::past;
use crate::store::queue::{Batch, Queue};
use crate::store::runs;
use crate::store::schema;

/// Rows in one transaction.
pub(super) const ROWS: usize = 1_000;
/// Rows after which the journal is put into the file; once nobody waits for the write.
const SETTLES: usize = 1_000;
/// Rows after which that cannot wait for the end of a batch.
const SETTLES_AT_ONCE: usize = 32_000;
/// How long changes are gathered before they are written.
const GATHER: Duration = Duration::from_millis(300);
/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(2);
/// How long history is kept, in days.
const KEEP_DAYS: i64 = 400;
const DAY_S: i64 = 86_400;

/// The queue and its bell.
#[derive(Default)]
pub(super) struct Shared {
    pub queue: Mutex<Queue>,
    /// Rung when something was added, wanted or written.
    pub bell: Condvar,
}

impl Shared {
    /// The queue, also after a thread died with it in hand: it holds no half-made state.
    pub fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Writer {
    pub db: Connection,
    pub path: PathBuf,
    pub shared: Arc<Shared>,
    /// Services whose numbers are in the file.
    pub written_services: usize,
    /// Rows in the journal that may not be in the file yet.
    pub journaled: usize,
    /// Day on which history was last pruned, in days since 1970.
    pub pruned_on: i64,
}

impl Writer {
    /// Until the store is closed and everything is written, or cannot be.
    pub fn run(mut self) {
        while let Some((mut batch, services)) = self.take() {
            #[cfg(test)]
            self.shrink_disk();
            let outcome = self.write(&mut batch, &services);
            let mut queue = self.shared.lock();
            queue.busy = false;
            queue.in_hand = Arc::default();
            queue.desk_in_hand = Arc::default();
            match outcome {
                Ok(()) => queue.trouble = None,
                Err(error) => {
                    queue.put_back(batch);
                    queue.failures += 1;
                    let trouble = schema::failed(&self.path, &error);
                    if queue.trouble.as_ref() != Some(&trouble) {
                        tracing::error!("{trouble}");
                    }
                    queue.trouble = Some(trouble);
                    self.shared.bell.notify_all();
                    if queue.closing {
                        return;
                    }
                    drop(self.shared.bell.wait_timeout_while(queue, AGAIN, |q| !q.closing));
                    continue;
                }
            }
            drop(queue);
            self.shared.bell.notify_all();
            self.settle(SETTLES);
        }
    }

    /// Puts the journal into the file once it holds `rows`. What goes wrong shows at the next write,
    /// or the next time: nothing is lost.
    fn settle(&mut self, rows: usize) {
        if self.journaled < rows {
            return;
        }
        let done = self.db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        match done {
            Ok(()) => self.journaled = 0,
            Err(error) => tracing::warn!("{}: {error}", self.path.display()),
        }
    }

    #[cfg(test)]
    fn shrink_disk(&self) {
        let limit = self.shared.lock().page_limit;
        if let Some(pages) = limit {
            self.db.pragma_update(None, "max_page_count", pages).unwrap();
        }
    }

    /// Waits for work, gathers a little, and takes all of it. `None` when there is no more.
    fn take(&self) -> Option<(Batch, Services)> {
        let bell = &self.shared.bell;
        let idle = |q: &mut Queue| q.waiting.is_empty() && !q.closing;
        let queue =
            bell.wait_while(self.shared.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        let calm = |q: &mut Queue| !q.urgent && !q.closing;
        let gathered = bell.wait_timeout_while(queue, GATHER, calm);
        let (mut queue, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        if queue.waiting.is_empty() {
            return None;
        }
        let mut batch = std::mem::take(&mut queue.waiting);
        // The table is clustered by row: neighbours in one transaction touch fewer pages.
        batch.history.make_contiguous().sort_by_key(|r| (r.row, r.at_ms));
        queue.in_hand = Arc::new(batch.history.iter().cloned().collect());
        queue.desk_in_hand = Arc::new(batch.desk.clone());
        queue.busy = true;
        Some((batch, queue.services.clone()))
    }

    /// Writes `batch`; what is written is taken out of it, so that the rest can be put back.
    fn write(&mut self, batch: &mut Batch, services: &Services) -> rusqlite::Result<()> {
        self.write_services(services)?;
        if !batch.desk.is_empty() || batch.planned.is_some() {
            let tx = self.db.transaction()?;
            desk::insert(&tx, &batch.desk, services)?;
            if let Some(planned) = &batch.planned {
                desk::replace_planned(&tx, planned, services)?;
            }
            tx.commit()?;
            (batch.desk, batch.planned) = (Vec::new(), None);
        }
        while !batch.history.is_empty() {
            let tx = self.db.transaction()?;
            let count = batch.history.len().min(ROWS);
            insert_history(&tx, batch.history.iter().take(count))?;
            tx.commit()?;
            batch.history.drain(..count);
            self.journaled += count;
            self.settle(SETTLES_AT_ONCE);
        }
        let of_incidents = batch.incidents.values().map(|waiting| waiting.members.len() + 1);
        self.journaled += of_incidents.sum::<usize>();
        incidents::write(&mut self.db, &mut batch.incidents, services)?;
        if !batch.strikes.is_empty() {
            desk::strike(&mut self.db, &batch.strikes)?;
            batch.strikes = Vec::new();
        }
        self.journaled += batch.cells.len() + batch.memories.len();
        write_cells(&mut self.db, &mut batch.cells)?;
        write_memories(&mut self.db, &mut batch.memories)?;
        runs::write(&mut self.db, &mut batch.runs)?;
        self.journaled += 1;
        if let Some((at, revision)) = batch.stamp {
            self.db.execute(
                "INSERT INTO meta(id, revision, written_at) VALUES (1, ?1, ?2) \
                 ON CONFLICT(id) DO UPDATE SET revision = max(revision, excluded.revision), \
                 written_at = excluded.written_at",
                params![i64::try_from(revision).unwrap_or(i64::MAX), at.as_second()],
            )?;
            past::attend(&self.db, batch.first.unwrap_or(at))?;
            past::attend(&self.db, at)?;
            (batch.stamp, batch.first) = (None, None);
            self.prune(at)?;
        }
        Ok(())
    }

    fn write_services(&mut self, services: &Services) -> rusqlite::Result<()> {
        if services.keys().len() == self.written_services {
            return Ok(());
        }
        let tx = self.db.transaction()?;
        for (number, key) in services.keys().iter().enumerate() {
            if let (Some(key), Ok(number)) = (key, i64::try_from(number)) {
                tx.execute(
                    "INSERT OR IGNORE INTO service(id, key) VALUES (?1, ?2)",
                    params![number, key.as_str()],
                )?;
            }
        }
        tx.commit()?;
        self.written_services = services.keys().len();
        Ok(())
    }

    /// Once a day of the agent's clock: history older than [`KEEP_DAYS`] goes, school by school, so
    /// that no transaction is long.
    fn prune(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        let today = now.as_second().div_euclid(DAY_S);
        if today <= self.pruned_on {
            return Ok(());
        }
        let before = (now.as_second() - KEEP_DAYS * DAY_S).saturating_mul(1_000);
        let mut place: i64 = -1;
        loop {
            let next: Option<i64> = self.db.query_row(
                "SELECT min(place) FROM history WHERE place > ?1",
                [place],
                |r| r.get(0),
            )?;
            let Some(next) = next else { break };
            place = next;
            self.db.execute(
                "DELETE FROM history WHERE place = ?1 AND at < ?2",
                params![place, before],
            )?;
        }
        if let Ok(oldest) = Timestamp::from_millisecond(before) {
            desk::prune(&self.db, oldest)?;
            incidents::prune(&self.db, oldest)?;
            past::prune(&self.db, oldest)?;
        }
        runs::prune(&self.db, now)?;
        self.pruned_on = today;
        Ok(())
    }
}

/// Two changes of one cell at one moment are one: from the first's before (three bits of health, and
/// whether anybody had looked) to the second's after.
fn insert_history<'a>(
    tx: &Transaction<'_>,
    records: impl Iterator<Item = &'a Record>,
) -> rusqlite::Result<()> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO history(place, at, service, code, why) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT DO UPDATE SET code = (code & 1031) | (excluded.code & ~1031), \
         why = excluded.why",
    )?;
    for r in records {
        insert.execute(params![r.row, r.at_ms, r.service, r.code, r.why.as_str()])?;
    }
    Ok(())
}

fn write_cells(db: &mut Connection, cells: &mut HashMap<i64, Packed>) -> rusqlite::Result<()> {
    // In the order of the tree, so that each page is written once.
    let mut keys: VecDeque<i64> = cells.keys().copied().collect();
    keys.make_contiguous().sort_unstable();
    while !keys.is_empty() {
        let chunk: Vec<i64> = keys.drain(..keys.len().min(ROWS)).collect();
        let tx = db.transaction()?;
        // Not OR REPLACE, which deletes and inserts: twice the time.
        let mut insert = tx.prepare_cached(
            "INSERT INTO cell(id, since, state_since, code, why, follows, handling) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
             ON CONFLICT DO UPDATE SET since = excluded.since, state_since = excluded.state_since, \
             code = excluded.code, why = excluded.why, follows = excluded.follows, \
             handling = excluded.handling",
        )?;
        for key in &chunk {
            let Some(p) = cells.get(key) else { continue };
            let handling = p.handling.as_ref().and_then(|h| serde_json::to_string(h).ok());
            let why = p.why.as_ref().map(|w| w.as_str());
            insert.execute(params![
                key,
                p.since,
                p.state_since,
                p.code,
                why,
                p.follows,
                handling
            ])?;
        }
        drop(insert);
        tx.commit()?;
        for key in &chunk {
            cells.remove(key);
        }
    }
    Ok(())
}

fn write_memories(
    db: &mut Connection,
    memories: &mut HashMap<(u32, CheckId), Memory>,
) -> rusqlite::Result<()> {
    while !memories.is_empty() {
        let chunk: Vec<(u32, CheckId)> = memories.keys().take(ROWS).cloned().collect();
        let tx = db.transaction()?;
        let mut insert = tx.prepare_cached(
            "INSERT INTO memory(target, check_id, good_at, baseline, baseline_at) \
             VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT DO UPDATE SET good_at = excluded.good_at, baseline = excluded.baseline, \
             baseline_at = excluded.baseline_at",
        )?;
        for key in &chunk {
            let Some(memory) = memories.get(key) else { continue };
            let baseline = serde_json::to_string(&memory.baseline).ok();
            insert.execute(params![
                key.0,
                key.1.as_str(),
                memory.good_at.map(Timestamp::as_millisecond),
                baseline,
                memory.baseline_at.map(Timestamp::as_millisecond),
            ])?;
        }
        drop(insert);
        tx.commit()?;
        for key in &chunk {
            memories.remove(key);
        }
    }
    Ok(())
}
