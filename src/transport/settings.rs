//! Settings of the transport and of its endpoints, and which URLs may be called at all.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::model::span::Span;

/// Limits of the whole transport.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TransportSettings {
    /// An explicit proxy without a password; the environment's proxies are ignored, and loopback
    /// hosts are always reached directly.
    pub proxy_url: Option<Url>,
    /// Time for one call from its turn to the last byte, retries and their pauses included. Waiting
    /// for its turn under our own limits does not count.
    pub deadline: Span,
    /// Time without a byte while the body of an answer arrives.
    pub read_timeout: Span,
    /// Calls in flight to one origin; 0 for no limit.
    pub concurrency: usize,
    /// Calls a second to one origin; 0 for no limit.
    pub per_second: u32,
    /// Bytes of one body after decompression.
    pub body_limit: usize,
    /// Tries of a call that may be repeated.
    pub tries: u32,
    /// Failed calls in a row after which an origin is left alone for a while.
    pub breaker_failures: u32,
    /// The longest while for which an origin is left alone.
    pub breaker_longest: Span,
}

impl Default for TransportSettings {
    fn default() -> Self {
        Self {
            proxy_url: None,
            deadline: Span::from_secs(20),
            read_timeout: Span::from_secs(10),
            concurrency: 16,
            per_second: 50,
            body_limit: 8 * 1024 * 1024,
            tries: 3,
            breaker_failures: 5,
            breaker_longest: Span::from_secs(60),
        }
    }
}

/// Where one API is. Every base URL and CA file is configurable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointSettings {
    /// Base URL; `http://` only to loopback.
    pub url: Url,
    /// PEM file of the certificate authority, instead of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Instead of the transport's deadline.
    #[serde(default)]
    pub deadline: Option<Span>,
    /// Instead of the transport's calls in flight; 0 for no limit.
    #[serde(default)]
    pub concurrency: Option<usize>,
    /// Instead of the transport's calls a second; 0 for no limit.
    #[serde(default)]
    pub per_second: Option<u32>,
}

/// Why a transport or an endpoint could not be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The URL is not one that we may call.
    #[error("{url}: {why}")]
    Url {
        /// The URL, without user information and query.
        url: String,
        /// Which rule it breaks, and the remedy.
        why: &'static str,
    },
    /// The CA file cannot be used.
    #[error("CA file {path}: {why}")]
    Ca {
        /// The path.
        path: String,
        /// Why.
        why: String,
    },
    /// The list of a directory's controllers cannot be used.
    #[error("controllers: {0}")]
    Controllers(String),
    /// The client could not be built.
    #[error("HTTP client: {0}")]
    Client(String),
}

/// Installs ring's TLS provider for the process. First call of `app` and of any test with a client.
pub fn install_tls() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Only fails when another thread was faster, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
}

/// Whether plain HTTP is accepted for a host that is not this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlainHttp {
    /// To loopback only: calls may carry credentials.
    Loopback,
    /// Anywhere: the endpoint refuses to carry anything of ours.
    Anywhere,
}

/// Whether `url` may be called.
pub(super) fn check_url(url: &Url, plain: PlainHttp) -> Result<(), SetupError> {
    let why = if !url.username().is_empty() || url.password().is_some() {
        "user name and password do not belong in a URL: name a credential instead"
    } else if !url.has_host() {
        "there is no host in it"
    } else {
        match url.scheme() {
            "https" => return Ok(()),
            "http" if plain == PlainHttp::Anywhere || is_loopback(url) => return Ok(()),
            "http" => "http:// is only for loopback hosts: use https://, with ca_file if need be",
            _ => "only https:// can be called",
        }
    };
    Err(SetupError::Url { url: bare(url), why })
}

/// Whether the host is this machine by its very name: 127.0.0.0/8, `::1`, `localhost`.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// The URL without what may be secret.
pub(super) fn bare(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, plain: PlainHttp) -> Result<(), String> {
        check_url(&Url::parse(url).unwrap(), plain).map_err(|e| e.to_string())
    }

    #[test]
    fn threat_09_plain_http_goes_to_loopback_only() {
        for good in [
            "https://api.vendor.example/v1",
            "http://127.0.0.1:8080",
            "http://127.9.9.9",
            "http://0x7f.1/",
            "http://[::1]:80/",
            "http://localhost:9/",
            "http://LOCALHOST/",
        ] {
            assert_eq!(check(good, PlainHttp::Loopback), Ok(()), "{good}");
        }
        for bad in [
            "http://api.vendor.example/",
            "http://10.0.0.1/",
            "http://localhost.evil.example/",
            "http://127.0.0.1.evil.example/",
            "http://[::ffff:127.0.0.1]/",
            "http://0.0.0.0/",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "unix:/run/x",
        ] {
            assert!(check(bad, PlainHttp::Loopback).is_err(), "{bad}");
        }
        assert_eq!(check("http://blocked.example/", PlainHttp::Anywhere), Ok(()));
        assert!(check("ftp://blocked.example/", PlainHttp::Anywhere).is_err());
    }

    #[test]
    fn refuses_user_information_and_does_not_repeat_it() {
        for url in ["https://ann:pa55word@v.example/x?key=pa55word", "http://pa55word@127.0.0.1/"] {
            let said = check(url, PlainHttp::Anywhere).unwrap_err();
            assert!(!said.contains("pa55word") && said.contains("credential"), "{said}");
        }
    }
}
