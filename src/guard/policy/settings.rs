//! `policy.toml` as it is written.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::ids::{ActionId, Laestab};
use crate::model::plan::{Kind, Role};
use crate::model::span::Span;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolicySettings {
    /// Which Unix groups have which role.
    pub roles: Roles,
    /// Whether an account without a login uid (containers) may act at all.
    pub require_login_uid: bool,
    /// Whether the console asks for `:arm` before actions open.
    pub arming: bool,
    /// What is never touched, whatever a rule says.
    pub protected: Protected,
    /// Times in which nothing is changed.
    pub freeze: Vec<Freeze>,
    /// What a declared emergency lifts; without it there is no emergency mode.
    pub emergency: Option<Emergency>,
    /// Names for lists of schools.
    pub schools: BTreeMap<String, Vec<Laestab>>,
    /// The rules; the first that fits decides.
    pub rule: Vec<Rule>,
    /// What the policy must say; checked whenever it is read.
    pub example: Vec<Example>,
}

/// Unix groups by role.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Roles {
    /// Look only.
    pub viewer: Vec<String>,
    /// Plan and confirm.
    pub operator: Vec<String>,
    /// Be the second person.
    pub approver: Vec<String>,
    /// Both.
    pub lead: Vec<String>,
    /// Read the audit; act on nothing.
    pub auditor: Vec<String>,
}

/// What is never touched.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Protected {
    /// Accounts by objectGUID.
    pub accounts: Vec<String>,
    /// Groups by SID, nested membership included.
    pub groups: Vec<String>,
}

/// "No changes during exams."
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// First day.
    #[schemars(with = "String")]
    pub from: Date,
    /// Last day, included.
    #[schemars(with = "String")]
    pub to: Date,
    /// Why, as the operator is told.
    pub why: String,
    /// Actions that go on all the same (`welearn365.lock_account`, `welearn365.*`).
    #[serde(default)]
    pub except: Vec<String>,
    /// Only these schools or lists of schools; all if empty.
    #[serde(default)]
    pub schools: Vec<String>,
}

/// What an emergency lifts.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Lifts {
    /// The hours of rules.
    Hours,
    /// Freezes.
    Freeze,
    /// The second person.
    SecondPerson,
}

/// The emergency mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Emergency {
    /// Who may declare it.
    pub roles: Vec<Role>,
    /// How long it lasts.
    pub lasts: Span,
    /// What it lifts.
    pub lifts: Vec<Lifts>,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the days of the week")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    pub(super) fn is(self, day: Weekday) -> bool {
        let this = match self {
            Self::Mon => Weekday::Monday,
            Self::Tue => Weekday::Tuesday,
            Self::Wed => Weekday::Wednesday,
            Self::Thu => Weekday::Thursday,
            Self::Fri => Weekday::Friday,
            Self::Sat => Weekday::Saturday,
            Self::Sun => Weekday::Sunday,
        };
        this == day
    }
}

fn one() -> u32 {
    1
}

fn operators() -> Vec<Role> {
    vec![Role::Operator, Role::Lead]
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, as operators are told.
    pub name: String,
    /// Actions: `groupcall.resync`, `welearn365.*`, `*`.
    pub actions: Vec<String>,
    /// Only these kinds of target; all if empty.
    #[serde(default)]
    pub kinds: Vec<Kind>,
    /// Only these schools (LAESTAB) or lists of schools; all if empty.
    #[serde(default)]
    pub schools: Vec<String>,
    /// Denies what it fits, and says this.
    #[serde(default)]
    pub deny: Option<String>,
    /// Who may ask.
    #[serde(default = "operators")]
    pub roles: Vec<Role>,
    /// Only on these days; all if empty.
    #[serde(default)]
    pub days: Vec<Day>,
    /// Only from this time of day (Europe/London).
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub from: Option<Time>,
    /// Only before this time of day; before `from` means the next morning.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub to: Option<Time>,
    /// Targets that one plan may have.
    #[serde(default = "one")]
    pub per_plan: u32,
    /// Targets that one person may act on in an hour.
    #[serde(default)]
    pub person_per_hour: Option<u32>,
    /// Targets that everybody together may act on in an hour.
    #[serde(default)]
    pub desk_per_hour: Option<u32>,
    /// The role of the second person, always needed.
    #[serde(default)]
    pub second: Option<Role>,
    /// A second person (an approver) is needed for more targets than this.
    #[serde(default)]
    pub second_above: Option<u32>,
    /// One person is enough for what otherwise needs two unless a rule says how many: restoring an
    /// account that somebody locked.
    #[serde(default)]
    pub alone: bool,
}

/// What an example expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// Allowed by one person.
    Allow,
    /// Allowed with a second person.
    SecondPerson,
    /// Denied.
    Deny,
}

/// What the policy must say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// Which action.
    pub action: ActionId,
    /// At which school; any if not set.
    #[serde(default)]
    pub school: Option<Laestab>,
    /// What kind of target.
    pub kind: Kind,
    /// How many.
    #[serde(default = "one")]
    pub targets: u32,
    /// Who asks.
    pub role: Role,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Whether an emergency was declared.
    #[serde(default)]
    pub emergency: bool,
    /// What must come of it.
    pub expect: Expect,
}
