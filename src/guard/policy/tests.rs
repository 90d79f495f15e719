//! What policies say, and that a broken one says nothing.

use std::collections::BTreeSet;

use super::*;
use crate::model::ids::ActionId;
use crate::model::plan::{Kind, Role};

const POLICY: &str = r#"
[roles]
operator = ["ictdesk"]

[schools]
exams = ["9379001", "9379002"]

[emergency]
roles = ["lead"]
lasts = "1h"
lifts = ["hours", "freeze", "second_person"]

[[freeze]]
from = "2026-05-11"
to = "2026-06-24"
why = "exams"
schools = ["exams"]
except = ["welearn365.lock_account"]

[[rule]]
name = "no-governors"
actions = ["welearn365.*"]
kinds = ["governor"]
deny = "governors are handled by the clerk"

[[rule]]
name = "lock"
actions = ["welearn365.lock_account"]
kinds = ["pupil", "staff"]
per_plan = 10
person_per_hour = 5
second_above = 3

[[rule]]
name = "restore"
actions = ["welearn365.restore_account"]
second = "approver"

[[rule]]
name = "by-day"
actions = ["groupcall.resync"]
days = ["mon", "tue", "wed", "thu", "fri"]
from = "07:00:00"
to = "19:00:00"

[[rule]]
name = "by-night"
actions = ["redstor.restore_request"]
from = "19:00:00"
to = "07:00:00"

[[example]]
action = "welearn365.lock_account"
kind = "pupil"
role = "operator"
at = "2026-03-03T02:00:00Z"
expect = "allow"
"#;

fn actions() -> Vec<ActionId> {
    [
        "welearn365.lock_account",
        "welearn365.restore_account",
        "groupcall.resync",
        "redstor.restore_request",
    ]
    .iter()
    .map(|a| a.parse().unwrap())
    .collect()
}

fn policy(text: &str) -> Result<Policy, Vec<Wrong>> {
    Policy::new(toml::from_str(text).unwrap(), "abc", &actions())
}

fn ask(action: &str, kind: Kind, n: usize, role: Role, at: &str) -> Asked {
    Asked {
        action: action.parse().unwrap(),
        targets: vec![(Some("9379001".parse().unwrap()), kind); n],
        roles: BTreeSet::from([role]),
        at: at.parse().unwrap(),
        emergency: false,
    }
}

const DAY: &str = "2026-03-03T10:00:00Z";

#[test]
fn the_first_rule_that_fits_decides_and_nothing_else_is_allowed() {
    let policy = policy(POLICY).unwrap();
    let lock = |kind, n, role| policy.judge(&ask("welearn365.lock_account", kind, n, role, DAY));
    let one = lock(Kind::Pupil, 1, Role::Operator).unwrap();
    assert_eq!((one.ruling.rule.as_str(), one.ruling.second), ("lock", None));
    assert_eq!(one.limit.person, Some(5));
    assert_eq!(lock(Kind::Staff, 4, Role::Operator).unwrap().ruling.second, Some(Role::Approver));
    assert!(lock(Kind::Pupil, 11, Role::Operator).unwrap_err().contains("at most 10"));
    assert!(lock(Kind::Governor, 1, Role::Operator).unwrap_err().contains("clerk"));
    assert!(lock(Kind::Other, 1, Role::Operator).unwrap_err().contains("no rule"));
    assert!(lock(Kind::Pupil, 1, Role::Auditor).unwrap_err().contains("roles"));
    assert!(lock(Kind::Pupil, 1, Role::Viewer).unwrap_err().contains("roles"));
    assert!(lock(Kind::Pupil, 1, Role::Lead).is_ok());
    assert!(lock(Kind::Pupil, 0, Role::Lead).is_err());
    let restore = ask("welearn365.restore_account", Kind::Pupil, 1, Role::Operator, DAY);
    assert_eq!(policy.judge(&restore).unwrap().ruling.second, Some(Role::Approver));
}

#[test]
fn hours_are_of_london_and_may_pass_midnight() {
    let policy = policy(POLICY).unwrap();
    let at = |action, at| policy.judge(&ask(action, Kind::School, 1, Role::Operator, at)).is_ok();
    assert!(at("groupcall.resync", "2026-03-03T18:59:59Z"));
    assert!(!at("groupcall.resync", "2026-03-03T19:00:00Z"));
    assert!(!at("groupcall.resync", "2026-07-07T18:00:00Z"), "19:00 in summer");
    assert!(!at("groupcall.resync", "2026-03-07T10:00:00Z"), "a Saturday");
    assert!(at("redstor.restore_request", "2026-03-03T02:00:00Z"));
    assert!(!at("redstor.restore_request", "2026-03-03T12:00:00Z"));
}

#[test]
fn a_freeze_holds_where_it_says_and_an_emergency_lifts_what_the_policy_says() {
    let policy = policy(POLICY).unwrap();
    let mut frozen =
        ask("groupcall.resync", Kind::School, 1, Role::Operator, "2026-06-24T09:00:00Z");
    assert!(policy.judge(&frozen).unwrap_err().contains("exams"));
    frozen.targets[0].0 = Some("9379005".parse().unwrap());
    assert!(policy.judge(&frozen).is_ok());
    frozen.targets[0].0 = Some("9379002".parse().unwrap());
    frozen.emergency = true;
    assert!(policy.judge(&frozen).is_ok());
    let lock =
        ask("welearn365.lock_account", Kind::Pupil, 1, Role::Operator, "2026-05-11T09:00:00Z");
    assert!(policy.judge(&lock).is_ok());
    let mut restore = ask("welearn365.restore_account", Kind::Pupil, 1, Role::Operator, DAY);
    restore.emergency = true;
    assert_eq!(policy.judge(&restore).unwrap().ruling.second, None);
}

#[test]
fn threat_19_a_broken_policy_names_every_place_and_does_not_load() {
    let broken = POLICY.replace("expect = \"allow\"", "expect = \"deny\"");
    let wrong = policy(&broken).unwrap_err();
    assert_eq!(wrong.len(), 1);
    assert_eq!(wrong[0].key, "example.0.expect");
    assert!(wrong[0].why.contains("allow, by rule"), "{}", wrong[0]);
    let broken = POLICY
        .replace("[\"groupcall.resync\"]", "[\"groupcal.resync\"]")
        .replace("schools = [\"exams\"]", "schools = [\"exam\"]")
        .replace("second = \"approver\"", "second = \"viewer\"")
        .replace("to = \"2026-06-24\"", "to = \"2026-01-24\"");
    let keys: Vec<String> = policy(&broken).unwrap_err().into_iter().map(|w| w.key).collect();
    assert_eq!(keys, ["rule.2.second", "rule.3.actions", "freeze.0.schools", "freeze.0.to"]);
}

#[test]
fn restoring_takes_two_unless_a_rule_says_that_one_is_enough() {
    let all = "[[rule]]\nname = \"all\"\nactions = [\"*\"]\n";
    let second = |rules: &str, action: &str| {
        let actions = [action.parse().unwrap()];
        let policy = Policy::new(toml::from_str(rules).unwrap(), "p", &actions).unwrap();
        let asked = Asked {
            action: action.parse().unwrap(),
            targets: vec![(None, Kind::Pupil)],
            roles: [Role::Operator].into(),
            at: "2027-03-03T10:00:00Z".parse().unwrap(),
            emergency: false,
        };
        policy.judge(&asked).unwrap().ruling.second
    };
    assert_eq!(second(all, "welearn365.restore_account"), Some(Role::Approver));
    assert_eq!(second(all, "welearn365.lock_account"), None);
    let alone = format!("{all}alone = true\n");
    assert_eq!(second(&alone, "welearn365.restore_account"), None);
}
