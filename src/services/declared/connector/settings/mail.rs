//! Report mail: messages that arrive in a mailbox.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::json::KeyRule;
use super::reading::{Absent, HealthRule, NumberRule, Pick};
use crate::services::declared::mailbox::MailboxSettings;

/// Messages of one kind in a mailbox, and how the newest of them is read. Nothing is marked, moved
/// or deleted. Needs `age`: that no message comes proves nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// Where the messages arrive.
    pub place: MailboxSettings,
    /// Senders whose messages count: addresses, or domains such as `@vendor.example`. Anybody can
    /// write any sender into a message: let the mail server refuse what is forged.
    pub from: Vec<String>,
    /// Pieces of the subject, upper and lower case being the same: one of them must stand there. All
    /// messages of the senders count unless set.
    #[serde(default)]
    pub subject: Vec<String>,
    /// Which school a message is about, for scope `bulk`: what stands behind the words `after` in
    /// subject or text.
    #[serde(default)]
    pub key: Option<KeyRule>,
    /// What it means that a school has no message.
    #[serde(default)]
    pub absent: Absent,
    /// Pieces of subject and text that tell how it stands; the worst counts.
    pub health: HealthRule,
    /// Counts, by the name under which they are shown.
    #[serde(default)]
    pub numbers: BTreeMap<String, NumberRule>,
    /// A few words for the sentence. Choose nothing that may name a person.
    #[serde(default)]
    pub detail: Option<Pick>,
    /// What is kept as evidence, by name. Choose nothing that may name a person.
    #[serde(default)]
    pub facts: BTreeMap<String, Pick>,
}
