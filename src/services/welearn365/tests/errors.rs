//! Every way in which Graph refuses, throttles or breaks, and what the board says of it.

use super::*;
use crate::model::health::Health;
use crate::services::welearn365::tests::board::shown;

const DENIED: &str = include_str!("../examples/error_denied.json");
const NOT_FOUND: &str = include_str!("../examples/error_not_found.json");
const UNSUPPORTED: &str = include_str!("../examples/error_unsupported_query.json");
const TOKEN_REFUSED: &str = include_str!("../examples/error_token.json");
const THROTTLED: &str = include_str!("../examples/error_throttled.json");
const THROTTLED_LOWER: &str = include_str!("../examples/error_throttled_lower.json");
const BUSY: &str = include_str!("../examples/error_busy.json");
const GATEWAY: &str = include_str!("../examples/error_gateway.html");

/// A refusal and what the board shows for it: (status, headers, body, reason, words).
type Row<'a> = (u16, &'a [(&'static str, &'static str)], &'a str, Reason, &'a str);

const ROWS: &[Row<'_>] = &[
    (400, &[], UNSUPPORTED, Reason::Malformed, "Request_UnsupportedQuery"),
    (401, &[], TOKEN_REFUSED, Reason::Unauthorised, "a token that it had just given us"),
    (403, &[], DENIED, Reason::Unauthorised, "lacks Organization.Read.All"),
    (404, &[], NOT_FOUND, Reason::Malformed, "services.welearn365.graph"),
    (429, &[("retry-after", "30")], THROTTLED, Reason::Throttled, "wait 30 s"),
    (
        429,
        &[("retry-after", "7"), ("x-ms-throttle-information", "ResourceUnitLimitExceeded")],
        THROTTLED,
        Reason::Throttled,
        "wait 7 s",
    ),
    (429, &[("retry-after", "1.249")], THROTTLED, Reason::Throttled, "wait 2 s"),
    (429, &[], THROTTLED_LOWER, Reason::Throttled, "wait 2 s"),
    (
        503,
        &[
            ("date", "Tue, 09 Feb 2027 11:20:00 GMT"),
            ("retry-after", "Tue, 09 Feb 2027 11:20:20 GMT"),
        ],
        BUSY,
        Reason::Throttled,
        "wait 20 s",
    ),
    (503, &[], BUSY, Reason::NoAnswer, "503"),
    (509, &[("retry-after", "9")], "", Reason::Throttled, "wait 9 s"),
    (502, &[], GATEWAY, Reason::NoAnswer, "502 with a web page"),
    (504, &[], "", Reason::NoAnswer, "504"),
    (200, &[], GATEWAY, Reason::Malformed, "web page instead of data"),
    (200, &[], "", Reason::Malformed, "empty body"),
    (200, &[], BUSY, Reason::Malformed, "error inside (serviceNotAvailable)"),
    (409, &[], NOT_FOUND, Reason::Malformed, "409"),
    (412, &[], NOT_FOUND, Reason::Malformed, "412"),
];

#[tokio::test]
async fn the_board_says_what_is_wrong_and_never_that_all_is_well() {
    for (status, headers, body, reason, words) in ROWS {
        let vendor = vendor().await;
        let headers = headers.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
        vendor.on(SYNC, [Play::Answer(*status, headers, (*body).into())]);
        let bench = bench();
        let seen = ask(&bench, &vendor, "directory_sync").await;
        assert_eq!(seen.verdict, Verdict::Unknown(*reason), "{status} {body}: {}", seen.detail);
        assert!(seen.detail.as_str().contains(words), "{status} {body}: {}", seen.detail);
        assert!(!format!("{seen:?}").contains("canary"), "a message is never told: {seen:?}");
        let shown = shown(&bench, &settings(&vendor), &seen);
        assert_eq!(shown.health, Health::Unknown, "{shown:?}");
        if *reason != Reason::Throttled {
            assert_eq!(shown.reason, Some(*reason));
            assert!(shown.why.contains(words), "{shown:?}");
        }
    }
}

#[tokio::test]
async fn the_limit_that_was_reached_is_evidence() {
    let vendor = vendor().await;
    let scope = "Tenant_Application/ReadWrite/77aa/5f0c";
    let headers = vec![
        ("retry-after", "7".to_owned()),
        ("x-ms-throttle-scope", scope.to_owned()),
        ("x-ms-throttle-information", "ResourceUnitLimitExceeded".to_owned()),
    ];
    vendor.on(SYNC, [Play::Answer(429, headers, THROTTLED.into())]);
    let seen = ask(&bench(), &vendor, "directory_sync").await;
    let facts: Vec<_> = seen.evidence.iter().map(|f| (f.name.as_str(), f.value.as_str())).collect();
    assert!(facts.contains(&("limit of", scope)), "{facts:?}");
    assert!(facts.contains(&("limit reached", "ResourceUnitLimitExceeded")), "{facts:?}");
}

/// Microsoft's answers to one API keep us from all of them: they share the origin.
#[tokio::test]
async fn while_we_are_asked_to_wait_nothing_is_sent_anywhere() {
    let vendor = vendor().await;
    let bench = bench();
    let watch = bench.build(&settings(&vendor));
    let wait = vec![("retry-after", "30".to_owned())];
    vendor.on(SKUS, [Play::Answer(429, wait, THROTTLED.into())]);
    let throttled = Verdict::Unknown(Reason::Throttled);
    assert_eq!(ask_of(&bench, &watch, "licences").await.verdict, throttled);
    let before = vendor.asked().len();
    for check in ["service_health", "directory_sync", "site", "provisioning", "licences"] {
        assert_eq!(ask_of(&bench, &watch, check).await.verdict, throttled, "{check}");
    }
    assert_eq!(vendor.asked().len(), before);
    bench.clock.advance(31);
    assert_eq!(ask_of(&bench, &watch, "directory_sync").await.verdict, Verdict::Ok);
}

#[tokio::test]
async fn a_missing_right_is_named_for_each_check() {
    for (check, path, right) in [
        ("service_health", HEALTH, "ServiceHealth.Read.All"),
        ("directory_sync", SYNC, "Organization.Read.All"),
        ("licences", SKUS, "Organization.Read.All"),
        ("site", SITE_OF_1, "Sites.Selected"),
        ("provisioning", USERS, "User.Read.All"),
    ] {
        let vendor = vendor().await;
        vendor.on(path, [Play::status(403, DENIED)]);
        let seen = ask(&bench(), &vendor, check).await;
        assert_eq!(seen.verdict, UNAUTHORISED, "{check}");
        assert!(seen.detail.as_str().contains(right), "{check}: {}", seen.detail);
        let theirs = seen.evidence.iter().find(|f| f.name.as_str() == "vendor request id");
        assert_eq!(theirs.unwrap().value.as_str(), "c0ffee00-0000-4000-8000-000000000001");
    }
}
