//! Who has a cell, until when, and what is planned. Knows nothing of health but whether there is any.

use jiff::Timestamp;

use crate::engine::Effect;
use crate::engine::change::Outcome;
use crate::engine::moment::Moment;
use crate::engine::timers::Due;
use crate::engine::world::World;
use crate::model::cell::{Cell, Handling, HandlingKind, Row};
use crate::model::health::Health;
use crate::model::ids::ServiceKey;

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
                if self.may_plan() > 0 {
                    self.planned.put((name, service), from, later.clone());
                    out.effects.push(Effect::Planned);
                }
                return;
            }
            (None, _) => {
                if self.planned.clear(&(name, service)) {
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
        while let Some(((row, service), handling)) = self.planned.pop(self.now) {
            out.effects.push(Effect::Planned);
            if !self.is_longer_down((row, &service), &handling) {
                self.handled((row, service), None, Some(handling), out);
            }
        }
    }

    /// Whether a downtime is under way that lasts at least as long as one that begins.
    fn is_longer_down(&self, (row, service): (Row, &ServiceKey), begins: &Handling) -> bool {
        let place = self.plan.row(row).zip(self.plan.column(service));
        let has = place.and_then(|(row, column)| self.board.cell(row, column)?.handling);
        has.is_some_and(|has| {
            has.kind == HandlingKind::Downtime
                && begins.kind == HandlingKind::Downtime
                && has.until.is_none_or(|until| begins.until.is_some_and(|other| other <= until))
        })
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
