//! Starts and stops the simulators.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::model::ids::Laestab;
use crate::simulators::backups::{Redstor, Vault};
use crate::simulators::drops::{DropFolder, spoilt};
use crate::simulators::estate::{MOST_SCHOOLS, invent};
use crate::simulators::fault::Fault;
use crate::simulators::groupcall::{self, Groupcall, Xod};
use crate::simulators::invented::{Invented, SERVICES};
use crate::simulators::redapi::RedApi;
use crate::simulators::scenario::Scenario;
use crate::simulators::script::{Script, ScriptError, Step, What};
use crate::simulators::server::{Endpoint, authority, serve};
use crate::simulators::stage::{Stage, lock};
use crate::simulators::ticket_desk::{self, TicketDesk};
use crate::simulators::times::{TimeSource, rounded_down, seconds};
use crate::simulators::welearn365::{Graph, Microsoft};
use crate::simulators::{
    directory, future_digital, just2easy, purple_mash, redstor, smoothwall, statuspage, wonde,
};

/// How often the drops are looked after.
const TICK: Duration = Duration::from_millis(250);

/// Parts of a vendor's answers that fail by themselves: writes to the directory and to Graph, the
/// later pages of Microsoft's audit, and questions to Groupcall for fresh data.
const PARTS: [&str; 4] =
    ["welearn365.ad_write", "welearn365.graph_write", "welearn365.graph_audit", "groupcall.fresh"];

/// What is to be played.
#[derive(Clone)]
pub struct Plan {
    /// How many schools to invent, at least 1.
    pub schools: usize,
    /// The same seed gives the same estate and the same faults.
    pub seed: u64,
    /// Which story.
    pub scenario: Scenario,
    /// A folder that belongs to the simulators alone: CA certificate and drops are written there.
    pub folder: PathBuf,
    /// The time of day.
    pub clock: TimeSource,
}

/// Why the simulators could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The number of schools cannot be played.
    #[error("{0} schools cannot be invented: choose 1 to {MOST_SCHOOLS}")]
    Schools(usize),
    /// A file cannot be written.
    #[error("{path}: {why}; give the simulators a folder that they may write to")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// No loopback port could be had.
    #[error("no port of 127.0.0.1 could be had: {0}")]
    Bind(String),
    /// The certificates could not be made.
    #[error("certificates for the simulators: {0}")]
    Tls(String),
}

/// The simulators at work. They stop when this is dropped.
pub struct Running {
    /// Where each vendor is: `service` or `service.endpoint` to URL. Files: a `file:` URL.
    pub urls: BTreeMap<String, String>,
    /// The certificate of the authority that signed the vendors' certificates, PEM.
    pub ca_file: PathBuf,
    /// Drop folders by service key (`groupcall`, `future_digital`, `smoothwall`).
    pub drops: BTreeMap<String, PathBuf>,
    /// What was invented.
    pub invented: Arc<Invented>,
    /// Services and endpoints that a fault can be put on.
    victims: BTreeSet<String>,
    stage: Arc<Stage>,
    graph: Arc<Graph>,
    xod: Arc<Xod>,
    redapi: Arc<RedApi>,
    vault: Arc<Vault>,
    ticket_desk: TicketDesk,
    vendors: BTreeMap<String, CancellationToken>,
    feeds: Arc<Feeds>,
    gone: CancellationToken,
    tasks: TaskTracker,
}

/// Starts all simulators on ports of 127.0.0.1; when this returns, every port answers and every
/// drop holds its first files.
///
/// # Errors
/// When no port can be had or the folder cannot be written.
pub async fn start(plan: Plan) -> Result<Running, StartError> {
    let Plan { schools, seed, scenario, folder, clock } = plan;
    if !(1..=MOST_SCHOOLS).contains(&schools) {
        return Err(StartError::Schools(schools));
    }
    let file = |e: std::io::Error| StartError::File { path: folder.clone(), why: e.to_string() };
    std::fs::create_dir_all(&folder).map_err(file)?;
    let folder = folder.canonicalize().map_err(file)?;
    let ca_file = folder.join("ca.pem");
    let acceptor = authority(&ca_file)?;
    let invented = Arc::new(invent(schools, seed));
    let stage = Arc::new(Stage::new(seed, scenario, clock, invented.clone()));
    let vault = Vault::new(stage.clone());
    let (graph, xod, redapi) =
        (Graph::new(stage.clone()), Xod::new(stage.clone()), RedApi::new(vault.clone()));
    let mut endpoints: Vec<Endpoint> = Vec::new();
    endpoints.extend(graph.endpoints());
    endpoints.extend(xod.endpoints());
    endpoints.push(redstor::endpoint(&vault));
    endpoints.extend(redapi.endpoints());
    endpoints.extend(of_stage(&stage));
    let ticket_desk = TicketDesk(ticket_desk::Counter::new(stage.clone()));
    endpoints.push(ticket_desk.0.endpoint());

    let (gone, tasks) = (CancellationToken::new(), TaskTracker::new());
    let vendors: BTreeMap<String, CancellationToken> =
        SERVICES.iter().map(|key| ((*key).to_owned(), gone.child_token())).collect();
    let mut urls = BTreeMap::new();
    let mut victims: BTreeSet<String> = vendors.keys().cloned().collect();
    victims.extend(endpoints.iter().map(|endpoint| endpoint.key.clone()));
    victims.extend(directory::CONTROLLERS.map(str::to_owned));
    victims.extend(PARTS.map(str::to_owned));
    for endpoint in endpoints {
        let (key, scheme) = (endpoint.key.clone(), if endpoint.tls { "https" } else { "http" });
        let service = key.split_once('.').map_or(key.as_str(), |(s, _)| s);
        let end = vendors.get(service).cloned().unwrap_or_else(|| gone.child_token());
        let address = serve(endpoint, &stage, &acceptor, end, &tasks).await?;
        address_book(&key, &format!("{scheme}://{address}"), &mut urls);
    }
    for key in directory::CONTROLLERS {
        let end = vendors.get("welearn365").cloned().unwrap_or_else(|| gone.child_token());
        let address = directory::serve(key, &stage, &acceptor, end, &tasks).await?;
        urls.insert(key.to_owned(), format!("ldaps://{address}"));
    }
    let drops: BTreeMap<String, PathBuf> = ["groupcall", "future_digital", "smoothwall"]
        .into_iter()
        .map(|key| (key.to_owned(), folder.join("drops").join(key)))
        .collect();
    for key in ["future_digital", "smoothwall"] {
        if let Some(path) = drops.get(key) {
            urls.insert(key.to_owned(), format!("file://{}", path.display()));
        }
    }
    let feeds = Arc::new(Feeds {
        stage: stage.clone(),
        xod: xod.clone(),
        drops: drops.iter().map(|(k, p)| (k.clone(), DropFolder::new(p.clone()))).collect(),
        stopped: Mutex::default(),
        written: Mutex::default(),
    });
    feeds.write().map_err(file)?;
    tasks.spawn(keep(feeds.clone(), gone.clone()));
    tasks.close();
    Ok(Running {
        urls,
        ca_file,
        drops,
        invented,
        victims,
        stage,
        graph,
        xod,
        redapi,
        vault,
        ticket_desk,
        vendors,
        feeds,
        gone,
        tasks,
    })
}

/// Vendors that remember nothing of their own.
fn of_stage(stage: &Arc<Stage>) -> Vec<Endpoint> {
    let mut endpoints = smoothwall::endpoints(stage);
    endpoints.extend(statuspage::endpoints(stage));
    endpoints.push(just2easy::endpoint(stage));
    endpoints.push(purple_mash::endpoint(stage));
    endpoints.push(wonde::endpoint(stage));
    endpoints
}

/// The URLs of one server, by the names under which a config asks for them.
fn address_book(key: &str, base: &str, urls: &mut BTreeMap<String, String>) {
    let mut add = |key: &str, path: &str| urls.insert(key.to_owned(), format!("{base}{path}"));
    match key {
        "welearn365" => drop(add(key, "/v1.0")),
        "groupcall" => {
            add(key, "/api/v1");
            add("groupcall.token", "/api/oauth/GetToken");
        }
        "redstor.token" => drop(add(key, "/connect/token")),
        "wonde" => drop(add(key, "/v1.0")),
        "ticket_desk" => drop(add(key, "/api/v2")),
        _ => drop(add(key, "")),
    }
}

impl Running {
    /// Puts a fault on all calls of `key` (`service` or `service.endpoint`), or on those about one
    /// school. Where one answer or file holds all schools, a school's fault becomes the worst that
    /// the feed can say of it: Redstor's last runs failed, none of its stations was seen.
    pub fn set_fault(&self, key: &str, school: Option<Laestab>, fault: Fault) {
        self.stage.set_fault(key, school, Some(fault));
    }

    /// Takes a fault of [`Running::set_fault`] away; the scenario's own stay.
    pub fn clear_fault(&self, key: &str, school: Option<Laestab>) {
        self.stage.set_fault(key, school, None);
    }

    /// What writes have really done, one line each, in order: `ad disable u9992000001`.
    #[must_use]
    pub fn effects(&self) -> Vec<String> {
        self.stage.effects()
    }

    /// Tells how many things have really been done so far.
    pub fn effect_counter(&self) -> impl Fn() -> usize + Send + use<> {
        let stage = self.stage.clone();
        move || stage.effects().len()
    }

    /// How many accounts the directory has of a school, numbered from 0.
    #[must_use]
    pub fn directory_accounts(&self, school: Laestab) -> u32 {
        directory::many(&self.stage, school)
    }

    /// Sets an attribute of the n-th account of a school in the directory, as somebody else would.
    pub fn set_in_directory(&self, school: Laestab, n: u32, attribute: &str, value: &str) {
        let number = directory::number_of(school, n);
        let guid = directory::guid_of(self.stage.seed, Some(school), number);
        let values = [(attribute.to_owned(), vec![value.as_bytes().to_vec()])];
        self.stage.written.put(&guid, values.into(), self.stage.now());
    }

    /// From now on a write waits before it does anything, whoever gave up waiting for it; until it is
    /// called with `false`.
    pub fn hold_writes(&self, held: bool) {
        self.stage.hold_writes(held);
    }

    /// From now on the faults of writes and [`Running::hold_writes`] are put on these writes alone,
    /// counted from 1 over the directory and Graph together; the others go well.
    pub fn single_out_writes(&self, on: RangeInclusive<u64>) {
        self.stage.single_out_writes(on);
    }

    /// How many writes have come since the start, or since they were last singled out.
    #[must_use]
    pub fn writes_came(&self) -> u64 {
        self.stage.writes_came()
    }

    /// Stops a vendor for good: its ports are closed, connections break, its drop folder is gone.
    /// Returns false if there is no such service.
    pub fn stop_vendor(&self, service: &str) -> bool {
        let Some(end) = self.vendors.get(service) else { return false };
        end.cancel();
        lock(&self.feeds.stopped).push(service.to_owned());
        if let Some(folder) = self.feeds.drops.get(service) {
            folder.remove();
        }
        true
    }

    /// Every token that the vendors have given out and not forgotten.
    #[must_use]
    pub fn given_tokens(&self) -> Vec<String> {
        let all = [self.graph.given_tokens(), self.xod.given_tokens(), self.redapi.given_tokens()];
        all.concat()
    }

    /// Makes the vendors forget the tokens that they gave out, as when a secret is rotated.
    pub fn forget_tokens(&self) {
        self.graph.forget_tokens();
        self.xod.forget_tokens();
        self.redapi.forget_tokens();
    }

    /// Plays a scenario file from now on, on top of the scenario that was started. Faults of a test
    /// on the same vendor and school are overwritten. What the file begins with is in force when this
    /// returns, also in the files of the drops.
    ///
    /// # Errors
    /// When it names a school or an endpoint that this estate does not have.
    pub fn play(&self, script: Script) -> Result<(), ScriptError> {
        let mut steps = Vec::new();
        for place in 0.. {
            let Some(step) = script.step(place) else { break };
            steps.push((step.clone(), step.whom_in(&self.invented, &self.victims)?));
        }
        let mut player = Player {
            stage: self.stage.clone(),
            vendors: (self.microsoft(), self.groupcall(), self.redstor()),
            begun: self.stage.now(),
            script,
            steps,
            in_force: BTreeSet::new(),
        };
        player.catch_up();
        // What cannot be written now is told when it is tried again.
        drop(self.feeds.write());
        self.tasks.spawn(player.play(self.gone.clone()));
        Ok(())
    }

    /// What only Redstor can do: faults of its own.
    #[must_use]
    pub fn redstor(&self) -> Redstor {
        Redstor(self.vault.clone())
    }

    /// Where tickets go: what it was given, and faults of its own.
    #[must_use]
    pub fn ticket_desk(&self) -> TicketDesk {
        self.ticket_desk.clone()
    }

    /// What only Groupcall can do: faults of its own.
    #[must_use]
    pub fn groupcall(&self) -> Groupcall {
        Groupcall(self.xod.clone())
    }

    /// Changes a credential at its vendor's: from now on the one before it is refused, and so is
    /// every token that was given out.
    pub fn change_credential(&self, name: &str, value: &str) {
        self.stage.change_credential(name, value);
        self.forget_tokens();
    }

    /// What only Microsoft can do: consent, faults of its own, accounts.
    #[must_use]
    pub fn microsoft(&self) -> Microsoft {
        Microsoft(self.graph.clone())
    }

    /// From now on the vendors' published limits hold as published.
    pub fn enforce_published_limits(&self) {
        self.stage.set_strict();
    }

    /// How often each call was asked: `service METHOD path`, with `{..}` for what varies.
    #[must_use]
    pub fn served(&self) -> BTreeMap<String, u64> {
        self.stage.served()
    }

    /// Stops all vendors and waits until their tasks have ended. Files stay where they are.
    pub async fn stop(self) {
        self.gone.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.gone.cancel();
    }
}

/// Plays a scenario file.
struct Player {
    stage: Arc<Stage>,
    vendors: (Microsoft, Groupcall, Redstor),
    begun: Timestamp,
    script: Script,
    /// Its steps, and the schools of each.
    steps: Vec<(Step, Vec<Option<Laestab>>)>,
    in_force: BTreeSet<usize>,
}

impl Player {
    async fn play(mut self, gone: CancellationToken) {
        loop {
            self.catch_up();
            tokio::select! {
                () = gone.cancelled() => return,
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }

    /// Puts on what is due, and takes away what is over.
    fn catch_up(&mut self) {
        let now = self.script.in_force(seconds(self.begun, self.stage.now()));
        for over in self.in_force.difference(&now) {
            self.set(*over, false);
        }
        for due in now.difference(&self.in_force) {
            self.set(*due, true);
        }
        self.in_force = now;
    }

    fn set(&self, place: usize, put: bool) {
        let Some((step, schools)) = self.steps.get(place) else { return };
        for school in schools {
            self.set_on(step, *school, put);
        }
    }

    fn set_on(&self, step: &Step, school: Option<Laestab>, put: bool) {
        let (microsoft, groupcall, redstor) = &self.vendors;
        match (step.what, put) {
            (What::Any(fault), put) => {
                self.stage.set_fault(&step.on, school, put.then_some(fault));
            }
            (What::Microsoft(fault), true) => microsoft.set_fault(fault),
            (What::Microsoft(fault), false) => microsoft.clear_fault(fault),
            (What::Groupcall(fault), true) => groupcall.set_fault(school, fault),
            (What::Groupcall(fault), false) => groupcall.clear_fault(school, fault),
            (What::Redstor(fault), true) => redstor.set_fault(school, fault),
            (What::Redstor(fault), false) => redstor.clear_fault(school, fault),
            (What::Own(fault), true) => {
                self.stage.own.put(&step.on, school, fault, self.stage.now());
            }
            (What::Own(fault), false) => self.stage.own.take(&step.on, school, fault),
        }
    }
}

/// The feeds that are files.
struct Feeds {
    stage: Arc<Stage>,
    xod: Arc<Xod>,
    drops: BTreeMap<String, DropFolder>,
    stopped: Mutex<Vec<String>>,
    /// What the files were made of: they are written anew when this changes.
    written: Mutex<BTreeMap<&'static str, String>>,
}

async fn keep(feeds: Arc<Feeds>, gone: CancellationToken) {
    loop {
        tokio::select! {
            () = gone.cancelled() => return,
            () = tokio::time::sleep(TICK) => {}
        }
        let feeds = feeds.clone();
        let written = tokio::task::spawn_blocking(move || feeds.write()).await;
        if let Ok(Err(why)) = written {
            tracing::warn!(%why, "a drop of the simulators could not be written");
        }
    }
}

impl Feeds {
    /// Writes what is due.
    fn write(&self) -> std::io::Result<()> {
        let stage = &self.stage;
        let now = stage.now();
        self.feed(
            "future_digital",
            "stations-",
            &format!(
                "{} {}",
                rounded_down(now, future_digital::EVERY_MINUTES),
                stage.own.in_words("future_digital")
            ),
            || vec![future_digital::stations(stage)],
        )?;
        let hour = format!("{} {}", rounded_down(now, 60), self.xod.in_words());
        for (feed, prefix) in [("xvault", "xvault"), ("cme", "cme")] {
            self.feed("groupcall", prefix, &hour, || {
                let body = groupcall::dropped(&self.xod, feed).to_string();
                vec![(format!("{feed}.json"), body.into_bytes())]
            })?;
        }
        // Cheap to make, and a storm's mails come by the second.
        let mails = smoothwall::alerts(stage);
        let names = format!("{:?}", mails.iter().map(|(name, _)| name).collect::<Vec<_>>());
        self.feed("smoothwall", "alert-", &names, || mails)
    }

    /// Replaces the files of one feed if `state`, or a fault on its service, has changed.
    fn feed(
        &self,
        service: &'static str,
        prefix: &'static str,
        state: &str,
        files: impl FnOnce() -> Vec<(String, Vec<u8>)>,
    ) -> std::io::Result<()> {
        let Some(folder) = self.drops.get(service) else { return Ok(()) };
        let faults: Vec<_> =
            self.stage.faults().into_iter().filter(|((key, _), _)| key == service).collect();
        let state = format!("{state} {faults:?}");
        if lock(&self.written).get(prefix) == Some(&state) {
            return Ok(());
        }
        let fault = faults.iter().find(|((_, school), _)| school.is_none()).map(|(_, f)| *f);
        // Held while writing, so that a vendor that is being stopped does not write once more.
        let stopped = lock(&self.stopped);
        if stopped.iter().any(|s| s == service) {
            return Ok(());
        }
        if fault == Some(Fault::Down) {
            folder.remove();
        } else {
            let files: Vec<(String, Vec<u8>)> = files()
                .into_iter()
                .filter_map(|(name, content)| Some((name, spoilt(content, fault)?)))
                .collect();
            folder.replace(prefix, &files)?;
        }
        drop(stopped);
        lock(&self.written).insert(prefix, state);
        Ok(())
    }
}
