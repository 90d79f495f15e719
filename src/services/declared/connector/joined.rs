//! Several watchers of one service as one: the built-in connector, if it is configured, and those
//! that the configuration declares.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::check::ServiceSpec;
use crate::model::estate::NotWatched;
use crate::model::ids::Laestab;
use crate::model::observation::Observation;
use crate::ports::clock::Boxed;
use crate::ports::watch::{CredentialUse, Door, Job, Place, Rights, Watch};

struct Joined {
    spec: ServiceSpec,
    parts: Vec<Arc<dyn Watch>>,
    /// By the id that the agent knows: the part and the job as the part knows it.
    jobs: HashMap<Arc<str>, (usize, Job)>,
    order: Vec<Arc<str>>,
}

/// One watcher for all of `parts`, which are of one service. The first names the service.
#[must_use]
pub fn join(mut parts: Vec<Arc<dyn Watch>>) -> Option<Arc<dyn Watch>> {
    if parts.len() < 2 {
        return parts.pop();
    }
    let mut spec = parts.first()?.describe();
    for other in parts.iter().skip(1).map(|part| part.describe()) {
        spec.checks.extend(other.checks);
        for edge in other.depends {
            if !spec.depends.contains(&edge) {
                spec.depends.push(edge);
            }
        }
    }
    let (mut jobs, mut order) = (HashMap::new(), Vec::new());
    for (n, part) in parts.iter().enumerate() {
        for job in part.jobs() {
            let id = joined(n, &job.id);
            order.push(id.clone());
            jobs.insert(id, (n, job));
        }
    }
    Some(Arc::new(Joined { spec, parts, jobs, order }))
}

/// A job's id among those of all parts.
fn joined(part: usize, id: &str) -> Arc<str> {
    format!("{part}:{id}").into()
}

impl Watch for Joined {
    fn describe(&self) -> ServiceSpec {
        self.spec.clone()
    }

    fn not_watched(&self) -> Vec<NotWatched> {
        self.parts.iter().flat_map(|part| part.not_watched()).collect()
    }

    fn found(&self) -> Vec<NotWatched> {
        self.parts.iter().flat_map(|part| part.found()).collect()
    }

    fn credentials(&self) -> Vec<CredentialUse> {
        self.parts.iter().flat_map(|part| part.credentials()).collect()
    }

    fn rights(&self) -> Boxed<'_, Vec<Rights>> {
        Box::pin(async {
            let mut all = Vec::new();
            for part in &self.parts {
                all.extend(part.rights().await);
            }
            all
        })
    }

    fn doors(&self) -> Boxed<'_, Vec<Door>> {
        Box::pin(async {
            let mut all = Vec::new();
            for part in &self.parts {
                all.extend(part.doors().await);
            }
            all
        })
    }

    fn places(&self) -> Vec<Place> {
        self.parts.iter().flat_map(|part| part.places()).collect()
    }

    fn asked_again(&self, school: Option<Laestab>) {
        self.parts.iter().for_each(|part| part.asked_again(school));
    }

    fn outdated(&self) -> Vec<Arc<str>> {
        let of = |(n, part): (usize, &Arc<dyn Watch>)| {
            part.outdated().into_iter().map(move |id| joined(n, &id))
        };
        self.parts.iter().enumerate().flat_map(of).collect()
    }

    fn jobs(&self) -> Vec<Job> {
        let known = self.order.iter().filter_map(|id| {
            let (_, job) = self.jobs.get(id)?;
            Some(Job { id: id.clone(), ..job.clone() })
        });
        known.collect()
    }

    fn poll<'a>(&'a self, job: &'a Job, now: Timestamp) -> Boxed<'a, Vec<Observation>> {
        match self.jobs.get(&job.id).and_then(|(n, own)| Some((self.parts.get(*n)?, own))) {
            Some((part, own)) => part.poll(own, now),
            None => Box::pin(async { Vec::new() }),
        }
    }
}
