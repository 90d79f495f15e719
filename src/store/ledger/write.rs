//! What is written, each inside a transaction of the caller.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, Params, Row, Transaction, params};

use crate::ledger::{Draft, Entry, next};
use crate::model::plan::{Item, Operator, Plan, Role};
use crate::model::text::Clean;
use crate::ports::ledger::{Intent, LedgerError, Settled, StepRecord};
use crate::store::ledger::Trouble;
use crate::store::ledger::rows::{number, whole, word};

/// Runs a statement that stays prepared; the number of rows it changed.
fn put(tx: &Transaction<'_>, sql: &str, values: impl Params) -> rusqlite::Result<usize> {
    tx.prepare_cached(sql)?.execute(values)
}

/// The one row of a statement that stays prepared.
fn one<T>(
    tx: &Transaction<'_>,
    sql: &str,
    values: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    tx.prepare_cached(sql)?.query_row(values, read)
}

pub(super) fn append(tx: &Transaction<'_>, draft: &Draft) -> Result<Entry, Trouble> {
    let head: Option<(u64, String)> =
        one(tx, "SELECT number, hash FROM entry ORDER BY number DESC LIMIT 1", [], |r| {
            Ok((number(r.get(0)?), r.get(1)?))
        })
        .optional()?;
    let entry = next(head.as_ref().map(|(n, h)| (*n, h.as_str())), draft);
    put(
        tx,
        "INSERT INTO entry(number, at, kind, by, about, body, private, previous, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            whole(entry.number),
            entry.at.to_string(),
            entry.kind.as_str(),
            entry.by.as_ref().map(serde_json::to_string).transpose()?,
            entry.about.as_str(),
            serde_json::to_string(&entry.body)?,
            serde_json::to_string(&entry.private)?,
            entry.previous.as_str(),
            entry.hash.as_str(),
        ],
    )?;
    for (field, detail) in &draft.private {
        put(
            tx,
            "INSERT INTO detail(number, field, value, salt) VALUES (?1, ?2, ?3, ?4)",
            params![whole(entry.number), field, detail.value.as_str(), detail.salt],
        )?;
    }
    Ok(entry)
}

pub(super) fn request(
    tx: &Transaction<'_>,
    plan: &Plan,
    at: Timestamp,
    approve_until: Timestamp,
) -> Result<(), Trouble> {
    put(
        tx,
        "INSERT INTO request(plan, digest, person, body, confirmed_at, approve_until, second)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            plan.id.as_str(),
            plan.digest.as_str(),
            plan.by.person(),
            serde_json::to_string(plan)?,
            at.as_millisecond(),
            approve_until.as_millisecond(),
            plan.ruling.second.map(|role| word(&role)).transpose()?,
        ],
    )?;
    let mut due = tx.prepare_cached("INSERT INTO due(plan, key) VALUES (?1, ?2)")?;
    for item in &plan.items {
        due.execute([plan.id.as_str(), item.key.as_str()])?;
    }
    Ok(())
}

pub(super) fn leave(
    tx: &Transaction<'_>,
    plan: &str,
    key: &str,
    at: Timestamp,
    why: &Clean,
) -> Result<(), Trouble> {
    if put(tx, "DELETE FROM due WHERE plan = ?1 AND key = ?2", [plan, key])? == 0 {
        return Err(LedgerError::Used("it has begun, or was left before".to_owned()).into());
    }
    put(
        tx,
        "INSERT INTO left_item(plan, key, at, why) VALUES (?1, ?2, ?3, ?4)",
        params![plan, key, at.as_millisecond(), why.as_str()],
    )?;
    Ok(())
}

pub(super) fn approve(
    tx: &Transaction<'_>,
    plan: &str,
    digest: &str,
    by: &Operator,
    role: Role,
    at: Timestamp,
) -> Result<(), Trouble> {
    put(
        tx,
        "INSERT INTO approval(plan, digest, person, by, role, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            plan,
            digest,
            by.person(),
            serde_json::to_string(by)?,
            word(&role)?,
            at.as_millisecond()
        ],
    )?;
    Ok(())
}

pub(super) fn cancel(tx: &Transaction<'_>, plan: &str, by: &Operator) -> Result<(), Trouble> {
    let begun: bool =
        one(tx, "SELECT EXISTS (SELECT 1 FROM intent WHERE plan = ?1)", [plan], |r| r.get(0))?;
    if begun {
        return Err(LedgerError::Used("it has begun: look at what was done".to_owned()).into());
    }
    let changed = put(
        tx,
        "UPDATE request SET cancelled_by = ?2 WHERE plan = ?1 AND cancelled_by IS NULL",
        params![plan, serde_json::to_string(by)?],
    )?;
    if changed == 0 {
        return Err(LedgerError::Nothing(plan.to_owned()).into());
    }
    put(tx, "DELETE FROM due WHERE plan = ?1", [plan])?;
    Ok(())
}

pub(super) fn intent(tx: &Transaction<'_>, intent: &Intent<'_>) -> Result<(), Trouble> {
    let (plan, item, at) = (intent.plan, intent.item, intent.at.as_millisecond());
    within_limits(tx, intent)?;
    if let Some(begun) = &plan.ask.continues {
        goes_on(tx, begun, item)?;
    }
    put(
        tx,
        "INSERT INTO intent(key, plan, aim, action, person, by, item, at, targets)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            item.key.as_str(),
            plan.id.as_str(),
            item.aim.to_string(),
            plan.ask.action.as_str(),
            plan.by.person(),
            serde_json::to_string(&plan.by)?,
            serde_json::to_string(item)?,
            at,
            targets(item)
        ],
    )?;
    put(tx, "DELETE FROM due WHERE plan = ?1 AND key = ?2", [plan.id.as_str(), item.key.as_str()])?;
    let mut steps = tx.prepare_cached(
        "INSERT INTO step(key, n, state, sent, looks, says) VALUES (?1, ?2, 'waiting', 0, 0, '')",
    )?;
    for n in 0..item.steps.len() {
        steps.execute(params![item.key.as_str(), i64::try_from(n).unwrap_or(i64::MAX)])?;
    }
    lease(tx, intent)
}

/// Closes what is gone on with, and gives its lease back: from now on the new intent is what is open.
fn goes_on(tx: &Transaction<'_>, begun: &Clean, item: &Item) -> Result<(), Trouble> {
    let changed = put(
        tx,
        "UPDATE intent SET closed = 1 WHERE key = ?1 AND aim = ?2 AND closed = 0",
        [begun.as_str(), &item.aim.to_string()],
    )?;
    if changed == 0 {
        let told = "what it goes on with was closed meanwhile, or continued by somebody else";
        return Err(LedgerError::Used(told.to_owned()).into());
    }
    put(tx, "DELETE FROM lease WHERE key = ?1", [begun.as_str()])?;
    Ok(())
}

/// Takes the target, unless somebody holds it and their time has not run out.
fn lease(tx: &Transaction<'_>, intent: &Intent<'_>) -> Result<(), Trouble> {
    let (item, at) = (intent.item, intent.at.as_millisecond());
    let held: Option<(String, String, i64)> = one(
        tx,
        "SELECT who, what, since FROM lease WHERE lease = ?1 AND until > ?2",
        params![item.lease.as_str(), at],
        |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
    )
    .optional()?;
    if let Some((who, what, since)) = held {
        let since = Timestamp::from_millisecond(since).unwrap_or(intent.at);
        return Err(
            LedgerError::Leased { who: Clean::new(&who), what: Clean::new(&what), since }.into()
        );
    }
    put(
        tx,
        "INSERT OR REPLACE INTO lease(lease, key, who, what, since, until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            item.lease.as_str(),
            item.key.as_str(),
            intent.plan.by.name.as_str(),
            intent.plan.ask.action.as_str(),
            at,
            intent.lease_until.as_millisecond()
        ],
    )?;
    Ok(())
}

/// Counted in the transaction of the intent, so that two plans cannot both be the last.
fn within_limits(tx: &Transaction<'_>, intent: &Intent<'_>) -> Result<(), Trouble> {
    let hour = intent.at.checked_sub(SignedDuration::from_hours(1)).unwrap_or(Timestamp::MIN);
    let (hour, action) = (hour.as_millisecond(), intent.plan.ask.action.as_str());
    let (person, desk): (u32, u32) = one(
        tx,
        "SELECT coalesce(sum(targets * (person = ?3)), 0), coalesce(sum(targets), 0)
         FROM intent WHERE action = ?2 AND at > ?1",
        params![hour, action, intent.plan.by.person()],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )?;
    let more = targets(intent.item);
    let passed = |limit: Option<u32>, n: u32| limit.filter(|limit| n.saturating_add(more) > *limit);
    let (whose, n, limit) = if let Some(limit) = passed(intent.limit.person, person) {
        ("you", person, limit)
    } else if let Some(limit) = passed(intent.limit.desk, desk) {
        ("the desk", desk, limit)
    } else {
        return Ok(());
    };
    let told = format!(
        "{whose} did {action} {n} times in the last hour, and this is {more} more: the policy's limit \
         is {limit}"
    );
    Err(LedgerError::Limit(told).into())
}

/// How many schools, cells or accounts an item is about: each counts.
fn targets(item: &Item) -> u32 {
    u32::try_from(item.aims().count()).unwrap_or(u32::MAX)
}

pub(super) fn record(
    tx: &Transaction<'_>,
    key: &str,
    step: usize,
    record: &StepRecord,
) -> Result<(), Trouble> {
    let changed = put(
        tx,
        "UPDATE step SET state = ?3, sent_at = ?4, sent = ?5, looked_at = ?6, looks = ?7,
             says = ?8 WHERE key = ?1 AND n = ?2",
        params![
            key,
            i64::try_from(step).unwrap_or(i64::MAX),
            word(&record.state)?,
            record.sent_at.map(Timestamp::as_millisecond),
            record.sent,
            record.looked_at.map(Timestamp::as_millisecond),
            record.looks,
            record.says.as_str()
        ],
    )?;
    if changed == 0 {
        return Err(LedgerError::Nothing(key.to_owned()).into());
    }
    Ok(())
}

pub(super) fn settle(tx: &Transaction<'_>, key: &str, settled: &Settled) -> Result<(), Trouble> {
    let changed = put(
        tx,
        "UPDATE intent SET outcome = ?2, closed = ?3,
         reference = coalesce(?4, reference) WHERE key = ?1 AND closed = 0",
        params![
            key,
            word(&settled.outcome)?,
            settled.closed,
            settled.reference.as_ref().map(Clean::as_str)
        ],
    )?;
    if changed == 0 {
        return Err(LedgerError::Nothing(key.to_owned()).into());
    }
    if settled.closed {
        put(tx, "DELETE FROM lease WHERE key = ?1", [key])?;
    }
    Ok(())
}
