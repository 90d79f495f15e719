//! What is read.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ledger::{Detail, Entry};
use crate::model::plan::Plan;
use crate::model::text::Clean;
use crate::ports::ledger::{AuditQuery, Held, LedgerError, LeftItem, Request, StepRecord};
use crate::store::ledger::Trouble;

/// The word of a plain enum, as in JSON.
pub(super) fn word(value: &impl Serialize) -> Result<String, Trouble> {
    match serde_json::to_value(value)? {
        serde_json::Value::String(word) => Ok(word),
        other => Err(LedgerError::Unusable(format!("{other} is not a word")).into()),
    }
}

fn unword<T: DeserializeOwned>(word: &str) -> Result<T, Trouble> {
    Ok(serde_json::from_value(serde_json::Value::String(word.to_owned()))?)
}

/// An entry's number as SQLite keeps it.
pub(super) fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn number(kept: i64) -> u64 {
    u64::try_from(kept).unwrap_or_default()
}

fn time(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

const REQUEST: &str = "SELECT r.body, r.confirmed_at, r.approve_until, a.by, r.cancelled_by
     FROM request r LEFT JOIN approval a ON a.plan = r.plan";

type RequestRow = (String, i64, i64, Option<String>, Option<String>);

fn request_row(r: &Row<'_>) -> rusqlite::Result<RequestRow> {
    Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?))
}

fn request((body, confirmed, until, by, cancelled): RequestRow) -> Result<Request, Trouble> {
    let person = |text: Option<String>| text.map(|t| serde_json::from_str(&t)).transpose();
    Ok(Request {
        plan: serde_json::from_str(&body)?,
        confirmed_at: time(confirmed),
        approve_until: time(until),
        approved_by: person(by)?,
        cancelled_by: person(cancelled)?,
    })
}

pub(super) fn find(db: &Connection, plan: &str) -> Result<Request, Trouble> {
    let found = db
        .query_row(&format!("{REQUEST} WHERE r.plan = ?1"), [plan], request_row)
        .optional()?
        .ok_or_else(|| LedgerError::Nothing(plan.to_owned()))?;
    request(found)
}

pub(super) fn waiting(db: &Connection, now: Timestamp) -> Result<Vec<Request>, Trouble> {
    let sql = format!(
        "{REQUEST} WHERE r.second IS NOT NULL AND a.plan IS NULL AND r.cancelled_by IS NULL
         AND r.approve_until >= ?1 ORDER BY r.confirmed_at LIMIT 1000"
    );
    let mut statement = db.prepare(&sql)?;
    let rows = statement.query_map([now.as_millisecond()], request_row)?;
    rows.map(|row| request(row?)).collect()
}

/// Approved requests, and those that need nobody, with what is due of them.
pub(super) fn unbegun(db: &Connection) -> Result<Vec<(Plan, Clean)>, Trouble> {
    let mut statement = db.prepare(
        "SELECT r.body, d.key FROM due d JOIN request r ON r.plan = d.plan
         LEFT JOIN approval a ON a.plan = d.plan
         WHERE r.second IS NULL OR a.plan IS NOT NULL ORDER BY r.confirmed_at, d.plan",
    )?;
    let mut rows = statement.query([])?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        let plan = serde_json::from_str(&r.get::<_, String>(0)?)?;
        out.push((plan, Clean::new(&r.get::<_, String>(1)?)));
    }
    Ok(out)
}

pub(super) fn left(db: &Connection, limit: usize) -> Result<Vec<LeftItem>, Trouble> {
    let mut statement = db.prepare(
        "SELECT r.body, l.key, l.at, l.why FROM left_item l JOIN request r ON r.plan = l.plan
         ORDER BY l.at DESC, l.key LIMIT ?1",
    )?;
    let mut rows = statement.query([i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        out.push(LeftItem {
            plan: serde_json::from_str(&r.get::<_, String>(0)?)?,
            key: Clean::new(&r.get::<_, String>(1)?),
            at: time(r.get(2)?),
            why: Clean::new(&r.get::<_, String>(3)?),
        });
    }
    Ok(out)
}

pub(super) fn holds(db: &Connection, key: &str) -> Result<bool, Trouble> {
    let sql = "SELECT EXISTS (SELECT 1 FROM intent WHERE key = ?1 AND closed = 0)";
    Ok(db.query_row(sql, [key], |r| r.get(0))?)
}

/// Intents, by a condition and order of this module's own.
pub(super) fn held(db: &Connection, which: &str, limit: usize) -> Result<Vec<Held>, Trouble> {
    let sql = format!(
        "SELECT key, plan, action, by, item, at, outcome, closed, reference
         FROM intent {which} LIMIT ?1"
    );
    let mut statement = db.prepare(&sql)?;
    let mut rows = statement.query([i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        let key: String = r.get(0)?;
        let action: String = r.get(2)?;
        let outcome: Option<String> = r.get(6)?;
        out.push(Held {
            plan: Clean::new(&r.get::<_, String>(1)?),
            action: action
                .parse()
                .map_err(|_| LedgerError::Unusable(format!("action {action}")))?,
            by: serde_json::from_str(&r.get::<_, String>(3)?)?,
            item: serde_json::from_str(&r.get::<_, String>(4)?)?,
            at: time(r.get(5)?),
            steps: steps(db, &key)?,
            outcome: outcome.map(|o| unword(&o)).transpose()?,
            closed: r.get(7)?,
            reference: r.get::<_, Option<String>>(8)?.map(|t| Clean::new(&t)),
        });
    }
    Ok(out)
}

fn steps(db: &Connection, key: &str) -> Result<Vec<StepRecord>, Trouble> {
    let mut statement = db.prepare_cached(
        "SELECT state, sent_at, sent, looked_at, looks, says FROM step WHERE key = ?1 ORDER BY n",
    )?;
    let mut rows = statement.query(params![key])?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        out.push(StepRecord {
            state: unword(&r.get::<_, String>(0)?)?,
            sent_at: r.get::<_, Option<i64>>(1)?.map(time),
            sent: r.get(2)?,
            looked_at: r.get::<_, Option<i64>>(3)?.map(time),
            looks: r.get(4)?,
            says: Clean::new(&r.get::<_, String>(5)?),
        });
    }
    Ok(out)
}

pub(super) fn entries(db: &Connection, query: &AuditQuery) -> Result<Vec<Entry>, Trouble> {
    let mut sql = "SELECT number, at, kind, by, about, body, private, previous, hash FROM entry \
                   WHERE 1"
        .to_owned();
    let mut bound: Vec<Value> = Vec::new();
    let mut and = |condition: &str, value: Value| {
        bound.push(value);
        sql.push_str(&condition.replace('?', &format!("?{}", bound.len())));
    };
    if let Some(from) = query.from {
        and(" AND number >= ?", Value::Integer(whole(from)));
    }
    // RFC 3339 in UTC with differing fractions does not sort as text; julianday reads it.
    if let Some(since) = query.since {
        and(" AND julianday(at) >= julianday(?)", Value::Text(since.to_string()));
    }
    if let Some(until) = query.until {
        and(" AND julianday(at) < julianday(?)", Value::Text(until.to_string()));
    }
    if let Some(by) = &query.by {
        and(" AND json_extract(by, '$.name') = ?", Value::Text(by.clone()));
    }
    if let Some(kind) = &query.kind {
        and(" AND kind = ?", Value::Text(kind.clone()));
    }
    if let Some(about) = &query.about {
        and(" AND substr(about, 1, length(?)) = ?", Value::Text(about.clone()));
    }
    if let Some(guid) = &query.account {
        and(" AND substr(about, -length(?)) = ?", Value::Text(format!("/guid:{guid}")));
    }
    let order = if query.from.is_some() { "ASC" } else { "DESC" };
    sql.push_str(&format!(" ORDER BY number {order} LIMIT {}", query.limit.min(1_000_000)));
    let mut statement = db.prepare(&sql)?;
    let mut rows = statement.query(params_from_iter(bound))?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        let at: String = r.get(1)?;
        out.push(Entry {
            number: number(r.get(0)?),
            at: at.parse().map_err(|_| LedgerError::Unusable(format!("an entry's time {at:?}")))?,
            kind: Clean::new(&r.get::<_, String>(2)?),
            by: r.get::<_, Option<String>>(3)?.map(|t| serde_json::from_str(&t)).transpose()?,
            about: Clean::new(&r.get::<_, String>(4)?),
            body: serde_json::from_str(&r.get::<_, String>(5)?)?,
            private: serde_json::from_str(&r.get::<_, String>(6)?)?,
            previous: Clean::new(&r.get::<_, String>(7)?),
            hash: Clean::new(&r.get::<_, String>(8)?),
        });
    }
    Ok(out)
}

pub(super) fn details(db: &Connection, entry: u64) -> Result<BTreeMap<String, Detail>, Trouble> {
    let mut statement = db.prepare("SELECT field, value, salt FROM detail WHERE number = ?1")?;
    let mut rows = statement.query([whole(entry)])?;
    let mut out = BTreeMap::new();
    while let Some(r) = rows.next()? {
        let value = Clean::new(&r.get::<_, String>(1)?);
        out.insert(r.get(0)?, Detail { value, salt: r.get(2)? });
    }
    Ok(out)
}
