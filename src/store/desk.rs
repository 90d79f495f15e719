//! The desk's book: what operators did, and what they planned.
//!
//! An entry that cannot be read is left out and counted; a plan that cannot be read is not carried
//! out.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};

use crate::model::desk::{CellName, DeskEntry, DeskKind};
use crate::model::ids::ServiceKey;
use crate::model::kept::KeptPlan;
use crate::model::text::Clean;
use crate::store::pack::{self, Services};
use crate::store::schema::empty_journal;

/// The format of the book and of what is planned; see `schema`.
pub(super) const FORMAT: &str = "
    -- What operators did. at, starts, ends in milliseconds since 1970. kind: place in
    -- model::desk::DeskKind::ALL. cells: how many it was done to.
    CREATE TABLE desk(id INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL,
        kind INTEGER NOT NULL, starts INTEGER, ends INTEGER, filter TEXT NOT NULL, why TEXT NOT NULL);
    -- The cells of each entry, clustered by place, because it is read for one school.
    CREATE TABLE desk_cell(place INTEGER NOT NULL, desk INTEGER NOT NULL, service INTEGER NOT NULL,
        PRIMARY KEY(place, desk, service)) WITHOUT ROWID;
    -- Holds that have not begun; written whole.
    CREATE TABLE planned(place INTEGER NOT NULL, service INTEGER NOT NULL, starts INTEGER NOT NULL,
        handling TEXT NOT NULL, PRIMARY KEY(place, service, starts)) WITHOUT ROWID;
";

/// When a downtime comes again: `from-until` in milliseconds since 1970, with commas between.
pub(super) const AGAIN: &str = "ALTER TABLE desk ADD COLUMN again TEXT NOT NULL DEFAULT '';";

fn packed(again: &[(Timestamp, Timestamp)]) -> String {
    let one = |(from, until): &(Timestamp, Timestamp)| {
        format!("{}-{}", from.as_millisecond(), until.as_millisecond())
    };
    again.iter().map(one).collect::<Vec<_>>().join(",")
}

/// What [`packed`] wrote; one that cannot be read is left out.
pub(super) fn unpacked(text: &str) -> Vec<(Timestamp, Timestamp)> {
    let time = |text: &str| Timestamp::from_millisecond(text.parse().ok()?).ok();
    let one = |text: &str| text.split_once('-').and_then(|(a, b)| Some((time(a)?, time(b)?)));
    text.split(',').filter_map(one).collect()
}

pub(super) fn code(kind: DeskKind) -> i64 {
    let place = DeskKind::ALL.iter().position(|k| *k == kind);
    place.and_then(|p| i64::try_from(p).ok()).unwrap_or(-1)
}

pub(super) fn kind(code: i64) -> Option<DeskKind> {
    DeskKind::ALL.get(usize::try_from(code).ok()?).copied()
}

fn service(services: &Services, number: i64) -> Option<ServiceKey> {
    services.key(u8::try_from(number).ok()?).cloned()
}

/// Writes entries with their cells.
pub(super) fn insert(
    tx: &Transaction<'_>,
    entries: &[DeskEntry],
    services: &Services,
) -> rusqlite::Result<()> {
    let mut entry = tx.prepare_cached(
        "INSERT OR REPLACE INTO desk(id, at, who, kind, starts, ends, filter, why, again) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let mut cell = tx.prepare_cached(
        "INSERT OR IGNORE INTO desk_cell(place, desk, service) VALUES (?1, ?2, ?3)",
    )?;
    for e in entries {
        let id = i64::try_from(e.id).unwrap_or(i64::MAX);
        entry.execute(params![
            id,
            e.at.as_millisecond(),
            e.by.as_str(),
            code(e.kind),
            e.from.map(Timestamp::as_millisecond),
            e.until.map(Timestamp::as_millisecond),
            e.filter.as_str(),
            e.why.as_str(),
            packed(&e.again),
        ])?;
        for name in &e.cells {
            if let Some(service) = services.find(&name.service) {
                cell.execute(params![pack::row_number(name.row), id, service])?;
            }
        }
    }
    Ok(())
}

/// Puts another text in the place of what entries say. The journal, which holds the old one, is emptied
/// before this ends; the pages are overwritten (`secure_delete`).
pub(super) fn strike(db: &mut Connection, strikes: &[(u64, Clean)]) -> rusqlite::Result<()> {
    let tx = db.transaction()?;
    for (id, text) in strikes {
        let id = i64::try_from(*id).unwrap_or(i64::MAX);
        tx.execute("UPDATE desk SET why = ?2 WHERE id = ?1", params![id, text.as_str()])?;
        tx.execute(
            "UPDATE incident_log SET line = json_set(line, '$.why', ?2) \
             WHERE json_extract(line, '$.desk') = ?1",
            params![id, text.as_str()],
        )?;
    }
    tx.commit()?;
    empty_journal(db)
}

/// Whether an entry is in the book, or in the log of an incident alone: a note about no cell.
pub(super) fn has(db: &Connection, id: u64) -> rusqlite::Result<bool> {
    let id = i64::try_from(id).unwrap_or(i64::MAX);
    db.query_row(
        "SELECT EXISTS(SELECT 1 FROM desk WHERE id = ?1) \
         OR EXISTS(SELECT 1 FROM incident_log WHERE json_extract(line, '$.desk') = ?1)",
        [id],
        |row| row.get(0),
    )
}

/// Writes all that is planned in the place of what was.
pub(super) fn replace_planned(
    tx: &Transaction<'_>,
    planned: &[KeptPlan],
    services: &Services,
) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM planned", [])?;
    let mut insert = tx.prepare_cached(
        "INSERT OR REPLACE INTO planned(place, service, starts, handling) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for plan in planned {
        let handling = serde_json::to_string(&plan.handling).ok();
        if let (Some(service), Some(handling)) = (services.find(&plan.service), handling) {
            let starts = plan.from.as_millisecond();
            insert.execute(params![pack::row_number(plan.row), service, starts, handling])?;
        }
    }
    Ok(())
}

/// All that is planned.
pub(super) fn planned(
    db: &Connection,
    services: &Services,
    skipped: &mut u64,
) -> rusqlite::Result<Vec<KeptPlan>> {
    let mut query = db.prepare("SELECT place, service, starts, handling FROM planned")?;
    let mut rows = query.query([])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let handling = row.get_ref(3)?.as_str().ok().and_then(|t| serde_json::from_str(t).ok());
        let from = Timestamp::from_millisecond(row.get(2)?).ok();
        let service = service(services, row.get(1)?);
        match (pack::row(row.get(0)?), service, from, handling) {
            (Some(row), Some(service), Some(from), Some(handling)) => {
                out.push(KeptPlan { from, row, service, handling });
            }
            _ => *skipped += 1,
        }
    }
    Ok(out)
}

/// The newest `limit` entries about a place, newest first, each with that place's cells.
pub(super) fn entries(
    db: &Connection,
    place: u32,
    limit: usize,
    services: &Services,
) -> rusqlite::Result<Vec<DeskEntry>> {
    let mut query = db.prepare_cached(
        "SELECT d.id, d.at, d.who, d.kind, d.starts, d.ends, d.filter, d.why, c.service, d.again \
         FROM desk_cell c JOIN desk d ON d.id = c.desk WHERE c.place = ?1 \
         ORDER BY c.desk DESC, c.service",
    )?;
    let mut rows = query.query([place])?;
    let mut out: Vec<DeskEntry> = Vec::new();
    while let Some(row) = rows.next()? {
        let id = u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0);
        let cell = pack::row(place).zip(service(services, row.get(8)?));
        let Some(cell) = cell.map(|(row, service)| CellName { row, service }) else { continue };
        if let Some(last) = out.last_mut().filter(|e| e.id == id) {
            last.cells.push(cell);
            continue;
        }
        if out.len() == limit {
            break;
        }
        let time = |at: Option<i64>| at.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let (Some(at), Some(kind)) = (time(row.get(1)?), kind(row.get(3)?)) else { continue };
        out.push(DeskEntry {
            id,
            at,
            by: Clean::new(row.get_ref(2)?.as_str()?),
            kind,
            from: time(row.get(4)?),
            until: time(row.get(5)?),
            again: unpacked(row.get_ref(9)?.as_str()?),
            filter: Clean::new(row.get_ref(6)?.as_str()?),
            why: Clean::new(row.get_ref(7)?.as_str()?),
            cells: vec![cell],
        });
    }
    Ok(out)
}

/// Entries of before `oldest` go, with their cells.
pub(super) fn prune(db: &Connection, oldest: Timestamp) -> rusqlite::Result<()> {
    let last: Option<i64> =
        db.query_row("SELECT max(id) FROM desk WHERE at < ?1", [oldest.as_millisecond()], |row| {
            row.get(0)
        })?;
    if let Some(last) = last {
        db.execute("DELETE FROM desk_cell WHERE desk <= ?1", [last])?;
        db.execute("DELETE FROM desk WHERE id <= ?1", [last])?;
    }
    Ok(())
}
