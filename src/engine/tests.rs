//! Whatever happens, in whatever order: what must hold of the board. Incidents are told in
//! `tests/stories`.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::model::calendar::Calendar;
use crate::model::cell::{Cell, HandlingKind, Part, Split, StateChange, Summary};
use crate::model::check::{
    Against, AgeRule, CheckSpec, Coverage, DropRule, Edge, Flow, Runs, Scope, ServiceSpec,
};
use crate::model::estate::Estate;
use crate::model::health::{Health, Reason};
use crate::model::ids::{CheckId, Laestab, ServiceKey};
use crate::model::observation::{Target, Verdict, Zone};
use crate::model::past::{Around, cell_at};
use crate::model::school::{School, Subscription};
use crate::model::span::Span;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
fn start() -> Timestamp {
    at("2026-11-24T08:00:00Z")
}
fn laestab(n: u16) -> Laestab {
    Laestab::from_parts(999, n).unwrap()
}
fn id(text: &str) -> CheckId {
    text.parse().unwrap()
}

fn school(n: u16) -> School {
    let text = || crate::model::text::Clean::default();
    School {
        laestab: laestab(n),
        urn: None,
        name: format!("School {}", (b'z' - u8::try_from(n % 26).unwrap()) as char).into(),
        phase: text(),
        town: text(),
        postcode: text(),
        district: text(),
        trust: text(),
        pupils: Some(u32::from(n % 3) * 100),
        telephone: text(),
        website: text(),
        opened: None,
        closing: false,
    }
}

/// Three services in a ring of edges, with every kind of rule; `b` is missing at odd schools, and
/// the last school has no row.
fn estate(schools: u16, variant: u8) -> Arc<Estate> {
    let check = |name: &str, scope| CheckSpec::new(id(name), name, scope, Span::from_mins(10));
    let age = AgeRule {
        late: Some(Span::from_hours(1)),
        warning: Span::from_hours(2),
        critical: Span::from_hours(4),
        runs: Runs::Daily,
        held_by_closures: true,
    };
    let edge = |flow, from: &str| Edge { flow, from: from.parse().unwrap() };
    let service = |key: &str, checks, depends| ServiceSpec {
        key: key.parse().unwrap(),
        label: key.to_uppercase(),
        code: key.to_uppercase(),
        checks,
        depends,
    };
    let mut a1 = check("a.one", Scope::School);
    a1.age = Some(age);
    a1.keeps = Some(Span::from_hours(6));
    a1.fresh_for = Span::from_hours(10);
    a1.emits = vec![Flow::SignIn, Flow::NewAccounts];
    let mut a2 = check("a.all", Scope::Estate);
    a2.tries = 2;
    a2.emits = vec![Flow::SignIn];
    let mut b1 = check("b.one", Scope::School);
    b1.tries = 3;
    b1.emits = vec![Flow::Traffic];
    b1.drop = Some(DropRule {
        number: "pupils",
        warning: 0.15,
        summer: 0.4,
        against: Against::LastGoodDay,
        weeks: 4,
    });
    if variant == 1 {
        b1.covers = Coverage::Only([laestab(0), laestab(2)].into());
    }
    // The even schools share what it asks about.
    let mut b2 = check("b.shared", Scope::Estate);
    b2.tries = 3;
    b2.stays = true;
    b1.shared = [(laestab(0), b2.id.clone()), (laestab(2), b2.id.clone())].into();
    let mut c1 = check("c.one", Scope::School);
    c1.emits = vec![Flow::NewAccounts];
    let c = if variant == 2 { vec![] } else { vec![c1] };
    let services = vec![
        service("a", vec![a1, a2], vec![edge(Flow::NewAccounts, "c")]),
        service("b", vec![b2, b1], vec![edge(Flow::SignIn, "a")]),
        service("c", c, vec![edge(Flow::Traffic, "b"), edge(Flow::NewAccounts, "b")]),
    ];
    let takes = |n: u16| Subscription {
        services: ["a", "b", "c"]
            .iter()
            .filter(|k| **k != "b" || n.is_multiple_of(2))
            .map(|k| k.parse().unwrap())
            .collect(),
        ..Subscription::default()
    };
    Arc::new(Estate {
        schools: (0..schools).map(|n| (laestab(n), school(n))).collect(),
        subscriptions: (0..schools - 1).map(|n| (laestab(n), takes(n))).collect(),
        services,
        calendars: BTreeMap::from([(String::new(), Calendar::default())]),
        ..Estate::default()
    })
}

const CHECKS: [&str; 5] = ["a.one", "a.all", "b.one", "c.one", "b.shared"];

/// A thing that may happen; small numbers, so that a failing case can be read.
#[derive(Debug, Clone)]
enum Happens {
    Tick,
    Seen { check: usize, school: u16, verdict: usize, source: i64, pupils: u8 },
    Handled { school: u16, column: usize, minutes: i64 },
    Configured { schools: u16, variant: u8 },
    Restarted,
}

const VERDICTS: [Verdict; 10] = [
    Verdict::Ok,
    Verdict::Ok,
    Verdict::Ok,
    Verdict::Quiet,
    Verdict::Warning,
    Verdict::Critical,
    Verdict::Unknown(Reason::NoAnswer),
    Verdict::Unknown(Reason::Throttled),
    Verdict::Unknown(Reason::NeverSeen),
    Verdict::Unknown(Reason::Unauthorised),
];

fn happens() -> impl Strategy<Value = (i64, Happens)> {
    let seen = (0..5_usize, 0..5_u16, 0..VERDICTS.len(), -400..200_i64, 0..4_u8).prop_map(
        |(check, school, verdict, source, pupils)| Happens::Seen {
            check,
            school,
            verdict,
            source,
            pupils: pupils * 60,
        },
    );
    let handled = (0..6_u16, 0..3_usize, -10..60_i64)
        .prop_map(|(school, column, minutes)| Happens::Handled { school, column, minutes });
    let configured =
        (2..6_u16, 0..3_u8).prop_map(|(schools, variant)| Happens::Configured { schools, variant });
    let what = prop_oneof![
        2 => Just(Happens::Tick),
        20 => seen,
        3 => handled,
        1 => configured,
        1 => Just(Happens::Restarted),
    ];
    (prop_oneof![20 => 0..8_i64, 2 => 100..400_i64, 1 => -50..0_i64], what)
}

fn board(world: &World) -> Vec<Cell> {
    let rows = world.estate().schools.keys().map(|l| Row::School(*l)).chain([Row::Estate]);
    rows.flat_map(|row| (0..3).map(move |column| (row, column)))
        .map(|(row, column)| world.cell(row, column))
        .collect()
}

fn kept(world: &World) -> Vec<KeptCell> {
    let estate = Arc::clone(world.estate());
    let rows = estate.schools.keys().map(|l| Row::School(*l)).chain([Row::Estate]);
    rows.flat_map(|row| estate.services.iter().zip(0..).map(move |(s, c)| (row, s.key.clone(), c)))
        .map(|(row, service, c)| KeptCell { row, service, cell: world.cell(row, c) })
        .collect()
}

fn event(world: &World, at: Timestamp, what: &Happens) -> Event {
    let minutes = |m: &i64| at + SignedDuration::from_mins(*m);
    match what {
        Happens::Tick => Event::Tick,
        Happens::Seen { check, school, verdict, source, pupils } => {
            let target = if matches!(check, 1 | 4) {
                Target::Estate
            } else {
                Target::School(laestab(*school))
            };
            // Answers come a little late, and from a clock that is a little fast.
            let answered = minutes(&((source % 7) - 4));
            let verdict = VERDICTS[*verdict];
            let seen = Observation::new(id(CHECKS[*check]), target, answered, verdict, "said");
            Event::Observed(
                seen.source(minutes(source), Zone::Assumed).number("pupils", f64::from(*pupils)),
            )
        }
        Happens::Handled { school, column, minutes: m } => Event::Handled {
            row: if *school == 5 { Row::Estate } else { Row::School(laestab(*school)) },
            service: ["a", "b", "c"][*column].parse().unwrap(),
            from: (*m % 3 == 0).then(|| minutes(&(m / 2))),
            handling: (*m > -5).then(|| Handling {
                kind: HandlingKind::Claimed,
                by: "tomr".into(),
                until: (*m > 5).then(|| minutes(m)),
            }),
        },
        Happens::Configured { schools, variant } => Event::Configured(estate(*schools, *variant)),
        Happens::Restarted => {
            Event::Restored { written_at: at, cells: kept(world), memories: Vec::new() }
        }
    }
}

/// The part of the board that a row belongs to, by its words.
fn part(row: &[&Cell]) -> Part {
    let own = |c: &&&Cell| c.health.is_trouble() && c.follows_from.is_none();
    let free = || row.iter().filter(own).filter(|c| c.handling.is_none());
    let asked = |c: &&Cell| !super::cell::is_unasked(c);
    if let Some(worst) = free().filter(|c| asked(c)).map(|c| c.health).max() {
        return match worst {
            Health::Critical => Part::Critical,
            Health::Unknown => Part::Unknown,
            _ => Part::Warning,
        };
    }
    let any = |health| row.iter().any(|c| c.health == health);
    match (free().next(), row.iter().find(own), row.iter().find(|c| c.health.is_trouble())) {
        (Some(_), ..) => Part::Unasked,
        (_, Some(_), _) => Part::Somebody,
        (.., Some(_)) => Part::Follows,
        _ if any(Health::Ok) => Part::Ok,
        _ => Part::NotSubscribed,
    }
}

fn recount(world: &World) -> (Summary, Summary) {
    let (mut cells, mut schools) = (Summary::default(), Summary::default());
    for l in world.estate().schools.keys() {
        let row: Vec<Health> = (0..3).map(|c| world.cell(Row::School(*l), c).health).collect();
        row.iter().for_each(|h| *cells.of_mut(*h) += 1);
        *schools.of_mut(*row.iter().max().unwrap()) += 1;
    }
    (cells, schools)
}

/// The order by its words, compared field by field.
fn by_hand(world: &World) -> Vec<Laestab> {
    let estate = world.estate();
    let mut all: Vec<_> = estate
        .schools
        .values()
        .map(|s| {
            let cells = (0..3).map(|c| world.cell(Row::School(s.laestab), c));
            let trouble = cells
                .filter(|c| c.health.is_trouble())
                .map(|c| {
                    let rank = std::cmp::Reverse(c.health);
                    (c.handling.is_some(), c.follows_from.is_some(), rank)
                })
                .min();
            let same = (0..3).map(|c| world.cell(Row::School(s.laestab), c)).filter(|c| {
                let rank = std::cmp::Reverse(c.health);
                Some((c.handling.is_some(), c.follows_from.is_some(), rank)) == trouble
            });
            let age = same.filter_map(|c| c.since).map(|t| t.as_second()).min();
            let none = (0..3)
                .all(|c| world.cell(Row::School(s.laestab), c).health == Health::NotSubscribed);
            let well = trouble.is_none();
            let pupils = if well { 0 } else { u32::MAX - s.pupils.unwrap_or(0) };
            let age = if well { 0 } else { age.unwrap_or(i64::MAX) };
            let name = s.name.as_str().to_lowercase();
            ((well, none), trouble, pupils, age, (name, s.laestab))
        })
        .collect();
    all.sort();
    all.into_iter().map(|(.., (_, l))| l).collect()
}

fn laestab_of(row: Row) -> Laestab {
    match row {
        Row::School(l) => l,
        Row::Estate => laestab(0),
    }
}

fn is_restored(world: &World, row: Row, column: u16) -> bool {
    let row = world.plan.row(row).unwrap();
    world.before.as_ref().is_some_and(|before| before.holds(row, usize::from(column)))
}

fn holds(world: &mut World) {
    let (cells, schools) = recount(world);
    assert_eq!((world.summary(), world.schools_summary()), (cells, schools), "counters");
    let mut split = Split::default();
    for l in world.estate().schools.keys() {
        let row: Vec<Cell> = (0..3).map(|c| world.cell(Row::School(*l), c)).collect();
        *split.of_mut(part(&row.iter().collect::<Vec<_>>())) += 1;
    }
    assert_eq!(world.split(), split, "parts of the board");
    let order = by_hand(world);
    assert_eq!(world.order(), order, "order");
    assert!(world.next_deadline().is_none_or(|d| d > world.now), "a deadline is overdue");
    let rows: Vec<Row> =
        world.estate().schools.keys().map(|l| Row::School(*l)).chain([Row::Estate]).collect();
    for row in rows {
        for column in 0..3 {
            let cell = world.cell(row, column);
            let checks = world.checks(row, column);
            if cell.health == Health::Ok && !is_restored(world, row, column) {
                assert!(checks.iter().all(|c| c.health == Health::Ok), "a wrong green: {checks:?}");
                let estate = world.cell(Row::Estate, column);
                let stays = world.plan.stays(usize::from(column));
                assert!(row == Row::Estate || stays || !estate.health.is_trouble(), "{estate:?}");
            }
            let taken = row == Row::Estate
                || world
                    .estate()
                    .takes(laestab_of(row), &world.estate().services[column as usize].key);
            let checked = !checks.is_empty();
            assert!(
                !(taken && checked) || cell.health != Health::NotSubscribed,
                "{row:?} {column}"
            );
            assert_eq!(cell.reason.is_some(), cell.health == Health::Unknown, "{cell:?}");
            assert!(cell.since.is_none_or(|s| s <= world.now), "{cell:?}");
            assert!(!cell.quiet || cell.health == Health::Ok, "{cell:?}");
            assert!(!cell.soft || cell.health.is_trouble(), "{cell:?}");
            assert!(cell.follows_from.is_none() || cell.health.is_trouble(), "{cell:?}");
            assert_eq!(
                cell.why.is_empty(),
                cell.health == Health::NotSubscribed && cell.why.is_empty()
            );
            if let Some(cause) = &cell.follows_from {
                let root = world.plan.column(&cause.service).unwrap();
                let at = if cause.scope == Scope::Estate { Row::Estate } else { row };
                let root = world.cell(at, u16::try_from(root).unwrap());
                assert!(root.health.is_trouble(), "{cell:?} follows from {root:?}");
            }
        }
    }
}

fn play(happenings: &[(i64, Happens)], mut each: impl FnMut(&mut World, &[Effect], u64)) -> World {
    let (mut now, mut world) = (start(), World::new(estate(4, 0), start(), 7));
    for (minutes, what) in happenings {
        now += SignedDuration::from_mins(*minutes);
        let before = world.revision();
        let event = event(&world, now, what);
        let effects = step(&mut world, now, event);
        each(&mut world, &effects, before);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_events_keeps_the_board_true(all in prop::collection::vec(happens(), 1..60)) {
        play(&all, |world, effects, before| {
            holds(world);
            let told = effects
                .iter()
                .any(|e| matches!(e, Effect::Changed { .. } | Effect::Reset));
            assert_eq!(world.revision(), before + u64::from(told));
            let now = world.now;
            assert_eq!(step(world, now, Event::Tick), [], "a second tick finds nothing to do");
        });
    }

    #[test]
    fn what_is_told_of_a_past_moment_was_so(all in prop::collection::vec(happens(), 1..60)) {
        let mut history: BTreeMap<(Row, ServiceKey), Vec<StateChange>> = BTreeMap::new();
        type Named = BTreeMap<(Row, ServiceKey), Cell>;
        let mut moments: Vec<(Timestamp, Named)> = Vec::new();
        let world = play(&all, |world, effects, _| {
            for effect in effects {
                if let Effect::History { row, change } | Effect::Noted { row, change } = effect {
                    let key = (*row, change.service.clone());
                    history.entry(key).or_default().push(change.clone());
                }
            }
            moments.retain(|(at, _)| *at != world.now);
            let now = kept(world).into_iter().map(|k| ((k.row, k.service), k.cell));
            moments.push((world.now, now.collect()));
        });
        let present: BTreeMap<(Row, ServiceKey), Cell> = kept(&world)
            .into_iter()
            .map(|k| ((k.row, k.service), k.cell))
            .collect();
        for (at, cells) in moments {
            for (key, was) in cells {
                let changes = history.get(&key).map_or(&[][..], Vec::as_slice);
                let around = Around {
                    before: changes.iter().rev().find(|c| c.at <= at).cloned(),
                    after: changes.iter().find(|c| c.at > at).cloned(),
                };
                let Some(present) = present.get(&key) else { continue };
                let told = cell_at(&around, present, at);
                let unknown = told.reason == Some(Reason::NotRecorded);
                // Of what is not taken any more and never was certain nothing is kept.
                let unconfirmed = was.soft
                    || cell::is_unasked(&was)
                    || (told.health == Health::NotSubscribed
                        && was.reason == Some(Reason::NeverSeen));
                if unknown || unconfirmed {
                    continue;
                }
                prop_assert_eq!(
                    (told.health, told.follows_from.is_some()),
                    (was.health, was.follows_from.is_some()),
                    "{:?} at {}: {:?}, now {:?}", key, at, around, present
                );
            }
        }
    }

    #[test]
    fn the_same_events_give_the_same_board(all in prop::collection::vec(happens(), 1..60)) {
        prop_assert_eq!(board(&play(&all, |_, _, _| {})), board(&play(&all, |_, _, _| {})));
    }

    #[test]
    fn made_anew_as_a_whole_it_is_the_same(all in prop::collection::vec(happens(), 1..60)) {
        let mut world = play(&all, |_, _, _| {});
        let before = board(&world);
        let (now, same) = (world.now, Arc::clone(world.estate()));
        step(&mut world, now, Event::Configured(same));
        prop_assert_eq!(board(&world), before);
        holds(&mut world);
    }

    #[test]
    fn after_a_restart_the_same_answers_give_the_same_board(
        all in prop::collection::vec(happens(), 1..40),
        answers in prop::collection::vec(0..VERDICTS.len(), 5 * 5),
    ) {
        let mut ran = play(&all, |_, _, _| {});
        let now = ran.now;
        let mut restarted = World::new(Arc::clone(ran.estate()), now, ran.revision());
        let (written_at, cells) = (now, kept(&ran));
        step(&mut restarted, now, Event::Restored { written_at, cells, memories: Vec::new() });
        // Long enough for everything to be stale, then three answers of one kind from each.
        for round in 0..3 {
            let now = now + SignedDuration::from_mins(600 + 5 * round);
            for (i, verdict) in answers.iter().enumerate() {
                let verdict = match VERDICTS[*verdict] {
                    Verdict::Unknown(Reason::Throttled) => Verdict::Ok,
                    other => other,
                };
                let (check, school) = (i % 5, u16::try_from(i / 5).unwrap());
                let target = if matches!(check, 1 | 4) { Target::Estate } else { Target::School(laestab(school)) };
                let seen = Observation::new(id(CHECKS[check]), target, now, verdict, "said");
                step(&mut ran, now, Event::Observed(seen.clone()));
                step(&mut restarted, now, Event::Observed(seen));
            }
        }
        let plain = |w: &World| -> Vec<_> {
            let cells = board(w).into_iter();
            cells.map(|c| (c.health, c.reason, c.soft, c.follows_from, c.handling)).collect()
        };
        let flaps = |w: &World| board(w).iter().any(|c| c.flapping);
        let learned = ran.states.iter().any(|s| s.memory() != crate::model::kept::Memory::default());
        if !flaps(&ran) && !learned {
            prop_assert_eq!(plain(&ran), plain(&restarted));
        }
    }

    #[test]
    fn extreme_moments_do_no_harm(times in prop::collection::vec((any::<i64>(), any::<i64>(), 0..5_usize), 1..30)) {
        let moment = |s: i64| {
            let (min, max) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
            Timestamp::from_second(if s % 3 == 0 { s.clamp(min, max) } else { s % max }).unwrap()
        };
        let mut world = World::new(estate(3, 0), Timestamp::MIN, u64::MAX - 1);
        for (a, b, check) in times {
            let target = if matches!(check, 1 | 4) { Target::Estate } else { Target::School(laestab(0)) };
            let seen = Observation::new(id(CHECKS[check]), target, moment(b), Verdict::Ok, "")
                .source(moment(a), Zone::Ours)
                .good(Some(moment(a)))
                .since(Some(moment(b)));
            step(&mut world, moment(a), Event::Observed(seen));
            holds(&mut world);
        }
    }
}

fn ok(check: &str, n: u16, at: Timestamp) -> Observation {
    Observation::new(id(check), Target::School(laestab(n)), at, Verdict::Ok, "said")
}

#[test]
fn settles_once_when_every_check_has_been_tried() {
    let mut world = World::new(estate(2, 0), start(), 0);
    let refused = Verdict::Unknown(Reason::Unauthorised);
    let all = [
        ok("a.one", 0, start()),
        ok("b.one", 0, start()),
        Observation::new(id("c.one"), Target::School(laestab(0)), start(), refused, ""),
        Observation::new(id("b.shared"), Target::Estate, start(), Verdict::Ok, ""),
        Observation::new(id("a.all"), Target::Estate, start(), Verdict::Ok, ""),
    ];
    for (i, seen) in all.into_iter().enumerate() {
        assert!(!world.settled());
        let effects = step(&mut world, start(), Event::Observed(seen.clone()));
        let told = effects.iter().filter(|e| **e == Effect::Settled).count();
        assert_eq!(told, usize::from(i == 4));
        let again = step(&mut world, start(), Event::Observed(seen));
        assert!(!again.contains(&Effect::Settled));
    }
    assert!(world.settled());
    let effects = step(&mut world, start(), Event::Configured(estate(3, 0)));
    assert!(effects.contains(&Effect::Reset) && !world.settled(), "a new school, not yet asked");
}

#[test]
fn the_first_judgement_is_history_only_when_it_is_trouble() {
    let mut world = World::new(estate(2, 0), start(), 0);
    let told = |world: &mut World, seen: Observation| -> Vec<_> {
        let at = seen.observed_at;
        step(world, at, Event::Observed(seen))
            .into_iter()
            .filter_map(|e| match e {
                Effect::History { change, .. } if change.service.as_str() == "b" => {
                    Some((change.from, change.to))
                }
                _ => None,
            })
            .collect()
    };
    let bad = |n: u16, minute: i64| Observation {
        verdict: Verdict::Critical,
        ..ok("b.one", n, start() + SignedDuration::from_mins(minute))
    };
    let well = |n: u16, minute: i64| ok("b.one", n, start() + SignedDuration::from_mins(minute));
    assert!(told(&mut world, well(0, 0)).is_empty(), "nobody had looked before");
    let failed = (Health::Ok, Health::Critical);
    let later: Vec<_> = (1..6).flat_map(|m| told(&mut world, bad(0, m))).collect();
    assert_eq!(later, [failed], "what comes after it is told");
    assert_eq!(told(&mut world, well(0, 7)), [(Health::Critical, Health::Ok)]);

    let mut world = World::new(estate(2, 0), start(), 0);
    let first: Vec<_> = (0..6).flat_map(|m| told(&mut world, bad(0, m))).collect();
    assert_eq!(first, [(Health::Unknown, Health::Critical)]);
}

#[test]
fn remembers_only_what_is_new() {
    let mut world = World::new(estate(2, 0), start(), 0);
    let remembered = |world: &mut World, seen: Observation| -> Vec<_> {
        let at = seen.observed_at;
        step(world, at, Event::Observed(seen))
            .into_iter()
            .filter_map(|e| if let Effect::Remember(k) = e { Some(k.memory) } else { None })
            .collect()
    };
    let (night, now) = (at("2026-11-24T03:00:00Z"), start());
    let good = ok("a.one", 0, now).source(night, Zone::Given);
    assert_eq!(remembered(&mut world, good.clone())[0].good_at, Some(night));
    assert!(remembered(&mut world, good.clone()).is_empty(), "nothing new");
    let older = good.source(night - SignedDuration::from_hours(9), Zone::Given);
    assert!(remembered(&mut world, older).is_empty(), "never goes back");
    let failed = Verdict::Critical;
    let bad = Observation { verdict: failed, ..ok("a.one", 0, now).source(now, Zone::Given) };
    assert!(remembered(&mut world, bad).is_empty(), "a failed run is no good one");

    let counted = |hours: i64, n: f64| {
        ok("b.one", 0, now + SignedDuration::from_hours(hours)).number("pupils", n)
    };
    assert_eq!(remembered(&mut world, counted(0, 200.0))[0].baseline[0].value, 200.0);
    assert!(remembered(&mut world, counted(1, 190.0)).is_empty(), "once a day");
    assert_eq!(remembered(&mut world, counted(20, 180.0))[0].baseline[0].value, 180.0);
    assert!(remembered(&mut world, counted(45, 90.0)).is_empty(), "not of a bad day");
}

#[test]
fn time_never_goes_back() {
    let mut world = World::new(estate(2, 0), start(), 0);
    step(&mut world, start() + SignedDuration::from_hours(1), Event::Tick);
    step(&mut world, start(), Event::Observed(ok("c.one", 0, start())));
    let view = world.check(Target::School(laestab(0)), &id("c.one")).unwrap();
    assert_eq!((view.health, view.reason), (Health::Unknown, Some(Reason::Stale)));
}

#[test]
fn shows_the_evidence_of_a_check() {
    let mut world = World::new(estate(2, 0), start(), 0);
    let night = at("2026-11-24T07:30:00Z");
    let seen = ok("a.one", 0, start()).source(night, Zone::Given).fact("request id", "r-1");
    step(&mut world, start(), Event::Observed(seen.number("files", 3.0)));
    let views = world.checks(Row::School(laestab(0)), 0);
    assert_eq!(views.len(), 1, "the estate's checks stand in the estate's row");
    let v = &views[0];
    assert_eq!((v.observed_at, v.good_at), (Some(start()), Some(night)));
    assert_eq!(v.fresh_until, Some(start() + SignedDuration::from_hours(10)));
    assert_eq!((v.tries, v.numbers.len(), v.evidence.len()), ((0, 1), 1, 1));
    assert_eq!(
        v.rule.as_str(),
        "older than 2h is a warning, closures not counted, than 4h critical"
    );
    assert!(world.check(Target::Estate, &id("a.one")).is_none());
    assert_eq!(world.cell(Row::School(laestab(999)), 0), Cell::default());
    assert_eq!(world.cell(Row::Estate, 99), Cell::default());
}

#[test]
fn answers_leave_one_timer_each() {
    let mut world = World::new(estate(2, 0), start(), 0);
    for minute in 0..500 {
        let now = start() + SignedDuration::from_mins(minute);
        step(&mut world, now, Event::Observed(ok("c.one", 0, now)));
    }
    assert!(world.timers.len() <= 4, "{}", world.timers.len());
}

fn restored(world: &World, at: Timestamp, cells: Vec<KeptCell>) -> World {
    let mut new = World::new(Arc::clone(world.estate()), at, world.revision());
    step(&mut new, at, Event::Restored { written_at: at, cells, memories: Vec::new() });
    new
}

#[test]
fn an_answer_from_the_future_counts_as_of_now() {
    let mut world = World::new(estate(2, 0), start(), 0);
    let ahead = start() + SignedDuration::from_hours(5);
    step(&mut world, start(), Event::Observed(ok("c.one", 0, ahead)));
    assert_eq!(world.cell(Row::School(laestab(0)), 2).health, Health::Ok);
    step(&mut world, start() + SignedDuration::from_mins(30), Event::Tick);
    assert_eq!(world.cell(Row::School(laestab(0)), 2).reason, Some(Reason::Stale));
}

#[test]
fn a_claim_that_has_run_out_changes_nothing() {
    let mut world = World::new(estate(2, 0), start(), 0);
    let (row, service) = (Row::School(laestab(0)), "a".parse().unwrap());
    let dead = Handling { kind: HandlingKind::Claimed, by: "tomr".into(), until: Some(start()) };
    let effects = step(
        &mut world,
        start(),
        Event::Handled { row, service, from: None, handling: Some(dead) },
    );
    assert_eq!((effects, world.revision()), (Vec::new(), 0));
}

#[test]
fn a_board_written_in_the_future_counts_as_of_now() {
    let mut world = World::new(estate(2, 0), start(), 0);
    step(&mut world, start(), Event::Observed(ok("c.one", 0, start())));
    let (cells, later) = (kept(&world), start() + SignedDuration::from_hours(9));
    let mut new = World::new(Arc::clone(world.estate()), start(), 0);
    step(&mut new, start(), Event::Restored { written_at: later, cells, memories: Vec::new() });
    assert_eq!(new.cell(Row::School(laestab(0)), 2).health, Health::Ok);
    step(&mut new, start() + SignedDuration::from_mins(30), Event::Tick);
    assert_eq!(new.cell(Row::School(laestab(0)), 2).reason, Some(Reason::Stale));
}

#[test]
fn what_was_kept_does_not_cover_what_was_answered() {
    let mut world = World::new(estate(2, 0), start(), 0);
    step(&mut world, start(), Event::Observed(ok("c.one", 0, start())));
    let cells = kept(&world);
    let mut new = World::new(Arc::clone(world.estate()), start(), 0);
    let failed = Observation { verdict: Verdict::Critical, ..ok("c.one", 0, start()) };
    step(&mut new, start(), Event::Observed(failed));
    step(&mut new, start(), Event::Restored { written_at: start(), cells, memories: Vec::new() });
    assert_eq!(new.cell(Row::School(laestab(0)), 2).health, Health::Critical);
}

#[test]
fn a_dash_of_before_is_no_answer_for_what_is_taken_now() {
    let world = World::new(estate(2, 0), start(), 0);
    let blank = Cell::default();
    let cells = kept(&world).into_iter().map(|k| KeptCell { cell: blank.clone(), ..k }).collect();
    let new = restored(&world, start(), cells);
    assert_eq!(new.cell(Row::School(laestab(0)), 2).reason, Some(Reason::NeverSeen));
}

#[test]
fn soft_trouble_of_before_the_restart_is_news_when_it_hardens() {
    let mut world = World::new(estate(2, 0), start(), 0);
    let bad = |at| Observation { verdict: Verdict::Critical, ..ok("b.one", 0, at) };
    step(&mut world, start(), Event::Observed(ok("b.one", 0, start())));
    step(&mut world, start(), Event::Observed(ok("a.one", 0, start())));
    step(&mut world, start(), Event::Observed(bad(start())));
    let mut new = restored(&world, start(), kept(&world));
    let mut told = Vec::new();
    for minute in 1..=3 {
        let now = start() + SignedDuration::from_mins(minute);
        told.extend(step(&mut new, now, Event::Observed(bad(now))));
    }
    let row = Row::School(laestab(0));
    let change = told.iter().find_map(|e| match e {
        Effect::History { row: r, change } if *r == row => Some((change.from, change.to)),
        _ => None,
    });
    assert_eq!(change, Some((Health::Ok, Health::Critical)));
}

#[test]
fn calendars_reach_on_as_the_years_go_by() {
    let mut later = (*estate(2, 0)).clone();
    let day = |t: &str| t.parse().unwrap();
    let closure = crate::model::calendar::Days { from: day("2031-05-05"), to: day("2031-05-09") };
    let calendar = Calendar { terms: Vec::new(), closures: vec![closure] };
    later.calendars.insert(String::new(), calendar);
    later.services[0].checks[0].keeps = None;
    let mut world = World::new(Arc::new(later), start(), 0);
    let night = at("2031-05-04T22:00:00Z");
    step(&mut world, night, Event::Tick);
    let now = at("2031-05-05T09:00:00Z");
    step(&mut world, now, Event::Observed(ok("a.one", 0, now).source(night, Zone::Given)));
    let view = world.check(Target::School(laestab(0)), &id("a.one")).unwrap();
    assert_eq!(
        (view.health, view.why.as_str()),
        (Health::Ok, "no data since Sun 23:00; held: no school today")
    );
}

/// What the clock alone makes of check `a.one`: its health and sentence whenever they change, ticking
/// only when the world asks for it.
fn by_the_clock(world: &mut World, until: Timestamp) -> Vec<(String, Health, String)> {
    let mut told: Vec<(String, Health, String)> = Vec::new();
    while let Some(due) = world.next_deadline().filter(|d| *d <= until) {
        step(world, due, Event::Tick);
        let view = world.check(Target::School(laestab(0)), &id("a.one")).unwrap();
        if told.last().is_none_or(|t| (t.1, t.2.as_str()) != (view.health, view.why.as_str())) {
            told.push((due.to_string(), view.health, view.why.to_string()));
        }
    }
    told
}

fn one_check(change: impl Fn(&mut CheckSpec)) -> World {
    let mut estate = (*estate(2, 0)).clone();
    let day = |t: &str| t.parse().unwrap();
    let closure = crate::model::calendar::Days { from: day("2026-11-25"), to: day("2026-11-29") };
    let calendar = Calendar { terms: Vec::new(), closures: vec![closure] };
    estate.calendars.insert(String::new(), calendar);
    estate.services[0].checks.truncate(1);
    let spec = &mut estate.services[0].checks[0];
    (spec.age, spec.keeps) = (None, None);
    change(spec);
    World::new(Arc::new(estate), start(), 0)
}

#[test]
fn the_clock_alone_ages_data_across_a_closure() {
    let mut world = one_check(|spec| {
        spec.fresh_for = Span::from_days(30);
        spec.age = Some(AgeRule {
            late: None,
            warning: Span::from_hours(26),
            critical: Span::from_hours(50),
            runs: Runs::Daily,
            held_by_closures: true,
        });
    });
    let seen = ok("a.one", 0, start()).source(at("2026-11-24T03:00:00Z"), Zone::Given);
    step(&mut world, start(), Event::Observed(seen));
    let told = by_the_clock(&mut world, at("2026-12-25T00:00:00Z"));
    let told: Vec<_> = told.iter().map(|t| (t.0.as_str(), t.1, t.2.as_str())).collect();
    let want = [
        ("2026-11-25T05:00:00Z", Health::Ok, "no data since Tue 03:00; held: no school today"),
        ("2026-11-30T00:00:00Z", Health::Ok, "said"),
        ("2026-11-30T05:00:00Z", Health::Warning, "no data since 24 Nov 03:00; limit 26h"),
        ("2026-12-01T05:00:00Z", Health::Critical, "no data since 24 Nov 03:00; limit 50h"),
        (
            "2026-12-24T08:00:00Z",
            Health::Unknown,
            "no answer since 24 Nov 08:00; an answer counts for 30d",
        ),
    ];
    assert_eq!(told, want);
}

#[test]
fn the_clock_alone_counts_down_to_nothing_left() {
    let mut world = one_check(|spec| {
        spec.fresh_for = Span::from_days(30);
        spec.keeps = Some(Span::from_days(3));
    });
    let good = at("2026-11-23T20:00:00Z");
    let bad = Observation { verdict: Verdict::Warning, ..ok("a.one", 0, start()).good(Some(good)) };
    step(&mut world, start(), Event::Observed(bad));
    let told = by_the_clock(&mut world, at("2026-11-27T00:00:00Z"));
    let told: Vec<_> = told.iter().map(|t| (t.0.as_str(), t.1, t.2.as_str())).collect();
    let left = "said; last good run Mon 20:00; ";
    let want = [
        (
            "2026-11-24T20:00:00Z",
            Health::Warning,
            format!("{left}2d until nothing is left to restore"),
        ),
        (
            "2026-11-24T20:00:01Z",
            Health::Warning,
            format!("{left}1d until nothing is left to restore"),
        ),
        (
            "2026-11-25T20:00:01Z",
            Health::Warning,
            format!("{left}less than a day until nothing is left to restore"),
        ),
        (
            "2026-11-26T20:00:00Z",
            Health::Critical,
            "nothing is left to restore: last good run Mon 20:00, kept for 3d".to_owned(),
        ),
    ];
    assert_eq!(told, want.each_ref().map(|t| (t.0, t.1, t.2.as_str())));
}

#[test]
fn the_clock_alone_puts_a_date_to_an_old_weekday() {
    let mut world = one_check(|_| {});
    let began = start() - SignedDuration::from_hours(72);
    let bad =
        Observation { verdict: Verdict::Critical, ..ok("a.one", 0, start()).since(Some(began)) };
    step(&mut world, start(), Event::Observed(bad));
    let told = by_the_clock(&mut world, start() + SignedDuration::from_hours(24 * 9));
    let last = told.last().unwrap();
    assert_eq!(last.2, "no answer since 24 Nov 08:00; an answer counts for 10h");
    assert_eq!(last.0, "2026-11-30T08:00:00Z");
}

#[test]
fn nothing_is_left_only_if_the_vendor_still_answers() {
    let good = Some(start() - SignedDuration::from_hours(71));
    let later = start() + SignedDuration::from_hours(2);
    for (verdict, health) in [
        (Verdict::Ok, Health::Critical),
        (Verdict::Unknown(Reason::Paused), Health::Critical),
        (Verdict::Unknown(Reason::NeverSeen), Health::Critical),
        (Verdict::Unknown(Reason::NoAnswer), Health::Unknown),
        (Verdict::Unknown(Reason::Unauthorised), Health::Unknown),
    ] {
        let mut world = one_check(|spec| spec.keeps = Some(Span::from_days(3)));
        let seen = Observation { verdict, ..ok("a.one", 0, start()).good(good) };
        step(&mut world, start(), Event::Observed(seen));
        by_the_clock(&mut world, later);
        let view = world.check(Target::School(laestab(0)), &id("a.one")).unwrap();
        assert_eq!(view.health, health, "{verdict:?}: {}", view.why);
    }
}

#[test]
fn what_time_has_proved_needs_no_second_answer() {
    let mut world = one_check(|spec| {
        spec.tries = 3;
        spec.age = Some(AgeRule {
            late: None,
            warning: Span::from_hours(26),
            critical: Span::from_hours(50),
            runs: Runs::Daily,
            held_by_closures: false,
        });
    });
    let old = start() - SignedDuration::from_hours(27);
    let seen = ok("a.one", 0, start()).source(old, Zone::Given);
    let degraded = Observation { verdict: Verdict::Warning, ..seen };
    step(&mut world, start(), Event::Observed(degraded));
    let view = world.check(Target::School(laestab(0)), &id("a.one")).unwrap();
    assert_eq!((view.health, view.soft, view.tries), (Health::Warning, false, (1, 3)));
    assert_eq!(view.rule.as_str(), "older than 26h is a warning");
}
