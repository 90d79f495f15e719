//! The configuration, the files that it names, and what they amount to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;

use crate::app::doctor::parted;
use crate::app::setup::Prepared;
use crate::cli::doctor::{Area, Finding};
use crate::config::schools::Severity;
use crate::config::{Config, ConfigError};
use crate::model::calendar::{Calendar, london_date};
use crate::sys::trusted_file;
use crate::transport::TransportSettings;

/// A calendar that ends within so many days is told.
const RUNS_OUT: i32 = 60;
/// Longer than any holiday between two terms.
const LONGEST_HOLIDAY: i32 = 60;
/// Findings about rows that are told one by one.
const ROWS: usize = 20;

/// One thing that is wrong with the configuration.
pub fn wrong(error: &ConfigError) -> Finding {
    let place = match error.line {
        0 => error.file.display().to_string(),
        line => format!("{}:{line}:{}", error.file.display(), error.column),
    };
    let mut text = error.found.clone();
    if !error.key.is_empty() {
        text = format!("{}: {text}", error.key);
    }
    if let Some(nearest) = &error.nearest {
        text.push_str(&format!(" (did you mean `{nearest}`?)"));
    }
    let expected = (!error.expected.is_empty()).then(|| format!("expected {}", error.expected));
    let remedy = match (expected, error.remedy.is_empty()) {
        (Some(expected), true) => format!("write what is {expected}"),
        (Some(expected), false) => format!("{} ({expected})", error.remedy),
        (None, false) => error.remedy.clone(),
        (None, true) => "mend it; `caretaker config check` says when it is good".to_owned(),
    };
    Finding::error(Area::Config, &place, text, remedy)
}

/// A configuration that can be used.
pub fn good(prepared: &Prepared) -> Finding {
    let estate = &prepared.estate;
    let watched = estate.services.iter().filter(|s| !s.checks.is_empty()).count();
    let polls: usize = prepared.watches.iter().map(|w| w.jobs().len()).sum();
    Finding::ok(
        Area::Config,
        &prepared.config.path().display().to_string(),
        format!(
            "good; {watched} of {} services watched, {polls} polls, {} credentials",
            estate.services.len(),
            prepared.credentials.len()
        ),
    )
}

/// Whether calls go through a proxy that the configuration names.
pub fn has_proxy(config: &Config) -> bool {
    config.transport::<TransportSettings>().is_ok_and(|t| t.proxy_url.is_some())
}

/// Who can change the files that decide what is watched and whom we trust.
pub fn files(prepared: &Prepared) -> Vec<Finding> {
    let config = &prepared.config;
    let settings = &config.settings;
    let mut named: BTreeSet<(PathBuf, bool)> = BTreeSet::new();
    let mut name = |path: &Option<PathBuf>, authority: bool| {
        named.extend(path.as_ref().map(|p| (config.resolve(p), authority)));
    };
    name(&settings.schools.register_file, false);
    name(&settings.schools.list_file, false);
    name(&settings.schools.subscriptions_file, false);
    for calendar in settings.calendars.values() {
        name(&calendar.ical_file, false);
        name(&calendar.bank_holidays_file, false);
    }
    for path in &prepared.authorities {
        name(&Some(path.clone()), true);
    }
    // Judged while it was read.
    let mut out = vec![Finding::ok(
        Area::Files,
        &config.path().display().to_string(),
        "only its owner can change it",
    )];
    out.extend(named.into_iter().map(|(path, authority)| file(&path, authority)));
    out
}

fn file(path: &Path, authority: bool) -> Finding {
    let subject = path.display().to_string();
    match trusted_file(path) {
        Ok(()) => Finding::ok(Area::Files, &subject, "only its owner can change it"),
        Err(untrusted) => {
            let (text, remedy) = parted(&untrusted.to_string());
            // Who can change an authority can read every credential on its way.
            match authority {
                true => Finding::error(Area::Files, "", text, remedy),
                false => Finding::warning(Area::Files, "", text, remedy),
            }
        }
    }
}

/// Schools, subscriptions and calendars.
pub fn tables(prepared: &Prepared, now: Timestamp) -> Vec<Finding> {
    let mut out = Vec::new();
    let estate = &prepared.estate;
    let text = format!(
        "{} schools, {} of them set up",
        estate.schools.len(),
        estate.schools.len().saturating_sub(prepared.not_set_up.len())
    );
    out.push(match estate.schools.is_empty() {
        true => Finding::warning(
            Area::Tables,
            "",
            "there are no schools",
            "name schools.register_file or schools.list_file in the configuration",
        ),
        false => Finding::ok(Area::Tables, "", text),
    });
    for found in prepared.findings.iter().take(ROWS) {
        let place = format!("{}:{}", found.file.display(), found.line);
        let column = found.column.as_ref().map_or(String::new(), |c| format!("column {c}: "));
        let (text, remedy) = parted(&format!("{column}{}", found.text));
        out.push(match found.severity {
            Severity::Note => {
                Finding::note(Area::Tables, &place, format!("{column}{}", found.text))
            }
            Severity::Warning => Finding::warning(Area::Tables, &place, text, remedy),
            Severity::Error => Finding::error(Area::Tables, &place, text, remedy),
        });
    }
    if let more @ 1.. = prepared.findings.len().saturating_sub(ROWS) {
        let text = format!("{more} more findings about rows");
        let remedy = "run: caretaker config check";
        out.push(Finding::warning(Area::Tables, "", text, remedy));
    }
    for brought in &prepared.imported {
        out.push(Finding::ok(Area::Tables, "", brought.to_string()));
    }
    let today = london_date(now);
    for (name, calendar) in &estate.calendars {
        let name = if name.is_empty() { "default" } else { name };
        out.extend(calendar_of(name, calendar, today));
    }
    if estate.calendars.is_empty() {
        let text = "there is no calendar: holidays and INSET days count as school days";
        out.push(Finding::note(Area::Tables, "", text));
    }
    out
}

/// How long a calendar lasts, and whether a term seems to be missing.
fn calendar_of(name: &str, calendar: &Calendar, today: Date) -> Vec<Finding> {
    let subject = format!("calendars.{name}");
    let mut out = Vec::new();
    let days = |from: Date, to: Date| (to - from).get_days();
    let Some(end) = calendar.ends() else {
        let text = "holds no terms: every weekday but its closures is a school day";
        return vec![Finding::note(Area::Tables, &subject, text)];
    };
    let left = days(today, end);
    let shown = end.strftime("%-d %b %Y");
    let remedy = "add the terms that follow, or a newer ical_file";
    let finding = if left < 0 {
        let text = format!("ran out on {shown}: since then every weekday is a school day");
        Finding::warning(Area::Tables, &subject, text, remedy)
    } else if left <= RUNS_OUT {
        let text = format!("runs out on {shown}, in {left} days");
        Finding::warning(Area::Tables, &subject, text, remedy)
    } else {
        Finding::ok(Area::Tables, &subject, format!("lasts until {shown}"))
    };
    out.push(finding.fact("days_left", left));
    let mut terms = calendar.terms.clone();
    terms.sort_unstable_by_key(|t| t.from);
    let mut last: Option<Date> = None;
    for term in &terms {
        if let Some(before) = last.filter(|b| days(*b, term.from) > LONGEST_HOLIDAY) {
            let text = format!(
                "no term from {} to {}, {} days: all of it counts as a holiday, which holds alarms",
                before.strftime("%-d %b %Y"),
                term.from.strftime("%-d %b %Y"),
                days(before, term.from)
            );
            let remedy = "add the term that is missing between the two";
            out.push(Finding::warning(Area::Tables, &subject, text, remedy));
        }
        last = last.max(Some(term.to));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Severity as Weight;
    use crate::model::calendar::Days;

    fn told(terms: &[(&str, &str)], today: &str) -> Vec<(Weight, String)> {
        let day = |text: &str| text.parse().unwrap();
        let terms = terms.iter().map(|(f, t)| Days { from: day(f), to: day(t) }).collect();
        let calendar = Calendar { terms, closures: Vec::new() };
        let found = calendar_of("default", &calendar, day(today));
        found.into_iter().map(|f| (f.severity, f.text)).collect()
    }

    #[test]
    fn a_calendar_that_runs_out_is_told_in_time() {
        let autumn = [("2026-09-02", "2026-12-18")];
        assert_eq!(told(&autumn, "2026-10-18")[0].0, Weight::Ok);
        let soon = told(&autumn, "2026-10-19");
        assert_eq!(soon[0], (Weight::Warning, "runs out on 18 Dec 2026, in 60 days".to_owned()));
        assert_eq!(told(&autumn, "2026-12-18")[0].1, "runs out on 18 Dec 2026, in 0 days");
        assert!(told(&autumn, "2026-12-19")[0].1.starts_with("ran out on 18 Dec 2026"));
        assert_eq!(told(&[], "2026-10-19")[0].0, Weight::Note);
    }

    #[test]
    fn a_missing_term_is_told_because_it_would_hold_alarms() {
        let year = [("2026-09-02", "2026-12-18"), ("2027-04-12", "2027-07-20")];
        let seen = told(&year, "2026-10-01");
        assert_eq!((seen.len(), seen[1].0), (2, Weight::Warning));
        assert!(seen[1].1.contains("18 Dec 2026 to 12 Apr 2027, 115 days"), "{}", seen[1].1);
        let summer = [("2026-04-13", "2026-07-21"), ("2026-09-02", "2026-12-18")];
        assert_eq!(told(&summer, "2026-10-01").len(), 1, "six weeks are a summer");
    }
}
