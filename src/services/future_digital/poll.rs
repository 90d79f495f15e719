//! Judges the file of stations, once for all schools.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize as _;

use crate::model::calendar::{Calendar, london, london_date, school_days_back};
use crate::model::check::ServiceSpec;
use crate::model::estate::{Estate, NotWatched};
use crate::model::health::Reason;
use crate::model::ids::{CheckId, Laestab, ServiceKey};
use crate::model::observation::{Observation, Target, Verdict};
use crate::model::span::Span;
use crate::ports::clock::Boxed;
use crate::ports::watch::{Job, Watch};
use crate::services::declared::dropped::{Dropped, Folder};
use crate::services::declared::moment::{self, Ahead};
use crate::services::declared::{only_sensible, refused, service_key};
use crate::services::future_digital::describe::{CHECKS, KEY, PATTERN, Settings, spec};
use crate::services::future_digital::stations::{
    Listed, Report, Station, Version, read, version_in,
};
use crate::services::{Configured, Context, ServiceError, check_id};

/// School days within which a station must have checked in to be expected.
const EXPECTED_DAYS: u16 = 30;

/// More rows than this in per cent that cannot be read, and the rest proves nothing.
const MALFORMED_LIMIT: u64 = 10;

pub(super) fn configure(
    settings: toml::de::ValueDeserializer<'_>,
) -> Result<Configured, toml::de::Error> {
    let settings = Settings::deserialize(settings)?;
    Ok(Configured {
        credentials: Vec::new(),
        build: Box::new(move |ctx| Ok(Arc::new(Watcher::new(ctx, settings)?))),
    })
}

struct Watcher {
    spec: ServiceSpec,
    key: ServiceKey,
    check: CheckId,
    folder: Folder,
    /// The oldest version that is current, where the config says.
    current: Option<Version>,
    estate: Arc<Estate>,
    settings: Settings,
}

/// How the PCs of one school stand.
struct Count {
    expected: u32,
    seen: u32,
    /// Active in the last 30 school days, and of these on a current version.
    active: u32,
    current: u32,
    chromebooks: u32,
    chromebooks_seen: u32,
}

impl Watcher {
    fn new(ctx: &Context, settings: Settings) -> Result<Self, ServiceError> {
        let (key, check) = (service_key(KEY)?, check_id(KEY, "coverage")?);
        only_sensible(KEY, &settings.checks, CHECKS)?;
        let (warning, critical) = (settings.seen_warning, settings.seen_critical);
        if warning > 100 || critical > warning || critical == 0 || settings.current_warning > 100 {
            let why = "limits are per cent: 100 >= seen_warning >= seen_critical > 0";
            return Err(refused(KEY, "seen_critical", why));
        }
        if settings.file_unknown < settings.file_warning {
            return Err(refused(KEY, "file_unknown", "must not be shorter than file_warning"));
        }
        let current = match &settings.current_version {
            None => None,
            Some(text) => Some(version_in(text).ok_or_else(|| {
                refused(KEY, "current_version", "is not a version such as 8.2 or 8.2.0.14")
            })?),
        };
        Ok(Self {
            spec: spec(&settings, &key, &check)?,
            folder: Folder::new(&ctx.folder, &settings.stations, PATTERN),
            estate: ctx.estate.clone(),
            key,
            check,
            current,
            settings,
        })
    }

    async fn observe(&self, targets: &[Target], now: Timestamp) -> Vec<Observation> {
        let to_all = |reason, why: &str| {
            targets.iter().map(|t| self.unknown(*t, now, reason, why)).collect::<Vec<_>>()
        };
        let file = match self.folder.newest(now).await {
            Ok(file) => file,
            Err(e) => return to_all(e.reason(), &format!("no report of stations: {e}")),
        };
        let report = match read(&file.text, &self.settings.chromebook_ous, now) {
            Ok(report) => report,
            Err(why) => {
                return to_all(Reason::Malformed, &format!("report {} refused: {why}", file.name));
            }
        };
        let fault = if moment::ahead(file.at, file.zone, now) == Ahead::Malformed {
            Some("is dated in the future")
        } else if report.rows == 0 {
            Some("holds no station")
        } else if is_over_limit(report.nameless, report.rows) {
            Some("names no school in too many of its rows")
        } else {
            None
        };
        if let Some(fault) = fault {
            return to_all(Reason::Malformed, &format!("report {} {fault}", file.name));
        }
        let current = self.current.clone().or_else(|| usual_version(&report));
        targets
            .iter()
            .filter_map(|target| match target {
                Target::School(school) => Some(
                    self.judge(*school, &report, &file, current.as_ref(), now)
                        .source(file.at, file.zone)
                        .fact("report", file.name.as_str())
                        .fact("report of", file.at.to_string()),
                ),
                Target::Estate => None,
            })
            .map(|seen| match &file.waiting {
                Some(newer) => seen.fact("still being written", newer.as_str()),
                None => seen,
            })
            .collect()
    }

    fn unknown(&self, target: Target, now: Timestamp, reason: Reason, why: &str) -> Observation {
        Observation::new(self.check.clone(), target, now, Verdict::Unknown(reason), why)
    }

    fn judge(
        &self,
        school: Laestab,
        report: &Report,
        file: &Dropped,
        current: Option<&Version>,
        now: Timestamp,
    ) -> Observation {
        let unknown = |reason, why: &str| self.unknown(Target::School(school), now, reason, why);
        let calendar = self.estate.calendar(school);
        let age = Span::from_secs(calendar.school_seconds(file.at, now));
        if age > self.settings.file_unknown {
            let why = format!("report is {} of school days old", age.short());
            return unknown(Reason::Stale, &why);
        }
        let Some(listed) = report.schools.get(&school) else {
            return unknown(Reason::NeverSeen, "school is not in the report of stations");
        };
        if is_over_limit(listed.malformed, listed.rows) {
            let why = format!("{} of {} rows cannot be read", listed.malformed, listed.rows);
            return unknown(Reason::Malformed, &why);
        }
        let known = match self.known_pcs(school) {
            Ok(known) => known,
            Err(why) => return unknown(Reason::Malformed, &why),
        };
        let Some(count) = self.count(listed, known, &calendar, file.at, current) else {
            return unknown(Reason::NeverSeen, "no school day in the calendar for a year");
        };
        if count.expected == 0 {
            return unknown(Reason::NeverSeen, "no Windows PC was ever seen");
        }
        let (verdict, detail) = self.verdict(&count, age, calendar.is_school_day(london_date(now)));
        let seen =
            Observation::new(self.check.clone(), Target::School(school), now, verdict, &detail)
                .number("pcs_seen", count.seen.into())
                .number("pcs_expected", count.expected.into())
                .number("pcs_on_current_version", count.current.into())
                .number("chromebooks_seen", count.chromebooks_seen.into())
                .number("chromebooks", count.chromebooks.into());
        with_remarks(seen, listed)
    }

    fn verdict(&self, count: &Count, age: Span, school_day: bool) -> (Verdict, String) {
        let seen = format!("{} of {} PCs checking in", count.seen, count.expected);
        let (limits, share) =
            (&self.settings, |n: u32, of: u32| u64::from(n) * 100 / u64::from(of.max(1)));
        let seen_share = share(count.seen, count.expected);
        if seen_share < limits.seen_critical.into() {
            return (Verdict::Critical, format!("{seen}: under {} %", limits.seen_critical));
        }
        if seen_share < limits.seen_warning.into() {
            return (Verdict::Warning, format!("{seen}: under {} %", limits.seen_warning));
        }
        if share(count.current, count.active) < limits.current_warning.into() {
            let old = count.active - count.current;
            return (Verdict::Warning, format!("{seen}, but {old} on an old client version"));
        }
        if age > limits.file_warning {
            return (
                Verdict::Warning,
                format!("{seen}, but the report is {} of school days old", age.short()),
            );
        }
        if school_day {
            (Verdict::Ok, seen)
        } else {
            (Verdict::Quiet, format!("no school today; {seen} on the last school day"))
        }
    }

    /// Stations expected and seen, as of the report: what was switched on after it was written
    /// cannot stand in it. Seen: checked in since the monitoring schedule began on the last school
    /// day before it, today so far included. `None` without such a day.
    fn count(
        &self,
        listed: &Listed,
        known: u32,
        calendar: &Calendar,
        as_of: Timestamp,
        current: Option<&Version>,
    ) -> Option<Count> {
        let last_day = calendar.last_school_day_before(as_of)?;
        let seen_from = last_day
            .to_datetime(self.settings.day_starts)
            .to_zoned_datetime(london())
            .ok()?
            .timestamp();
        let active_from = school_days_back(calendar, london_date(as_of), EXPECTED_DAYS);
        let active = |s: &&Station| london_date(s.last_active) >= active_from;
        let seen = |s: &&Station| s.last_active >= seen_from;
        let pcs = || listed.stations.values().filter(|s| !s.chromebook).filter(active);
        let chromebooks = || listed.stations.values().filter(|s| s.chromebook).filter(active);
        let is_current = |s: &&Station| {
            s.version.as_ref().zip(current).is_some_and(|(version, oldest)| version >= oldest)
        };
        Some(Count {
            expected: amount(pcs()).max(known),
            seen: amount(pcs().filter(seen)),
            active: amount(pcs()),
            current: amount(pcs().filter(is_current)),
            chromebooks: amount(chromebooks()),
            chromebooks_seen: amount(chromebooks().filter(seen)),
        })
    }

    fn known_pcs(&self, school: Laestab) -> Result<u32, String> {
        let row = self.estate.subscriptions.get(&school);
        match row.and_then(|s| s.parameter(&self.key, "pcs")) {
            None => Ok(0),
            Some(text) => {
                text.trim().parse().map_err(|_| "future_digital.pcs is not a number".to_owned())
            }
        }
    }
}

/// What was odd in the rows of a school, as evidence.
fn with_remarks(mut seen: Observation, listed: &Listed) -> Observation {
    for (n, what) in [
        (listed.malformed, "rows that cannot be read"),
        (listed.duplicates, "repeated rows, each station counted once"),
        (listed.zoneless, "times without offset, read as Europe/London"),
        (listed.uncertain, "times in the hour that October repeats, read as the earlier"),
        (listed.ahead, "times over 1 h ahead of our clock"),
    ] {
        if n > 0 {
            seen = seen.fact(what, n.to_string());
        }
    }
    seen
}

fn is_over_limit(bad: u32, of: u32) -> bool {
    u64::from(bad) * 100 > u64::from(of) * MALFORMED_LIMIT
}

fn amount<'a>(stations: impl Iterator<Item = &'a Station>) -> u32 {
    u32::try_from(stations.count()).unwrap_or(u32::MAX)
}

/// The newest version that at least one in five stations runs, so that a pilot does not
/// make all others old.
fn usual_version(report: &Report) -> Option<Version> {
    let mut runs: BTreeMap<&Version, usize> = BTreeMap::new();
    let stations = || report.schools.values().flat_map(|s| s.stations.values());
    for version in stations().filter_map(|s| s.version.as_ref()) {
        *runs.entry(version).or_default() += 1;
    }
    let all = stations().count();
    runs.into_iter().rev().find(|(_, n)| n * 5 >= all).map(|(version, _)| version.clone())
}

impl Watch for Watcher {
    fn describe(&self) -> ServiceSpec {
        self.spec.clone()
    }

    fn not_watched(&self) -> Vec<NotWatched> {
        Vec::new()
    }

    fn jobs(&self) -> Vec<Job> {
        let targets: Vec<_> = self.estate.takers(&self.key).map(Target::School).collect();
        if targets.is_empty() {
            return Vec::new();
        }
        let targets: Arc<[Target]> = targets.into();
        let checks = &self.spec.checks;
        checks
            .iter()
            .map(|check| Job {
                id: "coverage".into(),
                checks: vec![check.id.clone()],
                targets: targets.clone(),
                interval: check.interval,
            })
            .collect()
    }

    fn poll<'a>(&'a self, job: &'a Job, now: Timestamp) -> Boxed<'a, Vec<Observation>> {
        Box::pin(self.observe(&job.targets, now))
    }
}
