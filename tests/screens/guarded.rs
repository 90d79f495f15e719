//! What the guard would tell over the wire: invented actions, plans and what became of them.

use std::collections::BTreeMap;

use caretaker::tui::console::Effect;
use caretaker::tui::theme::Depth;
use caretaker::tui::wish::{Heard, Wish};
use caretaker::wire::action::{
    ActionRow, Actions, Choice, Confirmed, Me, PlanPage, Possible, StepView, Waiting,
};
use caretaker::wire::{
    Aim, AimsAt, Ask, Class, Clean, Fact, Item, Kind, Operator, Outcome, Plan, Private, Role,
    Ruling, Step, StepState,
};

use crate::fixture::{Desk, NOW, at, morning};

pub const GUID: &str = "5d0e77a1-4c0b-4c44-9b1e-2f6f0a97c3d8";

pub fn operator(name: &str, uid: u32) -> Operator {
    Operator { uid, login: Some(uid), name: Clean::new(name) }
}

fn possible(action: &str, label: &str, aims_at: AimsAt, class: Class) -> Possible {
    Possible {
        action: action.parse().unwrap(),
        label: Clean::new(label),
        class,
        aims_at,
        choices: Vec::new(),
        closed: None,
    }
}

fn choice(name: &str, help: &str) -> Choice {
    Choice { name: Clean::new(name), help: Clean::new(help), optional: false }
}

/// What an operator called asha is told: all is possible, nothing waits or runs.
pub fn actions() -> Actions {
    let mut restore =
        possible("redstor.restore_request", "Ask for a restore", AimsAt::School, Class::HandOff);
    restore.choices = vec![
        choice("data_set", "documents or sims"),
        choice("path", "what to restore: Staff/Planning, or all"),
        choice("at", "the run to restore from: 2026-03-03"),
        choice("asked_by", "who asked, by role: the school's office"),
        choice("verified", "how you know that it was they: rang back"),
    ];
    let mut raise = possible("desk.raise_ticket", "Raise a ticket", AimsAt::Cell, Class::HandOff);
    let optional = |name, help| Choice { optional: true, ..choice(name, help) };
    raise.choices = vec![
        optional("each", "yes: one ticket for each target; otherwise one for all"),
        optional("text", "what the ticket says besides: rang the school, server was on"),
    ];
    let mut closed = possible(
        "welearn365.reset_password",
        "Reset a password",
        AimsAt::Account,
        Class::Destructive,
    );
    closed.closed = Some(Clean::new("your account has no role to act"));
    Actions {
        version: 1,
        as_of: at(NOW),
        me: Me {
            operator: operator("asha", 1001),
            roles: vec![Role::Operator, Role::Approver],
            arms: false,
            armed_until: None,
        },
        trouble: None,
        emergency: None,
        possible: vec![
            possible(
                "welearn365.lock_account",
                "Lock an account",
                AimsAt::Account,
                Class::SetState,
            ),
            closed,
            possible(
                "groupcall.resync",
                "Ask for fresh pupil data",
                AimsAt::School,
                Class::Trigger,
            ),
            restore,
            possible(
                "welearn365.sync_directory",
                "Start a directory sync",
                AimsAt::Estate,
                Class::Trigger,
            ),
            raise,
        ],
        waiting: Vec::new(),
        open: Vec::new(),
        recent: Vec::new(),
        left: Vec::new(),
    }
}

pub fn step(system: &str, says: &str, undoable: bool) -> Step {
    Step {
        id: Clean::new(says),
        system: Clean::new(system),
        says: Clean::new(says),
        class: Class::SetState,
        undoable,
        patience_s: 60,
        with: BTreeMap::new(),
    }
}

pub fn item(aim: &Aim, steps: Vec<Step>) -> Item {
    let fact = |name: &str, value: &str| Fact { name: Clean::new(name), value: Clean::new(value) };
    Item {
        key: Clean::new(&format!("key-{aim}")),
        aim: aim.clone(),
        also: Vec::new(),
        kind: Kind::School,
        lease: Clean::new("lease"),
        now: vec![fact("last data", "Sat 03:02"), fact("pupils", "214")],
        steps,
        sends: Vec::new(),
        protective: false,
        will_not: vec![Clean::new("repeat what Xporter could not read at the school")],
        beware: vec![Clean::new("the school's server may be off until the morning")],
        undo: None,
        second_person: None,
    }
}

/// The plan that an agent would make of `ask`.
pub fn planned(ask: &Ask) -> PlanPage {
    let items: Vec<Item> = ask
        .targets
        .iter()
        .map(|aim| item(aim, vec![step("Groupcall", "ask for fresh data", true)]))
        .collect();
    let private = Private {
        label: Clean::new("Alder Primary"),
        confirm: Clean::new("alder"),
        notes: Vec::new(),
    };
    PlanPage {
        private: vec![private; items.len()],
        plan: Plan {
            id: Clean::new("plan-1"),
            ask: ask.clone(),
            by: operator("asha", 1001),
            items,
            left_out: Vec::new(),
            ruling: Ruling {
                policy: Clean::new("p1"),
                rule: Clean::new("by-day"),
                second: None,
                says: vec![
                    Clean::new("1 of at most 5 in one plan"),
                    Clean::new("at most 30 an hour by the desk"),
                ],
            },
            made_at: at("2026-11-24T09:14:18Z"),
            expires_at: at("2026-11-24T09:19:18Z"),
            digest: Clean::new("3f9a0c77b1d2e4f5a6b7c8d9e0f10213"),
        },
        label: Clean::new("Ask for fresh pupil data"),
        as_of: at(NOW),
    }
}

/// A plan that locks an account: the one that cannot be undone.
pub fn lock() -> PlanPage {
    let ask = Ask {
        action: "welearn365.lock_account".parse().unwrap(),
        targets: vec![format!("9991000/guid:{GUID}").parse().unwrap()],
        reason: Clean::new("mail sent in the pupil's name, parent rang"),
        ticket: Some(Clean::new("INC0041233")),
        choices: BTreeMap::new(),
        continues: None,
    };
    let mut page = planned(&ask);
    let fact = |name: &str, value: &str| Fact { name: Clean::new(name), value: Clean::new(value) };
    let item = &mut page.plan.items[0];
    item.kind = Kind::Pupil;
    item.protective = true;
    item.now = vec![fact("account", "enabled, not protected"), fact("signed in", "09:02")];
    item.steps = vec![
        step("AD", "disable", true),
        step("AD", "new password twice, seen by nobody", false),
        step("WeLearn365", "block sign-in", true),
        step("WeLearn365", "revoke sessions", false),
    ];
    item.will_not =
        vec![Clean::new("touch mail rules, app consents, files shared: look at them yourself")];
    item.beware = vec![Clean::new("a session that is already open may go on for about an hour")];
    item.undo = Some(Clean::new("\"restore account\", by a second person; then a new password"));
    page.private[0] = Private {
        label: Clean::new("m.sharp12"),
        confirm: Clean::new("m.sharp12"),
        notes: Vec::new(),
    };
    page.label = Clean::new("Lock an account");
    page.plan.ruling.rule = Clean::new("lock");
    page
}

/// An action of a plan, each step in this state.
pub fn row(page: &PlanPage, n: usize, state: StepState, outcome: Option<Outcome>) -> ActionRow {
    let item = &page.plan.items[n];
    let sent = state != StepState::Waiting;
    let looked = matches!(state, StepState::Seen | StepState::Took | StepState::Unknown);
    let steps = item.steps.iter().map(|step| StepView {
        system: step.system.clone(),
        step: step.says.clone(),
        state,
        says: Clean::new(if sent { "request 4711 taken" } else { "" }),
        sent_at: sent.then(|| at("2026-11-24T09:14:25Z")),
        looked_at: looked.then(|| at("2026-11-24T09:14:28Z")),
        looks: u32::from(looked),
    });
    ActionRow {
        key: item.key.clone(),
        plan: page.plan.id.clone(),
        action: page.plan.ask.action.clone(),
        aim: item.aim.clone(),
        kind: item.kind,
        by: page.plan.by.clone(),
        at: at("2026-11-24T09:14:24Z"),
        steps: steps.collect(),
        outcome,
        closed: matches!(outcome, Some(Outcome::Done | Outcome::Rejected)),
        needs_a_look: outcome == Some(Outcome::Unknown),
        can_continue: false,
        beware: Vec::new(),
        next_look: matches!(outcome, Some(Outcome::Accepted | Outcome::Unknown))
            .then(|| at("2026-11-24T09:19:28Z")),
        reference: None,
    }
}

/// A lock that did not reach the directory.
pub fn partly_done() -> ActionRow {
    let mut row = row(&lock(), 0, StepState::Seen, Some(Outcome::PartlyDone));
    row.steps[0].state = StepState::Refused;
    row.steps[0].says = Clean::new("insufficient access rights");
    (row.needs_a_look, row.can_continue) = (true, true);
    let text = "as long as the account is open in the directory, the next sync reopens WeLearn365";
    row.beware = vec![Clean::new(text)];
    row
}

/// A plan that waits for a second person.
pub fn waiting(page: &PlanPage, by: Operator) -> Waiting {
    let mut plan = page.plan.clone();
    plan.by = by;
    plan.ruling.second = Some(Role::Approver);
    Waiting { plan, until: at("2026-11-24T09:42:00Z") }
}

/// A morning's board, at which asha may act.
pub fn desk(size: (u16, u16)) -> Desk {
    with(size, "dark", Depth::Full)
}

/// The same in these colours.
pub fn with(size: (u16, u16), theme: &str, depth: Depth) -> Desk {
    let mut desk = Desk::with(morning(250), size, theme, depth);
    desk.acts(actions()).shown();
    desk
}

impl Desk {
    /// The guard's page comes.
    pub fn acts(&mut self, actions: Actions) -> &mut Self {
        self.console.acts(Ok(actions));
        self
    }

    /// What is asked of the guard since this was last asked.
    pub fn wishes(&mut self) -> Vec<Wish> {
        let effects = self.effects().into_iter();
        let wishes = effects.filter_map(|effect| match effect {
            Effect::Guard(wish) => Some(wish),
            _ => None,
        });
        wishes.collect()
    }

    pub fn wish(&mut self) -> Wish {
        let mut all = self.wishes();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    pub fn hear(&mut self, heard: Heard) -> &mut Self {
        self.console.heard(heard, self.mono);
        self
    }

    /// From the board to the plan of fresh data for the school under the cursor, seen and open.
    pub fn go_to_plan(&mut self) -> PlanPage {
        self.press("x").type_text("fresh").press("enter").type_text("no data").press("enter");
        self.press("enter");
        let Wish::Plan { ask, .. } = self.wish() else { panic!("a plan is wished") };
        let page = planned(&ask);
        self.hear(Heard::Planned { ask, answer: Ok(Box::new(page.clone())) });
        self.shown().wait(1);
        page
    }

    /// What the agent says to the confirmation that was just sent.
    pub fn runs(&mut self, page: &PlanPage) -> &mut Self {
        let answer = Ok(Confirmed::Runs { once_secret: None });
        self.hear(Heard::Confirmed { plan: page.plan.id.clone(), answer })
    }
}
