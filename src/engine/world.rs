//! The whole board and what judged it, to be read. What changes it stands in `change`.

use std::sync::Arc;

use jiff::Timestamp;

use crate::engine::before::Before;
use crate::engine::board::Board;
use crate::engine::change::Outcome;
use crate::engine::fall::{Fall, fall};
use crate::engine::follow::Cut;
use crate::engine::judge::Bench;
use crate::engine::mend;
use crate::engine::moment::{Moment, rounded};
use crate::engine::plan::Plan;
use crate::engine::planned::PlannedHolds;
use crate::engine::state::{Reading, State};
use crate::engine::timers::Timers;
use crate::engine::told::Names;
use crate::engine::why;
use crate::model::cell::{Cell, CheckView, Handling, Row, Split, Summary};
use crate::model::check::{CheckSpec, Fallen, Scope};
use crate::model::estate::Estate;
use crate::model::health::Health;
use crate::model::ids::{CheckId, Laestab, ServiceKey};
use crate::model::kept::{KeptPlan, Memory};
use crate::model::observation::{Number, Target};
use crate::model::span::Span;
use crate::model::text::Clean;

/// Holds that may be planned; one more is not taken.
pub(super) const MOST_PLANNED: usize = 100_000;

/// The whole board and what judged it.
pub struct World {
    pub(super) plan: Plan,
    pub(super) board: Board,
    /// One per slot of the plan.
    pub(super) states: Vec<State>,
    /// One per cell.
    pub(super) cuts: Vec<Cut>,
    /// The last certain health of each cell, and whether it followed; none until it was first judged.
    pub(super) hard: Vec<Option<(Health, bool)>>,
    /// The last known board, until its checks have been tried.
    pub(super) before: Option<Before>,
    /// When that was written.
    pub(super) written_at: Option<Timestamp>,
    pub(super) timers: Timers,
    /// Holds that have not begun, the soonest first.
    pub(super) planned: PlannedHolds,
    pub(super) names: Names,
    pub(super) now: Timestamp,
    pub(super) revision: u64,
    pub(super) untried: usize,
    pub(super) announced: bool,
}

impl World {
    /// A world in which nothing has been seen yet. `revision` is the last one that was ever given.
    #[must_use]
    pub fn new(estate: Arc<Estate>, now: Timestamp, revision: u64) -> Self {
        let plan = Plan::new(estate, now);
        let mut world = Self {
            board: Board::default(),
            states: Vec::new(),
            cuts: Vec::new(),
            hard: Vec::new(),
            before: None,
            written_at: None,
            timers: Timers::default(),
            planned: PlannedHolds::default(),
            names: Names::default(),
            now: rounded(now),
            revision,
            untried: 0,
            announced: false,
            plan: Plan::new(Arc::default(), now),
        };
        world.lay_out(plan, &mut Outcome::default());
        world
    }

    /// The configuration.
    #[must_use]
    pub fn estate(&self) -> &Arc<Estate> {
        &self.plan.estate
    }

    /// Only grows; one step that changes any cell adds one.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether every configured check has been tried once since the start.
    #[must_use]
    pub fn settled(&self) -> bool {
        self.untried == 0
    }

    /// Cells of all schools by health, kept incrementally.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.board.summary()
    }

    /// Schools by their worst cell, kept incrementally.
    #[must_use]
    pub fn schools_summary(&self) -> Summary {
        self.board.schools_summary()
    }

    /// Schools by their part of the board, kept incrementally.
    #[must_use]
    pub fn split(&self) -> Split {
        self.board.split()
    }

    /// When the clock alone may next change something; the hub ticks then at the latest. Never
    /// later than that, but sometimes earlier, when an answer has put it off meanwhile.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        [self.timers.next().map(Moment::time), self.planned.next()].into_iter().flatten().min()
    }

    /// The holds on a cell that have not begun, the soonest first.
    pub fn planned_for<'a>(
        &'a self,
        row: Row,
        service: &ServiceKey,
    ) -> impl Iterator<Item = (Timestamp, &'a Handling)> + use<'a> {
        self.planned.of(&(row, service.clone()))
    }

    /// How many more holds may be planned.
    #[must_use]
    pub fn may_plan(&self) -> usize {
        MOST_PLANNED.saturating_sub(self.planned.len())
    }

    /// Holds that have not begun, the soonest first.
    pub fn planned(&self) -> impl Iterator<Item = KeptPlan> + '_ {
        self.planned.all()
    }

    /// A cell; a blank one for a row or column that does not exist.
    #[must_use]
    pub fn cell(&self, row: Row, column: u16) -> Cell {
        let row = self.plan.row(row);
        row.and_then(|row| self.board.cell(row, usize::from(column))).unwrap_or_default()
    }

    /// The checks of a cell with their evidence: a school's own, or the estate's.
    #[must_use]
    pub fn checks(&self, row: Row, column: u16) -> Vec<CheckView> {
        let Some(row) = self.plan.row(row) else { return Vec::new() };
        self.plan.slots_of(row, usize::from(column)).filter_map(|slot| self.view(slot)).collect()
    }

    /// One check.
    #[must_use]
    pub fn check(&self, target: Target, check: &CheckId) -> Option<CheckView> {
        self.view(self.plan.slot(target, check)?)
    }

    /// What a check remembers of better days; none where there is no such check.
    #[must_use]
    pub fn memory(&self, target: Target, check: &CheckId) -> Option<Memory> {
        let slot = self.plan.slot(target, check)?;
        self.states.get(slot as usize).map(State::memory)
    }

    /// Whether these numbers would be a fall, by the check's rule and what it remembers.
    #[must_use]
    pub fn fallen(&self, target: Target, check: &CheckId, numbers: &[Number]) -> Option<Fallen> {
        let (Bench { spec, now, .. }, state) = self.bench(self.plan.slot(target, check)?)?;
        match fall((spec.drop.as_ref()?, &state.memory()), (numbers, true), now)? {
            Fall::Far { from, to, limit, .. } => Some(Fallen { from, to, limit: Some(limit) }),
            Fall::Empty { from, .. } => Some(Fallen { from, to: 0.0, limit: None }),
            Fall::Missing => None,
        }
    }

    /// Schools, worst first: nobody has it before somebody has it, own trouble before what
    /// follows, then health, reach in pupils, age, name. Sorted when read, if anything changed.
    pub fn order(&mut self) -> &[Laestab] {
        self.board.order()
    }

    /// The columns of this row that follow from `column`; for the estate's row, those in which any
    /// school's cell follows from it. Looks at every school then.
    #[must_use]
    pub fn affects(&self, row: Row, column: u16) -> Vec<u16> {
        let Some(service) = self.plan.service(usize::from(column)) else { return Vec::new() };
        let (Some(index), estate) = (self.plan.row(row), row == Row::Estate) else {
            return Vec::new();
        };
        let follows = |row: usize, other: usize| {
            let cause = self.board.trouble(row, other).and_then(|(_, _, cause)| cause);
            cause.is_some_and(|c| c.service == service.key && (!estate || c.scope == Scope::Estate))
        };
        (0..self.plan.columns())
            .filter(|other| *other != usize::from(column))
            .filter(|other| {
                let mut rows = if estate { 0..index } else { index..index + 1 };
                rows.any(|row| follows(row, *other))
            })
            .filter_map(|other| u16::try_from(other).ok())
            .collect()
    }

    /// What judging a slot needs, and its state.
    pub(super) fn bench(&self, slot: u32) -> Option<(Bench<'_>, &State)> {
        let kept = (self.before.as_ref(), self.written_at);
        Some((bench(&self.plan, slot, self.now, kept)?, self.states.get(slot as usize)?))
    }

    fn view(&self, slot: u32) -> Option<CheckView> {
        let (Bench { spec, .. }, state) = self.bench(slot)?;
        let j = &state.judged;
        let reading = state.reading.as_ref();
        let (numbers, evidence) = reading.map(|r| r.told(&self.names)).unwrap_or_default();
        Some(CheckView {
            check: spec.id.clone(),
            label: Clean::new(&spec.label),
            scope: spec.scope,
            health: j.health,
            reason: j.reason,
            why: j.why.clone(),
            rule: why::rule(spec, state),
            green_when: mend::of_check(spec, state),
            soft: j.soft,
            tries: (state.streak, spec.tries),
            since: j.since(),
            observed_at: reading.map(Reading::observed_at),
            source_at: reading.and_then(Reading::source_at),
            good_at: state.good_at(),
            fresh_until: reading.map(|r| fresh_until(spec, r.observed_at())),
            numbers,
            evidence,
            windows: state.windows(self.now),
        })
    }
}

/// What judging `slot` needs; `kept` is the board of before the restart and when it was written.
pub(super) fn bench<'a>(
    plan: &'a Plan,
    slot: u32,
    now: Timestamp,
    kept: (Option<&Before>, Option<Timestamp>),
) -> Option<Bench<'a>> {
    let (place, planned) = plan.planned(slot)?;
    let (row, spec) = (place.row as usize, &planned.spec);
    let before = kept.0.and_then(|before| before.pending(row, planned.column, spec));
    Some(Bench { spec, hours: plan.hours(row)?, now, before, written_at: kept.1 })
}

/// Until when an answer of `observed_at` counts.
pub(super) fn fresh_until(spec: &CheckSpec, observed_at: Timestamp) -> Timestamp {
    crate::engine::hours::later(observed_at, spec.fresh_for.max(Span::from_secs(1)))
}
