//! How often one API of a vendor may be called, whoever asks and however often: a window of a
//! minute and a window of an hour. Pure: the caller brings the time of the monotonic clock.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// Calls of the last hour against two limits.
///
/// Invariant: holds at most as many times as the hour's limit allows.
pub(super) struct Budget {
    per_minute: usize,
    per_hour: usize,
    spent: Mutex<VecDeque<Duration>>,
}

impl Budget {
    /// `per_hour` calls an hour, of which a minute may take three tenths: Microsoft allows 800 and
    /// 240 for its service announcements, and the same share is kept.
    pub(super) fn new(per_hour: usize) -> Self {
        let per_hour = per_hour.max(1);
        Self { per_minute: (per_hour * 3 / 10).max(1), per_hour, spent: Mutex::default() }
    }

    /// `per_minute` calls a minute, and no other limit.
    pub(super) fn a_minute(per_minute: usize) -> Self {
        Self { per_minute, per_hour: per_minute.saturating_mul(60), spent: Mutex::default() }
    }

    /// The calls that an hour may take.
    pub(super) fn per_hour(&self) -> usize {
        self.per_hour
    }

    /// The calls that a minute may take.
    pub(super) fn per_minute(&self) -> usize {
        self.per_minute
    }

    /// Takes one call, or says how long until there is one.
    pub(super) fn take(&self, now: Duration) -> Result<(), Duration> {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        while spent.front().is_some_and(|at| now.saturating_sub(*at) >= HOUR) {
            spent.pop_front();
        }
        for (window, most) in [(HOUR, self.per_hour), (MINUTE, self.per_minute)] {
            // The call that must leave the window before there is room for one more.
            let oldest = spent.len().checked_sub(most).and_then(|n| spent.get(n));
            if let Some(at) = oldest
                && now.saturating_sub(*at) < window
            {
                return Err((*at + window).saturating_sub(now));
            }
        }
        spent.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn a_minute_and_an_hour_are_both_kept() {
        let budget = Budget::new(20);
        for n in 0..6 {
            assert_eq!(budget.take(n * S), Ok(()));
        }
        assert_eq!(budget.take(6 * S), Err(54 * S), "the first leaves the minute at 60 s");
        assert_eq!(budget.take(60 * S), Ok(()));
        let mut given = 7;
        for n in 2..60 {
            for _ in 0..6 {
                given += usize::from(budget.take(n * MINUTE).is_ok());
            }
        }
        assert_eq!(given, 20, "no more in an hour");
        assert_eq!(budget.take(59 * MINUTE), Err(MINUTE));
        assert_eq!(budget.take(HOUR), Ok(()));
    }

    #[test]
    fn a_limit_of_nothing_still_lets_one_call_through() {
        let budget = Budget::new(0);
        assert_eq!(budget.take(S), Ok(()));
        assert!(budget.take(2 * S).is_err());
    }
}
