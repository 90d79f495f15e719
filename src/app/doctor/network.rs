//! Every address that a service calls: its name, its certificate, its clock. And the servers that
//! speak no HTTP: whether they let us in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use secrecy::SecretString;

use crate::app::setup::Prepared;
use crate::cli::doctor::{Area, Finding};
use crate::model::calendar::{london, london_date};
use crate::model::ids::ServiceKey;
use crate::model::text::Clean;
use crate::ports::clock::Clock;
use crate::ports::watch::{Door, Stuck};
use crate::services::{Looked, look_into};
use crate::transport::{Endpoint, Failure, Look};

/// How long one look may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Looks at once.
const AT_ONCE: usize = 8;
/// Days before the end of a certificate from which on it is told: public ones are renewed a month
/// before.
const SOON: i32 = 21;
/// How long the servers of one service may take together.
const DOORS_LIMIT: Duration = Duration::from_secs(120);
/// What to do where nobody answered.
const AS_LINE: &str = "look at the line, the name server and the firewall; then at the address in the \
                       configuration";
/// What to do where a certificate was refused.
const AS_AUTHORITY: &str = "if a filter inspects TLS here, or the server has an authority of its own: \
                            ca_file beside its address; else tell its owner";
/// A clock may be off by this many seconds: half a second each way, and the second of `Date`.
const EXACT: i64 = 5;
/// Farther off, signed assertions are refused by some (RFC 7523 leaves it to them).
const OFF: i64 = 120;
/// Farther off, Kerberos and most token services refuse.
const FAR_OFF: i64 = 300;

/// An origin, the file of its own authority and the proxy to it, if it has them, and whether a filter
/// must refuse it.
type Way = (String, Option<PathBuf>, Option<String>, bool);

/// Looks at every address once.
pub async fn all(prepared: &Prepared, clock: &Arc<dyn Clock>) -> Vec<Finding> {
    let mut ways: BTreeMap<Way, (Endpoint, Vec<String>)> = BTreeMap::new();
    for (service, endpoint) in &prepared.endpoints {
        let ca_file = endpoint.ca_file().map(Path::to_owned);
        let key = (endpoint.origin().to_owned(), ca_file, endpoint.proxy(), endpoint.is_bait());
        let (_, services) = ways.entry(key).or_insert_with(|| (endpoint.clone(), Vec::new()));
        if !services.contains(service) {
            services.push(service.clone());
        }
    }
    let looks = stream::iter(ways.into_values()).map(|(endpoint, services)| async move {
        let named = match endpoint.is_proxied() {
            true => None,
            false => Some(endpoint.resolve(LIMIT).await),
        };
        let looked = match &named {
            Some(Err(failure)) => Err(failure.clone()),
            _ => endpoint.look(LIMIT).await,
        };
        (endpoint, services, named, looked)
    });
    let mut seen: Vec<_> = looks.buffer_unordered(AT_ONCE).collect().await;
    seen.sort_by_key(|(endpoint, ..)| endpoint.origin().to_owned());
    let mut out = Vec::new();
    let mut clocks = Vec::new();
    for (endpoint, services, named, looked) in &seen {
        let through = endpoint.proxy().map_or(String::new(), |url| format!(" through {url}"));
        let subject = format!("{}{through} ({})", endpoint.origin(), services.join(", "));
        let leads = match named {
            Some(Ok(addresses)) => {
                let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                format!("its name leads to {}; ", shown.join(", "))
            }
            _ => String::new(),
        };
        match looked {
            Ok(look) => {
                out.push(answered(&subject, &leads, look));
                if endpoint.origin().starts_with("https:") {
                    let found = look.certificate.as_ref();
                    let found = found.map(|c| (c.ends_at, c.issuer.clone()));
                    out.push(certificate(&subject, found.as_ref(), clock.now()));
                }
                // A page that came through a filter may be an old copy.
                let ahead = look.ahead_s().filter(|_| !endpoint.is_probe());
                clocks.extend(ahead.map(|ahead| (endpoint.origin().to_owned(), ahead)));
            }
            Err(failure) if endpoint.is_bait() => {
                let text = format!("{failure}; a filter may refuse like that: see SIGN-IN");
                out.push(Finding::note(Area::Network, &subject, text));
            }
            Err(failure) => out.push(failed(&subject, failure)),
        }
    }
    let authorities = prepared.authorities.iter();
    out.extend(authorities.map(|path| authority(path, clock.now())));
    out.extend(clock_of(clocks));
    out
}

/// Looks at every server that speaks no HTTP, and signs in to it, once.
pub async fn doors(prepared: &Prepared, clock: &Arc<dyn Clock>) -> Vec<Finding> {
    let asked = stream::iter(&prepared.watches).map(|watch| async move {
        let service = watch.describe().key;
        tokio::select! {
            doors = watch.doors() => doors.iter().flat_map(|d| door(d, &service, clock)).collect(),
            () = clock.sleep(DOORS_LIMIT) => {
                let text = format!("its servers took more than {} s", DOORS_LIMIT.as_secs());
                vec![Finding::error(Area::Network, service.as_str(), text, AS_LINE)]
            }
        }
    });
    let found: Vec<Vec<Finding>> = asked.buffered(AT_ONCE).collect().await;
    found.into_iter().flatten().collect()
}

fn door(door: &Door, service: &ServiceKey, clock: &Arc<dyn Clock>) -> Vec<Finding> {
    let subject = format!("{} ({service})", door.name);
    let mut out = Vec::new();
    if let Some(took) = door.took {
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let text = format!("answers, and TLS stands, in {ms} ms");
        out.push(Finding::ok(Area::Network, &subject, text).fact("milliseconds", ms));
        out.push(certificate(&subject, door.certificate.as_ref(), clock.now()));
    }
    out.push(match &door.stuck {
        None => Finding::ok(Area::SignIn, &subject, "lets us in"),
        Some((Stuck::Network, why)) => Finding::error(Area::Network, &subject, why, AS_LINE),
        Some((Stuck::Tls, why)) => Finding::error(Area::Tls, &subject, why, AS_AUTHORITY),
        Some((Stuck::SignIn, why)) => Finding::error(
            Area::SignIn,
            &subject,
            why,
            "store the right credential: caretaker secret set NAME; then the account at the server",
        ),
    });
    out
}

fn answered(subject: &str, leads: &str, look: &Look) -> Finding {
    let ms = u64::try_from(look.took.as_millis()).unwrap_or(u64::MAX);
    let text = format!("{leads}answers in {ms} ms (status {} without a credential)", look.status);
    Finding::ok(Area::Network, subject, text).fact("milliseconds", ms)
}

fn failed(subject: &str, failure: &Failure) -> Finding {
    let area = match failure {
        Failure::Tls { .. } => Area::Tls,
        _ => Area::Network,
    };
    let remedy = match failure {
        Failure::Tls { .. } => AS_AUTHORITY,
        _ => AS_LINE,
    };
    Finding::error(area, subject, failure.to_string(), remedy)
}

/// When a certificate ends, and who vouches for it.
fn certificate(subject: &str, found: Option<&(Timestamp, Clean)>, now: Timestamp) -> Finding {
    let Some((ends_at, issuer)) = found else {
        let text = "its certificate is good, and its end cannot be read";
        return Finding::note(Area::Tls, subject, text);
    };
    let days = (london_date(*ends_at) - london_date(now)).get_days();
    let day = ends_at.to_zoned_datetime(london()).strftime("%-d %b %Y");
    let text = format!("its certificate is good until {day}, {days} days (by {issuer})");
    let finding = if days <= SOON {
        let remedy = "its owner must renew it; from then on nothing of it can be watched";
        Finding::warning(Area::Tls, subject, text, remedy)
    } else {
        Finding::ok(Area::Tls, subject, text)
    };
    finding.fact("days_left", days)
}

/// The certificates of a `ca_file`.
fn authority(path: &Path, now: Timestamp) -> Finding {
    let subject = path.display().to_string();
    let remedy = "get the authority's new certificate and put it there";
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) => {
            return Finding::error(Area::Tls, &subject, format!("cannot be read: {e}"), remedy);
        }
    };
    match look_into(&SecretString::from(text)) {
        Looked::Ends(ending) => {
            let days = ending.days_left(now);
            let text = format!("this authority ends on {}, in {days} days", ending.day_words());
            let finding = match days {
                ..0 => Finding::error(Area::Tls, &subject, text, remedy),
                0..=30 => Finding::warning(Area::Tls, &subject, text, remedy),
                _ => Finding::ok(Area::Tls, &subject, text),
            };
            finding.fact("days_left", days)
        }
        Looked::NoDate | Looked::Unreadable(_) | Looked::NotHad(_) => {
            Finding::warning(Area::Tls, &subject, "its certificates cannot be read", remedy)
        }
    }
}

/// Our clock against the vendors'. One vendor alone may be wrong itself: the one in the middle
/// counts.
fn clock_of(mut ahead: Vec<(String, i64)>) -> Vec<Finding> {
    ahead.sort_by_key(|(_, ahead)| *ahead);
    let Some((_, middle)) = ahead.get(ahead.len() / 2).cloned() else {
        return vec![Finding::note(
            Area::Clock,
            "",
            "no vendor told its time: this host's clock could not be compared",
        )];
    };
    let way = if middle > 0 { "behind" } else { "ahead of" };
    let seconds = middle.unsigned_abs();
    let text = format!("this host's clock is {seconds} s {way} {} vendors' clocks", ahead.len());
    let remedy = "set the clock: timedatectl set-ntp true, or ask whoever runs this host";
    let off = middle.abs();
    let own = if off <= EXACT {
        let text = format!("this host's clock agrees with {} vendors' clocks", ahead.len());
        Finding::ok(Area::Clock, "", text)
    } else if off <= OFF {
        Finding::note(Area::Clock, "", text)
    } else if off <= FAR_OFF {
        Finding::warning(Area::Clock, "", text, remedy)
    } else {
        Finding::error(Area::Clock, "", format!("{text}: sign-ins are refused"), remedy)
    };
    let mut out = vec![own.fact("ahead_s", -middle)];
    for (origin, theirs) in ahead.iter().filter(|(_, a)| (a - middle).abs() > OFF) {
        let text = format!("its clock is {} s off the other vendors'", (theirs - middle).abs());
        let remedy = "tell the vendor; its times are not to be believed";
        out.push(Finding::warning(Area::Clock, origin, text, remedy));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Severity;

    fn clocks(ahead: &[i64]) -> Vec<(Severity, String)> {
        let named = ahead.iter().zip(0..).map(|(a, n)| (format!("https://v{n}.example"), *a));
        clock_of(named.collect()).into_iter().map(|f| (f.severity, f.text)).collect()
    }

    #[test]
    fn the_middle_of_the_vendors_clocks_judges_ours() {
        assert_eq!(clocks(&[])[0].0, Severity::Note);
        assert_eq!(
            clocks(&[1, -2, 0]),
            [(Severity::Ok, "this host's clock agrees with 3 vendors' clocks".to_owned())]
        );
        assert_eq!(clocks(&[30, 31, 30])[0].0, Severity::Note);
        assert_eq!(clocks(&[-121])[0].1, "this host's clock is 121 s ahead of 1 vendors' clocks");
        assert_eq!(clocks(&[130, 140, 150])[0].0, Severity::Warning);
        assert_eq!(clocks(&[3_600, 3_601, 3_600])[0].0, Severity::Error);
        let one = clocks(&[0, 1, 3_600]);
        assert_eq!((one.len(), one[0].0, one[1].0), (2, Severity::Ok, Severity::Warning));
    }

    #[test]
    fn an_authority_that_ends_is_told_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
        params.not_after = rcgen::date_time_ymd(2027, 1, 31);
        let key = rcgen::KeyPair::generate().unwrap();
        std::fs::write(&path, params.self_signed(&key).unwrap().pem()).unwrap();
        let at = |text: &str| authority(&path, text.parse().unwrap()).severity;
        assert_eq!(at("2026-11-24T09:00:00Z"), Severity::Ok);
        assert_eq!(at("2027-01-01T09:00:00Z"), Severity::Warning);
        assert_eq!(at("2027-02-01T09:00:00Z"), Severity::Error);
        std::fs::write(&path, "nothing").unwrap();
        assert_eq!(at("2026-11-24T09:00:00Z"), Severity::Warning);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(at("2026-11-24T09:00:00Z"), Severity::Error);
    }
}
