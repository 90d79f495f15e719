//! What a school's accounts say together: the worst account wins.
//!
//! Fields that the verdict reads, Storage Platform: `AccountName`, `Guid`, `Active`,
//! `BackupEnabled`, `GroupDisabled`, `StorageServerOnline`, `OverLimit`, `LastBackupDate`,
//! `LastBackupStatus`, `LastBackupMessage` (`CreatedOn` only for an account that never ran).
//! RedAPI: of the account `accountId`, `accountName` (`createOn` as above); of its runs
//! `accountId`, `statusHistory`, and in it `timestamp`, `status`, `message`.

use jiff::{SignedDuration, Timestamp};

use crate::model::health::Reason;
use crate::model::observation::{Observation, SourceTime, Target, Verdict, Zone};
use crate::services::answer::{Trouble, some_of};
use crate::services::redstor::body::{Account, Listing, Outcome, Run};
use crate::services::redstor::describe::{DataSet, Wanted};

/// One account, judged.
struct Judged {
    verdict: Verdict,
    words: String,
    latest: Option<SourceTime>,
    good: Option<Timestamp>,
    since: Option<Timestamp>,
    evidence: String,
}

impl Judged {
    fn of_trouble(trouble: &Trouble) -> Self {
        Self::bare(Verdict::Unknown(trouble.reason), trouble.why.clone())
    }

    fn bare(verdict: Verdict, words: impl Into<String>) -> Self {
        Self {
            verdict,
            words: words.into(),
            latest: None,
            good: None,
            since: None,
            evidence: "no run".into(),
        }
    }
}

/// Critical before unknown before warning before ok; a pause is the mildest unknown.
fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Ok | Verdict::Quiet => 0,
        Verdict::Warning => 1,
        Verdict::Unknown(Reason::Paused) => 2,
        Verdict::Unknown(_) => 3,
        Verdict::Critical => 4,
    }
}

/// The observation of one school's data set at `at`.
pub(super) fn school(wanted: &Wanted, listing: &Listing, at: Timestamp) -> Observation {
    let judged: Vec<(&String, Judged)> = wanted
        .accounts
        .iter()
        .map(|name| (name, account_named(name, listing, wanted.set, at)))
        .collect();
    let worst = judged.iter().map(|(_, j)| rank(j.verdict)).max().unwrap_or(3);
    let worst_ones: Vec<_> = judged.iter().filter(|(_, j)| rank(j.verdict) == worst).collect();
    let verdict =
        worst_ones.first().map_or(Verdict::Unknown(Reason::NeverSeen), |(_, j)| j.verdict);
    let detail = worst_ones
        .iter()
        .map(|(name, j)| format!("{name}: {}", j.words))
        .collect::<Vec<_>>()
        .join("; ");
    let in_service =
        || judged.iter().map(|(_, j)| j).filter(|j| j.verdict != Verdict::Unknown(Reason::Paused));
    let mut seen =
        Observation::new(wanted.check.clone(), Target::School(wanted.school), at, verdict, &detail);
    if let Some(oldest) = in_service().filter_map(|j| j.latest).min_by_key(|t| t.at) {
        seen = seen.source(oldest.at, oldest.zone);
    }
    // The school can restore everything only back to the account whose last good run is oldest;
    // where one account's is not known, this answer does not tell.
    let all_good: Option<Vec<Timestamp>> = in_service().map(|j| j.good).collect();
    let good = all_good.and_then(|all| all.into_iter().min());
    let since = worst_ones.iter().filter_map(|(_, j)| j.since).min();
    seen = seen.good(good).since(since.filter(|_| verdict != Verdict::Ok));
    let accounts = u32::try_from(judged.len()).unwrap_or(u32::MAX);
    judged.iter().take(10).fold(seen.number("accounts", f64::from(accounts)), |o, (name, j)| {
        o.fact(name, &j.evidence)
    })
}

fn account_named(wanted: &str, listing: &Listing, set: DataSet, now: Timestamp) -> Judged {
    let is = |text: Option<&String>| text.is_some_and(|t| t.trim().eq_ignore_ascii_case(wanted));
    let found: Vec<&Account> =
        listing.accounts.iter().filter(|a| is(a.name.as_ref()) || is(a.guid.as_ref())).collect();
    match found.as_slice() {
        [] if listing.unreadable > 0 => Judged::bare(
            Verdict::Unknown(Reason::Malformed),
            format!("not among the accounts that could be read ({} could not)", listing.unreadable),
        ),
        [] => Judged::bare(
            Verdict::Unknown(Reason::NeverSeen),
            "Redstor lists no such account; correct the subscriptions table, or ask who removed it",
        ),
        [account] => judge(account, set, now),
        many => Judged::bare(
            Verdict::Unknown(Reason::Malformed),
            format!("{} accounts are called so; name the one meant by its guid", many.len()),
        ),
    }
}

fn judge(account: &Account, set: DataSet, now: Timestamp) -> Judged {
    let runs = match &account.runs {
        Ok(runs) => runs,
        Err(trouble) => return Judged::of_trouble(trouble),
    };
    if let Some(why) = account.disabled {
        return Judged::bare(Verdict::Unknown(Reason::Paused), why);
    }
    if let Some(ahead) = runs.iter().find(|r| is_ahead(r.at, now)) {
        return Judged::bare(
            Verdict::Unknown(Reason::Malformed),
            format!("a run at {} is ahead of our clock", ahead.at.at),
        );
    }
    let Some(latest) = runs.first() else { return never_ran(account) };
    let (verdict, mut words) = match &latest.outcome {
        Err(trouble) => return with_times(Judged::of_trouble(trouble), runs),
        Ok(outcome) => (verdict_of(*outcome, set), format!("last backup {}", outcome.words())),
    };
    let mut judged = Judged::bare(verdict, "");
    if account.server_offline {
        judged.verdict = Verdict::Critical;
        words = format!("its storage server is offline; {words}");
    } else if account.over_limit {
        if judged.verdict == Verdict::Ok {
            judged.verdict = Verdict::Warning;
        }
        words = format!("{words}; over its storage limit");
    }
    judged.words = words;
    with_times(judged, runs)
}

fn verdict_of(outcome: Outcome, set: DataSet) -> Verdict {
    match (outcome, set) {
        (Outcome::Completed, _) => Verdict::Ok,
        (Outcome::Warnings, _) | (Outcome::Errors, DataSet::Documents) => Verdict::Warning,
        (Outcome::Failed, _) | (Outcome::Errors, DataSet::Sims) => Verdict::Critical,
    }
}

fn with_times(mut judged: Judged, runs: &[Run]) -> Judged {
    let good = |r: &Run| r.outcome.as_ref().is_ok_and(|o| o.is_good());
    judged.latest = runs.first().map(|r| r.at);
    judged.good = runs.iter().find(|r| good(r)).map(|r| r.at.at);
    // The first of the runs that went wrong in a row; a single run tells no beginning.
    let wrong: Vec<&Run> = runs.iter().take_while(|r| !good(r)).collect();
    judged.since = wrong.last().filter(|_| runs.len() > 1).map(|r| r.at.at);
    judged.evidence = runs
        .iter()
        .take(7)
        .map(|r| {
            let words = r.outcome.as_ref().map_or("not understood", |o| o.words());
            format!("{} {words}", r.at.at)
        })
        .collect::<Vec<_>>()
        .join(", ");
    judged
}

fn never_ran(account: &Account) -> Judged {
    let words = if account.has_history {
        "no backup in the seven days that Redstor shows"
    } else {
        "has never run a backup"
    };
    let mut judged = Judged::bare(Verdict::Unknown(Reason::NeverSeen), words);
    judged.since = account.created;
    if account.server_offline {
        judged.verdict = Verdict::Critical;
        judged.words = format!("its storage server is offline; it {words}");
    }
    judged
}

/// Farther ahead than a clock may go wrong: 2 minutes with a zone, 2 hours without.
fn is_ahead(time: SourceTime, now: Timestamp) -> bool {
    let margin = match time.zone {
        Zone::Given | Zone::Ours => SignedDuration::from_mins(2),
        Zone::Assumed => SignedDuration::from_hours(2),
    };
    time.at.duration_since(now) > margin
}

/// Accounts that no school's row names, for the log: they must not be dropped in silence.
pub(super) fn unmapped(listing: &Listing, wanted: &[Wanted]) -> Vec<String> {
    let named = |text: Option<&String>| {
        text.is_some_and(|t| {
            wanted.iter().flat_map(|w| &w.accounts).any(|a| a.eq_ignore_ascii_case(t.trim()))
        })
    };
    listing
        .accounts
        .iter()
        .filter(|a| !named(a.name.as_ref()) && !named(a.guid.as_ref()))
        .map(|a| a.name.clone().or_else(|| a.guid.clone()).unwrap_or_else(|| "nameless".into()))
        .collect()
}

/// Those accounts in a few words.
pub(super) fn unmapped_words(names: &[String]) -> String {
    format!("{}: {}", names.len(), some_of(names, 10))
}
