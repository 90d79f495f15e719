//! What the board shows for each kind of answer that Redstor's pages and clients tell of.

use super::*;
use crate::model::health::Health;
use crate::services::contract::shown;

const OTHER_RUNS: &str = r#"{"results":[]}"#;

/// The check that an account of the examples belongs to.
fn check_of(account: &str) -> (&'static str, &'static str) {
    match account {
        "ALD-MIS" => ("sims", "9991001"),
        "CED-FILES" => ("documents", "9991003"),
        _ => ("documents", "9991001"),
    }
}

#[tokio::test]
async fn each_answer_of_redapi() {
    use Health::{Critical, Ok as Well, Unknown, Warning};
    for (runs, account, health, part) in [
        (RUNS, "ALD-FILES", Well, "last backup completed"),
        (include_str!("../examples/redapi_warnings.json"), "ALD-FILES", Warning, "with warnings"),
        (include_str!("../examples/redapi_errors.json"), "ALD-MIS", Critical, "with errors"),
        (include_str!("../examples/redapi_failed.json"), "ALD-MIS", Critical, "last backup failed"),
        (
            include_str!("../examples/redapi_old.json"),
            "ALD-FILES",
            Critical,
            "no data since Fri 21:05; limit 50h",
        ),
        (
            include_str!("../examples/redapi_unsorted.json"),
            "ALD-FILES",
            Critical,
            "last backup failed",
        ),
        (
            include_str!("../examples/redapi_no_run.json"),
            "CED-FILES",
            Critical,
            "no backup in the seven days that Redstor shows",
        ),
        (
            include_str!("../examples/redapi_new_code.json"),
            "ALD-FILES",
            Unknown,
            "unknown backup state 8 (Backup in another state)",
        ),
        (OTHER_RUNS, "ALD-FILES", Critical, "no backup in the seven days"),
    ] {
        let vendor = Vendor::start().await;
        redapi_vendor(&vendor, ACCOUNTS, runs);
        let bench = redapi_bench();
        let settings = redapi(&vendor);
        let seen = bench.poll(&*bench.build(&settings), "accounts").await;
        let (check, school) = check_of(account);
        let seen = the(&seen, check, Some(school));
        let shown = shown(&bench, &settings, &[seen]);
        assert_eq!(shown.health, health, "{account}: {shown:?}");
        assert!(shown.why.contains(part), "{account}: {shown:?}");
        assert_eq!(shown.reason, (health == Unknown).then_some(Reason::Malformed), "{shown:?}");
    }
}

#[tokio::test]
async fn since_when_it_fails_is_told_and_how_long_it_can_be_restored() {
    let vendor = Vendor::start().await;
    redapi_vendor(&vendor, ACCOUNTS, include_str!("../examples/redapi_failed.json"));
    let bench = redapi_bench();
    let settings = redapi(&vendor);
    let seen = bench.poll(&*bench.build(&settings), "accounts").await;
    let seen = the(&seen, "sims", Some("9991001"));
    assert_eq!(seen.since.unwrap().to_string(), "2027-02-07T21:00:02Z");
    let shown = shown(&bench, &settings, &[seen]);
    assert!(shown.why.contains("last good run Sat 21:06; 57d until nothing is left"), "{shown:?}");
}

#[tokio::test]
async fn each_refusal_and_each_delay() {
    for (path, play, reason, part) in [
        (
            "/connect/token",
            Play::status(400, include_str!("../examples/redapi_token_invalid.json")),
            Reason::Unauthorised,
            "refused the sign-in of the service account console",
        ),
        (
            "/storage/accounts",
            Play::status(401, include_str!("../examples/redapi_401.json")),
            Reason::Unauthorised,
            "refused a token that it had just given us",
        ),
        (
            "/backups/status/accounts",
            Play::Answer(
                429,
                vec![("retry-after", "120".into())],
                include_str!("../examples/redapi_throttled_429.json").into(),
            ),
            Reason::Throttled,
            "asks us to wait",
        ),
    ] {
        let vendor = Vendor::start().await;
        redapi_vendor(&vendor, ACCOUNTS, RUNS);
        vendor.on(path, [play]);
        let bench = redapi_bench();
        let seen = bench.poll(&*bench.build(&redapi(&vendor)), "accounts").await;
        for o in &seen {
            assert_eq!(o.verdict, Verdict::Unknown(reason), "{path}: {o:?}");
            let waits = reason == Reason::Throttled;
            assert!(o.detail.as_str().contains(part) || waits, "{path}: {}", o.detail);
        }
    }
    let vendor = Vendor::start().await;
    vendor
        .on(LIST, [Play::Answer(401, vec![], include_str!("../examples/platform_401.txt").into())]);
    let bench = bench();
    let seen = bench.poll(&*bench.build(&platform(&vendor)), "accounts").await;
    assert!(seen.iter().all(|o| o.verdict == Verdict::Unknown(Reason::Unauthorised)));
    assert!(seen[0].detail.as_str().contains("the user collector"), "{}", seen[0].detail);
}

#[tokio::test]
async fn each_answer_of_the_storage_platform() {
    use Health::{Critical, Ok as Well, Unknown, Warning};
    for (body, check, school, health, reason, part) in [
        (PLATFORM, "documents", "9991001", Well, None, "last backup completed"),
        (PLATFORM, "documents", "9991002", Warning, None, "with errors"),
        (PLATFORM, "sims", "9991002", Critical, None, "with errors"),
        (PLATFORM, "documents", "9991003", Critical, None, "has never run a backup"),
        (PLATFORM, "sims", "9991003", Unknown, Some(Reason::Paused), "not active"),
        (
            include_str!("../examples/platform_bare.json"),
            "documents",
            "9991001",
            Well,
            None,
            "last backup completed",
        ),
        (
            include_str!("../examples/platform_group_disabled.json"),
            "sims",
            "9991001",
            Unknown,
            Some(Reason::Paused),
            "its group is disabled",
        ),
    ] {
        let vendor = Vendor::start().await;
        vendor.on(LIST, [Play::json(body)]);
        let bench = bench();
        let settings = platform(&vendor);
        let seen = bench.poll(&*bench.build(&settings), "accounts").await;
        let shown = shown(&bench, &settings, &[the(&seen, check, Some(school))]);
        assert_eq!((shown.health, shown.reason), (health, reason), "{check} {school}: {shown:?}");
        assert!(shown.why.contains(part), "{check} {school}: {shown:?}");
    }
}
