//! Who has a cell, until when, and what is planned. Knows nothing of health but whether there is any.

use jiff::Timestamp;

use crate::engine::Effect;
use crate::engine::change::Outcome;
use crate::engine::moment::Moment;
use crate::engine::timers::Due;
use crate::engine::world::World;
use crate::model::cell::{Cell, Handling, Row};
use crate::model::health::Health;
use crate::model::ids::ServiceKey;

/// Holds that may be planned; one more is not taken.
const MOST_PLANNED: usize = 100_000;

impl World {
    pub(super) fn handled(
        &mut self,
        (name, service): (Row, ServiceKey),
        from: Option<Timestamp>,
        handling: Option<Handling>,
        out: &mut Outcome,
    ) {
        let (Some(row), Some(column)) = (self.plan.row(name), self.plan.column(&service)) else {
            return;
        };
        let Some(old) = self.board.cell(row, column) else { return };
        if old.health == Health::NotSubscribed {
            return;
        }
        match (&handling, from.filter(|from| *from > self.now)) {
            (Some(later), Some(from)) => {
                if self.planned.len() < MOST_PLANNED {
                    self.planned.insert((from, name, service), later.clone());
                    out.effects.push(Effect::Planned);
                }
                return;
            }
            (None, _) => {
                let before = self.planned.len();
                self.planned.retain(|(_, row, key), _| (*row, key) != (name, &service));
                if self.planned.len() < before {
                    out.effects.push(Effect::Planned);
                }
            }
            (Some(_), None) => {}
        }
        let is_over = handling.as_ref().and_then(|h| h.until).is_some_and(|u| u <= self.now);
        if is_over || old.handling == handling {
            return;
        }
        if let Some(until) = handling.as_ref().and_then(|h| h.until) {
            let index = u32::try_from(row * self.plan.columns() + column).unwrap_or(u32::MAX);
            self.timers.push(Moment::not_before(until), Due::Handling(index));
        }
        let cell = Cell { handling, ..old };
        self.put(row, column, cell, out);
    }

    /// What was planned for now begins.
    pub(super) fn begin_planned(&mut self, out: &mut Outcome) {
        while let Some(first) = self.planned.first_entry()
            && first.key().0 <= self.now
        {
            let ((_, row, service), handling) = first.remove_entry();
            out.effects.push(Effect::Planned);
            self.handled((row, service), None, Some(handling), out);
        }
    }

    /// A hold runs out.
    pub(super) fn handling_due(&mut self, index: usize, out: &mut Outcome) {
        let columns = self.plan.columns();
        let (row, column) = (index / columns.max(1), index % columns.max(1));
        let Some(cell) = self.board.cell(row, column) else { return };
        let over = cell.handling.as_ref().and_then(|h| h.until).is_some_and(|u| u <= self.now);
        if over {
            let cell = Cell { handling: None, ..cell };
            self.put(row, column, cell, out);
        }
    }

    /// Sees to it that a hold runs out.
    pub(super) fn wake_handling(&mut self, index: usize, cell: &Cell) {
        if let Some(until) = cell.handling.as_ref().and_then(|h| h.until) {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            self.timers.push(Moment::not_before(until), Due::Handling(index));
        }
    }
}
