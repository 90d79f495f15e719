//! The connector of WeLearn365 against the played Microsoft, which shares no type with it: what the
//! board would be told, in how many requests, and for every way in which Microsoft goes wrong.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use caretaker::model::estate::Estate;
use caretaker::model::health::Reason;
use caretaker::model::ids::{CredentialName, Laestab};
use caretaker::model::observation::{Observation, Target, Verdict};
use caretaker::ports::clock::{Boxed, Clock};
use caretaker::ports::secrets::{Found, SecretError, SecretPlace, Secrets};
use caretaker::ports::watch::{Job, Watch};
use caretaker::services::{Context, SERVICES};
use caretaker::simulators::{
    GraphFault, Invented, Microsoft, PERSONAL_NAMES, Plan, Running, Scenario, Way, start,
};
use caretaker::transport::{Transport, TransportSettings, install_tls};
use jiff::{SignedDuration, Timestamp};

const TUESDAY: &str = "2027-02-02T09:10:00Z";

/// A time of day that stands until it is moved; sleeping takes no time, so that a wait is over at
/// once without being skipped: the clock moves on by it.
struct Hands {
    now: Mutex<Timestamp>,
    moved: Mutex<Duration>,
    began: Instant,
}

impl Hands {
    #[expect(clippy::disallowed_methods, reason = "this is the clock of these tests")]
    fn at(now: &str) -> Arc<Self> {
        let now = Mutex::new(now.parse().unwrap());
        Arc::new(Self { now, moved: Mutex::default(), began: Instant::now() })
    }

    fn forward(&self, seconds: u64) {
        *self.moved.lock().unwrap() += Duration::from_secs(seconds);
        *self.now.lock().unwrap() += SignedDuration::from_secs(i64::try_from(seconds).unwrap());
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }
    fn monotonic(&self) -> Duration {
        self.began.elapsed() + *self.moved.lock().unwrap()
    }
    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }
    fn chance(&self) -> f64 {
        0.5
    }
}

struct Kept(BTreeMap<String, String>);

impl Secrets for Kept {
    fn find(&self, name: &CredentialName) -> Result<Found, SecretError> {
        match self.0.get(name.as_str()) {
            Some(value) => Ok(Found { value: value.clone().into(), place: SecretPlace::File }),
            None => Err(SecretError::Missing { name: name.clone(), asked: "file: no".into() }),
        }
    }
}

/// A played Microsoft and a watcher of it.
struct Scene {
    running: Running,
    microsoft: Microsoft,
    clock: Arc<Hands>,
    watch: Arc<dyn Watch>,
    more: String,
    _folder: tempfile::TempDir,
}

fn estate(invented: &Invented) -> Estate {
    let mut subscriptions = invented.subscriptions.clone();
    for row in subscriptions.values_mut() {
        if let Some(site) = row.parameters.get("welearn365.site") {
            let whole = format!("https://{}/{site}", invented.facts.site_host);
            row.parameters.insert("welearn365.site", whole);
        }
    }
    Estate {
        schools: invented.schools.iter().map(|s| (s.laestab, s.clone())).collect(),
        subscriptions: subscriptions.into(),
        ..Estate::default()
    }
}

/// The watcher for what the simulators play, with `more` settings.
fn watch(running: &Running, clock: &Arc<Hands>, more: &str) -> Arc<dyn Watch> {
    let facts = &running.invented.facts;
    let at = |key: &str| {
        let ca = running.ca_file.display();
        format!("{{ url = \"{}\", ca_file = \"{ca}\", deadline = \"5s\" }}", running.urls[key])
    };
    let settings = format!(
        "tenant_id = \"{}\"\nclient_id = \"{}\"\ngraph = {}\nlogin = {}\nsite_check = true\n\
         licences = {{}}\nprovisioning = {{}}\n{more}",
        facts.tenant_id,
        facts.client_id,
        at("welearn365"),
        at("welearn365.login")
    );
    let table: toml::Table = toml::from_str(&settings).unwrap();
    let inline = toml::Value::Table(table).to_string();
    let service = SERVICES.iter().find(|s| s.key == "welearn365").unwrap();
    let configured =
        (service.configure)(toml::de::ValueDeserializer::parse(&inline).unwrap()).unwrap();
    let clock: Arc<dyn Clock> = clock.clone();
    let limits = TransportSettings { per_second: 0, tries: 1, ..TransportSettings::default() };
    let context = Context {
        programs: Arc::new(caretaker::sys::SystemPrograms::new(clock.clone())),
        transport: Transport::new(limits, clock.clone()),
        clock,
        secrets: Arc::new(Kept(running.invented.credentials.clone())),
        estate: Arc::new(estate(&running.invented)),
        folder: std::path::PathBuf::new(),
        known: std::sync::Arc::new(caretaker::services::LateKnown::default()),
        tickets: None,
        entropy: Arc::new(caretaker::sys::SystemEntropy),
    };
    (configured.build)(&context).unwrap()
}

async fn scene(scenario: Scenario, schools: usize, more: &str) -> Scene {
    install_tls();
    let folder = tempfile::tempdir().unwrap();
    let clock = Hands::at(TUESDAY);
    let hands = clock.clone();
    let running = start(Plan {
        schools,
        seed: 5,
        scenario,
        folder: folder.path().join("vendors"),
        clock: Arc::new(move || hands.now()),
    })
    .await
    .unwrap();
    let watch = watch(&running, &clock, more);
    let microsoft = running.microsoft();
    Scene { running, microsoft, clock, watch, more: more.to_owned(), _folder: folder }
}

impl Scene {
    /// A watcher that has seen nothing yet: no token, no accounts.
    fn anew(&mut self) {
        self.watch = watch(&self.running, &self.clock, &self.more);
    }

    /// Everything, once, as the agent would ask it.
    async fn sweep(&self) -> Vec<Observation> {
        let (jobs, now) = (self.watch.jobs(), self.clock.now());
        let all = jobs.iter().map(|job| self.watch.poll(job, now));
        futures_util::future::join_all(all).await.into_iter().flatten().collect()
    }

    /// What one check says: of the estate, or of the first school that has it.
    async fn ask(&self, check: &str) -> Observation {
        let jobs = self.watch.jobs();
        let job = jobs.iter().find(|j| j.checks.iter().any(|c| c.name() == check)).unwrap();
        self.of(job, check, job.targets[0]).await
    }

    async fn ask_of(&self, check: &str, school: Laestab) -> Observation {
        let jobs = self.watch.jobs();
        let target = Target::School(school);
        let is =
            |j: &&Job| j.checks.iter().any(|c| c.name() == check) && j.targets.contains(&target);
        self.of(jobs.iter().find(is).unwrap(), check, target).await
    }

    async fn of(&self, job: &Job, check: &str, target: Target) -> Observation {
        let all = self.watch.poll(job, self.clock.now()).await;
        let is = |o: &Observation| o.check.name() == check && o.target == target;
        all.into_iter().find(is).unwrap()
    }

    fn schools(&self) -> Vec<Laestab> {
        let invented = &self.running.invented;
        let takes = |l: &Laestab| {
            invented.subscriptions[l].services.iter().any(|s| s.as_str() == "welearn365")
        };
        invented.schools.iter().map(|s| s.laestab).filter(takes).collect()
    }

    fn served(&self, call: &str) -> u64 {
        self.running.served().get(call).copied().unwrap_or_default()
    }

    /// Requests to Microsoft in all.
    fn requests(&self) -> u64 {
        let all = self.running.served();
        all.iter().filter(|(call, _)| call.starts_with("welearn365")).map(|(_, n)| n).sum()
    }
}

const TOKEN: &str = "welearn365.login POST /{tenant}/oauth2/v2.0/token";
const HEALTH: &str = "welearn365 GET /v1.0/admin/serviceAnnouncement/healthOverviews";
const USERS: &str = "welearn365 GET /v1.0/users";
const DELTA: &str = "welearn365 GET /v1.0/users/delta";

fn by_check(seen: &[Observation]) -> BTreeMap<String, Vec<Verdict>> {
    let mut out: BTreeMap<String, Vec<Verdict>> = BTreeMap::new();
    for o in seen {
        out.entry(o.check.name().to_owned()).or_default().push(o.verdict);
    }
    out
}

#[tokio::test]
async fn a_calm_estate_of_250_schools_is_well_in_as_many_requests_as_the_docs_say() {
    let s = scene(Scenario::Calm, 250, "").await;
    s.running.enforce_published_limits();
    let seen = s.sweep().await;
    let schools = s.schools().len();
    for (check, verdicts) in by_check(&seen) {
        let wanted = if matches!(check.as_str(), "site" | "provisioning") { schools } else { 1 };
        assert_eq!(verdicts.len(), wanted, "{check}");
        assert!(verdicts.iter().all(|v| *v == Verdict::Ok), "{check}: {verdicts:?}");
    }
    assert_eq!(schools, 250);
    let pages = u64::try_from(s.microsoft.accounts().div_ceil(999)).unwrap();
    assert!(pages > 10, "enough accounts to turn pages: {pages}");
    assert_eq!(s.served(TOKEN), 1);
    assert_eq!((s.served(USERS), s.served(DELTA)), (pages, 1));
    // A token, health, organisation, licences, a link to changes; sites; pages of accounts.
    assert_eq!(s.requests(), 5 + 250 + pages, "{:?}", s.running.served());

    s.clock.forward(600);
    let before = s.requests();
    let seen = s.sweep().await;
    assert!(seen.iter().all(|o| o.verdict == Verdict::Ok));
    assert_eq!(s.requests() - before, 4 + 250, "no token, and one request for what changed");
    let text = format!("{seen:?}");
    assert!(PERSONAL_NAMES.iter().all(|name| !text.contains(name)));
    let surnames = PERSONAL_NAMES.iter().filter_map(|n| n.split(' ').next_back());
    assert!(surnames.map(str::to_lowercase).all(|n| !text.to_lowercase().contains(&n)));
}

#[tokio::test]
async fn a_secret_and_a_certificate_are_both_let_in_and_refused_for_their_own_reasons() {
    let by_certificate =
        "authentication = \"certificate\"\ncredential = \"welearn365.certificate\"\n";
    for more in ["", by_certificate] {
        let s = scene(Scenario::Calm, 4, more).await;
        assert!(s.sweep().await.iter().all(|o| o.verdict == Verdict::Ok), "{more}");
    }
    let s = scene(Scenario::Calm, 4, by_certificate).await;
    s.microsoft.set_fault(GraphFault::CertificateUnknown);
    let seen = s.ask("sign_in").await;
    assert_eq!(seen.verdict, Verdict::Unknown(Reason::Unauthorised));
    assert!(seen.detail.as_str().contains("must upload it"), "{}", seen.detail);
    // The wrong kind of credential for the setting.
    for (more, part) in [
        ("credential = \"welearn365.certificate\"\n", "authentication = \"certificate\""),
        ("authentication = \"certificate\"\n", "exactly one private key"),
    ] {
        let s = scene(Scenario::Calm, 4, more).await;
        let seen = s.ask("sign_in").await;
        assert!(seen.detail.as_str().contains(part), "{}", seen.detail);
        assert_eq!(s.requests(), 0);
    }
}

#[tokio::test]
async fn a_right_that_is_taken_away_is_missed_with_the_next_token() {
    let s = scene(Scenario::Calm, 4, "").await;
    assert!(s.sweep().await.iter().all(|o| o.verdict == Verdict::Ok));
    let all =
        ["ServiceHealth.Read.All", "Organization.Read.All", "User.Read.All", "Sites.Read.All"];
    for (missing, checks) in [
        ("ServiceHealth.Read.All", &["service_health", "sign_in"][..]),
        ("Organization.Read.All", &["directory_sync", "licences"]),
        ("User.Read.All", &["provisioning"]),
        ("Sites.Read.All", &["site"]),
    ] {
        let rest: Vec<&str> = all.into_iter().filter(|r| *r != missing).collect();
        s.microsoft.consent(&rest);
        s.running.forget_tokens();
        s.clock.forward(600);
        for (check, verdicts) in by_check(&s.sweep().await) {
            let wanted = match checks.contains(&check.as_str()) {
                true => Verdict::Unknown(Reason::Unauthorised),
                false => Verdict::Ok,
            };
            assert!(verdicts.iter().all(|v| *v == wanted), "{missing} {check}: {verdicts:?}");
        }
        let seen = s.ask(checks[0]).await;
        let right = if missing.starts_with("Sites") { "Sites" } else { missing };
        assert!(seen.detail.as_str().contains(right), "{}", seen.detail);
    }
}

/// For each fault: which check it is about, what that says then, and a piece of the sentence.
fn expected(fault: GraphFault) -> (&'static str, Verdict, &'static str) {
    use GraphFault as F;
    let unknown = Verdict::Unknown;
    let (refused, malformed, throttled, silent) = (
        unknown(Reason::Unauthorised),
        unknown(Reason::Malformed),
        unknown(Reason::Throttled),
        unknown(Reason::NoAnswer),
    );
    match fault {
        F::SecretExpired => ("sign_in", refused, "has expired"),
        F::SecretWrong => ("sign_in", refused, "is wrong"),
        F::AppUnknown => ("sign_in", refused, "no such app"),
        // Nothing for an app with a secret.
        F::CertificateUnknown => ("sign_in", Verdict::Ok, ""),
        F::AppDisabled => ("sign_in", refused, "switched off"),
        F::SignInThrottled => ("sign_in", throttled, "wait"),
        F::TokenRefused => ("sign_in", refused, "it had just given us"),
        F::HealthDegraded => ("service_health", Verdict::Warning, "incident EX900611"),
        F::HealthInterrupted => ("sign_in", Verdict::Critical, "incident MO900612"),
        F::HealthLowerCamel | F::HealthUpperCamel => ("service_health", Verdict::Ok, "no trouble"),
        F::HealthNewWord => ("service_health", malformed, "serviceDozing"),
        F::HealthReservedWord => ("service_health", malformed, "mitigated"),
        F::HealthSentinel => ("service_health", malformed, "unknownFutureValue"),
        F::IssuesLeftOut => ("service_health", Verdict::Ok, "no trouble"),
        F::HealthContradiction => ("service_health", malformed, "incident EX900611"),
        // Age is judged by the board; the observation is well and tells the time.
        F::SyncLate | F::SyncStale | F::SyncAhead => ("directory_sync", Verdict::Ok, "is on"),
        F::SyncOff => ("directory_sync", Verdict::Critical, "switched off"),
        F::SyncNever => ("directory_sync", unknown(Reason::NeverSeen), "never synced"),
        F::SyncUnrun => ("directory_sync", unknown(Reason::NeverSeen), "never run"),
        F::LicencesWarning => ("licences", Verdict::Warning, "grace period"),
        F::LicencesSuspended => ("licences", Verdict::Critical, "suspended"),
        F::LicencesUsedUp => ("licences", Verdict::Critical, "more in use than there are"),
        F::EmptyPage => ("provisioning", Verdict::Ok, "no provisioning error"),
        F::ForeignLink => ("provisioning", malformed, "graph.microsoft.com.example.net"),
        F::LoopingLink => ("provisioning", malformed, "leads back"),
        F::PropertiesLeftOut => ("provisioning", malformed, "lacks onPremisesDistinguishedName"),
        F::CountLeftOut => ("provisioning", malformed, "did not count"),
        F::ListCutShort => ("provisioning", malformed, "incomplete: 999 of"),
        F::DeltaGone | F::DeltaStateLost | F::DeltaUnsupported | F::DeltaReplay => {
            ("provisioning", Verdict::Ok, "no provisioning error")
        }
        F::RetryAfterDecimal => ("directory_sync", throttled, "wait 1 s"),
        F::RetryAfterDate => ("directory_sync", throttled, "wait 20 s"),
        F::RetryAfterAbsent => ("directory_sync", throttled, "asks us to wait"),
        F::Busy => ("directory_sync", throttled, "wait 20 s"),
        F::Bandwidth => ("directory_sync", throttled, "wait 9 s"),
        F::Gateway => ("directory_sync", silent, "502 with a web page"),
        // Nothing by themselves: they dress other errors.
        F::InnerErrorLower | F::InnerErrorAbsent | F::ErrorEmpty => {
            ("directory_sync", Verdict::Ok, "is on")
        }
        // Of single accounts that are asked for: nothing that the board sees.
        F::SyncSkips | F::SyncFails | F::SyncHalfFails | F::SyncIdles | F::SyncGarbled => {
            ("directory_sync", Verdict::Ok, "is on")
        }
        F::SitesLocked => ("site", Verdict::Critical, "locked"),
        F::SitesArchived => ("site", Verdict::Critical, "archived"),
        F::SitesDenied => ("site", refused, "Sites.Selected"),
    }
}

#[tokio::test]
async fn every_fault_of_microsofts_is_told_for_what_it_is() {
    // Enough accounts for two pages.
    let mut s = scene(Scenario::Calm, 24, "").await;
    assert!(s.microsoft.accounts() > 999, "{}", s.microsoft.accounts());
    for &fault in GraphFault::ALL {
        let (check, verdict, part) = expected(fault);
        // As a new agent, with the accounts read before the fault, and with them unread.
        for read_before in [false, true] {
            s.anew();
            if read_before && fault.name().starts_with("delta") {
                assert_eq!(s.ask(check).await.verdict, Verdict::Ok);
            }
            s.microsoft.set_fault(fault);
            let seen = s.ask(check).await;
            s.microsoft.clear_fault(fault);
            assert_eq!(seen.verdict, verdict, "{fault:?} {read_before}: {}", seen.detail);
            assert!(seen.detail.as_str().contains(part), "{fault:?}: {}", seen.detail);
            // What is asked for by us is over before the next fault begins.
            s.clock.forward(301);
        }
    }
    s.anew();
    assert!(s.sweep().await.iter().all(|o| o.verdict == Verdict::Ok), "all is mended");
}

#[tokio::test]
async fn errors_are_understood_however_they_are_dressed() {
    use GraphFault as F;
    for dress in [F::InnerErrorLower, F::InnerErrorAbsent, F::ErrorEmpty] {
        let mut s = scene(Scenario::Calm, 4, "").await;
        s.microsoft.set_fault(dress);
        s.microsoft.set_fault(F::RetryAfterDate);
        let seen = s.ask("licences").await;
        assert_eq!(seen.verdict, Verdict::Unknown(Reason::Throttled), "{dress:?}: {}", seen.detail);
        s.microsoft.clear_fault(F::RetryAfterDate);
        s.microsoft.consent(&["User.Read.All"]);
        s.anew();
        let seen = s.ask("licences").await;
        assert_eq!(seen.verdict, Verdict::Unknown(Reason::Unauthorised), "{dress:?}");
        assert!(seen.detail.as_str().contains("Organization.Read.All"), "{}", seen.detail);
    }
}

#[tokio::test]
async fn however_eagerly_we_ask_microsofts_published_limits_are_kept() {
    let s = scene(Scenario::Calm, 4, "").await;
    s.running.enforce_published_limits();
    let mut verdicts: BTreeMap<&str, u32> = BTreeMap::new();
    // Three hours of somebody who refreshes every five seconds.
    for _ in 0..(3 * 720) {
        let seen = s.ask("service_health").await;
        let word = match seen.verdict {
            Verdict::Ok => "ok",
            Verdict::Unknown(Reason::Throttled) => "kept back",
            other => panic!("{other:?}: {}", seen.detail),
        };
        if word == "kept back" {
            let by_us = seen.detail.as_str().contains("keeps to 600 calls an hour");
            assert!(by_us, "Microsoft never has to say it: {}", seen.detail);
        }
        *verdicts.entry(word).or_default() += 1;
        s.clock.forward(5);
    }
    // The time that the test itself takes lets a few more through.
    let served = s.served(HEALTH);
    assert!((1_700..2_100).contains(&served), "600 an hour: {served} {verdicts:?}");
    assert!(s.served(TOKEN) <= 4, "{}", s.served(TOKEN));
}

#[tokio::test]
async fn accounts_that_are_held_back_come_and_go_for_one_request_each_time() {
    let s = scene(Scenario::Calm, 30, "").await;
    let school = s.schools()[3];
    let (users, total) = (s.ask_of("provisioning", school).await, s.microsoft.accounts_of(school));
    assert_eq!(users.detail.as_str(), format!("no provisioning error among {total} accounts"));
    let whole = s.served(USERS);
    let later = async |what: &str, verdict: Verdict, part: &str| {
        s.clock.forward(3_600);
        let before = s.served(DELTA);
        let seen = s.ask_of("provisioning", school).await;
        assert_eq!(seen.verdict, verdict, "{what}: {}", seen.detail);
        assert!(seen.detail.as_str().contains(part), "{what}: {}", seen.detail);
        (s.served(DELTA) - before, s.served(USERS) - whole)
    };
    s.microsoft.hold_back(school, 2);
    assert_eq!(later("two", Verdict::Warning, "2 of").await, (1, 0));
    s.microsoft.hold_back(school, 30);
    assert_eq!(later("thirty", Verdict::Critical, "30 of").await, (1, 0));
    s.microsoft.hold_back(school, 1);
    assert_eq!(later("one", Verdict::Warning, "1 of").await, (1, 0));
    // The last of them leaves.
    s.microsoft.delete_account(school, 0, true);
    assert_eq!(later("deleted", Verdict::Ok, "no provisioning error").await, (1, 0));
    s.microsoft.set_fault(GraphFault::DeltaReplay);
    s.microsoft.set_fault(GraphFault::EmptyPage);
    s.microsoft.hold_back(school, 3);
    assert_eq!(later("replayed", Verdict::Warning, "2 of").await, (2, 0), "an empty page first");
    s.microsoft.hold_back(school, 0);
    assert_eq!(later("replayed again", Verdict::Ok, "no provisioning").await, (2, 0));
    s.microsoft.clear_fault(GraphFault::EmptyPage);
    // A week without a question: the token is too old, and all is read again.
    s.clock.forward(8 * 86_400);
    s.microsoft.hold_back(school, 5);
    assert_eq!(later("after a week", Verdict::Warning, "4 of").await, (1, whole));
    // The same within a day: Microsoft has forgotten.
    s.microsoft.set_fault(GraphFault::DeltaGone);
    s.microsoft.hold_back(school, 0);
    assert_eq!(later("gone", Verdict::Ok, "no provisioning error").await, (2, 2 * whole));
}

#[tokio::test]
async fn a_token_that_ends_in_mid_sweep_costs_one_token_and_no_answer() {
    let s = scene(Scenario::Calm, 40, "").await;
    s.sweep().await;
    assert_eq!(s.served(TOKEN), 1);
    s.running.forget_tokens();
    s.clock.forward(60);
    assert!(s.sweep().await.iter().all(|o| o.verdict == Verdict::Ok));
    assert_eq!(s.served(TOKEN), 2);
    // Renewed before it ends, without a refused call.
    let before = s.requests();
    s.clock.forward(s.microsoft.token_lives().as_secs().unsigned_abs() - 299);
    assert_eq!(s.ask("directory_sync").await.verdict, Verdict::Ok);
    assert_eq!((s.served(TOKEN), s.requests() - before), (3, 2));
}

#[tokio::test]
async fn a_morning_has_a_school_whose_accounts_are_held_back_and_one_without_a_site() {
    let s = scene(Scenario::Morning, 60, "").await;
    let seen = s.sweep().await;
    let troubled = |check: &str| -> BTreeSet<String> {
        let own = seen.iter().filter(|o| o.check.name() == check && o.verdict != Verdict::Ok);
        own.map(|o| format!("{} {:?}", o.target, o.verdict)).collect()
    };
    let held = troubled("provisioning");
    assert_eq!(held.len(), 1, "{held:?}");
    assert!(held.iter().all(|h| h.ends_with("Warning")), "{held:?}");
    assert_eq!(troubled("site").len(), 1);
    assert!(troubled("licences").is_empty() && troubled("directory_sync").is_empty());
}
