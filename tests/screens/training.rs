//! A training: the brief at the start, hints on demand, the debrief so far.

use caretaker::tui::console::Effect;
use caretaker::tui::wish::{Heard, Wish};
use caretaker::wire::Clean;
use caretaker::wire::training::{Debrief, Milestone, TrainingPage, WrongStep};

use crate::fixture::{Desk, NOW, at, morning};
use crate::snapshots::everywhere;

fn told(hints: usize) -> TrainingPage {
    let clean = |texts: &[&str]| texts.iter().map(|t| Clean::new(t)).collect::<Vec<_>>();
    let began = at("2026-11-24T09:05:00Z");
    let passed = |what: &str, after_s: Option<i64>| Milestone {
        what: Clean::new(what),
        at: after_s.map(|s| began + jiff::SignedDuration::from_secs(s)),
        after_s,
    };
    let all = [
        "Which schools turned at the same time? `n` walks through what nobody has.",
        "Read the sentence: the vendor answers, and refuses us.",
    ];
    TrainingPage {
        version: 1,
        as_of: at(NOW),
        name: Clean::new("xporter-trust"),
        title: Clean::new("a trust withdraws its authorisation: one cause, many schools"),
        brief: clean(&[
            "A weekday, a quarter past nine. Nothing is known to be wrong, and the last shift handed \
             over nothing.",
            "Find out what broke, for whom, and whose it is to mend.",
        ]),
        hints: clean(&all[..hints]),
        hints_left: u32::try_from(all.len() - hints).unwrap(),
        debrief: Debrief {
            began,
            as_of: at(NOW),
            milestones: vec![
                passed("the trouble was on the board", Some(32)),
                passed("it was looked at, in the peek or on its page", Some(75)),
                passed("it was acknowledged or claimed (1 of 9 cells)", Some(200)),
                passed("a plan was made: desk.raise_ticket", None),
            ],
            wrong: vec![WrongStep {
                at: at("2026-11-24T09:07:05Z"),
                what: Clean::new(
                    "tried to take a consequence instead of the root: Alder Primary / just2easy only \
                     follows from another cell; take that one",
                ),
            }],
            hints: (1, 2),
        },
    }
}

/// A console whose agent runs a training, and what it asks for at once.
fn desk(size: (u16, u16)) -> Desk {
    let mut board = morning(60);
    board.agent.demo = true;
    board.agent.training = true;
    Desk::new(board, size)
}

fn hear(desk: &mut Desk, hints: usize) {
    desk.hear(Heard::Training(Ok(Box::new(told(hints)))));
}

#[test]
fn the_brief_comes_first_with_the_hints_so_far_at_every_size() {
    everywhere("training_brief", |size| {
        let mut desk = desk(size);
        hear(&mut desk, 1);
        desk
    });
}

#[test]
fn the_debrief_so_far_at_every_size() {
    everywhere("training_debrief", |size| {
        let mut desk = desk(size);
        desk.press("esc :").type_text("debrief").press("enter");
        hear(&mut desk, 1);
        desk
    });
}

#[test]
fn a_hint_is_asked_for_once_for_each_time_that_somebody_wants_one() {
    let mut desk = desk((80, 24));
    let wished = |desk: &mut Desk| {
        let all = desk.effects().into_iter();
        all.filter_map(|effect| match effect {
            Effect::Guard(Wish::Training { hint }) => Some(hint),
            _ => None,
        })
        .collect::<Vec<_>>()
    };
    assert_eq!(wished(&mut desk), [false], "the brief, at the start");
    hear(&mut desk, 0);
    assert!(desk.text().contains("2 more hints"), "{}", desk.text());
    for (n, left) in [(1, "1 more hint:"), (2, "there are no more hints")] {
        desk.press(":").type_text("hint").press("enter");
        assert_eq!(wished(&mut desk), [true]);
        hear(&mut desk, n);
        assert!(desk.text().contains(left), "{}", desk.text());
    }
    desk.press("esc");
    assert!(desk.text().contains("School, worst first"), "one screen, whatever was asked");
}

#[test]
fn without_a_training_nothing_is_asked_and_the_remedy_is_said() {
    let mut desk = Desk::new(morning(60), (120, 40));
    assert!(desk.text().contains("School, worst first"));
    desk.press(":").type_text("debrief").press("enter");
    assert!(desk.text().contains("not now: no training runs"), "{}", desk.text());
    let asked = desk.effects();
    assert!(!asked.iter().any(|e| matches!(e, Effect::Guard(Wish::Training { .. }))), "{asked:?}");
}
