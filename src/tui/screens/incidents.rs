//! Incidents: what is broken, what nobody has first; then what ended within a day.

use ratatui::layout::Rect;

use super::incident::{IncidentScreen, had_words, reach_words, stands_words};
use super::incident_word::IncidentWord;
use super::{Act, Answer, Layer, View, moved};
use crate::tui::keymap::{Command, Scope};
use crate::tui::theme::Role;
use crate::tui::times;
use crate::tui::widgets::{Line, Pen, cut, hints, rule, wrap};
use crate::tui::wish::Wish;
use crate::wire::Health;
use crate::wire::board::letter;
use crate::wire::incident::{IncidentDo, IncidentLine, IncidentOrder, Incidents};

/// Rows of the peek under the list; from so many rows on there is one.
const PEEK: u16 = 5;
const WITH_PEEK: u16 = 16;
/// Under so many columns a line tells state, age and place alone.
const NARROW: u16 = 70;

/// What a key is answered that is about something which has not come yet.
pub(super) const UNREAD: &str = "not read yet: nothing was done; press it again";

/// The list. The cursor is bound to an incident, not to a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IncidentsScreen {
    all: Option<Box<Incidents>>,
    error: Option<String>,
    at: Option<u64>,
}

/// The letter of an incident and its role: lower case once somebody has it.
pub(super) fn mark(line: &IncidentLine) -> (&'static str, Role) {
    if line.state.ended_at().is_some() {
        return (" ", Role::Quiet);
    }
    let role = match line.health {
        _ if line.had.is_had() => Role::Handled,
        Health::Critical => Role::Critical,
        Health::Unknown => Role::Unknown,
        Health::Warning => Role::Warning,
        Health::Ok | Health::NotSubscribed => Role::Ok,
    };
    (letter(line.health, line.had.is_had()), role)
}

/// The line of a page that names the incidents which it is part of.
pub(super) fn part_of(ids: &[u64]) -> Option<Line> {
    let [first, rest @ ..] = ids else { return None };
    let more = rest.iter().map(|id| format!(", {id}")).collect::<String>();
    let text = format!("part of incident {first}{more}; i lists them");
    Some(Line::of(" trouble ", Role::Accent).and(text, Role::Message))
}

/// An order without anything but its kind.
pub(super) fn plain(kind: IncidentDo) -> IncidentOrder {
    let (why, cells) = (crate::wire::Clean::default(), Vec::new());
    IncidentOrder { kind, why, until: None, into: None, cells, anyway: false }
}

/// Whether a command is about the incident at the cursor.
pub(super) fn is_order(command: Command) -> bool {
    matches!(
        command,
        Command::Claim
            | Command::GiveBack
            | Command::Note
            | Command::MergeIncident
            | Command::SplitIncident
            | Command::ResolveIncident
            | Command::Enter
    )
}

/// What a command asks to be done about an incident: at once, or after a line is typed.
pub(super) fn ordered(command: Command, line: &IncidentLine) -> Option<Vec<Act>> {
    let at_once =
        |kind| vec![Act::Guard(Wish::OrderIncident { id: line.id, order: Box::new(plain(kind)) })];
    let asks = |kind| vec![Act::Open(Layer::IncidentWord(Box::new(IncidentWord::new(kind, line))))];
    Some(match command {
        Command::Claim => at_once(IncidentDo::Claim),
        Command::GiveBack => at_once(IncidentDo::GiveBack),
        Command::Note => asks(IncidentDo::Note),
        Command::MergeIncident => asks(IncidentDo::Merge),
        Command::SplitIncident => asks(IncidentDo::Split),
        Command::ResolveIncident => asks(IncidentDo::Resolve),
        _ => return None,
    })
}

impl IncidentsScreen {
    /// Takes what the agent told.
    pub fn heard(&mut self, answer: Result<Box<Incidents>, String>) {
        match answer {
            Ok(all) => {
                let first = || all.incidents.first().map(|line| line.id);
                self.at = self.at.or_else(first);
                (self.all, self.error) = (Some(all), None);
            }
            Err(why) => self.error = Some(why),
        }
    }

    fn lines(&self) -> &[IncidentLine] {
        self.all.as_ref().map_or(&[], |all| all.incidents.as_slice())
    }

    fn index(&self) -> usize {
        let found = self.at.and_then(|id| self.lines().iter().position(|line| line.id == id));
        found.unwrap_or_default()
    }

    /// The incident that stood at the cursor, if it is still in the list.
    pub(super) fn chosen(&self) -> Option<&IncidentLine> {
        self.lines().iter().find(|line| Some(line.id) == self.at)
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        let at = self.index();
        let chosen = self.chosen();
        if self.all.is_none() && is_order(command) {
            return Answer::Wants(vec![Act::Say(UNREAD.to_owned())]);
        }
        // Another than was drawn may stand first now.
        if chosen.is_none() && !self.lines().is_empty() && is_order(command) {
            let text = "the incident at the cursor is not in the list any more: nothing was done";
            self.at = None;
            return Answer::Wants(vec![Act::Say(text.to_owned())]);
        }
        if let Some(acts) = chosen.and_then(|line| ordered(command, line)) {
            return Answer::Wants(acts);
        }
        match command {
            Command::Back => return Answer::Wants(vec![Act::Close]),
            Command::Refresh => return Answer::Wants(vec![Act::Guard(Wish::Incidents)]),
            Command::Enter => {
                return chosen.map_or(Answer::Consumed, |line| {
                    let screen = Layer::Incident(Box::new(IncidentScreen::new(line.id)));
                    Answer::Wants(vec![Act::Open(screen), Act::Guard(Wish::Incident(line.id))])
                });
            }
            _ => {}
        }
        let last = self.lines().len().saturating_sub(1);
        let room = usize::from(view.size.1.saturating_sub(4)).max(1);
        let Some(to) = moved(command, at, (last, room)) else { return Answer::Pass };
        self.at = self.lines().get(to).map(|line| line.id);
        Answer::Consumed
    }

    /// Draws the list, and below it more of the incident at the cursor.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        pen.text(0, area.y, area.width, &self.title(view), Role::Title);
        let mut top = area.y + 2;
        if let Some(text) = self.doubt(view) {
            for part in wrap(&text, area.width.saturating_sub(2)) {
                pen.text(1, top, area.width.saturating_sub(2), &part, Role::Message);
                top += 1;
            }
        }
        let bottom = area.bottom().saturating_sub(1);
        let peek = if area.height >= WITH_PEEK && !self.lines().is_empty() { PEEK } else { 0 };
        let room = usize::from(bottom.saturating_sub(top + peek)).max(1);
        let at = self.index();
        let from = (at + 1).saturating_sub(room);
        let mut built = 0;
        for (y, (n, line)) in (top..).zip(self.lines().iter().enumerate().skip(from).take(room)) {
            let at_cursor = n == at && self.at == Some(line.id);
            pen.text(0, y, 1, if at_cursor { ">" } else { " " }, Role::Key);
            let room = area.width.saturating_sub(2);
            pen.line(1, y, room, &in_a_line(line, at_cursor, (room, view)));
            built += 1;
        }
        if let Some(line) = self.lines().get(at).filter(|_| peek > 0) {
            built += self.peek(pen, Rect::new(0, bottom - peek, area.width, peek), line, view);
        }
        hints(pen, (0, bottom, area.width, 1), view.keymap, Scope::Incidents, view.facts);
        built
    }

    /// Whether nothing has been heard yet.
    pub(super) fn is_unread(&self) -> bool {
        self.all.is_none() && self.error.is_none()
    }

    /// Draws the first of those that are open, as many as fit, without a cursor.
    pub(super) fn draw_first(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        pen.line(area.x, area.y, area.width, &rule(self.title(view).trim(), area.width));
        let open = self.lines().iter().filter(|line| line.state.ended_at().is_none());
        let room = area.width.saturating_sub(2);
        let doubt = self.doubt(view).map(|text| Line::of(format!(" {text}"), Role::Message));
        let lines = doubt.into_iter().chain(open.map(|line| in_a_line(line, false, (room, view))));
        let rows = area.y + 1..area.bottom();
        rows.zip(lines).map(|(y, line)| pen.line(area.x + 1, y, room, &line)).count()
    }

    fn title(&self, view: &View<'_>) -> String {
        let Some(all) = &self.all else { return " INCIDENTS   reading ...".to_owned() };
        let open = all.incidents.iter().filter(|line| line.state.ended_at().is_none()).count();
        let ended = all.incidents.len() - open;
        let open = match open {
            _ if !view.is_known || self.error.is_some() => {
                format!("as of {}", times::moment(all.as_of, view.now))
            }
            0 => "none is open".to_owned(),
            n => format!("{n} open, what nobody has first"),
        };
        let ended = match ended {
            0 => String::new(),
            n => format!("; {n} ended within a day"),
        };
        format!(" INCIDENTS   {open}{ended}")
    }

    /// What must be known before the list is believed.
    fn doubt(&self, view: &View<'_>) -> Option<String> {
        if let Some(why) = &self.error {
            return Some(format!("it cannot be read: {why}"));
        }
        let all = self.all.as_ref()?;
        if !view.is_known {
            return Some(
                "the agent cannot be reached: what happened since is not known".to_owned(),
            );
        }
        if !all.settled {
            return Some("not every check has been tried yet: there may be more".to_owned());
        }
        let open = all.incidents.iter().any(|line| line.state.ended_at().is_none());
        (!open).then(|| {
            "nothing that is watched is in certain trouble, but for planned work and what was resolved \
             by hand"
                .to_owned()
        })
    }

    fn peek(&self, pen: &mut Pen<'_>, area: Rect, line: &IncidentLine, view: &View<'_>) -> usize {
        let heading = format!("incident {}", line.id);
        pen.line(0, area.y, area.width, &rule(&heading, area.width));
        let mut lines = vec![
            format!("since {}; {}", times::moment(line.since, view.now), reach_words(line)),
            had_words(line, view.now),
        ];
        let why = wrap(line.why.as_str(), area.width.saturating_sub(2));
        lines.splice(0..0, why.into_iter().take(usize::from(PEEK) - 3));
        for (y, text) in (area.y + 1..area.bottom()).zip(&lines) {
            pen.text(1, y, area.width.saturating_sub(2), text, Role::Text);
        }
        lines.len()
    }
}

fn in_a_line(line: &IncidentLine, is_chosen: bool, (room, view): (u16, &View<'_>)) -> Line {
    let (letter, role) = mark(line);
    let name = if is_chosen { Role::Selected } else { Role::Text };
    let is_open = line.state.ended_at().is_none();
    let until = line.state.ended_at().unwrap_or(view.now);
    let age = times::age(line.since, until);
    let head = Line::of(format!("{:>5} ", line.id), Role::Quiet)
        .and(format!("{letter} "), role)
        .and(format!("{age:<5} "), if is_open { role } else { Role::Quiet });
    if room < NARROW {
        return head.and(line.title.as_str(), name);
    }
    let right = if is_open && line.quiet_since.is_none() {
        format!("{:>5} {:<8} {}", line.schools, schools(line), short_had(line, view))
    } else {
        stands_words(line, view.now)
    };
    let place = room.saturating_sub(14 + 32).min(90);
    let title = cut(line.title.as_str(), place);
    let pad = usize::from(place).saturating_sub(usize::from(crate::tui::widgets::width(&title)));
    let right_role = if is_open { Role::Text } else { Role::Quiet };
    head.and(title, name).and(" ".repeat(pad + 1), Role::Text).and(right, right_role)
}

fn schools(line: &IncidentLine) -> &'static str {
    if line.schools == 1 { "school" } else { "schools" }
}

fn short_had(line: &IncidentLine, view: &View<'_>) -> String {
    let until = line.had.handling.as_ref().and_then(|h| h.until);
    let until = until.map(|at| format!(" {}", times::moment(at, view.now))).unwrap_or_default();
    match (line.had.nobody, line.had.by.as_slice()) {
        (_, []) => "nobody".to_owned(),
        (0, [one]) => format!("{one}{until}"),
        (0, many) => format!("{} people{until}", many.len()),
        (free, [one]) => format!("{one}, {free} nobody"),
        (free, many) => format!("{} people, {free} nobody", many.len()),
    }
}
