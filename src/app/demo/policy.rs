//! The demo's policy: whoever runs the demo may do everything that the simulated vendors can take.

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

# A desk asks a second person here; a demo has one person only.
[[rule]]
name = "restore"
actions = ["welearn365.restore_account"]
per_plan = 5
second_above = 1

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
targets = 2
role = "operator"
at = "2027-03-03T10:00:00Z"
expect = "second_person"
"#;

/// The policy, with every role for the first group of the account that runs the demo.
pub(super) fn text() -> String {
    let uid = rustix::process::geteuid().as_raw();
    let group = HostPeople.person(uid, None).ok().and_then(|p| p.groups.into_iter().next());
    let who = match group {
        Some(group) => format!("[{}]", toml::Value::String(group)),
        // Without a group by name nobody can act.
        None => "[]".to_owned(),
    };
    let roles = ["viewer", "operator", "approver", "lead", "auditor"];
    let roles: String = roles.iter().map(|role| format!("{role} = {who}\n")).collect();
    format!("# The demo's policy: nothing in it is real.\n[roles]\n{roles}{RULES}")
}
