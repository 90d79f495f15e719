//! The rules of grouping, one by one, and what must hold whatever happens.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::model::cell::Row;
use crate::model::health::Reason;
use crate::model::incident::Urgency;

/// As if all of it were to be kept.
fn whole(held: &Held) -> KeptIncident {
    let entries = (0..).zip(held.entries.iter().cloned()).collect();
    let members = held.members.values().cloned().collect();
    KeptIncident { incident: held.incident.clone(), members, entries }
}

fn at(minute: i64) -> Timestamp {
    let start: Timestamp = "2026-11-24T09:00:00Z".parse().unwrap();
    start + SignedDuration::from_mins(minute)
}

/// `1/gc` is Groupcall at the first school, `0/wl` WeLearn365 of the whole estate.
fn cell(name: &str) -> CellName {
    let (school, service) = name.split_once('/').unwrap();
    let row = match school {
        "0" => Row::Estate,
        n => Row::School(format!("999{:04}", n.parse::<u32>().unwrap()).parse().unwrap()),
    };
    CellName { row, service: service.parse().unwrap() }
}

fn trouble(root: &str) -> Trouble {
    let root = cell(root);
    let kind = TroubleKind { service: root.service.clone(), check: None, reason: None };
    Trouble {
        health: Health::Critical,
        reason: None,
        since: None,
        root,
        why: "bad".into(),
        kind,
        every: SignedDuration::from_mins(5),
        planned: false,
    }
}

struct Desk(Incidents);

impl Desk {
    fn new() -> Self {
        Self(Incidents::default())
    }

    fn bad(&mut self, minute: i64, name: &str, root: &str) -> u64 {
        self.with(minute, name, trouble(root))
    }

    fn with(&mut self, minute: i64, name: &str, trouble: Trouble) -> u64 {
        self.0.stands(at(minute), &cell(name), Standing::Bad(Box::new(trouble)));
        self.0.of(&cell(name)).unwrap_or(0)
    }

    fn well(&mut self, minute: i64, name: &str) {
        self.0.stands(at(minute), &cell(name), Standing::Well);
    }

    fn order(&mut self, minute: i64, order: Order) -> Result<u64, OrderError> {
        self.0.order(at(minute), order)
    }

    fn open(&mut self, minute: i64) -> Vec<u64> {
        self.0.pass(at(minute));
        self.0.open().map(|held| held.incident.id).collect()
    }

    fn state(&self, id: u64) -> IncidentState {
        self.0.get(id).unwrap().incident.state.clone()
    }
}

fn said(why: &str) -> Said {
    Said { by: "asha".into(), why: why.into(), number: 7 }
}

fn merge(from: u64, into: u64) -> Order {
    Order::Merge { from, into, said: said("one cause") }
}

fn split(id: u64, cells: &[&str]) -> Order {
    let cells = cells.iter().map(|name| cell(name)).collect();
    Order::Split { id, cells, said: said("another matter") }
}

fn resolve(id: u64, anyway: bool) -> Order {
    Order::Resolve { id, said: said("the vendor called"), anyway }
}

#[test]
fn what_follows_from_a_root_is_in_its_incident_whenever_it_comes() {
    let mut desk = Desk::new();
    let id = desk.bad(0, "1/gc", "1/gc");
    assert_eq!(desk.bad(0, "1/wl", "1/gc"), id);
    assert_eq!(desk.bad(300, "1/j2", "1/gc"), id, "five hours later too");
    // The follower may be told of first.
    let other = desk.bad(301, "2/wl", "2/gc");
    assert_eq!(desk.bad(301, "2/gc", "2/gc"), other);
    assert_ne!(other, id);
}

#[test]
fn roots_of_one_kind_that_go_bad_within_ten_minutes_of_each_other_are_one() {
    let mut desk = Desk::new();
    let id = desk.bad(0, "1/gc", "1/gc");
    assert_eq!(desk.bad(10, "2/gc", "2/gc"), id);
    assert_eq!(desk.bad(20, "3/gc", "3/gc"), id, "in a chain");
    assert_ne!(desk.bad(31, "4/gc", "4/gc"), id, "eleven minutes after the last");
    assert_ne!(desk.bad(20, "5/rs", "5/rs"), id, "another service");
}

#[test]
fn what_one_round_of_polling_finds_went_bad_together() {
    let mut desk = Desk::new();
    let hourly = |root| Trouble { every: SignedDuration::from_mins(60), ..trouble(root) };
    let id = desk.with(0, "1/rs", hourly("1/rs"));
    assert_eq!(desk.with(55, "2/rs", hourly("2/rs")), id);
    assert_ne!(desk.with(116, "3/rs", hourly("3/rs")), id);
}

#[test]
fn another_check_and_another_reason_are_another_kind() {
    let mut desk = Desk::new();
    let id = desk.bad(0, "1/rs", "1/rs");
    let mut other = trouble("2/rs");
    other.kind.check = Some("redstor.sims".parse().unwrap());
    assert_ne!(desk.with(0, "2/rs", other), id);
    let mut silent = trouble("3/rs");
    silent.kind.reason = Some(Reason::NoAnswer);
    assert_ne!(desk.with(0, "3/rs", silent), id);
}

#[test]
fn what_fails_again_within_a_quarter_of_an_hour_reopens_and_later_is_another() {
    let mut desk = Desk::new();
    let id = desk.bad(0, "1/gc", "1/gc");
    desk.well(30, "1/gc");
    assert_eq!(desk.open(44), [id], "well for fourteen minutes");
    assert_eq!(desk.bad(44, "1/gc", "1/gc"), id);
    let member = |desk: &Desk| desk.0.get(id).unwrap().members[&cell("1/gc")].clone();
    assert_eq!((member(&desk).spells, member(&desk).until), (2, None));
    desk.well(50, "1/gc");
    assert!(desk.open(65).is_empty());
    assert_eq!(desk.state(id), IncidentState::Over { at: at(50) }, "since it was well");
    assert_ne!(desk.bad(65, "1/gc", "1/gc"), id);
}

#[test]
fn it_is_over_only_when_the_last_of_its_cells_is_well() {
    let mut desk = Desk::new();
    let id = desk.bad(0, "1/gc", "1/gc");
    desk.bad(5, "2/gc", "2/gc");
    desk.well(6, "1/gc");
    assert_eq!(desk.open(600), [id]);
    assert_eq!(desk.bad(600, "1/gc", "1/gc"), id, "it never ended");
}

#[test]
fn planned_work_opens_none_and_ends_none() {
    let mut desk = Desk::new();
    let planned = |root| Trouble { planned: true, ..trouble(root) };
    assert_eq!(desk.with(0, "1/gc", planned("1/gc")), 0);
    let id = desk.bad(60, "1/gc", "1/gc");
    assert_ne!(id, 0, "bad before, and still bad when the work is over");
    assert_eq!(desk.with(61, "1/gc", planned("1/gc")), id, "what is open stays so");
    assert_eq!(desk.open(600), [id]);
}

#[test]
fn what_is_not_certain_changes_nothing() {
    let mut desk = Desk::new();
    desk.0.stands(at(0), &cell("1/gc"), Standing::Uncertain);
    assert!(desk.open(0).is_empty());
    let id = desk.bad(1, "1/gc", "1/gc");
    desk.0.stands(at(2), &cell("1/gc"), Standing::Uncertain);
    assert_eq!((desk.open(600), desk.0.of(&cell("1/gc"))), (vec![id], Some(id)));
}

#[test]
fn a_cause_that_is_found_takes_what_follows_along() {
    let mut desk = Desk::new();
    let first = desk.bad(0, "1/j2", "1/j2");
    desk.bad(1, "2/j2", "2/j2");
    let cause = desk.bad(3, "0/wl", "0/wl");
    desk.bad(3, "1/j2", "0/wl");
    assert_eq!(desk.open(3), [first, cause], "one of its cells has no other cause yet");
    desk.bad(3, "2/j2", "0/wl");
    assert_eq!(desk.open(3), [cause]);
    assert_eq!(desk.state(first), IncidentState::Merged { at: at(3), into: cause });
    let log = &desk.0.get(cause).unwrap().entries;
    assert_eq!((log.len(), log[0].other, &log[0].by), (1, Some(first), &None));
}

#[test]
fn a_cause_that_goes_leaves_its_tail_where_it_is() {
    let mut desk = Desk::new();
    let id = desk.bad(0, "0/wl", "0/wl");
    desk.bad(0, "1/wl", "0/wl");
    desk.well(60, "0/wl");
    assert_eq!(desk.bad(60, "1/wl", "1/wl"), id, "the school answers last");
    desk.well(70, "1/wl");
    assert_eq!(desk.bad(71, "1/wl", "1/wl"), id, "and it is a root of it now");
}

#[test]
fn merged_incidents_are_one_from_then_on() {
    let mut desk = Desk::new();
    let one = desk.bad(0, "1/gc", "1/gc");
    let two = desk.bad(60, "2/gc", "2/gc");
    assert_eq!(desk.order(61, merge(two, one)), Ok(one));
    assert_eq!(desk.open(61), [one]);
    assert_eq!(desk.state(two), IncidentState::Merged { at: at(61), into: one });
    desk.well(62, "2/gc");
    assert_eq!(desk.bad(63, "2/gc", "2/gc"), one, "its roots are known there");
    assert_eq!(desk.bad(65, "3/gc", "3/gc"), one, "what went bad with the other too");
    assert_eq!(desk.order(66, merge(one, one)), Err(OrderError::Itself));
    assert_eq!(desk.order(66, merge(two, one)), Err(OrderError::Merged(two, one)));
    assert_eq!(desk.order(66, merge(one, 99)), Err(OrderError::NotOpen(99)));
}

#[test]
fn a_merge_with_what_is_in_trouble_wakes_what_was_quiet() {
    let mut desk = Desk::new();
    let one = desk.bad(0, "1/gc", "1/gc");
    desk.well(10, "1/gc");
    let two = desk.bad(20, "2/rs", "2/rs");
    desk.order(21, merge(two, one)).unwrap();
    assert_eq!(desk.open(600), [one]);
    assert_eq!(desk.0.get(one).unwrap().incident.quiet_since, None);
}

#[test]
fn a_root_is_split_off_with_what_follows_from_it() {
    let mut desk = Desk::new();
    let one = desk.bad(0, "1/gc", "1/gc");
    desk.bad(0, "1/wl", "1/gc");
    desk.bad(1, "2/gc", "2/gc");
    let two = desk.order(2, split(one, &["1/gc"])).unwrap();
    assert_eq!(desk.0.of(&cell("1/gc")), Some(two));
    assert_eq!(desk.0.of(&cell("1/wl")), Some(two));
    assert_eq!(desk.0.of(&cell("2/gc")), Some(one));
    assert_eq!(desk.bad(3, "1/j2", "1/gc"), two);
    assert_eq!(desk.bad(3, "3/gc", "3/gc"), one, "others join where they would have");
}

#[test]
fn a_follower_is_split_off_alone_and_stays_apart() {
    let mut desk = Desk::new();
    let one = desk.bad(0, "0/wl", "0/wl");
    desk.bad(0, "1/wl", "0/wl");
    let two = desk.order(1, split(one, &["1/wl"])).unwrap();
    assert_eq!(desk.bad(2, "1/wl", "0/wl"), two);
    desk.well(3, "1/wl");
    assert_eq!(desk.bad(4, "1/wl", "0/wl"), two, "until its incident is over");
    desk.well(5, "1/wl");
    assert_eq!(desk.open(20), [one]);
    assert_eq!(desk.bad(21, "1/wl", "0/wl"), one);
}

#[test]
fn a_split_names_members_and_leaves_something() {
    let mut desk = Desk::new();
    let one = desk.bad(0, "1/gc", "1/gc");
    desk.bad(0, "1/wl", "1/gc");
    let parts = |error| matches!(error, Err(OrderError::Parts(_)));
    assert!(parts(desk.order(1, split(one, &[]))));
    assert!(parts(desk.order(1, split(one, &["1/gc"]))), "all of it follows");
    let not = desk.order(1, split(one, &["2/gc"]));
    assert_eq!(not, Err(OrderError::NotAMember(Box::new(cell("2/gc")), one)));
    assert_eq!(desk.open(1), [one], "nothing was changed");
}

#[test]
fn resolving_is_refused_while_anything_is_in_trouble() {
    let mut desk = Desk::new();
    let one = desk.bad(0, "1/gc", "1/gc");
    let refused = desk.order(1, resolve(one, false)).unwrap_err();
    assert_eq!(refused, OrderError::InTrouble(1, Box::new(cell("1/gc"))));
    assert!(refused.to_string().contains("9990001/gc") && refused.to_string().contains("anyway"));
    desk.well(2, "1/gc");
    assert_eq!(desk.order(3, resolve(one, false)), Ok(one));
    assert!(desk.open(3).is_empty());
    assert_ne!(desk.bad(4, "1/gc", "1/gc"), one, "a new failure is a new one");
}

#[test]
fn resolved_by_hand_it_is_set_aside_until_it_is_well_or_worse() {
    let mut desk = Desk::new();
    let mild = |root| Trouble { health: Health::Warning, ..trouble(root) };
    let one = desk.with(0, "1/gc", mild("1/gc"));
    desk.order(1, resolve(one, true)).unwrap();
    assert_eq!(desk.with(2, "1/gc", mild("1/gc")), 0, "it is known");
    let worse = desk.bad(3, "1/gc", "1/gc");
    assert!(worse > one, "worse is a new failure");
    let two = desk.with(4, "2/rs", mild("2/rs"));
    desk.order(5, resolve(two, true)).unwrap();
    desk.well(6, "2/rs");
    assert!(desk.with(7, "2/rs", mild("2/rs")) > two);
    assert_eq!(desk.0.get(two).unwrap().in_trouble(), 0, "its end is known");
}

#[test]
fn the_order_is_nobody_has_it_then_worst_then_pupils_then_age() {
    let mut desk = Desk::new();
    let held = |desk: &mut Desk, minute, name: &str| {
        let id = desk.bad(minute, name, name);
        desk.0.get(id).unwrap().incident.clone()
    };
    let (old, young) = (held(&mut desk, 0, "1/gc"), held(&mut desk, 60, "2/rs"));
    let quiet = Incident { quiet_since: Some(at(70)), ..old.clone() };
    let ended = Incident { state: IncidentState::Over { at: at(70) }, ..old.clone() };
    let table = [
        Urgency::new(&young, false, Health::Critical, 200),
        Urgency::new(&old, false, Health::Critical, 100),
        Urgency::new(&young, false, Health::Critical, 100),
        Urgency::new(&old, false, Health::Unknown, 900),
        Urgency::new(&old, false, Health::Warning, 900),
        Urgency::new(&old, true, Health::Critical, 900),
        Urgency::new(&quiet, false, Health::Ok, 900),
        Urgency::new(&ended, false, Health::Ok, 900),
    ];
    assert!(table.is_sorted());
}

#[test]
fn only_what_changed_is_kept_and_all_of_it_is_what_was() {
    let mut desk = Desk::new();
    let one = desk.bad(0, "1/gc", "1/gc");
    desk.bad(0, "1/wl", "1/gc");
    assert_eq!(desk.0.take_changes()[0].members.len(), 2);
    desk.bad(1, "1/gc", "1/gc");
    assert!(desk.0.take_changes().is_empty(), "the same again is no news");
    desk.well(2, "1/wl");
    let kept = desk.0.take_changes();
    assert_eq!((kept.len(), kept[0].members.len()), (1, 1));
    let back = Incidents::restored(desk.0.open().map(whole).collect(), 0);
    assert_eq!(back.get(one), desk.0.get(one));
}

/// What may happen to twelve cells: three schools and the estate, three services.
#[derive(Debug, Clone)]
enum Happens {
    Bad { cell: usize, root: usize, worse: bool, planned: bool },
    Well(usize),
    Uncertain(usize),
    Later(i64),
    Merge(u64, u64),
    Split(u64, usize),
    Resolve(u64, bool),
    Restart,
}

const CELLS: [&str; 12] = [
    "0/wl", "0/gc", "0/j2", "1/wl", "1/gc", "1/j2", "2/wl", "2/gc", "2/j2", "3/wl", "3/gc", "3/j2",
];

fn happens() -> impl Strategy<Value = Happens> {
    let cells = 0..CELLS.len();
    let id = 1..8_u64;
    prop_oneof![
        6 => (cells.clone(), cells.clone(), any::<bool>(), prop::bool::weighted(0.1))
            .prop_map(|(cell, root, worse, planned)| Happens::Bad { cell, root, worse, planned }),
        4 => cells.clone().prop_map(Happens::Well),
        1 => cells.clone().prop_map(Happens::Uncertain),
        3 => (1..20_i64).prop_map(Happens::Later),
        1 => (id.clone(), id.clone()).prop_map(|(a, b)| Happens::Merge(a, b)),
        1 => (id.clone(), cells).prop_map(|(a, c)| Happens::Split(a, c)),
        1 => (id, any::<bool>()).prop_map(|(a, anyway)| Happens::Resolve(a, anyway)),
        1 => Just(Happens::Restart),
    ]
}

/// Plays it, and after each step looks whether all that must hold does.
fn play(all: &[Happens]) -> Vec<Held> {
    let mut desk = Desk::new();
    let mut minute = 0;
    let mut store: BTreeMap<u64, KeptIncident> = BTreeMap::new();
    let mut in_trouble: BTreeSet<CellName> = BTreeSet::new();
    let mut aside: BTreeMap<CellName, Health> = BTreeMap::new();
    for happened in all {
        match happened {
            Happens::Bad { cell: n, root, worse, planned } => {
                let name = cell(CELLS[*n]);
                let health = if *worse { Health::Critical } else { Health::Warning };
                let trouble = Trouble { health, planned: *planned, ..trouble(CELLS[*root]) };
                desk.with(minute, CELLS[*n], trouble);
                if aside.get(&name).is_none_or(|was| health > *was) {
                    aside.remove(&name);
                    if !planned || in_trouble.contains(&name) {
                        in_trouble.insert(name);
                    }
                }
            }
            Happens::Well(n) => {
                desk.well(minute, CELLS[*n]);
                in_trouble.remove(&cell(CELLS[*n]));
                aside.remove(&cell(CELLS[*n]));
            }
            Happens::Uncertain(n) => {
                desk.0.stands(at(minute), &cell(CELLS[*n]), Standing::Uncertain);
            }
            Happens::Later(minutes) => {
                minute += minutes;
                desk.0.pass(at(minute));
            }
            Happens::Merge(from, into) => drop(desk.order(minute, merge(*from, *into))),
            Happens::Split(id, n) => drop(desk.order(minute, split(*id, &[CELLS[*n]]))),
            Happens::Resolve(id, anyway) => {
                let before = desk.0.get(*id).cloned();
                if desk.order(minute, resolve(*id, *anyway)).is_ok() {
                    let bad = before.unwrap().members.into_values().filter(Member::is_bad);
                    for member in bad {
                        in_trouble.remove(&member.cell);
                        aside.insert(member.cell, member.health);
                    }
                }
            }
            Happens::Restart => {
                keep(&mut store, &mut desk.0);
                let live = |kept: &&KeptIncident| {
                    kept.incident.state == IncidentState::Open
                        || kept.members.iter().any(Member::is_bad)
                };
                let kept: Vec<KeptIncident> = store.values().filter(live).cloned().collect();
                let before: Vec<Held> = desk.0.open().cloned().collect();
                desk.0 = Incidents::restored(kept, *store.keys().max().unwrap_or(&0));
                desk.0.pass(at(minute));
                let after: Vec<Held> = desk.0.open().cloned().collect();
                assert_eq!(before, after, "after a restart");
            }
        }
        keep(&mut store, &mut desk.0);
        holds(&desk.0, &in_trouble);
    }
    desk.0.open().cloned().collect()
}

/// As the store would: each part of an incident replaces what was kept of it.
fn keep(store: &mut BTreeMap<u64, KeptIncident>, all: &mut Incidents) {
    for kept in all.take_changes() {
        let id = kept.incident.id;
        let Some(before) = store.get_mut(&id) else {
            store.insert(id, kept);
            continue;
        };
        before.incident = kept.incident;
        for member in kept.members {
            before.members.retain(|m| m.cell != member.cell);
            before.members.push(member);
        }
        before.entries.extend(kept.entries);
    }
}

fn holds(all: &Incidents, in_trouble: &BTreeSet<CellName>) {
    let mut found: Vec<CellName> = Vec::new();
    for held in all.open() {
        let bad: Vec<&Member> = held.members.values().filter(|m| m.is_bad()).collect();
        assert_eq!(bad.len(), held.in_trouble(), "{:?}", held.incident);
        assert_eq!(held.incident.quiet_since.is_some(), bad.is_empty(), "{:?}", held.incident);
        for member in bad {
            assert_eq!(all.of(&member.cell), Some(held.incident.id));
            found.push(member.cell.clone());
        }
        assert!(!held.members.is_empty(), "an incident of nothing");
    }
    found.sort();
    let wanted: Vec<CellName> = in_trouble.iter().cloned().collect();
    assert_eq!(found, wanted, "each cell in trouble is in exactly one open incident");
}

proptest! {
    #[test]
    fn whatever_happens_no_cell_is_lost_and_the_same_gives_the_same(
        all in prop::collection::vec(happens(), 1..60)
    ) {
        prop_assert_eq!(play(&all), play(&all));
    }
}
