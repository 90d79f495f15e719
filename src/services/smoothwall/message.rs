//! Reads alert messages: `.eml` as mail, everything else as the text of an SMS.
//!
//! Several alerts are merged into one mail, an SMS is cut after 160 characters, and the sender's
//! address does not say which appliance reports: only the template's `Host:` line or the subject
//! does.

use jiff::Timestamp;
use mail_parser::MessageParser;

use crate::model::text::Clean;
use crate::services::declared::dropped::decode;
use crate::services::declared::words::folded;

/// Lines of one message that are read.
const MAX_LINES: usize = 200;

/// A message as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// When it was sent; when its file changed, where it does not say; `None` where it says
    /// something that is no date.
    pub at: Option<Timestamp>,
    /// Names of the host that it gives, best first: as written, lower case.
    pub hosts: Vec<String>,
    /// Its alerts, folded.
    pub alerts: Vec<String>,
    /// The last alert was cut off.
    pub cut: bool,
}

/// A mail. `None` when it cannot be understood.
pub(super) fn mail(bytes: &[u8], changed_at: Timestamp) -> Option<Message> {
    let mail = MessageParser::default().parse(bytes)?;
    let at = match (mail.date(), mail.header_raw("Date")) {
        (Some(date), _) if date.is_valid() => Timestamp::from_second(date.to_timestamp()).ok(),
        (None, None) => Some(changed_at),
        _ => None,
    };
    let subject = mail.subject().unwrap_or_default();
    let tag = subject.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    let body = mail.body_text(0)?;
    let (mut hosts, mut alerts) = (Vec::new(), Vec::new());
    for line in body.lines().take(MAX_LINES) {
        let line = folded(line);
        match line.split_once(':') {
            Some(("host", host)) if hosts.is_empty() => hosts.push(host.trim().to_owned()),
            Some(("host" | "description", _)) => {}
            _ if line.is_empty() => {}
            _ => alerts.push(line),
        }
    }
    hosts.extend(tag.map(|(host, _)| folded(host)));
    if alerts.is_empty() {
        alerts.push(folded(tag.map_or(subject, |(_, rest)| rest)));
    }
    let alerts: Vec<_> = alerts.iter().flat_map(|line| sentences(line).0).collect();
    let cut = body.lines().count() > MAX_LINES;
    Some(Message { at, hosts, alerts, cut })
}

/// The text of an SMS: host, description and alerts in one line. `None` when it is not text.
pub(super) fn sms(bytes: &[u8], changed_at: Timestamp) -> Option<Message> {
    let text = folded(&decode(bytes)?);
    let (alerts, whole) = sentences(&text);
    let host = text.split(' ').next().unwrap_or_default().to_owned();
    (!text.is_empty()).then_some(Message {
        at: Some(changed_at),
        hosts: vec![host],
        alerts,
        cut: !whole,
    })
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
            || word.contains(['@', '\\', '='])
            || word.contains("://")
            || bare.contains('.')
            || word.matches(':').count() > 1;
        hide = matches!(bare, "user" | "username" | "pupil" | "student" | "staff" | "for" | "by");
        if hidden { "…" } else { word }
    });
    let text: Vec<&str> = words.collect();
    Clean::new(&text.join(" ").chars().take(120).collect::<String>())
}
