//! What time alone does: the minute, the line, the order, and what opens or runs out.

use std::time::Duration;

use jiff::Timestamp;

use super::{Console, Effect};
use crate::tui::screens::Layer;
use crate::tui::state::Looked;
use crate::tui::times;
use crate::tui::wish::Wish;
use crate::wire::past::Diff;

/// Without a key for so long, the board sorts by itself.
const SORTS_AFTER: Duration = Duration::from_secs(10);

impl Console {
    /// Time has come to `mono`: the minute, the line, and the order if no key was pressed for long.
    pub fn tick(&mut self, mono: Duration) {
        self.mono = mono;
        let line = self.beat.state(mono);
        // A recording that stands still has no clock.
        let now = self.still().or_else(|| self.beat.agent_now(mono));
        let now = now.map_or(self.now, times::minute);
        if line != self.line {
            self.line = line;
            self.touch();
        }
        if now != self.now {
            self.now = now;
            if let Some(row) = self.looked_at().filter(|_| self.past().is_none()) {
                self.pages.outdate(row);
            }
            // What is under way gets overdue by time alone.
            if !self.acts.is_quiet() {
                self.acts.outdate();
            }
            // A filter may ask for an age; rows do not move while keys come.
            self.relists |= self.board.can_clear() && self.past().is_none();
            self.touch();
        }
        self.run_out(mono);
        self.call(mono);
        self.read_incidents_again(mono);
        let is_quiet = self.last_key.is_none_or(|at| mono.saturating_sub(at) >= SORTS_AFTER);
        if is_quiet && self.has_unsorted() {
            self.sort();
            self.touch();
        }
    }

    /// Whether the order or the list is older than the cells.
    fn has_unsorted(&self) -> bool {
        self.relists || self.rows.as_ref().is_some_and(|r| r.waiting() > 0)
    }

    /// What runs out to the second: a plan's time, the time to read it, a password.
    fn run_out(&mut self, mono: Duration) {
        if matches!(self.layers.last(), Some(Layer::Secret(s)) if mono >= s.until()) {
            self.layers.pop();
            self.message = Some("its minute is over: the password was overwritten".to_owned());
            self.touch();
        }
        let timed = match self.layers.last() {
            Some(Layer::Plan(plan)) => {
                let clock = self.beat.agent_now(mono).unwrap_or(self.now);
                Some((plan.left(clock), plan.is_open(mono)))
            }
            _ => None,
        };
        if timed != self.timed {
            self.timed = timed;
            self.touch();
        }
    }

    /// Looked at `last`, as it was kept when the console last ended.
    pub fn looked_before(&mut self, last: Option<Timestamp>) {
        self.looked = Looked::since(last);
    }

    /// When somebody last pressed a key here, by the agent's clock.
    #[must_use]
    pub fn looked_last(&self) -> Option<Timestamp> {
        self.looked.last()
    }

    /// Somebody presses a key: whoever comes back is told what is new.
    pub(super) fn looks(&mut self) {
        let Some(now) = self.beat.agent_now(self.mono).filter(|_| self.replay().is_none()) else {
            return;
        };
        if let Some(from) = self.looked.looks(now) {
            self.effects.push(Effect::Guard(Wish::News(from)));
        }
    }

    /// What is new, marked on the board.
    pub(super) fn news(&mut self, from: Timestamp, answer: Result<Box<Diff>, String>) {
        let since = times::moment(from, self.now);
        self.message = match answer.map(|diff| self.looked.told(from, &diff)) {
            Ok(None | Some(0)) => return,
            Ok(Some(n)) => {
                let rows = if n == 1 { "row is" } else { "rows are" };
                Some(format!("{n} {rows} worse than when you last looked, {since}: marked !"))
            }
            Err(why) => Some(format!("what is new since {since} is not known: {why}")),
        };
    }

    /// When the next of that happens.
    fn next_run_out(&self, mono: Duration) -> Option<Duration> {
        match self.layers.last() {
            Some(Layer::Secret(secret)) => Some(secret.until()),
            Some(Layer::Plan(plan)) => {
                let clock = self.beat.agent_now(mono).unwrap_or(self.now);
                let step = plan.next_step(clock).map(|wait| mono + wait);
                let opens = plan.opens_at().filter(|at| *at > mono);
                [step, opens].into_iter().flatten().min()
            }
            _ => None,
        }
    }

    /// When [`Self::tick`] would next do something by time alone.
    #[must_use]
    pub fn next_tick(&self, mono: Duration) -> Option<Duration> {
        let minute = self.beat.agent_now(mono).map(|now| {
            let into = u64::try_from(now.as_second().rem_euclid(60)).unwrap_or_default();
            mono + Duration::from_secs(60 - into)
        });
        let sort = self.last_key.filter(|_| self.has_unsorted()).map(|at| at + SORTS_AFTER);
        let over = self.next_run_out(mono);
        let call = self.alarms.next(mono);
        [minute, sort, over, call, self.beat.next_change(mono)].into_iter().flatten().min()
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
            Some(Ok(theme)) => {
                self.message = theme.faint().or(self.message.take());
                self.wear(theme);
            }
            Some(Err(error)) => self.message = Some(error.to_string()),
        }
        self.touch();
    }
}
