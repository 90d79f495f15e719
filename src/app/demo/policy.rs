//! The demo's own policy. Whoever runs the demo is its lead; what needs a second person waits for
//! the invented colleague.

use crate::app::failed::Failed;
use crate::ports::people::People;
use crate::sys::HostPeople;

/// The file. `groups` are those of whoever runs the demo.
fn text(groups: &[String]) -> String {
    let groups: Vec<String> =
        groups.iter().map(|name| toml::Value::String(name.clone()).to_string()).collect();
    format!(
        r#"# The demo: whoever runs it may do everything, and nothing in it is real.
[roles]
lead = [{groups}]

[emergency]
roles = ["lead"]
lasts = "15m"
lifts = ["hours", "freeze", "second_person"]

[[rule]]
name = "two persons"
actions = ["welearn365.restore_account", "redstor.restore_request"]
second = "approver"
per_plan = 5

[[rule]]
name = "one person"
actions = ["*"]
per_plan = 50
second_above = 10

[[example]]
action = "welearn365.lock_account"
kind = "pupil"
role = "lead"
at = "2026-11-24T02:00:00Z"
expect = "allow"

[[example]]
action = "redstor.restore_request"
kind = "school"
role = "lead"
at = "2026-11-24T10:00:00Z"
expect = "second_person"
"#,
        groups = groups.join(", ")
    )
}

/// The policy for whoever runs this process.
///
/// # Errors
/// When the host does not know them.
pub(super) fn own() -> Result<String, Failed> {
    let uid = rustix::process::geteuid().as_raw();
    let person = HostPeople.person(uid, None).map_err(Failed::software)?;
    Ok(text(&person.groups))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_runs_the_demo_is_its_lead_and_its_examples_hold() {
        let settings: crate::guard::policy::PolicySettings =
            toml::from_str(&text(&["staff".to_owned(), "o\"dd".to_owned()])).unwrap();
        assert_eq!(settings.roles.lead, ["staff", "o\"dd"]);
        let actions = crate::app::acting::every_action();
        crate::guard::policy::Policy::new(settings, "demo", &actions).unwrap();
    }
}
