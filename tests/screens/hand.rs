//! Taking things in hand: what each key asks of the agent, and for which cells.

use caretaker::tui::console::Effect;
use caretaker::tui::term::Input;
use caretaker::tui::wish::{Heard, Wish};
use caretaker::wire::board::Row;
use caretaker::wire::desk::{CellName, DeskKind, Handle, Handled, LeftOut, StruckOut};
use caretaker::wire::{Clean, Handling, HandlingKind, Health};

use crate::fixture::{DAY, Desk, at, bad, key, morning};
use crate::snapshots::everywhere;

fn wished(desk: &mut Desk) -> Vec<Handle> {
    let effects = desk.effects().into_iter();
    let wishes = effects.map(|e| match e {
        Effect::Handle(handle) => handle,
        other => panic!("{other:?}"),
    });
    wishes.collect()
}

fn one(desk: &mut Desk) -> Handle {
    let mut all = wished(desk);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// The cell of the `n`-th school of the board.
fn name(desk: &Desk, n: usize, service: &str) -> CellName {
    CellName { row: Row::School(desk.board.schools[n].laestab), service: key(service) }
}

fn handled(kind: DeskKind, done: u32) -> Handled {
    Handled {
        times: 1,
        last: None,
        id: 1,
        by: Clean::new("asha"),
        kind,
        done,
        from: None,
        until: Some(at("2026-11-24T17:00:00Z")),
        taken_over: 0,
        left_out: 0,
        left_out_cells: Vec::new(),
    }
}

#[test]
fn a_key_takes_the_cell_that_was_seen_under_the_cursor() {
    let mut desk = Desk::new(morning(250), (80, 24));
    let first = desk.name_at_cursor();
    assert_eq!(first, desk.board.schools[12].name.to_string());
    // Something worse comes in as the key is pressed: the cursor stays on its school.
    desk.change(30, 2, bad(Health::Critical, 30 * DAY)).press("c");
    let claim = one(&mut desk);
    assert_eq!((claim.kind, claim.until, claim.from), (DeskKind::Claim, None, None));
    assert_eq!(claim.cells, [name(&desk, 12, "smoothwall")], "its worst cell");
    desk.press("h h a");
    let other = one(&mut desk);
    assert_eq!(other.kind, DeskKind::Acknowledge);
    assert_eq!(other.cells, [name(&desk, 12, "redstor")], "the chosen cell");
    // On the page it is the service at its cursor.
    desk.press("enter j a");
    assert_eq!(one(&mut desk).cells, [name(&desk, 12, "future_digital")]);
}

#[test]
fn a_key_is_about_the_cell_that_was_drawn_not_the_one_that_is_worst_now() {
    for keys in ["c", "a", ": c l a i m enter"] {
        let mut desk = Desk::new(morning(250), (80, 24));
        desk.shown();
        // Another service of the same school gets worse between the frame and the key.
        desk.change(12, 2, bad(Health::Critical, 30 * DAY)).press(keys);
        assert_eq!(one(&mut desk).cells, [name(&desk, 12, "smoothwall")], "{keys}");
    }
    let mut desk = Desk::new(morning(250), (80, 24));
    desk.shown();
    desk.change(12, 2, bad(Health::Critical, 30 * DAY)).press("d");
    assert!(desk.text().contains("Smoothwall"), "{}", desk.text());
    // Of marked schools likewise.
    let mut desk = Desk::new(morning(250), (80, 24));
    desk.press("space").shown();
    desk.change(12, 2, bad(Health::Critical, 30 * DAY)).press("c");
    assert_eq!(one(&mut desk).cells, [name(&desk, 12, "smoothwall")]);
}

#[test]
fn what_is_no_longer_as_it_was_drawn_is_not_taken() {
    let mut desk = Desk::new(morning(250), (80, 24));
    desk.press("g").shown();
    let smoothwall = desk.board.columns.iter().position(|c| c.key == key("smoothwall")).unwrap();
    let mut theirs = desk.board.schools[12].cells[smoothwall].clone();
    theirs.handling = Some(Box::new(Handling {
        kind: HandlingKind::Claimed,
        by: Clean::new("tomr"),
        until: None,
    }));
    desk.change(12, smoothwall, theirs).press("c");
    assert_eq!(wished(&mut desk), []);
    assert!(desk.line_with("changed just now").contains("nothing was done"), "{}", desk.text());
    // Seen as it is now, it can be taken over.
    desk.shown().press("c");
    assert_eq!(one(&mut desk).cells, [name(&desk, 12, "smoothwall")]);
}

#[test]
fn a_school_that_leaves_the_list_leaves_no_other_to_the_key() {
    let mut desk = Desk::new(morning(250), (80, 24));
    desk.press("/").type_text("has:nobody").press("enter j").shown();
    let before = desk.text();
    let school = desk.name_at_cursor();
    let n = desk.board.schools.iter().position(|s| s.name.as_str() == school).unwrap();
    let column = desk.board.schools[n].cells.iter().position(|c| c.health.is_trouble()).unwrap();
    // A colleague takes it, and minutes pass while keys are pressed.
    let mut theirs = desk.board.schools[n].cells[column].clone();
    theirs.handling = Some(Box::new(Handling {
        kind: HandlingKind::Claimed,
        by: Clean::new("tomr"),
        until: None,
    }));
    desk.change(n, column, theirs);
    for _ in 0..8 {
        desk.wait(9).beat().press("h l esc");
        assert_eq!(desk.name_at_cursor(), school, "no row moves while keys come\n{before}");
    }
    // Drawn, then left alone long enough that the list is made again, and the key comes before the
    // next frame.
    desk.shown().wait(11).beat();
    assert!(!desk.text().contains(&format!(">  {school}")), "{}", desk.text());
    desk.press("c");
    assert_eq!(wished(&mut desk), []);
    let said = desk.line_with("nothing was done");
    assert!(said.contains(&school), "{said}");
}

#[test]
fn what_is_hidden_is_not_acted_on() {
    let mut desk = Desk::new(morning(250), (120, 40));
    desk.press("space j space j space");
    let marked: Vec<String> = desk
        .line_with("3 marked")
        .split(": ")
        .nth(1)
        .unwrap()
        .split(", ")
        .map(str::to_owned)
        .collect();
    desk.press("/").type_text("gc:c").press("enter");
    assert!(desk.line_with("3 marked").contains("2 not shown here"), "{}", desk.text());
    desk.press("a");
    let ack = one(&mut desk);
    assert_eq!(ack.cells, [name(&desk, 0, "groupcall")], "of {marked:?} the one that is shown");
    assert!(desk.text().contains("2 marked schools are not shown and left out"), "{}", desk.text());
    desk.press("esc esc /").type_text("no such school").press("enter a");
    assert_eq!(wished(&mut desk), []);
    assert!(desk.text().contains("hidden by the filter; nothing is done"), "{}", desk.text());
}

#[test]
fn several_marked_schools_carry_the_filter_that_chose_them() {
    let mut desk = Desk::new(morning(250), (120, 40));
    desk.press("/").type_text("has:nobody").press("enter V d").type_text("2h CHG0012 moves");
    desk.press("enter");
    let downtime = one(&mut desk);
    assert_eq!((downtime.kind, downtime.cells.len()), (DeskKind::Downtime, 6));
    assert_eq!((downtime.filter.as_str(), downtime.why.as_str()), ("has:nobody", "CHG0012 moves"));
    assert_eq!(downtime.until, Some(at("2026-11-24T11:14:00Z")));
    assert!(downtime.cells.contains(&name(&desk, 12, "smoothwall")), "each its worst cell");
}

#[test]
fn a_downtime_asks_until_when_and_why_and_says_it_back() {
    let mut desk = Desk::new(morning(250), (80, 24));
    desk.press("d");
    assert!(
        desk.text().contains("every sun ..), then why   Maple Primary, Smoothwall"),
        "{}",
        desk.text()
    );
    desk.press("enter").type_text("17:00").press("enter");
    assert!(desk.text().contains("and why"), "{}", desk.text());
    assert_eq!(wished(&mut desk), [], "nothing is sent before it is whole");
    desk.console.input(Input::Paste(" server\nmoves".to_owned()), desk.mono);
    assert_eq!(wished(&mut desk), [], "a pasted end of line sends nothing");
    assert!(desk.text().contains("until 17:00; Enter sets it"), "{}", desk.text());
    desk.press("enter");
    let downtime = one(&mut desk);
    assert_eq!(downtime.until, Some(at("2026-11-24T17:00:00Z")));
    assert_eq!(downtime.why.as_str(), "server moves");
    desk.press("d").type_text("soon").press("esc");
    assert_eq!(wished(&mut desk), [], "Esc leaves");
}

#[test]
fn a_downtime_that_comes_again_says_its_next_and_its_last_before_it_is_set() {
    let mut desk = Desk::new(morning(250), (120, 40));
    desk.press("d").type_text("every sun 02:00..04:00 till 2026-12-07 CHG0012");
    let text = desk.text();
    assert!(text.contains("2 times, first Sun 02:00 to Sun 04:00, last until"), "{text}");
    desk.press("enter");
    let downtime = one(&mut desk);
    assert_eq!(downtime.every.as_str(), "every sun 02:00..04:00 till 2026-12-07");
    assert_eq!((downtime.from, downtime.until, downtime.why.as_str()), (None, None, "CHG0012"));
    desk.press("d").type_text("every sun");
    assert!(desk.text().contains("write them as 02:00..04:00"), "{}", desk.text());
    desk.press("enter esc d").type_text("closures CHG0013");
    assert!(desk.text().contains("in the closures of each school's calendar"), "{}", desk.text());
    desk.press("enter");
    assert_eq!(one(&mut desk).every.as_str(), "closures till 2027-02-22");
    let told = Handled {
        from: Some(at("2026-11-29T02:00:00Z")),
        until: Some(at("2026-11-29T04:00:00Z")),
        times: 2,
        last: Some(at("2026-12-06T04:00:00Z")),
        ..handled(DeskKind::Downtime, 1)
    };
    desk.console.handled(Ok((downtime.cells, told)));
    let text = desk.text();
    assert!(text.contains("from Sun 02:00 until Sun 04:00, 2 times, the last until"), "{text}");
}

#[test]
fn what_is_taken_can_have_an_end_and_a_reason() {
    for (keys, kind) in [("A", DeskKind::Acknowledge), ("C", DeskKind::Claim)] {
        for (typed, until, why) in [
            ("", None, ""),
            ("17:00", Some(at("2026-11-24T17:00:00Z")), ""),
            ("2h rang them", Some(at("2026-11-24T11:14:00Z")), "rang them"),
            ("rang them", None, "rang them"),
        ] {
            let mut desk = Desk::new(morning(250), (120, 40));
            desk.press(keys).type_text(typed);
            assert_eq!(wished(&mut desk), [], "nothing before Enter");
            let end = if until.is_none() { "until the end of the shift" } else { "until 1" };
            assert!(desk.text().contains(end), "{}", desk.text());
            desk.press("enter");
            let told = one(&mut desk);
            assert_eq!((told.kind, told.until, told.why.as_str()), (kind, until, why), "{typed}");
            assert_eq!(told.cells, [name(&desk, 12, "smoothwall")]);
        }
    }
    let mut desk = Desk::new(morning(250), (120, 40));
    desk.press("C").type_text("22:00..02:00 later").press("enter");
    assert_eq!(wished(&mut desk), []);
    assert!(desk.text().contains("only a downtime can begin later"), "{}", desk.text());
    desk.press("esc");
    assert_eq!(wished(&mut desk), []);
}

#[test]
fn what_is_acknowledged_as_it_is_ends_with_a_change() {
    let mut desk = Desk::new(morning(250), (120, 40));
    desk.press(":").type_text("ack as is").press("enter");
    assert_eq!(wished(&mut desk), [], "it asks first");
    let text = desk.text();
    assert!(text.contains("acknowledge as it is >"), "{text}");
    assert!(text.contains("until the end of the shift or a change"), "{text}");
    desk.type_text("17:00 rang them");
    assert!(desk.text().contains("until 17:00 or a change: rang them; Enter sets it"));
    desk.press("enter");
    let told = one(&mut desk);
    assert_eq!(told.kind, DeskKind::AcknowledgeAsIs);
    assert_eq!((told.until, told.why.as_str()), (Some(at("2026-11-24T17:00:00Z")), "rang them"));
}

#[test]
fn announced_work_is_filled_in() {
    let mut desk = Desk::new(morning(250), (120, 40));
    desk.press("k k k d");
    let text = desk.text();
    assert!(text.contains("2026-11-28T22:00..2026-11-29T02:00 New servers for the J2E"), "{text}");
    assert!(
        text.contains("from Sat 22:00 until Sun 02:00; Enter sets it   whole estate, Just2Easy"),
        "{text}"
    );
    desk.press("enter");
    let downtime = one(&mut desk);
    assert_eq!(downtime.cells, [CellName { row: Row::Estate, service: key("just2easy") }]);
    assert_eq!(downtime.from, Some(at("2026-11-28T22:00:00Z")));
    assert_eq!(downtime.until, Some(at("2026-11-29T02:00:00Z")));
}

#[test]
fn the_prompts_at_every_size() {
    everywhere("downtime", |size| {
        let mut desk = Desk::new(morning(250), size);
        desk.press("d").type_text("17:00 server moves");
        desk
    });
    everywhere("note", |size| {
        let mut desk = Desk::new(morning(250), size);
        desk.press("m").type_text("the office rings back at ten");
        desk
    });
}

#[test]
fn a_note_is_a_line_and_an_empty_one_is_none() {
    let mut desk = Desk::new(morning(250), (80, 24));
    desk.press("m enter").type_text("rang the office").press("enter");
    let note = one(&mut desk);
    assert_eq!((note.kind, note.why.as_str()), (DeskKind::Note, "rang the office"));
    assert_eq!(note.until, None);
}

#[test]
fn a_note_that_should_not_have_been_written_is_struck_out_by_u() {
    let mut desk = Desk::new(morning(250), (120, 40));
    desk.press("m").type_text("mind somebody by name").press("enter");
    let cells = one(&mut desk).cells;
    let noted = Handled { id: 812, until: None, ..handled(DeskKind::Note, 1) };
    desk.console.handled(Ok((cells, noted)));
    assert!(desk.line_with("note: Maple Primary").contains("u twice strikes it out"));
    desk.press("j j u");
    assert_eq!(desk.effects(), []);
    assert!(desk.line_with("u once more strikes out your note").contains("Maple Primary"));
    desk.press("u");
    assert_eq!(desk.effects(), [Effect::Guard(Wish::Strike(812))]);
    desk.console.heard(Heard::Struck(Err("the disk is full".to_owned())), desk.mono);
    assert!(desk.text().contains("it was NOT struck out: the disk is full"), "{}", desk.text());
    let struck = StruckOut { id: 812, by: Clean::new("asha"), at: at("2026-11-24T09:15:00Z") };
    desk.console.heard(Heard::Struck(Ok(struck)), desk.mono);
    assert!(desk.text().contains("struck out: its text is gone"), "{}", desk.text());
}

#[test]
fn what_was_done_is_told_and_u_gives_it_back() {
    let mut desk = Desk::new(morning(250), (120, 40));
    desk.press("c");
    let cells = one(&mut desk).cells;
    desk.console.handled(Ok((cells.clone(), handled(DeskKind::Claim, 1))));
    let told = "claimed until 17:00: Maple Primary, Smoothwall; u twice gives back";
    assert!(desk.text().contains(told), "{}", desk.text());
    // Where it would be undone is said first: it may be elsewhere than the cursor.
    desk.press("j j u");
    assert_eq!(wished(&mut desk), []);
    let said = "u once more gives back Maple Primary, Smoothwall";
    assert!(desk.text().contains(said), "{}", desk.text());
    desk.press("k u");
    assert_eq!(wished(&mut desk), [], "a key between begins again");
    desk.press("j u u");
    let back = one(&mut desk);
    assert_eq!(
        (back.kind, back.cells),
        (DeskKind::GiveBack, cells),
        "not what is under the cursor"
    );
    desk.press("u u");
    assert_eq!(one(&mut desk).cells, [name(&desk, 0, "groupcall")], "now it is");
    let back = Handled { until: None, ..handled(DeskKind::GiveBack, 1) };
    desk.console.handled(Ok((vec![name(&desk, 0, "groupcall")], back)));
    assert!(desk.text().contains("given back: Alder Primary, Groupcall"), "{}", desk.text());

    let left = LeftOut { cell: name(&desk, 0, "redstor"), why: Clean::new("it is not in trouble") };
    let none =
        Handled { left_out: 1, left_out_cells: vec![left.clone()], ..handled(DeskKind::Claim, 0) };
    desk.console.handled(Ok((Vec::new(), none)));
    assert!(
        desk.text().contains("nothing was done: Alder Primary: it is not in trouble"),
        "{}",
        desk.text()
    );
    let some = Handled {
        left_out: 4,
        left_out_cells: vec![left],
        taken_over: 1,
        ..handled(DeskKind::Acknowledge, 2)
    };
    desk.console.handled(Ok((Vec::new(), some)));
    let told = "acknowledged until 17:00: 2 cells; 1 somebody else had before; 4 left out (Alder";
    assert!(desk.text().contains(told), "{}", desk.text());
    desk.console.handled(Err("no agent answers".to_owned()));
    assert!(desk.text().contains("nothing was done: no agent answers"), "{}", desk.text());
}

#[test]
fn without_the_agent_nothing_is_taken() {
    let mut desk = Desk::new(morning(250), (80, 24));
    desk.lose().wait(30);
    desk.press("c d m u");
    assert_eq!(wished(&mut desk), []);
    assert!(desk.text().contains("the agent cannot be reached"), "{}", desk.text());
}
