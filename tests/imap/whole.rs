//! The whole path: alerts in a mail folder, the program itself, and what its console is told; and
//! that nothing of a message but what it means is anywhere afterwards.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use caretaker::ports::clock::Clock as _;
use caretaker::simulators::{Certificate, Door, MailHost};
use caretaker::sys::SystemClock;
use caretaker::transport::install_tls;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::at_the_end::at_the_end;
use crate::slow_reader::SlowReader;

const PROGRAM: &str = env!("CARGO_BIN_EXE_caretaker");

/// What must be nowhere: the password, the words of an alert about a child, addresses, bodies.
const CANARIES: [&str; 7] = [
    "open sesame",
    "b3BlbiBzZXNhbWU",
    "canary-phrase",
    "canary-pupil",
    "canary-capture",
    "canary-url",
    "head@mill.example",
];

/// The program, its socket, and the slow reader that must come to its board at the end.
struct Agent(Child, PathBuf, Option<SlowReader>);

impl Drop for Agent {
    fn drop(&mut self) {
        at_the_end(&mut self.2);
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn caretaker(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(args).env_clear().env("HOME", home).env("XDG_RUNTIME_DIR", home);
    command.stdin(Stdio::null());
    command
}

fn write(home: &Path, name: &str, text: &str) {
    let path = home.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn config(home: &Path, port: u16) {
    let imap = format!(
        "imap = {{ host = 'localhost', port = {port}, user = 'alerts', folder = 'INBOX/Alerts', \
         credential = 'alerts-mailbox', ca_file = 'ca.pem' }}"
    );
    let text = format!(
        "la_codes = [999]\n[schools]\nlist_file = 'schools.csv'\nsubscriptions_file = 'taken.csv'\n\
         [agent]\nstate_dir = 'state'\n[log]\nlevel = 'trace'\n\
         [credentials.files]\nalerts-mailbox = 'secrets/alerts'\n\
         [services.smoothwall]\nalerts = {{ mailbox = {{ {imap} }} }}\n\
         [[services.smoothwall.appliances]]\nname = 'central'\nshared = true\n\
         hosts = ['edge-b.filter.example']\n\
         [services.smoothwall.checks.alerts]\ninterval = '1s'\nfresh_for = '30s'\n\
         [services.future_digital]\nstations = {{ folder = 'drop' }}\n\
         alert_mail = {{ mailbox = {{ {imap} }}, senders = ['alerts@monitoring.example'] }}\n",
    );
    write(home, "config.toml", &text);
    write(home, "schools.csv", "laestab,name\n9990411,Mill Road Primary\n");
    let taken = "laestab,services,future_digital.alerts_to\n\
                 9990411,smoothwall;future_digital,head@mill.example\n";
    write(home, "taken.csv", taken);
    write(home, "secrets/alerts", "open sesame\n");
    std::fs::set_permissions(home.join("secrets"), std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::create_dir_all(home.join("drop")).unwrap();
}

fn start(home: &Path) -> Agent {
    let config = home.join("config.toml");
    let mut child = caretaker(home, &["--config", config.to_str().unwrap(), "agent"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let socket = PathBuf::from(line.trim().rsplit(' ').next().unwrap());
    assert!(socket.ends_with("agent.sock"), "{line}");
    let slow = SlowReader::attach(&socket);
    Agent(child, socket, Some(slow))
}

fn status(home: &Path, socket: &Path) -> Value {
    let args = ["--agent", socket.to_str().unwrap(), "status", "--json", "--wait-settled", "60s"];
    let output = caretaker(home, &args).output().unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn cell<'a>(status: &'a Value, service: &str) -> &'a Value {
    &status["schools"][0]["cells"][service]
}

/// Asks until the filter's cell is in this health, and says this.
async fn until(home: &Path, agent: &Agent, health: &str, words: &str) -> Value {
    let mut last = Value::Null;
    for _ in 0..600 {
        let (home, socket) = (home.to_owned(), agent.1.clone());
        last = tokio::task::spawn_blocking(move || status(&home, &socket)).await.unwrap();
        let cell = cell(&last, "smoothwall");
        if cell["health"] == health && cell["why"].as_str().unwrap().contains(words) {
            return last;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("never {health} with {words}: {}", cell(&last, "smoothwall"));
}

fn alert(at: Timestamp, text: &str) -> String {
    format!(
        "From: alerts@filter.example\r\nDate: {}\r\nSubject: [edge-b] alert\r\n\r\n\
         Host: edge-b.filter.example\r\n\r\n{text}\r\n",
        at.strftime("%a, %d %b %Y %H:%M:%S +0000")
    )
}

fn captured(at: Timestamp) -> String {
    format!(
        "From: alerts@monitoring.example\r\nTo: head@mill.example\r\nDate: {}\r\n\
         Subject: canary-pupil\r\n\r\ntyped canary-phrase, see canary-capture\r\n",
        at.strftime("%a, %d %b %Y %H:%M:%S +0000")
    )
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap() {
                t if t.is_dir() => todo.push(entry.path()),
                t if t.is_file() => all.push(entry.path()),
                _ => {}
            }
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_reaches_the_console_and_nothing_else_of_the_mail_is_anywhere() {
    install_tls();
    let home = tempfile::Builder::new().prefix("ct").tempdir_in("/tmp").unwrap();
    let home = home.path();
    std::fs::set_permissions(home, std::fs::Permissions::from_mode(0o700)).unwrap();
    let host = MailHost::start(Door::Tls, Certificate::Good).await.unwrap();
    write(home, "ca.pem", &host.ca_pem);
    config(home, host.port);
    let now = SystemClock::new().now();
    let before = |minutes| now - SignedDuration::from_mins(minutes);
    host.put(before(60), alert(before(60), "Test alert: daily heartbeat."));
    host.put(before(50), captured(before(50)));
    let stranger =
        alert(before(45), "System Service Monitoring: the Web filter service has stopped.");
    host.put(before(45), stranger.replace("edge-b", "sw-7f3a"));
    let agent = start(home);
    let seen = until(home, &agent, "ok", "").await;
    let gaps = seen["not_watched"].to_string();
    assert!(gaps.contains("smoothwall.alerts of sw-7f3a.filter.example"), "{gaps}");
    let stop = "System Service Monitoring: the Web filter service has stopped.\r\n\
                It was at http://canary-url.example/ for user canary-pupil.";
    host.put(before(20), alert(before(20), stop));
    let seen = until(home, &agent, "critical", "the web filter service has stopped").await;
    let since: Timestamp = cell(&seen, "smoothwall")["since"].as_str().unwrap().parse().unwrap();
    assert_eq!(since.as_second(), before(20).as_second(), "since the service stopped");
    let said = seen.to_string();
    // A restart does not lose it: the mailbox is the memory.
    drop(agent);
    let agent = start(home);
    until(home, &agent, "critical", "the web filter service has stopped").await;
    let start = "System Service Monitoring: the Web filter service has started.";
    host.put(before(5), alert(before(5), start));
    let seen = until(home, &agent, "warning", "unrecognised alert").await;
    assert!(cell(&seen, "smoothwall")["why"].as_str().unwrap().contains("it was at … for … …"));
    host.set_password("another");
    until(home, &agent, "unknown", "refused our sign-in").await;
    drop(agent);
    assert_eq!(host.refused(), 0, "nothing was marked, moved or deleted");
    let (mut looked, mut logged) = (0, false);
    let state = files(&home.join("state")).into_iter();
    for file in state.chain(files(home).into_iter().filter(|f| f.to_string_lossy().contains("log")))
    {
        let bytes = std::fs::read(&file).unwrap();
        looked += bytes.len();
        logged |= bytes.windows(18).any(|w| w == b"mail folder opened");
        for canary in CANARIES {
            let found =
                bytes.windows(canary.len()).any(|w| w.eq_ignore_ascii_case(canary.as_bytes()));
            assert!(!found, "{canary} in {}", file.display());
        }
    }
    assert!(logged && looked > 10_000, "neither store nor log were there to look into: {looked}");
    for canary in CANARIES {
        assert!(
            !said.contains(canary) && !seen.to_string().contains(canary),
            "{canary} on the wire"
        );
    }
}
