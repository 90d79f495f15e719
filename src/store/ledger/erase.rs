//! Erasing what somebody may ask to have erased: the detail beside the chain, and its copies.
//!
//! The reason of a plan stands as a detail beside every entry about that plan, in the plan as it was
//! confirmed, and in what was handed to people outside. A name in it is gone only when all are.

use rusqlite::{OptionalExtension, Transaction, params};

use crate::model::plan::{Item, Plan};
use crate::model::text::Clean;
use crate::ports::ledger::LedgerError;
use crate::store::ledger::Trouble;
use crate::store::ledger::rows::whole;

/// Stands for an erased text in what is kept.
const ERASED: &str = "not kept any more";

/// Takes the detail, and where the entry is about a plan, every copy of it.
///
/// # Errors
/// When there is no such detail, or the plan is open: what is not over still needs what it was
/// confirmed with.
pub(super) fn erase(tx: &Transaction<'_>, entry: u64, field: &str) -> Result<(), Trouble> {
    let found: Option<(String, String)> = tx
        .query_row(
            "SELECT d.value, e.about FROM detail d JOIN entry e ON e.number = d.number
             WHERE d.number = ?1 AND d.field = ?2",
            params![whole(entry), field],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )
        .optional()?;
    let Some((value, about)) = found else {
        return Err(LedgerError::Nothing(format!("entry {entry} holds no {field}")).into());
    };
    let plan: Option<String> = tx
        .query_row("SELECT body FROM request WHERE plan = ?1", [&about], |r| r.get(0))
        .optional()?;
    if let Some(body) = plan {
        tx.execute(
            "DELETE FROM detail WHERE field = ?1 AND value = ?2
             AND number IN (SELECT number FROM entry WHERE about = ?3)",
            params![field, value, about],
        )?;
        return scrub(tx, &about, &body);
    }
    tx.execute(
        "DELETE FROM detail WHERE number = ?1 AND field = ?2",
        params![whole(entry), field],
    )?;
    Ok(())
}

/// Takes what people wrote out of a plan that is over, and out of its intents.
fn scrub(tx: &Transaction<'_>, id: &str, body: &str) -> Result<(), Trouble> {
    let is_open: bool = tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM due WHERE plan = ?1)
         OR EXISTS (SELECT 1 FROM intent WHERE plan = ?1 AND closed = 0)",
        [id],
        |r| r.get(0),
    )?;
    if is_open {
        let why =
            format!("plan {id} is not over, and needs it until then: cancel or close it first");
        return Err(LedgerError::Used(why).into());
    }
    let mut plan: Plan = serde_json::from_str(body)?;
    let ask = &mut plan.ask;
    let written: Vec<Clean> = std::iter::once(&mut ask.reason)
        .chain(ask.choices.values_mut())
        .map(|text| std::mem::replace(text, Clean::new(ERASED)))
        .collect();
    plan.items.iter_mut().for_each(|item| silence(item, &written));
    tx.execute(
        "UPDATE request SET body = ?2 WHERE plan = ?1",
        params![id, serde_json::to_string(&plan)?],
    )?;
    let intents: Vec<(String, String)> = tx
        .prepare("SELECT key, item FROM intent WHERE plan = ?1")?
        .query_map([id], |r| Ok((r.get(0)?, r.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (key, item) in intents {
        let mut item: Item = serde_json::from_str(&item)?;
        silence(&mut item, &written);
        tx.execute(
            "UPDATE intent SET item = ?2 WHERE key = ?1",
            params![key, serde_json::to_string(&item)?],
        )?;
    }
    Ok(())
}

/// Without what was `written`, and without the text that was handed to people outside.
fn silence(item: &mut Item, written: &[Clean]) {
    for fact in item.now.iter_mut().filter(|fact| written.contains(&fact.value)) {
        fact.value = Clean::new(ERASED);
    }
    if !item.sends.is_empty() {
        item.sends = vec![Clean::new(ERASED)];
    }
}
