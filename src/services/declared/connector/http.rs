//! A web page that is looked at, as a visitor would take it.

use std::sync::Arc;

use super::address::Address;
use super::reachable::{Said, certificate, slow};
use super::reading::{Judged, severity};
use super::settings::HttpProbe;
use super::template::{Place, Template};
use super::{Refused, refuse};
use crate::model::health::Reason;
use crate::model::observation::Verdict;
use crate::model::text::Clean;
use crate::ports::clock::Clock;
use crate::services::declared::words::{folded, names, visible};
use crate::transport::{Endpoint, Failure, Reply, Request, Transport};

/// Pages are small.
const BODY_LIMIT: usize = 2 * 1024 * 1024;
const MALFORMED: Verdict = Verdict::Unknown(Reason::Malformed);

/// A page that can be looked at.
pub(super) struct Page {
    endpoint: Endpoint,
    address: Address,
    contains: Vec<Template>,
    settings: HttpProbe,
    transport: Transport,
    clock: Arc<dyn Clock>,
}

/// That the settings make sense.
pub(super) fn check(settings: &HttpProbe) -> Result<(Address, Vec<Template>), Refused> {
    let address = Address::new(&settings.path, &settings.query, &Default::default())?;
    if settings.status.is_empty() || settings.status.iter().any(|s| !(100..=599).contains(s)) {
        return Err(refuse("status", "give at least one HTTP status"));
    }
    if settings.status.iter().any(|s| (300..=399).contains(s)) {
        return Err(refuse("status", "a redirect is right by its host: give location_hosts"));
    }
    let contains: Vec<Template> = settings
        .contains
        .iter()
        .map(|text| Template::read(text).map_err(|why| refuse("contains", why)))
        .collect::<Result<_, _>>()?;
    let empty = |text: &String| folded(text).is_empty();
    for (key, list) in [
        ("contains", &settings.contains),
        ("lacks", &settings.lacks),
        ("block_marks", &settings.block_marks),
        ("location_hosts", &settings.location_hosts),
    ] {
        if list.iter().any(empty) {
            return Err(refuse(key, "an empty piece stands in any page"));
        }
    }
    if contains.is_empty() && settings.status.iter().any(|s| (200..=299).contains(s)) {
        let why = "must not be empty: an error page that answers 200 could not be told";
        return Err(refuse("contains", why));
    }
    if settings.certificate.is_some() && settings.endpoint.url.scheme() != "https" {
        return Err(refuse("certificate", "there is none without https"));
    }
    Ok((address, contains))
}

impl Page {
    /// From its settings.
    pub(super) fn new(
        settings: &HttpProbe,
        endpoint: Endpoint,
        transport: &Transport,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Refused> {
        let (address, contains) = check(settings)?;
        Ok(Self {
            endpoint,
            address,
            contains,
            settings: settings.clone(),
            transport: transport.clone(),
            clock: clock.clone(),
        })
    }

    /// Looks at the page of one school, or at that of all.
    pub(super) async fn look(&self, value: &(dyn Fn(&Place) -> Option<String> + Sync)) -> Judged {
        let request = match self.address.request(value) {
            Ok(request) => request.redirect_is_answer().body_limit(BODY_LIMIT),
            Err(why) => return Judged::unknown(Reason::Malformed, why),
        };
        let (mut said, facts, took) = self.ask(request, value).await;
        let days = match &self.settings.certificate {
            None => None,
            Some(limits) => {
                let (seen, days) = self.certificate(*limits).await;
                // A page that was read over TLS has proved its certificate already.
                if severity(seen.0) > severity(said.0) {
                    said = (seen.0, format!("{}, but {}", said.1, seen.1));
                }
                days
            }
        };
        let mut judged = Judged::unknown(Reason::NoAnswer, said.1);
        judged.verdict = said.0;
        for (name, value) in facts {
            judged = judged.fact(name, value);
        }
        if let Some(ms) = took {
            judged = judged.number("latency_ms", ms);
        }
        match days.and_then(|days| i32::try_from(days).ok()) {
            Some(days) => judged.number("certificate_days_left", f64::from(days)),
            None => judged,
        }
    }

    async fn ask(
        &self,
        request: Request,
        value: &(dyn Fn(&Place) -> Option<String> + Sync),
    ) -> (Said, Vec<(&'static str, String)>, Option<f64>) {
        match self.endpoint.send(request).await {
            Err(failure) => {
                // Between us and the page anything may be cut: only an answer says that it fails.
                let line = match &failure {
                    Failure::NoAnswer { .. }
                    | Failure::Deadline { .. }
                    | Failure::Tls { .. }
                    | Failure::Open { .. } => format!("page does not answer: {failure}"),
                    _ => format!("page not seen: {failure}"),
                };
                ((Verdict::Unknown(failure.reason()), line), Vec::new(), None)
            }
            Ok(reply) => {
                let said = slow(
                    self.judge(&reply, value),
                    reply.took,
                    self.settings.slow_after,
                    self.settings.critical_after,
                );
                let ms = (reply.took.as_secs_f64() * 1_000.0).round();
                (said, reply.facts().into(), Some(ms))
            }
        }
    }

    async fn certificate(&self, limits: super::settings::CertificateLimits) -> (Said, Option<i64>) {
        let url = self.endpoint.url();
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().unwrap_or(443);
        let own = &self.settings.endpoint;
        let limit = own.deadline.unwrap_or(crate::model::span::Span::from_secs(10)).duration();
        let seen = self.transport.handshake(&host, port, own.ca_file.as_deref(), limit).await;
        certificate(&seen, limits, self.clock.now())
    }

    fn judge(&self, reply: &Reply, value: &(dyn Fn(&Place) -> Option<String> + Sync)) -> Said {
        let status = reply.status;
        let answered = |why: &str| format!("page answered {status}: {why}");
        let text = reply.text();
        let body = folded(&text);
        let marks = self.settings.block_marks.iter().map(|mark| folded(mark));
        if marks.into_iter().any(|mark| body.contains(&mark)) {
            return (MALFORMED, "probe blocked by a web filter: page not seen".to_owned());
        }
        match status {
            300..=399 => self.redirected(reply),
            _ if self.settings.status.contains(&status) => self.holds(&text, &body, value),
            401 | 403 | 407 => {
                (Verdict::Unknown(Reason::Unauthorised), answered("it wants a sign-in of ours"))
            }
            429 => (Verdict::Unknown(Reason::Throttled), answered("it asks us to wait")),
            511 => (MALFORMED, answered("a captive portal stands in between")),
            500.. => (Verdict::Critical, format!("page is down: it answered {status}")),
            _ => (MALFORMED, answered("not the page; has its address changed?")),
        }
    }

    fn redirected(&self, reply: &Reply) -> Said {
        let target = reply.header("location").and_then(|to| self.endpoint.url().join(to).ok());
        let host = target.filter(|url| url.scheme() == "https");
        let host = host.as_ref().and_then(|url| url.host_str());
        let right = host.filter(|host| {
            self.settings.location_hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
        });
        match (right, host) {
            (Some(host), _) => (Verdict::Ok, format!("up as far as the hand-over to {host}")),
            (None, host) => {
                let to = Clean::new(host.unwrap_or("a place without TLS or name"));
                (MALFORMED, format!("page redirects to {to}: not followed"))
            }
        }
    }

    fn holds(
        &self,
        text: &str,
        body: &str,
        value: &(dyn Fn(&Place) -> Option<String> + Sync),
    ) -> Said {
        if body.is_empty() && !self.contains.is_empty() {
            return (MALFORMED, "page is empty".to_owned());
        }
        let seen = visible(text);
        for piece in &self.contains {
            let Ok(wanted) = piece.fill(value) else {
                return (
                    MALFORMED,
                    "page cannot be told: the school's row lacks a value".to_owned(),
                );
            };
            if piece.is_fixed() {
                if !body.contains(&folded(&wanted)) {
                    let line = format!("page lacks `{}`: an error page?", Clean::new(&wanted));
                    return (Verdict::Critical, line);
                }
            // What a row says must stand there as words that a visitor sees: an error page may
            // echo the address that was asked for.
            } else if !names(&seen, &wanted) {
                let line = format!(
                    "page does not name `{}`: is the school's row right?",
                    Clean::new(&wanted)
                );
                return (MALFORMED, line);
            }
        }
        match self.settings.lacks.iter().find(|piece| body.contains(&folded(piece))) {
            Some(piece) => (Verdict::Critical, format!("page holds `{}`", Clean::new(piece))),
            None => (Verdict::Ok, "page is up and holds what it should".to_owned()),
        }
    }

    /// Every place in it.
    pub(super) fn places(settings: &HttpProbe) -> Vec<Place> {
        let Ok((address, contains)) = check(settings) else { return Vec::new() };
        let mut places = address.places();
        places.extend(contains.iter().flat_map(Template::places));
        places.into_iter().collect()
    }
}
