//! Redstor's Storage Platform API: `Accounts` by Basic sign-in, a thousand rows a page.
//!
//! Sources: helpdesk.redstor.com 1193 and public client code, as restated in the vendor notes.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::response::Response;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::simulators::backups::{Machine, Vault, machines};
use crate::simulators::redstor_faults::RedstorFault as F;
use crate::simulators::reply::{answer, field, json as reply, set};
use crate::simulators::server::{Endpoint, Manners, nobodys};
use crate::simulators::times::{moved, unzoned, with_offset};
use crate::simulators::tokens::{carried, refused};

/// Rows of one page.
const PAGE: usize = 1_000;
/// Megabytes that an account may hold.
const LIMIT: u32 = 102_400;

const PLATFORM: Manners = Manners {
    school_of: nobodys,
    error_inside: |_| {
        reply(200, &json!({"error": {"code": "", "message": "An error has occurred."}}))
    },
    refusal: |_| answer(401, "text/plain; charset=utf-8", "Invalid credentials"),
    throttled: |_| reply(429, &json!({"title": "Too Many Requests", "status": 429})),
};

pub(super) fn endpoint(vault: &Arc<Vault>) -> Endpoint {
    let router = Router::new()
        .route("/api/odata/Accounts", get(odata_accounts))
        .route("/api/backup/Groups", get(groups))
        .with_state(vault.clone());
    Endpoint { key: "redstor".to_owned(), router, manners: PLATFORM, tls: true }
}

fn signed_in(vault: &Vault, headers: &HeaderMap) -> bool {
    let password = vault.stage.credential("redstor").unwrap_or_default();
    let user = &vault.stage.invented.facts.redstor_user;
    let wanted = STANDARD.encode(format!("{user}:{password}"));
    let good = carried(headers, &AUTHORIZATION, "Basic ").is_some_and(|sent| sent == wanted);
    if !good {
        refused(&vault.stage, "redstor", "a wrong user or password, or no Basic sign-in");
    }
    good
}

/// Refuses a wrong call, loudly.
fn wrong(vault: &Vault, why: &str) -> Response {
    refused(&vault.stage, "redstor", why);
    let message = format!("The query specified in the URI is not valid: {why}.");
    reply(400, &json!({"error": {"code": "", "message": message}}))
}

async fn odata_accounts(
    State(vault): State<Arc<Vault>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if !signed_in(&vault, &headers) {
        return (PLATFORM.refusal)(&vault.stage);
    }
    let query = query.unwrap_or_default();
    if url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name != "$skip") {
        return wrong(&vault, "a parameter other than $skip");
    }
    let skip = match field(&query, "$skip").map(|v| v.parse::<usize>()) {
        None => 0,
        Some(Ok(_)) if vault.everywhere(F::SkipIgnored) => 0,
        Some(Ok(skip)) => skip,
        Some(Err(_)) => return wrong(&vault, "$skip is no number"),
    };
    let rows: Vec<Value> = machines(&vault)
        .into_iter()
        .enumerate()
        .skip(skip)
        .take(PAGE)
        .map(|(n, machine)| row(&vault, machine, n))
        .collect();
    if vault.everywhere(F::BareArray) {
        return reply(200, &Value::Array(rows));
    }
    reply(
        200,
        &json!({
            "@odata.context": "https://api.pro.redstor.example/api/odata/$metadata#Accounts",
            "value": rows,
        }),
    )
}

fn row(vault: &Vault, machine: Machine<'_>, index: usize) -> Value {
    let account = machine.account(vault);
    let has = |fault| machine.school().is_some_and(|l| vault.has(l, fault));
    let spelt = |at: Timestamp| match has(F::TimeUnzoned) {
        true => unzoned(at),
        false => with_offset(at),
    };
    let last = account.runs.first();
    let at = last.map(|(at, _)| match has(F::TimeUnreadable) {
        true => "last night".to_owned(),
        false => spelt(*at),
    });
    let words = last.map(|(_, ended)| account.text.unwrap_or(ended.platform_words()));
    let mut row = json!({
        "Id": account.id,
        "BackupGroupId": account.id / 2,
        "AccountName": account.name,
        "BackupGroup": account.group,
        "TypeId": 3,
        "Guid": account.guid,
        "Active": account.active,
        "BackupEnabled": account.backed_up,
        "GroupDisabled": account.group_disabled,
        "LastLoginTime": account.seen.map(spelt),
        "Limit": LIMIT,
        "OverLimit": account.over_limit,
        "HardLimit": f64::from(LIMIT) * 2.0,
        "Registered": true,
        // Written without an offset by some servers.
        "CreatedOn": if index.is_multiple_of(3) {
            account.created.strftime("%Y-%m-%dT%H:%M:%S%.3f").to_string()
        } else {
            with_offset(account.created)
        },
        "StorageServer": format!("uk-ss-{:02}", 1 + account.id % 4),
        "StorageServerPort": 8443,
        "StorageServerOnline": account.server_online,
        "BackupCount": last.map(|_| 61),
        "ClientVersion": "24.3.1.20117",
        "ProtectedSize": account.size,
        "LastBackupDate": at,
        "LastMirrorDate": last.map(|(at, _)| with_offset(moved(*at, 600))),
        "GroupCert": "-----BEGIN CERTIFICATE-----\nbm90IGEgcmVhbCBjZXJ0aWZpY2F0ZQ==\n-----END CERTIFICATE-----\n",
        "LastBackupStatus": last.map(|(_, ended)| ended.number()),
        "LastBackupMessage": words,
    });
    if has(F::RunHalfTold) {
        set(&mut row, "LastBackupStatus", Value::Null);
    }
    row
}

async fn groups(State(vault): State<Arc<Vault>>, headers: HeaderMap) -> Response {
    if !signed_in(&vault, &headers) {
        return (PLATFORM.refusal)(&vault.stage);
    }
    let groups: Vec<Value> = machines(&vault)
        .into_iter()
        .step_by(2)
        .map(|machine| machine.account(&vault))
        .map(|a| json!({"Id": a.id / 2, "Path": a.group, "Disabled": a.group_disabled}))
        .collect();
    reply(200, &json!(groups))
}
