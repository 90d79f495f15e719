//! Probes of a name, a port and a certificate.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::reading::{Judged, severity};
use super::settings::{CertificateLimits, DnsProbe, TcpProbe, TlsProbe};
use crate::model::health::Reason;
use crate::model::observation::Verdict;
use crate::model::span::Span;
use crate::ports::clock::Clock;
use crate::transport::{Certificate, Resolved, Transport, Unreached};

/// A verdict with its sentence.
pub(super) type Said = (Verdict, String);

/// Without an answer nothing is proved; an answer that says "no" is the failure that was looked for.
fn unreached(e: &Unreached) -> Said {
    let verdict = match e {
        Unreached::NoSuchName(_) | Unreached::Certificate { .. } => Verdict::Critical,
        Unreached::NoAnswer { .. } | Unreached::Deadline { .. } | Unreached::Ours(_) => {
            Verdict::Unknown(Reason::NoAnswer)
        }
        Unreached::Stranger { .. } => Verdict::Unknown(Reason::Malformed),
    };
    (verdict, e.to_string())
}

fn judged((verdict, detail): Said) -> Judged {
    let mut judged = Judged::unknown(Reason::NoAnswer, detail);
    judged.verdict = verdict;
    judged
}

/// How a certificate stands at `now`.
pub(super) fn certificate(
    seen: &Result<Certificate, Unreached>,
    limits: CertificateLimits,
    now: Timestamp,
) -> (Said, Option<i64>) {
    let seen = match seen {
        Ok(seen) => seen,
        Err(e) => return (unreached(e), None),
    };
    let left = seen.ends_at.as_second() - now.as_second();
    let days = left.div_euclid(86_400);
    let until = seen.ends_at.strftime("%-d %b %Y");
    let line = format!("certificate counts until {until}, {days} days left");
    let less = |span: Span| left < span.as_secs_i64();
    let verdict = if less(limits.critical) {
        Verdict::Critical
    } else if less(limits.warning) {
        Verdict::Warning
    } else {
        Verdict::Ok
    };
    ((verdict, line), Some(days))
}

/// Shakes hands and judges the certificate.
pub(super) async fn tls(
    transport: &Transport,
    probe: &TlsProbe,
    host: &str,
    clock: &Arc<dyn Clock>,
) -> Judged {
    let limit = probe.deadline.duration();
    let seen = transport.handshake(host, probe.port, probe.ca_file.as_deref(), limit).await;
    note(transport, &format!("TLS handshake with {host}:{}", probe.port), seen.as_ref().err());
    let limits = CertificateLimits { warning: probe.warning, critical: probe.critical };
    let (said, days) = certificate(&seen, limits, clock.now());
    with_days(judged(said), days)
}

/// With the days that are left, as a number.
fn with_days(judged: Judged, days: Option<i64>) -> Judged {
    match days.and_then(|days| i32::try_from(days).ok()) {
        Some(days) => judged.number("certificate_days_left", f64::from(days)),
        None => judged,
    }
}

/// Looks a name up.
pub(super) async fn dns(transport: &Transport, probe: &DnsProbe, host: &str) -> Judged {
    let found = transport.resolve(host, probe.deadline.duration()).await;
    note(transport, &format!("name {host}"), found.as_ref().err());
    let found = match found {
        Ok(found) => found,
        Err(e) => return judged(unreached(&e)),
    };
    let shown: Vec<String> = found.addresses.iter().map(ToString::to_string).collect();
    let judged = judged(of_name(probe, host, &found)).fact("addresses", shown.join(", "));
    match found.canonical.filter(|name| !is_same_name(name, host)) {
        Some(name) => judged.fact("alias of", name),
        None => judged,
    }
}

/// How a name stands that was found.
fn of_name(probe: &DnsProbe, host: &str, found: &Resolved) -> Said {
    let strange: Vec<String> = match probe.addresses.as_slice() {
        [] => Vec::new(),
        known => {
            let strange = found.addresses.iter().filter(|a| !known.contains(a));
            strange.map(ToString::to_string).collect()
        }
    };
    if !strange.is_empty() {
        let line = format!("{host} points to {}, which was not expected", strange.join(", "));
        return (Verdict::Critical, line);
    }
    let shown: Vec<String> = found.addresses.iter().map(ToString::to_string).collect();
    let well = format!("{host} has {}", shown.join(", "));
    if probe.cname.is_empty() {
        return (Verdict::Ok, well);
    }
    match found.canonical.as_deref() {
        None => {
            let line = format!("{well}, and the resolver does not say whether it is an alias");
            (Verdict::Unknown(Reason::Malformed), line)
        }
        Some(name) if probe.cname.iter().any(|known| is_below(name, known)) => {
            (Verdict::Ok, format!("{host} is an alias of {name}"))
        }
        Some(name) if is_same_name(name, host) => {
            (Verdict::Critical, format!("{host} is no alias: it has addresses of its own"))
        }
        Some(name) => {
            let line = format!("{host} is an alias of {name}, which was not expected");
            (Verdict::Critical, line)
        }
    }
}

/// Whether two names are one: case does not matter, nor the dot of the root.
fn is_same_name(a: &str, b: &str) -> bool {
    a.trim_end_matches('.').eq_ignore_ascii_case(b.trim_end_matches('.'))
}

/// Whether `name` is `known`, or for `*.example.net` any below it.
fn is_below(name: &str, known: &str) -> bool {
    let Some(above) = known.strip_prefix("*.") else { return is_same_name(name, known) };
    let labels = name.split_once('.').map(|(_, rest)| rest);
    std::iter::successors(labels, |rest| rest.split_once('.').map(|(_, rest)| rest))
        .any(|rest| is_same_name(rest, above))
}

/// Opens a connection.
pub(super) async fn tcp(transport: &Transport, probe: &TcpProbe, host: &str) -> Judged {
    let place = format!("{host}:{}", probe.port);
    let took = transport.connect(host, probe.port, probe.deadline.duration()).await;
    note(transport, &format!("connection to {place}"), took.as_ref().err());
    match took {
        Err(e) => judged(unreached(&e)),
        Ok(took) => {
            let said = slow(
                (Verdict::Ok, format!("{place} takes connections")),
                took,
                probe.slow_after,
                None,
            );
            judged(said).number("latency_ms", (took.as_secs_f64() * 1_000.0).round())
        }
    }
}

/// `said`, or worse where it took too long.
pub(super) fn slow(said: Said, took: Duration, warning: Span, critical: Option<Span>) -> Said {
    let over = |limit: Span| took > limit.duration();
    let (verdict, limit) = match critical.filter(|limit| over(*limit)) {
        Some(limit) => (Verdict::Critical, limit),
        None if over(warning) => (Verdict::Warning, warning),
        None => return said,
    };
    if severity(verdict) <= severity(said.0) {
        return said;
    }
    (verdict, format!("{}, but slower than {limit}", said.1))
}

fn note(transport: &Transport, what: &str, failed: Option<&Unreached>) {
    if let Some(trace) = transport.trace() {
        match failed {
            None => trace.note(&format!("{what}: answered")),
            Some(e) => trace.note(&format!("{what}: {e}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(cname: &[&str], canonical: Option<&str>) -> Said {
        let probe = DnsProbe {
            host: String::new(),
            addresses: Vec::new(),
            cname: cname.iter().map(|name| (*name).to_owned()).collect(),
            deadline: Span::from_secs(1),
        };
        let addresses = ["192.0.2.7".parse().unwrap()].into();
        let found = Resolved { addresses, canonical: canonical.map(str::to_owned) };
        of_name(&probe, "portal.school.example", &found)
    }

    #[test]
    fn a_name_must_be_the_alias_that_it_should_be() {
        let own = Some("portal.school.example");
        let vendors = Some("Eu-1.pages.vendor.example.");
        assert_eq!(said(&[], own).0, Verdict::Ok);
        for known in ["eu-1.pages.vendor.example", "*.vendor.example", "*.pages.VENDOR.example."] {
            assert_eq!(said(&["other.example", known], vendors).0, Verdict::Ok, "{known}");
        }
        for known in
            ["pages.vendor.example", "*.eu-1.pages.vendor.example", "*.endor.example", "*.ex"]
        {
            let (verdict, line) = said(&[known], vendors);
            assert_eq!(verdict, Verdict::Critical, "{known}");
            assert!(line.contains("alias of Eu-1.pages.vendor.example., which was not expected"));
        }
        let (verdict, line) = said(&["*.vendor.example"], own);
        assert_eq!(verdict, Verdict::Critical);
        assert!(line.contains("is no alias"), "{line}");
        let untold = said(&["*.vendor.example"], None);
        assert_eq!(untold.0, Verdict::Unknown(Reason::Malformed), "never ok without a word of it");
    }
}
