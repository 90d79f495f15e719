//! The console as a value: inputs, wire events and time go in; frames and effects come out.
//!
//! Does no IO except reading theme files. Invariant: drawing takes `&self`; [`Console::generation`]
//! grows whenever a frame could look different, and only then.

mod acting;
mod days;
mod draw;
mod hand;
mod incidents;
mod looks;
mod past;
mod replay;
mod time;
mod undo;
mod wire;

use std::time::Duration;

use jiff::Timestamp;

use self::undo::Taken;
use crate::config::ViewSettings;
use crate::tui::keymap::{BINDINGS, Chord, Command, Facts, Keymap, Scope};
use crate::tui::screens::board::BoardScreen;
use crate::tui::screens::help::HelpScreen;
use crate::tui::screens::page::PageScreen;
use crate::tui::screens::palette::PaletteScreen;
use crate::tui::screens::prompt::{FilterPrompt, understood};
use crate::tui::screens::{Act, Answer, Layer, View};
use crate::tui::state::{Acts, Alarms, BeatLine, DaysHeld, LineState, Looked, Pages, Rows};
use crate::tui::term::Input;
use crate::tui::theme::{Folder, Theme, ThemeError};
use crate::tui::times;
use crate::tui::wish::Wish;
use crate::wire::board::Row;
use crate::wire::desk::Handle;
use crate::wire::page::Refresh;

/// What the console wants done outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask the vendors again.
    Refresh(Refresh),
    /// Take cells in hand, or give them back.
    Handle(Handle),
    /// Ask something of the guard.
    Guard(Wish),
    /// Send a text to the clipboard.
    Copy(String),
    /// Call the operator, who may look elsewhere.
    Call(String),
    /// Write the whole screen again.
    Redraw,
    /// Stop the process.
    Suspend,
    /// End.
    Quit,
}

/// What a frame cost to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// Rows and lines that were built.
    pub rows: usize,
}

/// The console.
#[derive(Debug, Clone)]
pub struct Console {
    keymap: Keymap,
    themes: Folder,
    theme: Theme,
    rows: Option<Rows>,
    pages: Pages,
    days: DaysHeld,
    acts: Acts,
    alarms: Alarms,
    views: Vec<ViewSettings>,
    /// The line is slow: nothing is drawn for its looks alone.
    is_slow: bool,
    beat: BeatLine,
    board: BoardScreen,
    layers: Vec<Layer>,
    message: Option<String>,
    trouble: Option<String>,
    size: (u16, u16),
    now: Timestamp,
    line: LineState,
    last_key: Option<Duration>,
    /// What is new since somebody last looked.
    looked: Looked,
    /// Our monotonic clock, when it was last told.
    mono: Duration,
    /// What was last taken in hand here.
    taken: Option<Taken>,
    /// What a key was about when the last frame was written; none once a key moved on.
    seen: Option<hand::Seen>,
    /// The minute changed what a filter or a group lists, and keys came.
    relists: bool,
    /// What an undoing key said just now: once more does it.
    undoing: Option<String>,
    /// What is shown of times that run out to the second.
    timed: Option<(Option<String>, bool)>,
    /// Whether the board changed since incidents were read, and when they were.
    incidents: incidents::Reading,
    /// The present, while the past is shown.
    away: Option<past::Away>,
    /// The past moment that was asked for.
    asked_then: Option<Timestamp>,
    /// Of the past the guard tells nothing.
    no_acts: Acts,
    has_alternate: bool,
    interrupted: bool,
    generation: u64,
    effects: Vec<Effect>,
}

impl Console {
    /// A console that has heard nothing yet. `wall` is the time of day.
    ///
    /// # Errors
    /// When there is no such theme, or its file is bad.
    pub fn new(
        keymap: Keymap,
        mut themes: Folder,
        theme: &str,
        size: (u16, u16),
        wall: Timestamp,
    ) -> Result<Self, ThemeError> {
        let theme = themes.load(theme)?;
        let message = theme.faint();
        Ok(Self {
            keymap,
            themes,
            theme,
            rows: None,
            pages: Pages::default(),
            days: DaysHeld::default(),
            acts: Acts::default(),
            alarms: Alarms::default(),
            views: Vec::new(),
            is_slow: false,
            beat: BeatLine::default(),
            board: BoardScreen::default(),
            layers: Vec::new(),
            message,
            trouble: None,
            size,
            now: times::minute(wall),
            line: LineState::Waiting,
            last_key: None,
            looked: Looked::default(),
            mono: Duration::ZERO,
            taken: None,
            seen: None,
            relists: false,
            undoing: None,
            timed: None,
            incidents: incidents::Reading::default(),
            away: None,
            asked_then: None,
            no_acts: Acts::default(),
            has_alternate: true,
            interrupted: false,
            generation: 1,
            effects: Vec::new(),
        })
    }

    /// Grows whenever a frame could look different.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// What is wanted outside, since this was last asked.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    fn touch(&mut self) {
        self.generation += 1;
        self.board.settle(self.size);
    }

    fn scope(&self) -> Scope {
        self.layers.last().map_or(Scope::Board, Layer::scope)
    }

    /// The row that is looked at: that of the page or of the cursor.
    fn looked_at(&self) -> Option<Row> {
        let page = self.layers.iter().rev().find_map(|l| match l {
            Layer::Page(page) => Some(page.row()),
            Layer::Evidence(pane) => Some(pane.row()),
            _ => None,
        });
        page.or_else(|| self.board.row())
    }

    /// The row whose page should be asked for now.
    #[must_use]
    pub fn wanted(&self) -> Option<Row> {
        self.rows.as_ref()?;
        self.looked_at().filter(|row| self.pages.is_wanted(*row))
    }

    fn facts(&self) -> Facts {
        let row = self.looked_at();
        Facts {
            has_board: self.rows.is_some(),
            has_row: self.rows.as_ref().is_some_and(|r| !r.is_empty()) || row.is_some(),
            connected: self.is_known() && self.rows.is_some(),
            has_sentence: self.away.is_none()
                && self.replay().is_none()
                && row.is_some_and(|r| self.pages.page(r).is_some()),
            can_clear: self.board.can_clear() && self.away.is_none(),
            in_past: self.away.is_some(),
            in_replay: self.replay().is_some(),
            has_cell: row.is_some() || !self.board.marks().is_empty(),
            in_training: self.rows.as_ref().is_some_and(|rows| rows.agent.training),
        }
    }

    /// Whether a board has come.
    pub(super) fn has_board(&self) -> bool {
        self.rows.is_some()
    }

    fn is_known(&self) -> bool {
        !matches!(self.line, LineState::Offline(_))
    }

    fn view<'a>(&'a self, facts: &'a Facts) -> View<'a> {
        View {
            rows: self.rows.as_ref(),
            pages: &self.pages,
            days: &self.days,
            acts: if self.away.is_some() || self.replay().is_some() {
                &self.no_acts
            } else {
                &self.acts
            },
            keymap: &self.keymap,
            views: &self.views,
            facts,
            now: self.moment(),
            present: self.now,
            clock: self
                .past_moment()
                .or_else(|| self.beat.agent_now(self.mono))
                .unwrap_or(self.now),
            mono: self.mono,
            is_demo: self.rows.as_ref().is_some_and(|rows| rows.agent.demo),
            has_alternate: self.has_alternate,
            // What was is known, whether or not the line lives.
            is_known: self.is_known() || self.away.is_some(),
            looked: &self.looked,
            past: self.past(),
            size: self.size,
        }
    }

    // ---- input

    /// Takes one input at `mono`.
    pub fn input(&mut self, input: Input, mono: Duration) {
        self.mono = mono;
        match input {
            Input::Resize(columns, rows) => {
                self.size = (columns, rows);
                self.touch();
            }
            Input::Paste(text) => match self.layers.last_mut() {
                // Not into a confirmation.
                Some(Layer::Plan(plan)) => {
                    plan.pasted();
                    self.touch();
                }
                // Pasted text runs no command: a layer with a text field takes it, others pass.
                _ => self.typed(&text),
            },
            Input::Focus => self.came_to_front(),
            Input::Mouse => {
                if let Some(Layer::Plan(plan)) = self.layers.last_mut() {
                    plan.moused();
                    self.touch();
                }
            }
            Input::Key(chord) => self.key(chord, false),
            Input::Along(chord) => self.key(chord, true),
        }
    }

    fn key(&mut self, chord: Chord, along: bool) {
        self.last_key = Some(self.mono);
        self.looks();
        self.message = None;
        let command = self.keymap.command(self.scope(), chord);
        if command != Some(Command::Interrupt) {
            self.interrupted = false;
        }
        if !self.is_aimed(command) {
            self.seen = None;
        }
        let undoing = self.undoing.take();
        if self.takes(chord, command, along) {
            match (command, chord.printable()) {
                (Some(command), _) if self.says_first(command, chord, undoing.as_ref()) => {}
                (Some(Command::SavedView), _) => {
                    self.saved_view(self.keymap.place(self.scope(), chord))
                }
                (Some(command), _) => self.run(command),
                (None, Some(c)) if self.scope().is_typed_in() => {
                    self.typed(c.encode_utf8(&mut [0; 4]));
                }
                _ => {}
            }
        }
        if !matches!(self.layers.last(), Some(Layer::Palette(_))) {
            self.seen = None;
        }
        self.touch();
    }

    fn typed(&mut self, text: &str) {
        let Some(mut layer) = self.layers.pop() else { return };
        let facts = self.facts();
        let answer = layer.typed(text, &self.view(&facts));
        self.layers.push(layer);
        self.answered(answer);
        self.touch();
    }

    /// Runs a command in the place on top, if it applies.
    fn run(&mut self, command: Command) {
        let scope = self.scope();
        if command == Command::Clear && self.travel(command) {
            return;
        }
        let binding = BINDINGS.iter().find(|b| b.command == command && b.scopes.contains(&scope));
        if let Some(why) = binding.and_then(|b| (b.why_not)(&self.facts())) {
            self.message = Some(format!("not now: {why}"));
            return;
        }
        if matches!(self.layers.last(), Some(Layer::Secret(_))) && !leaves_a_secret(command) {
            return;
        }
        let facts = self.facts();
        match command {
            Command::Quit => self.effects.push(Effect::Quit),
            Command::Redraw => self.effects.push(Effect::Redraw),
            Command::Suspend => {
                // Whoever comes back to it later may be somebody else.
                self.forget();
                self.effects.push(Effect::Suspend);
            }
            Command::Interrupt if scope == Scope::Board => self.interrupt(),
            Command::Interrupt if !scope.is_typed_in() => self.run(Command::Back),
            Command::Help => self.layers.push(Layer::Help(HelpScreen::new(scope))),
            Command::Palette => {
                let palette = PaletteScreen::new(scope, "", &self.view(&facts));
                self.layers.push(Layer::Palette(palette));
            }
            Command::OpenByName | Command::Views | Command::Groups => {
                let begins = match command {
                    Command::Views => "view ",
                    Command::Groups => "group ",
                    _ => "school ",
                };
                let palette = PaletteScreen::new(scope, begins, &self.view(&facts));
                self.layers.push(Layer::Palette(palette));
            }
            Command::Act => self.act_on(),
            Command::Accounts => self.find_account(),
            Command::Approvals
            | Command::Look
            | Command::Expiring
            | Command::Statements
            | Command::Audit => self.open_list(command),
            Command::Training | Command::Hint | Command::Debrief => self.train(command),
            Command::Incidents => self.open_incidents(),
            Command::PauseReplay | Command::Faster | Command::Slower => self.wind(command),
            Command::Earlier | Command::Later if self.replay().is_some() => self.wind(command),
            Command::Time
            | Command::Earlier
            | Command::Later
            | Command::Handover
            | Command::Figures => {
                self.travel(command);
            }
            Command::Filter if scope == Scope::Board => {
                let prompt = FilterPrompt::new(self.board.typed());
                self.layers.push(Layer::Filter(prompt));
            }
            Command::Acknowledge
            | Command::Claim
            | Command::AcknowledgeWith
            | Command::AcknowledgeAsIs
            | Command::ClaimWith
            | Command::Downtime
            | Command::Note
            | Command::GiveBack
                if matches!(scope, Scope::Board | Scope::Page) =>
            {
                self.hand(command);
            }
            _ => self.dispatch(command),
        }
    }

    fn dispatch(&mut self, command: Command) {
        let facts = self.facts();
        if let Some(mut layer) = self.layers.pop() {
            let answer = layer.command(command, &self.view(&facts));
            self.layers.push(layer);
            self.answered(answer);
            return;
        }
        let sorts = matches!(
            command,
            Command::NextTrouble | Command::PreviousTrouble | Command::Top | Command::Refresh
        );
        if sorts {
            self.sort();
        }
        let mut board = std::mem::take(&mut self.board);
        let answer = board.command(command, &self.view(&facts));
        self.board = board;
        self.answered(answer);
    }

    fn interrupt(&mut self) {
        if self.interrupted {
            self.effects.push(Effect::Quit);
        } else {
            self.interrupted = true;
            self.message = Some("once more ends the console".to_owned());
        }
    }

    fn answered(&mut self, answer: Answer) {
        let Answer::Wants(acts) = answer else { return };
        for act in acts {
            self.act(act);
        }
    }

    fn act(&mut self, act: Act) {
        if let Some(why) = self.forbidden(&act) {
            self.message = Some(format!("not now: {why}"));
            return;
        }
        match act {
            Act::Then(at) => self.ask_then(at),
            Act::Open(layer) => {
                if let Layer::Page(page) = &layer {
                    self.looked.opened(page.row());
                }
                self.layers.push(layer);
            }
            Act::Close => {
                if matches!(self.layers.pop(), Some(Layer::When(_))) {
                    self.asked_then = None;
                }
            }
            Act::Page(row) => self.open_page(row),
            Act::Filter(text) => self.filter(&text),
            Act::Theme(name) => match self.themes.load(&name) {
                Ok(theme) => {
                    self.message = Some(theme.faint().unwrap_or_else(|| format!("theme {name}")));
                    self.wear(theme);
                }
                Err(error) => self.message = Some(error.to_string()),
            },
            Act::Run(command) => self.run(command),
            Act::View(view) => self.show_view(view),
            Act::Keep(name) => self.keep_view(&name),
            Act::Group(by) => self.group(by),
            Act::Refresh(what) => self.effects.push(Effect::Refresh(what)),
            Act::Handle(what) => self.effects.push(Effect::Handle(what)),
            Act::Guard(wish) => self.effects.push(Effect::Guard(wish)),
            Act::ReadActs => {
                self.acts.outdate();
                self.message = Some("reading again ...".to_owned());
            }
            Act::Copy(text) => {
                self.message = Some(format!("sent to the terminal: {text}"));
                self.effects.push(Effect::Copy(text));
            }
            Act::Say(text) => self.message = Some(text),
        }
    }

    fn open_page(&mut self, row: Row) {
        self.looked.opened(row);
        self.board.point_at(row, self.rows.as_ref());
        let column =
            self.rows.as_ref().map_or(0, |rows| crate::tui::state::worst_column(rows.cells(row)));
        let page = Layer::Page(PageScreen::new(row, column));
        match self.layers.last_mut() {
            Some(top @ Layer::Page(_)) => *top = page,
            _ => self.layers.push(page),
        }
    }

    /// Sets the board's filter. While a last term is not understood, those before it hold.
    fn filter(&mut self, text: &str) {
        let facts = self.facts();
        let (mut applied, mut read) = (text, understood(text, &self.view(&facts)));
        if let Err(error) = &read {
            if !matches!(self.layers.last(), Some(Layer::Filter(_))) {
                self.message = Some(error.to_string());
                return;
            }
            applied = text.rsplit_once(' ').map_or("", |(before, _)| before);
            read = understood(applied, &self.view(&facts));
        }
        if let Ok(filter) = read {
            let moment = self.moment();
            self.board.set_filter(filter, applied, self.rows.as_ref(), moment);
        }
    }

    fn sort(&mut self) {
        self.relists = false;
        if let Some(rows) = &mut self.rows {
            rows.sort();
        }
        let moment = self.moment();
        self.board.list(self.rows.as_ref(), moment);
    }
}

/// What may be done while a password is shown: nothing but leaving it.
fn leaves_a_secret(command: Command) -> bool {
    matches!(command, Command::Back | Command::Interrupt | Command::Suspend)
}
