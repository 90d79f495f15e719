//! Open actions: what is under way, and what somebody has to look at. A person tells what they saw
//! of a step, or closes an action as it is.

use ratatui::layout::Rect;

use super::act::Aimed;
use super::act::form::FormScreen;
use super::act::run::{outcome_word, step_head, steps, target_of};
use super::word::WordPrompt;
use super::{Act, Answer, Layer, View, moved, scroll_on, scrolled};
use crate::tui::keymap::{Command, Scope};
use crate::tui::theme::Role;
use crate::tui::times;
use crate::tui::widgets::{Line, Pen, hints, wrap};
use crate::wire::action::ActionRow;
use crate::wire::{Clean, StepState};

/// The list. The cursor is bound to an action, not to a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LookScreen {
    at: Option<Clean>,
}

/// Those that need a look first, each part oldest first.
fn listed<'a>(view: &View<'a>) -> Vec<&'a ActionRow> {
    let open = view.acts.page().map_or(&[][..], |page| page.open.as_slice());
    let mut all: Vec<&ActionRow> = open.iter().collect();
    all.sort_by_key(|row| !row.needs_a_look);
    all
}

impl LookScreen {
    fn index(&self, all: &[&ActionRow]) -> usize {
        let found = self.at.as_ref().and_then(|key| all.iter().position(|row| row.key == *key));
        found.unwrap_or_default()
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        let all = listed(view);
        let at = self.index(&all);
        let last = all.len().saturating_sub(1);
        let room = usize::from(view.size.1.saturating_sub(4)).max(1);
        match command {
            Command::Back => return Answer::Wants(vec![Act::Close]),
            Command::Refresh => return Answer::Wants(vec![Act::ReadActs]),
            Command::Enter => {
                return all.get(at).map_or(Answer::Consumed, |row| {
                    Answer::Wants(vec![Act::Open(Layer::Action(ActionScreen::new(row)))])
                });
            }
            Command::Tell | Command::ContinueAction | Command::CloseAction => {
                let text = "open it first, and read its steps";
                return Answer::Wants(vec![Act::Say(text.to_owned())]);
            }
            _ => {
                let Some(to) = moved(command, at, (last, room)) else { return Answer::Pass };
                self.at = all.get(to).map(|row| row.key.clone());
            }
        }
        Answer::Consumed
    }

    /// Draws the list.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        let all = listed(view);
        let need = all.iter().filter(|row| row.needs_a_look).count();
        let title = match (all.len(), need) {
            (0, _) => " OPEN ACTIONS   nothing is under way, and nothing needs a look".to_owned(),
            (n, 0) => format!(" OPEN ACTIONS   {n} under way; nothing needs a look"),
            (n, need) => format!(" OPEN ACTIONS   {n}; {need} need a look, and stand first"),
        };
        pen.text(0, area.y, area.width, &title, Role::Title);
        let room = usize::from(area.height.saturating_sub(3)).max(1);
        let at = self.index(&all);
        let from = (at + 1).saturating_sub(room);
        let mut built = 0;
        for (y, (n, row)) in (area.y + 2..).zip(all.iter().enumerate().skip(from).take(room)) {
            pen.text(0, y, 1, if n == at { ">" } else { " " }, Role::Key);
            let mark = if row.needs_a_look { "LOOK" } else { "" };
            pen.text(2, y, 4, mark, Role::Offline);
            pen.line(7, y, area.width.saturating_sub(8), &in_a_line(row, n == at, view));
            built += 1;
        }
        let bottom = area.bottom().saturating_sub(1);
        hints(pen, (0, bottom, area.width, 1), view.keymap, Scope::Look, view.facts);
        built
    }
}

/// Who does what, since when, and how it stands: `asha: Ask for fresh data, 09:20, running`.
#[must_use]
pub fn acting_words(row: &ActionRow, view: &View<'_>) -> String {
    let (word, _) = outcome_word(row);
    let look = if row.needs_a_look { "; needs a look (:look)" } else { "" };
    format!(
        "{}: {}, {}, {word}{look}",
        row.by.name,
        view.acts.label(&row.action),
        times::moment(row.at, view.now)
    )
}

fn in_a_line(row: &ActionRow, at: bool, view: &View<'_>) -> Line {
    let (word, role) = outcome_word(row);
    let name = if at { Role::Selected } else { Role::Text };
    Line::of(format!("{:<11} ", times::moment(row.at, view.now)), Role::Quiet)
        .and(format!("{:<9} ", row.by.name.as_str()), Role::Text)
        .and(word, role)
        .and("   ", Role::Text)
        .and(view.acts.label(&row.action), name)
        .and(format!("   {}", target_of(row, view)), Role::Text)
}

/// The form that asks for a plan of what is missing.
fn continued(row: &ActionRow, view: &View<'_>) -> Answer {
    let say = |text: &str| Answer::Wants(vec![Act::Say(text.to_owned())]);
    if !row.can_continue {
        return say("only what was partly done, with each step known, can be continued");
    }
    let Some(possible) = view.acts.possible(&row.action) else {
        return say("this action is not possible with the agent's settings now");
    };
    if let Some(why) = &possible.closed {
        return say(&format!("not open to you: {why}"));
    }
    let form = FormScreen::continuing(possible, Aimed::of(row), row.key.clone());
    Answer::Wants(vec![Act::Open(Layer::Form(Box::new(form)))])
}

/// One action with its steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionScreen {
    key: Clean,
    step: usize,
    scroll: usize,
}

impl ActionScreen {
    /// The action, the cursor on its first step that is not known.
    #[must_use]
    pub fn new(row: &ActionRow) -> Self {
        let is_open = |state| matches!(state, StepState::Unknown | StepState::Took);
        let step = row.steps.iter().position(|step| is_open(step.state)).unwrap_or_default();
        Self { key: row.key.clone(), step, scroll: 0 }
    }

    /// The action as it stands now; closed ones too, so that what came of it can be read.
    fn row<'a>(&self, view: &View<'a>) -> Option<&'a ActionRow> {
        let page = view.acts.page()?;
        page.open.iter().chain(&page.recent).find(|row| row.key == self.key)
    }

    fn lines(&self, row: &ActionRow, view: &View<'_>) -> Vec<Line> {
        let room = view.size.0.saturating_sub(4).min(120);
        let (word, role) = outcome_word(row);
        let mut lines = vec![
            Line::default(),
            Line::of(format!(" {}   ", target_of(row, view)), Role::Title).and(word, role),
        ];
        let mut say = |label: &str, text: &str| {
            for (n, part) in wrap(text, room.saturating_sub(11)).into_iter().enumerate() {
                let label = if n == 0 { label } else { "" };
                lines.push(Line::of(format!(" {label:<10}"), Role::Quiet).and(part, Role::Text));
            }
        };
        say("by", &format!("{}, {}", row.by.name, times::moment(row.at, view.now)));
        say("at", &row.aim.to_string());
        if let Some(reference) = &row.reference {
            say("reference", reference.as_str());
        }
        say("key", row.key.as_str());
        if row.closed {
            say("closed", "nothing more is done about it by itself");
        }
        lines.push(Line::default());
        lines.extend(steps(row, room, view));
        if let Some(step) = row.steps.get(self.step) {
            lines.push(Line::default());
            lines.push(Line::of(" the step at the cursor:", Role::Quiet));
            lines.push(step_head(self.step + 1, step));
        }
        lines
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        if command == Command::Back {
            return Answer::Wants(vec![Act::Close]);
        }
        if command == Command::Refresh {
            return Answer::Wants(vec![Act::ReadActs]);
        }
        let Some(row) = self.row(view) else { return Answer::Pass };
        let last = row.steps.len().saturating_sub(1);
        match command {
            Command::Down => self.step = (self.step + 1).min(last),
            Command::Up => self.step = self.step.saturating_sub(1),
            Command::Tell | Command::ContinueAction | Command::CloseAction if row.closed => {
                let text = "it is closed: nothing is open about it";
                return Answer::Wants(vec![Act::Say(text.to_owned())]);
            }
            Command::Tell => {
                let Some(step) = row.steps.get(self.step) else { return Answer::Consumed };
                if !matches!(step.state, StepState::Unknown | StepState::Took) {
                    let text = "nothing is open about this step";
                    return Answer::Wants(vec![Act::Say(text.to_owned())]);
                }
                let what = format!("{}: {}", step.system, step.step);
                let prompt = WordPrompt::tell(row.key.clone(), self.step, what);
                return Answer::Wants(vec![Act::Open(Layer::Word(prompt))]);
            }
            Command::ContinueAction => return continued(row, view),
            Command::CloseAction => {
                let what = view.acts.label(&row.action).to_owned();
                let prompt = WordPrompt::close(row.key.clone(), what);
                return Answer::Wants(vec![Act::Open(Layer::Word(prompt))]);
            }
            _ => {
                let room = usize::from(view.size.1.saturating_sub(4));
                let len = self.lines(row, view).len();
                return scroll_on(command, &mut self.scroll, len, room);
            }
        }
        Answer::Consumed
    }

    /// Draws it.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        let Some(row) = self.row(view) else {
            let text = " it is not among the newest actions any more; the audit has it";
            pen.text(0, area.y, area.width, text, Role::Message);
            return 0;
        };
        let head = if row.needs_a_look { " NEEDS A LOOK   " } else { " ACTION   " };
        let title = Line::of(head, Role::Accent).and(view.acts.label(&row.action), Role::Title);
        pen.line(0, area.y, area.width, &title);
        let text = Rect { y: area.y + 1, height: area.height.saturating_sub(2), ..area };
        let built = scrolled(pen, text, &self.lines(row, view), self.scroll);
        let bottom = area.bottom().saturating_sub(1);
        hints(pen, (0, bottom, area.width, 1), view.keymap, Scope::Look, view.facts);
        built
    }
}
