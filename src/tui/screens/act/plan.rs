//! The plan and its confirmation by typed words.
//!
//! Invariant: Enter does nothing until the words are right, typed by hand, on a plan that was seen
//! to its end; what was typed before that is thrown away, and said so.

use std::time::Duration;

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::lines::lines;
use super::menu::first_key;
use crate::tui::keymap::{Chord, Command};
use crate::tui::screens::{Act, Answer, View, scroll_on};
use crate::tui::theme::Role;
use crate::tui::times;
use crate::tui::widgets::{Field, Line, Pen, width};
use crate::tui::wish::Wish;
use crate::wire::action::{PlanPage, READS, is_confirmed};
use crate::wire::{Clean, Laestab};

/// More printable keys than this in one read are a paste.
const PASTE: usize = 8;
/// Lines below the plan: what to type, the field, what was ignored, keys.
const END: u16 = 4;

/// What the plan is shown for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It is one's own, to be confirmed.
    Confirm,
    /// It is somebody else's, to be approved.
    Approve,
    /// It is one's own and waits for somebody else.
    Mine,
}

/// How it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Open,
    /// The agent was asked and has not answered.
    Sending,
    /// The agent refused: nothing was sent.
    Refused(String),
}

/// The screen.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanScreen {
    page: Box<PlanPage>,
    purpose: Purpose,
    hidden: Vec<Laestab>,
    /// Until when it can be confirmed or approved.
    until: Timestamp,
    words: String,
    field: Field,
    scroll: usize,
    /// When keys are taken, by our monotonic clock; none before the plan was seen to its end.
    opens_at: Option<Duration>,
    /// Printable keys of the present read, and the field before it.
    burst: (usize, String),
    /// What was thrown away last.
    thrown: Option<String>,
    state: State,
}

impl PlanScreen {
    /// A plan that counts until `until`; `hidden` marked schools are left out of it.
    #[must_use]
    pub fn new(
        page: Box<PlanPage>,
        purpose: Purpose,
        until: Timestamp,
        hidden: Vec<Laestab>,
        view: &View<'_>,
    ) -> Self {
        let name_of = |school| Some(view.rows?.by_laestab(school)?.name.clone());
        let words = match purpose {
            Purpose::Approve => page.approval(name_of),
            Purpose::Confirm | Purpose::Mine => page.words(name_of),
        };
        Self {
            page,
            purpose,
            hidden,
            until,
            words,
            field: Field::default(),
            scroll: 0,
            opens_at: None,
            burst: (0, String::new()),
            thrown: None,
            state: State::Open,
        }
    }

    /// The plan.
    #[must_use]
    pub fn page(&self) -> &PlanPage {
        &self.page
    }

    /// Whether the agent was asked and has not answered.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        self.state == State::Sending
    }

    /// Whether its words can be typed at `mono`.
    #[must_use]
    pub fn is_open(&self, mono: Duration) -> bool {
        self.state == State::Open
            && self.purpose != Purpose::Mine
            && self.opens_at.is_some_and(|at| mono >= at)
    }

    /// When its words can be typed, if that is known.
    #[must_use]
    pub fn opens_at(&self) -> Option<Duration> {
        self.opens_at
    }

    /// What is left of its time, in words.
    #[must_use]
    pub fn left(&self, clock: Timestamp) -> Option<String> {
        times::left(self.until, clock)
    }

    /// After how long [`Self::left`] says something else; none once it is over.
    #[must_use]
    pub fn next_step(&self, clock: Timestamp) -> Option<Duration> {
        let seconds = u64::try_from(self.until.duration_since(clock).as_secs()).ok()?;
        let step = if seconds >= 600 { 60 } else { 10 };
        Some(Duration::from_secs(seconds % step + 1))
    }

    /// The agent refused.
    pub fn refused(&mut self, why: String) {
        self.state = State::Refused(why);
    }

    /// A frame with the plan was written. Once its end was on the screen, the time to read begins.
    pub fn shown(&mut self, mono: Duration, view: &View<'_>) {
        if self.opens_at.is_none() && self.sees_end(view) {
            self.opens_at = Some(mono + self.page.reads());
        }
    }

    /// The window came to the front: what is typed now may have been meant for another one.
    pub fn came_to_front(&mut self, mono: Duration, view: &View<'_>) {
        if self.opens_at.is_some() {
            self.opens_at = Some(mono + READS);
        }
        self.field = Field::default();
        self.burst = (usize::MAX, String::new());
        let at = times::clock_s(view.clock);
        self.thrown =
            Some(format!("this window came to the front at {at}: what was typed is thrown away"));
    }

    /// The mouse was used.
    pub fn moused(&mut self) {
        self.thrown = Some("the mouse does nothing here".to_owned());
    }

    /// Text was pasted.
    pub fn pasted(&mut self) {
        self.thrown = Some("pasted text is not taken here: type it".to_owned());
    }

    /// Whether a key is taken. `along` tells whether it came in one read with the input before it.
    pub fn takes(
        &mut self,
        (chord, command): (Chord, Option<Command>),
        along: bool,
        view: &View<'_>,
    ) -> bool {
        let printable = chord.printable().is_some() && command.is_none();
        let edits = printable
            || matches!(command, Some(Command::Confirm | Command::RubOut | Command::RubOutWord));
        if !edits {
            return true;
        }
        if !self.is_open(view.mono) {
            self.ignore(view);
            return false;
        }
        match (along, command) {
            (false, _) => self.burst = (0, self.field.text().to_owned()),
            (true, Some(Command::Confirm)) if self.burst.0 > PASTE => {
                self.pasted();
                return false;
            }
            (true, Some(Command::Confirm)) => {
                let text = "Enter came together with other keys: all thrown away, type it again";
                self.field.set(&self.burst.1.clone());
                self.thrown = Some(text.to_owned());
                return false;
            }
            (true, _) => {}
        }
        if printable {
            self.burst.0 = self.burst.0.saturating_add(1);
            if self.burst.0 > PASTE {
                let before = std::mem::take(&mut self.burst.1);
                self.field.set(&before);
                self.burst = (usize::MAX, before);
                self.pasted();
                return false;
            }
        }
        true
    }

    fn ignore(&mut self, view: &View<'_>) {
        let at = times::clock_s(view.clock);
        self.thrown = match (&self.state, self.purpose) {
            (State::Sending | State::Refused(_), _) | (_, Purpose::Mine) => None,
            (State::Open, _) if self.opens_at.is_none() => {
                let key = first_key(view, "plan_on");
                Some(format!(
                    "the plan goes on: {key} to its end first; what was typed is thrown away"
                ))
            }
            (State::Open, _) => Some(format!("keys typed until {at} were thrown away")),
        };
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        match command {
            Command::Cancel | Command::Interrupt if self.is_sending() => {
                let text = "the agent was asked to begin; its answer is shown in a moment";
                Answer::Wants(vec![Act::Say(text.to_owned())])
            }
            Command::Cancel | Command::Interrupt => {
                let said = match self.purpose {
                    Purpose::Confirm => "left; nothing was sent",
                    Purpose::Approve => "left; nothing was approved",
                    Purpose::Mine => "left; it waits on",
                };
                Answer::Wants(vec![Act::Close, Act::Say(said.to_owned())])
            }
            Command::Confirm => self.confirm(view),
            Command::RubOut | Command::RubOutWord => {
                self.field.edit(command);
                Answer::Consumed
            }
            _ => {
                let len = lines(&self.page, &self.hidden, view).len();
                scroll_on(command, &mut self.scroll, len, room(view))
            }
        }
    }

    fn confirm(&mut self, view: &View<'_>) -> Answer {
        if !self.is_open(view.mono) || !is_confirmed(&self.words, self.field.text()) {
            return Answer::Consumed;
        }
        if !view.is_known {
            self.thrown = Some("the agent cannot be reached; nothing was sent".to_owned());
            return Answer::Consumed;
        }
        if self.left(view.clock).is_none() {
            return Answer::Consumed;
        }
        self.state = State::Sending;
        self.thrown = None;
        let (plan, digest) = (self.page.plan.id.clone(), self.page.plan.digest.clone());
        let wish = match self.purpose {
            Purpose::Approve => {
                let typed = Clean::new(&self.page.plan.approval_words());
                Wish::Approve { plan, digest, typed }
            }
            Purpose::Confirm | Purpose::Mine => Wish::Confirm { plan, digest },
        };
        Answer::Wants(vec![Act::Guard(wish)])
    }

    /// Takes typed text that [`Self::takes`] let through.
    pub fn typed(&mut self, text: &str) -> Answer {
        self.field.insert(text);
        self.thrown = None;
        Answer::Consumed
    }

    fn sees_end(&self, view: &View<'_>) -> bool {
        self.scroll + room(view) >= lines(&self.page, &self.hidden, view).len()
    }

    /// Draws the plan, and at its end the field.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        self.draw_title(pen, area, view);
        let all = lines(&self.page, &self.hidden, view);
        let shown = all.iter().skip(self.scroll).take(room(view));
        let mut built = 0;
        for (y, line) in (area.y + 1..).zip(shown) {
            pen.line(0, y, area.width, line);
            built += 1;
        }
        let y = area.bottom().saturating_sub(END);
        let left = all.len().saturating_sub(self.scroll).saturating_sub(room(view));
        if left > 0 {
            let key = first_key(view, "plan_on");
            let text =
                format!(" ... {left} more lines: {key} shows them; only the end can be confirmed");
            pen.text(0, y, area.width, &text, Role::Message);
        } else {
            self.draw_end(pen, (y, area.width), view);
        }
        if let Some(thrown) = &self.thrown {
            pen.text(1, y + 2, area.width.saturating_sub(2), thrown, Role::Message);
        }
        self.draw_keys(pen, (y + 3, area.width), view);
        built
    }

    fn draw_title(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) {
        let (word, role) = match (&self.state, self.purpose, self.left(view.clock)) {
            (State::Sending, ..) => ("BEING CONFIRMED".to_owned(), Role::Late),
            (State::Refused(_), ..) => ("NOTHING HAS BEEN SENT".to_owned(), Role::Live),
            (_, _, None) => ("EXPIRED, nothing was sent".to_owned(), Role::Offline),
            (_, Purpose::Mine, Some(left)) => {
                (format!("WAITS, nothing sent    {left} left"), Role::Late)
            }
            (_, _, Some(left)) => (format!("NOTHING HAS BEEN SENT    {left} left"), Role::Live),
        };
        let wide = width(&word);
        let at = area.width.saturating_sub(wide + 1);
        pen.text(at, area.y, wide, &word, role);
        let head = match self.purpose {
            Purpose::Confirm | Purpose::Mine => " PLAN   ",
            Purpose::Approve => " APPROVE   ",
        };
        let title = Line::of(head, Role::Accent).and(self.page.label.as_str(), Role::Title);
        pen.line(0, area.y, at.saturating_sub(1), &title);
    }

    /// What has to be typed, and what is.
    fn draw_end(&self, pen: &mut Pen<'_>, (y, columns): (u16, u16), view: &View<'_>) {
        let room = columns.saturating_sub(2);
        if let State::Refused(why) = &self.state {
            pen.text(1, y, room, &format!("not begun, nothing was sent: {why}"), Role::Message);
            return;
        }
        if self.state == State::Sending {
            pen.text(1, y, room, "the agent is asked to begin ...", Role::Text);
            return;
        }
        if self.purpose == Purpose::Mine {
            let text = "This is your own request: another person must approve it.";
            pen.text(1, y, room, text, Role::Message);
            return;
        }
        if self.left(view.clock).is_none() {
            let text = "This plan has expired: leave, and make a new one.";
            pen.text(1, y, room, text, Role::Message);
            return;
        }
        let does = if self.purpose == Purpose::Approve { "to approve it" } else { "to do it" };
        let line = Line::of("Type  ", Role::Text)
            .and(self.words.as_str(), Role::Title)
            .and(format!("  {does}. Enter does nothing until it is right."), Role::Text);
        pen.line(1, y, room, &line);
        if !self.is_open(view.mono) {
            let text = "read the plan first; in a moment it can be typed here";
            pen.text(1, y + 1, room, text, Role::Quiet);
            return;
        }
        let right = is_confirmed(&self.words, self.field.text());
        let line = self
            .field
            .after(Line::of("> ", Role::Key), room)
            .and(if right { "   right: Enter sends it" } else { "" }, Role::Message);
        pen.line(1, y + 1, room, &line);
    }

    fn draw_keys(&self, pen: &mut Pen<'_>, (y, columns): (u16, u16), view: &View<'_>) {
        let keys = |name: &str| first_key(view, name);
        let leaves = match self.purpose {
            Purpose::Confirm => " leave, nothing sent   ",
            Purpose::Approve => " leave, nothing approved   ",
            Purpose::Mine => " back   ",
        };
        let hint = Line::of(format!(" {}", keys("leave_plan")), Role::Key)
            .and(leaves, Role::Quiet)
            .and(keys("plan_on"), Role::Key)
            .and(" scroll   ", Role::Quiet)
            .and(keys("plan_help"), Role::Key)
            .and(" what the words mean", Role::Quiet);
        pen.line(0, y, columns, &hint);
    }
}

/// Lines of the plan that are on the screen at once.
fn room(view: &View<'_>) -> usize {
    // Line 1, the title, the end.
    usize::from(view.size.1.saturating_sub(2 + END)).max(1)
}
