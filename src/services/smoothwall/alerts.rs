//! What an appliance's alerts amount to: open trouble, notices, and whether its mail still arrives.
//!
//! A service that stops and starts again between two looks sends nothing: silence is no proof of
//! health, only the heartbeat tells it from a dead mail path.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::model::health::Reason;
use crate::model::observation::Verdict;
use crate::model::span::Span;
use crate::model::text::Clean;
use crate::services::declared::words::folded;
use crate::services::smoothwall::describe::{Alerts, Words};
use crate::services::smoothwall::message::{Report, shown};

/// Words that turn good news round: "has not started", "heartbeat missing".
const DOUBTS: [&str; 9] =
    ["not ", "no ", "failed", "failure", "failing", "to fail", "missing", "missed", "unable"];

/// What one alert says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Heartbeat,
    /// Ends `Stopped`, `Raised` and `Lasting` of the same thing.
    Good,
    Notice,
    Lasting,
    /// Filtering without policies, logs and safeguarding alerts.
    Reduced,
    /// Ends `Reduced`.
    Full,
    Stopped,
    Raised,
    Ignored,
    Unrecognised,
}

impl Kind {
    fn is_good_news(self) -> bool {
        matches!(self, Self::Heartbeat | Self::Good | Self::Full)
    }
}

/// One alert of an appliance. Ordered by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Alert {
    at: Timestamp,
    /// Its place in the message: a mail may hold a stop and the start after it.
    place: usize,
    kind: Kind,
    /// What it is about: pairs "stopped" with "started".
    thing: String,
    text: String,
}

/// How an appliance stands by its alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) verdict: Verdict,
    pub(super) detail: String,
    /// When the trouble began.
    pub(super) since: Option<Timestamp>,
    /// The last heartbeat.
    pub(super) heartbeat_at: Option<Timestamp>,
    /// Open alerts, newest first, fit to be shown.
    pub(super) open: Vec<Clean>,
    /// The last outage that is over, if it ended today or yesterday.
    pub(super) over: Option<String>,
}

impl Alert {
    /// Whether this good news is about the same thing as `before`.
    fn ends(&self, before: &Self) -> bool {
        match before.kind {
            Kind::Stopped | Kind::Raised => before.thing == self.thing,
            Kind::Lasting => before.text.contains(&self.thing),
            Kind::Heartbeat
            | Kind::Good
            | Kind::Notice
            | Kind::Reduced
            | Kind::Full
            | Kind::Ignored
            | Kind::Unrecognised => false,
        }
    }

    /// Whether it could make an appliance look better than it is.
    pub(super) fn is_good_news(&self) -> bool {
        self.kind.is_good_news()
    }

    /// A line of the appliance came, whatever it says.
    pub(super) fn heartbeat(at: Timestamp) -> Self {
        let (thing, text) = (String::new(), String::new());
        Self { at, place: 0, kind: Kind::Heartbeat, thing, text }
    }
}

/// The alerts of `report`, sent at `at`; each once, also when a mail was dropped twice.
pub(super) fn alerts_in(report: &Report, at: Timestamp, words: &Words) -> BTreeSet<Alert> {
    let last = report.alerts.len().saturating_sub(1);
    report
        .alerts
        .iter()
        .enumerate()
        .map(|(n, text)| {
            let (kind, thing) = match kind_of(text, words) {
                // Half an alert cannot be read, whatever its beginning looks like.
                _ if report.cut && n == last => (Kind::Unrecognised, String::new()),
                found => found,
            };
            Alert { at, place: n, kind, thing, text: text.clone() }
        })
        .collect()
}

fn kind_of(text: &str, words: &Words) -> (Kind, String) {
    let find = |kind: Kind, list: &[String]| {
        let words = list.iter().map(|w| folded(w)).filter(|w| !w.is_empty());
        let mut before = words.filter_map(|w| text.split_once(&w).map(|(before, _)| before));
        // Good news is believed only where it begins a word.
        let in_word = |before: &str| before.chars().next_back().is_some_and(char::is_alphanumeric);
        before.find(|before| !(kind.is_good_news() && in_word(before))).map(thing_in)
    };
    let doubtful = DOUBTS.iter().any(|d| text.contains(d));
    let table = [
        (Kind::Ignored, &words.ignored, true),
        (Kind::Stopped, &words.stopped, true),
        (Kind::Raised, &words.raised, true),
        (Kind::Good, &words.started, !doubtful),
        (Kind::Good, &words.cleared, !doubtful),
        (Kind::Reduced, &words.reduced, true),
        (Kind::Full, &words.full, !doubtful),
        (Kind::Lasting, &words.lasting, true),
        (Kind::Notice, &words.notice, true),
        (Kind::Heartbeat, &words.heartbeat, !doubtful),
    ];
    table
        .into_iter()
        .filter(|(_, _, believed)| *believed)
        .find_map(|(kind, list, _)| find(kind, list).map(|thing| (kind, thing)))
        .unwrap_or((Kind::Unrecognised, String::new()))
}

/// `connection monitor: interface eth1` is about `interface eth1`, and `alert id=7 interface=eth1`
/// about `alert interface=eth1`: the number of an alert is not what it is about.
fn thing_in(before: &str) -> String {
    let last = before.rsplit(':').next().unwrap_or_default();
    let is_number = |word: &&str| {
        word.split_once('=').is_some_and(|(key, _)| matches!(key, "id" | "alertid" | "seq"))
    };
    let words: Vec<&str> = last.split_whitespace().filter(|w| !is_number(w)).collect();
    let thing = words.join(" ");
    thing.strip_prefix("the ").map(str::to_owned).unwrap_or(thing)
}

/// What `alerts` amount to at `now`; `gap` is why there may be others that are not known.
pub(super) fn standing(
    alerts: &BTreeSet<Alert>,
    settings: &Alerts,
    gap: Option<&(Reason, String)>,
    now: Timestamp,
) -> Standing {
    let heartbeat_at = alerts.iter().rev().find(|a| a.kind == Kind::Heartbeat).map(|a| a.at);
    let (open, over) = open(alerts, settings, now);
    let worst = open
        .iter()
        .map(|(alert, critical)| (*critical, alert))
        .max_by_key(|(critical, alert)| (*critical, std::cmp::Reverse(alert.at)));
    let silent_for = heartbeat_at.map(|at| {
        Span::from_secs(u64::try_from(now.as_second() - at.as_second()).unwrap_or_default())
    });
    let besides = worst.map_or_else(String::new, |(_, alert)| format!("; {}", sentence(alert)));
    let but = gap.map_or_else(String::new, |(_, why)| format!("; no news: {why}"));
    let (verdict, detail, since) = match (worst, gap, silent_for) {
        (Some((true, alert)), ..) => {
            (Verdict::Critical, format!("{}{but}", sentence(alert)), Some(alert.at))
        }
        (_, Some((reason, why)), _) => {
            (Verdict::Unknown(*reason), format!("no alerts read: {why}{besides}"), None)
        }
        (_, None, None) => {
            let line = format!("no heartbeat ever came: silence proves nothing{besides}");
            (Verdict::Unknown(Reason::NeverSeen), line, None)
        }
        (_, None, Some(silent)) if silent > settings.heartbeat => (
            Verdict::Unknown(Reason::Stale),
            format!("no heartbeat for {}: silence proves nothing{besides}", silent.short()),
            heartbeat_at,
        ),
        (Some((false, alert)), None, _) => (Verdict::Warning, sentence(alert), Some(alert.at)),
        (None, None, Some(silent)) => {
            let line = format!("no open alert, heartbeat {} ago", silent.short());
            let over = over.as_ref().map_or_else(String::new, |over| format!("; {over}"));
            (Verdict::Ok, format!("{line}{over}"), None)
        }
    };
    let shown = open.iter().rev().take(5).map(|(alert, _)| shown(&alert.text)).collect();
    Standing { verdict, detail, since, heartbeat_at, open: shown, over }
}

fn sentence(alert: &Alert) -> String {
    let text = shown(&alert.text);
    match alert.kind {
        Kind::Unrecognised => format!("unrecognised alert: {text}"),
        Kind::Reduced => format!(
            "appliance reports: {text} (without policies, logs and safeguarding alerts: call the \
             vendor)"
        ),
        _ => format!("appliance reports: {text}"),
    }
}

/// Open alerts by time, and whether each is critical; and the last outage that is over.
fn open<'a>(
    alerts: &'a BTreeSet<Alert>,
    settings: &Alerts,
    now: Timestamp,
) -> (Vec<(&'a Alert, bool)>, Option<String>) {
    let mut by_thing: BTreeMap<(bool, &str), &Alert> = BTreeMap::new();
    let mut over: Option<(&Alert, Timestamp)> = None;
    for alert in alerts {
        match alert.kind {
            Kind::Good if alert.thing.is_empty() => {}
            Kind::Good => by_thing.retain(|_, before| {
                let ends = alert.ends(before);
                if ends && before.kind == Kind::Stopped {
                    over = Some((*before, alert.at));
                }
                !ends
            }),
            Kind::Full => by_thing.retain(|_, before| before.kind != Kind::Reduced),
            // The first of several counts: since then it is so.
            Kind::Stopped | Kind::Raised => {
                by_thing.entry((true, &alert.thing)).or_insert(alert);
            }
            Kind::Lasting | Kind::Reduced | Kind::Unrecognised => {
                by_thing.entry((false, &alert.text)).or_insert(alert);
            }
            Kind::Notice if !is_past(alert.at, settings.notice_for, now) => {
                by_thing.insert((false, &alert.text), alert);
            }
            Kind::Notice | Kind::Heartbeat | Kind::Ignored => {}
        }
    }
    let needed =
        |thing: &str| settings.words.critical_services.iter().any(|w| thing.contains(&folded(w)));
    let mut open: Vec<_> = by_thing
        .into_values()
        .map(|alert| match alert.kind {
            Kind::Raised => (alert, true),
            Kind::Stopped => {
                let long = is_past(alert.at, settings.stopped_for, now);
                (alert, long && needed(&alert.thing))
            }
            _ => (alert, false),
        })
        .collect();
    open.sort_by_key(|(alert, _)| alert.at);
    (open, over.and_then(|(stop, end)| outage(stop, end, now)))
}

fn is_past(at: Timestamp, span: Span, now: Timestamp) -> bool {
    now.duration_since(at) > SignedDuration::from_secs(span.as_secs_i64())
}

/// How long a service was down, for a day: it is looked at every five minutes.
fn outage(stop: &Alert, end: Timestamp, now: Timestamp) -> Option<String> {
    if is_past(end, Span::from_days(1), now) {
        return None;
    }
    let seconds = u64::try_from(end.as_second() - stop.at.as_second()).unwrap_or_default();
    let lasted = Span::from_secs(seconds).short();
    Some(format!("{} was down for about {lasted} (5m more or less)", shown(&stop.thing)))
}
