//! What changes the world: one event at one moment, and what follows from it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::engine::before::Before;
use crate::engine::board::Board;
use crate::engine::cell::{self, Trouble};
use crate::engine::follow::{Cut, bit};
use crate::engine::judge::Bench;
use crate::engine::moment::{Moment, earlier, rounded};
use crate::engine::plan::Plan;
use crate::engine::state::{Seen, State};
use crate::engine::timers::Due;
use crate::engine::world::{World, bench};
use crate::engine::{Effect, Event};
use crate::model::cell::{Cause, Cell, Handling, StateChange};
use crate::model::check::Scope;
use crate::model::estate::Estate;
use crate::model::health::{Health, Reason};
use crate::model::kept::{KeptCell, KeptMemory};
use crate::model::observation::Observation;
use crate::model::text::Clean;

/// What a step has brought about so far.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) effects: Vec<Effect>,
    changed: bool,
    /// Clients fetch the whole board anyway: single changes need no word.
    reset: bool,
}

/// One event at one moment. Time never goes back: an earlier `at` counts as the latest one.
pub fn step(world: &mut World, at: Timestamp, event: Event) -> Vec<Effect> {
    world.now = world.now.max(rounded(at));
    let mut out = Outcome::default();
    match event {
        Event::Tick => {}
        Event::Observed(seen) => world.observed(seen, &mut out),
        Event::Configured(estate) => world.configured(estate, &mut out),
        Event::Restored { written_at, cells, memories } => {
            world.restored(written_at, cells, memories, &mut out);
        }
        Event::Handled { row, service, from, handling } => {
            world.handled((row, service), from, handling, &mut out);
        }
    }
    world.run_due(&mut out);
    world.finish(out)
}

impl World {
    fn finish(&mut self, mut out: Outcome) -> Vec<Effect> {
        if out.changed || out.reset {
            self.revision = self.revision.saturating_add(1);
        }
        if self.untried == 0 && !self.announced {
            self.announced = true;
            out.effects.push(Effect::Settled);
        }
        out.effects
    }

    fn observed(&mut self, seen: Observation, out: &mut Outcome) {
        let Some(slot) = self.plan.slot(seen.target, &seen.check) else { return };
        let (target, check) = (seen.target, seen.check.clone());
        let Some(was_tried) = self.states.get(slot as usize).map(|s| s.tried) else { return };
        let kept = (self.before.as_ref(), self.written_at);
        let Some(bench) = bench(&self.plan, slot, self.now, kept) else { return };
        let Some(state) = self.states.get_mut(slot as usize) else { return };
        let Seen { learned, differs } = state.observe(&bench, &mut self.names, seen);
        if !was_tried {
            self.untried = self.untried.saturating_sub(1);
        }
        if learned && let Some(state) = self.states.get(slot as usize) {
            let memory = state.memory();
            out.effects.push(Effect::Remember(KeptMemory { target, check, memory }));
        }
        self.arm(slot);
        if differs {
            self.ripple(slot, out);
        }
    }

    /// Lends the state of a slot with what judging needs.
    fn with_state<T>(
        &mut self,
        slot: u32,
        f: impl FnOnce(&mut State, &Bench<'_>) -> T,
    ) -> Option<T> {
        let kept = (self.before.as_ref(), self.written_at);
        let bench = bench(&self.plan, slot, self.now, kept)?;
        self.states.get_mut(slot as usize).map(|state| f(state, &bench))
    }

    /// Puts a slot among the timers, unless it is there early enough.
    fn arm(&mut self, slot: u32) {
        let Some(state) = self.states.get_mut(slot as usize) else { return };
        if let Some(next) = state.next
            && state.woken_at.is_none_or(|w| next < w)
        {
            state.woken_at = Some(next);
            self.timers.push(next, Due::Slot(slot));
        }
    }

    fn run_due(&mut self, out: &mut Outcome) {
        if self.plan.hours_are_outdated(self.now) {
            self.plan.lay_hours(self.now);
        }
        self.begin_planned(out);
        while let Some((at, due)) = self.timers.pop(Moment::of(self.now)) {
            match due {
                Due::Slot(slot) => self.slot_due(slot, at, out),
                Due::Handling(index) => self.handling_due(index as usize, out),
            }
        }
    }

    fn slot_due(&mut self, slot: u32, at: Moment, out: &mut Outcome) {
        let Some(state) = self.states.get_mut(slot as usize) else { return };
        if state.woken_at != Some(at) {
            return;
        }
        state.woken_at = None;
        let due = state.next.is_some_and(|next| next <= Moment::of(self.now));
        let differs = due && self.with_state(slot, |s, bench| s.settle(bench)).unwrap_or(false);
        self.arm(slot);
        if differs {
            self.ripple(slot, out);
        }
    }

    pub(super) fn put(&mut self, row: usize, column: usize, cell: Cell, out: &mut Outcome) {
        self.board.put(row, column, cell);
        out.changed = true;
        if !out.reset {
            let column = u16::try_from(column).unwrap_or(u16::MAX);
            out.effects.push(Effect::Changed { row: self.plan.row_name(row), column });
        }
    }

    /// A slot's judgement is another: its cell, and whatever hangs on that.
    fn ripple(&mut self, slot: u32, out: &mut Outcome) {
        let Some((place, planned)) = self.plan.planned(slot) else { return };
        let (row, column) = (place.row as usize, planned.column);
        let cut = self.cut(row, column);
        let index = row * self.plan.columns() + column;
        let spreads = self.cuts.get(index).is_some_and(|c| *c != cut);
        if let Some(c) = self.cuts.get_mut(index) {
            *c = cut;
        }
        let estate = row == self.plan.estate_row();
        let inherits = self.refresh(row, column, out) && estate;
        let shares = self.plan.shares(column);
        let rows = if estate { 0..row } else { row..row + 1 };
        if inherits || (estate && shares) {
            for school in rows.clone() {
                self.refresh(school, column, out);
            }
        }
        // Whether a trouble is shared may be another matter now though neither cut nor cell is.
        if spreads || shares {
            for school in rows {
                self.refresh_followers(school, column, out);
            }
        }
    }

    fn refresh_followers(&mut self, school: usize, column: usize, out: &mut Outcome) {
        for follower in self.plan.graph.followers(column).to_vec() {
            self.refresh(school, follower, out);
        }
    }

    /// What a cell's own checks cut for others.
    fn cut(&self, row: usize, column: usize) -> Cut {
        let mut cut = Cut::default();
        if !self.plan.emits(column) {
            return cut;
        }
        for slot in self.plan.slots_of(row, column) {
            let Some((bench, state)) = self.bench(slot) else { continue };
            if bench.spec.emits.is_empty() || !cell::is_real_trouble(&bench, state) {
                continue;
            }
            let bits = bench.spec.emits.iter().fold(0, |all, f| all | bit(*f));
            let (soft, since) = match state.pending(&bench) {
                Some(p) => (p.soft, p.since),
                None => (state.judged.soft, state.judged.since().map(Moment::of)),
            };
            cut.any |= bits;
            cut.hard |= if soft { 0 } else { bits };
            cut.since = earlier(cut.since, since);
        }
        cut
    }

    /// Makes a cell anew; true if it is drawn or said differently now.
    fn refresh(&mut self, row: usize, column: usize, out: &mut Outcome) -> bool {
        self.forget_snapshot(row, column);
        let mut new = self.fresh(row, column);
        let Some(old) = self.board.cell(row, column) else { return false };
        let index = row * self.plan.columns() + column;
        let same = old.health == new.health;
        new.state_since = if same && old.state_since.is_some() {
            old.state_since
        } else {
            Some(self.now).filter(|_| new.health != Health::NotSubscribed)
        };
        if new.health == Health::Ok {
            new.since = if same { old.since } else { None }.or(Some(self.now));
        }
        new.handling = old.handling.clone().filter(|_| new.health != Health::NotSubscribed);
        let after = (new.health, new.follows_from.is_some());
        let differs = self.hard.get(index) != Some(&Some(after)) || cell::is_unasked(&old);
        if !new.soft && !cell::is_unasked(&new) && differs {
            let stays = |had: &Handling| had.until.is_some() && !had.kind.ends_with_change();
            new.handling = new.handling.take().filter(stays);
            self.harden(row, column, after, &new, out);
        }
        if old == new {
            return false;
        }
        if new.follows_from.is_some() {
            new.why = self.names.shared(new.why);
        }
        if cell::is_drawn_alike(&old, &new) {
            self.board.put(row, column, new);
        } else {
            self.put(row, column, new, out);
        }
        true
    }

    /// What was known before the restart is over once no check of the cell waits for its answer.
    fn forget_snapshot(&mut self, row: usize, column: usize) {
        let Some(before) = self.before.as_mut().filter(|b| b.holds(row, column)) else { return };
        let state = |s: u32| self.states.get(s as usize);
        if self.plan.slots_of(row, column).filter_map(state).any(State::is_pending) {
            return;
        }
        before.forget(row, column);
        if before.is_over() {
            self.before = None;
        }
    }

    /// A certain change, for history. That a cell is well when it is first judged is no news: before,
    /// nobody had looked; nor that a service is not taken any more. Both are kept all the same, so that the
    /// past knows from when on it was well, and until when it was taken.
    fn harden(
        &mut self,
        row: usize,
        column: usize,
        after: (Health, bool),
        new: &Cell,
        out: &mut Outcome,
    ) {
        let Some(hard) = self.hard.get_mut(row * self.plan.columns() + column) else { return };
        let taken = after.0 != Health::NotSubscribed;
        let before = std::mem::replace(hard, Some(after).filter(|_| taken));
        let Some(service) = self.plan.service(column) else { return };
        let from = before.map_or(Health::Unknown, |(health, _)| health);
        let first = before.is_none();
        let nothing_seen = from == after.0 && new.reason == Some(Reason::NeverSeen);
        if before == Some(after) || (first && !taken) {
            return;
        }
        let change = StateChange {
            at: self.now,
            service: service.key.clone(),
            from,
            to: after.0,
            reason: new.reason,
            follows: after.1,
            first,
            why: new.why.clone(),
        };
        let row = self.plan.row_name(row);
        out.effects.push(if !taken || nothing_seen || (first && !after.0.is_trouble()) {
            Effect::Noted { row, change }
        } else {
            Effect::History { row, change }
        });
    }

    /// A cell by all rules, without its times and its handling.
    fn fresh(&self, row: usize, column: usize) -> Cell {
        let own = self.own(row, column, |_| true);
        let Some(service) = self.plan.service(column) else { return Cell::default() };
        if row == self.plan.estate_row() {
            return own.unwrap_or_else(|| {
                let why = if service.checks.is_empty() {
                    "not watched: no source is configured"
                } else {
                    "nothing is asked about the whole estate"
                };
                cell::without_checks(Health::NotSubscribed, None, why)
            });
        }
        if !self.plan.takes(row, column) {
            return Cell::default();
        }
        if service.checks.is_empty() {
            let why = "not watched: no source is configured";
            return cell::without_checks(Health::NotSubscribed, None, why);
        }
        let estate = self.spreading(column);
        let mut new = match own {
            Some(own) => own,
            None if self.plan.asks_schools(column) => {
                let why = "not watched: no check is configured for this school";
                let mut new = cell::without_checks(Health::Unknown, Some(Reason::NeverSeen), why);
                if let Some(estate) = estate.filter(|e| e.health == Health::Unknown) {
                    new.health = Health::Ok;
                    cell::inherit(&mut new, &estate, &service.key);
                }
                return new;
            }
            None => cell::only_estate(estate.as_ref()),
        };
        if self.is_shared(row, column, &new) {
            cell::share(&mut new, &service.key);
        }
        if let Some(estate) = estate {
            cell::inherit(&mut new, &estate, &service.key);
        }
        cell::follow(&mut new, &self.causes(row, column));
        new
    }

    /// The worst of a cell's own checks of which `counts` holds; as before a restart while they have
    /// not been asked.
    fn own(&self, row: usize, column: usize, counts: impl Fn(u32) -> bool) -> Option<Cell> {
        let slots = self.plan.slots_of(row, column).filter(|s| counts(*s));
        let states = slots.filter_map(|s| self.states.get(s as usize));
        let kept = self.before.as_ref().and_then(|before| before.cell(row, column));
        let asked = |s: &&State| kept.is_none() || !s.is_pending();
        let own = cell::worst(states.filter(asked).map(|s| &s.judged));
        match kept {
            Some(kept) => {
                let shared = kept.follows_from.as_ref().is_some_and(|c| self.is_of(column, c));
                Some(cell::last_known(own, &kept, shared && self.plan.shares(column)))
            }
            None => own,
        }
    }

    /// Whether a cause is the estate's trouble of the same service.
    fn is_of(&self, column: usize, cause: &Cause) -> bool {
        let key = self.plan.service(column).map(|s| &s.key);
        cause.scope == Scope::Estate && Some(&cause.service) == key
    }

    /// Whether all that makes a school's cell bad is of things that it shares with others, and the
    /// estate's row tells the same of them.
    fn is_shared(&self, row: usize, column: usize, cell: &Cell) -> bool {
        if !self.plan.shares(column) || !cell.health.is_trouble() || cell::is_unasked(cell) {
            return false;
        }
        let as_bad = |slot: &u32| self.stands(*slot) == Some(cell.health);
        let mut worst = self.plan.slots_of(row, column).filter(as_bad).peekable();
        worst.peek().is_some()
            && worst.all(|slot| self.plan.shared(slot).is_some_and(|other| as_bad(&other)))
    }

    /// The health of a check, as before a restart while it has not been asked.
    pub(super) fn stands(&self, slot: u32) -> Option<Health> {
        let (bench, state) = self.bench(slot)?;
        Some(state.pending(&bench).map_or(state.judged.health, |p| p.health))
    }

    /// The estate's cell as schools inherit it: without the checks that stay with the estate.
    fn spreading(&self, column: usize) -> Option<Cell> {
        let row = self.plan.estate_row();
        if !self.plan.stays(column) {
            return self.board.cell(row, column);
        }
        let spreads = |slot| self.plan.planned(slot).is_some_and(|(_, p)| !p.spec.stays);
        let any = self.plan.slots_of(row, column).any(spreads);
        if any { self.own(row, column, spreads) } else { None }
    }

    /// What this cell depends on and is in trouble, the most telling first.
    fn causes(&self, row: usize, column: usize) -> Vec<Trouble<'_>> {
        let estate = self.plan.estate_row();
        let mut out = Vec::new();
        for source in self.plan.graph.sources(column) {
            if !self.plan.takes(row, source.column) {
                continue;
            }
            let Some(service) = self.plan.service(source.column) else { continue };
            for (at, scope) in [(estate, Scope::Estate), (row, Scope::School)] {
                let index = at * self.plan.columns() + source.column;
                let Some(cut) = self.cuts.get(index) else { continue };
                if cut.any & bit(source.flow) != 0 {
                    let cause = self.board.trouble(at, source.column).and_then(|(.., c)| c);
                    let shared = self.plan.shares(source.column)
                        && cause.is_some_and(|c| self.is_of(source.column, c));
                    out.push(Trouble {
                        key: &service.key,
                        label: &service.label,
                        scope: if shared { Scope::Estate } else { scope },
                        shared,
                        flow: source.flow,
                        soft: cut.hard & bit(source.flow) == 0,
                        since: cut.since.map(Moment::time),
                    });
                }
            }
        }
        out
    }

    fn configured(&mut self, estate: Arc<Estate>, out: &mut Outcome) {
        out.reset = true;
        out.effects.push(Effect::Reset);
        let plan = Plan::new(estate, self.now);
        self.lay_out(plan, out);
    }

    /// Takes `plan`, and moves into it what still exists.
    pub(super) fn lay_out(&mut self, plan: Plan, out: &mut Outcome) {
        let old_plan = std::mem::replace(&mut self.plan, plan);
        let mut old_states: Vec<Option<State>> =
            std::mem::take(&mut self.states).into_iter().map(Some).collect();
        self.states.reserve_exact(self.plan.slots.len());
        for slot in &self.plan.slots {
            let target = self.plan.target(slot.row as usize);
            let old = self.plan.checks.get(slot.check as usize).and_then(|planned| {
                let old = old_plan.slot(target, &planned.spec.id)?;
                old_states.get_mut(old as usize)?.take()
            });
            self.states.push(old.unwrap_or_else(State::new));
        }
        self.untried = self.states.iter().filter(|s| !s.tried).count();
        self.announced &= self.untried == 0;
        let (rows, columns) = (self.plan.rows(), self.plan.columns());
        let old_board =
            std::mem::replace(&mut self.board, Board::new(self.plan.places.clone(), columns));
        let old_hard = std::mem::take(&mut self.hard);
        self.note_gone(&old_plan, &old_hard, out);
        let old_before = self.before.take();
        self.hard = vec![None; rows * columns];
        self.cuts = vec![Cut::default(); rows * columns];
        self.before = old_before.is_some().then(|| self.nothing_before());
        self.timers.clear();
        for row in 0..rows {
            for column in 0..columns {
                let Some((old_row, old_column)) = self.was_at(&old_plan, row, column) else {
                    continue;
                };
                let (old, new) =
                    (old_row * old_plan.columns() + old_column, row * columns + column);
                if let Some(cell) = old_board.cell(old_row, old_column) {
                    self.wake_handling(new, &cell);
                    self.board.put(row, column, cell);
                }
                if let (Some(to), Some(from)) = (self.hard.get_mut(new), old_hard.get(old)) {
                    *to = *from;
                }
                let kept = old_before.as_ref().and_then(|b| b.cell(old_row, old_column));
                if let (Some(before), Some(kept)) = (self.before.as_mut(), kept) {
                    before.put(row, column, kept);
                }
            }
        }
        self.settle_all(out);
    }

    /// What was certain of cells that do not exist any more is over.
    fn note_gone(&self, old: &Plan, hard: &[Option<(Health, bool)>], out: &mut Outcome) {
        for (index, certain) in hard.iter().enumerate() {
            let Some((from, _)) = *certain else { continue };
            let (row, column) = (index / old.columns().max(1), index % old.columns().max(1));
            let (name, Some(service)) = (old.row_name(row), old.service(column)) else { continue };
            if self.plan.row(name).is_some() && self.plan.column(&service.key).is_some() {
                continue;
            }
            let change = StateChange {
                at: self.now,
                service: service.key.clone(),
                from,
                to: Health::NotSubscribed,
                reason: None,
                follows: false,
                first: false,
                why: Clean::default(),
            };
            out.effects.push(Effect::Noted { row: name, change });
        }
    }

    /// Where a cell stood in another plan.
    fn was_at(&self, old: &Plan, row: usize, column: usize) -> Option<(usize, usize)> {
        let service = self.plan.service(column)?;
        Some((old.row(self.plan.row_name(row))?, old.column(&service.key)?))
    }

    /// Judges every check and makes every cell, the estate's first, without a word to anybody but
    /// history: for a new layout.
    fn settle_all(&mut self, out: &mut Outcome) {
        let mut wake = Vec::with_capacity(self.states.len());
        for slot in 0..u32::try_from(self.states.len()).unwrap_or(u32::MAX) {
            self.with_state(slot, |state, bench| state.settle(bench));
            if let Some(state) = self.states.get_mut(slot as usize) {
                state.woken_at = state.next;
                wake.extend(state.next.map(|at| (at, Due::Slot(slot))));
            }
        }
        self.timers.extend(wake);
        let (rows, columns) = (self.plan.rows(), self.plan.columns());
        for row in 0..rows {
            for column in 0..columns {
                let cut = self.cut(row, column);
                if let Some(c) = self.cuts.get_mut(row * columns + column) {
                    *c = cut;
                }
            }
        }
        let mut silent = Outcome { reset: true, ..Outcome::default() };
        let estate = self.plan.estate_row();
        for row in std::iter::once(estate).chain(0..estate) {
            for column in 0..columns {
                self.refresh(row, column, &mut silent);
            }
        }
        let changes = silent
            .effects
            .into_iter()
            .filter(|e| matches!(e, Effect::History { .. } | Effect::Noted { .. }));
        out.effects.extend(changes);
    }

    fn restored(
        &mut self,
        written_at: Timestamp,
        cells: Vec<KeptCell>,
        memories: Vec<KeptMemory>,
        out: &mut Outcome,
    ) {
        out.reset = true;
        out.effects.push(Effect::Reset);
        let written_at = written_at.min(self.now);
        for kept in memories {
            let Some(slot) = self.plan.slot(kept.target, &kept.check) else { continue };
            let Some(state) = self.states.get_mut(slot as usize) else { continue };
            state.remember(kept.memory);
        }
        self.written_at = Some(written_at);
        let mut before = self.before.take().unwrap_or_else(|| self.nothing_before());
        for kept in cells {
            self.restore_cell(&mut before, written_at, kept);
        }
        self.before = Some(before).filter(|before| !before.is_over());
        self.settle_all(out);
    }

    fn nothing_before(&self) -> Before {
        Before::new(self.plan.places.clone(), self.plan.columns())
    }

    fn restore_cell(&mut self, before: &mut Before, written_at: Timestamp, kept: KeptCell) {
        let (Some(row), Some(column)) = (self.plan.row(kept.row), self.plan.column(&kept.service))
        else {
            return;
        };
        let cell = kept.cell;
        let slots: Vec<u32> = self.plan.slots_of(row, column).collect();
        let untried = |s: &u32| self.states.get(*s as usize).is_some_and(|s| !s.tried);
        if cell.health == Health::NotSubscribed || !slots.iter().all(untried) {
            return;
        }
        for slot in slots {
            if let Some(state) = self.states.get_mut(slot as usize) {
                state.go_on();
            }
        }
        let index = row * self.plan.columns() + column;
        self.wake_handling(index, &cell);
        if let Some(hard) = self.hard.get_mut(index) {
            // What was certain before a trouble that was not confirmed yet is not kept.
            let certain = if cell.soft {
                (Health::Ok, false)
            } else {
                (cell.health, cell.follows_from.is_some())
            };
            *hard = Some(certain).filter(|_| !cell::is_unasked(&cell));
        }
        self.board.put(row, column, cell.clone());
        before.keep(row, column, written_at, cell);
    }
}
