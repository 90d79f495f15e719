//! Times as the world keeps them: eight bytes, to the microsecond.

use std::num::NonZeroI64;

use jiff::Timestamp;

/// A moment, rounded down to the microsecond. `Option<Moment>` is no larger: at the stress size
/// there are millions of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Moment(NonZeroI64);

/// Microseconds from 1970 back to before the first of all timestamps (the year -9999 begins
/// 3.78e17 earlier), so that what is kept is never zero.
const BEGINNING: i64 = 400_000_000_000_000_000;

impl Moment {
    /// `at`, rounded down.
    pub(super) fn of(at: Timestamp) -> Self {
        // The library rounds towards 1970: before that, up.
        let up = at.subsec_nanosecond() % 1_000 < 0;
        Self::counted(at.as_microsecond() - i64::from(up))
    }

    /// The first moment that is not before `at`.
    pub(super) fn not_before(at: Timestamp) -> Self {
        let down = Self::of(at);
        if down.time() >= at { down } else { Self::counted(down.count() + 1) }
    }

    /// As everybody else has it.
    pub(super) fn time(self) -> Timestamp {
        Timestamp::from_microsecond(self.count()).unwrap_or(Timestamp::MAX)
    }

    fn counted(microseconds: i64) -> Self {
        Self(NonZeroI64::new(microseconds + BEGINNING).unwrap_or(NonZeroI64::MIN))
    }

    fn count(self) -> i64 {
        self.0.get() - BEGINNING
    }
}

/// `at` rounded down to what a [`Moment`] holds.
pub(super) fn rounded(at: Timestamp) -> Timestamp {
    Moment::of(at).time()
}

/// The earlier of two, where there are two.
pub(super) fn earlier(a: Option<Moment>, b: Option<Moment>) -> Option<Moment> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_down_on_both_sides_of_1970() {
        assert_eq!(size_of::<Option<Moment>>(), 8);
        for (at, down, up) in [
            ((5, 1_999), (5, 1_000), (5, 2_000)),
            ((5, 2_000), (5, 2_000), (5, 2_000)),
            ((-5, -1_001), (-5, -2_000), (-5, -1_000)),
            ((-5, -1_000), (-5, -1_000), (-5, -1_000)),
            ((0, -1), (0, -1_000), (0, 0)),
            ((0, 0), (0, 0), (0, 0)),
        ] {
            let stamp = |(s, ns)| Timestamp::new(s, ns).unwrap();
            assert_eq!(rounded(stamp(at)), stamp(down), "{at:?}");
            assert_eq!(Moment::not_before(stamp(at)).time(), stamp(up), "{at:?}");
        }
    }

    #[test]
    fn holds_all_of_time_in_its_order() {
        let (first, last) = (Moment::of(Timestamp::MIN), Moment::of(Timestamp::MAX));
        assert!(
            first < Moment::of(Timestamp::UNIX_EPOCH) && Moment::of(Timestamp::UNIX_EPOCH) < last
        );
        assert_eq!(first.time(), Timestamp::MIN);
        assert!(last.time() <= Timestamp::MAX);
        assert_eq!(Moment::not_before(Timestamp::MAX).time(), Timestamp::MAX);
    }

    proptest::proptest! {
        #[test]
        fn is_never_later_and_less_than_a_microsecond_earlier(
            s in -377_705_000_000_i64..253_402_000_000,
            ns in 0_i32..1_000_000_000,
        ) {
            let at = Timestamp::new(s, 0).unwrap() + jiff::SignedDuration::from_nanos(ns.into());
            let lost = at.duration_since(rounded(at)).as_nanos();
            proptest::prop_assert!((0..1_000).contains(&lost), "{}", lost);
        }
    }
}
