//! The console as a value: inputs, wire events and time go in; frames and effects come out.
//!
//! Does no IO except reading theme files. Invariant: drawing takes `&self`; [`Console::generation`]
//! grows whenever a frame could look different, and only then.

mod hand;

use std::time::Duration;

use jiff::Timestamp;
use ratatui::buffer::Buffer;

use crate::link::LinkEvent;
use crate::tui::keymap::{BINDINGS, Command, Facts, Keymap, Scope};
use crate::tui::screens::board::BoardScreen;
use crate::tui::screens::help::HelpScreen;
use crate::tui::screens::page::PageScreen;
use crate::tui::screens::palette::PaletteScreen;
use crate::tui::screens::prompt::{FilterPrompt, understood};
use crate::tui::screens::{Act, Answer, Layer, View};
use crate::tui::state::{BeatLine, LineState, Pages, Rows};
use crate::tui::term::Input;
use crate::tui::theme::{Folder, Role, Theme, ThemeError};
use crate::tui::times;
use crate::tui::widgets::{Pen, Place, line_one, wrap};
use crate::wire::board::{CellChange, Change, Row};
use crate::wire::desk::{CellName, Handle};
use crate::wire::page::{Page, Refresh, Refreshed};
use crate::wire::{Handling, Split};

/// Without a key for so long, the board sorts by itself.
const SORTS_AFTER: Duration = Duration::from_secs(10);

/// What the console wants done outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask the vendors again.
    Refresh(Refresh),
    /// Take cells in hand, or give them back.
    Handle(Handle),
    /// Send a text to the clipboard.
    Copy(String),
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
    beat: BeatLine,
    board: BoardScreen,
    layers: Vec<Layer>,
    message: Option<String>,
    trouble: Option<String>,
    size: (u16, u16),
    now: Timestamp,
    line: LineState,
    last_key: Option<Duration>,
    /// What was last taken in hand here.
    taken: Option<Vec<CellName>>,
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
        Ok(Self {
            keymap,
            themes,
            theme,
            rows: None,
            pages: Pages::default(),
            beat: BeatLine::default(),
            board: BoardScreen::default(),
            layers: Vec::new(),
            message: None,
            trouble: None,
            size,
            now: times::minute(wall),
            line: LineState::Waiting,
            last_key: None,
            taken: None,
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
            Layer::Help(_) | Layer::Palette(_) | Layer::Filter(_) | Layer::Hand(_) => None,
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
            has_sentence: row.is_some_and(|r| self.pages.page(r).is_some()),
            can_clear: self.board.can_clear(),
            has_cell: row.is_some() || !self.board.marks().is_empty(),
        }
    }

    fn is_known(&self) -> bool {
        !matches!(self.line, LineState::Offline(_))
    }

    fn view<'a>(&'a self, facts: &'a Facts) -> View<'a> {
        View {
            rows: self.rows.as_ref(),
            pages: &self.pages,
            keymap: &self.keymap,
            facts,
            now: self.now,
            is_known: self.is_known(),
            size: self.size,
        }
    }

    // ---- input

    /// Takes one input at `mono`.
    pub fn input(&mut self, input: Input, mono: Duration) {
        match input {
            Input::Resize(columns, rows) => {
                self.size = (columns, rows);
                self.touch();
            }
            // Pasted text runs no command: a layer with a text field takes it, others pass.
            Input::Paste(text) => self.typed(&text),
            Input::Key(chord) => {
                self.last_key = Some(mono);
                self.message = None;
                let command = self.keymap.command(self.scope(), chord);
                if command != Some(Command::Interrupt) {
                    self.interrupted = false;
                }
                match (command, chord.printable()) {
                    (Some(command), _) => self.run(command),
                    (None, Some(c)) if self.scope() == Scope::Prompt => {
                        self.typed(c.encode_utf8(&mut [0; 4]));
                    }
                    _ => {}
                }
                self.touch();
            }
        }
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
        let binding = BINDINGS.iter().find(|b| b.command == command && b.scopes.contains(&scope));
        if let Some(why) = binding.and_then(|b| (b.why_not)(&self.facts())) {
            self.message = Some(format!("not now: {why}"));
            return;
        }
        let facts = self.facts();
        match command {
            Command::Quit => self.effects.push(Effect::Quit),
            Command::Redraw => self.effects.push(Effect::Redraw),
            Command::Suspend => self.effects.push(Effect::Suspend),
            Command::Interrupt if scope == Scope::Board => self.interrupt(),
            Command::Interrupt if scope != Scope::Prompt => self.run(Command::Back),
            Command::Help => self.layers.push(Layer::Help(HelpScreen::new(scope))),
            Command::Palette => {
                let palette = PaletteScreen::new(scope, "", &self.view(&facts));
                self.layers.push(Layer::Palette(palette));
            }
            Command::OpenByName => {
                let palette = PaletteScreen::new(scope, "school ", &self.view(&facts));
                self.layers.push(Layer::Palette(palette));
            }
            Command::Filter => {
                let prompt = FilterPrompt::new(self.board.typed());
                self.layers.push(Layer::Filter(prompt));
            }
            Command::Acknowledge
            | Command::Claim
            | Command::Downtime
            | Command::Note
            | Command::GiveBack => self.hand(command),
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
        match act {
            Act::Open(layer) => self.layers.push(layer),
            Act::Close => {
                self.layers.pop();
            }
            Act::Page(row) => self.open_page(row),
            Act::Filter(text) => self.filter(&text),
            Act::Theme(name) => match self.themes.load(&name) {
                Ok(theme) => {
                    self.message = Some(format!("theme {name}"));
                    self.theme = theme;
                }
                Err(error) => self.message = Some(error.to_string()),
            },
            Act::Run(command) => self.run(command),
            Act::Refresh(what) => self.effects.push(Effect::Refresh(what)),
            Act::Handle(what) => self.effects.push(Effect::Handle(what)),
            Act::Copy(text) => {
                self.message = Some(format!("sent to the terminal: {text}"));
                self.effects.push(Effect::Copy(text));
            }
            Act::Say(text) => self.message = Some(text),
        }
    }

    fn open_page(&mut self, row: Row) {
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
            self.board.set_filter(filter, applied, self.rows.as_ref(), self.now);
        }
    }

    fn sort(&mut self) {
        if let Some(rows) = &mut self.rows {
            rows.sort();
        }
        self.board.list(self.rows.as_ref(), self.now);
    }

    // ---- the wire

    /// Takes what the connection tells, heard at `mono`.
    pub fn wire(&mut self, event: LinkEvent, mono: Duration) {
        match event {
            LinkEvent::Board(board) => {
                self.beat.heard(mono, board.as_of);
                self.rows = Some(Rows::new(*board));
                self.pages.outdate_all();
                self.trouble = None;
                self.tick(mono);
                self.sort();
                self.touch();
            }
            LinkEvent::Change(change) => self.change(change, mono),
            LinkEvent::Lost(error) => {
                self.beat.lost();
                self.trouble = Some(error.to_string());
                self.touch();
            }
        }
    }

    fn change(&mut self, change: Change, mono: Duration) {
        match change {
            Change::Cells { as_of, cells, summary, schools_summary, split, settled, .. } => {
                self.beat.heard(mono, as_of);
                let Some(rows) = &mut self.rows else { return };
                let before = totals(rows);
                (rows.summary, rows.schools_summary) = (summary, schools_summary);
                (rows.split, rows.settled) = (split, settled);
                let mut seen = false;
                for cell in cells {
                    seen |= self.cell(cell);
                }
                let after = self.rows.as_ref().map(totals);
                if seen || after != Some(before) {
                    self.touch();
                }
            }
            Change::Beat { as_of, settled, .. } => {
                self.beat.heard(mono, as_of);
                if let Some(rows) = &mut self.rows
                    && rows.settled != settled
                {
                    rows.settled = settled;
                    self.touch();
                }
            }
            Change::Reset { .. } => {}
            Change::Bye { why } => {
                self.beat.lost();
                self.message = Some(format!("the agent is about to end: {why}"));
                self.touch();
            }
        }
        self.tick(mono);
    }

    /// Puts one changed cell; tells whether it is on the screen.
    fn cell(&mut self, cell: CellChange) -> bool {
        let row = cell.row;
        self.pages.outdate(row);
        let facts = self.facts();
        let seen = self.board.shows(row, &self.view(&facts)) || self.looked_at() == Some(row);
        self.rows.as_mut().is_some_and(|rows| rows.apply(cell)) && seen
    }

    /// Takes a page, or why there is none.
    pub fn page(&mut self, row: Row, answer: Result<Page, String>) {
        if self.pages.keep(row, answer) && self.looked_at() == Some(row) {
            self.touch();
        }
    }

    /// Takes the answer to a wish to ask again.
    pub fn refreshed(&mut self, answer: Result<Refreshed, String>) {
        self.message = Some(match answer {
            Ok(Refreshed { asked, too_soon: 0 }) => format!("asking again now: {asked} questions"),
            Ok(Refreshed { asked, too_soon }) => {
                format!("asking again now: {asked} questions; {too_soon} were asked moments ago")
            }
            Err(why) => format!("could not ask again: {why}"),
        });
        self.touch();
    }

    /// Tells the operator what happened outside.
    pub fn notice(&mut self, text: String) {
        self.message = Some(text);
        self.touch();
    }

    // ---- time

    /// Time has come to `mono`: the minute, the line, and the order if no key was pressed for long.
    pub fn tick(&mut self, mono: Duration) {
        let line = self.beat.state(mono);
        let now = self.beat.agent_now(mono).map_or(self.now, times::minute);
        if line != self.line {
            self.line = line;
            self.touch();
        }
        if now != self.now {
            self.now = now;
            if let Some(row) = self.looked_at() {
                self.pages.outdate(row);
            }
            if self.board.can_clear() {
                self.board.list(self.rows.as_ref(), self.now);
            }
            self.touch();
        }
        let is_quiet = self.last_key.is_none_or(|at| mono.saturating_sub(at) >= SORTS_AFTER);
        if is_quiet && self.rows.as_ref().is_some_and(|r| r.waiting() > 0) {
            self.sort();
            self.touch();
        }
    }

    /// When [`Self::tick`] would next do something by time alone.
    #[must_use]
    pub fn next_tick(&self, mono: Duration) -> Option<Duration> {
        let minute = self.beat.agent_now(mono).map(|now| {
            let into = u64::try_from(now.as_second().rem_euclid(60)).unwrap_or_default();
            mono + Duration::from_secs(60 - into)
        });
        let waits = self.rows.as_ref().is_some_and(|r| r.waiting() > 0);
        let sort = self.last_key.filter(|_| waits).map(|at| at + SORTS_AFTER);
        [minute, sort, self.beat.next_change(mono)].into_iter().flatten().min()
    }

    /// Whether there are theme files to look at from time to time.
    #[must_use]
    pub fn watches_themes(&self) -> bool {
        self.themes.is_watched()
    }

    /// Reads the theme again if its file changed; a bad one is told and the one before stays.
    pub fn look_at_theme(&mut self) {
        let name = self.theme.name().to_owned();
        match self.themes.changed(&name) {
            None => return,
            Some(Ok(theme)) => self.theme = theme,
            Some(Err(error)) => self.message = Some(error.to_string()),
        }
        self.touch();
    }

    // ---- drawing

    /// Draws a whole frame.
    pub fn draw(&self, frame: &mut Buffer) -> Work {
        let facts = self.facts();
        let mut view = self.view(&facts);
        let area = *frame.area();
        view.size = (area.width, area.height);
        let mut pen = Pen::new(frame, &self.theme);
        pen.blank(area);
        let from = self.layers.iter().rposition(Layer::covers);
        let mut rows = 0;
        if from.is_none() {
            rows += self.board.draw(&mut pen, &view, self.message.as_deref());
            if self.rows.is_none() {
                self.draw_waiting(&mut pen, &view);
            }
        }
        for layer in self.layers.iter().skip(from.unwrap_or_default()) {
            rows += layer.draw(&mut pen, &view);
        }
        if let (Some(_), Some(text)) = (from, &self.message) {
            let y = area.height.saturating_sub(1);
            pen.blank(ratatui::layout::Rect::new(0, y, area.width, 1));
            pen.text(1, y, area.width.saturating_sub(2), text, Role::Message);
        }
        line_one(&mut pen, area.width, &self.place(&view));
        Work { rows }
    }

    fn place(&self, view: &View<'_>) -> Place {
        let mut path = vec!["board".to_owned()];
        path.extend(self.layers.iter().filter_map(|l| l.path(view)));
        // A page's evidence already names the page.
        if matches!(self.layers.last(), Some(Layer::Evidence(_))) && path.len() > 2 {
            path.remove(1);
        }
        let rows = self.rows.as_ref();
        Place {
            path: path.join(" > "),
            line: self.line,
            as_of: rows.filter(|r| !r.settled).and_then(|r| r.restored_from),
            demo: rows.is_some_and(|r| r.agent.demo),
            now: self.now,
        }
    }

    fn draw_waiting(&self, pen: &mut Pen<'_>, view: &View<'_>) {
        let text = self.trouble.as_ref().map_or_else(
            || "waiting for the agent's board ...".to_owned(),
            |why| {
                format!(
                    "{why}. It is tried again; start one with `caretaker agent`, or look with \
                     `caretaker doctor`."
                )
            },
        );
        let room = view.size.0.saturating_sub(6);
        for (y, line) in (3..view.size.1).zip(wrap(&text, room)) {
            pen.text(3, y, room, &line, Role::Message);
        }
    }
}

/// What a frame shows of all rows together: what waits, counts, and what runs out next.
fn totals(rows: &Rows) -> (usize, bool, Split, Option<(Row, Handling)>) {
    let next = rows.next_to_run_out().map(|(row, handling)| (row, handling.clone()));
    (rows.waiting(), rows.settled, rows.split, next)
}
