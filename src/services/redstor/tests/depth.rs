//! What goes beyond the last run: sizes, limits, agents, companies, errors, restores, headers, and
//! how many calls all of it costs.

use super::*;
use crate::model::health::Health;
use crate::services::contract::{Shown, shown};

const ERRORS: &str = "/backups/status/accounts/errors";
const COMPANY: &str = "/companies/c-1";
const CUSTOMERS: &str = "/companies/c-1/customers";

fn fact<'a>(seen: &'a Observation, name: &str) -> Option<&'a str> {
    seen.evidence.iter().find(|f| f.name.as_str() == name).map(|f| f.value.as_str())
}

/// A vendor with everything, as in the examples.
async fn whole_redapi() -> Vendor {
    let vendor = Vendor::start().await;
    redapi_vendor(&vendor, ACCOUNTS, RUNS);
    vendor.on(COMPANY, [Play::json(include_str!("../examples/redapi_company.json"))]);
    let first = include_str!("../examples/redapi_customers_1.json");
    let last = include_str!("../examples/redapi_customers_2.json");
    vendor.choose(move |asked| {
        let page = asked.query.get("pageToken").map(String::as_str);
        (asked.path == CUSTOMERS)
            .then(|| Play::json(if page == Some("cDI=") { last } else { first }))
    });
    vendor.on(ERRORS, [Play::json(include_str!("../examples/redapi_error_list.json"))]);
    vendor.on(
        "/restores/status/accounts",
        [Play::json(include_str!("../examples/redapi_restores.json"))],
    );
    vendor.on("/backups/status", [Play::json(include_str!("../examples/redapi_products.json"))]);
    vendor
}

#[tokio::test]
async fn the_token_is_shown_in_the_header_that_is_configured() {
    for (setting, name, value) in [
        ("", "authorization", "Bearer opaque-made-up"),
        ("token_header = \"authorization\"", "authorization", "Bearer opaque-made-up"),
        ("token_header = \"authentication\"", "authentication", "Bearer opaque-made-up"),
        ("token_header = \"x_api_key\"", "x-api-key", "opaque-made-up"),
    ] {
        let vendor = whole_redapi().await;
        let bench = redapi_bench();
        let watch = bench.build(&format!("{}\n{setting}", redapi(&vendor)));
        bench.poll(&*watch, "accounts").await;
        let asked = vendor.asked();
        let call = asked.iter().find(|a| a.path == "/storage/accounts").unwrap();
        let carried: Vec<&str> = ["authorization", "authentication", "x-api-key"]
            .into_iter()
            .filter(|h| call.headers.contains_key(*h))
            .collect();
        assert_eq!(carried, [name], "{setting}");
        assert_eq!(call.headers[name], value);
    }
}

#[tokio::test]
async fn what_went_wrong_is_asked_once_for_each_last_run() {
    let vendor = whole_redapi().await;
    let bench = redapi_bench();
    let watch = bench.build(&redapi(&vendor));
    let sims = async || the(&bench.poll(&*watch, "accounts").await, "sims", Some("9991001"));
    let seen = sims().await;
    let words = "last backup failed (7 x Error of FileAccess, 2 x Warning of Vss)";
    assert!(seen.detail.as_str().contains(words), "{}", seen.detail);
    assert!(!format!("{seen:?}").contains("Never-Read"), "its texts may name files and people");
    let asked: Vec<String> = vendor
        .asked()
        .into_iter()
        .filter(|a| a.path == ERRORS)
        .map(|a| a.query["accountId"].clone())
        .collect();
    assert_eq!(asked.len(), 2, "the failed one and the one without a run: {asked:?}");
    bench.clock.advance(3_600);
    assert!(sims().await.detail.as_str().contains(words));
    assert_eq!(vendor.count(ERRORS), 2, "nothing has changed");
    // Another run is another question.
    let runs = RUNS.replace("2027-02-08T21:00:00Z", "2027-02-09T10:00:00Z");
    vendor.on("/backups/status/accounts", [Play::json(runs)]);
    sims().await;
    assert_eq!(vendor.count(ERRORS), 3);
    // Nothing of it decides: without an answer the run is still failed.
    vendor.on(ERRORS, [Play::status(500, "")]);
    bench.clock.advance(90_000);
    let seen = sims().await;
    assert_eq!(seen.verdict, Verdict::Critical);
    assert!(!seen.detail.as_str().contains("FileAccess"), "{}", seen.detail);
}

#[tokio::test]
async fn never_ran_and_not_for_a_week_are_told_apart() {
    let never = include_str!("../examples/redapi_never_ran_422.json");
    for (play, words, since) in [
        (Play::status(422, never), "has never run a backup", "2027-01-20T09:00:00Z"),
        (
            Play::json(r#"{"results":[]}"#),
            "no backup in the seven days that Redstor shows, though it has run before",
            "2027-02-02T11:20:00Z",
        ),
        (
            Play::status(404, ""),
            "no backup in the seven days that Redstor shows",
            "2027-01-20T09:00:00Z",
        ),
    ] {
        let vendor = whole_redapi().await;
        vendor.on(ERRORS, [play]);
        let bench = redapi_bench();
        let settings = redapi(&vendor);
        let seen = bench.poll(&*bench.build(&settings), "accounts").await;
        let seen = the(&seen, "documents", Some("9991003"));
        assert_eq!(seen.verdict, NEVER);
        assert!(seen.detail.as_str().ends_with(words), "{}", seen.detail);
        assert_eq!(seen.since.unwrap().to_string(), since);
        let shown = shown(&bench, &settings, &[seen]);
        assert_eq!(shown.health, Health::Critical, "seven days are enough: {shown:?}");
    }
}

#[tokio::test]
async fn a_sweep_asks_about_a_few_troubled_accounts_only() {
    let vendor = whole_redapi().await;
    let mut bench = Bench::new(&ROW, NOW).secret("redstor", JWK);
    let mut accounts = Vec::new();
    for n in 0..50 {
        let name = format!("NEW-{n}");
        bench = bench.school(&format!("{}", 9_992_000 + n), &[("documents", name.as_str())]);
        accounts.push(json!({"accountId": format!("id-{n}"), "accountName": name,
                             "createOn": "2027-02-08T10:00:00Z"}));
    }
    let accounts = json!({"results": accounts}).to_string();
    redapi_vendor(&vendor, &accounts, r#"{"results":[]}"#);
    vendor.on(ERRORS, [Play::status(422, "{}")]);
    let watch = bench.build(&redapi(&vendor));
    for (sweep, asked) in [(1, 20), (2, 40), (3, 50), (4, 50)] {
        bench.poll(&*watch, "accounts").await;
        assert_eq!(vendor.count(ERRORS), asked, "sweep {sweep}");
        bench.clock.advance(60);
    }
    bench.clock.advance(86_400);
    vendor.on(ERRORS, [Play::throttled()]);
    bench.poll(&*watch, "accounts").await;
    assert!(vendor.count(ERRORS) < 55, "whoever asks us to wait is not asked for the next");
}

#[tokio::test]
async fn a_company_that_is_switched_off_pauses_its_accounts() {
    let off = RUNS.replace(
        "\"accountName\": \"ALD-MIS\"",
        "\"companyId\": \"C0FFEE00-2222-4000-8000-0000000000C3\", \"accountName\": \"ALD-MIS\"",
    );
    let vendor = whole_redapi().await;
    vendor.on("/backups/status/accounts", [Play::json(off)]);
    let bench = redapi_bench();
    let watch = bench.build(&redapi(&vendor));
    let seen = bench.poll(&*watch, "accounts").await;
    let sims = the(&seen, "sims", Some("9991001"));
    assert_eq!(sims.verdict, Verdict::Unknown(Reason::Paused));
    assert!(sims.detail.as_str().contains("its company is disabled"), "{}", sims.detail);
    assert_eq!(verdict_of(&seen, "documents", Some("9991001")), Verdict::Ok);
    assert_eq!((vendor.count(COMPANY), vendor.count(CUSTOMERS)), (1, 2), "two pages");
    bench.clock.advance(3_600);
    bench.poll(&*watch, "accounts").await;
    assert_eq!(vendor.count(COMPANY), 1, "seldom asked");
    bench.clock.advance(6 * 3_600);
    let own = include_str!("../examples/redapi_company.json").replace("true", "false");
    vendor.on(COMPANY, [Play::json(own)]);
    let seen = bench.poll(&*watch, "accounts").await;
    assert!(seen.iter().all(|o| o.verdict == Verdict::Unknown(Reason::Paused)), "{seen:?}");

    // A later answer that we do not get leaves what was known.
    for play in [Play::status(403, ""), Play::status(500, "")] {
        vendor.on(COMPANY, [play]);
        bench.clock.advance(7 * 3_600);
        let seen = bench.poll(&*watch, "accounts").await;
        assert!(seen.iter().all(|o| o.verdict == Verdict::Unknown(Reason::Paused)), "{seen:?}");
    }
}

/// What the checks of the first school show with these answers of the companies.
async fn with_companies(own: Play, pages: Vec<Play>) -> (Verdict, Verdict) {
    let runs = RUNS.replace(
        "\"accountName\": \"ALD-",
        "\"companyId\": \"C0FFEE00-2222-4000-8000-0000000000C1\", \"accountName\": \"ALD-",
    );
    let vendor = whole_redapi().await;
    vendor.on("/backups/status/accounts", [Play::json(runs)]);
    vendor.on(COMPANY, [own]);
    vendor.choose(move |asked| {
        let page = asked.query.get("pageToken").map_or(0, |p| p.parse::<usize>().unwrap_or(1));
        (asked.path == CUSTOMERS).then(|| pages[page.min(pages.len() - 1)].clone())
    });
    let bench = redapi_bench();
    let seen = bench.poll(&*bench.build(&redapi(&vendor)), "accounts").await;
    let is = |check| verdict_of(&seen, check, Some("9991001"));
    (is("documents"), is("sims"))
}

#[tokio::test]
async fn what_cannot_be_read_of_companies_makes_nothing_milder() {
    let own = || Play::json(include_str!("../examples/redapi_company.json"));
    let row = |enabled: Value| json!({"companyId": "c0ffee00-2222-4000-8000-0000000000c1", "isEnabled": enabled});
    let list = |rows: Value| Play::json(json!({"results": rows}).to_string());
    let well = (Verdict::Ok, Verdict::Critical);
    let doubt = (MALFORMED, Verdict::Critical);
    let other = || json!({"companyId": "c9", "isEnabled": true});
    let first = |total: Value| {
        let body = json!({"results": [other()], "nextPageToken": "1", "totalCount": total});
        Play::json(body.to_string())
    };
    for (what, own, pages, means) in [
        ("all told", own(), vec![list(json!([row(json!(true))]))], well),
        ("not told of at all", own(), vec![list(json!([other()]))], well),
        ("no right", Play::status(403, ""), vec![list(json!([]))], well),
        ("not found", Play::status(404, ""), vec![list(json!([]))], well),
        ("empty", Play::json("{}"), vec![list(json!([]))], doubt),
        ("a web page", Play::page("<html>"), vec![list(json!([]))], doubt),
        (
            "another's",
            Play::json(r#"{"companyId":"c-2","isEnabled":false}"#),
            vec![list(json!([]))],
            doubt,
        ),
        (
            "retyped",
            Play::json(r#"{"companyId":"c-1","isEnabled":"no"}"#),
            vec![list(json!([]))],
            doubt,
        ),
        (
            "null",
            Play::json(r#"{"companyId":"c-1","isEnabled":null}"#),
            vec![list(json!([]))],
            doubt,
        ),
        ("gone", Play::json(r#"{"companyId":"c-1"}"#), vec![list(json!([]))], doubt),
        ("its own retyped", own(), vec![list(json!([row(json!("true"))]))], doubt),
        ("its own null", own(), vec![list(json!([row(Value::Null)]))], doubt),
        ("its own twice", own(), vec![list(json!([row(json!(true)), row(json!(0))]))], doubt),
        (
            "another retyped",
            own(),
            vec![list(json!([row(json!(true)), {"companyId": "c9"}]))],
            well,
        ),
        ("a row is nothing", own(), vec![list(json!([7]))], doubt),
        ("a row is nameless", own(), vec![list(json!([{"isEnabled": false}]))], doubt),
        ("nameless beside its own", own(), vec![list(json!([7, row(json!(true))]))], well),
        ("two pages", own(), vec![first(json!(2)), list(json!([row(json!(true))]))], well),
        ("on the second", own(), vec![first(json!(2)), list(json!([row(json!("x"))]))], doubt),
        ("page refused", own(), vec![first(json!(2)), Play::status(403, "")], doubt),
        ("page not found", own(), vec![first(Value::Null), Play::status(404, "")], doubt),
        ("422 of a page", own(), vec![first(Value::Null), Play::status(422, "")], doubt),
        ("fewer than told", own(), vec![first(json!(3)), list(json!([row(json!(true))]))], doubt),
        ("count retyped", own(), vec![first(json!("2")), list(json!([row(json!(true))]))], doubt),
    ] {
        assert_eq!(with_companies(own, pages).await, means, "{what}");
    }
}

#[tokio::test]
async fn restores_and_the_vendors_own_count_are_shown_and_decide_nothing() {
    let vendor = whole_redapi().await;
    let bench = redapi_bench();
    let settings = format!("{}\nbeside = [\"counts\", \"restores\"]", redapi(&vendor));
    let watch = bench.build(&settings);
    let seen = bench.poll(&*watch, "accounts").await;
    let sims = the(&seen, "sims", Some("9991001"));
    assert_eq!(
        fact(&sims, "last restore of ALD-MIS"),
        Some("state 5 (its meaning is not published), 2027-02-03T09:00:00Z")
    );
    assert_eq!(
        fact(&sims, "Redstor's own count"),
        Some("Machines: 40 completed, 3 with warnings, 2 with errors, 0 failed, 1 missed")
    );
    let files = the(&seen, "documents", Some("9991001"));
    assert_eq!(
        (files.verdict, fact(&files, "last restore of ALD-FILES")),
        (Verdict::Ok, Some("none"))
    );
    for path in ["/backups/status", "/restores/status/accounts"] {
        for play in [Play::status(500, ""), Play::json("[]"), Play::json(r#"{"results":[7,{}]}"#)] {
            vendor.on(path, [play]);
            let seen = bench.poll(&*watch, "accounts").await;
            assert_eq!(verdict_of(&seen, "documents", Some("9991001")), Verdict::Ok, "{path}");
        }
    }
    let refused =
        bench.try_build("api = \"storage_platform\"\nuser = \"x\"\nbeside = [\"counts\"]");
    assert!(refused.err().unwrap().contains("redstor.beside"));
}

#[tokio::test]
async fn each_kind_of_data_of_an_account_counts() {
    let vendor = whole_redapi().await;
    let row = |product: i64, status: i64, at: &str| {
        let text = if status == 1 { "Backup completed successfully" } else { "Backup failed" };
        json!({"accountId": "9b0e7c55-1111-4000-8000-0000000000a1", "productId": product,
               "statusHistory": [{"timestamp": at, "status": status, "message": text}]})
    };
    let (files, mail) = (row(12, 1, "2027-02-08T20:00:00Z"), row(94, 1, "2027-02-07T02:00:00Z"));
    let bench = redapi_bench();
    let watch = bench.build(&redapi(&vendor));
    let says = async |rows: Value| {
        vendor.on("/backups/status/accounts", [Play::json(json!({"results": rows}).to_string())]);
        the(&bench.poll(&*watch, "accounts").await, "documents", Some("9991001"))
    };
    let both = says(json!([mail, files])).await;
    assert_eq!(both.verdict, Verdict::Ok, "{both:?}");
    assert_eq!(both.source_at.unwrap().at.to_string(), "2027-02-07T02:00:00Z", "the older one");
    let failed = says(json!([row(94, 0, "2027-02-08T02:00:00Z"), files])).await;
    assert_eq!(failed.verdict, Verdict::Critical);
    assert!(failed.detail.as_str().contains("service 94: last backup failed"), "{}", failed.detail);
    let twice = says(json!([files, files])).await;
    assert_eq!(twice.verdict, MALFORMED, "one kind twice is a contradiction");
}

#[tokio::test]
async fn mailboxes_and_drives_are_counted_and_not_named() {
    let vendor = whole_redapi().await;
    let mut list: Value = serde_json::from_str(ACCOUNTS).unwrap();
    let rows = list["results"].as_array_mut().unwrap();
    rows.push(json!({"accountId": "m1", "accountName": "a.person@example.org", "serviceId": 94}));
    rows.push(json!({"accountId": "m2", "accountName": "Never Shown", "serviceId": 91}));
    rows.push(json!({"accountId": "m3", "accountName": "OLD-SVR", "serviceId": 12}));
    vendor.on("/storage/accounts", [Play::json(list.to_string())]);
    let bench = redapi_bench();
    let seen = bench.poll(&*bench.build(&redapi(&vendor)), "accounts").await;
    let stray = fact(&seen[0], "accounts of no school").unwrap();
    assert_eq!(stray, "1: OLD-SVR; 2 of mailboxes, drives and sites");
    let all = format!("{seen:?}");
    assert!(!all.contains("a.person") && !all.contains("Never Shown"));
}

/// The state of one day's list on the board, after the days before it.
async fn sizes(days: &[Vec<(&str, Value)>], further: &str) -> Shown {
    let vendor = Vendor::start().await;
    let bench = bench();
    let settings = format!("{}\n{further}", platform(&vendor));
    let watch = bench.build(&settings);
    let mut seen = Vec::new();
    for (day, sizes) in days.iter().enumerate() {
        let at = format!("2027-02-{:02}T21:00:00Z", 8 + day);
        let row = |name: &str| {
            let mut changes = vec![("LastBackupDate", json!(at))];
            let size = sizes.iter().find(|(n, _)| *n == name);
            changes.extend(size.map(|(_, bytes)| ("ProtectedSize", bytes.clone())));
            account(name, &changes)
        };
        vendor.on(LIST, [Play::json(json!([row("ALD-FILES"), row("ALD-MIS")]).to_string())]);
        let polled = bench.poll(&*watch, "accounts").await;
        seen.push(the(&polled, "documents", Some("9991001")));
        bench.clock.advance(86_400);
    }
    shown(&bench, &settings, &seen)
}

#[tokio::test]
async fn a_backup_that_shrank_by_more_than_half_is_a_warning() {
    let whole = ("ALD-FILES", json!(48_210_000_000_u64));
    let half = ("ALD-FILES", json!(24_105_000_000_u64));
    let less = ("ALD-FILES", json!(24_104_000_000_u64));
    let days = [vec![whole.clone()], vec![half.clone()]];
    assert_eq!(sizes(&days, "").await.health, Health::Ok, "exactly half");
    let days = [vec![whole.clone()], vec![less.clone()]];
    let shrunk = sizes(&days, "").await;
    assert_eq!(shrunk.health, Health::Warning);
    assert!(
        shrunk.why.starts_with("stored_mb of ALD-FILES fell from 48210 to 24104, 50% since"),
        "{shrunk:?}"
    );
    assert_eq!(sizes(&days, "shrink_warning = 60").await.health, Health::Ok);
    assert_eq!(sizes(&days, "shrink_warning = 0").await.health, Health::Ok);
    let days = [vec![whole.clone()], vec![("ALD-FILES", json!(0))]];
    assert_eq!(sizes(&days, "").await.health, Health::Critical, "nothing is left in it");
    let first = sizes(&days[1..], "").await;
    assert_eq!(first.health, Health::Warning, "an empty backup is none, even the first: {first:?}");
    // The other data set's account is another matter.
    let days = [
        vec![whole.clone(), ("ALD-MIS", json!(9e9))],
        vec![whole.clone(), ("ALD-MIS", json!(1e9))],
    ];
    assert_eq!(sizes(&days, "").await.health, Health::Ok);
    // A size that is not told any more is not the same size.
    let days = [vec![whole.clone()], vec![]];
    let gone = sizes(&days, "").await;
    assert_eq!((gone.health, gone.reason), (Health::Unknown, Some(Reason::Malformed)), "{gone:?}");
    for odd in [json!("48210000000"), json!(-1), json!(true)] {
        let days = [vec![("ALD-FILES", odd)]];
        assert_eq!(sizes(&days, "").await.reason, Some(Reason::Malformed));
    }
}

#[tokio::test]
async fn an_agent_that_is_silent_is_told_although_its_last_run_was_good() {
    let vendor = Vendor::start().await;
    let seen_at = |text: &str| account("ALD-FILES", &[("LastLoginTime", json!(text))]);
    let bench = bench();
    for (login, further, verdict) in [
        ("2027-02-09T11:00:00Z", "", Verdict::Ok),
        ("2027-02-07T09:21:00Z", "", Verdict::Ok),
        ("2027-02-07T09:19:00Z", "", Verdict::Warning),
        ("2027-02-07T09:19:00Z", "agent_silent = \"3d\"", Verdict::Ok),
        ("2027-02-07T09:19:00Z", "closures_hold = true", Verdict::Ok),
        ("2027-02-07T09:19:00Z", "[checks.documents]\nruns = \"school_days\"", Verdict::Ok),
        ("not a time", "", Verdict::Ok),
    ] {
        let body = json!([seen_at(login), account("ALD-MIS", &[])]).to_string();
        vendor.on(LIST, [Play::json(body)]);
        let watch = bench.build(&format!("{}\n{further}", platform(&vendor)));
        let seen = the(&bench.poll(&*watch, "accounts").await, "documents", Some("9991001"));
        assert_eq!(seen.verdict, verdict, "{login} {further}: {seen:?}");
        if verdict == Verdict::Warning {
            assert!(seen.detail.as_str().contains("its agent has been offline"), "{}", seen.detail);
            let agent = fact(&seen, "agent of ALD-FILES").unwrap();
            assert_eq!(agent, "25.1, signed in 2027-02-07T09:19:00Z");
        }
    }
}

#[tokio::test]
async fn a_full_account_says_how_full() {
    let changes =
        [("OverLimit", json!(12.5)), ("Limit", json!(2_048)), ("HardLimit", json!(4_096.0))];
    let body = json!([account("ALD-FILES", &changes), account("ALD-MIS", &[])]);
    let seen = platform_says(&body.to_string()).await;
    let files = the(&seen, "documents", Some("9991001"));
    assert_eq!(files.verdict, Verdict::Warning);
    let words = "over its storage limit of 2048 MB by 12 MB; no more is stored at 4096 MB";
    assert!(files.detail.as_str().ends_with(words), "{}", files.detail);
}

#[tokio::test]
async fn a_name_that_repeats_is_told_apart_by_its_group() {
    let vendor = Vendor::start().await;
    let twin = |group: &str, guid: &str, status: i64, text: &str| {
        account(
            "ALD-FILES",
            &[
                ("BackupGroup", json!(group)),
                ("Guid", json!(guid)),
                ("LastBackupStatus", json!(status)),
                ("LastBackupMessage", json!(text)),
            ],
        )
    };
    let list = json!([
        twin("County\\North", "g1", 0, "Failed"),
        twin("County\\South\\", "g2", 1, "Successful")
    ]);
    vendor.on(LIST, [Play::json(list.to_string())]);
    for (wanted, verdict) in [
        ("ALD-FILES", MALFORMED),
        ("County\\North\\ALD-FILES", Verdict::Critical),
        ("county\\south\\ald-files", Verdict::Ok),
        ("G2", Verdict::Ok),
        ("County\\ALD-FILES", NEVER),
    ] {
        let bench = Bench::new(&ROW, NOW)
            .secret("redstor", "p")
            .school("9991001", &[("documents", wanted)]);
        let seen = bench.poll(&*bench.build(&platform(&vendor)), "accounts").await;
        assert_eq!(verdict_of(&seen, "documents", Some("9991001")), verdict, "{wanted}");
    }
}

#[tokio::test]
async fn a_token_that_ends_between_two_pages_is_renewed_there() {
    let vendor = whole_redapi().await;
    let mut first: Value = serde_json::from_str(RUNS).unwrap();
    let rest = first["results"].as_array_mut().unwrap().split_off(1);
    first["nextPageToken"] = json!("p2");
    let (first, last) = (first.to_string(), json!({"results": rest}).to_string());
    vendor.on(CUSTOMERS, [Play::json(r#"{"results":[]}"#)]);
    let refused_once = std::sync::atomic::AtomicBool::new(false);
    vendor.choose(move |asked| {
        if asked.path != "/backups/status/accounts" {
            return None;
        }
        let once = || !refused_once.swap(true, std::sync::atomic::Ordering::SeqCst);
        Some(match asked.query.get("pageToken").map(String::as_str) {
            None => Play::json(first.clone()),
            Some("p2") if once() => Play::status(401, "{}"),
            Some(_) => Play::json(last.clone()),
        })
    });
    let bench = redapi_bench();
    let seen = bench.poll(&*bench.build(&redapi(&vendor)), "accounts").await;
    assert_eq!(verdict_of(&seen, "documents", Some("9991001")), Verdict::Ok, "{seen:?}");
    assert_eq!(vendor.count("/connect/token"), 2);
    assert_eq!(vendor.count("/backups/status/accounts"), 3, "the first page is not asked again");
}

#[tokio::test]
async fn a_refusal_says_when_our_clock_is_to_blame() {
    let dated = |date: &str| {
        Play::Answer(400, vec![("date", date.to_owned())], r#"{"error":"invalid_client"}"#.into())
    };
    for (date, part) in [
        ("Tue, 09 Feb 2027 11:12:00 GMT", Some("our clock is 480 s ahead of Redstor's")),
        ("Tue, 09 Feb 2027 11:24:00 GMT", Some("our clock is 240 s behind Redstor's")),
        ("Tue, 09 Feb 2027 11:20:30 GMT", None),
    ] {
        let vendor = Vendor::start().await;
        vendor.on("/connect/token", [dated(date)]);
        let bench = redapi_bench();
        let seen = bench.poll(&*bench.build(&redapi(&vendor)), "accounts").await;
        let told = seen[0].detail.as_str();
        assert_eq!(seen[0].verdict, Verdict::Unknown(Reason::Unauthorised));
        assert_eq!(told.contains("our clock is"), part.is_some(), "{told}");
        assert!(part.is_none_or(|p| told.contains(p)), "{told}");
    }
}
