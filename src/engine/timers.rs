//! What the clock alone will change, soonest first. Never looks at a clock itself.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::engine::moment::Moment;

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// A check is to be judged again.
    Slot(u32),
    /// Somebody's hold on a cell runs out.
    Handling(u32),
}

/// A heap whose entries are looked at again when they come up: what was put off meanwhile is
/// simply put back, so an answer that moves a deadline on costs nothing here.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Moment, Due)>>,
}

impl Timers {
    /// Wakes `due` at `at`, and at whatever earlier moment it was already put down for.
    pub(super) fn push(&mut self, at: Moment, due: Due) {
        self.heap.push(Reverse((at, due)));
    }

    /// Many at once; linear where one by one is not.
    pub(super) fn extend(&mut self, many: Vec<(Moment, Due)>) {
        self.heap.append(&mut many.into_iter().map(Reverse).collect());
    }

    /// Takes the next one that is due at `now`.
    pub(super) fn pop(&mut self, now: Moment) -> Option<(Moment, Due)> {
        if self.heap.peek()?.0.0 > now {
            return None;
        }
        self.heap.pop().map(|r| r.0)
    }

    /// The earliest moment at which something may be due.
    pub(super) fn next(&self) -> Option<Moment> {
        self.heap.peek().map(|r| r.0.0)
    }

    pub(super) fn clear(&mut self) {
        self.heap.clear();
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }
}
