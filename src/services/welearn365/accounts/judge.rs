//! What the directory's answers say of a school and of the controllers.

use jiff::{SignedDuration, Timestamp};

use super::settings::DirectorySettings;
use crate::directory::{
    Answered, Burst, Census, Controller, Counts, Lockouts, Own, Root, Standing, burst,
};
use crate::model::health::Reason;
use crate::model::ids::{CheckId, CredentialName, Laestab};
use crate::model::observation::{Observation, Target, Verdict};
use crate::model::span::Span;
use crate::model::text::Clean;
use crate::ports::watch::Rights;
use crate::services::answer::some_of;

/// What is asked, of whom, when.
pub(super) struct About<'a> {
    pub(super) check: &'a CheckId,
    pub(super) school: Laestab,
    /// The school's OU.
    pub(super) ou: &'a str,
    pub(super) at: Timestamp,
}

impl About<'_> {
    fn say(&self, verdict: Verdict, words: &str) -> Observation {
        Observation::new(self.check.clone(), Target::School(self.school), self.at, verdict, words)
    }

    fn no_ou(&self) -> Observation {
        let words = format!(
            "the directory has no {}: was it renamed, moved or deleted? Set welearn365.ou of the \
             school, and see that our account may look into it",
            self.ou
        );
        self.say(Verdict::Unknown(Reason::NeverSeen), &words)
    }
}

/// Who answered, and who did not.
fn told<T>(seen: Observation, answered: &Answered<T>, root: &Root) -> Observation {
    let seen = seen.fact("controller", &answered.by).fact("it calls itself", root.host.as_str());
    answered.passed_over.iter().fold(seen, |o, failure| o.fact("passed over", failure.to_string()))
}

/// `1 account`, `3 accounts`.
fn accounts_of(n: usize) -> String {
    format!("{n} account{}", if n == 1 { "" } else { "s" })
}

/// What our own account may do against what watching needs, which is reading.
pub(super) fn rights(credential: &CredentialName, schools: &str, own: &Own) -> Rights {
    let mut beyond: Vec<String> =
        own.runs.iter().map(|group| format!("it runs the domain, being in {group}")).collect();
    if own.admin_count == Some(true) {
        beyond.push("it is, or was, an administrator's (adminCount is set)".to_owned());
    }
    if own.changes_ou {
        beyond.push(format!("it may change {schools} or make objects in it"));
    }
    if own.writable > 0 {
        let some: Vec<&str> = own.attributes.iter().map(Clean::as_str).collect();
        let what = if some.is_empty() { "rights".to_owned() } else { some.join(" and ") };
        beyond.push(format!(
            "it may write to {} of {} looked at (such as {what})",
            own.writable,
            accounts_of(own.looked_at)
        ));
    }
    let used = format!(
        "it reads, is in no group that runs the domain, and writes neither to {schools} nor to the {} \
         looked at below it",
        accounts_of(own.looked_at)
    );
    let unseen = "whether it was an administrator's (adminCount) cannot be told: its own entry is not \
                  to be read";
    Rights {
        credential: credential.clone(),
        used: vec![used],
        beyond,
        missing: Vec::new(),
        optional: own.admin_count.is_none().then(|| unseen.to_owned()).into_iter().collect(),
        untold: None,
    }
}

/// A count as a number of an observation.
#[expect(clippy::cast_precision_loss, reason = "no directory holds 2^52 accounts")]
fn float(n: usize) -> f64 {
    n as f64
}

/// What the whole census can tell, beside the single schools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sight {
    locks: bool,
    mail: bool,
    sign_ins: bool,
}

impl Sight {
    /// An attribute that we may not read looks like one that nobody has.
    pub(super) fn of(census: &Census) -> Self {
        let sum = |of: &dyn Fn(&Counts) -> usize| census.counts.values().map(of).sum::<usize>();
        let enabled = sum(&|c| c.enabled);
        Self {
            locks: census.sees_locks,
            mail: sum(&|c| c.without_mail) < enabled,
            sign_ins: sum(&|c| c.never_signed_in) < enabled,
        }
    }
}

/// The accounts of one school.
pub(super) fn accounts(about: &About<'_>, sight: Sight, seen: &Answered<Census>) -> Observation {
    let census = &seen.value;
    let Some(counts) = census.counts.get(&about.school) else {
        return told(about.no_ou(), seen, &census.root);
    };
    let judged = match counts {
        Counts { hidden: 1.., .. } => about.say(
            Verdict::Unknown(Reason::Unauthorised),
            &format!(
                "our account may not read how {} of {} stand: let it read all properties of users",
                counts.hidden,
                accounts_of(counts.accounts)
            ),
        ),
        Counts { unreadable: 1.., .. } => about.say(
            Verdict::Unknown(Reason::Malformed),
            &format!(
                "{} of {} have a value that cannot be read",
                counts.unreadable,
                accounts_of(counts.accounts)
            ),
        ),
        Counts { accounts: 0, .. } => numbered(
            about.say(
                Verdict::Critical,
                "its OU holds no account: were they deleted or moved, and may our account see them?",
            ),
            counts,
            sight,
        ),
        Counts { enabled: 0, .. } => numbered(
            about.say(
                Verdict::Critical,
                &format!("none of {} is enabled: nobody can sign in", accounts_of(counts.accounts)),
            ),
            counts,
            sight,
        ),
        counts => numbered(about.say(Verdict::Ok, &in_words(counts, sight)), counts, sight),
    };
    told(judged, seen, &census.root).fact("directory's clock", census.root.now.to_string())
}

/// Counts that can be known, by name.
fn known(
    counts: &Counts,
    sight: Sight,
) -> impl Iterator<Item = (&'static str, &'static str, usize)> {
    [
        (true, "enabled", "enabled", counts.enabled),
        (true, "disabled", "disabled", counts.disabled),
        (sight.locks, "locked", "locked out", counts.locked),
        (true, "expired", "expired", counts.expired),
        (true, "must_change", "must change the password", counts.must_change),
        (sight.mail, "without_mail", "never provisioned (no mail address)", counts.without_mail),
        (sight.sign_ins, "never_signed_in", "never signed in", counts.never_signed_in),
    ]
    .into_iter()
    .filter_map(|(known, name, words, n)| known.then_some((name, words, n)))
}

fn in_words(counts: &Counts, sight: Sight) -> String {
    let parts: Vec<String> = known(counts, sight)
        .filter(|(name, _, n)| *name == "enabled" || *n > 0)
        .map(|(_, words, n)| format!("{n} {words}"))
        .collect();
    let blind = if sight.locks { "" } else { "; lockouts cannot be read" };
    format!("{}: {}{blind}", accounts_of(counts.accounts), parts.join(", "))
}

fn numbered(seen: Observation, counts: &Counts, sight: Sight) -> Observation {
    let seen = seen.number("accounts", float(counts.accounts));
    known(counts, sight).fold(seen, |o, (name, _, n)| o.number(name, float(n)))
}

/// Who was locked out at one school lately.
pub(super) fn lockouts(
    about: &About<'_>,
    settings: &DirectorySettings,
    seen: &Answered<Lockouts>,
) -> Observation {
    let lately = &seen.value;
    let unreadable = lately.unreadable.get(&about.school).copied().unwrap_or_default();
    let judged = if !lately.sees_locks {
        about.say(
            Verdict::Unknown(Reason::Unauthorised),
            "no account has a lockoutTime that our account may read: let it read all properties of \
             users (a domain in which nobody was ever locked out looks the same)",
        )
    } else if !lately.present.contains(&about.school) {
        about.no_ou()
    } else if unreadable > 0 {
        about.say(
            Verdict::Unknown(Reason::Malformed),
            &format!("{} have a lockoutTime that cannot be read", accounts_of(unreadable)),
        )
    } else {
        let moments = lately.at.get(&about.school).map_or(&[][..], Vec::as_slice);
        bursts(about, settings, moments)
    };
    told(judged, seen, &lately.root)
}

fn bursts(about: &About<'_>, settings: &DirectorySettings, moments: &[Timestamp]) -> Observation {
    let within = SignedDuration::from_secs(settings.spray_within.as_secs_i64());
    let (remembered, stretch) = (settings.spray_remembered, settings.spray_within);
    let most = usize::try_from(settings.spray_accounts).unwrap_or(usize::MAX);
    let seen = match burst(moments, within) {
        None => {
            about.say(Verdict::Ok, &format!("no account was locked out in the last {remembered}"))
        }
        Some(Burst { count, from, to }) if count > most => {
            let took = Span::from_secs(to.duration_since(from).as_secs().unsigned_abs());
            let words = format!(
                "{} were locked out within {} (more than {most} within {stretch}): is somebody \
                 trying passwords (a password spray)?",
                accounts_of(count),
                took.short(),
            );
            about.say(Verdict::Warning, &words).since(Some(from))
        }
        Some(Burst { count, .. }) => about.say(
            Verdict::Ok,
            &format!(
                "{} locked out in the last {remembered}, at most {count} within {stretch}",
                accounts_of(moments.len()),
            ),
        ),
    };
    let densest = burst(moments, within).map_or(0, |b| b.count);
    seen.number("locked_lately", float(moments.len())).number("locked_at_once", float(densest))
}

/// What is the matter with the controllers.
struct Findings {
    critical: Vec<String>,
    warning: Vec<String>,
}

/// How the controllers stand.
pub(super) fn controllers(
    check: &CheckId,
    settings: &DirectorySettings,
    seen: &[Controller],
    at: Timestamp,
) -> Observation {
    let say =
        |verdict, words: &str| Observation::new(check.clone(), Target::Estate, at, verdict, words);
    let well: Vec<(&str, &Standing)> =
        seen.iter().filter_map(|c| Some((c.name.as_str(), c.standing.as_ref().ok()?))).collect();
    let failed: Vec<String> =
        seen.iter().filter_map(|c| c.standing.as_ref().err()).map(ToString::to_string).collect();
    let first = seen.iter().find_map(|c| c.standing.as_ref().err());
    let judged = match (well.as_slice(), first) {
        ([], Some(failure)) => {
            let words = format!("no controller answers: {}", failed.join("; "));
            say(Verdict::Unknown(failure.reason()), &words)
        }
        ([], None) => say(Verdict::Unknown(Reason::NeverSeen), "no controller is configured"),
        (well, _) => {
            let mut found = Findings { critical: Vec::new(), warning: failed };
            clocks(settings, well, &mut found);
            copies(settings, well, &mut found);
            let verdict = match (&found.critical[..], &found.warning[..]) {
                ([], []) => Verdict::Ok,
                ([], _) => Verdict::Warning,
                _ => Verdict::Critical,
            };
            let parts: Vec<String> = found.critical.into_iter().chain(found.warning).collect();
            let answer = format!("{} of {} controllers answer", well.len(), seen.len());
            match parts.as_slice() {
                [] => say(verdict, &answer),
                parts => say(verdict, &format!("{answer}; {}", parts.join("; "))),
            }
        }
    };
    facts(judged, &well)
        .number("controllers", float(seen.len()))
        .number("answering", float(well.len()))
}

fn clocks(settings: &DirectorySettings, well: &[(&str, &Standing)], found: &mut Findings) {
    let ahead = |s: &Standing| s.ahead;
    let most = well.iter().max_by_key(|(_, s)| ahead(s));
    let least = well.iter().min_by_key(|(_, s)| ahead(s));
    let (Some((fast, most)), Some((slow, least))) = (most, least) else { return };
    let apart = ahead(most) - ahead(least);
    let limit = |span: Span| SignedDuration::from_secs(span.as_secs_i64());
    if apart > limit(settings.clock_critical) {
        found.critical.push(format!(
            "the clock of {fast} is {} ahead of that of {slow}: signing in fails beyond {}",
            length(apart),
            settings.clock_critical
        ));
    }
    for (name, standing) in well {
        let off = ahead(standing);
        if off.abs() > limit(settings.clock_warning) {
            let side = if off.is_positive() { "ahead of" } else { "behind" };
            found.warning.push(format!(
                "the clock of {name} is {} {side} ours: which of the two is wrong?",
                length(off.abs())
            ));
        }
    }
}

fn length(of: SignedDuration) -> String {
    Span::from_secs(of.as_secs().unsigned_abs()).short()
}

fn copies(settings: &DirectorySettings, well: &[(&str, &Standing)], found: &mut Findings) {
    for (name, standing) in well {
        if !standing.root.synchronized {
            found.warning.push(format!("{name} has not finished its first copy of the directory"));
        }
        for behind in &standing.behind {
            found.warning.push(format!(
                "{name} lacks {} password change{} that {} has had for over {}: what is reset there \
                 does not work here",
                behind.changes,
                if behind.changes == 1 { "" } else { "s" },
                behind.of,
                settings.replication_warning,
            ));
        }
    }
}

fn facts(seen: Observation, well: &[(&str, &Standing)]) -> Observation {
    let seen = well.iter().fold(seen, |o, (name, standing)| {
        let value = format!(
            "{}, clock {} s from ours, last change {}",
            standing.root.host,
            standing.ahead.as_secs(),
            standing.root.last_change
        );
        o.fact(name, value)
    });
    if well.len() < 2 {
        return seen;
    }
    let compared: Vec<String> =
        well.iter().filter(|(_, s)| s.compared == 0).map(|(name, _)| (*name).to_owned()).collect();
    match compared.as_slice() {
        [] => seen.fact("copies compared", "some passwords of the last day"),
        names => seen.fact(
            "copies not compared",
            format!("{}: no other set a password in the last day", some_of(names, 4)),
        ),
    }
}
