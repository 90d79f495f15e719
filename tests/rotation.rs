//! A vendor changes a secret, and the desk stores the new one: the services go on by themselves.
#![cfg(test)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test outside the program has only the real clock"
)]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use caretaker::model::estate::Estate;
use caretaker::model::health::Reason;
use caretaker::model::ids::CredentialName;
use caretaker::model::observation::Verdict;
use caretaker::ports::clock::{Boxed, Clock};
use caretaker::ports::watch::{Job, Watch};
use caretaker::secrets::SecretStores;
use caretaker::services::{Context, SERVICES};
use caretaker::simulators::{Plan, Running, Scenario, start};
use caretaker::transport::{Transport, TransportSettings, install_tls};
use jiff::{SignedDuration, Timestamp};

/// The real clock, moved on by hand so that a pause between two tries need not be waited for.
struct Moved {
    began: Instant,
    seconds: AtomicI64,
}

impl Moved {
    fn advance(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_secs(self.seconds.load(Ordering::SeqCst))
    }
    fn monotonic(&self) -> Duration {
        let moved = u64::try_from(self.seconds.load(Ordering::SeqCst)).unwrap();
        self.began.elapsed() + Duration::from_secs(moved)
    }
    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }
    fn chance(&self) -> f64 {
        0.5
    }
}

fn write(path: &Path, value: &str) {
    std::fs::write(path, value).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
}

/// A key and a certificate, and a JWK, made for tests and used nowhere else.
const OTHER_KEY: &str = include_str!("../src/services/welearn365/examples/rsa_made_for_tests.pem");
const OTHER_JWK: &str = include_str!("../src/services/redstor/examples/jwk_made_for_tests.json");

/// The key with a certificate of its own, as an administrator makes a new pair.
fn other_pair() -> String {
    let key = rcgen::KeyPair::from_pem_and_sign_algo(OTHER_KEY, &rcgen::PKCS_RSA_SHA256).unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2050, 1, 1);
    format!("{OTHER_KEY}{}", params.self_signed(&key).unwrap().pem())
}

fn settings(key: &str, credential: &str, vendors: &Running) -> String {
    let facts = &vendors.invented.facts;
    let ca = vendors.ca_file.display();
    let at = |key: &str| format!("{{ url = '{}', ca_file = '{ca}' }}", vendors.urls[key]);
    match key {
        "welearn365" => format!(
            "tenant_id = '{}'\nclient_id = '{}'\ngraph = {}\nlogin = {}\n{}",
            facts.tenant_id,
            facts.client_id,
            at("welearn365"),
            at("welearn365.login"),
            match credential {
                "welearn365" => String::new(),
                other => format!("authentication = 'certificate'\ncredential = '{other}'"),
            }
        ),
        "redstor" if credential == "redstor.jwk" => format!(
            "api = 'redapi'\ncredential = '{credential}'\nclient_id = '{}'\ncompany_id = '{}'\n\
             redapi = {}\nlogin = {}",
            facts.redapi_client_id,
            facts.redapi_company_id,
            at("redstor.redapi"),
            at("redstor.token")
        ),
        "groupcall" => format!(
            "relying_party = '{}'\nxod = {}\nlogin = {}",
            facts.relying_party,
            at("groupcall"),
            at("groupcall.token")
        ),
        _ => format!(
            "api = 'storage_platform'\nuser = '{}'\nstorage_platform = {}",
            facts.redstor_user,
            at("redstor")
        ),
    }
}

/// Whether the first target of `job` is well, or which unknown it is.
async fn health(watch: &Arc<dyn Watch>, job: &Job, clock: &Moved) -> Result<(), Reason> {
    let seen = watch.poll(job, clock.now()).await;
    match seen.first().map(|o| (o.verdict, o.detail.clone())) {
        Some((Verdict::Unknown(reason), _)) => Err(reason),
        Some(_) => Ok(()),
        None => panic!("no answer to {}", job.id),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_secret_is_taken_up_without_a_restart() {
    install_tls();
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o700)).unwrap();
    let clock = Arc::new(Moved { began: Instant::now(), seconds: AtomicI64::new(0) });
    let time = clock.clone();
    let plan = Plan {
        schools: 3,
        seed: 4,
        scenario: Scenario::Calm,
        folder: dir.path().join("vendors"),
        clock: Arc::new(move || time.now()),
    };
    let vendors = start(plan).await.unwrap();
    let mut files: BTreeMap<CredentialName, _> = BTreeMap::new();
    for (name, value) in &vendors.invented.credentials {
        let path = dir.path().join(name);
        write(&path, value);
        files.insert(name.parse().unwrap(), path);
    }
    let schools: std::collections::BTreeMap<_, _> =
        vendors.invented.schools.iter().map(|s| (s.laestab, s.clone())).collect();
    let subscriptions = vendors.invented.subscriptions.clone();
    let (schools, subscriptions) = (schools.into(), subscriptions.into());
    let estate = Estate { schools, subscriptions, ..Estate::default() };
    let context = Context {
        programs: Arc::new(caretaker::sys::SystemPrograms::new(clock.clone())),
        transport: Transport::new(TransportSettings::default(), clock.clone()),
        clock: clock.clone(),
        secrets: Arc::new(SecretStores::files_only(files)),
        estate: Arc::new(estate),
        folder: dir.path().to_owned(),
        known: std::sync::Arc::new(caretaker::services::LateKnown::default()),
        tickets: None,
        entropy: Arc::new(caretaker::sys::SystemEntropy),
    };
    let school = vendors.invented.schools[0].laestab;
    let (own, health_job) = (|name: &str| name.to_owned(), "health".to_owned());
    for (key, job, credential, new) in [
        ("welearn365", health_job.clone(), own("welearn365"), own("brand-new")),
        ("welearn365", health_job, own("welearn365.certificate"), other_pair()),
        ("groupcall", format!("authorisation/{school}"), format!("xod.{school}"), own("brand-new")),
        ("redstor", String::new(), own("redstor"), own("brand-new")),
        ("redstor", String::new(), own("redstor.jwk"), own(OTHER_JWK)),
    ] {
        let what = format!("{key} with {credential}");
        let service = SERVICES.iter().find(|s| s.key == key).unwrap();
        let table: toml::Table = toml::from_str(&settings(key, &credential, &vendors)).unwrap();
        let inline = toml::Value::Table(table).to_string();
        let read = toml::de::ValueDeserializer::parse(&inline).unwrap();
        let watch = ((service.configure)(read).unwrap().build)(&context).unwrap();
        let jobs = watch.jobs();
        let job = jobs.iter().find(|j| *j.id == *job).unwrap_or(&jobs[0]);
        assert_eq!(health(&watch, job, &clock).await, Ok(()), "{what} at first");
        vendors.change_credential(&credential, &new);
        assert_eq!(health(&watch, job, &clock).await, Err(Reason::Unauthorised), "{what}");
        write(&dir.path().join(&credential), &new);
        // The pause after a refusal, so that a wrong secret does not lock an account.
        clock.advance(31);
        assert_eq!(health(&watch, job, &clock).await, Ok(()), "{what} renewed");
    }
    vendors.stop().await;
}
