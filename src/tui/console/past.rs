//! The past in the console: the whole board as of a moment, in the place of the present one, which
//! goes on beneath.
//!
//! Invariant: nothing can be done from there, whatever leads to it; see [`Console::forbidden`].

use jiff::Timestamp;

use super::{Console, Effect};
use crate::tui::keymap::{Command, IN_PAST, IN_REPLAY};
use crate::tui::screens::report::{Asked, ReportScreen};
use crate::tui::screens::when::WhenPrompt;
use crate::tui::screens::{Act, Layer};
use crate::tui::state::{Pages, Rows};
use crate::tui::times;
use crate::tui::wish::Wish;
use crate::wire::board::Board;
use crate::wire::past::Past;

/// The present, as long as the past is shown.
#[derive(Debug, Clone)]
pub(super) struct Away {
    pub rows: Option<Rows>,
    pub pages: Pages,
    /// What the agent said of the moment that is shown.
    pub past: Past,
}

impl Console {
    /// The past moment that is shown; none in the present.
    #[must_use]
    pub fn past_moment(&self) -> Option<Timestamp> {
        self.past().map(|past| past.at)
    }

    pub(super) fn past(&self) -> Option<&Past> {
        self.away.as_ref().map(|away| &away.past)
    }

    /// The moment that is shown, at the minute.
    pub(super) fn moment(&self) -> Timestamp {
        self.past_moment().map_or(self.now, times::minute)
    }

    /// The rows of the present.
    pub(super) fn live_rows(&mut self) -> Option<&mut Rows> {
        match &mut self.away {
            Some(away) => away.rows.as_mut(),
            None => self.rows.as_mut(),
        }
    }

    /// The board of the present, to be read.
    pub(super) fn present_rows(&self) -> Option<&Rows> {
        self.away.as_ref().map_or(self.rows.as_ref(), |away| away.rows.as_ref())
    }

    /// The pages of the present.
    pub(super) fn live_pages(&mut self) -> &mut Pages {
        match &mut self.away {
            Some(away) => &mut away.pages,
            None => &mut self.pages,
        }
    }

    /// Why something is not done while the past or a recording is shown; none where it may be.
    pub(super) fn forbidden(&self, act: &Act) -> Option<&'static str> {
        let acts = match act {
            Act::Refresh(_) | Act::Handle(_) => true,
            Act::Guard(Wish::Then(_) | Wish::Report(_)) => false,
            // The one that a recording was made of is in it.
            Act::Guard(Wish::Incidents | Wish::Incident(_)) => self.replay().is_none(),
            Act::Guard(_) => true,
            _ => false,
        };
        let why = match (self.replay(), &self.away) {
            (Some(_), _) => IN_REPLAY,
            (None, Some(_)) => IN_PAST,
            (None, None) => return None,
        };
        acts.then_some(why)
    }

    /// Runs one of the commands of this file; whether it was one.
    pub(super) fn travel(&mut self, command: Command) -> bool {
        let on_board = self.layers.is_empty();
        match command {
            Command::Time => self.layers.push(Layer::When(WhenPrompt::default())),
            Command::Handover => {
                let (screen, wish) = ReportScreen::open(Asked::Handover(None));
                self.layers.push(Layer::Report(Box::new(screen)));
                self.effects.push(Effect::Guard(wish));
            }
            Command::Figures => {
                let now = self.beat.agent_now(self.mono).unwrap_or(self.now);
                let (screen, wish) = ReportScreen::usual(now);
                self.layers.push(Layer::Report(Box::new(screen)));
                self.effects.push(Effect::Guard(wish));
            }
            Command::Earlier | Command::Later => self.step(command == Command::Later),
            Command::Clear if on_board && self.away.is_some() => self.back_to_now(),
            _ => return false,
        }
        true
    }

    fn step(&mut self, forward: bool) {
        let Some(past) = self.past() else { return };
        match if forward { past.later } else { past.earlier } {
            Some(at) => self.ask_then(at),
            None if forward => {
                self.message = Some("nothing changed after that, up to now; Esc goes there".into());
            }
            None => self.message = Some("no earlier change is kept".to_owned()),
        }
    }

    /// Asks for the board at a moment.
    pub(super) fn ask_then(&mut self, at: Timestamp) {
        if self.replay().is_some() {
            return self.wind_to(at);
        }
        self.asked_then = Some(at);
        if !matches!(self.layers.last(), Some(Layer::When(_))) {
            self.message = Some(format!("asking for {} ...", times::dated(at, self.now)));
        }
        self.effects.push(Effect::Guard(Wish::Then(at)));
    }

    /// Takes the board at a moment, or why there is none. An answer that nobody waits for any more
    /// changes nothing: whoever went on to a plan is in the present.
    pub(super) fn then(&mut self, at: Timestamp, answer: Result<Box<Board>, String>) {
        if self.asked_then != Some(at) {
            return;
        }
        self.asked_then = None;
        let waits = match self.layers.last() {
            None | Some(Layer::Page(_)) => true,
            Some(Layer::When(prompt)) => prompt.waits_for() == Some(at),
            Some(_) => false,
        };
        if !waits {
            return;
        }
        let told = answer.and_then(|mut board| {
            let past = board.past.take().filter(|past| past.at == at);
            past.map(|past| (board, past)).ok_or_else(|| {
                "the agent told of the present instead: upgrade the agent".to_owned()
            })
        });
        match (told, self.layers.last_mut()) {
            (Ok((board, past)), _) => self.go_to(*board, past),
            (Err(why), Some(Layer::When(prompt))) => prompt.refused(why),
            (Err(why), _) => self.message = Some(why),
        }
    }

    fn go_to(&mut self, board: Board, past: Past) {
        self.message = None;
        self.layers.retain(|layer| matches!(layer, Layer::Page(_)));
        let rows = self.rows.replace(Rows::new(board));
        let pages = std::mem::take(&mut self.pages);
        match &mut self.away {
            Some(away) => away.past = past,
            none => *none = Some(Away { rows, pages, past }),
        }
        self.relist();
    }

    /// The present again.
    pub(super) fn back_to_now(&mut self) {
        let Some(away) = self.away.take() else { return };
        (self.rows, self.pages) = (away.rows, away.pages);
        self.asked_then = None;
        self.message = Some("back to now".to_owned());
        self.sort();
    }

    /// Makes the list of the rows that are shown.
    fn relist(&mut self) {
        let moment = self.moment();
        self.board.list(self.rows.as_ref(), moment);
    }
}
