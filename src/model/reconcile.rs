//! A vendor's own audit held against ours: which changes came through us, and which did not.
//!
//! Ids alone: no name, no address, no value of a property is kept.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::health::{Health, Reason};
use crate::model::text::Clean;

/// A kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Sign-in was blocked.
    Disabled,
    /// Sign-in was opened.
    Enabled,
    /// Somebody else than its owner set a new password.
    PasswordReset,
    /// Its sessions were ended.
    SessionsRevoked,
    /// The directory sync was asked for it.
    Synced,
    /// Of a kind that is never made from here; told where our own app has made it.
    Other,
}

impl Change {
    /// In words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
            Self::PasswordReset => "password reset",
            Self::SessionsRevoked => "sessions revoked",
            Self::Synced => "sync asked for",
            Self::Other => "something else",
        }
    }
}

/// Who made a change, by the vendor's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Initiator {
    /// An app registration of ours.
    OurApp(Clean),
    /// Another app.
    App(Clean),
    /// A person, such as in the vendor's portal.
    Person(Clean),
}

impl std::fmt::Display for Initiator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OurApp(id) => write!(f, "our app {id}"),
            Self::App(id) => write!(f, "app {id}"),
            Self::Person(id) => write!(f, "person {id}"),
        }
    }
}

/// One entry of the vendor's audit that is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VendorEntry {
    /// The vendor's id of it.
    pub id: Clean,
    /// When, by the vendor's clock.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What kind of change it tells of.
    pub change: Change,
    /// The vendor's word for it.
    pub activity: Clean,
    /// The vendor's id of the account; absent where the change is about none.
    pub target: Option<Clean>,
    /// Who.
    pub by: Initiator,
    /// The vendor's word for how it ended.
    pub result: Clean,
    /// What binds the entries of one request together.
    pub correlation: Option<Clean>,
    /// The id of the step of ours that makes such a change; absent where none does.
    pub step: Option<Clean>,
}

/// An entry of the vendor's audit that may be about a change of ours and cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotUnderstood {
    /// The vendor's id of it, where it has one.
    pub id: Option<Clean>,
    /// When, where it says so.
    #[schemars(with = "Option<String>")]
    pub at: Option<Timestamp>,
    /// What is not understood.
    pub why: Clean,
}

/// Why not everything can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BrokeOff {
    /// Which kind of not knowing.
    pub reason: Reason,
    /// In a sentence.
    pub why: Clean,
}

/// A vendor's audit of a span of time, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VendorAudit {
    /// Entries that were read, of whatever kind.
    pub read: u64,
    /// The time of the newest of them.
    pub newest: Option<Timestamp>,
    /// Those that are compared.
    pub entries: Vec<VendorEntry>,
    /// Those that may have to be and cannot.
    pub not_understood: Vec<NotUnderstood>,
    /// How many of every other kind, by the vendor's word for it.
    pub others: BTreeMap<String, u64>,
    /// Why the read ended before the last entry; none when it did not.
    pub broke_off: Option<BrokeOff>,
}

/// Through whom a change came. Ordered: the loudest first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// Our app's credentials made it, and nothing in our ledger did: somebody else has them.
    OurAppAlone,
    /// Somebody else made it: in the portal, or by another app.
    Elsewhere,
    /// A step of ours made it.
    ThroughUs,
}

/// An entry and through whom it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Found {
    /// Through whom.
    pub whose: Whose,
    /// The key of the action of ours that made it.
    pub key: Option<Clean>,
    /// The entry.
    pub entry: VendorEntry,
}

/// What came of holding a vendor's audit against ours.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Reconciled {
    /// Entries of the vendor's audit that were read.
    pub read: u64,
    /// The time of the newest of them: what happened since may not be in it yet.
    #[schemars(with = "Option<String>")]
    pub newest: Option<Timestamp>,
    /// Compared entries by our app alone.
    pub our_app_alone: u64,
    /// Compared entries by others.
    pub elsewhere: u64,
    /// Compared entries that came through us.
    pub through_us: u64,
    /// The compared entries, the loudest first, then the newest; the first thousand.
    pub found: Vec<Found>,
    /// How many were not understood.
    pub unclear: u64,
    /// The first thousand of them.
    pub not_understood: Vec<NotUnderstood>,
    /// How many of every other kind there are, by the vendor's word for it; not compared.
    pub others: BTreeMap<String, u64>,
    /// Why not everything is here; none when it is.
    pub broke_off: Option<BrokeOff>,
}

impl Reconciled {
    /// How it stands: critical when our app was used outside, unknown when something cannot be told
    /// (an audit without any entry tells nothing), warning when others made changes.
    #[must_use]
    pub fn health(&self) -> Health {
        match self {
            _ if self.our_app_alone > 0 => Health::Critical,
            _ if self.broke_off.is_some() || self.unclear > 0 || self.read == 0 => Health::Unknown,
            _ if self.elsewhere > 0 => Health::Warning,
            _ => Health::Ok,
        }
    }
}
