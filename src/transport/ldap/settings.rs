//! Settings of a directory: its controllers and whom to trust, and which addresses are taken at all.

use std::collections::BTreeSet;
use std::path::PathBuf;

use url::Url;

use crate::model::span::Span;
use crate::transport::settings::{SetupError, bare};

/// The most controllers that are asked.
pub const MOST_CONTROLLERS: usize = 16;

/// How a directory is reached. Whoever owns the configuration fills it in.
#[derive(Debug, Clone, PartialEq)]
pub struct LdapSettings {
    /// The controllers in the order in which they are tried: `ldaps://host[:port]` for TLS from the
    /// first byte, `ldap://host[:port]` for StartTLS before anything else. Never without TLS.
    pub controllers: Vec<Url>,
    /// PEM file of the certificate authority, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// The account to sign in with: `svc@example.org` or a DN.
    pub bind_as: String,
    /// Time to reach one controller: name, connection, StartTLS and handshake.
    pub connect_timeout: Span,
    /// Time for one operation: the sign-in, or one page of a search.
    pub operation_timeout: Span,
    /// Time for everything that is asked over one connection.
    pub deadline: Span,
    /// Entries of one page, 1 to 1,000 (more is refused by Active Directory).
    pub page: u16,
}

/// One controller's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// Scheme, host and port, for messages.
    pub(super) name: String,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) start_tls: bool,
}

/// The addresses, or which one may not be used and why.
pub(super) fn addresses(settings: &LdapSettings) -> Result<Vec<Address>, SetupError> {
    let refuse = |url: &Url, why| SetupError::Url { url: bare(url), why };
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for url in &settings.controllers {
        let (start_tls, usual) = match url.scheme() {
            "ldaps" => (false, 636),
            "ldap" => (true, 389),
            _ => {
                return Err(refuse(
                    url,
                    "a controller is ldaps://HOST, or ldap://HOST for StartTLS",
                ));
            }
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse(url, "name and password do not belong in a URL: use bind_as"));
        }
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(refuse(url, "there is no host in it"));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(refuse(
                url,
                "only host and port belong in it: the base is a setting apart",
            ));
        }
        let port = url.port().unwrap_or(usual);
        // The global catalogue leaves out what is asked for.
        if matches!(port, 3_268 | 3_269) {
            return Err(refuse(url, "this is the port of a global catalogue: use 636 or 389"));
        }
        if !seen.insert((host.to_owned(), port)) {
            return Err(refuse(url, "is named twice"));
        }
        let name = format!("{}://{}:{port}", url.scheme(), url.host_str().unwrap_or_default());
        out.push(Address { name, host: host.to_owned(), port, start_tls });
    }
    match out.len() {
        1..=MOST_CONTROLLERS => Ok(out),
        0 => Err(SetupError::Controllers("name at least one controller".to_owned())),
        _ => Err(SetupError::Controllers(format!("name at most {MOST_CONTROLLERS} controllers"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(urls: &[&str]) -> Result<Vec<Address>, String> {
        let settings = LdapSettings {
            controllers: urls.iter().map(|u| Url::parse(u).unwrap()).collect(),
            ca_file: None,
            bind_as: "svc@example.org".into(),
            connect_timeout: Span::from_secs(5),
            operation_timeout: Span::from_secs(20),
            deadline: Span::from_secs(60),
            page: 500,
        };
        addresses(&settings).map_err(|e| e.to_string())
    }

    #[test]
    fn a_controller_is_reached_over_tls_or_not_at_all() {
        let found =
            of(&["ldaps://dc1.example.org", "ldap://dc2.example.org:1389", "ldaps://[::1]"])
                .unwrap();
        let told: Vec<_> =
            found.iter().map(|a| (a.name.as_str(), a.host.as_str(), a.port, a.start_tls)).collect();
        assert_eq!(
            told,
            [
                ("ldaps://dc1.example.org:636", "dc1.example.org", 636, false),
                ("ldap://dc2.example.org:1389", "dc2.example.org", 1389, true),
                ("ldaps://[::1]:636", "::1", 636, false),
            ]
        );
        for (bad, words) in [
            ("https://dc1.example.org", "ldaps://HOST"),
            ("ldapi:///run/slapd", "ldaps://HOST"),
            ("ldaps:///", "no host"),
            ("ldaps://svc:pa55word@dc1.example.org", "bind_as"),
            ("ldaps://dc1.example.org/DC=example", "only host and port"),
            ("ldaps://dc1.example.org?x", "only host and port"),
            ("ldaps://dc1.example.org:3269", "global catalogue"),
        ] {
            let said = of(&[bad]).unwrap_err();
            assert!(said.contains(words) && !said.contains("pa55word"), "{bad}: {said}");
        }
        assert!(of(&[]).unwrap_err().contains("at least one"));
        assert!(of(&["ldaps://dc1", "ldaps://dc1:636"]).unwrap_err().contains("twice"));
    }
}
