//! What is counted how: stories as tables, and whatever happened, second by second.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::model::cell::{Cause, Cell, Row, StateChange};
use crate::model::check::Scope;
use crate::model::desk::{CellName, DeskEntry, DeskKind};
use crate::model::health::{Health, Reason};
use crate::model::ids::ServiceKey;
use crate::model::incident::Member;
use crate::model::past::{Around, cell_at, is_not_recorded};

fn second(n: i64) -> Timestamp {
    let start: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
    start + SignedDuration::from_secs(n)
}

fn service() -> ServiceKey {
    "mail".parse().unwrap()
}

fn change(at: i64, from: Health, to: Health) -> StateChange {
    StateChange {
        at: second(at),
        service: service(),
        from,
        to,
        reason: (to == Health::Unknown).then_some(Reason::NoAnswer),
        follows: false,
        first: false,
        why: "as it was".into(),
    }
}

/// A cell as it stands since a moment.
fn now(health: Health, since: i64) -> Cell {
    let at = Some(second(since));
    let reason = (health == Health::Unknown).then_some(Reason::NoAnswer);
    Cell { health, reason, since: at, state_since: at, ..Cell::default() }
}

fn first(mut change: StateChange) -> StateChange {
    change.first = true;
    change
}

fn follows(mut change: StateChange) -> StateChange {
    change.follows = true;
    change
}

fn says(mut change: StateChange, why: &str) -> StateChange {
    change.why = why.into();
    change
}

fn spans(all: &[(i64, i64)]) -> Vec<Stretch> {
    all.iter().map(|(from, until)| (second(*from), second(*until))).collect()
}

/// The sums from second 0 up to `until`.
fn sums(changes: &[StateChange], present: &Cell, layers: &Layers<'_>, until: i64) -> Sums {
    let period = (second(0), second(until));
    let days = Days::new(period);
    let mut sums = vec![Sums::default(); days.dates.len()];
    sum_up(&course(changes, present, period), layers, &days, &mut sums);
    sums.iter().fold(Sums::default(), |mut all, day| {
        all.add(day);
        all
    })
}

use Health::{Critical, NotSubscribed, Ok as Well, Unknown, Warning};

#[test]
fn what_counts_as_what() {
    let none = Layers::default();
    let well = now(Well, -50);
    let broke = [change(40, Well, Critical), change(70, Critical, Well)];
    let told = |changes: &[StateChange], present: &Cell| sums(changes, present, &none, 100);

    let all_well = told(&[], &well);
    assert_eq!(all_well, Sums { ok: 100, ..Sums::default() });
    assert_eq!((all_well.availability(), all_well.freshness()), (Some(1.0), Some(1.0)));

    let down = told(&broke, &now(Well, 70));
    assert_eq!(down, Sums { ok: 70, critical: 30, ..Sums::default() });
    assert_eq!(down.availability(), Some(0.7));

    let silent =
        told(&[change(40, Well, Unknown), change(70, Unknown, Warning)], &now(Warning, 70));
    assert_eq!(silent, Sums { ok: 40, unknown: 30, warning: 30, ..Sums::default() });
    assert_eq!(silent.availability(), Some(1.0), "unknown is in neither");
    assert_eq!(silent.freshness(), Some(0.7), "and is not fresh");

    let began = told(&[first(change(30, Unknown, Well))], &now(Well, 30));
    assert_eq!(began, Sums { ok: 70, not_recorded: 30, ..Sums::default() });

    let never = told(&[], &Cell { state_since: None, ..now(Well, 0) });
    assert_eq!(never, Sums { not_recorded: 100, ..Sums::default() });
    assert_eq!((never.availability(), never.freshness()), (None, None), "nothing is known");

    let given_up = told(&[change(60, Well, NotSubscribed)], &Cell::default());
    assert_eq!(given_up, Sums { ok: 60, not_taken: 40, ..Sums::default() });

    let lost = told(&[change(20, Well, Critical), change(50, Well, Warning)], &now(Warning, 50));
    assert_eq!(lost, Sums { ok: 20, not_recorded: 30, warning: 50, ..Sums::default() });

    // What changed after the period's end tells how it stood in it.
    let later = told(&[change(150, Critical, Well)], &now(Well, 150));
    assert_eq!(later, Sums { critical: 100, ..Sums::default() });
}

#[test]
fn what_lies_over_a_course() {
    let broke = [change(40, Well, Critical), change(80, Critical, Well)];
    let present = now(Well, 80);
    let (gap, work) = (spans(&[(30, 50)]), spans(&[(45, 70)]));
    let layers = Layers { unattended: &gap, planned: &work, ..Layers::default() };
    let told = sums(&broke, &present, &layers, 100);
    // 0-30 well, 30-50 nobody looked, 50-70 planned, 70-80 broken, 80-100 well.
    let want = Sums { ok: 50, not_recorded: 20, planned: 20, critical: 10, ..Sums::default() };
    assert_eq!(told, want);
    // Planned work is in neither, even while all is well.
    let told = sums(&[], &now(Well, -9), &layers, 100);
    assert_eq!(told, Sums { ok: 60, not_recorded: 20, planned: 20, ..Sums::default() });
}

#[test]
fn what_follows_counts_as_its_root_where_that_is_the_whole_estate() {
    let warned = [follows(change(20, Well, Warning)), change(80, Warning, Well)];
    let present = now(Well, 80);
    let told = |layers: &Layers<'_>| sums(&warned, &present, layers, 100);
    let of_another = told(&Layers::default());
    assert_eq!(of_another, Sums { ok: 40, followed: 60, ..Sums::default() });
    assert_eq!(of_another.availability(), Some(1.0), "its own checks were well");

    let estate = [change(20, Well, Critical), change(60, Critical, Warning)];
    let course = course(&estate, &now(Warning, 60), (second(0), second(100)));
    let down = down(&course, second(100));
    assert_eq!(down, spans(&[(20, 60)]));
    let layers = Layers { estate_down: &down, ..Layers::default() };
    let of_estate = told(&layers);
    assert_eq!(of_estate, Sums { ok: 40, critical: 40, followed: 20, ..Sums::default() });

    let work = spans(&[(20, 40)]);
    let planned = told(&Layers { estate_planned: &work, ..layers });
    let want = Sums { ok: 40, planned: 20, critical: 20, followed: 20, ..Sums::default() };
    assert_eq!(planned, want);
    // Trouble of its own is no matter of the estate's.
    let own = sums(&[change(20, Well, Warning)], &now(Warning, 20), &layers, 100);
    assert_eq!(own, Sums { ok: 20, warning: 80, ..Sums::default() });
}

#[test]
fn old_data_is_not_fresh() {
    let old = says(change(30, Well, Critical), "no data since Sat 03:02; limit 50h");
    let mut stale = change(60, Critical, Unknown);
    stale.reason = Some(Reason::Stale);
    let held = says(change(80, Unknown, Well), "no data since Sat 03:02; held: no school today");
    let told = sums(&[old, stale, held], &now(Well, 80), &Layers::default(), 100);
    let want = Sums { ok: 50, critical: 30, unknown: 20, old: 30, stale: 20, ..Sums::default() };
    assert_eq!(told, want);
    assert_eq!(told.freshness(), Some(0.5));
}

#[test]
fn days_are_londons() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    // The clocks go back on 25 October 2026: that day has 25 hours.
    let days = Days::new((at("2026-10-24T12:00:00Z"), at("2026-10-26T06:00:00Z")));
    assert_eq!(days.dates.len(), 3);
    let hours = |n: usize| days.edges[n + 1].duration_since(days.edges[n]).as_hours();
    assert_eq!([hours(0), hours(1), hours(2)], [11, 25, 6]);
    let mut sums = vec![Sums::default(); 3];
    let present = Cell { state_since: Some(at("2026-10-01T00:00:00Z")), ..now(Well, 0) };
    let course = course(&[], &present, (days.edges[0], days.edges[3]));
    sum_up(&course, &Layers::default(), &days, &mut sums);
    assert_eq!(sums.iter().map(|s| s.ok / 3_600).collect::<Vec<_>>(), [11, 25, 6]);
    assert_eq!(Days::new((second(5), second(5))).dates, []);
}

fn entry(at: i64, kind: DeskKind, from: Option<i64>, until: Option<i64>) -> DeskEntry {
    DeskEntry {
        again: Vec::new(),
        id: 0,
        at: second(at),
        by: "asha".into(),
        kind,
        from: from.map(second),
        until: until.map(second),
        filter: "".into(),
        why: "".into(),
        cells: Vec::new(),
    }
}

#[test]
fn the_book_tells_when_work_was_planned_and_who_had_it_first() {
    let period = (second(0), second(100));
    let told = |entries: &[DeskEntry]| planned(&entries.iter().collect::<Vec<_>>(), period);
    let work = |at, from, until| entry(at, DeskKind::Downtime, from, Some(until));
    assert_eq!(told(&[]), []);
    assert_eq!(told(&[work(-50, None, 20)]), spans(&[(0, 20)]), "begun before");
    assert_eq!(told(&[work(10, Some(30), 60)]), spans(&[(30, 60)]), "planned ahead");
    assert_eq!(told(&[work(10, None, 500)]), spans(&[(10, 100)]), "and beyond the end");
    let back = entry(40, DeskKind::GiveBack, None, None);
    assert_eq!(told(&[work(10, None, 60), back.clone()]), spans(&[(10, 40)]), "given back");
    assert_eq!(told(&[work(10, Some(50), 60), back]), [], "before it began");
    let claim = entry(20, DeskKind::Claim, None, Some(80));
    assert_eq!(told(&[work(10, None, 60), claim.clone()]), spans(&[(10, 20)]));

    let first = |entries: &[DeskEntry], from| {
        had(&entries.iter().collect::<Vec<_>>(), (second(from), second(100)))
    };
    assert_eq!(first(&[], 10), None);
    assert_eq!(first(std::slice::from_ref(&claim), 10), Some(second(20)));
    assert_eq!(
        first(std::slice::from_ref(&claim), 50),
        Some(second(50)),
        "somebody had it already"
    );
    assert_eq!(first(std::slice::from_ref(&claim), 90), None, "it had run out");
    assert_eq!(first(&[work(10, None, 60)], 5), None, "planned work is nobody's claim");
    let as_is = entry(20, DeskKind::AcknowledgeAsIs, None, Some(80));
    let as_is = std::slice::from_ref(&as_is);
    assert_eq!(first(as_is, 10), Some(second(20)));
    assert_eq!(first(as_is, 20), Some(second(20)), "taken at that moment");
    assert_eq!(first(as_is, 50), None, "the change of that moment ended it");
    let later = entry(95, DeskKind::Acknowledge, None, None);
    assert_eq!(first(&[claim, later], 90), Some(second(95)));
}

fn root(laestab: &str, since: Option<i64>, from: i64, until: Option<i64>) -> Member {
    let cell = CellName { row: Row::School(laestab.parse().unwrap()), service: service() };
    Member {
        root: cell.clone(),
        cell,
        from: second(from),
        since: since.map(second),
        until: until.map(second),
        health: Critical,
        reason: None,
        worst: Critical,
        spells: 1,
        moved: None,
        parted: false,
    }
}

#[test]
fn how_long_an_incident_took() {
    let one = root("9991001", Some(10), 40, Some(90));
    let other = root("9991002", Some(20), 30, Some(95));
    let open = root("9991003", Some(5), 50, None);
    let claimed = |at: i64| move |_: &CellName, _: Stretch| Some(second(at));
    let told = |roots: &[&Member]| took(roots, second(200), |_| true, claimed(60));
    let want = Took { notice: Some(30), claim: Some(20), resolve: Some(80) };
    assert_eq!(told(&[&one]), Some(want));
    let want = Took { notice: Some(20), claim: Some(30), resolve: Some(85) };
    assert_eq!(told(&[&one, &other]), Some(want), "from the first until the last");
    let want = Took { notice: Some(25), claim: Some(30), resolve: None };
    assert_eq!(told(&[&open, &other]), Some(want), "one is not well again");
    assert_eq!(told(&[]), None);
    let unseen = took(&[&one], second(200), |at| at > second(20), |_, _| None).unwrap();
    assert_eq!(unseen, Took { notice: None, claim: None, resolve: Some(80) });
    let asks = |_: &CellName, asked: Stretch| -> Option<Timestamp> {
        assert_eq!(asked, (second(50), second(200)), "an open one is asked about until now");
        None
    };
    assert_eq!(took(&[&open], second(200), |_| true, asks).unwrap().claim, None);
}

#[test]
fn median_and_centile_are_times_that_were_taken() {
    for (all, median, p90) in [
        (vec![], None, None),
        (vec![7], Some(7), Some(7)),
        (vec![4, 1], Some(1), Some(4)),
        (vec![3, 1, 2], Some(2), Some(3)),
        ((1..=10).collect(), Some(5), Some(9)),
        ((1..=100).rev().collect(), Some(50), Some(90)),
    ] {
        let count = u32::try_from(all.len()).unwrap();
        assert_eq!(spread(all), Spread { count, median, p90 });
    }
    let took = |resolve| Took { notice: Some(1), claim: None, resolve };
    let times = Times::of(&[took(Some(5)), took(None)]);
    assert_eq!((times.incidents, times.unresolved, times.claim.count), (2, 1, 0));
}

/// Changes in any order of healths, some of which do not fit, and some lost.
fn changes() -> impl Strategy<Value = Vec<StateChange>> {
    let health = || prop::sample::select(Health::ALL.to_vec());
    let one = (-40_i64..160, health(), health(), any::<bool>(), 0..6_u8);
    prop::collection::vec(one, 0..8).prop_map(|mut all| {
        all.sort_by_key(|(at, ..)| *at);
        all.dedup_by_key(|(at, ..)| *at);
        let mut before = Well;
        let changes = all.into_iter().map(|(at, odd, to, follow, kind)| {
            let from = if kind == 0 { odd } else { before };
            before = to;
            let change = StateChange { first: kind == 1, ..change(at, from, to) };
            if follow { follows(change) } else { change }
        });
        changes.collect()
    })
}

fn some_spans() -> impl Strategy<Value = Vec<Stretch>> {
    prop::collection::btree_set(-20_i64..120, 0..6).prop_map(|edges| {
        let edges: Vec<i64> = edges.into_iter().collect();
        spans(&edges.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>())
    })
}

fn present() -> impl Strategy<Value = Cell> {
    let health = prop::sample::select(Health::ALL.to_vec());
    (health, prop::option::of(-60_i64..160), any::<bool>(), any::<bool>()).prop_map(
        |(health, since, soft, follows)| {
            let cause = Cause { service: service(), scope: Scope::Estate };
            let follows_from = Some(cause).filter(|_| follows && health.is_trouble());
            let state_since = since.map(second);
            Cell { soft, follows_from, state_since, ..now(health, 0) }
        },
    )
}

/// What a second counts as, said in another way than the sums are made.
fn plainly(cell: &Cell, at: Timestamp, layers: &Layers<'_>) -> &'static str {
    let within = |all: &[Stretch]| all.iter().any(|(from, until)| *from <= at && at < *until);
    let follows = cell.follows_from.is_some();
    if cell.health == NotSubscribed {
        "not taken"
    } else if is_not_recorded(cell) || within(layers.unattended) {
        "not recorded"
    } else if within(layers.planned) || follows && within(layers.estate_planned) {
        "planned"
    } else if cell.health == Critical
        || follows && cell.health.is_trouble() && within(layers.estate_down)
    {
        "critical"
    } else if cell.health == Unknown {
        "unknown"
    } else {
        "available"
    }
}

proptest! {
    #[test]
    fn the_parts_are_the_period_and_unknown_is_never_available(
        changes in changes(), present in present(), until in 1_i64..100,
        unattended in some_spans(), planned in some_spans(),
        estate_down in some_spans(), estate_planned in some_spans(),
    ) {
        let layers = Layers {
            unattended: &unattended,
            planned: &planned,
            estate_down: &estate_down,
            estate_planned: &estate_planned,
        };
        // As the store hands them over: one before, those within, one after.
        let first = changes.partition_point(|c| c.at <= second(0)).saturating_sub(1);
        let last = changes.partition_point(|c| c.at <= second(until));
        let handed = &changes[first..(last + 1).min(changes.len())];
        let told = sums(handed, &present, &layers, until);
        prop_assert_eq!(told.all(), u64::try_from(until).unwrap());
        prop_assert!(told.old <= told.known() && told.stale <= told.unknown);

        let mut plain = std::collections::BTreeMap::<&str, u64>::new();
        for at in (0..until).map(second) {
            let n = changes.partition_point(|c| c.at <= at);
            let before = n.checked_sub(1).map(|n| changes[n].clone());
            let cell = cell_at(&Around { before, after: changes.get(n).cloned() }, &present, at);
            *plain.entry(plainly(&cell, at, &layers)).or_default() += 1;
        }
        let plain = |part: &str| plain.get(part).copied().unwrap_or(0);
        prop_assert_eq!(told.available(), plain("available"));
        prop_assert_eq!(told.critical, plain("critical"));
        prop_assert_eq!(told.unknown, plain("unknown"));
        prop_assert_eq!(told.not_recorded, plain("not recorded"));
        prop_assert_eq!(told.planned, plain("planned"));
        prop_assert_eq!(told.not_taken, plain("not taken"));
        for share in [told.availability(), told.freshness()].into_iter().flatten() {
            prop_assert!((0.0..=1.0).contains(&share));
        }
    }
}
