//! Actions over the wire: what is possible, plans, what runs, what needs a look, the audit.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::model::action::{AimsAt, Class};
use crate::model::audit::Entry;
use crate::model::ids::{ActionId, Laestab};
use crate::model::plan::{
    AccountName, Aim, Ask, Kind, Operator, Outcome, Plan, Private, Role, StepState,
};
use crate::model::span::Span;
use crate::model::text::Clean;

/// How long a plan is to be read before its words can be typed.
pub const READS: Duration = Duration::from_secs(1);
/// The same, where something cannot be undone or there are many targets.
const READS_LONG: Duration = Duration::from_secs(3);
/// More targets than this are many.
const MANY: usize = 10;

/// One action that this agent could do, for whoever asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Possible {
    /// Which.
    pub action: ActionId,
    /// Label in menus.
    pub label: Clean,
    /// Class of its gravest step.
    pub class: Class,
    /// What it aims at.
    pub aims_at: AimsAt,
    /// Choices that it asks for, with what each means.
    pub choices: Vec<Choice>,
    /// Why it is not open to whoever asks; absent when it is.
    pub closed: Option<Clean>,
}

/// Something that an action needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    /// Name in [`Ask::choices`].
    pub name: Clean,
    /// What it means, with an example.
    pub help: Clean,
    /// Whether it can be left out.
    pub optional: bool,
}

/// `GET /v1/actions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Actions {
    /// Version of the wire.
    pub version: u32,
    /// The agent's clock.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// Who is asking, as the agent sees it.
    pub me: Me,
    /// Why no action is possible at all; absent when the guard works.
    pub trouble: Option<Clean>,
    /// A declared emergency.
    pub emergency: Option<EmergencyView>,
    /// Every action, open or not.
    pub possible: Vec<Possible>,
    /// Plans that wait for a second person.
    pub waiting: Vec<Waiting>,
    /// Actions that are not closed, oldest first.
    pub open: Vec<ActionRow>,
    /// The newest closed ones.
    pub recent: Vec<ActionRow>,
    /// The newest items that were confirmed and not begun: nothing of them was sent.
    #[serde(default)]
    pub left: Vec<LeftRow>,
}

/// An item of a confirmed plan that was not begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeftRow {
    /// Its key.
    pub key: Clean,
    /// The plan it belongs to.
    pub plan: Clean,
    /// Action.
    pub action: ActionId,
    /// Target.
    pub aim: Aim,
    /// Who asked.
    pub by: Operator,
    /// When it was left.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Why.
    pub why: Clean,
}

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Me {
    /// The person.
    pub operator: Operator,
    /// Their roles now.
    pub roles: Vec<Role>,
    /// Whether the policy wants them armed before they act.
    #[serde(default)]
    pub arms: bool,
    /// Until when they are armed.
    #[schemars(with = "Option<String>")]
    #[serde(default)]
    pub armed_until: Option<Timestamp>,
}

/// A declared emergency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EmergencyView {
    /// Who declared it.
    pub by: Clean,
    /// Why.
    pub why: Clean,
    /// Until when.
    #[schemars(with = "String")]
    pub until: Timestamp,
}

/// A confirmed plan that waits for a second person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Waiting {
    /// The plan.
    pub plan: Plan,
    /// Until when it may be approved.
    #[schemars(with = "String")]
    pub until: Timestamp,
}

/// One step of an action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepView {
    /// Where.
    pub system: Clean,
    /// What it does.
    pub step: Clean,
    /// How it stands.
    pub state: StepState,
    /// The last thing said of it.
    pub says: Clean,
    /// When it was last sent.
    #[schemars(with = "Option<String>")]
    pub sent_at: Option<Timestamp>,
    /// When it was last looked for.
    #[schemars(with = "Option<String>")]
    pub looked_at: Option<Timestamp>,
    /// Looks so far.
    pub looks: u32,
}

/// One action on one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActionRow {
    /// Its key.
    pub key: Clean,
    /// The plan it belongs to.
    pub plan: Clean,
    /// Which action.
    pub action: ActionId,
    /// At what; accounts by guid.
    pub aim: Aim,
    /// What kind of target.
    pub kind: Kind,
    /// Who.
    pub by: Operator,
    /// When it was committed.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Its steps.
    pub steps: Vec<StepView>,
    /// What came of it so far; absent before its first step.
    pub outcome: Option<Outcome>,
    /// Whether nothing more will be done by itself.
    pub closed: bool,
    /// Whether somebody must look.
    pub needs_a_look: bool,
    /// Whether it was partly done and can be continued now.
    #[serde(default)]
    pub can_continue: bool,
    /// What follows from the steps that are not done, as long as it is open.
    #[serde(default)]
    pub beware: Vec<Clean>,
    /// When it is looked at next.
    #[schemars(with = "Option<String>")]
    pub next_look: Option<Timestamp>,
    /// The ticket or reference that the other side gave.
    pub reference: Option<Clean>,
}

/// `POST /v1/plans`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanRequest {
    /// What is asked for.
    pub ask: Ask,
    /// Whether names are to be shown whole; recorded before they are.
    #[serde(default)]
    pub show: bool,
}

/// `POST /v1/plans` and `GET /v1/plans/{plan}`: nothing has been sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanPage {
    /// The plan.
    pub plan: Plan,
    /// Label of the action.
    pub label: Clean,
    /// What may be shown of each item, in order.
    pub private: Vec<Private>,
    /// The agent's clock.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
}

/// `POST /v1/plans/{plan}/confirm`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    /// The digest of the plan as it was shown.
    pub digest: Clean,
}

/// `POST /v1/plans/{plan}/approve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The digest of the plan as it was read.
    pub digest: Clean,
    /// What the plan's items ask the second person to type, in their order with a space between
    /// (`second_person.types`); absent if nothing.
    #[serde(default)]
    pub typed: Clean,
}

/// What confirming or approving led to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Confirmed {
    /// It runs; `GET /v1/actions` shows how it goes.
    Runs {
        /// A new password, once, for the connection that confirmed. In no snapshot, event or
        /// ledger.
        once_secret: Option<OnceSecret>,
    },
    /// It waits for a second person.
    Waits {
        /// Until when.
        #[schemars(with = "String")]
        until: Timestamp,
        /// In which role.
        role: Role,
    },
}

/// The one secret that crosses the wire: to be shown once and overwritten. `Debug` never shows it,
/// and its memory is overwritten when it is dropped.
#[derive(Clone)]
pub struct OnceSecret(SecretString);

impl OnceSecret {
    /// Carries `secret` to the one who confirmed.
    #[must_use]
    pub fn new(secret: SecretString) -> Self {
        Self(secret)
    }

    /// The password.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for OnceSecret {
    fn eq(&self, other: &Self) -> bool {
        self.reveal() == other.reveal()
    }
}

impl Eq for OnceSecret {}

impl Serialize for OnceSecret {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.reveal())
    }
}

impl<'de> Deserialize<'de> for OnceSecret {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        SecretString::deserialize(from).map(Self)
    }
}

impl JsonSchema for OnceSecret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OnceSecret".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "a new password, shown once"})
    }
}

impl std::fmt::Debug for OnceSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnceSecret(..)")
    }
}

/// `POST /v1/actions/{key}/told`: a person saw what became of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// Which step, from 0.
    pub step: usize,
    /// Whether its effect is there.
    pub there: bool,
    /// How they know.
    pub how: Clean,
}

/// `POST /v1/actions/{key}/close`, `POST /v1/emergency`: with a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Why {
    /// Why.
    pub why: Clean,
}

/// `GET /v1/audit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Audit {
    /// Version of the wire.
    pub version: u32,
    /// Entries, newest first unless `from` was given.
    pub entries: Vec<crate::model::audit::Entry>,
}

/// `POST /v1/arm`: opens one's own actions for a while, or closes them again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// For how long, an hour at most; absent: not any more.
    #[serde(rename = "for", default)]
    pub span: Option<Span>,
    /// Why.
    #[serde(default)]
    pub why: Clean,
}

/// What arming led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Armed {
    /// Until when; absent: not armed.
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
}

/// `GET /v1/audit/{number}`: one entry, and which of its personal details are still kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    /// Version of the wire.
    pub version: u32,
    /// The entry.
    pub entry: Entry,
    /// Details that are kept beside the chain; the others of `entry.private` were erased.
    pub kept: BTreeSet<Clean>,
    /// Their values, where they were asked for; recorded before they are given.
    pub details: BTreeMap<String, Clean>,
}

/// `POST /v1/audit/{number}/erase`: takes a personal detail away for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Erase {
    /// Which: a name in `entry.private`.
    pub field: Clean,
    /// Why: on whose request, under which rule.
    pub why: Clean,
}

impl PlanPage {
    /// What has to be typed to confirm the plan: the account's or school's word; for several their
    /// number and the school's name; over more than one school the number and the action's word.
    ///
    /// What cannot be typed on any keyboard gives way to the number of the school, or to the last
    /// eight characters of the account's id.
    #[must_use]
    pub fn words(&self, name_of: impl Fn(Laestab) -> Option<Clean>) -> String {
        let items = &self.plan.items;
        let n = self.plan.targets();
        if let ([item], [private], 1) = (&items[..], &self.private[..], n) {
            let words = private.confirm.to_string();
            return if is_typable(&words) { words } else { id_of(&item.aim) };
        }
        let schools: BTreeSet<Option<Laestab>> =
            items.iter().flat_map(|item| item.aims().map(Aim::school)).collect();
        match schools.first() {
            Some(Some(one)) if schools.len() == 1 => {
                let name = name_of(*one).filter(|name| is_typable(name.as_str()));
                format!("{n} {}", name.map_or_else(|| one.to_string(), |name| name.to_string()))
            }
            _ => format!("{n} {}", self.plan.ask.action.word()),
        }
    }

    /// How long the plan is to be read before its words are taken.
    #[must_use]
    pub fn reads(&self) -> Duration {
        let for_good = self.plan.items.iter().flat_map(|item| &item.steps).any(|s| !s.undoable);
        if for_good || self.plan.targets() > MANY { READS_LONG } else { READS }
    }

    /// What whoever approves the plan has to type: what its items ask for, else the same words.
    #[must_use]
    pub fn approval(&self, name_of: impl Fn(Laestab) -> Option<Clean>) -> String {
        let asked = self.plan.approval_words();
        if asked.is_empty() { self.words(name_of) } else { asked }
    }
}

/// Whether `typed` are the `words` of a plan. Case does not count; nothing is never right.
#[must_use]
pub fn is_confirmed(words: &str, typed: &str) -> bool {
    let typed = typed.trim();
    !typed.is_empty() && typed.to_lowercase() == words.to_lowercase()
}

fn is_typable(words: &str) -> bool {
    !words.is_empty() && words.bytes().all(|b| (b' '..=b'~').contains(&b))
}

fn id_of(aim: &Aim) -> String {
    match aim {
        Aim::Account(_, AccountName::Guid(guid)) => {
            let tail = guid.len().saturating_sub(8);
            guid.get(tail..).unwrap_or(guid).to_owned()
        }
        other => other.school().map_or_else(|| other.to_string(), |school| school.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::{Item, Ruling};

    fn page(aims: &[&str], confirm: &str) -> PlanPage {
        let at: Timestamp = "2026-11-24T09:20:11Z".parse().unwrap();
        let item = |aim: &&str| Item {
            key: Clean::new(aim),
            aim: aim.parse().unwrap(),
            also: Vec::new(),
            kind: Kind::School,
            lease: Clean::new(aim),
            now: Vec::new(),
            steps: Vec::new(),
            sends: Vec::new(),
            protective: false,
            will_not: Vec::new(),
            beware: Vec::new(),
            undo: None,
            second_person: None,
        };
        let operator = Operator { uid: 1, login: None, name: Clean::new("asha") };
        let private =
            Private { label: Clean::new(confirm), confirm: Clean::new(confirm), notes: Vec::new() };
        PlanPage {
            plan: Plan {
                id: Clean::new("p"),
                ask: Ask {
                    action: "groupcall.resync".parse().unwrap(),
                    targets: Vec::new(),
                    reason: Clean::new("why"),
                    ticket: None,
                    choices: BTreeMap::new(),
                    continues: None,
                },
                by: operator,
                items: aims.iter().map(item).collect(),
                left_out: Vec::new(),
                ruling: Ruling {
                    policy: Clean::new("p"),
                    rule: Clean::new("r"),
                    second: None,
                    says: Vec::new(),
                },
                made_at: at,
                expires_at: at,
                digest: Clean::new("d"),
            },
            label: Clean::new("Ask for fresh data"),
            private: vec![private; aims.len()],
            as_of: at,
        }
    }

    #[test]
    fn the_words_of_a_plan_can_be_typed_on_any_keyboard() {
        let guid = "9371234/guid:5d0e77a1-4c0b-4c44-9b1e-2f6f0a97c3d8";
        let other = "9371234/guid:5d0e77a1-4c0b-4c44-9b1e-2f6f0a97c3d9";
        let oak = |_| Some(Clean::new("Oak Lane Primary"));
        let words = |aims: &[&str], confirm: &str| page(aims, confirm).words(oak);
        assert_eq!(words(&[guid], "m.sharp12"), "m.sharp12");
        assert_eq!(words(&[guid], "j\u{f6}rg"), "0a97c3d8", "no key for it");
        assert_eq!(words(&["9371234"], ""), "9371234");
        assert_eq!(words(&[guid, other], "x"), "2 Oak Lane Primary");
        assert_eq!(words(&["9371234", "9371235"], "x"), "2 resync");
        let curly = |_| Some(Clean::new("St John\u{2019}s"));
        assert_eq!(page(&[guid, other], "x").words(curly), "2 9371234");
    }

    #[test]
    fn only_the_words_confirm() {
        assert!(is_confirmed("2 Oak Lane", " 2 oak lane "));
        for typed in ["", " ", "2", "2 Oak Lan", "2  Oak Lane"] {
            assert!(!is_confirmed("2 Oak Lane", typed), "{typed:?}");
        }
        assert!(!is_confirmed("", ""), "nothing confirms nothing");
    }

    #[test]
    fn the_one_secret_is_never_debugged_and_comes_back_as_it_was() {
        let secret = OnceSecret::new(SecretString::from("canary-4711"));
        assert!(!format!("{secret:?}").contains("canary"));
        let text = serde_json::to_string(&Confirmed::Runs { once_secret: Some(secret) }).unwrap();
        let back: Confirmed = serde_json::from_str(&text).unwrap();
        assert!(
            matches!(back, Confirmed::Runs { once_secret: Some(s) } if s.reveal() == "canary-4711")
        );
    }
}
