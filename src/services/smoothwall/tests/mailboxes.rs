//! Alerts by every way in which they arrive: the board says the same whichever it is.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::model::ids::CredentialName;
use crate::ports::secrets::{Found, SecretError, SecretPlace, Secrets};
use crate::services::declared::tests::damage;
use crate::simulators::{Certificate, Door, Instead, MailHost};

const LICENCE: &str = include_str!("../examples/licence.eml");
const REDUCED: &str = include_str!("../examples/reduced.eml");
const TWO_HOSTS: &str = include_str!("../examples/two-hosts.eml");
const RETURNED: &str = include_str!("../examples/returned.eml");
const LOG: &str = include_str!("../examples/alerts.log");

const APPLIANCES: &str = "[[appliances]]\nname = 'shared'\nshared = true\n\
    hosts = ['edge-b.filter.example']\n[[appliances]]\nname = 'east'\n\
    hosts = ['edge-a.filter.example']\n";

struct OneSecret;

impl Secrets for OneSecret {
    fn find(&self, name: &CredentialName) -> Result<Found, SecretError> {
        match name.as_str() {
            "alerts-mailbox" => {
                Ok(Found { value: "open sesame".to_owned().into(), place: SecretPlace::File })
            }
            _ => Err(SecretError::Missing { name: name.clone(), asked: "none".to_owned() }),
        }
    }
}

/// One of the ways, as a place to put messages into.
enum Way {
    Dropped(Drop),
    Maildir(Drop),
    Server(Drop, MailHost),
}

impl Way {
    async fn all() -> Vec<Self> {
        let maildir = Drop::new();
        for part in ["new", "cur", "tmp"] {
            std::fs::create_dir(maildir.path().join(part)).unwrap();
        }
        vec![Self::Dropped(Drop::new()), Self::Maildir(maildir), Self::server().await]
    }

    async fn server() -> Self {
        let drop = Drop::new();
        let host = MailHost::start(Door::Tls, Certificate::Good).await.unwrap();
        std::fs::write(drop.path().join("ca.pem"), &host.ca_pem).unwrap();
        Self::Server(drop, host)
    }

    fn drop(&self) -> &Drop {
        match self {
            Self::Dropped(drop) | Self::Maildir(drop) | Self::Server(drop, _) => drop,
        }
    }

    fn settings(&self) -> String {
        let mailbox = match self {
            Self::Dropped(_) => "folder = { folder = '.' }".to_owned(),
            Self::Maildir(_) => "maildir = '.'".to_owned(),
            Self::Server(_, host) => format!(
                "imap = {{ host = 'localhost', port = {}, user = 'alerts', folder = \
                 'INBOX/Alerts', credential = 'alerts-mailbox', ca_file = 'ca.pem' }}",
                host.port
            ),
        };
        format!("alerts = {{ mailbox = {{ {mailbox} }} }}\n{APPLIANCES}")
    }

    fn watcher(&self) -> Arc<dyn Watch> {
        self.watcher_with(&self.settings())
    }

    fn watcher_with(&self, settings: &str) -> Arc<dyn Watch> {
        let (mut ctx, _) = stage(self.drop());
        ctx.secrets = Arc::new(OneSecret);
        build(&SERVICE, &ctx, settings).unwrap_or_else(|e| panic!("{e}"))
    }

    fn put(&self, name: &str, text: &str) {
        let text = text.replace('\n', "\r\n");
        match self {
            Self::Dropped(drop) => drop.file(&format!("{name}.eml"), text, "2027-02-02T10:35:00Z"),
            Self::Maildir(drop) => {
                drop.file(&format!("new/{name}.h"), text, "2027-02-02T10:35:00Z")
            }
            Self::Server(drop, host) => {
                host.put("2027-02-02T10:35:00Z".parse().unwrap(), text);
                drop.path().to_owned()
            }
        };
    }
}

#[tokio::test]
async fn whichever_way_an_alert_comes_the_board_says_the_same() {
    for way in Way::all().await {
        let watcher = way.watcher();
        let seen = at(&watcher, EAST, NOW).await;
        assert!(matches!(seen.verdict, Verdict::Unknown(Reason::NeverSeen)), "{}", seen.detail);
        way.put("beat", &heartbeat_of("edge-a"));
        assert_eq!(at(&watcher, EAST, NOW).await.verdict, Verdict::Ok);
        way.put("stop", STOPPED);
        way.put("stop-again", STOPPED);
        let seen = at(&watcher, EAST, NOW).await;
        assert_eq!(seen.verdict, Verdict::Critical);
        assert_eq!(seen.since, Some("2027-02-02T10:21:30Z".parse().unwrap()));
        assert_eq!(fact(&seen, "messages that came twice, counted once"), Some("1"));
        // The program starts again: what is open is open still.
        let again = at(&way.watcher(), EAST, NOW).await;
        assert_eq!((again.verdict, again.since), (seen.verdict, seen.since));
        way.put("start", STARTED);
        let seen = at(&watcher, EAST, NOW).await;
        assert_eq!(seen.verdict, Verdict::Ok, "{}", seen.detail);
        let over = "web filter service was down for about 11m (5m more or less)";
        assert!(seen.detail.as_str().ends_with(over), "{}", seen.detail);
        assert_eq!(fact(&seen, "last outage"), Some(over));
        let later = at(&watcher, EAST, "2027-02-03T10:40:00Z").await;
        assert_eq!(fact(&later, "last outage"), None, "yesterday's news");
        if let Way::Server(_, host) = &way {
            assert_eq!(host.refused(), 0, "nothing was marked or moved");
        }
    }
}

#[tokio::test]
async fn a_mail_server_that_fails_makes_unknown_but_what_is_broken_stays_broken() {
    let way = Way::server().await;
    let Way::Server(_, host) = &way else { panic!() };
    let watcher = way.watcher();
    way.put("beat", &heartbeat_of("edge-a"));
    way.put("beat-b", &heartbeat_of("edge-b"));
    way.put("stop", STOPPED);
    assert_eq!(at(&watcher, EAST, NOW).await.verdict, Verdict::Critical);
    assert_eq!(at(&watcher, SOUTH, NOW).await.verdict, Verdict::Ok);
    host.meddle(|c| (c.starts_with("EXAMINE")).then(|| Instead::Cut(Vec::new())));
    let seen = at(&watcher, EAST, NOW).await;
    assert_eq!(seen.verdict, Verdict::Critical, "{}", seen.detail);
    assert!(
        seen.detail.as_str().contains("has stopped; no news: no answer from imaps://"),
        "{}",
        seen.detail
    );
    let seen = at(&watcher, SOUTH, NOW).await;
    assert_eq!(seen.verdict, NO_ANSWER);
    assert!(
        seen.detail.as_str().contains("no alerts read: no answer from imaps://"),
        "{}",
        seen.detail
    );
    host.set_password("another");
    host.behave();
    assert_eq!(at(&watcher, SOUTH, NOW).await.verdict, Verdict::Unknown(Reason::Unauthorised));
    let nobody = way.settings().replace("'alerts-mailbox'", "'nobody-has-it'");
    let seen = at(&way.watcher_with(&nobody), SOUTH, NOW).await;
    assert_eq!(seen.verdict, Verdict::Unknown(Reason::Unauthorised));
    assert!(seen.detail.as_str().contains("secret set nobody-has-it"), "{}", seen.detail);
}

#[tokio::test]
async fn one_mail_may_speak_of_several_appliances() {
    let drop = alive();
    mail(&drop, "two.eml", TWO_HOSTS);
    let seen = alerts(&drop, EAST, NOW).await;
    assert_eq!(seen.verdict, Verdict::Critical, "{}", seen.detail);
    assert!(seen.detail.as_str().contains("authentication service has stopped"), "{}", seen.detail);
    let seen = alerts(&drop, SOUTH, NOW).await;
    assert_eq!(seen.verdict, Verdict::Warning, "{}", seen.detail);
    assert!(seen.detail.as_str().contains("load average"), "{}", seen.detail);
}

#[tokio::test]
async fn a_licence_notice_warns_and_says_what_it_said() {
    let drop = alive();
    mail(&drop, "licence.eml", LICENCE);
    let seen = alerts(&drop, EAST, NOW).await;
    assert_eq!(seen.verdict, Verdict::Warning);
    assert_eq!(seen.detail.as_str(), "east: appliance reports: your blocklist is out of date");
    let open: Vec<_> = seen
        .evidence
        .iter()
        .filter(|f| f.name.as_str() == "open alert")
        .map(|f| f.value.as_str())
        .collect();
    assert_eq!(open, ["your blocklist is out of date", "subscription expires 09/02/2027"]);
    assert_eq!(alerts(&drop, SOUTH, NOW).await.verdict, Verdict::Ok);
}

#[tokio::test]
async fn the_reduced_mode_of_the_cloud_filter_lasts_until_the_full_one() {
    let drop = alive();
    mail(&drop, "reduced.eml", REDUCED);
    let seen = alerts(&drop, SOUTH, NOW).await;
    assert_eq!(seen.verdict, Verdict::Warning);
    assert!(
        seen.detail.as_str().contains("safeguarding alerts: call the vendor"),
        "{}",
        seen.detail
    );
    assert!(!is_well(alerts(&drop, SOUTH, "2027-06-02T10:40:00Z").await.verdict), "however long");
    let full = REDUCED.replace("09:40", "09:50").replace("Mode 1", "Mode 2");
    mail(&drop, "full.eml", &full);
    assert_eq!(alerts(&drop, SOUTH, NOW).await.verdict, Verdict::Ok);
    mail(&drop, "full.eml", &full.replace("now in", "not in"));
    assert_eq!(alerts(&drop, SOUTH, NOW).await.verdict, Verdict::Warning);
    mail(&drop, "full.eml", &full.replace("edge-b", "edge-a"));
    assert_eq!(alerts(&drop, SOUTH, NOW).await.verdict, Verdict::Warning);
}

#[tokio::test]
async fn what_nobody_knows_stands_until_somebody_deals_with_it() {
    let drop = Drop::new();
    mail(&drop, "u.eml", UNHEARD_OF);
    assert_eq!(alerts(&drop, EAST, NOW).await.verdict, Verdict::Unknown(Reason::NeverSeen));
    mail(&drop, "h.eml", &heartbeat_of("edge-a").replace("2 Feb", "2 Mar"));
    let seen = alerts(&drop, EAST, "2027-03-02T10:40:00Z").await;
    assert_eq!(seen.verdict, Verdict::Warning, "a month later: {}", seen.detail);
    drop.remove("u.eml");
    assert_eq!(alerts(&drop, EAST, "2027-03-02T10:40:00Z").await.verdict, Verdict::Ok);
}

#[tokio::test]
async fn a_heartbeat_that_came_back_is_none() {
    let drop = Drop::new();
    mail(&drop, "r.eml", RETURNED);
    assert!(matches!(alerts(&drop, EAST, NOW).await.verdict, Verdict::Unknown(Reason::NeverSeen)));
    // From the appliance itself it is one.
    mail(
        &drop,
        "r.eml",
        &RETURNED.replace("MAILER-DAEMON@mx", "alerts@filter").replace("could not", "do"),
    );
    let seen = alerts(&drop, EAST, NOW).await;
    assert!(!matches!(seen.verdict, Verdict::Unknown(_)), "{}", seen.detail);
}

#[tokio::test]
async fn only_the_senders_that_are_named_count() {
    let drop = alive();
    mail(&drop, "stop.eml", STOPPED);
    mail(
        &drop,
        "start.eml",
        &STARTED.replace("alerts@edge-b.filter.example", "mallory@else.example"),
    );
    drop.file(
        "sms.txt",
        "edge-b.filter.example Central Health Monitor: warning, disk.",
        "2027-02-02T10:00:00Z",
    );
    let watcher = build(&SERVICE, &stage(&drop).0, ALERTING).unwrap();
    assert_eq!(
        at(&watcher, EAST, NOW).await.verdict,
        Verdict::Ok,
        "anybody may say that it started"
    );
    for senders in ["['@edge-b.filter.example']", "['x', 'Alerts@Edge-B.filter.example ']"] {
        let named =
            ALERTING.replace("folder = '.' }", &format!("folder = '.' }}, senders = {senders}"));
        let watcher = build(&SERVICE, &stage(&drop).0, &named).unwrap();
        let seen = at(&watcher, EAST, NOW).await;
        assert_eq!(seen.verdict, Verdict::Critical, "{}", seen.detail);
        assert_eq!(fact(&seen, "messages from other senders, left out"), Some("1"));
        assert_eq!(
            at(&watcher, SOUTH, NOW).await.verdict,
            Verdict::Warning,
            "a text has no sender"
        );
    }
}

// ------------------------------------------------------------------ syslog

const LOGGING: &str = "alerts = { syslog = { file = 'alerts.log' } }\n";

async fn logged(drop: &Drop, more: &str, laestab: &str, when: &str) -> Observation {
    let settings =
        format!("{}{APPLIANCES}", LOGGING.replace("'alerts.log'", &format!("'alerts.log'{more}")));
    at(&build(&SERVICE, &stage(drop).0, &settings).unwrap(), laestab, when).await
}

#[tokio::test]
async fn a_syslog_file_tells_of_the_same() {
    let drop = Drop::new();
    drop.file("alerts.log", LOG, "2027-02-02T10:39:00Z");
    let seen = logged(&drop, "", EAST, NOW).await;
    assert_eq!(seen.verdict, Verdict::Critical);
    assert_eq!(seen.since, Some("2027-02-02T10:21:30Z".parse().unwrap()));
    let says = "east: appliance reports: alert … service=guardian state=stopped";
    assert_eq!(seen.detail.as_str(), says);
    assert_eq!(fact(&seen, "hosts that no appliance has"), Some("sw-91c"));
    let kept = format!("{seen:?}");
    for gone in ["private.example", "jsmith", "10.9.8.7", "guardian3"] {
        assert!(!kept.contains(gone), "{gone} in {kept}");
    }
    let seen = logged(&drop, "", SOUTH, NOW).await;
    assert_eq!(
        (seen.verdict, seen.since),
        (Verdict::Critical, Some("2027-02-02T10:20:02Z".parse().unwrap()))
    );
    // What starts again ends it, under another number; the other stays.
    let ended = ended();
    drop.file("alerts.log", &ended, "2027-02-02T10:39:00Z");
    let seen = logged(&drop, "", EAST, NOW).await;
    assert_eq!(seen.verdict, Verdict::Ok, "{}", seen.detail);
    assert!(
        seen.detail.as_str().contains("service=guardian was down for about 11m"),
        "{}",
        seen.detail
    );
    assert_eq!(logged(&drop, "", SOUTH, NOW).await.verdict, Verdict::Critical);
    for not_a_start in ["service=proxy state=started", "service=guardian state=starting"] {
        drop.file(
            "alerts.log",
            ended.replace("service=guardian state=started", not_a_start),
            "2027-02-02T10:39:00Z",
        );
        assert!(!is_well(logged(&drop, "", EAST, NOW).await.verdict), "{not_a_start}");
    }
    // The words are configuration.
    drop.file("alerts.log", LOG.replace("state=stopped", "st=0"), "2027-02-02T10:39:00Z");
    let seen = logged(&drop, "", EAST, NOW).await;
    assert_eq!(seen.verdict, Verdict::Warning);
    assert!(seen.detail.as_str().contains("unrecognised alert"), "{}", seen.detail);
    let words = " }, words = { stopped = ['st=0'], critical_services = ['guardian'] ";
    assert_eq!(logged(&drop, words, EAST, NOW).await.verdict, Verdict::Critical);
}

#[tokio::test]
async fn a_syslog_file_that_is_cut_rotated_gone_or_too_large() {
    let drop = Drop::new();
    // Half a line waits for its end.
    drop.file("alerts.log", LOG.trim_end().trim_end_matches("stopped"), "2027-02-02T10:39:00Z");
    assert_eq!(fact(&logged(&drop, "", EAST, NOW).await, "hosts that no appliance has"), None);
    // What was open before the file was rotated is open still.
    drop.file("alerts.log.1", LOG, "2027-02-02T10:39:00Z");
    drop.file(
        "alerts.log",
        "Feb  2 10:35:00 edge-a smoothmonitor: heartbeat\n",
        "2027-02-02T10:39:00Z",
    );
    assert_eq!(logged(&drop, "", EAST, NOW).await.verdict, Verdict::Critical);
    assert_eq!(logged(&drop, ", max_bytes = 100", EAST, NOW).await.verdict, MALFORMED);
    drop.remove("alerts.log");
    assert_eq!(logged(&drop, "", EAST, NOW).await.verdict, NO_ANSWER, "only the old one is there");
    std::os::unix::fs::symlink("/etc/hostname", drop.path().join("alerts.log")).unwrap();
    assert_eq!(logged(&drop, "", EAST, NOW).await.verdict, NO_ANSWER);
}

/// A log in which a service of `edge-a` stopped and started again.
fn ended() -> String {
    format!(
        "{LOG}<30>Feb  2 10:33:14 edge-a smoothmonitor[2211]: alert id=48219 service=guardian state=started\n"
    )
}

#[tokio::test]
async fn a_line_of_alerts_that_cannot_be_read_may_have_been_the_worst() {
    let drop = Drop::new();
    for (from, to, known) in [
        ("", "", true),
        // Nothing else tells of this stop, and nothing of its time.
        ("<30>Feb  2 10:33:14", "<30>Feb 32 10:33:14", false),
        ("<29>Feb  2 10:21:30", "<29>", false),
        ("<29>Feb  2 10:21:30", "<x>Feb  2 10:21:30", false),
        // A line of another program is left where it is.
        ("<30>Feb  2 10:01:00 edge-a guardian3", "<30>Feb 32 edge-a guardian3", true),
    ] {
        drop.file("alerts.log", ended().replace(from, to), "2027-02-02T10:39:00Z");
        let seen = logged(&drop, "", EAST, NOW).await;
        assert_eq!(is_well(seen.verdict), known, "{to}: {}", seen.detail);
    }
}

#[tokio::test]
async fn a_lost_line_counts_against_whose_it_may_be_and_is_told_by_its_place() {
    let drop = Drop::new();
    let seen = async |line: &str, target| {
        drop.file("alerts.log", format!("{line}\n{}", ended()), "2027-02-02T10:39:00Z");
        logged(&drop, "", target, NOW).await
    };
    let of_b = "<29>Feb 32 10:00:00 edge-b smoothmonitor[907]: alert id=3 service=x state=stopped";
    assert!(is_well(seen(of_b, EAST).await.verdict), "it is another appliance's");
    let shared = seen(of_b, SOUTH).await;
    let told = "line 1 of alerts.log may be an alert and cannot be read";
    assert!(shared.detail.as_str().contains(told), "{}", shared.detail);
    assert!(!format!("{shared:?}").contains("service=x"), "its place, and nothing of what it says");
    // Whose it is cannot be told: it may be anybody's.
    for line in [
        of_b.replace("edge-b", "ed\u{fffd}e-b"),
        of_b.replace("edge-b ", ""),
        of_b.replace(": alert", ": lert<29>Feb  2 10:00:01 -a smoothmonitor[7]: alert"),
        format!("{of_b} smoothmonitor"),
    ] {
        for target in [EAST, SOUTH] {
            let seen = seen(&line, target).await;
            assert!(!is_well(seen.verdict), "{line}: {}", seen.detail);
            assert!(seen.detail.as_str().contains("line 1 of alerts.log may be"), "{line}");
        }
    }
    // Of the older file too, until it goes.
    drop.file("alerts.log.1", format!("\n{of_b}\n"), "2027-02-02T10:39:00Z");
    drop.file("alerts.log", ended(), "2027-02-02T10:39:00Z");
    let older = logged(&drop, "", SOUTH, NOW).await;
    assert!(older.detail.as_str().contains("line 2 of alerts.log.1"), "{}", older.detail);
    drop.remove("alerts.log.1");
    let gone = logged(&drop, "", SOUTH, NOW).await;
    assert!(!gone.detail.as_str().contains("cannot be read"), "{}", gone.detail);
}

/// What is well in a damaged log stands in it, to a second reader: a heartbeat, and of each service that stopped
/// its start. A line of another host or program is none of ours, whatever it was.
#[test]
fn a_damaged_log_is_never_well_while_a_stop_stands_in_it() {
    let mut well = 0;
    let well = std::cell::RefCell::new(&mut well);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    damage::holds(&ended(), 400, |body| {
        let drop = Drop::new();
        drop.file("alerts.log", body, "2027-02-02T10:39:00Z");
        let seen = runtime.block_on(logged(&drop, "", EAST, NOW));
        if !is_well(seen.verdict) {
            return Ok(());
        }
        **well.borrow_mut() += 1;
        let whole = body.rsplit_once('\n').map_or("", |(whole, _)| whole).to_lowercase();
        let said: Vec<&str> = whole
            .lines()
            .filter_map(|line| line.split_once(" edge-a smoothmonitor"))
            .filter_map(|(_, said)| said.split_once(':'))
            .map(|(_, said)| said)
            .collect();
        let service = |said: &str| {
            // Where two lines became one, the last of its words counts.
            let word = said.split_whitespace().rfind(|w| w.starts_with("service="));
            word.unwrap_or_default().to_owned()
        };
        let starts: Vec<String> =
            said.iter().filter(|s| s.contains("state=started")).map(|s| service(s)).collect();
        let mut stops = said.iter().filter(|s| s.contains("state=stopped"));
        prop_assert!(said.iter().any(|s| s.contains("heartbeat")), "{}\n{body}", seen.detail);
        prop_assert!(stops.all(|s| starts.contains(&service(s))), "{}\n{body}", seen.detail);
        Ok(())
    });
    assert!(**well.borrow() > 40, "many are still well: {}", well.borrow());
}

#[tokio::test]
async fn any_line_can_be_a_heartbeat_if_so_configured() {
    let drop = Drop::new();
    let line = "Feb  2 10:30:00 edge-a kernel: eth0 user jsmith\n";
    drop.file("alerts.log", line, "2027-02-02T10:39:00Z");
    assert!(matches!(
        logged(&drop, "", EAST, NOW).await.verdict,
        Verdict::Unknown(Reason::NeverSeen)
    ));
    let any = ", any_line_is_heartbeat = true";
    let seen = logged(&drop, any, EAST, NOW).await;
    assert_eq!(seen.verdict, Verdict::Ok, "{}", seen.detail);
    assert!(!format!("{seen:?}").contains("jsmith"));
    assert_eq!(
        logged(&drop, any, EAST, "2027-02-03T12:31:00Z").await.verdict,
        Verdict::Unknown(Reason::Stale)
    );
    assert!(matches!(
        logged(&drop, any, SOUTH, NOW).await.verdict,
        Verdict::Unknown(Reason::NeverSeen)
    ));
    // A host whose clock runs ahead proves nothing.
    drop.file("alerts.log", "2027-02-02T12:30:00Z edge-a kernel: x\n", "2027-02-02T10:39:00Z");
    assert!(matches!(
        logged(&drop, any, EAST, NOW).await.verdict,
        Verdict::Unknown(Reason::NeverSeen)
    ));
}

#[tokio::test]
async fn mail_and_syslog_together_and_one_of_them_failing() {
    let drop = alive();
    let both = format!(
        "alerts = {{ drop = {{ folder = '.' }}, syslog = {{ file = 'log/alerts.log' }} }}\n{APPLIANCES}"
    );
    let watcher = build(&SERVICE, &stage(&drop).0, &both).unwrap();
    assert_eq!(
        at(&watcher, EAST, NOW).await.verdict,
        NO_ANSWER,
        "mail is well, the log is not there"
    );
    std::fs::create_dir(drop.path().join("log")).unwrap();
    drop.file("log/alerts.log", "", "2027-02-02T10:39:00Z");
    assert_eq!(at(&watcher, EAST, NOW).await.verdict, Verdict::Ok);
    drop.file("log/alerts.log", LOG, "2027-02-02T10:39:00Z");
    assert_eq!(at(&watcher, EAST, NOW).await.verdict, Verdict::Critical);
    for nothing in ["alerts = { }", "alerts = { syslog = { file = 'x', programs = [' '] } }"] {
        let refused = build(&SERVICE, &stage(&drop).0, &format!("{nothing}\n{APPLIANCES}"));
        assert!(matches!(refused, Err(ServiceError::Setting { .. })), "{nothing}");
    }
}

// ------------------------------------------------------------------ the place of the proof

#[tokio::test]
async fn a_place_that_is_not_behind_the_appliance_proves_nothing() {
    let (vendor, drop) = (Vendor::start().await, Drop::new());
    vendor.play("/bad", page("<p>the forbidden page</p>"));
    vendor.play("/plain", page(PLAIN));
    let place = format!(", place = {{ url = '{}/own', word = 'appliance EDGE-B' }}", vendor.url);
    let watcher = build(&SERVICE, &stage(&drop).0, &proving(&vendor, &place)).unwrap();
    let proved = async || {
        poll(&watcher, now()).await.remove(&(school(SOUTH), "filtering".to_owned())).unwrap()
    };
    for elsewhere in [status(404), Play::HangUp, page("<p>another page</p>"), page(BLOCK_PAGE)] {
        vendor.play("/own", elsewhere);
        let seen = proved().await;
        assert_eq!(seen.verdict, MALFORMED, "{}", seen.detail);
        assert!(seen.detail.as_str().contains("not behind the appliance"), "{}", seen.detail);
    }
    vendor.play("/own", page("<p>Appliance  edge-b</p>"));
    assert_eq!(proved().await.verdict, Verdict::Critical, "it is behind it, and not filtered");
    vendor.play("/bad", page(BLOCK_PAGE));
    vendor.play("/own", Play::HangUp);
    assert_eq!(proved().await.verdict, Verdict::Ok, "what is blocked needs no other proof");
    let empty = place.replace("appliance EDGE-B", " ");
    let refused = build(&SERVICE, &stage(&drop).0, &proving(&vendor, &empty));
    assert!(matches!(refused, Err(ServiceError::Setting { .. })));
}

// ------------------------------------------------------------------ damage

/// `text` with some bytes replaced, taken out or put in.
fn damaged(text: &str, at: usize, take: usize, with: &[u8]) -> Vec<u8> {
    let mut bytes = text.replace('\n', "\r\n").into_bytes();
    let at = at % bytes.len();
    let end = (at + take).min(bytes.len());
    bytes.splice(at..end, with.iter().copied());
    bytes
}

fn judged(files: &[(&str, &[u8])]) -> Verdict {
    let drop = Drop::new();
    for (name, bytes) in files {
        drop.file(name, bytes, "2027-02-02T10:35:00Z");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(alerts(&drop, EAST, NOW)).verdict
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_damage_to_a_start_ends_more_than_was_started(
        place in 0_usize..400,
        take in 0_usize..6,
        with in proptest::collection::vec(any::<u8>(), 0..4),
    ) {
        let bytes = damaged(STARTED, place, take, &with);
        let heartbeat = heartbeat_of("edge-a");
        let verdict = judged(&[
            ("h.eml", heartbeat.as_bytes()), ("stop.eml", STOPPED.as_bytes()), ("start.eml", &bytes),
        ]);
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        let words: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if verdict != Verdict::Critical {
            prop_assert!(words.contains("web filter service has started"), "{verdict:?}: {words}");
        }
    }

    #[test]
    fn no_damage_to_a_heartbeat_proves_more_than_it_says(
        place in 0_usize..400,
        take in 0_usize..6,
        with in proptest::collection::vec(any::<u8>(), 0..4),
    ) {
        let bytes = damaged(&heartbeat_of("edge-a"), place, take, &with);
        let verdict = judged(&[("h.eml", &bytes)]);
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if is_well(verdict) {
            prop_assert!(text.contains("heartbeat") || text.contains("test alert"), "{text}");
            prop_assert!(text.contains("edge-a"), "{text}");
        } else {
            prop_assert!(verdict != Verdict::Critical);
        }
    }
}
