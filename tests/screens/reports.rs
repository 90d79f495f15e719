//! How services stood through a period, on a screen.

use caretaker::tui::console::Effect;
use caretaker::tui::screens::report::Asked;
use caretaker::tui::wish::{Heard, Wish};
use caretaker::wire::report::{Counted, Report, ServiceReport, Sums, Times};
use caretaker::wire::runs::Stretch;
use caretaker::wire::tables::report_lines;
use caretaker::wire::{Clean, VERSION};

use crate::fixture::{Desk, at, key, morning};
use crate::snapshots::everywhere;

fn counted() -> Counted {
    let sums = Sums { ok: 2_400_000, critical: 90_000, not_recorded: 100_000, ..Sums::default() };
    Counted { round_the_clock: sums.into(), school_days: sums.into() }
}

fn report() -> Report {
    let service = |k: &str, label: &str| ServiceReport {
        service: key(k),
        label: Clean::new(label),
        schools: counted(),
        takers: 248,
        estate: Some(counted()),
        days: Vec::new(),
        times: Times::default(),
    };
    Report {
        version: VERSION,
        as_of: at("2026-11-24T09:14:20Z"),
        from: at("2026-10-25T09:14:20Z"),
        until: at("2026-11-24T09:14:20Z"),
        kept_since: at("2026-10-30T06:00:00Z"),
        nobody_looked: vec![Stretch {
            from: at("2026-11-07T22:00:00Z"),
            until: at("2026-11-08T07:30:00Z"),
        }],
        schools_together: counted(),
        times: Times::default(),
        services: vec![service("redstor", "Redstor"), service("groupcall", "Groupcall")],
        schools: Vec::new(),
        more: 0,
        notes: vec![Clean::new("unknown time is never counted as available")],
    }
}

fn asked(desk: &mut Desk) -> Asked {
    let effects = desk.effects();
    match effects.as_slice() {
        [Effect::Guard(Wish::Report(asked))] => *asked,
        other => panic!("{other:?}"),
    }
}

fn opened(mut desk: Desk) -> Desk {
    desk.press(":").type_text("report").press("enter");
    let asked = asked(&mut desk);
    desk.console.heard(Heard::Figures { asked, answer: Ok(Box::new(report())) }, desk.mono);
    desk
}

#[test]
fn at_every_size() {
    everywhere("report", |size| opened(Desk::new(morning(60), size)));
}

#[test]
fn it_says_the_same_as_the_command_and_what_is_not_known_first() {
    let desk = opened(Desk::new(morning(60), (200, 80)));
    let text = desk.text();
    for line in report_lines(&report()) {
        assert!(text.contains(line.trim_end()), "{line:?}\n{text}");
    }
    let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}\n{text}"));
    assert!(place("nothing is kept from before") < place("Availability"), "{text}");
    assert!(place("nobody looked from") < place("Availability"), "{text}");
}

#[test]
fn the_period_is_the_last_thirty_days_or_what_is_named() {
    let mut desk = Desk::new(morning(60), (120, 40));
    desk.press(":").type_text("report").press("enter");
    let now = at("2026-11-24T09:14:20Z");
    assert_eq!(asked(&mut desk), Asked::Figures(at("2026-10-25T09:14:20Z"), now));
    assert!(desk.text().contains("asking the agent"), "{}", desk.text());
    desk.press("esc :").type_text("report 2026-11-01T00:00 2026-11-08T00:00").press("enter");
    let period = Asked::Figures(at("2026-11-01T00:00:00Z"), at("2026-11-08T00:00:00Z"));
    assert_eq!(asked(&mut desk), period);
    // An answer to another question is not shown for it.
    let other = Asked::Figures(at("2026-10-25T09:14:20Z"), now);
    desk.console.heard(Heard::Figures { asked: other, answer: Ok(Box::new(report())) }, desk.mono);
    assert!(desk.text().contains("asking the agent"), "{}", desk.text());
    let why = "2027 lies in the future".to_owned();
    desk.console.heard(Heard::Figures { asked: period, answer: Err(why) }, desk.mono);
    assert!(desk.text().contains("2027 lies in the future"), "{}", desk.text());
    desk.press("esc :").type_text("report soon").press("enter");
    assert_eq!(desk.effects(), []);
}
