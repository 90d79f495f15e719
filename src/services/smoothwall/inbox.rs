//! All alerts of all appliances, out of every place where they arrive.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::health::Reason;
use crate::model::observation::Zone;
use crate::ports::watch::{Door, Place, Rights};
use crate::services::declared::mailbox::{Mailbox, MailboxSettings, Reads};
use crate::services::declared::moment::{self, Ahead};
use crate::services::declared::refused;
use crate::services::smoothwall::alerts::{Alert, alerts_in};
use crate::services::smoothwall::describe::{Alerts, KEY};
use crate::services::smoothwall::message::{Message, Report, message, shown_host};
use crate::services::smoothwall::syslog::{Line, Lost, Syslog};
use crate::services::{Context, ServiceError};

/// Hosts that no appliance has which are remembered.
const MAX_STRANGERS: usize = 100;

/// Where alerts are read.
pub(super) struct Inbox {
    mailboxes: Vec<Mailbox<Message>>,
    syslog: Option<Arc<Syslog>>,
    settings: Alerts,
}

/// All alerts of one look.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// By the appliance's name.
    pub alerts: BTreeMap<String, BTreeSet<Alert>>,
    /// Hosts that no appliance has.
    pub unmapped: BTreeSet<String>,
    /// Messages that cannot be read, or name no host.
    pub unreadable: usize,
    /// Messages dated in the future, or with something that is no date: their good news does not
    /// count, their bad news does.
    pub misdated: usize,
    /// Messages from senders that are not among ours.
    pub strangers: usize,
    /// Copies of messages that were counted once.
    pub twice: usize,
    /// Links, pipes and folders, left alone.
    pub refused: usize,
    /// Lines of the syslog file that cannot be read.
    pub lines: usize,
    /// Why there may be others.
    pub gap: Option<(Reason, String)>,
    /// Why there may be others of one appliance, by its name.
    pub gaps: BTreeMap<String, (Reason, String)>,
}

/// The names of appliances and their hosts.
pub(super) struct Hosts<'a>(pub Vec<(&'a str, &'a [String])>);

impl Hosts<'_> {
    /// The appliance of `host`: by its whole name, else by its first label where only one has it.
    fn appliance(&self, host: &str) -> Option<&str> {
        let whole = self.0.iter().find(|(_, hosts)| hosts.iter().any(|h| h == host));
        if let Some((name, _)) = whole {
            return Some(name);
        }
        let label = |h: &String| h.split('.').next() == Some(host);
        let mut short = self.0.iter().filter(|(_, hosts)| hosts.iter().any(label));
        let first = short.next();
        if short.next().is_some() { None } else { first.map(|(name, _)| *name) }
    }
}

impl Inbox {
    pub(super) fn new(ctx: &Context, settings: &Alerts) -> Result<Self, ServiceError> {
        let of_drop = settings.drop.clone().map(MailboxSettings::of_folder);
        let named = [("alerts.mailbox", &settings.mailbox), ("alerts.drop", &of_drop)];
        let mut mailboxes = Vec::new();
        for (key, mailbox) in named {
            if let Some(mailbox) = mailbox {
                mailboxes.push(Mailbox::new(ctx, KEY, key, mailbox, Reads::All, message)?);
            }
        }
        if mailboxes.is_empty() && settings.syslog.is_none() {
            return Err(refused(KEY, "alerts", "name at least one of mailbox, drop and syslog"));
        }
        if let Some(syslog) = &settings.syslog
            && syslog.programs.iter().all(|p| p.trim().is_empty())
        {
            let why = "no line would be an alert: name the appliance's program";
            return Err(refused(KEY, "alerts.syslog.programs", why));
        }
        let syslog = settings.syslog.as_ref().map(|s| Arc::new(Syslog::new(&ctx.folder, s)));
        Ok(Self { mailboxes, syslog, settings: settings.clone() })
    }

    /// Where alerts are left as files.
    pub(super) fn places(&self) -> Vec<Place> {
        let log = self.syslog.iter().map(|log| log.place());
        self.mailboxes.iter().flat_map(Mailbox::places).chain(log).collect()
    }

    /// The mail servers.
    pub(super) async fn doors(&self) -> Vec<Door> {
        let mut out = Vec::new();
        for mailbox in &self.mailboxes {
            out.extend(mailbox.door().await);
        }
        out
    }

    /// What our accounts may do there.
    pub(super) async fn rights(&self) -> Vec<Rights> {
        let mut out = Vec::new();
        for mailbox in &self.mailboxes {
            out.extend(mailbox.rights().await);
        }
        out
    }

    pub(super) fn settings(&self) -> &Alerts {
        &self.settings
    }

    /// Reads what stands there now.
    pub(super) async fn read(&self, hosts: &Hosts<'_>, now: Timestamp) -> Read {
        let mut read = Read::default();
        for mailbox in &self.mailboxes {
            let look = mailbox.look(now).await;
            read.gap = read.gap.take().or_else(|| look.gap());
            read.unreadable += look.unreadable;
            read.refused += look.refused;
            read.twice += look.twice;
            let new = look.new_ones().count();
            if new > 0 {
                tracing::info!(
                    new,
                    known = look.messages.len(),
                    "alert messages of the web filter"
                );
            }
            for message in &look.messages {
                read.message(&message.what, message.arrived_at, hosts, &self.settings, now);
            }
        }
        if let Some(syslog) = &self.syslog {
            match syslog.read(now).await {
                Ok(found) => {
                    read.lines += found.unreadable;
                    found.lost.iter().for_each(|lost| read.lost(lost, hosts));
                    for line in &found.lines {
                        read.line(line, hosts, &self.settings, now);
                    }
                }
                Err(e) => {
                    read.gap = read.gap.take().or_else(|| Some((e.reason(), e.to_string())));
                }
            }
        }
        read
    }
}

impl Read {
    fn message(
        &mut self,
        message: &Message,
        arrived_at: Timestamp,
        hosts: &Hosts<'_>,
        settings: &Alerts,
        now: Timestamp,
    ) {
        if !is_ours(message.from.as_deref(), &settings.senders) {
            self.strangers += 1;
            return;
        }
        let at = message.sent.at(arrived_at, now);
        self.misdated += usize::from(at.is_none());
        let believed = at.is_some() && !message.returned;
        let at = at.unwrap_or_else(|| arrived_at.min(now));
        for report in &message.reports {
            self.report(report, (at, believed), hosts, settings);
        }
    }

    fn report(
        &mut self,
        report: &Report,
        (at, believed): (Timestamp, bool),
        hosts: &Hosts<'_>,
        settings: &Alerts,
    ) {
        let Some(host) = &report.host else {
            self.unreadable += 1;
            return;
        };
        let Some(appliance) = self.known(host, hosts) else { return };
        let found = alerts_in(report, at, &settings.words);
        let counted = found.into_iter().filter(|alert| believed || !alert.is_good_news());
        self.alerts.entry(appliance).or_default().extend(counted);
    }

    /// A line that may have been an alert: of the appliances whose hosts it names, if it names no other.
    /// It counts as long as it stands in the log, like an alert that nothing ends.
    fn lost(&mut self, lost: &Lost, hosts: &Hosts<'_>) {
        let why = format!("{} may be an alert and cannot be read", lost.place);
        let gap = (Reason::Malformed, why);
        let named = lost.hosts.iter().flatten().map(|host| hosts.appliance(host));
        let named: Option<BTreeSet<&str>> = named.collect();
        match named.filter(|named| !named.is_empty()) {
            Some(named) => {
                let new = named.into_iter().map(|name| (name.to_owned(), gap.clone()));
                self.gaps.extend(new);
            }
            None => self.gap = self.gap.take().or(Some(gap)),
        }
    }

    fn line(&mut self, line: &Line, hosts: &Hosts<'_>, settings: &Alerts, now: Timestamp) {
        if !line.reports {
            if let Some(appliance) = hosts.appliance(&line.host).map(str::to_owned)
                && moment::ahead(line.at, line.zone, now) != Ahead::Malformed
            {
                self.beat(appliance, line.at);
            }
            return;
        }
        let believed = moment::ahead(line.at, line.zone, now) != Ahead::Malformed;
        let at = if line.zone == Zone::Given && !believed { now } else { line.at };
        let report =
            Report { host: Some(line.host.clone()), alerts: vec![line.text.clone()], cut: false };
        self.misdated += usize::from(!believed);
        self.report(&report, (at, believed), hosts, settings);
        let any_line = settings.syslog.as_ref().is_some_and(|s| s.any_line_is_heartbeat);
        if let (true, true, Some(appliance)) = (any_line, believed, hosts.appliance(&line.host)) {
            self.beat(appliance.to_owned(), at);
        }
    }

    fn beat(&mut self, appliance: String, at: Timestamp) {
        self.alerts.entry(appliance).or_default().insert(Alert::heartbeat(at));
    }

    fn known(&mut self, host: &str, hosts: &Hosts<'_>) -> Option<String> {
        let found = hosts.appliance(host).map(str::to_owned);
        if found.is_none() && self.unmapped.len() < MAX_STRANGERS {
            self.unmapped.insert(shown_host(host));
        }
        found
    }
}

/// Whether a message counts by its sender. A bare text has none: whoever may write into the folder
/// is trusted.
fn is_ours(from: Option<&[String]>, senders: &[String]) -> bool {
    let Some(from) = from.filter(|_| !senders.is_empty()) else { return true };
    let ours: Vec<String> = senders.iter().map(|s| s.trim().to_lowercase()).collect();
    let is = |address: &String, s: &String| {
        !s.is_empty() && (address == s || (s.starts_with('@') && address.ends_with(s.as_str())))
    };
    from.iter().any(|address| ours.iter().any(|s| is(address, s)))
}
