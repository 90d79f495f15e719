//! What is played in the namespace.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use caretaker::model::span::Span;
use caretaker::ports::clock::Clock as _;
use caretaker::simulators::{
    Fault, GraphFault, GroupcallFault, Plan, RedstorFault, Running, Scenario, start,
};
use caretaker::sys::SystemClock;
use caretaker::transport::ldap::LdapSettings;
use caretaker::transport::{ImapSecurity, Transport, TransportSettings, install_tls};
use jiff::SignedDuration;
use serde_json::Value;

use crate::at_the_end::at_the_end;
use crate::board::{Board, Cells, Look};
use crate::config::{self, Real};
use crate::dovecot::{self, Dovecot};
use crate::samba::{self, Authority, Dc, LOCKS_AFTER, PASSWORD, SCHOOLS};
use crate::secret_service::Session;
use crate::slow_reader::SlowReader;

/// Accounts of each school: more than a password spray needs.
const ACCOUNTS: usize = 12;
/// Four primary schools and a secondary one, which takes no Purple Mash and has a filter of its own.
const ALL: [&str; 5] = ["9992000", "9992001", "9992002", "9992003", "9992004"];
const SECONDARY: &str = "9992001";
const PRIMARIES: [&str; 4] = ["9992000", "9992002", "9992003", "9992004"];

/// A cell that a fault turns: row, service, how it stands, and words of its sentence.
type Turned<'a> = (&'a str, &'a str, &'a str, &'a str);

/// The same cell of several rows.
fn each<'a>(rows: &[&'a str], service: &'a str, state: &'a str, words: &'a str) -> Vec<Turned<'a>> {
    rows.iter().map(|row| (*row, service, state, words)).collect()
}

/// The agent, and the slow reader that must come to its board at the end.
struct Agent(Child, Option<SlowReader>);

impl Drop for Agent {
    fn drop(&mut self) {
        at_the_end(&mut self.1);
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Everything that the agent watches, and where it keeps its own things.
struct Estate {
    home: tempfile::TempDir,
    vendors: Running,
    authority: Authority,
    controllers: [RefCell<Dc>; 2],
    mail: Dovecot,
    session: Session,
}

impl Estate {
    async fn new() -> Self {
        install_tls();
        let home = tempfile::Builder::new().prefix("ct").tempdir_in("/tmp").unwrap();
        std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        let clock = SystemClock::new();
        let vendors = start(Plan {
            schools: ALL.len(),
            seed: 5,
            scenario: Scenario::Calm,
            folder: home.path().join("vendors"),
            clock: Arc::new(move || clock.now()),
        })
        .await
        .unwrap();
        let authority = Authority::new();
        let entries = accounts(&vendors);
        let controllers = [1, 2].map(|n| {
            let dc = Dc::start(n, &authority);
            dc.add(&entries);
            RefCell::new(dc)
        });
        let mail = Dovecot::start().await;
        let estate =
            Self { home, vendors, authority, controllers, mail, session: Session::start() };
        for name in 1..=3 {
            estate.alert(60, &format!("filter{name:02}"), "Test alert: daily heartbeat.");
        }
        let imap = estate.mail.settings(ImapSecurity::Tls);
        let real = Real {
            controllers: [
                estate.controllers[0].borrow().ldaps(),
                estate.controllers[1].borrow().start_tls(),
            ],
            authority: &estate.authority.file(),
            mailbox: format!(
                "{{ imap = {{ host = '{}', port = {}, user = '{}', folder = '{}', \
                 credential = '{}', ca_file = '{}' }} }}",
                imap.host,
                imap.port.unwrap(),
                imap.user,
                imap.folder,
                imap.credential,
                imap.ca_file.unwrap().display()
            ),
        };
        config::put(estate.home.path(), &estate.vendors, &real);
        estate.keep_credentials();
        estate
    }

    /// As an administrator stores them.
    fn keep_credentials(&self) {
        let mut all = self.vendors.invented.credentials.clone();
        all.insert("welearn365.directory".into(), PASSWORD.into());
        all.insert("alerts-mailbox".into(), dovecot::PASSWORD.into());
        for (name, value) in &all {
            self.secret("set", name, value);
        }
    }

    /// `caretaker secret set` or `delete`.
    fn secret(&self, what: &str, name: &str, value: &str) {
        let mut child = self
            .caretaker(&["secret", what, name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(value.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(
            done.status.success() && said.contains("Secret Service keyring"),
            "{name}: {said}{}",
            String::from_utf8_lossy(&done.stderr)
        );
    }

    fn caretaker(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_caretaker"));
        command.arg("--config").arg(self.home.path().join("config.toml")).args(args);
        command.env_clear().envs(self.session.variables()).stdin(Stdio::null());
        command
    }

    fn agent(&self) -> Agent {
        let mut child = self.caretaker(&["agent"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("agent.sock"), "{line}");
        Agent(child, Some(SlowReader::attach(&self.socket())))
    }

    fn socket(&self) -> PathBuf {
        self.home.path().join("agent.sock")
    }

    fn board(&self) -> Board<'_> {
        Board::new(&self.socket(), || {
            let output = self.caretaker(&["status", "--json"]).output().unwrap();
            serde_json::from_slice::<Value>(&output.stdout)
                .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)))
        })
    }

    /// An alert mail of an appliance, some minutes old.
    fn alert(&self, minutes_ago: i64, appliance: &str, text: &str) {
        let at = SystemClock::new().now() - SignedDuration::from_mins(minutes_ago);
        let host = format!("{appliance}.wolds.example");
        let mail = format!(
            "From: alerts@filter.example\r\nDate: {}\r\nSubject: [{appliance}] alert\r\n\r\n\
             Host: {host}\r\n\r\n{text}\r\n",
            at.strftime("%a, %d %b %Y %H:%M:%S +0000")
        );
        let names = self.mail.names().len();
        self.mail.deliver("", &format!("{}.M{names}P1.host", at.as_second()), &mail);
    }

    /// Wrong passwords for every account of a school, until it is locked.
    async fn spray(&self, school: &str) {
        let transport = Transport::new(TransportSettings::default(), Arc::new(SystemClock::new()));
        for n in 0..ACCOUNTS {
            for _ in 0..LOCKS_AFTER {
                // Each time anew: one that was refused is not tried again.
                let as_pupil = LdapSettings {
                    controllers: vec![self.controllers[0].borrow().ldaps().parse().unwrap()],
                    ca_file: Some(self.authority.file()),
                    bind_as: format!("{}@desk.test", login(school, n)),
                    connect_timeout: Span::from_secs(30),
                    operation_timeout: Span::from_secs(60),
                    deadline: Span::from_secs(120),
                    page: 500,
                };
                let wrong = "not the password".to_owned().into();
                let tried = transport.directory(&as_pupil).unwrap().open(0, &wrong).await;
                assert!(tried.is_err(), "{school} {n}");
            }
        }
    }

    fn unlock(&self, school: &str) {
        let ou = self.ou(school);
        for n in 0..ACCOUNTS {
            let dn = format!("CN={},{ou}", login(school, n));
            self.controllers[0].borrow().change(&dn, "lockoutTime", "0");
        }
    }

    fn ou(&self, school: &str) -> String {
        let taken = &self.vendors.invented.subscriptions[&school.parse().unwrap()];
        taken.parameters.get("welearn365.ou").unwrap().to_owned()
    }
}

fn login(school: &str, n: usize) -> String {
    format!("p{school}{n:02}")
}

/// An OU for each school, with accounts.
fn accounts(vendors: &Running) -> String {
    let mut out = String::new();
    for (school, taken) in &vendors.invented.subscriptions {
        let ou = taken.parameters.get("welearn365.ou").unwrap();
        assert!(ou.ends_with(SCHOOLS), "{ou} is not in the real directory");
        out += &samba::entry(ou, "organizationalUnit", &[]);
        for n in 0..ACCOUNTS {
            let login = login(&school.to_string(), n);
            let mail = format!("{login}@desk.test");
            out += &samba::account(&login, &login, ou, 512, Some(&mail));
        }
    }
    out
}

/// The board against the calm one.
struct Watched<'a> {
    board: Board<'a>,
    calm: Cells,
}

impl Watched<'_> {
    fn different(&self, look: &Look) -> Cells {
        let mut cells = look.cells();
        cells.retain(|at, state| self.calm.get(at) != Some(state));
        cells
    }

    /// Waits until these cells, and no others, stand differently than in the calm; and looks again
    /// when everything has been asked once more.
    fn turns(&self, what: &str, expected: &[Turned<'_>]) -> Look {
        let wanted: Cells = expected
            .iter()
            .map(|(row, service, state, _)| {
                (((*row).to_owned(), (*service).to_owned()), (*state).to_owned())
            })
            .collect();
        let said = |look: &Look| {
            expected.iter().all(|(row, service, _, words)| look.why(row, service).contains(words))
        };
        let tell = |look: &Look| {
            let cells = self.different(look);
            let with_why = cells
                .into_iter()
                .map(|((row, service), state)| {
                    let why = look.why(&row, &service);
                    format!("  (\"{row}\", \"{service}\", \"{state}\", \"{why}\"),\n")
                })
                .collect::<String>();
            format!("\n{with_why}")
        };
        let fits = |look: &Look| self.different(look) == wanted && said(look);
        self.board.until(what, fits, tell);
        let look = self.board.another_round(what);
        assert!(fits(&look), "{what}: when all was asked once more: {}", tell(&look));
        look
    }

    fn calms(&self, what: &str) {
        self.turns(&format!("{what}, mended"), &[]);
    }
}

/// The board of a calm estate: every service well at every school that takes it.
fn calm(estate: &Estate) -> Watched<'_> {
    let board = estate.board();
    let well = |look: &Look| {
        let cells = look.cells();
        let not = cells.iter().filter(|((row, service), state)| {
            let takes_none = row == SECONDARY && service == "purple_mash";
            state.as_str() != if takes_none { "not_subscribed" } else { "ok" }
        });
        not.map(|((row, service), state)| {
            format!("{row} {service}: {state}, {}\n", look.why(row, service))
        })
        .collect::<String>()
    };
    let settled = |look: &Look| look.0["settled"] == true && well(look).is_empty();
    let look = board.until("calm", settled, well);
    let calm = look.cells();
    assert_eq!(calm.len(), ALL.len() * 7 + 5, "each school's services, and the estate's: {calm:?}");
    Watched { board, calm }
}

/// Simulated vendors that go wrong, each in its own way.
fn vendors(estate: &Estate, watched: &Watched<'_>) {
    let vendors = &estate.vendors;
    let school = |row: &str| Some(row.parse().unwrap());

    vendors.microsoft().set_fault(GraphFault::HealthInterrupted);
    let sign_in = "warning follows welearn365 (estate)";
    let cause = "Identity Service: service interruption";
    let follows = "follows from WeLearn365 (whole estate): sign-in is affected";
    let mut expected = vec![("estate", "welearn365", "critical", cause)];
    expected.extend(each(&ALL, "welearn365", sign_in, cause));
    expected.extend(each(&ALL, "just2easy", sign_in, follows));
    expected.extend(each(&PRIMARIES, "purple_mash", sign_in, follows));
    watched.turns("Microsoft's sign-in is down", &expected);
    vendors.microsoft().clear_fault(GraphFault::HealthInterrupted);
    watched.calms("Microsoft's sign-in");

    vendors.set_fault("welearn365", None, Fault::Status(503));
    let (gone, both) = ("unknown no_answer", "unknown no_answer follows welearn365 (estate)");
    let mut expected = vec![("estate", "welearn365", gone, "https://127.0.0.1")];
    expected.extend(each(&ALL, "welearn365", both, "https://127.0.0.1"));
    expected.extend(each(&ALL, "just2easy", sign_in, follows));
    expected.extend(each(&PRIMARIES, "purple_mash", sign_in, follows));
    expected.extend(each(&ALL, "future_digital", sign_in, "user names are not updated"));
    expected.extend(each(&ALL, "smoothwall", sign_in, "user groups are not updated"));
    watched.turns("Graph does not answer", &expected);
    vendors.clear_fault("welearn365", None);
    watched.calms("Graph");

    vendors.groupcall().set_fault(school(ALL[0]), GroupcallFault::DataOld);
    let late = "warning follows groupcall (school)";
    let mut expected = vec![(ALL[0], "groupcall", "critical", "data")];
    let without = "follows from Groupcall: new starters get no account";
    for service in ["welearn365", "just2easy", "purple_mash"] {
        expected.extend(each(&ALL[..1], service, late, without));
    }
    watched.turns("pupil data is old", &expected);
    vendors.groupcall().clear_fault(school(ALL[0]), GroupcallFault::DataOld);
    watched.calms("the data");

    vendors.redstor().set_fault(school(ALL[4]), RedstorFault::SimsFailed);
    let failed = [(ALL[4], "redstor", "critical", "failed")];
    watched.turns("the backup of SIMS failed", &failed);
    vendors.redstor().clear_fault(school(ALL[4]), RedstorFault::SimsFailed);
    watched.calms("the backup");

    vendors.set_fault("future_digital", school(ALL[3]), Fault::Down);
    let unseen = [(ALL[3], "future_digital", "critical", "0 of")];
    watched.turns("no station was seen", &unseen);
    vendors.clear_fault("future_digital", school(ALL[3]));
    watched.calms("the stations");

    vendors.set_fault("smoothwall.filter03", None, Fault::Html200);
    let behind = "warning follows smoothwall (school)";
    let portal = [
        (SECONDARY, "smoothwall", "unknown malformed", "filter03"),
        (SECONDARY, "welearn365", behind, "follows from Smoothwall"),
        (SECONDARY, "just2easy", behind, "follows from Smoothwall"),
    ];
    watched.turns("the filter shows another page", &portal);
    vendors.clear_fault("smoothwall.filter03", None);
    watched.calms("the filter");

    vendors.set_fault("just2easy", None, Fault::Status(503));
    let mut expected = vec![("estate", "just2easy", "critical", "503")];
    expected.extend(each(&ALL, "just2easy", "warning follows just2easy (estate)", "503"));
    watched.turns("Just2Easy is down", &expected);
    vendors.clear_fault("just2easy", None);
    watched.calms("Just2Easy");

    vendors.set_fault("purple_mash", school(ALL[0]), Fault::Status(503));
    watched.turns("a portal is down", &[(ALL[0], "purple_mash", "critical", "503")]);
    vendors.clear_fault("purple_mash", school(ALL[0]));
    watched.calms("the portal");
}

/// A credential that is gone from the Secret Service.
fn secrets(estate: &Estate, watched: &Watched<'_>) {
    estate.secret("delete", "redstor", "");
    let remedy = "run: caretaker secret set redstor";
    let expected = each(&ALL, "redstor", "unknown unauthorised", remedy);
    watched.turns("no password of Redstor", &expected);
    estate.secret("set", "redstor", &estate.vendors.invented.credentials["redstor"]);
    watched.calms("the password");
}

/// Alerts of appliances, by mail.
fn mail(estate: &Estate, watched: &Watched<'_>) {
    let stopped = "System Service Monitoring: the Web filter service has stopped.";
    estate.alert(20, "filter02", stopped);
    let words = "the web filter service has stopped";
    let mut expected = vec![("estate", "smoothwall", "critical", words)];
    let three = [ALL[0], ALL[2], ALL[4]];
    expected.extend(each(&three, "smoothwall", "critical follows smoothwall (estate)", words));
    watched.turns("a filter of three schools has stopped", &expected);
    let started = "System Service Monitoring: the Web filter service has started.";
    estate.alert(5, "filter02", started);
    watched.calms("the filter of three schools");
}

/// The agent ends in the middle of trouble, and another goes on with its board. Ends with the calm.
fn restarted(estate: &Estate, agent: Agent, calm: Cells) -> (Agent, Watched<'_>) {
    let watched = Watched { board: estate.board(), calm };
    let (vendors, school) = (&estate.vendors, ALL[0].parse().unwrap());
    vendors.groupcall().set_fault(Some(school), GroupcallFault::PausedByFlag);
    let late = "warning follows groupcall (school)";
    let mut expected = vec![(ALL[0], "groupcall", "unknown paused", "ask the school to finish")];
    for service in ["welearn365", "just2easy", "purple_mash"] {
        expected.extend(each(&ALL[..1], service, late, "follows from Groupcall"));
    }
    let before = watched.turns("paused by the school", &expected);
    drop(agent);

    let agent = estate.agent();
    let watched = Watched { board: estate.board(), calm: watched.calm };
    let first = watched.board.look();
    assert_eq!(first.cells(), before.cells(), "as it was, before anybody has answered");
    let since = |look: &Look| {
        let mut since = look.since();
        since.retain(|at, _| expected.iter().any(|(r, s, ..)| (*r, *s) == (&*at.0, &*at.1)));
        since
    };
    assert_eq!(since(&first), since(&before), "and since when it was");
    let later = watched.turns("still paused, by another agent's answers", &expected);
    assert_eq!(since(&later), since(&before), "it is the same trouble");

    // A secret that was refused rests, and a new one is tried at once.
    let name = format!("xod.{school}");
    vendors.groupcall().clear_fault(Some(school), GroupcallFault::PausedByFlag);
    vendors.change_credential(&name, "another-made-up-secret");
    estate.secret("set", &name, "another-made-up-secret");
    watched.calms("the authorisation");
    (agent, watched)
}

/// The directory: a password spray, and controllers that go away.
async fn directory(estate: &Estate, watched: &Watched<'_>) {
    estate.spray(ALL[2]).await;
    let spray = [(ALL[2], "welearn365", "warning", "password spray")];
    watched.turns("many accounts were locked out", &spray);
    estate.unlock(ALL[2]);
    watched.calms("the lockouts");

    estate.controllers[0].borrow_mut().kill();
    let words = "dc1.desk.test";
    let mut expected = vec![("estate", "welearn365", "warning", words)];
    expected.extend(each(&ALL, "welearn365", "warning follows welearn365 (estate)", words));
    watched.turns("one controller is gone", &expected);
    estate.controllers[1].borrow_mut().kill();
    let mut expected = vec![("estate", "welearn365", "unknown no_answer", "")];
    let both = "unknown no_answer follows welearn365 (estate)";
    expected.extend(each(&ALL, "welearn365", both, ""));
    watched.turns("both controllers are gone", &expected);
    for dc in &estate.controllers {
        dc.borrow_mut().start_again();
    }
    watched.calms("the controllers");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the namespace of `the_whole_estate_with_real_components`"]
async fn every_fault_turns_its_cells_and_no_other() {
    let inside = std::env::var("CARETAKER_TEST_NAMESPACE").is_ok();
    assert!(inside, "run `the_whole_estate_with_real_components`, which makes the namespace");
    let estate = Estate::new().await;
    let agent = estate.agent();
    let watched = calm(&estate);
    vendors(&estate, &watched);
    secrets(&estate, &watched);
    let (agent, watched) = restarted(&estate, agent, watched.calm);
    mail(&estate, &watched);
    directory(&estate, &watched).await;
    drop(agent);
}
