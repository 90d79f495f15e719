//! Whatever changed, in whatever order: what is told of a past moment was so, or is unknown.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::model::cell::{Handling, HandlingKind};
use crate::model::desk::DeskKind;

fn start() -> Timestamp {
    "2026-11-23T22:00:00Z".parse().unwrap()
}

fn minute(n: i64) -> Timestamp {
    start() + SignedDuration::from_mins(n)
}

/// What happens to a cell, as the engine has it: `hard` is what is certain.
#[derive(Debug, Clone, Copy)]
enum Happens {
    /// Certain at once.
    Hard(Health, bool),
    /// Not confirmed yet, and not kept.
    Soft(Health),
    /// The school does not take it any more.
    Dropped,
}

fn happens() -> impl Strategy<Value = Happens> {
    let health =
        prop::sample::select(vec![Health::Ok, Health::Warning, Health::Unknown, Health::Critical]);
    let trouble = prop::sample::select(vec![Health::Warning, Health::Unknown, Health::Critical]);
    let follows = any::<bool>();
    prop_oneof![
        6 => (health.clone(), follows).prop_map(|(h, f)| Happens::Hard(h, f && h == Health::Warning)),
        2 => trouble.prop_map(Happens::Soft),
        1 => Just(Happens::Dropped),
    ]
}

/// The cell's present, and what is certain of it.
#[derive(Default, Clone)]
struct Live {
    cell: Cell,
    hard: Option<(Health, bool)>,
}

fn service() -> ServiceKey {
    "mail".parse().unwrap()
}

/// Plays one happening by the engine's rules of what is kept.
fn play(live: &mut Live, what: Happens, at: Timestamp, kept: &mut Vec<StateChange>) {
    let (health, follows, soft) = match what {
        Happens::Hard(health, follows) => (health, follows, false),
        Happens::Soft(health) => (health, false, true),
        Happens::Dropped => {
            let before = live.hard;
            *live = Live::default();
            kept.extend(before.map(|(from, _)| StateChange {
                at,
                service: service(),
                from,
                to: Health::NotSubscribed,
                reason: None,
                follows: false,
                first: false,
                why: "".into(),
            }));
            return;
        }
    };
    let cause = || Cause { service: "base".parse().unwrap(), scope: Scope::School };
    let same = live.cell.health == health;
    live.cell = Cell {
        health,
        reason: (health == Health::Unknown).then_some(Reason::NoAnswer),
        since: Some(if same { live.cell.since.unwrap_or(at) } else { at }),
        state_since: Some(if same { live.cell.state_since.unwrap_or(at) } else { at }),
        follows_from: follows.then(cause),
        soft,
        ..Cell::default()
    };
    if soft {
        return;
    }
    let before = live.hard.replace((health, follows));
    if before == Some((health, follows)) {
        return;
    }
    kept.push(StateChange {
        at,
        service: service(),
        from: before.map_or(Health::Unknown, |(health, _)| health),
        to: health,
        reason: live.cell.reason,
        follows,
        first: before.is_none(),
        why: "".into(),
    });
}

fn around(kept: &[StateChange], at: Timestamp) -> Around {
    Around {
        before: kept.iter().rev().find(|c| c.at <= at).cloned(),
        after: kept.iter().find(|c| c.at > at).cloned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Without what is not kept, nothing is missing either.
    #[test]
    fn the_board_of_then_is_what_the_live_board_was(
        all in prop::collection::vec((1..30_i64, happens()), 1..30),
        lost in prop::collection::vec(any::<bool>(), 0..3),
    ) {
        let (mut live, mut kept, mut moments) = (Live::default(), Vec::new(), Vec::new());
        let mut now = 0;
        for (after, what) in &all {
            now += after;
            play(&mut live, *what, minute(now), &mut kept);
            // A moment after it, before the next.
            moments.push((minute(now), live.hard));
        }
        let whole = lost.is_empty() && all.iter().all(|(_, w)| matches!(w, Happens::Hard(..)));
        if let Some(n) = kept.len().checked_div(lost.len().max(1)).filter(|_| !lost.is_empty()) {
            // A change that could not be written.
            if n < kept.len() {
                kept.remove(n);
            }
        }
        for (at, was) in moments {
            let then = cell_at(&around(&kept, at), &live.cell, at);
            match was {
                _ if is_not_recorded(&then) => {
                    prop_assert!(!whole, "{at} is kept: {then:?}");
                }
                // A lost change that left no trace cannot be noticed.
                Some((health, follows)) if lost.is_empty() => {
                    prop_assert_eq!((then.health, then.follows_from.is_some()), (health, follows), "{}", at);
                }
                None if lost.is_empty() => prop_assert!(then.health != Health::Ok, "nobody had looked: {then:?}"),
                _ => {}
            }
        }
    }
}

fn change(at: i64, from: Health, to: Health) -> StateChange {
    StateChange {
        at: minute(at),
        service: service(),
        from,
        to,
        reason: (to == Health::Unknown).then_some(Reason::Stale),
        follows: false,
        first: false,
        why: "it says so".into(),
    }
}

fn present(health: Health, since: i64) -> Cell {
    Cell { health, since: Some(minute(since)), state_since: Some(minute(since)), ..Cell::default() }
}

#[test]
fn a_hole_between_two_changes_is_unknown_and_never_well() {
    let before = change(0, Health::Critical, Health::Ok);
    let after = change(60, Health::Warning, Health::Ok);
    let both = Around { before: Some(before.clone()), after: Some(after) };
    let cell = cell_at(&both, &present(Health::Ok, 60), minute(30));
    assert!(is_not_recorded(&cell) && cell.why.as_str().contains("missing"), "{cell:?}");
    // The change away from it is missing: it is bad now, and when that began is not kept.
    let one = Around { before: Some(before.clone()), after: None };
    assert!(is_not_recorded(&cell_at(&one, &present(Health::Critical, 90), minute(30))));
    assert_eq!(cell_at(&one, &present(Health::Ok, 90), minute(30)).health, Health::Ok, "a blip");
    assert_eq!(cell_at(&one, &present(Health::Critical, 20), minute(30)).health, Health::Critical);
    // Not confirmed yet: what was certain holds.
    let soft = Cell { soft: true, ..present(Health::Critical, 20) };
    assert_eq!(cell_at(&one, &soft, minute(30)).health, Health::Ok);
    // Lost and found again.
    let anew = StateChange { first: true, ..change(60, Health::Unknown, Health::Critical) };
    let lost = Around { before: Some(before), after: Some(anew.clone()) };
    assert!(is_not_recorded(&cell_at(&lost, &present(Health::Critical, 60), minute(30))));
    let first = Around { before: None, after: Some(anew) };
    assert!(is_not_recorded(&cell_at(&first, &present(Health::Critical, 60), minute(30))));
}

#[test]
fn without_a_change_the_present_tells_as_far_back_as_it_lasts() {
    let never = Around::default();
    let cell = present(Health::Ok, 10);
    assert_eq!(cell_at(&never, &cell, minute(10)).health, Health::Ok);
    assert!(is_not_recorded(&cell_at(&never, &cell, minute(9))));
    let soft = Cell { soft: true, ..cell };
    assert!(is_not_recorded(&cell_at(&never, &soft, minute(30))), "what was certain is not known");
    let none = Cell::default();
    let gone =
        Around { before: Some(change(0, Health::Critical, Health::NotSubscribed)), after: None };
    assert_eq!(cell_at(&gone, &none, minute(30)).health, Health::NotSubscribed);
    assert!(is_not_recorded(&cell_at(&gone, &present(Health::Ok, 60), minute(30))), "taken again");
    assert_eq!(cell_at(&never, &none, minute(30)).health, Health::NotSubscribed);
    let taken = Around { before: Some(change(0, Health::Critical, Health::Ok)), after: None };
    assert!(is_not_recorded(&cell_at(&taken, &none, minute(30))), "taken once, not any more");
    // From a later change is known what was before it.
    let later = Around { before: None, after: Some(change(60, Health::Warning, Health::Critical)) };
    let cell = cell_at(&later, &present(Health::Critical, 60), minute(30));
    assert_eq!((cell.health, cell.since), (Health::Warning, None), "since when is not kept");
}

#[test]
fn nobody_looked_between_two_runs_of_an_agent() {
    let stretch = |from, until| Attended { from: minute(from), until: minute(until) };
    let all = [stretch(200, 300), stretch(100, 150), stretch(0, 50)];
    assert_eq!(gap(&all, minute(120)), None);
    assert_eq!(gap(&all, minute(150)), None, "its last minute");
    assert_eq!(gap(&all, minute(151)), Some(stretch(150, 200)));
    assert_eq!(gap(&all, minute(99)), Some(stretch(50, 100)));
    assert_eq!(gap(&all, minute(200)), None);
    assert_eq!(gap(&[], minute(1)), None);
}

#[test]
fn who_had_it_is_played_again_by_the_book() {
    let had = |kind: DeskKind, by: &str, until: i64| {
        let handling = kind.handling().map(|kind| Handling {
            kind,
            by: by.into(),
            until: Some(minute(until)),
        });
        move || handling
    };
    let mut book = Holds::default();
    book.take(DeskKind::Claim, minute(0), None, &[], had(DeskKind::Claim, "asha", 60));
    let by = |holds: &Holds, at: i64| {
        holds.clone().at(minute(at)).map(|(_, h)| (h.kind, h.by.to_string()))
    };
    let claimed = |who: &str| Some((HandlingKind::Claimed, who.to_owned()));
    assert_eq!(by(&book, 59), claimed("asha"));
    assert_eq!(by(&book, 60), None, "it ran out");
    book.take(DeskKind::Note, minute(5), None, &[], had(DeskKind::Note, "asha", 60));
    assert_eq!(by(&book, 10), claimed("asha"), "a note takes nothing");
    book.take(
        DeskKind::Downtime,
        minute(10),
        Some(minute(30)),
        &[(minute(50), minute(55)), (minute(51), minute(53))],
        had(DeskKind::Downtime, "tomr", 40),
    );
    assert_eq!(by(&book, 29), claimed("asha"));
    assert_eq!(by(&book, 30), Some((HandlingKind::Downtime, "tomr".to_owned())));
    assert_eq!(by(&book, 41), None, "the claim before it does not come back");
    let down = Some((HandlingKind::Downtime, "tomr".to_owned()));
    assert_eq!(
        [by(&book, 49), by(&book, 50), by(&book, 55)],
        [None, down.clone(), None],
        "it came again"
    );
    assert_eq!(by(&book, 54), down, "one that is over sooner ends no other");
    book.take(DeskKind::GiveBack, minute(20), None, &[], had(DeskKind::GiveBack, "asha", 0));
    assert_eq!(by(&book, 31), None, "what was planned is taken back too");
}

#[test]
fn a_follower_finds_its_cause_where_it_can_be_found() {
    let columns: Vec<(ServiceKey, Clean)> = [("mail", "Mail"), ("base", "The Base")]
        .map(|(k, l)| (k.parse().unwrap(), l.into()))
        .into();
    let own = |scope| Cause { service: service(), scope };
    let follower = |why: &str| Cell {
        health: Health::Warning,
        why: why.into(),
        follows_from: Some(own(Scope::School)),
        ..Cell::default()
    };
    let settle = |why: &str, base: Health, estate: Health| {
        let mut cells = vec![follower(why), present(base, 0)];
        settle_causes(&mut cells, &[present(estate, 0), Cell::default()], &columns);
        cells.swap_remove(0).follows_from.unwrap()
    };
    let base = |scope| Cause { service: "base".parse().unwrap(), scope };
    let why = "no new users: The Base is late";
    assert_eq!(settle(why, Health::Critical, Health::Ok), base(Scope::School));
    assert_eq!(settle(why, Health::Ok, Health::Ok), base(Scope::Estate));
    assert_eq!(settle(why, Health::Critical, Health::Critical), own(Scope::Estate));
    assert_eq!(settle("?", Health::Ok, Health::Ok), own(Scope::School), "not known");
}

#[test]
fn two_moments_are_compared_worst_first() {
    let cell = |health| present(health, 0);
    let none = Course::default();
    let sort = |a: &Cell, b: &Cell, course: &Course| compare(a, b, course).map(|c| c.sort);
    assert_eq!(sort(&cell(Health::Ok), &cell(Health::Critical), &none), Some(Sort::Worse));
    assert_eq!(sort(&cell(Health::Warning), &cell(Health::Unknown), &none), Some(Sort::Worse));
    assert_eq!(sort(&cell(Health::Critical), &cell(Health::Ok), &none), Some(Sort::Better));
    assert_eq!(sort(&cell(Health::Critical), &cell(Health::Critical), &none), None);
    assert_eq!(sort(&cell(Health::NotSubscribed), &cell(Health::Ok), &none), None);
    assert_eq!(
        sort(&cell(Health::Critical), &cell(Health::NotSubscribed), &none),
        None,
        "given up"
    );
    let mut course = Course::default();
    course.take(&change(1, Health::Ok, Health::Critical));
    course.take(&change(2, Health::Critical, Health::Ok));
    let told = compare(&cell(Health::Ok), &cell(Health::Ok), &course).unwrap();
    assert_eq!((told.sort, told.worst.unwrap().0), (Sort::Meanwhile, Health::Critical));
    let worse = compare(&cell(Health::Ok), &cell(Health::Critical), &course).unwrap();
    assert_eq!(worse.worst, None, "no worse than it is");
    let handling =
        Handling { kind: HandlingKind::Claimed, by: "asha".into(), until: Some(minute(1)) };
    let held = Cell { handling: Some(handling.clone()), ..cell(Health::Critical) };
    let told = compare(&held, &cell(Health::Critical), &none).unwrap();
    assert_eq!((told.sort, told.ran_out), (Sort::RanOut, Some(handling)));
    assert_eq!(sort(&held, &cell(Health::Ok), &none), Some(Sort::Better), "well: nobody needs it");
    let follows = Cell {
        follows_from: Some(Cause { service: service(), scope: Scope::Estate }),
        ..cell(Health::Warning)
    };
    assert_eq!(sort(&cell(Health::Ok), &follows, &none), None, "told with its cause");
    let unknown = not_recorded("");
    assert_eq!(sort(&unknown, &cell(Health::Warning), &none), Some(Sort::Stands));
    assert_eq!(sort(&unknown, &cell(Health::Ok), &none), None, "not known to have been bad");
    assert_eq!(sort(&cell(Health::Critical), &unknown, &none), None, "nor to be well");
}
