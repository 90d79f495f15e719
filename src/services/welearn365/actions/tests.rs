//! What Microsoft says of one account, body by body, and what a plan or a step makes of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::cloud::{Cloud, Deed, Known, Sky};
use super::on_demand::OnDemand;
use super::settings::ResyncSettings;
use crate::model::plan::{Aim, Item, Kind};
use crate::model::text::Clean;
use crate::ports::act::{Answer, Refused};
use crate::services::contract::{Bench, Play, Vendor};
use crate::services::welearn365::SERVICE;
use crate::services::welearn365::describe::Settings;
use crate::services::welearn365::tests::claims::example;

const TOKEN: &str = include_str!("../examples/token.json");
const ANCHOR: &str = "q7Rk0w==";
const ID: &str = "5b1e-77";
const USERS: &str = "/v1.0/users";
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

/// What an example makes of an account: its path, and what it is known or refused as.
const OF_ACCOUNTS: &[(&str, &str, &str)] = &[
    (USERS, "account.json", "open, synced"),
    (USERS, "account_blocked.json", "blocked, synced"),
    (USERS, "account_of_the_cloud.json", "open, of the cloud"),
    (USERS, "account_signed_out.json", "blocked, synced, signed out"),
    (USERS, "accounts_none.json", "unknown"),
    (USERS, "account_twice.json", "refused: Microsoft 365 has more than one account"),
    (USERS, "account_default_properties.json", "refused: the answer lacks accountEnabled"),
    (MEMBERS, "groups_plain.json", "open, synced"),
    (MEMBERS, "groups_role.json", "protected: it holds an administrator's role"),
    (
        MEMBERS,
        "groups_assignable.json",
        "protected: it is in a group that administrators' roles are given to",
    ),
    (MEMBERS, "groups_hidden.json", "refused: Microsoft hides a group"),
    (ROLES, "roles_none.json", "open, synced"),
    (ROLES, "roles_one.json", "protected: it holds an administrator's role"),
];

/// What an example makes of a write: deed, status, and what it is taken for.
const OF_WRITES: &[(Deed, u16, &str, &str, &str)] = &[
    (Deed::Block, 204, "blocked_204.txt", "took", "took it"),
    (Deed::Revoke, 200, "revoked.json", "took", "took it"),
    (Deed::Block, 400, "error_of_the_directory.json", "took", "next sync"),
    (Deed::Revoke, 400, "error_of_the_directory.json", "refused", "400"),
    (Deed::Revoke, 403, "error_denied.json", "refused", "User.RevokeSessions.All"),
    (Deed::Block, 502, "error_gateway.html", "no answer", "502"),
];

/// Examples that `provisioned.rs` reads.
const OF_SYNCS: [&str; 2] = ["provisioned.json", "provisioned_skipped.json"];

/// The examples of which something is claimed here.
pub(in crate::services::welearn365) fn claimed() -> impl Iterator<Item = &'static str> {
    let accounts = OF_ACCOUNTS.iter().map(|(_, name, _)| *name);
    accounts.chain(OF_WRITES.iter().map(|(_, _, name, ..)| *name)).chain(OF_SYNCS)
}

#[tokio::test]
async fn each_example_of_an_account_is_known_or_refused_as_claimed() {
    for (at, name, wanted) in OF_ACCOUNTS {
        let (vendor, cloud) = stage().await;
        vendor.on(at, [Play::json(example(name))]);
        let found = match cloud.find(ANCHOR).await {
            Ok(Sky::Known(known)) => {
                let recent = known.sessions_from > self::at("2027-02-09T11:00:00Z");
                let state = if known.enabled { "open" } else { "blocked" };
                let whose = if known.synced { "synced" } else { "of the cloud" };
                format!("{state}, {whose}{}", if recent { ", signed out" } else { "" })
            }
            Ok(other) => format!("{other:?}").to_lowercase(),
            Err(refused @ Refused::Protected(_)) => refused.to_string(),
            Err(refused) => format!("refused: {refused}"),
        };
        assert!(found.starts_with(wanted), "{name}: {found}");
        assert!(!found.to_lowercase().contains("canary"), "{name}: {found}");
        assert!(vendor.count(at) > 0, "{name}: {at} was not asked");
    }
}

#[tokio::test]
async fn each_example_of_a_write_is_taken_as_claimed() {
    for (deed, status, name, kind, words) in OF_WRITES {
        let what = format!("{deed:?} {name}");
        let play = Play::status(*status, example(name));
        let (seen, says) = told(&what, &done(*deed, play, json!({})).await);
        assert_eq!(seen, *kind, "{what}: {says}");
        assert!(says.contains(words), "{what}: {says}");
    }
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

/// What an answer was taken for, and what is said of it.
fn told(what: &str, answer: &Answer) -> (&'static str, String) {
    match answer {
        Answer::Took { says, .. } => ("took", says.to_string()),
        Answer::Refused { says } => ("refused", says.to_string()),
        Answer::NoAnswer { says } => ("no answer", says.to_string()),
        other => panic!("{what}: {other:?}"),
    }
}

fn error(code: &str, message: &str) -> String {
    json!({"error": {"code": code, "message": message}}).to_string()
}

#[tokio::test]
async fn an_accepted_write_is_told_apart_from_every_refusal() {
    let bad = error("Request_BadRequest", "m");
    let denied = error("Authorization_RequestDenied", "m");
    for (what, deed, play, kind, words) in [
        ("no content", Deed::Block, Play::status(204, ""), "took", "took it"),
        ("revoked", Deed::Revoke, Play::json(r#"{"value":true}"#), "took", "took it"),
        ("a bad request", Deed::Block, Play::status(400, bad), "refused", "400"),
        ("denied", Deed::Revoke, Play::status(403, denied), "refused", "User.RevokeSessions.All"),
        ("an error inside", Deed::Block, Play::json(error("x", "m")), "no answer", "error inside"),
        ("a proxy's page", Deed::Block, Play::status(502, "<html>"), "no answer", "502"),
    ] {
        let (seen, says) = told(what, &done(deed, play, json!({})).await);
        assert_eq!(seen, kind, "{what}: {says}");
        assert!(says.contains(words), "{what}: {says}");
    }
}

/// Nothing else is a promise that the next sync brings it.
#[tokio::test]
async fn only_microsofts_own_sentence_about_a_synced_account_means_that_the_sync_brings_it() {
    const CODE: &str = "Request_BadRequest";
    let sentence = "Unable to update the specified properties for on-premises mastered Directory Sync \
                    objects or objects currently undergoing migration.";
    let whole = error(CODE, sentence);
    let other = error(CODE, "Property accountEnabled is invalid.");
    let odd = error("Request_UnsupportedQuery", sentence);
    let page = format!("<html>{sentence}");
    for (what, deed, status, body, synced, kind) in [
        ("as documented", Deed::Block, 400, &whole, true, "took"),
        ("forbidden", Deed::Block, 403, &whole, true, "took"),
        ("another sentence", Deed::Block, 400, &other, true, "refused"),
        ("another code", Deed::Block, 400, &odd, true, "refused"),
        ("no error of Graph's", Deed::Block, 400, &page, true, "refused"),
        ("the account is of the cloud", Deed::Block, 400, &whole, false, "refused"),
        ("sessions are of no directory", Deed::Revoke, 400, &whole, true, "refused"),
    ] {
        let changes = json!({"onPremisesSyncEnabled": synced});
        let (seen, says) =
            told(what, &done(deed, Play::status(status, body.clone()), changes).await);
        assert_eq!((seen, says.contains("next sync")), (kind, kind == "took"), "{what}: {says}");
    }
}

#[tokio::test]
async fn the_right_to_sync_single_accounts_is_missed_where_they_are_to_be_synced() {
    let (vendor, cloud) = stage().await;
    let clock = Bench::new(&ROW, "2027-02-09T11:20:00Z").context().clock;
    let ids = ResyncSettings {
        service_principal_id: "s".into(),
        job_id: "j".into(),
        rule_id: "r".into(),
    };
    let on_demand = OnDemand::new(&ids, &clock).unwrap();
    let claims = json!({"aud": "g", "roles": [
        "User.Read.All", "Directory.Read.All", "User.EnableDisableAccount.All",
        "User.RevokeSessions.All", "Mail.Read",
    ]});
    let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let granted = json!({"token_type": "Bearer", "expires_in": 3600, "access_token": token});
    vendor.on("/5f0c/oauth2/v2.0/token", [Play::json(granted.to_string())]);
    let told = cloud.rights(Some(&on_demand)).await;
    assert_eq!(told.credential.as_str(), "welearn365.act");
    assert_eq!((told.missing, told.untold), (vec!["Synchronization.ReadWrite.All".into()], None));
    assert_eq!(told.beyond, ["Mail.Read"]);
    assert_eq!(cloud.rights(None).await.missing, [""; 0], "nobody syncs single accounts here");
}
