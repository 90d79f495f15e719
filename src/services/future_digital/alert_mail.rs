//! Whether alert mails of the monitoring still arrive.
//!
//! First rule: no content. Of a message only its date, sender and recipients are fetched, and at
//! once reduced to (time, school, "alert received"). It can show that the mail path lives; it never
//! makes anything well, and nothing of the message is held.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::ids::{Laestab, ServiceKey};
use crate::ports::watch::{Door, Place, Rights};
use crate::services::declared::mailbox::{Mail, Mailbox, Reads, Sent};
use crate::services::declared::refused;
use crate::services::future_digital::describe::{AlertMail as Settings, KEY};
use crate::services::{Context, ServiceError};

/// An alert was received: when, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Received {
    sent: Sent,
    schools: Vec<Laestab>,
}

/// The mailbox to which copies of the alert mails go.
pub(super) struct AlertMail {
    mailbox: Mailbox<Option<Received>>,
}

/// When the last alert mail came.
#[derive(Debug, Default)]
pub(super) struct Lately {
    of_school: BTreeMap<Laestab, Timestamp>,
    of_any: Option<Timestamp>,
    trouble: Option<String>,
}

impl AlertMail {
    pub(super) fn new(
        ctx: &Context,
        key: &ServiceKey,
        settings: &Settings,
    ) -> Result<Self, ServiceError> {
        let senders: Vec<String> = settings
            .senders
            .iter()
            .map(|s| s.trim().to_lowercase())
            .filter(|s| !s.is_empty())
            .collect();
        if senders.is_empty() {
            let why = "must name the monitoring's own address: any other mail proves nothing";
            return Err(refused(KEY, "alert_mail.senders", why));
        }
        let mut schools: BTreeMap<String, Vec<Laestab>> = BTreeMap::new();
        for laestab in ctx.estate.takers(key) {
            let row = ctx.estate.subscriptions.get(&laestab);
            let addresses = row.and_then(|s| s.parameter(key, "alerts_to")).unwrap_or_default();
            for address in addresses.split([';', ' ']).filter(|a| !a.is_empty()) {
                schools.entry(address.to_lowercase()).or_default().push(laestab);
            }
        }
        let digest = move |mail: &Mail| {
            let ours = !mail.returned && mail.from.iter().any(|from| is_of(from, &senders));
            ours.then(|| {
                let of = |address: &String| schools.get(address).cloned().unwrap_or_default();
                let mut schools: Vec<Laestab> = mail.to.iter().flat_map(of).collect();
                schools.sort_unstable();
                schools.dedup();
                Received { sent: mail.sent, schools }
            })
        };
        let key = "alert_mail.mailbox";
        let mailbox = Mailbox::new(ctx, KEY, key, &settings.mailbox, Reads::Envelope, digest)?;
        Ok(Self { mailbox })
    }

    /// Where the mails are left as files.
    pub(super) fn places(&self) -> Vec<Place> {
        self.mailbox.places()
    }

    /// The mail server.
    pub(super) async fn door(&self) -> Option<Door> {
        self.mailbox.door().await
    }

    /// What our account may do there.
    pub(super) async fn rights(&self) -> Option<Rights> {
        self.mailbox.rights().await
    }

    pub(super) async fn look(&self, now: Timestamp) -> Lately {
        let look = self.mailbox.look(now).await;
        let mut lately = Lately { trouble: look.gap().map(|(_, why)| why), ..Lately::default() };
        for message in &look.messages {
            let Some(received) = message.what.as_ref() else { continue };
            let Some(at) = received.sent.at(message.arrived_at, now) else { continue };
            lately.of_any = lately.of_any.max(Some(at));
            for school in &received.schools {
                let last = lately.of_school.entry(*school).or_insert(at);
                *last = (*last).max(at);
            }
        }
        lately
    }
}

impl Lately {
    /// In words, for the evidence of a school.
    pub(super) fn facts(&self, school: Laestab) -> Vec<(&'static str, String)> {
        let never = || "none in the mailbox".to_owned();
        let said = |at: Option<Timestamp>| at.map_or_else(never, |at| at.to_string());
        let mut facts = vec![("last alert mail of any school", said(self.of_any))];
        if let Some(at) = self.of_school.get(&school) {
            facts.push(("last alert mail of this school", at.to_string()));
        }
        facts.extend(self.trouble.as_ref().map(|why| ("alert mail", why.clone())));
        facts
    }
}

fn is_of(address: &str, senders: &[String]) -> bool {
    senders.iter().any(|s| address == s || (s.starts_with('@') && address.ends_with(s.as_str())))
}
