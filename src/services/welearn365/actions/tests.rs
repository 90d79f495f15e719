//! What Microsoft says of one account, body by body, and what a plan or a step makes of it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cloud::{Cloud, Deed, Known, Sky};
use crate::model::plan::{Aim, Item, Kind};
use crate::model::text::Clean;
use crate::ports::act::{Answer, Refused};
use crate::services::contract::{Bench, Play, Vendor};
use crate::services::welearn365::SERVICE;
use crate::services::welearn365::describe::Settings;

const TOKEN: &str = include_str!("../examples/token.json");
const ANCHOR: &str = "q7Rk0w==";
const ID: &str = "5b1e-77";
const MEMBERS: &str = "/v1.0/users/5b1e-77/transitiveMemberOf";
const ROLES: &str = "/v1.0/roleManagement/directory/roleAssignments";

static ROW: crate::services::Service = SERVICE;

/// An account that the directory has brought, with these changes.
fn account(changes: Value) -> Value {
    let mut row = json!({
        "id": ID, "accountEnabled": true, "onPremisesSyncEnabled": true,
        "onPremisesImmutableId": ANCHOR,
        "onPremisesLastSyncDateTime": "2027-02-09T10:58:00Z",
        "signInSessionsValidFromDateTime": "2026-09-03T08:00:00Z",
    });
    for (key, value) in changes.as_object().unwrap() {
        match value {
            Value::String(word) if word == "(left out)" => {
                drop(row.as_object_mut().unwrap().remove(key))
            }
            value => row[key] = value.clone(),
        }
    }
    row
}

fn list(rows: &[Value]) -> Play {
    Play::json(json!({ "value": rows }).to_string())
}

fn group(name: Value, assignable: Value) -> Value {
    json!({"@odata.type": "#microsoft.graph.group", "id": "g", "displayName": name,
           "isAssignableToRole": assignable})
}

/// Microsoft with one account in one harmless group, and what asks it.
async fn stage() -> (Vendor, Cloud) {
    let vendor = Vendor::start().await;
    vendor.on("/5f0c/oauth2/v2.0/token", [Play::json(TOKEN)]);
    vendor.on("/v1.0/users", [list(&[account(json!({}))])]);
    vendor.on(MEMBERS, [list(&[group("Year 4".into(), Value::Null)])]);
    vendor.on(ROLES, [list(&[])]);
    let settings: Settings = toml::from_str(&format!(
        "tenant_id = '5f0c'\nclient_id = '77aa'\nact = {{ client_id = '88bb' }}\n\
         graph = {{ url = '{0}/v1.0', deadline = '1s' }}\n\
         login = {{ url = '{0}', deadline = '1s' }}\n",
        vendor.url
    ))
    .unwrap();
    let bench = Bench::new(&ROW, "2027-02-09T11:20:00Z").secret("welearn365.act", "made-up");
    let cloud = Cloud::new(&settings, settings.act.as_ref().unwrap(), &bench.context()).unwrap();
    (vendor, cloud)
}

fn at(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

#[tokio::test]
async fn an_account_is_known_as_microsoft_has_it() {
    let plain = Known {
        id: ID.to_owned(),
        enabled: true,
        synced: true,
        last_sync: at("2027-02-09T10:58:00Z"),
        sessions_from: at("2026-09-03T08:00:00Z"),
    };
    for (what, changes, known) in [
        ("open", json!({}), plain.clone()),
        ("blocked", json!({"accountEnabled": false}), Known { enabled: false, ..plain.clone() }),
        (
            "of the cloud alone",
            json!({"onPremisesSyncEnabled": null, "onPremisesLastSyncDateTime": null}),
            Known { synced: false, last_sync: None, ..plain.clone() },
        ),
        (
            "signed out",
            json!({"signInSessionsValidFromDateTime": "2027-02-09T11:19:58Z"}),
            Known { sessions_from: at("2027-02-09T11:19:58Z"), ..plain },
        ),
    ] {
        let (vendor, cloud) = stage().await;
        vendor.on("/v1.0/users", [list(&[account(changes)])]);
        assert_eq!(cloud.find(ANCHOR).await.unwrap(), Sky::Known(known), "{what}");
    }
    let (vendor, cloud) = stage().await;
    vendor.on("/v1.0/users", [list(&[])]);
    assert_eq!(cloud.find(ANCHOR).await.unwrap(), Sky::Unknown, "no match is no account");
}

#[tokio::test]
async fn what_is_not_surely_one_harmless_account_is_refused() {
    let role = json!({"@odata.type": "#microsoft.graph.directoryRole", "id": "r",
                      "displayName": "Helpdesk Administrator"});
    for (what, at, play, words) in [
        (
            "enabled is left out",
            "/v1.0/users",
            list(&[account(json!({"accountEnabled": "(left out)"}))]),
            "accountEnabled",
        ),
        (
            "another account",
            "/v1.0/users",
            list(&[account(json!({"onPremisesImmutableId": "other=="}))]),
            "another account",
        ),
        (
            "two accounts",
            "/v1.0/users",
            list(&[account(json!({})), account(json!({"id": "5b1e-78"}))]),
            "more than one account",
        ),
        (
            "a role",
            MEMBERS,
            list(&[group("Year 4".into(), Value::Null), role]),
            "administrator's role",
        ),
        (
            "a group for roles",
            MEMBERS,
            list(&[group("Desk".into(), true.into())]),
            "roles are given to",
        ),
        ("a hidden group", MEMBERS, list(&[group(Value::Null, Value::Null)]), "hides a group"),
        ("no kind", MEMBERS, list(&[json!({"id": "g"})]), "does not say"),
        (
            "an assignment",
            ROLES,
            list(&[json!({"id": "a", "roleDefinitionId": "d"})]),
            "administrator's role",
        ),
        (
            "no right",
            ROLES,
            Play::status(403, r#"{"error":{"code":"Authorization_RequestDenied","message":"m"}}"#),
            "RoleManagement.Read.Directory",
        ),
    ] {
        let (vendor, cloud) = stage().await;
        vendor.on(at, [play]);
        let refused = cloud.find(ANCHOR).await.expect_err(what);
        assert!(refused.to_string().contains(words), "{what}: {refused}");
        let protected = words.contains("roles are") || words.contains("administrator's");
        assert_eq!(matches!(refused, Refused::Protected(_)), protected, "{what}");
    }
}

/// What became of one deed.
async fn done(deed: Deed, play: Play, changes: Value) -> Answer {
    let (vendor, cloud) = stage().await;
    vendor.on("/v1.0/users", [list(&[account(changes)])]);
    vendor.on(&format!("/v1.0/users/{ID}"), [play.clone()]);
    vendor.on(&format!("/v1.0/users/{ID}/revokeSignInSessions"), [play]);
    let item = Item {
        key: Clean::default(),
        aim: Aim::School("9991001".parse().unwrap()),
        also: Vec::new(),
        kind: Kind::Pupil,
        lease: Clean::default(),
        now: Vec::new(),
        steps: vec![deed.step("says", ID, ANCHOR)],
        sends: Vec::new(),
        protective: true,
        will_not: Vec::new(),
        beware: Vec::new(),
        undo: None,
        second_person: None,
    };
    cloud.step(&item, 0).await.unwrap()
}

#[tokio::test]
async fn an_accepted_write_is_told_apart_from_every_refusal() {
    let error = |code: &str| format!("{{\"error\":{{\"code\":\"{code}\",\"message\":\"m\"}}}}");
    let bad = error("Request_BadRequest");
    for (what, deed, play, synced, kind, words) in [
        ("no content", Deed::Block, Play::status(204, ""), true, "took", "took it"),
        ("revoked", Deed::Revoke, Play::json(r#"{"value":true}"#), true, "took", "took it"),
        (
            "of the directory",
            Deed::Block,
            Play::status(400, bad.clone()),
            true,
            "took",
            "next sync",
        ),
        ("a bad request", Deed::Block, Play::status(400, bad), false, "refused", "400"),
        (
            "denied",
            Deed::Revoke,
            Play::status(403, error("Authorization_RequestDenied")),
            true,
            "refused",
            "User.RevokeSessions.All",
        ),
        ("an error inside", Deed::Block, Play::json(error("x")), true, "no answer", "error inside"),
        ("a proxy's page", Deed::Block, Play::status(502, "<html>"), true, "no answer", "502"),
    ] {
        let answer = done(deed, play, json!({"onPremisesSyncEnabled": synced})).await;
        let (seen, says) = match &answer {
            Answer::Took { says, .. } => ("took", says.as_str()),
            Answer::Refused { says } => ("refused", says.as_str()),
            Answer::NoAnswer { says } => ("no answer", says.as_str()),
            other => panic!("{what}: {other:?}"),
        };
        assert_eq!(seen, kind, "{what}: {says}");
        assert!(says.contains(words), "{what}: {says}");
    }
}
