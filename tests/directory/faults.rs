//! Every action on an account against every fault of the other side, over the wire: nothing is done twice,
//! what is called done has happened, and what has happened is not called refused.

use std::ops::RangeInclusive;
use std::time::Duration;

use caretaker::guard::Guard;
use caretaker::model::plan::{Outcome, StepState};
use caretaker::ports::ledger::Held;
use caretaker::simulators::Fault;
use caretaker::wire::Ask;

use crate::desk::{POLICY, Stage, ask, plan, run, tomr, until, wait};
use crate::moving;

/// Longer than a controller or Microsoft may take for one answer.
const TOO_LONG: Duration = Duration::from_secs(40);

/// What goes wrong with each write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goes {
    Well,
    /// Refused for want of a right.
    Refused,
    /// The connection ends before an answer; nothing is done.
    NoAnswer,
    /// It is done, and the answer is cut off.
    CutOff,
    /// An error of the other side; nothing is done.
    Fails,
    /// "Done", and nothing is.
    DoesNothing,
    /// It is done after we have stopped waiting.
    Late,
}

const ALL: [Goes; 7] = [
    Goes::Well,
    Goes::Refused,
    Goes::NoAnswer,
    Goes::CutOff,
    Goes::Fails,
    Goes::DoesNothing,
    Goes::Late,
];

/// It goes wrong with every write.
const EVERY: RangeInclusive<u64> = 1..=u64::MAX;

/// An action with what it does when all goes well.
struct Case {
    name: &'static str,
    effects: &'static [&'static str],
    /// Its password is shown once: it is never set again, and without an answer nobody knows it.
    shows: bool,
}

const CASES: [Case; 5] = [
    Case {
        name: "lock_account",
        effects: &["ad disable", "ad password", "ad password", "graph block", "graph revoke"],
        shows: false,
    },
    Case { name: "restore_account", effects: &["ad enable", "graph open"], shows: false },
    Case { name: "clear_lockout", effects: &["ad unlock"], shows: false },
    Case { name: "reset_password", effects: &["ad must", "ad password"], shows: true },
    Case { name: "move_group", effects: &["ad join"], shows: false },
];

fn put(stage: &Stage, goes: Goes, on: &RangeInclusive<u64>) {
    stage.running.single_out_writes(on.clone());
    let (ad, graph) = match goes {
        Goes::Well => return,
        Goes::Late => return stage.running.hold_writes(true),
        Goes::Refused => (Fault::Unauthorised, Fault::Unauthorised),
        Goes::NoAnswer => (Fault::Down, Fault::Down),
        Goes::CutOff => (Fault::HalfSent, Fault::HalfSent),
        Goes::Fails => (Fault::ErrorInside200, Fault::Status(503)),
        Goes::DoesNothing => (Fault::Empty200, Fault::Empty200),
    };
    stage.running.set_fault("welearn365.ad_write", None, ad);
    stage.running.set_fault("welearn365.graph_write", None, graph);
}

fn set_right(stage: &Stage) {
    stage.running.hold_writes(false);
    stage.running.clear_fault("welearn365.ad_write", None);
    stage.running.clear_fault("welearn365.graph_write", None);
}

/// Whom it is done to: the fourth account is disabled from the start.
fn account_of(case: &Case) -> u32 {
    if case.name == "restore_account" { 3 } else { 0 }
}

/// A guard with the hands of the case, and what is asked for.
fn prepared(stage: &Stage, case: &Case) -> (Guard, Ask) {
    match case.name {
        "move_group" => {
            let guard = moving::guard(stage, 2);
            return (guard, moving::ask(&moving::target(stage, 1), "one"));
        }
        "clear_lockout" => {
            let at = (stage.clock_seconds() + 11_644_473_600) * 10_000_000;
            stage.running.set_in_directory(stage.school, 0, "lockoutTime", &at.to_string());
        }
        _ => {}
    }
    let guard = stage.guard_with(stage.hands("welearn365", &stage.settings()), POLICY);
    (guard, ask(case.name, &[&stage.target(account_of(case))]))
}

/// What came of it, hours after the other side was well again, and whether Microsoft lets the account in.
async fn ended(case: &Case, goes: Goes, on: RangeInclusive<u64>) -> (Held, Vec<String>, bool) {
    let stage = Stage::new().await;
    let (guard, ask) = prepared(&stage, case);
    let planned = stage.clock.moving(guard.plan(&tomr(), ask, false)).await.unwrap();
    put(&stage, goes, &on);
    let running = tokio::spawn({
        let (guard, planned) = (guard.clone(), planned.clone());
        async move { run(&guard, &planned).await }
    });
    if goes == Goes::Late {
        let its_turn = wait(|| stage.running.writes_came() >= *on.start());
        stage.clock.moving(its_turn).await;
        stage.clock.forward(TOO_LONG);
        stage.running.hold_writes(false);
    }
    let id = planned.plan.id.clone();
    let settled = until(&guard, |h| h.plan == id && h.outcome.is_some());
    stage.clock.moving(settled).await;
    set_right(&stage);
    for _ in 0..8 {
        let held = guard.recent(1).await.unwrap().remove(0);
        // It is over, or what is missing will not come by itself.
        let may_come =
            |s: StepState| !matches!(s, StepState::Seen | StepState::Refused | StepState::Skipped);
        if held.closed || !held.steps.iter().any(|s| may_come(s.state)) {
            break;
        }
        let looks = |h: &Held| h.steps.iter().map(|s| s.looks).sum::<u32>();
        let so_far = looks(&held);
        stage.clock.forward(Duration::from_secs(3_700));
        // It is looked for again, or it is a person's business by now.
        let again = until(&guard, |h| h.plan == id && (h.closed || looks(h) > so_far));
        stage.clock.moving(again).await;
    }
    running.await.unwrap();
    let held = guard.recent(1).await.unwrap().remove(0);
    let open = stage.running.microsoft().is_enabled(stage.school, account_of(case) as usize);
    (held, stage.effects(), open)
}

#[tokio::test]
async fn nothing_is_done_twice_and_done_means_done() {
    for case in &CASES {
        for goes in ALL {
            let (held, mut effects, _) = ended(case, goes, EVERY).await;
            let told =
                format!("{} {goes:?}: {:?} {effects:?} {:#?}", case.name, held.outcome, held.steps);
            effects.sort_unstable();
            let mut rest = effects.clone();
            for effect in case.effects {
                if let Some(at) = rest.iter().position(|e| e == effect) {
                    rest.remove(at);
                }
            }
            assert!(rest.is_empty(), "done twice, or something else: {rest:?}: {told}");
            let mut all: Vec<_> = case.effects.iter().map(|e| (*e).to_owned()).collect();
            all.sort_unstable();
            match held.outcome.unwrap() {
                Outcome::Done => assert_eq!(effects, all, "{told}"),
                Outcome::Rejected => assert!(effects.is_empty(), "{told}"),
                Outcome::Unknown | Outcome::Accepted | Outcome::PartlyDone => {
                    assert!(!held.closed, "somebody has to look: {told}");
                }
                Outcome::ChangedSincePlan => panic!("nobody changed it: {told}"),
            }
            let is_done = held.outcome == Some(Outcome::Done);
            match goes {
                Goes::Well => assert!(is_done, "{told}"),
                // It happened, and reading shows it; a password that nobody was shown is no good.
                Goes::CutOff | Goes::Late => {
                    assert_eq!(effects, all, "{told}");
                    assert_eq!(is_done, !case.shows, "{told}");
                }
                Goes::Refused => assert_eq!(held.outcome, Some(Outcome::Rejected), "{told}"),
                // What may be sent again may have come through once the other side was well.
                Goes::NoAnswer | Goes::Fails | Goes::DoesNothing => {
                    assert!(!(case.shows && is_done), "{told}");
                    assert_eq!(is_done, effects == all, "{told}");
                }
            }
        }
    }
}

/// The effect of each step, in the order of the steps: what one write does. None for an action whose
/// write does several things.
fn by_step(case: &Case) -> Vec<&'static str> {
    match case.shows {
        true => vec!["ad password"],
        false => case.effects.to_vec(),
    }
}

/// What is told of the steps otherwise than it went: what is called seen has happened, what is called
/// refused or left out has not, and what is open may have.
fn told_wrongly(case: &Case, held: &Held, effects: &[String]) -> Vec<String> {
    use StepState::{Refused, Seen, Skipped};
    let steps = by_step(case);
    let mut wrong = Vec::new();
    for effect in &steps {
        let of = |fits: fn(StepState) -> bool| {
            let both = held.steps.iter().zip(&steps);
            both.filter(|(step, does)| *does == effect && fits(step.state)).count()
        };
        let happened = effects.iter().filter(|e| e == effect).count();
        if of(|s| s == Seen) > happened {
            wrong.push(format!("{effect} is called seen and has not happened"));
        }
        if happened > of(|_| true) {
            wrong.push(format!("{effect} has happened twice"));
        // A refused sign-in block comes by the sync all the same; its refusal stays told.
        } else if effect != &"graph block"
            && effect != &"graph open"
            && happened + of(|s| matches!(s, Refused | Skipped)) > of(|_| true)
        {
            wrong.push(format!("{effect} has happened and is called refused or left out"));
        }
    }
    wrong
}

#[tokio::test]
async fn a_fault_of_the_nth_write_is_told_of_that_step_and_of_no_other() {
    let mut all_wrong = Vec::new();
    for case in CASES
        .iter()
        .filter(|c| ["lock_account", "restore_account", "reset_password"].contains(&c.name))
    {
        let last = u64::try_from(by_step(case).len()).unwrap();
        let mut all = case.effects.to_vec();
        all.sort_unstable();
        for (n, goes) in (1..=last).flat_map(|n| ALL.map(|goes| (n, goes))) {
            for on in [n..=n, n..=u64::MAX] {
                let (held, mut effects, open) = ended(case, goes, on.clone()).await;
                // What was done in the directory is brought to Microsoft by the sync of some hour as well.
                let by_sync = if open { "graph open" } else { "graph block" };
                if case.effects.contains(&by_sync) && !effects.iter().any(|e| e == by_sync) {
                    effects.push(by_sync.to_owned());
                }
                let mut wrong = told_wrongly(case, &held, &effects);
                effects.sort_unstable();
                let is_done = held.outcome == Some(Outcome::Done);
                let step = &held.steps[usize::try_from(n - 1).unwrap()];
                if is_done && effects != all {
                    wrong.push("it is called done".to_owned());
                }
                if is_done && case.shows && goes != Goes::Well {
                    wrong.push("nobody was shown the password, and it is called done".to_owned());
                }
                if goes == Goes::Refused && step.state != StepState::Refused {
                    wrong.push("its refusal is not told".to_owned());
                }
                if !is_done && step.says.as_str().is_empty() {
                    wrong.push("nothing is said of it".to_owned());
                }
                let steps = held.steps.iter().map(|s| (s.state, s.sent, s.says.as_str()));
                let told =
                    format!("{:?} {effects:?} {:?}", held.outcome, steps.collect::<Vec<_>>());
                let each =
                    wrong.iter().map(|w| format!("{} {goes:?} {on:?}: {w}: {told}", case.name));
                all_wrong.extend(each);
            }
        }
    }
    assert!(all_wrong.is_empty(), "{all_wrong:#?}");
}

#[tokio::test]
async fn a_password_that_was_lost_is_not_seen_in_the_one_after_it() {
    let stage = Stage::new().await;
    let guard = stage.guard();
    let planned = plan(&guard, "lock_account", &stage.target(0)).await.unwrap();
    // The first of the two fails, its controller is gone from then on, and the other one is well.
    stage.running.single_out_writes(2..=2);
    stage.running.set_fault("welearn365.ad_write", None, Fault::ErrorInside200);
    stage.running.hold_writes(true);
    run(&guard, &planned).await;
    stage.clock.moving(wait(|| stage.running.writes_came() == 2)).await;
    let served = stage.running.served();
    let gone = ["welearn365.dc1", "welearn365.dc2"]
        .into_iter()
        .max_by_key(|dc| served.get(&format!("{dc} MODIFY")).copied());
    stage.running.set_fault(gone.unwrap(), None, Fault::Down);
    stage.running.hold_writes(false);
    let settled = until(&guard, |h| h.outcome.is_some() && h.steps[2].state == StepState::Seen);
    stage.clock.moving(settled).await;
    for looks in 2..6 {
        stage.clock.forward(Duration::from_secs(1_000));
        // It would be over at once if the second were taken for the first.
        let again = until(&guard, |h| h.closed || h.steps[1].looks >= looks);
        let held = stage.clock.moving(again).await;
        assert_eq!(stage.effects().iter().filter(|e| *e == "ad password").count(), 1);
        assert_eq!(held.outcome, Some(Outcome::PartlyDone), "{:#?}", held.steps);
        assert!(!held.closed && held.steps[1].state == StepState::Unknown, "{:#?}", held.steps);
        assert!(held.steps[1].says.as_str().contains("the one from before"), "{:#?}", held.steps);
    }
}
