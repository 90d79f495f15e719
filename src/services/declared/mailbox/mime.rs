//! One message, read from what arrived: MIME taken apart, dates believed or not.
//!
//! Whatever stands in a message is hostile and may be somebody's private words: a [`Mail`] is meant
//! to be reduced at once to what its reader wants to know, and never shown or kept as it is.

use std::collections::BTreeSet;
use std::hash::{Hash as _, Hasher as _};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822::DateTimeParser;
use mail_parser::decoders::html::html_to_text;
use mail_parser::{Address, Message, MessageParser, MimeHeaders as _};

use crate::model::calendar::london;
use crate::model::observation::Zone;
use crate::services::declared::dropped::decode;
use crate::services::declared::moment::{self, Ahead, Moment};

/// Bytes of text that are kept of one message while it is read.
const MAX_TEXT: usize = 64 * 1024;
/// Senders, and recipients, that are read.
const MAX_ADDRESSES: usize = 50;

/// Multiparts within multiparts whose end is made up when it is missing.
const MAX_ENDS: usize = 20;

/// RFC 5322, with the weekday not held against the date.
static RFC2822: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);

/// A message's identity: equal for two copies of one message. Of its headers only those count that
/// no relay changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    digest: (u64, u64),
    /// Whether it says itself who it is: an identity or a date. Two of the others are one only if
    /// they came together.
    pub(super) named: bool,
}

/// When a message says that it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// Then.
    At(Moment),
    /// It does not say.
    Unsaid,
    /// It says something that is no date, or two different dates.
    Unbelievable,
}

/// A message, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its identity.
    pub key: Key,
    /// When it was sent, by its own words.
    pub sent: Sent,
    /// When it arrived: the mail server's time, or when its file changed.
    pub arrived_at: Timestamp,
    /// Senders' addresses, lower case.
    pub from: Vec<String>,
    /// Recipients' addresses, lower case.
    pub to: Vec<String>,
    /// Subject; empty where there is none.
    pub subject: String,
    /// What a person would read: all its text parts, HTML as text.
    pub text: String,
    /// The text was longer than is read, or the message than was fetched.
    pub cut: bool,
    /// It is a plain text without headers (an SMS that was dropped as a file).
    pub bare: bool,
    /// A mail server's report that a message could not be delivered, or somebody's automatic
    /// reply: it may quote a message, but does not come from its sender.
    pub returned: bool,
}

impl std::fmt::Debug for Mail {
    /// Nothing of its content.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail")
            .field("sent", &self.sent)
            .field("arrived_at", &self.arrived_at)
            .finish_non_exhaustive()
    }
}

impl Sent {
    /// When it was sent: as it says, or when it arrived if it says nothing. `None` when what it
    /// says cannot be believed: no date, two dates, or one too far ahead of `now`.
    #[must_use]
    pub fn at(self, arrived_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::At(Moment { at, zone, .. }) => {
                (moment::ahead(at, zone, now) != Ahead::Malformed).then_some(at)
            }
            Self::Unsaid => Some(arrived_at),
            Self::Unbelievable => None,
        }
    }
}

/// A mail as it came over the wire; `whole` is false where only its beginning was fetched. `None`
/// when it is no mail.
#[must_use]
pub fn mail(bytes: &[u8], whole: bool, arrived_at: Timestamp) -> Option<Mail> {
    let mut message = MessageParser::default().parse(bytes)?;
    let closed;
    // A message that breaks off within a part, as a piece of a large one does, shows nothing of
    // that part before its boundary is there.
    if !whole || text_of(&message).is_none() {
        closed = with_ends(&message, bytes);
        message = MessageParser::default().parse(&closed)?;
    }
    let (text, complete) = text_of(&message)?;
    let sent = sent(&message);
    let (text, short) = shortened(text);
    let subject = message.subject().unwrap_or_default().to_owned();
    Some(Mail {
        key: key(&message, &subject, &text),
        sent,
        arrived_at,
        from: addresses(message.from()),
        to: recipients(&message),
        cut: short || (!whole && !complete),
        bare: false,
        returned: is_returned(&message),
        subject,
        text,
    })
}

/// `bytes` with the end of each multipart that begins in them.
fn with_ends(message: &Message<'_>, bytes: &[u8]) -> Vec<u8> {
    let boundaries = message.parts.iter().filter_map(|part| {
        part.content_type().and_then(|kind| kind.attribute("boundary")).map(str::to_owned)
    });
    let mut out = bytes.to_vec();
    for boundary in boundaries.take(MAX_ENDS).collect::<Vec<_>>().iter().rev() {
        out.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
    }
    out
}

/// The headers of a mail, without its subject: the rest is not even looked at.
#[must_use]
pub fn envelope(bytes: &[u8], arrived_at: Timestamp) -> Option<Mail> {
    let message = MessageParser::default().parse_headers(bytes)?;
    // What has neither a date nor a sender is some other text.
    let is_mail = message.from().is_some() || message.header_raw("Date").is_some();
    is_mail.then(|| Mail {
        key: key(&message, "", ""),
        sent: sent(&message),
        arrived_at,
        from: addresses(message.from()),
        to: recipients(&message),
        subject: String::new(),
        text: String::new(),
        cut: false,
        bare: false,
        returned: is_returned(&message),
    })
}

/// A text without headers. `None` when it is not text.
#[must_use]
pub fn bare(bytes: &[u8], arrived_at: Timestamp) -> Option<Mail> {
    let text = decode(bytes).filter(|t| !t.trim().is_empty())?;
    let (text, cut) = shortened(text);
    Some(Mail {
        key: Key { digest: digest(&[text.trim()]), named: false },
        sent: Sent::Unsaid,
        arrived_at,
        from: Vec::new(),
        to: Vec::new(),
        subject: String::new(),
        text,
        cut,
        bare: true,
        returned: false,
    })
}

/// What a person would read, and whether it is all there although the message may not be. `None`
/// where there is nothing to read.
fn text_of(message: &Message<'_>) -> Option<(String, bool)> {
    let plain = plain(message);
    // An empty alternative of plain text beside the HTML that holds the words.
    let (parts, text) = match plain.trim().is_empty() {
        false => (&message.text_body, plain),
        true => (&message.html_body, html(message)),
    };
    if text.trim().is_empty() {
        // A mail that was forwarded whole.
        let nested = message.attachments().find_map(|part| part.message())?;
        let text = self::plain(nested);
        return (!text.trim().is_empty()).then_some((text, false));
    }
    // Pictures among the text are listed as its parts too.
    let texts = parts.iter().filter(|n| message.part(**n).is_some_and(|part| part.is_text()));
    let last = texts.max().and_then(|n| usize::try_from(*n).ok());
    let complete = last.is_some_and(|n| n + 1 < message.parts.len());
    Some((text, complete))
}

fn plain(message: &Message<'_>) -> String {
    let texts = (0..message.text_body.len()).filter_map(|n| message.body_text(n));
    texts.collect::<Vec<_>>().join("\n")
}

fn html(message: &Message<'_>) -> String {
    let pages = (0..message.html_body.len()).filter_map(|n| message.body_html(n));
    pages.map(|page| html_to_text(&page)).collect::<Vec<_>>().join("\n")
}

fn shortened(mut text: String) -> (String, bool) {
    let cut = text.len() > MAX_TEXT;
    if cut {
        let end = (0..=MAX_TEXT).rev().find(|n| text.is_char_boundary(*n)).unwrap_or(0);
        text.truncate(end);
    }
    (text, cut)
}

fn sent(message: &Message<'_>) -> Sent {
    let dates: BTreeSet<String> = message
        .headers_raw()
        .filter(|(name, _)| name.eq_ignore_ascii_case("Date"))
        .map(|(_, value)| value.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let mut dates = dates.iter();
    match (dates.next(), dates.next()) {
        (None, _) => Sent::Unsaid,
        (Some(text), None) => date(text).map_or(Sent::Unbelievable, Sent::At),
        (Some(_), Some(_)) => Sent::Unbelievable,
    }
}

/// A date as mails write it; one without an offset is read as Europe/London.
fn date(text: &str) -> Option<Moment> {
    if let Ok(at) = RFC2822.parse_timestamp(text) {
        return Some(Moment { at, zone: Zone::Given, uncertain: false });
    }
    let day = text.split_once(", ").map_or(text, |(_, day)| day);
    let formats = ["%d %b %Y %H:%M:%S", "%d %b %Y %H:%M"];
    let Some(civil) = formats.into_iter().find_map(|f| DateTime::strptime(f, day).ok()) else {
        return moment::read(text);
    };
    let candidate = london().to_ambiguous_timestamp(civil);
    let uncertain = candidate.is_ambiguous();
    Some(Moment { at: candidate.earlier().ok()?, zone: Zone::Assumed, uncertain })
}

fn key(message: &Message<'_>, subject: &str, text: &str) -> Key {
    let raw = |name: &str| message.header_raw(name).unwrap_or_default().trim().to_owned();
    let (id, date) = (raw("Message-ID"), raw("Date"));
    // The identity alone is not enough: there are senders that give all their mails the same.
    let named = !id.is_empty() || !date.is_empty();
    Key { digest: digest(&[&id, &date, subject.trim(), text.trim()]), named }
}

/// Two digests that differ in their seed.
fn digest(parts: &[&str]) -> (u64, u64) {
    let of = |seed: u64| {
        let mut hasher = std::hash::DefaultHasher::new();
        seed.hash(&mut hasher);
        parts.hash(&mut hasher);
        hasher.finish()
    };
    (of(0), of(0x9E37_79B9_7F4A_7C15))
}

fn addresses(address: Option<&Address<'_>>) -> Vec<String> {
    let all = address.into_iter().flat_map(Address::iter).filter_map(|a| a.address());
    all.take(MAX_ADDRESSES).map(|a| a.trim().to_lowercase()).collect()
}

fn recipients(message: &Message<'_>) -> Vec<String> {
    let mut all = addresses(message.to());
    all.extend(addresses(message.cc()));
    all.truncate(MAX_ADDRESSES);
    all
}

fn is_returned(message: &Message<'_>) -> bool {
    let report = message.content_type().is_some_and(|kind| {
        kind.ctype().eq_ignore_ascii_case("multipart")
            && kind.subtype().is_some_and(|s| s.eq_ignore_ascii_case("report"))
    });
    let daemon = addresses(message.from())
        .iter()
        .any(|a| a.starts_with("mailer-daemon") || a.starts_with("postmaster"));
    let replied = message
        .header_raw("Auto-Submitted")
        .is_some_and(|v| v.trim().to_lowercase().starts_with("auto-replied"));
    report || daemon || replied
}
