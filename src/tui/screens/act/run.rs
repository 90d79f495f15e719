//! What became of a confirmed plan: every step as it is asked, answered and seen, and one word.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::menu::first_key;
use super::{named, place_of};
use crate::tui::keymap::{Command, Scope};
use crate::tui::screens::{Act, Answer, View, scroll_on, scrolled};
use crate::tui::theme::Role;
use crate::tui::times;
use crate::tui::widgets::{Line, Pen, hints, wrap};
use crate::wire::action::{ActionRow, LeftRow, PlanPage, StepView};
use crate::wire::{Clean, Outcome, Role as Who, StepState};

/// The screen.
#[derive(Debug, Clone, PartialEq)]
pub struct RunScreen {
    page: Box<PlanPage>,
    /// Until when it waits for a second person, and for which role.
    waits: Option<(Timestamp, Who)>,
    /// Why it is not known whether it began.
    lost: Option<String>,
    scroll: usize,
}

impl RunScreen {
    /// What becomes of `page`'s plan.
    #[must_use]
    pub fn new(page: Box<PlanPage>, waits: Option<(Timestamp, Who)>, lost: Option<String>) -> Self {
        Self { page, waits, lost, scroll: 0 }
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        if command == Command::Back {
            return Answer::Wants(vec![Act::Close]);
        }
        let room = usize::from(view.size.1.saturating_sub(4));
        let len = self.lines(view).len();
        scroll_on(command, &mut self.scroll, len, room)
    }

    /// Draws it.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        let (word, role) = self.word(view);
        let title = Line::of(format!(" {word}   "), role)
            .and(self.page.label.as_str(), Role::Title)
            .and(format!("   {}", self.page.plan.by.name), Role::Quiet);
        pen.line(0, area.y, area.width, &title);
        let text = Rect { y: area.y + 1, height: area.height.saturating_sub(2), ..area };
        let built = scrolled(pen, text, &self.lines(view), self.scroll);
        let at = (0, area.bottom().saturating_sub(1), area.width, 1);
        hints(pen, at, view.keymap, Scope::Text, view.facts);
        built
    }

    /// The one word for all of it: the gravest of its targets.
    fn word(&self, view: &View<'_>) -> (&'static str, Role) {
        let id = self.page.plan.id.as_str();
        let rows: Vec<&ActionRow> = view.acts.of_plan(id).collect();
        let given_up = view.acts.not_begun(id).count();
        if rows.is_empty() && given_up == 0 {
            return match (&self.waits, &self.lost) {
                (Some(_), _) => ("WAITS", Role::Late),
                (None, Some(_)) => ("UNKNOWN", Role::Offline),
                (None, None) => ("BEGINS", Role::Late),
            };
        }
        let has = |wanted: Option<Outcome>| rows.iter().any(|row| row.outcome == wanted);
        let short =
            given_up > 0 || has(Some(Outcome::Rejected)) || has(Some(Outcome::ChangedSincePlan));
        let begun = rows.len() + given_up >= self.page.plan.items.len();
        if has(Some(Outcome::Unknown)) {
            ("UNKNOWN", Role::Offline)
        } else if !begun || has(None) {
            ("RUNNING", Role::Late)
        } else if has(Some(Outcome::PartlyDone))
            || (short && (has(Some(Outcome::Done)) || has(Some(Outcome::Accepted))))
        {
            ("PARTLY DONE", Role::Critical)
        } else if short {
            ("REJECTED", Role::Critical)
        } else if has(Some(Outcome::Accepted)) {
            ("ACCEPTED", Role::Warning)
        } else {
            ("DONE", Role::Live)
        }
    }

    fn lines(&self, view: &View<'_>) -> Vec<Line> {
        let room = view.size.0.saturating_sub(4).min(120);
        let mut lines = vec![Line::default()];
        let mut say = |text: String, role: Role| {
            lines.extend(
                wrap(&text, room).into_iter().map(|part| Line::of(format!(" {part}"), role)),
            );
        };
        let id = self.page.plan.id.as_str();
        let begun = view.acts.of_plan(id).next().is_some();
        if let Some((until, role)) = self.waits.filter(|_| !begun) {
            say(
                format!(
                    "Nothing has been sent. It waits until {} for a second person ({}); \
                     they find it under :approvals.",
                    times::moment(until, view.now),
                    role.word()
                ),
                Role::Text,
            );
            if view.is_demo {
                say(
                    "In the demo an invented colleague reads it and approves after some seconds."
                        .to_owned(),
                    Role::Message,
                );
            }
        }
        if let Some(why) = &self.lost {
            say(
                format!(
                    "The agent gave no answer to the confirmation ({why}). Whether it began is not \
                     known: if it did, its steps show here as soon as the agent tells."
                ),
                Role::Message,
            );
        }
        for (item, private) in self.page.plan.items.iter().zip(&self.page.private) {
            lines.push(Line::default());
            let row = view.acts.of_plan(id).find(|row| row.aim == item.aim);
            let given_up = view.acts.not_begun(id).find(|target| target.aim == item.aim);
            let name = named(&item.aim, &private.label, view);
            lines.extend(target(&name, row, given_up, (room, view)));
        }
        lines
    }
}

/// A target with its steps.
fn target(
    name: &str,
    row: Option<&ActionRow>,
    given_up: Option<&LeftRow>,
    (room, view): (u16, &View<'_>),
) -> Vec<Line> {
    let head = Line::of(format!(" {name}   "), Role::Title);
    match (row, given_up) {
        (Some(row), _) => {
            let mut lines = vec![outcome(head, row)];
            lines.extend(steps(row, room, view));
            lines
        }
        (None, Some(target)) => {
            let mut lines = vec![head.and("NOT BEGUN, nothing was sent", Role::Critical)];
            let why = wrap(target.why.as_str(), room.saturating_sub(3));
            lines.extend(why.into_iter().map(|part| Line::of(format!("   {part}"), Role::Text)));
            lines
        }
        (None, None) => vec![head.and("not begun yet", Role::Quiet)],
    }
}

/// A target's name and its outcome.
fn outcome(head: Line, row: &ActionRow) -> Line {
    let (word, role) = outcome_word(row);
    let line = head.and(word, role);
    match &row.reference {
        Some(reference) => line.and(format!("   {reference}"), Role::Accent),
        None => line,
    }
}

/// The outcome of an action, and how it is drawn.
pub(in crate::tui::screens) fn outcome_word(row: &ActionRow) -> (&'static str, Role) {
    let role = match row.outcome {
        None => Role::Late,
        Some(Outcome::Done) => Role::Live,
        Some(Outcome::Accepted) => Role::Warning,
        Some(Outcome::Unknown) => Role::Offline,
        Some(Outcome::Rejected | Outcome::PartlyDone | Outcome::ChangedSincePlan) => Role::Critical,
    };
    (Outcome::words(row.outcome), role)
}

/// The steps of an action: asked, answered, seen; and how to find out what is not known.
pub(in crate::tui::screens) fn steps(row: &ActionRow, room: u16, view: &View<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (n, step) in (1..).zip(&row.steps) {
        lines.push(step_head(n, step));
        for part in wrap(&step_words(step, view), room.saturating_sub(6)) {
            lines.push(Line::of(format!("      {part}"), Role::Quiet));
        }
    }
    for text in row.beware.iter().map(Clean::to_string).chain(find_out(row, view)) {
        for part in wrap(&text, room.saturating_sub(3)) {
            lines.push(Line::of(format!("   {part}"), Role::Message));
        }
    }
    lines
}

/// One step with its state in a word.
pub(in crate::tui::screens) fn step_head(n: usize, step: &StepView) -> Line {
    let role = match step.state {
        StepState::Seen => Role::Live,
        StepState::Took => Role::Warning,
        StepState::Sent => Role::Late,
        StepState::Unknown => Role::Offline,
        StepState::Refused | StepState::Skipped => Role::Critical,
        StepState::Waiting => Role::Quiet,
    };
    Line::of(format!("   {n}  {:<11} {}   ", step.system.as_str(), step.step), Role::Text)
        .and(step.state.words(), role)
}

/// When a step was asked, what was answered, when it was looked for.
fn step_words(step: &StepView, view: &View<'_>) -> String {
    let mut out = Vec::new();
    let clock = |at| times::moment_s(at, view.now);
    if let Some(at) = step.sent_at {
        out.push(format!("asked {}", clock(at)));
    }
    if !step.says.is_empty() {
        let word = match step.state {
            StepState::Seen => "seen",
            StepState::Sent | StepState::Waiting => "before",
            _ if step.looks > 0 => "looked",
            _ => "answered",
        };
        out.push(format!("{word}: {}", step.says));
    }
    if let Some(at) = step.looked_at {
        out.push(match step.looks {
            1 => format!("looked for once, {}", clock(at)),
            looks => format!("looked for {looks} times, last {}", clock(at)),
        });
    }
    out.join("; ")
}

/// How to find out what became of it, where that is not known.
fn find_out(row: &ActionRow, view: &View<'_>) -> Option<String> {
    let open: Vec<&str> = row
        .steps
        .iter()
        .filter(|s| matches!(s.state, StepState::Unknown | StepState::Took))
        .map(|s| s.system.as_str())
        .collect();
    let next = row.next_look.filter(|_| !row.closed).map(|at| {
        format!("It is looked for again by itself at {}. ", times::moment_s(at, view.now))
    });
    if row.can_continue {
        let key = first_key(view, "continue_action");
        return Some(format!("What is missing can be planned and done: {key} under :look."));
    }
    if row.needs_a_look || row.outcome == Some(Outcome::Unknown) {
        let place = open.first().map_or_else(|| "the target".to_owned(), |s| (*s).to_owned());
        return Some(format!(
            "{}To find out now, look at it in {place} yourself; then tell what you saw under :look.",
            next.unwrap_or_default()
        ));
    }
    next.filter(|_| !open.is_empty())
}

/// The label of an action's target, without a person's name.
#[must_use]
pub(in crate::tui::screens) fn target_of(row: &ActionRow, view: &View<'_>) -> Clean {
    let place = place_of(&row.aim, view);
    match row.aim {
        crate::wire::Aim::Account(..) => {
            Clean::new(&format!("an account at {place} ({})", row.aim))
        }
        _ => Clean::new(&place),
    }
}
