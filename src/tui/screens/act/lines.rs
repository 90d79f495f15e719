//! A plan in lines: what it would do, to what, and on whose word.

use super::{hidden_words, named, place_of};
use crate::tui::screens::View;
use crate::tui::theme::Role;
use crate::tui::times;
use crate::tui::widgets::{Line, width, wrap};
use crate::wire::action::PlanPage;
use crate::wire::{Aim, Clean, Item, Laestab, Private, Step};

/// Columns of the labels.
const LABEL: usize = 10;

/// Lines under labels.
struct Page {
    lines: Vec<Line>,
    room: u16,
}

impl Page {
    /// A text under a label, wrapped.
    fn say(&mut self, label: &str, text: &str, role: Role) {
        // What fits keeps its own gaps.
        let fits = width(text) <= self.room;
        let parts = if fits { vec![text.to_owned()] } else { wrap(text, self.room) };
        for (n, part) in parts.into_iter().enumerate() {
            let label = if n == 0 { label } else { "" };
            self.lines.push(labelled(label).and(part, role));
        }
    }

    fn all(&mut self, label: &str, texts: &[Clean], role: Role) {
        for (n, text) in texts.iter().enumerate() {
            self.say(if n == 0 { label } else { "" }, text.as_str(), role);
        }
    }

    fn gap(&mut self) {
        if self.lines.last().is_some_and(|line| !line.0.is_empty()) {
            self.lines.push(Line::default());
        }
    }
}

fn labelled(label: &str) -> Line {
    Line::of(format!(" {label:<LABEL$}"), Role::Quiet)
}

/// The whole plan below its title. `hidden` are marked schools that it is not about.
pub(super) fn lines(page: &PlanPage, hidden: &[Laestab], view: &View<'_>) -> Vec<Line> {
    let room = view.size.0.saturating_sub(13).min(110);
    let mut out = Page { lines: vec![Line::default()], room };
    let plan = &page.plan;
    match (&plan.items[..], &page.private[..]) {
        ([item], [private]) if item.also.is_empty() => one(&mut out, item, private, page, view),
        _ => several(&mut out, page, view),
    }
    for left in &plan.left_out {
        let text = format!("{} ({}): {}", place_of(&left.aim, view), spaced(&left.aim), left.why);
        out.say("left out", &text, Role::Message);
    }
    if let Some(text) = hidden_words(hidden, view) {
        out.say("left out", &text, Role::Message);
    }
    out.gap();
    let second = match plan.ruling.second {
        Some(role) => format!("a second person ({}) must approve", role.word()),
        None => "no second person needed".to_owned(),
    };
    let says: Vec<&str> = plan.ruling.says.iter().map(Clean::as_str).collect();
    let says = if says.is_empty() { String::new() } else { format!("{}; ", says.join("; ")) };
    let policy = format!("allowed by rule {}; {says}{second}", plan.ruling.rule);
    out.say("policy", &policy, Role::Text);
    out.say("why", plan.ask.reason.as_str(), Role::Text);
    if let Some(ticket) = &plan.ask.ticket {
        out.say("ticket", ticket.as_str(), Role::Text);
    }
    for (name, value) in &plan.ask.choices {
        out.say(name, value.as_str(), Role::Text);
    }
    let by = format!("{}, {}", plan.by.name, times::clock_s(plan.made_at));
    out.say("planned", &by, Role::Text);
    let short: String = plan.digest.as_str().chars().take(12).collect();
    let audit = format!("on disk before step 1 is sent; digest {short}");
    out.say("audit", &audit, Role::Text);
    out.lines
}

fn spaced(aim: &Aim) -> String {
    match aim {
        Aim::School(school) => school.spaced(),
        other => other.to_string(),
    }
}

fn one(out: &mut Page, item: &Item, private: &Private, page: &PlanPage, view: &View<'_>) {
    let label = match item.aim {
        Aim::Account(..) => "account",
        Aim::Estate => "estate",
        Aim::School(_) | Aim::Cell(..) => "school",
    };
    out.say(label, &named(&item.aim, &private.label, view), Role::Title);
    out.say("", &spaced(&item.aim), Role::Text);
    out.all("why", &private.notes, Role::Message);
    out.gap();
    now(out, item, page);
    out.gap();
    steps(out, "will do", &item.steps);
    around(out, item);
}

fn now(out: &mut Page, item: &Item, page: &PlanPage) {
    for (n, fact) in item.now.iter().enumerate() {
        let label = if n == 0 { "now" } else { "" };
        out.say(label, &format!("{}: {}", fact.name, fact.value), Role::Text);
    }
    if !item.now.is_empty() {
        let at = format!("read {}", times::clock_s(page.plan.made_at));
        out.say("", &at, Role::Quiet);
    }
}

/// Each step with whether it can be undone, at the right where there is room.
fn steps(out: &mut Page, label: &str, steps: &[Step]) {
    for (n, step) in (1..).zip(steps) {
        let label = if n == 1 { label } else { "" };
        let (undo, role) = if step.undoable {
            ("can be undone", Role::Quiet)
        } else {
            ("CANNOT be undone", Role::Critical)
        };
        let undo_room = 18;
        let text = format!("{n}  {:<11} {}", step.system.as_str(), step.says);
        let parts = wrap_step(&text, out.room.saturating_sub(undo_room));
        for (m, part) in parts.iter().enumerate() {
            let label = if m == 0 { label } else { "" };
            let mut line = labelled(label).and(part.clone(), Role::Text);
            if m == 0 {
                let missing = out.room.saturating_sub(undo_room).saturating_sub(width(part));
                line = line.and(" ".repeat(usize::from(missing) + 2), Role::Text).and(undo, role);
            }
            out.lines.push(line);
        }
    }
}

/// Wraps, and keeps the columns of number and system on the first line.
fn wrap_step(text: &str, room: u16) -> Vec<String> {
    if width(text) <= room {
        return vec![text.to_owned()];
    }
    let parts = wrap(text, room.saturating_sub(3));
    let indent = |(n, part): (usize, String)| if n == 0 { part } else { format!("   {part}") };
    parts.into_iter().enumerate().map(indent).collect()
}

/// What it does not touch, what to beware of, how to undo it.
fn around(out: &mut Page, item: &Item) {
    if !item.will_not.is_empty() || !item.beware.is_empty() || item.undo.is_some() {
        out.gap();
    }
    out.all("will not", &item.will_not, Role::Text);
    out.all("beware", &item.beware, Role::Message);
    let undo: Vec<Clean> = item.undo.iter().cloned().collect();
    out.all("undo", &undo, Role::Text);
    let second: Vec<Clean> = item.second_person.iter().map(|second| second.why.clone()).collect();
    out.all("second", &second, Role::Message);
    if !item.sends.is_empty() {
        out.gap();
    }
    for (n, line) in item.sends.iter().enumerate() {
        if line.is_empty() {
            out.lines.push(Line::default());
        } else {
            out.say(if n == 0 { "sends" } else { "" }, line.as_str(), Role::Text);
        }
    }
}

/// Whether two items get the same done, so that it need be told only once.
fn same_work(a: &Item, b: &Item) -> bool {
    let steps = |item: &Item| -> Vec<(Clean, Clean, bool)> {
        let parts = item.steps.iter();
        parts.map(|s| (s.system.clone(), s.says.clone(), s.undoable)).collect()
    };
    steps(a) == steps(b)
        && (&a.will_not, &a.beware, &a.undo, &a.sends)
            == (&b.will_not, &b.beware, &b.undo, &b.sends)
}

fn several(out: &mut Page, page: &PlanPage, view: &View<'_>) {
    let items = &page.plan.items;
    let same = items.iter().zip(items.iter().skip(1)).all(|(a, b)| same_work(a, b));
    let heading = format!("{}, each one named here", page.plan.targets());
    out.say("targets", &heading, Role::Title);
    for (n, (item, private)) in (1..).zip(items.iter().zip(&page.private)) {
        let name = named(&item.aim, &private.label, view);
        out.say("", &format!("{n}  {name}   {}", spaced(&item.aim)), Role::Text);
        for aim in &item.also {
            let text = format!("   and {}   {}", place_of(aim, view), spaced(aim));
            out.say("", &text, Role::Text);
        }
        out.all("why", &private.notes, Role::Message);
        let facts: Vec<String> =
            item.now.iter().map(|fact| format!("{}: {}", fact.name, fact.value)).collect();
        if !facts.is_empty() {
            out.say("", &format!("now {}", facts.join("; ")), Role::Quiet);
        }
        if !same {
            steps(out, "", &item.steps);
            around(out, item);
            out.gap();
        } else if let Some(why) = &item.second_person {
            out.say("second", why.why.as_str(), Role::Message);
        }
    }
    if let Some(first) = items.first().filter(|_| same) {
        out.gap();
        let for_all = if items.len() > 1 { "for each of them" } else { "once, for all of them" };
        out.say("will do", for_all, Role::Title);
        steps(out, "", &first.steps);
        around(out, first);
    }
}
