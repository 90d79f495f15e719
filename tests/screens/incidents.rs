//! Incidents: the list, one of them, and what is done about it.

use caretaker::link::LinkEvent;
use caretaker::tui::console::Effect;
use caretaker::tui::theme::Depth;
use caretaker::tui::wish::{Heard, Wish};
use caretaker::wire::board::Board;
use caretaker::wire::desk::{DeskKind, Handled};
use caretaker::wire::incident::{
    IncidentDo, IncidentDone, IncidentMember, IncidentPage, Incidents, TimeLine, TimeLineKind,
};
use caretaker::wire::page::Page;
use caretaker::wire::{Clean, Health};

use crate::fixture::{
    Desk, NOW, at, bad, incident_cell as cell, incident_line as line, incidents as all, morning,
};
use crate::guarded::{desk, with};
use crate::snapshots::{coloured, everywhere};

fn time_line() -> Vec<TimeLine> {
    let told = |when: &str, kind, who: Option<&str>, what: &str| TimeLine {
        at: at(when),
        kind,
        who: who.map(Clean::new),
        what: Clean::new(what),
        about: vec![cell(1000, "groupcall")],
        cells: 1,
        number: None,
    };
    use TimeLineKind::{Action, Desk, Incident, State, Ticket, Vendor};
    vec![
        told("2026-11-22T05:02:00Z", Incident, None, "began: no data since Sat 03:02; limit 26 h"),
        told(
            "2026-11-22T05:02:00Z",
            State,
            None,
            "Groupcall, Alder Primary: ok -> warning: no data since Sat 03:02",
        ),
        told(
            "2026-11-22T09:00:00Z",
            Vendor,
            None,
            "the vendor of Groupcall tells of incident GC4411",
        ),
        told(
            "2026-11-23T05:03:00Z",
            State,
            None,
            "Groupcall, Alder Primary: warning -> critical: no data since Sat 03:02; limit 50 h",
        ),
        told(
            "2026-11-23T14:20:00Z",
            Desk,
            Some("tomr"),
            "school says that the SIMS server was moved on Friday",
        ),
        told(
            "2026-11-23T14:30:00Z",
            Ticket,
            Some("tomr"),
            "Raise a ticket, 9991000/groupcall: DONE, reference INC0041233",
        ),
        told(
            "2026-11-24T08:55:00Z",
            Action,
            Some("asha"),
            "Ask for fresh pupil data, 9991000: ACCEPTED, not seen yet",
        ),
    ]
}

fn page() -> IncidentPage {
    let member = |service: &str, label: &str, is_root, health| IncidentMember {
        cell: cell(1000, service),
        place: Clean::new("Alder Primary"),
        service: Clean::new(label),
        is_root,
        from: at("2026-11-22T05:02:00Z"),
        until: None,
        health,
        reason: None,
        spells: 1,
        handling: None,
        moved: None,
    };
    let mut gone = member("purple_mash", "Purple Mash", false, Health::Warning);
    (gone.until, gone.spells) = (Some(at("2026-11-24T08:00:00Z")), 2);
    IncidentPage {
        version: 1,
        as_of: at(NOW),
        incident: all().incidents.remove(0),
        members: vec![
            member("groupcall", "Groupcall", true, Health::Critical),
            member("welearn365", "WeLearn365", false, Health::Warning),
            gone,
        ],
        members_left_out: 0,
        time_line: time_line(),
        not_known: vec![Clean::new(
            "the agent was started anew meanwhile: what changed while it was not running was seen only afterwards",
        )],
    }
}

#[test]
fn a_tall_board_shows_them_and_reads_them_as_it_changes() {
    let mut desk = Desk::empty((200, 50), "dark", Depth::Full);
    let board = morning(250);
    desk.board = board.clone();
    desk.console.wire(LinkEvent::Board(Box::new(board)), desk.mono);
    assert!(desk.line_with("INCIDENTS").contains("reading ..."));
    let reads = |desk: &mut Desk| {
        let effects = desk.console.take_effects();
        effects.contains(&Effect::Guard(Wish::Places))
    };
    desk.wait(1);
    assert!(reads(&mut desk), "at once");
    desk.wait(1);
    assert!(!reads(&mut desk), "once");
    desk.hear(Heard::Places(Ok(Box::new(all()))));
    assert!(desk.line_with("Groupcall at Alder Primary").contains("nobody"));
    assert!(!desk.text().contains("Redstor Backup at 12 schools"), "what ended is not shown");
    desk.wait(60);
    assert!(!reads(&mut desk), "nothing changed");
    desk.change(3, 1, bad(Health::Critical, 9)).wait(1);
    assert!(reads(&mut desk), "something changed");
    desk.change(4, 1, bad(Health::Critical, 9)).wait(1);
    assert!(!reads(&mut desk), "not more often than every few seconds");
    desk.wait(5);
    assert!(reads(&mut desk));
    // What cannot be read is said where it is looked for, above what was read before.
    desk.hear(Heard::Places(Err("refused".to_owned())));
    assert!(desk.text().contains("it cannot be read: refused"), "{}", desk.text());
    desk.lose();
    assert!(desk.line_with("INCIDENTS").contains("as of"), "{}", desk.text());
    // On a lower terminal nobody asks for them.
    let mut low = Desk::new(morning(250), (200, 39));
    low.wait(1);
    assert!(!reads(&mut low));
    assert!(!low.text().contains("INCIDENTS"));
}

#[test]
fn a_key_about_what_has_not_come_yet_says_that_it_did_nothing() {
    for key in ["enter", "c", "u", "m"] {
        let mut desk = desk((80, 24));
        desk.press("i");
        desk.wishes();
        desk.press(key);
        assert_eq!(desk.wishes(), [], "{key:?}");
        assert!(desk.text().contains("not read yet: nothing was done"), "{key:?}: {}", desk.text());
        let mut desk = listed(self::desk((80, 24)));
        desk.press("enter");
        desk.wishes();
        desk.press(key);
        assert_eq!(desk.wishes(), [], "{key:?}");
        assert!(desk.text().contains("not read yet: nothing was done"), "{key:?}: {}", desk.text());
    }
}

/// At the list.
fn listed(mut desk: Desk) -> Desk {
    desk.press("i");
    assert_eq!(desk.wishes(), [Wish::Incidents]);
    desk.hear(Heard::Incidents(Ok(Box::new(all()))));
    desk
}

/// At the first of them.
pub fn opened(desk: Desk) -> Desk {
    let mut desk = listed(desk);
    desk.press("enter");
    assert_eq!(desk.wishes(), [Wish::Incident(12)]);
    desk.hear(Heard::Incident { id: 12, answer: Ok(Box::new(page())) });
    desk
}

#[test]
fn the_list_at_every_size() {
    everywhere("incidents", |size| listed(desk(size)));
    coloured("incidents", &[1, 3, 4, 5, 6, 18], |theme, depth| {
        listed(with((80, 24), theme, depth))
    });
}

#[test]
fn one_incident_at_every_size() {
    everywhere("incident", |size| opened(desk(size)));
    everywhere("incident_resolve", |size| {
        let mut desk = opened(desk(size));
        desk.press(":").type_text("resolve").press("enter").type_text("anyway the vendor knows");
        desk
    });
}

#[test]
fn an_order_is_about_the_incident_at_the_cursor_and_is_read_again() {
    let mut desk = listed(desk((120, 40)));
    desk.press("j c");
    let Wish::OrderIncident { id, order } = desk.wish() else { panic!("no order") };
    assert_eq!((id, order.kind), (14, IncidentDo::Claim));
    let handled = Handled {
        times: 1,
        last: None,
        id: 7,
        by: "asha".into(),
        kind: DeskKind::Claim,
        done: 1,
        from: None,
        until: Some(at("2026-11-24T17:00:00Z")),
        taken_over: 1,
        left_out: 0,
        left_out_cells: Vec::new(),
    };
    let done =
        IncidentDone { id: 14, by: "asha".into(), kind: IncidentDo::Claim, handled: Some(handled) };
    desk.hear(Heard::Ordered { id: 14, answer: Ok(Box::new(done)) });
    let text = desk.text();
    assert!(
        text.contains("incident 14 claimed: 1 cell until 17:00; 1 somebody else had before"),
        "{text}"
    );
    assert_eq!(desk.wishes(), [Wish::Incidents], "what is shown is read again");
    desk.press("m").type_text("rang them").press("enter");
    let Wish::OrderIncident { id, order } = desk.wish() else { panic!("no order") };
    assert_eq!((id, order.kind, order.why.as_str()), (14, IncidentDo::Note, "rang them"));
    desk.hear(Heard::Ordered { id: 14, answer: Err("the agent is stopping".to_owned()) });
    assert!(desk.text().contains("nothing was done: the agent is stopping"));
}

#[test]
fn an_incident_that_comes_first_or_goes_is_not_the_one_at_the_cursor() {
    let mut desk = listed(desk((80, 24)));
    let mut told = all();
    told.incidents.insert(0, line(20, "Redstor", Health::Critical, "2026-11-24T08:00:00Z", (9, 9)));
    desk.hear(Heard::Incidents(Ok(Box::new(told.clone()))));
    desk.press("c");
    let Wish::OrderIncident { id, .. } = desk.wish() else { panic!("no order") };
    assert_eq!(id, 12, "the one that was first when it was drawn");
    told.incidents.retain(|line| line.id != 12);
    desk.hear(Heard::Incidents(Ok(Box::new(told))));
    desk.press("c");
    assert_eq!(desk.wishes(), []);
    assert!(desk.text().contains("nothing was done"), "{}", desk.text());
}

#[test]
fn giving_an_incident_back_says_first_which() {
    for mut desk in [listed(desk((80, 24))), opened(desk((80, 24)))] {
        desk.press("u");
        assert_eq!(desk.wishes(), []);
        let said = "u once more gives back incident 12, Groupcall at Alder Primary";
        assert!(desk.text().contains(said), "{}", desk.text());
        desk.press("u");
        let Wish::OrderIncident { id, order } = desk.wish() else { panic!("no order") };
        assert_eq!((id, order.kind), (12, IncidentDo::GiveBack));
    }
}

#[test]
fn what_is_typed_is_whole_or_nothing_is_asked() {
    let mut desk = opened(desk((120, 40)));
    let mut ask = |command: &str, typed: &str| {
        desk.press(":").type_text(command).press("enter").type_text(typed).press("enter");
        let asked = desk.wishes().pop();
        desk.press("esc");
        match asked {
            Some(Wish::OrderIncident { order, .. }) => Some(*order),
            _ => None,
        }
    };
    assert_eq!(ask("resolve", "it is well"), None, "three cells are in trouble");
    assert!(ask("resolve", "anyway").is_none(), "and why");
    assert!(ask("merge", "12 itself").is_none());
    assert!(ask("split", "groupcall x").is_none());
}

#[test]
fn resolve_merge_and_split_ask_for_what_they_need() {
    for (command, typed) in [
        ("resolve", "anyway the vendor knows"),
        ("merge", "14 one cause"),
        ("split", "9991000/groupcall,estate/redstor another matter"),
    ] {
        let mut desk = opened(desk((120, 40)));
        desk.press(":").type_text(command).press("enter").type_text(typed).press("enter");
        let Wish::OrderIncident { id, order } = desk.wish() else { panic!("{command}") };
        assert_eq!(id, 12);
        match order.kind {
            IncidentDo::Resolve => {
                assert!(order.anyway && order.why.as_str() == "the vendor knows")
            }
            IncidentDo::Merge => {
                assert_eq!((order.into, order.why.as_str()), (Some(14), "one cause"))
            }
            IncidentDo::Split => {
                assert_eq!(order.cells, [cell(1000, "groupcall"), cell(0, "redstor")]);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_empty_list_says_why_and_nothing_is_claimed_without_a_line() {
    let mut desk = desk((80, 24));
    desk.press("i");
    assert!(desk.text().contains("reading ..."), "{}", desk.text());
    desk.wishes();
    let none = Incidents { incidents: Vec::new(), ..all() };
    desk.hear(Heard::Incidents(Ok(Box::new(none.clone()))));
    assert!(
        desk.text().contains("nothing that is watched is in certain trouble"),
        "{}",
        desk.text()
    );
    desk.hear(Heard::Incidents(Ok(Box::new(Incidents { settled: false, ..none }))));
    assert!(desk.text().contains("not every check has been tried yet"), "{}", desk.text());
    desk.hear(Heard::Incidents(Err("the disk is gone".to_owned())));
    assert!(desk.text().contains("it cannot be read: the disk is gone"), "{}", desk.text());
    desk.press("c enter");
    assert_eq!(desk.wishes(), [], "there is nothing under the cursor");
    desk.hear(Heard::Incidents(Ok(Box::new(Incidents { incidents: Vec::new(), ..all() }))));
    desk.lose().wait(60);
    let text = desk.text();
    assert!(text.contains("what happened since is not known"), "{text}");
    assert!(!text.contains("none is open"), "{text}");
}

#[test]
fn while_they_are_shown_they_are_read_again_when_the_board_changes() {
    let mut desk = listed(desk((80, 24)));
    desk.wait(6).beat();
    assert_eq!(desk.wishes(), [], "nothing changed");
    desk.change(3, 1, crate::fixture::bad(Health::Critical, 60)).wait(1);
    assert_eq!(desk.wishes(), [Wish::Incidents]);
    desk.change(4, 1, crate::fixture::bad(Health::Critical, 60)).wait(1);
    assert_eq!(desk.wishes(), [], "not with every change");
    desk.wait(5).beat();
    assert_eq!(desk.wishes(), [Wish::Incidents]);
    desk.press("q").change(5, 1, crate::fixture::bad(Health::Critical, 60)).wait(9).beat();
    assert_eq!(desk.wishes(), [], "nobody looks");
}

fn in_two(board: &Board, row: Option<usize>) -> Page {
    Page { incidents: vec![12, 14], ..crate::fixture::page(board, row) }
}

#[test]
fn a_page_names_the_incidents_that_it_is_part_of() {
    let mut desk = desk((80, 24));
    desk.press("enter");
    assert!(!desk.text().contains("part of incident"), "{}", desk.text());
    desk.press("esc");
    desk.page_of = in_two;
    desk.press("j enter");
    assert!(desk.text().contains("part of incident 12, 14; i lists them"), "{}", desk.text());
    desk.press("i");
    assert!(desk.line(0).contains("> incidents"), "{}", desk.line(0));
}

#[test]
fn enter_opens_the_page_of_the_root() {
    let mut desk = opened(desk((120, 40)));
    desk.press("enter");
    assert!(desk.line(0).contains("Alder Primary"), "{}", desk.line(0));
    desk.press("esc");
    assert!(desk.line(0).contains("incident 12"), "{}", desk.line(0));
}
