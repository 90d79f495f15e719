//! Imported calendars: days, zones, rules, words; and what is refused, with its line.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;
use proptest::prelude::*;

use super::*;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn days(from: &str, to: &str) -> Days {
    Days { from: day(from), to: day(to) }
}

/// A calendar of these events.
fn ics(events: &[&str]) -> String {
    let mut text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\n".to_owned();
    for event in events {
        text.push_str(&format!("BEGIN:VEVENT\r\nUID:x\r\n{event}\r\nEND:VEVENT\r\n"));
    }
    text + "END:VCALENDAR\r\n"
}

/// The text as the file of a calendar.
fn import_text(text: &str) -> Result<Calendars, String> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("c.ics"), text).unwrap();
    let set = CalendarSettings { ical_file: Some("c.ics".into()), ..CalendarSettings::default() };
    let settings = BTreeMap::from([("default".to_owned(), set)]);
    import(&settings, |path: &Path| dir.path().join(path))
        .map_err(|e| e.to_string().replace(&format!("{}/", dir.path().display()), ""))
}

fn closures(event: &str) -> Vec<Days> {
    let read = import_text(&ics(&[event])).unwrap_or_else(|e| panic!("{event}: {e}"));
    read.calendars.get("").unwrap().closures.clone()
}

fn refused(event: &str) -> String {
    import_text(&ics(&[event])).map(|c| panic!("{event}: {c:?}")).unwrap_err()
}

#[test]
fn the_end_of_an_all_day_event_is_not_part_of_it() {
    let of = |rest: &str| closures(&format!("SUMMARY:Half term\r\n{rest}"));
    let week = vec![days("2026-10-26", "2026-10-30")];
    let start = "DTSTART;VALUE=DATE:20261026";
    assert_eq!(of(&format!("{start}\r\nDTEND;VALUE=DATE:20261031")), week);
    assert_eq!(of(&format!("{start}\r\nDURATION:P5D")), week);
    assert_eq!(of("dtstart:20261026\r\ndtend:20261031"), week, "small letters, no VALUE");
    let one = vec![days("2026-10-26", "2026-10-26")];
    assert_eq!(of(start), one, "without an end it takes its day");
    assert_eq!(of(&format!("{start}\r\nDTEND;VALUE=DATE:20261027")), one);
    assert_eq!(of(&format!("{start}\r\nDTEND;VALUE=DATE:20261026")), one, "as some programs write");
}

#[test]
fn times_become_londons_days_in_summer_and_winter() {
    let of = |from: &str, to: &str| {
        closures(&format!("SUMMARY:INSET day\r\nDTSTART{from}\r\nDTEND{to}"))
    };
    // Late on the 24th by UTC is the 25th in London's summer time, but not a week later.
    assert_eq!(of(":20261023T230000Z", ":20261024T230000Z"), [days("2026-10-24", "2026-10-24")]);
    assert_eq!(of(":20261030T230000Z", ":20261031T070000Z"), [days("2026-10-30", "2026-10-31")]);
    // The day that has 25 hours, from midnight to midnight.
    assert_eq!(of(":20261024T230000Z", ":20261026T000000Z"), [days("2026-10-25", "2026-10-25")]);
    // The day that has 23.
    assert_eq!(of(":20270328T000000Z", ":20270328T230000Z"), [days("2027-03-28", "2027-03-28")]);
    let london = ";TZID=Europe/London:20261127T083000";
    assert_eq!(
        of(london, ";TZID=Europe/London:20261127T153000"),
        [days("2026-11-27", "2026-11-27")]
    );
    for zone in ["GMT Standard Time", "\"/example.org/2007_1/Europe/London\""] {
        let of = of(&format!(";TZID={zone}:20261127T083000"), ":20261127T153000Z");
        assert_eq!(of, [days("2026-11-27", "2026-11-27")]);
    }
    let far =
        of(";TZID=Pacific/Auckland:20261127T090000", ";TZID=Pacific/Auckland:20261127T170000");
    assert_eq!(far, [days("2026-11-26", "2026-11-27")], "the evening before in London");
    // The clock on the wall.
    assert_eq!(of(":20260601T000000", ":20260602T000000"), [days("2026-06-01", "2026-06-01")]);
}

#[test]
fn an_event_repeats_by_its_own_clock() {
    let of = |rest: &str| closures(&format!("SUMMARY:INSET\r\n{rest}"));
    let yearly = of("DTSTART;VALUE=DATE:20261225\r\nRRULE:FREQ=YEARLY;COUNT=3");
    let christmas = ["2026-12-25", "2027-12-25", "2028-12-25"].map(|d| days(d, d));
    assert_eq!(yearly, christmas);
    let without = of(
        "DTSTART;VALUE=DATE:20261225\r\nRRULE:FREQ=YEARLY;COUNT=3\r\nEXDATE;VALUE=DATE:20271225",
    );
    assert_eq!(without, [christmas[0], christmas[2]]);
    assert!(of("DTSTART;VALUE=DATE:20261225\r\nRRULE:FREQ=YEARLY").len() >= 50, "for ever");
    // Fridays through the change of the clocks: midnight to midnight stays one day.
    let fridays = of("DTSTART;TZID=Europe/London:20261016T000000\r\n\
         DTEND;TZID=Europe/London:20261017T000000\r\n\
         RRULE:FREQ=WEEKLY;UNTIL=20261029T235959Z\r\n\
         EXDATE;TZID=Europe/London:20261023T000000");
    assert_eq!(fridays, [days("2026-10-16", "2026-10-16")]);
    let until = |until: &str| {
        of(&format!(
            "DTSTART;TZID=Europe/London:20261016T000000\r\nDURATION:PT24H\r\n\
             RRULE:FREQ=WEEKLY;UNTIL={until}"
        ))
        .len()
    };
    assert_eq!(
        (until("20261030"), until("20261030T000000Z"), until("20261029T235959Z")),
        (3, 3, 2)
    );
    // UNTIL is UTC: 23:00 of the 22nd is midnight of the 23rd in London's summer.
    assert_eq!((until("20261022T230000Z"), until("20261022T225959Z")), (2, 1));
}

#[test]
fn terms_holidays_and_the_rest_are_told_apart() {
    let read = import_text(&ics(&[
        "SUMMARY:Autumn term\r\nDTSTART;VALUE=DATE:20260902\r\nDTEND;VALUE=DATE:20261219",
        "SUMMARY:Term dates\\, spring\r\nDTSTART;VALUE=DATE:20270104\r\nDTEND;VALUE=DATE:20270326",
        "SUMMARY:Closed\r\nCATEGORIES:Red,Half term\r\nDTSTART;VALUE=DATE:20261026\r\nDURATION:P5D",
        "SUMMARY:Staff INSET day\r\nDTSTART;VALUE=DATE:20261127",
        "SUMMARY:Good Friday bank holiday\r\nDTSTART;VALUE=DATE:20270326",
        "SUMMARY:Twilight INSET\r\nDTSTART:20261103T154500\r\nDTEND:20261103T174500",
        "SUMMARY:Sports day with Mrs Canary\r\nDTSTART;VALUE=DATE:20270615",
        "SUMMARY:INSET day\r\nSTATUS:CANCELLED\r\nDTSTART;VALUE=DATE:20270610",
    ]))
    .unwrap();
    let calendar = read.calendars.get("").unwrap();
    assert_eq!(
        calendar.terms,
        [days("2026-09-02", "2026-12-18"), days("2027-01-04", "2027-03-25")]
    );
    assert_eq!(
        calendar.closures,
        [
            days("2026-10-26", "2026-10-30"),
            days("2026-11-27", "2026-11-27"),
            days("2027-03-26", "2027-03-26"),
        ]
    );
    let b = &read.imported[0];
    assert_eq!((b.terms, b.holidays, b.inset, b.bank_holidays), (2, 1, 1, 1));
    assert_eq!((b.ignored, b.others), (1, 1));
    let told: Vec<_> = read.findings.iter().map(|f| (f.line, f.text.as_str())).collect();
    assert_eq!(
        told,
        [
            (33, "lasts less than 4 hours: not taken as a closed day"),
            (39, "1 event(s) hold none of the words and were left out (lines 39)"),
        ],
        "lines are told, words of events are not: they may name a person"
    );
    assert!(calendar.is_school_day(day("2026-11-03")), "an evening closes no school");
    assert!(calendar.is_closure(day("2026-12-25")), "between two terms");
}

#[test]
fn what_means_something_and_cannot_be_read_is_refused_with_its_line() {
    let term = "SUMMARY:Autumn term";
    insta::assert_snapshot!(
        [
            refused("SUMMARY:INSET day"),
            refused("SUMMARY:INSET day\r\nDTSTART;VALUE=DATE:20260230"),
            refused("SUMMARY:INSET day\r\nDTSTART:tomorrow"),
            refused("SUMMARY:INSET day\r\nDTSTART;VALUE=DATE:20261127T083000"),
            refused("SUMMARY:INSET day\r\nDTSTART;TZID=Moon/Sea:20261127T083000"),
            refused("SUMMARY:INSET day\r\nDTSTART:20261127\r\nDTEND:20261126"),
            refused("SUMMARY:INSET day\r\nDTSTART:20261127\r\nDTEND:20261127T120000"),
            refused("SUMMARY:INSET day\r\nDTSTART:20261127\r\nDTEND:20261128\r\nDURATION:P1D"),
            refused("SUMMARY:INSET day\r\nDTSTART:20261127\r\nDURATION:PT2H"),
            refused("SUMMARY:INSET day\r\nDTSTART:20261127\r\nDTSTART:20261128"),
            refused("SUMMARY:INSET day\r\nDTSTART:20261127\r\nRRULE:FREQ=WEEKLY"),
            refused("SUMMARY:INSET day\r\nDTSTART:20261127\r\nRRULE:FREQ=HOURLY;COUNT=2"),
            refused("SUMMARY:INSET day\r\nDTSTART:20261127\r\nRRULE:FREQ=DAILY;COUNT=9999"),
            refused("SUMMARY:INSET day\r\nDTSTART:20261127\r\nRRULE:OFTEN"),
            refused("SUMMARY:INSET day\r\nDTSTART:20261127\r\nRRULE:FREQ=YEARLY;BYMOON=1"),
            refused("SUMMARY:INSET day\r\nDTSTART:20261127\r\nRDATE:20261204"),
            refused("SUMMARY:INSET day\r\nDTSTART:20261127\r\nRECURRENCE-ID:20261127"),
            refused("SUMMARY:INSET day\r\nDTSTART:20261127\r\nEXDATE:20261204"),
            refused("SUMMARY:End of term, holiday begins\r\nDTSTART:20261218"),
            refused(&format!("{term} starts\r\nDTSTART:20260902")),
            refused("SUMMARY:Holidays\r\nDTSTART:20260701\r\nDTEND:20261001"),
        ]
        .join("\n"),
        @r#"
        c.ics:4:1: DTSTART: the event has no beginning; add DTSTART, or take the event out
        c.ics:7:1: DTSTART: is not a date; write 20261026, or 20261026T083000 with TZID or Z
        c.ics:7:1: DTSTART: is not a date; write 20261026, or 20261026T083000 with TZID or Z
        c.ics:7:1: DTSTART: is not of the type that VALUE gives; write 20261026, or 20261026T083000 with TZID or Z
        c.ics:7:1: DTSTART: TZID "Moon/Sea" is not a zone that is known here; use Europe/London, or whole days
        c.ics:8:1: DTEND: is before DTSTART; mend one of the two
        c.ics:8:1: DTEND: is a day where DTSTART is a time, or the other way round; write both as days or both as times
        c.ics:8:1: DTEND: stands beside DURATION; keep one of the two (RFC 5545 allows no more)
        c.ics:8:1: DURATION: is less than a day; write P5D, P1W or PT8H30M, or use DTEND
        c.ics:8:1: DTSTART: stands twice in one event; keep one of them, or export the calendar anew
        c.ics:8:1: RRULE: has neither UNTIL nor COUNT: it would go on for ever; add an UNTIL; only a yearly event may do without
        c.ics:8:1: RRULE: repeats within a day; take the event out: it is no term and no closed day
        c.ics:8:1: RRULE: gives more than 500 dates; take the event out, or end it sooner
        c.ics:8:1: RRULE: is not a rule that can be read; export the dates one by one
        c.ics:8:1: RRULE: is not a rule that can be read; export the dates one by one
        c.ics:8:1: RDATE: is not read by this program; export the dates one by one, as events of their own
        c.ics:8:1: RECURRENCE-ID: is not read by this program; export the dates one by one, as events of their own
        c.ics:8:1: EXDATE: takes away from an event that does not repeat; take it out, or add the RRULE
        c.ics:4:1: SUMMARY: this event could be a term or a closure; give it a category, or change the words of this calendar
        c.ics:4:1: DTSTART: a term of 1 day(s); if this is only the first or last day of a term, add its words to words.ignore and write the term under `terms`
        c.ics:4:1: DTSTART: closes the school for 92 days on end; mend its end, or change the words of this calendar
        "#
    );
}

#[test]
fn an_event_that_means_nothing_may_be_as_odd_as_it_likes() {
    let read = import_text(&ics(&["SUMMARY:Fair\r\nDTSTART:soon\r\nRDATE:x\r\nRRULE:y"])).unwrap();
    assert_eq!(read.imported[0].others, 1);
}

#[test]
fn a_file_that_is_no_whole_calendar_is_refused() {
    let whole = ics(&["SUMMARY:INSET\r\nDTSTART:20261127"]);
    let cut = whole.split("END:VEVENT").next().unwrap().to_owned();
    let deep = "BEGIN:VCALENDAR\r\n".to_owned() + &"BEGIN:X\r\n".repeat(100_000);
    let many = ics(&vec!["SUMMARY:x"; 5_001]);
    let said = [
        "",
        "\n\n",
        "<html>\n<body>Sign in</body>",
        cut.as_str(),
        &whole.replace("END:VEVENT", "END:VTODO"),
        &whole.replace("SUMMARY:INSET", "SUMMARY INSET"),
        &format!("{whole}stray"),
        &deep,
        &many,
    ]
    .map(|text| import_text(text).unwrap_err())
    .join("\n");
    insta::assert_snapshot!(said, @r#"
    c.ics:1:1: this is no iCalendar file: it does not begin with BEGIN:VCALENDAR; name the .ics file itself, not the page that links to it
    c.ics:1:1: this is no iCalendar file: it does not begin with BEGIN:VCALENDAR; name the .ics file itself, not the page that links to it
    c.ics:1:1: this is no iCalendar file: it does not begin with BEGIN:VCALENDAR; name the .ics file itself, not the page that links to it
    c.ics:4:1: BEGIN: VEVENT begins here and never ends: the file is cut off; fetch it again
    c.ics:8:1: END: VTODO ends where VEVENT is open; export the calendar anew
    c.ics:6:1: SUMMARY INSET: is not a property with a name and a value; mend the line, or export the calendar anew
    c.ics:10:1: this is no iCalendar file: it does not begin with BEGIN:VCALENDAR; name the .ics file itself, not the page that links to it
    c.ics:5:1: BEGIN: X stands too deep in other components; export the calendar anew
    c.ics:20004:1: BEGIN: more than 5000 events; export fewer years
    "#);
}

#[test]
fn folded_lines_keep_their_first_lines_number() {
    let text = "BEGIN:VCALENDAR\r\nX-LONG:one\r\n two\r\n\tthree\r\nBEGIN:VEVENT\r\n\
        SUMMARY:INS\r\n ET day\r\nDTSTART;VALUE=DA\r\n TE:2026112\r\n 7x\r\nEND:VEVENT\r\n\
        END:VCALENDAR";
    let said = import_text(text).unwrap_err();
    assert!(said.starts_with("c.ics:8:1: DTSTART: "), "{said}");
    let read = import_text(&text.replace("7x", "7")).unwrap();
    assert_eq!(read.calendars[""].closures, [days("2026-11-27", "2026-11-27")]);
}

#[test]
fn alarms_and_other_components_are_passed_over() {
    let text =
        ics(&["SUMMARY:INSET\r\nDTSTART:20261127\r\nBEGIN:VALARM\r\nDTSTART:x\r\nEND:VALARM"])
            .replace(
                "BEGIN:VEVENT",
                "BEGIN:VTIMEZONE\r\nBEGIN:STANDARD\r\nDTSTART:19701025T020000\r\nEND:STANDARD\r\n\
             END:VTIMEZONE\r\nBEGIN:VTODO\r\nSUMMARY:INSET\r\nEND:VTODO\r\nBEGIN:VEVENT",
            );
    let read = import_text(&text).unwrap();
    assert_eq!(read.calendars[""].closures, [days("2026-11-27", "2026-11-27")]);
}

#[test]
fn bank_holidays_come_as_gov_uk_gives_them() {
    let dir = tempfile::tempdir().unwrap();
    let json = r#"{"scotland": {"division": "scotland", "events": [
        {"title": "2nd January", "date": "2027-01-04", "notes": "Substitute day", "bunting": true}]},
      "england-and-wales": {"events": [{"date": "2026-12-25", "title": "Christmas Day"},
        {"title": "Boxing Day", "date": "2026-12-28"}], "division": "england-and-wales"}}"#;
    let of = |text: &str, division: &str| {
        std::fs::write(dir.path().join("b"), text).unwrap();
        let set = CalendarSettings {
            bank_holidays_file: Some("b".into()),
            bank_holidays_division: division.to_owned(),
            ..CalendarSettings::default()
        };
        let settings = BTreeMap::from([("north".to_owned(), set)]);
        let read = import(&settings, |path: &Path| dir.path().join(path));
        read.map(|c| c.calendars["north"].closures.clone())
            .map_err(|e| e.to_string().replace(&format!("{}/", dir.path().display()), ""))
    };
    let christmas = days("2026-12-25", "2026-12-25");
    assert_eq!(
        of(json, "england-and-wales").unwrap(),
        [christmas, days("2026-12-28", "2026-12-28")]
    );
    assert_eq!(of(json, "scotland").unwrap().len(), 1);
    let ics = ics(&["SUMMARY:Christmas Day\r\nDTSTART;VALUE=DATE:20261225"]);
    assert_eq!(of(&ics, "").unwrap(), [christmas], "every event of this file is one");
    insta::assert_snapshot!(
        [of(json, "wales"), of("{}", "scotland"), of("{\n\"a\": 1}", "a")]
            .map(Result::unwrap_err).join("\n"),
        @r#"
        b:1:1: wales: the file has no such division; it has: england-and-wales, scotland; mend bank_holidays_division
        b:1:1: scotland: the file has no such division; it has: ; mend bank_holidays_division
        b:2:1: this is not the list of bank holidays that gov.uk gives out; fetch https://www.gov.uk/bank-holidays.json, or name an .ics file
        "#
    );
}

#[test]
fn a_calendar_takes_from_those_that_it_extends() {
    let set = |from: &str, extends: Option<&str>| CalendarSettings {
        closures: vec![days(from, from)],
        extends: extends.map(str::to_owned),
        ..CalendarSettings::default()
    };
    let all = BTreeMap::from([
        ("default".to_owned(), set("2026-12-25", None)),
        ("north".to_owned(), set("2026-11-02", Some("default"))),
        ("fern".to_owned(), set("2026-11-27", Some("north"))),
    ]);
    let read = import(&all, Path::to_path_buf).unwrap().calendars;
    let of =
        |name: &str| read[name].closures.iter().map(|d| d.from.to_string()).collect::<Vec<_>>();
    assert_eq!(of(""), ["2026-12-25"]);
    assert_eq!(of("fern"), ["2026-11-02", "2026-11-27", "2026-12-25"]);
    let round = BTreeMap::from([
        ("a".to_owned(), set("2026-12-25", Some("b"))),
        ("b".to_owned(), set("2026-12-25", Some("c"))),
        ("c".to_owned(), set("2026-12-25", Some("b"))),
    ]);
    assert!(goes_round("b", &round) && goes_round("a", &round));
    assert!(!goes_round("fern", &all));
    assert_eq!(import(&round, Path::to_path_buf).unwrap().calendars["a"].closures.len(), 1);
}

/// A calendar with one of everything.
fn rich() -> String {
    ics(&[
        "SUMMARY:Autumn term\r\nDTSTART;VALUE=DATE:20260902\r\nDTEND;VALUE=DATE:20261219",
        "SUMMARY:INSET\r\nDTSTART;TZID=Europe/London:20261016T083000\r\n\
         DTEND;TZID=Europe/London:20261016T163000\r\nRRULE:FREQ=WEEKLY;COUNT=3\r\n\
         EXDATE;TZID=Europe/London:20261023T083000",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever happens to a file, it is read or refused with a line, and no closure is longer
    /// than the longest that may be.
    #[test]
    fn a_damaged_file_never_panics_and_never_closes_for_long(
        at in 0_usize..700, cut in 0_usize..40, put in "[ -~\\r\\n]{0,12}",
    ) {
        let text = rich();
        let bytes: Vec<char> = text.chars().collect();
        let at = at.min(bytes.len());
        let end = (at + cut).min(bytes.len());
        let damaged: String = bytes[..at].iter().chain(put.chars().collect::<Vec<_>>().iter())
            .chain(&bytes[end..]).collect();
        match import_text(&damaged) {
            Err(said) => prop_assert!(said.contains("c.ics:"), "{said}"),
            Ok(read) => for d in &read.calendars[""].closures {
                prop_assert!((d.to - d.from).get_days() < LONGEST_CLOSURE, "{d:?}");
                prop_assert!(d.from <= d.to);
            }
        }
    }

    /// Days of an all-day event are those from its first to before its end, wherever it lies.
    #[test]
    fn an_all_day_event_takes_exactly_its_days(start in 0_i32..3_000, length in 1_i32..70) {
        use jiff::ToSpan;
        let from = day("2024-01-01") + start.days();
        let end = from + length.days();
        let text = format!(
            "SUMMARY:Holiday\r\nDTSTART;VALUE=DATE:{}\r\nDTEND;VALUE=DATE:{}",
            from.strftime("%Y%m%d"), end.strftime("%Y%m%d"),
        );
        prop_assert_eq!(closures(&text), vec![Days { from, to: end.yesterday().unwrap() }]);
    }

    /// From midnight to midnight in London is that day, on every day of the year.
    #[test]
    fn a_day_given_by_times_is_that_day(start in 0_i32..3_000) {
        use jiff::ToSpan;
        let date = day("2024-01-01") + start.days();
        let next = date.tomorrow().unwrap();
        let utc = |d: Date| crate::model::calendar::london_midnight(d).strftime("%Y%m%dT%H%M%SZ")
            .to_string();
        let text = format!("SUMMARY:INSET\r\nDTSTART:{}\r\nDTEND:{}", utc(date), utc(next));
        prop_assert_eq!(closures(&text), vec![Days { from: date, to: date }]);
    }
}
