//! Plans that wait for a second person.

use ratatui::layout::Rect;

use super::{Act, Answer, View, row_name};
use crate::tui::keymap::{Command, Scope};
use crate::tui::state::row_of;
use crate::tui::theme::Role;
use crate::tui::widgets::{Line, Pen, hints};
use crate::tui::wish::Wish;
use crate::wire::Clean;
use crate::wire::action::Waiting;

/// Lines of one plan.
const HIGH: usize = 3;

/// The list. The cursor is bound to a plan, not to a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApprovalsScreen {
    at: Option<Clean>,
}

impl ApprovalsScreen {
    fn index(&self, all: &[&Waiting]) -> usize {
        let found = self.at.as_ref().and_then(|id| all.iter().position(|w| w.plan.id == *id));
        found.unwrap_or_default()
    }

    /// What taking back takes back; none where that is somebody else's.
    pub(super) fn undo_words(&self, view: &View<'_>) -> Option<String> {
        let all: Vec<&Waiting> = view.acts.waiting(view.now).collect();
        let own = all.get(self.index(&all)).filter(|w| view.acts.is_own(w))?;
        let plan = &own.plan;
        let label = view.acts.label(&plan.ask.action);
        Some(format!("takes back your request: {label}, {}", plan.ask.reason))
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        let all: Vec<&Waiting> = view.acts.waiting(view.now).collect();
        let at = self.index(&all);
        let last = all.len().saturating_sub(1);
        let to = match command {
            Command::Down | Command::PageDown | Command::HalfDown => (at + 1).min(last),
            Command::Up | Command::PageUp | Command::HalfUp => at.saturating_sub(1),
            Command::Top => 0,
            Command::Bottom => last,
            Command::Back => return Answer::Wants(vec![Act::Close]),
            Command::Refresh => return Answer::Wants(vec![Act::ReadActs]),
            Command::Enter => {
                let plan = all.get(at).map(|w| w.plan.id.clone());
                return plan.map_or(Answer::Consumed, |plan| {
                    Answer::Wants(vec![Act::Guard(Wish::Review(plan))])
                });
            }
            Command::TakeBack => {
                return match all.get(at) {
                    Some(w) if view.acts.is_own(w) => {
                        Answer::Wants(vec![Act::Guard(Wish::TakeBack(w.plan.id.clone()))])
                    }
                    Some(_) => {
                        let text = "it is somebody else's: only they can take it back";
                        Answer::Wants(vec![Act::Say(text.to_owned())])
                    }
                    None => Answer::Consumed,
                };
            }
            _ => return Answer::Pass,
        };
        self.at = all.get(to).map(|w| w.plan.id.clone());
        Answer::Consumed
    }

    /// Draws the list.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        let all: Vec<&Waiting> = view.acts.waiting(view.now).collect();
        let title = match all.len() {
            0 => " APPROVALS   nothing waits for a second person".to_owned(),
            1 => " APPROVALS   1 plan waits for a second person".to_owned(),
            n => format!(" APPROVALS   {n} plans wait for a second person"),
        };
        pen.text(0, area.y, area.width, &title, Role::Title);
        let room = usize::from(area.height.saturating_sub(3)) / HIGH;
        let at = self.index(&all);
        let from = (at + 1).saturating_sub(room.max(1));
        let mut y = area.y + 2;
        let mut built = 0;
        for (n, waiting) in all.iter().enumerate().skip(from).take(room.max(1)) {
            self.draw_one(pen, (y, area.width), waiting, n == at, view);
            y += u16::try_from(HIGH).unwrap_or(1);
            built += HIGH;
        }
        let bottom = area.bottom().saturating_sub(1);
        hints(pen, (0, bottom, area.width, 1), view.keymap, Scope::Approvals, view.facts);
        built
    }

    fn draw_one(
        &self,
        pen: &mut Pen<'_>,
        (y, columns): (u16, u16),
        waiting: &Waiting,
        at: bool,
        view: &View<'_>,
    ) {
        let plan = &waiting.plan;
        pen.text(0, y, 1, if at { ">" } else { " " }, Role::Key);
        // At the minute: the list does not tick.
        let minutes = (waiting.until.as_second() - view.now.as_second()).max(0) / 60;
        let name = if at { Role::Selected } else { Role::Title };
        let line = Line::of(format!("{minutes:>3} min  "), Role::Late)
            .and(view.acts.label(&plan.ask.action), name)
            .and(format!("   by {}", plan.by.name), Role::Text);
        pen.line(2, y, columns.saturating_sub(3), &line);
        let mut places: Vec<String> =
            plan.items.iter().map(|item| row_name(row_of(&item.aim), view.rows)).collect();
        places.dedup();
        let targets = format!("{} at {}", plan.items.len(), places.join(", "));
        pen.text(11, y + 1, columns.saturating_sub(12), &targets, Role::Text);
        let whose = if view.acts.is_own(waiting) {
            "yours: another person must approve it.   "
        } else {
            ""
        };
        let mut line = Line::of(whose, Role::Message)
            .and("why  ", Role::Quiet)
            .and(plan.ask.reason.as_str(), Role::Text);
        if let Some(ticket) = &plan.ask.ticket {
            line = line.and("   ticket  ", Role::Quiet).and(ticket.as_str(), Role::Text);
        }
        pen.line(11, y + 2, columns.saturating_sub(12), &line);
    }
}

/// Until when a plan waits; none if it does not any more.
#[must_use]
pub fn waits_until(plan: &str, view: &View<'_>) -> Option<jiff::Timestamp> {
    view.acts.waiting(view.now).find(|w| w.plan.id.as_str() == plan).map(|w| w.until)
}
