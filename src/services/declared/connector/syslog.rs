//! Lines of a syslog file: which events they raise and clear, host by host.
//!
//! Invariant: a host that has been silent for too long is unknown, whatever it wrote before.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::lines::{Fresh, Lines};
use super::reading::{Judged, time};
use super::settings::{Asks, Severity, SyslogSettings, ZoneRule};
use super::template::is_param;
use super::{Refused, refuse};
use crate::model::estate::Estate;
use crate::model::health::Reason;
use crate::model::ids::{Laestab, ServiceKey};
use crate::model::observation::{SourceTime, Verdict, Zone};
use crate::ports::watch::Place;
use crate::services::declared::in_folder;
use crate::services::declared::words::folded;
use crate::transport::Trace;

/// Hosts whose state is kept; lines of more are counted only.
const MOST_HOSTS: usize = 20_000;

/// That the settings make sense for `scope`.
pub(super) fn check(settings: &SyslogSettings, scope: Asks) -> Result<(), Refused> {
    match (scope, settings.param.as_deref(), settings.hosts.is_empty()) {
        (Asks::School, ..) => {
            return Err(refuse("file", "one file tells of all schools: set scope to bulk"));
        }
        (Asks::Bulk, Some(name), true) if is_param(name) => {}
        (Asks::Bulk, _, false) => {
            return Err(refuse("hosts", "is for scope estate; schools name theirs by param"));
        }
        (Asks::Bulk, ..) => {
            let why = "scope is bulk: give the part after the dot of the column with the host";
            return Err(refuse("param", why));
        }
        (Asks::Estate, Some(_), _) => return Err(refuse("param", "is for scope bulk")),
        (Asks::Estate, None, _) => {}
    }
    if settings.events.is_empty() {
        return Err(refuse("events", "without events nothing could ever be bad"));
    }
    if settings.zone == ZoneRule::Given {
        return Err(refuse("zone", "a syslog line seldom says its zone: give utc or london"));
    }
    if !(80..=1024 * 1024).contains(&settings.longest_line) {
        return Err(refuse("longest_line", "must be from 80 to 1048576 bytes"));
    }
    if settings.first_read == 0 || settings.silent_after.as_secs() == 0 {
        return Err(refuse("silent_after", "and first_read must not be 0"));
    }
    for event in &settings.events {
        let empty = |text: &String| folded(text).is_empty();
        if event.raised.is_empty() || event.raised.iter().chain(&event.cleared).any(empty) {
            return Err(refuse("events", "raised needs words, and no piece may be empty"));
        }
        if event.name.trim().is_empty() || event.name.chars().count() > 60 {
            return Err(refuse("events", "an event needs a name of up to 60 characters"));
        }
    }
    Ok(())
}

/// What is known of one host.
#[derive(Default)]
struct Host {
    /// The newest line.
    spoke: Option<Timestamp>,
    /// By the place of the event: since when it is raised.
    raised: BTreeMap<usize, Timestamp>,
}

struct State {
    lines: Lines,
    hosts: BTreeMap<String, Host>,
    undated: u64,
    passed_over: u64,
    gaps: u64,
}

/// A line, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Line<'a> {
    at: Option<Timestamp>,
    host: &'a str,
    text: &'a str,
}

/// A file that can be followed.
pub(super) struct Log {
    settings: SyslogSettings,
    /// Hosts of each school, lower case.
    schools: BTreeMap<Laestab, BTreeSet<String>>,
    state: Arc<Mutex<State>>,
    pub(super) place: Place,
    trace: Option<Trace>,
}

impl Log {
    /// The log, and the schools that name no host.
    pub(super) fn new(
        base: &Path,
        settings: &SyslogSettings,
        (estate, service): (&Estate, &ServiceKey),
        trace: Option<Trace>,
    ) -> (Self, Vec<Laestab>) {
        let file = in_folder(base, &settings.file);
        let rotated = match &settings.rotated {
            Some(rotated) => in_folder(base, rotated),
            None => {
                let mut name = file.clone().into_os_string();
                name.push(".1");
                name.into()
            }
        };
        let (mut schools, mut nameless) = (BTreeMap::new(), Vec::new());
        if let Some(param) = settings.param.as_deref() {
            for school in estate.takers(service) {
                let row = estate.subscriptions.get(&school);
                let hosts = row.map(|row| row.values(service, param)).unwrap_or_default();
                let hosts: BTreeSet<String> = hosts.into_iter().map(str::to_lowercase).collect();
                if hosts.is_empty() {
                    nameless.push(school);
                } else {
                    schools.insert(school, hosts);
                }
            }
        }
        let folder = file.parent().map(Path::to_path_buf).unwrap_or_default();
        let place = Place { folder, file: Some(file.clone()) };
        let lines = Lines::new(file, rotated, settings.first_read, settings.longest_line);
        let state = State { lines, hosts: BTreeMap::new(), undated: 0, passed_over: 0, gaps: 0 };
        let (settings, state) = (settings.clone(), Arc::new(Mutex::new(state)));
        (Self { settings, schools, state, place, trace }, nameless)
    }

    /// Reads what is new and judges the estate.
    pub(super) async fn ask_one(&self, now: Timestamp) -> Judged {
        let mut state = self.state.clone().lock_owned().await;
        if let Err(judged) = self.follow(&mut state, now).await {
            return judged;
        }
        let hosts: BTreeSet<String> = match self.settings.hosts.as_slice() {
            [] => state.hosts.keys().cloned().collect(),
            named => named.iter().map(|host| host.to_lowercase()).collect(),
        };
        self.judge(&state, &hosts, now)
    }

    /// Reads what is new and judges each school by its hosts.
    pub(super) async fn ask_all(
        &self,
        schools: &BTreeSet<Laestab>,
        now: Timestamp,
    ) -> BTreeMap<Laestab, Judged> {
        let mut state = self.state.clone().lock_owned().await;
        let failed = self.follow(&mut state, now).await.err();
        let none = BTreeSet::new();
        let of = |school: &Laestab| match &failed {
            Some(judged) => judged.clone(),
            None => self.judge(&state, self.schools.get(school).unwrap_or(&none), now),
        };
        schools.iter().map(|school| (*school, of(school))).collect()
    }

    async fn follow(&self, state: &mut State, now: Timestamp) -> Result<(), Judged> {
        let unread = |why: &str| {
            let file = self.settings.file.display();
            Judged::unknown(Reason::NoAnswer, format!("file {file} cannot be read: {why}"))
        };
        let empty = Lines::new(Default::default(), Default::default(), 1, 80);
        let mut lines = std::mem::replace(&mut state.lines, empty);
        let looked = tokio::task::spawn_blocking(move || {
            let fresh = lines.look();
            (lines, fresh)
        });
        let (lines, fresh) = looked.await.map_err(|e| unread(&e.to_string()))?;
        state.lines = lines;
        let fresh = fresh.map_err(|e| unread(&e.to_string()))?;
        if let Some(trace) = &self.trace {
            trace.note(&format!(
                "file {}: {} new lines, {} passed over",
                self.settings.file.display(),
                fresh.lines.len(),
                fresh.passed_over
            ));
        }
        self.take(state, &fresh, now);
        Ok(())
    }

    fn take(&self, state: &mut State, fresh: &Fresh, now: Timestamp) {
        state.passed_over += fresh.passed_over;
        state.gaps += u64::from(fresh.gap);
        for text in &fresh.lines {
            let Some(line) = parse(text, self.settings.zone, now) else {
                state.passed_over += 1;
                continue;
            };
            let Some(at) =
                line.at.filter(|at| now.duration_since(*at) > -SignedDuration::from_hours(2))
            else {
                state.undated += 1;
                continue;
            };
            let host = line.host.to_lowercase();
            if state.hosts.len() >= MOST_HOSTS && !state.hosts.contains_key(&host) {
                state.passed_over += 1;
                continue;
            }
            let known = state.hosts.entry(host).or_default();
            known.spoke = known.spoke.max(Some(at));
            let body = folded(line.text);
            for (n, event) in self.settings.events.iter().enumerate() {
                let holds = |pieces: &[String]| pieces.iter().any(|p| body.contains(&folded(p)));
                if holds(&event.raised) {
                    known.raised.entry(n).or_insert(at);
                } else if holds(&event.cleared) {
                    known.raised.remove(&n);
                }
            }
        }
        let keep = self.settings.keep.as_secs_i64();
        for host in state.hosts.values_mut() {
            host.raised.retain(|_, at| now.as_second() - at.as_second() < keep);
        }
    }

    fn judge(&self, state: &State, hosts: &BTreeSet<String>, now: Timestamp) -> Judged {
        let known: Vec<(&String, Option<&Host>)> =
            hosts.iter().map(|name| (name, state.hosts.get(name))).collect();
        let mut raised: Vec<(Severity, Timestamp, &str, &str)> = known
            .iter()
            .filter_map(|(name, host)| Some((name, (*host)?)))
            .flat_map(|(name, host)| host.raised.iter().map(move |(n, at)| (name, *n, *at)))
            .filter_map(|(name, n, at)| {
                let event = self.settings.events.get(n)?;
                Some((event.health, at, event.name.as_str(), name.as_str()))
            })
            .collect();
        raised.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let spoke = |host: Option<&Host>| host.and_then(|h| h.spoke);
        let limit = self.settings.silent_after;
        let silent = known.iter().find(|(_, host)| {
            spoke(*host).is_none_or(|at| now.as_second() - at.as_second() > limit.as_secs_i64())
        });
        let worst = raised.first().copied();
        let mut judged = match (worst, silent) {
            // A known failure is worse than silence, silence worse than a known warning.
            (Some((Severity::Critical, _, event, host)), _) => {
                let mut judged = Judged::unknown(Reason::Stale, format!("{event} at {host}"));
                judged.verdict = Verdict::Critical;
                judged
            }
            (_, Some((name, host))) => match spoke(*host) {
                None => Judged::unknown(
                    Reason::NeverSeen,
                    format!("{name} has written no line: silence proves nothing"),
                ),
                Some(at) => Judged::unknown(
                    Reason::Stale,
                    format!("{name} has written no line since {at}: silence proves nothing"),
                ),
            },
            (None, None) if known.is_empty() => {
                Judged::unknown(Reason::NeverSeen, "no host has written any line")
            }
            (Some((Severity::Warning, _, event, host)), None) => {
                let mut judged = Judged::unknown(Reason::Stale, format!("{event} at {host}"));
                judged.verdict = Verdict::Warning;
                judged
            }
            (None, None) => {
                let mut judged = Judged::unknown(Reason::Stale, "no event is open");
                judged.verdict = Verdict::Ok;
                judged
            }
        };
        // The oldest host's newest line: all of them must speak.
        let newest = known.iter().filter_map(|(_, host)| spoke(*host)).min();
        judged.source_at = newest.map(|at| SourceTime { at, zone: Zone::Assumed });
        if raised.len() > 1 {
            judged = judged.fact("open events", raised.len().to_string());
        }
        if let Some((_, at, _, _)) = worst {
            judged = judged.fact("raised", at.to_string());
        }
        for (name, n) in [
            ("lines passed over", state.passed_over),
            ("lines without a time", state.undated),
            ("gaps after rotations", state.gaps),
        ] {
            if n > 0 {
                judged = judged.fact(name, n.to_string());
            }
        }
        judged
    }
}

/// Every line of `text` in every zone, for fuzzing.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn every_line(text: &str, now: Timestamp) {
    for line in text.lines() {
        for zone in [ZoneRule::Given, ZoneRule::Utc, ZoneRule::London] {
            std::hint::black_box(parse(line, zone, now));
        }
    }
}

/// Takes a line apart: RFC 5424 (`<29>1 2026-11-23T08:45:12Z host app ..`), RFC 3164
/// (`<29>Nov 23 08:45:12 host app: ..`), or an ISO time, a host and a text.
fn parse(line: &str, zone: ZoneRule, now: Timestamp) -> Option<Line<'_>> {
    let rest = match line.strip_prefix('<') {
        Some(after) => after.split_once('>').map(|(_, rest)| rest)?,
        None => line,
    };
    let rest = rest.trim_start();
    let rest = rest.strip_prefix("1 ").unwrap_or(rest);
    let starts_iso = rest.bytes().next().is_some_and(|b| b.is_ascii_digit());
    let (at, rest) = if starts_iso {
        let (stamp, rest) = rest.split_once(' ')?;
        (time(stamp, zone).map(|t| t.at), rest)
    } else {
        // `Nov  3 08:45:12`: three words, the second padded by a space.
        let mut words = rest.splitn(2, ' ');
        let month = words.next()?;
        let (day, rest) = words.next()?.trim_start().split_once(' ')?;
        let (clock, rest) = rest.trim_start().split_once(' ')?;
        (bsd_time([month, day, clock], zone, now), rest)
    };
    let (host, text) = rest.trim_start().split_once(' ').unwrap_or((rest.trim(), ""));
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || host.len() > 255 || !host.chars().all(good) {
        return None;
    }
    Some(Line { at, host, text })
}

/// A time without a year: that of this year, or of the last if that lies ahead by more than a day.
fn bsd_time(words: [&str; 3], zone: ZoneRule, now: Timestamp) -> Option<Timestamp> {
    let [month, day, clock] = words;
    let this = now.to_zoned_datetime(jiff::tz::TimeZone::UTC).year();
    let in_year = |year: i16| {
        let text = format!("{year} {month} {day} {clock}");
        let written = DateTime::strptime("%Y %b %d %H:%M:%S", &text).ok()?;
        time(&written.to_string(), zone).map(|t| t.at)
    };
    let at = in_year(this);
    match at {
        Some(at) if at.duration_since(now) > SignedDuration::from_hours(24) => {
            in_year(this.checked_sub(1)?)
        }
        // 29 February, read in a year that has none.
        None => in_year(this.checked_sub(1)?),
        at => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2027-01-03T10:40:00Z";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    #[test]
    fn takes_lines_of_each_kind_apart() {
        for (line, at, host, text) in [
            (
                "<29>Jan  3 08:45:12 gate01 monitor[2]: state=stopped",
                "2027-01-03T08:45:12Z",
                "gate01",
                "monitor[2]: state=stopped",
            ),
            ("Dec 31 23:59:59 gate01 x: y", "2026-12-31T23:59:59Z", "gate01", "x: y"),
            (
                "<29>1 2027-01-03T09:00:00+01:00 gate02.example.org app 7 - - down",
                "2027-01-03T08:00:00Z",
                "gate02.example.org",
                "app 7 - - down",
            ),
            ("2027-01-03T09:00:00Z gate03 up", "2027-01-03T09:00:00Z", "gate03", "up"),
            ("2027-01-03T09:00:00 gate03 up", "2027-01-03T09:00:00Z", "gate03", "up"),
        ] {
            let parsed = parse(line, ZoneRule::London, now()).unwrap();
            assert_eq!(parsed.at.unwrap().to_string(), at, "{line}");
            assert_eq!((parsed.host, parsed.text), (host, text), "{line}");
        }
        let summer =
            parse("Jul  3 08:45:12 g x", ZoneRule::London, "2027-07-03T10:00:00Z".parse().unwrap());
        assert_eq!(summer.unwrap().at.unwrap().to_string(), "2027-07-03T07:45:12Z");
        for bad in ["", "<29>", "Jan", "Jan 3", "Jan 3 08:45:12", "<29>Jan 3 08:45:12 a/b c"] {
            assert_eq!(parse(bad, ZoneRule::Utc, now()), None, "{bad}");
        }
        let undated = parse("Xyz 99 08:45:12 gate01 x", ZoneRule::Utc, now()).unwrap();
        assert_eq!(undated.at, None);
    }

    proptest::proptest! {
        #[test]
        fn taking_apart_never_panics(line in "(<[0-9]{0,3}>)?.{0,60}") {
            let parsed = parse(&line, ZoneRule::London, now());
            proptest::prop_assert!(parsed.is_none_or(|l| !l.host.is_empty()));
        }
    }
}
