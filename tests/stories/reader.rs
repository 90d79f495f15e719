//! A reader of the board, who is told of changes only: holds what each step tells against the board
//! itself, and both against the rules as the documents put them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use caretaker::engine::{Effect, Event, World};
use caretaker::model::cell::{Cause, Cell, CheckView, Handling, Row, StateChange};
use caretaker::model::check::{CheckSpec, Coverage, Scope};
use caretaker::model::estate::Estate;
use caretaker::model::health::{Health, Reason};
use caretaker::model::ids::{CheckId, Laestab, ServiceKey};
use caretaker::model::kept::{KeptCell, KeptMemory, KeptPlan, Memory};
use caretaker::model::observation::{Observation, Target, Verdict};
use jiff::Timestamp;

use crate::play::say;

/// A row and a service: what outlives another configuration.
type Place = (Row, ServiceKey);
/// A check and about whom it asks.
type Asked = (Target, CheckId);

/// What of a cell is drawn; the sentence counts in trouble, where the desk reads it.
type Drawn<'a> = (
    (Health, Option<Reason>, Option<Timestamp>),
    (bool, bool, bool),
    (Option<&'a Handling>, Option<&'a Cause>),
    Option<&'a str>,
);

fn drawn(cell: &Cell) -> Drawn<'_> {
    (
        (cell.health, cell.reason, cell.since),
        (cell.soft, cell.flapping, cell.quiet),
        (cell.handling.as_ref(), cell.follows_from.as_ref()),
        cell.health.is_trouble().then_some(cell.why.as_str()),
    )
}

/// Every place of the board, row by row; the estate's are the last.
fn places(estate: &Estate) -> Vec<Place> {
    let rows = estate.schools.keys().map(|l| Row::School(*l)).chain([Row::Estate]);
    let keys = || estate.services.iter().map(|s| s.key.clone());
    rows.flat_map(|row| keys().map(move |key| (row, key))).collect()
}

fn columns(estate: &Estate) -> Range<u16> {
    0..u16::try_from(estate.services.len()).unwrap()
}

/// Every cell, in the order of the places.
pub fn cells(world: &World) -> Vec<Cell> {
    let estate = world.estate();
    let rows = estate.schools.keys().map(|l| Row::School(*l)).chain([Row::Estate]);
    rows.flat_map(|row| columns(estate).map(move |c| world.cell(row, c))).collect()
}

/// The checks of a cell as configured, and about whom they ask.
fn asks(estate: &Estate, row: Row, column: u16) -> (Target, Vec<&CheckSpec>) {
    let service = &estate.services[usize::from(column)];
    let (target, scope) = match row {
        Row::Estate => (Target::Estate, Scope::Estate),
        Row::School(laestab) => (Target::School(laestab), Scope::School),
    };
    let is_asked = |spec: &&CheckSpec| match (row, &spec.covers) {
        (Row::School(l), Coverage::Only(only)) if !only.contains(&l) => false,
        (Row::School(l), _) => spec.scope == scope && estate.takes(l, &service.key),
        (Row::Estate, _) => spec.scope == scope,
    };
    (target, service.checks.iter().filter(is_asked).collect())
}

fn all_asked(estate: &Estate) -> BTreeSet<Asked> {
    let rows = estate.schools.keys().map(|l| Row::School(*l)).chain([Row::Estate]);
    rows.flat_map(|row| columns(estate).map(move |column| asks(estate, row, column)))
        .flat_map(|(target, specs)| specs.into_iter().map(move |s| (target, s.id.clone())))
        .collect()
}

fn certain(cell: &Cell) -> (Health, bool) {
    (cell.health, cell.follows_from.is_some())
}

/// Not asked about yet: what was seen, or tried in vain, has a beginning.
fn is_unasked(cell: &Cell) -> bool {
    cell.reason == Some(Reason::NeverSeen) && cell.since.is_none()
}

/// What a reader knows and expects.
pub struct Reader {
    now: Timestamp,
    revision: u64,
    places: Vec<Place>,
    asked: BTreeSet<Asked>,
    board: Vec<Cell>,
    /// Which cells the last step changed, even by a word.
    moved: Vec<usize>,
    /// The last certain health of each cell, and whether it followed.
    certain: BTreeMap<Place, (Health, bool)>,
    tried: BTreeSet<Asked>,
    /// The check that was answered last.
    answered: Option<Asked>,
    settled: bool,
    /// The last answers that count.
    answers: BTreeMap<Asked, Observation>,
    memories: BTreeMap<Asked, Memory>,
    planned: Vec<KeptPlan>,
    /// What was told although it was not so, or was so and not told.
    pub wrong: Vec<String>,
}

impl Reader {
    pub fn new(world: &World, at: Timestamp) -> Self {
        let mut reader = Self {
            now: at,
            revision: world.revision(),
            places: Vec::new(),
            asked: BTreeSet::new(),
            board: Vec::new(),
            moved: Vec::new(),
            certain: BTreeMap::new(),
            tried: BTreeSet::new(),
            answered: None,
            settled: false,
            answers: BTreeMap::new(),
            memories: BTreeMap::new(),
            planned: Vec::new(),
            wrong: Vec::new(),
        };
        reader.fetch(world);
        reader
    }

    /// Fetches the whole board; what is not on it any more is forgotten.
    fn fetch(&mut self, world: &World) {
        self.places = places(world.estate());
        self.asked = all_asked(world.estate());
        self.board = cells(world);
        let (places, asked) = (&self.places, &self.asked);
        self.certain.retain(|place, _| places.contains(place));
        self.tried.retain(|check| asked.contains(check));
        self.answers.retain(|check, _| asked.contains(check));
    }

    /// The board as a store keeps it.
    pub fn kept(&self) -> Vec<KeptCell> {
        let cells = self.places.iter().cloned().zip(self.board.iter().cloned());
        cells.map(|((row, service), cell)| KeptCell { row, service, cell }).collect()
    }

    /// Another agent, that holds what the store held: nothing has been asked. What was certain before
    /// a trouble that was not confirmed yet is not kept.
    pub fn begin_again(&mut self, world: &World) {
        let kept = self.places.iter().cloned().zip(&self.board);
        let kept = kept.filter(|(_, c)| !is_unasked(c) && c.health != Health::NotSubscribed);
        self.certain = kept
            .map(|(place, c)| (place, if c.soft { (Health::Ok, false) } else { certain(c) }))
            .collect();
        self.tried.clear();
        self.answers.clear();
        self.planned.clear();
        self.settled = false;
        self.fetch(world);
    }

    /// The latest moment.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether the last step changed any cell, even by a word.
    pub fn saw_change(&self) -> bool {
        !self.moved.is_empty()
    }

    /// Knows what is about to happen. An answer that is older than the last is no news, and "wait" is
    /// no answer.
    pub fn expect(&mut self, at: Timestamp, event: &Event) {
        self.now = self.now.max(at);
        self.answered = None;
        let Event::Observed(seen) = event else { return };
        let check = (seen.target, seen.check.clone());
        if !self.asked.contains(&check) {
            return;
        }
        let at = seen.observed_at.min(self.now);
        let is_older = self.answers.get(&check).is_some_and(|last| at < last.observed_at);
        if !is_older && seen.verdict != Verdict::Unknown(Reason::Throttled) {
            self.answers.insert(check.clone(), Observation { observed_at: at, ..seen.clone() });
        }
        self.tried.insert(check.clone());
        self.answered = Some(check);
    }

    /// Hears what a step told.
    pub fn hear(&mut self, world: &World, effects: &[Effect]) {
        let reset = effects.contains(&Effect::Reset);
        let before = std::mem::take(&mut self.board);
        if reset {
            self.fetch(world);
            self.moved = (0..self.board.len()).collect();
        } else {
            self.board = cells(world);
            let differs = |i: &usize| before.get(*i) != self.board.get(*i);
            self.moved = (0..self.board.len()).filter(differs).collect();
        }
        let mut wrong = self.changes(world, &before, effects);
        wrong.extend(self.history(effects));
        wrong.extend(self.settles(world, effects));
        wrong.extend(self.plans(world, effects));
        wrong.extend(self.remembers(world, effects));
        wrong.extend(self.moved.iter().filter_map(|i| self.odd(*i)));
        wrong.extend(self.answered.iter().filter_map(|check| self.view_of(world, check)));
        if let Some(due) = world.next_deadline().filter(|due| *due <= self.now) {
            wrong.push(format!("what was due at {due} was not done"));
        }
        self.note(wrong);
    }

    /// Puts the moment to what is wrong.
    fn note(&mut self, wrong: Vec<String>) {
        let now = say(Some(self.now));
        self.wrong.extend(wrong.into_iter().map(|w| format!("{now}: {w}")));
    }

    /// Looks at all there is to be read.
    pub fn look(&mut self, world: &mut World) {
        let mut wrong: Vec<String> =
            (0..self.board.len()).filter_map(|i| self.odd(i)).chain(self.views(world)).collect();
        let order = by_the_rule(world);
        if world.order() != order {
            wrong.push(format!("the order is {:?}, by its rule {order:?}", world.order()));
        }
        for (row, service) in &self.places {
            let mut plans = self.planned.iter().filter(|p| (p.row, &p.service) == (*row, service));
            let soonest = plans.next().map(|p| (p.from, &p.handling));
            if world.planned_for(*row, service).next() != soonest {
                wrong.push(format!("of {row:?} {service} is planned {soonest:?}"));
            }
        }
        self.note(wrong);
    }

    /// Told is every cell that is drawn differently, and no other; the revision counts steps that
    /// tell of any.
    fn changes(&mut self, world: &World, before: &[Cell], effects: &[Effect]) -> Vec<String> {
        let reset = effects.contains(&Effect::Reset);
        let width = world.estate().services.len();
        let mut told = BTreeSet::new();
        for effect in effects {
            if let Effect::Changed { row, column } = effect {
                let first = self.places.iter().position(|(r, _)| r == row).unwrap();
                told.insert(first + usize::from(*column).min(width));
            }
        }
        let drawn_anew = |i: &&usize| drawn(&before[**i]) != drawn(&self.board[**i]);
        let differ: BTreeSet<usize> =
            self.moved.iter().filter(|_| !reset).filter(drawn_anew).copied().collect();
        let missing = differ.difference(&told).map(|i| (i, "is another, and not told"));
        let idle = told.difference(&differ).map(|i| (i, "is told, and as it was"));
        let wrong = missing.chain(idle).map(|(i, how)| format!("{:?} {how}", self.places[*i]));
        let mut wrong: Vec<String> = wrong.collect();
        let revision = self.revision + u64::from(reset || !told.is_empty());
        if world.revision() != revision {
            wrong.push(format!("the revision is {}, not {revision}", world.revision()));
        }
        self.revision = revision;
        wrong
    }

    /// History tells every certain change of a cell once and without a gap. That it is well when it
    /// is first judged is no news, nor that nothing has ever been seen of it.
    fn history(&mut self, effects: &[Effect]) -> Vec<String> {
        let mut told: BTreeMap<Place, Vec<&StateChange>> = BTreeMap::new();
        for effect in effects {
            if let Effect::History { row, change } = effect {
                told.entry((*row, change.service.clone())).or_default().push(change);
            }
        }
        let mut wrong = Vec::new();
        let reset = effects.contains(&Effect::Reset);
        let from = |last: Option<(Health, bool)>| last.map_or(Health::Unknown, |(h, _)| h);
        for (place, cell) in self.moved.iter().map(|i| (&self.places[*i], &self.board[*i])) {
            let mut last = self.certain.get(place).copied();
            for change in told.remove(place).unwrap_or_default() {
                let after = Some((change.to, change.follows));
                let goes_on = change.from == from(last) && change.first == last.is_none();
                if !goes_on || last == after || change.at != self.now {
                    wrong.push(format!("history of {place:?}: {last:?}, then {change:?}"));
                }
                last = after;
            }
            let taken = cell.health != Health::NotSubscribed;
            if taken && !cell.soft && !is_unasked(cell) {
                let after = certain(cell);
                let no_news = (last.is_none() && !after.0.is_trouble())
                    || (from(last) == after.0 && cell.reason == Some(Reason::NeverSeen));
                if last != Some(after) && !reset && !no_news {
                    wrong.push(format!("no history of {place:?}: {last:?}, now {after:?}"));
                }
                last = Some(after);
            }
            match last.filter(|_| taken) {
                Some(last) => self.certain.insert(place.clone(), last),
                None => self.certain.remove(place),
            };
        }
        wrong.extend(told.into_keys().map(|p| format!("history of {p:?}, which is as it was")));
        wrong
    }

    /// It has settled when every check has been tried once, and says so once.
    fn settles(&mut self, world: &World, effects: &[Effect]) -> Vec<String> {
        let was_settled =
            std::mem::replace(&mut self.settled, self.tried.len() == self.asked.len());
        let told = effects.iter().filter(|e| **e == Effect::Settled).count();
        let due = usize::from(self.settled && !was_settled);
        (world.settled() != self.settled || told != due)
            .then(|| {
                let (is, says) = (self.settled, world.settled());
                format!("settled is {is}; it says {says}, and told it {told} times, not {due}")
            })
            .into_iter()
            .collect()
    }

    /// What is planned is told when it is another list.
    fn plans(&mut self, world: &World, effects: &[Effect]) -> Option<String> {
        let planned: Vec<KeptPlan> = world.planned().collect();
        let differs = planned != self.planned;
        self.planned = planned;
        (effects.contains(&Effect::Planned) != differs)
            .then(|| format!("planned is another list: {differs}, and the contrary was told"))
    }

    /// A memory is told when it is another, never loses its last good moment, and does not grow: of
    /// each number the last day, this week and the weeks of its rule.
    fn remembers(&mut self, world: &World, effects: &[Effect]) -> Vec<String> {
        let mut wrong = Vec::new();
        let services = &world.estate().services;
        for effect in effects {
            let Effect::Remember(KeptMemory { target, check, memory }) = effect else { continue };
            let old = self.memories.insert((*target, check.clone()), memory.clone());
            if old.as_ref() == Some(memory) || old.is_some_and(|old| old.good_at > memory.good_at) {
                wrong.push(format!("{check} of {target} remembers what it knew: {memory:?}"));
            }
            let mut specs = services.iter().flat_map(|s| &s.checks);
            let rule = specs.find(|s| s.id == *check).and_then(|s| s.drop.as_ref());
            let weeks = usize::from(rule.map_or(0, |r| r.weeks));
            let days = memory.baseline.iter().filter(|n| !n.name.as_str().contains('@')).count();
            let most = days * if weeks == 0 { 1 } else { weeks + 2 };
            if memory.baseline.len() > most {
                wrong.push(format!("{check} of {target} remembers too much: {memory:?}"));
            }
        }
        wrong
    }

    /// What no cell may be.
    fn odd(&self, index: usize) -> Option<String> {
        let cell = &self.board[index];
        let trouble = cell.health.is_trouble();
        let odd = cell.reason.is_some() != (cell.health == Health::Unknown)
            || cell.why.is_empty() && cell.health != Health::NotSubscribed
            || cell.since.is_some_and(|since| since > self.now)
            || cell.state_since.is_some_and(|since| since > self.now)
            || cell.handling.as_ref().is_some_and(|h| h.until.is_some_and(|u| u <= self.now))
            || cell.quiet && cell.health != Health::Ok
            || trouble && cell.since.is_none() && !is_unasked(cell)
            || (cell.soft || cell.flapping || cell.follows_from.is_some()) && !trouble;
        odd.then(|| format!("{:?} cannot be: {cell:?}", self.places[index]))
    }

    /// The check that was answered shows its answer.
    fn view_of(&self, world: &World, (target, check): &Asked) -> Option<String> {
        let mut specs = world.estate().services.iter().flat_map(|s| &s.checks);
        let spec = specs.find(|s| s.id == *check)?;
        self.misshown(*target, spec, &world.check(*target, check)?)
    }

    /// Each cell shows its checks in their order, each check what its last answer told.
    fn views(&self, world: &World) -> Vec<String> {
        let estate = world.estate();
        let mut wrong = Vec::new();
        for (i, (row, _)) in self.places.iter().enumerate() {
            let column = u16::try_from(i % estate.services.len()).unwrap();
            let (target, specs) = asks(estate, *row, column);
            let views = world.checks(*row, column);
            let alone: Vec<CheckView> =
                specs.iter().filter_map(|s| world.check(target, &s.id)).collect();
            if views != alone || views.len() != specs.len() {
                wrong.push(format!("{row:?} shows {views:?}, not {alone:?}"));
            }
            let shown = specs.iter().zip(&views);
            wrong.extend(shown.filter_map(|(spec, view)| self.misshown(target, spec, view)));
        }
        wrong
    }

    fn misshown(&self, target: Target, spec: &CheckSpec, view: &CheckView) -> Option<String> {
        let CheckView { numbers, evidence, windows, .. } = view.clone();
        let shown =
            (view.observed_at, view.source_at, view.fresh_until, numbers, evidence, windows);
        let answer = self.answers.get(&(target, spec.id.clone())).cloned();
        let told = answer.map(|told| {
            let mut windows = told.windows;
            windows.retain(|w| w.until.is_none_or(|until| until > self.now));
            let until = told.observed_at + spec.fresh_for.duration();
            let at = Some(told.observed_at);
            (at, told.source_at, Some(until), told.numbers, told.evidence, windows)
        });
        let told = told.unwrap_or_default();
        let odd = view.reason.is_some() != (view.health == Health::Unknown)
            || view.why.is_empty()
            || view.rule.is_empty()
            || view.green_when.is_empty() != (view.health == Health::Ok)
            || view.soft && !view.health.is_trouble()
            || view.tries.1 != spec.tries
            || view.since.is_some_and(|since| since > self.now);
        (shown != told || odd).then(|| format!("{target} shows {view:?}, told was {told:?}"))
    }
}

/// Worst first, as the documents put it: what nobody has before what somebody has, a school's own
/// trouble before what follows, then the worst, the most pupils, the oldest, the name; schools that
/// are well after them, and last those that take nothing.
fn by_the_rule(world: &World) -> Vec<Laestab> {
    let estate = world.estate();
    let mut schools: Vec<_> = estate
        .schools
        .values()
        .map(|school| {
            let row = Row::School(school.laestab);
            let cells: Vec<Cell> = columns(estate).map(|c| world.cell(row, c)).collect();
            let first = |cell: &Cell| {
                let stands = (cell.handling.is_some(), cell.follows_from.is_some());
                cell.health.is_trouble().then_some((stands, Reverse(cell.health)))
            };
            let worst = cells.iter().filter_map(first).min();
            let ages = cells.iter().filter(|c| worst.is_some() && first(c) == worst);
            let oldest = ages.filter_map(|c| c.since).map(|s| s.as_second()).min();
            let pupils = worst.map(|_| Reverse(school.pupils.unwrap_or(0)));
            let takes = cells.iter().any(|c| c.health != Health::NotSubscribed);
            let name = school.name.as_str().to_lowercase();
            let rank = (worst.is_none(), worst, pupils, oldest.unwrap_or(i64::MAX), !takes, name);
            (rank, school.laestab)
        })
        .collect();
    schools.sort();
    schools.into_iter().map(|(_, laestab)| laestab).collect()
}
