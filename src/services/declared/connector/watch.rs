//! A connector as the agent sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::ask::{Source, Values};
use super::reading::Judged;
use super::settings::Asks;
use crate::model::calendar::Calendar;
use crate::model::check::{CheckSpec, Coverage, Edge, ServiceSpec};
use crate::model::estate::{Estate, NotWatched};
use crate::model::ids::{Laestab, ServiceKey};
use crate::model::observation::{Observation, Target, Verdict, Window};
use crate::model::text::Clean;
use crate::ports::clock::{Boxed, Clock};
use crate::ports::watch::{CredentialUse, Door, Job, Place, Rights, Watch};
use crate::services::Context;
use crate::services::declared::hours::Hours;

/// One connector.
pub(super) struct Connector {
    name: String,
    spec: ServiceSpec,
    check: CheckSpec,
    hours: Option<Hours>,
    scope: Asks,
    source: Source,
    schools: BTreeSet<Laestab>,
    estate: Arc<Estate>,
    clock: Arc<dyn Clock>,
}

impl Connector {
    pub(super) fn new(
        (name, mut check): (String, CheckSpec),
        (key, label, code): (ServiceKey, String, String),
        depends: Vec<Edge>,
        hours: Option<Hours>,
        (scope, source): (Asks, Source),
        ctx: &Context,
    ) -> Self {
        let takers: BTreeSet<Laestab> = ctx.estate.takers(&key).collect();
        let schools: BTreeSet<Laestab> =
            takers.iter().filter(|s| !source.gaps.contains_key(s)).copied().collect();
        if scope != Asks::Estate && schools.len() < takers.len() {
            check.covers = Coverage::Only(schools.clone());
        }
        let spec = ServiceSpec { key, label, code, checks: vec![check.clone()], depends };
        let (estate, clock) = (ctx.estate.clone(), ctx.clock.clone());
        Self { name, spec, check, hours, scope, source, schools, estate, clock }
    }

    fn is_open(&self, hours: &Hours, target: Target, now: Timestamp) -> bool {
        let calendar = match (self.scope, target) {
            (Asks::School, Target::School(school)) => self.estate.calendar(school),
            // One question for all: by the calendar of most.
            _ => self.estate.calendars.get("").cloned().unwrap_or_else(Calendar::default),
        };
        hours.open(&calendar, now)
    }

    async fn ask(&self, job: &Job, now: Timestamp) -> Vec<Observation> {
        let (mut seen, mut asked) = (Vec::new(), Vec::new());
        for target in job.targets.iter() {
            match &self.hours {
                Some(hours) if !self.is_open(hours, *target, now) => {
                    seen.push(hours.outside(&self.check.id, *target, now));
                }
                _ => asked.push(*target),
            }
        }
        if asked.is_empty() {
            return seen;
        }
        let answered = match self.scope {
            Asks::Bulk => self.ask_all(&asked, now).await,
            Asks::Estate | Asks::School => {
                let mut all = Vec::new();
                for target in asked {
                    let (judged, windows) = self.source.one(&self.values(target), now).await;
                    all.push(self.observe(target, &judged, windows));
                }
                all
            }
        };
        if let Some(hours) = &self.hours {
            answered.iter().for_each(|seen| hours.saw(seen));
        }
        seen.extend(answered);
        seen
    }

    async fn ask_all(&self, asked: &[Target], now: Timestamp) -> Vec<Observation> {
        let schools: BTreeSet<Laestab> = asked
            .iter()
            .filter_map(|target| match target {
                Target::School(school) => Some(*school),
                Target::Estate => None,
            })
            .collect();
        let judged: BTreeMap<Laestab, Judged> = self.source.all(&schools, now).await;
        let each = judged.iter();
        each.map(|(school, j)| self.observe(Target::School(*school), j, Vec::new())).collect()
    }

    fn values(&self, target: Target) -> Values<'_> {
        let school = match target {
            Target::Estate => None,
            Target::School(school) => Some(school),
        };
        Values { estate: &self.estate, service: &self.spec.key, school }
    }

    fn observe(&self, target: Target, judged: &Judged, windows: Vec<Window>) -> Observation {
        let at = self.clock.now();
        let bare = Observation::new(self.check.id.clone(), target, at, Verdict::Ok, "");
        let seen = judged.onto(bare).fact("connector", &self.name);
        windows.into_iter().fold(seen, Observation::window)
    }
}

impl Watch for Connector {
    fn describe(&self) -> ServiceSpec {
        self.spec.clone()
    }

    fn not_watched(&self) -> Vec<NotWatched> {
        if self.scope == Asks::Estate {
            return Vec::new();
        }
        let gaps = self.source.gaps.iter();
        gaps.map(|(school, why)| NotWatched {
            what: Clean::new(&format!("{} of {school}", self.check.id)),
            why: Clean::new(why),
        })
        .collect()
    }

    fn found(&self) -> Vec<NotWatched> {
        let stray = self.source.stray().into_iter();
        stray
            .map(|why| NotWatched {
                what: Clean::new(self.check.id.as_str()),
                why: Clean::new(&why),
            })
            .collect()
    }

    fn credentials(&self) -> Vec<CredentialUse> {
        self.source.credentials(&self.schools)
    }

    fn rights(&self) -> Boxed<'_, Vec<Rights>> {
        Box::pin(async { self.source.rights().await.into_iter().collect() })
    }

    fn doors(&self) -> Boxed<'_, Vec<Door>> {
        Box::pin(async { self.source.door().await.into_iter().collect() })
    }

    fn places(&self) -> Vec<Place> {
        self.source.places()
    }

    fn jobs(&self) -> Vec<Job> {
        let job = |id: String, targets: Vec<Target>| Job {
            id: id.into(),
            checks: vec![self.check.id.clone()],
            targets: targets.into(),
            interval: self.check.interval,
        };
        let schools = self.schools.iter().map(|school| Target::School(*school));
        match self.scope {
            Asks::Estate => vec![job(self.name.clone(), vec![Target::Estate])],
            Asks::Bulk if self.schools.is_empty() => Vec::new(),
            Asks::Bulk => vec![job(self.name.clone(), schools.collect())],
            Asks::School => self
                .schools
                .iter()
                .map(|s| job(format!("{}/{s}", self.name), vec![Target::School(*s)]))
                .collect(),
        }
    }

    fn poll<'a>(&'a self, job: &'a Job, now: Timestamp) -> Boxed<'a, Vec<Observation>> {
        Box::pin(self.ask(job, now))
    }
}
