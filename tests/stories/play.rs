//! Plays a story and compares the board with what it tells.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use caretaker::engine::incidents::Incidents;
use caretaker::engine::{Effect, Event, World, step};
use caretaker::model::again::Again;
use caretaker::model::calendar::{london, london_date, london_midnight};
use caretaker::model::cell::{Cell, Handling, HandlingKind, Row, Split, Summary};
use caretaker::model::check::Scope;
use caretaker::model::desk::CellName;
use caretaker::model::estate::Estate;
use caretaker::model::health::{Health, Reason};
use caretaker::model::ids::{CheckId, Laestab};
use caretaker::model::incident::{KeptIncident, Standing};
use caretaker::model::kept::{KeptMemory, KeptPlan};
use caretaker::model::observation::{Observation, Target, Verdict, Window, Zone};
use jiff::{SignedDuration, Timestamp};

use crate::estate::{SERVICES, estate};
use crate::orders;
use crate::reader::{Reader, cells};
use crate::story::{Expect, Handle, London, Observe, Story, Well};

/// What is to be done at a moment.
enum Act {
    Event(Box<Event>),
    Restart(usize),
    Configure(usize),
    Order(usize),
    Expect(usize),
}

/// Every cell of the board and its column.
fn places(world: &World) -> Vec<(CellName, u16)> {
    let estate = world.estate();
    let rows = [Row::Estate].into_iter().chain(estate.schools.keys().map(|l| Row::School(*l)));
    let columns = || (0..).zip(estate.services.iter().map(|service| service.key.clone()));
    rows.flat_map(|row| columns().map(move |(n, service)| (CellName { row, service }, n))).collect()
}

fn row(name: &str) -> Row {
    if name == "estate" { Row::Estate } else { Row::School(name.parse().unwrap()) }
}

fn target(name: &str) -> Target {
    if name == "estate" { Target::Estate } else { Target::School(name.parse().unwrap()) }
}

fn verdict(word: &str) -> Verdict {
    match word {
        "ok" => Verdict::Ok,
        "quiet" => Verdict::Quiet,
        "warning" => Verdict::Warning,
        "critical" => Verdict::Critical,
        other => Verdict::Unknown(
            serde_json::from_value::<Reason>(other.into())
                .unwrap_or_else(|_| panic!("{other:?} is no verdict")),
        ),
    }
}

/// How a check answers when all is well: nightly feeds of three in the morning, the directory
/// ten minutes ago, the rest without a time of its own.
fn well(id: &CheckId, target: Target, at: Timestamp) -> Observation {
    let seen = Observation::new(id.clone(), target, at, Verdict::Ok, "well");
    let seen = seen.fact("http status", "200");
    let night = london_midnight(london_date(at - SignedDuration::from_hours(3)));
    let night = night + SignedDuration::from_hours(3);
    match id.name() {
        "xporter_data" | "documents" | "sims" => seen.source(night.min(at), Zone::Given),
        "directory_sync" => seen.source(at - SignedDuration::from_mins(10), Zone::Given),
        "counts" => seen.number("pupils", 200.0),
        _ => seen,
    }
}

fn all_well(estate: &Estate, start: Timestamp, told: &Well, out: &mut Vec<(Timestamp, Act)>) {
    let until = told.until.map_or(start, |u| u.0);
    let schools: Vec<Laestab> = estate.schools.keys().copied().collect();
    for spec in estate.services.iter().flat_map(|s| &s.checks) {
        let targets: Vec<Target> = match spec.scope {
            Scope::Estate => vec![Target::Estate],
            Scope::School => schools.iter().map(|l| Target::School(*l)).collect(),
        };
        for target in targets {
            let (id, place) = (spec.id.to_string(), format!("{target}/{}", spec.id));
            if told.except.contains(&id) || told.except.contains(&place) {
                continue;
            }
            let mut at = start;
            while at <= until {
                out.push((at, Act::Event(Box::new(Event::Observed(well(&spec.id, target, at))))));
                at += spec.interval.duration();
            }
        }
    }
}

fn observe(start: Timestamp, told: &Observe, out: &mut Vec<(Timestamp, Act)>) {
    let until = told.until.map_or(start, |u| u.0);
    let mut at = start;
    while at <= until {
        let answered = told.answered.map_or(at, |a| a.0);
        let check: CheckId = told.check.parse().unwrap();
        let mut seen = Observation::new(
            check,
            target(&told.school),
            answered,
            verdict(&told.says),
            &told.detail,
        )
        .good(told.good.map(|g| g.0))
        .since(told.since.map(|s| s.0));
        if let Some(London(source)) = told.source {
            let zone = match told.zone.as_deref() {
                None | Some("given") => Zone::Given,
                Some("assumed") => Zone::Assumed,
                Some("ours") => Zone::Ours,
                Some(other) => panic!("{other:?} is no zone"),
            };
            seen = seen.source(source, zone);
        }
        for (name, value) in &told.numbers {
            seen = seen.number(name, *value);
        }
        for (name, value) in &told.facts {
            seen = seen.fact(name, value);
        }
        for w in &told.windows {
            let (from, until) = (w.from.0, w.until.map(|u| u.0));
            seen = seen.window(Window { from, until, title: w.title.as_str().into() });
        }
        out.push((at, Act::Event(Box::new(Event::Observed(seen)))));
        let Some(every) = told.every else { break };
        at += every.duration();
    }
}

fn handle(told: &Handle, at: Timestamp, estate: &Estate) -> Vec<Event> {
    let kind = match told.kind.as_str() {
        "claimed" => Some(HandlingKind::Claimed),
        "acknowledged" => Some(HandlingKind::Acknowledged),
        "acknowledged_as_is" => Some(HandlingKind::AcknowledgedAsIs),
        "downtime" => Some(HandlingKind::Downtime),
        "nobody" => None,
        other => panic!("{other:?} is no kind"),
    };
    let one = |from: Option<Timestamp>, until: Option<Timestamp>| Event::Handled {
        row: row(&told.school),
        service: told.service.parse().unwrap(),
        from,
        handling: kind.map(|kind| Handling { kind, by: told.by.as_str().into(), until }),
    };
    let Some(every) = &told.every else {
        return vec![one(told.from.map(|f| f.0), told.until.map(|u| u.0))];
    };
    let (again, _) = Again::read(every, at).unwrap().unwrap();
    let windows = again.windows(&estate.calendar_of(row(&told.school)), at);
    windows.into_iter().map(|(from, until)| one(Some(from), Some(until))).collect()
}

/// Everything in the order of time; what is told first comes first.
fn timeline(story: &Story, first: &Estate) -> Vec<(Timestamp, Act)> {
    let mut out = Vec::new();
    for (index, event) in story.event.iter().enumerate() {
        let at = event.at.expect("an event needs `at`").0;
        if let Some(told) = &event.well {
            all_well(first, at, told, &mut out);
        }
        if let Some(told) = &event.observe {
            observe(at, told, &mut out);
        }
        if let Some(told) = &event.handle {
            let events = handle(told, at, first).into_iter();
            out.extend(events.map(|event| (at, Act::Event(Box::new(event)))));
        }
        if event.tick.is_some() {
            out.push((at, Act::Event(Box::new(Event::Tick))));
        }
        if event.restart.is_some() {
            out.push((at, Act::Restart(index)));
        }
        if event.order.is_some() {
            out.push((at, Act::Order(index)));
        }
        if event.configure.is_some() {
            out.push((at, Act::Configure(index)));
        }
    }
    out.extend(story.expect.iter().enumerate().map(|(i, e)| (e.at.0, Act::Expect(i))));
    out.sort_by_key(|(at, _)| *at);
    out
}

/// The world of a story, and what would be in the store.
struct Stage {
    world: World,
    history: Vec<(Row, String)>,
    memories: BTreeMap<(Target, CheckId), KeptMemory>,
    planned: Vec<KeptPlan>,
    reader: Reader,
    incidents: Incidents,
}

impl Stage {
    fn new(estate: Arc<Estate>, start: Timestamp) -> Self {
        let world = World::new(estate, start, 0);
        let reader = Reader::new(&world, start);
        let (history, memories) = (Vec::new(), BTreeMap::new());
        let incidents = Incidents::default();
        let mut stage = Self { world, history, memories, planned: Vec::new(), reader, incidents };
        stage.look_at(start, &[Effect::Reset]);
        stage
    }

    fn step(&mut self, at: Timestamp, event: Event) {
        // The hub ticks at every deadline, so that nothing is judged later than it is due.
        while let Some(due) = self.world.next_deadline().filter(|d| *d < at) {
            self.one(due, Event::Tick);
        }
        // Between them the clock changes nothing.
        let idle = at - SignedDuration::from_micros(1);
        if idle > self.reader.now() {
            self.one(idle, Event::Tick);
            if self.reader.saw_change() {
                self.reader.wrong.push(format!("{}: changed before it was due", say(Some(at))));
            }
        }
        self.one(at, event);
    }

    fn one(&mut self, at: Timestamp, event: Event) {
        self.reader.expect(at, &event);
        let effects = step(&mut self.world, at, event);
        self.reader.hear(&self.world, &effects);
        self.look_at(at, &effects);
        for effect in effects {
            match effect {
                Effect::History { row, change } => {
                    let follows = if change.follows { " (follows)" } else { "" };
                    let (from, to) = (change.from.word(), change.to.word());
                    self.history.push((row, format!("{} {from} > {to}{follows}", change.service)));
                }
                Effect::Remember(kept) => {
                    self.memories.insert((kept.target, kept.check.clone()), kept);
                }
                Effect::Planned => {
                    self.planned = self.world.planned().collect();
                }
                Effect::Changed { .. } | Effect::Noted { .. } | Effect::Reset | Effect::Settled => {
                }
            }
        }
    }

    /// Tells the incidents how cells stand that changed, as the hub does; and looks whether each cell
    /// in trouble is in exactly one that is open.
    fn look_at(&mut self, at: Timestamp, effects: &[Effect]) {
        let at = at.max(self.reader.now());
        self.incidents.pass(at);
        let moved = |effect: &Effect| matches!(effect, Effect::Changed { .. } | Effect::Reset);
        if !effects.iter().any(moved) {
            return;
        }
        let all = places(&self.world);
        let is_reset = effects.iter().any(|effect| matches!(effect, Effect::Reset));
        let gone: Vec<CellName> = self
            .incidents
            .cells()
            .filter(|cell| is_reset && self.world.column_of(cell).is_none())
            .cloned()
            .collect();
        for cell in gone {
            self.incidents.stands(at, &cell, Standing::Well);
        }
        let changed = |cell: &CellName, column: u16| {
            let is_it = |effect: &Effect| *effect == Effect::Changed { row: cell.row, column };
            is_reset || effects.iter().any(is_it)
        };
        for (cell, column) in all.iter().filter(|(cell, column)| changed(cell, *column)) {
            let mut looked = vec![(cell.clone(), *column)];
            while let Some((cell, column)) = looked.pop() {
                let standing = self.world.standing(cell.row, column);
                let waiting = self.incidents.waiting_for(&cell);
                self.incidents.stands(at, &cell, standing);
                let others = waiting.into_iter().filter(|waits| *waits != cell);
                looked.extend(others.filter_map(|c| Some((c.clone(), self.world.column_of(&c)?))));
            }
        }
        for (cell, column) in &all {
            let wrong = match (self.world.standing(cell.row, *column), self.incidents.of(cell)) {
                (Standing::Bad(trouble), None) if !trouble.planned => "is in no incident",
                (Standing::Well, Some(_)) => "is well and in an incident",
                (_, Some(id)) if !self.incidents.open().any(|held| held.incident.id == id) => {
                    "is in an incident that is over"
                }
                _ => continue,
            };
            self.reader.wrong.push(format!("{}: {cell:?} {wrong}", say(Some(at))));
        }
    }

    /// The agent ends, and another begins with what the store held; `estate` is its configuration.
    fn restart(&mut self, at: Timestamp, written_at: Timestamp, estate: Arc<Estate>) {
        let cells = self.reader.kept();
        let memories = self.memories.values().cloned().collect();
        self.world = World::new(estate, at, self.world.revision());
        self.reader.begin_again(&self.world);
        let kept = self.incidents.open().map(|held| KeptIncident {
            incident: held.incident.clone(),
            members: held.members.values().cloned().collect(),
            entries: (0..).zip(held.entries.iter().cloned()).collect(),
        });
        self.incidents = Incidents::restored(kept.collect(), 0);
        self.one(at, Event::Restored { written_at, cells, memories });
        for KeptPlan { from, row, service, handling } in std::mem::take(&mut self.planned) {
            let (from, handling) = (Some(from), Some(handling));
            self.one(at, Event::Handled { row, service, from, handling });
        }
    }

    /// Made anew as a whole, the board is what it became step by step.
    fn anew(&mut self) {
        self.reader.look(&mut self.world);
        let before = cells(&self.world);
        let estate = Arc::clone(self.world.estate());
        self.one(self.reader.now(), Event::Configured(estate));
        if cells(&self.world) != before {
            self.reader.wrong.push("made anew at its end the board is another".to_owned());
        }
    }
}

fn run(story: &Story, mut see: impl FnMut(&mut Stage, &Expect)) -> Stage {
    let first = estate(&story.estate, &story.school);
    let mut stage = Stage::new(Arc::clone(&first), story.start.0);
    for (at, act) in timeline(story, &first) {
        match act {
            Act::Event(event) => stage.step(at, *event),
            Act::Restart(index) => {
                let told = story.event[index].restart.as_ref().unwrap();
                let other = told.configure.as_ref().map(|c| estate(&c.estate, &c.school));
                let same = Arc::clone(stage.world.estate());
                stage.restart(at, told.written.0, other.unwrap_or(same));
            }
            Act::Configure(index) => {
                let told = story.event[index].configure.as_ref().unwrap();
                stage.step(at, Event::Configured(estate(&told.estate, &told.school)));
            }
            Act::Order(index) => {
                let told = story.event[index].order.as_ref().unwrap();
                stage.step(at, Event::Tick);
                if let Some(wrong) = orders::carry_out(&mut stage.incidents, at, told) {
                    stage.reader.wrong.push(format!("{}: {wrong}", say(Some(at))));
                }
            }
            Act::Expect(index) => {
                stage.step(at, Event::Tick);
                stage.reader.look(&mut stage.world);
                see(&mut stage, &story.expect[index]);
            }
        }
    }
    stage
}

/// Every cell at the end, to compare two runs.
pub fn last_board(story: &Story) -> Vec<Cell> {
    cells(&run(story, |_, _| {}).world)
}

/// Plays it; what came differently.
pub fn play(story: &Story) -> Vec<String> {
    let mut failures = Vec::new();
    let mut named = Vec::new();
    let mut played = run(story, |stage, told| {
        named.push(told.school.clone());
        let seen = saw(stage, told);
        if let Some(failure) = differs(told, &seen) {
            failures.push(failure);
        }
    });
    played.anew();
    failures.extend(played.reader.wrong);
    for school in &story.school {
        if !named.contains(&school.laestab) {
            failures.push(format!("{} is named, but nothing is expected of it", school.name));
        }
    }
    failures.iter().map(|f| format!("{}\n{f}", story.story)).collect()
}

/// A cell in the board's letters. `?` marks what is not yet confirmed.
fn letters(cell: &Cell, column: usize) -> String {
    let mut out = match &cell.follows_from {
        Some(c) if c.scope == Scope::Estate && c.service.as_str() == SERVICES[column].0 => {
            "\"".to_owned()
        }
        Some(c) => {
            let code = SERVICES.iter().find(|s| s.0 == c.service.as_str()).unwrap().2;
            format!("^{code}")
        }
        None => match cell.health {
            Health::NotSubscribed => "-",
            Health::Ok if cell.quiet => "_",
            Health::Ok => ".",
            Health::Warning => "W",
            Health::Unknown => "U",
            Health::Critical => "C",
        }
        .to_owned(),
    };
    if let Some(h) = &cell.handling {
        out = out.to_lowercase();
        out.push(match h.kind {
            HandlingKind::Claimed => '@',
            HandlingKind::Acknowledged | HandlingKind::AcknowledgedAsIs => 'a',
            HandlingKind::Downtime => 'z',
        });
    }
    if cell.flapping {
        out.push('~');
    }
    if cell.soft {
        out.push('?');
    }
    out
}

fn counts(s: Summary) -> [u32; 5] {
    [s.ok, s.warning, s.critical, s.unknown, s.not_subscribed]
}

pub fn say(at: Option<Timestamp>) -> String {
    at.map_or_else(
        || "none".to_owned(),
        |t| t.to_zoned_datetime(london()).strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

/// Schools by their part of the board, counted from the cells.
fn counted(world: &World) -> Split {
    let mut split = Split::default();
    for laestab in world.estate().schools.keys() {
        let cells: Vec<Cell> = (0..7).map(|c| world.cell(Row::School(*laestab), c)).collect();
        let own = |health| {
            let mut free =
                cells.iter().filter(|c| c.follows_from.is_none() && c.handling.is_none());
            free.any(|c| {
                let never = c.reason == Some(Reason::NeverSeen) && c.since.is_none();
                c.health == health && !never
            })
        };
        let any = |f: &dyn Fn(&Cell) -> bool| cells.iter().any(f);
        *if own(Health::Critical) {
            &mut split.critical
        } else if own(Health::Unknown) {
            &mut split.unknown
        } else if own(Health::Warning) {
            &mut split.warning
        } else if any(&|c| {
            c.health == Health::Unknown && c.follows_from.is_none() && c.handling.is_none()
        }) {
            &mut split.unasked
        } else if any(&|c| c.health.is_trouble() && c.follows_from.is_none()) {
            &mut split.somebody
        } else if any(&|c| c.health.is_trouble()) {
            &mut split.follows
        } else if any(&|c| c.health == Health::Ok) {
            &mut split.ok
        } else {
            &mut split.not_subscribed
        } += 1;
    }
    split
}

/// What the checks say that the story asks for.
fn of_checks(stage: &Stage, told: &Expect, note: &mut impl FnMut(String, String)) {
    let view = |check: &str| stage.world.check(target(&told.school), &check.parse().unwrap());
    for check in told.rule.keys() {
        let rule = view(check).map_or_else(String::new, |v| v.rule.to_string());
        note(format!("rule.{check}"), rule);
    }
    for check in told.green_when.keys() {
        let words = view(check).map_or_else(String::new, |v| v.green_when.to_string());
        note(format!("green_when.{check}"), words);
    }
    for check in told.announced.keys() {
        let view = view(check);
        let titles: Vec<_> =
            view.iter().flat_map(|v| &v.windows).map(|w| w.title.as_str()).collect();
        note(format!("announced.{check}"), titles.join("; "));
    }
    for check in told.good.keys() {
        note(format!("good.{check}"), say(view(check).and_then(|v| v.good_at)));
    }
}

/// What the board shows, as the expectation would have to be written.
fn saw(stage: &mut Stage, told: &Expect) -> BTreeMap<String, String> {
    let mut seen = BTreeMap::new();
    let mut note = |key: String, value: String| {
        seen.insert(key, value);
    };
    let row = row(&told.school);
    let mut line = Vec::new();
    for (column, (service, ..)) in SERVICES.iter().enumerate() {
        let index = u16::try_from(column).unwrap();
        let cell = stage.world.cell(row, index);
        let drawn = letters(&cell, column);
        if told.why.contains_key(*service) || !matches!(drawn.as_str(), "." | "-") {
            note(format!("why.{service}"), cell.why.to_string());
        }
        line.push(drawn);
        if told.since.contains_key(*service) {
            note(format!("since.{service}"), say(cell.since));
        }
        if told.state_since.contains_key(*service) {
            note(format!("state_since.{service}"), say(cell.state_since));
        }
        if told.reason.contains_key(*service) {
            let reason = serde_json::to_value(cell.reason).unwrap();
            note(format!("reason.{service}"), reason.as_str().unwrap_or("none").to_owned());
        }
        if told.elsewhere.contains_key(*service) {
            note(format!("elsewhere.{service}"), stage.world.elsewhere(row, index).to_string());
        }
        if told.in_common.contains_key(*service) {
            let common = stage.world.in_common(row, index).into_iter().map(|known| {
                format!(
                    "{} {}: {} of {}",
                    known.what, known.value, known.share.sick, known.share.all
                )
            });
            note(format!("in_common.{service}"), common.collect::<Vec<_>>().join("; "));
        }
        if told.affects.contains_key(*service) {
            let affected = stage.world.affects(row, index);
            let affected: Vec<_> = affected.iter().map(|c| SERVICES[usize::from(*c)].0).collect();
            note(format!("affects.{service}"), affected.join(" "));
        }
    }
    note("line".to_owned(), line.join(" "));
    of_checks(stage, told, &mut note);
    if told.planned.is_some() {
        let plans = stage.world.planned().map(|p| format!("{} {}", p.service, say(Some(p.from))));
        note("planned".to_owned(), plans.collect::<Vec<_>>().join("; "));
    }
    let (kept, counted) = (stage.world.split(), counted(&stage.world));
    if kept != counted {
        note("parts".to_owned(), format!("{kept:?}, but the cells are {counted:?}"));
    }
    note("cells".to_owned(), format!("{:?}", counts(stage.world.summary())));
    note("schools".to_owned(), format!("{:?}", counts(stage.world.schools_summary())));
    if told.incidents.is_some() {
        note("incidents".to_owned(), orders::open(&stage.incidents));
    }
    if told.ended.is_some() {
        note("ended".to_owned(), orders::ended(&stage.incidents));
    }
    for id in told.log.keys() {
        note(format!("log.{id}"), orders::log(&stage.incidents, id));
    }
    if told.history.is_some() {
        let all = stage.history.iter().filter(|(r, _)| *r == row);
        let all: Vec<_> = all.map(|(_, h)| h.clone()).collect();
        note("history".to_owned(), all.join("; "));
    }
    if !told.first.is_empty() {
        let order = stage.world.order().iter().take(told.first.len());
        let order: Vec<_> = order.map(Laestab::to_string).collect();
        note("first".to_owned(), order.join(" "));
    }
    seen
}

fn wanted(told: &Expect) -> BTreeMap<String, String> {
    let mut want = BTreeMap::new();
    let squeeze = |t: &str| t.split_whitespace().collect::<Vec<_>>().join(" ");
    want.insert("line".to_owned(), squeeze(&told.line));
    want.insert("cells".to_owned(), format!("{:?}", told.cells));
    want.insert("schools".to_owned(), format!("{:?}", told.schools));
    want.extend(told.why.iter().map(|(k, v)| (format!("why.{k}"), v.clone())));
    want.extend(told.since.iter().map(|(k, v)| (format!("since.{k}"), say(Some(v.0)))));
    want.extend(told.state_since.iter().map(|(k, v)| (format!("state_since.{k}"), say(Some(v.0)))));
    want.extend(told.reason.iter().map(|(k, v)| (format!("reason.{k}"), v.clone())));
    want.extend(told.good.iter().map(|(k, v)| (format!("good.{k}"), say(Some(v.0)))));
    want.extend(told.elsewhere.iter().map(|(k, v)| (format!("elsewhere.{k}"), v.to_string())));
    want.extend(told.in_common.iter().map(|(k, v)| (format!("in_common.{k}"), v.join("; "))));
    want.extend(told.affects.iter().map(|(k, v)| (format!("affects.{k}"), v.join(" "))));
    want.extend(told.announced.iter().map(|(k, v)| (format!("announced.{k}"), v.join("; "))));
    want.extend(told.rule.iter().map(|(k, v)| (format!("rule.{k}"), v.clone())));
    want.extend(told.green_when.iter().map(|(k, v)| (format!("green_when.{k}"), v.clone())));
    want.extend(told.planned.iter().map(|p| ("planned".to_owned(), p.join("; "))));
    want.extend(told.incidents.iter().map(|i| ("incidents".to_owned(), i.join("; "))));
    want.extend(told.ended.iter().map(|e| ("ended".to_owned(), e.join("; "))));
    want.extend(told.log.iter().map(|(k, v)| (format!("log.{k}"), v.join("; "))));
    want.extend(told.history.iter().map(|h| ("history".to_owned(), h.join("; "))));
    if !told.first.is_empty() {
        want.insert("first".to_owned(), told.first.join(" "));
    }
    want
}

fn differs(told: &Expect, seen: &BTreeMap<String, String>) -> Option<String> {
    let want = wanted(told);
    let mut text = String::new();
    for (key, got) in seen {
        match want.get(key) {
            Some(w) if w == got => {}
            Some(w) => write!(text, "\n  {key}\n    told {w}\n    seen {got}").unwrap(),
            None => write!(text, "\n  {key} has no sentence\n    seen {got}").unwrap(),
        }
    }
    for key in want.keys().filter(|k| !seen.contains_key(*k)) {
        write!(text, "\n  {key}: no such thing on the board").unwrap();
    }
    (!text.is_empty()).then(|| format!("{} at {}{text}", told.school, say(Some(told.at.0))))
}
