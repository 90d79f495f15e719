//! To and fro: when a check changes its answer too often. Marks, never hides.
//!
//! The method is Icinga's: the last 20 results, later changes weighing more than earlier ones (0.8
//! to 1.2), one threshold to begin and a lower one to end.

use crate::model::health::{Health, Reason};

/// Results that are looked at.
const WINDOW: u32 = 20;
/// Begins above this share of changes, in per mille.
const HIGH: u32 = 300;
/// Ends below this share of changes, in per mille.
const LOW: u32 = 250;

/// The last results of one check. Small and without alignment: there is one for each check of each
/// school.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flap {
    /// Three bits a result, the newest lowest: the window and the one before it.
    results: [u8; 8],
    seen: u8,
    /// The last reason of not knowing within the window.
    reason: Option<Reason>,
}

impl Flap {
    /// Takes in one more result.
    pub(super) fn push(&mut self, health: Health, reason: Option<Reason>) {
        let before = u64::from_le_bytes(self.results);
        self.results = ((before << 3) | health.index() as u64).to_le_bytes();
        self.seen = self.seen.saturating_add(1);
        self.reason = reason.or(self.reason);
    }

    /// Whether it goes to and fro, if it does `already` or not.
    pub(super) fn goes(&self, already: bool) -> bool {
        let share = self.share();
        if already { share >= LOW } else { share > HIGH }
    }

    /// How often the last results changed.
    pub(super) fn count(&self) -> u32 {
        self.changes().count_ones()
    }

    /// The worst of the window, with the last reason where that is unknown.
    pub(super) fn worst(&self) -> (Health, Option<Reason>) {
        let seen = u32::from(self.seen).min(WINDOW);
        let worst = (0..seen)
            .filter_map(|i| Health::ALL.get(usize::from(self.result(i))).copied())
            .max()
            .unwrap_or_default();
        (worst, self.reason.filter(|_| worst == Health::Unknown))
    }

    /// One result, 0 the newest.
    fn result(&self, i: u32) -> u8 {
        u8::try_from((u64::from_le_bytes(self.results) >> (3 * i)) & 7).unwrap_or_default()
    }

    /// One bit a result, the newest lowest: set where it differs from the one before.
    fn changes(&self) -> u32 {
        let known = u32::from(self.seen).saturating_sub(1).min(WINDOW);
        let differs = |i: &u32| self.result(*i) != self.result(i + 1);
        (0..known).filter(differs).fold(0, |all, i| all | (1 << i))
    }

    /// Weighted share of changes in per mille; the window counts in full from the start.
    fn share(&self) -> u32 {
        let changes = self.changes();
        // Weights 1.2 for the newest down to 0.82, in hundredths; their sum over 20 is 20.2.
        let weight: u32 =
            (0..WINDOW).filter(|i| changes & (1 << i) != 0).map(|i| 120 - 2 * i).sum();
        weight * 10 / WINDOW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether it goes to and fro after each of `results`, and how it is left.
    fn run(f: &mut Flap, mut goes: bool, results: &[Health]) -> bool {
        for h in results {
            f.push(*h, None);
            goes = f.goes(goes);
        }
        goes
    }

    #[test]
    fn begins_high_ends_low_and_remembers_the_worst() {
        use Health::{Critical, Ok, Warning};
        let few = [Ok, Critical, Ok, Critical, Ok];
        assert!(!run(&mut Flap::default(), false, &few), "4 changes are few");
        let mut f = Flap::default();
        let many = [Ok, Critical, Ok, Warning, Ok, Warning, Ok];
        assert!(run(&mut f, false, &many), "6 changes of 20, all of them young");
        assert_eq!((f.worst().0, f.count()), (Critical, 6));
        assert!(run(&mut f, true, &[Ok; 10]), "28 %: under the upper limit, above the lower one");
        assert!(!run(&mut f, true, &[Ok; 6]), "24.9 %");
        assert!(!run(&mut f, false, &[Ok; 20]));
        assert_eq!((f.worst().0, f.count()), (Ok, 0), "what left the window is forgotten");
    }

    #[test]
    fn looks_at_twenty_changes_and_no_more() {
        use Health::{Critical, Ok};
        assert_eq!(size_of::<Flap>(), 10);
        let mut f = Flap::default();
        run(&mut f, false, &[Ok; 5]);
        f.push(Critical, None);
        assert_eq!(f.count(), 1);
        run(&mut f, false, &[Critical; 19]);
        assert_eq!(f.count(), 1, "the change is the twentieth");
        f.push(Critical, None);
        assert_eq!(f.count(), 0, "and now the twenty-first");
        run(&mut f, false, &[Critical; 300]);
        assert_eq!((f.worst().0, f.count()), (Critical, 0));
    }
}
