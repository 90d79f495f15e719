//! The tape and the player, by a clock that is a value.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::player::Player;
use super::tape::Tape;
use crate::model::cell::Row;
use crate::model::health::Health;
use crate::model::ids::Laestab;
use crate::model::text::Clean;
use crate::wire::board::Column;
use crate::wire::incident::TimeLineKind;
use crate::wire::recording::{
    FORMAT, Happened, Head, Names, RecordedCell, RecordedChange, RecordedNote, RecordedSchool,
    Recording,
};
use crate::wire::replay::{Playing, ReplayOrder};

fn at(minute: i64) -> Timestamp {
    let start: Timestamp = "2026-11-23T22:00:00Z".parse().unwrap();
    start + SignedDuration::from_mins(minute)
}

fn cell(health: Health) -> RecordedCell {
    RecordedCell { health, ..RecordedCell::default() }
}

fn school() -> Laestab {
    "9900001".parse().unwrap()
}

/// One school and one service: ill at 10, noted at 20, well at 30; an hour in all.
fn recording() -> Recording {
    let change = |minute, health| {
        Happened::Change(RecordedChange {
            at: at(minute),
            row: Row::School(school()),
            service: "mail".parse().unwrap(),
            cell: cell(health),
        })
    };
    let note = RecordedNote {
        at: at(20),
        kind: TimeLineKind::Desk,
        who: Some("operator 1".into()),
        what: "claimed".into(),
        about: Vec::new(),
        cells: 1,
    };
    let column = Column {
        key: "mail".parse().unwrap(),
        label: "Mail".into(),
        code: "MA".into(),
        watched: true,
    };
    Recording {
        head: Head {
            version: FORMAT,
            program: "0.1.0".into(),
            made_at: at(100),
            from: at(0),
            until: at(60),
            names: Names::Masked,
            demo: false,
            schools: 1,
            columns: vec![column],
            estate: vec![cell(Health::NotSubscribed)],
            incident: None,
        },
        schools: vec![RecordedSchool {
            laestab: school(),
            name: "School 1".into(),
            phase: Clean::default(),
            town: Clean::default(),
            set_up: true,
            cells: vec![cell(Health::Ok)],
        }],
        happened: vec![change(10, Health::Critical), Happened::Note(note), change(30, Health::Ok)],
    }
}

fn stands(player: &Player) -> Health {
    player.tape.cells(Row::School(school())).unwrap()[0].health
}

#[test]
fn a_tape_shows_what_was_at_a_moment_whichever_way_it_was_wound() {
    let mut tape = Tape::new(recording());
    for (minute, health, critical) in [
        (0, Health::Ok, 0),
        (9, Health::Ok, 0),
        (10, Health::Critical, 1),
        (29, Health::Critical, 1),
        (30, Health::Ok, 0),
        (12, Health::Critical, 1),
        (3, Health::Ok, 0),
    ] {
        tape.seek(at(minute));
        assert_eq!(tape.cells(Row::School(school())).unwrap()[0].health, health, "{minute}");
        assert_eq!(tape.totals().0.critical, critical);
    }
    tape.seek(at(60));
    let history = tape.history(Row::School(school()));
    let told: Vec<_> = history.iter().map(|c| (c.at, c.from, c.to)).collect();
    assert_eq!(
        told,
        [(at(30), Health::Critical, Health::Ok), (at(10), Health::Ok, Health::Critical)]
    );
    assert_eq!(tape.changed(0).len(), 1, "each cell once, as it stands now");
    assert_eq!((tape.earlier(at(10)), tape.earlier(at(11))), (at(0), at(10)));
    assert_eq!((tape.later(at(10)), tape.later(at(30))), (at(20), at(60)));
}

#[test]
fn it_plays_at_its_speed_pauses_and_stands_still_at_its_end() {
    let s = Duration::from_secs;
    let mut player = Player::new(Tape::new(recording()), 60, s(100));
    player.advance(s(109));
    assert_eq!((player.at(), stands(&player)), (at(9), Health::Ok));
    player.advance(s(111));
    assert_eq!((player.at(), stands(&player)), (at(11), Health::Critical));
    let turn = player.turn();
    player.order(ReplayOrder::Pause, s(112));
    assert!(player.turn() > turn, "whoever looks is told");
    player.advance(s(1_000));
    assert_eq!(player.at(), at(12), "it stands still");
    player.order(ReplayOrder::Faster, s(1_000));
    player.order(ReplayOrder::Pause, s(1_000));
    assert_eq!((player.told().speed, player.told().playing), (120, Playing::Plays));
    player.advance(s(1_004));
    assert_eq!(player.at(), at(20));
    let note = player.told().note.unwrap();
    assert_eq!(note.as_str(), "22:20 operator 1: claimed, 1 cell");
    player.advance(s(9_000));
    assert_eq!((player.at(), player.told().playing), (at(60), Playing::Over));
    player.order(ReplayOrder::Pause, s(9_001));
    assert_eq!(player.told().playing, Playing::Over, "nothing comes after its end");
}

#[test]
fn steps_go_to_what_happened_and_stand_still_there() {
    let mut player = Player::new(Tape::new(recording()), 1, Duration::ZERO);
    let mut step = |order| {
        player.order(order, Duration::ZERO);
        let told = player.told();
        (told.at, told.playing)
    };
    assert_eq!(step(ReplayOrder::Next), (at(10), Playing::Paused));
    assert_eq!(step(ReplayOrder::Next), (at(20), Playing::Paused));
    assert_eq!(step(ReplayOrder::Next), (at(30), Playing::Paused));
    assert_eq!(step(ReplayOrder::Next), (at(60), Playing::Over));
    assert_eq!(step(ReplayOrder::Previous), (at(30), Playing::Paused));
    assert_eq!(step(ReplayOrder::To { at: at(-5) }), (at(0), Playing::Paused));
    assert_eq!(step(ReplayOrder::Previous), (at(0), Playing::Paused));
    assert_eq!(step(ReplayOrder::To { at: at(99) }), (at(60), Playing::Over));
}

#[test]
fn speeds_have_an_end_on_both_sides() {
    let mut player = Player::new(Tape::new(recording()), u32::MAX, Duration::ZERO);
    player.order(ReplayOrder::Pause, Duration::ZERO);
    for _ in 0..20 {
        player.order(ReplayOrder::Faster, Duration::ZERO);
    }
    assert_eq!(player.told().speed, 3_600);
    for _ in 0..20 {
        player.order(ReplayOrder::Slower, Duration::ZERO);
    }
    assert_eq!(player.told().speed, 1);
    // A clock that jumps far does no harm.
    player.order(ReplayOrder::Pause, Duration::ZERO);
    player.advance(Duration::MAX);
    assert_eq!(player.at(), at(60));
}
