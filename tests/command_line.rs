//! What the command line judges and prints, from documents made here.
#![cfg(test)]

#[path = "command_line/expiring.rs"]
mod expiring;
#[path = "command_line/statements.rs"]
mod statements;
#[path = "command_line/teach.rs"]
mod teach;

use std::collections::BTreeMap;

use caretaker::cli::{self, Lines, PickError};
use caretaker::wire::board::{AgentInfo, Board, CellChange, Column, CompactCell, Row, SchoolRow};
use caretaker::wire::past::{Diff, Differs, Handover, Named, Past, Sort, Stood};
use caretaker::wire::runs::Stretch;
use caretaker::wire::status::{CellStatus, EstateStatus, SchoolStatus, Status};
use caretaker::wire::{Cause, Health, Laestab, Reason, Scope, ServiceKey, VERSION};

fn key(text: &str) -> ServiceKey {
    text.parse().unwrap()
}

fn number(text: &str) -> Laestab {
    text.parse().unwrap()
}

fn cell(health: Health) -> CellStatus {
    CellStatus {
        health,
        reason: (health == Health::Unknown).then_some(Reason::Stale),
        why: "no data since Sat 03:02, limit 50h".into(),
        since: Some("2026-11-21T03:02:00Z".parse().unwrap()),
        state_since: None,
        soft: false,
        handling: None,
        follows_from: None,
        tickets: Vec::new(),
        checks: Vec::new(),
    }
}

fn status(cells: &[(&str, Health)]) -> Status {
    let cells: BTreeMap<_, _> = cells.iter().map(|(k, h)| (key(k), cell(*h))).collect();
    Status {
        version: VERSION,
        as_of: "2026-11-24T09:00:00Z".parse().unwrap(),
        revision: 7,
        settled: true,
        summary: caretaker::wire::board::Summary::default(),
        schools_summary: caretaker::wire::board::Summary::default(),
        not_watched: Vec::new(),
        past: None,
        estate: Vec::new(),
        schools: vec![SchoolStatus {
            laestab: number("9991001"),
            name: "Alder Bank Primary".into(),
            cells,
        }],
    }
}

#[test]
fn the_exit_code_is_that_of_the_worst_and_not_the_largest() {
    let code = |cells: &[(&str, Health)]| cli::status_code(&status(cells), true, None);
    assert_eq!(code(&[("redstor", Health::Ok), ("groupcall", Health::NotSubscribed)]), 0);
    assert_eq!(code(&[("redstor", Health::Warning)]), 1);
    assert_eq!(code(&[("redstor", Health::Warning), ("groupcall", Health::Unknown)]), 3);
    assert_eq!(code(&[("redstor", Health::Critical), ("groupcall", Health::Unknown)]), 2);
}

#[test]
fn soft_cells_do_not_count_and_following_ones_do() {
    let mut soft = status(&[("redstor", Health::Critical)]);
    soft.schools[0].cells.get_mut(&key("redstor")).unwrap().soft = true;
    assert_eq!(cli::status_code(&soft, true, None), 0);
    let mut follows = status(&[("redstor", Health::Warning)]);
    follows.schools[0].cells.get_mut(&key("redstor")).unwrap().follows_from =
        Some(Cause { service: key("groupcall"), scope: Scope::School });
    assert_eq!(cli::status_code(&follows, true, None), 1);
    assert!(cli::status_text(&follows, None).contains("redstor ^"));
}

#[test]
fn the_estate_counts_when_all_were_asked_for_and_a_service_narrows() {
    let mut all = status(&[("redstor", Health::Warning), ("groupcall", Health::Ok)]);
    all.estate.push(EstateStatus {
        service: key("welearn365"),
        health: Health::Critical,
        reason: None,
        why: "Microsoft reports an interruption".into(),
        since: None,
        soft: false,
        tickets: Vec::new(),
        checks: Vec::new(),
    });
    assert_eq!(cli::status_code(&all, true, None), 2);
    assert_eq!(cli::status_code(&all, false, None), 1);
    assert_eq!(cli::status_code(&all, true, Some(&key("groupcall"))), 0);
}

#[test]
fn a_csv_cell_is_never_a_formula() {
    let mut all = status(&[("redstor", Health::Critical)]);
    all.schools[0].name = "=cmd|' /C calc'!A0".into();
    let text = cli::status_csv(&all, None).unwrap();
    assert!(text.lines().nth(1).unwrap().starts_with("9991001,'=cmd"), "{text}");
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(rows.headers().unwrap().len(), 11);
    assert_eq!(rows.records().map(Result::unwrap).count(), 1);
}

fn board() -> Board {
    let column = |k: &str, code: &str| Column {
        key: key(k),
        label: k.into(),
        code: code.into(),
        watched: true,
    };
    let school = |n: &str, name: &str, health| SchoolRow {
        laestab: number(n),
        name: name.into(),
        phase: "".into(),
        town: "".into(),
        postcode: "".into(),
        trust: "".into(),
        urn: None,
        telephone: "".into(),
        website: "".into(),
        pupils: None,
        set_up: true,
        cells: vec![CompactCell { health, ..CompactCell::default() }],
    };
    Board {
        version: VERSION,
        revision: 1,
        as_of: "2026-11-24T09:00:00Z".parse().unwrap(),
        agent: AgentInfo {
            version: "0".into(),
            demo: false,
            started_at: "2026-11-24T08:00:00Z".parse().unwrap(),
            embedded: false,
            training: false,
        },
        settled: true,
        restored_from: None,
        summary: caretaker::wire::board::Summary::default(),
        schools_summary: caretaker::wire::board::Summary::default(),
        split: caretaker::wire::board::Split::default(),
        columns: vec![column("groupcall", "GC")],
        estate: vec![CompactCell::default()],
        schools: vec![
            school("9991001", "Alder Bank Primary", Health::Ok),
            school("9991002", "Alder Hill Junior", Health::Critical),
        ],
        not_watched: Vec::new(),
        first_of: None,
        past: None,
        replay: None,
    }
}

#[test]
fn schools_are_named_by_number_in_any_spelling_or_by_part_of_a_name() {
    let board = board();
    let pick = |words: &[&str]| {
        cli::pick(&board, &words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(pick(&["999/1002"]).unwrap(), [number("9991002")]);
    assert_eq!(pick(&["ALDER", "9991001"]).unwrap().len(), 2);
    assert_eq!(pick(&[]).unwrap(), []);
    assert_eq!(pick(&["alder", "oak"]), Err(PickError::NoSchool("oak".into())));
    assert_eq!(cli::pick_service(&board, "gc").unwrap(), key("groupcall"));
    assert!(cli::pick_service(&board, "x").unwrap_err().to_string().contains("groupcall"));
}

#[test]
fn watch_tells_each_change_of_health_once() {
    let mut lines = Lines::default();
    let first = lines.board(&board());
    assert_eq!(first.len(), 1, "at the start only trouble is told: {first:?}");
    let change = |health, since| CellChange {
        row: Row::School(number("9991001")),
        column: 0,
        cell: CompactCell { health, since: Some(since), ..CompactCell::default() },
    };
    let turned = lines.changes(&[change(Health::Warning, 1)]);
    assert_eq!(
        Lines::line("Tue 09:14", &turned[0], "late"),
        "Tue 09:14 Alder Bank Primary / groupcall: ok -> warning: late"
    );
    assert!(lines.changes(&[change(Health::Warning, 2)]).is_empty());
    assert!(lines.board(&board()).len() == 1, "a board that differs is told");
}

fn differs(name: &str) -> Differs {
    let stood = |health| Stood {
        health,
        reason: None,
        why: if health == Health::Ok { "".into() } else { "no answer".into() },
        since: None,
        handling: None,
        follows_from: None,
    };
    Differs {
        sort: Sort::Worse,
        cell: Named {
            row: Row::Estate,
            name: name.into(),
            service: key("redstor"),
            label: "Redstor".into(),
        },
        before: stood(Health::Ok),
        after: stood(Health::Critical),
        worst: None,
        ran_out: None,
    }
}

fn diff(cells: Vec<Differs>) -> Diff {
    Diff {
        version: VERSION,
        as_of: "2026-11-24T09:14:00Z".parse().unwrap(),
        from: "2026-11-23T22:00:00Z".parse().unwrap(),
        until: "2026-11-24T06:00:00Z".parse().unwrap(),
        cells,
        more: 0,
        followed: 0,
        not_recorded: 0,
        nobody_looked: Vec::new(),
    }
}

#[test]
fn two_moments_end_with_the_worst_that_became_worse() {
    assert_eq!(cli::diff_code(&diff(Vec::new())), 0);
    assert_eq!(cli::diff_code(&diff(vec![differs("Oak Lane")])), 2);
    let better = Differs { sort: Sort::Better, ..differs("Oak Lane") };
    assert_eq!(cli::diff_code(&diff(vec![better])), 0);
    let stands = Differs { sort: Sort::Stands, ..differs("Oak Lane") };
    assert_eq!(cli::diff_code(&diff(vec![stands])), 3, "it may have been so before");
    let blind = Diff { not_recorded: 3, ..diff(Vec::new()) };
    assert_eq!(cli::diff_code(&blind), 3, "what could not be compared is not well");
    let text = cli::diff_text(&blind);
    assert!(
        text.contains("no cell differs") && text.contains("3 cells cannot be compared"),
        "{text}"
    );
    let text = cli::diff_text(&diff(vec![differs("Oak Lane")]));
    assert!(
        text.contains("became worse (1)\n  Oak Lane, Redstor: ok -> critical; no answer"),
        "{text}"
    );
    assert!(text.starts_with("from Mon 23 Nov 2026 22:00 GMT to Tue 24 Nov 2026 06:00 GMT"));
}

#[test]
fn what_is_handed_over_says_so_where_there_is_nothing_and_escapes_names_for_a_mail() {
    let mut page = Handover {
        version: VERSION,
        as_of: "2026-11-24T09:14:00Z".parse().unwrap(),
        by: "asha".into(),
        since: "2026-11-23T17:00:00Z".parse().unwrap(),
        why_since: "the end of asha's last shift, by the desk's book".into(),
        shift_ends: "2026-11-24T17:00:00Z".parse().unwrap(),
        diff: diff(Vec::new()),
        open: Vec::new(),
        open_more: 0,
        runs_out: Vec::new(),
        next_shift_ends: "2026-11-25T17:00:00Z".parse().unwrap(),
        runs_out_next: Vec::new(),
        credentials: Vec::new(),
        done: Vec::new(),
        actions: Vec::new(),
        to_look_at: Vec::new(),
        tickets: Vec::new(),
        untold: None,
    };
    let text = cli::handover_text(&page);
    for heading in [
        "Open, and whose\n  nothing is in trouble",
        "Tickets that stand\n  none",
        "Credentials that end\n  none within 30 days, of those whose end is known",
    ] {
        assert!(text.contains(heading), "{text}");
    }
    assert!(text.contains("16h ago; the end of asha's last shift"), "{text}");
    page.diff = diff(vec![differs("[St *Anne*](https://evil.example) <b>")]);
    let mail = cli::handover_markdown(&page);
    assert!(
        mail.contains(
            "## Broke, and still broken\n\n- \\[St \\*Anne\\*\\](https\\://evil.example) \\<b\\>"
        ),
        "{mail}"
    );
    page.untold = Some("no policy is configured".into());
    assert!(cli::handover_text(&page).contains("not told: no policy"));
}

#[test]
fn a_past_status_says_first_that_it_is_the_past() {
    let mut then = status(&[("redstor", Health::Ok)]);
    then.past = Some(Past {
        at: "2026-11-23T22:00:00Z".parse().unwrap(),
        asked_at: "2026-11-24T09:14:00Z".parse().unwrap(),
        held: Stretch {
            from: "2026-11-01T00:00:00Z".parse().unwrap(),
            until: "2026-11-24T09:14:00Z".parse().unwrap(),
        },
        nobody_looked: None,
        not_recorded: 2,
        earlier: None,
        later: None,
        not_kept: vec!["evidence is not kept".into()],
    });
    let text = cli::status_text(&then, None);
    assert!(text.starts_with("PAST: as of Mon 23 Nov 2026 22:00 GMT, 11h ago."), "{text}");
    assert!(text.contains("2 cells are unknown: what"), "{text}");
}
