//! The console line by line: what is read out, and what a line asks for.

use caretaker::config::{GroupBy, ViewSettings};
use caretaker::tui::plain::{Asked, Listing, Plain, page, why};
use caretaker::tui::state::{Places, Rows};
use caretaker::wire::board::{Board, Row};
use caretaker::wire::incident::IncidentPlaces;
use caretaker::wire::{Clean, Health, Laestab};
use jiff::Timestamp;

use crate::fixture::{NOW, at, calm, count, morning, page as page_of};

fn now() -> Timestamp {
    at(NOW)
}

/// What is read out when `list` and these words are typed.
fn list(plain: &mut Plain, rows: &Rows, words: &str) -> Result<String, String> {
    let Asked::List(listing) = plain.read(&format!("list {words}"))? else {
        panic!("no list: {words}")
    };
    plain.list(rows, &listing, None, now())
}

/// Every sentence of a morning: the list, a page, a service of it.
#[test]
fn a_morning_is_heard_in_sentences() {
    let board = morning(60);
    let rows = Rows::new(board.clone());
    let mut plain = Plain::default();
    let mut heard = vec![Plain::totals(&rows), list(&mut plain, &rows, "").unwrap()];
    heard.push(plain.more(&rows, now()));
    let row = plain.entry(4).unwrap();
    let Row::School(laestab) = row else { panic!("{row:?}") };
    let n = board.schools.iter().position(|s| s.laestab == laestab).unwrap();
    let read = page_of(&board, Some(n));
    heard.push(page(&read, now()));
    heard.push(why(&read, "gc", now()).unwrap());
    assert_eq!(why(&read, "telephone", now()), None);
    let text = heard.join("\n\n");
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("plain_morning", text);
    });
    // Nothing has to be seen: no letters of the board, no columns.
    assert!(!text.contains("   ") && !text.contains(" C3d"), "{text}");
}

#[test]
fn every_school_in_trouble_is_read_out_once_worst_that_nobody_has_first() {
    let board = morning(60);
    let rows = Rows::new(board.clone());
    let mut plain = Plain::default();
    let mut heard = list(&mut plain, &rows, "").unwrap();
    while heard.ends_with("type more.") {
        heard = format!("{heard}\n{}", plain.more(&rows, now()));
    }
    assert_eq!(plain.more(&rows, now()), "That was the whole list.");
    for school in &board.schools {
        let bad = school.cells.iter().any(|c| c.health.is_trouble());
        let told = heard.matches(&format!(" {}: ", school.name)).count();
        assert_eq!(told, usize::from(bad), "{}: {heard}", school.name);
    }
    let first = heard.lines().nth(1).unwrap();
    assert!(first.contains("critical") && first.contains("nobody has it"), "{heard}");
    assert!(heard.starts_with("1. whole estate: Just2Easy warning"), "{heard}");
}

#[test]
fn what_is_new_since_somebody_last_looked_is_said_before_its_entry() {
    let board = morning(60);
    let rows = Rows::new(board);
    let first = |plain: &mut Plain| {
        let heard = list(plain, &rows, "").unwrap();
        heard.lines().nth(1).unwrap().to_owned()
    };
    let (then, row) = (at("2026-11-23T17:00:00Z"), {
        let mut plain = Plain::default();
        list(&mut plain, &rows, "").unwrap();
        plain.entry(2).unwrap()
    });
    let diff = crate::looked::worse(row);
    let mut plain = Plain::looked_before(Some(then));
    assert_eq!(plain.looks(now()), Some(then));
    let told = plain.news(then, &diff, now()).unwrap();
    assert_eq!(
        told,
        "1 entry is worse than when you last looked, Mon 17:00: the list says new of them."
    );
    assert!(first(&mut plain).starts_with("2. new: "), "{}", first(&mut plain));
    assert_eq!(plain.looks(now()), None, "nobody was away since");
    plain.entry(2).unwrap();
    assert!(!first(&mut plain).contains("new: "), "its page was opened");
    assert_eq!(plain.looked_last(), Some(now()));
    assert_eq!(Plain::looked_before(None).looks(now()), None, "never looked: nothing is new");
}

#[test]
fn an_empty_list_says_why() {
    let mut plain = Plain::default();
    let rows = Rows::new(calm(5));
    assert_eq!(list(&mut plain, &rows, "").unwrap(), "No school is in trouble.");
    assert_eq!(list(&mut plain, &rows, "gc:c").unwrap(), "None of 5 schools matches.");
    assert!(list(&mut plain, &rows, "xx:c").unwrap_err().contains("xx"));
    let none = Rows::new(calm(0));
    assert_eq!(list(&mut plain, &none, "").unwrap(), "No school is configured.");
    let mut restored = calm(5);
    (restored.settled, restored.restored_from) = (false, Some(now()));
    assert!(Plain::totals(&Rows::new(restored)).starts_with("This is the last known board"));
}

/// Unknown is never read out as ok, in no list and on no page.
#[test]
fn unknown_is_heard_as_unknown() {
    let mut board = calm(3);
    board.schools[1].cells[4] = crate::fixture::bad(Health::Unknown, 600);
    count(&mut board);
    let rows = Rows::new(board.clone());
    let list = list(&mut Plain::default(), &rows, "").unwrap();
    assert!(list.contains("Smoothwall unknown for 10 minutes, nobody has it"), "{list}");
    let heard = page(&page_of(&board, Some(1)), now());
    assert!(heard.contains("Smoothwall: unknown since"), "{heard}");
    assert!(!heard.split("Ok: ").nth(1).unwrap().lines().next().unwrap().contains("Smoothwall"));
}

#[test]
fn a_view_stands_for_its_filter() {
    let rows = Rows::new(morning(60));
    let view = |name: &str, filter: &str| ViewSettings {
        name: name.to_owned(),
        filter: filter.to_owned(),
        group: GroupBy::Nothing,
    };
    let views = vec![view("backups", "rs:c"), view("all", "")];
    let mut plain = Plain::default().with_views(views);
    let wanted = list(&mut Plain::default(), &rows, "rs:c").unwrap();
    assert_eq!(list(&mut plain, &rows, "@backups").unwrap(), wanted);
    assert_ne!(wanted, list(&mut Plain::default(), &rows, "").unwrap());
    assert_eq!(
        list(&mut plain, &rows, "@bakups").unwrap_err(),
        "no view is \"bakups\": backups, all"
    );
    let none = list(&mut Plain::default(), &rows, "@backups").unwrap_err();
    assert!(none.contains("[[console.views]]"), "{none}");
}

/// Three schools in trouble, two of them of one trust; one is well.
fn trusts() -> Board {
    let mut board = calm(4);
    for (n, trust) in [(0, "Alder Trust"), (1, ""), (2, "Alder Trust"), (3, "Oak Trust")] {
        board.schools[n].trust = Clean::new(trust);
    }
    for (n, health) in [(0, Health::Warning), (1, Health::Warning), (2, Health::Critical)] {
        board.schools[n].cells[1].health = health;
    }
    count(&mut board);
    board
}

#[test]
fn a_list_is_read_out_in_groups() {
    let board = trusts();
    let name = |n: usize| board.schools[n].name.to_string();
    let rows = Rows::new(board.clone());
    let mut plain = Plain::default();
    let heard = list(&mut plain, &rows, "by trust").unwrap();
    // The worst group first; each says what it shares before its first school.
    let told: Vec<&str> = heard.lines().map(|l| l.split(": Groupcall").next().unwrap()).collect();
    let wanted = [
        "Alder Trust: 2 schools.".to_owned(),
        format!("1. {}", name(2)),
        format!("2. {}", name(0)),
        "in no trust: 1 school.".to_owned(),
        format!("3. {}", name(1)),
    ];
    assert_eq!(told, wanted, "{heard}");
    // The numbers are those of the schools, also behind a head; and a list of names has no heads.
    assert_eq!(plain.entry(3), Some(Row::School(board.schools[1].laestab)));
    assert!(!list(&mut plain, &rows, "").unwrap().contains("schools."));
    // With a filter; a word that is no group is one of the filter's.
    let heard = list(&mut plain, &rows, "by trust gc:ok").unwrap();
    assert!(heard.starts_with("Oak Trust: 1 school.\n1. "), "{heard}");
    assert_eq!(list(&mut plain, &rows, "by nobody").unwrap(), "None of 4 schools matches.");
    // A view has its own.
    let view = ViewSettings { name: "ours".into(), filter: "gc:c".into(), group: GroupBy::Trust };
    let mut plain = Plain::default().with_views(vec![view]);
    assert_eq!(
        list(&mut plain, &rows, "@ours").unwrap(),
        list(&mut plain, &rows, "by trust gc:c").unwrap()
    );
    assert_eq!(list(&mut plain, &rows, "@ours").unwrap().matches("Trust: 1 school.").count(), 1);
}

#[test]
fn who_hears_more_of_a_group_hears_of_which() {
    let mut board = calm(13);
    for (n, school) in board.schools.iter_mut().enumerate() {
        school.trust = Clean::new(if n == 12 { "Oak Trust" } else { "Alder Trust" });
    }
    let rows = Rows::new(board);
    let mut plain = Plain::default();
    list(&mut plain, &rows, "by trust gc:ok").unwrap();
    let more = plain.more(&rows, now());
    let lines: Vec<&str> = more.lines().collect();
    assert_eq!(
        (lines[0], lines[3]),
        ("Further of Alder Trust: 12 schools.", "Oak Trust: 1 school.")
    );
}

#[test]
fn a_list_by_incident_takes_what_the_agent_tells_of_them() {
    let board = trusts();
    let rows = Rows::new(board.clone());
    let mut plain = Plain::default();
    let Ok(Asked::List(listing)) = plain.read("list by incident") else { panic!() };
    let mut told = crate::fixture::incidents();
    told.places =
        vec![IncidentPlaces { id: told.incidents[0].id, schools: vec![board.schools[2].laestab] }];
    let places = Places::new(&told);
    let heard = plain.list(&rows, &listing, Some(&places), now()).unwrap();
    let head = format!("incident {}, {}: 1 school.", told.incidents[0].id, told.incidents[0].title);
    assert!(heard.contains(&head), "{heard}");
    assert!(heard.contains("in no open incident: 2 schools."), "{heard}");
}

fn opened() -> (Plain, Laestab) {
    let rows = Rows::new(morning(60));
    let mut plain = Plain::default();
    list(&mut plain, &rows, "").unwrap();
    let Some(Row::School(laestab)) = plain.entry(2) else { panic!("no school") };
    (plain, laestab)
}

#[test]
fn a_line_is_a_word_of_its_own_or_a_command() {
    let run = |words: &[&str]| Ok(Asked::Run(words.iter().map(|w| (*w).to_owned()).collect()));
    let fresh = Plain::default();
    assert_eq!(fresh.read("  \n"), Ok(Asked::Nothing));
    let listing = Listing { filter: "gc:c age>2d".to_owned(), by: GroupBy::Nothing };
    assert_eq!(fresh.read("list gc:c age>2d\n"), Ok(Asked::List(listing)));
    assert_eq!(fresh.read("status --json"), run(&["status", "--json"]));
    assert_eq!(fresh.read("quit"), Ok(Asked::End));
    // A number beyond what was read out opens nothing that was never heard.
    assert!(fresh.read("1").unwrap_err().contains("no entry 1"));
    assert!(fresh.read("claim").unwrap_err().contains("open a school"));
    assert!(fresh.read("plan x ./groupcall").unwrap_err().contains("open a school"));
    assert!(fresh.read("note 'no end").is_err());

    let (plain, laestab) = opened();
    let number = laestab.to_string();
    assert_eq!(plain.read("claim"), run(&["handle", "claim", &number]));
    assert_eq!(
        plain.read("note server moved; they say 'soon'"),
        run(&["handle", "note", &number, "--why", "server moved; they say 'soon'"])
    );
    assert_eq!(
        plain.read("plan desk.raise_ticket ./groupcall --reason 'no data'"),
        run(&["plan", "desk.raise_ticket", &format!("{number}/groupcall"), "--reason", "no data"])
    );
    assert_eq!(plain.read("secret set .hidden"), run(&["secret", "set", ".hidden"]));
    assert_eq!(plain.read("10"), Ok(Asked::Entry(10)));
    assert!(plain.read("11").is_err(), "ten were read out");
}

#[test]
fn a_school_is_found_by_what_is_said_of_it() {
    let rows = Rows::new(morning(60));
    let mut plain = Plain::default();
    let row = plain.school("maple prim", &rows, now()).unwrap();
    assert_eq!(plain.open(), Some(row));
    let several = plain.school("primary", &rows, now()).unwrap_err();
    assert!(several.starts_with("1. ") && several.contains("\n2. "), "{several}");
    assert!(plain.entry(2).is_some());
    assert!(plain.school("zzzzqqq", &rows, now()).unwrap_err().contains("no school is found"));
    // What lies behind the last entry is the end, not the first again.
    let rows = Rows::new(calm(0));
    let mut none = Plain::default();
    list(&mut none, &rows, "").unwrap();
    assert_eq!(none.following(), None);
}
