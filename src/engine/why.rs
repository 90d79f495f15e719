//! The sentences: one plain line for a support desk, moments in London time, the rule by name.

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};

use crate::engine::fall::Fall;
use crate::engine::hours::later;
use crate::engine::judge::{Bench, Finding, Next, Rule, oddly_ahead, too_far_ahead};
use crate::engine::state::{Judged, Reading, State};
use crate::model::calendar::london;
use crate::model::check::{CheckSpec, Flow};
use crate::model::health::{Health, Reason};
use crate::model::observation::Verdict;
use crate::model::report::NO_DATA_SINCE;
use crate::model::span::Span;
use crate::model::text::Clean;

/// What is said of trouble that schools share.
const SHARED: &str = "; other schools share it";
/// How long a weekday alone names a moment.
const WEEKDAY_FOR: Span = Span::from_days(6);

/// A moment as the desk says it: `Sat 03:02` within six days, else with its date.
pub(super) fn moment(at: Timestamp, now: Timestamp) -> String {
    if at > now || now >= named_until(at) {
        return dated(at, now);
    }
    let z = at.to_zoned_datetime(london());
    let day = match z.weekday() {
        Weekday::Monday => "Mon",
        Weekday::Tuesday => "Tue",
        Weekday::Wednesday => "Wed",
        Weekday::Thursday => "Thu",
        Weekday::Friday => "Fri",
        Weekday::Saturday => "Sat",
        Weekday::Sunday => "Sun",
    };
    format!("{day} {:02}:{:02}", z.hour(), z.minute())
}

/// A moment with its date, and its year unless that is this one.
fn dated(at: Timestamp, now: Timestamp) -> String {
    let (z, today) = (at.to_zoned_datetime(london()), now.to_zoned_datetime(london()));
    format!("{} {:02}:{:02}", date(z.date(), today.year()), z.hour(), z.minute())
}

/// A day, and its year unless that is `this_year`.
fn date(day: Date, this_year: i16) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = usize::try_from(day.month() - 1).ok().and_then(|m| MONTHS.get(m)).unwrap_or(&"");
    let year = if day.year() == this_year { String::new() } else { format!(" {}", day.year()) };
    format!("{} {month}{year}", day.day())
}

/// Until when a weekday alone names `at`.
pub(super) fn named_until(at: Timestamp) -> Timestamp {
    later(at, WEEKDAY_FOR)
}

/// When a sentence must be said anew because its weekday no longer names a moment.
pub(super) fn rephrase_at(judged: &Judged, now: Timestamp) -> Next {
    let mut next = Next::new(now);
    if let Some(since) = judged.since() {
        next.consider(named_until(since));
    }
    next
}

/// The sentence of a check.
pub(super) fn of_check(bench: &Bench<'_>, state: &State, f: &Finding) -> Clean {
    let Some(r) = &state.reading else {
        return unanswered(bench, state, f);
    };
    let spec = bench.spec;
    let say = |at| moment(at, bench.now);
    let source = || r.source_at().map_or_else(String::new, |s| say(s.at));
    let observed_at = r.observed_at();
    let fresh =
        || format!("no answer since {}; an answer counts for {}", say(observed_at), spec.fresh_for);
    let old = |limit: Option<Span>| {
        format!("{NO_DATA_SINCE}{}; limit {}", source(), limit.unwrap_or_default())
    };
    let mut text = match f.rule {
        Rule::Answer => match extras(bench, state, r, f) {
            Some(extra) => format!("{}{extra}", words(r)),
            None if !r.detail.is_empty() => return r.detail.clone(),
            None => return Clean::new(words(r)),
        },
        Rule::NotAsked | Rule::Outlived | Rule::Stale => fresh(),
        Rule::Throttled => format!("the vendor asks us to wait; {}", fresh()),
        Rule::Ahead => format!(
            "the vendor wrote {} at our {}, {} ahead; its ages cannot be trusted",
            r.source_at().map_or_else(String::new, |s| dated(s.at, bench.now)),
            say(observed_at),
            seconds(too_far_ahead(r.source_at(), observed_at).unwrap_or_default())
        ),
        Rule::Late => format!("{}; late, no data since {}", words(r), source()),
        Rule::Held => format!("no data since {}; held: no school today", source()),
        Rule::Old => old(spec.age.map(|a| a.warning)),
        Rule::TooOld => old(spec.age.map(|a| a.critical)),
        Rule::Fall => {
            state.fall_seen().map_or_else(String::new, |fall| fell(spec, fall, bench.now))
        }
        Rule::NeverRan => {
            let since = f.since.map_or_else(String::new, say);
            format!("{}; nothing since {since}, more than 7d ago", words(r))
        }
        Rule::Gone => {
            let good = state.known_good().map_or_else(String::new, say);
            let keeps = spec.keeps.unwrap_or_default();
            format!("nothing is left to restore: last good run {good}, kept for {keeps}")
        }
    };
    if f.rule != Rule::Answer
        && let Some(extra) = extras(bench, state, r, f)
    {
        text.push_str(&extra);
    }
    Clean::new(&text)
}

fn unanswered(bench: &Bench<'_>, state: &State, f: &Finding) -> Clean {
    let known = state.outlived(bench).map(|at| moment(at, bench.now));
    match (f.rule, known) {
        (Rule::Throttled, _) => Clean::new("the vendor asks us to wait; no answer yet"),
        (_, Some(known)) => Clean::new(&format!(
            "not asked since {known}; what was known then counts for {}",
            bench.spec.fresh_for
        )),
        _ => Clean::new("not asked yet"),
    }
}

/// What is added to a sentence: an odd clock, the days that are left.
fn extras(bench: &Bench<'_>, state: &State, r: &Reading, f: &Finding) -> Option<String> {
    let mut out = String::new();
    if let Some(s) = oddly_ahead(r.source_at(), r.observed_at()) {
        out.push_str(&format!("; the vendor's clock is {} ahead of ours", seconds(s)));
    }
    if let Some(keeps) = bench.spec.keeps
        && f.health.is_trouble()
        && f.rule != Rule::Gone
    {
        match state.known_good() {
            Some(good) => {
                let left = later(good, keeps).as_second() - bench.now.as_second();
                let days = left.max(0) / 86_400;
                if !matches!(f.rule, Rule::Old | Rule::TooOld) {
                    out.push_str(&format!("; last good run {}", moment(good, bench.now)));
                }
                match days {
                    0 => out.push_str("; less than a day until nothing is left to restore"),
                    _ => out.push_str(&format!("; {days}d until nothing is left to restore")),
                }
            }
            None => out.push_str("; no good run is known to us"),
        }
    }
    (!out.is_empty()).then_some(out)
}

/// What the vendor said, or the plain meaning of a word that came without a line.
fn words(r: &Reading) -> &str {
    if !r.detail.is_empty() {
        return r.detail.as_str();
    }
    match r.verdict {
        Verdict::Ok => "answered, and well",
        Verdict::Quiet => "nothing is due now",
        Verdict::Warning => "degraded",
        Verdict::Critical => "failed",
        Verdict::Unknown(reason) => of_reason(reason),
    }
}

/// A reason in words.
pub(super) fn of_reason(reason: Reason) -> &'static str {
    match reason {
        Reason::NoAnswer => "nobody answered in time",
        Reason::Unauthorised => "we were refused; the credential is missing, wrong or expired",
        Reason::Malformed => "the answer cannot be understood",
        Reason::Stale => "our last answer is too old",
        Reason::Throttled => "the vendor asks us to wait",
        Reason::Paused => "paused on purpose",
        Reason::NeverSeen => "nothing has ever been seen of it",
        Reason::NotRecorded => "what is kept does not tell",
    }
}

fn fell(spec: &CheckSpec, fall: &Fall, now: Timestamp) -> String {
    match fall {
        Fall::Far { from, to, limit, name, week } => format!(
            "{name} fell from {from:.0} to {to:.0}, {:.0}% since {}; limit {:.0}%",
            (from - to) / from * 100.0,
            week.map_or_else(|| "the last good day".to_owned(), |monday| week_of(monday, now)),
            limit * 100.0
        ),
        Fall::Empty { from, name } => {
            format!("{name} fell from {from:.0} to 0 since the last good day")
        }
        Fall::Missing => {
            let name = spec.drop.as_ref().map_or("the number", |d| d.number);
            format!("the answer does not say {name} any more")
        }
    }
}

/// The week of `monday` in words.
fn week_of(monday: Date, now: Timestamp) -> String {
    let year = now.to_zoned_datetime(london()).year();
    format!("the week of {}", date(monday, year))
}

/// Seconds as minutes where whole hours would hide what matters.
fn seconds(s: i64) -> String {
    let s = s.unsigned_abs();
    if s < 3 * 3_600 { format!("{}m", s / 60) } else { Span::from_secs(s).short() }
}

/// The sentence of a check that goes to and fro.
pub(super) fn flapping(changes: u32, now: &Clean) -> Clean {
    Clean::new(&format!("goes to and fro, {changes} changes in the last 20 answers; now: {now}"))
}

/// The sentence of a cell that follows from its whole estate.
pub(super) fn of_estate(estate: &Clean) -> Clean {
    Clean::new(&format!("the whole estate: {estate}"))
}

/// The sentence of a cell that got no answer while its whole estate is down.
pub(super) fn silent_with_estate(why: &Clean, estate: &Clean) -> Clean {
    Clean::new(&format!("{why}; the whole estate: {estate}"))
}

/// The sentence of a cell whose trouble is that of something which others share.
pub(super) fn of_shared(why: &Clean) -> Clean {
    match why.as_str().strip_suffix(SHARED) {
        Some(_) => why.clone(),
        None => Clean::new(&format!("{why}{SHARED}")),
    }
}

/// The sentence of a cell that follows from another; `reach` in words where it is more than the
/// school's own.
pub(super) fn of_cause(label: &str, reach: &str, flow: Flow) -> Clean {
    Clean::new(&format!("follows from {label}{reach}: {}", flow.lost()))
}

/// A sentence with what else is in the way.
pub(super) fn besides(why: &Clean, label: &str, flow: Flow) -> Clean {
    Clean::new(&format!("{why}; also {label}: {}", flow.lost()))
}

/// The rule that judged, in words.
pub(super) fn rule(spec: &CheckSpec, state: &State) -> Clean {
    let judged = &state.judged;
    let age = |limit: Span, word: &str| {
        let days = spec.age.as_ref().map_or("", |a| match (a.runs, a.held_by_closures) {
            (crate::model::check::Runs::SchoolDays, _) => ", school days counted",
            (crate::model::check::Runs::Daily, true) => ", closures not counted",
            (crate::model::check::Runs::Daily, false) => "",
        });
        format!("older than {limit} is {word}{days}")
    };
    let text = match judged.rule {
        Rule::NotAsked => "unknown until it has been asked".to_owned(),
        Rule::Outlived => format!("what was known before a restart counts for {}", spec.fresh_for),
        Rule::Stale | Rule::Throttled => {
            format!("an answer counts for {}, then it is unknown", spec.fresh_for)
        }
        Rule::Answer if judged.health == Health::Ok => match &spec.age {
            Some(a) => format!("{}, than {} critical", age(a.warning, "a warning"), a.critical),
            None => "the vendor's own word".to_owned(),
        },
        Rule::Answer if spec.tries > 1 => {
            format!("the vendor's own word; {} bad answers in a row make it hard", spec.tries)
        }
        Rule::Answer => "the vendor's own word".to_owned(),
        Rule::Ahead => {
            "a vendor's time too far ahead of ours is unknown: 2m with a zone, 2h without"
                .to_owned()
        }
        Rule::Late => spec.age.and_then(|a| a.late).map_or_else(String::new, |l| age(l, "late")),
        Rule::Held => "closures add nothing to the age".to_owned(),
        Rule::Old => spec.age.map_or_else(String::new, |a| age(a.warning, "a warning")),
        Rule::TooOld => spec.age.map_or_else(String::new, |a| age(a.critical, "critical")),
        Rule::Fall => match state.fall_seen() {
            Some(Fall::Far { limit, week, .. }) => {
                let since = match (week, spec.drop.as_ref().map(|d| d.weeks)) {
                    (Some(_), Some(1)) => "within a week".to_owned(),
                    (Some(_), Some(weeks)) => format!("within {weeks} weeks"),
                    _ => "since the last good day".to_owned(),
                };
                format!("a fall of more than {:.0}% {since} is a warning", limit * 100.0)
            }
            Some(Fall::Empty { .. }) => "a fall to 0 is critical".to_owned(),
            Some(Fall::Missing) | None => "a number that is gone is unknown".to_owned(),
        },
        Rule::NeverRan => "never seen is critical once it has existed for 7d".to_owned(),
        Rule::Gone => {
            format!("after {} without a good run nothing is left", spec.keeps.unwrap_or_default())
        }
    };
    Clean::new(&text)
}
