//! The RedAPI's lists: accounts, their runs, errors and restores.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{RedApi, problem};
use crate::simulators::backups::{Account, Ended, Machine, machines};
use crate::simulators::redstor_faults::RedstorFault as F;
use crate::simulators::reply::{Refused, field, json as reply};
use crate::simulators::times::{moved, seconds, unzoned, utc};
use crate::simulators::tokens::refused;

/// Days of runs that the API shows.
const HISTORY_DAYS: i64 = 7;
/// The kinds of data: a server's, and a mailbox.
const SERVERS: u32 = 12;
const EXCHANGE: u32 = 94;

pub(super) async fn storage_accounts(
    State(api): State<Arc<RedApi>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let query = query.unwrap_or_default();
    api.entered(&headers, &query)?;
    Ok(api.paged(&api.seen_by(&query)?, &query, |machine| {
        let account = machine.account(&api.vault);
        json!({
            "accountId": account.guid, "accountName": account.name,
            "displayName": account.display, "serviceId": SERVERS, "serviceName": "Servers",
            "productId": 3, "productName": "Machines", "storageRegion": "UK",
            "createOn": utc(account.created),
        })
    }))
}

/// The runs of the last seven days; not in order, because no order is promised.
fn history(api: &RedApi, machine: Machine<'_>, account: &Account) -> Vec<Value> {
    let now = api.stage().now();
    let has = |fault| machine.school().is_some_and(|l| api.vault.has(l, fault));
    let spelt = |at: Timestamp, newest: bool| match () {
        () if newest && has(F::TimeUnreadable) => "last night".to_owned(),
        () if has(F::TimeUnzoned) => unzoned(at),
        () => utc(at),
    };
    let mut runs: Vec<Value> = account
        .runs
        .iter()
        .enumerate()
        .filter(|(_, (at, _))| seconds(*at, now) < HISTORY_DAYS * 86_400)
        .map(|(n, (at, ended))| {
            let words = account.text.filter(|_| n == 0).unwrap_or(ended.redapi_words());
            let status = (n > 0 || !has(F::RunHalfTold)).then_some(ended.number());
            json!({
                "timestamp": spelt(*at, n == 0), "status": status, "message": words,
                "errorCount": if ended.number() == 1 { 0 } else { 14 },
            })
        })
        .collect();
    if account.id.is_multiple_of(3) {
        runs.reverse();
    }
    runs
}

/// The rows of one machine: one for each kind of data.
fn status_rows(api: &RedApi, machine: Machine<'_>) -> Vec<Value> {
    let account = machine.account(&api.vault);
    let has = |fault| machine.school().is_some_and(|l| api.vault.has(l, fault));
    let row = |product: u32, runs: Vec<Value>| {
        json!({
            "accountId": account.guid, "accountName": account.name, "productId": product,
            "companyId": account.company, "groupId": null, "statusHistory": runs,
        })
    };
    let own = row(SERVERS, history(api, machine, &account));
    let mut rows = vec![own.clone()];
    if has(F::RunsTwice) {
        rows.push(own);
    }
    if has(F::MailboxFailed) {
        let at = utc(moved(api.stage().now(), -3 * 3_600));
        let run =
            json!({"timestamp": at, "status": 0, "message": "Backup failed", "errorCount": 1});
        rows.push(row(EXCHANGE, vec![run]));
    }
    rows
}

pub(super) async fn status_accounts(
    State(api): State<Arc<RedApi>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let query = query.unwrap_or_default();
    api.entered(&headers, &query)?;
    let mut all = api.seen_by(&query)?;
    // An account that never ran is missing, or there with an empty history.
    all.retain(|m| {
        let account = m.account(&api.vault);
        !account.runs.is_empty() || (account.id / 2).is_multiple_of(2)
    });
    let rows: Vec<Value> = all.into_iter().flat_map(|m| status_rows(&api, m)).collect();
    Ok(api.paged(&rows, &query, Value::clone))
}

fn counted(api: &RedApi, query: &str) -> Result<Value, Refused> {
    let last: Vec<Option<u8>> = api
        .seen_by(query)?
        .into_iter()
        .map(|m| m.account(&api.vault).runs.first().map(|(_, ended)| ended.number()))
        .collect();
    let ended = |number: Option<u8>| last.iter().filter(|n| **n == number).count();
    Ok(json!({
        "productId": 3, "productName": "Machines", "succeeded": ended(Some(1)),
        "completedWithWarnings": ended(Some(2)), "completedWithErrors": ended(Some(3)),
        "failed": ended(Some(0)), "missed": ended(None),
    }))
}

pub(super) async fn status(
    State(api): State<Arc<RedApi>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let query = query.unwrap_or_default();
    api.entered(&headers, &query)?;
    Ok(api.paged(&[counted(&api, &query)?], &query, Value::clone))
}

pub(super) async fn status_summary(
    State(api): State<Arc<RedApi>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let query = query.unwrap_or_default();
    api.entered(&headers, &query)?;
    let all = counted(&api, &query)?;
    Ok(reply(200, &json!({"companySummary": [], "customerSummary": [all]})))
}

pub(super) async fn status_errors(
    State(api): State<Arc<RedApi>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let query = query.unwrap_or_default();
    api.entered(&headers, &query)?;
    let vault = &api.vault;
    let id = field(&query, "accountId").unwrap_or_default();
    let Some(machine) = machines(vault).into_iter().find(|m| m.guid(vault) == id) else {
        refused(api.stage(), "redstor.redapi", "errors of an account that does not exist");
        return Ok(problem(404, "Not Found", Some("The account does not exist.")));
    };
    let account = machine.account(vault);
    let Some((at, ended)) = account.runs.first() else {
        let why = "No backup status exists for the specified account.";
        return Ok(problem(422, "Unprocessable Entity", Some(why)));
    };
    let rows = if *ended == Ended::Completed {
        Vec::new()
    } else {
        vec![json!({
            "timestamp": utc(*at), "message": "SQL VSS writer timed out", "category": "Vss",
            "type": "Error", "count": 2, "extraInfo": "SqlServerWriter", "productId": SERVERS,
        })]
    };
    Ok(reply(200, &json!({"results": rows})))
}

/// The last restore of each account: most never had one, and the numbers mean nothing to anybody.
pub(super) async fn restores(
    State(api): State<Arc<RedApi>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let query = query.unwrap_or_default();
    api.entered(&headers, &query)?;
    Ok(api.paged(&api.seen_by(&query)?, &query, |machine| {
        let account = machine.account(&api.vault);
        let had = account.id.is_multiple_of(7);
        json!({
            "accountId": account.guid, "accountName": account.name,
            "companyId": account.company, "groupId": null, "productId": SERVERS,
            "status": had.then_some(4),
            "timestamp": had.then(|| utc(moved(account.created, 90 * 86_400))),
        })
    }))
}
