//! Acting: the menu, the choices, the plan, its defences, and what comes of it.

use caretaker::tui::keymap::Chord;
use caretaker::tui::term::Input;
use caretaker::tui::wish::{Heard, Unconfirmed, Wish};
use caretaker::wire::action::{Confirmed, EmergencyView, LeftRow, OnceSecret, Told};
use caretaker::wire::{Clean, Health, Outcome, Role, StepState};

use crate::fixture::{DAY, Desk, at, bad, laestab, morning, ticketed};
use crate::guarded::{actions, lock, operator, partly_done, planned, row, waiting};

fn desk(size: (u16, u16)) -> Desk {
    let mut desk = Desk::new(morning(250), size);
    desk.acts(actions()).shown();
    desk
}

/// A plan of one school, open for typing.
fn at_plan(size: (u16, u16)) -> (Desk, caretaker::wire::action::PlanPage) {
    let mut desk = desk(size);
    let page = desk.go_to_plan();
    (desk, page)
}

#[test]
fn whose_session_it_is_stands_in_the_first_line() {
    let desk = desk((80, 24));
    assert!(desk.line(0).contains(" asha operator approver   Tue 09:14 GMT"), "{}", desk.line(0));
    // It gives way to what has to be known, whole.
    let narrow = self::desk((60, 24));
    assert!(!narrow.line(0).contains("asha"), "{}", narrow.line(0));
    assert!(narrow.line(0).contains("LIVE"), "{}", narrow.line(0));
}

#[test]
fn x_opens_a_menu_of_what_fits_the_place_and_says_why_not() {
    let mut desk = desk((80, 24));
    desk.press("x");
    let text = desk.text();
    assert!(text.contains("act on Maple Primary / Smoothwall"), "{text}");
    for there in ["Raise a ticket", "Lock an account", "Ask for a restore"] {
        assert!(text.contains(there), "{there}: {text}");
    }
    assert!(!text.contains("directory sync"), "that is for the whole estate: {text}");
    assert!(desk.line_with("Reset a password").contains("closed: your account has no role"));
    desk.type_text("reset").press("enter");
    assert!(desk.text().contains("not open to you: your account has no role"), "{}", desk.text());
    assert_eq!(desk.wishes(), [], "nothing is asked of anybody");
    desk.press("esc g up x");
    assert!(desk.text().contains("Start a directory sync"), "{}", desk.text());
    assert!(!desk.text().contains("Raise a ticket"), "{}", desk.text());
}

#[test]
fn a_ticket_that_stands_is_closed_by_its_name_in_the_menu_and_nothing_is_sent() {
    let mut desk = Desk::new(morning(250), (80, 24));
    desk.page_of = ticketed;
    desk.acts(actions()).shown();
    let (row, service) = ("9991000", "Groupcall");
    desk.press("o").type_text(row).press("enter").shown();
    desk.press("x");
    let menu = desk.text();
    assert!(menu.contains(&format!("/ {service}")), "{menu}");
    assert!(desk.line_with("Close ticket 10482").contains("raised by asha; nothing is sent"));
    desk.type_text("close 10482").press("enter");
    assert!(!desk.text().contains(" act >"), "the menu is left: {}", desk.text());
    desk.press("enter");
    assert_eq!(desk.wishes(), [], "without a reason nothing is recorded");
    desk.type_text("they wrote that it is done").press("enter");
    let wish = desk.wish();
    let (key, why) = (Clean::new("0123456789abcdef"), Clean::new("they wrote that it is done"));
    assert_eq!(wish, Wish::Close { key, why });
}

#[test]
fn where_nobody_can_act_it_says_why() {
    let mut desk = Desk::new(morning(250), (80, 24));
    desk.press("x");
    assert!(desk.text().contains("asking the agent what is possible"), "{}", desk.text());
    let mut none = actions();
    none.trouble = Some(Clean::new("watch only: policy.toml belongs to you"));
    none.possible.clear();
    desk.acts(none);
    assert!(desk.text().contains("no action is possible here: watch only: policy.toml"));
    assert!(desk.line(0).contains("watch only"), "{}", desk.line(0));
    desk.press("enter");
    assert_eq!(desk.wishes(), []);
}

#[test]
fn an_act_is_about_the_cell_that_was_drawn_under_the_cursor() {
    let mut desk = desk((80, 24));
    // Between the frame and the key another cell of the school becomes its worst.
    desk.change(12, 2, bad(Health::Critical, 30 * DAY)).press("x");
    assert!(desk.text().contains("act on Maple Primary / Smoothwall"), "{}", desk.text());
    desk.press("esc").shown();
    desk.press("x");
    assert!(desk.text().contains("act on Maple Primary / Redstor"), "as it is drawn now");
    // The school itself goes: what has slipped under the cursor is not meant.
    let mut desk = self::desk((80, 24));
    let mut board = desk.board.clone();
    board.schools.remove(12);
    desk.board = board.clone();
    desk.console.wire(caretaker::link::LinkEvent::Board(Box::new(board)), desk.mono);
    desk.press("x");
    let text = desk.text();
    assert!(text.contains("act on 999 1012 / Smoothwall"), "not whoever moved up: {text}");
}

#[test]
fn a_form_asks_what_the_action_needs_and_then_for_a_plan() {
    let mut desk = desk((80, 24));
    desk.press("x").type_text("restore").press("enter");
    for (n, text) in ["documents", "Staff/Planning", "2026-11-20", "school office", "rang back"]
        .into_iter()
        .enumerate()
    {
        assert!(desk.text().contains("missing: "), "{n}: {}", desk.text());
        desk.type_text(text).press("enter");
    }
    // A reason may be pasted; it sends nothing.
    desk.console.input(Input::Paste("lost folder\n".to_owned()), desk.mono);
    desk.press("enter").type_text("INC7");
    assert!(desk.text().contains("complete: the plan comes next"), "{}", desk.text());
    assert_eq!(desk.wishes(), [], "nothing is asked before the end");
    desk.press("enter");
    let Wish::Plan { ask, show } = desk.wish() else { panic!() };
    assert_eq!(ask.action.as_str(), "redstor.restore_request");
    assert_eq!(ask.targets[0].to_string(), "9991012");
    assert_eq!((ask.reason.as_str(), show), ("lost folder", false));
    assert_eq!(ask.ticket, Some(Clean::new("INC7")));
    assert_eq!(ask.choices["path"].as_str(), "Staff/Planning");
    desk.press("enter enter");
    assert_eq!(desk.wishes(), [], "one plan at a time");
    desk.hear(Heard::Planned { ask: ask.clone(), answer: Err("no such run".into()) });
    assert!(desk.text().contains("no such run"), "{}", desk.text());
    // The answer to a form that was left opens nothing.
    desk.press("enter");
    desk.press("esc esc");
    let page = Box::new(planned(&ask));
    desk.hear(Heard::Planned { ask, answer: Ok(page) });
    assert!(desk.text().contains("whole estate"), "{}", desk.text());
}

#[test]
fn an_account_is_named_and_its_name_is_shown_only_when_asked_for() {
    let mut desk = desk((80, 24));
    desk.press("x").type_text("lock").press("enter");
    desk.type_text("m/sharp").press("enter").type_text("parent rang").press("enter enter enter");
    assert!(desk.text().contains("is no account's name"), "{}", desk.text());
    desk.press("tab ctrl-w").type_text("m.sharp12").press("up").type_text("yes").press("enter");
    let Wish::Plan { ask, show } = desk.wish() else { panic!() };
    assert_eq!(ask.targets[0].to_string(), "9991012/sam:m.sharp12");
    assert!(show, "asked for, and recorded by the agent");
}

#[test]
fn marks_that_the_filter_hides_are_left_out_and_named_before_the_plan() {
    let mut desk = desk((120, 40));
    desk.press("space j space j space");
    desk.press("/").type_text("gc:c").press("enter x");
    let hidden = "left out: marked, but hidden by the filter: Damson Primary, Maple Primary";
    assert!(desk.text().contains(hidden), "{}", desk.text());
    desk.type_text("fresh").press("enter").type_text("why").press("enter enter");
    assert!(desk.text().contains("hidden by the filter: Damson Primary"), "{}", desk.text());
    let Wish::Plan { ask, .. } = desk.wish() else { panic!() };
    assert_eq!(ask.targets.len(), 1, "what is hidden is not acted on");
    let page = Box::new(planned(&ask));
    desk.hear(Heard::Planned { ask, answer: Ok(page) });
    assert!(desk.text().contains("hidden by the filter: Damson Primary"), "{}", desk.text());
}

#[test]
fn many_marked_schools_get_one_ticket_or_one_each() {
    for (typed, wanted) in [("", None), ("yes", Some("yes"))] {
        let mut desk = desk((80, 24));
        desk.press("space j space x").type_text("raise").press("enter");
        assert!(desk.text().contains("one ticket for each target"), "{}", desk.text());
        desk.type_text(typed).press("enter enter").type_text("why").press("enter enter");
        let Wish::Plan { ask, .. } = desk.wish() else { panic!("{}", desk.text()) };
        assert_eq!(ask.targets.len(), 2, "{ask:?}");
        assert_eq!(ask.choices.get("each").map(|each| each.as_str()), wanted, "{ask:?}");
    }
}

#[test]
fn only_its_words_confirm_a_plan_and_enter_alone_does_nothing() {
    let (mut desk, page) = at_plan((80, 24));
    assert!(desk.text().contains("NOTHING HAS BEEN SENT"), "{}", desk.text());
    for wrong in ["", "ald", "alderx", " "] {
        desk.type_text(wrong).press("enter enter");
        assert_eq!(desk.wishes(), [], "{wrong:?}");
        desk.press("ctrl-w backspace backspace");
    }
    desk.type_text("alder");
    assert_eq!(desk.wishes(), [], "typing sends nothing");
    desk.press("enter");
    let wish = Wish::Confirm { plan: page.plan.id.clone(), digest: page.plan.digest.clone() };
    assert_eq!(desk.wishes(), [wish]);
    desk.press("enter enter");
    assert_eq!(desk.wishes(), [], "and only once");
    assert!(desk.text().contains("BEING CONFIRMED"), "{}", desk.text());
}

#[test]
fn esc_q_and_the_like_never_act() {
    for keys in ["esc", "ctrl-c", "q enter", "x enter", "y enter", "space enter", "ctrl-z"] {
        let (mut desk, _) = at_plan((80, 24));
        desk.press(keys);
        assert_eq!(desk.wishes(), [], "{keys}");
    }
    let (mut desk, _) = at_plan((80, 24));
    desk.type_text("alder").press("esc");
    assert!(desk.text().contains("left; nothing was sent"), "{}", desk.text());
    desk.press("enter");
    let again = desk.wishes();
    assert!(matches!(again.as_slice(), [Wish::Plan { .. }]), "the form, as it was: {again:?}");
}

#[test]
fn keys_before_a_plan_was_read_are_thrown_away_and_said_so() {
    let mut desk = desk((80, 24));
    desk.press("x").type_text("fresh").press("enter").type_text("why").press("enter enter");
    let Wish::Plan { ask, .. } = desk.wish() else { panic!() };
    let page = Box::new(planned(&ask));
    desk.hear(Heard::Planned { ask, answer: Ok(page) });
    // Typed ahead: the plan has come, and no frame of it was written.
    desk.type_text("alder").press("enter").wait(60).beat();
    desk.type_text("alder").press("enter");
    assert_eq!(desk.wishes(), [], "a plan that nobody saw");
    desk.shown();
    desk.type_text("alder").press("enter");
    assert!(desk.text().contains("keys typed until 09:15:20 were thrown away"), "{}", desk.text());
    assert_eq!(desk.wishes(), [], "nor one that nobody had time to read");
    desk.wait(1);
    desk.press("enter");
    assert_eq!(desk.wishes(), [], "nothing of it was kept");
    desk.type_text("alder").press("enter");
    assert_eq!(desk.wishes().len(), 1);
}

#[test]
fn what_cannot_be_undone_and_what_is_for_many_takes_longer_to_read() {
    for (undoable, targets, seconds) in [(true, 1, 1), (false, 1, 3), (true, 11, 3)] {
        let mut desk = desk((200, 50));
        desk.press("x").type_text("fresh").press("enter").type_text("why").press("enter enter");
        let Wish::Plan { ask, .. } = desk.wish() else { panic!() };
        let mut many = ask.clone();
        many.targets =
            (0..targets).map(|n| laestab(1_000 + n).to_string().parse().unwrap()).collect();
        let mut page = planned(&many);
        page.plan.ask = (*ask).clone();
        page.plan.items.iter_mut().for_each(|item| item.steps[0].undoable = undoable);
        desk.hear(Heard::Planned { ask, answer: Ok(Box::new(page)) });
        let words = if targets == 1 { "alder" } else { "11 resync" };
        desk.shown().wait(seconds - 1);
        desk.type_text(words).press("enter");
        assert_eq!(desk.wishes(), [], "{undoable} {targets}");
        desk.wait(1);
        desk.type_text(words).press("enter");
        assert_eq!(desk.wishes().len(), 1, "{undoable} {targets}: {}", desk.text());
    }
}

#[test]
fn pastes_the_mouse_and_other_windows_keys_are_thrown_away() {
    let (mut desk, _) = at_plan((80, 24));
    let mono = desk.mono;
    desk.console.input(Input::Paste("alder\n".to_owned()), mono);
    assert!(desk.text().contains("pasted text is not taken here"), "{}", desk.text());
    desk.press("enter");
    assert_eq!(desk.wishes(), []);
    desk.console.input(Input::Mouse, mono);
    assert!(desk.text().contains("the mouse does nothing here"), "{}", desk.text());
    // The window comes to the front with keys that were meant for another one.
    desk.type_text("ald");
    desk.console.input(Input::Focus, desk.mono);
    for c in "er".chars() {
        desk.console.input(Input::Along(Chord::char(c)), desk.mono);
    }
    desk.press("enter");
    assert_eq!(desk.wishes(), []);
    assert!(desk.text().contains("thrown away"), "{}", desk.text());
    desk.wait(1);
    desk.press("enter");
    assert_eq!(desk.wishes(), [], "what was typed before is gone as well");
    desk.type_text("alder").press("enter");
    assert_eq!(desk.wishes().len(), 1);
}

/// One read with these keys; `\r` is Enter.
fn read(desk: &mut Desk, text: &str) {
    for (n, c) in text.chars().enumerate() {
        let chord = if c == '\r' { "enter".parse().unwrap() } else { Chord::char(c) };
        let input = if n == 0 { Input::Key(chord) } else { Input::Along(chord) };
        desk.console.input(input, desk.mono);
    }
}

#[test]
fn a_single_read_of_more_than_eight_keys_is_a_paste_and_enter_comes_alone() {
    let (mut desk, _) = at_plan((80, 24));
    // A line that stood still brings several letters at once: that is typing.
    read(&mut desk, "alde");
    read(&mut desk, "r\r");
    assert_eq!(desk.wishes(), [], "Enter came with a letter");
    assert!(desk.text().contains("all thrown away, type it again"), "{}", desk.text());
    desk.press("enter");
    assert_eq!(desk.wishes(), [], "what came with Enter does not stay");
    desk.press("ctrl-w");
    read(&mut desk, "alderalderalder\r");
    assert!(desk.text().contains("pasted text is not taken here"), "{}", desk.text());
    assert_eq!(desk.wishes(), []);
    // None of it stays, and what was typed by hand does.
    desk.press("enter");
    assert_eq!(desk.wishes(), []);
    desk.type_text("ald");
    read(&mut desk, "xxxxxxxxxxxx");
    desk.type_text("er").press("enter");
    assert_eq!(desk.wishes().len(), 1, "{}", desk.text());
}

#[test]
fn a_plan_that_does_not_fit_is_confirmed_only_at_its_end() {
    let (mut desk, _) = at_plan((40, 12));
    let text = desk.text();
    assert!(text.contains("more lines") && !text.contains("Type  alder"), "{text}");
    desk.type_text("alder").press("enter");
    assert_eq!(desk.wishes(), []);
    for _ in 0..10 {
        desk.press("tab");
    }
    desk.shown();
    assert!(desk.text().contains("Type  alder"), "{}", desk.text());
    desk.type_text("alder").press("enter");
    assert_eq!(desk.wishes(), [], "it is still being read");
    desk.wait(1);
    desk.type_text("alder").press("enter");
    assert_eq!(desk.wishes().len(), 1);
}

#[test]
fn a_resize_keeps_what_was_typed_and_sends_nothing() {
    let (mut desk, _) = at_plan((80, 24));
    desk.type_text("ald");
    for size in [(40, 12), (200, 50), (80, 24)] {
        desk.console.input(Input::Resize(size.0, size.1), desk.mono);
        desk.size = size;
        desk.shown();
    }
    assert!(desk.text().contains("> ald"), "{}", desk.text());
    desk.type_text("er").press("enter");
    assert_eq!(desk.wishes().len(), 1);
}

#[test]
fn a_plan_runs_out_and_then_takes_nothing() {
    let (mut desk, _) = at_plan((80, 24));
    assert!(desk.text().contains("4:50 left"), "{}", desk.text());
    desk.type_text("alder");
    desk.beat().wait(10);
    for _ in 0..30 {
        desk.beat().wait(10);
    }
    assert!(desk.text().contains("EXPIRED, nothing was sent"), "{}", desk.text());
    desk.press("enter");
    assert_eq!(desk.wishes(), []);
    // And so does one that the agent cannot hear.
    let (mut desk, _) = at_plan((80, 24));
    desk.lose().wait(20);
    desk.type_text("alder").press("enter");
    assert_eq!(desk.wishes(), []);
    assert!(desk.text().contains("the agent cannot be reached"), "{}", desk.text());
}

#[test]
fn what_comes_of_it_is_told_step_by_step_in_one_word() {
    let (mut desk, page) = at_plan((80, 24));
    desk.type_text("alder").press("enter");
    desk.wish();
    desk.runs(&page);
    assert!(desk.text().contains(" BEGINS   "), "{}", desk.text());
    for (state, outcome, word, more) in [
        (StepState::Sent, None, " RUNNING   ", "sent, no answer yet"),
        (StepState::Took, Some(Outcome::Accepted), " ACCEPTED   ", "taken, not seen yet"),
        (StepState::Unknown, Some(Outcome::Unknown), " UNKNOWN   ", "NOT KNOWN"),
        (StepState::Seen, Some(Outcome::Done), " DONE   ", "asked 09:14:25"),
        (StepState::Refused, Some(Outcome::Rejected), " REJECTED   ", "nothing changed"),
    ] {
        let mut told = actions();
        let row = row(&page, 0, state, outcome);
        if row.closed {
            told.recent.push(row)
        } else {
            told.open.push(row)
        }
        desk.acts(told);
        let text = desk.text();
        assert!(text.contains(word) && text.contains(more), "{word} {more}: {text}");
    }
    let mut told = actions();
    told.left.push(LeftRow {
        key: page.plan.items[0].key.clone(),
        action: page.plan.ask.action.clone(),
        by: page.plan.by.clone(),
        plan: page.plan.id.clone(),
        aim: page.plan.items[0].aim.clone(),
        at: at("2026-11-24T09:14:24Z"),
        why: Clean::new("tomr is acting on it since 09:13: groupcall.resync"),
    });
    desk.acts(told);
    let text = desk.text();
    assert!(text.contains("REJECTED") && text.contains("tomr is acting on it"), "{text}");
    desk.press("esc");
    assert!(desk.text().contains("whole estate"), "back where it began: {}", desk.text());
}

#[test]
fn a_refused_confirmation_says_that_nothing_was_sent_and_a_lost_one_does_not() {
    let (mut desk, page) = at_plan((80, 24));
    desk.type_text("alder").press("enter esc");
    assert!(desk.text().contains("BEING CONFIRMED"), "it waits for the answer");
    let plan = page.plan.id.clone();
    let refused = Err(Unconfirmed::Refused("the policy has changed".into()));
    desk.hear(Heard::Confirmed { plan: plan.clone(), answer: refused });
    assert!(desk.text().contains("nothing was sent: the policy has changed"), "{}", desk.text());
    desk.wait(5);
    desk.type_text("alder").press("enter");
    assert_eq!(desk.wishes().len(), 1, "only the first one was sent");
    let (mut desk, page) = at_plan((80, 24));
    desk.type_text("alder").press("enter");
    let lost = Err(Unconfirmed::Lost("it does not answer".into()));
    desk.hear(Heard::Confirmed { plan: page.plan.id.clone(), answer: lost });
    let text = desk.text();
    assert!(text.contains("UNKNOWN") && !text.contains("NOTHING HAS BEEN SENT"), "{text}");
}

#[test]
fn a_second_person_is_waited_for() {
    let (mut desk, page) = at_plan((80, 24));
    desk.type_text("alder").press("enter");
    let until = at("2026-11-24T09:44:00Z");
    let answer = Ok(Confirmed::Waits { until, role: Role::Approver });
    desk.hear(Heard::Confirmed { plan: page.plan.id.clone(), answer });
    let text = desk.text();
    assert!(text.contains(" WAITS   ") && text.contains("until 09:44 for a second"), "{text}");
    assert!(!text.contains("invented colleague"), "never outside the demo: {text}");
}

#[test]
fn a_password_is_shown_once_and_nothing_but_leaving_is_possible() {
    let (mut desk, page) = at_plan((80, 24));
    desk.type_text("alder").press("enter");
    let secret = OnceSecret::new(secrecy::SecretString::from("canary-4711"));
    let answer = Ok(Confirmed::Runs { once_secret: Some(secret.clone()) });
    desk.hear(Heard::Confirmed { plan: page.plan.id.clone(), answer: answer.clone() });
    assert!(desk.text().contains("canary-4711"), "{}", desk.text());
    for keys in [":", "?", "f1", "j", "enter", "ctrl-l"] {
        desk.press(keys);
        assert!(desk.text().contains("canary-4711"), "{keys}: {}", desk.text());
    }
    desk.press("esc");
    assert!(!desk.text().contains("canary"), "{}", desk.text());
    assert!(desk.text().contains("overwritten"), "{}", desk.text());
    // By time, by stopping, by ending.
    for how in ["time", "ctrl-z", "end"] {
        let (mut desk, page) = at_plan((80, 24));
        desk.type_text("alder").press("enter");
        desk.hear(Heard::Confirmed { plan: page.plan.id.clone(), answer: answer.clone() });
        match how {
            "time" => {
                desk.wait(60);
            }
            "end" => desk.console.forget(),
            keys => {
                desk.press(keys);
            }
        }
        assert!(!desk.text().contains("canary"), "{how}: {}", desk.text());
    }
}

#[test]
fn a_terminal_that_keeps_what_it_shows_gets_no_password_unless_asked() {
    let mut told = actions();
    told.possible.iter_mut().for_each(|p| p.closed = None);
    let mut desk = Desk::new(morning(250), (80, 24));
    desk.console.has_no_alternate();
    desk.acts(told).shown();
    desk.press("x").type_text("reset").press("enter").type_text("m.sharp12").press("enter");
    desk.type_text("forgot it").press("enter enter enter enter");
    assert_eq!(desk.wishes(), []);
    assert!(desk.text().contains("missing: shown_here"), "{}", desk.text());
    desk.type_text("no").press("enter");
    assert_eq!(desk.wishes(), []);
    desk.press("ctrl-w").type_text("yes").press("enter");
    assert!(matches!(desk.wish(), Wish::Plan { .. }));
}

#[test]
fn plans_that_wait_are_counted_listed_and_approved_by_typing() {
    let mut desk = desk((80, 24));
    let page = lock();
    let mut told = actions();
    told.waiting.push(waiting(&page, operator("tomr", 1002)));
    desk.acts(told.clone());
    assert!(desk.line(1).contains("approve 1"), "{}", desk.line(1));
    assert!(desk.text().contains("tomr asks for a second person"), "{}", desk.text());
    desk.press(":").type_text("approvals").press("enter");
    let text = desk.text();
    assert!(text.contains("28 min  Lock an account   by tomr"), "{text}");
    desk.press("u");
    assert_eq!(desk.wishes(), [], "somebody else's is not taken back");
    desk.press("enter");
    let Wish::Review(plan) = desk.wish() else { panic!() };
    let mut theirs = page.clone();
    theirs.plan.by = operator("tomr", 1002);
    desk.hear(Heard::Reviewed { plan: plan.clone(), answer: Ok(Box::new(theirs)) });
    desk.press("tab").shown().wait(3);
    assert!(desk.text().contains("APPROVE"), "{}", desk.text());
    desk.press("enter");
    assert_eq!(desk.wishes(), []);
    desk.type_text("m.sharp12").press("enter");
    assert_eq!(
        desk.wishes(),
        [Wish::Approve {
            plan: plan.clone(),
            digest: page.plan.digest.clone(),
            typed: Clean::default()
        }]
    );
}

#[test]
fn ones_own_request_needs_another_person_and_can_be_taken_back() {
    let mut desk = desk((80, 24));
    let page = lock();
    let mut told = actions();
    told.waiting.push(waiting(&page, operator("asha", 1001)));
    desk.acts(told);
    assert!(!desk.line(1).contains("approve"), "{}", desk.line(1));
    desk.press(":").type_text("approvals").press("enter");
    assert!(desk.text().contains("yours: another person must approve it"), "{}", desk.text());
    desk.press("enter");
    desk.wish();
    desk.hear(Heard::Reviewed { plan: page.plan.id.clone(), answer: Ok(Box::new(page.clone())) });
    desk.shown().wait(3);
    desk.type_text("m.sharp12").press("enter");
    assert_eq!(desk.wishes(), [], "{}", desk.text());
    desk.press("esc u");
    assert_eq!(desk.wishes(), [], "ctrl-u without Ctrl takes nothing back");
    let said = desk.line_with("u once more takes back your request");
    assert!(said.contains("Lock an account"), "{said}");
    desk.press("j u");
    assert_eq!(desk.wishes(), [], "a key between begins again");
    desk.press("u");
    assert_eq!(desk.wishes(), [Wish::TakeBack(page.plan.id)]);
}

#[test]
fn what_is_not_known_is_counted_told_and_closed_by_a_person() {
    let mut desk = desk((80, 24));
    let page = lock();
    let mut told = actions();
    told.open.push(row(&page, 0, StepState::Unknown, Some(Outcome::Unknown)));
    let key = told.open[0].key.clone();
    desk.acts(told);
    assert!(desk.line(1).contains("look at 1"), "{}", desk.line(1));
    desk.press(":").type_text("look").press("enter");
    assert!(desk.line_with("Lock an account").contains("LOOK"), "{}", desk.text());
    desk.press("enter j t").type_text("maybe");
    assert!(desk.text().contains("yes or no"), "{}", desk.text());
    desk.press("enter");
    assert_eq!(desk.wishes(), []);
    desk.press("ctrl-w").type_text("yes saw it disabled in AD").press("enter");
    let there = Told { step: 1, there: true, how: Clean::new("saw it disabled in AD") };
    assert_eq!(desk.wishes(), [Wish::Tell { key: key.clone(), told: there }]);
    desk.press("e enter");
    assert_eq!(desk.wishes(), [], "not without a reason");
    desk.type_text("account was deleted").press("enter");
    let why = Clean::new("account was deleted");
    assert_eq!(desk.wishes(), [Wish::Close { key, why }]);
}

#[test]
fn what_was_partly_done_is_continued_by_a_plan_of_its_own() {
    let mut desk = desk((80, 24));
    let mut told = actions();
    told.open.push(row(&lock(), 0, StepState::Unknown, Some(Outcome::Unknown)));
    told.open.push(partly_done());
    told.open[1].key = Clean::new("second");
    desk.acts(told);
    desk.press(":").type_text("look").press("enter enter c");
    assert!(desk.text().contains("each step known"), "{}", desk.text());
    desk.press("esc j enter");
    assert!(desk.text().contains("the next sync reopens"), "{}", desk.text());
    desk.press("c");
    assert!(desk.line(1).contains("CONTINUE") && desk.text().contains("nothing is sent yet"));
    desk.type_text("the directory is back").press("enter enter enter");
    let [Wish::Plan { ask, show: false }] = &desk.wishes()[..] else { panic!("{}", desk.text()) };
    assert_eq!(ask.continues, Some(Clean::new("second")));
    assert_eq!(
        (ask.targets.clone(), ask.action.as_str()),
        (vec![partly_done().aim], "welearn365.lock_account")
    );
}

#[test]
fn who_acts_is_seen_on_the_board_in_the_peek_and_on_the_page() {
    let mut desk = desk((80, 24));
    let mut page = planned(&{
        let mut ask = lock().plan.ask;
        ask.action = "groupcall.resync".parse().unwrap();
        ask.targets = vec!["9991000".parse().unwrap()];
        ask
    });
    page.plan.by = operator("tomr", 1002);
    let mut told = actions();
    told.open.push(row(&page, 0, StepState::Took, Some(Outcome::Accepted)));
    desk.acts(told);
    let line = desk.line_with("Alder Primary");
    assert!(line.contains("C3dx") && line.contains("x tomr"), "{line}");
    desk.press("j j");
    let text = desk.text();
    assert!(text.contains("tomr: Ask for fresh pupil data, 09:14, ACCEPTED"), "{text}");
    desk.press("enter");
    assert!(desk.text().contains("acting  tomr: Ask for fresh"), "{}", desk.text());
    desk.acts(actions()).press("esc");
    assert!(!desk.line_with("Alder Primary").contains('x'), "it is over");
}

#[test]
fn an_emergency_is_shown_to_everybody_on_every_screen() {
    let mut desk = desk((80, 24));
    let mut told = actions();
    told.emergency = Some(EmergencyView {
        by: Clean::new("lead"),
        why: Clean::new("accounts are being taken over"),
        until: at("2026-11-24T10:14:00Z"),
    });
    desk.acts(told);
    assert!(desk.line(0).contains("EMERGENCY lead until 10:14"), "{}", desk.line(0));
    assert!(desk.text().contains("accounts are being taken over"), "{}", desk.text());
    desk.press("enter");
    assert!(desk.line(0).contains("EMERGENCY lead until 10:14"), "{}", desk.line(0));
    for _ in 0..70 {
        desk.beat().wait(60);
    }
    assert!(!desk.line(0).contains("EMERGENCY"), "it runs out: {}", desk.line(0));
    // Declaring one takes a word.
    let mut desk = self::desk((80, 24));
    desk.press(":").type_text("emergency taken over").press("enter enter");
    assert_eq!(desk.wishes(), []);
    desk.type_text("emergency").press("enter");
    assert_eq!(desk.wishes(), [Wish::Emergency(Clean::new("taken over"))]);
}

#[test]
fn arming_asks_for_how_long_and_why() {
    let mut desk = desk((80, 24));
    desk.press(":").type_text("arm 15m").press("enter");
    assert_eq!(desk.wishes(), []);
    assert!(desk.text().contains("and why"), "{}", desk.text());
    desk.type_text(" INC7 a lock").press("enter");
    let Wish::Arm(arm) = desk.wish() else { panic!() };
    assert_eq!((arm.span.unwrap().as_secs(), arm.why.as_str()), (900, "INC7 a lock"));
    let mut told = actions();
    told.me.armed_until = Some(at("2026-11-24T09:29:00Z"));
    desk.acts(told);
    assert!(desk.line(0).contains("ARMED 09:29"), "{}", desk.line(0));
}
