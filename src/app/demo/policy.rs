//! The demo's policy: whoever runs the demo may do everything that the simulated vendors can take.
//! What needs a second person waits for the invented colleague.

use crate::ports::people::People;
use crate::sys::HostPeople;

/// The rules, but for who is who.
const RULES: &str = r#"
[emergency]
roles = ["lead"]
lasts = "10m"
lifts = ["hours", "freeze", "second_person"]

[[rule]]
name = "governors"
actions = ["welearn365.*", "smoothwall.*"]
kinds = ["governor"]
deny = "governors' accounts are handled by the clerk"

[[rule]]
name = "lock"
actions = ["welearn365.lock_account"]
per_plan = 10
second_above = 3

[[rule]]
name = "restore"
actions = ["welearn365.restore_account"]
per_plan = 5
second = "approver"

[[rule]]
name = "everything"
actions = ["*"]
per_plan = 50
second_above = 10

[[example]]
action = "welearn365.lock_account"
kind = "pupil"
role = "operator"
at = "2027-03-03T10:00:00Z"
expect = "allow"

[[example]]
action = "welearn365.restore_account"
kind = "pupil"
role = "operator"
at = "2027-03-03T10:00:00Z"
expect = "second_person"
"#;

/// The policy. Whoever runs the demo has every role, by the groups of their account.
pub(super) fn text() -> String {
    let uid = rustix::process::geteuid().as_raw();
    // An account that the host does not know can do nothing.
    let groups = HostPeople.person(uid, None).map(|person| person.groups).unwrap_or_default();
    with_roles(&groups)
}

fn with_roles(groups: &[String]) -> String {
    let groups: Vec<String> =
        groups.iter().map(|name| toml::Value::String(name.clone()).to_string()).collect();
    let who = groups.join(", ");
    let roles = ["viewer", "operator", "approver", "lead", "auditor"];
    let roles: String = roles.iter().map(|role| format!("{role} = [{who}]\n")).collect();
    format!("# The demo's policy: nothing in it is real.\n[roles]\n{roles}{RULES}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_runs_the_demo_has_every_role_and_its_examples_hold() {
        let settings: crate::guard::policy::PolicySettings =
            toml::from_str(&with_roles(&["staff".to_owned(), "o\"dd".to_owned()])).unwrap();
        assert_eq!(settings.roles.lead, ["staff", "o\"dd"]);
        let actions = crate::app::acting::every_action();
        crate::guard::policy::Policy::new(settings, "demo", &actions).unwrap();
    }
}
