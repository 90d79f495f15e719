//! The real clock. The only place of the program that reads the time or draws a number.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::ports::clock::{Boxed, Clock};

/// How far the time of day may part from the time that passed before that is a jump.
const JUMP: SignedDuration = SignedDuration::from_secs(2);

/// The machine's clock. Make one and share it: its monotonic time begins with it.
///
/// Invariant: the time of day never goes back. Where the host's clock is set back, it goes on from where
/// it was: what had expired stays expired, and nothing that is old looks fresh.
#[derive(Debug, Clone)]
pub struct SystemClock {
    began: Instant,
    steady: Arc<Mutex<Steady>>,
}

/// The time of day, held against the time that passed.
#[derive(Debug)]
struct Steady {
    /// What was last told, and when by the monotonic clock.
    told: (Timestamp, Duration),
    /// How far the host's clock is behind, since it was set back.
    behind: SignedDuration,
}

/// The host's clock was set, or stood still.
#[derive(Debug, PartialEq, Eq)]
enum Jump {
    Forward(SignedDuration),
    Back(SignedDuration),
}

impl Steady {
    /// The time of day when the host's clock says `wall`, and the jump that it made.
    fn at(&mut self, wall: Timestamp, mono: Duration) -> (Timestamp, Option<Jump>) {
        let (last, then) = self.told;
        let passed = SignedDuration::try_from(mono.saturating_sub(then)).unwrap_or_default();
        let due = last.checked_add(passed).unwrap_or(last);
        let off = wall.duration_since(due);
        let parted = off.checked_add(self.behind).unwrap_or(off);
        let (now, jump) = if off > JUMP {
            self.behind = SignedDuration::ZERO;
            (wall, Some(Jump::Forward(off)))
        } else if off >= -JUMP {
            self.behind = SignedDuration::ZERO;
            (wall.max(last), None)
        } else {
            let jump = (parted.abs() > JUMP).then(|| Jump::Back(-parted));
            self.behind = -off;
            (due, jump)
        };
        self.told = (now, mono);
        (now, jump)
    }
}

impl SystemClock {
    /// A clock whose monotonic time begins now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is what everybody else is sent to")]
    pub fn new() -> Self {
        let told = (Timestamp::now(), Duration::ZERO);
        let steady = Steady { told, behind: SignedDuration::ZERO };
        Self { began: Instant::now(), steady: Arc::new(Mutex::new(steady)) }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is what everybody else is sent to")]
    fn now(&self) -> Timestamp {
        let mut steady = self.steady.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, jump) = steady.at(Timestamp::now(), self.began.elapsed());
        drop(steady);
        match jump {
            None => {}
            Some(Jump::Forward(by)) => {
                tracing::warn!("the clock went forward by {by:#}: set, or the machine slept");
            }
            Some(Jump::Back(by)) => {
                tracing::warn!("the clock was set back by {by:#}: times go on as before it");
            }
        }
        now
    }

    fn monotonic(&self) -> Duration {
        self.began.elapsed()
    }

    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }

    fn chance(&self) -> f64 {
        fastrand::f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn time_passes_while_it_sleeps() {
        let clock = SystemClock::new();
        let (before, at) = (clock.monotonic(), clock.now());
        clock.sleep(Duration::from_millis(3)).await;
        assert!(clock.monotonic() >= before + Duration::from_millis(3));
        assert!(clock.now() > at);
    }

    #[test]
    fn threat_23_a_clock_that_is_set_is_told_and_never_makes_old_things_fresh() {
        let start: Timestamp = "2026-03-03T09:00:00Z".parse().unwrap();
        let mut steady = Steady { told: (start, Duration::ZERO), behind: SignedDuration::ZERO };
        let s = SignedDuration::from_secs;
        let mut at = |wall: i64, mono: u64| {
            let (now, jump) = steady.at(start + s(wall), Duration::from_secs(mono));
            (now.duration_since(start).as_secs(), jump)
        };
        assert_eq!(at(60, 60), (60, None));
        assert_eq!(at(61, 62), (61, None), "a slow clock is followed");
        // Set back by an hour: the time goes on, and that is told once.
        assert_eq!(at(62 - 3_600, 63), (62, Some(Jump::Back(s(3_600)))));
        assert_eq!(at(122 - 3_600, 123), (122, None));
        // Put right again.
        assert_eq!(at(182, 183), (182, None));
        // The machine slept for ten hours.
        assert_eq!(at(36_182, 184), (36_182, Some(Jump::Forward(s(35_999)))));
    }

    #[test]
    fn chance_stays_below_one_and_varies() {
        let clock = SystemClock::new();
        let drawn: Vec<f64> = (0..200).map(|_| clock.chance()).collect();
        assert!(drawn.iter().all(|c| (0.0..1.0).contains(c)));
        assert!(drawn.iter().any(|c| *c < 0.5) && drawn.iter().any(|c| *c >= 0.5));
    }
}
