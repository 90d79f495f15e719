//! Checks over HTTP through the real transport, scheduler, hub and store (goals P1 to P5).

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use crate::agent::{Agent, AgentSettings, Concurrency};
use crate::app::bench::invented;
use crate::cli::bench_args::SweepArgs;
use crate::model::check::ServiceSpec;
use crate::model::estate::{Estate, NotWatched};
use crate::model::health::Reason;
use crate::model::ids::CheckId;
use crate::model::observation::{Observation, Target, Verdict};
use crate::model::span::Span;
use crate::ports::clock::{Boxed, Clock};
use crate::ports::watch::{Job, Watch};
use crate::store::SqliteStore;
use crate::transport::{Endpoint, EndpointSettings, Request, Transport, TransportSettings};

/// The longest that a sweep may take.
const LIMIT: Duration = Duration::from_secs(600);

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

/// A school's number in the fixture's addresses, and itself as a target.
type School = (Arc<str>, Arc<[Target]>);

/// One service of the fixture.
struct Fixture {
    spec: ServiceSpec,
    check: CheckId,
    /// What every service asks about: number and school.
    targets: Arc<[School]>,
    interval: Span,
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
        let each = self.targets.iter().map(|(id, targets)| Job {
            id: Arc::clone(id),
            checks: vec![self.check.clone()],
            targets: Arc::clone(targets),
            interval: self.interval,
        });
        each.collect()
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
    let agent = Agent::start(settings, estate.clone(), watches, store, clock.clone()).await?;
    tokio::select! {
        settled = agent.hub().settled() => settled?,
        () = clock.sleep(LIMIT) => anyhow::bail!("not settled after ten minutes"),
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
    let targets: Arc<[School]> = (0_u32..)
        .zip(estate.schools.keys())
        .map(|(n, school)| (n.to_string().into(), [Target::School(*school)].into()))
        .collect();
    let mut out: Vec<Arc<dyn Watch>> = Vec::new();
    for (number, spec) in estate.services.iter().enumerate() {
        let Some(check) = spec.checks.first() else { continue };
        out.push(Arc::new(Fixture {
            spec: spec.clone(),
            check: check.id.clone(),
            targets: Arc::clone(&targets),
            interval: check.interval,
            endpoint: endpoint.clone(),
            delay: args.delay,
            number,
            clock: clock.clone(),
        }));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::sys::SystemClock;

    const GOOD: &str =
        r#"{"status":"ok","count":1,"items":[{"id":1,"name":"a","state":"ok","battery":9}]}"#;

    /// A server that gives `other` for the check of school 1 by service 1, and a good answer else.
    async fn server(other: &'static str) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut asked = Vec::new();
                    while !asked.ends_with(b"\r\n\r\n") {
                        match stream.read_u8().await {
                            Ok(byte) => asked.push(byte),
                            Err(_) => return,
                        }
                    }
                    let body = match asked.starts_with(b"GET /d/0/1/1 ") {
                        true => other,
                        false => GOOD,
                    };
                    let head =
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
                    let whole = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                    drop(stream.write_all(whole.as_bytes()).await);
                });
            }
        });
        base
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn it_ends_well_only_if_every_check_was_answered_well() {
        crate::transport::install_tls();
        for (other, well) in [
            (GOOD, true),
            (r#"{"status":"ok","count":2,"items":[]}"#, false),
            (r#"{"status":"down","count":0,"items":[]}"#, false),
            ("<html>sign in</html>", false),
        ] {
            let args = SweepArgs {
                base: server(other).await,
                schools: 3,
                services: 2,
                delay: 0,
                conc: 2,
                ca: None,
            };
            let folder = tempfile::Builder::new().prefix("ct").tempdir_in("/tmp").unwrap();
            let done = in_folder(folder.path(), args, Arc::new(SystemClock::new())).await;
            match (done, well) {
                (Ok(line), true) => assert!(line.contains("\"checks\":6"), "{line}"),
                (Err(told), false) => {
                    assert_eq!(told.to_string(), "5 of 6 checks were answered well", "{other}");
                }
                (done, _) => panic!("{other}: {done:?}"),
            }
        }
    }
}
