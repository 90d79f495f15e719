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
use crate::ports::act::Act;
use crate::ports::clock::Boxed;
use crate::ports::watch::{Door, Job, Place, Rights, Watch};
use crate::services::declared::dropped::{Dropped, Folder};
use crate::services::declared::moment::{self, Ahead};
use crate::services::declared::sign_in::SignIn;
use crate::services::declared::{only_sensible, refused, service_key};
use crate::services::errand::HandOff;
use crate::services::future_digital::actions::ClientCheck;
use crate::services::future_digital::alert_mail::AlertMail;
use crate::services::future_digital::describe::{CHECKS, IN_USE, KEY, PATTERN, Settings, spec};
use crate::services::future_digital::history::History;
use crate::services::future_digital::stations::{
    Listed, Report, Station, Version, read, version_in,
};
use crate::services::{Brought, Configured, Context, ServiceError, check_id};

/// School days within which a station must have checked in to be expected.
const EXPECTED_DAYS: u16 = 30;

/// More rows than this in per cent that cannot be read, and the rest proves nothing.
const MALFORMED_LIMIT: u64 = 10;

pub(super) fn configure(
    settings: toml::de::ValueDeserializer<'_>,
) -> Result<Configured, toml::de::Error> {
    let settings = Settings::deserialize(settings)?;
    Ok(Configured {
        credentials: settings.credentials(),
        build: Box::new(move |ctx| Ok(Arc::new(Watcher::new(ctx, settings)?))),
        // A ticket is all there is.
        hands: Some(Box::new(|ctx| {
            let act = ctx.tickets.is_some().then(|| -> Result<Arc<dyn Act>, ServiceError> {
                Ok(Arc::new(HandOff::new(ClientCheck, service_key(KEY)?, ctx)))
            });
            Ok(Brought { acts: act.transpose()?.into_iter().collect(), ..Brought::default() })
        })),
    })
}

struct Watcher {
    spec: ServiceSpec,
    key: ServiceKey,
    check: CheckId,
    sign_in_check: CheckId,
    folder: Folder,
    history: tokio::sync::Mutex<History>,
    alert_mail: Option<AlertMail>,
    sign_in: Option<SignIn>,
    /// The oldest version that is current, where the config says.
    current: Option<Version>,
    estate: Arc<Estate>,
    settings: Settings,
}

/// How the PCs of one school stand.
struct Count {
    expected: u32,
    seen: u32,
    /// Of those expected, listed on an earlier day and no longer in the report.
    gone: u32,
    /// Active in the last 30 school days, and of these on a current version.
    active: u32,
    current: u32,
    chromebooks: u32,
    chromebooks_seen: u32,
}

impl Watcher {
    fn new(ctx: &Context, settings: Settings) -> Result<Self, ServiceError> {
        let (key, check) = (service_key(KEY)?, check_id(KEY, "coverage")?);
        let sign_in_check = check_id(KEY, "sign_in")?;
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
            spec: spec(&settings, &key, [&check, &sign_in_check])?,
            history: tokio::sync::Mutex::default(),
            alert_mail: settings
                .alert_mail
                .as_ref()
                .map(|mail| AlertMail::new(ctx, &key, mail))
                .transpose()?,
            sign_in: settings
                .sign_in
                .as_ref()
                .map(|page| SignIn::new(ctx, KEY, "sign_in", page, None))
                .transpose()?,
            sign_in_check,
            folder: Folder::new(&ctx.folder, &settings.stations, PATTERN),
            estate: ctx.estate.clone(),
            key,
            check,
            current,
            settings,
        })
    }

    async fn observe(&self, targets: &[Target], now: Timestamp) -> Vec<Observation> {
        let mut all = self.judge_file(targets, now).await;
        if let Some(mail) = &self.alert_mail {
            let lately = mail.look(now).await;
            for seen in &mut all {
                if let Target::School(school) = seen.target {
                    let facts = lately.facts(school);
                    let bare = seen.clone();
                    *seen = facts.into_iter().fold(bare, |o, (name, value)| o.fact(name, value));
                }
            }
        }
        all
    }

    async fn judge_file(&self, targets: &[Target], now: Timestamp) -> Vec<Observation> {
        let to_all = |reason, why: &str| {
            targets.iter().map(|t| self.unknown(*t, now, reason, why)).collect::<Vec<_>>()
        };
        let mut file = match self.folder.newest(now).await {
            Ok(file) => file,
            Err(e) => return to_all(e.reason(), &format!("no report of stations: {e}")),
        };
        let report = match read(&file.text, &self.settings.chromebook_ous, now) {
            Ok(report) => report,
            Err(why) => {
                return to_all(Reason::Malformed, &format!("report {} refused: {why}", file.name));
            }
        };
        if let Some(fault) = fault_of(&file, &report, now) {
            return to_all(Reason::Malformed, &format!("report {} {fault}", file.name));
        }
        let mut history = self.history.lock().await;
        let dropped_at = file.at;
        file.at = history.first_seen(&self.folder, &file).await;
        history.catch_up(&self.folder, &file, &self.settings.chromebook_ous, now).await;
        history.take(&report, file.at);
        let current = self.current.clone().or_else(|| usual_version(&report));
        let judged = targets.iter().filter_map(|target| match target {
            Target::School(school) => Some(
                self.judge(*school, &report, &history, &file, current.as_ref(), now)
                    .source(file.at, file.zone)
                    .fact("report", file.name.as_str())
                    .fact("report of", file.at.to_string()),
            ),
            Target::Estate => None,
        });
        let same = (file.at != dropped_at).then(|| dropped_at.to_string());
        judged
            .map(|seen| match &same {
                Some(at) => seen.fact("the same content was dropped again", at),
                None => seen,
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
        history: &History,
        file: &Dropped,
        current: Option<&Version>,
        now: Timestamp,
    ) -> Observation {
        let unknown = |reason, why: &str| self.unknown(Target::School(school), now, reason, why);
        let calendar = self.estate.calendar(school);
        let age = Span::from_secs(calendar.school_seconds(file.at, now));
        let stale = age > self.settings.file_unknown;
        let of_age = format!("report is {} of school days old", age.short());
        let Some(listed) = report.schools.get(&school) else {
            return match stale {
                true => unknown(Reason::Stale, &of_age),
                false => unknown(Reason::NeverSeen, "school is not in the report of stations"),
            };
        };
        if is_over_limit(listed.malformed, listed.rows) {
            let why = format!("{} of {} rows cannot be read", listed.malformed, listed.rows);
            return unknown(Reason::Malformed, &why);
        }
        let known = match self.known_pcs(school) {
            Ok(known) => known,
            Err(why) => return unknown(Reason::Malformed, &why),
        };
        let count = self.count(school, listed, history, known, &calendar, file.at, current);
        let Some(count) = count else {
            return unknown(Reason::NeverSeen, "no school day in the calendar for a year");
        };
        if count.expected == 0 {
            return unknown(Reason::NeverSeen, "no Windows PC was ever seen");
        }
        let (verdict, detail) = if stale {
            let seen = format!("{} of {} PCs were checking in then", count.seen, count.expected);
            (Verdict::Unknown(Reason::Stale), format!("{of_age}; {seen}"))
        } else {
            self.verdict(&count, age, calendar.is_school_day(london_date(now)))
        };
        let seen =
            Observation::new(self.check.clone(), Target::School(school), now, verdict, &detail)
                .number("pcs_seen", count.seen.into())
                .number("pcs_expected", count.expected.into())
                .number(IN_USE, count.active.saturating_add(count.gone).into())
                .number("pcs_on_current_version", count.current.into())
                .number("chromebooks_seen", count.chromebooks_seen.into())
                .number("chromebooks", count.chromebooks.into());
        let seen = match count.gone {
            0 => seen,
            n => seen.number("pcs_no_longer_listed", n.into()),
        };
        with_remarks(seen, listed)
    }

    fn verdict(&self, count: &Count, age: Span, school_day: bool) -> (Verdict, String) {
        let gone = match count.gone {
            0 => String::new(),
            n => format!(" ({n} of them no longer in the report)"),
        };
        let seen = format!("{} of {} PCs checking in{gone}", count.seen, count.expected);
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
    #[expect(clippy::too_many_arguments, reason = "each is a different thing that counts")]
    fn count(
        &self,
        school: Laestab,
        listed: &Listed,
        history: &History,
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
        let gone = history.gone(school, listed, active_from);
        Some(Count {
            expected: amount(pcs()).saturating_add(gone).max(known),
            gone,
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

/// Why a report proves nothing of anybody.
fn fault_of(file: &Dropped, report: &Report, now: Timestamp) -> Option<&'static str> {
    if moment::ahead(file.at, file.zone, now) == Ahead::Malformed {
        Some("is dated in the future")
    } else if report.rows == 0 {
        Some("holds no station")
    } else if is_over_limit(report.nameless, report.rows) {
        Some("names no school in too many of its rows")
    } else {
        None
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

    fn rights(&self) -> Boxed<'_, Vec<Rights>> {
        Box::pin(async {
            match &self.alert_mail {
                Some(mail) => mail.rights().await.into_iter().collect(),
                None => Vec::new(),
            }
        })
    }

    fn doors(&self) -> Boxed<'_, Vec<Door>> {
        Box::pin(async {
            match &self.alert_mail {
                Some(mail) => mail.door().await.into_iter().collect(),
                None => Vec::new(),
            }
        })
    }

    fn places(&self) -> Vec<Place> {
        let mail = self.alert_mail.iter().flat_map(AlertMail::places);
        std::iter::once(self.folder.place()).chain(mail).collect()
    }

    fn jobs(&self) -> Vec<Job> {
        let schools: Arc<[Target]> = self.estate.takers(&self.key).map(Target::School).collect();
        let job = |id: &CheckId, name: &str, targets: Arc<[Target]>| {
            let spec = self.spec.checks.iter().find(|check| check.id == *id)?;
            (!targets.is_empty()).then(|| Job {
                id: name.into(),
                checks: vec![id.clone()],
                targets,
                interval: spec.interval,
            })
        };
        let coverage = job(&self.check, "coverage", schools);
        let sign_in = job(&self.sign_in_check, "sign_in", [Target::Estate].into());
        coverage.into_iter().chain(sign_in).collect()
    }

    fn poll<'a>(&'a self, job: &'a Job, now: Timestamp) -> Boxed<'a, Vec<Observation>> {
        Box::pin(async move {
            match &self.sign_in {
                Some(page) if job.checks.contains(&self.sign_in_check) => {
                    vec![page.observe(self.sign_in_check.clone(), now).await]
                }
                _ => self.observe(&job.targets, now).await,
            }
        })
    }
}
