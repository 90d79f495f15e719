//! The shapes of Graph's answers, and what they say.
//!
//! Fields that the verdicts read. `service_health`, `sign_in`: `value`, and of each service that is
//! watched `id` and `status`. `directory_sync`: `value` (exactly one), `onPremisesSyncEnabled`,
//! `onPremisesLastSyncDateTime`. `site`: `id`, `webUrl`. Issues only explain a verdict.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use url::Url;

use crate::model::health::Reason;
use crate::model::observation::{Observation, Verdict, Zone};
use crate::services::answer::{ListRow, Seen, Trouble, json, time};
use crate::transport::Reply;

/// Graph's own error, in any status.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorAnswer {
    error: Option<GraphError>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GraphError {
    code: Seen<String>,
}

/// Whether Graph itself speaks, and not a proxy before it: a 404 of a proxy says nothing of a site.
pub(super) fn is_graph_error(reply: &Reply) -> bool {
    reply.json::<ErrorAnswer>().is_ok_and(|a| a.error.is_some_and(|e| e.code.value().is_some()))
}

/// The answer if it is a success, else what it tells, by status and code and never by message.
/// `right` is the permission that the call needs.
pub(super) fn believed(reply: Reply, right: &str) -> Result<Reply, Trouble> {
    let code = reply
        .json::<ErrorAnswer>()
        .ok()
        .and_then(|e| e.error)
        .map(|e| e.code.value().cloned().unwrap_or_else(|| "no code".into()));
    let facts = |t: Trouble| {
        t.fact("http status", reply.status.to_string())
            .fact("request id", reply.request_id.clone())
            .fact("vendor code", code.clone().unwrap_or_default())
    };
    match (reply.status, &code) {
        (403, _) => Err(facts(Trouble::new(
            Reason::Unauthorised,
            format!("Microsoft refused: our app lacks {right} with an administrator's consent"),
        ))),
        (200..=299, Some(code)) => Err(facts(Trouble::malformed(format!(
            "Microsoft answered {} with an error inside ({code})",
            reply.status
        )))),
        (200..=299, None) => Ok(reply),
        _ => reply.clone().success().map_err(|f| facts(f.into())),
    }
}

/// A page of a Graph list.
#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    pub(super) value: Vec<ListRow<T>>,
    #[serde(rename = "@odata.nextLink", default)]
    pub(super) next: Option<String>,
}

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
struct Issue {
    id: Seen<String>,
    title: Seen<String>,
    feature: Seen<String>,
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

fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Ok | Verdict::Quiet => 0,
        Verdict::Warning => 1,
        Verdict::Unknown(_) => 2,
        Verdict::Critical => 3,
    }
}

/// One watched service, judged.
struct Judged {
    verdict: Verdict,
    words: String,
    since: Option<Timestamp>,
    fact: (String, String),
}

fn judge(id: &str, rows: &[ListRow<Overview>]) -> Judged {
    let mut own = rows.iter().filter_map(|row| match row {
        ListRow::Read(row) => {
            row.id.value().is_some_and(|i| i.eq_ignore_ascii_case(id)).then_some(row)
        }
        ListRow::Unreadable(_) => None,
    });
    let unknown = |words: String| Judged {
        verdict: Verdict::Unknown(Reason::Malformed),
        fact: (id.to_owned(), words.clone()),
        words: format!("{id}: {words}"),
        since: None,
    };
    let row = match (own.next(), own.next()) {
        (Some(row), None) => row,
        (None, _) => {
            return unknown("not in Microsoft's list; check the ids that are watched".into());
        }
        (Some(_), Some(_)) => return unknown("twice in Microsoft's list".into()),
    };
    let status = match row.status.clone().need("status") {
        Ok(status) => status,
        Err(trouble) => return unknown(trouble.why),
    };
    let verdict = verdict_of(&status);
    let name = row.service.value().map_or(id, String::as_str);
    let open = open_issues(row);
    let told: Vec<String> = open.iter().map(|i| i.words()).collect();
    let mut words = match verdict {
        Verdict::Unknown(_) => {
            format!("{name}: Microsoft wrote \"{status}\", a word we do not know")
        }
        _ => format!("{name}: {}", in_words(&status)),
    };
    if !told.is_empty() {
        words = format!("{words} ({})", told.join("; "));
    }
    let since = open
        .iter()
        .filter_map(|i| i.start_date_time.value())
        .filter_map(|t| time(t, &TimeZone::UTC).map(|t| t.at));
    Judged { verdict, words, since: since.min(), fact: (name.to_owned(), status) }
}

fn open_issues(row: &Overview) -> Vec<&Issue> {
    let Seen::Value(issues) = &row.issues else { return Vec::new() };
    issues
        .iter()
        .filter_map(|i| match i {
            ListRow::Read(issue) => Some(issue),
            ListRow::Unreadable(_) => None,
        })
        .filter(|i| i.is_resolved.value() != Some(&true))
        .take(3)
        .collect()
}

impl Issue {
    fn words(&self) -> String {
        let text = |s: &Seen<String>| s.value().map(|t| without_html(t)).unwrap_or_default();
        let parts = [text(&self.id), text(&self.feature), text(&self.title)];
        parts.iter().filter(|p| !p.is_empty()).map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// What the list says of the services `watch`; `bare` is the observation to fill.
pub(super) fn health(
    watch: &[String],
    rows: &[ListRow<Overview>],
    bare: Observation,
) -> Observation {
    let judged: Vec<Judged> = watch.iter().map(|id| judge(id, rows)).collect();
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
    let since = judged.iter().filter(of_worst).filter_map(|j| j.since).min();
    let seen = with(bare, verdict, &words).since(since.filter(|_| !troubled.is_empty()));
    judged.iter().fold(seen, |o, j| o.fact(&j.fact.0, &j.fact.1))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Organization {
    on_premises_sync_enabled: Seen<bool>,
    on_premises_last_sync_date_time: Seen<String>,
}

/// What the organisation says of its directory sync. Its age is judged by the check's rule.
pub(super) fn directory_sync(
    rows: Vec<ListRow<Organization>>,
    bare: Observation,
) -> Result<Observation, Trouble> {
    let count = rows.len();
    let mut rows = rows.into_iter();
    let (Some(ListRow::Read(own)), None) = (rows.next(), rows.next()) else {
        return Err(Trouble::malformed(format!(
            "Microsoft lists {count} organisations where there is exactly one, or one that cannot \
             be read"
        )));
    };
    let enabled = own.on_premises_sync_enabled.nullable("onPremisesSyncEnabled")?;
    let last = own.on_premises_last_sync_date_time.nullable("onPremisesLastSyncDateTime")?;
    let last = match last {
        None => None,
        Some(text) => Some(
            text.parse::<Timestamp>()
                .map_err(|_| Trouble::malformed("onPremisesLastSyncDateTime is not a time"))?,
        ),
    };
    let never = Verdict::Unknown(Reason::NeverSeen);
    Ok(match (enabled, last) {
        (Some(true), Some(at)) => {
            with(bare, Verdict::Ok, "directory sync is on").source(at, Zone::Given).good(Some(at))
        }
        (Some(true), None) => with(bare, never, "directory sync is on but has never run"),
        (Some(false), last) => with(
            bare.good(last).since(last),
            Verdict::Critical,
            "directory sync is switched off: changes in Active Directory do not reach WeLearn365",
        ),
        (None, _) => {
            with(bare, never, "this tenant was never synced with a directory: is it the right one?")
        }
    })
}

/// A SharePoint site by host and path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Site {
    host: String,
    path: String,
}

impl Site {
    /// From `https://host/sites/name` or `host:/sites/name`; `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let url = match text.split_once(":/") {
            Some((host, path)) if !path.starts_with('/') => format!("https://{host}/{path}"),
            _ => text.to_owned(),
        };
        let url = Url::parse(&url).ok()?;
        let plain = url.scheme() == "https"
            && url.port().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty();
        let path = url.path().trim_end_matches('/').to_owned();
        let host = url.host_str()?.to_owned();
        (plain && host.contains('.') && !path.contains(':')).then_some(Self { host, path })
    }

    /// The path of the call that asks for it.
    pub(super) fn call(&self) -> String {
        format!("sites/{}:{}", self.host, if self.path.is_empty() { "/" } else { &self.path })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SiteAnswer {
    id: Seen<String>,
    web_url: Seen<String>,
}

/// What the answer says of a school's site.
pub(super) fn site(reply: &Reply, asked: &Site, bare: Observation) -> Result<Observation, Trouble> {
    if reply.status == 404 {
        let words = format!("there is no site {}{}", asked.host, asked.path);
        return Ok(with(bare, Verdict::Critical, &words));
    }
    let answer: SiteAnswer = json(reply)?;
    // Graph's id of a site begins with its host: `host,guid,guid`.
    let id = answer.id.need("id")?;
    let found = Site::parse(&answer.web_url.need("webUrl")?);
    let is_it = |s: &Site| {
        s.host.eq_ignore_ascii_case(&asked.host) && s.path.eq_ignore_ascii_case(&asked.path)
    };
    let of_host = id.split(',').next().is_some_and(|h| h.eq_ignore_ascii_case(&asked.host));
    if !found.as_ref().is_some_and(is_it) || !of_host {
        return Err(Trouble::malformed("Microsoft answered for another site"));
    }
    Ok(with(bare, Verdict::Ok, "the school's site is there"))
}

/// `bare` with a verdict and its sentence.
pub(super) fn with(bare: Observation, verdict: Verdict, detail: &str) -> Observation {
    Observation { verdict, detail: detail.into(), ..bare }
}

/// Text without tags, and with the usual entities read.
fn without_html(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in text.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                out.push(' ');
            }
            _ if inside => {}
            _ => out.push(c),
        }
    }
    for (entity, c) in [
        ("&nbsp;", " "),
        ("&lt;", "‹"),
        ("&gt;", "›"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ] {
        out = out.replace(entity, c);
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_loses_its_tags() {
        assert_eq!(
            without_html("<p>Mail &amp; <b>calendar</b></p>are slow"),
            "Mail & calendar are slow"
        );
        assert_eq!(without_html("a <script>alert(1)"), "a alert(1)");
        assert_eq!(without_html("&lt;img&gt;"), "‹img›");
    }

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

    #[test]
    fn a_site_is_an_https_address_or_graphs_own_form() {
        let site = Site::parse("https://welearn.example.com/sites/oak/").unwrap();
        assert_eq!(site.call(), "sites/welearn.example.com:/sites/oak");
        assert_eq!(Site::parse("welearn.example.com:/sites/oak"), Some(site));
        for bad in [
            "",
            "oak",
            "http://welearn.example.com/sites/oak",
            "https://a@b.c/sites/x",
            "https://localhost/x",
        ] {
            assert_eq!(Site::parse(bad), None, "{bad}");
        }
    }
}
