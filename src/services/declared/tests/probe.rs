//! A look at a page, through real HTTP.

use std::time::Duration;

use super::stage::{context, estate};
use super::vendor::{Play, Vendor, page, redirect, status};
use crate::model::health::Reason;
use crate::services::declared::probe::{Look, Sight, default_block_marks, look};
use crate::transport::EndpointSettings;

async fn seen(play: Play) -> Look {
    let vendor = Vendor::start().await;
    vendor.play("/in", play);
    let (ctx, _) = context(std::path::Path::new("/"), estate("x", &[]));
    let settings: EndpointSettings =
        serde_json::from_value(serde_json::json!({"url": vendor.url, "deadline": "1s"})).unwrap();
    look(&ctx.transport.endpoint(&settings).unwrap(), "in", &default_block_marks()).await
}

fn unclear(look: &Look) -> Option<Reason> {
    match look.sight {
        Sight::Unclear { reason, .. } => Some(reason),
        _ => None,
    }
}

#[tokio::test]
async fn a_page_is_a_page() {
    let look = seen(page("<b>hello</b>")).await;
    assert_eq!(look.sight, Sight::Page { text: "<b>hello</b>".to_owned() });
    assert_eq!(look.status, Some(200));
}

#[tokio::test]
async fn a_block_page_is_told_by_its_words_whatever_its_status() {
    let body = "<h1>You are  BEING\nblocked</h1> id=\"login\"";
    for code in [200, 403, 503] {
        let look = seen(Play::Answer(code, Vec::new(), body.to_owned())).await;
        assert_eq!(look.sight, Sight::BlockPage, "{code}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_only_tls_hosts_count() {
    for (to, host) in [
        ("https://login.example.org/authorize?x=1", Some("login.example.org")),
        ("http://login.example.org/", None),
        ("/elsewhere", None),
        ("https://login.example.org@evil.example/", Some("evil.example")),
    ] {
        let look = seen(redirect(to)).await;
        assert_eq!(look.sight, Sight::Redirect { host: host.map(str::to_owned) }, "{to}");
    }
}

#[tokio::test]
async fn what_does_not_answer_is_down() {
    for play in [Play::Silent, Play::HangUp, Play::Half("<b>".to_owned()), status(500), status(503)]
    {
        let look = seen(play).await;
        assert!(matches!(look.sight, Sight::Down { .. }), "{look:?}");
    }
}

#[tokio::test]
async fn what_says_nothing_is_unclear_with_its_reason() {
    for (play, reason) in [
        (status(401), Reason::Unauthorised),
        (status(407), Reason::Unauthorised),
        (status(429), Reason::Throttled),
        (status(404), Reason::Malformed),
        (status(204), Reason::Malformed),
        (status(511), Reason::Malformed),
        (page(""), Reason::Malformed),
        (page(" \n\t "), Reason::Malformed),
    ] {
        let look = seen(play).await;
        assert_eq!(unclear(&look), Some(reason), "{look:?}");
    }
}

#[tokio::test]
async fn time_is_taken_from_the_clock() {
    let (_, clock) = context(std::path::Path::new("/"), estate("x", &[]));
    let vendor = Vendor::start().await;
    vendor.play("/in", Play::Late(clock.clone(), Duration::from_secs(6), "late".to_owned()));
    let (mut ctx, _) = context(std::path::Path::new("/"), estate("x", &[]));
    ctx.transport = crate::transport::Transport::new(
        crate::transport::TransportSettings::default(),
        clock.clone(),
    );
    let settings: EndpointSettings =
        serde_json::from_value(serde_json::json!({"url": vendor.url})).unwrap();
    let look = look(&ctx.transport.endpoint(&settings).unwrap(), "in", &[]).await;
    assert!(look.is_slow(Duration::from_secs(5)) && !look.is_slow(Duration::from_secs(6)));
    assert_eq!(look.latency_ms(), Some(6_000.0));
}
