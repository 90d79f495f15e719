//! For each check the fields that its verdict reads: each of them gone, null, of another type, twice
//! or with an unseen value leaves ok. And nothing hostile is ever ok.

use serde_json::json;

use super::*;
use crate::services::contract::{Field, every_field_counts, verdict_of};

fn unseen() -> Vec<serde_json::Value> {
    vec![json!("serviceAsleep"), json!(""), json!("resolved")]
}

#[tokio::test]
async fn fields_of_health_and_sign_in() {
    let vendor = vendor().await;
    let bench = bench();
    let watch = bench.build(&(settings(&vendor) + "announcement_calls_per_hour = 100000\n"));
    let health = [
        Field::Read("/value", vec![json!([])]),
        Field::Read("/value/0", vec![json!({})]),
        Field::Read("/value/0/id", vec![json!("Teams")]),
        Field::Read("/value/0/status", unseen()),
        Field::Read("/value/2/status", unseen()),
        Field::Read("/value/4/status", unseen()),
        Field::Read("/value/5/status", unseen()),
        Field::Read("/value/5/id", vec![json!("Exchange2")]),
        Field::Read("/value/6/status", unseen()),
        Field::Read("/value/0/issues", vec![json!("none"), json!({}), json!([7])]),
        Field::Flag("/error", vec![json!({"code": "x"})]),
        Field::Flag("/@odata.nextLink", vec![json!("https://elsewhere.example/x"), json!(7)]),
        Field::Flag("/@odata.deltaLink", vec![json!(7)]),
    ];
    every_field_counts(WELL, &health, async |body: &str| {
        vendor.on(HEALTH, [Play::json(body)]);
        verdict_of(&bench.poll(&*watch, "health").await, "service_health", None)
    })
    .await;
    let sign_in = [
        Field::Read("/value/1", vec![json!({})]),
        Field::Read("/value/1/id", vec![json!("Entra")]),
        Field::Read("/value/1/status", unseen()),
    ];
    every_field_counts(WELL, &sign_in, async |body: &str| {
        vendor.on(HEALTH, [Play::json(body)]);
        verdict_of(&bench.poll(&*watch, "health").await, "sign_in", None)
    })
    .await;
}

#[tokio::test]
async fn fields_of_the_sync_the_licences_and_the_site() {
    let vendor = vendor().await;
    let bench = bench();
    // Named, so that a pool which is not listed is missed.
    let named =
        "licences = { skus = [\"STANDARDWOFFPACK_STUDENT\", \"STANDARDWOFFPACK_FACULTY\"] }";
    let watch = bench.build(&settings(&vendor).replace("licences = {}", named));
    let sync = [
        Field::Read("/value", vec![json!([])]),
        Field::Read("/value/0", vec![json!({})]),
        Field::Read("/value/0/onPremisesSyncEnabled", vec![json!(false), json!("true")]),
        Field::Read("/value/0/onPremisesLastSyncDateTime", vec![json!("just now"), json!("")]),
        Field::Flag("/error", vec![json!({"code": "x"})]),
    ];
    every_field_counts(ORGANIZATION, &sync, async |body: &str| {
        vendor.on(SYNC, [Play::json(body)]);
        ask_of(&bench, &watch, "directory_sync").await.verdict
    })
    .await;
    let licences = [
        Field::Read("/value", vec![json!([])]),
        Field::Read("/value/0", vec![json!({})]),
        Field::Read("/value/0/capabilityStatus", vec![json!("Paused"), json!("")]),
        Field::Read("/value/0/consumedUnits", vec![json!(60_000), json!(1.5), json!("41250")]),
        Field::Read("/value/0/appliesTo", vec![json!("Group")]),
        Field::Read("/value/0/prepaidUnits", vec![json!({})]),
        Field::Read("/value/0/prepaidUnits/enabled", vec![json!(0), json!("60000")]),
        Field::Read("/value/0/prepaidUnits/warning", vec![json!("0")]),
        Field::Read("/value/0/prepaidUnits/suspended", vec![json!("0")]),
        Field::Read("/value/2/skuId", vec![json!("5c000000-0000-4000-8000-000000000001")]),
        Field::Read("/value/2/skuPartNumber", vec![]),
        Field::Flag("/value/0/prepaidUnits/lockedOut", vec![json!("0"), json!(-1)]),
        Field::Flag("/error", vec![json!({"code": "x"})]),
    ];
    every_field_counts(LICENCES, &licences, async |body: &str| {
        vendor.on(SKUS, [Play::json(body)]);
        ask_of(&bench, &watch, "licences").await.verdict
    })
    .await;
    let site = [
        Field::Read("/id", vec![json!("elsewhere.example.com,a,b")]),
        Field::Read("/webUrl", vec![json!("https://fenland.example.com/sites/birch")]),
        Field::Flag("/siteCollection", vec![json!("archived"), json!({"archivalDetails": 7})]),
        Field::Flag("/error", vec![json!({"code": "x"})]),
    ];
    every_field_counts(SITE, &site, async |body: &str| {
        vendor.on(SITE_OF_1, [Play::json(body)]);
        ask_of(&bench, &watch, "site").await.verdict
    })
    .await;
}

#[tokio::test]
async fn fields_of_the_accounts_and_of_their_changes() {
    let vendor = vendor().await;
    let bench = bench();
    let accounts = [
        Field::Read("/value", vec![json!([])]),
        Field::Read("/value/0/id", vec![]),
        Field::Read("/value/0/onPremisesProvisioningErrors", vec![json!([{}]), json!(["x"])]),
        Field::Read("/@odata.count", vec![json!(5), json!("4")]),
        Field::Flag("/error", vec![json!({"code": "x"})]),
        Field::Flag("/@odata.nextLink", vec![json!("https://elsewhere.example/x"), json!(7)]),
    ];
    every_field_counts(ACCOUNTS, &accounts, async |body: &str| {
        vendor.on(USERS, [Play::json(body)]);
        ask(&bench, &vendor, "provisioning").await.verdict
    })
    .await;
    // A place that cannot be read leaves the school with fewer accounts, never with a wrong number
    // of errors; without any it is not well.
    for damage in [json!(null), json!("x"), json!("CN=a,OU=Elm,DC=fen")] {
        let mut body: serde_json::Value = serde_json::from_str(ACCOUNTS).unwrap();
        for row in [0, 3] {
            body["value"][row]["onPremisesDistinguishedName"] = damage.clone();
        }
        vendor.on(USERS, [Play::json(body.to_string())]);
        assert_eq!(ask(&bench, &vendor, "provisioning").await.verdict, NEVER, "{damage}");
    }
    let token = [
        Field::Read("/access_token", vec![json!("")]),
        Field::Read("/token_type", vec![json!("mac")]),
        Field::Read("/expires_in", vec![json!(0), json!(-1), json!("3599")]),
        Field::Flag("/error", vec![json!("invalid_client")]),
    ];
    well(&vendor);
    every_field_counts(TOKEN, &token, async |body: &str| {
        vendor.on(LOGIN, [Play::json(body)]);
        ask(&bench, &vendor, "site").await.verdict
    })
    .await;
}

#[tokio::test]
async fn nothing_hostile_is_ever_ok() {
    for (job, path, healthy) in [
        ("health", HEALTH, WELL),
        ("directory_sync", SYNC, ORGANIZATION),
        ("licences", SKUS, LICENCES),
        ("site/9991001", SITE_OF_1, SITE),
        ("provisioning", USERS, ACCOUNTS),
        ("health", LOGIN, TOKEN),
    ] {
        let vendor = Vendor::start().await;
        for (what, play) in Play::hostile(healthy) {
            well(&vendor);
            vendor.on(path, [play]);
            let bench = bench();
            let watch = bench.build(&settings(&vendor));
            let all = bench.poll(&*watch, job).await;
            let targets = if matches!(job, "health" | "provisioning") { 2 } else { 1 };
            assert_eq!(all.len(), targets, "{path} {what}");
            let reason = match what {
                "slow" | "half an answer" | "500" => Some(Reason::NoAnswer),
                "401" | "403" => Some(Reason::Unauthorised),
                "429" => Some(Reason::Throttled),
                _ => None,
            };
            for seen in all {
                let Verdict::Unknown(is) = seen.verdict else { panic!("{path} {what}: {seen:?}") };
                assert!(reason.is_none_or(|r| r == is), "{path} {what}: {seen:?}");
            }
        }
    }
}
