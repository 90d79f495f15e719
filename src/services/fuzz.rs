//! Reads any bytes as what vendors send, for fuzzing. Nothing of it may panic, and what is no JSON at
//! all is never well.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::de::IgnoredAny;
use toml::de::ValueDeserializer;

use crate::model::health::Reason;
use crate::model::ids::{CheckId, Laestab};
use crate::model::observation::{Observation, Target, Verdict};
use crate::services::answer::Trouble;
use crate::services::declared::{connector, dropped, jq, mailbox, notes, statuspage, words};
use crate::services::{SERVICES, look_into, rights};
use crate::transport::Reply;

/// What is asked about: a school, an answer without a verdict yet, and the vendor's reply.
pub(super) struct Asked {
    pub(super) school: Laestab,
    pub(super) check: CheckId,
    pub(super) bare: Observation,
    pub(super) reply: Reply,
}

/// The moment at which everything is read.
pub(super) fn now() -> Timestamp {
    Timestamp::from_second(1_802_257_200).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `bytes` as the body of a reply of this status.
pub(super) fn asked(status: u16, bytes: &[u8]) -> Option<Asked> {
    let school = Laestab::from_parts(999, 1_001)?;
    let check: CheckId = "x.y".parse().ok()?;
    let unknown = Verdict::Unknown(Reason::Malformed);
    let bare = Observation::new(check.clone(), Target::School(school), now(), unknown, "");
    Some(Asked { school, check, bare, reply: Reply::of_bytes(status, bytes, now()) })
}

/// That nothing is well of which the bytes are no JSON.
pub(super) fn never_well_without_json(bytes: &[u8], seen: &Result<Observation, Trouble>) {
    let is_well = seen.as_ref().is_ok_and(|o| matches!(o.verdict, Verdict::Ok | Verdict::Quiet));
    if is_well {
        let body = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let read = serde_json::from_slice::<IgnoredAny>(body);
        assert!(read.is_ok(), "well, and no JSON: {read:?}");
    }
}

/// As what the vendor of this service sends.
pub fn service(key: &str, bytes: &[u8]) {
    for service in SERVICES.iter().filter(|service| service.key == key) {
        (service.reads)(bytes);
    }
}

/// As a message of a mailbox: whole, cut off, its envelope alone, and as a bare text.
pub fn mail(bytes: &[u8]) {
    drop(mailbox::each_reading(bytes, now()));
}

/// As a Statuspage summary.
pub fn statuspage(bytes: &[u8]) {
    let Ok(page) = serde_json::from_slice(bytes) else { return };
    for components in [Vec::new(), vec!["Teach".to_owned(), "API".to_owned()]] {
        drop(statuspage::read(&page, &components, now()));
    }
}

/// As the text of a dropped file, and as a web page.
pub fn dropped(bytes: &[u8]) {
    let Some(text) = dropped::decode(bytes) else { return };
    notes::every_note(&text);
    let visible = words::visible(&text);
    drop((words::folded(&text), words::names(&visible, "St Mary\u{2019}s School")));
}

/// As what a declared connector reads: rows of a CSV file, pieces of a text, lines of a log.
pub fn connector(bytes: &[u8]) {
    if let Some(text) = dropped::decode(bytes) {
        connector::each_reading(&text, now());
    }
}

/// As a jq expression of the configuration.
pub fn jq(bytes: &[u8]) {
    drop(jq::check(&String::from_utf8_lossy(bytes)));
}

/// As a credential, of which only the end is read, and as an access token, of which only the roles.
pub fn credential(bytes: &[u8]) {
    let value = SecretString::from(String::from_utf8_lossy(bytes).into_owned());
    drop(look_into(&value));
    drop(rights::roles_of(&value));
}

/// As the settings of a declared connector, in TOML: read, and held against one another.
pub fn connector_settings(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(document) = toml::from_str::<toml::Table>(&text) else { return };
    let section = toml::Value::Table(document).to_string();
    let Ok(section) = ValueDeserializer::parse(&section) else { return };
    if let Ok(settings) = connector::ConnectorSettings::read(section) {
        drop(connector::Connectors::new(vec![("c".to_owned(), settings)], &[]));
    }
}
