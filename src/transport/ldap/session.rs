//! One connection that is signed in: searches, page by page, within their limits, and changes of one
//! entry.

use std::sync::Arc;
use std::time::Duration;

use ldap3::controls::{MakeCritical, PagedResults, RawControl};
use ldap3::{DerefAliases, LdapError, ResultEntry, SearchOptions};

use super::change::{Change, Written};
use super::entry::Entry;
use super::failure::LdapFailure;
use super::filter::Filter;
use super::line::{Ended, Line};
use super::wire::{self, Asked};
use crate::ports::clock::Clock;
use crate::transport::Failure;

/// The paged results control of the answer.
const PAGED: &str = "1.2.840.113556.1.4.319";
/// Asks Active Directory not to make pointers to other servers (they are never followed).
const DOMAIN_SCOPE: &str = "1.2.840.113556.1.4.1339";
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_millis(500);

/// How far below the base a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The base itself.
    Base,
    /// What stands directly below it.
    Level,
    /// The base and everything below it.
    Subtree,
}

/// What is searched for, where, and what is wanted of it.
#[derive(Debug, Clone)]
pub struct Search<'a> {
    /// DN below which is searched; empty for the root of the server.
    pub base: &'a str,
    /// How far.
    pub scope: Scope,
    /// For what.
    pub filter: &'a Filter,
    /// The attributes that are wanted, and no others are taken; none for the names alone.
    pub attributes: &'a [&'a str],
    /// How many of them.
    pub take: Take,
}

/// How many entries are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// All. More than so many are a failure, never a smaller answer.
    All(usize),
    /// The first that come, at most so many and one page: a sample.
    First(u16),
}

/// A search that was answered to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Entries.
    pub entries: usize,
    /// Requests that it took.
    pub pages: usize,
    /// Pointers to other servers that came with it and were dropped.
    pub pointers: u32,
}

/// What a session may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Time for one operation.
    pub(super) operation: Duration,
    /// When everything must be over, by the monotonic clock.
    pub(super) due: Duration,
    /// The whole of it, for messages.
    pub(super) whole: Duration,
    /// Entries of one page.
    pub(super) page: u16,
    /// Bytes of one page.
    pub(super) bytes: usize,
}

/// One connection to one controller, signed in. Dropped, it closes the connection.
///
/// Invariant: what is written and read through one session is written to and read from the same
/// controller.
pub struct Session {
    line: Line,
    name: String,
    limits: Limits,
    clock: Arc<dyn Clock>,
}

impl Session {
    pub(super) fn new(line: Line, name: String, limits: Limits, clock: Arc<dyn Clock>) -> Self {
        Self { line, name, limits, clock }
    }

    /// Scheme, host and port of the controller.
    #[must_use]
    pub fn controller(&self) -> &str {
        &self.name
    }

    /// Signs in. An empty password would be taken for no sign-in at all, so it is never sent.
    pub(super) async fn bind(&mut self, account: &str, password: &str) -> Result<(), LdapFailure> {
        self.line.shared.ask(Asked::Bind, wire::LARGEST_MESSAGE);
        let mut ldap = self.line.ldap.clone();
        let answer = self.within(ldap.simple_bind(account, password)).await?;
        match answer.rc {
            0 => Ok(()),
            49 => {
                let (why, code) = super::failure::SignIn::of(&answer.text);
                Err(LdapFailure::SignIn {
                    controller: self.name.clone(),
                    account: account.to_owned(),
                    why,
                    code,
                })
            }
            code => Err(LdapFailure::of_result(&self.name, code, &answer.text, "such account")),
        }
    }

    /// Searches to the end, and gives each entry to `each` as it comes. What `each` was given
    /// counts only when this returns well.
    ///
    /// # Errors
    /// See [`LdapFailure`]; anything short of the whole is one.
    pub async fn search(
        &mut self,
        search: &Search<'_>,
        each: &mut (dyn FnMut(Entry) + Send),
    ) -> Result<Found, LdapFailure> {
        let mut found = Found { entries: 0, pages: 0, pointers: 0 };
        let before = self.line.shared.pointers();
        let page = usize::from(self.size(search.take));
        // A server may send pages that are not full, but not for ever.
        let most_pages = match search.take {
            Take::All(most) => most.div_ceil(page).saturating_mul(4).saturating_add(16),
            Take::First(_) => 1,
        };
        let mut cookie = Vec::new();
        loop {
            if found.pages >= most_pages {
                return Err(self.malformed("its pages do not end"));
            }
            found.pages += 1;
            let next = self.page(search, cookie, &mut found.entries, each).await?;
            match next {
                Some(next) if matches!(search.take, Take::All(_)) => cookie = next,
                _ => break,
            }
        }
        found.pointers = self.line.shared.pointers().saturating_sub(before);
        Ok(found)
    }

    /// Entries of one page.
    fn size(&self, take: Take) -> u16 {
        let page = self.limits.page.clamp(1, 1_000);
        match take {
            Take::All(_) => page,
            Take::First(most) => most.clamp(1, page),
        }
    }

    /// One page; the cookie of the next, if there is one.
    async fn page(
        &mut self,
        search: &Search<'_>,
        cookie: Vec<u8>,
        entries: &mut usize,
        each: &mut (dyn FnMut(Entry) + Send),
    ) -> Result<Option<Vec<u8>>, LdapFailure> {
        self.line.shared.ask(Asked::Search, self.limits.bytes);
        // The root of a server is one entry, which not every server pages.
        let paged = search.scope != Scope::Base;
        let mut ldap = self.line.ldap.clone();
        let mut controls =
            vec![RawControl { ctype: DOMAIN_SCOPE.to_owned(), crit: false, val: None }];
        if paged {
            let size = i32::from(self.size(search.take));
            controls.push(PagedResults { size, cookie }.critical().into());
        }
        let seconds = i32::try_from(self.limits.operation.as_secs()).unwrap_or(i32::MAX);
        let options = SearchOptions::new().deref(DerefAliases::Never).timelimit(seconds);
        let wanted = match search.attributes {
            [] => vec!["1.1"],
            some => some.to_vec(),
        };
        let most = match search.take {
            Take::All(most) => most,
            Take::First(most) => usize::from(most),
        };
        let whole = async {
            ldap.with_controls(controls).with_search_options(options);
            let scope = match search.scope {
                Scope::Base => ldap3::Scope::Base,
                Scope::Level => ldap3::Scope::OneLevel,
                Scope::Subtree => ldap3::Scope::Subtree,
            };
            let mut stream =
                ldap.streaming_search(search.base, scope, search.filter.as_str(), wanted).await?;
            while let Some(entry) = stream.next().await? {
                *entries += 1;
                if *entries > most {
                    return Ok(Err(format!("it holds more than {most} entries")));
                }
                match read(entry, search.attributes) {
                    Some(entry) => each(entry),
                    None => return Ok(Err("an entry cannot be read".to_owned())),
                }
            }
            Ok(Ok(stream.finish().await))
        };
        let done = self.within(whole).await?.map_err(|why| self.malformed(why))?;
        if done.rc != 0 {
            return Err(LdapFailure::of_result(&self.name, done.rc, &done.text, search.base));
        }
        if !paged {
            return Ok(None);
        }
        let control = done.ctrls.iter().find(|c| c.1.ctype == PAGED);
        let value = control.and_then(|c| c.1.val.as_deref());
        // Without it nobody knows whether that was all.
        let value = value.ok_or_else(|| self.malformed("it does not say whether that was all"))?;
        let cookie = wire::cookie(value).map_err(|e| self.malformed(e.0))?;
        Ok((!cookie.is_empty()).then_some(cookie))
    }

    /// Changes the entry `dn`: all of `changes`, in their order, or nothing. Sent once.
    pub async fn modify(&mut self, dn: &str, changes: &[Change]) -> Written {
        self.line.shared.ask(Asked::Modify, wire::LARGEST_MESSAGE);
        let mut ldap = self.line.ldap.clone();
        let changes = changes.iter().map(Change::sent).collect();
        let answer = match self.within(ldap.modify(dn, changes)).await {
            Ok(answer) => answer,
            Err(failure) => return Written::NoAnswer(failure),
        };
        // What is asked for may hold a name, so it is never part of the failure.
        let failure = || LdapFailure::of_result(&self.name, answer.rc, &answer.text, "such object");
        match answer.rc {
            0 => Written::Taken,
            // No such value, such a value already, such a member already.
            16 | 20 | 68 => Written::Changed,
            // Out of time, or something else: not every server keeps to "all or nothing" then.
            3 | 80 => Written::NoAnswer(failure()),
            _ => Written::Refused(failure()),
        }
    }

    /// Says goodbye, so that the server need not wait for it.
    pub async fn close(mut self) {
        let clock = self.clock.clone();
        tokio::select! {
            // A line that is gone already is closed as well.
            ended = self.line.ldap.unbind() => drop(ended),
            () = clock.sleep(GOODBYE) => {}
        }
    }

    fn malformed(&self, why: impl Into<String>) -> LdapFailure {
        LdapFailure::malformed(&self.name, why)
    }

    /// Runs one operation within its time, and says what its failure means.
    async fn within<T>(
        &self,
        operation: impl Future<Output = Result<T, LdapError>>,
    ) -> Result<T, LdapFailure> {
        let now = self.clock.monotonic();
        let left = self.limits.due.saturating_sub(now);
        let (time, told) = if left < self.limits.operation {
            (left, self.limits.whole)
        } else {
            (self.limits.operation, self.limits.operation)
        };
        tokio::select! {
            biased;
            outcome = operation => outcome.map_err(|e| self.broken(&e)),
            () = self.clock.sleep(time) => Err(LdapFailure::Call(Failure::Deadline {
                origin: self.name.clone(),
                seconds: told.as_secs(),
            })),
        }
    }

    /// What an error of the library means: the watchman knows the cause.
    fn broken(&self, error: &LdapError) -> LdapFailure {
        match self.line.shared.ended() {
            Some(Ended::Misshapen(why)) => LdapFailure::Call(why.at(&self.name)),
            Some(Ended::TooLarge) => LdapFailure::Call(Failure::TooLarge {
                origin: self.name.clone(),
                limit: self.limits.bytes,
            }),
            Some(Ended::Goodbye(code @ (0 | 51 | 52))) | Some(Ended::Goodbye(code)) => {
                LdapFailure::no_answer(
                    &self.name,
                    format!("it ended the connection (result {code})"),
                )
            }
            Some(Ended::Broken(why)) => {
                LdapFailure::no_answer(&self.name, format!("the connection broke: {why}"))
            }
            None => match error {
                LdapError::FilterParsing => self.malformed("our own filter cannot be written"),
                _ => LdapFailure::no_answer(&self.name, "the connection broke"),
            },
        }
    }
}

/// An entry with the attributes that were asked for.
fn read(entry: ResultEntry, wanted: &[&str]) -> Option<Entry> {
    let mut parts = entry.0.expect_constructed()?.into_iter();
    let dn = String::from_utf8(parts.next()?.expect_primitive()?).ok()?;
    let mut out = Entry::new(dn);
    for attribute in parts.next()?.expect_constructed()? {
        let mut parts = attribute.expect_constructed()?.into_iter();
        let name = String::from_utf8(parts.next()?.expect_primitive()?).ok()?;
        let values = parts.next()?.expect_constructed()?.into_iter();
        let values: Vec<Vec<u8>> = values.map(|v| v.expect_primitive()).collect::<Option<_>>()?;
        out.add(name, values, wanted)?;
    }
    Some(out)
}
