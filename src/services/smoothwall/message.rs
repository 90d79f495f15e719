//! Reads alert messages: mails, and the bare text of an SMS.
//!
//! Several alerts are merged into one mail, an SMS is cut after 160 characters, and the sender's
//! address does not say which appliance reports: only the template's `Host:` line or the subject
//! does. A mail with several `Host:` lines reports of several appliances.

use crate::model::text::Clean;
use crate::services::declared::mailbox::{Mail, Sent};
use crate::services::declared::words::folded;

/// Lines of one message that are read.
const MAX_LINES: usize = 200;
/// Alerts of one message that are read.
const MAX_ALERTS: usize = 60;
/// Characters of one alert that are read.
const MAX_CHARS: usize = 300;
/// What stands before the colon of the line that names the host.
const HOST_LABELS: [&str; 3] = ["host", "hostname", "system"];
/// Keys whose values may be shown, in lines such as `service=guardian state=stopped`.
const SHOWN_KEYS: [&str; 6] = ["service", "interface", "unit", "state", "status", "mode"];

/// What one appliance reports in a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Report {
    /// As written, lower case.
    pub host: Option<String>,
    /// Its alerts, folded.
    pub alerts: Vec<String>,
    /// The last alert was cut off.
    pub cut: bool,
}

/// A message as it was read. Nothing else of it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub sent: Sent,
    /// Senders' addresses; `None` for a bare text, which has no sender.
    pub from: Option<Vec<String>>,
    /// Sent back by a mail server: its good news is none.
    pub returned: bool,
    /// At least one.
    pub reports: Vec<Report>,
}

/// Reads a message that was taken apart.
pub(super) fn message(mail: &Mail) -> Message {
    Message {
        sent: mail.sent,
        from: (!mail.bare).then(|| mail.from.clone()),
        returned: mail.returned,
        reports: if mail.bare { vec![sms(mail)] } else { reports(mail) },
    }
}

fn reports(mail: &Mail) -> Vec<Report> {
    let subject = mail.subject.as_str();
    let tag = subject.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    let mut all: Vec<Report> = Vec::new();
    let mut report = Report::default();
    let mut cut = mail.cut;
    for (n, line) in mail.text.lines().enumerate() {
        if n >= MAX_LINES {
            cut = true;
            break;
        }
        let line = folded(line);
        match line.split_once(':').map(|(label, rest)| (label.trim(), rest.trim())) {
            Some((label, host)) if HOST_LABELS.contains(&label) => {
                let another = report.host.as_ref().is_some_and(|before| before != host);
                if another {
                    all.push(std::mem::take(&mut report));
                }
                report.host = Some(host.to_owned()).filter(|h| !h.is_empty());
            }
            Some(("description", _)) => {}
            _ => report.alerts.extend(sentences(&line).0),
        }
    }
    all.push(report);
    if all.iter().all(|r| r.alerts.is_empty()) {
        let words = folded(tag.map_or(subject, |(_, rest)| rest));
        all.truncate(1);
        if let Some(first) = all.first_mut() {
            first.alerts = sentences(&words).0;
        }
    }
    all.retain(|r| !r.alerts.is_empty() || r.host.is_some());
    if let Some(last) = all.last_mut() {
        last.cut |= cut;
    }
    let tagged = tag.map(|(host, _)| folded(host)).filter(|h| !h.is_empty());
    for report in &mut all {
        report.host = report.host.take().or_else(|| tagged.clone());
        limit(report);
    }
    all
}

/// Host, description and alerts in one line.
fn sms(mail: &Mail) -> Report {
    let text = folded(&mail.text);
    let (alerts, whole) = sentences(&text);
    let host = text.split(' ').next().unwrap_or_default().to_owned();
    let host = Some(host).filter(|h| !h.is_empty());
    let mut report = Report { host, alerts, cut: mail.cut || !whole };
    limit(&mut report);
    report
}

/// Keeps what one message may hold; what is left out makes it one that was cut.
fn limit(report: &mut Report) {
    if report.alerts.len() > MAX_ALERTS {
        report.alerts.truncate(MAX_ALERTS);
        report.cut = true;
    }
    for alert in &mut report.alerts {
        if let Some((end, _)) = alert.char_indices().nth(MAX_CHARS) {
            alert.truncate(end);
            report.cut = true;
        }
    }
}

/// The sentences of a line, without their full stops, and whether the last one has its own.
fn sentences(line: &str) -> (Vec<String>, bool) {
    let parts = line.split(". ").map(|s| s.trim().trim_end_matches('.').trim().to_owned());
    (parts.filter(|s| !s.is_empty()).collect(), line.trim_end().ends_with(['.', '!']))
}

/// An alert as it may be shown: without addresses, user names, mail and network addresses.
pub(super) fn shown(alert: &str) -> Clean {
    let mut hide = false;
    let words = alert.split_whitespace().map(|word| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let hidden = hide
            || word.contains(['@', '\\'])
            || (word.contains('=') && !is_shown_pair(word))
            || word.contains("://")
            || bare.contains('.')
            || word.matches(':').count() > 1;
        hide = matches!(bare, "user" | "username" | "pupil" | "student" | "staff" | "for" | "by");
        if hidden { "…" } else { word }
    });
    let text: Vec<&str> = words.collect();
    Clean::new(&text.join(" ").chars().take(120).collect::<String>())
}

/// `state=stopped`: a key that is known to tell nothing of a person, and a plain word.
fn is_shown_pair(word: &str) -> bool {
    word.split_once('=').is_some_and(|(key, value)| {
        SHOWN_KEYS.contains(&key)
            && value.len() <= 32
            && value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    })
}

/// A host's name as it may be shown: a name, or what is left of something that is none.
pub(super) fn shown_host(host: &str) -> String {
    let name = host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    if name { host.chars().take(64).collect() } else { shown(host).as_str().to_owned() }
}
