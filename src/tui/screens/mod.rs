//! The screens. A layer takes a command and answers: done, not mine, or what it wants done.
//!
//! Invariant: drawing takes `&self`, never waits, and builds only what is visible.

pub mod account;
pub mod act;
pub mod approvals;
pub mod audit;
pub mod board;
pub mod evidence;
pub mod expiring;
pub mod hand;
pub mod help;
pub mod incident;
pub mod incident_word;
pub mod incidents;
pub(super) mod likewise;
pub mod look;
pub mod page;
pub mod palette;
pub mod prompt;
pub mod report;
pub mod statements;
mod told;
pub mod training;
pub mod when;
pub mod word;

use std::time::Duration;

use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::config::{GroupBy, ViewSettings};
use crate::tui::keymap::{Command, Facts, Keymap, Scope};
use crate::tui::state::{Acts, DaysHeld, Looked, Pages, Rows};
use crate::tui::theme::Role;
use crate::tui::widgets::{Line, Pen, hints, wrap};
use crate::tui::wish::{Heard, Wish};
use crate::wire::board::Row;
use crate::wire::desk::Handle;
use crate::wire::page::Refresh;
use crate::wire::past::Past;

/// What every screen may look at.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The board, once it has come.
    pub rows: Option<&'a Rows>,
    /// Pages that were read.
    pub pages: &'a Pages,
    /// The last days of rows of the board.
    pub days: &'a DaysHeld,
    /// What the guard told.
    pub acts: &'a Acts,
    /// The keymap.
    pub keymap: &'a Keymap,
    /// Views, the configuration's and those that were kept.
    pub views: &'a [ViewSettings],
    /// What decides whether a command applies.
    pub facts: &'a Facts,
    /// The moment that is shown, at the minute: the agent's clock, or a past one.
    pub now: Timestamp,
    /// The agent's clock at the minute, also while the past is shown.
    pub present: Timestamp,
    /// The agent's clock to the second, for what runs out.
    pub clock: Timestamp,
    /// Our monotonic clock.
    pub mono: Duration,
    /// Nothing here is real.
    pub is_demo: bool,
    /// The terminal has a second screen, which is left empty; one without keeps what it shows.
    pub has_alternate: bool,
    /// The line to the agent lives, or is only late.
    pub is_known: bool,
    /// What became worse while nobody looked.
    pub looked: &'a Looked,
    /// What is shown is the past: what the agent said of it.
    pub past: Option<&'a Past>,
    /// Size of the screen: columns and rows.
    pub size: (u16, u16),
}

/// What a layer wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// A layer on top.
    Open(Layer),
    /// This layer goes.
    Close,
    /// Another row on the page that is open, or a new page.
    Page(Row),
    /// A filter for the board, as typed.
    Filter(String),
    /// A theme by name.
    Theme(String),
    /// A view: filter and groups under a name.
    View(ViewSettings),
    /// What is shown now is kept as a view of this name, while the console runs.
    Keep(String),
    /// What schools are put together by.
    Group(GroupBy),
    /// A command, as if its key had been pressed below.
    Run(Command),
    /// The vendors are asked again.
    Refresh(Refresh),
    /// Cells are taken in hand, or given back.
    Handle(Handle),
    /// Something is asked of the guard.
    Guard(Wish),
    /// What the guard tells is read again.
    ReadActs,
    /// A text for the clipboard.
    Copy(String),
    /// The board at a past moment.
    Then(Timestamp),
    /// A message.
    Say(String),
}

/// The answer of a layer.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Done.
    Consumed,
    /// Not mine.
    Pass,
    /// Done, and this is wanted, in order.
    Wants(Vec<Act>),
}

/// A screen that lies over the board.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// A school or the estate.
    Page(page::PageScreen),
    /// The evidence of one service.
    Evidence(evidence::EvidenceScreen),
    /// The keys of the place below.
    Help(help::HelpScreen),
    /// Commands by name.
    Palette(palette::PaletteScreen),
    /// The filter's prompt.
    Filter(prompt::FilterPrompt),
    /// The prompt of a downtime or a note.
    Hand(hand::HandPrompt),
    /// The menu of actions.
    Menu(act::menu::MenuScreen),
    /// Accounts of a school by a part of a name.
    Find(Box<account::FindScreen>),
    /// How one account stands.
    Account(Box<account::AccountScreen>),
    /// What an action needs to know.
    Form(Box<act::form::FormScreen>),
    /// A plan and its confirmation.
    Plan(Box<act::plan::PlanScreen>),
    /// What became of a plan.
    Run(Box<act::run::RunScreen>),
    /// A password, once.
    Secret(Box<act::secret::SecretScreen>),
    /// Plans that wait for a second person.
    Approvals(approvals::ApprovalsScreen),
    /// Open actions.
    Look(look::LookScreen),
    /// One of them.
    Action(look::ActionScreen),
    /// What runs out next.
    Expiring(expiring::ExpiringScreen),
    /// What others have stated about personal data.
    Statements(statements::StatementsScreen),
    /// The training that runs.
    Training(Box<training::TrainingScreen>),
    /// What is broken.
    Incidents(incidents::IncidentsScreen),
    /// One incident.
    Incident(Box<incident::IncidentScreen>),
    /// The line of a note, a merge, a split, a resolution.
    IncidentWord(Box<incident_word::IncidentWord>),
    /// The audit.
    Audit(Box<audit::AuditScreen>),
    /// Its filter.
    AuditFilter(audit::AuditFilter),
    /// One entry of it.
    Entry(Box<audit::EntryScreen>),
    /// A line that is asked for before something is recorded.
    Word(word::WordPrompt),
    /// The prompt of a past moment.
    When(when::WhenPrompt),
    /// Two moments compared, or what is handed over.
    Report(Box<report::ReportScreen>),
}

impl Layer {
    /// Which keys it has.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::Page(_) => Scope::Page,
            Self::Evidence(_)
            | Self::Run(_)
            | Self::Secret(_)
            | Self::Statements(_)
            | Self::Training(_)
            | Self::Report(_) => Scope::Text,
            Self::Plan(_) => Scope::Confirm,
            Self::Account(_) => Scope::Account,
            Self::Find(screen) if screen.is_listing() => Scope::Found,
            Self::Approvals(_) => Scope::Approvals,
            Self::Look(_) | Self::Action(_) => Scope::Look,
            Self::Expiring(_) => Scope::Expiring,
            Self::Incidents(_) => Scope::Incidents,
            Self::Incident(_) => Scope::Incident,
            Self::Audit(_) | Self::Entry(_) => Scope::Audit,
            Self::Help(_)
            | Self::Palette(_)
            | Self::Filter(_)
            | Self::Hand(_)
            | Self::Menu(_)
            | Self::Form(_)
            | Self::Find(_)
            | Self::AuditFilter(_)
            | Self::IncidentWord(_)
            | Self::Word(_)
            | Self::When(_) => Scope::Prompt,
        }
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        match self {
            Self::Page(screen) => screen.command(command, view),
            Self::Evidence(screen) => screen.command(command, view),
            Self::Help(screen) => screen.command(command, view),
            Self::Palette(screen) => screen.command(command, view),
            Self::Filter(screen) => screen.command(command),
            Self::Hand(screen) => screen.command(command, view),
            Self::Menu(screen) => screen.command(command, view),
            Self::Form(screen) => screen.command(command, view),
            Self::Find(screen) => screen.command(command),
            Self::Account(screen) => screen.command(command, view),
            Self::Plan(screen) => screen.command(command, view),
            Self::Run(screen) => screen.command(command, view),
            Self::Secret(screen) => screen.command(command),
            Self::Approvals(screen) => screen.command(command, view),
            Self::Look(screen) => screen.command(command, view),
            Self::Action(screen) => screen.command(command, view),
            Self::Expiring(screen) => screen.command(command, view),
            Self::Statements(screen) => screen.command(command, view),
            Self::Training(screen) => screen.command(command, view),
            Self::Incidents(screen) => screen.command(command, view),
            Self::Incident(screen) => screen.command(command, view),
            Self::IncidentWord(screen) => screen.command(command),
            Self::Audit(screen) => screen.command(command, view),
            Self::AuditFilter(screen) => screen.command(command, view),
            Self::Entry(screen) => screen.command(command, view),
            Self::Word(screen) => screen.command(command),
            Self::When(screen) => screen.command(command, view),
            Self::Report(screen) => screen.command(command, view),
        }
    }

    /// Takes typed or pasted text.
    pub fn typed(&mut self, text: &str, view: &View<'_>) -> Answer {
        match self {
            Self::Help(screen) => screen.typed(text),
            Self::Palette(screen) => screen.typed(text, view),
            Self::Filter(screen) => screen.typed(text),
            Self::Hand(screen) => screen.typed(text),
            Self::Menu(screen) => screen.typed(text),
            Self::Form(screen) => screen.typed(text),
            Self::Find(screen) => screen.typed(text),
            Self::Plan(screen) => screen.typed(text),
            Self::AuditFilter(screen) => screen.typed(text),
            Self::IncidentWord(screen) => screen.typed(text),
            Self::Word(screen) => screen.typed(text),
            Self::When(screen) => screen.typed(text),
            Self::Page(_)
            | Self::Evidence(_)
            | Self::Run(_)
            | Self::Secret(_)
            | Self::Approvals(_)
            | Self::Look(_)
            | Self::Action(_)
            | Self::Expiring(_)
            | Self::Statements(_)
            | Self::Training(_)
            | Self::Incidents(_)
            | Self::Incident(_)
            | Self::Audit(_)
            | Self::Account(_)
            | Self::Entry(_)
            | Self::Report(_) => Answer::Pass,
        }
    }

    /// Whether its own things can be undone here.
    #[must_use]
    pub fn undoes(&self) -> bool {
        matches!(self, Self::Approvals(_) | Self::Incidents(_) | Self::Incident(_))
    }

    /// What undoing would undo here, as `takes back ..`; none if there is nothing.
    #[must_use]
    pub fn undo_words(&self, view: &View<'_>) -> Option<String> {
        match self {
            Self::Approvals(screen) => screen.undo_words(view),
            Self::Incidents(screen) => screen.chosen().map(incident::undo_words),
            Self::Incident(screen) => screen.line().map(incident::undo_words),
            _ => None,
        }
    }

    /// Takes what came of a wish, if this layer waits for it.
    pub fn heard(&mut self, heard: &Heard) {
        match (self, heard) {
            (Self::Find(screen), Heard::Found { asked, answer }) => {
                screen.heard(asked, answer.clone());
            }
            (Self::Account(screen), Heard::Account { asked, answer }) => {
                screen.heard(asked, answer.clone());
            }
            (Self::Incidents(screen), Heard::Incidents(answer)) => screen.heard(answer.clone()),
            (Self::Incident(screen), Heard::Incident { id, answer }) => {
                screen.heard(*id, answer.clone());
            }
            (Self::Audit(screen), Heard::Audit { query, answer }) => {
                screen.heard(query, answer.clone());
            }
            (Self::Training(screen), Heard::Training(answer)) => screen.heard(answer.clone()),
            (Self::Report(screen), heard) => screen.heard(heard),
            (Self::Entry(screen), Heard::Entry { number, answer }) => {
                screen.heard(*number, answer.clone());
            }
            _ => {}
        }
    }

    /// Whether the whole screen is covered, so that what lies below need not be drawn.
    #[must_use]
    pub fn covers(&self) -> bool {
        !matches!(
            self,
            Self::Palette(_)
                | Self::Filter(_)
                | Self::Hand(_)
                | Self::Menu(_)
                | Self::AuditFilter(_)
                | Self::IncidentWord(_)
                | Self::Word(_)
                | Self::When(_)
        )
    }

    /// Draws below line 1. Gives the number of rows built.
    pub fn draw(&self, pen: &mut Pen<'_>, view: &View<'_>) -> usize {
        let (columns, rows) = view.size;
        let area = Rect::new(0, 1, columns, rows.saturating_sub(1));
        match self {
            Self::Page(screen) => screen.draw(pen, area, view),
            Self::Evidence(screen) => screen.draw(pen, area, view),
            Self::Help(screen) => screen.draw(pen, area, view),
            Self::Palette(screen) => screen.draw(pen, view),
            Self::Filter(screen) => screen.draw(pen, view),
            Self::Hand(screen) => screen.draw(pen, view),
            Self::Menu(screen) => screen.draw(pen, view),
            Self::Form(screen) => screen.draw(pen, area, view),
            Self::Find(screen) => screen.draw(pen, area, view),
            Self::Account(screen) => screen.draw(pen, area, view),
            Self::Plan(screen) => screen.draw(pen, area, view),
            Self::Run(screen) => screen.draw(pen, area, view),
            Self::Secret(screen) => screen.draw(pen, area, view),
            Self::Approvals(screen) => screen.draw(pen, area, view),
            Self::Look(screen) => screen.draw(pen, area, view),
            Self::Action(screen) => screen.draw(pen, area, view),
            Self::Expiring(screen) => screen.draw(pen, area, view),
            Self::Statements(screen) => screen.draw(pen, area, view),
            Self::Training(screen) => screen.draw(pen, area, view),
            Self::Incidents(screen) => screen.draw(pen, area, view),
            Self::Incident(screen) => screen.draw(pen, area, view),
            Self::IncidentWord(screen) => screen.draw(pen, view),
            Self::Audit(screen) => screen.draw(pen, area, view),
            Self::AuditFilter(screen) => screen.draw(pen, view),
            Self::Entry(screen) => screen.draw(pen, area, view),
            Self::Word(screen) => screen.draw(pen, view),
            Self::When(screen) => screen.draw(pen, view),
            Self::Report(screen) => screen.draw(pen, area, view),
        }
    }

    /// Its part of line 1's path.
    #[must_use]
    pub fn path(&self, view: &View<'_>) -> Option<String> {
        let plain = |text: &str| Some(text.to_owned());
        match self {
            Self::Page(screen) => Some(row_name(screen.row(), view.rows)),
            Self::Evidence(screen) => Some(screen.title(view)),
            Self::Help(_) => plain("keys"),
            Self::Form(_) => plain("act"),
            Self::Find(_) => plain("sign-in"),
            Self::Account(_) => plain("account"),
            Self::Plan(_) => plain("plan"),
            Self::Run(_) => plain("outcome"),
            Self::Secret(_) => plain("password"),
            Self::Approvals(_) => plain("approvals"),
            Self::Look(_) => plain("open actions"),
            Self::Action(_) => plain("action"),
            Self::Expiring(_) => plain("runs out"),
            Self::Statements(_) => plain("statements"),
            Self::Training(screen) => plain(screen.title()),
            Self::Incidents(_) => plain("incidents"),
            Self::Incident(screen) => Some(format!("incident {}", screen.id())),
            Self::Audit(_) => plain("audit"),
            Self::Entry(_) => plain("entry"),
            Self::Report(screen) => plain(screen.title()),
            Self::Palette(_)
            | Self::Filter(_)
            | Self::Hand(_)
            | Self::Menu(_)
            | Self::AuditFilter(_)
            | Self::IncidentWord(_)
            | Self::Word(_)
            | Self::When(_) => None,
        }
    }
}

/// The name of a row.
#[must_use]
pub fn row_name(row: Row, rows: Option<&Rows>) -> String {
    match row {
        Row::Estate => "whole estate".to_owned(),
        Row::School(laestab) => rows
            .and_then(|r| r.by_laestab(laestab))
            .map_or_else(|| laestab.spaced(), |s| s.name.as_str().to_owned()),
    }
}

/// Draws lines from `scroll` on and tells, at the end, how many are left out.
fn scrolled(pen: &mut Pen<'_>, area: Rect, lines: &[Line], scroll: usize) -> usize {
    let room = usize::from(area.height);
    let mut built = 0;
    for (y, line) in (area.y..area.bottom()).zip(lines.iter().skip(scroll)) {
        pen.line(area.x, y, area.width, line);
        built += 1;
    }
    let left = lines.len().saturating_sub(scroll).saturating_sub(room);
    if left > 0 && area.height > 1 {
        let y = area.bottom() - 1;
        pen.blank(Rect::new(area.x, y, area.width, 1));
        let more = format!(" ... {} more lines", left + 1);
        pen.text(area.x, y, area.width, &more, Role::Quiet);
    }
    built
}

/// Takes a command of a text that fills the screen: back, or a move through its `len` lines.
fn read_on(command: Command, scroll: &mut usize, len: usize, view: &View<'_>) -> Answer {
    if command == Command::Back {
        return Answer::Wants(vec![Act::Close]);
    }
    scroll_on(command, scroll, len, usize::from(view.size.1.saturating_sub(3)))
}

/// Draws a text that fills the screen, and its hints below.
fn draw_text(
    pen: &mut Pen<'_>,
    area: Rect,
    lines: &[Line],
    scroll: usize,
    view: &View<'_>,
) -> usize {
    let text = Rect { height: area.height.saturating_sub(2), ..area };
    let built = scrolled(pen, text, lines, scroll);
    let at = (area.x, area.bottom().saturating_sub(1), area.width, 1);
    hints(pen, at, view.keymap, Scope::Text, view.facts);
    built
}

/// Adds `text`, wrapped, behind `indent` columns.
fn say(lines: &mut Vec<Line>, text: &str, role: Role, (indent, room): (u16, u16)) {
    let before = " ".repeat(usize::from(indent));
    for part in wrap(text, room.saturating_sub(indent)) {
        lines.push(Line::of(format!("{before}{part}"), role));
    }
}

/// Moves `scroll` for a text of `len` lines in `room`, where the command is one that moves.
fn scroll_on(command: Command, scroll: &mut usize, len: usize, room: usize) -> Answer {
    match scroll_by(command, *scroll, len, room) {
        Some(to) => {
            *scroll = to;
            Answer::Consumed
        }
        None => Answer::Pass,
    }
}

/// Where a command moves a scroll position to, for a text of `len` lines in `room`.
fn scroll_by(command: Command, scroll: usize, len: usize, room: usize) -> Option<usize> {
    moved(command, scroll, (len.saturating_sub(room), room))
}

/// Where a command moves a cursor or a scroll position to, that ends at `last`; a screenful is `room`.
fn moved(command: Command, at: usize, (last, room): (usize, usize)) -> Option<usize> {
    let to = match command {
        Command::Down => at + 1,
        Command::Up => at.saturating_sub(1),
        Command::PageDown => at + room.max(1),
        Command::PageUp => at.saturating_sub(room.max(1)),
        Command::HalfDown => at + (room / 2).max(1),
        Command::HalfUp => at.saturating_sub((room / 2).max(1)),
        Command::Top => 0,
        Command::Bottom => last,
        _ => return None,
    };
    Some(to.min(last))
}
