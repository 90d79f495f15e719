//! A settled board on a socket, for measuring what reads it (goals T1 to T9).

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::agent::{Agent, AgentSettings};
use crate::app::bench::invented;
use crate::app::demo;
use crate::app::world::Outside;
use crate::cli;
use crate::model::check::ServiceSpec;
use crate::model::estate::NotWatched;
use crate::model::ids::{CheckId, Laestab};
use crate::model::observation::{Observation, Target, Verdict};
use crate::model::span::Span;
use crate::ports::clock::{Boxed, Clock};
use crate::ports::watch::{Job, Watch};
use crate::store::SqliteStore;

/// Every fiftieth school is critical.
const ILL: usize = 50;

/// A service that answers for all its schools at once, always the same, without a network.
struct Still {
    spec: ServiceSpec,
    check: CheckId,
    interval: Span,
    schools: Arc<[Laestab]>,
    clock: Arc<dyn Clock>,
}

impl Still {
    fn answer(&self) -> Vec<Observation> {
        let now = self.clock.now();
        let each = self.schools.iter().enumerate().map(|(n, school)| {
            let verdict = if n % ILL == 0 { Verdict::Critical } else { Verdict::Ok };
            Observation::new(self.check.clone(), Target::School(*school), now, verdict, "answered")
        });
        each.collect()
    }
}

impl Watch for Still {
    fn describe(&self) -> ServiceSpec {
        self.spec.clone()
    }
    fn not_watched(&self) -> Vec<NotWatched> {
        Vec::new()
    }
    fn jobs(&self) -> Vec<Job> {
        vec![Job {
            id: "all".into(),
            checks: vec![self.check.clone()],
            targets: self.schools.iter().map(|s| Target::School(*s)).collect(),
            interval: self.interval,
        }]
    }
    fn poll<'a>(&'a self, _job: &'a Job, _now: Timestamp) -> Boxed<'a, Vec<Observation>> {
        Box::pin(async { self.answer() })
    }
}

/// Serves `schools` by seven services until stopped; once settled, prints one line of JSON with the
/// socket.
///
/// # Errors
/// When the agent cannot be started.
pub async fn board(outside: &Outside, schools: u32) -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("caretaker-board-{}", std::process::id()));
    crate::sys::private_dir(&folder)?;
    let done = in_folder(&folder, outside, schools).await;
    std::fs::remove_dir_all(&folder)?;
    done
}

async fn in_folder(folder: &Path, outside: &Outside, schools: u32) -> anyhow::Result<()> {
    let clock = &outside.clock;
    let estate = Arc::new(invented::estate(schools, 7)?);
    let schools: Arc<[Laestab]> = estate.schools.keys().copied().collect();
    let watches = estate.services.iter().filter_map(|spec| {
        let check = spec.checks.first()?;
        let still = Still {
            spec: spec.clone(),
            check: check.id.clone(),
            interval: check.interval,
            schools: Arc::clone(&schools),
            clock: clock.clone(),
        };
        Some(Arc::new(still) as Arc<dyn Watch>)
    });
    let watches = watches.collect();
    let store = Arc::new(SqliteStore::open(&folder.join("board.db"))?);
    let socket = folder.join("agent.sock");
    let settings = AgentSettings::new(&socket);
    let agent = Agent::start(settings, estate, watches, store, clock.clone()).await?;
    agent.hub().settled().await?;
    cli::say(&serde_json::json!({ "bench": "board", "socket": socket }).to_string());
    demo::until_stopped(outside, None).await?;
    agent.stop().await?;
    Ok(())
}
