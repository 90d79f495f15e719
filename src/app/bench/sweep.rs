//! Checks over HTTP through the real transport, scheduler, hub and store (goals P1 to P5).

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use crate::agent::{Acting, Agent, AgentSettings, Concurrency};
use crate::app::bench::invented;
use crate::cli::args::SweepArgs;
use crate::model::check::ServiceSpec;
use crate::model::estate::{Estate, NotWatched};
use crate::model::health::Reason;
use crate::model::ids::CheckId;
use crate::model::observation::{Observation, Target, Verdict};
use crate::ports::clock::{Boxed, Clock};
use crate::ports::watch::{Job, Watch};
use crate::store::SqliteStore;
use crate::sys::HostPeople;
use crate::transport::{Endpoint, EndpointSettings, Request, Transport, TransportSettings};

/// The longest that a sweep may take.
const LIMIT: Duration = Duration::from_secs(600);
/// Between two looks at whether it is over.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The fields of the fixture's answer that a verdict reads.
#[derive(Deserialize)]
struct Answer {
    status: String,
    count: u32,
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    id: u64,
    name: String,
    state: String,
    battery: u32,
}

/// One service of the fixture.
struct Fixture {
    spec: ServiceSpec,
    check: CheckId,
    jobs: Vec<Job>,
    endpoint: Endpoint,
    delay: u64,
    number: usize,
    clock: Arc<dyn Clock>,
}

impl Fixture {
    async fn ask(&self, job: &Job) -> Vec<Observation> {
        let Some(target) = job.targets.first().copied() else { return Vec::new() };
        let path = format!("d/{}/{}/{}", self.delay, job.id, self.number);
        let answer = self.endpoint.send(Request::get(&path)).await.and_then(|r| r.success());
        let read = answer.and_then(|reply| reply.json::<Answer>().map(|body| (reply, body)));
        let seen = match read {
            Err(failure) => Observation::new(
                self.check.clone(),
                target,
                self.clock.now(),
                Verdict::Unknown(failure.reason()),
                &failure.to_string(),
            ),
            Ok((reply, body)) => {
                let verdict = judge(&body);
                Observation::new(self.check.clone(), target, reply.received_at, verdict, "answered")
                    .number("items", f64::from(body.count))
            }
        };
        vec![seen]
    }
}

fn judge(body: &Answer) -> Verdict {
    let whole = usize::try_from(body.count).is_ok_and(|n| n == body.items.len())
        && body.items.iter().all(|i| !i.name.is_empty() && i.battery <= 100 && i.id < u64::MAX);
    let states = body.items.iter().all(|i| matches!(i.state.as_str(), "ok" | "degraded"));
    if body.status == "ok" && whole && states {
        Verdict::Ok
    } else {
        Verdict::Unknown(Reason::Malformed)
    }
}

impl Watch for Fixture {
    fn describe(&self) -> ServiceSpec {
        self.spec.clone()
    }
    fn not_watched(&self) -> Vec<NotWatched> {
        Vec::new()
    }
    fn jobs(&self) -> Vec<Job> {
        self.jobs.clone()
    }
    fn poll<'a>(&'a self, job: &'a Job, _now: Timestamp) -> Boxed<'a, Vec<Observation>> {
        Box::pin(self.ask(job))
    }
}

/// One line of JSON: checks, and seconds until all were answered.
///
/// # Errors
/// When a check was not answered, or the sweep did not end in ten minutes.
pub async fn sweep(args: SweepArgs, clock: Arc<dyn Clock>) -> anyhow::Result<String> {
    let folder = std::env::temp_dir().join(format!("caretaker-sweep-{}", std::process::id()));
    crate::sys::private_dir(&folder)?;
    let line = in_folder(&folder, args, clock).await;
    std::fs::remove_dir_all(&folder)?;
    line
}

async fn in_folder(
    folder: &std::path::Path,
    args: SweepArgs,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<String> {
    let estate = Arc::new(invented::estate(args.schools, args.services)?);
    let watches = fixtures(&args, &estate, &clock)?;
    let store = Arc::new(SqliteStore::open(&folder.join("board.db"))?);
    let at_once = usize::try_from(args.conc)?;
    let settings = AgentSettings {
        concurrency: Concurrency { overall: at_once, per_service: at_once },
        refresh_floor: Duration::ZERO,
        ..AgentSettings::new(&folder.join("agent.sock"))
    };
    let begun = clock.monotonic();
    let acting = Acting::watch_only(Arc::new(HostPeople), "a measurement");
    let agent =
        Agent::start(settings, estate.clone(), watches, store, clock.clone(), acting).await?;
    while !agent.hub().stand().1 {
        anyhow::ensure!(clock.monotonic() - begun < LIMIT, "not settled after ten minutes");
        clock.sleep(LOOK_AGAIN).await;
    }
    let seconds = (clock.monotonic() - begun).as_secs_f64();
    let answered = agent.hub().totals().0.ok;
    agent.stop().await?;
    let wanted = args.schools * args.services;
    anyhow::ensure!(answered == wanted, "{answered} of {wanted} checks were answered well");
    let line = serde_json::json!({ "bench": "sweep", "checks": wanted, "seconds": seconds });
    Ok(line.to_string())
}

fn fixtures(
    args: &SweepArgs,
    estate: &Estate,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Vec<Arc<dyn Watch>>> {
    let settings = TransportSettings {
        concurrency: usize::try_from(args.conc)?,
        per_second: 0,
        ..TransportSettings::default()
    };
    let transport = Transport::new(settings, clock.clone());
    let endpoint = transport.endpoint(&EndpointSettings {
        url: args.base.parse()?,
        ca_file: args.ca.clone(),
        deadline: None,
        concurrency: None,
        per_second: None,
    })?;
    let mut out: Vec<Arc<dyn Watch>> = Vec::new();
    for (number, spec) in estate.services.iter().enumerate() {
        let Some(check) = spec.checks.first() else { continue };
        let jobs = estate
            .schools
            .keys()
            .enumerate()
            .map(|(i, school)| Job {
                id: i.to_string().into(),
                checks: vec![check.id.clone()],
                targets: vec![Target::School(*school)].into(),
                interval: check.interval,
            })
            .collect();
        out.push(Arc::new(Fixture {
            spec: spec.clone(),
            check: check.id.clone(),
            jobs,
            endpoint: endpoint.clone(),
            delay: args.delay,
            number,
            clock: clock.clone(),
        }));
    }
    Ok(out)
}
