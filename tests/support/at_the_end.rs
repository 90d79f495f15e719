//! The end of a stage whose agent goes with it.

use crate::slow_reader::SlowReader;

/// Holds the slow reader against the board, unless the test has failed already. Where an agent was killed
/// there is none.
pub fn at_the_end(slow: &mut Option<SlowReader>) {
    if let Some(slow) = slow.take()
        && !std::thread::panicking()
    {
        slow.ends_with_the_board();
    }
}
