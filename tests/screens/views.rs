//! Views, groups, calls, the window's title, a slow line.

use caretaker::cli::{Lines, Shown, pick_filtered};
use caretaker::config::{CallBy, CallSettings, ConsoleSettings, GroupBy, ViewSettings};
use caretaker::tui::console::Effect;
use caretaker::tui::wish::{Heard, Wish};
use caretaker::wire::board::{Board, CellChange, Row};
use caretaker::wire::incident::{IncidentPlaces, Incidents};
use caretaker::wire::{Clean, HandlingKind, Health};

use crate::fixture::incidents as all;
use crate::fixture::{Desk, HOUR, at, bad, calm, follows, held, morning, ok};
use crate::snapshots::everywhere;

fn view(name: &str, filter: &str, group: GroupBy) -> ViewSettings {
    ViewSettings { name: name.into(), filter: filter.into(), group }
}

fn set_up(desk: &mut Desk, views: Vec<ViewSettings>, call: CallSettings) {
    let settings = ConsoleSettings { views, call, ..ConsoleSettings::default() };
    desk.console.is_set_up(&settings);
}

/// A morning with schools in three trusts.
fn in_trusts(size: (u16, u16)) -> Desk {
    let mut board = morning(60);
    for (n, school) in board.schools.iter_mut().enumerate() {
        let trust = ["Avon Vale Trust", "Heart of the Shires Multi-Academy Trust", ""][n % 3];
        school.trust = Clean::new(trust);
    }
    let mut desk = Desk::new(board, size);
    set_up(
        &mut desk,
        vec![view("backups", "rs:bad", GroupBy::Nothing), view("trusts", "", GroupBy::Trust)],
        CallSettings::default(),
    );
    desk
}

#[test]
fn groups_at_every_size() {
    everywhere("groups", |size| {
        let mut desk = in_trusts(size);
        desk.press("2 g enter");
        desk
    });
    everywhere("views", |size| {
        let mut desk = in_trusts(size);
        desk.press("v");
        desk
    });
}

#[test]
fn a_key_opens_the_view_of_its_place_and_line_1_names_it() {
    let mut desk = in_trusts((120, 40));
    desk.press("1");
    assert!(desk.line(0).contains("board: backups"), "{}", desk.line(0));
    assert!(desk.line(1).contains("shown 2 of 60"), "{}", desk.line(1));
    desk.press("2");
    assert!(desk.line(0).contains("board: trusts"), "{}", desk.line(0));
    assert!(!desk.line(1).contains("shown"), "{}", desk.line(1));
    desk.press("3");
    assert!(desk.text().contains("there is no view 3"), "{}", desk.text());
    // What a view set is taken away like anything that was typed.
    desk.press("esc");
    assert!(desk.line(0).contains(" board ") && desk.text().contains("groups taken away"));
    // Another filter is no longer that view.
    desk.press("1 /").type_text(" has:nobody").press("enter");
    assert!(desk.line(0).contains(" board "), "{}", desk.line(0));
}

#[test]
fn a_view_is_kept_and_replaced_by_its_name() {
    let mut desk = in_trusts((120, 40));
    desk.press("/").type_text("gc:bad").press("enter");
    desk.press(":").type_text("keep groupcall").press("enter");
    assert!(desk.text().contains("kept as view 3: groupcall"), "{}", desk.text());
    desk.press("esc 3");
    assert!(desk.line(0).contains("board: groupcall"), "{}", desk.line(0));
    desk.press(":").type_text("keep backups").press("enter");
    desk.press("esc 1");
    assert!(desk.line(1).contains("shown 3 of 60"), "{}", desk.line(1));
    desk.press(":").type_text("keep Not A Name").press("enter");
    assert!(desk.text().contains("lower-case letters"), "{}", desk.text());
}

#[test]
fn every_school_is_in_one_group_and_the_worst_group_comes_first() {
    for by in ["service", "town", "trust", "phase"] {
        let mut desk = in_trusts((200, 50));
        desk.press(":").type_text(&format!("group {by}")).press("enter g");
        let heads = |desk: &Desk| -> Vec<String> {
            let text = desk.text();
            let lines =
                text.lines().filter(|l| l.get(3..5).is_some_and(|s| s == "+ " || s == "- "));
            lines.map(str::to_owned).collect()
        };
        let found = heads(&desk);
        assert!(found.len() >= 2, "{by}: {found:?}");
        // All counts together are all schools.
        let counted: u32 = found
            .iter()
            .map(|line| {
                let (_, counts) = line.split_once(": ").unwrap();
                let counts = counts.chars().take(60).collect::<String>();
                counts.split_whitespace().filter_map(|w| w.parse::<u32>().ok()).sum::<u32>()
            })
            .sum();
        assert_eq!(counted, 60, "{by}: {found:?}");
        assert!(found[0].contains("C "), "{by}: the worst first: {found:?}");
        // Opened, it shows its schools, worst first; closed again, it does not.
        desk.press("enter");
        assert!(heads(&desk)[0].starts_with(">  - "), "{:?}", heads(&desk));
        assert!(desk.press("j").name_at_cursor().len() > 3);
        desk.press("k enter");
        assert_eq!(heads(&desk), found, "{by}");
    }
}

/// By incident, once the agent told which schools are part of which.
fn by_incident(size: (u16, u16)) -> Desk {
    let mut desk = in_trusts(size);
    desk.press(":").type_text("group incident").press("enter g");
    assert_eq!(desk.console.take_effects().last(), Some(&Effect::Guard(Wish::Places)));
    desk.hear(Heard::Places(Ok(Box::new(places()))));
    desk
}

/// Alder and Maple are part of incident 12, Alder of 14 as well.
fn places() -> Incidents {
    let mut told = all();
    let of = |desk: &Desk, name: &str| {
        let rows = &desk.board.schools;
        rows.iter().find(|s| s.name.as_str() == name).unwrap().laestab
    };
    let desk = in_trusts((80, 24));
    let (alder, maple) = (of(&desk, "Alder Primary"), of(&desk, "Maple Primary"));
    told.places = vec![
        IncidentPlaces { id: 14, schools: vec![alder, of(&desk, "Violet Primary")] },
        IncidentPlaces { id: 12, schools: vec![alder, maple] },
    ];
    told
}

#[test]
fn a_school_stands_with_the_most_urgent_incident_that_it_is_part_of() {
    let mut desk = by_incident((120, 40));
    let head = |desk: &Desk, what: &str| desk.line_with(what);
    assert!(
        head(&desk, "+ incident 12, Groupcall at Alder Primary: ").contains("C 2"),
        "{}",
        desk.text()
    );
    assert!(
        head(&desk, "+ incident 14, WeLearn365, whole estate: ").contains("W 1"),
        "{}",
        desk.text()
    );
    assert!(desk.text().contains("+ in no open incident: "), "{}", desk.text());
    let mut waiting = in_trusts((120, 40));
    waiting.press(":").type_text("group incident").press("enter");
    assert!(waiting.text().contains("incidents are being read"), "{}", waiting.text());
    // It is read again when the board changes, and not at once each time.
    desk.wait(6).beat();
    assert_eq!(desk.wishes(), [], "nothing has changed");
    desk.change(5, 2, bad(Health::Critical, HOUR)).change(6, 2, bad(Health::Critical, HOUR));
    desk.wait(1).beat();
    assert_eq!(desk.console.take_effects(), [Effect::Guard(Wish::Places)]);
    desk.hear(Heard::Places(Err("the agent is busy".to_owned())));
    assert!(desk.text().contains("cannot be read: the agent is busy"), "{}", desk.text());
    assert!(desk.text().contains("incident 12"), "what was read stays");
    desk.press("esc").change(7, 2, bad(Health::Critical, HOUR)).wait(20).beat();
    assert_eq!(desk.wishes(), [], "nobody looks at incidents");
}

#[test]
fn groups_by_incident_at_every_size() {
    everywhere("groups_incident", by_incident);
}

#[test]
fn a_head_tells_what_is_so_now_though_the_order_is_held() {
    let mut board = calm(12);
    board.schools[3].cells[2] = bad(Health::Critical, HOUR);
    let mut desk = Desk::new(board, (120, 40));
    desk.press(":").type_text("group phase").press("enter g");
    assert!(desk.text().contains("+ Secondary: C 1"), "{}", desk.text());
    desk.change(3, 2, held(Health::Critical, HOUR, HandlingKind::Claimed, "asha"));
    assert!(desk.text().contains("+ Secondary: somebody has 1"), "{}", desk.text());
    desk.lose().wait(200);
    assert!(desk.text().contains("Secondary: last known: somebody has 1"), "{}", desk.text());
}

#[test]
fn marks_in_a_closed_group_are_told_before_anything_is_planned() {
    let mut desk = in_trusts((120, 40));
    desk.press("2 g enter j space k enter");
    assert!(desk.text().contains("1 marked (1 not shown here)"), "{}", desk.text());
}

fn calls(desk: &mut Desk) -> Vec<String> {
    let all = desk.effects();
    all.into_iter().filter_map(|e| if let Effect::Call(t) = e { Some(t) } else { None }).collect()
}

fn by_bell(from: Health, filter: &str) -> CallSettings {
    CallSettings { by: vec![CallBy::Bell], from, filter: filter.into() }
}

/// A console that calls, in front of a morning that it has seen.
fn calling(from: Health, filter: &str) -> Desk {
    let mut desk = Desk::empty((80, 24), "dark", caretaker::tui::theme::Depth::Full);
    set_up(&mut desk, Vec::new(), by_bell(from, filter));
    desk.board = morning(60);
    let board = Box::new(desk.board.clone());
    desk.console.wire(caretaker::link::LinkEvent::Board(board), desk.mono);
    desk
}

#[test]
fn new_trouble_that_nobody_has_calls_once() {
    let mut desk = calling(Health::Critical, "");
    assert_eq!(calls(&mut desk), [""; 0], "what was there is read, not rung");
    desk.change(30, 1, bad(Health::Critical, 60));
    let name = desk.board.schools[30].name.to_string();
    assert_eq!(calls(&mut desk), [format!("{name}: Groupcall critical")]);
    // The same trouble, and more of it at the same school, call no second time.
    desk.change(30, 1, bad(Health::Critical, 120))
        .change(30, 2, bad(Health::Critical, 60))
        .wait(61);
    assert_eq!(calls(&mut desk), [""; 0]);
    // Well, and bad again: a second call.
    desk.change(30, 1, ok()).change(30, 2, ok()).change(30, 1, bad(Health::Critical, 1));
    assert_eq!(calls(&mut desk).len(), 1);
}

#[test]
fn several_within_a_minute_are_one_call() {
    let mut desk = calling(Health::Critical, "");
    desk.change(30, 1, bad(Health::Critical, 60));
    assert_eq!(calls(&mut desk).len(), 1);
    desk.change(31, 1, bad(Health::Critical, 60)).change(32, 4, bad(Health::Critical, 60));
    desk.change(33, 1, bad(Health::Critical, 60)).wait(59);
    assert_eq!(calls(&mut desk), [""; 0], "not twice within a minute");
    // Somebody took one of them before the minute was over.
    desk.change(33, 1, held(Health::Critical, 60, HandlingKind::Claimed, "asha")).wait(2);
    let name = desk.board.schools[31].name.to_string();
    assert_eq!(calls(&mut desk), [format!("{name}: Groupcall critical, and 1 more")]);
}

#[test]
fn what_is_no_call() {
    let mut desk = calling(Health::Critical, "kind:secondary");
    let soft = caretaker::wire::board::CompactCell { soft: true, ..bad(Health::Critical, 60) };
    desk.change(33, 1, soft).wait(61);
    desk.change(33, 1, bad(Health::Warning, 60)).wait(61);
    desk.change(33, 1, held(Health::Critical, 60, HandlingKind::Downtime, "asha")).wait(61);
    desk.change(33, 1, follows("welearn365", caretaker::wire::Scope::School)).wait(61);
    desk.change(30, 1, bad(Health::Critical, 60)).wait(61);
    assert_eq!(
        calls(&mut desk),
        [""; 0],
        "soft, mild, somebody's, following, not a secondary school"
    );
    desk.change(33, 1, bad(Health::Critical, 60));
    assert_eq!(calls(&mut desk).len(), 1);
    // Without a rule nothing ever calls.
    let mut silent = Desk::new(morning(60), (80, 24));
    silent.change(30, 1, bad(Health::Critical, 60)).wait(61);
    assert_eq!(calls(&mut silent), [""; 0]);
}

#[test]
fn a_new_board_calls_for_what_is_new_in_it() {
    let mut desk = calling(Health::Warning, "");
    let mut board = desk.board.clone();
    board.schools[40].cells[3] = bad(Health::Unknown, 60);
    desk.console.wire(caretaker::link::LinkEvent::Board(Box::new(board.clone())), desk.mono);
    assert_eq!(calls(&mut desk), [format!("{}: Future Digital unknown", board.schools[40].name)]);
}

#[test]
fn the_window_is_called_by_what_nobody_has() {
    let mut desk = Desk::empty((80, 24), "dark", caretaker::tui::theme::Depth::Full);
    assert_eq!(desk.console.title(), "caretaker: waiting");
    desk = Desk::new(calm(20), (80, 24));
    assert_eq!(desk.console.title(), "caretaker: nothing that nobody has");
    desk.change(2, 1, bad(Health::Critical, 60)).change(3, 1, bad(Health::Warning, 60));
    assert_eq!(desk.console.title(), "caretaker: C 1 W 1");
    // What was not asked is no all-clear: while answers come, after that, and of a board from before.
    let mut board = calm(20);
    board.split.unasked = 1;
    let titled = |board: &Board| Desk::new(board.clone(), (80, 24)).console.title();
    assert_eq!(titled(&board), "caretaker: U 1");
    board.settled = false;
    assert_eq!(titled(&board), "caretaker: first answers are coming");
    board.restored_from = Some(at("2026-11-24T06:10:00Z"));
    assert_eq!(titled(&board), "caretaker: AS OF 06:10");
    board.split.critical = 1;
    assert_eq!(titled(&board), "caretaker: C 1, AS OF 06:10");
    desk.lose().wait(200);
    assert_eq!(desk.console.title(), "caretaker: OFFLINE", "never the last known as if it were so");
}

#[test]
fn a_slow_line_gets_no_tints_and_gets_them_back() {
    let mut desk = Desk::new(morning(60), (80, 24));
    let tinted = desk.styles(4);
    let grounds = |desk: &Desk| -> std::collections::BTreeSet<String> {
        let styles = desk.styles(4);
        styles.split("bg=").skip(1).map(|s| s.chars().take(7).collect()).collect()
    };
    assert!(grounds(&desk).len() > 1, "{tinted}");
    desk.console.slow(true);
    assert_eq!(grounds(&desk).len(), 1, "{}", desk.styles(4));
    desk.press(":").type_text("theme dark").press("enter");
    assert_eq!(grounds(&desk).len(), 1, "another theme has none either");
    desk.console.slow(false);
    assert_eq!(desk.styles(4), tinted);
}

#[test]
fn a_filter_means_the_same_schools_on_the_command_line() {
    for text in ["has:nobody", "gc:c", "-gc:c age>1d", "alder", "kind:primary gc:w", ""] {
        let mut desk = Desk::new(morning(250), (80, 24));
        desk.press("/").type_text(text).press("enter");
        let picked = pick_filtered(&desk.board, &[], Some(text), desk.board.as_of).unwrap();
        let shown = match text {
            "" => 250,
            _ => {
                let line = desk.line(1);
                let said = line.split("shown ").nth(1).unwrap_or_else(|| panic!("{text}: {line}"));
                said.split(' ').next().unwrap().parse().unwrap()
            }
        };
        assert_eq!(picked.len(), shown, "{text}");
    }
    let board = morning(250);
    let pick = |words: &[&str], filter| {
        let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        pick_filtered(&board, &words, Some(filter), board.as_of)
    };
    let alder = board.schools[0].laestab;
    assert_eq!(pick(&["alder"], "gc:c").unwrap(), [alder], "of those that are named");
    // Nothing at all would mean every school, and would read as an all-clear.
    for (filter, why) in
        [("nosuchschool", "no school of 250 matches"), ("qq:c", "no service or term `qq`")]
    {
        let error = pick(&[], filter).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_watched_filter_also_tells_what_no_longer_matches() {
    let board = morning(250);
    let mut lines = Lines::default();
    let mut shown = Shown::new(&board, Some("gc:c")).unwrap();
    let first = lines.board(&board);
    assert!(first.len() > 5);
    let told = shown.board(&board, first);
    let rows: std::collections::BTreeSet<Row> = told.iter().map(|turned| turned.row).collect();
    assert_eq!(rows, [Row::Estate, Row::School(board.schools[0].laestab)].into());
    let mut change = |n: usize, cell| {
        let row = Row::School(board.schools[n].laestab);
        let cells = [CellChange { row, column: 1, cell }];
        shown.changes(&cells, lines.changes(&cells), board.as_of).len()
    };
    assert_eq!(change(0, ok()), 1, "mended: it matched before");
    assert_eq!(change(0, bad(Health::Warning, HOUR)), 0, "matches no more");
    assert_eq!(change(100, bad(Health::Critical, HOUR)), 1, "matches now");
    assert!(Shown::new(&board, Some("qq:c")).is_err());
}
