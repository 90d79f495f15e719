//! An API that answers with JSON, read with jq expressions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use super::address::{Address, SignsIn};
use super::evaluate::{Evaluator, expressions};
use super::question::Question;
use super::reading::{Judged, Reading, Rules, key_of};
use super::rows::{Keys, Sorted};
use super::settings::{Asks, JsonSettings, Pages};
use super::strict::Strict;
use super::template::Place;
use super::{Refused, refuse};
use crate::model::health::Reason;
use crate::model::ids::Laestab;
use crate::ports::watch::CredentialUse;
use crate::services::answer::Trouble;
use crate::services::declared::jq::{Evaluated, Outcome, Program, Row};
use crate::transport::{Endpoint, Failure, Reply, Request};

/// Of the whole answer: the link to the next page.
const NEXT: &str = "next";
/// Of the whole answer: an error inside a good status.
const ERROR: &str = "error";
/// Bytes that all pages of one answer may have together.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// What the settings amount to, before any school is known.
pub(super) struct Checked {
    pub(super) address: Address,
    pub(super) question: Option<Question>,
    pub(super) program: Program,
    pub(super) reading: Reading,
}

/// That the settings make sense for `scope`.
pub(super) fn check(settings: &JsonSettings, scope: Asks) -> Result<Checked, Refused> {
    let address = Address::new(&settings.path, &settings.query, &settings.headers)?;
    let question = settings.post.as_ref().map(Question::new).transpose()?;
    if let Some(auth) = &settings.auth {
        super::address::check_auth(auth, scope == Asks::School)?;
    }
    if settings.status.is_empty()
        || settings.status.iter().any(|s| !matches!(s, 200..=299 | 400..=599))
    {
        return Err(refuse("status", "give at least one HTTP status; no redirect is followed"));
    }
    if !(1..=MOST_BYTES).contains(&settings.body_limit) {
        return Err(refuse("body_limit", format!("must be from 1 to {MOST_BYTES} bytes")));
    }
    let mut program = expressions(&settings.picks())?;
    let mut whole = |name: &str, key: &str, code: &Option<String>| -> Result<(), Refused> {
        if let Some(code) = code {
            crate::services::declared::jq::check(code).map_err(|why| refuse(key, why))?;
            program.whole.insert(name.to_owned(), code.clone());
        }
        Ok(())
    };
    whole(ERROR, "error", &settings.error)?;
    if let Some(pages) = &settings.pages {
        whole(NEXT, "pages.next", &pages.next)?;
        pages.check(scope)?;
        if question.is_some() && pages.next.is_some() {
            let why = "a link is asked for with GET, and this question with POST: give number";
            return Err(refuse("pages.next", why));
        }
    }
    settings.check_rows(scope)?;
    program.rows.clone_from(&settings.rows);
    let reading = Reading::new(&settings.rules(), false).map_err(|(key, why)| refuse(&key, why))?;
    Ok(Checked { address, question, program, reading })
}

impl Checked {
    /// Every place in what is asked.
    pub(super) fn places(&self) -> BTreeSet<Place> {
        let mut places = self.address.places();
        places.extend(self.question.iter().flat_map(Question::places));
        places
    }
}

impl JsonSettings {
    fn rules(&self) -> Rules<'_> {
        Rules {
            health: self.health.as_ref(),
            time: self.time.as_ref(),
            numbers: &self.numbers,
            detail: self.detail.as_ref(),
            facts: &self.facts,
        }
    }

    fn check_rows(&self, scope: Asks) -> Result<(), Refused> {
        super::evaluate::check_rows(scope, self.rows.as_deref(), self.key.as_ref(), true)
    }

    fn picks(&self) -> super::evaluate::Picks<'_> {
        super::evaluate::Picks { rules: self.rules(), key: self.key.as_ref() }
    }
}

impl Pages {
    fn check(&self, scope: Asks) -> Result<(), Refused> {
        match (&self.next, &self.number) {
            (Some(_), None) | (None, Some(_)) => {}
            _ => return Err(refuse("pages", "give next or number, one of the two")),
        }
        if scope != Asks::Bulk {
            return Err(refuse("pages", "only an answer with rows has pages: scope is not bulk"));
        }
        if !(1..=1_000).contains(&self.most) {
            return Err(refuse("pages.most", "must be from 1 to 1000"));
        }
        Ok(())
    }
}

/// An API that can be asked.
pub(super) struct Api {
    endpoint: Endpoint,
    checked: Checked,
    signs_in: Option<SignsIn>,
    keys: Option<Keys>,
    settings: JsonSettings,
    pub(super) evaluator: Evaluator,
}

/// All pages of an answer.
struct Answer {
    rows: Vec<Row>,
    /// Of its first page: what was asked and what came.
    facts: [(&'static str, String); 4],
    pages: u32,
    took: Duration,
}

impl Api {
    pub(super) fn new(
        settings: &JsonSettings,
        checked: Checked,
        (endpoint, signs_in, keys): (Endpoint, Option<SignsIn>, Option<Keys>),
        evaluator: Evaluator,
    ) -> Self {
        let settings = settings.clone();
        Self { endpoint, checked, signs_in, keys, settings, evaluator }
    }

    /// Credentials that each of `schools` has of its own.
    pub(super) fn credentials(&self, schools: &BTreeSet<Laestab>) -> Vec<CredentialUse> {
        let own = |signs_in: &SignsIn| signs_in.of_schools(schools);
        self.signs_in.as_ref().map(own).unwrap_or_default()
    }

    /// Asks about one school, or about the estate (`school` is none).
    pub(super) async fn ask_one(
        &self,
        school: Option<Laestab>,
        value: &(dyn Fn(&Place) -> Option<String> + Sync),
        now: Timestamp,
    ) -> Judged {
        let answer = match self.answer(value, now).await {
            Ok(answer) => answer,
            Err(trouble) => return told(&trouble),
        };
        let judged = match answer.rows.as_slice() {
            [row] => match self.of_another(row, school) {
                Some(judged) => judged,
                None => self.checked.reading.judge(row),
            },
            rows => Judged::unknown(
                Reason::Malformed,
                format!("the answer holds {} rows where one is meant", rows.len()),
            ),
        };
        answer.onto(judged)
    }

    /// What must be the school that was asked for, and is not.
    fn of_another(&self, row: &Row, school: Option<Laestab>) -> Option<Judged> {
        let (keys, school) = (self.keys.as_ref()?, school?);
        let malformed = |why: &str| Some(Judged::unknown(Reason::Malformed, why));
        match key_of(row) {
            None => malformed("the answer does not say which school it is about"),
            Some(key) if keys.find(&key).is_some_and(|s| s.contains(&school)) => None,
            Some(_) => malformed("the answer is about another school than was asked for"),
        }
    }

    /// Asks once for all `schools`.
    pub(super) async fn ask_all(
        &self,
        schools: &BTreeSet<Laestab>,
        now: Timestamp,
    ) -> BTreeMap<Laestab, Judged> {
        let all = |judged: &dyn Fn(Laestab) -> Judged| -> BTreeMap<Laestab, Judged> {
            schools.iter().map(|school| (*school, judged(*school))).collect()
        };
        let answer = match self.answer(&|_| None, now).await {
            Ok(answer) => answer,
            Err(trouble) => return all(&|_| told(&trouble)),
        };
        let Some(keys) = &self.keys else {
            return all(&|_| Judged::unknown(Reason::Malformed, "no key tells the schools apart"));
        };
        let sorted = Sorted::new((&answer.rows, &[]), keys, &self.checked.reading);
        self.evaluator.sorted(&sorted);
        let of = |school| sorted.of(school, self.settings.several, self.settings.absent);
        all(&|school| answer.onto(of(school)))
    }

    /// Every page, read.
    async fn answer(
        &self,
        value: &(dyn Fn(&Place) -> Option<String> + Sync),
        now: Timestamp,
    ) -> Result<Answer, Trouble> {
        self.evaluator.not_paused(now)?;
        let first = self.request(value)?;
        let reply = self.send(self.numbered(&first, 0), value).await?;
        let mut answer =
            Answer { rows: Vec::new(), facts: reply.facts(), pages: 1, took: reply.took };
        let (mut bytes, mut before) = (reply.body.len(), reply.body.clone());
        let mut evaluated = self.read(&reply, now).await?;
        let mut followed = BTreeSet::new();
        loop {
            let next = self.next(&evaluated, &first, answer.pages, &mut followed)?;
            answer.take(evaluated)?;
            let Some(request) = next else { return Ok(answer) };
            answer.pages += 1;
            let page = answer.pages;
            let most = self.settings.pages.as_ref().map_or(1, |pages| pages.most);
            if page > most {
                return Err(Trouble::malformed(format!(
                    "the answer has more than {most} pages (pages.most)"
                )));
            }
            let on_page = |trouble: Trouble| Trouble {
                why: format!("page {page}: {}", trouble.why),
                ..trouble
            };
            let reply = self.send(request, value).await.map_err(on_page)?;
            bytes = bytes.saturating_add(reply.body.len());
            if bytes > self.settings.body_limit {
                return Err(Trouble::malformed(format!(
                    "all pages together are larger than {} bytes (body_limit)",
                    self.settings.body_limit
                )));
            }
            if reply.body == before && !reply.body.is_empty() {
                return Err(Trouble::malformed(format!(
                    "page {page} is the same as the one before it"
                )));
            }
            before = reply.body.clone();
            evaluated = self.read(&reply, now).await.map_err(on_page)?;
        }
    }

    fn request(&self, value: &dyn Fn(&Place) -> Option<String>) -> Result<Request, Trouble> {
        let request = self.checked.address.request(value).map_err(Trouble::malformed)?;
        let request = match &self.checked.question {
            Some(question) => request.asking(question.filled(value).map_err(Trouble::malformed)?),
            None => request,
        };
        let request = match self.checked.address.sets("accept") {
            true => request,
            false => request.header("accept", "application/json".to_owned()),
        };
        Ok(request.body_limit(self.settings.body_limit))
    }

    /// The page after `read` ones, where pages have numbers.
    fn numbered(&self, first: &Request, read: u32) -> Request {
        match self.settings.pages.as_ref() {
            Some(Pages { number: Some(name), first: number, .. }) => {
                first.clone().query(name, number.saturating_add(read).to_string())
            }
            _ => first.clone(),
        }
    }

    async fn send(
        &self,
        request: Request,
        value: &(dyn Fn(&Place) -> Option<String> + Sync),
    ) -> Result<Reply, Trouble> {
        let reply = match &self.signs_in {
            Some(signs_in) => signs_in.send(&self.endpoint, &request, value).await?,
            None => self.endpoint.send(request).await?,
        };
        if self.settings.status.contains(&reply.status) {
            return Ok(reply);
        }
        let trouble = match reply.clone().success() {
            Err(failure) => Trouble::from(failure),
            Ok(Reply { origin, status, .. }) => {
                Trouble::malformed(format!("{origin} answered {status}, which was not expected"))
            }
        };
        Err(trouble.answered(&reply))
    }

    async fn read(&self, reply: &Reply, now: Timestamp) -> Result<Evaluated, Trouble> {
        let facts = |trouble: Trouble| trouble.answered(reply);
        let Strict = crate::services::answer::json::<Strict>(reply).map_err(facts)?;
        let body: Bytes = reply.body.clone();
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&body);
        let evaluated = self.evaluator.apply(&self.checked.program, body, now).await;
        let evaluated = evaluated.map_err(facts)?;
        match evaluated.whole.get(ERROR) {
            None | Some(Outcome::Nothing | Outcome::Value(Value::Null | Value::Bool(false))) => {
                Ok(evaluated)
            }
            Some(Outcome::Failed(failed)) => Err(facts(
                Trouble::malformed(format!("error cannot be read: {}", failed.why))
                    .fact("error got", failed.got.clone()),
            )),
            Some(_) => Err(facts(Trouble::malformed(format!(
                "{} answered {} with an error inside",
                reply.origin, reply.status
            )))),
        }
    }

    /// The request for the page after this one.
    fn next(
        &self,
        evaluated: &Evaluated,
        first: &Request,
        page: u32,
        followed: &mut BTreeSet<String>,
    ) -> Result<Option<Request>, Trouble> {
        let Some(pages) = &self.settings.pages else { return Ok(None) };
        if pages.number.is_some() {
            let empty = evaluated.rows.as_ref().is_ok_and(Vec::is_empty);
            return Ok((!empty).then(|| self.numbered(first, page)));
        }
        let link = match evaluated.whole.get(NEXT) {
            None | Some(Outcome::Nothing | Outcome::Value(Value::Null | Value::Bool(false))) => {
                return Ok(None);
            }
            Some(Outcome::Value(Value::String(link))) if link.trim().is_empty() => return Ok(None),
            Some(Outcome::Value(Value::String(link))) => link,
            Some(Outcome::Failed(failed)) => {
                let why = format!("pages.next cannot be read: {}", failed.why);
                return Err(Trouble::malformed(why).fact("pages.next got", failed.got.clone()));
            }
            Some(other @ (Outcome::Value(_) | Outcome::Several(_))) => {
                let trouble = Trouble::malformed("pages.next gives no link");
                return Err(trouble.fact("pages.next got", other.form()));
            }
        };
        // A link may be relative; where it leads is checked when it is whole.
        let whole = self
            .endpoint
            .url()
            .join(link.trim())
            .map_or_else(|_| link.clone(), |url| url.to_string());
        if !followed.insert(whole.clone()) {
            return Err(Trouble::malformed("its pages point back to one that was read already"));
        }
        let next = self.endpoint.next_page(&whole).map_err(|e: Failure| Trouble::from(e))?;
        Ok(Some(next.headers_of(first).body_limit(self.settings.body_limit)))
    }
}

impl Answer {
    fn take(&mut self, evaluated: Evaluated) -> Result<(), Trouble> {
        let rows = evaluated.rows.map_err(|failed| {
            Trouble::malformed(format!("rows cannot be read: {}", failed.why))
                .fact("rows got", failed.got)
        })?;
        self.rows.extend(rows);
        if self.rows.len() > crate::services::declared::jq::MOST_ROWS {
            return Err(Trouble::malformed("the answer holds too many rows"));
        }
        Ok(())
    }

    fn onto(&self, judged: Judged) -> Judged {
        let facts = self.facts.iter();
        let judged = facts
            .fold(judged, |judged, (name, value)| judged.fact(name, value))
            .number("latency_ms", (self.took.as_secs_f64() * 1_000.0).round());
        match self.pages {
            1 => judged,
            pages => judged.fact("pages", pages.to_string()),
        }
    }
}

/// The trouble as what stands for a target.
pub(super) fn told(trouble: &Trouble) -> Judged {
    let bare = Judged::unknown(trouble.reason, trouble.why.clone());
    trouble.facts.iter().fold(bare, |judged, (name, value)| judged.fact(name, value.clone()))
}
