//! Starting and stopping.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::agent::guarded::Counter;
use crate::agent::known::BoardKnown;
use crate::agent::metrics::Metrics;
use crate::agent::peers::Gate;
use crate::agent::reloads::Reloads;
use crate::agent::routes::{Desk, router};
use crate::agent::schedule::{Scheduler, Setting, twice};
use crate::agent::serve::Server;
use crate::agent::settings::AgentSettings;
use crate::agent::socket::{self, Place, Reserved};
use crate::agent::tickets::Book;
use crate::guard::Guard;
use crate::hub::Hub;
use crate::model::estate::{Estate, NotWatched};
use crate::model::text::Clean;
use crate::ports::accounts::Accounts;
use crate::ports::clock::Clock;
use crate::ports::known::Known;
use crate::ports::store::{Store, StoreError};
use crate::ports::vendor_audit::VendorAudits;
use crate::ports::watch::Watch;

/// How long the last write may take.
const LAST_WRITE: Duration = Duration::from_secs(5);
/// What a refused configuration is listed under.
const CONFIGURATION: &str = "configuration";
/// How long readers may take to hear goodbye.
const LAST_WORD: Duration = Duration::from_secs(2);

/// Why an agent cannot run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgentError {
    /// Another agent is there.
    #[error(
        "{socket} is held by {who}: attach to it, stop it, or name another socket for this agent"
    )]
    Held {
        /// The socket's path.
        socket: String,
        /// Process and version of the holder.
        who: String,
    },
    /// The socket cannot be had.
    #[error("{socket} cannot be used: {why}")]
    Socket {
        /// The socket's path.
        socket: String,
        /// The cause and the remedy.
        why: String,
    },
    /// The last known board cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Two watchers of one service.
    #[error("service {0} is configured twice: its answers would overwrite each other")]
    Twice(String),
}

/// The agent.
pub struct Agent;

impl Agent {
    /// Takes the socket, restores the last known board, starts polling and serving.
    ///
    /// # Errors
    /// When another agent holds the socket, the socket or the store cannot be used, or a service
    /// has two watchers.
    pub async fn start(
        settings: AgentSettings,
        estate: Arc<Estate>,
        watches: Vec<Arc<dyn Watch>>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Result<RunningAgent, AgentError> {
        let reserved = socket::reserve(&settings.socket, settings.group, &*clock).await?;
        Self::start_at(reserved, settings, estate, watches, store, clock).await
    }

    /// As [`Self::start`], where the right to listen is already had. It is that socket and group
    /// that count, not those of `settings`.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_at(
        reserved: Reserved,
        mut settings: AgentSettings,
        estate: Arc<Estate>,
        watches: Vec<Arc<dyn Watch>>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Result<RunningAgent, AgentError> {
        if let Some(key) = twice(&watches) {
            return Err(AgentError::Twice(key.to_string()));
        }
        (settings.socket, settings.group) = reserved.place();
        let (place, listener) = reserved.listen(&*clock).await?;
        let reading = Arc::clone(&store);
        let kept =
            tokio::task::spawn_blocking(move || reading.load()).await.map_err(|error| {
                StoreError::Unusable { place: "the store".into(), why: error.to_string() }
            })??;
        let (hub, hub_task) = Hub::start(estate, kept, Arc::clone(&store), Arc::clone(&clock));
        let metrics = Arc::new(Metrics::new());
        let (scheduler, scheduler_task) = Scheduler::start(
            watches,
            Setting::from(&settings),
            hub.clone(),
            Arc::clone(&clock),
            Arc::clone(&metrics),
        );
        let stop = CancellationToken::new();
        let reloads = Arc::new(Reloads::new(clock.now()));
        let desk = Arc::new(Desk {
            hub: hub.clone(),
            scheduler: scheduler.clone(),
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            metrics: Arc::clone(&metrics),
            started_at: clock.now(),
            reloads: Arc::clone(&reloads),
            readers: Arc::new(Semaphore::new(settings.limits.readers)),
            document: OnceLock::new(),
            whole: Arc::new(Semaphore::new(settings.limits.whole)),
            last_entry: AtomicU64::new(0),
            tickets: Book::default(),
            settings: settings.clone(),
        });
        let counter = Arc::new(Counter {
            people: Arc::clone(&settings.people),
            guard: settings.guard.clone(),
            clock: Arc::clone(&clock),
            accounts: RwLock::new(settings.accounts.clone()),
            audits: RwLock::new(settings.audits.clone()),
        });
        let server = Server {
            router: router(desk, Arc::clone(&counter)),
            gate: Gate::new(settings.group),
            limits: settings.limits,
            clock: Arc::clone(&clock),
            metrics,
            stop: stop.clone(),
        };
        let server_task = tokio::spawn(server.run(listener));
        let tasks = Tasks { stop, handles: vec![scheduler_task, hub_task, server_task] };
        let (path, guard) = (settings.socket, settings.guard.ok());
        let beside = Mutex::default();
        Ok(RunningAgent {
            tasks,
            beside,
            guard,
            counter,
            kept: Vec::new(),
            place,
            path,
            hub,
            scheduler,
            reloads,
            store,
            clock,
        })
    }
}

/// An agent that runs. Dropping it without [`Self::stop`] ends it at once and may lose the last
/// third of a second of the board.
pub struct RunningAgent {
    // First, so that nobody is served any more when the socket's place is given back.
    tasks: Tasks,
    beside: Mutex<Vec<AbortOnDropHandle<()>>>,
    place: Place,
    path: PathBuf,
    guard: Option<Guard>,
    counter: Arc<Counter>,
    kept: Vec<AbortOnDropHandle<()>>,
    hub: Hub,
    scheduler: Scheduler,
    reloads: Arc<Reloads>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

/// The agent's tasks; they end with it.
struct Tasks {
    stop: CancellationToken,
    handles: Vec<JoinHandle<()>>,
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.stop.cancel();
        self.handles.iter().for_each(JoinHandle::abort);
    }
}

impl RunningAgent {
    /// From now on these tasks end with the agent; those that did before end now.
    pub fn accompanied_by(&self, tasks: Vec<JoinHandle<()>>) {
        let tasks = tasks.into_iter().map(AbortOnDropHandle::new).collect();
        *self.beside.lock().unwrap_or_else(PoisonError::into_inner) = tasks;
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.path
    }

    /// The hub, for whoever puts the program together.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Goes on with another configuration; readers are told to fetch the board anew.
    ///
    /// # Errors
    /// When a service has two watchers; the old configuration then stays.
    pub async fn reconfigure(
        &self,
        estate: Arc<Estate>,
        watches: Vec<Arc<dyn Watch>>,
    ) -> Result<(), AgentError> {
        if let Some(key) = twice(&watches) {
            return Err(AgentError::Twice(key.to_string()));
        }
        if self.hub.configured(estate).await.is_ok() {
            self.scheduler.configure(watches).await;
            self.reloads.taken(self.clock.now());
        }
        Ok(())
    }

    /// A task that ends with the agent.
    pub fn keep(&mut self, task: JoinHandle<()>) {
        self.kept.push(AbortOnDropHandle::new(task));
    }

    /// What its board knows, for those who plan actions.
    #[must_use]
    pub fn known(&self) -> Arc<dyn Known> {
        Arc::new(BoardKnown { hub: self.hub.clone(), store: Arc::clone(&self.store) })
    }

    /// Looks accounts up, and reads the vendor's audit, in another place from now on, or nowhere.
    pub fn set_accounts(
        &self,
        accounts: Option<Arc<dyn Accounts>>,
        audits: Option<Arc<dyn VendorAudits>>,
    ) {
        *self.counter.accounts.write().unwrap_or_else(PoisonError::into_inner) = accounts;
        *self.counter.audits.write().unwrap_or_else(PoisonError::into_inner) = audits;
    }

    /// The guard, where there is one.
    #[must_use]
    pub fn guard(&self) -> Option<&Guard> {
        self.guard.as_ref()
    }

    /// A newer configuration cannot be used: the old one goes on. Says so in `/v1/health`, and among
    /// what is not watched, where the desk looks for gaps.
    pub async fn refused(&self, why: Clean) {
        let now = self.clock.now();
        let mut estate = Estate::clone(&self.hub.estate());
        estate.not_watched.retain(|gap| gap.what.as_str() != CONFIGURATION);
        let at =
            now.to_zoned_datetime(crate::model::calendar::london()).strftime("%a %-d %b %H:%M");
        estate.not_watched.insert(
            0,
            NotWatched {
                what: Clean::new(CONFIGURATION),
                why: Clean::new(&format!(
                    "the one of {at} was refused and the one before it goes on: {why}"
                )),
            },
        );
        self.reloads.refused(now, why);
        if self.hub.configured(Arc::new(estate)).await.is_err() {
            tracing::debug!("the agent ends: nobody is told of the refused configuration");
        }
    }

    /// Drains: no new poll; those under way finish or are cancelled; what was judged is written;
    /// readers hear goodbye; the socket goes.
    ///
    /// # Errors
    /// When the last state of the board could not be written.
    pub async fn stop(mut self) -> Result<(), StoreError> {
        self.scheduler.stop().await;
        self.hub.stop(Clean::new("the agent was stopped")).await;
        let store = Arc::clone(&self.store);
        let flushed = tokio::select! {
            flushed = tokio::task::spawn_blocking(move || store.flush()) => flushed,
            () = self.clock.sleep(LAST_WRITE) => Ok(Err(StoreError::Unusable {
                place: "the store".into(),
                why: "the last write did not end in time".into(),
            })),
        };
        self.tasks.stop.cancel();
        let ended = futures_util::future::join_all(std::mem::take(&mut self.tasks.handles));
        tokio::select! {
            ended = ended => for error in ended.into_iter().filter_map(Result::err) {
                tracing::error!("a part of the agent died: {error}");
            },
            () = self.clock.sleep(LAST_WORD) => {
                tracing::warn!("some connections did not end in time");
            }
        }
        drop(self.place);
        match flushed {
            Ok(flushed) => flushed,
            Err(error) => Err(StoreError::Unusable {
                place: "the store".into(),
                why: format!("the last write failed: {error}"),
            }),
        }
    }
}
