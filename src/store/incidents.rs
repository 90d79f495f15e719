//! Incidents: their facts, their cells, their log. Only what changed is written.
//!
//! A row that cannot be read is left out and counted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, Transaction, params};

use crate::model::desk::CellName;
use crate::model::incident::{Incident, IncidentEntry, KeptIncident, Member};
use crate::store::pack::{self, Services};
use crate::store::writer::ROWS;

/// The format; see `schema`.
pub(super) const FORMAT: &str = "
    -- Incidents. ended in milliseconds since 1970, none while it is open. aside: cells of one that an
    -- operator resolved that were not well since. facts: model::incident::Incident as JSON.
    CREATE TABLE incident(id INTEGER PRIMARY KEY, ended INTEGER, aside INTEGER NOT NULL, facts TEXT NOT NULL);
    CREATE INDEX incident_by_end ON incident(ended);
    -- Their cells. joined and gone in milliseconds, since in seconds. code: 3 bits health, 3 reason, 3 worst,
    -- 1 parted. moved: the incident that it went to.
    CREATE TABLE incident_cell(incident INTEGER NOT NULL, place INTEGER NOT NULL, service INTEGER NOT NULL,
        root_place INTEGER NOT NULL, root_service INTEGER NOT NULL, joined INTEGER NOT NULL, since INTEGER,
        gone INTEGER, code INTEGER NOT NULL, spells INTEGER NOT NULL, moved INTEGER,
        PRIMARY KEY(incident, place, service)) WITHOUT ROWID;
    -- Their log, in its order. line: model::incident::IncidentEntry as JSON.
    CREATE TABLE incident_log(incident INTEGER NOT NULL, place INTEGER NOT NULL, line TEXT NOT NULL,
        PRIMARY KEY(incident, place)) WITHOUT ROWID;
";

/// What waits of one incident: the newest of each part.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub incident: Incident,
    pub members: BTreeMap<CellName, Member>,
    pub entries: BTreeMap<u32, IncidentEntry>,
}

impl Waiting {
    pub fn of(kept: KeptIncident) -> Self {
        Self {
            incident: kept.incident,
            members: kept.members.into_iter().map(|m| (m.cell.clone(), m)).collect(),
            entries: kept.entries.into_iter().collect(),
        }
    }

    /// Takes what is newer.
    pub fn add(&mut self, newer: Self) {
        self.incident = newer.incident;
        self.members.extend(newer.members);
        self.entries.extend(newer.entries);
    }

    /// Takes what is older, where nothing newer waits.
    pub fn put_back(&mut self, older: Self) {
        for (cell, member) in older.members {
            self.members.entry(cell).or_insert(member);
        }
        for (place, entry) in older.entries {
            self.entries.entry(place).or_insert(entry);
        }
    }
}

fn number(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

/// Writes what waits; what is written is taken out of it.
pub(super) fn write(
    db: &mut Connection,
    waiting: &mut BTreeMap<u64, Waiting>,
    services: &Services,
) -> rusqlite::Result<()> {
    while let Some((&id, first)) = waiting.first_key_value() {
        let cells: Vec<CellName> = first.members.keys().take(ROWS).cloned().collect();
        let tx = db.transaction()?;
        for cell in &cells {
            if let Some(member) = first.members.get(cell) {
                put_cell(&tx, id, member, services)?;
            }
        }
        let is_all = cells.len() == first.members.len();
        if is_all {
            for (place, entry) in &first.entries {
                if let Ok(line) = serde_json::to_string(entry) {
                    let sql = "INSERT OR REPLACE INTO incident_log(incident, place, line) \
                         VALUES (?1, ?2, ?3)";
                    tx.prepare_cached(sql)?.execute(params![number(id), place, line])?;
                }
            }
            put_facts(&tx, &first.incident)?;
        }
        tx.commit()?;
        if is_all {
            waiting.remove(&id);
        } else if let Some(first) = waiting.get_mut(&id) {
            first.members.retain(|cell, _| cells.binary_search(cell).is_err());
        }
    }
    Ok(())
}

/// The facts come last: an incident without them has no cells either, for whoever reads.
fn put_facts(tx: &Transaction<'_>, incident: &Incident) -> rusqlite::Result<()> {
    let id = number(incident.id);
    let aside: i64 = tx.query_row(
        "SELECT count(*) FROM incident_cell WHERE incident = ?1 AND gone IS NULL AND moved IS NULL",
        [id],
        |row| row.get(0),
    )?;
    let Ok(facts) = serde_json::to_string(incident) else { return Ok(()) };
    let ended = incident.state.ended_at().map(Timestamp::as_millisecond);
    let sql = "INSERT OR REPLACE INTO incident(id, ended, aside, facts) VALUES (?1, ?2, ?3, ?4)";
    let aside = if ended.is_some() { aside } else { 0 };
    tx.prepare_cached(sql)?.execute(params![id, ended, aside, facts])?;
    Ok(())
}

fn put_cell(
    tx: &Transaction<'_>,
    id: u64,
    member: &Member,
    services: &Services,
) -> rusqlite::Result<()> {
    let (Some(service), Some(root)) =
        (services.find(&member.cell.service), services.find(&member.root.service))
    else {
        return Ok(());
    };
    let code = pack::health_code(member.health)
        | pack::reason_code(member.reason) << 3
        | pack::health_code(member.worst) << 6
        | u16::from(member.parted) << 9;
    let sql = "INSERT OR REPLACE INTO incident_cell(incident, place, service, root_place, \
               root_service, joined, since, gone, code, spells, moved) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    tx.prepare_cached(sql)?.execute(params![
        number(id),
        pack::row_number(member.cell.row),
        service,
        pack::row_number(member.root.row),
        root,
        member.from.as_millisecond(),
        member.since.map(Timestamp::as_second),
        member.until.map(Timestamp::as_millisecond),
        code,
        member.spells,
        member.moved.map(number),
    ])?;
    Ok(())
}

fn member(row: &SqlRow<'_>, services: &Services) -> rusqlite::Result<Option<Member>> {
    let place: u32 = row.get(0)?;
    let root_place: u32 = row.get(2)?;
    let name = |place: u32, service: i64| {
        let service = services.key(u8::try_from(service).ok()?)?.clone();
        Some(CellName { row: pack::row(place)?, service })
    };
    let code: u16 = row.get(7)?;
    let since: Option<i64> = row.get(5)?;
    let until: Option<i64> = row.get(6)?;
    let moved: Option<i64> = row.get(9)?;
    let from: i64 = row.get(4)?;
    let (cell, root) = (name(place, row.get(1)?), name(root_place, row.get(3)?));
    let spells = row.get(8)?;
    let read = || {
        Some(Member {
            cell: cell?,
            root: root?,
            from: Timestamp::from_millisecond(from).ok()?,
            since: since.map(Timestamp::from_second).transpose().ok()?,
            until: until.map(Timestamp::from_millisecond).transpose().ok()?,
            health: pack::health(code)?,
            reason: pack::reason(code >> 3),
            worst: pack::health(code >> 6)?,
            spells,
            moved: moved.map(u64::try_from).transpose().ok()?,
            parted: code & (1 << 9) != 0,
        })
    };
    Ok(read())
}

fn whole(
    db: &Connection,
    id: i64,
    facts: &str,
    services: &Services,
    skipped: &mut u64,
) -> rusqlite::Result<Option<KeptIncident>> {
    let Ok(incident) = serde_json::from_str::<Incident>(facts) else {
        *skipped += 1;
        return Ok(None);
    };
    let mut query = db.prepare_cached(
        "SELECT place, service, root_place, root_service, joined, since, gone, code, spells, moved \
         FROM incident_cell WHERE incident = ?1",
    )?;
    let mut members = Vec::new();
    let mut rows = query.query([id])?;
    while let Some(row) = rows.next()? {
        match member(row, services)? {
            Some(member) => members.push(member),
            None => *skipped += 1,
        }
    }
    members.sort_by(|a: &Member, b| a.cell.cmp(&b.cell));
    let mut query = db.prepare_cached(
        "SELECT place, line FROM incident_log WHERE incident = ?1 ORDER BY place",
    )?;
    let mut entries = Vec::new();
    let mut rows = query.query([id])?;
    while let Some(row) = rows.next()? {
        match row.get_ref(1)?.as_str().ok().and_then(|line| serde_json::from_str(line).ok()) {
            Some(entry) => entries.push((row.get(0)?, entry)),
            None => *skipped += 1,
        }
    }
    Ok(Some(KeptIncident { incident, members, entries }))
}

/// What a start needs: the open ones, those with cells that are not well since, and the last number.
pub(super) fn live(
    db: &Connection,
    services: &Services,
    skipped: &mut u64,
) -> rusqlite::Result<(Vec<KeptIncident>, u64)> {
    let last: Option<i64> = db.query_row("SELECT max(id) FROM incident", [], |r| r.get(0))?;
    let sql = "SELECT id, facts FROM incident WHERE ended IS NULL OR aside > 0 ORDER BY id";
    let found = listed(db, sql, [], services, skipped)?;
    Ok((found, last.and_then(|last| u64::try_from(last).ok()).unwrap_or(0)))
}

fn listed(
    db: &Connection,
    sql: &str,
    with: impl rusqlite::Params,
    services: &Services,
    skipped: &mut u64,
) -> rusqlite::Result<Vec<KeptIncident>> {
    let mut query = db.prepare_cached(sql)?;
    let rows = query.query_map(with, |r| Ok((r.get::<_, i64>(0)?, r.get::<_, String>(1)?)))?;
    let rows: Vec<(i64, String)> = rows.collect::<Result<_, _>>()?;
    let mut out = Vec::new();
    for (id, facts) in rows {
        out.extend(whole(db, id, &facts, services, skipped)?);
    }
    Ok(out)
}

/// The newest `limit` that ended since `since`, the newest first.
pub(super) fn ended(
    db: &Connection,
    since: Timestamp,
    limit: usize,
    services: &Services,
) -> rusqlite::Result<Vec<KeptIncident>> {
    let sql = "SELECT id, facts FROM incident WHERE ended >= ?1 ORDER BY ended DESC LIMIT ?2";
    let with = params![since.as_millisecond(), i64::try_from(limit).unwrap_or(i64::MAX)];
    listed(db, sql, with, services, &mut 0)
}

/// One of them.
pub(super) fn one(
    db: &Connection,
    id: u64,
    services: &Services,
) -> rusqlite::Result<Option<KeptIncident>> {
    let sql = "SELECT facts FROM incident WHERE id = ?1";
    let facts: Option<String> = db.query_row(sql, [number(id)], |r| r.get(0)).optional()?;
    let Some(facts) = facts else { return Ok(None) };
    whole(db, number(id), &facts, services, &mut 0)
}

/// What ended before `oldest` goes; numbers are not given again.
pub(super) fn prune(db: &Connection, oldest: Timestamp) -> rusqlite::Result<()> {
    let sql = "SELECT id FROM incident WHERE ended < ?1 AND aside = 0 \
               AND id < (SELECT max(id) FROM incident)";
    let ids: Vec<i64> = db
        .prepare(sql)?
        .query_map([oldest.as_millisecond()], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    for id in ids {
        db.execute("DELETE FROM incident WHERE id = ?1", [id])?;
        db.execute("DELETE FROM incident_cell WHERE incident = ?1", [id])?;
        db.execute("DELETE FROM incident_log WHERE incident = ?1", [id])?;
    }
    Ok(())
}
