//! Which stations were listed on earlier days. One that is no longer in the report is still
//! expected for a while: a report that leaves out who is missing must not look complete.
//!
//! Only digests of names are held. After a restart the reports of earlier days are read again, as
//! far as they are still in the folder; where they are gone, the board remembers how many PCs there
//! were (see `describe`).

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash as _, Hasher as _};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::model::calendar::london_date;
use crate::model::ids::Laestab;
use crate::services::declared::dropped::{Dropped, Entry, Folder, decode};
use crate::services::future_digital::stations::{Listed, Report, read};

/// Days whose reports are read again after a restart: 30 school days are six weeks, more in the
/// holidays.
const MAX_DAYS: usize = 75;
/// A station that was not active for so long is expected by nobody.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(24 * 120);
/// Copies of one report that are looked through for the first of them.
const MAX_COPIES: usize = 20;

/// Stations of a school by a digest of their name, and when each was last active.
type Stations = BTreeMap<u64, Timestamp>;

/// What is known of earlier reports.
#[derive(Default)]
pub(super) struct History {
    /// From the last report of each earlier day.
    past: BTreeMap<Laestab, Stations>,
    /// From the last report of the day: what a later one of that day leaves out was corrected.
    today: Option<(Date, BTreeMap<Laestab, Stations>)>,
    /// Days whose report was read.
    days: BTreeSet<Date>,
    /// The content of the last report, as a digest, and when it was first seen.
    content: Option<(u64, Timestamp)>,
}

impl History {
    /// When the content of `file` was first there: an exporter that is stuck drops the same again
    /// and again.
    pub(super) async fn first_seen(&mut self, folder: &Folder, file: &Dropped) -> Timestamp {
        let digest = digest(&file.text);
        let since = match self.content {
            Some((before, since)) if before == digest => since.min(file.at),
            Some(_) => file.at,
            None => earliest_copy(folder, file).await,
        };
        self.content = Some((digest, since));
        since
    }

    /// Reads the last report of each earlier day that was not read yet.
    pub(super) async fn catch_up(
        &mut self,
        folder: &Folder,
        file: &Dropped,
        chromebook_ous: &[String],
        now: Timestamp,
    ) {
        let day = london_date(file.at);
        let Ok(listing) = folder.list(now).await else { return };
        let mut last: BTreeMap<Date, &Entry> = BTreeMap::new();
        // Newest first: the first of a day is its last.
        for entry in listing.entries.iter().filter(|e| london_date(e.at) < day) {
            last.entry(london_date(entry.at)).or_insert(entry);
        }
        for (date, entry) in last.into_iter().rev().take(MAX_DAYS) {
            if !self.days.insert(date) {
                continue;
            }
            let Ok(bytes) = folder.read(entry).await else { continue };
            // One that was refused on its day is no history.
            let report = decode(&bytes).and_then(|text| read(&text, chromebook_ous, now).ok());
            for (school, listed) in report.into_iter().flat_map(|r| r.schools) {
                remember(self.past.entry(school).or_default(), &stations(&listed));
            }
        }
        while self.days.len() > 2 * MAX_DAYS {
            self.days.pop_first();
        }
    }

    /// Takes `report`, which was made on the day of `at`.
    pub(super) fn take(&mut self, report: &Report, at: Timestamp) {
        let day = london_date(at);
        let listed = report.schools.iter().map(|(s, listed)| (*s, stations(listed))).collect();
        match self.today.replace((day, listed)) {
            Some((before, stations)) if before < day => {
                self.days.insert(before);
                for (school, stations) in stations {
                    remember(self.past.entry(school).or_default(), &stations);
                }
            }
            _ => {}
        }
        let oldest = at.saturating_sub(FORGOTTEN).unwrap_or(Timestamp::MIN);
        self.past.retain(|_, stations| {
            stations.retain(|_, last_active| *last_active >= oldest);
            !stations.is_empty()
        });
    }

    /// PCs that were listed on an earlier day, were active since `from` and are not in `listed`
    /// under any OU: moved ones are not gone.
    pub(super) fn gone(&self, school: Laestab, listed: &Listed, from: Date) -> u32 {
        let there: BTreeSet<u64> = listed.stations.keys().map(|(_, name)| digest(name)).collect();
        let past = self.past.get(&school);
        let gone = past.into_iter().flatten().filter(|(name, last_active)| {
            !there.contains(*name) && london_date(**last_active) >= from
        });
        u32::try_from(gone.count()).unwrap_or(u32::MAX)
    }
}

fn remember(past: &mut Stations, stations: &Stations) {
    for (name, last_active) in stations {
        let known = past.entry(*name).or_insert(*last_active);
        *known = (*known).max(*last_active);
    }
}

/// The PCs of a school.
fn stations(listed: &Listed) -> Stations {
    let mut out = Stations::new();
    for ((_, name), station) in listed.stations.iter().filter(|(_, s)| !s.chromebook) {
        let last = out.entry(digest(name)).or_insert(station.last_active);
        *last = (*last).max(station.last_active);
    }
    out
}

/// The time of the first of those files that hold the same, right before this one.
async fn earliest_copy(folder: &Folder, file: &Dropped) -> Timestamp {
    // The time by our clock does not matter here: files that are too young were left out before.
    let Ok(listing) = folder.list(Timestamp::MAX).await else { return file.at };
    let mut earliest = file.at;
    let older = listing.entries.iter().filter(|e| e.at < file.at);
    for entry in older.take(MAX_COPIES) {
        match folder.read(entry).await.ok().and_then(|bytes| decode(&bytes)) {
            Some(text) if text == file.text => earliest = entry.at,
            _ => break,
        }
    }
    earliest
}

fn digest(text: &str) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
