//! What a report shows, as tables: made once, for every format that people read.
//!
//! Shares never flatter: what is good is rounded down, what is not is rounded up.

use jiff::Timestamp;

use crate::wire::board::Row;
use crate::wire::report::{Counted, Figures, Report, Spread, Sums, Times};
use crate::wire::statements::{NOTHING, Stated, stated};
use crate::wire::{Clean, Span, london};

/// A table in words.
pub struct Table {
    /// Above it.
    pub heading: String,
    /// The first is the name of the row.
    pub columns: Vec<String>,
    /// As many cells each as columns.
    pub rows: Vec<Vec<String>>,
    /// Whether all columns but the first are figures.
    pub has_figures: bool,
    /// Said where there are no rows.
    pub none: &'static str,
}

/// `Tue 24 Nov 2026 03:02`, London.
fn moment(at: Timestamp) -> String {
    at.to_zoned_datetime(london()).strftime("%a %-d %b %Y %H:%M").to_string()
}

/// Said where there is nothing to reckon from.
const NOT_KNOWN: &str = "not known";
/// Said where less than a tenth of the time is known.
const TOO_LITTLE: &str = "too little known";

/// The period, and what is missing of it.
pub fn head(report: &Report) -> Vec<String> {
    let mut out = vec![
        format!("Report from {} until {}, London", moment(report.from), moment(report.until)),
        format!("written {}", moment(report.as_of)),
    ];
    if report.kept_since > report.from {
        out.push(format!(
            "nothing is kept from before {}: that time is not recorded",
            moment(report.kept_since)
        ));
    }
    for gap in report.nobody_looked.iter().filter(|gap| gap.until > report.kept_since) {
        out.push(format!(
            "nobody looked from {} until {}: that time is not recorded",
            moment(gap.from),
            moment(gap.until)
        ));
    }
    out
}

/// A part of a report for a terminal: where the columns of its table stand under each other, and row by
/// row for a screen that is narrower than that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// As a table.
    pub lines: Vec<String>,
    /// The same in sentences.
    pub told: Vec<String>,
}

/// The parts of a report for a terminal.
#[must_use]
pub fn report_blocks(report: &Report) -> Vec<Block> {
    let same = |lines: Vec<String>| Block { told: lines.clone(), lines };
    let mut out = vec![same(head(report))];
    out.extend(tables(report).iter().map(|table| {
        let begin =
            |rows: Vec<String>| std::iter::once(table.heading.clone()).chain(rows).collect();
        Block { lines: begin(aligned(table)), told: begin(in_sentences(table)) }
    }));
    let notes = report.notes.iter().map(|note| format!("  {note}"));
    out.push(same(std::iter::once("How it is counted".to_owned()).chain(notes).collect()));
    out
}

/// The whole report as lines of text, for a terminal.
#[must_use]
pub fn report_lines(report: &Report) -> Vec<String> {
    let blocks: Vec<Vec<String>> = report_blocks(report).into_iter().map(|b| b.lines).collect();
    blocks.join(&String::new())
}

/// A row each: its name, then each figure after its heading. What there was none of is left out.
fn in_sentences(table: &Table) -> Vec<String> {
    if table.rows.is_empty() {
        return vec![format!("  {}", table.none)];
    }
    let row = |cells: &Vec<String>| {
        let told = table.columns.iter().zip(cells).skip(1).filter(|(_, cell)| *cell != "-");
        let told: Vec<String> = told.map(|(head, cell)| format!("{head} {cell}")).collect();
        let name = cells.first().map_or("", String::as_str);
        format!("  {}: {}", short(name, LONGEST), told.join(", "))
    };
    table.rows.iter().map(row).collect()
}

/// Characters of a name that a line has room for.
const LONGEST: usize = 40;

/// A name that fits into a line.
#[must_use]
pub fn short(name: &str, longest: usize) -> String {
    let mut out: String = name.chars().take(longest).collect();
    if name.chars().count() > longest {
        out.push('…');
    }
    out
}

/// Columns as wide as their widest cell: the first to the left, figures to the right.
fn aligned(table: &Table) -> Vec<String> {
    if table.rows.is_empty() {
        return vec![format!("  {}", table.none)];
    }
    let wide = |text: &str| unicode_width::UnicodeWidthStr::width(text);
    let fitting = |line: &Vec<String>| -> Vec<String> {
        line.iter().map(|cell| short(cell, LONGEST)).collect()
    };
    let all: Vec<Vec<String>> =
        std::iter::once(&table.columns).chain(&table.rows).map(fitting).collect();
    let width = |n: usize| all.iter().filter_map(|l| l.get(n)).map(|t| wide(t)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..table.columns.len()).map(width).collect();
    let mut out = Vec::new();
    for line in &all {
        let mut text = String::from(" ");
        for (n, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let gap = " ".repeat(width.saturating_sub(wide(cell)));
            let is_name = n == 0;
            let (before, after) = if is_name { ("", gap.as_str()) } else { (gap.as_str(), "") };
            text.push_str(&format!(" {before}{cell}{after} "));
        }
        out.push(text.trim_end().to_owned());
    }
    out
}

/// All tables, in their order.
pub fn tables(report: &Report) -> Vec<Table> {
    vec![availability(report), times(report), schools(report)]
}

/// The time that counts: all but what was not taken.
pub fn taken(sums: &Sums) -> u64 {
    sums.all() - sums.not_taken
}

/// `part` of `of` in hundredths of a percent.
fn hundredths(part: u64, of: u64, up: bool) -> Option<u64> {
    let whole = u128::from(part) * 10_000;
    let of = u128::from(of);
    let share = if up {
        whole.checked_add(of.checked_sub(1)?)?.checked_div(of)
    } else {
        whole.checked_div(of)
    };
    u64::try_from(share?).ok()
}

fn percent(part: u64, of: u64, up: bool) -> String {
    match hundredths(part, of, up) {
        Some(share) => format!("{}.{:02} %", share / 100, share % 100),
        None => NOT_KNOWN.to_owned(),
    }
}

/// A share that says something, or why none does.
fn told(share: String, sums: &Sums) -> String {
    if sums.tells() || sums.known() == 0 { share } else { TOO_LITTLE.to_owned() }
}

/// The available share of the known time, or why there is none.
#[must_use]
pub fn available(figures: &Figures) -> String {
    let sums = &figures.seconds;
    told(percent(sums.available(), sums.known(), false), sums)
}

fn fresh(figures: &Figures) -> String {
    let sums = &figures.seconds;
    told(percent(sums.known().saturating_sub(sums.old), sums.looked(), false), sums)
}

/// A share of the time that counts, rounded up; nothing at all is a dash.
fn bad(part: u64, sums: &Sums) -> String {
    if part == 0 { "-".to_owned() } else { percent(part, taken(sums), true) }
}

fn line(name: String, counted: &Counted) -> Vec<String> {
    let (all, school) = (&counted.round_the_clock, &counted.school_days);
    let sums = &all.seconds;
    vec![
        name,
        available(all),
        available(school),
        fresh(all),
        bad(sums.critical, sums),
        bad(sums.unknown, sums),
        bad(sums.not_recorded, sums),
        bad(sums.planned, sums),
        bad(sums.followed, sums),
    ]
}

fn words(columns: &[&str]) -> Vec<String> {
    columns.iter().map(|text| (*text).to_owned()).collect()
}

fn availability(report: &Report) -> Table {
    let mut rows = Vec::new();
    for service in &report.services {
        let label = service.label.as_str();
        if service.takers > 0 {
            let schools = if service.takers == 1 { "school" } else { "schools" };
            rows.push(line(format!("{label}, {} {schools}", service.takers), &service.schools));
        }
        if let Some(estate) = &service.estate {
            rows.push(line(format!("{label}, whole estate"), estate));
        }
    }
    if !report.schools.is_empty() {
        rows.push(line("all schools together".to_owned(), &report.schools_together));
    }
    Table {
        heading: "Availability".to_owned(),
        columns: words(&[
            "service",
            "available",
            "on school days",
            "fresh",
            "critical",
            "unknown",
            "not recorded",
            "planned",
            "followed",
        ]),
        rows,
        has_figures: true,
        none: "nothing that was asked about is taken by anybody",
    }
}

fn took(seconds: Option<u64>) -> String {
    seconds.map_or("-".to_owned(), |seconds| Span::from_secs(seconds).short())
}

fn spread(spread: &Spread) -> [String; 3] {
    [spread.count.to_string(), took(spread.median), took(spread.p90)]
}

fn times_line(name: String, times: &Times) -> Vec<String> {
    let mut out = vec![name, times.incidents.to_string(), times.unresolved.to_string()];
    out.extend([&times.notice, &times.claim, &times.resolve].into_iter().flat_map(spread));
    out
}

fn times(report: &Report) -> Table {
    let with = report.services.iter().filter(|s| s.times.incidents > 0);
    let mut rows: Vec<Vec<String>> =
        with.map(|s| times_line(s.label.as_str().to_owned(), &s.times)).collect();
    if !rows.is_empty() {
        rows.push(times_line("all together".to_owned(), &report.times));
    }
    Table {
        heading: "Incidents, and how long they took".to_owned(),
        columns: words(&[
            "root",
            "incidents",
            "not well again",
            "noticed",
            "median",
            "90th",
            "claimed",
            "median",
            "90th",
            "resolved",
            "median",
            "90th",
        ]),
        rows,
        has_figures: true,
        none: "no incident opened in this period",
    }
}

fn schools(report: &Report) -> Table {
    let mut columns = words(&[
        "school",
        "LAESTAB",
        "available",
        "on school days",
        "unknown",
        "not recorded",
        "incidents",
        "resolved in (median)",
    ]);
    columns.extend(report.services.iter().map(|s| s.label.as_str().to_owned()));
    let rows = report.schools.iter().map(|school| {
        let sums = &school.counted.round_the_clock.seconds;
        let number = match school.row {
            Row::School(laestab) => laestab.to_string(),
            Row::Estate => String::new(),
        };
        let mut row = vec![
            school.name.as_str().to_owned(),
            number,
            available(&school.counted.round_the_clock),
            available(&school.counted.school_days),
            bad(sums.unknown, sums),
            bad(sums.not_recorded, sums),
            school.times.incidents.to_string(),
            took(school.times.resolve.median),
        ];
        row.extend(report.services.iter().map(|service| {
            let cell = school.cells.iter().find(|cell| cell.service == service.service);
            cell.map_or("-".to_owned(), |cell| available(&cell.counted.round_the_clock))
        }));
        row
    });
    let more = match report.more {
        0 => String::new(),
        more => format!("; {more} more are not listed"),
    };
    Table {
        heading: format!("Schools, the least available first{more}"),
        columns,
        rows: rows.collect(),
        has_figures: true,
        none: "no school that was asked about takes any of it",
    }
}

/// What is stated about personal data: a table for each service.
pub fn statements(report: &Report) -> Vec<Table> {
    let services = report.services.iter().map(|s| (s.service.clone(), s.label.clone()));
    let table = |stated: Stated| {
        let rows = stated.statements.iter().map(|statement| {
            let when = statement.when.as_ref().map_or("no date given", Clean::as_str);
            words(&[
                statement.topic.as_str(),
                statement.in_words(),
                statement.by.word(),
                statement.place.as_str(),
                when,
            ])
        });
        Table {
            heading: stated.label.as_str().to_owned(),
            columns: words(&["about", "what is said", "by whom", "where", "when"]),
            rows: rows.collect(),
            has_figures: false,
            none: NOTHING,
        }
    };
    stated(services).into_iter().map(table).collect()
}

/// A moment for programs: RFC 3339, UTC.
pub fn utc(at: Timestamp) -> String {
    at.to_string()
}
