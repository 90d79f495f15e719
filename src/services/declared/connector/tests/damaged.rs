//! Files and mails damaged by chance: what is still ok stands in what was read, to a second and
//! simpler reader that shares nothing with the first.

use std::cell::Cell;

use proptest::prop_assert;

use super::files::{TABLE, table};
use super::mailbox::{TUESDAY, mail, reports};
use super::{build, of_estate, poll, stage};
use crate::model::observation::{Observation, Target, Zone};
use crate::services::declared::tests::damage;
use crate::services::declared::tests::dropping::Drop;
use crate::services::declared::tests::stage::{is_well, number, school};

const THEN: &str = "2027-02-02T09:00:00Z";

/// Damages `text` in the file `name` and lets `says_well` look at what is still ok; how often it was.
fn of_damaged(
    (name, text, toml): (&str, &str, &str),
    target: Target,
    says_well: impl Fn(&str, &Observation) -> bool,
) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let well = Cell::new(0);
    damage::holds(text, 400, |body| {
        let drop = Drop::new();
        drop.file(name, body, THEN);
        let seen = runtime.block_on(poll(&build(&stage(drop.path(), &[]), toml)));
        let seen = &seen[&target];
        if is_well(seen.verdict) {
            well.set(well.get() + 1);
            prop_assert!(says_well(body, seen), "{}: {seen:?}\n{body}", seen.detail);
        }
        Ok(())
    });
    well.get()
}

/// The cell of the school's one row in the one column of this name: commas and line ends alone.
fn cell<'a>(body: &'a str, column: &str) -> Option<&'a str> {
    let mut lines = body.lines().filter(|line| !line.trim().is_empty());
    let head: Vec<&str> = lines.next()?.split(',').map(str::trim).collect();
    let place = |name: &str| {
        let mut at = (0..head.len()).filter(|n| head[*n].eq_ignore_ascii_case(name));
        at.next().filter(|_| at.next().is_none())
    };
    let (school, column) = (place("School")?, place(column)?);
    let mut own = lines
        .map(|line| line.split(',').map(str::trim).collect::<Vec<_>>())
        .filter(|row| row.get(school).is_some_and(|s| s.replace('/', "") == "9990101"));
    let row = own.next().filter(|_| own.next().is_none())?;
    row.get(column).copied()
}

#[test]
fn a_damaged_table_is_never_ok_without_the_words_for_it() {
    let toml = table("");
    let file = ("sync-20270202T0800Z.csv", TABLE, toml.as_str());
    let well = of_damaged(file, school("9990101"), |body, seen| {
        let pupils = cell(body, "Pupils").and_then(|text| text.parse::<f64>().ok());
        // Whoever quotes may put commas and line ends into a cell.
        body.contains('"')
            || cell(body, "State").is_some_and(|text| text.eq_ignore_ascii_case("done"))
                && pupils.is_some_and(|n| n >= 1.0)
                && number(seen, "pupils") == pupils
    });
    assert!(well > 40, "many are still ok: {well}");
}

/// Whether `text` holds the word for well, none for trouble, and this number on the one line about rows.
fn says_well(text: &str, rows: Option<f64>) -> bool {
    let text = text.to_lowercase();
    let mut told = text.lines().filter_map(|line| line.split_once("rows:"));
    let value = told.next().filter(|_| told.next().is_none()).and_then(|(_, rest)| {
        let first = rest.trim_start_matches([':', '=', ' ', '\t']).split_whitespace().next()?;
        first.trim_end_matches(['%', '.', ',', ';', ')']).parse::<f64>().ok()
    });
    text.contains("completed")
        && !text.contains("skipped")
        && !text.contains("failed")
        && value.is_some()
        && value == rows
}

#[test]
fn a_damaged_text_is_never_ok_without_the_words_for_it() {
    let toml = of_estate(
        "[connectors.c.file]\ndrop = { folder = '.', pattern = 'report.txt' }\nformat = 'text'\n\
         health = { words = { ok = ['completed'], warning = ['skipped'], critical = ['failed'] } }\n\
         numbers = { rows = { after = 'Rows:', critical_below = 1 } }\n",
    );
    let mut well = 0;
    for text in [
        "Nightly run\nRows: 812 of 812\nRun completed.\n",
        "Nightly run\nRows: 812 of 812\nRun completed, 3 skipped.\n",
        "Nightly run\nRows: 0\nRun completed, 1 FAILED.\n",
    ] {
        well += of_damaged(("report.txt", text, &toml), Target::Estate, |body, seen| {
            says_well(body, number(seen, "rows")) && number(seen, "rows") >= Some(1.0)
        });
    }
    assert!(well > 40, "many are still ok: {well}");
}

#[test]
fn a_damaged_report_mail_is_never_ok_without_the_words_for_it() {
    let toml = reports("estate", "");
    let report = |text: &str| mail("auto@vendor.example", "Nightly report", TUESDAY, text);
    let mut well = 0;
    for text in ["Rows: 81 of 81\r\nRun completed", "Rows: 81\r\nRun completed, 3 skipped"] {
        well += of_damaged(("a.eml", &report(text), &toml), Target::Estate, |body, seen| {
            let lower = body.replace("\r\n", "\n").to_lowercase();
            let (head, text) = lower.split_once("\n\n").unwrap_or_default();
            // A field may go on in the next line.
            let head = head.replace("\n ", " ").replace("\n\t", " ");
            let of =
                |name: &str| head.lines().filter_map(|l| l.split_once(':')).find(|l| l.0 == name);
            let holds = |name: &str, word: &str| of(name).is_some_and(|(_, v)| v.contains(word));
            // The day and the time of day that it tells are those that are written.
            let numbers: Vec<i64> = of("date")
                .map(|(_, date)| date.split(|c: char| !c.is_ascii_digit()))
                .into_iter()
                .flatten()
                .filter_map(|n| n.parse().ok())
                .collect();
            let told = seen.source_at.filter(|at| at.zone != Zone::Ours);
            let told = told.map(|at| at.at.to_zoned_datetime(jiff::tz::TimeZone::UTC));
            let is_told = match told {
                // Older than it is makes it no milder, and elsewhere it is another hour.
                Some(at) if at.year() < 2027 || numbers.get(5).is_some_and(|zone| *zone != 0) => {
                    true
                }
                Some(at) => {
                    numbers.contains(&i64::from(at.day()))
                        && numbers.contains(&i64::from(at.hour()))
                        && holds("date", &at.strftime("%b").to_string().to_lowercase())
                }
                // Without a date it is as old as its file.
                None => of("date").is_none(),
            };
            holds("from", "@vendor.example")
                && holds("subject", "nightly report")
                && is_told
                && says_well(text, number(seen, "rows"))
        });
    }
    assert!(well > 40, "many are still ok: {well}");
}
