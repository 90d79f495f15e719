//! What a school's accounts say together: the worst account wins.
//!
//! Fields that the verdict reads, Storage Platform: `AccountName`, `Guid`, `Active`,
//! `BackupEnabled`, `GroupDisabled`, `StorageServerOnline`, `OverLimit`, `LastBackupDate`,
//! `LastBackupStatus`, `LastBackupMessage`, `LastLoginTime` and `ProtectedSize` where they are told
//! (`CreatedOn` only for an account that never ran). RedAPI: of the account `accountId`,
//! `accountName` (`createOn` as above); of its runs `accountId`, `productId`, `companyId`,
//! `statusHistory`, and in it `timestamp`, `status`, `message`; of companies `companyId` and
//! `isEnabled`, which can only make an account paused, or unknown where it cannot be read.

use jiff::{SignedDuration, Timestamp};

use crate::model::health::Reason;
use crate::model::observation::{Observation, SourceTime, Target, Verdict, Zone};
use crate::services::answer::{Trouble, some_of};
use crate::services::redstor::account::{Account, History, Listing, Outcome, Run};
use crate::services::redstor::describe::{DataSet, STORED_MB, Wanted};

/// What is said when every account belongs to a school.
pub(super) const NONE_UNMAPPED: &str = "none";

/// How far back RedAPI shows runs.
const SHOWN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// One account, judged.
struct Judged {
    verdict: Verdict,
    words: String,
    latest: Option<SourceTime>,
    good: Option<Timestamp>,
    since: Option<Timestamp>,
    evidence: String,
    stored_mb: Option<f64>,
    facts: Vec<(&'static str, String)>,
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
            stored_mb: None,
            facts: Vec::new(),
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
        .map(|name| (name, account_named(name, listing, wanted, at)))
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
    seen = seen.number("accounts", f64::from(accounts));
    for (name, j) in judged.iter().take(10) {
        seen = seen.fact(name, &j.evidence);
        for (what, words) in &j.facts {
            seen = seen.fact(&format!("{what} of {name}"), words);
        }
        if let Some(mb) = j.stored_mb {
            // Each account for itself: the sum of two would hide that one has shrunk.
            seen = seen.number(&format!("{STORED_MB} of {name}"), mb);
        }
    }
    seen
}

/// Whether the desk means `account` by `wanted`: its name, its guid, or its group and name.
pub(super) fn is_called(account: &Account, wanted: &str) -> bool {
    [&account.name, &account.guid, &account.path]
        .into_iter()
        .flatten()
        .any(|text| text.trim().eq_ignore_ascii_case(wanted))
}

fn account_named(name: &str, listing: &Listing, wanted: &Wanted, now: Timestamp) -> Judged {
    let found: Vec<&Account> = listing.accounts.iter().filter(|a| is_called(a, name)).collect();
    match found.as_slice() {
        [] if listing.unreadable > 0 => Judged::bare(
            Verdict::Unknown(Reason::Malformed),
            format!("not among the accounts that could be read ({} could not)", listing.unreadable),
        ),
        [] => Judged::bare(
            Verdict::Unknown(Reason::NeverSeen),
            "Redstor lists no such account; correct the subscriptions table, or ask who removed it",
        ),
        [account] => judge(account, wanted, now),
        many => Judged::bare(
            Verdict::Unknown(Reason::Malformed),
            format!("{} accounts are called so; name the one meant by its guid", many.len()),
        ),
    }
}

fn judge(account: &Account, wanted: &Wanted, now: Timestamp) -> Judged {
    let mut judged = in_service(account, wanted, now);
    let unknown = Verdict::Unknown(Reason::Malformed);
    if let Some(why) = account.doubt.filter(|_| rank(judged.verdict) < rank(unknown)) {
        judged.verdict = unknown;
        judged.words = format!("{why}; {}", judged.words);
    }
    judged
}

/// Judged as if it is not switched off, unless that is known.
fn in_service(account: &Account, wanted: &Wanted, now: Timestamp) -> Judged {
    let mut judged = of_runs(account, wanted.set, now);
    judged.facts = facts(account);
    if judged.verdict == Verdict::Unknown(Reason::Paused) || judged.latest.is_none() {
        return judged;
    }
    judged.stored_mb = account.stored_mb;
    if account.server_offline {
        judged.verdict = Verdict::Critical;
        judged.words = format!("its storage server is offline; {}", judged.words);
        return judged;
    }
    let doubts = [
        over_limit(account),
        agent_silent(account, wanted, now),
        account.stored_mb.filter(|mb| *mb <= 0.0).map(|_| "nothing is stored in it".to_owned()),
    ];
    for words in doubts.into_iter().flatten() {
        if judged.verdict == Verdict::Ok {
            judged.verdict = Verdict::Warning;
        }
        judged.words = format!("{}; {words}", judged.words);
    }
    judged
}

/// The worst of its kinds of data; most accounts hold one.
fn of_runs(account: &Account, set: DataSet, now: Timestamp) -> Judged {
    // A disabled account keeps its old runs: they are not judged, but must be readable.
    let unread = account.histories.iter().find_map(|h| h.runs.as_ref().err());
    match (unread, account.disabled) {
        (Some(trouble), _) => return Judged::of_trouble(trouble),
        (None, Some(why)) => return Judged::bare(Verdict::Unknown(Reason::Paused), why),
        (None, None) => {}
    }
    let several = account.histories.len() > 1;
    let judged = account.histories.iter().map(|history| {
        let mut judged = of_history(history, account, set, now);
        if several && let Some(service) = history.service {
            judged.words = format!("service {service}: {}", judged.words);
        }
        judged
    });
    let all: Vec<Judged> = judged.collect();
    // All of it can be restored only back to the oldest of the last good runs.
    let good = all.iter().map(|j| j.good).collect::<Option<Vec<_>>>();
    let good = good.and_then(|all| all.into_iter().min());
    let latest = all.iter().filter_map(|j| j.latest).min_by_key(|t| t.at);
    let Some(worst) =
        all.into_iter().reduce(|a, b| if rank(b.verdict) > rank(a.verdict) { b } else { a })
    else {
        return never_ran(account, now);
    };
    Judged { good, latest, ..worst }
}

fn of_history(history: &History, account: &Account, set: DataSet, now: Timestamp) -> Judged {
    let runs: &[Run] = history.runs.as_ref().map_or(&[], Vec::as_slice);
    if let Some(ahead) = runs.iter().find(|r| is_ahead(r.at, now)) {
        return Judged::bare(
            Verdict::Unknown(Reason::Malformed),
            format!("a run at {} is ahead of our clock", ahead.at.at),
        );
    }
    let Some(latest) = runs.first() else { return never_ran(account, now) };
    let judged = match &latest.outcome {
        Err(trouble) => Judged::of_trouble(trouble),
        Ok(outcome) => Judged::bare(
            verdict_of(*outcome, set),
            match account.errors.as_ref().filter(|_| *outcome != Outcome::Completed) {
                Some(errors) => format!("last backup {} ({errors})", outcome.words()),
                None => format!("last backup {}", outcome.words()),
            },
        ),
    };
    with_times(judged, runs)
}

fn over_limit(account: &Account) -> Option<String> {
    let quota = account.quota;
    if quota.over_mb <= 0.0 {
        return None;
    }
    let limit = quota.limit_mb.map_or_else(String::new, |l| format!(" of {l:.0} MB"));
    let hard = match quota.hard_mb.filter(|hard| quota.limit_mb.is_some_and(|l| *hard > l)) {
        Some(hard) => format!("; no more is stored at {hard:.0} MB"),
        None => String::new(),
    };
    Some(format!("over its storage limit{limit} by {:.0} MB{hard}", quota.over_mb.max(1.0)))
}

/// Its agent has not been heard of, whatever its last run was.
fn agent_silent(account: &Account, wanted: &Wanted, now: Timestamp) -> Option<String> {
    let (seen, limit) = (account.agent_seen?, wanted.agent_silent?);
    let silent = now.duration_since(seen.at);
    (silent > SignedDuration::from_secs(limit.as_secs_i64())).then(|| {
        format!(
            "its agent has been offline for {}: is the server switched on, and online?",
            crate::model::span::Span::from_secs(silent.as_secs().unsigned_abs()).short()
        )
    })
}

/// What is known of it beside its runs.
fn facts(account: &Account) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    match (&account.agent_seen, &account.agent_version) {
        (Some(seen), Some(version)) => {
            facts.push(("agent", format!("{version}, signed in {}", seen.at)));
        }
        (Some(seen), None) => facts.push(("agent", format!("signed in {}", seen.at))),
        (None, Some(version)) => facts.push(("agent", format!("{version}, no sign-in is told"))),
        (None, None) => {}
    }
    if let Some(limit) = account.quota.limit_mb {
        facts.push(("storage limit", format!("{limit:.0} MB")));
    }
    facts.extend(account.errors.as_ref().map(|words| ("errors", words.clone())));
    facts.extend(account.restore.as_ref().map(|words| ("last restore", words.clone())));
    facts
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

fn never_ran(account: &Account, now: Timestamp) -> Judged {
    let (words, since) = match (account.has_history, account.ran_before) {
        // Only the beginning of what is shown is known to be without a run.
        (true, Some(true)) => (
            "no backup in the seven days that Redstor shows, though it has run before",
            now.checked_sub(SHOWN).ok(),
        ),
        (true, None) => ("no backup in the seven days that Redstor shows", account.created),
        (false, _) | (true, Some(false)) => ("has never run a backup", account.created),
    };
    let mut judged = Judged::bare(Verdict::Unknown(Reason::NeverSeen), words);
    judged.since = since;
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

/// Accounts that no school's row names: they must not be dropped in silence. Those whose name may
/// be a person's are only counted.
pub(super) fn unmapped(listing: &Listing, wanted: &[Wanted]) -> String {
    let named: Vec<&String> = wanted.iter().flat_map(|w| &w.accounts).collect();
    let (of_people, of_machines): (Vec<&Account>, Vec<&Account>) = listing
        .accounts
        .iter()
        .filter(|account| !named.iter().any(|name| is_called(account, name)))
        .partition(|account| account.may_name_a_person);
    let names: Vec<String> = of_machines
        .iter()
        .map(|a| a.name.clone().or_else(|| a.guid.clone()).unwrap_or_else(|| "nameless".into()))
        .collect();
    let machines = match names.len() {
        0 => None,
        n => Some(format!("{n}: {}", some_of(&names, 10))),
    };
    let people = match of_people.len() {
        0 => None,
        n => Some(format!("{n} of mailboxes, drives and sites")),
    };
    let said: Vec<String> = machines.into_iter().chain(people).collect();
    if said.is_empty() { NONE_UNMAPPED.to_owned() } else { said.join("; ") }
}
