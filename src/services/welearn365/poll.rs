//! Asks Microsoft Graph: for the whole tenant, and for each school's site where that is allowed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use crate::model::check::ServiceSpec;
use crate::model::estate::NotWatched;
use crate::model::health::Reason;
use crate::model::ids::{CheckId, CredentialName, Laestab, ServiceKey};
use crate::model::observation::{Observation, Target, Verdict};
use crate::ports::clock::{Boxed, Clock};
use crate::ports::secrets::Secrets;
use crate::ports::watch::{Job, Rights, Watch};
use crate::services::answer::{ListRow, Trouble, credential, json};
use crate::services::rights;
use crate::services::token::{Grant, TokenCell};
use crate::services::welearn365::body::{self, Organization, Overview, Page, Site};
use crate::services::welearn365::describe::{
    GRAPH_URL, KEY, LOGIN_URL, Settings, describe, not_watched, sites,
};
use crate::services::welearn365::login;
use crate::services::{Context, ServiceError};
use crate::transport::{Endpoint, Reply, Request};

/// More pages of health than Microsoft has services for.
const PAGE_CAP: usize = 10;
/// The right for service health.
const HEALTH_RIGHT: &str = "ServiceHealth.Read.All";
/// The right for the organisation.
const ORGANIZATION_RIGHT: &str = "Organization.Read.All";
/// Of the organisation only this is asked for.
const SYNC_FIELDS: &str = "id,onPremisesSyncEnabled,onPremisesLastSyncDateTime";
/// The right for a site.
const SITE_RIGHT: &str = "a right for this site (Sites.Selected or Sites.Read.All)";

/// The watcher of WeLearn365.
pub(super) struct WeLearn365 {
    spec: ServiceSpec,
    not_watched: Vec<NotWatched>,
    tenant: String,
    client: String,
    credential: CredentialName,
    graph: Endpoint,
    login: Endpoint,
    token: TokenCell,
    watch: Vec<String>,
    identity: Vec<String>,
    sites: BTreeMap<Laestab, Site>,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
}

/// A whole list and the last answer of it.
struct List<T> {
    rows: Vec<ListRow<T>>,
    reply: Reply,
}

impl WeLearn365 {
    pub(super) fn new(
        settings: &Settings,
        credential: CredentialName,
        context: &Context,
    ) -> Result<Self, ServiceError> {
        let refuse = |key: &str, why: &str| ServiceError::Setting {
            service: KEY,
            key: key.to_owned(),
            why: why.to_owned(),
        };
        let key: ServiceKey =
            KEY.parse().map_err(|_| refuse("key", "the service's key is not a word"))?;
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        for (name, id) in [("tenant_id", &settings.tenant_id), ("client_id", &settings.client_id)] {
            if id.is_empty() || !id.chars().all(word) {
                return Err(refuse(name, "write the id as Microsoft shows it, a GUID"));
            }
        }
        if settings.watch.is_empty() {
            return Err(refuse("watch", "name at least one service, or leave the key out"));
        }
        let sites = sites(context, &key);
        Ok(Self {
            spec: describe(settings, &key, &sites)?,
            not_watched: not_watched(settings, &sites),
            tenant: settings.tenant_id.clone(),
            client: settings.client_id.clone(),
            credential,
            graph: context.endpoint(KEY, settings.graph.as_ref(), GRAPH_URL)?,
            login: context.endpoint(KEY, settings.login.as_ref(), LOGIN_URL)?,
            token: TokenCell::default(),
            watch: settings.watch.clone(),
            identity: vec![settings.identity.clone()],
            sites: if settings.site_check { sites.of } else { BTreeMap::new() },
            secrets: context.secrets.clone(),
            clock: context.clock.clone(),
        })
    }

    async fn fetch_token(&self) -> Result<Grant, Trouble> {
        let secret = credential(&self.secrets, &self.credential).await?;
        let request = login::request(&self.tenant, &self.client, secret);
        login::grant(&self.login.send(request).await?, &self.credential)
    }

    /// One call with the token, renewed once when it is refused.
    async fn ask(&self, request: Request) -> Result<Reply, Trouble> {
        let make = |token: &SecretString| {
            request
                .clone()
                .header("authorization", format!("Bearer {}", token.expose_secret()))
                // Without it new words are hidden behind one sentinel.
                .header("prefer", SecretString::from("include-unknown-enum-members"))
        };
        let refused = |reply: &Reply| reply.status == 401;
        self.token.send((&*self.clock, &self.graph), make, refused, || self.fetch_token()).await
    }

    /// A list from its first page to its last; cut short by anything, it is no list.
    async fn list<T: DeserializeOwned>(
        &self,
        first: Request,
        right: &str,
    ) -> Result<List<T>, Trouble> {
        let mut rows = Vec::new();
        let (mut next, mut seen): (Option<String>, BTreeSet<String>) = (None, BTreeSet::new());
        for _ in 0..PAGE_CAP {
            let request = match &next {
                None => first.clone(),
                Some(link) => self.graph.next_page(link)?,
            };
            let reply = body::believed(self.ask(request).await?, right)?;
            let page: Page<T> = json(&reply)?;
            rows.extend(page.value);
            match page.next {
                None => return Ok(List { rows, reply }),
                Some(link) if !seen.insert(link.clone()) => {
                    return Err(Trouble::malformed(
                        "Microsoft's next page leads back to a page already read",
                    ));
                }
                Some(link) => next = Some(link),
            }
        }
        Err(Trouble::malformed(format!("Microsoft's list goes on after {PAGE_CAP} pages")))
    }

    fn bare(check: &CheckId, target: Target, reply: &Reply) -> Observation {
        let verdict = Verdict::Unknown(Reason::Malformed);
        Observation::new(check.clone(), target, reply.received_at, verdict, "not judged")
            .fact("http status", reply.status.to_string())
            .fact("request id", &reply.request_id)
    }

    async fn health(&self, checks: &[CheckId]) -> Vec<Observation> {
        let first =
            Request::get("admin/serviceAnnouncement/healthOverviews").query("$expand", "issues");
        let list = self.list::<Overview>(first, HEALTH_RIGHT).await;
        let now = self.clock.now();
        checks
            .iter()
            .map(|check| match &list {
                Err(trouble) => trouble.observe(check, Target::Estate, now),
                Ok(list) => {
                    let watch =
                        if check.name() == "sign_in" { &self.identity } else { &self.watch };
                    body::health(watch, &list.rows, Self::bare(check, Target::Estate, &list.reply))
                }
            })
            .collect()
    }

    async fn directory_sync(&self, check: &CheckId) -> Observation {
        let first = Request::get("organization").query("$select", SYNC_FIELDS);
        let seen = self.list::<Organization>(first, ORGANIZATION_RIGHT).await.and_then(|list| {
            let bare = Self::bare(check, Target::Estate, &list.reply);
            body::directory_sync(list.rows, bare)
        });
        seen.unwrap_or_else(|t| t.observe(check, Target::Estate, self.clock.now()))
    }

    async fn site(&self, check: &CheckId, school: Laestab) -> Observation {
        let target = Target::School(school);
        let Some(site) = self.sites.get(&school) else {
            return Trouble::new(Reason::NeverSeen, "no site is configured for the school")
                .observe(check, target, self.clock.now());
        };
        let seen = self.ask(Request::get(&site.call())).await.and_then(|reply| {
            let gone = reply.status == 404 && body::is_graph_error(&reply);
            let reply = if gone { reply } else { body::believed(reply, SITE_RIGHT)? };
            body::site(&reply, site, Self::bare(check, target, &reply))
        });
        seen.unwrap_or_else(|t| t.observe(check, target, self.clock.now()))
    }
}

impl Watch for WeLearn365 {
    fn describe(&self) -> ServiceSpec {
        self.spec.clone()
    }

    fn not_watched(&self) -> Vec<NotWatched> {
        self.not_watched.clone()
    }

    fn rights(&self) -> Boxed<'_, Vec<Rights>> {
        Box::pin(async move {
            let mut needed: Vec<&[&str]> = vec![&[HEALTH_RIGHT], &[ORGANIZATION_RIGHT]];
            if !self.sites.is_empty() {
                needed.push(&["Sites.Selected", "Sites.Read.All"]);
            }
            let token = self.token.held(&*self.clock, || self.fetch_token()).await;
            let roles = token.and_then(|token| {
                let opaque = || Trouble::malformed("Microsoft's token does not show them");
                rights::roles_of(&token).ok_or_else(opaque)
            });
            vec![rights::told(&self.credential, &needed, roles)]
        })
    }

    fn jobs(&self) -> Vec<Job> {
        let estate: Arc<[Target]> = Arc::new([Target::Estate]);
        let mut out: Vec<Job> = Vec::new();
        for spec in &self.spec.checks {
            match spec.id.name() {
                // Both answered by one call, as often as the more eager one asks.
                "sign_in" | "service_health" => match out.iter_mut().find(|j| &*j.id == "health") {
                    Some(job) => {
                        job.checks.push(spec.id.clone());
                        job.interval = job.interval.min(spec.interval);
                    }
                    None => out.push(Job {
                        id: "health".into(),
                        checks: vec![spec.id.clone()],
                        targets: estate.clone(),
                        interval: spec.interval,
                    }),
                },
                "directory_sync" => out.push(Job {
                    id: "directory_sync".into(),
                    checks: vec![spec.id.clone()],
                    targets: estate.clone(),
                    interval: spec.interval,
                }),
                _ => out.extend(self.sites.keys().map(|school| Job {
                    id: format!("site/{school}").into(),
                    checks: vec![spec.id.clone()],
                    targets: Arc::new([Target::School(*school)]),
                    interval: spec.interval,
                })),
            }
        }
        out
    }

    fn poll<'a>(&'a self, job: &'a Job, _now: Timestamp) -> Boxed<'a, Vec<Observation>> {
        Box::pin(async move {
            let Some(check) = job.checks.first() else { return Vec::new() };
            match (check.name(), job.targets.first()) {
                ("directory_sync", _) => vec![self.directory_sync(check).await],
                ("site", Some(Target::School(school))) => vec![self.site(check, *school).await],
                _ => self.health(&job.checks).await,
            }
        })
    }
}
