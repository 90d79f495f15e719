//! Who is believed to be who.

use std::path::PathBuf;

use caretaker::model::health::Reason;
use caretaker::transport::{Failure, Request, SetupError, TransportSettings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use secrecy::SecretString;

use crate::server::{Act, Server, ok};
use crate::{at, roomy, transport};

/// A certificate authority of our own.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "Test authority");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A server with a certificate for localhost.
    pub fn good(&self) -> rustls::ServerConfig {
        self.server("localhost", |_| {})
    }

    pub fn server(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> rustls::ServerConfig {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        config(certificate.der().clone(), &key)
    }
}

fn self_signed() -> rustls::ServerConfig {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    config(params.self_signed(&key).unwrap().der().clone(), &key)
}

fn config(
    certificate: rustls::pki_types::CertificateDer<'static>,
    key: &KeyPair,
) -> rustls::ServerConfig {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap()
}

/// Calls a server with this certificate while trusting `ca`; nothing may have been sent on failure.
async fn call(tls: rustls::ServerConfig, ca: Option<PathBuf>) -> Result<u16, Failure> {
    let server = Server::start_tls(tls, |_, _| Act::Send(ok("{}"))).await;
    let mut settings = at(&server.tls_url());
    settings.ca_file = ca;
    let vendor = transport(roomy()).endpoint(&settings).unwrap();
    let secret: SecretString = "Bearer canary".to_owned().into();
    let outcome = vendor.send(Request::get("").header("Authorization", secret)).await;
    match outcome {
        Ok(reply) => Ok(reply.status),
        Err(failure) => {
            assert!(server.requests().is_empty(), "sent before the server was known");
            assert_eq!(server.connections(), 1, "a refusal is not tried again");
            Err(failure)
        }
    }
}

fn refused(outcome: Result<u16, Failure>, expected: &str) {
    match outcome {
        Err(Failure::Tls { why, .. }) => assert!(why.contains(expected), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_endpoints_own_authority_is_believed() {
    let ours = Authority::new();
    assert_eq!(call(ours.good(), Some(ours.file())).await, Ok(200));
}

#[tokio::test]
async fn threat_09_nobody_else_is_believed() {
    let (ours, other) = (Authority::new(), Authority::new());
    refused(call(other.good(), Some(ours.file())).await, "");
    refused(call(self_signed(), Some(ours.file())).await, "ca_file");
}

#[tokio::test]
async fn the_system_does_not_believe_ours() {
    let ours = Authority::new();
    // Also on a system without any roots, where nobody is believed.
    for tls in [ours.good(), self_signed()] {
        let server = Server::start_tls(tls, |_, _| Act::Send(ok("{}"))).await;
        let vendor = transport(roomy()).endpoint(&at(&server.tls_url())).unwrap();
        let failure = vendor.send(Request::get("")).await.unwrap_err();
        assert!(matches!(failure, Failure::Tls { .. }), "{failure:?}");
        assert_eq!(failure.reason(), Reason::NoAnswer);
        assert!(failure.to_string().contains("ca_file"), "names the remedy: {failure}");
        assert!(server.requests().is_empty());
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_or_another_time_is_refused() {
    let ours = Authority::new();
    let wrong = ours.server("elsewhere.example", |_| {});
    refused(call(wrong, Some(ours.file())).await, "another name");
    let expired = ours.server("localhost", |p| {
        p.not_before = date_time_ymd(2001, 1, 1);
        p.not_after = date_time_ymd(2002, 1, 1);
    });
    refused(call(expired, Some(ours.file())).await, "expired");
    let early = ours.server("localhost", |p| {
        p.not_before = date_time_ymd(3001, 1, 1);
        p.not_after = date_time_ymd(3002, 1, 1);
    });
    refused(call(early, Some(ours.file())).await, "not valid yet");
}

#[tokio::test]
async fn a_plain_server_behind_https_is_refused() {
    let ours = Authority::new();
    let server = Server::start(|_, _| Act::SendAndClose(ok("{}"))).await;
    let mut settings = at(&server.tls_url());
    settings.ca_file = Some(ours.file());
    settings.deadline = Some(caretaker::model::span::Span::from_secs(2));
    let vendor = transport(roomy()).endpoint(&settings).unwrap();
    let secret: SecretString = "Bearer canary".to_owned().into();
    let failure = vendor.send(Request::get("").header("Authorization", secret)).await.unwrap_err();
    assert_eq!(failure.reason(), Reason::NoAnswer, "{failure}");
    assert!(server.requests().iter().all(|r| !r.contains("canary")));
}

#[tokio::test]
async fn an_end_that_tls_did_not_announce_is_a_cut() {
    let ours = Authority::new();
    // No length: the body goes on until the end, which anybody on the way could bring about.
    let server = Server::start_tls(ours.good(), |n, _| {
        let body = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[1,2,3]".to_vec();
        if n == 0 { Act::SendAndClose(body) } else { Act::SendAndCut(body) }
    })
    .await;
    let mut settings = at(&server.tls_url());
    settings.ca_file = Some(ours.file());
    let settings_once = TransportSettings { tries: 1, ..roomy() };
    let vendor = transport(settings_once).endpoint(&settings).unwrap();
    assert_eq!(&vendor.send(Request::get("")).await.unwrap().body[..], b"[1,2,3]");
    let failure = vendor.send(Request::get("")).await.unwrap_err();
    assert!(matches!(failure, Failure::NoAnswer { .. }), "{failure:?}");
}

#[tokio::test]
async fn a_ca_file_that_is_none_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    for path in [
        folder.path().join("missing.pem"),
        write("empty.pem", ""),
        write("text.pem", "this is no certificate\n"),
        write("key.pem", &KeyPair::generate().unwrap().serialize_pem()),
        write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ] {
        let mut settings = at("https://vendor.example/");
        settings.ca_file = Some(path.clone());
        match transport(roomy()).endpoint(&settings).map(|_| ()) {
            Err(SetupError::Ca { path: named, .. }) => {
                assert_eq!(named, path.display().to_string())
            }
            other => panic!("{}: {other:?}", path.display()),
        }
    }
}
