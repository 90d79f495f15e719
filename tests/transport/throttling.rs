//! A vendor that asks us to wait is left alone for that long.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use caretaker::model::health::Reason;
use caretaker::model::span::Span;
use caretaker::ports::clock::Clock;
use caretaker::transport::{Failure, Request, TransportSettings};

use crate::clocks::{Fast, Still};
use crate::server::{Act, Server, answer, ok};
use crate::{at, roomy, with_clock};

/// Answers the first request with this, all others well.
async fn throttling(status: &'static str, headers: &'static str) -> Server {
    Server::start(move |n, _| match n {
        0 => Act::Send(answer(status, headers, "")),
        _ => Act::Send(ok("{}")),
    })
    .await
}

fn seconds(failure: &Failure) -> Option<u64> {
    match failure {
        Failure::Throttled { seconds, .. } => *seconds,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_is_told_at_once_and_kept() {
    for (status, headers, expected) in [
        ("429 Slow down", "Retry-After: 40\r\n", 40),
        ("503 Busy", "Retry-After: 40.2\r\n", 41),
        ("509 Enough", "Retry-After: 40\r\n", 40),
        ("429 Slow down", "Retry-After: 7200\r\n", 300),
        (
            "429 Slow down",
            "Date: Tue, 02 Jan 2018 10:00:00 GMT\r\nRetry-After: Tue, 02 Jan 2018 10:00:50 GMT\r\n",
            50,
        ),
    ] {
        let server = throttling(status, headers).await;
        let clock = Arc::new(Still::new());
        let settings = TransportSettings { deadline: Span::from_secs(20), ..roomy() };
        let transport = with_clock(settings, clock.clone());
        let vendor = transport.endpoint(&at(&format!("{}/a", server.url()))).unwrap();
        let same = transport.endpoint(&at(&format!("{}/b", server.url()))).unwrap();
        let failure = vendor.send(Request::get("")).await.unwrap_err();
        assert_eq!(seconds(&failure), Some(expected), "{headers}");
        assert_eq!(failure.reason(), Reason::Throttled);
        clock.advance(Duration::from_secs(10));
        let failure = same.send(Request::get("")).await.unwrap_err();
        assert_eq!(seconds(&failure), Some(expected - 10));
        assert_eq!(server.requests().len(), 1, "nothing is sent meanwhile");
        clock.advance(Duration::from_secs(expected - 10));
        assert_eq!(same.send(Request::get("")).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn whoever_asked_us_to_wait_is_quoted_once() {
    let server = throttling("429 Slow down", "Retry-After: 250\r\nX-Limit: units\r\n").await;
    let vendor = with_clock(roomy(), Arc::new(Still::new())).endpoint(&at(&server.url())).unwrap();
    let said = |failure| match failure {
        Failure::Throttled { headers, .. } => headers
            .into_iter()
            .filter(|(name, _): &(String, String)| name == "x-limit")
            .map(|(_, value)| value)
            .collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(said(vendor.send(Request::get("")).await.unwrap_err()), ["units"]);
    let later = said(vendor.send(Request::get("")).await.unwrap_err());
    assert!(later.is_empty(), "not asked, so nobody is quoted: {later:?}");
}

#[tokio::test]
async fn a_wait_within_the_deadline_is_waited_for_by_all_calls() {
    let clock = Arc::new(Fast::new());
    let times = Arc::new(Mutex::new(Vec::new()));
    let (stamps, server_clock) = (times.clone(), clock.clone());
    let server = Server::start(move |n, _| {
        stamps.lock().unwrap().push(server_clock.monotonic());
        match n {
            0 => Act::Send(answer("429 Slow down", "Retry-After: 30\r\n", "")),
            _ => Act::Send(ok("{}")),
        }
    })
    .await;
    let settings = TransportSettings { deadline: Span::from_hours(5), ..roomy() };
    let vendor = with_clock(settings, clock).endpoint(&at(&server.url())).unwrap();
    assert_eq!(vendor.send(Request::get("")).await.unwrap().status, 200);
    let times = times.lock().unwrap().clone();
    assert_eq!(times.len(), 2);
    assert!(times[1] - times[0] >= Duration::from_secs(30), "{times:?}");
}

#[tokio::test]
async fn a_call_that_is_not_safe_is_not_repeated_after_a_throttle_either() {
    let server = throttling("429 Slow down", "Retry-After: 1\r\n").await;
    let clock = Arc::new(Fast::new());
    let settings = TransportSettings { deadline: Span::from_hours(5), ..roomy() };
    let vendor = with_clock(settings, clock).endpoint(&at(&server.url())).unwrap();
    let failure = vendor.send(Request::post("act")).await.unwrap_err();
    assert_eq!(seconds(&failure), Some(1));
    assert_eq!(server.requests().len(), 1);
    // The next, which was never sent, may wait for its time.
    assert_eq!(vendor.send(Request::post("act")).await.unwrap().status, 200);
    assert_eq!(server.requests().len(), 2);
}

/// What a call slept for before it asked again, by a clock with this chance.
async fn pause(server: Server, chance: f64) -> Vec<Duration> {
    let clock = Arc::new(Still::with_chance(chance));
    let vendor = with_clock(roomy(), clock.clone()).endpoint(&at(&server.url())).unwrap();
    let before = clock.slept().len();
    let call = tokio::spawn(async move { vendor.send(Request::get("")).await });
    // Everything that is waited for, until the call has its answer.
    crate::until("it is asked again", || {
        clock.advance(Duration::from_millis(50));
        server.requests().len() == 2
    })
    .await;
    assert_eq!(call.await.unwrap().unwrap().status, 200);
    clock.slept().split_off(before)
}

#[tokio::test]
async fn pauses_are_spread_by_chance_so_that_not_all_come_back_at_once() {
    for (chance, broken, busy) in [(0.0, 250_000, 2_000_000), (1.0, 187_500, 2_200_000)] {
        let slept = pause(throttling("500 Broken", "").await, chance).await;
        assert!(slept.contains(&Duration::from_micros(broken)), "{chance}: {slept:?}");
        let slept = pause(throttling("429 Slow down", "Retry-After: 2\r\n").await, chance).await;
        let near =
            |d: &Duration| d.abs_diff(Duration::from_micros(busy)) < Duration::from_millis(60);
        assert!(slept.iter().any(near), "{chance}: {slept:?}");
    }
}

#[tokio::test]
async fn a_throttle_without_a_time_is_waited_for_with_growing_patience() {
    let server = Server::start(|_, _| Act::Send(answer("429 Slow down", "", ""))).await;
    let clock = Arc::new(Still::new());
    let settings = TransportSettings { deadline: Span::from_secs(1), ..roomy() };
    let vendor = with_clock(settings, clock.clone()).endpoint(&at(&server.url())).unwrap();
    for wait in [2, 4, 8] {
        let sent = server.requests().len();
        assert_eq!(seconds(&vendor.send(Request::post("")).await.unwrap_err()), None);
        assert_eq!(seconds(&vendor.send(Request::post("")).await.unwrap_err()), Some(wait));
        assert_eq!(server.requests().len(), sent + 1);
        clock.advance(Duration::from_secs(wait));
    }
}

#[tokio::test]
async fn throttling_is_not_death() {
    let server = Server::start(|n, _| match n % 2 {
        0 => Act::Send(answer("429 Slow down", "Retry-After: 60\r\n", "")),
        _ => Act::Send(answer("503 Busy", "Retry-After: 60\r\n", "")),
    })
    .await;
    let clock = Arc::new(Still::new());
    let settings =
        TransportSettings { deadline: Span::from_secs(1), breaker_failures: 1, ..roomy() };
    let vendor = with_clock(settings, clock.clone()).endpoint(&at(&server.url())).unwrap();
    for _ in 0..4 {
        assert_eq!(seconds(&vendor.send(Request::get("")).await.unwrap_err()), Some(60));
        clock.advance(Duration::from_secs(60));
    }
}
