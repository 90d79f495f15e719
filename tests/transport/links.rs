//! Redirects and next-page links: nothing of ours goes to another origin.

use caretaker::model::health::Reason;
use caretaker::transport::{Failure, Request};
use secrecy::SecretString;

use crate::server::{Act, Server, answer, ok};
use crate::{at, endpoint, roomy, transport};

fn secret() -> SecretString {
    "Bearer canary".to_owned().into()
}

#[tokio::test]
async fn threat_04_a_redirect_is_never_followed() {
    let other = Server::start(|_, _| Act::Send(ok("{}"))).await;
    let to = other.address.port();
    let server = Server::start(move |n, _| {
        let status = [301, 302, 303, 307, 308][n % 5];
        // Also to this host itself, and to nowhere.
        let location = match n {
            0..10 => format!("Location: http://127.0.0.1:{to}/take?x=canary\r\n"),
            10 => "Location: /elsewhere\r\n".to_owned(),
            _ => String::new(),
        };
        Act::Send(answer(&format!("{status} Moved"), &location, "moved"))
    })
    .await;
    let vendor = endpoint(roomy(), &server.url());
    for n in 0..12 {
        let request = match n {
            5..10 => Request::post("token").form(vec![("secret", secret())]).repeatable(),
            _ => Request::get("").header("Authorization", secret()),
        };
        let failure = vendor.send(request).await.unwrap_err();
        let expected = if n < 11 { "127.0.0.1" } else { "nowhere" };
        match &failure {
            Failure::Redirected { status: 301..=308, to, .. } => assert_eq!(to, expected),
            other => panic!("{other:?}"),
        }
        assert_eq!(failure.reason(), Reason::Malformed);
        assert!(!failure.to_string().contains("canary"), "{failure}");
    }
    assert_eq!(server.requests().len(), 12, "nor asked for again");
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn a_probe_may_look_at_a_redirect() {
    let other = Server::start(|_, _| Act::Send(ok("{}"))).await;
    let to = other.url();
    let server = Server::start(move |_, _| {
        Act::Send(answer("302 Found", &format!("Location: {to}/blocked\r\n"), "blocked"))
    })
    .await;
    let vendor = transport(roomy()).probe_endpoint(&at(&server.url())).unwrap();
    let reply = vendor.send(Request::get("").redirect_is_answer()).await.unwrap();
    assert_eq!(reply.status, 302);
    assert_eq!(reply.header("location"), Some(format!("{}/blocked", other.url()).as_str()));
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn a_probe_carries_nothing_of_ours() {
    let server = Server::start(|_, _| Act::Send(ok("{}"))).await;
    let transport = transport(roomy());
    let probe = transport.probe_endpoint(&at(&server.url())).unwrap();
    for request in [
        Request::get("").header("Authorization", secret()),
        Request::post("").form(vec![("secret", secret())]),
        Request::post("").secret_json(vec![("secret", secret())]),
        Request::post("").json(serde_json::json!({})),
    ] {
        let failure = probe.send(request).await.unwrap_err();
        assert!(matches!(failure, Failure::Unauthorised { .. }), "{failure}");
    }
    assert_eq!(server.connections(), 0);
    probe.send(Request::get("")).await.unwrap();
    // Plain HTTP to anywhere is for probes only.
    assert!(transport.probe_endpoint(&at("http://filtered.example/")).is_ok());
    assert!(transport.endpoint(&at("http://filtered.example/")).is_err());
}

#[tokio::test]
async fn threat_05_a_next_page_is_taken_whole_from_the_same_origin_only() {
    let other = Server::start(|_, _| Act::Send(ok("{}"))).await;
    let server = Server::start(|_, _| Act::Send(ok("{}"))).await;
    let vendor = endpoint(roomy(), &format!("{}/v1/", server.url()));
    let link = format!("{}/other/path?$skiptoken=a%2Fb&x=%20", server.url());
    let page = vendor.next_page(&link).unwrap().header("Authorization", secret());
    vendor.send(page).await.unwrap();
    let sent = &server.requests()[0];
    assert!(sent.starts_with("GET /other/path?$skiptoken=a%2Fb&x=%20 HTTP/1.1"), "{sent}");

    let port = server.address.port();
    for foreign in [
        format!("{}/v1/?p=2", other.url()),
        format!("https://127.0.0.1:{port}/v1/?p=2"),
        format!("http://localhost:{port}/v1/?p=2"),
        format!("http://127.0.0.1:{port}@evil.example/v1/"),
        format!("http://ann@127.0.0.1:{port}/v1/"),
        format!("http://:canary@127.0.0.1:{port}/v1/"),
        format!("//127.0.0.1:{port}/v1/"),
        "/v1/?p=2".to_owned(),
        "file:///etc/passwd".to_owned(),
        "javascript:canary".to_owned(),
        String::new(),
    ] {
        let failure = vendor.next_page(&foreign).unwrap_err();
        assert!(matches!(failure, Failure::ForeignLink { .. }), "{foreign}: {failure:?}");
        assert!(!failure.to_string().contains("canary"), "{failure}");
        assert_eq!(failure.reason(), Reason::Malformed);
    }

    // A page of one endpoint that is sent by another.
    let stranger = endpoint(roomy(), &other.url());
    let page = stranger.next_page(&format!("{}/?p=2", other.url())).unwrap();
    let failure = vendor.send(page.header("Authorization", secret())).await.unwrap_err();
    assert!(matches!(failure, Failure::ForeignLink { .. }), "{failure:?}");
    assert_eq!((server.requests().len(), other.connections()), (1, 0));
}
