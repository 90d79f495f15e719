//! Reading the file: the whole board at the start, the history of one row later.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};

use crate::model::ids::ServiceKey;
use crate::model::kept::{KeptCell, KeptMemory, Memory};
use crate::model::text::Clean;
use crate::ports::store::KeptBoard;
use crate::store::desk;
use crate::store::incidents;
use crate::store::pack::{self, Packed, Record, Services};

/// The numbers of services. A key that is none is left out; its cells are then skipped.
pub(super) fn services(db: &Connection) -> rusqlite::Result<Services> {
    let mut query = db.prepare("SELECT id, key FROM service ORDER BY id")?;
    let rows = query.query_map([], |r| Ok((r.get::<_, i64>(0)?, r.get::<_, String>(1)?)))?;
    let mut known = Vec::new();
    for row in rows {
        let (id, key) = row?;
        if let (Ok(id), Ok(key)) = (u8::try_from(id), key.parse::<ServiceKey>()) {
            known.push((id, key));
        }
    }
    Ok(Services::new(known))
}

/// The last known board and how many of its rows could not be read.
pub(super) fn board(db: &Connection, services: &Services) -> rusqlite::Result<(KeptBoard, u64)> {
    let meta = db
        .query_row("SELECT revision, written_at FROM meta", [], |r| {
            Ok((r.get::<_, i64>(0)?, r.get::<_, i64>(1)?))
        })
        .optional()?;
    let (revision, written_at) = meta.map_or((0, None), |(revision, at)| {
        (u64::try_from(revision).unwrap_or(0), Timestamp::from_second(at).ok())
    });
    let mut skipped = 0;
    let cells = cells(db, services, &mut skipped)?;
    let memories = memories(db, &mut skipped)?;
    let planned = desk::planned(db, services, &mut skipped)?;
    let (incidents, last_incident) = incidents::live(db, services, &mut skipped)?;
    let board =
        KeptBoard { revision, written_at, cells, memories, planned, incidents, last_incident };
    Ok((board, skipped))
}

fn cells(
    db: &Connection,
    services: &Services,
    skipped: &mut u64,
) -> rusqlite::Result<Vec<KeptCell>> {
    let count: i64 = db.query_row("SELECT count(*) FROM cell", [], |r| r.get(0))?;
    let mut out = Vec::with_capacity(usize::try_from(count).unwrap_or(0).min(1_000_000));
    let blank = Clean::default();
    let mut query = db.prepare(
        "SELECT id, since, state_since, code, why, follows, handling FROM cell ORDER BY id",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        match cell(row, services, &blank)? {
            Some(kept) => out.push(kept),
            None => *skipped += 1,
        }
    }
    Ok(out)
}

fn cell(
    row: &SqlRow<'_>,
    services: &Services,
    blank: &Clean,
) -> rusqlite::Result<Option<KeptCell>> {
    let handling = match row.get_ref(6)?.as_str_or_null()? {
        None => None,
        Some(text) => match serde_json::from_str(text) {
            Ok(handling) => Some(handling),
            Err(_) => return Ok(None),
        },
    };
    let packed = Packed {
        since: row.get(1)?,
        state_since: row.get(2)?,
        code: row.get(3)?,
        why: row.get_ref(4)?.as_str_or_null()?.map(Clean::new),
        follows: row.get(5)?,
        handling,
    };
    let place = pack::split_key(row.get(0)?);
    Ok(place.and_then(|(place, service)| {
        Some(KeptCell {
            row: pack::row(place)?,
            service: services.key(service)?.clone(),
            cell: pack::unpack(packed, services.keys(), blank)?,
        })
    }))
}

fn memories(db: &Connection, skipped: &mut u64) -> rusqlite::Result<Vec<KeptMemory>> {
    let mut query =
        db.prepare("SELECT target, check_id, good_at, baseline, baseline_at FROM memory")?;
    let mut rows = query.query([])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let target = pack::target(row.get(0)?);
        let check = row.get_ref(1)?.as_str().ok().and_then(|text| text.parse().ok());
        let baseline =
            row.get_ref(3)?.as_str_or_null()?.map_or(Ok(Vec::new()), serde_json::from_str);
        match (target, check, baseline) {
            (Some(target), Some(check), Ok(baseline)) => {
                let memory = Memory {
                    good_at: millis(row.get(2)?),
                    baseline,
                    baseline_at: millis(row.get(4)?),
                };
                out.push(KeptMemory { target, check, memory });
            }
            _ => *skipped += 1,
        }
    }
    Ok(out)
}

fn millis(value: Option<i64>) -> Option<Timestamp> {
    value.and_then(|ms| Timestamp::from_millisecond(ms).ok())
}

/// The newest `limit` records of a row, newest first.
pub(super) fn history(db: &Connection, place: u32, limit: usize) -> rusqlite::Result<Vec<Record>> {
    let mut query = db.prepare_cached(
        "SELECT at, service, code, why FROM history WHERE place = ?1 ORDER BY at DESC LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = query.query_map(params![place, limit], |r| record(place, r))?;
    rows.collect()
}

/// A record of a row from its columns `at, service, code, why`.
pub(super) fn record(place: u32, r: &SqlRow<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        row: place,
        at_ms: r.get(0)?,
        service: r.get(1)?,
        code: r.get(2)?,
        why: Clean::new(r.get_ref(3)?.as_str()?),
    })
}
