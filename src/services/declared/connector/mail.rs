//! Report mail: the newest message of a kind, of the estate or of each school, is what counts.
//!
//! Invariant: of a message only what its rules read is held; a message whose date cannot be believed
//! is never good news.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::evaluate::{Picks, check_rows};
use super::reading::{HEALTH, Judged, KEY, NUMBER, Reading, Rules, key_of};
use super::rows::Keys;
use super::settings::{Asks, MailSettings};
use super::{Refused, refuse, textfile};
use crate::model::health::Reason;
use crate::model::ids::Laestab;
use crate::model::observation::{SourceTime, Zone};
use crate::ports::watch::{Door, Place, Rights};
use crate::services::declared::jq::Row;
use crate::services::declared::mailbox::{Look, Mail, Mailbox, Message, Reads, Sent};
use crate::services::declared::words::folded;
use crate::services::{Context, ServiceError};
use crate::transport::Trace;

/// A message, and what was kept of it.
type Read<'a> = (&'a Message<Option<Kept>>, &'a Kept);

/// What is kept of one message of the kind.
struct Kept {
    sent: Sent,
    key: Option<String>,
    judged: Judged,
}

/// Names within a row, by the words that stand before them.
type Behind = BTreeMap<String, String>;

impl MailSettings {
    fn rules(&self) -> Rules<'_> {
        Rules {
            health: Some(&self.health),
            time: None,
            numbers: &self.numbers,
            detail: self.detail.as_ref(),
            facts: &self.facts,
        }
    }

    fn behind(&self) -> Result<Behind, Refused> {
        let picks = Picks { rules: self.rules(), key: self.key.as_ref() };
        picks.check_names()?;
        let mut words = Behind::new();
        for picked in picks.all() {
            if picked.jq.or(picked.column).is_some() {
                return Err(refuse(&picked.key, "jq and column are not for a message"));
            }
            if picked.name == HEALTH {
                continue;
            }
            let Some(after) = picked.after.filter(|words| !words.trim().is_empty()) else {
                return Err(refuse(&picked.key, "needs after, the words that stand before it"));
            };
            words.insert(picked.name, after.to_owned());
        }
        Ok(words)
    }
}

/// What the settings amount to, before any school is known.
pub(super) struct Checked {
    reading: Reading,
    behind: Behind,
}

/// That the settings make sense for `scope`.
pub(super) fn check(settings: &MailSettings, scope: Asks) -> Result<Checked, Refused> {
    if scope == Asks::School {
        return Err(refuse("place", "one mailbox tells of all schools: set scope to bulk"));
    }
    check_rows(scope, None, settings.key.as_ref(), false)?;
    let blank = |text: &String| folded(text).is_empty();
    if settings.from.is_empty() || settings.from.iter().any(|from| !from.contains('@')) {
        return Err(refuse("from", "give addresses, or domains such as @vendor.example"));
    }
    if settings.subject.iter().any(blank) {
        return Err(refuse("subject", "an empty piece stands in any subject"));
    }
    if settings.health.words.is_none() {
        return Err(refuse("health.words", "say which pieces of the message mean what"));
    }
    let reading = Reading::new(&settings.rules(), true).map_err(|(key, why)| refuse(&key, why))?;
    if !reading.can_be_bad() {
        return Err(refuse("health.words", "nothing could ever be bad"));
    }
    Ok(Checked { reading, behind: settings.behind()? })
}

/// A mailbox that can be looked into.
pub(super) struct Reports {
    mailbox: Mailbox<Option<Kept>>,
    keys: Option<Keys>,
    settings: MailSettings,
    trace: Option<Trace>,
}

impl Reports {
    pub(super) fn new(
        ctx: &Context,
        settings: &MailSettings,
        checked: Checked,
        keys: Option<Keys>,
    ) -> Result<Self, Refused> {
        let (of, reading, behind) = (settings.clone(), checked.reading, checked.behind);
        let digest = move |mail: &Mail| kept(&of, &reading, &behind, mail);
        let made = Mailbox::new(ctx, "mail", "place", &settings.place, Reads::All, digest);
        let mailbox = made.map_err(|e| match e {
            ServiceError::Setting { key, why, .. } => refuse(&key, why),
            ServiceError::Endpoint { source, .. } => refuse("place", source.to_string()),
        })?;
        let (settings, trace) = (settings.clone(), ctx.transport.trace().cloned());
        Ok(Self { mailbox, keys, settings, trace })
    }

    /// Where its messages are left, if they are files.
    pub(super) fn places(&self) -> Vec<Place> {
        self.mailbox.places()
    }

    /// The mail server, if there is one.
    pub(super) async fn door(&self) -> Option<Door> {
        self.mailbox.door().await
    }

    /// What our account may do there.
    pub(super) async fn rights(&self) -> Option<Rights> {
        self.mailbox.rights().await
    }

    /// The newest message of the kind.
    pub(super) async fn ask_one(&self, now: Timestamp) -> Judged {
        let look = match self.look(now).await {
            Ok(look) => look,
            Err(judged) => return judged,
        };
        match newest(ours(&look).collect(), now) {
            Some(judged) => judged,
            None => Judged::unknown(Reason::NeverSeen, "no message of this kind has come"),
        }
    }

    /// The newest message of the kind about each of `schools`.
    pub(super) async fn ask_all(
        &self,
        schools: &BTreeSet<Laestab>,
        now: Timestamp,
    ) -> BTreeMap<Laestab, Judged> {
        let all = |judged: &dyn Fn(Laestab) -> Judged| -> BTreeMap<Laestab, Judged> {
            schools.iter().map(|school| (*school, judged(*school))).collect()
        };
        let look = match self.look(now).await {
            Ok(look) => look,
            Err(judged) => return all(&|_| judged.clone()),
        };
        let Some(keys) = &self.keys else { return BTreeMap::new() };
        let mut of: BTreeMap<Laestab, Vec<Read<'_>>> = BTreeMap::new();
        let mut strangers = 0_usize;
        for (message, kept) in ours(&look) {
            match kept.key.as_deref().and_then(|key| keys.find(key)) {
                Some(found) => {
                    found.iter().for_each(|s| of.entry(*s).or_default().push((message, kept)));
                }
                None => strangers += 1,
            }
        }
        all(&|school| {
            let judged = match of.get(&school).and_then(|m| newest(m.clone(), now)) {
                Some(judged) => judged,
                None => Judged::unknown(
                    super::reading::absent_reason(self.settings.absent),
                    "no message about this school has come",
                ),
            };
            match strangers {
                0 => judged,
                n => judged.fact("messages of no school of ours", n.to_string()),
            }
        })
    }

    /// All that stands in the mailbox; what may be missing makes the whole unknown.
    async fn look(&self, now: Timestamp) -> Result<Look<Option<Kept>>, Judged> {
        let look = self.mailbox.look(now).await;
        if let Some(trace) = &self.trace {
            trace.note(&format!(
                "mailbox: {} messages, {} of this kind, {} that cannot be read",
                look.messages.len(),
                ours(&look).count(),
                look.unreadable
            ));
        }
        match look.gap() {
            Some((reason, why)) => Err(Judged::unknown(reason, why)),
            None => Ok(look),
        }
    }
}

fn ours(look: &Look<Option<Kept>>) -> impl Iterator<Item = (&Message<Option<Kept>>, &Kept)> {
    look.messages.iter().filter_map(|m| Some((m, m.what.as_ref().as_ref()?)))
}

/// What the newest message says. One whose date cannot be believed counts as unknown as long as no
/// later one has come.
fn newest(mut all: Vec<(&Message<Option<Kept>>, &Kept)>, now: Timestamp) -> Option<Judged> {
    all.sort_by_key(|(message, kept)| {
        let sent = kept.sent.at(message.arrived_at, now);
        (sent.unwrap_or(message.arrived_at), message.arrived_at)
    });
    let (message, kept) = all.last()?;
    let Some(at) = kept.sent.at(message.arrived_at, now) else {
        let why = "the newest message has a date that cannot be believed";
        return Some(Judged::unknown(Reason::Malformed, why));
    };
    let mut judged = kept.judged.clone();
    let zone = match kept.sent {
        Sent::At(moment) => moment.zone,
        Sent::Unsaid | Sent::Unbelievable => Zone::Ours,
    };
    judged.source_at = Some(SourceTime { at, zone });
    Some(judged.fact("message of", at.to_string()))
}

/// What is held of a message; nothing of one that is of another kind.
fn kept(settings: &MailSettings, reading: &Reading, behind: &Behind, mail: &Mail) -> Option<Kept> {
    let from = |wanted: &String| {
        let wanted = wanted.to_lowercase();
        mail.from.iter().any(|address| match wanted.strip_prefix('@') {
            Some(domain) => address.rsplit_once('@').is_some_and(|(_, d)| d == domain),
            None => *address == wanted,
        })
    };
    let subject = folded(&mail.subject);
    let right = settings.subject.is_empty()
        || settings.subject.iter().any(|piece| subject.contains(&folded(piece)));
    if mail.returned || !right || !settings.from.iter().any(from) {
        return None;
    }
    let text = format!("{}\n{}", mail.subject, mail.text);
    let mut row: Row = behind
        .iter()
        .map(|(name, words)| {
            let found = match name.starts_with(NUMBER) || name == KEY {
                true => textfile::number_after(&text, words),
                false => textfile::after(&text, words),
            };
            (name.clone(), found)
        })
        .collect();
    if let Some(words) = reading.words() {
        row.insert(HEALTH.to_owned(), textfile::health(&text, words));
    }
    let mut judged = reading.judge(&row);
    if mail.cut && super::reading::severity(judged.verdict) == 0 {
        judged = Judged::unknown(Reason::Malformed, "the message is longer than is read");
    }
    Some(Kept { sent: mail.sent, key: key_of(&row), judged })
}
