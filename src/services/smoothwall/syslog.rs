//! Alerts out of a syslog file that a log server writes for the appliances.
//!
//! The vendor publishes no format of its lines: which programs speak and which words mean what is
//! configuration. Lines of other programs (the web log among them, with pupils' names) are left
//! where they are: they are never parsed further than to their program's name, and never held.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rustix::fs::{Mode, OFlags};

use crate::model::calendar::london;
use crate::model::observation::Zone;
use crate::model::text::Clean;
use crate::ports::watch::Place;
use crate::services::declared::dropped::{DropError, decode};
use crate::services::declared::in_folder;
use crate::services::declared::words::folded;
use crate::services::smoothwall::describe::{Syslog as Settings, SyslogZone};

/// How far a line may lie before the one in front of it: hosts' clocks differ.
const DISORDER: SignedDuration = SignedDuration::from_hours(2);

/// One line of a program that is listened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub at: Timestamp,
    pub zone: Zone,
    /// As written, lower case.
    pub host: String,
    /// What it says, folded.
    pub text: String,
    /// Whether it is of a program that reports alerts; else it only shows that the host lives.
    pub reports: bool,
}

/// What stands in the file.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines {
    pub lines: Vec<Line>,
    /// Lines whose time or host cannot be read.
    pub unreadable: usize,
    /// Those among them that name a program that reports: what they told is lost. The first of the file
    /// comes last.
    pub lost: Vec<Lost>,
}

/// A line that cannot be read although a program wrote it that reports alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lost {
    /// Its number and file: `line 12 of alerts.log`.
    pub place: String,
    /// Whose it may be, lower case; none where that cannot be told either.
    pub hosts: Option<Vec<String>>,
}

impl Lines {
    fn leave(&mut self, (file, line): (&str, usize), text: &str, settings: &Settings) {
        let text = text.to_lowercase();
        let programs = settings.programs.iter().map(|p| p.trim().to_lowercase());
        let named: Vec<String> =
            programs.filter(|p| !p.is_empty() && text.contains(p.as_str())).collect();
        self.unreadable += 1;
        if !named.is_empty() {
            let hosts = named.iter().map(|program| hosts_before(&text, program));
            let hosts: Option<Vec<Vec<String>>> = hosts.collect();
            let hosts = hosts.map(|hosts| hosts.concat());
            self.lost.push(Lost { place: format!("line {line} of {file}"), hosts });
        }
    }
}

/// The words that stand where a host stands: right before each place at which `program` names itself.
/// None where it is named anywhere else: then the line may be anybody's.
fn hosts_before(text: &str, program: &str) -> Option<Vec<String>> {
    let named = text.match_indices(program).map(|(at, _)| {
        let (before, behind) = (text.get(..at)?, text.get(at + program.len()..)?);
        let host = before.strip_suffix(' ')?.rsplit(' ').next()?;
        (behind.starts_with(['[', ':', ' ']) && !host.is_empty()).then(|| host.to_owned())
    });
    named.collect()
}

/// A file of lines and the one before it (`NAME.1`), where there is one.
pub(super) struct Syslog {
    path: PathBuf,
    settings: Settings,
    last: Mutex<Option<(Stamp, Arc<Lines>)>>,
}

/// Changes whenever one of the two files does.
type Stamp = Vec<Option<(u64, Timestamp)>>;

impl Syslog {
    pub(super) fn new(base: &Path, settings: &Settings) -> Self {
        Self {
            path: in_folder(base, &settings.file),
            settings: settings.clone(),
            last: Mutex::default(),
        }
    }

    /// Where it is.
    pub(super) fn place(&self) -> Place {
        let folder = self.path.parent().map(Path::to_path_buf).unwrap_or_default();
        Place { folder, file: Some(self.path.clone()) }
    }

    /// Reads the file, if it changed.
    pub(super) async fn read(self: &Arc<Self>, now: Timestamp) -> Result<Arc<Lines>, DropError> {
        let this = self.clone();
        let path = Clean::new(&self.path.to_string_lossy());
        tokio::task::spawn_blocking(move || this.read_blocking(now)).await.unwrap_or_else(|e| {
            Err(DropError::Unreadable { name: path, why: Clean::new(&e.to_string()) })
        })
    }

    fn read_blocking(&self, now: Timestamp) -> Result<Arc<Lines>, DropError> {
        let mut rotated = self.path.clone().into_os_string();
        rotated.push(".1");
        let files = [PathBuf::from(rotated), self.path.clone()];
        let stamp: Stamp = files.iter().map(|file| stamp(file)).collect();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, lines)) = last.as_ref().filter(|(before, _)| *before == stamp) {
            return Ok(lines.clone());
        }
        let [before, current] = files;
        let older = match stamp.first() {
            Some(Some(_)) => self.text_of(&before)?,
            _ => String::new(),
        };
        let newer = self.text_of(&current)?;
        let files = [(&*name(&before), &*older), (&*name(&current), &*newer)];
        let lines = Arc::new(lines(&files, &self.settings, now));
        *last = Some((stamp, lines.clone()));
        Ok(lines)
    }

    /// All complete lines of a file.
    fn text_of(&self, path: &Path) -> Result<String, DropError> {
        let name = Clean::new(&name(path));
        let failed = |why: &str| {
            let (name, why) = (name.clone(), Clean::new(why));
            DropError::Unreadable { name, why }
        };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file: File = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|e| failed(&e.to_string()))?
            .into();
        let meta = file.metadata().map_err(|e| failed(&e.to_string()))?;
        if !meta.is_file() {
            return Err(failed("not a regular file"));
        }
        let limit = self.settings.max_bytes;
        let mut bytes = Vec::new();
        file.take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|e| failed(&e.to_string()))?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
            return Err(DropError::TooLarge { name, limit });
        }
        // The last line may still be being written.
        let end = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
        bytes.truncate(end);
        decode(&bytes).ok_or(DropError::NotText { name })
    }
}

/// The name of a file without its folder.
fn name(file: &Path) -> Cow<'_, str> {
    file.file_name().unwrap_or_default().to_string_lossy()
}

fn stamp(file: &Path) -> Option<(u64, Timestamp)> {
    let meta = std::fs::symlink_metadata(file).ok()?;
    Some((meta.len(), Timestamp::try_from(meta.modified().ok()?).ok()?))
}

/// A time as a line gives it.
enum Time {
    Given(Timestamp),
    /// Month, day and time of day, without a year and a zone.
    Short(String),
}

/// The lines that count, of files by name, the oldest first. Read from the end: a year that is not
/// written is the latest in which a line does not come after the one behind it.
pub(super) fn lines(files: &[(&str, &str)], settings: &Settings, now: Timestamp) -> Lines {
    let zone = match settings.zone {
        SyslogZone::London => london(),
        SyslogZone::Utc => TimeZone::UTC,
    };
    let mut found = Lines::default();
    let mut latest = now.saturating_add(DISORDER).unwrap_or(now);
    let numbered = files.iter().flat_map(|(file, text)| {
        (1..).zip(text.lines()).map(move |(number, line)| ((*file, number), line))
    });
    let numbered: Vec<_> = numbered.filter(|(_, line)| !line.trim().is_empty()).collect();
    for (place, line) in numbered.into_iter().rev() {
        let whole = parts(line).filter(|(.., said)| !settings.begins_within(said));
        let Some((time, host, program, said)) = whole else {
            found.leave(place, line, settings);
            continue;
        };
        let placed = match time {
            Time::Given(at) => Some((at, Zone::Given)),
            Time::Short(text) => dated(&text, latest, &zone).map(|at| (at, Zone::Assumed)),
        };
        let Some((at, zone)) = placed else {
            found.leave(place, line, settings);
            continue;
        };
        if zone == Zone::Assumed {
            latest = latest.min(at.saturating_add(DISORDER).unwrap_or(at));
        }
        let reports = settings.programs.iter().any(|p| p.trim().eq_ignore_ascii_case(program));
        if !reports && !settings.any_line_is_heartbeat {
            continue;
        }
        let text = if reports { folded(said) } else { String::new() };
        found.lines.push(Line { at, zone, host: host.to_lowercase(), text, reports });
    }
    found.lines.reverse();
    found
}

impl Settings {
    /// Whether a line of one of the programs begins within what another line says: two that became one. Where
    /// the first ends is not known, nor whose the second is: text that somebody else writes could look like it.
    fn begins_within(&self, said: &str) -> bool {
        let said = said.to_lowercase();
        self.programs.iter().any(|program| {
            let program = program.trim().to_lowercase();
            let begins = |end: &str| said.contains(&format!(" {program}{end}"));
            !program.is_empty() && (begins("[") || begins(":"))
        })
    }
}

/// Time, host, program and text of a line, as RFC 3164, RFC 5424 and log servers' files write it.
fn parts(line: &str) -> Option<(Time, &str, &str, &str)> {
    let line = line.trim_start();
    let after = match line.strip_prefix('<') {
        Some(rest) => {
            let (priority, rest) = rest.split_once('>')?;
            priority.parse::<u16>().ok()?;
            rest
        }
        None => line,
    };
    if let Some(rest) = after.strip_prefix("1 ") {
        let mut fields = rest.splitn(6, ' ');
        let at = fields.next()?.parse().ok()?;
        let (host, program) = (fields.next()?, fields.next()?);
        let text = fields.nth(2)?;
        return named(Time::Given(at), host, program, without_data(text));
    }
    let (first, rest) = after.split_once(' ')?;
    let (time, rest) = match first.parse::<Timestamp>() {
        Ok(at) => (Time::Given(at), rest),
        Err(_) => {
            let (day, rest) = rest.trim_start().split_once(' ')?;
            let (clock, rest) = rest.trim_start().split_once(' ')?;
            (Time::Short(format!("{first} {day} {clock}")), rest)
        }
    };
    let (host, rest) = rest.trim_start().split_once(' ')?;
    let (tag, text) = rest.split_once(':')?;
    let program = tag.split('[').next().unwrap_or_default();
    named(time, host, program.trim(), text)
}

fn named<'a>(
    time: Time,
    host: &'a str,
    program: &'a str,
    text: &'a str,
) -> Option<(Time, &'a str, &'a str, &'a str)> {
    let is_name = |s: &str| !s.is_empty() && s != "-" && !s.contains(char::is_whitespace);
    (is_name(host) && is_name(program)).then_some((time, host, program, text))
}

/// The text of an RFC 5424 line behind its structured data.
fn without_data(text: &str) -> &str {
    let mut rest = text;
    while let Some(data) = rest.strip_prefix('[') {
        match data.split_once(']') {
            Some((_, after)) => rest = after,
            None => return "",
        }
    }
    rest.strip_prefix('-').unwrap_or(rest)
}

/// The latest moment not after `latest` at which it was so by the calendar and the clock.
fn dated(text: &str, latest: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let year = latest.to_zoned_datetime(zone.clone()).year();
    // Eight years back: the 29th of February.
    (0..=8).find_map(|back| {
        let dated = format!("{} {text}", year - back);
        let civil = DateTime::strptime("%Y %b %d %H:%M:%S", &dated).ok()?;
        let at = zone.to_ambiguous_timestamp(civil).earlier().ok()?;
        (at <= latest).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2027-02-02T10:40:00Z";

    fn settings() -> Settings {
        toml::from_str("file = 'x'").unwrap()
    }

    fn read(text: &str) -> Vec<(String, String, String)> {
        let found = lines(&[("x", text)], &settings(), NOW.parse().unwrap());
        assert_eq!(found.unreadable, 0, "{text}");
        found.lines.into_iter().map(|l| (l.at.to_string(), l.host, l.text)).collect()
    }

    #[test]
    fn reads_the_forms_in_which_log_servers_write() {
        let expected = [(
            "2027-02-02T10:21:30Z".to_owned(),
            "edge-a".to_owned(),
            "alert state=stopped".to_owned(),
        )];
        for line in [
            "<29>Feb  2 10:21:30 edge-a smoothmonitor[2211]: alert state=stopped",
            "Feb 2 10:21:30 EDGE-A SmoothMonitor: alert  state=stopped",
            "2027-02-02T11:21:30+01:00 edge-a smoothmonitor[7]: ALERT state=stopped",
            "<29>1 2027-02-02T10:21:30Z edge-a smoothmonitor 2211 - - alert state=stopped",
            "<29>1 2027-02-02T10:21:30Z edge-a smoothmonitor 2211 ID [a b=\"c\"][d] alert state=stopped",
        ] {
            assert_eq!(read(&format!("{line}\n")), expected, "{line}");
        }
    }

    #[test]
    fn the_year_is_the_latest_that_fits_and_lines_do_not_run_backwards() {
        let line = |when: &str, n: u32| format!("{when} edge-a smoothmonitor: n{n}\n");
        let text = [
            line("Dec 30 23:00:00", 1),
            line("Feb 02 12:00:00", 2),
            line("Dec 31 23:59:59", 3),
            line("Jan  1 00:00:01", 4),
            line("Feb 02 10:30:00", 5),
        ]
        .concat();
        let times: Vec<_> = read(&text).into_iter().map(|l| l.0).collect();
        let expected = [
            "2025-12-30T23:00:00Z",
            "2026-02-02T12:00:00Z",
            "2026-12-31T23:59:59Z",
            "2027-01-01T00:00:01Z",
            "2027-02-02T10:30:00Z",
        ];
        assert_eq!(times, expected);
        // In summer a bare time is an hour ahead of UTC, unless the log server writes UTC.
        let july = "Jul  2 10:00:00 edge-a smoothmonitor: x\n";
        let at = |zone: &str| {
            let settings = toml::from_str(&format!("file = 'x'\nzone = '{zone}'")).unwrap();
            lines(&[("x", july)], &settings, NOW.parse().unwrap()).lines[0].at.to_string()
        };
        assert_eq!(at("london"), "2026-07-02T09:00:00Z");
        assert_eq!(at("utc"), "2026-07-02T10:00:00Z");
    }

    #[test]
    fn other_programs_are_left_where_they_are_and_nonsense_is_counted() {
        let text = "Feb  2 10:00:00 edge-a guardian3: GET private.example user jsmith\n\
                    Feb  2 10:00:01 edge-a smoothmonitor: x\n\
                    Feb 30 10:00:01 edge-a smoothmonitor: x\n\
                    garbage\n<x>Feb  2 10:00:00 a b: c\n";
        let found = lines(&[("x", text)], &settings(), NOW.parse().unwrap());
        assert_eq!((found.lines.len(), found.unreadable), (1, 3));
        let edge_a = Some(vec!["edge-a".to_owned()]);
        let lost: Vec<_> =
            found.lost.iter().map(|lost| (&*lost.place, lost.hosts.clone())).collect();
        assert_eq!(lost, [("line 3 of x", edge_a)], "of a program that reports");
        for (line, hosts) in [
            ("<29>1 edge-a smoothmonitor 2211 - - alert", Some(vec!["edge-a"])),
            ("Feb 30 x edge-a smoothmonitor[7]: the smoothmonitor", None),
            ("Feb 30 x edge-a smoothmonitor[7]: the smoothmonitor:", Some(vec!["edge-a", "the"])),
            ("Feb 30 x -a smoothmonitor: x", Some(vec!["-a"])),
            ("smoothmonitor: x", None),
            ("Feb 30 x edge-asmoothmonitor: x", None),
            ("Feb 30 x edge-a smoothmonitors: x", None),
        ] {
            let found = lines(&[("x", line)], &settings(), NOW.parse().unwrap());
            let hosts = hosts.map(|hosts| hosts.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(found.lost.first().map(|lost| &lost.hosts), Some(&hosts), "{line}");
        }
        // Two that became one, of our program or of another.
        for first in ["smoothmonitor[9]: ale", "guardian3: GET x"] {
            let torn = format!(
                "Feb  2 10:00:01 edge-b {first}<29>Feb  2 10:01:00 edge-a smoothmonitor[7]: \
                 alert id=4 service=guardian state=stopped\n"
            );
            let found = lines(&[("x", &torn)], &settings(), NOW.parse().unwrap());
            assert_eq!((found.lines.len(), found.unreadable), (0, 1), "{first}");
        }
        let settings = toml::from_str("file = 'x'\nany_line_is_heartbeat = true").unwrap();
        let found = lines(&[("x", text)], &settings, NOW.parse().unwrap());
        assert_eq!(found.lines.len(), 2);
        assert!(!format!("{found:?}").contains("private"), "only that the host lives");
    }
}
