//! The three checks from end to end, against the simulated controllers: what the board is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use caretaker::model::estate::Estate;
use caretaker::model::health::Reason;
use caretaker::model::ids::{CredentialName, Laestab};
use caretaker::model::observation::{Observation, Target, Verdict};
use caretaker::model::school::{School, Subscription};
use caretaker::ports::clock::{Boxed, Clock};
use caretaker::ports::secrets::{Found, SecretError, SecretPlace, Secrets};
use caretaker::ports::watch::Watch;
use caretaker::services::{Context, SERVICES};
use caretaker::simulators::{Fault, PERSONAL_NAMES, Plan, Running, Scenario, start};
use caretaker::sys::SystemClock;
use caretaker::transport::{Transport, TransportSettings, install_tls};
use jiff::{SignedDuration, Timestamp};

const NOW: &str = "2027-02-02T09:10:00Z";

/// A time of day that tests set; time that passes is real.
pub struct Hands {
    now: Mutex<Timestamp>,
    real: SystemClock,
}

impl Hands {
    pub fn at(now: &str) -> Arc<Self> {
        Arc::new(Self { now: Mutex::new(now.parse().unwrap()), real: SystemClock::new() })
    }

    pub fn forward(&self, by: SignedDuration) {
        *self.now.lock().unwrap() += by;
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }
    fn monotonic(&self) -> Duration {
        self.real.monotonic()
    }
    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        self.real.sleep(span)
    }
    fn chance(&self) -> f64 {
        0.5
    }
}

/// Passwords by name.
pub struct Kept(pub Mutex<BTreeMap<String, String>>);

impl Secrets for Kept {
    fn find(&self, name: &CredentialName) -> Result<Found, SecretError> {
        match self.0.lock().unwrap().get(name.as_str()) {
            Some(value) => Ok(Found { value: value.clone().into(), place: SecretPlace::File }),
            None => Err(SecretError::Missing { name: name.clone(), asked: "nowhere".into() }),
        }
    }
}

/// Simulators, and the service that asks them.
pub struct Stage {
    pub running: Running,
    clock: Arc<Hands>,
    pub secrets: Arc<Kept>,
    _folder: tempfile::TempDir,
}

impl Stage {
    pub async fn new(scenario: Scenario, schools: usize) -> Self {
        install_tls();
        let folder = tempfile::tempdir().unwrap();
        let clock = Hands::at(NOW);
        let hands = clock.clone();
        let running = start(Plan {
            schools,
            seed: 23,
            scenario,
            folder: folder.path().join("vendors"),
            clock: Arc::new(move || hands.now()),
        })
        .await
        .unwrap();
        let secrets = Arc::new(Kept(Mutex::new(running.invented.credentials.clone())));
        Self { running, clock, secrets, _folder: folder }
    }

    pub fn settings(&self, extra: &str) -> String {
        let facts = &self.running.invented.facts;
        format!(
            "tenant_id = \"{}\"\nclient_id = \"{}\"\n[directory]\ncontrollers = [\"{}\", \"{}\"]\n\
             ca_file = \"{}\"\nbind_as = \"{}\"\nschools = \"{}\"\n{extra}",
            facts.tenant_id,
            facts.client_id,
            self.running.urls["welearn365.dc1"],
            self.running.urls["welearn365.dc2"],
            self.running.ca_file.display(),
            facts.directory_account,
            facts.directory_schools,
        )
    }

    fn watch(&self, extra: &str) -> Arc<dyn Watch> {
        self.watch_by(&self.settings(extra))
    }

    /// What watches by these settings.
    pub fn watch_by(&self, settings: &str) -> Arc<dyn Watch> {
        let invented = &self.running.invented;
        let estate = Estate {
            schools: invented.schools.iter().map(|s| (s.laestab, s.clone())).collect(),
            subscriptions: invented.subscriptions.clone().into(),
            ..Estate::default()
        };
        built(settings, estate, self.clock.clone(), self.secrets.clone()).unwrap()
    }
}

/// WeLearn365 with these settings, or the text of the error.
pub fn built(
    settings: &str,
    estate: Estate,
    clock: Arc<dyn Clock>,
    secrets: Arc<dyn Secrets>,
) -> Result<Arc<dyn Watch>, String> {
    install_tls();
    let service = SERVICES.iter().find(|s| s.key == "welearn365").unwrap();
    let table: toml::Table = toml::from_str(settings).map_err(|e| e.to_string())?;
    let inline = toml::Value::Table(table).to_string();
    let table = toml::de::ValueDeserializer::parse(&inline).map_err(|e| e.to_string())?;
    let configured = (service.configure)(table).map_err(|e| e.to_string())?;
    let context = Context {
        programs: Arc::new(caretaker::sys::SystemPrograms::new(clock.clone())),
        transport: Transport::new(TransportSettings::default(), clock.clone()),
        clock,
        secrets,
        estate: Arc::new(estate),
        folder: std::path::PathBuf::new(),
        known: std::sync::Arc::new(caretaker::services::LateKnown::default()),
        tickets: None,
        entropy: Arc::new(caretaker::sys::SystemEntropy),
    };
    (configured.build)(&context).map_err(|e| e.to_string())
}

/// An estate of schools with these OUs.
pub fn estate(schools: &[(&str, Option<&str>)]) -> Estate {
    let mut estate = Estate::default();
    for (laestab, ou) in schools {
        let id: Laestab = laestab.parse().unwrap();
        let school: School = serde_json::from_value(serde_json::json!({
            "laestab": laestab, "name": format!("School {laestab}"),
            "urn": null, "pupils": 200, "opened": null
        }))
        .unwrap();
        estate.schools.insert(id, school);
        let subscription = Subscription {
            services: ["welearn365", "smoothwall"].map(|s| s.parse().unwrap()).into(),
            parameters: ou
                .iter()
                .map(|ou| ("welearn365.ou".to_owned(), (*ou).to_owned()))
                .collect(),
            ..Subscription::default()
        };
        estate.subscriptions.insert(id, subscription);
    }
    estate
}

/// What the job brings. Every target must be answered once.
pub async fn poll(watch: &dyn Watch, id: &str) -> Vec<Observation> {
    let jobs = watch.jobs();
    let job = jobs.iter().find(|j| &*j.id == id).unwrap();
    let seen = watch.poll(job, NOW.parse().unwrap()).await;
    let mut targets: Vec<Target> = seen.iter().map(|o| o.target).collect();
    targets.sort();
    assert_eq!(targets, job.targets.to_vec(), "{id}");
    for o in &seen {
        let text = format!("{o:?}");
        assert!(!o.detail.is_empty() && o.check == job.checks[0]);
        let names = PERSONAL_NAMES.iter().flat_map(|n| n.split(' '));
        assert!(names.clone().all(|n| !text.contains(n)), "a name leaked: {text}");
    }
    seen
}

fn number(o: &Observation, name: &str) -> Option<f64> {
    o.numbers.iter().find(|n| n.name.as_str() == name).map(|n| n.value)
}

#[tokio::test]
async fn a_calm_directory_is_well_and_few_requests_answer_for_all_schools() {
    let stage = Stage::new(Scenario::Calm, 250).await;
    let watch = stage.watch("");
    let accounts = poll(&*watch, "accounts").await;
    assert_eq!(accounts.len(), 250);
    let mut all = 0.0;
    for o in &accounts {
        assert_eq!(o.verdict, Verdict::Ok, "{}", o.detail);
        let (n, enabled) = (number(o, "accounts").unwrap(), number(o, "enabled").unwrap());
        assert!(n >= 8.0 && enabled < n && enabled + number(o, "disabled").unwrap() == n);
        assert_eq!(number(o, "locked"), Some(0.0), "a lock that has run out is none");
        all += n;
    }
    assert!(all > 3_000.0, "{all}");
    let served = stage.running.served();
    // Itself, the policy, the OUs (751), whether locks are seen, everybody, the locked, those without
    // mail: 500 entries a page.
    let pages = |n: f64| (n / 500.0).ceil();
    let searches = served["welearn365.dc1 SEARCH"];
    #[expect(clippy::cast_precision_loss, reason = "a few dozen")]
    let asked = searches as f64;
    assert!(asked <= 2.0 + 2.0 + 1.0 + pages(all) + 1.0 + 2.0, "{asked} for {all} accounts");
    assert_eq!(served["welearn365.dc1 BIND"], 1);
    assert!(!served.contains_key("welearn365.dc2 SEARCH"), "one controller is enough");

    for o in poll(&*watch, "lockouts").await {
        assert_eq!(o.verdict, Verdict::Ok, "{}", o.detail);
    }
    let seen = poll(&*watch, "controllers").await;
    assert_eq!(seen[0].verdict, Verdict::Ok, "{}", seen[0].detail);
    assert_eq!(seen[0].detail.as_str(), "2 of 2 controllers answer");
    assert_eq!(stage.running.served()["welearn365.dc2 BIND"], 1);
}

#[tokio::test]
async fn accounts_of_no_school_are_told_as_not_watched() {
    let stage = Stage::new(Scenario::Calm, 20).await;
    let invented = &stage.running.invented;
    let left_out = [1, 4].map(|n| invented.schools[n].laestab);
    let kept = |laestab: &Laestab| !left_out.contains(laestab);
    let estate = Estate {
        schools: invented
            .schools
            .iter()
            .filter(|s| kept(&s.laestab))
            .map(|s| (s.laestab, s.clone()))
            .collect(),
        subscriptions: invented
            .subscriptions
            .iter()
            .filter(|(laestab, _)| kept(laestab))
            .map(|(laestab, s)| (*laestab, s.clone()))
            .collect::<std::collections::BTreeMap<_, _>>()
            .into(),
        ..Estate::default()
    };
    let (clock, secrets) = (stage.clock.clone(), stage.secrets.clone());
    let watch = built(&stage.settings(""), estate, clock, secrets).unwrap();
    assert_eq!(watch.found(), [], "nothing was counted yet");
    let seen = poll(&*watch, "accounts").await;
    assert_eq!(seen.len(), 18);
    assert!(seen.iter().all(|o| o.verdict == Verdict::Ok), "the others are well");
    let found = watch.found();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].what.as_str(), "welearn365 accounts of no school");

    let all = stage.watch("");
    let seen = poll(&*all, "accounts").await;
    assert_eq!(all.found(), [], "each account has its school");
    let strays = |o: &&Observation| matches!(o.target, Target::School(l) if !kept(&l));
    let accounts: f64 = seen.iter().filter(strays).map(|o| number(o, "accounts").unwrap()).sum();
    let why = found[0].why.as_str();
    assert!(why.starts_with(&format!("{accounts} are in no school's OU (")), "{accounts}: {why}");
    assert_eq!(why.matches("-200").count(), 2, "the folders are named: {why}");
}

#[tokio::test]
async fn a_morning_has_a_spray_a_lost_ou_and_a_school_without_an_open_account() {
    let stage = Stage::new(Scenario::Morning, 60).await;
    let watch = stage.watch("");
    let of = |seen: &[Observation], verdict| -> Vec<Observation> {
        seen.iter().filter(|o| o.verdict == verdict).cloned().collect()
    };
    let lockouts = poll(&*watch, "lockouts").await;
    let spray = of(&lockouts, Verdict::Warning);
    assert_eq!(spray.len(), 1);
    assert_eq!(
        spray[0].detail.as_str(),
        "14 accounts were locked out within 5m (more than 10 within 15m): is somebody trying \
         passwords (a password spray)?"
    );
    assert_eq!(spray[0].since.unwrap().to_string(), "2027-02-02T09:00:00Z");
    assert_eq!(number(&spray[0], "locked_at_once"), Some(14.0));

    let accounts = poll(&*watch, "accounts").await;
    let lost = of(&accounts, Verdict::Unknown(Reason::NeverSeen));
    assert_eq!(lost.len(), 1);
    assert!(lost[0].detail.as_str().starts_with("the directory has no OU="), "{}", lost[0].detail);
    assert!(lost[0].numbers.is_empty());
    // Nothing is known of its lockouts either: none found is not none there.
    let also = of(&lockouts, Verdict::Unknown(Reason::NeverSeen));
    assert_eq!(also.iter().map(|o| o.target).collect::<Vec<_>>(), [lost[0].target]);
    let closed = of(&accounts, Verdict::Critical);
    assert_eq!(closed.len(), 1);
    assert!(closed[0].detail.as_str().contains("is enabled: nobody can sign in"));
    assert_eq!(number(&closed[0], "enabled"), Some(0.0));
    assert_eq!(of(&accounts, Verdict::Ok).len(), 58);

    // Later the same accounts are still locked, but nobody new: the warning ends.
    stage.clock.forward(SignedDuration::from_mins(59));
    let still = of(&poll(&*watch, "lockouts").await, Verdict::Warning);
    assert_eq!(still.len(), 1, "remembered for two hours");
    let mild = stage.watch("spray_accounts = 14");
    assert!(
        of(&poll(&*mild, "lockouts").await, Verdict::Warning).is_empty(),
        "14 are not more than 14"
    );
    let short = stage.watch("spray_within = \"5m\"\nspray_remembered = \"20m\"");
    assert!(of(&poll(&*short, "lockouts").await, Verdict::Warning).is_empty(), "long ago");
}

#[tokio::test]
async fn every_fault_of_both_controllers_is_unknown_for_everybody() {
    let stage = Stage::new(Scenario::Calm, 6).await;
    let watch = stage.watch("operation_timeout = \"2s\"");
    for (fault, reason) in [
        (Fault::Down, Reason::NoAnswer),
        (Fault::Slow(60_000), Reason::NoAnswer),
        (Fault::Html200, Reason::Malformed),
        (Fault::ErrorInside200, Reason::Malformed),
        (Fault::Empty200, Reason::Malformed),
        (Fault::HalfSent, Reason::NoAnswer),
        (Fault::Throttled(30), Reason::Throttled),
        (Fault::Unauthorised, Reason::Unauthorised),
    ] {
        // Its own watcher: breakers remember.
        let watch = if fault == Fault::Slow(60_000) { watch.clone() } else { stage.watch("") };
        for key in ["welearn365.dc1", "welearn365.dc2"] {
            stage.running.set_fault(key, None, fault);
        }
        for job in ["accounts", "lockouts", "controllers"] {
            for o in poll(&*watch, job).await {
                assert_eq!(o.verdict, Verdict::Unknown(reason), "{fault:?} {job}: {}", o.detail);
                assert!(
                    o.numbers
                        .iter()
                        .all(|n| n.name.as_str().contains("controllers") || n.value == 0.0)
                );
            }
        }
    }
}

#[tokio::test]
async fn one_controller_that_fails_is_passed_over_and_told() {
    let stage = Stage::new(Scenario::Calm, 6).await;
    for fault in [Fault::Down, Fault::HalfSent, Fault::Throttled(9)] {
        let watch = stage.watch("");
        stage.running.set_fault("welearn365.dc1", None, fault);
        for o in poll(&*watch, "accounts").await {
            assert_eq!(o.verdict, Verdict::Ok, "{fault:?}: {}", o.detail);
            let told = format!("{:?}", o.evidence);
            let (one, two) =
                (&stage.running.urls["welearn365.dc1"], &stage.running.urls["welearn365.dc2"]);
            assert!(
                told.contains("passed over") && told.contains(one) && told.contains(two),
                "{told}"
            );
        }
        let seen = &poll(&*watch, "controllers").await[0];
        assert_eq!(seen.verdict, Verdict::Warning, "{}", seen.detail);
        assert!(seen.detail.as_str().starts_with("1 of 2 controllers answer; "), "{}", seen.detail);
    }
    // What one refuses, the other would refuse as well: it is not asked with the same password.
    let watch = stage.watch("");
    stage.running.set_fault("welearn365.dc1", None, Fault::Unauthorised);
    let before = stage.running.served()["welearn365.dc2 BIND"];
    let seen = poll(&*watch, "accounts").await;
    assert_eq!(seen[0].verdict, Verdict::Unknown(Reason::Unauthorised));
    assert!(seen[0].detail.as_str().contains("the account is disabled"), "{}", seen[0].detail);
    assert_eq!(stage.running.served()["welearn365.dc2 BIND"], before);
}

#[tokio::test]
async fn a_wrong_or_missing_password_says_so_and_a_new_one_works_at_once() {
    let stage = Stage::new(Scenario::Calm, 6).await;
    let watch = stage.watch("");
    let set = |value: Option<&str>| {
        let mut kept = stage.secrets.0.lock().unwrap();
        match value {
            Some(value) => drop(kept.insert("welearn365.directory".into(), value.into())),
            None => drop(kept.remove("welearn365.directory")),
        }
    };
    let right = stage.running.invented.credentials["welearn365.directory"].clone();
    for (password, words) in [
        (None, "caretaker secret set welearn365.directory"),
        (Some(""), "is empty, and is not sent"),
        (Some("made-up-and-wrong"), "name or password is wrong"),
    ] {
        set(password);
        let seen = poll(&*watch, "lockouts").await;
        assert_eq!(seen[0].verdict, Verdict::Unknown(Reason::Unauthorised));
        let said = seen[0].detail.as_str();
        assert!(said.contains(words) && !said.contains("made-up-and-wrong"), "{said}");
    }
    for job in ["accounts", "lockouts", "controllers", "accounts", "lockouts"] {
        assert_eq!(poll(&*watch, job).await[0].verdict, Verdict::Unknown(Reason::Unauthorised));
    }
    assert_eq!(stage.running.served()["welearn365.dc1 BIND"], 1, "tried once only");
    set(Some(&right));
    assert_eq!(poll(&*watch, "accounts").await[0].verdict, Verdict::Ok);
}

#[tokio::test]
async fn what_cannot_be_watched_is_listed_with_its_reason() {
    let schools = [
        ("9992001", Some("OU=Ash,OU=Schools,DC=x")),
        ("9992002", None),
        ("9992003", Some("OU=Elm,OU=Elsewhere,DC=x")),
        ("9992004", Some("ou=ash,ou=schools,dc=x")),
        ("9992005", Some("Oak")),
    ];
    let settings = "tenant_id = \"t\"\nclient_id = \"c\"\n[directory]\ncontrollers = [\"ldaps://dc1.x\"]\n\
                    bind_as = \"svc@x\"\nschools = \"OU=Schools,DC=x\"\n";
    let secrets = || Arc::new(Kept(Mutex::default()));
    let watch = built(settings, estate(&schools), Hands::at(NOW), secrets()).unwrap();
    let gaps: Vec<String> = watch
        .not_watched()
        .iter()
        .filter(|g| g.what.as_str() == "welearn365.accounts")
        .map(|g| g.why.as_str().to_owned())
        .collect();
    for (school, words) in [
        ("999 2002", "is empty"),
        ("999 2003", "does not lie below"),
        ("999 2004", "999 2001 names the same OU"),
        ("999 2005", "is no distinguished name"),
    ] {
        let told = |g: &&String| g.contains(school) && g.contains(words);
        assert_eq!(gaps.iter().filter(told).count(), 1, "{school} {words}: {gaps:#?}");
    }
    let jobs = watch.jobs();
    let of = |id: &str| jobs.iter().find(|j| &*j.id == id).unwrap().targets.len();
    assert_eq!((of("accounts"), of("lockouts"), of("controllers")), (1, 1, 1));

    let plain = "tenant_id = \"t\"\nclient_id = \"c\"\n";
    let watch = built(plain, estate(&schools), Hands::at(NOW), secrets()).unwrap();
    let gaps: Vec<String> = watch.not_watched().iter().map(|g| g.what.to_string()).collect();
    for name in ["accounts", "lockouts", "controllers"] {
        assert!(gaps.contains(&format!("welearn365.{name}")), "{gaps:?}");
    }
}

#[tokio::test]
async fn the_example_of_a_good_section_is_taken_whole() {
    let text = include_str!("../config/valid/directory.toml");
    let whole: toml::Table = toml::from_str(text).unwrap();
    let section = whole["services"]["welearn365"].to_string();
    let table = toml::de::ValueDeserializer::parse(&section).unwrap();
    let service = SERVICES.iter().find(|s| s.key == "welearn365").unwrap();
    let configured = (service.configure)(table).unwrap();
    let names: Vec<&str> = configured.credentials.iter().map(CredentialName::as_str).collect();
    assert_eq!(names, ["welearn365", "ad.reader"]);
    let settings = toml::to_string(&whole["services"]["welearn365"]).unwrap();
    let watch = built(
        &settings,
        estate(&[("9992001", Some("OU=Ash,OU=Schools,DC=desk,DC=example"))]),
        Hands::at(NOW),
        Arc::new(Kept(Mutex::default())),
    );
    let jobs = watch.unwrap().jobs();
    let every = |id: &str| jobs.iter().find(|j| &*j.id == id).unwrap().interval.to_string();
    assert_eq!(
        (every("lockouts"), every("accounts"), every("controllers")),
        ("10m".into(), "1h".into(), "5m".into())
    );
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused_with_the_remedy() {
    let secrets = || Arc::new(Kept(Mutex::default()));
    let base = [
        ("controllers", "[\"ldaps://dc1.x\"]"),
        ("bind_as", "\"svc@x\""),
        ("schools", "\"OU=Schools,DC=x\""),
    ];
    for (key, value, words) in [
        ("controllers", "[]", "at least one controller"),
        ("controllers", "[\"https://dc1.x\"]", "ldaps://HOST"),
        ("controllers", "[\"ldaps://a:b@dc1.x\"]", "use bind_as"),
        ("controllers", "[\"ldaps://dc1.x\", \"ldaps://dc1.x:636\"]", "named twice"),
        ("bind_as", "\" \"", "directory.bind_as"),
        ("schools", "\"Schools\"", "directory.schools"),
        ("page", "0", "1 to 1000"),
        ("page", "1001", "1 to 1000"),
        ("deadline", "\"0s\"", "directory.deadline"),
        ("spray_within", "\"3h\"", "directory.spray_remembered"),
        ("ca_file", "\"/nowhere/ca.pem\"", "CA file"),
        ("password", "\"x\"", "password"),
        ("credential", "\"Not A Name\"", "credential name"),
    ] {
        let lines: BTreeMap<&str, &str> = base.into_iter().chain([(key, value)]).collect();
        let lines: String = lines.iter().map(|(k, v)| format!("{k} = {v}\n")).collect();
        let settings = format!("tenant_id = \"t\"\nclient_id = \"c\"\n[directory]\n{lines}");
        let refused =
            built(&settings, estate(&[]), Hands::at(NOW), secrets()).err().unwrap_or_default();
        assert!(refused.contains(words), "{key} = {value}: {refused:?}");
    }
}
