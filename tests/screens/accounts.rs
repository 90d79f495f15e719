//! The account's search and page: masked until asked, never another account's answer, and what an
//! action opened there is about.

use caretaker::tui::console::Effect;
use caretaker::tui::wish::{Heard, Wish};
use caretaker::wire::{AccountPage, Aim, Clean, CloudView, Hit, Hits, Kind, MailView};

use crate::fixture::{Desk, at};
use crate::guarded::{desk, planned, with};
use crate::snapshots::{coloured, everywhere};

/// At the cursor when the board opens.
const SCHOOL: &str = "9991012";
const GUID: &str = "6a6b1c1e-7c1f-4c0e-9a41-0b5a9f6d2e11";

fn hit(n: u32, label: &str, locked_out: bool) -> Hit {
    Hit {
        guid: Clean::new(&GUID.replace("e11", &format!("e{n:02}"))),
        label: Clean::new(label),
        folder: Clean::new("Pupils / Year 8"),
        kind: Kind::Pupil,
        disabled: n == 13,
        locked_out,
    }
}

fn hits() -> Hits {
    let hits =
        vec![hit(11, "m......12", true), hit(12, "m......13", false), hit(13, "m.........", false)];
    Hits { hits, more: true, by: Clean::new("dc1.welearn.example") }
}

fn page(show: bool) -> AccountPage {
    AccountPage {
        school: SCHOOL.parse().unwrap(),
        guid: Clean::new(GUID),
        label: Clean::new(if show { "m.sharp12" } else { "m......12" }),
        name: Clean::new(if show { "Mia Sharp" } else { "M... S...." }),
        kind: Kind::Pupil,
        folder: Clean::new("Pupils / Year 8"),
        by: Clean::new("dc1.welearn.example"),
        read_at: at("2026-11-24T09:20:11Z"),
        disabled: false,
        locked_out: true,
        locked_at: Some(at("2026-11-24T09:05:00Z")),
        unlocks_at: Some(at("2026-11-24T09:35:00Z")),
        ends_at: None,
        ended: false,
        must_change: false,
        password_set_at: Some(at("2026-09-03T08:00:00Z")),
        signed_in_at: Some(at("2026-11-23T14:10:00Z")),
        protected: None,
        cloud: CloudView::Known {
            id: Clean::new("0b1d8c1a-9f3f-4a43-8a55-6f1f2f4a7c01"),
            enabled: true,
            last_sync: Some(at("2026-11-24T09:01:00Z")),
            errors: Vec::new(),
        },
        mail: MailView::Missing,
        stops: Vec::new(),
        says: Clean::default(),
    }
    .told()
}

/// At the hits of a search for `sha`.
fn found(mut desk: Desk) -> Desk {
    desk.press("w").type_text("sha").press("enter");
    let Wish::FindAccounts(asked) = desk.wish() else { panic!() };
    assert!(!asked.show, "{asked:?}");
    desk.hear(Heard::Found { asked, answer: Ok(hits()) });
    desk
}

/// At the page of the first hit.
fn opened(desk: Desk) -> Desk {
    let mut desk = found(desk);
    desk.press("enter");
    let Wish::Account(asked) = desk.wish() else { panic!() };
    assert!(!asked.show, "{asked:?}");
    desk.hear(Heard::Account { asked, answer: Ok(Box::new(page(false))) });
    desk
}

#[test]
fn search_and_page_at_every_size() {
    everywhere("account_search", |size| {
        let mut desk = desk(size);
        desk.press("w").type_text("s");
        desk
    });
    everywhere("account_found", |size| found(desk(size)));
    coloured("account_found", &[1, 3, 4, 5, 6, 22, 23], |theme, depth| {
        found(with((80, 24), theme, depth))
    });
    everywhere("account_page", |size| opened(desk(size)));
    coloured("account_page", &[1, 3, 4, 6, 17, 23], |theme, depth| {
        opened(with((80, 24), theme, depth))
    });
    everywhere("account_show_names", |size| {
        let mut desk = opened(desk(size));
        desk.press("p").type_text("the mother rang");
        desk
    });
}

/// At the list, with two marks of this search and one of another.
fn marked(desk: Desk) -> Desk {
    let mut desk = found(desk);
    desk.press("down space up space / backspace backspace backspace");
    desk.type_text("zed").press("enter");
    let Wish::FindAccounts(asked) = desk.wish() else { panic!() };
    let other = Hits { hits: vec![hit(21, "z......01", false)], more: false, ..hits() };
    desk.hear(Heard::Found { asked, answer: Ok(other) });
    desk.press("down space");
    desk
}

fn guid(n: u32) -> String {
    format!("{SCHOOL}/guid:{}", GUID.replace("e11", &format!("e{n:02}")))
}

#[test]
fn marks_at_every_size() {
    everywhere("account_marked", |size| marked(desk(size)));
    coloured("account_marked", &[1, 3, 4, 20, 21, 22, 23], |theme, depth| {
        marked(with((80, 24), theme, depth))
    });
}

#[test]
fn one_plan_is_about_every_marked_account_and_marks_of_another_search_are_on_the_screen() {
    let mut desk = marked(desk((80, 24)));
    let said = "3 marked, 2 of them not in this list: m......13, m......12; in it: z......01";
    assert!(desk.text().contains(said), "{}", desk.text());
    desk.press("x");
    assert!(desk.text().contains("act on 3 marked accounts"), "{}", desk.text());
    assert!(!desk.text().contains("fresh"), "only what accounts take: {}", desk.text());
    desk.type_text("lock").press("enter");
    for label in ["m......12", "m......13", "z......01"] {
        assert!(desk.text().contains(label), "{label}: {}", desk.text());
    }
    desk.type_text("a list from the school").press("enter enter enter");
    let Wish::Plan { ask, show } = desk.wish() else { panic!() };
    let targets: Vec<String> = ask.targets.iter().map(ToString::to_string).collect();
    assert_eq!((targets, show), (vec![guid(12), guid(11), guid(21)], false));
    // What was begun is marked no more.
    let page = planned(&ask);
    desk.hear(Heard::Planned { ask, answer: Ok(Box::new(page.clone())) });
    desk.shown().wait(3);
    desk.type_text("3 Abbots").press("enter");
    assert_eq!(desk.wishes(), [], "not the words");
}

#[test]
fn marks_are_taken_away_one_by_one_or_all_that_are_listed() {
    let mut desk = marked(desk((80, 24)));
    desk.press("space");
    assert!(desk.text().contains("2 marked, 2 of them not in this list"), "{}", desk.text());
    desk.press("V V");
    assert!(desk.text().contains("2 marked, 2 of them"), "only the listed: {}", desk.text());
    let mut desk = found(self::desk((80, 24)));
    desk.press("down V");
    let text = desk.text();
    assert!(text.contains("3 marked: m......12, m......13, m........."), "{text}");
    assert!(text.contains("marked what is listed; there are more"), "{text}");
    desk.press("V");
    assert!(!desk.text().contains("marked:"), "{}", desk.text());
    // Without marks it is about the account at the cursor.
    desk.press("x");
    assert!(desk.text().contains("act on m......13"), "{}", desk.text());
    // In the line, the same keys are text.
    let mut typing = found(self::desk((80, 24)));
    typing.press("V").type_text("x");
    assert!(typing.text().contains("part of a name > shaVx"), "{}", typing.text());
}

#[test]
fn whole_names_of_marks_go_when_the_console_stops_whatever_was_searched_for_since() {
    let mut desk = found(desk((80, 24)));
    desk.press("tab").type_text("several called").press("enter");
    let Wish::FindAccounts(asked) = desk.wish() else { panic!() };
    let mut whole = hits();
    whole.hits[0].label = Clean::new("m.sharp12  Mia Sharp");
    desk.hear(Heard::Found { asked, answer: Ok(whole) });
    desk.press("down up space");
    assert!(desk.text().contains("1 marked: m.sharp12 Mia Sharp"), "{}", desk.text());
    desk.press("/").type_text("x").press("enter");
    let Wish::FindAccounts(asked) = desk.wish() else { panic!() };
    assert!(!asked.show);
    let none = Hits { hits: Vec::new(), more: false, ..hits() };
    desk.hear(Heard::Found { asked, answer: Ok(none) });
    assert!(desk.text().contains("names are shown, and recorded"), "{}", desk.text());
    desk.press("up ctrl-z");
    assert!(!desk.text().contains("Sharp"), "{}", desk.text());
    assert!(!desk.text().contains("SIGN-IN"), "{}", desk.text());
}

#[test]
fn names_are_shown_only_for_a_reason_and_go_when_the_console_stops() {
    let mut desk = opened(desk((80, 24)));
    assert!(!desk.text().contains("Sharp"));
    desk.press("p enter");
    assert_eq!(desk.wishes(), [], "without a reason nothing is asked");
    desk.type_text("the mother rang").press("enter");
    let Wish::Account(asked) = desk.wish() else { panic!() };
    assert!(asked.show && asked.why.as_str() == "the mother rang", "{asked:?}");
    desk.hear(Heard::Account { asked, answer: Ok(Box::new(page(true))) });
    assert!(desk.text().contains("Mia Sharp"), "{}", desk.text());
    desk.press("ctrl-z");
    assert!(!desk.text().contains("Sharp"), "{}", desk.text());
}

#[test]
fn names_of_a_search_are_shown_only_for_a_reason() {
    let mut desk = found(desk((80, 24)));
    desk.press("tab").type_text("several called").press("enter");
    let Wish::FindAccounts(asked) = desk.wish() else { panic!() };
    assert!(asked.show && asked.part == "sha" && asked.why.as_str() == "several called");
    let mut whole = hits();
    whole.hits[0].label = Clean::new("m.sharp12  Mia Sharp");
    desk.hear(Heard::Found { asked, answer: Ok(whole) });
    assert!(desk.text().contains("names are shown, and recorded"), "{}", desk.text());
    desk.press("ctrl-z");
    assert!(!desk.text().contains("Sharp"), "{}", desk.text());
}

#[test]
fn an_answer_to_another_question_is_not_shown() {
    let mut desk = desk((80, 24));
    desk.press("w").type_text("sha").press("enter");
    let Wish::FindAccounts(asked) = desk.wish() else { panic!() };
    desk.type_text("r");
    desk.hear(Heard::Found { asked: asked.clone(), answer: Ok(hits()) });
    assert!(!desk.text().contains("m......12"), "{}", desk.text());
    // Enter on a list that is no more the one of what is typed searches, and opens nothing.
    desk.press("enter");
    let Wish::FindAccounts(again) = desk.wish() else { panic!() };
    assert_eq!(again.part, "shar");

    let mut desk = opened(self::desk((80, 24)));
    let before = desk.text();
    let mut other = page(true);
    other.label = Clean::new("another");
    let account: Aim =
        format!("{SCHOOL}/guid:11111111-7c1f-4c0e-9a41-0b5a9f6d2e11").parse().unwrap();
    let asked = caretaker::wire::account::AskAccount { account, show: true, why: "x".into() };
    desk.hear(Heard::Account { asked: Box::new(asked), answer: Ok(Box::new(other)) });
    assert_eq!(desk.text(), before);
}

#[test]
fn an_action_opened_on_an_account_aims_at_its_id_and_offers_only_what_accounts_take() {
    let mut desk = opened(desk((80, 24)));
    desk.press("x");
    let menu = desk.text();
    assert!(menu.contains("Lock an account"), "{menu}");
    assert!(!menu.contains("fresh"), "{menu}");
    desk.type_text("lock").press("enter");
    assert!(!desk.text().contains("the account's name at the school"), "{}", desk.text());
    desk.type_text("parent rang").press("enter enter enter");
    let Wish::Plan { ask, show } = desk.wish() else { panic!() };
    assert_eq!(ask.targets, [format!("{SCHOOL}/guid:{GUID}").parse::<Aim>().unwrap()]);
    assert!(!show);
}

#[test]
fn the_estate_has_no_accounts_and_copy_sends_the_sentence() {
    let mut desk = desk((80, 24));
    desk.press("k k k w");
    let on_estate = desk.text();
    assert!(on_estate.contains("accounts belong to a school: choose one"), "{on_estate}");

    let mut desk = opened(self::desk((80, 24)));
    desk.press("y");
    let copied = desk.effects().into_iter().find_map(|effect| match effect {
        Effect::Copy(text) => Some(text),
        _ => None,
    });
    let copied = copied.unwrap();
    assert!(copied.starts_with("The person cannot sign in: it is locked out"), "{copied}");
}
