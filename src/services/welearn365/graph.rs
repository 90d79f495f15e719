//! Asking Microsoft Graph: with a token, page by page, within its limits.
//!
//! Invariant: a next-page link is followed whole and unchanged, at the configured origin only, and
//! never twice in one read; a list that is cut short by anything is no list.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::model::calendar::london;
use crate::model::health::Reason;
use crate::model::ids::CredentialName;
use crate::ports::clock::Clock;
use crate::services::answer::{ListRow, Seen, Trouble, json};
use crate::services::rights::roles_of;
use crate::services::token::TokenCell;
use crate::services::welearn365::budget::Budget;
use crate::services::welearn365::describe::{GRAPH_URL, KEY, LOGIN_URL, Settings};
use crate::services::welearn365::error::believed;
use crate::services::welearn365::login::Login;
use crate::services::{Context, ServiceError};
use crate::transport::{Endpoint, Failure, Reply, Request};

/// More pages of a short list than Microsoft has services, organisations or products for.
const SHORT_LIST: usize = 10;
/// From this share of a limit on Microsoft tells it, and we go slower.
const NEAR_LIMIT: f64 = 0.8;
/// The pause before the next page then.
const SLOWER: Duration = Duration::from_secs(1);

/// A page of a Graph list.
#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    /// Its rows; a page may be empty and still not be the last.
    pub(super) value: Vec<ListRow<T>>,
    /// Where the next page is.
    #[serde(rename = "@odata.nextLink", default)]
    next: Option<String>,
    /// Where the changes from now on are; on the last page of a delta query.
    #[serde(rename = "@odata.deltaLink", default)]
    pub(super) delta: Option<String>,
    /// How many rows there are in all; on the first page, if it was asked for.
    #[serde(rename = "@odata.count", default)]
    pub(super) count: Seen<u64>,
}

/// A whole list and the last answer of it.
pub(super) struct List<T> {
    pub(super) rows: Vec<ListRow<T>>,
    pub(super) reply: Reply,
}

/// What came of a write.
pub(super) enum Told {
    /// An answer of any status but 401.
    Answered(Reply),
    /// It cannot have been done.
    NotSent(Trouble),
    /// It may have been done.
    NoAnswer(Trouble),
}

/// Sites that are asked for in a minute: of the smallest tenants Microsoft takes 1,200 units, one a
/// site, from one app. The same share is left as of the announcements.
const SITES_A_MINUTE: usize = 900;

/// The tenant's Graph.
pub(super) struct Graph {
    endpoint: Endpoint,
    login: Login,
    token: TokenCell,
    clock: Arc<dyn Clock>,
    announcements: Budget,
    sites: Budget,
}

impl Graph {
    /// That of the app which only reads; `app` is its credential.
    pub(super) fn reading(
        settings: &Settings,
        app: CredentialName,
        context: &Context,
        announcements: Budget,
    ) -> Result<Self, ServiceError> {
        let login = Login {
            endpoint: context.endpoint(KEY, settings.login.as_ref(), LOGIN_URL)?,
            tenant: settings.tenant_id.clone(),
            client: settings.client_id.clone(),
            credential: app,
            by: settings.authentication,
            secrets: context.secrets.clone(),
        };
        let endpoint = context.endpoint(KEY, settings.graph.as_ref(), GRAPH_URL)?;
        Ok(Self::new(endpoint, login, Arc::clone(&context.clock), announcements))
    }

    pub(super) fn new(
        endpoint: Endpoint,
        login: Login,
        clock: Arc<dyn Clock>,
        announcements: Budget,
    ) -> Self {
        let sites = Budget::a_minute(SITES_A_MINUTE);
        Self { endpoint, login, token: TokenCell::default(), clock, announcements, sites }
    }

    /// One call with the token, renewed once when it is refused.
    pub(super) async fn ask(&self, request: Request) -> Result<Reply, Trouble> {
        let make = |token: &SecretString| {
            request
                .clone()
                .header("authorization", format!("Bearer {}", token.expose_secret()))
                // Without it new words are hidden behind one sentinel.
                .header("prefer", SecretString::from("include-unknown-enum-members"))
        };
        let refused = |reply: &Reply| reply.status == 401;
        let way = (&*self.clock, &self.endpoint);
        self.token.send(way, make, refused, || self.login.grant(&*self.clock)).await
    }

    /// One call about a site of SharePoint, which has a limit of its own.
    pub(super) async fn site(&self, request: Request) -> Result<Reply, Trouble> {
        let limit = format!("{} calls a minute about sites", self.sites.per_minute());
        self.within(&self.sites, &limit)?;
        self.ask(request).await
    }

    /// Sends a write once, and says whether it was sent at all. A token that is refused is renewed
    /// once: nothing was done with it.
    pub(super) async fn tell(&self, request: Request) -> Told {
        let mut refused = None;
        loop {
            let token = self.token.hold(&*self.clock, refused, || self.login.grant(&*self.clock));
            let (token, serial) = match token.await {
                Ok(held) => held,
                Err(trouble) => return Told::NotSent(trouble),
            };
            let bearer = format!("Bearer {}", token.expose_secret());
            let sent = self.endpoint.send(request.clone().header("authorization", bearer)).await;
            match sent {
                Ok(reply) if reply.status != 401 => return Told::Answered(reply),
                Ok(reply) if refused.is_some() => {
                    let why = format!("{} refused a token that it had just given us", reply.origin);
                    return Told::NotSent(Trouble::new(Reason::Unauthorised, why));
                }
                Ok(_) => refused = Some(serial),
                // Not on its way, or turned away before anything was done.
                Err(
                    failure @ (Failure::Open { .. }
                    | Failure::Throttled { .. }
                    | Failure::Unauthorised { .. }
                    | Failure::ForeignLink { .. }),
                ) => return Told::NotSent(failure.into()),
                Err(failure) => return Told::NoAnswer(failure.into()),
            }
        }
    }

    /// The credential that our app signs in with.
    pub(super) fn credential(&self) -> &CredentialName {
        &self.login.credential
    }

    /// What our app may do, as its token shows it.
    pub(super) async fn roles(&self) -> Result<Vec<String>, Trouble> {
        let token = self.token.held(&*self.clock, || self.login.grant(&*self.clock)).await?;
        let opaque = || Trouble::malformed("Microsoft's token does not show them");
        roles_of(&token).ok_or_else(opaque)
    }

    /// That a link leads to the configured origin.
    pub(super) fn owns(&self, link: &str) -> Result<(), Trouble> {
        self.endpoint.next_page(link)?;
        Ok(())
    }

    /// A short list from its first page to its last.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        first: Request,
        right: &'static str,
    ) -> Result<List<T>, Trouble> {
        self.whole(first, right, false).await
    }

    /// As [`Graph::list`], of the service announcements, which have a limit of their own.
    pub(super) async fn announced<T: DeserializeOwned>(
        &self,
        first: Request,
        right: &'static str,
    ) -> Result<List<T>, Trouble> {
        self.whole(first, right, true).await
    }

    async fn whole<T: DeserializeOwned>(
        &self,
        first: Request,
        right: &'static str,
        budgeted: bool,
    ) -> Result<List<T>, Trouble> {
        let mut walk = Walk::new(first, right, SHORT_LIST);
        let (mut rows, mut last) = (Vec::new(), None);
        loop {
            if budgeted && walk.goes_on() {
                self.within_budget()?;
            }
            let Some((page, reply)) = walk.next::<T>(self).await? else { break };
            rows.extend(page.value);
            last = Some(reply);
        }
        let reply = last.ok_or_else(|| Trouble::malformed("Microsoft's list has no page"))?;
        Ok(List { rows, reply })
    }

    fn within_budget(&self) -> Result<(), Trouble> {
        let per_hour = self.announcements.per_hour();
        let limit = format!("{per_hour} calls an hour of Microsoft's service announcements");
        self.within(&self.announcements, &limit)
    }

    /// Takes one call of `budget`, or says that it is kept back for `limit`.
    fn within(&self, budget: &Budget, limit: &str) -> Result<(), Trouble> {
        let Err(wait) = budget.take(self.clock.monotonic()) else { return Ok(()) };
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_hours(1));
        let again = self.clock.now().checked_add(wait).unwrap_or(self.clock.now());
        let again = again.to_zoned_datetime(london()).strftime("%H:%M:%S");
        Err(Trouble::new(
            Reason::Throttled,
            format!("not asked: caretaker keeps to {limit}, and asks again at {again}"),
        ))
    }
}

/// What came of asking for a page.
pub(super) enum Turn<T> {
    /// The page.
    Page(Page<T>, Reply),
    /// A status from 400 to 499, not read.
    Refused(Reply),
    /// There is no page left.
    End,
}

/// Where a read of many pages stands.
enum At {
    First(Request),
    Link(String),
    End,
}

/// A read of many pages, which can be left and taken up again.
pub(super) struct Walk {
    at: At,
    right: &'static str,
    /// Whether every page is asked for with `ConsistencyLevel: eventual`: a link does not carry it.
    eventual: bool,
    /// Links that were given, hashed.
    seen: BTreeSet<u64>,
    pages: usize,
    most_pages: usize,
    slower: bool,
}

impl Walk {
    /// A read that begins with `first` and has at most `most_pages` pages.
    pub(super) fn new(first: Request, right: &'static str, most_pages: usize) -> Self {
        Self {
            at: At::First(first),
            right,
            eventual: false,
            seen: BTreeSet::new(),
            pages: 0,
            most_pages,
            slower: false,
        }
    }

    /// A read that begins with a link that was given earlier (a delta query's).
    pub(super) fn along(link: String, right: &'static str, most_pages: usize) -> Self {
        let mut walk = Self::new(Request::get(""), right, most_pages);
        walk.seen.insert(hashed(&link));
        walk.at = At::Link(link);
        walk
    }

    /// Each page asked for as an advanced query.
    pub(super) fn eventual(mut self) -> Self {
        self.eventual = true;
        self
    }

    /// Whether there is a page left to ask for.
    pub(super) fn goes_on(&self) -> bool {
        !matches!(self.at, At::End)
    }

    /// How many pages were read.
    pub(super) fn pages(&self) -> usize {
        self.pages
    }

    /// The answer to the next page whatever its status, without reading it; `None` at the end.
    ///
    /// Cancel-safe: dropped before it answers, the same page is asked for again.
    async fn answer(&self, graph: &Graph) -> Result<Option<Reply>, Trouble> {
        let request = match &self.at {
            At::End => return Ok(None),
            At::First(request) => request.clone(),
            At::Link(link) => graph.endpoint.next_page(link)?,
        };
        if self.slower {
            graph.clock.sleep(SLOWER).await;
        }
        let request = match self.eventual {
            true => request.header("consistencylevel", SecretString::from("eventual")),
            false => request,
        };
        graph.ask(request).await.map(Some)
    }

    /// The next page; `None` at the end.
    pub(super) async fn next<T: DeserializeOwned>(
        &mut self,
        graph: &Graph,
    ) -> Result<Option<(Page<T>, Reply)>, Trouble> {
        let Some(reply) = self.answer(graph).await? else { return Ok(None) };
        self.take(reply).map(Some)
    }

    /// As [`Walk::next`], but a refusal is the caller's to read.
    pub(super) async fn turn<T: DeserializeOwned>(
        &mut self,
        graph: &Graph,
    ) -> Result<Turn<T>, Trouble> {
        let Some(reply) = self.answer(graph).await? else { return Ok(Turn::End) };
        if (400..=499).contains(&reply.status) {
            return Ok(Turn::Refused(reply));
        }
        let (page, reply) = self.take(reply)?;
        Ok(Turn::Page(page, reply))
    }

    fn take<T: DeserializeOwned>(&mut self, reply: Reply) -> Result<(Page<T>, Reply), Trouble> {
        let reply = believed(reply, self.right)?;
        let page: Page<T> = json(&reply)?;
        self.pages += 1;
        self.slower = is_near_limit(&reply);
        self.at = match &page.next {
            None => At::End,
            Some(_) if page.delta.is_some() => {
                return Err(Trouble::malformed(
                    "Microsoft's page is the last of its list and has a next one",
                ));
            }
            Some(link) if !self.seen.insert(hashed(link)) => {
                return Err(Trouble::malformed(
                    "Microsoft's next page leads back to a page already read",
                ));
            }
            Some(_) if self.pages >= self.most_pages => {
                return Err(Trouble::malformed(format!(
                    "Microsoft's list goes on after {} pages",
                    self.most_pages
                )));
            }
            Some(link) => At::Link(link.clone()),
        };
        Ok((page, reply))
    }
}

fn hashed(link: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    link.hash(&mut hasher);
    hasher.finish()
}

/// Whether Microsoft says that a limit is nearly reached (throttling page: the header is sent from
/// 0.8 on, and goes up to 1.8).
fn is_near_limit(reply: &Reply) -> bool {
    reply
        .header("x-ms-throttle-limit-percentage")
        .and_then(|share| share.trim().parse::<f64>().ok())
        .is_some_and(|share| share >= NEAR_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_nearly_reached_slows_us_down() {
        let near = |share: Option<&str>| {
            let headers: Vec<_> =
                share.iter().map(|s| ("x-ms-throttle-limit-percentage", *s)).collect();
            is_near_limit(&Reply::played(200, &headers, ""))
        };
        assert!(near(Some("0.8")) && near(Some(" 1.24 ")));
        assert!(!near(Some("0.79")) && !near(None) && !near(Some("much")) && !near(Some("NaN")));
    }
}
