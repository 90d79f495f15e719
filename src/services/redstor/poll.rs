//! Asks Redstor: one bulk call that answers for every school.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::model::check::ServiceSpec;
use crate::model::estate::NotWatched;
use crate::model::health::Reason;
use crate::model::ids::{CheckId, CredentialName, ServiceKey};
use crate::model::observation::{Observation, Target};
use crate::ports::clock::{Boxed, Clock};
use crate::ports::secrets::Secrets;
use crate::ports::watch::{Job, Rights, Watch};
use crate::services::answer::{ListRow, Seen, Trouble, credential, json};
use crate::services::redstor::body::{
    AccountRow, Listing, RedapiPage, StatusRow, StoragePage, joined,
};
use crate::services::redstor::describe::{
    Api, KEY, LOGIN_URL, REDAPI_URL, STORAGE_PLATFORM_URL, Settings, Wanted, describe, not_watched,
    wanted,
};
use crate::services::redstor::{assertion, judge};
use crate::services::rights;
use crate::services::token::{Grant, TokenCell, renew_after};
use crate::services::{Context, ServiceError};
use crate::transport::{Endpoint, Reply, Request};

/// Rows of a full page of the Storage Platform.
const PAGE_ROWS: usize = 1_000;
/// More pages than any estate has; a vendor that never ends is not followed for ever.
const PAGE_CAP: usize = 60;
/// A page of 1,000 accounts carries certificates that we do not read.
const BODY_LIMIT: usize = 32 * 1024 * 1024;

/// How the chosen API is asked.
enum Door {
    Storage { endpoint: Endpoint, user: String },
    Redapi(Box<Redapi>),
}

/// RedAPI and the company whose accounts are read.
struct Redapi {
    endpoint: Endpoint,
    login: Endpoint,
    client: String,
    company: String,
    token: TokenCell,
}

/// The watcher of Redstor.
pub(super) struct Redstor {
    spec: ServiceSpec,
    wanted: Vec<Wanted>,
    not_watched: Vec<NotWatched>,
    door: Door,
    credential: CredentialName,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
    /// What was last logged of accounts that no school names.
    told: Mutex<Vec<String>>,
}

impl Redstor {
    pub(super) fn new(
        settings: &Settings,
        credential: CredentialName,
        context: &Context,
    ) -> Result<Self, ServiceError> {
        let missing = |key: &str, why: &str| ServiceError::Setting {
            service: KEY,
            key: key.to_owned(),
            why: why.to_owned(),
        };
        let key: ServiceKey =
            KEY.parse().map_err(|_| missing("key", "the service's key is not a word"))?;
        let wanted = wanted(&context.estate, &key)?;
        let spec = describe(settings, &key, &wanted)?;
        let door = match settings.api {
            Api::StoragePlatform => Door::Storage {
                endpoint: context.endpoint(
                    KEY,
                    settings.storage_platform.as_ref(),
                    STORAGE_PLATFORM_URL,
                )?,
                user: settings.user.clone().ok_or_else(|| {
                    missing("user", "api = \"storage_platform\" needs a user to sign in as")
                })?,
            },
            Api::Redapi => Door::Redapi(Box::new(Redapi {
                endpoint: context.endpoint(KEY, settings.redapi.as_ref(), REDAPI_URL)?,
                login: context.endpoint(KEY, settings.login.as_ref(), LOGIN_URL)?,
                client: settings.client_id.clone().ok_or_else(|| {
                    missing("client_id", "api = \"redapi\" needs the service account's id")
                })?,
                company: settings.company_id.clone().ok_or_else(|| {
                    missing("company_id", "api = \"redapi\" needs the company to read")
                })?,
                token: TokenCell::default(),
            })),
        };
        Ok(Self {
            not_watched: not_watched(context, &key, &wanted),
            spec,
            wanted,
            door,
            credential,
            secrets: context.secrets.clone(),
            clock: context.clock.clone(),
            told: Mutex::default(),
        })
    }

    async fn listing(&self) -> Result<Listing, Trouble> {
        match &self.door {
            Door::Storage { endpoint, user } => self.storage(endpoint, user).await,
            Door::Redapi(api) => {
                let accounts = self.redapi_list::<AccountRow>(api, "storage/accounts").await?;
                let states = self.redapi_list::<StatusRow>(api, "backups/status/accounts").await?;
                Ok(joined(accounts, states))
            }
        }
    }

    async fn storage(&self, endpoint: &Endpoint, user: &str) -> Result<Listing, Trouble> {
        let password = credential(&self.secrets, &self.credential).await?;
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
                return Err(self.refused(&reply, &format!("the user {user}")));
            }
            let (rows, more) = json::<StoragePage>(&reply.success()?)?.rows();
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

    async fn redapi_list<T: DeserializeOwned>(
        &self,
        api: &Redapi,
        path: &str,
    ) -> Result<Vec<ListRow<T>>, Trouble> {
        let mut rows = Vec::new();
        let (mut next, mut seen): (Option<String>, BTreeSet<String>) = (None, BTreeSet::new());
        for _ in 0..PAGE_CAP {
            let make = |secret: &SecretString| {
                let request = Request::get(path)
                    .query("apiVersion", "2.0")
                    .query("companyId", &api.company)
                    .query("maxResults", "100")
                    .header("authorization", format!("Bearer {}", secret.expose_secret()));
                match &next {
                    Some(page) => request.query("pageToken", page),
                    None => request,
                }
            };
            let refused = |reply: &Reply| reply.status == 401;
            let ask = || self.ask_for_token(api);
            let reply = api.token.send((&*self.clock, &api.endpoint), make, refused, ask).await?;
            // "No backup status exists" is an answer: none of them ever ran.
            if reply.status == 422 {
                return Ok(rows);
            }
            let page: RedapiPage<T> = json(&reply.success()?)?;
            next = page.next();
            rows.extend(page.results);
            match &next {
                None => return Ok(rows),
                Some(token) if !seen.insert(token.clone()) => {
                    return Err(Trouble::malformed(format!(
                        "{} leads back to a page already read",
                        api.endpoint.origin()
                    )));
                }
                Some(_) => {}
            }
        }
        Err(too_many(&api.endpoint))
    }

    async fn ask_for_token(&self, api: &Redapi) -> Result<Grant, Trouble> {
        let (answer, received_at) = self.token_answer(api).await?;
        let life = SignedDuration::from_secs(answer.expires_in.min(86_400));
        Ok(Grant {
            secret: answer.access_token,
            renew_at: received_at + renew_after(life, SignedDuration::from_mins(5)),
            ends_at: received_at + life,
        })
    }

    async fn token_answer(&self, api: &Redapi) -> Result<(TokenAnswer, Timestamp), Trouble> {
        let Redapi { login, client, .. } = api;
        let jwk = credential(&self.secrets, &self.credential).await?;
        let signed = assertion::sign(&jwk, client, login.url().as_str(), self.clock.now())?;
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
            return Err(self.refused(&reply, &format!("the service account {client}")));
        }
        let reply = reply.success()?;
        let answer: TokenAnswer = json(&reply)?;
        if answer.access_token.expose_secret().is_empty()
            || !answer.token_type.eq_ignore_ascii_case("bearer")
            || answer.expires_in <= 0
        {
            return Err(Trouble::malformed(format!("{} gave no usable token", login.origin())));
        }
        Ok((answer, reply.received_at))
    }

    fn refused(&self, reply: &Reply, who: &str) -> Trouble {
        Trouble::new(
            Reason::Unauthorised,
            format!(
                "Redstor refused the sign-in of {who}: check the credential `{}` and that the \
                 account may still use the API",
                self.credential
            ),
        )
        .fact("http status", reply.status.to_string())
        .fact("request id", reply.request_id.clone())
    }

    /// Says once, and again when they change, which accounts no school's row names.
    fn tell_unmapped(&self, listing: &Listing) -> usize {
        let names = judge::unmapped(listing, &self.wanted);
        if let Ok(mut told) = self.told.lock()
            && *told != names
        {
            if !names.is_empty() {
                let accounts = crate::model::text::Clean::new(&judge::unmapped_words(&names));
                tracing::warn!(%accounts, "Redstor accounts that no school's row names");
            }
            told.clone_from(&names);
        }
        names.len()
    }
}

fn too_many(endpoint: &Endpoint) -> Trouble {
    Trouble::malformed(format!("{} goes on after {PAGE_CAP} pages", endpoint.origin()))
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: SecretString,
    expires_in: i64,
    token_type: String,
    #[serde(default)]
    scope: Seen<String>,
}

impl Watch for Redstor {
    fn describe(&self) -> ServiceSpec {
        self.spec.clone()
    }

    fn not_watched(&self) -> Vec<NotWatched> {
        self.not_watched.clone()
    }

    fn rights(&self) -> Boxed<'_, Vec<Rights>> {
        Box::pin(async move {
            vec![match &self.door {
                // Asked for with `scope=api.read`: what is given beyond that is the account's.
                Door::Redapi(api) => {
                    let answer = self.token_answer(api).await;
                    let scopes = answer.and_then(|(a, _)| a.scope.need("scope"));
                    let scopes = scopes.map(|s| s.split_whitespace().map(str::to_owned).collect());
                    rights::told(&self.credential, &[&["api.read"]], scopes)
                }
                Door::Storage { user, .. } => rights::untold(
                    &self.credential,
                    format!(
                        "the Storage Platform does not tell what {user} may do: see there that it \
                         administers these groups and no others"
                    ),
                ),
            }]
        })
    }

    fn jobs(&self) -> Vec<Job> {
        let Some(interval) = self.spec.checks.iter().map(|c| c.interval).min() else {
            return Vec::new();
        };
        let checks: Vec<CheckId> = self.spec.checks.iter().map(|c| c.id.clone()).collect();
        let targets: BTreeSet<Target> =
            self.wanted.iter().map(|w| Target::School(w.school)).collect();
        vec![Job {
            id: "accounts".into(),
            checks,
            targets: targets.into_iter().collect(),
            interval,
        }]
    }

    fn poll<'a>(&'a self, _job: &'a Job, _now: Timestamp) -> Boxed<'a, Vec<Observation>> {
        Box::pin(async move {
            let listing = self.listing().await;
            let at = self.clock.now();
            let unmapped = listing.as_ref().map_or(0, |l| self.tell_unmapped(l));
            self.wanted
                .iter()
                .map(|w| match &listing {
                    Ok(listing) => judge::school(w, listing, at)
                        .fact("accounts of no school", unmapped.to_string()),
                    Err(trouble) => trouble.observe(&w.check, Target::School(w.school), at),
                })
                .collect()
        })
    }
}
