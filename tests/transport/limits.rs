//! How many at once, how many a second, connections kept, and the breaker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use caretaker::model::health::Reason;
use caretaker::model::span::Span;
use caretaker::ports::clock::Clock;
use caretaker::sys::SystemClock;
use caretaker::transport::{Endpoint, Failure, Reply, Request, TransportSettings};
use tokio::sync::{Barrier, Semaphore};
use tokio::task::JoinSet;

use crate::clocks::Still;
use crate::server::{Act, Server, answer, ok};
use crate::tls::Authority;
use crate::{at, endpoint, roomy, transport, until, with_clock};

type Calls = JoinSet<Result<Reply, Failure>>;

fn calls(vendor: &Endpoint, n: usize) -> Calls {
    let mut calls = JoinSet::new();
    for _ in 0..n {
        let vendor = vendor.clone();
        calls.spawn(async move { vendor.send(Request::get("")).await });
    }
    calls
}

async fn all_answered(calls: Calls) {
    for outcome in calls.join_all().await {
        assert_eq!(outcome.unwrap().status, 200);
    }
}

#[tokio::test]
async fn no_more_calls_at_once_than_the_limit_and_endpoints_share_it() {
    let permits = Arc::new(Semaphore::new(0));
    let gate = permits.clone();
    let server = Server::start(move |_, _| Act::When(gate.clone(), ok("{}"))).await;
    let transport = transport(TransportSettings { concurrency: 9, ..roomy() });
    let mut strict = at(&format!("{}/strict", server.url()));
    strict.concurrency = Some(3);
    let lax = transport.endpoint(&at(&format!("{}/lax", server.url()))).unwrap();
    let strict = transport.endpoint(&strict).unwrap();
    let (a, b) = (calls(&lax, 6), calls(&strict, 6));
    until("three are in flight", || server.in_flight() == 3).await;
    permits.add_permits(12);
    all_answered(a).await;
    all_answered(b).await;
    assert_eq!((server.most_in_flight(), server.requests().len()), (3, 12));
}

#[tokio::test]
async fn zero_is_no_limit() {
    let barrier = Arc::new(Barrier::new(24));
    let server = Server::start(move |_, _| Act::Together(barrier.clone(), ok("{}"))).await;
    // Nobody is answered before all are there.
    all_answered(calls(&endpoint(roomy(), &server.url()), 24)).await;
    assert_eq!(server.most_in_flight(), 24);
}

#[tokio::test]
async fn a_call_that_is_given_up_gives_back_its_place() {
    let server = Server::start(|n, _| match n {
        0 => Act::SendAndHang(Vec::new()),
        _ => Act::Send(ok("{}")),
    })
    .await;
    let vendor = endpoint(TransportSettings { concurrency: 1, ..roomy() }, &server.url());
    let mut first = calls(&vendor, 1);
    until("the first is there", || server.requests().len() == 1).await;
    first.abort_all();
    all_answered(calls(&vendor, 1)).await;
}

#[tokio::test]
async fn no_more_calls_a_second_than_the_limit() {
    let server = Server::start(|_, _| Act::Send(ok("{}"))).await;
    let clock = Arc::new(Still::new());
    let settings = TransportSettings { per_second: 4, deadline: Span::from_secs(1), ..roomy() };
    let vendor = with_clock(settings, clock.clone()).endpoint(&at(&server.url())).unwrap();
    let mut calls = calls(&vendor, 8);
    let mut answered = 0;
    // A quarter of a second for each; and though the last waits for two seconds, its deadline
    // of one second counts from its turn.
    for turn in 1..=8 {
        while answered < turn {
            assert_eq!(calls.join_next().await.unwrap().unwrap().unwrap().status, 200);
            answered += 1;
        }
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        assert_eq!(server.requests().len(), turn);
        clock.advance(Duration::from_millis(251));
    }
}

#[tokio::test]
async fn the_rate_holds_by_the_real_clock_too() {
    let server = Server::start(|_, _| Act::Send(ok("{}"))).await;
    let clock = SystemClock::new();
    let began = clock.monotonic();
    all_answered(calls(
        &endpoint(TransportSettings { per_second: 20, ..roomy() }, &server.url()),
        12,
    ))
    .await;
    // Two at once, ten more at a twentieth of a second each.
    let took = clock.monotonic() - began;
    assert!(took >= Duration::from_millis(480), "{took:?}");
}

#[tokio::test]
async fn a_second_sweep_opens_no_new_connection() {
    let authority = Authority::new();
    for tls in [false, true] {
        let barrier = Arc::new(Barrier::new(6));
        let script = move |n, _: &str| match n {
            0..6 => Act::Together(barrier.clone(), ok("[1]")),
            _ => Act::Send(ok("[2]")),
        };
        let (server, settings) = if tls {
            let server = Server::start_tls(authority.good(), script).await;
            let mut settings = at(&server.tls_url());
            settings.ca_file = Some(authority.file());
            (server, settings)
        } else {
            let server = Server::start(script).await;
            let settings = at(&server.url());
            (server, settings)
        };
        let transport = transport(roomy());
        all_answered(calls(&transport.endpoint(&settings).unwrap(), 6)).await;
        assert_eq!(server.connections(), 6);
        // Through another endpoint of the same origin, one after the other: of six connections at
        // least one is idle each time.
        let second = transport.endpoint(&settings).unwrap();
        for _ in 0..30 {
            second.send(Request::get("again")).await.unwrap();
        }
        assert_eq!((server.connections(), server.requests().len()), (6, 36), "tls: {tls}");
    }
}

fn open(outcome: Result<Reply, Failure>) -> Option<(u64, u32)> {
    match outcome {
        Err(Failure::Open { seconds, failures, .. }) => Some((seconds, failures)),
        _ => None,
    }
}

#[tokio::test]
async fn a_dead_vendor_is_left_alone_and_tried_again_by_one_call() {
    let alive = Arc::new(AtomicBool::new(false));
    let permits = Arc::new(Semaphore::new(0));
    let (mended, gate) = (alive.clone(), permits.clone());
    let server = Server::start(move |n, _| match n {
        4 => Act::When(gate.clone(), answer("500 Still dead", "", "")),
        _ if mended.load(Ordering::SeqCst) => Act::Send(ok("{}")),
        _ => Act::Send(answer("500 Dead", "", "")),
    })
    .await;
    let neighbour = Server::start(|_, _| Act::Send(ok("{}"))).await;
    let clock = Arc::new(Still::new());
    let settings = TransportSettings { breaker_failures: 4, tries: 1, ..roomy() };
    let transport = with_clock(settings, clock.clone());
    let vendor = transport.endpoint(&at(&format!("{}/a", server.url()))).unwrap();
    let same = transport.endpoint(&at(&format!("{}/b", server.url()))).unwrap();
    let other = transport.endpoint(&at(&neighbour.url())).unwrap();

    for _ in 0..4 {
        assert_eq!(vendor.send(Request::get("")).await.unwrap().status, 500);
    }
    for endpoint in [&vendor, &same] {
        let failure = endpoint.send(Request::get("")).await.unwrap_err();
        assert_eq!(failure.reason(), Reason::NoAnswer);
        assert_eq!(open(Err(failure)), Some((5, 4)));
    }
    other.send(Request::get("")).await.unwrap();
    assert_eq!(server.requests().len(), 4, "nothing is sent");

    clock.advance(Duration::from_secs(5));
    let mut deciding = calls(&vendor, 1);
    until("one call goes through", || server.requests().len() == 5).await;
    assert!(open(same.send(Request::get("")).await).is_some(), "and no other beside it");
    permits.add_permits(1);
    assert_eq!(deciding.join_next().await.unwrap().unwrap().unwrap().status, 500);
    assert_eq!(open(vendor.send(Request::get("")).await), Some((10, 5)), "longer now");
    assert_eq!(server.requests().len(), 5);

    alive.store(true, Ordering::SeqCst);
    clock.advance(Duration::from_secs(10));
    for _ in 0..3 {
        vendor.send(Request::get("")).await.unwrap();
    }
    assert_eq!(server.requests().len(), 8, "all go through again");
}

#[tokio::test]
async fn refusals_of_one_call_do_not_make_a_dead_vendor() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let server = Server::start(move |_, _| {
        count.fetch_add(1, Ordering::SeqCst);
        Act::Send(answer("404 Not Found", "", "x"))
    })
    .await;
    let settings = TransportSettings { breaker_failures: 2, ..roomy() };
    let vendor = endpoint(settings, &server.url());
    for _ in 0..5 {
        vendor.send(Request::get("")).await.unwrap();
        let failure = vendor.send(Request::get("").body_limit(0)).await.unwrap_err();
        assert!(matches!(failure, Failure::TooLarge { .. }));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 10);
}

#[tokio::test]
async fn no_connection_opens_the_breaker_too() {
    let server = Server::start(|_, _| Act::Close).await;
    let url = server.url();
    drop(server);
    let settings = TransportSettings { breaker_failures: 2, tries: 1, ..roomy() };
    let vendor = with_clock(settings, Arc::new(Still::new())).endpoint(&at(&url)).unwrap();
    for _ in 0..2 {
        assert!(matches!(vendor.send(Request::get("")).await, Err(Failure::NoAnswer { .. })));
    }
    assert_eq!(open(vendor.send(Request::get("")).await), Some((5, 2)));
}

#[tokio::test]
async fn a_call_stops_repeating_once_others_opened_the_breaker() {
    let permits = Arc::new(Semaphore::new(0));
    let gate = permits.clone();
    let server = Server::start(move |n, _| match n {
        0 => Act::When(gate.clone(), answer("500 Dead", "", "")),
        _ => Act::Send(answer("500 Dead", "", "")),
    })
    .await;
    // A clock that stands still: a repeated try would wait for ever.
    let settings = TransportSettings { breaker_failures: 1, tries: 5, ..roomy() };
    let transport = with_clock(settings, Arc::new(Still::new()));
    let vendor = transport.endpoint(&at(&server.url())).unwrap();
    let mut patient = calls(&vendor, 1);
    until("its first try is under way", || server.requests().len() == 1).await;
    assert_eq!(vendor.send(Request::post("once")).await.unwrap().status, 500);
    assert!(open(vendor.send(Request::get("")).await).is_some());
    permits.add_permits(1);
    let mut outcome = None;
    until("it is content with its first try", || {
        outcome = outcome.take().or_else(|| patient.try_join_next());
        outcome.is_some()
    })
    .await;
    assert_eq!(outcome.unwrap().unwrap().unwrap().status, 500);
    assert_eq!(server.requests().len(), 2, "nothing more is sent to a vendor that is left alone");
}
