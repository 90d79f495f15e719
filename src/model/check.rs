//! Checks: one question about one service, and the rules that judge its answers.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::ids::{CheckId, Laestab, ServiceKey};
use crate::model::span::Span;

/// Whom a check asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The whole tenant: one answer for all schools.
    Estate,
    /// One school.
    School,
}

/// Which schools a school-scoped check exists for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coverage {
    /// Every school that takes the service.
    Subscribed,
    /// Only these (of those that take the service); the others are "not watched".
    Only(BTreeSet<Laestab>),
}

impl Coverage {
    /// Whether it exists for `laestab`, which takes the service.
    #[must_use]
    pub fn holds(&self, laestab: Laestab) -> bool {
        match self {
            Self::Subscribed => true,
            Self::Only(these) => these.contains(&laestab),
        }
    }
}

/// On which days a feed is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Runs {
    /// Every day of the week.
    #[default]
    Daily,
    /// School days only: other days add nothing to its age.
    SchoolDays,
}

/// How old the vendor's data may be. Judged by the clock alone, between two answers as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgeRule {
    /// Older is said in the sentence but stays ok.
    pub late: Option<Span>,
    /// Older is a warning.
    pub warning: Span,
    /// Older is critical.
    pub critical: Span,
    /// The days that count.
    pub runs: Runs,
    /// Whether closures of the school's calendar add nothing (its server is switched off then).
    pub held_by_closures: bool,
}

/// What a number is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// Its value on the last good day, and the best of the weeks before this one. A day on which it
    /// had fallen is no good one: the level stays until it is put right.
    LastGoodDay,
    /// The best of this week and the weeks before, fallen days included: what stays lower for so
    /// long becomes the level.
    BestOfWeeks,
}

/// How far a number may fall (a sudden drop of pupils precedes a mass de-provisioning). Shares are
/// of the earlier value, 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct DropRule {
    /// The number that is watched, by its name in the observation; those called `NUMBER of
    /// SOMETHING` are watched too, each for itself.
    pub number: &'static str,
    /// A larger drop is a warning.
    pub warning: f64,
    /// The same between 15 July and 30 September, when leavers go and starters come.
    pub summer: f64,
    /// What it is compared with.
    pub against: Against,
    /// Weeks before this one whose best counts; 0 for none.
    pub weeks: u8,
}

/// A number that fell farther than its rule lets pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fallen {
    /// Before.
    pub from: f64,
    /// Now.
    pub to: f64,
    /// The limit that it broke, as a share; none when nothing is left.
    pub limit: Option<f64>,
}

impl Fallen {
    /// `240 pupils where it held 410: 41 % fewer, and 15 % is the limit`.
    #[must_use]
    pub fn in_words(&self, what: &str) -> String {
        let Self { from, to, limit } = self;
        match limit {
            Some(limit) => format!(
                "{to:.0} {what} where it held {from:.0}: {:.0} % fewer, and {:.0} % is the limit",
                (from - to) / from * 100.0,
                limit * 100.0
            ),
            None => format!("no {what} where it held {from:.0}"),
        }
    }
}

/// What flows along an edge of the dependency graph. Trouble travels only along its own flow.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// Accounts for new starters, leavers' removal.
    NewAccounts,
    /// Signing in.
    SignIn,
    /// User groups for the web filter.
    UserGroups,
    /// User names for monitoring.
    UserNames,
    /// Everything that is reached over the school's web connection.
    Traffic,
}

impl Flow {
    /// What a school notices when it is cut, for sentences.
    #[must_use]
    pub fn lost(self) -> &'static str {
        match self {
            Self::NewAccounts => "new starters get no account",
            Self::SignIn => "sign-in is affected",
            Self::UserGroups => "user groups are not updated",
            Self::UserNames => "user names are not updated",
            Self::Traffic => "it is reached over the web",
        }
    }
}

/// A service depends on another for one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// What flows.
    pub flow: Flow,
    /// Where it comes from.
    pub from: ServiceKey,
}

/// One question and its rules.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckSpec {
    /// Id, `service.check`.
    pub id: CheckId,
    /// Short label for screens: "pupil data".
    pub label: String,
    /// Whom it asks about.
    pub scope: Scope,
    /// Which schools have it.
    pub covers: Coverage,
    /// How often it is asked.
    pub interval: Span,
    /// How long an answer counts; afterwards unknown, by the clock alone. Three intervals unless set.
    pub fresh_for: Span,
    /// Bad answers in a row before it is hard. 1: at once.
    pub tries: u8,
    /// How old the vendor's data (`source_at`) may be.
    pub age: Option<AgeRule>,
    /// After this long without good data nothing is left to restore: critical.
    pub keeps: Option<Span>,
    /// A count that must not fall.
    pub drop: Option<DropRule>,
    /// What is cut, for services that depend on this one, when this check is in trouble.
    pub emits: Vec<Flow>,
    /// For a check of the estate that is about the desk and not about what schools have (a password
    /// that ends soon): its health shows in the estate's row alone and says nothing of a school.
    pub stays: bool,
    /// For a check of schools, those that share what it asks about with others (an appliance), each
    /// with the estate's check that asks the same. As long as that is in the same trouble, theirs
    /// follows from it: it is one trouble, not one for each school.
    pub shared: BTreeMap<Laestab, CheckId>,
}

impl CheckSpec {
    /// A school-scoped check of every subscribed school: hard at once, fresh for three intervals.
    #[must_use]
    pub fn new(id: CheckId, label: &str, scope: Scope, interval: Span) -> Self {
        Self {
            id,
            label: label.to_owned(),
            scope,
            covers: Coverage::Subscribed,
            interval,
            fresh_for: interval.times(3),
            tries: 1,
            age: None,
            keeps: None,
            drop: None,
            emits: Vec::new(),
            stays: false,
            shared: BTreeMap::new(),
        }
    }
}

/// A service and its checks, as configured.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceSpec {
    /// Key.
    pub key: ServiceKey,
    /// Displayed name.
    pub label: String,
    /// Two letters for the board's column.
    pub code: String,
    /// Its checks; none if nothing is configured that could watch it.
    pub checks: Vec<CheckSpec>,
    /// What it depends on.
    pub depends: Vec<Edge>,
}
