//! Snapshots of acting: each screen at four sizes, and styles of chosen lines.

use caretaker::tui::wish::{Heard, Wish};
use caretaker::wire::action::{AuditEntry, Confirmed, EmergencyView, OnceSecret};
use caretaker::wire::{Clean, Entry, Outcome, StepState};

use crate::fixture::{Desk, at, laestab};
use crate::guarded::{actions, desk, lock, operator, partly_done, planned, row, waiting, with};
use crate::snapshots::{coloured, everywhere};

/// At the plan that locks an account, open for typing.
fn locking(mut desk: Desk) -> Desk {
    desk.press("x").type_text("lock").press("enter").type_text("m.sharp12");
    desk.press("enter").type_text("parent rang").press("enter enter enter");
    let Wish::Plan { ask, .. } = desk.wish() else { panic!() };
    desk.hear(Heard::Planned { ask, answer: Ok(Box::new(lock())) });
    for _ in 0..12 {
        desk.press("tab");
    }
    desk.shown().wait(3);
    desk
}

#[test]
fn menu_of_actions() {
    everywhere("act_menu", |size| {
        let mut desk = desk(size);
        desk.press("x");
        desk
    });
    coloured("act_menu", &[13, 14, 15, 16, 19], |theme, depth| {
        let mut desk = with((80, 24), theme, depth);
        desk.press("x down down");
        desk
    });
    everywhere("act_menu_watch_only", |size| {
        let mut none = actions();
        none.trouble = Some(Clean::new(
            "watch only: /etc/caretaker/policy.toml belongs to you, so you could write your own \
             permission; an agent of the desk, or a policy that root owns, can act",
        ));
        none.possible.truncate(3);
        none.possible.iter_mut().for_each(|p| p.closed = none.trouble.clone());
        let mut desk = desk(size);
        desk.acts(none).press("x");
        desk
    });
}

#[test]
fn form_of_choices() {
    everywhere("act_form", |size| {
        let mut desk = desk(size);
        desk.press("x").type_text("restore").press("enter").type_text("documents").press("enter");
        desk
    });
    coloured("act_form", &[1, 3, 5, 6, 20, 21, 23], |theme, depth| {
        let mut desk = with((80, 24), theme, depth);
        desk.press("x").type_text("restore").press("enter").type_text("documents").press("enter");
        desk
    });
    everywhere("act_form_marked", |size| {
        let mut desk = desk(size);
        desk.press("space j space j space /").type_text("gc:c").press("enter x");
        desk.type_text("fresh").press("enter");
        desk
    });
}

#[test]
fn plan_before_it_is_typed() {
    everywhere("act_plan_unread", |size| {
        let mut desk = desk(size);
        desk.press("x").type_text("fresh").press("enter").type_text("why").press("enter enter");
        let Wish::Plan { ask, .. } = desk.wish() else { panic!() };
        let page = Box::new(planned(&ask));
        desk.hear(Heard::Planned { ask, answer: Ok(page) });
        desk.shown().type_text("typed ahead");
        desk
    });
}

#[test]
fn plan_that_locks_an_account() {
    everywhere("act_plan", |size| {
        let mut desk = locking(desk(size));
        desk.type_text("m.sha");
        desk
    });
    coloured("act_plan", &[1, 2, 6, 7, 10, 20, 21, 22, 23], |theme, depth| {
        let mut desk = locking(with((80, 24), theme, depth));
        desk.press("tab").type_text("m.sharp12");
        desk
    });
}

#[test]
fn plan_for_several_schools() {
    everywhere("act_plan_several", |size| {
        let mut desk = desk(size);
        desk.press("space j space j space /").type_text("gc:c").press("enter x");
        desk.type_text("fresh").press("enter").type_text("why").press("enter enter");
        let Wish::Plan { ask, .. } = desk.wish() else { panic!() };
        let mut many = (*ask).clone();
        many.targets =
            [1_000, 1_003, 1_012].map(|n| laestab(n).to_string().parse().unwrap()).to_vec();
        let mut page = planned(&many);
        for (n, private) in page.private.iter_mut().enumerate() {
            private.label = Clean::new(["Alder Primary", "Damson Primary", "Maple Primary"][n]);
        }
        page.plan.left_out.push(caretaker::wire::LeftOut {
            aim: laestab(1_007).to_string().parse().unwrap(),
            why: Clean::new("its data came this morning"),
        });
        desk.hear(Heard::Planned { ask, answer: Ok(Box::new(page)) });
        for _ in 0..12 {
            desk.press("tab");
        }
        desk.shown().wait(3);
        desk
    });
}

fn after(mut desk: Desk, state: StepState, outcome: Option<Outcome>) -> Desk {
    let page = desk.go_to_plan();
    for _ in 0..12 {
        desk.press("tab");
    }
    desk.shown().wait(1).type_text("alder").press("enter");
    desk.runs(&page);
    let mut told = actions();
    let mut row = row(&page, 0, state, outcome);
    if outcome == Some(Outcome::Accepted) {
        row.reference = Some(Clean::new("INC0041240"));
    }
    if row.closed {
        told.recent.push(row)
    } else {
        told.open.push(row)
    }
    desk.acts(told);
    desk
}

#[test]
fn outcomes() {
    for (name, state, outcome) in [
        ("act_running", StepState::Sent, None),
        ("act_accepted", StepState::Took, Some(Outcome::Accepted)),
        ("act_done", StepState::Seen, Some(Outcome::Done)),
        ("act_unknown", StepState::Unknown, Some(Outcome::Unknown)),
        ("act_rejected", StepState::Refused, Some(Outcome::Rejected)),
    ] {
        everywhere(name, |size| after(desk(size), state, outcome));
        coloured(name, &[1, 4, 5], |theme, depth| {
            after(with((80, 24), theme, depth), state, outcome)
        });
    }
}

#[test]
fn password_shown_once() {
    let shown = |desk: Desk| {
        let mut desk = locking(desk);
        desk.type_text("m.sharp12").press("enter");
        let secret = OnceSecret::new(secrecy::SecretString::from("Tidy-Otter-Nine-41"));
        let answer = Ok(Confirmed::Runs { once_secret: Some(secret) });
        desk.hear(Heard::Confirmed { plan: lock().plan.id, answer });
        desk
    };
    everywhere("act_password", |size| shown(desk(size)));
    coloured("act_password", &[1, 4, 6], |theme, depth| shown(with((80, 24), theme, depth)));
}

fn waits(mut desk: Desk) -> Desk {
    let mut told = actions();
    told.waiting.push(waiting(&lock(), operator("tomr", 1002)));
    let mut own = waiting(&lock(), operator("asha", 1001));
    own.plan.id = Clean::new("plan-2");
    told.waiting.push(own);
    desk.acts(told).press(":").type_text("approvals").press("enter");
    desk
}

#[test]
fn approvals_that_wait() {
    everywhere("approvals", |size| waits(desk(size)));
    coloured("approvals", &[1, 3, 4, 5, 8, 23], |theme, depth| waits(with((80, 24), theme, depth)));
    everywhere("approvals_none", |size| {
        let mut desk = desk(size);
        desk.press(":").type_text("approvals").press("enter");
        desk
    });
    everywhere("approve_plan", |size| {
        let mut desk = waits(desk(size));
        desk.press("enter");
        let Wish::Review(plan) = desk.wish() else { panic!() };
        let mut theirs = lock();
        theirs.plan.by = operator("tomr", 1002);
        theirs.private[0].label = Clean::new("m.....");
        theirs.private[0].confirm = Clean::new("0a97c3d8");
        desk.hear(Heard::Reviewed { plan, answer: Ok(Box::new(theirs)) });
        for _ in 0..12 {
            desk.press("tab");
        }
        desk.shown().wait(3);
        desk
    });
}

fn open(mut desk: Desk) -> Desk {
    let mut told = actions();
    let mut unknown = row(&lock(), 0, StepState::Unknown, Some(Outcome::Unknown));
    unknown.steps[0].state = StepState::Seen;
    unknown.steps[1].state = StepState::Seen;
    let mut fresh = lock().plan.ask;
    fresh.action = "groupcall.resync".parse().unwrap();
    fresh.targets = vec!["9991000".parse().unwrap()];
    let mut page = planned(&fresh);
    page.plan.by = operator("tomr", 1002);
    told.open.push(row(&page, 0, StepState::Took, Some(Outcome::Accepted)));
    told.open.push(unknown);
    desk.acts(told);
    desk
}

#[test]
fn open_actions_on_the_board_and_in_their_list() {
    everywhere("board_acting", |size| {
        let mut desk = open(desk(size));
        desk.press("j j");
        desk
    });
    coloured("board_acting", &[0, 1, 6, 15], |theme, depth| {
        let mut desk = open(with((80, 24), theme, depth));
        desk.press("j j");
        desk
    });
    let look = |desk: Desk| {
        let mut desk = open(desk);
        desk.press(":").type_text("look").press("enter");
        desk
    };
    everywhere("look", |size| look(desk(size)));
    coloured("look", &[1, 3, 4], |theme, depth| look(with((80, 24), theme, depth)));
    everywhere("look_action", |size| {
        let mut desk = look(desk(size));
        desk.press("enter");
        desk
    });
    let partly = |mut desk: Desk| {
        let mut told = actions();
        told.open.push(partly_done());
        desk.acts(told).press(":").type_text("look").press("enter enter");
        desk
    };
    everywhere("look_partly_done", |size| partly(desk(size)));
    everywhere("look_continue", |size| {
        let mut desk = partly(desk(size));
        desk.press("c").type_text("the directory is back");
        desk
    });
    everywhere("look_tell", |size| {
        let mut desk = look(desk(size));
        desk.press("enter t").type_text("yes saw it");
        desk
    });
}

fn entry(number: u64, kind: &str, body: &[(&str, &str)]) -> Entry {
    let body = body.iter().map(|(k, v)| ((*k).to_owned(), Clean::new(v)));
    let reason = caretaker::model::audit::Commitment(Clean::new(&"5a".repeat(32)));
    Entry {
        number,
        at: at("2026-11-24T09:14:24Z"),
        kind: Clean::new(kind),
        by: (kind != "step").then(|| operator("asha", 1001)),
        about: Clean::new("9991000"),
        body: body.collect(),
        private: [("reason".to_owned(), reason.clone()), ("login".to_owned(), reason)]
            .into_iter()
            .filter(|_| kind == "confirmed")
            .collect(),
        previous: Clean::new(&"00".repeat(32)),
        hash: Clean::new(&"3f".repeat(32)),
    }
}

#[test]
fn audit_with_a_filter_and_one_entry() {
    let list = |mut desk: Desk| {
        desk.press(":").type_text("audit about:999").press("enter");
        let Wish::Audit(query) = desk.wish() else { panic!() };
        let entries = vec![
            entry(14, "outcome", &[("outcome", "done"), ("closed", "yes")]),
            entry(13, "step", &[("step", "ask"), ("state", "seen"), ("says", "data of 09:14")]),
            entry(12, "confirmed", &[("action", "groupcall.resync"), ("digest", "3f9a")]),
        ];
        desk.hear(Heard::Audit { query, answer: Ok(entries) });
        desk
    };
    everywhere("audit", |size| list(desk(size)));
    coloured("audit", &[1, 3, 4, 23], |theme, depth| list(with((80, 24), theme, depth)));
    everywhere("audit_filter_bad", |size| {
        let mut desk = list(desk(size));
        desk.press("/").type_text(" who:asha");
        desk
    });
    everywhere("audit_entry", |size| {
        let mut desk = list(desk(size));
        desk.press("j j enter");
        let Wish::Entry(number) = desk.wish() else { panic!() };
        let page = AuditEntry {
            version: 1,
            entry: entry(12, "confirmed", &[("action", "groupcall.resync"), ("digest", "3f9a")]),
            kept: [Clean::new("reason")].into_iter().collect(),
            details: [("reason".to_owned(), Clean::new("no data since Saturday"))].into(),
        };
        desk.hear(Heard::Entry { number, answer: Ok(Box::new(page)) });
        desk
    });
}

#[test]
fn emergency_and_arming() {
    let declared = |mut desk: Desk| {
        let mut told = actions();
        told.me.armed_until = Some(at("2026-11-24T09:29:00Z"));
        told.emergency = Some(EmergencyView {
            by: Clean::new("lead"),
            why: Clean::new("accounts are being taken over, locks without a second person"),
            until: at("2026-11-24T10:14:00Z"),
        });
        desk.acts(told).press("j");
        desk
    };
    everywhere("board_emergency", |size| declared(desk(size)));
    coloured("board_emergency", &[0, 1], |theme, depth| declared(with((80, 24), theme, depth)));
    everywhere("emergency_word", |size| {
        let mut desk = desk(size);
        desk.press(":").type_text("emergency accounts are taken over").press("enter");
        desk
    });
    everywhere("help_of_a_plan", |size| {
        let mut desk = locking(desk(size));
        desk.press("f1");
        desk
    });
}
