//! Any order of answers and faults, against a world that counts what really happened.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::plan::{Aim, Kind};

const CLASSES: [Class; 5] =
    [Class::SetState, Class::Monotonic, Class::Trigger, Class::Destructive, Class::HandOff];

fn item(classes: &[Class], protective: bool) -> Item {
    let step = |class: &Class| Step {
        id: Clean::new("a_step"),
        system: Clean::new("AD"),
        says: Clean::new("do it"),
        class: *class,
        undoable: true,
        patience_s: 600,
        with: BTreeMap::new(),
    };
    Item {
        key: Clean::new("k1"),
        aim: Aim::Estate,
        also: Vec::new(),
        kind: Kind::Estate,
        lease: Clean::new("estate"),
        now: Vec::new(),
        steps: classes.iter().map(step).collect(),
        protective,
        will_not: Vec::new(),
        beware: Vec::new(),
        undo: None,
        sends: Vec::new(),
        second_person: None,
    }
}

fn start() -> Timestamp {
    "2026-03-03T02:00:00Z".parse().unwrap()
}

fn until() -> Timestamp {
    start() + SignedDuration::from_mins(10)
}

fn says(text: &str) -> Clean {
    Clean::new(text)
}

/// What a sent step meets.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// Done, and answered.
    Well,
    /// Done, but the answer was lost.
    LostAnswer,
    /// Lost on the way there, without an answer.
    LostRequest,
    /// Refused.
    Refused,
    /// Certainly not sent.
    NotSent,
    /// Answered well; nothing happened.
    Lied,
    /// Done or not (the flag), and the process was killed before it recorded the answer.
    Killed(bool),
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Well),
        1 => Just(Fate::LostAnswer),
        1 => Just(Fate::LostRequest),
        1 => Just(Fate::Refused),
        1 => Just(Fate::NotSent),
        1 => Just(Fate::Lied),
        1 => any::<bool>().prop_map(Fate::Killed),
    ]
}

/// Plays a whole run; gives the run, what happened in the world, and the last answer of `next`.
fn play(
    item: &Item,
    fates: &[Fate],
    reads: &[bool],
    give_up_after: usize,
) -> (Run, Vec<u32>, Next, Vec<u32>) {
    let mut run = Run::new(item.steps.len(), until());
    let mut effects = vec![0_u32; item.steps.len()];
    let mut sends = vec![0_u32; item.steps.len()];
    let (mut fates, mut reads) = (fates.iter().cycle(), reads.iter().cycle());
    let mut now = start();
    for _ in 0..give_up_after {
        match run.next(item, now) {
            Next::Reread => run.apply(item, &Event::Reread(Fresh::Same), now).unwrap(),
            Next::Send(i) => {
                run.apply(item, &Event::Sending(i), now).unwrap();
                let fate = *fates.next().unwrap();
                if !matches!(fate, Fate::NotSent) {
                    sends[i] += 1;
                }
                if matches!(fate, Fate::Well | Fate::LostAnswer | Fate::Killed(true)) {
                    effects[i] += 1;
                }
                let said = match fate {
                    Fate::Well | Fate::Lied => Some(Said::Took),
                    Fate::LostAnswer | Fate::LostRequest => Some(Said::NoAnswer),
                    Fate::Refused => Some(Said::Refused),
                    Fate::NotSent => Some(Said::NotSent),
                    Fate::Killed(_) => None,
                };
                match said {
                    Some(said) => {
                        run.apply(item, &Event::Answered(i, said, says("x")), now).unwrap();
                    }
                    None => {
                        run = Run::recorded(run.steps, until());
                        run.apply(item, &Event::Restarted, now).unwrap();
                    }
                }
            }
            Next::Look(i) => {
                let look = match (effects[i] > 0, *reads.next().unwrap()) {
                    (_, false) => Look::CannotTell,
                    (true, true) => Look::There,
                    (false, true) => Look::NotThere,
                };
                run.apply(item, &Event::Looked(i, look, says("x")), now).unwrap();
            }
            Next::Expire => run.apply(item, &Event::Expired, now).unwrap(),
            Next::Wait(at, _) => {
                assert!(at > now, "a wait that does not end in the future: {run:?}");
                now = at;
            }
            end @ Next::End(_) => return (run, effects, end, sends),
        }
    }
    let last = run.next(item, now);
    (run, effects, last, sends)
}

#[test]
fn nothing_is_sent_once_the_lease_has_ended() {
    let item = item(&[Class::SetState, Class::SetState], true);
    let late = until() + SignedDuration::from_secs(1);
    let run = Run::new(2, until());
    assert_eq!(run.next(&item, late), Next::Expire);
    let mut run = run_to_answer(&item, Said::NoAnswer);
    run.apply(&item, &Event::Looked(0, Look::NotThere, says("x")), late).unwrap();
    assert_eq!(run.steps[0].state, StepState::Unknown, "somebody else may have undone it");
    run.apply(&item, &Event::Expired, late).unwrap();
    assert!(matches!(run.next(&item, late), Next::Wait(..)));
    assert_eq!(run.steps[1].state, StepState::Skipped);
}

proptest! {
    #[test]
    fn nothing_is_done_twice_and_done_means_seen(
        classes in proptest::collection::vec(proptest::sample::select(&CLASSES[..]), 1..5),
        protective in any::<bool>(),
        fates in proptest::collection::vec(fate(), 1..12),
        reads in proptest::collection::vec(any::<bool>(), 1..12),
    ) {
        let item = item(&classes, protective);
        let (run, effects, last, sends) = play(&item, &fates, &reads, 400);
        for (i, class) in classes.iter().enumerate() {
            match class {
                Class::Trigger | Class::Destructive => prop_assert!(sends[i] <= 1),
                // Searched for by its key in between: an effect is never doubled.
                Class::HandOff => prop_assert!(effects[i] <= 1),
                Class::SetState | Class::Monotonic => prop_assert!(sends[i] <= MAX_SENDS),
            }
            if run.steps[i].state == StepState::Seen {
                prop_assert!(effects[i] > 0, "seen without an effect");
            }
            if run.steps[i].state == StepState::Skipped {
                prop_assert_eq!(sends[i], 0);
            }
        }
        let outcome = run.outcome(&item);
        if outcome == Outcome::Done {
            prop_assert!(effects.iter().all(|n| *n > 0));
        }
        if outcome == Outcome::Rejected {
            prop_assert!(effects.iter().all(|n| *n == 0), "rejected, yet it happened");
        }
        if let Next::End(end) = last {
            prop_assert_eq!(end, outcome);
        }
    }

    #[test]
    fn a_protective_chain_tries_every_step(
        classes in proptest::collection::vec(
            proptest::sample::select(&[Class::SetState, Class::Monotonic][..]), 2..5),
        fates in proptest::collection::vec(fate(), 1..12),
    ) {
        let item = item(&classes, true);
        let (_, _, _, sends) = play(&item, &fates, &[true, false], 400);
        let mut reached = sends.iter().zip(&fates).filter(|(n, _)| **n == 0);
        // A step may only stay unsent because every attempt at it was stopped before it left.
        prop_assert!(reached.all(|_| fates.iter().any(|f| matches!(f, Fate::NotSent))));
    }
}

fn run_to_answer(item: &Item, said: Said) -> Run {
    let mut run = Run::new(item.steps.len(), until());
    let now = start();
    run.apply(item, &Event::Reread(Fresh::Same), now).unwrap();
    run.apply(item, &Event::Sending(0), now).unwrap();
    run.apply(item, &Event::Answered(0, said, says("x")), now).unwrap();
    run
}

#[test]
fn reads_before_it_sends_and_stops_when_the_target_changed() {
    let item = item(&[Class::SetState], false);
    let mut run = Run::new(1, until());
    assert_eq!(run.next(&item, start()), Next::Reread);
    assert!(run.apply(&item, &Event::Sending(0), start()).is_err());
    run.apply(&item, &Event::Reread(Fresh::Changed), start()).unwrap();
    assert_eq!(run.next(&item, start()), Next::End(Outcome::ChangedSincePlan));
    assert_eq!(run.steps[0].state, StepState::Skipped);
}

#[test]
fn no_answer_is_looked_at_and_never_called_failed() {
    for class in CLASSES {
        let item = item(&[class], false);
        let mut run = run_to_answer(&item, Said::NoAnswer);
        assert_eq!(run.next(&item, start()), Next::Look(0));
        run.apply(&item, &Event::Looked(0, Look::NotThere, says("x")), start()).unwrap();
        let next = run.next(&item, start());
        match class {
            Class::SetState | Class::Monotonic => assert_eq!(next, Next::Send(0)),
            Class::HandOff => {
                assert!(matches!(next, Next::Wait(_, Outcome::Unknown)), "too early: {next:?}");
                let later = start() + HAND_OFF_SETTLES;
                run.apply(&item, &Event::Looked(0, Look::NotThere, says("x")), later).unwrap();
                assert_eq!(run.next(&item, later), Next::Send(0));
            }
            Class::Trigger | Class::Destructive => {
                assert!(matches!(next, Next::Wait(_, Outcome::Unknown)), "{class:?}: {next:?}");
            }
        }
    }
}

#[test]
fn an_answer_without_effect_is_accepted_and_then_somebody_must_look() {
    let item = item(&[Class::Trigger], false);
    let mut run = run_to_answer(&item, Said::Took);
    run.apply(&item, &Event::Looked(0, Look::NotYet, says("x")), start()).unwrap();
    assert!(matches!(run.next(&item, start()), Next::Wait(_, Outcome::Accepted)));
    assert!(!run.needs_a_look(&item, start()));
    let late = start() + SignedDuration::from_secs(601);
    assert!(run.needs_a_look(&item, late));
    // Each look moves the next one on.
    let soon = run.next_look(&item, start()).unwrap();
    assert_eq!(soon, start() + SignedDuration::from_secs(2));
    run.apply(&item, &Event::Looked(0, Look::NotYet, says("x")), soon).unwrap();
    assert_eq!(run.next_look(&item, soon), Some(soon + SignedDuration::from_secs(5)));
    assert_eq!(run.next_look(&item, late), Some(late), "overdue: at once");
    run.apply(&item, &Event::Told(0, true, says("seen by hand")), late).unwrap();
    assert_eq!(run.next(&item, late), Next::End(Outcome::Done));
    assert_eq!(run.next_look(&item, late), None);
}

#[test]
fn a_refusal_ends_a_plain_chain_and_leaves_a_gap_in_a_protective_one() {
    let plain = item(&[Class::SetState, Class::Monotonic], false);
    let run = run_to_answer(&plain, Said::Refused);
    assert_eq!(run.next(&plain, start()), Next::End(Outcome::Rejected));

    let lock = item(&[Class::SetState, Class::Monotonic], true);
    let mut run = run_to_answer(&lock, Said::Refused);
    assert_eq!(run.next(&lock, start()), Next::Send(1));
    run.apply(&lock, &Event::Sending(1), start()).unwrap();
    run.apply(&lock, &Event::Answered(1, Said::Took, says("x")), start()).unwrap();
    run.apply(&lock, &Event::Looked(1, Look::There, says("x")), start()).unwrap();
    assert_eq!(run.next(&lock, start()), Next::End(Outcome::PartlyDone));
    assert!(run.needs_a_look(&lock, start()));
    run.apply(&lock, &Event::GivenUp, start()).unwrap();
    assert!(run.apply(&lock, &Event::Restarted, start()).is_err());
}

#[test]
fn a_restart_turns_what_was_on_its_way_into_no_answer() {
    let item = item(&[Class::Destructive], false);
    let mut run = Run::new(1, until());
    run.apply(&item, &Event::Reread(Fresh::Same), start()).unwrap();
    run.apply(&item, &Event::Sending(0), start()).unwrap();
    let mut again = Run::recorded(run.steps, until());
    again.apply(&item, &Event::Restarted, start()).unwrap();
    assert_eq!(again.next(&item, start()), Next::Look(0));
    again.apply(&item, &Event::Looked(0, Look::CannotTell, says("x")), start()).unwrap();
    assert!(matches!(again.next(&item, start()), Next::Wait(_, Outcome::Unknown)));
    assert!(again.needs_a_look(&item, start()));
}
