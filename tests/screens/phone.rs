//! A telephone rings: from the first letter to the sentence.

use caretaker::tui::theme::Depth;
use caretaker::wire::{Clean, Health, InCommon, Share};

use crate::fixture::{Desk, bad, calm, morning, page};

#[test]
fn a_school_is_found_by_town_slip_number_telephone_and_address() {
    let wanted = calm(250).schools[30].clone();
    let (first, rest) = wanted.name.as_str().split_once(' ').unwrap();
    // Its two middle letters change places.
    let slip: String = first
        .char_indices()
        .map(|(n, c)| match n {
            2 => first.as_bytes()[3] as char,
            3 => first.as_bytes()[2] as char,
            _ => c,
        })
        .collect();
    for said in [
        format!("{first} {}", wanted.town),
        format!("{slip} {rest}").to_lowercase(),
        wanted.laestab.spaced(),
        wanted.urn.unwrap().to_string(),
        wanted.telephone.as_str().replace(' ', ""),
        format!("office@{}.example {rest}", first.to_lowercase()).replace(&format!(" {rest}"), ""),
    ] {
        let mut desk = Desk::new(calm(250), (80, 24));
        desk.press("o").type_text(&said);
        assert!(desk.line_with("> school").contains(first), "{said}: {}", desk.text());
        desk.press("enter");
        assert!(desk.line(0).contains(first), "{said}: {}", desk.line(0));
    }
}

#[test]
fn of_equals_the_school_in_trouble_comes_first_and_what_means_nothing_is_said_so() {
    let mut board = calm(250);
    board.schools[200].cells[1] = bad(Health::Critical, 3_600);
    let name = board.schools[200].name.as_str().to_owned();
    let town = board.schools[200].town.as_str().to_owned();
    let mut desk = Desk::new(board, (80, 24));
    desk.press("o").type_text(&town);
    assert!(desk.line_with("> school").contains(&name), "{}", desk.text());
    desk.press("esc o").type_text("zzzzzz");
    assert!(desk.text().contains("nothing matches"), "{}", desk.text());
}

#[test]
fn is_it_only_us_stands_on_the_page_and_in_the_peek() {
    fn told(
        board: &caretaker::wire::board::Board,
        row: Option<usize>,
    ) -> caretaker::wire::page::Page {
        let mut page = page(board, row);
        for view in page.services.iter_mut().filter(|v| v.cell.health == Health::Critical) {
            view.elsewhere = 6;
            view.in_common = vec![InCommon {
                what: Clean::new("smoothwall.appliance"),
                value: Clean::new("north"),
                share: Share { sick: 6, all: 7 },
            }];
        }
        page
    }
    let mut desk = Desk::with(morning(250), (200, 50), "default", Depth::C16);
    desk.page_of = told;
    // A page that was not asked for yet.
    desk.press("j j enter");
    let shared = "smoothwall appliance north: 6 of the 7 that have it are ill";
    assert!(desk.text().contains(shared), "{}", desk.text());
    assert!(desk.text().contains("6 of 248 schools; not this school alone"), "{}", desk.text());
    assert!(desk.text().contains("5 other schools have the same."), "{}", desk.text());
}
