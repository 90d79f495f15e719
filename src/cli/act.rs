//! Plans and actions in plain text.

use crate::wire::action::{ActionRow, Actions, LeftRow, PlanPage};
use crate::wire::{Aim, Outcome, Plan, StepState};

/// The word of an outcome; `done` and `accepted` are never the same.
#[must_use]
pub fn outcome_word(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        None => "running",
        Some(Outcome::Done) => "DONE",
        Some(Outcome::Accepted) => "ACCEPTED, not seen yet",
        Some(Outcome::Rejected) => "REJECTED, nothing changed",
        Some(Outcome::PartlyDone) => "PARTLY DONE",
        Some(Outcome::Unknown) => "UNKNOWN: look at the target",
        Some(Outcome::ChangedSincePlan) => "CHANGED SINCE THE PLAN, nothing was sent",
    }
}

/// The exit code of the gravest outcome: 0 done, 10 accepted, 11 rejected, 12 partly done,
/// 13 unknown. `left` items were not begun: rejected, or part of what was asked.
#[must_use]
pub fn outcome_code(rows: &[ActionRow], left: usize) -> u8 {
    let code = |row: &ActionRow| match row.outcome {
        Some(Outcome::Done) => 0,
        Some(Outcome::Accepted) => 10,
        Some(Outcome::Rejected | Outcome::ChangedSincePlan) => 11,
        Some(Outcome::PartlyDone) => 12,
        None | Some(Outcome::Unknown) => 13,
    };
    let left = match (left, rows.is_empty()) {
        (0, _) => None,
        (_, true) => Some(11),
        (_, false) => Some(12),
    };
    rows.iter().map(code).chain(left).max().unwrap_or(13)
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

fn step_word(state: StepState) -> &'static str {
    match state {
        StepState::Waiting => "not begun",
        StepState::Sent => "sent, no answer yet",
        StepState::Took => "taken, not seen yet",
        StepState::Seen => "seen",
        StepState::Refused => "refused",
        StepState::Unknown => "NOT KNOWN",
        StepState::Skipped => "not done",
    }
}

/// What has to be typed to confirm a plan: the account's or school's word; the number and the
/// school for several; the number and the action's word over more than one school.
#[must_use]
pub fn confirm_words(page: &PlanPage) -> String {
    let plan = &page.plan;
    if let ([_], [private]) = (&plan.items[..], &page.private[..]) {
        return private.confirm.to_string();
    }
    let mut schools: Vec<_> = plan.items.iter().filter_map(|i| i.aim.school()).collect();
    schools.sort_unstable();
    schools.dedup();
    let n = plan.items.len();
    match &schools[..] {
        [one] => format!("{n} {one}"),
        _ => format!("{n} {}", plan.ask.action.as_str().rsplit('.').next().unwrap_or_default()),
    }
}

/// A plan, as it is to be read before it is confirmed.
#[must_use]
pub fn plan_text(page: &PlanPage) -> String {
    let mut out = String::new();
    let plan = &page.plan;
    let mut line = |text: String| push(&mut out, &text);
    line(format!("PLAN {}   NOTHING HAS BEEN SENT", page.label));
    line(format!("  plan     {}   expires {}", plan.id, plan.expires_at));
    for (item, private) in plan.items.iter().zip(&page.private) {
        line(format!("  target   {}   {}", private.label, item.aim));
        for aim in &item.also {
            line(format!("           and {aim}"));
        }
        for fact in &item.now {
            line(format!("  now      {}: {}", fact.name, fact.value));
        }
        for (n, step) in (1..).zip(&item.steps) {
            let undo = if step.undoable { "can be undone" } else { "CANNOT be undone" };
            line(format!("  will do  {n}  {}  {}   {undo}", step.system, step.says));
        }
        for text in &item.will_not {
            line(format!("  will not {text}"));
        }
        for text in &item.beware {
            line(format!("  beware   {text}"));
        }
        for text in item.undo.iter() {
            line(format!("  undo     {text}"));
        }
        for second in item.second_person.iter() {
            line(format!("  second   {}", second.why));
        }
        for (n, text) in item.sends.iter().enumerate() {
            let head = if n == 0 { "sends" } else { "" };
            line(format!("  {head:<8} {text}").trim_end().to_owned());
        }
    }
    for left in &plan.left_out {
        line(format!("  left out {}: {}", left.aim, left.why));
    }
    line(format!("  policy   rule {}{}", plan.ruling.rule, second_words(plan)));
    for says in &plan.ruling.says {
        line(format!("           {says}"));
    }
    line(format!("  why      {}", plan.ask.reason));
    line(format!("  digest   {}", plan.digest));
    out
}

fn second_words(plan: &Plan) -> &'static str {
    match plan.ruling.second {
        Some(_) => "; a second person must approve",
        None => "; no second person needed",
    }
}

/// What became of actions, a line each and one for each step.
#[must_use]
pub fn rows_text(rows: &[ActionRow]) -> String {
    let mut out = String::new();
    for row in rows {
        let look = if row.needs_a_look { "   NEEDS A LOOK" } else { "" };
        let reference = row.reference.as_ref().map_or(String::new(), |r| format!("   {r}"));
        let head = format!(
            "{}  {}  {}  {}  {}{reference}{look}",
            row.at,
            row.by.name,
            row.action,
            row.aim,
            outcome_word(row.outcome)
        );
        push(&mut out, &head);
        for step in &row.steps {
            let word = step_word(step.state);
            push(&mut out, &format!("    {}: {}   {word}   {}", step.system, step.step, step.says));
        }
    }
    out
}

/// What was confirmed and not begun, a line each.
#[must_use]
pub fn left_text(left: &[LeftRow]) -> String {
    let mut out = String::new();
    for row in left {
        let (at, by, why) = (row.at, &row.by.name, &row.why);
        push(&mut out, &format!("{at}  {by}  {}  {}  NOT BEGUN: {why}", row.action, row.aim));
    }
    out
}

/// What is possible, what waits, what is open.
#[must_use]
pub fn actions_text(page: &Actions) -> String {
    let mut out = String::new();
    let mut line = |text: String| push(&mut out, &text);
    let roles: Vec<String> =
        page.me.roles.iter().map(|r| format!("{r:?}").to_lowercase()).collect();
    let roles = if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") };
    line(format!("you are {}: {roles}", page.me.operator.name));
    for trouble in page.trouble.iter() {
        line(format!("NO ACTION IS POSSIBLE: {trouble}"));
    }
    for emergency in page.emergency.iter() {
        let (by, why, until) = (&emergency.by, &emergency.why, emergency.until);
        line(format!("EMERGENCY declared by {by} until {until}: {why}"));
    }
    for possible in &page.possible {
        let closed = possible.closed.as_ref().map_or(String::new(), |why| format!("   ({why})"));
        line(format!("  {:<32} {}{closed}", possible.action.as_str(), possible.label));
        for choice in &possible.choices {
            line(format!("      --set {}=..   {}", choice.name, choice.help));
        }
    }
    for waiting in &page.waiting {
        let plan = &waiting.plan;
        let targets: Vec<String> = plan.items.iter().map(|i| i.aim.to_string()).take(5).collect();
        line(format!(
            "WAITS for a second person until {}: {} by {}: {} ({}); approve with: caretaker approve {} --digest {}",
            waiting.until,
            plan.ask.action,
            plan.by.name,
            targets.join(" "),
            plan.ask.reason,
            plan.id,
            plan.digest
        ));
    }
    out.push_str(&rows_text(&page.open));
    out.push_str(&left_text(&page.left));
    out
}

/// Targets as they were typed.
///
/// # Errors
/// The first that is none.
pub fn aims(words: &[String]) -> Result<Vec<Aim>, String> {
    words.iter().map(|w| w.parse().map_err(|e: crate::wire::NotATarget| e.to_string())).collect()
}
