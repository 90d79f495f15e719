//! A report as CSV: a row for each school and service, and for what they are together, each counted
//! round the clock and on school days. Times in seconds, shares from 0 to 1.

use crate::cli::csv::inert;
use crate::wire::board::Row;
use crate::wire::report::{Counted, Figures, Report, Spread, Times};
use crate::wire::tables::utc;

const HEAD: [&str; 31] = [
    "scope",
    "laestab",
    "name",
    "service",
    "from",
    "until",
    "counted",
    "availability",
    "freshness",
    "ok_s",
    "warning_s",
    "followed_s",
    "critical_s",
    "unknown_s",
    "planned_s",
    "not_recorded_s",
    "not_taken_s",
    "old_s",
    "stale_s",
    "incidents",
    "unresolved",
    "noticed",
    "notice_median_s",
    "notice_p90_s",
    "claimed",
    "claim_median_s",
    "claim_p90_s",
    "resolved",
    "resolve_median_s",
    "resolve_p90_s",
    "takers",
];

/// Whose row it is.
struct Whose<'a> {
    scope: &'a str,
    laestab: String,
    name: &'a str,
    service: &'a str,
    takers: Option<u32>,
}

/// The rows, header first.
///
/// # Errors
/// Only when memory ends.
pub fn report_csv(report: &Report) -> Result<String, csv::Error> {
    let mut to = csv::Writer::from_writer(Vec::new());
    to.write_record(HEAD)?;
    let mut put = |whose: &Whose<'_>, counted: &Counted, times: Option<&Times>| {
        let counted =
            [("round_the_clock", &counted.round_the_clock), ("school_days", &counted.school_days)];
        counted.into_iter().try_for_each(|(how, figures)| {
            // Incidents are no matter of days: they stand once.
            let times = times.filter(|_| how == "round_the_clock");
            to.write_record(row(report, whose, (how, figures), times))
        })
    };
    let whole =
        |scope, service, takers| Whose { scope, laestab: String::new(), name: "", service, takers };
    put(&whole("all_schools", "", None), &report.schools_together, Some(&report.times))?;
    for service in &report.services {
        let key = service.service.as_str();
        let takers = Some(service.takers);
        put(&whole("service", key, takers), &service.schools, Some(&service.times))?;
        if let Some(estate) = &service.estate {
            put(&whole("whole_estate", key, None), estate, None)?;
        }
    }
    for school in &report.schools {
        let laestab = match school.row {
            Row::School(laestab) => laestab.to_string(),
            Row::Estate => String::new(),
        };
        let whose = |scope, service| Whose {
            scope,
            laestab: laestab.clone(),
            name: school.name.as_str(),
            service,
            takers: None,
        };
        put(&whose("school", ""), &school.counted, Some(&school.times))?;
        for cell in &school.cells {
            put(&whose("cell", cell.service.as_str()), &cell.counted, None)?;
        }
    }
    let bytes = to.into_inner().map_err(|e| csv::Error::from(e.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn row(
    report: &Report,
    whose: &Whose<'_>,
    (how, figures): (&str, &Figures),
    times: Option<&Times>,
) -> Vec<String> {
    let share = |share: Option<f64>| share.map_or(String::new(), |share| format!("{share:.6}"));
    let sums = &figures.seconds;
    let mut row = vec![
        whose.scope.to_owned(),
        whose.laestab.clone(),
        inert(whose.name),
        whose.service.to_owned(),
        utc(report.from),
        utc(report.until),
        how.to_owned(),
        share(figures.availability),
        share(figures.freshness),
    ];
    let seconds = sums.parts().into_iter().chain([sums.not_taken, sums.old, sums.stale]);
    row.extend(seconds.map(|seconds| seconds.to_string()));
    let number = |number: Option<u64>| number.map_or(String::new(), |n| n.to_string());
    let spread = |spread: fn(&Times) -> &Spread| {
        let spread = times.map(spread);
        [
            number(spread.map(|s| u64::from(s.count))),
            number(spread.and_then(|s| s.median)),
            number(spread.and_then(|s| s.p90)),
        ]
    };
    row.push(number(times.map(|t| u64::from(t.incidents))));
    row.push(number(times.map(|t| u64::from(t.unresolved))));
    row.extend(spread(|t| &t.notice));
    row.extend(spread(|t| &t.claim));
    row.extend(spread(|t| &t.resolve));
    row.push(number(whose.takers.map(u64::from)));
    row
}
