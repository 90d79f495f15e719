//! What Microsoft says of its services: overviews, and the issues that explain them.
//!
//! Fields that the verdict reads: `value`, and of each service that is watched `id`, `status` and
//! `issues`; of an issue `isResolved`, `classification` and `status`, which may make a good word
//! doubtful but never a bad one good. Where an overview lacks `issues`, which we ask it for, the list of
//! open issues must be whole in its place. `id`, `feature`, `title` and `startDateTime` of an issue only
//! explain.

use jiff::Timestamp;
use serde::Deserialize;

use crate::model::health::Reason;
use crate::model::observation::{Observation, Verdict};
use crate::services::answer::{ListRow, Seen};
use crate::services::welearn365::words::{rank, with, without_html};

/// Issues that are named in a sentence, for one service.
const NAMED: usize = 3;
/// Letters of an issue's title in a sentence.
const TITLE: usize = 120;

/// One service's health.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Overview {
    id: Seen<String>,
    service: Seen<String>,
    status: Seen<String>,
    issues: Seen<Vec<ListRow<Issue>>>,
}

/// What Microsoft writes about a trouble.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Issue {
    id: Seen<String>,
    title: Seen<String>,
    feature: Seen<String>,
    service: Seen<String>,
    status: Seen<String>,
    classification: Seen<String>,
    start_date_time: Seen<String>,
    is_resolved: Seen<bool>,
}

/// Microsoft's word as a verdict. Both spellings (`serviceOperational`, `ServiceOperational`) are
/// met; a reserved or a new word is not known to be good.
fn verdict_of(status: &str) -> Verdict {
    match status.to_ascii_lowercase().as_str() {
        "serviceoperational"
        | "servicerestored"
        | "falsepositive"
        | "postincidentreviewpublished" => Verdict::Ok,
        "investigating"
        | "restoringservice"
        | "verifyingservice"
        | "extendedrecovery"
        | "investigationsuspended"
        | "servicedegradation" => Verdict::Warning,
        "serviceinterruption" => Verdict::Critical,
        _ => Verdict::Unknown(Reason::Malformed),
    }
}

/// `serviceDegradation` as people read it: `service degradation`.
fn in_words(status: &str) -> String {
    let mut out = String::new();
    for c in status.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push(' ');
        }
        out.extend(c.to_lowercase());
    }
    out
}

impl Issue {
    /// Over, or of no consequence.
    fn is_open(&self) -> bool {
        self.is_resolved.value() != Some(&true)
    }

    fn is_advisory(&self) -> bool {
        self.classification.value().is_some_and(|c| c.eq_ignore_ascii_case("advisory"))
    }

    /// Whether a service of which it is told can hardly be well.
    fn denies_health(&self) -> bool {
        let well = self.status.value().is_some_and(|s| verdict_of(s) == Verdict::Ok);
        self.is_open() && !self.is_advisory() && !well
    }

    fn began(&self) -> Option<Timestamp> {
        // Microsoft writes a zone; a time without one is not believed.
        self.start_date_time.value()?.parse().ok()
    }

    fn words(&self) -> String {
        let text = |s: &Seen<String>| s.value().map(|t| without_html(t)).unwrap_or_default();
        let kind = match self.classification.value().map(|c| c.to_ascii_lowercase()).as_deref() {
            Some(kind @ ("incident" | "advisory")) => format!("{kind} {}", text(&self.id)),
            _ => format!("issue {}", text(&self.id)),
        };
        let mut title = text(&self.title);
        if let Some((cut, _)) = title.char_indices().nth(TITLE) {
            title.truncate(cut);
            title.push('…');
        }
        let parts = [kind.trim().to_owned(), text(&self.feature), title];
        parts.iter().filter(|p| !p.is_empty()).map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// The issues of one service.
#[derive(Default)]
struct Issues<'a> {
    open: Vec<&'a Issue>,
    /// One of them cannot be read, or their list cannot.
    unreadable: bool,
    /// The overview does not tell them, though it was asked to.
    untold: bool,
}

/// The one row of the service `id`, or what is wrong with it.
fn row<'a>(id: &str, rows: &'a [ListRow<Overview>]) -> Result<&'a Overview, &'static str> {
    let mut own = rows.iter().filter_map(|row| match row {
        ListRow::Read(row) => {
            row.id.value().is_some_and(|i| i.eq_ignore_ascii_case(id)).then_some(row)
        }
        ListRow::Unreadable(_) => None,
    });
    match (own.next(), own.next()) {
        (Some(row), None) => Ok(row),
        (None, _) => Err("not in Microsoft's list; check the ids that are watched"),
        (Some(_), Some(_)) => Err("twice in Microsoft's list"),
    }
}

/// Those that came with the overview, and those of the list of open issues, if that was asked for.
fn issues_of<'a>(row: &'a Overview, listed: &'a [ListRow<Issue>]) -> Issues<'a> {
    let mut out = Issues::default();
    match &row.issues {
        Seen::Missing | Seen::Null => out.untold = true,
        Seen::Wrong => out.unreadable = true,
        Seen::Value(issues) => {
            for issue in issues {
                match issue {
                    ListRow::Read(issue) if issue.is_open() => out.open.push(issue),
                    ListRow::Read(_) => {}
                    ListRow::Unreadable(_) => out.unreadable = true,
                }
            }
        }
    }
    let name = row.service.value();
    let own = |issue: &&Issue| {
        let of = issue.service.value();
        of.zip(name).is_some_and(|(of, name)| of.eq_ignore_ascii_case(name)) && issue.is_open()
    };
    for issue in listed.iter().filter_map(|row| match row {
        ListRow::Read(issue) => Some(issue),
        ListRow::Unreadable(_) => None,
    }) {
        let known = out.open.iter().any(|o| o.id.value().is_some() && o.id == issue.id);
        if own(&issue) && !known {
            out.open.push(issue);
        }
    }
    // Incidents first; of each kind the oldest first.
    out.open.sort_by_key(|i| (i.is_advisory(), i.began().unwrap_or(Timestamp::MAX)));
    out
}

/// Whether a watched service is in trouble of which the overviews do not say which, or its overview
/// does not tell its issues at all: then the list of open issues is worth a call of its own.
pub(super) fn wants_issues(watch: &[String], rows: &[ListRow<Overview>]) -> bool {
    watch.iter().filter_map(|id| row(id, rows).ok()).any(|row| {
        let bad = row.status.value().is_none_or(|s| verdict_of(s) != Verdict::Ok);
        let issues = issues_of(row, &[]);
        issues.untold || (bad && issues.open.is_empty())
    })
}

/// Whether each of `listed` can be read and says of which service it tells.
fn are_whole(listed: &[ListRow<Issue>]) -> bool {
    listed.iter().all(|row| match row {
        ListRow::Read(issue) => issue.service.value().is_some(),
        ListRow::Unreadable(_) => false,
    })
}

/// One watched service, judged.
struct Judged {
    verdict: Verdict,
    words: String,
    since: Option<Timestamp>,
    facts: Vec<(String, String)>,
}

fn judge(id: &str, rows: &[ListRow<Overview>], listed: Option<&[ListRow<Issue>]>) -> Judged {
    let unknown = |words: &str| Judged {
        verdict: Verdict::Unknown(Reason::Malformed),
        facts: vec![(id.to_owned(), words.to_owned())],
        words: format!("{id}: {words}"),
        since: None,
    };
    let row = match row(id, rows) {
        Ok(row) => row,
        Err(words) => return unknown(words),
    };
    let status = match row.status.clone().need("status") {
        Ok(status) => status,
        Err(trouble) => return unknown(&trouble.why),
    };
    let name = row.service.value().map_or(id, String::as_str);
    let issues = issues_of(row, listed.unwrap_or_default());
    // Without its name none of the list can be told to be its own.
    let lost = issues.untold && !(row.service.value().is_some() && listed.is_some_and(are_whole));
    let told = told(&issues.open);
    let denies = issues.open.iter().any(|i| i.denies_health());
    let (verdict, words) = match verdict_of(&status) {
        Verdict::Unknown(reason) => (
            Verdict::Unknown(reason),
            format!("{name}: Microsoft wrote \"{status}\", a word that we do not know"),
        ),
        Verdict::Ok if issues.unreadable || lost => (
            Verdict::Unknown(Reason::Malformed),
            format!("{name}: {}, but its issues cannot be read", in_words(&status)),
        ),
        Verdict::Ok if denies => (
            Verdict::Unknown(Reason::Malformed),
            format!("{name}: Microsoft calls it well and lists trouble; ask its service health"),
        ),
        verdict => (verdict, format!("{name}: {}", in_words(&status))),
    };
    let mut facts = vec![(name.to_owned(), status)];
    facts.extend(issues.open.iter().take(NAMED).map(|i| ("open issue".to_owned(), i.words())));
    let words = if told.is_empty() { words } else { format!("{words} ({told})") };
    let since = issues.open.iter().filter_map(|i| i.began()).min();
    Judged { verdict, words, since, facts }
}

fn told(open: &[&Issue]) -> String {
    let mut named: Vec<String> = open.iter().take(NAMED).map(|i| i.words()).collect();
    if let more @ 1.. = open.len().saturating_sub(NAMED) {
        named.push(format!("and {more} more"));
    }
    named.join("; ")
}

/// What the list says of the services `watch`; `listed` are the open issues, if they were asked for
/// by themselves and came. `bare` is the observation to fill.
pub(super) fn health(
    watch: &[String],
    rows: &[ListRow<Overview>],
    listed: Option<&[ListRow<Issue>]>,
    bare: Observation,
) -> Observation {
    let judged: Vec<Judged> = watch.iter().map(|id| judge(id, rows, listed)).collect();
    let worst = judged.iter().map(|j| rank(j.verdict)).max();
    let of_worst = |j: &&Judged| Some(rank(j.verdict)) == worst;
    let Some(verdict) = judged.iter().find(of_worst).map(|j| j.verdict) else {
        return with(bare, Verdict::Unknown(Reason::NeverSeen), "no service is watched");
    };
    let mut troubled: Vec<&Judged> = judged.iter().filter(|j| j.verdict != Verdict::Ok).collect();
    troubled.sort_by_key(|j| std::cmp::Reverse(rank(j.verdict)));
    let words = match troubled.as_slice() {
        [] => "Microsoft reports no trouble".to_owned(),
        some => some.iter().map(|j| j.words.as_str()).collect::<Vec<_>>().join("; "),
    };
    // An issue that is to begin says nothing of the past.
    let by_now = |at: &Timestamp| *at <= bare.observed_at;
    let since = judged.iter().filter(of_worst).filter_map(|j| j.since).filter(by_now).min();
    let seen = with(bare, verdict, &words).since(since.filter(|_| !troubled.is_empty()));
    judged.iter().flat_map(|j| &j.facts).fold(seen, |o, (name, value)| o.fact(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_microsoft_are_read_without_case_and_new_ones_are_not_good() {
        for word in ["ServiceOperational", "serviceRestored", "FALSEPOSITIVE"] {
            assert_eq!(verdict_of(word), Verdict::Ok, "{word}");
        }
        assert_eq!(verdict_of("ServiceInterruption"), Verdict::Critical);
        for word in ["resolved", "mitigated", "reported", "unknownFutureValue", "", "ok"] {
            assert_eq!(verdict_of(word), Verdict::Unknown(Reason::Malformed), "{word}");
        }
        assert_eq!(in_words("ServiceDegradation"), "service degradation");
    }
}
