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
use serde_json::{Value, json};

use crate::simulators::backups::{Account, machines};
use crate::simulators::reply::{answer, field, json as reply};
use crate::simulators::server::{Endpoint, Manners, nobodys};
use crate::simulators::stage::Stage;
use crate::simulators::times::{moved, with_offset};

/// Rows of one page.
const PAGE: usize = 1_000;

const PLATFORM: Manners = Manners {
    school_of: nobodys,
    error_inside: |_| {
        reply(200, &json!({"error": {"code": "", "message": "An error has occurred."}}))
    },
    refusal: |_| answer(401, "text/plain; charset=utf-8", "Invalid credentials"),
    throttled: |_| reply(429, &json!({"title": "Too Many Requests", "status": 429})),
};

pub(super) fn endpoint(stage: &Arc<Stage>) -> Endpoint {
    let router = Router::new()
        .route("/api/odata/Accounts", get(odata_accounts))
        .route("/api/backup/Groups", get(groups))
        .with_state(stage.clone());
    Endpoint { key: "redstor".to_owned(), router, manners: PLATFORM, tls: true }
}

fn signed_in(stage: &Stage, headers: &HeaderMap) -> bool {
    let password = stage.credential("redstor").unwrap_or_default();
    let wanted = STANDARD.encode(format!("{}:{password}", stage.invented.facts.redstor_user));
    headers
        .get(AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.strip_prefix("Basic "))
        .is_some_and(|sent| sent == wanted)
}

async fn odata_accounts(
    State(stage): State<Arc<Stage>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if !signed_in(&stage, &headers) {
        return (PLATFORM.refusal)(&stage);
    }
    let skip = field(&query.unwrap_or_default(), "$skip")
        .and_then(|v| v.parse::<usize>().ok())
        .unwrap_or_default();
    let rows: Vec<Value> = machines(&stage)
        .into_iter()
        .enumerate()
        .skip(skip)
        .take(PAGE)
        .map(|(n, machine)| row(&machine.account(&stage), n))
        .collect();
    reply(
        200,
        &json!({
            "@odata.context": "https://api.pro.redstor.example/api/odata/$metadata#Accounts",
            "value": rows,
        }),
    )
}

fn row(account: &Account, index: usize) -> Value {
    let last = account.runs.first();
    let at = last.map(|(at, _)| with_offset(*at));
    json!({
        "Id": account.id,
        "BackupGroupId": account.id / 2,
        "AccountName": account.name,
        "BackupGroup": account.group,
        "TypeId": 3,
        "Guid": account.guid,
        "Active": account.enabled,
        "BackupEnabled": account.enabled,
        "GroupDisabled": false,
        "LastLoginTime": at,
        "Limit": 1024,
        "OverLimit": 0,
        "HardLimit": 1024.0,
        "Registered": true,
        // Written without an offset by some servers.
        "CreatedOn": if index.is_multiple_of(3) {
            account.created.strftime("%Y-%m-%dT%H:%M:%S%.3f").to_string()
        } else {
            with_offset(account.created)
        },
        "StorageServer": format!("uk-ss-{:02}", 1 + account.id % 4),
        "StorageServerPort": 8443,
        "StorageServerOnline": true,
        "BackupCount": last.map(|_| 61),
        "ClientVersion": "24.3.1.20117",
        "ProtectedSize": last.map(|_| 10_515_981 + account.id),
        "LastBackupDate": at,
        "LastMirrorDate": last.map(|(at, _)| with_offset(moved(*at, 600))),
        "GroupCert": "-----BEGIN CERTIFICATE-----\nbm90IGEgcmVhbCBjZXJ0aWZpY2F0ZQ==\n-----END CERTIFICATE-----\n",
        "LastBackupStatus": last.map(|(_, ended)| ended.number()),
        "LastBackupMessage": last.map(|(_, ended)| ended.platform_words()),
    })
}

async fn groups(State(stage): State<Arc<Stage>>, headers: HeaderMap) -> Response {
    if !signed_in(&stage, &headers) {
        return (PLATFORM.refusal)(&stage);
    }
    let groups: Vec<Value> = machines(&stage)
        .into_iter()
        .step_by(2)
        .map(|machine| machine.account(&stage))
        .map(|a| json!({"Id": a.id / 2, "Path": a.group, "Disabled": false}))
        .collect();
    reply(200, &json!(groups))
}
