//! `caretaker doctor` as an administrator runs it: on a good host, and on one with each fault.
#![cfg(test)]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use caretaker::simulators::{Certificate, Door, Instead, MailHost};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[path = "support/slow_reader.rs"]
mod slow_reader;

use slow_reader::SlowReader;

const PROGRAM: &str = env!("CARGO_BIN_EXE_caretaker");

/// Ends what it holds when it goes.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn caretaker(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(args).env_clear().env("HOME", home).env("XDG_RUNTIME_DIR", home);
    command.env("LANG", "C.UTF-8").env("TERM", "xterm-256color").stdin(Stdio::null());
    command
}

/// The vendors, and the folder with a configuration for them.
struct Stage {
    home: tempfile::TempDir,
    config: PathBuf,
    _vendors: Running,
}

impl Stage {
    fn new() -> Self {
        Self::playing("begins_as = \"calm\"")
    }

    /// Vendors that play this scenario file.
    fn playing(script: &str) -> Self {
        let home = tempfile::Builder::new().prefix("ct").tempdir_in("/tmp").unwrap();
        let file = home.path().join("scenario.toml");
        std::fs::write(&file, script).unwrap();
        let scenario = file.display().to_string();
        let args = ["simulate", "--schools", "4", "--seed", "2", "--scenario", &scenario];
        let mut child = caretaker(home.path(), &args).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        let config = PathBuf::from(said["config"].as_str().unwrap());
        Self { home, config, _vendors: Running(child) }
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.config).unwrap()
    }

    /// The configuration with something else in it, beside the good one.
    fn other(&self, name: &str, text: &str) -> PathBuf {
        let path = self.config.with_file_name(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        path
    }

    fn run(&self, config: &Path, args: &[&str]) -> Output {
        let config = config.display().to_string();
        let all: Vec<&str> =
            ["--config", config.as_str(), "doctor"].iter().chain(args).copied().collect();
        caretaker(self.home.path(), &all).output().unwrap()
    }

    fn doctor(&self, config: &Path) -> Seen {
        Seen::of(&self.run(config, &["--json"]))
    }
}

/// What the doctor said.
#[derive(Debug)]
struct Seen {
    code: i32,
    report: Value,
}

impl Seen {
    fn of(output: &Output) -> Self {
        let text = String::from_utf8_lossy(&output.stdout);
        let report = serde_json::from_str(&text)
            .unwrap_or_else(|e| panic!("{e}: {text} {}", String::from_utf8_lossy(&output.stderr)));
        Self { code: output.status.code().unwrap(), report }
    }

    fn findings(&self) -> impl Iterator<Item = &Value> {
        self.report["findings"].as_array().unwrap().iter()
    }

    /// Findings of this weight: area, subject and text, and remedy.
    fn told(&self, severity: &str) -> Vec<String> {
        let all = self.findings().filter(|f| f["severity"] == severity);
        all.map(|f| {
            let text = |key: &str| f[key].as_str().unwrap_or("-").to_owned();
            format!("{}|{}|{}|{}", text("area"), text("subject"), text("text"), text("remedy"))
        })
        .collect()
    }

    /// That exactly one error or warning holds all these words.
    fn one(&self, severity: &str, words: &[&str]) {
        let all = self.told(severity);
        let fits = |line: &&String| words.iter().all(|w| line.contains(w));
        assert_eq!(all.iter().filter(fits).count(), 1, "{words:?} in {all:#?}");
    }

    /// What is well in an area.
    fn well(&self, area: &str) -> usize {
        self.findings().filter(|f| f["area"] == area && f["severity"] == "ok").count()
    }
}

#[test]
fn keys_that_cannot_be_used_are_told_before_a_console_ends_of_them() {
    let stage = Stage::new();
    for (keys, words) in [
        ("claim = [\"a\"]", vec!["keys.claim", "both", "acknowledge"]),
        ("clam = [\"z\"]", vec!["keys.clam", "no such command"]),
        ("claim = [\"ctrl-nothing\"]", vec!["keys.claim", "ctrl-nothing"]),
    ] {
        let bad = stage.other("keys.toml", &format!("{}\n[keys]\n{keys}\n", stage.text()));
        stage.doctor(&bad).one("error", &words);
        let path = bad.display().to_string();
        let checked =
            caretaker(stage.home.path(), &["--config", &path, "config", "check"]).output().unwrap();
        let wrong = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert!(!checked.status.success(), "{wrong}");
        assert!(words.iter().all(|word| wrong.contains(word)), "{wrong}");
    }
}

#[test]
fn a_good_host_is_fine_and_the_text_fits_80_columns() {
    let stage = Stage::new();
    let seen = stage.doctor(&stage.config);
    assert_eq!((seen.told("error"), seen.told("warning")), (Vec::new(), Vec::new()));
    assert_eq!((seen.code, seen.report["version"].as_u64()), (0, Some(1)));
    for (area, least) in [
        ("config", 1),
        ("files", 4),
        ("tables", 1),
        ("clock", 1),
        ("network", 8),
        ("tls", 8),
        ("credentials", 1),
        ("sign_in", 10),
        // The app that acts among them.
        ("rights", 5),
        ("terminal", 2),
        ("environment", 1),
    ] {
        assert!(seen.well(area) >= least, "{area}: {} of {least} are well", seen.well(area));
    }
    let tls = seen.findings().find(|f| f["area"] == "tls").unwrap();
    assert!(tls["facts"]["days_left"].as_i64().unwrap() > 0, "{tls}");
    // No date is known of the two secrets of services: told, and told as not watched.
    assert!(seen.told("note").iter().any(|n| n.contains("no expiry date is known")));
    let gaps = seen.report["not_watched"].as_array().unwrap();
    assert!(gaps.iter().any(|g| g["what"] == "redstor.credentials"), "{gaps:?}");
    assert_eq!(seen.report["not_set_up"], serde_json::json!([]));

    let output = stage.run(&stage.config, &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for (number, line) in text.lines().enumerate() {
        assert!(line.chars().count() <= 80, "line {number} is too wide: {line}");
    }
    for heading in ["CONFIGURATION", "TLS", "SIGN-IN", "NOT WATCHED"] {
        assert!(text.lines().any(|l| l == heading), "no {heading}:\n{text}");
    }

    let offline = Seen::of(&stage.run(&stage.config, &["--json", "--offline"]));
    assert_eq!((offline.code, offline.well("sign_in"), offline.well("tls")), (0, 0, 0));
    assert!(offline.well("credentials") > 0);
}

#[test]
fn threat_17_a_runbook_that_would_not_be_run_is_told_with_its_remedy() {
    let stage = Stage::new();
    let folder = stage.home.path().join("runbooks");
    std::fs::create_dir(&folder).unwrap();
    let chmod = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    };
    chmod(&folder, 0o755);
    let program = folder.join("start-sync");
    std::fs::write(&program, "#!/bin/sh\n").unwrap();
    let section = format!("[services.welearn365.runbook]\ncommand = [{program:?}]\n");
    let config = stage.other("runbook.toml", &format!("{}{section}", stage.text()));
    let look = |file: u32, above: u32| {
        chmod(&program, file);
        chmod(&folder, above);
        Seen::of(&stage.run(&config, &["--json", "--offline"]))
    };
    let subject = format!("files|{} (welearn365.sync_directory)|", program.display());
    let well = look(0o755, 0o755);
    assert_eq!(well.told("error"), [""; 0]);
    assert!(well.told("ok").iter().any(|told| told.starts_with(&subject)), "{well:?}");
    for (file, above, words) in
        [(0o775, 0o755, "chmod go-w"), (0o755, 0o777, "chmod go-w"), (0o644, 0o755, "chmod u+x")]
    {
        let seen = look(file, above);
        seen.one("error", &[&subject, "is not run: ", words]);
        assert_eq!(seen.code, 2, "{file:o} in {above:o}");
    }
    std::fs::remove_file(&program).unwrap();
    let gone = Seen::of(&stage.run(&config, &["--json", "--offline"]));
    gone.one("error", &[&subject, "is not there", "install it there"]);
}

#[test]
fn schools_that_grant_more_than_is_asked_for_are_told() {
    let stage = Stage::playing("[[fault]]\non = \"groupcall\"\nwhat = \"scopes_beyond\"\n");
    let seen = stage.doctor(&stage.config);
    assert_eq!((seen.code, seen.told("error")), (1, Vec::new()));
    let warnings = seen.told("warning");
    assert_eq!(warnings.len(), 3, "a few schools are looked at: {warnings:?}");
    for warning in warnings {
        assert!(warning.starts_with("rights|xod."), "{warning}");
        assert!(warning.contains("Address, EndpointInfo, StudentExtended|take"), "{warning}");
    }
}

#[test]
fn credentials_that_are_wrong_open_or_missing_are_told_with_their_remedies() {
    let stage = Stage::new();
    let credential = |name: &str| stage.config.with_file_name("credentials").join(name);
    std::fs::write(credential("redstor"), "not-the-password").unwrap();
    std::fs::set_permissions(credential("welearn365"), PermissionsExt::from_mode(0o644)).unwrap();
    let school = std::fs::read_dir(credential(""))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .find(|n| n.starts_with("xod."))
        .unwrap();
    std::fs::remove_file(credential(&school)).unwrap();
    let dated = stage.text().replace(
        "[credentials.files]",
        "[credentials.expires]\nredstor = 2020-01-31\nwelearn = 2030-01-31\n[credentials.files]",
    );
    let seen = stage.doctor(&stage.other("dated.toml", &dated));
    assert_eq!(seen.code, 2);
    seen.one("error", &["sign_in|redstor.documents", "caretaker secret set"]);
    seen.one("error", &["credentials|redstor|", "ENDED on Fri 31 Jan 2020"]);
    seen.one("error", &["credentials|welearn365|", "mode 0644", "chmod 600"]);
    seen.one("error", &["sign_in|welearn365.service_health", "mode 0644"]);
    seen.one("error", &[&format!("credentials|{school}|"), "caretaker secret set"]);
    seen.one("warning", &["tables|", "dated.toml:", "credentials.expires.welearn", "no service"]);
    let all = seen.report.to_string();
    assert!(!all.contains("not-the-password"), "a credential is shown");
}

/// A server at localhost with this certificate, which answers anything with an empty page.
async fn server(params: CertificateParams, issuer: &CertifiedIssuer<'static, KeyPair>) -> u16 {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap().der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut buffer = [0_u8; 4_096];
                while stream.read(&mut buffer).await.is_ok_and(|n| n > 0) {
                    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\
                                  date: Mon, 06 Jan 2020 10:00:00 GMT\r\n\r\n";
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_and_clocks_that_are_wrong_are_told() {
    let stage = Stage::new();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let ca = stage.config.with_file_name("own-ca.pem");
    std::fs::write(&ca, issuer.pem()).unwrap();
    std::fs::set_permissions(&ca, PermissionsExt::from_mode(0o644)).unwrap();
    let leaf = || CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let mut expired = leaf();
    expired.not_after = date_time_ymd(2024, 1, 1);
    let today = jiff_today();
    let mut soon = leaf();
    soon.not_after = date_time_ymd(today.0, today.1, today.2);
    let (expired, soon) = (server(expired, &issuer).await, server(soon, &issuer).await);
    let text = stage.text();
    let at = |key: &str| {
        let line = text.lines().find(|l| l.starts_with(key)).unwrap();
        let url = line.split("url = \"").nth(1).unwrap().split('"').next().unwrap();
        format!("\"{url}\"")
    };
    let ours = ca.display().to_string();
    let demo = format!("{:?}", stage.config.with_file_name("vendors").join("ca.pem"));
    // One address whose certificate has expired, one that ends soon and whose clock is years off,
    // one that is asked with another authority than its own.
    let changed = text
        .replace(
            &format!("{{ url = {}, ca_file = {demo} }}", at("xod = ")),
            &format!("{{ url = \"https://localhost:{expired}\", ca_file = {ours:?} }}"),
        )
        .replace(
            &format!("{{ url = {}, ca_file = {demo} }}", at("graph = ")),
            &format!("{{ url = \"https://localhost:{soon}\", ca_file = {ours:?} }}"),
        )
        .replace(
            &format!("{{ url = {}, ca_file = {demo} }}", at("storage_platform = ")),
            &format!("{{ url = {}, ca_file = {ours:?} }}", at("storage_platform = ")),
        );
    let config = stage.other("changed.toml", &changed);
    let run = tokio::task::spawn_blocking(move || (stage.doctor(&config), stage));
    let (seen, stage) = run.await.unwrap();
    assert_eq!(seen.code, 2);
    seen.one("error", &["tls|", &format!("https://localhost:{expired} (groupcall)"), "expired"]);
    seen.one("error", &["tls|", "(redstor)", "not from an authority", "ca_file"]);
    seen.one("warning", &["tls|", &format!("https://localhost:{soon}"), "good until"]);
    seen.one("warning", &["clock|", &format!("https://localhost:{soon}"), "off the other vendors"]);
    assert!(seen.well("tls") > 3 && seen.well("sign_in") > 3, "the others are looked at");

    // An authority that is not there, and one that others can change.
    let gone = changed.replace(&format!("{ours:?} }}\nlogin"), "\"nowhere.pem\" }\nlogin");
    assert_ne!(gone, changed);
    std::fs::set_permissions(&ca, PermissionsExt::from_mode(0o666)).unwrap();
    let config = stage.other("gone.toml", &gone);
    let run = tokio::task::spawn_blocking(move || stage.doctor(&config));
    let seen = run.await.unwrap();
    assert_eq!(seen.code, 2);
    seen.one("error", &["config|", "gone.toml:", "services.welearn365", "nowhere.pem", "ca_file"]);
    seen.one("error", &["files|", "own-ca.pem", "chmod go-w"]);
    assert!(seen.well("sign_in") > 3, "the services that can be built are asked");
}

/// The configuration with the filter's alerts in a mailbox of this server.
fn with_mailbox(stage: &Stage, text: &str, host: &MailHost, more: &str) -> String {
    let ca = stage.config.with_file_name(format!("mail-{}.pem", host.port));
    std::fs::write(&ca, &host.ca_pem).unwrap();
    std::fs::set_permissions(&ca, PermissionsExt::from_mode(0o644)).unwrap();
    let alerts = text.lines().find(|l| l.starts_with("alerts = { drop")).unwrap();
    let imap = format!(
        "alerts = {{ mailbox = {{ imap = {{ host = 'localhost', port = {}, user = 'alerts', folder = \
         'INBOX/Alerts', credential = 'alerts', ca_file = {ca:?} {more} }} }} }}",
        host.port
    );
    text.replace(alerts, &imap)
}

#[tokio::test(flavor = "multi_thread")]
async fn controllers_and_mail_servers_are_reached_and_asked_to_let_us_in() {
    let stage = Arc::new(Stage::new());
    let password = |text: &str| {
        let path = stage.config.with_file_name("credentials").join("alerts");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        format!("[credentials.files]\nalerts = {path:?}")
    };
    let held = password("open sesame");
    let text = stage.text().replace("[credentials.files]", &held);
    let doctor = async |name: &str, text: &str| {
        let (stage, config) = (stage.clone(), stage.other(name, text));
        tokio::task::spawn_blocking(move || stage.doctor(&config)).await.unwrap()
    };
    let at = |host: &MailHost| format!("localhost:{} (smoothwall)", host.port);
    let first = text.split("controllers = [").nth(1).unwrap().split('"').nth(1).unwrap();
    assert!(first.starts_with("ldaps://"), "{first}");

    let host = MailHost::start(Door::Starttls, Certificate::Good).await.unwrap();
    let seen =
        doctor("mail.toml", &with_mailbox(&stage, &text, &host, ", security = 'starttls'")).await;
    assert_eq!((seen.told("error"), seen.code), (Vec::new(), 0), "{:?}", seen.told("warning"));
    for (area, subject) in [
        ("network", &format!("{first} (welearn365)")),
        ("tls", &format!("{first} (welearn365)")),
        ("sign_in", &format!("{first} (welearn365)")),
        ("network", &format!("imap://{}", at(&host))),
        ("tls", &format!("imap://{}", at(&host))),
        ("sign_in", &format!("imap://{}", at(&host))),
    ] {
        let found = seen.findings().find(|f| f["area"] == area && f["subject"] == **subject);
        assert!(found.is_some_and(|f| f["severity"] == "ok"), "{area} {subject}: {found:?}");
    }
    let heard = host.heard();
    assert!(heard.iter().all(|c| !c.contains("STORE") && !c.contains("SELECT ")), "{heard:?}");

    let before = host.heard().iter().filter(|c| c.starts_with("AUTHENTICATE")).count();

    // Each is told for what is wrong with it, and the other controller is still asked.
    let expired = MailHost::start(Door::Tls, Certificate::Expired).await.unwrap();
    let gone = "ldaps://127.0.0.1:9";
    let wrong = with_mailbox(&stage, &text, &expired, "").replace(first, gone);
    let seen = doctor("expired.toml", &wrong).await;
    seen.one("error", &["tls|", &format!("imaps://{}", at(&expired)), "expired", "ca_file"]);
    seen.one("error", &["network|ldaps://127.0.0.1:9 (welearn365)", "cannot connect", "firewall"]);
    let controllers = |seen: &Seen| {
        let all = seen.findings().filter(|f| f["area"] == "sign_in" && f["severity"] == "ok");
        all.filter(|f| f["subject"].as_str().unwrap().starts_with("ldaps://")).count()
    };
    assert_eq!((controllers(&seen), seen.code), (1, 2));

    // A password that is wrong is told, and is not tried again and again.
    password("open barley");
    let directory = stage.config.with_file_name("credentials").join("welearn365.directory");
    std::fs::write(&directory, "wrong").unwrap();
    let seen =
        doctor("refused.toml", &with_mailbox(&stage, &text, &host, ", security = 'starttls'"))
            .await;
    seen.one("error", &["sign_in|imap://", &at(&host), "caretaker secret set"]);
    let refused = seen.told("error").into_iter().filter(|f| f.starts_with("sign_in|ldaps://"));
    assert_eq!((refused.count(), controllers(&seen)), (2, 0), "{:?}", seen.told("error"));
    let tried = host.heard().iter().filter(|c| c.starts_with("AUTHENTICATE")).count();
    assert_eq!(tried, before + 1, "{:?}", host.heard());
    assert!(!seen.report.to_string().contains("barley"), "a credential is shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_only_have_to_read_are_told_when_they_may_do_more() {
    let stage = Arc::new(Stage::new());
    let path = stage.config.with_file_name("credentials").join("alerts");
    std::fs::write(&path, "open sesame").unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    let held = format!("[credentials.files]\nalerts = {path:?}");
    let text = stage.text().replace("[credentials.files]", &held);
    let doctor = async |name: &str, text: &str| {
        let (stage, config) = (stage.clone(), stage.other(name, text));
        tokio::task::spawn_blocking(move || stage.doctor(&config)).await.unwrap()
    };
    let host = MailHost::start(Door::Tls, Certificate::Good).await.unwrap();
    let seen = doctor("reads.toml", &with_mailbox(&stage, &text, &host, "")).await;
    let rights = |seen: &Seen, severity: &str, of: &str| {
        let all =
            seen.told(severity).into_iter().filter(|f| f.starts_with(&format!("rights|{of}|")));
        all.collect::<Vec<_>>().join("\n")
    };
    assert!(rights(&seen, "ok", "welearn365.directory").contains("it reads, is in no group"));
    assert!(rights(&seen, "note", "alerts").contains("no MYRIGHTS"), "{:?}", seen.told("note"));
    host.meddle(|command| match command {
        "CAPABILITY" => Some(Instead::Say(
            b"* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR ACL\r\n{tag} OK done\r\n".to_vec(),
        )),
        "MYRIGHTS \"INBOX/Alerts\"" => {
            Some(Instead::Say(b"* MYRIGHTS \"INBOX/Alerts\" lrt\r\n{tag} OK done\r\n".to_vec()))
        }
        _ => None,
    });
    let credentials = stage.config.with_file_name("credentials");
    let directory = credentials.join("welearn365.directory");
    std::fs::copy(credentials.join("welearn365.directory.act"), &directory).unwrap();
    let writes = "\"svc-caretaker@desk.test\"";
    assert!(text.contains(writes));
    // The two accounts in each other's place.
    let writes = text
        .replace("\"svc-caretaker-act@desk.test\"", "\"other\"")
        .replace(writes, "\"svc-caretaker-act@desk.test\"")
        .replace("\"other\"", "\"svc-caretaker@desk.test\"");
    let more = with_mailbox(&stage, &writes, &host, "");
    let seen = doctor("rights.toml", &more).await;
    let mail = rights(&seen, "warning", "alerts");
    assert!(mail.contains("mark messages as deleted (t)|take these rights away"), "{mail}");
    let account = rights(&seen, "warning", "welearn365.directory");
    assert!(account.contains("it may write to ") && account.contains("lockoutTime"), "{account}");
    assert_eq!((seen.told("error"), seen.code), (Vec::new(), 1));
}

#[test]
fn the_addresses_that_prove_the_filter_are_looked_at_from_where_they_prove_it() {
    let stage = Stage::new();
    let seen = stage.doctor(&stage.config);
    let proofs = |seen: &Seen, severity: &str| {
        let all = seen.findings().filter(|f| f["severity"] == severity && f["area"] == "network");
        let subject = |f: &Value| f["subject"].as_str().unwrap().to_owned();
        all.map(subject).filter(|s| s.starts_with("http://filter.invalid through http://")).count()
    };
    let text = stage.text();
    let appliances = text.matches("vantage = ").count();
    assert_eq!(proofs(&seen, "ok"), 2 * appliances, "what must be blocked and what must pass");
    // The first one's vantage is gone.
    let vantage = text.split("vantage = { proxy = ").nth(1).unwrap().split(' ').next().unwrap();
    let config = stage.other("gone.toml", &text.replace(vantage, "\"http://127.0.0.1:9\""));
    let seen = stage.doctor(&config);
    assert_eq!(proofs(&seen, "ok"), 2 * (appliances - 1));
    seen.one("error", &["network|http://filter.invalid through http://127.0.0.1:9", "firewall"]);
    assert_eq!(proofs(&seen, "note"), 1, "what a filter must refuse may be refused");
}

#[test]
fn a_drop_folder_that_anybody_can_write_to_is_told() {
    let stage = Stage::new();
    let folder = stage.config.with_file_name("vendors").join("drops/future_digital");
    let subject = format!("files|{} (future_digital)", folder.display());
    let seen = stage.doctor(&stage.config);
    assert!(seen.told("ok").iter().any(|f| f.starts_with(&subject)), "{:?}", seen.told("ok"));
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o777)).unwrap();
    let seen = stage.doctor(&stage.config);
    let remedy = format!("run: chmod o-w {}", folder.display());
    seen.one("error", &[&subject, "anybody on this host", &remedy]);
    assert_eq!(seen.code, 2);
}

/// A week from now: soon enough to be told, late enough to be good while the test runs.
#[expect(clippy::disallowed_methods, reason = "a test outside the program has only the real clock")]
fn jiff_today() -> (i32, u8, u8) {
    let day = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(7 * 24);
    let date = day.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    (i32::from(date.year()), u8::try_from(date.month()).unwrap(), u8::try_from(date.day()).unwrap())
}

#[test]
fn it_works_with_a_broken_configuration_without_one_and_beside_an_agent() {
    let stage = Stage::new();
    let broken = stage.other("broken.toml", &format!("thme = 1\n{}", stage.text()));
    let seen = stage.doctor(&broken);
    assert_eq!(seen.code, 2);
    seen.one("error", &["config|", "broken.toml:1:1|thme: unknown key", "rename or remove it"]);
    assert!(seen.well("terminal") > 0 && seen.well("environment") > 0);
    let open = stage.other("open.toml", &stage.text());
    std::fs::set_permissions(&open, PermissionsExt::from_mode(0o666)).unwrap();
    stage.doctor(&open).one("error", &["config|", "others can write", "chmod go-w"]);
    let none = stage.doctor(&stage.config.with_file_name("none.toml"));
    assert_eq!((none.code, none.report["config"].is_null()), (2, true));
    none.one("error", &["config|", "no configuration at", "config.example.toml"]);

    let config = stage.config.display().to_string();
    let args = ["--config", config.as_str(), "agent"];
    let mut child = caretaker(stage.home.path(), &args).stdout(Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let agent = Running(child);
    let slow = SlowReader::attach(Path::new(line.trim().rsplit(' ').next().unwrap()));
    let all = ["--config", config.as_str(), "doctor", "--json", "--offline"];
    let mut command = caretaker(stage.home.path(), &all);
    command.env("HTTPS_PROXY", "http://user:canary@proxy.example:3128").env("LANG", "C");
    let seen = Seen::of(&command.output().unwrap());
    assert_eq!(seen.code, 1, "{:?}", seen.told("error"));
    let held = seen.told("ok").into_iter().find(|f| f.contains("held by process")).unwrap();
    assert!(held.contains(&format!("process {pid},")), "{held}");
    assert!(seen.told("ok").iter().any(|f| f.starts_with("store|") && f.contains("is sound")));
    seen.one("warning", &["terminal|", "C.UTF-8"]);
    assert!(seen.told("note").iter().any(|n| n.contains("HTTPS_PROXY|is set, and ignored")));
    assert!(!seen.report.to_string().contains("canary"));
    slow.ends_with_the_board();
    drop(agent);
    // What it left behind when it was killed.
    let seen = Seen::of(&stage.run(&stage.config, &["--json", "--offline"]));
    seen.one("error", &["socket|", "no agent answers", "start the agent"]);
}

/// The document that the docs show has the keys that the program writes.
#[test]
fn the_docs_show_the_document_as_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/doctor-json.md")).unwrap();
    let json = text.split("```json").nth(1).unwrap().split("```").next().unwrap();
    let shown: Value = serde_json::from_str(json).unwrap();
    let home = tempfile::tempdir().unwrap();
    let output = caretaker(home.path(), &["doctor", "--json", "--offline"]).output().unwrap();
    let made = Seen::of(&output).report;
    let keys =
        |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(keys(&shown), keys(&made));
    assert_eq!(keys(&shown["findings"][0]), keys(&made["findings"][0]));
    assert_eq!(keys(&shown["summary"]), keys(&made["summary"]));
    let lists = made["findings"].as_array().unwrap();
    assert!(lists.iter().all(|f| text.contains(&format!("`{}`", f["area"].as_str().unwrap()))));
}
