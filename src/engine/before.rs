//! The last known board after a restart, cell by cell, until its checks have been tried.

use jiff::Timestamp;

use crate::engine::board::{Board, Place};
use crate::engine::moment::Moment;
use crate::engine::world::fresh_until;
use crate::model::cell::Cell;
use crate::model::check::{CheckSpec, Scope};
use crate::model::health::{Health, Reason};

/// What a cell was before the restart, as far as one of its checks may go on from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pending {
    /// Until when it counts without an answer.
    pub(super) until: Timestamp,
    pub(super) since: Option<Moment>,
    pub(super) health: Health,
    pub(super) soft: bool,
    /// Whether the trouble was its own, not another cell's.
    pub(super) own: bool,
}

/// Cells as they were last written.
#[derive(Debug)]
pub(super) struct Before {
    /// Where nothing is kept the cell is blank. `state_since` says when a cell was written.
    board: Board,
    left: usize,
}

impl Before {
    pub(super) fn new(places: Vec<Place>, columns: usize) -> Self {
        Self { board: Board::new(places, columns), left: 0 }
    }

    /// Whether nothing is kept any more.
    pub(super) fn is_over(&self) -> bool {
        self.left == 0
    }

    /// Keeps a cell that was written at `at`.
    pub(super) fn keep(&mut self, row: usize, column: usize, at: Timestamp, cell: Cell) {
        self.put(row, column, Cell { state_since: Some(at), ..cell });
    }

    /// Takes over a cell of another one.
    pub(super) fn put(&mut self, row: usize, column: usize, cell: Cell) {
        self.forget(row, column);
        if cell.health != Health::NotSubscribed {
            self.left += 1;
            self.board.put(row, column, cell);
        }
    }

    pub(super) fn forget(&mut self, row: usize, column: usize) {
        if self.holds(row, column) {
            self.left -= 1;
            self.board.put(row, column, Cell::default());
        }
    }

    /// Whether a cell is kept.
    pub(super) fn holds(&self, row: usize, column: usize) -> bool {
        let trouble = self.board.trouble(row, column);
        trouble.is_some_and(|(health, ..)| health != Health::NotSubscribed)
    }

    /// The cell as it was, if it is kept.
    pub(super) fn cell(&self, row: usize, column: usize) -> Option<Cell> {
        self.board.cell(row, column).filter(|cell| cell.health != Health::NotSubscribed)
    }

    /// What a check of this cell may go on from.
    pub(super) fn pending(&self, row: usize, column: usize, spec: &CheckSpec) -> Option<Pending> {
        let cell = self.cell(row, column)?;
        Some(Pending {
            until: fresh_until(spec, cell.state_since?),
            health: cell.health,
            since: cell.since.map(Moment::of),
            soft: cell.soft,
            // What follows from its own service's shared part is in trouble itself.
            own: cell.follows_from.as_ref().is_none_or(|cause| {
                cause.scope == Scope::Estate
                    && spec.id.is_of(&cause.service)
                    && !spec.shared.is_empty()
            }) && cell.reason != Some(Reason::NeverSeen),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_once_the_last_cell_was_forgotten() {
        let place = Place { laestab: "9991001".parse().unwrap(), rank: 0, pupils: 1 };
        let mut before = Before::new(vec![place; 2], 2);
        let cell = Cell { health: Health::Warning, ..Cell::default() };
        assert!(before.is_over());
        for (row, column) in [(0, 0), (1, 1), (1, 1)] {
            before.keep(row, column, Timestamp::UNIX_EPOCH, cell.clone());
        }
        before.forget(0, 1);
        before.forget(0, 0);
        assert!(!before.is_over() && before.holds(1, 1));
        before.forget(1, 1);
        assert!(before.is_over());
        before.forget(1, 1);
        assert!(before.is_over());
    }
}
