//! The store itself.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;

use crate::model::cell::{Handling, Row, StateChange};
use crate::model::desk::{CellName, DeskEntry};
use crate::model::ids::CheckId;
use crate::model::incident::KeptIncident;
use crate::model::kept::KnownRuns;
use crate::model::observation::Target;
use crate::model::past::{Around, Attended};
use crate::model::text::Clean;
use crate::ports::store::{KeptBoard, Save, Store, StoreError};
use crate::store::desk;
use crate::store::incidents;
use crate::store::pack::{self, Record, Services};
use crate::store::past;
use crate::store::queue::Queue;
use crate::store::read;
use crate::store::runs;
use crate::store::schema::{self, OpenError};
use crate::store::writer::{Shared, Writer};

/// How long a flush may take.
const FLUSH: Duration = Duration::from_secs(10);

/// Rows that are read in one go.
const PIECE: usize = 256;
/// Cells that are named of an entry of the desk's book.
const BOOK_CELLS: usize = 20;

/// The board in one SQLite file. Dropping it writes what still waits.
pub struct SqliteStore {
    path: PathBuf,
    shared: Arc<Shared>,
    reader: Mutex<Connection>,
    /// Read while opening, to see whether the file is sound; given to the first `load`.
    loaded: Mutex<Option<KeptBoard>>,
    notice: Option<String>,
    writer: Option<JoinHandle<()>>,
}

impl SqliteStore {
    /// Opens `path`, or begins a new file there. A damaged file is moved aside to `NAME.damaged`
    /// and [`Self::notice`] says so. Blocking; costs a read of the whole board.
    ///
    /// # Errors
    /// When the file was written by a newer version, or cannot be opened or written.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        match Self::attempt(path) {
            Ok(store) => Ok(store),
            Err(OpenError::Refused(error)) => Err(error),
            Err(OpenError::Damaged(why)) => {
                let aside = schema::move_aside(path).map_err(|e| schema::unusable(path, e))?;
                let notice = format!(
                    "{} was damaged ({why}): it is kept as {}, and the board begins anew",
                    path.display(),
                    aside.display()
                );
                tracing::warn!("{notice}");
                let mut store = Self::attempt(path).map_err(|error| match error {
                    OpenError::Refused(error) => error,
                    OpenError::Damaged(why) => schema::unusable(path, why),
                })?;
                store.notice = Some(notice);
                Ok(store)
            }
        }
    }

    fn attempt(path: &Path) -> Result<Self, OpenError> {
        let wrong = |e: rusqlite::Error| OpenError::of(path, &e);
        let db = schema::open(path)?;
        let services = read::services(&db).map_err(wrong)?;
        let (board, skipped) = read::board(&db, &services).map_err(wrong)?;
        if skipped > 0 {
            tracing::warn!(
                "{}: {skipped} rows could not be read and are asked for anew",
                path.display()
            );
        }
        let reader = schema::open_reader(path).map_err(wrong)?;
        let written_services = services.keys().len();
        let queue = Queue { services, ..Queue::default() };
        let shared = Arc::new(Shared { queue: Mutex::new(queue), ..Shared::default() });
        let writer = Writer {
            db,
            path: path.to_owned(),
            shared: Arc::clone(&shared),
            written_services,
            journaled: 0,
            pruned_on: i64::MIN,
        };
        let thread = std::thread::Builder::new()
            .name("store".into())
            .spawn(move || writer.run())
            .map_err(|e| OpenError::Refused(schema::unusable(path, e)))?;
        Ok(Self {
            path: path.to_owned(),
            shared,
            reader: Mutex::new(reader),
            loaded: Mutex::new(Some(board)),
            notice: None,
            writer: Some(thread),
        })
    }

    /// What the operator should hear about opening: a damaged file was moved aside.
    #[must_use]
    pub fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    /// As if the disk held no more than this.
    #[cfg(test)]
    pub(super) fn limit_pages(&self, pages: u32) {
        self.shared.lock().page_limit = Some(pages);
    }

    /// The services, once everything that was kept is in the file: the past is read from there
    /// alone.
    fn written(&self) -> Result<Services, StoreError> {
        self.flush()?;
        Ok(self.shared.lock().services.clone())
    }

    fn read<T>(
        &self,
        look: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        look(&self.reader()).map_err(|e| schema::failed(&self.path, &e))
    }

    /// Looks at each row; others may read between two pieces of them.
    fn in_pieces(
        &self,
        rows: &[Row],
        mut look: impl FnMut(&Connection, Row) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        for piece in rows.chunks(PIECE) {
            self.read(|db| piece.iter().try_for_each(|row| look(db, *row)))?;
        }
        Ok(())
    }

    fn reader(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for SqliteStore {
    fn load(&self) -> Result<KeptBoard, StoreError> {
        let first = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(board) = first {
            return Ok(board);
        }
        self.flush()?;
        let services = self.shared.lock().services.clone();
        let read = read::board(&self.reader(), &services);
        read.map(|(board, _)| board).map_err(|e| schema::failed(&self.path, &e))
    }

    fn keep(&self, save: Save) {
        let mut queue = self.shared.lock();
        let was_empty = queue.waiting.is_empty();
        queue.add(save);
        drop(queue);
        // The writer gathers for a while anyway: a word for each change would wake it in vain.
        if was_empty {
            self.shared.bell.notify_all();
        }
    }

    fn history(&self, row: Row, limit: usize) -> Result<Vec<StateChange>, StoreError> {
        let place = pack::row_number(row);
        let (mut fresh, services) = {
            let queue = self.shared.lock();
            let waiting = queue.waiting.history.iter().chain(queue.in_hand.iter());
            let fresh: Vec<Record> = waiting.filter(|r| r.row == place).cloned().collect();
            (fresh, queue.services.clone())
        };
        let old = read::history(&self.reader(), place, limit);
        for record in old.map_err(|e| schema::failed(&self.path, &e))? {
            // It may have been written between the two looks.
            let same = |r: &Record| (r.at_ms, r.service) == (record.at_ms, record.service);
            if !fresh.iter().any(same) {
                fresh.push(record);
            }
        }
        fresh.sort_by_key(|r| std::cmp::Reverse(r.at_ms));
        fresh.truncate(limit);
        let known = fresh.into_iter().filter_map(|record| {
            let key = services.key(record.service)?.clone();
            pack::state_change(record, key)
        });
        Ok(known.collect())
    }

    fn desk(&self, row: Row, limit: usize) -> Result<Vec<DeskEntry>, StoreError> {
        let (waiting, services) = {
            let queue = self.shared.lock();
            let waiting = queue.desk_in_hand.iter().chain(&queue.waiting.desk).rev();
            let here = waiting.filter_map(|entry| {
                let cells = entry.cells.iter().filter(|name| name.row == row);
                let cells: Vec<CellName> = cells.cloned().collect();
                (!cells.is_empty()).then(|| DeskEntry { cells, ..entry.clone() })
            });
            (here.take(limit).collect::<Vec<_>>(), queue.services.clone())
        };
        let old = desk::entries(&self.reader(), pack::row_number(row), limit, &services)
            .map_err(|e| schema::failed(&self.path, &e))?;
        // It may have been written between the two looks.
        let old = old.into_iter().filter(|e| waiting.iter().all(|w| w.id != e.id));
        let mut all: Vec<DeskEntry> = waiting.iter().cloned().chain(old).collect();
        all.truncate(limit);
        Ok(all)
    }

    fn strike(&self, id: u64, text: &Clean) -> Result<bool, StoreError> {
        self.flush()?;
        if !self.read(|db| desk::has(db, id))? {
            return Ok(false);
        }
        self.shared.lock().waiting.strikes.push((id, text.clone()));
        self.flush()?;
        Ok(true)
    }

    fn incidents(&self, since: Timestamp, limit: usize) -> Result<Vec<KeptIncident>, StoreError> {
        let services = self.shared.lock().services.clone();
        let read = incidents::ended(&self.reader(), since, limit, &services);
        read.map_err(|e| schema::failed(&self.path, &e))
    }

    fn incident(&self, id: u64) -> Result<Option<KeptIncident>, StoreError> {
        let services = self.shared.lock().services.clone();
        let read = incidents::one(&self.reader(), id, &services);
        read.map_err(|e| schema::failed(&self.path, &e))
    }

    fn runs(
        &self,
        target: Target,
        check: &CheckId,
        since: Timestamp,
    ) -> Result<KnownRuns, StoreError> {
        let read = runs::read(&self.reader(), pack::target_number(target), check, since);
        read.map_err(|e| schema::failed(&self.path, &e))
    }

    fn around(&self, rows: &[Row], at: Timestamp) -> Result<Vec<(CellName, Around)>, StoreError> {
        let services = self.written()?;
        let mut out = Vec::new();
        self.in_pieces(rows, |db, row| {
            let found = past::around(db, row, at, &services)?;
            let named = |(service, around)| (CellName { row, service }, around);
            out.extend(found.into_iter().map(named));
            Ok(())
        })?;
        Ok(out)
    }

    fn between(
        &self,
        rows: &[Row],
        span: (Timestamp, Timestamp),
        see: &mut dyn FnMut(Row, StateChange),
    ) -> Result<(), StoreError> {
        let services = self.written()?;
        self.in_pieces(rows, |db, row| past::between(db, row, span, &services, see))
    }

    fn up_to(&self, row: Row, at: Timestamp, limit: usize) -> Result<Vec<StateChange>, StoreError> {
        let services = self.written()?;
        self.read(|db| past::up_to(db, row, (at, limit), &services))
    }

    fn holds(&self, at: Timestamp) -> Result<Vec<(CellName, Handling)>, StoreError> {
        let services = self.written()?;
        self.read(|db| past::holds(db, at, &services))
    }

    fn book(
        &self,
        span: (Timestamp, Timestamp),
        limit: usize,
    ) -> Result<Vec<(DeskEntry, u32)>, StoreError> {
        let services = self.written()?;
        self.read(|db| past::book(db, span, (limit, BOOK_CELLS), &services))
    }

    fn nearest(
        &self,
        rows: &[Row],
        at: Timestamp,
        forward: bool,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.written()?;
        let mut found = self.read(|db| past::nearest_entry(db, at, forward))?;
        self.in_pieces(rows, |db, row| {
            let here = past::nearest(db, row, at, forward)?;
            let nearer = |a: i64, b: i64| if forward { a.min(b) } else { a.max(b) };
            found = match (found, here) {
                (Some(a), Some(b)) => Some(nearer(a, b)),
                (a, b) => a.or(b),
            };
            Ok(())
        })?;
        Ok(found.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
    }

    fn attended(&self) -> Result<Vec<Attended>, StoreError> {
        self.written()?;
        self.read(past::attended)
    }

    fn flush(&self) -> Result<(), StoreError> {
        let mut queue = self.shared.lock();
        queue.urgent = true;
        let before = queue.failures;
        self.shared.bell.notify_all();
        let unfinished = |q: &mut Queue| (q.busy || !q.waiting.is_empty()) && q.failures == before;
        let waited = self.shared.bell.wait_timeout_while(queue, FLUSH, unfinished);
        let (mut queue, time) = waited.unwrap_or_else(PoisonError::into_inner);
        queue.urgent = false;
        match &queue.trouble {
            Some(trouble) => Err(trouble.clone()),
            None if time.timed_out() => {
                Err(schema::unusable(&self.path, "the disk did not take it within 10 s"))
            }
            None => Ok(()),
        }
    }

    fn trouble(&self) -> Option<StoreError> {
        self.shared.lock().trouble.clone()
    }

    fn lost(&self) -> u64 {
        self.shared.lock().lost
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.bell.notify_all();
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the store's thread had died");
        }
    }
}
