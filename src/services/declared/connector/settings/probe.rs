//! Probes: a page, a certificate, a name, a port, looked at from here.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::span::Span;
use crate::services::declared::probe::default_block_marks;
use crate::transport::EndpointSettings;

/// What is looked at. One of the four.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProbeSettings {
    /// A web page.
    Http(Box<HttpProbe>),
    /// A server's certificate.
    Tls(TlsProbe),
    /// A name and its addresses.
    Dns(DnsProbe),
    /// A port that must take a connection.
    Tcp(TcpProbe),
}

/// A web page and what it must be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpProbe {
    /// The site; `http://` only to loopback.
    pub endpoint: EndpointSettings,
    /// The page below it, with placeholders such as `{laestab}` or `{param:portal}`.
    #[serde(default)]
    pub path: String,
    /// Query of the page, with placeholders.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Statuses that are right. A redirect is never followed; it is right when its `Location` is at
    /// one of `location_hosts`, over TLS.
    #[serde(default = "default_status")]
    pub status: Vec<u16>,
    /// Pieces that the page must hold, upper and lower case being the same. `{name}` is the school's
    /// name, and is looked for among the words that a visitor sees.
    #[serde(default)]
    pub contains: Vec<String>,
    /// Pieces that the page must not hold.
    #[serde(default)]
    pub lacks: Vec<String>,
    /// Hosts to which a redirect counts as up, as far as the hand-over.
    #[serde(default)]
    pub location_hosts: Vec<String>,
    /// Sentences of a web filter's block page: the probe was blocked, the service is not judged.
    #[serde(default = "default_block_marks")]
    pub block_marks: Vec<String>,
    /// Slower is a warning.
    #[serde(default = "default_slow_after")]
    pub slow_after: Span,
    /// Slower is critical; never unless set.
    #[serde(default)]
    pub critical_after: Option<Span>,
    /// Limits of the days that the certificate still counts; looked at where set.
    #[serde(default)]
    pub certificate: Option<CertificateLimits>,
}

fn default_status() -> Vec<u16> {
    vec![200]
}

fn default_slow_after() -> Span {
    Span::from_secs(5)
}

/// How long a certificate must still count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CertificateLimits {
    /// Less is a warning.
    pub warning: Span,
    /// Less is critical.
    pub critical: Span,
}

impl Default for CertificateLimits {
    fn default() -> Self {
        Self { warning: Span::from_days(21), critical: Span::from_days(7) }
    }
}

/// A server's certificate: vouched for by an authority that is trusted here, of the right name, and
/// with days left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsProbe {
    /// Host, with placeholders.
    pub host: String,
    /// Port.
    #[serde(default = "default_port")]
    pub port: u16,
    /// PEM file of the certificate authority, instead of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Fewer days left is a warning.
    #[serde(default = "default_warning")]
    pub warning: Span,
    /// Fewer days left is critical.
    #[serde(default = "default_critical")]
    pub critical: Span,
    /// Longest time for the handshake.
    #[serde(default = "default_deadline")]
    pub deadline: Span,
}

fn default_port() -> u16 {
    443
}

fn default_warning() -> Span {
    CertificateLimits::default().warning
}

fn default_critical() -> Span {
    CertificateLimits::default().critical
}

fn default_deadline() -> Span {
    Span::from_secs(10)
}

/// A name that must have an address, asked of the system's resolver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsProbe {
    /// The name, with placeholders.
    pub host: String,
    /// The addresses that it may have; any unless set.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
    /// The names that it may be an alias of (CNAME), when every alias was followed;
    /// `*.example.net` is any below. Any, and none, unless set.
    #[serde(default)]
    pub cname: Vec<String>,
    /// Longest time for an answer.
    #[serde(default = "default_deadline")]
    pub deadline: Span,
}

/// A port that must take a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TcpProbe {
    /// Host, with placeholders.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Slower is a warning.
    #[serde(default = "default_slow_after")]
    pub slow_after: Span,
    /// Longest time for the connection.
    #[serde(default = "default_deadline")]
    pub deadline: Span,
}
