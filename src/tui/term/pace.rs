//! How often a frame is written, by how long the terminal takes for it.
//!
//! A line that cannot keep up makes the writing wait. What an SSH connection buffers on the way is not
//! seen: there `--slow` has to be asked for.

use std::time::Duration;

/// Between two frames that changes from the wire cause.
const QUICK: Duration = Duration::from_millis(100);
/// The same on a slow line.
const SLOW: Duration = Duration::from_millis(500);
/// A frame that took longer counts as held up.
const HELD_UP: Duration = Duration::from_millis(250);
/// So many held up in a row make a line slow.
const TO_SLOW: u8 = 3;
/// So many in a row that were not make it quick again.
const TO_QUICK: u8 = 60;

/// The pace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    asked: bool,
    slow: bool,
    in_a_row: u8,
}

impl Pace {
    /// Slow for good where it was asked for.
    #[must_use]
    pub fn new(slow: bool) -> Self {
        Self { asked: slow, slow, in_a_row: 0 }
    }

    /// Whether the line counts as slow.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.slow
    }

    /// The least time between two frames.
    #[must_use]
    pub fn gap(&self) -> Duration {
        if self.slow { SLOW } else { QUICK }
    }

    /// Whether a frame may be written now, after the last one; what a key caused may be at once.
    #[must_use]
    pub fn may_draw(&self, last: Option<Duration>, now: Duration, is_urgent: bool) -> bool {
        is_urgent || last.is_none_or(|at| now >= at + self.gap())
    }

    /// A frame took so long to be written. Tells what is new of the line.
    pub fn wrote(&mut self, took: Duration) -> Option<&'static str> {
        if self.asked {
            return None;
        }
        if (took >= HELD_UP) == self.slow {
            self.in_a_row = 0;
            return None;
        }
        self.in_a_row += 1;
        if self.in_a_row < if self.slow { TO_QUICK } else { TO_SLOW } {
            return None;
        }
        (self.slow, self.in_a_row) = (!self.slow, 0);
        Some(if self.slow {
            "this line is slow: two frames a second now, without tints (--slow: always)"
        } else {
            "the line keeps up again"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_gets_slow_by_three_in_a_row_and_quick_again_by_many() {
        let (held_up, quick) = (Duration::from_millis(300), Duration::from_millis(2));
        let mut pace = Pace::new(false);
        for took in [held_up, held_up, quick, held_up, held_up] {
            assert_eq!(pace.wrote(took), None);
        }
        assert!(!pace.is_slow());
        assert!(pace.wrote(held_up).unwrap().contains("--slow"));
        assert_eq!((pace.is_slow(), pace.gap()), (true, SLOW));
        for _ in 1..TO_QUICK {
            assert_eq!(pace.wrote(quick), None);
        }
        assert_eq!(pace.wrote(held_up), None, "from the beginning");
        for _ in 1..TO_QUICK {
            assert_eq!(pace.wrote(quick), None);
        }
        assert!(pace.wrote(quick).is_some());
        assert_eq!((pace.is_slow(), pace.gap()), (false, QUICK));
    }

    #[test]
    fn ten_frames_a_second_at_most_two_on_a_slow_line_and_a_key_is_answered_at_once() {
        let ms = Duration::from_millis;
        for (pace, gap) in [(Pace::new(false), 100), (Pace::new(true), 500)] {
            assert!(pace.may_draw(None, ms(0), false), "the first");
            let last = Some(ms(7_000));
            assert!(!pace.may_draw(last, ms(7_000 + gap - 1), false));
            assert!(pace.may_draw(last, ms(7_000 + gap), false));
            assert!(pace.may_draw(last, ms(7_001), true));
        }
    }

    #[test]
    fn what_was_asked_for_stays() {
        let mut pace = Pace::new(true);
        for _ in 0..200 {
            assert_eq!(pace.wrote(Duration::ZERO), None);
        }
        assert!(pace.is_slow());
    }
}
