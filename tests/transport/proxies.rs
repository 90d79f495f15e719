//! Only the proxy of the configuration is used, and never for this machine.

use caretaker::transport::{Request, SetupError, TransportSettings};
use secrecy::SecretString;

use crate::server::{Act, Server, answer, ok};
use crate::{at, endpoint, roomy, transport};

/// Set for the child only.
const CHILD: &str = "CARETAKER_TEST_CHILD";

fn through(proxy: &str) -> TransportSettings {
    TransportSettings { proxy_url: Some(proxy.parse().unwrap()), tries: 1, ..roomy() }
}

#[tokio::test]
async fn the_environments_proxies_are_ignored() {
    let proxy = Server::start(|_, _| Act::Send(ok("{}"))).await;
    // The environment is the process's own: so the test runs itself again in another.
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "proxies::calls_without_a_proxy", "--nocapture"]).env(CHILD, "1");
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    {
        child.env(name, proxy.url());
    }
    child.env_remove("no_proxy").env_remove("NO_PROXY").env_remove("REQUEST_METHOD");
    let outcome = child.output().await.unwrap();
    let said = String::from_utf8_lossy(&outcome.stdout).into_owned();
    assert!(outcome.status.success() && said.contains("called itself"), "{said}");
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test]
async fn calls_without_a_proxy() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let server = Server::start(|_, _| Act::Send(ok("{}"))).await;
    endpoint(roomy(), &server.url()).send(Request::get("")).await.unwrap();
    // Beyond this machine: fails, but not by way of the proxy.
    let settings = TransportSettings { tries: 1, ..roomy() };
    let away = endpoint(settings, "https://no-such-host.invalid/");
    away.send(Request::get("")).await.unwrap_err();
    assert_eq!(server.requests().len(), 1);
    println!("called itself");
}

#[tokio::test]
async fn the_configured_proxy_is_used_and_told_nothing() {
    let proxy = Server::start(|_, _| Act::Send(answer("403 No", "", ""))).await;
    let vendor = endpoint(through(&proxy.url()), "https://vendor.example/api");
    let secret: SecretString = "Bearer canary".to_owned().into();
    let call = Request::post("token")
        .header("Authorization", secret.clone())
        .query("q", "canary")
        .form(vec![("secret", secret)]);
    vendor.send(call).await.unwrap_err();
    let sent = proxy.requests().concat();
    assert!(sent.starts_with("CONNECT vendor.example:443 HTTP/1.1"), "{sent}");
    assert!(!sent.contains("canary"), "{sent}");
}

#[tokio::test]
async fn this_machine_is_reached_without_the_proxy() {
    let proxy = Server::start(|_, _| Act::Send(ok("{}"))).await;
    let server = Server::start(|_, _| Act::Send(ok("{}"))).await;
    let port = server.address.port();
    for url in
        [server.url(), format!("http://localhost:{port}"), format!("http://127.0.0.1:{port}")]
    {
        endpoint(through(&proxy.url()), &url).send(Request::get("")).await.unwrap();
    }
    assert_eq!((server.requests().len(), proxy.connections()), (3, 0));
}

#[tokio::test]
async fn a_proxy_with_a_password_or_another_scheme_is_refused() {
    for proxy in ["http://ann:canary@proxy.example:3128", "socks5://proxy.example", "ftp://proxy/"]
    {
        let made = transport(through(proxy)).endpoint(&at("https://vendor.example/"));
        match made.map(|_| ()) {
            Err(e @ SetupError::Url { .. }) => assert!(!e.to_string().contains("canary"), "{e}"),
            other => panic!("{proxy}: {other:?}"),
        }
    }
}
