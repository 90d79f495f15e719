//! `provisioning`: all accounts once a day, what changed in between, and no name of anybody.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::*;
use crate::model::health::Health;
use crate::services::contract::verdict_of;
use crate::services::welearn365::tests::board::shown;

const PAGE_1: &str = include_str!("../examples/accounts_page_1.json");
const PAGE_2: &str = include_str!("../examples/accounts_page_2_empty.json");
const PAGE_3: &str = include_str!("../examples/accounts_page_3.json");
const ELSEWHERE: &str = include_str!("../examples/accounts_elsewhere.json");
const NONE: &str = include_str!("../examples/accounts_none.json");
const DEFAULTS: &str = include_str!("../examples/accounts_default_properties.json");
const DELTA_1: &str = include_str!("../examples/accounts_delta_1.json");
const DELTA_2: &str = include_str!("../examples/accounts_delta_2.json");
const RESYNC: &str = include_str!("../examples/error_resync.json");
const SYNC_STATE: &str = include_str!("../examples/error_sync_state.json");

/// The list in three pages, of which the second is empty; and later two pages of changes.
async fn paged() -> Vendor {
    let vendor = vendor().await;
    let [one, two, three, latest, change, last] =
        [PAGE_1, PAGE_2, PAGE_3, LATEST, DELTA_1, DELTA_2].map(|e| at_home(&vendor, e));
    vendor.choose(move |asked| {
        let token = |name: &str| asked.query.get(name).map(String::as_str);
        let body = match (asked.path.as_str(), token("$skiptoken"), token("$deltatoken")) {
            (USERS, None, _) => &one,
            (USERS, Some("page'2"), _) => &two,
            (USERS, Some("page'3"), _) => &three,
            (DELTA, None, Some("latest")) => &latest,
            (DELTA, None, Some("zero")) => &change,
            (DELTA, Some("d2"), None) => &last,
            (DELTA, None, Some("one")) => {
                return Some(Play::json(
                    json!({"value": [], "@odata.deltaLink": serde_json::from_str::<Value>(&last)
                        .unwrap()["@odata.deltaLink"]})
                    .to_string(),
                ));
            }
            _ => return None,
        };
        Some(Play::json(body.clone()))
    });
    vendor
}

#[tokio::test]
async fn the_board_shows_whose_accounts_are_held_back_and_names_nobody() {
    let vendor = paged().await;
    let bench = bench();
    let all = bench.poll(&*bench.build(&settings(&vendor)), "provisioning").await;
    let first = the(&all, "provisioning", Some("9991001"));
    let second = the(&all, "provisioning", Some("9991002"));
    for (seen, health, why) in [
        (
            &first,
            Health::Warning,
            "2 of 3 accounts cannot be synced (ProxyAddresses 2, UserPrincipalName 1): mend them \
             in Active Directory",
        ),
        (&second, Health::Ok, "no provisioning error among 2 accounts"),
    ] {
        let shown = shown(&bench, &settings(&vendor), seen);
        assert_eq!((shown.health, shown.why.as_str()), (health, why));
    }
    assert_eq!(first.since.unwrap().to_string(), "2027-02-08T21:35:02Z");
    let fact = first.evidence.iter().find(|f| f.name.as_str() == "in error under no school's OU");
    assert_eq!(fact.unwrap().value.as_str(), "1");
    assert!(!format!("{all:?}").to_lowercase().contains("canary"), "{all:?}");
    let asked = vendor.asked();
    let paths: Vec<&str> = asked.iter().map(|a| a.path.as_str()).collect();
    assert_eq!(paths, [LOGIN, DELTA, USERS, USERS, USERS], "the link to changes comes first");
    let fields = "id,onPremisesDistinguishedName,onPremisesProvisioningErrors";
    assert_eq!(asked[1].query["$select"], fields);
    assert_eq!(asked[2].query["$select"], fields);
    assert_eq!(
        (asked[2].query["$top"].as_str(), asked[2].query["$count"].as_str()),
        ("999", "true")
    );
    for page in &asked[2..] {
        assert_eq!(page.headers["consistencylevel"], "eventual", "a link does not carry it");
    }
    assert!(!asked[1].query.contains_key("$top"), "not for a delta query");
}

#[tokio::test]
async fn in_between_only_what_changed_is_asked_for() {
    let vendor = paged().await;
    let bench = bench();
    let watch = bench.build(&settings(&vendor));
    assert_eq!(ask_of(&bench, &watch, "provisioning").await.verdict, Verdict::Warning);
    let whole = vendor.count(USERS);
    bench.clock.advance(3_600);
    let seen = ask_of(&bench, &watch, "provisioning").await;
    assert_eq!(seen.verdict, Verdict::Ok, "mended, deleted, and in error for a moment: {seen:?}");
    assert_eq!(seen.observed_at, bench.clock_now());
    assert_eq!(vendor.count(USERS), whole, "no account was read again");
    assert_eq!(vendor.count(DELTA), 3, "the first link, two pages of changes");
    for hours in 2..24 {
        bench.clock.advance(3_600);
        assert_eq!(ask_of(&bench, &watch, "provisioning").await.verdict, Verdict::Ok, "{hours}");
    }
    assert_eq!((vendor.count(USERS), vendor.count(DELTA)), (whole, 25), "one request an hour");
    // A day after the whole read began, all is read again: what a delta query does not tell.
    bench.clock.advance(3_600);
    assert_eq!(ask_of(&bench, &watch, "provisioning").await.verdict, Verdict::Warning);
    assert_eq!(vendor.count(USERS), 2 * whole);
}

#[tokio::test]
async fn changes_that_can_no_longer_be_told_mean_a_whole_read() {
    let there = |url: &str| vec![("location", format!("{url}{DELTA}?$deltatoken="))];
    for (status, body) in [(410, RESYNC), (410, ""), (400, SYNC_STATE), (404, RESYNC)] {
        let vendor = paged().await;
        let bench = bench();
        let watch = bench.build(&settings(&vendor));
        ask_of(&bench, &watch, "provisioning").await;
        let [one, two, three, latest] =
            [PAGE_1, PAGE_2, PAGE_3, LATEST].map(|e| at_home(&vendor, e));
        let gone = Play::Answer(status, there(&vendor.url), body.into());
        vendor.choose(move |asked| match asked.path.as_str() {
            USERS => Some(Play::json(match asked.query.get("$skiptoken").map(String::as_str) {
                None => one.clone(),
                Some("page'2") => two.clone(),
                _ => three.clone(),
            })),
            DELTA if asked.query.get("$deltatoken").is_some_and(|t| t == "latest") => {
                Some(Play::json(latest.clone()))
            }
            DELTA => Some(gone.clone()),
            _ => None,
        });
        let before = vendor.count(USERS);
        bench.clock.advance(3_600);
        let seen = ask_of(&bench, &watch, "provisioning").await;
        assert_eq!(seen.verdict, Verdict::Warning, "{status} {body}: {}", seen.detail);
        assert_eq!(vendor.count(USERS), before + 3, "{status} {body}");
        assert_eq!(vendor.count(DELTA), 3, "the Location is not followed: {status} {body}");
    }
}

#[tokio::test]
async fn without_a_delta_query_the_whole_read_stands_until_the_next() {
    let vendor = vendor().await;
    vendor.on(DELTA, [Play::status(400, include_str!("../examples/error_unsupported_query.json"))]);
    let bench = bench();
    let watch = bench.build(&settings(&vendor));
    let seen = ask_of(&bench, &watch, "provisioning").await;
    assert_eq!(seen.verdict, Verdict::Ok);
    let read_at = seen.observed_at;
    bench.clock.advance(3_600);
    let seen = ask_of(&bench, &watch, "provisioning").await;
    assert_eq!((seen.verdict, seen.observed_at), (Verdict::Ok, read_at), "its age is not hidden");
    assert_eq!((vendor.count(USERS), vendor.count(DELTA)), (1, 1));
    bench.clock.advance(23 * 3_600);
    ask_of(&bench, &watch, "provisioning").await;
    assert_eq!(vendor.count(USERS), 2);
}

/// Whatever is wrong with the list, no school is well by it.
#[tokio::test]
async fn a_list_that_is_not_whole_says_nothing_of_any_school() {
    let part = |body: &str, old: &str, new: &str| {
        assert!(body.contains(old), "{old}");
        body.replace(old, new)
    };
    for (what, body, words) in [
        ("another origin", ELSEWHERE.to_owned(), "points to a next page elsewhere"),
        ("no property of the directory", DEFAULTS.to_owned(), "lacks onPremisesDistinguishedName"),
        ("no count", part(ACCOUNTS, "\"@odata.count\": 4", "\"x\": 4"), "did not count"),
        (
            "fewer than counted",
            part(ACCOUNTS, "\"@odata.count\": 4", "\"@odata.count\": 5"),
            "4 of 5",
        ),
        (
            "an odd count",
            part(ACCOUNTS, "\"@odata.count\": 4", "\"@odata.count\": \"4\""),
            "did not count",
        ),
        (
            "an account twice",
            part(ACCOUNTS, "\"id\": \"00000001", "\"id\": \"x\", \"id\": \"00000001"),
            "cannot be read",
        ),
    ] {
        let vendor = vendor().await;
        vendor.on(USERS, [Play::json(body)]);
        let bench = bench();
        let all = bench.poll(&*bench.build(&settings(&vendor)), "provisioning").await;
        for school in ["9991001", "9991002"] {
            let seen = the(&all, "provisioning", Some(school));
            assert_eq!(seen.verdict, MALFORMED, "{what}: {}", seen.detail);
            assert!(seen.detail.as_str().contains(words), "{what}: {}", seen.detail);
        }
        assert!(!format!("{all:?}").to_lowercase().contains("canary"));
    }
}

#[tokio::test]
async fn a_school_without_an_account_is_not_well() {
    let vendor = vendor().await;
    vendor.on(USERS, [Play::json(NONE)]);
    let seen = ask(&bench(), &vendor, "provisioning").await;
    assert_eq!(seen.verdict, NEVER);
    assert!(seen.detail.as_str().contains("check the column welearn365.ou"), "{}", seen.detail);
}

#[tokio::test]
async fn after_a_failed_read_the_next_waits_and_after_no_answer_it_goes_on() {
    let vendor = paged().await;
    let bench = bench();
    let watch = bench.build(&settings(&vendor));
    // The second page is away for a while: the first is not read again.
    let [one, two, three] = [PAGE_1, PAGE_2, PAGE_3].map(|e| at_home(&vendor, e));
    let latest = at_home(&vendor, LATEST);
    let calls = AtomicUsize::new(0);
    vendor.choose(move |asked| match asked.path.as_str() {
        DELTA => Some(Play::json(latest.clone())),
        USERS => Some(match asked.query.get("$skiptoken").map(String::as_str) {
            None => Play::json(one.clone()),
            Some("page'2") if calls.fetch_add(1, Ordering::SeqCst) < 3 => Play::status(500, ""),
            Some("page'2") => Play::json(two.clone()),
            _ => Play::json(three.clone()),
        }),
        _ => None,
    });
    let seen = ask_of(&bench, &watch, "provisioning").await;
    assert_eq!(seen.verdict, Verdict::Unknown(Reason::NoAnswer), "{}", seen.detail);
    let seen = ask_of(&bench, &watch, "provisioning").await;
    assert_eq!(seen.verdict, Verdict::Warning, "{}", seen.detail);
    let firsts = vendor.asked();
    let firsts =
        firsts.iter().filter(|a| a.path == USERS && !a.query.contains_key("$skiptoken")).count();
    assert_eq!(firsts, 1, "taken up where it was left");

    // A list that cannot be read is not asked for again at once.
    let vendor = super::vendor().await;
    vendor.on(USERS, [Play::json(DEFAULTS)]);
    let watch = bench.build(&settings(&vendor));
    for _ in 0..3 {
        assert_eq!(ask_of(&bench, &watch, "provisioning").await.verdict, MALFORMED);
    }
    assert_eq!(vendor.count(USERS), 1);
    vendor.on(USERS, [Play::json(ACCOUNTS)]);
    bench.clock.advance(1_801);
    assert_eq!(ask_of(&bench, &watch, "provisioning").await.verdict, Verdict::Ok);

    // A maintenance page before the list was begun costs nothing: the next poll asks again.
    let vendor = super::vendor().await;
    vendor.on(DELTA, [Play::json("<html><body>Back soon</body></html>")]);
    let watch = bench.build(&settings(&vendor));
    assert_eq!(ask_of(&bench, &watch, "provisioning").await.verdict, MALFORMED);
    vendor.on(DELTA, [Play::json(at_home(&vendor, LATEST))]);
    bench.clock.advance(60);
    assert_eq!(ask_of(&bench, &watch, "provisioning").await.verdict, Verdict::Ok);
}

#[tokio::test]
async fn changes_that_cannot_be_read_are_not_good_news() {
    let stranger = Vendor::start().await;
    let elsewhere = format!("{}/v1.0/users/delta?$deltatoken=x", stranger.url);
    for (what, body) in [
        ("another origin", json!({"value": [], "@odata.deltaLink": elsewhere})),
        ("no link at all", json!({"value": []})),
        ("both links", json!({"value": [], "@odata.deltaLink": "x", "@odata.nextLink": "y"})),
        ("a row that cannot be read", json!({"value": [7], "@odata.deltaLink": "x"})),
        ("an error inside", json!({"error": {"code": "x"}, "value": [], "@odata.deltaLink": "x"})),
        ("an account without an id", json!({"value": [{}], "@odata.deltaLink": "x"})),
        (
            "a strange removal",
            json!({"value": [{"id": "1", "@removed": 7}], "@odata.deltaLink": "x"}),
        ),
    ] {
        let vendor = vendor().await;
        let bench = bench();
        let watch = bench.build(&settings(&vendor));
        assert_eq!(ask_of(&bench, &watch, "provisioning").await.verdict, Verdict::Ok);
        let (broken, latest) = (body.to_string(), at_home(&vendor, LATEST));
        vendor.choose(move |asked| {
            let is_latest = asked.query.get("$deltatoken").is_some_and(|t| t == "latest");
            let body = if is_latest { &latest } else { &broken };
            (asked.path == DELTA).then(|| Play::json(body.clone()))
        });
        bench.clock.advance(3_600);
        let seen = ask_of(&bench, &watch, "provisioning").await;
        assert_eq!(seen.verdict, Verdict::Ok, "{what}: {}", seen.detail);
        // What half a round of changes left behind is not built on: all was read anew.
        assert_eq!(vendor.count(USERS), 2, "{what}");
        // Once more, and soon: that would be all accounts again and again.
        bench.clock.advance(1_799);
        let seen = ask_of(&bench, &watch, "provisioning").await;
        assert_eq!((seen.verdict, vendor.count(USERS)), (MALFORMED, 2), "{what}");
    }
    assert!(stranger.asked().is_empty());
}

#[tokio::test]
async fn what_could_not_be_read_says_when_it_is_read_again_and_an_operator_need_not_wait_for_it() {
    let vendor = vendor().await;
    vendor.on(USERS, [Play::json(DEFAULTS)]);
    let bench = bench();
    let watch = bench.build(&settings(&vendor));
    let ask = async || ask_of(&bench, &watch, "provisioning").await;
    let seen = ask().await;
    assert_eq!(seen.verdict, MALFORMED);
    let again = (bench.clock_now() + jiff::SignedDuration::from_mins(30))
        .to_zoned_datetime(crate::model::calendar::london())
        .strftime("%H:%M")
        .to_string();
    let words = format!("; all are read again from {again} on, or when asked to");
    assert!(seen.detail.as_str().ends_with(&words), "{}", seen.detail);
    vendor.on(USERS, [Play::json(ACCOUNTS)]);
    bench.clock.advance(299);
    watch.asked_again(None);
    assert_eq!((ask().await.verdict, vendor.count(USERS)), (MALFORMED, 1), "not within 5 minutes");
    bench.clock.advance(1);
    assert_eq!((ask().await.verdict, vendor.count(USERS)), (Verdict::Ok, 2));
}

#[tokio::test]
async fn limits_of_a_school_are_settings() {
    let vendor = paged().await;
    for (own, verdict) in [
        ("warning = 1", Verdict::Warning),
        ("warning = 3", Verdict::Ok),
        ("warning = 1, critical = 2", Verdict::Critical),
    ] {
        let bench = bench();
        let settings =
            settings(&vendor).replace("provisioning = {}", &format!("provisioning = {{ {own} }}"));
        let all = bench.poll(&*bench.build(&settings), "provisioning").await;
        assert_eq!(verdict_of(&all, "provisioning", Some("9991001")), verdict, "{own}");
    }
}
