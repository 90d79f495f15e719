//! To and fro: when a check changes its answer too often. Marks, never hides.
//!
//! The method is Icinga's: the last 20 results, later changes weighing more than earlier ones (0.8
//! to 1.2), one threshold to begin and a lower one to end.

use jiff::Timestamp;

use crate::model::health::{Health, Reason};

/// Results that are looked at.
const WINDOW: u32 = 20;
/// Begins above this share of changes, in per mille.
const HIGH: u32 = 300;
/// Ends below this share of changes, in per mille.
const LOW: u32 = 250;

/// The last results of one check.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flap {
    /// Three bits a result, the newest lowest.
    results: u64,
    /// One bit a result: set where it differs from the one before.
    changes: u32,
    seen: u8,
    /// Since when it goes to and fro.
    began: Option<Timestamp>,
    /// The last reason of not knowing within the window.
    reason: Option<Reason>,
}

impl Flap {
    /// Takes in one more result.
    pub(super) fn push(&mut self, health: Health, reason: Option<Reason>, now: Timestamp) {
        let before = if self.seen == 0 { health.index() } else { self.newest() };
        self.seen = self.seen.saturating_add(1);
        self.results = (self.results << 3) | health.index() as u64;
        self.changes =
            ((self.changes << 1) | u32::from(before != health.index())) & ((1 << WINDOW) - 1);
        self.reason = reason.or(self.reason);
        let share = self.share();
        match self.began {
            None if share > HIGH => self.began = Some(now),
            Some(_) if share < LOW => self.began = None,
            _ => {}
        }
    }

    /// Since when it goes to and fro, if it does.
    pub(super) fn began(&self) -> Option<Timestamp> {
        self.began
    }

    /// How often the last results changed.
    pub(super) fn count(&self) -> u32 {
        self.changes.count_ones()
    }

    /// The worst of the window, with the last reason where that is unknown.
    pub(super) fn worst(&self) -> (Health, Option<Reason>) {
        let seen = u32::from(self.seen).min(WINDOW);
        let worst = (0..seen)
            .filter_map(|i| Health::ALL.get(((self.results >> (3 * i)) & 7) as usize).copied())
            .max()
            .unwrap_or_default();
        (worst, self.reason.filter(|_| worst == Health::Unknown))
    }

    fn newest(&self) -> usize {
        (self.results & 7) as usize
    }

    /// Weighted share of changes in per mille; the window counts in full from the start.
    fn share(&self) -> u32 {
        if self.changes == 0 {
            return 0;
        }
        // Weights 1.2 for the newest down to 0.82, in hundredths; their sum over 20 is 20.2.
        let weight: u32 =
            (0..WINDOW).filter(|i| self.changes & (1 << i) != 0).map(|i| 120 - 2 * i).sum();
        weight * 10 / WINDOW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(results: &[Health]) -> Flap {
        let mut f = Flap::default();
        for h in results {
            f.push(*h, None, Timestamp::UNIX_EPOCH);
        }
        f
    }

    #[test]
    fn begins_high_ends_low_and_remembers_the_worst() {
        use Health::{Critical, Ok, Warning};
        assert!(run(&[Ok, Critical, Ok, Critical, Ok]).began().is_none(), "4 changes are few");
        let mut f = run(&[Ok, Critical, Ok, Warning, Ok, Warning, Ok]);
        assert!(f.began().is_some(), "6 changes of 20, all of them young");
        assert_eq!(f.worst().0, Critical);
        for _ in 0..10 {
            f.push(Ok, None, Timestamp::UNIX_EPOCH);
        }
        assert!(f.began().is_some(), "28 %: under the upper limit, still above the lower one");
        for _ in 0..6 {
            f.push(Ok, None, Timestamp::UNIX_EPOCH);
        }
        assert!(f.began().is_none(), "24.9 %");
        for _ in 0..20 {
            f.push(Ok, None, Timestamp::UNIX_EPOCH);
        }
        assert!(f.began().is_none());
        assert_eq!(f.worst().0, Ok, "what left the window is forgotten");
    }
}
