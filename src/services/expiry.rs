//! One check of the estate for each service that tells when its credentials end, 30, 7 and 1 days
//! before. When they do is known by the desk, or stands in the credential (see `ending`).
//!
//! Invariant: a credential of which no date is known is never called ok: it is listed as not
//! watched.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::model::check::{CheckSpec, Scope, ServiceSpec};
use crate::model::estate::NotWatched;
use crate::model::health::Reason;
use crate::model::ids::{CheckId, CredentialName, IdError, Laestab};
use crate::model::observation::{Observation, Target, Verdict};
use crate::model::span::Span;
use crate::ports::clock::{Boxed, Clock};
use crate::ports::secrets::{SecretError, Secrets};
use crate::ports::watch::{CredentialUse, Door, Job, Place, Rights, Watch};
use crate::services::answer::some_of;
use crate::services::ending::{Ending, Known, Looked, SOON, Stage, look_into, sooner};

/// The name of the check, behind the service's key.
pub const CHECK: &str = "credentials";
/// Facts that one answer carries.
const FACTS: usize = 20;
/// Credentials that are looked into for a date at the start; a service has a few, and those of
/// single schools are plain secrets.
const LOOKED_INTO: usize = 64;

/// Asks the stores for `names` and looks into each, for `limit` at most: a keyring that waits for
/// somebody to unlock it must not hold up the start. Blocking.
#[must_use]
pub fn look_into_all(
    secrets: &Arc<dyn Secrets>,
    names: &[CredentialName],
    limit: Duration,
    clock: &dyn Clock,
) -> BTreeMap<CredentialName, Looked> {
    let late = || Looked::NotHad("the credential stores did not answer in time".to_owned());
    let wanted: Vec<CredentialName> = names.iter().take(LOOKED_INTO).cloned().collect();
    let mut found: BTreeMap<_, _> = wanted.iter().map(|name| (name.clone(), late())).collect();
    let (sender, receiver) = sync_channel(LOOKED_INTO);
    let secrets = secrets.clone();
    let thread = std::thread::Builder::new().name("credentials".into()).spawn(move || {
        for name in wanted {
            let looked = looked_up(secrets.find(&name));
            // Nobody waits any more once the limit has passed.
            if sender.send((name, looked)).is_err() {
                return;
            }
        }
    });
    let until = clock.monotonic() + limit;
    while thread.is_ok() {
        let left = until.saturating_sub(clock.monotonic());
        match receiver.recv_timeout(left) {
            Ok((name, looked)) => drop(found.insert(name, looked)),
            Err(_) => break,
        }
    }
    found
}

fn looked_up(found: Result<crate::ports::secrets::Found, SecretError>) -> Looked {
    match found {
        Ok(found) => look_into(&found.value),
        Err(e) => Looked::NotHad(e.to_string()),
    }
}

/// What is known of dates when the watchers are built.
#[derive(Debug, Clone, Default)]
pub struct Dates {
    /// By the configuration.
    pub configured: BTreeMap<CredentialName, Date>,
    /// By a look into the credentials themselves.
    pub looked: BTreeMap<CredentialName, Looked>,
}

/// One credential whose end is known.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Dated {
    name: CredentialName,
    school: Option<Laestab>,
    configured: Option<Date>,
    /// Whether a date stands in it, which is read anew each time: it may have been renewed.
    inside: bool,
}

/// A watcher that also tells when its credentials end.
struct Expiring {
    inner: Arc<dyn Watch>,
    check: Option<CheckSpec>,
    dated: Arc<[Dated]>,
    not_watched: Vec<NotWatched>,
    secrets: Arc<dyn Secrets>,
}

/// `inner` with a check `SERVICE.credentials` for those of `uses` whose date is known; the others
/// are listed as not watched.
///
/// # Errors
/// When the check's id is no word; only a slip in the program can cause that.
pub fn watched(
    inner: Arc<dyn Watch>,
    uses: &[CredentialUse],
    dates: &Dates,
    secrets: Arc<dyn Secrets>,
) -> Result<Arc<dyn Watch>, IdError> {
    if uses.is_empty() {
        return Ok(inner);
    }
    let id = CheckId::of(&inner.describe().key, CHECK)?;
    let (mut dated, mut without, mut odd) = (Vec::new(), Vec::new(), Vec::new());
    for use_ in uses {
        let looked = dates.looked.get(&use_.name);
        let one = Dated {
            name: use_.name.clone(),
            school: use_.school,
            configured: dates.configured.get(&use_.name).copied(),
            inside: matches!(looked, Some(Looked::Ends(_))),
        };
        if let Some(Looked::Unreadable(why)) = looked {
            odd.push(format!("`{}`: {why}", use_.name));
        }
        if one.configured.is_some() || one.inside {
            dated.push(one);
        } else {
            without.push(use_.name.to_string());
        }
    }
    let gap = |why: String| NotWatched { what: id.to_string().as_str().into(), why: why.into() };
    let mut not_watched = Vec::new();
    if !without.is_empty() {
        not_watched.push(gap(format!(
            "no expiry date is known: add it under credentials.expires: {}",
            some_of(&without, 12)
        )));
    }
    if !odd.is_empty() {
        not_watched.push(gap(some_of(&odd, 12)));
    }
    let check = (!dated.is_empty()).then(|| {
        let mut spec = CheckSpec::new(id, "credentials", Scope::Estate, Span::from_mins(60));
        spec.stays = true;
        spec
    });
    Ok(Arc::new(Expiring { inner, check, dated: dated.into(), not_watched, secrets }))
}

impl Watch for Expiring {
    fn describe(&self) -> ServiceSpec {
        let mut spec = self.inner.describe();
        spec.checks.extend(self.check.clone());
        spec
    }

    fn not_watched(&self) -> Vec<NotWatched> {
        let mut all = self.inner.not_watched();
        all.extend(self.not_watched.iter().cloned());
        all
    }

    fn found(&self) -> Vec<NotWatched> {
        self.inner.found()
    }

    fn credentials(&self) -> Vec<CredentialUse> {
        self.inner.credentials()
    }

    fn rights(&self) -> Boxed<'_, Vec<Rights>> {
        self.inner.rights()
    }

    fn doors(&self) -> Boxed<'_, Vec<Door>> {
        self.inner.doors()
    }

    fn places(&self) -> Vec<Place> {
        self.inner.places()
    }

    fn asked_again(&self, school: Option<Laestab>) {
        self.inner.asked_again(school);
    }

    fn outdated(&self) -> Vec<Arc<str>> {
        self.inner.outdated()
    }

    fn jobs(&self) -> Vec<Job> {
        let mut jobs = self.inner.jobs();
        jobs.extend(self.check.iter().map(|spec| Job {
            id: CHECK.into(),
            checks: vec![spec.id.clone()],
            targets: Arc::new([Target::Estate]),
            interval: spec.interval,
        }));
        jobs
    }

    fn poll<'a>(&'a self, job: &'a Job, now: Timestamp) -> Boxed<'a, Vec<Observation>> {
        match &self.check {
            Some(check) if job.checks.first() == Some(&check.id) => Box::pin(async move {
                let (dated, secrets) = (self.dated.clone(), self.secrets.clone());
                let read = tokio::task::spawn_blocking(move || {
                    dated.iter().map(|d| (d.clone(), d.ending(&secrets))).collect::<Vec<_>>()
                });
                let bare = Observation::new(
                    check.id.clone(),
                    Target::Estate,
                    now,
                    Verdict::Unknown(Reason::NoAnswer),
                    "the credential stores did not answer",
                );
                vec![match read.await {
                    Ok(read) => judged(bare, &read, now),
                    Err(_) => bare,
                }]
            }),
            _ => self.inner.poll(job, now),
        }
    }
}

impl Dated {
    /// Its end as it is now, or why it cannot be told.
    fn ending(&self, secrets: &Arc<dyn Secrets>) -> Result<Ending, (Reason, String)> {
        let configured = self.configured.map(Ending::on);
        if !self.inside {
            let lost = || (Reason::NeverSeen, format!("`{}` has no date any more", self.name));
            return configured.ok_or_else(lost);
        }
        match looked_up(secrets.find(&self.name)) {
            // Whichever is sooner: neither can be proved wrong here.
            Looked::Ends(found) => Ok(configured.map_or(found, |c| sooner(c, found))),
            Looked::NotHad(why) => Err((Reason::Unauthorised, why)),
            Looked::Unreadable(why) => {
                Err((Reason::Malformed, format!("the end of `{}` is not known: {why}", self.name)))
            }
            Looked::NoDate => configured.ok_or_else(|| {
                let why = format!(
                    "`{}` held a date when this agent started and holds none now: add it under \
                     credentials.expires, then reload",
                    self.name
                );
                (Reason::Malformed, why)
            }),
        }
    }

    /// Its name, and the school's number where it is one school's.
    fn words(&self) -> String {
        match self.school {
            Some(school) => format!("`{}` (school {})", self.name, school.spaced()),
            None => format!("`{}`", self.name),
        }
    }
}

type Read = (Dated, Result<Ending, (Reason, String)>);

/// The worst first: what has ended, what ends today or tomorrow, what cannot be told, the rest.
fn judged(bare: Observation, read: &[Read], now: Timestamp) -> Observation {
    let mut endings: Vec<(&Dated, Ending)> =
        read.iter().filter_map(|(d, e)| Some((d, *e.as_ref().ok()?))).collect();
    endings.sort_by_key(|(d, e)| (e.day, e.at, d.name.clone()));
    let lost = read.iter().find_map(|(_, e)| e.as_ref().err());
    let first = endings.first().map(|(d, e)| (*d, *e, e.stage(now)));
    let (verdict, detail) = match (first, lost) {
        (Some((d, e, stage @ (Stage::Last | Stage::Over))), _) => {
            (stage.verdict(), sentence(d, &e, now))
        }
        (_, Some((reason, why))) => (Verdict::Unknown(*reason), why.clone()),
        (Some((d, e, stage)), None) => (stage.verdict(), sentence(d, &e, now)),
        (None, None) => (Verdict::Unknown(Reason::NeverSeen), "no credential is known".to_owned()),
    };
    let soon = endings.iter().filter(|(_, e)| e.stage(now) != Stage::Far).count();
    let more = match soon.saturating_sub(1) {
        0 => String::new(),
        more => format!("; {more} more end within {SOON} days"),
    };
    let mut seen = Observation { verdict, ..bare };
    seen.detail = format!("{detail}{more}").into();
    if let Some((_, ending)) = endings.first() {
        seen = seen.number("days_left", f64::from(ending.days_left(now)));
    }
    for (dated, ending) in endings.iter().take(FACTS) {
        let value = format!("{} ({})", ending.day_words(), ending.known.words());
        seen = seen.fact(dated.name.as_str(), value);
    }
    seen
}

fn sentence(dated: &Dated, ending: &Ending, now: Timestamp) -> String {
    let (name, day, days) = (dated.words(), ending.day_words(), ending.days_left(now));
    let date = match ending.known {
        Known::Config => ", and change its date under credentials.expires",
        Known::Certificate | Known::Token => "",
    };
    let renew =
        format!("get a new one from the vendor, run: caretaker secret set {}{date}", dated.name);
    match ending.stage(now) {
        Stage::Far => format!("{name} ends first, on {day}, in {days} days"),
        Stage::Soon => format!("{name} ends in {days} days, on {day}: {renew}"),
        Stage::Near => format!("ONLY {days} DAYS LEFT: {name} ends on {day}: {renew}"),
        Stage::Last => {
            let when = if days == 0 { "TODAY" } else { "TOMORROW" };
            format!("{name} ENDS {when}, {day}: {renew}")
        }
        Stage::Over => format!("{name} ENDED on {day}: the vendor refuses it: {renew}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::contract::Bench;

    const NOW: &str = "2026-11-24T09:00:00Z";

    fn bench() -> Bench {
        let redstor = crate::services::SERVICES.iter().find(|s| s.key == "redstor").unwrap();
        Bench::new(redstor, NOW)
    }

    /// A service that asks nobody.
    struct Idle;

    impl Watch for Idle {
        fn describe(&self) -> ServiceSpec {
            ServiceSpec {
                key: "redstor".parse().unwrap(),
                label: "Redstor".into(),
                code: "RS".into(),
                checks: Vec::new(),
                depends: Vec::new(),
            }
        }
        fn not_watched(&self) -> Vec<NotWatched> {
            Vec::new()
        }
        fn jobs(&self) -> Vec<Job> {
            Vec::new()
        }
        fn poll<'a>(&'a self, _: &'a Job, _: Timestamp) -> Boxed<'a, Vec<Observation>> {
            Box::pin(async { Vec::new() })
        }
    }

    fn name(text: &str) -> CredentialName {
        text.parse().unwrap()
    }

    fn certificate(year: i32, month: u8, day: u8) -> String {
        let mut params = rcgen::CertificateParams::new(vec!["x.example".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(year, month, day);
        params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
    }

    /// The watcher of these credentials: name, date of the config, value.
    fn made(bench: &Bench, of: &[(&str, Option<&str>, Option<&str>)]) -> Arc<dyn Watch> {
        let secrets: Arc<dyn Secrets> = bench.secrets.clone();
        let mut dates = Dates::default();
        for (credential, date, value) in of {
            let mut held = bench.secrets.0.lock().unwrap();
            held.remove(*credential);
            held.extend(value.map(|v| ((*credential).to_owned(), v.to_owned())));
            dates.configured.extend(date.map(|d| (name(credential), d.parse().unwrap())));
        }
        let names: Vec<_> = of.iter().map(|(n, _, _)| name(n)).collect();
        let limit = Duration::from_secs(30);
        dates.looked = look_into_all(&secrets, &names, limit, &*bench.clock);
        let school = |n: &CredentialName| n.as_str().strip_prefix("xod.")?.parse().ok();
        let uses: Vec<_> =
            names.iter().map(|n| CredentialUse { name: n.clone(), school: school(n) }).collect();
        watched(Arc::new(Idle), &uses, &dates, secrets).unwrap()
    }

    async fn told(watch: &Arc<dyn Watch>) -> (Verdict, String) {
        let jobs = watch.jobs();
        let mut seen = watch.poll(&jobs[0], NOW.parse().unwrap()).await;
        assert_eq!((jobs.len(), seen.len()), (1, 1));
        let seen = seen.remove(0);
        assert_eq!(seen.check.to_string(), "redstor.credentials");
        (seen.verdict, seen.detail.to_string())
    }

    fn gaps(watch: &Arc<dyn Watch>) -> Vec<String> {
        watch.not_watched().iter().map(|g| format!("{}: {}", g.what, g.why)).collect()
    }

    #[tokio::test]
    async fn each_stage_has_its_health_and_its_sentence() {
        let bench = bench();
        let mut said = Vec::new();
        for date in
            ["2026-12-25", "2026-12-24", "2026-12-01", "2026-11-25", "2026-11-24", "2026-11-23"]
        {
            let watch = made(&bench, &[("redstor", Some(date), None)]);
            assert_eq!(gaps(&watch), [""; 0]);
            let (verdict, detail) = told(&watch).await;
            said.push(format!("{verdict:?}: {detail}"));
        }
        insta::assert_snapshot!(said.join("\n"), @r#"
        Ok: `redstor` ends first, on Fri 25 Dec 2026, in 31 days
        Warning: `redstor` ends in 30 days, on Thu 24 Dec 2026: get a new one from the vendor, run: caretaker secret set redstor, and change its date under credentials.expires
        Warning: ONLY 7 DAYS LEFT: `redstor` ends on Tue 1 Dec 2026: get a new one from the vendor, run: caretaker secret set redstor, and change its date under credentials.expires
        Critical: `redstor` ENDS TOMORROW, Wed 25 Nov 2026: get a new one from the vendor, run: caretaker secret set redstor, and change its date under credentials.expires
        Critical: `redstor` ENDS TODAY, Tue 24 Nov 2026: get a new one from the vendor, run: caretaker secret set redstor, and change its date under credentials.expires
        Critical: `redstor` ENDED on Mon 23 Nov 2026: the vendor refuses it: get a new one from the vendor, run: caretaker secret set redstor, and change its date under credentials.expires
        "#);
    }

    #[tokio::test]
    async fn without_a_known_date_there_is_no_check_and_the_gap_is_told() {
        let bench = bench();
        let watch = made(&bench, &[("redstor", None, Some("hunter2")), ("other", None, None)]);
        assert!(watch.jobs().is_empty() && watch.describe().checks.is_empty());
        assert_eq!(
            gaps(&watch),
            ["redstor.credentials: no expiry date is known: add it under credentials.expires: \
              redstor, other"]
        );
        let odd = made(&bench, &[("redstor", None, Some(r#"{"exp":"soon"}"#))]);
        assert!(odd.jobs().is_empty());
        assert!(gaps(&odd)[1].contains("`redstor`: its exp is not a time"), "{:?}", gaps(&odd));
        let none = watched(Arc::new(Idle), &[], &Dates::default(), bench.secrets.clone()).unwrap();
        assert!(none.jobs().is_empty() && none.not_watched().is_empty());
    }

    #[tokio::test]
    async fn a_certificate_is_read_anew_each_time_and_the_sooner_date_counts() {
        let bench = bench();
        let near = certificate(2026, 12, 1);
        let watch = made(&bench, &[("redstor", None, Some(&near))]);
        let (verdict, detail) = told(&watch).await;
        assert_eq!(verdict, Verdict::Warning);
        assert!(
            detail.starts_with("ONLY 7 DAYS LEFT: `redstor` ends on Tue 1 Dec 2026"),
            "{detail}"
        );
        assert!(!detail.contains("credentials.expires"), "{detail}");
        let put = |value: Option<&str>| {
            let mut held = bench.secrets.0.lock().unwrap();
            held.remove("redstor");
            held.extend(value.map(|v| ("redstor".to_owned(), v.to_owned())));
        };
        put(Some(&certificate(2028, 1, 1)));
        assert_eq!(told(&watch).await.0, Verdict::Ok, "renewed in its store");
        put(Some("hunter2"));
        assert_eq!(told(&watch).await.0, Verdict::Unknown(Reason::Malformed), "its date is gone");
        put(Some(&near.replace("MII", "MIJ")));
        assert_eq!(told(&watch).await.0, Verdict::Unknown(Reason::Malformed));
        put(None);
        assert_eq!(told(&watch).await.0, Verdict::Unknown(Reason::Unauthorised));
        let both = made(&bench, &[("redstor", Some("2026-11-20"), Some(&near))]);
        assert_eq!(told(&both).await.0, Verdict::Critical, "the config says that it ended");
        put(None);
        let (verdict, _) = told(&both).await;
        assert_eq!(verdict, Verdict::Unknown(Reason::Unauthorised));
    }

    #[tokio::test]
    async fn the_first_of_many_schools_is_named_and_the_others_are_counted() {
        let bench = bench();
        let dates = ["2027-06-01", "2026-11-25", "2026-12-02", "2026-12-24"];
        let names: Vec<String> = (0..4).map(|n| format!("xod.999123{n}")).collect();
        let of: Vec<_> =
            names.iter().zip(dates).map(|(n, d)| (n.as_str(), Some(d), None)).collect();
        let (verdict, detail) = told(&made(&bench, &of)).await;
        assert_eq!(verdict, Verdict::Critical);
        assert!(detail.starts_with("`xod.9991231` (school 999 1231) ENDS TOMORROW"), "{detail}");
        assert!(detail.ends_with("; 2 more end within 30 days"), "{detail}");
    }

    #[test]
    fn a_store_that_hangs_does_not_hold_up_the_start() {
        struct Stuck(std::sync::Mutex<std::sync::mpsc::Receiver<()>>);
        impl Secrets for Stuck {
            fn find(
                &self,
                name: &CredentialName,
            ) -> Result<crate::ports::secrets::Found, SecretError> {
                // Ends when the test does.
                assert!(self.0.lock().unwrap().recv().is_err());
                Err(SecretError::Missing { name: name.clone(), asked: String::new() })
            }
        }
        let (hold, wait) = std::sync::mpsc::channel::<()>();
        let secrets: Arc<dyn Secrets> = Arc::new(Stuck(std::sync::Mutex::new(wait)));
        let bench = bench();
        let limit = Duration::from_millis(20);
        let found = look_into_all(&secrets, &[name("a")], limit, &*bench.clock);
        let Some(Looked::NotHad(why)) = found.get(&name("a")) else { panic!("{found:?}") };
        assert!(why.contains("in time"), "{why}");
        drop(hold);
    }
}
