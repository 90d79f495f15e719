//! Actions over the wire: what is possible, plans, what runs, what needs a look, the audit.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::action::{AimsAt, Class};
use crate::model::ids::ActionId;
use crate::model::plan::{Aim, Ask, Kind, Operator, Outcome, Plan, Private, Role, StepState};
use crate::model::text::Clean;

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

/// The one secret that crosses the wire: to be shown once and overwritten. `Debug` never shows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct OnceSecret(String);

impl OnceSecret {
    /// Carries `secret` to the one who confirmed.
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self(secret)
    }

    /// The password.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
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
