//! Microsoft's limits for one app, as published and enforced, and what caretaker leaves of them
//! however eagerly it is asked.

use std::time::Duration;

use caretaker::model::health::Reason;
use caretaker::model::observation::Verdict;
use caretaker::simulators::Running;

use crate::desk::{Desk, endpoint};

/// Units in ten seconds that Microsoft allows of the directory in the smallest tenants; the simulators
/// enforce the 8,000 of larger ones.
const SMALLEST: u64 = 3_500;
/// The most units that one of our calls of the directory costs.
const DEAREST: u64 = 3;

fn settings(running: &Running, [graph, login]: [String; 2], more: &str) -> String {
    let facts = &running.invented.facts;
    format!(
        "tenant_id = \"{}\"\nclient_id = \"{}\"\ngraph = {graph}\nlogin = {login}\n{more}",
        facts.tenant_id, facts.client_id,
    )
}

/// The pace of calls to one origin leaves half, in the smallest tenants and for the dearest calls.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_many_ask_at_once_half_of_the_directorys_limit_is_left() {
    const ASKED: u64 = 600;
    let desk = Desk::standing("welearn365", 3, |running| {
        let at = |key: &str| {
            let (url, ca) = (&running.urls[key], running.ca_file.display());
            format!("{{ url = \"{url}\", ca_file = \"{ca}\", deadline = \"120s\" }}")
        };
        settings(running, ["welearn365", "welearn365.login"].map(at), "")
    })
    .await;
    desk.running.enforce_published_limits();
    let jobs = desk.watch.jobs();
    let job = jobs.iter().find(|job| &*job.id == "directory_sync").unwrap();
    let now = caretaker::ports::clock::Clock::now(&*desk.clock);
    let polls = (0..ASKED).map(|_| desk.watch.poll(job, now));
    let (seen, took) = desk.passing(futures_util::future::join_all(polls)).await;
    for one in seen.iter().flatten() {
        assert_eq!(one.verdict, Verdict::Ok, "{}", one.detail);
    }
    let calls = desk.calls("welearn365 GET /v1.0/organization");
    assert_eq!(calls, ASKED);
    // Fifty a second, a tenth of a second's worth at once.
    assert!(took >= Duration::from_millis(11_500), "{calls} calls in {took:?}");
    let (units, _) = desk.running.microsoft().most_units();
    assert!(units >= 400, "{units} units: nothing was proved");
    assert!(units * DEAREST <= SMALLEST / 2, "{units} units in ten seconds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_eagerly_sites_are_looked_at_a_quarter_of_sharepoints_limit_is_left() {
    let mut desk = Desk::new("welearn365", 120, |running| {
        let ends = ["welearn365", "welearn365.login"].map(|key| endpoint(running, key));
        settings(running, ends, "site_check = true\n")
    })
    .await;
    desk.running.enforce_published_limits();
    let mut kept_back = 0;
    // Everybody refreshes every two seconds.
    for _ in 0..35 {
        for seen in desk.sweep(|job| job.id.starts_with("site/")).await {
            match seen.verdict {
                Verdict::Ok => {}
                Verdict::Unknown(Reason::Throttled) => {
                    kept_back += 1;
                    let by_us = seen.detail.as_str().contains("keeps to 900 calls a minute");
                    assert!(by_us, "Microsoft never has to say it: {}", seen.detail);
                }
                other => panic!("{other:?}: {}", seen.detail),
            }
        }
        desk.forward(2);
    }
    let (_, units) = desk.running.microsoft().most_units();
    assert!(kept_back > 1_000 && (890..=910).contains(&units), "{units}, {kept_back} kept back");
}
