//! The board tells the truth: totals, staleness, letters.

use std::time::Duration;

use caretaker::link::LinkEvent;
use caretaker::tui::theme::Depth;
use caretaker::wire::board::{CompactCell, Row};
use caretaker::wire::{Health, Scope};
use proptest::prelude::{Strategy, any};

use crate::fixture::{DAY, Desk, HOUR, SERVICES, bad, follows, held, morning, ok, page};
use caretaker::wire::HandlingKind;

#[test]
fn every_letter_of_the_board() {
    let desk = Desk::new(morning(250), (80, 24));
    for (school, letters) in [
        ("Alder Primary", "^GC   C3d   .     .     .     \"     ^GC"),
        ("Maple Primary", ".     .     .     .     C12m  .     ."),
        ("Damson Primary", ".     .     C9d   .     .     .     ."),
        ("Hazel Primary", ".     .     .     U2d   .     .     ."),
        ("Poplar Primary", ".     W27h  .     .     .     .     ."),
        ("Violet Primary", ".     .     .     .     W43m~ .     ."),
        ("whole estate", ".     .     .     .     .     w40m@ .     tomr"),
    ] {
        assert!(desk.line_with(school).contains(letters), "{}", desk.line_with(school));
    }
    // Two marks: the age gives way. The estate's own trouble is a ditto mark.
    let mut one = Desk::new(morning(250), (80, 24));
    one.press("/").type_text("rowan primary");
    assert!(one.line_with("Rowan Primary").contains("w~@"), "{}", one.text());
    let mut ditto = Desk::new(morning(250), (80, 24));
    ditto.press("/").type_text("cedar primary");
    assert!(ditto.line_with("Cedar Primary").contains("\"     ."), "{}", ditto.text());
    let mut quiet = Desk::new(morning(250), (80, 24));
    quiet.press("/").type_text("ivy bank primary");
    assert!(quiet.line_with("Ivy Bank Primary").contains("_     ."), "{}", quiet.text());
}

#[test]
fn line_two_counts_every_school_once() {
    let desk = Desk::new(morning(250), (120, 40));
    assert_eq!(
        desk.line(1).trim(),
        "nobody has: C 3 U 1 W 2 | somebody has: 4 | follows: 2 | ok: 237 | not set up: 1"
    );
}

#[test]
fn what_runs_out_next_stands_on_the_board() {
    let mut desk = Desk::new(morning(250), (120, 40));
    let end = |text: &str| Some(crate::fixture::at(text));
    let with_end = |mut cell: CompactCell, until| {
        cell.handling.as_mut().unwrap().until = until;
        cell
    };
    let asha = held(Health::Critical, DAY, HandlingKind::Acknowledged, "asha");
    let name = desk.board.schools[4].name.to_string();
    desk.change(4, 2, with_end(asha.clone(), end("2026-11-24T10:00:00Z")));
    let fold = |desk: &Desk| desk.line_with("somebody has it");
    let told = format!("4, next to run out 10:00 {name} (acknowledged, asha)");
    assert!(fold(&desk).contains(&told), "{}", fold(&desk));
    // Sooner, later and without an end, in a row that is not on the screen.
    desk.change(200, 2, with_end(asha.clone(), end("2026-11-24T09:45:00Z")));
    assert!(fold(&desk).contains("next to run out 09:45"), "{}", fold(&desk));
    desk.change(200, 2, with_end(asha.clone(), end("2026-11-24T12:45:00Z")));
    assert!(fold(&desk).contains(&format!("10:00 {name}")), "{}", fold(&desk));
    desk.change(4, 2, with_end(asha, None));
    assert!(fold(&desk).contains("next to run out 12:45"), "{}", fold(&desk));
    desk.change(200, 2, crate::fixture::ok());
    assert!(fold(&desk).contains("16:30 whole estate (claimed, tomr)"), "{}", fold(&desk));
}

#[test]
fn what_nobody_has_asked_yet_is_counted_by_itself_until_everything_was_tried() {
    let mut board = morning(250);
    let unasked = CompactCell {
        health: Health::Unknown,
        reason: Some(caretaker::wire::Reason::NeverSeen),
        ..CompactCell::default()
    };
    for row in board.schools.iter_mut().skip(100).take(30) {
        row.cells[2] = unasked.clone();
    }
    crate::fixture::count(&mut board);
    board.settled = false;
    let at_first = Desk::new(board.clone(), (120, 40));
    let line = "nobody has: C 3 U 1 W 2 | not asked yet: 30 | somebody has: 4 | follows: 2";
    assert!(at_first.line(1).contains(line), "{}", at_first.line(1));
    board.settled = true;
    let settled = Desk::new(board, (120, 40));
    let line = "nobody has: C 3 U 31 W 2 | somebody has: 4 | follows: 2";
    assert!(settled.line(1).contains(line), "{}", settled.line(1));
}

#[test]
fn a_dead_line_leaves_nothing_green() {
    let mut desk = Desk::with(morning(250), (80, 24), "dark", Depth::Full);
    assert!(desk.line(0).contains("LIVE"));
    desk.wait(14);
    assert!(desk.line(0).contains("LIVE"));
    desk.wait(26);
    assert!(desk.line(0).contains("LATE 40s"), "{}", desk.line(0));
    desk.lose().wait(30);
    let text = desk.text();
    assert!(text.lines().next().unwrap().contains("OFFLINE since 09:14"), "{text}");
    let rows: Vec<&str> = text.lines().skip(3).take(9).collect();
    assert!(rows.iter().all(|r| !r.contains(" . ")), "no ok letter is left: {text}");
    assert!(text.contains("last known: "), "{text}");
    desk.press("G");
    assert!(desk.text().contains("not known now; ok when last heard"), "{}", desk.text());
    desk.beat();
    assert!(desk.line(0).contains("LIVE") && desk.text().contains(" . "));
}

#[test]
fn the_last_known_board_says_of_when_it_is() {
    let mut board = morning(250);
    board.settled = false;
    board.restored_from = Some(crate::fixture::at("2026-11-23T22:00:00Z"));
    let mut desk = Desk::new(board, (80, 24));
    assert!(desk.line(0).contains("AS OF Mon 22:00"), "{}", desk.line(0));
    assert!(!desk.line(0).contains("LIVE"));
    desk.beat();
    assert!(desk.line(0).contains("LIVE"), "settled by a beat");
}

#[test]
fn between_minutes_nothing_is_drawn() {
    let mut desk = Desk::new(morning(250), (80, 24));
    let (generation, frame) = (desk.console.generation(), desk.frame());
    for _ in 0..7 {
        desk.wait(5).beat();
    }
    assert_eq!(desk.console.generation(), generation, "09:14:20 to 09:14:55");
    assert_eq!(desk.frame(), frame);
    desk.wait(5).beat();
    assert!(desk.console.generation() > generation);
    assert!(desk.line(0).contains("09:15") && desk.text().contains("C13m"));
    // The console asks to be woken for exactly that.
    let desk = Desk::new(morning(250), (80, 24));
    assert_eq!(desk.console.next_tick(desk.mono), Some(desk.mono + Duration::from_secs(15)));
}

#[test]
fn what_is_off_the_screen_costs_no_frame() {
    let mut desk = Desk::new(morning(250), (80, 24));
    let generation = desk.console.generation();
    desk.change(200, 0, CompactCell { since: Some(1), ..ok() });
    assert_eq!(desk.console.generation(), generation);
    desk.change(200, 0, bad(Health::Critical, HOUR));
    assert!(desk.console.generation() > generation, "a total changed");
}

#[test]
fn an_answer_that_says_the_same_costs_no_frame() {
    let mut desk = Desk::new(morning(250), (80, 24));
    let generation = desk.console.generation();
    let mut again = page(&desk.board, Some(12));
    (again.revision, again.as_of) = (99, crate::fixture::at("2026-11-24T09:14:40Z"));
    let row = Row::School(desk.board.schools[12].laestab);
    desk.console.page(row, Ok(again.clone()));
    assert_eq!(desk.console.generation(), generation);
    again.services[4].cell.why = "another sentence".into();
    desk.console.page(row, Ok(again));
    assert!(desk.console.generation() > generation);
}

#[test]
fn the_first_rows_stand_until_the_whole_board_is_there() {
    let whole = morning(250);
    let mut part = whole.clone();
    part.schools.truncate(40);
    part.first_of = Some(250);
    let mut desk = Desk::empty((80, 24), "dark", Depth::Full);
    desk.console.wire(LinkEvent::Board(Box::new(part.clone())), desk.mono);
    let shown = desk.text();
    assert!(shown.contains("the first 40 of 250 schools"), "{shown}");
    let last = whole.schools[200].name.as_str();
    desk.console.wire(LinkEvent::Board(Box::new(whole.clone())), desk.mono);
    let shown = desk.text();
    assert!(!shown.contains("the first 40"), "{shown}");
    desk.press("/").type_text(last).press("enter");
    assert!(desk.text().contains(last), "{}", desk.text());
    // A part never takes the place of the whole.
    desk.console.wire(LinkEvent::Board(Box::new(part)), desk.mono);
    assert!(desk.text().contains(last), "{}", desk.text());
}

#[test]
fn an_agent_that_cannot_tell_is_told() {
    let mut desk = Desk::empty((80, 24), "dark", Depth::Full);
    desk.console.wire(LinkEvent::Board(Box::new(morning(250))), desk.mono);
    let row = desk.console.wanted().unwrap();
    assert!(desk.text().contains("asking the agent"), "{}", desk.text());
    desk.console.page(row, Err("no agent answers".into()));
    assert!(desk.text().contains("could not tell: no agent answers"), "{}", desk.text());
    assert_eq!(desk.console.wanted(), None, "it is not asked again at once");
    desk.board = morning(250);
    desk.change(12, 4, bad(Health::Critical, 13 * 60));
    assert_eq!(desk.console.wanted(), Some(row), "but when the row changes");
}

#[test]
fn a_page_never_shows_ok_where_the_board_does_not() {
    let mut desk = Desk::new(morning(250), (120, 40));
    desk.press(":").type_text("school 9991003").press("enter");
    assert!(desk.line_with("SW Smoothwall").contains("ok "));
    // The cell goes bad, and the agent has not told why yet.
    desk.change(3, 4, bad(Health::Critical, 60));
    let line = desk.line_with("SW Smoothwall");
    assert!(line.contains("CRITICAL") && line.contains("has just changed"), "{line}");
    let row = desk.console.wanted().unwrap();
    desk.console.page(row, Err("it hangs".into()));
    assert!(desk.line_with("SW Smoothwall").contains("CRITICAL"));
    assert!(desk.text().contains("could not be told anew: it hangs"), "{}", desk.text());
}

#[test]
fn a_page_of_a_dead_line_knows_nothing() {
    let mut desk = Desk::new(morning(250), (120, 40));
    desk.press(":").type_text("school 9991030").press("enter");
    assert!(desk.line_with("SAY").contains("working"), "{}", desk.text());
    desk.lose().wait(70);
    let text = desk.text();
    assert!(text.contains("We cannot tell at the moment"), "{text}");
    assert!(!text.contains(" ok  "), "{text}");
    desk.press("enter");
    assert!(desk.line_with("main check").contains("UNKNOWN"), "{}", desk.text());
}

fn any_cell() -> impl Strategy<Value = CompactCell> {
    (0_usize..5, 0_i64..400, 0_u8..8, any::<bool>()).prop_map(|(health, hours, how, flag)| {
        let health = Health::ALL[health];
        let plain = CompactCell { flapping: flag, quiet: flag, ..bad(health, hours * HOUR) };
        match how {
            0 => CompactCell {
                flapping: flag,
                ..held(health, hours * HOUR, HandlingKind::Claimed, "x")
            },
            1 => held(health, hours * HOUR, HandlingKind::Downtime, "y"),
            2 => CompactCell { health, ..follows("redstor", Scope::School) },
            3 => CompactCell { health, ..follows("groupcall", Scope::Estate) },
            _ => plain,
        }
    })
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(40))]
    /// Whatever changes, in whatever order: counters kept by the change equal those counted anew.
    #[test]
    fn counters_kept_equal_counters_counted(
        changes in proptest::collection::vec((0_usize..30, 0_usize..7, any_cell()), 1..60))
    {
        let mut desk = Desk::new(morning(30), (120, 40));
        for (school, column, cell) in changes {
            desk.change(school, column, cell);
        }
        desk.wait(11).beat();
        let fresh = Desk::new(desk.board.clone(), (120, 40));
        proptest::prop_assert_eq!(desk.line(1), fresh.line(1));
    }
}

#[test]
fn the_order_is_worst_that_nobody_has_then_reach_then_age() {
    let mut board = crate::fixture::calm(8);
    let put =
        |board: &mut caretaker::wire::board::Board, n: usize, pupils: u32, cell: CompactCell| {
            board.schools[n].pupils = Some(pupils);
            board.schools[n].cells[2] = cell;
        };
    put(&mut board, 0, 900, bad(Health::Warning, 9 * DAY));
    put(&mut board, 1, 100, bad(Health::Critical, DAY));
    put(&mut board, 2, 100, bad(Health::Critical, 2 * DAY));
    put(&mut board, 3, 500, bad(Health::Critical, HOUR));
    put(&mut board, 4, 900, held(Health::Critical, 9 * DAY, HandlingKind::Claimed, "x"));
    put(&mut board, 5, 900, bad(Health::Unknown, HOUR));
    put(&mut board, 6, 900, follows("groupcall", Scope::School));
    crate::fixture::count(&mut board);
    let desk = Desk::new(board.clone(), (80, 24));
    let names: Vec<String> = desk
        .text()
        .lines()
        .skip(4)
        .take(5)
        .map(|l| l.chars().skip(3).take(24).collect::<String>().trim().to_owned())
        .collect();
    let want: Vec<String> =
        [3, 2, 1, 5, 0].iter().map(|n| board.schools[*n].name.to_string()).collect();
    assert_eq!(names, want);
    assert_eq!(SERVICES.len(), board.columns.len());
}
