//! What would make a check green again: the other half of why it is not.

use crate::engine::fall::Fall;
use crate::engine::judge::Rule;
use crate::engine::state::State;
use crate::model::check::{CheckSpec, Runs};
use crate::model::health::{Health, Reason};
use crate::model::text::Clean;

/// What has to be seen before a check is well, in words for the desk; empty while it is well. The
/// rule that judged it names the first thing that is lacking; every other rule has to hold then too.
pub(super) fn of_check(spec: &CheckSpec, state: &State) -> Clean {
    let judged = &state.judged;
    if judged.health == Health::Ok {
        return Clean::default();
    }
    let text = match judged.rule {
        Rule::NotAsked | Rule::Outlived => "a first answer, and a good one".to_owned(),
        Rule::Stale => "an answer again, and a good one".to_owned(),
        Rule::Throttled => "the vendor lets us ask again, and answers well".to_owned(),
        Rule::Answer => of_answer(judged.health, judged.reason).to_owned(),
        Rule::Ahead => "an answer whose time is not ahead of our clock".to_owned(),
        Rule::Fall => of_fall(spec, state),
        Rule::NeverRan => "a first good run".to_owned(),
        Rule::Gone => "a good run; what was kept before stays lost".to_owned(),
        Rule::Late | Rule::Held | Rule::Old | Rule::TooOld => younger(spec),
    };
    Clean::new(&text)
}

fn of_answer(health: Health, reason: Option<Reason>) -> &'static str {
    match (health, reason) {
        (_, Some(Reason::Unauthorised)) => "our sign-in is accepted, then a good answer",
        (_, Some(Reason::NoAnswer | Reason::Stale)) => "an answer again, and a good one",
        (_, Some(Reason::Throttled)) => "the vendor lets us ask again, and answers well",
        (_, Some(Reason::Malformed)) => "an answer that can be understood, and a good one",
        (_, Some(Reason::Paused)) => "whoever paused it takes it up again, then a good answer",
        (_, Some(Reason::NeverSeen)) => "a first good run",
        (_, Some(Reason::NotRecorded)) => "nothing: what was not recorded stays unknown",
        (Health::Warning, None) => "the vendor's answer has no warning in it",
        _ => "the vendor's answer says that it is well",
    }
}

fn younger(spec: &CheckSpec) -> String {
    let Some(age) = &spec.age else { return "newer data".to_owned() };
    let days = if age.runs == Runs::SchoolDays { ", school days counted" } else { "" };
    format!("data younger than {}{days}", age.warning)
}

fn of_fall(spec: &CheckSpec, state: &State) -> String {
    match state.fall_seen() {
        Some(Fall::Far { from, limit, name, .. }) => {
            let least = (from * (1.0 - limit)).ceil();
            format!("{name} at {least:.0} or more")
        }
        Some(Fall::Empty { name, .. }) => format!("{name} above 0, and near what it was"),
        Some(Fall::Missing) | None => {
            let name = spec.drop.as_ref().map_or("the number", |d| d.number);
            format!("an answer that says {name}")
        }
    }
}
