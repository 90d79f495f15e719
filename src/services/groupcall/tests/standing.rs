//! How an authorisation stands: given, paused, revoked, never given, without a part; and what is
//! told beside it.

use super::*;

const AUTHORISATION: &str = "authorisation/9991001";
const TOKEN_DETAILS: &str = "/v1/TokenDetails";
const COUNTS_OF_1: &str = "/v1/School/9991001/Counts";
const NO_ANSWER: Verdict = Verdict::Unknown(Reason::NoAnswer);
const PAUSE: Verdict = Verdict::Unknown(Reason::Paused);

fn fact<'a>(seen: &'a Observation, name: &str) -> Option<&'a str> {
    seen.evidence.iter().find(|f| f.name.as_str() == name).map(|f| f.value.as_str())
}

fn failing(status: u16, why: &str) -> Play {
    Play::status(status, json!({"ExceptionMessage": why, "Message": null}).to_string())
}

#[tokio::test]
async fn each_way_of_having_no_authorisation_has_its_own_word() {
    for (play, verdict, standing, part) in [
        (Play::json(REFUSED), UNAUTHORISED, "refused", "store its new secret as `xod.9991001`"),
        (failing(403, "Relying Party not found"), UNAUTHORISED, "refused", "store its new secret"),
        (failing(200, "The secret was revoked"), UNAUTHORISED, "refused", "revoked"),
        (Play::json(PAUSED), PAUSE, "paused by the school", "Groupcall's portal"),
        (
            failing(200, "Authorisation is pending the school's approval"),
            PAUSE,
            "waits for the school's approval",
            "approve us",
        ),
    ] {
        let vendor = Vendor::start().await;
        well(&vendor);
        vendor.on(LOGIN, [play]);
        let seen = ask(&bench(), &vendor, "authorisation").await;
        assert_eq!(seen.verdict, verdict, "{seen:?}");
        assert_eq!(fact(&seen, "authorisation"), Some(standing), "{seen:?}");
        assert!(seen.detail.as_str().contains(part), "{}", seen.detail);
    }
    let vendor = Vendor::start().await;
    well(&vendor);
    let bench = bench();
    let watch = bench.build(&settings(&vendor));
    let seen = bench.poll(&*watch, "authorisation/9991003").await;
    let seen = the(&seen, "authorisation", Some("9991003"));
    assert_eq!(seen.verdict, UNAUTHORISED);
    assert_eq!(fact(&seen, "authorisation"), Some("never given"));
    assert!(seen.detail.as_str().contains("never authorised us"), "{}", seen.detail);
    assert_eq!(vendor.asked().len(), 0, "no secret, no call");
}

#[tokio::test]
async fn an_old_token_does_not_hide_that_the_school_paused_or_revoked() {
    for (play, verdict, standing) in [
        (Play::json(PAUSED), PAUSE, "paused by the school"),
        (Play::json(REFUSED), UNAUTHORISED, "revoked"),
    ] {
        let vendor = Vendor::start().await;
        well(&vendor);
        let bench = bench();
        let watch = bench.build(&settings(&vendor));
        let authorised = async || {
            the(&bench.poll(&*watch, AUTHORISATION).await, "authorisation", Some("9991001"))
        };
        assert_eq!(authorised().await.verdict, Verdict::Ok);
        vendor.on(LOGIN, [play]);
        bench.clock.advance(18 * 3_600 + 1);
        let seen = authorised().await;
        assert_eq!(seen.verdict, verdict, "{seen:?}");
        assert_eq!(fact(&seen, "authorisation"), Some(standing));
        let data = bench.poll(&*watch, "xporter_data/9991001").await;
        let data = verdict_of(&data, "xporter_data", Some("9991001"));
        assert_eq!(data, Verdict::Ok, "its data is still there, and judged by its own age");
        // Asked again after a while, not by every check, and over as soon as a token is given.
        let before = vendor.count(LOGIN);
        for _ in 0..4 {
            bench.clock.advance(60);
            assert_eq!(authorised().await.verdict, verdict);
        }
        assert_eq!(vendor.count(LOGIN), before);
        bench.clock.advance(61);
        vendor.on(LOGIN, [Play::json(TOKEN)]);
        assert_eq!(authorised().await.verdict, Verdict::Ok);
        assert_eq!(vendor.count(LOGIN), before + 1);
    }
}

#[tokio::test]
async fn a_new_secret_is_tried_at_once_and_an_old_one_is_not_hammered() {
    let vendor = Vendor::start().await;
    well(&vendor);
    vendor.on(LOGIN, [Play::json(REFUSED)]);
    let bench = bench();
    let watch = bench.build(&settings(&vendor));
    for _ in 0..8 {
        let seen = bench.poll(&*watch, AUTHORISATION).await;
        assert_eq!(verdict_of(&seen, "authorisation", Some("9991001")), UNAUTHORISED);
        bench.clock.advance(32);
    }
    assert_eq!(vendor.count(LOGIN), 1);
    bench.secrets.0.lock().unwrap().insert("xod.9991001".into(), "secret-new".into());
    let seen = bench.poll(&*watch, AUTHORISATION).await;
    assert_eq!(verdict_of(&seen, "authorisation", Some("9991001")), UNAUTHORISED);
    assert_eq!(vendor.count(LOGIN), 2, "no old secret, and refused as well");
    bench.secrets.0.lock().unwrap().insert("xod.9991001".into(), "secret-newer".into());
    vendor.on(LOGIN, [Play::json(TOKEN)]);
    let seen = bench.poll(&*watch, AUTHORISATION).await;
    assert_eq!(verdict_of(&seen, "authorisation", Some("9991001")), Verdict::Ok, "in that second");
    let asked = vendor.asked();
    assert!(asked.iter().any(|a| a.path == LOGIN && a.body.contains("secret-newer")));
}

#[tokio::test]
async fn an_operator_who_asks_ends_the_rest_and_the_schools_other_checks_are_asked_again() {
    let vendor = Vendor::start().await;
    well(&vendor);
    vendor.on(LOGIN, [Play::json(PAUSED)]);
    let bench = bench();
    let watch = bench.build(&settings(&vendor));
    let ask = async |job: &str| {
        let seen = bench.poll(&*watch, job).await;
        the(&seen, job.split_once('/').unwrap().0, Some("9991001"))
    };
    let seen = ask("counts/9991001").await;
    assert_eq!(seen.verdict, PAUSE);
    assert!(seen.detail.as_str().contains("; tried again from "), "{}", seen.detail);
    vendor.on(LOGIN, [Play::json(TOKEN)]);
    bench.clock.advance(40);
    watch.asked_again(Some("9991003".parse().unwrap()));
    assert_eq!(ask(AUTHORISATION).await.verdict, PAUSE, "another school was meant");
    assert_eq!(vendor.count(LOGIN), 1);
    assert!(watch.outdated().is_empty());
    watch.asked_again(Some("9991001".parse().unwrap()));
    assert_eq!(ask(AUTHORISATION).await.verdict, Verdict::Ok);
    assert_eq!(vendor.count(LOGIN), 2);
    let outdated: Vec<String> = watch.outdated().iter().map(|id| id.to_string()).collect();
    assert!(outdated.contains(&"counts/9991001".to_owned()), "{outdated:?}");
    assert!(outdated.iter().all(|id| id.ends_with("/9991001")), "{outdated:?}");
    let jobs = watch.jobs();
    assert!(outdated.iter().all(|id| jobs.iter().any(|job| *job.id == **id)), "{outdated:?}");
    assert!(watch.outdated().is_empty(), "told once");
}

#[tokio::test]
async fn a_part_that_the_school_does_not_share_costs_no_new_token() {
    let vendor = Vendor::start().await;
    well(&vendor);
    vendor.on(COUNTS_OF_1, [failing(403, "Scope Student is required for this endpoint")]);
    let bench = bench();
    let watch = bench.build(&settings(&vendor));
    let seen = bench.poll(&*watch, "counts/9991001").await;
    let seen = the(&seen, "counts", Some("9991001"));
    assert_eq!(seen.verdict, UNAUTHORISED);
    assert!(seen.detail.as_str().contains("does not cover"), "{}", seen.detail);
    let data = bench.poll(&*watch, "xporter_data/9991001").await;
    assert_eq!(verdict_of(&data, "xporter_data", Some("9991001")), Verdict::Ok);
    assert_eq!(vendor.count(LOGIN), 1);
}

#[tokio::test]
async fn both_styles_of_failure_mean_the_same() {
    let vendor = Vendor::start().await;
    for (play, verdict) in [
        (Play::json(include_str!("../examples/error_inside.json")), MALFORMED),
        (Play::status(401, include_str!("../examples/error_real_code.json")), UNAUTHORISED),
        (Play::json(include_str!("../examples/error_real_code.json")), UNAUTHORISED),
        (failing(500, "Something broke"), NO_ANSWER),
        (failing(503, "Try later"), NO_ANSWER),
        (failing(404, "No such resource"), MALFORMED),
        (failing(400, "The request is invalid"), MALFORMED),
        (failing(200, "Too many requests"), Verdict::Unknown(Reason::Throttled)),
        (failing(200, "Authorisation is currently paused"), PAUSE),
        (failing(200, "The print queue is paused"), MALFORMED),
        (Play::page(include_str!("../examples/maintenance.html")), MALFORMED),
        (Play::status(503, include_str!("../examples/maintenance.html")), NO_ANSWER),
    ] {
        well(&vendor);
        vendor.on(INFO_OF_1, [play.clone()]);
        let seen = ask(&bench(), &vendor, "xporter_data").await;
        assert_eq!(seen.verdict, verdict, "{play:?}: {seen:?}");
    }
}

#[tokio::test]
async fn the_vendors_clock_need_not_be_ours() {
    let dated = |body: &str, date: &str| {
        let headers =
            vec![("content-type", "application/json".to_owned()), ("date", date.to_owned())];
        Play::Answer(200, headers, bytes::Bytes::from(body.to_owned()))
    };
    // Its clock is an hour behind ours, so its token of half an hour has ended by ours.
    let date = "Tue, 09 Feb 2027 10:20:00 GMT";
    let token = TOKEN.replace("2027-02-14T11:20:00.1234567Z", "2027-02-09T10:50:00Z");
    let vendor = Vendor::start().await;
    well(&vendor);
    vendor.on(LOGIN, [dated(&token, date)]);
    let details = DETAILS.replace("2027-02-14T11:20:00.1Z", "2027-02-09T10:50:00Z");
    vendor.on(TOKEN_DETAILS, [dated(&details, date)]);
    let seen = ask(&bench(), &vendor, "authorisation").await;
    assert_eq!(seen.verdict, Verdict::Ok, "{seen:?}");
    assert_eq!(fact(&seen, "vendor's clock"), Some("60 min behind of ours"));
    vendor.on(LOGIN, [Play::json(token)]);
    let seen = ask(&bench(), &vendor, "authorisation").await;
    assert_eq!(seen.verdict, MALFORMED, "the server's own Date says that it has ended");
}

#[tokio::test]
async fn renewals_of_250_schools_are_spread_over_the_day() {
    let vendor = Vendor::start().await;
    vendor.choose(|asked| {
        Some(if asked.path == LOGIN { Play::json(TOKEN) } else { Play::status(404, "{}") })
    });
    let mut bench = Bench::new(&ROW, NOW);
    let schools: Vec<String> = (0..250).map(|n| format!("{}", 9_992_000 + n)).collect();
    for school in &schools {
        bench = bench.secret(&format!("xod.{school}"), "s").school(school, &[]);
    }
    // Our own limit of calls a second is not what is shown here.
    let settings = settings(&vendor).replace("\"1s\"", "\"1s\", per_second = 0");
    let watch = bench.build(&settings);
    let jobs: Vec<_> =
        watch.jobs().into_iter().filter(|j| j.id.starts_with("xporter_data/")).collect();
    let (mut by_hour, mut given) = (Vec::new(), 0);
    for hour in 0..24 {
        for (n, job) in jobs.iter().enumerate() {
            // Some number for each, as chance gives them.
            bench.clock.set_chance(u32::try_from(n * 611_953 % 1_000_000).unwrap());
            watch.poll(job, bench.clock_now()).await;
        }
        let before = std::mem::replace(&mut given, vendor.count(LOGIN));
        by_hour.push(given - before);
        bench.clock.advance(if hour == 0 { 3_600 * 2 } else { 3_600 });
    }
    assert_eq!(by_hour[0], 250, "all together at the start");
    let renewed: usize = by_hour[1..].iter().sum();
    assert!((245..=255).contains(&renewed), "each once: {by_hour:?}");
    assert!(by_hour[1..].iter().all(|n| *n < 40), "{by_hour:?}");
}

#[tokio::test]
async fn pupils_can_be_counted_by_the_paging_of_one_row() {
    let vendor = Vendor::start().await;
    well(&vendor);
    let path = "/v1/School/9991001/Students/";
    let first = include_str!("../examples/students_first.json");
    let settings = format!("{}pupils_from = \"students\"\n", settings(&vendor));
    let bench = bench();
    let watch = bench.build(&settings);
    let counted = async |play: Play| {
        vendor.on(path, [play]);
        the(&bench.poll(&*watch, "counts/9991001").await, "counts", Some("9991001"))
    };
    let seen = counted(Play::json(first)).await;
    assert_eq!(seen.verdict, Verdict::Ok, "{seen:?}");
    assert_eq!(seen.numbers[0].value, 187.0);
    assert_eq!(seen.source_at.unwrap().at.to_string(), "2027-02-09T03:14:09.2Z");
    assert!(!format!("{seen:?}").contains("Never-Read"), "no row is read");
    let none = counted(Play::json(include_str!("../examples/students_none.json"))).await;
    assert_eq!(none.verdict, Verdict::Critical, "no pupils is an answer, and a bad one");
    for other in [
        include_str!("../examples/students_last.json"),
        include_str!("../examples/students_changed.json"),
        &first.replace("\"RowCount\": 187", "\"RowCount\": 188"),
    ] {
        assert_eq!(counted(Play::json(other)).await.verdict, MALFORMED, "{other}");
    }
    let asked = vendor.asked();
    let asked = asked.iter().find(|a| a.path == path).unwrap();
    assert_eq!(asked.query["pageSize"], "1");
}

#[tokio::test]
async fn what_is_beside_is_shown_and_decides_nothing() {
    let vendor = Vendor::start().await;
    well(&vendor);
    vendor.on("/v1/School/9991001/Health", [Play::json(include_str!("../examples/health.json"))]);
    vendor.on("/v1/Usage", [Play::json(include_str!("../examples/usage.json"))]);
    let settings = format!("{}beside = [\"health\", \"usage\"]\n", settings(&vendor));
    let bench = bench();
    let watch = bench.build(&settings);
    let authorised =
        async || the(&bench.poll(&*watch, AUTHORISATION).await, "authorisation", Some("9991001"));
    let seen = authorised().await;
    assert_eq!(seen.verdict, Verdict::Ok);
    assert_eq!(
        fact(&seen, "Groupcall's own health list"),
        Some(
            "1 x Warning of XodSchoolData, 1 x an unknown level of another part; its texts stand \
             in Groupcall's portal"
        )
    );
    assert_eq!(fact(&seen, "calls counted by Groupcall"), Some("14 today, 310 this month"));
    assert!(!format!("{seen:?}").contains("Never-Read"), "its texts may name people");
    for play in [
        Play::status(500, ""),
        Play::json("{\"Health\":7}"),
        Play::page("<html>"),
        failing(200, "Nobody knows"),
    ] {
        vendor.on("/v1/School/9991001/Health", [play]);
        let seen = authorised().await;
        assert_eq!(seen.verdict, Verdict::Ok);
        assert!(fact(&seen, "Groupcall's own health list").is_some());
    }
}

#[tokio::test]
async fn an_answer_of_another_call_is_not_taken() {
    let vendor = Vendor::start().await;
    for body in [
        include_str!("../examples/reset_password_done.json"),
        include_str!("../examples/reset_password_refused.json"),
        include_str!("../examples/usage.json"),
        include_str!("../examples/health.json"),
        include_str!("../examples/truncated.txt"),
    ] {
        for (check, path) in
            [("xporter_data", INFO_OF_1), ("authorisation", TOKEN_DETAILS), ("counts", COUNTS_OF_1)]
        {
            well(&vendor);
            vendor.on(path, [Play::json(body)]);
            let seen = ask(&bench(), &vendor, check).await;
            assert_eq!(seen.verdict, MALFORMED, "{check}: {body}");
            assert!(!format!("{seen:?}").contains("never-shown"), "a password is not shown");
        }
    }
}
