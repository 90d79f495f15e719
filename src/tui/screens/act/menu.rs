//! The menu of actions, by name: only what fits the place; what is closed is grey and says why. At its
//! end, tickets that stand here, to say of one that it is over.

use ratatui::layout::Rect;

use super::Aimed;
use super::form::FormScreen;
use crate::tui::keymap::Command;
use crate::tui::screens::prompt::{Typing, typing};
use crate::tui::screens::word::WordPrompt;
use crate::tui::screens::{Act, Answer, Layer, View};
use crate::tui::theme::Role;
use crate::tui::widgets::{Field, Line, Pen, rule, wrap};
use crate::wire::action::Possible;
use crate::wire::board::Row;
use crate::wire::{AimsAt, Ticket};

/// How many actions are shown at once.
const SHOWN: usize = 12;

/// A line of the menu.
#[derive(Clone)]
enum Choice<'a> {
    /// An action.
    Act(&'a Possible),
    /// A ticket that stands.
    Ticket(Ticket),
}

impl Choice<'_> {
    fn label(&self) -> String {
        match self {
            Self::Act(possible) => possible.label.to_string(),
            Self::Ticket(ticket) => format!("Close ticket {}", ticket.number),
        }
    }

    /// What stands beside the label.
    fn beside(&self) -> String {
        match self {
            Self::Act(possible) => match &possible.closed {
                Some(why) => format!("closed: {why}"),
                None => possible.action.to_string(),
            },
            Self::Ticket(ticket) => format!("raised by {}; nothing is sent", ticket.by),
        }
    }
}

/// The menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MenuScreen {
    aimed: Aimed,
    field: Field,
    chosen: usize,
}

impl MenuScreen {
    /// What can be done about `aimed`.
    #[must_use]
    pub fn new(aimed: Aimed) -> Self {
        Self { aimed, field: Field::default(), chosen: 0 }
    }

    fn fits(&self, possible: &Possible) -> bool {
        let on_estate = self.aimed.cells.iter().all(|cell| cell.row == Row::Estate);
        match possible.aims_at {
            AimsAt::Account if !self.aimed.accounts.is_empty() => true,
            _ if !self.aimed.accounts.is_empty() => false,
            AimsAt::Estate => on_estate,
            AimsAt::School | AimsAt::Cell => !on_estate,
            AimsAt::Account => !on_estate && self.aimed.cells.len() == 1,
        }
    }

    /// The tickets that stand about the cell.
    fn tickets(&self, view: &View<'_>) -> Vec<Ticket> {
        let ([cell], []) = (&self.aimed.cells[..], &self.aimed.accounts[..]) else {
            return Vec::new();
        };
        let page = view.pages.page(cell.row);
        let services = page.map_or(&[][..], |page| page.services.as_slice());
        let own = services.iter().filter(|view| view.service == cell.service);
        own.flat_map(|view| view.tickets.iter().cloned()).collect()
    }

    /// What fits the place and what is typed: first what belongs to the service under the cursor,
    /// then the desk's own, then the rest, then tickets.
    fn found<'a>(&self, view: &View<'a>) -> Vec<Choice<'a>> {
        let wanted = self.field.text().to_lowercase();
        let fits = |choice: &Choice<'_>| {
            let (label, id) = match choice {
                Choice::Act(possible) => (choice.label(), possible.action.as_str()),
                Choice::Ticket(_) => (choice.label(), ""),
            };
            let label = label.to_lowercase();
            wanted.split_whitespace().all(|word| label.contains(word) || id.contains(word))
        };
        let here = match self.aimed.cells.as_slice() {
            [cell] => cell.service.as_str(),
            _ => "",
        };
        let all = view.acts.page().map_or(&[][..], |page| page.possible.as_slice());
        let mut found: Vec<&Possible> = all.iter().filter(|possible| self.fits(possible)).collect();
        found.sort_by_key(|possible| match possible.action.service() {
            service if service == here => 0,
            "desk" => 1,
            _ => 2,
        });
        let tickets = self.tickets(view).into_iter().map(Choice::Ticket);
        found.into_iter().map(Choice::Act).chain(tickets).filter(fits).collect()
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        match typing(&mut self.field, command) {
            Typing::Left => return Answer::Wants(vec![Act::Close]),
            Typing::Changed => {
                self.chosen = 0;
                return Answer::Consumed;
            }
            Typing::Same => return Answer::Consumed,
            Typing::Done | Typing::Other => {}
        }
        let found = self.found(view);
        match command {
            Command::NextCandidate | Command::Complete => {
                self.chosen = (self.chosen + 1).min(found.len().saturating_sub(1));
            }
            Command::PreviousCandidate => self.chosen = self.chosen.saturating_sub(1),
            Command::Accept => return self.accept(&found),
            _ => return Answer::Pass,
        }
        Answer::Consumed
    }

    fn accept(&self, found: &[Choice<'_>]) -> Answer {
        let possible = match found.get(self.chosen) {
            None => return Answer::Consumed,
            Some(Choice::Ticket(ticket)) => {
                let what = format!("ticket {}", ticket.number);
                let prompt = WordPrompt::close_ticket(ticket.key.clone(), what);
                return Answer::Wants(vec![Act::Close, Act::Open(Layer::Word(prompt))]);
            }
            Some(Choice::Act(possible)) => *possible,
        };
        if let Some(why) = &possible.closed {
            return Answer::Wants(vec![Act::Say(format!("not open to you: {why}"))]);
        }
        let form = FormScreen::new(possible, self.aimed.clone());
        Answer::Wants(vec![Act::Open(Layer::Form(Box::new(form)))])
    }

    /// Takes text.
    pub fn typed(&mut self, text: &str) -> Answer {
        self.field.insert(text);
        self.chosen = 0;
        Answer::Consumed
    }

    /// Why there is nothing to choose from.
    fn nothing(&self, view: &View<'_>) -> String {
        let Some(page) = view.acts.page() else {
            return match view.acts.error() {
                Some(why) => format!("the agent does not tell what is possible: {why}"),
                None => "asking the agent what is possible ...".to_owned(),
            };
        };
        if let Some(trouble) = &page.trouble {
            return format!("no action is possible here: {trouble}");
        }
        if page.possible.is_empty() {
            return "no action is possible here: no service of this configuration brings one"
                .to_owned();
        }
        if self.field.text().is_empty() {
            return "no action fits this place".to_owned();
        }
        "no action has these words".to_owned()
    }

    /// Draws the last lines: what can be done, then what is typed.
    pub fn draw(&self, pen: &mut Pen<'_>, view: &View<'_>) -> usize {
        let (columns, rows) = view.size;
        let found = self.found(view);
        let trouble = view.acts.page().and_then(|page| page.trouble.as_ref());
        let said = match trouble {
            Some(why) if !found.is_empty() => format!("no action is possible here: {why}"),
            _ if found.is_empty() => self.nothing(view),
            _ => String::new(),
        };
        let said = wrap(&said, columns.saturating_sub(5));
        let hidden = self.aimed.hidden_words(view).map(|words| format!("left out: {words}"));
        let room = usize::from(rows.saturating_sub(5)).saturating_sub(said.len());
        let shown = found.len().min(SHOWN).min(room.max(1));
        let from = (self.chosen + 1).saturating_sub(shown);
        let high = shown + said.len() + usize::from(hidden.is_some());
        let top = rows.saturating_sub(u16::try_from(high).unwrap_or(rows).saturating_add(3));
        pen.blank(Rect::new(0, top, columns, rows.saturating_sub(top)));
        let heading = format!("act on {}", self.aimed.words(view));
        pen.line(0, top, columns, &rule(&heading, columns));
        let mut y = top + 1;
        for text in said {
            pen.text(3, y, columns.saturating_sub(4), &text, Role::Message);
            y += 1;
        }
        if let Some(text) = hidden {
            pen.text(3, y, columns.saturating_sub(4), &text, Role::Message);
            y += 1;
        }
        for (n, choice) in found.iter().enumerate().skip(from).take(shown) {
            draw_one(pen, y, columns, choice, n == self.chosen);
            y += 1;
        }
        let line = self.field.after(Line::of(" act > ", Role::Key), columns);
        pen.line(0, rows.saturating_sub(2), columns, &line);
        let keys = |name: &str| first_key(view, name);
        let hint = Line::of(format!(" {}", keys("accept")), Role::Key)
            .and(" the choices; nothing is sent   ", Role::Quiet)
            .and(format!("{} {}", keys("previous_candidate"), keys("next_candidate")), Role::Key)
            .and(" choose   letters search   ", Role::Quiet)
            .and(keys("cancel"), Role::Key)
            .and(" back", Role::Quiet);
        pen.line(0, rows.saturating_sub(1), columns, &hint);
        shown
    }
}

fn draw_one(pen: &mut Pen<'_>, y: u16, columns: u16, choice: &Choice<'_>, is_chosen: bool) {
    pen.text(0, y, 1, if is_chosen { ">" } else { " " }, Role::Key);
    let name = (columns / 2).clamp(20, 44);
    let is_closed = matches!(choice, Choice::Act(possible) if possible.closed.is_some());
    let role = match (is_closed, is_chosen) {
        (true, _) => Role::NotTaken,
        (false, true) => Role::Selected,
        (false, false) => Role::Text,
    };
    pen.text(2, y, name, &choice.label(), role);
    let room = columns.saturating_sub(name + 4);
    pen.text(name + 3, y, room, &choice.beside(), Role::Quiet);
}

/// The first key of a row of the keymap, as shown.
pub(in crate::tui::screens) fn first_key(view: &View<'_>, name: &str) -> String {
    view.keymap.keys_of(name).split(' ').next().unwrap_or_default().to_owned()
}
