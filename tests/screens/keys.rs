//! Keys as the desk presses them, told as stories.

use caretaker::tui::console::Effect;
use caretaker::tui::keymap::{BINDINGS, Command, Scope, WORDS, page};
use caretaker::tui::term::Input;
use caretaker::wire::board::CompactCell;
use caretaker::wire::{Handling, HandlingKind, Health};

use crate::fixture::{DAY, Desk, HOUR, bad, calm, count, laestab, morning, ok};

fn desk() -> Desk {
    Desk::new(morning(250), (80, 24))
}

#[test]
fn keys_page_is_the_one_of_the_keymap() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/keys.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, page()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), page(), "UPDATE_DOCS=1 writes it again");
}

#[test]
fn themes_page_is_the_one_of_the_roles() {
    let (path, page) =
        (concat!(env!("CARGO_MANIFEST_DIR"), "/docs/themes.md"), caretaker::tui::theme::page());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), page, "UPDATE_DOCS=1 writes it again");
}

/// A desk in each place that has a palette.
fn places() -> Vec<(Scope, Desk)> {
    let named = |name: &str| {
        let mut desk = crate::guarded::desk((80, 24));
        desk.press(":").type_text(name).press("enter");
        desk
    };
    let mut page = crate::guarded::desk((80, 24));
    page.press("enter");
    vec![
        (Scope::Board, crate::guarded::desk((80, 24))),
        (Scope::Page, page),
        (Scope::Text, named("handover")),
        (Scope::Approvals, named("approvals")),
        (Scope::Look, named("look")),
        (Scope::Audit, named("audit")),
        (Scope::Expiring, named("expiring")),
        (Scope::Incidents, named("incidents")),
        (Scope::Incident, crate::incidents::opened(crate::guarded::desk((80, 24)))),
    ]
}

#[test]
fn every_command_has_a_way_to_it_a_help_and_a_line_in_the_docs() {
    let docs = page();
    let palette = BINDINGS.iter().find(|b| b.command == Command::Palette).unwrap();
    for b in BINDINGS {
        let name = b.name;
        assert!(!b.label.is_empty() && b.help.len() > b.label.len(), "{name}: {:?}", b.help);
        assert!(
            docs.contains(&format!("| `{name}` | {} |", b.help)),
            "{name}: no line in the docs"
        );
        let reached = b.keys.is_empty();
        assert!(
            !reached || b.scopes.iter().all(|scope| palette.scopes.contains(scope)),
            "{name}: neither a key nor the palette"
        );
    }
    let is_offered = |desk: &Desk, name: &str| {
        let text = desk.text();
        text.lines().any(|l| l.trim_start_matches([' ', '>']).starts_with(name.trim_end()))
    };
    for (scope, mut desk) in places() {
        for b in BINDINGS.iter().filter(|b| b.keys.is_empty() && b.scopes.contains(&scope)) {
            let (name, at) = (b.name, scope.word());
            desk.press("?").type_text(&format!(":{name}"));
            assert!(is_offered(&desk, &format!(":{name}")), "{at} {name}: {}", desk.text());
            // What the other one opens: `group ` with its choices.
            let word = if b.command == Command::Groups { "group" } else { name };
            desk.press("esc :").type_text(word);
            assert!(is_offered(&desk, word), "{at} {name}: {}", desk.text());
            desk.press("esc");
        }
        for word in WORDS {
            assert!(docs.contains(&format!("| `:{}` | {} |", word.name.trim_end(), word.help)));
            let shown = format!(":{}", word.name.trim_end());
            desk.press("?").type_text(&shown);
            assert!(is_offered(&desk, &shown), "{shown}: {}", desk.text());
            desk.press("esc :").type_text(word.name.trim_end());
            assert!(is_offered(&desk, word.name), "{shown}: {}", desk.text());
            desk.press("esc");
        }
    }
}

#[test]
fn the_palette_offers_what_only_it_knows_first_and_all_of_it() {
    for (scope, mut desk) in places() {
        desk.press(":");
        let text = desk.text();
        let own = BINDINGS.iter().filter(|b| b.keys.is_empty() && b.scopes.contains(&scope));
        let own = own.filter(|b| b.scopes.len() < 3).map(|b| b.name);
        for name in own.filter(|name| *name != "groups") {
            assert!(text.contains(&format!(" {name} ")), "{name} in {}: {text}", scope.word());
        }
        // Every one of them can be chosen.
        let place = text.lines().last().unwrap().to_owned();
        let all: usize = place
            .split(" of ")
            .nth(1)
            .and_then(|rest| rest.split(',').next())
            .unwrap_or_else(|| panic!("{text}"))
            .parse()
            .unwrap();
        for _ in 0..all + 3 {
            desk.press("down");
        }
        assert!(desk.text().contains(&format!("{all} of {all}")), "{}", desk.text());
        assert!(desk.text().lines().any(|line| line.starts_with('>')), "{}", desk.text());
    }
}

#[test]
fn from_a_ringing_telephone_to_the_sentence() {
    let mut desk = desk();
    desk.press("o").type_text("alde").press("enter");
    assert!(desk.pressed <= 6, "{} keys", desk.pressed);
    let say = desk.line_with("SAY");
    assert!(say.contains("Your pupil data has not reached us since Saturday."), "{say}");
    desk.press("y");
    let copied = desk.effects();
    assert!(matches!(&copied[..], [Effect::Copy(text)] if text.starts_with("Your pupil data")));
    assert!(desk.line_with("sent to the terminal").contains("Your pupil data"));
}

#[test]
fn y_on_the_board_sends_what_the_page_would_say() {
    let mut desk = desk();
    desk.press("/").type_text("alder").press("enter y");
    let copied = desk.effects();
    assert!(matches!(&copied[..], [Effect::Copy(text)] if text.starts_with("Your pupil data")));
    // Of a folded line, or before the page has come, nothing is said.
    let mut desk = Desk::new(morning(250), (80, 24));
    desk.press("G y");
    assert_eq!(desk.effects(), []);
}

#[test]
fn place_and_filter_are_kept_on_the_way_back() {
    let mut desk = desk();
    desk.press("/").type_text("has:nobody").press("enter j j");
    let cursor = desk.line_with(">  ");
    desk.press("enter");
    assert!(desk.line(0).contains("board > "));
    desk.press("] [ esc");
    assert_eq!(desk.line_with(">  "), cursor);
    assert!(desk.line(1).contains("shown 6 of 250"), "{}", desk.line(1));
    desk.press("esc");
    assert!(!desk.line(1).contains("shown"), "one more step back takes the filter away");
    assert!(desk.effects().is_empty(), "Esc never ends");
}

#[test]
fn the_filter_is_live_says_itself_back_and_explains_a_bad_term() {
    let mut desk = desk();
    desk.press("/").type_text("gc:c");
    assert!(desk.text().contains("Groupcall critical"));
    assert!(desk.line(1).contains("shown 1 of 250"), "{}", desk.line(1));
    desk.type_text(" age>x");
    assert!(desk.text().contains("not applied"), "{}", desk.text());
    assert!(desk.line(1).contains("shown 1 of 250"), "the terms before it hold");
    desk.press("esc");
    assert!(!desk.line(1).contains("shown"), "left without it");
    desk.press("/").type_text("qq:c");
    assert!(desk.text().contains("there is no service or term `qq`"));
}

#[test]
fn a_filter_that_matches_nothing_says_so() {
    let mut desk = desk();
    desk.press("/").type_text("nosuchschool");
    assert!(desk.text().contains("no school of 250 matches: has \"nosuchschool\""));
    assert!(desk.line(1).contains("C 3"), "totals are true whatever the filter");
}

#[test]
fn marks_outside_the_filter_are_told() {
    let mut desk = desk();
    desk.press("space j space");
    assert!(desk.line_with("2 marked: ").contains("2 marked: "));
    desk.press("/").type_text("gc:w").press("enter");
    assert!(desk.text().contains("2 marked (2 not shown here)"), "{}", desk.text());
    desk.press("V");
    assert!(desk.text().contains("4 marked (2 not shown here)"), "{}", desk.text());
    desk.press("V");
    assert!(desk.text().contains("2 marked (2 not shown here)"), "{}", desk.text());
}

#[test]
fn the_cursor_stays_with_its_school_when_a_worse_one_sorts_in() {
    let mut desk = desk();
    desk.press("j");
    let before = desk.line_with(">  ");
    desk.change(24, 2, bad(Health::Critical, 20 * DAY));
    assert!(desk.line(1).contains("1 changed"), "{}", desk.line(1));
    assert_eq!(desk.line_with(">  "), before);
    let order = desk.text();
    desk.wait(9).beat();
    assert_eq!(desk.line_with(">  "), before);
    desk.wait(2).beat();
    assert!(!desk.line(1).contains("changed"), "sorted after ten seconds without a key");
    assert_ne!(desk.text(), order);
    assert_eq!(
        desk.line_with(">  ").trim_start_matches(['>', ' ']),
        before.trim_start_matches(['>', ' '])
    );
}

#[test]
fn what_waits_is_sorted_by_n_and_g_and_r() {
    for key in ["n", "g", "r"] {
        let mut desk = desk();
        desk.press("j").change(100, 2, bad(Health::Critical, 20 * DAY));
        assert!(desk.line(1).contains("1 changed"));
        desk.press(key);
        assert!(!desk.line(1).contains("changed"), "{key}");
    }
    let mut desk = desk();
    desk.press("j").change(100, 2, bad(Health::Critical, HOUR)).change(100, 2, ok());
    assert!(!desk.line(1).contains("changed"), "back where it was: nothing waits");
}

#[test]
fn n_goes_round_the_troubles_that_nobody_has() {
    let mut desk = desk();
    let mut seen = Vec::new();
    for _ in 0..6 {
        seen.push(desk.name_at_cursor());
        desk.press("n");
    }
    let first = desk.name_at_cursor();
    assert_eq!(first, seen[0], "round again");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 6);
}

#[test]
fn n_never_says_all_clear_of_what_it_does_not_show() {
    // Closed groups are opened for it, in the order of the groups; round again and backwards.
    for key in ["n", "N"] {
        let mut desk = desk();
        desk.press(":").type_text("group town").press("enter");
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..6 {
            desk.press(key);
            assert!(!desk.text().contains("nothing that nobody has"), "{}", desk.text());
            seen.insert(desk.name_at_cursor());
        }
        assert_eq!(seen.len(), 6, "{seen:?}");
        desk.press(key);
        assert!(seen.contains(&desk.name_at_cursor()));
    }
    let mut desk = desk();
    desk.press("/").type_text("nosuchschool").press("enter n");
    assert!(desk.text().contains("none of what is shown; 6 elsewhere"), "{}", desk.text());
    // The whole estate's own trouble is one too.
    let mut desk = Desk::new(calm(20), (80, 24));
    desk.press("n");
    assert!(desk.text().contains("nothing that nobody has"), "{}", desk.text());
    let mut board = calm(20);
    board.estate[2] = bad(Health::Critical, HOUR);
    let mut desk = Desk::new(board, (80, 24));
    desk.press("G n");
    assert!(desk.line_with(">  ").contains("whole estate"), "{}", desk.text());
    // Not known is not well.
    let mut desk = Desk::new(calm(20), (80, 24));
    desk.lose().wait(200).press("n");
    assert!(desk.text().contains("how it is now is not known"), "{}", desk.text());
    let mut board = calm(20);
    board.settled = false;
    let mut desk = Desk::new(board, (80, 24));
    desk.press("n");
    assert!(desk.text().contains("so far; first answers"), "{}", desk.text());
}

#[test]
fn who_has_it_is_told_of_the_cell_that_nobody_or_somebody_has() {
    let handled = |kind| Some(Box::new(Handling { kind, by: "tomr".into(), until: None }));
    let row = |cells: &[(usize, CompactCell)]| {
        let mut board = calm(20);
        for (column, cell) in cells {
            board.schools[3].cells[*column] = cell.clone();
        }
        count(&mut board);
        let name = board.schools[3].name.to_string();
        let mut desk = Desk::new(board, (120, 40));
        desk.press("/").type_text(name.split(' ').next().unwrap_or_default()).press("enter");
        let line = desk.line_with(&name);
        line.split_whitespace().any(|word| word == "tomr")
    };
    let claimed =
        CompactCell { handling: handled(HandlingKind::Claimed), ..bad(Health::Warning, HOUR) };
    let planned = CompactCell { handling: handled(HandlingKind::Downtime), ..ok() };
    assert!(row(&[(2, claimed.clone())]));
    // A worse one that nobody has puts the school where it stands.
    assert!(!row(&[(1, bad(Health::Critical, DAY)), (2, claimed)]));
    assert!(!row(&[(1, bad(Health::Critical, DAY)), (2, planned)]));
}

#[test]
fn nothing_is_done_within_one_slip_of_a_key_that_moves() {
    // What has a question, a screen of its own, or a second press between it and its effect.
    let asks = [Command::Downtime, Command::GiveBack, Command::TakeBack];
    let moves = [Command::HalfDown, Command::HalfUp, Command::PageDown, Command::PageUp];
    let mut looked_at = 0;
    for b in BINDINGS.iter().filter(|b| moves.contains(&b.command)) {
        for plain in b.keys.iter().filter_map(|key| key.strip_prefix("ctrl-")) {
            for other in BINDINGS.iter().filter(|o| o.keys.contains(&plain)) {
                let meet = b.scopes.iter().any(|scope| other.scopes.contains(scope));
                // Of incidents, giving back is in the same table of those that ask.
                assert!(!meet || asks.contains(&other.command), "{plain}: {}", other.name);
                looked_at += usize::from(meet);
            }
        }
    }
    assert!(looked_at >= 4, "d, and u in three places: {looked_at}");
}

#[test]
fn a_folded_line_opens_and_closes_with_enter() {
    let mut desk = desk();
    desk.press("G");
    assert!(desk.line_with(">  ").contains("not set up"));
    desk.press("up");
    assert!(desk.line_with(">  ").contains("+ ok: "), "{}", desk.text());
    desk.press("enter");
    assert!(desk.line_with(">  ").contains("- ok: "));
    desk.press("down");
    assert!(desk.text().contains("Alder Academy"), "well schools by name: {}", desk.text());
    desk.press("up enter");
    assert!(!desk.text().contains("Alder Academy"));
}

#[test]
fn pasted_text_runs_no_keys() {
    let mut desk = desk();
    let before = desk.text();
    desk.console.input(Input::Paste("qqq\nVV ".into()), desk.mono);
    assert_eq!(desk.text(), before);
    assert!(desk.effects().is_empty());
    desk.press("enter");
    let before = desk.text();
    desk.console.input(Input::Paste("qy\u{1b}".into()), desk.mono);
    assert_eq!((desk.text(), desk.effects()), (before, Vec::new()));
    desk.press("esc /");
    desk.console.input(Input::Paste("alder\u{1b}[2Jprim".into()), desk.mono);
    assert!(desk.text().contains("/ alder [2Jprim"), "{}", desk.text());
}

#[test]
fn leaving_needs_q_on_the_board_or_ctrl_c_twice() {
    let mut desk = desk();
    desk.press("enter q");
    assert!(desk.effects().is_empty(), "q on a page goes back");
    desk.press("ctrl-c j ctrl-c");
    assert!(desk.effects().is_empty(), "a key between starts again");
    desk.press("ctrl-c");
    assert_eq!(desk.effects(), [Effect::Quit]);
    desk.press("q");
    assert_eq!(desk.effects(), [Effect::Quit]);
    desk.press("? :").type_text("x");
    desk.press("ctrl-c");
    assert!(desk.effects().is_empty());
    desk.press("enter :").type_text("q").press("enter");
    assert_eq!(desk.effects(), [Effect::Quit], ":q leaves from a page too");
}

#[test]
fn the_palette_runs_commands_and_changes_the_theme() {
    let mut desk = desk();
    let dark = desk.styles(0);
    desk.press(":").type_text("theme light").press("enter");
    assert_ne!(desk.styles(0), dark);
    desk.press(":").type_text("theme nosuch").press("enter");
    assert!(desk.text().contains("there is none of that name"), "{}", desk.text());
    desk.press(":").type_text("filter rs:c").press("enter");
    assert!(desk.line(1).contains("shown 2 of 250"), "{}", desk.line(1));
    desk.press(":").type_text("school 9991012").press("enter");
    assert!(desk.line(0).contains(&desk.board.schools[12].name.to_string()), "{}", desk.line(0));
    assert_eq!(desk.board.schools[12].laestab, laestab(1_012));
}

#[test]
fn help_is_made_from_the_keymap_and_searched() {
    let mut desk = desk();
    desk.press("?").type_text("folded");
    let text = desk.text();
    assert!(text.contains("Enter") && text.contains("folded line"), "{text}");
    assert!(!text.contains("Marks every school"));
    desk.press("esc");
    assert!(desk.line(1).contains("nobody C 3"));
}

#[test]
fn only_what_exists_is_hinted() {
    let text = desk().text();
    let hints: Vec<&str> = text.lines().skip(22).collect();
    let hints = hints.join(" ");
    for there in [
        "Enter open",
        "n next bad",
        "/ filter",
        "? keys",
        "q quit",
        "w sign-in",
        "c claim",
        "a ack",
        "d downtime",
        "x act",
        "i incidents",
    ] {
        assert!(hints.contains(there), "{there}: {hints}");
    }
    assert!(!hints.contains("who"), "not yet: {hints}");
}
