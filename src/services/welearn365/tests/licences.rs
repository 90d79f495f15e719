//! `licences`: pools, what is left of them, and their states.

use serde_json::{Value, json};

use super::*;
use crate::model::health::Health;
use crate::services::welearn365::tests::board::shown;

const TROUBLE: &str = include_str!("../examples/licences_trouble.json");

fn pool(changes: &[(&str, Value)]) -> Value {
    let list: Value = serde_json::from_str(LICENCES).unwrap();
    let mut row = list["value"][0].clone();
    for (key, value) in changes {
        match key.strip_prefix("units.") {
            Some(unit) => row["prepaidUnits"][unit] = value.clone(),
            None => row[*key] = value.clone(),
        }
    }
    row
}

async fn judged(vendor: &Vendor, rows: Value, own: &str) -> Observation {
    vendor.on(SKUS, [Play::json(json!({ "value": rows }).to_string())]);
    let bench = bench();
    let settings = settings(vendor).replace("licences = {}", &format!("licences = {{ {own} }}"));
    ask_of(&bench, &bench.build(&settings), "licences").await
}

#[tokio::test]
async fn the_board_shows_which_pool_runs_out() {
    let vendor = vendor().await;
    for (example, health, why) in [
        (
            LICENCES,
            Health::Ok,
            "STANDARDWOFFPACK_STUDENT: 18,750 left of 60,000; STANDARDWOFFPACK_FACULTY: 600 left \
             of 3,000",
        ),
        (
            TROUBLE,
            Health::Critical,
            "STANDARDWOFFPACK_FACULTY: its subscription has ended and must be renewed within \
             Microsoft's grace period; 12 more in use than there are (3,012 of 3,000)",
        ),
    ] {
        vendor.on(SKUS, [Play::json(example)]);
        let bench = bench();
        let seen = ask(&bench, &vendor, "licences").await;
        let shown = shown(&bench, &settings(&vendor), &seen);
        assert_eq!((shown.health, shown.why.as_str()), (health, why));
    }
    let query = vendor.asked().last().unwrap().query.clone();
    assert_eq!(query.len(), 1);
    assert!(!query["$select"].contains("account"), "{query:?}");
}

#[tokio::test]
async fn limits_and_states() {
    let vendor = vendor().await;
    let of = |used: u32, enabled: u32, warning: u32, status: &str| {
        json!([pool(&[
            ("consumedUnits", json!(used)),
            ("units.enabled", json!(enabled)),
            ("units.warning", json!(warning)),
            ("capabilityStatus", json!(status)),
        ])])
    };
    for (rows, own, verdict) in [
        (of(949, 1_000, 0, "Enabled"), "", Verdict::Ok),
        (of(950, 1_000, 0, "enabled"), "", Verdict::Warning),
        (of(999, 1_000, 0, "ENABLED"), "", Verdict::Warning),
        (of(1_000, 1_000, 0, "Enabled"), "", Verdict::Critical),
        (of(1_001, 1_000, 0, "Enabled"), "", Verdict::Critical),
        (of(800, 1_000, 0, "Enabled"), "free_warning = 20", Verdict::Warning),
        (of(801, 1_000, 0, "Enabled"), "free_warning = 30, free_critical = 20", Verdict::Critical),
        (of(500, 0, 1_000, "Warning"), "", Verdict::Warning),
        (of(500, 800, 200, "Enabled"), "", Verdict::Ok),
        (of(500, 1_000, 0, "Suspended"), "", Verdict::Critical),
        (of(500, 1_000, 0, "LockedOut"), "", Verdict::Critical),
        (of(500, 1_000, 0, "Deleted"), "", Verdict::Critical),
        (of(500, 1_000, 0, "Paused"), "", MALFORMED),
        (of(0, 0, 0, "Enabled"), "", NEVER),
        (of(40, 45, 0, "Enabled"), "", NEVER),
        (of(45, 45, 0, "Enabled"), "smallest = 40", Verdict::Critical),
        (of(45, 45, 0, "Enabled"), "skus = [\"standardwoffpack_student\"]", Verdict::Critical),
        (of(1, 45, 0, "Enabled"), "skus = [\"5C000000-0000-4000-8000-000000000001\"]", Verdict::Ok),
        (of(1, 45, 0, "Enabled"), "skus = [\"ENTERPRISEPACK\"]", MALFORMED),
    ] {
        let seen = judged(&vendor, rows.clone(), own).await;
        assert_eq!(seen.verdict, verdict, "{own} {rows}: {}", seen.detail);
    }
    let seen = judged(&vendor, of(500, 1_000, 0, "Suspended"), "").await;
    assert!(seen.detail.as_str().contains("is suspended; 500 in use"), "{}", seen.detail);
    let seen = judged(&vendor, of(1, 45, 0, "Enabled"), "skus = [\"ENTERPRISEPACK\"]").await;
    assert!(seen.detail.as_str().contains("licences.skus"), "{}", seen.detail);
}

#[tokio::test]
async fn a_dead_pool_that_nobody_uses_and_one_of_the_company_are_left_alone() {
    let vendor = vendor().await;
    let well = pool(&[]);
    let dead = pool(&[
        ("skuId", json!("x")),
        ("skuPartNumber", json!("OLD_TRIAL")),
        ("capabilityStatus", json!("Suspended")),
        ("consumedUnits", json!(0)),
        ("units.enabled", json!(0)),
        ("units.suspended", json!(500)),
    ]);
    let company = pool(&[
        ("skuId", json!("y")),
        ("skuPartNumber", json!("TENANT_WIDE")),
        ("appliesTo", json!("Company")),
        ("consumedUnits", json!(60_000)),
    ]);
    let seen = judged(&vendor, json!([dead, well, company]), "").await;
    assert_eq!(seen.verdict, Verdict::Ok, "{}", seen.detail);
    let facts: Vec<&str> = seen.evidence.iter().map(|f| f.name.as_str()).collect();
    assert!(facts.contains(&"OLD_TRIAL"), "an administrator can see what there is: {facts:?}");
    assert_eq!(seen.numbers.len(), 1);
    let seen = judged(&vendor, json!([dead, well]), "skus = [\"OLD_TRIAL\"]").await;
    assert_eq!(seen.verdict, Verdict::Critical, "named, it counts");
}

#[tokio::test]
async fn the_same_pool_twice_is_a_contradiction() {
    let vendor = vendor().await;
    let seen = judged(&vendor, json!([pool(&[]), pool(&[])]), "").await;
    assert_eq!(seen.verdict, MALFORMED);
    let seen = judged(&vendor, json!([pool(&[]), "x"]), "").await;
    assert_eq!(seen.verdict, MALFORMED, "a row that cannot be read might be the one that counts");
}
