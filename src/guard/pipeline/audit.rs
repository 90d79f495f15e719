//! Entries that the guard writes.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::ledger::{Detail, Draft};
use crate::model::plan::{Item, Operator, Plan};
use crate::model::text::Clean;
use crate::ports::chance::{Entropy, NoChance};

/// An entry without personal details.
pub(super) fn entry(
    at: Timestamp,
    kind: &'static str,
    by: Option<&Operator>,
    about: &str,
    body: &[(&str, &str)],
) -> Draft {
    Draft {
        at,
        kind,
        by: by.cloned(),
        about: Clean::new(about),
        body: body.iter().map(|(k, v)| ((*k).to_owned(), Clean::new(v))).collect(),
        private: BTreeMap::new(),
    }
}

/// With a personal detail beside the chain.
pub(super) fn with_detail(
    mut draft: Draft,
    entropy: &dyn Entropy,
    name: &str,
    value: &Clean,
) -> Result<Draft, NoChance> {
    let mut salt = [0_u8; 32];
    entropy.fill(&mut salt)?;
    draft.private.insert(name.to_owned(), Detail { value: value.clone(), salt });
    Ok(draft)
}

/// What every entry about a plan says. The reason may hold a name: it is a detail.
pub(super) fn about_plan(
    at: Timestamp,
    kind: &'static str,
    by: &Operator,
    plan: &Plan,
    entropy: &dyn Entropy,
) -> Result<Draft, NoChance> {
    let targets = plan.targets().to_string();
    let body = [
        ("action", plan.ask.action.as_str()),
        ("digest", plan.digest.as_str()),
        ("rule", plan.ruling.rule.as_str()),
        ("policy", plan.ruling.policy.as_str()),
        ("targets", targets.as_str()),
        ("ticket", plan.ask.ticket.as_ref().map_or("", Clean::as_str)),
    ];
    let draft = entry(at, kind, Some(by), plan.id.as_str(), &body);
    with_detail(draft, entropy, "reason", &plan.ask.reason)
}

/// What every entry about an item says.
pub(super) fn about_item(
    at: Timestamp,
    kind: &'static str,
    plan: &str,
    item: &Item,
    body: &[(&str, &str)],
) -> Draft {
    let mut draft = entry(at, kind, None, &item.aim.to_string(), body);
    draft.body.insert("key".to_owned(), item.key.clone());
    draft.body.insert("plan".to_owned(), Clean::new(plan));
    draft
}
