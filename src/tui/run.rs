//! The loop: what is typed, what the wire tells, time; and a frame when something changed.
//!
//! A key is answered at once, after everything that was typed is taken; changes from the wire cost
//! at most ten frames a second. Nothing changed: nothing is written.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Stdout};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::config::{CallBy, ConsoleSettings};
use crate::link::{Link, LinkEvent};
use crate::ports::clock::Clock;
use crate::tui::console::{Console, Effect};
use crate::tui::keymap::{Keymap, KeymapError};
use crate::tui::term::{
    Between, Guard, Input, Inputs, Pace, Screen, call, hung_up, suits_ground, title,
};
use crate::tui::theme::{Depth, Folder, ThemeError};
use crate::tui::wish::{Heard, carry_out};
use crate::wire::action::Actions;
use crate::wire::board::Row;
use crate::wire::days::LastDays;
use crate::wire::desk::{CellName, Handled};
use crate::wire::page::{Page, Refreshed};

/// The cursor rests so long on a row before its page is asked for.
const RESTS: Duration = Duration::from_millis(60);
/// Between two times that the last days of the rows on the screen are asked for.
const DAYS_EVERY: Duration = Duration::from_millis(500);
/// Between two looks at the theme's file.
const THEME_EVERY: Duration = Duration::from_secs(2);
/// Between two looks whether the terminal is still there. The event source cannot tell, so this
/// bounds how long a console outlives its line.
const HANGUP_EVERY: Duration = Duration::from_secs(1);
/// More rows than a terminal shows; the others of a large estate come after the first frame.
const FIRST_ROWS: usize = 250;
/// As many wire events are taken before a frame is drawn at the latest.
const MAX_EVENTS: usize = 64;

/// How the console is set up.
pub struct Options {
    /// What it shows, and how.
    pub settings: ConsoleSettings,
    /// How many colours the terminal has.
    pub depth: Depth,
    /// Command name to keys, from the config.
    pub keys: BTreeMap<String, Vec<String>>,
    /// A folder of own themes; a file there wins over the built-in one of its name.
    pub theme_folder: Option<PathBuf>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Two frames a second instead of ten, for slow lines.
    pub slow: bool,
    /// Something sent here (SIGTERM, SIGHUP) ends the console.
    pub ended: Option<Receiver<()>>,
    /// What the operator is to be told besides.
    pub notices: Option<Receiver<String>>,
    /// Whether the terminal has a second screen. One without keeps what it shows.
    pub has_alternate: bool,
    /// Whether the terminal has a title that can be set.
    pub has_title: bool,
    /// What hands its writing to the terminal.
    pub between: Between,
    /// When somebody last looked, as it was kept.
    pub looked: Option<Timestamp>,
}

/// Why the console ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The operator asked for it.
    Quit,
    /// A signal.
    Signal,
    /// The terminal is gone.
    HungUp,
}

/// How the console ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Why.
    pub exit: Exit,
    /// When somebody last pressed a key, by the agent's clock.
    pub looked: Option<Timestamp>,
}

/// Why the console could not go on.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// The keys of the config.
    #[error(transparent)]
    Keys(#[from] KeymapError),
    /// The theme.
    #[error(transparent)]
    Theme(#[from] ThemeError),
    /// The terminal.
    #[error("the terminal cannot be used ({0}); `caretaker watch` needs none")]
    Terminal(#[from] io::Error),
}

/// What a task in the background found.
enum Told {
    Page(Row, Option<Timestamp>, Result<Box<Page>, String>),
    Days(Vec<Row>, Result<LastDays, String>),
    Refreshed(Result<Refreshed, String>),
    Handled(Result<(Vec<CellName>, Handled), String>),
    Acts(Result<Box<Actions>, String>),
    Guard(Box<Heard>),
}

/// Runs the console on this terminal until it ends; the terminal is restored in every case.
///
/// # Errors
/// When keys, theme or terminal cannot be used.
pub async fn run(link: Link, mut options: Options) -> Result<Ended, TuiError> {
    let keymap = Keymap::new(&options.keys)?;
    let themes = Folder::new(options.theme_folder.take(), options.depth);
    let size = crossterm::terminal::size()?;
    let settings = options.settings;
    let theme = match settings.theme.as_str() {
        // Fewer colours are the terminal's own, which suit its ground already.
        "auto" if matches!(options.depth, Depth::C256 | Depth::Full) => suits_ground(),
        "auto" => "default",
        name => name,
    };
    let mut console = Console::new(keymap, themes, theme, size, options.clock.now())?;
    console.is_set_up(&settings);
    console.looked_before(options.looked);
    let pace = Pace::new(options.slow);
    console.slow(pace.is_slow());
    if !options.has_alternate {
        console.has_no_alternate();
    }
    let titled = settings.title && options.has_title;
    let guard = Guard::enter(titled)?;
    let (tell, told) = channel(8);
    let mut runner = Runner {
        events: Some(link.follow_at_once(FIRST_ROWS)),
        link,
        console,
        screen: Screen::new(BufWriter::with_capacity(32_768, io::stdout()), size.0, size.1),
        between: options.between,
        clock: options.clock,
        pace,
        call_by: settings.call.by,
        title: titled.then(String::new),
        ended: options.ended,
        notices: options.notices,
        tell,
        told,
        drawn: 0,
        last_frame: None,
        asking: None,
        asking_acts: false,
        asking_days: false,
        asked_days: None,
        resting: None,
        looked_at_theme: Duration::ZERO,
        looked_at_line: Duration::ZERO,
    };
    let exit = runner.go(&guard).await?;
    runner.leave();
    guard.leave()?;
    Ok(Ended { exit, looked: runner.console.looked_last() })
}

struct Runner {
    link: Link,
    events: Option<Receiver<LinkEvent>>,
    console: Console,
    screen: Screen<BufWriter<Stdout>>,
    between: Between,
    clock: Arc<dyn Clock>,
    pace: Pace,
    call_by: Vec<CallBy>,
    /// What the window's title is now, where it is ours.
    title: Option<String>,
    ended: Option<Receiver<()>>,
    notices: Option<Receiver<String>>,
    tell: Sender<Told>,
    told: Receiver<Told>,
    /// The generation that the screen shows.
    drawn: u64,
    last_frame: Option<Duration>,
    /// The row whose page is on its way.
    asking: Option<Row>,
    /// The last days are on their way, and when they were last asked for.
    asking_days: bool,
    asked_days: Option<Duration>,
    /// The guard's page is on its way.
    asking_acts: bool,
    /// The row under the cursor, and since when.
    resting: Option<(Row, Duration)>,
    looked_at_theme: Duration,
    looked_at_line: Duration,
}

impl Runner {
    async fn go(&mut self, guard: &Guard) -> Result<Exit, TuiError> {
        let mut inputs = Inputs::start()?;
        loop {
            let mut urgent = self.drawn == 0;
            let waited = !self.console.has_board();
            let pause = self.pause();
            tokio::select! {
                biased;
                () = signalled(&mut self.ended) => return Ok(Exit::Signal),
                typed = inputs.next() => {
                    let Some(typed) = typed else { return Ok(Exit::HungUp) };
                    urgent = true;
                    self.typed(typed);
                }
                event = next(&mut self.events) => self.heard(event),
                notice = next(&mut self.notices) => match notice {
                    Some(notice) => self.console.notice(notice),
                    None => self.notices = None,
                },
                Some(told) = self.told.recv() => self.take(told),
                () = self.clock.sleep(pause) => {}
            }
            let mono = self.clock.monotonic();
            if let Some(exit) = self.effects(guard).await? {
                return Ok(exit);
            }
            self.console.tick(mono);
            if self.look_around(mono) {
                return Ok(Exit::HungUp);
            }
            self.ask(mono);
            self.ask_acts();
            self.ask_days(mono);
            // A board that was waited for is not held back for the sake of the line.
            self.frame(mono, urgent || (waited && self.console.has_board()))?;
        }
    }

    fn typed(&mut self, typed: Vec<Input>) {
        let mono = self.clock.monotonic();
        for input in typed {
            if let Input::Resize(columns, rows) = input {
                self.screen.resize(columns, rows);
            }
            self.console.input(input, mono);
        }
    }

    fn heard(&mut self, event: Option<LinkEvent>) {
        let mono = self.clock.monotonic();
        let Some(event) = event else {
            self.events = None;
            return;
        };
        self.console.wire(event, mono);
        for _ in 0..MAX_EVENTS {
            let Some(Ok(more)) = self.events.as_mut().map(Receiver::try_recv) else { return };
            self.console.wire(more, mono);
        }
    }

    fn take(&mut self, told: Told) {
        match told {
            Told::Page(row, at, answer) => {
                self.asking = None;
                self.console.page_of(row, at, answer.map(|page| *page));
            }
            Told::Days(rows, answer) => {
                self.asking_days = false;
                self.console.last_days(&rows, answer);
            }
            Told::Refreshed(answer) => self.console.refreshed(answer),
            Told::Handled(answer) => self.console.handled(answer),
            Told::Acts(answer) => {
                self.asking_acts = false;
                self.console.acts(answer.map(|page| *page));
            }
            Told::Guard(heard) => self.console.heard(*heard, self.clock.monotonic()),
        }
    }

    async fn effects(&mut self, guard: &Guard) -> Result<Option<Exit>, TuiError> {
        for effect in self.console.take_effects() {
            match effect {
                Effect::Quit => return Ok(Some(Exit::Quit)),
                Effect::Redraw => {
                    self.screen.forget();
                    self.drawn = 0;
                }
                Effect::Copy(text) => self.screen.send(&self.between.copy(&text))?,
                Effect::Call(text) => {
                    for by in &self.call_by {
                        self.screen.send(&call(*by, &text, self.between))?;
                    }
                }
                Effect::Suspend => {
                    // What was forgotten is overwritten before somebody else sees the terminal.
                    self.frame(self.clock.monotonic(), true)?;
                    guard.suspend().await?;
                    let (columns, rows) = crossterm::terminal::size()?;
                    self.typed(vec![Input::Resize(columns, rows)]);
                    self.drawn = 0;
                }
                Effect::Handle(what) => {
                    let (link, tell) = (self.link.clone(), self.tell.clone());
                    tokio::spawn(async move {
                        let answer = link.handle(&what).await.map_err(|e| e.to_string());
                        let answer = answer.map(|handled| (what.cells, handled));
                        tell.send(Told::Handled(answer)).await.unwrap_or_default();
                    });
                }
                Effect::Guard(wish) => {
                    let (link, tell) = (self.link.clone(), self.tell.clone());
                    tokio::spawn(async move {
                        let heard = Box::new(carry_out(&link, wish).await);
                        tell.send(Told::Guard(heard)).await.unwrap_or_default();
                    });
                }
                Effect::Refresh(what) => {
                    let (link, tell) = (self.link.clone(), self.tell.clone());
                    tokio::spawn(async move {
                        let answer = link.refresh(&what).await.map_err(|e| e.to_string());
                        // A console that has ended needs no answer.
                        tell.send(Told::Refreshed(answer)).await.unwrap_or_default();
                    });
                }
            }
        }
        Ok(None)
    }

    /// Looks at the theme's file and at the terminal from time to time; whether it hung up.
    fn look_around(&mut self, mono: Duration) -> bool {
        if self.console.watches_themes() && mono >= self.looked_at_theme + THEME_EVERY {
            self.looked_at_theme = mono;
            self.console.look_at_theme();
        }
        if mono >= self.looked_at_line + HANGUP_EVERY {
            self.looked_at_line = mono;
            self.look_at_size(mono);
            return hung_up();
        }
        false
    }

    /// A change of size before the keys' thread listened to its signal would be lost for good.
    fn look_at_size(&mut self, mono: Duration) {
        let shown = self.screen.area();
        if let Ok((columns, rows)) = crossterm::terminal::size()
            && (columns, rows) != (shown.width, shown.height)
        {
            self.screen.resize(columns, rows);
            self.console.input(Input::Resize(columns, rows), mono);
        }
    }

    /// Asks for the page under the cursor once it rests there; one at a time, in the background.
    fn ask(&mut self, mono: Duration) {
        let wanted = self.console.wanted();
        match (wanted, self.resting) {
            (None, _) => self.resting = None,
            (Some(row), Some((before, _))) if row == before => {}
            (Some(row), _) => self.resting = Some((row, mono)),
        }
        let Some((row, since)) = self.resting else { return };
        if self.asking.is_some() || mono < since + RESTS {
            return;
        }
        self.asking = Some(row);
        let at = self.console.past_moment();
        let (link, tell) = (self.link.clone(), self.tell.clone());
        let school = match row {
            Row::Estate => None,
            Row::School(laestab) => Some(laestab),
        };
        tokio::spawn(async move {
            let answer = match at {
                Some(at) => link.page_at(school, at).await,
                None => link.page(school).await,
            };
            let answer = answer.map(Box::new).map_err(|e| e.to_string());
            tell.send(Told::Page(row, at, answer)).await.unwrap_or_default();
        });
    }

    /// Asks what the guard has to tell, once there is news; in the background.
    fn ask_acts(&mut self) {
        if self.asking_acts || !self.console.wants_acts() {
            return;
        }
        self.asking_acts = true;
        self.console.asking_acts();
        let (link, tell) = (self.link.clone(), self.tell.clone());
        tokio::spawn(async move {
            let answer = link.actions().await.map(Box::new).map_err(|e| e.to_string());
            tell.send(Told::Acts(answer)).await.unwrap_or_default();
        });
    }

    /// Asks for the last days of the rows on the screen; in the background, not too often.
    fn ask_days(&mut self, mono: Duration) {
        if self.asking_days || self.asked_days.is_some_and(|at| mono < at + DAYS_EVERY) {
            return;
        }
        let rows = self.console.wanted_days();
        if rows.is_empty() {
            return;
        }
        (self.asking_days, self.asked_days) = (true, Some(mono));
        let (link, tell) = (self.link.clone(), self.tell.clone());
        tokio::spawn(async move {
            let answer = link.days(&rows).await.map_err(|e| e.to_string());
            tell.send(Told::Days(rows, answer)).await.unwrap_or_default();
        });
    }

    /// Overwrites what must not stay on the terminal.
    fn leave(&mut self) {
        self.console.forget();
        if let Err(error) = self.frame(self.clock.monotonic(), true) {
            // The terminal may be what has gone.
            tracing::debug!("the last frame could not be written: {error}");
        }
    }

    fn frame(&mut self, mono: Duration, urgent: bool) -> Result<(), TuiError> {
        let may_draw = self.pace.may_draw(self.last_frame, mono, urgent);
        if self.drawn == self.console.generation() || !may_draw {
            return Ok(());
        }
        self.drawn = self.console.generation();
        let console = &self.console;
        let drawn = self.screen.draw(|frame| {
            console.draw(frame);
        })?;
        if drawn.cells > 0 {
            self.last_frame = Some(mono);
            let took = self.clock.monotonic().saturating_sub(mono);
            if let Some(news) = self.pace.wrote(took) {
                self.console.slow(self.pace.is_slow());
                self.console.notice(news.to_owned());
            }
        }
        self.console.shown(mono);
        self.retitle()
    }

    /// Writes the window's title, if it is ours and another one now.
    fn retitle(&mut self) -> Result<(), TuiError> {
        let Some(shown) = &mut self.title else { return Ok(()) };
        let now = self.console.title();
        if *shown != now {
            self.screen.send(&title(&now))?;
            *shown = now;
        }
        Ok(())
    }

    /// How long nothing has to be done unless something happens.
    fn pause(&self) -> Duration {
        let mono = self.clock.monotonic();
        let frame = (self.drawn != self.console.generation())
            .then(|| self.last_frame.map_or(mono, |at| at + self.pace.gap()));
        let rest = self.resting.filter(|_| self.asking.is_none()).map(|(_, at)| at + RESTS);
        let days = self
            .asked_days
            .map(|at| at + DAYS_EVERY)
            .filter(|at| *at > mono && !self.asking_days && !self.console.wanted_days().is_empty());
        let line = Some(self.looked_at_line + HANGUP_EVERY);
        let next =
            [frame, rest, days, line, self.console.next_tick(mono)].into_iter().flatten().min();
        next.map_or(HANGUP_EVERY, |at| at.saturating_sub(mono))
    }
}

/// Ends when a signal was told; never, if none can be.
async fn signalled(ended: &mut Option<Receiver<()>>) {
    if let Some(receiver) = ended
        && receiver.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}

/// What comes next; `None` when no more will. Never, where nothing can come.
async fn next<T>(from: &mut Option<Receiver<T>>) -> Option<T> {
    match from {
        Some(receiver) => receiver.recv().await,
        None => std::future::pending().await,
    }
}
