//! What the policy says to a question.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::DateTime;

use crate::guard::policy::settings::{
    Example, Expect, Freeze, Lifts, PolicySettings, Protected, Rule,
};
use crate::model::calendar::london;
use crate::model::ids::{ActionId, Laestab};
use crate::model::plan::{AccountName, Aim, Kind, Role, Ruling};
use crate::model::text::Clean;
use crate::ports::ledger::HourLimit;

/// Something wrong in the file, by the dotted key where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {why}")]
pub struct Wrong {
    /// `rule.2.schools`.
    pub key: String,
    /// What is wrong and what would be right.
    pub why: String,
}

/// What is asked of the policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// Which action.
    pub action: ActionId,
    /// Each target's school and kind.
    pub targets: Vec<(Option<Laestab>, Kind)>,
    /// The roles of whoever asks.
    pub roles: BTreeSet<Role>,
    /// When.
    pub at: Timestamp,
    /// Whether an emergency was declared.
    pub emergency: bool,
}

/// Actions for which a rule that does not say how many people it takes means two.
const TWO_BY_DEFAULT: &[&str] = &["welearn365.restore_account"];

/// Allowed, and under what limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// For the plan.
    pub ruling: Ruling,
    /// For the ledger.
    pub limit: HourLimit,
}

/// A policy whose examples hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    settings: PolicySettings,
    digest: Clean,
}

impl Policy {
    /// Checks `settings`; `digest` names this version of the file (SHA-256 of its bytes, in hex),
    /// `actions` are all that exist.
    ///
    /// # Errors
    /// Everything that is wrong with it, failing examples included.
    pub fn new(
        settings: PolicySettings,
        digest: &str,
        actions: &[ActionId],
    ) -> Result<Self, Vec<Wrong>> {
        let mut wrong = Vec::new();
        for (n, rule) in settings.rule.iter().enumerate() {
            let at = |key: &str| format!("rule.{n}.{key}");
            for pattern in &rule.actions {
                known(pattern, actions, &at("actions"), &mut wrong);
            }
            listed(&settings, &rule.schools, &at("schools"), &mut wrong);
            if rule.actions.is_empty() {
                wrong.push(Wrong { key: at("actions"), why: "a rule needs at least one".into() });
            }
            if settings.rule.iter().take(n).any(|r| r.name == rule.name) {
                let why = format!("a rule before it is called {:?} as well", rule.name);
                wrong.push(Wrong { key: at("name"), why });
            }
            if rule.second.is_some_and(|r| !matches!(r, Role::Approver | Role::Lead)) {
                let why = "only an approver or a lead can be the second person".into();
                wrong.push(Wrong { key: at("second"), why });
            }
        }
        for (n, freeze) in settings.freeze.iter().enumerate() {
            let at = |key: &str| format!("freeze.{n}.{key}");
            for pattern in &freeze.except {
                known(pattern, actions, &at("except"), &mut wrong);
            }
            listed(&settings, &freeze.schools, &at("schools"), &mut wrong);
            if freeze.to < freeze.from {
                wrong.push(Wrong { key: at("to"), why: "it ends before it begins".into() });
            }
        }
        unreadable(&settings.protected, &mut wrong);
        let policy = Self { settings, digest: Clean::new(digest) };
        if wrong.is_empty() {
            for (n, example) in policy.settings.example.iter().enumerate() {
                if let Some(why) = policy.fails(example) {
                    wrong.push(Wrong { key: format!("example.{n}.expect"), why });
                }
            }
        }
        if wrong.is_empty() { Ok(policy) } else { Err(wrong) }
    }

    /// The settings it was made from.
    #[must_use]
    pub fn settings(&self) -> &PolicySettings {
        &self.settings
    }

    /// The version of the file.
    #[must_use]
    pub fn digest(&self) -> &Clean {
        &self.digest
    }

    /// Why what `aim` names is never touched; `None` when it may be. `groups`: the SIDs of an
    /// account's groups, nested ones included. What is not known is protected.
    #[must_use]
    pub fn protects(&self, aim: &Aim, groups: Option<&[Clean]>) -> Option<String> {
        let Aim::Account(_, name) = aim else { return None };
        let Protected { accounts, groups: listed } = &self.settings.protected;
        let AccountName::Guid(guid) = name else {
            return Some("protected: its lasting id is not known".to_owned());
        };
        if accounts.iter().any(|a| a.eq_ignore_ascii_case(guid)) {
            return Some("protected: the policy names this account".to_owned());
        }
        if listed.is_empty() {
            return None;
        }
        let Some(groups) = groups.filter(|groups| !groups.is_empty()) else {
            return Some(
                "protected: its groups are not known, and the policy protects some".into(),
            );
        };
        let found =
            listed.iter().find(|l| groups.iter().any(|g| g.as_str().eq_ignore_ascii_case(l)));
        found.map(|sid| format!("protected: it is in the group {sid}, which the policy protects"))
    }

    fn fails(&self, example: &Example) -> Option<String> {
        let n = usize::try_from(example.targets).unwrap_or(usize::MAX).min(10_000);
        let asked = Asked {
            action: example.action.clone(),
            targets: vec![(example.school, example.kind); n],
            roles: BTreeSet::from([example.role]),
            at: example.at,
            emergency: example.emergency,
        };
        let (got, says) = match self.judge(&asked) {
            Ok(judged) if judged.ruling.second.is_some() => {
                (Expect::SecondPerson, format!("second_person, by rule {:?}", judged.ruling.rule))
            }
            Ok(judged) => (Expect::Allow, format!("allow, by rule {:?}", judged.ruling.rule)),
            Err(why) => (Expect::Deny, format!("deny: {why}")),
        };
        (got != example.expect).then(|| format!("the policy says {says}"))
    }

    /// What the policy says.
    ///
    /// # Errors
    /// Why it is denied, in words for the operator.
    pub fn judge(&self, asked: &Asked) -> Result<Judged, String> {
        if asked.targets.is_empty() {
            return Err("there is no target".to_owned());
        }
        let lifted = |what: Lifts| {
            asked.emergency
                && self.settings.emergency.as_ref().is_some_and(|e| e.lifts.contains(&what))
        };
        let local = local(asked.at);
        if !lifted(Lifts::Freeze) {
            self.frozen(asked, local)?;
        }
        let mut rules: Vec<&Rule> = Vec::new();
        for (school, kind) in &asked.targets {
            let rule = self.rule(asked, *school, *kind)?;
            if !rules.iter().any(|r| r.name == rule.name) {
                rules.push(rule);
            }
        }
        let n = u32::try_from(asked.targets.len()).unwrap_or(u32::MAX);
        let mut second: Option<Role> = None;
        let mut limit = HourLimit { person: None, desk: None };
        let mut says = Vec::new();
        for rule in &rules {
            allowed(rule, asked, local, n, lifted(Lifts::Hours))?;
            let wanted = rule.second.or_else(|| {
                let many = rule.second_above.is_some_and(|above| n > above);
                let usual = TWO_BY_DEFAULT.contains(&asked.action.as_str()) && !rule.alone;
                (many || usual).then_some(Role::Approver)
            });
            // A lead is the stricter of the two.
            second = second.max(wanted);
            limit.lower(rule);
            says.push(Clean::new(&format!("{n} of at most {} in one plan", rule.per_plan)));
        }
        if second.is_some() && lifted(Lifts::SecondPerson) {
            second = None;
            says.push(Clean::new("emergency: no second person needed; everybody is told"));
        }
        if let Some(person) = limit.person {
            says.push(Clean::new(&format!("at most {person} an hour by one person")));
        }
        if let Some(desk) = limit.desk {
            says.push(Clean::new(&format!("at most {desk} an hour by the desk")));
        }
        let names: Vec<&str> = rules.iter().map(|r| r.name.as_str()).collect();
        let rule = Clean::new(&names.join(", "));
        Ok(Judged { ruling: Ruling { policy: self.digest.clone(), rule, second, says }, limit })
    }

    /// The first rule that fits a target.
    fn rule(&self, asked: &Asked, school: Option<Laestab>, kind: Kind) -> Result<&Rule, String> {
        let fits = |rule: &&Rule| {
            rule.actions.iter().any(|p| matches(p, &asked.action))
                && (rule.kinds.is_empty() || rule.kinds.contains(&kind))
                && self.within(&rule.schools, school)
        };
        let rule = self.settings.rule.iter().find(fits).ok_or_else(|| {
            let place = school.map_or(String::new(), |s| format!(" at {s}"));
            format!("no rule of the policy allows {}{place} for this kind of target", asked.action)
        })?;
        match &rule.deny {
            Some(why) => Err(format!("{why} (rule {:?})", rule.name)),
            None => Ok(rule),
        }
    }

    fn within(&self, lists: &[String], school: Option<Laestab>) -> bool {
        lists.is_empty()
            || school.is_some_and(|school| {
                lists.iter().any(|word| match self.settings.schools.get(word) {
                    Some(list) => list.contains(&school),
                    None => word.parse() == Ok(school),
                })
            })
    }

    fn frozen(&self, asked: &Asked, local: DateTime) -> Result<(), String> {
        let holds = |freeze: &&Freeze| {
            (freeze.from..=freeze.to).contains(&local.date())
                && !freeze.except.iter().any(|p| matches(p, &asked.action))
                && asked.targets.iter().any(|(school, _)| self.within(&freeze.schools, *school))
        };
        match self.settings.freeze.iter().find(holds) {
            Some(freeze) => Err(format!("no changes until {}: {}", freeze.to, freeze.why)),
            None => Ok(()),
        }
    }
}

impl HourLimit {
    /// The lower of this and what `rule` says.
    fn lower(&mut self, rule: &Rule) {
        self.person = least(self.person, rule.person_per_hour);
        self.desk = least(self.desk, rule.desk_per_hour);
    }
}

/// Whether `rule`, which fits, allows it.
fn allowed(
    rule: &Rule,
    asked: &Asked,
    local: DateTime,
    n: u32,
    any_hour: bool,
) -> Result<(), String> {
    let name = &rule.name;
    if !rule.roles.iter().any(|role| has(&asked.roles, *role)) {
        return Err(format!("your account has none of the roles that rule {name:?} asks for"));
    }
    if n > rule.per_plan {
        return Err(format!(
            "{n} targets in one plan; rule {name:?} allows at most {}",
            rule.per_plan
        ));
    }
    if any_hour {
        return Ok(());
    }
    let day = rule.days.is_empty() || rule.days.iter().any(|d| d.is(local.date().weekday()));
    let time = local.time();
    let hour = match (rule.from, rule.to) {
        (None, None) => true,
        (Some(from), None) => time >= from,
        (None, Some(to)) => time < to,
        (Some(from), Some(to)) if from <= to => (from..to).contains(&time),
        (Some(from), Some(to)) => time >= from || time < to,
    };
    if day && hour {
        return Ok(());
    }
    Err(format!("not at this time: rule {name:?} has its days and hours"))
}

/// Lead includes operator and approver; auditor acts on nothing.
fn has(roles: &BTreeSet<Role>, wanted: Role) -> bool {
    let lead = matches!(wanted, Role::Operator | Role::Approver) && roles.contains(&Role::Lead);
    wanted != Role::Auditor && (lead || roles.contains(&wanted))
}

fn least(a: Option<u32>, b: Option<u32>) -> Option<u32> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// `*`, `service.*`, or an action.
fn matches(pattern: &str, action: &ActionId) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => {
            start.is_empty() || (start.ends_with('.') && action.as_str().starts_with(start))
        }
        None => pattern == action.as_str(),
    }
}

fn known(pattern: &str, actions: &[ActionId], key: &str, wrong: &mut Vec<Wrong>) {
    if !actions.iter().any(|a| matches(pattern, a)) {
        let all: Vec<&str> = actions.iter().map(ActionId::as_str).collect();
        let why = format!("{pattern:?} is no action; there are {}", all.join(", "));
        wrong.push(Wrong { key: key.to_owned(), why });
    }
}

fn listed(settings: &PolicySettings, lists: &[String], key: &str, wrong: &mut Vec<Wrong>) {
    for word in lists {
        if !settings.schools.contains_key(word) && word.parse::<Laestab>().is_err() {
            let why = format!("{word:?} is neither a LAESTAB nor a list under [schools]");
            wrong.push(Wrong { key: key.to_owned(), why });
        }
    }
}

/// Ids that could match nothing, so that what they are to protect would stand open.
fn unreadable(protected: &Protected, wrong: &mut Vec<Wrong>) {
    for (n, guid) in protected.accounts.iter().enumerate() {
        let aim = format!("1000000/guid:{guid}").parse::<Aim>();
        if aim.is_err() {
            let why = format!("{guid:?} is no objectGUID: 8-4-4-4-12 hex digits");
            wrong.push(Wrong { key: format!("protected.accounts.{n}"), why });
        }
    }
    for (n, sid) in protected.groups.iter().enumerate() {
        let parts = sid.strip_prefix("S-1-").or_else(|| sid.strip_prefix("s-1-"));
        let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !parts.is_some_and(|p| p.contains('-') && p.split('-').all(number)) {
            let why = format!("{sid:?} is no SID: S-1-5-21- and so on; a name is not enough");
            wrong.push(Wrong { key: format!("protected.groups.{n}"), why });
        }
    }
}

fn local(at: Timestamp) -> DateTime {
    london().to_datetime(at)
}
