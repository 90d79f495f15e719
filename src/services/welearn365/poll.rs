//! Asks Microsoft Graph: for the whole tenant, and for single schools where that is allowed.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::check::ServiceSpec;
use crate::model::estate::NotWatched;
use crate::model::health::Reason;
use crate::model::ids::{CheckId, CredentialName, Laestab, ServiceKey};
use crate::model::observation::{Observation, Target, Verdict};
use crate::model::span::Span;
use crate::ports::clock::{Boxed, Clock};
use crate::ports::watch::{Door, Job, Rights, Watch};
use crate::services::answer::{ListRow, Trouble, answered};
use crate::services::rights;
use crate::services::welearn365::accounts::Accounts;
use crate::services::welearn365::audits::RIGHT as AUDIT_RIGHT;
use crate::services::welearn365::budget::Budget;
use crate::services::welearn365::describe::{
    KEY, Settings, Table, describe, not_watched, places, sites,
};
use crate::services::welearn365::graph::{Graph, List};
use crate::services::welearn365::health::{self, Issue, Overview};
use crate::services::welearn365::licences::{self, LicenceSettings, Sku};
use crate::services::welearn365::provisioning::Provisioning;
use crate::services::welearn365::sites::{Site, site};
use crate::services::welearn365::sync::{self, Organization, directory_sync};
use crate::services::{Context, ServiceError};
use crate::transport::{Reply, Request};

/// The right for service health.
const HEALTH_RIGHT: &str = "ServiceHealth.Read.All";
/// The right for the organisation and its licences.
pub(super) const ORGANIZATION_RIGHT: &str = "Organization.Read.All";

/// The watcher of WeLearn365.
pub(super) struct WeLearn365 {
    spec: ServiceSpec,
    not_watched: Vec<NotWatched>,
    graph: Graph,
    watch: Vec<String>,
    identity: Vec<String>,
    licences: LicenceSettings,
    sites: BTreeMap<Laestab, Site>,
    provisioning: Option<Provisioning>,
    accounts: Option<Accounts>,
    clock: Arc<dyn Clock>,
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
        if let Some((name, why)) = settings.refused() {
            return Err(refuse(name, why));
        }
        let table = Table { sites: sites(context, &key), places: places(context, &key) };
        let per_hour = usize::try_from(settings.announcement_calls_per_hour).unwrap_or(usize::MAX);
        let clock = context.clock.clone();
        let mut spec = describe(settings, &key, &table)?;
        let mut not_watched = not_watched(settings, &table);
        let accounts = settings.directory.as_ref();
        let accounts = accounts.map(|d| Accounts::new(d, &settings.checks, context)).transpose()?;
        if let Some(accounts) = &accounts {
            spec.checks.extend_from_slice(accounts.specs());
            not_watched.extend_from_slice(accounts.not_watched());
        }
        Ok(Self {
            spec,
            not_watched,
            graph: Graph::reading(settings, credential, context, Budget::new(per_hour))?,
            watch: settings.watch.clone(),
            identity: vec![settings.identity.clone()],
            licences: settings.licences.clone().unwrap_or_default(),
            sites: if settings.site_check { table.sites.of } else { BTreeMap::new() },
            provisioning: settings
                .provisioning
                .clone()
                .map(|own| Provisioning::new(table.places.ous, own, clock.clone())),
            accounts,
            clock,
        })
    }

    fn bare(check: &CheckId, target: Target, reply: &Reply) -> Observation {
        let verdict = Verdict::Unknown(Reason::Malformed);
        let bare =
            Observation::new(check.clone(), target, reply.received_at, verdict, "not judged");
        let bare = answered(bare, reply);
        match reply.header("request-id") {
            Some(theirs) => bare.fact("vendor request id", theirs),
            None => bare,
        }
    }

    /// What came of asking, as an observation in any case.
    fn seen(
        &self,
        check: &CheckId,
        target: Target,
        outcome: Result<Observation, Trouble>,
    ) -> Observation {
        outcome.unwrap_or_else(|trouble| trouble.observe(check, target, self.clock.now()))
    }

    async fn health(&self, checks: &[CheckId]) -> Vec<Observation> {
        let first =
            Request::get("admin/serviceAnnouncement/healthOverviews").query("$expand", "issues");
        let list = self.graph.announced::<Overview>(first, HEALTH_RIGHT).await;
        let issues = match &list {
            Ok(list) => self.issues(list).await,
            Err(_) => Ok(None),
        };
        checks
            .iter()
            .map(|check| {
                let outcome = list.as_ref().map_err(Trouble::clone).map(|list| {
                    let watch =
                        if check.name() == "sign_in" { &self.identity } else { &self.watch };
                    let bare = Self::bare(check, Target::Estate, &list.reply);
                    let listed = issues.as_ref().ok().and_then(Option::as_deref);
                    let seen = health::health(watch, &list.rows, listed, bare);
                    match &issues {
                        Ok(_) => seen,
                        Err(trouble) => seen.fact("open issues", &trouble.why),
                    }
                });
                self.seen(check, Target::Estate, outcome)
            })
            .collect()
    }

    /// The open issues, asked for only when a trouble is not explained by the overviews themselves,
    /// or they do not tell their issues.
    async fn issues(&self, list: &List<Overview>) -> Result<Option<Vec<ListRow<Issue>>>, Trouble> {
        if ![&self.watch, &self.identity].iter().any(|w| health::wants_issues(w, &list.rows)) {
            return Ok(None);
        }
        let first = Request::get("admin/serviceAnnouncement/issues")
            .query("$filter", "isResolved eq false");
        Ok(Some(self.graph.announced::<Issue>(first, HEALTH_RIGHT).await?.rows))
    }

    async fn directory_sync(&self, check: &CheckId) -> Observation {
        let first = Request::get("organization").query("$select", sync::FIELDS);
        let list = self.graph.list::<Organization>(first, ORGANIZATION_RIGHT).await;
        let outcome = list.and_then(|list| {
            let bare = Self::bare(check, Target::Estate, &list.reply);
            directory_sync(list.rows, bare)
        });
        self.seen(check, Target::Estate, outcome)
    }

    async fn licences(&self, check: &CheckId) -> Observation {
        let first = Request::get("subscribedSkus").query("$select", licences::FIELDS);
        let list = self.graph.list::<Sku>(first, ORGANIZATION_RIGHT).await;
        let outcome = list.and_then(|list| {
            let bare = Self::bare(check, Target::Estate, &list.reply);
            licences::licences(list.rows, &self.licences, bare)
        });
        self.seen(check, Target::Estate, outcome)
    }

    async fn site(&self, check: &CheckId, school: Laestab) -> Observation {
        let target = Target::School(school);
        let outcome = match self.sites.get(&school) {
            None => Err(Trouble::new(Reason::NeverSeen, "no site is configured for the school")),
            Some(asked) => self
                .graph
                .site(asked.request())
                .await
                .and_then(|reply| site(reply, asked, |r| Self::bare(check, target, r))),
        };
        self.seen(check, target, outcome)
    }

    /// The jobs of one check.
    fn jobs_of(&self, id: &CheckId, interval: Span) -> Vec<Job> {
        let job = |id_of: String, targets: Arc<[Target]>| Job {
            id: id_of.into(),
            checks: vec![id.clone()],
            targets,
            interval,
        };
        match id.name() {
            "site" => self
                .sites
                .keys()
                .map(|s| job(format!("site/{s}"), Arc::new([Target::School(*s)])))
                .collect(),
            "provisioning" => {
                let schools = self.provisioning.iter().flat_map(Provisioning::schools);
                vec![job("provisioning".into(), schools.map(Target::School).collect())]
            }
            name => vec![job(name.to_owned(), Arc::new([Target::Estate]))],
        }
    }
}

impl Watch for WeLearn365 {
    fn describe(&self) -> ServiceSpec {
        self.spec.clone()
    }

    fn not_watched(&self) -> Vec<NotWatched> {
        self.not_watched.clone()
    }

    fn found(&self) -> Vec<NotWatched> {
        self.accounts.iter().filter_map(Accounts::found).collect()
    }

    fn rights(&self) -> Boxed<'_, Vec<Rights>> {
        Box::pin(async move {
            let mut needed: Vec<&[&str]> = vec![&[HEALTH_RIGHT], &[ORGANIZATION_RIGHT]];
            if !self.sites.is_empty() {
                needed.push(&["Sites.Selected", "Sites.Read.All"]);
            }
            if self.provisioning.is_some() {
                needed.push(&["User.Read.All"]);
            }
            let granted = self.graph.roles().await;
            // It may read Microsoft's audit, and may do without.
            let reads =
                |roles: &Vec<String>| roles.iter().any(|r| r.eq_ignore_ascii_case(AUDIT_RIGHT));
            let audits = granted.as_ref().is_ok_and(reads);
            if audits {
                needed.push(&[AUDIT_RIGHT]);
            }
            let known = granted.is_ok();
            let mut told = rights::told(self.graph.credential(), &needed, granted);
            if known && !audits {
                told.optional.push(format!(
                    "has no {AUDIT_RIGHT}, which is optional: without it `caretaker audit reconcile` \
                     cannot tell which changes in Microsoft 365 did not come through caretaker"
                ));
            }
            let mut all = vec![told];
            if let Some(accounts) = &self.accounts {
                all.push(accounts.rights().await);
            }
            all
        })
    }

    fn doors(&self) -> Boxed<'_, Vec<Door>> {
        Box::pin(async {
            match &self.accounts {
                Some(accounts) => accounts.doors().await,
                None => Vec::new(),
            }
        })
    }

    fn asked_again(&self, _school: Option<Laestab>) {
        // The accounts of all schools are read together.
        self.provisioning.iter().for_each(Provisioning::asked_again);
    }

    fn jobs(&self) -> Vec<Job> {
        let mut out: Vec<Job> = Vec::new();
        out.extend(self.accounts.iter().flat_map(Accounts::jobs));
        for spec in &self.spec.checks {
            if out.iter().any(|job| job.checks.contains(&spec.id)) {
                continue;
            }
            if !matches!(spec.id.name(), "sign_in" | "service_health") {
                out.extend(self.jobs_of(&spec.id, spec.interval));
                continue;
            }
            // Both answered by one call, as often as the more eager one asks.
            match out.iter_mut().find(|j| &*j.id == "health") {
                Some(job) => {
                    job.checks.push(spec.id.clone());
                    job.interval = job.interval.min(spec.interval);
                }
                None => out.push(Job {
                    id: "health".into(),
                    checks: vec![spec.id.clone()],
                    targets: Arc::new([Target::Estate]),
                    interval: spec.interval,
                }),
            }
        }
        out
    }

    fn poll<'a>(&'a self, job: &'a Job, _now: Timestamp) -> Boxed<'a, Vec<Observation>> {
        Box::pin(async move {
            let Some(check) = job.checks.first() else { return Vec::new() };
            if let Some(accounts) = &self.accounts
                && let Some(seen) = accounts.poll(check).await
            {
                return seen;
            }
            match (check.name(), job.targets.first()) {
                ("directory_sync", _) => vec![self.directory_sync(check).await],
                ("licences", _) => vec![self.licences(check).await],
                ("site", Some(Target::School(school))) => vec![self.site(check, *school).await],
                ("provisioning", _) => match &self.provisioning {
                    Some(own) => own.poll(&self.graph, check, &job.targets).await,
                    None => Vec::new(),
                },
                _ => self.health(&job.checks).await,
            }
        })
    }
}
