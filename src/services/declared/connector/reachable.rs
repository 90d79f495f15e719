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
use crate::transport::{Certificate, Transport, Unreached};

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
    let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
    let strange: Vec<String> = match probe.addresses.as_slice() {
        [] => Vec::new(),
        known => found.iter().filter(|a| !known.contains(a)).map(ToString::to_string).collect(),
    };
    let said = if strange.is_empty() {
        (Verdict::Ok, format!("{host} has {}", shown.join(", ")))
    } else {
        let line = format!("{host} points to {}, which was not expected", strange.join(", "));
        (Verdict::Critical, line)
    };
    judged(said).fact("addresses", shown.join(", "))
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
