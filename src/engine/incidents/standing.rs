//! How a cell of the board stands, as far as incidents care.

use jiff::SignedDuration;

use crate::engine::world::World;
use crate::model::cell::Row;
use crate::model::check::Scope;
use crate::model::desk::CellName;
use crate::model::incident::{Standing, Trouble, TroubleKind};

impl World {
    /// How a cell stands; well for a row or column that does not exist. Costs a look at the checks of
    /// its root, where it is in trouble.
    #[must_use]
    pub fn standing(&self, row: Row, column: u16) -> Standing {
        let here = self.plan.row(row).map(|place| (place, usize::from(column)));
        let trouble = here.and_then(|at| Some((at, self.board.trouble(at.0, at.1)?)));
        let Some((here, (health, reason, _))) = trouble.filter(|(_, t)| t.0.is_trouble()) else {
            return Standing::Well;
        };
        if !self.board.is_certain(here.0, here.1) {
            // Where nothing is asked any more, nothing will be certain.
            let is_asked = self.plan.slots_of(here.0, here.1).next().is_some();
            let follows = self.board.trouble(here.0, here.1).is_some_and(|(.., c)| c.is_some());
            return if is_asked || follows { Standing::Uncertain } else { Standing::Well };
        }
        let root = self.root(here);
        let (Some(root_name), Some(of_root)) =
            (self.cell_name(root), self.board.cell(root.0, root.1))
        else {
            return Standing::Uncertain;
        };
        let worst = self.worst_check(root);
        let spec = worst.and_then(|slot| Some(&self.plan.planned(slot)?.1.spec));
        let every = spec.map_or(0, |spec| spec.interval.as_secs_i64());
        Standing::Bad(Box::new(Trouble {
            health,
            reason,
            since: self.board.cell(here.0, here.1).and_then(|cell| cell.since),
            kind: TroubleKind {
                service: root_name.service.clone(),
                check: spec.map(|spec| spec.id.clone()),
                reason: of_root.reason,
            },
            root: root_name,
            why: of_root.why,
            every: SignedDuration::from_secs(every),
            planned: [here, root].iter().any(|at| self.board.is_in_downtime(at.0, at.1)),
        }))
    }

    /// The name of a cell.
    fn cell_name(&self, (row, column): (usize, usize)) -> Option<CellName> {
        let service = self.plan.service(column)?.key.clone();
        Some(CellName { row: self.plan.row_name(row), service })
    }

    /// The place of a cell; none if there is no such row or column.
    #[must_use]
    pub fn column_of(&self, cell: &CellName) -> Option<u16> {
        self.plan.row(cell.row)?;
        u16::try_from(self.plan.column(&cell.service)?).ok()
    }

    /// The end of the chain that a cell follows. A ring ends where it would begin again.
    fn root(&self, from: (usize, usize)) -> (usize, usize) {
        let mut at = from;
        for _ in 0..=self.plan.columns() {
            let cause = self.board.trouble(at.0, at.1).and_then(|(.., cause)| cause);
            let next = cause.and_then(|cause| {
                let row = match cause.scope {
                    Scope::Estate => self.plan.estate_row(),
                    Scope::School => at.0,
                };
                Some((row, self.plan.column(&cause.service)?))
            });
            match next {
                Some(next) if next != from && next != at => at = next,
                _ => break,
            }
        }
        at
    }

    /// The first of the checks that are as bad as the worst of a cell.
    fn worst_check(&self, (row, column): (usize, usize)) -> Option<u32> {
        let mut worst = None;
        for slot in self.plan.slots_of(row, column) {
            let Some(health) = self.stands(slot) else { continue };
            if worst.is_none_or(|(known, _)| health > known) {
                worst = Some((health, slot));
            }
        }
        worst.map(|(_, slot)| slot)
    }
}
