//! Plans and actions in plain text.

use crate::wire::action::{ActionRow, Actions, AuditEntry, LeftRow, PlanPage};
use crate::wire::{Aim, Entry, Outcome, Plan};

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
        for text in &private.notes {
            line(format!("  why      {text}"));
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
    if let Some(ticket) = &plan.ask.ticket {
        line(format!("  ticket   {ticket}"));
    }
    for (name, value) in &plan.ask.choices {
        line(format!("  {name:<8} {value}"));
    }
    line(format!("  planned  by {}, {}", plan.by.name, plan.made_at));
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
            Outcome::words(row.outcome)
        );
        push(&mut out, &head);
        for step in &row.steps {
            let word = step.state.words();
            push(&mut out, &format!("    {}: {}   {word}   {}", step.system, step.step, step.says));
        }
        for text in &row.beware {
            push(&mut out, &format!("    beware: {text}"));
        }
        if row.can_continue {
            push(
                &mut out,
                &format!("    what is missing: caretaker continue {} --reason ..", row.key),
            );
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
    let roles: Vec<String> = page.me.roles.iter().map(|r| r.word().to_owned()).collect();
    let roles = if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") };
    line(format!("you are {}: {roles}", page.me.operator.name));
    if page.me.arms {
        line(match page.me.armed_until {
            Some(until) => format!("you are armed until {until}"),
            None => "you are not armed: caretaker arm 15m --reason ..".to_owned(),
        });
    }
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
        let ticket = plan.ask.ticket.iter().map(|ticket| format!(", ticket {ticket}"));
        line(format!(
            "WAITS for a second person until {}: {} by {}: {} ({}{}); approve with: caretaker approve {} --digest {}",
            waiting.until,
            plan.ask.action,
            plan.by.name,
            targets.join(" "),
            plan.ask.reason,
            ticket.collect::<String>(),
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

/// One entry of the audit in a line.
#[must_use]
pub fn entry_line(entry: &Entry) -> String {
    let by = entry.by.as_ref().map_or("agent", |by| by.name.as_str());
    let body: Vec<String> = entry.body.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let body = body.join(" ");
    format!(
        "{:>6}  {}  {by:<12} {:<10} {}  {body}",
        entry.number, entry.at, entry.kind, entry.about
    )
}

/// One entry of the audit with everything that is known of it.
#[must_use]
pub fn entry_text(page: &AuditEntry) -> String {
    let entry = &page.entry;
    let mut out = String::new();
    let mut line = |name: &str, text: &str| push(&mut out, &format!("{name:<12} {text}"));
    line("entry", &entry.number.to_string());
    line("at", &entry.at.to_string());
    line("kind", entry.kind.as_str());
    match &entry.by {
        Some(by) => {
            let login = by.login.map_or("no login uid".to_owned(), |uid| format!("login {uid}"));
            line("by", &format!("{} (uid {}, {login})", by.name, by.uid));
        }
        None => line("by", "the agent itself"),
    }
    line("about", entry.about.as_str());
    for (name, value) in &entry.body {
        line(name, value.as_str());
    }
    for (name, commitment) in &entry.private {
        let state = match page.details.get(name) {
            Some(value) => value.as_str(),
            None if page.kept.iter().any(|kept| kept.as_str() == name) => "kept, not shown",
            None => "erased",
        };
        line(name, &format!("{state}   (commitment {})", commitment.0));
    }
    line("previous", entry.previous.as_str());
    line("hash", entry.hash.as_str());
    out
}
