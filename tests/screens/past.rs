//! The board at a past moment: unmistakable, stepped through, and nothing can be done there.

use caretaker::tui::console::Effect;
use caretaker::tui::screens::report::Asked;
use caretaker::tui::theme::Depth;
use caretaker::tui::wish::{Heard, Wish};
use caretaker::wire::board::{Board, Row};
use caretaker::wire::desk::DeskKind;
use caretaker::wire::past::{
    Diff, Differs, Done, EndsSoon, Handover, Named, Open, Past, Sort, Stood, Worst,
};
use caretaker::wire::runs::Stretch;
use caretaker::wire::{Clean, Handling, HandlingKind, Health, Reason};
use jiff::Timestamp;

use crate::fixture::{Desk, at, bad, calm, count, held, morning, ok};
use crate::guarded::{actions, with};
use crate::snapshots::{coloured, everywhere};

const THEN: &str = "2026-11-23T22:00:00Z";

fn past(when: Timestamp) -> Past {
    Past {
        at: when,
        asked_at: at(crate::fixture::NOW),
        held: Stretch { from: at("2026-11-01T00:00:00Z"), until: at(crate::fixture::NOW) },
        nobody_looked: None,
        not_recorded: 1,
        earlier: Some(at("2026-11-23T21:40:00Z")),
        later: None,
        not_kept: vec![Clean::new("evidence is not kept")],
    }
}

/// As it was on Monday at ten in the evening: one school ill, one that somebody had.
fn evening() -> Board {
    let mut board = calm(60);
    board.as_of = at(THEN);
    for (n, hours) in [(12, 30), (7, 20)] {
        board.schools[n].cells[4] = bad(Health::Critical, hours * 3_600);
    }
    board.schools[7].cells[4] = held(Health::Critical, 20 * 3_600, HandlingKind::Claimed, "tomr");
    let mut unknown = bad(Health::Unknown, 0);
    (unknown.reason, unknown.since) = (Some(Reason::NotRecorded), None);
    board.schools[3].cells[1] = unknown;
    count(&mut board);
    board.past = Some(past(at(THEN)));
    board
}

/// The moment that was asked for since this was last looked at.
fn asked(desk: &mut Desk) -> Option<Timestamp> {
    let effects = desk.effects();
    effects.into_iter().find_map(|effect| match effect {
        Effect::Guard(Wish::Then(at)) => Some(at),
        _ => None,
    })
}

fn hear(desk: &mut Desk, answer: Result<Board, String>, when: Timestamp) {
    let mono = desk.mono;
    let answer = answer.map(|mut board| {
        board.past.as_mut().unwrap().at = when;
        Box::new(board)
    });
    desk.console.heard(Heard::Then { at: when, answer }, mono);
    desk.answer();
}

fn go(mut desk: Desk) -> Desk {
    desk.press("t").type_text("Mon 22:00").press("enter");
    let when = asked(&mut desk).expect("the board of then is asked for");
    assert_eq!(when, at(THEN));
    hear(&mut desk, Ok(evening()), when);
    desk
}

fn desk(size: (u16, u16)) -> Desk {
    Desk::new(morning(60), size)
}

#[test]
fn at_every_size() {
    everywhere("past_board", |size| go(desk(size)));
    everywhere("past_page", |size| {
        let mut desk = go(desk(size));
        desk.press("j enter");
        desk
    });
    everywhere("past_prompt", |size| {
        let mut desk = desk(size);
        desk.press("t").type_text("Mon 22:00");
        desk
    });
    coloured("past_board", &[0, 1, 3, 4], |theme, depth| {
        go(Desk::with(morning(60), (80, 24), theme, depth))
    });
}

#[test]
fn it_is_unmistakable_in_every_theme_and_without_colour() {
    for (theme, depth) in [
        ("dark", Depth::Full),
        ("light", Depth::Full),
        ("cvd", Depth::C256),
        ("default", Depth::C16),
        ("dark", Depth::None),
    ] {
        let desk = go(Desk::with(morning(60), (80, 24), theme, depth));
        let first = desk.line(0);
        assert!(first.contains("PAST  AS OF Mon 22:00") && !first.contains("LIVE"), "{first}");
        let styles = desk.styles(0);
        let run = styles.lines().find(|l| l.contains("PAST")).unwrap();
        assert!(run.contains("reverse") || run.contains("bg="), "{theme}: {run}");
    }
    let desk = go(desk((80, 24)));
    assert!(desk.text().contains("PAST, 11h ago"), "{}", desk.text());
    assert!(
        desk.text().contains(": Esc goes to now; nothing can be done here; 1 cell not recorded")
    );
    assert!(
        desk.line(1).starts_with(" nobody has: C 1  U 1  W 0")
            || desk.line(1).contains("C 1 U 1 W 0"),
        "{}",
        desk.line(1)
    );
}

#[test]
fn no_key_and_no_command_does_anything_there() {
    for keys in ["a", "c", "d", "m", "u", "x", "w", "r"] {
        for on_page in [false, true] {
            let mut desk = go(desk((80, 24)));
            desk.acts(actions()).press("j");
            if on_page {
                desk.press("enter");
            }
            desk.effects();
            desk.shown().press(keys);
            assert_eq!(desk.effects(), [], "{keys} {on_page}");
            assert!(desk.text().contains("not now: this is the past"), "{keys}: {}", desk.text());
        }
    }
    for command in ["arm 15m why", "audit by:asha"] {
        let mut desk = go(with((80, 24), "dark", Depth::Full));
        desk.effects();
        desk.press(":").type_text(command).press("enter");
        assert_eq!(desk.effects(), [], "{command}");
    }
}

#[test]
fn steps_lead_to_the_changes_before_and_after_and_esc_back_to_now() {
    let mut desk = go(desk((80, 24)));
    assert!(desk.text().contains("[ earlier"), "{}", desk.text());
    desk.press("[");
    let when = asked(&mut desk).unwrap();
    assert_eq!(when, at("2026-11-23T21:40:00Z"));
    hear(&mut desk, Ok(evening()), when);
    assert!(desk.line(0).contains("AS OF Mon 21:40"), "{}", desk.line(0));
    desk.press("]");
    assert_eq!(asked(&mut desk), None);
    assert!(desk.text().contains("nothing changed after that"), "{}", desk.text());
    // What happens meanwhile is not lost, and not seen before.
    let name = desk.board.schools[30].name.as_str().to_owned();
    desk.change(30, 2, bad(Health::Critical, 60));
    assert!(!desk.text().contains(&name), "{}", desk.text());
    desk.press("esc");
    assert!(desk.line(0).contains("LIVE"), "{}", desk.line(0));
    assert!(desk.text().contains(&name), "{}", desk.text());
    desk.press("a");
    assert_eq!(desk.effects().len(), 1, "in the present it acts again");
}

#[test]
fn an_answer_that_comes_too_late_does_not_take_the_present_away() {
    let mut desk = desk((80, 24));
    desk.press("t").type_text("-8h").press("enter");
    let when = asked(&mut desk).unwrap();
    desk.press("esc ?");
    hear(&mut desk, Ok(evening()), when);
    assert!(desk.line(0).contains("LIVE"), "{}", desk.line(0));
    desk.press("esc");
    assert!(desk.line(0).contains("LIVE"), "{}", desk.line(0));
    desk.press("t").type_text("-8h").press("enter");
    let when = asked(&mut desk).unwrap();
    desk.press("esc");
    hear(&mut desk, Ok(evening()), when);
    assert!(desk.line(0).contains("LIVE"), "given up: {}", desk.line(0));
    // Of two questions the last one counts.
    desk.press("t").type_text("-8h").press("enter");
    let first = asked(&mut desk).unwrap();
    desk.type_text(" ").press("backspace backspace").type_text("m").press("enter");
    let second = asked(&mut desk).unwrap();
    hear(&mut desk, Ok(evening()), first);
    assert!(desk.line(0).contains("LIVE"), "{}", desk.line(0));
    hear(&mut desk, Ok(evening()), second);
    assert!(desk.line(0).contains("PAST"), "{}", desk.line(0));
}

#[test]
fn a_refusal_stands_in_the_prompt_and_an_old_agent_is_told() {
    let mut desk = desk((80, 24));
    desk.press("t").type_text("2020-01-01T00:00").press("enter");
    let when = asked(&mut desk).unwrap();
    hear(&mut desk, Err("nothing is kept of that; what is kept goes from 1 Nov".into()), when);
    assert!(desk.text().contains("nothing is kept of that"), "{}", desk.text());
    desk.press("esc t").type_text("2030-01-01T00:00").press("enter");
    assert_eq!(asked(&mut desk), None);
    assert!(desk.text().contains("lies in the future"), "{}", desk.text());
    desk.press("esc").press(":").type_text("at -8h").press("enter");
    let when = asked(&mut desk).unwrap();
    desk.console.heard(Heard::Then { at: when, answer: Ok(Box::new(calm(3))) }, desk.mono);
    assert!(desk.text().contains("upgrade the agent") && desk.line(0).contains("LIVE"));
}

#[test]
fn a_page_of_the_present_is_not_shown_in_the_past() {
    let mut desk = go(desk((80, 24)));
    desk.press("j enter");
    let row = Row::School(desk.board.schools[12].laestab);
    assert!(desk.text().contains("PAST, as of Mon 22:00") && !desk.text().contains("SAY"));
    let mut page = crate::fixture::page(&desk.board, Some(12));
    page.services[4].cell.why = Clean::new("the present's own sentence");
    desk.console.page(row, Ok(page));
    assert!(!desk.text().contains("present's own"), "{}", desk.text());
    // Nor does the copied sentence speak of it.
    desk.effects();
    desk.press("y");
    assert_eq!(desk.effects(), []);
    desk.press("esc esc");
    assert!(desk.line(0).contains("LIVE"), "{}", desk.line(0));
    assert_eq!(ok().health, Health::Ok);
}

fn report(desk: &mut Desk) -> Asked {
    let effects = desk.effects();
    effects
        .into_iter()
        .find_map(|effect| match effect {
            Effect::Guard(Wish::Report(asked)) => Some(asked),
            _ => None,
        })
        .expect("the agent is asked")
}

pub fn differing() -> Diff {
    let stood = |health, why: &str| Stood {
        health,
        reason: None,
        why: Clean::new(why),
        since: None,
        handling: None,
        follows_from: None,
    };
    let named = |n: u32, name: &str| Named {
        row: Row::School(crate::fixture::laestab(1_000 + n)),
        name: Clean::new(name),
        service: crate::fixture::key("groupcall"),
        label: Clean::new("Groupcall"),
    };
    let had = Handling {
        kind: HandlingKind::Claimed,
        by: Clean::new("tomr"),
        until: Some(at("2026-11-24T02:00:00Z")),
    };
    let cell = |sort, n, name: &str, before, after| Differs {
        sort,
        cell: named(n, name),
        before: stood(before, "2 nights missed"),
        after: stood(after, "3 nights missed"),
        worst: None,
        ran_out: None,
    };
    let ran_out = Differs {
        ran_out: Some(had),
        ..cell(Sort::RanOut, 2, "Elm Park Primary", Health::Critical, Health::Critical)
    };
    let worst = Worst {
        health: Health::Critical,
        at: at("2026-11-24T01:10:00Z"),
        why: Clean::new("no answer"),
    };
    let meanwhile = Differs {
        worst: Some(worst),
        ..cell(Sort::Meanwhile, 3, "Gorse Academy", Health::Ok, Health::Ok)
    };
    Diff {
        version: 1,
        as_of: at(crate::fixture::NOW),
        from: at(THEN),
        until: at("2026-11-24T06:00:00Z"),
        cells: vec![
            cell(Sort::Worse, 1, "Alder Primary", Health::Ok, Health::Critical),
            ran_out,
            cell(Sort::Better, 4, "Hazel Infants", Health::Warning, Health::Ok),
            meanwhile,
        ],
        more: 0,
        followed: 3,
        not_recorded: 1,
        nobody_looked: vec![Stretch {
            from: at("2026-11-24T03:00:00Z"),
            until: at("2026-11-24T03:20:00Z"),
        }],
    }
}

fn compared(mut desk: Desk) -> Desk {
    desk.press(":").type_text("diff 22:00 06:00").press("enter");
    let asked = report(&mut desk);
    assert_eq!(asked, Asked::Diff(at(THEN), at("2026-11-24T06:00:00Z")));
    let answer = Ok(Box::new(differing()));
    desk.console.heard(Heard::Diff { asked, answer }, desk.mono);
    desk
}

#[test]
fn two_moments_compared_at_every_size() {
    everywhere("past_diff", |size| compared(desk(size)));
    // Also from within the past; Esc leads back there.
    let mut desk = compared(go(desk((80, 24))));
    assert!(desk.text().contains("Alder Primary") && desk.line(0).contains("PAST"));
    desk.press("esc");
    assert!(desk.text().contains("nothing can be done here"), "{}", desk.text());
}

#[test]
fn what_is_handed_over_at_every_size() {
    everywhere("past_handover", |size| {
        let mut desk = desk(size);
        desk.press(":").type_text("handover").press("enter");
        let asked = report(&mut desk);
        assert_eq!(asked, Asked::Handover(None));
        let diff = Diff { from: at("2026-11-23T17:00:00Z"), ..differing() };
        let page = Handover {
            version: 1,
            as_of: at(crate::fixture::NOW),
            by: Clean::new("asha"),
            since: at("2026-11-23T17:00:00Z"),
            why_since: Clean::new("the end of asha's last shift, by the desk's book"),
            shift_ends: at("2026-11-24T17:00:00Z"),
            open: vec![Open {
                cell: diff.cells[0].cell.clone(),
                stands: diff.cells[0].after.clone(),
            }],
            open_more: 0,
            runs_out: Vec::new(),
            next_shift_ends: at("2026-11-25T17:00:00Z"),
            runs_out_next: vec![Open {
                cell: diff.cells[1].cell.clone(),
                stands: Stood {
                    handling: Some(Handling {
                        kind: HandlingKind::Downtime,
                        by: Clean::new("asha"),
                        until: Some(at("2026-11-25T06:00:00Z")),
                    }),
                    ..diff.cells[1].after.clone()
                },
            }],
            credentials: vec![EndsSoon {
                cell: diff.cells[0].cell.clone(),
                why: Clean::new("`redstor` ENDS TOMORROW, Wed 25 Nov 2026"),
            }],
            done: vec![Done {
                at: at("2026-11-23T18:10:00Z"),
                by: Clean::new("tomr"),
                kind: DeskKind::Claim,
                cells: vec![diff.cells[1].cell.clone()],
                many: 4,
                until: Some(at("2026-11-24T02:00:00Z")),
                why: Clean::new("rang the office"),
            }],
            actions: Vec::new(),
            to_look_at: Vec::new(),
            tickets: Vec::new(),
            untold: Some(Clean::new("no policy is configured")),
            diff,
        };
        let answer = Ok(Box::new(page));
        desk.console.heard(Heard::Handover { asked, answer }, desk.mono);
        desk
    });
    let mut desk = desk((80, 24));
    desk.press(":").type_text("handover -8h").press("enter");
    let asked = report(&mut desk);
    assert_eq!(asked, Asked::Handover(Some(at("2026-11-24T01:14:00Z"))));
    let answer = Err("nothing is kept of that".to_owned());
    desk.console.heard(Heard::Handover { asked, answer }, desk.mono);
    assert!(desk.text().contains("nothing is kept of that"), "{}", desk.text());
}
