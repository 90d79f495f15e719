//! Probes of pages, names and ports, a status page as a check, and opening hours.

use std::time::Duration;

use super::{build, declare, of_estate, poll, poll_at, stage};
use crate::model::health::Reason;
use crate::model::observation::{Observation, Target, Verdict};
use crate::services::declared::tests::dropping::Drop;
use crate::services::declared::tests::stage::{fact, number, school};
use crate::services::declared::tests::vendor::{Play, Vendor, page, redirect, status};

const MALFORMED: Verdict = Verdict::Unknown(Reason::Malformed);
const NO_ANSWER: Verdict = Verdict::Unknown(Reason::NoAnswer);
const WELL: &str = "<html><title>Sign in</title><form id=\"login\">Welcome</form></html>";

fn looked(vendor: &Vendor, more: &str) -> String {
    of_estate(&format!(
        "[connectors.c.probe.http]\nendpoint = {{ url = '{}', deadline = '1s' }}\npath = 'in'\n\
         contains = ['ID=\"login\"']\nlacks = ['fatal error']\n\
         location_hosts = ['login.example.org']\n{more}\n",
        vendor.url
    ))
}

async fn seen(play: Play, more: &str) -> Observation {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    vendor.play("/in", play);
    let watch = build(&stage(drop.path(), &[]), &looked(&vendor, more));
    poll(&watch).await.remove(&Target::Estate).unwrap()
}

#[tokio::test]
async fn a_page_is_up_only_when_it_is_what_it_should_be() {
    let answer = |code, body: &str| Play::Answer(code, Vec::new(), body.to_owned());
    for (what, play, verdict) in [
        ("up", page(WELL), Verdict::Ok),
        ("hand-over", redirect("https://LOGIN.example.org/x?y=1"), Verdict::Ok),
        ("elsewhere", redirect("https://other.example.org/"), MALFORMED),
        ("in clear", redirect("http://login.example.org/"), MALFORMED),
        ("look-alike", redirect("https://login.example.org.evil.example/"), MALFORMED),
        ("with a user", redirect("https://login.example.org@evil.example/"), MALFORMED),
        ("no location", status(302), MALFORMED),
        ("error page", page("<h1>Sorry</h1>"), Verdict::Critical),
        ("error in it", page(&format!("{WELL} Fatal  ERROR")), Verdict::Critical),
        ("blocked", page(&format!("{WELL} You are being blocked")), MALFORMED),
        ("empty", page(" \n"), MALFORMED),
        ("created", answer(201, WELL), MALFORMED),
        ("not found", answer(404, WELL), MALFORMED),
        ("sign-in wanted", answer(401, WELL), Verdict::Unknown(Reason::Unauthorised)),
        ("throttled", answer(429, WELL), Verdict::Unknown(Reason::Throttled)),
        ("captive portal", answer(511, WELL), MALFORMED),
        ("down", answer(503, WELL), Verdict::Critical),
        ("silent", Play::Silent, NO_ANSWER),
        ("hangs up", Play::HangUp, NO_ANSWER),
        ("half", Play::Half(WELL.to_owned()), NO_ANSWER),
        ("huge", Play::Huge(3 * 1024 * 1024), MALFORMED),
    ] {
        let seen = seen(play, "").await;
        assert_eq!(seen.verdict, verdict, "{what}: {}", seen.detail);
    }
    let seen = seen(page(WELL), "").await;
    assert_eq!(fact(&seen, "http status"), Some("200"));
    assert!(number(&seen, "latency_ms").is_some());
}

#[tokio::test]
async fn another_status_may_be_the_right_one() {
    let wants = "status = [401]";
    let answer = Play::Answer(401, Vec::new(), WELL.to_owned());
    assert_eq!(seen(answer, wants).await.verdict, Verdict::Ok);
    let two_hundred = seen(page(WELL), wants).await;
    assert_eq!(two_hundred.verdict, MALFORMED, "an open door where a lock should be");
}

#[tokio::test]
async fn slow_is_a_warning_and_slower_critical() {
    for (ms, verdict) in [(900, Verdict::Ok), (2_100, Verdict::Warning), (4_100, Verdict::Critical)]
    {
        let (vendor, drop) = (Vendor::start().await, Drop::new());
        let mut ctx = stage(drop.path(), &[]);
        let (other, clock) =
            crate::services::declared::tests::stage::context(drop.path(), super::estate());
        (ctx.transport, ctx.clock) = (other.transport, clock.clone());
        vendor.play("/in", Play::Late(clock, Duration::from_millis(ms), WELL.to_owned()));
        let toml = looked(&vendor, "slow_after = '2s'\ncritical_after = '4s'")
            .replace("deadline = '1s'", "deadline = '9s'");
        let seen = poll(&build(&ctx, &toml)).await.remove(&Target::Estate).unwrap();
        assert_eq!(seen.verdict, verdict, "{ms}: {}", seen.detail);
    }
}

#[tokio::test]
async fn a_page_that_does_not_name_the_school_is_not_its_page() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let toml = declare(
        "school",
        &format!(
            "[connectors.c.probe.http]\nendpoint = {{ url = '{}' }}\npath = 'sch/{{param:id}}'\n\
             contains = ['{{name}}', '<title>']\n",
            vendor.url
        ),
    );
    vendor.play("/sch/A-1", page("<title>x</title><h1>Alder  Lane School</h1>"));
    vendor.play(
        "/sch/B-2",
        page("<title>x</title><h1>Find your school</h1> /sch/beacon-hill-school"),
    );
    vendor.play("/sch/C-3", page("<h1>Cinder Path School</h1>"));
    let all = poll(&build(&stage(drop.path(), &[]), &toml)).await;
    assert_eq!(all[&school("9990101")].verdict, Verdict::Ok);
    let stranger = &all[&school("9990102")];
    assert_eq!(stranger.verdict, MALFORMED);
    assert!(stranger.detail.as_str().contains("does not name `Beacon Hill School`"));
    assert_eq!(all[&school("9990103")].verdict, Verdict::Critical);
}

#[tokio::test]
async fn names_and_ports_are_looked_at() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let port = vendor.url.rsplit(':').next().unwrap().to_owned();
    let ctx = stage(drop.path(), &[]);
    let of = |source: String| {
        let watch = build(&ctx, &of_estate(&source));
        async move { poll(&watch).await.remove(&Target::Estate).unwrap() }
    };
    let tcp = |port: &str| format!("[connectors.c.probe.tcp]\nhost = '127.0.0.1'\nport = {port}\n");
    let open = of(tcp(&port)).await;
    assert_eq!(open.verdict, Verdict::Ok, "{}", open.detail);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert_eq!(of(tcp(&closed.to_string())).await.verdict, NO_ANSWER);
    let dns = |more: &str| format!("[connectors.c.probe.dns]\nhost = '127.0.0.7'\n{more}\n");
    assert_eq!(of(dns("")).await.verdict, Verdict::Ok);
    let known = of(dns("addresses = ['127.0.0.7', '192.0.2.1']")).await;
    assert_eq!((known.verdict, fact(&known, "addresses")), (Verdict::Ok, Some("127.0.0.7")));
    let strange = of(dns("addresses = ['192.0.2.1']")).await;
    assert_eq!(strange.verdict, Verdict::Critical);
    assert!(strange.detail.as_str().contains("points to 127.0.0.7"), "{}", strange.detail);
    let alias = of(dns("cname = ['*.vendor.example']")).await;
    assert_eq!(alias.verdict, Verdict::Critical, "{}", alias.detail);
    assert!(alias.detail.as_str().contains("127.0.0.7 is no alias"), "{}", alias.detail);
    assert_eq!(of(dns("cname = ['127.0.0.7']")).await.verdict, Verdict::Ok);
    let none = of("[connectors.c.probe.dns]\nhost = 'no-such-name.invalid'\n".to_owned()).await;
    // Without a name service nobody can say that there is none.
    assert!(matches!(none.verdict, Verdict::Critical | NO_ANSWER), "{:?}", none.verdict);
    // A port without TLS proves nothing of a certificate.
    let tls = format!("[connectors.c.probe.tls]\nhost = '127.0.0.1'\nport = {port}\n");
    assert_eq!(of(tls).await.verdict, NO_ANSWER);
}

#[tokio::test]
async fn a_status_page_is_a_check_of_its_own_and_tells_of_maintenance() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    let toml = of_estate(&format!(
        "[connectors.c.statuspage]\nendpoint = {{ url = '{}' }}\ncomponents = ['Sign-in']\n",
        vendor.url
    ));
    let watch = build(&stage(drop.path(), &[]), &toml);
    let summary = |word: &str, more: &str| {
        page(&format!(
            "{{\"page\":{{\"id\":\"p\"}},\"status\":{{\"indicator\":\"none\"}},\"incidents\":[],\
             \"components\":[{{\"id\":\"c\",\"name\":\"Sign-in\",\"status\":\"{word}\"}},\
             {{\"id\":\"d\",\"name\":\"Shop\",\"status\":\"major_outage\"}}],\
             \"scheduled_maintenances\":[{more}]}}"
        ))
    };
    let path = "/api/v2/summary.json";
    for (play, verdict) in [
        (summary("operational", ""), Verdict::Ok),
        (summary("degraded_performance", ""), Verdict::Warning),
        (summary("under_maintenance", ""), Verdict::Warning),
        (summary("major_outage", ""), Verdict::Critical),
        (summary("sleepy", ""), MALFORMED),
        (page("<html>moved</html>"), MALFORMED),
        (page("{\"page\":{\"status\":\"UP\"}}"), MALFORMED),
        (status(404), MALFORMED),
        (status(401), Verdict::Unknown(Reason::Unauthorised)),
        (status(500), NO_ANSWER),
        (Play::HangUp, NO_ANSWER),
    ] {
        vendor.play(path, play);
        let seen = poll(&watch).await.remove(&Target::Estate).unwrap();
        assert_eq!(seen.verdict, verdict, "{}", seen.detail);
    }
    let work = |id: &str, from: &str, until: &str, of: &str| {
        format!(
            "{{\"id\":\"{id}\",\"name\":\"Work {id}\",\"status\":\"scheduled\",\
             \"scheduled_for\":\"{from}\",\"scheduled_until\":\"{until}\",\
             \"components\":[{{\"name\":\"{of}\"}}]}}"
        )
    };
    let announced = [
        work("m1", "2027-02-06T22:00:00+01:00", "2027-02-07T01:00:00+01:00", "Sign-in"),
        work("m2", "2027-02-06T22:00:00Z", "2027-02-07T01:00:00Z", "Shop"),
        work("m3", "2027-01-06T22:00:00Z", "2027-01-07T01:00:00Z", "Sign-in"),
        work("m4", "soon", "later", "Sign-in"),
    ];
    vendor.play(path, summary("operational", &announced[..3].join(",")));
    let seen = poll(&watch).await.remove(&Target::Estate).unwrap();
    assert_eq!(seen.verdict, Verdict::Ok, "announced is not yet there: {}", seen.detail);
    let windows: Vec<String> = seen
        .windows
        .iter()
        .map(|w| format!("{} {} {}", w.from, w.until.unwrap(), w.title))
        .collect();
    assert_eq!(windows, ["2027-02-06T21:00:00Z 2027-02-07T00:00:00Z Work m1 (m1)"]);
    vendor.play(path, summary("operational", &announced.join(",")));
    let seen = poll(&watch).await.remove(&Target::Estate).unwrap();
    assert_eq!((seen.verdict, seen.windows.len()), (MALFORMED, 1), "an unreadable time is said");
}

#[tokio::test]
async fn nothing_is_asked_outside_its_hours_and_known_trouble_stays() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    vendor.play("/in", page(WELL));
    let toml = looked(&vendor, "")
        .replace("scope =", "tries = 2\nhours = { from = '07:30', to = '18:00' }\nscope =");
    let watch = build(&stage(drop.path(), &[]), &toml);
    let at = |text: &str| text.parse().unwrap();
    let look = |when| {
        let watch = watch.clone();
        async move { poll_at(&watch, when).await.remove(&Target::Estate).unwrap() }
    };
    let night = look(at("2027-02-02T21:00:00Z")).await;
    assert_eq!(night.verdict, Verdict::Quiet);
    assert_eq!(night.detail.as_str(), "not asked outside its hours (07:30 to 18:00)");
    assert_eq!(look(at("2027-02-06T10:00:00Z")).await.verdict, Verdict::Quiet, "a Saturday");
    assert_eq!(look(at("2027-02-16T10:00:00Z")).await.verdict, Verdict::Quiet, "half-term");
    assert_eq!(vendor.asked().len(), 0);
    let day = at("2027-02-02T10:00:00Z");
    assert_eq!(look(day).await.verdict, Verdict::Ok);
    vendor.play("/in", status(503));
    assert_eq!(look(day).await.verdict, Verdict::Critical);
    assert_eq!(look(at("2027-02-02T21:00:00Z")).await.verdict, Verdict::Quiet, "one of two tries");
    assert_eq!(look(day).await.verdict, Verdict::Critical);
    vendor.asked();
    let night = look(at("2027-02-02T21:00:00Z")).await;
    assert_eq!(night.verdict, Verdict::Critical, "asking nobody mends nothing");
    assert_eq!(night.observed_at, at("2027-02-02T21:00:00Z"));
    assert_eq!(vendor.asked().len(), 0);
    vendor.play("/in", page(WELL));
    assert_eq!(look(at("2027-02-03T10:00:00Z")).await.verdict, Verdict::Ok);
    assert_eq!(look(at("2027-02-03T21:00:00Z")).await.verdict, Verdict::Quiet);
}
