//! What is remembered of earlier reports, alert mails, the sign-in page; and that nothing of what
//! is monitored is ever kept.

use std::sync::Arc;

use proptest::prop_assert;

use super::*;
use crate::engine::{Effect, Event, World, step};
use crate::model::check::Scope;
use crate::model::health::Health;
use crate::model::ids::CredentialName;
use crate::model::kept::KeptMemory;
use crate::model::observation::Target;
use crate::ports::secrets::{Found, SecretError, SecretPlace, Secrets};
use crate::ports::watch::Watch;
use crate::services::declared::tests::damage;
use crate::services::declared::tests::stage::{NOW, board, examples_shown};
use crate::services::declared::tests::vendor::{Play, Vendor, page, status};
use crate::simulators::{Certificate, Door, MailHost};

const WEEKEND: &str = include_str!("../examples/weekend.csv");
const STALE_FILE: &str = include_str!("../examples/stale.csv");

/// How Mill Road stands now.
async fn now_at(watcher: &Arc<dyn Watch>, at: &str) -> Observation {
    let mut all = poll(watcher, at.parse().unwrap()).await;
    all.remove(&(school(MILL), "coverage".to_owned())).unwrap()
}

fn watcher_of(drop: &Drop) -> Arc<dyn Watch> {
    build(&SERVICE, &stage(drop), SETTINGS).unwrap()
}

/// A report in which stations `0..seen` of `0..listed` checked in on `day`.
fn report(listed: u32, seen: u32, day: &str) -> String {
    let row = |n: u32| {
        let day = if n < seen { day } else { "2027-01-20" };
        format!("9990411,Mill/ICT,PC{n:02},9.1,{day}T09:00:00Z\n")
    };
    let rows: String = (0..listed).map(row).collect();
    format!("laestab,ou,station,client_version,last_active\n{rows}")
}

#[tokio::test]
async fn each_example_gives_what_the_board_shows() {
    for (file, verdict, says) in [
        (
            include_str!("../examples/degraded.csv"),
            Verdict::Warning,
            "7 of 11 PCs checking in: under 80 %",
        ),
        (
            include_str!("../examples/failed.csv"),
            Verdict::Critical,
            "3 of 14 PCs checking in: under 50 %",
        ),
        (
            include_str!("../examples/old-client.csv"),
            Verdict::Warning,
            "10 of 10 PCs checking in, but 7 on an old client version",
        ),
        (
            include_str!("../examples/missing-column.csv"),
            MALFORMED,
            "report stations-20270202T0930Z.csv refused: column last_active is missing",
        ),
        (
            include_str!("../examples/empty.csv"),
            MALFORMED,
            "report stations-20270202T0930Z.csv holds no station",
        ),
    ] {
        let drop = Drop::new();
        drop.file(NAME, file, "2027-02-02T09:31:00Z");
        let seen = seen_at(&stage(&drop), SETTINGS, MILL, NOW).await;
        assert_eq!((seen.verdict, seen.detail.as_str()), (verdict, says));
    }
    let drop = Drop::new();
    drop.file("stations-20270206T0930Z.csv", WEEKEND, "2027-02-06T09:31:00Z");
    let seen = seen_at(&stage(&drop), SETTINGS, MILL, "2027-02-06T10:00:00Z").await;
    assert_eq!(seen.verdict, Verdict::Quiet, "Saturday: {}", seen.detail);
    let drop = Drop::new();
    drop.file("stations-20270128T1500Z.csv", STALE_FILE, "2027-01-28T15:00:00Z");
    let seen = seen_at(&stage(&drop), SETTINGS, MILL, NOW).await;
    assert_eq!(seen.verdict, STALE);
    let says = "report is 2d of school days old; 9 of 9 PCs were checking in then";
    assert_eq!(seen.detail.as_str(), says);
    assert_eq!(number(&seen, "pcs_seen"), Some(9.0));
}

#[tokio::test]
async fn a_pc_that_is_left_out_of_the_report_is_still_expected_from_the_next_day_on() {
    let drop = Drop::new();
    let watcher = watcher_of(&drop);
    drop.file("stations-20270201T0900Z.csv", report(20, 20, "2027-02-01"), "2027-02-01T09:00:00Z");
    assert_eq!(now_at(&watcher, "2027-02-01T10:00:00Z").await.verdict, Verdict::Ok);
    // The same day's report replaces it: what it leaves out was corrected.
    drop.file("stations-20270201T1500Z.csv", report(18, 18, "2027-02-01"), "2027-02-01T15:00:00Z");
    let seen = now_at(&watcher, "2027-02-01T16:00:00Z").await;
    assert_eq!(seen.detail.as_str(), "18 of 18 PCs checking in");
    drop.file("stations-20270202T0900Z.csv", report(8, 8, "2027-02-02"), "2027-02-02T09:00:00Z");
    let seen = now_at(&watcher, NOW).await;
    assert_eq!(seen.verdict, Verdict::Critical);
    let says = "8 of 18 PCs checking in (10 of them no longer in the report): under 50 %";
    assert_eq!(seen.detail.as_str(), says);
    assert_eq!(number(&seen, "pcs_no_longer_listed"), Some(10.0));
    // A program that was started anew knows it from the files of the days before.
    let again = now_at(&watcher_of(&drop), NOW).await;
    assert_eq!((again.verdict, again.detail), (seen.verdict, seen.detail.clone()));
    // Moved to another OU is not gone.
    let moved = report(18, 18, "2027-02-02").replace("Mill/ICT", "Mill/Library");
    drop.file("stations-20270202T0930Z.csv", &moved, "2027-02-02T09:30:00Z");
    assert_eq!(now_at(&watcher, NOW).await.detail.as_str(), "18 of 18 PCs checking in");
    // What was not active for 30 school days is expected by nobody. Half-term lies between.
    drop.file("stations-20270325T0900Z.csv", report(8, 8, "2027-03-25"), "2027-03-25T09:00:00Z");
    let seen = now_at(&watcher, "2027-03-25T10:00:00Z").await;
    assert_eq!(seen.detail.as_str(), "8 of 8 PCs checking in");
    assert!(!format!("{seen:?}").to_lowercase().contains("pc0"), "no name is kept");
}

#[tokio::test]
async fn a_pc_that_was_not_active_for_120_days_is_forgotten_however_few_of_them_had_school() {
    let drop = Drop::new();
    let mut ctx = stage(&drop);
    let mut own = (*ctx.estate).clone();
    // Closed for a winter and a spring: the last 30 school days reach back to January.
    let closed = Days { from: "2027-02-03".parse().unwrap(), to: "2027-05-31".parse().unwrap() };
    own.calendars.insert("shut".to_owned(), Calendar { terms: Vec::new(), closures: vec![closed] });
    own.subscriptions.get_mut(&id(MILL)).unwrap().calendar = "shut".to_owned();
    ctx.estate = Arc::new(own);
    let watcher = build(&SERVICE, &ctx, SETTINGS).unwrap();
    drop.file("stations-20270202T0900Z.csv", report(20, 20, "2027-02-02"), "2027-02-02T09:00:00Z");
    assert_eq!(now_at(&watcher, "2027-02-02T10:00:00Z").await.verdict, Verdict::Ok);
    let june = report(8, 8, "2027-06-01");
    drop.file("stations-20270602T0900Z.csv", &june, "2027-06-02T09:00:00Z");
    let seen = now_at(&watcher, "2027-06-02T09:30:00Z").await;
    let says = "8 of 20 PCs checking in (12 of them no longer in the report): under 50 %";
    assert_eq!(seen.detail.as_str(), says, "120 days, and not more");
    // Another file, and not a copy: a copy is as old as the first.
    let later = june.replace('\n', "\r\n");
    drop.file("stations-20270602T0901Z.csv", &later, "2027-06-02T09:01:00Z");
    let seen = now_at(&watcher, "2027-06-02T09:30:00Z").await;
    assert_eq!(seen.detail.as_str(), "8 of 8 PCs checking in");
    let anew = build(&SERVICE, &ctx, SETTINGS).unwrap();
    let seen = now_at(&anew, "2027-06-02T09:30:00Z").await;
    assert_eq!(seen.detail.as_str(), "8 of 8 PCs checking in", "read again from the old report");
}

/// The board of an agent, and what its store would hold.
struct Agent {
    world: World,
    memories: Vec<KeptMemory>,
}

impl Agent {
    fn new(drop: &Drop, at: &str, memories: Vec<KeptMemory>) -> Self {
        let mut estate = (*stage(drop).estate).clone();
        estate.services = vec![watcher_of(drop).describe()];
        let at = at.parse().unwrap();
        let mut world = World::new(Arc::new(estate), at, 0);
        let event = Event::Restored { written_at: at, cells: Vec::new(), memories };
        step(&mut world, at, event);
        Self { world, memories: Vec::new() }
    }

    /// How the board shows Mill Road after this answer.
    fn shows(&mut self, seen: Observation) -> (Health, String) {
        let (check, target, at) = (seen.check.clone(), seen.target, seen.observed_at);
        for effect in step(&mut self.world, at, Event::Observed(seen)) {
            if let Effect::Remember(memory) = effect {
                self.memories.push(memory);
            }
        }
        let view = self.world.check(target, &check).unwrap();
        (view.health, view.why.to_string())
    }
}

#[tokio::test]
async fn what_a_restart_forgets_of_the_stations_is_not_a_silent_fall() {
    let drop = Drop::new();
    let file = |of: &str, listed: u32| {
        drop.file(
            &format!("stations-{}T0900Z.csv", of.replace('-', "")),
            report(listed, listed, of),
            &format!("{of}T09:00:00Z"),
        );
    };
    file("2027-02-01", 20);
    let mut agent = Agent::new(&drop, "2027-02-01T09:30:00Z", Vec::new());
    let seen = now_at(&watcher_of(&drop), "2027-02-01T10:00:00Z").await;
    assert_eq!(agent.shows(seen), (Health::Ok, "20 of 20 PCs checking in".to_owned()));
    // The agent ends, somebody clears the folder, and the next report leaves out six of twenty.
    let mut memories = agent.memories;
    drop.remove("stations-20270201T0900Z.csv");
    for day in ["2027-02-02", "2027-03-12"] {
        file(day, 14);
        let mut again = Agent::new(&drop, &format!("{day}T09:30:00Z"), memories.clone());
        let seen = now_at(&watcher_of(&drop), &format!("{day}T10:00:00Z")).await;
        assert_eq!(seen.detail.as_str(), "14 of 14 PCs checking in", "the folder knows no better");
        let (health, why) = again.shows(seen);
        assert_eq!(health, Health::Warning, "{why}");
        assert!(why.starts_with("pcs_in_use fell from 20 to 14, 30% since"), "{why}");
        memories.extend(again.memories);
        drop.remove(&format!("stations-{}T0900Z.csv", day.replace('-', "")));
    }
    // Thirty school days later they are expected by nobody.
    file("2027-03-23", 14);
    let mut later = Agent::new(&drop, "2027-03-23T09:30:00Z", memories.clone());
    let seen = now_at(&watcher_of(&drop), "2027-03-23T10:00:00Z").await;
    assert_eq!(later.shows(seen).0, Health::Ok);
    // As many fewer as are no trouble when they are not seen are none when they are gone.
    drop.remove("stations-20270323T0900Z.csv");
    file("2027-02-02", 16);
    let mut other = Agent::new(&drop, "2027-02-02T09:30:00Z", memories[..1].to_vec());
    let seen = now_at(&watcher_of(&drop), "2027-02-02T10:00:00Z").await;
    assert_eq!(other.shows(seen).0, Health::Ok);
}

#[tokio::test]
async fn a_report_of_an_earlier_day_that_was_refused_is_no_history() {
    let drop = Drop::new();
    drop.file("stations-20270129T0900Z.csv", "<html>\n", "2027-01-29T09:00:00Z");
    drop.file("stations-20270201T0900Z.csv", "laestab,ou\n1,2\n", "2027-02-01T09:00:00Z");
    drop.file(NAME, report(8, 8, "2027-02-02"), "2027-02-02T09:31:00Z");
    let seen = now_at(&watcher_of(&drop), NOW).await;
    assert_eq!(seen.detail.as_str(), "8 of 8 PCs checking in");
}

#[tokio::test]
async fn a_report_that_is_dropped_again_and_again_grows_old() {
    let drop = Drop::new();
    let stuck = report(8, 8, "2027-01-29");
    let watcher = watcher_of(&drop);
    for (name, at, verdict) in [
        ("stations-20270129T1200Z.csv", "2027-01-29T12:30:00Z", Verdict::Ok),
        ("stations-20270201T1200Z.csv", "2027-02-01T12:30:00Z", Verdict::Ok),
        ("stations-20270202T1200Z.csv", "2027-02-02T12:30:00Z", Verdict::Warning),
        ("stations-20270203T1200Z.csv", "2027-02-03T14:30:00Z", STALE),
    ] {
        drop.file(name, &stuck, &at.replace("30:00Z", "00:00Z"));
        // Also for a program that was started only now.
        for watcher in [&watcher, &watcher_of(&drop)] {
            let seen = now_at(watcher, at).await;
            assert_eq!(seen.verdict, verdict, "{name}: {}", seen.detail);
            assert_eq!(seen.source_at.unwrap().at.to_string(), "2027-01-29T12:00:00Z");
        }
    }
    let seen = now_at(&watcher, "2027-02-03T14:30:00Z").await;
    let again = fact(&seen, "the same content was dropped again");
    assert_eq!(again, Some("2027-02-03T12:00:00Z"));
    drop.file("stations-20270203T1400Z.csv", report(8, 8, "2027-02-03"), "2027-02-03T14:00:00Z");
    assert_eq!(now_at(&watcher, "2027-02-03T14:30:00Z").await.verdict, Verdict::Ok);
}

// ------------------------------------------------------------------ alert mail

struct OneSecret;

impl Secrets for OneSecret {
    fn find(&self, _: &CredentialName) -> Result<Found, SecretError> {
        Ok(Found { value: "open sesame".to_owned().into(), place: SecretPlace::File })
    }
}

/// An alert as a monitoring product may send it: everything in it is a canary.
fn alert(n: u32, day: u32, to: &str) -> String {
    format!(
        "Message-ID: <canary-id-{n}@monitoring.example>\r\nFrom: Alerts <alerts@monitoring.example>\r\n\
         To: Canary Person <{to}>\r\nDate: Mon, {day:02} Feb 2027 08:10:00 +0000\r\n\
         Subject: Severity 5: canary-pupil at canary-school\r\n\
         Content-Type: text/html\r\n\r\n<p>User canary-user typed canary-phrase</p>\
         <img src='https://capture.example/canary-capture.png'>\r\n"
    )
}

const CANARIES: [&str; 9] = [
    "canary-pupil",
    "canary-school",
    "canary-user",
    "canary-phrase",
    "canary-capture",
    "canary person",
    "canary-id",
    "severity",
    "head@mill.example",
];

fn no_canary(what: &str, text: &str) {
    let text = text.to_lowercase();
    for canary in CANARIES {
        assert!(!text.contains(canary), "{canary} in {what}: {text}");
    }
}

fn mail_settings(mailbox: &str) -> String {
    format!(
        "alert_mail = {{ mailbox = {{ {mailbox} }}, senders = ['alerts@monitoring.example'] }}\n{SETTINGS}"
    )
}

#[tokio::test]
async fn an_alert_mail_shows_that_the_path_lives_and_nothing_else() {
    let drop = Drop::new();
    drop.file(NAME, FILE, "2027-02-02T09:31:00Z");
    let host = MailHost::start(Door::Tls, Certificate::Good).await.unwrap();
    std::fs::write(drop.path().join("ca.pem"), &host.ca_pem).unwrap();
    let mut ctx = staged(&drop, &[("alerts_to", "dsl@mill.example; Head@Mill.example")]);
    ctx.secrets = Arc::new(OneSecret);
    let settings = mail_settings(&format!(
        "imap = {{ host = 'localhost', port = {}, user = 'alerts', folder = 'INBOX/Alerts', \
         credential = 'x', ca_file = 'ca.pem' }}",
        host.port
    ));
    let watcher = build(&SERVICE, &ctx, &settings).unwrap();
    let seen = now_at(&watcher, NOW).await;
    assert_eq!(seen.verdict, Verdict::Ok);
    let any = "last alert mail of any school";
    assert_eq!(fact(&seen, any), Some("none in the mailbox"));
    let put = |text: String| host.put("2027-02-02T09:00:00Z".parse().unwrap(), text);
    put(alert(1, 1, "head@mill.example"));
    put(alert(2, 2, "somebody@kiln.example"));
    // Others' mails, and one that came back, prove nothing.
    put(alert(3, 2, "dsl@mill.example").replace("alerts@monitoring", "else@monitoring"));
    put(alert(4, 2, "dsl@mill.example").replace("Mon, 02 Feb", "Mon, 09 Feb"));
    let seen = now_at(&watcher, NOW).await;
    assert_eq!(fact(&seen, any), Some("2027-02-02T08:10:00Z"));
    let of_school = "last alert mail of this school";
    assert_eq!(fact(&seen, of_school), Some("2027-02-01T08:10:00Z"));
    let mut all = poll(&watcher, now()).await;
    let kiln = all.remove(&(school(KILN), "coverage".to_owned())).unwrap();
    assert_eq!(fact(&kiln, of_school), None);
    assert_eq!(kiln.verdict, Verdict::Critical, "an alert mail makes nothing well");
    no_canary("what is seen", &format!("{seen:?} {kiln:?} {all:?}"));
    // Neither subject nor text nor whole headers ever leave the mail server.
    for asked in host.heard().iter().filter(|c| c.starts_with("UID FETCH")) {
        assert!(asked.contains("BODY.PEEK[HEADER.FIELDS (DATE FROM TO CC MESSAGE-ID)]"), "{asked}");
    }
    assert_eq!(host.refused(), 0);
    // A mailbox that cannot be read is told, and colours nobody.
    host.set_password("another");
    let seen = now_at(&watcher, NOW).await;
    assert_eq!(seen.verdict, Verdict::Ok);
    assert!(fact(&seen, "alert mail").unwrap().contains("refused our sign-in"));
}

#[tokio::test]
async fn nothing_that_is_monitored_is_kept_whichever_way_it_comes() {
    let drop = Drop::new();
    let spiced = FILE
        .replace("External_IP", "Phrase")
        .replace("192.0.2.77", "canary-phrase")
        .replace("User", "Capture")
        .replace("someone.real", "https://capture.example/canary-capture.png")
        .replace("LIB-07", "canary-pupil")
        .replace("Mill Road/Library", "canary-school/canary-user");
    drop.file(NAME, spiced, "2027-02-02T09:31:00Z");
    std::fs::create_dir(drop.path().join("mails")).unwrap();
    for (name, text) in [
        ("1.eml", alert(1, 1, "head@mill.example")),
        ("2.txt", "User canary-user typed canary-phrase\n".to_owned()),
        ("3.eml", "canary-phrase without a header\n\ncanary-user\n".to_owned()),
    ] {
        drop.file(&format!("mails/{name}"), text, "2027-02-02T09:00:00Z");
    }
    let ctx = staged(&drop, &[("alerts_to", "head@mill.example")]);
    let watcher = build(&SERVICE, &ctx, &mail_settings("folder = { folder = 'mails' }")).unwrap();
    let all = poll(&watcher, now()).await;
    let seen = &all[&(school(MILL), "coverage".to_owned())];
    assert_eq!(seen.verdict, Verdict::Ok, "{}", seen.detail);
    assert_eq!(fact(seen, "last alert mail of this school"), Some("2027-02-01T08:10:00Z"));
    no_canary("what is seen", &format!("{all:?} {:?}", watcher.describe()));
    // Nor in a message about what is wrong with a file.
    for broken in
        ["canary-phrase,canary-user\n", "laestab,ou,station,client_version,\"canary-user\n"]
    {
        drop.file(NAME, broken, "2027-02-02T09:31:00Z");
        let all = poll(&watcher, now()).await;
        assert!(all.values().all(|seen| !is_well(seen.verdict)));
        no_canary("what is said of a bad file", &format!("{all:?}"));
    }
}

// ------------------------------------------------------------------ sign-in

#[tokio::test]
async fn the_consoles_sign_in_page_is_looked_at_where_it_is_set() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    drop.file(NAME, FILE, "2027-02-02T09:31:00Z");
    let settings = format!(
        "sign_in = {{ endpoint = {{ url = '{}/login', deadline = '1s' }}, expected_word = 'id=login' }}\n{SETTINGS}",
        vendor.url
    );
    let watcher = build(&SERVICE, &stage(&drop), &settings).unwrap();
    let spec = watcher.describe();
    let check = &spec.checks[1];
    assert_eq!(
        (check.id.as_str(), check.scope, check.tries),
        ("future_digital.sign_in", Scope::Estate, 3)
    );
    assert!(check.emits.is_empty(), "nothing hangs on it");
    for (play, verdict) in [
        (page("<form ID=login>"), Verdict::Ok),
        (page("<h1>Error</h1>"), Verdict::Critical),
        (status(503), Verdict::Critical),
        (Play::HangUp, Verdict::Unknown(Reason::NoAnswer)),
    ] {
        vendor.play("/login", play);
        let all = poll(&watcher, now()).await;
        assert_eq!(all[&(Target::Estate, "sign_in".to_owned())].verdict, verdict);
        assert_eq!(all[&(school(MILL), "coverage".to_owned())].verdict, Verdict::Ok);
    }
    let refused = build(&SERVICE, &stage(&drop), &settings.replace("id=login", " "));
    assert!(matches!(refused, Err(ServiceError::Setting { .. })));
    let nobody =
        mail_settings("folder = { folder = '.' }").replace("'alerts@monitoring.example'", "' '");
    let refused = build(&SERVICE, &stage(&drop), &nobody);
    assert!(matches!(refused, Err(ServiceError::Setting { .. })));
}

/// Where it is written how many PCs a school has, half a list is no good list.
#[test]
fn a_damaged_list_is_never_ok_about_fewer_stations() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    damage::holds(FILE, 150, |body| {
        let drop = Drop::new();
        drop.file(NAME, body, "2027-02-02T09:31:00Z");
        let ctx = staged(&drop, &[("pcs", "10")]);
        let seen = runtime.block_on(seen_at(&ctx, SETTINGS, MILL, NOW));
        if is_well(seen.verdict) {
            let (there, of) = (number(&seen, "pcs_seen"), number(&seen, "pcs_expected"));
            let (there, of) = (there.unwrap(), of.unwrap());
            prop_assert!((8.0..=10.0).contains(&there) && of >= 10.0, "{}\n{body}", seen.detail);
        }
        Ok(())
    });
}

#[tokio::test]
async fn what_the_board_shows_of_each_example() {
    const USUAL: &str = "stations-20270202T0930Z.csv";
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/services/future_digital/examples");
    let mut shown = Vec::new();
    for (file, dropped, at, claim) in [
        ("stations-20270202T0930Z.csv", USUAL, NOW, "Ok: 10 of 10 PCs checking in"),
        ("stations-20270202T0930Z_uk.csv", USUAL, NOW, "Ok: 2 of 2 PCs checking in"),
        ("degraded.csv", USUAL, NOW, "Warning: 7 of 11 PCs checking in: under 80 %"),
        ("failed.csv", USUAL, NOW, "Critical: 3 of 14 PCs checking in: under 50 %"),
        (
            "old-client.csv",
            USUAL,
            NOW,
            "Warning: 10 of 10 PCs checking in, but 7 on an old client version",
        ),
        (
            "missing-column.csv",
            USUAL,
            NOW,
            "Unknown (Malformed): report stations-20270202T0930Z.csv refused: column last_active is missing",
        ),
        (
            "empty.csv",
            USUAL,
            NOW,
            "Unknown (Malformed): report stations-20270202T0930Z.csv holds no station",
        ),
        (
            "weekend.csv",
            "stations-20270206T0930Z.csv",
            "2027-02-06T10:00:00Z",
            "Ok: no school today; 9 of 9 PCs checking in on the last school day",
        ),
        (
            "stale.csv",
            "stations-20270128T1500Z.csv",
            NOW,
            "Unknown (Stale): report is 2d of school days old; 9 of 9 PCs were checking in then",
        ),
    ] {
        let drop = Drop::new();
        let text = std::fs::read(format!("{folder}/{file}")).unwrap();
        drop.file(dropped, text, "2027-01-28T15:00:00Z");
        let ctx = stage(&drop);
        let watcher = build(&SERVICE, &ctx, SETTINGS).unwrap();
        let at = at.parse().unwrap();
        let shows = board((&watcher, &ctx), at, school(MILL), "coverage").await;
        shown.push((file, shows, claim));
    }
    examples_shown("future_digital", &shown);
}
