//! `site`: there, gone, locked, archived, not ours to see.

use serde_json::{Value, json};

use super::*;

fn graph(code: &str) -> String {
    json!({"error": {"code": code, "message": "x", "innerError": {}}}).to_string()
}

#[tokio::test]
async fn a_site_is_there_gone_or_not_ours_to_see() {
    let vendor = vendor().await;
    assert_eq!(ask(&bench(), &vendor, "site").await.verdict, Verdict::Ok);
    assert_eq!(vendor.asked().last().unwrap().query["$select"], "id,webUrl,siteCollection");
    let throttled = Verdict::Unknown(Reason::Throttled);
    for (status, body, verdict, part) in [
        (404, graph("itemNotFound"), Verdict::Critical, "no site fenland.example.com/sites/alder"),
        (404, "<html>proxy</html>".into(), MALFORMED, "web page"),
        (404, String::new(), MALFORMED, "graph right?"),
        (403, graph("accessDenied"), UNAUTHORISED, "Sites.Selected"),
        (423, graph("resourceLocked"), Verdict::Critical, "locked"),
        (423, String::new(), MALFORMED, "423"),
        (400, graph("invalidRequest"), MALFORMED, "check the column welearn365.site"),
        (410, graph("itemNotFound"), MALFORMED, "410"),
        (429, graph("activityLimitReached"), throttled, "wait"),
        (503, graph("serviceNotAvailable"), Verdict::Unknown(Reason::NoAnswer), "503"),
    ] {
        vendor.on(SITE_OF_1, [Play::status(status, body.clone())]);
        let seen = ask(&bench(), &vendor, "site").await;
        assert_eq!(seen.verdict, verdict, "{status} {body}: {}", seen.detail);
        assert!(seen.detail.as_str().contains(part), "{status} {body}: {}", seen.detail);
    }
    vendor.on(SITE_OF_1, [Play::json(SITE.replace("Alderbrook", "Birch"))]);
    assert_eq!(ask(&bench(), &vendor, "site").await.verdict, MALFORMED, "another school's site");
}

#[tokio::test]
async fn an_archived_site_is_nobodys() {
    let vendor = vendor().await;
    for (collection, verdict) in [
        (json!(null), Verdict::Ok),
        (json!({"hostname": "fenland.example.com", "root": {}}), Verdict::Ok),
        (json!({"archivalDetails": null}), Verdict::Ok),
        (json!({"archivalDetails": {"archiveStatus": "RecentlyArchived"}}), Verdict::Critical),
        (json!({"archivalDetails": {"archiveStatus": "fullyArchived"}}), Verdict::Critical),
        (json!({"archivalDetails": {"archiveStatus": "reactivating"}}), Verdict::Warning),
        (json!({"archivalDetails": {"archiveStatus": "unknownFutureValue"}}), MALFORMED),
        (json!({"archivalDetails": {"archiveStatus": null}}), MALFORMED),
        (json!({"archivalDetails": {}}), MALFORMED),
        (json!({"archivalDetails": true}), MALFORMED),
        (json!("fullyArchived"), MALFORMED),
    ] {
        let mut body: Value = serde_json::from_str(SITE).unwrap();
        body["siteCollection"] = collection.clone();
        vendor.on(SITE_OF_1, [Play::json(body.to_string())]);
        let seen = ask(&bench(), &vendor, "site").await;
        assert_eq!(seen.verdict, verdict, "{collection}: {}", seen.detail);
    }
}
