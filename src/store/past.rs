//! The past, as it is kept: changes around a moment, who had what, when an agent ran.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::model::cell::{Handling, Row, StateChange};
use crate::model::desk::{CellName, DeskEntry, DeskKind};
use crate::model::ids::ServiceKey;
use crate::model::past::{Around, Attended, Holds};
use crate::model::text::Clean;
use crate::store::desk;
use crate::store::pack::{self, Services};
use crate::store::read::record;

/// The format; see `schema`. History is clustered by place and time; what a single cell was at a
/// moment is found by the index, however much happened since.
pub(super) const FORMAT: &str = "
    CREATE INDEX history_of_cell ON history(place, service, at);
    -- Stretches in which an agent ran, in milliseconds since 1970.
    CREATE TABLE attended(since INTEGER PRIMARY KEY, until INTEGER NOT NULL);
";

/// An agent that ran writes at least this often; two writes farther apart had none between them.
pub(super) const GAP: SignedDuration = SignedDuration::from_mins(10);
/// Stretches in one answer; the oldest are left out.
const MOST_STRETCHES: i64 = 10_000;
/// A hold is planned at most 90 days ahead and lasts as long at most: what was done before that has
/// no say any more.
const LONGEST_HOLD: SignedDuration = SignedDuration::from_hours(181 * 24);

// Left to itself, SQLite would walk through all that happened at the place.
pub(super) const BEFORE: &str = "SELECT at, service, code, why FROM history INDEXED BY history_of_cell WHERE place = ?1 AND service = ?2 \
    AND at <= ?3 ORDER BY at DESC LIMIT 1";
pub(super) const AFTER: &str = "SELECT at, service, code, why FROM history INDEXED BY history_of_cell WHERE place = ?1 AND service = ?2 \
    AND at > ?3 ORDER BY at LIMIT 1";
pub(super) const EARLIER: &str = "SELECT max(at) FROM history WHERE place = ?1 AND at < ?2";
pub(super) const LATER: &str = "SELECT min(at) FROM history WHERE place = ?1 AND at > ?2";

fn change(
    db: &Connection,
    sql: &str,
    (place, number, at): (u32, u8, i64),
    key: &ServiceKey,
) -> rusqlite::Result<Option<StateChange>> {
    let mut query = db.prepare_cached(sql)?;
    let record = query.query_row(params![place, number, at], |r| record(place, r)).optional()?;
    Ok(record.and_then(|record| pack::state_change(record, key.clone())))
}

/// The changes around `at` of every service of a row. Two looks into the index for each.
pub(super) fn around(
    db: &Connection,
    row: Row,
    at: Timestamp,
    services: &Services,
) -> rusqlite::Result<Vec<(ServiceKey, Around)>> {
    let (place, at) = (pack::row_number(row), at.as_millisecond());
    let mut out = Vec::new();
    for (number, key) in services.numbered() {
        let which = (place, number, at);
        let found = Around {
            before: change(db, BEFORE, which, key)?,
            after: change(db, AFTER, which, key)?,
        };
        if found != Around::default() {
            out.push((key.clone(), found));
        }
    }
    Ok(out)
}

/// Hands over the changes of a row after `from` and up to `until`, the oldest first.
pub(super) fn between(
    db: &Connection,
    row: Row,
    (from, until): (Timestamp, Timestamp),
    services: &Services,
    see: &mut dyn FnMut(Row, StateChange),
) -> rusqlite::Result<()> {
    let place = pack::row_number(row);
    let mut query = db.prepare_cached(
        "SELECT at, service, code, why FROM history WHERE place = ?1 AND at > ?2 AND at <= ?3 \
         ORDER BY at",
    )?;
    let mut rows = query.query(params![place, from.as_millisecond(), until.as_millisecond()])?;
    while let Some(r) = rows.next()? {
        let record = record(place, r)?;
        let key = services.key(record.service).cloned();
        if let Some(change) = key.and_then(|key| pack::state_change(record, key)) {
            see(row, change);
        }
    }
    Ok(())
}

/// The changes of a row at or before `at`, the newest first.
pub(super) fn up_to(
    db: &Connection,
    row: Row,
    (at, limit): (Timestamp, usize),
    services: &Services,
) -> rusqlite::Result<Vec<StateChange>> {
    let place = pack::row_number(row);
    let mut query = db.prepare_cached(
        "SELECT at, service, code, why FROM history WHERE place = ?1 AND at <= ?2 \
         ORDER BY at DESC LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let records =
        query.query_map(params![place, at.as_millisecond(), limit], |r| record(place, r))?;
    let mut out = Vec::new();
    for record in records {
        let record = record?;
        let key = services.key(record.service).cloned();
        out.extend(key.and_then(|key| pack::state_change(record, key)));
    }
    Ok(out)
}

/// The nearest change of health of a row before `at`, or after it.
pub(super) fn nearest(
    db: &Connection,
    row: Row,
    at: Timestamp,
    forward: bool,
) -> rusqlite::Result<Option<i64>> {
    let sql = if forward { LATER } else { EARLIER };
    let place = pack::row_number(row);
    db.prepare_cached(sql)?.query_row(params![place, at.as_millisecond()], |r| r.get(0))
}

/// The nearest entry of the desk's book before `at`, or after it; notes change no board.
pub(super) fn nearest_entry(
    db: &Connection,
    at: Timestamp,
    forward: bool,
) -> rusqlite::Result<Option<i64>> {
    let sql = if forward {
        "SELECT min(at) FROM desk WHERE at > ?1 AND kind <> ?2"
    } else {
        "SELECT max(at) FROM desk WHERE at < ?1 AND kind <> ?2"
    };
    let note = desk::code(DeskKind::Note);
    db.prepare_cached(sql)?.query_row(params![at.as_millisecond(), note], |r| r.get(0))
}

/// What an entry of the book says, without its cells.
struct Head {
    at: Timestamp,
    by: Clean,
    kind: DeskKind,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    again: Vec<(Timestamp, Timestamp)>,
}

/// Who had what at `at`. Reads the names of all cells of the book once, cell by cell.
pub(super) fn holds(
    db: &Connection,
    at: Timestamp,
    services: &Services,
) -> rusqlite::Result<Vec<(CellName, Handling)>> {
    let oldest = at.checked_sub(LONGEST_HOLD).unwrap_or(Timestamp::MIN);
    let heads = heads(db, oldest, at)?;
    let (Some(first), Some(last)) = (heads.keys().min(), heads.keys().max()) else {
        return Ok(Vec::new());
    };
    let mut query = db.prepare_cached(
        "SELECT place, service, desk FROM desk_cell WHERE desk BETWEEN ?1 AND ?2 ORDER BY place",
    )?;
    let mut rows = query.query(params![first, last])?;
    let mut out = Vec::new();
    let mut place = None;
    let mut open: HashMap<u8, Vec<i64>> = HashMap::new();
    let mut close = |place: Option<u32>, open: &mut HashMap<u8, Vec<i64>>| {
        let row = place.and_then(pack::row);
        for (number, mut entries) in open.drain() {
            entries.sort_unstable();
            let mut holds = Holds::default();
            for head in entries.iter().filter_map(|id| heads.get(id)) {
                let handling = || {
                    let kind = head.kind.handling()?;
                    Some(Handling { kind, by: head.by.clone(), until: head.until })
                };
                holds.take(head.kind, head.at, head.from, &head.again, handling);
            }
            let name = row.zip(services.key(number).cloned());
            let name = name.map(|(row, service)| CellName { row, service });
            out.extend(name.zip(holds.at(at)).map(|(name, had)| (name, number, had)));
        }
    };
    while let Some(r) = rows.next()? {
        let (here, number, id): (u32, u8, i64) = (r.get(0)?, r.get(1)?, r.get(2)?);
        if place != Some(here) {
            close(place, &mut open);
            place = Some(here);
        }
        open.entry(number).or_default().push(id);
    }
    close(place, &mut open);
    let mut had = Vec::new();
    for (name, number, (since, handling)) in out {
        // What a change ended stands in the history.
        let lasts = !handling.kind.ends_with_change() || {
            let which = (pack::row_number(name.row), number, at.as_millisecond());
            change(db, BEFORE, which, &name.service)?.is_none_or(|last| last.at <= since)
        };
        had.extend(lasts.then_some((name, handling)));
    }
    had.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(had)
}

fn heads(
    db: &Connection,
    oldest: Timestamp,
    at: Timestamp,
) -> rusqlite::Result<HashMap<i64, Head>> {
    let mut query = db.prepare_cached(
        "SELECT id, at, who, kind, starts, ends, again FROM desk WHERE at >= ?1 AND at <= ?2",
    )?;
    let mut rows = query.query(params![oldest.as_millisecond(), at.as_millisecond()])?;
    let mut out = HashMap::new();
    let time = |at: Option<i64>| at.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    while let Some(r) = rows.next()? {
        let (Some(at), Some(kind)) = (time(r.get(1)?), desk::kind(r.get(3)?)) else { continue };
        if kind == DeskKind::Note {
            continue;
        }
        let head = Head {
            at,
            by: Clean::new(r.get_ref(2)?.as_str()?),
            kind,
            from: time(r.get(4)?),
            until: time(r.get(5)?),
            again: desk::unpacked(r.get_ref(6)?.as_str()?),
        };
        out.insert(r.get(0)?, head);
    }
    Ok(out)
}

/// Entries of the book after `from` and up to `until`, the oldest first, at most `limit`, each with
/// at most `cells` of its cells; and of how many cells each is.
pub(super) fn book(
    db: &Connection,
    (from, until): (Timestamp, Timestamp),
    (limit, cells): (usize, usize),
    services: &Services,
) -> rusqlite::Result<Vec<(DeskEntry, u32)>> {
    let mut query = db.prepare_cached(
        "SELECT id, at, who, kind, starts, ends, filter, why, again FROM desk WHERE at > ?1 AND at <= ?2 \
         ORDER BY id LIMIT ?3",
    )?;
    let time = |at: Option<i64>| at.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = query.query(params![from.as_millisecond(), until.as_millisecond(), limit])?;
    let mut out: Vec<(DeskEntry, u32)> = Vec::new();
    let mut place_of: HashMap<i64, usize> = HashMap::new();
    while let Some(r) = rows.next()? {
        let (Some(at), Some(kind)) = (time(r.get(1)?), desk::kind(r.get(3)?)) else { continue };
        let id: i64 = r.get(0)?;
        place_of.insert(id, out.len());
        let entry = DeskEntry {
            id: u64::try_from(id).unwrap_or(0),
            at,
            by: Clean::new(r.get_ref(2)?.as_str()?),
            kind,
            from: time(r.get(4)?),
            until: time(r.get(5)?),
            again: desk::unpacked(r.get_ref(8)?.as_str()?),
            filter: Clean::new(r.get_ref(6)?.as_str()?),
            why: Clean::new(r.get_ref(7)?.as_str()?),
            cells: Vec::new(),
        };
        out.push((entry, 0));
    }
    let (Some(first), Some(last)) = (place_of.keys().min(), place_of.keys().max()) else {
        return Ok(out);
    };
    let mut query = db.prepare_cached(
        "SELECT place, service, desk FROM desk_cell WHERE desk BETWEEN ?1 AND ?2 ORDER BY place",
    )?;
    let mut rows = query.query(params![first, last])?;
    while let Some(r) = rows.next()? {
        let (place, number, id): (u32, u8, i64) = (r.get(0)?, r.get(1)?, r.get(2)?);
        let name = pack::row(place).zip(services.key(number).cloned());
        let entry = place_of.get(&id).and_then(|at| out.get_mut(*at));
        if let (Some((entry, many)), Some((row, service))) = (entry, name) {
            *many = many.saturating_add(1);
            if entry.cells.len() < cells {
                entry.cells.push(CellName { row, service });
            }
        }
    }
    Ok(out)
}

/// An agent runs at `at`: the stretch goes on, or another begins.
pub(super) fn attend(db: &Connection, at: Timestamp) -> rusqlite::Result<()> {
    let at = at.as_millisecond();
    let gap = i64::try_from(GAP.as_millis()).unwrap_or(i64::MAX);
    let longer = db.prepare_cached(
        "UPDATE attended SET until = max(until, ?1) WHERE since = (SELECT max(since) FROM attended \
         WHERE since <= ?1) AND ?1 - until <= ?2",
    )?
    .execute(params![at, gap])?;
    if longer == 0 {
        db.prepare_cached("INSERT OR IGNORE INTO attended(since, until) VALUES (?1, ?1)")?
            .execute([at])?;
    }
    Ok(())
}

/// When agents ran, the newest first.
pub(super) fn attended(db: &Connection) -> rusqlite::Result<Vec<Attended>> {
    let mut query =
        db.prepare_cached("SELECT since, until FROM attended ORDER BY since DESC LIMIT ?1")?;
    let moment = |ms: i64| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let rows = query.query_map([MOST_STRETCHES], |r| {
        Ok(Attended { from: moment(r.get(0)?), until: moment(r.get(1)?) })
    })?;
    rows.collect()
}

/// Stretches of before `oldest` go; one that reaches into what is kept is shortened.
pub(super) fn prune(db: &Connection, oldest: Timestamp) -> rusqlite::Result<()> {
    let oldest = oldest.as_millisecond();
    db.execute("DELETE FROM attended WHERE until < ?1", [oldest])?;
    db.execute("UPDATE OR IGNORE attended SET since = ?1 WHERE since < ?1", [oldest])?;
    Ok(())
}
