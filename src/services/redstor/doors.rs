//! How the chosen API is asked: signing in, paging, and what is asked beside the accounts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::model::health::Reason;
use crate::model::ids::CredentialName;
use crate::ports::clock::Clock;
use crate::ports::secrets::Secrets;
use crate::services::answer::{ListRow, Seen, Trouble, credential, successful};
use crate::services::redstor::account::{Account, History, Listing, Outcome};
use crate::services::redstor::assertion;
use crate::services::redstor::describe::{Beside, TokenHeader};
use crate::services::redstor::redapi::{
    AccountRow, CompanyRow, ErrorRow, ProductRow, RedapiPage, RestoreRow, StatusRow,
    counts_in_words, errors_in_words, joined, restores_in_words,
};
use crate::services::redstor::storage::StoragePage;
use crate::services::token::{Grant, TokenCell, renew_after};
use crate::transport::{Endpoint, Reply, Request};

/// Rows of a full page of the Storage Platform.
const PAGE_ROWS: usize = 1_000;
/// More pages than any estate has; a vendor that never ends is not followed for ever.
const PAGE_CAP: usize = 60;
/// A page of 1,000 accounts carries certificates that we do not read.
const BODY_LIMIT: usize = 32 * 1024 * 1024;
/// Accounts whose errors are asked for in one sweep.
const ERRORS_A_SWEEP: usize = 20;
/// How long it counts that an account has never run, or what its last run complained of.
const ERRORS_COUNT: SignedDuration = SignedDuration::from_hours(24);
/// How long it counts which companies are enabled.
const COMPANIES_COUNT: SignedDuration = SignedDuration::from_hours(6);
/// Our clock may differ from the vendor's by so much before a refusal mentions it.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_secs(60);

/// Who signs in, and with what.
pub(super) struct Sender {
    pub(super) credential: CredentialName,
    pub(super) secrets: Arc<dyn Secrets>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Sender {
    fn refused(&self, reply: &Reply, who: &str) -> Trouble {
        let date = reply.header("date").and_then(|d| httpdate::parse_http_date(d.trim()).ok());
        let skew = date
            .and_then(|d| Timestamp::try_from(d).ok())
            .map(|d| reply.received_at.duration_since(d))
            .filter(|s| s.abs() > CLOCKS_DIFFER);
        let clocks = skew.map_or_else(String::new, |skew| {
            let way = if skew.is_positive() { "ahead of" } else { "behind" };
            format!("; our clock is {} s {way} Redstor's: set it right first", skew.abs().as_secs())
        });
        Trouble::new(
            Reason::Unauthorised,
            format!(
                "Redstor refused the sign-in of {who}: check the credential `{}` and that the \
                 account may still use the API{clocks}",
                self.credential
            ),
        )
        .answered(reply)
    }
}

fn too_many(endpoint: &Endpoint) -> Trouble {
    Trouble::malformed(format!("{} goes on after {PAGE_CAP} pages", endpoint.origin()))
}

/// The older API: Basic sign-in, one list of accounts.
pub(super) struct Storage {
    pub(super) endpoint: Endpoint,
    pub(super) user: String,
}

impl Storage {
    /// Every account, page by page.
    pub(super) async fn listing(&self, sender: &Sender) -> Result<Listing, Trouble> {
        let Self { endpoint, user } = self;
        let password = credential(&sender.secrets, &sender.credential).await?;
        let pair = format!("{user}:{}", password.expose_secret());
        let basic = SecretString::from(format!("Basic {}", STANDARD.encode(pair)));
        let mut listing = Listing::default();
        let (mut skip, mut seen) = (0_usize, BTreeSet::new());
        for _ in 0..PAGE_CAP {
            let mut request = Request::get("api/odata/Accounts")
                .header("authorization", basic.clone())
                .body_limit(BODY_LIMIT);
            if skip > 0 {
                request = request.query("$skip", skip.to_string());
            }
            let reply = endpoint.send(request).await?;
            if reply.status == 401 {
                return Err(sender.refused(&reply, &format!("the user {user}")));
            }
            let (rows, more) = successful::<StoragePage>(&reply)?.rows();
            listing.asked = reply.facts().into();
            let count = rows.len();
            for row in rows {
                let ListRow::Read(row) = row else {
                    listing.unreadable += 1;
                    continue;
                };
                let account = row.account();
                // A server that ignores $skip would send its first page for ever.
                if skip > 0 && account.guid.as_ref().is_some_and(|g| seen.contains(g)) {
                    return Err(Trouble::malformed(format!(
                        "{} sent an account of an earlier page again",
                        endpoint.origin()
                    )));
                }
                listing.accounts.push(account);
            }
            seen.extend(listing.accounts.iter().filter_map(|a| a.guid.clone()));
            skip += count;
            if count == 0 || (count < PAGE_ROWS && !more) {
                return Ok(listing);
            }
        }
        Err(too_many(endpoint))
    }
}

/// RedAPI v2 and the company whose accounts are read.
pub(super) struct Redapi {
    pub(super) endpoint: Endpoint,
    pub(super) login: Endpoint,
    pub(super) client: String,
    pub(super) company: String,
    pub(super) header: TokenHeader,
    pub(super) beside: Vec<Beside>,
    pub(super) token: TokenCell,
    pub(super) known: Mutex<Known>,
}

/// What was asked for earlier and still counts.
#[derive(Default)]
pub(super) struct Known {
    companies: Companies,
    /// By account id.
    errors: BTreeMap<String, Explained>,
}

/// Which companies are switched off.
#[derive(Clone, Default)]
struct Companies {
    asked_at: Option<Timestamp>,
    own_disabled: bool,
    /// By id: whether it is enabled, or nothing where that cannot be read.
    customers: BTreeMap<String, Option<bool>>,
    /// A row names no company: it may be any that no other row names.
    nameless: bool,
    /// Redstor told of our company and could not be understood.
    unclear: bool,
}

impl Companies {
    /// Whether all that was told could be understood.
    fn is_clear(&self) -> bool {
        !self.nameless && !self.unclear && self.customers.values().all(Option::is_some)
    }

    fn mark(&self, account: &mut Account, ours: &str) {
        let told = account.company.as_ref().map(|id| (id, self.customers.get(id)));
        match told {
            _ if self.own_disabled => account.disabled = Some("our company is disabled at Redstor"),
            Some((_, Some(Some(false)))) => {
                account.disabled = Some("its company is disabled at Redstor");
            }
            _ if self.unclear => {
                account.doubt = Some("what Redstor says of the companies cannot be read");
            }
            Some((_, Some(None))) => {
                account.doubt = Some("whether its company is enabled at Redstor cannot be read");
            }
            Some((id, None)) if self.nameless && !id.eq_ignore_ascii_case(ours) => {
                account.doubt = Some("a company at Redstor cannot be read, and it may be its own");
            }
            _ => {}
        }
    }
}

/// What the errors of an account said about the run that was its last.
#[derive(Clone)]
struct Explained {
    about: Option<Timestamp>,
    asked_at: Timestamp,
    ran_before: bool,
    words: Option<String>,
}

impl Explained {
    fn counts_for(&self, account: &Account, now: Timestamp) -> bool {
        self.about == latest_run(account)
            && self.asked_at <= now
            && now.duration_since(self.asked_at) < ERRORS_COUNT
    }
}

fn latest_run(account: &Account) -> Option<Timestamp> {
    let runs = account.histories.iter().filter_map(|h| h.runs.as_ref().ok());
    runs.filter_map(|r| r.first()).map(|r| r.at.at).max()
}

/// Whether its errors can tell more: it shows no run, or its last one did not simply complete.
fn is_to_be_explained(account: &Account) -> bool {
    let last = |h: &History| match &h.runs {
        Ok(runs) => runs.first().map(|r| r.outcome.clone()),
        Err(_) => None,
    };
    latest_run(account).is_none()
        || account
            .histories
            .iter()
            .any(|h| matches!(last(h), Some(Ok(outcome)) if outcome != Outcome::Completed))
}

impl Redapi {
    fn known(&self) -> MutexGuard<'_, Known> {
        // Whatever a panicking holder left, every value is whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every account and its runs, and for those that `is_wanted` what else is known of them.
    pub(super) async fn listing(
        &self,
        sender: &Sender,
        is_wanted: impl Fn(&Account) -> bool,
    ) -> Result<Listing, Trouble> {
        let accounts = self.list::<AccountRow>(sender, self.ours("storage/accounts")).await?;
        let states = self.ours("backups/status/accounts");
        let (states, reply) = self.list_and_reply::<StatusRow>(sender, states).await?;
        // "No backup status exists" is an answer: none of them ever ran.
        let mut listing = joined(accounts.unwrap_or_default(), states.unwrap_or_default());
        listing.asked = reply.facts().into();
        self.companies(sender, &mut listing).await;
        self.explain(sender, &mut listing, is_wanted).await;
        for beside in &self.beside {
            self.beside(sender, &mut listing, *beside).await;
        }
        Ok(listing)
    }

    /// A call about our company.
    fn ours(&self, path: &str) -> Request {
        Request::get(path).query("companyId", &self.company)
    }

    async fn get(&self, sender: &Sender, call: &Request) -> Result<Reply, Trouble> {
        let make = |secret: &SecretString| {
            let (name, value) = self.header.of(secret);
            call.clone().query("apiVersion", "2.0").header(name, value)
        };
        let refused = |reply: &Reply| reply.status == 401;
        let ask = || self.ask_for_token(sender);
        self.token.send((&*sender.clock, &self.endpoint), make, refused, ask).await
    }

    /// All pages of a list; `None` where the vendor says that there can be none (422, which no later
    /// page may say).
    async fn list<T: DeserializeOwned>(
        &self,
        sender: &Sender,
        call: Request,
    ) -> Result<Option<Vec<ListRow<T>>>, Trouble> {
        self.list_and_reply(sender, call).await.map(|(rows, _)| rows)
    }

    /// The same, and what came last.
    async fn list_and_reply<T: DeserializeOwned>(
        &self,
        sender: &Sender,
        call: Request,
    ) -> Result<(Option<Vec<ListRow<T>>>, Reply), Trouble> {
        let base = call.query("maxResults", "100");
        let broken =
            |what: String| Trouble::malformed(format!("{} {what}", self.endpoint.origin()));
        let mut rows = Vec::new();
        let mut total = None;
        let (mut next, mut seen): (Option<String>, BTreeSet<String>) = (None, BTreeSet::new());
        for _ in 0..PAGE_CAP {
            let call = match &next {
                Some(page) => base.clone().query("pageToken", page),
                None => base.clone().query("shouldReturnCount", "true"),
            };
            let reply = self.get(sender, &call).await?;
            match (reply.status, &next) {
                (422, None) => return Ok((None, reply)),
                (400 | 403..=428, Some(_)) => {
                    let refused = broken(format!("refused a later page ({})", reply.status));
                    return Err(refused.answered(&reply));
                }
                _ => {}
            }
            let page: RedapiPage<T> = successful(&reply)?;
            if next.is_none() {
                total = page.total().map_err(|trouble| trouble.answered(&reply))?;
            }
            next = page.next();
            rows.extend(page.results);
            match &next {
                None => match total.filter(|total| rows.len() < *total) {
                    None => return Ok((Some(rows), reply)),
                    Some(all) => {
                        let cut = broken(format!("sent {} of {all} rows", rows.len()));
                        return Err(cut.answered(&reply));
                    }
                },
                Some(token) if !seen.insert(token.clone()) => {
                    let astray = broken("leads back to a page already read".to_owned());
                    return Err(astray.answered(&reply));
                }
                Some(_) => {}
            }
        }
        Err(too_many(&self.endpoint))
    }

    /// Marks the accounts of companies that are switched off. What Redstor refuses to tell marks
    /// nothing and is shown beside the accounts; what it tells and we cannot read is a doubt.
    async fn companies(&self, sender: &Sender, listing: &mut Listing) {
        let now = sender.clock.now();
        let mut companies = self.known().companies.clone();
        let counts = companies
            .asked_at
            .is_some_and(|at| at <= now && now.duration_since(at) < COMPANIES_COUNT);
        if !counts {
            match self.ask_for_companies(sender).await {
                Ok(told) => {
                    companies = told;
                    companies.asked_at = companies.is_clear().then_some(now);
                    self.known().companies = companies.clone();
                }
                // What was known before still marks.
                Err(trouble) => {
                    listing.beside.push(("companies", format!("not read: {}", trouble.why)));
                    companies.unclear = trouble.reason == Reason::Malformed;
                }
            }
        }
        listing.accounts.iter_mut().for_each(|account| companies.mark(account, &self.company));
    }

    async fn ask_for_companies(&self, sender: &Sender) -> Result<Companies, Trouble> {
        let call = Request::get("companies").segment(&self.company);
        let reply = self.get(sender, &call).await?;
        if matches!(reply.status, 403 | 404) {
            return Err(Trouble::new(
                Reason::Unauthorised,
                format!("Redstor does not tell us of our company ({})", reply.status),
            ));
        }
        let own: CompanyRow = successful(&reply)?;
        let id = own.company_id.need("companyId")?;
        if !id.eq_ignore_ascii_case(&self.company) {
            return Err(Trouble::malformed("Redstor answered for another company"));
        }
        let mut companies =
            Companies { own_disabled: !own.is_enabled.need("isEnabled")?, ..Companies::default() };
        let call = Request::get("companies").segment(&self.company).path("customers");
        for row in self.list::<CompanyRow>(sender, call).await?.unwrap_or_default() {
            let ListRow::Read(row) = row else {
                companies.nameless = true;
                continue;
            };
            let Some(id) = row.company_id.value() else {
                companies.nameless = true;
                continue;
            };
            // Of two rows of one company the worse counts.
            let enabled = row.is_enabled.value().copied();
            let worse = |before: Option<bool>| match (before, enabled) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            };
            let known = companies.customers.entry(id.to_lowercase()).or_insert(enabled);
            *known = worse(*known);
        }
        Ok(companies)
    }

    /// Asks what went wrong with wanted accounts in trouble, and whether those without a run ever
    /// had one; each once for its last run, a few in a sweep.
    async fn explain(
        &self,
        sender: &Sender,
        listing: &mut Listing,
        is_wanted: impl Fn(&Account) -> bool,
    ) {
        let now = sender.clock.now();
        let mut left = ERRORS_A_SWEEP;
        let mut kept = BTreeMap::new();
        let mut known = std::mem::take(&mut self.known().errors);
        for account in &mut listing.accounts {
            let Some(id) = account.guid.clone() else { continue };
            if !is_to_be_explained(account) || !is_wanted(account) {
                continue;
            }
            let before = known.remove(&id).filter(|e| e.counts_for(account, now));
            let explained = match before {
                Some(explained) => Some(explained),
                None if left == 0 => None,
                None => {
                    left -= 1;
                    let asked = self.ask_for_errors(sender, account, &id).await;
                    if asked.as_ref().is_err_and(|t| t.reason != Reason::Malformed) {
                        // Whoever is down or asks us to wait is not asked for the next account.
                        left = 0;
                    }
                    asked.ok()
                }
            };
            if let Some(explained) = explained {
                account.ran_before = Some(explained.ran_before);
                account.errors.clone_from(&explained.words);
                kept.insert(id, explained);
            }
        }
        self.known().errors = kept;
    }

    async fn ask_for_errors(
        &self,
        sender: &Sender,
        account: &Account,
        id: &str,
    ) -> Result<Explained, Trouble> {
        let call = Request::get("backups/status/accounts/errors").query("accountId", id);
        let rows = self.list::<ErrorRow>(sender, call).await?;
        Ok(Explained {
            about: latest_run(account),
            asked_at: sender.clock.now(),
            ran_before: rows.is_some(),
            words: rows.map(errors_in_words),
        })
    }

    async fn beside(&self, sender: &Sender, listing: &mut Listing, what: Beside) {
        match what {
            Beside::Counts => {
                let rows = self.list::<ProductRow>(sender, self.ours("backups/status")).await;
                let words = match rows {
                    Ok(rows) => counts_in_words(rows.unwrap_or_default()),
                    Err(trouble) => format!("not read: {}", trouble.why),
                };
                listing.beside.push(("Redstor's own count", words));
            }
            Beside::Restores => {
                let call = self.ours("restores/status/accounts");
                match self.list::<RestoreRow>(sender, call).await {
                    Ok(rows) => {
                        let words = restores_in_words(rows.unwrap_or_default());
                        for account in &mut listing.accounts {
                            let id = account.guid.as_ref().map(|g| g.to_lowercase());
                            account.restore = id.and_then(|id| words.get(&id).cloned());
                        }
                    }
                    Err(trouble) => {
                        listing.beside.push(("restores", format!("not read: {}", trouble.why)));
                    }
                }
            }
        }
    }

    /// What the token that is asked for with `scope=api.read` may do.
    pub(super) async fn scopes(&self, sender: &Sender) -> Result<Vec<String>, Trouble> {
        let (answer, _) = self.token_answer(sender).await?;
        let scope = answer.scope.need("scope")?;
        Ok(scope.split_whitespace().map(str::to_owned).collect())
    }

    async fn ask_for_token(&self, sender: &Sender) -> Result<Grant, Trouble> {
        let (answer, received_at) = self.token_answer(sender).await?;
        let life = SignedDuration::from_secs(answer.expires_in.min(86_400));
        Ok(Grant {
            secret: answer.access_token,
            renew_at: received_at + renew_after(life, SignedDuration::from_mins(5)),
            ends_at: received_at + life,
        })
    }

    async fn token_answer(&self, sender: &Sender) -> Result<(TokenAnswer, Timestamp), Trouble> {
        let Self { login, client, .. } = self;
        let jwk = credential(&sender.secrets, &sender.credential).await?;
        let signed = assertion::sign(&jwk, client, login.url().as_str(), sender.clock.now())?;
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let form = vec![
            ("grant_type", SecretString::from("client_credentials")),
            ("scope", SecretString::from("api.read")),
            ("client_assertion_type", SecretString::from(kind)),
            ("client_assertion", signed),
        ];
        // An assertion's id may be used once, so this call is not repeated by the transport.
        let reply = login.send(Request::post("").form(form)).await?;
        if matches!(reply.status, 400 | 401 | 403) {
            return Err(sender.refused(&reply, &format!("the service account {client}")));
        }
        let answer: TokenAnswer = successful(&reply)?;
        if answer.access_token.expose_secret().is_empty()
            || !answer.token_type.eq_ignore_ascii_case("bearer")
            || answer.expires_in <= 0
        {
            return Err(Trouble::malformed(format!("{} gave no usable token", login.origin())));
        }
        Ok((answer, reply.received_at))
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: SecretString,
    expires_in: i64,
    token_type: String,
    #[serde(default)]
    scope: Seen<String>,
}
