//! Plans: what is asked for, what would be done, and what came of it.
//!
//! The words of the guard. Nothing here holds a password, and what a ledger or a wire carries of a
//! person is an immutable id; a name stands only in [`Private`].

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::action::Class;
use crate::model::ids::{ActionId, Laestab, ServiceKey};
use crate::model::observation::Fact;
use crate::model::text::Clean;

/// Targets that one plan may name; policies set lower limits.
pub const MAX_TARGETS: usize = 500;

/// A person, by the kernel's word on who is behind the socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Operator {
    /// User id of the process that asked.
    pub uid: u32,
    /// The uid that logged in, which survives `sudo` and `su`; none in containers.
    pub login: Option<u32>,
    /// Account name of the login uid, else of the uid.
    pub name: Clean,
}

impl Operator {
    /// Whom approvals are compared by: the login uid where the kernel knows it.
    #[must_use]
    pub fn person(&self) -> u32 {
        self.login.unwrap_or(self.uid)
    }
}

/// What somebody may do. `Lead` includes operator and approver; `Auditor` acts on nothing.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Plans and confirms.
    Operator,
    /// Is the second person.
    Approver,
    /// Operator and approver.
    Lead,
    /// Reads the audit.
    Auditor,
}

/// How an account is named in a target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountName {
    /// By `objectGUID`, in the usual text form: lasts for the life of the account.
    Guid(String),
    /// By `sAMAccountName`; the plan resolves it to a guid, and shows that.
    Sam(String),
}

/// What an action aims at: `estate`, `9379001`, `9379001/groupcall`, `9379001/guid:..`,
/// `9379001/sam:..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aim {
    /// The whole tenant.
    Estate,
    /// One school.
    School(Laestab),
    /// One school's cell of one service.
    Cell(Laestab, ServiceKey),
    /// One account of one school.
    Account(Laestab, AccountName),
}

/// Why a target cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a target: write estate, LAESTAB, LAESTAB/service, LAESTAB/guid:.. or \
     LAESTAB/sam:.."
)]
pub struct NotATarget(String);

impl Aim {
    /// The school, where there is one.
    #[must_use]
    pub fn school(&self) -> Option<Laestab> {
        match self {
            Self::Estate => None,
            Self::School(s) | Self::Cell(s, _) | Self::Account(s, _) => Some(*s),
        }
    }

    /// As it may stand in a ledger: an account's login is a person's, and only its first letter stays.
    #[must_use]
    pub fn masked(&self) -> Self {
        match self {
            Self::Account(school, AccountName::Sam(login)) => {
                Self::Account(*school, AccountName::Sam(masked(login)))
            }
            other => other.clone(),
        }
    }
}

/// A name as it is shown until its unmasking was recorded: its first letter and dots, as many for
/// each name.
#[must_use]
pub fn masked(name: &str) -> String {
    let first = name.trim().chars().next().filter(|c| c.is_alphanumeric());
    first.into_iter().chain(std::iter::repeat_n('.', 5)).collect()
}

impl FromStr for Aim {
    type Err = NotATarget;

    fn from_str(text: &str) -> Result<Self, NotATarget> {
        let refuse = || NotATarget(text.chars().take(80).collect());
        if text == "estate" {
            return Ok(Self::Estate);
        }
        let Some((school, rest)) = text.split_once('/') else {
            return text.parse().map(Self::School).map_err(|_| refuse());
        };
        let school = school.parse().map_err(|_| refuse())?;
        if let Some(guid) = rest.strip_prefix("guid:") {
            let good = guid.len() == 36
                && guid.char_indices().all(|(i, c)| match i {
                    8 | 13 | 18 | 23 => c == '-',
                    _ => c.is_ascii_hexdigit(),
                });
            return if good {
                Ok(Self::Account(school, AccountName::Guid(guid.to_ascii_lowercase())))
            } else {
                Err(refuse())
            };
        }
        if let Some(sam) = rest.strip_prefix("sam:") {
            // What Active Directory allows in the attribute: at most 256, none of these.
            let good = (1..=256).contains(&sam.chars().count())
                && sam.trim() == sam
                && !sam.chars().any(|c| c.is_control() || "\"/\\[]:;|=,+*?<>@".contains(c));
            return if good {
                Ok(Self::Account(school, AccountName::Sam(sam.to_owned())))
            } else {
                Err(refuse())
            };
        }
        rest.parse().map(|service| Self::Cell(school, service)).map_err(|_| refuse())
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Estate => f.write_str("estate"),
            Self::School(school) => school.fmt(f),
            Self::Cell(school, service) => write!(f, "{school}/{service}"),
            Self::Account(school, AccountName::Guid(guid)) => write!(f, "{school}/guid:{guid}"),
            Self::Account(school, AccountName::Sam(sam)) => write!(f, "{school}/sam:{sam}"),
        }
    }
}

impl Serialize for Aim {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Aim {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Aim {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Aim".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "estate, LAESTAB, LAESTAB/service, LAESTAB/guid:.. or LAESTAB/sam:.."
        })
    }
}

/// What an operator asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// Which action.
    pub action: ActionId,
    /// At what; 1 to [`MAX_TARGETS`].
    pub targets: Vec<Aim>,
    /// Why, in the operator's words.
    pub reason: Clean,
    /// The desk's ticket.
    #[serde(default)]
    pub ticket: Option<Clean>,
    /// What the action needs besides, by name: `path`, `at`, `group`, `asked_by`, `verified`.
    #[serde(default)]
    pub choices: BTreeMap<String, Clean>,
    /// The key of an open action that was partly done, on the same target: this one goes on with it, and
    /// closes it when it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continues: Option<Clean>,
}

/// Whose account or what a target is; a policy may treat them differently.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The whole tenant.
    Estate,
    /// A school, or one of its services.
    School,
    /// A pupil's account.
    Pupil,
    /// A member of staff's account.
    Staff,
    /// A governor's account.
    Governor,
    /// An account under the school that is none of these.
    Other,
}

/// One step of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Which step of its action this is, for the service that does it: `ad_disable`.
    pub id: Clean,
    /// Where: `AD`, `WeLearn365`, `Groupcall`.
    pub system: Clean,
    /// What it does, in plain words: `disable`.
    pub says: Clean,
    /// Its class decides what happens after no answer.
    pub class: Class,
    /// Whether it can be undone.
    pub undoable: bool,
    /// Seconds that its effect may take to show before somebody must look.
    pub patience_s: u32,
    /// What the step was made from: values as read, for compare-and-set and for looking after a
    /// restart; of a ticket, what it is about. Never the name of a person at a school, never a secret.
    pub with: BTreeMap<String, Clean>,
}

/// The name in [`Step::with`] of what follows from this step not being done, for whoever has to look.
pub const IF_LEFT_OPEN: &str = "if_left_open";

impl Step {
    /// What stands in [`Self::with`] under `name`; empty where nothing does.
    #[must_use]
    pub fn given(&self, name: &str) -> &str {
        self.with.get(name).map_or("", Clean::as_str)
    }
}

/// What would be done to one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// The idempotency key: unique in the ledger for ever, and carried to vendors that take one.
    pub key: Clean,
    /// The target, accounts by guid.
    pub aim: Aim,
    /// Further targets of the plan that the same steps are about: one ticket for several cells. Each
    /// counts as a target.
    #[serde(default)]
    pub also: Vec<Aim>,
    /// Whose it is.
    pub kind: Kind,
    /// What is leased while it runs, so that two operators cannot act on one thing: `ad:GUID`,
    /// `groupcall:LAESTAB`.
    pub lease: Clean,
    /// The target as it was read. Part of the digest; read again just before the first step.
    pub now: Vec<Fact>,
    /// In order.
    pub steps: Vec<Step>,
    /// What is handed to people outside as it stands, line by line; the first is its subject. Part of
    /// the digest; not read again, so that an age in a sentence may grow meanwhile.
    #[serde(default)]
    pub sends: Vec<Clean>,
    /// Whether later steps are done even if an earlier one failed (locking a compromised account).
    pub protective: bool,
    /// What it does not touch.
    pub will_not: Vec<Clean>,
    /// What to beware of.
    pub beware: Vec<Clean>,
    /// How to undo it.
    pub undo: Option<Clean>,
    /// Why a second person must approve this one whatever the policy says (pupil numbers fell).
    pub second_person: Option<SecondPerson>,
}

/// A second person that the target itself asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecondPerson {
    /// Why.
    pub why: Clean,
    /// What they type to approve, such as the number that is doubtful; nothing if absent.
    #[serde(default)]
    pub types: Option<Clean>,
}

impl Item {
    /// All that it is about.
    pub fn aims(&self) -> impl Iterator<Item = &Aim> {
        std::iter::once(&self.aim).chain(&self.also)
    }

    /// Whether a second person must approve it.
    #[must_use]
    pub fn needs_second(&self) -> bool {
        self.second_person.is_some()
    }
}

/// What may be shown of an item to the operator who asked, and must not be stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Private {
    /// Masked (first letter and dots), or whole once its unmasking was recorded.
    pub label: Clean,
    /// What has to be typed to confirm this item when it is the only one.
    pub confirm: Clean,
    /// What else is told to whoever may see names: why an account was locked. Empty while masked.
    #[serde(default)]
    pub notes: Vec<Clean>,
}

/// What the policy said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ruling {
    /// Digest of the policy that ruled.
    pub policy: Clean,
    /// Name of the rule that allowed it.
    pub rule: Clean,
    /// Whether a second person must approve, and in which role.
    pub second: Option<Role>,
    /// In words: "1 of 5 this hour".
    pub says: Vec<Clean>,
}

/// A plan: everything that an operator confirms, under one digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// Its id.
    pub id: Clean,
    /// What was asked.
    pub ask: Ask,
    /// Who asked.
    pub by: Operator,
    /// What would be done.
    pub items: Vec<Item>,
    /// Targets that are left out, each with its reason.
    pub left_out: Vec<LeftOut>,
    /// What the policy said.
    pub ruling: Ruling,
    /// When it was made.
    #[schemars(with = "String")]
    pub made_at: Timestamp,
    /// After this it is worth nothing.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
    /// SHA-256, in hex, over all of the above but the ids of plan and keys.
    pub digest: Clean,
}

impl Plan {
    /// Whether one of its steps makes something that is shown once: a new password.
    #[must_use]
    pub fn shows_once(&self) -> bool {
        self.items.iter().flat_map(|i| &i.steps).any(|s| s.class == Class::Destructive)
    }

    /// How many targets it has.
    #[must_use]
    pub fn targets(&self) -> usize {
        self.items.iter().map(|item| item.aims().count()).sum()
    }

    /// What the second person types to approve it, in the order of the items; empty if nothing.
    #[must_use]
    pub fn approval_words(&self) -> String {
        let words =
            self.items.iter().filter_map(|item| item.second_person.as_ref()?.types.as_ref());
        words.map(Clean::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// A target that a plan leaves out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// Which.
    pub aim: Aim,
    /// Why.
    pub why: Clean,
}

/// How one step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Not begun.
    Waiting,
    /// Recorded as about to be sent; nobody knows more.
    Sent,
    /// The other side took it; not seen yet.
    Took,
    /// Its effect was seen by reading.
    Seen,
    /// The other side refused; nothing changed.
    Refused,
    /// No answer, and reading does not tell.
    Unknown,
    /// Not done, because an earlier step was not.
    Skipped,
}

/// What came of an item or a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Seen by reading.
    Done,
    /// The vendor took it; the effect is being looked for.
    Accepted,
    /// The vendor said no; nothing changed.
    Rejected,
    /// Some steps; each step says which.
    PartlyDone,
    /// No answer: to be resolved by reading, or by a person.
    Unknown,
    /// The target was no longer as the plan read it; nothing was sent.
    ChangedSincePlan,
}

impl Outcome {
    /// In words; `done` and `accepted` are never the same.
    #[must_use]
    pub fn words(this: Option<Self>) -> &'static str {
        match this {
            None => "running",
            Some(Self::Done) => "DONE",
            Some(Self::Accepted) => "ACCEPTED, not seen yet",
            Some(Self::Rejected) => "REJECTED, nothing changed",
            Some(Self::PartlyDone) => "PARTLY DONE",
            Some(Self::Unknown) => "UNKNOWN: look at the target",
            Some(Self::ChangedSincePlan) => "CHANGED SINCE THE PLAN, nothing was sent",
        }
    }
}

impl StepState {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Waiting => "not begun",
            Self::Sent => "sent, no answer yet",
            Self::Took => "taken, not seen yet",
            Self::Seen => "seen",
            Self::Refused => "refused",
            Self::Unknown => "NOT KNOWN",
            Self::Skipped => "not done",
        }
    }
}

impl Role {
    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Lead => "lead",
            Self::Auditor => "auditor",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_masked_and_an_id_is_not() {
        let aim: Aim = "9371234/sam:m.sharp12".parse().unwrap();
        assert_eq!(aim.masked().to_string(), "9371234/sam:m.....");
        let guid: Aim = "9371234/guid:04030201-0605-0807-090a-0b0c0d0e0f10".parse().unwrap();
        assert_eq!(guid.masked(), guid);
        assert_eq!((masked("Zoë").as_str(), masked("").as_str()), ("Z.....", "....."));
        assert_eq!(masked(" \u{202e}x"), ".....");
    }
}
