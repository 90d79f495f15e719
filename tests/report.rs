//! A report as text, CSV, JSON, Markdown and as a page; the page in a real browser.
#![cfg(test)]

#[path = "report/browser.rs"]
mod browser;
#[path = "support/required.rs"]
mod required;

use caretaker::cli::{report_csv, report_html, report_json, report_markdown, report_text};
use caretaker::wire::board::Row;
use caretaker::wire::report::{
    CellReport, Counted, Day, Report, SchoolReport, ServiceReport, Spread, Sums, Times,
};
use caretaker::wire::runs::Stretch;
use caretaker::wire::{Clean, VERSION};
use jiff::civil::Date;
use serde_json::Value;

const DAY: u64 = 86_400;

/// Sums of so many days each, in hours: ok, warning, critical, unknown, planned, not recorded.
fn counted(hours: [u64; 6]) -> Counted {
    let [ok, warning, critical, unknown, planned, not_recorded] = hours.map(|h| h * 3_600);
    let sums = Sums { ok, warning, critical, unknown, planned, not_recorded, ..Sums::default() };
    let school = Sums { ok: ok / 2, warning, critical, ..Sums::default() };
    Counted { round_the_clock: sums.into(), school_days: school.into() }
}

#[test]
fn what_is_hardly_known_is_no_hundred_percent() {
    let mut report = report();
    // Two hours of thirty days.
    report.services[0].schools = counted([2, 0, 0, 0, 0, 718]);
    let text = report_text(&report);
    let line = text.lines().find(|line| line.contains("Redstor, 2 schools")).unwrap();
    let availability_and_freshness = line.matches("too little known").count();
    assert_eq!(availability_and_freshness, 2, "{line}");
    let enough = Sums { ok: 10, not_recorded: 90, planned: 900, ..Sums::default() };
    assert_eq!(enough.availability(), Some(1.0), "planned work does not count");
    let few = Sums { not_recorded: 91, ..enough };
    assert_eq!((few.availability(), few.freshness()), (None, None));
}

fn spread(count: u32, median: u64, p90: u64) -> Spread {
    Spread { count, median: Some(median), p90: Some(p90) }
}

fn times() -> Times {
    Times {
        incidents: 3,
        unresolved: 1,
        notice: spread(3, 300, 3_600),
        claim: spread(2, 240, 900),
        resolve: spread(2, 5_400, 2 * DAY),
    }
}

fn days(down: usize) -> Vec<Day> {
    let first: Date = "2026-10-29".parse().unwrap();
    let day = |n: usize| {
        let availability = match n {
            n if n == down => Some(0.75),
            n if n == down + 2 => None,
            _ => Some(1.0),
        };
        Day { date: first.checked_add(jiff::Span::new().days(n as i64)).unwrap(), availability }
    };
    (0..30).map(day).collect()
}

fn service(key: &str, label: &str, takers: u32) -> ServiceReport {
    ServiceReport {
        service: key.parse().unwrap(),
        label: Clean::new(label),
        schools: counted([1_300, 30, 50, 20, 12, 28]),
        takers,
        estate: Some(counted([600, 0, 60, 0, 0, 60])),
        days: days(takers as usize),
        times: times(),
    }
}

fn school(laestab: &str, name: &str, services: &[&str]) -> SchoolReport {
    let cell = |key: &&str| CellReport {
        service: key.parse().unwrap(),
        counted: counted([650, 15, 25, 10, 6, 14]),
    };
    SchoolReport {
        row: Row::School(laestab.parse().unwrap()),
        name: Clean::new(name),
        counted: counted([1_300, 30, 50, 20, 12, 28]),
        cells: services.iter().map(cell).collect(),
        times: times(),
    }
}

/// A month of two services at two schools, whose names do what they can.
fn report() -> Report {
    Report {
        version: VERSION,
        as_of: "2026-11-28T09:00:00Z".parse().unwrap(),
        from: "2026-10-29T00:00:00Z".parse().unwrap(),
        until: "2026-11-28T00:00:00Z".parse().unwrap(),
        kept_since: "2026-10-30T06:00:00Z".parse().unwrap(),
        nobody_looked: vec![
            Stretch {
                from: "2026-10-29T00:00:00Z".parse().unwrap(),
                until: "2026-10-30T06:00:00Z".parse().unwrap(),
            },
            Stretch {
                from: "2026-11-07T22:00:00Z".parse().unwrap(),
                until: "2026-11-08T07:30:00Z".parse().unwrap(),
            },
        ],
        schools_together: counted([2_600, 60, 100, 40, 24, 56]),
        times: times(),
        services: vec![
            service("redstor", "Redstor", 2),
            ServiceReport {
                takers: 1,
                estate: None,
                times: Times::default(),
                ..service("library", "<b>Library</b> & \"co\" | [x](http://e.example)", 1)
            },
        ],
        schools: vec![
            school("9991001", "<script>alert('x')</script> | Alder \"Primary\"", &["redstor"]),
            school("9991002", "=cmd() & Fernhollow", &["redstor", "library"]),
        ],
        more: 0,
        notes: vec![Clean::new(
            "availability is what was ok or a warning <i>of</i> what was known",
        )],
    }
}

/// Nothing happened and nothing is known.
fn empty() -> Report {
    Report {
        nobody_looked: Vec::new(),
        schools_together: Counted::default(),
        times: Times::default(),
        services: Vec::new(),
        schools: Vec::new(),
        ..report()
    }
}

#[test]
fn each_form_for_people_and_for_spreadsheets() {
    insta::assert_snapshot!("text", report_text(&report()));
    insta::assert_snapshot!("csv", report_csv(&report()).unwrap());
    insta::assert_snapshot!("markdown", report_markdown(&report()));
    insta::assert_snapshot!("nothing", report_text(&empty()));
}

#[test]
fn json_is_the_agents_answer() {
    let text = report_json(&report()).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report());
    let json: Value = serde_json::from_str(&text).unwrap();
    let share = json["services"][0]["schools"]["round_the_clock"]["availability"].as_f64();
    assert_eq!(share, Some(1_330.0 / 1_380.0));
}

#[test]
fn a_share_never_flatters() {
    let mut report = report();
    let year = 365 * DAY;
    let sums = Sums { ok: year - 1, critical: 1, ..Sums::default() };
    report.schools_together.round_the_clock = sums.into();
    let text = report_text(&report);
    let line = text.lines().find(|l| l.contains("all schools together")).unwrap();
    assert!(line.contains(" 99.99 %") && line.contains(" 0.01 %"), "{line}");
    report.schools_together = Counted::default();
    let text = report_text(&report);
    let line = text.lines().find(|l| l.contains("all schools together")).unwrap();
    assert!(line.contains("not known") && !line.contains("100"), "{line}");
}

#[test]
fn a_name_opens_no_column_no_formula_and_no_tag() {
    let csv = report_csv(&report()).unwrap();
    let mut read = csv::Reader::from_reader(csv.as_bytes());
    let names: Vec<String> = read.records().map(|r| r.unwrap()[2].to_owned()).collect();
    assert!(names.iter().any(|name| name == "'=cmd() & Fernhollow"), "{names:?}");
    let markdown = report_markdown(&report());
    let unescaped = markdown.replace("\\<", "");
    assert!(!unescaped.contains('<'), "{unescaped}");
    let mut width = 0;
    for line in markdown.lines() {
        let bars = line.matches('|').count() - line.matches("\\|").count();
        if !line.starts_with('|') {
            width = 0;
            continue;
        }
        assert!(width == 0 || width == bars, "{line}");
        width = bars;
    }
}

/// The page without its style and its charts.
fn bones(page: &str) -> String {
    let mut out = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("<svg role=") {
        out.push_str(before);
        out.push_str("(chart)");
        rest = after.split_once("</svg>").unwrap().1;
    }
    out.push_str(rest);
    let (head, tail) = out.split_once("<style>").unwrap();
    format!("{head}(style){}", tail.split_once("</style>").unwrap().1)
}

#[test]
fn the_page_holds_text_tables_and_charts_and_asks_for_nothing() {
    let page = report_html(&report()).unwrap();
    insta::assert_snapshot!("page", bones(&page));
    assert_eq!(page.matches("<svg role=\"img\"").count(), 3);
    let lower = page.to_lowercase();
    for bad in ["<script", "<link", "<img", "<iframe", "src=", "href=", "@import", "url(", "onload"]
    {
        assert!(!lower.contains(bad), "{bad}");
    }
    // A namespace is a name, not an address that is asked.
    let addresses = lower.replace("http://www.w3.org/2000/svg", "");
    let label = "[x](http://e.example)";
    assert_eq!(addresses.matches("://").count(), addresses.matches(label).count(), "as text alone");
    assert!(page.contains("prefers-color-scheme: dark"));
    let bare = report_html(&empty()).unwrap();
    assert!(!bare.contains("<svg") && !bare.contains("At a glance"), "{bare}");
}
