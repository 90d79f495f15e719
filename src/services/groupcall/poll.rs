//! Asks Groupcall, school by school, each with its own token.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use crate::model::check::{CheckSpec, Scope, ServiceSpec};
use crate::model::estate::{Estate, NotWatched};
use crate::model::health::Reason;
use crate::model::ids::{CheckId, CredentialName, Laestab, ServiceKey};
use crate::model::observation::{Observation, Target, Verdict};
use crate::ports::clock::{Boxed, Clock};
use crate::ports::secrets::Secrets;
use crate::ports::watch::{CredentialUse, Job, Place, Rights, Watch};
use crate::services::answer::{Trouble, credential};
use crate::services::declared::dropped::Folder;
use crate::services::groupcall::beside::Beside;
use crate::services::groupcall::body;
use crate::services::groupcall::complaint::{Complaint, Kind, complaint};
use crate::services::groupcall::describe::{
    Idaas, KEY, LOGIN_URL, PupilsFrom, Settings, XOD_URL, describe, not_watched, refuse,
};
use crate::services::groupcall::loads::Loads;
use crate::services::groupcall::standing::{Standing, never_given};
use crate::services::rights;
use crate::services::token::{Grant, TokenCell};
use crate::services::{Context, ServiceError, check_id};
use crate::transport::{Endpoint, Reply, Request};

/// Schools whose scopes `caretaker doctor` looks at: the check `authorisation` looks at all.
const SAMPLED: usize = 3;

/// One school's door to its data.
struct School {
    credential: Result<CredentialName, Trouble>,
    token: TokenCell,
    standing: Standing,
}

/// The page to probe and what a working one looks like.
struct SignIn {
    endpoint: Endpoint,
    expect: Idaas,
}

/// The watcher of Groupcall.
pub(super) struct Groupcall {
    spec: ServiceSpec,
    not_watched: Vec<NotWatched>,
    relying_party: String,
    scopes: Vec<String>,
    prove_every: SignedDuration,
    pupils_from: PupilsFrom,
    beside: Vec<Beside>,
    xod: Endpoint,
    login: Endpoint,
    schools: BTreeMap<Laestab, School>,
    estate: Arc<Estate>,
    sign_in: Option<SignIn>,
    xvault: Option<Folder>,
    cme: Option<Folder>,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
    /// `xporter_data` and `counts`.
    own: [CheckId; 2],
    /// Schools that let us in again: what their other checks said last is old.
    let_in: Mutex<BTreeSet<Laestab>>,
}

impl Groupcall {
    pub(super) fn new(settings: &Settings, context: &Context) -> Result<Self, ServiceError> {
        let key: ServiceKey =
            KEY.parse().map_err(|_| refuse("key", "the service's key is not a word"))?;
        let sign_in = match &settings.idaas {
            None => None,
            Some(expect) if expect.contains.is_none() && expect.location_host.is_none() => {
                return Err(refuse(
                    "idaas.contains",
                    "give a text of the sign-in page (or location_host of its redirect), so that a \
                     block page is not taken for it",
                ));
            }
            Some(expect) => Some(SignIn {
                endpoint: context.endpoint(KEY, Some(&expect.page), LOGIN_URL)?,
                expect: expect.clone(),
            }),
        };
        let schools = context
            .estate
            .takers(&key)
            .map(|laestab| {
                let row = context.estate.subscriptions.get(&laestab);
                let name = row.and_then(|s| s.parameter(&key, "credential")).map_or_else(
                    || format!("{}{laestab}", settings.credential_prefix),
                    str::to_owned,
                );
                let credential = name.parse().map_err(|e| {
                    Trouble::new(Reason::Unauthorised, format!("groupcall.credential: {e}"))
                });
                let (token, standing) = (TokenCell::without_rest(), Standing::default());
                (laestab, School { credential, token, standing })
            })
            .collect();
        Ok(Self {
            spec: describe(settings, &key)?,
            not_watched: not_watched(settings),
            relying_party: settings.relying_party.clone(),
            scopes: settings.scopes.clone(),
            prove_every: SignedDuration::from_secs(settings.prove_every.as_secs_i64()),
            pupils_from: settings.pupils_from,
            beside: settings.beside.clone(),
            xod: context.endpoint(KEY, settings.xod.as_ref(), XOD_URL)?,
            login: context.endpoint(KEY, settings.login.as_ref(), LOGIN_URL)?,
            schools,
            estate: context.estate.clone(),
            sign_in,
            xvault: settings.xvault.as_ref().map(|p| Folder::of_file(&context.folder, p)),
            cme: settings.cme.as_ref().map(|p| Folder::of_file(&context.folder, p)),
            secrets: context.secrets.clone(),
            clock: context.clock.clone(),
            own: [check_id(KEY, "xporter_data")?, check_id(KEY, "counts")?],
            let_in: Mutex::default(),
        })
    }

    fn of(&self, laestab: Laestab) -> Result<&School, Trouble> {
        self.schools
            .get(&laestab)
            .ok_or_else(|| Trouble::new(Reason::NeverSeen, "the school does not take Groupcall"))
    }

    /// One call with the school's own token, renewed once when it is refused.
    async fn ask(&self, laestab: Laestab, call: &Request) -> Result<Reply, Trouble> {
        let school = self.of(laestab)?;
        let make = |token: &SecretString| {
            call.clone().header("authorization", format!("Idaas {}", token.expose_secret()))
        };
        // A right that the school does not give comes with no other token either.
        let refused = |reply: &Reply| {
            complaint(reply).is_some_and(|c| matches!(c.kind, Kind::Token | Kind::Secret))
        };
        let fetch = || self.fetch_token(laestab, school);
        let reply = school.token.send((&*self.clock, &self.xod), make, refused, fetch).await?;
        match complaint(&reply) {
            Some(Complaint { trouble, .. }) => Err(trouble),
            None => Ok(reply),
        }
    }

    async fn fetch_token(&self, laestab: Laestab, school: &School) -> Result<Grant, Trouble> {
        let name = school.credential.clone()?;
        let secret = credential(&self.secrets, &name).await.map_err(|trouble| {
            school.standing.is_without();
            if trouble.facts.contains(&("credential", "missing".to_owned())) {
                never_given(trouble, &name, &self.relying_party)
            } else {
                trouble
            }
        })?;
        if let Some(trouble) = school.standing.rests(&secret, self.clock.now()) {
            return Err(trouble);
        }
        let fields = vec![
            ("estab", SecretString::from(laestab.to_string())),
            ("relyingParty", SecretString::from(self.relying_party.clone())),
            ("password", secret.clone()),
            ("thirdpartyid", SecretString::from("XporterOnDemand")),
        ];
        let reply = self.login.send(Request::post("").secret_json(fields).repeatable()).await?;
        if let Some(complaint) = complaint(&reply) {
            let now = self.clock.now();
            return Err(school.standing.refuse(complaint, (&name, secret), now));
        }
        let grant = body::grant(&reply, self.prove_every, self.clock.chance())?;
        if school.standing.accept(self.clock.now()) {
            self.let_in().insert(laestab);
        }
        Ok(grant)
    }

    fn let_in(&self) -> MutexGuard<'_, BTreeSet<Laestab>> {
        self.let_in.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn school(&self, check: &CheckId, laestab: Laestab) -> Observation {
        let target = Target::School(laestab);
        let call = match (check.name(), self.pupils_from) {
            ("xporter_data", _) => Request::get(&format!("School/{laestab}/SchoolInfo")),
            ("counts", PupilsFrom::Counts) => Request::get(&format!("School/{laestab}/Counts")),
            // The fewest rows that can be asked for: of these only the paging is read.
            ("counts", PupilsFrom::Students) => {
                Request::get(&format!("School/{laestab}/Students/")).query("pageSize", "1")
            }
            _ => Request::get("TokenDetails"),
        };
        let seen = self.ask(laestab, &call).await.and_then(|reply| {
            let bare = body::bare(check, target, &reply);
            match (check.name(), self.pupils_from) {
                ("xporter_data", _) => {
                    let is_ours = |l: Laestab| self.estate.schools.contains_key(&l);
                    body::xporter_data(&reply, (laestab, is_ours), bare)
                }
                ("counts", PupilsFrom::Counts) => body::counts(&reply, bare),
                ("counts", PupilsFrom::Students) => body::students(&reply, bare),
                _ => self
                    .still_given(laestab)
                    .and_then(|()| body::authorisation(&reply, (laestab, &self.scopes), bare)),
            }
        });
        match seen {
            Ok(seen) if check.name() == "authorisation" => self.beside(laestab, seen).await,
            Ok(seen) => seen,
            Err(trouble) => trouble.observe(check, target, self.clock.now()),
        }
    }

    /// An old token may go on to work after the school has paused or withdrawn its authorisation:
    /// what the last request for a new one brought is what counts.
    fn still_given(&self, laestab: Laestab) -> Result<(), Trouble> {
        self.of(laestab)?.standing.barred().map_or(Ok(()), Err)
    }

    async fn beside(&self, laestab: Laestab, mut seen: Observation) -> Observation {
        for further in &self.beside {
            let answer = self.ask(laestab, &Request::get(&further.path(laestab))).await;
            seen = further.told(seen, answer);
        }
        seen
    }

    /// What the data call of a school says now, for the hands.
    pub(super) async fn data(&self, laestab: Laestab) -> Observation {
        self.school(&self.own[0], laestab).await
    }

    /// How many pupils and staff the data holds now, for the hands.
    pub(super) async fn counts(&self, laestab: Laestab) -> Observation {
        self.school(&self.own[1], laestab).await
    }

    /// What the first page of the pupils says of their number and its time, for the hands.
    pub(super) async fn pupils(&self, laestab: Laestab) -> Observation {
        let (check, target) = (&self.own[1], Target::School(laestab));
        let call = Request::get(&format!("School/{laestab}/Students/")).query("pageSize", "1");
        let reply = self.ask(laestab, &call).await;
        let seen = reply.and_then(|r| body::students(&r, body::bare(check, target, &r)));
        seen.unwrap_or_else(|trouble| trouble.observe(check, target, self.clock.now()))
    }

    /// The school's token, held or new, for the hands.
    pub(super) async fn held_token(&self, laestab: Laestab) -> Result<SecretString, Trouble> {
        let school = self.of(laestab)?;
        school.token.held(&*self.clock, || self.fetch_token(laestab, school)).await
    }

    /// Xporter on Demand, for the hands.
    pub(super) fn xod(&self) -> &Endpoint {
        &self.xod
    }

    /// The schools, for the hands.
    pub(super) fn estate(&self) -> &Estate {
        &self.estate
    }

    async fn probe(&self, check: &CheckId) -> Observation {
        let failed = |trouble: &Trouble| trouble.observe(check, Target::Estate, self.clock.now());
        let Some(SignIn { endpoint, expect }) = &self.sign_in else {
            return failed(&Trouble::new(Reason::NeverSeen, "no sign-in page is configured"));
        };
        let reply = match endpoint.send(Request::get("").redirect_is_answer()).await {
            Ok(reply) => reply,
            Err(failure) => return failed(&failure.into()),
        };
        let took = u32::try_from(reply.took.as_millis()).unwrap_or(u32::MAX);
        let bare = body::bare(check, Target::Estate, &reply).number("latency_ms", f64::from(took));
        if reply.status == 429 {
            return failed(&Trouble::new(Reason::Throttled, "the sign-in page asks us to wait"));
        }
        if reply.status != expect.status {
            let words = format!(
                "the IDaaS sign-in page answers {} instead of {}",
                reply.status, expect.status
            );
            return body::with(bare, Verdict::Critical, &words);
        }
        let host = reply.header("location").and_then(|to| {
            let to = endpoint.url().join(to).ok()?;
            Some(to.host_str()?.to_owned())
        });
        let odd = match (&expect.contains, &expect.location_host) {
            (Some(text), _) if !reply.text().contains(text.as_str()) => Some(
                "the IDaaS sign-in page is another page: maintenance, or a filter's block page",
            ),
            (_, Some(want)) if host.as_deref() != Some(want.as_str()) => {
                Some("the IDaaS sign-in page points to another host")
            }
            _ => None,
        };
        match odd {
            Some(words) => body::with(bare, Verdict::Unknown(Reason::Malformed), words),
            None => body::with(bare, Verdict::Ok, "the IDaaS sign-in page answers"),
        }
    }

    async fn file(&self, check: &CheckId) -> Vec<Observation> {
        let (folder, what) = match check.name() {
            "xvault" => (&self.xvault, "XVault load"),
            _ => (&self.cme, "CME extract"),
        };
        let loads = match folder {
            Some(folder) => folder
                .newest(self.clock.now())
                .await
                .map_err(|e| Trouble::new(e.reason(), e.to_string()))
                .and_then(|file| Loads::read(&file)),
            None => Err(Trouble::new(Reason::NeverSeen, "no file is configured")),
        };
        let now = self.clock.now();
        self.schools
            .keys()
            .map(|school| match &loads {
                Ok(loads) => loads.observe((check, *school, what), now),
                Err(trouble) => trouble.observe(check, Target::School(*school), now),
            })
            .collect()
    }

    fn jobs_of(&self, spec: &CheckSpec) -> Vec<Job> {
        let job = |id: Arc<str>, targets: Arc<[Target]>| Job {
            id,
            checks: vec![spec.id.clone()],
            targets,
            interval: spec.interval,
        };
        let name = spec.id.name();
        match (spec.scope, name) {
            (Scope::Estate, _) => vec![job(name.into(), Arc::new([Target::Estate]))],
            (Scope::School, "xvault" | "cme") => {
                let all: Arc<[Target]> = self.schools.keys().map(|s| Target::School(*s)).collect();
                vec![job(name.into(), all)]
            }
            (Scope::School, _) => self
                .schools
                .keys()
                .map(|s| job(job_of(name, *s), Arc::new([Target::School(*s)])))
                .collect(),
        }
    }
}

/// The job of one check of one school.
fn job_of(check: &str, school: Laestab) -> Arc<str> {
    format!("{check}/{school}").into()
}

impl Watch for Groupcall {
    fn describe(&self) -> ServiceSpec {
        self.spec.clone()
    }

    fn not_watched(&self) -> Vec<NotWatched> {
        self.not_watched.clone()
    }

    fn credentials(&self) -> Vec<CredentialUse> {
        let of = |(school, door): (&Laestab, &School)| {
            let name = door.credential.clone().ok()?;
            Some(CredentialUse { name, school: Some(*school) })
        };
        self.schools.iter().filter_map(of).collect()
    }

    fn places(&self) -> Vec<Place> {
        [&self.xvault, &self.cme].into_iter().flatten().map(Folder::place).collect()
    }

    fn rights(&self) -> Boxed<'_, Vec<Rights>> {
        Box::pin(async move {
            let needed: Vec<[&str; 1]> = self.scopes.iter().map(|s| [s.as_str()]).collect();
            let needed: Vec<&[&str]> = needed.iter().map(<[&str; 1]>::as_slice).collect();
            let doors =
                self.schools.iter().filter_map(|(s, d)| Some((s, d.credential.as_ref().ok()?)));
            let mut out = Vec::new();
            for (school, name) in doors.take(SAMPLED) {
                let reply = self.ask(*school, &Request::get("TokenDetails")).await;
                let scopes = reply.and_then(|reply| body::scopes(&reply));
                out.push(rights::told(name, &needed, scopes));
            }
            out
        })
    }

    fn asked_again(&self, school: Option<Laestab>) {
        let meant = |(laestab, _): &(&Laestab, &School)| school.is_none_or(|s| s == **laestab);
        self.schools.iter().filter(meant).for_each(|(_, school)| school.standing.asked_again());
    }

    fn outdated(&self) -> Vec<Arc<str>> {
        let schools = std::mem::take(&mut *self.let_in());
        let asked_with_it = |spec: &&CheckSpec| {
            spec.scope == Scope::School && !matches!(spec.id.name(), "xvault" | "cme")
        };
        let checks = self.spec.checks.iter().filter(asked_with_it);
        checks.flat_map(|spec| schools.iter().map(|s| job_of(spec.id.name(), *s))).collect()
    }

    fn jobs(&self) -> Vec<Job> {
        self.spec.checks.iter().flat_map(|spec| self.jobs_of(spec)).collect()
    }

    fn poll<'a>(&'a self, job: &'a Job, _now: Timestamp) -> Boxed<'a, Vec<Observation>> {
        Box::pin(async move {
            let Some(check) = job.checks.first() else { return Vec::new() };
            match (check.name(), job.targets.first()) {
                ("xvault" | "cme", _) => self.file(check).await,
                ("idaas", _) => vec![self.probe(check).await],
                (_, Some(Target::School(school))) => vec![self.school(check, *school).await],
                _ => Vec::new(),
            }
        })
    }
}
