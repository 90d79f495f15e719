//! Smoothwall: one filter per appliance, seen through its own proxy, and the alerts that it mails.
//!
//! Behaviour (five-minute checks, merged mails, daily heartbeat, block page) is the vendor's; the
//! wording of mails is invented, because no page has it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, Uri};
use axum::response::Response;
use jiff::Timestamp;

use crate::simulators::invented::Appliance;
use crate::simulators::own_ways::FilterFault;
use crate::simulators::reply::page;
use crate::simulators::scenario::Scenario;
use crate::simulators::server::{Endpoint, Manners, nobodys};
use crate::simulators::stage::Stage;
use crate::simulators::times::{last_daily, mail_date, moved};

/// Path of the address that every filter must block.
pub(super) const BLOCKED: &str = "/blocked";
/// Path of the address that every filter must let pass.
pub(super) const PLAIN: &str = "/plain";

/// The appliance that lets everything pass in a morning: the first of the small ones.
const UNFILTERED: &str = "filter03";
/// The shared appliance that a storm strikes.
const STRUCK: &str = "filter01";

/// A name under which no table has an appliance.
const UNKNOWN_HOST: &str = "sw-0b9e.local";

const FILTER: Manners = Manners {
    school_of: nobodys,
    error_inside: |_| page(200, "<html><body><h1>Proxy error</h1></body></html>"),
    refusal: |_| page(407, "<html><body><h1>Proxy authentication required</h1></body></html>"),
    throttled: |_| page(429, "<html><body><h1>Too many connections</h1></body></html>"),
};

/// Answers of one appliance's proxy.
struct Vantage {
    stage: Arc<Stage>,
    appliance: Appliance,
}

/// The proxy of each appliance, plain HTTP, and the test pages as they are without a filter.
///
/// A vantage is used either as a forward proxy (`GET http://any.host/blocked`) or as a place behind
/// the filter (`GET /blocked`); both answer alike.
pub(super) fn endpoints(stage: &Arc<Stage>) -> Vec<Endpoint> {
    let mut out: Vec<Endpoint> = stage
        .invented
        .facts
        .appliances
        .iter()
        .map(|appliance| Endpoint {
            key: format!("smoothwall.{}", appliance.name),
            router: Router::new().fallback(through).with_state(Arc::new(Vantage {
                stage: stage.clone(),
                appliance: appliance.clone(),
            })),
            manners: FILTER,
            tls: false,
        })
        .collect();
    out.push(Endpoint {
        key: "smoothwall.test".to_owned(),
        router: Router::new().fallback(unfiltered).with_state(stage.clone()),
        manners: FILTER,
        tls: false,
    });
    out
}

async fn through(State(vantage): State<Arc<Vantage>>, request: Request) -> Response {
    let stage = &vantage.stage;
    if request.method() == Method::CONNECT {
        return page(405, "<html><body><h1>CONNECT is not offered here</h1></body></html>");
    }
    let name = vantage.appliance.name.as_str();
    let key = format!("smoothwall.{name}");
    let is = |fault: FilterFault| stage.own.is(&key, None, fault);
    let struck = name == STRUCK && stage.moment().shared_appliance_down().is_some();
    if struck || is(FilterFault::ServiceStopped) {
        return page(502, "<html><body><h1>Web filter service is not running</h1></body></html>");
    }
    if is(FilterFault::CaptivePortal) {
        return page(200, "<html><body><h1>Sign in to the network</h1><form></form></body></html>");
    }
    let open =
        (stage.scenario == Scenario::Morning && name == UNFILTERED) || is(FilterFault::LetsThrough);
    if (request.uri().path() == BLOCKED && !open) || is(FilterFault::BlocksAll) {
        // Some appliances answer with 403, some with 200: both are a block page.
        let number = name.bytes().map(u32::from).sum::<u32>();
        let status = if number.is_multiple_of(2) { 200 } else { 403 };
        return page(
            status,
            format!(
                "<!DOCTYPE html><html><head><title>Access denied</title></head><body><h1>{}</h1>\
                 <p>This content has been blocked because it does not comply with the acceptable \
                 usage policy.</p></body></html>",
                stage.invented.facts.block_word
            ),
        );
    }
    test_page(stage, request.uri())
}

async fn unfiltered(State(stage): State<Arc<Stage>>, request: Request) -> Response {
    test_page(&stage, request.uri())
}

fn test_page(stage: &Stage, uri: &Uri) -> Response {
    let html = |text: &str| format!("<!DOCTYPE html><html><body><p>{text}</p></body></html>");
    match uri.path() {
        PLAIN => page(200, html(&format!("This is the {}.", stage.invented.facts.plain_word))),
        BLOCKED => page(200, html("If you can read this, this place is not filtered.")),
        _ => page(404, html("Nothing here.")),
    }
}

/// The mails that lie in the drop folder at this moment: name and content.
pub(super) fn alerts(stage: &Stage) -> Vec<(String, Vec<u8>)> {
    let now = stage.now();
    let mut out = Vec::new();
    for (n, appliance) in stage.invented.facts.appliances.iter().enumerate() {
        let second = i8::try_from(n % 50).unwrap_or_default();
        let silent = stage.own.is(
            &format!("smoothwall.{}", appliance.name),
            None,
            FilterFault::HeartbeatMissing,
        );
        let beat = moved(last_daily(now, 5, 0, second), if silent { -3 * 86_400 } else { 0 });
        for at in [moved(beat, -86_400), beat] {
            out.push(mail(appliance, at, "Test alert", "Test alert: daily heartbeat."));
        }
        out.extend(troubles(stage, appliance));
        if stage.scenario == Scenario::Morning && appliance.name == "filter04" {
            let at = last_daily(now, 6, 0, second);
            let what = "Your blocklist is out of date.";
            out.push(mail(appliance, at, "Licence", what));
        }
        if stage.scenario == Scenario::Storm && appliance.name == STRUCK {
            out.extend(storm_mails(stage, appliance));
        }
    }
    if stage.scenario == Scenario::Morning {
        // From a machine that no table knows: to be listed, and to change no school.
        let stranger = Appliance {
            name: "sw-7f3a".to_owned(),
            host: "sw-7f3a.local".to_owned(),
            description: String::new(),
        };
        let what = "System Service Monitoring: the Web filter service has stopped.";
        out.push(mail(&stranger, moved(stage.started, -7_200), "System alert", what));
    }
    out
}

/// What an appliance mails of what a scenario file has put on it, dated when it was.
fn troubles(stage: &Stage, appliance: &Appliance) -> Vec<(String, Vec<u8>)> {
    let key = format!("smoothwall.{}", appliance.name);
    [
        (
            FilterFault::ServiceStopped,
            "System alert",
            "System Service Monitoring: the Web filter service has stopped.",
        ),
        (FilterFault::AlertUnheardOf, "Notice 7731", "Quasar lens: value 4 of 9."),
        (FilterFault::BlocklistOld, "Licence", "Your blocklist is out of date."),
        (FilterFault::ReducedMode, "Filter mode", "Cloud Filter: now in Filter Mode 1."),
        (
            FilterFault::FailedOver,
            "Hardware failover",
            "Hardware Failover: primary is offline, failover unit has taken over.",
        ),
        (
            FilterFault::InterfaceFailed,
            "System alert",
            "Connection Monitor: interface eth3 has failed.",
        ),
        (FilterFault::LicenceEnds, "Licence", "Your subscription expires in 7 days."),
        (
            FilterFault::AlertsMerged,
            "4 alerts",
            "Health Monitor: warning, disk usage on /var above 91%.\r\n\
             System Service Monitoring: the SSH service has stopped.\r\n\
             System Service Monitoring: the Web filter service has stopped.\r\n\
             Connection Monitor: interface eth3 has failed.",
        ),
        (
            FilterFault::HostUnknown,
            "System alert",
            "System Service Monitoring: the Web filter service has stopped.",
        ),
    ]
    .into_iter()
    .filter_map(|(fault, subject, what)| {
        let since = stage.own.since(&key, None, fault)?;
        let unknown = Appliance { host: UNKNOWN_HOST.to_owned(), ..appliance.clone() };
        let from = if fault == FilterFault::HostUnknown { &unknown } else { appliance };
        Some(mail(from, since, subject, what))
    })
    .chain(stage.own.since(&key, None, FilterFault::AlertCut).map(|at| cut(appliance, at)))
    .collect()
}

/// A short message as a gateway hands it on: one line, without a head, ended where it was full.
fn cut(appliance: &Appliance, at: Timestamp) -> (String, Vec<u8>) {
    let Appliance { name, host, description } = appliance;
    let text = format!(
        "{host} {description} System Service Monitoring: the SSH service has stopped. \
         Connection Moni"
    );
    (format!("message-{}.{name}.txt", at.as_second()), text.into_bytes())
}

/// Stopped at the beginning of each round of the storm, started again at its end.
fn storm_mails(stage: &Stage, appliance: &Appliance) -> Vec<(String, Vec<u8>)> {
    let at = |elapsed: i64| moved(stage.started, elapsed);
    let elapsed = stage.moment().elapsed;
    let (round, in_round) = (elapsed - elapsed % 2_400, elapsed % 2_400);
    let mut out = Vec::new();
    if in_round >= 20 {
        let what = "System Service Monitoring: the Web filter service has stopped.\r\n\
                    Health Monitor: warning, load average above 12.";
        out.push(mail(appliance, at(round + 20), "2 alerts", what));
    }
    if in_round >= 900 {
        let what = "System Service Monitoring: the Web filter service has started.\r\n\
                    Health Monitor: load average back to normal.";
        out.push(mail(appliance, at(round + 900), "2 alerts", what));
    }
    out
}

fn mail(appliance: &Appliance, at: Timestamp, subject: &str, what: &str) -> (String, Vec<u8>) {
    let Appliance { name, host, description } = appliance;
    let described = if description.is_empty() {
        String::new()
    } else {
        format!("Description: {description}\r\n")
    };
    let id = format!("{}.{name}", at.as_second());
    let text = format!(
        "From: smoothwall@{host}\r\nTo: alerts@wolds.example\r\nDate: {}\r\n\
         Subject: [{name}] {subject}\r\nMessage-ID: <{id}.{}@{host}>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\nHost: {host}\r\n{described}\r\n{what}\r\n",
        mail_date(at),
        subject.len()
    );
    let kind = subject.to_ascii_lowercase().replace(' ', "-");
    (format!("alert-{id}.{kind}.eml"), text.into_bytes())
}
