//! A recording in the console: the board as an agent tells it, but that nothing of it is the present.
//!
//! Invariant: nothing can be done there, whatever leads to it; see [`Console::forbidden`].

use jiff::Timestamp;

use super::{Console, Effect};
use crate::tui::keymap::Command;
use crate::tui::screens::Layer;
use crate::tui::wish::Wish;
use crate::wire::replay::{Playing, Replay, ReplayOrder};

impl Console {
    /// The recording that is played; none where the board is one of an agent.
    #[must_use]
    pub fn replay(&self) -> Option<&Replay> {
        self.rows.as_ref()?.replay.as_ref()
    }

    /// The moment at which a recording stands still.
    pub(super) fn still(&self) -> Option<Timestamp> {
        self.replay().filter(|replay| replay.playing != Playing::Plays).map(|replay| replay.at)
    }

    /// Runs one of the commands of this file.
    pub(super) fn wind(&mut self, command: Command) {
        let Some(replay) = self.replay() else { return };
        let over = replay.playing == Playing::Over;
        let order = match command {
            Command::PauseReplay if over => {
                self.message = Some("the recording is over: [ goes back, t to a moment".to_owned());
                return;
            }
            Command::Later if over => {
                self.message = Some("the recording ends here".to_owned());
                return;
            }
            Command::PauseReplay => ReplayOrder::Pause,
            Command::Faster => ReplayOrder::Faster,
            Command::Slower => ReplayOrder::Slower,
            Command::Later => ReplayOrder::Next,
            _ => ReplayOrder::Previous,
        };
        self.effects.push(Effect::Guard(Wish::Replay(order)));
    }

    /// Goes to a moment of the recording.
    pub(super) fn wind_to(&mut self, at: Timestamp) {
        if matches!(self.layers.last(), Some(Layer::When(_))) {
            self.layers.pop();
        }
        self.effects.push(Effect::Guard(Wish::Replay(ReplayOrder::To { at })));
    }

    /// Takes what came of it; the board itself is told besides.
    pub(super) fn wound(&mut self, answer: Result<Replay, String>) {
        if let Err(why) = answer {
            self.message = Some(format!("the recording stays where it is: {why}"));
        }
    }
}
