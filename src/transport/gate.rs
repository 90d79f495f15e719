//! The gate of one origin: the breaker, and the time for which a vendor asked to be left alone.
//!
//! Pure: the caller brings the time (of the monotonic clock) and the chance.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// First while for which an origin is left alone; doubled with each failed try.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// First wait for a vendor that throttles without saying for how long; doubled each time.
const FIRST_QUIET: Duration = Duration::from_secs(2);
/// The longest wait that a vendor can make us keep.
pub(super) const LONGEST_QUIET: Duration = Duration::from_secs(300);

/// Closed: calls pass. Open: none. Half open, after the pause: one passes, and decides.
#[derive(Debug)]
pub(super) struct Gate {
    state: Mutex<State>,
    after: u32,
    longest: Duration,
}

#[derive(Debug, Default)]
struct State {
    /// Failed calls in a row.
    failures: u32,
    /// Times in a row that the breaker opened.
    rounds: u32,
    /// Until when it is open; `None` is closed.
    open_until: Option<Duration>,
    /// Whether the one call of the half-open state is under way.
    probing: bool,
    /// Until when the vendor asked to be left alone.
    quiet_until: Duration,
    /// Times in a row that it asked without saying for how long.
    unsaid: u32,
}

/// The breaker is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Open {
    /// Until the next try; zero while that is under way.
    pub(super) wait: Duration,
    /// Failed calls in a row.
    pub(super) failures: u32,
}

/// Leave for one call. Dropped without a verdict (a cancelled call), it changes nothing but to let
/// the next call be the one that decides.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    gate: &'a Gate,
    decides: bool,
}

impl Gate {
    /// Opens after `after` failures in a row (0 is read as 1), for at most `longest`.
    pub(super) fn new(after: u32, longest: Duration) -> Self {
        Self { state: Mutex::default(), after: after.max(1), longest }
    }

    /// Whether a call would be turned away now.
    pub(super) fn is_open(&self, now: Duration) -> Option<Open> {
        let state = self.lock();
        let until = state.open_until?;
        (now < until || state.probing)
            .then(|| Open { wait: until.saturating_sub(now), failures: state.failures })
    }

    /// Lets a call through.
    pub(super) fn enter(&self, now: Duration) -> Result<Pass<'_>, Open> {
        let mut state = self.lock();
        let Some(until) = state.open_until else {
            return Ok(Pass { gate: self, decides: false });
        };
        if now < until || state.probing {
            return Err(Open { wait: until.saturating_sub(now), failures: state.failures });
        }
        state.probing = true;
        Ok(Pass { gate: self, decides: true })
    }

    /// How long the vendor still wants to be left alone.
    pub(super) fn quiet_for(&self, now: Duration) -> Option<Duration> {
        let until = self.lock().quiet_until;
        (now < until).then(|| until.saturating_sub(now))
    }

    /// The vendor asked to be left alone, for `said` if it said so.
    pub(super) fn hush(&self, now: Duration, said: Option<Duration>, chance: f64) {
        let mut state = self.lock();
        let wait = match said {
            Some(wait) => wait,
            // Calls that were in flight together are one request to wait, not many.
            None if now < state.quiet_until => return,
            None => {
                state.unsaid = state.unsaid.saturating_add(1);
                grown(FIRST_QUIET, state.unsaid, LONGEST_QUIET, chance)
            }
        };
        state.quiet_until = state.quiet_until.max(now + wait.min(LONGEST_QUIET));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// Whether this is the one call that decides whether the breaker closes.
    pub(super) fn decides(&self) -> bool {
        self.decides
    }

    /// The origin is alive. `welcome` is false when it answered only to ask for a pause.
    pub(super) fn alive(self, welcome: bool) {
        let mut state = self.gate.lock();
        state.failures = 0;
        state.rounds = 0;
        state.open_until = None;
        if welcome {
            state.unsaid = 0;
        }
    }

    /// The call failed in a way that says the origin is dead.
    pub(super) fn dead(self, now: Duration, chance: f64) {
        let mut state = self.gate.lock();
        // What was under way when the breaker opened says nothing new.
        if state.open_until.is_some() && !self.decides {
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if self.decides || state.failures >= self.gate.after {
            state.rounds = state.rounds.saturating_add(1);
            let pause = grown(FIRST_PAUSE, state.rounds, self.gate.longest, chance);
            state.open_until = Some(now + pause);
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.decides {
            self.gate.lock().probing = false;
        }
    }
}

/// `first` doubled `round - 1` times, at most `longest`, shortened by up to a quarter at random so
/// that many do not come back at once.
pub(super) fn grown(first: Duration, round: u32, longest: Duration, chance: f64) -> Duration {
    let doublings = round.saturating_sub(1).min(16);
    let whole = first.saturating_mul(1 << doublings).min(longest);
    whole.mul_f64(1.0 - 0.25 * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn fail(gate: &Gate, now: Duration) {
        gate.enter(now).unwrap().dead(now, 0.0);
    }

    #[test]
    fn opens_after_failures_in_a_row_and_lets_one_call_decide() {
        let gate = Gate::new(3, 60 * S);
        fail(&gate, S);
        fail(&gate, S);
        gate.enter(S).unwrap().alive(true);
        fail(&gate, S);
        fail(&gate, S);
        assert_eq!(gate.is_open(S), None, "an answer in between starts the count again");
        fail(&gate, S);
        assert_eq!(gate.is_open(S), Some(Open { wait: 5 * S, failures: 3 }));
        assert!(gate.enter(5 * S).is_err());

        let deciding = gate.enter(6 * S).unwrap();
        assert!(deciding.decides());
        assert!(gate.enter(6 * S).is_err() && gate.is_open(6 * S).is_some(), "only one");
        deciding.dead(6 * S, 0.0);
        assert_eq!(gate.is_open(6 * S), Some(Open { wait: 10 * S, failures: 4 }), "longer now");

        gate.enter(16 * S).unwrap().alive(true);
        assert_eq!(gate.is_open(16 * S), None);
        fail(&gate, 16 * S);
        assert_eq!(gate.is_open(16 * S), None, "closed means the whole count again");
    }

    #[test]
    fn a_cancelled_deciding_call_leaves_the_decision_to_the_next() {
        let gate = Gate::new(1, 60 * S);
        fail(&gate, S);
        drop(gate.enter(6 * S).unwrap());
        assert!(gate.enter(6 * S).unwrap().decides());
    }

    #[test]
    fn calls_under_way_when_it_opened_do_not_lengthen_the_pause() {
        let gate = Gate::new(1, 60 * S);
        let (a, b) = (gate.enter(S).unwrap(), gate.enter(S).unwrap());
        a.dead(S, 0.0);
        b.dead(3 * S, 0.0);
        assert_eq!(gate.is_open(3 * S), Some(Open { wait: 3 * S, failures: 1 }));
    }

    #[test]
    fn the_pause_grows_to_its_longest_and_no_further() {
        let gate = Gate::new(1, 60 * S);
        let mut now = S;
        for expected in [5, 10, 20, 40, 60, 60] {
            fail(&gate, now);
            let open = gate.is_open(now).unwrap();
            assert_eq!(open.wait, expected * S);
            now += open.wait;
        }
        assert_eq!(grown(4 * S, 1, 60 * S, 1.0), 3 * S);
        assert_eq!(grown(4 * S, u32::MAX, 60 * S, 0.0), 60 * S);
    }

    #[test]
    fn keeps_the_longest_of_the_waits_that_were_asked_for() {
        let gate = Gate::new(1, 60 * S);
        gate.hush(S, Some(30 * S), 0.0);
        gate.hush(S, Some(2 * S), 0.0);
        assert_eq!(gate.quiet_for(S), Some(30 * S));
        assert_eq!(gate.quiet_for(31 * S), None);
        gate.hush(31 * S, Some(9_999 * S), 0.0);
        assert_eq!(gate.quiet_for(31 * S), Some(LONGEST_QUIET));
    }

    #[test]
    fn a_wait_without_a_length_doubles_until_welcome_again() {
        let gate = Gate::new(1, 60 * S);
        gate.hush(S, None, 0.0);
        gate.hush(S, None, 0.0);
        assert_eq!(gate.quiet_for(S), Some(2 * S), "asked together is asked once");
        gate.hush(3 * S, None, 0.0);
        assert_eq!(gate.quiet_for(3 * S), Some(4 * S));
        gate.enter(7 * S).unwrap().alive(false);
        gate.hush(7 * S, None, 0.0);
        assert_eq!(gate.quiet_for(7 * S), Some(8 * S));
        gate.enter(15 * S).unwrap().alive(true);
        gate.hush(15 * S, None, 0.0);
        assert_eq!(gate.quiet_for(15 * S), Some(2 * S));
    }
}
