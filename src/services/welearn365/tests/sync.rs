//! `directory_sync`: fresh, late, stale, off, never.

use serde_json::json;

use super::*;
use crate::model::health::Health;
use crate::model::observation::Zone;
use crate::services::welearn365::tests::board::shown;

const LATE: &str = include_str!("../examples/organization_late.json");
const STALE: &str = include_str!("../examples/organization_stale.json");
const OFF: &str = include_str!("../examples/organization_off.json");
const NEVER_SYNCED: &str = include_str!("../examples/organization_never.json");

#[tokio::test]
async fn the_board_shows_how_fresh_the_sync_is() {
    let vendor = vendor().await;
    for (example, health, parts) in [
        (ORGANIZATION, Health::Ok, ["directory sync is on", ""]),
        (LATE, Health::Ok, ["late", "Tue 09:40"]),
        (STALE, Health::Critical, ["Sun 22:11", "limit 1d"]),
        (OFF, Health::Critical, ["switched off", "do not reach WeLearn365"]),
        (NEVER_SYNCED, Health::Unknown, ["never synced", "tenant_id"]),
    ] {
        vendor.on(SYNC, [Play::json(example)]);
        let bench = bench();
        let seen = ask(&bench, &vendor, "directory_sync").await;
        let shown = shown(&bench, &settings(&vendor), &seen);
        assert_eq!(shown.health, health, "{example}: {shown:?}");
        for part in parts {
            assert!(shown.why.contains(part), "{example}: {shown:?}");
        }
    }
    assert_eq!(
        vendor.asked().last().unwrap().query["$select"],
        "id,onPremisesSyncEnabled,onPremisesLastSyncDateTime"
    );
}

#[tokio::test]
async fn the_directory_sync_has_many_ways_not_to_be_fresh() {
    let vendor = vendor().await;
    let seen = ask(&bench(), &vendor, "directory_sync").await;
    assert_eq!(seen.verdict, Verdict::Ok);
    let source = seen.source_at.unwrap();
    assert_eq!(
        (source.at.to_string().as_str(), source.zone),
        ("2027-02-09T11:02:41.7654321Z", Zone::Given)
    );
    for (enabled, last, verdict) in [
        (json!(false), json!("2027-02-09T11:02:41Z"), Verdict::Critical),
        (json!(false), json!(null), Verdict::Critical),
        (json!(null), json!(null), NEVER),
        (json!(null), json!("2027-02-09T11:02:41Z"), NEVER),
        (json!(true), json!(null), NEVER),
        (json!(true), json!("2027-02-09T11:02:41"), MALFORMED),
    ] {
        let row = json!({"onPremisesSyncEnabled": enabled, "onPremisesLastSyncDateTime": last});
        vendor.on(SYNC, [Play::json(json!({"value": [row]}).to_string())]);
        let seen = ask(&bench(), &vendor, "directory_sync").await;
        assert_eq!(seen.verdict, verdict, "{enabled} {last}");
        assert_eq!(seen.source_at, None);
    }
}

/// A clock fault is not freshness: two minutes ahead pass, more does not.
#[tokio::test]
async fn a_sync_of_the_future_is_not_fresh() {
    let vendor = vendor().await;
    for (last, health) in [
        ("2027-02-09T11:21:59Z", Health::Ok),
        ("2027-02-09T11:22:01Z", Health::Unknown),
        ("2031-01-01T00:00:00Z", Health::Unknown),
    ] {
        let row = json!({"onPremisesSyncEnabled": true, "onPremisesLastSyncDateTime": last});
        vendor.on(SYNC, [Play::json(json!({"value": [row]}).to_string())]);
        let bench = bench();
        let seen = ask(&bench, &vendor, "directory_sync").await;
        assert_eq!(shown(&bench, &settings(&vendor), &seen).health, health, "{last}");
    }
}

#[tokio::test]
async fn there_is_exactly_one_organisation() {
    let vendor = vendor().await;
    let row = json!({"onPremisesSyncEnabled": true,
                     "onPremisesLastSyncDateTime": "2027-02-09T11:02:41Z"});
    for (rows, verdict) in [
        (json!([row]), Verdict::Ok),
        (json!([]), MALFORMED),
        (json!([row, row]), MALFORMED),
        (json!(["x"]), MALFORMED),
        (json!(null), MALFORMED),
    ] {
        vendor.on(SYNC, [Play::json(json!({ "value": rows }).to_string())]);
        assert_eq!(ask(&bench(), &vendor, "directory_sync").await.verdict, verdict, "{rows}");
    }
}
